"""Ask a platform about the codes that a plan takes away or renames: how often they are used, what else names them.

What it does not tell is never an error here: a plan is a plan without it. Where a limit needs it, the guard refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wrapctl.errors import TargetError
from wrapctl.evidence.dependencies import named_here
from wrapctl.model import Change, Live, Verb
from wrapctl.plan.evidence import About, PlanEvidence, Recent
from wrapctl.plan.plan import Plan
from wrapctl.policy import Limits
from wrapctl.targets.interface import Dependants, Evidence, Usage, Use

DAYS = 30
"""Of so many days are figures, where nobody says otherwise."""

_REMOVALS = frozenset({Verb.DELETE_CODE, Verb.DEACTIVATE_CODE})


@dataclass(frozen=True, slots=True)
class Ask:
    """Whom to ask, None where there is nobody, and up to when.

    ``days``: show the figures of so many days beside every delete, take-off and rename. None: only what a limit needs.
    """

    evidence: Evidence | None
    until: datetime
    days: int | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """Figures, or why there are none."""

    usage: Usage | None
    why: str = ""


def gather(plan: Plan, live: Live, limits: Limits, ask: Ask, *, title: str) -> tuple[PlanEvidence, Recent]:
    """Return what stands beside the plan, and what its deletes are measured with. ``title`` names the platform.

    One request for each code that is deleted or renamed (with ``days`` also for those taken off), and one for all
    their figures. Nothing is asked where nothing of the kind is pending.

    Raises:
        Interrupted: the run was asked to stop.
    """
    removed = _codes(change for change in plan.pending if change.verb in _REMOVALS)
    named = removed | _codes(change for change in plan.pending if change.renames)
    if ask.days is not None:
        named |= _codes(change for change in plan.pending if change.verb is Verb.UNASSIGN)
    recent = Recent(limits.recent_days, why="nobody asked the platform")
    if not named:
        return PlanEvidence(), recent
    shown = None if ask.days is None else _usage(ask, ask.days, named, title)
    if limits.recent_uses is not None and removed:
        same = shown is not None and ask.days == limits.recent_days
        told = shown if shown is not None and same else _usage(ask, limits.recent_days, removed, title)
        recent = Recent(limits.recent_days, _contacts(told.usage, removed), told.why)
    depend = _dependants(ask.evidence, named, title)
    here = named_here(live, named)
    by_code = _by_code(shown.usage if shown is not None else None)
    codes = {
        one: About(
            uses=None if by_code is None else by_code.get(one, ()),
            dependants=depend.get(one),
            here=here[one],
        )
        for one in sorted(named)
    }
    seen = {use.queue for about in codes.values() for use in about.uses or ()}
    return (
        PlanEvidence(
            days=ask.days or 0,
            until=ask.until.isoformat(timespec="seconds") if ask.days is not None else "",
            no_usage=shown.why if shown is not None else "",
            codes=codes,
            queues={queue.id: queue.name for queue in live.queues if queue.id in seen},
        ),
        recent,
    )


def why_not(error: TargetError) -> str:
    """Return in words why figures were not told."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _codes(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(change.live_id for change in changes if change.live_id is not None)


def _usage(ask: Ask, days: int, codes: frozenset[str], title: str) -> _Told:
    nothing = _Told(None, f"{title} does not tell how often codes are used")
    if ask.evidence is None:
        return nothing
    try:
        usage = ask.evidence.usage(ask.until - timedelta(days=days), ask.until, codes=codes)
    except TargetError as error:
        return _Told(None, why_not(error))
    return nothing if usage is None else _Told(usage)


def _dependants(evidence: Evidence | None, codes: frozenset[str], title: str) -> Mapping[str, Dependants]:
    if evidence is not None:
        return evidence.dependants({"code": codes})
    unknown = Dependants(complete=False, why=f"{title} does not tell what else names it")
    return dict.fromkeys(codes, unknown)


def _by_code(usage: Usage | None) -> dict[str, tuple[Use, ...]] | None:
    if usage is None:
        return None
    found: dict[str, list[Use]] = {}
    for use in usage.uses:
        found.setdefault(use.code, []).append(use)
    return {code: tuple(uses) for code, uses in found.items()}


def _contacts(usage: Usage | None, codes: frozenset[str]) -> Mapping[str, int] | None:
    by_code = _by_code(usage)
    if by_code is None:
        return None
    return {one: sum(use.conversations for use in by_code.get(one, ())) for one in codes}
