"""What ``ci apply`` does under an org's lock: read, write, and record how it went."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Collection, Iterator
from datetime import date
from typing import TYPE_CHECKING

from wrapctl.apply.lock import Holder
from wrapctl.apply.report import PlanIsStale, Report
from wrapctl.ci.applying import Found
from wrapctl.ci.deployed import APPLY, Books
from wrapctl.ci.ended import end_of
from wrapctl.ci.held_lock import Kept, patiently
from wrapctl.cli.console import Console
from wrapctl.cli.kept import run_lock
from wrapctl.cli.orgs import connected, refuse_sandbox
from wrapctl.cli.writing import Writing, actor, new_run, nothing, write
from wrapctl.config.project import OrgConfig
from wrapctl.errors import Exit
from wrapctl.evidence.gather import Ask
from wrapctl.survey import survey

if TYPE_CHECKING:
    from wrapctl.ci.github import State
    from wrapctl.model import Scope
    from wrapctl.plan.plan import Plan
    from wrapctl.targets.interface import Runtime, Target


class Session:
    """One org, connected, its lock held. ``sha`` and ``task`` are what its deployment will say."""

    def __init__(
        self,
        console: Console,
        org: OrgConfig,
        target: Target,
        runtime: Runtime,
        writing: Writing,
        books: Books,
        *,
        sha: str,
        task: str,
    ) -> None:
        self._console = console
        self._org = org
        self._target = target
        self._runtime = runtime
        self._writing = writing
        self._books = books
        self._sha = sha
        self._task = task
        self._deployment: int | None = None
        self._written: list[tuple[Plan, Report, Collection[int]]] = []

    def read(self, day: date, scope: Scope | None = None) -> Found:
        """Read the org and plan it for ``day``; without a scope, all of it."""
        org, target = self._org, self._target
        ask = Ask(target.evidence(), self._console.now())
        plan, live = survey(
            target.reader(), target.capabilities, org.desired, as_of=day, scope=scope, ask=ask
        )
        return Found(org.desired, live, target.capabilities, plan)

    def refused(self, pulls: Collection[int]) -> None:
        """Record that the guard refuses the plan."""
        self._end("failure", "refused by the guard", pulls)

    def write(self, plan: Plan, pulls: Collection[int], *, again: bool) -> Report | None:
        """Write a plan and record how it ended; None when it went stale before its first write, and ``again`` is set.

        The deployment is recorded before anything is written.
        """
        if not plan.pending:
            report = nothing(plan, self._writing.run)
        else:
            if self._deployment is None:
                self._deployment = self._books.record(
                    "in_progress", f"run {self._writing.run}", sha=self._sha, task=self._task, pulls=pulls
                )
            try:
                report = write(self._console, self._org, plan, self._target, self._runtime, self._writing)
            except PlanIsStale as error:
                if again:
                    return None
                report = error.report
            self._written.append((plan, report, pulls))
        good = report.exit_code is Exit.OK
        self._end("success" if good else "failure", end_of(report).value, pulls)
        return report

    def _end(self, state: State, words: str, pulls: Collection[int]) -> None:
        if self._deployment is None:
            self._books.record(state, words, sha=self._sha, task=self._task, pulls=pulls)
        else:
            self._books.settle(self._deployment, state, words)
            self._deployment = None

    def tell(self) -> None:
        """Count what was written, and tell the sinks of it; after the lock is free, for nobody waits for a sink."""
        console = self._console
        for plan, report, pulls in self._written:
            if console.meter is not None:
                console.meter.report(report)
                console.meter.ended(report.org, report.exit_code)
            if console.telling is not None:
                console.telling.apply(self._org, plan, report, pulls=pulls)

    def abandon(self) -> None:
        """Record that what was begun failed, if it has no end yet."""
        if self._deployment is not None:
            self._end("failure", "failed", ())


@contextlib.contextmanager
def session(
    console: Console,
    org: OrgConfig,
    books: Books,
    *,
    sha: str,
    task: str = APPLY,
    wait: float = 0.0,
    sandbox: bool = False,
) -> Iterator[Session]:
    """Connect to an org, check who it is, and hold its run lock for the length of a ``with``.

    Raises:
        Refused: a sandbox in CI, or somebody else holds the lock for longer than ``wait`` seconds.
        TargetError: the platform was not reached.
    """
    with connected(console, org) as (target, runtime):
        identity = target.reader().identity()
        refuse_sandbox(console, org, allowed=sandbox, identity=identity)
        lock, run = run_lock(console, org), new_run(console)
        holder = Holder(
            run=run,
            actor=actor(console),
            host=socket.gethostname(),
            pid=os.getpid(),
            since=console.now().isoformat(),
            org=org.name,
        )
        held = patiently(
            lock,
            identity.id,
            holder,
            seconds=wait,
            runtime=runtime,
            say=lambda error: console.warn(f"{org.name}: waiting, for {error.message}"),
        )
        with contextlib.ExitStack() as after, held as kept:
            writing = Writing(run, Kept(kept, identity.id, lock.reach))
            made = Session(console, org, target, runtime, writing, books, sha=sha, task=task)
            # Whatever GitHub says afterwards: what was written was written.
            after.callback(made.tell)
            try:
                yield made
            except Exception:
                made.abandon()
                raise
