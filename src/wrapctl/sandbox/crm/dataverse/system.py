"""Dataverse over HTTP: the login of Entra ID, the operations of the Web API, and their words."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from wrapctl.sandbox.crm import tokens
from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.dataverse import rows
from wrapctl.sandbox.crm.dataverse.table import ENTITY, TABLE, settings_of
from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.front import Arrival, Visit
    from wrapctl.sandbox.objects import Json, Org

LOGIN = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
BASE = "/api/data/v9.2/"
WORDS = {
    400: ("0x80060888", "Bad Request"),
    401: ("0x80048306", "Unauthorized"),
    403: ("0x80040220", "The user does not hold the necessary privileges."),
    404: ("0x80060888", "Resource not found for the segment."),
    405: ("0x80060888", "The requested resource does not support http method."),
    412: ("0x80060882", "The version of the existing record doesn't match the RowVersion property provided."),
    429: ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
    500: ("0x80040216", "An unexpected error occurred."),
    503: ("0x80044150", "The service is unavailable."),
}
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Reply]], ...] = (
    ("GET", re.compile(TABLE), rows.list_rows),
    ("POST", re.compile(TABLE), rows.post_row),
    ("GET", re.compile(rf"{TABLE}\(([^()']+)\)"), rows.get_row),
    ("PATCH", re.compile(rf"{TABLE}\(([^()']+)\)"), rows.patch_row),
    ("DELETE", re.compile(rf"{TABLE}\(([^()']+)\)"), rows.delete_row),
    ("GET", re.compile(rf"EntityDefinitions\(LogicalName='{ENTITY}'\)"), rows.get_definition),
)


class Dataverse:
    """One environment answers for its tenant's login and for the Web API 9.2."""

    name = "dataverse"

    def owns(self, path: str) -> bool:
        """Own the login of any tenant and the Web API."""
        return path.startswith("/api/data/") or self.is_login(path)

    def is_login(self, path: str) -> bool:
        """Whether it is a tenant's token endpoint."""
        return LOGIN.fullmatch(path) is not None

    def login_client(self, arrival: Arrival) -> str:
        """Return the application's id."""
        return tokens.form(arrival).get("client_id") or tokens.basic(arrival.header("Authorization"))[0]

    def login(self, visit: Visit) -> Reply:
        """POST /{tenant}/oauth2/v2.0/token: client credentials for ``<resource>/.default``."""
        arrival, org = visit.arrival, visit.asker.org
        if arrival.method != "POST":
            return _told(visit, 400, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        given = tokens.form(arrival)
        client, secret = tokens.basic(arrival.header("Authorization"))
        client, secret = client or given.get("client_id", ""), secret or given.get("client_secret", "")
        for name, value in (
            ("grant_type", given.get("grant_type")),
            ("client_id", client),
            ("scope", given.get("scope")),
        ):
            if not value:
                text = f"The request body must contain the following parameter: '{name}'."
                return _told(visit, 400, "invalid_request", 900144, text)
        if (grant := given["grant_type"]) != "client_credentials":
            text = f"The app requested an unsupported grant type '{grant}'."
            return _told(visit, 400, "unsupported_grant_type", 70003, text)
        tenant = arrival.path.split("/")[1]
        if org is not None and settings_of(org).tenant not in {"", tenant}:
            text = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            return _told(visit, 400, "invalid_request", 90002, text)
        if org is None:
            text = f"Application with identifier '{client}' was not found in the directory '{tenant}'."
            return _told(visit, 400, "unauthorized_client", 700016, text)
        resource, default, rest = given["scope"].partition("/.default")
        if not default or rest:
            text = f"The provided value for scope {given['scope']} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            return _told(visit, 400, "invalid_scope", 1002012, text)
        if not re.fullmatch(r"https?://[^/\s]+/?", resource):
            text = f"The resource principal named {resource} was not found in the tenant named {tenant}."
            return _told(visit, 400, "invalid_resource", 500011, text)
        if not secret:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            return _told(visit, 401, "invalid_client", 7000218, text)
        token = _jwt(visit, org, tenant, client, resource)
        with visit.store.write() as con:
            if not tokens.right(con, client, secret):
                text = f"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
                return _told(visit, 401, "invalid_client", 7000215, text)
            seconds = tokens.keep(con, visit, org, client, token)
        body: Json = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds}
        return answer(body | {"access_token": token})

    def standing(self, arrival: Arrival) -> tuple[str, str]:  # noqa: ARG002 (there is no such login)
        """Every request carries a token."""
        return "", ""

    def called(self, call: Call) -> Reply:
        """Answer a request of the Web API."""
        path = call.arrival.path
        if not path.startswith(BASE):
            raise Refusal(404)
        rest = path.removeprefix(BASE)
        matching = [
            (method, match, handler)
            for method, pattern, handler in ROUTES
            if (match := pattern.fullmatch(rest))
        ]
        for method, match, handler in matching:
            if method == call.arrival.method:
                return handler(call, *match.groups())
        if matching:
            raise Refusal(405)
        raise Refusal(404, "0x80060888", f"Resource not found for the segment '{rest.partition('(')[0]}'.")

    def worded(self, refusal: Refusal, arrival_id: str) -> Reply:  # noqa: ARG002 (the request's name is in a header)
        """Return ``error`` with a hexadecimal code and a message; 401 says no more than where to log in."""
        if refusal.status == 401 and not refusal.text:
            login = 'Bearer authorization_uri="https://login.sandbox.invalid/common/oauth2/authorize"'
            return Reply(401, b"", [("WWW-Authenticate", login), *refusal.headers])
        code, text = WORDS.get(refusal.status, ("0x80040216", f"Status {refusal.status}"))
        error = {"code": refusal.code or code, "message": refusal.text or text}
        return answer({"error": error}, refusal.status, refusal.headers)

    def limited(self, limit: int, wait: int) -> Refusal:
        """429 of the service protection, with Retry-After."""
        text = f"Number of requests exceeded the limit of {limit} over time window of 60 seconds."
        return Refusal(429, "0x80072322", text, headers=[("Retry-After", str(wait))])

    def finish(self, reply: Reply, arrival_id: str) -> None:
        """Every answer names its request and the version of OData."""
        reply.headers += [("x-ms-service-request-id", arrival_id), ("OData-Version", "4.0")]


def _told(visit: Visit, status: int, error: str, code: int, text: str) -> Reply:
    when = f"{datetime.fromtimestamp(int(visit.clock()), UTC):%Y-%m-%d %H:%M:%S}Z"
    trace, correlation = str(uuid4()), visit.arrival.correlation
    body: Json = {"error": error}
    body["error_description"] = (
        f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {when}"
    )
    body |= {"error_codes": [code], "timestamp": when, "trace_id": trace, "correlation_id": correlation}
    return answer(body, status)


def _jwt(visit: Visit, org: Org, tenant: str, client: str, resource: str) -> str:
    """Return a JWT that looks like one of Entra ID; its signature is none."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    now = int(visit.clock())
    claims: Json = {
        "aud": resource,
        "iss": "https://sts.sandbox.invalid/",
        "iat": now,
        "tid": tenant,
        "appid": client,
    }
    claims |= {"oid": org.id, "exp": now + org.settings.token_seconds, "uti": uuid4().hex}
    return ".".join(
        [
            part(dumps({"typ": "JWT", "alg": "RS256"}).encode()),
            part(dumps(claims).encode()),
            part(b"no signature"),
        ]
    )
