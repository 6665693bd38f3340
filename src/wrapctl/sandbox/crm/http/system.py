"""The plain endpoint over HTTP: its logins, its operations, its words."""

from __future__ import annotations

from http.client import responses
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from wrapctl.sandbox.crm import tokens
from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.http import rows
from wrapctl.sandbox.crm.http.rows import PATH, settings_of
from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.front import Arrival, Visit

LOGIN = "/crm/oauth/token"
PROBLEM = ("Content-Type", "application/problem+json")
OF_ALL: dict[str, Callable[..., Reply]] = {"GET": rows.list_rows, "POST": rows.post_row}
OF_ONE: dict[str, Callable[..., Reply]] = {
    "GET": rows.get_row,
    "PUT": rows.put_row,
    "PATCH": rows.patch_row,
    "DELETE": rows.delete_row,
}


class Http:
    """One endpoint answers for its login and its rows."""

    name = "http"

    def owns(self, path: str) -> bool:
        """Own /crm/."""
        return path.startswith("/crm/")

    def is_login(self, path: str) -> bool:
        """Whether it is the token endpoint."""
        return path == LOGIN

    def login_client(self, arrival: Arrival) -> str:
        """Return the client."""
        return tokens.form(arrival).get("client_id") or tokens.basic(arrival.header("Authorization"))[0]

    def login(self, visit: Visit) -> Reply:
        """POST /crm/oauth/token (RFC 6749 4.4)."""
        arrival, org = visit.arrival, visit.asker.org
        if arrival.method != "POST":
            raise Refusal(405, headers=[("Allow", "POST")])
        given = tokens.form(arrival)
        if given.get("grant_type") != "client_credentials":
            return _told(400, "unsupported_grant_type")
        client, secret = tokens.basic(arrival.header("Authorization"))
        if not client:
            client, secret = given.get("client_id", ""), given.get("client_secret", "")
        token = token_urlsafe(32)
        with visit.store.write() as con:
            if org is None or not tokens.right(con, client, secret):
                return _told(401, "invalid_client")
            seconds = tokens.keep(con, visit, org, client, token)
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": seconds})

    def standing(self, arrival: Arrival) -> tuple[str, str]:
        """A static token is the client's id and its secret."""
        scheme, _, token = arrival.header("Authorization").partition(" ")
        if scheme.lower() != "bearer":
            return "", ""
        client, colon, secret = token.rpartition(":")
        return (client, secret) if colon else ("", "")

    def called(self, call: Call) -> Reply:
        """Answer a request on rows."""
        path, method = call.arrival.path, call.arrival.method
        key = path.removeprefix(f"{PATH}/")
        handlers = OF_ALL if path == PATH else OF_ONE if key not in {"", path} else {}
        if not settings_of(call.org).read_back:
            handlers = {name: handler for name, handler in handlers.items() if name == "POST"}
            if path.startswith(PATH) and method not in handlers:
                raise Refusal(405, headers=[("Allow", "POST")])
        if not handlers:
            raise Refusal(404)
        if method not in handlers:
            raise Refusal(405, headers=[("Allow", ", ".join(handlers))])
        return handlers[method](call) if path == PATH else handlers[method](call, key)

    def worded(self, refusal: Refusal, arrival_id: str) -> Reply:
        """Return a problem (RFC 9457); ``code`` of a fault is its type."""
        body: dict[str, object] = {"type": refusal.code or "about:blank"}
        body |= {"title": responses.get(refusal.status, "Error"), "status": refusal.status}
        if refusal.text:
            body["detail"] = refusal.text
        headers = [PROBLEM, *refusal.headers]
        if refusal.status == 401:
            headers.append(("WWW-Authenticate", 'Bearer realm="rows"'))
        return Reply(refusal.status, dumps(body | {"instance": arrival_id}).encode(), headers)

    def limited(self, limit: int, wait: int) -> Refusal:
        """429 with Retry-After."""
        return Refusal(
            429, text=f"More than {limit} requests a minute.", headers=[("Retry-After", str(wait))]
        )

    def finish(self, reply: Reply, arrival_id: str) -> None:
        """Every answer names its request."""
        reply.headers.append(("X-Request-Id", arrival_id))


def _told(status: int, error: str) -> Reply:
    return answer({"error": error}, status)
