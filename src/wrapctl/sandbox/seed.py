"""Seeds: an org as plain data, and how it is planted.

Ids and dates that a seed leaves out are derived from its names, so that the same seed is the same org on every
machine: a demo's output can be printed in a document, and a saved plan still fits after a reset.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any, TypedDict

from wrapctl.sandbox import platforms
from wrapctl.sandbox.objects import Json, Org, dumps, load_org
from wrapctl.sandbox.settings import SETTINGS

if TYPE_CHECKING:
    import sqlite3

    from wrapctl.sandbox.platforms import Platform

COMMON = frozenset({"name", "platform", "organization", "clients", "settings"})


class OrgSeed(TypedDict, total=False):
    """What a seed may say. Only ``name`` is required; everything else has a default.

    ``platform``: ``genesys`` (the default), ``cxone``, or a CRM. ``organization``: the platform's own record of the org.
    ``clients``: {client_id, client_secret, permissions (``admin``, ``readonly`` or a list), divisions (``*`` or
    names)}; default: ``sandbox-NAME`` and ``sandbox-NAME-readonly``, both with the secret ``sandbox``.
    ``settings``: see ``settings.py``.

    Genesys Cloud: ``divisions``: {name, id, home, description}; the first is home when none says so (default: one,
    Home). ``codes``: {name, id, description, division (name or ``*``), deleted}. ``queues``: {name, id, division,
    codes (names), and any member of a queue's body}. ``mapping``: {enabled, defaultSet, flags (by code name),
    version}. ``conversations``: {queue, code (a name, a reserved word, or left out), count, days_ago or at,
    handle_seconds, acw_seconds, media}. ``flows``: {name, id, type, versions, deleted, codes, queues (names)}, scripts
    among them. ``datatables``: {name, id, division, description, columns (type by name; ``key`` comes by itself),
    rows (by key)}.

    NICE CXone: ``applications``, ``users``, ``dispositions``, ``classifications``, ``unavailable_codes``, ``tags``,
    ``skills``: see ``cxone/world.py``. A CRM: ``rows``: see ``crm/world.py``.
    """

    name: str
    platform: str
    organization: Json
    clients: list[Json]
    settings: Json
    divisions: list[Json]
    codes: list[Json]
    queues: list[Json]
    mapping: Json
    datatables: list[Json]
    conversations: list[Json]
    flows: list[Json]
    applications: list[Json]
    users: list[Json]
    dispositions: list[Json]
    classifications: list[Json]
    unavailable_codes: list[Json]
    tags: list[Json]
    skills: list[Json]
    rows: list[Json]


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


def plant(con: sqlite3.Connection, given: Json) -> Org:
    """Create the org of a seed in place of any of that name; the request counter goes on, tokens stay valid."""
    platform = platforms.of(str(given.get("platform", "genesys")))
    if unknown := sorted(set(given) - COMMON - platform.MEMBERS):
        raise ValueError(f"unknown members of a seed: {', '.join(unknown)}")
    name = str(given["name"])
    for table in ("objects", "links", "audit", "queries", "clients"):
        con.execute(f"delete from {table} where org = ?", (name,))  # noqa: S608 (table names are constants)
    org = _org_row(con, platform, given)
    _clients(con, org, platform, given.get("clients"))
    platform.plant(con, org, given)
    return org


def change_settings(con: sqlite3.Connection, name: str, changes: Json) -> None:
    """Change settings of an org that is there; they hold until it is planted again."""
    row = con.execute("select settings, platform from orgs where name = ?", (name,)).fetchone()
    if row is None:
        raise LookupError(f"the sandbox holds no org {name!r}")
    settings = json.loads(row[0]) | changes
    SETTINGS[row[1]].of(settings)
    con.execute("update orgs set settings = ? where name = ?", (dumps(settings), name))


def _org_row(con: sqlite3.Connection, platform: Platform, given: Json) -> Org:
    name, kind = str(given["name"]), str(given.get("platform", "genesys"))
    settings = given.get("settings", {})
    SETTINGS[kind].of(settings)
    org_id, doc, divisions = platform.organization(name, given)
    con.execute(
        "insert or replace into orgs (name, platform, id, doc, settings, divisions) values (?, ?, ?, ?, ?, ?)",
        (name, kind, org_id, dumps(doc), dumps(settings), dumps(divisions)),
    )
    con.execute("insert or replace into seeds (org, doc) values (?, ?)", (name, dumps(given)))
    con.execute("insert or ignore into counters (org) values (?)", (name,))
    return load_org(con, name)


def _clients(con: sqlite3.Connection, org: Org, platform: Platform, given: list[Json] | None) -> None:
    default = [
        {"client_id": f"sandbox-{org.name}", "permissions": "admin"},
        {"client_id": f"sandbox-{org.name}-readonly", "permissions": "readonly"},
    ]
    for client in default if given is None else given:
        held = client.get("permissions", "admin")
        seen: Any = client.get("divisions", "*")
        if seen != "*":
            seen = [platform.division_id(org, item) for item in seen]
        con.execute(
            "insert into clients (id, org, secret, permissions, divisions) values (?, ?, ?, ?, ?)",
            (
                client["client_id"],
                org.name,
                client.get("client_secret", "sandbox"),
                dumps(platform.PRESETS[held] if isinstance(held, str) else held),
                dumps(seen),
            ),
        )
