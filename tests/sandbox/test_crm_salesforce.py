from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.crms import CLIENT, KEY, NAME, TABLE, Caller, Crm
from wrapctl.sandbox.crm.salesforce.ids import record_id, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

ROWS: list[dict[str, Any]] = [
    {"object": TABLE, KEY: "acme/sf/to/SALE", "Value__c": "Won", "Active__c": True},
    {"object": TABLE, KEY: "acme/sf/to/NO_SALE", "Value__c": "Lost", "Order__c": 2},
    {"object": TABLE, KEY: "other_x/to/SALE", "Value__c": "Gewonnen"},
]
OBJECTS = {
    TABLE: {
        KEY: {"external_id": True, "required": True},
        "Value__c": {"length": 10, "required": True},
        "Notes__c": {"type": "longtext"},
        "Active__c": {"type": "checkbox"},
        "Order__c": {"type": "number"},
    }
}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Crm]:
    org = Crm(tmp_path, "salesforce", ROWS)
    yield org
    org.kept()


def query(caller: Caller, soql: str, **headers: str) -> Any:
    reply = caller("GET", "/query", headers=headers, q=soql)
    assert reply.status_code == 200, reply.get_json()
    return reply.get_json()


def keys(caller: Caller, rest: str) -> list[str]:
    return [row[KEY] for row in query(caller, f"SELECT {KEY} FROM {TABLE} {rest}")["records"]]


def upsert(caller: Caller, *rows: dict[str, Any], **more: Any) -> TestResponse:
    records = [{"attributes": {"type": TABLE}, **row} for row in rows]
    return caller("PATCH", f"/composite/sobjects/{TABLE}/{KEY}", {"records": records, **more})


def refused(reply: TestResponse) -> tuple[int, str]:
    return reply.status_code, reply.get_json()[0]["errorCode"]


def test_a_client_logs_in_by_form_or_by_basic_and_is_told_where_and_who(org: Crm) -> None:
    body = org.login().get_json()
    assert body["token_type"] == "Bearer"
    assert body["instance_url"] == "http://localhost"
    assert body["access_token"].startswith("00D5a5a")
    assert body["id"].startswith("http://localhost/id/00D5a5a")
    assert "expires_in" not in body
    pair = base64.b64encode(f"{CLIENT}:sandbox".encode()).decode()
    for secret, status in (("sandbox", 200), ("x", 401)):
        pair = base64.b64encode(f"{CLIENT}:{secret}".encode()).decode()
        reply = org.admin.http.post(
            "/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {pair}"},
        )
        assert reply.status_code == status


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_a_wrong_login_is_told_why(org: Crm, form: dict[str, str], error: str) -> None:
    reply = org.login(**form)
    assert (reply.status_code, reply.get_json()["error"]) == (400, error)


def test_a_request_without_a_session_is_refused(org: Crm) -> None:
    assert refused(Caller(org.app, "/services/data/v67.0", {})("GET", "/query", q="x")) == (
        401,
        "INVALID_SESSION_ID",
    )


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("WHERE Key__c LIKE 'acme/sf/%' ORDER BY Key__c", ["acme/sf/to/NO_SALE", "acme/sf/to/SALE"]),
        ("WHERE Key__c LIKE 'ACME/SF/TO/SALE'", ["acme/sf/to/SALE"]),
        (r"WHERE Key__c LIKE 'other\_x/%'", ["other_x/to/SALE"]),
        (r"WHERE Key__c LIKE 'acme\_sf/%'", []),
        ("WHERE Key__c = 'acme/sf/to/SALE' AND Active__c = TRUE", ["acme/sf/to/SALE"]),
        (
            "WHERE Value__c IN ('Won', 'Lost') ORDER BY Value__c DESC",
            ["acme/sf/to/SALE", "acme/sf/to/NO_SALE"],
        ),
        ("WHERE Value__c NOT IN ('Won', 'Lost')", ["other_x/to/SALE"]),
        ("WHERE Order__c >= 2 OR (NOT Key__c LIKE 'acme%')", ["acme/sf/to/NO_SALE", "other_x/to/SALE"]),
        ("WHERE Order__c = null AND Value__c != 'Won'", ["other_x/to/SALE"]),
        (
            "WHERE LastModifiedDate < 2025-01-15T09:00:01Z ORDER BY Order__c NULLS LAST, Key__c LIMIT 1",
            ["acme/sf/to/NO_SALE"],
        ),
    ],
)
def test_a_query_chooses_and_orders_rows(org: Crm, rest: str, found: list[str]) -> None:
    got = keys(org.admin, rest)
    assert (got if "ORDER" in rest else sorted(got)) == found


def test_a_count_names_no_records(org: Crm) -> None:
    assert query(org.admin, f"SELECT COUNT() FROM {TABLE}") == {"totalSize": 3, "done": True, "records": []}


