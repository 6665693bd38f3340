"""What the user behind an access key may do (contract section 1): rights are those of its role."""

from __future__ import annotations

from wrapctl.sandbox.cxone.errors import Refusal

READONLY = ("Dispositions View", "Skills View")
ADMIN = (*READONLY, "Dispositions Create", "Dispositions Edit", "Skills Edit")
PRESETS = {"admin": ADMIN, "readonly": READONLY}


def check(needed: str, held: frozenset[str]) -> None:
    """Refuse a user without the permission."""
    if needed and needed not in held:
        raise Refusal(403, f"You do not have permission to perform this action: {needed}")
