"""What rules from a CRM to codes mean: which one a case meets first, and which ones it never meets. Pure.

The facts of a case are field → value; ``status`` is a field like any other. A rule holds when each field that it
names has one of the values that it lists, letter by letter. Of the rules that hold, the one of lowest order wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Final, TypeAlias

from wrapctl.config.spec_crm import ANY
from wrapctl.model import Fields

STATUS: Final = "status"
COMBINATIONS: Final = 4096
"""So many kinds of cases are looked at to find out whether several rules together cover another."""

Condition: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""((field, (value, …)), …), both sorted; nothing is a condition that always holds."""


def normal(status: str | None, when: Mapping[str, Sequence[str]] | None) -> Condition:
    """Return a condition as files write it in its one normal form: ``status: X`` is ``when: {status: X}``."""
    if when is not None:
        return tuple((name, tuple(sorted(set(values)))) for name, values in sorted(when.items()))
    return () if status == ANY else ((STATUS, (status or "",)),)


def fields_of(condition: Condition) -> dict[str, str | Condition | None]:
    """Return ``status`` and ``when`` of a normalised row: a single status stands in ``status``, ``*`` is any."""
    if not condition:
        return {STATUS: ANY, "when": ()}
    if len(condition) == 1 and condition[0][0] == STATUS and len(condition[0][1]) == 1:
        return {STATUS: condition[0][1][0], "when": ()}
    return {STATUS: None, "when": condition}


def condition_of(fields: Fields) -> Condition:
    """Return the condition of a normalised row: the other way round of ``fields_of``."""
    status, when = fields.get(STATUS), fields.get("when")
    found: dict[str, tuple[str, ...]] = {}
    for entry in when if isinstance(when, tuple) else ():
        if isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], tuple):
            found[str(entry[0])] = tuple(sorted(str(value) for value in entry[1]))
    if isinstance(status, str) and status != ANY:
        found[STATUS] = (status,)
    return tuple(sorted(found.items()))


def holds(condition: Condition, facts: Mapping[str, str]) -> bool:
    """Whether a condition holds for a case."""
    return all(facts.get(name) in values for name, values in condition)


def ordered(rows: Iterable[Fields]) -> list[Fields]:
    """Return the active rules among normalised rows, in the order in which they are tried."""
    rules = [row for row in rows if row.get("direction") == "from_crm" and row.get("active") is not False]
    return sorted(rules, key=lambda row: (_order(row), str(row.get("key"))))


def _order(row: Fields) -> int:
    order = row.get("order")
    return order if isinstance(order, int) else 1 << 31


def first_row(rows: Iterable[Fields], facts: Mapping[str, str]) -> Fields | None:
    """Return the rule that a case meets first, None when it meets none."""
    return next((row for row in ordered(rows) if holds(condition_of(row), facts)), None)


def first_match(rows: Iterable[Fields], facts: Mapping[str, str]) -> str | None:
    """Return the code that the facts of a case lead to, by the emitted rows; None when no rule holds.

    This is what a CRM that uses the rows has to do, and what tests hold the rows against.
    """
    found = first_row(rows, facts)
    code = None if found is None else found.get("code")
    return code if isinstance(code, str) else None


def by_status(rows: Iterable[Fields]) -> dict[str, Fields]:
    """Return the rule that a case of which only the status is known meets first, for each status that a rule names.

    ``*`` is the rule for every other status, when there is one.
    """
    found: dict[str, Fields] = {}
    for row in ordered(rows):
        condition = condition_of(row)
        if not condition:
            found.setdefault(ANY, row)
            break
        if len(condition) == 1 and condition[0][0] == STATUS:
            for value in condition[0][1]:
                found.setdefault(value, row)
    return found


def unreachable(conditions: Sequence[Condition]) -> dict[int, tuple[int, ...]]:
    """Return which rules no case can meet first → the earlier ones that take all of its cases.

    Exact where the cases that the earlier rules tell apart are at most ``COMBINATIONS``; beyond, a rule is only
    found when one earlier rule covers it alone.
    """
    found: dict[int, tuple[int, ...]] = {}
    index: dict[tuple[str, str], list[int]] = {}
    always: list[int] = []
    for number, condition in enumerate(conditions):
        near = {one for name, values in condition for value in values for one in index.get((name, value), ())}
        mine = {name: frozenset(values) for name, values in condition}
        earlier = {
            one: conditions[one] for one in sorted({*near, *always}) if _touches(conditions[one], mine)
        }
        if covering := _covering(mine, earlier):
            found[number] = covering
        if not condition:
            always.append(number)
        else:
            # One field is enough to find it by: what it covers, or a part of, shares a value with it there.
            name, values = condition[0]
            for value in values:
                index.setdefault((name, value), []).append(number)
    return found


def _touches(earlier: Condition, mine: Mapping[str, frozenset[str]]) -> bool:
    """Whether an earlier rule can take cases from another one whatever else is known of them.

    One that names a field which the other leaves open cannot: there is always another value.
    """
    return all(name in mine and not mine[name].isdisjoint(values) for name, values in earlier)


def _covering(mine: Mapping[str, frozenset[str]], earlier: Mapping[int, Condition]) -> tuple[int, ...]:
    for number, condition in earlier.items():
        if all(mine[name].issubset(values) for name, values in condition):
            return (number,)
    rules = [(number, {name: frozenset(values) for name, values in one}) for number, one in earlier.items()]
    if len(rules) < 2:
        return ()
    kinds = [list(_kinds(name, values, rules)) for name, values in mine.items()]
    if prod(len(one) for one in kinds) > COMBINATIONS:
        return ()
    winners: set[int] = set()
    for case in product(*kinds):
        facts = dict(zip(mine, case, strict=True))
        winner = next((n for n, rule in rules if all(facts[name] in rule[name] for name in rule)), None)
        if winner is None:
            return ()
        winners.add(winner)
    return tuple(sorted(winners))


def _kinds(
    name: str, values: frozenset[str], rules: Sequence[tuple[int, Mapping[str, frozenset[str]]]]
) -> Iterator[str]:
    """Yield one value for each kind of values that no rule tells apart."""
    seen: set[tuple[bool, ...]] = set()
    for value in sorted(values):
        kind = tuple(value in rule[name] for _, rule in rules if name in rule)
        if kind not in seen:
            seen.add(kind)
            yield value
