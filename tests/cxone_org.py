"""A small CXone tenant on the sandbox, and changes as a plan would hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genesys_org import Clock
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.model import Address, Change, Fields, Live, Verb
from wrapctl.plan.units import Unit, cut
from wrapctl.sandbox import ConnectionDropped, Sandbox
from wrapctl.targets.cxone.capabilities import CAPABILITIES
from wrapctl.targets.cxone.target import CxoneTarget, connect
from wrapctl.targets.interface import Connection, Outcome, Want

NAME = "acme"
EVERYTHING = Want(codes=None, queues=None)


class Tenant:
    """One tenant on a sandbox, with a target connected to it."""

    def __init__(self, folder: Path, **seed: Any) -> None:
        self.folder = folder
        self.clock = Clock()
        self.sandbox = Sandbox(folder, clock=lambda: self.clock.now)
        self.sandbox.seed_org({"name": NAME, "platform": "cxone", **seed})
        self.target = self.connect()

    def connect(
        self,
        key: str = f"sandbox-{NAME}",
        secret: str = "sandbox",
        *,
        application: tuple[str, str] | None = None,
        app: Any = None,
        rate: int = 100_000,
        **options: object,
    ) -> CxoneTarget:
        secrets = {"access_key_id": lambda: key, "access_key_secret": lambda: secret}
        if application is not None:
            client, its_secret = application
            secrets |= {"client_id": lambda: client, "client_secret": lambda: its_secret}
        connection = Connection(NAME, "sandbox", "", secrets, self.folder, rate, options)
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
        found = self.state["dispositions"].items()
        return next(str(number) for number, body in found if body["dispositionName"] == name)

    def body(self, name: str) -> dict[str, Any]:
        return dict(self.state["dispositions"][self.code(name)])

    def queue(self, name: str) -> str:
        return next(str(i) for i, body in self.state["skills"].items() if body["skillName"] == name)

    def skill(self, name: str) -> dict[str, Any]:
        return dict(self.state["skills"][self.queue(name)])

    def offered(self, name: str) -> list[str]:
        """The names of a skill's dispositions, in their order."""
        names = {
            body["dispositionId"]: body["dispositionName"] for body in self.state["dispositions"].values()
        }
        held = sorted(self.skill(name)["dispositions"], key=lambda one: one["priority"])
        return [names[one["dispositionId"]] for one in held]

    def edit(self, **edit: Any) -> None:
        self.sandbox.edit(NAME, edit)

    def fault(self, do: str, **rule: Any) -> None:
        self.sandbox.add_fault(do, **rule)

    def set(self, **settings: Any) -> None:
        self.sandbox.set(NAME, **settings)

    def sent(self, method: str = "", path: str = "") -> list[str]:
        """``METHOD path?query`` of the requests the platform saw, without the base of the API."""
        return [
            f"{r.method} {r.path.partition('.0')[2] or r.path}{'?' if r.query else ''}{r.query}"
            for r in self.sandbox.requests(NAME)
            if method in r.method and path in r.path
        ]

    def writes(self) -> list[str]:
        return [line for line in self.sent(path="/services/") if not line.startswith("GET")]

    # What a run does.

    def read(self, want: Want = EVERYTHING) -> Live:
        return self.target.reader().read(want)

    def write(self, *changes: Change, fresh: Live | None = None) -> tuple[Outcome, ...]:
        fresh = fresh or self.read()
        units = cut(changes, CAPABILITIES.verbs)
        return tuple(outcome for unit in units for outcome in self.write_unit(unit, fresh))

    def write_unit(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        return self.target.writer().write(unit, fresh)


def create(name: str, **fields: object) -> Change:
    after: Fields = {"name": name, "active": True, **fields}  # type: ignore[dict-item]  # tests name real values
    return Change(Verb.CREATE_CODE, Address(f"acme/code/{name}"), before={}, after=after, label=name)


def deactivate(code_id: str, **before: object) -> Change:
    was: Fields = {**before, "active": True}  # type: ignore[dict-item]  # tests name real values
    return Change(
        Verb.DEACTIVATE_CODE,
        Address(f"acme/code/{code_id}"),
        before={**was, "queues": ()},
        after={**was, "active": False},
        live_id=code_id,
    )


def reorder(queue_id: str, before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    return Change(
        Verb.REORDER,
        Address(f"acme/queue/{queue_id}/order"),
        before={"order": before},
        after={"order": after},
        live_id=queue_id,
        parent=queue_id,
    )
