"""Small Dataverse environments and ServiceNow instances on the sandbox, and changes as a plan would hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from genesys_org import Clock
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.http.wire import Transport
from wrapctl.model import Address, Change, Fields, Live, Value, Verb
from wrapctl.plan.units import Unit, cut
from wrapctl.rows import LiveRow, Place, Rows
from wrapctl.sandbox import ConnectionDropped, Sandbox
from wrapctl.targets import dataverse, servicenow
from wrapctl.targets.dataverse.target import connect as connect_dataverse
from wrapctl.targets.interface import Capabilities, Connection, CrmConnection, Outcome, Target, Want
from wrapctl.targets.servicenow.target import connect as connect_servicenow

ORG = "acme"
SECRET = "sandbox"
Connect = Callable[..., Target]


class Instance:
    """One CRM instance on a sandbox with a mapping of the system ``crm`` on it, and a target connected to it."""

    platform = ""
    connect_with: Connect
    table = ""
    text_column = ""
    system = "crm"

    def __init__(
        self,
        folder: Path,
        *,
        options: Fields | None = None,
        rows: list[dict[str, Any]] | None = None,
        **seed: Any,
    ) -> None:
        self.folder = folder
        self.name = f"{ORG}.{self.platform}"
        self.clock = Clock()
        self.sandbox = Sandbox(folder, clock=lambda: self.clock.now)
        self.sandbox.seed_org({"name": self.name, "platform": self.platform, "rows": rows or [], **seed})
        self.options: Fields = options or {}
        self.target = self.connect()

    def connect(
        self,
        client: str = "",
        *,
        app: Any = None,
        transport: Transport | None = None,
        credentials: Mapping[str, str] | None = None,
        places: tuple[Place, ...] | None = None,
        endpoint: str = "sandbox",
        **options: object,
    ) -> Target:
        given = credentials or {"client_id": client or f"sandbox-{self.name}", "client_secret": SECRET}
        connection = Connection(
            org=self.name,
            endpoint=endpoint,
            region="",
            credentials={name: partial(str, text) for name, text in given.items()},
            sandbox_dir=self.folder,
            requests_per_minute=100_000,
            options=options,
        )
        crm = CrmConnection(self.platform, connection, places or (self.place(),))
        # Its own sandbox object, so that both sides live by the same clock.
        way = transport or EmbeddedTransport(app or self.sandbox.wsgi, dropped=(ConnectionDropped,))
        return type(self).connect_with(crm, self.clock.runtime, None, transport=way, jitter=lambda: 0.0)

    def place(self, system: str = "crm", owner: str = ORG) -> Place:
        return Place(system, owner, self.options)

    def close(self) -> None:
        self.target.close()
        self.sandbox.close()

    # What is really there, and who else is at work.

    @property
    def state(self) -> Any:
        return self.sandbox.state(self.name)

    @property
    def live(self) -> dict[str, dict[str, Any]]:
        """The columns of every row that is really there, by id."""
        found: dict[str, dict[str, Any]] = self.state["rows"]
        return found

    def edit(self, row: str, **members: Any) -> None:
        self.clock.now += 1
        self.sandbox.edit(self.name, {"op": "edit-row", "row": row, "set": members})

    def add(self, **members: Any) -> str:
        before = set(self.live)
        self.sandbox.edit(self.name, {"op": "add-row", "set": members})
        (made,) = set(self.live) - before
        return made

    def remove(self, row: str) -> None:
        self.sandbox.edit(self.name, {"op": "remove-row", "row": row})

    def fault(self, do: str, **rule: Any) -> None:
        self.sandbox.add_fault(do, **rule)

    def set(self, **settings: Any) -> None:
        self.sandbox.set(self.name, **settings)

    def sent(self, method: str = "", path: str = "") -> list[str]:
        """``METHOD path?query`` of the requests that the CRM saw."""
        return [
            f"{r.method} {r.path}{'?' if r.query else ''}{r.query}"
            for r in self.sandbox.requests(self.name)
            if method in r.method and path in r.path
        ]

    def writes(self) -> list[str]:
        return [line for line in self.sent(path="/api/") if not line.startswith("GET")]

    # What a run does.

    def read_live(self, *keys: str) -> Live:
        return self.target.reader().read(Want(rows={self.system: frozenset(keys) or None}))

    def read(self, *keys: str) -> Rows:
        return self.read_live(*keys).crm[self.system]

    def row(self, value: str, *, mine: bool = True) -> LiveRow:
        (found,) = [row for row in self.read().rows if row.fields["value"] == value and row.mine is mine]
        return found

    def write(
        self, *changes: Change, fresh: Live | None = None, target: Target | None = None
    ) -> tuple[Outcome, ...]:
        """Write changes as the engine does: cut into the target's own units, against a fresh read."""
        fresh = fresh or self.read_live()
        target = target or self.target
        writer = target.writer()
        units = cut(changes, {}, {self.system: target.capabilities})
        by_id = {outcome.id: outcome for unit in units for outcome in writer.write(unit, fresh)}
        return tuple(by_id[change.id] for change in changes)

    def write_unit(self, *changes: Change, fresh: Live | None = None) -> tuple[Outcome, ...]:
        """Write changes in one unit, in this order."""
        return self.target.writer().write(Unit("x", "", changes), fresh or self.read_live())

    def make(self, *values: str, **fields: Value) -> None:
        outcomes = self.write(*(create(value, **fields) for value in values))
        assert all(outcome.message == "" for outcome in outcomes), outcomes

    # What the contract suite asks of every harness.

    request_ids = True

    @property
    def capabilities(self) -> Capabilities:
        return self.target.capabilities

    @property
    def readonly(self) -> Target | None:
        return self.connect(f"sandbox-{self.name}-readonly")

    def truth(self) -> object:
        return self.state

    def add_foreign(self, value: str) -> str:
        return self.add(**self.members(value))

    def members(self, value: str) -> dict[str, Any]:
        """A row as somebody else would make it."""
        raise NotImplementedError

    def refuse(self, value: str) -> None:
        refused = dict(self.refused)
        refused[value] = "no such luck"
        self.refused = refused
        self.set(refused=refused)

    refused: Mapping[str, str] = {}

    def break_reads(self, how: str) -> None:
        path = f"{self.table}$"
        rules: dict[str, Callable[[], None]] = {
            "cut": lambda: self.fault("truncate", method="GET", path=path, length="full"),
            "drop": lambda: self.fault("drop", method="GET", path=path),
            "fail": lambda: self.fault("status", method="GET", path=path, status=500),
            "html": lambda: self.fault("status", method="GET", path=path, status=200, raw="<html>hello"),
        }
        rules[how]()

    def lose_writes(self) -> None:
        for method in ("POST", "PATCH", "DELETE"):
            self.fault("lose-answer", method=method, path="^/api/")

    def writes_seen(self) -> int:
        return len(self.writes())

    def stop(self) -> None:
        self.clock.stop.set()


