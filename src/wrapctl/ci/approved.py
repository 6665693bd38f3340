"""What the review of a merged pull request approved for one org: the plan that its last commit was shown with.

Nothing that people can edit is believed. A plan counts when the plan workflow's newest successful run on the last
commit of the pull request left it, and a check run of Actions on that very commit has its hash. A pull request that
changes what CI does could have written both by itself, so that its plan never counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wrapctl.ci import artefact
from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    PlanUnusable,
    RateLimited,
    TargetError,
    Unanswered,
    Unauthorized,
    Unreachable,
)

if TYPE_CHECKING:
    from wrapctl.ci.github import GitHub
    from wrapctl.ci.shapes import CheckRun, Pull, WorkflowRun
    from wrapctl.plan.plan import Plan

WORKFLOW: Final = "plan.yml"
"""File of the workflow that plans pull requests, below ``.github/workflows/``."""

APP: Final = "github-actions"
"""The app that the token of a job acts as."""

_FINE: Final = frozenset({"success", "neutral"})
_GONE: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Approved:
    """What was approved. ``plan`` is None where the review shows none of the org; ``why`` says why that is.

    An empty ``why`` without a plan: its check run names other orgs, so that it is not about this one.
    """

    plan: Plan | None = None
    why: str = ""


def approved(hub: GitHub, pull: Pull, org: str, *, workflow: str = WORKFLOW) -> Approved:
    """Return what the review of ``pull`` approved for ``org``, or why nothing.

    Raises:
        TargetError: GitHub could not be asked; then nothing is known, and nothing may be written.
    """
    try:
        return Approved(_plan(hub, pull, org, workflow))
    except _NotCountedError as reason:
        return Approved(why=str(reason))


class _NotCountedError(Exception):
    """Why a plan does not count, in words that go behind ``pull request #7:``."""


def _plan(hub: GitHub, pull: Pull, org: str, workflow: str) -> Plan | None:
    if pull.fork:
        raise _NotCountedError("it comes from a fork, and those are validated and never planned")
    steering = steers(hub, pull)
    if steering:
        raise _NotCountedError(steering)
    _check_bases(hub, pull)
    run = _run(hub, pull, workflow)
    sums = _sums(hub, pull)
    if org not in sums:
        return None
    left = _left(hub, run, org, sums[org])
    proposal = left.meta.proposal
    if proposal.head != pull.head or proposal.pull_request not in {None, pull.number}:
        raise _NotCountedError("the plan that its run left is of another commit or pull request")
    if left.plan is None or left.plan.refusals:
        raise _NotCountedError("its plan was refused")
    return left.plan


def steers(hub: GitHub, pull: Pull) -> str:
    """Return why nothing that ``pull`` changes may be applied automatically: it changes CI itself. Empty if not.

    Raises:
        TargetError: GitHub could not be asked.
    """
    try:
        files = hub.files(pull)
    except IncompleteRead as error:
        return f"what it changes is not known: {error.message}"
    found = sorted({path for file in files for path in file.paths if artefact.steers(path)})
    if not found:
        return ""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"it changes {found[0]}{more}, and whoever changes what CI does could have made its plan: "
        "such a pull request is never applied automatically"
    )


def _check_bases(hub: GitHub, pull: Pull) -> None:
    """A run says which commit it was of, not which pull request: with another base it ran another workflow.

    Whoever may push can open a second pull request of the same commit, onto a branch whose plan workflow is theirs.
    """
    for other in hub.pulls_from(pull.head_ref):
        if other.head == pull.head and other.base_ref != pull.base_ref:
            raise _NotCountedError(
                f"its last commit {pull.head[:12]} is that of #{other.number} too, which has another base, so that "
                "nothing tells their plans apart"
            )


def _run(hub: GitHub, pull: Pull, workflow: str) -> WorkflowRun:
    path = f".github/workflows/{workflow}"
    runs = [
        run
        for run in hub.runs(workflow, pull.head, event="pull_request")
        if run.path == path
        and run.head_repository.lower() == hub.repository.lower()
        and run.branch in {"", pull.head_ref}
    ]
    if not runs:
        raise _NotCountedError(f"{path} never ran on its last commit {pull.head[:12]}")
    for run in runs:
        if run.status == "completed" and run.conclusion == "success":
            return run
    last = runs[0]
    raise _NotCountedError(
        f"{path} did not succeed on its last commit {pull.head[:12]}: run {last.id} is {last.conclusion or last.status}"
    )


def _sums(hub: GitHub, pull: Pull) -> dict[str, str]:
    checks = [
        check
        for check in hub.checks(pull.head, artefact.CHECK)
        if check.name == artefact.CHECK and check.app == APP and check.head == pull.head
    ]
    newest: CheckRun | None = max(checks, key=lambda check: check.id, default=None)
    if newest is None:
        raise _NotCountedError(f"its last commit {pull.head[:12]} has no check {artefact.CHECK!r} of Actions")
    if newest.status != "completed" or newest.conclusion not in _FINE:
        raise _NotCountedError(f"its check {artefact.CHECK!r} says {newest.conclusion or newest.status}")
    try:
        return dict(artefact.checked(newest.text, newest.external_id))
    except PlanUnusable as error:
        raise _NotCountedError(error.message) from None


def _left(hub: GitHub, run: WorkflowRun, org: str, sha256: str) -> artefact.Left:
    name = artefact.name(org)
    found = hub.artifacts(run.id, name)
    if not found:
        raise _NotCountedError(
            f"its plan is gone: the artefact {name} of run {run.id} has expired or was deleted"
        )
    try:
        content = hub.read_artifact(found[0], artefact.members(org))
        return artefact.read(content, org=org, sha256=sha256)
    except (Unreachable, Unanswered, Unauthorized, Forbidden, RateLimited):
        raise
    except Answered as error:
        if error.answer.status not in _GONE:
            raise
        raise _NotCountedError(f"its plan is gone: {error.message}") from None
    except (TargetError, PlanUnusable) as error:
        raise _NotCountedError(error.message) from None
