"""Holds what passes through a WSGI app against the contracts of the CRMs, as ``contract_check`` does for Genesys.

``checked(app)`` wraps a sandbox: every request that is accepted and every response must validate against
``contracts/crm/*.yaml``. Those are closed to members that they do not list; a condition header where an operation lists
none is a mistake too. Beyond them it knows what the vendors' pages say in general: logins and errors, the further pages
of a query, and what OData puts on every answer (control information, null for a column without a value).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from contracts import contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

METHODS = ("get", "put", "post", "patch", "delete")
GENERAL = {400, 401, 403, 404, 405, 409, 414, 415, 429, 500, 502, 503, 504}
CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
FORMATS = ("uuid", "date-time")


@dataclass(frozen=True, slots=True)
class System:
    """One CRM: its contract, where its API begins (a pattern), and what its pages say beyond the contract.

    ``drop`` turns the beginning of a path into what the contract's paths begin with. ``more``: a further page's path, and
    the path of the operation that it belongs to. ``query``: parameters that the server's own links have. ``error``: the
    schema of every error. ``nulls``: a column without a value is null.
    """

    name: str
    file: str
    base: str
    drop: str = ""
    start: str = ""
    more: tuple[str, str] = ("", "")
    query: tuple[str, ...] = ()
    error: str = ""
    nulls: bool = False


SYSTEMS = (
    System(
        "salesforce",
        "salesforce-rows.openapi.yaml",
        r"/services/data/",
        drop=r"/services/data/v\d+\.\d",
        more=(r"/query/[^/]+", "/query"),
        error="Errors",
    ),
    System(
        "dataverse",
        "dataverse-disposition.openapi.yaml",
        r"/api/data/",
        query=("$skiptoken", "$orderby"),
        error="Error",
        nulls=True,
    ),
    System(
        "servicenow",
        "servicenow-wrapup.openapi.yaml",
        r"/api/now/",
        drop=r"/api/now(/v\d)?(?=/)",
        start="/api/now",
    ),
)


@lru_cache(maxsize=8)
def openapi(file: str) -> dict[str, Any]:
    """Return a contract with its references followed, every object in it that lists members closed to others."""
    yaml = pytest.importorskip("yaml")
    whole: dict[str, Any] = yaml.safe_load(contract(f"crm/{file}").read_text("utf-8"))
    followed: dict[str, Any] = _followed(whole, whole)
    return followed


def _followed(node: Any, whole: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_followed(item, whole) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found: Any = whole
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        return _followed(found, whole)
    out = {str(key): _followed(value, whole) for key, value in node.items()}
    if "allOf" in out:
        # Closed schemas cannot be stacked: what they list together is one object.
        parts = out.pop("allOf")
        out["type"] = "object"
        out["required"] = [name for part in parts for name in part.get("required", [])]
        out["properties"] = {name: one for part in parts for name, one in part["properties"].items()}
        out.pop("additionalProperties", None)
    if out.get("type") == "object" and isinstance(out.get("properties"), dict):
        out.setdefault("additionalProperties", False)
    return out


def _plain(schema: Any, *, nulls: bool) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema; ``nulls`` lets every member that is not required be null."""
    if isinstance(schema, list):
        return [_plain(item, nulls=nulls) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _plain(value, nulls=nulls) for key, value in schema.items()}
    if nulls and isinstance(out.get("properties"), dict):
        required = out.get("required", [])
        out["properties"] = {
            name: one if name in required else one | {"nullable": True}
            for name, one in out["properties"].items()
        }
        out["properties"] = {name: _nullable(one) for name, one in out["properties"].items()}
    return _nullable(out)


def _nullable(schema: Any) -> Any:
    if isinstance(schema, dict) and schema.get("nullable") is True:
        schema = {key: value for key, value in schema.items() if key != "nullable"}
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


@lru_cache(maxsize=256)
def _validator(schema: str, *, nulls: bool) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    plain = _plain(json.loads(schema), nulls=nulls)
    return jsonschema.Draft4Validator(plain, format_checker=jsonschema.FormatChecker(FORMATS))


def problems(schema: dict[str, Any], body: Any, *, nulls: bool = False) -> list[str]:
    """Return what is wrong with a body, by the contract's schema of it."""
    errors = _validator(json.dumps(schema, sort_keys=True), nulls=nulls).iter_errors(body)
    return [f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message}" for error in errors]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a contract, and what a request's path gave its parameters."""

    system: System
    method: str
    template: str
    spec: dict[str, Any]
    shared: tuple[dict[str, Any], ...]
    given: dict[str, str]
    further: bool = False

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        """Return its parameters of one place by name; a further page has none but those of the server's link."""
        if self.further and place == "query":
            return {}
        every = (*self.shared, *self.spec.get("parameters", []))
        return {one["name"]: one for one in every if one["in"] == place}


def system_of(path: str) -> System | None:
    """Return the CRM whose API a path is in, None for logins and everything else."""
    return next((system for system in SYSTEMS if re.match(system.base, path)), None)


def operation(system: System, method: str, path: str) -> Operation | None:
    """Return the contract's operation for a request, or None."""
    dropped = system.start + re.sub(f"\\A{system.drop}", "", path) if system.drop else path
    further = bool(system.more[0]) and re.fullmatch(system.more[0], dropped) is not None
    wanted = system.more[1] if further else dropped
    for template, item in openapi(system.file)["paths"].items():
        names = re.findall(r"\{(\w+)\}", template)
        pattern = re.sub(r"\\\{\w+\\\}", "([^/()]+)", re.escape(template))
        found = re.fullmatch(pattern, wanted)
        if found and method.lower() in item:
            shared = tuple(item.get("parameters", []))
            given = dict(zip(names, found.groups(), strict=True))
            return Operation(system, method, template, item[method.lower()], shared, given, further)
    return None


