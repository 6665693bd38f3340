"""Rows of ``interaction_wrap_up_code`` in normal form and back, and what an upsert says of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Value
from wrapctl.rows import LiveRow, Place
from wrapctl.targets.servicenow.options import Columns
from wrapctl.targets.value_list import key_of

Body: TypeAlias = dict[str, Any]

ID = "sys_id"
COUNT = "sys_mod_count"

FIELDS_KEPT = frozenset({"key", "system", "value", "description", "active"})
"""What a place keeps. Translations are not among them: they can be sent and never read (contract, ``Row``)."""
FIELDS_SENT = frozenset({"translations"})
"""What goes out with the rest and is never compared."""

_WORDS = ("message", "error_message", "error", "errors", "detail", "reason")
_SAYING = 8
"""Letters from which on a part of a message is taken for a reason."""
_BAD = ("error", "fail", "invalid", "reject", "refuse")


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def live_row(body: Body, place: Place, columns: Columns) -> LiveRow:
    """Return a row in normal form. It is ours when its description ends in the place's mark, which is taken off.

    Raises:
        IncompleteRead: a column is missing. The Table API leaves out what it does not know and what the client may
            not see, without a word.
    """
    missing = [name for name in (ID, COUNT, *columns.all) if name not in body]
    if missing:
        raise IncompleteRead(
            f"ServiceNow sent a wrap-up code without {' and '.join(missing)}",
            hint="let the client read these columns, or say under the target's `columns` what they are called",
        )
    row_id, code = str(body[ID]), _text(body, columns.code)
    if not row_id or set(row_id) & set(",^=@"):
        raise IncompleteRead("ServiceNow sent a wrap-up code whose sys_id is none")
    description, mine = unmarked(_text(body, columns.description).replace("\r\n", "\n"), place)
    fields: dict[str, Value] = {
        "key": key_of(code, row_id),
        "system": place.system if mine else None,
        "value": code or None,
        "description": description or None,
        "active": _text(body, columns.active).lower() in {"true", "1"},
    }
    return LiveRow(key=key_of(code, row_id), id=row_id, fields=fields, mine=mine, token=str(body[COUNT]))


def _text(body: Body, column: str) -> str:
    value = body[column]
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    if not isinstance(value, str):
        raise IncompleteRead(f"ServiceNow sent a wrap-up code whose {column} is not text")
    return value


def count(token: object) -> int | None:
    """Return a ``sys_mod_count`` as a number, None when it is none."""
    text = str(token)
    return int(text) if text.isascii() and text.isdigit() else None


# ── whose rows ─────────────────────────────────────────────────────────────────────────────────────────────


def marked(description: str | None, place: Place) -> str:
    """Return a description with the place's mark behind it: the table has no column for it."""
    mark = f"[{place.marker}]"
    return f"{description} {mark}" if description else mark


def unmarked(text: str, place: Place) -> tuple[str, bool]:
    """Return a description without the place's mark, and whether it had it."""
    mark = f"[{place.marker}]"
    if text == mark:
        return "", True
    if text.endswith(f" {mark}"):
        return text.removesuffix(f" {mark}"), True
    return text, False


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def upsert_item(fields: Fields, place: Place) -> Body:
    """Return one item of the bulk upsert, with all that a row keeps: what is left out may be reset."""
    item: Body = {
        "code": fields.get("value"),
        "description": marked(_or_none(fields.get("description")), place),
        "active": fields.get("active") is not False,
    }
    found = translations(fields)
    return {**item, "translations": found} if found else item


def translations(fields: Fields) -> list[Body]:
    """Return the translations of a row as the upsert takes them.

    The description of a translation is required where the row has one (contract, ``Translation``), and with the mark
    every row has: a translation without its own gets the row's.
    """
    found = fields.get("translations")
    made: list[Body] = []
    for one in found if isinstance(found, tuple) else ():
        if isinstance(one, tuple) and len(one) == 3:
            language, value, description = one
            made.append(
                {
                    "language": language,
                    "code": value,
                    "description": _or_none(description) or _or_none(fields.get("description")) or value,
                }
            )
    return made


def table_body(fields: Fields, place: Place, columns: Columns) -> Body:
    """Return a row as the Table API takes it."""
    return {
        columns.code: fields.get("value"),
        columns.description: marked(_or_none(fields.get("description")), place),
        columns.active: "false" if fields.get("active") is False else "true",
    }


def _or_none(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None


# ── what an upsert says ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    """What the answer to a bulk upsert says: label → sys_id of what was stored, label → words of what was refused."""

    stored: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    message: str = ""


def said(value: object, labels: Iterable[str], *, partly: bool) -> Said:
    """Read an ``UpsertResult`` item by item. ``labels`` are those that were sent, ``partly``: not all were stored (207).

    The contract says where stored codes are, and of refused ones only that there are some: whatever names a label and
    has no sys_id, or stands in a list of errors, is a refusal; so is what only the message names. What is named nowhere
    is neither.
    """
    sent = sorted(labels, key=len, reverse=True)
    result = value.get("result") if isinstance(value, dict) else None
    if not isinstance(result, dict):
        return Said()
    stored: dict[str, str] = {}
    refused: dict[str, str] = {}
    message = result.get("message")
    general = message.strip() if isinstance(message, str) else ""
    for name, item in _items(result):
        label, words, row_id = _one(item, sent)
        if label is None:
            continue
        if row_id and not any(bad in name.lower() for bad in _BAD) and not words:
            stored[label] = row_id
        else:
            refused[label] = words or general or "refused without a word"
    left = [label for label in sent if label not in stored and label not in refused]
    for label, words in named(general, left) if partly else ():
        refused.setdefault(label, words)
    return Said({label: stored[label] for label in stored if label not in refused}, refused, general)


def named(message: str, labels: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the labels (the longest first) that a message names, each with what the message says about it.

    A label inside of another's is not named. What is said of one ends where the next begins; where hardly anything is
    said there, the whole message is.
    """
    places: list[tuple[int, int, str]] = []
    for label in labels:
        start = message.find(label)
        while start >= 0:
            end = start + len(label)
            if not any(start < other_end and other < end for other, other_end, _ in places):
                places.append((start, end, label))
                break
            start = message.find(label, start + 1)
    places.sort()
    for number, (_, end, label) in enumerate(places):
        following = places[number + 1][0] if number + 1 < len(places) else len(message)
        words = message[end:following].strip(" \t\r\n:;,.'\"`-")
        yield label, words if len(words) >= _SAYING else message


def _items(result: Body) -> Iterator[tuple[str, object]]:
    for holder in (result, result.get("result_map"), result.get("resultMap")):
        for name, value in holder.items() if isinstance(holder, dict) else ():
            if isinstance(value, list):
                yield from ((name, item) for item in value)
            elif isinstance(value, dict) and any(bad in name.lower() for bad in _BAD):
                yield from ((name, {"code": label, "message": words}) for label, words in value.items())


def _one(item: object, sent: list[str]) -> tuple[str | None, str, str]:
    """Label, words and sys_id of one item; no label when it names none that was sent."""
    if isinstance(item, str):
        return next((label for label in sent if label in item), None), item, ""
    if not isinstance(item, dict):
        return None, "", ""
    label, row_id = item.get("code"), item.get(ID)
    words = next((_words(item[name]) for name in _WORDS if _words(item.get(name))), "")
    known = label if isinstance(label, str) and label in sent else None
    return known, words, row_id if isinstance(row_id, str) else ""


def _words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words, value)))
    if isinstance(value, dict):
        return next((_words(value[name]) for name in _WORDS if _words(value.get(name))), "")
    return ""
