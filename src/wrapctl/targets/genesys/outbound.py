"""Sets outbound flags: one PUT of the whole mapping, under its version (contract section 8)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from wrapctl.errors import Answered, IncompleteRead, PlatformAnswer, TargetError
from wrapctl.model import Change, ChangeId, Live
from wrapctl.targets.genesys import api, convert, splice
from wrapctl.targets.genesys.api import Api
from wrapctl.targets.genesys.classify import failed, is_version_conflict, unread
from wrapctl.targets.interface import Outcome, Result

_ATTEMPTS = 5
_STEP = 0.5
_LONGEST = 30.0
_READ_ONLY = ("id", "dateCreated", "dateModified", "selfUri")


@dataclass(frozen=True, slots=True)
class _Mapping:
    text: str
    entries: dict[str, object]
    flags: dict[str, tuple[str, ...]]
    default: tuple[str, ...]

    def of(self, change: Change) -> tuple[str, ...]:
        """The flags that a change's code has now; one that the map does not name has the default set."""
        return self.flags.get(_code(change), self.default)


def set_flags(connected: Api, changes: tuple[Change, ...], fresh: Live) -> tuple[Outcome, ...]:
    """Read the mapping, put the flags of all ``changes`` into it, write it under the version that was read.

    Entries that nobody here writes go back as they came, those of deleted codes included. After a version conflict
    it is read and judged again, a few times; then the changes are stale.

    Raises:
        Interrupted: the run was asked to stop before anything was written.
    """
    settled: dict[ChangeId, Outcome] = {}
    conflict: PlatformAnswer | None = None
    rest = changes
    for attempt in range(_ATTEMPTS):
        if attempt and connected.wait(_pause(conflict, attempt)):
            break
        try:
            mapping = _read(connected)
        except TargetError as error:
            settled |= {change.id: _unread(change, error) for change in rest}
            break
        judged = ((change, _judged(change, mapping, fresh)) for change in rest)
        settled |= {change.id: outcome for change, outcome in judged if outcome is not None}
        rest = tuple(change for change in rest if change.id not in settled)
        if not rest:
            break
        try:
            reply = connected.send("PUT", api.MAPPING, {}, _text(mapping, rest), answered=False)
        except TargetError as error:
            if isinstance(error, Answered) and is_version_conflict(error.answer):
                conflict = error.answer
                continue
            settled |= {change.id: failed(change, error) for change in rest}
        else:
            done = (Outcome(change.id, Result.DONE, request_id=reply.request_id) for change in rest)
            settled |= {outcome.id: outcome for outcome in done}
        break
    return tuple(settled.get(change.id) or _contended(change, conflict) for change in changes)


def _read(connected: Api) -> _Mapping:
    reply = connected.get(api.MAPPING)
    body = reply.value if isinstance(reply.value, dict) else {}
    entries = body.get("mapping") or {}
    if not isinstance(entries, dict) or not isinstance(body.get("version"), int):
        raise IncompleteRead("the platform sent an outbound mapping without its version or its map")
    return _Mapping(reply.text, dict(entries), convert.mapping(body), convert.flags(body.get("defaultSet")))


def _judged(change: Change, mapping: _Mapping, fresh: Live) -> Outcome | None:
    """The outcome of a change that needs no write or must not have one; None when it is to be written."""
    now, wanted = mapping.of(change), change.after.get("outbound")
    if now == wanted:
        return Outcome(change.id, Result.DONE, message="already as wanted", now={"outbound": now})
    expected = {change.before.get("outbound")}
    if fresh.outbound is not None:
        expected.add(fresh.outbound.get(_code(change), fresh.outbound_default))
    if not change.before or "code" in change.after:
        # The platform gives a code that it has just made the default flags, or none yet.
        expected |= {(), mapping.default}
    if now in expected:
        return None
    text = "the flags changed since the plan was made"
    return Outcome(change.id, Result.STALE, message=text, hint="plan again", now={"outbound": now})


def _text(mapping: _Mapping, changes: tuple[Change, ...]) -> str:
    entries = dict(mapping.entries)
    for change in changes:
        flags = change.after.get("outbound")
        entries[_code(change)] = convert.flag_words(flags if isinstance(flags, tuple) else ())
    text = splice.put(mapping.text, ("mapping",), json.dumps(entries))
    for name in _READ_ONLY:
        text = splice.drop(text, (name,))
    return text


def _code(change: Change) -> str:
    return change.live_id or str(change.after.get("code", ""))


def _unread(change: Change, error: TargetError) -> Outcome:
    if isinstance(error, Answered) and error.answer.status == 404:
        return Outcome(
            change.id,
            Result.REFUSED,
            message=f"outbound is not set up in this org: {error.answer}",
            hint="set up outbound, or remove `outbound` from the code",
            answer=error.answer,
            request_id=error.answer.request_id,
        )
    return unread(change, error)


def _contended(change: Change, conflict: PlatformAnswer | None) -> Outcome:
    return Outcome(
        change.id,
        Result.STALE,
        message=f"somebody else keeps writing the outbound mapping: {conflict or 'stopped while waiting'}",
        hint="run again when it is quiet",
        answer=conflict,
        request_id=conflict.request_id if conflict else "",
    )


def _pause(conflict: PlatformAnswer | None, attempt: int) -> float:
    asked = conflict.retry_after if conflict else None
    return min(_STEP * attempt if asked is None else asked, _LONGEST)
