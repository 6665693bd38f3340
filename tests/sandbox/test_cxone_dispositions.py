from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def test_a_list_shows_what_it_has_and_leaves_out_what_it_has_not(org: Tenant) -> None:
    listed = org.admin.get("/dispositions")
    assert listed["totalRecords"] == 5
    assert listed["dispositions"][0] == {
        "dispositionId": 1001,
        "dispositionName": "Sale",
        "notes": "sold",
        "lastUpdated": "2025-01-15T09:00:00.000Z",
        "classificationId": 1,
        "isActive": True,
        "isPreviewDisposition": False,
    }
    assert "notes" not in org.admin.disposition("No Sale")
    assert org.admin.disposition("Répondeur / Non")["notes"] == ""
    assert "classificationId" not in org.admin.disposition("Répondeur / Non")
    assert org.admin.disposition("Old")["isActive"] is False


def test_one_disposition_shows_what_follows_from_its_classification(org: Tenant) -> None:
    one = org.admin.get("/dispositions/1001")
    assert one["classificationName"] == "Positive w/Amount"
    assert (one["showCommitmentAmount"], one["showRescheduleDate"]) == (True, False)
    assert "classificationName" not in org.admin.get("/dispositions/1003")
    assert refused(org.admin("GET", "/dispositions/999")) == (404, "Invalid dispositionId")
    assert refused(org.admin("GET", "/dispositions/Sale"))[0] == 400


def test_a_batch_is_created_whole(org: Tenant) -> None:
    reply = org.admin.create("A", "B" * 50, "Ünder 'quotes'")
    assert reply.status_code == 200
    results = reply.get_json()["dispositionResults"]
    assert reply.get_json()["errorCount"] == 0
    assert [(one["dispositionId"], one["success"]) for one in results] == [
        (1006, True),
        (1007, True),
        (1008, True),
    ]
    assert org.admin.names()[-3:] == ["A", "B" * 50, "Ünder 'quotes'"]
    assert org.truth("A")["isActive"] is True


def test_a_batch_with_a_failed_item_is_answered_with_206_and_the_rest_is_there(org: Tenant) -> None:
    reply = org.admin.create("A", "Sale", "B", "A", " ")
    assert reply.status_code == 206
    body = reply.get_json()
    assert body["errorCount"] == 3
    assert [one["success"] for one in body["dispositionResults"]] == [True, False, True, False, False]
    assert [one.get("error") for one in body["dispositionResults"]][1:] == [
        "A disposition with the name 'Sale' already exists.",
        None,
        "A disposition with the name 'A' already exists.",
        "The dispositionName parameter is required.",
    ]
    assert body["dispositionResults"][1]["dispositionId"] == 0
    assert org.admin.names()[-2:] == ["A", "B"]


def test_a_name_of_more_than_fifty_characters_fails(tmp_path: Path) -> None:
    org = Tenant(tmp_path)
    body = org.admin.create("A", "x" * 51).get_json()
    assert (
        body["dispositionResults"][1]["error"] == "The dispositionName must be between 1 and 50 characters."
    )
    assert "A" in org.admin.names()
    if org.checked:
        assert "is too long" in org.checked.violations[0]


def test_of_sixty_one_fails_as_the_tenant_wants_it(tmp_path: Path) -> None:
    org = Tenant(tmp_path, refused_names=["Code 30"], batch_limit=100, failed_id=-1, result_order="reversed")
    names = [f"Code {number}" for number in range(60)]
    body = org.admin.create(*names).get_json()
    assert body["errorCount"] == 1
    failed = [place for place, one in enumerate(body["dispositionResults"]) if not one["success"]]
    assert failed == [29]
    assert body["dispositionResults"][29]["dispositionId"] == -1
    assert "not acceptable" in body["dispositionResults"][29]["error"]
    assert len(org.state["dispositions"]) == 5 + 59
    org.box.set(NAME, partial_status=200)
    assert org.admin.create("Code 30").status_code == 200
    org.kept()


def test_a_batch_over_the_limit_creates_nothing(org: Tenant) -> None:
    before = org.state
    assert refused(org.admin.create(*(f"Code {number}" for number in range(51)))) == (
        400,
        "The maximum limit of 50 dispositions was exceeded.",
    )
    bodies: list[Any] = [{}, {"dispositions": []}, {"dispositions": ["A"]}, [{"dispositionName": "A"}]]
    for body in bodies:
        assert refused(org.admin("POST", "/dispositions", body))[0] == 400
    assert org.state == before


