"""One outcome per change, and nothing is changed that was not asked for: columns and rows of others stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datatable_org import (
    OURS,
    SYSTEM,
    TABLE,
    WITH_OTHERS,
    Datatables,
    create,
    deactivate,
    delete,
    mapped,
    place,
    table_change,
    update,
)
from genesys_org import NAME
from wrapctl.model import Verb
from wrapctl.rows import Place
from wrapctl.targets.genesys_datatable.convert import COLUMNS
from wrapctl.targets.interface import Outcome, Result, Want

KEY = "salesforce:to:SALE"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[Datatables] = []

    def new(*places: Place, **seed: Any) -> Datatables:
        made.append(Datatables(tmp_path, *places, **seed))
        return made[-1]

    yield new
    for world in made:
        world.close()


@pytest.fixture
def world(make: Any) -> Datatables:
    found: Datatables = make(datatables=[{"name": TABLE, "columns": WITH_OTHERS}])
    return found


def one(outcomes: tuple[Outcome, ...]) -> Outcome:
    (outcome,) = outcomes
    return outcome


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_created_row_can_be_looked_up_by_a_flow(world: Datatables) -> None:
    tags = ("region:emea", "revenue")
    outcome = one(world.write(create(mapped(description="Closed", tags=tags, category="sales"))))
    assert (outcome.result, outcome.live_id) == (Result.DONE, KEY)
    assert outcome.request_id
    assert world.rows[KEY] == {
        "key": KEY,
        "direction": "to_crm",
        "code": "SALE",
        "code_id": "id-of-a-code",
        "value": "Won",
        "description": "Closed",
        "translations": "",
        "category": "sales",
        "tags": "region:emea;revenue",
        "status": "",
        "conditions": "",
        "duration_seconds": 0,
        "order": 0,
        "active": True,
        "managed_by": f"wrapctl:{NAME}/{SYSTEM}",
        "note": "",
    }


def test_an_update_keeps_the_columns_of_others(world: Datatables) -> None:
    world.own("to/SALE", value="Won", code="SALE", note="for the night shift")
    outcome = one(world.write(update(world.found("to/SALE"), value="Sold")))
    assert outcome.result is Result.DONE
    assert (world.rows[KEY]["value"], world.rows[KEY]["note"]) == ("Sold", "for the night shift")


def test_columns_of_others_that_nobody_read_are_read_before_a_row_is_written(world: Datatables) -> None:
    world.own("to/SALE", value="Won", note="keep")
    row, fresh = world.found("to/SALE"), world.live()
    world.target = world.again()
    assert one(world.write(update(row, value="Sold"), fresh=fresh)).result is Result.DONE
    assert (world.rows[KEY]["value"], world.rows[KEY]["note"]) == ("Sold", "keep")


def test_a_column_that_is_added_between_two_looks_is_kept_too(world: Datatables) -> None:
    world.own("to/SALE", value="Won")
    row = world.found("to/SALE")
    world.org.edit(op="extend_table", table=TABLE, columns={"more": "string"})
    world.set(KEY, more="theirs")
    world.write(update(row, value="Sold"))
    assert world.rows[KEY]["more"] == "theirs"


def test_a_deactivated_row_keeps_everything_else(world: Datatables) -> None:
    world.own("to/SALE", value="Won", note="keep")
    before = world.rows[KEY]
    assert one(world.write(deactivate(world.found("to/SALE")))).result is Result.DONE
    assert world.rows[KEY] == before | {"active": False}


def test_a_deleted_row_is_gone_and_one_that_is_gone_is_done(world: Datatables) -> None:
    world.own("to/SALE")
    row, fresh = world.found("to/SALE"), world.live()
    assert one(world.write(delete(row), fresh=fresh)).result is Result.DONE
    again = one(world.write(delete(row), fresh=fresh))
    assert (again.result, again.message) == (Result.DONE, "it was already gone")
    assert world.rows == {}


def test_a_row_that_went_or_lost_its_mark_is_stale_and_not_written(world: Datatables) -> None:
    world.own("to/SALE", value="Won")
    row, fresh = world.found("to/SALE"), world.live()
    world.set(KEY, managed_by="somebody")
    assert one(world.write(update(row, value="Sold"))).result is Result.STALE
    world.org.edit(op="delete_row", table=TABLE, key=KEY)
    assert one(world.write(update(row, value="Sold"), fresh=fresh)).result is Result.STALE
    assert one(world.write(update(row, value="Sold"))).result is Result.STALE


def test_a_create_that_meets_a_row_of_that_key_leaves_it_alone(world: Datatables) -> None:
    world.set(KEY, value="theirs")
    outcome = one(world.write(create(mapped())))
    assert outcome.result is Result.EXISTS
    assert "not.unique" in outcome.message
    assert world.rows[KEY]["value"] == "theirs"


def test_a_full_table_refuses_for_now_and_says_what_helps(make: Any) -> None:
    world = make(
        datatables=[{"name": TABLE, "columns": OURS, "rows": {"theirs": {}}}],
        settings={"datatables": {"rows": 1}},
    )
    outcome = one(world.write(create(mapped())))
    assert outcome.result is Result.BUSY
    assert "too.many.rows" in outcome.message
    assert "support" in outcome.hint


@pytest.mark.parametrize("slash", [":", "/"])
def test_keys_of_any_text_are_written_read_changed_and_removed(make: Any, slash: str) -> None:
    world = make(place(prefix=f"sf{slash}"), datatables=[{"name": TABLE, "columns": OURS}])
    for text in ("a/b", "50%2F?#", "ä 😀", "x" * 400):
        key = f"from/status={text}"
        wanted = mapped(key, direction="from_crm", code="SALE", status=text, value=None, order=1)
        assert one(world.write(create(wanted))).result is Result.DONE
        row = next(row for row in world.read([key]).rows)
        assert one(world.write(update(row, order=2))).result is Result.DONE
        (row,) = world.read([key]).rows
        assert row.fields["order"] == 2
        assert one(world.write(delete(row))).result is Result.DONE
    assert world.rows == {}


@pytest.mark.parametrize("how", ["lose-answer", "status"])
def test_a_write_without_an_answer_is_unknown_and_sent_once(world: Datatables, how: str) -> None:
    fresh = world.live()
    rule: dict[str, Any] = (
        {"status": 503, "code": "flows.datatables.server.too.busy"} if how == "status" else {}
    )
    world.org.fault(how, method="POST", path="/rows$", **rule)
    outcome = one(world.write(create(mapped()), fresh=fresh))
    assert outcome.result is Result.UNKNOWN
    assert len(world.org.sent("POST", "/rows")) == 1
    assert (KEY in world.rows) == (how == "lose-answer")


def test_a_client_for_plan_alone_is_told_what_it_lacks_and_writes_end_there(world: Datatables) -> None:
    world.own("to/SALE", value="Won")
    row, fresh = world.found("to/SALE"), world.live()
    world.target = world.again(client=f"sandbox-{NAME}-readonly")
    for change, permission in (
        (create(mapped("to/NEW")), "architect:datatableRow:add"),
        (update(row, value="x"), "architect:datatableRow:edit"),
        (deactivate(row), "architect:datatableRow:edit"),
        (delete(row), "architect:datatableRow:delete"),
    ):
        outcome = one(world.write(change, fresh=fresh))
        assert (outcome.result, outcome.fatal) == (Result.REFUSED, True)
        assert permission in outcome.hint
    assert list(world.rows) == [KEY]


def test_a_row_of_a_system_that_was_not_read_is_refused_before_anything_is_sent(world: Datatables) -> None:
    outcome = one(world.write(create(mapped()), fresh=world.live({})))
    assert outcome.result is Result.REFUSED
    assert not world.org.sent("POST", "/rows")


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_is_made_and_takes_rows_at_once(make: Any) -> None:
    world = make(place(division="Sales"), divisions=[{"name": "Home"}, {"name": "Sales"}])
    outcome = one(world.write(table_change(world.read().table)))
    assert (outcome.result, outcome.live_id) == (Result.DONE, world.table["id"])
    assert world.table["division"]["name"] == "Sales"
    table = world.read([]).table
    assert table is not None
    assert (table.lacks, table.trouble) == ((), "")
    assert one(world.write(create(mapped()))).result is Result.DONE


def test_rows_find_their_table_while_reads_lag_behind(make: Any) -> None:
    world = make()
    fresh = world.live()
    world.org.fault("lag", method="POST", path="/datatables$", requests=50)
    world.write(table_change(world.read().table), fresh=fresh)
    assert world.read([]).table.id is None
    assert one(world.write(create(mapped()), fresh=fresh)).result is Result.DONE
    assert list(world.rows) == [KEY]


def test_two_systems_make_their_table_once(make: Any) -> None:
    world = make(place(), place("servicenow"))
    fresh = world.live()
    changes = [table_change(fresh.crm[system].table, system) for system in ("salesforce", "servicenow")]
    outcomes = world.write(*changes, fresh=fresh)
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.DONE]
    assert {outcome.live_id for outcome in outcomes} == {world.table["id"]}
    assert len(world.org.sent("POST", "/datatables")) == 1


def test_a_table_that_this_client_cannot_see_is_said_to_be_there(make: Any) -> None:
    clients = [{"client_id": f"sandbox-{NAME}"}, {"client_id": "sales", "divisions": ["Sales"]}]
    divisions = [{"name": "Home"}, {"name": "Sales"}]
    world = make(place(division="Sales"), divisions=divisions, clients=clients, datatables=[{"name": TABLE}])
    world.target = world.again(client="sales")
    outcome = one(world.write(table_change(world.read().table)))
    assert outcome.result is Result.EXISTS
    assert "cannot see" in outcome.hint


def test_a_division_that_does_not_exist_is_refused_before_anything_is_sent(make: Any) -> None:
    world = make(place(division="Nowhere"))
    outcome = one(world.write(table_change(world.read().table)))
    assert outcome.result is Result.REFUSED
    assert '"Nowhere"' in outcome.message
    assert not world.org.sent("POST", "/datatables")


def test_missing_columns_are_added_and_nothing_else_of_the_table_moves(make: Any) -> None:
    columns = {
        "note": {"type": "string", "title": "Notiz", "default": "-", "displayOrder": 3},
        "value": "string",
    }
    rows = {"theirs": {"note": "n"}}
    table = {"name": TABLE, "description": "theirs", "columns": columns, "rows": rows}
    world = make(datatables=[table])
    before = world.table
    assert one(world.write(table_change(world.read().table))).result is Result.DONE
    after = world.table
    assert (after["description"], after["division"]) == (before["description"], before["division"])
    old = before["schema"]["properties"]
    assert {name: after["schema"]["properties"][name] for name in old} == old
    assert set(after["schema"]["properties"]) == {*old, *COLUMNS}
    assert after["rows"]["theirs"]["note"] == "n"
    assert after["rows"]["theirs"]["active"] is True
    assert [row.key for row in world.read().rows] == ["theirs"]


def test_a_column_that_somebody_adds_a_moment_before_stays(make: Any) -> None:
    world = make(datatables=[{"name": TABLE, "columns": {"value": "string"}}])
    change = table_change(world.read().table)
    world.org.edit(op="extend_table", table=TABLE, columns={"theirs": "integer"})
    assert one(world.write(change)).result is Result.DONE
    assert "theirs" in world.table["schema"]["properties"]


def test_a_column_that_somebody_adds_between_read_and_write_makes_it_stale(make: Any) -> None:
    world = make(datatables=[{"name": TABLE, "columns": {"value": "string"}}])
    edit = {"op": "extend_table", "table": TABLE, "columns": {"theirs": "integer"}}
    world.org.fault("edit", method="PUT", path="/datatables/", edit=edit, nth=1)
    outcome = one(world.write(table_change(world.read().table)))
    assert outcome.result is Result.STALE
    assert "cannot.remove.fields" in outcome.message


def test_a_table_that_lacks_nothing_any_more_is_done_and_one_in_trouble_is_stale(make: Any) -> None:
    world = make(datatables=[{"name": TABLE, "columns": {"value": "string"}}])
    change, fresh = table_change(world.read().table), world.live()
    world.org.edit(op="extend_table", table=TABLE, columns={"order": "string"})
    outcome = one(world.write(change, fresh=fresh))
    assert outcome.result is Result.STALE
    assert '"order"' in outcome.message
    world.org.edit(op="delete_table", table=TABLE)
    assert one(world.write(change, fresh=fresh)).result is Result.STALE
    world.org.edit(op="add_table", name=TABLE, columns=OURS)
    outcome = one(world.write(replace(change, live_id=world.table["id"])))
    assert (outcome.result, outcome.message) == (Result.DONE, "already as wanted")
    assert not world.org.sent("PUT", "/datatables")


def test_an_org_without_room_for_a_table_refuses_for_now(make: Any) -> None:
    world = make(datatables=[{"name": "Another"}], settings={"datatables": {"tables": 1}})
    outcome = one(world.write(table_change(world.read().table)))
    assert outcome.result is Result.BUSY
    assert "too.many.schemas" in outcome.message


def test_a_read_only_client_makes_and_extends_no_table(make: Any) -> None:
    world = make()
    world.target = world.again(client=f"sandbox-{NAME}-readonly")
    outcome = one(world.write(table_change(world.read().table)))
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, True)
    assert "architect:datatable:add" in outcome.hint
    world.org.edit(op="add_table", name=TABLE, columns={"value": "string"})
    outcome = one(world.write(table_change(world.read().table)))
    assert "architect:datatable:edit" in outcome.hint


def test_a_verb_that_no_table_has_is_refused(world: Datatables) -> None:
    change = replace(create(mapped()), verb=Verb.ASSIGN)
    assert one(world.write(change)).result is Result.REFUSED


def test_reading_never_writes(world: Datatables) -> None:
    world.own("to/SALE")
    before = world.org.state
    world.target.reader().read(Want(rows={SYSTEM: None}))
    assert world.org.state == before
