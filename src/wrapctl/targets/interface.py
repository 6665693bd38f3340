"""What a target is: plain data about its abilities, a Reader, a Writer, and what passes between.

A target is one folder that knows one API. The engine sees the protocols below and never a vendor's name.
Nothing here imports an HTTP library.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from wrapctl.empty import Empty
from wrapctl.model import NO_FIELDS, ChangeId, Fields, Identity, Live, Lock, Verb
from wrapctl.targets import traffic as counts

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from wrapctl.errors import PlatformAnswer
    from wrapctl.plan.units import Unit
    from wrapctl.rows import Place


NOTHING: frozenset[str] = frozenset()

# ── capabilities: plain data ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Fold:
    """How many changes one write carries.

    Changes whose verbs share ``group`` may travel in one write when they share ``scope``: ``one`` (each alone),
    ``queue`` (all of one queue) or ``org`` (all; of rows: all of one system). ``size`` bounds them (None: no bound). A write costs
    ``requests`` requests, its own reads included.
    """

    group: str
    scope: Literal["one", "queue", "org"] = "one"
    size: int | None = None
    requests: int = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can hold and do.

    ``code_fields`` and ``queue_fields`` map a common field name to where it lands (shown in the README).
    A verb that is missing from ``verbs`` cannot be done; ``locks`` says how each is protected.
    ``reserved`` are globs of names that belong to the platform, ``timed_out`` is the one that stands in figures where
    an agent's time ran out. ``page`` is the page size to ask for.

    ``activation``: nothing is deleted; codes have a field ``active``. A declared code wants it true, so that an
    inactive one of its name is taken up again instead of being created twice.
    ``behavioural``: field → what a change of it steers; such an update is shown among the first things to look at.
    ``later``: fields that a create cannot carry → what they are after it. The writer sends a second write for them.
    ``chosen``: fields whose values the platform offers by name, known only from the org → what one is called.
    ``manual``: verbs that a tenant may not honour → how a person does it (``{queue}``, ``{code}``, ``{place}``,
    ``{order}``). When a write of one did not take, the change ends as a manual step; ``manual_hint`` says what to
    declare so that it is not tried again.
    ``name_max``: the longest name of a code. ``links_with_queues``: a read of queues brings their links along.
    ``ids_per_request``: how many objects one request can look up by id.

    A CRM target has no code or queue fields. ``row_fields`` says where each normalised field of a row can land,
    ``value_list`` that it keeps the CRM's own list of values (``wrapctl.rows``), ``directions`` which rows it can
    keep. ``text_max`` bounds the length of a row's fields. ``rows_max``: how many rows the place can hold.
    ``rows_per_request``: how many rows one request can look up by key, 0 where only the listing can.
    ``inside``: the platform that keeps the rows itself, so that no connection is needed.
    ``systems``, of an org's platform: CRM system → what keeps its rows.
    """

    name: str
    title: str
    code_fields: Mapping[str, str]
    queue_fields: Mapping[str, str]
    verbs: Mapping[Verb, Fold]
    locks: Mapping[Verb, Lock]
    reserved: tuple[str, ...] = ()
    timed_out: str = ""
    ordered_links: bool = False
    divisions: bool = False
    outbound: bool = False
    page: int = 100
    activation: bool = False
    behavioural: Mapping[str, str] = Empty()
    later: Fields = NO_FIELDS
    chosen: Mapping[str, str] = Empty()
    manual: Mapping[Verb, str] = Empty()
    manual_hint: str = ""
    name_max: int | None = None
    links_with_queues: bool = False
    ids_per_request: int = 50
    row_fields: Mapping[str, str] = Empty()
    value_list: bool = False
    directions: frozenset[str] = NOTHING
    text_max: Mapping[str, int] = Empty()
    rows_max: int | None = None
    rows_per_request: int = 1
    inside: str = ""
    systems: Mapping[str, Capabilities] = Empty()

    def lock(self, verb: Verb) -> Lock:
        """The lock kind of a verb, compare where nothing else is said."""
        return self.locks.get(verb, Lock.COMPARE)

    def of(self, system: str) -> Capabilities:
        """What keeps the rows of a system; the platform itself for everything else (no system).

        Raises:
            KeyError: nothing keeps rows of that system.
        """
        return self.systems[system] if system else self


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Want:
    """What to read. ``codes`` and ``queues`` are live ids; None is the whole listing, empty is nothing.

    ``code_names``: additionally codes of exactly these names (before creating them).
    ``links``: ids of the queues whose links are wanted; those of other queues may come along where a listing
    brings them anyway. ``divisions``: divisions with their counts. ``choices``: fields whose offered names are wanted.
    ``rows``: CRM system → keys of the rows that are wanted, None is all of them, none is its table alone; foreign
    rows of a wanted key are wanted too. A value list is asked by ``value/<value>``.
    """

    codes: frozenset[str] | None = NOTHING
    code_names: frozenset[str] = NOTHING
    queues: frozenset[str] | None = NOTHING
    links: frozenset[str] = NOTHING
    outbound: bool = False
    divisions: bool = False
    choices: frozenset[str] = NOTHING
    rows: Mapping[str, frozenset[str] | None] = Empty()


