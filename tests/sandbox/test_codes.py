from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.orgs import CODES, MAPPING, QUEUES, Small, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_a_page_holds_25_unless_asked_otherwise_and_an_over_large_size_is_capped(org: Small) -> None:
    for number in range(130):
        org.box.edit("small", {"op": "add_code", "name": f"Code {number}"})
    first = org.admin.get(CODES)
    assert (first["pageSize"], len(first["entities"]), first["total"], first["pageCount"]) == (25, 25, 134, 6)
    large = org.admin.get(CODES, pageSize=500, pageNumber=2)
    assert (large["pageSize"], len(large["entities"]), large["pageCount"]) == (100, 34, 2)
    assert "nextUri" not in large
    assert large["previousUri"].endswith("pageSize=100&pageNumber=1")
    beyond = org.admin.get(CODES, pageNumber=9)
    assert (beyond["entities"], beyond["total"]) == ([], 134)


def test_the_cap_is_a_setting_of_the_org(org: Small) -> None:
    org.box.set("small", page_caps={"codes": 3})
    assert org.admin.get(CODES, pageSize=100)["pageSize"] == 3
    assert org.admin.get(QUEUES, pageSize=1000)["pageSize"] == 100


@pytest.mark.parametrize(("name", "value"), [("pageSize", "0"), ("pageNumber", "-1"), ("pageSize", "many")])
def test_a_page_that_makes_no_sense_is_refused(org: Small, name: str, value: str) -> None:
    assert refused(org.admin("GET", CODES, **{name: value})) == (400, "invalid.value")


def test_all_pages_together_are_the_whole_list_once(org: Small) -> None:
    for number in range(60):
        org.box.edit("small", {"op": "add_code", "name": f"Code {number}"})
    ids = [item["id"] for page in range(1, 4) for item in org.admin.get(CODES, pageNumber=page)["entities"]]
    assert len(ids) == len(set(ids)) == 64
    assert set(ids) == set(org.box.state("small")["codes"])


def test_a_created_code_comes_back_whole_and_in_the_all_division(org: Small) -> None:
    reply = org.admin("POST", CODES, {"name": "Neu 😀 ", "description": "d"})
    made = reply.get_json()
    assert reply.status_code == 200
    assert (made["name"], made["description"], made["division"]["id"]) == ("Neu 😀 ", "d", "*")
    assert made["dateCreated"] == made["dateModified"]
    assert org.admin.get(made["selfUri"]) == made


def test_nfc_and_nfd_and_case_are_different_names(org: Small) -> None:
    for name in ("Caf\u00e9", "Cafe\u0301", "CAF\u00c9"):
        assert org.admin("POST", CODES, {"name": name}).get_json()["name"] == name


def test_a_second_code_of_that_name_is_refused(org: Small) -> None:
    assert refused(org.admin("POST", CODES, {"name": "Sale"})) == (400, "duplicate.name")
    assert refused(org.admin("PUT", org.admin.code("No Sale")["selfUri"], {"name": "Sale"})) == (
        400,
        "duplicate.name",
    )


def test_a_name_is_taken_even_by_a_code_that_the_client_cannot_see(org: Small) -> None:
    sales = org.caller("sandbox-small-sales")
    assert "Solved" not in sales.names(CODES)
    division = org.admin.code("Sale")["division"]
    assert refused(sales("POST", CODES, {"name": "Solved", "division": division})) == (400, "duplicate.name")


def test_names_may_be_compared_without_case_where_the_org_says_so(org: Small) -> None:
    org.box.set("small", case_insensitive_names=True)
    assert refused(org.admin("POST", CODES, {"name": "SALE"})) == (400, "duplicate.name")


def test_a_put_replaces_and_moves_the_dates(org: Small) -> None:
    before = org.admin.code("Sale")
    after = org.admin("PUT", before["selfUri"], {"name": "Sold"}).get_json()
    assert "description" not in after
    assert after["division"] == before["division"]
    assert after["dateModified"] > before["dateModified"]
    assert (after["modifiedBy"], after["createdBy"]) == ("sandbox-small", before["createdBy"])


def test_two_writes_in_one_moment_still_have_different_dates(org: Small) -> None:
    uri = org.admin.code("Sale")["selfUri"]
    dates = [org.admin("PUT", uri, {"name": "Sale"}).get_json()["dateModified"] for _ in range(3)]
    assert len(set(dates)) == 3
    assert dates == sorted(dates)


