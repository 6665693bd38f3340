"""The GitHub repository that a job runs for, from the variables that GitHub sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from wrapctl.cli.console import Console
from wrapctl.targets.interface import Event, Runtime, ignore_event

if TYPE_CHECKING:
    from wrapctl.ci.github import GitHub

AUTHOR: Final = "WRAPCTL_GITHUB_AUTHOR"
"""Login under which the token writes, where that is not the job's own token."""


def github(console: Console, listen: Callable[[Event], None] = ignore_event) -> GitHub | None:
    """Return the job's repository, None where there is no job or it was given no token. Nothing is sent here.

    Raises:
        UsageError: one of the variables holds something else than what GitHub puts there.
    """
    from wrapctl.ci.api import API_URL
    from wrapctl.ci.github import ACTIONS, connect

    environ = console.environ
    repository, token = environ.get("GITHUB_REPOSITORY"), environ.get("GITHUB_TOKEN")
    if not (repository and token):
        return None
    runtime = Runtime(stop=console.stop, monotonic=time.monotonic, wait=console.stop.wait, listen=listen)
    return connect(
        repository,
        token,
        runtime,
        url=environ.get("GITHUB_API_URL") or API_URL,
        author=environ.get(AUTHOR) or ACTIONS,
    )
