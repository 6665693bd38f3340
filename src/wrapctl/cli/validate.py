"""``wrapctl validate``: check the files, offline, and say everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Sequence

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.cli.metering import measured
from wrapctl.errors import ConfigError, Exit, Problem


@click.command("validate")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option(
    "--format",
    "how",
    type=click.Choice(["text", "github", "json"]),
    default="text",
    help="github: annotations beside the lines of a pull request.",
)
@click.option("--changed-since", metavar="REV", help="Also ask about names that changed since REV.")
@options
@measured("validate")
def command(console: Console, *, orgs: Sequence[str], how: str, changed_since: str | None) -> Exit:
    """Check the files, offline; everything that is wrong at once, with file:line:column."""
    from wrapctl.cli.orgs import chosen
    from wrapctl.config.changed import since

    problems: tuple[Problem, ...]
    checked = 0
    try:
        project, found = chosen(console, orgs)
        problems, checked = project.warnings, len(found)
        if changed_since is not None:
            for touched in since(console.root, project, changed_since).values():
                problems += (*touched.questions, *touched.notes)
    except ConfigError as error:
        problems = error.problems
    _print(console, problems, how, checked)
    if console.meter is not None:
        console.meter.problems(problems)
    return Exit.USAGE if any(problem.severity == "error" for problem in problems) else Exit.OK


def _print(console: Console, problems: tuple[Problem, ...], how: str, checked: int) -> None:
    from wrapctl.cli.failure import redacted
    from wrapctl.render import json, text

    if how == "json":
        console.out(json.problems(problems))
        return
    if how == "github":
        console.out(text.github(problems))
    else:
        console.out(redacted(text.problems(problems, width=console.width, colour=console.colour)))
    tally = text.tally(problems)
    good = f"{checked} org{'' if checked == 1 else 's'} valid" if checked else "not valid"
    console.err(f"{good}{f': {tally}' if tally else ''}")
