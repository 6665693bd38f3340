"""Edits by somebody else: what an administrator clicks together in the platform's own UI meanwhile.

An edit is plain data, so that it can be sent to another process or stored as a fault. Codes, queues and
tables are named by id or name. ``by`` says who; they see everything and write at once, whatever lag the readers have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.genesys import (
    analytics,
    codes,
    datatable_rows,
    datatables,
    dependencies,
    links,
    outbound,
    queues,
)
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Row

SOMEBODY = "5a5a5a5a-0000-4000-8000-000000000001"


def _one(tx: OrgTx, kind: str, wanted: str) -> Row:
    row = tx.truth(kind, wanted)
    if row is not None:
        return row
    found = [item for item in tx.holders_of_name(kind, wanted) if item.name == wanted]
    if not found:
        raise LookupError(f"{tx.org.name} has no {kind} {wanted!r}")
    return found[0]


def _division(tx: OrgTx, wanted: str) -> Json:
    found = [str(item["id"]) for item in tx.org.divisions if wanted in {item["id"], item["name"]}]
    division = tx.division("*" if wanted == "*" else found[0] if found else wanted)
    if division is None:
        raise LookupError(f"{tx.org.name} has no division {wanted!r}")
    return division


def _code_request(tx: OrgTx, given: Json) -> Json:
    request = {key: given[key] for key in ("name", "description") if given.get(key) is not None}
    if "division" in given:
        request["division"] = given["division"]
        if isinstance(given["division"], str):
            request["division"] = _division(tx, given["division"])
    return request


def _add_code(tx: OrgTx, edit: Json) -> None:
    code = codes.create(tx, _code_request(tx, edit))
    for queue in edit.get("queues", []):
        links.add(tx, _one(tx, queues.KIND, queue).id, [code["id"]])


def _update_code(tx: OrgTx, edit: Json) -> None:
    row = _one(tx, codes.KIND, edit["code"])
    codes.update(tx, row.id, _code_request(tx, row.json | edit["set"]))


def _rename_code(tx: OrgTx, edit: Json) -> None:
    _update_code(tx, edit | {"set": {"name": edit["name"]}})


def _delete_code(tx: OrgTx, edit: Json) -> None:
    codes.delete(tx, _one(tx, codes.KIND, edit["code"]).id)


def _add_link(tx: OrgTx, edit: Json) -> None:
    links.add(tx, _one(tx, queues.KIND, edit["queue"]).id, [_one(tx, codes.KIND, edit["code"]).id])


def _remove_link(tx: OrgTx, edit: Json) -> None:
    links.remove(tx, _one(tx, queues.KIND, edit["queue"]).id, _one(tx, codes.KIND, edit["code"]).id)


def _add_queue(tx: OrgTx, edit: Json) -> None:
    given = {key: value for key, value in edit.items() if key not in {"op", "by"}}
    if isinstance(given.get("division"), str):
        given["division"] = _division(tx, given["division"])
    queues.create(tx, given)


def _update_queue(tx: OrgTx, edit: Json) -> None:
    """Set members by dotted path; None removes one. Nothing else of the body moves."""
    row = _one(tx, queues.KIND, edit["queue"])
    before, after = row.json, row.json
    for path, value in edit["set"].items():
        *parents, last = path.split(".")
        target: dict[str, Any] = after
        for parent in parents:
            target = target.setdefault(parent, {})
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
    queue = queues.finish(after | {"dateModified": tx.stamp, "modifiedBy": tx.actor.id})
    queues.store(tx, row, before, queue)


def _rename_queue(tx: OrgTx, edit: Json) -> None:
    _update_queue(tx, edit | {"set": {"name": edit["name"]}})


def _move_queue(tx: OrgTx, edit: Json) -> None:
    queues.move(tx, _one(tx, queues.KIND, edit["queue"]).id, _division(tx, edit["division"]))


def _delete_queue(tx: OrgTx, edit: Json) -> None:
    queues.delete(tx, _one(tx, queues.KIND, edit["queue"]).id, force=True)


def _set_flags(tx: OrgTx, edit: Json) -> None:
    row = tx.truth(outbound.KIND, outbound.KIND)
    if row is None:
        raise LookupError(f"{tx.org.name} has no outbound mapping")
    code = _one(tx, codes.KIND, edit["code"])
    wanted = outbound.flags(edit["flags"])
    old = outbound.current(tx).get(code.id, [])
    outbound.set_code(tx, code.id, code.name, wanted)
    outbound.move(tx, row.json, {f"mapping.{code.id}": (old, wanted)})


def _add_table(tx: OrgTx, edit: Json) -> None:
    given: Json = {"schema": datatables.schema_of(edit.get("columns", {}))}
    given |= {key: edit[key] for key in ("name", "description") if key in edit}
    if "division" in edit:
        given["division"] = _division(tx, edit["division"])
    table = datatables.create(tx, given)
    for key, row in edit.get("rows", {}).items():
        datatable_rows.create(tx, table["id"], {datatables.KEY: key} | row)


def _extend_table(tx: OrgTx, edit: Json) -> None:
    table = _one(tx, datatables.KIND, edit["table"]).json
    more = datatables.schema_of(edit["columns"])["properties"]
    table["schema"]["properties"] = more | table["schema"]["properties"]
    datatables.replace(tx, table["id"], table)


def _delete_table(tx: OrgTx, edit: Json) -> None:
    datatables.delete(tx, _one(tx, datatables.KIND, edit["table"]).id, force=True)


def _set_row(tx: OrgTx, edit: Json) -> None:
    """Change fields of a row, or add it; the others stay as they are."""
    table, key = _one(tx, datatables.KIND, edit["table"]).id, edit["key"]
    row = tx.truth(datatables.row_kind(table), key)
    if row is None:
        datatable_rows.create(tx, table, {datatables.KEY: key} | edit["set"])
    else:
        datatable_rows.replace(tx, table, key, row.json | edit["set"])


def _delete_row(tx: OrgTx, edit: Json) -> None:
    datatable_rows.delete(tx, _one(tx, datatables.KIND, edit["table"]).id, edit["key"])


def _add_flow(tx: OrgTx, edit: Json) -> None:
    """Publish a flow or script, in the place of one of that name."""
    named = [_one(tx, codes.KIND, name).id for name in edit.get("codes", [])]
    kept = dependencies.entry(
        edit, tx.org.name, named, [_one(tx, queues.KIND, name).id for name in edit.get("queues", [])]
    )
    tx.save(dependencies.KIND, kept["id"], name=kept["name"], division="*", body=dumps(kept))


def _add_conversations(tx: OrgTx, edit: Json) -> None:
    """Let contacts be handled: a code by name, a reserved word, or none."""
    code, queue = str(edit.get("code", "")), _one(tx, queues.KIND, edit["queue"]).id
    reserved = not code or code.startswith("ININ-")
    kept = analytics.entry(edit, queue, code if reserved else _one(tx, codes.KIND, code).id)
    tx.save(analytics.KIND, tx.stamp, name="", division="*", body=dumps(kept))


EDITS: dict[str, Callable[[OrgTx, Json], None]] = {
    "add_code": _add_code,
    "update_code": _update_code,
    "rename_code": _rename_code,
    "delete_code": _delete_code,
    "add_link": _add_link,
    "remove_link": _remove_link,
    "add_queue": _add_queue,
    "update_queue": _update_queue,
    "rename_queue": _rename_queue,
    "move_queue": _move_queue,
    "delete_queue": _delete_queue,
    "set_flags": _set_flags,
    "add_table": _add_table,
    "extend_table": _extend_table,
    "delete_table": _delete_table,
    "set_row": _set_row,
    "delete_row": _delete_row,
    "add_flow": _add_flow,
    "add_conversations": _add_conversations,
}
