"""Listing pages (contract section 4): default 25, an over-large size silently capped, URIs beside the entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from wrapctl.sandbox.genesys.errors import invalid_value
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_SIZE = 25


@dataclass(frozen=True, slots=True)
class Query:
    """A request's query string: every name with all its values, in order."""

    values: Mapping[str, list[str]]

    def one(self, name: str, default: str = "") -> str:
        """Return the first value."""
        found = self.values.get(name)
        return found[0] if found else default

    def many(self, name: str) -> list[str]:
        """Return all values of a repeated parameter; the official SDKs also join them with commas."""
        return [item for text in self.values.get(name, []) for item in text.split(",") if item]

    def number(self, name: str, default: int) -> int:
        """Return a whole number from 1 up."""
        text = self.one(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 1 << 31:
            raise invalid_value(text, name, "whole numbers from 1")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """Return a boolean parameter, or None when it is not given."""
        text = self.one(name).lower()
        if text not in {"", "true", "false"}:
            raise invalid_value(text, name, "true, false")
        return {"true": True, "false": False}.get(text)

    def choice(self, name: str, *allowed: str) -> str:
        """Return one of the allowed values (the first is the default)."""
        text = self.one(name, allowed[0])
        for item in allowed:
            if item.lower() == text.lower():
                return item
        raise invalid_value(text, name, ", ".join(allowed))


@dataclass(frozen=True, slots=True)
class Page:
    """What page was asked for, and what is granted of it."""

    number: int
    size: int
    path: str
    query: Query

    @classmethod
    def of(cls, query: Query, path: str, cap: int) -> Page:
        """Read ``pageNumber`` and ``pageSize``; the size is capped without a word (section 4)."""
        return cls(
            query.number("pageNumber", 1), min(query.number("pageSize", DEFAULT_SIZE), cap), path, query
        )

    @property
    def offset(self) -> int:
        """How many entities come before this page."""
        return (self.number - 1) * self.size

    def text(self, entities: Iterable[str], total: int) -> str:
        """Return the body of the page from entities that are JSON text already."""
        count = -(-total // self.size)
        tail: dict[str, object] = {"pageSize": self.size, "pageNumber": self.number, "total": total}
        tail["firstUri"] = self._uri(1)
        if self.number < count:
            tail["nextUri"] = self._uri(self.number + 1)
        if self.number > 1:
            tail["previousUri"] = self._uri(self.number - 1)
        tail |= {"lastUri": self._uri(max(count, 1)), "selfUri": self._uri(self.number), "pageCount": count}
        return '{"entities":[' + ",".join(entities) + "]," + dumps(tail)[1:]

    def _uri(self, number: int) -> str:
        rest = [
            (name, value)
            for name, values in self.query.values.items()
            for value in values
            if name not in {"pageNumber", "pageSize"}
        ]
        return f"{self.path}?{urlencode([('pageSize', self.size), ('pageNumber', number), *rest])}"


def name_filter(pattern: str, column: str, *, leading: bool) -> tuple[str, list[str | int]]:
    """Return an SQL condition for a name with asterisks at its end (and its start, where allowed).

    Case is ignored: no source says whether the platform does, and the wider answer is the one that catches a
    client which takes the first entity for the one it asked for.
    """
    text = pattern.casefold()
    front = leading and text.startswith("*") and len(text) > 1
    back = text.endswith("*")
    bare = text[1 if front else 0 : -1 if back else None]
    if front and back:
        return f"instr({column}, ?) > 0", [bare]
    if front:
        return f"substr({column}, -?) = ?", [len(bare), bare]
    if back:
        return f"substr({column}, 1, ?) = ?", [len(bare), bare]
    return f"{column} = ?", [bare]
