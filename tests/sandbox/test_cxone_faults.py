from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tenants import NAME, TENANT, Tenant, refused
from wrapctl.sandbox import ConnectionDropped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Tenant]:
    tenant = Tenant(tmp_path)
    yield tenant
    tenant.kept()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_a_status_comes_with_the_platforms_body(org: Tenant, status: int) -> None:
    org.box.add_fault("status", status=status, path="/dispositions$", nth=1)
    assert refused(org.admin("GET", "/dispositions"))[0] == status
    assert org.admin("GET", "/dispositions").status_code == 200


@pytest.mark.parametrize("spelling", ["error_description", "errorDescription", "error_Description"])
def test_an_error_is_told_in_three_spellings(tmp_path: Path, spelling: str) -> None:
    org = Tenant(tmp_path, error_text=spelling)
    reply = org.admin("GET", "/dispositions/999")
    assert reply.get_json() == {"error": "NotFound", spelling: "Invalid dispositionId"}
    assert reply.headers["icStatusDescription"] == "Invalid dispositionId"
    org.kept()


def test_or_in_a_header_alone(tmp_path: Path) -> None:
    org = Tenant(tmp_path, error_text="header")
    reply = org.admin("GET", "/dispositions/999")
    assert reply.get_json() == {"error": "NotFound"}
    assert reply.headers["icStatusDescription"] == "Invalid dispositionId"
    org.kept()


def test_a_fault_may_bring_its_own_words_and_their_place(org: Tenant) -> None:
    words: dict[str, Any] = {"code": "Busy", "message": "come back later"}
    org.box.add_fault("status", status=503, spelling="errorDescription", nth=1, **words)
    reply = org.admin("GET", "/skills")
    assert reply.get_json() == {"error": "Busy", "errorDescription": "come back later"}
    org.box.clear_faults()
    org.box.add_fault("status", status=503, spelling="header", nth=1, **words)
    reply = org.admin("GET", "/skills")
    assert (reply.get_json(), reply.headers["icStatusDescription"]) == ({"error": "Busy"}, "come back later")
    org.box.clear_faults()
    failed = {"success": False, "skillId": 1001, "error": "setup failed"}
    org.box.add_fault("status", status=200, body=failed, method="PUT", after=True)
    assert org.admin.put_skill("Sales Line", maxSecondsACW=5).get_json() == failed
    org.box.add_fault("status", status=502, raw="<html>bad gateway", method="GET")
    assert org.admin("GET", "/skills").data == b"<html>bad gateway"


def test_a_name_cannot_end_the_header_that_quotes_it(tmp_path: Path) -> None:
    org = Tenant(tmp_path, refused_names=["a\r\nSet-Cookie: 😀"])
    reply = org.admin.put(org.admin.disposition("Sale"), dispositionName="a\r\nSet-Cookie: 😀")
    assert reply.status_code == 409
    assert "a??Set-Cookie: ?" in reply.headers["icStatusDescription"]
    assert "Set-Cookie" not in reply.headers


def test_too_many_requests_may_be_answered_with_a_time_when_a_fault_says_so(org: Tenant) -> None:
    org.box.add_fault("status", status=429, nth=1)
    assert "Retry-After" not in org.admin("GET", "/skills").headers
    org.box.add_fault("status", status=429, retry_after=3, nth=1)
    assert org.admin("GET", "/skills").headers["Retry-After"] == "3"
    org.box.clear_faults()
    org.clock.now += 60
    org.box.add_fault("rate-limit", per_minute=1)
    assert [org.admin("GET", "/skills").status_code for _ in range(2)] == [200, 429]


def test_a_dropped_batch_creates_nothing_and_a_lost_answer_creates_all(org: Tenant) -> None:
    org.box.add_fault("drop", method="POST", path="/dispositions$", nth=1)
    org.box.add_fault("lose-answer", method="POST", path="/dispositions$", nth=2)
    with pytest.raises(ConnectionDropped) as dropped:
        org.admin.create("A", "B")
    assert not dropped.value.processed
    assert "A" not in org.admin.names()
    with pytest.raises(ConnectionDropped) as lost:
        org.admin.create("A", "B")
    assert lost.value.processed
    assert org.admin.names()[-2:] == ["A", "B"]


