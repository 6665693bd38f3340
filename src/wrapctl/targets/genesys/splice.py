"""Change one member of a JSON text and leave every other byte as it is. Pure.

A queue is written back whole, with members that wrapctl does not know. Parsing and dumping them again would
change numbers (``1.0``, ``1E3``), escapes and duplicate keys; cutting the text does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t\n\r]*")
_scan = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class _Item:
    """A member or an element: where it starts (a member with its key), and where its value starts and ends."""

    key: str | int
    start: int
    value: int
    end: int


def put(text: str, path: Path, raw: str) -> str:
    """Return ``text`` with the member at ``path`` set to the JSON text ``raw``, appended where it is missing.

    Text whose parent is missing, or is no object, comes back unchanged. ``text`` must be valid JSON.
    """
    found = _find(text, path[:-1])
    key = path[-1]
    if found is None or not isinstance(key, str) or text[found] != "{":
        return text
    items = list(_items(text, found))
    for item in reversed(items):  # of duplicate keys the last one counts
        if item.key == key:
            return text[: item.value] + raw + text[item.end :]
    member = f"{json.dumps(key, ensure_ascii=False)}:{raw}"
    if items:
        return text[: items[-1].end] + "," + member + text[items[-1].end :]
    return text[: found + 1] + member + text[found + 1 :]


def drop(text: str, path: Path) -> str:
    """Return ``text`` without the member at ``path``; unchanged when there is none."""
    found = _find(text, path[:-1])
    if found is None or text[found] not in "{[":
        return text
    items = list(_items(text, found))
    for place in reversed(range(len(items))):
        if items[place].key == path[-1]:
            start, end = items[place].start, items[place].end
            if place + 1 < len(items):
                end = items[place + 1].start
            elif place:
                start = items[place - 1].end
            text = text[:start] + text[end:]
            items = list(_items(text, found))
    return text


def cut(text: str, path: Path) -> str | None:
    """Return the JSON text of the value at ``path``, None when there is none."""
    found = _find(text, path)
    return None if found is None else text[found : _scan(text, found)[1]]


def _find(text: str, path: Path) -> int | None:
    at = _skip(text, 0)
    for key in path:
        if text[at] not in "{[":
            return None
        places = [item.value for item in _items(text, at) if item.key == key]
        if not places:
            return None
        at = places[-1]
    return at


def _items(text: str, at: int) -> Iterator[_Item]:
    is_object = text[at] == "{"
    at = _skip(text, at + 1)
    index = 0
    while text[at] not in "}]":
        start, key = at, index
        if is_object:
            name, at = _scan(text, at)
            at = _skip(text, _skip(text, at) + 1)
        _, end = _scan(text, at)
        yield _Item(name if is_object else key, start, at, end)
        index += 1
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
