"""What a failed write of a row or a table means: by exception, status, code and operation. Pure (contract section 9)."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.errors import Answered, TargetError
from wrapctl.model import Change, Verb
from wrapctl.targets.genesys.classify import MISSING, gone
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import by_error, outcome

PERMISSIONS = MappingProxyType(
    {
        Verb.CREATE_TABLE: "architect:datatable:add",
        Verb.EXTEND_TABLE: "architect:datatable:edit",
        Verb.CREATE_ROW: "architect:datatableRow:add",
        Verb.UPDATE_ROW: "architect:datatableRow:edit",
        Verb.DEACTIVATE_ROW: "architect:datatableRow:edit",
        Verb.DELETE_ROW: "architect:datatableRow:delete",
    }
)
"""The permission that each write needs (contract section 9)."""

_CREATES = frozenset({Verb.CREATE_TABLE, Verb.CREATE_ROW})
_FULL = MappingProxyType(
    {
        "flows.datatables.too.many.rows": "remove rows that nothing uses, or have the limit raised by support",
        "flows.datatables.too.many.schemas": "remove a data table, or name one that is there",
    }
)


def failed(change: Change, error: TargetError) -> Outcome:
    """Return the outcome of a change whose write raised ``error``."""
    forbidden = (
        f"give the client's role {PERMISSIONS.get(change.verb, '')}, with the division of the table; "
        "a client for `plan` alone cannot apply"
    )
    hopeless = isinstance(error, Answered) and error.answer.code in MISSING
    return by_error(change, error, forbidden=forbidden, hopeless=hopeless, answered=_answered)


def _answered(change: Change, error: Answered) -> Outcome:
    answer, verb = error.answer, change.verb
    if answer.status == 404:
        if verb is not Verb.DELETE_ROW:
            return gone(change, answer)
        text = "it was already gone"
        return Outcome(change.id, Result.DONE, message=text, answer=answer, request_id=answer.request_id)
    if answer.status == 409 and verb in _CREATES:
        hint = (
            "a table of that name is there, perhaps in a division that this client cannot see"
            if verb is Verb.CREATE_TABLE
            else ""
        )
        return outcome(change, Result.EXISTS, error, hint=hint)
    if answer.code in _FULL:
        return outcome(change, Result.BUSY, error, hint=_FULL[answer.code])
    if answer.code == "flows.datatables.cannot.remove.fields":
        return outcome(change, Result.STALE, error, hint="somebody else added a column meanwhile: run again")
    if answer.status == 409:
        return outcome(change, Result.BUSY, error, hint="run again: it is being changed or is in use")
    return outcome(change, Result.REFUSED, error)
