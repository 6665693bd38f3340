"""Dispositions (contract section 4): created in batches, updated one by one, never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.cxone.call import number
from wrapctl.sandbox.cxone.errors import Refusal, answer
from wrapctl.sandbox.cxone.paging import Shape, fields, listed
from wrapctl.sandbox.cxone.tx import CHANGED, CLASSIFICATION, DISPOSITION
from wrapctl.sandbox.objects import changed

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.cxone.tx import OrgTx
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json

LONGEST = 50
DEFAULT_CLASSIFICATION = 1
PRECISION = {"milliseconds": 23, "seconds": 19, "minutes": 16}

LIST = Shape(
    "dispositions",
    (
        "dispositionId",
        "dispositionName",
        "notes",
        "lastUpdated",
        "classificationId",
        "systemOutcome",
        "isActive",
        "isPreviewDisposition",
    ),
    "dispositionId",
    ("dispositionName", "notes"),
)
ONE = Shape(
    "disposition",
    (
        *LIST.members,
        "classificationName",
        "dialerAgentOutcomeId",
        "dialerAgentOutcomeName",
        "reportingGroupId",
        "showCommitmentAmount",
        "showRescheduleDate",
        "isAgentSpecific",
    ),
    "dispositionId",
    (),
)


def item(tx: OrgTx, body: Json) -> Json:
    """Return a disposition as lists show it: members without a value are not there."""
    shown = {key: body[key] for key in LIST.members if body.get(key) is not None}
    updated = str(body[CHANGED])
    precision = PRECISION[tx.settings.last_updated]
    return shown | {"lastUpdated": updated[:precision] + "Z", CHANGED: updated}


def list_dispositions(call: Call) -> Reply:
    """GET /dispositions."""
    preview = call.query.flag("isPreviewDispositions")
    with call.read() as tx:
        found = [item(tx, body) for body in tx.all_seen(DISPOSITION).values()]
    if preview is not None:
        found = [one for one in found if one["isPreviewDisposition"] is preview]
    return listed(call, LIST, found, {"businessUnitId": call.business_unit})


def seen(tx: OrgTx, disposition_id: str) -> Json:
    """Return the disposition as a read shows it by now, or refuse."""
    row = tx.seen(DISPOSITION, str(number(disposition_id, "dispositionId")))
    if row is None:
        raise Refusal(404, "Invalid dispositionId")
    return row.json


def get_disposition(call: Call, disposition_id: str) -> Reply:
    """GET /dispositions/{dispositionId}: with what follows from its classification."""
    with call.read() as tx:
        shown = item(tx, seen(tx, disposition_id))
        named = tx.all_seen(CLASSIFICATION).get(shown.get("classificationId", 0))
    if named is not None:
        shown |= {
            "classificationName": named["classificationName"],
            "dialerAgentOutcomeId": named["dialingOutcomeId"],
            "dialerAgentOutcomeName": named["classificationName"],
            "reportingGroupId": named["reportingGroupId"],
        }
        shown |= {
            key: named[key] for key in ("showCommitmentAmount", "showRescheduleDate", "isAgentSpecific")
        }
    return answer(fields(call, ONE, shown))


def post_dispositions(call: Call) -> Reply:
    """POST /dispositions: each item for itself; 206 when one or more were not created."""
    given = call.body().get("dispositions")
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise Refusal(400, "The dispositions parameter is required.")
    if len(given) > call.settings.batch_limit:
        raise Refusal(400, f"The maximum limit of {call.settings.batch_limit} dispositions was exceeded.")
    results: list[Json] = []
    with call.write() as tx:
        for one in given:
            try:
                results.append({"dispositionId": create(tx, one)["dispositionId"], "success": True})
            except Refusal as refusal:
                failed = {"dispositionId": tx.settings.failed_id, "success": False, "error": refusal.text}
                results.append(failed)
    errors = sum(not one["success"] for one in results)
    if call.settings.result_order == "reversed":
        results.reverse()
    status = call.settings.partial_status if errors else 200
    return answer({"errorCount": errors, "dispositionResults": results}, status)


def put_disposition(call: Call, disposition_id: str) -> Reply:
    """PUT /dispositions/{dispositionId}: 200 without a body; what is left out is reset or kept by setting."""
    given = call.body()
    with call.write() as tx:
        update(tx, number(disposition_id, "dispositionId"), given)
    return answer()


def patch_status(call: Call, disposition_id: str) -> Reply:
    """PATCH /dispositions/{dispositionId}/status, with the parameter of its sibling (section 4: not found)."""
    active = call.query.flag("isActive")
    if active is None:
        raise Refusal(400, "The isActive parameter is required.")
    with call.write() as tx:
        before = _true(tx, number(disposition_id, "dispositionId"))
        _store(tx, before, before | {"isActive": active})
    return answer()


# What the operations and somebody in the UI have in common.


def _true(tx: OrgTx, disposition_id: int) -> Json:
    row = tx.truth(DISPOSITION, str(disposition_id))
    if row is None:
        raise Refusal(404, "Invalid dispositionId")
    return row.json


def _typed(given: Json, name: str, kind: type) -> Any:
    value = given.get(name)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise Refusal(400, f"Invalid parameter: {name}")
    return value


def _name(tx: OrgTx, given: Json, own_id: int, status: int) -> str:
    name = _typed(given, "dispositionName", str)
    if not name or not name.strip():
        raise Refusal(400, "The dispositionName parameter is required.")
    if len(name) > LONGEST:
        raise Refusal(400, f"The dispositionName must be between 1 and {LONGEST} characters.")
    if name in tx.settings.refused_names:
        raise Refusal(status, f"The disposition name '{name}' is not acceptable.")
    if tx.settings.duplicate_names == "refused":
        holders = tx.holders_of_name(DISPOSITION, name)
        if any(int(row.id) != own_id for row in holders):
            raise Refusal(status, f"A disposition with the name '{name}' already exists.")
    return str(name)


def _classification(tx: OrgTx, given: Json) -> int | None:
    """Return the classification asked for; left out it is the server's default, null is none."""
    if "classificationId" not in given:
        return DEFAULT_CLASSIFICATION
    wanted: int | None = _typed(given, "classificationId", int)
    if wanted is not None and wanted not in tx.all_true(CLASSIFICATION):
        raise Refusal(400, "Invalid classificationId")
    return wanted


