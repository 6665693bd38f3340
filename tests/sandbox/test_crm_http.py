from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from sandbox.crms import CLIENT, NAME, Caller, Crm
from wrapctl.sandbox import ConnectionDropped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

SALE = "acme/crm/to/SALE"
SEED: list[dict[str, Any]] = [
    {"key": SALE, "crmDisposition": "Won", "tags": ["a", 1, None]},
    {"key": "other/Répondeur %", "crmDisposition": "x"},
]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Crm]:
    org = Crm(tmp_path, "http", SEED)
    yield org
    org.kept()


def at(key: str) -> str:
    return f"/{quote(key, safe='')}"


def refused(reply: TestResponse) -> tuple[int, str]:
    assert reply.content_type == "application/problem+json"
    assert reply.get_json()["status"] == reply.status_code
    return reply.status_code, reply.get_json().get("detail", "")


def test_a_client_logs_in_or_comes_with_a_token_that_never_ends(org: Crm) -> None:
    assert org.login().get_json()["expires_in"] == 3600
    assert (org.login(client_secret="x").status_code, org.login(client_id="x").status_code) == (401, 401)
    assert org.login(grant_type="password").get_json() == {"error": "unsupported_grant_type"}
    org.clock.now += 1_000_000
    assert org.admin("GET", "").status_code == 401
    standing = Caller(org.app, "/crm/rows", {"Authorization": f"Bearer {CLIENT}:sandbox"})
    assert len(standing.get("")["rows"]) == 2
    for token in (f"{CLIENT}:wrong", f"standing:{CLIENT}", "x", ""):
        reply = Caller(org.app, "/crm/rows", {"Authorization": f"Bearer {token}"})("GET", "")
        assert refused(reply)[0] == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_rows_are_read_page_by_page_with_their_etags(org: Crm) -> None:
    for number in range(4):
        assert org.admin("PUT", f"/n{number}", {"n": number}).status_code == 201
    page = org.admin.get("", limit=4)
    found = [row["key"] for row in page["rows"]]
    page = org.admin.get("", limit=4, cursor=page["next"])
    assert "next" not in page
    assert found + [row["key"] for row in page["rows"]] == [SALE, "n0", "n1", "n2", "n3", "other/Répondeur %"]
    row = page["rows"][-1]
    assert org.admin("GET", at(row["key"])).headers["ETag"] == row["etag"]
    wrong: tuple[dict[str, Any], ...] = ({"limit": "0"}, {"limit": "x"}, {"cursor": "é"})
    for query in wrong:
        assert refused(org.admin("GET", "", **query))[0] == 400
    org.box.set(NAME, page_cap=2)
    assert len(org.admin.get("", limit=100)["rows"]) == 2


def test_a_row_is_put_changed_and_deleted_under_its_key(org: Crm) -> None:
    made = org.admin("PUT", at("a/b"), {"v": 1, "etag": "no member"})
    assert (made.status_code, made.get_json(), made.headers["Location"]) == (
        201,
        {"key": "a/b", "v": 1},
        "/crm/rows/a%2Fb",
    )
    assert org.admin("PUT", at("a/b"), {"w": 2}).get_json() == {"key": "a/b", "w": 2}
    assert org.admin("PATCH", at("a/b"), {"v": 3, "w": None}).get_json() == {"key": "a/b", "v": 3}
    assert org.admin("DELETE", at("a/b")).status_code == 204
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert refused(org.admin(method, at("a/b"), body))[0] == 404
    for method in ("PUT", "PATCH"):
        assert refused(org.admin(method, at(SALE), {"key": "other"}))[0] == 422


def test_a_write_under_an_old_etag_is_refused(org: Crm) -> None:
    old = org.admin("GET", at(SALE)).headers["ETag"]
    reply = org.admin("PATCH", at(SALE), {"crmDisposition": "ours"}, {"If-Match": old})
    assert reply.status_code == 200
    new = reply.headers["ETag"]
    org.edit("edit-row", row=SALE, set={"crmDisposition": "theirs", "tags": None}, by="dana")
    for method, body in (("PUT", {"v": 1}), ("PATCH", {"v": 1}), ("DELETE", None)):
        for tag in (old, new):
            assert refused(org.admin(method, at(SALE), body, {"If-Match": tag}))[0] == 412
    assert org.row(key=SALE)["crmDisposition"] == "theirs"
    now = org.admin("GET", at(SALE)).headers["ETag"]
    assert org.admin("GET", at(SALE), headers={"If-None-Match": now}).status_code == 304
    assert org.admin("DELETE", at(SALE), headers={"If-Match": now}).status_code == 204
    assert refused(org.admin("PUT", at(SALE), {}, {"If-Match": now}))[0] == 412
    assert org.admin("PUT", at(SALE), {}, {"If-None-Match": "*"}).status_code == 201
    assert refused(org.admin("PUT", at(SALE), {}, {"If-None-Match": "*"}))[0] == 412


