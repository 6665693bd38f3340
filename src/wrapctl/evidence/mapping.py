"""The CRM mappings of an org as a person reads them, and what is odd about them. Pure: files and what is live in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wrapctl.config import rules
from wrapctl.config.spec_crm import ANY
from wrapctl.errors import Source
from wrapctl.model import Code, CrmMapping, CrmRow, Desired, Fields, Live
from wrapctl.rows import FROM_CRM, TO_CRM, Rows


class Odd(StrEnum):
    """What can be odd about a mapping, in the order in which it is told."""

    UNREAD = "not read"
    UNMAPPED = "unmapped"
    BACK = "maps back to another code"
    NEVER = "never matches"
    UNUSED = "used by nothing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    ``code`` and ``value`` are what it is about, ``back`` the code that a value leads to, ``text`` a reason or the
    name of a row. ``mine``: the live row is wrapctl's own. ``source`` is where the files say it.
    """

    odd: Odd
    system: str
    code: str = ""
    value: str = ""
    back: str = ""
    text: str = ""
    mine: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What a CRM calls a code; ``default``: it has no value of its own."""

    value: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """One system: what keeps its rows, each code's value, how many rules, and the codes that only the rest catches.

    ``rest`` maps the codes whose value comes back by the rule that takes the rest to the code that it leads to.
    ``read``: its rows were read. ``compared`` is False where nothing can be read back.
    """

    name: str
    target: str
    connection: str
    cells: Mapping[str, Cell]
    rules: int
    rest: Mapping[str, str] = field(default_factory=dict)
    read: bool = False
    compared: bool = True


@dataclass(frozen=True, slots=True)
class MappingCheck:
    """The mappings of one org: codes that are kept, by key, with their names; systems; findings in their order."""

    org: str
    names: Mapping[str, str]
    systems: tuple[System, ...]
    findings: tuple[Finding, ...]
    live: bool = False
    sandbox: bool = False

    def of(self, odd: Odd) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(one for one in self.findings if one.odd is odd)


def check(
    desired: Desired, live: Live | None = None, *, unmapped_is_fine: frozenset[str] = frozenset()
) -> MappingCheck:
    """Return what the files map, and what is odd about it; with ``live`` also what nothing in the CRM answers to.

    ``unmapped_is_fine``: systems of which the files say that codes need no value.
    """
    codes = {code.key: code for code in desired.codes if not code.absent}
    found: list[Finding] = []
    systems = []
    for mapping in desired.crm:
        rows = live.crm.get(mapping.system) if live is not None else None
        systems.append(_system(mapping, codes, rows))
        if mapping.system not in unmapped_is_fine:
            found += _unmapped(mapping, codes)
        found += _back(mapping)
        found += _never(mapping)
        found += _unused(mapping, desired.codes)
        if rows is not None:
            found += _unused_live(mapping, rows)
        elif live is not None:
            why = live.unread.get(mapping.system, "its rows were not read")
            found.append(Finding(Odd.UNREAD, mapping.system, text=why, source=mapping.source))
    rank = {odd: number for number, odd in enumerate(Odd)}
    return MappingCheck(
        org=desired.org,
        names={key: code.name for key, code in codes.items()},
        systems=tuple(systems),
        findings=tuple(
            sorted(found, key=lambda one: (rank[one.odd], one.system, one.code, one.value, one.text))
        ),
        live=live is not None,
        sandbox=live is not None and live.identity.sandbox,
    )


def _rows(mapping: CrmMapping, direction: str) -> list[CrmRow]:
    return [row for row in mapping.rows if row.fields["direction"] == direction]


def _default(mapping: CrmMapping) -> CrmRow | None:
    return next((row for row in _rows(mapping, TO_CRM) if row.code is None), None)


def _value(row: CrmRow) -> str:
    return str(row.fields["value"])


def _system(mapping: CrmMapping, codes: Iterable[str], rows: Rows | None) -> System:
    own = {row.code: Cell(_value(row)) for row in _rows(mapping, TO_CRM) if row.code is not None}
    default = _default(mapping)
    cells = dict(own)
    if default is not None:
        cells |= {key: Cell(_value(default), default=True) for key in codes if key not in own}
    return System(
        name=mapping.system,
        target=mapping.target,
        connection=mapping.connection,
        cells=cells,
        rules=len(_rows(mapping, FROM_CRM)),
        rest={code: back for code, back, rule in _led(mapping) if rules.condition_of(rule) == ()},
        read=rows is not None,
        compared=rows is None or rows.compared,
    )


def _unmapped(mapping: CrmMapping, codes: Mapping[str, Code]) -> Iterator[Finding]:
    if _default(mapping) is not None:
        return
    has = {row.code for row in _rows(mapping, TO_CRM)}
    for key, code in codes.items():
        if key not in has:
            yield Finding(Odd.UNMAPPED, mapping.system, code=key, source=code.source)


def _led(mapping: CrmMapping) -> Iterator[tuple[str, str, Fields]]:
    """Yield each code whose value, seen as a status, leads to another code: the code, the other one, the rule."""
    leads = rules.by_status(row.fields for row in mapping.rows)
    for row in _rows(mapping, TO_CRM):
        rule = leads.get(_value(row), leads.get(ANY))
        if row.code is not None and rule is not None and rule["code"] != row.code:
            yield row.code, str(rule["code"]), rule


def _back(mapping: CrmMapping) -> Iterator[Finding]:
    """A value that comes back as another code; what only the rule for the rest catches was not meant to come back."""
    places = {row.key: row.source for row in mapping.rows}
    values = {row.code: _value(row) for row in _rows(mapping, TO_CRM)}
    for code, back, rule in _led(mapping):
        if rules.condition_of(rule) != ():
            yield Finding(
                Odd.BACK,
                mapping.system,
                code=code,
                value=values[code],
                back=back,
                source=places[str(rule["key"])],
            )


def _never(mapping: CrmMapping) -> Iterator[Finding]:
    tried = sorted(_rows(mapping, FROM_CRM), key=lambda row: str(row.fields["order"]).zfill(9))
    conditions = [rules.condition_of(row.fields) for row in tried]
    for number, covering in rules.unreachable(conditions).items():
        by = " and ".join(str(tried[one].source) for one in covering)
        yield Finding(
            Odd.NEVER,
            mapping.system,
            code=str(tried[number].code),
            text=f"{tried[number].key.removeprefix('from/')}, taken by {by}",
            source=tried[number].source,
        )


def _unused(mapping: CrmMapping, codes: Iterable[Code]) -> Iterator[Finding]:
    """Values in the files that no code that is kept needs."""
    default = _default(mapping)
    own = {row.code for row in _rows(mapping, TO_CRM)}
    declared = list(codes)
    if default is not None and all(code.absent or code.key in own for code in declared):
        yield Finding(
            Odd.UNUSED,
            mapping.system,
            code="default",
            value=_value(default),
            text="every code has a value of its own",
            source=default.source,
        )
    for code in declared:
        if code.absent and mapping.system in code.crm:
            yield Finding(
                Odd.UNUSED,
                mapping.system,
                code=code.key,
                value=code.crm[mapping.system],
                text="the code is `state: absent`",
                source=code.source,
            )


def _unused_live(mapping: CrmMapping, rows: Rows) -> Iterator[Finding]:
    """What is live and no code maps to: values of a list, whoever made them; wrapctl's own rows of a table."""
    wanted = {_value(row) for row in _rows(mapping, TO_CRM)}
    keys = {row.key for row in mapping.rows}
    for row in rows.rows:
        value = row.fields.get("value")
        if row.fields.get("active") is False:
            continue
        if rows.value_list:
            if isinstance(value, str) and value not in wanted:
                yield Finding(Odd.UNUSED, mapping.system, value=value, text="live", mine=row.mine)
        elif row.mine and row.key not in keys:
            yield Finding(Odd.UNUSED, mapping.system, text=row.key, value=str(value or ""), mine=True)
