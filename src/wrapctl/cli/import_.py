"""``wrapctl import``: a live org as files; what is there already keeps its keys, order and comments."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import ConfigError, Exit, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from wrapctl.config.adopt import Imported, Selection
    from wrapctl.config.project import OrgConfig
    from wrapctl.config.write import OrgSettings


@click.command("import")
@click.argument("org", shell_complete=complete_orgs)
@click.option(
    "--queues",
    multiple=True,
    metavar="none|all|NAME",
    help="Queues to write down; repeatable. Those in the files always stay. Default: all.",
)
@click.option(
    "--crm",
    multiple=True,
    metavar="none|all|SYSTEM",
    help="CRM mappings to write down from their rows; repeatable. Default: none.",
)
@click.option("--sets", is_flag=True, help="Name the lists that three or more queues share.")
@click.option(
    "--write/--dry", "write", default=True, help="Write the files, or only show what would be written."
)
@click.option("--platform", default="genesys", show_default=True, help="For an org without files.")
@click.option("--region", default="", metavar="REGION", help="For an org without files.")
@click.option("--endpoint", default="", metavar="URL", help="For an org without files.")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
def command(
    console: Console,
    *,
    org: str,
    queues: Sequence[str],
    crm: Sequence[str],
    sets: bool,
    write: bool,
    platform: str,
    region: str,
    endpoint: str,
    sandbox: bool,
) -> Exit:
    """Write live ORG down as files, in observe mode when it is new. The plan right after is empty."""
    from wrapctl.cli.starting import named, provisional, settings
    from wrapctl.config.project import load

    root = console.root_or_start
    texts = _texts(root, named(org))
    given: OrgSettings | None = None
    if texts:
        if region or endpoint:
            raise UsageError(f"wrapups/{org} has an org.yaml: it says where the org is")
        found = load(root, orgs=[org]).orgs[org]
    else:
        given, _ = settings(org, platform, region, endpoint, "")
        found = provisional(root, org, given)
    systems = _systems(found, crm)
    made, unread = _import(
        console, found, texts, given, _selection(queues), systems, sets=sets, sandbox=sandbox
    )
    _print(console, made, texts, write=write)
    if write:
        _write(console, root, org, made)
    return Exit.PARTIAL if unread else Exit.OK


def _selection(queues: Sequence[str]) -> Selection:
    words = set(queues) or {"all"}
    if words & {"all", "none"} and len(words) > 1:
        raise UsageError("--queues is none, all, or names of queues")
    if words == {"all"}:
        return "all"
    return "none" if words == {"none"} else frozenset(words)


def _systems(org: OrgConfig, crm: Sequence[str]) -> frozenset[str]:
    """Return the CRM systems whose rows are wanted.

    Raises:
        UsageError: the files have no mapping for one of them.
    """
    words, known = set(crm) or {"none"}, {mapping.system for mapping in org.desired.crm}
    if words & {"all", "none"} and len(words) > 1:
        raise UsageError("--crm is none, all, or names of CRM systems")
    if words <= {"all", "none"}:
        return frozenset(known) if words == {"all"} else frozenset()
    for system in sorted(words - known):
        from wrapctl.config.values import nearest, quoted

        hint = nearest(system, known) or "write its crm/<system>.yaml first: kind, system and target will do"
        raise UsageError(f"{org.name} has no mapping for {quoted(system)}", hint=hint)
    return frozenset(words)


def _texts(root: Path, org: str) -> dict[str, str]:
    """The org's own files of today, path → text."""
    from wrapctl.config.files import HOME, Disk

    disk = Disk(root)
    if not (root / HOME).is_dir():
        return {}
    own = [path for path in disk.listing()[0] if path.startswith(f"{HOME}/{org}/")]
    return {path: disk.read(path).decode("utf-8") for path in own}


def _import(
    console: Console,
    org: OrgConfig,
    texts: dict[str, str],
    given: OrgSettings | None,
    selection: Selection,
    systems: frozenset[str],
    *,
    sets: bool,
    sandbox: bool,
) -> tuple[Imported, bool]:
    """Read the org and return what to write, and whether a CRM system that was asked for could not be read."""
    from wrapctl.cli.orgs import connected, refuse_sandbox
    from wrapctl.config.adopt import import_org, queues_to_read
    from wrapctl.config.vendor import vendor
    from wrapctl.survey import check_identity, with_links
    from wrapctl.targets.interface import Want

    words = vendor(org.desired.platform)
    assert words is not None, "checked while the files were loaded"  # noqa: S101 (for the type checker)
    existing = org if given is None else None
    refuse_sandbox(console, org, allowed=sandbox)
    with connected(console, org) as (target, _):
        reader, can = target.reader(), target.capabilities
        identity = reader.identity()
        refuse_sandbox(console, org, allowed=sandbox, identity=identity)
        if given is None:
            check_identity(org.desired, identity)
        elif given.credentials:
            given = replace(given, organization_id=identity.id)
        rows = dict.fromkeys(systems & can.systems.keys())
        live = reader.read(
            Want(codes=None, queues=None, outbound=can.outbound, divisions=can.divisions, rows=rows)
        )
        live = with_links(reader, live, queues_to_read(live, selection, existing))
    made = import_org(
        org.name,
        live,
        words,
        selection=selection,
        sets=sets,
        settings=given,
        existing=existing,
        texts=texts,
        crm=systems,
    )
    return made, not systems <= live.crm.keys()


def _print(console: Console, made: Imported, texts: dict[str, str], *, write: bool) -> None:
    from wrapctl.render.escape import name, verbatim

    for path, text in made.files.items():
        if write:
            state = "changed, keys and comments kept" if path in texts else "new"
            console.out(f"{name(path)}: {state}\n")
        else:
            before = texts.get(path, "")
            for line in difflib.unified_diff(
                before.splitlines(), text.splitlines(), path if before else "/dev/null", path, lineterm=""
            ):
                console.out(f"{verbatim(line)}\n")
    if not made.files:
        console.out("the files say what is live already\n")
    for note in made.notes:
        console.warn(note)


def _write(console: Console, root: Path, org: str, made: Imported) -> None:
    from wrapctl.cli.failure import words
    from wrapctl.cli.files import write_text
    from wrapctl.config.project import load

    for path, text in made.files.items():
        write_text(root / path, text)
    try:
        warnings = load(root, orgs=[org]).warnings
    except ConfigError as error:
        # The project's own house rules may ask for more than a platform holds, such as categories.
        console.warn("what is live does not follow the rules of this project yet:")
        console.err(words(error, console))
        return
    for problem in warnings:
        console.warn(str(problem))
