"""The rows that a mapping wants, in the shape of the place that keeps them, and which of them to read. Pure.

A mapping table keeps a row for each code and rule; a value list one for each value, whichever codes map to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wrapctl.errors import Source
from wrapctl.model import CrmMapping, CrmRow, Desired, Fields, Scope, Value
from wrapctl.rows import FROM_CRM, TO_CRM
from wrapctl.targets.interface import Capabilities

TO = "to/"
FROM = "from/"
VALUE = "value/"

_OF_VALUES = ("value", "description", "translations")
_OF_CODES = (*_OF_VALUES, "direction", "code", "category", "tags")
_OF_RULES = ("direction", "code", "status", "when", "duration_ms", "order")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row as a place is to keep it.

    ``code`` is the key of the code that the row names by its id, None where it names none; ``codes`` are all whose
    scope it is in. ``fields`` lack ``key``, ``system``, ``active`` and ``code_id``, which each row has.
    """

    key: str
    label: str
    source: Source
    code: str | None
    codes: tuple[str, ...]
    fields: Fields
    previously: tuple[str, ...] = ()


def has_rules(capabilities: Capabilities, *, value_list: bool) -> bool:
    """Whether a place keeps rules from a status to a code."""
    directions = capabilities.directions
    return not value_list and (not directions or FROM_CRM in directions)


def wanted_rows(mapping: CrmMapping, *, value_list: bool, rules: bool = True) -> tuple[Wanted, ...]:
    """Return the rows of a mapping, sorted by key; a place without ``rules`` keeps those to the CRM alone."""
    ordered = sorted(mapping.rows, key=lambda row: row.key)
    if value_list:
        return _by_value(ordered)
    return tuple(_one(row) for row in ordered if rules or not is_rule(row))


def is_rule(row: CrmRow) -> bool:
    """Whether a row leads from a condition of the CRM to a code."""
    return row.key.startswith(FROM)


def whole(scope: Scope, system: str) -> bool:
    """Whether a plan looks at all rows of a system."""
    return scope.whole or system in scope.crm


def in_scope(scope: Scope, system: str, row: Wanted) -> bool:
    """Whether a plan looks at a row."""
    if whole(scope, system) or scope.codes is None:
        return True
    return not scope.codes.isdisjoint(row.codes)


def rows_to_read(
    desired: Desired, capabilities: Capabilities, scope: Scope
) -> Mapping[str, frozenset[str] | None]:
    """Return the keys of the rows to read of each CRM system (None: all of them); no system is there for nothing.

    Where a code in scope may be deleted, every row that could name it counts.
    """
    deletes = any(code.absent and (scope.codes is None or code.key in scope.codes) for code in desired.codes)
    found: dict[str, frozenset[str] | None] = {}
    for mapping in desired.crm:
        system = mapping.system
        can = capabilities.systems.get(system)
        if can is None:
            continue
        if deletes or scope.codes is None or whole(scope, system):
            found[system] = None
            continue
        rows = wanted_rows(
            mapping, value_list=can.value_list, rules=has_rules(can, value_list=can.value_list)
        )
        wanted = [row for row in rows if in_scope(scope, system, row)]
        keys = {row.key for row in wanted}
        keys.update(f"{VALUE}{value}" for row in wanted if can.value_list for value in row.previously)
        if keys:
            found[system] = frozenset(keys)
    return found


def label_of(key: str, fields: Fields) -> str:
    """Return what people call a row: its code, its condition or its value."""
    for prefix in (TO, VALUE):
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    if not key.startswith(FROM):
        return key
    status, when = fields.get("status"), fields.get("when")
    if isinstance(status, str) and status:
        return status
    if isinstance(when, tuple) and when:
        return " and ".join(_clause(one) for one in when)
    return key.removeprefix(FROM)


def _clause(one: Value) -> str:
    name, values = one if isinstance(one, tuple) and len(one) == 2 else (one, ())
    return f"{name} = {' or '.join(map(str, values if isinstance(values, tuple) else (values,)))}"


def _one(row: CrmRow) -> Wanted:
    """A row of a mapping table. What a row of its direction has and the files leave out is nothing, not unmanaged."""
    rule = is_rule(row)
    fields: dict[str, Value] = dict.fromkeys(_OF_RULES if rule else _OF_CODES)
    fields["direction"] = FROM_CRM if rule else TO_CRM
    fields.update(row.fields)
    codes = (row.code,) if row.code is not None else ()
    return Wanted(row.key, label_of(row.key, fields), row.source, row.code, codes, fields, row.previously)


def _by_value(rows: list[CrmRow]) -> tuple[Wanted, ...]:
    groups: dict[str, list[CrmRow]] = {}
    for row in rows:
        value = row.fields.get("value")
        if not is_rule(row) and isinstance(value, str):
            groups.setdefault(value, []).append(row)
    return tuple(_value(value, members) for value, members in sorted(groups.items()))


def _value(value: str, rows: list[CrmRow]) -> Wanted:
    """The row of a value. Where several codes share it, the first by key says what it means."""
    first = rows[0]
    previously = dict.fromkeys(one for row in rows for one in row.previously if one != value)
    return Wanted(
        key=f"{VALUE}{value}",
        label=value,
        source=first.source,
        code=None,
        codes=tuple(row.code for row in rows if row.code is not None),
        fields={name: first.fields.get(name) for name in _OF_VALUES},
        previously=tuple(previously),
    )
