"""The platform's audit trail (contract section 10): a query is started, asked for until it is done, then paged.

No source says which service owns wrap-up codes and their mapping; the mapping endpoint tells it, and clients
must read it there.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid4, uuid5

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal, invalid_value
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.objects import Json

SERVICES = {
    "ContactCenter": {
        "Queue": ["Create", "Update", "Delete", "MemberAdd", "MemberRemove"],
        "WrapupCode": ["Create", "Update", "Delete"],
    },
    "Outbound": {"WrapUpCodeMapping": ["Update"]},
    "Datatables": {
        "Schema": ["Create", "Update", "Delete"],
        "Row": ["Create", "Update", "Delete"],
    },
}
SERVICE_OF = {entity: service for service, entities in SERVICES.items() for entity in entities}
FILTERS = {
    "UserId": "actor_kind = 'user' and actor = ?",
    "ClientId": "actor_kind = 'client' and actor = ?",
    "Action": "action = ?",
    "EntityType": "entity_type = ?",
    "EntityId": "entity_id = ?",
    "TrusteeOrganizationId": "? = ''",
}
MOST = 500


def get_services(call: Call) -> Answer:  # noqa: ARG001 (a handler)
    """GET /api/v2/audits/query/servicemapping."""
    services = [
        {
            "name": name,
            "entities": [{"name": entity, "actions": actions} for entity, actions in entities.items()],
        }
        for name, entities in SERVICES.items()
    ]
    return Answer(dumps({"services": services}))


def _interval(text: object) -> tuple[str, str]:
    """Return start and end as the trail writes dates, so that texts compare as times."""
    parts = str(text).split("/")
    try:
        start, end = (datetime.fromisoformat(part) for part in parts)
    except ValueError:
        raise invalid_value(text, "interval", "YYYY-MM-DDThh:mm:ssZ/YYYY-MM-DDThh:mm:ssZ") from None

    def written(when: datetime) -> str:
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return re.sub(r"\+00:00$", "Z", aware.astimezone(UTC).isoformat(timespec="milliseconds"))

    return written(start), written(end)


def post_query(call: Call) -> Answer:
    """POST /api/v2/audits/query: 202 with the query's id; it is done when it is next asked for."""
    given = call.object_body()
    if "interval" not in given:
        raise Refusal(400, "bad.request")
    _interval(given["interval"])
    if given.get("serviceName") not in {None, *SERVICES}:
        raise invalid_value(given["serviceName"], "serviceName", ", ".join(SERVICES))
    for item in given.get("filters", []):
        if (
            not isinstance(item, dict)
            or item.get("property") not in FILTERS
            or not isinstance(item.get("value"), str)
        ):
            raise invalid_value(item, "AuditQueryFilter", ", ".join(FILTERS))
    query: Json = {key: given[key] for key in ("interval", "serviceName", "filters", "sort") if key in given}
    query |= {"id": str(uuid4()), "state": "Queued"}
    with call.write() as tx:
        query["startDate"] = tx.stamp
        tx.con.execute(
            "insert into queries (id, org, doc) values (?, ?, ?)", (query["id"], tx.org.name, dumps(query))
        )
    return Answer(dumps(query), 202)


def _query(call: Call, transaction_id: str) -> Json:
    with call.read() as tx:
        sql = "select doc from queries where id = ? and org = ?"
        row = tx.con.execute(sql, (transaction_id, tx.org.name)).fetchone()
    if row is None:
        raise Refusal(404, "not.found")
    query: Json = json.loads(row[0])
    return query


def get_query(call: Call, transaction_id: str) -> Answer:
    """GET /api/v2/audits/query/{transactionId}."""
    return Answer(dumps(_query(call, transaction_id) | {"state": "Succeeded"}))


def get_results(call: Call, transaction_id: str) -> Answer:
    """GET …/{transactionId}/results: pages by cursor, at most 500 lines each; the last page has no cursor."""
    query = _query(call, transaction_id)
    size = min(call.query.number("pageSize", 25), MOST)
    start, end = _interval(query["interval"])
    where, values = "org = ? and at >= ? and at < ?", [call.org.name, start, end]
    if "serviceName" in query:
        entities = list(SERVICES[query["serviceName"]])
        where += f" and entity_type in ({', '.join('?' * len(entities))})"
        values += entities
    for item in query.get("filters", []):
        where += f" and {FILTERS[item['property']]}"
        values.append(item["value"])
    descending = any(item.get("sortOrder") == "descending" for item in query.get("sort", []))
    offset = call.query.number("cursor", 1) - 1
    with call.read() as tx:
        rows = tx.con.execute(
            "select id, at, actor_kind, actor, action, entity_type, entity_id, entity_name, changes, correlation"  # noqa: S608 (conditions are constants)
            f" from audit where {where} order by id {'desc' if descending else 'asc'} limit ? offset ?",
            [*values, size + 1, offset],
        ).fetchall()
    page: Json = {
        "id": transaction_id,
        "pageSize": size,
        "entities": [_message(call, row) for row in rows[:size]],
    }
    if len(rows) > size:
        page["cursor"] = str(offset + size + 1)
    return Answer(dumps(page))


def _message(call: Call, row: tuple[int, str, str, str, str, str, str, str, str, str]) -> Json:
    number, at, actor_kind, actor, action, entity_type, entity_id, entity_name, changes, correlation = row
    message: Json = {"id": str(uuid5(NAMESPACE_URL, f"{call.org.id}/{number}")), "userHomeOrgId": call.org.id}
    if actor_kind == "client":
        message["client"] = {"id": actor, "selfUri": f"/api/v2/oauth/clients/{actor}"}
    else:
        message["user"] = {"id": actor, "selfUri": f"/api/v2/users/{actor}"}
    message |= {
        "serviceName": SERVICE_OF[entity_type],
        "eventDate": at,
        "action": action,
        "entityType": entity_type,
    }
    message["entity"] = {"id": entity_id, "name": entity_name}
    message |= {"level": "USER", "status": "SUCCESS", "application": "", "remoteIp": ["127.0.0.1"]}
    message |= {"transactionInitiator": True, "propertyChanges": json.loads(changes), "entityChanges": []}
    message["context"] = {"correlationId": correlation}
    return message
