"""ServiceNow over HTTP: Basic or OAuth, the Wrap Up API and the Table API, and their words."""

from __future__ import annotations

import re
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from wrapctl.sandbox.crm import tokens
from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.servicenow import rows
from wrapctl.sandbox.crm.servicenow.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.front import Arrival, Reply, Visit
    from wrapctl.sandbox.objects import Json

LOGIN = "/oauth_token.do"
BASE = re.compile(r"/api/now(?:/v\d)?(/(?:wrapup|table)/.*)")
WORDS = {
    400: ("Bad request", ""),
    401: ("User Not Authenticated", "Required to provide Auth information"),
    403: ("Operation Failed", "ACL Exception failed due to security constraints"),
    404: ("No Record found", "Record doesn't exist or ACL restricts the record retrieval"),
    405: ("Method not supported", "Method not supported"),
    429: ("Rate limit exceeded", "Rate limit exceeded for this user"),
    500: ("Internal server error", "The transaction was cancelled"),
    503: ("Service unavailable", "The instance is not available"),
}
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Reply]], ...] = (
    ("POST", re.compile(r"/wrapup/code"), rows.upsert_codes),
    ("GET", re.compile(r"/wrapup/code/([^/]+)"), rows.get_code),
    ("GET", re.compile(rf"/table/{TABLE}"), rows.list_rows),
    ("PATCH", re.compile(rf"/table/{TABLE}/([^/]+)"), rows.patch_row),
    ("DELETE", re.compile(rf"/table/{TABLE}/([^/]+)"), rows.delete_row),
)


class Servicenow:
    """One instance answers for its login and for both APIs."""

    name = "servicenow"

    def owns(self, path: str) -> bool:
        """Own the login and /api/now/."""
        return path == LOGIN or path.startswith("/api/now/")

    def is_login(self, path: str) -> bool:
        """Whether it is the token endpoint."""
        return path == LOGIN

    def login_client(self, arrival: Arrival) -> str:
        """Return the user of a password login, else the application."""
        given = tokens.form(arrival)
        if given.get("grant_type") == "password":
            return given.get("username", "")
        return given.get("client_id") or tokens.basic(arrival.header("Authorization"))[0]

    def login(self, visit: Visit) -> Reply:
        """POST /oauth_token.do: client credentials, or a user's password beside those of an application."""
        arrival, org = visit.arrival, visit.asker.org
        if arrival.method != "POST":
            return _told(405, "invalid_request", "only POST is supported")
        given = tokens.form(arrival)
        grant = given.get("grant_type", "")
        if grant not in {"client_credentials", "password"}:
            return _told(400, "unsupported_grant_type", f"unsupported grant_type: {grant}")
        client, secret = tokens.basic(arrival.header("Authorization"))
        if not client:
            client, secret = given.get("client_id", ""), given.get("client_secret", "")
        user = given.get("username", "") if grant == "password" else client
        token = token_urlsafe(64)
        with visit.store.write() as con:
            if not tokens.right(con, client, secret) or tokens.org_of(con, client, self.name) is None:
                return _told(401, "invalid_client", "access_denied")
            by_password = grant == "password"
            if org is None or (by_password and not tokens.right(con, user, given.get("password", ""))):
                # What the platform really says to a wrong password.
                return _told(401, "server_error", "access_denied")
            seconds = tokens.keep(con, visit, org, user, token)
        body: Json = {
            "access_token": token,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": seconds,
        }
        if grant == "password":
            body["refresh_token"] = token_urlsafe(64)
        return answer(body)

    def standing(self, arrival: Arrival) -> tuple[str, str]:
        """Every request may carry user and password."""
        return tokens.basic(arrival.header("Authorization"))

    def called(self, call: Call) -> Reply:
        """Answer a request of either API."""
        found = BASE.fullmatch(call.arrival.path)
        rest = found[1] if found else ""
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
        if table := re.match(r"/table/(\w+)", rest):
            raise Refusal(400, text=f"Invalid table {table[1]}")
        raise Refusal(400, text="Requested URI does not represent any resource", code=call.arrival.path)

    def worded(self, refusal: Refusal, arrival_id: str) -> Reply:  # noqa: ARG002 (the request's name is in a header)
        """Return ``error`` with a message and a detail, and ``status: failure``."""
        message, detail = WORDS.get(refusal.status, (f"Status {refusal.status}", ""))
        error = {
            "message": refusal.text or message,
            "detail": refusal.code or (None if refusal.text else detail),
        }
        headers = list(refusal.headers)
        if refusal.status == 401:
            headers.append(("WWW-Authenticate", 'BASIC realm="Service-now"'))
        return answer({"error": error, "status": "failure"}, refusal.status, headers)

    def limited(self, limit: int, wait: int) -> Refusal:
        """429 of a rate limit rule, with Retry-After."""
        headers = [
            ("Retry-After", str(wait)),
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Rule", "sandbox"),
        ]
        return Refusal(429, headers=headers)

    def finish(self, reply: Reply, arrival_id: str) -> None:
        """Every answer names its transaction."""
        reply.headers.append(("X-Transaction-ID", arrival_id))


def _told(status: int, error: str, text: str) -> Reply:
    return answer({"error": error, "error_description": text}, status)