class Reader(Protocol):
    """Reads one org."""

    def identity(self) -> Identity:
        """The organization as the API reports it."""
        ...

    def read(self, want: Want) -> Live:
        """All of what is wanted.

        A code or queue asked for by id that does not exist is simply not in the answer.

        Raises:
            TargetError: anything less than all was read (``IncompleteRead``: a listing was cut or moved).
        """
        ...


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


class Result(StrEnum):
    """What one write did to one change, as the target classifies the platform's answer."""

    DONE = "done"
    STALE = "stale"
    """The platform, or the writer's own last look, found another state than the one planned from."""
    BUSY = "busy"
    """Refused for now (an object in use, a limit); the next run may do it."""
    EXISTS = "exists"
    """A create met an object of that name; the engine reads and adopts or reports it."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Sent, and no usable answer came."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one change. ``live_id`` is set by a create. ``fatal`` stops the run (auth, identity).

    ``body_before`` is the raw body that a whole-object write replaced, for the journal; ``overwritten`` names
    members that changed although nobody here touched them ("possible overwrite").
    """

    id: ChangeId
    result: Result
    live_id: str | None = None
    message: str = ""
    hint: str = ""
    answer: PlatformAnswer | None = None
    request_id: str = ""
    now: Fields | None = None
    body_before: Mapping[str, object] | None = None
    overwritten: tuple[str, ...] = ()
    fatal: bool = False


