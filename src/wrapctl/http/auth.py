"""Logins: the protocol as a generator that needs no socket, and who drives it. OAuth client credentials are here.

Contract section 1: Basic, form body, at the login host; ``expires_in`` is set per client, never assumed. Platforms
with another login bring a generator of their own.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias
from urllib.parse import quote_plus, urlencode

from wrapctl.empty import Empty
from wrapctl.errors import Answered, Interrupted, PlatformAnswer, RateLimited, TargetError, Unauthorized
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.targets.interface import Event, Runtime

TEMPLATE = "/oauth/token"
_FORM = "application/x-www-form-urlencoded"
_EARLY = 60.0
_SHORTEST = 300.0
_PAUSES = (3.0, 9.0, 27.0)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, for how many seconds from now to use it, and what came with it about the tenant."""

    value: str
    seconds: float
    claims: Mapping[str, object] = Empty()

    def __repr__(self) -> str:
        return f"Token(***, {self.seconds})"


@dataclass(frozen=True, slots=True)
class Ask:
    """A login request to send: a call and its Authorization."""

    call: Call
    header: str

    def __repr__(self) -> str:
        return f"Ask({self.call.operation})"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before going on."""

    seconds: float


Flow: TypeAlias = Generator[Ask | Pause, Reply | PlatformAnswer | None, Token]
"""A login: yields what to send or how long to wait, is sent the reply or the error, returns the token."""


def login(org: str, client_id: str, client_secret: str) -> Flow:
    """Log in by client credentials.

    The token endpoint says "rate limit exceeded" as a 400 ``invalid_request``, not as a 429 (contract section 1).

    Raises:
        Unauthorized: the login was refused; the message names the org, never the secret.
        RateLimited: the endpoint stayed busy.
    """
    basic = b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
    call = Call(
        "POST",
        TEMPLATE,
        body=b"grant_type=client_credentials",
        content_type=_FORM,
        repeatable=True,
    )
    for pause in (*_PAUSES, None):
        reply = yield Ask(call, f"Basic {basic}")
        if isinstance(reply, Reply):
            return _token(org, reply)
        if reply is None:
            raise TypeError("a login request was not answered")
        if not _is_busy(reply):
            raise Unauthorized(replace(reply, operation=f"login of {org}"), hint=_what_to_check(org))
        if pause is None:
            raise RateLimited(
                replace(reply, operation=f"login of {org}"),
                hint="too many logins of this client: run again in a minute",
            )
        yield Pause(pause)
    raise AssertionError("the last round returns or raises")


@dataclass(frozen=True, slots=True)
class Grant:
    """OAuth client credentials at any token endpoint: what ``login`` knows of one platform, said as data.

    ``who`` is named in messages, ``path`` is on the login host, ``form`` goes into the body beside the grant type.
    ``basic``: the client is named in the Authorization header, else in the body. ``hint`` says what to check when
    the login is refused. ``unsaid``: seconds that a token lives whose answer does not say it (infinite: until a 401).
    """

    who: str
    path: str
    hint: str
    form: tuple[tuple[str, str], ...] = ()
    basic: bool = False
    unsaid: float = _SHORTEST


def grant_login(grant: Grant, client_id: str, client_secret: str) -> Flow:
    """Log in by ``grant``.

    Raises:
        Unauthorized: the login was refused; the message names whose it is, never the secret.
    """
    form = [("grant_type", "client_credentials"), *grant.form]
    header = ""
    if grant.basic:
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        header = f"Basic {b64encode(pair.encode()).decode('ascii')}"
    else:
        form += [("client_id", client_id), ("client_secret", client_secret)]
    body = urlencode(form).encode("ascii")
    reply = yield Ask(Call("POST", grant.path, body=body, content_type=_FORM, repeatable=True), header)
    if isinstance(reply, Reply):
        return _token(grant.who, reply, grant.hint, grant.unsaid)
    if reply is None:
        raise TypeError("a login request was not answered")
    raise Unauthorized(replace(reply, operation=f"login of {grant.who}"), hint=grant.hint)


def _token(org: str, reply: Reply, hint: str = "", unsaid: float = _SHORTEST) -> Token:
    body = reply.value if isinstance(reply.value, dict) else {}
    value, seconds = body.get("access_token"), _seconds(body.get("expires_in"))
    if not (isinstance(value, str) and value.isascii() and value.isprintable() and value.strip()):
        answer = PlatformAnswer(f"login of {org}", reply.status, message="the answer holds no access token")
        raise Unauthorized(answer, hint=hint or _what_to_check(org))
    if seconds is None:
        # 5 minutes is the shortest life a client of the first platform can be given.
        seconds = unsaid
    return Token(value, max(seconds - _EARLY, seconds / 2))


def _seconds(value: object) -> float | None:
    """A life in seconds; some platforms say it as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < inf:
        return None
    return float(value)


