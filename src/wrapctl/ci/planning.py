"""What a pull request proposes, as a job finds it in its clone: which base, which orgs, which files of CI itself.

The clone holds the commit that GitHub made to try the merge (``refs/pull/N/merge``): its content is what a merge
brings about, its first parent is the base branch. A base that is not part of it would show the base's own changes
as if this pull request undid them, so that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wrapctl.ci import artefact
from wrapctl.ci.artefact import Proposal
from wrapctl.ci.job import is_commit
from wrapctl.config.base import Proposed, propose
from wrapctl.config.project import OrgConfig
from wrapctl.errors import ConfigError, Problem, Severity, UsageError
from wrapctl.git import Git, GitFailed

Lines = Mapping[str, Sequence[range]]
"""File, from the top of the repository → the lines that a change adds or rewrites."""

_HUNK: Final = re.compile(rb"@@ -[0-9,]+ \+([0-9]+)(?:,([0-9]+))? @@")
_MERGE: Final = (
    "check out the merge commit (refs/pull/N/merge, as actions/checkout does) with `fetch-depth: 0`"
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """The clone of a job: what is merged into what.

    ``head`` is the last commit of the pull request, ``base`` the commit of the base branch that it is tried against,
    ``prefix`` where the project lies in the repository, ``touches`` the files of CI itself that differ.
    """

    base: str
    head: str
    prefix: str = ""
    touches: tuple[str, ...] = ()


def checkout(git: Git, *, base: str = "", head: str = "") -> Checkout:
    """Return what is checked out. ``base``: a revision, else the first parent of a merge commit.

    Raises:
        UsageError: there is no such revision, or it is not part of what is checked out.
        GitFailed: this is no clone.
    """
    commit, *parents = git.run("rev-list", "--parents", "-n1", "HEAD").decode().split()
    merge = len(parents) == 2
    head = _commit(git, head) if head else parents[1] if merge else commit
    if not base and not (merge and parents[1] == head):
        raise UsageError("against which revision?", hint=f"say --base REV, or {_MERGE}")
    against = _commit(git, base) if base else parents[0]
    for name, revision in (("the base", against), ("the head", head)):
        if _common(git, revision, commit) != revision:
            raise UsageError(f"{name} {revision[:12]} is not part of what is checked out", hint=_MERGE)
    listed = git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", against, commit)
    paths = (path.decode(errors="surrogateescape") for path in listed.split(b"\0") if path)
    touches = tuple(path for path in paths if artefact.steers(path))
    return Checkout(against, head, git.prefix(), touches)


def changed_lines(git: Git, base: str) -> Lines:
    """Return the lines that differ from ``base``, of each file that is checked out."""
    quiet = (
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--src-prefix=a/",
        "--dst-prefix=b/",
    )
    found: dict[str, list[range]] = {}
    here: list[range] = []
    for line in git.run("-c", "core.quotePath=false", "diff-tree", "-p", "-U0", *quiet, base, "HEAD").split(
        b"\n"
    ):
        if line.startswith(b"+++ "):
            name = line[4:].rstrip(b"\t").decode(errors="replace")
            here = found.setdefault(name.removeprefix("b/"), [])
        elif hunk := _HUNK.match(line):
            start, count = int(hunk[1]), int(hunk[2]) if hunk[2] is not None else 1
            here.append(range(start, start + count))
    return found


def examine(root: Path, base: str) -> Proposed:
    """Return what the files propose against ``base``.

    Raises:
        ConfigError: they are wrong, or a changed name does not say whether it is a rename.
    """
    proposed = propose(root, base)
    questions = [one for touched in proposed.touched.values() for one in touched.questions]
    if questions:
        raise ConfigError([*questions, *proposed.project.warnings])
    return proposed


def proposal(here: Checkout, proposed: Proposed, number: int | None) -> Proposal:
    """Return what a pull request proposes; ``refused`` says so when it touches more orgs than it may."""
    orgs, most = proposed.changed, proposed.project.max_orgs
    refused = ""
    if most is not None and len(orgs) > most:
        refused = f"{len(orgs)} orgs are touched, one pull request may change {most} (`limits.orgs` in wrapctl.yaml)"
    return Proposal(
        head=here.head,
        base=here.base,
        pull_request=number,
        orgs=orgs,
        new=proposed.new,
        gone=proposed.gone,
        policy=proposed.policy,
        touches=here.touches,
        refused=refused,
        project=here.prefix,
    )


def broken(here: Checkout, problems: Sequence[Problem], number: int | None) -> Proposal:
    """Return what can be said of a pull request whose files are wrong."""
    wrong = sum(problem.severity is Severity.ERROR for problem in problems)
    return Proposal(here.head, here.base, number, touches=here.touches, wrong=wrong, project=here.prefix)


def remarks(org: OrgConfig) -> tuple[str, ...]:
    """Return how a merge will be applied to an org, where that is not just "the changes shown"."""
    return tuple(_remarks(org))


def _remarks(org: OrgConfig) -> Iterator[str]:
    policy = org.desired.policy
    if policy.observe:
        yield "observe mode: merging writes nothing here"
        return
    if policy.fresh:
        yield "`apply: fresh`: merging writes what a new plan finds then, not just what is shown here"
    if policy.windows:
        yield "change windows: a merge outside of them is applied in the next one"


def _commit(git: Git, revision: str) -> str:
    if revision.startswith("-"):
        raise UsageError(f"{revision!r} is not a git revision")
    wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    try:
        found = git.run(*wanted).decode().strip()
    except GitFailed:
        raise UsageError(f"git does not know the revision {revision}", hint=_MERGE) from None
    if not is_commit(found):
        raise UsageError(f"{revision!r} is not one commit")
    return found


def _common(git: Git, one: str, other: str) -> str:
    try:
        return git.run("merge-base", one, other).decode().strip()
    except GitFailed:
        return ""  # no common history, or not enough of it here
