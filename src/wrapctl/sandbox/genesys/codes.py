"""Wrap-up codes (contract section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from wrapctl.sandbox.genesys import outbound
from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.genesys.paging import name_filter
from wrapctl.sandbox.objects import changed, dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Row

KIND = "code"
URI = "/api/v2/routing/wrapupcodes"


def body(
    code_id: str,
    name: str,
    division: Json,
    description: str | None,
    *,
    created: tuple[str, str],
    modified: tuple[str, str],
) -> Json:
    """Return a WrapupCode; ``created`` and ``modified`` are (date, by)."""
    code: Json = {"id": code_id, "name": name, "division": division}
    if description is not None:
        code["description"] = description
    code |= {
        "dateCreated": created[0],
        "dateModified": modified[0],
        "createdBy": created[1],
        "modifiedBy": modified[1],
    }
    return code | {"selfUri": f"{URI}/{code_id}"}


def _source(call: Call, tx: OrgTx, state: str) -> tuple[str, list[str | int]]:
    """Return the FROM of a listing: what this request sees by now, in the client's divisions, by its filters."""
    values: list[str | int] = [tx.org.name, KIND, tx.seq, tx.seq]
    sql = "from objects where org = ? and kind = ? and since <= ? and until > ?"
    if tx.divisions is not None:
        sql += f" and division in ('*'{', ?' * len(tx.divisions)})"
        values += tx.divisions
    for parameter, column in (("id", "id"), ("divisionId", "division")):
        if wanted := call.query.many(parameter):
            sql += f" and {column} in ({', '.join('?' * len(wanted))})"
            values += wanted
    if name := call.query.one("name"):
        more, arguments = name_filter(name, "folded", leading=False)
        sql, values = f"{sql} and {more}", [*values, *arguments]
    if state != "ActiveAndDeleted":
        sql, values = f"{sql} and state = ?", [*values, state.lower()]
    return sql, values


ORDERS = {
    ("name", "ascending"): "folded, id",
    ("name", "descending"): "folded desc, id desc",
    ("id", "ascending"): "id",
    ("id", "descending"): "id desc",
}


def list_codes(call: Call) -> Answer:
    """GET /api/v2/routing/wrapupcodes. ``sortBy`` counts only with ``name``; otherwise the order is by id."""
    sort = call.query.choice("sortBy", "name", "id")
    direction = call.query.choice("sortOrder", "ascending", "descending")
    order = ORDERS[sort, direction] if call.query.one("name") else "id"
    page = call.page("codes")
    with call.read() as tx:
        return call.listing(tx, page, "body", *_source(call, tx, "Active"), order)


_VIEW = (
    "json_object('id', id, 'name', name, 'division', json_extract(body, '$.division'),"
    " 'selfUri', json_extract(body, '$.selfUri'))"
)


def list_views(call: Call) -> Answer:
    """GET …/divisionviews: simplified codes, deleted ones too when ``includeState`` says so."""
    if call.query.one("name") and call.query.many("id"):
        raise Refusal(400, "bad.request", message="Specifying both name and ID parameters is not supported.")
    state = call.query.choice("includeState", "Active", "Deleted", "ActiveAndDeleted")
    page = call.page("codes")
    with call.read() as tx:
        return call.listing(tx, page, _VIEW, *_source(call, tx, state), "id")


def _seen(tx: OrgTx, code_id: str) -> Row:
    row = tx.seen(KIND, code_id)
    if row is None or row.state != "active" or not tx.sees(row.division):
        raise Refusal(404, "resource.not.found")
    return row


def get_code(call: Call, code_id: str) -> Answer:
    """GET …/wrapupcodes/{codeId}: a deleted one is not found."""
    with call.read() as tx:
        return Answer(_seen(tx, code_id).body)


def get_view(call: Call, code_id: str) -> Answer:
    """GET …/divisionviews/{codeId}."""
    with call.read() as tx:
        code = _seen(tx, code_id).json
    return Answer(dumps({key: code[key] for key in ("id", "name", "division", "selfUri")}))


