"""Estimate what an apply costs, from the same units that apply will send."""

from __future__ import annotations

from collections.abc import Iterable

from wrapctl.model import Change, Live, Verb
from wrapctl.plan.plan import Estimate
from wrapctl.plan.units import cut
from wrapctl.targets.interface import Capabilities

PASSES = 2
"""Every object of the plan is read before the first write and once after its own; most batches once more."""

IDS_PER_REQUEST = 50
LOGIN = 2
"""A token and the identity."""


def estimate(
    pending: Iterable[Change], live: Live, capabilities: Capabilities, *, requests_per_minute: int
) -> Estimate:
    """Return requests and minutes for ``pending``. It is an estimate: retries and waits are not in it."""
    changes = tuple(pending)
    if not changes:
        return Estimate()
    writes = sum(unit.requests for unit in cut(changes, capabilities.verbs))
    codes = {change.address for change in changes if change.verb in _CODE_VERBS}
    linked = {change.parent for change in changes if change.verb in _LINK_VERBS}
    bodies = {change.live_id for change in changes if change.verb is Verb.SET_ACW}
    pages = sum(max(1, -(-len(live.links.get(queue or "", ())) // capabilities.page)) for queue in linked)
    once = -(-len(codes) // IDS_PER_REQUEST) + -(-len(bodies) // IDS_PER_REQUEST) + pages
    once += any(change.verb is Verb.SET_OUTBOUND for change in changes)
    once += any(change.after.get("division") is not None for change in changes)
    reads = LOGIN + PASSES * once
    return Estimate(writes, reads, round((writes + reads) / max(1, requests_per_minute), 1))


_CODE_VERBS = frozenset({Verb.CREATE_CODE, Verb.UPDATE_CODE, Verb.DELETE_CODE, Verb.DEACTIVATE_CODE})
_LINK_VERBS = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER})
