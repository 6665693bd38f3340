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
