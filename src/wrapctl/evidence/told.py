"""What is told of an org's drift: the drift, who did it, and what was taken over into the files. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wrapctl.empty import Empty
from wrapctl.evidence.attribution import Who
from wrapctl.model import Change, ChangeId
from wrapctl.plan.drift import Drift


@dataclass(frozen=True, slots=True)
class Left:
    """A change that could not be taken over into the files, and why."""

    change: Change
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """Drift of one org, with all that a reader needs in order to trust it.

    ``against`` says in words what live was compared with. ``who`` has an entry for each change of ``drift`` where the
    trail was read, ``unknown`` says why it was not. ``names``: people may appear by name. ``adopted`` are the changes
    that the files now agree with, ``left`` those that could not be taken over; both empty unless that was asked for.
    """

    drift: Drift
    against: str
    who: Mapping[ChangeId, Who] = Empty()
    unknown: str = ""
    names: bool = False
    notes: tuple[str, ...] = ()
    adopted: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    files: tuple[str, ...] = ()
