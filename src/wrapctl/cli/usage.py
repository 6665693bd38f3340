"""``wrapctl usage``: how often the codes of an org are used, on which queues, and what is odd about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import Exit, UsageError, WrapctlError

if TYPE_CHECKING:
    from wrapctl.config.project import OrgConfig
    from wrapctl.evidence.usage import UsageTold
    from wrapctl.targets.interface import Target


@click.command("usage")
@click.argument("org", shell_complete=complete_orgs)
@click.option(
    "--days", type=click.IntRange(1, 365), default=30, metavar="N", help="In the last N days (default 30)."
)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only this queue; repeatable.")
@click.option("--format", "how", type=click.Choice(["text", "csv", "json"]), default="text")
@click.option("--chart", is_flag=True, help="Draw a bar for each code instead of tables.")
@click.option("--sandbox", is_flag=True, help="In CI: allow sandbox orgs.")
@options
def command(
    console: Console,
    *,
    org: str,
    days: int,
    queues: Sequence[str],
    how: str,
    chart: bool,
    sandbox: bool,
) -> Exit:
    """Show how often codes are used: contacts, handle time and after-call work by code and queue.

    Then what is odd: codes used outside of the queues that declare them, how often time ran out before a code was
    chosen, and codes that nobody used. Reads the platform, writes nothing.
    """
    from wrapctl.cli.failure import redacted
    from wrapctl.cli.orgs import chosen, connected, refuse_sandbox

    if chart and how != "text":
        raise UsageError("--chart draws on a screen: say it without --format")
    _, (found,) = chosen(console, [org])
    refuse_sandbox(console, found, allowed=sandbox)
    with connected(console, found) as (target, _):
        told = _read(console, found, target, days, queues, sandbox=sandbox)
    console.out(redacted(_told(console, told, how, chart=chart)))
    return Exit.OK


def _read(
    console: Console, org: OrgConfig, target: Target, days: int, queues: Sequence[str], *, sandbox: bool
) -> UsageTold:
    """Read figures, and the codes and queues that they are about.

    Raises:
        WrapctlError: the platform tells no figures.
        TargetError: not all of it was read.
        UsageError: there is no such queue.
    """
    from wrapctl.cli.orgs import refuse_sandbox
    from wrapctl.evidence.usage import tell
    from wrapctl.survey import check_identity
    from wrapctl.targets.interface import Want

    desired, capabilities = org.desired, target.capabilities
    evidence, reader = target.evidence(), target.reader()
    identity = reader.identity()
    refuse_sandbox(console, org, allowed=sandbox, identity=identity)
    check_identity(desired, identity)
    live = reader.read(Want(codes=None, queues=None))
    today, until = console.today(desired.policy.timezone), console.now()
    asked: Mapping[str, str] | None = None
    if queues:
        from wrapctl.evidence.usage import queue_ids

        found = [queue_ids(desired, live, capabilities, [one], as_of=today) for one in queues]
        for name, ids in zip(queues, found, strict=True):
            if not ids:
                raise _no_queue(org, name, [queue.name for queue in live.queues])
        asked = {one: name for ids in found for one, name in ids.items()}
    wanted = None if asked is None else frozenset(asked)
    usage = None
    if evidence is not None:
        usage = evidence.usage(until - timedelta(days=days), until, queues=wanted)
    if usage is None:
        raise WrapctlError(
            f"{org.name}: {capabilities.title} does not tell how often codes are used",
            hint="take it from the vendor's own reports",
        )
    return tell(usage, desired, live, capabilities, as_of=today, queues=asked)


def _no_queue(org: OrgConfig, name: str, names: list[str]) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(name, [*names, *(queue.label for queue in org.desired.queues)], n=1)
    hint = f"the nearest is {near[0]!r}" if near else "a label of its queues.yaml, or a live queue's name"
    return UsageError(f"{org.name} has no queue {name!r}", hint=hint)


def _told(console: Console, told: UsageTold, how: str, *, chart: bool) -> str:
    from wrapctl.render import usage

    if how == "csv":
        return usage.as_csv(told)
    if how == "json":
        return usage.as_json(told)
    blocks = usage.BLOCKS if _can_write(usage.BLOCKS) else usage.ASCII
    return usage.as_text(told, width=console.width, colour=console.colour, chart=chart, blocks=blocks)


def _can_write(text: str) -> bool:
    """Whether standard output has these characters: a log may know ASCII alone."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
