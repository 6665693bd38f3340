"""Logins of CXone as generators that need no socket (contract section 1), and what a token says about the tenant.

A token is minted anew a few minutes early and once after a 401: the refresh endpoints of the two methods differ, and
how long a refresh token lives is not known.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from wrapctl.errors import PlatformAnswer, Unauthorized
from wrapctl.http.auth import Ask, Flow, Token
from wrapctl.http.wire import Call, Reply
from wrapctl.targets.cxone.convert import whole

ACCESS_KEY = "/authentication/v1/token/access-key"
GRANT = "/auth/token"
_EARLY = 300.0
_SHORTEST = 300.0


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The access key of a user."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return "AccessKey(***)"


@dataclass(frozen=True, slots=True)
class Application:
    """An application that is registered with NICE."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return "Application(***)"


def by_access_key(org: str, key: AccessKey) -> Flow:
    """Log in with nothing but an access key.

    Raises:
        Unauthorized: the login was refused; the message names the org, never the secret.
    """
    body = json.dumps({"accessKeyId": key.id, "accessKeySecret": key.secret}).encode()
    reply = yield Ask(Call("POST", ACCESS_KEY, body=body, repeatable=True), "")
    return _token(org, reply, "access_key_id and access_key_secret")


def by_application(org: str, application: Application, key: AccessKey) -> Flow:
    """Log in with a registered application and the access key of a user (password grant, form body).

    Raises:
        Unauthorized: the login was refused; the message names the org, never a secret.
    """
    form = urlencode(
        {
            "grant_type": "password",
            "username": key.id,
            "password": key.secret,
            "client_id": application.id,
            "client_secret": application.secret,
        }
    )
    call = Call(
        "POST",
        GRANT,
        body=form.encode(),
        content_type="application/x-www-form-urlencoded",
        repeatable=True,
    )
    reply = yield Ask(call, "")
    return _token(org, reply, "client_id, client_secret, access_key_id and access_key_secret")


def claims_of(token: str) -> Mapping[str, object]:
    """Return what a JWT says, unverified: a hint where the tenant is, checked against what the API says itself."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(org: str, reply: Reply | PlatformAnswer | None, which: str) -> Token:
    hint = (
        f"check the {which} that wrapups/{org}/org.yaml refers to, that the user of the key is active, and that the "
        "org's region is the tenant's area"
    )
    if isinstance(reply, PlatformAnswer):
        raise Unauthorized(replace(reply, operation=f"login of {org}"), hint=hint)
    if reply is None:
        raise TypeError("a login request was not answered")
    body = reply.value if isinstance(reply.value, dict) else {}
    value = body.get("access_token")
    if not (isinstance(value, str) and value.isascii() and value.isprintable() and value.strip()):
        answer = PlatformAnswer(f"login of {org}", reply.status, message="the answer holds no access token")
        raise Unauthorized(answer, hint=hint)
    # A number in one method, text in the other.
    seconds = float(whole(body.get("expires_in")) or _SHORTEST)
    claims: dict[str, object] = {}
    for name in ("access_token", "id_token"):
        claims |= claims_of(str(body.get(name) or ""))
    return Token(value, max(seconds - _EARLY, seconds / 2), claims)
