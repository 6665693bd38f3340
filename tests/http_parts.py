"""A session over a scripted transport, and time that passes only when somebody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeAlias

import httpx

from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Auth, Session
from wrapctl.http.wire import Wire
from wrapctl.targets.interface import Event, Runtime, Traffic

BASE = "https://api.example.com"
Answer: TypeAlias = "httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]"


class World:
    """Answers the requests in order with what the script says, and keeps them."""

    def __init__(
        self, script: Iterable[Answer] = (), *, per_minute: int | None = None, auth: Auth | None = None
    ) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []
        self.now = 0.0
        self.waits: list[float] = []
        self.events: list[Event] = []
        self.stop = threading.Event()
        self.stop_after_waits: int | None = None
        self.traffic = Traffic()
        self.redact = Redactor()
        self.runtime = Runtime(self.stop, lambda: self.now, self.wait, self.events.append)
        self.wire = Wire(
            BASE, self.traffic, request_id_header="X-Request", transport=httpx.MockTransport(self.answer)
        )
        self.session = Session(
            self.wire,
            self.runtime,
            pacing=Pacing(per_minute, lambda: self.now),
            redact=self.redact,
            jitter=lambda: 0.0,
            auth=auth,
        )

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        if self.stop_after_waits is not None and len(self.waits) >= self.stop_after_waits:
            self.stop.set()
        return self.stop.is_set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        return item if isinstance(item, httpx.Response) else item(request)


def ok(**body: object) -> httpx.Response:
    return httpx.Response(200, json=body)


def error(status: int, **headers: str) -> httpx.Response:
    body = {"code": "some.code", "message": "some words"}
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
