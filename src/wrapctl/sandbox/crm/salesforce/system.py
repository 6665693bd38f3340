"""Salesforce over HTTP: the login, the operations of the REST API, and its words."""

from __future__ import annotations

import re
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from wrapctl.sandbox.crm import tokens
from wrapctl.sandbox.crm.call import Refusal, answer, host
from wrapctl.sandbox.crm.salesforce import queries, rows
from wrapctl.sandbox.crm.salesforce.ids import USER, record_id
from wrapctl.sandbox.front import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.front import Arrival, Visit

LOGIN = "/services/oauth2/token"
BASE = re.compile(r"/services/data/(v\d+\.\d)(/.*)")
WORDS = {
    400: ("INVALID_INPUT", "The request is not valid."),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed."),
    500: (
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support",
    ),
    503: ("SERVER_UNAVAILABLE", "The server is too busy or unavailable. Please try again"),
}
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Reply]], ...] = (
    ("GET", re.compile(r"/query/?"), queries.get_query),
    ("GET", re.compile(r"/query/([^/]+)"), queries.get_more),
    ("GET", re.compile(r"/sobjects/(\w+)/([^/]+)"), rows.get_row),
    ("PATCH", re.compile(r"/sobjects/(\w+)/([^/]+)"), rows.patch_row),
    ("DELETE", re.compile(r"/sobjects/(\w+)/([^/]+)"), rows.delete_row),
    ("PATCH", re.compile(r"/composite/sobjects/(\w+)/(\w+)"), rows.upsert_rows),
)


class Salesforce:
    """One org answers for its login and for every version of its REST API."""

    name = "salesforce"

    def owns(self, path: str) -> bool:
        """Own /services/."""
        return path.startswith("/services/")

    def is_login(self, path: str) -> bool:
        """Whether it is the token endpoint."""
        return path == LOGIN

    def login_client(self, arrival: Arrival) -> str:
        """Return the consumer key, of the form or of a Basic header."""
        return tokens.form(arrival).get("client_id") or tokens.basic(arrival.header("Authorization"))[0]

    def login(self, visit: Visit) -> Reply:
        """POST /services/oauth2/token: client credentials, whose answer tells no lifetime."""
        arrival, org = visit.arrival, visit.asker.org
        if arrival.method != "POST":
            return _told(400, "invalid_request", "must use HTTP POST")
        given = tokens.form(arrival)
        if (grant := given.get("grant_type", "")) != "client_credentials":
            wrong = "grant type not supported" if grant else "missing required parameter: grant_type"
            return _told(400, "unsupported_grant_type" if grant else "invalid_request", wrong)
        header = arrival.header("Authorization")
        client, secret = tokens.basic(header)
        if not client:
            client, secret = given.get("client_id", ""), given.get("client_secret", "")
        if org is None:
            return _told(400, "invalid_client_id", "client identifier invalid")
        token = f"{queries.organization_id(org)}!{token_urlsafe(60)}"
        with visit.store.write() as con:
            if not tokens.right(con, client, secret):
                # RFC 6749 5.2: 401 for who came by the header.
                return _told(401 if header else 400, "invalid_client", "invalid client credentials")
            tokens.keep(con, visit, org, client, token)
        here = host(arrival)
        return answer(
            {
                "access_token": token,
                "signature": token_urlsafe(32),
                "scope": "api",
                "instance_url": here,
                "id": f"{here}/id/{queries.organization_id(org)}/{record_id(USER, client)}",
                "token_type": "Bearer",
                "issued_at": str(int(visit.clock() * 1000)),
            }
        )

    def standing(self, arrival: Arrival) -> tuple[str, str]:  # noqa: ARG002 (there is no such login)
        """Every request carries a token."""
        return "", ""

    def called(self, call: Call) -> Reply:
        """Answer a request of the REST API."""
        found = BASE.fullmatch(call.arrival.path)
        if found is None:
            raise Refusal(404)
        matching = [
            (method, match, handler)
            for method, pattern, handler in ROUTES
            if (match := pattern.fullmatch(found[2]))
        ]
        for method, match, handler in matching:
            if method == call.arrival.method:
                return handler(call, found[1], *match.groups())
        if matching:
            allowed = ",".join(dict.fromkeys(method for method, _, _ in matching))
            text = f"HTTP Method '{call.arrival.method}' not allowed. Allowed are {allowed}"
            raise Refusal(405, "METHOD_NOT_ALLOWED", text, headers=[("Allow", allowed)])
        raise Refusal(404)

    def worded(self, refusal: Refusal, arrival_id: str) -> Reply:  # noqa: ARG002 (no answer names its request)
        """Return an array of one error, each with ``errorCode``, ``message`` and the fields that are wrong."""
        if refusal.bare:
            return Reply(refusal.status, b"", refusal.headers)
        code, text = WORDS.get(refusal.status, ("UNKNOWN_EXCEPTION", f"Status {refusal.status}"))
        error: dict[str, object] = {"message": refusal.text or text, "errorCode": refusal.code or code}
        if refusal.fields:
            error["fields"] = refusal.fields
        return answer([error], refusal.status, refusal.headers)

    def limited(self, limit: int, wait: int) -> Refusal:  # noqa: ARG002 (it does not say)
        """403 and no word on when to come back: the limit is one of requests a day."""
        return Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def finish(self, reply: Reply, arrival_id: str) -> None:
        """Nothing stands on every answer."""


def _told(status: int, error: str, text: str) -> Reply:
    return answer({"error": error, "error_description": text}, status)
