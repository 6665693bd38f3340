"""Queues (contract section 7). The body is stored raw: members nobody here knows come back as they were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal, invalid_value
from wrapctl.sandbox.genesys.paging import name_filter
from wrapctl.sandbox.objects import changed, dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Row
    from wrapctl.sandbox.settings import GenesysSettings

KIND = "queue"
URI = "/api/v2/routing/queues"
PROMPTS = ("MANDATORY", "OPTIONAL", "MANDATORY_TIMEOUT", "MANDATORY_FORCED_TIMEOUT", "AGENT_REQUESTED")
TIMED = frozenset({"MANDATORY_TIMEOUT", "MANDATORY_FORCED_TIMEOUT"})
# What the server owns: ignored in a body, kept through a PUT. The division moves by a call of its own.
SERVER_OWNED = (
    "id",
    "division",
    "dateCreated",
    "dateModified",
    "createdBy",
    "modifiedBy",
    "memberCount",
    "userMemberCount",
    "joinedMemberCount",
    "selfUri",
)


def _media(seconds: int, percentage: float, milliseconds: int) -> Json:
    return {
        "enableAutoAnswer": False,
        "alertingTimeoutSeconds": seconds,
        "serviceLevel": {"percentage": percentage, "durationMs": milliseconds},
    }


def defaults(settings: GenesysSettings) -> Json:
    """Return what members are reset to when a PUT or POST leaves them out; all others just go."""
    return {
        "scoringMethod": "TimestampAndPriority",
        "lastAgentRoutingMode": "AnyAgent",
        "skillEvaluationMethod": "ALL",
        "mediaSettings": {
            "call": _media(8, 0.8, 20000),
            "callback": _media(30, 0.8, 20000),
            "chat": _media(30, 0.8, 20000),
            "email": _media(300, 0.8, 86400000),
            "message": _media(30, 0.8, 20000),
        },
        "acwSettings": {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": settings.default_acw_timeout_ms},
        "autoAnswerOnly": True,
        "enableTranscription": False,
        "enableAudioMonitoring": False,
        "enableManualAssignment": False,
        "suppressInQueueCallRecording": False,
    }


def acw(given: object, settings: GenesysSettings) -> Json:
    """Check after-call-work settings: 1000 to 3600000 ms (section 7); a timed prompt gets a default timeout.

    0 passes with the untimed prompts: the server itself returns it there, and a queue must survive its round trip.
    """
    if not isinstance(given, dict):
        raise Refusal(400, "bad.request")
    settled = {key: value for key, value in given.items() if value is not None}
    prompt = settled.setdefault("wrapupPrompt", "MANDATORY_TIMEOUT")
    if prompt not in PROMPTS:
        raise invalid_value(prompt, "wrapupPrompt", ", ".join(PROMPTS))
    if "timeoutMs" not in settled:
        if prompt in TIMED:
            settled["timeoutMs"] = settings.default_acw_timeout_ms
        return settled
    timeout = settled["timeoutMs"]
    whole = isinstance(timeout, int) and not isinstance(timeout, bool)
    if not whole or not (
        1000 <= timeout <= 3600000 or (timeout == 0 and prompt in {"OPTIONAL", "MANDATORY"})
    ):
        raise invalid_value(timeout, "timeoutMs", "1000 to 3600000")
    return settled


def _first_rule(body: Json) -> dict[str, Any] | None:
    routing = body.get("conditionalGroupRouting")
    rules = routing.get("rules") if isinstance(routing, dict) else None
    return rules[0] if isinstance(rules, list) and rules and isinstance(rules[0], dict) else None


def finish(body: Json) -> Json:
    """Add what a GET shows and a PUT must not send: the first conditional group rule names its own queue."""
    rule = _first_rule(body)
    if rule is not None:
        rule["queue"] = {"id": body["id"], "name": body["name"], "selfUri": body["selfUri"]}
    return body


def _settled(given: Json, settings: GenesysSettings) -> Json:
    """Check a QueueRequest and return its members, with the defaults for those left out."""
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal(400, "required.field.missing")
    rule = _first_rule(given)
    if rule is not None and rule.get("queue") is not None:
        raise Refusal(
            400, "bad.request", message="conditionalGroupRouting.rules[0].queue must not be specified."
        )
    body = defaults(settings) | {key: value for key, value in given.items() if key not in SERVER_OWNED}
    media = body["mediaSettings"]
    if not isinstance(media, dict):
        raise Refusal(400, "bad.request")
    body["mediaSettings"] = defaults(settings)["mediaSettings"] | {
        k: v for k, v in media.items() if v is not None
    }
    body["acwSettings"] = acw(body["acwSettings"], settings)
    return body


def _unique(tx: OrgTx, name: str, own_id: str) -> None:
    if any(row.id != own_id for row in tx.holders_of_name(KIND, name)):
        raise Refusal(400, "duplicate.name", message="A queue with that name already exists.")


def list_queues(call: Call) -> Answer:
    """GET /api/v2/routing/queues: always by name; the raw body of every queue that the client sees."""
    page, query = call.page("queues"), call.query
    descending = query.choice("sortOrder", "asc", "desc") == "desc"
    has_peer = query.flag("hasPeer")
    with call.read() as tx:
        values: list[str | int] = [tx.org.name, KIND, tx.seq, tx.seq]
        sql = "from objects where org = ? and kind = ? and since <= ? and until > ?"
        if tx.divisions is not None:
            sql += f" and division in ({', '.join('?' * len(tx.divisions))})"
            values += tx.divisions
        columns = {"id": "id", "divisionId": "division", "peerId": "json_extract(body, '$.peerId')"}
        for parameter, column in columns.items():
            if wanted := query.many(parameter):
                sql += f" and {column} in ({', '.join('?' * len(wanted))})"
                values += wanted
        if name := query.one("name"):
            more, arguments = name_filter(name, "folded", leading=True)
            sql, values = f"{sql} and {more}", [*values, *arguments]
        if library := query.one("cannedResponseLibraryId"):
            sql += " and exists (select 1 from json_each(body, '$.cannedResponseLibraries.libraryIds') where value = ?)"
            values.append(library)
        if has_peer is None and not tx.settings.list_queues_with_peer:
            has_peer = False
        if has_peer is not None:
            sql += f" and json_extract(body, '$.peerId') is {'not ' if has_peer else ''}null"
        return call.listing(
            tx, page, "body", sql, values, "folded desc, id desc" if descending else "folded, id"
        )


def seen(tx: OrgTx, queue_id: str) -> Row:
    """Return the queue as the client sees it by now, or refuse."""
    row = tx.seen(KIND, queue_id)
    if row is None or not tx.sees(row.division):
        raise Refusal(404, "resource.not.found")
    return row


def writable(tx: OrgTx, queue_id: str) -> Row:
    """Return the queue as it is, or refuse: 404 when there is none, 403 when it is not the client's to change."""
    row = tx.truth(KIND, queue_id)
    if row is None:
        raise Refusal(404, "resource.not.found")
    if not tx.may_write(row.division):
        raise Refusal(403, "not.authorized")
    return row


