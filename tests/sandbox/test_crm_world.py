"""What all CRMs share: instances, seeds, edits in the UI, and what a network does to their clients."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from sandbox.crms import CLIENT, KEY, LOGINS, NAME, TABLE, Caller, Crm, token
from sandbox.orgs import Clock
from wrapctl.sandbox import ConnectionDropped, Sandbox
from wrapctl.sandbox.server import serving
from wrapctl.sandbox.settings import SETTINGS, CrmSettings

if TYPE_CHECKING:
    from pathlib import Path

PLATFORMS = sorted(name for name, kind in SETTINGS.items() if issubclass(kind, CrmSettings))
# A row's members, by platform: one that names it, one that is changed.
ROW: dict[str, tuple[dict[str, Any], str]] = {
    "salesforce": ({"object": TABLE, KEY: "a", "Value__c": "old"}, "Value__c"),
    "dataverse": ({"msdyn_name": "a", "msdyn_dispositioncodevalue": "old"}, "msdyn_dispositioncodevalue"),
    "servicenow": ({"code": "a", "description": "old"}, "description"),
    "http": ({"key": "a", "value": "old"}, "value"),
}
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "salesforce": ("/query", {"q": f"SELECT Id, Value__c FROM {TABLE}"}),
    "dataverse": ("", {}),
    "servicenow": ("/table/interaction_wrap_up_code", {}),
    "http": ("", {}),
}


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def seeded(folder: Path, platform: str, **settings: Any) -> Crm:
    return Crm(folder, platform, [dict(ROW[platform][0])], **settings)


def listing(org: Crm) -> Any:
    path, query = LISTS[org.platform]
    return org.admin("GET", path, **query)


def values(org: Crm) -> list[str]:
    """The changed member of each row, as a listing shows it."""
    body = listing(org).get_json()
    rows = next(body[name] for name in ("records", "value", "result", "rows") if name in body)
    return sorted(row[ROW[org.platform][1]] for row in rows)


def write(org: Crm, value: str) -> Any:
    """Change the row as a client does."""
    (row,) = org.rows
    member = ROW[org.platform][1]
    path = {
        "salesforce": f"/sobjects/{TABLE}/{row.get('Id')}",
        "dataverse": f"({row.get('msdyn_ocdispositioncodeid')})",
        "servicenow": f"/table/interaction_wrap_up_code/{row.get('sys_id')}",
        "http": "/a",
    }
    return org.admin("PATCH", path[org.platform], {member: value})


def test_an_instance_is_made_when_it_is_asked_for(tmp_path: Path, platform: str) -> None:
    box = Sandbox(tmp_path, Clock())
    org = box.ensure("acme-emea.some-crm", platform)
    assert org.platform == platform
    assert org.id.startswith("5a5a5a5a-")
    assert box.ensure("acme-emea.some-crm", platform).id == org.id
    state = box.state("acme-emea.some-crm")
    assert (state["rows"], state["organization"]["name"]) == ({}, "acme-emea.some-crm")
    path, more, _ = LOGINS[platform]
    assert token(box.wsgi, path, client_id="sandbox-acme-emea.some-crm", **more).status_code == 200
    with pytest.raises(ValueError, match="is of"):
        box.ensure("acme-emea.some-crm", "genesys")


def test_no_client_of_one_crm_opens_another(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    for other in ("genesys", *PLATFORMS):
        if other != platform:
            org.box.ensure(f"other-{other}", other)
    for other in PLATFORMS:
        path, more, base = LOGINS[other]
        if other == platform:
            continue
        assert token(org.app, path, **more).status_code in {400, 401}
        foreign = token(org.app, path, client_id=f"sandbox-other-{other}", **more).get_json()["access_token"]
        own = Caller(org.app, org.admin.base, {"Authorization": f"Bearer {foreign}"})
        assert own("GET", LISTS[platform][0], **LISTS[platform][1]).status_code == 401
        theirs = Caller(org.app, base, org.admin.headers)
        assert theirs("GET", LISTS[other][0], **LISTS[other][1]).status_code == 401
    assert Client(org.app).get("/api/v2/routing/wrapupcodes", headers=org.admin.headers).status_code == 401


def test_the_same_seed_is_the_same_instance_everywhere(tmp_path: Path, platform: str) -> None:
    first, second = (seeded(tmp_path / name, platform).box for name in ("one", "two"))
    assert first.state(NAME) == second.state(NAME)


def test_a_reset_puts_the_seed_back(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    before = org.box.state(NAME)
    write(org, "new")
    org.edit("remove-row", row="a")
    org.box.reset(NAME)
    assert org.box.state(NAME) == before


def test_a_reset_of_an_org_puts_its_connections_back_too(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    for name in ("acme", "acme-two"):
        org.box.ensure(name)
    org.box.ensure("acme-two.crm", platform)
    org.box.edit("acme-two.crm", {"op": "add-row", "set": dict(ROW[platform][0])})
    org.edit("remove-row", row="a")
    org.box.reset("acme")
    assert values(org) == ["old"]
    assert len(org.box.state("acme-two.crm")["rows"]) == 1


def test_a_served_instance_is_made_over_http(tmp_path: Path, platform: str) -> None:
    box = Sandbox(tmp_path, Clock())
    http_client = Client(box.wsgi)
    seed = {"name": "late", "platform": platform, "rows": [ROW[platform][0]]}
    assert http_client.post("/sandbox/orgs", json=seed).status_code == 204
    edit = {"op": "remove-row", "row": "a", "by": "dana"}
    assert http_client.post("/sandbox/edits", json={"org": "late", "edit": edit}).status_code == 204
    assert http_client.get("/sandbox/state", query_string={"org": "late"}).get_json()["rows"] == {}


def test_a_seed_that_makes_no_sense_is_refused(tmp_path: Path, platform: str) -> None:
    box = Sandbox(tmp_path, Clock())
    base = {"name": "x", "platform": platform}
    wrong_row: dict[str, dict[str, Any]] = {
        "salesforce": {},
        "dataverse": {"colour": 1},
        "servicenow": {"colour": 1},
        "http": {},
    }
    seeds: tuple[dict[str, Any], ...] = (
        {"queues": []},
        {"settings": {"colour": "red"}},
        {"organization": {"id": "3c0f"}},
        {"clients": [{"client_id": "x", "divisions": ["Sales"]}]},
        {"rows": [wrong_row[platform]]},
    )
    for wrong in seeds:
        with pytest.raises(ValueError):
            box.seed_org(base | wrong)
        assert box.orgs() == []


def test_somebody_in_the_ui_adds_changes_and_removes_rows(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    given, member = ROW[platform]
    org.edit("edit-row", row="a", set={member: "theirs"}, by="dana")
    added = {key: {"a": "b", "old": "more"}.get(value, value) for key, value in given.items()}
    org.edit("add-row", set=added)
    assert values(org) == ["more", "theirs"]
    org.edit("remove-row", row="b", by="kim")
    assert values(org) == ["theirs"]
    told = [(line["actor"], line["action"]) for line in org.box.audit(NAME)]
    assert told == [("dana", "Update"), ("dana", "Create"), ("kim", "Delete")]
    for row in ("nobody", "old"):
        with pytest.raises(LookupError):
            org.edit("edit-row", row=row, set={member: "x"})
    org.kept()


def test_a_row_changes_just_before_a_request(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    edit = {"op": "edit-row", "row": "a", "set": {ROW[platform][1]: "theirs"}}
    org.box.add_fault("edit", edit=edit, method="GET", nth=1)
    assert values(org) == ["theirs"]
    with pytest.raises(ValueError, match="unknown edit"):
        org.box.add_fault("edit", edit={"op": "paint-row"})


def test_a_write_is_seen_only_after_a_while_when_there_is_lag(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform, lag=2)
    assert write(org, "new").status_code < 300
    assert [values(org) for _ in range(4)] == [["old"], ["old"], ["new"], ["new"]]
    assert org.row()[ROW[platform][1]] == "new"


def test_a_lost_answer_leaves_the_write_done(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    org.box.add_fault("lose-answer", method="PATCH", nth=1)
    with pytest.raises(ConnectionDropped):
        write(org, "new")
    assert values(org) == ["new"]
    org.box.add_fault("drop", method="PATCH", nth=1)
    with pytest.raises(ConnectionDropped):
        write(org, "newer")
    assert values(org) == ["new"]


def test_faults_speak_as_the_crm_does(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    for status in (500, 503):
        org.box.clear_faults()
        org.box.add_fault("status", status=status, method="GET", message="out of order", retry_after=7)
        reply = listing(org)
        assert (reply.status_code, reply.headers["Retry-After"]) == (status, "7")
        assert "out of order" in reply.get_data(as_text=True)
        assert reply.get_json()
    org.box.clear_faults()
    org.box.add_fault("status", status=502, method="GET", raw="<html>")
    assert listing(org).data == b"<html>"
    org.box.clear_faults()
    org.box.add_fault("status", status=500, method="GET", body={"odd": 1})
    assert listing(org).get_json() == {"odd": 1}


def test_a_token_ends_by_its_time_or_whenever_the_crm_likes(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform, token_seconds=100)
    org.clock.now += 101
    assert listing(org).status_code == 401
    org.admin = org.caller()
    assert listing(org).status_code == 200
    org.box.add_fault("expire-token", method="GET", nth=1)
    assert [listing(org).status_code for _ in range(2)] == [401, 401]
    org.admin = org.caller()
    org.box.expire_tokens(NAME)
    assert listing(org).status_code == 401
    org.kept()


def test_requests_are_counted_by_the_minute(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform, rate_limit=2)
    limited = 403 if platform == "salesforce" else 429
    assert [listing(org).status_code for _ in range(3)] == [200, 200, limited]
    org.clock.now += 61
    assert listing(org).status_code == 200
    org.kept()


def test_every_request_is_told_with_its_client(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    org.box.clear_requests()
    listing(org)
    (seen,) = org.box.requests(NAME)
    assert (seen.client, seen.method, seen.status) == (CLIENT, "GET", 200)


def test_it_is_served_over_a_socket_too(tmp_path: Path, platform: str) -> None:
    org = seeded(tmp_path, platform)
    path, query = LISTS[platform]
    with serving(org.box.wsgi) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asked = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in query.items())
        connection.request("GET", f"{org.admin.base}{path}?{asked}", headers=org.admin.headers)
        reply = connection.getresponse()
        assert (reply.status, bool(json.loads(reply.read()))) == (200, True)
        connection.close()
