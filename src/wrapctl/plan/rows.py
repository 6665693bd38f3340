"""Compare the rows that mappings want with what the CRM systems hold. Pure.

Only rows that carry wrapctl's marker or key prefix change. A system that was not read has no changes at all: what is
not known is neither pending nor in sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wrapctl.errors import Problem, Severity
from wrapctl.model import Address, Change, CrmMapping, State, Value, Verb
from wrapctl.plan.matching import fold
from wrapctl.plan.place import Place, Pool, active
from wrapctl.plan.plan import Unmanaged
from wrapctl.plan.pointers import Pointers
from wrapctl.plan.view import View
from wrapctl.plan.wanted import VALUE, Wanted, has_rules, in_scope, is_rule, label_of, wanted_rows, whole
from wrapctl.rows import LiveRow, Rows, alike

NOT_READ = "its rows were not read"

_MAKERS = frozenset({Verb.CREATE_CODE, Verb.UPDATE_CODE})


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing shows. ``unread``: ``system: why`` for each system of whose rows nothing is known."""

    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...]
    warnings: tuple[Problem, ...]
    unread: tuple[str, ...]
    pointers: Pointers


def row_changes(view: View) -> Compared:
    """Return what is to be done to the rows in scope, and what they mean for the codes that they name."""
    changes: list[Change] = []
    unmanaged: list[Unmanaged] = []
    warnings: list[Problem] = []
    unread: list[str] = []
    pointers = Pointers(view)
    for mapping in sorted(view.desired.crm, key=lambda one: one.system):
        rows = view.live.crm.get(mapping.system)
        wants = _wants(view, mapping, rows)
        if rows is None:
            pointers.hidden.append(mapping.system)
            why = view.live.unread.get(mapping.system)
            seen = whole(view.scope, mapping.system) or any(
                in_scope(view.scope, mapping.system, one) for one in wants
            )
            if why is not None or seen:
                unread.append(f"{mapping.system}: {why or NOT_READ}")
                pointers.unread(mapping)
        elif rows.compared:
            one = _Comparison(view, mapping, rows, wants)
            one.compare(pointers)
            changes += one.changes
            unmanaged += one.unmanaged
            warnings += one.warnings
    return Compared(tuple(changes), tuple(unmanaged), tuple(warnings), tuple(unread), pointers)


