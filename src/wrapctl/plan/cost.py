"""Estimate what an apply costs, from the same units that apply will send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wrapctl.model import Change, Live, Verb
from wrapctl.plan.plan import Estimate
from wrapctl.plan.units import cut
from wrapctl.targets.interface import Capabilities

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
    writes += sum(change.verb is Verb.CREATE_CODE and _twice(change, capabilities) for change in changes)
    page = min(capabilities.page, GRANTED_PAGE)
    by_verb: dict[Verb, list[Change]] = {}
    for change in changes:
        by_verb.setdefault(change.verb, []).append(change)
    look = _Look(live, capabilities, page)
    reads = LOGIN + look.before(changes)
    for number, members in enumerate(by_verb.values()):
        reads += (look.before(members) if number else 0) + look.after(members)
    if any(verb in by_verb for verb in _REMOVALS):
        # No source says what becomes of the queues that hold a deleted code: all of them are looked at again.
        reads += _pages(len(live.queues), page)
        if not capabilities.links_with_queues:
            reads += sum(_pages(len(codes), page) for codes in live.links.values())
    if any("division" in change.after for change in changes):
        reads += 1
    return Estimate(writes, reads, round((writes + reads) / max(1, requests_per_minute), 1))


def _twice(change: Change, capabilities: Capabilities) -> bool:
    """Whether a create is followed by a second write, for what it cannot carry."""
    return any(change.after.get(name, default) != default for name, default in capabilities.later.items())


@dataclass(frozen=True, slots=True)
class _Look:
    """What it costs to look at the objects of some changes."""

    live: Live
    capabilities: Capabilities
    page: int

    def before(self, changes: Sequence[Change]) -> int:
        names = sum(change.verb is Verb.CREATE_CODE for change in changes)
        return min(names, _pages(len(self.live.codes), self.page)) + self._by_id(changes)

    def after(self, changes: Sequence[Change]) -> int:
        made = sum(change.verb is Verb.CREATE_CODE for change in changes)
        return self._listed(made, len(self.live.codes) + made) + self._by_id(changes)

    def _by_id(self, changes: Sequence[Change]) -> int:
        live = self.live
        on_queues = (Verb.UNASSIGN, Verb.SET_ACW, Verb.REORDER)
        codes = {change.live_id for change in changes if change.verb not in on_queues}
        queues = {change.parent for change in changes if change.parent is not None}
        linked = {
            change.parent for change in changes if change.verb in (Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER)
        }
        reads = self._listed(len(codes - {None}), len(live.codes)) + self._listed(
            len(queues), len(live.queues)
        )
        if not self.capabilities.links_with_queues:
            reads += sum(max(1, _pages(len(live.links.get(queue or "", ())), self.page)) for queue in linked)
        return reads + any(change.verb is Verb.SET_OUTBOUND for change in changes)

    def _listed(self, wanted: int, of: int) -> int:
        """By id, or by the listing where that takes fewer requests."""
        return min(_pages(wanted, self.capabilities.ids_per_request), _pages(of, self.page))


def _pages(count: int, size: int) -> int:
    return -(-count // size)
