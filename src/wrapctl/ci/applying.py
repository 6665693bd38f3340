"""What of a plan made after a merge is written, and what is held: the changes that reviews approved. Pure.

The plan is over everything that was brought since the last time all was well. Besides the approved changes themselves
it writes what a validity date asks for that passed since the review: the dates were approved with the files.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from wrapctl.apply.report import Entry, Report, Status
from wrapctl.ci.merged import Merged
from wrapctl.model import (
    Address,
    Cause,
    Change,
    ChangeId,
    Desired,
    Live,
    Scope,
    State,
    Verb,
    escape,
)
from wrapctl.plan import guard
from wrapctl.plan.file import fields_data
from wrapctl.plan.make import make_plan, measure
from wrapctl.plan.plan import Finding, Plan
from wrapctl.plan.review import UNREVIEWED, Approval, hold, release
from wrapctl.plan.view import View, look
from wrapctl.targets.interface import Capabilities


@dataclass(frozen=True, slots=True)
class Brought:
    """What one merge brought to one org: the part of the org that it touches, and the plan that was reviewed.

    Without a plan ``why`` says why nothing of it counts as approved.
    """

    merged: Merged
    scope: Scope
    plan: Plan | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        pull = self.merged.pull
        return f"pull request #{pull.number}" if pull is not None else f"commit {self.merged.tip[:12]}"


@dataclass(frozen=True, slots=True)
class Found:
    """An org as it was read and planned after the merge."""

    desired: Desired
    live: Live
    capabilities: Capabilities
    plan: Plan

    @property
    def view(self) -> View:
        """Desired and live, joined as the plan joined them."""
        plan = self.plan
        return look(self.desired, self.live, self.capabilities, scope=plan.scope, as_of=plan.as_of)


def union(scopes: Iterable[Scope]) -> Scope:
    """Return the scope of all of ``scopes``; of none, an empty one."""
    codes: frozenset[str] | None = frozenset()
    queues: frozenset[str] | None = frozenset()
    crm: frozenset[str] = frozenset()
    for one in scopes:
        codes = None if codes is None or one.codes is None else codes | one.codes
        queues = None if queues is None or one.queues is None else queues | one.queues
        crm |= one.crm
    return Scope(codes, queues, crm)


# ── a merge ────────────────────────────────────────────────────────────────────────────────────────────────


def approval_of(brought: Iterable[Brought], organization: str) -> Approval:
    """Return what the reviews of ``organization`` approved, the oldest first."""
    plans = [one.plan for one in brought if one.plan is not None]
    return Approval(
        tuple(change for plan in plans if plan.identity.id == organization for change in plan.pending),
        organization,
    )


def reviewed(found: Found, brought: Sequence[Brought], doubtful: Collection[str] = ()) -> Plan:
    """Return the plan with everything held that no review approved, and the guard measured on what is left.

    What is held can be acknowledged as it is, in ``allow.yaml``; tokens in ``doubtful`` were put there by merges that
    do not count.
    """
    view, plan = found.view, found.plan
    approval = approval_of(brought, plan.identity.id)
    ids = {live_id: view.addresses[key] for key, live_id in view.codes.ids.items()}
    dated = tuple(_brought_by_dates(found, brought, approval, ids))
    left = hold(plan, replace(approval, changes=(*approval.changes, *dated)), ids)
    left = replace(left, changes=tuple(_explained(left.changes, brought)))
    return _released(found, view, left, brought, doubtful)


def _brought_by_dates(
    found: Found, brought: Sequence[Brought], approval: Approval, ids: Mapping[str, Address]
) -> Iterator[Change]:
    """Yield what only today asks for, of files that were reviewed: on the day of the review it was not due."""
    plan = found.plan
    days = [one.plan.as_of for one in brought if one.plan is not None]
    if not days or min(days) >= plan.as_of:
        return
    then = make_plan(found.desired, found.live, found.capabilities, as_of=min(days), scope=plan.scope)
    known = {change.id for change in hold(then, approval, ids).pending}
    unreviewed = [_Reach(one.scope) for one in brought if one.why]
    for change in _dated(plan, then):
        there = {one.id for one in then.changes}
        if change.id in there and change.id not in known:
            continue  # it was not right before that date either, and nobody approved it
        if not any(reach.covers(change) for reach in unreviewed):
            yield change


def _dated(plan: Plan, then: Plan) -> Iterator[Change]:
    """Yield the ready changes of ``plan`` that dates ask for and that ``then`` does not have like this."""
    digests = {change.digest for change in then.changes if change.state is State.READY}
    for change in plan.pending:
        dated = change.cause is Cause.VALIDITY or change.verb is Verb.REORDER
        if dated and change.digest not in digests:
            yield change


def _explained(changes: Iterable[Change], brought: Sequence[Brought]) -> Iterator[Change]:
    """Say of each held change whose merge does not count, and why."""
    reaches = [(one, _Reach(one.scope)) for one in brought if one.why]
    for change in changes:
        said = change
        if change.state is State.HELD and change.reason.startswith(UNREVIEWED):
            whose = next((one for one, reach in reaches if reach.covers(change)), None)
            if whose is not None:
                said = replace(change, reason=f"{UNREVIEWED}: {whose.name}: {whose.why}")
        yield said


def fresh(found: Found, brought: Sequence[Brought], doubtful: Collection[str] = ()) -> Plan:
    """Return the plan as it is, but for what a merge brought that changes CI itself: that is held."""
    steering = [(one, _Reach(one.scope)) for one in brought if one.why]
    if not steering:
        return found.plan
    held: set[ChangeId] = set()
    changes = []
    for change in found.plan.changes:
        said = change
        if change.state is State.READY:
            whose = next((one for one, reach in steering if reach.covers(change)), None)
            waits = next((need for need in change.needs if need in held), None)
            if whose is not None:
                said = replace(change, state=State.HELD, reason=f"{whose.name}: {whose.why}")
            elif waits is not None:
                said = replace(change, state=State.HELD, reason=f"waits for {waits}, which is held")
        if said.state is State.HELD:
            held.add(said.id)
        changes.append(said)
    left = replace(found.plan, changes=tuple(changes))
    return _released(found, found.view, left, (), doubtful)


class _Reach:
    """What a scope is about, asked of one change after the other."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._codes = None if scope.codes is None else frozenset(map(escape, scope.codes))
        self._queues = None if scope.queues is None else frozenset(map(escape, scope.queues))

    def covers(self, change: Change) -> bool:
        """Whether a change is about a code, a queue or a CRM system of the scope, or about a link with one."""
        scope = self._scope
        if scope.whole:
            return True
        if change.system:
            keys = {side.get("code") for side in (change.before, change.after)}
            return change.system in scope.crm or scope.codes is None or not keys.isdisjoint(scope.codes)
        _, kind, name, *rest = change.address.split("/")
        if kind == "code":
            return self._codes is None or name in self._codes
        if self._queues is None or name in self._queues:
            return True
        return rest[:1] == ["code"] and self._codes is not None and rest[1] in self._codes


