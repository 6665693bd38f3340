r"""Make text from a platform or a file harmless where it is printed.

Whoever can rename a code in the platform's UI, or open a pull request, writes text that ends up on a terminal, in
a pull request and in a CI log. All of it goes through here, and only here.

What cannot be seen is shown as ``\x1b`` or ``\u202e``, and a backslash as ``\\``, so that two different names
never print alike.
"""

from __future__ import annotations

import html
import re
import unicodedata

MAX_NAME = 160
"""Characters of one name that are printed; a longer one says how long it is."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by category that print as nothing: fillers, joiners, the blank Braille cell."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Categories that print as nothing, move the cursor, or turn the reading direction."""

_ORDINARY = re.compile(r"[!-\[\]-~]+(?: [!-\[\]-~]+)*")

_COMMAND = re.compile(r"^:|(?<=:):|(?<=#)#")
"""What starts a log command: ``::set-output`` (GitHub), ``##[group]`` (GitHub, Azure), ``##vso[``, ``##teamcity[``.

Some runners look for it anywhere in a line, and word wrapping can move it to the start of one, so it never
appears, wherever it stands.
"""

_BACKTICKS = re.compile(r"`+")


def terminal(text: str) -> str:
    r"""Return ``text`` on one line, with everything that does not print as itself shown as an escape.

    Control, bidi, zero-width, newline and private characters and lone surrogates become ``\xNN``, ``\uNNNN`` or
    ``\UNNNNNNNN``; so do spaces at either end, after another space, and spaces that are not U+0020. The result
    starts no log command of a CI runner.
    """
    if not _ORDINARY.fullmatch(text):
        last = len(text) - 1
        text = "".join(
            _escaped(char) if _hidden(char, index, last, text) else ("\\\\" if char == "\\" else char)
            for index, char in enumerate(text)
        )
    return _COMMAND.sub(lambda found: _escaped(found.group()), text)


def verbatim(line: str) -> str:
    """Return one line of a file or a trace as ``terminal`` does, but with its spaces and backslashes as they are."""
    if not line.isascii() or not line.isprintable():
        line = "".join(
            char if char == " " or not _hidden(char, 1, 3, "    ") else _escaped(char) for char in line
        )
    return _COMMAND.sub(lambda found: _escaped(found.group()), line)


def name(text: str, limit: int = MAX_NAME) -> str:
    """Return ``text`` as ``terminal`` does, shortened to about ``limit`` characters with its length said."""
    if len(text) <= limit:
        return terminal(text)
    return f"{terminal(text[:limit])}… ({len(text):,} characters)"


def quoted(text: str, limit: int = MAX_NAME) -> str:
    """Return ``text`` as ``name`` does, in double quotes; those inside are escaped."""
    if len(text) <= limit:
        return '"' + terminal(text).replace('"', '\\"') + '"'
    inside = terminal(text[:limit]).replace('"', '\\"')
    return f'"{inside}…" ({len(text):,} characters)'


def looks_alike(one: str, other: str) -> bool:
    """Whether two different texts print alike: the same but for their Unicode form."""
    return one != other and unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


def spelled(text: str) -> str:
    """Return ``text`` with every character outside ASCII as an escape, to tell apart what prints alike."""
    return "".join(char if char.isascii() else _escaped(char) for char in terminal(text))


def markdown(text: str, limit: int = MAX_NAME) -> str:
    """Return ``text`` as a Markdown code span: no link, mention, HTML, table, heading or list comes out of it.

    Inside a code span nothing is markup, and hosts link neither mentions nor issue numbers nor hashes there. A
    pipe is the one exception, inside tables: use ``markdown_cell`` there.
    """
    return span(name(text, limit))


def span(inside: str) -> str:
    """Return escaped text as a code span, fenced with more backticks than it holds."""
    longest = max((len(run) for run in _BACKTICKS.findall(inside)), default=0)
    fence = "`" * (longest + 1)
    if not inside:
        return '`""`'  # an empty span is no span, and a blank one looks like a mistake
    pad = " " if inside[0] == "`" or inside[-1] == "`" else ""
    return f"{fence}{pad}{inside}{pad}{fence}"


def markdown_cell(text: str, limit: int = MAX_NAME) -> str:
    r"""Return ``text`` as ``markdown`` does, for a cell of a table: a pipe is shown as ``\x7c``.

    ``\|`` would do on GitHub alone; other hosts cut the cell there.
    """
    return span(name(text, limit).replace("|", "\\x7c"))


def html_code(text: str, limit: int = MAX_NAME) -> str:
    """Return ``text`` as an HTML ``code`` element, for a place where Markdown is not read (``summary``).

    Hosts link neither mentions nor addresses inside of it.
    """
    return f"<code>{html.escape(name(text, limit))}</code>"


def command_data(text: str) -> str:
    """Return the message of a GitHub log command: percent and line ends encoded as its runner decodes them."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Return a property of a GitHub log command: as ``command_data``, and colon and comma too."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def _hidden(char: str, index: int, last: int, text: str) -> bool:
    if char == " ":
        return index in {0, last} or text[index - 1] == " "
    if char in _INVISIBLE or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f":
        return True
    # Emoji of the next Unicode version are unassigned to this Python, and print all the same.
    return unicodedata.category(char) in _HIDDEN and not "\U0001f000" <= char <= "\U0001faff"


def _escaped(char: str) -> str:
    number = ord(char)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
