from __future__ import annotations

import random
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from wrapctl.plan.matching import Declared, match


def test_an_exact_name_is_adopted() -> None:
    assert match([Declared("A", "No")], [("1", "No"), ("2", "Yes")]).ids == {"A": "1"}


def test_a_pin_wins_over_a_name() -> None:
    found = match([Declared("A", "No", id="2")], [("1", "No"), ("2", "Yes")])
    assert found.ids == {"A": "2"}


def test_a_pin_that_is_not_live_blocks_and_claims_nothing() -> None:
    found = match([Declared("A", "No", id="9")], [("1", "No")])
    assert found.ids == {}
    assert "pinned id 9 is not live" in found.blocked["A"]


def test_a_tombstone_whose_pin_is_gone_is_spent_not_blocked() -> None:
    found = match([Declared("A", "No", id="9", exact=True)], [("1", "No")])
    assert (found.ids, found.blocked) == ({}, {})


def test_one_id_pinned_twice_blocks_both() -> None:
    found = match([Declared("A", "a", id="1"), Declared("B", "b", id="1")], [("1", "a")])
    assert set(found.blocked) == {"A", "B"}
    assert found.held == {"1"}


def test_a_former_name_is_a_rename() -> None:
    assert match([Declared("A", "New", previously=["Old"])], [("1", "Old")]).ids == {"A": "1"}


def test_new_and_former_name_both_live_are_a_question() -> None:
    found = match([Declared("A", "New", previously=["Old"])], [("1", "Old"), ("2", "New")])
    assert found.ids == {}
    assert found.blocked["A"].startswith("both live:")
    assert "id 1" in found.blocked["A"]
    assert "id 2" in found.blocked["A"]


def test_two_former_names_live_are_a_question_naming_both() -> None:
    found = match([Declared("A", "New", previously=["Old", "Older"])], [("1", "Old"), ("2", "Older")])
    assert "id 1" in found.blocked["A"]
    assert "id 2" in found.blocked["A"]


def test_one_former_name_wanted_by_two_blocks_both_and_nobody_else() -> None:
    found = match(
        [
            Declared("A", "A2", previously=["Old"]),
            Declared("B", "B2", previously=["Old"]),
            Declared("C", "C"),
        ],
        [("1", "Old"), ("3", "C")],
    )
    assert set(found.blocked) == {"A", "B"}
    assert found.ids == {"C": "3"}


def test_two_live_objects_of_one_name_block_it() -> None:
    found = match([Declared("A", "Same")], [("1", "Same"), ("2", "Same")])
    assert "1, 2" in found.blocked["A"]


def test_case_and_unicode_form_are_a_rename() -> None:
    nfd = unicodedata.normalize("NFD", "Réponse")
    assert match([Declared("A", "réponse")], [("1", nfd)]).ids == {"A": "1"}


def test_two_declared_that_differ_in_case_take_the_exact_one_and_create_the_other() -> None:
    found = match([Declared("A", "Call Back"), Declared("B", "call back")], [("1", "Call Back")])
    assert found.ids == {"A": "1"}
    assert found.blocked == {}


def test_two_declared_near_one_live_are_both_blocked() -> None:
    found = match([Declared("A", "Call back"), Declared("B", "call Back")], [("1", "CALL BACK")])
    assert set(found.blocked) == {"A", "B"}
    assert "wanted by A, B" in found.blocked["A"]


def test_a_tombstone_never_takes_a_similar_name() -> None:
    assert match([Declared("A", "promo", exact=True)], [("1", "Promo")]).ids == {}


names = st.sampled_from(["a", "A", "b", "B", "é", "é", "c", "d"])
declared_sets = st.lists(
    st.builds(
        lambda name, pin, previously, exact: (name, pin, previously, exact),
        names,
        st.one_of(st.none(), st.sampled_from(["1", "2", "3", "9"])),
        st.lists(names, max_size=2),
        st.booleans(),
    ),
    max_size=6,
)
live_sets = st.dictionaries(st.sampled_from("123456"), names, max_size=6)


@given(declared_sets, live_sets, st.randoms(use_true_random=False))
def test_order_never_matters_and_no_object_is_claimed_twice(
    rows: list[tuple[str, str | None, list[str], bool]], live: dict[str, str], rng: random.Random
) -> None:
    declared = [
        Declared(f"K{index}", name, pin, previously, exact)
        for index, (name, pin, previously, exact) in enumerate(rows)
    ]
    first = match(declared, live.items())
    shuffled, items = declared[:], list(live.items())
    rng.shuffle(shuffled)
    rng.shuffle(items)
    second = match(shuffled, items)
    assert (first.ids, first.blocked, first.held) == (second.ids, second.blocked, second.held)
    assert len(set(first.ids.values())) == len(first.ids)
    assert not set(first.ids) & set(first.blocked)
    assert not set(first.ids.values()) & first.held
    assert set(first.ids.values()) <= set(live)
