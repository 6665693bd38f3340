from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.orgs import CODES, DIVISIONS, MAPPING, QUEUES, Small, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_no_token_a_wrong_token_and_an_old_token_are_told_apart(org: Small) -> None:
    org.admin.headers = {}
    assert refused(org.admin("GET", CODES)) == (401, "authentication.required")
    org.admin.headers = {"Authorization": "Bearer made-up"}
    assert refused(org.admin("GET", CODES)) == (401, "bad.credentials")
    org.admin.login()
    assert org.admin("GET", CODES).status_code == 200
    org.clock.now += 86400
    assert refused(org.admin("GET", CODES)) == (401, "bad.credentials")


def test_the_login_refuses_with_error_and_description(org: Small) -> None:
    org.admin.client = "nobody"
    reply = org.admin.login()
    assert (reply.status_code, reply.get_json()["error"]) == (401, "invalid_client")
    reply = org.admin.http.post("/oauth/token", data={"grant_type": "password"})
    assert (reply.status_code, reply.get_json()["error"]) == (400, "unsupported_grant_type")
    reply = org.admin.http.post("/oauth/token", json={"grant_type": "client_credentials"})
    assert (reply.status_code, reply.get_json()["error"]) == (400, "invalid_request")


def test_the_login_tells_how_long_its_token_lives(tmp_path: Path) -> None:
    assert Small(tmp_path, token_seconds=300).admin.login().get_json()["expires_in"] == 300


def test_a_read_only_client_reads_everything_and_writes_nothing(org: Small) -> None:
    reader = org.caller("sandbox-small-readonly")
    code, queue, mapping = reader.code("Sale"), reader.queue("Sales Line"), reader.get(MAPPING)
    before = org.box.state("small")
    writes = [
        ("POST", CODES, {"name": "x"}),
        ("PUT", code["selfUri"], code),
        ("DELETE", code["selfUri"], None),
        ("POST", QUEUES, {"name": "x"}),
        ("PUT", queue["selfUri"], queue),
        ("DELETE", queue["selfUri"], None),
        ("POST", f"{queue['selfUri']}/wrapupcodes", [{"id": code["id"]}]),
        ("DELETE", f"{queue['selfUri']}/wrapupcodes/{code['id']}", None),
        ("PUT", MAPPING, mapping),
        ("POST", f"{DIVISIONS}/{code['division']['id']}/objects/QUEUE", [queue["id"]]),
    ]
    for method, path, body in writes:
        status, code_word = refused(reader(method, path, body))
        assert (status, code_word) in {
            (403, "missing.permissions"),
            (403, "missing.any.permissions"),
            (403, "not.authorized"),
        }, path
    assert org.box.state("small") == before


def test_missing_permissions_are_named(org: Small) -> None:
    nobody = org.caller("sandbox-small-nothing")
    reply = nobody("GET", CODES)
    assert refused(reply) == (403, "missing.permissions")
    assert "routing:wrapupCode:view" in reply.get_json()["message"]
    assert refused(nobody("GET", QUEUES)) == (403, "missing.any.permissions")


def test_a_client_of_one_division_sees_that_division_and_all(org: Small) -> None:
    sales = org.caller("sandbox-small-sales")
    assert sorted(sales.names(CODES)) == ["No Sale", "Répondeur / Non", "Sale"]
    assert sales.names(QUEUES) == ["Sales Line"]
    assert sales.get(CODES)["total"] == 3


def test_what_lies_in_another_division_is_not_found_to_readers_and_not_authorized_to_writers(
    org: Small,
) -> None:
    sales = org.caller("sandbox-small-sales")
    code, queue = org.admin.code("Solved"), org.admin.queue("Help Desk")
    assert refused(sales("GET", code["selfUri"])) == (404, "resource.not.found")
    assert refused(sales("GET", queue["selfUri"])) == (404, "resource.not.found")
    assert refused(sales("PUT", code["selfUri"], {"name": "x"})) == (403, "not.authorized")
    assert refused(sales("DELETE", code["selfUri"])) == (403, "not.authorized")
    assert refused(sales("PUT", queue["selfUri"], {"name": "x"})) == (403, "not.authorized")
    links = f"{queue['selfUri']}/wrapupcodes"
    assert refused(sales("GET", links)) == (404, "resource.not.found")
    assert refused(sales("POST", links, [{"id": sales.code("Sale")["id"]}])) == (403, "not.authorized")


def test_a_code_for_all_divisions_is_read_by_everybody_and_written_by_clients_of_all(org: Small) -> None:
    sales = org.caller("sandbox-small-sales")
    shared = sales.code("Répondeur / Non")
    assert refused(sales("PUT", shared["selfUri"], shared)) == (403, "not.authorized")
    assert refused(sales("POST", CODES, {"name": "x"})) == (403, "not.authorized")
    division = sales.code("Sale")["division"]
    assert sales("POST", CODES, {"name": "x", "division": division}).status_code == 200


def test_the_minute_of_a_token_is_counted_and_says_when_it_ends(tmp_path: Path) -> None:
    org = Small(tmp_path, rate_limit=3)
    org.clock.now += 100
    assert [org.admin("GET", CODES).status_code for _ in range(3)] == [200] * 3
    org.clock.now += 15.5
    reply = org.admin("GET", CODES)
    assert refused(reply) == (429, "too.many.requests")
    assert reply.headers["Retry-After"] == "45"
    assert reply.get_json()["limit"]["key"] == "client.credentials.token.rate.per.minute"
    assert org.caller("sandbox-small")("GET", CODES).status_code == 200
    org.clock.now += 45
    assert org.admin("GET", CODES).status_code == 200


def test_no_header_of_the_old_rate_limit_is_sent(org: Small) -> None:
    names = {name.lower() for name, _ in org.admin("GET", CODES).headers}
    assert not {name for name in names if "ratelimit" in name or "rate-limit" in name}
