"""Order units into batches that may run side by side, and a batch into lanes that may not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from wrapctl.model import ROW_VERBS, ChangeId, Verb
from wrapctl.plan.units import Unit

SIZE = 50
"""Units in a batch: few enough that a look before it is seconds old when its last unit is sent."""


def batches(
    units: Sequence[Unit], needs: Mapping[ChangeId, Iterable[ChangeId]], size: int = SIZE
) -> tuple[tuple[Unit, ...], ...]:
    """Return ``units`` in batches: by verb, then by place in a chain; no unit needs another of its own batch.

    Verbs are not mixed although ``needs`` would allow it: a removal beside an addition that it does not need
    could leave agents with fewer codes than either state has.
    """
    places = _places(units, needs)
    order = sorted(range(len(units)), key=lambda index: (places[index], units[index].changes[0].address))
    found: list[tuple[Unit, ...]] = []
    for _, group in groupby(order, key=lambda index: places[index]):
        members = [units[index] for index in group]
        found.extend(tuple(members[start : start + size]) for start in range(0, len(members), size))
    return tuple(found)


def lanes(batch: Iterable[Unit]) -> tuple[tuple[Unit, ...], ...]:
    """Return the units of a batch in lanes: units of one object go one after the other, lanes side by side.

    What makes or writes one object by itself shares no lane: a code, a row. Many rows in one request, and tables,
    take turns within their system: it may well lock the table for each of them.
    """
    found: dict[tuple[str, ...], list[Unit]] = {}
    for unit in batch:
        found.setdefault(_lane(unit), []).append(unit)
    return tuple(tuple(lane) for lane in found.values())


def _lane(unit: Unit) -> tuple[str, ...]:
    first, alone = unit.changes[0], len(unit.changes) == 1
    if alone and (first.verb is Verb.CREATE_CODE or first.verb in ROW_VERBS):
        return ("alone", first.address)
    if first.system:
        return ("system", first.system)
    return ("object", unit.scope) if unit.scope else ("group", unit.group)


def _places(units: Sequence[Unit], needs: Mapping[ChangeId, Iterable[ChangeId]]) -> list[tuple[int, int]]:
    """Return (rank, depth) of each unit; one that needs another stands behind it, whatever their verbs."""
    home = {change.id: index for index, unit in enumerate(units) for change in unit.changes}
    behind: list[set[int]] = [set() for _ in units]
    for index, unit in enumerate(units):
        behind[index] = set(_needed(unit, index, home, needs))
    after: list[list[int]] = [[] for _ in units]
    missing = [len(needed) for needed in behind]
    for index, needed in enumerate(behind):
        for one in needed:
            after[one].append(index)
    places = [(unit.rank, 0) for unit in units]
    ready = [index for index, count in enumerate(missing) if count == 0]
    while ready:
        index = ready.pop()
        rank, depth = places[index]
        for one in after[index]:
            places[one] = max(places[one], (rank, depth + 1))
            missing[one] -= 1
            if missing[one] == 0:
                ready.append(one)
    # Folding can tie units into a ring that their changes do not have. Those keep their rank: whichever comes
    # first is skipped for what it needs, and the next run, with less to do, gets past it.
    return places


def _needed(
    unit: Unit, index: int, home: Mapping[ChangeId, int], needs: Mapping[ChangeId, Iterable[ChangeId]]
) -> Iterator[int]:
    for change in unit.changes:
        for need in needs.get(change.id, ()):
            at = home.get(need)
            if at is not None and at != index:
                yield at
