"""A fake CRM in memory: tables of mapping rows, or lists of values, with tokens, marks and moods.

Creates travel 200 to a request and are answered row by row; everything else goes alone, under the token of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fakes import Refusal, Server
from wrapctl.errors import PlatformAnswer, TargetError
from wrapctl.model import Change, ChangeId, Identity, Live, Lock, Value, Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import LiveRow, LiveTable, Rows
from wrapctl.targets.interface import Capabilities, Fold, Outcome, Result, Want

KEPT = frozenset({"key", "direction", "code", "code_id", "value", "description", "active"})
VALUES = frozenset({"key", "value", "description", "active"})

TABLE_LIKE = Capabilities(
    name="liketable",
    title="Like a table",
    code_fields={},
    queue_fields={},
    verbs={
        Verb.CREATE_TABLE: Fold("table"),
        Verb.EXTEND_TABLE: Fold("table"),
        Verb.CREATE_ROW: Fold("rows", "org", 200),
        Verb.UPDATE_ROW: Fold("row"),
        Verb.DEACTIVATE_ROW: Fold("row"),
        Verb.DELETE_ROW: Fold("row"),
    },
    locks={
        Verb.CREATE_ROW: Lock.UNIQUE,
        Verb.UPDATE_ROW: Lock.CONDITIONAL,
        Verb.DEACTIVATE_ROW: Lock.CONDITIONAL,
    },
    rows_per_request=100,
)
ONE_BY_ONE = replace(TABLE_LIKE, verbs={**TABLE_LIKE.verbs, Verb.CREATE_ROW: Fold("row")})
LIST_LIKE = replace(TABLE_LIKE, name="likelist", title="Like a list", value_list=True)


@dataclass
class Row:
    """One row; ``version`` is its token."""

    key: str
    fields: dict[str, Value]
    mine: bool = True
    version: int = 1


@dataclass
class Held:
    """What one system holds: rows by id, and the columns of the table that keeps them (None: there is none)."""

    rows: dict[str, Row] = field(default_factory=dict)
    columns: tuple[str, ...] | None = ("a", "b")

    def of(self, key: str, *, mine: bool = True) -> Row:
        return next(row for row in self.rows.values() if row.key == key and row.mine is mine)


class FakeCrm(Server[dict[str, Held]]):
    """One CRM connection and the systems on it (``Target``).

    ``refuses``: key → the words with which the CRM refuses that row. ``hidden`` are keys that somebody holds whom
    this client does not see. ``unreadable``: system → why its rows cannot be read while the others can.
    ``needed``: columns that a table has to have, where wrapctl may make it. ``compared`` is False where nothing can
    be read back.
    """

    def __init__(
        self,
        *systems: str,
        capabilities: Capabilities = TABLE_LIKE,
        lag: int = 0,
        needed: tuple[str, ...] = (),
        compared: bool = True,
    ) -> None:
        super().__init__({system: Held() for system in systems}, lag)
        self.capabilities = capabilities
        self.needed = needed
        self.compared = compared
        self.refuses: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.unreadable: dict[str, str] = {}
        self.closed = False

    def holds(
        self, system: str, key: str, *, mine: bool = True, row_id: str | None = None, **fields: Value
    ) -> str:
        """Put a row there as if it had always been; return its id."""
        row_id = row_id or f"row-{len(self.state[system].rows) + 1}"
        self.state[system].rows[row_id] = Row(key, {"active": True, **fields}, mine)
        return row_id

    def told(self, system: str) -> list[str]:
        """The rows of a system in a line each."""
        return [
            f"{row.key} {row.fields.get('value')}"
            + (f" [{row.fields['code_id']}]" if row.fields.get("code_id") else "")
            + ("" if row.fields.get("active") else " (inactive)")
            + ("" if row.mine else " (theirs)")
            for row in sorted(self.state[system].rows.values(), key=lambda row: (row.key, row.mine))
        ]

    def reader(self) -> FakeCrmReader:
        return FakeCrmReader(self)

    def writer(self) -> FakeCrmWriter:
        return FakeCrmWriter(self)

    def close(self) -> None:
        self.closed = True

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self, held: Held, keys: frozenset[str] | None) -> Rows:
        table = None
        if self.needed:
            columns = held.columns or ()
            table = LiveTable(
                "Mappings",
                None if held.columns is None else "t-1",
                columns,
                tuple(one for one in self.needed if one not in columns),
            )
        values = self.capabilities.value_list
        return Rows(
            VALUES if values else KEPT,
            tuple(
                LiveRow(row.key, row_id, dict(row.fields), row.mine, str(row.version))
                for row_id, row in held.rows.items()
                if keys is None or row.key in keys
            ),
            complete=keys is None,
            table=table,
            value_list=values,
            compared=self.compared,
        )

    def live(self) -> Mapping[str, Rows]:
        """Everything, without a request."""
        return {system: self.rows(held, None) for system, held in self.state.items()}

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, unit: Unit, fresh: Live) -> list[Outcome]:
        assert len({change.system for change in unit.changes}) == 1, "a unit is of one system"
        match unit.changes[0].verb:
            case Verb.CREATE_ROW:
                return self._create(unit)
            case Verb.CREATE_TABLE | Verb.EXTEND_TABLE:
                return self.together(unit, f"PUT {unit.changes[0].system} table", _tabling(unit.changes[0]))
            case Verb.DELETE_ROW:
                return [self.answer(one, f"DELETE {one.live_id}", _deleting(one)) for one in unit.changes]
            case _:
                return [
                    self.answer(one, f"PATCH {one.live_id}", self._patch(one, fresh)) for one in unit.changes
                ]

    def _create(self, unit: Unit) -> list[Outcome]:
        system = unit.changes[0].system
        answers: dict[ChangeId, Outcome] = {}

        def effect(state: dict[str, Held]) -> None:
            for change in unit.changes:
                answers[change.id] = self._created(change, state[system])

        keys = ",".join(str(change.after["key"]) for change in unit.changes)
        outcomes = self.together(unit, f"POST {system} {keys}", effect)
        return [answers[one.id] if one.result is Result.DONE else one for one in outcomes]

    def _created(self, change: Change, held: Held) -> Outcome:
        key = str(change.after["key"])
        if key in self.refuses:
            answer = PlatformAnswer("POST rows", 400, "invalid", self.refuses[key], "req-row")
            return Outcome(change.id, Result.REFUSED, answer=answer, request_id="req-row")
        if key in self.hidden or any(row.key == key and row.mine for row in held.rows.values()):
            return Outcome(change.id, Result.EXISTS)
        row_id = self.new_id()
        held.rows[row_id] = Row(key, {name: v for name, v in change.after.items() if name != "key"})
        return Outcome(change.id, Result.DONE, live_id=row_id)

    def _patch(self, change: Change, fresh: Live) -> Callable[[dict[str, Held]], None]:
        token = next(row.token for row in fresh.crm[change.system].rows if row.id == change.live_id)

        def effect(state: dict[str, Held]) -> None:
            row = state[change.system].rows.get(change.live_id or "")
            if row is None or str(row.version) != token:
                raise Refusal(Result.STALE, 412, "precondition.failed")
            if row.key in self.refuses:
                raise Refusal(Result.REFUSED, 400, self.refuses[row.key])
            row.key = str(change.after.get("key", row.key))
            row.fields.update({name: value for name, value in change.after.items() if name != "key"})
            row.version += 1

        return effect


class FakeCrmReader:
    """Reads one system in a request."""

    def __init__(self, crm: FakeCrm) -> None:
        self._crm = crm

    def identity(self) -> Identity:
        return Identity("crm-1", "CRM")

    def read(self, want: Want) -> Live:
        crm = self._crm
        assert want == Want(rows=want.rows), "a CRM is asked for rows alone"
        crm.began_read()
        found: dict[str, Rows] = {}
        for system, keys in want.rows.items():
            which = "all" if keys is None else ",".join(sorted(keys))
            crm.request(f"GET {system} {which}", lambda state: None)
            if system in crm.unreadable:
                raise TargetError(crm.unreadable[system])
            found[system] = crm.rows(crm.visible()[system], keys)
        return Live(self.identity(), crm=found)


class FakeCrmWriter:
    """Writes the fake; only apply makes one."""

    def __init__(self, crm: FakeCrm) -> None:
        self._crm = crm

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        return tuple(self._crm.send(unit, fresh))


def _deleting(change: Change) -> Callable[[dict[str, Held]], None]:
    def effect(state: dict[str, Held]) -> None:
        state[change.system].rows.pop(change.live_id or "", None)

    return effect


def _tabling(change: Change) -> Callable[[dict[str, Held]], None]:
    def effect(state: dict[str, Held]) -> None:
        columns = change.after["columns"]
        assert isinstance(columns, tuple)
        state[change.system].columns = tuple(str(one) for one in columns)

    return effect
