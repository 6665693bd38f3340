"""A small receiver, for trying it out: takes events, believes only those that are signed and fresh, each once."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from wrapctl.notify.signature import KEY, NotSigned, verify

MOST_BYTES: Final = 1024 * 1024
_REMEMBERED: Final = 100_000
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request. ``status`` is what was answered; ``why`` it was not believed, or nothing.

    ``again``: it was here before, and is not told twice. ``body`` is what came, None where nothing was read.
    """

    status: int
    key: str = ""
    signed: bool = False
    again: bool = False
    why: str = ""
    body: Any = None


class Listener:
    """Decides about requests; needs no socket. Thread-safe. ``now`` is the wall clock in seconds."""

    def __init__(self, secret: str, now: Callable[[], float]) -> None:
        self._secret = secret
        self._now = now
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def receive(self, headers: dict[str, str], body: bytes) -> Received:
        """Return what to answer, and what came. ``headers`` have lower-case names."""
        key = headers.get(KEY, "")
        if self._secret:
            try:
                signed = verify(self._secret, headers, body, self._now())
            except NotSigned as error:
                return Received(HTTPStatus.UNAUTHORIZED, key, why=str(error))
            if key and key != signed:
                return Received(HTTPStatus.BAD_REQUEST, key, why=f"{KEY} is not the id that was signed")
            key = signed
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return Received(HTTPStatus.BAD_REQUEST, key, why="the body is not JSON")
        again = bool(key) and self._before(key)
        return Received(HTTPStatus.NO_CONTENT, key, bool(self._secret), again, body=found)

    def _before(self, key: str) -> bool:
        with self._lock:
            if key in self._seen:
                return True
            self._seen[key] = None
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return False


def make_server(
    listener: Listener, tell: Callable[[Received], None], host: str, port: int
) -> ThreadingHTTPServer:
    """Return a server that is bound and waits for ``serve_forever()``; port 0 takes a free one (``server_port``)."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not (length.isascii() and length.isdigit()):
                self._answer(Received(HTTPStatus.LENGTH_REQUIRED, why="it does not say how long it is"))
            elif len(length) > 9 or int(length) > MOST_BYTES:
                self._answer(Received(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why="it is too large"))
            else:
                body = self.rfile.read(int(length))
                names = {name.lower(): value for name, value in self.headers.items()}
                self._answer(listener.receive(names, body))

        def _answer(self, received: Received) -> None:
            tell(received)
            text = received.why.encode()
            self.send_response(received.status)
            if received.status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
            if received.body is None:
                # What was not read, or not believed, shall not be taken for the next request.
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if received.status != HTTPStatus.NO_CONTENT:
                self.wfile.write(text)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  (its name in http.server)
            """Say nothing: ``tell`` does."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server
