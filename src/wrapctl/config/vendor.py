"""What a platform or a CRM adds to the files: regions, credentials, options. Imported when a file names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from pydantic import BaseModel

from wrapctl.model import Value, Verb
from wrapctl.targets import registry
from wrapctl.targets.interface import Capabilities

Block = Mapping[str, object]


def _no_fields(options: Block, category: Block) -> Mapping[str, Value]:
    del options, category
    return {}


def _no_entry(fields: Mapping[str, Value]) -> Mapping[str, str]:
    del fields
    return {}


def _nothing(options: Block) -> frozenset[Verb]:
    del options
    return frozenset()


@dataclass(frozen=True, slots=True)
class Vendor:
    """A platform's words, taken from ``targets/<name>/options.py``; what it does not define is empty.

    ``org``, ``code`` and ``queue`` are pydantic models of the block that carries the platform's name
    (``genesys:`` …) at that level, None where it has no options there. ``code_fields`` makes managed fields of a
    code's own block and of its category, ``manual`` tells the verbs that an org's block leaves to a person,
    ``code_entry`` the block that an import writes for a live code's fields.
    ``optional_credentials`` are all or none. ``domains``: where a URL may lead, any host when empty.
    """

    name: str
    capabilities: Capabilities
    regions: Mapping[str, str]
    credentials: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    timed_prompts: frozenset[str] = frozenset()
    timeout_ms: tuple[int, int] = (0, 86_400_000)
    flags: tuple[str, ...] = ()
    org: type[BaseModel] | None = None
    code: type[BaseModel] | None = None
    queue: type[BaseModel] | None = None
    optional_credentials: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    timeout_step_ms: int = 1
    code_fields: Callable[[Block, Block], Mapping[str, Value]] = _no_fields
    manual: Callable[[Block], frozenset[Verb]] = _nothing
    code_entry: Callable[[Mapping[str, Value]], Mapping[str, str]] = _no_entry

    def holds(self, field: str) -> bool:
        """Whether the platform has a place for a field that every file may name."""
        can = self.capabilities
        if field == "outbound":
            return can.outbound
        return field in can.code_fields and (field != "division" or can.divisions)


@cache
def vendor(platform: str) -> Vendor | None:
    """Return a platform's words, None when this release does not know it."""
    if platform not in registry.names():
        return None
    capabilities = registry.capabilities(platform)
    options = import_module(f"wrapctl.targets.{platform}.options")
    return Vendor(
        name=platform,
        capabilities=capabilities,
        regions=getattr(options, "REGIONS", {}),
        credentials=getattr(options, "CREDENTIALS", ()),
        prompts=getattr(options, "PROMPTS", ()),
        timed_prompts=getattr(options, "TIMED_PROMPTS", frozenset()),
        timeout_ms=getattr(options, "TIMEOUT_MS", (0, 86_400_000)),
        flags=getattr(options, "OUTBOUND_FLAGS", ()),
        org=getattr(options, "ORG_OPTIONS", None),
        code=getattr(options, "CODE_OPTIONS", None),
        queue=getattr(options, "QUEUE_OPTIONS", None),
        optional_credentials=getattr(options, "OPTIONAL_CREDENTIALS", ()),
        domains=getattr(options, "DOMAINS", ()),
        timeout_step_ms=getattr(options, "TIMEOUT_STEP_MS", 1),
        code_fields=getattr(options, "code_fields", _no_fields),
        manual=getattr(options, "manual", _nothing),
        code_entry=getattr(options, "code_entry", _no_entry),
    )


def known() -> tuple[str, ...]:
    """The platforms of this release."""
    return registry.names()


def _anything(field: str, text: str) -> str:
    del field, text
    return ""


@dataclass(frozen=True, slots=True)
class CrmVendor:
    """The words of one kind of CRM system, taken from its ``options.py``; what it does not define is empty.

    ``connection`` is a pydantic model of what a connection says beyond endpoint, credentials and pace, ``target``
    of what a mapping's ``target`` says beyond type and connection. ``wrong`` tells why a text cannot be kept in a
    field of a row, nothing when it can. ``optional_credentials`` are another way to log in, all or none of them.
    ``domains``: where an endpoint may lead, any host when empty. ``required``: options of the connection that only
    the sandbox does without. ``place`` are the options that tell one place on a connection from another, ``prefix``
    is what the keys of a mapping begin with unless its option ``prefix`` says otherwise. ``room`` names the option
    that raises how many rows the place holds, where support can do that.
    """

    name: str
    capabilities: Capabilities
    credentials: tuple[str, ...] = ()
    optional_credentials: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    prefix: str = "{owner}/{system}/"
    room: str = ""
    connection: type[BaseModel] | None = None
    target: type[BaseModel] | None = None
    wrong: Callable[[str, str], str] = _anything


@cache
def crm_vendor(kind: str) -> CrmVendor:
    """Return the words of a kind of CRM system.

    Raises:
        UsageError: there is no kind of that name.
    """
    options = registry.crm_options(kind)
    return CrmVendor(
        name=kind,
        capabilities=registry.crm_capabilities(kind),
        credentials=getattr(options, "CREDENTIALS", ()),
        optional_credentials=getattr(options, "OPTIONAL_CREDENTIALS", ()),
        domains=getattr(options, "DOMAINS", ()),
        required=getattr(options, "REQUIRED", ()),
        place=getattr(options, "PLACE", ()),
        prefix=getattr(options, "PREFIX", "{owner}/{system}/"),
        room=getattr(options, "ROOM", ""),
        connection=getattr(options, "CONNECTION", None),
        target=getattr(options, "TARGET", None),
        wrong=getattr(options, "wrong", _anything),
    )
