"""GitHub's REST API as one repository sees it: headers, pages, rate limits, downloads. ``github`` gives it types.

Facts from https://docs.github.com/en/rest (version 2022-11-28): "Rate limits for the REST API", "Using pagination
in the REST API", "REST API endpoints for GitHub Actions artifacts".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from random import SystemRandom
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    RateLimited,
    TargetError,
    Unauthorized,
    UsageError,
)
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply, Transport, Wire, check_base_url, is_loopback
from wrapctl.targets.interface import Runtime, Traffic

API_URL: Final = "https://api.github.com"
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
)
REQUEST_ID: Final = "X-GitHub-Request-Id"
PER_PAGE: Final = "100"
MOST_JSON: Final = 32 * 1024 * 1024
_PAGES: Final = 200
_PER_MINUTE: Final = 300
_MINUTE: Final = 60.0
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_NEXT: Final = re.compile(r'<([^<>]*)>\s*;[^<]*\brel="?next"?')
_SECONDARY: Final = ("secondary rate limit", "abuse detection")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Raw(Call):
    """A call to an address that the host itself gave; ``template`` names what it is of."""

    target: str = ""

    @property
    def path(self) -> str:
        return self.target


@dataclass(frozen=True, slots=True)
class _Elsewhere(Call):
    """A call whose good answer may be a redirect to where the content is."""


class _GitHubWire(Wire):
    """Says in the words of HTTP what GitHub says in its own."""

    def exchange(self, call: Call, headers: Mapping[str, str]) -> Reply:
        reply = super().exchange(call, {**HEADERS, **headers})
        after = _limited(reply)
        if after is not None:
            return replace(reply, status=429, headers={**reply.headers, "retry-after": str(after)})
        if isinstance(call, _Elsewhere) and reply.status in {301, 302, 303, 307, 308}:
            return replace(reply, status=200)
        return reply


def _limited(reply: Reply) -> int | None:
    """Return the seconds to wait when an answer means a rate limit, None when it does not.

    The primary limit and the secondary ones answer 403 or 429. In this order: ``Retry-After``, the reset of a
    spent limit (counted from the answer's own ``Date``), else at least a minute.
    """
    if reply.status not in {403, 429}:
        return None
    after = reply.headers.get("retry-after", "")
    if after.isascii() and after.isdigit():
        return int(after[:9])
    if reply.headers.get("x-ratelimit-remaining") == "0":
        try:
            reset = int(reply.headers["x-ratelimit-reset"])
            now = parsedate_to_datetime(reply.headers["date"]).timestamp()
            return max(int(reset - now) + 1, 1)
        except (KeyError, ValueError, TypeError, OverflowError):
            return int(_MINUTE)
    if reply.status == 429 or any(word in reply.text[:10_000].lower() for word in _SECONDARY):
        return int(_MINUTE)
    return None


def check_api_url(url: str) -> str:
    """Return the URL of a REST API without its trailing slash; it may have a path (``https://host/api/v3``).

    Raises:
        UsageError: it is not https, and not plain http to this machine; or it carries a login or a query.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path.rstrip("/")):
        raise UsageError(
            f"{url!r} is not the URL of GitHub's API",
            hint="GITHUB_API_URL is https://api.github.com, or your host's",
        )
    return check_base_url(f"{parts.scheme}://{parts.netloc}") + parts.path.rstrip("/")


class Api:
    """The API of one repository. Thread-safe.

    In: ``owner/name``, a token (never shown), what the outside world lends, and for tests a transport and a jitter.

    Raises:
        UsageError: the repository, the URL or the token cannot be one.
    """

    def __init__(
        self,
        repository: str,
        token: str,
        runtime: Runtime,
        *,
        url: str = API_URL,
        transport: Transport | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise UsageError(f"{repository!r} is not a repository", hint="GITHUB_REPOSITORY is OWNER/NAME")
        if not (token and token.isascii() and token.isprintable() and " " not in token):
            raise UsageError(
                "the GitHub token is empty or no token", hint="set GITHUB_TOKEN to the job's token"
            )
        self.repository = repository
        self._base = urlsplit(check_api_url(url))
        self._header = f"Bearer {token}"
        self._runtime = runtime
        self._transport = transport
        self._jitter = jitter or SystemRandom().random
        self._redact = Redactor()
        self._redact.add(token)
        self.traffic = Traffic()
        self._wire = _GitHubWire(
            self._base.geturl(),
            self.traffic,
            concurrency=4,
            request_id_header=REQUEST_ID,
            transport=transport,
        )
        self._session = self._talk(self._wire)
        owner, _, name = repository.partition("/")
        self._params = {"owner": owner, "repo": name}

    def close(self) -> None:
        """Give the sockets back."""
        self._wire.close()

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, template: str, needs: str, **params: str) -> Json:
        """Return one object. ``needs`` is the permission of the job that this takes (``pull-requests: read``).

        Raises:
            TargetError: it was not read.
        """
        return _object(self._send(self._call("GET", template, params), needs))

    def pages(
        self,
        template: str,
        needs: str,
        *,
        key: str = "",
        query: Mapping[str, str] | None = None,
        **params: str,
    ) -> Iterator[Json]:
        """Yield the items of a listing, page by page as they are wanted. ``key``: where a page keeps its items.

        Raises:
            TargetError: a page was not read, or leads somewhere else.
        """
        asked = (("per_page", PER_PAGE), *(query or {}).items())
        call = replace(self._call("GET", template, params), query=asked)
        for _ in range(_PAGES):
            reply = self._send(call, needs)
            items = reply.value if not key else _object(reply).get(key)
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise IncompleteRead(f"{call.operation}: the answer has no list {key or 'at all'}")
            yield from items
            following = _NEXT.search(reply.headers.get("link", ""))
            if following is None:
                return
            call = self._following(call, following[1])
        raise IncompleteRead(f"{call.operation}: more than {_PAGES} pages", hint="narrow what is asked for")

    def _following(self, call: Call, url: str) -> Call:
        """Return the call for the next page. The token goes to no other place than where it went before."""
        parts = urlsplit(url)
        base = self._base.path
        if (parts.scheme, parts.netloc) != (self._base.scheme, self._base.netloc) or not (
            parts.path.startswith(f"{base}/") and ".." not in parts.path
        ):
            raise IncompleteRead(
                f"{call.operation}: the next page would be at another place than {self._base.netloc}{base}",
                hint="the list is not read on; is GITHUB_API_URL the name that the host calls itself?",
            )
        target = parts.path.removeprefix(base) + (f"?{parts.query}" if parts.query else "")
        return _Raw("GET", call.template, target=target, most=call.most)

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────

    def post(self, template: str, needs: str, body: Json, **params: str) -> Json:
        """Create something and return it. Never sent twice.

        Raises:
            Unanswered: it was sent, and whether it exists is not known.
            TargetError: it was refused, or not sent.
        """
        return _object(self._send(self._call("POST", template, params, body), needs))

    def patch(self, template: str, needs: str, body: Json, **params: str) -> Json:
        """Change something and return it; saying the same twice does no harm.

        Raises:
            TargetError: it was refused, or not answered.
        """
        call = replace(self._call("PATCH", template, params, body), repeatable=True)
        return _object(self._send(call, needs))

    def patch_once(self, template: str, needs: str, body: Json, **params: str) -> Json:
        """Change something by an update that adds; never sent twice.

        Raises:
            Unanswered: it was sent, and whether it was carried out is not known.
            TargetError: it was refused, or not sent.
        """
        return _object(self._send(self._call("PATCH", template, params, body), needs))

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────

    def download(self, template: str, needs: str, *, most: int, **params: str) -> bytes:
        """Return a file, from wherever GitHub keeps it: there the token does not go.

        Raises:
            TargetError: it was not read, is larger than ``most``, or is kept at a place that may not be used.
        """
        given = self._call("GET", template, params)
        call = _Elsewhere("GET", given.template, given.params, most=most)
        reply = self._send(call, needs, nothing=True)
        location = reply.headers.get("location")
        if location is None:
            return reply.body
        parts = urlsplit(location)
        if parts.scheme == "http" and not is_loopback(self._base.hostname or ""):
            raise TargetError(f"{call.operation}: leads to plain http, which is not followed")
        try:
            base = check_base_url(f"{parts.scheme}://{parts.netloc}")
        except UsageError as error:
            raise TargetError(
                f"{call.operation}: leads to a place that may not be used: {error.message}"
            ) from None
        # The address carries a signature: it is neither counted nor told.
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        wire = Wire(base, self.traffic, concurrency=1, transport=self._transport)
        try:
            stored = _Raw("GET", "(file storage)", target=target, most=most)
            return self._talk(wire).send(stored, expect="nothing").body
        finally:
            wire.close()

    # ── the session ────────────────────────────────────────────────────────────────────────────────────────

    def _talk(self, wire: Wire) -> Session:
        pacing = Pacing(_PER_MINUTE, self._runtime.monotonic)
        return Session(wire, self._runtime, pacing=pacing, redact=self._redact, jitter=self._jitter)

    def _call(self, method: str, template: str, params: Mapping[str, str], body: Json | None = None) -> Call:
        return Call(
            method,
            f"/repos/{{owner}}/{{repo}}{template}",
            {**self._params, **params},
            body=None if body is None else json.dumps(body).encode(),
            most=MOST_JSON,
        )

    def _send(self, call: Call, needs: str, *, nothing: bool = False) -> Reply:
        try:
            return self._session.send(call, expect="nothing" if nothing else "json", header=self._header)
        except Answered as error:
            raise _explained(error, self.repository, needs) from None


def _object(reply: Reply) -> Json:
    if not isinstance(reply.value, dict):
        raise IncompleteRead("GitHub answered a list where one object was asked for")
    return reply.value


def _explained(error: Answered, repository: str, needs: str) -> Answered:
    """Return the error with what to do about it in GitHub's words."""
    permission = f"give the job `permissions: {{{needs}}}`; on pull requests of forks a token can only read"
    match error:
        case Unauthorized():
            hint = "the token is not valid (any more): a job's token ends with the job"
        case Forbidden():
            hint = permission
        case RateLimited():
            hint = error.hint
        case Answered() if error.answer.status == 404:
            hint = f"it does not exist in {repository}, or the token may not see it: {permission}"
        case Answered() if 300 <= error.answer.status < 400:
            hint = f"was {repository} renamed or moved? a redirect is not followed"
        case _:
            return error
    return type(error)(error.answer, hint=hint)
