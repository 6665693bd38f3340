"""Between rows of a data table and wrapctl's normal form, and what a table's schema needs. Pure (contract section 9).

The server fills a column that nobody set with a default: "", 0 or false. So nothing is written as exactly that, and
read back as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Value
from wrapctl.rows import LiveRow, LiveTable, Place
from wrapctl.targets.genesys_datatable.capabilities import CAPABILITIES
from wrapctl.targets.genesys_datatable.options import (
    COLUMNS_MAX,
    KEY_MAX,
    PREFIX_MAX,
    TABLES_MAX,
    DatatableTarget,
)
from wrapctl.targets.shared_rows import keys, values

Body = Mapping[str, object]
NO_BODY: Body = MappingProxyType({})

KEY = "key"
MARK = "managed_by"
FIELDS = frozenset(CAPABILITIES.row_fields)
"""The normalised fields that a table keeps: all of them."""

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "direction": "string",
        "code": "string",
        "code_id": "string",
        "value": "string",
        "description": "string",
        "translations": "string",
        "category": "string",
        "tags": "string",
        "status": "string",
        "conditions": "string",
        "duration_seconds": "number",
        "order": "integer",
        "active": "boolean",
        MARK: "string",
    }
)
"""The columns that rows need beside the key, and their types, in the order to add them."""

_TEXTS = ("direction", "code", "code_id", "value", "description", "category", "status")
_DRAFT = "http://json-schema.org/draft-04/schema#"
_JSON_TYPES = {"string": "text", "boolean": "yes or no", "integer": "whole number", "number": "number"}


# ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────


def prefix_of(place: Place, options: DatatableTarget) -> str:
    """``salesforce:``, unless the mapping chose another. The org is not part of it: a table lies inside of one."""
    return f"{place.system[: PREFIX_MAX - 1]}:" if options.prefix is None else options.prefix


def table_key(prefix: str, key: str) -> str:
    """Return the key of a row in its table: ``salesforce:to:SALE``, at most 256 long.

    A row is asked for by its key in the path. No source says whether the platform takes an encoded slash there, and
    the vendor's own SDK for Python sends slashes bare; so wrapctl makes none of its own.
    """
    return _parted(keys.kept_key(prefix, key, KEY_MAX), prefix, "/", prefix[-1])


def _parted(text: str, prefix: str, one: str, other: str) -> str:
    """Return a key with the first ``one`` after its prefix written as ``other``."""
    head, rest = text[: len(prefix)], text[len(prefix) :]
    for kind in ("to", "from"):
        if rest.startswith(kind + one):
            return head + kind + other + rest[len(kind) + len(one) :]
    return text


def row_key(prefix: str, kept: str, fields: Fields) -> str | None:
    """Return the row's own key (``to/SALE``) from that of the table, None where it is not under the prefix."""
    if not kept.startswith(prefix):
        return None
    return keys.own_key(prefix, _parted(kept, prefix, prefix[-1], "/"), fields, KEY_MAX)


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────


def live_row(body: Body, place: Place, prefix: str) -> LiveRow:
    """Return a row in normal form. It is ours when key and mark are: a flow's author may copy either, hardly both.

    Raises:
        IncompleteRead: it has no key, so the rest cannot be trusted either.
    """
    kept = body.get(KEY)
    if not isinstance(kept, str) or not kept:
        raise IncompleteRead(
            "the platform sent a row without its key", hint="run again; if it stays, report it"
        )
    fields: dict[str, Value] = {name: _text(body.get(name)) for name in _TEXTS}
    fields["when"] = values.when_value(values.from_json(body.get("conditions")))
    fields["translations"] = values.translations_value(values.from_json(body.get("translations")))
    fields["tags"] = tags_of(body.get("tags"))
    seconds, order = _number(body.get("duration_seconds")), _number(body.get("order"))
    fields["duration_ms"] = round(seconds * 1000) or None
    fields["order"] = round(order) or None
    fields["active"] = body.get("active") is not False
    own = row_key(prefix, kept, fields)
    mine = own is not None and body.get(MARK) == place.marker
    # A stranger's key that reads like one of ours must not be taken for a row of that mapping.
    key = own or (f"/{kept}" if kept.startswith(("to/", "from/")) else kept)
    fields["key"] = key
    fields["system"] = place.system if mine else None
    return LiveRow(key, kept, fields, mine=mine)


def row_body(fields: Fields, key: str, place: Place, rest: Body) -> dict[str, object]:
    """Return the whole row to write. ``rest`` are the columns of others, as they were read: a PUT resets what it lacks."""
    body: dict[str, object] = dict(rest)
    body[KEY] = key
    body.update({name: _written(fields.get(name)) for name in _TEXTS})
    when, translations = fields.get("when"), fields.get("translations")
    body["conditions"] = when if isinstance(when, str) else values.json_text(values.when_data(when)) or ""
    body["translations"] = (
        translations
        if isinstance(translations, str)
        else values.json_text(values.translations_data(translations)) or ""
    )
    body["tags"] = tags_text(fields.get("tags"))
    milliseconds, order = _number(fields.get("duration_ms")), _number(fields.get("order"))
    seconds = milliseconds / 1000
    body["duration_seconds"] = int(seconds) if seconds == int(seconds) else seconds
    body["order"] = int(order)
    body["active"] = fields.get("active") is not False
    body[MARK] = place.marker
    return body


