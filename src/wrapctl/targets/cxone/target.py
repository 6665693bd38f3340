"""Connects to a CXone tenant: which login, which hosts. Nothing is sent until something is read."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom

from wrapctl.errors import UsageError
from wrapctl.http.auth import Flow
from wrapctl.http.redact import Redactor
from wrapctl.http.wire import Transport
from wrapctl.targets.cxone.api import Api
from wrapctl.targets.cxone.capabilities import CAPABILITIES
from wrapctl.targets.cxone.door import Door, Hosts, hosts
from wrapctl.targets.cxone.evidence import CxoneEvidence
from wrapctl.targets.cxone.login import AccessKey, Application, by_access_key, by_application
from wrapctl.targets.cxone.options import CREDENTIALS, OPTIONAL_CREDENTIALS, org_options
from wrapctl.targets.cxone.reader import CxoneReader
from wrapctl.targets.cxone.writer import CxoneWriter
from wrapctl.targets.embedded import SANDBOX, SANDBOX_URL, Sandbox, embedded
from wrapctl.targets.interface import Capabilities, Connection, Runtime, Traffic


class CxoneTarget:
    """One connected tenant. Reader and writer share the session: token, pace, what was seen."""

    def __init__(
        self, connected: Api, traffic: Traffic, close: Callable[[], None], *, assigns: bool = True
    ) -> None:
        self._api = connected
        self._traffic = traffic
        self._close = close
        self._assigns = assigns

    @property
    def capabilities(self) -> Capabilities:
        """What NICE CXone can hold and do."""
        return CAPABILITIES

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._traffic

    def reader(self) -> CxoneReader:
        """A reader; plan has nothing else."""
        return CxoneReader(self._api)

    def writer(self) -> CxoneWriter:
        """A writer; only apply asks for one."""
        return CxoneWriter(self._api, CxoneReader(self._api), assigns=self._assigns)

    def evidence(self) -> CxoneEvidence:
        """The histories of the tenant's dispositions."""
        return CxoneEvidence(self._api)

    def close(self) -> None:
        """Give sockets back."""
        self._close()


def connect(
    connection: Connection,
    runtime: Runtime,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> CxoneTarget:
    """Return the tenant behind ``connection``; ``transport`` and ``jitter`` are for tests.

    With ``client_id`` and ``client_secret`` the login is that of the registered application, without them that of
    the access key alone (contract section 1).

    Raises:
        UsageError: the connection makes no sense: unknown area, a foreign host, missing credentials.
    """
    given = connection.credentials
    needed = CREDENTIALS
    if any(name in given for name in OPTIONAL_CREDENTIALS):
        needed += OPTIONAL_CREDENTIALS
    if missing := [name for name in needed if name not in given]:
        raise UsageError(
            f"{connection.org}: credentials lack {' and '.join(missing)}",
            hint=f"name them under `credentials` in wrapups/{connection.org}/org.yaml",
        )
    options = org_options(connection.options)
    registered = needed != CREDENTIALS
    sandbox: Sandbox | None = None
    endpoint = connection.endpoint
    if endpoint == SANDBOX:
        sandbox, transport = embedded(connection, CAPABILITIES.name, transport)
        found = Hosts(SANDBOX_URL)
    else:
        found = hosts(endpoint, connection.region, registered=registered, login=options.auth_endpoint)
    traffic, redact = Traffic(), Redactor()

    def start() -> Flow:
        key = AccessKey(given["access_key_id"](), given["access_key_secret"]())
        redact.add(key.secret)
        if not registered:
            return by_access_key(connection.org, key)
        application = Application(given["client_id"](), given["client_secret"]())
        redact.add(application.secret)
        return by_application(connection.org, application, key)

    door = Door(
        connection.org,
        found,
        start,
        runtime,
        traffic=traffic,
        redact=redact,
        jitter=jitter or SystemRandom().random,
        per_minute=connection.requests_per_minute,
        transport=transport,
    )

    def close() -> None:
        door.close()
        if sandbox is not None:
            sandbox.close()

    api = Api(door.session, runtime, version=options.api_version, page=CAPABILITIES.page)
    return CxoneTarget(api, traffic, close, assigns=options.assignments == "write")
