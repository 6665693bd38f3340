"""Writes a skill: its list of dispositions, their order and its after-call work, all in one PUT (contract section 5).

The PUT takes part of a skill: members that are left out stay as they are. So nothing is sent but what wrapctl manages:
what a GET shows is not what a PUT takes (other names, other types), so that a skill written back whole would change.
The list of dispositions always goes whole, with priorities from 1, also when only after-call work changes: whether a
PUT without the list keeps it is not documented, and the list as it was read a moment before does no harm. An org that
declares assignments manual never sends it. After-call work goes as the whole combination that the server checks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from wrapctl.errors import TargetError
from wrapctl.model import Change, ChangeId, Fields, Live, Value, Verb
from wrapctl.targets.cxone import api, convert
from wrapctl.targets.cxone.api import Api
from wrapctl.targets.cxone.classify import failed, gone, unread
from wrapctl.targets.cxone.convert import Body
from wrapctl.targets.cxone.reader import CxoneReader
from wrapctl.targets.interface import Outcome, Result

_KEPT = ("dispositions", "acwTypeId", "requireDisposition", "maxSecondsACW", "stateIdACW")
"""What a PUT may replace: goes into the journal as it was."""


@dataclass(frozen=True, slots=True)
class _Skill:
    """A skill as it is right now."""

    body: Body
    order: tuple[str, ...]
    work: dict[str, Value]


def write_skill(
    connected: Api, reader: CxoneReader, changes: tuple[Change, ...], fresh: Live, *, assigns: bool
) -> tuple[Outcome, ...]:
    """Read the skill once more, compare, write what is still to be done, and return an outcome for each change.

    Raises:
        Interrupted: the run was asked to stop before the write.
    """
    number = changes[0].parent or changes[0].live_id or ""
    try:
        skill = _current(reader, number)
        if skill is None:
            return tuple(gone(change, "skill") for change in changes)
        judged = {change.id: _judged(change, skill, fresh, number) for change in changes}
        todo = tuple(change for change in changes if judged[change.id] is None)
        states = {change.id: _state_id(reader, change) for change in todo if change.verb is Verb.SET_ACW}
    except TargetError as error:
        return tuple(unread(change, error) for change in changes)
    settled: dict[ChangeId, Outcome] = {
        one: outcome for one, outcome in judged.items() if outcome is not None
    }
    settled |= {one: found for one, found in states.items() if isinstance(found, Outcome)}
    todo = tuple(change for change in todo if change.id not in settled)
    if todo:
        numbers = {one: found for one, found in states.items() if isinstance(found, int)}
        request = _request(skill, todo, numbers, assigns=assigns)
        settled |= _send(connected, number, request, todo, skill)
    return tuple(settled[change.id] for change in changes)


def _send(
    connected: Api, number: str, request: dict[str, object], changes: tuple[Change, ...], skill: _Skill
) -> dict[ChangeId, Outcome]:
    before = {name: skill.body[name] for name in _KEPT if name in skill.body}
    text = json.dumps({"skill": request})
    try:
        reply = connected.send("PUT", api.SKILL, {"skillId": number}, text, answered=True)
    except TargetError as error:
        return {change.id: failed(change, error) for change in changes}
    body: Body = reply.value if isinstance(reply.value, dict) else {}
    if body.get("success") is False:
        words = convert.text(body, "error") or "the platform answered that it did not succeed"
        return {change.id: Outcome(change.id, Result.REFUSED, message=words) for change in changes}
    # Once for the write, not for each of its changes: the journal holds it.
    return {
        change.id: Outcome(
            change.id,
            Result.DONE,
            request_id=reply.request_id,
            body_before=before if change is changes[0] else None,
        )
        for change in changes
    }


def _current(reader: CxoneReader, number: str) -> _Skill | None:
    body = reader.skill(number)
    if body is None:
        return None
    (live,) = reader.live_queues([body])
    order = tuple(one.id for one in convert.assigned(body.get("dispositions")))
    return _Skill(body, order, dict(live.after_call_work))


# ── comparing ──────────────────────────────────────────────────────────────────────────────────────────────


def _judged(change: Change, skill: _Skill, fresh: Live, number: str) -> Outcome | None:
    """The outcome of a change that needs no write or must not have one; None when it is to be written."""
    match change.verb:
        case Verb.ASSIGN:
            return _done(change) if change.live_id in skill.order else None
        case Verb.UNASSIGN:
            return None if change.live_id in skill.order else _done(change)
        case Verb.REORDER:
            return _order_judged(change, skill)
        case _:
            return _work_judged(change, skill, fresh, number)


def _done(change: Change, now: Fields | None = None) -> Outcome:
    return Outcome(change.id, Result.DONE, message="already as wanted", now=now)


def _work_judged(change: Change, skill: _Skill, fresh: Live, number: str) -> Outcome | None:
    now = skill.work
    if _over(change.after, now) == dict(change.after):
        return _done(change, now)
    seen = next((queue for queue in fresh.queues if queue.id == number), None)
    as_seen = seen is not None and dict(seen.after_call_work) == now
    if as_seen or _over(change.before, now) == dict(change.before):
        return None
    text = "after-call work changed since the plan was made"
    return Outcome(change.id, Result.STALE, message=text, hint="plan again", now=now)


def _order_judged(change: Change, skill: _Skill) -> Outcome | None:
    before, after = _order(change.before), _order(change.after)
    now: Fields = {"order": skill.order}
    strangers = set(skill.order) - set(before) - set(after)
    lost = (set(before) & set(after)) - set(skill.order)
    kept = [one for one in skill.order if one in before and one in after]
    known = ([one for one in before if one in after], [one for one in after if one in before])
    if not strangers and not lost and kept in known:
        return None
    text = "the order of the skill's dispositions changed since the plan was made"
    return Outcome(change.id, Result.STALE, message=text, hint="plan again", now=now)


def _over(names: Fields, now: Fields) -> dict[str, Value]:
    return {name: now.get(name) for name in names}


def _order(fields: Fields) -> tuple[str, ...]:
    value = fields.get("order")
    return tuple(str(one) for one in value) if isinstance(value, tuple) else ()


# ── what is sent ───────────────────────────────────────────────────────────────────────────────────────────


def _request(
    skill: _Skill, changes: tuple[Change, ...], states: dict[ChangeId, int], *, assigns: bool
) -> dict[str, object]:
    request: dict[str, object] = {}
    for change in changes:
        if change.verb is Verb.SET_ACW:
            request |= convert.acw_members(skill.body, change.after, states.get(change.id))
    order = new_order(skill.order, changes)
    if assigns and (order or skill.order):
        request["dispositions"] = convert.assignments(order)
    return request


def new_order(current: tuple[str, ...], changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the list that ``current`` becomes: what goes is taken out, what comes is appended, then it is ordered.

    What an order does not name stays behind what it names. Pure.
    """
    going = {change.live_id for change in changes if change.verb is Verb.UNASSIGN}
    order = [one for one in current if one not in going]
    for change in changes:
        if change.verb is Verb.ASSIGN and change.live_id and change.live_id not in order:
            order.append(change.live_id)
    for change in changes:
        if change.verb is Verb.REORDER:
            first = [one for one in _order(change.after) if one in order]
            order = [*first, *(one for one in order if one not in first)]
    return tuple(order)


def _state_id(reader: CxoneReader, change: Change) -> int | Outcome | None:
    """The id of the unavailable code that a change names, None when it names none."""
    name = change.after.get("state")
    if not isinstance(name, str):
        return None
    found = [one for one in reader.states() if one.name == name and one.usable]
    if len(found) == 1:
        return found[0].id
    if not found:
        text = f'no unavailable code for after-call work is named "{name}"'
        return Outcome(change.id, Result.REFUSED, message=text, hint="correct `state`")
    ids = ", ".join(str(one.id) for one in found)
    text = f'several unavailable codes are named "{name}": {ids}'
    return Outcome(change.id, Result.REFUSED, message=text, hint="rename one of them on the platform")
