"""Judge one planned change against what is live now: as planned, already as wanted, or stale.

Pure. Judged by managed fields alone, so that an unrelated touch makes nothing stale. The same judgement serves
the look before a write (may it be sent?) and the look after it (did it take?).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from wrapctl.model import NO_FIELDS, Address, Change, Fields, Live, LiveCode, LiveQueue, Ref, Value, Verb

Link = tuple[str, str]
"""A queue's live id and a code's."""

QUEUES = "queues"
"""Key in the ``before`` of a removal: the ids of the queues that held the code when the plan was made."""


class Stand(StrEnum):
    """Where a change stands against what is live."""

    AS_PLANNED = "as planned"
    ALREADY = "already as wanted"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Known:
    """What this run has learned or done so far, and may hold against no change.

    ``ids``: receipts, the live id that the change at an address has made or found. ``removed``: links that this
    run took off. ``renaming``: ids of codes whose present name this run will free before it is taken. The
    containers may grow while a ``Settler`` uses them.
    """

    ids: Mapping[Address, str]
    removed: AbstractSet[Link] = frozenset()
    renaming: AbstractSet[str] = frozenset()


NOTHING_KNOWN = Known(ids={})


@dataclass(frozen=True, slots=True)
class Standing:
    """The judgement of one change, with the three values that a person needs when it is stale.

    ``change`` is what may be written: references resolved as far as they are known and, when merged, the live
    value in place of a declared field that somebody else moved (``drift`` names those). ``planned`` and
    ``wanted`` are the plan's own, ``now`` is live over the same fields (None: the object is not there).
    ``live_id`` is the object's id where it is known.
    """

    stand: Stand
    change: Change
    planned: Fields = field(default_factory=lambda: NO_FIELDS)
    now: Fields | None = None
    wanted: Fields = field(default_factory=lambda: NO_FIELDS)
    why: str = ""
    live_id: str | None = None
    drift: tuple[str, ...] = ()


def settle(
    change: Change,
    live: Live,
    known: Known = NOTHING_KNOWN,
    *,
    merge: bool = False,
    later: Fields = NO_FIELDS,
) -> Standing:
    """Judge ``change`` against ``live``, which holds at least what ``reading.want_of`` asked for.

    ``merge`` lets an update through when only fields that it does not write have moved. ``later``: fields that
    are written after a create, and what they are until then.
    """
    return Settler(live, known, merge=merge, later=later).settle(change)


def resolve(change: Change, ids: Mapping[Address, str]) -> Change:
    """Return ``change`` with every reference whose id is known replaced by that id."""
    before = {name: _resolved(value, ids) for name, value in change.before.items()}
    after = {name: _resolved(value, ids) for name, value in change.after.items()}
    live_id = change.live_id
    code = after.get("code", before.get("code"))
    if live_id is None and isinstance(code, str):
        live_id = code
    return replace(change, before=before, after=after, live_id=live_id)


def unresolved(change: Change) -> tuple[Address, ...]:
    """Addresses that ``change`` still refers to without an id, sorted."""
    found: set[Address] = set()
    for value in (*change.before.values(), *change.after.values()):
        _collect(value, found)
    return tuple(sorted(found))


class Settler:
    """Judges many changes against one ``Live`` (its indexes are built once)."""

    def __init__(
        self,
        live: Live,
        known: Known = NOTHING_KNOWN,
        *,
        merge: bool = False,
        later: Fields = NO_FIELDS,
    ) -> None:
        self._live = live
        self._known = known
        self._merge = merge
        self._later = later
        self._codes: dict[str, LiveCode] = {code.id: code for code in live.codes}
        self._queues: dict[str, LiveQueue] = {queue.id: queue for queue in live.queues}
        self._names: dict[str, list[LiveCode]] = {}
        for code in live.codes:
            self._names.setdefault(code.name, []).append(code)
        self._links = {queue: frozenset(codes) for queue, codes in live.links.items()}
        self._holders: dict[str, set[str]] | None = None

    def settle(self, change: Change) -> Standing:
        """Judge one change."""
        change = resolve(change, self._known.ids)
        match change.verb:
            case Verb.UPDATE_CODE:
                return self._update(change, self._code_now(change.live_id), "code", merge=self._merge)
            case Verb.CREATE_CODE:
                return self._create(change)
            case Verb.ASSIGN:
                return self._assign(change)
            case Verb.UNASSIGN:
                return self._unassign(change)
            case Verb.REORDER:
                return self._reorder(change)
            case Verb.SET_ACW:
                queue = self._queues.get(queue_of(change))
                now = None if queue is None else queue.after_call_work
                return self._update(change, now, "queue", merge=self._merge)
            case Verb.SET_OUTBOUND:
                return self._outbound(change)
            case Verb.DEACTIVATE_CODE | Verb.DELETE_CODE:
                return self._remove(change)
            case (
                Verb.CREATE_TABLE
                | Verb.EXTEND_TABLE
                | Verb.CREATE_ROW
                | Verb.UPDATE_ROW
                | Verb.DEACTIVATE_ROW
                | Verb.DELETE_ROW
            ):
                # Live carries no rows yet: what cannot be compared must not be written.
                return _stale(change, None, "rows of this system cannot be compared with what is live")
            case _:
                assert_never(change.verb)

    # ── codes ──────────────────────────────────────────────────────────────────────────────────────────────

    def _code_now(self, code_id: str | None) -> Fields | None:
        code = self._codes.get(code_id or "")
        return None if code is None else {**code.fields, "name": code.name}

    def _create(self, change: Change) -> Standing:
        wanted = change.after
        own = self._known.ids.get(change.address)
        if own is not None:
            # Our own receipt: looked up by its id, because a listing by name may lag behind it.
            candidates = [code for code in self._live.codes if code.id == own]
        else:
            named = self._names.get(str(wanted.get("name")), [])
            named = [code for code in named if code.id not in self._known.renaming]
            candidates = [code for code in named if code.active] or named
        if not candidates:
            return Standing(Stand.AS_PLANNED, change, NO_FIELDS, None, wanted)
        if len(candidates) > 1:
            ids = ", ".join(sorted(code.id for code in candidates))
            return _stale(change, None, f"several codes of that name are live: {ids}")
        found = candidates[0]
        now = _over(wanted, self._code_now(found.id) or {})
        if now == dict(wanted):
            return Standing(Stand.ALREADY, change, NO_FIELDS, now, wanted, live_id=found.id)
        differing = [name for name in sorted(wanted) if now[name] != wanted[name]]
        fields = ", ".join(differing)
        if all(name in self._later and now[name] == self._later[name] for name in differing):
            # Made, and its second write is still to come: finishing it makes no second one.
            why = f"live without its {fields} yet"
            return Standing(Stand.AS_PLANNED, change, NO_FIELDS, now, wanted, why, live_id=found.id)
        return replace(
            _stale(change, now, f"a code of that name is live with another {fields}"), live_id=found.id
        )

    def _remove(self, change: Change) -> Standing:
        now = self._code_now(change.live_id)
        deactivates = change.verb is Verb.DEACTIVATE_CODE
        if now is None:
            return Standing(Stand.ALREADY, change, change.before, None, change.after, live_id=change.live_id)
        planned = {name: value for name, value in change.before.items() if name != QUEUES}
        wanted = {name: value for name, value in change.after.items() if name != QUEUES}
        # A platform without a delete shows what is active and need not say so.
        seen = _over({**planned, **wanted}, {"active": True, **now})
        if deactivates and _inactive(wanted, now):
            return Standing(Stand.ALREADY, change, change.before, seen, change.after, live_id=change.live_id)
        moved = [name for name in sorted(planned) if seen[name] != planned[name]]
        if moved:
            # Never merged: what is taken away was approved as it was, all of it.
            return _stale(change, seen, f"{', '.join(moved)} changed since the plan was made")
        if QUEUES in change.before:
            return self._unheld(change, seen)
        return Standing(Stand.AS_PLANNED, change, change.before, seen, change.after, live_id=change.live_id)

    def _unheld(self, change: Change, seen: dict[str, Value]) -> Standing:
        """A holder that this run took off must stay off, and a new one is a reason to ask again."""
        code = change.live_id or ""
        holders = self._held_by(code)
        seen = {**seen, QUEUES: tuple(sorted(holders))}
        taken_off = {queue for queue, of in self._known.removed if of == code}
        planned = change.before.get(QUEUES)
        known = {str(queue) for queue in planned} if isinstance(planned, tuple) else set()
        new = sorted(holders - (known - taken_off))
        if new:
            names = ", ".join(self._queues[queue].name if queue in self._queues else queue for queue in new)
            return _stale(change, seen, f"held by a queue that did not hold it then: {names}")
        return Standing(Stand.AS_PLANNED, change, change.before, seen, change.after, live_id=change.live_id)

    def _held_by(self, code: str) -> set[str]:
        if self._holders is None:
            self._holders = {}
            for queue, codes in self._links.items():
                for held in codes:
                    self._holders.setdefault(held, set()).add(queue)
        return self._holders.get(code, set())

    def _outbound(self, change: Change) -> Standing:
        wanted = _only(change.after, "outbound")
        planned = _only(change.before, "outbound")
        if change.live_id is None:  # its code is created by this run
            return Standing(Stand.AS_PLANNED, change, planned, None, wanted)
        if self._live.outbound is None:
            return _stale(change, None, "outbound is not set up in this org")
        if change.live_id not in self._codes:
            return _stale(change, None, "the code is not there any more")
        flags = self._live.outbound.get(change.live_id, self._live.outbound_default)
        now: Fields = {"outbound": flags}
        if flags == wanted.get("outbound"):
            return Standing(Stand.ALREADY, change, planned, now, wanted, live_id=change.live_id)
        # A code that the platform has just made carries the org's default flags, whatever the plan expected.
        fresh = "code" in change.after and flags in {(), self._live.outbound_default}
        if fresh or flags == planned.get("outbound"):
            return Standing(Stand.AS_PLANNED, change, planned, now, wanted, live_id=change.live_id)
        return _stale(change, now, "the flags changed since the plan was made")

    # ── queues ─────────────────────────────────────────────────────────────────────────────────────────────

    def _assign(self, change: Change) -> Standing:
        queue = queue_of(change)
        if queue not in self._links or queue not in self._queues:
            return _stale(change, None, "the queue is not there any more")
        if change.live_id is None:  # its code is created by this run
            return Standing(Stand.AS_PLANNED, change, NO_FIELDS, NO_FIELDS, change.after)
        if change.live_id in self._links[queue]:
            return Standing(
                Stand.ALREADY, change, NO_FIELDS, change.after, change.after, live_id=change.live_id
            )
        if change.live_id not in self._codes:
            return _stale(change, NO_FIELDS, "the code is not there any more")
        return Standing(Stand.AS_PLANNED, change, NO_FIELDS, NO_FIELDS, change.after, live_id=change.live_id)

    def _unassign(self, change: Change) -> Standing:
        held = change.live_id in self._links.get(queue_of(change), frozenset())
        stand = Stand.AS_PLANNED if held else Stand.ALREADY
        now = change.before if held else NO_FIELDS
        return Standing(stand, change, change.before, now, NO_FIELDS, live_id=change.live_id)

    def _reorder(self, change: Change) -> Standing:
        queue = queue_of(change)
        if queue not in self._links or queue not in self._queues:
            return _stale(change, None, "the queue is not there any more")
        order = self._live.links[queue]
        now: Fields = {"order": order}
        before, after = _order(change.before), _order(change.after)
        going = set(before) - set(after)
        kept = set(before) & set(after)
        standing = Standing(Stand.AS_PLANNED, change, change.before, now, change.after, live_id=queue)
        if tuple(code for code in order if code not in going) == after:
            return replace(standing, stand=Stand.ALREADY)
        if set(order) - set(before) - set(after):
            return _stale(change, now, "the queue holds a code that it did not hold then")
        if kept - set(order):
            return _stale(change, now, "a code was taken off the queue since the plan was made")
        # Only what stood before and stays has an order to lose: this run's own links come and go around it.
        seen = [code for code in order if code in kept]
        if seen in ([c for c in before if c in kept], [c for c in after if c in kept]):
            return standing
        return _stale(change, now, "the order changed since the plan was made")

    # ── fields ─────────────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _update(change: Change, live: Fields | None, what: str, *, merge: bool) -> Standing:
        before, after = change.before, change.after
        live_id = change.live_id or change.parent
        if live is None:
            return _stale(change, None, f"the {what} is not there any more")
        now = _over({**before, **after}, live)
        if now == {**now, **after}:
            return Standing(Stand.ALREADY, change, before, now, after, live_id=live_id)
        written = {name for name in after if before.get(name) != after[name]}
        moved = sorted(name for name in written if now[name] not in {before.get(name), after[name]})
        drifted = sorted(name for name in now if name not in written and now[name] != before.get(name))
        if moved or (drifted and not merge):
            fields = ", ".join(sorted([*moved, *drifted]))
            return _stale(change, now, f"{fields} changed since the plan was made")
        kept = replace(change, after={**after, **{name: now[name] for name in drifted if name in after}})
        done = all(now[name] == after[name] for name in written)
        stand = Stand.ALREADY if done else Stand.AS_PLANNED
        return Standing(stand, kept, before, now, after, live_id=live_id, drift=tuple(drifted))


def queue_of(change: Change) -> str:
    """The live id of the queue that a change is about."""
    return change.parent or change.live_id or ""


def _stale(change: Change, now: Fields | None, why: str) -> Standing:
    return Standing(Stand.STALE, change, change.before, now, change.after, why, change.live_id)


def _over(names: Fields, live: Fields) -> dict[str, Value]:
    return {name: live.get(name) for name in names}


def _only(fields: Fields, name: str) -> dict[str, Value]:
    return {name: fields[name]} if name in fields else {}


def _inactive(wanted: Fields, now: Fields) -> bool:
    return _over(wanted, now) == dict(wanted) if wanted else now.get("active") is False


def _order(fields: Fields) -> tuple[Value, ...]:
    value = fields.get("order")
    return value if isinstance(value, tuple) else ()


def _resolved(value: Value, ids: Mapping[Address, str]) -> Value:
    if isinstance(value, Ref):
        return ids.get(value.address, value)
    if isinstance(value, tuple):
        return tuple(_resolved(item, ids) for item in value)
    return value


def _collect(value: Value, found: set[Address]) -> None:
    if isinstance(value, Ref):
        found.add(value.address)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)
