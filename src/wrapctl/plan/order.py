"""Put changes in the order of work, once: verbs by rank, chains of renames inside it, each with what it needs.

Then give each its digest. Shuffled input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

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

    ``live_names`` maps the ids of all live codes to their names, ``links`` live queues to their codes.
    """
    ordered = sorted(changes, key=lambda change: (change.verb.rank, change.address))
    needs, troubles = _Needs(ordered, live_names or {}, links or {}).find()
    if needs:
        ordered = _chained(ordered, needs)
    held: dict[ChangeId, Change] = {}
    finished = []
    digests = _Digests(organization)
    watch = bool(needs or troubles)
    for change in ordered:
        if watch:
            change = _settled(change, needs, troubles, held)  # noqa: PLW2901 (the same change, explained)
            if change.state is not State.READY:
                held[change.id] = change
        # object.__setattr__ instead of replace(): the change is ours alone still, and there may be 136,000.
        object.__setattr__(change, "digest", digests.of(change))
        finished.append(change)
    return tuple(finished)


def _settled(
    change: Change,
    needs: Mapping[ChangeId, tuple[ChangeId, ...]],
    troubles: Mapping[ChangeId, str],
    held: Mapping[ChangeId, Change],
) -> Change:
    change_id = change.id
    required = needs.get(change_id, ())
    trouble = troubles.get(change_id, "")
    if change.state is not State.READY:
        return replace(change, needs=required) if required else change
    if not trouble:
        for need in required:
            if need in held:
                trouble = f"waits for {need}, which is {held[need].state}: {held[need].reason}"
                break
    if trouble:
        return replace(change, needs=required, state=State.BLOCKED, reason=trouble)
    return replace(change, needs=required) if required else change


class _Needs:
    """Finds for each change the changes that must have happened before it is tried."""

    def __init__(
        self, changes: list[Change], live_names: Mapping[str, str], links: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.changes = changes
        self.live_names = live_names
        self.links = links
        self.needs: dict[ChangeId, tuple[ChangeId, ...]] = {}
        self.troubles: dict[ChangeId, str] = {}

    def find(self) -> tuple[dict[ChangeId, tuple[ChangeId, ...]], dict[ChangeId, str]]:
        self._creations()
        self._names()
        self._last_codes()
        self._removals()
        return self.needs, self.troubles

    def _add(self, change: ChangeId, *needed: ChangeId) -> None:
        if needed:
            self.needs[change] = (*self.needs.get(change, ()), *needed)

    def _creations(self) -> None:
        """What points at a code that is yet to be made waits for it."""
        made = {
            change.address: change.id
            for change in self.changes
            if change.verb in (Verb.CREATE_CODE, Verb.CREATE_TABLE)
            or (change.verb is Verb.UPDATE_CODE and change.live_id is None)
        }
        if not made:
            return
        for change in self.changes:
            if change.after and change.verb not in (Verb.CREATE_CODE, Verb.UPDATE_CODE):
                for ref in references(change.after):
                    creator = made.get(ref.address)
                    if creator is not None:
                        self._add(change.id, creator)

    def _names(self) -> None:
        """A name must be free before it is taken: chains wait, rings and strangers block."""
        takers = [
            change
            for change in self.changes
            if (change.verb is Verb.CREATE_CODE or change.renames)
            and isinstance(change.after.get("name"), str)
        ]
        if not takers:
            return
        holders: dict[str, list[str]] = {}
        for live_id, name in self.live_names.items():
            holders.setdefault(name, []).append(live_id)
        renames = {change.live_id: change for change in takers if change.renames}
        removals = {change.live_id: change for change in self.changes if change.verb in _REMOVALS}
        frees: dict[ChangeId, Change] = {}
        for change in takers:
            name = str(change.after["name"])
            for live_id in holders.get(name, ()):
                if live_id == change.live_id:
                    continue
                if live_id in renames:
                    frees[change.id] = renames[live_id]
                    self._add(change.id, renames[live_id].id)
                elif live_id in removals:
                    self.troubles[change.id] = (
                        f'"{name}" is freed only by a delete in this plan (id {live_id}); the next run does it'
                    )
                elif change.state is State.READY:
                    self.troubles[change.id] = (
                        f'"{name}" is live as id {live_id} and is not this one: declare that code, '
                        "pin its `id` here, or rename it first"
                    )
        self._rings(frees)

    def _rings(self, frees: Mapping[ChangeId, Change]) -> None:
        for start in frees:
            path, step = [start], frees[start].id
            while step in frees and step not in path:
                path.append(step)
                step = frees[step].id
            if step == start:
                names = " → ".join(str(frees[one].before["name"]) for one in path)
                for one in path:
                    self.troubles[one] = (
                        f"a ring of renames ({names} → {frees[start].before['name']}) has no first step: give one "
                        "of them a temporary name, apply, then its final name"
                    )
                    self.needs.pop(one, None)

    def _last_codes(self) -> None:
        """Agents must never be left without a code half-way: the last removals wait for the additions."""
        removed: dict[str, list[Change]] = {}
        for change in self.changes:
            if change.verb is Verb.UNASSIGN and change.parent is not None:
                removed.setdefault(change.parent, []).append(change)
        emptied = {queue for queue, gone in removed.items() if len(gone) >= len(self.links.get(queue, ()))}
        if not emptied:
            return
        added: dict[str, list[ChangeId]] = {}
        for change in self.changes:
            if change.verb is Verb.ASSIGN and change.parent in emptied:
                added.setdefault(change.parent, []).append(change.id)
        for queue in sorted(added):
            for change in removed[queue]:
                self._add(change.id, *added[queue])

    def _removals(self) -> None:
        """A code goes last: after every link and row that names it."""
        doomed = {change.live_id: change for change in self.changes if change.verb in _REMOVALS}
        if not doomed:
            return
        for change in self.changes:
            if change.verb in (Verb.UNASSIGN, Verb.DELETE_ROW, Verb.DEACTIVATE_ROW):
                target = change.live_id if change.verb is Verb.UNASSIGN else change.before.get("code_id")
                removal = doomed.get(target if isinstance(target, str) else None)
                if removal is not None:
                    self._add(removal.id, change.id)


def references(fields: Fields) -> list[Ref]:
    """Return the Refs in a change's fields, those in lists included."""
    found: list[Ref] = []
    for value in fields.values():
        if isinstance(value, Ref):
            found.append(value)
        elif isinstance(value, tuple):
            found += [item for item in value if isinstance(item, Ref)]
    return found


def _chained(ordered: list[Change], needs: Mapping[ChangeId, tuple[ChangeId, ...]]) -> list[Change]:
    """Move each rename behind the rename that frees its name; everything else is in order already."""
    waiting = [change for change in ordered if change.verb is Verb.UPDATE_CODE]
    by_id = {change.id: change for change in waiting}
    placed: dict[ChangeId, Change] = {}

    def place(change: Change, above: tuple[ChangeId, ...]) -> None:
        for need in needs.get(change.id, ()):
            if need in by_id and need not in placed and need not in above:
                place(by_id[need], (*above, change.id))
        placed.setdefault(change.id, change)

    for change in waiting:
        place(change, (change.id,))
    return [*placed.values(), *(change for change in ordered if change.verb is not Verb.UPDATE_CODE)]


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
