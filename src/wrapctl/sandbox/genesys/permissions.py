"""What an OAuth client may do: a set of permissions and a set of divisions (contract section 1).

The presets are what section 13 calls least privilege: ``readonly`` plans, ``admin`` applies.
"""

from __future__ import annotations

from wrapctl.sandbox.genesys.errors import Refusal

READONLY = (
    "routing:wrapupCode:view",
    "routing:wrapupCode:search",
    "routing:queue:view",
    "outbound:wrapUpCodeMapping:view",
    "architect:datatable:view",
    "architect:datatableRow:view",
    "architect:dependencyTracking:view",
    "analytics:conversationAggregate:view",
    "audits:audit:view",
)
ADMIN = (
    *READONLY,
    "routing:wrapupCode:add",
    "routing:wrapupCode:edit",
    "routing:wrapupCode:delete",
    "routing:queue:add",
    "routing:queue:edit",
    "routing:queue:delete",
    "outbound:wrapUpCodeMapping:edit",
    "architect:datatable:add",
    "architect:datatable:edit",
    "architect:datatable:delete",
    "architect:datatableRow:add",
    "architect:datatableRow:edit",
    "architect:datatableRow:delete",
)
PRESETS = {"admin": ADMIN, "readonly": READONLY}


def check(mode: str, needed: tuple[str, ...], held: frozenset[str]) -> None:
    """Refuse a client without all (``ALL``) or any (``ANY``) of the permissions an operation needs."""
    missing = [item for item in needed if item not in held]
    if mode == "ALL" and missing:
        raise Refusal(403, "missing.permissions", f"[{', '.join(missing)}]")
    if mode == "ANY" and needed and len(missing) == len(needed):
        raise Refusal(403, "missing.any.permissions", f"[{', '.join(needed)}]")
