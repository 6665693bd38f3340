"""``wrapctl audit``: who changed what on a platform, its own trail joined with wrapctl's journal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import Exit, Interrupted, JournalError, TargetError, UsageError, WrapctlError

if TYPE_CHECKING:
    from wrapctl.config.project import OrgConfig
    from wrapctl.evidence.history import History
    from wrapctl.evidence.journalled import Journalled
    from wrapctl.model import Live
    from wrapctl.targets.interface import Evidence, Target

_AGO: Final = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST_COMMITS: Final = 100
"""So many are asked for on GitHub at most."""


@click.command("audit")
@click.argument("org", shell_complete=complete_orgs)
@click.option(
    "--since",
    required=True,
    metavar="TIME",
    help="From when: 7d, 24h, 2026-03-01, 2026-03-01T08:00; in the org's time zone.",
)
@click.option("--until", metavar="TIME", help="Until when, likewise; else now.")
@click.option("--by-hand", is_flag=True, help="Only what wrapctl did not do.")
@click.option("--format", "how", type=click.Choice(["text", "jsonl", "csv"]), default="text")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
def command(
    console: Console, *, org: str, since: str, until: str | None, by_hand: bool, how: str, sandbox: bool
) -> Exit:
    """Tell every change of codes, assignments, after-call work, flags and rows of ORG: by wrapctl, or by whom.

    What wrapctl did is told with its run, commit and pull request; what was done by hand with the platform's id of
    who did it. jsonl and csv are for archives: each change on a line, with category and tags of its codes. Exit 1 when
    the journal is broken: then what it says behind the broken record counts as nothing.
    """
    from wrapctl.cli.orgs import chosen

    _, (found,) = chosen(console, [org])
    now = console.now()
    timezone = found.desired.policy.timezone
    first, last = _time(since, now, timezone), _time(until, now, timezone) if until else now
    if first >= last:
        raise UsageError(f"--since {since} is not before {until or 'now'}")
    history = _history(console, found, first, last, sandbox=sandbox)
    _tell(console, history, how, by_hand=by_hand)
    if history.broken:
        raise JournalError(
            f"the journal is broken at {history.broken[0]}",
            hint="`wrapctl journal verify` tells more; what is not believed may stand above as done by a client",
        )
    return Exit.OK


def _time(text: str, now: datetime, timezone: str) -> datetime:
    """Return a time in UTC: so long ago, a day or a time of the org."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(timezone))).astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", hint="write 7d, 24h, 2026-03-01 or 2026-03-01T08:00"
        ) from None


def _tell(console: Console, history: History, how: str, *, by_hand: bool) -> None:
    from wrapctl.cli.failure import redacted
    from wrapctl.evidence.history import By
    from wrapctl.render import history as render

    records = [one for one in history.records if not by_hand or one.by is not By.WRAPCTL]
    if how == "jsonl":
        told = render.as_jsonl(history, records)
    elif how == "csv":
        told = render.as_csv(history, records)
    else:
        told = render.as_text(history, hand_only=by_hand, width=console.width, colour=console.colour)
    console.out(redacted(told))
    if how != "text":
        for note in history.untold:
            console.warn(note)


def _history(console: Console, org: OrgConfig, since: datetime, until: datetime, *, sandbox: bool) -> History:
    from wrapctl.cli.kept import journal_files
    from wrapctl.cli.orgs import connected, refuse_sandbox
    from wrapctl.evidence.history import Known, join
    from wrapctl.evidence.journalled import read
    from wrapctl.model import Scope
    from wrapctl.plan.view import look
    from wrapctl.survey import check_identity

    refuse_sandbox(console, org, allowed=sandbox)
    journalled = _with_pulls(console, org, read(journal_files(console, org)), since, until)
    policy = org.desired.policy
    with connected(console, org) as (target, _):
        identity = target.reader().identity()
        refuse_sandbox(console, org, allowed=sandbox, identity=identity)
        check_identity(org.desired, identity)
        evidence = target.evidence()
        if evidence is None:
            raise WrapctlError(
                f"{target.capabilities.title} keeps no trail that can be read",
                hint="`.wrapctl/journal` tells what wrapctl did",
            )
        can = target.capabilities
        inside = frozenset(name for name, one in can.systems.items() if one.inside == can.name)
        live = _read(target, inside)
        entries = evidence.audit(since, until, about=_about(evidence, live, inside), names=policy.names)
        own = evidence.own_client()
    has = {"code", "queue", *(["outbound"] if can.outbound else []), *(["row", "table"] if inside else [])}
    view = look(org.desired, live, can, scope=Scope(), as_of=console.today(policy.timezone))
    found = join(
        entries,
        journalled,
        Known.of(org.desired, view),
        since=since,
        until=until,
        keeps=evidence.keeps,
        has=frozenset(has),
        own_client=own,
        inside=inside,
        tables=_tables(live, inside),
        org=org.name,
    )
    return replace(found, names=policy.names, sandbox=identity.sandbox)


