"""What must hold for every world: shuffling, doing, saving."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from world import GENESYS_LIKE, code, desired, live, live_code, live_queue, plan, queue
from wrapctl.model import Change, Code, Desired, Division, Live, LiveCode, LiveQueue, Queue, Ref, State, Verb
from wrapctl.plan.file import dumps, loads
from wrapctl.plan.guard import token
from wrapctl.plan.plan import Plan
from wrapctl.plan.units import cut

ODD = [
    "No",
    "1",
    "01.Traité",
    "Sales Rep / Plant",
    "ANSWERING_MACHINE",
    "Answering Machine",
    "😀 ",
    "é",
    "é",
    "null",
]
FORMER = ["was one", "was two", "Fraud - Old", "ZZ_temp"]
DAYS = st.one_of(st.none(), st.dates(date(2026, 3, 1), date(2026, 3, 20)))


@st.composite
def wanted(draw: st.DrawFn) -> Desired:
    names = draw(st.lists(st.sampled_from(ODD), unique=True, max_size=6))
    codes: list[Code] = []
    for index, name in enumerate(names):
        codes.append(
            code(
                f"K{index}",
                name,
                description=draw(st.sampled_from(["", "what it means"])),
                absent=draw(st.booleans()) and draw(st.booleans()),
                unassign_everywhere=draw(st.booleans()),
                previously=tuple(draw(st.lists(st.sampled_from(FORMER), max_size=1))),
                valid_from=draw(DAYS) if draw(st.booleans()) else None,
                outbound=draw(st.sampled_from([None, (), ("business-success",)])),
            )
        )
    present = [one.key for one in codes if not one.absent]
    queues: list[Queue] = [
        queue(
            label,
            draw(
                st.one_of(
                    st.none(), st.lists(st.sampled_from(present), unique=True) if present else st.just([])
                )
            ),
            additive=draw(st.booleans()),
            after_call_work=draw(st.sampled_from([None, {"prompt": "mandatory"}])),
        )
        for label in draw(st.lists(st.sampled_from(["q1", "q2", "q9"]), unique=True))
    ]
    return desired(
        codes,
        queues,
        ignore=("ZZ_*",),
        protect=("Fraud*",),
        unmanaged=draw(st.sampled_from(["report", "prune"])),
        divisions=("*",),
    )


@st.composite
def existing(draw: st.DrawFn) -> Live:
    names = draw(st.lists(st.sampled_from([*ODD, *FORMER, "ININ-X", "stranger"]), unique=True, max_size=7))
    codes: list[LiveCode] = [
        live_code(f"id-{index}", name, description=draw(st.sampled_from(["", "other"])))
        for index, name in enumerate(names)
    ]
    queues: list[LiveQueue] = [live_queue(name, name) for name in ("q1", "q2")]
    ids = [one.id for one in codes]
    links = {one.id: sorted(draw(st.sets(st.sampled_from(ids)))) if ids else [] for one in queues}
    return live(codes, queues, links)


def done(made: Plan, before: Live) -> Live:
    """What would be live after every pending change happened, in order; fails on a change that cannot happen."""
    codes = {one.id: one for one in before.codes}
    links = {queue_id: set(held) for queue_id, held in before.links.items()}
    acw = {one.id: one for one in before.queues}
    flags = dict(before.outbound or {})
    made_ids: dict[str, str] = {}
    happened = set()
    for change in made.pending:
        assert all(need in happened for need in change.needs), f"{change.id} goes before what it needs"
        _do(change, codes, links, acw, flags, made_ids)
        happened.add(change.id)
    return replace(
        before,
        codes=tuple(codes.values()),
        queues=tuple(acw.values()),
        links={queue_id: tuple(sorted(held)) for queue_id, held in links.items()},
        link_names={one.id: one.name for one in codes.values()},
        outbound=flags,
        divisions=(Division("d-home", "Home", 0, 2),),
    )


def _do(
    change: Change,
    codes: dict[str, LiveCode],
    links: dict[str, set[str]],
    queues: dict[str, LiveQueue],
    flags: dict[str, tuple[str, ...]],
    made_ids: dict[str, str],
) -> None:
    names = {one.name for one in codes.values()}
    target = change.live_id
    reference = change.after.get("code")
    if isinstance(reference, Ref):
        target = made_ids[reference.address]
    if change.verb is Verb.CREATE_CODE:
        name = str(change.after["name"])
        assert name not in names
        new = f"new-{len(codes)}-{name}"
        made_ids[change.address] = new
        codes[new] = live_code(new, name, **{k: v for k, v in change.after.items() if k != "name"})
    elif change.verb is Verb.UPDATE_CODE:
        assert target is not None
        name = str(change.after["name"])
        assert name == codes[target].name or name not in names
        assert {k: codes[target].fields[k] for k in change.before} == dict(change.before)
        codes[target] = LiveCode(target, name, {**codes[target].fields, **change.after})
    elif change.verb is Verb.DELETE_CODE:
        assert target is not None
        assert not any(target in held for held in links.values()), "deleted while a queue still offers it"
        del codes[target]
    elif change.verb is Verb.ASSIGN:
        assert target in codes
        assert target not in links[change.parent or ""]
        links[change.parent or ""].add(target or "")
    elif change.verb is Verb.UNASSIGN:
        links[change.parent or ""].remove(target or "")
    elif change.verb is Verb.SET_ACW:
        old = queues[target or ""]
        queues[target or ""] = replace(old, after_call_work={**old.after_call_work, **change.after})
    elif change.verb is Verb.SET_OUTBOUND:
        value = change.after["outbound"]
        assert isinstance(value, tuple)
        flags[target or ""] = tuple(str(flag) for flag in value)
    else:
        raise AssertionError(change.verb)


@settings(max_examples=300, deadline=None)
@given(wanted(), existing())
def test_doing_the_plan_leaves_nothing_pending_but_what_it_freed(want: Desired, have: Live) -> None:
    made = plan(want, have)
    again = plan(want, done(made, have))
    # A create that waited for a delete in the same plan, and what waited for it, are the one exception.
    waited = {change.address for change in made.outstanding if "freed only by a delete" in change.reason}
    assert {
        change.address
        for change in again.pending
        if change.address not in waited and not {need.address for need in change.needs} & waited
    } <= {change.address for change in made.outstanding}


@settings(max_examples=200, deadline=None)
@given(wanted(), existing(), st.randoms(use_true_random=False))
def test_shuffled_input_gives_the_same_bytes(want: Desired, have: Live, rng: random.Random) -> None:
    first = dumps(plan(want, have))
    codes, queues = list(have.codes), list(have.queues)
    rng.shuffle(codes)
    rng.shuffle(queues)
    mixed = replace(
        have, codes=tuple(codes), queues=tuple(queues), links=dict(reversed(list(have.links.items())))
    )
    wanted_codes = list(want.codes)
    rng.shuffle(wanted_codes)
    assert dumps(plan(replace(want, codes=tuple(wanted_codes)), mixed)) == first


@settings(max_examples=200, deadline=None)
@given(wanted(), existing())
def test_nothing_protected_reserved_or_undecided_is_ever_pending(want: Desired, have: Live) -> None:
    names = {one.id: one.name for one in have.codes}
    for change in plan(want, have).pending:
        name = names.get(change.live_id or "", "")
        assert not name.startswith("ININ-")
        assert not name.startswith("ZZ_")
        if change.verb is Verb.DELETE_CODE or change.renames:
            assert not name.startswith("Fraud")


@settings(max_examples=200, deadline=None)
@given(wanted(), existing())
def test_a_saved_plan_is_the_same_plan(want: Desired, have: Live) -> None:
    made = plan(want, have)
    assert loads(dumps(made)) == made


@settings(max_examples=200, deadline=None)
@given(wanted(), existing())
def test_every_pending_change_travels_in_exactly_one_unit(want: Desired, have: Live) -> None:
    made = plan(want, have)
    units = cut(made.pending, GENESYS_LIKE.verbs)
    carried = [change.id for unit in units for change in unit.changes]
    assert sorted(map(str, carried)) == sorted(str(change.id) for change in made.pending)
    assert [unit.rank for unit in units] == sorted(unit.rank for unit in units)


@given(st.lists(st.text(), unique=True), st.randoms(use_true_random=False))
def test_a_token_names_a_set_whatever_its_order(subjects: list[str], rng: random.Random) -> None:
    mixed = subjects[:]
    rng.shuffle(mixed)
    assert token("deletes", subjects, 3) == token("deletes", mixed, 3)
    assert (
        token("deletes", [*subjects, "one more"], 3) != token("deletes", subjects, 3)
        or "one more" in subjects
    )


@settings(max_examples=100, deadline=None)
@given(wanted(), existing())
def test_the_digest_covers_the_organization_and_nothing_that_a_reader_sees_only(
    want: Desired, have: Live
) -> None:
    here = plan(want, have)
    elsewhere = plan(want, replace(have, identity=replace(have.identity, id="org-2")))
    assert not {c.digest for c in here.changes} & {c.digest for c in elsewhere.changes}
    held = [c for c in here.changes if c.state is not State.READY]
    assert all(c.digest for c in held)
