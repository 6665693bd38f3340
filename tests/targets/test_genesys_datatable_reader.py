"""All rows or an error, foreign ones told apart, in the fewest requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxone_org import Tenant
from datatable_org import OURS, SYSTEM, TABLE, WITH_OTHERS, Datatables, mapped, place, tables
from genesys_org import NAME
from wrapctl.errors import Forbidden, IncompleteRead, TargetError, UsageError
from wrapctl.rows import Place
from wrapctl.targets.genesys_datatable.convert import COLUMNS, table_key
from wrapctl.targets.interface import Want
from wrapctl.targets.registry import crm_capabilities

MANY = 25


def seeded(rows: int = 0, **columns: Any) -> dict[str, Any]:
    """A table with so many rows of ours, in pages of ten."""
    found = {
        table_key(f"{SYSTEM}:", f"to/CODE_{number:03}"): {
            "value": f"Value {number}",
            "code": f"CODE_{number:03}",
            "direction": "to_crm",
            "managed_by": f"wrapctl:{NAME}/{SYSTEM}",
        }
        for number in range(rows)
    }
    return {
        "datatables": [{"name": TABLE, "columns": {**WITH_OTHERS, **columns}, "rows": found}],
        "settings": {"page_caps": {"rows": 10}},
    }


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[Datatables] = []

    def new(*places: Place, **seed: Any) -> Datatables:
        made.append(Datatables(tmp_path, *places, **seed))
        return made[-1]

    yield new
    for world in made:
        world.close()


def keys(number: int) -> list[str]:
    return [f"to/CODE_{n:03}" for n in range(number)]


# ── what is read ───────────────────────────────────────────────────────────────────────────────────────────


def test_all_rows_are_read_whole_over_all_pages(make: Any) -> None:
    world = make(**seeded(MANY))
    rows = world.read()
    assert [row.key for row in rows.rows] == keys(MANY)
    assert (rows.complete, rows.total, rows.most, rows.compared, rows.value_list) == (
        True,
        MANY,
        5000,
        True,
        False,
    )
    assert rows.rows[7].fields["value"] == "Value 7"
    assert all("showbrief=false" in request for request in world.org.sent("GET", "/rows"))


def test_foreign_rows_are_among_them_and_not_ours(make: Any) -> None:
    world = make(**seeded(1))
    world.set("mon/fri", value="9-17")
    world.set("salesforce:to:FRAUD", value="theirs")
    found = {row.key: row for row in world.read().rows}
    assert {key: row.mine for key, row in found.items()} == {
        "to/CODE_000": True,
        "mon/fri": False,
        "to/FRAUD": False,
    }
    assert found["mon/fri"].id == "mon/fri"
    assert found["to/FRAUD"].fields["value"] == "theirs"


def test_systems_in_one_table_are_no_strangers_to_each_other(make: Any) -> None:
    world = make(place(), place("servicenow"), **seeded(3))
    world.set("servicenow:to:SALE", managed_by=f"wrapctl:{NAME}/servicenow", value="Closed")
    world.set("servicenow:to:THEIRS", managed_by="somebody")
    live = world.live()
    assert [row.key for row in live.crm["salesforce"].rows] == [*keys(3), "servicenow:to:THEIRS"]
    assert [(row.key, row.mine) for row in live.crm["servicenow"].rows] == [
        ("to/SALE", True),
        ("to/THEIRS", False),
    ]
    assert {rows.total for rows in live.crm.values()} == {5}
    assert len(world.org.sent("GET", "/rows")) == 1


def test_a_table_that_is_not_there_would_need_all_columns(make: Any) -> None:
    world = make(datatables=[{"name": TABLE.lower()}, {"name": f"{TABLE} 2"}])
    table = world.read().table
    assert table is not None
    assert (table.name, table.id, table.lacks, table.trouble) == (TABLE, None, tuple(COLUMNS), "")
    assert world.read(["to/SALE"]).rows == ()


def test_an_org_that_is_full_of_tables_is_told(make: Any) -> None:
    world = make(datatables=[{"name": f"Table {number}"} for number in range(200)])
    table = world.read([]).table
    assert table is not None
    assert "200 data tables" in table.trouble


def test_columns_that_are_missing_are_named(make: Any) -> None:
    world = make(datatables=[{"name": TABLE, "columns": {"value": "string", "note": "string"}}])
    table = world.read([]).table
    assert table is not None
    assert table.columns == ("value", "note")
    assert table.lacks == tuple(name for name in COLUMNS if name != "value")


def test_a_name_with_a_wildcard_is_a_name_all_the_same(make: Any) -> None:
    odd = "Wrap*"
    world = make(place(table=odd), datatables=[{"name": "Wrap-up"}, {"name": odd, "columns": OURS}])
    table = world.read([]).table
    assert table is not None
    assert (table.name, table.lacks) == (odd, ())
    assert table.id is not None


def test_a_table_in_a_division_that_the_client_lacks_is_not_there_for_it(make: Any) -> None:
    clients = [
        {"client_id": f"sandbox-{NAME}"},
        {"client_id": "sales", "divisions": ["Sales"]},
    ]
    world = make(divisions=[{"name": "Home"}, {"name": "Sales"}], clients=clients, **seeded(1))
    rows = world.again(client="sales").reader().read(Want(rows={SYSTEM: None})).crm[SYSTEM]
    assert rows.table is not None
    assert rows.table.id is None


def test_what_is_not_asked_for_is_not_read(make: Any) -> None:
    world = make(**seeded(3))
    world.org.sandbox.clear_requests()
    assert world.live({"another": None}).crm == {}
    assert world.read([]).rows == ()
    assert not world.org.sent("GET", "/rows")


# ── in how many requests ───────────────────────────────────────────────────────────────────────────────────


def spent(world: Datatables, wanted: list[str]) -> int:
    """Requests for rows of a read."""
    before = len(world.org.sent("GET", "/rows"))
    found = world.read(wanted)
    assert {row.key for row in found.rows} == {key for key in wanted if "NOBODY" not in key}
    assert not found.complete
    return len(world.org.sent("GET", "/rows")) - before


def test_few_rows_of_a_large_table_are_asked_for_one_by_one_and_many_by_pages(make: Any) -> None:
    world = make(**seeded(MANY))
    far = keys(MANY)[::-1]
    assert spent(world, far[:1]) == 2  # the first page tells how many there are
    assert world.read([*far[:1]]).total == MANY
    assert spent(world, far[:2]) == 2
    assert spent(world, [*far[:1], "to/NOBODY"]) == 2
    assert spent(world, far) == 3
    assert spent(world, keys(3)) == 3


def test_a_table_that_has_all_columns_is_looked_for_once(make: Any) -> None:
    world = make(**seeded(MANY))
    for wanted in (keys(1), keys(2), keys(MANY)):
        world.read(wanted)
    assert len([one for one in world.org.sent("GET", "/datatables") if "/rows" not in one]) == 1
    world.read([])
    assert len([one for one in world.org.sent("GET", "/datatables") if "/rows" not in one]) == 2


def test_a_small_table_is_read_with_its_first_page(make: Any) -> None:
    world = make(**seeded(9))
    assert spent(world, [*keys(2), "to/NOBODY"]) == 1
    assert spent(world, keys(9)) == 1


def test_rows_of_the_first_page_are_not_asked_for_again(make: Any) -> None:
    world = make(**seeded(MANY))
    assert spent(world, keys(8)) == 1
    world.target = world.again()
    assert spent(world, [keys(1)[0], keys(MANY)[-1]]) == 2


def test_two_systems_in_one_table_are_read_by_one_listing(make: Any) -> None:
    world = make(place(), place("servicenow"), **seeded(MANY))
    world.live()
    assert len(world.org.sent("GET", "/datatables")) == 1 + 3


# ── when something is wrong ────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_comes_twice_or_moves_is_read_again_and_then_an_error(make: Any) -> None:
    world = make(**seeded(MANY))
    for nth in range(1, 4):
        edit = {"op": "set_row", "table": TABLE, "key": f"a{nth}", "set": {}}
        world.org.fault("edit", method="GET", path="/rows$", query="pageNumber=2", nth=nth, edit=edit)
    with pytest.raises(IncompleteRead, match="3 times in a row"):
        world.read()
    world.org.sandbox.clear_faults()
    assert len(world.read().rows) == MANY + 3


def test_brief_rows_would_be_an_error_and_never_empty_rows(make: Any) -> None:
    world = make(**seeded(1))
    page = {"entities": [{"value": "x"}], "pageNumber": 1, "pageSize": 10, "total": 1, "pageCount": 1}
    world.org.fault("status", status=200, path="/rows$", body=page)
    with pytest.raises(IncompleteRead, match="without its key"):
        world.read()


def test_another_row_than_the_one_asked_for_is_an_error(make: Any) -> None:
    world = make(**seeded(MANY))
    world.org.fault("status", status=200, path="/rows/", body={"key": "another"})
    with pytest.raises(IncompleteRead, match="another"):
        world.read(keys(MANY)[-1:])


def test_a_table_that_is_removed_in_between_is_looked_for_again_and_never_a_missing_row(make: Any) -> None:
    world = make(**seeded(MANY))
    far = keys(MANY)[-1:]
    edit = {"op": "delete_table", "table": TABLE}
    world.org.fault("edit", method="GET", path="/rows/", edit=edit, nth=1)
    with pytest.raises(TargetError, match=r"table\.not\.found"):
        world.read(far)
    rows = world.read(far)
    assert rows.table is not None
    assert (rows.table.id, rows.rows) == (None, ())


def test_a_table_that_was_made_anew_is_found_under_its_new_id(make: Any) -> None:
    world = make(**seeded(MANY))
    former = world.read(keys(1)).table
    world.org.edit(op="delete_table", table=TABLE)
    world.org.edit(op="add_table", name=TABLE, columns=OURS)
    world.own("to/CODE_000", value="new")
    rows = world.read(keys(1))
    assert [row.fields["value"] for row in rows.rows] == ["new"]
    assert (rows.table is not None, rows.table == former) == (True, False)


def test_a_client_that_may_not_read_tables_is_told_what_it_lacks(make: Any) -> None:
    clients = [{"client_id": f"sandbox-{NAME}"}, {"client_id": "codes", "permissions": []}]
    world = make(clients=clients, **seeded(1))
    with pytest.raises(Forbidden) as refused:
        world.again(client="codes").reader().read(Want(rows={SYSTEM: None}))
    assert "architect:datatable:view" in refused.value.hint


# ── connecting ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_org_on_another_platform_keeps_no_data_tables(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path)
    try:
        with pytest.raises(UsageError, match="kept by Genesys Cloud"):
            tables(tenant.target)  # type: ignore[arg-type]  # that is the mistake
    finally:
        tenant.close()


def test_rows_that_could_not_be_told_apart_are_refused_at_once(make: Any) -> None:
    world = make()
    with pytest.raises(UsageError, match="cannot be told apart"):
        world.again(place("a", prefix="x:"), place("b", prefix="x:y:"))
    world.again(place("a", prefix="x:"), place("b", prefix="x:", table="Another"))


def test_options_that_make_no_sense_are_refused_at_once(make: Any) -> None:
    with pytest.raises(UsageError, match="max_rows"):
        make().again(place(max_rows="none"))


def test_each_system_has_its_own_number_of_rows_and_the_orgs_session(make: Any) -> None:
    world = make(place(max_rows="8000"), place("servicenow"))
    can = world.target.capabilities
    assert (can.systems["salesforce"].rows_max, can.systems["servicenow"].rows_max) == (8000, 5000)
    assert crm_capabilities("genesys-datatable").inside == "genesys"
    assert world.target.traffic is world.org.target.traffic
    assert world.read([]).most == 8000
    world.target.close()
    assert world.read([]).table is not None


def test_the_organization_is_asked_for_once(make: Any) -> None:
    world = make(**seeded(1))
    assert world.target.reader().identity() == world.org.target.reader().identity()
    world.read()
    assert len(world.org.sent("GET", "/organizations/me")) == 1


def test_a_read_row_is_like_a_wanted_one(make: Any) -> None:
    world = make(**seeded(1))
    wanted = mapped("to/CODE_000", "Value 0", code="CODE_000", code_id=None)
    assert world.found("to/CODE_000").fields == wanted
