"""What GitHub answers, as values. Pure: JSON in, frozen dataclasses out. Texts in them are hostile when printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wrapctl.errors import IncompleteRead
from wrapctl.model import NO_FIELDS

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on an issue or pull request. ``author`` is a login; a bot's ends in ``[bot]``."""

    id: int
    author: str
    body: str
    created_at: str = ""
    updated_at: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that is no pull request."""

    number: int
    title: str
    author: str
    body: str = ""
    open: bool = True
    labels: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. ``head_repository`` is empty when the fork is gone.

    ``changed_files`` and ``commits`` are counts, None where a list of pull requests does not tell them.
    ``merge_commit`` means something when ``merged_at`` does. ``mergeable``: None while GitHub is finding out.
    """

    number: int
    title: str
    author: str
    head: str
    head_ref: str
    head_repository: str
    base: str
    base_ref: str
    base_repository: str
    open: bool = True
    draft: bool = False
    merged_at: str = ""
    merged_by: str = ""
    merge_commit: str = ""
    mergeable: bool | None = None
    mergeable_state: str = ""
    changed_files: int | None = None
    commits: int | None = None
    body: str = ""
    url: str = ""

    @property
    def merged(self) -> bool:
        """Whether it was merged."""
        return bool(self.merged_at)

    @property
    def fork(self) -> bool:
        """Whether its commits come from another repository (or from one that is gone)."""
        return self.head_repository.lower() != self.base_repository.lower()


@dataclass(frozen=True, slots=True)
class File:
    """A file that a pull request changes. ``previous`` is its path before a rename."""

    path: str
    status: str
    previous: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is touched."""
        return (self.path, self.previous) if self.previous else (self.path,)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a pull request."""

    sha: str
    parents: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A review. ``state`` is APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING; ``commit`` what was seen."""

    id: int
    author: str
    state: str
    commit: str = ""
    submitted_at: str = ""


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check on a commit. ``app`` is who made it: ``github-actions`` for the token of a job.

    ``text`` is what stands below the summary.
    """

    id: int
    name: str
    head: str
    status: str
    conclusion: str = ""
    external_id: str = ""
    app: str = ""
    title: str = ""
    summary: str = ""
    started_at: str = ""
    completed_at: str = ""
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark of a check on lines of a file. ``level`` is notice, warning or failure."""

    path: str
    line: int
    level: str
    message: str
    title: str = ""
    end_line: int = 0

    def as_json(self) -> dict[str, Any]:
        """The annotation as GitHub takes it."""
        data: dict[str, Any] = {
            "path": self.path,
            "start_line": self.line,
            "end_line": self.end_line or self.line,
            "annotation_level": self.level,
            "message": self.message,
        }
        return {**data, "title": self.title} if self.title else data


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run of a workflow. ``path`` is the file of the workflow; ``attempt`` counts re-runs, from 1."""

    id: int
    path: str
    event: str
    head: str
    head_repository: str
    status: str
    conclusion: str = ""
    attempt: int = 1
    number: int = 0
    branch: str = ""
    actor: str = ""
    created_at: str = ""
    started_at: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a run left. ``digest`` is of the zip, ``sha256:…``, empty where GitHub does not say."""

    id: int
    name: str
    size: int
    expired: bool = False
    run: int = 0
    head: str = ""
    digest: str = ""
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment: what was applied where. ``payload`` is what its maker wrote into it."""

    id: int
    sha: str
    environment: str
    task: str = ""
    ref: str = ""
    creator: str = ""
    description: str = ""
    created_at: str = ""
    payload: Mapping[str, Any] = field(default_factory=lambda: NO_FIELDS)


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """How a deployment goes. ``state`` is success, failure, error, in_progress, queued, pending or inactive."""

    id: int
    state: str
    description: str = ""
    creator: str = ""
    created_at: str = ""


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def comment(data: Json) -> Comment:
    """A comment."""
    return Comment(
        id=_number(data, "id"),
        author=_text(data, "user", "login"),
        body=_text(data, "body"),
        created_at=_text(data, "created_at"),
        updated_at=_text(data, "updated_at"),
        url=_text(data, "html_url"),
    )


def issue(data: Json) -> Issue:
    """An issue."""
    labels = data.get("labels")
    names = [one if isinstance(one, str) else _text(one, "name") for one in labels or ()]
    return Issue(
        number=_number(data, "number"),
        title=_text(data, "title"),
        author=_text(data, "user", "login"),
        body=_text(data, "body"),
        open=_text(data, "state") == "open",
        labels=tuple(names),
        url=_text(data, "html_url"),
    )


