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


def assign(*ids: int) -> list[dict[str, int]]:
    return [{"dispositionId": number, "priority": place} for place, number in enumerate(ids, 1)]


def test_a_list_of_skills_shows_their_work_after_a_call_and_their_dispositions(org: Tenant) -> None:
    listed = org.admin.get("/skills")
    assert listed["totalRecords"] == 3
    assert listed["lastPollTime"] == "2025-01-15T09:00:00.000Z"
    sales, desk, _ = listed["skills"]
    assert (sales["acwTypeId"], sales["stateIdACW"], sales["stateNameACW"]) == (2, 1, "Wrap Up")
    assert (sales["maxSecondsACW"], sales["requireDisposition"]) == (45, True)
    assert sales["dispositions"] == [
        {"dispositionId": 1002, "dispositionName": "No Sale", "priority": 1, "isPreviewDisposition": False},
        {"dispositionId": 1001, "dispositionName": "Sale", "priority": 2, "isPreviewDisposition": False},
    ]
    assert (desk["mediaTypeId"], desk["mediaTypeName"]) == (9, "Digital")
    assert "stateIdACW" not in desk
    assert not any(key.startswith("$") for skill in listed["skills"] for key in skill)


def test_one_skill_shows_more_than_the_list(org: Tenant) -> None:
    skill = org.admin.skill("Sales Line")
    assert skill["futureSettings"] == {"keep": [1, 2.5, None]}
    assert skill["acwPostTimeoutStateId"] is None
    assert org.admin.skill("Help Desk")["stateIdACW"] is None
    assert not any(key.startswith("$") for key in skill)
    assert refused(org.admin("GET", "/skills/999")) == (404, "Invalid skillId")


def test_skills_are_listed_by_media_state_and_name(org: Tenant) -> None:
    def names(**query: Any) -> list[str]:
        found = org.admin.get("/skills", **query)
        return [one["skillName"] for one in found["skills"]] if found else []

    assert names(mediaTypeId=9) == ["Help Desk"]
    assert names(searchString="line") == ["Sales Line"]
    assert names(isActive=False) == []
    assert names(outboundStrategy="Personal Connection") == ["Dialer"]
    assert names(orderBy="skillName desc", top=2) == ["Sales Line", "Help Desk"]
    assert refused(org.admin("GET", "/skills", query="x", mediaTypeId="digital"))[0] == 400


def test_a_part_of_a_skill_is_changed_and_the_rest_stays(org: Tenant) -> None:
    before = org.skill("Sales Line")
    reply = org.admin.put_skill("Sales Line", maxSecondsACW=60, stateIdACW=2)
    assert reply.get_json() == {"success": True, "skillId": 1001}
    wanted = {"maxSecondsACW": 60, "stateIdACW": 2, "lastUpdated": ""}
    assert org.skill("Sales Line") | {"lastUpdated": ""} == before | wanted
    assert org.admin.skill("Sales Line")["stateNameACW"] == "Long Wrap Up"


def test_the_whole_list_of_dispositions_is_replaced_in_its_order(org: Tenant) -> None:
    assert org.admin.put_skill("Sales Line", dispositions=assign(1003, 1001)).status_code == 200
    assert org.assigned("Sales Line") == ["Répondeur / Non", "Sale"]
    shown = org.admin.skill("Sales Line")["dispositions"]
    assert [(one["dispositionName"], one["priority"]) for one in shown] == [
        ("Répondeur / Non", 1),
        ("Sale", 2),
    ]
    assert org.admin.put_skill("Sales Line", dispositions=[]).status_code == 200
    assert org.assigned("Sales Line") == []


def test_an_assignment_is_ignored_where_the_tenant_does_so_and_the_rest_is_written(tmp_path: Path) -> None:
    org = Tenant(tmp_path, assignments="ignored")
    reply = org.admin.put_skill("Sales Line", dispositions=assign(1003), maxSecondsACW=10)
    assert reply.get_json()["success"] is True
    assert org.assigned("Sales Line") == ["No Sale", "Sale"]
    assert org.skill("Sales Line")["maxSecondsACW"] == 10
    org.kept()


