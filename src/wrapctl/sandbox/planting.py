"""What the seeds of all platforms share: ids and dates that are the same on every machine."""

from __future__ import annotations

from uuid import UUID, uuid5

NAMESPACE = UUID("5a5a5a5a-5a5a-4a5a-8a5a-5a5a5a5a5a5a")
PLANTED = "2025-01-15T09:00:00.000Z"
# What a real endpoint refuses, so that no sandbox can pass for a real org.
SANDBOX_ID = "5a5a5a5a-"

# The last value is store.FOREVER, spelt out.
INSERT = (
    "insert into objects (org, kind, id, name, folded, division, state, body, since, until)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, 0, 4611686018427387904)"
)


def derived(org: str, kind: str, name: str) -> str:
    """Return the id that a seed's object gets when the seed gives none."""
    return str(uuid5(NAMESPACE, f"{org}\n{kind}\n{name}"))


def sandbox_id(org: str, given: object) -> str:
    """Return the id of an org, or raise ValueError when it could be that of a real one."""
    org_id = str(given or SANDBOX_ID + derived(org, "organization", org)[9:])
    if not org_id.startswith(SANDBOX_ID):
        raise ValueError(f"the id of a sandbox organization must start with {SANDBOX_ID}")
    return org_id
