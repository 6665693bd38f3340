from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.crms import CLIENT, NAME, Caller, Crm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

CODES = "/wrapup/code"
ROWS = "/table/interaction_wrap_up_code"
SEED: list[dict[str, Any]] = [
    {"code": "Billing Issue", "description": "money", "translations": {"de": ["Abrechnung", "Geld"]}},
    {"code": "Sales, Lost", "active": False},
    {"code": "C^D", "description": "caret", "external": True},
]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Crm]:
    org = Crm(tmp_path, "servicenow", SEED)
    yield org
    org.kept()


def codes(caller: Caller, query: str, **more: Any) -> list[str]:
    return [row["code"] for row in caller.get(ROWS, sysparm_query=query, **more)["result"]]


def upsert(caller: Caller, *items: dict[str, Any]) -> TestResponse:
    return caller("POST", CODES, {"codes": list(items)})


def listed(reply: TestResponse) -> list[str]:
    return [one["code"] for one in reply.get_json()["result"]["result_map"]["created_wrap_up_codes"]]


def refused(reply: TestResponse) -> tuple[int, str]:
    body = reply.get_json()
    assert body["status"] == "failure"
    return reply.status_code, body["error"]["message"]


def pair(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"}


def test_a_client_logs_in_by_its_secret_or_as_a_user_beside_it(org: Crm) -> None:
    body = org.login().get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 1799)
    assert "refresh_token" not in body
    reader = f"{CLIENT}-readonly"
    body = org.login(grant_type="password", username=reader, password="sandbox").get_json()
    assert body["refresh_token"]
    caller = Caller(org.app, "/api/now", {"Authorization": f"Bearer {body['access_token']}"})
    assert codes(caller, "active=false") == ["Sales, Lost"]
    assert org.box.requests()[-1].client == reader


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password", "username": CLIENT, "password": "wrong"}, 401, "server_error"),
        ({"grant_type": "password", "username": "nobody", "password": "x"}, 401, "server_error"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_login_is_told_why(org: Crm, form: dict[str, str], status: int, error: str) -> None:
    reply = org.login(**form)
    assert (reply.status_code, reply.get_json()["error"]) == (status, error)


def test_a_user_may_come_with_name_and_password_each_time_and_is_counted(org: Crm) -> None:
    caller = Caller(org.app, "/api/now", pair(CLIENT, "sandbox"))
    assert len(codes(caller, "")) == 3
    wrong = Caller(org.app, "/api/now", pair(CLIENT, "wrong"))("GET", ROWS)
    assert refused(wrong) == (401, "User Not Authenticated")
    assert "BASIC" in wrong.headers["WWW-Authenticate"]
    org.box.add_fault("rate-limit", per_minute=1)
    reply = caller("GET", ROWS)
    assert refused(reply) == (429, "Rate limit exceeded")
    assert reply.headers["Retry-After"] == "60"
    standing = Caller(org.app, "/api/now", {"Authorization": f"Bearer standing:{CLIENT}"})
    assert standing("GET", ROWS).status_code == 401


def test_codes_are_created_or_updated_by_their_labels(org: Crm) -> None:
    reply = upsert(
        org.admin,
        {
            "code": "New",
            "description": "fresh",
            "translations": [{"language": "de", "code": "Neu", "description": "frisch"}],
        },
        {"code": "Billing Issue", "active": False},
        {"code": "Sales, Lost", "description": "gone"},
    )
    result = reply.get_json()["result"]
    assert (reply.status_code, result["success"]) == (200, True)
    assert result["message"] == "All wrap up codes created successfully."
    assert listed(reply) == ["New", "Billing Issue", "Sales, Lost"]
    new, billing, lost = org.row(code="New"), org.row(code="Billing Issue"), org.row(code="Sales, Lost")
    assert (new["external"], new["active"], new["sys_mod_count"]) == (True, True, 0)
    assert new["translations"] == {"de": ["Neu", "frisch"]}
    assert (billing["active"], billing["description"], billing["sys_mod_count"]) == (False, "money", 1)
    assert (lost["active"], lost["description"]) == (False, "gone")


def test_an_upsert_of_what_is_there_moves_nothing(org: Crm) -> None:
    before = org.box.state(NAME)
    assert (
        upsert(org.admin, {"code": "Billing Issue", "description": "money", "active": True}).status_code
        == 200
    )
    assert org.box.state(NAME) == before


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"code": "x" * 101}, "The code exceeds the maximum length of 100 characters."),
        (
            {"code": "x", "description": "d" * 4001},
            "The description exceeds the maximum length of 4000 characters.",
        ),
        ({"code": "  "}, "The code is required."),
        ({"description": "x"}, "The code is required."),
        ({"code": "x", "description": 5}, "The description must be a string."),
        ({"code": "x", "active": "yes"}, "The active flag must be a boolean."),
        ({"code": "x", "translations": "de"}, "The translations must be an array of objects."),
        (
            {"code": "x", "translations": [{"language": "deu", "code": "y"}]},
            "The language of a translation must have two letters.",
        ),
        (
            {"code": "x", "translations": [{"language": "de"}]},
            "The code of the translation to de is required.",
        ),
        (
            {"code": "x", "description": "d", "translations": [{"language": "de", "code": "y"}]},
            "The description of the translation to de is required.",
        ),
        (
            {"code": "x", "translations": [{"language": "de", "code": "y" * 101}]},
            "The translation to de exceeds the maximum length.",
        ),
        ("x", "A wrap up code must be an object."),
    ],
)
def test_what_is_refused_is_missing_from_the_list_and_told_in_the_message(
    tmp_path: Path, item: Any, words: str
) -> None:
    org = Crm(tmp_path, "servicenow")
    reply = upsert(org.admin, {"code": "good"}, item)
    result = reply.get_json()["result"]
    assert (reply.status_code, result["success"], listed(reply)) == (207, False, ["good"])
    assert result["message"].endswith(words)
    assert [row["code"] for row in org.rows] == ["good"]


