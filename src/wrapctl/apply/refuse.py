"""Whether an org may be written now: observe mode, change windows, and whether a saved plan still holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from wrapctl.errors import ObserveMode, OutsideWindow, PlanUnusable, Refused
from wrapctl.plan.plan import FORMAT, Plan
from wrapctl.policy import Allowance, Policy, Window

WINDOW = "window"
"""Token that breaks the glass of the change windows: ``--allow window=REASON``."""


def refuse_reason(policy: Policy, now: datetime, allowances: Sequence[Allowance] = ()) -> Refused | None:
    """Return why nothing may be written to the org at ``now``, or None.

    Args:
        policy: the org's mode, windows and time zone.
        now: the wall clock, with its time zone.
        allowances: those of the command line; only there can a window be overridden, and only with a reason,
            because a line in a file would open it for good.
    """
    if policy.observe:
        return ObserveMode(
            "the org is in observe mode: plan and drift work, apply does not",
            hint="set `manage.mode: apply` in its org.yaml",
        )
    if not policy.windows or in_window(policy, now):
        return None
    if window_override(allowances) is not None:
        return None
    zone = ZoneInfo(policy.timezone)
    local = now.astimezone(zone)
    opens = next_opening(policy, now)
    then = f"the next one opens {opens:%a %Y-%m-%d %H:%M}" if opens is not None else "none ever opens"
    return OutsideWindow(
        f"outside the org's change windows: it is {local:%a %Y-%m-%d %H:%M} {policy.timezone}, {then}",
        hint="wait for it, or `--allow window=REASON`; the reason goes into the journal",
    )


def window_override(allowances: Sequence[Allowance]) -> Allowance | None:
    """Return the allowance that overrides the change windows: from the command line, with a reason."""
    for allowance in allowances:
        if allowance.token == WINDOW and allowance.source is None and allowance.reason.strip():
            return allowance
    return None


def in_window(policy: Policy, now: datetime) -> bool:
    """Whether a window is open at ``now``, by the wall clock of the org's time zone.

    When clocks go back, the repeated hour is inside both times or neither.
    """
    local = now.astimezone(ZoneInfo(policy.timezone))
    minute = local.hour * 60 + local.minute
    today = local.weekday()
    return any(_open(window, today, minute) for window in policy.windows)


def next_opening(policy: Policy, now: datetime) -> datetime | None:
    """Return when the next window opens after ``now``, in the org's time zone; None when none has a day."""
    zone = ZoneInfo(policy.timezone)
    today = now.astimezone(zone).date()
    openings = [
        datetime.combine(day, datetime.min.time(), zone) + timedelta(minutes=window.start)
        for window in policy.windows
        for day in (today + timedelta(days=ahead) for ahead in range(8))
        if day.weekday() in window.days
    ]
    # Compared in UTC: two wall clock times of one zone compare as if no clock had ever been changed.
    return min((one for one in openings if one.astimezone(UTC) > now.astimezone(UTC)), default=None)


def _open(window: Window, today: int, minute: int) -> bool:
    if window.start < window.end:
        return today in window.days and window.start <= minute < window.end
    yesterday = (today - 1) % 7
    return (today in window.days and minute >= window.start) or (
        yesterday in window.days and minute < window.end
    )


def unusable(plan: Plan, *, org: str, config_digest: str, today: date) -> PlanUnusable | None:
    """Return why a saved plan may not be applied today with these files, or None (DESIGN section 6, step 3).

    ``today`` is the day in the org's time zone. That the digests fit their changes is checked while it is loaded.
    """
    again = "plan again: `wrapctl plan --out FILE`"
    if plan.format != FORMAT:
        return PlanUnusable(
            f"the plan is of format {plan.format}, this wrapctl applies format {FORMAT}", hint=again
        )
    if plan.org != org:
        return PlanUnusable(f"the plan is of org {plan.org}, not of {org}", hint=again)
    if plan.config_digest != config_digest:
        return PlanUnusable("the files have changed since the plan was made", hint=again)
    if plan.good_until is not None and today > plan.good_until:
        return PlanUnusable(
            f"the plan was good until {plan.good_until}: validity dates have come due since", hint=again
        )
    return None
