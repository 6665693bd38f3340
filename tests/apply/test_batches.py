from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fake_crm import ONE_BY_ONE, TABLE_LIKE
from world import CXONE_LIKE, GENESYS_LIKE
from wrapctl.apply.batches import SIZE, batches, lanes
from wrapctl.model import Address, Change, ChangeId, Verb, row_address, table_address
from wrapctl.plan.units import Unit, cut


def rename(name: str, *needs: str) -> Change:
    return Change(
        Verb.UPDATE_CODE,
        Address(name),
        {"name": name},
        {"name": f"{name}!"},
        live_id=name,
        needs=tuple(ChangeId(Verb.UPDATE_CODE, Address(need)) for need in needs),
    )


def unassign(queue: str, code: str) -> Change:
    return Change(Verb.UNASSIGN, Address(f"{queue}/{code}"), {"code": code}, {}, live_id=code, parent=queue)


def needs_of(changes: list[Change]) -> dict[ChangeId, tuple[ChangeId, ...]]:
    return {change.id: change.needs for change in changes}


def names(found: tuple[tuple[Unit, ...], ...]) -> list[list[str]]:
    return [[unit.changes[0].address for unit in batch] for batch in found]


def test_a_batch_has_one_verb_and_at_most_fifty_units() -> None:
    changes = [rename(f"c{n:03}") for n in range(120)]
    changes += [unassign("q", f"c{n:03}") for n in range(3)]

    found = batches(cut(changes, GENESYS_LIKE.verbs), needs_of(changes))

    assert [len(batch) for batch in found] == [SIZE, SIZE, 20, 3]
    assert [{unit.changes[0].verb for unit in batch} for batch in found][-1] == {Verb.UNASSIGN}


def test_a_chain_is_a_batch_for_each_link_and_what_is_free_goes_first() -> None:
    changes = [rename("c"), rename("b", "c"), rename("a", "b"), rename("z")]

    assert names(batches(cut(changes, {}), needs_of(changes))) == [["c", "z"], ["b"], ["a"]]


def test_a_chain_of_thousands_does_not_exhaust_the_stack() -> None:
    changes = [rename("0"), *(rename(str(n), str(n - 1)) for n in range(1, 5000))]

    assert len(batches(cut(changes, {}), needs_of(changes))) == 5000


def test_units_that_folding_has_tied_into_a_ring_are_all_still_there() -> None:
    changes = [rename("a", "b"), rename("b", "a"), rename("c")]

    assert sorted(
        name for batch in names(batches(cut(changes, {}), needs_of(changes))) for name in batch
    ) == [
        "a",
        "b",
        "c",
    ]


def test_a_unit_whose_need_has_a_later_verb_goes_behind_it() -> None:
    late = unassign("q", "x")
    early = Change(Verb.UPDATE_CODE, Address("a"), {}, {}, live_id="a", needs=(late.id,))

    assert names(batches(cut([early, late], {}), needs_of([early, late]))) == [["q/x"], ["a"]]


@given(
    st.lists(st.sets(st.integers(0, 30), max_size=3), max_size=31),
    st.integers(1, 7),
)
def test_no_unit_goes_before_or_beside_what_it_needs(wanted: list[set[int]], size: int) -> None:
    changes = [
        rename(f"{n:02}", *(f"{need:02}" for need in needed if need < n)) for n, needed in enumerate(wanted)
    ]

    found = names(batches(cut(changes, {}), needs_of(changes), size))

    when = {name: number for number, batch in enumerate(found) for name in batch}
    assert len(when) == len(changes)
    assert all(len(batch) <= size for batch in found)
    for change in changes:
        assert all(when[need.address] < when[change.address] for need in change.needs)


def test_units_of_one_object_share_a_lane_and_others_do_not() -> None:
    changes = [unassign("q1", "a"), unassign("q1", "b"), unassign("q2", "a")]
    changes += [Change(Verb.CREATE_CODE, Address(name), {}, {"name": name}) for name in ("x", "y")]

    found = lanes(cut(changes, GENESYS_LIKE.verbs))

    assert sorted([unit.changes[0].address for unit in lane] for lane in found) == [
        ["q1/a", "q1/b"],
        ["q2/a"],
        ["x"],
        ["y"],
    ]


def test_halves_of_one_folded_write_share_a_lane() -> None:
    changes = [Change(Verb.CREATE_CODE, Address(f"{n:03}"), {}, {"name": str(n)}) for n in range(120)]

    assert [len(lane) for lane in lanes(cut(changes, CXONE_LIKE.verbs))] == [3]


def row(system: str, name: str, verb: Verb = Verb.CREATE_ROW) -> Change:
    return Change(verb, row_address("acme", system, f"to/{name}"), {}, {"key": f"to/{name}"}, system=system)


def test_single_rows_go_side_by_side_and_many_in_a_request_take_turns_within_their_system() -> None:
    changes = [row(system, f"{n:03}") for system in ("bulk", "single") for n in range(250)]
    changes += [row("bulk", f"{n:03}", Verb.UPDATE_ROW) for n in range(3)]
    units = cut(changes, {}, {"bulk": TABLE_LIKE, "single": ONE_BY_ONE})

    found = batches(units, {}, size=1000)

    assert [len(batch) for batch in found] == [252, 3], "the systems share a batch"
    assert sorted(len(lane) for lane in lanes(found[0])) == [*[1] * 250, 2]
    assert all(len({unit.system for unit in lane}) == 1 for lane in lanes(found[0]))
    assert [len(lane) for lane in lanes(found[1])] == [1, 1, 1]


def test_a_table_comes_before_the_rows_of_its_system_and_beside_those_of_no_other() -> None:
    table = Change(Verb.CREATE_TABLE, table_address("acme", "sf"), {}, {"columns": ("a",)}, system="sf")
    changes = [table, row("sf", "A"), row("now", "A")]
    can = {"sf": TABLE_LIKE, "now": TABLE_LIKE}

    found = batches(cut(changes, {}, can), {changes[1].id: (table.id,)})

    assert [[unit.changes[0].verb for unit in batch] for batch in found] == [
        [Verb.CREATE_TABLE],
        [Verb.CREATE_ROW, Verb.CREATE_ROW],
    ]
