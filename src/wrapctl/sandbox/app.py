"""The WSGI app: a gate that knows who asks, counts, logs and breaks things on demand, and Flask behind it.

The gate is outside Flask because a fault may be that no answer comes at all.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from dataclasses import dataclass
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from uuid import uuid4

from flask import Flask, Response, request

from wrapctl.sandbox import faults
from wrapctl.sandbox.control import Control
from wrapctl.sandbox.faults import ConnectionDropped, Fault
from wrapctl.sandbox.genesys import ROUTES, askers, edits, oauth, permissions
from wrapctl.sandbox.genesys.call import Answer, Call
from wrapctl.sandbox.genesys.errors import STATUS_CODES, Refusal
from wrapctl.sandbox.genesys.paging import Query
from wrapctl.sandbox.objects import Actor, OrgTx, dumps
from wrapctl.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from wrapctl.sandbox.genesys import Route
    from wrapctl.sandbox.genesys.askers import Asker

CALL = "wrapctl.sandbox.call"


@dataclass(slots=True)
class _Reply:
    status: int
    text: bytes
    headers: list[tuple[str, str]]


def _flask() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = (
        True  # a mistake of the sandbox must not pass for a 500 of the platform
    )

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
        )
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


class App:
    """The sandbox as a WSGI callable. In: the store, and a clock in seconds that tests may turn."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.clock = clock
        self._flask = _flask()
        self._control = Control(store, clock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, or raise ConnectionDropped where a fault says so."""
        method = str(environ["REQUEST_METHOD"])
        path = str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace")
        query = str(environ.get("QUERY_STRING", ""))
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path.startswith("/sandbox/"):
            answer = self._control.answer(method, path, query, environ.get("CONTENT_TYPE", ""), data)
            reply = _Reply(
                answer.status, (answer.text or "").encode(), [("Content-Type", "application/json")]
            )
        else:
            reply = self._served(environ, method, path, query, data)
        if not any(name.lower() == "content-length" for name, _ in reply.headers):
            reply.headers.append(("Content-Length", str(len(reply.text))))
        start_response(f"{reply.status} {responses.get(reply.status, 'Unknown')}", reply.headers)
        return [reply.text]

    def _served(self, environ: dict[str, Any], method: str, path: str, query: str, data: bytes) -> _Reply:
        correlation = str(uuid4())
        asker, fired, seq = self._arrive(environ, method, path, query, correlation)
        org = asker.org.name if asker.org else ""

        def log(status: int) -> None:
            with self.store.write() as con:
                con.execute(
                    "insert into requests (org, client, method, path, query, status, correlation)"
                    " values (?, ?, ?, ?, ?, ?, ?)",
                    (org, asker.client, method, path, query, status, correlation),
                )

        reply: _Reply | None = None
        for fault in fired:
            if fault.do == "exit" and fault.action.get("when", "before") == "before":
                log(0)
                os._exit(137)
            if fault.do == "drop":
                log(0)
                raise ConnectionDropped(processed=False)
            if fault.do == "status" and not fault.action.get("after"):
                reply = _faulty(fault, correlation)
                break
        if reply is None:
            reply = self._processed(environ, asker, fired, seq, correlation, path, query, data)
            reply = self._after(fired, reply, correlation, log)
        reply.headers.append(("ININ-Correlation-Id", correlation))
        log(reply.status)
        return reply

    def _arrive(
        self, environ: dict[str, Any], method: str, path: str, query: str, correlation: str
    ) -> tuple[Asker, list[Fault], int]:
        """Take a request in: who asks, its number in the org, and what goes wrong with it. One transaction."""
        header = str(environ.get("HTTP_AUTHORIZATION", ""))
        with self.store.write() as con:
            now = self.clock()
            asker = askers.login(con, header) if path == oauth.PATH else askers.bearer(con, header, now)
            seq = 0
            if asker.org:
                sql = "update counters set seq = seq + 1 where org = ? returning seq"
                seq = con.execute(sql, (asker.org.name,)).fetchone()[0]
            fired = faults.fire(con, asker.org.name if asker.org else "", method, path, query)
            for fault in fired:
                if fault.do == "edit" and asker.org:
                    tx = OrgTx(
                        con,
                        asker.org,
                        seq=seq,
                        actor=Actor("user", ""),
                        clock=self.clock,
                        correlation=correlation,
                    )
                    edits.perform(tx, dict(fault.action["edit"]))
                if fault.do == "expire-token":
                    con.execute("delete from tokens where token = ?", (asker.token,))
                    asker.refusal = Refusal(401, "bad.credentials")
            if asker.token and asker.org and asker.refusal is None:
                limits = [fault.action["per_minute"] for fault in fired if fault.do == "rate-limit"]
                limit = min([*limits, asker.org.settings.rate_limit or math.inf])
                asker.refusal = askers.limited(con, asker.token, now, limit)
        return asker, fired, seq

    def _processed(
        self,
        environ: dict[str, Any],
        asker: Asker,
        fired: list[Fault],
        seq: int,
        correlation: str,
        path: str,
        query: str,
        data: bytes,
    ) -> _Reply:
        content_type = str(environ.get("CONTENT_TYPE", ""))
        if path == oauth.PATH and environ["REQUEST_METHOD"] == "POST":
            answer = oauth.post_token(
                self.store, self.clock(), str(environ.get("HTTP_AUTHORIZATION", "")), content_type, data
            )
            return _Reply(answer.status, (answer.text or "").encode(), [("Content-Type", "application/json")])
        refusal = asker.refusal
        if refusal is not None or asker.org is None:
            return _refused(
                refusal or Refusal(401, "authentication.required"), correlation, self._retry(asker)
            )
        lags = [int(fault.action["requests"]) for fault in fired if fault.do == "lag"]
        environ[CALL] = Call(
            store=self.store,
            clock=self.clock,
            org=asker.org,
            client=asker.client,
            permissions=asker.permissions,
            divisions=asker.divisions,
            seq=seq,
            lag=lags[-1] if lags else asker.org.settings.lag,
            correlation=correlation,
            path=path,
            query=Query(parse_qs(query, keep_blank_values=True)),
            content_type=content_type,
            data=data,
        )
        response = Response.from_app(self._flask.wsgi_app, environ, buffered=True)
        headers = [(name, value) for name, value in response.headers.items() if name != "Content-Length"]
        return _Reply(response.status_code, response.get_data(), headers)

    def _retry(self, asker: Asker) -> list[tuple[str, str]]:
        """The one signal of a 429: Retry-After in whole seconds (section 3)."""
        if asker.refusal is None or asker.refusal.status != 429:
            return []
        with self.store.read() as con:
            window = con.execute("select window from tokens where token = ?", (asker.token,)).fetchone()[0]
        return [("Retry-After", str(max(1, math.ceil(window + 60 - self.clock()))))]

    @staticmethod
    def _after(fired: list[Fault], reply: _Reply, correlation: str, log: Callable[[int], None]) -> _Reply:
        for fault in fired:
            if fault.do == "exit" and fault.action.get("when") == "after":
                log(reply.status)
                os._exit(137)
            if fault.do == "lose-answer":
                log(reply.status)
                raise ConnectionDropped(processed=True)
            if fault.do == "status" and fault.action.get("after"):
                return _faulty(fault, correlation)
            if fault.do == "truncate":
                whole = reply.text
                # Characters may be longer than a byte: a cut inside one is as likely as any other.
                reply.text = whole[: int(len(whole) * float(fault.action.get("at", 0.5)))]
                if fault.action.get("length", "cut") == "full":
                    reply.headers.append(("Content-Length", str(len(whole))))
        return reply


def _refused(refusal: Refusal, correlation: str, headers: list[tuple[str, str]]) -> _Reply:
    text = dumps(refusal.body(correlation)).encode()
    return _Reply(refusal.status, text, [("Content-Type", "application/json"), *headers])


def _faulty(fault: Fault, correlation: str) -> _Reply:
    """Return the answer of a ``status`` fault: the platform's error body unless the fault brings its own."""
    action = fault.action
    status = int(action["status"])
    headers = [("Content-Type", "application/json")]
    if "retry_after" in action:
        headers.append(("Retry-After", str(action["retry_after"])))
    if "raw" in action:
        return _Reply(status, str(action["raw"]).encode(), [("Content-Type", "text/html"), *headers[1:]])
    if "body" in action:
        return _Reply(status, json.dumps(action["body"]).encode(), headers)
    code = str(action.get("code") or STATUS_CODES.get(status, "internal.server.error"))
    params = ("300", "60") if code == "too.many.requests" and "message" not in action else ()
    refusal = Refusal(status, code, *params, message=str(action.get("message", "")))
    return _refused(refusal, correlation, headers[1:])


def create_app(state_dir: Path, clock: Callable[[], float] = time.time) -> App:
    """Return the WSGI app over a state folder; what is served there is seeded elsewhere."""
    return App(Store(state_dir), clock)


def serve(state_dir: Path, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve the sandbox until interrupted."""
    from wrapctl.sandbox.server import make_server  # noqa: PLC0415 (waitress is needed for this alone)

    make_server(create_app(state_dir), host, port).run()
