"""What YAML may say to Salesforce: API version, object, external id, columns. Plain data."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wrapctl.config.values import Text, Wrong, quoted
from wrapctl.targets.shared_rows.keys import units
from wrapctl.targets.shared_rows.options import Prefix

CREDENTIALS: tuple[str, ...] = ("client_id", "client_secret")
"""What ``credentials`` of the connection must name: consumer key and secret of an app with the client credentials
flow. What its run-as user may do is what wrapctl may do."""

OPTIONAL_CREDENTIALS: tuple[str, ...] = ()

PLACE: tuple[str, ...] = ("object",)
"""Options of a target that tell one place from another: rows of one place need prefixes of their own."""

DOMAINS: tuple[str, ...] = ("my.salesforce.com", "my.salesforce.mil")
"""My Domain hosts, those of sandboxes included. The client credentials flow is served nowhere else."""

API_VERSION = "67.0"
TEXT_MAX = 255
"""Longest Text field and longest external id."""
LONG_MAX = 32_768
"""What a Long Text Area holds unless somebody asked for more."""

NOT_KEPT = "none"
"""What files write for a field that is not kept: no custom field has that name, and ``null`` means something else."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_VERSION = re.compile(r"v?([0-9]{2,3})\.0")
_BLANKS = "".join(chr(number) for number in range(0x21))


def _name(text: str) -> str:
    # Nothing else may stand in a query unquoted.
    if not _NAME.fullmatch(text):
        raise Wrong(f"{quoted(text)} is no API name", "such as Wrap_Up_Mapping__c")
    return text


def _version(text: str) -> str:
    found = _VERSION.fullmatch(text)
    if found is None:
        raise Wrong(f"{quoted(text)} is no version of the API", f'write "{API_VERSION}"')
    return found[1] + ".0"


def _nothing(value: object) -> object:
    return None if value == NOT_KEPT else value


ApiName = Annotated[Text, AfterValidator(_name)]
Column = Annotated[ApiName | None, BeforeValidator(_nothing)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SalesforceConnection(_Options):
    """Options of a connection to Salesforce."""

    api_version: Annotated[Text, AfterValidator(_version)] = Field(
        API_VERSION, description=f"Version of the REST API. Default {API_VERSION}.", examples=[API_VERSION]
    )


class SalesforceFields(_Options):
    """Where each field of a row lands: the API name of a field of the object, "" for not kept."""

    direction: Column = Field("Direction__c", description="`to_crm` or `from_crm`: text.")
    system: Column = Field(None, description="The mapping's system: text. Not kept by default.")
    code: Column = Field("Code__c", description="The code's key, or `default`: text.")
    code_id: Column = Field("Code_Id__c", description="The code's live id: text.")
    value: Column = Field("Value__c", description="What Salesforce calls the code: text.")
    status: Column = Field("Status__c", description="A rule's status: text.")
    when: Column = Field("Conditions__c", description="A rule's conditions as JSON: long text.")
    description: Column = Field("Description__c", description="Long text.")
    translations: Column = Field("Translations__c", description="Translations as JSON: long text.")
    category: Column = Field("Category__c", description="The code's category: text.")
    tags: Column = Field("Tags__c", description="The code's tags, joined by `;`: long text.")
    duration_ms: Column = Field("Duration_Seconds__c", description="After-call work in seconds: number.")
    order: Column = Field("Order__c", description="A rule's place; the first match wins: number.")
    active: Column = Field("Active__c", description="Whether the row counts: checkbox.")


class SalesforceTarget(_Options):
    """Options of a mapping's target of type salesforce."""

    object: ApiName = Field(
        description="API name of the custom object that keeps the rows.", examples=["Wrap_Up_Mapping__c"]
    )
    key: ApiName = Field(
        "Mapping_Key__c", description=f"Its field for the key: text of {TEXT_MAX}, external id, unique."
    )
    prefix: Prefix | None = Field(
        None, description="What starts the keys of this mapping's own rows. Default `<org>/<system>/`."
    )
    fields: SalesforceFields = Field(
        default_factory=SalesforceFields, description="Where each field of a row lands; `none`: not kept."
    )

    @model_validator(mode="after")
    def _each_once(self) -> SalesforceTarget:
        taken = {self.key.lower(), "id", "systemmodstamp"}
        for field, column in columns(self).items():
            if column.lower() in taken:
                raise Wrong(
                    f"{column} twice: another field of the row lands there", f"choose one for {field}"
                )
            taken.add(column.lower())
        return self


CONNECTION = SalesforceConnection
TARGET = SalesforceTarget


def columns(options: SalesforceTarget) -> dict[str, str]:
    """Return the field of the object for each field of a row that is kept."""
    found = {name: getattr(options.fields, name) for name in SalesforceFields.model_fields}
    return {name: column for name, column in found.items() if column is not None}


def wrong(field: str, text: str) -> str:
    """Return why a text cannot be kept in a field of a row, nothing if it can.

    Salesforce takes blanks off both ends of a text, and counts an emoji as two characters.
    """
    if field in {"value", "status", "category", "description"} and text.strip(_BLANKS) != text:
        return "Salesforce takes blanks and line breaks off both ends of a text (in YAML, `>-` and `|-` end in none)"
    if field == "tags" and ";" in text:
        return "a tag cannot hold `;`: on Salesforce it stands between tags"
    most = {"value": TEXT_MAX, "status": TEXT_MAX, "category": TEXT_MAX, "description": LONG_MAX}.get(field)
    if most is not None and (length := units(text)) > most:
        return f"Salesforce keeps at most {most} characters there, this text has {length}"
    return ""
