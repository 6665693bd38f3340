"""Tell drift from what was merged and not yet applied, and from dates that have come due. Pure.

Three plans against one read of what is live are compared: *then*, of the files that were last applied, on the day
on which they were; *today*, of the same files today; *ahead*, of the files as they are now. What *then* would
write was changed behind wrapctl's back. What only *today* would write was brought by a date. What only *ahead*
would write was merged, or is being proposed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wrapctl.errors import Problem
from wrapctl.model import Cause, Change, ChangeId, Identity, State
from wrapctl.plan.plan import Plan, Unmanaged


@dataclass(frozen=True, slots=True)
class Drift:
    """How one org differs from its files, by reason. Changes are in the order of work.

    ``changes``: on the platform, and not by wrapctl. ``due``: validity dates that came since the last apply.
    ``pending``: in the files, and not applied yet. ``outstanding``: blocked or left to a person, by whichever
    reason. ``applied`` names the commit that ``changes`` are measured against, empty where none is known.
    """

    org: str
    identity: Identity
    changes: tuple[Change, ...] = ()
    due: tuple[Change, ...] = ()
    pending: tuple[Change, ...] = ()
    outstanding: tuple[Change, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    unread: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    applied: str = ""

    @property
    def drifted(self) -> bool:
        """Whether anything was changed on the platform."""
        return bool(self.changes)


def tell(then: Plan, today: Plan, ahead: Plan, *, applied: str = "", dated: bool = True) -> Drift:
    """Return drift from three plans of one org against the same live state (see above).

    ``dated`` is False where nobody knows the day of the last apply, so that *then* is a plan of today: then what a
    validity date asks for is due, and nobody's doing.

    A change that two of them have belongs to the first. Where the files now agree with what is live, or no longer
    say anything of it, it is not drift any more, whether that was applied or not: adopting an edit ends it.
    """
    wanted = _names(ahead.changes)
    drifted = [change for change in _ready(then) if change.id in wanted and (dated or not _dated(change))]
    known = _names(change for change in then.changes if dated or not _dated(change))
    due = [change for change in _ready(today) if change.id not in known]
    pending = [change for change in _ready(ahead) if _new(change, then, today)]
    held: dict[ChangeId, Change] = {}
    for plan in (then, today, ahead):
        for change in plan.outstanding:
            held.setdefault(change.id, change)
    return Drift(
        org=then.org,
        identity=then.identity,
        changes=tuple(drifted),
        due=tuple(due),
        pending=tuple(pending),
        outstanding=tuple(held.values()),
        unmanaged=ahead.unmanaged,
        unread=ahead.unread,
        warnings=ahead.warnings,
        applied=applied,
    )


def _dated(change: Change) -> bool:
    return change.cause is Cause.VALIDITY


def _new(change: Change, then: Plan, today: Plan) -> bool:
    """Whether the files now want something that neither of the other plans would write in the same way."""
    return all(change.digest != one.digest for plan in (then, today) for one in _same(plan, change.id))


def _same(plan: Plan, wanted: ChangeId) -> Iterable[Change]:
    return (change for change in plan.changes if change.id == wanted)


def _ready(plan: Plan) -> list[Change]:
    return [change for change in plan.changes if change.state is State.READY]


def _names(changes: Iterable[Change]) -> set[ChangeId]:
    return {change.id for change in changes}
