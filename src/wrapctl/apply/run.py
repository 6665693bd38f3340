"""Apply a plan to one org: refuse, lock, look, write under a journal, read back, report (DESIGN section 6)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from wrapctl.apply.batches import SIZE, batches, lanes
from wrapctl.apply.confirm import Confirmation, Patience, Written
from wrapctl.apply.journal import Journal, Kind
from wrapctl.apply.ledger import Ledger
from wrapctl.apply.lock import Held, Holder, RunLock
from wrapctl.apply.reading import REMOVALS, Looker
from wrapctl.apply.refuse import refuse_reason, window_override
from wrapctl.apply.report import PlanIsStale, Report, Status
from wrapctl.apply.send import Sender, Sent
from wrapctl.apply.settle import Settler
from wrapctl.apply.standing import Stand, Standing, resolve, unresolved
from wrapctl.errors import (
    GuardRefused,
    Interrupted,
    JournalError,
    Locked,
    TargetError,
    WrapctlError,
    WrongOrganization,
)
from wrapctl.model import Change, ChangeId, Live, Lock, Verb
from wrapctl.plan.plan import Finding, Plan
from wrapctl.plan.units import Unit, cut
from wrapctl.policy import Allowance, Policy
from wrapctl.targets.interface import Event, Result, Runtime, Target

_TO_READ = frozenset({Result.DONE, Result.UNKNOWN})
_CREATES = frozenset({Verb.CREATE_CODE, Verb.CREATE_ROW, Verb.CREATE_TABLE})

Recheck = Callable[[Live, Sequence[Change]], Sequence[Finding]]
"""Measures the guard again on what is left to write and what has just been read."""


def _no_findings(live: Live, changes: Sequence[Change]) -> Sequence[Finding]:
    del live, changes
    return ()


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """Who applies, and how. ``run`` must be new; ``host`` and ``pid`` go into the lock, ``commit`` into the journal.

    ``recheck`` is the guard, measured once more before the first write. ``allowances`` are the command line's.
    """

    run: str
    actor: str = ""
    commit: str = ""
    host: str = ""
    pid: int = 0
    on_conflict: Literal["refuse", "merge"] = "refuse"
    concurrency: int = 4
    batch: int = SIZE
    allowances: tuple[Allowance, ...] = ()
    patience: Patience = field(default_factory=Patience)
    recheck: Recheck = _no_findings


def apply(
    plan: Plan,
    target: Target,
    *,
    desired_policy: Policy,
    runtime: Runtime,
    clock: Callable[[], datetime],
    journal: Journal,
    lock: RunLock,
    options: ApplyOptions,
) -> Report:
    """Write what ``plan`` says and report what became of each change.

    Args:
        plan: of this org, and usable (``refuse.unusable``).
        target: the org's platform; its writer is made here and nowhere else.
        desired_policy: mode and windows, from the base branch where there is one.
        runtime: stop event, monotonic clock, waits, listener.
        clock: the wall clock.
        journal: of this run, not started.
        lock: taken for the organization that the plan is of.
        options: who applies, and how.

    Raises:
        Refused: observe mode, outside the windows, guard, wrong organization, locked, stale. Nothing was written.
        TargetError: the platform could not be read. Nothing was written.
        JournalError: the journal cannot be written. Nothing was written.
        Interrupted: asked to stop before the first write.
    """
    refusal = refuse_reason(desired_policy, clock(), options.allowances)
    if refusal is not None:
        raise refusal
    _refuse(plan.refusals)
    holder = Holder(
        run=options.run,
        actor=options.actor,
        host=options.host,
        pid=options.pid,
        since=clock().isoformat(),
        org=plan.org,
        plan=plan.digest,
    )
    with lock.hold(plan.identity.id, holder) as held, contextlib.closing(journal):
        return _Run(plan, target, runtime, journal, held, options).go()


def _refuse(findings: Iterable[Finding]) -> None:
    open_findings = [finding for finding in findings if finding.accepted is None]
    if open_findings:
        tokens = [f"--allow {finding.token}=REASON" for finding in open_findings if finding.token]
        raise GuardRefused(
            "; ".join(finding.message for finding in open_findings),
            hint=f"if it is meant: {' '.join(tokens)}" if tokens else "",
        )


class _Run:
    """One apply under its lock."""

    def __init__(
        self,
        plan: Plan,
        target: Target,
        runtime: Runtime,
        journal: Journal,
        held: Held,
        options: ApplyOptions,
    ) -> None:
        self._plan = plan
        self._target = target
        self._runtime = runtime
        self._journal = journal
        self._held = held
        self._options = options
        self._merge = options.on_conflict == "merge"
        self._reader = target.reader()
        self._ledger = Ledger(plan.changes)
        self._looker = Looker(self._reader, runtime)
        self._later = target.capabilities.later
        self._confirmation = Confirmation(self._looker, self._ledger, runtime, options.patience, self._later)
        self._traffic = target.traffic.copy()
        self._unended: tuple[str, ...] = ()
        self._lost: dict[str, str] = {}
        self._journal_trouble: JournalError | None = None
        self._fatal = ""
        self._hint = ""
        self._speech = threading.Lock()
        self._written = 0
        self._to_write = 0

    def go(self) -> Report:
        """All steps from the identity to the report."""
        self._same_organization()
        self._unended = self._journal.unended()
        for run in self._unended:
            self._say("note", f"run {run} never wrote its end: what it left undone is in this plan")
        live, standings = self._first_look()
        can = self._target.capabilities
        units = cut(self._ledger.pending, can.verbs, can.systems)
        self._to_write = len(units)
        _refuse(self._options.recheck(live, self._ledger.pending))
        if self._runtime.stop.is_set():
            raise Interrupted("asked to stop before the first write; nothing was written")
        self._journal.start(**self._header())
        sender = Sender(
            self._target.writer(), self._journal, self._runtime, self._say, self._options.concurrency
        )
        fresh: tuple[Live, dict[ChangeId, Standing]] | None = (live, standings)
        for batch in batches(units, self._ledger.needs, self._options.batch):
            if self._fatal or self._runtime.stop.is_set():
                break
            if self._batch(batch, sender, fresh):
                fresh = None
        return self._finish()

    # ── before the first write ─────────────────────────────────────────────────────────────────────────────

    def _same_organization(self) -> None:
        identity = self._reader.identity()
        if identity.id != self._plan.identity.id:
            raise WrongOrganization(
                f"the plan is of organization {self._plan.identity.name} ({self._plan.identity.id}), "
                f"the credentials open {identity.name} ({identity.id})",
                hint="nothing was written; correct the credentials or `organization_id`",
            )

    def _first_look(self) -> tuple[Live, dict[ChangeId, Standing]]:
        """Read all objects of the plan and settle every change, so that a stale plan writes nothing at all."""
        pending = self._ledger.pending
        divisions = self._target.capabilities.divisions and any("division" in one.after for one in pending)
        live = self._looker.look(pending, self._ledger.known, divisions=divisions)
        renaming = frozenset(one.live_id for one in pending if one.renames and one.live_id is not None)
        settler = Settler(
            live, replace(self._ledger.known, renaming=renaming), merge=self._merge, later=self._later
        )
        standings: dict[ChangeId, Standing] = {}
        # In plan order: an object that exists already gives its id to what refers to it.
        for change in pending:
            standing = standings[change.id] = settler.settle(change)
            self._settled(standing)
        if any(standing.stand is Stand.STALE for standing in standings.values()):
            raise PlanIsStale(self._report(stale=True))
        return live, standings

    def _header(self) -> dict[str, object]:
        options = self._options
        used = [
            *((one.token, one.accepted) for one in self._plan.findings if one.accepted is not None),
            *((one.token, one.reason) for one in (window_override(options.allowances),) if one is not None),
        ]
        return {
            "org": self._plan.org,
            "organization": {"id": self._plan.identity.id, "name": self._plan.identity.name},
            "sandbox": self._plan.identity.sandbox,
            "plan": self._plan.digest,
            "config": self._plan.config_digest,
            "changes": len(self._plan.changes),
            "actor": options.actor,
            "commit": options.commit,
            "host": options.host,
            "pid": options.pid,
            "concurrency": options.concurrency,
            "on_conflict": options.on_conflict,
            "unread": list(self._unread),
            "allowances": [{"token": token, "reason": reason} for token, reason in used],
            "already_done": [
                {"verb": one.verb.value, "address": one.address, "digest": one.digest, "id": one.live_id}
                for one in self._ledger.entries.values()
                if one.status is Status.ALREADY
            ],
        }

    # ── a batch ────────────────────────────────────────────────────────────────────────────────────────────

    def _batch(
        self, batch: Sequence[Unit], sender: Sender, fresh: tuple[Live, dict[ChangeId, Standing]] | None
    ) -> bool:
        """Look, write, read back; return whether anything was sent."""
        waiting = [change for unit in batch for change in self._possible(unit)]
        if not waiting:
            return False
        try:
            self._held.check()
            live, standings = fresh if fresh is not None else self._look(waiting)
        except (TargetError, Locked, Interrupted) as error:
            self._stop(error)
            return False
        ready = [unit for one in batch if (unit := self._ready(one, standings)) is not None]
        if not ready:
            return False
        written: list[Written] = []
        for sent in sender.send(lanes(ready), live):
            written.extend(self._note(sent))
        if self._fatal:
            self._confirmation.leave(written, "not read back: the run stopped", self._tell, doubt=False)
        else:
            self._confirmation.confirm(written, self._tell)
        return True

    def _note(self, sent: Sent) -> Iterator[Written]:
        """Enter what became of a unit, and yield what has to be read back."""
        if sent.trouble is not None:
            self._stop(sent.trouble)
        for change, outcome in zip(sent.unit.changes, sent.outcomes or (), strict=False):
            self._ledger.answered(outcome)
            if outcome.fatal and not self._fatal:
                self._fatal = outcome.message or str(outcome.answer or "the platform refuses this client")
                self._hint = outcome.hint
            if change.lock is Lock.SENT:
                continue  # nothing shows what became of it
            exists = outcome.result is Result.EXISTS and change.verb in _CREATES
            # What a server compares by itself it does not show: a row that it refused as stale is looked at.
            untold = outcome.result is Result.STALE and outcome.now is None and change.system
            if outcome.result in _TO_READ or exists or untold:
                yield Written(change, outcome.result)

    def _possible(self, unit: Unit) -> Iterator[Change]:
        """Yield the changes of a unit that may be tried; the others are skipped for what they need."""
        going: set[ChangeId] = set()
        for change in unit.changes:
            if not self._ledger.is_open(change.id):
                continue
            if change.system in self._lost:
                self._ledger.give_up(change.id, self._not_read(change.system))
                continue
            obstacle = self._ledger.obstacle(change.id, going) or self._doubt(change)
            if obstacle:
                self._ledger.skip(change.id, obstacle)
            else:
                going.add(change.id)
                yield change

    def _doubt(self, change: Change) -> str:
        """What nobody can rule out about a removal while a system is not read: a row there may name the code."""
        if change.verb not in REMOVALS or not self._lost:
            return ""
        return f"a row may name it: {'; '.join(self._not_read(system) for system in self._lost)}"

    def _settled(self, standing: Standing) -> None:
        """Enter what a look showed. A system that was not read is not asked again in this run."""
        if standing.stand is not Stand.UNREAD:
            self._ledger.settled(standing)
            return
        system = standing.change.system
        if system not in self._lost:
            self._lost[system] = standing.why
            self._say("note", f"{self._not_read(system)}; the rest goes on")
        self._ledger.give_up(standing.change.id, self._not_read(system))

    def _not_read(self, system: str) -> str:
        return f"{system} could not be read: {self._lost[system]}"

    @property
    def _unread(self) -> tuple[str, ...]:
        """Systems that the plan or this run could not read, and why."""
        return (*self._plan.unread, *(f"{system}: {why}" for system, why in self._lost.items()))

    def _look(self, changes: Sequence[Change]) -> tuple[Live, dict[ChangeId, Standing]]:
        live = self._looker.look(changes, self._ledger.known)
        settler = Settler(live, self._ledger.known, merge=self._merge, later=self._later)
        standings: dict[ChangeId, Standing] = {}
        for change in changes:
            standing = standings[change.id] = settler.settle(change)
            self._settled(standing)
            if standing.stand is not Stand.AS_PLANNED:
                self._tell(change.id)
        return live, standings

    def _ready(self, unit: Unit, standings: dict[ChangeId, Standing]) -> Unit | None:
        """Return what of a unit is to be sent now, references resolved; None when nothing is left."""
        changes = []
        for change in self._possible(unit):
            settled = resolve(standings[change.id].change, self._ledger.ids)
            nameless = unresolved(settled)
            if nameless:
                self._ledger.skip(change.id, f"refers to {nameless[0]}, which has no id")
            else:
                changes.append(settled)
        if not changes:
            return None
        return replace(unit, changes=tuple(changes))

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, change: ChangeId) -> None:
        """Journal what reading showed where it differs from what was answered."""
        entry = self._ledger.entries[change]
        try:
            self._journal.record(
                Kind.VERDICT,
                verb=entry.verb.value,
                address=entry.address,
                digest=entry.digest,
                status=entry.status.value,
                id=entry.live_id,
                message=entry.message,
                now=entry.now,
            )
        except JournalError as error:
            self._stop(error)

    def _stop(self, error: WrapctlError) -> None:
        if isinstance(error, JournalError):
            self._journal_trouble = self._journal_trouble or error
        if not self._fatal and not isinstance(error, Interrupted):
            self._fatal, self._hint = error.message, error.hint

    def _finish(self) -> Report:
        why = f"the run stopped: {self._fatal}" if self._fatal else "the run was asked to stop"
        for change in self._ledger.pending:
            self._ledger.held_up(change.id, why)
        if not self._fatal and any(entry.attempted for entry in self._ledger.entries.values()):
            self._hint = self._target.capabilities.manual_hint
        totals = self._report().totals
        try:
            self._journal.record(
                Kind.END,
                totals={status.value: count for status, count in totals.items()},
                fatal=self._fatal or None,
                interrupted=self._runtime.stop.is_set(),
                unread=list(self._unread),
            )
        except JournalError as error:
            self._stop(error)
        if self._journal_trouble is not None and not self._ledger.wrote:
            raise self._journal_trouble
        return self._report()

    def _report(self, *, stale: bool = False) -> Report:
        traffic = self._target.traffic.since(self._traffic)
        return Report(
            run=self._options.run,
            org=self._plan.org,
            organization_id=self._plan.identity.id,
            plan=self._plan.digest,
            entries=tuple(self._ledger.entries.values()),
            fatal=self._fatal,
            hint=self._hint,
            interrupted=self._runtime.stop.is_set(),
            stale=stale,
            unended=self._unended,
            unread=self._unread,
            requests=traffic.requests,
            retries=traffic.retries,
            waited=traffic.waited,
            limits=traffic.limits,
            limited=traffic.limited,
            times=traffic.times,
            journal=str(self._journal.path) if self._journal.started else "",
        )

    def _say(self, kind: Literal["write", "note"], text: str) -> None:
        with self._speech:
            if kind == "write":
                self._written += 1
            self._runtime.listen(Event(kind, text, self._written, self._to_write))
