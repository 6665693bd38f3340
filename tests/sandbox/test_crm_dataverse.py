from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.crms import CLIENT, NAME, Caller, Crm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

SALE = "11111111-1111-4111-8111-111111111111"
LOST = "22222222-2222-4222-8222-222222222222"
SHIPPED = "33333333-3333-4333-8333-333333333333"
NEW = "44444444-4444-8444-8444-444444444444"
ID = "msdyn_ocdispositioncodeid"
VALUE = "msdyn_dispositioncodevalue"
ROWS: list[dict[str, Any]] = [
    {ID: SALE, "msdyn_name": "Sale", VALUE: "Won"},
    {ID: LOST, "msdyn_name": "It's lost", VALUE: "Lost", "statecode": 1},
    {ID: SHIPPED, "msdyn_name": "Transferred", VALUE: "Transfer", "ismanaged": True},
]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Crm]:
    org = Crm(tmp_path, "dataverse", ROWS)
    yield org
    org.kept()


def names(caller: Caller, **query: Any) -> list[str]:
    return sorted(row["msdyn_name"] for row in caller.get("", **query)["value"])


def refused(reply: TestResponse) -> tuple[int, str]:
    return reply.status_code, reply.get_json()["error"]["code"]


def etag(org: Crm, row_id: str) -> str:
    return str(org.admin("GET", f"({row_id})").headers["ETag"])


def test_a_client_logs_in_at_its_tenant_for_the_environment(org: Crm) -> None:
    body = org.login().get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    assert body["access_token"].startswith("ey")


@pytest.mark.parametrize(
    ("form", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"scope": "user.read"}, 400, "invalid_scope", 1002012),
        ({"scope": "contoso/.default"}, 400, "invalid_resource", 500011),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
def test_a_wrong_login_is_told_why_with_a_number(
    org: Crm, form: dict[str, str], status: int, error: str, code: int
) -> None:
    reply = org.login(**form)
    body = reply.get_json()
    assert (reply.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")


def test_another_tenant_knows_nobody(org: Crm) -> None:
    org.box.set(NAME, tenant="fabrikam")
    assert org.login().get_json()["error_codes"] == [90002]


def test_a_request_without_a_token_is_told_where_to_log_in(org: Crm) -> None:
    reply = Caller(org.app, org.admin.base, {})("GET", "")
    assert (reply.status_code, reply.data) == (401, b"")
    assert "authorization_uri" in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("statecode eq 0", ["Sale", "Transferred"]),
        ("statecode ne 0 and statuscode eq 2", ["It's lost"]),
        ("msdyn_name eq 'it''s LOST'", ["It's lost"]),
        ("startswith(msdyn_name,'s') or endswith(msdyn_name,'RED')", ["Sale", "Transferred"]),
        ("not (contains(msdyn_name,'a') or ismanaged eq true)", ["It's lost"]),
        (f"{ID} eq {SALE}", ["Sale"]),
        (
            f'Microsoft.Dynamics.CRM.In(PropertyName=\'{VALUE}\',PropertyValues=["Won","Lost"])',
            ["It's lost", "Sale"],
        ),
        (
            "_msdyn_dispositioncodecategoryid_value eq null and versionnumber gt 5",
            ["It's lost", "Sale", "Transferred"],
        ),
        ("modifiedon lt 2025-01-01T00:00:00Z", []),
    ],
)
def test_a_filter_chooses_rows(org: Crm, condition: str, found: list[str]) -> None:
    assert names(org.admin, S_filter=condition) == found


