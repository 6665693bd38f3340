"""Architect data tables (contract section 9): a table is a JSON schema, which only ever grows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.genesys.paging import name_filter
from wrapctl.sandbox.objects import changed, dumps
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Row

KIND = "datatable"
URI = "/api/v2/flows/datatables"
DRAFT = "http://json-schema.org/draft-04/schema#"
KEY = "key"
LONGEST = 256
"""Of a table's name and of a row's key."""

DEFAULTS: Json = {"string": "", "boolean": False, "integer": 0, "number": 0}
"""The types that a field may have, and what one shows that nobody set where its schema has no default."""

ORDERS = {
    ("name", "ascending"): "folded, id",
    ("name", "descending"): "folded desc, id desc",
    ("id", "ascending"): "id",
    ("id", "descending"): "id desc",
}


def row_kind(table_id: str) -> str:
    """Return the kind under which the rows of a table are stored."""
    return f"row {table_id}"


# ── schemas ────────────────────────────────────────────────────────────────────────────────────────────────


def is_of(kind: object, value: object) -> bool:
    """Whether a value may stand in a field of that type; true is no number, and 1.0 no integer."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case _:
            return False


def _wrong(why: str) -> Refusal:
    return Refusal(
        400, "flows.datatables.schema.exception", message=f"The schema is invalid in some way: {why}"
    )


def check_schema(schema: object, most: int) -> Json:
    """Return a schema that is of the one form that works (tf), or refuse it; ``most`` fields, ``key`` included."""
    if not isinstance(schema, dict):
        raise _wrong("there is none")
    fixed = {"$schema": DRAFT, "type": "object", "required": [KEY], "additionalProperties": False}
    for member, value in fixed.items():
        if schema.get(member) != value or type(schema.get(member)) is not type(value):
            raise _wrong(f"{member} must be {dumps(value)}")
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not all(isinstance(item, dict) for item in properties.values()):
        raise _wrong("properties must be objects")
    if properties.get(KEY, {}).get("type") != "string":
        raise _wrong("properties must have key, a string")
    for name, field in properties.items():
        if field.get("$id") != f"/properties/{name}":
            raise _wrong(f"$id of {name} must be /properties/{name}")
        if field.get("type") not in DEFAULTS:
            raise _wrong(f"type of {name} must be one of {', '.join(DEFAULTS)}")
        if not isinstance(field.get("title", ""), str) or not is_of("integer", field.get("displayOrder", 0)):
            raise _wrong(f"title or displayOrder of {name}")
        if "default" in field and not is_of(field["type"], field["default"]):
            raise _wrong(f"default of {name} is no {field['type']}")
    if len(properties) > most:
        raise Refusal(400, "flows.datatables.too.many.properties")
    kept = ("$schema", "title", "description", "type", "required", "properties", "additionalProperties")
    return {member: schema[member] for member in kept if schema.get(member) is not None}


def schema_of(columns: Json) -> Json:
    """Return the schema of a table with these fields beside ``key``; ``columns`` maps a name to a type or a field."""
    properties: Json = {}
    for order, (name, column) in enumerate({KEY: "string", **columns}.items()):
        field = {"type": column} if isinstance(column, str) else dict(column)
        properties[name] = {"$id": f"/properties/{name}", "title": name, "displayOrder": order} | field
    return {
        "$schema": DRAFT,
        "type": "object",
        "required": [KEY],
        "properties": properties,
        "additionalProperties": False,
    }


def _check_growth(before: Json, after: Json) -> None:
    old, new = before["properties"], after["properties"]
    if any(name not in new for name in old):
        raise Refusal(400, "flows.datatables.cannot.remove.fields")
    for name, field in old.items():
        if any(new[name].get(member) != field.get(member) for member in ("type", "default")):
            raise _wrong(f"{name} cannot be changed")


# ── operations ─────────────────────────────────────────────────────────────────────────────────────────────


def list_tables(call: Call) -> Answer:
    """GET /api/v2/flows/datatables, by id unless asked otherwise; schemas come only with ``expand=schema``."""
    sort = call.query.choice("sortBy", "id", "name")
    order = ORDERS[sort, call.query.choice("sortOrder", "ascending", "descending")]
    page, select = call.page("datatables"), _select(call)
    with call.read() as tx:
        values: list[str | int] = [tx.org.name, KIND, tx.seq, tx.seq]
        sql = "from objects where org = ? and kind = ? and since <= ? and until > ?"
        for wanted in (tx.divisions, call.query.many("divisionId") or None):
            if wanted is not None:
                sql += f" and division in ({', '.join('?' * len(wanted))})"
                values += wanted
        if name := call.query.one("name"):
            more, arguments = name_filter(name, "folded", leading=True)
            sql, values = f"{sql} and {more}", [*values, *arguments]
        return call.listing(tx, page, select, sql, values, order)


def _select(call: Call) -> str:
    expanded = call.query.choice("expand", "", "schema")
    return "body" if expanded else "json_remove(body, '$.schema')"


def _shown(call: Call, table: Json) -> Answer:
    if not call.query.choice("expand", "", "schema"):
        table = {member: value for member, value in table.items() if member != "schema"}
    return Answer(dumps(table))