class Writer(Protocol):
    """Writes one unit at a time; made only by apply."""

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        What the platform answers is never raised. Only ``Interrupted`` may come out, before anything was sent.

        Every Ref in the unit is resolved. ``fresh`` is what was read a moment ago: members that a body must
        carry and the change does not write come from there.
        """
        ...


# ── evidence ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, order=True)
class AuditEntry:
    """One line of a platform's own audit trail, in the field's words.

    ``at`` is UTC, ISO 8601 with milliseconds and ``Z``. ``actor_id`` is the platform's id of who did it, ``actor_kind`` a person
    (``user``) or a client; ``actor_name`` is empty where it was not asked for. ``action`` is the platform's word
    in lower case. ``kind`` is code, queue, assignment, after-call work, outbound, row, table or other; ``id`` and
    ``name`` are the object's: of an assignment and of after-call work the queue's, of flags the code's. ``parent``
    is the table's id where the object is in one. ``changes`` are (field, old values, new values).
    """

    at: str
    actor_id: str
    actor_kind: Literal["user", "client", "unknown"]
    action: str
    kind: str
    id: str
    name: str = ""
    parent: str = ""
    actor_name: str = ""
    changes: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """How often one code was chosen on one queue, and what that took.

    ``code`` is a live id, a word of the platform's own where time or a dialler chose (``ININ-WRAP-UP-TIMEOUT``), or
    nothing; ``queue`` a live id, or nothing. ``handle_ms`` is over all ``conversations``, ``acw_ms`` over those
    ``worked`` on afterwards.
    """

    code: str
    queue: str
    conversations: int
    handle_ms: int = 0
    acw_ms: int = 0
    worked: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """All uses between two times, one for each code and queue, sorted."""

    uses: tuple[Use, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, order=True)
class Dependant:
    """Something that names a code or a queue: ``kind`` in a word (flow, script, queue, row, …)."""

    kind: str
    id: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Dependants:
    """What is known to name an object. Not ``complete``: there may be more, and ``why`` that is not known."""

    known: tuple[Dependant, ...] = ()
    complete: bool = True
    why: str = ""


class Evidence(Protocol):
    """What the platform itself knows about the past of an org."""

    @property
    def by_object(self) -> bool:
        """Whether the trail is one for each object, so that only objects whose ids are known can be asked about."""
        ...

    @property
    def keeps(self) -> frozenset[str]:
        """The kinds that the platform keeps a trail of."""
        ...

    def own_client(self) -> str:
        """The platform's id of the client of this connection, nothing where it cannot be known."""
        ...

    def audit(
        self,
        since: datetime,
        until: datetime,
        *,
        about: Mapping[str, frozenset[str] | None],
        names: bool = False,
    ) -> tuple[AuditEntry, ...]:
        """What was done to some objects between the two times, oldest first, of one moment in the platform's order.

        ``about`` maps code, queue, outbound, row and table to the live ids of interest, None is all of that kind;
        entries of others may come along. Whoever asks for queues gets what was assigned to them and their
        after-call work as well. ``names``: people by name too, not by platform id alone.

        Raises:
            TargetError: not all of it could be read; ``Forbidden`` where the client may not.
        """
        ...

    def usage(
        self,
        since: datetime,
        until: datetime,
        *,
        codes: frozenset[str] | None = None,
        queues: frozenset[str] | None = None,
    ) -> Usage | None:
        """How often codes were chosen between the two times: these ids on these queues, None is all.

        None where the platform tells no such figures.

        Raises:
            TargetError: not all of it could be read; ``Forbidden`` where the client may not.
        """
        ...

    def dependants(self, objects: Mapping[str, frozenset[str]]) -> Mapping[str, Dependants]:
        """What else names some objects (``code`` and ``queue`` → live ids), an answer for each id.

        What could not be read is not complete, and never an error: nobody may take it for unused.

        Raises:
            Interrupted: the run was asked to stop.
        """
        ...


# ── the target itself ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person who waits would like to know: ``kind`` is read, write, wait, retry or note."""

    kind: Literal["read", "write", "wait", "retry", "note"]
    text: str
    done: int = 0
    total: int = 0


def ignore_event(event: Event) -> None:
    """Listen to nothing."""
    del event


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the outside world lends to a target: the stop event, the clock, and somebody who listens.

    ``monotonic`` returns seconds; ``wait`` sleeps for seconds and returns True when asked to stop.
    """

    stop: threading.Event
    monotonic: Callable[[], float]
    wait: Callable[[float], bool]
    listen: Callable[[Event], None] = ignore_event


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one org. ``endpoint`` is ``sandbox``, a URL, or empty when ``region`` names the host.

    ``credentials`` maps a name (``client_id`` …) to a function that fetches the secret when it is needed.
    ``sandbox_dir`` is where the embedded sandbox keeps its state. ``options`` are the target's own.
    """

    org: str
    endpoint: str
    region: str
    credentials: Mapping[str, Callable[[], str]]
    sandbox_dir: Path
    requests_per_minute: int = 300
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class CrmConnection:
    """One CRM connection of an org and the systems whose rows it keeps.

    ``target`` names the kind of system. ``connection.org`` is ``<org>.<connection>``, which names the embedded
    sandbox's instance too, ``connection.options`` what ``connections.<name>`` says beyond endpoint and credentials.
    A kind that lives inside the platform has the org's own connection here.
    """

    target: str
    connection: Connection
    places: tuple[Place, ...]


Traffic = counts.Traffic
"""What a target counts of its requests."""


class Target(Protocol):
    """One connected API: a platform, or the CRM that keeps the rows of some systems."""

    @property
    def capabilities(self) -> Capabilities:
        """The target's abilities."""
        ...

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        ...

    def reader(self) -> Reader:
        """A reader; plan has nothing else."""
        ...

    def writer(self) -> Writer:
        """A writer; only apply asks for one."""
        ...

    def evidence(self) -> Evidence | None:
        """What the platform knows about the past, None where it keeps no trail that can be read."""
        ...

    def close(self) -> None:
        """Give sockets back."""
        ...
