"""Judge a planned change of a CRM's row or table against what that system holds now. Pure.

Updates and removals find their row by the CRM's id, creates by the row's key. A row without this mapping's mark is
never written, whatever the plan says. What could not be read is neither as planned nor stale: nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wrapctl.apply.standing import Stand, Standing, over, stale, update
from wrapctl.model import NO_FIELDS, TABLE_VERBS, Change, Fields, Live, Lock, Value, Verb
from wrapctl.rows import LiveRow, LiveTable, Rows, alike

_FOREIGN = "a row that is not wrapctl's stands under that key"
_UNMARKED = "the row does not carry wrapctl's mark any more"
_ANOTHER = "another row stands under its key now"


@dataclass(frozen=True, slots=True)
class _Found:
    """One system's rows, by id and by key."""

    rows: Rows
    ids: Mapping[str, LiveRow]
    mine: Mapping[str, list[LiveRow]]
    foreign: Mapping[str, list[LiveRow]]

    @classmethod
    def of(cls, rows: Rows) -> _Found:
        mine: dict[str, list[LiveRow]] = {}
        foreign: dict[str, list[LiveRow]] = {}
        for row in rows.rows:
            (mine if row.mine else foreign).setdefault(row.key, []).append(row)
        return cls(rows, {row.id: row for row in rows.rows}, mine, foreign)


class RowSettler:
    """Judges rows and tables against one ``Live``. ``merge``: see ``settle.settle``."""

    def __init__(self, live: Live, *, merge: bool) -> None:
        self._live = live
        self._merge = merge
        self._systems: dict[str, _Found] = {}

    def settle(self, change: Change) -> Standing:
        """Judge one change of a row or a table, its references resolved."""
        if change.lock is Lock.SENT:
            return Standing(Stand.AS_PLANNED, change, change.before, None, change.after)
        found = self._found(change.system)
        if found is None:
            why = self._live.unread.get(change.system, "it was not asked for its rows")
            return Standing(
                Stand.UNREAD, change, change.before, None, change.after, why, live_id=change.live_id
            )
        if change.verb in TABLE_VERBS:
            return _table(change, found.rows.table)
        if change.verb is Verb.CREATE_ROW:
            return _create(change, found)
        row = found.ids.get(change.live_id or "")
        if row is None:
            return _gone(change, found)
        if not row.mine:
            return stale(change, _now(change, row, found), _UNMARKED)
        if change.verb is Verb.UPDATE_ROW:
            return update(change, _now(change, row, found), "row", merge=self._merge)
        return _remove(change, row, found)

    def _found(self, system: str) -> _Found | None:
        if system not in self._systems:
            rows = self._live.crm.get(system)
            if rows is None or system in self._live.unread:
                return None
            self._systems[system] = _Found.of(rows)
        return self._systems[system]


def _create(change: Change, found: _Found) -> Standing:
    wanted = change.after
    key = str(wanted.get("key"))
    mine = found.mine.get(key, [])
    if len(mine) > 1:
        ids = ", ".join(sorted(row.id for row in mine))
        return stale(change, None, f"several rows of that key are live: {ids}")
    if mine:
        now = _now(change, mine[0], found)
        if now == dict(wanted):
            return Standing(Stand.ALREADY, change, NO_FIELDS, now, wanted, live_id=mine[0].id)
        fields = ", ".join(name for name in sorted(wanted) if now[name] != wanted[name])
        why = f"a row of that key is live with another {fields}"
        return replace(stale(change, now, why), live_id=mine[0].id)
    foreign = found.foreign.get(key, [])
    if not foreign:
        return Standing(Stand.AS_PLANNED, change, NO_FIELDS, None, wanted)
    if not found.rows.value_list:
        return stale(change, _now(change, foreign[0], found), _FOREIGN)
    offered = [row for row in foreign if row.fields.get("active") is not False]
    if not offered:
        why = "that value is there, inactive and not wrapctl's"
        return stale(change, _now(change, foreign[0], found), why)
    # The CRM has that value in its list: whoever put it there, it can be recorded.
    now = _now(change, offered[0], found)
    return Standing(Stand.ALREADY, change, NO_FIELDS, now, wanted, live_id=offered[0].id)


def _remove(change: Change, row: LiveRow, found: _Found) -> Standing:
    now = _now(change, row, found)
    if change.verb is Verb.DEACTIVATE_ROW and row.fields.get("active") is False:
        return Standing(Stand.ALREADY, change, change.before, now, change.after, live_id=row.id)
    moved = [name for name in sorted(change.before) if not alike(now[name], change.before[name])]
    if moved:
        # Never merged: what is taken away was approved as it was, all of it.
        return stale(change, now, f"{', '.join(moved)} changed since the plan was made")
    return Standing(Stand.AS_PLANNED, change, change.before, now, change.after, live_id=row.id)


def _gone(change: Change, found: _Found) -> Standing:
    """Judge what was to happen to a row that is not there any more."""
    if change.verb is not Verb.UPDATE_ROW:
        return Standing(Stand.ALREADY, change, change.before, None, change.after, live_id=change.live_id)
    other = found.mine.get(str(change.before.get("key")))
    if other:  # taken away and made anew by somebody else: nobody approved a change of that one
        return stale(change, _now(change, other[0], found), _ANOTHER)
    return update(change, None, "row", merge=False)


def _table(change: Change, table: LiveTable | None) -> Standing:
    if table is None:
        return stale(change, None, "this system keeps no table that could be made or extended")
    creates = change.verb is Verb.CREATE_TABLE
    held: Fields = {"table": table.name, "columns": table.columns}
    now = None if table.id is None else over({**change.before, **change.after}, held)
    standing = Standing(Stand.AS_PLANNED, change, change.before, now, change.after, live_id=table.id)
    if table.id is not None and not table.lacks:
        return replace(standing, stand=Stand.ALREADY)
    if table.trouble:
        return stale(change, now, table.trouble)
    if table.id is None:
        return standing if creates else stale(change, None, "the table is not there any more")
    lacks = ", ".join(table.lacks)
    if creates:
        return stale(change, now, f"a table of that name is live, and lacks {lacks}")
    columns = change.after.get("columns")
    if set(table.lacks) <= set(columns if isinstance(columns, tuple) else ()):
        return standing
    return stale(change, now, f"the table lacks other columns than then: {lacks}")


def _now(change: Change, row: LiveRow, found: _Found) -> dict[str, Value]:
    """Return the row over the fields of a change, a value that means the same as the wanted one written like it.

    What the place never gives back is taken to be as it is wanted: nothing could ever tell.
    """
    live = {**row.fields, "key": row.key}
    live.update({name: change.after[name] for name in found.rows.sent if name in change.after})
    now: dict[str, Value] = {}
    for name in {**change.before, **change.after}:
        value = live.get(name)
        sides = (side[name] for side in (change.after, change.before) if name in side)
        now[name] = next((side for side in sides if alike(value, side)), value)
    return now
