"""Classifications of dispositions (contract section 4): what the dialer does with a contact afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.cxone.errors import answer
from wrapctl.sandbox.cxone.paging import Shape, fields
from wrapctl.sandbox.cxone.tx import CLASSIFICATION

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json

SHAPE = Shape(
    "classificationResults",
    (
        "classificationId",
        "businessUnitId",
        "classificationName",
        "classificationTypeID",
        "direction",
        "dialingOutcomeId",
        "reportingGroupId",
        "description",
        "showCommitmentAmount",
        "showRescheduleDate",
        "isAgentSpecific",
        "isDestinationFinal",
        "isContactFinal",
        "excludeFromSerialDelivery",
        "carryoverForCallback",
        "reportingGroupName",
        "isPreviewDisposition",
        "classificationLocalizationKey",
        "dialingOutcomeLocalizationKey",
        "reportingGroupLocalizationKey",
    ),
    "classificationId",
    ("classificationName",),
)

POSITIVE, NEGATIVE, OTHER, RETRY, MACHINE = (
    (1, "Positive"),
    (2, "Negative"),
    (3, "Other"),
    (4, "Retry"),
    (5, "Machine"),
)

# Names and ids of section 4. The behaviour follows their names; the platform's own flags were not found.
_ROWS: tuple[tuple[str, tuple[int, str], dict[str, bool]], ...] = (
    ("Positive w/Amount", POSITIVE, {"showCommitmentAmount": True, "isContactFinal": True}),
    ("Positive no Amount", POSITIVE, {"isContactFinal": True}),
    ("Negative-DNC-Skill", NEGATIVE, {"isContactFinal": True, "excludeFromSerialDelivery": True}),
    ("Negative-DNC-BU", NEGATIVE, {"isContactFinal": True, "excludeFromSerialDelivery": True}),
    ("Negative", NEGATIVE, {"isContactFinal": True}),
    ("Other", OTHER, {}),
    (
        "Retry-Rescheduled Agent Specific",
        RETRY,
        {"showRescheduleDate": True, "isAgentSpecific": True, "carryoverForCallback": True},
    ),
    (
        "Retry-Rescheduled Specified Date/Time Any Agent",
        RETRY,
        {"showRescheduleDate": True, "carryoverForCallback": True},
    ),
    ("Retry-Rescheduled Later Unspecified", RETRY, {"carryoverForCallback": True}),
    ("Retry-Not Available", RETRY, {}),
    ("Retry-Answering Machine", MACHINE, {}),
    ("Final-Answering Machine", MACHINE, {"isDestinationFinal": True}),
    ("Fax Machine", MACHINE, {"isDestinationFinal": True}),
)
_FLAGS = (
    "showCommitmentAmount",
    "showRescheduleDate",
    "isAgentSpecific",
    "isDestinationFinal",
    "isContactFinal",
    "excludeFromSerialDelivery",
    "carryoverForCallback",
    "isPreviewDisposition",
)


def row(number: int, name: str, given: dict[str, Any]) -> Json:
    """Return a classification; ``given`` overrides any member."""
    _, group, behaviour = _ROWS[number - 1] if 1 <= number <= len(_ROWS) else ("", OTHER, {})
    body: Json = {
        "classificationId": number,
        "classificationName": name,
        "classificationTypeID": group[0],
        "direction": 1,
        "dialingOutcomeId": number,
        "reportingGroupId": group[0],
        "reportingGroupName": group[1],
        "description": name,
        "classificationLocalizationKey": f"disposition.classification.{number}",
        "dialingOutcomeLocalizationKey": f"dialing.outcome.{number}",
        "reportingGroupLocalizationKey": f"reporting.group.{group[0]}",
    }
    return body | dict.fromkeys(_FLAGS, False) | behaviour | given


def defaults() -> list[Json]:
    """Return the classifications that every tenant has."""
    return [row(number, name, {}) for number, (name, _, _) in enumerate(_ROWS, 1)]


def list_classifications(call: Call) -> Reply:
    """GET /dispositions/classifications: all at once."""
    query = call.query
    with call.read() as tx:
        found = [
            item | {"businessUnitId": call.business_unit} for item in tx.all_seen(CLASSIFICATION).values()
        ]
    for name, member in (("classificationType", "classificationTypeID"), ("direction", "direction")):
        if query.text(name):
            found = [item for item in found if item[member] == query.number(name, 0, 0)]
    preview = query.flag("isPreviewDisposition")
    if preview is not None:
        found = [item for item in found if item["isPreviewDisposition"] is preview]
    if not found and call.settings.empty_list == 204:
        return answer(status=204)
    return answer(
        {
            "totalRecords": len(found),
            "businessUnitId": call.business_unit,
            SHAPE.name: [fields(call, SHAPE, item) for item in found],
        }
    )
