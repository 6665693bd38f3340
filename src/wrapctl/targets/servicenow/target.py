"""Connects to a ServiceNow instance: host, login, session. Nothing is sent until something is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from wrapctl.errors import UsageError
from wrapctl.http.auth import Grant
from wrapctl.http.wire import Transport
from wrapctl.model import Identity
from wrapctl.targets.embedded import SANDBOX
from wrapctl.targets.interface import Connection, CrmConnection, Runtime, Target
from wrapctl.targets.servicenow.api import WORKERS, Api
from wrapctl.targets.servicenow.capabilities import CAPABILITIES
from wrapctl.targets.servicenow.login import BasicLogin
from wrapctl.targets.servicenow.options import CREDENTIALS, DOMAINS, OPTIONAL_CREDENTIALS, ServicenowTarget
from wrapctl.targets.servicenow.reader import Places, ServicenowReader
from wrapctl.targets.servicenow.writer import ServicenowWriter
from wrapctl.targets.shared_rows.connected import Connected
from wrapctl.targets.shared_rows.link import open_link
from wrapctl.targets.shared_rows.options import parsed

REQUEST_ID = "X-Transaction-ID"
TOKEN = "/oauth_token.do"  # noqa: S105  (a path of the API, no secret)


def connect(
    crm: CrmConnection,
    runtime: Runtime,
    platform: Target | None = None,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> Connected:
    """Return the instance behind a connection; ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the connection makes no sense: no ServiceNow host, a missing credential.
    """
    del platform
    connection = crm.connection
    places: Places = {
        place.system: (place, parsed(ServicenowTarget, place, CAPABILITIES.name).columns)
        for place in crm.places
    }
    grant = Grant(
        who=f"connection {connection.org}",
        path=TOKEN,
        hint=(
            "check client_id and client_secret of the connection, that the application registry entry is active and "
            "names an application user, and that glide.oauth.inbound.client.credential.grant_type.enabled is true"
        ),
    )
    link = open_link(
        connection,
        CAPABILITIES.name,
        runtime,
        login=grant,
        own_login=_basic(connection),
        domains=DOMAINS,
        request_id_header=REQUEST_ID,
        workers=WORKERS,
        transport=transport,
        jitter=jitter,
    )
    emulated = connection.endpoint == SANDBOX
    name = connection.org if emulated else urlsplit(connection.endpoint).netloc
    columns = {column for _, found in places.values() for column in found.all}
    connected = Api(link.session, runtime, columns=columns, page=CAPABILITIES.page)
    reader = ServicenowReader(connected, places, Identity(name, name, sandbox=emulated))
    return Connected(link, CAPABILITIES, reader, lambda: ServicenowWriter(connected, places))


def _basic(connection: Connection) -> Callable[..., BasicLogin] | None:
    """Return what logs in by name and password, None where an OAuth client does.

    Raises:
        UsageError: neither has all that it needs.
    """
    given = connection.credentials
    needed = OPTIONAL_CREDENTIALS if any(name in given for name in OPTIONAL_CREDENTIALS) else CREDENTIALS
    if missing := [name for name in needed if name not in given]:
        raise UsageError(
            f"connection {connection.org}: credentials lack {' and '.join(missing)}",
            hint="name client_id and client_secret (OAuth), or username and password (Basic), under `connections` in the "
            "org's org.yaml",
        )
    if needed is CREDENTIALS:
        return None
    username, password = (given[name] for name in OPTIONAL_CREDENTIALS)
    return partial(BasicLogin, (username, password))
