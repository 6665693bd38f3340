"""The table ``msdyn_ocdispositioncode``: its columns, what each takes, states, and row versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from wrapctl.sandbox.crm.call import Refusal, units
from wrapctl.sandbox.planting import derived
from wrapctl.sandbox.settings import DataverseSettings

if TYPE_CHECKING:
    from wrapctl.sandbox.crm.tx import OrgTx
    from wrapctl.sandbox.objects import Json, Org, Row

TABLE = "msdyn_ocdispositioncodes"
ENTITY = "msdyn_ocdispositioncode"
TYPE = f"Microsoft.Dynamics.CRM.{ENTITY}"
KEY = "msdyn_ocdispositioncodeid"
NAME = "msdyn_name"
TEXTS = {NAME: 100, "msdyn_dispositioncodevalue": 200}
FLAG = "msdyn_appliestoallworkstreams"
CATEGORY, BIND = "_msdyn_dispositioncodecategoryid_value", "msdyn_dispositioncodecategoryid@odata.bind"
READ_ONLY = ("ismanaged", "modifiedon", "versionnumber", CATEGORY)
# The status reasons of each state; the first is its default.
STATES: dict[int, tuple[int, ...]] = {0: (1,), 1: (2,)}
ETAG = "@odata.etag"


def columns() -> tuple[str, ...]:
    """Return all columns that can be read."""
    return (KEY, *TEXTS, FLAG, "statecode", "statuscode", *READ_ONLY)


def settings_of(org: Org) -> DataverseSettings:
    """Return the environment's settings, which must be those of Dataverse."""
    if not isinstance(org.settings, DataverseSettings):
        raise TypeError(f"{org.name} is no Dataverse environment")
    return org.settings


def etag(body: Json) -> str:
    """Return the weak ETag of a row."""
    return f'W/"{body["versionnumber"]}"'


def taken(given: Json) -> Json:
    """Return what a client writes, as it is stored.

    Raises:
        Refusal: an unknown column, or a value that does not fit.
    """
    found: Json = {}
    for name, value in given.items():
        if name == BIND:
            found[CATEGORY] = _bound(value)
        elif name in READ_ONLY:
            # A column that the platform itself writes is passed over, as the metadata's IsValidForUpdate says.
            continue
        elif name == KEY:
            found[KEY] = _guid(value)
        elif name in TEXTS:
            if value is not None and not isinstance(value, str):
                raise _unfit(name, value, "Edm.String")
            if value is not None and units(value) > TEXTS[name]:
                text = (
                    f"A validation error occurred. The length of the '{name}' attribute of the '{ENTITY}' entity"
                    f" exceeded the maximum allowed length of '{TEXTS[name]}'."
                )
                raise Refusal(400, "0x80044331", text)
            found[name] = value
        elif name == FLAG:
            if not isinstance(value, bool):
                raise _unfit(name, value, "Edm.Boolean")
            found[name] = value
        elif name in {"statecode", "statuscode"}:
            if not isinstance(value, int) or isinstance(value, bool):
                raise _unfit(name, value, "Edm.Int32")
            found[name] = value
        elif not name.startswith("@"):
            text = f"Invalid property '{name}' was found in entity '{TYPE}'."
            raise Refusal(
                400, "0x80048d19", f"Error identified in Payload provided by the user for Entity :'': {text}"
            )
    return found


def merged(before: Json, given: Json) -> Json:
    """Return a row with what was given, its state and its status reason of one mind.

    Raises:
        Refusal: a state that is none, or a status reason of another state.
    """
    after = before | given
    state, status = given.get("statecode"), given.get("statuscode")
    if state is None and status is not None:
        state = next((one for one, reasons in STATES.items() if status in reasons), -1)
        after["statecode"] = state
    if state is not None and state not in STATES:
        raise Refusal(
            400,
            "0x80048408",
            f"{status if status is not None else state} is not a valid state or status code.",
        )
    if state is not None and status is None and before.get("statuscode") not in STATES[state]:
        after["statuscode"] = STATES[state][0]
    if state is not None and after["statuscode"] not in STATES[state]:
        name = ("Active", "Inactive")[state]
        text = f"{status} is not a valid status code for state code {ENTITY}State.{name} on {ENTITY}."
        raise Refusal(400, "0x80048408", text)
    return after


def new(tx: OrgTx, given: Json) -> Json:
    """Return a new row with the defaults of its columns; the id may be given."""
    row_id = given.get(KEY) or (
        derived(tx.org.name, "row", repr(sorted(given.items()))) if tx.planting else str(uuid4())
    )
    body: Json = {KEY: row_id, NAME: None, "msdyn_dispositioncodevalue": None, FLAG: False}
    body |= {"statecode": 0, "statuscode": 1, "ismanaged": False, CATEGORY: None}
    return merged(body, {key: value for key, value in given.items() if key != KEY})


def put(tx: OrgTx, body: Json) -> Json:
    """Store a row under a new version."""
    stored = body | {"modifiedon": tx.stamp[:19] + "Z", "versionnumber": tx.milliseconds}
    tx.put(TABLE, body[KEY], str(body.get(NAME) or ""), stored)
    return stored


def _guid(value: object) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise _unfit(KEY, value, "Edm.Guid") from None


def _bound(value: object) -> str | None:
    if value is None:
        return None
    found = re.search(r"\(([0-9a-fA-F-]{36})\)\Z", str(value))
    if found is None:
        raise Refusal(400, "0x80048d19", f"Resource not found for the segment '{value}'.")
    return _guid(found[1])


def _unfit(name: str, value: object, kind: str) -> Refusal:
    text = f"Cannot convert the literal '{value!s:.40}' to the expected type '{kind}' (property '{name}')."
    return Refusal(
        400, "0x80048d19", f"Error identified in Payload provided by the user for Entity :'': {text}"
    )


class Keeper:
    """Rows as somebody in the UI handles them: the columns' own names, ``ismanaged`` among them."""

    def add(self, tx: OrgTx, given: Json) -> None:
        """Add a row."""
        put(tx, _or_error(lambda: new(tx, taken(given)) | _managed(given)))

    def change(self, tx: OrgTx, row: Row, given: Json) -> None:
        """Change members of a row."""
        put(tx, _or_error(lambda: merged(row.json, taken(given)) | _managed(given)))

    def remove(self, tx: OrgTx, row: Row) -> None:
        """Remove a row."""
        tx.remove(row)


def _managed(given: Json) -> Json:
    return {"ismanaged": bool(given["ismanaged"])} if "ismanaged" in given else {}


def _or_error(make: Any) -> Json:
    try:
        made: Json = make()
    except Refusal as refusal:
        raise ValueError(refusal.text) from None
    return made