def post_code(call: Call) -> Answer:
    """POST /api/v2/routing/wrapupcodes: 200, not 201."""
    given = call.object_body()
    with call.write() as tx:
        return Answer(dumps(create(tx, given)))


def put_code(call: Call, code_id: str) -> Answer:
    """PUT …/wrapupcodes/{codeId}: no version, last write wins; what is left out is lost."""
    given = call.object_body()
    with call.write() as tx:
        return Answer(dumps(update(tx, code_id, given)))


def delete_code(call: Call, code_id: str) -> Answer:
    """DELETE …/wrapupcodes/{codeId}: a soft delete, answered with 200 and no body."""
    with call.write() as tx:
        delete(tx, code_id)
    return Answer()


def writable(tx: OrgTx, code_id: str) -> Row:
    """Return the live code, or refuse: 404 when there is none, 403 when it is not the client's to change."""
    row = tx.truth(KIND, code_id)
    if row is None or row.state != "active":
        raise Refusal(404, "resource.not.found")
    if not tx.may_write(row.division):
        raise Refusal(403, "not.authorized")
    return row


def _name(given: Json) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal(400, "bad.request")
    return name


def _division(tx: OrgTx, given: Json, default: str) -> Json:
    asked = given.get("division")
    wanted = asked.get("id", default) if isinstance(asked, dict) else default
    division = tx.division(str(wanted))
    if division is None:
        raise Refusal(400, "bad.request", message=f"Division {wanted} does not exist.")
    if not tx.may_write(division["id"]):
        raise Refusal(403, "not.authorized")
    return division


def _unique(tx: OrgTx, name: str, own_id: str) -> None:
    # Over the whole org: a code that the client cannot see holds its name all the same.
    if any(row.id != own_id for row in tx.holders_of_name(KIND, name)):
        raise Refusal(400, "duplicate.name", message="A wrapup code with this name already exists.")


def _description(given: Json) -> str | None:
    description = given.get("description")
    if description is not None and not isinstance(description, str):
        raise Refusal(400, "bad.request")
    return description


def create(tx: OrgTx, given: Json) -> Json:
    """Create a code and return its body; it also appears in the outbound mapping with the default flags."""
    name, division = _name(given), _division(tx, given, "*")
    _unique(tx, name, "")
    code_id = str(uuid4())
    made = (tx.stamp, tx.actor.id)
    code = body(code_id, name, division, _description(given), created=made, modified=made)
    tx.save(KIND, code_id, name=name, division=division["id"], body=dumps(code))
    outbound.add_code(tx, code_id, name)
    tx.audit("Create", "WrapupCode", (code_id, name), changed({}, code))
    return code


def update(tx: OrgTx, code_id: str, given: Json) -> Json:
    """Replace name, description and division of a code and return its body."""
    row = writable(tx, code_id)
    before, name = row.json, _name(given)
    keeps = tx.settings.put_without_division == "keep"
    division = _division(tx, given, row.division if keeps else "*")
    _unique(tx, name, code_id)
    created = (before["dateCreated"], before["createdBy"])
    code = body(
        code_id, name, division, _description(given), created=created, modified=(tx.stamp, tx.actor.id)
    )
    tx.save(KIND, code_id, name=name, division=division["id"], body=dumps(code))
    tx.audit("Update", "WrapupCode", (code_id, name), changed(before, code))
    return code


def delete(tx: OrgTx, code_id: str) -> None:
    """Delete a code softly. Its entry in the outbound mapping stays (section 5)."""
    row = writable(tx, code_id)
    code = row.json | {"dateModified": tx.stamp, "modifiedBy": tx.actor.id}
    tx.save(KIND, code_id, name=row.name, division=row.division, body=dumps(code), state="deleted")
    if tx.settings.delete_code_unlinks:
        tx.unlink("code = ?", [code_id])
    tx.audit("Delete", "WrapupCode", (code_id, row.name), changed(row.json, {}))
