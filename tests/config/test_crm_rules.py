"""Rules from a CRM to codes: what is emitted means what a person reads in the YAML, and warnings are exact."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from project_files import ORG, acme, load
from wrapctl.config import rules
from wrapctl.config.project import OrgConfig
from wrapctl.model import Value

Rule = Mapping[str, Any]

FIELDS = ("status", "Reason", "object")
VALUES = ("A", "B", "C")
CODES = "kind: WrapUpCodes\ncodes:\n" + "".join(f"  C{n}: {{name: C{n}}}\n" for n in range(12))

WHEN = st.dictionaries(
    st.sampled_from(FIELDS),
    st.one_of(st.sampled_from(VALUES), st.lists(st.sampled_from(VALUES), min_size=1, max_size=3)),
    min_size=1,
    max_size=3,
)
CONDITION = st.one_of(
    st.builds(lambda status: {"status": status}, st.sampled_from((*VALUES, "*"))),
    st.builds(lambda when: {"when": when}, WHEN),
)
RULES = st.lists(CONDITION, min_size=1, max_size=12).map(
    lambda found: [{**one, "code": f"C{number}"} for number, one in enumerate(found)]
)
FACTS = st.dictionaries(st.sampled_from((*FIELDS, "other")), st.sampled_from((*VALUES, "never heard of")))


def yaml(found: list[Rule]) -> str:
    lines = [
        f"  - {{{', '.join(f'{key}: {flow(value)}' for key, value in rule.items())}}}\n" for rule in found
    ]
    return (
        "kind: CrmMapping\nsystem: sf\ntarget: {type: genesys-datatable, table: Codes}\nunmapped_codes: ignore\nfrom_crm:\n"
        + "".join(lines)
    )


def flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(value) + "]"
    return f'"{value}"'


def read_plainly(found: list[Rule], facts: Mapping[str, str]) -> str | None:
    """The list as a person reads it: from the top, the first one that fits."""
    for rule in found:
        if "status" in rule:
            if rule["status"] == "*" or facts.get("status") == rule["status"]:
                return str(rule["code"])
            continue
        fits = True
        for field, wanted in rule["when"].items():
            options = wanted if isinstance(wanted, list) else [wanted]
            if field not in facts or facts[field] not in options:
                fits = False
        if fits:
            return str(rule["code"])
    return None


def distinct(found: list[Rule]) -> list[Rule]:
    """Without rules of a condition that stood before: those are errors."""
    seen, out = set(), []
    for rule in found:
        condition = rules.normal(rule.get("status"), _lists(rule.get("when")))
        if condition not in seen:
            seen.add(condition)
            out.append(rule)
    return out


def _lists(when: Any) -> Any:
    if when is None:
        return None
    return {name: value if isinstance(value, list) else [value] for name, value in when.items()}


def resolved(found: list[Rule]) -> OrgConfig:
    with tempfile.TemporaryDirectory() as folder:
        return load(acme(Path(folder), org=ORG, codes=CODES, crm=yaml(found)))


def warned(config: OrgConfig) -> set[int]:
    """The places, from 0, of the rules that are said never to match."""
    first = 6
    return {one.source.line - first for one in config.warnings if "can never match" in one.message}


@settings(max_examples=150, deadline=None)
@given(RULES, st.lists(FACTS, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_emitted_order_gives_the_same_first_match_as_a_plain_reading(
    found: list[Rule], cases: list[dict[str, str]], shuffle: random.Random
) -> None:
    found = distinct(found)
    config = resolved(found)
    rows = [row.fields for row in config.desired.crm[0].rows]
    assert len(rows) == len(found)  # a rule that can never match is a row all the same
    shuffle.shuffle(rows)
    for facts in cases:
        assert rules.first_match(rows, facts) == read_plainly(found, facts)


@settings(max_examples=150, deadline=None)
@given(RULES)
def test_a_rule_is_said_never_to_match_exactly_when_no_case_meets_it_first(found: list[Rule]) -> None:
    found = distinct(found)
    never = warned(resolved(found))
    winners = set()
    # A value that no rule names stands for every other one, and for a field that a case does not have.
    for values in itertools.product((*VALUES, "never heard of"), repeat=len(FIELDS)):
        facts = dict(zip(FIELDS, values, strict=True))
        winners.add(read_plainly(found, facts))
    assert never == {number for number, rule in enumerate(found) if rule["code"] not in winners}


@settings(max_examples=100, deadline=None)
@given(RULES, FACTS)
def test_the_rules_that_are_named_take_every_case_of_the_one_that_never_matches(
    found: list[Rule], facts: dict[str, str]
) -> None:
    conditions = [rules.normal(rule.get("status"), _lists(rule.get("when"))) for rule in distinct(found)]
    covering = rules.unreachable(conditions)
    assume(covering)
    for number, earlier in covering.items():
        assert all(one < number for one in earlier)
        if rules.holds(conditions[number], facts):
            assert any(rules.holds(conditions[one], facts) for one in earlier)


def test_rows_say_their_condition_back() -> None:
    for condition in (
        (),
        (("status", ("A",)),),
        (("status", ("A", "B")),),
        (("Reason", ("x",)), ("status", ("A",))),
    ):
        assert rules.condition_of(rules.fields_of(condition)) == condition


def test_inactive_rows_and_rows_of_the_other_direction_match_nothing() -> None:
    rule: dict[str, Value] = {"direction": "from_crm", "order": 1, "code": "A", "status": "*", "when": ()}
    assert rules.first_match([{**rule, "active": False}, {**rule, "direction": "to_crm"}], {}) is None
    assert rules.first_match([{**rule, "order": 2, "code": "B"}, rule], {"status": "any"}) == "A"


def test_many_rules_are_looked_at_in_no_time() -> None:
    wide = tuple((f"f{n}", tuple(f"v{value}" for value in range(9))) for n in range(9))
    plain = [(("status", (f"S{n}",)),) for n in range(5000)]
    halves = [(("f0", (f"v{n}",)),) for n in range(8)]
    assert rules.unreachable([*plain, (("status", ("S1", "S4999")),), *halves, wide]) == {5000: (1, 4999)}


def test_beyond_the_combinations_one_rule_alone_still_covers() -> None:
    parts = [tuple((f"f{n}", (f"v{part}", "x")) for n in range(7)) for part in range(4)]
    wide = tuple((f"f{n}", ("v0", "v1", "v2", "v3")) for n in range(7))
    assert rules.unreachable([*parts, wide]) == {}
    assert rules.unreachable([(("f1", ("v0", "v1", "v2", "v3")),), *parts, wide]) == {5: (0,)}
