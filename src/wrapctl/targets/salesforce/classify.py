"""What a failed write means for a row: by exception, status and Salesforce's own codes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wrapctl.errors import Answered, PlatformAnswer, TargetError
from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import by_error

RIGHTS: Mapping[Verb, str] = {
    Verb.CREATE_ROW: "create",
    Verb.UPDATE_ROW: "edit",
    Verb.DEACTIVATE_ROW: "edit",
    Verb.DELETE_ROW: "delete",
}
_BUSY = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"})
_TAKEN = frozenset({"DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID", "DUPLICATES_DETECTED"})
_ACCESS = frozenset(
    {
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    }
)
_GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND"})


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write raised ``error``."""
    return by_error(change, error, forbidden=_forbidden(change), hopeless=False, answered=_answered)


def _answered(change: Change, error: Answered) -> Outcome:
    answer = error.answer
    if answer.status == 412:
        why = f"somebody changed the row since it was read: {answer}"
        return _told(change, Result.STALE, answer, why, "plan again")
    if (answer.status == 404 or answer.code in _GONE) and change.verb is not Verb.CREATE_ROW:
        if change.verb is Verb.DELETE_ROW:
            return _told(change, Result.DONE, answer, "it was already gone")
        return _told(change, Result.STALE, answer, f"the row is not there any more: {answer}", "plan again")
    return _by_code(change, answer, str(answer), error.hint)


def refused_row(change: Change, operation: str, result: Mapping[str, object], request_id: str) -> Outcome:
    """Return the outcome of one row that a collection did not take, in Salesforce's words."""
    errors = result.get("errors")
    first, told = "", []
    for one in errors if isinstance(errors, list) else ():
        if isinstance(one, dict):
            code = str(one.get("statusCode") or one.get("errorCode") or "")
            first = first or code
            fields = one.get("fields")
            named = [str(name) for name in fields] if isinstance(fields, list) else []
            where = f" (fields: {', '.join(named)})" if named else ""
            told.append(f"{one.get('message') or code}{where}")
    words = "; ".join(told) or "no reason is given"
    answer = PlatformAnswer(operation, 200, first, words[:500], request_id)
    return _by_code(change, answer, str(answer), "")


def _by_code(change: Change, answer: PlatformAnswer, message: str, hint: str) -> Outcome:
    code = answer.code
    if code in _BUSY:
        return _told(change, Result.BUSY, answer, message, "somebody works on it just now: run again")
    if code in _TAKEN and change.verb is Verb.CREATE_ROW:
        return _told(change, Result.EXISTS, answer, message)
    if code in _ACCESS:
        return _told(change, Result.REFUSED, answer, message, _forbidden(change))
    if code == "STRING_TOO_LONG":
        hint = "make the text shorter, or the field of the object longer"
    return _told(
        change, Result.REFUSED, answer, message, hint or "correct the row, or the object's own rules"
    )


def _told(change: Change, result: Result, answer: PlatformAnswer, message: str, hint: str = "") -> Outcome:
    return Outcome(change.id, result, message=message, hint=hint, answer=answer, request_id=answer.request_id)


def _forbidden(change: Change) -> str:
    right = RIGHTS.get(change.verb, "edit")
    return (
        f"let the app's run-as user {right} rows of the object and edit its fields (a permission set); "
        "a client for `plan` alone cannot apply"
    )
