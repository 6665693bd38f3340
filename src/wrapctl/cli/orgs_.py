"""``wrapctl orgs``: which orgs there are, and which a change touches, stage by stage, for the jobs of a CI run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, options
from wrapctl.errors import Exit, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wrapctl.config.base import Proposed
    from wrapctl.config.project import Project


@click.command("orgs")
@click.option(
    "--changed-since",
    metavar="REV",
    help="Only orgs whose content differs from that git revision; policy is the revision's.",
)
@click.option("--format", "how", type=click.Choice(["text", "json"]), default="text")
@options
def command(console: Console, *, changed_since: str | None, how: str) -> Exit:
    """List orgs in the order of their stages; with --changed-since, those that a change touches."""
    from wrapctl.config.base import propose
    from wrapctl.config.project import load
    from wrapctl.render import json

    proposed = propose(console.root, changed_since) if changed_since is not None else None
    project = proposed.project if proposed is not None else load(console.root)
    names = list(proposed.changed if proposed is not None else project.orgs)
    stages = project.staged(names)
    if how == "json":
        console.out(json.dumps(as_data(project, stages, proposed)))
    else:
        for number, stage in enumerate(stages, 1):
            for name in stage:
                console.out(f"{name}\tstage {number}\n" if len(stages) > 1 else f"{name}\n")
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
