"""The frozen values that the whole program speaks in: what is wanted, what is live, what would change.

No I/O, no clock, no vendor. Field names of codes and queues (``name``, ``description``, ``division`` …) are the
field's common words; a target's ``convert`` translates them, its ``CAPABILITIES`` say which it can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, NewType, TypeAlias
from urllib.parse import quote

from wrapctl.empty import Empty
from wrapctl.policy import DEFAULT, Allowance, Policy

if TYPE_CHECKING:
    from datetime import date

    from wrapctl.errors import Source
    from wrapctl.rows import Rows

Address = NewType("Address", str)
"""Where a change happens: ``org/code/KEY``, ``org/queue/LABEL/code/KEY``; parts are escaped."""

ALL_DIVISIONS = "*"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A live id that is known only after apply: the id that the change at ``address`` will have made."""

    address: Address


Scalar = None | bool | int | str
Value: TypeAlias = "Scalar | Ref | tuple[Value, ...]"
"""What a managed field may hold. Sets are sorted tuples, so that equal values have equal bytes."""

Fields = Mapping[str, Value]
NO_FIELDS: Fields = Empty()


class Verb(Enum):
    """What a change does. Member order is the order of work.

    Names are freed, then taken; pointers follow what they point at; removals go last, pointers first.
    """

    UPDATE_CODE = "update code"
    CREATE_CODE = "create code"
    ASSIGN = "assign"
    REORDER = "reorder"
    SET_ACW = "set after-call work"
    SET_OUTBOUND = "set outbound flags"
    CREATE_TABLE = "create table"
    EXTEND_TABLE = "extend table"
    CREATE_ROW = "create row"
    UPDATE_ROW = "update row"
    UNASSIGN = "unassign"
    DEACTIVATE_ROW = "deactivate row"
    DELETE_ROW = "delete row"
    DEACTIVATE_CODE = "deactivate code"
    DELETE_CODE = "delete code"

    rank: int
    """Position in the order of work, from 0."""

    # Members are single objects: identity is a hash too, and the one of Enum costs a call for each of 136,000 changes.
    __hash__ = object.__hash__


for _rank, _verb in enumerate(Verb):
    _verb.rank = _rank


class State(StrEnum):
    """What becomes of a change: done by apply, held back with a reason, or left to a person with instructions.

    ``HELD`` is ready, and nobody approved it (``plan.review``).
    """

    READY = "ready"
    BLOCKED = "blocked"
    MANUAL = "manual"
    HELD = "held"


class Lock(StrEnum):
    """How a write is kept from overwriting somebody else's (README, "Locks")."""

    VERSION = "version"
    CONDITIONAL = "conditional"
    COMPARE = "compare"
    UNIQUE = "unique"
    SENT = "sent, not compared"


class Cause(StrEnum):
    """Why a change stands in the plan."""

    FILES = "files"
    VALIDITY = "validity date"
    PRUNE = "prune"
    EXACT = "exact list"
    LIVE = "live"


# ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────


def escape(part: str) -> str:
    """Return one part of an address with ``/``, ``%``, control and space characters percent-encoded.

    Letters of every script stay readable; ``~`` marks an id and is encoded in names.
    """
    if part.isascii() and part.replace("-", "").replace("_", "").isalnum():
        return part
    return "".join(c if (c.isalnum() or c in "-_.:") else quote(c, safe="") for c in part)


def code_address(org: str, key: str) -> Address:
    """``acme-emea/code/SALE_ENT_50K``."""
    return Address(f"{org}/code/{escape(key)}")


def live_code_address(org: str, code_id: str) -> Address:
    """Address of a live code that the files do not declare: ``acme-emea/code/~<id>``."""
    return Address(f"{org}/code/~{escape(code_id)}")


def queue_address(org: str, label: str) -> Address:
    """``acme-emea/queue/enterprise-sales``."""
    return Address(f"{org}/queue/{escape(label)}")


def live_queue_address(org: str, queue_id: str) -> Address:
    """Address of a live queue that the files do not declare: ``acme-emea/queue/~<id>``."""
    return Address(f"{org}/queue/~{escape(queue_id)}")