def test_how_a_partial_answer_is_told_differs(org: Crm) -> None:
    org.box.set(NAME, refused={"Nope": "not in our list"}, updated_listed=False)
    reply = upsert(org.admin, {"code": "Nope"}, {"code": "Billing Issue"}, {"code": "New"})
    assert (reply.status_code, listed(reply)) == (207, ["New"])
    assert "Nope: not in our list" in reply.get_json()["result"]["message"]
    org.box.set(NAME, refusals="nowhere")
    reply = upsert(org.admin, {"code": "Nope"}, {"code": "New"})
    assert "Nope" not in reply.get_json()["result"]["message"]
    assert refused(upsert(org.admin, {"code": "Nope"})) == (400, "Invalid request")
    org.box.set(NAME, all_refused=207)
    reply = upsert(org.admin, {"code": "Nope"})
    assert (reply.status_code, listed(reply)) == (207, [])


@pytest.mark.parametrize("body", [{}, {"codes": {}}, {"codes": []}, []])
def test_an_upsert_that_makes_no_sense_is_refused_whole(org: Crm, body: Any) -> None:
    reply = org.admin("POST", CODES, body)
    assert reply.status_code == 400


def test_a_code_is_shown_in_the_language_of_its_user(org: Crm) -> None:
    path = f"{CODES}/{org.row(code='Billing Issue')['sys_id']}"
    assert org.admin.get(path)["result"]["result_map"]["wrap_up_code"]["translated_code"] == "Billing Issue"
    org.box.set(NAME, language="de")
    result = org.admin.get(path)["result"]
    assert result["message"] == "Wrap up code found."
    assert result["result_map"]["wrap_up_code"]["translated_code"] == "Abrechnung"
    assert result["result_map"]["wrap_up_code"]["translated_description"] == "Geld"
    assert refused(org.admin("GET", f"{CODES}/{'0' * 32}")) == (400, "Wrap up code not found.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("active=true^ORDERBYDESCcode", ["C^D", "Billing Issue"]),
        ("code=billing issue", ["Billing Issue"]),
        ("code=C^^D", ["C^D"]),
        ("codeSTARTSWITHb^ORcodeENDSWITHlost^ORDERBYcode", ["Billing Issue", "Sales, Lost"]),
        ("codeLIKEissue^NQactive=false^ORDERBYcode", ["Billing Issue", "Sales, Lost"]),
        ("codeIN C^^D,Billing Issue^codeNOT INx", ["Billing Issue"]),
        ("codeINSales, Lost", []),
        ("descriptionISEMPTY", ["Sales, Lost"]),
        ("descriptionISNOTEMPTY^code!=C^^D^descriptionNOTLIKEz", ["Billing Issue"]),
        ("sys_mod_count>=0^code<c^EQ", ["Billing Issue"]),
        ("colour=red^active=false", ["Sales, Lost"]),
    ],
)
def test_an_encoded_query_chooses_and_orders_rows(org: Crm, query: str, found: list[str]) -> None:
    assert codes(org.admin, query) == found


def test_an_unknown_column_chooses_everything_or_nothing(org: Crm) -> None:
    assert len(codes(org.admin, "colour=red")) == 3
    org.box.set(NAME, invalid_query="no rows")
    assert codes(org.admin, "colour=red") == []


def test_every_value_of_a_row_is_a_text(org: Crm) -> None:
    (row,) = org.admin.get(ROWS, sysparm_query="code=Billing Issue")["result"]
    assert all(isinstance(value, str) for value in row.values())
    assert (row["active"], row["sys_mod_count"]) == ("true", "0")
    assert row["sys_updated_on"] == "2025-01-15 09:00:00"
    assert "translations" not in row
    (row,) = org.admin.get(
        ROWS, sysparm_query="active=false", sysparm_fields="sys_id,colour,code,sys_mod_count"
    )["result"]
    assert set(row) == {"sys_id", "code", "sys_mod_count"}