def test_a_put_without_division_can_move_a_code_to_all(org: Small) -> None:
    org.box.set("small", put_without_division="all")
    assert (
        org.admin("PUT", org.admin.code("Sale")["selfUri"], {"name": "Sale"}).get_json()["division"]["id"]
        == "*"
    )


def test_a_deleted_code_is_gone_but_for_the_division_views(org: Small) -> None:
    code, queue = org.admin.code("Sale"), org.admin.queue("Sales Line")
    reply = org.admin("DELETE", code["selfUri"])
    assert (reply.status_code, reply.data) == (200, b"")
    assert refused(org.admin("GET", code["selfUri"])) == (404, "resource.not.found")
    assert refused(org.admin("DELETE", code["selfUri"])) == (404, "resource.not.found")
    assert "Sale" not in org.admin.names(CODES)
    assert sorted(org.admin.names(f"{CODES}/divisionviews", includeState="Deleted")) == ["Old", "Sale"]
    assert org.admin.names(f"{QUEUES}/{queue['id']}/wrapupcodes") == ["No Sale"]
    assert code["id"] in org.admin.get(MAPPING)["mapping"]


def test_the_name_of_a_deleted_code_can_be_used_again_or_not(org: Small) -> None:
    assert org.admin("POST", CODES, {"name": "Old"}).status_code == 200
    org.admin("DELETE", org.admin.code("Sale")["selfUri"])
    org.box.set("small", reuse_deleted_names=False)
    assert refused(org.admin("POST", CODES, {"name": "Sale"})) == (400, "duplicate.name")


def test_links_to_a_deleted_code_stay_where_the_org_says_so(org: Small) -> None:
    org.box.set("small", delete_code_unlinks=False)
    org.admin("DELETE", org.admin.code("Sale")["selfUri"])
    queue = org.admin.queue("Sales Line")
    assert sorted(org.admin.names(f"{QUEUES}/{queue['id']}/wrapupcodes")) == ["No Sale", "Sale"]


def test_sort_by_counts_only_with_a_name(org: Small) -> None:
    plain = org.admin.names(CODES)
    assert org.admin.names(CODES, sortBy="name", sortOrder="descending") == plain
    assert org.admin.names(CODES, name="*", sortBy="name") == ["No Sale", "Répondeur / Non", "Sale", "Solved"]
    backwards = org.admin.names(CODES, name="s*", sortBy="name", sortOrder="descending")
    assert backwards == ["Solved", "Sale"]


def test_codes_are_filtered_by_id_and_division(org: Small) -> None:
    sale, solved = org.admin.code("Sale"), org.admin.code("Solved")
    assert set(org.admin.names(CODES, id=[sale["id"], solved["id"]])) == {"Sale", "Solved"}
    assert org.admin.names(CODES, divisionId=[solved["division"]["id"]]) == ["Solved"]
    assert refused(org.admin("GET", f"{CODES}/divisionviews", name="x", id="y")) == (400, "bad.request")


@pytest.mark.parametrize(
    "body", [[], {}, {"name": ""}, {"name": 7}, {"name": "x", "division": {"id": "nowhere"}}]
)
def test_a_body_that_makes_no_sense_is_refused(org: Small, body: object) -> None:
    before = org.box.state("small")
    assert refused(org.admin("POST", CODES, body))[0] == 400
    assert org.box.state("small") == before


def test_broken_json_and_other_media_types_are_refused(org: Small) -> None:
    def post(data: bytes, content_type: str) -> tuple[int, str]:
        return refused(
            org.admin.http.post(CODES, data=data, content_type=content_type, headers=org.admin.headers)
        )

    assert post(b'{"name": "x', "application/json") == (400, "bad.request")
    assert post(b'{"name": "\\ud800"}', "application/json") == (400, "bad.request")
    assert post(b'{"name": "x"}', "text/plain") == (415, "unsupported.media.type")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", CODES),
        ("GET", "/api/v2/wrapupcodes"),
        ("GET", "/api/v2/routing//wrapupcodes"),
        ("PUT", CODES),
    ],
)
def test_what_tutorials_made_up_does_not_exist(org: Small, method: str, path: str) -> None:
    assert refused(org.admin(method, path, {"name": "x"})) == (404, "not.found")


def test_a_path_with_percent_encoded_utf8_is_looked_up_as_text(org: Small) -> None:
    assert refused(org.admin("GET", f"{CODES}/R%C3%A9pondeur%20%F0%9F%98%80")) == (404, "resource.not.found")
    assert org.box.requests("small")[-1].path == f"{CODES}/Répondeur 😀"
