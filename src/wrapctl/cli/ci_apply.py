"""``wrapctl ci apply``: after the merge, write what its reviews approved and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from wrapctl.cli.ci import add_summary, fenced, the_job
from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.cli.metering import measured
from wrapctl.errors import Exit, Interrupted, UsageError, WrapctlError, worst

if TYPE_CHECKING:
    from wrapctl.ci.ended import Ended
    from wrapctl.ci.github import GitHub
    from wrapctl.ci.job import Job
    from wrapctl.ci.merged import History
    from wrapctl.cli.ci_org import Asked
    from wrapctl.config.project import OrgConfig, Project

SUMMARY: Final = 200_000
"""Characters that one org takes of a job's summary; GitHub takes a megabyte."""


@click.command("apply")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option("--all", "everything", is_flag=True, help="All orgs, in the order of the stages.")
@click.option(
    "--head", default="", metavar="SHA", help="The merged commit that is checked out; else that one."
)
@click.option(
    "--due",
    is_flag=True,
    help="Write what validity dates ask for, and nothing else; with --pending, after what waits.",
)
@click.option(
    "--pending",
    is_flag=True,
    help="Only what waits: put off, never ended, or merged and never begun. What failed is not tried again.",
)
@click.option(
    "--mode",
    type=click.Choice(["reviewed", "fresh"]),
    help="fresh: write whatever the files say, all of it. Default: what org.yaml says (`apply.mode`).",
)
@click.option("--workflow", default="plan.yml", metavar="FILE", help="The workflow that plans pull requests.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 360),
    default=10.0,
    show_default=True,
    metavar="MINUTES",
    help="How long to wait for another run's lock.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where each org's outcome.json, report.json and report.md go.",
)
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
@measured("ci apply")
def command(
    console: Console,
    *,
    orgs: Sequence[str],
    everything: bool,
    head: str,
    due: bool,
    pending: bool,
    mode: Literal["reviewed", "fresh"] | None,
    workflow: str,
    wait: float,
    out: Path | None,
    sandbox: bool,
) -> Exit:
    """Apply what was merged since each org was applied last: the changes that reviews approved, under its lock."""
    from wrapctl.cli.ci_org import Asked
    from wrapctl.cli.hosted import github
    from wrapctl.cli.orgs import chosen
    from wrapctl.cli.telling import Telling

    if not orgs and not everything:
        raise UsageError("which org?", hint="name it, or say --all")
    if due and mode is not None:
        raise UsageError("--due writes what was approved with its files: it has no --mode")
    if "/" in workflow:
        raise UsageError("--workflow is the name of a file below .github/workflows/")
    history = _history(console, head)
    project, found = chosen(console, orgs, everything=everything)
    hub = github(console)
    if hub is None:
        raise UsageError(
            "there is no GITHUB_TOKEN or GITHUB_REPOSITORY: what was approved stands on GitHub",
            hint="in a job, set GITHUB_TOKEN to ${{ github.token }}; by hand, use `wrapctl apply`",
        )
    job = the_job(console)
    asked = Asked(mode, workflow, wait * 60, sandbox, pending, job.run_url)
    with contextlib.closing(hub):
        told = _Told(console, hub, job, out)
        with fenced(console, job), Telling(console, project):
            for org in found:
                if console.stop.is_set():
                    console.warn(f"stopped as asked; {org.name} was not started")
                    told.codes.append(Exit.PARTIAL)
                    continue
                _apply(console, hub, project, org, history, asked, told, due=due)
        told.annotate()
    return worst(told.codes)


def _apply(
    console: Console,
    hub: GitHub,
    project: Project,
    org: OrgConfig,
    history: History,
    asked: Asked,
    told: _Told,
    *,
    due: bool,
) -> None:
    from wrapctl.ci.ended import End, Ended
    from wrapctl.cli.ci_org import OrgApply

    one = OrgApply(
        console,
        hub,
        org,
        history,
        asked,
        earlier=_earlier(console, project, org.name),
        trouble=[ended.org for ended in told.ended if not ended.good],
    )
    # Dates are of what is live already: they do not wait for merges that cannot be written.
    steps = [*([one.merges] if asked.pending or not due else []), *([one.dates] if due else [])]
    for step in steps:
        try:
            ended = step()
        except Interrupted:
            raise
        except WrapctlError as error:
            ended = Ended(org.name, End.FAILED, history.head, error=error, due=step == one.dates)
        told.say(ended)


