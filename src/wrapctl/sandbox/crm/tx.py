"""A CRM instance inside one transaction: its rows, of one or several tables, as JSON bodies."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from wrapctl.sandbox import objects
from wrapctl.sandbox.objects import Actor, Row, changed, dumps
from wrapctl.sandbox.planting import PLANTED
from wrapctl.sandbox.settings import CrmSettings
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    import sqlite3

    from wrapctl.sandbox.objects import Json, Org

ROW = "row"
ACTIVE = "active"
DELETED = "deleted"


class OrgTx(objects.OrgTx):
    """One instance, seen by one request. A row's table stands where other platforms have a division."""

    planting = False

    @property
    def settings(self) -> CrmSettings:
        """The instance's settings."""
        if not isinstance(self.org.settings, CrmSettings):
            raise TypeError(f"{self.org.name} is no CRM")
        return self.org.settings

    @property
    def stamp(self) -> str:
        """The date of this write; that of a seed is the same on every machine."""
        return PLANTED if self.planting else super().stamp

    @property
    def milliseconds(self) -> int:
        """The date of this write as a number that no other write of the instance has."""
        return int(datetime.fromisoformat(self.stamp).timestamp() * 1000)

    def rows(self, table: str, *, true: bool = False) -> list[Row]:
        """Return the rows of a table by id, as a read shows them by now or as they really are."""
        sql = (
            "select id, name, division, state, body, since from objects where org = ? and kind = ? and division = ?"
            " and state = ? and since <= ? and until > ? order by id"
        )
        seq = FOREVER - 1 if true else self.seq
        found = self.con.execute(sql, (self.org.name, ROW, table, ACTIVE, seq, seq))
        return [Row(*row) for row in found]

    def row(self, table: str, row_id: str, *, true: bool = False) -> Row | None:
        """Return a row of a table, deleted ones included."""
        row = self.truth(ROW, row_id) if true else self.seen(ROW, row_id)
        return row if row is not None and row.division == table else None

    def put(self, table: str, row_id: str, name: str, body: Json) -> None:
        """Create or replace a row."""
        held = self.truth(ROW, row_id)
        before = held.json if held and held.state == ACTIVE else {}
        self.save(ROW, row_id, name=name, division=table, body=dumps(body))
        if not self.planting:
            self.audit("Update" if before else "Create", table, (row_id, name), changed(before, body))

    def remove(self, row: Row, *, trace: bool = False) -> None:
        """Remove a row; ``trace``: it is still known that it was there."""
        if trace:
            self.save(ROW, row.id, name=row.name, division=row.division, body=row.body, state=DELETED)
        else:
            self.drop(ROW, row.id)
        self.audit("Delete", row.division, (row.id, row.name), changed(row.json, {}))

    def refusal_of(self, body: Json) -> str:
        """Return the words with which the instance's own rules refuse a row, by the ``refused`` setting."""
        text = json.dumps(body, ensure_ascii=False)
        return next((words for needle, words in self.settings.refused.items() if needle in text), "")


def planting_tx(con: sqlite3.Connection, org: Org, somebody: str) -> OrgTx:
    """Return a transaction that plants: what it writes is as old as a seed."""
    tx = OrgTx(con, org, seq=0, actor=Actor("user", somebody), clock=lambda: 0.0)
    tx.planting = True
    return tx