def test_the_organization_tells_its_id(org: Crm) -> None:
    (record,) = query(org.admin, "SELECT Id, Name, IsSandbox FROM Organization LIMIT 1")["records"]
    assert record["Id"].startswith("00D5a5a")
    assert record["Id"] in org.login().get_json()["id"]
    assert record["IsSandbox"] is True


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        (f"SELECT Id, Colour FROM {TABLE}", "INVALID_FIELD"),
        (f"SELECT Id FROM {TABLE} WHERE Colour = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Mapping", "INVALID_TYPE"),
        ("SELECT COUNT() FROM Mapping", "INVALID_TYPE"),
        (f"SELECT Id FROM {TABLE} WHERE", "MALFORMED_QUERY"),
        (f"SELECT Id FROM {TABLE} WHERE Key__c = 'a' AND Key__c = 'b' OR Key__c = 'c'", "MALFORMED_QUERY"),
        (f"SELECT Id FROM {TABLE} WHERE Key__c = 'it's'", "MALFORMED_QUERY"),
        (f"SELECT Id FROM {TABLE} WHERE Key__c = Won", "MALFORMED_QUERY"),
        (rf"SELECT Id FROM {TABLE} WHERE Key__c = '\q'", "MALFORMED_QUERY"),
        (f"UPDATE {TABLE}", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_in_an_array(org: Crm, soql: str, code: str) -> None:
    assert refused(org.admin("GET", "/query", q=soql)) == (400, code)


def test_quotes_and_backslashes_are_escaped_in_a_query(org: Crm) -> None:
    upsert(org.admin, {KEY: "acme/it's\\100%_"})
    assert keys(org.admin, r"WHERE Key__c = 'acme/it\'s\\100%_'") == ["acme/it's\\100%_"]
    assert keys(org.admin, r"WHERE Key__c LIKE 'acme/it\'s\\100\%\_'") == ["acme/it's\\100%_"]


def test_a_long_query_is_read_page_by_page(org: Crm) -> None:
    for start in (0, 200, 400):
        upsert(org.admin, *({KEY: f"k/{number:04}"} for number in range(start, start + 200)))
    body = query(
        org.admin,
        f"SELECT {KEY} FROM {TABLE} WHERE Key__c LIKE 'k/%' ORDER BY Key__c",
        **{"Sforce-Query-Options": "batchSize=250"},
    )
    got = [row[KEY] for row in body["records"]]
    while not body["done"]:
        assert body["totalSize"] == 600
        assert body["nextRecordsUrl"].startswith("/services/data/v67.0/query/0r8")
        body = org.admin.get(body["nextRecordsUrl"].removeprefix(org.admin.base))
        got += [row[KEY] for row in body["records"]]
    assert got == [f"k/{number:04}" for number in range(600)]
    assert refused(org.admin("GET", "/query/0r8nonsense-200")) == (400, "INVALID_QUERY_LOCATOR")


def test_a_query_of_more_than_an_address_holds_is_refused(org: Crm) -> None:
    names = ", ".join(f"'{number:0200}'" for number in range(100))
    assert refused(org.admin("GET", "/query", q=f"SELECT Id FROM {TABLE} WHERE Key__c IN ({names})")) == (
        414,
        "URI_TOO_LONG",
    )


def test_an_upsert_answers_row_by_row_in_order(org: Crm) -> None:
    reply = upsert(
        org.admin,
        {KEY: "acme/sf/to/SALE", "Value__c": "Closed won"},
        {KEY: "acme/sf/to/NEW", "Value__c": "x" * 256},
        {KEY: "acme/sf/to/NEW", "Value__c": "y"},
        {KEY: "acme/sf/to/OTHER", "Value__c": "y"},
        {"Value__c": "no key"},
        {KEY: " ", "Value__c": "no key"},
    )
    assert reply.status_code == 200
    told = [
        (one["success"], one.get("created"), *[error["statusCode"] for error in one.get("errors", [])])
        for one in reply.get_json()
    ]
    assert told == [
        (True, False),
        (False, None, "STRING_TOO_LONG"),
        (False, None, "DUPLICATE_VALUE"),
        (True, True),
        (False, None, "MISSING_ARGUMENT"),
        (False, None, "MISSING_ARGUMENT"),
    ]
    assert reply.get_json()[1]["errors"][0]["fields"] == ["Value__c"]
    assert org.row(Key__c="acme/sf/to/SALE")["Value__c"] == "Closed won"
    assert reply.get_json()[3]["id"] == org.row(Key__c="acme/sf/to/OTHER")["Id"]


def test_all_or_none_undoes_everything(org: Crm) -> None:
    before = org.box.state(NAME)
    reply = upsert(org.admin, {KEY: "new"}, {KEY: "long", "Value__c": "x" * 256}, allOrNone=True)
    assert [one["errors"][0]["statusCode"] for one in reply.get_json()] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "STRING_TOO_LONG",
    ]
    assert org.box.state(NAME) == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (
            {"records": [{"attributes": {"type": TABLE}, KEY: str(n)} for n in range(201)]},
            400,
            "EXCEEDED_ID_LIMIT",
        ),
        ({"records": [{"attributes": {"type": "Case"}, KEY: "x"}]}, 400, "INVALID_INPUT"),
        ({"records": [{KEY: "x"}]}, 400, "INVALID_INPUT"),
        ({"records": [{"attributes": {"type": TABLE}, "Colour": "x"}]}, 400, "INVALID_FIELD"),
        ({"records": [{"attributes": {"type": TABLE}, KEY: ["x"]}]}, 400, "JSON_PARSER_ERROR"),
        ({"rows": []}, 400, "JSON_PARSER_ERROR"),
        ([], 400, "JSON_PARSER_ERROR"),
    ],
)
def test_an_upsert_that_is_not_well_formed_is_refused_whole(
    org: Crm, body: Any, status: int, code: str
) -> None:
    before = org.box.state(NAME)
    assert refused(org.admin("PATCH", f"/composite/sobjects/{TABLE}/{KEY}", body)) == (status, code)
    assert org.box.state(NAME) == before