def create(tx: OrgTx, given: Json) -> Json:
    """Create a disposition and return its body. Notes and status cannot be given: they are passed over."""
    preview = _typed(given, "isPreviewDisposition", bool)
    if preview is None:
        raise Refusal(400, "The isPreviewDisposition parameter is required.")
    name = _name(tx, given, 0, 400)
    new_id = tx.next_id(DISPOSITION)
    body: Json = {
        "dispositionId": new_id,
        "dispositionName": name,
        "classificationId": _classification(tx, given),
        "isActive": True,
        "isPreviewDisposition": preview,
        "notes": None,
    }
    tx.put(DISPOSITION, new_id, name, body)
    tx.audit("Create", "Disposition", (str(new_id), name), changed({}, body))
    return body


def update(tx: OrgTx, disposition_id: int, given: Json) -> None:
    """Update a disposition with a PUT's body."""
    before = _true(tx, disposition_id)
    if before["dispositionName"] in tx.settings.fixed_dispositions:
        raise Refusal(409, "The disposition cannot be updated.")
    if tx.settings.put_omitted == "keep":
        kept = ("dispositionName", "classificationId", "isPreviewDisposition", "isActive", "notes")
        given = {key: before[key] for key in kept} | given
    after = before | {
        "dispositionName": _name(tx, given, disposition_id, 409),
        "classificationId": _classification(tx, given),
        # What a server makes of a boolean that did not come.
        "isPreviewDisposition": bool(_typed(given, "isPreviewDisposition", bool)),
        "isActive": bool(_typed(given, "isActive", bool)),
        "notes": _typed(given, "notes", str),
    }
    _store(tx, before, after)


def _store(tx: OrgTx, before: Json, after: Json) -> None:
    name = str(after["dispositionName"])
    tx.put(DISPOSITION, int(after["dispositionId"]), name, after)
    tx.audit("Update", "Disposition", (str(after["dispositionId"]), name), changed(before, after))
