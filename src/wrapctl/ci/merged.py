"""What was merged between two commits of a branch: its first-parent history, and the pull requests that made it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wrapctl.ci.job import is_commit
from wrapctl.config.files import HOME
from wrapctl.errors import UsageError
from wrapctl.git import Git, GitFailed

if TYPE_CHECKING:
    from wrapctl.ci.github import GitHub
    from wrapctl.ci.shapes import Pull


@dataclass(frozen=True, slots=True)
class Merged:
    """What one pull request brought, or one push without any (``pull`` is None).

    ``before`` is the commit that it came onto, empty where there was none; ``tip`` is its last commit on the branch.
    """

    tip: str
    before: str = ""
    pull: Pull | None = None


class History:
    """The branch that is being applied, up to ``head``."""

    def __init__(self, git: Git, head: str) -> None:
        self._git = git
        self.head = head

    def has(self, commit: str) -> bool:
        """Whether a commit is one of this history's: is ``head``, or came before it."""
        if not self._known(commit):
            return False
        try:
            self._git.run("merge-base", "--is-ancestor", commit, self.head)
        except GitFailed:
            return False
        return True

    def after(self, commit: str) -> bool:
        """Whether a commit is newer than ``head``, on top of it."""
        return commit != self.head and self._known(commit) and History(self._git, commit).has(self.head)

    def covered(self, tips: Iterable[str], commit: str) -> bool:
        """Whether any of ``tips`` is ``commit``, or came before it."""
        other = History(self._git, commit)
        return any(other.has(tip) for tip in tips)

    def parent(self, commit: str) -> str:
        """Return the commit that another one came onto, empty where there is none."""
        line = self._git.run("rev-list", "--parents", "--max-count=1", commit).decode().split()
        return line[1] if len(line) > 1 else ""

    def commits(self, after: str, *paths: str) -> tuple[str, ...]:
        """Return the commits of the branch behind ``after`` (empty: all), oldest first; those that touch ``paths``.

        Raises:
            UsageError: the clone does not reach back that far.
        """
        if after and not self._known(after):
            raise UsageError(
                f"the clone does not have commit {after[:12]}, which was applied last",
                hint="fetch the whole history (actions/checkout with `fetch-depth: 0`)",
            )
        since = (f"^{after}",) if after else ()
        limits = ("--", *paths) if paths else ()
        out = self._git.run("rev-list", "--first-parent", "--reverse", self.head, *since, *limits)
        return tuple(out.decode().split())

    def _known(self, commit: str) -> bool:
        return is_commit(commit) and self._git.has(f"{commit}^{{commit}}")


def merged(hub: GitHub, history: History, after: str) -> tuple[Merged, ...]:
    """Return what was brought into the project's files behind ``after``, oldest first.

    A commit can belong to several pull requests; the one that counts was merged into this very branch: its merge
    commit is one of those.

    Raises:
        UsageError: the clone does not reach back that far.
        TargetError: GitHub could not be asked.
    """
    brought = frozenset(history.commits(after))
    found: list[Merged] = []
    for commit in history.commits(after, HOME):
        pull = _of(hub.pulls_of(commit), hub.repository, brought)
        last = found[-1] if found else None
        if (
            pull is not None
            and last is not None
            and last.pull is not None
            and last.pull.number == pull.number
        ):
            # Merged by rebase: one pull request, several commits.
            found[-1] = Merged(commit, last.before, pull)
        else:
            found.append(Merged(commit, history.parent(commit), pull))
    return tuple(found)


def _of(pulls: Iterable[Pull], repository: str, brought: frozenset[str]) -> Pull | None:
    mine = (
        one
        for one in pulls
        if one.merged and one.merge_commit in brought and one.base_repository.lower() == repository.lower()
    )
    return max(mine, key=lambda one: one.number, default=None)
