"""Scenes of a data table that other people use as well, told through the command line."""

from __future__ import annotations

from typing import Any

from front_door import Done, Project

CODES = "SALE: {name: Sale, crm: {flows: Won}}\nLOST: {name: Lost, crm: {flows: Missed}}\n"
KEY = "flows:to:SALE"


def world(project: Project, *tables: dict[str, Any], target: str = "", more: str = "", **seed: Any) -> None:
    """Two live codes that Architect flows look up, in an org with these tables."""
    project.org(codes=CODES)
    mapping(project, target=target, more=more)
    codes = [{"name": "Sale"}, {"name": "Lost"}]
    project.seed({"name": "acme", "codes": codes, "datatables": list(tables), **seed})


def mapping(project: Project, system: str = "flows", *, target: str = "", more: str = "") -> None:
    project.write(
        f"acme/crm/{system}.yaml",
        f"kind: CrmMapping\nsystem: {system}\ntarget: {{type: genesys-datatable, table: Dispositions{target}}}\n{more}",
    )


def table(project: Project) -> dict[str, Any]:
    (found,) = project.state()["datatables"].values()
    return dict(found)


def applied(project: Project) -> Done:
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0, done.said
    assert project.run("plan", "acme", "--exit-code").code == 0
    return done


def sent(project: Project, method: str) -> list[str]:
    with project.sandbox as box:
        return [one.path for one in box.requests("acme") if one.method == method and "datatables" in one.path]


def test_a_table_of_somebody_else_gets_the_columns_it_lacks_and_keeps_all_that_it_had(
    project: Project,
) -> None:
    columns = {"note": "string", "count": {"type": "integer", "default": 7}, "value": "string"}
    rows = {"mon/fri": {"note": "9-17", "value": "open"}, "flows:menu": {"count": 1}}
    world(project, {"name": "Dispositions", "description": "theirs", "columns": columns, "rows": rows})
    assert 'extend table "Dispositions"' in project.run("plan", "acme").said
    applied(project)
    project.edit(
        {"op": "set_row", "table": "Dispositions", "key": KEY, "set": {"note": "by the night shift"}}
    )
    project.org(codes=CODES.replace("Won", "Sold"))
    applied(project)
    found = table(project)
    assert found["description"] == "theirs"
    assert list(found["schema"]["properties"])[:4] == ["key", "note", "count", "value"]
    assert (found["rows"]["mon/fri"]["note"], found["rows"]["flows:menu"]["count"]) == ("9-17", 1)
    assert (found["rows"][KEY]["value"], found["rows"][KEY]["note"]) == ("Sold", "by the night shift")
    assert found["rows"][KEY]["count"] == 7


def test_a_column_that_holds_something_else_is_told_before_anything_is_written(project: Project) -> None:
    world(project, {"name": "Dispositions", "columns": {"active": "string"}})
    planned = project.run("plan", "acme")
    assert 'column "active"' in planned.said
    assert "no column can be changed" in planned.said
    before = table(project)
    project.run("apply", "acme", "--yes")
    assert table(project) == before


def test_a_table_that_nobody_may_make_is_missing_in_words(project: Project) -> None:
    world(project, target=", create: false")
    assert "`create: false` keeps wrapctl from making it" in project.run("plan", "acme").said
    project.run("apply", "acme", "--yes")
    assert project.state()["datatables"] == {}


def test_rows_that_a_full_table_cannot_take_are_blocked_with_the_numbers(project: Project) -> None:
    rows: dict[str, Any] = {f"theirs {number}": {} for number in range(4)}
    world(project, {"name": "Dispositions", "rows": rows}, target=", max_rows: 5")
    planned = project.run("plan", "acme")
    assert "2 blocked" in planned.said
    assert "it holds at most 5 rows, has 4 and would get 2 more" in planned.said
    project.run("apply", "acme", "--yes")
    assert set(table(project)["rows"]) == set(rows)


def test_a_foreign_row_under_our_key_is_never_touched(project: Project) -> None:
    world(
        project, {"name": "Dispositions", "columns": {"value": "string"}, "rows": {KEY: {"value": "Theirs"}}}
    )
    planned = project.run("plan", "acme")
    assert "does not carry wrapctl's mark" in planned.said
    project.run("apply", "acme", "--yes")
    assert table(project)["rows"][KEY]["value"] == "Theirs"
    assert table(project)["rows"]["flows:to:LOST"]["value"] == "Missed"


def test_two_systems_share_a_table_and_neither_takes_the_other_for_a_stranger(project: Project) -> None:
    world(project, more="on_remove: delete\n")
    mapping(project, "agents", more="on_remove: delete\nto_crm: {SALE: Verkauf}\nunmapped_codes: ignore\n")
    done = applied(project)
    assert sorted(table(project)["rows"]) == ["agents:to:SALE", "flows:to:LOST", KEY]
    assert len([path for path in sent(project, "POST") if path.endswith("/datatables")]) == 1
    assert "foreign" not in done.said
    mapping(project, "agents", more="on_remove: delete\nto_crm: {LOST: Pech}\nunmapped_codes: ignore\n")
    applied(project)
    assert sorted(table(project)["rows"]) == ["agents:to:LOST", "flows:to:LOST", KEY]


def test_a_table_and_its_rows_that_are_seen_late_are_made_once(project: Project) -> None:
    world(project, settings={"lag": 6})
    applied(project)
    assert sorted(table(project)["rows"]) == ["flows:to:LOST", KEY]
    assert len(sent(project, "POST")) == 3


def test_a_row_that_was_removed_by_hand_comes_back_and_one_with_a_broken_rule_is_put_right(
    project: Project,
) -> None:
    rule = "from_crm:\n  - {when: {Status: Closed, Reason: [Dup, Spam/x]}, code: LOST, duration: 1500ms}\n"
    world(project, more=rule)
    applied(project)
    key = "flows:from:Reason=Dup|Spam%2Fx&Status=Closed"
    before = table(project)["rows"]
    assert before[key]["duration_seconds"] == 1.5
    project.edit({"op": "delete_row", "table": "Dispositions", "key": KEY})
    broken = {"conditions": '{"Status": "Closed"', "duration_seconds": 0}
    project.edit({"op": "set_row", "table": "Dispositions", "key": key, "set": broken})
    applied(project)
    assert table(project)["rows"] == before


def test_an_org_whose_client_may_not_read_tables_still_gets_its_codes(project: Project) -> None:
    permissions = [
        "routing:wrapupCode:view",
        "routing:wrapupCode:add",
        "routing:wrapupCode:edit",
        "routing:queue:view",
    ]
    world(project, clients=[{"client_id": "sandbox-acme", "permissions": permissions}])
    project.org(codes=CODES + "NEW: {name: New}\n")
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5
    assert "architect:datatable:view" in done.said
    assert "New" in project.names()
    assert project.state()["datatables"] == {}
