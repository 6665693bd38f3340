"""What YAML may say to NICE CXone: areas, credentials, prompts, options. Plain data, contract sections 1, 2, 4, 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from wrapctl.config.values import Bool, Int, Name, Text, Wrong
from wrapctl.model import Value, Verb

DOMAINS: tuple[str, ...] = ("niceincontact.com", "nice-incontact.com")
"""Both are real, and tokens are sent to no other (section 2)."""

REGIONS: dict[str, str] = {
    "au1": "cxone.niceincontact.com",
    "eu1": "cxone.niceincontact.com",
    "jp1": "cxone.niceincontact.com",
    "na1": "cxone.niceincontact.com",
    "na2": "cxone.niceincontact.com",
    "uk1": "cxone.niceincontact.com",
}
"""Area to the global login host. A new area works by ``endpoint: https://api-<area>.niceincontact.com`` (section 2)."""

CREDENTIALS: tuple[str, ...] = ("access_key_id", "access_key_secret")
"""What ``credentials`` in ``org.yaml`` must name: the access key of a user whose rights the client then has."""

OPTIONAL_CREDENTIALS: tuple[str, ...] = ("client_id", "client_secret")
"""Both, where an application is registered with NICE: then the login is its password grant (section 1)."""

PROMPTS: tuple[str, ...] = ("none", "optional", "mandatory", "automatic")
"""After-call work as files spell it: ``acwTypeId`` 1, 2, 2 with ``requireDisposition``, 3 (section 5)."""

TIMED_PROMPTS: frozenset[str] = frozenset({"optional", "mandatory", "automatic"})
"""Prompts with a state and a longest time; ``none`` has neither."""

TIMEOUT_MS: tuple[int, int] = (1_000, 86_400_000)
"""No bounds are documented (section 5): a day is more than anybody means."""

TIMEOUT_STEP_MS = 1_000
"""``maxSecondsACW`` counts whole seconds."""

NO_CLASSIFICATION = "none"
"""What files write for a disposition without a classification."""

API_VERSION = 33
OLDEST, NEWEST = 23, 99


def _version(number: int) -> int:
    if not OLDEST <= number <= NEWEST:
        raise Wrong(
            f"{number} is no version of the Admin API", f"write {API_VERSION}, or what your tenant serves"
        )
    return number


def _login(text: str) -> str:
    parts = urlsplit(text)
    if (
        parts.scheme != "https"
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        raise Wrong("not the address of a login host", "write https://cxone.niceincontact.com")
    if not is_vendors(parts.hostname):
        raise Wrong("not a host of NICE", f"credentials go to *.{' and *.'.join(DOMAINS)} only")
    return text.rstrip("/")


def is_vendors(host: str) -> bool:
    """Whether a host is one that may be given a token (section 2)."""
    return any(host == domain or host.endswith(f".{domain}") for domain in DOMAINS)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CxoneOrgOptions(_Options):
    """Options of an org on NICE CXone."""

    api_version: Annotated[Int, AfterValidator(_version)] = Field(
        API_VERSION, description=f"Version of the Admin API. Default {API_VERSION}.", examples=[API_VERSION]
    )
    assignments: Literal["write", "manual"] = Field(
        "write",
        description="`manual`: the tenant does not carry out assignment writes; list them as steps for a person.",
    )
    auth_endpoint: Annotated[Text, AfterValidator(_login)] | None = Field(
        None,
        description="Login host, where it is not that of the area (government cloud).",
        examples=["https://cxone-gov.niceincontact.com"],
    )


class CxoneCodeOptions(_Options):
    """Options of a code on NICE CXone."""

    classification: Name | None = Field(
        None,
        description="Classification by name; over that of the category. `none`: without one.",
        examples=["Positive no Amount"],
    )
    preview: Bool | None = Field(
        None, description="Whether agents choose it before they accept or reject a contact."
    )


ORG_OPTIONS = CxoneOrgOptions
CODE_OPTIONS = CxoneCodeOptions


def org_options(given: Mapping[str, object]) -> CxoneOrgOptions:
    """Return an org's options; the defaults where they make no sense, which ``validate`` has said already."""
    try:
        return CxoneOrgOptions.model_validate(dict(given))
    except ValidationError:
        return CxoneOrgOptions()


def code_fields(given: Mapping[str, object], category: Mapping[str, object]) -> dict[str, Value]:
    """Return the managed fields that a code's own options and its category ask for."""
    try:
        options = CxoneCodeOptions.model_validate(dict(given))
    except ValidationError:
        return {}
    classification = options.classification
    if classification is None:
        of_category = category.get("cxone_classification")
        classification = of_category if isinstance(of_category, str) else None
    fields: dict[str, Value] = {}
    if classification is not None:
        fields["classification"] = None if classification == NO_CLASSIFICATION else classification
    if options.preview is not None:
        fields["preview"] = options.preview
    return fields


def code_entry(fields: Mapping[str, Value]) -> dict[str, str]:
    """Return the block that says a live disposition's fields, for an import."""
    entry = {"classification": str(fields.get("classification") or NO_CLASSIFICATION)}
    return {**entry, "preview": "true"} if fields.get("preview") is True else entry


def manual(given: Mapping[str, object]) -> frozenset[Verb]:
    """Return the verbs that an org leaves to a person."""
    if org_options(given).assignments == "manual":
        return frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER})
    return frozenset()
