"""The platform's audit trail (contract section 10): a query is started, asked for until it is done, then paged.

No source says which service owns wrap-up codes and their mapping; the mapping endpoint tells it, and clients
must read it there.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid4, uuid5

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal, invalid_value
from wrapctl.sandbox.genesys.tx import settings_of
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.objects import Json

ACTIONS = {
    "Queue": ["Create", "Update", "Delete", "MemberAdd", "MemberRemove"],
    "WrapupCode": ["Create", "Update", "Delete"],
    "WrapUpCodeMapping": ["Update"],
    "Schema": ["Create", "Update", "Delete"],
    "Row": ["Create", "Update", "Delete"],
}
USUAL = {
    "Queue": "ContactCenter",
    "WrapupCode": "ContactCenter",
    "WrapUpCodeMapping": "Outbound",
    "Schema": "Datatables",
    "Row": "Datatables",
}
"""Entity type → service; no source says which one owns wrap-up codes, so an org may have it otherwise."""
FILTERS = {
    "UserId": "actor_kind = 'user' and actor = ?",
    "ClientId": "actor_kind = 'client' and actor = ?",
    "Action": "action = ?",
    "EntityType": "entity_type = ?",
    "EntityId": "entity_id = ?",
    "TrusteeOrganizationId": "? = ''",
}
MOST = 500


REALTIME = timedelta(days=14)


def _owners(call: Call) -> dict[str, str]:
    return USUAL | settings_of(call.org).audit_services


def get_services(call: Call) -> Answer:
    """GET /api/v2/audits/query/servicemapping, and that of the realtime query."""
    services: dict[str, list[Json]] = {}
    for entity, service in _owners(call).items():
        services.setdefault(service, []).append({"name": entity, "actions": ACTIONS[entity]})
    listed = [{"name": name, "entities": entities} for name, entities in services.items()]
    return Answer(dumps({"services": listed}))


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


def _asked(call: Call) -> Json:
    """Return a query's body, or refuse it."""
    given = call.object_body()
    if "interval" not in given:
        raise Refusal(400, "bad.request")
    _interval(given["interval"])
    services = sorted(set(_owners(call).values()))
    if given.get("serviceName") not in {None, *services}:
        raise invalid_value(given["serviceName"], "serviceName", ", ".join(services))
    filters = given.get("filters", [])
    for item in filters if isinstance(filters, list) else [filters]:
        if (
            not isinstance(item, dict)
            or item.get("property") not in FILTERS
            or not isinstance(item.get("value"), str)
        ):
            raise invalid_value(item, "AuditQueryFilter", ", ".join(FILTERS))
    return {key: given[key] for key in ("interval", "serviceName", "filters", "sort") if key in given}


def post_query(call: Call) -> Answer:
    """POST /api/v2/audits/query: 202 with the query's id; it runs on its own."""
    query = _asked(call)
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
    """GET /api/v2/audits/query/{transactionId}: 202 as long as it runs."""
    query = _query(call, transaction_id)
    settings = settings_of(call.org)
    asked = query.pop("asked", 0) + 1
    if asked > settings.audit_polls:
        return Answer(dumps(query | {"state": settings.audit_end}))
    with call.write() as tx:
        tx.con.execute(
            "update queries set doc = ? where id = ? and org = ?",
            (dumps(query | {"asked": asked}), transaction_id, tx.org.name),
        )
    return Answer(dumps(query | {"state": "Running"}), 202)


def get_results(call: Call, transaction_id: str) -> Answer:
    """GET …/{transactionId}/results: pages by cursor, at most 500 lines each; the last page has no cursor."""
    query = _query(call, transaction_id)
    settings = settings_of(call.org)
    if settings.audit_end != "Succeeded" or query.get("asked", 0) < settings.audit_polls:
        raise Refusal(404, "not.found")
    size = min(call.query.number("pageSize", 25), MOST)
    offset = call.query.number("cursor", 1) - 1
    expanded = "user" in call.query.many("expand")
    found = _found(call, query, expanded=expanded, most=size + 1, offset=offset)
    page: Json = {"id": transaction_id, "pageSize": size, "entities": found[:size]}
    if len(found) > size:
        page["cursor"] = str(offset + size + 1)
    return Answer(dumps(page))


def post_realtime(call: Call) -> Answer:
    """POST /api/v2/audits/query/realtime: answered at once, of the last 14 days; pages are asked for in the body."""
    given, query = call.object_body(), _asked(call)
    start, _ = _interval(query["interval"])
    if datetime.fromisoformat(start) < datetime.fromtimestamp(call.clock(), UTC) - REALTIME:
        raise invalid_value(query["interval"], "interval", "the last 14 days")
    size, number = min(int(given.get("pageSize", 25)), MOST), int(given.get("pageNumber", 1))
    if size < 1 or number < 1:
        raise Refusal(400, "bad.request")
    found = _found(call, query, expanded="user" in call.query.many("expand"))
    page: Json = {"entities": found[(number - 1) * size : number * size], "pageSize": size}
    return Answer(
        dumps(page | {"pageNumber": number, "total": len(found), "pageCount": -(-len(found) // size)})
    )


def _found(call: Call, query: Json, *, expanded: bool, most: int = -1, offset: int = 0) -> list[Json]:
    """Return the lines that a query asks for, in its order."""
    owners = _owners(call)
    start, end = _interval(query["interval"])
    where, values = "org = ? and at >= ? and at < ?", [call.org.name, start, end]
    if "serviceName" in query:
        entities = [entity for entity, service in owners.items() if service == query["serviceName"]]
        where += f" and entity_type in ({', '.join('?' * len(entities))})"
        values += entities
    for item in query.get("filters", []):
        where += f" and {FILTERS[item['property']]}"
        values.append(item["value"])
    descending = any(item.get("sortOrder") == "descending" for item in query.get("sort", []))
    with call.read() as tx:
        rows = tx.con.execute(
            "select id, at, actor_kind, actor, action, entity_type, entity_id, entity_name, changes, correlation"  # noqa: S608 (conditions are constants)
            f" from audit where {where} order by id {'desc' if descending else 'asc'} limit ? offset ?",
            [*values, most, offset],
        ).fetchall()
    return [_message(call, owners, row, expanded=expanded) for row in rows]


def _message(
    call: Call,
    owners: dict[str, str],
    row: tuple[int, str, str, str, str, str, str, str, str, str],
    *,
    expanded: bool,
) -> Json:
    number, at, actor_kind, actor, action, entity_type, entity_id, entity_name, changes, correlation = row
    message: Json = {"id": str(uuid5(NAMESPACE_URL, f"{call.org.id}/{number}")), "userHomeOrgId": call.org.id}
    if actor_kind == "client":
        message["client"] = {"id": actor, "selfUri": f"/api/v2/oauth/clients/{actor}"}
    else:
        message["user"] = {"id": actor, "selfUri": f"/api/v2/users/{actor}"}
        if expanded:
            message["user"]["name"] = settings_of(call.org).user_names.get(actor, f"User {actor}")
    message |= {
        "serviceName": owners[entity_type],
        "eventDate": at,
        "action": action,
        "entityType": entity_type,
    }
    message["entity"] = {"id": entity_id, "name": entity_name}
    message |= {"level": "USER", "status": "SUCCESS", "application": "", "remoteIp": ["127.0.0.1"]}
    message |= {"transactionInitiator": True, "propertyChanges": json.loads(changes), "entityChanges": []}
    message["context"] = {"correlationId": correlation}
    return message
