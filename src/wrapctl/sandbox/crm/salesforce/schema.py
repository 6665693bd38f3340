"""What objects and fields a Salesforce org has, and what a field takes.

The setting ``objects`` declares them: {object: {field: {type (text, longtext, checkbox, number), length (255), required,
external_id, unique}}}; fields that every custom object has need not be named. Without the setting every object and field
that ends in ``__c`` is there, a text of 255 characters or whatever else is written into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wrapctl.sandbox.crm.call import Refusal, units
from wrapctl.sandbox.settings import SalesforceSettings

if TYPE_CHECKING:
    from wrapctl.sandbox.objects import Json, Org

LONG = 32768
NAME = "Name"
SYSTEM = (
    "Id",
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``any``: whatever is written into it."""

    name: str
    type: str = "any"
    length: int = 255
    required: bool = False
    external_id: bool = False
    unique: bool = False
    system: bool = False


STANDARD = {
    field.name.casefold(): field
    for field in (*(Field(one, system=True) for one in SYSTEM), Field(NAME, "text", 80), Field("OwnerId"))
}
"""What every custom object has."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a row is refused, as Salesforce tells it."""

    code: str
    text: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """One object. ``declared`` is empty where every ``__c`` is a field."""

    name: str
    declared: tuple[Field, ...]
    trims: bool

    def field(self, name: str) -> Field | None:
        """Return a field by its name, whose case does not matter where it is declared."""
        folded = name.casefold()
        if folded in STANDARD:
            return STANDARD[folded]
        for known in self.declared:
            if known.name.casefold() == folded:
                return known
        if not self.declared and name.lower().endswith("__c"):
            return Field(name, external_id=True)
        return None

    def column(self, name: str) -> str:
        """Return a field's own spelling, or refuse."""
        known = self.field(name)
        if known is None:
            text = (
                f"No such column '{name}' on entity '{self.name}'. If you are attempting to use a custom field, be sure"
                " to append the '__c' after the custom field name. Please reference your WSDL or the describe call for"
                " the appropriate names."
            )
            raise Refusal(400, "INVALID_FIELD", text)
        return known.name

    def key(self, name: str) -> Field:
        """Return an external id field, or refuse."""
        known = self.field(name)
        if known is None or not known.external_id:
            text = f"Provided external ID field does not exist or is not accessible: {name}"
            raise Refusal(404, "NOT_FOUND", text)
        return known

    def taken(self, given: Json) -> Json:
        """Return what a client or somebody in the UI writes, in the fields' own spelling and as it is stored.

        Raises:
            Refusal: an unknown field, one that nobody writes, or a value of another type: the whole request is wrong.
        """
        taken: Json = {}
        for name, value in given.items():
            known = self.field(name)
            if known is None:
                text = f"No such column '{name}' on sobject of type {self.name}"
                raise Refusal(400, "INVALID_FIELD", text)
            if known.name == "Id":
                text = "The Id field should not be specified in the sobject data."
                raise Refusal(400, "INVALID_FIELD", text, fields=["Id"])
            if known.system:
                text = (
                    f"Unable to create/update fields: {known.name}. Please check the security settings of this field and"
                    " verify that it is read/write for your profile or permission set."
                )
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, fields=[known.name])
            taken[known.name] = self._stored(known, value)
        return taken

    def _stored(self, known: Field, value: object) -> object:
        if known.type == "checkbox" and value is None:
            return False
        fits = {
            "text": isinstance(value, str),
            "longtext": isinstance(value, str),
            "checkbox": isinstance(value, bool),
            "number": isinstance(value, int | float) and not isinstance(value, bool),
        }
        if value is not None and not fits.get(known.type, isinstance(value, str | int | float)):
            kind = {"checkbox": "boolean", "number": "double"}.get(known.type, "string")
            text = f"Cannot deserialize instance of {kind} from {type(value).__name__} value {value!s:.40}"
            raise Refusal(400, "JSON_PARSER_ERROR", text)
        if isinstance(value, str):
            # An empty text is no value.
            return (value.strip() if self.trims else value) or None
        return value

    def wrong(self, body: Json) -> Wrong | None:
        """Return why a whole row cannot be stored."""
        known = [field for field in map(self.field, body) if field is not None and not field.system]
        for field in known:
            value = body[field.name]
            most = LONG if field.type == "longtext" and field.length == 255 else field.length
            if isinstance(value, str) and units(value) > most:
                text = f"{field.name}: data value too large: {value:.255} (max length={most})"
                return Wrong("STRING_TOO_LONG", text, (field.name,))
        missing = tuple(
            field.name for field in self.declared if field.required and body.get(field.name) is None
        )
        if missing:
            return Wrong(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
            )
        return None


def settings_of(org: Org) -> SalesforceSettings:
    """Return the org's settings, which must be those of Salesforce."""
    if not isinstance(org.settings, SalesforceSettings):
        raise TypeError(f"{org.name} is no Salesforce org")
    return org.settings


def schema(org: Org, name: str) -> Schema | None:
    """Return an object by its name, or None."""
    settings = settings_of(org)
    for known, fields in settings.objects.items():
        if known.casefold() == name.casefold():
            return Schema(
                known, tuple(_field(one, more) for one, more in fields.items()), settings.trims_text
            )
    if settings.objects or not name.lower().endswith("__c"):
        return None
    return Schema(name, (), settings.trims_text)


def _field(name: str, more: Json) -> Field:
    return Field(
        name,
        str(more.get("type", "text")),
        int(more.get("length", 255)),
        required=bool(more.get("required")),
        external_id=bool(more.get("external_id")),
        unique=bool(more.get("unique", more.get("external_id"))),
    )
