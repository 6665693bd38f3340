"""Record ids: 15 characters whose case counts, and 3 more that hold it for those who lose it."""

from __future__ import annotations

from hashlib import sha256
from uuid import uuid4

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# The first three characters name the kind of record; 5a5a marks what is no real one.
ORGANIZATION, USER, ROW, CURSOR = "00D5a5a", "0055a5a", "a005a5a", "0r85a5a"


def record_id(kind: str, seed: str = "") -> str:
    """Return an id of 18 characters; the same one for the same seed, a new one without."""
    number = int.from_bytes(sha256((seed or uuid4().hex).encode()).digest()[:12], "big")
    text = kind
    while len(text) < 15:
        number, digit = divmod(number, len(ALPHABET))
        text += ALPHABET[digit]
    return whole(text)


def whole(text: str) -> str:
    """Return an id of 18 characters for one of 15; anything else as it is."""
    if len(text) != 15:
        return text
    parts = (text[:5], text[5:10], text[10:])
    return text + "".join(
        CHECK[sum(1 << at for at, char in enumerate(part) if char in ALPHABET[10:36])] for part in parts
    )