@pytest.mark.parametrize(
    "query",
    [
        {"S_filter": "colour eq 'red'"},
        {"S_select": "msdyn_name,colour"},
        {"S_orderby": "colour desc"},
        {"S_filter": "msdyn_name"},
        {"S_filter": "msdyn_name eq"},
        {"S_filter": "msdyn_name is 'x'"},
        {"S_filter": "(statecode eq 0"},
        {"S_filter": "statecode eq 0 statecode eq 1"},
        {"S_filter": "statecode eq ?"},
        {"S_expand": "x"},
        {"S_top": "many"},
        {"S_skiptoken": "x"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(org: Crm, query: dict[str, Any]) -> None:
    assert refused(org.admin("GET", "", **query)) == (400, "0x80060888")


def test_only_chosen_columns_come_with_the_key_and_the_etag(org: Crm) -> None:
    (first, *_) = org.admin.get("", S_select="msdyn_name", S_orderby="msdyn_name desc")["value"]
    assert set(first) == {"@odata.etag", ID, "msdyn_name"}
    assert first["msdyn_name"] == "Transferred"


def test_a_long_list_is_read_by_its_links(org: Crm) -> None:
    for number in range(5):
        org.admin("POST", "", {"msdyn_name": f"n{number}", VALUE: f"ä&{number}"})
    prefer = {"Prefer": "odata.maxpagesize=3"}
    reply = org.admin("GET", "", headers=prefer, S_select="msdyn_name", S_filter="startswith(msdyn_name,'n')")
    assert reply.headers["Preference-Applied"] == "odata.maxpagesize=3"
    body = reply.get_json()
    found = [row["msdyn_name"] for row in body["value"]]
    assert body["@odata.nextLink"].startswith("http://localhost/api/data/v9.2/")
    path = body["@odata.nextLink"].removeprefix("http://localhost")
    body = org.admin.http.get(path, headers=org.admin.headers | prefer).get_json()
    found += [row["msdyn_name"] for row in body["value"]]
    assert "@odata.nextLink" not in body
    assert sorted(found) == [f"n{number}" for number in range(5)]


def test_top_silences_the_page_size(org: Crm) -> None:
    body = org.admin("GET", "", headers={"Prefer": "odata.maxpagesize=1"}, S_top=2).get_json()
    assert len(body["value"]) == 2
    assert "@odata.nextLink" not in body


def test_a_new_row_is_active_and_told_by_its_address(org: Crm) -> None:
    reply = org.admin("POST", "", {"msdyn_name": "New", VALUE: "new", "statecode": 0})
    assert reply.status_code == 204
    address = reply.headers["OData-EntityId"]
    row = org.admin.get(address.removeprefix(f"http://localhost{org.admin.base}"))
    assert (row["msdyn_name"], row["statecode"], row["statuscode"]) == ("New", 0, 1)
    assert row["@odata.etag"] == f'W/"{row["versionnumber"]}"'


def test_an_upsert_creates_under_the_clients_own_id_once(org: Crm) -> None:
    once = {"If-None-Match": "*"}
    assert org.admin("PATCH", f"({NEW})", {"msdyn_name": "a"}, once).status_code == 204
    reply = org.admin("PATCH", f"({NEW})", {"msdyn_name": "b"}, once)
    assert refused(reply) == (412, "0x80040237")
    assert org.row(msdyn_ocdispositioncodeid=NEW)["msdyn_name"] == "a"
    assert org.admin("PATCH", f"({NEW})", {"msdyn_name": "b"}).status_code == 204
    assert org.row(msdyn_ocdispositioncodeid=NEW)["msdyn_name"] == "b"


def test_a_write_under_an_old_version_is_refused(org: Crm) -> None:
    old = etag(org, SALE)
    assert org.admin("PATCH", f"({SALE})", {VALUE: "ours"}, {"If-Match": old}).status_code == 204
    new = etag(org, SALE)
    org.edit("edit-row", row=SALE, set={VALUE: "theirs"}, by="dana")
    for tag in (old, new):
        assert refused(org.admin("PATCH", f"({SALE})", {VALUE: "x"}, {"If-Match": tag})) == (
            412,
            "0x80060882",
        )
        assert refused(org.admin("DELETE", f"({SALE})", headers={"If-Match": tag})) == (412, "0x80060882")
    assert org.row(msdyn_name="Sale")[VALUE] == "theirs"
    assert org.admin("DELETE", f"({SALE})", headers={"If-Match": etag(org, SALE)}).status_code == 204
    assert refused(org.admin("DELETE", f"({SALE})")) == (404, "0x80040217")


def test_an_update_of_nothing_creates_nothing_under_a_version_or_a_star(org: Crm) -> None:
    for tag in ("*", 'W/"1"'):
        assert refused(org.admin("PATCH", f"({NEW})", {VALUE: "x"}, {"If-Match": tag})) == (404, "0x80040217")
    assert refused(org.admin("GET", f"({NEW})")) == (404, "0x80040217")
    assert refused(org.admin("PATCH", f"({SALE})", {VALUE: "x"}, {"If-Match": "1"})) == (400, "0x80060888")


def test_a_row_made_again_under_its_id_has_a_version_of_its_own(org: Crm) -> None:
    old = etag(org, SALE)
    org.admin("DELETE", f"({SALE})")
    org.admin("PATCH", f"({SALE})", {"msdyn_name": "Sale", VALUE: "Won"}, {"If-None-Match": "*"})
    assert etag(org, SALE) != old


def test_a_read_of_what_the_client_has_is_not_sent_again(org: Crm) -> None:
    reply = org.admin("GET", f"({SALE})", headers={"If-None-Match": etag(org, SALE)})
    assert (reply.status_code, reply.data) == (304, b"")


def test_without_optimistic_concurrency_a_version_is_no_condition(org: Crm) -> None:
    path = "/EntityDefinitions(LogicalName='msdyn_ocdispositioncode')"
    api = Caller(org.app, "/api/data/v9.2", org.admin.headers)
    assert api.get(path, S_select="IsOptimisticConcurrencyEnabled")["IsOptimisticConcurrencyEnabled"] is True
    tag = etag(org, SALE)
    org.box.set(NAME, optimistic_concurrency=False)
    assert api.get(path)["IsOptimisticConcurrencyEnabled"] is False
    assert refused(org.admin("PATCH", f"({SALE})", {VALUE: "x"}, {"If-Match": tag})) == (400, "0x80060893")


def test_state_and_status_reason_stay_of_one_mind(org: Crm) -> None:
    for given, wanted in (
        ({"statecode": 1}, (1, 2)),
        ({"statuscode": 1}, (0, 1)),
        ({"statecode": 1, "statuscode": 2}, (1, 2)),
        ({"statecode": 0}, (0, 1)),
    ):
        assert org.admin("PATCH", f"({SALE})", given).status_code == 204
        row = org.row(msdyn_name="Sale")
        assert (row["statecode"], row["statuscode"]) == wanted
    for wrong in ({"statecode": 0, "statuscode": 2}, {"statuscode": 7}, {"statecode": 3}):
        assert refused(org.admin("PATCH", f"({SALE})", wrong)) == (400, "0x80048408"), wrong


def test_a_new_row_may_start_inactive_or_not(org: Crm) -> None:
    org.admin("POST", "", {"msdyn_name": "kept", "statecode": 1})
    org.box.set(NAME, created_inactive="active")
    org.admin("POST", "", {"msdyn_name": "active", "statecode": 1})
    assert (org.row(msdyn_name="kept")["statecode"], org.row(msdyn_name="active")["statecode"]) == (1, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"colour": "red"}, "0x80048d19"),
        ({"msdyn_name": "x" * 101}, "0x80044331"),
        ({VALUE: "x" * 201}, "0x80044331"),
        ({"msdyn_name": "😀" * 51}, "0x80044331"),
        ({"msdyn_name": 5}, "0x80048d19"),
        ({"statecode": "0"}, "0x80048d19"),
        ({"msdyn_appliestoallworkstreams": 1}, "0x80048d19"),
        ({"msdyn_dispositioncodecategoryid@odata.bind": "/x"}, "0x80048d19"),
        ({ID: "x"}, "0x80048d19"),
        ([], "0x80048d19"),
    ],
)
def test_what_does_not_fit_a_column_is_refused(org: Crm, body: Any, code: str) -> None:
    before = org.box.state(NAME)
    assert refused(org.admin("POST", "", body)) == (400, code)
    assert refused(org.admin("PATCH", f"({SALE})", body)) == (400, code)
    assert org.box.state(NAME) == before


