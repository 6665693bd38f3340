"""The WSGI app: a gate that knows who asks, counts, logs and breaks things on demand, and the platforms behind it.

The gate is outside of them because a fault may be that no answer comes at all.
"""

from __future__ import annotations

import math
import os
import time
from http.client import responses
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from wrapctl.sandbox import faults, platforms
from wrapctl.sandbox.control import Control
from wrapctl.sandbox.crm.fronts import crm_fronts
from wrapctl.sandbox.cxone.front import CxoneFront
from wrapctl.sandbox.faults import ConnectionDropped, Fault
from wrapctl.sandbox.front import Arrival, Reply, Visit, over_limit
from wrapctl.sandbox.genesys.front import GenesysFront
from wrapctl.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from wrapctl.sandbox.front import Asker, Front


class App:
    """The sandbox as a WSGI callable. In: the store, and a clock in seconds that tests may turn."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.clock = clock
        # Genesys last: it owns what nobody else does.
        self._fronts: tuple[Front, ...] = (CxoneFront(), *crm_fronts(), GenesysFront())
        self._control = Control(store, clock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, or raise ConnectionDropped where a fault says so."""
        method = str(environ["REQUEST_METHOD"])
        path = str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace")
        query = str(environ.get("QUERY_STRING", ""))
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path.startswith("/sandbox/"):
            answer = self._control.answer(method, path, query, environ.get("CONTENT_TYPE", ""), data)
            reply = Reply(answer.status, (answer.text or "").encode(), [("Content-Type", "application/json")])
        else:
            reply = self._served(Arrival(environ, method, path, query, data, str(uuid4())))
        if not any(name.lower() == "content-length" for name, _ in reply.headers):
            reply.headers.append(("Content-Length", str(len(reply.text))))
        start_response(f"{reply.status} {responses.get(reply.status, 'Unknown')}", reply.headers)
        return [reply.text]

    def _served(self, arrival: Arrival) -> Reply:
        front = next(front for front in self._fronts if front.owns(arrival.path))
        asker, fired, seq = self._arrive(front, arrival)
        org = asker.org.name if asker.org else ""

        def log(status: int) -> None:
            with self.store.write() as con:
                con.execute(
                    "insert into requests (org, client, method, path, query, status, correlation)"
                    " values (?, ?, ?, ?, ?, ?, ?)",
                    (
                        org,
                        asker.client,
                        arrival.method,
                        arrival.path,
                        arrival.query,
                        status,
                        arrival.correlation,
                    ),
                )

        reply: Reply | None = None
        for fault in fired:
            if fault.do == "exit" and fault.action.get("when", "before") == "before":
                log(0)
                os._exit(137)
            if fault.do == "drop":
                log(0)
                raise ConnectionDropped(processed=False)
            if fault.do == "status" and not fault.action.get("after"):
                reply = front.faulty(asker.org, fault, arrival.correlation)
                break
        if reply is None:
            reply = asker.refusal or front.handle(self._visit(arrival, asker, fired, seq))
            reply = self._after(front, asker, fired, reply, arrival.correlation, log)
        front.finish(reply, arrival.correlation)
        log(reply.status)
        return reply

    def _arrive(self, front: Front, arrival: Arrival) -> tuple[Asker, list[Fault], int]:
        """Take a request in: who asks, its number in the org, and what goes wrong with it. One transaction."""
        with self.store.write() as con:
            now = self.clock()
            asker = front.asker(con, arrival, now)
            seq = 0
            if asker.org:
                sql = "update counters set seq = seq + 1 where org = ? returning seq"
                seq = con.execute(sql, (asker.org.name,)).fetchone()[0]
            name = asker.org.name if asker.org else ""
            fired = faults.fire(con, name, arrival.method, arrival.path, arrival.query)
            for fault in fired:
                if fault.do == "edit" and asker.org:
                    platforms.perform(
                        con,
                        asker.org,
                        dict(fault.action["edit"]),
                        seq=seq,
                        clock=self.clock,
                        correlation=arrival.correlation,
                    )
                if fault.do == "expire-token" and asker.org:
                    con.execute("delete from tokens where token = ?", (asker.token,))
                    asker.refusal = front.expired(asker.org, arrival.correlation)
            if asker.token and asker.org and asker.refusal is None:
                limits = [fault.action["per_minute"] for fault in fired if fault.do == "rate-limit"]
                limit = min([*limits, asker.org.settings.rate_limit or math.inf])
                left = over_limit(con, asker.token, now, limit)
                if left is not None:
                    wait = max(1, math.ceil(left))
                    asker.refusal = front.limited(asker.org, int(limit), wait, arrival.correlation)
        return asker, fired, seq

    def _visit(self, arrival: Arrival, asker: Asker, fired: list[Fault], seq: int) -> Visit:
        lags = [int(fault.action["requests"]) for fault in fired if fault.do == "lag"]
        lag = lags[-1] if lags else asker.org.settings.lag if asker.org else 0
        return Visit(self.store, self.clock, arrival, asker, seq, lag)

    @staticmethod
    def _after(
        front: Front,
        asker: Asker,
        fired: list[Fault],
        reply: Reply,
        correlation: str,
        log: Callable[[int], None],
    ) -> Reply:
        for fault in fired:
            if fault.do == "exit" and fault.action.get("when") == "after":
                log(reply.status)
                os._exit(137)
            if fault.do == "lose-answer":
                log(reply.status)
                raise ConnectionDropped(processed=True)
            if fault.do == "status" and fault.action.get("after"):
                return front.faulty(asker.org, fault, correlation)
            if fault.do == "truncate":
                whole = reply.text
                # Characters may be longer than a byte: a cut inside one is as likely as any other.
                reply.text = whole[: int(len(whole) * float(fault.action.get("at", 0.5)))]
                if fault.action.get("length", "cut") == "full":
                    reply.headers.append(("Content-Length", str(len(whole))))
        return reply


def create_app(state_dir: Path, clock: Callable[[], float] = time.time) -> App:
    """Return the WSGI app over a state folder; what is served there is seeded elsewhere."""
    return App(Store(state_dir), clock)


def serve(state_dir: Path, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve the sandbox until interrupted."""
    from wrapctl.sandbox.server import make_server  # noqa: PLC0415 (waitress is needed for this alone)

    make_server(create_app(state_dir), host, port).run()