def test_a_classification_that_is_left_out_becomes_the_first_and_null_is_none(org: Tenant) -> None:
    org.admin.create("Left Out")
    org.admin.create("None", classificationId=None)
    org.admin.create("Negative", classificationId=5)
    assert [org.truth(name)["classificationId"] for name in ("Left Out", "None", "Negative")] == [1, None, 5]
    reply = org.admin.create("Wrong", classificationId=77)
    assert reply.get_json()["dispositionResults"][0]["error"] == "Invalid classificationId"


def test_notes_and_status_cannot_be_given_on_create(tmp_path: Path) -> None:
    org = Tenant(tmp_path)
    org.admin.create("A", notes="lost", isActive=False)
    made = org.truth("A")
    assert (made["notes"], made["isActive"]) == (None, True)
    if org.checked:
        assert "Additional properties are not allowed" in org.checked.violations[0]


def test_an_update_answers_with_nothing_and_moves_the_date(org: Tenant) -> None:
    sale = org.admin.disposition("Sale")
    reply = org.admin.put(sale, dispositionName="Sold", notes="new", classificationId=2)
    assert (reply.status_code, reply.data) == (200, b"")
    assert reply.headers["icStatusDescription"] == "Success"
    sold = org.admin.disposition("Sold")
    assert (sold["dispositionId"], sold["notes"], sold["classificationId"]) == (1001, "new", 2)
    assert sold["lastUpdated"] > sale["lastUpdated"]


def test_a_careless_update_resets_what_it_leaves_out(org: Tenant) -> None:
    assert org.admin("PUT", "/dispositions/1005", {"dispositionName": "Skipped"}).status_code == 200
    damaged = org.truth("Skipped")
    assert damaged["classificationId"] == 1
    assert (damaged["isActive"], damaged["isPreviewDisposition"], damaged["notes"]) == (False, False, None)
    assert refused(org.admin("PUT", "/dispositions/1001", {"notes": "x"}))[0] == 400


def test_or_keeps_it_where_the_tenant_does(tmp_path: Path) -> None:
    org = Tenant(tmp_path, put_omitted="keep")
    before = org.truth("Skip")
    assert org.admin("PUT", "/dispositions/1005", {"notes": "x"}).status_code == 200
    after = org.truth("Skip")
    assert after | {"lastUpdated": ""} == before | {"lastUpdated": "", "notes": "x"}
    org.kept()


def test_a_disposition_is_deactivated_and_comes_back(org: Tenant) -> None:
    old = org.admin.disposition("Old")
    assert org.admin.put(old, isActive=True).status_code == 200
    assert org.truth("Old")["isActive"] is True
    status = f"/dispositions/{old['dispositionId']}/status"
    assert org.admin("PATCH", status, isActive=False).status_code == 200
    assert org.truth("Old")["isActive"] is False
    assert refused(org.admin("PATCH", status))[0] == 400
    assert org.admin("DELETE", f"/dispositions/{old['dispositionId']}").status_code == 405


def test_an_inactive_disposition_holds_its_name(org: Tenant) -> None:
    reply = org.admin.create("Old")
    assert (reply.status_code, reply.get_json()["errorCount"]) == (206, 1)
    status, words = refused(org.admin.put(org.admin.disposition("Sale"), dispositionName="Old"))
    assert (status, words) == (409, "A disposition with the name 'Old' already exists.")
    assert org.admin.put(org.admin.disposition("Sale"), notes="the same name").status_code == 200


def test_names_may_be_taken_twice_where_the_tenant_allows_it(tmp_path: Path) -> None:
    org = Tenant(tmp_path, duplicate_names="allowed")
    assert org.admin.create("Sale").status_code == 200
    assert org.admin.names().count("Sale") == 2
    org.box.set(NAME, duplicate_names="refused", case_insensitive_names=True)
    assert org.admin.create("no sale").status_code == 206
    org.kept()


def test_some_dispositions_and_some_names_are_refused_with_409(tmp_path: Path) -> None:
    org = Tenant(tmp_path, fixed_dispositions=["Skip"], refused_names=["Bad"])
    assert refused(org.admin.put(org.admin.disposition("Skip"), notes="x")) == (
        409,
        "The disposition cannot be updated.",
    )
    assert refused(org.admin.put(org.admin.disposition("Sale"), dispositionName="Bad"))[0] == 409
    org.kept()