def seen(tx: OrgTx, table_id: str) -> Row:
    """Return the table as the client sees it by now, or refuse."""
    row = tx.seen(KIND, table_id)
    if row is None or not tx.sees(row.division):
        raise Refusal(404, "flows.datatables.table.not.found")
    return row


def writable(tx: OrgTx, table_id: str) -> Row:
    """Return the table as it is, or refuse: 404 when there is none, 403 when it is not the client's to change."""
    row = tx.truth(KIND, table_id)
    if row is None:
        raise Refusal(404, "flows.datatables.table.not.found")
    if not tx.may_write(row.division):
        raise Refusal(403, "not.authorized")
    return row


def get_table(call: Call, datatable_id: str) -> Answer:
    """GET …/datatables/{datatableId}."""
    with call.read() as tx:
        return _shown(call, seen(tx, datatable_id).json)


def post_table(call: Call) -> Answer:
    """POST /api/v2/flows/datatables: 200, not 201."""
    given = call.object_body()
    with call.write() as tx:
        return _shown(call, create(tx, given))


def put_table(call: Call, datatable_id: str) -> Answer:
    """PUT …/datatables/{datatableId}: name, description and schema; the division moves by a call of its own."""
    given = call.object_body()
    with call.write() as tx:
        return _shown(call, replace(tx, datatable_id, given))


def delete_table(call: Call, datatable_id: str) -> Answer:
    """DELETE …/datatables/{datatableId}: 204; one that a flow uses needs ``force``."""
    force = bool(call.query.flag("force"))
    with call.write() as tx:
        delete(tx, datatable_id, force=force)
    return Answer(status=204)


# ── what operations and edits do ───────────────────────────────────────────────────────────────────────────


def _settled(tx: OrgTx, given: Json, own_id: str) -> Json:
    """Check what a client says about a table and return it: name, description, schema."""
    name, description = given.get("name"), given.get("description")
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
        raise Refusal(400, "bad.request")
    if not isinstance(description, (str, type(None))):
        raise Refusal(400, "bad.request")
    schema = check_schema(given.get("schema"), tx.settings.datatables["fields"])
    if any(row.id != own_id for row in tx.holders_of_name(KIND, name)):
        raise Refusal(
            409, "flows.datatables.not.unique", message="The passed in datatable had a duplicate name."
        )
    table: Json = {"name": name}
    if description is None:
        description = schema.get("description")
    if description is not None:
        table["description"] = description
    return table | {"schema": schema}


def body(table_id: str, division: Json, settled: Json) -> Json:
    """Return a DataTable with its schema."""
    rest = {member: value for member, value in settled.items() if member != "name"}
    return (
        {"id": table_id, "name": settled["name"], "division": division}
        | rest
        | {"selfUri": f"{URI}/{table_id}"}
    )


def create(tx: OrgTx, given: Json) -> Json:
    """Create a table and return its body. It lies in one division, the home one unless said otherwise."""
    asked = given.get("division")
    wanted = asked.get("id", tx.org.home) if isinstance(asked, dict) else tx.org.home
    division = tx.division(str(wanted))
    if division is None or division["id"] == "*":
        raise Refusal(400, "bad.request", message="The division of a datatable must exist.")
    if not tx.may_write(division["id"]):
        raise Refusal(403, "not.authorized")
    settled = _settled(tx, given, "")
    if _count(tx, KIND) >= tx.settings.datatables["tables"]:
        raise Refusal(400, "flows.datatables.too.many.schemas")
    table_id = str(uuid4())
    table = body(table_id, division, settled)
    tx.save(KIND, table_id, name=table["name"], division=division["id"], body=dumps(table))
    tx.audit("Create", "Schema", (table_id, table["name"]), changed({}, table))
    return table


def replace(tx: OrgTx, table_id: str, given: Json) -> Json:
    """Replace what a table says about itself and return its body; its fields can only become more."""
    row = writable(tx, table_id)
    before = row.json
    settled = _settled(tx, given, table_id)
    _check_growth(before["schema"], settled["schema"])
    table = body(table_id, before["division"], settled)
    tx.save(KIND, table_id, name=table["name"], division=row.division, body=dumps(table))
    tx.audit("Update", "Schema", (table_id, table["name"]), changed(before, table))
    return table


def delete(tx: OrgTx, table_id: str, *, force: bool) -> None:
    """Delete a table with its rows."""
    row = writable(tx, table_id)
    if row.name in tx.settings.used_datatables and not force:
        raise Refusal(400, "bad.request", message="The datatable is used by a flow.")
    sql = "select id from objects where org = ? and kind = ? and until = ?"
    for (key,) in tx.con.execute(sql, (tx.org.name, row_kind(table_id), FOREVER)).fetchall():
        tx.drop(row_kind(table_id), key)
    tx.drop(KIND, table_id)
    tx.audit("Delete", "Schema", (table_id, row.name), changed(row.json, {}))


def _count(tx: OrgTx, kind: str) -> int:
    sql = "select count(*) from objects where org = ? and kind = ? and until = ?"
    return int(tx.con.execute(sql, (tx.org.name, kind, FOREVER)).fetchone()[0])


def count_rows(tx: OrgTx, table_id: str) -> int:
    """Return how many rows a table really has."""
    return _count(tx, row_kind(table_id))
