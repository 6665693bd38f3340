"""Trees against models: pydantic's findings as problems with positions, in words for administrators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wrapctl.config.tree import Map, Node, Places, Seq
from wrapctl.config.values import Wrong, nearest, quoted
from wrapctl.errors import Problem

M = TypeVar("M", bound=BaseModel)
Loc = tuple[str | int, ...]
_KEY: Final = "[key]"
NULL: Final = "nothing is written here"
NULL_HINT: Final = "write [] to clear, or remove the key"


def check(model: type[M], node: Map, mark: int, places: Places, problems: list[Problem]) -> M | None:
    """Return ``node`` as ``model``, or None after adding what is wrong to ``problems``.

    ``mark`` is where the key of ``node`` stands: a missing key is reported there.
    """
    try:
        return model.model_validate(node)
    except ValidationError as error:
        found = (_problem(model, node, mark, places, detail) for detail in error.errors(include_url=False))
        problems.extend(problem for problem in found if problem is not None)
        return None


def nulls(node: Node, places: Places) -> Iterator[Problem]:
    """Yield a problem for each null below ``node``. Nulls that override something were taken out by merging."""
    if isinstance(node, Map):
        for key, value in node.items():
            if value is None:
                yield Problem(places.source(node.key_marks[key]), f"`{key}`: {NULL}", NULL_HINT)
            elif type(value) is not str:
                yield from nulls(value, places)
    elif isinstance(node, Seq):
        if None in node:
            for value, mark in zip(node, node.marks, strict=True):
                if value is None:
                    yield Problem(places.source(mark), "an empty item in a list", "remove it")
        for value in node:
            if type(value) is not str and value is not None:  # cheap: lists hold 120,000 codes
                yield from nulls(value, places)


def locate(node: Node, loc: Loc, mark: int) -> tuple[int, int, Node, bool]:
    """Follow ``loc`` down: (mark of the value, mark of its key, the value, whether it is there)."""
    key_mark = mark
    for part in loc:
        if isinstance(node, Map) and isinstance(part, str) and part in node:
            mark, key_mark = node.value_marks[part], node.key_marks[part]
            node = node[part]
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node):
            mark = key_mark = node.marks[part]
            node = node[part]
        else:
            return mark, key_mark, None, False
    return mark, key_mark, node, True


def _problem(
    model: type[BaseModel], node: Map, mark: int, places: Places, detail: ErrorDetails
) -> Problem | None:
    loc = detail["loc"]
    on_key = bool(loc) and loc[-1] == _KEY
    if on_key:
        loc = loc[:-1]
    value_mark, key_mark, value, present = locate(node, loc, mark)
    name = _name(loc)
    kind = detail["type"]
    if kind == "missing":
        _, parent, _, _ = locate(node, loc[:-1], mark)
        return Problem(places.source(parent), f"`{loc[-1]}` is missing")
    if kind == "extra_forbidden":
        known = _known(model, loc[:-1])
        hint = nearest(str(loc[-1]), known) or (f"known here: {', '.join(known)}" if known else "")
        return Problem(places.source(key_mark), f"unknown key {quoted(str(loc[-1]))}", hint)
    if present and value is None:
        return None  # reported as null already
    at = places.source(key_mark if on_key else value_mark)
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, Wrong):
        text = str(error)
        return Problem(at, text if on_key or not name else f"{name}: {text}", error.hint)
    if kind == "literal_error":
        options = _options(model, loc)
        shown = quoted(value) if isinstance(value, str) else _what(value)
        hint = (nearest(value, options) if isinstance(value, str) else "") or f"one of: {', '.join(options)}"
        return Problem(at, f"{name}: {shown} is not allowed", hint)
    return Problem(
        at, f"{name or 'this'} must be {_EXPECTED.get(kind, 'something else')}, not {_what(value)}"
    )


_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "date_type": "a date such as 2026-12-31",
}


def _what(node: Node) -> str:
    match node:
        case None:
            return "nothing"
        case str():
            return "text"
        case Map():
            return "a map"
        case Seq():
            return "a list"


def _name(loc: Loc) -> str:
    """Return the last named part of a location, as it is called in the file."""
    name = next((part for part in reversed(loc) if isinstance(part, str)), "")
    return f"`{name}`" if name else ""


def _known(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that may stand at ``loc``."""
    inner = _annotation(model, loc)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return [field.alias or name for name, field in inner.model_fields.items()]
    return []


def _options(model: type[BaseModel], loc: Loc) -> list[str]:
    inner = _annotation(model, loc)
    return [str(option) for option in get_args(inner)] if get_origin(inner) is Literal else []


def _annotation(model: type[BaseModel], loc: Loc) -> Any:
    """Return the bare type at ``loc`` of ``model``."""
    current: Any = model
    for part in loc:
        current = _bare(current)
        if isinstance(current, type) and issubclass(current, BaseModel):
            fields = {field.alias or name: field for name, field in current.model_fields.items()}
            if part not in fields:
                return None
            current = fields[str(part)].annotation
        else:
            arguments = get_args(current)
            current = arguments[-1] if arguments else None
    return _bare(current)


def _bare(annotation: Any) -> Any:
    """Strip Annotated and ``| None``."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, UnionType}:
            annotation = next(part for part in get_args(annotation) if part is not NoneType)
        else:
            return annotation
