"""What differs from org to org, or is not known of the real platform, and is therefore a setting.

Where the contract says "not found", the default is the reading that a careless client would fail on least,
and the setting holds the others, so that a test can show that both are survived.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal


def _page_caps() -> dict[str, int]:
    return {"codes": 100, "links": 100, "queues": 100, "divisions": 100}


@dataclass(frozen=True, slots=True)
class Settings:
    """One org's settings, as a seed's ``settings`` may give them."""

    rate_limit: int = 3000
    """Requests per minute and token (section 3 says 300; the default does not slow a demo). 0 switches it off."""
    page_caps: dict[str, int] = field(default_factory=_page_caps)
    """The largest page granted: ``codes``, ``links``, ``queues``, ``divisions`` (section 4)."""
    token_seconds: int = 86400
    lag: int = 0
    """Every write is seen by reads only after this many further requests of the org (section 11)."""
    case_insensitive_names: bool = False
    """Whether ``Sale`` and ``SALE`` are duplicates (section 5: not found)."""
    reuse_deleted_names: bool = True
    put_without_division: Literal["keep", "all"] = "keep"
    delete_code_unlinks: bool = True
    """Whether deleting a code takes it off the queues (section 5: not found)."""
    unknown_code_status: Literal[400, 404] = 404
    """The answer to adding an unknown code to a queue."""
    outbound: bool = True
    """False: the outbound mapping answers 404 (section 8)."""
    mapping_conflict_status: Literal[400, 409] = 409
    flag_case: Literal["upper", "mixed"] = "upper"
    """``mixed``: outbound flags read back as ``Right_Party_Contact`` (section 8)."""
    list_queues_with_peer: bool = True
    """Whether a queue listing without ``hasPeer`` holds queues with a peer (section 7: not found)."""
    default_acw_timeout_ms: int = 30000
    active_queues: tuple[str, ...] = ()
    """Names of queues that hold conversations, so that deleting one needs ``forceDelete``."""

    @classmethod
    def of(cls, given: dict[str, Any]) -> Settings:
        """Return the settings a seed gives; an unknown one is an error, since it would silently do nothing."""
        unknown = sorted(set(given) - {item.name for item in fields(cls)})
        if unknown:
            raise ValueError(f"unknown sandbox settings: {', '.join(unknown)}")
        values = dict(given)
        values["page_caps"] = _page_caps() | dict(given.get("page_caps", {}))
        values["active_queues"] = tuple(given.get("active_queues", ()))
        return cls(**values)
