"""Logins (contract section 1): by access key, by registered client and access key, and by refresh token."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from wrapctl.sandbox.cxone.errors import answer
from wrapctl.sandbox.cxone.tx import settings_of
from wrapctl.sandbox.objects import dumps, load_org

if TYPE_CHECKING:
    import sqlite3

    from wrapctl.sandbox.front import Arrival, Reply, Visit
    from wrapctl.sandbox.objects import Json, Org

ACCESS_KEY = "/authentication/v1/token/access-key"
TOKEN = "/auth/token"  # noqa: S105 (the path of the login)
REFRESH = "/public/user/refresh"
PATHS = frozenset({ACCESS_KEY, TOKEN, REFRESH})
# The refresh token of the legacy service lives as long; that of the current one was not found.
REFRESH_SECONDS = 7200


def given(arrival: Arrival) -> Json:
    """Return the members of a login's body, JSON or form; an empty object when it is neither."""
    content_type = arrival.header("Content-Type").partition(";")[0].strip().lower()
    try:
        if content_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(arrival.data.decode(), keep_blank_values=True))
        parsed: Any = json.loads(arrival.data) if content_type == "application/json" else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def key_of(con: sqlite3.Connection, arrival: Arrival) -> str:
    """Return the id of the access key that a login is about, whether or not its secret is right."""
    body = given(arrival)
    refresh = body.get("token" if arrival.path == REFRESH else "refresh_token")
    if arrival.path != ACCESS_KEY and refresh is not None:
        row = con.execute("select client from refresh_tokens where token = ?", (str(refresh),)).fetchone()
        return str(row[0]) if row else ""
    return str(body.get("accessKeyId" if arrival.path == ACCESS_KEY else "username", ""))


def org_of(con: sqlite3.Connection, key: str) -> Org | None:
    """Return the tenant of an access key."""
    row = con.execute("select org from clients where id = ?", (key,)).fetchone()
    org = load_org(con, row[0]) if row else None
    return org if org is not None and org.platform == "cxone" else None


def login(visit: Visit) -> Reply:
    """Answer one of the three logins."""
    match visit.arrival.path:
        case path if path == ACCESS_KEY:
            return _by_access_key(visit)
        case path if path == TOKEN:
            return _by_grant(visit)
        case _:
            return _refresh_user(visit)


def _right(con: sqlite3.Connection, key: str, secret: object) -> bool:
    row = con.execute("select secret from clients where id = ?", (key,)).fetchone()
    return row is not None and hmac.compare_digest(str(row[0]).encode(), str(secret).encode())


def _by_access_key(visit: Visit) -> Reply:
    body, org = given(visit.arrival), visit.asker.org
    key, secret = body.get("accessKeyId"), body.get("accessKeySecret")
    if not isinstance(key, str) or not isinstance(secret, str):
        return answer(None, 400, "Invalid input")
    with visit.store.write() as con:
        if org is None or not _right(con, key, secret):
            return answer(None, 401, "Unauthorized")
        minted = _mint(con, visit, org, key)
    seconds = minted["expires_in"]
    if settings_of(org).expires_in == "string":
        minted["expires_in"] = str(seconds)
    return answer(minted | {"refresh_token_expires_in": REFRESH_SECONDS})


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client, secret


def _told(status: int, error: str, text: str) -> Reply:
    return answer({"error": error, "errorDescription": text}, status, text)


def _by_grant(visit: Visit) -> Reply:
    """POST /auth/token: the client stands in the form, or in an HTTP Basic header beside a JSON body."""
    body, org = given(visit.arrival), visit.asker.org
    grant = body.get("grant_type")
    if grant not in {"password", "refresh_token"}:
        return _told(400, "unsupported_grant_type", "The grant type is not supported.")
    client, secret = _basic(visit.arrival.header("Authorization"))
    if not client:
        client, secret = str(body.get("client_id", "")), str(body.get("client_secret", ""))
    applications = {one["client_id"]: one["client_secret"] for one in org.doc["applications"]} if org else {}
    known = hmac.compare_digest(str(applications.get(client, "")).encode(), secret.encode())
    # A refresh needs the client's id alone.
    if client not in applications or (not known and grant == "password"):
        return _told(401, "invalid_client", "The client is not registered or its secret is wrong.")
    with visit.store.write() as con:
        if grant == "password":
            key = str(body.get("username", ""))
            if org is None or not _right(con, key, body.get("password", "")):
                return _told(401, "invalid_grant", "The access key is unknown or its secret is wrong.")
        else:
            key = _spend(con, str(body.get("refresh_token", "")), visit.clock())
            if org is None or not key:
                return _told(401, "invalid_grant", "The refresh token is invalid or has expired.")
        return answer(_mint(con, visit, org, key))


def _refresh_user(visit: Visit) -> Reply:
    """POST /public/user/refresh: the answer has other names."""
    with visit.store.write() as con:
        key = _spend(con, str(given(visit.arrival).get("token", "")), visit.clock())
        if visit.asker.org is None or not key:
            return answer(None, 401, "Unauthorized")
        minted = _mint(con, visit, visit.asker.org, key)
    return answer(
        {
            "token": minted["access_token"],
            "tokenExpirationTimeSec": minted["expires_in"],
            "refreshToken": minted["refresh_token"],
            "refreshTokenExpirationTimeSec": REFRESH_SECONDS,
            "sessionId": None,
        }
    )


def _spend(con: sqlite3.Connection, refresh: str, now: float) -> str:
    """Return the access key of a refresh token, which is good for one use; empty when it is not valid."""
    row = con.execute("select client, expires from refresh_tokens where token = ?", (refresh,)).fetchone()
    con.execute("delete from refresh_tokens where token = ?", (refresh,))
    return str(row[0]) if row and row[1] > now else ""


def _mint(con: sqlite3.Connection, visit: Visit, org: Org, key: str) -> Json:
    now, seconds = visit.clock(), org.settings.token_seconds
    token, refresh = token_urlsafe(32), token_urlsafe(32)
    for table in ("tokens", "refresh_tokens"):
        con.execute(f"delete from {table} where expires < ?", (now,))  # noqa: S608 (table names are constants)
    for table, text, ends in (
        ("tokens", token, now + seconds),
        ("refresh_tokens", refresh, now + REFRESH_SECONDS),
    ):
        con.execute(
            f"insert into {table} (token, client, org, expires) values (?, ?, ?, ?)",  # noqa: S608 (table names are constants)
            (text, key, org.name, ends),
        )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "refresh_token": refresh,
        "expires_in": seconds,
        "id_token": _id_token(org, key, int(now), seconds),
    }


def _id_token(org: Org, key: str, now: int, seconds: int) -> str:
    """Return a JWT with the claims that tell the tenant; its signature is none."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    claims: Json = {"iss": "sandbox", "sub": key, "iat": now, "exp": now + seconds, "tenantId": org.id}
    claims |= {"tenant": org.doc["businessUnitName"], "icBUId": org.doc["businessUnitId"]}
    claims["icClusterId"] = org.doc["cluster"]
    head = {"alg": "RS256", "typ": "JWT", "kid": "sandbox"}
    return ".".join([part(dumps(head).encode()), part(dumps(claims).encode()), part(b"no signature")])
