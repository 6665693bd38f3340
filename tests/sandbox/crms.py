"""CRM instances on the sandbox, with callers that keep to the contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.test import Client, TestResponse

from contracts import folder
from crm_contract import Checked, checked
from sandbox.orgs import Clock
from wrapctl.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "acme.crm"
CLIENT = f"sandbox-{NAME}"
TABLE = "Mapping__c"
KEY = "Key__c"


class Caller:
    """A client of one CRM: requests under ``base`` with its login."""

    def __init__(self, app: Callable[..., Any], base: str, headers: dict[str, str]) -> None:
        self.http = Client(app)
        self.base = base
        self.headers = headers

    def __call__(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None, **query: Any
    ) -> TestResponse:
        body = {} if json is None else {"json": json}
        return self.http.open(
            self.base + path,
            method=method,
            headers=self.headers | (headers or {}),
            query_string={name.replace("S_", "$"): value for name, value in query.items()},
            **body,
        )

    def get(self, path: str, **query: Any) -> Any:
        reply = self("GET", path, **query)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply.get_json()


def token(app: Callable[..., Any], path: str, **form: str) -> TestResponse:
    given = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "sandbox"}
    return Client(app).post(path, data=given | form)


LOGINS: dict[str, tuple[str, dict[str, str], str]] = {
    "salesforce": ("/services/oauth2/token", {}, "/services/data/v67.0"),
    "dataverse": (
        "/contoso/oauth2/v2.0/token",
        {"scope": "http://localhost/.default"},
        "/api/data/v9.2/msdyn_ocdispositioncodes",
    ),
    "servicenow": ("/oauth_token.do", {}, "/api/now"),
    "http": ("/crm/oauth/token", {}, "/crm/rows"),
}


class Crm:
    """One instance, and the contract held against everything that its callers do."""

    def __init__(
        self, folder_: Path, platform: str, rows: list[dict[str, Any]] | None = None, **settings: Any
    ) -> None:
        self.clock = Clock()
        self.platform = platform
        self.box = Sandbox(folder_, self.clock)
        self.box.seed_org({"name": NAME, "platform": platform, "rows": rows or [], "settings": settings})
        held = (folder() / "crm").is_dir()
        self.checked: Checked | None = checked(self.box.wsgi, faults=True) if held else None
        self.admin = self.caller()

    @property
    def app(self) -> Callable[..., Any]:
        return self.checked or self.box.wsgi

    def login(self, **form: str) -> TestResponse:
        path, more, _ = LOGINS[self.platform]
        return token(self.app, path, **(more | form))

    def caller(self, client: str = CLIENT) -> Caller:
        reply = self.login(client_id=client)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        login = {"Authorization": f"Bearer {reply.get_json()['access_token']}"}
        return Caller(self.app, LOGINS[self.platform][2], login)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.box.state(NAME)["rows"].values())

    def row(self, **members: Any) -> dict[str, Any]:
        found = [row for row in self.rows if members.items() <= row.items()]
        assert len(found) == 1, found
        return found[0]

    def edit(self, op: str, **members: Any) -> None:
        self.box.edit(NAME, {"op": op, **members})

    def kept(self) -> None:
        """Everything that was accepted and answered is in the contract."""
        assert self.checked is None or self.checked.violations == []
