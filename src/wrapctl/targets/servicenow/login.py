"""HTTP Basic, where an instance has no OAuth client for wrapctl."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from wrapctl.http.redact import Redactor


class BasicLogin:
    """Authorizes each request by a user's name and password, which are fetched when they are needed."""

    def __init__(self, secrets: tuple[Callable[[], str], Callable[[], str]], redact: Redactor) -> None:
        self._secrets = secrets
        self._redact = redact

    def header(self) -> str:
        """``Basic …``."""
        username, password = (fetch() for fetch in self._secrets)
        value = b64encode(f"{username}:{password}".encode()).decode("ascii")
        self._redact.add(password)
        self._redact.add(value)
        return f"Basic {value}"

    def refused(self, header: str) -> None:
        """Nothing is kept: the next request fetches the secrets anew."""
