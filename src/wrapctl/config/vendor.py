"""What a platform adds to the files: regions, credentials, prompts, options. Imported when an org names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from pydantic import BaseModel

from wrapctl.targets import registry
from wrapctl.targets.interface import Capabilities


@dataclass(frozen=True, slots=True)
class Vendor:
    """A platform's words, taken from ``targets/<name>/options.py``; what it does not define is empty.

    ``org``, ``code`` and ``queue`` are pydantic models of the block that carries the platform's name
    (``genesys:`` …) at that level, None where it has no options there.
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
    )


def known() -> tuple[str, ...]:
    """The platforms of this release."""
    return registry.names()
