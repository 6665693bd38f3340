"""Who changed what on a disposition (contract section 4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone import dispositions
from wrapctl.sandbox.cxone.errors import answer
from wrapctl.sandbox.planting import PLANTED

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json, Org

NOBODY = (0, "System")


def who(org: Org, actor: str) -> tuple[int, str]:
    """Return number and name of the user behind an access key, or of a user."""
    for user in org.doc["users"]:
        if actor in {str(user["userId"]), *user.get("keys", ())}:
            return int(user["userId"]), str(user["name"])
    return NOBODY


def get_audit_history(call: Call, disposition_id: str) -> Reply:
    """GET /dispositions/{dispositionId}/audit-history: the newest first."""
    with call.read() as tx:
        body = dispositions.seen(tx, disposition_id)
        rows = tx.con.execute(
            "select id, at, actor, action, changes from audit"
            " where org = ? and entity_type = 'Disposition' and entity_id = ? order by id",
            (tx.org.name, str(body["dispositionId"])),
        ).fetchall()
    created, made = (NOBODY, PLANTED)
    modified, when = (NOBODY, PLANTED)
    records: list[Json] = []
    for number, at, actor, action, changes in rows:
        user = who(call.org, actor)
        modified, when = user, at
        if action == "Create":
            created, made = user, at
        records += [
            {
                "auditHistoryID": number * 100 + place,
                "columnName": change["property"],
                "oldValue": ", ".join(change["oldValues"]),
                "newValue": ", ".join(change["newValues"]),
                "date": at,
                "modifiedBy": user[0],
                "modifiedByName": user[1],
            }
            for place, change in enumerate(json.loads(changes))
        ]
    return answer(
        {
            "businessUnitId": call.business_unit,
            "createdBy": created[1],
            "modifiedBy": modified[1],
            "createdDate": made,
            "modifiedDate": when,
            "totalRecords": len(records),
            "auditHistoryRecords": records[::-1],
        }
    )
