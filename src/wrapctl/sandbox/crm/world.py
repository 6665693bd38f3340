"""A CRM instance without HTTP: how a seed is planted, who edits it, what it really holds.

A seed says ``name``, ``platform`` (``salesforce``, ``dataverse``, ``servicenow``, ``http``), ``organization`` (any
members of the instance's own record), ``settings``, ``clients``, and ``rows``: each with the CRM's own members, as the
edit ``add-row`` takes them. Everything but name and platform may be left out.

Edits by somebody in the UI (``by``), who sees everything and writes at once:
``add-row``: ``set``, the row's members. ``edit-row``: ``row``, ``set``. ``remove-row``: ``row``. ``row`` is the CRM's
id of the row, or any text that exactly one of its rows has as a member: an external key, a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wrapctl.sandbox.crm.tx import ACTIVE, DELETED, ROW, OrgTx, planting_tx
from wrapctl.sandbox.objects import Row
from wrapctl.sandbox.planting import sandbox_id
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from wrapctl.sandbox.objects import Json, Org

SOMEBODY = "dana"
READ, CREATE, UPDATE, DELETE = "read", "create", "update", "delete"
RIGHTS: Mapping[str, tuple[str, ...]] = {"admin": (READ, CREATE, UPDATE, DELETE), "readonly": (READ,)}


class Keeper(Protocol):
    """How a CRM keeps a row when somebody adds, changes or removes one in its UI. Wrong members are a ValueError."""

    def add(self, tx: OrgTx, given: Json) -> None:
        """Add a row."""
        ...

    def change(self, tx: OrgTx, row: Row, given: Json) -> None:
        """Change members of a row."""
        ...

    def remove(self, tx: OrgTx, row: Row) -> None:
        """Remove a row."""
        ...


class CrmWorld:
    """One CRM as ``platforms.Platform`` asks for it. In: how it keeps rows."""

    MEMBERS = frozenset({"rows"})
    PRESETS: Mapping[str, tuple[str, ...]] = RIGHTS
    SOMEBODY = SOMEBODY
    tx = OrgTx

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.EDITS: Mapping[str, Callable[[Any, Json], None]] = {
            "add-row": self._add,
            "edit-row": self._edit,
            "remove-row": self._remove,
        }

    def organization(self, name: str, given: Json) -> tuple[str, Json, list[Json]]:
        """Return the instance's id and its own record; there are no divisions."""
        doc: Json = dict(given.get("organization", {}))
        org_id = sandbox_id(name, doc.get("id"))
        return org_id, {"name": name} | doc | {"id": org_id}, []

    def division_id(self, org: Org, wanted: str) -> str:
        """Raise ValueError: nothing here is divided."""
        raise ValueError(f"seed {org.name}: a CRM has no divisions ({wanted!r})")

    def plant(self, con: sqlite3.Connection, org: Org, given: Json) -> None:
        """Plant the rows."""
        tx = planting_tx(con, org, self.SOMEBODY)
        for one in given.get("rows", []):
            self._keeper.add(tx, dict(one))

    def state(self, con: sqlite3.Connection, org: Org) -> Json:
        """Return ``organization``, and by id ``rows`` and, where a CRM keeps them, ``deleted`` ones."""
        rows = _all(con, org)
        return {
            "organization": org.doc,
            "rows": {row.id: row.json for row in rows if row.state == ACTIVE},
            "deleted": {row.id: row.json for row in rows if row.state == DELETED},
        }

    def _add(self, tx: OrgTx, edit: Json) -> None:
        self._keeper.add(tx, dict(edit["set"]))

    def _edit(self, tx: OrgTx, edit: Json) -> None:
        self._keeper.change(tx, _one(tx, edit["row"]), dict(edit["set"]))

    def _remove(self, tx: OrgTx, edit: Json) -> None:
        self._keeper.remove(tx, _one(tx, edit["row"]))


def _all(con: sqlite3.Connection, org: Org) -> list[Row]:
    sql = (
        "select id, name, division, state, body, since from objects"
        " where org = ? and kind = ? and until = ? order by id"
    )
    return [Row(*row) for row in con.execute(sql, (org.name, ROW, FOREVER))]


def _one(tx: OrgTx, wanted: object) -> Row:
    live = [row for row in _all(tx.con, tx.org) if row.state == ACTIVE]
    found = [row for row in live if row.id == wanted]
    found = found or [row for row in live if wanted in row.json.values()]
    if len(found) != 1:
        raise LookupError(f"{tx.org.name} has {len(found) or 'no'} rows {wanted!r}")
    return found[0]
