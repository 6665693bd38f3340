"""Connects to a Dataverse environment: hosts, login, session. Nothing is sent until something is read."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from wrapctl.errors import UsageError
from wrapctl.http.auth import Grant, GrantKeeper
from wrapctl.http.pacing import Pacing
from wrapctl.http.redact import Redactor
from wrapctl.http.session import Session
from wrapctl.http.wire import Transport, Wire, check_base_url, is_loopback
from wrapctl.model import Identity
from wrapctl.targets.dataverse.api import WORKERS, Api
from wrapctl.targets.dataverse.capabilities import CAPABILITIES
from wrapctl.targets.dataverse.options import (
    CREDENTIALS,
    DOMAINS,
    LOGIN,
    DataverseConnection,
    target_options,
)
from wrapctl.targets.dataverse.reader import DataverseReader, Places
from wrapctl.targets.dataverse.writer import DataverseWriter
from wrapctl.targets.embedded import SANDBOX, SANDBOX_URL, Sandbox, embedded
from wrapctl.targets.interface import Capabilities, CrmConnection, Runtime, Target, Traffic

REQUEST_ID = "x-ms-service-request-id"
_ANY_TENANT = "emulated"


class ConnectedDataverse:
    """One connected environment. Reader and writer share the session: token, pace, what was seen."""

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
        """What Dataverse can keep and do."""
        return CAPABILITIES

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._traffic

    def reader(self) -> DataverseReader:
        """A reader; plan has nothing else."""
        return DataverseReader(self._api, self._places, self._identity)

    def writer(self) -> DataverseWriter:
        """A writer; only apply asks for one."""
        return DataverseWriter(self._api, self._places)

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
) -> ConnectedDataverse:
    """Return the environment behind ``crm``; ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the connection makes no sense: no Dataverse host, no tenant, missing credentials.
    """
    del platform  # keeps no rows of ours
    connection = crm.connection
    missing = [name for name in CREDENTIALS if name not in connection.credentials]
    if missing:
        raise UsageError(
            f"{connection.org}: credentials lack {' and '.join(missing)}",
            hint="name them under `credentials` of the connection in org.yaml",
        )
    options, places = _options(crm)
    sandbox: Sandbox | None = None
    if connection.endpoint == SANDBOX:
        api_host = login_host = SANDBOX_URL
        sandbox, transport = embedded(connection, CAPABILITIES.name, transport)
    else:
        api_host = check_base_url(connection.endpoint)
        login_host = _login_host(connection.org, api_host, options)
    traffic, redact = Traffic(), Redactor()
    random = jitter or SystemRandom().random
    login_wire = Wire(login_host, traffic, concurrency=1, request_id_header=REQUEST_ID, transport=transport)
    wire = Wire(api_host, traffic, concurrency=WORKERS, request_id_header=REQUEST_ID, transport=transport)
    # The service protection limits count what is sent to the environment, and the login is elsewhere.
    login = Session(login_wire, runtime, pacing=Pacing(None, runtime.monotonic), redact=redact, jitter=random)
    grant = Grant(
        who=connection.org,
        path=f"/{quote(options.tenant or _ANY_TENANT, safe='')}/oauth2/v2.0/token",
        hint=(
            "check client_id, client_secret and `tenant` of the connection, that the secret has not expired, and that "
            "the app registration is an application user of the environment"
        ),
        form=(("scope", f"{api_host}/.default"),),
    )
    secrets = (connection.credentials["client_id"], connection.credentials["client_secret"])
    session = Session(
        wire,
        runtime,
        pacing=Pacing(connection.requests_per_minute, runtime.monotonic),
        redact=redact,
        jitter=random,
        auth=GrantKeeper(grant, secrets, login, runtime, redact),
    )

    def close() -> None:
        login_wire.close()
        wire.close()
        if sandbox is not None:
            sandbox.close()

    host = urlsplit(api_host).netloc if sandbox is None else connection.org
    identity = Identity(host, host, sandbox=sandbox is not None)
    connected = Api(session, runtime, origin=api_host, page=CAPABILITIES.page)
    return ConnectedDataverse(connected, places, identity, traffic, close)


def _options(crm: CrmConnection) -> tuple[DataverseConnection, Places]:
    """Return what the connection and each mapping say; ``validate`` has said what is wrong with them, and where."""
    try:
        options = DataverseConnection.model_validate(dict(crm.connection.options))
        return options, {place.system: (place, target_options(place.options)) for place in crm.places}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{crm.connection.org}: {where}: {first['msg']}", hint="run `wrapctl validate`"
        ) from None


def _login_host(org: str, api_host: str, options: DataverseConnection) -> str:
    """Return where to log in: with Microsoft, or on this machine where the endpoint is, too.

    Raises:
        UsageError: the endpoint is no environment of Dataverse, or nobody says whose client it is.
    """
    host = urlsplit(api_host).hostname or ""
    if is_loopback(host):
        return api_host
    if not any(host.endswith(f".{domain}") for domain in DOMAINS):
        raise UsageError(
            f"{org}: {host} is not an environment of Dataverse",
            hint=f"tokens go to *.{' and *.'.join(DOMAINS)} only",
        )
    if options.tenant is None:
        raise UsageError(
            f"{org}: the connection does not say its `tenant`",
            hint="write the id of the directory in which the app is registered",
        )
    return options.login or LOGIN
