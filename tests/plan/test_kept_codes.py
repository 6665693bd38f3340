"""Where a platform deletes nothing: what was deactivated is taken up again, and is otherwise left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keeping import KEEPING, MANUAL
from world import code, desired, live, live_code, live_queue, plan, queue, sentences
from wrapctl.model import Desired, Live, LiveCode, State, Verb
from wrapctl.plan import file
from wrapctl.plan.matching import Declared, match
from wrapctl.plan.plan import Plan
from wrapctl.render import text


def kept(want: Desired, have: Live) -> Plan:
    return plan(want, have, capabilities=KEEPING)


def active(live_id: str, name: str, **fields: str) -> LiveCode:
    return live_code(live_id, name, active=True, **fields)


def asleep(live_id: str, name: str, **fields: str) -> LiveCode:
    return live_code(live_id, name, active=False, **fields)


def test_an_inactive_code_of_a_declared_name_is_made_active_and_not_created_twice() -> None:
    made = kept(desired([code("A", "a")]), live([asleep("1", "a")]))
    assert sentences(made) == ["update code code/A active: False → True"]
    assert 'reactivate "a" (A)' in text.plan(made)


def test_a_new_code_is_wanted_active() -> None:
    made = kept(desired([code("A", "a")]), live())
    assert dict(made.changes[0].after) == {"name": "a", "active": True}


def test_of_an_active_and_an_inactive_code_of_one_name_the_active_one_is_meant() -> None:
    assert not kept(desired([code("A", "a")]), live([asleep("1", "a"), active("2", "a")])).changes


def test_two_inactive_codes_of_one_name_are_a_question() -> None:
    made = kept(desired([code("A", "a")]), live([asleep("1", "a"), asleep("2", "a")]))
    assert [change.state for change in made.changes] == [State.BLOCKED]
    assert "1, 2" in made.changes[0].reason


def test_a_pin_chooses_between_two_inactive_codes() -> None:
    made = kept(desired([code("A", "a", id="2")]), live([asleep("1", "a"), asleep("2", "a")]))
    assert [(one.verb, one.live_id, one.state) for one in made.changes] == [
        (Verb.UPDATE_CODE, "2", State.READY)
    ]


def test_a_former_name_that_is_inactive_is_renamed_and_made_active() -> None:
    made = kept(desired([code("A", "new", previously=("old",))]), live([asleep("1", "old")]))
    assert sentences(made) == ["update code code/A active: False → True, name: 'old' → 'new'"]


def test_an_inactive_code_under_the_new_name_does_not_hide_the_one_to_rename() -> None:
    made = kept(
        desired([code("A", "new", previously=("old",))]), live([asleep("1", "new"), active("2", "old")])
    )
    assert [change.live_id for change in made.changes] == ["2"]
    assert '"new" is live as id 1' in made.changes[0].reason


def test_a_tombstone_that_finds_an_inactive_code_is_spent() -> None:
    made = kept(desired([code("A", "a", absent=True)]), live([asleep("1", "a")]))
    assert not made.changes
    assert "this tombstone is spent" in made.warnings[0].message


def test_inactive_codes_that_no_file_declares_are_nobodys_business() -> None:
    have = live([asleep("1", "gone"), active("2", "here")], [live_queue("q1", "q")], {"q1": ["1", "2"]})
    made = kept(desired([code("HERE", "here")], [queue("q", ["HERE"])]), have)
    assert not made.changes
    assert not made.unmanaged
    assert not kept(desired([], [], unmanaged="prune", divisions=("*",)), live([asleep("1", "gone")])).changes


def test_an_assignment_waits_until_its_code_is_active_again() -> None:
    have = live([asleep("1", "a")], [live_queue("q1", "q")])
    made = kept(desired([code("A", "a")], [queue("q", ["A"])]), have)
    assert sentences(made) == ["update code code/A active: False → True", "assign queue/q/code/A"]
    assert made.changes[1].needs == (made.changes[0].id,)


def test_a_queue_out_of_use_holds_nothing_back_and_takes_nothing() -> None:
    out = replace(live_queue("q9", "out"), active=False)
    have = live([active("1", "a")], [out], {"q9": ["1"]})
    made = kept(desired([code("A", "a", absent=True)]), have)
    assert sentences(made) == ["deactivate code code/A active: True → False"]
    have = live([active("1", "a")], [out])
    made = kept(desired([code("A", "a")], [queue("out", ["A"])]), have)
    assert "the queue is inactive on the platform" in made.changes[0].reason
    assert not made.unmanaged


def test_removing_says_that_nothing_is_deleted() -> None:
    printed = text.plan(kept(desired([code("A", "a", absent=True)]), live([active("1", "a")])), width=200)
    assert "The platform deletes nothing: id and history stay, a revert reactivates it" in printed


def test_a_name_that_the_platform_does_not_offer_is_blocked_with_the_nearest() -> None:
    have = live(
        [active("1", "a", classification="Other")],
        [live_queue("q1", "q")],
        choices={"classification": ("Other", "Positive"), "state": ("Wrap Up",)},
    )
    want = desired(
        [code("A", "a", classification="Positiv"), code("B", "b", classification="Nonsense")],
        [queue("q", after_call_work={"state": "Wrap up"})],
    )
    reasons = {change.address.partition("/")[2]: change.reason for change in kept(want, have).changes}
    assert reasons == {
        "code/A": 'no classification is named "Positiv"; the nearest live name is "Positive"',
        "code/B": 'no classification is named "Nonsense"',
        "queue/q/after-call-work": 'no unavailable code is named "Wrap up"; the nearest live name is "Wrap Up"',
    }


def test_a_change_that_steers_the_platform_is_shown_first() -> None:
    made = kept(
        desired([code("A", "a", classification="Final")]), live([active("1", "a", classification="Other")])
    )
    printed = text.plan(made, width=120)
    first = printed.index("Look at this first")
    assert first < printed.index('"Other" → "Final"') < printed.index("Codes (1)")
    assert "classification steers callbacks and do-not-call lists" in printed
    again = file.loads(file.dumps(made))
    assert again.steering == made.steering == made.changes


# ── what a tenant may not honour ───────────────────────────────────────────────────────────────────────────


def declared_manual(want: Desired) -> Desired:
    return replace(want, manual=MANUAL)


def test_what_the_org_leaves_to_a_person_is_listed_with_instructions_and_never_pending() -> None:
    have = live(
        [active("1", "a"), active("2", "b"), active("3", "Old")],
        [live_queue("q1", "q")],
        {"q1": ["1", "2", "3"]},
    )
    want = desired(
        [code("A", "a"), code("B", "b"), code("C", "c")],
        [queue("q", ["B", "C", "A"], after_call_work={"prompt": "mandatory"})],
    )
    made = kept(declared_manual(want), have)
    assert [change.verb for change in made.pending] == [Verb.CREATE_CODE, Verb.SET_ACW]
    assert [(change.verb, change.state, change.reason) for change in made.outstanding] == [
        (Verb.ASSIGN, State.MANUAL, 'open "q" and add "c" at place 2'),
        (Verb.REORDER, State.MANUAL, 'open "q" and put in this order: 1. "b", 2. "c", 3. "a"'),
        (Verb.UNASSIGN, State.MANUAL, 'open "q" and take off "Old"'),
    ]
    assert "3 manual steps" in text.plan(made)
    assert [one.by_hand for one in file.loads(file.dumps(made)).outstanding] == [
        one.reason for one in made.outstanding
    ]


def test_instructions_name_codes_as_they_will_be_called() -> None:
    have = live([active("1", "old"), active("2", "b")], [live_queue("q1", "q")], {"q1": ["1", "2"]})
    want = desired([code("A", "new", previously=("old",)), code("B", "b")], [queue("q", ["B", "A"])])
    (step,) = kept(declared_manual(want), have).outstanding
    assert step.reason == 'open "q" and put in this order: 1. "b", 2. "new"'


def test_a_removal_waits_for_the_person_who_takes_the_code_off() -> None:
    have = live([active("1", "a")], [live_queue("q1", "q")], {"q1": ["1"]})
    want = desired([code("A", "a", absent=True)], [queue("q", [])])
    made = kept(declared_manual(want), have)
    assert [(change.verb, change.state) for change in made.changes] == [
        (Verb.UNASSIGN, State.MANUAL),
        (Verb.DEACTIVATE_CODE, State.BLOCKED),
    ]
    assert made.changes[1].reason == "waits for a manual step: unassign acme/queue/q/code/A"


def test_without_that_declaration_the_instructions_are_carried_for_the_case_of_need() -> None:
    have = live([active("1", "a")], [live_queue("q1", "q")])
    (change,) = kept(desired([code("A", "a")], [queue("q", ["A"], additive=True)]), have).changes
    assert (change.state, change.reason) == (State.READY, "")
    assert change.by_hand == 'open "q" and add "a" at the end'


def test_names_that_look_like_placeholders_stay_names() -> None:
    have = live([active("1", "{queue} {0}")], [live_queue("q1", "{code}")])
    (change,) = kept(desired([code("A", "{queue} {0}")], [queue("q", ["A"], name="{code}")]), have).changes
    assert change.by_hand == 'open "{code}" and add "{queue} {0}" at place 1'


def test_additions_go_onto_the_end_by_address_so_another_order_is_a_change_of_its_own() -> None:
    have = live(
        [active("1", "z"), active("2", "y"), active("3", "x")], [live_queue("q1", "q")], {"q1": ["3"]}
    )
    codes = [code("Z", "z"), code("Y", "y"), code("X", "x")]
    by_address = kept(desired(codes, [queue("q", ["X", "Y", "Z"])]), have)
    assert [change.verb for change in by_address.changes] == [Verb.ASSIGN, Verb.ASSIGN]
    otherwise = kept(desired(codes, [queue("q", ["X", "Z", "Y"])]), have)
    assert [change.verb for change in otherwise.changes] == [Verb.ASSIGN, Verb.ASSIGN, Verb.REORDER]


# ── matching ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (Declared("A", "a"), {"A": "1"}),
        (Declared("A", "A"), {}),
        (Declared("A", "b", previously=("a",)), {"A": "1"}),
        (Declared("A", "a", exact=True), {}),
        (Declared("A", "x", id="1"), {"A": "1"}),
    ],
)
def test_a_dormant_object_is_found_by_pin_name_and_former_name_alone(
    declared: Declared, found: dict[str, str]
) -> None:
    assert match([declared], [("1", "a")], dormant=["1"]).ids == found
