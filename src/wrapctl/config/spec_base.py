"""What all shapes of files share: the rules of a model, blocks of a vendor's own options, secrets by reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wrapctl.config.values import Text, Wrong

Block = Mapping[str, object]


class Model(BaseModel):
    """Common rules: unknown keys are errors, and no message repeats a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Open(BaseModel):
    """A model with further keys, which belong to the kind of system that it names."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)


def _no_literal(value: object) -> object:
    if isinstance(value, str):
        raise Wrong(
            "a literal secret in a file",
            "write {env: VARIABLE} or {file: path}; if it was real, replace it at the platform: it is in the history",
        )
    return value


class Reference(Model):
    """Where a secret comes from. Exactly one of the three."""

    env: Text | None = Field(
        None, description="Name of an environment variable.", examples=["ACME_CLIENT_ID"]
    )
    file: Text | None = Field(None, description="Path of a file that holds nothing but the secret.")
    command: list[Text] | None = Field(
        None, description="Program and arguments that print the secret; only where WRAPCTL_ALLOW_COMMAND=1."
    )

    @model_validator(mode="after")
    def _one(self) -> Reference:
        if sum(part is not None for part in (self.env, self.file, self.command)) != 1:
            raise Wrong("a secret needs exactly one of env, file and command")
        if self.command == []:
            raise Wrong("the command is empty")
        return self


Secret = Annotated[Reference, BeforeValidator(_no_literal)]
