"""Connects to an HTTP endpoint: login, session, how each system's rows lie. Nothing is sent until it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import ValidationError

from wrapctl.errors import UsageError
from wrapctl.http.auth import Grant
from wrapctl.http.wire import Transport, check_base_url
from wrapctl.targets.embedded import SANDBOX
from wrapctl.targets.http_rows.api import Api
from wrapctl.targets.http_rows.capabilities import CAPABILITIES, abilities
from wrapctl.targets.http_rows.convert import layout
from wrapctl.targets.http_rows.options import TOKEN_PATH, HttpConnection, HttpTarget
from wrapctl.targets.http_rows.reader import HttpReader
from wrapctl.targets.http_rows.writer import HttpWriter
from wrapctl.targets.interface import Connection, CrmConnection, Runtime, Target
from wrapctl.targets.shared_rows.connected import Connected
from wrapctl.targets.shared_rows.keys import overlapping
from wrapctl.targets.shared_rows.link import open_link
from wrapctl.targets.shared_rows.options import parsed

REQUEST_ID = "X-Request-Id"
"""What most servers and gateways call it; where there is none, nothing is lost."""

SANDBOX_TOKEN_PATH = "/crm/oauth/token"  # noqa: S105 (a path, no secret)


def connect(
    crm: CrmConnection,
    runtime: Runtime,
    platform: Target | None = None,
    *,
    transport: Transport | None = None,
    jitter: Callable[[], float] | None = None,
    clock: Callable[[], datetime] | None = None,
    nonce: str = "",
) -> Connected:
    """Return the endpoint behind a connection; ``transport``, ``jitter``, ``clock`` and ``nonce`` are for tests.

    Raises:
        UsageError: the connection makes no sense: a missing credential, plain http, options that contradict.
    """
    del platform
    connection = crm.connection
    layouts = {place.system: layout(place, parsed(HttpTarget, place, "http")) for place in crm.places}
    for path in {where.options.path for where in layouts.values()}:
        prefixes = {s: where.prefix for s, where in layouts.items() if where.options.path == path}
        if pair := overlapping(prefixes):
            raise UsageError(
                f"connection {connection.org}: the rows of {pair[0]} would be taken for those of {pair[1]}",
                hint="give each its own `target.prefix`, or another `target.path`",
            )
    login, login_base = _login(connection)
    link = open_link(
        connection,
        CAPABILITIES.name,
        runtime,
        login=login,
        login_base=login_base,
        request_id_header=REQUEST_ID,
        transport=transport,
        jitter=jitter,
    )
    api = Api(link.session, runtime)
    writer = HttpWriter(
        api,
        layouts,
        clock=clock or (lambda: datetime.now(UTC)),
        # Secret enough that no other run has it: a key that was used is answered from memory.
        nonce=nonce or token_hex(16),
    )
    systems = {system: abilities(where.options, where.members) for system, where in layouts.items()}
    capabilities = replace(CAPABILITIES, systems=MappingProxyType(systems))
    reader = HttpReader(api, layouts, sandbox=connection.endpoint == SANDBOX)
    return Connected(link, capabilities, reader, lambda: writer)


def _login(connection: Connection) -> tuple[Grant | None, str]:
    """How a token is got, and where; None where one is given."""
    try:
        options = HttpConnection.model_validate(dict(connection.options))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
        )
        raise UsageError(
            f"connection {connection.org}: its options are wrong: {told}",
            hint="`wrapctl validate` says in which file and line",
        ) from None
    if "token" in connection.credentials:
        return None, ""
    path, base = TOKEN_PATH, ""
    if connection.endpoint == SANDBOX:
        path = SANDBOX_TOKEN_PATH
    elif options.token_url is not None:
        parts = urlsplit(options.token_url)
        base, path = check_base_url(f"{parts.scheme}://{parts.netloc}"), parts.path
    grant = Grant(
        f"connection {connection.org}",
        path,
        "check the connection's client_id, client_secret, token_url and scope",
        form=(("scope", options.scope),) if options.scope else (),
        basic=options.login == "basic",
    )
    return grant, base
