"""Architect's dependency tracking (contract section 10): which flows and scripts name a code or a queue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys import codes, queues
from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal
from wrapctl.sandbox.genesys.tx import settings_of
from wrapctl.sandbox.objects import dumps
from wrapctl.sandbox.planting import derived
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.genesys.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Org

KIND = "flow"
URI = "/api/v2/architect/dependencytracking"
KINDS = {"ACDWRAPUPCODE": codes.KIND, "QUEUE": queues.KIND}
"""The types that something can name here; flows and scripts name others too, of which nothing is kept."""
OPERATIONAL = "OPERATIONAL"


def entry(given: Json, org: str, code_ids: list[str], queue_ids: list[str]) -> Json:
    """Return what is kept of a seed's flow or script: ``type`` (INBOUNDCALLFLOW), ``versions``, what it names."""
    name, kind = str(given["name"]), str(given.get("type", "INBOUNDCALLFLOW"))
    kept: Json = {"id": str(given.get("id") or derived(org, KIND, name)), "name": name, "type": kind}
    kept |= {"versions": [str(one) for one in given.get("versions", ["1.0"])]}
    kept |= {"deleted": bool(given.get("deleted")), "stateUnknown": bool(given.get("stateUnknown"))}
    return kept | {"names": {"ACDWRAPUPCODE": code_ids, "QUEUE": queue_ids}}


def get_build(call: Call) -> Answer:
    """GET …/build: the state of the index, and what could not be indexed."""
    settings = settings_of(call.org)
    body: Json = {"id": derived(call.org.name, "index", "index"), "status": settings.dependency_index}
    if settings.dependency_failed:
        body["failedObjects"] = [
            {"id": derived(call.org.name, KIND, name), "name": name, "errorCode": "parse.error"}
            for name in settings.dependency_failed
        ]
    return Answer(dumps(body | {"selfUri": f"{URI}/build"}))


def list_consumers(call: Call) -> Answer:
    """GET …/consumingresources: every version of what names the object; 206 without a body while the index is not whole."""
    object_id, object_type = call.query.one("id"), call.query.one("objectType")
    page = call.page("dependencies")
    call.query.choice("flowFilter", "", "checkedIn", "published")
    if not object_id or not object_type:
        raise Refusal(400, "architect.query.parameter.missing")
    if object_type not in KINDS:
        raise Refusal(400, "architect.dependency.object.invalid.type")
    if settings_of(call.org).dependency_index != OPERATIONAL:
        return Answer(status=206)
    wanted = call.query.many("resourceType")
    with call.read() as tx:
        if tx.truth(KINDS[object_type], object_id) is None:
            raise Refusal(404, "architect.dependency.object.not.found")
        found = [
            dumps(one)
            for one in _consumers(tx, object_type, object_id)
            if not wanted or one["type"] in wanted
        ]
    return Answer(page.text(found[page.offset : page.offset + page.size], len(found)))


def flows(tx: OrgTx) -> Iterator[Json]:
    """Yield all flows and scripts."""
    sql = "select body from objects where org = ? and kind = ? and until = ? order by folded, id"
    for (body,) in tx.con.execute(sql, (tx.org.name, KIND, FOREVER)):
        yield json.loads(body)


def _consumers(tx: OrgTx, object_type: str, object_id: str) -> Iterator[Json]:
    failed = settings_of(tx.org).dependency_failed
    for flow in flows(tx):
        if object_id not in flow["names"][object_type] or flow["name"] in failed:
            continue
        for version in flow["versions"]:
            kept = {key: flow[key] for key in ("type", "id", "name", "deleted", "stateUnknown")}
            uri = f"{URI}/object?id={flow['id']}&objectType={flow['type']}&version={version}"
            yield kept | {"version": version, "updated": False, "selfUri": uri}


def stored(org: Org, kept: Json) -> tuple[object, ...]:
    """Return the row of a flow for ``planting.INSERT``."""
    name = kept["name"]
    return org.name, KIND, kept["id"], name, name.casefold(), "*", "active", dumps(kept)
