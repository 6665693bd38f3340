"""Sinks, events and a world in which time passes only when somebody waits."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from wrapctl.config.secrets import Where
from wrapctl.config.sinks import Sink
from wrapctl.errors import Source
from wrapctl.notify.deliver import World
from wrapctl.notify.events import Event

SECRET = "of the workforce"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = Source("wrapups/wrapctl.yaml", 3, 5)


def sink(name: str = "wfm", **more: Any) -> Sink:
    where = Where(org=f"sink {name}", name="secret", source=AT, env="SECRET")
    return Sink(
        **{
            "name": name,
            "source": AT,
            "events": ("*",),
            "url": "https://wfm.example.com/hooks/of-ours?sig=abcd1234",
            "secret": where,
            **more,
        }
    )


def event(number: int = 1, kind: str = "code.created", **data: Any) -> Event:
    return Event(
        id=f"{number:032x}",
        kind=kind,
        org="acme",
        subject=f"acme/code/C{number}",
        time="2026-03-01T12:00:00Z",
        data={"org": "acme", **data},
    )


class Outside:
    """A sink's host by script, and a clock that only waiting moves."""

    def __init__(
        self, answers: Iterable[int | Exception | Callable[[httpx.Request], httpx.Response]] = ()
    ) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []
        self.now = 0.0
        self.stop = threading.Event()
        self.secrets: Mapping[str, str] = {"SECRET": SECRET}

    @property
    def world(self) -> World:
        return World(
            fetch=lambda where: self.secrets[str(where.env)],
            clock=lambda: NOON + timedelta(seconds=self.now),
            monotonic=lambda: self.now,
            wait=self.wait,
            stop=self.stop,
            transport=httpx.MockTransport(self.answer),
        )

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return self.stop.is_set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        said = self.answers.pop(0) if self.answers else 204
        if isinstance(said, Exception):
            raise said
        return httpx.Response(said, text="as it is") if isinstance(said, int) else said(request)

    @property
    def keys(self) -> list[str]:
        return [request.headers["idempotency-key"] for request in self.requests]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]
