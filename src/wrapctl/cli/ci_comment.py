"""``wrapctl ci comment``: say on the pull request what the plan jobs found, and seal their plans in a check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapctl.cli.ci import Stage, fenced, known_number, stage
from wrapctl.cli.console import Console, options
from wrapctl.errors import ConfigError, Exit, Problem

if TYPE_CHECKING:
    from wrapctl.ci.comment import Gathered
    from wrapctl.render.ci import Review


@click.command("comment")
@click.option(
    "--from",
    "folders",
    multiple=True,
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where `ci plan` left its files, or where artefacts were downloaded to; repeatable.",
)
@click.option(
    "--base", default="", metavar="REV", help="The base branch; else the merge commit's first parent."
)
@click.option("--head", default="", metavar="SHA", help="Last commit of the pull request; else the event's.")
@click.option("--pull-request", type=click.IntRange(1), metavar="N", help="Its number; else the event's.")
@options
def command(
    console: Console, *, folders: Sequence[Path], base: str, head: str, pull_request: int | None
) -> Exit:
    """Say in one comment what was planned, and write the check that merging goes by. Prints it without a token.

    Exits as the plans ended: 4 when one is refused, 1 when one is missing, 2 when the files are wrong.
    """
    return say(console, stage(console, base=base, head=head, number=pull_request), folders)


def say(console: Console, start: Stage, folders: Sequence[Path]) -> Exit:
    """Tell people and the check what lies in ``folders``; what the pull request proposes is found out anew.

    Raises:
        UsageError: there is a token, and no number of a pull request.
        TargetError: GitHub did not take it.
    """
    from wrapctl.ci import comment
    from wrapctl.cli.hosted import github

    said, found = look(console, start, folders)
    hub = github(console)
    if hub is None:
        from wrapctl.cli.failure import redacted

        with fenced(console, start.job):
            console.out(redacted(comment.body(said)))
        return _exit(said)
    try:
        posted = comment.post(hub, known_number(start.number), said, found.left.values())
    finally:
        hub.close()
    if posted.overtaken:
        console.err("a newer commit is there: the check was written, the comment is left to its run")
    elif posted.comment is not None:
        console.err(f"said at {posted.comment.url}" if posted.comment.url else "said")
    else:
        console.err("nothing to say: no org is touched")
    if posted.changed:
        console.err(f"other changes than the run before found: {', '.join(posted.changed)}")
    return _exit(said)


def look(console: Console, start: Stage, folders: Sequence[Path]) -> tuple[Review, Gathered]:
    """Return all there is to say, and the plans that it is about."""
    from wrapctl.ci import comment
    from wrapctl.ci.planning import broken, examine, proposal, remarks

    problems: tuple[Problem, ...] = ()
    how: dict[str, tuple[str, ...]] = {}
    try:
        proposed = examine(console.root, start.here.base)
    except ConfigError as error:
        problems = error.problems
        asked = broken(start.here, problems, start.number)
    else:
        asked = proposal(start.here, proposed, start.number)
        how = {name: remarks(proposed.project.orgs[name]) for name in asked.orgs}
    found = comment.gather(folders, asked)
    said = comment.review(asked, found, remarks=how, problems=problems, run_url=start.job.run_url)
    return said, found


def _exit(said: Review) -> Exit:
    if said.errors:
        return Exit.USAGE
    if any(one.plan is None for one in said.planned):
        return Exit.ERROR
    return Exit.REFUSED if said.refused or any(one.refused for one in said.planned) else Exit.OK
