"""Rows of an object: read, changed, removed, and upserted by an external id up to 200 at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.salesforce.ids import ROW, USER, record_id, whole
from wrapctl.sandbox.crm.salesforce.schema import NAME, Schema, Wrong, schema
from wrapctl.sandbox.crm.tx import ACTIVE
from wrapctl.sandbox.crm.world import CREATE, DELETE, READ, UPDATE

if TYPE_CHECKING:
    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.crm.tx import OrgTx
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json, Row

MOST = 200


def object_of(call: Call, name: str) -> Schema:
    """Return an object, or refuse as if there were no such path."""
    found = schema(call.org, name)
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def needs(call: Call, right: str) -> None:
    """Refuse a client without a right."""
    if not call.may(right):
        raise Refusal(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def body_of(call: Call) -> Any:
    """Return a JSON body, or refuse."""
    kind = call.arrival.header("Content-Type").partition(";")[0].strip().lower()
    if kind != "application/json":
        text = f"Content-Type header specified in HTTP request is not supported: {kind}"
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", text)
    try:
        return call.json()
    except ValueError as error:
        raise Refusal(400, "JSON_PARSER_ERROR", f"The HTTP entity body is not valid JSON: {error}") from None


def shown(body: Json, table: str, version: str) -> Json:
    """Return a row as a read shows it."""
    url = f"/services/data/{version}/sobjects/{table}/{body['Id']}"
    return {"attributes": {"type": table, "url": url}} | body


# Single rows.


def get_row(call: Call, version: str, table: str, row_id: str) -> Reply:
    """GET /sobjects/{sObject}/{id}."""
    needs(call, READ)
    known = object_of(call, table)
    with call.read() as tx:
        row = _there(tx.row(known.name, whole(row_id)))
    changed_at = _date(row.json["LastModifiedDate"])
    since = call.arrival.header("If-Modified-Since")
    if since and changed_at <= _asked(since):
        return answer(None, 304)
    body = dict.fromkeys((field.name for field in known.declared), None) | row.json
    names = [known.column(name.strip()) for name in call.query.get("fields", "").split(",") if name.strip()]
    body = {name: body.get(name) for name in ("Id", *names)} if names else body
    headers = [("Last-Modified", format_datetime(changed_at, usegmt=True))]
    return answer(shown(body, known.name, version), 200, headers)


def patch_row(call: Call, version: str, table: str, row_id: str) -> Reply:  # noqa: ARG001 (no answer tells the version)
    """PATCH /sobjects/{sObject}/{id}: ``If-Unmodified-Since`` is the one condition it knows, exact to the second."""
    needs(call, UPDATE)
    known = object_of(call, table)
    given = body_of(call)
    if not isinstance(given, dict):
        raise Refusal(400, "JSON_PARSER_ERROR", "The request body must be an object")
    taken = known.taken({name: value for name, value in given.items() if name != "attributes"})
    since = call.arrival.header("If-Unmodified-Since")
    asked = _asked(since) if since else None
    with call.write() as tx:
        row = _there(tx.row(known.name, whole(row_id), true=True))
        if asked is not None and _date(row.json["LastModifiedDate"]) > asked:
            raise Refusal(412, bare=True)
        after = row.json | taken
        if wrong := known.wrong(after) or _taken_already(tx, known, after) or _ruled_out(tx, after):
            raise Refusal(400, wrong.code, wrong.text, fields=wrong.fields)
        _put(tx, known, after)
    return answer(None, 204)


def delete_row(call: Call, version: str, table: str, row_id: str) -> Reply:  # noqa: ARG001 (no answer tells the version)
    """DELETE /sobjects/{sObject}/{id}: no condition is looked at; the row lies in the recycle bin."""
    needs(call, DELETE)
    known = object_of(call, table)
    with call.write() as tx:
        tx.remove(_there(tx.row(known.name, whole(row_id), true=True)), trace=True)
    return answer(None, 204)


def _there(row: Row | None) -> Row:
    if row is None:
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    if row.state != ACTIVE:
        raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted")
    return row


def _date(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000%z")


def _asked(text: str) -> datetime:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        raise Refusal(400, "INVALID_HEADER_VALUE", f"Invalid date in a condition header: {text}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# Collections.


def upsert_rows(call: Call, version: str, table: str, key: str) -> Reply:  # noqa: ARG001 (no answer tells the version)
    """PATCH /composite/sobjects/{sObject}/{externalIdField}: one result a row, in the order of the request."""
    needs(call, READ)
    known = object_of(call, table)
    field = known.key(key)
    given = body_of(call)
    records = given.get("records") if isinstance(given, dict) else None
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise Refusal(400, "JSON_PARSER_ERROR", "Missing or malformed records")
    if len(records) > MOST:
        text = f"record limit reached. cannot submit more than {MOST} records into this call"
        raise Refusal(400, "EXCEEDED_ID_LIMIT", text)
    for one in records:
        kind = one.get("attributes", {}).get("type") if isinstance(one.get("attributes", {}), dict) else None
        if not isinstance(kind, str) or kind.casefold() != known.name.casefold():
            raise Refusal(400, "INVALID_INPUT", f"The type of each record must be {known.name}")
    taken = [
        known.taken({name: value for name, value in one.items() if name != "attributes"}) for one in records
    ]
    with call.write() as tx:
        tx.con.execute("savepoint collection")
        results = _Upsert(call, tx, known, field.name).all(taken)
        failed = [one for one in results if not one["success"]]
        if failed and given.get("allOrNone") is True:
            tx.con.execute("rollback to collection")
            rolled = Wrong(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            )
            results = [_failed(rolled) if one["success"] else one for one in results]
        tx.con.execute("release collection")
    return answer(results)


class _Upsert:
    """The rows of one request, in order. External ids are compared as the org compares names."""

    def __init__(self, call: Call, tx: OrgTx, known: Schema, key: str) -> None:
        self._call = call
        self._tx = tx
        self._known = known
        self._key = key
        self._held: dict[str, list[Json]] = {}
        for row in tx.rows(known.name, true=True):
            body = row.json
            if isinstance(body.get(key), str):
                self._held.setdefault(self._folded(body[key]), []).append(body)

    def _folded(self, text: str) -> str:
        return text.casefold() if self._tx.settings.case_insensitive_names else text

    def all(self, taken: list[Json]) -> list[Json]:
        asked: set[str] = set()
        results = []
        for one in taken:
            value = one.get(self._key)
            folded = self._folded(value) if isinstance(value, str) else ""
            if not folded:
                results.append(_failed(Wrong("MISSING_ARGUMENT", f"{self._key} not specified", (self._key,))))
            elif folded in asked:
                text = f"Duplicate external id specified: {value}"
                results.append(_failed(Wrong("DUPLICATE_VALUE", text, (self._key,))))
            else:
                results.append(self._one(folded, one))
            asked.add(folded)
        return results

    def _one(self, folded: str, given: Json) -> Json:
        held = self._held.get(folded, [])
        if len(held) > 1:
            text = f"{self._key}: more than one record found for external id field: {[one['Id'] for one in held]}"
            return _failed(Wrong("DUPLICATE_EXTERNAL_ID", text, (self._key,)))
        if not self._call.may(UPDATE if held else CREATE):
            return _failed(
                Wrong("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
            )
        body = held[0] | given if held else new(self._tx, self._known, given)
        wrong = self._known.wrong(body) or _ruled_out(self._tx, body)
        if wrong is None and any(one.unique and one.name != self._key for one in self._known.declared):
            wrong = _taken_already(self._tx, self._known, body)
        if wrong is not None:
            return _failed(wrong)
        stored = _put(self._tx, self._known, body)
        self._held[folded] = [stored]
        return {"id": stored["Id"], "success": True, "errors": [], "created": not held}


def _failed(wrong: Wrong) -> Json:
    error = {"statusCode": wrong.code, "message": wrong.text, "fields": list(wrong.fields)}
    return {"success": False, "errors": [error]}


def _ruled_out(tx: OrgTx, body: Json) -> Wrong | None:
    words = tx.refusal_of(body)
    return Wrong("FIELD_CUSTOM_VALIDATION_EXCEPTION", words) if words else None


def _taken_already(tx: OrgTx, known: Schema, body: Json) -> Wrong | None:
    unique = [field.name for field in known.declared if field.unique and body.get(field.name) is not None]
    for row in tx.rows(known.name, true=True) if unique else ():
        other = row.json
        for name in unique:
            if other["Id"] != body["Id"] and other.get(name) == body[name]:
                text = f"duplicate value found: {name} duplicates value on record with id: {other['Id']}"
                return Wrong("DUPLICATE_VALUE", text, (name,))
    return None


# Storing.


def new(tx: OrgTx, known: Schema, given: Json, row_id: str = "") -> Json:
    """Return a new row. Without a name it is called by its id."""
    made = row_id or record_id(ROW)
    who, when = _who(tx), _when(tx)
    body: Json = {
        "Id": made,
        "IsDeleted": False,
        "OwnerId": who,
        NAME: made,
        "CreatedDate": when,
        "CreatedById": who,
    }
    body |= {field.name: False for field in known.declared if field.type == "checkbox"}
    return body | {name: value for name, value in given.items() if name != NAME or value is not None}


def _put(tx: OrgTx, known: Schema, body: Json) -> Json:
    when, who = _when(tx), _who(tx)
    stored = body | {"LastModifiedDate": when, "LastModifiedById": who, "SystemModstamp": when}
    tx.put(known.name, body["Id"], str(body.get(NAME) or ""), stored)
    return stored


def _when(tx: OrgTx) -> str:
    """Return the date of this write; Salesforce keeps whole seconds."""
    return tx.stamp[:19] + ".000+0000"


def _who(tx: OrgTx) -> str:
    return _user(tx.actor.id)


@lru_cache(maxsize=64)
def _user(name: str) -> str:
    return record_id(USER, name)


class Keeper:
    """Rows as somebody in the UI handles them: ``object`` names the table, ``Id`` may be given."""

    def add(self, tx: OrgTx, given: Json) -> None:
        """Add a row."""
        table = str(given.pop("object", ""))
        known = _schema(tx, table)
        row_id = whole(str(given.pop("Id", "")))
        if tx.planting and not row_id:
            row_id = record_id(ROW, f"{tx.org.name}\n{table}\n{sorted(given.items())}")
        self._store(tx, known, new(tx, known, _taken(known, given), row_id))

    def change(self, tx: OrgTx, row: Row, given: Json) -> None:
        """Change members of a row."""
        known = _schema(tx, row.division)
        self._store(tx, known, row.json | _taken(known, given))

    def remove(self, tx: OrgTx, row: Row) -> None:
        """Put a row into the recycle bin."""
        tx.remove(row, trace=True)

    @staticmethod
    def _store(tx: OrgTx, known: Schema, body: Json) -> None:
        if wrong := known.wrong(body) or _taken_already(tx, known, body):
            raise ValueError(f"{tx.org.name}: {wrong.text}")
        _put(tx, known, body)


def _schema(tx: OrgTx, table: str) -> Schema:
    known = schema(tx.org, table)
    if known is None:
        raise ValueError(f"{tx.org.name} has no object {table!r}: a row names its `object`")
    return known


def _taken(known: Schema, given: Json) -> Json:
    try:
        return known.taken(given)
    except Refusal as refusal:
        raise ValueError(refusal.text) from None