def test_a_row_is_changed_only_when_nobody_did_since_the_given_second(org: Crm) -> None:
    row = org.row(Key__c="acme/sf/to/SALE")
    path = f"/sobjects/{TABLE}/{row['Id']}"
    seen = org.admin("GET", path).headers["Last-Modified"]
    assert seen == "Wed, 15 Jan 2025 09:00:00 GMT"
    since = {"If-Unmodified-Since": seen}
    assert org.admin("PATCH", path, {"Value__c": "ours"}, since).status_code == 204
    reply = org.admin("PATCH", path, {"Value__c": "again"}, since)
    assert (reply.status_code, reply.data) == (412, b"")
    assert org.row(Key__c="acme/sf/to/SALE")["Value__c"] == "ours"
    since["If-Unmodified-Since"] = org.admin("GET", path).headers["Last-Modified"]
    # Within one second a change of somebody else goes unseen: that is all that the platform offers.
    org.edit("edit-row", row="acme/sf/to/SALE", set={"Value__c": "theirs"}, by="dana")
    assert org.admin("PATCH", path, {"Value__c": "over"}, since).status_code == 204
    org.clock.now += 1
    org.edit("edit-row", row="acme/sf/to/SALE", set={"Value__c": "theirs"}, by="dana")
    assert org.admin("PATCH", path, {"Value__c": "over"}, since).status_code == 412


def test_a_condition_that_is_no_date_is_refused(org: Crm) -> None:
    path = f"/sobjects/{TABLE}/{org.row(Value__c='Won')['Id']}"
    assert (
        org.admin("PATCH", path, {"Value__c": "x"}, {"If-Unmodified-Since": "yesterday"}).status_code == 400
    )


def test_a_row_that_was_not_modified_is_not_sent_again(org: Crm) -> None:
    path = f"/sobjects/{TABLE}/{org.row(Value__c='Won')['Id']}"
    seen = org.admin("GET", path).headers["Last-Modified"]
    assert org.admin("GET", path, headers={"If-Modified-Since": seen}).status_code == 304


def test_a_deleted_row_is_known_to_be_gone_and_its_key_is_free(org: Crm) -> None:
    row = org.row(Key__c="acme/sf/to/SALE")
    path = f"/sobjects/{TABLE}/{row['Id']}"
    assert org.admin("DELETE", path).status_code == 204
    for method, body in (("DELETE", None), ("GET", None), ("PATCH", {"Value__c": "x"})):
        assert refused(org.admin(method, path, body)) == (404, "ENTITY_IS_DELETED")
    assert refused(org.admin("DELETE", f"/sobjects/{TABLE}/a00000000000000AAA")) == (404, "NOT_FOUND")
    assert keys(org.admin, "WHERE Key__c LIKE 'acme/%'") == ["acme/sf/to/NO_SALE"]
    (result,) = upsert(org.admin, {KEY: "acme/sf/to/SALE"}).get_json()
    assert result["created"]
    assert result["id"] != row["Id"]


def test_texts_lose_their_outer_blanks_and_an_empty_one_is_none(org: Crm) -> None:
    upsert(org.admin, {KEY: "a", "Value__c": " Répondeur  \n", "Notes__c": ""})
    row = org.row(Key__c="a")
    assert (row["Value__c"], row["Notes__c"]) == ("Répondeur", None)


