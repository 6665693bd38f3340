"""Fake platforms in memory: they keep state like a real one, count requests and can misbehave at any of them.

``FakeOrg`` is shaped like Genesys Cloud: one code in a request, 100 links in a POST, removals one by one, a
singleton of outbound flags, unique names. ``FakeCxone`` is shaped like CXone: all of a skill's links, their order
and its after-call work in one PUT, many creates in one POST, no delete, names that nobody keeps unique.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Generic, TypeVar

from world import CXONE_LIKE, GENESYS_LIKE
from wrapctl.errors import PlatformAnswer, Unreachable
from wrapctl.model import (
    Change,
    Division,
    Identity,
    Live,
    LiveCode,
    LiveQueue,
    Value,
    Verb,
)
from wrapctl.plan.units import Unit
from wrapctl.targets.interface import Capabilities, Event, Outcome, Result, Runtime, Traffic, Want

S = TypeVar("S")
T = TypeVar("T")
PAGE = 100


class Killed(BaseException):
    """As if by kill -9: nothing in wrapctl may catch it."""


class Fault(Enum):
    """What happens at one request."""

    KILL_BEFORE = "the process dies before the request is sent"
    KILL_AFTER = "the process dies after the request had its effect"
    LOST = "it has its effect, and the answer is lost"
    DROPPED = "it has no effect, and no answer comes"
    REFUSED = "the platform refuses it"
    BUSY = "the platform refuses it for now"
    FATAL = "the platform refuses this client"
    IGNORED = "the platform answers success and does nothing"


class Lost(Exception):
    """No usable answer."""


class Refusal(Exception):
    def __init__(self, result: Result, status: int, code: str, *, fatal: bool = False) -> None:
        super().__init__(code)
        self.result = result
        self.answer = PlatformAnswer("the request", status, code, f"{code} says the platform")
        self.fatal = fatal


@dataclass
class Record:
    """One queue of the fake: what wrapctl manages, and what it must leave alone."""

    name: str
    division: str | None = "Home"
    acw: dict[str, Value] = field(default_factory=lambda: {"prompt": "optional", "timeout_ms": None})
    codes: list[str] = field(default_factory=list)
    rest: dict[str, object] = field(default_factory=lambda: {"members": ["ada", "bob"]})


@dataclass
class Contents:
    """Everything that the fake holds. ``gone`` are deleted or deactivated codes."""

    codes: dict[str, dict[str, Value]] = field(default_factory=dict)
    gone: dict[str, dict[str, Value]] = field(default_factory=dict)
    queues: dict[str, Record] = field(default_factory=dict)
    outbound: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Server(Generic[S]):
    """What any fake is: state behind requests that are counted, and can go wrong at any number.

    ``faults`` and ``before`` are keyed by the number of the request, counted from 0 over the life of the fake;
    ``calls`` lists all requests, ``effects`` the writes that changed something. ``down``: none is answered.
    ``lag``: as many reads after a write still show the state before it.
    """

    def __init__(self, state: S, lag: int) -> None:
        self.state = state
        self.lag = lag
        self.down = False
        self.calls: list[str] = []
        self.effects: list[str] = []
        self.faults: dict[int, Fault] = {}
        self.before: dict[int, Callable[[S], None]] = {}
        self.busy_now = 0
        self.busiest = 0
        self._reads = 0
        self._made = 0
        self._dead = False
        self._history: list[tuple[int, S]] = []
        self._mutex = threading.RLock()
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        return self._traffic

    def evidence(self) -> None:
        pass

    def close(self) -> None:
        pass

    def revive(self) -> None:
        """A new process connects: faults and clock ticks of the old one are over."""
        self._dead = False
        self.faults.clear()
        self.before.clear()
        self.calls.clear()
        self.effects.clear()

    def began_read(self) -> None:
        with self._mutex:
            self._reads += 1

    def new_id(self) -> str:
        self._made += 1
        return f"new-{self._made}"

    def request(self, operation: str, effect: Callable[[S], T], *, writes: bool = False) -> T:
        with self._mutex:
            if self._dead:
                raise Killed
            number = len(self.calls)
            self.calls.append(operation)
            kind = " ".join(operation.split(" ")[:2])
            self._traffic.requests[kind] = self._traffic.requests.get(kind, 0) + 1
            if number in self.before:
                self.before[number](self.state)
            if self.down:
                raise Unreachable(f"{operation} reached nobody")
            fault = self.faults.get(number)
            if fault is Fault.KILL_BEFORE:
                self._dead = True
                raise Killed
            if writes:
                self._refuse(fault)
                unchanged = copy.deepcopy(self.state) if self.lag or fault is Fault.IGNORED else self.state
                if fault is Fault.DROPPED:
                    raise Lost
                result = effect(self.state)
                if fault is Fault.IGNORED:
                    self.state = unchanged
                else:
                    self.effects.append(operation)
                    if self.lag:
                        self._history.append((self._reads, unchanged))
            else:
                if fault in {Fault.LOST, Fault.DROPPED}:
                    raise Unreachable(f"{operation} was not answered")
                result = effect(self.visible())
            if fault is Fault.KILL_AFTER:
                self._dead = True
                raise Killed
            if fault is Fault.LOST:
                raise Lost
            return result

    @staticmethod
    def _refuse(fault: Fault | None) -> None:
        match fault:
            case Fault.REFUSED:
                raise Refusal(Result.REFUSED, 400, "bad.request")
            case Fault.BUSY:
                raise Refusal(Result.BUSY, 409, "in.use")
            case Fault.FATAL:
                raise Refusal(Result.REFUSED, 403, "missing.permissions", fatal=True)
            case _:
                pass

    def visible(self) -> S:
        """The state before the oldest write that is still too young to be seen."""
        for written, unchanged in self._history:
            if self._reads - written <= self.lag:
                return unchanged
        return self.state

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, change: Change, operation: str, effect: Callable[[S], None]) -> Outcome:
        return self.together(Unit("one", "", (change,)), operation, effect)[0]

    def together(self, unit: Unit, operation: str, effect: Callable[[S], None]) -> list[Outcome]:
        """One request for all changes of a unit."""
        request_id = f"req-{len(self.calls)}"
        try:
            self.request(operation, effect, writes=True)
        except Lost:
            return [Outcome(one.id, Result.UNKNOWN, message="no answer came") for one in unit.changes]
        except Unreachable as error:
            return [Outcome(one.id, Result.BUSY, message=error.message, fatal=True) for one in unit.changes]
        except Refusal as refused:
            return [
                Outcome(
                    one.id, refused.result, answer=refused.answer, request_id=request_id, fatal=refused.fatal
                )
                for one in unit.changes
            ]
        return [Outcome(one.id, Result.DONE, request_id=request_id) for one in unit.changes]


class FakeOrg(Server[Contents]):
    """One org on one platform, and the connection to it at once (``Target``).

    ``hidden_names`` are taken by codes that this client cannot see.
    """

    capabilities: Capabilities = GENESYS_LIKE
    default_fields: Mapping[str, Value] = {"description": "", "division": "*"}
    unique_names = True
    default_outbound: tuple[str, ...] | None = ()

    def __init__(
        self,
        codes: Mapping[str, str | Mapping[str, Value]] | None = None,
        queues: Mapping[str, Iterable[str]] | None = None,
        *,
        lag: int = 0,
    ) -> None:
        super().__init__(Contents(), lag)
        for code_id, given in (codes or {}).items():
            fields = {"name": given} if isinstance(given, str) else dict(given)
            self.state.codes[code_id] = {**self.default_fields, **fields}
        for queue_id, held in (queues or {}).items():
            self.state.queues[queue_id] = Record(queue_id.upper(), codes=list(held))
        self.identity = Identity("org-1", "Acme")
        self.hidden_names: set[str] = set()

    # ── the target ─────────────────────────────────────────────────────────────────────────────────────────

    def reader(self) -> FakeReader:
        return FakeReader(self)

    def writer(self) -> FakeWriter:
        return FakeWriter(self)

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> Live:
        """Everything, without a request: what a plan is made from."""
        return self.shape(
            self.state,
            self.state.codes,
            self.state.queues,
            {queue_id: tuple(queue.codes) for queue_id, queue in self.state.queues.items()},
        )

    def shape(
        self,
        state: Contents,
        codes: Iterable[str],
        queues: Iterable[str],
        links: Mapping[str, tuple[str, ...]],
        *,
        outbound: bool = True,
        divisions: bool = True,
    ) -> Live:
        found = tuple(
            self._code(code_id, state.codes[code_id]) for code_id in codes if code_id in state.codes
        )
        flags = None
        if outbound and self.default_outbound is not None:
            flags = {code.id: state.outbound.get(code.id, self.default_outbound) for code in found}
        return Live(
            identity=self.identity,
            codes=found,
            queues=tuple(
                LiveQueue(
                    one, state.queues[one].name, state.queues[one].division, dict(state.queues[one].acw)
                )
                for one in queues
                if one in state.queues
            ),
            links=dict(links),
            outbound=flags,
            divisions=(Division("d-home", "Home", 0, len(state.queues)),) if divisions else (),
        )

    @staticmethod
    def _code(code_id: str, fields: Mapping[str, Value]) -> LiveCode:
        return LiveCode(code_id, str(fields["name"]), dict(fields))

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, unit: Unit) -> list[Outcome]:
        """One unit, the way Genesys Cloud takes it."""
        first = unit.changes[0]
        match first.verb:
            case Verb.CREATE_CODE:
                return [self.create(change) for change in unit.changes]
            case Verb.UPDATE_CODE:
                return [
                    self.answer(one, f"PUT /codes {one.live_id}", _updating(one, self))
                    for one in unit.changes
                ]
            case Verb.DELETE_CODE:
                return [
                    self.answer(one, f"DELETE /codes {one.live_id}", _deleting(one)) for one in unit.changes
                ]
            case Verb.ASSIGN:
                names = ",".join(str(change.live_id) for change in unit.changes)
                return self.together(unit, f"POST /queues/codes {unit.scope} {names}", _linking(unit))
            case Verb.UNASSIGN:
                return [
                    self.answer(one, f"DELETE /queues/codes {one.parent} {one.live_id}", _unlinking(one))
                    for one in unit.changes
                ]
            case Verb.SET_ACW:
                self.request(f"GET /queues {first.live_id}", lambda state: None)
                return self.together(unit, f"PUT /queues {first.live_id}", _setting(first))
            case Verb.SET_OUTBOUND:
                self.request("GET /outbound", lambda state: None)
                return self.together(unit, "PUT /outbound", _flagging(unit))
            case _:
                raise AssertionError(first.verb)

    def create(self, change: Change) -> Outcome:
        made: list[str] = []

        def effect(state: Contents) -> None:
            self.take_name(state, change)
            made.append(self.new_id())
            state.codes[made[0]] = {**self.default_fields, **change.after}

        outcome = self.answer(change, f"POST /codes {change.after['name']}", effect)
        if outcome.result is Result.DONE:
            return Outcome(outcome.id, outcome.result, live_id=made[0], request_id=outcome.request_id)
        return outcome

    def take_name(self, state: Contents, change: Change) -> None:
        if not self.unique_names:
            return
        taken = {fields["name"] for code_id, fields in state.codes.items() if code_id != change.live_id}
        if change.after.get("name") in taken | self.hidden_names:
            raise Refusal(Result.EXISTS, 400, "duplicate.name")


class FakeCxone(FakeOrg):
    """Shaped like CXone: the whole skill in one PUT, deactivate for delete, links in order, no unique names."""

    capabilities = CXONE_LIKE
    default_fields: Mapping[str, Value] = {"description": "", "classification": "Neutral"}
    unique_names = False
    default_outbound = None

    def send(self, unit: Unit) -> list[Outcome]:
        first = unit.changes[0]
        match unit.group:
            case "dispositions":
                return self._create_all(unit)
            case "disposition" if first.verb is Verb.DEACTIVATE_CODE:
                return self.together(unit, f"PUT /dispositions {first.live_id}", _deleting(first))
            case "disposition":
                return self.together(unit, f"PUT /dispositions {first.live_id}", _updating(first, self))
            case "skill":
                self.request(f"GET /skills {unit.scope}", lambda state: None)
                return self.together(unit, f"PUT /skills {unit.scope}", _whole_skill(unit))
            case _:
                raise AssertionError(unit.group)

    def _create_all(self, unit: Unit) -> list[Outcome]:
        made: dict[str, str] = {}

        def effect(state: Contents) -> None:
            for change in unit.changes:
                made[change.address] = self.new_id()
                state.codes[made[change.address]] = {**self.default_fields, **change.after}

        outcomes = self.together(unit, "POST /dispositions", effect)
        return [
            Outcome(one.id, one.result, made[one.id.address], one.message, request_id=one.request_id)
            if one.result is Result.DONE
            else one
            for one in outcomes
        ]


class FakeReader:
    """Reads the fake in pages."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org

    def identity(self) -> Identity:
        return self._org.request("GET /identity", lambda state: self._org.identity)

    def read(self, want: Want) -> Live:
        org = self._org
        org.began_read()
        codes: set[str] = set()
        queues: set[str] = set()
        links: dict[str, tuple[str, ...]] = {}
        if want.divisions:
            org.request("GET /divisions", lambda state: None)
        if want.codes is None:
            for _ in range(_pages(len(org.state.codes))):
                org.request("GET /codes all", lambda state: codes.update(state.codes))
        else:
            for ids in _chunks(want.codes):
                codes |= org.request(f"GET /codes by id {_named(ids)}", partial(_among, ids))
        for names in _chunks(want.code_names):
            codes |= org.request(f"GET /codes by name {_named(names)}", partial(_called, names))
        if want.queues is None:
            for _ in range(_pages(len(org.state.queues))):
                org.request("GET /queues all", lambda state: queues.update(state.queues))
        else:
            for ids in _chunks(want.queues):
                queues |= org.request(f"GET /queues by id {_named(ids)}", partial(_queues_among, ids))
        for queue_id in sorted(want.links):
            held = org.request(f"GET /queues/codes {queue_id}", partial(_held, queue_id))
            if held is not None:
                links[queue_id] = held
        if want.outbound:
            org.request("GET /outbound", lambda state: None)
        state = org.visible()
        return org.shape(
            state, sorted(codes), sorted(queues), links, outbound=want.outbound, divisions=want.divisions
        )


