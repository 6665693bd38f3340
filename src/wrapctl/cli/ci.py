"""``wrapctl ci``: what the jobs of a workflow run around a pull request. One module for each command, imported late."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from wrapctl.errors import UsageError, WrapctlError

if TYPE_CHECKING:
    from wrapctl.ci.job import Job
    from wrapctl.ci.planning import Checkout
    from wrapctl.cli.console import Console
    from wrapctl.git import Git

PARTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "plan": ("ci_plan", "Plan the orgs that a pull request touches; leave plans for the merge."),
        "comment": ("ci_comment", "Say on the pull request what was planned, and seal it in a check."),
        "apply": ("ci_apply", "After the merge, write what was approved, and nothing else."),
    }
)
"""Name → module and help line."""

_MOST_EVENT: Final = 32 * 1024 * 1024


class Parts(click.Group):
    """The commands of ``ci``, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        del ctx
        return list(PARTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in PARTS:
            return None
        found: click.Command = import_module(f"wrapctl.cli.{PARTS[cmd_name][0]}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in PARTS.items()])


@click.command("ci", cls=Parts)
def command() -> None:
    """Run around a pull request in CI: plan it, say so, apply what was reviewed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the commands of a pull request share: the job, the clone, and what is merged into what."""

    job: Job
    git: Git
    here: Checkout
    number: int | None


def the_job(console: Console) -> Job:
    """Return the job that this runs in; an empty one outside of GitHub Actions.

    Raises:
        WrapctlError: the file of the event cannot be read.
    """
    from wrapctl.ci.job import job

    path = console.environ.get("GITHUB_EVENT_PATH", "")
    event = b""
    if path:
        try:
            with Path(path).open("rb") as stream:
                event = stream.read(_MOST_EVENT)
        except OSError as error:
            raise WrapctlError(f"GITHUB_EVENT_PATH cannot be read: {error.strerror}") from None
    return job(console.environ, event)


def stage(console: Console, *, base: str, head: str, number: int | None) -> Stage:
    """Return what a command about a pull request starts from; what was not said comes from the job and the clone.

    Raises:
        UsageError: it cannot be known, or contradicts what is checked out.
    """
    from wrapctl.ci.planning import checkout
    from wrapctl.git import Git

    job = the_job(console)
    git = Git(console.root, console.environ)
    here = checkout(git, base=base, head=head or job.head)
    return Stage(job, git, here, number if number is not None else job.pull_request)


@contextlib.contextmanager
def fenced(console: Console, job: Job) -> Iterator[None]:
    """Let GitHub's runner read no command in what is printed inside; both streams become one, so that order holds."""
    from wrapctl.ci.fence import Fence

    if not job.actions:
        yield
        return
    fence = Fence(secrets.token_urlsafe(24))
    console.out(fence.opens)
    try:
        with contextlib.redirect_stderr(sys.stdout):
            yield
    finally:
        console.out(fence.closes)


def add_summary(job: Job, text: str) -> None:
    """Add to the summary of the job, where there is one.

    Raises:
        WrapctlError: it cannot be written.
    """
    if not job.summary:
        return
    try:
        with Path(job.summary).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise WrapctlError(f"the job's summary cannot be written: {error.strerror}") from None


def known_number(number: int | None) -> int:
    """Return the number of the pull request.

    Raises:
        UsageError: nobody said it.
    """
    if number is None:
        raise UsageError("which pull request?", hint="say --pull-request N; in a job of one it is known")
    return number
