"""Apply plans to fake platforms in one line, and say in a few what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fake_crm import FakeCrm
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
from wrapctl.targets.assembled import Assembled
from wrapctl.targets.interface import Target

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Desk:
    """A person with one org, the CRM connections that keep its rows, one project folder and one clock."""

    org: FakeOrg
    want: Desired
    folder: Path
    world: FakeWorld = field(default_factory=FakeWorld)
    runs: int = 0
    now: datetime = NOON
    crm: Mapping[str, FakeCrm] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        """The org with its CRM connections (by name), one target."""
        kept = {system: one for one in self.crm.values() for system in one.state}
        names = {system: name for name, one in self.crm.items() for system in one.state}
        return Assembled(self.org, kept, names) if kept else self.org

    def plan(self) -> Plan:
        live = self.org.live()
        for one in self.crm.values():
            why = dict.fromkeys(one.state, "it is down") if one.down else {}
            seen = {} if one.down else one.live()
            live = replace(live, crm={**live.crm, **seen}, unread={**live.unread, **why})
        return make_plan(self.want, live, self.target.capabilities, as_of=TODAY)

    def apply(self, plan: Plan | None = None, **options: object) -> Report:
        """Apply ``plan``, or a fresh one; one thing after the other unless ``concurrency`` says otherwise."""
        self.runs += 1
        given: dict[str, object] = {"run": f"run-{self.runs}", "actor": "ada", "concurrency": 1, **options}
        return apply(
            plan if plan is not None else self.plan(),
            self.target,
            desired_policy=self.want.policy,
            runtime=self.world.runtime,
            clock=self.clock,
            journal=Journal(self.journal, str(given["run"]), self.clock),
            lock=FileLock(self.folder / "locks"),
            options=replace(ApplyOptions(run="", patience=Patience(looks=6)), **given),  # type: ignore[arg-type]  # tests name real options
        )

    def rehearse(self, **options: object) -> list[str]:
        """The requests of an undisturbed apply of this desk's plan, on a copy of its org."""
        copy = self.copied()
        copy.apply(None, **options)
        return copy.org.calls

    def copied(self) -> Desk:
        """This desk before anything happened to it, on copies of what it is connected to."""
        org = type(self.org)(lag=self.org.lag)
        org.state = deepcopy(self.org.state)
        crm: dict[str, FakeCrm] = {}
        for name, one in self.crm.items():
            crm[name] = FakeCrm(
                capabilities=one.capabilities, lag=one.lag, needed=one.needed, compared=one.compared
            )
            crm[name].state = deepcopy(one.state)
        self.runs += 1
        return Desk(org, self.want, self.folder / f"rehearsal-{self.runs}", crm=crm)

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
