"""What commands do with events: bring them to the sinks beside the run, and say in a line what was not taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Self

from wrapctl.cli.console import Console

if TYPE_CHECKING:
    from wrapctl.apply.report import Report
    from wrapctl.config.project import OrgConfig, Project
    from wrapctl.config.sinks import Sink
    from wrapctl.evidence.told import Told as Drifted
    from wrapctl.notify.deliver import Courier, Told, World
    from wrapctl.notify.events import Context, Event
    from wrapctl.notify.outbox import Outbox
    from wrapctl.plan.plan import Plan


class Telling:
    """Tells a project's sinks what a command did. Without sinks it does nothing, and nothing is imported.

    Use it as a context: its end waits for what is still on its way, for a bounded time. Meanwhile the Console has
    it as ``telling``. Nothing here raises.
    """

    def __init__(self, console: Console, project: Project) -> None:
        self._console = console
        self._sinks: Mapping[str, Sink] = project.sinks
        self._courier: Courier | None = None

    def __enter__(self) -> Self:
        self._console.telling = self
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._console.telling = None
        if kind is KeyboardInterrupt:
            self._console.stop.set()
        self.finish()

    def plan(self, plan: Plan, run: str) -> None:
        """A plan was made."""
        if self._sinks:
            from wrapctl.notify import events

            self._tell(lambda: events.of_plan(plan, self._context(run)))

    def apply(self, org: OrgConfig, plan: Plan, report: Report, *, pulls: Iterable[int] = ()) -> None:
        """An apply ended. ``pulls``: the pull requests whose changes it wrote, where the job's own says nothing."""
        if self._sinks:
            from wrapctl.notify import events

            self._tell(
                lambda: events.of_apply(
                    plan, report, org.desired, self._context(report.run, tuple(sorted(pulls)))
                )
            )

    def drift(self, told: Drifted, run: str) -> None:
        """An org was compared with what was applied. People are told by the platform's id of them."""
        if self._sinks:
            from wrapctl.notify import events

            who = {
                change: one.entry.actor_id
                for change, one in told.who.items()
                if one.entry is not None and one.sure
            }
            self._tell(lambda: events.of_drift(told.drift, self._context(run), who))

    def finish(self) -> None:
        """Wait for what is on its way, and say what was not taken."""
        courier, self._courier = self._courier, None
        if courier is None:
            return
        try:
            outcome = courier.finish()
        except KeyboardInterrupt:
            # All that the command is for is done: whoever is tired of waiting ends the waiting, not the run.
            self._console.stop.set()
            outcome = courier.finish(0)
        for trouble in courier.trouble:
            self._console.warn(trouble)
        say(self._console, outcome)
        if self._console.meter is not None:
            self._console.meter.told(outcome)

    def _tell(self, made: Callable[[], Iterable[Event]]) -> None:
        try:
            if self._courier is None:
                from wrapctl.notify.deliver import Courier

                self._courier = Courier(self._sinks, outbox(self._console), world(self._console))
            self._courier.tell(made())
        except Exception as error:  # noqa: BLE001  (how a run ended must not hang on who is told of it)
            self._console.warn(f"the sinks were not told: unexpected {type(error).__name__}")

    def _context(self, run: str, pulls: tuple[int, ...] = ()) -> Context:
        from wrapctl.cli.writing import actor, commit
        from wrapctl.notify.events import Context

        console = self._console
        return Context(
            run=run,
            at=f"{console.now():%Y-%m-%dT%H:%M:%SZ}",
            commit=commit(console),
            actor=actor(console),
            pull_requests=pulls or _pull_request(console.environ),
        )


def say(console: Console, outcome: Iterable[Told]) -> None:
    """Say what became of events: in one line what was taken, in one for each sink what was not, and why."""
    from wrapctl.cli.failure import redacted

    outcome = list(outcome)
    taken = [f"{one.sink} {one.delivered:,}" for one in outcome if one.delivered]
    if taken:
        console.err(f"events delivered: {', '.join(taken)}")
    for one in outcome:
        if one.left:
            events = "1 event is" if one.left == 1 else f"{one.left:,} events are"
            again = f"`wrapctl notify replay --sink {one.sink}` sends again"
            console.warn(redacted(f"sink {one.sink}: {events} kept in the outbox: {one.why}; {again}"))


def outbox(console: Console) -> Outbox:
    """Return the project's outbox."""
    from wrapctl.notify.outbox import Outbox

    return Outbox(console.state / "outbox")


def world(console: Console) -> World:
    """Return what the outside lends to a courier."""
    from wrapctl.config.secrets import fetch
    from wrapctl.notify.deliver import World

    return World(
        fetch=lambda where: fetch(where, console.environ, root=console.root).reveal(),
        clock=console.now,
        monotonic=time.monotonic,
        wait=console.stop.wait,
        stop=console.stop,
    )


def _pull_request(environ: Mapping[str, str]) -> tuple[int, ...]:
    """Return the number of the pull request that a GitHub job is of, nothing elsewhere."""
    kind, _, rest = environ.get("GITHUB_REF", "").removeprefix("refs/").partition("/")
    number = rest.partition("/")[0]
    return (int(number),) if kind == "pull" and number.isascii() and number.isdigit() else ()
