from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.tenants import NAME, Tenant, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Tenant]:
    tenant = Tenant(tmp_path)
    yield tenant
    tenant.kept()


def test_a_list_is_read_page_by_page_until_its_total(tmp_path: Path) -> None:
    org = Tenant(tmp_path, page_cap=3)
    for start in range(0, 40, 20):
        org.admin.create(*(f"Code {number}" for number in range(start, start + 20)))
    read: list[str] = []
    while True:
        page = org.admin.get("/dispositions", skip=len(read), top=500)
        read += [one["dispositionName"] for one in page["dispositions"]]
        assert len(page["dispositions"]) <= 3
        if len(read) == page["totalRecords"]:
            break
    assert len(set(read)) == len(read) == 45
    assert org.admin("GET", "/dispositions", skip=45).status_code == 204
    org.kept()


def test_a_page_without_top_has_fifty(org: Tenant) -> None:
    org.admin.create(*(f"Code {number}" for number in range(50)))
    org.admin.create(*(f"More {number}" for number in range(50)))
    assert len(org.admin.names()) == 50
    assert len(org.admin.names(top=1000)) == 100


def test_a_page_links_to_its_neighbours(org: Tenant) -> None:
    middle = org.admin.get("/dispositions", skip=2, top=2)["_links"]
    assert set(middle) == {"self", "next", "previous"}
    assert set(org.admin.get("/dispositions", skip=4, top=2)["_links"]) == {"self", "previous"}
    first = org.admin.get("/dispositions", top=2)["_links"]
    assert set(first) == {"self", "next"}
    target = urlsplit(first["next"])
    assert target.path == f"{org.admin.base}/dispositions"
    assert parse_qs(target.query) == {"skip": ["2"], "top": ["2"]}
    assert org.admin.http.get(first["next"], headers=org.admin.headers).get_json()["totalRecords"] == 5


def test_a_list_is_filtered_and_ordered(org: Tenant) -> None:
    assert org.admin.names(isActive=False) == ["Old"]
    assert org.admin.names(isPreviewDispositions=True) == ["Skip"]
    assert org.admin.names(searchString="SALE") == ["Sale", "No Sale"]
    assert org.admin.names(searchString="répondeur /") == ["Répondeur / Non"]
    assert org.admin.names(orderBy="dispositionName") == ["No Sale", "Old", "Répondeur / Non", "Sale", "Skip"]
    assert org.admin.names(orderBy="classificationId desc,dispositionName desc") == [
        "Skip",
        "Old",
        "No Sale",
        "Sale",
        "Répondeur / Non",
    ]
    org.admin.put(org.admin.disposition("Sale"), notes="changed")
    assert org.admin.names(updatedSince="2026-01-01T00:00:00Z") == ["Sale"]


def test_a_list_without_a_filter_may_hold_active_ones_alone(tmp_path: Path) -> None:
    org = Tenant(tmp_path, unfiltered="active")
    assert "Old" not in org.admin.names()
    assert org.admin.names(isActive=False) == ["Old"]
    org.kept()


def test_only_the_members_asked_for_are_shown(org: Tenant) -> None:
    found = org.admin.get("/dispositions", fields="dispositionName, notes", top=1)
    assert found["dispositions"] == [{"dispositionId": 1001, "dispositionName": "Sale", "notes": "sold"}]
    assert refused(org.admin("GET", "/dispositions", fields="name")) == (400, "Invalid fields list: name")
    assert set(org.admin.get("/skills/1001", fields="skillName")) == {"skillId", "skillName"}


@pytest.mark.parametrize(
    "query",
    [
        {"skip": "-1"},
        {"top": "0"},
        {"top": "many"},
        {"isActive": "maybe"},
        {"orderBy": "name"},
        {"orderBy": "notes sideways"},
        {"updatedSince": "yesterday"},
    ],
)
def test_a_wrong_parameter_is_refused(org: Tenant, query: dict[str, str]) -> None:
    assert refused(org.admin("GET", "/dispositions", **query))[0] == 400


@pytest.mark.parametrize(
    "path", ["/dispositions", "/skills", "/unavailable-codes", "/tags", "/skills/1001/tags"]
)
def test_a_list_of_nothing_is_no_content_or_an_empty_list(tmp_path: Path, path: str) -> None:
    org = Tenant(tmp_path)
    reply = org.admin("GET", path, searchString="nothing of it", skip=90)
    if path == "/skills/1001/tags":
        reply = org.admin("GET", path, skip=90)
    assert (reply.status_code, reply.data) == (204, b"")
    org.box.set(NAME, empty_list=200)
    reply = org.admin("GET", path, skip=90) if path != "/tags" else org.admin("GET", path, searchString="x")
    assert reply.status_code == 200


def test_what_is_not_there_is_not_found(org: Tenant) -> None:
    assert refused(org.admin("GET", "/nothing"))[0] == 404
    assert refused(org.admin("GET", "/dispositions/1001/nothing"))[0] == 404
    assert org.admin("POST", "/skills", {}).status_code == 405
    assert org.admin.http.get("/inContactAPI/v33.0/skills", headers=org.admin.headers).status_code == 404
