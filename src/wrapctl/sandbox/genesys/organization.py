"""The org itself and its divisions (contract section 10): readable without any permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys import queues
from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal, invalid_value
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.objects import Json

COUNTED = {"code": "WRAPUPCODE", "queue": "QUEUE"}


def get_me(call: Call) -> Answer:
    """GET /api/v2/organizations/me."""
    return Answer(dumps(call.org.doc))


def _division(item: Json) -> Json:
    return {
        "id": item["id"],
        "name": item["name"],
        "description": item.get("description", ""),
        "homeDivision": bool(item.get("home")),
        "selfUri": f"/api/v2/authorization/divisions/{item['id']}",
    }


def list_divisions(call: Call) -> Answer:
    """GET /api/v2/authorization/divisions.

    ``objectCount=true`` counts over the whole org, whatever the client sees: where a listing holds fewer, the
    client sees only a part.
    """
    page, counted = call.page("divisions"), call.query.flag("objectCount")
    wanted, name = call.query.many("id"), call.query.one("name").casefold()
    chosen = [
        _division(item)
        for item in sorted(call.org.divisions, key=lambda item: (str(item["name"]).casefold(), item["id"]))
        if (not wanted or item["id"] in wanted) and name.strip("*") in str(item["name"]).casefold()
    ]
    shown = chosen[page.offset : page.offset + page.size]
    if counted:
        with call.read() as tx:
            counts: dict[str, dict[str, int]] = {
                item["id"]: dict.fromkeys(COUNTED.values(), 0) for item in shown
            }
            for division, kind, number in tx.con.execute(
                "select division, kind, count(*) from objects where org = ? and kind in ('code', 'queue')"
                " and state = 'active' and since <= ? and until > ? group by division, kind",
                (tx.org.name, tx.seq, tx.seq),
            ):
                if division in counts:
                    counts[division][COUNTED[kind]] = number
        shown = [item | {"objectCounts": counts[item["id"]]} for item in shown]
    return Answer(page.text(map(dumps, shown), len(chosen)))


def get_home(call: Call) -> Answer:
    """GET /api/v2/authorization/divisions/home: without object counts."""
    return Answer(dumps(next(_division(item) for item in call.org.divisions if item.get("home"))))


def post_objects(call: Call, division_id: str, object_type: str) -> Answer:
    """POST …/divisions/{divisionId}/objects/QUEUE: moves queues, all or none; 204.

    No permission is declared for it; the sandbox asks for the right to edit queues, so that a read-only client
    really is one.
    """
    if object_type != "QUEUE":
        raise invalid_value(object_type, "objectType", "QUEUE")
    given = call.body()
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise Refusal(400, "bad.request")
    with call.write() as tx:
        division = tx.division(division_id)
        if division is None or division_id == "*":
            raise Refusal(404, "not.found")
        if "routing:queue:edit" not in call.permissions or not tx.may_write(division_id):
            raise Refusal(403, "not.authorized")
        for queue_id in given:
            queues.move(tx, queue_id, division)
    return Answer(status=204)
