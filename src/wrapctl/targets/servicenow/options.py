"""What YAML may say to ServiceNow: how to log in, how the table's columns are called. Plain data."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from wrapctl.config.values import Text, Wrong, has_control, quoted
from wrapctl.targets.shared_rows.keys import units

CREDENTIALS: tuple[str, ...] = ("client_id", "client_secret")
"""What ``credentials`` of the connection must name: an OAuth client of the grant type Client Credentials."""

OPTIONAL_CREDENTIALS: tuple[str, ...] = ("username", "password")
"""Or a user of the instance: HTTP Basic."""

DOMAINS: tuple[str, ...] = ("service-now.com", "servicenowservices.com")
"""Where instances live, the government's too. Tokens and passwords are sent to no other host."""

VALUE_MAX = 100
DESCRIPTION_MAX = 3_600
"""No lengths are documented. These are what the columns are taken to hold, wrapctl's mark beside the description: a text
that an instance cuts would lose the mark."""

_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,79}")
_MARKED = re.compile(r"\[wrapctl:[^\]]*\]\s*\Z")


def _column(text: str) -> str:
    if not _COLUMN.fullmatch(text) or text.startswith("sys_"):
        raise Wrong(f"{quoted(text)} is no column of this table", "write its element name, such as u_label")
    return text


Column = Annotated[Text, AfterValidator(_column)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Columns(_Options):
    """How the columns of ``interaction_wrap_up_code`` are called. The defaults are those of the Wrap Up API."""

    code: Column = Field("code", description="Column of the label.")
    description: Column = Field("description", description="Column of the description.")
    active: Column = Field("active", description="Column that says whether agents are offered it.")

    @model_validator(mode="after")
    def _apart(self) -> Columns:
        if len({self.code, self.description, self.active}) != 3:
            raise Wrong("one column for two fields", "give each field its own")
        return self

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all three."""
        return self.code, self.description, self.active


class ServicenowConnection(_Options):
    """Options of a connection to ServiceNow: none. The credentials that are named decide how to log in."""


class ServicenowTarget(_Options):
    """Options of a mapping's target of type servicenow."""

    columns: Columns = Field(
        default_factory=Columns,
        description="Names of the table's columns, where an instance calls them otherwise than the Wrap Up API.",
    )


CONNECTION = ServicenowConnection
TARGET = ServicenowTarget


def wrong(field: str, text: str) -> str:
    """Return why a text cannot be kept in a field of a row, nothing if it can."""
    most = {"value": VALUE_MAX, "description": DESCRIPTION_MAX}.get(field)
    if most is None:
        return ""
    if (length := units(text)) > most:
        return f"ServiceNow is taken to keep at most {most} characters there, this text has {length}"
    if field == "description":
        if _MARKED.search(text):
            return "a description in ServiceNow cannot end in [wrapctl:…]: that is how wrapctl knows its own rows"
        return ""
    if not text.strip():
        return "a wrap-up code of ServiceNow cannot be blank"
    if (bad := has_control(text)) is not None:
        return f"a wrap-up code of ServiceNow is one line: it has a control character (U+{ord(bad):04X})"
    return ""
