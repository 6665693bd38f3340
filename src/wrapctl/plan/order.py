"""Put changes in the order of work, once: verbs by rank, chains of renames inside it, each with what it needs.

Then give each its digest. Shuffled input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from wrapctl.model import Change, ChangeId, Fields, Ref, State, Value, Verb
from wrapctl.plan.plan import FORMAT

_REMOVALS = (Verb.DELETE_CODE, Verb.DEACTIVATE_CODE)


def finish(
    changes: Iterable[Change],
    *,
    organization: str,
    live_names: Mapping[str, str] | None = None,
    links: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Change, ...]:
    """Return ``changes`` ordered, with ``needs``, blocked states carried on, and digests.

    The changes must be the caller's own: they are completed in place, for there may be 136,000 of them. ``needs``
    that a change has already are kept where the plan has them.
    ``live_names`` maps the ids of all live codes to their names, ``links`` live queues to their codes.
    """
    ordered = sorted(changes, key=lambda change: (change.verb.rank, change.address))
    found = _Needs(ordered, live_names or {}, links or {})
    found.find()
    sequence = _chained(ordered, found.needs)
    named: dict[tuple[int, ...], tuple[ChangeId, ...]] = {}
    held: set[int] = set()
    digest_of_change = _Digests(organization).of
    for index in sequence:
        change = ordered[index]
        needed = found.needs.get(index)
        trouble = found.troubles.get(index, "")
        if needed:
            ids = named.get(needed)
            if ids is None:
                ids = named[needed] = tuple(ordered[need].id for need in needed)
            change.needs = ids
            if held and not trouble:
                trouble = next((_waits(ordered[need]) for need in needed if need in held), "")
        if change.state is not State.READY:
            held.add(index)
        elif trouble:
            held.add(index)
            change.state = State.BLOCKED
            change.reason = trouble
        change.digest = digest_of_change(change)
    return tuple(ordered[index] for index in sequence)


def _waits(need: Change) -> str:
    if need.state is State.MANUAL:
        return f"waits for a manual step: {need.id}"
    return f"waits for {need.id}, which is blocked: {need.reason}"


class _Needs:
    """Finds for each change, by position, the changes that must have happened before it is tried."""

    def __init__(
        self, changes: list[Change], live_names: Mapping[str, str], links: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.changes = changes
        self.live_names = live_names
        self.links = links
        self.needs: dict[int, tuple[int, ...]] = {}
        self.troubles: dict[int, str] = {}

    def find(self) -> None:
        self._creations()
        self._reactivations()
        self._names()
        self._last_codes()
        self._removals()
        self._told()

    def _add(self, change: int, *needed: int) -> None:
        had = self.needs.get(change)
        self.needs[change] = (*had, *needed) if had else needed

    def _at(self, *verbs: Verb) -> list[tuple[int, Change]]:
        return [(index, change) for index, change in enumerate(self.changes) if change.verb in verbs]

    def _creations(self) -> None:
        """What points at an object that is yet to be made waits for it."""
        made: dict[str, tuple[int]] = {
            change.address: (index,)
            for index, change in self._at(Verb.CREATE_CODE, Verb.CREATE_TABLE, Verb.UPDATE_CODE)
            if change.live_id is None
        }
        if not made:
            return
        seen: dict[int, tuple[int, ...]] = {}
        for index, change in enumerate(self.changes):
            after = change.after
            if not after or change.verb is Verb.CREATE_CODE or change.verb is Verb.UPDATE_CODE:
                continue
            needed = seen.get(id(after))
            if needed is None:
                needed = seen[id(after)] = tuple(
                    maker for ref in references(after) for maker in made.get(ref.address, ())
                )
            if needed:
                self.needs[index] = needed

    def _reactivations(self) -> None:
        """An inactive code is made active before it is offered."""
        waking = {change.live_id: index for index, change in self._at(Verb.UPDATE_CODE) if change.reactivates}
        if waking:
            for index, change in self._at(Verb.ASSIGN):
                if change.live_id in waking:
                    self._add(index, waking[change.live_id])

    def _names(self) -> None:
        """A name must be free before it is taken: chains wait, rings and strangers block."""
        takers = [
            (index, change)
            for index, change in self._at(Verb.CREATE_CODE, Verb.UPDATE_CODE)
            if change.verb is Verb.CREATE_CODE or change.renames
        ]
        if not takers:
            return
        holders: dict[str, list[str]] = {}
        for live_id, name in self.live_names.items():
            holders.setdefault(name, []).append(live_id)
        renames = {change.live_id: index for index, change in takers if change.renames}
        removals = {change.live_id for _, change in self._at(*_REMOVALS)}
        frees: dict[int, int] = {}
        for index, change in takers:
            name = str(change.after.get("name"))
            for live_id in holders.get(name, ()):
                if live_id == change.live_id:
                    continue
                if live_id in renames:
                    frees[index] = renames[live_id]
                    self._add(index, renames[live_id])
                elif live_id in removals:
                    self.troubles[index] = (
                        f'"{name}" is freed only by a delete in this plan (id {live_id}); the next run does it'
                    )
                else:
                    self.troubles[index] = (
                        f'"{name}" is live as id {live_id} and is not this one: declare that code, '
                        "pin its `id` here, or rename it first"
                    )
        self._rings(frees)

    def _rings(self, frees: Mapping[int, int]) -> None:
        for start in frees:
            path, step = [start], frees[start]
            while step in frees and step not in path:
                path.append(step)
                step = frees[step]
            if step == start:
                names = " → ".join(f'"{self.changes[one].before.get("name")}"' for one in path)
                for one in path:
                    self.troubles[one] = (
                        f"a ring of renames ({names}) has no first step: give one of them a temporary name, "
                        "apply, then its final name"
                    )
        for one in self.troubles:
            if one in frees and frees[one] in self.troubles and self.troubles[one].startswith("a ring"):
                self.needs.pop(one, None)

    def _last_codes(self) -> None:
        """Agents must never be left without a code half-way: the last removals wait for the additions."""
        removed: dict[str, list[int]] = {}
        for index, change in self._at(Verb.UNASSIGN):
            removed.setdefault(change.parent or "", []).append(index)
        emptied = {queue for queue, gone in removed.items() if len(gone) >= len(self.links.get(queue, ()))}
        if not emptied:
            return
        added: dict[str, list[int]] = {}
        for index, change in self._at(Verb.ASSIGN):
            if change.parent in emptied:
                added.setdefault(change.parent, []).append(index)
        for queue in sorted(added):
            for index in removed[queue]:
                self._add(index, *added[queue])

    def _removals(self) -> None:
        """A code goes last: after every link to it. What rows name it is told by what compared them."""
        doomed = {change.live_id: index for index, change in self._at(*_REMOVALS)}
        if not doomed:
            return
        for index, change in self._at(Verb.UNASSIGN):
            removal = doomed.get(change.live_id)
            if removal is not None:
                self._add(removal, index)

    def _told(self) -> None:
        """What those who made the changes knew: a row waits for its table and its code, a code for its rows."""
        telling = [(index, change) for index, change in enumerate(self.changes) if change.needs]
        if not telling:
            return
        named = {need for _, change in telling for need in change.needs}
        at = {
            change.id: index
            for index, change in self._at(*{need.verb for need in named})
            if change.id in named
        }
        for index, change in telling:
            had = self.needs.get(index, ())
            more = tuple(at[need] for need in change.needs if need in at and at[need] not in had)
            change.needs = ()
            if more:
                self._add(index, *more)


def references(fields: Fields) -> list[Ref]:
    """Return the Refs in a change's fields, those in lists included."""
    found: list[Ref] = []
    for value in fields.values():
        if isinstance(value, Ref):
            found.append(value)
        elif isinstance(value, tuple):
            found += [item for item in value if isinstance(item, Ref)]
    return found


