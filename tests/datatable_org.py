"""A Genesys org whose data tables keep mapping rows, and changes as a plan would hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from genesys_org import NAME, Org
from wrapctl.model import NO_FIELDS, Change, Fields, Live, Value, Verb, row_address, table_address
from wrapctl.plan.units import cut
from wrapctl.rows import LiveRow, LiveTable, Place, Rows
from wrapctl.targets.genesys.target import GenesysTarget
from wrapctl.targets.genesys_datatable.convert import COLUMNS
from wrapctl.targets.genesys_datatable.target import ConnectedTables, connect
from wrapctl.targets.interface import Connection, CrmConnection, Outcome, Want

TABLE = "Wrap-up mapping"
SYSTEM = "salesforce"
OURS: dict[str, Any] = {**COLUMNS, "active": {"type": "boolean", "default": True}}
WITH_OTHERS: dict[str, Any] = {**OURS, "note": "string"}
"""Our columns, and one that a flow's author added."""


def place(system: str = SYSTEM, owner: str = NAME, **options: Value) -> Place:
    return Place(system, owner, {"table": TABLE, **options})


def tables(platform: GenesysTarget, *places: Place) -> ConnectedTables:
    secrets: dict[str, Callable[[], str]] = {}
    connection = Connection(NAME, "sandbox", "", secrets, Path())
    crm = CrmConnection("genesys-datatable", connection, places or (place(),))
    return connect(crm, None, platform)  # type: ignore[arg-type]  # a runtime is the platform's affair


def mapped(key: str = "to/SALE", value: str | None = "Won", **fields: Value) -> Fields:
    """A row as a plan holds it."""
    everything: dict[str, Value] = {
        "key": key,
        "direction": "to_crm",
        "system": SYSTEM,
        "code": key.removeprefix("to/"),
        "code_id": "id-of-a-code",
        "value": value,
        "status": None,
        "when": (),
        "description": None,
        "translations": (),
        "category": None,
        "tags": (),
        "duration_ms": None,
        "order": None,
        "active": True,
    }
    return {**everything, **fields}


class Datatables:
    """One org with a data table, and the systems that keep their rows there."""

    def __init__(self, folder: Path, *places: Place, **seed: Any) -> None:
        self.org = Org(folder, **seed)
        self.places = places or (place(),)
        self.target = tables(self.org.target, *self.places)

    def again(self, *places: Place, client: str = f"sandbox-{NAME}") -> ConnectedTables:
        """Another process: nothing is remembered."""
        return tables(self.org.connect(client), *(places or self.places))

    def close(self) -> None:
        self.org.close()

    @property
    def rows(self) -> dict[str, Any]:
        """The rows of the table as they really are."""
        return dict(self.table["rows"])

    @property
    def table(self) -> dict[str, Any]:
        return next(dict(one) for one in self.org.state["datatables"].values() if one["name"] == TABLE)

    def set(self, key: str, table: str = TABLE, **fields: Any) -> None:
        self.org.edit(op="set_row", table=table, key=key, set=fields)

    def own(self, row: str, **fields: Any) -> None:
        """Plant a row as wrapctl would have written it, and change fields of it."""
        key = f"{SYSTEM}:{row.replace('/', ':', 1)}"
        self.set(key, managed_by=f"wrapctl:{NAME}/{SYSTEM}", direction="to_crm", **fields)

    def read(self, keys: Iterable[str] | None = None, system: str = SYSTEM) -> Rows:
        return self.live({system: None if keys is None else frozenset(keys)}).crm[system]

    def live(self, want: Mapping[str, frozenset[str] | None] | None = None) -> Live:
        rows = {one.system: None for one in self.places} if want is None else want
        return self.target.reader().read(Want(rows=rows))

    def found(self, key: str) -> LiveRow:
        (row,) = [row for row in self.read().rows if row.key == key]
        return row

    def write(self, *changes: Change, fresh: Live | None = None) -> tuple[Outcome, ...]:
        units = cut(changes, self.target.capabilities.verbs)
        fresh = fresh or self.live()
        return tuple(outcome for unit in units for outcome in self.target.writer().write(unit, fresh))


