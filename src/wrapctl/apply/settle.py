"""Judge one planned change against what is live now: as planned, already as wanted, or stale.

Pure. Judged by managed fields alone, so that an unrelated touch makes nothing stale. The same judgement serves
the look before a write (may it be sent?) and the look after it (did it take?).
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from wrapctl.apply.settle_rows import RowSettler
from wrapctl.apply.standing import (
    NOTHING_KNOWN,
    Known,
    Stand,
    Standing,
    over,
    queue_of,
    resolve,
    stale,
    update,
)
from wrapctl.model import NO_FIELDS, Change, Fields, Live, LiveCode, LiveQueue, Value, Verb

QUEUES = "queues"
"""Key in the ``before`` of a removal: the ids of the queues that held the code when the plan was made."""


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
        self._rows = RowSettler(live, merge=merge)

    def settle(self, change: Change) -> Standing:
        """Judge one change."""
        change = resolve(change, self._known.ids)
        match change.verb:
            case Verb.UPDATE_CODE:
                return update(change, self._code_now(change.live_id), "code", merge=self._merge)
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
                return update(change, now, "queue", merge=self._merge)
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
                return self._rows.settle(change)
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
            return stale(change, None, f"several codes of that name are live: {ids}")
        found = candidates[0]
        now = over(wanted, self._code_now(found.id) or {})
        if now == dict(wanted):
            return Standing(Stand.ALREADY, change, NO_FIELDS, now, wanted, live_id=found.id)
        differing = [name for name in sorted(wanted) if now[name] != wanted[name]]
        fields = ", ".join(differing)
        if all(name in self._later and now[name] == self._later[name] for name in differing):
            # Made, and its second write is still to come: finishing it makes no second one.
            why = f"live without its {fields} yet"
            return Standing(Stand.AS_PLANNED, change, NO_FIELDS, now, wanted, why, live_id=found.id)
        return replace(
            stale(change, now, f"a code of that name is live with another {fields}"), live_id=found.id
        )

    def _remove(self, change: Change) -> Standing:
        now = self._code_now(change.live_id)
        deactivates = change.verb is Verb.DEACTIVATE_CODE
        if now is None:
            return Standing(Stand.ALREADY, change, change.before, None, change.after, live_id=change.live_id)
        planned = {name: value for name, value in change.before.items() if name != QUEUES}
        wanted = {name: value for name, value in change.after.items() if name != QUEUES}
        # A platform without a delete shows what is active and need not say so.
        seen = over({**planned, **wanted}, {"active": True, **now})
        if deactivates and _inactive(wanted, now):
            return Standing(Stand.ALREADY, change, change.before, seen, change.after, live_id=change.live_id)
        moved = [name for name in sorted(planned) if seen[name] != planned[name]]
        if moved:
            # Never merged: what is taken away was approved as it was, all of it.
            return stale(change, seen, f"{', '.join(moved)} changed since the plan was made")
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
            return stale(change, seen, f"held by a queue that did not hold it then: {names}")
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
            return stale(change, None, "outbound is not set up in this org")
        if change.live_id not in self._codes:
            return stale(change, None, "the code is not there any more")
        flags = self._live.outbound.get(change.live_id, self._live.outbound_default)
        now: Fields = {"outbound": flags}
        if flags == wanted.get("outbound"):
            return Standing(Stand.ALREADY, change, planned, now, wanted, live_id=change.live_id)
        # A code that the platform has just made carries the org's default flags, whatever the plan expected.
        fresh = "code" in change.after and flags in {(), self._live.outbound_default}
        if fresh or flags == planned.get("outbound"):
            return Standing(Stand.AS_PLANNED, change, planned, now, wanted, live_id=change.live_id)
        return stale(change, now, "the flags changed since the plan was made")

    # ── queues ─────────────────────────────────────────────────────────────────────────────────────────────

    def _assign(self, change: Change) -> Standing:
        queue = queue_of(change)
        if queue not in self._links or queue not in self._queues:
            return stale(change, None, "the queue is not there any more")
        if change.live_id is None:  # its code is created by this run
            return Standing(Stand.AS_PLANNED, change, NO_FIELDS, NO_FIELDS, change.after)
        if change.live_id in self._links[queue]:
            return Standing(
                Stand.ALREADY, change, NO_FIELDS, change.after, change.after, live_id=change.live_id
            )
        if change.live_id not in self._codes:
            return stale(change, NO_FIELDS, "the code is not there any more")
        return Standing(Stand.AS_PLANNED, change, NO_FIELDS, NO_FIELDS, change.after, live_id=change.live_id)

    def _unassign(self, change: Change) -> Standing:
        held = change.live_id in self._links.get(queue_of(change), frozenset())
        stand = Stand.AS_PLANNED if held else Stand.ALREADY
        now = change.before if held else NO_FIELDS
        return Standing(stand, change, change.before, now, NO_FIELDS, live_id=change.live_id)

    def _reorder(self, change: Change) -> Standing:
        queue = queue_of(change)
        if queue not in self._links or queue not in self._queues:
            return stale(change, None, "the queue is not there any more")
        order = self._live.links[queue]
        now: Fields = {"order": order}
        before, after = _order(change.before), _order(change.after)
        going = set(before) - set(after)
        kept = set(before) & set(after)
        standing = Standing(Stand.AS_PLANNED, change, change.before, now, change.after, live_id=queue)
        if tuple(code for code in order if code not in going) == after:
            return replace(standing, stand=Stand.ALREADY)
        if set(order) - set(before) - set(after):
            return stale(change, now, "the queue holds a code that it did not hold then")
        if kept - set(order):
            return stale(change, now, "a code was taken off the queue since the plan was made")
        # Only what stood before and stays has an order to lose: this run's own links come and go around it.
        seen = [code for code in order if code in kept]
        if seen in ([c for c in before if c in kept], [c for c in after if c in kept]):
            return standing
        return stale(change, now, "the order changed since the plan was made")

    # ── fields ─────────────────────────────────────────────────────────────────────────────────────────────


def _only(fields: Fields, name: str) -> dict[str, Value]:
    return {name: fields[name]} if name in fields else {}


def _inactive(wanted: Fields, now: Fields) -> bool:
    return over(wanted, now) == dict(wanted) if wanted else now.get("active") is False


def _order(fields: Fields) -> tuple[Value, ...]:
    value = fields.get("order")
    return value if isinstance(value, tuple) else ()
