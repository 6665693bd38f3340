"""GitHub's REST API over a ``github_world.World``: the part that wrapctl uses, as a WSGI app.

A test double, plain and honest: statuses, error bodies, page links, permissions per token, rate limits and the
redirect of a download are as documented for API version 2022-11-28. What it does not know is a 404 that says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode

from github_routes import ROUTES, Answer, Refusal, Request
from github_world import Artifact, Check, Comment, Conflict, Deployment, Issue, Run, Token, World
from wrapctl.sandbox.faults import ConnectionDropped
from wrapctl.sandbox.server import serving

REPOSITORY_ID = 559365297


@dataclass
class _Fault:
    """What happens to the next ``times`` requests that match."""

    method: str
    pattern: str
    kind: Literal["limit", "status", "drop", "lose"]
    times: int
    answer: Callable[[], Refusal] | None = None


class GithubApi:
    """The API (and the storage of artefacts, at another host) of one world."""

    def __init__(
        self, world: World, *, url: str = "https://api.github.com", storage: str = "https://storage.example"
    ) -> None:
        self.world = world
        self.url = url
        self.storage = storage
        self.requests: list[Request] = []
        self.signed: dict[str, Artifact] = {}
        self.faults: list[_Fault] = []

    # ── trouble on demand ──────────────────────────────────────────────────────────────────────────────────

    def limit(
        self,
        kind: Literal["primary", "secondary", "told"],
        *,
        seconds: int = 7,
        times: int = 1,
        method: str = "",
        path: str = "",
    ) -> None:
        """Answer the next requests with a rate limit: a spent hour, a secondary one, or one that says how long."""

        def answer() -> Refusal:
            if kind == "primary":
                reset = int(self.world.clock().timestamp()) + seconds
                headers = {
                    "X-RateLimit-Limit": "1000",
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": str(reset),
                }
                return Refusal(403, "API rate limit exceeded for installation ID 1.", headers=headers)
            words = (
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            )
            return Refusal(403, words, headers={"Retry-After": str(seconds)} if kind == "told" else None)

        self.faults.append(_Fault(method, path, "limit", times, answer))

    def fail(self, status: int, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Answer the next requests with a server error, without carrying them out."""
        self.faults.append(_Fault(method, path, "status", times, lambda: Refusal(status, "Server Error")))

    def drop(self, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Break the connection of the next requests before they are carried out."""
        self.faults.append(_Fault(method, path, "drop", times))

    def lose(self, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Carry the next requests out, and break the connection then."""
        self.faults.append(_Fault(method, path, "lose", times))

    def _fault(self, request: Request) -> _Fault | None:
        for fault in self.faults:
            if (
                fault.times
                and fault.method in {"", request.method}
                and re.search(fault.pattern, request.path)
            ):
                fault.times -= 1
                return fault
        return None

    # ── the app ────────────────────────────────────────────────────────────────────────────────────────────

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = self._request(environ)
        self.requests.append(request)
        fault = self._fault(request)
        if fault is not None and fault.kind == "drop":
            raise ConnectionDropped(processed=False)
        try:
            if fault is not None and fault.answer is not None:
                raise fault.answer()
            answer = self._answer(request)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body, refusal.headers)
        if fault is not None and fault.kind == "lose":
            raise ConnectionDropped(processed=True)
        body = answer.raw if answer.raw is not None else json.dumps(answer.value).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Date": format_datetime(self.world.clock(), usegmt=True),
            "X-GitHub-Request-Id": f"EMU:{len(self.requests)}",
            "X-RateLimit-Remaining": "900",
            "Content-Length": str(len(body)),
            **answer.headers,
        }
        start_response(f"{answer.status} Emulated", list(headers.items()))
        return [body]

    @staticmethod
    def _request(environ: dict[str, Any]) -> Request:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        text = environ["wsgi.input"].read(length) if length else b""
        kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        return Request(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"].encode("latin-1").decode(),
            host=environ.get("HTTP_HOST", ""),
            token=token if kind == "Bearer" else environ.get("HTTP_AUTHORIZATION", ""),
            query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
            body=json.loads(text) if text else {},
        )

    def _answer(self, request: Request) -> Answer:
        if self.storage.endswith(f"//{request.host}"):
            return self._stored(request)
        token = self.world.tokens.get(request.token)
        if token is None:
            raise Refusal(401, "Bad credentials")
        request = replace(request, login=token.login)
        prefix = self.url.partition("://")[2].partition("/")[1:]
        path = request.path.removeprefix("".join(prefix))
        if path == "/user":
            if not token.person:
                raise _forbidden(())
            return Answer(200, {"login": token.login, "type": "User"})
        for start in (f"/repos/{self.world.repository}", f"/repositories/{REPOSITORY_ID}"):
            if path.startswith(start):
                return self._routed(request, path.removeprefix(start), token)
        raise Refusal(404, "Not Found")

    def _routed(self, request: Request, path: str, token: Token) -> Answer:
        for method, pattern, permissions, handler in ROUTES:
            found = pattern.fullmatch(path)
            if method == request.method and found:
                if not any(_allows(token, permission) for permission in permissions):
                    raise _forbidden(permissions)
                params = {name: unquote(value) for name, value in found.groupdict().items()}
                answer = handler(self, request, params)
                return self._paged(request, path, answer) if method == "GET" else answer
        raise Refusal(404, f"Not Found (the emulation knows no {request.method} {path})")

    def _paged(self, request: Request, path: str, answer: Answer) -> Answer:
        """Cut a listing into pages and link the next one, by the repository's number as GitHub does."""
        key = next(
            (
                name
                for name in ("check_runs", "workflow_runs", "artifacts")
                if isinstance(answer.value, dict) and name in answer.value
            ),
            "",
        )
        items = answer.value[key] if key else answer.value
        if not isinstance(items, list):
            return answer
        size = max(1, min(int(request.query.get("per_page", "30")), 100))
        page = max(1, int(request.query.get("page", "1")))
        shown = items[(page - 1) * size : page * size]
        if page * size < len(items):
            query = urlencode({**request.query, "page": page + 1})
            last = urlencode({**request.query, "page": -(-len(items) // size)})
            url = f"{self.url}/repositories/{REPOSITORY_ID}{path}"
            answer.headers["Link"] = f'<{url}?{query}>; rel="next", <{url}?{last}>; rel="last"'
        answer.value = {"total_count": len(items), key: shown} if key else shown
        return answer

    def _stored(self, request: Request) -> Answer:
        if request.token:
            # As the real storage: a signed address with an Authorization beside it is refused.
            raise Refusal(400, "InvalidAuthenticationInfo")
        artifact = self.signed.get(request.query.get("sig", ""))
        if artifact is None:
            raise Refusal(403, "AuthenticationFailed")
        return Answer(200, headers={"Content-Type": "application/zip"}, raw=artifact.content)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve both hosts on loopback ports, and give the URL of the API."""
        with serving(self) as api, serving(self) as storage:
            self.url, self.storage = f"http://127.0.0.1:{api}", f"http://localhost:{storage}"
            yield self.url

    # ── shapes ─────────────────────────────────────────────────────────────────────────────────────────────

    def user(self, login: str) -> dict[str, Any]:
        return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}

    def pull(self, issue: Issue, *, whole: bool) -> dict[str, Any]:
        pull = self.world.pull(issue.number)
        fork = None if pull.head_repository is None else {"full_name": pull.head_repository}
        data: dict[str, Any] = {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or None,
            "state": issue.state,
            "draft": pull.draft,
            "user": self.user(issue.login),
            "html_url": f"https://github.com/{self.world.repository}/pull/{issue.number}",
            "head": {"sha": self.world.head(issue.number), "ref": pull.head_ref, "repo": fork},
            "base": {
                "sha": self.world.base(issue.number),
                "ref": pull.base_ref,
                "repo": {"full_name": self.world.repository},
            },
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_commit,
        }
        if not whole:
            return data
        mergeable: bool | None = None
        if issue.state == "open":
            try:
                self.world.merged_tree(issue.number)
                mergeable = True
            except Conflict:
                mergeable = False
        return {
            **data,
            "merged": pull.merged_at is not None,
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "mergeable": mergeable,
            "mergeable_state": {True: "clean", False: "dirty", None: "unknown"}[mergeable],
            "changed_files": len(self.world.files(issue.number)),
            "commits": len(self.world.commits(issue.number)),
        }

    def comment(self, one: Comment) -> dict[str, Any]:
        return {
            "id": one.id,
            "user": self.user(one.login),
            "body": one.body,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
            "html_url": f"https://github.com/{self.world.repository}/issues/{one.number}#issuecomment-{one.id}",
        }

    def issue(self, one: Issue) -> dict[str, Any]:
        data = {
            "number": one.number,
            "title": one.title,
            "user": self.user(one.login),
            "body": one.body or None,
            "state": one.state,
            "state_reason": one.state_reason,
            "labels": [{"name": name} for name in one.labels],
            "created_at": one.created_at,
            "html_url": f"https://github.com/{self.world.repository}/issues/{one.number}",
        }
        return {**data, "pull_request": {"url": "…"}} if one.pull else data

    def run(self, one: Run) -> dict[str, Any]:
        return {
            "id": one.id,
            "name": one.workflow,
            "path": f".github/workflows/{one.workflow}",
            "event": one.event,
            "head_sha": one.head,
            "head_branch": one.branch,
            "head_repository": {"full_name": one.head_repository},
            "status": one.status,
            "conclusion": one.conclusion,
            "run_attempt": one.attempt,
            "run_number": one.number,
            "actor": self.user(one.actor),
            "triggering_actor": self.user(one.actor),
            "created_at": one.created_at,
            "run_started_at": one.created_at,
            "html_url": f"https://github.com/{self.world.repository}/actions/runs/{one.id}",
        }

    def artifact(self, one: Artifact) -> dict[str, Any]:
        return {
            "id": one.id,
            "name": one.name,
            "size_in_bytes": len(one.content),
            "expired": one.expired,
            "created_at": one.created_at,
            "digest": one.digest or None,
            "archive_download_url": f"{self.url}/repos/{self.world.repository}/actions/artifacts/{one.id}/zip",
            "workflow_run": {"id": one.run, "head_sha": one.head, "repository_id": REPOSITORY_ID},
        }

    def check(self, one: Check) -> dict[str, Any]:
        body = one.body
        output = body.get("output", {})
        return {
            "id": one.id,
            "name": body["name"],
            "head_sha": body["head_sha"],
            "status": body["status"],
            "conclusion": body.get("conclusion"),
            "external_id": body.get("external_id", ""),
            "app": {"slug": one.app},
            "started_at": one.started_at,
            "completed_at": one.started_at,
            "html_url": f"https://github.com/{self.world.repository}/runs/{one.id}",
            "output": {
                "title": output.get("title"),
                "summary": output.get("summary"),
                "text": output.get("text"),
                "annotations_count": len(one.annotations),
            },
        }

    def deployment(self, one: Deployment) -> dict[str, Any]:
        return {
            "id": one.id,
            "sha": one.sha,
            "ref": one.body["ref"],
            "task": one.body.get("task", "deploy"),
            "environment": one.body.get("environment", "production"),
            "payload": one.body.get("payload", {}),
            "description": one.body.get("description"),
            "creator": self.user(one.login),
            "created_at": one.created_at,
        }


def _allows(token: Token, permission: str) -> bool:
    name, _, level = permission.partition(": ")
    has = token.permissions.get(name)
    return has == "write" or (level == "read" and has == "read")


def _forbidden(permissions: Iterable[str]) -> Refusal:
    accepted = "; ".join(one.replace(": ", "=") for one in permissions)
    return Refusal(
        403, "Resource not accessible by integration", headers={"X-Accepted-GitHub-Permissions": accepted}
    )
