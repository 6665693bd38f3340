"""Connects to a Genesys Cloud org: hosts, login, session. Nothing is sent until something is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from random import SystemRandom
from urllib.parse import urlsplit

from wrapctl.errors import UsageError
from wrapctl.http.auth import ClientCredentials
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Session
from wrapctl.http.wire import Transport, Wire, check_base_url, is_loopback
from wrapctl.targets.embedded import SANDBOX, SANDBOX_URL, Sandbox, embedded
from wrapctl.targets.genesys.api import WORKERS, Api
from wrapctl.targets.genesys.capabilities import CAPABILITIES
from wrapctl.targets.genesys.evidence import GenesysEvidence
from wrapctl.targets.genesys.options import CREDENTIALS, REGIONS
from wrapctl.targets.genesys.reader import GenesysReader
from wrapctl.targets.genesys.writer import GenesysWriter
from wrapctl.targets.interface import Capabilities, Connection, Runtime, Traffic

REQUEST_ID = "ININ-Correlation-Id"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the API and the login are."""

    api: str
    login: str


def hosts(endpoint: str, region: str) -> Hosts:
    """Return the hosts of an org (contract section 1): by region, or by a URL where one is given.

    Raises:
        UsageError: there is no such region, or the URL may not be used.
    """
    if endpoint:
        base = check_base_url(endpoint)
        parts = urlsplit(base)
        if is_loopback(parts.hostname or "") or not parts.netloc.startswith("api."):
            return Hosts(base, base)
        return Hosts(base, f"{parts.scheme}://login.{parts.netloc.removeprefix('api.')}")
    domain = REGIONS.get(region)
    if domain is None:
        near = get_close_matches(region, REGIONS, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"use one of: {', '.join(REGIONS)}"
        raise UsageError(f'Genesys Cloud has no region "{region}"', hint=hint)
    return Hosts(f"https://api.{domain}", f"https://login.{domain}")


class GenesysTarget:
    """One connected org. Reader and writer share the session: token, pace, what was seen."""

    def __init__(
        self, connected: Api, traffic: Traffic, close: Callable[[], None], *, client: Callable[[], str]
    ) -> None:
        self._api = connected
        self._client = client
        self._traffic = traffic
        self._close = close

    @property
    def capabilities(self) -> Capabilities:
        """What Genesys Cloud can hold and do."""
        return CAPABILITIES

    @property
    def api(self) -> Api:
        """The operations, for what keeps its rows inside of this org: one token, one pace."""
        return self._api

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._traffic

    def reader(self) -> GenesysReader:
        """A reader; plan has nothing else."""
        return GenesysReader(self._api)

    def writer(self) -> GenesysWriter:
        """A writer; only apply asks for one."""
        return GenesysWriter(self._api, GenesysReader(self._api))

    def evidence(self) -> GenesysEvidence:
        """The org's audit trail."""
        return GenesysEvidence(self._api, self._client)

    def close(self) -> None:
        """Give sockets back."""
        self._close()


def connect(
    connection: Connection,
    runtime: Runtime,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> GenesysTarget:
    """Return the org behind ``connection``; ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the connection makes no sense: unknown region, plain http, missing credentials.
    """
    missing = [name for name in CREDENTIALS if name not in connection.credentials]
    if missing:
        raise UsageError(
            f"{connection.org}: credentials lack {' and '.join(missing)}",
            hint=f"name them under `credentials` in wrapups/{connection.org}/org.yaml",
        )
    sandbox: Sandbox | None = None
    if connection.endpoint == SANDBOX:
        found = Hosts(SANDBOX_URL, SANDBOX_URL)
        sandbox, transport = embedded(connection, CAPABILITIES.name, transport)
    else:
        found = hosts(connection.endpoint, connection.region)
    traffic = Traffic()
    redact = Redactor()
    random = jitter or SystemRandom().random
    login_wire = Wire(found.login, traffic, concurrency=1, request_id_header=REQUEST_ID, transport=transport)
    wire = Wire(found.api, traffic, concurrency=WORKERS, request_id_header=REQUEST_ID, transport=transport)
    # The limit counts per token (section 3), so logins are outside of it.
    login = Session(login_wire, runtime, pacing=Pacing(None, runtime.monotonic), redact=redact, jitter=random)
    secrets = (connection.credentials["client_id"], connection.credentials["client_secret"])
    session = Session(
        wire,
        runtime,
        pacing=Pacing(connection.requests_per_minute, runtime.monotonic),
        redact=redact,
        jitter=random,
        auth=ClientCredentials(connection.org, secrets, login, runtime, redact),
    )

    def close() -> None:
        login_wire.close()
        wire.close()
        if sandbox is not None:
            sandbox.close()

    api = Api(session, runtime, page=CAPABILITIES.page)
    return GenesysTarget(api, traffic, close, client=connection.credentials["client_id"])
