"""One host: sends one request, returns one reply, and turns every foreign exception into ``Trouble``.

This is the one door for httpx's exceptions (a test walks all of them). What a trouble means for the caller
depends on whether the request may be repeated, so that is decided above, in ``session``.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import quote, urlsplit

import httpx

from wrapctl.errors import TargetError, UsageError
from wrapctl.targets.interface import Traffic

Transport: TypeAlias = httpx.BaseTransport
"""How requests leave: httpx's own, an embedded app, or a test's script. Named here, where httpx is at home."""

_NONE: Mapping[str, str] = MappingProxyType({})
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_FOREIGN = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError, ValueError)
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: method and path template name it, the rest fills it in.

    ``repeatable`` says that sending it twice does what sending it once does; None means: only when it is a GET.
    ``headers`` are the call's own (``If-Match``, ``Prefer``); who authorizes is not among them.
    ``most`` bounds the body of the answer, in bytes as they are kept; None: whatever comes.
    """

    method: str
    template: str
    params: Mapping[str, str] = field(default_factory=lambda: _NONE)
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"
    repeatable: bool | None = None
    headers: tuple[tuple[str, str], ...] = ()
    most: int | None = None

    @property
    def operation(self) -> str:
        """``GET /api/v2/routing/queues/{queueId}``: the same for all objects, so it can be counted."""
        return f"{self.method} {self.template}"

    @property
    def may_repeat(self) -> bool:
        """Whether a request whose answer was lost may be sent again."""
        return self.method == "GET" if self.repeatable is None else self.repeatable

    @property
    def path(self) -> str:
        """The template with its parameters escaped.

        Raises:
            TargetError: a parameter would point at another resource (an id is the platform's own text).
        """
        path = self.template
        for name, value in self.params.items():
            if value in {"", ".", ".."}:
                raise TargetError(f"{value!r} cannot be the {name} of {self.operation}")
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    @property
    def own_headers(self) -> dict[str, str]:
        """``headers`` as they are sent.

        Raises:
            TargetError: a value cannot stand on one line (an ETag is the platform's own text).
        """
        for name, value in self.headers:
            if not (value and value.isascii() and value.isprintable()):
                raise TargetError(f"{value!r} cannot be the {name} of {self.operation}")
        return dict(self.headers)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole. ``headers`` have lower-case names; ``value`` is set where JSON was expected."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str = ""
    value: object = None

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 show as replacement characters."""
        return self.body.decode("utf-8", "replace")


class Kind(StrEnum):
    """How far a request got before it went wrong."""

    NOT_SENT = "not sent"
    NO_ANSWER = "no answer"
    CUT = "cut"


class Trouble(Exception):
    """No reply. Never leaves ``http``: ``session`` says what it means for the caller."""

    def __init__(self, kind: Kind, why: str, request_id: str = "") -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why
        self.request_id = request_id


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_base_url(url: str) -> str:
    """Return ``url`` without its trailing slash.

    Raises:
        UsageError: it is not https, and not plain http to this machine either; or it carries more than a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url!r} is not the URL of an API", hint="write https://<host>")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"):
        raise UsageError(
            "an API's URL is a scheme, a host and a port, nothing else", hint="write https://<host>"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(
            f"plain http to {parts.hostname} would send tokens in the clear",
            hint="use https; http is for 127.0.0.1, ::1 and localhost only",
        )
    return url.rstrip("/")


class Wire:
    """One host. Thread-safe; at most ``concurrency`` requests are in flight.

    In: a checked base URL, ``traffic`` to count in, the name of the header with the platform's request id, and,
    for an embedded server or a test, the transport. ``timeout`` is how many seconds each step of a request may
    take where that is not the usual time.
    """

    def __init__(
        self,
        base_url: str,
        traffic: Traffic,
        *,
        concurrency: int = 8,
        request_id_header: str = "",
        transport: Transport | None = None,
        timeout: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = urlsplit(base_url).hostname or ""
        self._now = monotonic
        self.traffic = traffic
        self._request_id_header = request_id_header.lower()
        self._slots = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._client = httpx.Client(
            base_url=base_url,
            headers={"User-Agent": "wrapctl", "Accept": "application/json"},
            transport=transport,
            timeout=_TIMEOUT if timeout is None else httpx.Timeout(timeout),
            follow_redirects=False,
            # A proxy of the environment serves the outside world; it cannot know this machine's loopback.
            trust_env=not is_loopback(self.host),
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        )

    def exchange(self, call: Call, headers: Mapping[str, str]) -> Reply:
        """Send one request once.

        Raises:
            Trouble: no whole reply came.
            TargetError: the reply is larger than ``call.most``.
        """
        path, own = call.path, call.own_headers
        with self._slots, self._counted(call.operation):
            try:
                sent = {**own, **headers}
                if call.body is not None:
                    sent["Content-Type"] = call.content_type
                request = self._client.build_request(
                    call.method, path, params=call.query or None, content=call.body, headers=sent
                )
                response = self._client.send(request, stream=True)
            except _NOT_SENT as error:
                raise Trouble(Kind.NOT_SENT, _words(error)) from None
            except _FOREIGN as error:
                raise Trouble(Kind.NO_ANSWER, _words(error)) from None
            request_id = response.headers.get(self._request_id_header, "") if self._request_id_header else ""
            try:
                body = response.read() if call.most is None else _bounded(response, call.most)
            except OverflowError:
                raise TargetError(
                    f"{call.operation}: {self.host} sent more than {call.most:,} bytes",
                    hint="nothing that is expected here is so large: look at what it is",
                ) from None
            except _FOREIGN as error:
                raise Trouble(Kind.CUT, _words(error), request_id) from None
            finally:
                response.close()
        names = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, names, body, request_id)

    def close(self) -> None:
        """Give the sockets back."""
        self._client.close()

    @contextlib.contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        """Count a request, and how long it took until it was answered or given up."""
        traffic = self.traffic
        with self._lock:
            traffic.requests[operation] = traffic.requests.get(operation, 0) + 1
        begun = self._now()
        try:
            yield
        finally:
            took = round((self._now() - begun) * 1000, 1)
            with self._lock:
                times = traffic.times.setdefault(operation, {})
                times[took] = times.get(took, 0) + 1


def _bounded(response: httpx.Response, most: int) -> bytes:
    body = bytearray()
    # Decoded chunk by chunk: what grows when it is unpacked stops at the same bound.
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > most:
            raise OverflowError
    return bytes(body)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
