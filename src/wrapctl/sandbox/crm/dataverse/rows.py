"""The operations on disposition codes, with their conditions: ``If-Match``, ``If-None-Match``."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.dataverse import filters, table
from wrapctl.sandbox.crm.dataverse.table import ENTITY, ETAG, KEY, TABLE, etag, settings_of
from wrapctl.sandbox.crm.world import CREATE, DELETE, READ, UPDATE

if TYPE_CHECKING:
    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.crm.tx import OrgTx
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json, Row

MAX_PAGE = re.compile(r"odata\.maxpagesize\s*=\s*\"?(\d+)", re.IGNORECASE)
PRIVILEGES = {READ: "Read", CREATE: "Create", UPDATE: "Write", DELETE: "Delete"}


def _needs(call: Call, right: str) -> None:
    if not call.may(right):
        name = f"prv{PRIVILEGES[right]}{ENTITY}"
        text = f"Principal user (Id={call.visit.asker.client}, type=8) is missing {name} privilege"
        raise Refusal(403, "0x80040220", text)


def _context(call: Call, rest: str) -> str:
    return f"{call.host}/api/data/v9.2/$metadata#{rest}"


def _entity(names: tuple[str, ...]) -> str:
    return f"{TABLE}({','.join(names)})" if names else TABLE


def _selected(call: Call) -> tuple[str, ...]:
    names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
    return tuple(filters.column(name) for name in names)


def _shown(body: Json, names: tuple[str, ...]) -> Json:
    chosen = body if not names else {name: body.get(name) for name in (*names, KEY)}
    return {ETAG: etag(body)} | chosen


def list_rows(call: Call) -> Reply:
    """GET: ``$top`` silences ``odata.maxpagesize``; a page goes on at ``@odata.nextLink``."""
    _needs(call, READ)
    known = {"$select", "$filter", "$top", "$orderby", "$skiptoken", "$count"}
    if unknown := [name for name in call.query if name.startswith("$") and name not in known]:
        raise Refusal(400, "0x80060888", f"The query parameter {unknown[0]} is not supported.")
    names = _selected(call)
    with call.read() as tx:
        found = [row.json for row in tx.rows(TABLE)]
    if text := call.query.get("$filter", ""):
        holds = filters.parse(text)
        found = [body for body in found if holds(body)]
    found = _ordered(found, call.query.get("$orderby", ""))
    start, (size, preferred) = _start(call), _page(call)
    if top := call.query.get("$top", ""):
        if not top.isdigit():
            raise Refusal(400, "0x80060888", f"Invalid value '{top}' for $top query option found.")
        found, size, preferred = found[: int(top)], max(1, int(top)), False
    body: Json = {"@odata.context": _context(call, _entity(names))}
    if call.query.get("$count") == "true":
        body["@odata.count"] = len(found)
    body["value"] = [_shown(one, names) for one in found[start : start + size]]
    if start + size < len(found):
        query = {key: value for key, value in call.query.items() if key != "$skiptoken"}
        cookie = base64.urlsafe_b64encode(json.dumps({"from": start + size}).encode()).decode()
        body["@odata.nextLink"] = (
            f"{call.host}{call.arrival.path}?{urlencode(query | {'$skiptoken': cookie}, safe='$,')}"
        )
    headers = [("Preference-Applied", f"odata.maxpagesize={size}")] if preferred else []
    return answer(body, 200, headers)


def _ordered(found: list[Json], text: str) -> list[Json]:
    for part in reversed([part.split() for part in text.split(",") if part.strip()]):
        name = filters.column(part[0])
        falling = len(part) > 1 and part[1].lower() == "desc"

        def rank(body: Json, name: str = name) -> tuple[bool, str]:
            return body.get(name) is not None, str(body.get(name)).casefold()

        found = sorted(found, key=rank, reverse=falling)
    return found


def _start(call: Call) -> int:
    token = call.query.get("$skiptoken", "")
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["from"]) if token else 0
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "0x80060888", "Malformed XML in the paging cookie.") from None


def _page(call: Call) -> tuple[int, bool]:
    most = settings_of(call.org).page_size
    asked = MAX_PAGE.search(call.arrival.header("Prefer"))
    return (max(1, min(most, int(asked[1]))), True) if asked else (most, False)


def get_row(call: Call, row_id: str) -> Reply:
    """GET by id; ``If-None-Match`` with the row's version answers 304."""
    _needs(call, READ)
    names = _selected(call)
    with call.read() as tx:
        row = tx.row(TABLE, _id(row_id))
    if row is None:
        raise _missing(row_id)
    body = row.json
    if settings_of(call.org).optimistic_concurrency and call.arrival.header("If-None-Match") == etag(body):
        return answer(None, 304)
    context = {"@odata.context": _context(call, f"{_entity(names)}/$entity")}
    return answer(context | _shown(body, names), 200, [("ETag", etag(body))])


