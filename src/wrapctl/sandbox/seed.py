"""Seeds: an org as plain data, and how it is planted.

Ids and dates that a seed leaves out are derived from its names, so that the same seed is the same org on every
machine: a demo's output can be printed in a document, and a saved plan still fits after a reset.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID, uuid5

from wrapctl.sandbox.genesys import codes, outbound, queues
from wrapctl.sandbox.genesys.edits import SOMEBODY
from wrapctl.sandbox.genesys.permissions import PRESETS
from wrapctl.sandbox.objects import Json, Org, dumps, load_org
from wrapctl.sandbox.settings import Settings
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    import sqlite3

NAMESPACE = UUID("5a5a5a5a-5a5a-4a5a-8a5a-5a5a5a5a5a5a")
PLANTED = "2025-01-15T09:00:00.000Z"


class OrgSeed(TypedDict, total=False):
    """What a seed may say. Only ``name`` is required; everything else has a default.

    ``divisions``: {name, id, home, description}; the first is home when none says so (default: one, Home).
    ``clients``: {client_id, client_secret, permissions (``admin``, ``readonly`` or a list), divisions (``*`` or
    names)}; default: ``sandbox-NAME`` and ``sandbox-NAME-readonly``, both with the secret ``sandbox``.
    ``codes``: {name, id, description, division (name or ``*``), deleted}. ``queues``: {name, id, division, codes
    (names), and any member of a queue's body}. ``mapping``: {enabled, defaultSet, flags (by code name), version}.
    ``settings``: see ``settings.Settings``.
    """

    name: str
    organization: Json
    divisions: list[Json]
    clients: list[Json]
    codes: list[Json]
    queues: list[Json]
    mapping: Json
    settings: Json


def shipped() -> list[str]:
    """Return the names of the seeds that come with the sandbox."""
    files = resources.files("wrapctl.sandbox") / "seeds"
    return sorted(item.name.removesuffix(".json") for item in files.iterdir() if item.name.endswith(".json"))


def load(name: str) -> Json:
    """Return a shipped seed."""
    if name not in shipped():
        raise LookupError(f"no seed {name!r}; there are: {', '.join(shipped())}")
    found: Json = json.loads(
        (resources.files("wrapctl.sandbox") / "seeds" / f"{name}.json").read_text("utf-8")
    )
    return found


def derived(org: str, kind: str, name: str) -> str:
    """Return the id that a seed's object gets when the seed gives none."""
    return str(uuid5(NAMESPACE, f"{org}\n{kind}\n{name}"))


def plant(con: sqlite3.Connection, given: Json) -> Org:
    """Create the org of a seed in place of any of that name; the request counter goes on, tokens stay valid."""
    known: set[str] = set(OrgSeed.__annotations__)
    if unknown := sorted(set(given) - known):
        raise ValueError(f"unknown members of a seed: {', '.join(unknown)}")
    name = str(given["name"])
    for table in ("objects", "links", "audit", "queries", "clients"):
        con.execute(f"delete from {table} where org = ?", (name,))  # noqa: S608 (table names are constants)
    org = _org_row(con, name, given)
    _clients(con, org, given.get("clients"))
    ids = _codes(con, org, given.get("codes", []))
    _queues(con, org, given.get("queues", []), ids)
    _mapping(con, org, given.get("mapping", {}), given.get("codes", []), ids)
    return org


def change_settings(con: sqlite3.Connection, name: str, changes: Json) -> None:
    """Change settings of an org that is there; they hold until it is planted again."""
    row = con.execute("select settings from orgs where name = ?", (name,)).fetchone()
    if row is None:
        raise LookupError(f"the sandbox holds no org {name!r}")
    settings = json.loads(row[0]) | changes
    Settings.of(settings)
    con.execute("update orgs set settings = ? where name = ?", (dumps(settings), name))


def _org_row(con: sqlite3.Connection, name: str, given: Json) -> Org:
    settings = given.get("settings", {})
    Settings.of(settings)
    divisions = [dict(item) for item in given.get("divisions") or [{"name": "Home", "home": True}]]
    for item in divisions:
        item.setdefault("id", derived(name, "division", item["name"]))
    if not any(item.get("home") for item in divisions):
        divisions[0]["home"] = True
    doc: Json = dict(given.get("organization", {}))
    org_id = str(doc.get("id") or "5a5a5a5a-" + derived(name, "organization", name)[9:])
    if not org_id.startswith("5a5a5a5a-"):
        raise ValueError("the id of a sandbox organization must start with 5a5a5a5a-")
    plain: Json = {"id": org_id, "name": name, "defaultLanguage": "en-us", "defaultCountryCode": "US"}
    plain |= {"domain": name, "version": 1, "state": "active", "productPlatform": "GenesysCloud"}
    doc = plain | doc | {"selfUri": f"/api/v2/organizations/{org_id}"}
    con.execute(
        "insert or replace into orgs (name, id, doc, settings, divisions) values (?, ?, ?, ?, ?)",
        (name, org_id, dumps(doc), dumps(settings), dumps(divisions)),
    )
    con.execute("insert or replace into seeds (org, doc) values (?, ?)", (name, dumps(given)))
    con.execute("insert or ignore into counters (org) values (?)", (name,))
    return load_org(con, name)


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


def _clients(con: sqlite3.Connection, org: Org, given: list[Json] | None) -> None:
    default = [
        {"client_id": f"sandbox-{org.name}", "permissions": "admin"},
        {"client_id": f"sandbox-{org.name}-readonly", "permissions": "readonly"},
    ]
    for client in default if given is None else given:
        held = client.get("permissions", "admin")
        seen: Any = client.get("divisions", "*")
        if seen != "*":
            seen = [_division_id(org, item) for item in seen]
        con.execute(
            "insert into clients (id, org, secret, permissions, divisions) values (?, ?, ?, ?, ?)",
            (
                client["client_id"],
                org.name,
                client.get("client_secret", "sandbox"),
                dumps(PRESETS[held] if isinstance(held, str) else held),
                dumps(seen),
            ),
        )


# The last value is store.FOREVER, spelt out.
_INSERT = (
    "insert into objects (org, kind, id, name, folded, division, state, body, since, until)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, 0, 4611686018427387904)"
)


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
    con.executemany(_INSERT, rows)
    return ids


def _queues(con: sqlite3.Connection, org: Org, given: list[Json], ids: dict[str, str]) -> None:
    rows, links = [], []
    for queue in given:
        raw = {key: value for key, value in queue.items() if key not in {"codes", "id", "division"}}
        name, division = raw["name"], _division(org, queue.get("division", org.home))
        queue_id = queue.get("id") or derived(org.name, "queue", name)
        body: Json = {"id": queue_id, "name": name, "division": division}
        body |= {
            "dateCreated": PLANTED,
            "dateModified": PLANTED,
            "createdBy": SOMEBODY,
            "modifiedBy": SOMEBODY,
        }
        body |= {"memberCount": 0, "userMemberCount": 0, "joinedMemberCount": 0}
        body |= queues.defaults(org.settings) | raw | {"selfUri": f"{queues.URI}/{queue_id}"}
        body["acwSettings"] = queues.acw(body["acwSettings"], org.settings)
        text = dumps(queues.finish(body))
        rows.append((org.name, queues.KIND, queue_id, name, name.casefold(), division["id"], "active", text))
        for code in queue.get("codes", []):
            if code not in ids:
                raise ValueError(f"seed {org.name}: queue {name!r} names an unknown code {code!r}")
            links.append((org.name, queue_id, ids[code], 0, FOREVER))
    con.executemany(_INSERT, rows)
    con.executemany("insert into links (org, queue, code, since, until) values (?, ?, ?, ?, ?)", links)


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
    con.execute(_INSERT, (org.name, outbound.KIND, outbound.KIND, "", "", "*", "active", dumps(meta)))
    con.executemany(
        _INSERT,
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