def test_declared_objects_hold_their_clients_to_their_fields(tmp_path: Path) -> None:
    org = Crm(tmp_path, "salesforce", objects=OBJECTS)
    reply = upsert(
        org.admin,
        {KEY: "a", "Value__c": "x" * 11},
        {KEY: "b"},
        {KEY: "c", "value__c": "ok", "Notes__c": "n" * 5000, "Active__c": None, "Order__c": 3},
    )
    told = [one["errors"][0]["statusCode"] if one["errors"] else "" for one in reply.get_json()]
    assert told == ["STRING_TOO_LONG", "REQUIRED_FIELD_MISSING", ""]
    assert org.row(Key__c="c")["Value__c"] == "ok"
    assert org.row(Key__c="c")["Active__c"] is False
    row = org.admin.get(f"/sobjects/{TABLE}/{reply.get_json()[2]['id'][:15]}")
    assert row["attributes"]["type"] == TABLE
    assert set(OBJECTS[TABLE]) <= set(row)
    for wrong, code in (
        ({"Other__c": 1}, "INVALID_FIELD"),
        ({"Active__c": "yes"}, "JSON_PARSER_ERROR"),
        ({"Id": "x"}, "INVALID_FIELD"),
        ({"LastModifiedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Value__c": None}, "REQUIRED_FIELD_MISSING"),
        ({"Value__c": "x" * 11}, "STRING_TOO_LONG"),
    ):
        assert refused(org.admin("PATCH", f"/sobjects/{TABLE}/{row['Id']}", wrong)) == (400, code), wrong
    upsert(org.admin, {KEY: "d", "Value__c": "ok"})
    assert refused(org.admin("PATCH", f"/sobjects/{TABLE}/{row['Id']}", {KEY: "d"})) == (
        400,
        "DUPLICATE_VALUE",
    )
    assert refused(org.admin("GET", "/query", q="SELECT Id FROM Other__c")) == (400, "INVALID_TYPE")
    reply = org.admin("PATCH", f"/composite/sobjects/{TABLE}/Value__c", {"records": []})
    assert refused(reply) == (404, "NOT_FOUND")
    with pytest.raises(ValueError, match="too large"):
        org.edit("edit-row", row="c", set={"Value__c": "x" * 11})
    org.kept()


def test_a_validation_rule_of_the_org_refuses_rows_in_its_own_words(org: Crm) -> None:
    org.box.set(NAME, refused={"Nope": "Disposition is not approved."})
    results = upsert(org.admin, {KEY: "a", "Value__c": "Nope"}, {KEY: "b", "Value__c": "Yes"}).get_json()
    assert results[0]["errors"] == [
        {
            "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "Disposition is not approved.",
            "fields": [],
        }
    ]
    assert results[1]["success"]
    path = f"/sobjects/{TABLE}/{results[1]['id']}"
    assert refused(org.admin("PATCH", path, {"Value__c": "Nope"})) == (
        400,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    )


def test_who_may_only_read_writes_nothing(org: Crm) -> None:
    reader = org.caller(f"{CLIENT}-readonly")
    before = org.box.state(NAME)
    path = f"/sobjects/{TABLE}/{org.row(Value__c='Won')['Id']}"
    assert len(keys(reader, "")) == 3
    assert refused(reader("PATCH", path, {"Value__c": "x"})) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert refused(reader("DELETE", path)) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    (result,) = upsert(reader, {KEY: "new"}).get_json()
    assert result["errors"][0]["statusCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert org.box.state(NAME) == before


def test_external_ids_may_be_compared_without_their_case(org: Crm) -> None:
    org.box.set(NAME, case_insensitive_names=True)
    (result,) = upsert(org.admin, {KEY: "ACME/sf/to/sale", "Value__c": "x"}).get_json()
    assert result["created"] is False


def test_paths_and_methods_that_are_not_there_are_told_apart(org: Crm) -> None:
    assert refused(org.admin("GET", "/limits")) == (404, "NOT_FOUND")
    assert refused(org.admin("GET", "/sobjects/Case/x")) == (404, "NOT_FOUND")
    reply = org.admin("PUT", f"/sobjects/{TABLE}/x", {})
    assert refused(reply) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["Allow"] == "GET,PATCH,DELETE"
    reply = org.admin.http.patch(f"{org.admin.base}/sobjects/{TABLE}/x", data="{}", headers=org.admin.headers)
    assert refused(reply) == (415, "UNSUPPORTED_MEDIA_TYPE")


@given(st.text("0123456789ABCXYZabcxyz", min_size=12, max_size=12))
def test_the_long_form_of_an_id_is_of_its_short_one_alone(text: str) -> None:
    long = whole(f"a00{text}")
    assert len(long) == 18
    assert whole(long[:15]) == long == whole(long)


def test_a_known_id_has_its_known_long_form() -> None:
    assert whole("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert record_id("a005a5a", "x") == record_id("a005a5a", "x")
