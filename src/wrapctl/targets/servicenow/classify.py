"""What a failed write means for a change of a wrap-up code: by exception, status and verb. Pure."""

from __future__ import annotations

from wrapctl.errors import Answered, Forbidden, TargetError
from wrapctl.model import Change, Verb
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import by_error, outcome

ROLE = "interaction_integration_user"
"""The role that the Wrap Up API asks for (contract, ``x-role``)."""


def upsert_failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose bulk upsert raised ``error``: nothing of it was taken, or nobody knows."""
    forbidden = f"give the client's user the role {ROLE}; a client for `plan` alone cannot apply"
    # The role is about the whole operation: no other upsert of this run could succeed.
    return by_error(change, error, forbidden=forbidden, hopeless=True, answered=_upsert_answered)


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write to one row raised ``error``."""
    verb = "delete" if change.verb is Verb.DELETE_ROW else "write"
    forbidden = f"let the client's user {verb} rows of interaction_wrap_up_code (access control list)"
    if isinstance(error, Forbidden) and "business rule" in error.answer.message.lower():
        forbidden = "a rule of the instance refused this row, not the client"
    return by_error(change, error, forbidden=forbidden, hopeless=False, answered=_answered)


def gone(change: Change) -> Outcome:
    """Return the outcome of a change whose row does not exist any more."""
    if change.verb is Verb.DELETE_ROW:
        return Outcome(change.id, Result.DONE, message="it was already gone")
    return Outcome(
        change.id, Result.STALE, message="the wrap-up code is not there any more", hint="plan again"
    )


def _upsert_answered(change: Change, error: Answered) -> Outcome:
    hint = ""
    if error.answer.status in {400, 404} and not error.answer.message:
        hint = "check that the plugin com.glide.interaction.awa is active"
    return outcome(change, Result.REFUSED, error, hint=hint)


def _answered(change: Change, error: Answered) -> Outcome:
    if error.answer.status == 404:
        found = gone(change)
        return Outcome(
            change.id,
            found.result,
            message=found.message if found.result is Result.DONE else f"{found.message}: {error.answer}",
            hint=found.hint,
            answer=error.answer,
            request_id=error.answer.request_id,
        )
    return outcome(change, Result.REFUSED, error)
