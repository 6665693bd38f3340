"""A saved plan laid over what is live: the state that an apply of it would leave. Pure.

Only what apply would write counts. Ids that are known only after apply stand as the addresses that will have them.
"""

from __future__ import annotations

from dataclasses import replace

from wrapctl.model import Change, Live, LiveCode, Ref, State, Value, Verb
from wrapctl.plan.plan import Plan
from wrapctl.rows import LiveRow


def overlay(live: Live, plan: Plan) -> Live:
    """Return ``live`` as it will be when ``plan`` is applied; a change whose object is not there has no effect."""
    after = _After(live)
    for change in plan.changes:
        if change.state is State.READY:
            after.take(change)
    return after.live


class _After:
    def __init__(self, live: Live) -> None:
        self._live = live
        self._codes = {code.id: code for code in live.codes}
        self._queues = {queue.id: queue for queue in live.queues}
        self._links = {queue: list(codes) for queue, codes in live.links.items()}
        self._rows = {name: {row.id: row for row in rows.rows} for name, rows in live.crm.items()}

    @property
    def live(self) -> Live:
        crm = {
            name: replace(rows, rows=tuple(self._rows[name].values()))
            for name, rows in self._live.crm.items()
        }
        return replace(
            self._live,
            codes=tuple(self._codes.values()),
            queues=tuple(self._queues.values()),
            links={queue: tuple(codes) for queue, codes in self._links.items()},
            crm=crm,
        )

    def take(self, change: Change) -> None:
        verb, live_id = change.verb, change.live_id or ""
        if change.system:
            self._row(change)
        elif verb is Verb.CREATE_CODE:
            self._codes[change.address] = LiveCode(change.address, str(change.after["name"]), change.after)
        elif verb in {Verb.UPDATE_CODE, Verb.DEACTIVATE_CODE} and live_id in self._codes:
            code = self._codes[live_id]
            fields = {**code.fields, **change.after}
            if verb is Verb.DEACTIVATE_CODE:
                fields["active"] = False
            self._codes[live_id] = replace(code, name=str(fields.get("name", code.name)), fields=fields)
        elif verb is Verb.DELETE_CODE:
            self._codes.pop(live_id, None)
        elif verb is Verb.SET_ACW and live_id in self._queues:
            queue = self._queues[live_id]
            work = {**queue.after_call_work, **change.after}
            self._queues[live_id] = replace(queue, after_call_work=work)
        else:
            self._link(change)

    def _link(self, change: Change) -> None:
        held = self._links.get(change.parent or "")
        if held is None:
            return
        if change.verb is Verb.ASSIGN:
            code = _id(change.after["code"])
            if code not in held:
                held.append(code)
        elif change.verb is Verb.UNASSIGN:
            held[:] = [one for one in held if one != change.live_id]
        elif change.verb is Verb.REORDER:
            order = change.after.get("order")
            wanted = [_id(one) for one in order] if isinstance(order, tuple) else []
            # The order is set before what leaves is taken off: that stays behind until then.
            held[:] = [*wanted, *(one for one in held if one not in wanted)]

    def _row(self, change: Change) -> None:
        rows = self._rows.get(change.system)
        if rows is None or change.verb in {Verb.CREATE_TABLE, Verb.EXTEND_TABLE}:
            return
        fields = {
            name: _id(value) if isinstance(value, Ref) else value for name, value in change.after.items()
        }
        if change.verb is Verb.CREATE_ROW:
            rows[change.address] = LiveRow(str(fields["key"]), change.address, fields)
            return
        row = rows.get(change.live_id or "")
        if row is None:
            return
        if change.verb is Verb.DELETE_ROW:
            del rows[row.id]
        elif change.verb is Verb.DEACTIVATE_ROW:
            rows[row.id] = replace(row, fields={**row.fields, "active": False})
        else:
            rows[row.id] = replace(row, key=str(fields.get("key", row.key)), fields={**row.fields, **fields})


def _id(value: Value) -> str:
    return value.address if isinstance(value, Ref) else str(value)
