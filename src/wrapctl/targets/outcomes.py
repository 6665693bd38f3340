"""What a failed request means for a change, as far as it is the same on every platform. Pure."""

from __future__ import annotations

from collections.abc import Callable

from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    RateLimited,
    TargetError,
    Unanswered,
    Unauthorized,
    Unreachable,
)
from wrapctl.model import Change
from wrapctl.targets.interface import Outcome, Result


def by_error(
    change: Change,
    error: TargetError,
    *,
    forbidden: str,
    hopeless: bool,
    answered: Callable[[Change, Answered], Outcome],
) -> Outcome:
    """Return the outcome of a change whose write raised ``error``.

    What ends every further write (login, limit, no network) is fatal. No answer leaves open whether the write
    happened: unknown. ``forbidden`` is the hint of a 403, which is fatal where it is ``hopeless``: not about this
    object but about the client. ``answered`` reads what else the platform says.
    """
    match error:
        case Unauthorized():
            return outcome(change, Result.REFUSED, error, fatal=True)
        case RateLimited():
            return outcome(change, Result.BUSY, error, fatal=True)
        case Forbidden():
            return outcome(change, Result.REFUSED, error, hint=forbidden, fatal=hopeless)
        case Answered() if error.answer.status == 408 or (
            error.answer.status >= 500 and error.answer.status != 501
        ):
            return outcome(change, Result.UNKNOWN, error)
        case Answered():
            return answered(change, error)
        case Unanswered():
            return outcome(change, Result.UNKNOWN, error)
        case Unreachable():
            return outcome(change, Result.BUSY, error, fatal=True)
        case _:
            return outcome(change, Result.REFUSED, error)


def not_read(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose object could not be read right before its write: nothing was sent."""
    fatal = isinstance(error, Unreachable) and not isinstance(error, IncompleteRead)
    hint = error.hint or "nothing was written: run again"
    return outcome(change, Result.BUSY, error, hint=hint, fatal=fatal)


def outcome(
    change: Change, result: Result, error: TargetError, *, hint: str = "", fatal: bool = False
) -> Outcome:
    """Return an outcome with the platform's words and request id."""
    answer = error.answer if isinstance(error, Answered) else None
    return Outcome(
        change.id,
        result,
        message=error.message,
        hint=hint or error.hint,
        answer=answer,
        request_id=answer.request_id if answer else "",
        fatal=fatal,
    )
