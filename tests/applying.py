"""Apply plans to fake platforms in one line, and say in a few what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fakes import FakeOrg, FakeWorld
from world import TODAY
from wrapctl.apply.confirm import Patience
from wrapctl.apply.journal import Journal
from wrapctl.apply.lock import FileLock
from wrapctl.apply.report import Entry, Report
from wrapctl.apply.run import ApplyOptions, apply
from wrapctl.model import Desired
from wrapctl.plan.make import make_plan
from wrapctl.plan.plan import Plan

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Desk:
    """A person with one org, one project folder and one clock."""

    org: FakeOrg
    want: Desired
    folder: Path
    world: FakeWorld = field(default_factory=FakeWorld)
    runs: int = 0
    now: datetime = NOON

    def plan(self) -> Plan:
        return make_plan(self.want, self.org.live(), self.org.capabilities, as_of=TODAY)

    def apply(self, plan: Plan | None = None, **options: object) -> Report:
        """Apply ``plan``, or a fresh one; one thing after the other unless ``concurrency`` says otherwise."""
        self.runs += 1
        given: dict[str, object] = {"run": f"run-{self.runs}", "actor": "ada", "concurrency": 1, **options}
        return apply(
            plan if plan is not None else self.plan(),
            self.org,
            desired_policy=self.want.policy,
            runtime=self.world.runtime,
            clock=self.clock,
            journal=Journal(self.journal, str(given["run"]), self.clock),
            lock=FileLock(self.folder / "locks"),
            options=replace(ApplyOptions(run="", patience=Patience(looks=6)), **given),  # type: ignore[arg-type]  # tests name real options
        )

    def rehearse(self, **options: object) -> list[str]:
        """The requests of an undisturbed apply of this desk's plan, on a copy of its org."""
        copy = type(self.org)(lag=self.org.lag)
        copy.state = deepcopy(self.org.state)
        self.runs += 1
        Desk(copy, self.want, self.folder / f"rehearsal-{self.runs}").apply(None, **options)
        return copy.calls

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=5)
        return self.now

    @property
    def journal(self) -> Path:
        return self.folder / "journal"


def told(report: Report) -> list[str]:
    """The whole report, a line per change."""
    return [line(entry) for entry in report.entries]


def line(entry: Entry) -> str:
    where = entry.address.partition("/")[2]
    tail = f": {entry.message}" if entry.message else ""
    return f"{entry.verb.value} {where} → {entry.status.value}{tail}"


def writes(calls: Sequence[str]) -> list[str]:
    return [call for call in calls if not call.startswith("GET")]
