"""GET /query: SOQL over the rows of one object, page by page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from wrapctl.sandbox.crm.call import Refusal, answer
from wrapctl.sandbox.crm.salesforce import soql
from wrapctl.sandbox.crm.salesforce.ids import CURSOR, ORGANIZATION, record_id
from wrapctl.sandbox.crm.salesforce.rows import needs, shown
from wrapctl.sandbox.crm.salesforce.schema import schema, settings_of
from wrapctl.sandbox.crm.tx import ACTIVE
from wrapctl.sandbox.crm.world import READ
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.crm.call import Call
    from wrapctl.sandbox.front import Reply
    from wrapctl.sandbox.objects import Json, Org

ORG_FIELDS = {
    name.casefold(): name for name in ("Id", "Name", "InstanceName", "IsSandbox", "OrganizationType")
}
BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
URI_MOST = 16384


def organization_id(org: Org) -> str:
    """Return the id that Salesforce would give the org."""
    return record_id(ORGANIZATION, org.id)


def get_query(call: Call, version: str) -> Reply:
    """GET /query?q=…: the first page."""
    needs(call, READ)
    if len(call.arrival.query) > URI_MOST:
        raise Refusal(414, "URI_TOO_LONG", "URI Too Long")
    text = call.query.get("q", "")
    if not text.strip():
        raise soql.malformed("unexpected token: '<EOF>'")
    found = soql.parse(text, lambda table, name: _column(call.org, table, name))
    rows, table = _rows(call, found.table)
    rows = [row for row in rows if found.holds(row)]
    rows = soql.ordered(rows, found.order)[found.offset :]
    if found.limit is not None:
        rows = rows[: found.limit]
    if found.count:
        return answer({"totalSize": len(rows), "done": True, "records": []})
    records = [_record(row, found.fields, table, version) for row in rows]
    size = _page_size(call)
    body: Json = {"totalSize": len(rows), "done": len(rows) <= size}
    if not body["done"]:
        kept = {"ids": [row["Id"] for row in rows], "fields": found.fields, "table": table, "size": size}
        locator = record_id(CURSOR)
        with call.visit.store.write() as con:
            con.execute(
                "insert into queries (id, org, doc) values (?, ?, ?)", (locator, call.org.name, dumps(kept))
            )
        body["nextRecordsUrl"] = f"/services/data/{version}/query/{locator}-{size}"
    return answer(body | {"records": records[:size]})


def get_more(call: Call, version: str, locator: str) -> Reply:
    """GET /query/{locator}: a further page, as the page before named it."""
    needs(call, READ)
    name, _, start = locator.rpartition("-")
    with call.read() as tx:
        row = tx.con.execute(
            "select doc from queries where id = ? and org = ?", (name, call.org.name)
        ).fetchone()
        if row is None or not start.isdigit():
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        kept = json.loads(row[0])
        page = kept["ids"][int(start) : int(start) + kept["size"]]
        rows = [tx.row(kept["table"], row_id) for row_id in page]
    records = [
        _record(one.json, kept["fields"], kept["table"], version)
        for one in rows
        if one is not None and one.state == ACTIVE
    ]
    end = int(start) + kept["size"]
    body: Json = {"totalSize": len(kept["ids"]), "done": end >= len(kept["ids"])}
    if not body["done"]:
        body["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{end}"
    return answer(body | {"records": records})


def _page_size(call: Call) -> int:
    most = settings_of(call.org).page_size
    asked = BATCH.search(call.arrival.header("Sforce-Query-Options"))
    return max(min(200, most), min(most, int(asked[1]))) if asked else most


def _column(org: Org, table: str, name: str) -> str:
    if table.casefold() == "organization":
        if name.casefold() not in ORG_FIELDS:
            raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on entity 'Organization'.")
        return ORG_FIELDS[name.casefold()]
    known = schema(org, table)
    if known is None:
        text = (
            f"sObject type '{table}' is not supported. If you are attempting to use a custom object, be sure to append"
            " the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate"
            " names."
        )
        raise Refusal(400, "INVALID_TYPE", text)
    return known.column(name)


def _rows(call: Call, table: str) -> tuple[list[Json], str]:
    if table.casefold() == "organization":
        own: Json = {"Id": organization_id(call.org), "Name": call.org.doc["name"], "InstanceName": "SANDBOX"}
        return [own | {"IsSandbox": True, "OrganizationType": "Developer Edition"}], "Organization"
    # A count names no field, so that nothing has looked at the object yet.
    _column(call.org, table, "Id")
    known = schema(call.org, table)
    name = known.name if known else table
    with call.read() as tx:
        return [row.json for row in tx.rows(name)], name


def _record(row: Json, fields: list[str], table: str, version: str) -> Json:
    url = shown(row, table, version)["attributes"]
    return {"attributes": url} | {name: row.get(name) for name in fields}
