"""The sandbox on a socket, by waitress, with connections that really break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected
from waitress.server import create_server

from wrapctl.sandbox.faults import ConnectionDropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wrapctl.sandbox.app import App


def make_server(app: App, host: str, port: int) -> Any:
    """Return a server that is bound and waits for ``run()``; port 0 takes a free one (``effective_port``)."""

    def breaking(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except ConnectionDropped as dropped:
            # What waitress makes of a client that went away is what the client shall see: the socket is closed
            # and not one byte is sent, where any other exception would become a 500.
            raise ClientDisconnected(str(dropped)) from dropped

    return create_server(breaking, host=host, port=port, threads=8, ident=None)
