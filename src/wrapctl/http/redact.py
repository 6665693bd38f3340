"""Keeps secrets out of everything that a person or a log may read."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Anything shorter is no secret, and masking it would tear ordinary words apart."""

_HEADERS = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}")


class Redactor:
    """Replaces known secrets in text by ``***``, and whatever looks like an Authorization header."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()

    def add(self, secret: str) -> None:
        """Remember a secret, in the spellings in which a server might echo it."""
        if len(secret) >= SHORTEST:
            self._secrets |= {secret, quote(secret, safe=""), quote_plus(secret)}

    def __call__(self, text: str) -> str:
        """Return ``text`` without any secret that was added."""
        # Longest first, so that a secret that contains another leaves no rest behind.
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return _HEADERS.sub(rf"\1 {MASK}", text)
