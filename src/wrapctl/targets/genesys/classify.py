"""What a failed write means for a change: by exception, status, code and operation. Pure.

Contract sections 2 (codes), 5 to 8 (what each operation answers).
"""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.errors import (
    Answered,
    Forbidden,
    PlatformAnswer,
    RateLimited,
    TargetError,
    Unauthorized,
)
from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import by_error, not_read, outcome

PERMISSIONS = MappingProxyType(
    {
        Verb.UPDATE_CODE: "routing:wrapupCode:edit",
        Verb.CREATE_CODE: "routing:wrapupCode:add",
        Verb.DELETE_CODE: "routing:wrapupCode:delete",
        Verb.ASSIGN: "routing:queue:edit",
        Verb.UNASSIGN: "routing:queue:edit",
        Verb.SET_ACW: "routing:queue:edit",
        Verb.SET_OUTBOUND: "outbound:wrapUpCodeMapping:edit",
    }
)
"""The permission that each write needs (contract section 13)."""

MISSING = frozenset({"missing.permissions", "missing.any.permissions"})
_GONE_IS_DONE = frozenset({Verb.UNASSIGN, Verb.DELETE_CODE})


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write raised ``error``.

    What ends every further write (login, limit, no network) is fatal. An answer that leaves open whether the
    write happened (5xx, 408, none at all) is unknown.
    """
    forbidden = (
        f"give the client's role {PERMISSIONS.get(change.verb, '')}, with the division of the object; "
        "a client for `plan` alone cannot apply"
    )
    # Without the permission no write of this kind can succeed; half an apply would be worse than none (section 5).
    hopeless = isinstance(error, Answered) and error.answer.code in MISSING
    return by_error(change, error, forbidden=forbidden, hopeless=hopeless, answered=_answered)


def unread(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose object could not be read right before its write: nothing was sent."""
    if isinstance(error, Forbidden):
        return outcome(change, Result.REFUSED, error)
    if isinstance(error, Answered) and error.answer.status == 404:
        return gone(change, error.answer)
    if isinstance(error, (Unauthorized, RateLimited)):
        return failed(change, error)
    return not_read(change, error)


def gone(change: Change, answer: PlatformAnswer) -> Outcome:
    """Return the outcome of a change whose object does not exist any more."""
    return Outcome(
        change.id,
        Result.STALE,
        message=f"not there any more: {answer}",
        hint="plan again",
        answer=answer,
        request_id=answer.request_id,
    )


def is_version_conflict(answer: PlatformAnswer) -> bool:
    """Whether an outbound mapping was refused because somebody else wrote it (section 8)."""
    if answer.status == 409:
        return True
    return answer.status == 400 and "does not match the current version" in answer.message.lower()


def _answered(change: Change, error: Answered) -> Outcome:
    answer, verb = error.answer, change.verb
    status = answer.status
    if status == 404:
        if verb in _GONE_IS_DONE:
            return Outcome(
                change.id,
                Result.DONE,
                message="it was already gone",
                answer=answer,
                request_id=answer.request_id,
            )
        return gone(change, answer)
    if _is_duplicate(answer) and verb is Verb.CREATE_CODE:
        return outcome(change, Result.EXISTS, error)
    if _is_duplicate(answer) and verb is Verb.UPDATE_CODE:
        hint = (
            "another code bears that name, perhaps in a division that this client cannot see: choose another"
        )
        return outcome(change, Result.REFUSED, error, hint=hint)
    if status == 409:
        return outcome(change, Result.BUSY, error, hint="run again: the object is being changed or is in use")
    if status == 412:
        return outcome(change, Result.STALE, error)
    return outcome(change, Result.REFUSED, error)


def _is_duplicate(answer: PlatformAnswer) -> bool:
    # 2018's table has 400 duplicate.name for POST and nothing for PUT (section 5): both may have grown.
    return answer.status in {400, 409} and (
        "duplicate" in answer.code.lower() or "already exists" in answer.message.lower()
    )
