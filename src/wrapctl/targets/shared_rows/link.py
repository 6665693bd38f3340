"""The way to a CRM connection: hosts, login, session, or the embedded sandbox. Nothing is sent until it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from urllib.parse import urlsplit

from wrapctl.errors import UsageError
from wrapctl.http.auth import FixedToken, Grant, GrantKeeper
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Auth, Session
from wrapctl.http.wire import Transport, Wire, check_base_url, is_loopback
from wrapctl.targets.embedded import SANDBOX, SANDBOX_URL, Sandbox, embedded
from wrapctl.targets.interface import Connection, Runtime, Traffic

WORKERS = 4
"""Requests in flight to one connection: CRM systems bound concurrent calls of a client more tightly than their rate."""


@dataclass(frozen=True, slots=True)
class Link:
    """An open way: who speaks, what was counted, what gives the sockets back."""

    session: Session
    redact: Redactor
    traffic: Traffic
    close: Callable[[], None]


def open_link(
    connection: Connection,
    kind: str,
    runtime: Runtime,
    *,
    login: Grant | None,
    login_base: str = "",
    own_login: Callable[[Redactor], Auth] | None = None,
    domains: tuple[str, ...] = (),
    request_id_header: str = "",
    workers: int = WORKERS,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> Link:
    """Return the way to ``connection``; ``kind`` names the emulation that ``endpoint: sandbox`` means.

    ``login`` is the grant by which the credentials ``client_id`` and ``client_secret`` become a token, at
    ``login_base`` where that is another host; without one the credential ``token`` is sent as it is. ``own_login``
    makes an authorization of the system's own instead, from credentials that it has looked at itself. ``domains``
    are where tokens may go (any host when empty).

    Raises:
        UsageError: the connection makes no sense: a credential is missing, or the URL may not be used.
    """
    needed: tuple[str, ...] = ("client_id", "client_secret") if login is not None else ("token",)
    needed = needed if own_login is None else ()
    if missing := [name for name in needed if name not in connection.credentials]:
        raise UsageError(
            f"connection {connection.org}: credentials lack {' and '.join(missing)}",
            hint="name them under `connections` in the org's org.yaml",
        )
    sandbox: Sandbox | None = None
    if connection.endpoint == SANDBOX:
        base = login_base = SANDBOX_URL
        sandbox, transport = embedded(connection, kind, transport)
    else:
        base = trusted(connection, domains)
        # An emulation on this machine plays the login host, too.
        login_base = base if not login_base or is_loopback(urlsplit(base).hostname or "") else login_base
    traffic, redact = Traffic(), Redactor()
    random = jitter or SystemRandom().random
    wires = [
        Wire(base, traffic, concurrency=workers, request_id_header=request_id_header, transport=transport)
    ]
    auth: Auth
    if own_login is not None:
        auth = own_login(redact)
    elif login is None:
        auth = FixedToken(connection.credentials["token"], redact)
    else:
        wires.append(Wire(login_base, traffic, concurrency=1, transport=transport))
        # Logins count against no limit of the API.
        free = Pacing(None, runtime.monotonic)
        asks = Session(wires[1], runtime, pacing=free, redact=redact, jitter=random)
        secrets = (connection.credentials["client_id"], connection.credentials["client_secret"])
        auth = GrantKeeper(login, secrets, asks, runtime, redact)
    pacing = Pacing(connection.requests_per_minute, runtime.monotonic)
    session = Session(wires[0], runtime, pacing=pacing, redact=redact, jitter=random, auth=auth)

    def close() -> None:
        for wire in wires:
            wire.close()
        if sandbox is not None:
            sandbox.close()

    return Link(session, redact, traffic, close)


def trusted(connection: Connection, domains: tuple[str, ...]) -> str:
    """Return the checked base URL of a connection.

    Raises:
        UsageError: it is none, or credentials would leave the hosts of the system.
    """
    base = check_base_url(connection.endpoint)
    host = urlsplit(base).hostname or ""
    if domains and not is_loopback(host) and not any(host == d or host.endswith(f".{d}") for d in domains):
        raise UsageError(
            f"connection {connection.org}: credentials never go to {host}",
            hint=f"the endpoint is a host of *.{' or *.'.join(domains)}",
        )
    return base
