"""``wrapctl journal verify``: check the hash chain of what was applied, on this machine and on the journal's branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, as_json, complete_orgs, options
from wrapctl.errors import ConfigError, Exit, JournalError, UsageError

if TYPE_CHECKING:
    from wrapctl.apply.journal import Finding


@dataclass(frozen=True, slots=True)
class _Verified:
    """What was found in one org's journal. ``where`` is empty for this machine's folder."""

    org: str
    runs: int
    findings: tuple[Finding, ...]
    branch: str = ""
    where: str = ""

    @property
    def broken(self) -> bool:
        return any(finding.broken for finding in self.findings)


@click.group("journal")
def command() -> None:
    """Verify the journal of what was applied."""


@command.command("verify")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option(
    "--branch",
    metavar="NAME",
    help="Only the journal on this branch of the remote; else this machine's, and on its branch that of each org "
    "whose org.yaml says `journal.store: git-branch`.",
)
@click.option("--format", "how", type=click.Choice(["text", "json"]), default="text")
@options
def verify(console: Console, *, orgs: Sequence[str], branch: str | None, how: str) -> Exit:
    """Check every record of the journal, and the chain from run to run. Exit 1 when it is broken."""
    for org in orgs:
        if "/" in org or org.startswith("."):
            raise UsageError(f"there is no org {org!r}")
    found = [*([] if branch else _here(console, orgs)), *_on_branches(console, orgs, branch)]
    console.out(as_json(_data(found)) if how == "json" else _text(found))
    broken = next((one for org in found for one in org.findings if one.broken), None)
    if broken is not None:
        raise JournalError(
            f"the journal is broken at {broken}",
            hint="somebody changed, cut or removed a record; compare with a copy, or with the platform's own audit",
        )
    return Exit.OK


def _data(found: Sequence[_Verified]) -> dict[str, object]:
    return {
        "kind": "wrapctl.journal",
        "version": 1,
        "orgs": [
            {
                "org": one.org,
                "branch": one.branch or None,
                "runs": one.runs,
                "broken": one.broken,
                "findings": [
                    {"file": item.file, "line": item.line, "message": item.message, "broken": item.broken}
                    for item in one.findings
                ],
            }
            for one in found
        ],
    }


def _text(found: Sequence[_Verified]) -> str:
    from wrapctl.render.escape import name

    lines = []
    for one in found:
        state = "BROKEN" if one.broken else "whole"
        where = f" on the {one.where}" if one.where else ""
        runs = f"{one.runs} run{'' if one.runs == 1 else 's'}"
        lines.append(f"{name(one.org)}: {runs}{where}, the chain is {state}\n")
        lines += [f"  {name(str(finding), 2000)}\n" for finding in one.findings]
    return "".join(lines) or "no journal yet: nothing was applied from here\n"


def _here(console: Console, orgs: Sequence[str]) -> Iterator[_Verified]:
    """Verify the folders of this machine."""
    from wrapctl.apply import journal

    for folder in _folders(console, orgs):
        runs = len(list(folder.glob(f"*{journal.SUFFIX}")))
        yield _Verified(folder.name, runs, journal.verify(folder))


def _on_branches(console: Console, orgs: Sequence[str], branch: str | None) -> Iterator[_Verified]:
    """Verify what the remote keeps."""
    from wrapctl.apply.journal import verify_files
    from wrapctl.cli.kept import journal_branch

    if branch is not None:
        _check_branch(branch)
        kept = journal_branch(console, branch)
        wanted = [(org, branch) for org in (dict.fromkeys(orgs) or kept.orgs())]
    else:
        wanted = _configured(console, orgs)
    for org, name in wanted:
        place = journal_branch(console, name)
        files = place.read(org).files
        yield _Verified(org, len(files), verify_files(files), name, str(place))


def _check_branch(branch: str) -> None:
    from wrapctl.config.values import Wrong, to_branch

    try:
        to_branch(branch)
    except Wrong as error:
        raise UsageError(str(error), hint=error.hint) from None


def _configured(console: Console, orgs: Sequence[str]) -> list[tuple[str, str]]:
    """Return the orgs whose files say that their journal is on a branch, and which."""
    from wrapctl.config.project import load

    root = console.root_or_start
    named = [org for org in dict.fromkeys(orgs) if (root / "wrapups" / org).is_dir()]
    if not (root / "wrapups").is_dir() or (orgs and not named):
        return []
    try:
        project = load(root, orgs=named or None)
    except ConfigError:
        console.warn(
            "the files have problems, so only this machine's journal is verified; --branch names another"
        )
        return []
    policies = {name: org.desired.policy for name, org in project.orgs.items()}
    return [(name, policy.journal_branch) for name, policy in policies.items() if policy.journal_branch]


def _folders(console: Console, orgs: Sequence[str]) -> list[Path]:
    home = console.state / "journal"
    for org in orgs:
        if not (home / org).is_dir() and not (console.root / "wrapups" / org).is_dir():
            raise UsageError(f"there is no org {org!r}, and no journal of one")
    if orgs:
        return [home / org for org in dict.fromkeys(orgs) if (home / org).is_dir()]
    return sorted(folder for folder in home.glob("*") if folder.is_dir())
