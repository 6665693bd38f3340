"""What a failed write means for a change of a disposition: by exception, status and verb. Pure."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.errors import Answered, Forbidden, PlatformAnswer, TargetError
from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import by_error, outcome

PRIVILEGES = MappingProxyType(
    {
        Verb.CREATE_ROW: "prvCreatemsdyn_ocdispositioncode",
        Verb.UPDATE_ROW: "prvWritemsdyn_ocdispositioncode",
        Verb.DEACTIVATE_ROW: "prvWritemsdyn_ocdispositioncode",
        Verb.DELETE_ROW: "prvDeletemsdyn_ocdispositioncode",
    }
)
"""The privilege that each write needs, by Dataverse's own way to name them: ``prv`` + verb + table."""


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write raised ``error``."""
    forbidden = (
        f"give the application user a security role with {PRIVILEGES.get(change.verb, 'the privilege')}; "
        "a client for `plan` alone cannot apply"
    )
    # Without the privilege no write of this kind can succeed; without a share of one row others still can.
    hopeless = isinstance(error, Forbidden) and "prv" in error.answer.message
    return by_error(change, error, forbidden=forbidden, hopeless=hopeless, answered=_answered)


def changed_underneath(error: TargetError) -> bool:
    """Whether a write was refused because the row is another one than it was (412)."""
    return isinstance(error, Answered) and error.answer.status == 412


def denied(error: TargetError) -> bool:
    """Whether this client may not do what was asked (403)."""
    return isinstance(error, Forbidden)


def gone(change: Change, answer: PlatformAnswer | None = None) -> Outcome:
    """Return the outcome of a change whose row does not exist any more."""
    if change.verb is Verb.DELETE_ROW:
        result, message, hint = Result.DONE, "it was already gone", ""
    else:
        said = f": {answer}" if answer else ""
        result, message, hint = Result.STALE, f"the row is not there any more{said}", "plan again"
    request_id = answer.request_id if answer else ""
    return Outcome(change.id, result, message=message, hint=hint, answer=answer, request_id=request_id)


def _answered(change: Change, error: Answered) -> Outcome:
    answer = error.answer
    if change.verb is Verb.CREATE_ROW:
        # 412: `If-None-Match: *` met a row of that id; 409: a key of the environment's own met one.
        exists = answer.status in {409, 412}
        return outcome(change, Result.EXISTS if exists else Result.REFUSED, error)
    if answer.status == 404:
        return gone(change, answer)
    if answer.status == 412:
        hint = "somebody changed the row since it was planned: plan again"
        return outcome(change, Result.STALE, error, hint=hint)
    return outcome(change, Result.REFUSED, error)