def test_or_is_merged_into_what_is_there(tmp_path: Path) -> None:
    org = Tenant(tmp_path, assignments="merged")
    org.admin.put_skill("Sales Line", dispositions=assign(1001, 1003))
    assert sorted(org.assigned("Sales Line")) == ["No Sale", "Répondeur / Non", "Sale"]
    org.kept()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stateIdACW": 99}, "Invalid stateIdACW"),
        ({"stateIdACW": 3}, "Invalid stateIdACW"),
        ({"stateIdACW": 4}, "Invalid stateIdACW"),
        ({"stateIdACW": "1"}, "Invalid parameter: stateIdACW"),
        ({"acwTypeId": 4}, "Invalid acwTypeId"),
        ({"acwTypeId": None}, "Invalid parameter: acwTypeId"),
        ({"maxSecondsACW": -1}, "Invalid maxSecondsACW"),
        ({"maxSecondsACW": 1.5}, "Invalid parameter: maxSecondsACW"),
        ({"acwPostTimeoutStateId": 99}, "Invalid acwPostTimeoutStateId"),
        ({"requireDisposition": "yes"}, "Invalid parameter: requireDisposition"),
        ({"allowSecondaryDisposition": 1}, "Invalid parameter: allowSecondaryDisposition"),
        ({"screenPopTriggerEvent": "2"}, "Invalid parameter: screenPopTriggerEvent"),
        ({"skillName": "a/b"}, "Invalid skillName"),
        ({"skillName": "x" * 31}, "Invalid skillName"),
        ({"skillName": ""}, "Invalid skillName"),
        ({"skillName": "Help Desk"}, "The skillName 'Help Desk' is in use."),
        ({"dispositions": [{"dispositionId": 1001}]}, "A disposition needs dispositionId and priority."),
        ({"dispositions": [1001]}, "A disposition needs dispositionId and priority."),
        ({"dispositions": None}, "Invalid parameter: dispositions"),
        ({"dispositions": assign(999)}, "Invalid dispositionId: 999"),
        ({"dispositions": assign(1001, 1001)}, "Invalid dispositionId: 1001"),
    ],
)
def test_a_wrong_part_changes_nothing(org: Tenant, wrong: dict[str, Any], words: str) -> None:
    before = org.state
    assert refused(org.admin.put_skill("Sales Line", notes="x", **wrong)) == (400, words)
    assert org.state == before


def test_a_skill_that_is_not_there_cannot_be_updated(org: Tenant) -> None:
    assert refused(org.admin("PUT", "/skills/999", {"skill": {"notes": "x"}})) == (404, "Invalid skillId")
    assert refused(org.admin("PUT", "/skills/x", {"skill": {"notes": "x"}}))[0] == 400
    assert org.admin.put_skill("Sales Line", skillName=None, notes="x").status_code == 200
    assert org.skill("Sales Line")["notes"] == "x"


def test_a_whole_body_sent_back_is_refused_for_its_types(org: Tenant) -> None:
    whole = org.admin.skill("Sales Line")
    reply = org.admin("PUT", "/skills/1001", {"skill": whole})
    assert refused(reply) == (400, "Invalid parameter: screenPopTriggerEvent")
    assert refused(org.admin("PUT", "/skills/1001", whole)) == (400, "The skill parameter is required.")


def test_a_running_outbound_skill_cannot_be_updated(org: Tenant) -> None:
    status, words = refused(org.admin.put_skill("Dialer", maxSecondsACW=5))
    assert status == 409
    assert "running outbound skill" in words
    org.edit("run_skill", skill="Dialer", running=False)
    assert org.admin.put_skill("Dialer", maxSecondsACW=5).status_code == 200


def test_a_restricted_skill_is_listed_and_nothing_more(tmp_path: Path) -> None:
    org = Tenant(tmp_path, restricted_skills=["Help Desk"])
    assert org.admin.get("/skills")["totalRecords"] == 3
    for reply in (
        org.admin("GET", "/skills/1002"),
        org.admin("PUT", "/skills/1002", {"skill": {"maxSecondsACW": 5}}),
    ):
        assert refused(reply) == (403, "The skill is restricted for this user.")
    org.kept()


def test_a_type_without_a_state_takes_the_state_away(org: Tenant) -> None:
    assert org.admin.put_skill("Sales Line", acwTypeId=1, stateIdACW=None).status_code == 200
    skill = org.admin.skill("Sales Line")
    assert (skill["acwTypeId"], skill["stateIdACW"]) == (1, None)
    assert "stateNameACW" not in skill


def test_members_are_named_otherwise_in_a_put(org: Tenant) -> None:
    org.admin.put_skill("Sales Line", popThankYouUrl="https://example.com/", screenPopTriggerEvent=3)
    skill = org.admin.skill("Sales Line")
    assert (skill["popThankYouURL"], skill["screenPopTriggerEvent"]) == ("https://example.com/", "3")


def test_the_spelling_of_an_older_version_counts_only_where_case_does_not(tmp_path: Path) -> None:
    org = Tenant(tmp_path)
    body = {"skill": {"stateIdAcw": 2, "maxSecondsAcw": 99}}
    org.admin("PUT", "/skills/1001", body)
    assert org.skill("Sales Line")["maxSecondsACW"] == 45
    org.box.set(NAME, skill_member_case="any")
    org.admin("PUT", "/skills/1001", body)
    assert (org.skill("Sales Line")["stateIdACW"], org.skill("Sales Line")["maxSecondsACW"]) == (2, 99)


