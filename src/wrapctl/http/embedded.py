"""Calls a WSGI app in this process instead of a host: no socket, no port, nothing listens.

httpx has such a transport; it decodes a path twice (so that names with ``%`` or umlauts change) and takes a body
that is shorter than its Content-Length for success. Both would hide exactly what a sandbox is for.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import httpx

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class EmbeddedTransport(httpx.BaseTransport):
    """Sends requests to ``app``. ``dropped``: the exceptions with which the app plays a lost connection."""

    def __init__(self, app: WSGIApplication, *, dropped: tuple[type[Exception], ...] = ()) -> None:
        self._app = app
        self._dropped = dropped

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Call the app.

        Raises:
            httpx.ReadError: the app dropped the connection before it answered.
        """
        started: list[tuple[int, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            del exc_info
            started[:] = [(int(status.split(" ", 1)[0]), headers)]
            return written.append

        try:
            chunks = self._app(_environ(request), start_response)
            body = _Body(chunks, written, self._dropped)
            body.begin()
        except self._dropped as error:
            raise httpx.ReadError(str(error) or "connection dropped", request=request) from None
        if not started:
            raise httpx.RemoteProtocolError("the app did not start a response", request=request)
        status, headers = started[0]
        body.expect(headers, request)
        return httpx.Response(status, headers=headers, stream=body)


class _Body(httpx.SyncByteStream):
    """The app's chunks, with the length checked against what was announced."""

    def __init__(
        self, chunks: Iterable[bytes], written: list[bytes], dropped: tuple[type[Exception], ...]
    ) -> None:
        self._source = chunks
        self._chunks = iter(chunks)
        self._first = written
        self._dropped = dropped
        self._request: httpx.Request | None = None
        self._announced: int | None = None

    def begin(self) -> None:
        """Take the first chunk: an app may start its response as late as that."""
        self._first.extend(chunk for chunk in (next(self._chunks, b""),) if chunk)

    def expect(self, headers: list[tuple[str, str]], request: httpx.Request) -> None:
        self._request = request
        for name, value in headers:
            if name.lower() == "content-length" and request.method != "HEAD":
                self._announced = int(value)

    def __iter__(self) -> Iterator[bytes]:
        got = 0
        try:
            for chunk in (*self._first, *self._chunks):
                got += len(chunk)
                yield chunk
        except self._dropped as error:
            raise httpx.ReadError(str(error) or "connection dropped", request=self._request) from None
        if self._announced is not None and got != self._announced:
            raise httpx.RemoteProtocolError(
                f"the body was cut: {got} bytes came, {self._announced} were announced", request=self._request
            )

    def close(self) -> None:
        close = getattr(self._source, "close", None)
        if close is not None:
            close()


def _environ(request: httpx.Request) -> dict[str, object]:
    path, _, query = request.url.raw_path.partition(b"?")
    body = request.read()
    environ: dict[str, object] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # PEP 3333: the percent-decoded bytes, as latin-1 text.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("ascii"),
        "REQUEST_URI": request.url.raw_path.decode("ascii"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or (443 if request.url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("ascii").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name == "CONTENT_TYPE":
            environ[name] = value
        elif name != "CONTENT_LENGTH":
            environ[f"HTTP_{name}"] = value
    return environ
