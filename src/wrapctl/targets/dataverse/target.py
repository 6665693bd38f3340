"""Connects to a Dataverse environment: hosts, login, session. Nothing is sent until something is read."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from wrapctl.errors import UsageError
from wrapctl.http.auth import Grant
from wrapctl.http.wire import Transport, is_loopback
from wrapctl.model import Identity
from wrapctl.targets.dataverse.api import WORKERS, Api
from wrapctl.targets.dataverse.capabilities import CAPABILITIES
from wrapctl.targets.dataverse.options import DOMAINS, LOGIN, DataverseConnection, DataverseTarget
from wrapctl.targets.dataverse.reader import DataverseReader, Places
from wrapctl.targets.dataverse.writer import DataverseWriter
from wrapctl.targets.embedded import SANDBOX, SANDBOX_URL
from wrapctl.targets.interface import CrmConnection, Runtime, Target
from wrapctl.targets.shared_rows.connected import Connected
from wrapctl.targets.shared_rows.link import open_link, trusted
from wrapctl.targets.shared_rows.options import parsed

REQUEST_ID = "x-ms-service-request-id"
_ANY_TENANT = "emulated"


def connect(
    crm: CrmConnection,
    runtime: Runtime,
    platform: Target | None = None,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> Connected:
    """Return the environment behind a connection; ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the connection makes no sense: no Dataverse host, no tenant, a missing credential.
    """
    del platform
    connection = crm.connection
    places: Places = {
        place.system: (place, parsed(DataverseTarget, place, CAPABILITIES.name)) for place in crm.places
    }
    try:
        options = DataverseConnection.model_validate(dict(connection.options))
    except ValidationError as error:
        told = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise UsageError(
            f"connection {connection.org}: {told}", hint="`wrapctl validate` says in which file and line"
        ) from None
    emulated = connection.endpoint == SANDBOX
    base = SANDBOX_URL if emulated else trusted(connection, DOMAINS)
    local = emulated or is_loopback(urlsplit(base).hostname or "")
    if options.tenant is None and not local:
        raise UsageError(
            f"connection {connection.org} does not say its `tenant`",
            hint="write the id of the directory in which the app is registered",
        )
    grant = Grant(
        who=f"connection {connection.org}",
        path=f"/{quote(options.tenant or _ANY_TENANT, safe='')}/oauth2/v2.0/token",
        hint=(
            "check client_id, client_secret and `tenant` of the connection, that the secret has not expired, and that "
            "the app registration is an application user of the environment"
        ),
        form=(("scope", f"{base}/.default"),),
    )
    link = open_link(
        connection,
        CAPABILITIES.name,
        runtime,
        login=grant,
        login_base=options.login or LOGIN,
        domains=DOMAINS,
        request_id_header=REQUEST_ID,
        workers=WORKERS,
        transport=transport,
        jitter=jitter,
    )
    name = connection.org if emulated else urlsplit(base).netloc
    connected = Api(link.session, runtime, origin=base, page=CAPABILITIES.page)
    reader = DataverseReader(connected, places, Identity(name, name, sandbox=emulated))
    return Connected(link, CAPABILITIES, reader, lambda: DataverseWriter(connected, places))
