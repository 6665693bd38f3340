"""A small CXone tenant on the sandbox, with callers that keep to the contract."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from werkzeug.test import Client, TestResponse

from contracts import folder
from cxone_contract import Checked, checked
from sandbox.orgs import Clock
from wrapctl.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "tenant"
TENANT: dict[str, Any] = {
    "name": NAME,
    "platform": "cxone",
    "clients": [
        {"client_id": "sandbox-tenant", "permissions": "admin"},
        {"client_id": "sandbox-tenant-readonly", "permissions": "readonly"},
        {"client_id": "sandbox-tenant-nothing", "permissions": []},
    ],
    "users": [
        {"userId": 2000, "name": "Dana"},
        {"userId": 2001, "name": "wrapctl", "keys": ["sandbox-tenant"]},
    ],
    "dispositions": [
        {"name": "Sale", "classification": "Positive w/Amount", "notes": "sold"},
        {"name": "No Sale", "classification": "Negative"},
        {"name": "Répondeur / Non", "classification": None, "notes": ""},
        {"name": "Old", "classification": "Other", "active": False},
        {"name": "Skip", "classification": "Other", "preview": True},
    ],
    "unavailable_codes": [
        {"name": "Wrap Up", "isACW": True},
        {"name": "Long Wrap Up", "isACW": True, "agentTimeout": 60},
        {"name": "Old Wrap Up", "isACW": True, "isActive": False},
        {"name": "Break"},
    ],
    "tags": [{"name": "VIP"}],
    "skills": [
        {
            "name": "Sales Line",
            "dispositions": ["No Sale", "Sale"],
            "acwTypeId": 2,
            "acw_state": "Wrap Up",
            "maxSecondsACW": 45,
            "requireDisposition": True,
            "screenPopTriggerEvent": "2",
            "scriptName": "Sales\\v7",
            "futureSettings": {"keep": [1, 2.5, None]},
            "tags": ["VIP"],
        },
        {"name": "Help Desk", "mediaTypeId": 9, "dispositions": ["Sale"]},
        {"name": "Dialer", "isOutbound": True, "isRunning": True, "outboundStrategy": "Personal Connection"},
    ],
}


class CxoneCaller:
    """One access key of a tenant: requests to the API with its token."""

    def __init__(self, app: Callable[..., Any], key: str, version: str = "33.0") -> None:
        self.http = Client(app)
        self.key = key
        self.base = f"/inContactAPI/services/v{version}"
        self.headers: dict[str, str] = {}
        self.login()

    def login(self, secret: str = "sandbox") -> TestResponse:
        given = {"accessKeyId": self.key, "accessKeySecret": secret}
        reply = self.http.post("/authentication/v1/token/access-key", json=given)
        if reply.status_code == 200:
            self.bear(reply.get_json()["access_token"])
        return reply

    def grant(self, given: dict[str, str], basic: str = "", *, as_json: bool = False) -> TestResponse:
        headers = {"Authorization": f"Basic {base64.b64encode(basic.encode()).decode()}"} if basic else {}
        body: dict[str, Any] = {"json": given} if as_json else {"data": given}
        return self.http.post("/auth/token", headers=headers, **body)

    def bear(self, token: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def __call__(self, method: str, path: str, json: Any = None, **query: Any) -> TestResponse:
        body = {} if json is None else {"json": json}
        given = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()
        }
        return self.http.open(
            self.base + path, method=method, headers=self.headers, query_string=given, **body
        )

    def get(self, path: str, **query: Any) -> Any:
        reply = self("GET", path, **query)
        assert reply.status_code in {200, 204}, reply.get_data(as_text=True)
        return reply.get_json() if reply.data else None

    def names(self, **query: Any) -> list[str]:
        found = self.get("/dispositions", **query)
        return [item["dispositionName"] for item in found["dispositions"]] if found else []

    def disposition(self, name: str) -> Any:
        found = self.get("/dispositions", searchString=name.strip())["dispositions"]
        return next(item for item in found if item["dispositionName"] == name)

    def skill(self, name: str) -> Any:
        found = next(item for item in self.get("/skills")["skills"] if item["skillName"] == name)
        return self.get(f"/skills/{found['skillId']}")

    def create(self, *names: str, **more: Any) -> Any:
        given = [{"dispositionName": name, "isPreviewDisposition": False, **more} for name in names]
        return self("POST", "/dispositions", {"dispositions": given})

    def put(self, disposition: Any, **changes: Any) -> TestResponse:
        """A PUT with everything that the API takes, as a careful client sends it."""
        members = ("dispositionName", "classificationId", "isPreviewDisposition", "isActive", "notes")
        body = {"classificationId": None} | {k: disposition[k] for k in members if k in disposition}
        return self("PUT", f"/dispositions/{disposition['dispositionId']}", body | changes)

    def put_skill(self, name: str, **members: Any) -> TestResponse:
        return self("PUT", f"/skills/{self.skill(name)['skillId']}", {"skill": members})


class Tenant:
    """The small tenant, with callers by access key, and the contract held against everything they do."""

    def __init__(self, folder_: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.box = Sandbox(folder_, self.clock)
        self.box.seed_org(TENANT | {"settings": settings})
        held = (folder() / "cxone-admin.openapi.json").is_file()
        self.checked: Checked | None = checked(self.box.wsgi, faults=True) if held else None
        self.admin = self.caller("sandbox-tenant")

    @property
    def app(self) -> Callable[..., Any]:
        return self.checked or self.box.wsgi

    def caller(self, key: str, version: str = "33.0") -> CxoneCaller:
        return CxoneCaller(self.app, key, version)

    @property
    def state(self) -> Any:
        return self.box.state(NAME)

    def truth(self, name: str) -> Any:
        return next(one for one in self.state["dispositions"].values() if one["dispositionName"] == name)

    def skill(self, name: str) -> Any:
        return next(one for one in self.state["skills"].values() if one["skillName"] == name)

    def assigned(self, name: str) -> list[str]:
        held = sorted(self.skill(name)["dispositions"], key=lambda one: one["priority"])
        known = self.state["dispositions"]
        return [known[str(one["dispositionId"])]["dispositionName"] for one in held]

    def edit(self, op: str, **members: Any) -> None:
        self.box.edit(NAME, {"op": op, **members})

    def kept(self) -> None:
        """Everything that was accepted and answered is in the contract."""
        assert self.checked is None or self.checked.violations == []


def refused(reply: TestResponse) -> tuple[int, str]:
    """Status and words of a refusal, as a header and the body say them."""
    body = reply.get_json()
    assert body["error_description"] == reply.headers["icStatusDescription"]
    return reply.status_code, body["error_description"]
