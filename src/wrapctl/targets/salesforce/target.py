"""Connects to a Salesforce org: login, session, how each system's rows lie. Nothing is sent until it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from types import MappingProxyType

from pydantic import ValidationError

from wrapctl.errors import UsageError
from wrapctl.http.auth import Grant
from wrapctl.http.wire import Transport
from wrapctl.model import Verb
from wrapctl.rows import FROM_CRM
from wrapctl.targets.embedded import SANDBOX
from wrapctl.targets.interface import Capabilities, CrmConnection, Runtime, Target
from wrapctl.targets.salesforce.api import Api
from wrapctl.targets.salesforce.capabilities import CAPABILITIES
from wrapctl.targets.salesforce.convert import Layout, layout
from wrapctl.targets.salesforce.options import DOMAINS, SalesforceConnection, SalesforceTarget
from wrapctl.targets.salesforce.reader import SalesforceReader
from wrapctl.targets.salesforce.writer import SalesforceWriter
from wrapctl.targets.shared_rows.connected import Connected
from wrapctl.targets.shared_rows.keys import overlapping
from wrapctl.targets.shared_rows.link import open_link
from wrapctl.targets.shared_rows.options import parsed

LOGIN = "/services/oauth2/token"


def abilities(where: Layout) -> Capabilities:
    """Return what one system's place can keep and do: what it keeps no field for, it cannot."""
    verbs = dict(CAPABILITIES.verbs)
    directions = CAPABILITIES.directions
    if "active" not in where.columns:
        del verbs[Verb.DEACTIVATE_ROW]
    if not {"status", "when"} & where.columns.keys():
        directions -= {FROM_CRM}
    lands = {name: CAPABILITIES.row_fields[name] for name in ("key",)}
    lands |= {name: f"`{column}`" for name, column in where.columns.items()}
    return replace(
        CAPABILITIES,
        verbs=MappingProxyType(verbs),
        directions=directions,
        row_fields=MappingProxyType(lands),
    )


def connect(
    crm: CrmConnection,
    runtime: Runtime,
    platform: Target | None = None,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
) -> Connected:
    """Return the org behind a connection; ``transport`` and ``jitter`` are for tests.

    Raises:
        UsageError: the connection makes no sense: a missing credential, a foreign host, options that contradict.
    """
    del platform
    connection = crm.connection
    layouts = {
        place.system: layout(place, parsed(SalesforceTarget, place, "salesforce")) for place in crm.places
    }
    for table in {where.table.lower() for where in layouts.values()}:
        prefixes = {s: where.prefix for s, where in layouts.items() if where.table.lower() == table}
        if pair := overlapping(prefixes):
            raise UsageError(
                f"connection {connection.org}: the rows of {pair[0]} would be taken for those of {pair[1]}",
                hint="give each its own `target.prefix`, or another object",
            )
    try:
        options = SalesforceConnection.model_validate(dict(connection.options))
    except ValidationError:
        # `validate` has said it with file and line.
        options = SalesforceConnection()
    login = Grant(
        f"connection {connection.org}",
        LOGIN,
        "check the connection's client_id and client_secret, that the app allows the client credentials flow and "
        "has a run-as user, and that the endpoint is the org's My Domain host",
        # The answer never says how long a session lasts: it lasts until a 401.
        unsaid=inf,
    )
    link = open_link(
        connection,
        CAPABILITIES.name,
        runtime,
        login=login,
        domains=DOMAINS,
        transport=transport,
        jitter=jitter,
    )
    api = Api(link.session, runtime, version=options.api_version)
    reader = SalesforceReader(api, layouts, sandbox=connection.endpoint == SANDBOX)
    systems = MappingProxyType({system: abilities(where) for system, where in layouts.items()})
    capabilities = replace(CAPABILITIES, systems=systems)
    return Connected(link, capabilities, reader, lambda: SalesforceWriter(api, layouts, reader))
