"""What judging a change says, and what every kind of judgement shares. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wrapctl.model import NO_FIELDS, Address, Change, Fields, Ref, Value, Verb

Link = tuple[str, str]
"""A queue's live id and a code's."""


_OF_A_CODE = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.SET_OUTBOUND})
"""Verbs whose ``code`` is a live id; a row's is the key in the files."""


class Stand(StrEnum):
    """Where a change stands against what is live."""

    AS_PLANNED = "as planned"
    ALREADY = "already as wanted"
    STALE = "stale"
    UNREAD = "could not be read"


@dataclass(frozen=True, slots=True)
class Known:
    """What this run has learned or done so far, and may hold against no change.

    ``ids``: receipts, the live id that the change at an address has made or found. ``removed``: links that this
    run took off. ``renaming``: ids of codes whose present name this run will free before it is taken. The
    containers may grow while a ``Settler`` uses them.
    """

    ids: Mapping[Address, str]
    removed: AbstractSet[Link] = frozenset()
    renaming: AbstractSet[str] = frozenset()


NOTHING_KNOWN = Known(ids={})


@dataclass(frozen=True, slots=True)
class Standing:
    """The judgement of one change, with the three values that a person needs when it is stale.

    ``change`` is what may be written: references resolved as far as they are known and, when merged, the live
    value in place of a declared field that somebody else moved (``drift`` names those). ``planned`` and
    ``wanted`` are the plan's own, ``now`` is live over the same fields (None: the object is not there).
    ``live_id`` is the object's id where it is known.
    """

    stand: Stand
    change: Change
    planned: Fields = field(default_factory=lambda: NO_FIELDS)
    now: Fields | None = None
    wanted: Fields = field(default_factory=lambda: NO_FIELDS)
    why: str = ""
    live_id: str | None = None
    drift: tuple[str, ...] = ()


def resolve(change: Change, ids: Mapping[Address, str]) -> Change:
    """Return ``change`` with every reference whose id is known replaced by that id."""
    before = {name: _resolved(value, ids) for name, value in change.before.items()}
    after = {name: _resolved(value, ids) for name, value in change.after.items()}
    live_id = change.live_id
    if live_id is None and change.verb in _OF_A_CODE:
        code = after.get("code", before.get("code"))
        live_id = code if isinstance(code, str) else None
    return replace(change, before=before, after=after, live_id=live_id)


def unresolved(change: Change) -> tuple[Address, ...]:
    """Addresses that ``change`` still refers to without an id, sorted."""
    found: set[Address] = set()
    for value in (*change.before.values(), *change.after.values()):
        _collect(value, found)
    return tuple(sorted(found))


def queue_of(change: Change) -> str:
    """The live id of the queue that a change is about."""
    return change.parent or change.live_id or ""


def stale(change: Change, now: Fields | None, why: str) -> Standing:
    """Neither as planned nor as wanted."""
    return Standing(Stand.STALE, change, change.before, now, change.after, why, change.live_id)


def over(names: Fields, live: Fields) -> dict[str, Value]:
    """What is live in the fields that ``names`` has."""
    return {name: live.get(name) for name in names}


def update(change: Change, live: Fields | None, what: str, *, merge: bool) -> Standing:
    """Judge the change of an object (``what``, in words) whose live fields are these, None while there is none."""
    before, after = change.before, change.after
    live_id = change.live_id or change.parent
    if live is None:
        return stale(change, None, f"the {what} is not there any more")
    now = over({**before, **after}, live)
    if now == {**now, **after}:
        return Standing(Stand.ALREADY, change, before, now, after, live_id=live_id)
    written = {name for name in after if before.get(name) != after[name]}
    moved = sorted(name for name in written if now[name] not in {before.get(name), after[name]})
    drifted = sorted(name for name in now if name not in written and now[name] != before.get(name))
    if moved or (drifted and not merge):
        fields = ", ".join(sorted([*moved, *drifted]))
        return stale(change, now, f"{fields} changed since the plan was made")
    kept = replace(change, after={**after, **{name: now[name] for name in drifted if name in after}})
    done = all(now[name] == after[name] for name in written)
    stand = Stand.ALREADY if done else Stand.AS_PLANNED
    return Standing(stand, kept, before, now, after, live_id=live_id, drift=tuple(drifted))


def _resolved(value: Value, ids: Mapping[Address, str]) -> Value:
    if isinstance(value, Ref):
        return ids.get(value.address, value)
    if isinstance(value, tuple):
        return tuple(_resolved(item, ids) for item in value)
    return value


def _collect(value: Value, found: set[Address]) -> None:
    if isinstance(value, Ref):
        found.add(value.address)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)
