"""What somebody changed on the platform, told apart from what was merged and what came due."""

from __future__ import annotations

from datetime import date

from world import code, desired, live, live_code, live_queue, plan, queue
from wrapctl.model import Change, Desired, Live
from wrapctl.plan.drift import Drift, tell

APPLIED, TODAY = date(2026, 3, 1), date(2026, 3, 10)


def _drift(before: Desired, now: Desired, there: Live) -> Drift:
    return tell(
        plan(before, there, as_of=APPLIED),
        plan(before, there, as_of=TODAY),
        plan(now, there, as_of=TODAY),
        applied="c0ffee",
    )


def _said(changes: tuple[Change, ...]) -> list[str]:
    return [f"{change.verb.value} {change.address.removeprefix('acme/')}" for change in changes]


def test_an_edit_by_hand_is_drift_and_a_merge_that_waits_is_pending() -> None:
    before = desired([code("NO", "No", description="asked twice")], [queue("q", ["NO"])])
    now = desired(
        [code("NO", "No", description="asked twice"), code("YES", "Yes")], [queue("q", ["NO", "YES"])]
    )
    there = live([live_code("1", "No", description="by hand")], [live_queue("q1", "q")], {"q1": ["1"]})
    found = _drift(before, now, there)
    assert _said(found.changes) == ["update code code/NO"]
    assert _said(found.pending) == ["create code code/YES", "assign queue/q/code/YES"]
    assert found.due == ()
    assert found.drifted


def test_a_date_that_came_is_due_and_not_drift() -> None:
    files = desired([code("PROMO", "Promo", valid_from=date(2026, 3, 5))], [queue("q", ["PROMO"])])
    there = live([live_code("1", "Promo")], [live_queue("q1", "q")], {"q1": []})
    found = _drift(files, files, there)
    assert _said(found.due) == ["assign queue/q/code/PROMO"]
    assert found.changes == found.pending == ()
    assert not found.drifted


def test_an_edit_that_the_files_take_over_is_no_drift_any_more() -> None:
    before = desired([code("NO", "No", description="old")])
    there = live([live_code("1", "No", description="by hand")])
    assert _drift(before, before, there).drifted
    assert not _drift(before, desired([code("NO", "No", description="by hand")]), there).drifted


def test_an_edit_of_what_the_files_no_longer_declare_is_not_drift_but_unmanaged() -> None:
    before = desired([code("NO", "No", description="old")])
    found = _drift(before, desired([]), live([live_code("1", "No", description="by hand")]))
    assert not found.drifted
    assert [one.name for one in found.unmanaged] == ["No"]


def test_the_same_object_edited_by_hand_and_in_the_files_is_both() -> None:
    before = desired([code("NO", "No", description="old")])
    now = desired([code("NO", "No", description="new")])
    found = _drift(before, now, live([live_code("1", "No", description="by hand")]))
    assert _said(found.changes) == _said(found.pending) == ["update code code/NO"]
    assert found.changes[0].after["description"] == "old"
    assert found.pending[0].after["description"] == "new"


def test_what_is_blocked_is_outstanding_and_no_drift() -> None:
    files = desired([code("NO", "No")], [queue("gone", ["NO"])])
    found = _drift(files, files, live([live_code("1", "No")]))
    assert not found.drifted
    assert _said(found.outstanding) == ["assign queue/gone/code/NO"]


def test_where_nobody_knows_when_was_applied_what_a_date_asks_for_is_due() -> None:
    files = desired(
        [code("PROMO", "Promo", valid_from=date(2026, 3, 5)), code("NO", "No", description="asked twice")],
        [queue("q", ["PROMO"])],
    )
    there = live([live_code("1", "Promo"), live_code("2", "No")], [live_queue("q1", "q")], {"q1": []})
    one = plan(files, there, as_of=TODAY)
    found = tell(one, one, one, dated=False)
    assert _said(found.due) == ["assign queue/q/code/PROMO"]
    assert _said(found.changes) == ["update code code/NO"]