def sent_rows(view: View, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the rows that go out where nothing can be read back, each with the change of the code that it names."""
    unseen = {system: rows for system, rows in view.live.crm.items() if not rows.compared}
    mappings = [mapping for mapping in view.desired.crm if mapping.system in unseen]
    if not mappings:
        return
    makers: Mapping[Address, Change] = {
        one.address: one for one in changes if one.verb in _MAKERS and one.state is State.READY
    }
    for mapping in mappings:
        rows = unseen[mapping.system]
        place = Place(view, mapping, rows)
        for wanted in _wants(view, mapping, rows):
            address = view.addresses.get(wanted.code) if wanted.code is not None else None
            maker = makers.get(address) if address is not None else None
            if maker is not None:
                yield place.sending(wanted, maker)


def _wants(view: View, mapping: CrmMapping, rows: Rows | None) -> tuple[Wanted, ...]:
    can = view.capabilities.systems.get(mapping.system)
    value_list = rows.value_list if rows is not None else can is not None and can.value_list
    rules = can is None or has_rules(can, value_list=value_list)
    return wanted_rows(mapping, value_list=value_list, rules=rules)


class _Comparison:
    """One system: its live rows against those that are wanted."""

    def __init__(self, view: View, mapping: CrmMapping, rows: Rows, wants: tuple[Wanted, ...]) -> None:
        self.view = view
        self.mapping = mapping
        self.system = mapping.system
        self.rows = rows
        self.place = Place(view, mapping, rows)
        self.wants = [one for one in wants if in_scope(view.scope, mapping.system, one)]
        self.declared = frozenset(one.key for one in wants)
        self.changes: list[Change] = []
        self.unmanaged: list[Unmanaged] = []
        self.warnings: list[Problem] = []
        self._used: set[str] = set()

    def compare(self, pointers: Pointers) -> None:
        """Find changes, warnings and what is not managed; tell ``pointers`` what becomes of each row."""
        self._rules()
        table = self.rows.table
        if table is not None and self.wants and (table.id is None or table.lacks):
            self.changes.append(self.place.table_change(table))
        pool = self.place.pool()
        for wanted in self.wants:
            self._wanted(pool, wanted)
        self._left(pool)
        self._most()
        self._strangers()
        if not self.rows.value_list:
            fates = {one.live_id: one for one in self.changes if one.live_id is not None}
            pointers.compared(self.mapping, self.rows, fates)

    # ── rows that are wanted ───────────────────────────────────────────────────────────────────────────────

    def _wanted(self, pool: Pool, wanted: Wanted) -> None:
        live = self._own(pool, wanted)
        if live is not None:
            self._used.add(live.id)
            change = self._update(wanted, live)
            if change is not None:
                self.changes.append(change)
            return
        stranger = pool.foreign.get(wanted.key)
        if stranger is None:
            self.changes.append(self.place.creation(wanted, self._alike(pool, wanted)))
        elif self.rows.value_list and active(stranger):
            self._used.add(stranger.id)
        else:
            taken = _taken(wanted, stranger, value_list=self.rows.value_list)
            self.changes.append(self.place.creation(wanted, taken))

    def _own(self, pool: Pool, wanted: Wanted) -> LiveRow | None:
        """The own row of a wanted one: by its key; in a value list also by a value that it had before.

        There the same value but for case or Unicode form counts as one that it had: few lists tell those apart.
        """
        row = pool.own.get(wanted.key)
        if row is not None or not self.rows.value_list or wanted.key in pool.foreign:
            return row
        former = [f"{VALUE}{value}" for value in wanted.previously]
        candidates = [pool.own[key] for key in former if key in pool.own]
        candidates += [row for row in pool.folded.get(fold(wanted.key), ()) if row.mine]
        for row in candidates:
            if row.id not in self._used and f"{VALUE}{row.fields.get('value')}" not in self.declared:
                return row
        return None

    def _alike(self, pool: Pool, wanted: Wanted) -> str:
        """Why a value should not be made beside one of somebody else that looks the same."""
        for row in pool.folded.get(fold(wanted.key), ()):
            if not row.mine:
                return (
                    f'the CRM has "{row.fields.get("value")}" already (id {row.id}), which differs in case or Unicode '
                    "form alone and was not made by wrapctl: write the value as it is there"
                )
        return ""

    def _update(self, wanted: Wanted, live: LiveRow) -> Change | None:
        after, unclear = self.place.after(wanted)
        before: dict[str, Value] = {"key": live.key}
        same = live.key == wanted.key
        for name, value in after.items():
            if name == "key":
                continue
            if name in self.rows.sent:
                before[name] = value
                continue
            had = before[name] = live.fields.get(name)
            if name == "code_id" and unclear:
                after[name] = had
            elif had != value:
                if alike(had, value):
                    after[name] = had
                else:
                    same = False
        return None if same else self.place.update(wanted, live, before, after, unclear)

    # ── rows that nothing wants any more ───────────────────────────────────────────────────────────────────

    def _left(self, pool: Pool) -> None:
        """What becomes of own rows that nothing wants, by ``on_remove``; only where all rows are looked at."""
        everything = whole(self.view.scope, self.system) and self.rows.complete
        left = [row for row in (*pool.own.values(), *pool.surplus) if row.id not in self._used]
        taken = set(self.declared)
        for row in sorted(left, key=lambda one: (one.key, one.id)):
            if not everything and not self._of_tombstone(row):
                continue
            if not active(row) and self.mapping.on_remove != "delete":
                continue
            if self.mapping.on_remove == "keep":
                self._keep(row)
                continue
            # Two changes never share an address: a twin is told apart by its id.
            self.changes.append(
                self.place.removal(row, row.key if row.key not in taken else f"{row.key}~{row.id}")
            )
            taken.add(row.key)

    def _of_tombstone(self, row: LiveRow) -> bool:
        """Whether a row names a code in scope that is to go, so that it has to go first."""
        key = row.fields.get("code")
        code = self.view.code_by_key.get(key) if isinstance(key, str) else None
        return code is not None and code.absent and self.view.in_scope(code)

    @property
    def _lists(self) -> bool:
        return self.view.scope.whole and self.view.desired.policy.unmanaged != "ignore"

    def _keep(self, row: LiveRow) -> None:
        if self._lists:
            label = label_of(row.key, row.fields)
            self.unmanaged.append(Unmanaged("row", row.id, label, None, "kept", self.system))

    def _strangers(self) -> None:
        """Foreign rows are counted, for there may be thousands; those that serve a mapping are not strangers."""
        count = sum(not row.mine and active(row) and row.id not in self._used for row in self.rows.rows)
        if count and self._lists:
            self.unmanaged.append(Unmanaged("row", "", "", None, "foreign", self.system, count))

    # ── the whole of it ────────────────────────────────────────────────────────────────────────────────────

    def _rules(self) -> None:
        """Warn where a target's options leave no place for rules; of value lists the files' check has warned."""
        looked_at = bool(self.wants) or whole(self.view.scope, self.system)
        if not looked_at or self.rows.value_list or has_rules(self.place.can, value_list=False):
            return
        count = sum(is_rule(row) for row in self.mapping.rows)
        if count:
            stay = (
                f'{count} rules of "{self.system}" stay' if count > 1 else f'1 rule of "{self.system}" stays'
            )
            self.warnings.append(
                Problem(
                    self.mapping.source,
                    f"{stay} in these files: {self.place.can.title} has no place for what leads back to a code",
                    "`wrapctl crm check` tells them; a mapping table can keep them too",
                    Severity.WARNING,
                )
            )

    def _most(self) -> None:
        """Rows are made before others go, so that all of them must fit at once."""
        most = self.rows.most if self.rows.most is not None else self.place.can.rows_max
        held = self.rows.total
        if held is None and self.rows.complete:
            held = len(self.rows.rows)
        ready = [one for one in self.changes if one.state is State.READY]
        creates = [one for one in ready if one.verb is Verb.CREATE_ROW]
        if most is None or held is None or held + len(creates) <= most:
            return
        deletes = sum(one.verb is Verb.DELETE_ROW for one in ready)
        reason = f"it holds at most {most:,} rows, has {held:,} and would get {len(creates):,} more"
        if held + len(creates) - deletes <= most:
            reason += "; room is made only by deletes in this plan: the next run does it"
        for change in creates:
            change.state, change.reason = State.BLOCKED, reason


def _taken(wanted: Wanted, stranger: LiveRow, *, value_list: bool) -> str:
    if value_list:
        return (
            f'"{wanted.label}" is there already as id {stranger.id}, inactive and not made by wrapctl, '
            "so that it is never touched: activate it there, or map to another value"
        )
    return (
        f"a row of this key is there already as id {stranger.id} and does not carry wrapctl's mark, "
        "so that it is never touched: remove it there, or choose another `prefix`"
    )
