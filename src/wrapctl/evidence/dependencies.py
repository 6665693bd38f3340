"""What names a code in the state that a plan was made from: rows of CRM systems, outbound flags, queues. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wrapctl.model import Live
from wrapctl.plan.wanted import label_of
from wrapctl.targets.interface import Dependant


def named_here(live: Live, codes: frozenset[str]) -> Mapping[str, tuple[Dependant, ...]]:
    """Return what names each of these live codes, by their ids, as far as it was read.

    What a plan does about them it says itself; this is for who wants to know where a name is seen.
    """
    found: dict[str, set[Dependant]] = {one: set() for one in codes}
    for code_id, one in _all(live, codes):
        found[code_id].add(one)
    return {code_id: tuple(sorted(these)) for code_id, these in found.items()}


def _all(live: Live, codes: frozenset[str]) -> Iterator[tuple[str, Dependant]]:
    names = {queue.id: queue.name for queue in live.queues}
    for queue, held in live.links.items():
        for code_id in codes.intersection(held):
            yield code_id, Dependant("queue", queue, names.get(queue, queue))
    for code_id in codes:
        flags = (live.outbound or {}).get(code_id)
        if flags:
            yield code_id, Dependant("outbound flags", code_id, ", ".join(flags))
    for system, rows in live.crm.items():
        for row in rows.rows:
            named = row.fields.get("code_id")
            if isinstance(named, str) and named in codes:
                whose = "" if row.mine else "not made by wrapctl"
                yield named, Dependant(f"row of {system}", row.id, label_of(row.key, row.fields), whose)
