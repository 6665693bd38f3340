"""Options of a mapping's target, as they reach it: scalars are text as written, maps are pairs. Pure."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

from wrapctl.config.values import Name, Wrong
from wrapctl.errors import UsageError
from wrapctl.model import Fields, Value
from wrapctl.rows import Place

M = TypeVar("M", bound=BaseModel)

PREFIX_MAX = 100


def _prefix(text: str) -> str:
    if len(text) < 2 or len(text) > PREFIX_MAX or text.strip() != text or not text.endswith("/"):
        raise Wrong(
            "not a prefix of keys",
            f"one that ends in `/`, such as acme-emea/salesforce/, at most {PREFIX_MAX} long",
        )
    return text


Prefix = Annotated[Name, AfterValidator(_prefix)]
"""What starts the keys of a mapping's own rows. Never empty: everything under it is taken for wrapctl's."""


def plain(value: Value) -> object:
    """Return nested options as dicts and lists. No option of any target is a list of pairs: pairs are a map."""
    if not isinstance(value, tuple):
        return value
    if all(isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str) for one in value):
        return {str(one[0]): plain(one[1]) for one in value if isinstance(one, tuple)}
    return [plain(one) for one in value]


def as_data(options: Fields) -> dict[str, object]:
    """Return a place's options as a file would hold them, for the target's model."""
    return {key: plain(value) for key, value in options.items()}


def parsed(model: type[M], place: Place, kind: str) -> M:
    """Return the options of a place.

    Raises:
        UsageError: they make no sense; ``validate`` says the same with file and line.
    """
    try:
        return model.model_validate(as_data(place.options))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in one['loc']) or 'target'}: {one['msg']}"
            for one in error.errors()
        )
        raise UsageError(
            f"{place.owner}, CRM system {place.system}: the options of a {kind} target are wrong: {told}",
            hint="`wrapctl validate` says in which file and line",
        ) from None
