"""The shape of ``sinks`` in ``wrapctl.yaml``: which systems are told what happened (``spec`` has the file itself)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from wrapctl.config.spec_base import Block, Model, Secret
from wrapctl.config.values import ORG, Duration, Text, Wrong, nearest, quoted
from wrapctl.notify import template
from wrapctl.notify.kinds import KINDS, selected

SECONDS: Final = 5.0
"""How long one step of a request to a sink may take where nothing else is said."""
_LONGEST: Final = 30_000


def _name(text: str) -> str:
    if not ORG.fullmatch(text):
        raise Wrong(
            f"the sink {quoted(text)} is not allowed", "a name is a-z, 0-9 and -, at most 63 characters"
        )
    return text


SinkName = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{ORG.pattern}$"})
]


def _pattern(text: str) -> str:
    if not any(selected(kind, [text]) for kind in KINDS):
        raise Wrong(
            f"no event is called {quoted(text)}", nearest(text, KINDS) or f"one of: {', '.join(KINDS)}"
        )
    return text


Pattern = Annotated[Text, AfterValidator(_pattern)]


def _bounded(milliseconds: int) -> int:
    if not 100 <= milliseconds <= _LONGEST:
        raise Wrong("a timeout of less than 100ms or more than 30s")
    return milliseconds


def _template(block: Block) -> Block:
    template.check(block)
    return block


class SinkSpec(Model):
    """A system that is told what happened."""

    url: Text | None = Field(
        None,
        description="Where events are posted: https; plain http to this machine only.",
        examples=["https://wfm.example.com/hooks/wrapctl"],
    )
    url_from: Secret | None = Field(
        None,
        description="Instead of `url`: where the URL is kept when it is a secret itself, as those of chats are.",
    )
    events: list[Pattern] = Field(
        description=f"Which events, by name or pattern: {', '.join(KINDS)}.",
        examples=[["code.*", "assignment.changed"]],
    )
    secret: Secret | None = Field(
        None, description="Signs every event (HMAC-SHA256); can be left out only with a template."
    )
    template: Annotated[Block, AfterValidator(_template)] | None = Field(
        None,
        description="The JSON body to post instead of a CloudEvent, for chat systems; placeholders such as {text}.",
        examples=[{"text": "{text}"}],
    )
    escape: Literal["slack", "markdown", "none"] = Field(
        "slack", description="How what is filled into the template is escaped."
    )
    timeout: Annotated[Duration, AfterValidator(_bounded)] | None = Field(
        None, description="How long one step of a request may take. Default 5s."
    )

    @model_validator(mode="after")
    def _whole(self) -> SinkSpec:
        if (self.url is None) == (self.url_from is None):
            raise Wrong("a sink needs exactly one of url and url_from")
        if not self.events:
            raise Wrong("a sink without events", 'write ["*"] for all of them')
        if self.secret is None and self.template is None:
            raise Wrong(
                "a sink without a secret",
                "write secret: {env: VARIABLE}: without a signature anybody can send it events",
            )
        return self
