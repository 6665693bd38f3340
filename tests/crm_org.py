"""A small CRM on the sandbox, a target connected to it, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from genesys_org import Clock
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.model import Value
from wrapctl.rows import Place
from wrapctl.sandbox import ConnectionDropped, Sandbox
from wrapctl.targets.interface import Connection, CrmConnection, Target

OWNER = "acme"
Connect = Callable[..., Target]


class CrmOrg:
    """One instance of a CRM on a sandbox (``acme.crm``), and its systems on one connection.

    ``connect`` is the target's own, ``kind`` the name of the target and of its emulation, ``systems`` maps each
    system to the options of its mapping's target as ``Place`` carries them, ``options`` are the connection's.
    """

    def __init__(
        self,
        folder: Path,
        connect: Connect,
        kind: str,
        systems: Mapping[str, Mapping[str, Value]],
        *,
        options: Mapping[str, object] | None = None,
        more: Mapping[str, Any] | None = None,
        **seed: Any,
    ) -> None:
        self.name = f"{OWNER}.crm"
        self.folder = folder
        self.clock = Clock()
        self.sandbox = Sandbox(folder, clock=lambda: self.clock.now)
        self.sandbox.seed_org({"name": self.name, "platform": kind, **seed})
        self._connect = connect
        self._kind = kind
        self._places = tuple(Place(system, OWNER, dict(given)) for system, given in systems.items())
        self._options = dict(options or {})
        self._more = dict(more or {})
        self.target = self.connect()

    def connect(
        self,
        client: str = "",
        *,
        secret: str = "sandbox",
        credentials: Mapping[str, str] | None = None,
        app: Any = None,
    ) -> Target:
        given = credentials or {"client_id": client or f"sandbox-{self.name}", "client_secret": secret}
        secrets = {name: (lambda text=text: text) for name, text in given.items()}
        connection = Connection(
            self.name, "sandbox", "", secrets, self.folder, requests_per_minute=100_000, options=self._options
        )
        # Its own sandbox object, so that both sides live by the same clock.
        transport = EmbeddedTransport(app or self.sandbox.wsgi, dropped=(ConnectionDropped,))
        crm = CrmConnection(self._kind, connection, self._places)
        return self._connect(
            crm, self.clock.runtime, None, transport=transport, jitter=lambda: 0.0, **self._more
        )

    def close(self) -> None:
        self.target.close()
        self.sandbox.close()

    # What is really there.

    @property
    def rows(self) -> dict[str, Any]:
        """The rows as the CRM holds them, by id."""
        return dict(self.sandbox.state(self.name)["rows"])

    def edit(self, op: str, **edit: Any) -> None:
        """Somebody edits, a little later than everything before."""
        self.clock.now += 2
        self.sandbox.edit(self.name, {"op": op, **edit})
        self.clock.now += 2

    def fault(self, do: str, **rule: Any) -> None:
        self.sandbox.add_fault(do, **rule)

    def sent(self, method: str = "", path: str = "") -> list[str]:
        """``METHOD path?query`` of the requests that the CRM saw."""
        return [
            f"{r.method} {r.path}{'?' if r.query else ''}{r.query}"
            for r in self.sandbox.requests(self.name)
            if method in r.method and path in r.path
        ]
