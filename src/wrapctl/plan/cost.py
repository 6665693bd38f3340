"""Estimate what an apply costs, from the same units that apply will send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wrapctl.model import Change, Live, Verb
from wrapctl.plan.plan import Estimate
from wrapctl.plan.units import cut
from wrapctl.targets.interface import Capabilities

IDS_PER_REQUEST = 50
GRANTED_PAGE = 100
"""What platforms grant at most, as far as is known, whatever is asked."""
LOGIN = 2
"""A token and the identity."""

_REMOVALS = (Verb.DELETE_CODE, Verb.DEACTIVATE_CODE)


def estimate(
    pending: Iterable[Change], live: Live, capabilities: Capabilities, *, requests_per_minute: int
) -> Estimate:
    """Return requests and minutes for ``pending``.

    Everything is looked at before the first write, each verb's objects again right before they are written (but
    for the first, which were seen a moment ago) and once after it. Retries and waits are not in it.
    """
    changes = tuple(pending)
    if not changes:
        return Estimate()
    writes = sum(unit.requests for unit in cut(changes, capabilities.verbs))
    page = min(capabilities.page, GRANTED_PAGE)
    by_verb: dict[Verb, list[Change]] = {}
    for change in changes:
        by_verb.setdefault(change.verb, []).append(change)
    reads = LOGIN + _look(changes, live, page)
    for number, members in enumerate(by_verb.values()):
        reads += (_look(members, live, page) if number else 0) + _look_back(members, live, page)
    if any(verb in by_verb for verb in _REMOVALS):
        # No source says what becomes of the queues that hold a deleted code: all of them are looked at again.
        reads += _pages(len(live.queues), page) + sum(
            _pages(len(codes), page) for codes in live.links.values()
        )
    if any("division" in change.after for change in changes):
        reads += 1
    return Estimate(writes, reads, round((writes + reads) / max(1, requests_per_minute), 1))


def _look(changes: Sequence[Change], live: Live, page: int) -> int:
    names = sum(change.verb is Verb.CREATE_CODE for change in changes)
    return min(names, _pages(len(live.codes), page)) + _by_id(changes, live, page)


def _look_back(changes: Sequence[Change], live: Live, page: int) -> int:
    made = sum(change.verb is Verb.CREATE_CODE for change in changes)
    return _pages(made, IDS_PER_REQUEST) + _by_id(changes, live, page)


def _by_id(changes: Sequence[Change], live: Live, page: int) -> int:
    codes = {
        change.live_id for change in changes if change.verb not in (Verb.UNASSIGN, Verb.SET_ACW, Verb.REORDER)
    }
    queues = {change.parent for change in changes if change.parent is not None}
    linked = {
        change.parent for change in changes if change.verb in (Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER)
    }
    return (
        min(_pages(len(codes - {None}), IDS_PER_REQUEST), _pages(len(live.codes), page))
        + min(_pages(len(queues), IDS_PER_REQUEST), _pages(len(live.queues), page))
        + sum(max(1, _pages(len(live.links.get(queue or "", ())), page)) for queue in linked)
        + any(change.verb is Verb.SET_OUTBOUND for change in changes)
    )


def _pages(count: int, size: int) -> int:
    return -(-count // size)
