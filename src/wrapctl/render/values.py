"""Managed fields as lines: only those that differ, before → after."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from wrapctl.model import Fields, Ref, Value
from wrapctl.plan.diff import differing
from wrapctl.render import escape
from wrapctl.render.parts import Line, Name, Part, Said, joined, line

_CONTEXT = 24
_LIST = 12
_TITLES = {
    "acw": "after-call work",
    "outbound": "outbound flags",
    "queues": "on queues",
}
_WORDS = frozenset({"prompt", "outbound"})
"""Fields whose values are words of a fixed list, shown without quotes."""

_FIRST = ("name", "description", "division", "category")


def shown(before: Fields, after: Fields) -> list[str]:
    """Return the fields whose values differ, in the order in which a person reads them."""
    return sorted(differing(before, after), key=_rank)


def field_lines(before: Fields, after: Fields) -> Iterator[Line]:
    """Yield one line for each field that differs: ``title: before → after``."""
    for key in shown(before, after):
        yield line(title(key), ": ", *transition(key, before, after))


def title(key: str) -> Part:
    """What a field is called in a sentence. A saved plan can hold any key, so only plain words are ours."""
    words = _TITLES.get(key, key.removesuffix("_ms").replace("_", " "))
    return words if words.replace(" ", "").isalpha() and words.isascii() else Said(words)


def transition(key: str, before: Fields, after: Fields) -> list[Part]:
    """Return ``before → after`` of one field, or the one side that there is."""
    old, new = before.get(key), after.get(key)
    if key not in before:
        return value(key, new)
    if key not in after:
        return value(key, old)
    if isinstance(old, str) and isinstance(new, str) and key not in _WORDS:
        first, second = contrast(old, new)
        return [*first, " → ", *second]
    if isinstance(old, tuple) and isinstance(new, tuple) and sorted(map(repr, old)) != sorted(map(repr, new)):
        added = tuple(item for item in new if item not in old)
        gone = tuple(item for item in old if item not in new)
        if old and new and len(added) + len(gone) < len(new):
            parts = [["adds ", *value(key, added)]] if added else []
            parts += [["takes off ", *value(key, gone)]] if gone else []
            return joined(parts, "; ")
    return [*value(key, old), " → ", *value(key, new)]


def contrast(old: str, new: str) -> tuple[list[Part], list[Part]]:
    """Return two texts so that the difference shows: long ones from where they differ, alike ones spelled out."""
    start = 0
    if max(len(old), len(new)) > escape.MAX_NAME:
        same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
        start = max(0, (min(len(old), len(new)) if same is None else same) - _CONTEXT)
    alike = escape.looks_alike(old, new)
    return _from(old, start, spelled=alike), _from(new, start, spelled=alike)


def value(key: str, what: Value) -> list[Part]:
    """Return one value in pieces: times with a unit, lists with commas, ids by what they are called."""
    if what is None or what == ():
        return ["none"]
    if isinstance(what, bool):
        return ["yes" if what else "no"]
    if isinstance(what, int):
        return [f"{what / 1000:g} s" if key.endswith("_ms") else str(what)]
    if isinstance(what, Ref):
        return [Said(unquote(what.address.rpartition("/")[2])), " (new)"]
    if isinstance(what, tuple):
        parts = joined(value(key, item) for item in what[:_LIST])
        return [*parts, f" and {len(what) - _LIST:,} more"] if len(what) > _LIST else parts
    return [Said(what) if key in _WORDS else Name(what)]


def _from(text: str, start: int, *, spelled: bool) -> list[Part]:
    if spelled:
        text = text[: start + escape.MAX_NAME]
    if not start:
        return [Name(text, spelled=spelled)]
    return [f"from character {start + 1:,}: ", Name(text[start:], spelled=spelled)]


def _rank(key: str) -> tuple[int, str]:
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)
