"""``wrapctl drift``: what somebody changed on the platform, who did it, and the way back or into the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.cli.metering import measured
from wrapctl.errors import (
    ConfigError,
    Exit,
    Interrupted,
    TargetError,
    UsageError,
    WrapctlError,
    worst,
)

if TYPE_CHECKING:
    from wrapctl.apply.applied import Run
    from wrapctl.cli.orgs import Failed
    from wrapctl.config.project import OrgConfig, Project
    from wrapctl.evidence.told import Told

FAR: Final = timedelta(days=365)
"""How far back a trail is asked at most: platforms keep a year (Genesys contract, section 10)."""
NEAR: Final = timedelta(days=30)
"""How far back at least."""


@click.command("drift")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option(
    "--since-commit",
    metavar="REV",
    help="The commit that was applied last. Default: the org's newest deployment or journalled run.",
)
@click.option("--format", "how", type=click.Choice(["text", "markdown", "json"]), default="text")
@click.option("--issue", is_flag=True, help="Keep one GitHub issue for each org open as long as it drifts.")
@click.option("--adopt", is_flag=True, help="Write what was changed by hand into the files.")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
@measured("drift")
def command(
    console: Console,
    *,
    orgs: Sequence[str],
    since_commit: str | None,
    how: str,
    issue: bool,
    adopt: bool,
    sandbox: bool,
) -> Exit:
    """Show what was changed on the platform since the last apply, and who did it. Writes nothing there.

    Exit 3 on drift, 5 when a CRM could not be read and nothing else drifted. What was merged and not applied is
    pending, and what a validity date asks for is due: neither is drift.
    """
    from wrapctl.cli.orgs import Failed, chosen

    project, found = chosen(console, orgs)
    told: list[Told] = []
    failed: list[Failed] = []
    for org in found:
        try:
            told.append(_look(console, org, since_commit, adopt=adopt, sandbox=sandbox))
        except Interrupted:
            raise
        except WrapctlError as error:
            if len(found) == 1:
                raise
            failed.append(Failed(org.name, error))
    _show(console, told, failed, how)
    if issue:
        from wrapctl.cli.issues import keep

        keep(console, told, alone=how != "json")
    _tell(console, project, told)
    return worst([_exit(one) for one in told] + [one.error.exit_code for one in failed])


def _tell(console: Console, project: Project, told: Sequence[Told]) -> None:
    """Count what was found, and tell the sinks of it."""
    from wrapctl.cli.telling import Telling
    from wrapctl.cli.writing import new_run

    run = new_run(console)
    with Telling(console, project) as telling:
        for one in told:
            if console.meter is not None:
                console.meter.drift(one.drift)
                console.meter.ended(one.drift.org, _exit(one))
            telling.drift(one, run)


def _exit(told: Told) -> Exit:
    drift = told.drift
    taken = {change.id for change in told.adopted}
    if any(change.id not in taken for change in drift.changes):
        return Exit.PENDING
    return Exit.PARTIAL if drift.unread else Exit.OK


@dataclass(frozen=True, slots=True)
class _Applied:
    """What was applied last: the org as its files were then, when, and how that is known.

    ``day`` is a time of the day until which validity dates were applied as well.
    """

    org: OrgConfig
    commit: str = ""
    at: datetime | None = None
    day: datetime | None = None
    against: str = "the files as they are"
    notes: tuple[str, ...] = ()


def _look(console: Console, org: OrgConfig, since: str | None, *, adopt: bool, sandbox: bool) -> Told:
    from wrapctl.cli.adopting import Seen, take_over
    from wrapctl.cli.orgs import connected, refuse_sandbox
    from wrapctl.evidence.look import Compared, ask, both, look
    from wrapctl.evidence.told import Told

    refuse_sandbox(console, org, allowed=sandbox)
    applied = _applied(console, org, since)
    policy, now = org.desired.policy, console.now()
    today = console.today(policy.timezone)
    day = _day(applied.day or applied.at, policy.timezone)
    compared = Compared(applied.org.desired, org.desired, today, day, applied.commit)
    every = replace(org, desired=both(applied.org.desired, org.desired))
    with connected(console, every) as (target, _):
        reader, can = target.reader(), target.capabilities
        refuse_sandbox(console, org, allowed=sandbox, identity=reader.identity())
        drift, live = look(reader, can, compared)
        drift = replace(drift, warnings=tuple(sorted({*drift.warnings, *org.warnings})))
        told = Told(drift, applied.against, names=policy.names, notes=applied.notes)
        # What nobody approved stays as it is through an apply: an edit may be older than the last one.
        began = max(min(applied.at or now, now - NEAR), now - FAR)
        told = ask(told, target.evidence(), can, since=began, until=now + timedelta(minutes=1))
    return take_over(console, org, told, Seen(live, can, today)) if adopt and drift.changes else told


def _day(at: datetime | None, timezone: str) -> date | None:
    from zoneinfo import ZoneInfo

    return None if at is None else at.astimezone(ZoneInfo(timezone)).date()


# ── what was applied last ──────────────────────────────────────────────────────────────────────────────────


def _applied(console: Console, org: OrgConfig, since: str | None) -> _Applied:
    """Return what live is compared with: a commit that was named, the last deployed or journalled one, or the files."""
    from wrapctl.apply.applied import after, last_applied, runs
    from wrapctl.config.files import Revision

    found = runs(_journal(console, org))
    if since is not None:
        commit = Revision(console.root, since).commit
        run = last_applied(found, commit)
        at = run.at if run is not None else _committed(console, commit)
        against = f"commit {commit[:12]}, which was named"
        return _at(console, org, _Applied(org, commit, at, against=against), strict=True)
    run = last_applied(found)
    deployed = _deployed(console, org)
    if deployed.at is not None and (run is None or run.at < deployed.at):
        return _at(console, org, deployed, strict=False)
    if run is None:
        why = "neither a deployment nor the journal here tells of a commit that was applied"
        notes = (*deployed.notes, f"{why}: what is merged and not applied shows as drift")
        return _Applied(org, notes=notes)
    notes = (*deployed.notes, *(_later(one) for one in after(found, run)))
    against = f"commit {run.commit[:12]}, applied {run.at:%Y-%m-%d %H:%M} UTC (run {run.name})"
    return _at(console, org, _Applied(org, run.commit, run.at, against=against, notes=notes), strict=False)


def _deployed(console: Console, org: OrgConfig) -> _Applied:
    """Return what the repository on GitHub records as applied, nothing outside of its jobs."""
    from wrapctl.ci.deployed import APPLY, DUE, standing
    from wrapctl.cli.hosted import github

    hub = github(console)
    if hub is None:
        return _Applied(org)
    try:
        applied, due = (standing(hub, org.name, task=task).applied for task in (APPLY, DUE))
    except Interrupted:
        raise
    except TargetError as error:
        return _Applied(org, notes=(f"the deployments on GitHub were not read: {error.message}",))
    finally:
        hub.close()
    if applied is None or applied.at is None:
        return _Applied(org)
    day = max(applied.at, due.at) if due is not None and due.at is not None else applied.at
    against = f"commit {applied.sha[:12]}, deployed {applied.at:%Y-%m-%d %H:%M} UTC"
    return _Applied(org, applied.sha, applied.at, day, against)


def _later(run: Run) -> str:
    return f"run {run.name} wrote after that, and does not count: {run.trouble}"


def _at(console: Console, org: OrgConfig, applied: _Applied, *, strict: bool) -> _Applied:
    """Return the org as a commit has it, under the policy of today's files.

    Raises:
        WrapctlError: with ``strict``, the commit does not have the org, or not rightly.
    """
    from wrapctl.config.base import under_policy
    from wrapctl.config.project import load

    try:
        then = load(console.root, orgs=[org.name], revision=applied.commit).orgs[org.name]
    except (ConfigError, UsageError) as error:
        if strict:
            raise
        return _unusable(
            org, applied, error.problems[0].message if isinstance(error, ConfigError) else error.message
        )
    if then.desired.platform != org.desired.platform:
        return _unusable(org, applied, f"it was on {then.desired.platform} then")
    return replace(applied, org=under_policy(then, org))


def _unusable(org: OrgConfig, applied: _Applied, why: str) -> _Applied:
    note = f"commit {applied.commit[:12]} cannot be compared with: {why}"
    return _Applied(org, notes=(*applied.notes, note))


def _journal(console: Console, org: OrgConfig) -> dict[str, bytes]:
    """Return the files of the org's journal, from where it keeps it."""
    from wrapctl.apply.journal import SUFFIX
    from wrapctl.cli.kept import journal_branch

    branch = org.desired.policy.journal_branch
    if branch:
        return dict(journal_branch(console, branch).read(org.name).files)
    folder = console.state / "journal" / org.name
    return {file.name: file.read_bytes() for file in sorted(folder.glob(f"*{SUFFIX}"))}


def _committed(console: Console, commit: str) -> datetime | None:
    """Return when a commit was made: it was not applied before that."""
    from wrapctl.git import Git

    said = Git(console.root, console.environ).run("show", "-s", "--format=%ct", commit).strip()
    return datetime.fromtimestamp(int(said), UTC) if said.isdigit() else None


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────


def _show(console: Console, told: Sequence[Told], failed: Sequence[Failed], how: str) -> None:
    from wrapctl.cli.failure import redacted, words
    from wrapctl.render import drift

    if how == "json":
        said = drift.as_json(told, [(one.org, one.error) for one in failed])
    elif how == "markdown":
        said = drift.many_markdown(told, [(one.org, one.error.message) for one in failed])
    else:
        said = "\n".join(drift.text(one, width=console.width, colour=console.colour) for one in told)
    console.out(redacted(said))
    for one in failed:
        console.err(redacted(f"{one.org}: {words(one.error, console)}"))
