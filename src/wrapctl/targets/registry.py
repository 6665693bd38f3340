"""Which platforms there are: one line each. Adding a target adds its folder and its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType

from wrapctl.errors import UsageError
from wrapctl.targets.interface import Capabilities, Connection, Runtime, Target

_PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "cxone": "wrapctl.targets.cxone",
        "genesys": "wrapctl.targets.genesys",
    }
)
# A package has `capabilities.CAPABILITIES` (plain data) and `target.connect`. Both are imported when asked for,
# so that `--help` and `validate` never load an HTTP library.


def names() -> tuple[str, ...]:
    """The names that ``platform`` may have, sorted."""
    return tuple(sorted(_PACKAGES))


def capabilities(name: str) -> Capabilities:
    """Return what the platform can hold and do.

    Raises:
        UsageError: there is no platform of that name.
    """
    found: Capabilities = import_module(f"{_package(name)}.capabilities").CAPABILITIES
    return found


def connect(name: str, connection: Connection, runtime: Runtime) -> Target:
    """Return the platform, ready to be asked; nothing is sent yet.

    Raises:
        UsageError: there is no platform of that name, or the connection makes no sense for it.
    """
    make: Callable[[Connection, Runtime], Target] = import_module(f"{_package(name)}.target").connect
    return make(connection, runtime)


def _package(name: str) -> str:
    try:
        return _PACKAGES[name]
    except KeyError:
        raise UsageError(f"there is no platform {name!r}", hint=f"use one of: {', '.join(names())}") from None