def test_a_new_disposition_lags_behind_and_holds_its_name_all_the_same(org: Tenant) -> None:
    org.box.add_fault("lag", requests=2, method="POST", nth=1)
    org.admin.create("A")
    assert "A" not in org.admin.names()
    assert org.admin.create("A").status_code == 206
    assert "A" in org.admin.names()


def test_a_lagging_assignment_shows_the_old_list_first(org: Tenant) -> None:
    org.box.set(NAME, lag=2)
    org.admin("PUT", "/skills/1001", {"skill": {"dispositions": []}})
    assert org.assigned("Sales Line") == []
    assert len(org.admin.get("/skills/1001")["dispositions"]) == 2
    assert len(org.admin.get("/skills")["skills"][0]["dispositions"]) == 2
    assert org.admin.get("/skills/1001")["dispositions"] == []


def test_an_assigned_disposition_is_shown_when_it_is_seen_itself(org: Tenant) -> None:
    org.box.add_fault("lag", requests=4, method="POST", nth=1)
    org.admin.create("A")
    body = {"skill": {"dispositions": [{"dispositionId": 1006, "priority": 1}]}}
    assert org.admin("PUT", "/skills/1002", body).status_code == 200
    assert org.assigned("Help Desk") == ["A"]
    shown = [len(org.admin.get("/skills/1002")["dispositions"]) for _ in range(4)]
    assert shown == [0, 0, 0, 1]


def test_a_cut_list_looks_complete(org: Tenant) -> None:
    whole = org.admin("GET", "/dispositions").data
    org.box.add_fault("truncate", path="/dispositions$", nth=1)
    assert org.admin("GET", "/dispositions").data == whole[: len(whole) // 2]


def test_a_token_may_stop_working_at_any_time(org: Tenant) -> None:
    org.box.add_fault("expire-token", path="/skills$", nth=1)
    assert refused(org.admin("GET", "/skills"))[0] == 401
    assert refused(org.admin("GET", "/skills"))[0] == 401
    org.admin.login()
    assert org.admin("GET", "/skills").status_code == 200


def test_a_login_can_fail_too(org: Tenant) -> None:
    org.box.add_fault("status", status=503, path="/authentication/", nth=1, org=NAME)
    assert org.admin.login().status_code == 503
    assert org.admin.login().status_code == 200


def test_somebody_in_the_ui_changes_things_between_two_requests(org: Tenant) -> None:
    edit = {"op": "update_disposition", "disposition": "Sale", "set": {"notes": "Dana was here"}}
    org.box.add_fault("edit", edit=edit, method="PUT", nth=1)
    sale = org.admin.disposition("Sale")
    org.admin.put(sale, notes="mine")
    assert org.truth("Sale")["notes"] == "mine"
    history = org.admin.get("/dispositions/1001/audit-history")["auditHistoryRecords"]
    assert [(one["newValue"], one["modifiedByName"]) for one in history] == [
        ("mine", "wrapctl"),
        ("Dana was here", "Dana"),
    ]


def test_every_edit_does_what_it_says(org: Tenant) -> None:
    org.edit("add_disposition", name="A", classification="Other", notes="new", skills=["Help Desk"])
    assert org.assigned("Help Desk") == ["Sale", "A"]
    assert (org.truth("A")["notes"], org.truth("A")["classificationId"]) == ("new", 6)
    org.edit("add_disposition", name="B", active=False, preview=True)
    assert (org.truth("B")["isActive"], org.truth("B")["isPreviewDisposition"]) == (False, True)
    org.edit("update_disposition", disposition="A", set={"classification": None, "notes": None})
    assert (org.truth("A")["classificationId"], org.truth("A")["notes"]) == (None, None)
    org.edit("rename_disposition", disposition=1001, name="Sold")
    org.edit("deactivate", disposition="Sold")
    assert org.truth("Sold")["isActive"] is False
    org.edit("reactivate", disposition="Old")
    assert org.truth("Old")["isActive"] is True
    org.edit("set_skill_dispositions", skill="Sales Line", dispositions=["Skip", "Sold"])
    assert org.assigned("Sales Line") == ["Skip", "Sold"]
    org.edit("update_skill", skill="Sales Line", set={"acw_state": "Long Wrap Up", "futureSettings": None})
    assert org.skill("Sales Line")["stateIdACW"] == 2
    assert "futureSettings" not in org.skill("Sales Line")
    org.edit("update_skill", skill="Sales Line", set={"acw_state": None, "acwTypeId": 1})
    assert org.skill("Sales Line")["stateIdACW"] is None
    org.edit("rename_skill", skill="Help Desk", name="Service Desk")
    org.edit("run_skill", skill="Dialer", running=False)
    assert org.skill("Dialer")["isRunning"] is False
    org.edit("rename_unavailable_code", unavailable_code="Wrap Up", name="Nacharbeit")
    assert org.admin.get("/unavailable-codes/1")["unavailableCode"]["name"] == "Nacharbeit"
    assert {line["actor"] for line in org.box.audit(NAME)} == {"2000"}
    org.edit("deactivate", disposition="A", by="2001")
    assert org.box.audit(NAME)[-1]["actor"] == "2001"


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        ({"op": "rename_code", "code": "Sale", "name": "x"}, ValueError),
        ({"op": "deactivate", "disposition": "nobody"}, LookupError),
        ({"op": "update_disposition", "disposition": "Sale", "set": {"colour": "red"}}, ValueError),
        ({"op": "rename_disposition", "disposition": "Sale", "name": "No Sale"}, ValueError),
        ({"op": "set_skill_dispositions", "skill": "Sales Line", "dispositions": ["?"]}, LookupError),
    ],
)
def test_a_wrong_edit_is_told_and_changes_nothing(
    org: Tenant, edit: dict[str, object], kind: type[Exception]
) -> None:
    before = org.state
    with pytest.raises(kind):
        org.box.edit(NAME, edit)
    assert org.state == before


