"""The outbound wrap-up code mapping (contract section 8): the one body here with optimistic locking.

Each code's flags are an object of their own, because the map holds every code and would otherwise be rewritten
whole each time a code is created.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal, invalid_value
from wrapctl.sandbox.objects import dumps

if TYPE_CHECKING:
    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Row

KIND = "mapping"
FLAGS_KIND = "flags"
URI = "/api/v2/outbound/wrapupcodemappings"
FLAGS = (
    "CONTACT_UNCALLABLE",
    "NUMBER_UNCALLABLE",
    "RIGHT_PARTY_CONTACT",
    "BUSINESS_SUCCESS",
    "BUSINESS_FAILURE",
    "BUSINESS_NEUTRAL",
)
MIXED = {
    "CONTACT_UNCALLABLE": "Contact_UnCallable",
    "NUMBER_UNCALLABLE": "Number_UnCallable",
    "RIGHT_PARTY_CONTACT": "Right_Party_Contact",
    "BUSINESS_SUCCESS": "Business_Success",
    "BUSINESS_FAILURE": "Business_Failure",
    "BUSINESS_NEUTRAL": "Business_Neutral",
}


def flags(given: object) -> list[str]:
    """Return flags in the enum's spelling and order; case is free on the way in, as tf's examples show."""
    if not isinstance(given, list):
        raise Refusal(400, "bad.request")
    wanted = set()
    for item in given:
        if not isinstance(item, str) or item.upper() not in FLAGS:
            raise invalid_value(item, "OutboundWrapUpCodeFlag", ", ".join(FLAGS))
        wanted.add(item.upper())
    return [item for item in FLAGS if item in wanted]


def _meta(tx: OrgTx, row: Row | None) -> Json:
    if row is None or not tx.settings.outbound:
        raise Refusal(404, "not.found")
    return row.json


def text(tx: OrgTx, seq: int, meta: Json) -> str:
    """Return the mapping's body as a reader at request ``seq`` sees it."""
    rows = tx.con.execute(
        "select id, body from objects where org = ? and kind = ? and since <= ? and until > ? order by id",
        (tx.org.name, FLAGS_KIND, seq, seq),
    )
    mapped = ",".join(f'"{code_id}":{body}' for code_id, body in rows)
    whole = dumps(meta | {"mapping": {}}).replace('"mapping":{}', f'"mapping":{{{mapped}}}', 1)
    if tx.settings.flag_case == "mixed":
        for upper, mixed in MIXED.items():
            whole = whole.replace(f'"{upper}"', f'"{mixed}"')
    return whole


def get_mapping(call: Call) -> Answer:
    """GET /api/v2/outbound/wrapupcodemappings; 404 where outbound is not set up."""
    with call.read() as tx:
        return Answer(text(tx, tx.seq, _meta(tx, tx.seen(KIND, KIND))))


def put_mapping(call: Call) -> Answer:
    """PUT /api/v2/outbound/wrapupcodemappings: the whole map, and the version it was read with."""
    given = call.object_body()
    with call.write() as tx:
        meta = replace(tx, given)
        # A writer sees its own write at once, whatever lag the readers have.
        return Answer(text(tx, (1 << 62) - 1, meta))


def replace(tx: OrgTx, given: Json) -> Json:
    """Replace the whole map under its version, and return the mapping's own members."""
    meta = _meta(tx, tx.truth(KIND, KIND))
    version = given.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise Refusal(400, "invalid.update")
    if version != meta["version"]:
        if tx.settings.mapping_conflict_status == 409:
            raise Refusal(409, "invalid.update.wrong.version")
        text = f"Version {version} does not match the current version {meta['version']}"
        raise Refusal(400, "invalid.update", message=text)
    mapping = given.get("mapping", {})
    if not isinstance(mapping, dict):
        raise Refusal(400, "bad.request")
    default = flags(given.get("defaultSet", []))
    known = {
        str(code_id): (str(name), str(state))
        for code_id, name, state in tx.con.execute(
            "select id, name, state from objects where org = ? and kind = 'code' and until = ?",
            (tx.org.name, 1 << 62),
        )
    }
    wanted = {str(code_id): flags(value) for code_id, value in mapping.items()}
    if strangers := sorted(set(wanted) - set(known)):
        raise Refusal(400, "invalid.update", message=f"Unknown wrap-up code {strangers[0]}")
    # A live code that the map leaves out shows up with the default again; a deleted one is gone for good.
    wanted = {code_id: default for code_id, (_, state) in known.items() if state == "active"} | wanted
    changes: dict[str, tuple[list[str], list[str]]] = {}
    before = current(tx)
    for code_id in sorted(set(before) | set(wanted)):
        old, new = before.get(code_id), wanted.get(code_id)
        if old != new:
            set_code(tx, code_id, known[code_id][0], new)
            changes[f"mapping.{code_id}"] = (old or [], new or [])
    if default != meta["defaultSet"]:
        changes["defaultSet"] = (meta["defaultSet"], default)
    return move(tx, meta | {"defaultSet": default}, changes)


def current(tx: OrgTx) -> dict[str, list[str]]:
    """Return the true flags of every code in the map."""
    rows = tx.con.execute(
        "select id, body from objects where org = ? and kind = ? and until = ?",
        (tx.org.name, FLAGS_KIND, 1 << 62),
    )
    return {code_id: json.loads(body) for code_id, body in rows}


def set_code(tx: OrgTx, code_id: str, name: str, wanted: list[str] | None) -> None:
    """Set the flags of one code, or take it out of the map."""
    if wanted is None:
        tx.drop(FLAGS_KIND, code_id)
    else:
        tx.save(FLAGS_KIND, code_id, name=name, division="*", body=dumps(wanted))


def move(tx: OrgTx, meta: Json, changes: dict[str, tuple[list[str], list[str]]]) -> Json:
    """Move the mapping to its next version, with a line in the audit trail."""
    meta = meta | {"version": meta["version"] + 1, "dateModified": tx.stamp}
    tx.save(KIND, KIND, name=meta["name"], division="*", body=dumps(meta))
    tx.audit("Update", "WrapUpCodeMapping", (meta["id"], meta["name"]), changes)
    return meta


def add_code(tx: OrgTx, code_id: str, name: str) -> None:
    """Let a new code appear in the map with the default flags, which moves the version."""
    row = tx.truth(KIND, KIND)
    if row is not None and tx.settings.outbound:
        meta = row.json
        set_code(tx, code_id, name, meta["defaultSet"])
        move(tx, meta, {f"mapping.{code_id}": ([], meta["defaultSet"])})