def _history(console: Console, head: str) -> History:
    """Return the history of the commit whose files are here.

    Raises:
        UsageError: they are of another commit, or of none.
    """
    from wrapctl.ci.job import is_commit
    from wrapctl.ci.merged import History
    from wrapctl.cli.kept import repository
    from wrapctl.cli.writing import commit

    here = commit(console)
    if not is_commit(here):
        why = "the files differ from their commit" if here.endswith("+") else "the files are of no commit"
        raise UsageError(f"{why}: what was approved is a commit", hint="run in a clean checkout")
    if head and head != here:
        raise UsageError(
            f"the files are of commit {here[:12]}, not of {head[:12]}", hint="check out the commit to apply"
        )
    return History(repository(console), here)


def _earlier(console: Console, project: Project, name: str) -> tuple[str, ...]:
    """Return the orgs of the stages before the one of ``name``; none where the project has no stages."""
    from wrapctl.config.project import CATALOG
    from wrapctl.config.values import ORG

    if not project.stages:
        return ()
    folders = (path.name for path in (console.root / "wrapups").iterdir() if path.is_dir())
    names = {one for one in folders if ORG.fullmatch(one) and one != CATALOG} | {name}
    earlier: list[str] = []
    for stage in project.staged(names):
        if name in stage:
            break
        earlier += stage
    return tuple(earlier)


class _Told:
    """What became of the orgs so far, and telling it: in the log, in the summary, in files, on pull requests."""

    def __init__(self, console: Console, hub: GitHub, job: Job, out: Path | None) -> None:
        self._console = console
        self._hub = hub
        self._job = job
        self._out = out
        self.ended: list[Ended] = []
        self.codes: list[Exit] = []

    def say(self, ended: Ended) -> None:
        """Tell how one org ended. What cannot be told changes nothing of what was done: it is a warning."""
        from wrapctl.ci import ended as words
        from wrapctl.cli.failure import redacted

        self.ended.append(ended)
        self.codes.append(ended.exit_code)
        self._console.out(redacted(words.log(ended, width=self._console.width)))
        url = self._job.run_url
        for tell in (self._summary, self._files, self._comments):
            try:
                tell(ended, url)
            except WrapctlError as error:
                self._console.warn(redacted(f"{ended.org}: {error.message}"))

    def _summary(self, ended: Ended, url: str) -> None:
        from wrapctl.ci import ended as words
        from wrapctl.cli.failure import redacted

        add_summary(self._job, redacted(words.summary(ended, run_url=url, budget=SUMMARY)) + "\n")

    def _files(self, ended: Ended, url: str) -> None:
        from wrapctl.ci import ended as words
        from wrapctl.cli.failure import redacted
        from wrapctl.cli.files import write_text
        from wrapctl.render import json

        if self._out is None:
            return
        folder = self._out / ended.org
        dates = "due-" if ended.due else ""
        write_text(folder / f"{dates}outcome.json", redacted(json.dumps(words.as_data(ended))))
        write_text(folder / f"{dates}report.md", redacted(words.summary(ended, run_url=url)))
        if ended.report is not None:
            write_text(folder / f"{dates}report.json", redacted(json.report(ended.report)))

    def _comments(self, ended: Ended, url: str) -> None:
        from wrapctl.ci import ended as words
        from wrapctl.cli.failure import redacted

        body = redacted(words.comment(ended, run_url=url))
        for number in ended.pulls:
            self._hub.say(number, words.marker(ended.org), body)

    def annotate(self) -> None:
        """Print what ended otherwise than well as annotations of the job: names of orgs and our own words alone."""
        from wrapctl.ci.ended import End

        if not self._job.actions:
            return
        for ended in self.ended:
            if ended.exit_code is not Exit.OK:
                self._console.out(f"::error title=wrapctl apply::{ended.org}: {ended.end.value}\n")
            elif ended.end in {End.PENDING, End.OBSERVED}:
                self._console.out(f"::notice title=wrapctl apply::{ended.org}: {ended.end.value}\n")
