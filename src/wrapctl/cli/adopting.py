"""``wrapctl drift --adopt``: drift written into the files, checked by planning again, all files or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from wrapctl.config.adopt_drift import Adopted, adopt_drift
from wrapctl.config.files import HOME, Disk, Files
from wrapctl.config.project import OrgConfig, read
from wrapctl.config.vendor import vendor
from wrapctl.errors import ConfigError
from wrapctl.evidence.told import Left, Told
from wrapctl.model import Change, ChangeId, Live, State
from wrapctl.plan.make import make_plan
from wrapctl.targets.interface import Capabilities

if TYPE_CHECKING:
    from wrapctl.cli.console import Console
    from wrapctl.plan.plan import Plan

_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at: the live state, what the target can hold, and the day."""

    live: Live
    capabilities: Capabilities
    today: date


@dataclass(frozen=True, slots=True)
class _Edited:
    """The project's files with some of them edited."""

    disk: Files
    texts: Mapping[str, str]

    def listing(self) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        listed, unusable = self.disk.listing()
        return sorted({*listed, *self.texts}), unusable

    def read(self, path: str) -> bytes:
        return self.texts[path].encode("utf-8") if path in self.texts else self.disk.read(path)


def take_over(console: Console, org: OrgConfig, told: Told, seen: Seen) -> Told:
    """Write the drift of one org into its files and say what was taken over, and what was not and why.

    The edited files are resolved and planned against the same live state before anything is written. What the plan
    still shows then is taken out again; so is what the rules of the project do not allow.

    Raises:
        WrapctlError: a file cannot be written; then all of them are as they were.
    """
    from wrapctl.cli.files import write_all

    texts = _texts(console, org.name)
    work = _Work(console, org, told, seen, texts)
    made, done, left = work.run()
    write_all({console.root / path: text for path, text in made.files.items()})
    return replace(
        told,
        adopted=tuple(done),
        left=tuple(Left(change, left[change.id]) for change in told.drift.changes if change.id in left),
        files=tuple(sorted(made.files)),
    )


def _texts(console: Console, org: str) -> dict[str, str]:
    disk = Disk(console.root)
    own = [path for path in disk.listing()[0] if path.startswith(f"{HOME}/{org}/")]
    return {path: disk.read(path).decode("utf-8") for path in own}


@dataclass(slots=True)
class _Work:
    console: Console
    org: OrgConfig
    told: Told
    seen: Seen
    texts: dict[str, str]

    def run(self) -> tuple[Adopted, list[Change], dict[ChangeId, str]]:
        """Return the edits that hold, the changes that they take over, and why others are left."""
        left: dict[ChangeId, str] = {}
        wanted = list(self.told.drift.changes)
        for _ in range(_ROUNDS):
            made = self._adopt(wanted)
            left.update(made.left)
            wanted = [change for change in wanted if change.id not in left]
            problem, plan = self._planned(made)
            if plan is None:
                return self._one_by_one(wanted, left, problem)
            still = _ready(plan)
            stuck = [change for change in wanted if change.id in still]
            if not stuck and not (still - self._before()):
                return made, wanted, left
            if not stuck:
                return self._one_by_one(wanted, left, "the plan would show other changes instead")
            left.update(
                {
                    change.id: "the files would still not mean what is live: change them by hand"
                    for change in stuck
                }
            )
            wanted = [change for change in wanted if change.id not in left]
        return Adopted({}, {}), [], left | {change.id: "too much hangs together" for change in wanted}

    def _adopt(self, wanted: Sequence[Change]) -> Adopted:
        words = vendor(self.org.desired.platform)
        assert words is not None, "checked while the files were loaded"  # noqa: S101 (for the type checker)
        renamed = {
            change.id: who.became
            for change in wanted
            if (who := self.told.who.get(change.id)) is not None and self._is_stranger(who.became)
        }
        return adopt_drift(self.org, self.seen.live, words, wanted, self.texts, renamed=renamed)

    def _is_stranger(self, live_id: str) -> bool:
        return any(one.kind == "code" and one.id == live_id for one in self.told.drift.unmanaged)

    def _one_by_one(
        self, wanted: Sequence[Change], left: dict[ChangeId, str], problem: str
    ) -> tuple[Adopted, list[Change], dict[ChangeId, str]]:
        """Take over object by object, and leave out those with which the files would be wrong."""
        groups: dict[str, list[Change]] = {}
        for change in wanted:
            groups.setdefault("/".join(change.address.split("/")[:3]), []).append(change)
        kept: list[Change] = []
        best = Adopted({}, {})
        for members in groups.values():
            made = self._adopt([*kept, *members])
            why, plan = self._planned(made)
            tried = [change for change in members if change.id not in made.left]
            still = _ready(plan) if plan is not None else frozenset()
            if (
                plan is not None
                and not still & {change.id for change in tried}
                and not still - self._before()
            ):
                best, kept = made, [*kept, *tried]
                left.update({change.id: made.left[change.id] for change in members if change.id in made.left})
            else:
                left.update({change.id: why or problem for change in members})
        return best, kept, left

    def _before(self) -> frozenset[ChangeId]:
        """What the plan showed before: only what comes on top was brought by the edits."""
        drift = self.told.drift
        return frozenset(one.id for one in (*drift.changes, *drift.due, *drift.pending, *drift.outstanding))

    def _planned(self, made: Adopted) -> tuple[str, Plan | None]:
        """Return the plan of the edited files, or what is wrong with them."""
        try:
            project = read(self.console.root, _Edited(Disk(self.console.root), made.files), [self.org.name])
        except ConfigError as error:
            first = error.problems[0]
            return f"the files would be wrong: {first.message}", None
        desired = project.orgs[self.org.name].desired
        plan = make_plan(desired, self.seen.live, self.seen.capabilities, as_of=self.seen.today)
        return "", plan


def _ready(plan: Plan) -> frozenset[ChangeId]:
    return frozenset(change.id for change in plan.changes if change.state is State.READY)
