"""A small Genesys org on the sandbox, a clock that nobody waits for, and changes as a plan would hold them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.model import Address, Change, Fields, Live, Verb
from wrapctl.plan.units import Unit, cut
from wrapctl.sandbox import ConnectionDropped, Sandbox
from wrapctl.targets.genesys.capabilities import CAPABILITIES
from wrapctl.targets.genesys.target import GenesysTarget, connect
from wrapctl.targets.interface import Connection, Event, Outcome, Runtime, Want

NAME = "acme"
START = 1_770_000_000.0

_MEDIA = {
    "enableAutoAnswer": False,
    "alertingTimeoutSeconds": 30,
    "serviceLevel": {"percentage": 0.8, "durationMs": 20000},
}

RICH_QUEUE: dict[str, Any] = {
    "description": "answers everything",
    "mediaSettings": {
        "call": {**_MEDIA, "enableAutoAnswer": True, "alertingTimeoutSeconds": 8},
        "callback": _MEDIA,
        "chat": _MEDIA,
        "email": {**_MEDIA, "serviceLevel": {"percentage": 0.5, "durationMs": 86400000}},
        "message": _MEDIA,
    },
    "outboundEmailAddress": {
        "domain": {"id": "d1"},
        "route": {"id": "r1", "pattern": "sales", "fromName": "Sales"},
    },
    "conditionalGroupRouting": {
        "rules": [
            {
                "metric": "EstimatedWaitTime",
                "operator": "GreaterThan",
                "conditionValue": 30.0,
                "waitSeconds": 10,
                "groups": [{"id": "g1", "type": "GROUP"}],
            },
            {
                "metric": "ServiceLevel",
                "operator": "LessThan",
                "conditionValue": 0.7,
                "groups": [{"id": "g2", "type": "GROUP"}],
            },
        ]
    },
    "acwSettings": {"wrapupPrompt": "OPTIONAL", "timeoutMs": 0, "grownLater": {"x": 1}},
    "callingPartyName": "Größe 👍",
    "memberOfTheFuture": {"ratio": 1.0, "tiny": 1e-07, "big": 12345678901234567890, "none": None},
}


class Clock:
    """Time that passes only when somebody waits, and a runtime made of it."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []
        self.events: list[Event] = []
        self.stop = threading.Event()
        self.runtime = Runtime(self.stop, lambda: self.now, self.wait, self.events.append)
        self.on_wait: Callable[[], object] = lambda: None

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        self.on_wait()
        return self.stop.is_set()


class Org:
    """One org on a sandbox, with a target connected to it."""

    def __init__(self, folder: Path, **seed: Any) -> None:
        self.folder = folder
        self.clock = Clock()
        self.sandbox = Sandbox(folder, clock=lambda: self.clock.now)
        self.sandbox.seed_org({"name": NAME, **seed})
        self.target = self.connect()

    def connect(
        self, client: str = f"sandbox-{NAME}", secret: str = "sandbox", rate: int = 100_000, app: Any = None
    ) -> GenesysTarget:
        secrets = {"client_id": lambda: client, "client_secret": lambda: secret}
        connection = Connection(NAME, "sandbox", "", secrets, self.folder, requests_per_minute=rate)
        # Its own sandbox object, so that both sides live by the same clock.
        transport = EmbeddedTransport(app or self.sandbox.wsgi, dropped=(ConnectionDropped,))
        return connect(connection, self.clock.runtime, transport=transport, jitter=lambda: 0.0)

    def close(self) -> None:
        self.target.close()
        self.sandbox.close()

    # What is really there.

    @property
    def state(self) -> Any:
        return self.sandbox.state(NAME)

    def code(self, name: str) -> str:
        return next(str(i) for i, body in self.state["codes"].items() if body["name"] == name)

    def queue(self, name: str) -> str:
        return next(str(i) for i, body in self.state["queues"].items() if body["name"] == name)

    def edit(self, **edit: Any) -> None:
        self.sandbox.edit(NAME, edit)

    def fault(self, do: str, **rule: Any) -> None:
        self.sandbox.add_fault(do, **rule)

    def sent(self, method: str = "", path: str = "") -> list[str]:
        """``METHOD path?query`` of the requests the platform saw."""
        return [
            f"{r.method} {r.path}{'?' if r.query else ''}{r.query}"
            for r in self.sandbox.requests(NAME)
            if method in r.method and path in r.path
        ]

    # What a run does.

    def read(self, want: Want | None = None) -> Live:
        return self.target.reader().read(want or Want(codes=None, queues=None, outbound=True, divisions=True))

    def write(self, *changes: Change, fresh: Live | None = None) -> tuple[Outcome, ...]:
        fresh = fresh or self.read()
        units = cut(changes, CAPABILITIES.verbs)
        return tuple(outcome for unit in units for outcome in self.write_unit(unit, fresh))

    def write_unit(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        return self.target.writer().write(unit, fresh)


def create(name: str, **fields: str) -> Change:
    return Change(
        Verb.CREATE_CODE, Address(f"acme/code/{name}"), before={}, after={"name": name, **fields}, label=name
    )


def update(code_id: str, before: Fields, after: Fields) -> Change:
    return Change(
        Verb.UPDATE_CODE, Address(f"acme/code/{code_id}"), before=before, after=after, live_id=code_id
    )


def delete(code_id: str) -> Change:
    return Change(Verb.DELETE_CODE, Address(f"acme/code/{code_id}"), before={}, after={}, live_id=code_id)


def assign(queue_id: str, code_id: str) -> Change:
    address = Address(f"acme/queue/{queue_id}/code/{code_id}")
    return Change(Verb.ASSIGN, address, before={}, after={"code": code_id}, live_id=code_id, parent=queue_id)


def unassign(queue_id: str, code_id: str) -> Change:
    address = Address(f"acme/queue/{queue_id}/code/{code_id}")
    return Change(
        Verb.UNASSIGN, address, before={"code": code_id}, after={}, live_id=code_id, parent=queue_id
    )


def set_acw(queue_id: str, before: Fields, after: Fields) -> Change:
    address = Address(f"acme/queue/{queue_id}/after-call-work")
    return Change(Verb.SET_ACW, address, before=before, after=after, live_id=queue_id, parent=queue_id)


def set_flags(code_id: str, before: tuple[str, ...] | None, after: tuple[str, ...]) -> Change:
    was: Fields = {} if before is None else {"outbound": before}
    return Change(
        Verb.SET_OUTBOUND,
        Address(f"acme/code/{code_id}/outbound"),
        before=was,
        after={"outbound": after},
        live_id=code_id,
    )
