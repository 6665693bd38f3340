"""One org of ``ci apply``: what was merged and is not live yet, what of it was approved, and whether it may be now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from wrapctl.apply.refuse import refuse_reason
from wrapctl.ci import applying, deployed
from wrapctl.ci.applying import Brought
from wrapctl.ci.approved import WORKFLOW, approved, steers
from wrapctl.ci.deployed import APPLY, DUE, PENDING, SUCCESS, Books, Standing
from wrapctl.ci.ended import End, Ended, end_of
from wrapctl.ci.merged import History, Merged, merged
from wrapctl.cli.ci_write import session
from wrapctl.cli.console import Console
from wrapctl.cli.orgs import refuse_sandbox
from wrapctl.config.base import under_policy
from wrapctl.config.changed import compare
from wrapctl.config.project import OrgConfig, load
from wrapctl.errors import ConfigError, ObserveMode, Stale, UsageError, WrapctlError
from wrapctl.model import Scope
from wrapctl.plan.review import TOKEN as HELD
from wrapctl.plan.review import token

if TYPE_CHECKING:
    from wrapctl.apply.report import Report
    from wrapctl.ci.github import GitHub
    from wrapctl.plan.plan import Plan

TRIES: Final = 3
"""Plans in one run: somebody may edit the platform in the seconds between a plan and its first write."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for. ``mode`` is None where the org's own policy decides; ``wait`` is in seconds."""

    mode: Literal["reviewed", "fresh"] | None = None
    workflow: str = WORKFLOW
    wait: float = 0.0
    sandbox: bool = False
    pending: bool = False
    run_url: str = ""


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to do: the merges that are covered, and the scope of the plan (None: the whole org).

    ``doubtful`` are acknowledgements of held changes that came with merges which do not count.
    """

    standing: Standing
    brought: tuple[Brought, ...] = ()
    scope: Scope | None = field(default_factory=Scope)
    doubtful: frozenset[str] = frozenset()


class OrgApply:
    """``ci apply`` of one org at one commit.

    ``earlier`` are the orgs of earlier stages, ``trouble`` those of them that this very command could not apply.
    """

    def __init__(
        self,
        console: Console,
        hub: GitHub,
        org: OrgConfig,
        history: History,
        asked: Asked,
        *,
        earlier: Sequence[str] = (),
        trouble: Sequence[str] = (),
    ) -> None:
        self._console = console
        self._hub = hub
        self._org = org
        self._history = history
        self._asked = asked
        self._earlier = earlier
        self._trouble = trouble
        self._books = Books(hub, org.name, console.warn, asked.run_url)
        self._seen: dict[str, OrgConfig | None] = {history.head: org}

    # ── a merge ────────────────────────────────────────────────────────────────────────────────────────────

    def merges(self) -> Ended:
        """Apply what was merged and is not live yet.

        Raises:
            WrapctlError: it is not known what that is. Nothing was written.
        """
        refuse_sandbox(self._console, self._org, allowed=self._asked.sandbox)
        work = self._work(deployed.standing(self._hub, self._org.name))
        if isinstance(work, Ended):
            return work
        brought = work.brought
        try:
            waits = self._closed() or self._waits(brought)
            if waits:
                tip = brought[-1].merged.tip if brought else self._history.head
                return self._put_off(work.standing, waits, sha=tip, brought=brought)
            return self._write(work)
        except ObserveMode as error:
            return self._ended(End.OBSERVED, brought, note=error.message)
        except WrapctlError as error:
            return self._ended(End.FAILED, brought, error=error)

    def _work(self, standing: Standing) -> _Work | Ended:
        """Return what there is to do, or how it ended because there is nothing."""
        applied, head = standing.applied, self._history.head
        if applied is not None and self._history.after(applied.sha):
            why = f"commit {applied.sha[:12]}, which is newer, was applied already"
            return self._ended(End.NOTHING, note=why)
        if self._asked.pending and not self._left_over(standing):
            return self._ended(End.NOTHING)
        if self._asked.mode == "fresh":
            return _Work(standing, self._brought(standing)[0], None)
        if applied is not None and not standing.later and self._touched(applied.sha, head) is None:
            return self._ended(End.NOTHING)
        brought, doubtful = self._brought(standing)
        if brought:
            return _Work(standing, brought, applying.union(one.scope for one in brought), doubtful)
        if not self._org.desired.policy.observe:
            # From here on it is known what is merged; and of what failed before nothing is left to do.
            self._books.record("success", End.NOTHING.value, sha=head)
        return self._ended(End.NOTHING)

    def _left_over(self, standing: Standing) -> bool:
        """Whether something waits: put off, never ended, or merged and never begun. A run that failed does not."""
        newest = standing.newest
        if newest is None or standing.waits:
            return True
        head = self._history.head
        return self._touched(newest.sha, head) is not None or bool(
            self._tokens(head) - self._tokens(newest.sha)
        )

    def _brought(self, standing: Standing) -> tuple[tuple[Brought, ...], frozenset[str]]:
        """Return what each merge brought, and the acknowledgements among it that do not count."""
        found: list[Brought] = []
        doubtful: set[str] = set()
        for one in merged(self._hub, self._history, self._base(standing)):
            scope = self._touched(one.before, one.tip)
            if scope is not None:
                found.append(self._judged(one, scope))
            new = self._tokens(one.tip) - self._tokens(one.before)
            held = {line for line in new if line.startswith(HELD)}
            if held and (one.pull is None or steers(self._hub, one.pull)):
                doubtful |= held
        return tuple(found), frozenset(doubtful)

    def _tokens(self, commit: str) -> set[str]:
        """The acknowledgements of a commit."""
        org = self._at(commit)
        return {one.token for one in org.desired.allowances} if org is not None else set()

    def _base(self, standing: Standing) -> str:
        """The commit behind which everything is covered: the last one of which all is live.

        Without one, what was begun first and never ended well is covered again; without that, the last merge alone.
        """
        if standing.applied is not None:
            return standing.applied.sha
        begun = [one.sha for one in standing.later if self._history.has(one.sha)]
        return self._history.parent(begun[-1] if begun else self._history.head)

    def _judged(self, one: Merged, scope: Scope) -> Brought:
        """Return what a merge brought, with the plan that was reviewed for it, or why that does not count."""
        if self._asked.mode == "fresh":
            return Brought(one, scope)
        if one.pull is None:
            return Brought(one, scope, why="" if self._fresh else "it was pushed without a pull request")
        if self._fresh:
            return Brought(one, scope, why=steers(self._hub, one.pull))
        review = approved(self._hub, one.pull, self._org.name, workflow=self._asked.workflow)
        if review.plan is None:
            why = f"its review shows no plan of {self._org.name} (a new org is planned once it is merged)"
            return Brought(one, scope, why=review.why or why)
        return Brought(one, applying.union((scope, review.plan.scope)), review.plan)

    @property
    def _fresh(self) -> bool:
        mode = self._asked.mode
        return self._org.desired.policy.fresh if mode is None else mode == "fresh"

    def _touched(self, before: str, after: str) -> Scope | None:
        """Return what of the org differs between two commits, None when nothing does."""
        then, now = self._at(before), self._at(after)
        if now is None:
            return None
        touched = compare(then.desired if then is not None else None, now.desired)
        return None if touched.nothing else touched.scope

    def _at(self, commit: str) -> OrgConfig | None:
        """Return the org as a commit has it; None where it was not there, or wrong."""
        if commit not in self._seen:
            name = self._org.name
            try:
                found = load(self._console.root, orgs=[name], revision=commit).orgs if commit else {}
            except (ConfigError, UsageError):
                found = {}
            self._seen[commit] = found.get(name)
        return self._seen[commit]

    def _write(self, work: _Work) -> Ended:
        name, asked = self._org.name, self._asked
        books, head = self._books, self._history.head
        with session(
            self._console, self._org, books, sha=head, wait=asked.wait, sandbox=asked.sandbox
        ) as held:
            # Whoever had the lock may have applied all of it meanwhile.
            standing = deployed.standing(self._hub, name)
            if standing != work.standing:
                again = self._work(standing)
                if isinstance(again, Ended):
                    return again
                work = again
            brought, pulls = work.brought, _pulls(work.brought)
            for attempt in range(TRIES):
                found = held.read(self._today(), work.scope)
                judge = applying.fresh if self._fresh else applying.reviewed
                plan = judge(found, brought, work.doubtful)
                if plan.refusals:
                    held.refused(pulls)
                    return self._ended(End.REFUSED, brought, plan=plan)
                report = held.write(plan, pulls, again=attempt + 1 < TRIES)
                if report is not None:
                    approval = applying.approval_of(brought, plan.identity.id)
                    report = applying.three_values(report, approval, plan)
                    return self._ended(end_of(report), brought, report=report, token=token(plan))
        raise _restless(name)

    # ── what waits ─────────────────────────────────────────────────────────────────────────────────────────

    def _closed(self) -> str:
        """Return why nothing may be written now: outside of the change windows.

        Raises:
            ObserveMode: nothing may be written at all.
        """
        refusal = refuse_reason(self._org.desired.policy, self._console.now())
        if isinstance(refusal, ObserveMode):
            raise refusal
        return refusal.message if refusal is not None else ""

    def _waits(self, brought: Sequence[Brought]) -> str:
        """Return which org of an earlier stage has to be applied first.

        What is rolled out there is what is rolled out here: trouble of its own that is older holds up nobody else.
        """
        tips = {one.merged.tip for one in brought}
        for other in self._earlier:
            if other in self._trouble:
                return f"waits for {other}, of an earlier stage, which did not end well"
            newest = deployed.standing(self._hub, other).newest
            if newest is not None and newest.state != SUCCESS and self._history.covered(tips, newest.sha):
                return f"waits for {other}, of an earlier stage, which is {newest.state or 'not begun'}"
        return ""

    def _put_off(
        self,
        standing: Standing,
        why: str,
        *,
        sha: str,
        brought: tuple[Brought, ...] = (),
        task: str = APPLY,
    ) -> Ended:
        newest = standing.newest
        if newest is None or newest.sha != sha or newest.state not in PENDING:
            self._books.record("pending", why, sha=sha, task=task, pulls=_pulls(brought))
        return self._ended(End.PENDING, brought, note=why, due=task == DUE)

    # ── validity dates ─────────────────────────────────────────────────────────────────────────────────────

    def dates(self) -> Ended:
        """Apply what validity dates ask for since the org was applied last, and nothing else.

        Raises:
            WrapctlError: it is not known what that is. Nothing was written.
        """
        org, head = self._org, self._history.head
        refuse_sandbox(self._console, org, allowed=self._asked.sandbox)
        merges = deployed.standing(self._hub, org.name)
        dates = deployed.standing(self._hub, org.name, task=DUE)
        applied = merges.applied
        if applied is None or not self._history.has(applied.sha):
            what = "no commit" if applied is None else f"not commit {applied.sha[:12]}, but another branch,"
            why = f"{what} up to {head[:12]} is known to be live, so that no date of it is due"
            return self._ended(End.NOTHING, note=why, due=True)
        then = self._at(applied.sha)
        since, today = self._day(merges, dates), self._today()
        if then is None or then.desired.platform != org.desired.platform or since is None:
            return self._ended(End.NOTHING, due=True)
        if not applying.crosses(org.desired, since, today):
            return self._ended(End.NOTHING, due=True)
        try:
            closed = self._closed()
            if closed:
                return self._put_off(dates, closed, sha=applied.sha, task=DUE)
            return self._write_due(under_policy(then, org), applied.sha, since)
        except ObserveMode as error:
            return self._ended(End.OBSERVED, note=error.message, due=True)
        except WrapctlError as error:
            return self._ended(End.FAILED, error=error, due=True)

    def _write_due(self, then: OrgConfig, sha: str, since: date) -> Ended:
        asked = self._asked
        with session(
            self._console, self._org, self._books, sha=sha, task=DUE, wait=asked.wait, sandbox=asked.sandbox
        ) as held:
            for attempt in range(TRIES):
                plan = applying.due(held.read(self._today()), then.desired, since)
                if not plan.changes:
                    return self._ended(End.NOTHING, due=True)
                if plan.refusals:
                    held.refused(())
                    return self._ended(End.REFUSED, plan=plan, due=True)
                report = held.write(plan, (), again=attempt + 1 < TRIES)
                if report is not None:
                    return self._ended(end_of(report), report=report, due=True)
        raise _restless(self._org.name)

    def _day(self, *standings: Standing) -> date | None:
        """The day on which the org was applied last, in its time zone."""
        applied = [one.applied for one in standings if one.applied is not None]
        moments = [one.at for one in applied if one.at is not None]
        zone = ZoneInfo(self._org.desired.policy.timezone)
        return max(moments).astimezone(zone).date() if moments else None

    def _today(self) -> date:
        return self._console.today(self._org.desired.policy.timezone)

    def _ended(
        self,
        end: End,
        brought: tuple[Brought, ...] = (),
        *,
        note: str = "",
        report: Report | None = None,
        plan: Plan | None = None,
        error: WrapctlError | None = None,
        due: bool = False,
        token: str = "",
    ) -> Ended:
        return Ended(self._org.name, end, self._history.head, brought, note, report, plan, error, due, token)


def _restless(org: str) -> Stale:
    return Stale(f"{org} changes faster than it can be planned; nothing was written", hint="run again later")


def _pulls(brought: Sequence[Brought]) -> set[int]:
    return {one.merged.pull.number for one in brought if one.merged.pull is not None}