class FakeWriter:
    """Writes the fake; only apply makes one."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        with self._org._mutex:
            self._org.busy_now += 1
            self._org.busiest = max(self._org.busiest, self._org.busy_now)
        try:
            return tuple(self._org.send(unit))
        finally:
            with self._org._mutex:
                self._org.busy_now -= 1


@dataclass
class FakeWorld:
    """Clock, waits and ears of a test: nothing sleeps, everything that was said is kept."""

    stop: threading.Event = field(default_factory=threading.Event)
    waits: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    seconds: float = 0.0
    on_wait: Callable[[], None] = lambda: None

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.seconds += seconds
        self.on_wait()
        return self.stop.is_set()

    def monotonic(self) -> float:
        return self.seconds

    @property
    def runtime(self) -> Runtime:
        return Runtime(self.stop, self.monotonic, self.wait, self.events.append)


def _among(ids: set[str], state: Contents) -> set[str]:
    return ids & set(state.codes)


def _called(names: set[str], state: Contents) -> set[str]:
    return {code_id for code_id, fields in state.codes.items() if fields["name"] in names}


def _queues_among(ids: set[str], state: Contents) -> set[str]:
    return ids & set(state.queues)


def _held(queue_id: str, state: Contents) -> tuple[str, ...] | None:
    return tuple(state.queues[queue_id].codes) if queue_id in state.queues else None


def _named(ids: set[str]) -> str:
    return ",".join(sorted(ids))


# ── effects ────────────────────────────────────────────────────────────────────────────────────────────────


def _updating(change: Change, org: FakeOrg) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        if change.live_id not in state.codes:
            raise Refusal(Result.STALE, 404, "not.found")
        org.take_name(state, change)
        state.codes[change.live_id].update(change.after)

    return effect


def _deleting(change: Change) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        gone = state.codes.pop(change.live_id or "", None)
        if gone is not None:
            state.gone[change.live_id or ""] = gone

    return effect


def _linking(unit: Unit) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        held = state.queues[unit.scope].codes
        for change in unit.changes:
            if change.live_id not in state.codes:
                raise Refusal(Result.REFUSED, 400, "no.such.code")
        held.extend(str(change.live_id) for change in unit.changes if change.live_id not in held)

    return effect


def _unlinking(change: Change) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        held = state.queues[change.parent or ""].codes
        if change.live_id in held:
            held.remove(change.live_id)

    return effect


def _setting(change: Change) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        state.queues[change.live_id or ""].acw.update(change.after)

    return effect


def _flagging(unit: Unit) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        for change in unit.changes:
            flags = change.after["outbound"]
            assert isinstance(flags, tuple)
            state.outbound[change.live_id or ""] = tuple(str(flag) for flag in flags)

    return effect


def _whole_skill(unit: Unit) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        skill = state.queues[unit.scope]
        for change in unit.changes:
            match change.verb:
                case Verb.ASSIGN:
                    assert change.live_id in state.codes
                    if change.live_id not in skill.codes:
                        skill.codes.append(change.live_id)
                case Verb.UNASSIGN:
                    skill.codes = [one for one in skill.codes if one != change.live_id]
                case Verb.SET_ACW:
                    skill.acw.update(change.after)
                case Verb.REORDER:
                    pass
                case _:
                    raise AssertionError(change.verb)
        for change in unit.changes:
            if change.verb is Verb.REORDER:
                order = change.after["order"]
                assert isinstance(order, tuple)
                rest = [one for one in skill.codes if one not in order]
                skill.codes = [*(str(one) for one in order), *rest]

    return effect


def _pages(count: int) -> int:
    return max(1, -(-count // PAGE))


def _chunks(ids: Iterable[str]) -> list[set[str]]:
    ordered = sorted(ids)
    return [set(ordered[start : start + PAGE]) for start in range(0, len(ordered), PAGE)]
