"""Holds what passes through a WSGI app against the contract of NICE CXone, as ``contract_check`` does for Genesys.

``checked(app)`` wraps a sandbox: every request that is accepted and every response must validate against
``cxone-admin.openapi.json``. What the contract lists as general findings (its ``info`` and section 3 of its notes) is
allowed for every operation: 204 for nothing, and errors that NICE does not list for each.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from contracts import contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BASE = re.compile(r"/incontactapi/services/v\d+\.0(/.*)", re.IGNORECASE)
GENERAL = {400, 401, 403, 404, 429, 500, 502, 503, 504}
# Stored raw, so that members younger than the contract survive; spelt otherwise by older versions; envelope unclear.
OPEN = ("Skill", "UnavailableCodeListItem", "DispositionWithSkills")
# Its error codes were not found.
ANY_ERROR = ("/.well-known/cxone-configuration", "/public/user/refresh")


def _plain(schema: Any, *, closed: bool) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema; ``closed`` forbids members that it does not name."""
    if isinstance(schema, list):
        return [_plain(item, closed=closed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _plain(value, closed=closed) for key, value in schema.items() if not key.startswith("x-")}
    if out.pop("nullable", False) and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
        if "enum" in out and None not in out["enum"]:
            out["enum"] = [*out["enum"], None]
    if closed and isinstance(out.get("properties"), dict) and out.get("type") == "object":
        out.setdefault("additionalProperties", False)
    return out


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """Return the contract, with every schema but ``OPEN`` closed to unknown members."""
    whole: dict[str, Any] = json.loads(contract("cxone-admin.openapi.json").read_text("utf-8"))
    schemas = whole["components"]["schemas"]
    whole["components"]["schemas"] = {
        name: _plain(schema, closed=name not in OPEN) for name, schema in schemas.items()
    }
    return whole


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference to a parameter or a response."""
    found: Any = node
    while "$ref" in found:
        steps = str(found["$ref"]).removeprefix("#/").split("/")
        found = openapi()
        for step in steps:
            found = found[step]
    answer: dict[str, Any] = found
    return answer


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    root = _plain(json.loads(schema), closed=True) | {"components": openapi()["components"]}
    return jsonschema.Draft4Validator(root, format_checker=jsonschema.FormatChecker(["date-time"]))


def problems(schema: dict[str, Any], body: Any) -> list[str]:
    """Return what is wrong with a body, by the contract's schema of it."""
    errors = _validator(json.dumps(schema)).iter_errors(body)
    return [f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message}" for error in errors]


@lru_cache(maxsize=1)
def _paths() -> list[tuple[re.Pattern[str], str]]:
    # Fixed paths first: /dispositions/skills is no disposition's id.
    ordered = sorted(openapi()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path) for path in ordered]


def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return the contract's path and operation for a request, or None."""
    for pattern, template in _paths():
        if pattern.match(path) and isinstance(openapi()["paths"][template].get(method.lower()), dict):
            return template, openapi()["paths"][template][method.lower()]
    return None


class Checked:
    """A WSGI app that lets everything through and writes down what the contract forbids.

    ``seen`` holds the operations that were exercised. ``faults`` says that the app breaks answers on purpose:
    then a body that is no JSON is no violation.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], *, faults: bool = False) -> None:
        self.app = app
        self.faults = faults
        self.violations: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(data)
        asked = _Asked(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", "").encode("latin-1").decode(),
            environ.get("QUERY_STRING", ""),
            environ.get("CONTENT_TYPE", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_AUTHORIZATION", ""),
            data,
        )
        taken: list[Any] = []

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            taken[:] = [int(status.split(maxsplit=1)[0]), {name.lower(): value for name, value in headers}]
            return start_response(status, headers, *rest)

        body = b"".join(self.app(environ, started))
        wrong = self._check(asked, taken[0], taken[1], body)
        self.violations += [f"{asked.method} {asked.path} → {taken[0]}: {problem}" for problem in wrong]
        return [body]

    def _check(self, asked: _Asked, status: int, headers: dict[str, str], body: bytes) -> list[str]:
        admin = BASE.fullmatch(asked.path)
        path = admin[1] if admin else asked.path
        found = operation(asked.method, path)
        if admin is None and (found is None or not path.startswith(("/auth", "/public", "/.well-known"))):
            return []
        if found is None:
            return [] if status in {401, 404, 405, 429} else ["the contract has no such operation"]
        template, spec = found
        self.seen.add((asked.method, template))
        wrong = asked.problems(spec, admin=admin is not None) if status < 300 else []
        if admin is not None and "icstatusdescription" not in headers:
            wrong.append("no icStatusDescription")
        return wrong + self._response_problems(template, spec, status, body, admin=admin is not None)

    def _response_problems(
        self, template: str, spec: dict[str, Any], status: int, body: bytes, *, admin: bool
    ) -> list[str]:
        declared = spec["responses"].get(str(status))
        if declared is None:
            if status == 204 and admin and not body:
                return []
            general = (
                status in GENERAL if admin else status >= 429 or (template in ANY_ERROR and status >= 400)
            )
            if not general:
                return ["this status is not declared"]
            declared = {"$ref": "#/components/responses/BadRequest"}
        content = resolved(declared).get("content")
        if content is None:
            return [] if not body else ["a body where the contract has none"]
        try:
            parsed = json.loads(body)
        except ValueError:
            return [] if self.faults else ["the body is no JSON"]
        return [f"response {one}" for one in problems(content["application/json"]["schema"], parsed)]


class _Asked:
    """A request as it came."""

    def __init__(
        self, method: str, path: str, query: str, content_type: str, accept: str, login: str, data: bytes
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.content_type = content_type
        self.accept = accept
        self.login = login
        self.data = data

    def problems(self, spec: dict[str, Any], *, admin: bool) -> list[str]:
        """Return what is wrong with a request that was accepted."""
        wrong = self._query_problems(spec)
        if admin and "application/json" not in self.accept:
            wrong.append("no Accept: application/json")
        if admin and not self.login.startswith("Bearer "):
            wrong.append("no Bearer token")
        asked = spec.get("requestBody")
        if asked is None:
            return [*wrong, "a request body where the contract has none"] if self.data else wrong
        kind = self.content_type.partition(";")[0]
        if kind not in asked["content"]:
            return [*wrong, f"content type {self.content_type!r}"]
        is_form = kind == "application/x-www-form-urlencoded"
        body = dict(parse_qsl(self.data.decode())) if is_form else json.loads(self.data)
        return wrong + [f"request {one}" for one in problems(asked["content"][kind]["schema"], body)]

    def _query_problems(self, spec: dict[str, Any]) -> list[str]:
        wrong = []
        listed = [resolved(item) for item in spec.get("parameters", [])]
        known = {item["name"]: item for item in listed if item["in"] == "query"}
        given = parse_qsl(self.query, keep_blank_values=True)
        for name, value in given:
            if name not in known:
                wrong.append(f"unknown query parameter {name}")
                continue
            schema = known[name]["schema"]
            fits = {"integer": value.isdigit(), "boolean": value in {"true", "false"}}
            if not fits.get(schema["type"], True):
                wrong.append(f"{name}={value} is no {schema['type']}")
            elif "format" in schema:
                wrong += [f"{name} {one}" for one in problems(schema, value)]
        missing = [name for name, item in known.items() if item.get("required") and name not in dict(given)]
        return wrong + [f"{name} is missing" for name in missing]


def checked(app: Callable[..., Iterable[bytes]], *, faults: bool = False) -> Checked:
    """Wrap a WSGI app so that everything of CXone through it is held against the contract."""
    return Checked(app, faults=faults)
