"""The routes of the emulated GitHub: one function for each operation that wrapctl uses."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from git_remote import git
from github_world import Check, Deployment, Issue

if TYPE_CHECKING:
    from github_api import GithubApi

MOST_BODY = 65_536


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            **more,
            "status": str(status),
        }
        self.headers = headers or {}


@dataclass(frozen=True)
class Request:
    """One request as it came in. ``token`` is what it authorized with, empty when it did not."""

    method: str
    path: str
    host: str
    token: str
    query: dict[str, str]
    body: dict[str, Any]
    login: str = ""


@dataclass
class Answer:
    status: int
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Handler = Callable[["GithubApi", Request, Any], Answer]
ROUTES: list[tuple[str, re.Pattern[str], tuple[str, ...], Handler]] = []


def route(method: str, path: str, *permissions: str) -> Callable[[Handler], Handler]:
    """Register a handler below ``/repos/{owner}/{repo}``; one of ``permissions`` (``issues: write``) is enough."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def keep(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, permissions, handler))
        return handler

    return keep


def _number(api: GithubApi, text: str) -> Issue:
    found = api.world.issues.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _pull(api: GithubApi, text: str) -> Issue:
    found = _number(api, text)
    if found.pull is None:
        raise Refusal(404, "Not Found")
    return found


def _from(found: dict[int, Any], text: str) -> Any:
    if not text.isdigit() or int(text) not in found:
        raise Refusal(404, "Not Found")
    return found[int(text)]


def _body(request: Request, resource: str, text: object) -> str:
    if not isinstance(text, str) or len(text) > MOST_BODY:
        wrong = {
            "resource": resource,
            "field": "body",
            "code": "unprocessable",
            "message": f"body is too long (maximum is {MOST_BODY} characters)",
        }
        raise Refusal(422, "Validation Failed", errors=[wrong])
    return text


# ── comments and issues ────────────────────────────────────────────────────────────────────────────────────


