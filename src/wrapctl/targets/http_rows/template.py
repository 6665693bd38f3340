"""The body of a row as a template: which placeholder stands where, filled in, and read back. Pure.

A member that is one placeholder holds the field with its JSON type. A member that is one placeholder between fixed
words holds it as text. Both can be read back. A member with two or more is written and never compared, so that each
field in it must stand in a member that can be: else a change of it would never be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wrapctl.config.values import Wrong, nearest, quoted
from wrapctl.model import Fields, Value
from wrapctl.targets.shared_rows import values

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "code": "code",
        "code_id": "code_id",
        "value": "value",
        "category": "category",
        "description": "description",
        "direction": "direction",
        "system": "system",
        "order": "order",
        "active": "active",
        "tags": "tags",
        "duration_seconds": "duration_ms",
        "status": "status",
        "when": "when",
        "translations": "translations",
        "key": "key",
        "timestamp": "timestamp",
    }
)
"""Placeholder → field of a row. ``{key}`` is the row's key with its prefix, ``{timestamp}`` when it is sent."""

KEY, TIMESTAMP = "key", "timestamp"
_SHAPED = frozenset({"tags", "when", "translations"})
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Slot:
    """A field's place in a text."""

    field: str


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the body: where it is, and the words and slots that it is made of."""

    path: tuple[str, ...]
    pieces: tuple[str | Slot, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        """The fields in it."""
        return tuple(piece.field for piece in self.pieces if isinstance(piece, Slot))

    @property
    def compared(self) -> str | None:
        """The field that can be read back from it, None when there is none."""
        slots = self.slots
        return slots[0] if len(slots) == 1 and slots[0] != TIMESTAMP else None

    @property
    def is_key(self) -> bool:
        """Whether it is the row's key and nothing else."""
        return self.pieces == (Slot(KEY),)

    @property
    def name(self) -> str:
        """``meta.code``."""
        return ".".join(self.path)


def members_of(body: Mapping[str, object]) -> tuple[Member, ...]:
    """Return the members of a template.

    Raises:
        Wrong: a placeholder is unknown, or stands where its field cannot.
    """
    found = tuple(_members(body, ()))
    if not found:
        raise Wrong("a body without members", "say what a row holds")
    for member in found:
        if len(member.pieces) > 1 and (bad := _SHAPED & set(member.slots)):
            raise Wrong(
                f"{member.name}: {{{min(bad)}}} cannot stand within a text", "give it a member of its own"
            )
    return found


def uncompared(members: tuple[Member, ...]) -> list[str]:
    """Return the fields that stand only where they cannot be read back, sorted."""
    held = {field for member in members for field in member.slots}
    return sorted(held - {KEY, TIMESTAMP} - {member.compared for member in members})


def kept_fields(members: tuple[Member, ...]) -> frozenset[str]:
    """Return the fields of a row that the template holds, the key among them."""
    held = {field for member in members for field in member.slots}
    return frozenset(held - {TIMESTAMP}) | {KEY}


def filled(members: tuple[Member, ...], row: Fields, key: str, timestamp: str) -> dict[str, object]:
    """Return the body of a row. ``key`` is the one with its prefix."""
    whole: Fields = {**row, KEY: key, TIMESTAMP: timestamp}
    body: dict[str, object] = {}
    for member in members:
        inner = body
        for part in member.path[:-1]:
            inner = inner.setdefault(part, {})  # type: ignore[assignment]  # members_of lets no member be both
        inner[member.path[-1]] = _filled(member, whole)
    return body


def read(members: tuple[Member, ...], body: Mapping[str, object]) -> dict[str, Value]:
    """Return the fields of a row that can be read back from a body, its key aside."""
    found: dict[str, Value] = {}
    for member in members:
        field = member.compared
        # The first member that holds a field speaks for it.
        if field is None or field == KEY or field in found:
            continue
        value = at(body, member.path)
        found[field] = _data(field, value) if len(member.pieces) == 1 else _within(member, field, value)
    return found


def at(body: object, path: tuple[str, ...]) -> object:
    """Return what stands at a path, None where there is nothing."""
    for part in path:
        body = body.get(part) if isinstance(body, Mapping) else None
    return body


def _members(body: Mapping[str, object], above: tuple[str, ...]) -> Iterator[Member]:
    for name, value in body.items():
        path = (*above, name)
        if isinstance(value, Mapping) and value and len(path) < _DEEPEST:
            yield from _members(value, path)
        elif isinstance(value, str):
            yield Member(path, tuple(_pieces(".".join(path), value)))
        else:
            raise Wrong(f"{'.'.join(path)} is no text", "write a text with placeholders such as {value}")


def _pieces(name: str, text: str) -> Iterator[str | Slot]:
    start, words = 0, ""
    for found in _PIECE.finditer(text):
        words += text[start : found.start()]
        start = found.end()
        if found[0] in {"{{", "}}"}:
            words += found[0][0]
            continue
        if found[1] not in PLACEHOLDERS:
            near = nearest(found[1] or "", PLACEHOLDERS)
            raise Wrong(
                f"{name}: {quoted(found[0])} is no placeholder",
                near or f"known: {', '.join(PLACEHOLDERS)}; a brace itself is written twice",
            )
        if words:
            yield words
        words = ""
        yield Slot(PLACEHOLDERS[found[1]])
    if words + text[start:] or not text:
        yield words + text[start:]


# ── one member ─────────────────────────────────────────────────────────────────────────────────────────────


def _filled(member: Member, row: Fields) -> object:
    if len(member.pieces) == 1 and isinstance(member.pieces[0], Slot):
        field = member.pieces[0].field
        return _json(field, row.get(field))
    return "".join(
        _word(piece.field, row.get(piece.field)) if isinstance(piece, Slot) else piece
        for piece in member.pieces
    )


def _json(field: str, value: Value) -> object:
    if field == "active":
        return value is not False
    if field == "tags":
        return [str(tag) for tag in value] if isinstance(value, tuple) else []
    if field == "when":
        return values.when_data(value)
    if field == "translations":
        return values.translations_data(value)
    if field == "duration_ms" and isinstance(value, int):
        return value // 1000 if value % 1000 == 0 else value / 1000
    return value if field == "order" or value is None else str(value)


def _word(field: str, value: Value) -> str:
    told = _json(field, value)
    if told is None:
        return ""
    return ("true" if told else "false") if isinstance(told, bool) else str(told)


def _data(field: str, value: object) -> Value:
    """Read a member that is one placeholder."""
    if field == "active":
        return value is True or value == "true" or (value == 1 and not isinstance(value, bool))
    if field == "tags":
        return values.tags_value(value)
    if field == "when":
        return values.when_value(value)
    if field == "translations":
        return values.translations_value(value)
    if field in {"order", "duration_ms"}:
        return _number(value, 1000 if field == "duration_ms" else 1)
    return value if value is None or isinstance(value, str) else values.json_text(value)


def _within(member: Member, field: str, value: object) -> Value:
    """Read a placeholder between fixed words; a text without those words is taken whole, so that it differs."""
    text = value if isinstance(value, str) else values.json_text(value) or ""
    place = next(n for n, piece in enumerate(member.pieces) if isinstance(piece, Slot))
    before = "".join(str(piece) for piece in member.pieces[:place])
    after = "".join(str(piece) for piece in member.pieces[place + 1 :])
    if len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after):
        text = text[len(before) : len(text) - len(after)]
    return _data(field, text) if text else _data(field, None)


def _number(value: object, scale: int) -> Value:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return str(value)
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None if value is None else values.json_text(value)
    return round(value * scale) if abs(value) < 1e15 else str(value)
