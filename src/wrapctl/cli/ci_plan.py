"""``wrapctl ci plan``: plan the orgs that a pull request touches, under the policy of its base branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from wrapctl.cli.ci import Stage, add_summary, fenced, stage
from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.cli.metering import measured
from wrapctl.errors import ConfigError, Exit, Interrupted, Problem, Refused, UsageError, WrapctlError, worst

if TYPE_CHECKING:
    from wrapctl.ci.artefact import Proposal
    from wrapctl.config.base import Proposed
    from wrapctl.config.project import Project
    from wrapctl.plan.plan import Plan

SUMMARY: Final = 200_000
"""Characters of a job's summary; GitHub takes a megabyte."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one org: its plan, or what kept it from having one."""

    org: str
    plan: Plan | None = None
    error: WrapctlError | None = None

    @property
    def code(self) -> Exit:
        """How it ended."""
        if self.error is not None:
            return self.error.exit_code
        return Exit.REFUSED if self.plan is not None and self.plan.refusals else Exit.OK


@click.command("plan")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    required=True,
    help="Where each org's plan.json, meta.json, plan.md and plan.txt go.",
)
@click.option(
    "--base", default="", metavar="REV", help="The base branch; else the merge commit's first parent."
)
@click.option("--head", default="", metavar="SHA", help="Last commit of the pull request; else the event's.")
@click.option("--pull-request", type=click.IntRange(1), metavar="N", help="Its number; else the event's.")
@click.option("--comment", is_flag=True, help="Then do what `wrapctl ci comment` does.")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
@measured("ci plan")
def command(
    console: Console,
    *,
    orgs: Sequence[str],
    out: Path,
    base: str,
    head: str,
    pull_request: int | None,
    comment: bool,
    sandbox: bool,
) -> Exit:
    """Plan the orgs that a pull request touches, or those named. Reads the platform, writes nothing there."""
    from wrapctl.ci.annotate import of_plan
    from wrapctl.ci.planning import examine, proposal

    start = stage(console, base=base, head=head, number=pull_request)
    try:
        proposed = examine(console.root, start.here.base)
    except ConfigError as error:
        annotate(console, start, error.problems)
        raise
    asked = proposal(start.here, proposed, start.number)
    if asked.refused:
        raise Refused(asked.refused, hint="split the pull request, or raise the limit in one of its own")
    with fenced(console, start.job):
        chosen = wanted(console, proposed, orgs)
        results = [_plan(console, proposed, org, sandbox=sandbox) for org in chosen]
        for result in results:
            leave(console, out, asked, proposed, result, start.job.run_url)
        show(console, results)
        tell(console, proposed.project, results)
    # The warnings of the files are everybody's: a job of one org leaves them to the job that validates.
    files = set(proposed.project.warnings) | {
        note for touched in proposed.touched.values() for note in touched.notes
    }
    told = {problem for result in results if result.plan is not None for problem in of_plan(result.plan)}
    annotate(console, start, sorted(told - files if orgs else told | files))
    add_summary(start.job, summary(results, start.job.run_url))
    codes = [result.code for result in results]
    if comment:
        from wrapctl.cli.ci_comment import say

        codes.append(say(console, start, [out]))
    return worst(codes)


def tell(console: Console, project: Project, results: Sequence[Result]) -> None:
    """Count the plans, and tell the sinks of them: those of the base branch, that nobody has turned to himself."""
    from wrapctl.cli.telling import Telling
    from wrapctl.cli.writing import new_run

    run = new_run(console)
    with Telling(console, project) as telling:
        for result in results:
            if result.plan is not None:
                if console.meter is not None:
                    console.meter.plan(result.plan)
                    console.meter.ended(result.org, result.code)
                telling.plan(result.plan, run)


