"""What a job of GitHub Actions is told by its surroundings: variables, and the event that started it. Pure.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PULL: Final = re.compile(r"refs/pull/([1-9][0-9]{0,8})/(?:merge|head)")
_URL: Final = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Job:
    """One job. Empty texts and None where it is not said; everywhere, outside of Actions.

    ``sha`` is the commit that is checked out (on a pull request, the merge commit that GitHub made to try it),
    ``head`` the last commit of the pull request itself. ``summary`` is the file of the job's summary, ``outputs``
    that of its outputs, ``run`` the number of the run and ``run_url`` where people see it.
    """

    actions: bool = False
    repository: str = ""
    sha: str = ""
    event: str = ""
    pull_request: int | None = None
    head: str = ""
    head_repository: str = ""
    run: str = ""
    attempt: str = ""
    run_url: str = ""
    summary: str = ""
    outputs: str = ""

    @property
    def fork(self) -> bool:
        """Whether it runs for a pull request of another repository."""
        return bool(self.head_repository) and self.head_repository.lower() != self.repository.lower()


def job(environ: Mapping[str, str], event: bytes = b"") -> Job:
    """Return the job that ``environ`` describes; ``event`` is the content of the file GITHUB_EVENT_PATH.

    What does not look like what GitHub puts there is left out.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return Job()
    pull = _inside(_json(event), "pull_request")
    number, head = pull.get("number"), _inside(pull, "head")
    from_ref = _PULL.fullmatch(environ.get("GITHUB_REF", ""))
    if type(number) is not int or number < 1:
        number = int(from_ref[1]) if from_ref is not None else None
    return Job(
        actions=True,
        repository=_like(_REPOSITORY, environ.get("GITHUB_REPOSITORY")),
        sha=_like(_COMMIT, environ.get("GITHUB_SHA")),
        event=environ.get("GITHUB_EVENT_NAME", ""),
        pull_request=number,
        head=_like(_COMMIT, head.get("sha")),
        head_repository=_like(_REPOSITORY, _inside(head, "repo").get("full_name")),
        run=environ.get("GITHUB_RUN_ID", ""),
        attempt=environ.get("GITHUB_RUN_ATTEMPT", ""),
        run_url=_run_url(environ),
        summary=environ.get("GITHUB_STEP_SUMMARY", ""),
        outputs=environ.get("GITHUB_OUTPUT", ""),
    )


def is_commit(text: str) -> bool:
    """Whether ``text`` is the whole name of a commit."""
    return _COMMIT.fullmatch(text) is not None


def _run_url(environ: Mapping[str, str]) -> str:
    server = _like(_URL, environ.get("GITHUB_SERVER_URL", "https://github.com"))
    repository = _like(_REPOSITORY, environ.get("GITHUB_REPOSITORY"))
    run = environ.get("GITHUB_RUN_ID", "")
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run.isdecimal() else ""


def _like(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _json(event: bytes) -> object:
    try:
        return json.loads(event) if event else {}
    except (ValueError, RecursionError):
        return {}


def _inside(data: object, name: str) -> Mapping[str, Any]:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}
