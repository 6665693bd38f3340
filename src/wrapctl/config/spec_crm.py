"""The shape of CRM mappings and of the connections that keep them (``spec`` has the other kinds of files)."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from wrapctl.config.spec_base import Model, Open, Secret
from wrapctl.config.values import Duration, Int, Key, Name, Text, Wrong, quoted

ANY: Final = "*"
"""The status of the rule that takes the rest."""

_LANGUAGE: Final = re.compile(r"[a-z]{2}")


def _pace(number: int) -> int:
    if number < 1:
        raise Wrong("a connection that may send nothing", "write at least 1")
    return number


class ConnectionSpec(Open):
    """A CRM connection: where, and the secrets to open it. Further keys belong to the kind of system."""

    endpoint: Text = Field(
        description="URL of the system (plain http: loopback only), or `sandbox`.", examples=["sandbox"]
    )
    credentials: dict[str, Secret] | None = Field(None, description="Secrets by reference, never literal.")
    requests_per_minute: Annotated[Int, AfterValidator(_pace)] | None = Field(
        None, description="Pace of requests. Default 300."
    )


class CrmTarget(Open):
    """The system that keeps the rows. Further keys belong to its type."""

    type: Literal["salesforce", "dataverse", "servicenow", "http", "genesys-datatable"] = Field(
        description="What keeps the rows."
    )
    connection: Name | None = Field(
        None, description="One of `connections` in org.yaml; none where the platform itself keeps the rows."
    )


def _short(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise Wrong(f"{quoted(text)} is no language", "write two small letters, such as de")
    return text


Language = Annotated[
    str, AfterValidator(_language), WithJsonSchema({"type": "string", "pattern": f"^{_LANGUAGE.pattern}$"})
]


class Translation(Model):
    """What a code is called in the CRM in another language."""

    value: Name
    description: Text | None = None


Translated = Annotated[Translation, BeforeValidator(_short, json_schema_input_type=str | Translation)]


class ToCrm(Model):
    """What a code is called in the CRM."""

    value: Name | None = Field(
        None, description="What the CRM calls it; left out where the code says it under `crm`."
    )
    description: Text | None = Field(None, description='Instead of the code\'s own; "" for none.')
    translations: dict[Language, Translated] | None = Field(
        None, description="Two-letter language → value (and description) in it."
    )
    previously: list[Name] | None = Field(
        None, description="Former values: a list of values renames its row instead of adding another."
    )


CrmValue = Annotated[ToCrm, BeforeValidator(_short, json_schema_input_type=str | ToCrm)]


def _alone(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _values(values: list[str]) -> list[str]:
    if not values:
        raise Wrong("an empty list matches nothing", "name the values, or leave the field out")
    if ANY in values:
        raise Wrong(
            "`*` in a condition", 'a field that is left out matches anything; the rest is `status: "*"`'
        )
    return values


Condition = Annotated[
    list[Name], BeforeValidator(_alone, json_schema_input_type=str | list[str]), AfterValidator(_values)
]


class FromCrm(Model):
    """A rule from CRM status to code; the first match wins."""

    status: Name | None = Field(None, description='One status; "*" is any.')
    when: dict[Name, Condition] | None = Field(
        None, description="Fields and the values that match, all of them; the field `status` is the status."
    )
    code: Key
    duration: Duration | None = Field(None, description="After-call work to record.", examples=["300s"])

    @model_validator(mode="after")
    def _one(self) -> FromCrm:
        if (self.status is None) == (self.when is None):
            raise Wrong("a rule needs either status or when")
        if self.when == {}:
            raise Wrong(
                "an empty `when` matches nothing", 'write status: "*" for the rule that takes the rest'
            )
        return self


class CrmMapping(Model):
    """How codes and one CRM system correspond."""

    kind: Literal["CrmMapping"]
    system: Name = Field(description="The key used under codes.*.crm.", examples=["salesforce"])
    target: CrmTarget
    on_remove: Literal["deactivate", "delete", "keep"] = Field(
        "deactivate", description="What becomes of wrapctl's own rows that the files do not name any more."
    )
    unmapped_codes: Literal["error", "warn", "ignore"] = Field(
        "warn", description="Codes without a value, where there is no `default`."
    )
    to_crm: dict[str, CrmValue] | None = Field(
        None, description="Code → value, for what does not fit on the code itself; `default` takes the rest."
    )
    from_crm: list[FromCrm] | None = Field(None, description="CRM status → code; order is meaning.")
