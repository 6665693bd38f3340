"""Hold back what nobody approved: a review approves a set of changes, by digest, and merging writes no other. Pure.

The approved plan was made before the merge, this one after it. An apply may have got half-way in between, and then
the same changes look a little otherwise: what referred to a code that was yet to be made names it by its id now, and
queues that held a doomed code hold it no more. Two reviews of one object may arrive together. Those are recognised;
anything else is held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wrapctl.model import Address, Change, ChangeId, Ref, State, Value, Verb
from wrapctl.plan.order import digest_of
from wrapctl.plan.plan import Finding, Plan

_QUEUES = "queues"
_REMOVALS = frozenset({Verb.DELETE_CODE, Verb.DEACTIVATE_CODE})
_FIELDWISE = frozenset({Verb.UPDATE_CODE, Verb.SET_ACW, Verb.UPDATE_ROW})
UNREVIEWED = "nobody reviewed this change"
TOKEN = "held="  # noqa: S105 (how a token of allow.yaml begins)
"""How an acknowledgement of held changes begins."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The changes that a set of reviews approved, and for which organization."""

    changes: tuple[Change, ...]
    organization: str

    @property
    def by_id(self) -> Mapping[ChangeId, Change]:
        """The approved change of each address and verb; of several reviews, the last one's."""
        return {change.id: change for change in self.changes}

    def at(self, change: Change) -> Change | None:
        """Return what was approved where ``change`` stands: of the same verb, else any; None where nothing was."""
        same = (one for one in reversed(self.changes) if one.id == change.id)
        return next(same, None) or next((one for one in self.changes if one.address == change.address), None)


def hold(plan: Plan, approval: Approval, live_ids: Mapping[str, Address]) -> Plan:
    """Return ``plan`` with every ready change held that ``approval`` does not cover, and what needs one of those.

    ``live_ids`` maps the live ids of declared codes to their addresses: by them a code is recognised whose creation
    was approved and has happened since. The reason of a held change tells what was approved at its address.
    """
    known = _Known(plan, approval, live_ids)
    held: dict[ChangeId, Change] = {}
    changes: list[Change] = []
    for change in plan.changes:
        done = change
        if change.state is State.READY:
            reason = "" if known.covers(change) else known.why(change)
            if not reason:
                waits = next((need for need in change.needs if need in held), None)
                reason = f"waits for {waits}, which is held" if waits is not None else ""
            if reason:
                done = replace(change, state=State.HELD, reason=reason)
        if done.state is not State.READY:
            held[done.id] = done
        changes.append(done)
    return replace(plan, changes=tuple(changes))


