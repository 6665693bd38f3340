from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from werkzeug.test import Client, TestResponse

from wrapctl.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CODES = "/api/v2/routing/wrapupcodes"
QUEUES = "/api/v2/routing/queues"
MAPPING = "/api/v2/outbound/wrapupcodemappings"
DIVISIONS = "/api/v2/authorization/divisions"
DATATABLES = "/api/v2/flows/datatables"


def schema(**columns: Any) -> dict[str, Any]:
    """The schema of a data table as the platform's documentation writes it; ``columns`` are types or fields."""
    properties: dict[str, Any] = {}
    for name, column in {"key": "string", **columns}.items():
        field = {"type": column} if isinstance(column, str) else column
        properties[name] = {"title": name, "$id": f"/properties/{name}", **field}
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["key"],
        "properties": properties,
        "additionalProperties": False,
    }


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


SMALL: dict[str, Any] = {
    "name": "small",
    "divisions": [{"name": "Home", "home": True}, {"name": "Sales"}, {"name": "Service"}],
    "clients": [
        {"client_id": "sandbox-small", "permissions": "admin"},
        {"client_id": "sandbox-small-readonly", "permissions": "readonly"},
        {"client_id": "sandbox-small-sales", "permissions": "admin", "divisions": ["Sales"]},
        {"client_id": "sandbox-small-nothing", "permissions": []},
    ],
    "codes": [
        {"name": "Sale", "description": "sold", "division": "Sales"},
        {"name": "No Sale", "division": "Sales"},
        {"name": "Solved", "division": "Service"},
        {"name": "Répondeur / Non", "division": "*"},
        {"name": "Old", "division": "Sales", "deleted": True},
    ],
    "queues": [
        {
            "name": "Sales Line",
            "division": "Sales",
            "codes": ["Sale", "No Sale"],
            "futureSettings": {"keep": True},
        },
        {"name": "Help Desk", "division": "Service", "codes": ["Solved"]},
    ],
    "mapping": {"version": 3, "defaultSet": ["RIGHT_PARTY_CONTACT"], "flags": {"Sale": ["BUSINESS_SUCCESS"]}},
}


class Caller:
    """One OAuth client of the sandbox: requests with its token."""

    def __init__(self, app: Callable[..., Any], client: str) -> None:
        self.http = Client(app)
        self.client = client
        self.headers: dict[str, str] = {}
        self.login()

    def login(self) -> TestResponse:
        basic = base64.b64encode(f"{self.client}:sandbox".encode()).decode()
        reply = self.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {basic}"},
        )
        if reply.status_code == 200:
            self.headers = {"Authorization": f"Bearer {reply.get_json()['access_token']}"}
        return reply

    def __call__(self, method: str, path: str, json: Any = None, **query: Any) -> TestResponse:
        body = {} if json is None else {"json": json}
        return self.http.open(path, method=method, headers=self.headers, query_string=query, **body)

    def get(self, path: str, **query: Any) -> Any:
        reply = self("GET", path, **query)
        assert reply.status_code == 200, reply.get_json()
        return reply.get_json()

    def names(self, path: str, **query: Any) -> list[str]:
        return [item["name"] for item in self.get(path, **query)["entities"]]

    def code(self, name: str) -> Any:
        return next(item for item in self.get(CODES, name=name)["entities"] if item["name"] == name)

    def queue(self, name: str) -> Any:
        return self.get(QUEUES, name=name)["entities"][0]


class Small:
    """A small org, with callers by client."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.box = Sandbox(folder, self.clock)
        self.box.seed_org(SMALL | {"settings": settings})
        self.admin = self.caller("sandbox-small")

    def caller(self, client: str) -> Caller:
        return Caller(self.box.wsgi, client)


def refused(reply: TestResponse) -> tuple[int, str]:
    body = reply.get_json()
    assert body["status"] == reply.status_code
    assert body["contextId"] == reply.headers["ININ-Correlation-Id"]
    return reply.status_code, body["code"]
