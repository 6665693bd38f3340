"""The login host's one endpoint (contract section 1): client credentials for a token."""

from __future__ import annotations

import base64
import binascii
import hmac
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.objects import dumps, load_org

if TYPE_CHECKING:
    from wrapctl.sandbox.store import Store

PATH = "/oauth/token"


def basic(header: str) -> tuple[str, str]:
    """Return client id and secret of an HTTP Basic header, or two empty texts."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client), unquote_plus(secret)


def _refused(status: int, error: str, description: str) -> Answer:
    return Answer(dumps({"error": error, "error_description": description}), status)


def post_token(store: Store, now: float, authorization: str, content_type: str, data: bytes) -> Answer:
    """POST /oauth/token with ``grant_type=client_credentials``; refusals are ``error``, ``error_description``."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return _refused(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
    grant = parse_qs(data.decode("latin-1")).get("grant_type", [""])[0]
    if grant != "client_credentials":
        return _refused(400, "unsupported_grant_type", "grant_type must be client_credentials")
    client, secret = basic(authorization)
    with store.write() as con:
        row = con.execute("select org, secret from clients where id = ?", (client,)).fetchone()
        if row is None or not hmac.compare_digest(row[1].encode(), secret.encode()):
            return _refused(401, "invalid_client", "client not found or secret is wrong")
        org = load_org(con, row[0])
        if org.platform != "genesys":
            return _refused(401, "invalid_client", "client not found or secret is wrong")
        seconds = org.settings.token_seconds
        token = token_urlsafe(32)
        con.execute("delete from tokens where expires < ?", (now,))
        con.execute(
            "insert into tokens (token, client, org, expires) values (?, ?, ?, ?)",
            (token, client, row[0], now + seconds),
        )
    return Answer(dumps({"access_token": token, "token_type": "bearer", "expires_in": seconds}))
