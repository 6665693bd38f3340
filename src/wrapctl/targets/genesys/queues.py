"""Sets a queue's after-call work by the safe read-change-write of the whole queue (contract section 7).

There is no PATCH and no lock, and what a PUT leaves out is lost. So the queue is read a moment before, one member
of its own text is changed, everything else goes back byte for byte, and the answer is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from wrapctl.errors import Interrupted, TargetError
from wrapctl.model import Change, Fields, Live, Value
from wrapctl.targets.genesys import api, convert, splice
from wrapctl.targets.genesys.api import Api
from wrapctl.targets.genesys.classify import failed, unread
from wrapctl.targets.genesys.convert import Body
from wrapctl.targets.genesys.options import TIMED_PROMPTS
from wrapctl.targets.interface import Outcome, Result

ACW = "acwSettings"
_PROMPT = (ACW, "wrapupPrompt")
_TIMEOUT = (ACW, "timeoutMs")
# It comes back in a GET and is an error in a PUT (section 7, trap 1).
_OWN_QUEUE = ("conditionalGroupRouting", "rules", 0, "queue")
# What the server keeps itself: may differ after any write, and says nothing about somebody else.
_SERVER_KEPT = frozenset(
    {"dateModified", "modifiedBy", "memberCount", "userMemberCount", "joinedMemberCount", "selfUri"}
)
_REREADS = (1.0, 2.0)


@dataclass(frozen=True, slots=True)
class _Queue:
    text: str
    body: Body


def set_after_call_work(connected: Api, change: Change, fresh: Live) -> Outcome:
    """Read the queue, change its after-call work alone, write it back, compare.

    Raises:
        Interrupted: the run was asked to stop before the write.
    """
    queue_id = change.live_id or change.parent or ""
    try:
        queue = _current(connected, queue_id)
    except TargetError as error:
        return unread(change, error)
    if queue is None:
        text = "every read shows an older state of the queue than this run has already seen"
        return Outcome(change.id, Result.STALE, message=text, hint="run again in a minute")
    now = convert.after_call_work(queue.body)
    if _over(change.after, now) == dict(change.after):
        return Outcome(change.id, Result.DONE, message="already as wanted", now=now)
    if not _as_planned(change, fresh, queue_id, now):
        text = "after-call work changed since the plan was made"
        return Outcome(change.id, Result.STALE, message=text, hint="plan again", now=now)
    text = changed_text(queue.text, now, change.after)
    try:
        reply = connected.send("PUT", api.QUEUE, {"queueId": queue_id}, text, answered=True)
    except TargetError as error:
        return replace(failed(change, error), body_before=queue.body)
    answered = reply.value if isinstance(reply.value, dict) else {}
    connected.memory.is_older(answered)
    differing = overwritten(text, reply.text)
    if differing:
        differing = _confirmed(connected, queue_id, text, differing)
    return Outcome(
        change.id,
        Result.DONE,
        message=f"possible overwrite: {', '.join(differing)}" if differing else "",
        hint="compare these members of the queue with the body from before, in the journal"
        if differing
        else "",
        request_id=reply.request_id,
        body_before=queue.body,
        overwritten=differing,
    )


def changed_text(text: str, now: Fields, wanted: Fields) -> str:
    """Return a queue's JSON text with the wanted after-call work, ready to be written. Pure.

    ``now`` is the after-call work in ``text``. Only ``acwSettings`` differs, and the one member that must not be
    sent is gone. A timeout is never sent with a prompt that has none.
    """
    text = splice.drop(text, _OWN_QUEUE)
    settings = splice.cut(text, (ACW,))
    if settings is None or not settings.startswith("{"):
        text = splice.put(text, (ACW,), "{}")
    prompt = wanted.get("prompt") or now.get("prompt")
    if isinstance(prompt, str) and prompt != now.get("prompt"):
        text = splice.put(text, _PROMPT, json.dumps(convert.prompt_word(prompt)))
    if prompt not in TIMED_PROMPTS:
        return splice.drop(text, _TIMEOUT)
    timeout = wanted.get("timeout_ms")
    if timeout is not None:
        return splice.put(text, _TIMEOUT, json.dumps(timeout))
    # A timeout left over from an untimed prompt was never anybody's wish.
    return text if "timeout_ms" in now else splice.drop(text, _TIMEOUT)


def overwritten(sent: str, answered: str) -> tuple[str, ...]:
    """Return the members that came back otherwise than they were sent, sorted. Pure.

    Not counted: after-call work itself, what the server keeps, and null against absent.
    """
    before, after = _comparable(sent), _comparable(answered)
    return tuple(sorted(key for key in {*before, *after} if before.get(key) != after.get(key)))


def _comparable(text: str) -> Mapping[str, object]:
    body: object = json.loads(splice.drop(text, _OWN_QUEUE), parse_float=Decimal)
    if not isinstance(body, dict):
        return {}
    return {key: _bare(value) for key, value in body.items() if key not in _SERVER_KEPT and key != ACW}


def _bare(value: object) -> object:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item is not None}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _as_planned(change: Change, fresh: Live, queue_id: str, now: Fields) -> bool:
    """Whether the queue still is what the plan, or the engine's look a moment ago, started from."""
    if _over(change.before, now) == dict(change.before):
        return True
    seen = next((queue for queue in fresh.queues if queue.id == queue_id), None)
    return seen is not None and dict(seen.after_call_work) == dict(now)


def _over(names: Fields, now: Fields) -> dict[str, Value]:
    return {name: now.get(name) for name in names}


def _current(connected: Api, queue_id: str) -> _Queue | None:
    """The queue as it is; None when every read is older than one already seen."""
    for pause in (*_REREADS, None):
        reply = connected.get(api.QUEUE, {"queueId": queue_id})
        body = reply.value if isinstance(reply.value, dict) else {}
        convert.required(body, "id", "queue")
        if not connected.memory.is_older(body):
            return _Queue(reply.text, body)
        if pause is not None and connected.wait(pause):
            raise Interrupted("stopped before the queue was written")
    return None


def _confirmed(connected: Api, queue_id: str, sent: str, differing: tuple[str, ...]) -> tuple[str, ...]:
    """The members that a read shows changed too: an answer to a PUT may leave some out."""
    try:
        return overwritten(sent, connected.get(api.QUEUE, {"queueId": queue_id}).text)
    except (TargetError, Interrupted):
        return differing
