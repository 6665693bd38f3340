"""The pieces that a rendering is made of: our own words, and quoted things that came from outside.

The text and the Markdown renderer draw the same lines; what differs is how a piece is written. Whatever came
from a platform or a file is a ``Name`` or a ``Said``, never a ``str``, so that it cannot be printed unescaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from wrapctl.render import escape


@dataclass(frozen=True, slots=True)
class Name:
    """What people call something: quoted, so that it is seen where it begins and ends."""

    text: str
    spelled: bool = False
    """Show every character outside ASCII as an escape, because another name beside it prints alike."""


@dataclass(frozen=True, slots=True)
class Said:
    """Text that may hold anything, shown without quotes: a key, an id, a position, a message, a hint."""

    text: str
    limit: int = 2000


Part: TypeAlias = str | Name | Said


@dataclass(frozen=True, slots=True)
class Line:
    """One statement: a mark (``+ - ~ !`` or none), its parts, where it was written, and lines below it."""

    parts: tuple[Part, ...]
    mark: str = ""
    where: str = ""
    below: tuple[Line, ...] = ()
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines. ``fold``: Markdown shows it closed. ``danger``: what to look at first.

    ``about`` names what it is about, where that comes from outside.
    """

    title: str
    lines: tuple[Line, ...]
    fold: bool = False
    danger: bool = False
    count: int | None = None
    about: tuple[Part, ...] = ()

    def heading(self, write: Callable[[Part], str]) -> str:
        """The title, what it is about, and how many: ``CRM rows of salesforce (12)``."""
        about = f" {plain(self.about, write)}" if self.about else ""
        return f"{self.title}{about}" + (f" ({self.count:,})" if self.count is not None else "")


@dataclass(frozen=True, slots=True)
class Story:
    """A whole rendering in pieces: what stands on top, and the sections."""

    title: tuple[Part, ...]
    banner: str = ""
    head: tuple[Line, ...] = ()
    summary: tuple[Part, ...] = ()
    sections: tuple[Section, ...] = ()
    in_sync: bool = False


def line(
    *parts: Part, mark: str = "", where: str = "", below: Iterable[Line] = (), strong: bool = False
) -> Line:
    """Return a line from its parts."""
    return Line(parts, mark, where, tuple(below), strong)


def joined(parts: Iterable[Iterable[Part]], separator: str = ", ") -> list[Part]:
    """Return the groups of parts one after the other, separated."""
    result: list[Part] = []
    for group in parts:
        if result:
            result.append(separator)
        result.extend(group)
    return result


def some(things: list[list[Part]], limit: int) -> list[Part]:
    """Return the first ``limit`` things, and how many more there are."""
    shown = joined(things[:limit])
    if len(things) > limit:
        shown.append(f" and {len(things) - limit:,} more")
    return shown


def count(number: int, one: str, many: str = "") -> str:
    """``1 code``, ``2 codes``; ``many`` where an s does not do."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def as_text(part: Part) -> str:
    """One part for a terminal."""
    if isinstance(part, Name):
        return escape.quoted(part.text) if not part.spelled else f'"{escape.spelled(part.text)}"'
    return escape.name(part.text, part.limit) if isinstance(part, Said) else part


def as_markdown(part: Part) -> str:
    """One part for Markdown."""
    if isinstance(part, Name):
        return escape.markdown(part.text) if not part.spelled else escape.span(escape.spelled(part.text))
    return escape.markdown(part.text, part.limit) if isinstance(part, Said) else part


def as_html(part: Part) -> str:
    """One part for an HTML element inside of Markdown."""
    return part if isinstance(part, str) else escape.html_code(part.text)


def plain(parts: Iterable[Part], write: Callable[[Part], str] = as_text) -> str:
    """All parts in a row."""
    return "".join(write(part) for part in parts)
