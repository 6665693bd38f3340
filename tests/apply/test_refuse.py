"""Windows are wall clock: over midnight, over both clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from world import desired, live, plan
from wrapctl.apply.refuse import in_window, next_opening, refuse_reason, unusable
from wrapctl.errors import ObserveMode, OutsideWindow, PlanUnusable, Source
from wrapctl.policy import Allowance, Policy, Window

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = frozenset(range(5))
OVERNIGHT = Policy(windows=(Window(WEEKDAYS, 20 * 60, 6 * 60),), timezone="Europe/Berlin")


def berlin(day: int, hour: int, minute: int = 0, month: int = 1, fold: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (berlin(2, 19, 59), False),  # Friday
        (berlin(2, 20, 0), True),
        (berlin(3, 0, 0), True),
        (berlin(3, 5, 59), True),  # Friday's window ends on Saturday
        (berlin(3, 6, 0), False),
        (berlin(3, 21, 0), False),  # Saturday has none
        (berlin(5, 5, 0), False),  # neither has the night before Monday
        (berlin(5, 20, 0), True),
        (berlin(6, 3, 0), True),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens(now: datetime, expected: bool) -> None:
    assert in_window(OVERNIGHT, now) is expected
    assert in_window(OVERNIGHT, now.astimezone(UTC)) is expected


def test_a_window_inside_a_day_ends_before_its_end() -> None:
    policy = Policy(windows=(Window(frozenset({4}), 9 * 60, 17 * 60),), timezone="Europe/Berlin")

    assert [in_window(policy, berlin(2, hour)) for hour in (8, 9, 16, 17)] == [False, True, True, False]


def test_a_window_from_a_time_to_the_same_time_is_a_whole_day() -> None:
    policy = Policy(windows=(Window(frozenset({4}), 600, 600),), timezone="Europe/Berlin")

    assert [in_window(policy, berlin(2, 9)), in_window(policy, berlin(2, 10))] == [False, True]
    assert [in_window(policy, berlin(3, 9, 59)), in_window(policy, berlin(3, 10))] == [True, False]


def test_in_spring_the_night_is_an_hour_shorter_and_still_ends_at_six() -> None:
    policy = Policy(windows=(Window(frozenset({5}), 20 * 60, 6 * 60),), timezone="Europe/Berlin")
    start = berlin(28, 20, month=3).astimezone(UTC)
    inside = [minute for minute in range(24 * 60) if in_window(policy, start + timedelta(minutes=minute))]

    assert len(inside) == 9 * 60
    assert not in_window(policy, berlin(29, 6, month=3))


def test_in_autumn_the_repeated_hour_is_inside_both_times() -> None:
    policy = Policy(windows=(Window(frozenset({5}), 20 * 60, 6 * 60),), timezone="Europe/Berlin")
    start = berlin(24, 20, month=10).astimezone(UTC)
    inside = [minute for minute in range(24 * 60) if in_window(policy, start + timedelta(minutes=minute))]

    assert len(inside) == 11 * 60
    assert in_window(policy, berlin(25, 2, 30, month=10, fold=0))
    assert in_window(policy, berlin(25, 2, 30, month=10, fold=1))


def test_the_refusal_says_what_time_it_is_there_and_when_the_next_window_opens() -> None:
    refusal = refuse_reason(OVERNIGHT, datetime(2026, 1, 3, 11, 0, tzinfo=UTC))

    assert isinstance(refusal, OutsideWindow)
    assert refusal.message == (
        "outside the org's change windows: it is Sat 2026-01-03 12:00 Europe/Berlin, "
        "the next one opens Mon 2026-01-05 20:00"
    )
    assert "--allow window=REASON" in refusal.hint


@given(
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  (hypothesis adds the zone)
)
def test_the_next_opening_is_in_the_future_and_a_window_is_open_then(
    start: int, end: int, days: frozenset[int], now: datetime
) -> None:
    policy = Policy(windows=(Window(days, start, end),), timezone="Europe/Berlin")
    opens = next_opening(policy, now)

    assert opens is not None
    assert now < opens.astimezone(UTC) <= now + timedelta(days=8)
    at = opens.astimezone(UTC).astimezone(BERLIN)
    skipped = at.replace(tzinfo=None) != opens.replace(tzinfo=None)
    assert skipped or in_window(policy, opens)


def test_no_windows_are_always_open() -> None:
    assert refuse_reason(Policy(), berlin(3, 12)) is None


@pytest.mark.parametrize(
    ("allowance", "works"),
    [
        (Allowance("window", "the fraud code must be there tonight"), True),
        (Allowance("window", "  "), False),
        (Allowance("window", "written in a file", Source("wrapups/acme/allow.yaml", 1, 1)), False),
        (Allowance("deletes=1@12345678", "something else"), False),
    ],
)
def test_the_glass_is_broken_on_the_command_line_with_a_reason(allowance: Allowance, works: bool) -> None:
    assert (refuse_reason(OVERNIGHT, berlin(3, 12), [allowance]) is None) is works


def test_observe_mode_has_no_way_past() -> None:
    refusal = refuse_reason(Policy(observe=True), berlin(3, 12), [Allowance("window", "please")])

    assert isinstance(refusal, ObserveMode)


def test_a_saved_plan_must_be_of_this_org_these_files_and_not_too_old() -> None:
    saved = plan(desired(), live())
    ready = {"org": "acme", "config_digest": "config"}

    assert unusable(saved, **ready, today=date(2026, 3, 11)) is None
    for other, words in [
        ({"org": "beta", "config_digest": "config"}, "is of org acme, not of beta"),
        ({"org": "acme", "config_digest": "other"}, "the files have changed"),
    ]:
        refusal = unusable(saved, **other, today=date(2026, 3, 11))
        assert isinstance(refusal, PlanUnusable)
        assert words in refusal.message


def test_a_saved_plan_is_good_through_its_last_day() -> None:
    saved = plan(desired(), live())
    object.__setattr__(saved, "good_until", date(2026, 3, 12))

    def today(day: int) -> PlanUnusable | None:
        return unusable(saved, org="acme", config_digest="config", today=date(2026, 3, day))

    assert today(12) is None
    refusal = today(13)
    assert refusal is not None
    assert "good until 2026-03-12" in refusal.message
