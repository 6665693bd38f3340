"""Drives every operation of the emulated CXone through the contract check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cxone_contract import checked, openapi, problems
from sandbox.orgs import Clock
from sandbox.tenants import TENANT, CxoneCaller
from wrapctl.sandbox import Sandbox
from wrapctl.sandbox.cxone import members
from wrapctl.sandbox.cxone.front import ROUTES

if TYPE_CHECKING:
    from pathlib import Path

    from cxone_contract import Checked

pytestmark = pytest.mark.contracts

LOGINS = {
    ("POST", "/auth/token"),
    ("POST", "/authentication/v1/token/access-key"),
    ("POST", "/public/user/refresh"),
    ("GET", "/.well-known/cxone-configuration"),
}


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    box = Sandbox(tmp_path, Clock())
    box.seed_org(TENANT)
    box.ensure("acme-cxone")
    return box


@pytest.fixture
def app(box: Sandbox) -> Checked:
    return checked(box.wsgi)


def log_in(caller: CxoneCaller, name: str, tenant: str) -> None:
    """Use every login, rightly."""
    key = {"grant_type": "password", "username": f"sandbox-{name}", "password": "sandbox"}
    first = caller.grant(key | {"client_id": f"sandbox-{name}-app", "client_secret": "sandbox"})
    assert caller.grant(key, f"sandbox-{name}-app:sandbox", as_json=True).status_code == 200
    refresh = {"token": first.get_json()["refresh_token"]}
    assert caller.http.post("/public/user/refresh", json=refresh).status_code == 200
    found = caller.http.get("/.well-known/cxone-configuration", query_string={"tenantId": tenant})
    assert found.get_json()["tenantId"] == tenant
    caller.login()


def drive(caller: CxoneCaller) -> None:
    """Use every operation, rightly."""
    caller.get("/dispositions", skip=1, top=7, orderBy="dispositionName desc", isActive=True)
    caller.get("/dispositions", updatedSince="2026-01-01T00:00:00Z", isPreviewDispositions=False)
    caller.create("New", classificationId=5)
    made = caller.disposition("New")
    caller.put(made, notes="x")
    path = f"/dispositions/{made['dispositionId']}"
    caller("PATCH", f"{path}/status", isActive=False)
    for sub in ("", "/skills", "/audit-history"):
        caller.get(path + sub)
    for listed in caller.get("/dispositions", top=100)["dispositions"]:
        caller.get(f"/dispositions/{listed['dispositionId']}")
        caller.get(f"/dispositions/{listed['dispositionId']}/skills")
    caller.get("/dispositions/skills", searchString="a", top=3)
    caller.get("/dispositions/classifications", direction=1)
    for listed in caller.get("/skills", top=100)["skills"]:
        skill = f"/skills/{listed['skillId']}"
        for sub in ("", "/dispositions", "/dispositions/unassigned", "/tags"):
            caller.get(skill + sub)
        assigned = [{"dispositionId": made["dispositionId"], "priority": 1}]
        wanted = {"dispositions": assigned, "acwTypeId": 2, "stateIdACW": 1, "maxSecondsACW": 10}
        assert caller("PUT", skill, {"skill": wanted}).status_code in {200, 409}
    for path in ("/tags", "/unavailable-codes", "/unavailable-codes/1", "/business-unit"):
        caller.get(path)
    caller.get("/apiversion", verb="GET")
    caller.get("/apiversionreleaseinfo", apiversion="33.0")


@pytest.mark.parametrize("name", ["tenant", "acme-cxone"])
def test_every_operation_keeps_to_the_contract(box: Sandbox, app: Checked, name: str) -> None:
    caller = CxoneCaller(app, f"sandbox-{name}")
    log_in(caller, name, box.org(name).id)
    drive(caller)
    assert app.violations == []
    assert app.seen == {(route.method, route.path) for route in ROUTES} | LOGINS


def test_every_operation_of_the_contract_is_there_but_the_legacy_login() -> None:
    listed = {
        (method.upper(), path)
        for path, operations in openapi()["paths"].items()
        for method in operations
        if method in {"get", "put", "post", "patch", "delete"}
    }
    ours = {(route.method, route.path) for route in ROUTES} | LOGINS
    assert listed - ours == {("POST", "/InContactAuthorizationServer/Token")}
    assert ours <= listed


@pytest.mark.parametrize("key", ["sandbox-tenant-nothing", "sandbox-tenant-readonly", "sandbox-tenant"])
def test_every_refusal_keeps_to_the_contract(app: Checked, key: str) -> None:
    caller = CxoneCaller(app, key)
    held = caller.headers
    for route in ROUTES:
        for number in ("999", "x"):
            path = route.path
            for name in ("dispositionId", "skillId", "unavailableCodeId"):
                path = path.replace(f"{{{name}}}", number)
            bodies: list[Any] = [None] if route.method in {"GET", "PATCH"} else [{}, {"skill": 1}, []]
            for body in bodies:
                caller(route.method, path, body)
            for headers in ({}, {"Authorization": held["Authorization"]}):
                caller.headers = headers
                caller(route.method, path)
            caller.headers = held
    for path in ("/dispositions", "/skills"):
        caller("GET", path, top=0)
        caller("GET", path, fields="nothing")
    assert app.violations == []


def test_the_members_of_a_skill_are_those_of_the_contract() -> None:
    schemas = openapi()["components"]["schemas"]
    assert set(members.READ) == set(schemas["Skill"]["properties"])
    assert set(members.LISTED) == set(schemas["SkillListItem"]["properties"])
    put = schemas["SkillUpdateRequest"]["properties"]["skill"]["properties"]
    assert set(members.WRITTEN) == set(put) - {"dispositions"}
    for name, (kind, nullable) in members.WRITTEN.items():
        types = put[name]["type"] if isinstance(put[name]["type"], list) else [put[name]["type"]]
        assert {"integer": int, "string": str, "boolean": bool}[types[0]] is kind, name
        assert ("null" in types) == nullable, name


def test_the_check_itself_finds_what_is_wrong() -> None:
    listed = {"$ref": "#/components/schemas/DispositionListItem"}
    assert problems(listed, {"dispositionId": 1, "notes": ""}) == []
    for wrong in ({"dispositionId": "1"}, {"name": "x"}, {"classificationId": None}):
        assert problems(listed, wrong), wrong
    created = {"$ref": "#/components/schemas/DispositionCreate"}
    assert (
        problems(created, {"dispositionName": "x", "isPreviewDisposition": False, "classificationId": None})
        == []
    )
    for more in ({"notes": "x"}, {"isActive": True}, {"dispositionName": "x" * 51}):
        assert problems(created, {"dispositionName": "x", "isPreviewDisposition": False} | more), more
    put = {"$ref": "#/components/schemas/SkillUpdateRequest"}
    assert problems(put, {"skill": {"stateIdACW": None}}) == []
    for members_ in ({"stateIdAcw": 1}, {"acwTypeId": 4}, {"dispositions": [{"dispositionId": 1}]}):
        assert problems(put, {"skill": members_}), members_
    assert problems({"$ref": "#/components/schemas/Skill"}, {"futureSettings": 1}) == []


def test_the_check_reports_what_an_app_and_a_client_do_wrong(box: Sandbox) -> None:
    def mangle(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return [b"".join(box.wsgi(environ, start_response)).replace(b'"totalRecords"', b'"total"')]

    app = checked(mangle)
    caller = CxoneCaller(app, "sandbox-tenant")
    caller("GET", "/skills", name="Sales Line")
    assert [problem.partition(": ")[2] for problem in app.violations] == [
        "unknown query parameter name",
        "response : Additional properties are not allowed ('total' was unexpected)",
    ]
