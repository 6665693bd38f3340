"""``wrapctl journal verify``: check the hash chain of what was applied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from wrapctl.cli.console import Console, as_json, complete_orgs, options
from wrapctl.errors import Exit, JournalError, UsageError


@click.group("journal")
def command() -> None:
    """Verify the journal of what was applied."""


@command.command("verify")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option("--format", "how", type=click.Choice(["text", "json"]), default="text")
@options
def verify(console: Console, *, orgs: Sequence[str], how: str) -> Exit:
    """Check every record of the journal, and the chain from run to run. Exit 1 when it is broken."""
    from wrapctl.apply import journal
    from wrapctl.render.escape import name

    folders = _folders(console, orgs)
    found = {folder.name: journal.verify(folder) for folder in folders}
    broken = [finding for findings in found.values() for finding in findings if finding.broken]
    if how == "json":
        console.out(
            as_json(
                {
                    "kind": "wrapctl.journal",
                    "version": 1,
                    "orgs": [
                        {
                            "org": org,
                            "broken": any(finding.broken for finding in findings),
                            "findings": [
                                {
                                    "file": one.file,
                                    "line": one.line,
                                    "message": one.message,
                                    "broken": one.broken,
                                }
                                for one in findings
                            ],
                        }
                        for org, findings in found.items()
                    ],
                }
            )
        )
    else:
        for org, findings in found.items():
            runs = len(list((console.state / "journal" / org).glob(f"*{journal.SUFFIX}")))
            state = "BROKEN" if any(finding.broken for finding in findings) else "whole"
            console.out(f"{name(org)}: {runs} run{'' if runs == 1 else 's'}, the chain is {state}\n")
            for finding in findings:
                console.out(f"  {name(str(finding), 2000)}\n")
        if not found:
            console.out("no journal yet: nothing was applied from here\n")
    if broken:
        raise JournalError(
            f"the journal is broken at {broken[0]}",
            hint="somebody changed, cut or removed a record; compare with a copy, or with the platform's own audit",
        )
    return Exit.OK


def _folders(console: Console, orgs: Sequence[str]) -> list[Path]:
    home = console.state / "journal"
    for org in orgs:
        if "/" in org or org.startswith("."):
            raise UsageError(f"there is no org {org!r}")
        if not (home / org).is_dir() and not (console.root / "wrapups" / org).is_dir():
            raise UsageError(f"there is no org {org!r}, and no journal of one")
    if orgs:
        return [home / org for org in dict.fromkeys(orgs) if (home / org).is_dir()]
    return sorted(folder for folder in home.glob("*") if folder.is_dir())
