"""Estimate what an apply costs, from the same units that apply will send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from wrapctl.model import ROW_VERBS, TABLE_VERBS, Change, Live, Verb
from wrapctl.plan.plan import Estimate
from wrapctl.plan.units import Unit, cut
from wrapctl.targets.interface import Capabilities

GRANTED_PAGE = 100
"""What an estimate reckons with: no source says how large a page is granted, and known clients ask for this."""
LOGIN = 2
"""A token and the identity."""
BATCH = 50
"""Units between two looks at what is written (``apply.batches.SIZE``)."""

_REMOVALS = (Verb.DELETE_CODE, Verb.DEACTIVATE_CODE)


def estimate(
    pending: Iterable[Change], live: Live, capabilities: Capabilities, *, requests_per_minute: int
) -> Estimate:
    """Return requests and minutes for ``pending``.

    Everything is looked at before the first write, each verb's objects again right before they are written (but
    for the first, which were seen a moment ago) and once after it. Rows of a CRM may be many and found by a whole
    listing alone: those are reckoned batch by batch. Retries and waits are not in it.
    """
    changes = tuple(pending)
    if not changes:
        return Estimate()
    units = cut(changes, capabilities.verbs, capabilities.systems)
    writes = sum(unit.requests for unit in units)
    if capabilities.later:
        writes += sum(change.verb is Verb.CREATE_CODE and _twice(change, capabilities) for change in changes)
    page = min(capabilities.page, GRANTED_PAGE)
    by_verb: dict[Verb, list[Change]] = {}
    for change in changes:
        if not change.system:
            by_verb.setdefault(change.verb, []).append(change)
    look = _Look(live, capabilities, page)
    touched = [_touched(verb, members) for verb, members in by_verb.items()]
    reads = LOGIN + look.before(_together(touched))
    for number, part in enumerate(touched):
        reads += (look.before(part) if number else 0) + look.after(part)
    if any(verb in by_verb for verb in _REMOVALS):
        # No source says what becomes of the queues that hold a deleted code: all of them are looked at again.
        reads += _pages(len(live.queues), page)
        if not capabilities.links_with_queues:
            reads += sum(_pages(len(codes), page) for codes in live.links.values())
    written = (*by_verb.get(Verb.CREATE_CODE, ()), *by_verb.get(Verb.UPDATE_CODE, ()))
    if any("division" in change.after for change in written):
        reads += 1
    reads += _rows(units, live, capabilities, seen=not touched)
    return Estimate(writes, reads, round((writes + reads) / max(1, requests_per_minute), 1))


def _rows(units: Sequence[Unit], live: Live, capabilities: Capabilities, *, seen: bool) -> int:
    """What it costs to look at rows and tables, and to log in at their systems.

    ``seen``: nothing is written before them, so that the first look at all of them is young enough for the first.
    """
    systems: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.system:
            systems.setdefault(unit.system, []).append(unit)
    reads = 0
    first = min(unit.rank for units in systems.values() for unit in units) if seen and systems else -1
    for system, members in systems.items():
        can, rows = capabilities.of(system), live.crm.get(system)
        reads += 0 if can.inside else 1
        if rows is None or not rows.compared:
            continue
        held = rows.total if rows.total is not None else len(rows.rows)
        reads += _row_look(members, can, held)
        ranks: dict[int, list[Unit]] = {}
        for unit in members:
            ranks.setdefault(unit.rank, []).append(unit)
        for rank, same in ranks.items():
            for start in range(0, len(same), BATCH):
                batch = same[start : start + BATCH]
                if rank != first or start:
                    reads += _row_look(batch, can, held)
                # What a batch makes is listed from then on.
                held += sum(change.verb is Verb.CREATE_ROW for unit in batch for change in unit.changes)
                reads += _row_look(batch, can, held)
    return reads


def _row_look(units: Sequence[Unit], can: Capabilities, held: int) -> int:
    """One look at some rows: by key, or by the listing where that takes fewer requests; a table is one more."""
    keys = sum(change.verb in ROW_VERBS for unit in units for change in unit.changes)
    tables = sum(change.verb in TABLE_VERBS for unit in units for change in unit.changes)
    if not keys:
        return tables
    # Where the platform keeps the rows, its pages are what they are elsewhere on it.
    listing = max(1, _pages(held, min(can.page, GRANTED_PAGE) if can.inside else can.page))
    by_key = _pages(keys, can.rows_per_request) if can.rows_per_request else listing
    return tables + min(by_key, listing)


def _twice(change: Change, capabilities: Capabilities) -> bool:
    """Whether a create is followed by a second write, for what it cannot carry."""
    return any(change.after.get(name, default) != default for name, default in capabilities.later.items())


@dataclass(frozen=True, slots=True)
class _Touched:
    """The objects of some changes: new codes by count, others by id; queues, and those whose links are looked at."""

    made: int
    codes: AbstractSet[str]
    queues: AbstractSet[str]
    linked: AbstractSet[str]
    outbound: bool


_ON_QUEUES = (Verb.UNASSIGN, Verb.SET_ACW, Verb.REORDER)
_LINKING = (Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER)


def _touched(verb: Verb, changes: Sequence[Change]) -> _Touched:
    codes = (
        set() if verb in _ON_QUEUES else {change.live_id for change in changes if change.live_id is not None}
    )
    queues = {change.parent for change in changes if change.parent is not None}
    return _Touched(
        made=len(changes) if verb is Verb.CREATE_CODE else 0,
        codes=codes,
        queues=queues,
        linked=queues if verb in _LINKING else set(),
        outbound=verb is Verb.SET_OUTBOUND,
    )


def _together(parts: Sequence[_Touched]) -> _Touched:
    return _Touched(
        made=sum(part.made for part in parts),
        codes=set[str]().union(*(part.codes for part in parts)),
        queues=set[str]().union(*(part.queues for part in parts)),
        linked=set[str]().union(*(part.linked for part in parts)),
        outbound=any(part.outbound for part in parts),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What it costs to look at objects, before they are written and after."""

    live: Live
    capabilities: Capabilities
    page: int

    def before(self, touched: _Touched) -> int:
        return min(touched.made, _pages(len(self.live.codes), self.page)) + self._by_id(touched)

    def after(self, touched: _Touched) -> int:
        return self._listed(touched.made, len(self.live.codes) + touched.made) + self._by_id(touched)

    def _by_id(self, touched: _Touched) -> int:
        live = self.live
        reads = self._listed(len(touched.codes), len(live.codes))
        reads += self._listed(len(touched.queues), len(live.queues))
        if not self.capabilities.links_with_queues:
            links = (live.links.get(queue, ()) for queue in touched.linked)
            reads += sum(max(1, _pages(len(codes), self.page)) for codes in links)
        return reads + touched.outbound

    def _listed(self, wanted: int, of: int) -> int:
        """By id, or by the listing where that takes fewer requests."""
        return min(_pages(wanted, self.capabilities.ids_per_request), _pages(of, self.page))


def _pages(count: int, size: int) -> int:
    return -(-count // size)
