from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.config.tree import MAX_DEPTH, Map, Node, Places, Seq, read
from wrapctl.config.values import flow
from wrapctl.errors import Source


def tree(text: str | bytes) -> tuple[Map | None, list[str]]:
    data = text.encode() if isinstance(text, str) else text
    root, problems = read(data, "f", Places())
    return root, [str(problem).replace("error: ", "") for problem in problems]


def values(text: str) -> Map:
    root, problems = tree(text)
    assert problems == []
    assert root is not None
    return root


def wrong(text: str | bytes) -> list[str]:
    return tree(text)[1]


def test_plain_scalars_are_text_exactly_as_written() -> None:
    root = values("a: No\nb: 0123\nc: 12:30\nd: 1\ne: 1e3\nf: true\ng: 2026-01-01\nh: .5\n")
    assert list(root.values()) == ["No", "0123", "12:30", "1", "1e3", "true", "2026-01-01", ".5"]


def test_only_the_tilde_null_and_nothing_are_null() -> None:
    root = values('a: ~\nb: null\nc:\nd: Null\ne: NULL\nf: ""\ng: "null"\nh: "~"\n')
    assert list(root.values()) == [None, None, None, "Null", "NULL", "", "null", "~"]


def test_keys_are_always_text() -> None:
    assert list(values("1: a\nNo: b\n~: c\nnull: d\n")) == ["1", "No", "~", "null"]


def test_every_value_keeps_file_line_and_column() -> None:
    places = Places()
    places.add("other")
    root, _ = read(b"a:\n  b: [x,  y]\n", "f", places)
    assert root is not None
    inner = root["a"]
    assert isinstance(inner, Map)
    items = inner["b"]
    assert isinstance(items, Seq)
    assert places.source(inner.key_marks["b"]) == Source("f", 2, 3)
    assert places.source(inner.value_marks["b"]) == Source("f", 2, 6)
    assert [places.source(mark) for mark in items.marks] == [Source("f", 2, 7), Source("f", 2, 11)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "f:2:1: the key `a` stands twice (first on line 1)"),
        ("a: {<<: {x: 1}}\n", "f:1:5: a merge key `<<` (use a set or `include` instead)"),
        ("a: !!str 1\n", "f:1:4: a YAML tag (values are text; remove the part that starts with `!`)"),
        ("a: !x {b: 1}\n", "f:1:4: a YAML tag (values are text; remove the part that starts with `!`)"),
        ("a: 1\n---\nb: 2\n", "f:2:1: a second document (one document per file: remove `---`)"),
        ("? [a, b]\n: c\n", "f:1:3: a key that is not plain text (write it out)"),
        ("a: *nobody\n", "f:1:4: the alias `*nobody` has no anchor before it (write the value out)"),
        ("a: &a [*a]\n", "f:1:8: the alias `*a` has no anchor before it (write the value out)"),
        ("a:\n\tb: 1\n", "f:2:1: a tab in the indentation (YAML is indented with spaces only)"),
        ("a:\n  \tb: 1\n", "f:2:3: a tab in the indentation (YAML is indented with spaces only)"),
        (b"a: 1\nb: \xc3\xa9\xff\n", "f:2:5: byte 0xff is not UTF-8 (save the file as UTF-8)"),
        (b"a: x\x01\n", "f:1:5: a control character (U+0001) (remove it)"),
        ("", "f:1:1: the file is empty (start with `kind:`, or remove the file)"),
        ("- a\n", "f:1:1: the file is not a map (it must start with `kind:`)"),
        ("hello\n", "f:1:1: the file is not a map (it must start with `kind:`)"),
        ("a: [1, 2\nb: 3\n", "f:1:4: a list `[` that is never closed, or lacks a comma"),
        ('a: "b\n', "f:1:4: a quote that is never closed"),
        ("a: @b\n", "f:1:4: text cannot start with `@` (put it in quotes)"),
        (
            "a: PNAV: First\n",
            "f:1:8: a `:` where no key can stand (check the indentation; text that contains `: ` needs quotes)",
        ),
        ("a: 1\nfoo\nb: 2\n", "f:2:1: a line that is neither `key: value` nor `- item` (is a `:` missing?)"),
    ],
)
def test_what_is_refused_says_where_and_what_to_do(text: str | bytes, message: str) -> None:
    assert message in wrong(text)


def test_small_offences_are_all_reported_and_the_rest_is_kept() -> None:
    root, problems = tree("a: 1\na: 2\nb: !!int 3\nc: {<<: *x}\nd: 4\n")
    assert len(problems) == 4
    assert root == {"a": "1", "b": "3", "c": {}, "d": "4"}


def test_ten_thousand_open_brackets_stop_at_the_depth_limit() -> None:
    assert wrong("[" * 10_000) == [
        f"f:1:{MAX_DEPTH + 1}: nested deeper than 40 levels (is a bracket never closed?)"
    ]


def test_depth_counts_through_aliases() -> None:
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 200))]
    assert "nested deeper than 40 levels" in wrong("\n".join(lines))[0]


def test_an_alias_bomb_is_counted_without_being_expanded() -> None:
    row = ",".join(["*b{}"] * 10)
    lines = [
        "b0: &b0 [x,x,x,x,x,x,x,x,x,x]",
        *(f"b{i}: &b{i} [{row.format(*[i - 1] * 10)}]" for i in range(1, 30)),
    ]
    started = time.process_time()
    assert "more than 1,000,000 values once aliases are expanded" in wrong("\n".join(lines))[0]
    assert time.process_time() - started < 0.5


def test_aliases_within_the_limits_are_the_value_that_they_name() -> None:
    assert values("a: &x [1, 2]\nb: *x\nc: &n ~\nd: *n\n") == {
        "a": ["1", "2"],
        "b": ["1", "2"],
        "c": None,
        "d": None,
    }


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_text_that_is_written_comes_back_as_it_was(text: str) -> None:
    root: Node = values(f"a: [{flow(text)}]\n{flow('k' + text)}: {flow(text)}\n")
    assert root == {"a": [text], "k" + text: text}


@given(st.binary(max_size=60))
def test_no_input_makes_the_reader_crash(data: bytes) -> None:
    read(data, "f", Places())


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#?,\n \t~<"), max_size=40))
def test_no_yaml_like_input_makes_the_reader_crash(text: str) -> None:
    read(text.encode(), "f", Places())