def pull(data: Json) -> Pull:
    """A pull request, whole or as a list has it."""
    mergeable = data.get("mergeable")
    return Pull(
        number=_number(data, "number"),
        title=_text(data, "title"),
        author=_text(data, "user", "login"),
        head=_needed(data, "head", "sha"),
        head_ref=_text(data, "head", "ref"),
        head_repository=_text(data, "head", "repo", "full_name"),
        base=_needed(data, "base", "sha"),
        base_ref=_needed(data, "base", "ref"),
        base_repository=_needed(data, "base", "repo", "full_name"),
        open=_text(data, "state") == "open",
        draft=data.get("draft") is True,
        merged_at=_text(data, "merged_at"),
        merged_by=_text(data, "merged_by", "login"),
        merge_commit=_text(data, "merge_commit_sha"),
        mergeable=mergeable if isinstance(mergeable, bool) else None,
        mergeable_state=_text(data, "mergeable_state"),
        changed_files=_count(data, "changed_files"),
        commits=_count(data, "commits"),
        body=_text(data, "body"),
        url=_text(data, "html_url"),
    )


def file(data: Json) -> File:
    """A changed file."""
    return File(_needed(data, "filename"), _text(data, "status"), _text(data, "previous_filename"))


def commit(data: Json) -> Commit:
    """A commit."""
    parents = data.get("parents")
    return Commit(
        sha=_needed(data, "sha"),
        parents=tuple(_needed(one, "sha") for one in parents or ()),
        message=_text(data, "commit", "message"),
    )


def review(data: Json) -> Review:
    """A review."""
    return Review(
        id=_number(data, "id"),
        author=_text(data, "user", "login"),
        state=_text(data, "state"),
        commit=_text(data, "commit_id"),
        submitted_at=_text(data, "submitted_at"),
    )


def check_run(data: Json) -> CheckRun:
    """A check run."""
    return CheckRun(
        id=_number(data, "id"),
        name=_text(data, "name"),
        head=_needed(data, "head_sha"),
        status=_text(data, "status"),
        conclusion=_text(data, "conclusion"),
        external_id=_text(data, "external_id"),
        app=_text(data, "app", "slug"),
        title=_text(data, "output", "title"),
        summary=_text(data, "output", "summary"),
        started_at=_text(data, "started_at"),
        completed_at=_text(data, "completed_at"),
        url=_text(data, "html_url"),
        text=_text(data, "output", "text"),
    )


def workflow_run(data: Json) -> WorkflowRun:
    """A run of a workflow."""
    return WorkflowRun(
        id=_number(data, "id"),
        # GitHub appends the ref where the workflow's file is taken from: `.github/workflows/plan.yml@main`.
        path=_text(data, "path").partition("@")[0],
        event=_text(data, "event"),
        head=_needed(data, "head_sha"),
        head_repository=_text(data, "head_repository", "full_name"),
        status=_text(data, "status"),
        conclusion=_text(data, "conclusion"),
        attempt=_count(data, "run_attempt") or 1,
        number=_count(data, "run_number") or 0,
        branch=_text(data, "head_branch"),
        actor=_text(data, "triggering_actor", "login") or _text(data, "actor", "login"),
        created_at=_text(data, "created_at"),
        started_at=_text(data, "run_started_at"),
        url=_text(data, "html_url"),
    )


def artifact(data: Json) -> Artifact:
    """An artefact."""
    return Artifact(
        id=_number(data, "id"),
        name=_text(data, "name"),
        size=_count(data, "size_in_bytes") or 0,
        expired=data.get("expired") is not False,
        run=_count(_inner(data, "workflow_run"), "id") or 0,
        head=_text(data, "workflow_run", "head_sha"),
        digest=_text(data, "digest"),
        created_at=_text(data, "created_at"),
    )


def deployment(data: Json) -> Deployment:
    """A deployment. GitHub gives a payload back as it was sent, or as the text of that."""
    payload = data.get("payload")
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            payload = {}
    return Deployment(
        id=_number(data, "id"),
        sha=_needed(data, "sha"),
        environment=_text(data, "environment"),
        task=_text(data, "task"),
        ref=_text(data, "ref"),
        creator=_text(data, "creator", "login"),
        description=_text(data, "description"),
        created_at=_text(data, "created_at"),
        payload=payload if isinstance(payload, dict) else {},
    )


def deployment_status(data: Json) -> DeploymentStatus:
    """A status of a deployment."""
    return DeploymentStatus(
        id=_number(data, "id"),
        state=_text(data, "state"),
        description=_text(data, "description"),
        creator=_text(data, "creator", "login"),
        created_at=_text(data, "created_at"),
    )


def _inner(data: object, *path: str) -> Json:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _text(data: object, *path: str) -> str:
    value = _inner(data, *path[:-1]).get(path[-1])
    return value if isinstance(value, str) else ""


def _needed(data: object, *path: str) -> str:
    value = _text(data, *path)
    if not value:
        raise IncompleteRead(f"GitHub's answer has no {'.'.join(path)}")
    return value


def _count(data: Json, name: str) -> int | None:
    value = data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(data: Json, name: str) -> int:
    value = _count(data, name)
    if value is None:
        raise IncompleteRead(f"GitHub's answer has no {name}")
    return value
