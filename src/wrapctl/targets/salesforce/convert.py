"""Between records of a custom object and rows in normal form, and the queries that read them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TypeAlias
from urllib.parse import quote

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Value
from wrapctl.rows import LiveRow, Place
from wrapctl.targets.salesforce.options import TEXT_MAX, SalesforceTarget, columns
from wrapctl.targets.shared_rows import keys, values

Record: TypeAlias = Mapping[str, object]

ID = "Id"
CHANGED = "SystemModstamp"
"""The date that decides about ``If-Unmodified-Since``: never before ``LastModifiedDate``, so that no edit is missed."""

QUERY_BYTES = 6_000
"""Keys in one query, as the URL carries them. With its other words and the headers that is well under 16 kB."""

_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one system's rows lie in an object: ``columns`` maps the fields that are kept to fields of the object."""

    system: str
    table: str
    key: str
    prefix: str
    columns: Mapping[str, str]

    @property
    def fields(self) -> frozenset[str]:
        """The normalised fields that are kept."""
        return frozenset(self.columns) | {"key"}

    def kept(self, key: str) -> str:
        """The external id of a row."""
        return keys.kept_key(self.prefix, key, TEXT_MAX)


def layout(place: Place, options: SalesforceTarget) -> Layout:
    """Return how the rows of a place lie."""
    prefix = keys.prefix_of(place, options.prefix)
    return Layout(place.system, options.object, options.key, prefix, columns(options))


# ── queries ────────────────────────────────────────────────────────────────────────────────────────────────


def text_literal(text: str) -> str:
    """Return a text as it stands in a query, its quotes included."""
    return "'" + "".join(_ESCAPED.get(c, c) for c in text) + "'"


def prefix_literal(text: str) -> str:
    """Return the pattern of ``LIKE`` for what starts with a text: its wildcards are escaped."""
    inner = text_literal(text)[1:-1].replace("%", "\\%").replace("_", "\\_")
    return f"'{inner}%'"


def query(where: Layout, condition: str = "") -> str:
    """Return the query of rows: one row's own fields and the date of its last change."""
    names = ", ".join((ID, where.key, *where.columns.values(), CHANGED))
    tail = f" WHERE {condition}" if condition else ""
    return f"SELECT {names} FROM {where.table}{tail}"  # noqa: S608 names are [A-Za-z0-9_] by options, texts escaped


def own(where: Layout) -> str:
    """Return the condition of the rows under the prefix."""
    return f"{where.key} LIKE {prefix_literal(where.prefix)}"


def by_keys(where: Layout, wanted: Iterable[str], most: int) -> list[str]:
    """Return the conditions that together name all ``wanted`` keys, each short enough for a URL."""
    chunks: list[list[str]] = [[]]
    size = 0
    for key in sorted(wanted):
        literal = text_literal(where.kept(key))
        length = len(quote(literal, safe="")) + 6
        if chunks[-1] and (len(chunks[-1]) == most or size + length > QUERY_BYTES):
            chunks.append([])
            size = 0
        chunks[-1].append(literal)
        size += length
    return [f"{where.key} IN ({', '.join(chunk)})" for chunk in chunks if chunk]


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def live_row(where: Layout, record: Record) -> LiveRow:
    """Return a record in normal form; one that is not under the prefix keeps the key that Salesforce has.

    Raises:
        IncompleteRead: it has no id or no date, without which nothing could be written under a lock.
    """
    row_id, changed = record.get(ID), record.get(CHANGED)
    if not isinstance(row_id, str) or not row_id:
        raise IncompleteRead(f"Salesforce sent a row of {where.table} without its Id")
    token = http_date(changed)
    if not token:
        raise IncompleteRead(f"Salesforce sent the row {row_id} of {where.table} without {CHANGED}")
    fields = {name: _READ.get(name, _text)(record.get(column)) for name, column in where.columns.items()}
    kept = record.get(where.key)
    external = kept if isinstance(kept, str) and kept else row_id
    mine = keys.own_key(where.prefix, external, fields, TEXT_MAX)
    key = external if mine is None else mine
    return LiveRow(key, row_id, {**fields, "key": key}, mine=mine is not None, token=token)


def http_date(stamp: object) -> str:
    """Return ``2026-01-31T10:00:00.000+0000`` as a header has it; nothing where it is no date."""
    try:
        when = datetime.fromisoformat(str(stamp))
        return format_datetime(when.astimezone(UTC), usegmt=True) if when.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


def _text(value: object) -> Value:
    """Nothing and an empty text are one there; a text area may come back with the line breaks of Windows."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n") or None
    return None if value is None else str(value)


def _number(value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _text(value)
    return round(value) if abs(value) < 1e15 else str(value)


def _milliseconds(value: object) -> Value:
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return _number(value * 1000) if numeric and isinstance(value, (int, float)) else _text(value)


def _tags(value: object) -> Value:
    if not isinstance(value, str):
        return () if value is None else str(value)
    return tuple(sorted({tag for tag in value.split(";") if tag}))


_READ: Mapping[str, Callable[[object], Value]] = {
    "order": _number,
    "duration_ms": _milliseconds,
    "active": lambda value: value is True,
    "tags": _tags,
    "when": lambda value: values.when_value(values.from_json(value)),
    "translations": lambda value: values.translations_value(values.from_json(value)),
}


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def new_record(where: Layout, row: Fields) -> dict[str, object]:
    """Return the record that makes a row, as a collection of one type takes it."""
    body: dict[str, object] = {"attributes": {"type": where.table}, where.key: where.kept(str(row["key"]))}
    return body | {column: written(name, row.get(name)) for name, column in where.columns.items()}


def changed_members(where: Layout, before: Fields, after: Fields) -> dict[str, object]:
    """Return the members that a change writes; no other is sent."""
    return {
        column: written(name, after.get(name))
        for name, column in where.columns.items()
        if name in after and (name not in before or before[name] != after[name])
    }


def written(name: str, value: Value) -> object:
    """Return what is written for one field of a row."""
    if name == "active":
        return value is not False
    if name == "tags":
        return ";".join(str(tag) for tag in value) or None if isinstance(value, tuple) else None
    if name == "when":
        return values.json_text(values.when_data(value))
    if name == "translations":
        return values.json_text(values.translations_data(value))
    if name == "duration_ms" and isinstance(value, int):
        return value // 1000 if value % 1000 == 0 else value / 1000
    if name == "order":
        return value
    return None if value is None or value == "" else str(value)


def external(where: Layout, row: LiveRow) -> str:
    """Return the external id of a row that was read."""
    return where.kept(row.key) if row.mine else row.key