def test_a_long_list_is_read_by_offset_and_counts_what_it_hides(org: Crm) -> None:
    for start in range(0, 6, 2):
        upsert(org.admin, {"code": f"n{start}"}, {"code": f"n{start + 1}"})
    asked: dict[str, Any] = {"sysparm_query": "codeSTARTSWITHn^ORDERBYcode", "sysparm_limit": 4}
    reply = org.admin("GET", ROWS, sysparm_offset=0, **asked)
    assert reply.headers["X-Total-Count"] == "6"
    links = {name: url for url, name in (link.split(";rel=") for link in reply.headers["Link"].split(","))}
    assert set(links) == {'"first"', '"next"', '"last"'}
    following = org.admin.http.get(
        links['"next"'].strip("<>").removeprefix("http://localhost"), headers=org.admin.headers
    )
    assert [row["code"] for row in following.get_json()["result"]] == ["n4", "n5"]
    assert 'rel="prev"' in following.headers["Link"]
    assert org.admin.get(ROWS, sysparm_offset=99, **asked)["result"] == []
    org.box.set(NAME, hidden=["n1"])
    reply = org.admin("GET", ROWS, **asked)
    assert reply.headers["X-Total-Count"] == "6"
    assert [row["code"] for row in reply.get_json()["result"]] == ["n0", "n2", "n3"]


def test_a_page_is_never_larger_than_the_instance_grants(org: Crm) -> None:
    org.box.set(NAME, page_cap=2)
    assert len(codes(org.admin, "", sysparm_limit=100)) == 2


def test_a_row_is_changed_whatever_happened_meanwhile(org: Crm) -> None:
    path = f"{ROWS}/{org.row(code='Billing Issue')['sys_id']}"
    reply = org.admin(
        "PATCH", path, {"code": "Invoice", "active": "false", "colour": "red", "sys_mod_count": "9"}
    )
    result = reply.get_json()["result"]
    assert (result["code"], result["active"], result["sys_mod_count"]) == ("Invoice", "false", "1")
    assert "colour" not in result
    org.edit("edit-row", row="Invoice", set={"description": "theirs"}, by="dana")
    reply = org.admin("PATCH", path, {"description": "ours"}).get_json()["result"]
    assert (reply["description"], reply["sys_mod_count"], reply["sys_updated_by"]) == ("ours", "3", CLIENT)
    assert org.admin("PATCH", path, {"description": "ours"}).get_json()["result"]["sys_mod_count"] == "3"


def test_a_long_text_is_cut_without_a_word(org: Crm) -> None:
    path = f"{ROWS}/{org.row(code='Billing Issue')['sys_id']}"
    assert org.admin("PATCH", path, {"code": "x" * 150}).get_json()["result"]["code"] == "x" * 100


def test_two_codes_do_not_share_a_label_unless_the_instance_lets_them(org: Crm) -> None:
    path = f"{ROWS}/{org.row(code='Billing Issue')['sys_id']}"
    assert refused(org.admin("PATCH", path, {"code": "C^D"})) == (403, "Operation Failed")
    org.box.set(NAME, unique_codes=False)
    assert org.admin("PATCH", path, {"code": "C^D"}).status_code == 200


def test_a_deleted_row_is_gone(org: Crm) -> None:
    path = f"{ROWS}/{org.row(code='Billing Issue')['sys_id']}"
    assert org.admin("DELETE", path).status_code == 204
    assert refused(org.admin("DELETE", path)) == (404, "No Record found")
    assert refused(org.admin("PATCH", path, {"code": "x"})) == (404, "No Record found")


def test_a_business_rule_refuses_in_its_own_words(org: Crm) -> None:
    org.box.set(NAME, refused={"Nope": "not in our list"})
    path = f"{ROWS}/{org.row(code='Billing Issue')['sys_id']}"
    reply = org.admin("PATCH", path, {"code": "Nope"})
    assert refused(reply) == (403, "Operation Failed")
    assert "not in our list" in reply.get_json()["error"]["detail"]


def test_who_may_only_read_writes_nothing(org: Crm) -> None:
    reader = org.caller(f"{CLIENT}-readonly")
    before = org.box.state(NAME)
    path = f"{ROWS}/{org.row(code='Billing Issue')['sys_id']}"
    assert len(codes(reader, "")) == 3
    for reply in (
        upsert(reader, {"code": "x"}),
        reader("PATCH", path, {"code": "x"}),
        reader("DELETE", path),
    ):
        assert refused(reply) == (403, "Operation Failed")
    assert org.box.state(NAME) == before


def test_versions_in_the_path_are_served_and_other_tables_are_not(org: Crm) -> None:
    assert len(Caller(org.app, "/api/now/v2", org.admin.headers).get(ROWS)["result"]) == 3
    assert refused(org.admin("GET", "/table/incident")) == (400, "Invalid table incident")
    assert refused(org.admin("GET", "/stats/x")) == (400, "Requested URI does not represent any resource")
    assert refused(org.admin("PUT", CODES)) == (405, "Method not supported")
    reply = org.admin.http.post("/api/now/wrapup/code", data="{", headers=org.admin.headers)
    assert refused(reply) == (400, "Exception while reading request")


def test_every_answer_names_its_transaction(org: Crm) -> None:
    assert org.admin("GET", ROWS).headers["X-Transaction-ID"] == org.box.requests()[-1].correlation
