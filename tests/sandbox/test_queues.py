from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.orgs import CODES, DIVISIONS, QUEUES, Small, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def writable(queue: dict[str, Any]) -> dict[str, Any]:
    body = {**queue}
    if routing := body.get("conditionalGroupRouting"):
        first = {key: value for key, value in routing["rules"][0].items() if key != "queue"}
        body["conditionalGroupRouting"] = {"rules": [first, *routing["rules"][1:]]}
    return body


def test_a_queue_survives_its_round_trip_with_members_nobody_knows(tmp_path: Path) -> None:
    org = Small(tmp_path)
    org.box.ensure("acme-emea")
    emea = org.caller("sandbox-acme-emea")
    for queue in emea.get(QUEUES, pageSize=100)["entities"]:
        after = emea("PUT", queue["selfUri"], writable(queue)).get_json()
        assert {key for key in queue if after[key] != queue[key]} == {"dateModified", "modifiedBy"}
    assert emea.queue("Enterprise Sales")["futureSettings"]["nested"]["label"] == "café"


def test_a_put_that_leaves_members_out_loses_them(org: Small) -> None:
    org.box.ensure("acme-us")
    us = org.caller("sandbox-acme-us")
    before = us.queue("Enterprise Sales")
    after = us("PUT", before["selfUri"], {"name": before["name"]}).get_json()
    assert not {"futureSettings", "conditionalGroupRouting", "outboundEmailAddress", "bullseye"} & set(after)
    assert after["acwSettings"] == {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 30000}
    assert (after["memberCount"], after["division"]) == (before["memberCount"], before["division"])
    assert us.names(f"{before['selfUri']}/wrapupcodes") != []


def test_the_queue_of_the_first_rule_must_not_be_sent_back(org: Small) -> None:
    org.box.ensure("acme-us")
    us = org.caller("sandbox-acme-us")
    queue = us.queue("Enterprise Sales")
    assert queue["conditionalGroupRouting"]["rules"][0]["queue"]["id"] == queue["id"]
    assert refused(us("PUT", queue["selfUri"], queue)) == (400, "bad.request")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"wrapupPrompt": "MANDATORY_TIMEOUT"}, {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 30000}),
        ({"wrapupPrompt": "OPTIONAL"}, {"wrapupPrompt": "OPTIONAL"}),
        ({"wrapupPrompt": "OPTIONAL", "timeoutMs": 0}, {"wrapupPrompt": "OPTIONAL", "timeoutMs": 0}),
        ({"wrapupPrompt": "AGENT_REQUESTED", "timeoutMs": 3600000}, None),
        ({"wrapupPrompt": "MANDATORY_FORCED_TIMEOUT", "timeoutMs": 1000}, None),
    ],
)
def test_after_call_work_is_stored(org: Small, sent: dict[str, Any], stored: dict[str, Any] | None) -> None:
    queue = org.admin.queue("Help Desk")
    after = org.admin("PUT", queue["selfUri"], queue | {"acwSettings": sent}).get_json()
    assert after["acwSettings"] == (stored or sent)