def test_an_edit_of_one_platform_is_known_when_a_fault_is_written_down(org: Tenant) -> None:
    org.box.add_fault("edit", edit={"op": "deactivate", "disposition": "Sale"})
    with pytest.raises(ValueError, match="unknown edit"):
        org.box.add_fault("edit", edit={"op": "explode"})


def test_the_tenant_is_steered_over_http_as_any_org(org: Tenant) -> None:
    def control(method: str, path: str, body: object = None, **query: str) -> tuple[int, object]:
        given: dict[str, Any] = {} if body is None else {"json": body}
        reply = org.admin.http.open(f"/sandbox/{path}", method=method, query_string=query, **given)
        return reply.status_code, reply.get_json() if reply.data else None

    edit = {"op": "deactivate", "disposition": "Sale"}
    assert control("POST", "edits", {"org": NAME, "edit": edit})[0] == 204
    assert control("GET", "state", org=NAME) == (200, json.loads(json.dumps(org.state)))
    assert control("POST", "edits", {"org": NAME, "edit": {"op": "deactivate", "disposition": "?"}})[0] == 404
    assert control("POST", "settings", {"org": NAME, "settings": {"assignments": "ignored"}})[0] == 204
    assert control("POST", "settings", {"org": NAME, "settings": {"outbound": False}})[0] == 400
    assert control("POST", "orgs", {"seed": "acme-cxone"})[0] == 204
    assert control("POST", "reset", {"org": NAME})[0] == 204
    assert org.truth("Sale")["isActive"] is True
    assert next(one.path for one in org.box.requests(NAME)).startswith("/authentication/")


DYING = """
import sys
from pathlib import Path
from sandbox.tenants import CxoneCaller
from wrapctl.sandbox import Sandbox
caller = CxoneCaller(Sandbox(Path(sys.argv[1])).wsgi, "sandbox-tenant")
caller.create("A")
caller.create("B")
"""


def test_a_process_dies_at_a_request_and_what_was_written_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Tenant(tmp_path)
    org.box.add_fault("exit", when="after", method="POST", path="/dispositions$", nth=1)
    monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, sys.path)))
    ended = subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], check=False)
    assert ended.returncode == 137
    names = {one["dispositionName"] for one in org.state["dispositions"].values()}
    assert "A" in names
    assert "B" not in names


def test_a_reset_puts_a_tenant_back_to_its_seed(org: Tenant) -> None:
    before = org.state
    org.admin.create("A")
    org.edit("set_skill_dispositions", skill="Sales Line", dispositions=[])
    assert org.state != before
    org.box.reset(NAME)
    assert org.state == before
    assert set(before) == {
        "organization",
        "dispositions",
        "skills",
        "classifications",
        "unavailable_codes",
        "tags",
    }
    assert len(before["skills"]) == len(TENANT["skills"])
