"""The way to a tenant: which login, which host, and that no token ever goes elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cxone_org import NAME, Tenant
from genesys_org import Clock
from targets.test_cxone_pure import jwt
from wrapctl.errors import Answered, RateLimited, TargetError, Unauthorized, UsageError
from wrapctl.targets.cxone.target import CxoneTarget, connect
from wrapctl.targets.interface import Connection, Want

SECRET = "s3cret-of-the-key"
UNIT = {"businessUnits": [{"businessUnitId": 7, "businessUnitName": "Acme", "tenantId": "t-1"}]}


class Nice:
    """Answers like NICE's hosts; ``answers`` overrides by path, ``seen`` is all that was asked."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.seen: list[httpx.Request] = []
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.api = "https://api-eu1.niceincontact.com"
        self.claims: dict[str, object] = {"tenantId": "t-1"}
        self.tokens = 0

    def target(
        self, *, endpoint: str = "", region: str = "eu1", registered: bool = False, **options: object
    ) -> CxoneTarget:
        secrets: dict[str, Callable[[], str]] = {
            "access_key_id": lambda: "KEY",
            "access_key_secret": lambda: SECRET,
        }
        if registered:
            secrets |= {"client_id": lambda: "app", "client_secret": lambda: "app-secret"}
        connection = Connection(NAME, endpoint, "" if endpoint else region, secrets, Path(), options=options)
        transport = httpx.MockTransport(self.answer)
        return connect(connection, self.clock.runtime, transport=transport, jitter=lambda: 0.0)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        path = request.url.path
        if path in self.answers:
            return self.answers[path](request)
        if "token" in path:
            self.tokens += 1
            body = {
                "access_token": f"token-{self.tokens}",
                "expires_in": "3600",
                "id_token": jwt(**self.claims),
            }
            return httpx.Response(200, json=body)
        if path.startswith("/.well-known/"):
            return httpx.Response(200, json={"api_endpoint": self.api})
        return httpx.Response(200, json=UNIT)

    def asked(self) -> list[str]:
        return [f"{one.method} {one.url.scheme}://{one.url.host}{one.url.path}" for one in self.seen]

    def with_bearer(self) -> set[str]:
        """The hosts that were shown a token."""
        return {one.url.host for one in self.seen if "bearer" in one.headers.get("authorization", "").lower()}


@pytest.fixture
def nice() -> Nice:
    return Nice()


def test_an_area_is_enough_login_discovery_and_api_follow_from_it(nice: Nice) -> None:
    identity = nice.target().reader().identity()
    assert (identity.id, identity.name, identity.sandbox) == ("t-1", "Acme", False)
    assert nice.asked() == [
        "POST https://eu1.nice-incontact.com/authentication/v1/token/access-key",
        "GET https://eu1.nice-incontact.com/.well-known/cxone-configuration",
        "GET https://api-eu1.niceincontact.com/incontactapi/services/v33.0/business-unit",
    ]
    assert nice.seen[1].url.params["tenantId"] == "t-1"
    assert nice.with_bearer() == {"api-eu1.niceincontact.com"}
    assert all(one.headers["accept"] == "application/json" for one in nice.seen)


def test_a_registered_application_logs_in_at_the_global_host(nice: Nice) -> None:
    nice.target(registered=True).reader().identity()
    assert nice.asked()[0] == "POST https://cxone.niceincontact.com/auth/token"
    assert b"grant_type=password" in nice.seen[0].content


def test_an_endpoint_needs_no_discovery(nice: Nice) -> None:
    nice.target(endpoint="https://api-ca1.niceincontact.com").reader().identity()
    assert nice.asked() == [
        "POST https://ca1.nice-incontact.com/authentication/v1/token/access-key",
        "GET https://api-ca1.niceincontact.com/incontactapi/services/v33.0/business-unit",
    ]


def test_version_and_login_host_can_be_said(nice: Nice) -> None:
    login = "https://cxone-gov.niceincontact.com"
    nice.target(api_version="34", auth_endpoint=login).reader().identity()
    assert nice.asked()[0].startswith("POST https://cxone-gov.niceincontact.com/")
    assert nice.asked()[-1].endswith("/incontactapi/services/v34.0/business-unit")


def test_a_discovery_that_fails_leaves_the_likely_host(nice: Nice) -> None:
    nice.answers["/.well-known/cxone-configuration"] = lambda _: httpx.Response(404, json={})
    nice.target().reader().identity()
    assert nice.asked()[-1].startswith("GET https://api-eu1.niceincontact.com/")
    nice.seen.clear()
    nice.claims["icClusterId"] = "C5A"
    nice.target().reader().identity()
    assert nice.asked()[-1].startswith("GET https://api-c5a.nice-incontact.com/")
    assert any("discovery failed" in event.text for event in nice.clock.events)


def test_a_discovery_that_points_elsewhere_gets_no_token(nice: Nice) -> None:
    nice.api = "https://api.evil.example"
    with pytest.raises(TargetError, match=r"api\.evil\.example"):
        nice.target().reader().identity()
    assert nice.with_bearer() == set()


def test_a_token_without_claims_asks_the_discovery_all_the_same(nice: Nice) -> None:
    nice.claims.clear()
    nice.target().reader().identity()
    assert "tenantId" not in nice.seen[1].url.params
    assert nice.asked()[-1].startswith("GET https://api-eu1.niceincontact.com/")


