"""Which codes a queue offers (contract section 6): added up to 100 at a time, taken off one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys import codes, queues
from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.genesys.paging import name_filter

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Row

MOST = 100


def list_links(call: Call, queue_id: str) -> Answer:
    """GET …/queues/{queueId}/wrapupcodes: all codes of a queue that the client sees, its divisions aside."""
    page = call.page("links")
    with call.read() as tx:
        queues.seen(tx, queue_id)
        sql = (
            "from links l cross join objects o on o.org = l.org and o.kind = 'code' and o.id = l.code"
            " and o.since <= ? and o.until > ? where l.org = ? and l.queue = ? and l.since <= ? and l.until > ?"
        )
        values: list[str | int] = [tx.seq, tx.seq, tx.org.name, queue_id, tx.seq, tx.seq]
        if tx.settings.delete_code_unlinks:
            # While a delete is not seen yet, its unlinking is not either; together they must not show half.
            sql += " and o.state = 'active'"
        if name := call.query.one("name"):
            more, arguments = name_filter(name, "o.folded", leading=False)
            sql, values = f"{sql} and {more}", [*values, *arguments]
        return call.listing(tx, page, "o.body", sql, values, "l.code")


def post_links(call: Call, queue_id: str) -> Answer:
    """POST …/queues/{queueId}/wrapupcodes: adds, all or none; a code already there stays, without an error."""
    given = call.body()
    if not isinstance(given, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in given
    ):
        raise Refusal(400, "bad.request")
    if len(given) > MOST:
        raise Refusal(400, "bad.request", message=f"At most {MOST} wrap-up codes can be added at a time.")
    with call.write() as tx:
        added = add(tx, queue_id, [item["id"] for item in given])
    return Answer("[" + ",".join(row.body for row in added) + "]")


def delete_link(call: Call, queue_id: str, code_id: str) -> Answer:
    """DELETE …/queues/{queueId}/wrapupcodes/{codeId}: 200 and no body, 404 when it is not there."""
    with call.write() as tx:
        remove(tx, queue_id, code_id)
    return Answer()


def add(tx: OrgTx, queue_id: str, code_ids: list[str]) -> list[Row]:
    """Put codes on a queue and return them."""
    queue = queues.writable(tx, queue_id)
    rows = []
    for code_id in code_ids:
        row = tx.truth(codes.KIND, code_id)
        if row is None or row.state != "active" or not tx.sees(row.division):
            status = tx.settings.unknown_code_status
            raise Refusal(status, "resource.not.found" if status == 404 else "bad.request")
        rows.append(row)
    fresh = []
    for row in rows:
        if not tx.linked(queue_id, row.id):
            tx.link(queue_id, row.id)
            fresh.append(row)
    if fresh:
        names = [row.name for row in fresh]
        tx.audit("MemberAdd", "Queue", (queue_id, queue.name), {"wrapupCodes": ([], names)})
    return rows


def remove(tx: OrgTx, queue_id: str, code_id: str) -> None:
    """Take a code off a queue."""
    queue = queues.writable(tx, queue_id)
    if not tx.linked(queue_id, code_id):
        raise Refusal(404, "not.found")
    row = tx.truth(codes.KIND, code_id)
    tx.unlink("queue = ? and code = ?", [queue_id, code_id])
    tx.audit(
        "MemberRemove", "Queue", (queue_id, queue.name), {"wrapupCodes": ([row.name if row else code_id], [])}
    )
