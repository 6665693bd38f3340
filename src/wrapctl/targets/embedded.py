"""The sandbox as the endpoint of a target: the same for every platform, imported only when an org names it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from wrapctl.errors import UsageError
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.http.wire import Transport
from wrapctl.targets.interface import Connection

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SANDBOX = "sandbox"
SANDBOX_URL = "http://api.sandbox.invalid"
"""Stands for the sandbox's host; nothing is sent there."""


class Sandbox(Protocol):
    """What is needed of ``wrapctl.sandbox.Sandbox``, which brings Flask."""

    @property
    def wsgi(self) -> WSGIApplication:
        """The platforms as one WSGI app."""
        ...

    def ensure(self, name: str, platform: str = "") -> object:
        """The org, made when it is not there."""
        ...

    def close(self) -> None:
        """Close its database."""
        ...


def embedded(connection: Connection, platform: str, transport: Transport | None) -> tuple[Sandbox, Transport]:
    """Return the sandbox with the org of ``connection`` in it, and how requests reach it.

    Raises:
        UsageError: the sandbox holds an org of that name on another platform.
    """
    module = import_module("wrapctl.sandbox")
    sandbox: Sandbox = module.Sandbox(connection.sandbox_dir)
    try:
        sandbox.ensure(connection.org, platform)
    except ValueError as error:
        sandbox.close()
        hint = "delete `.wrapctl/sandbox`, or choose another name"
        raise UsageError(str(error), hint=hint) from None
    dropped: type[Exception] = module.ConnectionDropped
    return sandbox, transport or EmbeddedTransport(sandbox.wsgi, dropped=(dropped,))
