"""Data tables of the emulated Genesys Cloud, by section 9 of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client

from sandbox.orgs import DATATABLES, SMALL, Caller, Small, refused, schema
from wrapctl.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SYNTAX = "flows.datatables.schema.exception"


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def made(caller: Caller, name: str = "Table", **columns: Any) -> str:
    """Create a table and return its address."""
    reply = caller("POST", DATATABLES, {"name": name, "schema": schema(**columns)})
    assert reply.status_code == 200, reply.get_json()
    return str(reply.get_json()["selfUri"])


def row(table: str, key: str) -> str:
    return f"{table}/rows/{quote(key, safe='')}"


def columns(caller: Caller, table: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(table, expand="schema")["schema"]["properties"]
    return found


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_shows_its_schema_only_when_asked(org: Small) -> None:
    table = made(org.admin, "Hours", value="string")
    plain = org.admin.get(table)
    assert set(plain) == {"id", "name", "division", "selfUri"}
    assert plain["division"]["name"] == "Home"
    assert set(columns(org.admin, table)) == {"key", "value"}
    assert org.admin.get(DATATABLES)["entities"] == [plain]
    assert "schema" in org.admin.get(DATATABLES, expand="schema")["entities"][0]


def test_tables_are_listed_in_pages_and_found_by_name_with_a_wildcard_whatever_the_case(org: Small) -> None:
    for name in ("Beta", "Alpha", "alphabet"):
        made(org.admin, name)
    assert sorted(org.admin.names(DATATABLES, name="ALPHA*")) == ["Alpha", "alphabet"]
    assert org.admin.names(DATATABLES, name="alpha") == ["Alpha"]
    assert org.admin.names(DATATABLES, sortBy="name", sortOrder="descending") == ["Beta", "alphabet", "Alpha"]
    page = org.admin.get(DATATABLES, pageSize=2, pageNumber=2)
    assert (page["total"], page["pageCount"], len(page["entities"])) == (3, 2, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"type": "array"},
        {"required": []},
        {"required": ["key", "value"]},
        {"additionalProperties": True},
        {"additionalProperties": 0},
        {"properties": {}},
        {"properties": {"key": {"type": "integer", "$id": "/properties/key"}}},
        schema(value="text"),
        schema(value={"type": "string", "$id": "value"}),
        schema(value={"type": "boolean", "default": "no"}),
        schema(value={"type": "integer", "default": True}),
        schema(value={"type": "string", "displayOrder": "1"}),
    ],
)
def test_a_schema_of_another_form_is_refused(org: Small, wrong: dict[str, Any]) -> None:
    reply = org.admin("POST", DATATABLES, {"name": "Table", "schema": schema() | wrong})
    assert refused(reply) == (400, SYNTAX)
    assert refused(org.admin("POST", DATATABLES, {"name": "Table"})) == (400, SYNTAX)


def test_fields_are_added_and_never_removed_or_changed(org: Small) -> None:
    table = made(org.admin, value="string")

    def put(**columns: Any) -> Any:
        return org.admin("PUT", table, {"name": "Table", "schema": schema(**columns)})

    assert refused(put()) == (400, "flows.datatables.cannot.remove.fields")
    assert refused(put(value="integer")) == (400, SYNTAX)
    assert refused(put(value={"type": "string", "default": "x"})) == (400, SYNTAX)
    assert put(value={"type": "string", "title": "Other label"}, more="boolean").status_code == 200
    assert list(columns(org.admin, table)) == ["key", "value", "more"]


def test_rows_of_before_show_the_defaults_of_a_new_field(org: Small) -> None:
    table = made(org.admin, value="string")
    org.admin("POST", f"{table}/rows", {"key": "a", "value": "x"})
    grown = schema(value="string", on={"type": "boolean", "default": True}, order="integer")
    org.admin("PUT", table, {"name": "Table", "schema": grown})
    assert org.admin.get(row(table, "a"), showbrief="false") == {
        "key": "a",
        "value": "x",
        "on": True,
        "order": 0,
    }


def test_a_name_is_unique_even_where_the_other_table_cannot_be_seen(org: Small) -> None:
    made(org.admin, "Table")
    sales = org.caller("sandbox-small-sales")
    division = next(item for item in org.box.org("small").divisions if item["name"] == "Sales")
    given = {"name": "Table", "schema": schema(), "division": {"id": division["id"]}}
    assert refused(sales("POST", DATATABLES, given)) == (409, "flows.datatables.not.unique")
    assert sales("POST", DATATABLES, given | {"name": "Own"}).status_code == 200
    assert sales.names(DATATABLES) == ["Own"]


def test_a_table_lies_in_one_division_and_who_has_another_neither_sees_nor_writes_it(org: Small) -> None:
    table, sales = made(org.admin, value="string"), org.caller("sandbox-small-sales")
    given = {"name": "Other", "schema": schema(), "division": {"id": "*"}}
    assert refused(org.admin("POST", DATATABLES, given)) == (400, "bad.request")
    assert refused(sales("POST", DATATABLES, {"name": "Other", "schema": schema()})) == (
        403,
        "not.authorized",
    )
    assert refused(sales("GET", table)) == (404, "flows.datatables.table.not.found")
    assert refused(sales("GET", f"{table}/rows")) == (404, "flows.datatables.table.not.found")
    assert refused(sales("POST", f"{table}/rows", {"key": "a"})) == (403, "not.authorized")


def test_the_limits_of_tables_fields_and_rows_are_told(tmp_path: Path) -> None:
    org = Small(tmp_path, datatables={"tables": 1, "fields": 3, "rows": 2})
    many = {"name": "Table", "schema": schema(a="string", b="string", c="string")}
    assert refused(org.admin("POST", DATATABLES, many)) == (400, "flows.datatables.too.many.properties")
    table = made(org.admin, a="string", b="string")
    assert refused(org.admin("PUT", table, many)) == (400, "flows.datatables.too.many.properties")
    another = {"name": "Another", "schema": schema()}
    assert refused(org.admin("POST", DATATABLES, another)) == (400, "flows.datatables.too.many.schemas")
    for key in ("1", "2"):
        org.admin("POST", f"{table}/rows", {"key": key})
    reply = org.admin("POST", f"{table}/rows", {"key": "3"})
    assert refused(reply) == (400, "flows.datatables.too.many.rows")


def test_a_table_that_a_flow_uses_is_deleted_only_by_force_and_takes_its_rows_along(tmp_path: Path) -> None:
    org = Small(tmp_path, used_datatables=["Table"])
    table = made(org.admin, value="string")
    org.admin("POST", f"{table}/rows", {"key": "a"})
    assert refused(org.admin("DELETE", table))[0] == 400
    assert org.admin("DELETE", table, force="true").status_code == 204
    assert refused(org.admin("GET", f"{table}/rows")) == (404, "flows.datatables.table.not.found")
    again = made(org.admin, value="string")
    assert org.admin.get(f"{again}/rows")["total"] == 0


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_their_keys_unless_asked_otherwise(org: Small) -> None:
    table = made(org.admin, value="string", on="boolean", order="integer", share="number")
    answered = org.admin("POST", f"{table}/rows", {"key": "a", "value": "x"}).get_json()
    whole = {"key": "a", "value": "x", "on": False, "order": 0, "share": 0}
    assert answered == whole
    assert org.admin.get(f"{table}/rows")["entities"] == [{"key": "a"}]
    assert org.admin.get(f"{table}/rows", showbrief="false")["entities"] == [whole]
    assert org.admin.get(row(table, "a")) == {"key": "a"}
    assert org.admin.get(row(table, "a"), showbrief="false") == whole


def test_rows_come_in_pages_by_key(org: Small) -> None:
    table = made(org.admin)
    for key in "bdace":
        org.admin("POST", f"{table}/rows", {"key": key})
    page = org.admin.get(f"{table}/rows", pageSize=2, pageNumber=2)
    assert ([item["key"] for item in page["entities"]], page["pageCount"]) == (["c", "d"], 3)
    page = org.admin.get(f"{table}/rows", sortOrder="descending")
    assert "".join(item["key"] for item in page["entities"]) == "edcba"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"key": ""},
        {"key": 7},
        {"key": "x" * 257},
        {"key": "a", "value": 7},
        {"key": "a", "value": None},
        {"key": "a", "order": True},
        {"key": "a", "order": 1.5},
        {"key": "a", "on": "true"},
        {"key": "a", "share": "1"},
        {"key": "a", "colour": "red"},
        [],
    ],
)
def test_a_row_that_does_not_fit_the_schema_is_refused(org: Small, wrong: Any) -> None:
    table = made(org.admin, value="string", on="boolean", order="integer", share="number")
    assert refused(org.admin("POST", f"{table}/rows", wrong)) == (400, SYNTAX)
    org.admin("POST", f"{table}/rows", {"key": "a"})
    assert refused(org.admin("PUT", row(table, "a"), wrong)) == (400, SYNTAX)


def test_a_put_replaces_the_whole_row_and_may_give_it_a_free_key(org: Small) -> None:
    table = made(org.admin, value="string", order="integer")
    for key in ("a", "b"):
        org.admin("POST", f"{table}/rows", {"key": key, "value": key, "order": 1})
    assert org.admin("PUT", row(table, "a"), {"key": "a", "order": 2}).get_json()["value"] == ""
    assert refused(org.admin("PUT", row(table, "a"), {"key": "b"})) == (409, "flows.datatables.not.unique")
    assert org.admin("PUT", row(table, "a"), {"key": "c"}).status_code == 200
    assert [item["key"] for item in org.admin.get(f"{table}/rows")["entities"]] == ["b", "c"]


def test_a_key_is_unique_and_a_missing_row_is_not_found(org: Small) -> None:
    table = made(org.admin)
    assert org.admin("POST", f"{table}/rows", {"key": "a"}).status_code == 200
    reply = org.admin("POST", f"{table}/rows", {"key": "a"})
    assert refused(reply) == (409, "flows.datatables.not.unique")
    assert org.admin("DELETE", row(table, "a")).status_code == 204
    for method, body in (("GET", None), ("PUT", {"key": "a"}), ("DELETE", None)):
        assert refused(org.admin(method, row(table, "a"), body)) == (404, "flows.datatables.row.not.found")


@pytest.mark.parametrize(
    "key", ["salesforce/to/SALE", "/a//b/", "50%2F", "ä ü?&#+;", "..", "x" * 256, "rows/x", "a\\b", "😀"]
)
def test_any_text_is_a_key(org: Small, key: str) -> None:
    table = made(org.admin, value="string")
    assert org.admin("POST", f"{table}/rows", {"key": key}).status_code == 200
    path = row(table, key).replace("..", "%2E%2E")
    assert org.admin("PUT", path, {"key": key, "value": "seen"}).status_code == 200
    assert org.admin.get(path, showbrief="false") == {"key": key, "value": "seen"}
    assert org.admin("DELETE", path).status_code == 204


def test_a_slash_in_a_key_that_is_not_encoded_is_another_path(org: Small) -> None:
    table = made(org.admin)
    org.admin("POST", f"{table}/rows", {"key": "a/b"})
    assert org.admin("GET", f"{table}/rows/a%2Fb").status_code == 200
    assert refused(org.admin("GET", f"{table}/rows/a/b")) == (404, "not.found")


def test_who_may_only_use_rows_may_not_use_tables(tmp_path: Path) -> None:
    clients = [
        *SMALL["clients"],
        {
            "client_id": "rows",
            "permissions": [f"architect:datatableRow:{word}" for word in ("view", "add", "edit", "delete")],
        },
    ]
    with Sandbox(tmp_path) as box:
        box.seed_org(SMALL | {"clients": clients})
        table = made(Caller(box.wsgi, "sandbox-small"), value="string")
        rows = Caller(box.wsgi, "rows")
        assert refused(rows("GET", DATATABLES)) == (403, "missing.any.permissions")
        assert refused(rows("POST", DATATABLES, {})) == (403, "missing.any.permissions")
        assert rows("POST", f"{table}/rows", {"key": "a"}).status_code == 200
        assert rows("PUT", row(table, "a"), {"key": "a", "value": "x"}).status_code == 200
        assert rows("DELETE", row(table, "a")).status_code == 204
        readonly = Caller(box.wsgi, "sandbox-small-readonly")
        assert readonly("GET", f"{table}/rows").status_code == 200
        assert refused(readonly("POST", f"{table}/rows", {"key": "a"})) == (403, "missing.any.permissions")


# ── around it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_is_seen_and_gone_later_where_reads_lag(org: Small) -> None:
    table = made(org.admin)
    org.box.add_fault("lag", method="POST", path="/rows$", requests=2)
    org.box.add_fault("lag", method="DELETE", path="/rows/", requests=2)
    org.admin("POST", f"{table}/rows", {"key": "a"})
    assert [org.admin("GET", row(table, "a")).status_code for _ in range(3)] == [404, 404, 200]
    assert refused(org.admin("POST", f"{table}/rows", {"key": "a"}))[0] == 409
    org.admin("DELETE", row(table, "a"))
    assert [org.admin.get(f"{table}/rows")["total"] for _ in range(3)] == [1, 1, 0]


def test_somebody_else_makes_tables_and_changes_rows(org: Small) -> None:
    def edit(op: str, **rest: Any) -> None:
        org.box.edit("small", {"op": op, "table": "Hours", **rest})

    edit("add_table", name="Hours", columns={"value": "string"}, division="Sales", rows={"a": {"value": "x"}})
    edit("extend_table", columns={"on": {"type": "boolean", "default": True}})
    edit("set_row", key="a", set={"value": "y"})
    edit("set_row", key="b", set={"on": False})
    edit("set_row", key="c", set={})
    edit("delete_row", key="c")
    (table,) = org.box.state("small")["datatables"].values()
    assert (table["name"], table["division"]["name"]) == ("Hours", "Sales")
    assert table["rows"] == {
        "a": {"key": "a", "value": "y", "on": True},
        "b": {"key": "b", "value": "", "on": False},
    }
    lines = [(line["entity_type"], line["action"], line["entity_name"]) for line in org.box.audit("small")]
    assert ("Schema", "Update", "Hours") in lines
    assert ("Row", "Update", "a") in lines
    assert ("Row", "Delete", "c") in lines
    edit("delete_table")
    assert org.box.state("small")["datatables"] == {}


def test_a_seed_plants_tables_with_their_rows(tmp_path: Path) -> None:
    table = {"name": "Hours", "columns": {"value": "string"}, "rows": {"mon/fri": {"value": "9-17"}}}
    with Sandbox(tmp_path) as box:
        box.seed_org(SMALL | {"datatables": [table]})
        caller = Caller(box.wsgi, "sandbox-small")
        found = caller.get(DATATABLES)["entities"][0]
        rows = caller.get(f"{found['selfUri']}/rows", showbrief="false")["entities"]
        assert rows == [{"key": "mon/fri", "value": "9-17"}]
        assert box.state("small")["datatables"][found["id"]]["rows"] == {"mon/fri": rows[0]}


def test_a_server_that_does_not_tell_the_raw_path_still_finds_the_row(org: Small) -> None:
    table = made(org.admin)
    org.admin("POST", f"{table}/rows", {"key": "a/b"})

    def bare(environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("REQUEST_URI", None)
        return org.box.wsgi(environ, start_response)

    reply = Client(bare).get(f"{table}/rows/a%2Fb", headers=org.admin.headers)
    assert reply.get_json() == {"key": "a/b"}
