"""What YAML may say to Dataverse: tenant, login host, what the name of a row shows. Plain data."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from wrapctl.config.values import Bool, Text, Wrong, has_control
from wrapctl.targets.shared_rows.keys import units

CREDENTIALS: tuple[str, ...] = ("client_id", "client_secret")
"""What ``credentials`` of the connection must name: an app registration of Entra ID."""

OPTIONAL_CREDENTIALS: tuple[str, ...] = ()

REQUIRED: tuple[str, ...] = ("tenant",)
"""Options of the connection that only the sandbox does without."""

DOMAINS: tuple[str, ...] = ("dynamics.com", "microsoftdynamics.us", "appsplatform.us", "dynamics.cn")
"""Where environments live: the public cloud and the national ones. Tokens are sent to no other host."""

LOGIN = "https://login.microsoftonline.com"
LOGINS: tuple[str, ...] = (
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
)
"""Login hosts of the public cloud, of the US government and of China. The client secret goes to no other."""

NAME_MAX = 100
"""Longest ``msdyn_name`` (contract, ``DispositionCodeWrite``)."""

VALUE_MAX = 100
"""``msdyn_dispositioncodevalue`` holds 200, but a value is its row's name too, and that holds 100."""

_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")


def _tenant(text: str) -> str:
    if not _TENANT.fullmatch(text):
        raise Wrong(
            "not a tenant", "write the directory's id (a GUID), or its domain such as acme.onmicrosoft.com"
        )
    return text


def _login(text: str) -> str:
    parts = urlsplit(text)
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme != "https" or not parts.hostname or rest:
        raise Wrong("not the address of a login host", f"write {LOGIN}")
    if parts.netloc.lower() not in LOGINS:
        raise Wrong(
            "not a login host of Microsoft", f"the client's secret goes to one of: {', '.join(LOGINS)}"
        )
    return text.rstrip("/")


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DataverseConnection(_Options):
    """Options of a connection to Dataverse."""

    tenant: Annotated[Text, AfterValidator(_tenant)] | None = Field(
        None,
        description="Directory (tenant) of Entra ID that knows the client; required but on the sandbox.",
        examples=["3c0f6a52-6d1c-4a76-9a36-0d0f2f0f2a11"],
    )
    login: Annotated[Text, AfterValidator(_login)] | None = Field(
        None, description=f"Login host, where it is not {LOGIN} (national clouds).", examples=[LOGIN]
    )


class DataverseTarget(_Options):
    """Options of a mapping's target of type dataverse."""

    name: Literal["value", "description"] = Field(
        "value",
        description="What a row is called (`msdyn_name`). `value`: its value. `description`: the row's description, "
        "which is then managed; the value where there is none.",
    )
    all_workstreams: Bool = Field(
        default=False,
        description="Rows that wrapctl creates apply to all workstreams. Not compared afterwards.",
    )


CONNECTION = DataverseConnection
TARGET = DataverseTarget


def wrong(field: str, text: str) -> str:
    """Return why a text cannot be kept in a field of a row, nothing if it can."""
    if field != "value":
        return ""
    if not text.strip():
        return "a disposition of Dataverse cannot be blank"
    if (bad := has_control(text)) is not None:
        return f"a disposition of Dataverse is one line: it has a control character (U+{ord(bad):04X})"
    if (length := units(text)) > VALUE_MAX:
        return f"a disposition of Dataverse has at most {VALUE_MAX} characters, this one has {length}"
    return ""