@pytest.mark.parametrize(
    "wrong",
    [
        {"dispositionName": "x" * 51},
        {"dispositionName": 7},
        {"dispositionName": None},
        {"classificationId": "1"},
        {"classificationId": 77},
        {"classificationId": True},
        {"isActive": "yes"},
        {"isPreviewDisposition": 1},
        {"notes": ["x"]},
    ],
)
def test_a_wrong_update_changes_nothing(org: Tenant, wrong: dict[str, object]) -> None:
    before = org.state
    assert refused(org.admin.put(org.admin.disposition("Sale"), **wrong))[0] == 400
    assert org.state == before


def test_a_body_that_is_no_json_object_is_refused(org: Tenant) -> None:
    path = f"{org.admin.base}/dispositions/1001"
    for data in (b"", b"{", b"[]", b'{"notes": "\\ud800"}', b"\xff"):
        reply = org.admin.http.put(
            path, headers=org.admin.headers, data=data, content_type="application/json"
        )
        assert refused(reply)[0] == 400
    reply = org.admin.http.put(path, headers=org.admin.headers, data={"notes": "x"})
    assert refused(reply) == (400, "The Content-Type must be application/json.")


def test_a_disposition_that_is_not_there_cannot_be_updated(org: Tenant) -> None:
    assert refused(org.admin("PUT", "/dispositions/999", {"dispositionName": "x"})) == (
        404,
        "Invalid dispositionId",
    )
    assert refused(org.admin("PATCH", "/dispositions/999/status", isActive=True))[0] == 404


def test_the_date_of_a_change_may_be_coarse(tmp_path: Path) -> None:
    org = Tenant(tmp_path, last_updated="minutes")
    sale = org.admin.disposition("Sale")
    assert sale["lastUpdated"] == "2025-01-15T09:00Z"
    org.admin.put(sale, notes="1")
    first = org.admin.disposition("Sale")["lastUpdated"]
    org.admin.put(sale, notes="2")
    assert org.admin.disposition("Sale")["lastUpdated"] == first
    org.kept()


def test_every_tenant_has_the_classifications_of_the_contract(org: Tenant) -> None:
    found = org.admin.get("/dispositions/classifications")
    assert found["totalRecords"] == 13
    names = {one["classificationId"]: one["classificationName"] for one in found["classificationResults"]}
    assert (names[1], names[3], names[8], names[13]) == (
        "Positive w/Amount",
        "Negative-DNC-Skill",
        "Retry-Rescheduled Specified Date/Time Any Agent",
        "Fax Machine",
    )
    retries = org.admin.get(
        "/dispositions/classifications", classificationType=4, fields="classificationName"
    )
    assert len(retries["classificationResults"]) == 4
    assert org.admin.get("/dispositions/classifications", isPreviewDisposition=True) is None


def test_a_tenant_may_have_other_classifications(tmp_path: Path) -> None:
    org = Tenant(tmp_path)
    own = [{"id": 40, "name": "Won", "showCommitmentAmount": True}, {"id": 41, "name": "Lost"}]
    seed = {"name": "own", "platform": "cxone", "classifications": own}
    org.box.seed_org(seed | {"dispositions": [{"name": "A", "classification": "Won"}]})
    caller = org.caller("sandbox-own")
    found = caller.get("/dispositions/classifications")["classificationResults"]
    assert [(one["classificationId"], one["classificationName"]) for one in found] == [
        (40, "Won"),
        (41, "Lost"),
    ]
    assert caller.get("/dispositions/1001")["showCommitmentAmount"] is True
    org.kept()


def test_the_history_of_a_disposition_tells_who_changed_what(org: Tenant) -> None:
    org.clock.now = 1_800_000_000.0
    org.admin.create("A", classificationId=None)
    org.clock.now += 60
    org.edit("rename_disposition", disposition="A", name="B")
    org.admin.put(org.admin.disposition("B"), notes="mine")
    found = org.admin.get("/dispositions/1006/audit-history")
    assert (found["createdBy"], found["modifiedBy"]) == ("wrapctl", "wrapctl")
    lines = [
        (one["columnName"], one["oldValue"], one["newValue"], one["modifiedBy"], one["modifiedByName"])
        for one in found["auditHistoryRecords"]
    ]
    assert lines[0] == ("notes", "", "mine", 2001, "wrapctl")
    assert lines[1] == ("dispositionName", "A", "B", 2000, "Dana")
    assert ("dispositionName", "", "A", 2001, "wrapctl") in lines
    assert len({one["auditHistoryID"] for one in found["auditHistoryRecords"]}) == found["totalRecords"]
    assert [line["action"] for line in org.box.audit(NAME)] == ["Create", "Update", "Update"]
    assert org.admin.get("/dispositions/1001/audit-history")["auditHistoryRecords"] == []
