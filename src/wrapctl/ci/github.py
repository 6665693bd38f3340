"""GitHub, in the few verbs that plan, apply and drift need. Each says which permission the job must have.

A listing that GitHub itself cuts (250 commits, 3,000 files of a pull request) is an error, never a shorter list:
what is not seen there could be exactly what must not be applied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from wrapctl.ci import shapes
from wrapctl.ci.api import API_URL, Api
from wrapctl.ci.archive import members
from wrapctl.ci.shapes import (
    Annotation,
    Artifact,
    CheckRun,
    Comment,
    Commit,
    Deployment,
    DeploymentStatus,
    File,
    Issue,
    Pull,
    Review,
    WorkflowRun,
)
from wrapctl.errors import IncompleteRead, TargetError, Unanswered
from wrapctl.http.wire import Transport
from wrapctl.targets.interface import Runtime, Traffic

T = TypeVar("T")

ACTIONS: Final = "github-actions[bot]"
"""Author of what a job writes with its own token. Such a token may not ask who it is."""

MOST_BODY: Final = 65_536
"""Characters of a comment, an issue or the summary of a check."""

MOST_ZIP: Final = 32 * 1024 * 1024
_MOST_ANNOTATIONS: Final = 50
_MOST_DESCRIPTION: Final = 140

Conclusion = Literal["success", "failure", "neutral", "action_required", "cancelled", "skipped", "timed_out"]
State = Literal["success", "failure", "error", "in_progress", "queued", "pending", "inactive"]


class GitHub:
    """One repository on GitHub. ``author`` is the login under which the token writes."""

    def __init__(self, api: Api, *, author: str = ACTIONS) -> None:
        self._api = api
        self.author = author

    @property
    def repository(self) -> str:
        """``owner/name``."""
        return self._api.repository

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._api.traffic

    def close(self) -> None:
        """Give the sockets back."""
        self._api.close()

    # ── comments ───────────────────────────────────────────────────────────────────────────────────────────

    def comments(self, number: int) -> tuple[Comment, ...]:
        """Return all comments on an issue or pull request, oldest first."""
        path = "/issues/{number}/comments"
        found = self._api.pages(path, "pull-requests: read", number=str(number))
        return tuple(shapes.comment(one) for one in found)

    def own_comments(self, number: int, marker: str) -> tuple[Comment, ...]:
        """Return the comments that begin with ``marker`` and were written with this token, oldest first.

        Anybody can write a marker, and nobody else can write as this author; the marker must come first, so that
        another job that quotes somebody's text under the same name is not taken for this one.
        """
        return tuple(
            one
            for one in self.comments(number)
            if one.author.lower() == self.author.lower() and one.body.startswith(marker)
        )

    def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment.

        Raises:
            Unanswered: whether it was written is not known.
        """
        path = "/issues/{number}/comments"
        data = self._api.post(path, "pull-requests: write", {"body": body}, number=str(number))
        return shapes.comment(data)

    def update_comment(self, comment: int, body: str) -> Comment:
        """Replace the text of a comment."""
        path = "/issues/comments/{comment}"
        data = self._api.patch(path, "pull-requests: write", {"body": body}, comment=str(comment))
        return shapes.comment(data)

    def say(self, number: int, marker: str, body: str) -> Comment:
        """Keep one own comment of ``marker``, which ``body`` begins with: edit the latest one, or write the first.

        A create whose answer was lost is looked for, and never sent twice.
        """
        if not body.startswith(marker):
            raise ValueError("the text of an own comment begins with its marker")
        own = self.own_comments(number, marker)
        if own:
            return own[-1] if own[-1].body == body else self.update_comment(own[-1].id, body)
        try:
            return self.create_comment(number, body)
        except Unanswered:
            own = self.own_comments(number, marker)
            if own:
                return own[-1]
            raise

    # ── pull requests ──────────────────────────────────────────────────────────────────────────────────────

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        return shapes.pull(self._api.get("/pulls/{number}", "pull-requests: read", number=str(number)))

    def pulls_of(self, sha: str) -> tuple[Pull, ...]:
        """Return the pull requests that a commit belongs to: the merged one that brought it, else the open ones.

        They come without their counts of files and commits; ``pull`` has these.
        """
        found = self._api.pages("/commits/{sha}/pulls", "pull-requests: read", sha=sha)
        return tuple(shapes.pull(one) for one in found)

    def pulls_from(self, branch: str) -> tuple[Pull, ...]:
        """Return the pull requests, open and closed, of a branch of this repository. They come without their counts."""
        query = {"head": f"{self.repository.partition('/')[0]}:{branch}", "state": "all"}
        found = map(shapes.pull, self._api.pages("/pulls", "pull-requests: read", query=query))
        mine = self.repository.lower()
        return tuple(one for one in found if (one.head_ref, one.head_repository.lower()) == (branch, mine))

    def files(self, pull: Pull) -> tuple[File, ...]:
        """Return all files that a pull request changes.

        Raises:
            IncompleteRead: GitHub does not list them all (3,000 at most), or the request moved meanwhile.
        """
        found = self._api.pages("/pulls/{number}/files", "pull-requests: read", number=str(pull.number))
        counted = pull if pull.changed_files is not None else self.pull(pull.number)
        return self._whole(pull, "files", counted.changed_files, tuple(shapes.file(one) for one in found))

    def commits(self, pull: Pull) -> tuple[Commit, ...]:
        """Return all commits of a pull request, oldest first.

        Raises:
            IncompleteRead: GitHub does not list them all (250 at most), or the request moved meanwhile.
        """
        found = self._api.pages("/pulls/{number}/commits", "pull-requests: read", number=str(pull.number))
        counted = pull if pull.commits is not None else self.pull(pull.number)
        return self._whole(pull, "commits", counted.commits, tuple(shapes.commit(one) for one in found))

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Return the reviews of a pull request in the order in which they were given."""
        found = self._api.pages("/pulls/{number}/reviews", "pull-requests: read", number=str(number))
        return tuple(shapes.review(one) for one in found)

    @staticmethod
    def _whole(pull: Pull, what: str, count: int | None, found: tuple[T, ...]) -> tuple[T, ...]:
        if count != len(found):
            raise IncompleteRead(
                f"pull request #{pull.number} has {'?' if count is None else count} {what}, "
                f"and GitHub lists {len(found)}",
                hint="split it, or apply by hand: what is not seen is not approved",
            )
        return found

    # ── issues ─────────────────────────────────────────────────────────────────────────────────────────────

    def issues(self, label: str, *, state: Literal["open", "closed", "all"] = "open") -> tuple[Issue, ...]:
        """Return the issues with a label, the newest first; pull requests are left out."""
        query = {"labels": label, "state": state, "sort": "created", "direction": "desc"}
        found = self._api.pages("/issues", "issues: read", query=query)
        return tuple(shapes.issue(one) for one in found if "pull_request" not in one)

    def own_issues(
        self, label: str, marker: str, *, state: Literal["open", "closed", "all"] = "open"
    ) -> tuple[Issue, ...]:
        """Return the issues with a label that begin with ``marker`` and were opened with this token, newest first."""
        return tuple(
            one
            for one in self.issues(label, state=state)
            if one.author.lower() == self.author.lower() and one.body.startswith(marker)
        )

    def create_issue(self, title: str, body: str, labels: Sequence[str] = ()) -> Issue:
        """Open an issue.

        Raises:
            Unanswered: whether it was opened is not known.
        """
        content = {"title": title, "body": body, "labels": list(labels)}
        return shapes.issue(self._api.post("/issues", "issues: write", content))

    def update_issue(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> Issue:
        """Change an issue; what is None stays. ``closed`` is as completed."""
        content: dict[str, Any] = {"title": title, "body": body, "state": state}
        content = {name: value for name, value in content.items() if value is not None}
        if state == "closed":
            content["state_reason"] = "completed"
        data = self._api.patch("/issues/{number}", "issues: write", content, number=str(number))
        return shapes.issue(data)

    # ── checks ─────────────────────────────────────────────────────────────────────────────────────────────

    def create_check(
        self,
        name: str,
        sha: str,
        conclusion: Conclusion,
        *,
        title: str,
        summary: str,
        text: str = "",
        external_id: str = "",
        annotations: Sequence[Annotation] = (),
    ) -> CheckRun:
        """Set a finished check on a commit, with annotations on its lines (sent by fifties).

        ``text`` stands below the summary.

        Raises:
            Unanswered: whether it was set is not known.
        """
        first, rest = annotations[:_MOST_ANNOTATIONS], annotations[_MOST_ANNOTATIONS:]
        body: dict[str, Any] = {
            "name": name,
            "head_sha": sha,
            "status": "completed",
            "conclusion": conclusion,
            "output": {"title": title, "summary": summary, "annotations": [one.as_json() for one in first]},
        }
        if text:
            body["output"]["text"] = text
        if external_id:
            body["external_id"] = external_id
        made = shapes.check_run(self._api.post("/check-runs", "checks: write", body))
        while rest:
            first, rest = rest[:_MOST_ANNOTATIONS], rest[_MOST_ANNOTATIONS:]
            more = {**body["output"], "annotations": [one.as_json() for one in first]}
            # An update adds its annotations to those that are there: sent twice, they would stand there twice.
            made = shapes.check_run(
                self._api.patch_once(
                    "/check-runs/{check}", "checks: write", {"output": more}, check=str(made.id)
                )
            )
        return made

    def checks(self, sha: str, name: str = "", *, latest: bool = False) -> tuple[CheckRun, ...]:
        """Return the checks on a commit, also those that a later one of the same name and app has replaced.

        ``latest``: only the last one of each name and app.
        """
        query = {"filter": "latest" if latest else "all"} | ({"check_name": name} if name else {})
        found = self._api.pages(
            "/commits/{sha}/check-runs", "checks: read", key="check_runs", query=query, sha=sha
        )
        return tuple(shapes.check_run(one) for one in found)

    # ── workflow runs and what they left ───────────────────────────────────────────────────────────────────

    def run(self, run: int) -> WorkflowRun:
        """Return a run of a workflow."""
        return shapes.workflow_run(self._api.get("/actions/runs/{run}", "actions: read", run=str(run)))

    def runs(self, workflow: str, sha: str, *, event: str = "") -> tuple[WorkflowRun, ...]:
        """Return the runs of a workflow (its file: ``plan.yml``) on a head commit, the newest first."""
        query = {"head_sha": sha} | ({"event": event} if event else {})
        path = "/actions/workflows/{workflow}/runs"
        found = self._api.pages(path, "actions: read", key="workflow_runs", query=query, workflow=workflow)
        runs = (shapes.workflow_run(one) for one in found)
        # The filter is GitHub's promise; what is applied by it is checked here.
        mine = (one for one in runs if one.head == sha and one.path.endswith(f"/{workflow}"))
        return tuple(sorted(mine, key=lambda one: one.id, reverse=True))

    def artifacts(self, run: int, name: str = "") -> tuple[Artifact, ...]:
        """Return what a run left and GitHub still has, the newest first; an attempt may leave the same name again."""
        path = "/actions/runs/{run}/artifacts"
        query = {"name": name} if name else None
        found = self._api.pages(path, "actions: read", key="artifacts", query=query, run=str(run))
        kept = (one for one in map(shapes.artifact, found) if not one.expired and name in {"", one.name})
        return tuple(sorted(kept, key=lambda one: one.id, reverse=True))

    def read_artifact(
        self, artifact: Artifact, names: Collection[str], *, most: int = MOST_ZIP
    ) -> Mapping[str, bytes]:
        """Return the members ``names`` of an artefact that are in it; ``most`` bounds the zip and what it unpacks to.

        Raises:
            TargetError: it is too large, damaged, or another one than GitHub's digest says.
        """
        what = f"artefact {artifact.name} ({artifact.id})"
        if artifact.size > most:
            raise TargetError(f"{what} has {artifact.size:,} bytes, more than {most:,}")
        path = "/actions/artifacts/{artifact}/zip"
        content = self._api.download(path, "actions: read", most=most, artifact=str(artifact.id))
        kind, _, digest = artifact.digest.partition(":")
        if kind == "sha256" and digest != hashlib.sha256(content).hexdigest():
            raise IncompleteRead(f"{what} is not what its digest says", hint="run again")
        return members(content, names, most=most, what=what)

    # ── deployments ────────────────────────────────────────────────────────────────────────────────────────

    def create_deployment(
        self,
        sha: str,
        environment: str,
        *,
        task: str,
        description: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> Deployment:
        """Record that a commit is being applied to an environment. It waits for no check and merges nothing.

        ``task`` keeps these apart from the deployments that a job with an ``environment:`` makes by itself.

        Raises:
            Unanswered: whether it was recorded is not known.
        """
        body = {
            "ref": sha,
            "environment": environment,
            "task": task,
            "description": description[:_MOST_DESCRIPTION],
            "payload": dict(payload or {}),
            "auto_merge": False,
            "required_contexts": [],
        }
        return shapes.deployment(self._api.post("/deployments", "deployments: write", body))

    def deployments(self, environment: str, *, task: str = "", sha: str = "") -> Iterator[Deployment]:
        """Yield the deployments of an environment, the newest first; pages are read as they are wanted."""
        query = (
            {"environment": environment} | ({"task": task} if task else {}) | ({"sha": sha} if sha else {})
        )
        for one in self._api.pages("/deployments", "deployments: read", query=query):
            yield shapes.deployment(one)

    def set_status(
        self, deployment: int, state: State, *, description: str = "", log_url: str = ""
    ) -> DeploymentStatus:
        """Say how a deployment goes. The ones before it in its environment stay as they are."""
        body: dict[str, Any] = {
            "state": state,
            "description": description[:_MOST_DESCRIPTION],
            "auto_inactive": False,
        }
        if log_url:
            body["log_url"] = log_url
        path = "/deployments/{deployment}/statuses"
        data = self._api.post(path, "deployments: write", body, deployment=str(deployment))
        return shapes.deployment_status(data)

    def statuses(self, deployment: int) -> tuple[DeploymentStatus, ...]:
        """Return the statuses of a deployment, the newest first."""
        path = "/deployments/{deployment}/statuses"
        found = self._api.pages(path, "deployments: read", deployment=str(deployment))
        return tuple(sorted((shapes.deployment_status(one) for one in found), key=lambda one: -one.id))


def connect(
    repository: str,
    token: str,
    runtime: Runtime,
    *,
    url: str = API_URL,
    author: str = ACTIONS,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> GitHub:
    """Return a repository; nothing is sent until something is asked. ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the repository, the URL or the token cannot be one.
    """
    return GitHub(Api(repository, token, runtime, url=url, transport=transport, jitter=jitter), author=author)
