from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from sandbox.orgs import CODES, SMALL, Caller
from sandbox.tenants import NAME, Tenant, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISCOVERY = "/.well-known/cxone-configuration"
KEY = {"grant_type": "password", "username": "sandbox-tenant", "password": "sandbox"}
APP = {"client_id": "sandbox-tenant-app", "client_secret": "sandbox"}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Tenant]:
    tenant = Tenant(tmp_path)
    yield tenant
    tenant.kept()


def claims(id_token: str) -> dict[str, object]:
    part = id_token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_an_access_key_opens_its_tenant_without_any_client(org: Tenant) -> None:
    body = org.admin.login().get_json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == "3600"
    found = claims(body["id_token"])
    assert found["tenantId"] == org.box.org(NAME).id
    assert found["icBUId"] == org.admin.get("/business-unit")["businessUnits"][0]["businessUnitId"]


def test_the_lifetime_of_a_token_comes_as_text_or_as_a_number(tmp_path: Path) -> None:
    org = Tenant(tmp_path, expires_in="int", token_seconds=900)
    assert org.admin.login().get_json()["expires_in"] == 900
    org.box.set(NAME, expires_in="string")
    assert org.admin.login().get_json()["expires_in"] == "900"
    assert org.admin.grant(KEY | APP).get_json()["expires_in"] == 900
    org.kept()


def test_a_registered_client_opens_it_by_form_or_by_basic_and_json(org: Tenant) -> None:
    for reply in (
        org.admin.grant(KEY | APP),
        org.admin.grant(KEY, "sandbox-tenant-app:sandbox", as_json=True),
    ):
        assert reply.status_code == 200
        org.admin.bear(reply.get_json()["access_token"])
        assert org.admin.names()