class Environment(Instance):
    """A Dataverse environment."""

    platform = dataverse.__name__.rpartition(".")[2]
    connect_with = staticmethod(connect_dataverse)
    table = "/msdyn_ocdispositioncodes"

    def members(self, value: str) -> dict[str, Any]:
        return {"msdyn_name": value, "msdyn_dispositioncodevalue": value}


class DescribedEnvironment(Environment):
    """A Dataverse environment whose rows are called by their descriptions."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, options={"name": "description"})

    def edit(self, row: str, description: str = "", **members: Any) -> None:
        super().edit(row, **({"msdyn_name": description} if description else {}), **members)


class ServicenowInstance(Instance):
    """A ServiceNow instance."""

    platform = servicenow.__name__.rpartition(".")[2]
    connect_with = staticmethod(connect_servicenow)
    table = "/interaction_wrap_up_code"

    def members(self, value: str) -> dict[str, Any]:
        return {"code": value, "description": "somebody's"}

    def edit(self, row: str, description: str = "", **members: Any) -> None:
        super().edit(row, **({"description": description} if description else {}), **members)


# ── changes ────────────────────────────────────────────────────────────────────────────────────────────────


def _change(verb: Verb, before: Fields, after: Fields, live_id: str | None) -> Change:
    key = str({**before, **after}["key"])
    return Change(
        verb, Address(f"{ORG}/crm/crm/{key}"), before, after, live_id=live_id, label=key, system="crm"
    )


def create(value: str, **fields: Value) -> Change:
    after: Fields = {"key": f"value/{value}", "system": "crm", "value": value, "active": True, **fields}
    return _change(Verb.CREATE_ROW, {}, after, None)


def update(live: LiveRow, **fields: Value) -> Change:
    key = f"value/{fields['value']}" if "value" in fields else live.key
    return _change(Verb.UPDATE_ROW, live.fields, {**live.fields, "key": key, **fields}, live.id)


def deactivate(live: LiveRow) -> Change:
    return _change(Verb.DEACTIVATE_ROW, live.fields, {**live.fields, "active": False}, live.id)


def delete(live: LiveRow) -> Change:
    return _change(Verb.DELETE_ROW, live.fields, {}, live.id)
