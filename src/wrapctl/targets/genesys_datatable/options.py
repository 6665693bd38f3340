"""What YAML may say to a data table: its name, whose division, how keys begin. Plain data, contract section 9."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from wrapctl.config.values import Bool, Int, Name, Wrong

CREDENTIALS: tuple[str, ...] = ()
"""None: the org's own client reads and writes the rows."""

OPTIONAL_CREDENTIALS: tuple[str, ...] = ()

PLACE: tuple[str, ...] = ("table",)
"""Options of a target that tell one place from another: rows of one place need prefixes of their own."""

ROOM = "max_rows"
"""The option that raises how many rows a table holds."""

PREFIX = "{system}:"
"""What keys begin with unless `prefix` says otherwise: the table is in the org already."""

DOMAINS: tuple[str, ...] = ()

ROWS_MAX = 5000
"""Rows of one table, foreign ones included; support raises it for an org (contract section 9)."""

TABLES_MAX = 200
COLUMNS_MAX = 50
KEY_MAX = 256
PREFIX_MAX = 100

SEPARATORS = (":", "/")


def _prefix(text: str) -> str:
    if not 2 <= len(text) <= PREFIX_MAX or text.strip() != text or not text.endswith(SEPARATORS):
        raise Wrong(
            "not a prefix of keys", f'one that ends in ":", such as "salesforce:", at most {PREFIX_MAX} long'
        )
    return text


def _most(number: int) -> int:
    if number < 1:
        raise Wrong("a table that may hold nothing", "write at least 1")
    return number


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DatatableConnection(_Options):
    """There is no connection: the platform keeps the rows itself."""


class DatatableTarget(_Options):
    """Options of a mapping's target of type genesys-datatable."""

    table: Name = Field(
        description="Name of the data table. Several systems may share one.", examples=["Wrap-up mapping"]
    )
    create: Bool = Field(default=True, description="Whether wrapctl makes the table where there is none.")
    division: Name | None = Field(
        None, description="Division in which the table is made, by name; the home division where left out."
    )
    prefix: Annotated[Name, AfterValidator(_prefix)] | None = Field(
        None,
        description="How the keys of this mapping's rows begin. Default `<system>:`, so that a flow looks up "
        "`salesforce:to:SALE`. Its last character stands between the parts of a key.",
        examples=["salesforce:"],
    )
    max_rows: Annotated[Int, AfterValidator(_most)] = Field(
        ROWS_MAX, description="How many rows the table can hold, foreign ones included."
    )


CONNECTION = DatatableConnection
TARGET = DatatableTarget


def wrong(field: str, text: str) -> str:
    """Return why a text cannot be kept in a field of a row, nothing if it can: every text fits in a data table."""
    del field, text
    return ""
