"""The tenant itself, tags, and the versions of the API (contract sections 1, 2 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone import skills
from wrapctl.sandbox.cxone.call import host
from wrapctl.sandbox.cxone.errors import answer
from wrapctl.sandbox.cxone.paging import Shape, fields
from wrapctl.sandbox.cxone.tx import TAG, TAGS

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.front import Arrival, Reply
    from wrapctl.sandbox.objects import Json, Org

UNIT = Shape(
    "businessUnits",
    (
        "businessUnitId",
        "businessUnitName",
        "tenantId",
        "parentTenantId",
        "defaultTimeZone",
        "apiPublishedLimit",
        "isActive",
        "features",
    ),
    "businessUnitId",
    (),
)


def get_business_unit(call: Call) -> Reply:
    """GET /business-unit: whose token this is."""
    unit = {key: value for key, value in call.org.doc.items() if key in UNIT.members}
    return answer({"businessUnits": [fields(call, UNIT, unit)]})


def configuration(arrival: Arrival, org: Org) -> Json:
    """Return a tenant's discovery document: everything is at the address that was called."""
    address = host(arrival)
    domain = address.partition("://")[2]
    return {
        "private": False,
        "ui_endpoint": address,
        "auth_endpoint": address,
        "api_endpoint": address,
        "area": org.doc["area"],
        "cluster": org.doc["cluster"],
        "domain": domain,
        "acdDomain": domain,
        "uhDomain": domain,
        "globaldomain": domain,
        "tenantId": org.id,
    }


def list_tags(call: Call) -> Reply:
    """GET /tags: all at once."""
    text, active = call.query.text("searchString").casefold(), call.query.flag("isActive")
    with call.read() as tx:
        found = [
            {key: body[key] for key in ("tagId", "tagName", "isActive", "notes")}
            for body in tx.all_seen(TAG).values()
            if text in str(body["tagName"]).casefold() and active in {None, body["isActive"]}
        ]
    if not found and call.settings.empty_list == 204:
        return answer(status=204)
    return answer({"tags": found})


def list_skill_tags(call: Call, skill_id: str) -> Reply:
    """GET /skills/{skillId}/tags: the values are texts here."""
    skip = call.query.number("skip", 0, 0)
    top = min(call.query.number("top", call.settings.page_default, 1), call.settings.page_cap)
    with call.read() as tx:
        skill = skills.seen(tx, skill_id)
        tags = tx.all_seen(TAG)
    held = [tags[tag] for tag in skill.get(TAGS, ()) if tag in tags]
    if not held[skip : skip + top] and call.settings.empty_list == 204:
        return answer(status=204)
    found = [
        {
            "tagId": str(tag["tagId"]),
            "tagName": tag["tagName"],
            "isActive": str(tag["isActive"]).lower(),
            "notes": tag["notes"],
        }
        for tag in held[skip : skip + top]
    ]
    result = {"skillId": skill_id, "skillName": skill["skillName"], "tags": found}
    return answer({"totalRecords": len(held), "resultSet": result})
