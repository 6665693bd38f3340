"""``--metrics FILE``: what a command is measured by while it runs, and the file that tells it."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapctl.errors import ConfigError, Exit, WrapctlError

if TYPE_CHECKING:
    from wrapctl.apply.report import Report
    from wrapctl.cli.console import Console
    from wrapctl.errors import Problem
    from wrapctl.notify.deliver import Told
    from wrapctl.plan.drift import Drift
    from wrapctl.plan.plan import Plan
    from wrapctl.render.metrics import OrgRun
    from wrapctl.targets.interface import Target


def measured(command: str) -> Callable[[Callable[..., Exit]], Callable[..., Exit]]:
    """Give a command ``--metrics``; its Console has a ``meter`` meanwhile. Stands right below ``options``."""

    def decorate(function: Callable[..., Exit]) -> Callable[..., Exit]:
        @click.option(
            "--metrics",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Write what the run is measured by, in the Prometheus text format.",
        )
        @functools.wraps(function)
        def run(console: Console, *, metrics: Path | None, **arguments: Any) -> Exit:
            meter = console.meter = Meter(command)
            code = Exit.ERROR
            try:
                code = function(console, **arguments)
            except WrapctlError as error:
                code = error.exit_code
                if isinstance(error, ConfigError):
                    meter.problems(error.problems)
                raise
            finally:
                if metrics is not None:
                    meter.write(console, metrics, code)
            return code

        return run

    return decorate


class Meter:
    """Collects what a run of ``command`` is measured by."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._begun = time.monotonic()
        self._orgs: dict[str, OrgRun] = {}
        self._events: dict[str, tuple[int, int]] = {}

    @contextlib.contextmanager
    def connected(self, org: str, target: Target) -> Iterator[None]:
        """Count what goes to an org for the length of a ``with``, and how an error ends it."""
        begun = time.monotonic()
        mine = self._org(org)
        try:
            yield
        except WrapctlError as error:
            mine.exit_code = int(error.exit_code)
            raise
        finally:
            mine.seconds += time.monotonic() - begun
            mine.traffic.add(target.traffic)

    def ended(self, org: str, code: Exit) -> None:
        """How the part of an org ended."""
        self._org(org).exit_code = int(code)

    def plan(self, plan: Plan) -> None:
        """A plan was made."""
        from wrapctl.metrics import findings

        mine = self._org(plan.org)
        _count(mine.changes, ((change.verb.value, change.state.value) for change in plan.changes))
        _add(mine.findings, findings(plan.warnings, plan.findings))
        mine.unread = len(plan.unread)

    def report(self, report: Report) -> None:
        """An apply ended; what its plan counted is in it."""
        mine = self._org(report.org)
        _count(mine.changes, ((entry.verb.value, entry.status.value) for entry in report.entries))
        _add(mine.findings, report.findings)
        mine.unread = len(report.unread)

    def drift(self, drift: Drift) -> None:
        """An org was compared with what was applied."""
        from wrapctl.metrics import findings

        mine = self._org(drift.org)
        parts = (
            ("drift", drift.changes),
            ("due", drift.due),
            ("pending", drift.pending),
            ("outstanding", drift.outstanding),
        )
        for outcome, changes in parts:
            _count(mine.changes, ((change.verb.value, outcome) for change in changes))
        _add(mine.findings, findings(drift.warnings))
        mine.unread = len(drift.unread)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Files were validated; what is wrong in no org's folder is of org ""."""
        from wrapctl.metrics import findings

        folders: dict[str, list[Problem]] = {}
        for problem in problems:
            parts = problem.source.file.split("/")
            folders.setdefault(parts[1] if len(parts) > 2 else "", []).append(problem)
        for org, mine in folders.items():
            _add(self._org(org).findings, findings(mine))

    def told(self, outcome: Iterable[Told]) -> None:
        """Events were brought to sinks."""
        for one in outcome:
            taken, kept = self._events.get(one.sink, (0, 0))
            self._events[one.sink] = (taken + one.delivered, kept + one.left)

    def write(self, console: Console, path: Path, code: Exit) -> None:
        """Write the file, whole or not at all. Where it cannot be, the run ends as it would have without it."""
        from wrapctl.cli.failure import redacted
        from wrapctl.cli.files import write_text
        from wrapctl.render.metrics import Run, text

        run = Run(
            command=self._command,
            at=console.now().timestamp(),
            seconds=time.monotonic() - self._begun,
            exit_code=int(code),
            orgs=self._orgs,
            events=self._events,
        )
        try:
            write_text(path, redacted(text(run)))
        except WrapctlError as error:
            console.warn(error.message)

    def _org(self, name: str) -> OrgRun:
        from wrapctl.render.metrics import OrgRun

        return self._orgs.setdefault(name, OrgRun())


def _count(counts: dict[tuple[str, str], int], found: Iterable[tuple[str, str]]) -> None:
    for one in found:
        counts[one] = counts.get(one, 0) + 1


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for kind, count in more.items():
        counts[kind] = counts.get(kind, 0) + count