def test_a_row_made_again_has_an_etag_of_its_own(org: Crm) -> None:
    body = {"crmDisposition": "same"}
    old = org.admin("PUT", "/x", body).headers["ETag"]
    org.admin("DELETE", "/x")
    assert org.admin("PUT", "/x", body).headers["ETag"] != old


def test_without_etags_conditions_are_passed_over(org: Crm) -> None:
    org.box.set(NAME, etags=False)
    assert "ETag" not in org.admin("GET", at(SALE)).headers
    assert all("etag" not in row for row in org.admin.get("")["rows"])
    assert org.admin("PATCH", at(SALE), {"v": 1}, {"If-Match": '"old"'}).status_code == 200


def test_a_row_without_a_key_is_given_one(org: Crm) -> None:
    reply = org.admin("POST", "", {"crmDisposition": "Won"})
    key = reply.get_json()["key"]
    assert reply.headers["Location"] == f"/crm/rows/{key}"
    assert org.row(key=key)["crmDisposition"] == "Won"
    assert refused(org.admin("POST", "", {"key": SALE}))[0] == 409
    assert refused(org.admin("POST", "", {"key": ""}))[0] == 422


def test_an_idempotency_key_is_good_for_one_request(org: Crm) -> None:
    once = {"Idempotency-Key": "k-1"}
    first = org.admin("POST", "", {"v": 1}, once)
    again = org.admin("POST", "", {"v": 1}, once)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert len(org.rows) == 3
    assert refused(org.admin("POST", "", {"v": 2}, once))[0] == 422
    gone = {"Idempotency-Key": "k-2"}
    assert [org.admin("DELETE", at(SALE), headers=gone).status_code for _ in range(2)] == [204, 204]
    reader = org.caller(f"{CLIENT}-readonly")
    assert refused(reader("POST", "", {"v": 1}, once)) == (403, "The client may not create rows.")


def test_a_refused_request_may_come_again_under_its_idempotency_key(org: Crm) -> None:
    once = {"Idempotency-Key": "k-1"}
    org.box.set(NAME, refused={"Nope": "not in our list"})
    assert refused(org.admin("POST", "", {"v": "Nope"}, once)) == (422, "not in our list")
    org.box.set(NAME, refused={})
    assert org.admin("POST", "", {"v": "Nope"}, once).status_code == 201


def test_a_lost_answer_is_heard_by_asking_again(org: Crm) -> None:
    once = {"Idempotency-Key": "k-1"}
    org.box.add_fault("lose-answer", method="POST", path="/crm/rows", nth=1)
    with pytest.raises(ConnectionDropped):
        org.admin("POST", "", {"v": 1}, once)
    assert org.admin("POST", "", {"v": 1}, once).headers["Idempotency-Replayed"] == "true"
    assert len(org.rows) == 3


def test_an_endpoint_without_a_read_back_takes_rows_and_nothing_else(org: Crm) -> None:
    org.box.set(NAME, read_back=False)
    for method, path in (
        ("GET", ""),
        ("GET", at(SALE)),
        ("PUT", at(SALE)),
        ("PATCH", at(SALE)),
        ("DELETE", at(SALE)),
    ):
        reply = org.admin(method, path)
        assert refused(reply)[0] == 405
        assert reply.headers["Allow"] == "POST"
    assert org.admin("POST", "", {"key": SALE, "v": 1}).status_code == 201
    assert org.row(key=SALE) == org.row(v=1)


def test_an_endpoint_may_ask_for_members_and_short_texts(org: Crm) -> None:
    org.box.set(NAME, required=["wrapUpCode"], text_max=20)
    assert refused(org.admin("PUT", "/x", {"v": 1})) == (422, "The row lacks wrapUpCode.")
    assert refused(org.admin("PUT", "/x", {"wrapUpCode": "x" * 21})) == (
        422,
        "wrapUpCode is longer than 20 characters.",
    )
    assert org.admin("PUT", "/x", {"wrapUpCode": "x" * 20}).status_code == 201


def test_what_is_no_row_is_refused(org: Crm) -> None:
    assert refused(org.admin("PUT", "/x", []))[0] == 400
    raw = org.admin.http.put(
        "/crm/rows/x", data="{", headers=org.admin.headers | {"Content-Type": "application/json"}
    )
    assert refused(raw)[0] == 400
    assert refused(org.admin.http.put("/crm/rows/x", data="{}", headers=org.admin.headers))[0] == 415
    assert refused(org.admin.http.put("/crm/other", headers=org.admin.headers))[0] == 404
    assert refused(org.admin("DELETE", ""))[0] == 405


def test_who_may_only_read_writes_nothing(org: Crm) -> None:
    reader = org.caller(f"{CLIENT}-readonly")
    before = org.box.state(NAME)
    assert len(reader.get("")["rows"]) == 2
    for method, path in (
        ("POST", ""),
        ("PUT", "/x"),
        ("PUT", at(SALE)),
        ("PATCH", at(SALE)),
        ("DELETE", at(SALE)),
    ):
        assert refused(reader(method, path, {}))[0] == 403
    assert org.box.state(NAME) == before
