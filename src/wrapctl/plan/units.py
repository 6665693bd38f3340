"""Cut changes into units: what one write carries.

One pure function from changes and folds serves cost, journal and apply, so that what is estimated, announced and
sent is the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Fold


@dataclass(frozen=True, slots=True)
class Unit:
    """Changes that one write carries, in plan order. ``scope`` is the queue's live id where they share one."""

    group: str
    scope: str
    changes: tuple[Change, ...]
    requests: int = 1

    @property
    def rank(self) -> int:
        """Place in the order of work: that of its earliest verb.

        A whole-object write that assigns and unassigns goes out with the assigns: a removal has nothing to
        wait for but the additions, and those travel with it.
        """
        return min(change.verb.rank for change in self.changes)


def cut(changes: Iterable[Change], folds: Mapping[Verb, Fold]) -> tuple[Unit, ...]:
    """Return the units of ``changes``, ordered as the work is done; every change is in exactly one unit.

    ``changes`` are in plan order. A change whose verb has no fold travels alone.
    """
    units: list[Unit] = []
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        fold = folds.get(change.verb)
        if fold is None or fold.scope == "one":
            units.append(_unit(fold, _scope(change), [change]))
        else:
            scope = _scope(change) if fold.scope == "queue" else ""
            groups.setdefault((fold.group, scope), []).append(change)
    for (_, scope), members in groups.items():
        fold = folds[members[0].verb]
        size = fold.size or len(members)
        units.extend(
            _unit(fold, scope, members[start : start + size]) for start in range(0, len(members), size)
        )
    return tuple(sorted(units, key=lambda unit: (unit.rank, unit.changes[0].address)))


def _scope(change: Change) -> str:
    return change.parent or change.live_id or ""


def _unit(fold: Fold | None, scope: str, changes: list[Change]) -> Unit:
    if fold is None:
        return Unit(changes[0].verb.value, scope, tuple(changes))
    return Unit(fold.group, scope, tuple(changes), fold.requests)
