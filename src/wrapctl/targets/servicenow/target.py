"""Connects to a ServiceNow instance: host, login, session. Nothing is sent until something is read."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from urllib.parse import urlsplit

from pydantic import ValidationError

from wrapctl.errors import UsageError
from wrapctl.http.auth import Grant, GrantKeeper
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Auth, Session
from wrapctl.http.wire import Transport, Wire, check_base_url, is_loopback
from wrapctl.model import Identity
from wrapctl.targets.embedded import SANDBOX, SANDBOX_URL, Sandbox, embedded
from wrapctl.targets.interface import Capabilities, Connection, CrmConnection, Runtime, Target, Traffic
from wrapctl.targets.servicenow.api import WORKERS, Api
from wrapctl.targets.servicenow.capabilities import CAPABILITIES
from wrapctl.targets.servicenow.login import BasicLogin
from wrapctl.targets.servicenow.options import (
    CREDENTIALS,
    DOMAINS,
    OPTIONAL_CREDENTIALS,
    ServicenowConnection,
    target_options,
)
from wrapctl.targets.servicenow.reader import Places, ServicenowReader
from wrapctl.targets.servicenow.writer import ServicenowWriter

REQUEST_ID = "X-Transaction-ID"
TOKEN = "/oauth_token.do"  # noqa: S105  (a path of the API, no secret)


class ConnectedServicenow:
    """One connected instance. Reader and writer share the session: token and pace."""

    def __init__(
        self, connected: Api, places: Places, identity: Identity, traffic: Traffic, close: Callable[[], None]
    ) -> None:
        self._api = connected
        self._places = places
        self._identity = identity
        self._traffic = traffic
        self._close = close

    @property
    def capabilities(self) -> Capabilities:
        """What ServiceNow can keep and do."""
        return CAPABILITIES

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._traffic

    def reader(self) -> ServicenowReader:
        """A reader; plan has nothing else."""
        return ServicenowReader(self._api, self._places, self._identity)

    def writer(self) -> ServicenowWriter:
        """A writer; only apply asks for one."""
        return ServicenowWriter(self._api, self._places)

    def close(self) -> None:
        """Give sockets back."""
        self._close()


def connect(
    crm: CrmConnection,
    runtime: Runtime,
    platform: Target,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> ConnectedServicenow:
    """Return the instance behind ``crm``; ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the connection makes no sense: no ServiceNow host, missing credentials.
    """
    del platform  # keeps no rows of ours
    connection = crm.connection
    basic = _is_basic(connection)
    places = _places(crm)
    sandbox: Sandbox | None = None
    if connection.endpoint == SANDBOX:
        host = SANDBOX_URL
        sandbox, transport = embedded(connection, CAPABILITIES.name, transport)
    else:
        host = _host(connection)
    traffic, redact = Traffic(), Redactor()
    random = jitter or SystemRandom().random
    wire = Wire(host, traffic, concurrency=WORKERS, request_id_header=REQUEST_ID, transport=transport)
    login_wire = Wire(host, traffic, concurrency=1, request_id_header=REQUEST_ID, transport=transport)
    pacing = Pacing(connection.requests_per_minute, runtime.monotonic)
    auth: Auth
    if basic:
        user, password = (connection.credentials[name] for name in OPTIONAL_CREDENTIALS)
        auth = BasicLogin((user, password), redact)
    else:
        # The same instance answers the login, and its rate limit rules may count it.
        login = Session(login_wire, runtime, pacing=pacing, redact=redact, jitter=random)
        client, secret = (connection.credentials[name] for name in CREDENTIALS)
        auth = GrantKeeper(_grant(connection.org), (client, secret), login, runtime, redact)
    session = Session(wire, runtime, pacing=pacing, redact=redact, jitter=random, auth=auth)

    def close() -> None:
        login_wire.close()
        wire.close()
        if sandbox is not None:
            sandbox.close()

    name = connection.org if sandbox is not None else urlsplit(host).netloc
    identity = Identity(name, name, sandbox=sandbox is not None)
    columns = {column for _, found in places.values() for column in found.all}
    connected = Api(session, runtime, columns=columns, page=CAPABILITIES.page)
    return ConnectedServicenow(connected, places, identity, traffic, close)


def _grant(who: str) -> Grant:
    return Grant(
        who=who,
        path=TOKEN,
        hint=(
            "check client_id and client_secret of the connection, that the application registry entry is active and "
            "names an application user, and that glide.oauth.inbound.client.credential.grant_type.enabled is true"
        ),
    )


def _is_basic(connection: Connection) -> bool:
    """Whether to log in by name and password.

    Raises:
        UsageError: neither login has all that it needs.
    """
    given = connection.credentials
    needed = OPTIONAL_CREDENTIALS if any(name in given for name in OPTIONAL_CREDENTIALS) else CREDENTIALS
    missing = [name for name in needed if name not in given]
    if missing:
        raise UsageError(
            f"{connection.org}: credentials lack {' and '.join(missing)}",
            hint="name client_id and client_secret (OAuth), or username and password (Basic), under `credentials` of the "
            "connection in org.yaml",
        )
    return needed is OPTIONAL_CREDENTIALS


def _places(crm: CrmConnection) -> Places:
    """Return what each mapping says; ``validate`` has said what is wrong with it, and where."""
    try:
        ServicenowConnection.model_validate(dict(crm.connection.options))
        return {place.system: (place, target_options(place.options).columns) for place in crm.places}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{crm.connection.org}: {where}: {first['msg']}", hint="run `wrapctl validate`"
        ) from None


def _host(connection: Connection) -> str:
    base = check_base_url(connection.endpoint)
    host = urlsplit(base).hostname or ""
    if not is_loopback(host) and not any(host.endswith(f".{domain}") for domain in DOMAINS):
        raise UsageError(
            f"{connection.org}: {host} is not an instance of ServiceNow",
            hint=f"secrets go to *.{' and *.'.join(DOMAINS)} only: write https://<instance>.{DOMAINS[0]}",
        )
    return base
