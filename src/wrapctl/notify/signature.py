"""Signatures of events, as Standard Webhooks have them: HMAC-SHA256 over id, timestamp and body. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: ``webhook-id``,
``webhook-timestamp`` (seconds) and ``webhook-signature`` (``v1,<base64>``, several separated by spaces). A secret
that starts with ``whsec_`` is base64 behind that; any other is taken byte by byte.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
KEY: Final = "idempotency-key"
TOLERANCE: Final = 300.0
"""Seconds by which a sender's clock and a receiver's may differ."""
_ENCODED: Final = "whsec_"
_VERSION: Final = "v1"


class NotSigned(Exception):
    """An event that must not be believed. ``stale``: the signature may be right, the time is not."""

    def __init__(self, why: str, *, stale: bool = False) -> None:
        super().__init__(why)
        self.stale = stale


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        ValueError: it says that it is base64 and is not.
    """
    if not secret.startswith(_ENCODED):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(_ENCODED), validate=True)
    except Error:
        raise ValueError(f"a secret that starts with {_ENCODED} goes on in base64") from None


def sign(secret: str, event: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body, as it stands in its header."""
    signed = b".".join((event.encode(), str(timestamp).encode(), body))
    return f"{_VERSION},{b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode('ascii')}"


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Return the id of an event that is signed with ``secret`` and fresh. ``headers`` have lower-case names.

    Raises:
        NotSigned: it is not, or a header is missing.
    """
    event, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not event or not headers.get(SIGNATURE):
        raise NotSigned(f"{ID} or {SIGNATURE} is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise NotSigned(f"{TIMESTAMP} is no number of seconds")
    wanted = sign(secret, event, int(timestamp), body).encode()
    given = headers[SIGNATURE].split(" ")
    # All of them, so that the time that it takes says nothing; a sender that changes its secret sends two.
    right = [hmac.compare_digest(wanted, one.encode("utf-8", "replace")) for one in given]
    if not any(right):
        raise NotSigned("the signature is wrong: another secret, or the body was changed")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise NotSigned(f"the timestamp is {abs(now - int(timestamp)):.0f} s away from now", stale=True)
    return event
