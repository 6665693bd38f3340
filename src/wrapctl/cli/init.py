"""``wrapctl init``: scaffold an org, in observe mode."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import STATE, Console, options
from wrapctl.errors import ConfigError, Exit, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from wrapctl.config.write import OrgSettings


@click.command("init")
@click.argument("org")
@click.option("--platform", default="genesys", show_default=True, help="What runs the contact centre.")
@click.option(
    "--region", default="", metavar="REGION", help="Where the org is; without it, the embedded sandbox."
)
@click.option("--endpoint", default="", metavar="URL", help="Instead of a region: a URL, or sandbox.")
@click.option(
    "--organization-id", default="", metavar="ID", help="Asked of the platform where the credentials are set."
)
@options
def command(
    console: Console, *, org: str, platform: str, region: str, endpoint: str, organization_id: str
) -> Exit:
    """Scaffold ORG: its files in wrapups/ORG, in observe mode. Existing files are never touched."""
    from wrapctl.cli.files import write_text
    from wrapctl.cli.starting import named, settings
    from wrapctl.config import write

    given, _ = settings(named(org), platform, region, endpoint, organization_id)
    root = console.root_or_start
    folder = root / "wrapups" / org
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"wrapups/{org} is there already", hint="init starts orgs, it changes none")
    if given.credentials and not organization_id:
        given = replace(given, organization_id=_ask(console, root, org, given))
    texts = {
        "org.yaml": write.org_file(given),
        "codes.yaml": write.codes_file({}),
        "queues.yaml": write.queues_file({}, {}),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
        console.out(f"wrapups/{org}/{name}: written\n")
    _next_steps(console, root, org, given)
    return Exit.OK


def _ask(console: Console, root: Path, org: str, given: OrgSettings) -> str:
    """Ask the platform for the organization id where the credentials are set already; empty where not."""
    from wrapctl.cli.orgs import connected
    from wrapctl.cli.starting import provisional

    if not all(variable in console.environ for variable in given.credentials.values()):
        return ""
    with connected(console, provisional(root, org, given)) as (target, _):
        identity = target.reader().identity()
    console.warn(f'the credentials open organization {identity.id}, "{identity.name}"')
    return identity.id


def _next_steps(console: Console, root: Path, org: str, given: OrgSettings) -> None:
    from wrapctl.config.project import load

    ignore = root / ".gitignore"
    if not ignore.is_file() or STATE not in ignore.read_text("utf-8", "replace"):
        console.warn(f"keep {STATE}/ out of git: it holds locks, the journal and the sandbox's state")
    if given.credentials and not given.organization_id:
        console.warn(
            f"add `organization_id` to wrapups/{org}/org.yaml: the id of the only org that may be opened. "
            f"init asks for it by itself where {' and '.join(given.credentials.values())} are set"
        )
        return
    try:
        load(root, orgs=[org])
    except ConfigError as error:
        from wrapctl.cli.failure import words

        console.err(words(error, console))
        return
    console.warn(f"next: `wrapctl import {org}` writes down what is live, then `wrapctl plan {org}`")
