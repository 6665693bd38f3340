"""One system's place: what it keeps of a row and can do, and how a change of it is said. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from wrapctl.model import (
    Change,
    ChangeId,
    CrmMapping,
    Fields,
    Lock,
    State,
    Value,
    Verb,
    row_address,
    table_address,
)
from wrapctl.plan.matching import fold
from wrapctl.plan.view import View
from wrapctl.plan.wanted import VALUE, Wanted, label_of
from wrapctl.rows import LiveRow, LiveTable, Rows
from wrapctl.targets.interface import Capabilities

_ADVICE = {
    Verb.DEACTIVATE_ROW: ": say `on_remove: delete` or `on_remove: keep`",
    Verb.DELETE_ROW: ": say `on_remove: deactivate` or `on_remove: keep`",
}


@dataclass(slots=True)
class Pool:
    """The live rows of a system, by what they are found by: the key, or the value where it is a value list.

    ``surplus`` are own rows beside another one of the same key. ``folded`` are all rows of a value list by their value
    but for case and Unicode form.
    """

    own: dict[str, LiveRow] = field(default_factory=dict)
    surplus: list[LiveRow] = field(default_factory=list)
    foreign: dict[str, LiveRow] = field(default_factory=dict)
    folded: dict[str, list[LiveRow]] = field(default_factory=dict)


class Place:
    """Where the rows of one mapping are kept."""

    def __init__(self, view: View, mapping: CrmMapping, rows: Rows) -> None:
        self.view = view
        self.mapping = mapping
        self.system = mapping.system
        self.rows = rows
        self.can: Capabilities = view.capabilities.of(mapping.system)
        self.kept = tuple(sorted(rows.fields - {"key"}))
        self.trouble = rows.table.trouble if rows.table is not None else ""
        self.table: ChangeId | None = None

    def pool(self) -> Pool:
        """Return live rows by what they are found by; active ones first, so that a twin out of use is not preferred."""
        pool = Pool()
        for row in sorted(self.rows.rows, key=lambda one: (not active(one), one.key, one.id)):
            name = row.key
            if self.rows.value_list:
                name = f"{VALUE}{row.fields.get('value')}"
                pool.folded.setdefault(fold(name), []).append(row)
            if not row.mine:
                pool.foreign.setdefault(name, row)
            elif name in pool.own:
                pool.surplus.append(row)
            else:
                pool.own[name] = row
        return pool

    # ── values ─────────────────────────────────────────────────────────────────────────────────────────────

    def after(self, wanted: Wanted) -> tuple[dict[str, Value], str]:
        """Return a row as it is to be, in the fields that are kept here, and why its code is not clear.

        What is taken here and never given back is in it where the files say something.
        """
        pointer, unclear = self._pointer(wanted.code)
        mine: dict[str, Value] = {"system": self.system, "active": True, "code_id": pointer}
        fields: dict[str, Value] = {"key": wanted.key}
        for name in self.kept:
            if name in mine:
                fields[name] = mine[name]
            elif name in wanted.fields:
                fields[name] = wanted.fields[name]
        for name in sorted(self.rows.sent):
            if wanted.fields.get(name):
                fields[name] = wanted.fields[name]
        return fields, unclear

    def _pointer(self, key: str | None) -> tuple[Value, str]:
        """The live id of a code, or the Ref to it while this plan creates it; and why neither can be told."""
        view = self.view
        if key is None:
            return None, ""
        code = view.code_by_key.get(key)
        if code is None or code.absent:
            return None, f"it names {key}, which these files do not keep: map another code"
        if key in view.codes.blocked:
            return None, f"it is not decided which live code {key} is: {view.codes.blocked[key]}"
        live_id = view.codes.ids.get(key)
        if live_id is not None:
            return live_id, ""
        if not view.in_scope(code):
            return None, f"its code {key} is not live yet, and this plan is not about it"
        return view.refs[key], ""

    # ── changes ────────────────────────────────────────────────────────────────────────────────────────────

    def table_change(self, table: LiveTable) -> Change:
        """Return the change that makes the table, or adds the columns that it lacks; rows wait for it."""
        verb = Verb.CREATE_TABLE if table.id is None else Verb.EXTEND_TABLE
        before: Fields = {} if table.id is None else {"table": table.name, "columns": table.columns}
        reason = self.trouble or self._unable(verb)
        change = Change(
            verb,
            table_address(self.view.desired.org, self.system),
            before=before,
            after={"table": table.name, "columns": (*table.columns, *table.lacks)},
            live_id=table.id,
            label=table.name,
            within=self.system,
            source=self.mapping.source,
            lock=self.can.lock(verb),
            state=State.BLOCKED if reason else State.READY,
            reason=reason,
            system=self.system,
        )
        self.table = change.id
        return change

    def creation(self, wanted: Wanted, trouble: str = "") -> Change:
        """Return the change that makes a row."""
        after, unclear = self.after(wanted)
        return self._change(Verb.CREATE_ROW, wanted, {}, after, reason=trouble or unclear)

    def update(self, wanted: Wanted, live: LiveRow, before: Fields, after: Fields, unclear: str) -> Change:
        """Return the change of a live row."""
        return self._change(Verb.UPDATE_ROW, wanted, before, after, live=live, reason=unclear)

    def sending(self, wanted: Wanted, maker: Change) -> Change:
        """Return the row that goes out, uncompared, with the change of its code."""
        change = self.creation(wanted)
        change.lock = Lock.SENT
        change.needs = (maker.id,)
        return change

    def removal(self, row: LiveRow, key: str) -> Change:
        """Return the change that takes an own row out of use or away, as ``on_remove`` says; ``key`` names it."""
        verb = Verb.DELETE_ROW if self.mapping.on_remove == "delete" else Verb.DEACTIVATE_ROW
        before = {"key": row.key, **{name: row.fields.get(name) for name in self.kept}}
        reason = self.trouble or self._unable(verb)
        return Change(
            verb,
            row_address(self.view.desired.org, self.system, key),
            before=before,
            after={} if verb is Verb.DELETE_ROW else {**before, "active": False},
            live_id=row.id,
            label=label_of(row.key, row.fields),
            within=self.system,
            source=self.mapping.source,
            lock=self.can.lock(verb),
            state=State.BLOCKED if reason else State.READY,
            reason=reason,
            system=self.system,
        )

    def _change(
        self,
        verb: Verb,
        wanted: Wanted,
        before: Fields,
        after: Fields,
        *,
        live: LiveRow | None = None,
        reason: str = "",
    ) -> Change:
        reason = self.trouble or reason or self._unable(verb)
        return Change(
            verb,
            row_address(self.view.desired.org, self.system, wanted.key),
            before=before,
            after=after,
            live_id=live.id if live is not None else None,
            label=wanted.label,
            within=self.system,
            source=wanted.source,
            lock=self.can.lock(verb),
            state=State.BLOCKED if reason else State.READY,
            reason=reason,
            needs=self._needs(wanted),
            system=self.system,
        )

    def _needs(self, wanted: Wanted) -> tuple[ChangeId, ...]:
        """The table and the code that a row is written for, where this plan makes them."""
        needs = () if self.table is None else (self.table,)
        key = wanted.code
        if key is None or key not in self.view.addresses or key in self.view.codes.ids:
            return needs
        return (*needs, ChangeId(Verb.CREATE_CODE, self.view.addresses[key]))

    def _unable(self, verb: Verb) -> str:
        if verb in self.can.verbs:
            return ""
        what = "change a row" if verb is Verb.UPDATE_ROW else verb.value.replace(" ", " a ")
        return f"{self.can.title} cannot {what}{_ADVICE.get(verb, ': do it there by hand')}"


def active(row: LiveRow) -> bool:
    """Whether the CRM offers a row; always, where it has no such switch."""
    return row.fields.get("active") is not False
