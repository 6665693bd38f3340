"""Skills (contract section 5): read whole, changed by a PUT that takes part of one. Members nobody here knows are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone import members
from wrapctl.sandbox.cxone.call import number
from wrapctl.sandbox.cxone.errors import Refusal, answer
from wrapctl.sandbox.cxone.paging import Shape, fields, listed
from wrapctl.sandbox.cxone.tx import CHANGED, DISPOSITION, SKILL, UNAVAILABLE_CODE
from wrapctl.sandbox.objects import changed

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.cxone.tx import OrgTx
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json

MEDIA = {
    1: "Email",
    3: "Chat",
    4: "Phone Call",
    5: "Voice Mail",
    6: "Work Item",
    7: "SMS",
    8: "Social",
    9: "Digital",
}
NULLABLE = ("stateIdACW", "acwPostTimeoutStateId", "acwTypeId")
LIST = Shape("skills", members.LISTED, "skillId", ("skillName",))


class Names:
    """What the ids in a skill are called by now."""

    def __init__(self, tx: OrgTx) -> None:
        self.dispositions = tx.all_seen(DISPOSITION)
        self.unavailable = tx.all_seen(UNAVAILABLE_CODE)
        self.hides_inactive = tx.settings.inactive_on_skills == "hidden"

    def assigned(self, body: Json) -> list[Json]:
        """Return the dispositions of a skill in the order of their priorities, as far as they are seen yet."""
        shown = [
            (one["priority"], self.dispositions[one["dispositionId"]])
            for one in body["dispositions"]
            if one["dispositionId"] in self.dispositions
        ]
        return [
            {
                "dispositionId": one["dispositionId"],
                "dispositionName": one["dispositionName"],
                "priority": priority,
                "isPreviewDisposition": one["isPreviewDisposition"],
            }
            for priority, one in sorted(shown, key=lambda pair: (pair[0], pair[1]["dispositionId"]))
            if one["isActive"] or not self.hides_inactive
        ]


def shown(body: Json, names: Names) -> Json:
    """Return a skill as one alone is shown."""
    skill = dict(body)
    skill["mediaTypeName"] = MEDIA.get(body["mediaTypeId"], "")
    for state, name in (
        ("stateIdACW", "stateNameACW"),
        ("acwPostTimeoutStateId", "acwPostTimeoutStateName"),
    ):
        code = names.unavailable.get(body.get(state) or 0)
        if code is not None:
            skill[name] = code["name"]
    skill["dispositions"] = names.assigned(body)
    return {key: value for key, value in skill.items() if value is not None or key in NULLABLE}


def list_skills(call: Call) -> Reply:
    """GET /skills: with ``lastPollTime``; members without a value are not there."""
    query = call.query
    with call.read() as tx:
        names = Names(tx)
        found = [shown(body, names) for body in tx.all_seen(SKILL).values()]
        polled = max((str(body[CHANGED]) for body in found), default="1970-01-01T00:00:00.000Z")
    if query.text("mediaTypeId"):
        found = [one for one in found if one["mediaTypeId"] == query.number("mediaTypeId", 0, 1)]
    if strategy := query.text("outboundStrategy"):
        found = [one for one in found if one.get("outboundStrategy") == strategy]
    keep = {*members.LISTED, CHANGED}
    if not call.settings.skills_with_dispositions:
        keep -= {"dispositions"}
    found = [{key: value for key, value in one.items() if key in keep and value is not None} for one in found]
    return listed(call, LIST, found, {"businessUnitId": call.business_unit, "lastPollTime": polled})


def seen(tx: OrgTx, skill_id: str) -> Json:
    """Return the skill as a read shows it by now, or refuse."""
    row = tx.seen(SKILL, str(number(skill_id, "skillId")))
    if row is None:
        raise Refusal(404, "Invalid skillId")
    _check_open(tx, row.name)
    return row.json


def _check_open(tx: OrgTx, name: str) -> None:
    if name in tx.settings.restricted_skills:
        raise Refusal(403, "The skill is restricted for this user.")


def get_skill(call: Call, skill_id: str) -> Reply:
    """GET /skills/{skillId}: everything, also what no list shows."""
    with call.read() as tx:
        body = seen(tx, skill_id)
        skill = shown(body, Names(tx))
    if call.version <= 23 and "allowSecondaryDisposition" in skill:
        skill["allowSecondaryDispositions"] = skill.pop("allowSecondaryDisposition")
    shape = Shape("skill", (*members.READ, *skill), "skillId", ())
    skill = fields(call, shape, skill)
    return answer({"skills": [skill]} if call.settings.wrap_skill else skill)


def put_skill(call: Call, skill_id: str) -> Reply:
    """PUT /skills/{skillId}: members left out are left alone."""
    given = call.body().get("skill")
    if not isinstance(given, dict):
        raise Refusal(400, "The skill parameter is required.")
    number_ = number(skill_id, "skillId")
    with call.write() as tx:
        update(tx, number_, given)
    return answer({"success": True, "skillId": number_})


def update(tx: OrgTx, skill_id: int, given: Json) -> None:
    """Update a skill with the ``skill`` of a PUT."""
    row = tx.truth(SKILL, str(skill_id))
    if row is None:
        raise Refusal(404, "Invalid skillId")
    _check_open(tx, row.name)
    before = row.json
    if before.get("isOutbound") and before.get("isRunning"):
        raise Refusal(409, "Invalid state: a running outbound skill cannot be updated.")
    wanted = members.checked(given, any_case=tx.settings.skill_member_case == "any")
    _check_acw(tx, wanted)
    if wanted.get("skillName") is not None:
        _check_name(tx, str(wanted["skillName"]), skill_id)
    else:
        # Null is allowed and no name: the skill keeps its own.
        wanted.pop("skillName", None)
    assigned = wanted.pop("dispositions", None)
    if assigned is not None:
        wanted["dispositions"] = _assigned(tx, before["dispositions"], assigned)
    store(tx, before, before | wanted)


def store(tx: OrgTx, before: Json, after: Json) -> None:
    """Save a skill, with a line in the audit trail."""
    name = str(after["skillName"])
    tx.put(SKILL, int(after["skillId"]), name, after)
    tx.audit("Update", "Skill", (str(after["skillId"]), name), changed(before, after))


def _check_acw(tx: OrgTx, wanted: Json) -> None:
    """Refuse an after-call-work type that is none, and states that are no unavailable codes for it."""
    if wanted.get("acwTypeId", 1) not in {1, 2, 3}:
        raise Refusal(400, "Invalid acwTypeId")
    codes = tx.all_true(UNAVAILABLE_CODE)
    state = wanted.get("stateIdACW")
    if state is not None and not (state in codes and codes[state]["isACW"] and codes[state]["isActive"]):
        raise Refusal(400, "Invalid stateIdACW")
    after = wanted.get("acwPostTimeoutStateId")
    if after is not None and not (after in codes and codes[after]["isActive"]):
        raise Refusal(400, "Invalid acwPostTimeoutStateId")
    seconds = wanted.get("maxSecondsACW")
    if seconds is not None and seconds < 0:
        raise Refusal(400, "Invalid maxSecondsACW")


def _check_name(tx: OrgTx, name: str, own_id: int) -> None:
    if not members.SKILL_NAME.fullmatch(name):
        raise Refusal(400, "Invalid skillName")
    if any(int(row.id) != own_id for row in tx.holders_of_name(SKILL, name)):
        raise Refusal(400, f"The skillName '{name}' is in use.")


def _assigned(tx: OrgTx, before: list[Json], given: list[Json]) -> list[Json]:
    """Return a skill's dispositions after a PUT that names some (section 5: what it does is a setting)."""
    known = tx.all_true(DISPOSITION)
    wanted: dict[int, int] = {}
    for one in given:
        disposition_id, priority = one["dispositionId"], one["priority"]
        if disposition_id not in known or disposition_id in wanted:
            raise Refusal(400, f"Invalid dispositionId: {disposition_id}")
        wanted[disposition_id] = priority
    if tx.settings.assignments == "ignored":
        return before
    if tx.settings.assignments == "merged":
        wanted = {one["dispositionId"]: one["priority"] for one in before} | wanted
    return [{"dispositionId": one, "priority": priority} for one, priority in wanted.items()]