def _is_busy(answer: PlatformAnswer) -> bool:
    return answer.status == 400 and "rate limit exceeded" in answer.message.lower()


def _what_to_check(org: str) -> str:
    return (
        f"check the client_id and client_secret that wrapups/{org}/org.yaml refers to, that the OAuth client's grant "
        "type is Client Credentials, and that the org's region is the one in which the client was made"
    )


class TokenKeeper:
    """Keeps one token for all threads of one connection.

    In: the org (for messages), what starts a login (fetching secrets only then), the login host's session.
    """

    def __init__(
        self,
        org: str,
        start: Callable[[], Flow],
        session: Session,
        runtime: Runtime,
        redact: Redactor,
    ) -> None:
        self._org = org
        self._start = start
        self._session = session
        self._runtime = runtime
        self._redact = redact
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0
        self._claims: Mapping[str, object] = Empty()

    def header(self) -> str:
        """``Bearer …``; logs in when there is no token or it ends soon. One thread does, the others wait.

        Raises:
            TargetError: the login failed.
            Interrupted: the run was asked to stop meanwhile.
        """
        with self._lock:
            if not self._header or self._runtime.monotonic() >= self._until:
                token = self._login()
                self._header = f"Bearer {token.value}"
                self._until = self._runtime.monotonic() + token.seconds
                self._claims = token.claims
            return self._header

    def claims(self) -> Mapping[str, object]:
        """What the token says about the tenant; logs in when there is no token.

        Raises:
            TargetError: the login failed.
            Interrupted: the run was asked to stop meanwhile.
        """
        self.header()
        return self._claims

    def refused(self, header: str) -> None:
        """Forget the token, unless another thread has already fetched a newer one."""
        with self._lock:
            if header == self._header:
                self._header = ""

    def _login(self) -> Token:
        flow = self._start()
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    text = f"login of {self._org}: too many logins, waiting {step.seconds:.0f} s"
                    self._runtime.listen(Event("wait", text))
                    if self._runtime.wait(step.seconds):
                        raise Interrupted("stopped while waiting to log in")
                    step = flow.send(None)
                else:
                    step = flow.send(self._ask(step))
        except StopIteration as done:
            token: Token = done.value
            self._redact.add(token.value)
            return token

    def _ask(self, step: Ask) -> Reply | PlatformAnswer:
        self._redact.add(step.header.partition(" ")[2])
        try:
            return self._session.send(step.call, header=step.header)
        except RateLimited:
            raise
        except Answered as error:
            if error.answer.status >= 500:
                raise
            return error.answer
        except TargetError as error:
            raise type(error)(f"login of {self._org}: {error.message}", hint=error.hint) from None


class ClientCredentials(TokenKeeper):
    """A token by OAuth client credentials. ``secrets`` fetch id and secret of the client when they are needed."""

    def __init__(
        self,
        org: str,
        secrets: tuple[Callable[[], str], Callable[[], str]],
        session: Session,
        runtime: Runtime,
        redact: Redactor,
    ) -> None:
        def start() -> Flow:
            client_id, client_secret = (fetch() for fetch in secrets)
            redact.add(client_secret)
            return login(org, client_id, client_secret)

        super().__init__(org, start, session, runtime, redact)


class GrantKeeper(TokenKeeper):
    """A token by ``grant_login``. ``secrets`` fetch id and secret of the client when they are needed."""

    def __init__(
        self,
        grant: Grant,
        secrets: tuple[Callable[[], str], Callable[[], str]],
        session: Session,
        runtime: Runtime,
        redact: Redactor,
    ) -> None:
        def start() -> Flow:
            client_id, client_secret = (fetch() for fetch in secrets)
            redact.add(client_secret)
            return grant_login(grant, client_id, client_secret)

        super().__init__(grant.who, start, session, runtime, redact)


class FixedToken:
    """A bearer token that somebody else made. After a 401 it is fetched anew: its file may hold a younger one."""

    def __init__(self, fetch: Callable[[], str], redact: Redactor) -> None:
        self._fetch = fetch
        self._redact = redact
        self._lock = threading.Lock()
        self._header = ""

    def header(self) -> str:
        """``Bearer …``.

        Raises:
            TargetError: the secret is no text that a header can carry; it is not shown.
        """
        with self._lock:
            if not self._header:
                token = self._fetch()
                self._redact.add(token)
                if not (token.isascii() and token.isprintable() and token.strip()):
                    raise TargetError("the bearer token holds characters that no header can carry")
                self._header = f"Bearer {token.strip()}"
            return self._header

    def refused(self, header: str) -> None:
        """Forget the token, unless another thread has already fetched a newer one."""
        with self._lock:
            if header == self._header:
                self._header = ""