def post_row(call: Call) -> Reply:
    """POST: 204, and the new row's address in ``OData-EntityId``."""
    _needs(call, CREATE)
    given = table.taken(_body(call))
    with call.write() as tx:
        if (row_id := given.get(KEY)) and tx.row(TABLE, row_id, true=True):
            raise Refusal(412, "0x80040237", "A record with matching key values already exists.")
        stored = _created(call, tx, given)
    return _done(call, stored)


def patch_row(call: Call, row_id: str) -> Reply:
    """PATCH: an upsert. ``If-Match: *`` refuses a create, ``If-None-Match: *`` an update, a version anything older."""
    given = table.taken(_body(call))
    key = _id(row_id)
    if given.pop(KEY, key) != key:
        raise Refusal(400, "0x80048d19", "The key in the body is not the key of the address.")
    wanted, unwanted = call.arrival.header("If-Match"), call.arrival.header("If-None-Match")
    with call.write() as tx:
        row = tx.row(TABLE, key, true=True)
        if row is None:
            if wanted:
                raise _missing(row_id)
            _needs(call, CREATE)
            return _done(call, _created(call, tx, given | {KEY: key}))
        if unwanted == "*":
            raise Refusal(412, "0x80040237", "A record with matching key values already exists.")
        _needs(call, UPDATE)
        _current(call, row)
        after = table.merged(row.json, given)
        _ruled_out(tx, after)
        return _done(call, table.put(tx, after))


def delete_row(call: Call, row_id: str) -> Reply:
    """DELETE: under ``If-Match`` only the version that the client knows. A managed row stays."""
    _needs(call, DELETE)
    with call.write() as tx:
        row = tx.row(TABLE, _id(row_id), true=True)
        if row is None:
            raise _missing(row_id)
        _current(call, row)
        if row.json["ismanaged"]:
            text = f"The {ENTITY} record {row.id} is managed by a solution and cannot be deleted."
            raise Refusal(400, "0x8004f026", text)
        tx.remove(row)
    return answer(None, 204)


def get_definition(call: Call) -> Reply:
    """GET EntityDefinitions: whether the table knows row versions."""
    _needs(call, READ)
    context = _context(call, "EntityDefinitions(IsOptimisticConcurrencyEnabled)/$entity")
    enabled = settings_of(call.org).optimistic_concurrency
    return answer({"@odata.context": context, "IsOptimisticConcurrencyEnabled": enabled})


def _created(call: Call, tx: OrgTx, given: Json) -> Json:
    body = table.new(tx, given)
    if settings_of(call.org).created_inactive == "active":
        body |= {"statecode": 0, "statuscode": 1}
    _ruled_out(tx, body)
    return table.put(tx, body)


def _done(call: Call, body: Json) -> Reply:
    return answer(None, 204, [("OData-EntityId", f"{call.host}/api/data/v9.2/{TABLE}({body[KEY]})")])


def _ruled_out(tx: OrgTx, body: Json) -> None:
    if words := tx.refusal_of(body):
        raise Refusal(400, "0x80040265", words)


def _current(call: Call, row: Row) -> None:
    wanted = call.arrival.header("If-Match")
    if wanted in {"", "*"}:
        return
    if not settings_of(call.org).optimistic_concurrency:
        text = (
            f"Optimistic concurrency isn't enabled for entity type {ENTITY}. The IfVersionMatches value of"
            " ConcurrencyBehavior can only be used if optimistic concurrency is enabled."
        )
        raise Refusal(400, "0x80060893", text)
    if not re.fullmatch(r'W/"[^"]+"', wanted):
        raise Refusal(400, "0x80060888", f"The If-Match header '{wanted}' is not a valid ETag.")
    if wanted != etag(row.json):
        text = "The version of the existing record doesn't match the RowVersion property provided."
        raise Refusal(412, "0x80060882", text)


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Refusal(400, "0x80060888", f"Unrecognized 'Edm.Guid' literal '{text}'.") from None


def _missing(row_id: str) -> Refusal:
    return Refusal(404, "0x80040217", f"Entity '{ENTITY}' With Id = {row_id} Does Not Exist")


def _body(call: Call) -> Json:
    kind = call.arrival.header("Content-Type").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "0x80060888", f"A media type formatter for '{kind}' was not found.")
    try:
        given = call.json()
    except ValueError:
        raise Refusal(400, "0x80048d19", "Invalid JSON. The body could not be read.") from None
    if not isinstance(given, dict):
        raise Refusal(400, "0x80048d19", "The body must be a JSON object.")
    return given
