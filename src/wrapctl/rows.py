"""What CRM systems hold, in normal form: rows and the tables that keep them. Frozen values, no I/O, no clock.

Two kinds of places keep rows. A *mapping table* keeps one row for each code or rule, under a key of wrapctl's own.
A *value list* is the CRM's own list of dispositions: one row for each value, whichever codes map to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from wrapctl.model import NO_FIELDS, Fields, Value

TO_CRM = "to_crm"
FROM_CRM = "from_crm"

ROW_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "key": "names the row within its mapping: `to/CODE`, `from/…`, `value/…`; text",
        "direction": "`to_crm` or `from_crm`",
        "system": "the mapping's system",
        "code": "the code's key in the files; `default` for what is not mapped; text",
        "code_id": "the code's live id, written from the receipt; text (a Ref until apply, None for `default`)",
        "value": "what the CRM calls it; text; None on rules",
        "status": "a rule's status, `*` is any; text",
        "when": "a rule's conditions: ((field, (value, …)), …), sorted",
        "description": "text or None",
        "translations": "((language, value, description or None), …), sorted by language",
        "category": "the code's category; text or None",
        "tags": "the code's tags, those of its category included; sorted texts",
        "duration_ms": "after-call work to record; whole number or None",
        "order": "a rule's place from 1; first match wins; whole number",
        "active": "whether the CRM offers it",
    }
)
"""Every field that a normalised row may have, and what it holds. A place keeps some of them (``Rows.fields``)."""


def alike(one: Value, other: Value) -> bool:
    """Whether two values of a row's field mean the same.

    Nothing, an empty text and an empty list do: hardly a CRM tells them apart, so that no row is written for it.
    """
    return one == other or (one in _EMPTY and other in _EMPTY)


_EMPTY: tuple[Value, ...] = (None, "", ())


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One row as a CRM holds it. ``fields`` has every normalised field that its place keeps.

    ``key`` is the row's own within the mapping (``to/SALE``) where it is wrapctl's, else whatever the CRM names it
    by. ``id`` is the CRM's id. ``mine``: it carries this mapping's marker or key prefix; nothing else is ever
    changed or removed. ``token`` is what the server compares in a conditional write, as this read gave it.
    """

    key: str
    id: str
    fields: Fields = NO_FIELDS
    mine: bool = True
    token: str = ""


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table that wrapctl may create or extend. ``id`` is None while there is none.

    ``columns`` are those that it has, ``lacks`` those that rows need and it has not, in the order to add them.
    ``trouble``: why it can be neither created nor extended nor used as it is, in words; nothing when it can.
    """

    name: str
    id: str | None
    columns: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """What one system's place holds, as far as it was read: ``complete`` says whether that is all of its rows.

    ``fields`` are the normalised fields that this place keeps, whatever its rows hold, ``sent`` those that it takes
    and never gives back: they go out with what else is written, and nothing is written for them. ``value_list``: one row for
    each value (see above). ``compared`` is False where nothing can be read back: rows are sent, never compared.
    ``most``: how many rows the place can hold, foreign ones included. ``total``: how many it holds, where a read
    of some rows told it.
    """

    fields: frozenset[str]
    rows: tuple[LiveRow, ...] = ()
    complete: bool = True
    table: LiveTable | None = None
    value_list: bool = False
    compared: bool = True
    most: int | None = None
    total: int | None = None
    sent: frozenset[str] = frozenset()


NO_ROWS: Mapping[str, Rows] = MappingProxyType({})
NO_REASONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of one system are kept on a connection: what its mapping says, and whose rows they are.

    ``owner`` is the org's name: with ``system`` it makes the key prefix or marker, so that several orgs and
    systems can share a place. ``options`` are the target's own keys under ``target`` in the mapping.
    """

    system: str
    owner: str
    options: Fields = field(default_factory=lambda: NO_FIELDS)

    @property
    def marker(self) -> str:
        """``wrapctl:acme-emea/salesforce``: the mark of this mapping's rows."""
        return f"wrapctl:{self.owner}/{self.system}"
