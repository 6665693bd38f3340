"""Who asks: the OAuth client behind a request, and why it may be refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wrapctl.sandbox.front import Asker
from wrapctl.sandbox.genesys import oauth
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.objects import load_org

if TYPE_CHECKING:
    import sqlite3


def login(con: sqlite3.Connection, header: str) -> Asker:
    """Return whose login this is, whether or not the secret is right."""
    client, _ = oauth.basic(header)
    row = con.execute("select org from clients where id = ?", (client,)).fetchone()
    return Asker(org=load_org(con, row[0]), client=client) if row else Asker()


def bearer(con: sqlite3.Connection, header: str, now: float, correlation: str) -> Asker:
    """Return whose token this is: 401 ``authentication.required`` without one, ``bad.credentials`` when not valid."""
    refused = Refusal(401, "bad.credentials").reply(correlation)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return Asker(refusal=Refusal(401, "authentication.required").reply(correlation))
    row = con.execute(
        "select t.org, t.client, t.expires, c.permissions, c.divisions from tokens t"
        " join clients c on c.id = t.client where t.token = ?",
        (token,),
    ).fetchone()
    if row is None or load_org(con, row[0]).platform != "genesys":
        return Asker(refusal=refused)
    org, client, expires, held, divisions = row
    seen = json.loads(divisions)
    return Asker(
        org=load_org(con, org),
        client=client,
        permissions=frozenset(json.loads(held)),
        divisions=None if seen == "*" else tuple(seen),
        token=token,
        refusal=refused if expires <= now else None,
    )