def test_a_business_unit_without_a_tenant_is_told_by_its_number(nice: Nice) -> None:
    path = "/incontactapi/services/v33.0/business-unit"
    nice.answers[path] = lambda _: httpx.Response(200, json={"businessUnits": [{"businessUnitId": 42}]})
    assert nice.target().reader().identity().id == "42"
    bodies: list[object] = [{}, {"businessUnits": []}, {"businessUnits": [{}]}, []]
    nice.answers[path] = lambda _: httpx.Response(200, json=bodies[0])
    while bodies:
        with pytest.raises(TargetError):
            nice.target().reader().identity()
        bodies.pop(0)


def test_the_token_is_minted_anew_before_it_ends(nice: Nice) -> None:
    target = nice.target()
    target.reader().read(Want())
    nice.clock.now += 3299
    target._api.get("/incontactapi/services/v{version}/business-unit")
    assert nice.tokens == 1
    nice.clock.now += 2
    target._api.get("/incontactapi/services/v{version}/business-unit")
    assert nice.tokens == 2


def test_a_refused_token_is_renewed_once(nice: Nice) -> None:
    path = "/incontactapi/services/v33.0/business-unit"
    nice.answers[path] = lambda request: (
        httpx.Response(200, json=UNIT)
        if request.headers["authorization"] == "Bearer token-2"
        else httpx.Response(401, headers={"icStatusDescription": "Token expired"})
    )
    assert nice.target().reader().identity().id == "t-1"
    nice.answers[path] = lambda _: httpx.Response(401, headers={"icStatusDescription": "Token expired"})
    with pytest.raises(Unauthorized, match="Token expired"):
        nice.target().reader().identity()


def test_a_wrong_key_is_an_error_that_names_the_org_and_not_the_secret(nice: Nice) -> None:
    nice.answers["/authentication/v1/token/access-key"] = lambda request: httpx.Response(
        401, json={"error": "invalid", "errorDescription": f"no key like {json.loads(request.content)}"}
    )
    with pytest.raises(Unauthorized) as caught:
        nice.target().reader().identity()
    told = f"{caught.value} {caught.value.hint}"
    assert "login of acme" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"error": "E", "error_description": "what is wrong"}, {}),
        ({"error": "E", "errorDescription": "what is wrong"}, {}),
        ({"error": "E", "error_Description": "what is wrong"}, {}),
        ({"error": "E"}, {"icStatusDescription": "what is wrong"}),
        (None, {"icStatusDescription": "what is wrong"}),
    ],
)
def test_the_platforms_words_are_found_however_they_are_spelt(
    nice: Nice, body: object, headers: dict[str, str]
) -> None:
    nice.answers["/incontactapi/services/v33.0/business-unit"] = lambda _: httpx.Response(
        400, content=b"" if body is None else json.dumps(body).encode(), headers=headers
    )
    with pytest.raises(Answered, match="what is wrong"):
        nice.target().reader().identity()


def test_a_rate_limit_without_a_time_is_waited_out_briefly_and_not_for_ever(nice: Nice) -> None:
    path = "/incontactapi/services/v33.0/business-unit"
    limited = [httpx.Response(429, headers={"icStatusDescription": "Success"}) for _ in range(2)]
    nice.answers[path] = lambda _: limited.pop() if limited else httpx.Response(200, json=UNIT)
    nice.target().reader().identity()
    assert nice.clock.waits == [2.0, 6.0]
    nice.answers[path] = lambda _: httpx.Response(429)
    with pytest.raises(RateLimited):
        nice.target().reader().identity()
    assert len(nice.clock.waits) <= 8


def test_credentials_are_the_access_key_and_the_application_all_or_none(nice: Nice) -> None:
    def given(*names: str) -> Connection:
        return Connection(NAME, "", "eu1", {name: lambda: "x" for name in names}, Path())

    with pytest.raises(UsageError, match="lack access_key_secret"):
        connect(given("access_key_id"), nice.clock.runtime)
    with pytest.raises(UsageError, match="lack client_secret"):
        connect(given("access_key_id", "access_key_secret", "client_id"), nice.clock.runtime)
    assert nice.seen == []


# ── the same against the sandbox ───────────────────────────────────────────────────────────────────────────


def test_the_sandbox_is_found_by_its_own_discovery_with_either_login(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path, settings={"expires_in": "string"})
    registered = tenant.connect(application=(f"sandbox-{NAME}-app", "sandbox"))
    for target in (tenant.target, registered):
        identity = target.reader().identity()
        assert identity.id.startswith("5a5a5a5a-")
        assert identity.sandbox
    assert [line.partition("?")[0] for line in tenant.sent()] == [
        "POST /authentication/v1/token/access-key",
        "GET /.well-known/cxone-configuration",
        "GET /business-unit",
        "POST /auth/token",
        "GET /.well-known/cxone-configuration",
        "GET /business-unit",
    ]
    registered.close()
    tenant.close()


def test_a_version_that_the_tenant_does_not_serve_is_quoted(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path)
    other = tenant.connect(api_version="99")
    with pytest.raises(Answered, match=r"99\.0"):
        other.reader().identity()
    other.close()
    tenant.close()


def test_an_org_of_another_platform_in_the_sandbox_is_said(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path)
    tenant.sandbox.seed_org({"name": "other"})
    connection = Connection(
        "other", "sandbox", "", {"access_key_id": lambda: "x", "access_key_secret": lambda: "x"}, tmp_path
    )
    with pytest.raises(UsageError, match="is of genesys, not of cxone"):
        connect(connection, tenant.clock.runtime)
    tenant.close()
