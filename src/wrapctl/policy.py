"""Who may do what to an org, and how much at once: policy, never content. Frozen values, no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wrapctl.errors import Source


@dataclass(frozen=True, slots=True)
class Window:
    """A change window: weekdays (0 is Monday) on which it opens, from and to as minutes of the day.

    ``end`` at or before ``start`` means that it ends on the next day.
    """

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A guard limit: an absolute maximum, a percentage of what is live, or both."""

    max: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The guard's limits (DESIGN section 2, ``limits``). What a file leaves out keeps these values.

    ``recent_uses``: a code that is deleted was chosen for at most so many contacts in the last ``recent_days``; None:
    not asked. ``dependants``: ``refuse`` deletes of codes that something else is known to name, ``refuse-unknown`` also
    where that is not known, or ``report`` both.
    """

    creates: Limit = Limit(max=50)
    renames: Limit = Limit(max=10)
    updates: Limit = Limit(percent=30)
    deletes: Limit = Limit(max=10, percent=10)
    unassigns: Limit = Limit(max=50, percent=20)
    crm_deletes: Limit = Limit(max=20)
    emptied_queues: Limit = Limit(max=0)
    codes_per_queue: int = 200
    requests_per_minute: int = 300
    recent_uses: int | None = None
    recent_days: int = 30
    dependants: str = "refuse"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may do what to an org. Never content: on a pull request it comes from the base branch.

    ``fresh``: a merge in CI writes whatever the files say, not just what its pull request showed.
    ``names``: people may appear by name, not by their platform id alone.
    ``journal_branch`` keeps the journal on that branch of the git remote; empty: in the project's folder alone.
    """

    observe: bool = False
    unmanaged: str = "report"
    divisions: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    limits: Limits = Limits()
    windows: tuple[Window, ...] = ()
    timezone: str = "UTC"
    lock: str = "file"
    names: bool = False
    fresh: bool = False
    journal_branch: str = ""


DEFAULT = Policy()
"""What holds where the files say nothing."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One acknowledgement of a guard limit: the token and why; from ``allow.yaml`` or the command line."""

    token: str
    reason: str = ""
    source: Source | None = None
