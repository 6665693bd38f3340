"""What a failed write means for a row: by exception and status. Pure."""

from __future__ import annotations

from wrapctl.errors import Answered, TargetError
from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import by_error, outcome

_GONE = frozenset({404, 410})
_MOVED = frozenset({409, 412})
_BUSY = frozenset({423, 425})
_FORBIDDEN = "let the client write rows at the endpoint; a client for `plan` alone cannot apply"


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write raised ``error``."""
    return by_error(change, error, forbidden=_FORBIDDEN, hopeless=False, answered=_answered)


def _answered(change: Change, error: Answered) -> Outcome:
    status, verb = error.answer.status, change.verb
    creates = verb is Verb.CREATE_ROW
    if status in _GONE and verb is Verb.DELETE_ROW:
        answer = error.answer
        return Outcome(
            change.id, Result.DONE, message="it was already gone", answer=answer, request_id=answer.request_id
        )
    if status in _GONE and creates:
        hint = "check `target.path`, `target.write_path` and `target.method`"
        return outcome(change, Result.REFUSED, error, hint=hint)
    if status in _GONE:
        return outcome(change, Result.STALE, error, hint="the row is not there any more: plan again")
    if status in _MOVED:
        result = Result.EXISTS if creates else Result.STALE
        return outcome(change, result, error, hint="" if creates else "somebody changed the row: plan again")
    if status in _BUSY:
        return outcome(change, Result.BUSY, error, hint="run again")
    if status == 428:
        hint = "the endpoint wants If-Match: say `etag: true` under `target`"
        return outcome(change, Result.REFUSED, error, hint=hint)
    if status in {405, 415}:
        hint = "check `target.method`, `target.create` and `target.write_path`"
        return outcome(change, Result.REFUSED, error, hint=hint)
    return outcome(change, Result.REFUSED, error, hint="correct the row, or the template under `target.body`")