def test_a_category_is_bound_by_its_address(org: Crm) -> None:
    bind = "msdyn_dispositioncodecategoryid@odata.bind"
    org.admin("PATCH", f"({SALE})", {bind: f"/msdyn_dispositioncodecategories({LOST})"})
    assert org.row(msdyn_name="Sale")["_msdyn_dispositioncodecategoryid_value"] == LOST


def test_a_managed_row_is_not_deleted(org: Crm) -> None:
    assert refused(org.admin("DELETE", f"({SHIPPED})")) == (400, "0x8004f026")
    assert org.admin("PATCH", f"({SHIPPED})", {"statecode": 1}).status_code == 204
    assert org.row(ismanaged=True)["statecode"] == 1


def test_a_plug_in_refuses_rows_in_its_own_words(org: Crm) -> None:
    org.box.set(NAME, refused={"Nope": "not in our list"})
    reply = org.admin("PATCH", f"({NEW})", {VALUE: "Nope"}, {"If-None-Match": "*"})
    assert refused(reply) == (400, "0x80040265")
    assert reply.get_json()["error"]["message"] == "not in our list"


def test_who_may_only_read_writes_nothing(org: Crm) -> None:
    reader = org.caller(f"{CLIENT}-readonly")
    before = org.box.state(NAME)
    assert names(reader) == ["It's lost", "Sale", "Transferred"]
    for method, path, body in (
        ("POST", "", {VALUE: "x"}),
        ("PATCH", f"({SALE})", {VALUE: "x"}),
        ("PATCH", f"({NEW})", {VALUE: "x"}),
        ("DELETE", f"({SALE})", None),
    ):
        assert refused(reader(method, path, body)) == (403, "0x80040220")
    assert org.box.state(NAME) == before


def test_too_many_requests_are_sent_away_for_a_while(org: Crm) -> None:
    org.box.add_fault("rate-limit", per_minute=2)
    got = [org.admin("GET", "") for _ in range(3)]
    assert [reply.status_code for reply in got] == [200, 200, 429]
    assert refused(got[2]) == (429, "0x80072322")
    assert got[2].headers["Retry-After"] == "60"


def test_every_answer_names_its_request(org: Crm) -> None:
    reply = org.admin("GET", f"({NEW})")
    assert reply.headers["x-ms-service-request-id"] == org.box.requests()[-1].correlation


def test_other_tables_and_methods_are_not_there(org: Crm) -> None:
    api = Caller(org.app, "/api/data/v9.2", org.admin.headers)
    assert api("GET", "/accounts").status_code == 404
    assert Caller(org.app, "/api/data/v8.0", org.admin.headers)("GET", "/accounts").status_code == 404
    assert org.admin("DELETE", "").status_code == 405
    assert refused(org.admin("GET", "(SALE)")) == (400, "0x80060888")
    text = org.admin.http.post(org.admin.base, data="{}", headers=org.admin.headers)
    assert text.status_code == 415
