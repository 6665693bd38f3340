"""``wrapctl plan``: what apply would change, written nowhere but here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.cli.metering import measured
from wrapctl.errors import ConfigError, Exit, Interrupted, UsageError, WrapctlError, worst

if TYPE_CHECKING:
    from wrapctl.cli.orgs import Failed
    from wrapctl.config.changed import Touched
    from wrapctl.config.project import OrgConfig, Project
    from wrapctl.model import Scope
    from wrapctl.plan.plan import Plan
    from wrapctl.policy import Allowance


@click.command("plan")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan; a folder for several orgs."
)
@click.option("--format", "how", type=click.Choice(["text", "markdown", "json"]), default="text")
@click.option(
    "--exit-code", is_flag=True, help="Exit 3 when changes are pending, 5 when something was not read."
)
@click.option("--changed-since", metavar="REV", help="Only what the files changed since a git revision.")
@click.option(
    "--queue", "queues", multiple=True, metavar="NAME", help="Only this queue and its codes; repeatable."
)
@click.option("--allow", multiple=True, metavar="TOKEN", help="Acknowledge a guard limit; repeatable.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Plan as if it were this day."
)
@click.option("--usage", is_flag=True, help="Show how often the codes that go, or are renamed, are used.")
@click.option(
    "--days", type=click.IntRange(1, 365), metavar="N", help="With --usage: in the last N days (30)."
)
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
@measured("plan")
def command(
    console: Console,
    *,
    orgs: Sequence[str],
    out: Path | None,
    how: str,
    exit_code: bool,
    changed_since: str | None,
    queues: Sequence[str],
    allow: Sequence[str],
    as_of: datetime | None,
    usage: bool,
    days: int | None,
    sandbox: bool,
) -> Exit:
    """Show what apply would change. Reads the platform, writes nothing there."""
    from wrapctl.cli.orgs import Failed, allowances, chosen
    from wrapctl.evidence.gather import DAYS

    if queues and changed_since is not None:
        raise UsageError("--queue and --changed-since are two ways to say the scope: use one")
    if days is not None and not usage:
        raise UsageError("--days says of how many days --usage tells: say --usage too")
    shown = (days or DAYS) if usage else None
    tokens = allowances(allow)
    project, found = chosen(console, orgs)
    touched: dict[str, Touched] = {}
    if changed_since is not None:
        from wrapctl.config.changed import since

        touched = dict(since(console.root, project, changed_since))
        questions = [one for name in touched for one in touched[name].questions]
        if questions:
            raise ConfigError([*questions, *project.warnings])
    plans: list[Plan] = []
    failed: list[Failed] = []
    for org in found:
        change = touched.get(org.name)
        if change is not None and change.nothing and not change.notes:
            console.err(f"{org.name}: not touched since the revision")
            continue
        scope = change.scope if change is not None else scope_of(org, queues)
        day = as_of.date() if as_of is not None else None
        try:
            made = make(console, org, scope=scope, as_of=day, tokens=tokens, days=shown, sandbox=sandbox)
        except Interrupted:
            raise
        except WrapctlError as error:
            if len(found) == 1:
                raise
            failed.append(Failed(org.name, error))
        else:
            notes = change.notes if change is not None else ()
            plans.append(replace(made, warnings=tuple(sorted({*made.warnings, *notes}))))
    if out is not None:
        save(console, plans, out, several=len(found) > 1)
    show(console, plans, failed, how)
    _tell(console, project, plans, exit_code=exit_code, told=as_of is None)
    codes = [_exit(plan, pending=exit_code) for plan in plans] + [one.error.exit_code for one in failed]
    return worst(codes)


def _tell(console: Console, project: Project, plans: Sequence[Plan], *, exit_code: bool, told: bool) -> None:
    """Count the plans; tell the sinks of them, but not of plans for another day."""
    from wrapctl.cli.telling import Telling
    from wrapctl.cli.writing import new_run

    run = new_run(console)
    with Telling(console, project) as telling:
        for plan in plans:
            if console.meter is not None:
                console.meter.plan(plan)
                console.meter.ended(plan.org, _exit(plan, pending=exit_code))
            if told:
                telling.plan(plan, run)


def make(
    console: Console,
    org: OrgConfig,
    *,
    scope: Scope | None = None,
    as_of: date | None = None,
    tokens: tuple[Allowance, ...] = (),
    days: int | None = None,
    sandbox: bool = False,
) -> Plan:
    """Read one org and return its plan, with the warnings of its files.

    ``days``: with how often codes that go were used in so many days.

    Raises:
        WrapctlError: it could not be read, or must not be.
    """
    from wrapctl.cli.orgs import connected, refuse_sandbox
    from wrapctl.evidence.gather import Ask
    from wrapctl.survey import survey

    refuse_sandbox(console, org, allowed=sandbox)
    day = as_of or console.today(org.desired.policy.timezone)
    with connected(console, org) as (target, _):
        plan, live = survey(
            target.reader(),
            target.capabilities,
            org.desired,
            as_of=day,
            scope=scope,
            allowances=tokens,
            ask=Ask(target.evidence(), console.now(), days),
        )
    refuse_sandbox(console, org, allowed=sandbox, identity=live.identity)
    return replace(plan, warnings=tuple(sorted({*plan.warnings, *org.warnings})))


def scope_of(org: OrgConfig, queues: Sequence[str]) -> Scope | None:
    """Return the scope of ``--queue``: these queues, by label or name, and the codes that they list.

    Raises:
        UsageError: the files of the org declare no such queue.
    """
    from wrapctl.model import Scope

    if not queues:
        return None
    labels: set[str] = set()
    codes: set[str] = set()
    for wanted in queues:
        found = [queue for queue in org.desired.queues if wanted in {queue.label, queue.name}]
        if not found:
            from difflib import get_close_matches

            names = [text for queue in org.desired.queues for text in (queue.label, queue.name)]
            near = get_close_matches(wanted, names, n=1)
            hint = f"the nearest is {near[0]!r}" if near else "a label or a name of its queues.yaml"
            raise UsageError(f"{org.name} declares no queue {wanted!r}", hint=hint)
        labels.update(queue.label for queue in found)
        codes.update(key for queue in found for key in queue.codes or ())
    return Scope(frozenset(codes), frozenset(labels))


def show(console: Console, plans: Sequence[Plan], failed: Sequence[Failed], how: str) -> None:
    """Print plans, and what kept other orgs from having one."""
    from wrapctl.cli.failure import redacted, words
    from wrapctl.render import json, markdown, text

    if how == "json":
        alone = len(plans) == 1 and not failed
        told = json.plan(plans[0]) if alone else json.plans(plans, [(one.org, one.error) for one in failed])
    elif how == "markdown":
        told = markdown.plans(plans, failed=[(one.org, one.error.message) for one in failed])
    else:
        told = "\n".join(text.plan(plan, width=console.width, colour=console.colour) for plan in plans)
    console.out(redacted(told))
    for one in failed:
        console.err(redacted(f"{one.org}: {words(one.error, console)}"))


def save(console: Console, plans: Sequence[Plan], out: Path, *, several: bool) -> None:
    """Write the plans to a file, or to one file for each org in a folder."""
    from wrapctl.cli.files import write_text
    from wrapctl.render import json

    for plan in plans:
        path = out / f"{plan.org}.json" if several or out.is_dir() else out
        write_text(path, json.plan(plan))
        console.err(f"{plan.org}: plan saved as {path}")


def _exit(plan: Plan, *, pending: bool) -> Exit:
    if plan.refusals:
        return Exit.REFUSED
    if not pending:
        return Exit.OK
    # What was not read is neither pending nor in sync: without this, a CRM that is down would look like peace.
    return Exit.PENDING if plan.pending else Exit.PARTIAL if plan.unread else Exit.OK
