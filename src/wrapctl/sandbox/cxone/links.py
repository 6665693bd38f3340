"""Which dispositions are on which skills, seen from either side (contract sections 4 and 5); all of it is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone import dispositions, skills
from wrapctl.sandbox.cxone.errors import answer
from wrapctl.sandbox.cxone.paging import Shape, listed
from wrapctl.sandbox.cxone.tx import CHANGED, CLASSIFICATION, DISPOSITION, SKILL

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.cxone.tx import OrgTx
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json

ON_SKILL = Shape(
    "dispositions",
    (
        "dispositionId",
        "dispositionName",
        "displayOrder",
        "classification",
        "reportingGroup",
        "systemOutcome",
        "requireCommitmentAmount",
        "requireRescheduleDate",
        "agentSpecific",
        "isPreviewDisposition",
        "dispositionCategoryName",
    ),
    "dispositionId",
    ("dispositionName",),
)
WITH_SKILLS = Shape(
    "dispositions",
    ("dispositionId", "dispositionName", "isActive", "skills"),
    "dispositionId",
    ("dispositionName",),
)
NO_CLASSIFICATION: dict[str, str | bool] = {
    "classificationName": "",
    "reportingGroupName": "",
    "showCommitmentAmount": False,
    "showRescheduleDate": False,
    "isAgentSpecific": False,
}
SMART_REACH = 34


def _on_skill(call: Call, tx: OrgTx, body: Json, order: int) -> Json:
    named = tx.all_seen(CLASSIFICATION).get(body["classificationId"] or 0, NO_CLASSIFICATION)
    shown: Json = {
        "dispositionId": body["dispositionId"],
        "dispositionName": body["dispositionName"],
        "displayOrder": order,
        "classification": named["classificationName"],
        "reportingGroup": named["reportingGroupName"],
        "systemOutcome": body.get("systemOutcome") or "",
        "requireCommitmentAmount": named["showCommitmentAmount"],
        "requireRescheduleDate": named["showRescheduleDate"],
        "agentSpecific": named["isAgentSpecific"],
        "isPreviewDisposition": body["isPreviewDisposition"],
    }
    if call.version >= SMART_REACH:
        shown["dispositionCategoryName"] = named["reportingGroupName"]
    return shown


def list_skill_dispositions(call: Call, skill_id: str) -> Reply:
    """GET /skills/{skillId}/dispositions: in the order that agents see; 204 when there are none."""
    with call.read() as tx:
        skill = skills.seen(tx, skill_id)
        known = tx.all_seen(DISPOSITION)
        found = [
            _on_skill(call, tx, known[one["dispositionId"]], one["priority"])
            for one in skills.Names(tx).assigned(skill)
        ]
    if not found:
        return answer(status=204)
    return listed(call, ON_SKILL, found, {"skillId": skill["skillId"], "skillName": skill["skillName"]})


def list_unassigned(call: Call, skill_id: str) -> Reply:
    """GET /skills/{skillId}/dispositions/unassigned: the active ones that are not on the skill."""
    with call.read() as tx:
        taken = {one["dispositionId"] for one in skills.seen(tx, skill_id)["dispositions"]}
        found = [
            _on_skill(call, tx, body, 0)
            for disposition_id, body in tx.all_seen(DISPOSITION).items()
            if disposition_id not in taken and body["isActive"]
        ]
    for one in found:
        one.pop("dispositionCategoryName", None)
    return listed(call, ON_SKILL, found, {}, links=False)


def _holders(tx: OrgTx) -> dict[int, list[Json]]:
    """Return the skills of each disposition."""
    holders: dict[int, list[Json]] = {}
    for skill in tx.all_seen(SKILL).values():
        for one in skill["dispositions"]:
            holders.setdefault(one["dispositionId"], []).append(skill)
    return holders


def list_disposition_skills(call: Call, disposition_id: str) -> Reply:
    """GET /dispositions/{dispositionId}/skills: all at once."""
    with call.read() as tx:
        body = dispositions.seen(tx, disposition_id)
        found = _holders(tx).get(body["dispositionId"], [])
    if not found and call.settings.empty_list == 204:
        return answer(status=204)
    shown = [
        {
            "skillId": skill["skillId"],
            "skillName": skill["skillName"],
            "mediaTypeId": skill["mediaTypeId"],
            "mediaTypeName": skills.MEDIA.get(skill["mediaTypeId"], ""),
            "campaignId": skill["campaignId"],
            "campaignName": skill["campaignName"],
            "direction": "Outbound" if skill.get("isOutbound") else "Inbound",
            "sla": f"{skill.get('serviceLevelGoal', 0)}/{skill.get('serviceLevelThreshold', 0)}",
            "skillStatus": int(skill["isActive"]),
        }
        for skill in found
    ]
    return answer({"totalRecords": len(shown), "businessUnitId": call.business_unit, "skills": shown})


def list_dispositions_with_skills(call: Call) -> Reply:
    """GET /dispositions/skills: a page in an array, or in the envelope that the setting names."""
    with call.read() as tx:
        holders = _holders(tx)
        found: list[Json] = [
            {
                "dispositionId": disposition_id,
                "dispositionName": body["dispositionName"],
                "isActive": body["isActive"],
                "skills": [
                    {
                        "skillId": skill["skillId"],
                        "mediaTypeId": skill["mediaTypeId"],
                        "mediaTypeName": skills.MEDIA.get(skill["mediaTypeId"], ""),
                    }
                    for skill in holders.get(disposition_id, [])
                ],
                CHANGED: body[CHANGED],
            }
            for disposition_id, body in tx.all_seen(DISPOSITION).items()
        ]
    wrapped = call.settings.skills_of_dispositions == "wrapped"
    return listed(call, WITH_SKILLS, found, {}, links=False, bare=not wrapped)
