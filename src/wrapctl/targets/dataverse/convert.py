"""Rows of ``msdyn_ocdispositioncode`` in normal form and back. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Value
from wrapctl.rows import LiveRow, Place
from wrapctl.targets.dataverse.options import DataverseTarget
from wrapctl.targets.value_list import key_of

Body: TypeAlias = dict[str, Any]

ID = "msdyn_ocdispositioncodeid"
NAME = "msdyn_name"
CODE_VALUE = "msdyn_dispositioncodevalue"
ALL_WORKSTREAMS = "msdyn_appliestoallworkstreams"
STATE = "statecode"
STATUS = "statuscode"
MANAGED = "ismanaged"
ETAG = "@odata.etag"

SELECT = f"{ID},{NAME},{CODE_VALUE},{STATE},{STATUS},{MANAGED}"
"""The columns of a listing; the ETag comes with every row unasked."""

_ACTIVE: Mapping[str, int] = {STATE: 0, STATUS: 1}
_INACTIVE: Mapping[str, int] = {STATE: 1, STATUS: 2}
# A change of state names both (contract, `statecode` and `statuscode`): each status belongs to one state.


def fields_kept(options: DataverseTarget) -> frozenset[str]:
    """Return the normalised fields that a place keeps."""
    kept = frozenset({"key", "system", "value", "active"})
    return kept | {"description"} if options.name == "description" else kept


# ── whose rows ─────────────────────────────────────────────────────────────────────────────────────────────


def row_id(place: Place, value: str, held: Mapping[str, Value]) -> str:
    """Return the id of a new row for ``value``: UUID version 8, made of the place's marker and the value.

    The table has no column to mark a row in, so that its id does. The same value makes the same id, so that the
    server itself refuses to create it twice. ``held``: live id → value; an id under which another value lives now
    belongs to a row that was renamed, and the next one is taken.
    """
    number = 0
    while True:
        number += 1
        seed = value if number == 1 else f"{value}\x00{number}"
        rest = int.from_bytes(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:10], "big")
        found = _uuid8(_owner(place), rest)
        if held.get(found, value) == value:
            return found


def is_mine(place: Place, found: str) -> bool:
    """Whether an id was made by ``row_id`` for this place."""
    text = found.lower().replace("-", "")
    if len(text) != 32 or text[12] != "8" or text[16] not in "89ab":
        return False
    return text.startswith(f"{_owner(place):012x}")


def _owner(place: Place) -> int:
    return int.from_bytes(hashlib.sha256(place.marker.encode()).digest()[:6], "big")


def _uuid8(first: int, rest: int) -> str:
    """RFC 9562, section 5.8: 48 bits, version, 12 bits, variant, 62 bits."""
    text = f"{first:012x}8{rest >> 68:03x}{0x2 << 62 | rest & (1 << 62) - 1:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def live_row(body: Body, place: Place, options: DataverseTarget) -> LiveRow:
    """Return a row in normal form.

    Rows of managed solutions are never ours, whatever their id: their columns belong to who ships them.

    Raises:
        IncompleteRead: it has no id, or no ETag, without which nothing could be written under a lock.
    """
    found, etag = body.get(ID), body.get(ETAG)
    if not isinstance(found, str) or not found:
        raise IncompleteRead("Dataverse sent a disposition without its id")
    if not isinstance(etag, str) or not etag.strip() or etag.strip() == "*":
        raise IncompleteRead(f"Dataverse sent the disposition {found} without an ETag")
    value = _text(body, CODE_VALUE)
    name = _text(body, NAME)
    mine = is_mine(place, found) and body.get(MANAGED) is not True
    fields: dict[str, Value] = {
        "key": key_of(value, found),
        "system": place.system if mine else None,
        "value": value,
        "active": body.get(STATE) != _INACTIVE[STATE],
    }
    if options.name == "description":
        fields["description"] = None if name == value else name
    return LiveRow(key=key_of(value, found), id=found, fields=fields, mine=mine, token=etag)


def _text(body: Body, column: str) -> str | None:
    value = body.get(column)
    return value if isinstance(value, str) and value else None


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def name_of(fields: Fields, options: DataverseTarget) -> str:
    """Return what a row is called."""
    description = fields.get("description")
    if options.name == "description" and isinstance(description, str) and description:
        return description
    return str(fields.get("value") or "")


def new_body(fields: Fields, options: DataverseTarget) -> Body:
    """Return the body that makes a row. New rows are active by themselves."""
    body: Body = {NAME: name_of(fields, options), CODE_VALUE: fields.get("value")}
    if options.all_workstreams:
        body[ALL_WORKSTREAMS] = True
    if fields.get("active") is False:
        body |= _INACTIVE
    return body


def changed_body(before: Fields, after: Fields, options: DataverseTarget) -> Body:
    """Return the columns that differ: one that is sent counts as written, even with the value that it had."""
    body: Body = {}
    if before.get("value") != after.get("value"):
        body[CODE_VALUE] = after.get("value")
    if name_of(before, options) != name_of(after, options):
        body[NAME] = name_of(after, options)
    if (before.get("active") is False) != (after.get("active") is False):
        body |= _INACTIVE if after.get("active") is False else _ACTIVE
    return body
