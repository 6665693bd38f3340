"""The table ``interaction_wrap_up_code``: its columns, what each takes, and how each API shows a row."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from wrapctl.sandbox.objects import changed
from wrapctl.sandbox.planting import derived
from wrapctl.sandbox.settings import ServicenowSettings

if TYPE_CHECKING:
    from wrapctl.sandbox.crm.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Org, Row

TABLE = "interaction_wrap_up_code"
LENGTHS = {"code": 100, "description": 4000}
FLAGS = ("active", "external")
WRITABLE = (*LENGTHS, *FLAGS)
STAMPS = ("sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count")
COLUMNS = ("sys_id", *WRITABLE, *STAMPS)
# Kept in a table of its own on the platform, so that the Table API never shows them: {language: [code, description]}.
TRANSLATIONS = "translations"


def settings_of(org: Org) -> ServicenowSettings:
    """Return the instance's settings, which must be those of ServiceNow."""
    if not isinstance(org.settings, ServicenowSettings):
        raise TypeError(f"{org.name} is no ServiceNow instance")
    return org.settings


def text(value: object) -> str:
    """Return a value as the Table API shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def record(body: Json) -> Json:
    """Return a row as the Table API shows it: every value is a text."""
    return {name: text(body.get(name)) for name in COLUMNS}


def wrap_up_code(body: Json, language: str) -> Json:
    """Return a row as the Wrap Up API shows it, translated for its user."""
    code, description = body[TRANSLATIONS].get(language) or (body["code"], body["description"])
    shown = {name: body[name] for name in ("sys_id", *LENGTHS, *FLAGS)}
    return shown | {"translated_code": code, "translated_description": description}


def new(tx: OrgTx, given: Json, row_id: str = "") -> Json:
    """Return a new row."""
    row_id = row_id or uuid4().hex
    body: Json = {"sys_id": row_id, "code": "", "description": "", "active": True, "external": False}
    when = _when(tx)
    body |= {TRANSLATIONS: {}, "sys_created_on": when, "sys_created_by": tx.actor.id}
    return body | {"sys_updated_on": when, "sys_updated_by": tx.actor.id, "sys_mod_count": 0} | given


def put(tx: OrgTx, before: Json, after: Json) -> Json:
    """Store a changed row; one that is as it was is not touched."""
    if not changed(before, after):
        return before
    stamped = {"sys_updated_on": _when(tx), "sys_updated_by": tx.actor.id}
    stored = after | stamped | {"sys_mod_count": before["sys_mod_count"] + 1}
    tx.put(TABLE, stored["sys_id"], stored["code"], stored)
    return stored


def add(tx: OrgTx, body: Json) -> Json:
    """Store a new row."""
    tx.put(TABLE, body["sys_id"], body["code"], body)
    return body


def coerced(given: Json) -> Json:
    """Return what the Table API takes of a body: unknown columns are passed over, long texts are cut."""
    found: Json = {}
    for name in WRITABLE:
        if name not in given:
            continue
        value = given[name]
        if name in FLAGS:
            found[name] = value is True or str(value).lower() in {"true", "1"}
        else:
            found[name] = text(value)[: LENGTHS[name]]
    return found


def _when(tx: OrgTx) -> str:
    return tx.stamp[:19].replace("T", " ")


class Keeper:
    """Rows as somebody in the UI handles them: the columns' own names, and ``translations`` by language."""

    def add(self, tx: OrgTx, given: Json) -> None:
        """Add a row; ``sys_id`` may be given."""
        row_id = str(given.pop("sys_id", ""))
        if tx.planting and not row_id:
            row_id = derived(tx.org.name, "row", repr(sorted(given.items()))).replace("-", "")
        add(tx, new(tx, _checked(tx, given), row_id))

    def change(self, tx: OrgTx, row: Row, given: Json) -> None:
        """Change members of a row."""
        put(tx, row.json, row.json | _checked(tx, given))

    def remove(self, tx: OrgTx, row: Row) -> None:
        """Remove a row."""
        tx.remove(row)


def _checked(tx: OrgTx, given: Json) -> Json:
    if unknown := sorted(set(given) - {*WRITABLE, TRANSLATIONS}):
        raise ValueError(f"{tx.org.name}: {TABLE} has no {', '.join(unknown)}")
    translated = {TRANSLATIONS: dict(given[TRANSLATIONS])} if TRANSLATIONS in given else {}
    return coerced(given) | translated
