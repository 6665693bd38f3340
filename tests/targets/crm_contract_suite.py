"""What a CRM target must be able to show about itself, so that one suite can run over all of them.

A new target adds a class here (or in a module of its own) and a line to ``HARNESSES``; the tests in
``test_crm_contract`` are then its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from datatable_org import DatatableHarness
from targets.crm_http import HttpHarness, PostingHarness
from targets.crm_salesforce import SalesforceHarness
from value_list_orgs import DescribedEnvironment, ServicenowInstance
from wrapctl.model import Address, Change, Fields, Live, Value, Verb, row_address
from wrapctl.plan.units import Unit
from wrapctl.rows import LiveRow, Rows
from wrapctl.targets.interface import Capabilities, Outcome, Target, Want

ORG = "acme"


class CrmHarness(Protocol):
    """One system on one connection, empty at first but for what the CRM itself ships."""

    system: str
    request_ids: bool
    """The CRM names its requests."""

    @property
    def target(self) -> Target:
        """A target whose client may write."""
        ...

    @property
    def readonly(self) -> Target | None:
        """A target whose client may only read, None where the emulation knows no such client."""
        ...

    def truth(self) -> object:
        """Everything the CRM really holds, comparable."""
        ...

    def add_foreign(self, value: str) -> str:
        """Have somebody else add a row of that value; return the id that the CRM gave it."""
        ...

    def edit(self, row_id: str, description: str, /) -> None:
        """Have somebody else write another description into a row (the time passes that the CRM's lock needs)."""
        ...

    def refuse(self, value: str) -> None:
        """Have the CRM refuse every write of a row with this value, in words that hold ``no such luck``."""
        ...

    def break_reads(self, how: str) -> None:
        """Break every listing of rows: ``cut`` the body, ``drop`` the connection, ``fail`` with a 500, ``html``."""
        ...

    def lose_writes(self) -> None:
        """Have every write processed, and its answer lost."""
        ...

    def writes_seen(self) -> int:
        """How many writes of rows arrived at the CRM."""
        ...

    def stop(self) -> None:
        """Ask the run to stop."""
        ...

    def close(self) -> None: ...


def can(harness: CrmHarness) -> Capabilities:
    """What keeps the rows of the harness's system."""
    capabilities = harness.target.capabilities
    return capabilities.systems.get(harness.system, capabilities)


def row(harness: CrmHarness, name: str, value: str = "", **other: Value) -> Fields:
    """A row as the plan would want it: of a code in a mapping table, of a value in a list of values."""
    value = value or f"Value of {name}"
    about: dict[str, Value] = {
        "system": harness.system,
        "value": value,
        "description": f"About {name}",
        "translations": (),
        "active": True,
    }
    if can(harness).value_list:
        return {"key": f"value/{value}", **about, **other}
    mapping: dict[str, Value] = {
        "key": f"to/{name}",
        "direction": "to_crm",
        "code": name,
        "code_id": f"id-of-{name}",
        "category": "sales",
        "tags": ("region:emea", "revenue"),
    }
    return {**mapping, **about, **other}


def rule(harness: CrmHarness, number: int, **condition: Value) -> Fields:
    """A rule from the CRM to a code, with a status unless a condition is given."""
    said: dict[str, Value] = dict(condition) or {"status": f"STATUS_{number}"}
    key = f"from/status={said['status']}" if "status" in said else f"from/rule-{number}"
    return {
        "key": key,
        "direction": "from_crm",
        "system": harness.system,
        "code": "SALE",
        "code_id": "id-of-SALE",
        "order": number,
        "duration_ms": 300_000,
        "active": True,
        **said,
    }


# ── what a run does ────────────────────────────────────────────────────────────────────────────────────────


def read(harness: CrmHarness, keys: Iterable[str] | None = None) -> Rows:
    """Read the rows of the harness's system, all of them or those of some keys."""
    return read_live(harness, keys).crm[harness.system]


def read_live(harness: CrmHarness, keys: Iterable[str] | None = None) -> Live:
    wanted = None if keys is None else frozenset(keys)
    return harness.target.reader().read(Want(rows={harness.system: wanted}))


def found(rows: Rows, key: str) -> LiveRow:
    """The one own row of that key."""
    (row,) = [row for row in rows.rows if row.mine and row.key == key]
    return row


def _change(harness: CrmHarness, verb: Verb, before: Fields, after: Fields, live_id: str | None) -> Change:
    key = str({**before, **after}["key"])
    return Change(
        verb,
        Address(row_address(ORG, harness.system, key)),
        before,
        after,
        live_id=live_id,
        label=key,
        lock=can(harness).lock(verb),
        digest=f"digest of {verb.value} {key}",
        system=harness.system,
    )


def create(harness: CrmHarness, wanted: Fields) -> Change:
    kept = _kept(harness, wanted)
    return _change(harness, Verb.CREATE_ROW, {}, kept, None)


def update(harness: CrmHarness, live: LiveRow, **over: Value) -> Change:
    before = {**live.fields, "key": live.key}
    return _change(harness, Verb.UPDATE_ROW, before, {**before, **over}, live.id)


def deactivate(harness: CrmHarness, live: LiveRow) -> Change:
    before = {**live.fields, "key": live.key}
    return _change(harness, Verb.DEACTIVATE_ROW, before, {**before, "active": False}, live.id)


def delete(harness: CrmHarness, live: LiveRow) -> Change:
    return _change(harness, Verb.DELETE_ROW, {**live.fields, "key": live.key}, {}, live.id)


def _kept(harness: CrmHarness, wanted: Fields) -> Fields:
    fields = read(harness, ()).fields | {"key"}
    return {name: value for name, value in wanted.items() if name in fields}


def units(harness: CrmHarness, changes: Iterable[Change]) -> list[Unit]:
    """Cut changes of one verb each into what one write carries, as the engine does."""
    cut: list[Unit] = []
    changes = list(changes)
    for verb in dict.fromkeys(change.verb for change in changes):
        fold = can(harness).verbs[verb]
        same = [change for change in changes if change.verb is verb]
        size = 1 if fold.scope == "one" else fold.size or len(same)
        cut += [Unit(fold.group, "", tuple(same[i : i + size])) for i in range(0, len(same), size)]
    return cut


def written(
    harness: CrmHarness, *changes: Change, fresh: Live | None = None, target: Target | None = None
) -> tuple[Outcome, ...]:
    """Write changes as the engine does, against a fresh read unless one is given."""
    fresh = fresh or read_live(harness)
    writer = (target or harness.target).writer()
    return tuple(outcome for unit in units(harness, changes) for outcome in writer.write(unit, fresh))


HARNESSES: dict[str, Callable[[Path], CrmHarness]] = {
    "dataverse": DescribedEnvironment,
    "genesys-datatable": DatatableHarness,
    "http": HttpHarness,
    "http, without ETags": PostingHarness,
    "salesforce": SalesforceHarness,
    "servicenow": ServicenowInstance,
}
