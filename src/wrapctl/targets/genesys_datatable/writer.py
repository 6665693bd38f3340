"""Writes mapping rows and their tables: one write per change, each sent once."""

from __future__ import annotations

from wrapctl.errors import TargetError
from wrapctl.model import Change, Fields, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import LiveRow, Rows
from wrapctl.targets.genesys.classify import unread
from wrapctl.targets.genesys.reader import GenesysReader
from wrapctl.targets.genesys_datatable import convert, tables
from wrapctl.targets.genesys_datatable.classify import failed
from wrapctl.targets.genesys_datatable.convert import Body
from wrapctl.targets.genesys_datatable.reader import Kept, Places
from wrapctl.targets.genesys_datatable.tables import Tables
from wrapctl.targets.interface import Outcome, Result


class DatatableWriter:
    """Sends each change as one write. A lost answer is *unknown*, and reading settles it."""

    def __init__(self, connected: Tables, places: Places) -> None:
        self._tables = connected
        self._places = places
        self._platform = GenesysReader(connected.api)

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        return tuple(self._one(change, fresh) for change in unit.changes)

    def _one(self, change: Change, fresh: Live) -> Outcome:
        kept, rows = self._places.get(change.system), fresh.crm.get(change.system)
        if kept is None or rows is None:
            return _refused(change, f"nothing was read of the rows of {change.system}")
        match change.verb:
            case Verb.CREATE_TABLE:
                # Another mapping of this run may want the same table at the same time.
                with self._tables.memory.making:
                    return self._create_table(change, kept)
            case Verb.EXTEND_TABLE:
                return self._extend_table(change)
            case Verb.CREATE_ROW | Verb.UPDATE_ROW | Verb.DEACTIVATE_ROW | Verb.DELETE_ROW:
                table_id = (rows.table.id if rows.table else None) or self._tables.memory.made.get(
                    kept.options.table
                )
                if table_id is None:
                    return _stale(change, f'there is no data table "{kept.options.table}"')
                return self._row(change, kept, table_id, rows)
            case _:
                return _refused(change, f"a data table cannot {change.verb.value}")

    # ── rows ───────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, change: Change, kept: Kept, table_id: str, rows: Rows) -> Outcome:
        if change.verb is Verb.CREATE_ROW:
            key = kept.key(str(change.after["key"]))
            body = convert.row_body(change.after, key, kept.place, convert.NO_BODY)
            return self._send(change, "POST", tables.ROWS, {"datatableId": table_id}, body, made=key)
        params = {"datatableId": table_id, "rowId": change.live_id or ""}
        if change.verb is Verb.DELETE_ROW:
            return self._send(change, "DELETE", tables.ROW, params, None)
        live = next((row for row in rows.rows if row.id == change.live_id), None)
        if live is None:
            return _stale(change, "the row is not there any more")
        if not live.mine:
            return _stale(change, "the row does not carry wrapctl's mark any more")
        return self._put(change, kept, table_id, live)

    def _put(self, change: Change, kept: Kept, table_id: str, live: LiveRow) -> Outcome:
        """Write the whole row as it was read, our fields changed: what a PUT leaves out falls back to a default."""
        fields: Fields = {**live.fields, **change.after}
        if change.verb is Verb.DEACTIVATE_ROW:
            fields = {**fields, "active": False}
        try:
            rest = self._tables.rest(table_id, live.id)
        except TargetError as error:
            return unread(change, error)
        body = convert.row_body(fields, live.id, kept.place, rest)
        params = {"datatableId": table_id, "rowId": live.id}
        return self._send(change, "PUT", tables.ROW, params, body)

    # ── tables ─────────────────────────────────────────────────────────────────────────────────────────────

    def _create_table(self, change: Change, kept: Kept) -> Outcome:
        name, division = kept.options.table, kept.options.division
        made = self._tables.memory.made.get(name)
        if made is not None:
            # For another mapping; reads may lag behind.
            return Outcome(change.id, Result.DONE, live_id=made, message="made a moment ago")
        division_id = None
        if division is not None:
            try:
                found = {one.name: one.id for one in self._platform.divisions()}
            except TargetError as error:
                return unread(change, error)
            division_id = found.get(division)
            if division_id is None:
                hint = "correct `division` of the mapping's target"
                return _refused(change, f'there is no division "{division}" in this org', hint)
        body = convert.new_table(kept.options, division_id)
        outcome = self._send(change, "POST", tables.TABLES, {}, body)
        if outcome.result is Result.DONE and outcome.live_id:
            with self._tables.memory.lock:
                self._tables.memory.made[name] = outcome.live_id
        return outcome

    def _extend_table(self, change: Change) -> Outcome:
        """Add the columns to the schema as it is right now: what somebody else added meanwhile must stay."""
        table_id = change.live_id or ""
        try:
            now = self._tables.table(table_id)
            table = convert.live_table(now)
        except TargetError as error:
            return unread(change, error)
        if not table.lacks:
            return Outcome(change.id, Result.DONE, live_id=table_id, message="already as wanted")
        if table.trouble:
            return _stale(change, table.trouble)
        return self._send(change, "PUT", tables.TABLE, {"datatableId": table_id}, convert.extended(now))

    def _send(
        self,
        change: Change,
        method: str,
        template: str,
        params: dict[str, str],
        body: Body | None,
        *,
        made: str | None = None,
    ) -> Outcome:
        """Send a write. ``made``: the id that a create will have; a table's comes with the answer."""
        try:
            reply = self._tables.send(method, template, params, body)
        except TargetError as error:
            return failed(change, error)
        if method == "POST" and made is None:
            told = reply.value.get("id") if isinstance(reply.value, dict) else None
            if not isinstance(told, str) or not told:
                text = "the platform took the create and did not say which id it made"
                return Outcome(change.id, Result.UNKNOWN, message=text, request_id=reply.request_id)
            made = told
        return Outcome(change.id, Result.DONE, live_id=made, request_id=reply.request_id)


def _stale(change: Change, why: str) -> Outcome:
    return Outcome(change.id, Result.STALE, message=why, hint="plan again")


def _refused(change: Change, why: str, hint: str = "") -> Outcome:
    return Outcome(change.id, Result.REFUSED, message=why, hint=hint)
