"""A Genesys org as plain data: how a seed is planted, and what the org really holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.genesys import (
    analytics,
    codes,
    datatable_rows,
    datatables,
    dependencies,
    edits,
    outbound,
    queues,
)
from wrapctl.sandbox.genesys.edits import SOMEBODY
from wrapctl.sandbox.genesys.permissions import PRESETS
from wrapctl.sandbox.genesys.tx import OrgTx, settings_of
from wrapctl.sandbox.objects import dumps
from wrapctl.sandbox.planting import INSERT, PLANTED, derived, sandbox_id
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from wrapctl.sandbox.objects import Json, Org


class Genesys:
    """The platform without HTTP."""

    MEMBERS = frozenset({"divisions", "codes", "queues", "mapping", "datatables", "conversations", "flows"})
    PRESETS: Mapping[str, tuple[str, ...]] = PRESETS
    EDITS: Mapping[str, Callable[[Any, Json], None]] = edits.EDITS
    SOMEBODY = SOMEBODY
    tx = OrgTx

    def organization(self, name: str, given: Json) -> tuple[str, Json, list[Json]]:
        """Return id, body and divisions of a seed's org."""
        divisions = [dict(item) for item in given.get("divisions") or [{"name": "Home", "home": True}]]
        for item in divisions:
            item.setdefault("id", derived(name, "division", item["name"]))
        if not any(item.get("home") for item in divisions):
            divisions[0]["home"] = True
        doc: Json = dict(given.get("organization", {}))
        org_id = sandbox_id(name, doc.get("id"))
        plain: Json = {"id": org_id, "name": name, "defaultLanguage": "en-us", "defaultCountryCode": "US"}
        plain |= {"domain": name, "version": 1, "state": "active", "productPlatform": "GenesysCloud"}
        return org_id, plain | doc | {"selfUri": f"/api/v2/organizations/{org_id}"}, divisions

    def division_id(self, org: Org, wanted: str) -> str:
        """Return the id of a division by its name or id, or raise ValueError."""
        return _division_id(org, wanted)

    def plant(self, con: sqlite3.Connection, org: Org, given: Json) -> None:
        """Plant codes, queues, the outbound mapping, data tables, and what tells of the past and of flows."""
        ids = _codes(con, org, given.get("codes", []))
        queue_ids = _queues(con, org, given.get("queues", []), ids)
        _conversations(con, org, given.get("conversations", []), ids, queue_ids)
        _flows(con, org, given.get("flows", []), ids, queue_ids)
        _mapping(con, org, given.get("mapping", {}), given.get("codes", []), ids)
        _datatables(con, org, given.get("datatables", []))

    def state(self, con: sqlite3.Connection, org: Org) -> Json:
        """Return the org's body, ``divisions``, ``codes``, ``deleted_codes``, ``queues``, ``links``, ``mapping``.

        And ``datatables`` with their ``rows`` by key, as a reader sees them.
        """
        sql = "select id, state, body from objects where org = ? and kind = ? and until = ? order by id"

        def bodies(kind: str) -> list[tuple[str, str, Any]]:
            rows = con.execute(sql, (org.name, kind, FOREVER))
            return [(object_id, state, json.loads(body)) for object_id, state, body in rows]

        links: dict[str, list[str]] = {object_id: [] for object_id, _, _ in bodies("queue")}
        linked = "select queue, code from links where org = ? and until = ? order by queue, code"
        for queue, code in con.execute(linked, (org.name, FOREVER)):
            links.setdefault(queue, []).append(code)
        mapping = next((body for _, _, body in bodies("mapping")), None)
        if mapping is not None:
            mapping["mapping"] = {object_id: body for object_id, _, body in bodies("flags")}
        tables = {object_id: body for object_id, _, body in bodies(datatables.KIND)}
        for object_id, table in tables.items():
            kind = datatables.row_kind(object_id)
            table["rows"] = {key: datatable_rows.shown(table["schema"], row) for key, _, row in bodies(kind)}
        return {
            "organization": org.doc,
            "divisions": list(org.divisions),
            "codes": {object_id: body for object_id, state, body in bodies("code") if state == "active"},
            "deleted_codes": {
                object_id: body for object_id, state, body in bodies("code") if state == "deleted"
            },
            "queues": {object_id: body for object_id, _, body in bodies("queue")},
            "links": links,
            "mapping": mapping,
            "datatables": tables,
        }


