"""Rows of data tables (contract section 9): flat objects under a key; no version, the last write wins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.datatables import (
    DEFAULTS,
    KEY,
    LONGEST,
    count_rows,
    is_of,
    row_kind,
    seen,
    writable,
)
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.objects import changed, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json

_SLASHES = "/api/v2/flows/datatables/{datatableId}/rows/{rowId}".count("/")


def shown(schema: Json, row: Json) -> Json:
    """Return a row as a reader sees it: every field of the schema, unset ones by their default."""
    return {
        name: row.get(name, field.get("default", DEFAULTS[field["type"]]))
        for name, field in schema["properties"].items()
    }


def check_row(schema: Json, given: object) -> Json:
    """Return a row that conforms to the schema, or refuse it. Null is no value."""
    if not isinstance(given, dict):
        raise _wrong("it is no object")
    key, properties = given.get(KEY), schema["properties"]
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST:
        raise _wrong(f"{KEY} must have 1 to {LONGEST} characters")
    for name, value in given.items():
        if name not in properties:
            raise _wrong(f"there is no field {name}")
        if not is_of(properties[name]["type"], value):
            raise _wrong(f"{name} must be of type {properties[name]['type']}")
    return given


def _wrong(why: str) -> Refusal:
    text = "The row didn't conform to the schema in some way"
    return Refusal(400, "flows.datatables.schema.exception", message=f"{text}: {why}")


def _key(call: Call, row_id: str) -> str:
    """Return the key that the path names. A slash inside of it must come encoded: a bare one is another path."""
    if call.raw_path and call.raw_path.count("/") != _SLASHES:
        raise Refusal(404, "not.found")
    return row_id


def _brief(call: Call) -> bool:
    return call.query.flag("showbrief") is not False


def list_rows(call: Call, datatable_id: str) -> Answer:
    """GET …/rows, by key. ``showbrief`` is true unless said otherwise: then rows are their keys."""
    page, brief = call.page("rows"), _brief(call)
    descending = call.query.choice("sortOrder", "ascending", "descending") == "descending"
    with call.read() as tx:
        schema = seen(tx, datatable_id).json["schema"]
        source = "from objects where org = ? and kind = ? and since <= ? and until > ?"
        values = [tx.org.name, row_kind(datatable_id), tx.seq, tx.seq]
        total = tx.con.execute(f"select count(*) {source}", values).fetchone()[0]
        order = "id desc" if descending else "id"
        sql = f"select body {source} order by {order} limit ? offset ?"
        rows: Iterable[Json] = (
            json.loads(text) for (text,) in tx.con.execute(sql, [*values, page.size, page.offset])
        )
        entities = ({KEY: row[KEY]} if brief else shown(schema, row) for row in rows)
        return Answer(page.text(map(dumps, entities), total))


def get_row(call: Call, datatable_id: str, row_id: str) -> Answer:
    """GET …/rows/{rowId}: the row's id is its key."""
    key, brief = _key(call, row_id), _brief(call)
    with call.read() as tx:
        schema = seen(tx, datatable_id).json["schema"]
        row = tx.seen(row_kind(datatable_id), key)
        if row is None:
            raise Refusal(404, "flows.datatables.row.not.found")
        return Answer(dumps({KEY: key} if brief else shown(schema, row.json)))


def post_row(call: Call, datatable_id: str) -> Answer:
    """POST …/rows: 200 and the row."""
    given = call.body()
    with call.write() as tx:
        return Answer(dumps(create(tx, datatable_id, given)))


def put_row(call: Call, datatable_id: str, row_id: str) -> Answer:
    """PUT …/rows/{rowId}: the whole row; what is left out falls back to its default."""
    key, given = _key(call, row_id), call.body()
    with call.write() as tx:
        return Answer(dumps(replace(tx, datatable_id, key, given)))


def delete_row(call: Call, datatable_id: str, row_id: str) -> Answer:
    """DELETE …/rows/{rowId}: 204."""
    key = _key(call, row_id)
    with call.write() as tx:
        delete(tx, datatable_id, key)
    return Answer(status=204)


def create(tx: OrgTx, table_id: str, given: object) -> Json:
    """Add a row and return it as it is seen."""
    table = writable(tx, table_id)
    schema = table.json["schema"]
    row = check_row(schema, given)
    if tx.truth(row_kind(table_id), row[KEY]) is not None:
        raise _not_unique()
    if count_rows(tx, table_id) >= tx.settings.datatables["rows"]:
        raise Refusal(400, "flows.datatables.too.many.rows")
    _save(tx, table_id, row)
    tx.audit("Create", "Row", _entity(table_id, row[KEY]), changed({}, row))
    return shown(schema, row)


def replace(tx: OrgTx, table_id: str, key: str, given: object) -> Json:
    """Replace a row, its key too where no other row has the new one, and return it as it is seen."""
    schema = writable(tx, table_id).json["schema"]
    before = tx.truth(row_kind(table_id), key)
    if before is None:
        raise Refusal(404, "flows.datatables.row.not.found")
    row = check_row(schema, given)
    if row[KEY] != key:
        if tx.truth(row_kind(table_id), row[KEY]) is not None:
            raise _not_unique()
        tx.drop(row_kind(table_id), key)
    _save(tx, table_id, row)
    tx.audit("Update", "Row", _entity(table_id, key), changed(before.json, row))
    return shown(schema, row)


def delete(tx: OrgTx, table_id: str, key: str) -> None:
    """Remove a row."""
    writable(tx, table_id)
    row = tx.truth(row_kind(table_id), key)
    if row is None:
        raise Refusal(404, "flows.datatables.row.not.found")
    tx.drop(row_kind(table_id), key)
    tx.audit("Delete", "Row", _entity(table_id, key), changed(row.json, {}))


def _save(tx: OrgTx, table_id: str, row: dict[str, Any]) -> None:
    tx.save(row_kind(table_id), row[KEY], name=row[KEY], division="", body=dumps(row))


def _entity(table_id: str, key: str) -> tuple[str, str]:
    return f"{table_id}/{key}", key


def _not_unique() -> Refusal:
    return Refusal(409, "flows.datatables.not.unique", message="The row had a duplicate keyname.")