def _chained(ordered: list[Change], needs: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Return positions with each rename behind the rename that frees its name; the rest is in order already."""
    placed: dict[int, None] = {}
    updates = [index for index, change in enumerate(ordered) if change.verb is Verb.UPDATE_CODE]
    among = set(updates)
    for index in updates:
        # A rename frees one name at most, so that its needs are a line; a ring was cut before.
        line = [index]
        while following := [n for n in needs.get(line[-1], ()) if n in among and n not in line]:
            line.append(following[0])
        placed.update(dict.fromkeys(reversed(line)))
    return [*placed, *(index for index in range(len(ordered)) if index not in among)]


class _Digests:
    """SHA-256 over what a reviewer approves. Fields shared by thousands of links are encoded once."""

    def __init__(self, organization: str) -> None:
        self.prefix = hashlib.sha256(f"{FORMAT}\n{organization}\n".encode())
        self.encoded: dict[int, str] = {}

    def of(self, change: Change) -> str:
        digest = self.prefix.copy()
        digest.update(
            f"{change.verb.value}\n{change.address}\n{change.parent}\n{change.live_id}\n"
            f"{self._fields(change.before)}\n{self._fields(change.after)}".encode()
        )
        return digest.hexdigest()

    def _fields(self, fields: Fields) -> str:
        if not fields:
            return "{}"
        found = self.encoded.get(id(fields))
        if found is None:
            found = self.encoded[id(fields)] = canonical(fields)
        return found


def digest_of(change: Change, organization: str) -> str:
    """Return the digest of one change of an organization (DESIGN section 4)."""
    return _Digests(organization).of(change)


def canonical(fields: Fields) -> str:
    """Return ``fields`` as canonical JSON: sorted keys, no spaces, a Ref as ``{"ref": address}``."""
    return json.dumps(dict(fields), sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Value) -> dict[str, str]:
    if isinstance(value, Ref):
        return {"ref": value.address}
    raise TypeError(f"{type(value).__name__} is no field value")
