"""``wrapctl crm``: the CRM mappings of an org, as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import Exit

if TYPE_CHECKING:
    from wrapctl.config.project import OrgConfig
    from wrapctl.evidence.mapping import MappingCheck
    from wrapctl.model import Live


@click.group("crm")
def command() -> None:
    """Look at the CRM mappings of an org."""


@command.command("check")
@click.argument("org", shell_complete=complete_orgs)
@click.option(
    "--live", is_flag=True, help="Also read the CRM systems: which of their values no code maps to."
)
@click.option("--format", "how", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--strict", is_flag=True, help="Exit 1 when there is anything to look at.")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
def check(console: Console, *, org: str, live: bool, how: str, strict: bool, sandbox: bool) -> Exit:
    """Show what codes are called in each CRM, and what is odd about it.

    Odd are codes without a value, values that come back as another code, rules that never match, and values that
    nothing uses. Offline unless --live is said. Exit 0; 1 where a system could not be read, and with --strict where
    there is anything to look at.
    """
    from wrapctl.cli.failure import redacted
    from wrapctl.cli.orgs import chosen
    from wrapctl.evidence.mapping import Odd
    from wrapctl.evidence.mapping import check as checked

    _, (found,) = chosen(console, [org])
    read = _read(console, found, sandbox=sandbox) if live else None
    made = checked(found.desired, read, unmapped_is_fine=_unmapped_is_fine(found))
    console.out(redacted(_told(console, made, how)))
    failed = made.of(Odd.UNREAD) or (strict and made.findings)
    return Exit.ERROR if failed else Exit.OK


def _told(console: Console, made: MappingCheck, how: str) -> str:
    from wrapctl.render import mapping

    if how == "json":
        return mapping.as_json(made)
    if how == "markdown":
        return mapping.as_markdown_text(made)
    return mapping.as_text(made, width=console.width, colour=console.colour)


def _unmapped_is_fine(org: OrgConfig) -> frozenset[str]:
    specs = [item.spec for item in org.draft.mappings]
    return frozenset(spec.system for spec in specs if spec.unmapped_codes == "ignore")


def _read(console: Console, org: OrgConfig, *, sandbox: bool) -> Live:
    """Return the rows of every system as far as they can be read, all of them."""
    from wrapctl.cli.orgs import connected, refuse_sandbox
    from wrapctl.survey import check_identity
    from wrapctl.targets.interface import Want

    refuse_sandbox(console, org, allowed=sandbox)
    with connected(console, org) as (target, _):
        reader = target.reader()
        identity = reader.identity()
        refuse_sandbox(console, org, allowed=sandbox, identity=identity)
        check_identity(org.desired, identity)
        systems = target.capabilities.systems
        return reader.read(Want(rows={one.system: None for one in org.desired.crm if one.system in systems}))