@pytest.mark.parametrize(
    "sent",
    [
        {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 999},
        {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 3600001},
        {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 0},
        {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": "30000"},
        {"wrapupPrompt": "Mandatory"},
    ],
)
def test_after_call_work_out_of_range_is_refused(org: Small, sent: dict[str, Any]) -> None:
    queue = org.admin.queue("Help Desk")
    assert refused(org.admin("PUT", queue["selfUri"], queue | {"acwSettings": sent})) == (
        400,
        "invalid.value",
    )


def test_a_queue_is_created_copied_and_deleted(org: Small) -> None:
    source = org.admin.queue("Sales Line")
    made = org.admin("POST", QUEUES, {"name": "Copy", "sourceQueueId": source["id"]}).get_json()
    assert (made["futureSettings"], made["division"]["name"]) == ({"keep": True}, "Home")
    assert refused(org.admin("POST", QUEUES, {"name": "Copy"})) == (400, "duplicate.name")
    assert refused(org.admin("POST", QUEUES, {"description": "x"})) == (400, "required.field.missing")
    assert org.admin("DELETE", made["selfUri"]).status_code == 200
    assert refused(org.admin("GET", made["selfUri"])) == (404, "resource.not.found")


def test_a_queue_with_conversations_goes_only_by_force(org: Small) -> None:
    org.box.set("small", active_queues=["Help Desk"])
    uri = org.admin.queue("Help Desk")["selfUri"]
    assert refused(org.admin("DELETE", uri)) == (400, "active.queue")
    assert org.admin("DELETE", uri, forceDelete="true").status_code == 200


def test_queues_are_listed_by_name_with_wildcards_and_filters(org: Small) -> None:
    assert org.admin.names(QUEUES) == ["Help Desk", "Sales Line"]
    assert org.admin.names(QUEUES, sortOrder="desc") == ["Sales Line", "Help Desk"]
    assert org.admin.names(QUEUES, name="*DESK") == ["Help Desk"]
    assert org.admin.names(QUEUES, name="*es l*") == ["Sales Line"]
    assert org.admin.names(QUEUES, name="line") == []
    org.box.edit("small", {"op": "update_queue", "queue": "Help Desk", "set": {"peerId": "p"}})
    assert org.admin.names(QUEUES, hasPeer="true") == ["Help Desk"]
    assert org.admin.names(QUEUES, hasPeer="false") == ["Sales Line"]
    org.box.set("small", list_queues_with_peer=False)
    assert org.admin.names(QUEUES) == ["Sales Line"]
    assert refused(org.admin("GET", QUEUES, hasPeer="maybe")) == (400, "invalid.value")


def test_links_are_added_all_or_none_and_twice_is_no_error(org: Small) -> None:
    links = f"{org.admin.queue('Sales Line')['selfUri']}/wrapupcodes"
    solved, sale = org.admin.code("Solved"), org.admin.code("Sale")
    reply = org.admin("POST", links, [{"id": solved["id"]}, {"id": "nobody"}])
    assert refused(reply) == (404, "resource.not.found")
    assert sorted(org.admin.names(links)) == ["No Sale", "Sale"]
    reply = org.admin("POST", links, [{"id": solved["id"]}, {"id": sale["id"]}])
    assert reply.get_json() == [solved, sale]
    assert sorted(org.admin.names(links)) == ["No Sale", "Sale", "Solved"]
    assert org.admin.names(links, name="no*") == ["No Sale"]


def test_more_than_a_hundred_links_at_once_are_refused(org: Small) -> None:
    links = f"{org.admin.queue('Sales Line')['selfUri']}/wrapupcodes"
    assert refused(org.admin("POST", links, [{"id": "x"}] * 101)) == (400, "bad.request")


def test_a_link_is_taken_off_once(org: Small) -> None:
    link = f"{org.admin.queue('Sales Line')['selfUri']}/wrapupcodes/{org.admin.code('Sale')['id']}"
    reply = org.admin("DELETE", link)
    assert (reply.status_code, reply.data) == (200, b"")
    assert refused(org.admin("DELETE", link)) == (404, "not.found")


def test_a_queue_moves_by_the_divisions_call_and_not_by_put(org: Small) -> None:
    queue = org.admin.queue("Help Desk")
    sales = org.admin.queue("Sales Line")["division"]
    moved = org.admin("PUT", queue["selfUri"], queue | {"division": sales}).get_json()
    assert moved["division"] == queue["division"]
    reply = org.admin("POST", f"{DIVISIONS}/{sales['id']}/objects/QUEUE", [queue["id"]])
    assert (reply.status_code, reply.data) == (204, b"")
    assert org.admin.get(queue["selfUri"])["division"] == sales


def test_divisions_count_the_whole_org_for_everybody(org: Small) -> None:
    nobody = org.caller("sandbox-small-nothing")
    listed = nobody.get(DIVISIONS, objectCount="true")["entities"]
    counts = {item["name"]: item["objectCounts"] for item in listed}
    assert counts["Sales"] == {"WRAPUPCODE": 2, "QUEUE": 1}
    assert counts["Service"] == {"WRAPUPCODE": 1, "QUEUE": 1}
    assert nobody.get(f"{DIVISIONS}/home")["name"] == "Home"
    assert nobody.get("/api/v2/organizations/me")["id"].startswith("5a5a5a5a-")


def test_a_code_of_another_division_on_a_visible_queue_is_listed(org: Small) -> None:
    org.box.edit("small", {"op": "add_link", "queue": "Sales Line", "code": "Solved"})
    sales = org.caller("sandbox-small-sales")
    assert "Solved" in sales.names(f"{sales.queue('Sales Line')['selfUri']}/wrapupcodes")
    assert "Solved" not in sales.names(CODES)
