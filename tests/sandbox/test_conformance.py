"""Drives every operation of the sandbox through the contract check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract_check import checked, problems, swagger
from sandbox.orgs import CODES, DATATABLES, DIVISIONS, MAPPING, QUEUES, SMALL, Caller, Clock, schema
from wrapctl.sandbox import Sandbox
from wrapctl.sandbox.genesys import ROUTES
from wrapctl.sandbox.genesys.errors import MESSAGES
from wrapctl.sandbox.genesys.permissions import ADMIN

if TYPE_CHECKING:
    from pathlib import Path

    from contract_check import Checked

pytestmark = pytest.mark.contracts

AUDITS = "/api/v2/audits/query"
AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
DEPENDENCIES = "/api/v2/architect/dependencytracking"


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    box = Sandbox(tmp_path, Clock())
    box.seed_org(SMALL)
    for name in ("acme-emea", "acme-us"):
        box.ensure(name)
    return box


@pytest.fixture
def app(box: Sandbox) -> Checked:
    return checked(box.wsgi)


def drive(caller: Caller) -> None:
    """Use every operation, rightly."""
    for path in ("/api/v2/organizations/me", DIVISIONS, f"{DIVISIONS}/home", f"{AUDITS}/servicemapping"):
        caller.get(path)
    home = caller.get(DIVISIONS, objectCount="true", pageSize=1)["entities"][0]
    made = caller("POST", CODES, {"name": "New", "division": {"id": home["id"]}}).get_json()
    caller("PUT", made["selfUri"], made | {"description": "changed"})
    caller.get(made["selfUri"])
    caller.get(CODES, pageSize=7, pageNumber=2)
    caller.get(CODES, name="N*", sortBy="name", sortOrder="descending")
    caller.get(f"{CODES}/divisionviews", includeState="ActiveAndDeleted", pageSize=100)
    caller.get(f"{CODES}/divisionviews/{made['id']}")
    queue = caller("POST", QUEUES, {"name": "New", "acwSettings": {"wrapupPrompt": "OPTIONAL"}}).get_json()
    caller.get(QUEUES, pageSize=500, sortOrder="desc", hasPeer="false")
    for found in caller.get(QUEUES, pageSize=100)["entities"]:
        caller.get(found["selfUri"])
        caller.get(f"{found['selfUri']}/wrapupcodes", pageSize=5)
    caller("PUT", queue["selfUri"], queue)
    links = f"{queue['selfUri']}/wrapupcodes"
    caller("POST", links, [{"id": made["id"]}])
    caller("DELETE", f"{links}/{made['id']}")
    caller("POST", f"{DIVISIONS}/{home['id']}/objects/QUEUE", [queue["id"]])
    caller("PUT", MAPPING, caller.get(MAPPING))
    caller("DELETE", queue["selfUri"])
    caller("DELETE", made["selfUri"])
    drive_tables(caller)
    sort = [{"name": "Timestamp", "sortOrder": "descending"}]
    asked = {"interval": "2000-01-01T00:00:00Z/2100-01-01T00:00:00Z", "sort": sort}
    query = caller("POST", AUDITS, asked).get_json()
    states = [caller("GET", f"{AUDITS}/{query['id']}").get_json()["state"] for _ in range(2)]
    assert states == ["Running", "Succeeded"]
    assert caller.get(f"{AUDITS}/{query['id']}/results", pageSize=2)["entities"]
    caller.get(f"{AUDITS}/realtime/servicemapping")
    drive_evidence(caller)
    late = {"interval": "2090-01-01T00:00:00Z/2100-01-01T00:00:00Z"}
    caller("POST", f"{AUDITS}/realtime", late, expand="user")


def drive_tables(caller: Caller) -> None:
    given = {"name": "New", "description": "d", "schema": schema(value="string", order="integer")}
    table = caller("POST", DATATABLES, given).get_json()
    caller.get(DATATABLES, expand="schema", name="n*", sortBy="name", sortOrder="descending", pageSize=3)
    assert "schema" in caller.get(table["selfUri"], expand="schema")
    caller.get(table["selfUri"])
    caller("PUT", table["selfUri"], given | {"description": "changed"}, expand="schema")
    rows, key = f"{table['selfUri']}/rows", "a%2Fb%20%C3%A4%3F"
    caller("POST", rows, {"key": "a/b ä?", "value": "x"})
    for brief in ("true", "false"):
        caller.get(rows, showbrief=brief, pageSize=2, sortOrder="descending")
        assert caller.get(f"{rows}/{key}", showbrief=brief)["key"] == "a/b ä?"
    caller("PUT", f"{rows}/{key}", {"key": "a/b ä?", "order": 7})
    caller("DELETE", f"{rows}/{key}")
    assert caller("DELETE", table["selfUri"], force="true").status_code == 204


def drive_evidence(caller: Caller) -> None:
    asked = {"interval": "2000-01-01T00:00:00Z/2100-01-01T00:00:00Z", "metrics": ["tHandle", "tAcw"]}
    ids = [{"dimension": "wrapUpCode", "operator": "exists"}]
    where = {"type": "and", "clauses": [{"type": "or", "predicates": ids}]}
    for more in ({}, {"groupBy": ["wrapUpCode", "queueId"], "filter": where, "granularity": "P3650D"}):
        assert caller("POST", AGGREGATES, asked | more).status_code == 200
    assert caller.get(f"{DEPENDENCIES}/build")["status"] == "OPERATIONAL"
    for kind, listing in (("ACDWRAPUPCODE", CODES), ("QUEUE", QUEUES)):
        found = caller.get(listing)["entities"][0]["id"]
        caller.get(f"{DEPENDENCIES}/consumingresources", id=found, objectType=kind, pageSize=3)


@pytest.mark.parametrize("org", ["small", "acme-emea", "acme-us"])
def test_every_operation_keeps_to_the_contract(app: Checked, org: str) -> None:
    drive(Caller(app, f"sandbox-{org}"))
    assert app.violations == []
    assert app.seen == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("client", ["sandbox-small-nothing", "sandbox-small-readonly", "sandbox-small-sales"])
def test_every_refusal_keeps_to_the_contract(app: Checked, client: str) -> None:
    caller = Caller(app, client)
    for route in ROUTES:
        path = route.path.replace("{objectType}", "QUEUE")
        for name in ("codeId", "queueId", "divisionId", "transactionId", "datatableId", "rowId"):
            path = path.replace(f"{{{name}}}", "nobody")
        bodies: list[Any] = [None] if route.method in {"GET", "DELETE"} else [{}, [], 7, {"name": 1}]
        for body in bodies:
            caller(route.method, path, body)
        token, caller.headers = caller.headers, {}
        caller(route.method, path)
        caller.headers = token
        if route.method == "GET" and path.endswith(
            ("/wrapupcodes", "/queues", "/divisions", "/divisionviews", "/datatables")
        ):
            caller("GET", path, pageSize=0)
    assert app.violations == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 415, 429, 500, 503, 504])
def test_a_fault_answers_as_the_platform_would(box: Sandbox, app: Checked, status: int) -> None:
    caller = Caller(app, "sandbox-small")
    box.add_fault("status", status=status, retry_after=1)
    assert caller("GET", CODES).status_code == status
    assert app.violations == []


def test_a_rate_limit_keeps_to_the_contract(box: Sandbox, app: Checked) -> None:
    caller = Caller(app, "sandbox-small")
    box.set("small", rate_limit=1)
    assert [caller("GET", CODES).status_code for _ in range(2)] == [200, 429]
    assert app.violations == []


def test_every_operation_asks_for_the_permissions_of_the_contract() -> None:
    for route in ROUTES:
        needed = swagger()["paths"][route.path][route.method.lower()].get("x-inin-requires-permissions")
        expected = (needed["type"], tuple(needed["permissions"])) if needed else ("", ())
        assert (route.mode, route.permissions) == expected, route.path
        assert set(route.permissions) <= set(ADMIN)


def test_messages_are_the_platforms_own() -> None:
    said: dict[str, set[str]] = {}
    for path in swagger()["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                for code, text in response.get("x-inin-error-codes", {}).items():
                    said.setdefault(code, set()).add(text)
    for code, text in MESSAGES.items():
        if code != "duplicate.name":
            assert text in said[code], code


def test_the_check_itself_finds_what_is_wrong() -> None:
    code = {"$ref": "#/definitions/WrapupCode"}
    assert problems(code, {"name": "x", "dateCreated": "2025-01-15T09:00:00.000Z"}) == []
    for wrong in ({}, {"name": 1}, {"name": "x", "code": "y"}, {"name": "x", "dateCreated": "today"}):
        assert problems(code, wrong), wrong
    assert problems({"$ref": "#/definitions/Queue"}, {"futureSettings": 1}) == []


def test_the_check_reports_what_an_app_does_wrong(box: Sandbox) -> None:
    def mangle(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = b"".join(box.wsgi(environ, start_response))
        return [body.replace(b'"pageNumber"', b'"page"')]

    app = checked(mangle)
    Caller(app, "sandbox-small").get(CODES)
    assert len(app.violations) == 1
    assert "'page' was unexpected" in app.violations[0]
