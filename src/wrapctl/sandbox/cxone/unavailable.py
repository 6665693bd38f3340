"""Unavailable codes (contract section 5): those with ``isACW`` can be the state of a skill's after-call work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.cxone.call import number
from wrapctl.sandbox.cxone.errors import Refusal, answer
from wrapctl.sandbox.cxone.paging import Shape, listed
from wrapctl.sandbox.cxone.tx import CHANGED, UNAVAILABLE_CODE

if TYPE_CHECKING:
    from wrapctl.sandbox.cxone.call import Call
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json

SHAPE = Shape("unavailableCodes", ("id", "name", "isActive", "isACW", "agentTimeout"), "id", ("name",))
OLDER = {
    "v23": {
        "id": "outStateId",
        "name": "outStateName",
        "isACW": "isAcw",
        "agentTimeout": "agentTimeoutMins",
    },
    "v30": {"id": "unavailableCodeId", "name": "unavailableCode"},
}


def list_unavailable_codes(call: Call) -> Reply:
    """GET /unavailable-codes: the names of the members are a setting."""
    names = OLDER.get(call.settings.unavailable_code_members, {})
    shape = SHAPE
    if names:
        members = tuple(names.get(name, name) for name in SHAPE.members)
        shape = Shape(SHAPE.name, members, names["id"], (names["name"],))
    with call.read() as tx:
        found = [
            {names.get(key, key): body[key] for key in (*SHAPE.members, CHANGED)}
            for body in tx.all_seen(UNAVAILABLE_CODE).values()
        ]
    return listed(call, shape, found, {"businessUnitId": call.business_unit})


def get_unavailable_code(call: Call, unavailable_code_id: str) -> Reply:
    """GET /unavailable-codes/{unavailableCodeId}."""
    with call.read() as tx:
        row = tx.seen(UNAVAILABLE_CODE, str(number(unavailable_code_id, "unavailableCodeId")))
    if row is None:
        raise Refusal(404, "Invalid unavailableCodeId")
    shown: Json = {key: value for key, value in row.json.items() if key != CHANGED}
    return answer({"unavailableCode": shown})