class _Known:
    """What was approved, in the forms in which it can come back."""

    def __init__(self, plan: Plan, approval: Approval, live_ids: Mapping[str, Address]) -> None:
        self._organization = plan.identity.id
        same = approval.organization == plan.identity.id
        self._approved = approval.changes if same else ()
        self._digests = {change.digest for change in self._approved}
        self._by_id = approval.by_id if same else {}
        made = {change.address for change in self._approved if change.verb is Verb.CREATE_CODE}
        self._made = {live_id: address for live_id, address in live_ids.items() if address in made}

    def covers(self, change: Change) -> bool:
        return (
            change.digest in self._digests
            or self._before_it_was_made(change)
            or self._finishes_a_creation(change)
            or self._fewer_holders(change)
            or self._pieced_together(change)
        )

    def why(self, change: Change) -> str:
        """Why a change is held: what was approved where it stands, if anything."""
        approved = Approval(tuple(self._approved), self._organization).at(change)
        if approved is None:
            return UNREVIEWED
        if approved.verb is not change.verb:
            return f"{UNREVIEWED}: what was reviewed here is to {approved.verb.value}"
        if dict(approved.after) != dict(change.after):
            return f"{UNREVIEWED}: what was reviewed here ends otherwise"
        return f"{UNREVIEWED} as it is now: what is live was changed since the review"

    def _before_it_was_made(self, change: Change) -> bool:
        """The change as it was when its code was yet to be made: with a reference in place of the id."""
        if not self._made or change.verb is Verb.UPDATE_CODE:
            return False
        after = {name: self._referred(value) for name, value in change.after.items()}
        if after == dict(change.after) and change.live_id not in self._made:
            return False
        live_id = None if change.live_id in self._made else change.live_id
        if change.verb is Verb.SET_OUTBOUND and live_id is None:
            # The platform gave the new code the org's default flags, which nobody could know before.
            approved = self._by_id.get(change.id)
            return approved is not None and approved.after.get("outbound") == change.after.get("outbound")
        then = replace(change, after=after, live_id=live_id)
        return digest_of(then, self._organization) in self._digests

    def _finishes_a_creation(self, change: Change) -> bool:
        """A code that was made without the fields that its create could not carry."""
        if change.verb is not Verb.UPDATE_CODE or change.live_id not in self._made:
            return False
        create = self._by_id.get(ChangeId(Verb.CREATE_CODE, change.address))
        if create is None or dict(create.after) != dict(change.after):
            return False
        lacking = [name for name in change.after if change.before.get(name) != change.after[name]]
        return all(change.before.get(name) in {None, ""} for name in lacking)

    def _fewer_holders(self, change: Change) -> bool:
        """A removal whose code came off some of the queues that held it when it was approved."""
        approved = self._by_id.get(change.id)
        if change.verb not in _REMOVALS or approved is None or approved.live_id != change.live_id:
            return False
        now, then = _holders(change), _holders(approved)
        return (
            now <= then
            and _but_holders(change) == _but_holders(approved)
            and dict(change.after) == dict(approved.after)
        )

    def _pieced_together(self, change: Change) -> bool:
        """An update of fields each of which some review showed going from this value to that one."""
        if change.verb not in _FIELDWISE:
            return False
        pieces = [one for one in self._approved if one.id == change.id and one.live_id == change.live_id]
        if len(pieces) < 2:
            return False
        moves = {name for name in change.after if change.before.get(name) != change.after[name]}
        return all(any(_same_move(one, change, name) for one in pieces) for name in moves)

    def _referred(self, value: Value) -> Value:
        if isinstance(value, str) and value in self._made:
            return Ref(self._made[value])
        if isinstance(value, tuple):
            return tuple(self._referred(item) for item in value)
        return value


def _same_move(one: Change, other: Change, name: str) -> bool:
    """Whether both take a field from the same value to the same value."""
    return all(
        name in mine and name in theirs and mine[name] == theirs[name]
        for mine, theirs in ((one.before, other.before), (one.after, other.after))
    )


def _holders(change: Change) -> set[Value]:
    queues = change.before.get(_QUEUES)
    return set(queues) if isinstance(queues, tuple) else set()


def _but_holders(change: Change) -> dict[str, Value]:
    return {name: value for name, value in change.before.items() if name != _QUEUES}


def held(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the held ones."""
    return tuple(change for change in changes if change.state is State.HELD)


def token(plan: Plan) -> str:
    """Return what acknowledges exactly the held changes of a plan, as they are now; empty when none is.

    Longer than the guard's: it stands for a review, and not for a number.
    """
    digests = sorted(change.digest for change in held(plan.changes))
    text = "\n".join((plan.identity.id, *digests))
    return f"{TOKEN}{len(digests)}@{hashlib.sha256(text.encode()).hexdigest()[:32]}" if digests else ""


def release(plan: Plan, before: Plan, reasons: Mapping[str, str]) -> Plan:
    """Return ``plan`` with its held changes as they were in ``before``, if a token in ``reasons`` says so.

    The finding that tells of it is for the journal.
    """
    mine = token(plan)
    if mine not in reasons:
        return plan
    found = held(plan.changes)
    told = Finding(
        limit="held",
        measured=len(found),
        allowed=0,
        message=f"{len(found)} changes that no plan of a pull request showed",
        token=mine,
        subjects=tuple(sorted(change.address for change in found)),
        names=tuple(change.label for change in found),
        accepted=reasons[mine],
    )
    return replace(plan, changes=before.changes, findings=(*plan.findings, told))
