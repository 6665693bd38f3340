"""One change of a row or a table, what its system holds, one judgement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from world import live
from wrapctl.apply.settle import settle
from wrapctl.apply.standing import Known, Stand, Standing
from wrapctl.model import (
    Change,
    Live,
    Lock,
    Ref,
    Value,
    Verb,
    code_address,
    row_address,
    table_address,
)
from wrapctl.rows import LiveRow, LiveTable, Rows

KEPT = frozenset({"value", "code_id", "description", "active"})
ROW: dict[str, Value] = {"key": "to/A", "value": "one", "code_id": "c1", "active": True}
CODE = code_address("acme", "A")


def change(verb: Verb, before: dict[str, Value], after: dict[str, Value], **more: object) -> Change:
    made = Change(verb, row_address("acme", "crm", "to/A"), before, after, live_id="r1", system="crm")
    return replace(made, **more)  # type: ignore[arg-type]  # tests name real fields


CREATE = change(Verb.CREATE_ROW, {}, ROW, live_id=None)
UPDATE = change(Verb.UPDATE_ROW, ROW, {**ROW, "value": "two"})
RETIRE = change(Verb.DEACTIVATE_ROW, ROW, {**ROW, "active": False})
DELETE = change(Verb.DELETE_ROW, ROW, {})


def row(row_id: str = "r1", *, mine: bool = True, **fields: Value) -> LiveRow:
    own = {name: value for name, value in ROW.items() if name != "key"}
    return LiveRow(str(fields.pop("key", "to/A")), row_id, {**own, **fields}, mine)


def world(*rows: LiveRow, **more: object) -> Live:
    return live(crm={"crm": replace(Rows(KEPT, rows), **more)})  # type: ignore[arg-type]  # tests name real fields


def verdict(standing: Standing) -> str:
    return f"{standing.stand}: {standing.why}" if standing.why else str(standing.stand)


PLANNED, ALREADY = "as planned", "already as wanted"
MOVED = "stale: value changed since the plan was made"
UNMARKED = "stale: the row does not carry wrapctl's mark any more"


@pytest.mark.parametrize(
    ("one", "rows", "expected"),
    [
        (CREATE, [], PLANNED),
        (CREATE, [row()], ALREADY),
        (CREATE, [row(description="")], ALREADY),
        (CREATE, [row(value="x")], "stale: a row of that key is live with another value"),
        (CREATE, [row("r1"), row("r2")], "stale: several rows of that key are live: r1, r2"),
        (CREATE, [row(mine=False)], "stale: a row that is not wrapctl's stands under that key"),
        (CREATE, [row(), row("r2", mine=False)], ALREADY),
        (UPDATE, [row()], PLANNED),
        (UPDATE, [row(value="two")], ALREADY),
        (UPDATE, [row(value="x")], MOVED),
        (UPDATE, [row(code_id="c2")], "stale: code_id changed since the plan was made"),
        (UPDATE, [row(mine=False)], UNMARKED),
        (UPDATE, [], "stale: the row is not there any more"),
        (UPDATE, [row("r2")], "stale: another row stands under its key now"),
        (UPDATE, [row(), row("r2", mine=False)], PLANNED),
        (RETIRE, [row()], PLANNED),
        (RETIRE, [row(active=False)], ALREADY),
        (RETIRE, [row(active=False, value="x")], ALREADY),
        (RETIRE, [row(value="x")], MOVED),
        (RETIRE, [], ALREADY),
        (DELETE, [row()], PLANNED),
        (DELETE, [], ALREADY),
        (DELETE, [row("twin")], ALREADY),
        (DELETE, [row(value="x")], MOVED),
        (DELETE, [row(mine=False)], UNMARKED),
    ],
)
def test_a_row_is_as_planned_already_as_wanted_or_stale(
    one: Change, rows: list[LiveRow], expected: str
) -> None:
    assert verdict(settle(one, world(*rows))) == expected


VALUE = replace(CREATE, after={"key": "value/one", "value": "one", "active": True})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], PLANNED),
        ([row(key="value/one")], ALREADY),
        ([row(key="value/one", mine=False)], ALREADY),
        (
            [row("r1", key="value/one", mine=False, active=False), row("r2", key="value/one", mine=False)],
            ALREADY,
        ),
        (
            [row(key="value/one", mine=False, active=False)],
            "stale: that value is there, inactive and not wrapctl's",
        ),
    ],
)
def test_a_value_of_a_list_is_served_by_whoever_put_it_there(rows: list[LiveRow], expected: str) -> None:
    assert verdict(settle(VALUE, world(*rows, value_list=True))) == expected


def test_a_former_value_is_renamed_in_place() -> None:
    before: dict[str, Value] = {"key": "value/one", "value": "one", "active": True}
    rename = change(Verb.UPDATE_ROW, before, {"key": "value/two", "value": "two", "active": True})

    assert settle(rename, world(row(key="value/one"))).stand is Stand.AS_PLANNED
    assert settle(rename, world(row(key="value/two", value="two"))).stand is Stand.ALREADY


def test_a_row_waits_for_the_id_of_its_code_and_is_judged_by_it() -> None:
    waiting = replace(CREATE, after={**ROW, "code_id": Ref(CODE)})

    assert settle(waiting, world()).change.after["code_id"] == Ref(CODE)
    assert settle(waiting, world(row()), Known({CODE: "c1"})).stand is Stand.ALREADY
    assert settle(waiting, world(row()), Known({CODE: "c9"})).stand is Stand.STALE


def test_the_key_of_a_code_is_never_taken_for_the_id_of_a_row() -> None:
    named = replace(CREATE, after={**ROW, "code": "A"})

    assert settle(named, world()).change.live_id is None


def test_merge_keeps_what_somebody_else_moved_and_the_change_does_not_write() -> None:
    moved = world(row(code_id="c2"))

    standing = settle(UPDATE, moved, merge=True)

    assert (standing.stand, standing.drift) == (Stand.AS_PLANNED, ("code_id",))
    assert standing.change.after == {**ROW, "value": "two", "code_id": "c2"}
    assert settle(UPDATE, world(row(value="x")), merge=True).stand is Stand.STALE
    assert settle(DELETE, moved, merge=True).stand is Stand.STALE, "what goes was approved as it was"


def test_what_is_sent_and_never_compared_is_always_as_planned() -> None:
    sent = replace(CREATE, lock=Lock.SENT)

    assert settle(sent, world(row(value="x"))).stand is Stand.AS_PLANNED
    assert settle(sent, live()).stand is Stand.AS_PLANNED


def test_a_system_that_was_not_read_is_neither() -> None:
    standing = settle(UPDATE, live(unread={"crm": "it is down"}))

    assert (standing.stand, standing.why) == (Stand.UNREAD, "it is down")


MAKE = Change(
    Verb.CREATE_TABLE,
    table_address("acme", "crm"),
    {},
    {"table": "Codes", "columns": ("a", "b")},
    system="crm",
)
WIDEN = replace(MAKE, verb=Verb.EXTEND_TABLE, before={"table": "Codes", "columns": ("a",)}, live_id="t1")
NONE = LiveTable("Codes", None, (), ("a", "b"))
SMALL = LiveTable("Codes", "t1", ("a",), ("b",))
FULL = LiveTable("Codes", "t1", ("a", "b"), ())
WIDER = LiveTable("Codes", "t1", ("a",), ("b", "c"))


@pytest.mark.parametrize(
    ("one", "table", "expected"),
    [
        (MAKE, NONE, PLANNED),
        (MAKE, FULL, ALREADY),
        (MAKE, SMALL, "stale: a table of that name is live, and lacks b"),
        (MAKE, replace(NONE, trouble="it may not be made"), "stale: it may not be made"),
        (MAKE, None, "stale: this system keeps no table that could be made or extended"),
        (WIDEN, SMALL, PLANNED),
        (WIDEN, FULL, ALREADY),
        (WIDEN, NONE, "stale: the table is not there any more"),
        (WIDEN, WIDER, "stale: the table lacks other columns than then: b, c"),
        (WIDEN, replace(SMALL, trouble="50 columns are the limit"), "stale: 50 columns are the limit"),
    ],
)
def test_a_table_is_as_planned_already_as_wanted_or_stale(
    one: Change, table: LiveTable | None, expected: str
) -> None:
    assert verdict(settle(one, world(table=table))) == expected
