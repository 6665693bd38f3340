from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.orgs import CODES, Small
from wrapctl.sandbox.server import serving

if TYPE_CHECKING:
    from pathlib import Path


def ask(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        data = None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, data, {**sent, **(headers or {})})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_a_served_sandbox_answers_and_breaks_connections_for_real(org: Small) -> None:
    token = org.admin.headers
    with serving(org.box.wsgi) as port:
        status, body = ask(port, "GET", CODES, headers=token)
        assert (status, json.loads(body)["total"]) == (200, 4)
        org.box.add_fault("drop", path="wrapupcodes", nth=1)
        org.box.add_fault("lose-answer", path="wrapupcodes", nth=2)
        org.box.add_fault("truncate", path="wrapupcodes", nth=3, length="full")
        org.box.add_fault("truncate", path="wrapupcodes", nth=4)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(port, "GET", CODES, headers=token)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(port, "POST", CODES, {"name": "Lost"}, token)
        with pytest.raises(http.client.IncompleteRead):
            ask(port, "GET", CODES, headers=token)
        status, body = ask(port, "GET", CODES, headers=token)
        assert status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)
        status, body = ask(port, "GET", CODES, headers=token)
        assert (status, json.loads(body)["total"]) == (200, 5)


def control(small: Small, /, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    given = {} if body is None else {"json": body}
    reply = small.admin.http.open(f"/sandbox/{path}", method=method, query_string=query, **given)
    return reply.status_code, reply.get_json() if reply.data else None


def test_everything_can_be_steered_over_http(org: Small) -> None:
    assert control(org, "GET", "health") == (200, {"ok": True, "orgs": ["small"]})
    assert control(org, "GET", "seeds") == (200, {"seeds": ["acme-cxone", "acme-emea", "acme-us"]})
    assert control(org, "POST", "orgs", {"seed": "acme-us"})[0] == 204
    assert control(org, "POST", "orgs", {"name": "own"})[0] == 204
    assert org.box.orgs() == ["acme-us", "own", "small"]
    assert control(org, "GET", "state", org="small") == (200, json.loads(json.dumps(org.box.state("small"))))
    fault = {"do": "status", "status": 503, "method": "GET", "nth": 1}
    assert control(org, "POST", "faults", fault) == (200, {"id": 1})
    assert control(org, "GET", "faults")[1]["faults"][0]["action"] == {"status": 503}
    assert org.admin("GET", CODES).status_code == 503
    assert control(org, "DELETE", "faults")[0] == 204
    edit = {"op": "rename_code", "code": "Sale", "name": "Sold"}
    assert control(org, "POST", "edits", {"org": "small", "edit": edit})[0] == 204
    assert "Sold" in org.admin.names(CODES)
    assert control(org, "POST", "settings", {"org": "small", "settings": {"lag": 1}})[0] == 204
    assert org.box.org("small").settings.lag == 1
    assert [item["path"] for item in control(org, "GET", "requests", org="small")[1]["requests"]][-1] == CODES
    assert control(org, "GET", "audit", org="small")[1]["audit"][0]["entity_name"] == "Sold"
    assert control(org, "POST", "reset", {"org": "small"})[0] == 204
    assert "Sale" in org.admin.names(CODES)
    assert control(org, "POST", "reset", {})[0] == 204
    assert org.box.requests() == []


def test_mistakes_over_http_are_told(org: Small) -> None:
    assert control(org, "GET", "nothing")[0] == 404
    assert control(org, "GET", "state", org="nobody") == (404, {"error": "the sandbox holds no org 'nobody'"})
    assert control(org, "POST", "faults", {"do": "explode"})[0] == 400
    assert control(org, "POST", "faults", [])[0] == 400
    reply = org.admin.http.post("/sandbox/reset", data="{}", content_type="text/plain")
    assert reply.status_code == 415