def test_version_23_spells_a_member_otherwise(org: Tenant) -> None:
    old = org.caller("sandbox-tenant", "23.0").get("/skills/1001")
    assert "allowSecondaryDispositions" in old
    assert "allowSecondaryDisposition" not in old


def test_a_skill_may_come_wrapped_and_a_list_without_dispositions(tmp_path: Path) -> None:
    org = Tenant(tmp_path, wrap_skill=True, skills_with_dispositions=False)
    assert org.admin.get("/skills/1001")["skills"][0]["skillName"] == "Sales Line"
    assert all("dispositions" not in skill for skill in org.admin.get("/skills")["skills"])
    org.kept()


def test_the_dispositions_of_a_skill_come_in_its_order(org: Tenant) -> None:
    found = org.admin.get("/skills/1001/dispositions")
    assert (found["totalRecords"], found["skillName"]) == (2, "Sales Line")
    assert [(one["dispositionName"], one["displayOrder"]) for one in found["dispositions"]] == [
        ("No Sale", 1),
        ("Sale", 2),
    ]
    sale = found["dispositions"][1]
    assert (sale["classification"], sale["requireCommitmentAmount"]) == ("Positive w/Amount", True)
    assert "dispositionCategoryName" not in sale
    newer = org.caller("sandbox-tenant", "34.0").get("/skills/1001/dispositions", skip=1)
    assert newer["dispositions"][0]["dispositionCategoryName"] == "Positive"
    assert org.admin("GET", "/skills/1003/dispositions").status_code == 204


def test_what_could_still_be_assigned_is_active_and_not_there(org: Tenant) -> None:
    found = org.admin.get("/skills/1001/dispositions/unassigned")["dispositions"]
    assert [one["dispositionName"] for one in found] == ["Répondeur / Non", "Skip"]


def test_the_skills_of_a_disposition_are_found_from_its_side(org: Tenant) -> None:
    found = org.admin.get("/dispositions/1001/skills")
    assert [one["skillName"] for one in found["skills"]] == ["Sales Line", "Help Desk"]
    assert org.admin("GET", "/dispositions/1003/skills").status_code == 204
    everything = org.admin.get("/dispositions/skills")
    assert [(one["dispositionName"], len(one["skills"])) for one in everything][:2] == [
        ("Sale", 2),
        ("No Sale", 1),
    ]
    org.box.set(NAME, skills_of_dispositions="wrapped")
    assert org.admin.get("/dispositions/skills")["dispositions"] == everything


def test_a_deactivated_disposition_stays_on_its_skills_or_hides(org: Tenant) -> None:
    org.admin.put(org.admin.disposition("Sale"), isActive=False)
    assert len(org.admin.skill("Sales Line")["dispositions"]) == 2
    org.box.set(NAME, inactive_on_skills="hidden")
    shown = org.admin.skill("Sales Line")["dispositions"]
    assert [one["dispositionName"] for one in shown] == ["No Sale"]
    assert org.assigned("Sales Line") == ["No Sale", "Sale"]


def test_unavailable_codes_say_which_can_follow_a_call(org: Tenant) -> None:
    found = org.admin.get("/unavailable-codes")
    assert [(one["name"], one["isACW"], one["isActive"]) for one in found["unavailableCodes"]] == [
        ("Wrap Up", True, True),
        ("Long Wrap Up", True, True),
        ("Old Wrap Up", True, False),
        ("Break", False, True),
    ]
    assert org.admin.get("/unavailable-codes/2")["unavailableCode"]["agentTimeout"] == 60
    assert refused(org.admin("GET", "/unavailable-codes/9"))[0] == 404


@pytest.mark.parametrize(
    ("spelling", "number", "name"),
    [("v23", "outStateId", "outStateName"), ("v30", "unavailableCodeId", "unavailableCode")],
)
def test_unavailable_codes_of_older_versions_have_other_members(
    tmp_path: Path, spelling: str, number: str, name: str
) -> None:
    org = Tenant(tmp_path, unavailable_code_members=spelling)
    first = org.admin.get("/unavailable-codes", searchString="wrap")["unavailableCodes"][0]
    assert (first[number], first[name]) == (1, "Wrap Up")
    org.kept()


def test_the_tags_of_a_skill_are_texts(org: Tenant) -> None:
    assert org.admin.get("/tags")["tags"] == [
        {"tagId": 1001, "tagName": "VIP", "isActive": True, "notes": ""}
    ]
    found = org.admin.get("/skills/1001/tags")
    assert found["resultSet"]["tags"] == [
        {"tagId": "1001", "tagName": "VIP", "isActive": "true", "notes": ""}
    ]
    assert org.admin("GET", "/skills/1002/tags").status_code == 204
    assert org.admin.get("/tags", isActive=False) is None