def link_address(queue: Address, code: Address) -> Address:
    """``acme-emea/queue/enterprise-sales/code/NO_ANSWER`` from a queue's and a code's address."""
    return Address(f"{queue}/code/{code.rpartition('/')[2]}")


def row_address(org: str, system: str, key: str) -> Address:
    """``acme-emea/crm/salesforce/to%2FNO_ANSWER``."""
    return Address(f"{org}/crm/{escape(system)}/{escape(key)}")


def table_address(org: str, system: str) -> Address:
    """``acme-emea/crm/salesforce/table``: every row's key holds a slash, so that none is called that."""
    return Address(f"{org}/crm/{escape(system)}/table")


# ── what is wanted ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Code:
    """A wrap-up code as the files want it. ``fields`` holds declared managed fields only (absent: not managed).

    ``fields`` always has ``name``; flags stand in ``outbound`` alone, which is an object of its own on the platform.
    ``previously`` is None when left out, and ``()`` when the file says ``previously: []``.
    """

    key: str
    name: str
    source: Source
    fields: Fields = NO_FIELDS
    absent: bool = False
    id: str | None = None
    previously: tuple[str, ...] | None = None
    unassign_everywhere: bool = False
    valid_from: date | None = None
    valid_through: date | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()
    outbound: tuple[str, ...] | None = None
    crm: Mapping[str, str] = field(default_factory=dict)

    def valid_on(self, day: date) -> bool:
        """Whether agents are offered the code on ``day`` (bounds inclusive)."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_through is None or day <= self.valid_through
        )


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's assignments and after-call work as the files want them.

    ``codes``: keys in the order of the file with sets expanded, None when left out (not managed).
    ``after_call_work``: normalised fields (``prompt``, ``timeout_ms`` …) that are declared, None when left out.
    """

    label: str
    name: str
    source: Source
    id: str | None = None
    previously: tuple[str, ...] = ()
    codes: tuple[str, ...] | None = None
    additive: bool = False
    after_call_work: Fields | None = None
    media: tuple[str, ...] | None = None
    codes_source: Source | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that the files say about one org, resolved: includes merged, sets expanded, tags derived.

    ``codes`` are sorted by key, ``queues`` by label. ``digest`` is over the content; ``manual`` is left to a person.
    """

    org: str
    platform: str
    codes: tuple[Code, ...]
    queues: tuple[Queue, ...]
    policy: Policy = DEFAULT
    organization_id: str | None = None
    allowances: tuple[Allowance, ...] = ()
    crm: tuple[CrmMapping, ...] = ()
    digest: str = ""
    manual: frozenset[Verb] = frozenset()


@dataclass(frozen=True, slots=True)
class CrmRow:
    """One mapping row as the files want it; ``fields`` are the normalised row's (``rows.ROW_FIELDS``).

    All of them but ``code_id``, which only the plan knows. ``code`` is the key of the code that the row names, None
    for the default. ``previously``: former values, so that a value list renames instead of adding and removing.
    """

    key: str
    source: Source
    code: str | None
    fields: Fields = NO_FIELDS
    previously: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrmMapping:
    """The rows of one CRM system. ``target`` names the kind of system that keeps them.

    ``connection`` is one of the org's ("" where the platform keeps the rows), ``options`` the target's own keys.
    """

    system: str
    target: str
    rows: tuple[CrmRow, ...]
    source: Source
    connection: str = ""
    on_remove: str = "deactivate"
    options: Fields = NO_FIELDS


# ── what is live ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Identity:
    """The organization as its API reports it."""

    id: str
    name: str
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class LiveCode:
    """A live wrap-up code in normal form. ``fields`` holds every field that the target can manage."""

    id: str
    name: str
    fields: Fields
    reserved: bool = False

    @property
    def division(self) -> str | None:
        """The division's name, None where the platform has none."""
        value = self.fields.get("division")
        return value if isinstance(value, str) else None

    @property
    def active(self) -> bool:
        """Whether agents can be offered it; always, where the platform has no such switch."""
        return self.fields.get("active") is not False


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """A live queue in normal form; ``after_call_work`` has every manageable field, an inactive one is not in use."""

    id: str
    name: str
    division: str | None = None
    after_call_work: Fields = NO_FIELDS
    media: tuple[str, ...] | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Division:
    """A division, and how many codes and queues the platform counts in it (None: it does not say)."""

    id: str
    name: str
    codes: int | None = None
    queues: int | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What a platform holds, as far as it was read.

    ``links`` maps a queue's id to the ids of its codes, for the queues whose links were read, in the platform's
    order where it keeps one and sorted where not. ``link_names`` names the codes seen on queues.
    ``outbound`` maps code ids to flags, complete for all ``codes``; None where the platform has no mapping.
    ``choices`` maps a field to the names that the platform offers for it, for the fields that were asked for.
    ``complete_codes`` and ``complete_queues`` say whether those listings are the whole (visible) org.
    ``crm`` maps a CRM system to its rows, for the systems that were asked for and read; ``unread`` the others to
    why they could not be read: what is not read is never empty.
    """

    identity: Identity
    codes: tuple[LiveCode, ...] = ()
    queues: tuple[LiveQueue, ...] = ()
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    link_names: Mapping[str, str] = field(default_factory=dict)
    outbound: Mapping[str, tuple[str, ...]] | None = None
    outbound_default: tuple[str, ...] = ()
    divisions: tuple[Division, ...] = ()
    complete_codes: bool = True
    complete_queues: bool = True
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crm: Mapping[str, Rows] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan looks at: code keys and queue labels; None is all of them.

    ``crm`` are the systems whose rows are looked at as a whole; of the others, in a scoped plan, only the rows of
    codes in scope are.
    """

    codes: frozenset[str] | None = None
    queues: frozenset[str] | None = None
    crm: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether the plan is about the whole org."""
        return self.codes is None and self.queues is None


# ── what would change ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ChangeId:
    """What names a change within its plan: one verb at one address."""

    verb: Verb
    address: Address

    def __str__(self) -> str:
        return f"{self.verb.value} {self.address}"


ROW_VERBS = frozenset({Verb.CREATE_ROW, Verb.UPDATE_ROW, Verb.DEACTIVATE_ROW, Verb.DELETE_ROW})
TABLE_VERBS = frozenset({Verb.CREATE_TABLE, Verb.EXTEND_TABLE})


# Not frozen, alone among these values: a plan may hold 136,000, and a frozen one costs five times as much to make.
# Only ``plan.order`` completes them, before anybody else sees them.
@dataclass(slots=True)
class Change:
    """One change of one object.

    ``before`` and ``after`` hold all managed fields of the object ({} before a create, {} after a delete).
    A link (assign, unassign) has ``parent`` = its queue's live id, ``live_id`` = its code's (None: not yet
    created) and ``{"code": id or Ref}`` on the side where it exists. Outbound flags of a code that is yet to be
    created carry ``"code": Ref`` beside ``"outbound"``.
    ``label`` is what people call it; ``within`` what they call the object that holds it.
    ``needs`` are the changes without which this one must not be tried, always earlier in the plan.
    ``by_hand`` says how a person would do it, for verbs that a tenant may not honour.
    ``system`` is the CRM system of a row or a table, nothing for everything else; rows have no ``parent``, their
    ``before`` and ``after`` are normalised rows (``rows.ROW_FIELDS``), ``key`` always among them.
    ``digest`` covers organization, address, parent, live id, verb, before and after, nothing else.
    """

    verb: Verb
    address: Address
    before: Fields
    after: Fields
    live_id: str | None = None
    parent: str | None = None
    label: str = ""
    within: str = ""
    cause: Cause = Cause.FILES
    source: Source | None = None
    lock: Lock = Lock.COMPARE
    state: State = State.READY
    reason: str = ""
    needs: tuple[ChangeId, ...] = ()
    digest: str = ""
    by_hand: str = ""
    system: str = ""

    @property
    def id(self) -> ChangeId:
        """Verb and address."""
        return ChangeId(self.verb, self.address)

    @property
    def renames(self) -> bool:
        """Whether the object gets another name."""
        return self.verb is Verb.UPDATE_CODE and self.before.get("name") != self.after.get("name")

    @property
    def reactivates(self) -> bool:
        """Whether an inactive code becomes active again: taken up where the platform deletes nothing."""
        return self.verb is Verb.UPDATE_CODE and self.before.get("active") is False
