from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.orgs import CODES, MAPPING, QUEUES, Caller, Small, refused
from wrapctl.sandbox import ConnectionDropped, Sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_a_status_comes_with_the_platforms_body_and_retry_after(org: Small) -> None:
    org.box.add_fault("status", status=429, retry_after=7, method="GET", path="/wrapupcodes$", nth=2)
    assert org.admin("GET", CODES).status_code == 200
    reply = org.admin("GET", CODES)
    assert refused(reply) == (429, "too.many.requests")
    assert reply.headers["Retry-After"] == "7"
    assert org.admin("GET", CODES).status_code == 200
    assert [(fault["hits"], fault["fired"]) for fault in org.box.faults()] == [(3, 1)]


def test_a_fault_can_hold_for_some_requests_or_until_it_is_cleared(org: Small) -> None:
    org.box.add_fault("status", status=503, times=2)
    assert [org.admin("GET", CODES).status_code for _ in range(3)] == [503, 503, 200]
    org.box.add_fault("status", status=500, path="wrapupcodes")
    assert [org.admin("GET", CODES).status_code for _ in range(2)] == [500, 500]
    assert org.admin("GET", QUEUES).status_code == 200
    org.box.clear_faults()
    assert org.admin("GET", CODES).status_code == 200


def test_an_answer_can_be_anything(org: Small) -> None:
    org.box.add_fault("status", status=502, raw="<html>bad gateway", path="wrapupcodes")
    reply = org.admin("GET", CODES)
    assert (reply.status_code, reply.data) == (502, b"<html>bad gateway")
    limited = {"error": "invalid_request", "error_description": "rate limit exceeded"}
    org.box.add_fault("status", status=400, body=limited, path="/oauth/token", org="small")
    assert org.admin.login().get_json() == limited


def test_a_dropped_request_changes_nothing_and_a_lost_answer_does(org: Small) -> None:
    org.box.add_fault("drop", method="POST", nth=1)
    org.box.add_fault("lose-answer", method="POST", nth=2)
    with pytest.raises(ConnectionDropped) as dropped:
        org.admin("POST", CODES, {"name": "A"})
    assert not dropped.value.processed
    assert "A" not in org.admin.names(CODES)
    with pytest.raises(ConnectionDropped) as lost:
        org.admin("POST", CODES, {"name": "A"})
    assert lost.value.processed
    assert "A" in org.admin.names(CODES)


def test_a_gateway_can_time_out_although_the_write_was_made(org: Small) -> None:
    org.box.add_fault("status", status=504, after=True, method="POST")
    assert refused(org.admin("POST", CODES, {"name": "A"})) == (504, "request.timeout")
    assert "A" in org.admin.names(CODES)


