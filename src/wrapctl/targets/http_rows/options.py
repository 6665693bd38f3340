"""What YAML may say to an HTTP endpoint: login, paths, how a row is written and read back. Plain data."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from wrapctl.config.values import Bool, Name, Text, Wrong, quoted
from wrapctl.targets.http_rows.template import Member, members_of, uncompared
from wrapctl.targets.shared_rows.options import Prefix

CREDENTIALS: tuple[str, ...] = ("client_id", "client_secret")
"""OAuth client credentials, at ``token_url``."""

OPTIONAL_CREDENTIALS: tuple[str, ...] = ("token",)
"""Instead of them: a bearer token that somebody else made."""

DOMAINS: tuple[str, ...] = ()
"""Any host: which one may be given the credentials is policy, as everything about a connection."""

PLACE: tuple[str, ...] = ("path",)
"""What tells one place on a connection from another."""

TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path, no secret)
KEY_MAX = 255

DEFAULT_BODY: dict[str, object] = {
    "wrapUpCode": "{code}",
    "category": "{category}",
    "crmDisposition": "{value}",
    "syncTimestamp": "{timestamp}",
}

_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~!$'()*+,;=:@%-]+)+")
_SLOT = "{key}"


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not _PATH.fullmatch(parts.path):
        raise Wrong("not the address of a token endpoint", "such as https://login.example.com/oauth/token")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Wrong(
            "a token endpoint is a scheme, a host and a path, nothing else", "write what it needs as `scope`"
        )
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(text.replace(_SLOT, "key")):
        raise Wrong(f"{quoted(text)} is no path", "such as /api/v1/rows, without a query")
    return text


def _plain_path(text: str) -> str:
    if _SLOT in text:
        raise Wrong(f"{quoted(text)} is the path of the listing", "{key} belongs into `write_path`")
    return _path(text)


def _parts(text: str) -> str:
    if not text or "" in text.split("."):
        raise Wrong(f"{quoted(text)} names no member", "such as rows, or data.items")
    return text


Path = Annotated[Text, AfterValidator(_plain_path)]
WritePath = Annotated[Text, AfterValidator(_path)]
InBody = Annotated[Text, AfterValidator(_parts)]
Method = Literal["PUT", "POST", "PATCH"]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HttpConnection(_Options):
    """Options of a connection to an HTTP endpoint."""

    token_url: Annotated[Text, AfterValidator(_url)] | None = Field(
        None,
        description=f"Where client_id and client_secret get a token. Default: {TOKEN_PATH} at the endpoint.",
        examples=["https://login.example.com/oauth/token"],
    )
    scope: Text | None = Field(None, description="Scope to ask a token for.")
    login: Literal["body", "basic"] = Field(
        "body", description="Whether the client is named in the login's form, or by HTTP Basic."
    )


class HttpTarget(_Options):
    """Options of a mapping's target of type http."""

    path: Path = Field("/rows", description="Where the rows are listed.", examples=["/api/v1/dispositions"])
    write_path: WritePath | None = Field(
        None,
        description="Where one row is written and deleted; {key} is its key. Default: `path`/{key}, with "
        "`method: POST` just `path`.",
        examples=["/api/v1/dispositions/{key}"],
    )
    method: Method = Field("PUT", description="How a row is written.")
    create: Method | None = Field(
        None, description="How a new row is written, where that differs. POST goes to `path`."
    )
    send_only: Bool = Field(
        default=False,
        description="Nothing can be read back: rows are sent when the change of their code is applied, never compared.",
    )
    etag: Bool = Field(
        default=False,
        description="Every row has an ETag: as a member of the listing, or as the header of GET on `write_path`. "
        "Writes then carry If-Match.",
    )
    prefix: Prefix | None = Field(
        None, description="What starts the keys of this mapping's own rows. Default `<org>/<system>/`."
    )
    separator: Literal["/", ":", "."] = Field(
        "/",
        description="What stands between the parts of a key. Some gateways refuse a slash in one part of a path, "
        "encoded or not: then `:` or `.`.",
    )
    body: dict[str, object] = Field(
        default_factory=lambda: dict(DEFAULT_BODY),
        description="The body of a row: member → text with placeholders such as {value}; may be nested.",
        examples=[DEFAULT_BODY],
    )
    rows: InBody | None = Field(
        None, description="Member of the listing that holds the rows. Default `rows`, or the answer itself."
    )
    next: InBody = Field("next", description="Member of the listing that leads to the next page.")
    next_parameter: Name = Field("cursor", description="Query parameter that takes it, unless it is a URL.")
    total: InBody = Field("total", description="Member that counts all rows, where there is one.")
    query: dict[Name, Text] = Field(
        default_factory=dict,
        description="Further query parameters of the listing.",
        examples=[{"limit": "500"}],
    )
    key_member: InBody | None = Field(
        None,
        description="Member of a listed row that holds its key. Default: the one that is {key}, or `key`.",
    )
    etag_member: InBody | None = Field(
        None, description="Member of a listed row that holds its ETag. Default `etag` or `@etag`."
    )

    @model_validator(mode="after")
    def _sound(self) -> HttpTarget:
        members = members_of(self.body)
        if self.send_only:
            return self
        if loose := uncompared(members):
            raise Wrong(
                f"body: {{{loose[0]}}} stands only in a text with other placeholders, where it cannot be compared",
                "add a member that is nothing but it, or say `send_only: true`",
            )
        told = any(member.is_key for member in members)
        if "POST" in {self.method, self.create} and not told:
            raise Wrong("a POST must tell the row's key", "add a member that is {key} to `body`")
        if _SLOT not in write_path(self) and not told:
            raise Wrong(
                "no write says which row it is about",
                "add a member that is {key} to `body`, or {key} to `write_path`",
            )
        return self


CONNECTION = HttpConnection
TARGET = HttpTarget


def write_path(options: HttpTarget) -> str:
    """Return where one row is written."""
    if options.write_path is not None:
        return options.write_path
    return options.path if options.method == "POST" else f"{options.path}/{_SLOT}"


def key_member(options: HttpTarget, members: tuple[Member, ...]) -> tuple[str, ...]:
    """Return where a listed row holds its key."""
    if options.key_member is not None:
        return tuple(options.key_member.split("."))
    return next((member.path for member in members if member.is_key), ("key",))


def wrong(field: str, text: str) -> str:
    """Return why a text cannot be kept in a field of a row: JSON keeps any."""
    del field, text
    return ""
