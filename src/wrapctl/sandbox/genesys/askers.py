"""Who asks: the OAuth client behind a request, its minute's budget, and why it may be refused."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys import oauth
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.objects import Org, load_org

if TYPE_CHECKING:
    import sqlite3


@dataclass(slots=True)
class Asker:
    """Who asks: the org and client, as far as the request tells, or why not."""

    org: Org | None = None
    client: str = ""
    permissions: frozenset[str] = frozenset()
    divisions: tuple[str, ...] | None = ()
    token: str = ""
    refusal: Refusal | None = None


def login(con: sqlite3.Connection, header: str) -> Asker:
    """Return whose login this is, whether or not the secret is right."""
    client, _ = oauth.basic(header)
    row = con.execute("select org from clients where id = ?", (client,)).fetchone()
    return Asker(org=load_org(con, row[0]), client=client) if row else Asker()


def bearer(con: sqlite3.Connection, header: str, now: float) -> Asker:
    """Return whose token this is: 401 ``authentication.required`` without one, ``bad.credentials`` when not valid."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return Asker(refusal=Refusal(401, "authentication.required"))
    row = con.execute(
        "select t.org, t.client, t.expires, c.permissions, c.divisions from tokens t"
        " join clients c on c.id = t.client where t.token = ?",
        (token,),
    ).fetchone()
    if row is None:
        return Asker(refusal=Refusal(401, "bad.credentials"))
    org, client, expires, held, divisions = row
    seen = json.loads(divisions)
    return Asker(
        org=load_org(con, org),
        client=client,
        permissions=frozenset(json.loads(held)),
        divisions=None if seen == "*" else tuple(seen),
        token=token,
        refusal=Refusal(401, "bad.credentials") if expires <= now else None,
    )


def limited(con: sqlite3.Connection, token: str, now: float, limit: float) -> Refusal | None:
    """Count a request of a token in its minute; beyond the limit it is refused, with the limit's name."""
    if limit == math.inf:
        return None
    used = con.execute(
        "update tokens set used = case when ? - window >= 60 then 1 else used + 1 end,"
        " window = case when ? - window >= 60 then ? else window end where token = ? returning used",
        (now, now, now, token),
    ).fetchone()[0]
    if used <= limit:
        return None
    name = {
        "namespace": "platform.api",
        "key": "client.credentials.token.rate.per.minute",
        "value": int(limit),
    }
    return Refusal(429, "too.many.requests", int(limit), 60, limit=name)
