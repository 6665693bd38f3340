"""The sandbox on a socket, by waitress, with connections that really break."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import ClientDisconnected
from waitress.server import create_server

from wrapctl.sandbox.faults import ConnectionDropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WsgiApp = Any  # what waitress takes: any WSGI callable


def make_server(app: WsgiApp, host: str, port: int) -> Any:
    """Return a server that is bound and waits for ``run()``; port 0 takes a free one (``effective_port``)."""

    def breaking(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            answer: Iterable[bytes] = app(environ, start_response)
        except ConnectionDropped as dropped:
            # What waitress makes of a client that went away is what the client shall see: the socket is closed
            # and not one byte is sent, where any other exception would become a 500.
            raise ClientDisconnected(str(dropped)) from dropped
        return answer

    return create_server(breaking, host=host, port=port, threads=8, ident=None)


@contextmanager
def serving(app: WsgiApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve in a thread for the length of a ``with``, and give the port."""
    server = make_server(app, host, port)
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        # In the loop's own thread, since it must not find its sockets closed while it waits for them; but for
        # the server with its trigger, whose other end is in use here. The loop ends with nothing to wait for.
        waited: dict[int, Any] = server._map  # noqa: SLF001 (waitress has no public way to stop)

        def stop() -> None:
            open_channels = dict(server.active_channels)
            waited.clear()
            wasyncore.close_all(open_channels, ignore_all=True)

        server.trigger.pull_trigger(stop)
        thread.join(10)
        server.task_dispatcher.shutdown()
        server.close()
