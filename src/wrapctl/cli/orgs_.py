"""``wrapctl orgs``: which orgs there are, and which a change touches, stage by stage, for the jobs of a CI run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from wrapctl.cli.console import Console, options
from wrapctl.errors import Exit, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wrapctl.config.base import Proposed
    from wrapctl.config.project import Project

MOST_JOBS: Final = 256
"""Jobs that one matrix makes on GitHub (https://docs.github.com/en/actions/reference/limits)."""


@click.command("orgs")
@click.option(
    "--changed-since",
    metavar="REV",
    help="Only orgs whose content differs from that git revision; policy is the revision's.",
)
@click.option(
    "--merged",
    is_flag=True,
    help="The change is merged: new orgs count, so does a changed policy, and limits.orgs does not.",
)
@click.option(
    "--format",
    "how",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="github: the matrix of a job, a line for $GITHUB_OUTPUT; with --stages one for each stage.",
)
@click.option("--stages", type=click.IntRange(1), metavar="N", help="Refuse more stages than N.")
@options
def command(
    console: Console, *, changed_since: str | None, merged: bool, how: str, stages: int | None
) -> Exit:
    """List orgs in the order of their stages; with --changed-since, those that a change touches."""
    from wrapctl.config.base import propose
    from wrapctl.config.project import load
    from wrapctl.render import json

    if merged and changed_since is None:
        raise UsageError("--merged says something about --changed-since REV")
    proposed = propose(console.root, changed_since) if changed_since is not None and not merged else None
    project = proposed.project if proposed is not None else load(console.root)
    names = list(proposed.changed if proposed is not None else project.orgs)
    if merged and changed_since is not None:
        names = _merged(console, project, changed_since)
    cut = project.staged(names)
    if stages is not None and len(cut) > stages:
        raise Refused(
            f"wrapctl.yaml cuts these orgs into {len(cut)} stages, and there are jobs for {stages}",
            hint="make fewer stages, or copy the last stage's job of the workflow and raise --stages",
        )
    if how == "github":
        console.out(_outputs(project, cut, staged=stages is not None))
    elif how == "json":
        console.out(json.dumps(as_data(project, cut, proposed)))
    else:
        for number, stage in enumerate(cut, 1):
            for name in stage:
                console.out(f"{name}\tstage {number}\n" if len(cut) > 1 else f"{name}\n")
    if how != "json":
        for name in proposed.new if proposed is not None else ():
            console.err(f"{name}: new; it is validated, and planned once its org.yaml is merged")
    most = project.max_orgs
    if proposed is not None and most is not None and len(names) > most:
        raise Refused(
            f"{len(names)} orgs are touched, one pull request may change {most} (`limits.orgs` in wrapctl.yaml)",
            hint="split the pull request, or raise the limit in one of its own",
        )
    return Exit.OK


def as_data(
    project: Project, stages: Sequence[Sequence[str]], proposed: Proposed | None
) -> dict[str, object]:
    """Return the orgs as machines read them: by stage, and as one matrix for parallel jobs."""
    matrix = [
        {"org": name, "platform": project.orgs[name].desired.platform, "stage": number}
        for number, stage in enumerate(stages, 1)
        for name in stage
    ]
    return {
        "kind": "wrapctl.orgs",
        "version": 1,
        "orgs": [str(one["org"]) for one in matrix],
        "stages": [list(stage) for stage in stages],
        "matrix": {"include": matrix},
        "new": list(proposed.new) if proposed is not None else [],
        "gone": list(proposed.gone) if proposed is not None else [],
    }


def _merged(console: Console, project: Project, revision: str) -> list[str]:
    """Return the orgs of which anything differs, policy too: what a limit or a mode held back may now be written."""
    from wrapctl.config.changed import since

    if not revision.strip("0"):  # what GitHub says of a branch that was not there before
        return list(project.orgs)
    touched = since(console.root, project, revision)
    return [name for name, one in touched.items() if one.policy or one.notes or not one.nothing]


def _outputs(project: Project, stages: Sequence[Sequence[str]], *, staged: bool) -> str:
    """Return matrices as outputs of a step: ``matrix``, or ``stage1`` to ``stageN``. An empty one is left out.

    Nothing here needs quoting: names of orgs and platforms are plain (DESIGN, section 2).
    """
    from json import dumps

    everything = [name for stage in stages for name in stage]
    titled = [(f"stage{number}", stage) for number, stage in enumerate(stages, 1)]
    lines = []
    for title, names in titled if staged else [("matrix", everything)]:
        if len(names) > MOST_JOBS:
            raise Refused(
                f"{len(names)} orgs in one matrix, GitHub makes at most {MOST_JOBS} jobs of it",
                hint="cut them into more stages in wrapctl.yaml"
                if staged
                else "ask for them by stage (--stages)",
            )
        matrix = [{"org": name, "platform": project.orgs[name].desired.platform} for name in names]
        if matrix:
            lines.append(f"{title}={dumps({'include': matrix}, separators=(',', ':'))}\n")
    return "".join(lines)
