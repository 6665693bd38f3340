"""Genesys Cloud over HTTP: who asks, the Flask app of its operations, and its refusals."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from wrapctl.sandbox.front import Reply
from wrapctl.sandbox.genesys import ROUTES, askers, oauth, permissions
from wrapctl.sandbox.genesys.call import Answer, Call
from wrapctl.sandbox.genesys.errors import STATUS_CODES, Refusal
from wrapctl.sandbox.genesys.paging import Query
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from wrapctl.sandbox.faults import Fault
    from wrapctl.sandbox.front import Arrival, Asker, Visit
    from wrapctl.sandbox.genesys import Route
    from wrapctl.sandbox.objects import Org

CALL = "wrapctl.sandbox.call"
JSON = ("Content-Type", "application/json")


class _Text(BaseConverter):
    """The rest of the path, slashes at its beginning included: the key of a row may be any text."""

    regex = ".+"
    part_isolating = False


@cache
def _flask() -> Flask:
    """Return the app of all operations. It keeps nothing, and compiling its rules takes longer than most commands."""
    app = Flask(__name__, static_folder=None)
    app.url_map.converters["text"] = _Text
    app.url_map.merge_slashes = False
    # A mistake of the sandbox must not pass for a 500 of the platform.
    app.config["PROPAGATE_EXCEPTIONS"] = True

    def answer(route: Route) -> Callable[..., Response]:
        def view(**arguments: str) -> Response:
            call: Call = request.environ[CALL]
            permissions.check(route.mode, route.permissions, call.permissions)
            return _response(route.handler(call, **arguments))

        return view

    def refused(refusal: Refusal) -> Response:
        call: Call = request.environ[CALL]
        return _response(Answer(dumps(refusal.body(call.correlation)), refusal.status))

    for number, route in enumerate(ROUTES):
        # "{codeId}" in the contract is "<code_id>" for Flask, and the handler's argument.
        path = re.sub(
            r"\{([a-z]+)([A-Z][a-z]+)\}", lambda found: f"<{found[1]}_{found[2].lower()}>", route.path
        ).replace("<row_id>", "<text:row_id>")
        app.add_url_rule(
            path, str(number), answer(route), methods=[route.method], provide_automatic_options=False
        )
    app.register_error_handler(Refusal, refused)
    for status in (404, 405):
        app.register_error_handler(status, lambda _: refused(Refusal(404, "not.found")))
    return app


def _response(answer: Answer) -> Response:
    response = Response(answer.text, status=answer.status, content_type="application/json")
    if answer.text is None:
        del response.headers["Content-Type"]
    return response


def _raw_path(environ: dict[str, Any]) -> str:
    """Return the path as it came, still encoded; empty where the server does not tell."""
    target = str(environ.get("REQUEST_URI", ""))
    return target.partition("?")[0] if target.startswith("/") else ""


class GenesysFront:
    """Answers every path that no other platform owns."""

    def __init__(self) -> None:
        self._flask = _flask()

    def owns(self, path: str) -> bool:  # noqa: ARG002 (the default)
        """Own what nobody else does."""
        return True

    def asker(self, con: sqlite3.Connection, arrival: Arrival, now: float) -> Asker:
        """Return who asks: by Basic at the login, by Bearer elsewhere."""
        header = arrival.header("Authorization")
        if arrival.path == oauth.PATH:
            return askers.login(con, header)
        return askers.bearer(con, header, now, arrival.correlation)

    def expired(self, org: Org, correlation: str) -> Reply:  # noqa: ARG002 (the same for every org)
        """401 ``bad.credentials``."""
        return Refusal(401, "bad.credentials").reply(correlation)

    def limited(self, org: Org, limit: int, wait: int, correlation: str) -> Reply:  # noqa: ARG002 (the same for every org)
        """429 with the limit's name, and Retry-After in whole seconds, the one signal there is (section 3)."""
        name = {
            "namespace": "platform.api",
            "key": "client.credentials.token.rate.per.minute",
            "value": limit,
        }
        reply = Refusal(429, "too.many.requests", limit, 60, limit=name).reply(correlation)
        reply.headers.append(("Retry-After", str(wait)))
        return reply

    def faulty(self, org: Org | None, fault: Fault, correlation: str) -> Reply:  # noqa: ARG002 (the same for every org)
        """Return the answer of a ``status`` fault."""
        action = fault.action
        status = int(action["status"])
        headers = [("Retry-After", str(action["retry_after"]))] if "retry_after" in action else []
        if "raw" in action:
            return Reply(status, str(action["raw"]).encode(), [("Content-Type", "text/html"), *headers])
        if "body" in action:
            return Reply(status, json.dumps(action["body"]).encode(), [JSON, *headers])
        code = str(action.get("code") or STATUS_CODES.get(status, "internal.server.error"))
        params = ("300", "60") if code == "too.many.requests" and "message" not in action else ()
        refusal = Refusal(status, code, *params, message=str(action.get("message", "")))
        reply = refusal.reply(correlation)
        reply.headers += headers
        return reply

    def handle(self, visit: Visit) -> Reply:
        """Answer the login here, anything else by Flask."""
        arrival, asker = visit.arrival, visit.asker
        content_type = arrival.header("Content-Type")
        if arrival.path == oauth.PATH and arrival.method == "POST":
            answer = oauth.post_token(
                visit.store, visit.clock(), arrival.header("Authorization"), content_type, arrival.data
            )
            return Reply(answer.status, (answer.text or "").encode(), [JSON])
        if asker.org is None:
            return Refusal(401, "authentication.required").reply(arrival.correlation)
        environ = arrival.environ
        environ[CALL] = Call(
            store=visit.store,
            clock=visit.clock,
            org=asker.org,
            client=asker.client,
            permissions=asker.permissions,
            divisions=asker.divisions,
            seq=visit.seq,
            lag=visit.lag,
            correlation=arrival.correlation,
            path=arrival.path,
            raw_path=_raw_path(environ),
            query=Query(parse_qs(arrival.query, keep_blank_values=True)),
            content_type=content_type,
            data=arrival.data,
        )
        response = Response.from_app(self._flask.wsgi_app, environ, buffered=True)
        headers = [(name, value) for name, value in response.headers.items() if name != "Content-Length"]
        return Reply(response.status_code, response.get_data(), headers)

    def finish(self, reply: Reply, correlation: str) -> None:
        """Every answer names its request (section 2)."""
        reply.headers.append(("ININ-Correlation-Id", correlation))