# ── the guard ──────────────────────────────────────────────────────────────────────────────────────────────


def _released(
    found: Found, view: View, left: Plan, brought: Sequence[Brought], doubtful: Collection[str]
) -> Plan:
    """Release what is acknowledged of ``left``, and measure the guard on what would be written then."""
    said = {one.token: one.reason for one in found.desired.allowances if one.token not in doubtful}
    freed = release(replace(left, findings=()), found.plan, said)
    return replace(freed, findings=(*_guarded(found, view, freed, brought), *freed.findings))


def _guarded(found: Found, view: View, plan: Plan, brought: Sequence[Brought]) -> Iterator[Finding]:
    """Yield what the guard says of what would be written; what a review settled with its token stays settled.

    A token of ``allow.yaml`` is of one set. Of a set that was half written, and of several reviews that are written
    together, the reviews tell: each was within the limits, or acknowledged in files that are merged now.
    """
    tokens = {one.token: one.reason for one in found.desired.allowances}
    plans = [one.plan for one in brought if one.plan is not None and one.plan.identity.id == plan.identity.id]
    weighed = guard.weighed(found.plan.findings, plan.pending)
    for finding in (*measure(view, plan.changes, found.desired.allowances), *weighed):
        if finding.accepted is not None:
            yield finding
            continue
        earlier = next(
            (
                old
                for one in plans
                for old in one.findings
                if old.limit == finding.limit
                and old.token in tokens
                and {*finding.subjects} <= {*old.subjects}
            ),
            None,
        )
        if earlier is not None:
            yield replace(finding, accepted=tokens[earlier.token])
        elif len(plans) > 1 and _each_within(found, finding, plan, plans):
            yield replace(finding, accepted="each of the reviews is within this limit")
        else:
            yield finding