def wanted(console: Console, proposed: Proposed, names: Sequence[str]) -> list[str]:
    """Return the orgs to plan, in the order of their stages, and say why the others are not.

    Raises:
        UsageError: there is no such org.
    """
    for name in names:
        if name in proposed.changed:
            continue
        if name in proposed.project.orgs:
            console.err(f"{name}: not touched by this pull request")
        elif name not in (*proposed.new, *proposed.gone):
            raise UsageError(
                f"there is no org {name!r}", hint=f"there is: {', '.join(proposed.project.orgs)}"
            )
    for name in proposed.new:
        console.err(f"{name}: new; it is validated, and planned once its org.yaml is merged")
    for name in proposed.gone:
        console.err(f"{name}: gone from the files; nothing is planned, and what is live stays")
    for change in proposed.policy:
        from wrapctl.render.escape import name as shown

        where = f"{change.org}: " if change.org else ""
        console.err(f"{where}policy {shown(change.path)} differs; it counts only after the merge")
    chosen = [name for name in proposed.changed if not names or name in names]
    if not chosen:
        console.err("nothing to plan")
    return chosen


def _plan(console: Console, proposed: Proposed, name: str, *, sandbox: bool) -> Result:
    from wrapctl.cli.plan import make
    from wrapctl.evidence.gather import DAYS

    touched = proposed.touched[name]
    try:
        # Who reviews should see how often what goes is used.
        org = proposed.project.orgs[name]
        made = make(console, org, scope=touched.scope, days=DAYS, sandbox=sandbox)
    except Interrupted:
        raise
    except WrapctlError as error:
        return Result(name, error=error)
    return Result(name, replace(made, warnings=tuple(sorted({*made.warnings, *touched.notes}))))


def leave(
    console: Console, out: Path, asked: Proposal, proposed: Proposed, result: Result, run_url: str
) -> None:
    """Write what a later job needs of one org, and what people read.

    Raises:
        WrapctlError: it cannot be written.
    """
    from wrapctl.ci import artefact
    from wrapctl.ci.planning import remarks
    from wrapctl.cli.failure import redacted
    from wrapctl.cli.files import write_text
    from wrapctl.render import markdown, text

    folder = out / result.org
    if result.plan is None:
        why = redacted(_why(result))
        write_text(folder / artefact.META, artefact.dumps(artefact.failed(asked, result.org, why)))
        return
    meta, plan = artefact.made(asked, result.plan, remarks(proposed.project.orgs[result.org]))
    write_text(folder / artefact.PLAN, plan)
    write_text(folder / "plan.md", redacted(markdown.plan(result.plan, artefact=run_url)))
    write_text(folder / "plan.txt", redacted(text.plan(result.plan)))
    # Last: a folder with a meta.json is complete.
    write_text(folder / artefact.META, artefact.dumps(meta))
    console.err(f"{result.org}: plan {meta.outcome.value}, left in {folder}")


def show(console: Console, results: Sequence[Result]) -> None:
    """Print the plans, and what kept other orgs from having one."""
    from wrapctl.cli.failure import redacted, words
    from wrapctl.render import text

    told = [text.plan(one.plan, width=console.width, colour=console.colour) for one in results if one.plan]
    console.out(redacted("\n".join(told)))
    for one in results:
        if one.error is not None:
            console.err(redacted(f"{one.org}: {words(one.error, console)}"))


def annotate(console: Console, start: Stage, problems: Sequence[Problem]) -> None:
    """Print annotations, in a job of GitHub Actions."""
    from wrapctl.ci.annotate import commands
    from wrapctl.ci.planning import changed_lines
    from wrapctl.cli.failure import redacted

    if start.job.actions and problems:
        lines = changed_lines(start.git, start.here.base)
        console.out(redacted(commands(problems, lines, start.here.prefix)))


def summary(results: Sequence[Result], run_url: str) -> str:
    """Return what the job's summary says; nothing when nothing was planned."""
    from wrapctl.cli.failure import redacted
    from wrapctl.render import markdown

    if not results:
        return ""
    plans = [one.plan for one in results if one.plan is not None]
    failed = [(one.org, _why(one)) for one in results if one.error is not None]
    return redacted(markdown.plans(plans, failed=failed, budget=SUMMARY, artefact=run_url))


def _why(result: Result) -> str:
    error = result.error
    return "" if error is None else f"{error.message} ({error.hint})" if error.hint else error.message