PLATFORM = Genesys()


def _division_id(org: Org, wanted: str) -> str:
    if wanted == "*":
        return wanted
    for item in org.divisions:
        if wanted in {item["name"], item["id"]}:
            return str(item["id"])
    raise ValueError(f"seed {org.name}: no division {wanted!r}")


def _division(org: Org, wanted: str) -> Json:
    division_id = _division_id(org, wanted)
    name = next((item["name"] for item in org.divisions if item["id"] == division_id), "*")
    return {"id": division_id, "name": name, "selfUri": f"/api/v2/authorization/divisions/{division_id}"}


def _codes(con: sqlite3.Connection, org: Org, given: list[Json]) -> dict[str, str]:
    """Plant the codes and return their ids by name; a deleted one never hides a live one."""
    divisions: dict[str, Json] = {}
    ids: dict[str, str] = {}
    rows = []
    for code in given:
        name, wanted = code["name"], code.get("division", "*")
        if wanted not in divisions:
            divisions[wanted] = _division(org, wanted)
        deleted = bool(code.get("deleted"))
        code_id = code.get("id") or derived(org.name, "deleted code" if deleted else "code", name)
        if not deleted and name in ids:
            raise ValueError(f"seed {org.name}: two codes named {name!r}")
        if not deleted:
            ids[name] = code_id
        made = (str(code.get("dateCreated", PLANTED)), str(code.get("createdBy", SOMEBODY)))
        moved = (str(code.get("dateModified", made[0])), str(code.get("modifiedBy", made[1])))
        text = code.get("description")
        body = codes.body(code_id, name, divisions[wanted], text, created=made, modified=moved)
        state = "deleted" if deleted else "active"
        rows.append(
            (
                org.name,
                codes.KIND,
                code_id,
                name,
                name.casefold(),
                divisions[wanted]["id"],
                state,
                dumps(body),
            )
        )
    con.executemany(INSERT, rows)
    return ids


def _queues(con: sqlite3.Connection, org: Org, given: list[Json], ids: dict[str, str]) -> dict[str, str]:
    """Plant the queues and their links, and return their ids by name."""
    rows, links = [], []
    queue_ids: dict[str, str] = {}
    for queue in given:
        raw = {key: value for key, value in queue.items() if key not in {"codes", "id", "division"}}
        name, division = raw["name"], _division(org, queue.get("division", org.home))
        queue_id = queue.get("id") or derived(org.name, "queue", name)
        queue_ids[name] = queue_id
        body: Json = {"id": queue_id, "name": name, "division": division}
        body |= {
            "dateCreated": PLANTED,
            "dateModified": PLANTED,
            "createdBy": SOMEBODY,
            "modifiedBy": SOMEBODY,
        }
        body |= {"memberCount": 0, "userMemberCount": 0, "joinedMemberCount": 0}
        body |= queues.defaults(settings_of(org)) | raw | {"selfUri": f"{queues.URI}/{queue_id}"}
        body["acwSettings"] = queues.acw(body["acwSettings"], settings_of(org))
        text = dumps(queues.finish(body))
        rows.append((org.name, queues.KIND, queue_id, name, name.casefold(), division["id"], "active", text))
        for code in queue.get("codes", []):
            if code not in ids:
                raise ValueError(f"seed {org.name}: queue {name!r} names an unknown code {code!r}")
            links.append((org.name, queue_id, ids[code], 0, FOREVER))
    con.executemany(INSERT, rows)
    con.executemany("insert into links (org, queue, code, since, until) values (?, ?, ?, ?, ?)", links)
    return queue_ids


