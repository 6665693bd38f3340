"""The kinds of events, as files select them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

PREFIX: Final = "com.wrapctl."
"""What stands before a kind in the type of a CloudEvent."""

PLAN: Final = "plan.made"
APPLY: Final = "apply.finished"
CODE_CREATED: Final = "code.created"
CODE_UPDATED: Final = "code.updated"
CODE_DEACTIVATED: Final = "code.deactivated"
CODE_DELETED: Final = "code.deleted"
ASSIGNMENT: Final = "assignment.changed"
DRIFT: Final = "drift.found"

KINDS: Final = (
    PLAN,
    APPLY,
    CODE_CREATED,
    CODE_UPDATED,
    CODE_DEACTIVATED,
    CODE_DELETED,
    ASSIGNMENT,
    DRIFT,
)


def selected(kind: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns (``code.*``, ``com.wrapctl.code.*``) selects a kind."""
    return any(fnmatchcase(kind, pattern.removeprefix(PREFIX)) for pattern in patterns)