def test_a_cut_body_looks_complete_or_promises_more(org: Small) -> None:
    whole = org.admin("GET", QUEUES).data
    org.box.add_fault("truncate", nth=1)
    org.box.add_fault("truncate", nth=2, length="full", at=0.25)
    reply = org.admin("GET", QUEUES)
    assert (reply.status_code, reply.data) == (200, whole[: len(whole) // 2])
    assert reply.headers["Content-Length"] == str(len(reply.data))
    reply = org.admin("GET", QUEUES)
    assert reply.data == whole[: len(whole) // 4]
    assert reply.headers["Content-Length"] == str(len(whole))


def test_a_lagging_create_is_seen_only_after_so_many_requests(org: Small) -> None:
    org.box.add_fault("lag", requests=2, method="POST", nth=1)
    made = org.admin("POST", CODES, {"name": "A"}).get_json()
    assert org.admin("GET", made["selfUri"]).status_code == 404
    assert "A" not in org.admin.names(CODES)
    assert "A" in org.admin.names(CODES)
    assert "A" in [code["name"] for code in org.box.state("small")["codes"].values()]


def test_a_lagging_name_is_taken_all_the_same(org: Small) -> None:
    org.box.set("small", lag=5)
    assert org.admin("POST", CODES, {"name": "A"}).status_code == 200
    assert refused(org.admin("POST", CODES, {"name": "A"})) == (400, "duplicate.name")


def test_a_lagging_put_shows_the_old_body_first(org: Small) -> None:
    code, queue, mapping = org.admin.code("Sale"), org.admin.queue("Help Desk"), org.admin.get(MAPPING)
    org.box.set("small", lag=5)
    org.admin("PUT", code["selfUri"], {"name": "Sold"})
    org.admin("PUT", queue["selfUri"], queue | {"description": "new"})
    org.admin("PUT", MAPPING, mapping | {"defaultSet": []})
    assert org.admin.get(code["selfUri"]) == code
    assert org.admin.get(queue["selfUri"]) == queue
    assert org.admin.get(MAPPING) == mapping
    assert org.admin.get(code["selfUri"])["name"] == "Sold"
    assert org.admin.get(queue["selfUri"])["description"] == "new"
    assert org.admin.get(MAPPING)["defaultSet"] == []


def test_lagging_links_and_deletes_show_the_old_list_first(org: Small) -> None:
    queue, sale, solved = org.admin.queue("Sales Line"), org.admin.code("Sale"), org.admin.code("Solved")
    links = f"{queue['selfUri']}/wrapupcodes"
    org.box.set("small", lag=3)
    org.admin("POST", links, [{"id": solved["id"]}])
    org.admin("DELETE", sale["selfUri"])
    assert sorted(org.admin.names(links)) == ["No Sale", "Sale"]
    assert org.admin.get(sale["selfUri"]) == sale
    assert sorted(org.admin.names(links)) == ["No Sale", "Sale", "Solved"]
    assert sorted(org.admin.names(links)) == ["No Sale", "Solved"]
    assert org.admin("GET", sale["selfUri"]).status_code == 404


def test_two_lagging_writes_never_leave_a_gap(org: Small) -> None:
    code = org.admin.code("Sale")
    org.box.set("small", lag=3)
    org.admin("PUT", code["selfUri"], {"name": "B"})
    org.box.set("small", lag=1)
    org.admin("PUT", code["selfUri"], {"name": "C"})
    org.box.set("small", lag=0)
    org.admin("PUT", code["selfUri"], {"name": "D"})
    names = [org.admin.get(code["selfUri"])["name"] for _ in range(5)]
    assert names == ["Sale", "D", "D", "D", "D"]


def test_a_link_taken_off_and_put_back_under_lag_stays(org: Small) -> None:
    queue, sale = org.admin.queue("Sales Line"), org.admin.code("Sale")
    links = f"{queue['selfUri']}/wrapupcodes"
    org.box.set("small", lag=2)
    org.admin("DELETE", f"{links}/{sale['id']}")
    org.box.set("small", lag=0)
    org.admin("POST", links, [{"id": sale["id"]}])
    assert [sorted(org.admin.names(links)) for _ in range(3)] == [["No Sale", "Sale"]] * 3


EDITS: list[dict[str, Any]] = [
    {"op": "add_code", "name": "New", "division": "Sales", "queues": ["Help Desk"]},
    {"op": "update_code", "code": "Sale", "set": {"description": "other"}},
    {"op": "rename_code", "code": "Sale", "name": "Sold"},
    {"op": "delete_code", "code": "Sale"},
    {"op": "add_link", "queue": "Help Desk", "code": "Sale"},
    {"op": "remove_link", "queue": "Sales Line", "code": "Sale"},
    {"op": "add_queue", "name": "New", "division": "Service"},
    {"op": "update_queue", "queue": "Help Desk", "set": {"acwSettings.timeoutMs": 5000, "description": None}},
    {"op": "rename_queue", "queue": "Help Desk", "name": "Desk"},
    {"op": "move_queue", "queue": "Help Desk", "division": "Sales"},
    {"op": "delete_queue", "queue": "Help Desk"},
    {"op": "set_flags", "code": "Sale", "flags": ["BUSINESS_FAILURE"]},
]


@pytest.mark.parametrize("edit", EDITS, ids=[str(edit["op"]) for edit in EDITS])
def test_somebody_else_edits_between_two_requests(org: Small, edit: dict[str, Any]) -> None:
    before = org.box.state("small")
    org.box.add_fault("edit", edit=edit | {"by": "somebody"}, method="GET", path="organizations/me", nth=1)
    assert org.box.state("small") == before
    org.admin.get("/api/v2/organizations/me")
    after = org.box.state("small")
    assert after != before
    assert {line["actor"] for line in org.box.audit("small")} == {"somebody"}
    org.admin.get("/api/v2/organizations/me")
    assert org.box.state("small") == after


def test_an_edit_touches_nothing_else(org: Small) -> None:
    before = org.box.state("small")
    edit = {
        "op": "update_queue",
        "queue": "Help Desk",
        "set": {"acwSettings.timeoutMs": 5000},
        "by": "somebody",
    }
    org.box.edit("small", edit)
    after = org.box.state("small")
    (queue_id,) = [key for key in after["queues"] if after["queues"][key] != before["queues"][key]]
    changed = {k for k, v in after["queues"][queue_id].items() if before["queues"][queue_id].get(k) != v}
    assert changed == {"acwSettings", "dateModified", "modifiedBy"}
    assert after | {"queues": 0} == before | {"queues": 0}


def test_an_edit_or_fault_that_makes_no_sense_is_refused_where_it_is_written(org: Small) -> None:
    with pytest.raises(ValueError, match="unknown edit"):
        org.box.add_fault("edit", edit={"op": "explode"})
    with pytest.raises(ValueError, match="unknown fault"):
        org.box.add_fault("explode")
    with pytest.raises(LookupError, match="no code 'Nobody'"):
        org.box.edit("small", {"op": "delete_code", "code": "Nobody"})
    with pytest.raises(ValueError, match="unknown sandbox settings: colour"):
        org.box.set("small", colour="red")


def test_a_token_can_expire_at_any_request(org: Small) -> None:
    org.box.add_fault("expire-token", method="GET", nth=2)
    assert org.admin("GET", CODES).status_code == 200
    assert refused(org.admin("GET", CODES)) == (401, "bad.credentials")
    org.admin.login()
    assert org.admin("GET", CODES).status_code == 200
    org.box.expire_tokens("small")
    assert refused(org.admin("GET", CODES)) == (401, "bad.credentials")


def test_a_rate_limit_can_be_lowered_by_a_fault(org: Small) -> None:
    org.box.add_fault("rate-limit", per_minute=2)
    assert [org.admin("GET", CODES).status_code for _ in range(3)] == [200, 200, 429]


KILLED = """
import sys
from pathlib import Path
from sandbox.orgs import CODES, Caller
from wrapctl.sandbox import Sandbox
caller = Caller(Sandbox(Path(sys.argv[1])).wsgi, "sandbox-small")
caller("POST", CODES, {"name": sys.argv[2]})
"""


@pytest.mark.parametrize(("when", "there"), [("before", False), ("after", True)])
def test_a_process_dies_at_a_request_and_the_next_gets_past_it(
    tmp_path: Path, *, when: str, there: bool
) -> None:
    org = Small(tmp_path)
    org.box.add_fault("exit", when=when, method="POST", path=CODES, nth=1)

    def run(name: str) -> int:
        return subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), name], check=False).returncode

    path = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path["PYTHONPATH"])
        assert run("A") == 137
        assert ("A" in org.admin.names(CODES)) == there
        assert run("B") == 0
    assert "B" in org.admin.names(CODES)


