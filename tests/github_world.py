"""A repository on an emulated GitHub: what people and workflows do there, over a real bare git repository.

``github_api`` puts the REST API in front of it. Nothing here knows wrapctl.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from git_remote import ENVIRON, git

READ = dict.fromkeys(
    ("actions", "checks", "contents", "deployments", "issues", "metadata", "pull_requests"), "read"
)
WRITE = dict.fromkeys(READ, "write")
BOT = "github-actions[bot]"


@dataclass(frozen=True)
class Token:
    """Who a token is and what it may: permission → read or write. ``person``: it may ask who it is."""

    login: str
    permissions: Mapping[str, str]
    app: str = ""
    person: bool = False


@dataclass
class Comment:
    id: int
    number: int
    login: str
    body: str
    created_at: str
    updated_at: str


@dataclass
class Review:
    id: int
    login: str
    state: str
    commit: str
    submitted_at: str


@dataclass
class Issue:
    """An issue, or the issue that every pull request is as well."""

    number: int
    title: str
    login: str
    body: str
    created_at: str
    state: str = "open"
    state_reason: str | None = None
    labels: list[str] = field(default_factory=list)
    pull: Pull | None = None


@dataclass
class Pull:
    number: int
    head_ref: str
    base_ref: str
    head_repository: str | None
    draft: bool = False
    reviews: list[Review] = field(default_factory=list)
    merged_at: str | None = None
    merged_by: str = ""
    merge_commit: str | None = None
    # Set when it is closed; while it is open, both follow the refs.
    head: str = ""
    base: str = ""


@dataclass
class Run:
    id: int
    workflow: str
    event: str
    head: str
    head_repository: str
    branch: str
    actor: str
    created_at: str
    number: int
    attempt: int = 1
    status: str = "in_progress"
    conclusion: str | None = None


@dataclass
class Artifact:
    id: int
    name: str
    run: int
    head: str
    content: bytes
    created_at: str
    expired: bool = False
    digest: str = ""


@dataclass
class Check:
    id: int
    app: str
    body: dict[str, Any]
    annotations: list[dict[str, Any]]
    started_at: str


@dataclass
class Deployment:
    id: int
    login: str
    body: dict[str, Any]
    sha: str
    created_at: str
    statuses: list[dict[str, Any]] = field(default_factory=list)


class Conflict(Exception):
    """The branches do not merge."""


def ticking() -> Callable[[], datetime]:
    """A clock that goes on by a second whenever somebody looks at it."""
    seconds = itertools.count()
    return lambda: datetime(2026, 3, 10, 12, 0, tzinfo=UTC) + timedelta(seconds=next(seconds))


class World:
    """One repository: ``bare`` is its git side, everything else is kept here."""

    def __init__(
        self, bare: Path, repository: str = "acme/orgs", *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.bare = bare
        self.repository = repository
        self.clock = clock or ticking()
        self.ids = itertools.count(1001)
        self.numbers = itertools.count(1)
        self.tokens: dict[str, Token] = {}
        self.issues: dict[int, Issue] = {}
        self.comments: dict[int, Comment] = {}
        self.runs: dict[int, Run] = {}
        self.artifacts: dict[int, Artifact] = {}
        self.checks: dict[int, Check] = {}
        self.deployments: dict[int, Deployment] = {}

    def now(self) -> str:
        return self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    def sha(self, revision: str) -> str | None:
        """The commit that a ref, a branch or a hash means."""
        done = subprocess.run(
            ["git", "-C", str(self.bare), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRON,
        )
        return done.stdout.strip() or None

    # ── tokens ─────────────────────────────────────────────────────────────────────────────────────────────

    def job_token(self, token: str, permissions: Mapping[str, str] | None = None) -> str:
        """The GITHUB_TOKEN of a job: everything, or just what its workflow asks for."""
        self.tokens[token] = Token(BOT, WRITE if permissions is None else permissions, "github-actions")
        return token

    def person_token(self, token: str, login: str) -> str:
        self.tokens[token] = Token(login, WRITE, person=True)
        return token

    # ── pull requests ──────────────────────────────────────────────────────────────────────────────────────

    def open_pull(
        self,
        head: str,
        *,
        title: str = "A change",
        login: str = "ada",
        base: str = "main",
        fork: str = "",
        draft: bool = False,
        body: str = "",
    ) -> int:
        """Somebody opens a pull request of a branch; of a fork's, ``refs/pull/N/head`` is set to ``head``."""
        number = next(self.numbers)
        if fork:
            git(self.bare, "update-ref", f"refs/pull/{number}/head", head)
        pull = Pull(number, head, base, fork or self.repository, draft)
        self.issues[number] = Issue(number, title, login, body, self.now(), pull=pull)
        return number

    def pull(self, number: int) -> Pull:
        pull = self.issues[number].pull
        assert pull is not None, f"#{number} is an issue"
        return pull

    def head(self, number: int) -> str:
        """The last commit of a pull request."""
        pull = self.pull(number)
        if self.issues[number].state == "closed":
            return pull.head
        fork = pull.head_repository != self.repository
        found = self.sha(f"refs/pull/{number}/head" if fork else f"refs/heads/{pull.head_ref}")
        assert found is not None
        return found

    def base(self, number: int) -> str:
        pull = self.pull(number)
        if self.issues[number].state == "closed":
            return pull.base
        found = self.sha(f"refs/heads/{pull.base_ref}")
        assert found is not None
        return found

    def commits(self, number: int) -> list[str]:
        """The commits of a pull request, oldest first."""
        return git(self.bare, "rev-list", "--reverse", f"{self.base(number)}..{self.head(number)}").split()

    def files(self, number: int) -> list[dict[str, Any]]:
        """The files of a pull request: against the point where it left its base."""
        between = f"{self.base(number)}...{self.head(number)}"
        fields = git(self.bare, "diff", "--name-status", "-z", "-M", between).split("\0")
        found, at = [], 0
        words = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "T": "changed"}
        while at + 1 < len(fields):
            kind = fields[at][:1]
            entry: dict[str, Any] = {"status": words.get(kind, "changed"), "filename": fields[at + 1]}
            if kind == "R":
                entry |= {"previous_filename": fields[at + 1], "filename": fields[at + 2]}
            at += 3 if kind == "R" else 2
            found.append({**entry, "additions": 1, "deletions": 0, "changes": 1})
        return found

    def merged_tree(self, number: int) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.bare), "merge-tree", "--write-tree", self.base(number), self.head(number)],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRON,
        )
        if done.returncode != 0:
            raise Conflict(done.stdout)
        return done.stdout.split()[0]

    def merge(self, number: int, *, login: str = "bob", method: Literal["merge", "squash"] = "merge") -> str:
        """Somebody merges it; returns the commit on the base branch."""
        issue, pull = self.issues[number], self.pull(number)
        assert issue.state == "open", f"#{number} is closed"
        base, head, tree = self.base(number), self.head(number), self.merged_tree(number)
        parents = ["-p", base, *(["-p", head] if method == "merge" else [])]
        message = f"Merge pull request #{number}" if method == "merge" else f"{issue.title} (#{number})"
        commit = git(self.bare, "commit-tree", tree, *parents, "-m", message)
        git(self.bare, "update-ref", f"refs/heads/{pull.base_ref}", commit, base)
        self._close(number, head, base)
        pull.merged_at, pull.merged_by, pull.merge_commit = self.now(), login, commit
        return commit

    def close(self, number: int) -> None:
        self._close(number, self.head(number), self.base(number))

    def _close(self, number: int, head: str, base: str) -> None:
        pull = self.pull(number)
        pull.head, pull.base = head, base
        self.issues[number].state = "closed"

    def review(self, number: int, login: str, state: str = "APPROVED") -> None:
        review = Review(next(self.ids), login, state, self.head(number), self.now())
        self.pull(number).reviews.append(review)

    # ── words ──────────────────────────────────────────────────────────────────────────────────────────────

    def comment(self, number: int, body: str, login: str = "ada") -> int:
        now = self.now()
        made = Comment(next(self.ids), number, login, body, now, now)
        self.comments[made.id] = made
        return made.id

    def edit_comment(self, comment: int, body: str) -> None:
        """Somebody with write access edits it: the author stays who it was."""
        self.comments[comment].body = body
        self.comments[comment].updated_at = self.now()

    def said(self, number: int, login: str = BOT) -> list[str]:
        """What was said on an issue or pull request, oldest first."""
        return [one.body for one in self.comments.values() if (one.number, one.login) == (number, login)]

    def open_issue(self, title: str, body: str = "", login: str = "ada", labels: tuple[str, ...] = ()) -> int:
        number = next(self.numbers)
        self.issues[number] = Issue(number, title, login, body, self.now(), labels=list(labels))
        return number

    # ── workflows ──────────────────────────────────────────────────────────────────────────────────────────

    def start_run(
        self,
        workflow: str,
        head: str,
        *,
        event: str = "pull_request",
        branch: str = "",
        actor: str = "ada",
        fork: str = "",
    ) -> int:
        number = 1 + sum(1 for run in self.runs.values() if run.workflow == workflow)
        run = Run(
            next(self.ids), workflow, event, head, fork or self.repository, branch, actor, self.now(), number
        )
        self.runs[run.id] = run
        return run.id

    def finish_run(self, run: int, conclusion: str = "success") -> None:
        self.runs[run].status, self.runs[run].conclusion = "completed", conclusion

    def rerun(self, run: int) -> None:
        """The same run once more: same id, next attempt."""
        self.runs[run].attempt += 1
        self.runs[run].status, self.runs[run].conclusion = "in_progress", None

    def upload(self, run: int, name: str, files: Mapping[str, bytes]) -> int:
        """The run leaves an artefact."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in files.items():
                archive.writestr(path, content)
        return self.upload_zip(run, name, packed.getvalue())

    def upload_zip(self, run: int, name: str, content: bytes) -> int:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        made = Artifact(next(self.ids), name, run, self.runs[run].head, content, self.now(), digest=digest)
        self.artifacts[made.id] = made
        return made.id
