"""One sink: posts one event until it is taken or refused, by ``http``: TLS verified, no redirect, no secret in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from wrapctl.config.secrets import Where
from wrapctl.config.sinks import Sink, checked_url
from wrapctl.config.values import Wrong
from wrapctl.errors import Answered, ConfigError, Interrupted, Problem, TargetError
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.retry import Policy
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Transport, Wire
from wrapctl.notify import template
from wrapctl.notify.signature import ID, KEY, SIGNATURE, TIMESTAMP, key_of, sign
from wrapctl.targets.interface import Event, Runtime, Traffic

POLICY: Final = Policy(
    attempts=5,
    steps=(0.5, 1.0, 2.0, 4.0),
    rate_limit_attempts=4,
    rate_limit_steps=(1.0, 3.0, 9.0),
    longest=30.0,
)
"""Few attempts, soon after each other: what does not come through then waits in the outbox."""

Fetch = Callable[[Where], str]
_OPERATION: Final = "(the sink)"
_MOST: Final = 1024 * 1024
_ALONE: Final = frozenset({400, 409, 413, 422})
"""Answers that are about this one event; any other would meet the next event too."""


class NotTaken(Exception):
    """A sink has not taken an event. ``alone``: another event may fare better. ``tried``: it was sent at all."""

    def __init__(self, why: str, *, alone: bool = False, tried: bool = True) -> None:
        super().__init__(why)
        self.alone = alone
        self.tried = tried


@dataclass(frozen=True, slots=True)
class _Post(Call):
    """A request to where the sink is; the path may be a secret, and is in no words."""

    target: str = "/"

    @property
    def path(self) -> str:
        return self.target


class Sender:
    """Sends events to one sink.

    In: the sink, what fetches its secrets, what the outside world lends, the wall clock; and for a test the transport.

    Raises:
        ConfigError: a secret is not there, or the sink's URL is none.
    """

    def __init__(
        self,
        sink: Sink,
        fetch: Fetch,
        runtime: Runtime,
        *,
        clock: Callable[[], datetime],
        transport: Transport | None = None,
        policy: Policy | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._retrying = ""
        self._redact = Redactor()
        url = self._url(fetch)
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self._target = parts.path or "/"
        self._query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        self._secret = fetch(sink.secret) if sink.secret is not None else ""
        self._check_secret()
        for one in (
            url,
            self._secret,
            parts.path.strip("/"),
            parts.query,
            *(value for _, value in self._query),
        ):
            self._redact.add(one)
        self._wire = Wire(
            f"{parts.scheme}://{parts.netloc}",
            Traffic(),
            concurrency=1,
            transport=transport,
            timeout=sink.timeout,
        )
        heard = Runtime(runtime.stop, runtime.monotonic, runtime.wait, self._heard)
        self._session = Session(
            self._wire,
            heard,
            pacing=Pacing(None, runtime.monotonic),
            redact=self._redact,
            jitter=jitter or SystemRandom().random,
            policy=policy or POLICY,
        )

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event (``Event.as_json``) until the sink has taken it.

        Raises:
            NotTaken: it has not.
        """
        self._retrying = ""
        try:
            self._session.send(self._call(event), expect="nothing")
        except Interrupted:
            why = self._retrying or "the run ended before it was sent"
            raise NotTaken(why, tried=bool(self._retrying)) from None
        except Answered as error:
            words = f": {error.answer.message}" if error.answer.message else ""
            why = f"{self.host} answered {error.answer.status}{words}"
            raise NotTaken(self._redact(why), alone=error.answer.status in _ALONE) from None
        except TargetError as error:
            raise NotTaken(self._redact(_said(error.message))) from None

    def close(self) -> None:
        """Give the sockets back."""
        self._wire.close()

    def _call(self, event: Mapping[str, Any]) -> Call:
        sink, name = self._sink, str(event["id"])
        if sink.template is None:
            body, content = json.dumps(event).encode(), "application/cloudevents+json; charset=UTF-8"
        else:
            escape = cast("template.Escape", sink.escape)
            body, content = (
                json.dumps(template.fill(sink.template, event, escape)).encode(),
                "application/json",
            )
        timestamp = int(self._clock().timestamp())
        headers = [(KEY, name), (ID, name), (TIMESTAMP, str(timestamp))]
        if self._secret:
            headers.append((SIGNATURE, sign(self._secret, name, timestamp, body)))
        return _Post(
            "POST",
            _OPERATION,
            query=self._query,
            body=body,
            content_type=content,
            # The key makes sure of it: whoever has seen it takes the second one for the first.
            repeatable=True,
            headers=tuple(headers),
            most=_MOST,
            target=self._target,
        )

    def _url(self, fetch: Fetch) -> str:
        sink = self._sink
        if sink.url_from is None:
            return sink.url
        try:
            return checked_url(fetch(sink.url_from))
        except Wrong as error:
            raise ConfigError(
                [Problem(sink.url_from.source, f"sink {sink.name}: {error}", error.hint)]
            ) from None

    def _check_secret(self) -> None:
        where = self._sink.secret
        try:
            key_of(self._secret)
        except ValueError as error:
            at = where.source if where is not None else self._sink.source
            raise ConfigError([Problem(at, f"sink {self._sink.name}: {error}")]) from None

    def _heard(self, event: Event) -> None:
        if event.kind == "retry":
            self._retrying = self._redact(_said(event.text))


def _said(message: str) -> str:
    """Return what a session says, without the operation: there is but one."""
    return message.removeprefix(f"POST {_OPERATION}: ")
