"""Cut changes into units: what one write carries.

One pure function from changes and folds serves cost, journal and apply, so that what is estimated, announced and
sent is the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wrapctl.empty import Empty
from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Capabilities, Fold


@dataclass(frozen=True, slots=True)
class Unit:
    """Changes that one write carries, in plan order; those of rows are of one CRM system.

    ``scope`` is the live id of the object that is written: the queue's where they share one. A row is nobody
    else's, so that units of rows have none and may go out side by side.
    """

    group: str
    scope: str
    changes: tuple[Change, ...]
    requests: int = 1

    @property
    def system(self) -> str:
        """The CRM system whose rows it writes, nothing for the platform's objects."""
        return self.changes[0].system

    @property
    def rank(self) -> int:
        """Place in the order of work: that of its earliest verb.

        A whole-object write that assigns and unassigns goes out with the assigns: a removal has nothing to
        wait for but the additions, and those travel with it.
        """
        return min(change.verb.rank for change in self.changes)


def cut(
    changes: Iterable[Change],
    folds: Mapping[Verb, Fold],
    systems: Mapping[str, Capabilities] = Empty(),
) -> tuple[Unit, ...]:
    """Return the units of ``changes``, ordered as the work is done; every change is in exactly one unit.

    ``changes`` are in plan order. ``folds`` are the platform's; rows follow those of their system in ``systems``
    (``Capabilities.systems``). A change whose verb has no fold travels alone.
    """
    by_system = {system: can.verbs for system, can in systems.items()}
    units: list[Unit] = []
    groups: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        system = change.system
        fold = (by_system.get(system, _NO_FOLDS) if system else folds).get(change.verb)
        if fold is None or fold.scope == "one":
            units.append(_unit(fold, _scope(change), [change]))
        else:
            scope = _scope(change) if fold.scope == "queue" else ""
            groups.setdefault((system, fold.group, scope), []).append(change)
    for (system, _, scope), members in groups.items():
        fold = (by_system[system] if system else folds)[members[0].verb]
        size = fold.size or len(members)
        units.extend(
            _unit(fold, scope, members[start : start + size]) for start in range(0, len(members), size)
        )
    return tuple(sorted(units, key=lambda unit: (unit.rank, unit.changes[0].address)))


_NO_FOLDS: Mapping[Verb, Fold] = Empty()


def _scope(change: Change) -> str:
    if change.system:
        return ""
    return change.parent or change.live_id or ""


def _unit(fold: Fold | None, scope: str, changes: list[Change]) -> Unit:
    if fold is None:
        return Unit(changes[0].verb.value, scope, tuple(changes))
    return Unit(fold.group, scope, tuple(changes), fold.requests)
