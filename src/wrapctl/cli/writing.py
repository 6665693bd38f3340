"""From a plan to its report: what ``apply`` and ``ci apply`` do once it is settled what is written."""

from __future__ import annotations

import os
import pwd
import secrets
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wrapctl.cli.console import Console

if TYPE_CHECKING:
    from wrapctl.apply.lock import RunLock
    from wrapctl.apply.report import Report
    from wrapctl.config.project import OrgConfig
    from wrapctl.plan.plan import Plan
    from wrapctl.policy import Allowance
    from wrapctl.targets.interface import Runtime, Target


@dataclass(frozen=True, slots=True)
class Writing:
    """How a plan is written: under which run and lock; ``allowances`` are those of the command line."""

    run: str
    lock: RunLock
    allowances: tuple[Allowance, ...] = ()
    on_conflict: Literal["refuse", "merge"] = "refuse"


def new_run(console: Console) -> str:
    """Return the name of a run that begins now."""
    return f"{console.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def write(
    console: Console, org: OrgConfig, plan: Plan, target: Target, runtime: Runtime, how: Writing
) -> Report:
    """Write ``plan``, which has something to write, and report. Raises as ``apply.run.apply`` does."""
    from wrapctl.apply.run import ApplyOptions, apply
    from wrapctl.cli.kept import run_journal
    from wrapctl.plan.guard import recheck

    with console.stoppable():
        report = apply(
            plan,
            target,
            desired_policy=org.desired.policy,
            runtime=runtime,
            clock=console.now,
            journal=run_journal(console, org, how.run),
            lock=how.lock,
            options=ApplyOptions(
                run=how.run,
                actor=actor(console),
                commit=commit(console),
                host=socket.gethostname(),
                pid=os.getpid(),
                on_conflict=how.on_conflict,
                allowances=how.allowances,
                recheck=recheck(plan, org.desired.policy),
            ),
        )
    journal = Path(report.journal)
    inside = journal.is_absolute() and journal.is_relative_to(console.root)
    return replace(report, journal=str(journal.relative_to(console.root))) if inside else report


def nothing(plan: Plan, run: str) -> Report:
    """Return the report of a plan that writes nothing: no lock, no journal, what is outstanding and was not read."""
    from wrapctl.apply.ledger import Ledger
    from wrapctl.apply.report import Report

    entries = tuple(Ledger(plan.changes).entries.values())
    return Report(
        run=run,
        org=plan.org,
        organization_id=plan.identity.id,
        plan=plan.digest,
        entries=entries,
        unread=plan.unread,
    )


def actor(console: Console) -> str:
    """Return who applies: the person behind the CI run, else the user of this machine."""
    found = console.environ.get("GITHUB_ACTOR")
    if found:
        return found
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def commit(console: Console) -> str:
    """Return the commit that the files are of, ``+`` when they differ from it; empty outside of git."""
    try:
        head = _git(console.root, "rev-parse", "--verify", "--quiet", "HEAD")
        dirty = _git(console.root, "status", "--porcelain", "--", "wrapups") if head else ""
    except (OSError, subprocess.SubprocessError):
        return console.environ.get("GITHUB_SHA", "")
    return f"{head}+" if dirty else head or console.environ.get("GITHUB_SHA", "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=10)  # noqa: S603 (no shell, fixed words)
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
