"""What has become of each change so far, and what that allows the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from wrapctl.apply.report import GOOD, Entry, Status
from wrapctl.apply.standing import Known, Link, Stand, Standing, queue_of, resolve
from wrapctl.errors import PlatformAnswer
from wrapctl.model import Address, Change, ChangeId, Fields, State, Verb
from wrapctl.targets.interface import Outcome, Result

_RESULTS = {
    Result.DONE: Status.DONE,
    Result.STALE: Status.STALE,
    Result.BUSY: Status.FAILED,
    Result.EXISTS: Status.FAILED,
    Result.REFUSED: Status.FAILED,
    Result.UNKNOWN: Status.UNKNOWN,
}

_HELD = {
    State.BLOCKED: Status.BLOCKED,
    State.MANUAL: Status.MANUAL,
    State.HELD: Status.HELD,
    State.READY: Status.NOT_ATTEMPTED,
}


class Ledger:
    """Entries, receipts and removed links of one run. Written by one thread."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.changes = {change.id: change for change in changes}
        self.entries = {change.id: _entry(change) for change in self.changes.values()}
        self.ids: dict[Address, str] = {}
        self.removed: set[Link] = set()
        self._given_up: set[ChangeId] = set()
        self.needs = {change.id: tuple(change.needs) for change in self.changes.values()}
        self._orders_need_links()

    def _orders_need_links(self) -> None:
        """An order names every code of its queue: written without one of its links, it would make that link."""
        links: dict[str, list[ChangeId]] = {}
        for change in self.changes.values():
            if change.verb is Verb.ASSIGN:
                links.setdefault(queue_of(change), []).append(change.id)
        for change in self.changes.values():
            if change.verb is Verb.REORDER:
                self.needs[change.id] = (*change.needs, *links.get(queue_of(change), ()))

    @property
    def known(self) -> Known:
        """Receipts and removed links, for settling; a view that follows the ledger."""
        return Known(ids=self.ids, removed=self.removed)

    @property
    def pending(self) -> tuple[Change, ...]:
        """Changes of which nothing has become yet, in plan order."""
        return tuple(change for change in self.changes.values() if self.is_open(change.id))

    @property
    def wrote(self) -> bool:
        """Whether anything may have been written."""
        return any(entry.status in {Status.DONE, Status.UNKNOWN} for entry in self.entries.values())

    def is_open(self, change: ChangeId) -> bool:
        """Whether nothing has become of a change yet, and something may."""
        return self.entries[change].status is Status.NOT_ATTEMPTED and change not in self._given_up

    def obstacle(self, change: ChangeId, together: Collection[ChangeId] = ()) -> str:
        """Return what a change needs and cannot have, or nothing. ``together``: what travels in its write."""
        for need in self.needs[change]:
            if need in together:
                continue
            entry = self.entries.get(need)
            if entry is None:
                return f"needs {need}, which is not in this plan"
            if entry.status not in GOOD:
                how = "a manual step" if entry.status is Status.MANUAL else entry.status.value
                return f"needs {need}, which is {how}"
        return ""

    # ── how a change ends ──────────────────────────────────────────────────────────────────────────────────

    def skip(self, change: ChangeId, why: str) -> None:
        """It must not be tried."""
        self._set(change, Status.SKIPPED, why)

    def held_up(self, change: ChangeId, why: str) -> None:
        """It was not tried, and could have been."""
        self._set(change, Status.NOT_ATTEMPTED, why)

    def give_up(self, change: ChangeId, why: str) -> None:
        """It is not tried in this run any more."""
        self.held_up(change, why)
        self._given_up.add(change)

    def settled(self, standing: Standing) -> None:
        """Note what a look before the write showed; as planned leaves the change open."""
        change = standing.change.id
        self.entries[change] = replace(
            self.entries[change],
            now=standing.now,
            drift=standing.drift,
            live_id=standing.live_id or self.entries[change].live_id,
        )
        if standing.stand is Stand.STALE:
            self._set(change, Status.STALE, standing.why)
        elif standing.stand is Stand.ALREADY:
            self._good(change, Status.ALREADY, standing.live_id)

    def answered(self, outcome: Outcome) -> None:
        """Note what the target says of a write."""
        change = outcome.id
        status = _RESULTS[outcome.result]
        entry = replace(
            self.entries[change],
            message=outcome.message,
            hint=outcome.hint,
            request_id=outcome.request_id,
            answer=outcome.answer,
            overwritten=outcome.overwritten,
            live_id=outcome.live_id or self.entries[change].live_id,
        )
        if outcome.now is not None:
            entry = replace(entry, now=outcome.now)
        self.entries[change] = entry
        if status is Status.DONE:
            self._good(change, status, outcome.live_id, outcome.message)
        else:
            self._set(change, status, outcome.message or _words(outcome.result, outcome.answer))

    def seen(self, standing: Standing, message: str = "", *, status: Status = Status.DONE) -> None:
        """Reading shows that it is live."""
        self._good(standing.change.id, status, standing.live_id, message or None)

    def verdict(
        self, change: ChangeId, status: Status, message: str, *, now: Fields | None = None, hint: str = ""
    ) -> None:
        """Reading shows something else than the outcome said."""
        entry = self.entries[change]
        self.entries[change] = replace(entry, now=now, hint=hint or entry.hint)
        self._set(change, status, message)
        if status not in GOOD:
            self._forget(change)

    def left_to_a_person(self, change: ChangeId, message: str, hint: str, *, now: Fields | None) -> None:
        """It was written, the platform said yes and did nothing: a person has to do it."""
        self.verdict(change, Status.MANUAL, message, now=now, hint=hint)
        self.entries[change] = replace(self.entries[change], attempted=True)

    def _good(
        self, change: ChangeId, status: Status, live_id: str | None, message: str | None = None
    ) -> None:
        if change.verb is Verb.CREATE_CODE and live_id is not None:
            self.ids[change.address] = live_id
        if change.verb is Verb.UNASSIGN:
            resolved = resolve(self.changes[change], self.ids)
            self.removed.add((queue_of(resolved), resolved.live_id or ""))
        entry = self.entries[change]
        self._set(change, status, entry.message if message is None else message)
        if live_id is not None and entry.live_id is None:
            self.entries[change] = replace(self.entries[change], live_id=live_id)

    def _forget(self, change: ChangeId) -> None:
        self.ids.pop(change.address, None)
        if change.verb is Verb.UNASSIGN:
            resolved = resolve(self.changes[change], self.ids)
            self.removed.discard((queue_of(resolved), resolved.live_id or ""))

    def _set(self, change: ChangeId, status: Status, message: str) -> None:
        self.entries[change] = replace(self.entries[change], status=status, message=message)


def _entry(change: Change) -> Entry:
    return Entry(
        verb=change.verb,
        address=change.address,
        status=_HELD[change.state],
        label=change.label,
        within=change.within,
        message=change.reason if change.state is not State.READY else "",
        live_id=change.live_id,
        planned=change.before,
        wanted=change.after,
        digest=change.digest,
    )


def _words(result: Result, answer: PlatformAnswer | None) -> str:
    if answer is not None:
        return str(answer)
    return "no usable answer came" if result is Result.UNKNOWN else f"the platform says: {result.value}"
