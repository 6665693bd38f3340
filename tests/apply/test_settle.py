"""One change, one live state, one judgement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from world import live, live_code, live_queue
from wrapctl.apply.settle import settle
from wrapctl.apply.standing import Known, Stand, Standing, resolve, unresolved
from wrapctl.model import ROW_VERBS, TABLE_VERBS, Address, Change, Live, Ref, Value, Verb

AT = Address("acme/code/A")
QUEUE = Address("acme/queue/Q")


def update(before: dict[str, Value], after: dict[str, Value]) -> Change:
    return Change(Verb.UPDATE_CODE, AT, before, after, live_id="1")


def delete(**more: Value) -> Change:
    before: dict[str, Value] = {"name": "A", "description": "", "division": "*", "queues": ("q1",), **more}
    return Change(Verb.DELETE_CODE, AT, before, {}, live_id="1")


def assign(code: str | Ref) -> Change:
    live_id = code if isinstance(code, str) else None
    return Change(Verb.ASSIGN, QUEUE, {}, {"code": code}, live_id=live_id, parent="q1")


def unassign(code: str) -> Change:
    return Change(Verb.UNASSIGN, QUEUE, {"code": code}, {}, live_id=code, parent="q1")


def world(*held: str, **fields: Value) -> Live:
    return live(
        [live_code("1", str(fields.pop("name", "A")), **fields), live_code("2", "B"), live_code("3", "C")],
        [live_queue("q1", "Q")],
        {"q1": held},
    )


def verdict(standing: Standing) -> str:
    return f"{standing.stand}: {standing.why}" if standing.why else str(standing.stand)


# ── update ─────────────────────────────────────────────────────────────────────────────────────────────────

RENAME = update({"name": "A", "description": "x"}, {"name": "Z", "description": "x"})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"description": "x"}, "as planned"),
        ({"name": "Z", "description": "x"}, "already as wanted"),
        ({"name": "M", "description": "x"}, "stale: name changed since the plan was made"),
        ({"description": "y"}, "stale: description changed since the plan was made"),
        ({"name": "M", "description": "y"}, "stale: description, name changed since the plan was made"),
        ({"description": "x", "division": "Elsewhere"}, "as planned"),
        ({"name": "Z", "description": "y"}, "stale: description changed since the plan was made"),
    ],
)
def test_an_update_is_judged_by_its_managed_fields(fields: dict[str, Value], expected: str) -> None:
    standing = settle(RENAME, world(**fields))

    assert verdict(standing) == expected
    assert standing.planned == {"name": "A", "description": "x"}
    assert standing.wanted == {"name": "Z", "description": "x"}
    assert standing.now == {"name": fields.get("name", "A"), "description": fields["description"]}


def test_an_update_half_of_which_is_live_already_is_still_written() -> None:
    change = update({"name": "A", "description": "x"}, {"name": "Z", "description": "y"})

    assert settle(change, world(name="Z", description="x")).stand is Stand.AS_PLANNED


def test_merge_takes_the_live_value_of_a_field_that_is_only_carried() -> None:
    standing = settle(RENAME, world(description="theirs"), merge=True)

    assert (standing.stand, standing.drift) == (Stand.AS_PLANNED, ("description",))
    assert standing.change.after == {"name": "Z", "description": "theirs"}
    assert standing.wanted == {"name": "Z", "description": "x"}


def test_merge_finds_nothing_left_to_write_when_the_written_field_is_live() -> None:
    standing = settle(RENAME, world(name="Z", description="theirs"), merge=True)

    assert (standing.stand, standing.drift) == (Stand.ALREADY, ("description",))


def test_merge_never_lets_a_written_field_through() -> None:
    assert settle(RENAME, world(name="M", description="x"), merge=True).stand is Stand.STALE


def test_an_update_of_a_code_that_is_gone_is_stale() -> None:
    standing = settle(replace(RENAME, live_id="9"), world())

    assert (verdict(standing), standing.now) == ("stale: the code is not there any more", None)


def test_after_call_work_is_judged_like_any_update() -> None:
    change = Change(
        Verb.SET_ACW,
        QUEUE,
        {"prompt": "optional", "timeout_ms": None},
        {"prompt": "mandatory", "timeout_ms": None},
        live_id="q1",
        parent="q1",
    )
    one = world()
    assert settle(change, one).stand is Stand.AS_PLANNED
    done = replace(one, queues=(live_queue("q1", "Q", acw={"prompt": "mandatory", "timeout_ms": None}),))
    assert settle(change, done).stand is Stand.ALREADY
    moved = replace(one, queues=(live_queue("q1", "Q", acw={"prompt": "agent", "timeout_ms": None}),))
    assert settle(change, moved).stand is Stand.STALE
    assert verdict(settle(change, replace(one, queues=()))) == "stale: the queue is not there any more"


# ── create ─────────────────────────────────────────────────────────────────────────────────────────────────

CREATE = Change(Verb.CREATE_CODE, AT, {}, {"name": "A", "description": "x"})


def test_a_create_of_a_free_name_is_as_planned() -> None:
    assert settle(CREATE, world(name="Other")).stand is Stand.AS_PLANNED


def test_a_create_that_is_live_already_gives_its_id() -> None:
    standing = settle(CREATE, world(description="x"))

    assert (standing.stand, standing.live_id) == (Stand.ALREADY, "1")


def test_a_create_whose_name_is_live_with_other_fields_is_stale() -> None:
    standing = settle(CREATE, world(description="y"))

    assert verdict(standing) == "stale: a code of that name is live with another description"
    assert (standing.planned, standing.now) == ({}, {"name": "A", "description": "y"})


def test_a_name_that_differs_in_case_is_not_that_name() -> None:
    assert settle(CREATE, world(name="a")).stand is Stand.AS_PLANNED


def test_a_name_that_this_run_is_about_to_free_is_free() -> None:
    known = Known(ids={}, renaming=frozenset({"1"}))

    assert settle(CREATE, world(description="y"), known).stand is Stand.AS_PLANNED


def test_two_codes_of_the_wanted_name_are_stale_naming_both() -> None:
    twice = live([live_code("1", "A", description="x"), live_code("2", "A", description="x")])

    assert verdict(settle(CREATE, twice)) == "stale: several codes of that name are live: 1, 2"


def test_a_receipt_is_looked_up_by_its_id_even_when_the_name_is_there_twice() -> None:
    twice = live([live_code("1", "A", description="x"), live_code("2", "A", description="x")])
    standing = settle(CREATE, twice, Known(ids={AT: "2"}))

    assert (standing.stand, standing.live_id) == (Stand.ALREADY, "2")


# ── delete ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_delete_of_what_is_gone_is_already_done() -> None:
    assert settle(replace(delete(), live_id="9"), world()).stand is Stand.ALREADY


def test_a_delete_of_a_code_that_was_edited_is_stale_even_when_merging() -> None:
    standing = settle(delete(), world(description="now in use"), merge=True)

    assert verdict(standing) == "stale: description changed since the plan was made"


@pytest.mark.parametrize(
    ("held", "removed", "expected"),
    [
        ((), (), "as planned"),
        (("1",), (), "as planned"),
        (("1",), (("q1", "1"),), "stale: held by a queue that did not hold it then: Q"),
        ((), (("q1", "1"),), "as planned"),
        (("1",), (("q1", "2"), ("q2", "1")), "as planned"),
    ],
)
def test_a_holder_that_this_run_took_off_must_stay_off(
    held: tuple[str, ...], removed: tuple[tuple[str, str], ...], expected: str
) -> None:
    assert verdict(settle(delete(), world(*held), Known(ids={}, removed=frozenset(removed)))) == expected


def test_a_holder_that_the_plan_does_not_know_is_stale_and_shown() -> None:
    standing = settle(delete(queues=()), world("1"))

    assert verdict(standing) == "stale: held by a queue that did not hold it then: Q"
    assert standing.now is not None
    assert standing.now["queues"] == ("q1",)


def test_a_deactivation_is_done_when_the_code_is_gone_or_inactive() -> None:
    change = replace(
        delete(active=True), verb=Verb.DEACTIVATE_CODE, after={"name": "A", "active": False, "queues": ()}
    )

    assert settle(change, world("1")).stand is Stand.AS_PLANNED
    assert settle(change, world(active=False)).stand is Stand.ALREADY
    assert settle(replace(change, live_id="9"), world()).stand is Stand.ALREADY
    assert settle(change, world(description="edited")).stand is Stand.STALE


# ── links ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_is_judged_by_its_presence() -> None:
    assert settle(assign("1"), world()).stand is Stand.AS_PLANNED
    assert settle(assign("1"), world("1")).stand is Stand.ALREADY
    assert settle(unassign("1"), world("1")).stand is Stand.AS_PLANNED
    assert settle(unassign("1"), world()).stand is Stand.ALREADY


def test_without_its_queue_or_code_an_assignment_is_stale_and_a_removal_is_done() -> None:
    no_queue = replace(world(), queues=(), links={})
    assert verdict(settle(assign("1"), no_queue)) == "stale: the queue is not there any more"
    assert verdict(settle(assign("9"), world())) == "stale: the code is not there any more"
    assert settle(unassign("1"), no_queue).stand is Stand.ALREADY
    assert settle(unassign("9"), world()).stand is Stand.ALREADY


def test_a_link_to_a_code_of_this_run_waits_for_its_receipt() -> None:
    change = assign(Ref(AT))

    assert settle(change, world()).stand is Stand.AS_PLANNED
    assert settle(change, world("2"), Known(ids={AT: "2"})).stand is Stand.ALREADY
    assert settle(change, world(), Known(ids={AT: "2"})).change.live_id == "2"


# ── order and flags ────────────────────────────────────────────────────────────────────────────────────────


def reorder(before: tuple[Value, ...], after: tuple[Value, ...]) -> Change:
    return Change(Verb.REORDER, QUEUE, {"order": before}, {"order": after}, live_id="q1", parent="q1")


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (("1", "2"), "as planned"),
        (("2", "1"), "already as wanted"),
        (("1",), "stale: a code was taken off the queue since the plan was made"),
        (("1", "2", "3"), "stale: the queue holds a code that it did not hold then"),
    ],
)
def test_an_order_is_judged_by_position(held: tuple[str, ...], expected: str) -> None:
    assert verdict(settle(reorder(("1", "2"), ("2", "1")), world(*held))) == expected


def test_this_runs_own_links_come_and_go_around_an_order() -> None:
    change = reorder(("1", "2"), ("3", "1"))  # 2 comes off, 3 comes on, in front

    for held in (("1", "2"), ("1", "2", "3"), ("1", "3"), ("1",)):
        assert settle(change, world(*held)).stand is Stand.AS_PLANNED, held
    for held in (("3", "1"), ("3", "2", "1")):
        assert settle(change, world(*held)).stand is Stand.ALREADY, held


def test_three_codes_in_an_order_that_is_neither_are_stale() -> None:
    change = reorder(("1", "2", "3"), ("3", "2", "1"))

    assert verdict(settle(change, world("2", "1", "3"))) == "stale: the order changed since the plan was made"


def flags(before: dict[str, Value], after: dict[str, Value], live_id: str | None = "1") -> Change:
    return Change(Verb.SET_OUTBOUND, AT, before, after, live_id=live_id)


def test_flags_are_judged_with_the_default_of_codes_that_the_mapping_does_not_name() -> None:
    change = flags({"outbound": ()}, {"outbound": ("x",)})
    one = world()

    assert settle(change, one).stand is Stand.AS_PLANNED
    assert settle(change, replace(one, outbound={"1": ("x",)})).stand is Stand.ALREADY
    assert settle(change, replace(one, outbound={"1": ("y",)})).stand is Stand.STALE
    assert settle(change, replace(one, outbound_default=("x",))).stand is Stand.ALREADY
    assert verdict(settle(change, replace(one, outbound=None))) == "stale: outbound is not set up in this org"


def test_flags_of_a_code_of_this_run_replace_the_default_and_nothing_else() -> None:
    change = flags({}, {"outbound": ("x",), "code": Ref(AT)}, live_id=None)
    known = Known(ids={AT: "1"})
    one = replace(world(), outbound_default=("d",))

    assert settle(change, one).stand is Stand.AS_PLANNED
    assert settle(change, replace(one, outbound={"1": ("d",)}), known).stand is Stand.AS_PLANNED
    assert settle(change, replace(one, outbound={"1": ("x",)}), known).stand is Stand.ALREADY
    assert settle(change, replace(one, outbound={"1": ("theirs",)}), known).stand is Stand.STALE


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb in ROW_VERBS | TABLE_VERBS])
def test_what_a_system_holds_that_was_not_read_is_neither_as_planned_nor_stale(verb: Verb) -> None:
    change = Change(verb, AT, {}, {}, system="crm")

    assert settle(change, world()).stand is Stand.UNREAD
    assert settle(change, replace(world(), unread={"crm": "it is down"})).why == "it is down"


def test_references_are_resolved_wherever_they_stand() -> None:
    change = reorder((), ("1", Ref(AT), Ref(QUEUE)))

    assert resolve(change, {AT: "7"}).after == {"order": ("1", "7", Ref(QUEUE))}
    assert unresolved(resolve(change, {AT: "7"})) == (QUEUE,)
    assert resolve(assign(Ref(AT)), {AT: "7"}).live_id == "7"