def _read(target: Target, inside: frozenset[str]) -> Live:
    """Return all codes, for their ids and names, and the tables that the files use."""
    from wrapctl.targets.interface import Want

    return target.reader().read(Want(codes=None, rows=dict.fromkeys(inside, frozenset())))


def _about(evidence: Evidence, live: Live, inside: frozenset[str]) -> Mapping[str, frozenset[str] | None]:
    """Return what to ask for: all of each kind, where the trail is one for each object all that there are."""
    kinds = evidence.keeps - ({"row", "table"} if not inside else set())
    if not evidence.by_object:
        return dict.fromkeys(kinds)
    return {"code": frozenset(code.id for code in live.codes)} if "code" in kinds else {}


def _tables(live: Live, inside: frozenset[str]) -> frozenset[str] | None:
    """Return the tables that count; None, so that all do, where one could not be read."""
    from wrapctl.evidence.history import tables_of

    return None if inside & live.unread.keys() else tables_of(live)


# ── pull requests ──────────────────────────────────────────────────────────────────────────────────────────


def _with_pulls(
    console: Console, org: OrgConfig, journalled: Journalled, since: datetime, until: datetime
) -> Journalled:
    """Return the journal with the pull requests of its commits, as git or GitHub's deployments tell them."""
    began = [one for one in journalled.written if since - timedelta(days=1) <= one.began <= until]
    wanted = {one.run.sha for one in began if one.run.sha and not one.run.pulls}
    if not wanted:
        return journalled
    found = _from_git(console, wanted)
    left = wanted - found.keys()
    if left:
        found |= _from_deployments(console, org, left)
    return journalled.with_pulls(found)


def _from_git(console: Console, commits: set[str]) -> dict[str, Sequence[int]]:
    from wrapctl.cli.kept import repository
    from wrapctl.evidence.journalled import pull_request
    from wrapctl.git import GitFailed

    git = repository(console)
    found: dict[str, Sequence[int]] = {}
    for commit in sorted(commits):
        try:
            if git.has(f"{commit}^{{commit}}") and (pulls := pull_request(git.message(commit))):
                found[commit] = pulls
        except GitFailed:
            return found  # no clone here: the journal tells the commit all the same
    return found


def _from_deployments(console: Console, org: OrgConfig, commits: set[str]) -> dict[str, Sequence[int]]:
    """Ask the repository on GitHub, inside of its jobs alone; only what the job's own token recorded counts."""
    from wrapctl.ci.deployed import environment
    from wrapctl.cli.hosted import github

    hub = github(console)
    if hub is None:
        return {}
    found: dict[str, Sequence[int]] = {}
    try:
        for commit in sorted(commits)[:_MOST_COMMITS]:
            for one in hub.deployments(environment(org.name), sha=commit):
                pulls = one.payload.get("pull_requests")
                if one.creator.lower() == hub.author.lower() and isinstance(pulls, list) and pulls:
                    found[commit] = [pull for pull in pulls if isinstance(pull, int)]
                    break
    except Interrupted:
        raise
    except TargetError as error:
        console.warn(
            f"the deployments on GitHub were not read, so that pull requests may lack: {error.message}"
        )
    finally:
        hub.close()
    return found