def get_queue(call: Call, queue_id: str) -> Answer:
    """GET …/queues/{queueId}."""
    with call.read() as tx:
        return Answer(seen(tx, queue_id).body)


def post_queue(call: Call) -> Answer:
    """POST /api/v2/routing/queues: 200, not 201."""
    given = call.object_body()
    with call.write() as tx:
        return Answer(dumps(create(tx, given)))


def put_queue(call: Call, queue_id: str) -> Answer:
    """PUT …/queues/{queueId}: a full replacement; members left out are reset or gone (section 7)."""
    given = call.object_body()
    with call.write() as tx:
        return Answer(dumps(replace(tx, queue_id, given)))


def delete_queue(call: Call, queue_id: str) -> Answer:
    """DELETE …/queues/{queueId}: 200 and no body; 400 ``active.queue`` while conversations are in it."""
    with call.write() as tx:
        delete(tx, queue_id, force=bool(call.query.flag("forceDelete")))
    return Answer()


def create(tx: OrgTx, given: Json, *, queue_id: str = "") -> Json:
    """Create a queue and return its body; ``sourceQueueId`` copies the settings of another."""
    source = given.pop("sourceQueueId", None)
    if source is not None:
        copied = seen(tx, str(source)).json
        (_first_rule(copied) or {}).pop("queue", None)
        given = {key: value for key, value in copied.items() if key not in SERVER_OWNED} | given
    settled = _settled(given, tx.settings)
    asked = given.get("division")
    division = tx.division(str(asked.get("id", tx.org.home)) if isinstance(asked, dict) else tx.org.home)
    if division is None or division["id"] == "*":
        raise Refusal(400, "bad.request", message="The division of a queue must exist.")
    if not tx.may_write(division["id"]):
        raise Refusal(403, "not.authorized")
    _unique(tx, settled["name"], "")
    queue_id = queue_id or str(uuid4())
    owned: Json = {"id": queue_id, "name": settled["name"], "division": division}
    owned |= {
        "dateCreated": tx.stamp,
        "dateModified": tx.stamp,
        "createdBy": tx.actor.id,
        "modifiedBy": tx.actor.id,
    }
    owned |= {"memberCount": 0, "userMemberCount": 0, "joinedMemberCount": 0}
    queue = finish(owned | settled | {"selfUri": f"{URI}/{queue_id}"})
    tx.save(KIND, queue_id, name=queue["name"], division=division["id"], body=dumps(queue))
    tx.audit("Create", "Queue", (queue_id, queue["name"]), changed({}, queue))
    return queue


def replace(tx: OrgTx, queue_id: str, given: Json) -> Json:
    """Replace a queue's members and return its body."""
    row = writable(tx, queue_id)
    before = row.json
    settled = _settled(given, tx.settings)
    _unique(tx, settled["name"], queue_id)
    owned = {key: before[key] for key in SERVER_OWNED if key in before}
    queue = finish(owned | settled | {"dateModified": tx.stamp, "modifiedBy": tx.actor.id})
    store(tx, row, before, queue)
    return queue


def store(tx: OrgTx, row: Row, before: Json, queue: Json) -> None:
    """Save a changed body, with a line in the audit trail."""
    tx.save(KIND, row.id, name=queue["name"], division=queue["division"]["id"], body=dumps(queue))
    tx.audit("Update", "Queue", (row.id, queue["name"]), changed(before, queue))


def delete(tx: OrgTx, queue_id: str, *, force: bool) -> None:
    """Delete a queue with its links."""
    row = writable(tx, queue_id)
    if row.name in tx.settings.active_queues and not force:
        raise Refusal(400, "active.queue")
    tx.drop(KIND, queue_id)
    tx.unlink("queue = ?", [queue_id])
    tx.audit("Delete", "Queue", (queue_id, row.name), changed(row.json, {}))


def move(tx: OrgTx, queue_id: str, division: Json) -> None:
    """Move a queue to another division, in which the client must hold rights too."""
    row = writable(tx, queue_id)
    before = row.json
    store(
        tx, row, before, before | {"division": division, "dateModified": tx.stamp, "modifiedBy": tx.actor.id}
    )
