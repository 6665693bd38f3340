"""Encoded queries (``sysparm_query``): conditions joined by ``^``, ``^OR`` and ``^NQ``, and the order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wrapctl.sandbox.crm.servicenow.table import COLUMNS, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.objects import Json

OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "NOT IN": lambda left, right: left not in right.split(","),
    "NOTLIKE": lambda left, right: right not in left,
    "STARTSWITH": str.startswith,
    "ENDSWITH": str.endswith,
    "ISNOTEMPTY": lambda left, _: left != "",
    "ISEMPTY": lambda left, _: left == "",
    "LIKE": lambda left, right: right in left,
    "IN": lambda left, right: left in right.split(","),
    "!=": lambda left, right: left != right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    "=": lambda left, right: left == right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}
CONDITION = re.compile(
    rf"(?P<name>[a-z_][a-z0-9_.]*)(?P<op>{'|'.join(re.escape(op) for op in OPERATORS)})(?P<value>.*)",
    re.DOTALL,
)
# A caret of a value is doubled.
JOINT = re.compile(r"(?<!\^)\^(?!\^)")


def chosen(rows: list[Json], query: str, *, ignored: bool) -> list[Json]:
    """Return the rows that an encoded query chooses, in its order; ids are the order that it leaves open.

    In: ``ignored``: a condition on an unknown column holds for every row, else for none.
    """
    groups: list[list[list[Callable[[Json], bool]]]] = [[]]
    order: list[tuple[str, bool]] = []
    for part in JOINT.split(query):
        if part in {"", "EQ"}:
            continue
        if falling := re.fullmatch(r"ORDERBY(DESC)?([a-z_]+)", part):
            order.append((falling[2], bool(falling[1])))
        elif part.startswith("NQ"):
            groups.append([[_condition(part[2:], ignored=ignored)]])
        elif part.startswith("OR") and groups[-1]:
            groups[-1][-1].append(_condition(part[2:], ignored=ignored))
        else:
            groups[-1].append([_condition(part, ignored=ignored)])

    def holds(row: Json) -> bool:
        return any(all(any(one(row) for one in either) for either in group) for group in groups)

    found = [row for row in rows if holds(row)]
    for name, backwards in reversed(order):

        def rank(row: Json, name: str = name) -> str:
            return text(row.get(name)).casefold()

        found = sorted(found, key=rank, reverse=backwards) if name in COLUMNS else found
    return found


def _condition(part: str, *, ignored: bool) -> Callable[[Json], bool]:
    found = CONDITION.fullmatch(part)
    if found is None or found["name"] not in COLUMNS:
        return lambda _: ignored
    name, operator = found["name"], OPERATORS[found["op"]]
    value = found["value"].replace("^^", "^").casefold()
    return lambda row: operator(text(row.get(name)).casefold(), value)