# ── changes ────────────────────────────────────────────────────────────────────────────────────────────────


def row_change(verb: Verb, before: Fields, after: Fields, live_id: str | None = None) -> Change:
    key, system = str({**before, **after}["key"]), str({**before, **after}.get("system") or SYSTEM)
    address = row_address(NAME, system, key)
    return Change(verb, address, before, after, live_id=live_id, label=key, system=system)


def create(fields: Fields) -> Change:
    return row_change(Verb.CREATE_ROW, {}, fields)


def update(row: LiveRow, **over: Value) -> Change:
    return row_change(Verb.UPDATE_ROW, row.fields, {**row.fields, **over}, row.id)


def deactivate(row: LiveRow) -> Change:
    return row_change(Verb.DEACTIVATE_ROW, row.fields, {**row.fields, "active": False}, row.id)


def delete(row: LiveRow) -> Change:
    return row_change(Verb.DELETE_ROW, row.fields, {}, row.id)


def table_change(table: LiveTable | None, system: str = SYSTEM) -> Change:
    assert table is not None
    verb = Verb.CREATE_TABLE if table.id is None else Verb.EXTEND_TABLE
    before: Fields = NO_FIELDS if table.id is None else {"table": table.name, "columns": table.columns}
    after: Fields = {"table": table.name, "columns": (*table.columns, *table.lacks)}
    return Change(verb, table_address(NAME, system), before, after, live_id=table.id, system=system)


# ── for the suite of all CRM targets ───────────────────────────────────────────────────────────────────────


class DatatableHarness:
    """The rows of one system in a data table that is there and has a column of somebody else's."""

    system = SYSTEM
    request_ids = True

    def __init__(self, folder: Path) -> None:
        self.world = Datatables(folder, datatables=[{"name": TABLE, "columns": WITH_OTHERS}])
        self._refused: list[str] = []
        self.target = tables(self.world.org.connect(app=self._app), place())
        self.readonly = self.world.again(client=f"sandbox-{NAME}-readonly")

    def _app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The platform, with a rule of this org's own on the values of rows."""
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(data)
        if "/rows" in environ["PATH_INFO"] and data and json.loads(data).get("value") in self._refused:
            error = {"status": 400, "code": "flows.datatables.schema.exception", "message": "no such luck"}
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [json.dumps(error).encode()]
        return self.world.org.sandbox.wsgi(environ, start_response)

    def truth(self) -> object:
        return self.world.org.state

    def add_foreign(self, value: str) -> str:
        key = f"theirs {value}"
        self.world.set(key, value=value, note="not wrapctl's")
        return key

    def edit(self, row_id: str, description: str) -> None:
        self.world.set(row_id, description=description)

    def refuse(self, value: str) -> None:
        self._refused.append(value)

    def break_reads(self, how: str) -> None:
        rule: dict[str, Any] = {"method": "GET", "path": "/rows$"}
        match how:
            case "cut":
                self.world.org.fault("truncate", length="full", **rule)
            case "drop":
                self.world.org.fault("drop", **rule)
            case "fail":
                self.world.org.fault("status", status=500, **rule)
            case _:
                self.world.org.fault("status", status=200, raw="<html>hello", **rule)

    def lose_writes(self) -> None:
        for method in ("POST", "PUT", "DELETE"):
            self.world.org.fault("lose-answer", method=method, path="/rows")

    def writes_seen(self) -> int:
        return sum(len(self.world.org.sent(method, "/rows")) for method in ("POST", "PUT", "DELETE"))

    def stop(self) -> None:
        self.world.org.clock.stop.set()

    def close(self) -> None:
        self.world.close()
