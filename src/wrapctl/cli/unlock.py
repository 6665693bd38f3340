"""``wrapctl unlock``: take the run lock of an org away from a run that hangs or is gone."""

from __future__ import annotations

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import Exit


@click.command("unlock")
@click.argument("org", shell_complete=complete_orgs)
@click.option(
    "--run", "run_id", required=True, metavar="ID", help="The run that holds it, as the refusal names it."
)
@options
def command(console: Console, *, org: str, run_id: str) -> Exit:
    """Take the run lock of ORG away from a run that hangs or is gone; one that hangs stops before its next batch."""
    from wrapctl.cli.kept import run_lock
    from wrapctl.cli.orgs import chosen, connected
    from wrapctl.render.escape import name

    _, (found,) = chosen(console, [org])
    organization = found.desired.organization_id
    if organization is None:
        with connected(console, found) as (target, _):
            organization = target.reader().identity().id
    holder = run_lock(console, found).unlock(organization, run_id)
    age = holder.age(console.now())
    held = f"{holder} ({age})" if age else str(holder)
    console.out(f"{found.name}: the lock was held by {name(held, 1000)}, and is free now\n")
    return Exit.OK