def test_wrong_logins_are_told_apart(org: Tenant) -> None:
    assert org.admin.login("wrong").status_code == 401
    assert (
        org.admin.http.post("/authentication/v1/token/access-key", json={"accessKeyId": 1}).status_code == 400
    )
    for given, status, error in (
        (KEY, 401, "invalid_client"),
        (KEY | APP | {"client_secret": "x"}, 401, "invalid_client"),
        (KEY | APP | {"password": "x"}, 401, "invalid_grant"),
        (KEY | APP | {"username": "nobody"}, 401, "invalid_client"),
        (APP | {"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ):
        reply = org.admin.grant(given)
        assert (reply.status_code, reply.get_json()["error"]) == (status, error), given


def test_a_login_that_makes_no_sense_is_refused(org: Tenant) -> None:
    http = org.admin.http
    json_type = {"content_type": "application/json"}
    for path in ("/authentication/v1/token/access-key", "/auth/token"):
        assert http.post(path, data="{", **json_type).status_code == 400
        assert http.post(path, data="[]", **json_type).status_code == 400
        assert http.get(path).status_code == 405
    assert http.post(DISCOVERY).status_code == 405
    for header in ("Basic !", "Bearer x", "Basic /w=="):
        reply = http.post("/auth/token", json=KEY, headers={"Authorization": header})
        assert reply.get_json()["error"] == "invalid_client"


def test_a_refresh_token_is_good_for_one_token(org: Tenant) -> None:
    refresh = org.admin.login().get_json()["refresh_token"]
    reply = org.admin.http.post("/public/user/refresh", json={"token": refresh})
    org.admin.bear(reply.get_json()["token"])
    assert org.admin.names()
    assert org.admin.http.post("/public/user/refresh", json={"token": refresh}).status_code == 401
    again = {"grant_type": "refresh_token", "client_id": APP["client_id"]}
    refresh = reply.get_json()["refreshToken"]
    assert org.admin.grant(again | {"refresh_token": refresh}).status_code == 200
    assert org.admin.grant(again | {"refresh_token": refresh}).status_code == 401


def test_the_discovery_names_the_address_that_was_called(org: Tenant) -> None:
    tenant = org.box.org(NAME).id
    found = org.admin.http.get(DISCOVERY, query_string={"tenantId": tenant}, base_url="http://127.0.0.1:8123")
    body = found.get_json()
    assert body["api_endpoint"] == body["auth_endpoint"] == "http://127.0.0.1:8123"
    assert (body["tenantId"], body["area"]) == (tenant, "na1")
    assert org.admin.http.get(DISCOVERY, query_string={"tenantId": "5a5a5a5a-0"}).status_code == 404
    assert org.admin.http.get(DISCOVERY).status_code == 404


def test_the_id_of_a_tenant_cannot_be_that_of_a_real_one(tmp_path: Path) -> None:
    org = Tenant(tmp_path)
    unit = org.admin.get("/business-unit")["businessUnits"][0]
    assert unit["tenantId"] == org.box.org(NAME).id
    assert unit["tenantId"].startswith("5a5a5a5a-")
    with pytest.raises(ValueError, match="must start with 5a5a5a5a-"):
        org.box.seed_org({"name": "x", "platform": "cxone", "organization": {"tenantId": "11eb"}})


def test_no_token_a_wrong_token_and_an_old_token_are_refused_alike(org: Tenant) -> None:
    accept = {"Accept": "application/json"}
    for headers in (accept, accept | {"Authorization": "Bearer made-up"}):
        org.admin.headers = headers
        assert refused(org.admin("GET", "/dispositions"))[0] == 401
    org.admin.login()
    assert org.admin("GET", "/dispositions").status_code == 200
    org.clock.now += 3600
    assert refused(org.admin("GET", "/dispositions"))[0] == 401


def test_a_token_of_one_platform_is_none_of_the_other(org: Tenant) -> None:
    org.box.seed_org(SMALL)
    genesys = Caller(org.app, "sandbox-small")
    theirs, ours = genesys.headers["Authorization"], org.admin.headers["Authorization"]
    genesys.headers = {"Authorization": ours}
    assert genesys("GET", CODES).status_code == 401
    org.admin.bear(theirs.removeprefix("Bearer "))
    assert refused(org.admin("GET", "/dispositions"))[0] == 401
    assert Caller(org.app, "sandbox-tenant").headers == {}
    assert org.caller("sandbox-small").headers == {}


@pytest.mark.parametrize("base", ["/incontactapi/services/v33.0", "/InContactAPI/Services/v33.0"])
def test_the_base_path_is_spelt_in_several_ways(org: Tenant, base: str) -> None:
    org.admin.base = base
    assert org.admin.names()


def test_only_the_versions_of_the_tenant_answer(tmp_path: Path) -> None:
    org = Tenant(tmp_path, versions=[30, 33])
    assert [org.caller("sandbox-tenant", f"{v}.0")("GET", "/skills").status_code for v in (30, 33)] == [
        200
    ] * 2
    status, words = refused(org.caller("sandbox-tenant", "34.0")("GET", "/skills"))
    assert (status, words) == (404, "Version 34.0 of the API does not exist.")
    assert org.admin.get("/apiversion", verb="PUT", searchUriText="/skills")["apiInfo"] == [
        {"uri": "/skills/{skillId}", "version": 33.0, "verb": "PUT"}
    ]
    releases = org.admin.get("/apiversionreleaseinfo")["versionInfo"]
    assert [item["version"] for item in releases] == [30.0, 33.0]
    assert len(org.admin.get("/apiversionreleaseinfo", apiversion="33.0")["versionInfo"]) == 1
    org.kept()


@pytest.mark.parametrize("accept", ["", "*/*", "text/html"])
def test_a_request_that_does_not_accept_json_is_an_error(org: Tenant, accept: str) -> None:
    org.admin.headers["Accept"] = accept
    assert refused(org.admin("GET", "/dispositions")) == (400, "The Accept header must be application/json.")
    org.admin.headers["Accept"] = "text/plain, application/json;q=0.9"
    assert org.admin.names()


def test_a_read_only_user_reads_everything_and_writes_nothing(org: Tenant) -> None:
    reader, before = org.caller("sandbox-tenant-readonly"), org.state
    sale, skill = reader.disposition("Sale"), reader.skill("Sales Line")
    for method, path, body in (
        (
            "POST",
            "/dispositions",
            {"dispositions": [{"dispositionName": "x", "isPreviewDisposition": False}]},
        ),
        ("PUT", f"/dispositions/{sale['dispositionId']}", {"dispositionName": "x"}),
        ("PATCH", f"/dispositions/{sale['dispositionId']}/status", None),
        ("PUT", f"/skills/{skill['skillId']}", {"skill": {"maxSecondsACW": 1}}),
    ):
        status, words = refused(reader(method, path, body))
        assert status == 403
        assert "permission" in words
    assert org.state == before


def test_a_user_without_rights_is_told_the_permission(org: Tenant) -> None:
    nobody = org.caller("sandbox-tenant-nothing")
    assert refused(nobody("GET", "/dispositions")) == (
        403,
        "You do not have permission to perform this action: Dispositions View",
    )
    assert nobody.get("/business-unit")
    # What agents' own clients read needs no view permission (section 5).
    assert nobody.get("/skills/1001/dispositions")["totalRecords"] == 2


def test_too_many_requests_are_refused_and_nothing_says_for_how_long(tmp_path: Path) -> None:
    org = Tenant(tmp_path, rate_limit=2)
    assert [org.admin("GET", "/dispositions").status_code for _ in range(3)] == [200, 200, 429]
    reply = org.admin("GET", "/dispositions")
    assert refused(reply)[0] == 429
    assert "Retry-After" not in reply.headers
    org.clock.now += 60
    assert org.admin("GET", "/dispositions").status_code == 200
    org.kept()


def test_an_org_of_another_platform_is_not_taken_for_a_tenant(org: Tenant) -> None:
    assert org.box.ensure(NAME, "cxone").id == org.box.org(NAME).id
    with pytest.raises(ValueError, match="is of cxone, not of genesys"):
        org.box.ensure(NAME, "genesys")
    assert org.box.ensure("fresh", "cxone").platform == "cxone"
    assert org.caller("sandbox-fresh").names() == []
    with pytest.raises(ValueError, match="unknown platform 'amazon'"):
        org.box.ensure("other", "amazon")