def test_faults_and_state_are_shared_by_all_who_open_the_folder(org: Small, tmp_path: Path) -> None:
    with Sandbox(tmp_path, org.clock) as other:
        other.add_fault("status", status=503, nth=1)
        assert org.admin("GET", CODES).status_code == 503
        assert Caller(other.wsgi, "sandbox-small").names(CODES) == org.admin.names(CODES)


def test_many_threads_write_at_once_and_nothing_is_lost_or_doubled(org: Small) -> None:
    def write(number: int) -> int:
        return org.caller("sandbox-small")("POST", CODES, {"name": f"Code {number // 2}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(write, range(60)))
    assert answers == [200] * 30 + [400] * 30
    assert org.admin.get(CODES)["total"] == 34
    assert org.admin.get(MAPPING)["version"] == 33


def test_every_request_is_logged_with_its_org_and_status(org: Small) -> None:
    org.box.clear_requests()
    org.admin("GET", CODES, pageSize=5)
    org.admin("GET", "/api/v2/nothing")
    org.box.add_fault("drop", nth=1)
    with pytest.raises(ConnectionDropped):
        org.admin("DELETE", f"{CODES}/x")
    seen = [(item.method, item.path, item.query, item.status) for item in org.box.requests("small")]
    assert seen == [
        ("GET", CODES, "pageSize=5", 200),
        ("GET", "/api/v2/nothing", "", 404),
        ("DELETE", f"{CODES}/x", "", 0),
    ]
    assert org.box.requests("other") == []


def test_the_audit_trail_tells_who_changed_what_from_what_to_what(org: Small) -> None:
    code = org.admin.code("Sale")
    reply = org.admin("PUT", code["selfUri"], {"name": "Sale", "description": "sold!"})
    (line,) = org.box.audit("small")
    assert (line["actor"], line["action"], line["entity_type"]) == ("sandbox-small", "Update", "WrapupCode")
    assert line["changes"] == [{"property": "description", "oldValues": ["sold"], "newValues": ["sold!"]}]
    assert line["correlation"] == reply.headers["ININ-Correlation-Id"]


def test_a_reset_brings_back_the_seed_to_the_byte(org: Small) -> None:
    before = json.dumps(org.box.state("small"))
    org.admin("POST", CODES, {"name": "New"})
    org.admin("DELETE", org.admin.queue("Help Desk")["selfUri"])
    org.box.set("small", lag=4)
    org.box.reset("small")
    assert json.dumps(org.box.state("small")) == before
    assert org.admin("GET", CODES).status_code == 200
    with pytest.raises(LookupError, match="no org 'nobody'"):
        org.box.reset("nobody")