def _conversations(
    con: sqlite3.Connection, org: Org, given: list[Json], ids: dict[str, str], queue_ids: dict[str, str]
) -> None:
    rows = []
    for number, one in enumerate(given):
        queue, code = str(one.get("queue", "")), str(one.get("code", ""))
        # Reserved words stand for themselves, as do the ids of codes and queues that are no more.
        kept = analytics.entry(one, queue_ids.get(queue, queue), ids.get(code, code))
        rows.append(
            (org.name, analytics.KIND, f"{number:06}", queue, queue.casefold(), "*", "active", dumps(kept))
        )
    con.executemany(INSERT, rows)


def _flows(
    con: sqlite3.Connection, org: Org, given: list[Json], ids: dict[str, str], queue_ids: dict[str, str]
) -> None:
    rows = []
    for flow in given:
        for names, known in ((flow.get("codes", []), ids), (flow.get("queues", []), queue_ids)):
            if unknown := [name for name in names if name not in known]:
                raise ValueError(f"seed {org.name}: flow {flow['name']!r} names an unknown {unknown[0]!r}")
        named = [ids[name] for name in flow.get("codes", [])]
        kept = dependencies.entry(flow, org.name, named, [queue_ids[name] for name in flow.get("queues", [])])
        rows.append(dependencies.stored(org, kept))
    con.executemany(INSERT, rows)


def _mapping(con: sqlite3.Connection, org: Org, given: Json, seeded: list[Json], ids: dict[str, str]) -> None:
    if not given.get("enabled", True):
        return
    default = outbound.flags(given.get("defaultSet", ["RIGHT_PARTY_CONTACT"]))
    chosen = {name: outbound.flags(value) for name, value in given.get("flags", {}).items()}
    # A deleted code keeps its entry (section 5).
    everything = [(ids[code["name"]], code["name"]) for code in seeded if not code.get("deleted")] + [
        (code.get("id") or derived(org.name, "deleted code", code["name"]), code["name"])
        for code in seeded
        if code.get("deleted")
    ]
    if unknown := sorted(set(chosen) - {name for _, name in everything}):
        raise ValueError(f"seed {org.name}: flags for an unknown code {unknown[0]!r}")
    meta = {
        "id": derived(org.name, "mapping", "mapping"),
        "name": "",
        "dateCreated": PLANTED,
        "dateModified": PLANTED,
        "version": given.get("version", 1),
        "defaultSet": default,
        "selfUri": outbound.URI,
    }
    con.execute(INSERT, (org.name, outbound.KIND, outbound.KIND, "", "", "*", "active", dumps(meta)))
    con.executemany(
        INSERT,
        [
            (
                org.name,
                outbound.FLAGS_KIND,
                code_id,
                name,
                name.casefold(),
                "*",
                "active",
                dumps(chosen.get(name, default)),
            )
            for code_id, name in everything
        ],
    )


def _datatables(con: sqlite3.Connection, org: Org, given: list[Json]) -> None:
    rows = []
    for table in given:
        name, division = table["name"], _division(org, table.get("division", org.home))
        table_id = table.get("id") or derived(org.name, datatables.KIND, name)
        limits = settings_of(org).datatables
        schema = datatables.check_schema(datatables.schema_of(table.get("columns", {})), limits["fields"])
        settled = {key: table[key] for key in ("name", "description") if key in table} | {"schema": schema}
        body = dumps(datatables.body(table_id, division, settled))
        rows.append(
            (org.name, datatables.KIND, table_id, name, name.casefold(), division["id"], "active", body)
        )
        kind = datatables.row_kind(table_id)
        for key, fields in table.get("rows", {}).items():
            row = dumps(datatable_rows.check_row(schema, {datatables.KEY: key} | fields))
            rows.append((org.name, kind, key, key, key.casefold(), "", "active", row))
    con.executemany(INSERT, rows)
