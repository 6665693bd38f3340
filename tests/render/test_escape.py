"""What comes from a platform or a file is harmless where it is printed, whatever it is."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from render.plans import patient
from wrapctl.errors import Problem, Source
from wrapctl.render import escape
from wrapctl.render import text as renderer

HOSTILE = (
    "\x1b[31mred",
    "\u202egnp.exe",
    "a\nb",
    "a\r\nb",
    "zero\u200bwidth",
    "\ud800",
    "\ufeffbom",
    "\u3164",
    "::set-output name=x::y",
    "  ::stop-commands::x",
    "##[group]x",
    "##vso[task.setvariable variable=x]y",
    "@octocat and #1 and org/repo#2 and 0123456789abcdef0123456789abcdef01234567",
    "[click](javascript:alert(1)) ![x](http://evil) <img src=x onerror=1> <!-- x -->",
    "| a | b |",
    "# heading",
    "- item",
    "> quote",
    "1. one",
    "``` fence",
    "`code`",
    "``two``",
    "`",
    "***bold***",
    "&lt;x&gt;",
    "www.example.com https://example.com",
    "trailing ",
    " leading",
    "two  spaces",
    "back\\slash",
    "\\x1b",
    "",
    " ",
    "---",
    "\u00a0",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(),
    st.text(alphabet=list("`|@#<>[]()*_~:\\ \n\r\t-+.!&\u202e\u200b\x1b\ud800a1\u00e9")),
    st.lists(st.sampled_from(HOSTILE)).map("".join),
)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@patient
@given(texts)
def test_nothing_invisible_reaches_a_terminal(text: str) -> None:
    printed = escape.terminal(text)
    assert "\n" not in printed
    for char in printed:
        emoji = "\U0001f000" <= char <= "\U0001faff"
        assert char == " " or emoji or unicodedata.category(char)[0] not in {"C", "Z"}, repr(char)
    assert printed == printed.strip()
    assert "  " not in printed
    printed.encode()


@patient
@given(texts)
def test_no_log_command_can_be_spelled(text: str) -> None:
    for printed in (escape.terminal(text), escape.quoted(text), escape.markdown(text)):
        assert "::" not in printed
        assert "##" not in printed
        assert not printed.startswith(":")


@patient
@given(texts, texts)
def test_two_different_names_never_print_alike(one: str, other: str) -> None:
    assert (escape.terminal(one) == escape.terminal(other)) == (one == other)


def test_escapes_say_what_was_there() -> None:
    assert escape.terminal("\x1b[31m\u202e\ud800\U000e0001 ") == "\\x1b[31m\\u202e\\ud800\\U000e0001\\x20"
    assert escape.terminal("a\nb\\c") == "a\\x0ab\\\\c"


def test_ordinary_names_are_left_as_they_are() -> None:
    for name in (
        "Répondeur_/_Non_réponse",
        "01.Traité",
        "PNAV: First attempt",
        "販売完了",
        "Sale 🎉",
        "O'Brien & Söhne",
    ):
        assert escape.terminal(name) == name


def test_a_long_name_is_shortened_and_says_how_long_it_is() -> None:
    printed = escape.quoted("x" * 10_240)
    assert printed == '"' + "x" * 160 + '…" (10,240 characters)'
    assert len(escape.markdown("\u202e" * 10_240)) < 1200


def test_names_that_differ_in_unicode_form_alone_can_be_told_apart() -> None:
    composed, decomposed = "R\u00e9pondeur", "Re\u0301pondeur"
    assert escape.looks_alike(composed, decomposed)
    assert not escape.looks_alike(composed, composed)
    assert escape.spelled(composed) == "R\\xe9pondeur"
    assert escape.spelled(decomposed) == "Re\\u0301pondeur"


@patient
@given(texts)
def test_markdown_makes_one_code_span_of_anything(text: str) -> None:
    """Wherever the name stands: in a paragraph, in a list, in a heading, in bold."""
    for around in ("before {} after", "- {}", "{}", "### {}", "- **{}**", "**+** create {} ({})"):
        spans = around.count("{}")
        tokens = MARKDOWN.parse(around.replace("{}", escape.markdown(text)))
        inline = [child for token in tokens for child in token.children or ()]
        codes = [child.content for child in inline if child.type == "code_inline"]
        assert codes == [_content(text)] * spans, around
        kinds = {child.type for child in inline} - {"code_inline", "text", "strong_open", "strong_close"}
        assert not kinds, around
        blocks = {token.tag for token in tokens if token.nesting >= 0 and token.tag}
        assert blocks <= {"p", "ul", "li", "h3"}, around


@patient
@given(st.lists(texts, min_size=2, max_size=2))
def test_a_markdown_table_keeps_its_cells(row: list[str]) -> None:
    cells = " | ".join(escape.markdown_cell(text) for text in row)
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {cells} |\n")
    bodies = [token for token in tokens if token.type == "td_open"]
    assert len(bodies) == 2
    assert next(token.tag for token in tokens if token.nesting > 0) == "table"
    assert not [token for token in tokens if token.type.startswith("html")]


@patient
@given(texts, texts, st.integers(1, 9999))
def test_a_github_annotation_is_one_line_and_one_command(path: str, message: str, line: int) -> None:
    printed = renderer.github([Problem(Source(path, line, 2), message, hint="do this")])
    assert printed.count("\n") == 1
    assert re.fullmatch(rf"::error file=[^,:]*,line={line},col=2::[^\n\r]*\n", printed)
    assert printed.count("::") == 2


def _content(text: str) -> str:
    """What a code span holds: spaces never stand at its ends, because they are escaped."""
    return escape.name(text) or '""'