@route("GET", "/issues/{number}/comments", "issues: read", "pull_requests: read")
def list_comments(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    number = _number(api, params["number"]).number
    return Answer(200, [api.comment(one) for one in api.world.comments.values() if one.number == number])


@route("POST", "/issues/{number}/comments", "issues: write", "pull_requests: write")
def create_comment(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    number = _number(api, params["number"]).number
    made = api.world.comment(number, _body(request, "IssueComment", request.body.get("body")), request.login)
    return Answer(201, api.comment(api.world.comments[made]))


@route("PATCH", "/issues/comments/{comment}", "issues: write", "pull_requests: write")
def update_comment(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    one = _from(api.world.comments, params["comment"])
    api.world.edit_comment(one.id, _body(request, "IssueComment", request.body.get("body")))
    return Answer(200, api.comment(one))


@route("GET", "/issues", "issues: read")
def list_issues(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    wanted = {name for name in request.query.get("labels", "").split(",") if name}
    state = request.query.get("state", "open")
    found = [
        one for one in api.world.issues.values() if wanted <= set(one.labels) and state in {"all", one.state}
    ]
    return Answer(200, [api.issue(one) for one in sorted(found, key=lambda one: -one.number)])


@route("POST", "/issues", "issues: write")
def create_issue(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    body = _body(request, "Issue", request.body.get("body", ""))
    labels = tuple(request.body.get("labels", ()))
    number = api.world.open_issue(request.body["title"], body, request.login, labels)
    return Answer(201, api.issue(api.world.issues[number]))


@route("PATCH", "/issues/{number}", "issues: write")
def update_issue(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    one = _number(api, params["number"])
    one.title = request.body.get("title", one.title)
    one.body = _body(request, "Issue", request.body.get("body", one.body))
    one.state = request.body.get("state", one.state)
    one.state_reason = request.body.get("state_reason", one.state_reason)
    one.labels = list(request.body.get("labels", one.labels))
    return Answer(200, api.issue(one))


# ── pull requests ──────────────────────────────────────────────────────────────────────────────────────────


@route("GET", "/pulls", "pull_requests: read")
def list_pulls(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    state, head = request.query.get("state", "open"), request.query.get("head", "")
    found = [
        api.pull(one, whole=False)
        for one in api.world.issues.values()
        if one.pull is not None and state in {"all", one.state}
    ]
    owners = [((one["head"]["repo"] or {}).get("full_name", "").partition("/")[0], one) for one in found]
    kept = [one for owner, one in owners if head in {"", f"{owner}:{one['head']['ref']}"}]
    return Answer(200, sorted(kept, key=lambda one: -one["number"]))


@route("GET", "/pulls/{number}", "pull_requests: read")
def get_pull(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    return Answer(200, api.pull(_pull(api, params["number"]), whole=True))


@route("GET", "/pulls/{number}/files", "pull_requests: read")
def list_files(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    # GitHub lists 3,000 at most and does not say that there are more.
    return Answer(200, api.world.files(_pull(api, params["number"]).number)[:3000])


@route("GET", "/pulls/{number}/commits", "pull_requests: read")
def list_commits(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    found = []
    for sha in api.world.commits(_pull(api, params["number"]).number)[:250]:
        parents = git(api.world.bare, "show", "-s", "--format=%P", sha).split()
        message = git(api.world.bare, "show", "-s", "--format=%B", sha)
        found.append(
            {"sha": sha, "parents": [{"sha": one} for one in parents], "commit": {"message": message}}
        )
    return Answer(200, found)


@route("GET", "/pulls/{number}/reviews", "pull_requests: read")
def list_reviews(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    reviews = api.world.pull(_pull(api, params["number"]).number).reviews
    return Answer(
        200,
        [
            {
                "id": one.id,
                "user": api.user(one.login),
                "state": one.state,
                "commit_id": one.commit,
                "submitted_at": one.submitted_at,
            }
            for one in reviews
        ],
    )


@route("GET", "/commits/{sha}/pulls", "pull_requests: read", "contents: read")
def pulls_of(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    sha = api.world.sha(params["sha"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {params['sha']}")
    pulls = [one for one in api.world.issues.values() if one.pull is not None]
    merged = [
        one
        for one in pulls
        if one.pull
        and one.pull.merged_at
        and (one.pull.merge_commit == sha or sha in api.world.commits(one.number))
    ]
    opened = [one for one in pulls if one.state == "open" and sha in api.world.commits(one.number)]
    return Answer(200, [api.pull(one, whole=False) for one in merged or opened])


# ── checks ─────────────────────────────────────────────────────────────────────────────────────────────────


def _annotated(request: Request) -> list[dict[str, Any]]:
    found = request.body.get("output", {}).get("annotations", [])
    if len(found) > 50:
        raise Refusal(422, "Invalid request.\n\nNo more than 50 items are allowed; 51 were supplied.")
    return list(found)


@route("POST", "/check-runs", "checks: write")
def create_check(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    app = api.world.tokens[request.token].app
    if not app:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    if api.world.sha(request.body["head_sha"]) is None:
        raise Refusal(422, "No commit found for SHA: " + request.body["head_sha"])
    made = Check(next(api.world.ids), app, request.body, _annotated(request), api.world.now())
    api.world.checks[made.id] = made
    return Answer(201, api.check(made))


@route("PATCH", "/check-runs/{check}", "checks: write")
def update_check(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    one = _from(api.world.checks, params["check"])
    one.annotations += _annotated(request)
    one.body = {**one.body, **request.body}
    return Answer(200, api.check(one))


@route("GET", "/commits/{ref}/check-runs", "checks: read")
def list_checks(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    sha = api.world.sha(params["ref"])
    found = [one for one in api.world.checks.values() if one.body["head_sha"] == sha]
    if "check_name" in request.query:
        found = [one for one in found if one.body["name"] == request.query["check_name"]]
    if request.query.get("filter", "latest") == "latest":
        found = list({(one.app, one.body["name"]): one for one in found}.values())
    return Answer(200, {"check_runs": [api.check(one) for one in reversed(found)]})


# ── workflow runs and artefacts ────────────────────────────────────────────────────────────────────────────


@route("GET", "/actions/runs/{run}", "actions: read")
def get_run(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    return Answer(200, api.run(_from(api.world.runs, params["run"])))


@route("GET", "/actions/workflows/{workflow}/runs", "actions: read")
def list_runs(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    asked = {"head_sha": "head", "event": "event", "status": "status", "branch": "branch"}
    found = [
        one
        for one in api.world.runs.values()
        if one.workflow == params["workflow"]
        and all(getattr(one, asked[name]) == value for name, value in request.query.items() if name in asked)
    ]
    return Answer(200, {"workflow_runs": [api.run(one) for one in reversed(found)]})


@route("GET", "/actions/runs/{run}/artifacts", "actions: read")
def list_artifacts(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    run = _from(api.world.runs, params["run"])
    name = request.query.get("name")
    found = [one for one in api.world.artifacts.values() if one.run == run.id and name in {None, one.name}]
    return Answer(200, {"artifacts": [api.artifact(one) for one in found]})


@route("GET", "/actions/artifacts/{artifact}/zip", "actions: read")
def download(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    one = _from(api.world.artifacts, params["artifact"])
    if one.expired:
        raise Refusal(410, "Artifact has expired")
    signature = secrets.token_urlsafe(8) + "+/="
    api.signed[signature] = one
    return Answer(
        302,
        "",
        {"Location": f"{api.storage}/actions-results/{one.id}?{urlencode({'sv': '1', 'sig': signature})}"},
    )


# ── deployments ────────────────────────────────────────────────────────────────────────────────────────────


@route("POST", "/deployments", "deployments: write")
def create_deployment(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    sha = api.world.sha(request.body["ref"])
    if sha is None:
        raise Refusal(422, f"No ref found for: {request.body['ref']}")
    if request.body.get("required_contexts") != [] or request.body.get("auto_merge", True):
        raise Refusal(409, "Conflict: Commit status checks failed for " + request.body["ref"])
    made = Deployment(next(api.world.ids), request.login, request.body, sha, api.world.now())
    api.world.deployments[made.id] = made
    return Answer(201, api.deployment(made))


@route("GET", "/deployments", "deployments: read")
def list_deployments(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    shown = [api.deployment(one) for one in reversed(api.world.deployments.values())]
    asked = {
        name: value for name, value in request.query.items() if name in {"sha", "ref", "task", "environment"}
    }
    return Answer(200, [one for one in shown if all(one[name] == value for name, value in asked.items())])


@route("POST", "/deployments/{deployment}/statuses", "deployments: write")
def create_status(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    one = _from(api.world.deployments, params["deployment"])
    made = {
        "id": next(api.world.ids),
        "state": request.body["state"],
        "description": request.body.get("description", ""),
        "creator": api.user(request.login),
        "created_at": api.world.now(),
        "log_url": request.body.get("log_url", ""),
    }
    one.statuses.append(made)
    return Answer(201, made)


@route("GET", "/deployments/{deployment}/statuses", "deployments: read")
def list_statuses(api: GithubApi, request: Request, params: dict[str, str]) -> Answer:
    return Answer(200, list(reversed(_from(api.world.deployments, params["deployment"]).statuses)))
