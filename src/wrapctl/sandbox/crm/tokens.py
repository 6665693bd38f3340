"""What the logins of all CRMs share: clients and secrets, forms, HTTP Basic, and tokens that are kept."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from wrapctl.sandbox.objects import load_org

if TYPE_CHECKING:
    import sqlite3

    from wrapctl.sandbox.front import Arrival, Visit
    from wrapctl.sandbox.objects import Org

FOREVER = float(1 << 62)


def form(arrival: Arrival) -> dict[str, str]:
    """Return the members of a form; nothing when the body is none."""
    kind = arrival.header("Content-Type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(arrival.data.decode("utf-8", "replace"), keep_blank_values=True))


def basic(header: str) -> tuple[str, str]:
    """Return name and secret of an HTTP Basic header, or two empty texts."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def org_of(con: sqlite3.Connection, client: str, platform: str) -> Org | None:
    """Return the instance of a client, when it is of that platform."""
    row = con.execute("select org from clients where id = ?", (client,)).fetchone()
    org = load_org(con, row[0]) if row else None
    return org if org is not None and org.platform == platform else None


def right(con: sqlite3.Connection, client: str, secret: str) -> bool:
    """Whether a client has that secret."""
    row = con.execute("select secret from clients where id = ?", (client,)).fetchone()
    return row is not None and hmac.compare_digest(str(row[0]).encode(), secret.encode())


def keep(con: sqlite3.Connection, visit: Visit, org: Org, client: str, token: str) -> int:
    """Keep a new token; return for how many seconds it is good."""
    now, seconds = visit.clock(), org.settings.token_seconds
    con.execute("delete from tokens where expires < ?", (now,))
    sql = "insert into tokens (token, client, org, expires) values (?, ?, ?, ?)"
    con.execute(sql, (token, client, org.name, now + seconds))
    return seconds


def standing(con: sqlite3.Connection, org: Org, client: str) -> str:
    """Return a token for a client that logs in with each request, so that its requests are counted."""
    token = f"standing:{client}"
    sql = "insert or ignore into tokens (token, client, org, expires) values (?, ?, ?, ?)"
    con.execute(sql, (token, client, org.name, FOREVER))
    return token
