"""A review approves a set of changes; what merging writes is that set, whatever happened in between."""

from __future__ import annotations

from dataclasses import replace

from world import code, desired, live, live_code, live_queue, plan, queue
from wrapctl.model import Address, Change, Desired, Identity, Live, State, code_address
from wrapctl.plan.plan import Plan
from wrapctl.plan.review import Approval, hold

FILES = desired(
    [code("NO", "No", description="asked twice"), code("YES", "Yes", outbound=("business-success",))],
    [queue("q", ["NO", "YES"])],
)
BEFORE = live([live_code("1", "No")], [live_queue("q1", "q")], {"q1": ["1"]})


def _merged(there: Live, files: Desired = FILES, *, reviewed: Plan | None = None) -> Plan:
    """The plan after the merge, with what the plan before it did not show held."""
    before = reviewed or plan(FILES, BEFORE)
    ids: dict[str, Address] = {
        one.id: code_address("acme", key.key)
        for one in there.codes
        for key in files.codes
        if key.name == one.name
    }
    return hold(plan(files, there), Approval(before.pending, before.identity.id), ids)


def _said(changes: tuple[Change, ...]) -> list[str]:
    return [f"{one.verb.value} {one.address.removeprefix('acme/')}" for one in changes]


def test_what_was_reviewed_is_written_all_of_it() -> None:
    merged = _merged(BEFORE)
    assert _said(merged.pending) == [
        "update code code/NO",
        "create code code/YES",
        "assign queue/q/code/YES",
        "set outbound flags code/YES/outbound",
    ]
    assert merged.outstanding == ()


def test_an_edit_of_the_reviewed_object_holds_its_change_and_nothing_else() -> None:
    there = live([live_code("1", "No", description="by hand")], [live_queue("q1", "q")], {"q1": ["1"]})
    merged = _merged(there)
    (held,) = merged.outstanding
    assert (held.state, str(held.id)) == (State.HELD, "update code acme/code/NO")
    assert (
        held.reason == "nobody reviewed this change as it is now: what is live was changed since the review"
    )
    assert (held.before["description"], held.after["description"]) == ("by hand", "asked twice")
    assert len(merged.pending) == 3


def test_files_that_say_more_than_what_was_reviewed_are_held_with_what_needs_them() -> None:
    files = desired([*FILES.codes, code("LATE", "Late")], [queue("q", ["NO", "YES", "LATE"])])
    merged = _merged(BEFORE, files)
    assert [(one.reason, str(one.id)) for one in merged.outstanding] == [
        ("nobody reviewed this change", "create code acme/code/LATE"),
        ("nobody reviewed this change", "assign acme/queue/q/code/LATE"),
    ]
    assert len(merged.pending) == 4


def test_an_apply_that_got_half_way_is_finished_without_another_review() -> None:
    there = live(
        [live_code("1", "No", description="asked twice"), live_code("9", "Yes")],
        [live_queue("q1", "q")],
        {"q1": ["1"]},
        outbound={"1": (), "9": ("business-failure",)},
    )
    merged = _merged(there)
    assert _said(merged.pending) == ["assign queue/q/code/YES", "set outbound flags code/YES/outbound"]
    assert merged.outstanding == ()


def test_a_code_that_was_made_without_its_description_gets_it() -> None:
    files = desired([code("NEW", "New", description="said later")])
    reviewed = plan(files, live([]))
    there = live([live_code("9", "New")])
    assert _said(_merged(there, files, reviewed=reviewed).pending) == ["update code code/NEW"]
    edited = live([live_code("9", "New", description="by hand")])
    assert _said(_merged(edited, files, reviewed=reviewed).pending) == []


def test_a_delete_stays_approved_while_its_code_comes_off_queues_and_not_when_it_comes_onto_one() -> None:
    files = desired(
        [code("OLD", "Old", absent=True, unassign_everywhere=True)], [queue("q", []), queue("r", [])]
    )
    queues = [live_queue("q1", "q"), live_queue("r1", "r"), live_queue("s1", "s")]
    then = live([live_code("1", "Old")], queues, {"q1": ["1"], "r1": ["1"], "s1": []})
    reviewed = plan(files, then)
    half = live([live_code("1", "Old")], queues, {"q1": [], "r1": ["1"], "s1": []})
    merged = _merged(half, files, reviewed=reviewed)
    assert _said(merged.pending) == ["unassign queue/r/code/OLD", "delete code code/OLD"]
    more = live([live_code("1", "Old")], queues, {"q1": ["1"], "r1": ["1"], "s1": ["1"]})
    merged = _merged(more, files, reviewed=reviewed)
    assert _said(merged.pending) == ["unassign queue/q/code/OLD", "unassign queue/r/code/OLD"]
    assert [one.reason for one in merged.outstanding] == [
        "nobody reviewed this change",
        "nobody reviewed this change as it is now: what is live was changed since the review",
    ]


def test_an_approval_of_another_organization_is_none() -> None:
    before = plan(FILES, BEFORE)
    other = Approval(before.pending, "another")
    assert hold(before, other, {}).pending == ()
    elsewhere = replace(before, identity=Identity("another", "Another"))
    assert hold(elsewhere, Approval(before.pending, before.identity.id), {}).pending == ()


def test_what_is_blocked_or_manual_stays_so() -> None:
    files = desired([code("NO", "No")], [queue("lost", ["NO"])])
    made = plan(files, live([live_code("1", "No")]))
    assert [one.state for one in hold(made, Approval((), made.identity.id), {}).changes] == [State.BLOCKED]


def test_two_reviews_of_one_code_that_arrive_together_are_written_together() -> None:
    first = plan(desired([code("NO", "No", description="asked twice")]), live([live_code("1", "No")]))
    second = plan(desired([code("NO", "Not now", previously=("No",))]), live([live_code("1", "No")]))
    files = desired([code("NO", "Not now", previously=("No",), description="asked twice")])
    both = Approval((*first.pending, *second.pending), first.identity.id)
    merged = hold(plan(files, live([live_code("1", "No")])), both, {})
    assert _said(merged.pending) == ["update code code/NO"]
    edited = hold(plan(files, live([live_code("1", "No", description="by hand")])), both, {})
    assert edited.pending == ()
    elsewhere = hold(
        plan(desired([code("NO", "Never", previously=("No",), description="asked twice")]), BEFORE), both, {}
    )
    assert elsewhere.pending == ()
