"""Small worlds, an edit, the whole plan."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from world import (
    CXONE_LIKE,
    code,
    desired,
    live,
    live_code,
    live_queue,
    plan,
    queue,
    sentences,
)
from wrapctl.errors import PlanUnusable
from wrapctl.model import Cause, Division, Ref, Scope, Verb, code_address
from wrapctl.plan.file import dumps, loads
from wrapctl.plan.guard import recheck
from wrapctl.policy import Limit, Limits


def test_what_is_as_wanted_needs_nothing() -> None:
    made = plan(
        desired([code("NO", "No", description="")], [queue("q", ["NO"])]),
        live([live_code("1", "No")], [live_queue("q1", "q")], {"q1": ["1"]}),
    )
    assert sentences(made) == []


def test_a_new_code_is_created_then_assigned_by_reference() -> None:
    made = plan(desired([code("NO", "No")], [queue("q", ["NO"])]), live([], [live_queue("q1", "q")]))
    assert sentences(made) == ["create code code/NO", "assign queue/q/code/NO"]
    create, assign = made.changes
    assert assign.after == {"code": Ref(code_address("acme", "NO"))}
    assert assign.needs == (create.id,)
    assert (assign.parent, assign.live_id) == ("q1", None)


def test_only_declared_fields_are_managed() -> None:
    made = plan(desired([code("NO", "No")]), live([live_code("1", "No", description="kept")]))
    assert sentences(made) == []


def test_a_rename_keeps_the_id() -> None:
    made = plan(desired([code("S", "New", previously=("Old",))]), live([live_code("7", "Old")]))
    assert sentences(made) == ["update code code/S name: 'Old' → 'New'"]
    assert made.changes[0].live_id == "7"
    assert made.changes[0].renames


def test_a_chain_of_renames_is_done_from_its_free_end() -> None:
    made = plan(
        desired([code("A", "two", id="1"), code("B", "three", id="2"), code("C", "four", id="3")]),
        live([live_code("1", "one"), live_code("2", "two"), live_code("3", "three")]),
    )
    assert sentences(made) == [
        "update code code/C name: 'three' → 'four'",
        "update code code/B name: 'two' → 'three'",
        "update code code/A name: 'one' → 'two'",
    ]
    assert [len(change.needs) for change in made.changes] == [0, 1, 1]


def test_a_swap_is_blocked_with_the_way_out() -> None:
    made = plan(
        desired([code("A", "two", id="1"), code("B", "one", id="2")]),
        live([live_code("1", "one"), live_code("2", "two")]),
    )
    assert not made.pending
    assert all("temporary name" in change.reason for change in made.changes)


def test_what_waits_for_a_ring_is_blocked_too() -> None:
    made = plan(
        desired([code("A", "two", id="1"), code("B", "one", id="2"), code("C", "three", id="3")]),
        live([live_code("1", "one"), live_code("2", "two"), live_code("3", "three")]),
    )
    assert [change.address for change in made.outstanding] == ["acme/code/A", "acme/code/B"]


def test_a_name_that_an_unmanaged_code_holds_is_not_taken() -> None:
    made = plan(
        desired([code("A", "Taken", id="1")]),
        live([live_code("1", "Mine"), live_code("2", "Taken")]),
    )
    assert sentences(made) == [
        (
            "update code code/A name: 'Mine' → 'Taken' [blocked: \"Taken\" is live as id 2 and is not this one: "
            "declare that code, pin its `id` here, or rename it first]"
        )
    ]


def test_a_name_freed_by_a_delete_waits_for_the_next_run() -> None:
    made = plan(
        desired([code("OLD", "Promo", id="1", absent=True), code("NEW", "Promo", id=None)]),
        live([live_code("1", "Promo")]),
    )
    assert [change.verb for change in made.pending] == [Verb.DELETE_CODE]
    assert "freed only by a delete" in made.outstanding[0].reason


def test_a_create_waits_for_the_rename_that_frees_its_name() -> None:
    made = plan(
        desired([code("A", "new name", id="1"), code("B", "old name")]), live([live_code("1", "old name")])
    )
    assert sentences(made) == [
        "update code code/A name: 'old name' → 'new name'",
        "create code code/B",
    ]
    assert made.changes[1].needs == (made.changes[0].id,)


def test_an_exact_list_takes_off_what_it_does_not_name() -> None:
    made = plan(
        desired([code("A", "a")], [queue("q", ["A"])]),
        live([live_code("1", "a"), live_code("2", "stranger")], [live_queue("q1", "q")], {"q1": ["1", "2"]}),
    )
    assert sentences(made) == ["unassign queue/q/code/~2"]
    assert made.changes[0].label == "stranger"
    assert made.changes[0].cause is Cause.EXACT


def test_an_additive_list_takes_nothing_off() -> None:
    made = plan(
        desired([code("A", "a")], [queue("q", ["A"], additive=True)]),
        live([live_code("1", "a"), live_code("2", "b")], [live_queue("q1", "q")], {"q1": ["2"]}),
    )
    assert sentences(made) == ["assign queue/q/code/A"]


def test_reserved_and_ignored_codes_stay_on_an_exact_queue() -> None:
    made = plan(
        desired([code("A", "a")], [queue("q", ["A"])], ignore=("ZZ_*",)),
        live(
            [live_code("1", "a"), live_code("2", "ZZ_test"), live_code("3", "ININ-WRAP-UP-TIMEOUT")],
            [live_queue("q1", "q")],
            {"q1": ["1", "2", "3"]},
        ),
    )
    assert sentences(made) == []


def test_codes_of_an_open_question_are_neither_added_nor_taken_off() -> None:
    made = plan(
        desired([code("A", "a", previously=("old a",))], [queue("q", ["A"])]),
        live([live_code("1", "a"), live_code("2", "old a")], [live_queue("q1", "q")], {"q1": ["2"]}),
    )
    assert not made.pending
    assert [change.verb for change in made.outstanding] == [Verb.UPDATE_CODE]


def test_a_queue_that_is_not_live_blocks_its_links_and_names_the_nearest() -> None:
    made = plan(
        desired([code("A", "a")], [queue("q", ["A"], name="Enterprize Sales")]),
        live([live_code("1", "a")], [live_queue("q1", "Enterprise Sales")]),
    )
    assert sentences(made) == [
        (
            'assign queue/q/code/A [blocked: no live queue is named "Enterprize Sales"; '
            'the nearest live name is "Enterprise Sales"]'
        )
    ]


def test_a_pinned_queue_renamed_in_the_ui_is_a_warning() -> None:
    made = plan(
        desired([code("A", "a")], [queue("q", ["A"], name="Old name", id="q1")]),
        live([live_code("1", "a")], [live_queue("q1", "New name")], {"q1": ["1"]}),
    )
    assert sentences(made) == []
    assert 'the platform calls it "New name"' in made.warnings[0].message


def test_a_delete_is_blocked_while_a_queue_outside_the_files_holds_the_code() -> None:
    made = plan(
        desired([code("OLD", "Promo", absent=True)]),
        live([live_code("1", "Promo")], [live_queue("q1", "Legacy")], {"q1": ["1"]}),
    )
    assert not made.pending
    assert 'is still on "Legacy" (id q1)' in made.outstanding[0].reason


def test_unassign_everywhere_takes_it_off_first_and_deletes_last() -> None:
    made = plan(
        desired([code("OLD", "Promo", absent=True, unassign_everywhere=True)]),
        live(
            [live_code("1", "Promo"), live_code("2", "x")], [live_queue("q1", "Legacy")], {"q1": ["1", "2"]}
        ),
    )
    assert sentences(made) == ["unassign queue/~q1/code/OLD", "delete code code/OLD"]
    assert made.changes[1].needs == (made.changes[0].id,)
    assert made.changes[1].before["queues"] == ("q1",)


def test_a_managed_exact_queue_gives_up_a_deleted_code_by_itself() -> None:
    made = plan(
        desired([code("OLD", "Promo", absent=True), code("A", "a")], [queue("q", ["A"])]),
        live([live_code("1", "Promo"), live_code("2", "a")], [live_queue("q1", "q")], {"q1": ["1", "2"]}),
    )
    assert sentences(made) == ["unassign queue/q/code/OLD", "delete code code/OLD"]


def test_a_delete_is_blocked_when_links_were_not_read() -> None:
    have = live([live_code("1", "Promo")], [live_queue("q1", "Legacy")])
    made = plan(desired([code("OLD", "Promo", absent=True)]), replace(have, links={}))
    assert "were not read" in made.outstanding[0].reason


def test_a_delete_is_blocked_while_the_client_sees_half_the_org() -> None:
    made = plan(
        desired([code("OLD", "Promo", absent=True)]),
        live(
            [live_code("1", "Promo")],
            [live_queue("q1", "Legacy", "Sales")],
            divisions=(Division("s", "Sales", codes=0, queues=4),),
        ),
    )
    assert "Sales: 1 of 4 queues" in made.outstanding[0].reason
    assert made.partly_visible == ("Sales (1 of 4 queues)",)


def test_a_delete_without_any_counts_needs_a_token() -> None:
    have = live([live_code("1", "Promo")], divisions=(Division("s", "Sales"),))
    want = desired([code("OLD", "Promo", absent=True)])
    refused = plan(want, have)
    assert [finding.limit for finding in refused.refusals] == ["visibility"]
    assert not plan(want, have, allow=[refused.refusals[0].token]).refusals


def test_a_spent_tombstone_says_so() -> None:
    made = plan(desired([code("OLD", "Promo", absent=True)]), live())
    assert sentences(made) == []
    assert "spent" in made.warnings[0].message


def test_protected_codes_are_neither_deleted_nor_renamed() -> None:
    made = plan(
        desired(
            [
                code("F", "Fraud - Confirmed", absent=True),
                code("G", "Not fraud", previously=("Fraud - Maybe",)),
            ],
            protect=("Fraud*",),
        ),
        live([live_code("1", "Fraud - Confirmed"), live_code("2", "Fraud - Maybe")]),
    )
    assert not made.pending
    assert all("protected" in change.reason for change in made.outstanding)


def test_unmanaged_codes_are_listed_and_left_alone() -> None:
    made = plan(
        desired(protect=("Fraud*",), ignore=("ZZ_*",)),
        live(
            [
                live_code("1", "Fraud"),
                live_code("2", "ININ-X"),
                live_code("3", "Other"),
                live_code("4", "ZZ_1"),
            ]
        ),
    )
    assert sentences(made) == []
    assert [(one.name, one.why) for one in made.unmanaged] == [
        ("Fraud", "protected"),
        ("ININ-X", "reserved"),
        ("Other", "undeclared"),
        ("ZZ_1", "ignored"),
    ]


def test_prune_deletes_undeclared_codes_inside_its_divisions_only() -> None:
    made = plan(
        desired(unmanaged="prune", divisions=("Sales",), protect=("Fraud*",)),
        live(
            [
                live_code("1", "a", division="Sales"),
                live_code("2", "b", division="Service"),
                live_code("3", "Fraud", division="Sales"),
                live_code("4", "everybody's"),
            ],
            divisions=(Division("s", "Sales", 2, 0), Division("v", "Service", 1, 0)),
        ),
    )
    assert sentences(made) == ["delete code code/~1"]
    assert made.changes[0].cause is Cause.PRUNE


def test_prune_without_divisions_deletes_nothing() -> None:
    made = plan(desired(unmanaged="prune"), live([live_code("1", "a")]))
    assert sentences(made) == []


def test_a_code_outside_the_managed_divisions_is_not_touched() -> None:
    made = plan(
        desired([code("A", "a", description="new")], divisions=("Sales",)),
        live([live_code("1", "a", division="Service")]),
    )
    assert "outside `manage.divisions`" in made.outstanding[0].reason


def test_an_unknown_division_blocks_and_names_the_nearest() -> None:
    made = plan(desired([code("A", "a", division="Hme")]), live())
    assert 'no division is named "Hme"; the nearest live name is "Home"' in made.outstanding[0].reason


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 1, 31), []),
        (date(2026, 2, 1), ["assign queue/q/code/A"]),
        (date(2026, 2, 28), ["assign queue/q/code/A"]),
        (date(2026, 3, 1), []),
    ],
)
def test_a_code_is_offered_within_its_dates_alone(day: date, expected: list[str]) -> None:
    want = desired(
        [code("A", "a", valid_from=date(2026, 2, 1), valid_through=date(2026, 2, 28))], [queue("q", ["A"])]
    )
    have = live([live_code("1", "a")], [live_queue("q1", "q")])
    assert sentences(plan(want, have, as_of=day)) == expected


def test_a_lapsed_code_comes_off_additive_queues_too_and_is_kept() -> None:
    made = plan(
        desired(
            [code("A", "a", valid_through=date(2026, 1, 1)), code("B", "b")],
            [queue("q", ["A", "B"], additive=True)],
        ),
        live([live_code("1", "a"), live_code("2", "b")], [live_queue("q1", "q")], {"q1": ["1", "2"]}),
    )
    assert sentences(made) == ["unassign queue/q/code/A"]
    assert made.changes[0].cause is Cause.VALIDITY


def test_a_plan_is_good_until_the_next_validity_date() -> None:
    want = desired(
        [code("A", "a", valid_from=date(2026, 5, 1)), code("B", "b", valid_through=date(2026, 4, 1))]
    )
    assert plan(want, live(), as_of=date(2026, 3, 1)).good_until == date(2026, 4, 1)
    assert plan(want, live(), as_of=date(2026, 4, 2)).good_until == date(2026, 4, 30)
    assert plan(want, live(), as_of=date(2026, 5, 2)).good_until is None


def test_after_call_work_changes_only_what_is_declared() -> None:
    made = plan(
        desired([], [queue("q", after_call_work={"prompt": "mandatory"})]),
        live([], [live_queue("q1", "q", acw={"prompt": "mandatory-timeout", "timeout_ms": 30_000})]),
    )
    assert sentences(made) == [
        "set after-call work queue/q/after-call-work prompt: 'mandatory-timeout' → 'mandatory'"
    ]


def test_outbound_flags_of_a_code_the_mapping_does_not_name_are_the_default_set() -> None:
    have = live([live_code("1", "a")], outbound={}, outbound_default=("right-party-contact",))
    assert sentences(plan(desired([code("A", "a", outbound=("right-party-contact",))]), have)) == []
    assert sentences(plan(desired([code("A", "a", outbound=())]), have)) == [
        "set outbound flags code/A/outbound outbound: ('right-party-contact',) → ()"
    ]


def test_outbound_flags_are_blocked_where_outbound_is_not_set_up() -> None:
    made = plan(desired([code("A", "a", outbound=())]), live([live_code("1", "a")], outbound=None))
    assert "not set up" in made.outstanding[0].reason


def test_the_last_removal_waits_for_the_additions() -> None:
    made = plan(
        desired([code("A", "a"), code("B", "b")], [queue("q", ["B"])]),
        live([live_code("1", "a"), live_code("2", "b")], [live_queue("q1", "q")], {"q1": ["1"]}),
    )
    assert sentences(made) == ["assign queue/q/code/B", "unassign queue/q/code/A"]
    assert made.changes[1].needs == (made.changes[0].id,)


def test_a_queue_whose_only_new_code_is_blocked_keeps_its_old_one() -> None:
    made = plan(
        desired([code("A", "a"), code("B", "b", division="Nowhere")], [queue("q", ["B"])]),
        live([live_code("1", "a")], [live_queue("q1", "q")], {"q1": ["1"]}),
    )
    assert not made.pending


def test_order_is_a_change_of_its_own_where_the_platform_keeps_one() -> None:
    made = plan(
        desired([code("A", "a"), code("B", "b"), code("C", "c")], [queue("q", ["C", "A", "B"])]),
        live([live_code("1", "a"), live_code("2", "b")], [live_queue("q1", "q")], {"q1": ["1", "2"]}),
        capabilities=CXONE_LIKE,
    )
    assert [change.verb for change in made.changes] == [Verb.CREATE_CODE, Verb.ASSIGN, Verb.REORDER]
    assert made.changes[2].after["order"] == (Ref(code_address("acme", "C")), "1", "2")
    assert made.changes[2].needs == (made.changes[0].id,)


def test_where_nothing_can_be_deleted_a_tombstone_deactivates() -> None:
    made = plan(desired([code("A", "a", absent=True)]), live([live_code("1", "a")]), capabilities=CXONE_LIKE)
    assert sentences(made) == ["deactivate code code/A active: True → False"]


def test_a_field_that_the_platform_cannot_hold_is_said_not_dropped() -> None:
    made = plan(desired([code("A", "a", classification="Other")]), live([live_code("1", "a")]))
    assert "has no field for `classification`" in made.warnings[0].message


def test_a_scoped_plan_looks_at_its_codes_and_queues_alone() -> None:
    want = desired([code("A", "a"), code("B", "b")], [queue("q", ["A"]), queue("r", ["B"])])
    have = live([], [live_queue("q1", "q"), live_queue("r1", "r")])
    made = plan(want, have, scope=Scope(frozenset({"A"}), frozenset({"q"})))
    assert sentences(made) == ["create code code/A", "assign queue/q/code/A"]


def test_a_scoped_queue_that_needs_a_code_outside_its_scope_is_blocked() -> None:
    want = desired([code("A", "a")], [queue("q", ["A"])])
    made = plan(want, live([], [live_queue("q1", "q")]), scope=Scope(frozenset(), frozenset({"q"})))
    assert "outside the scope" in made.outstanding[0].reason


# ── the guard ──────────────────────────────────────────────────────────────────────────────────────────────

FOURTEEN = [f"OLD_{number:02}" for number in range(14)]


def test_fourteen_deletes_where_ten_are_allowed_are_refused_with_a_token() -> None:
    limits = Limits(deletes=Limit(max=10))
    tombstones = [code(key, key, absent=True) for key in FOURTEEN]
    have = live([live_code(key, key) for key in FOURTEEN])
    refused = plan(desired(tombstones, limits=limits), have)
    finding = refused.refusals[0]
    assert finding.message == "14 deletes, at most 10 are allowed (`limits.deletes.max`)"
    assert finding.token.startswith("deletes=14@")
    assert not plan(desired(tombstones, limits=limits, allow=[finding.token]), have).refusals
    stale = plan(desired(tombstones[:13], limits=limits, allow=[finding.token]), have)
    assert stale.refusals[0].token != finding.token
    assert "acknowledges nothing in this plan" in stale.warnings[0].message


def test_percentages_count_from_ten_live_objects_up() -> None:
    limits = Limits(updates=Limit(percent=30))
    few = [f"C{number}" for number in range(9)]
    want = desired([code(key, key, description="new") for key in few], limits=limits)
    assert not plan(want, live([live_code(key, key) for key in few])).refusals
    many = [f"C{number}" for number in range(10)]
    want = desired([code(key, key, description="new") for key in many[:4]], limits=limits)
    made = plan(want, live([live_code(key, key) for key in many]))
    assert made.refusals[0].message == (
        "4 updates are 40.0 % of 10 live, at most 30 % are allowed (`limits.updates.percent`)"
    )


def test_a_scoped_plan_applies_absolute_limits_only() -> None:
    limits = Limits(updates=Limit(percent=30, max=4))
    many = [f"C{number}" for number in range(10)]
    want = desired([code(key, key, description="new") for key in many], limits=limits)
    have = live([live_code(key, key) for key in many])
    assert not plan(want, have, scope=Scope(frozenset(many[:4]), frozenset())).refusals
    assert plan(want, have, scope=Scope(frozenset(many[:5]), frozenset())).refusals


def test_a_queue_left_without_codes_is_refused_whatever_the_cause() -> None:
    have = live([live_code("1", "a")], [live_queue("q1", "q")], {"q1": ["1"]})
    cleared = plan(desired([code("A", "a")], [queue("q", [])]), have)
    assert 'left with no code: "q"' in cleared.refusals[0].message
    lapsed = plan(desired([code("A", "a", valid_through=date(2020, 1, 1))], [queue("q", ["A"])]), have)
    assert lapsed.refusals[0].limit == "emptied_queues"


def test_too_many_codes_on_a_queue_are_refused() -> None:
    keys = [f"C{number}" for number in range(4)]
    limits = Limits(codes_per_queue=3)
    made = plan(
        desired([code(key, key) for key in keys], [queue("q", keys)], limits=limits),
        live([live_code(key, key) for key in keys], [live_queue("q1", "q")]),
    )
    assert made.refusals[0].limit == "codes_per_queue"


def test_before_the_first_write_a_part_of_an_acknowledged_set_is_acknowledged() -> None:
    limits = Limits(deletes=Limit(max=1))
    tombstones = [code(key, key, absent=True) for key in FOURTEEN[:3]]
    have = live([live_code(key, key) for key in FOURTEEN[:3]])
    token = plan(desired(tombstones, limits=limits), have).refusals[0].token
    want = desired(tombstones, limits=limits, allow=[token])
    made = plan(want, have)
    again = recheck(made, want.policy)
    assert [finding.accepted for finding in again(have, made.pending[1:])] == ["agreed"]


def test_before_the_first_write_a_queue_that_others_emptied_meanwhile_is_refused() -> None:
    want = desired([code("A", "a")], [queue("q", ["A"])], ignore=("x",))
    have = live(
        [live_code("1", "a"), live_code("2", "b"), live_code("3", "c")],
        [live_queue("q1", "q")],
        {"q1": ["1", "2"]},
    )
    made = plan(want, have)
    assert not made.refusals
    now = replace(have, links={"q1": ("2",)})
    assert recheck(made, want.policy)(now, made.pending)[0].limit == "emptied_queues"


def test_a_finding_cut_out_of_a_saved_plan_is_noticed() -> None:
    limits = Limits(deletes=Limit(max=1))
    tombstones = [code(key, key, absent=True) for key in FOURTEEN[:3]]
    made = plan(desired(tombstones, limits=limits), live([live_code(key, key) for key in FOURTEEN[:3]]))
    data = json.loads(dumps(made))
    data["findings"] = []
    with pytest.raises(PlanUnusable, match="changed after it was made"):
        loads(json.dumps(data))