_OF_ONE_REVIEW = frozenset({"creates", "renames", "updates", "deletes", "unassigns", "crm_deletes"})
"""Limits that bound how much one review may change. Others are about how things are left behind."""


def _each_within(found: Found, finding: Finding, plan: Plan, plans: Sequence[Plan]) -> bool:
    if finding.limit not in _OF_ONE_REVIEW or finding.percent:
        return False
    groups: list[set[ChangeId]] = [{change.id for change in one.pending} for one in plans]
    alone = [[change for change in plan.pending if change.id in group] for group in groups]
    rest = [change for change in plan.pending if not any(change.id in group for group in groups)]
    return not any(
        one.limit == finding.limit
        for changes in (*alone, rest)
        for one in guard.measure(changes, found.live, found.desired.policy, managed_queues=(), scoped=True)
    )


# ── validity dates ─────────────────────────────────────────────────────────────────────────────────────────


def crosses(desired: Desired, since: date, today: date) -> bool:
    """Whether a validity date of the files asks for anything since ``since``, today included."""
    return any(
        (code.valid_from is not None and since < code.valid_from <= today)
        or (code.valid_through is not None and since <= code.valid_through < today)
        for code in desired.codes
        if not code.absent
    )


def due(found: Found, applied: Desired, since: date) -> Plan:
    """Return the plan with nothing but what validity dates ask for since ``since``.

    ``applied`` are the files that are live: what merged files say beyond them is not due, it is pending. What was
    wrong before the date is drift. Neither is written, and neither is counted.
    """
    plan, scope = found.plan, found.plan.scope
    then = make_plan(applied, found.live, found.capabilities, as_of=since, scope=scope)
    now = make_plan(applied, found.live, found.capabilities, as_of=plan.as_of, scope=scope)
    there = {change.id for change in then.changes}
    agreed = {change.digest for change in now.pending}
    chosen = [change for change in _dated(plan, then) if change.digest in agreed and change.id not in there]
    # An order alone is nobody's date: it is due with a link that comes or goes.
    moving = {change.parent for change in chosen if change.verb is not Verb.REORDER}
    chosen = [change for change in chosen if change.verb is not Verb.REORDER or change.parent in moving]
    left = replace(plan, changes=tuple(_able(chosen)), unread=(), unmanaged=(), warnings=())
    return replace(left, findings=measure(found.view, left.changes, found.desired.allowances))


def _able(chosen: Sequence[Change]) -> Iterator[Change]:
    """Block what needs a change that no date asks for: that one waits for its own apply."""
    able: set[ChangeId] = set()
    for change in chosen:
        missing = next((need for need in change.needs if need not in able), None)
        if missing is None:
            able.add(change.id)
            yield change
        else:
            yield replace(change, state=State.BLOCKED, reason=f"waits for {missing}, which no date asks for")


# ── the report ─────────────────────────────────────────────────────────────────────────────────────────────


def three_values(report: Report, approval: Approval, plan: Plan) -> Report:
    """Return the report with what was reviewed, what is live and what is wanted of each held change.

    Only where a review said anything of the object; elsewhere live and wanted are all that there is.
    """
    changes = {change.id: change for change in plan.changes}

    def told(entry: Entry) -> Entry:
        if entry.status is not Status.HELD or entry.id not in changes:
            return entry
        change = changes[entry.id]
        review = approval.at(change)
        if review is None:
            return entry
        moved = {
            name: value
            for name, value in review.after.items()
            if review.before.get(name) != value and change.after.get(name) != value
        }
        words = json.dumps(fields_data(moved), ensure_ascii=False) if moved else ""
        hint = f"what was reviewed ends with {words}" if words else entry.hint
        return replace(entry, planned=review.before, now=change.before, wanted=change.after, hint=hint)

    return replace(report, entries=tuple(told(entry) for entry in report.entries))
