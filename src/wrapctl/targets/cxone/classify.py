"""What a failed write means for a change: by exception, status, words and operation. Pure.

Contract sections 3 (errors), 4 and 5 (what each operation answers).
"""

from __future__ import annotations

from dataclasses import replace
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
        Verb.UPDATE_CODE: "the right to change dispositions",
        Verb.CREATE_CODE: "Dispositions Create",
        Verb.DEACTIVATE_CODE: "the right to change dispositions",
        Verb.ASSIGN: "Skills Edit",
        Verb.UNASSIGN: "Skills Edit",
        Verb.REORDER: "Skills Edit",
        Verb.SET_ACW: "Skills Edit",
    }
)
"""What each write needs: the two names are all that a source gives (section 1); rights are those of the user whose access key it is."""

_SKILL = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER, Verb.SET_ACW})
_TAKEN = ("already exists", "duplicate", "in use", "must be unique")


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write raised ``error``.

    What ends every further write (login, limit, no network) is fatal. An answer that leaves open whether the write
    happened (5xx, 408, none at all) is unknown.
    """
    forbidden = (
        f"give the user of the access key {PERMISSIONS.get(change.verb, '')}; a restricted skill needs its own right, "
        "and a key for `plan` alone cannot apply"
    )
    # Skills can be restricted one by one (section 3); a disposition that may not be written means that none may.
    hopeless = change.verb not in _SKILL
    return by_error(change, error, forbidden=forbidden, hopeless=hopeless, answered=_answered)


def unread(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose object could not be read right before its write: nothing was sent."""
    if isinstance(error, Forbidden):
        return replace(
            failed(change, error), fatal=False
        )  # a reading right is missing: others may do without it
    if isinstance(error, (Unauthorized, RateLimited)):
        return failed(change, error)
    return not_read(change, error)


def gone(change: Change, what: str) -> Outcome:
    """Return the outcome of a change whose object is not there: a removal has nothing to do."""
    if change.verb is Verb.DEACTIVATE_CODE:
        return Outcome(change.id, Result.DONE, message="it was already gone")
    return Outcome(change.id, Result.STALE, message=f"the {what} is not there any more", hint="plan again")


def not_made(change: Change, words: str, operation: str, status: int) -> Outcome:
    """Return the outcome of an item that a batch did not create, with the platform's words."""
    result = Result.EXISTS if is_taken(words) else Result.REFUSED
    answer = PlatformAnswer(operation, status, message=words)
    return Outcome(change.id, result, message=words or "the platform did not create it", answer=answer)


def is_taken(words: str) -> bool:
    """Whether words of the platform say that a name is in use; how it says that is not documented (section 4)."""
    return any(sign in words.lower() for sign in _TAKEN)


def _answered(change: Change, error: Answered) -> Outcome:
    answer, verb = error.answer, change.verb
    status = answer.status
    if status == 404:
        return gone(change, "skill" if verb in _SKILL else "disposition")
    if verb is Verb.CREATE_CODE and is_taken(answer.message):
        return outcome(change, Result.EXISTS, error)
    if status == 409 and verb in _SKILL:
        hint = "an outbound skill that runs cannot be changed: stop the skill, run again, and start it afterwards"
        return outcome(change, Result.BUSY, error, hint=hint)
    if status == 409:
        hint = "a disposition of the platform itself cannot be changed; or another one has this name: choose another"
        return outcome(change, Result.REFUSED, error, hint=hint)
    if status == 400 and verb is Verb.SET_ACW:
        hint = "the platform checks prompt, state and time together: after-call work may need a `state`"
        return outcome(change, Result.REFUSED, error, hint=hint)
    return outcome(change, Result.REFUSED, error)
