from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.orgs import CODES, Small, refused

if TYPE_CHECKING:
    from pathlib import Path

AUDITS = "/api/v2/audits/query"
EVER = "2000-01-01T00:00:00Z/2100-01-01T00:00:00Z"


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def results(org: Small, query: dict[str, Any], **page: Any) -> list[dict[str, Any]]:
    reply = org.admin("POST", AUDITS, {"interval": EVER} | query)
    assert (reply.status_code, reply.get_json()["state"]) == (202, "Queued")
    path = f"{AUDITS}/{reply.get_json()['id']}"
    running = org.admin("GET", path)
    assert (running.status_code, running.get_json()["state"]) == (202, "Running")
    assert org.admin.get(path)["state"] == "Succeeded"
    lines: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = org.admin.get(f"{path}/results", **page, **cursor)
        lines += answer["entities"]
        if "cursor" not in answer:
            return lines
        cursor = {"cursor": answer["cursor"]}


def test_who_changed_a_code_is_found_by_its_id(org: Small) -> None:
    code = org.admin.code("Sale")
    org.admin("PUT", code["selfUri"], code | {"description": "by us"})
    org.box.edit("small", {"op": "rename_code", "code": "Sale", "name": "Sold", "by": "user-7"})
    lines = results(org, {"filters": [{"property": "EntityId", "value": code["id"]}]})
    assert [(line.get("client") or line["user"])["id"] for line in lines] == ["sandbox-small", "user-7"]
    assert lines[1]["propertyChanges"] == [{"property": "name", "oldValues": ["Sale"], "newValues": ["Sold"]}]


def test_results_come_in_pages_by_cursor_in_either_order(org: Small) -> None:
    for number in range(7):
        org.box.edit("small", {"op": "add_code", "name": f"Code {number}"})
    query = {"filters": [{"property": "EntityType", "value": "WrapupCode"}]}
    names = [line["entity"]["name"] for line in results(org, query, pageSize=3)]
    assert names == [f"Code {number}" for number in range(7)]
    sort = [{"name": "Timestamp", "sortOrder": "descending"}]
    backwards = [line["entity"]["name"] for line in results(org, query | {"sort": sort})]
    assert backwards == names[::-1]


def test_a_realtime_query_answers_at_once_with_numbered_pages_of_two_weeks(org: Small) -> None:
    for number in range(3):
        org.box.edit("small", {"op": "add_code", "name": f"Code {number}", "by": "user-7"})
    made = org.box.audit("small")[-1]["at"]
    query = {
        "interval": f"{made[:10]}T00:00:00Z/2100-01-01T00:00:00Z",
        "filters": [{"property": "EntityType", "value": "WrapupCode"}],
    }
    page = org.admin("POST", f"{AUDITS}/realtime", query | {"pageSize": 2, "pageNumber": 2}, expand="user")
    told = page.get_json()
    assert [line["entity"]["name"] for line in told["entities"]] == ["Code 2"]
    assert told["entities"][0]["user"]["name"] == "User user-7"
    assert (told["total"], told["pageCount"]) == (3, 2)
    assert refused(org.admin("POST", f"{AUDITS}/realtime", {"interval": EVER}))[0] == 400


def test_the_service_that_owns_codes_is_told_by_the_mapping_alone(org: Small) -> None:
    org.box.set("small", audit_services={"WrapupCode": "Routing"})
    services = org.admin.get(f"{AUDITS}/servicemapping")["services"]
    assert [one["name"] for one in services if "WrapupCode" in str(one)] == ["Routing"]
    org.admin("POST", CODES, {"name": "New"})
    assert [line["entityType"] for line in results(org, {"serviceName": "Routing"})] == ["WrapupCode"]


def test_a_query_that_failed_has_no_results(org: Small) -> None:
    org.box.set("small", audit_end="Failed", audit_polls=0)
    path = f"{AUDITS}/{org.admin('POST', AUDITS, {'interval': EVER}).get_json()['id']}"
    assert org.admin.get(path)["state"] == "Failed"
    assert refused(org.admin("GET", f"{path}/results"))[0] == 404


def test_a_query_is_bounded_by_service_and_time(org: Small) -> None:
    org.admin("POST", CODES, {"name": "New"})
    assert {line["entityType"] for line in results(org, {"serviceName": "Outbound"})} == {"WrapUpCodeMapping"}
    assert results(org, {"interval": "2000-01-01T00:00:00Z/2000-01-02T00:00:00Z"}) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"interval": "yesterday"},
        {"interval": EVER, "serviceName": "X"},
        {"interval": EVER, "filters": [{}]},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(org: Small, query: dict[str, Any]) -> None:
    assert refused(org.admin("POST", AUDITS, query))[0] == 400


def test_an_unknown_query_is_not_found(org: Small) -> None:
    assert refused(org.admin("GET", f"{AUDITS}/nothing/results")) == (404, "not.found")
