"""Secrets: fetched by reference, at the moment of use, and never shown. The one home of ``os.environ``.

``WRAPCTL_SECRETS`` (names separated by commas or spaces), when set, bounds what ``env:`` may name, and
``command:`` runs only where ``WRAPCTL_ALLOW_COMMAND=1``: so that no branch can send a secret where it likes.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wrapctl.errors import ConfigError, Problem, Source

LISTED: Final = "WRAPCTL_SECRETS"
ALLOW_COMMAND: Final = "WRAPCTL_ALLOW_COMMAND"
COMMAND_SECONDS: Final = 30
_MAX_BYTES: Final = 64 * 1024


class Secret:
    """Secret text. Printing it in any way gives ``***``; ``reveal`` is the only way in."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself, for the one request that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not stored")


@dataclass(frozen=True, slots=True)
class Where:
    """A reference to a secret as a file writes it: exactly one of ``env``, ``file`` and ``command``."""

    org: str
    name: str
    source: Source
    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] = ()


SANDBOX_SECRET = "sandbox"  # noqa: S105 (the embedded sandbox's well-known word opens nothing else)
"""Not masked where it is printed: it is no secret, and stands in half of what a sandbox says."""

_known: set[str] = set()
_guard = threading.Lock()


def known() -> frozenset[str]:
    """Return every secret that was fetched in this process, for redaction."""
    with _guard:
        return frozenset(_known)


def environment() -> Mapping[str, str]:
    """Return the process's environment."""
    return os.environ


def fetch(where: Where, environ: Mapping[str, str] | None = None, *, root: Path) -> Secret:
    """Return the secret that ``where`` points to; relative files are below ``root``.

    Raises:
        ConfigError: it is not allowed, not there or empty; with org, position and name, never a value.
    """
    environ = environment() if environ is None else environ
    if where.env is not None:
        text = _from_env(where, where.env, environ)
    elif where.file is not None:
        text = _from_file(where, root / where.file)
    else:
        text = _from_command(where, environ, root)
    if not text:
        raise _wrong(where, "is empty", "an empty secret opens nothing")
    if text != SANDBOX_SECRET:
        with _guard:
            _known.add(text)
    return Secret(text)


def _from_env(where: Where, variable: str, environ: Mapping[str, str]) -> str:
    listed = environ.get(LISTED)
    if listed is not None and variable not in listed.replace(",", " ").split():
        raise _wrong(
            where,
            f"may not use the variable {variable}",
            f"only variables listed in {LISTED} are readable here",
        )
    if variable not in environ:
        raise _wrong(where, f"needs the variable {variable}, which is not set", f"export {variable}=…")
    return environ[variable]


def _from_file(where: Where, path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(
            where, f"cannot be read from its file: {error.strerror}", "check the path and its rights"
        ) from None
    return _text(where, data)


def _from_command(where: Where, environ: Mapping[str, str], root: Path) -> str:
    if environ.get(ALLOW_COMMAND) != "1":
        raise _wrong(
            where, "comes from a command, which is not allowed here", f"set {ALLOW_COMMAND}=1 to allow it"
        )
    try:
        done = subprocess.run(  # noqa: S603 no shell; only where the environment allows commands
            where.command,
            capture_output=True,
            check=False,
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise _wrong(
            where, f"comes from a command that did not end in {COMMAND_SECONDS} s", "run it by hand"
        ) from None
    except OSError as error:
        raise _wrong(
            where, f"comes from a command that cannot start: {error.strerror}", "check the program"
        ) from None
    if done.returncode != 0:
        # What it printed stays unprinted: it may hold the secret.
        raise _wrong(where, f"comes from a command that failed with {done.returncode}", "run it by hand")
    return _text(where, done.stdout)


def _text(where: Where, data: bytes) -> str:
    if len(data) > _MAX_BYTES:
        raise _wrong(where, "is too long", "a secret is one line of text")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _wrong(where, "is not UTF-8 text", "a secret is one line of text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _wrong(where: Where, words: str, hint: str) -> ConfigError:
    return ConfigError([Problem(where.source, f"{where.org}: the secret `{where.name}` {words}", hint)])
