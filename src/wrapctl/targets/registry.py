"""Which targets there are: platforms and CRM systems, one line each. Adding one adds its folder and its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType

from wrapctl.errors import UsageError
from wrapctl.targets.interface import Capabilities, Connection, CrmConnection, Runtime, Target

_PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "cxone": "wrapctl.targets.cxone",
        "genesys": "wrapctl.targets.genesys",
    }
)
_CRM: Mapping[str, str] = MappingProxyType(
    {
        "dataverse": "wrapctl.targets.dataverse",
        "genesys-datatable": "wrapctl.targets.genesys_datatable",
        "http": "wrapctl.targets.http_rows",
        "salesforce": "wrapctl.targets.salesforce",
        "servicenow": "wrapctl.targets.servicenow",
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


def crm_names() -> tuple[str, ...]:
    """The names that the ``type`` of a CRM mapping's target may have, sorted."""
    return tuple(sorted(_CRM))


def crm_capabilities(name: str) -> Capabilities:
    """Return what a kind of CRM system can keep and do.

    Raises:
        UsageError: there is no kind of that name.
    """
    found: Capabilities = import_module(f"{_crm_package(name)}.capabilities").CAPABILITIES
    return found


def crm_options(name: str) -> ModuleType:
    """Return the module of what YAML may say to a kind of CRM system (``config.vendor.crm_vendor`` reads it).

    Raises:
        UsageError: there is no kind of that name.
    """
    return import_module(f"{_crm_package(name)}.options")


def connect_crm(crm: CrmConnection, runtime: Runtime, platform: Target) -> Target:
    """Return a CRM connection, ready to be asked; nothing is sent yet.

    ``platform`` is the org's own, for a kind that keeps its rows inside of it.

    Raises:
        UsageError: there is no kind of that name, or the connection makes no sense for it.
    """
    make: Callable[[CrmConnection, Runtime, Target], Target] = import_module(
        f"{_crm_package(crm.target)}.target"
    ).connect
    return make(crm, runtime, platform)


def _crm_package(name: str) -> str:
    try:
        return _CRM[name]
    except KeyError:
        hint = f"use one of: {', '.join(crm_names())}"
        raise UsageError(f"there is no CRM target {name!r}", hint=hint) from None


def _package(name: str) -> str:
    try:
        return _PACKAGES[name]
    except KeyError:
        raise UsageError(f"there is no platform {name!r}", hint=f"use one of: {', '.join(names())}") from None