def rest_of(body: Body) -> dict[str, object]:
    """Return the columns of a row that are not wrapctl's."""
    return {name: value for name, value in body.items() if name != KEY and name not in COLUMNS}


def tags_text(tags: Value) -> str:
    """``region:emea;revenue``; a semicolon inside of a tag gets a backslash."""
    listed = tags if isinstance(tags, tuple) else ()
    return ";".join(str(tag).replace("\\", "\\\\").replace(";", "\\;") for tag in listed)


def tags_of(text: object) -> tuple[Value, ...]:
    """Return what ``tags_text`` wrote, sorted; blank ones that somebody left between semicolons do not count."""
    found: list[str] = [""]
    escaped = False
    for character in text if isinstance(text, str) else "":
        if escaped or character not in "\\;":
            found[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            found.append("")
    return tuple(sorted({tag for tag in found if tag}))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _written(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def no_table(options: DatatableTarget, tables: int) -> LiveTable:
    """Return a table that is not there yet. ``tables``: how many the org has, as far as the client sees."""
    trouble = ""
    if not options.create:
        trouble = (
            f'there is no data table "{options.table}", and `create: false` keeps wrapctl from making it'
        )
    elif tables == TABLES_MAX:  # an org that has more had its limit raised
        trouble = (
            f"the org has {TABLES_MAX} data tables, and can have no more: remove one, or use one of them"
        )
    return LiveTable(options.table, None, lacks=tuple(COLUMNS), trouble=trouble)


def live_table(body: Body) -> LiveTable:
    """Return a table with what rows need and it lacks.

    Raises:
        IncompleteRead: it came without id, name or schema.
    """
    table_id, name = body.get("id"), body.get("name")
    if not isinstance(table_id, str) or not table_id or not isinstance(name, str):
        raise IncompleteRead("the platform sent a data table without its id or name")
    properties = properties_of(body)
    lacks = tuple(column for column in COLUMNS if column not in properties)
    return LiveTable(
        name,
        table_id,
        columns=tuple(column for _, column in sorted(_places(properties)) if column != KEY),
        lacks=lacks,
        trouble=_trouble(name, properties, lacks),
    )


def properties_of(body: Body) -> Mapping[str, Body]:
    """Return the columns of a table.

    Raises:
        IncompleteRead: there are none to be seen.
    """
    schema = body.get("schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not all(isinstance(one, dict) for one in properties.values()):
        raise IncompleteRead(f'the platform sent the data table "{body.get("name")}" without its schema')
    return properties


def _places(properties: Mapping[str, Body]) -> Iterator[tuple[float, str]]:
    for column, one in properties.items():
        yield _number(one.get("displayOrder")), column


def _trouble(name: str, properties: Mapping[str, Body], lacks: tuple[str, ...]) -> str:
    for column, kind in COLUMNS.items():
        found = properties.get(column, {}).get("type", kind)
        if found != kind:
            return (
                f'the column "{column}" of the data table "{name}" holds a {_JSON_TYPES.get(str(found), found)}, '
                f"where rows need a {_JSON_TYPES[kind]}, and no column can be changed: use another table"
            )
    number = len(properties) + len(lacks)
    if number > COLUMNS_MAX:
        return (
            f'the data table "{name}" has {len(properties)} columns and lacks {len(lacks)}: '
            f"{number} are more than the {COLUMNS_MAX} that it can have; use another table"
        )
    return ""


def new_table(options: DatatableTarget, division_id: str | None) -> dict[str, object]:
    """Return the body that makes a table with all columns."""
    body: dict[str, object] = {
        "name": options.table,
        "description": "Kept by wrapctl from git: rows with its mark are changed there, all others are never touched.",
        "schema": {
            "$schema": _DRAFT,
            "type": "object",
            "required": [KEY],
            "properties": {KEY: _column(KEY, "string", 0), **_columns(COLUMNS, 1)},
            "additionalProperties": False,
        },
    }
    if division_id is not None:
        body["division"] = {"id": division_id}
    return body


def extended(body: Body) -> dict[str, object]:
    """Return the body that adds what a table lacks: everything else as it was read, because a PUT takes it whole."""
    properties = properties_of(body)
    lacks = {column: kind for column, kind in COLUMNS.items() if column not in properties}
    schema = body.get("schema")
    start = int(max((place for place, _ in _places(properties)), default=0)) + 1
    return {
        **{name: value for name, value in body.items() if name not in {"id", "selfUri"}},
        "schema": {
            **(schema if isinstance(schema, dict) else {}),
            # What the server may have taken from a schema to keep it elsewhere must be sent all the same.
            "$schema": _DRAFT,
            "type": "object",
            "required": [KEY],
            "additionalProperties": False,
            "properties": {**properties, **_columns(lacks, start)},
        },
    }


def _columns(columns: Mapping[str, str], start: int) -> dict[str, object]:
    return {name: _column(name, kind, order) for order, (name, kind) in enumerate(columns.items(), start)}


def _column(name: str, kind: str, order: int) -> dict[str, object]:
    column: dict[str, object] = {
        "$id": f"/properties/{name}",
        "type": kind,
        "title": name,
        "displayOrder": order,
    }
    # A row that a person adds by hand counts, unless they say otherwise.
    return column | {"default": True} if kind == "boolean" else column
