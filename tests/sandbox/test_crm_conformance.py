"""Drives every operation of the emulated CRMs through the contract check, and the check through what it must find."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from crm_contract import SYSTEMS, checked, operation, operations, system_of
from sandbox.crms import KEY, TABLE, Crm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from crm_contract import Checked

pytestmark = pytest.mark.contracts

NEW = "44444444-4444-8444-8444-444444444444"


def drive_salesforce(org: Crm) -> None:
    call = org.admin
    rows = [{"attributes": {"type": TABLE}, KEY: f"k{n}", "Value__c": None} for n in range(3)]
    upserted = call("PATCH", f"/composite/sobjects/{TABLE}/{KEY}", {"records": rows}).get_json()
    org.box.set("acme.crm", page_size=2)
    body = call.get("/query", q=f"SELECT Id, {KEY} FROM {TABLE}")
    call.get(body["nextRecordsUrl"].removeprefix(call.base))
    path = f"/sobjects/{TABLE}/{upserted[0]['id']}"
    since = call("GET", path).headers["Last-Modified"]
    call("PATCH", path, {"Value__c": "x"}, {"If-Unmodified-Since": since})
    call("PATCH", path, {"Value__c": "x"}, {"If-Unmodified-Since": "Wed, 15 Jan 2020 09:00:00 GMT"})
    call("DELETE", path)
    call("DELETE", path)


def drive_dataverse(org: Crm) -> None:
    call = org.admin
    org.box.set("acme.crm", page_size=1)
    call("POST", "", {"msdyn_name": "a", "statecode": 0, "statuscode": 1})
    call("PATCH", f"({NEW})", {"msdyn_name": "b"}, {"If-None-Match": "*"})
    call("PATCH", f"({NEW})", {"msdyn_name": "b"}, {"If-None-Match": "*"})
    link = call.get("", S_select="msdyn_name,ismanaged")["@odata.nextLink"]
    call.http.get(link.removeprefix("http://localhost"), headers=call.headers)
    tag = call("GET", f"({NEW})").headers["ETag"]
    call("PATCH", f"({NEW})", {"statecode": 1}, {"If-Match": tag})
    call("DELETE", f"({NEW})", headers={"If-Match": tag})
    call("DELETE", f"({NEW})")
    call("GET", f"({NEW})")
    path = "/api/data/v9.2/EntityDefinitions(LogicalName='msdyn_ocdispositioncode')"
    call.http.get(path, headers=call.headers, query_string={"$select": "IsOptimisticConcurrencyEnabled"})


def drive_servicenow(org: Crm) -> None:
    call = org.admin
    good = {
        "code": "a",
        "description": "x",
        "translations": [{"language": "de", "code": "b", "description": "y"}],
    }
    call("POST", "/wrapup/code", {"codes": [good]})
    call("POST", "/wrapup/code", {"codes": [good, {"code": "x" * 101}]})
    (row,) = call.get("/table/interaction_wrap_up_code", sysparm_limit=10, sysparm_query="active=true")[
        "result"
    ]
    call.get(f"/wrapup/code/{row['sys_id']}")
    path = f"/table/interaction_wrap_up_code/{row['sys_id']}"
    call("PATCH", path, {"active": "false"})
    call("DELETE", path)
    call("DELETE", path)


DRIVES: dict[str, Callable[[Crm], None]] = {
    "salesforce": drive_salesforce,
    "dataverse": drive_dataverse,
    "servicenow": drive_servicenow,
}


def strict(org: Crm) -> Checked:
    app = checked(org.box.wsgi)
    org.checked = app
    org.admin = org.caller()
    return app


@pytest.mark.parametrize("name", DRIVES)
def test_every_operation_keeps_to_the_contract(tmp_path: Path, name: str) -> None:
    org = Crm(tmp_path, name)
    app = strict(org)
    DRIVES[name](org)
    assert app.violations == []
    assert app.seen == {one for one in operations() if one[0] == name}


@pytest.mark.parametrize("name", DRIVES)
def test_every_refusal_keeps_to_the_contract(tmp_path: Path, name: str) -> None:
    org = Crm(tmp_path, name)
    app = strict(org)
    for client in ("sandbox-acme.crm", "sandbox-acme.crm-readonly"):
        call = org.caller(client)
        call.base = ""
        for _, method, template in sorted(one for one in operations() if one[0] == name):
            start = "/services/data/v67.0" if name == "salesforce" else ""
            for word in ("nothing", NEW, "0" * 32):
                path = start + template
                for part in ("{id}", "{sObject}", "{sys_id}", "{code_id}", "{externalIdField}"):
                    path = path.replace(part, word)
                for body in [None] if method in {"GET", "DELETE"} else [{"nonsense": 1}, [], "x"]:
                    assert call(method, path, body).status_code >= 400 or "{" not in template
    assert app.violations == []


def test_the_check_finds_what_a_client_must_not_send(tmp_path: Path) -> None:
    org = Crm(tmp_path, "salesforce")
    app = strict(org)
    org.admin("GET", "/query", q=f"SELECT Id FROM {TABLE}", explain="true")
    org.admin(
        "PATCH", f"/composite/sobjects/{TABLE}/{KEY}", {"records": [], "dryRun": True}, {"If-Match": "x"}
    )
    assert [one.partition(": ")[2] for one in app.violations] == [
        "unknown query parameter explain",
        "the header If-Match is not listed",
        "request : Additional properties are not allowed ('dryRun' was unexpected)",
    ]


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "problem"),
    [
        (
            "GET",
            "/services/data/v67.0/query?q=x",
            200,
            {"records": [], "done": True},
            "'totalSize' is a required property",
        ),
        (
            "GET",
            "/services/data/v67.0/query",
            200,
            {"totalSize": 0, "done": True, "records": []},
            "q is missing",
        ),
        ("DELETE", "/services/data/v67.0/sobjects/A__c/x", 200, None, "this status is not declared"),
        (
            "DELETE",
            "/services/data/v67.0/sobjects/A__c/x",
            204,
            {"x": 1},
            "a body where the contract has none",
        ),
        ("GET", "/services/data/v67.0/limits", 200, {}, "the contract has no such operation"),
        ("GET", "/services/data/v67.0/sobjects/A__c/x", 404, {"error": "x"}, "is not of type 'array'"),
        (
            "GET",
            "/api/data/v9.2/msdyn_ocdispositioncodes",
            200,
            {"value": [{"msdyn_ocdispositioncodeid": NEW}]},
            "'@odata.etag' is a required property",
        ),
        (
            "GET",
            "/api/data/v9.2/msdyn_ocdispositioncodes",
            200,
            {"value": [], "odd": 1},
            "'odd' was unexpected",
        ),
        ("GET", "/api/data/v9.2/msdyn_ocdispositioncodes", 429, {}, "the header Retry-After is missing"),
        ("GET", "/api/data/v9.2/msdyn_ocdispositioncodes(SALE)", 304, None, "is not a 'uuid'"),
        (
            "GET",
            "/api/now/table/interaction_wrap_up_code",
            200,
            {"result": [{"sys_id": "1"}]},
            "'sys_mod_count'",
        ),
        (
            "GET",
            "/api/now/table/interaction_wrap_up_code?sysparm_limit=x",
            200,
            {"result": []},
            "is no integer",
        ),
        ("GET", "/api/now/v1/wrapup/code/1", 200, {"result": {}}, "is too short"),
    ],
)
def test_the_check_finds_what_a_crm_must_not_answer(
    method: str, path: str, status: int, body: Any, problem: str
) -> None:
    def app(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(f"{status} X", [("Content-Type", "application/json")])
        return [b"" if body is None else json.dumps(body).encode()]

    held = checked(app)
    Client(held).open(path, method=method, headers={"Authorization": "Bearer x"})
    (wrong,) = held.violations
    assert problem in wrong


def test_logins_and_other_platforms_are_none_of_its_business() -> None:
    for path in (
        "/services/oauth2/token",
        "/t/oauth2/v2.0/token",
        "/oauth_token.do",
        "/crm/rows",
        "/api/v2/x",
    ):
        assert system_of(path) is None
    salesforce = SYSTEMS[0]
    found = operation(salesforce, "GET", "/services/data/v58.0/query/0r8-2000")
    assert found is not None
    assert (found.template, found.further) == ("/query", True)
