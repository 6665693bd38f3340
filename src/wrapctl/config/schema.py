"""JSON Schemas of every kind of file, for completion and errors while somebody types. Made from ``spec``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from wrapctl.config import vendor
from wrapctl.config.spec import KINDS, OVERRIDABLE
from wrapctl.config.spec_expect import KIND, Expectations
from wrapctl.targets import registry

FOLDER: Final = "schemas"
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Org": "org.schema.json",
        "WrapUpCodes": "codes.schema.json",
        "Queues": "queues.schema.json",
        "CrmMapping": "crm.schema.json",
        "Project": "project.schema.json",
        "Allow": "allow.schema.json",
        KIND: "expectations.schema.json",
    }
)
_LEVELS: Final = {"Org": "org", "CodeSpec": "code", "QueueSpec": "queue"}
_NULLABLE: Final = frozenset(model.__name__ for model in OVERRIDABLE)


def render() -> dict[str, str]:
    """Return file name → text of every schema."""
    return {
        FILES[kind]: json.dumps(_schema(kind), indent=2, ensure_ascii=False) + "\n" for kind in sorted(FILES)
    }


def _schema(kind: str) -> dict[str, Any]:
    raw = (Expectations if kind == KIND else KINDS[kind]).model_json_schema(by_alias=True)
    definitions: dict[str, Any] = {name: _clean(part, name) for name, part in raw.pop("$defs", {}).items()}
    top = _clean(raw, kind)
    for name, part in [(kind, top), *list(definitions.items())]:
        _options(name, part, definitions)
        if name == "ConnectionSpec":
            _connections(part, definitions)
        elif name == "CrmTarget":
            _targets(part, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"wrapctl {kind}",
        **{key: value for key, value in top.items() if key != "title"},
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def _clean(part: dict[str, Any], name: str) -> dict[str, Any]:
    """Drop what pydantic adds and an editor would offer wrongly: titles, null defaults, nulls that are errors."""
    nullable = name in _NULLABLE
    part = {key: value for key, value in part.items() if key != "title"}
    properties: dict[str, Any] = part.get("properties", {})
    part["properties"] = {key: _property(value, nullable=nullable) for key, value in properties.items()}
    return part


def _property(value: Any, *, nullable: bool) -> Any:
    if isinstance(value, list):
        return [_property(item, nullable=nullable) for item in value]
    if not isinstance(value, dict):
        return value
    out = {
        key: _property(item, nullable=nullable)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str)) and not (key == "default" and item is None)
    }
    if isinstance(out.get("default"), dict):
        del out["default"]
    if "patternProperties" in out:
        out["additionalProperties"] = False
    branches = out.get("anyOf")
    if isinstance(branches, list) and not nullable:
        kept = [branch for branch in branches if branch != {"type": "null"}]
        if len(kept) == 1:
            out.pop("anyOf")
            return {**kept[0], **out}
        out["anyOf"] = kept
    return out


def _options(name: str, part: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Put each platform's own options into the block that carries its name; without any, the block is gone."""
    for block in ("genesys", "cxone"):
        if block not in part.get("properties", {}):
            continue
        words = vendor.vendor(block)
        model = getattr(words, _LEVELS[name]) if words is not None else None
        if model is None:
            del part["properties"][block]
            continue
        definitions[model.__name__] = _model(model, definitions)
        part["properties"][block] = {"$ref": f"#/$defs/{model.__name__}"}


def _model(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a target's own model; what it refers to goes to ``definitions``."""
    schema = model.model_json_schema(by_alias=True)
    definitions.update({inner: _clean(value, inner) for inner, value in schema.pop("$defs", {}).items()})
    return _clean(schema, model.__name__)


def _connections(part: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Offer what any kind of CRM says on a connection: which kind it is, the mapping says that uses it."""
    offered: dict[str, dict[str, Any]] = {}
    for kind in registry.crm_names():
        model = vendor.crm_vendor(kind).connection
        for key, value in (_model(model, definitions)["properties"] if model is not None else {}).items():
            offered.setdefault(key, {})[kind] = value
    for key, kinds in sorted(offered.items()):
        several = list({json.dumps(value, sort_keys=True): value for value in kinds.values()}.values())
        part["properties"][key] = several[0] if len(several) == 1 else {"anyOf": several}
    part["additionalProperties"] = False


def _targets(part: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Offer what the type of a target says: one branch for each, chosen by ``type``."""
    common = part.pop("properties")
    part["properties"] = {"type": common["type"]}
    part.pop("additionalProperties", None)
    branches = []
    for kind in registry.crm_names():
        words = vendor.crm_vendor(kind)
        own = _model(words.target, definitions) if words.target is not None else {"properties": {}}
        with_connection = {} if words.capabilities.inside else {"connection": common["connection"]}
        needed = ["type", *(["connection"] if with_connection else []), *own.get("required", ())]
        branches.append(
            {
                "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
                "then": {
                    "properties": {"type": {"const": kind}, **with_connection, **own["properties"]},
                    "required": needed,
                    "additionalProperties": own.get("additionalProperties", False),
                },
            }
        )
    part["allOf"] = branches