class Checked:
    """A WSGI app that lets everything through and writes down what the contracts forbid.

    ``seen`` holds the operations that were exercised, by system. ``faults`` says that the app breaks answers on purpose:
    then a body that is no JSON, or a header that is missing, is no violation.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], *, faults: bool = False) -> None:
        self.app = app
        self.faults = faults
        self.violations: list[str] = []
        self.seen: set[tuple[str, str, str]] = set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        system = system_of(path)
        if system is None:
            return self.app(environ, start_response)
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(data)
        asked = _Asked(
            environ["REQUEST_METHOD"],
            environ.get("QUERY_STRING", ""),
            environ.get("CONTENT_TYPE", ""),
            environ.get("HTTP_AUTHORIZATION", ""),
            tuple(
                name
                for name in CONDITIONS
                if environ.get(f"HTTP_{name.upper().replace('-', '_')}") is not None
            ),
            data,
        )
        taken: list[Any] = []

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            taken[:] = [int(status.split(maxsplit=1)[0]), {name.lower(): value for name, value in headers}]
            return start_response(status, headers, *rest)

        body = b"".join(self.app(environ, started))
        wrong = self._check(system, path, asked, taken[0], taken[1], body)
        self.violations += [f"{asked.method} {path} → {taken[0]}: {problem}" for problem in wrong]
        return [body]

    def _check(
        self, system: System, path: str, asked: _Asked, status: int, headers: dict[str, str], body: bytes
    ) -> list[str]:
        found = operation(system, asked.method, path)
        if found is None:
            return ["the contract has no such operation"] if status < 400 else []
        self.seen.add((system.name, found.method, found.template))
        wrong = asked.problems(found) if status < 400 else []
        return wrong + self._response_problems(found, status, headers, body)

    def _response_problems(
        self, found: Operation, status: int, headers: dict[str, str], body: bytes
    ) -> list[str]:
        declared = found.spec["responses"].get(str(status))
        if declared is None and status not in GENERAL:
            return ["this status is not declared"]
        declared = declared or {}
        lacking = [
            f"the header {name} is missing"
            for name, one in declared.get("headers", {}).items()
            if one.get("required") and name.lower() not in headers and not self.faults
        ]
        schema = _schema(found.system, declared, status)
        if schema is None or (status >= 400 and not body):
            told = status >= 400 or not body
            return lacking if told else [*lacking, "a body where the contract has none"]
        try:
            parsed = json.loads(body)
        except ValueError:
            return lacking if self.faults else [*lacking, "the body is no JSON"]
        if found.system.nulls and isinstance(parsed, dict):
            known = schema.get("properties", {})
            parsed = {name: value for name, value in parsed.items() if name in known or not _control(name)}
        wrong = problems(schema, parsed, nulls=found.system.nulls)
        return lacking + [f"response {one}" for one in wrong]


def _control(name: str) -> bool:
    return name in {"@odata.context", "@odata.count"}


def _schema(system: System, declared: dict[str, Any], status: int) -> dict[str, Any] | None:
    content = declared.get("content")
    if content is not None:
        schema: dict[str, Any] = content["application/json"]["schema"]
        return schema
    if status >= 400 and system.error:
        error: dict[str, Any] = openapi(system.file)["components"]["schemas"][system.error]
        return error
    return None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it came; ``conditions`` are the names of its condition headers."""

    method: str
    query: str
    content_type: str
    login: str
    conditions: tuple[str, ...]
    data: bytes

    def problems(self, found: Operation) -> list[str]:
        """Return what is wrong with a request that was accepted."""
        wrong = self._query_problems(found)
        for name, one in found.parameters("path").items():
            if not found.further:
                wrong += [f"{name} {problem}" for problem in problems(one["schema"], found.given[name])]
        known = {name.lower() for name in found.parameters("header")}
        wrong += [f"the header {name} is not listed" for name in self.conditions if name.lower() not in known]
        schemes = {next(iter(one)) for one in openapi(found.system.file)["security"]}
        if self.login.partition(" ")[0].lower() not in schemes:
            wrong.append(f"no login by {' or '.join(sorted(schemes))}")
        asked = found.spec.get("requestBody")
        if asked is None:
            return [*wrong, "a request body where the contract has none"] if self.data else wrong
        if self.content_type.partition(";")[0] not in asked["content"]:
            return [*wrong, f"content type {self.content_type!r}"]
        schema = asked["content"]["application/json"]["schema"]
        return wrong + [f"request {one}" for one in problems(schema, json.loads(self.data))]

    def _query_problems(self, found: Operation) -> list[str]:
        wrong = []
        known = found.parameters("query")
        given = parse_qsl(self.query, keep_blank_values=True)
        for name, value in given:
            if name in found.system.query:
                continue
            if name not in known:
                wrong.append(f"unknown query parameter {name}")
            elif known[name]["schema"]["type"] == "integer" and not value.isdigit():
                wrong.append(f"{name}={value} is no integer")
        missing = [name for name, one in known.items() if one.get("required") and name not in dict(given)]
        return wrong + [f"{name} is missing" for name in missing]


def operations() -> set[tuple[str, str, str]]:
    """Return all operations of the contracts, as ``Checked.seen`` has them."""
    return {
        (system.name, method.upper(), template)
        for system in SYSTEMS
        for template, item in openapi(system.file)["paths"].items()
        for method in METHODS
        if method in item
    }


def checked(app: Callable[..., Iterable[bytes]], *, faults: bool = False) -> Checked:
    """Wrap a WSGI app so that everything of a CRM through it is held against the contracts."""
    return Checked(app, faults=faults)
