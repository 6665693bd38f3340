"""Holds what passes through a WSGI app against the contract of the platform.

``checked(app)`` wraps a sandbox: every request that is accepted and every response must validate against
``genesys-cloud.swagger.json``. Violations are collected, not raised in the middle of a client, so that a suite can
run as it always does and assert ``app.violations == []`` at its end.
"""

from __future__ import annotations

import copy
import json
import os
import re
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parents[1]
# Bodies of queues are stored raw, so that members younger than the contract survive; all others are closed.
OPEN = ("Queue", "QueueRequest", "CreateQueueRequest")


def contracts() -> Path:
    """Return the folder of the contracts, or skip the test that asks."""
    folder = Path(os.environ.get("WRAPCTL_CONTRACTS") or ROOT.parent / "shared" / "contracts")
    if not (folder / "genesys-cloud.swagger.json").is_file():
        pytest.skip(f"no contracts in {folder}: set WRAPCTL_CONTRACTS")
    return folder


@lru_cache(maxsize=1)
def swagger() -> dict[str, Any]:
    """Return the contract of Genesys Cloud, with every definition but ``OPEN`` closed to unknown members."""
    whole: dict[str, Any] = json.loads((contracts() / "genesys-cloud.swagger.json").read_text("utf-8"))
    definitions = copy.deepcopy(whole["definitions"])
    for name, definition in definitions.items():
        if definition.get("properties") and name not in OPEN:
            definition.setdefault("additionalProperties", False)
    return whole | {"definitions": definitions}


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    root = json.loads(schema) | {"definitions": swagger()["definitions"]}
    return jsonschema.Draft4Validator(root, format_checker=jsonschema.FormatChecker(["date-time"]))


def problems(schema: dict[str, Any], body: Any) -> list[str]:
    """Return what is wrong with a body, by the swagger's schema of it."""
    errors = _validator(json.dumps(schema)).iter_errors(body)
    return [f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message}" for error in errors]


@lru_cache(maxsize=1)
def _paths() -> list[tuple[re.Pattern[str], str]]:
    # Fixed paths first: /divisionviews is not a code's id.
    ordered = sorted(swagger()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path) for path in ordered]


def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return the contract's path and operation for a request, or None."""
    for pattern, template in _paths():
        if pattern.match(path) and method.lower() in swagger()["paths"][template]:
            return template, swagger()["paths"][template][method.lower()]
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
        method, raw_path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        # As it was sent, where the server tells: an encoded slash is part of an id, a bare one is not.
        target = environ.get("REQUEST_URI", "").partition("?")[0]
        query, content_type = environ.get("QUERY_STRING", ""), environ.get("CONTENT_TYPE", "")
        taken: list[Any] = []

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            taken[:] = [int(status.split(maxsplit=1)[0]), {name.lower(): value for name, value in headers}]
            return start_response(status, headers, *rest)

        body = b"".join(self.app(environ, started))
        path = target if target.startswith("/") else raw_path.encode("latin-1").decode()
        if path.startswith("/api/v2/"):
            wrong = self._check(method, path, query, content_type, data, taken[0], taken[1], body)
            self.violations += [f"{method} {path} → {taken[0]}: {problem}" for problem in wrong]
        return [body]

    def _check(
        self,
        method: str,
        path: str,
        query: str,
        content_type: str,
        data: bytes,
        status: int,
        headers: dict[str, str],
        body: bytes,
    ) -> list[str]:
        found = operation(method, path)
        if found is None:
            return [] if status in {401, 404, 429} else ["the contract has no such operation"]
        template, spec = found
        self.seen.add((method, template))
        wrong = []
        if status < 300:
            wrong += _request_problems(spec, query, content_type, data)
        response = spec["responses"].get(str(status))
        if response is None:
            return [*wrong, "this status is not declared"]
        if not headers.get("inin-correlation-id"):
            wrong.append("no ININ-Correlation-Id")
        schema = response.get("schema")
        if schema is None:
            return wrong if not body else [*wrong, "a body where the contract has none"]
        try:
            parsed = json.loads(body)
        except ValueError:
            return wrong if self.faults else [*wrong, "the body is no JSON"]
        wrong += [f"response {problem}" for problem in problems(schema, parsed)]
        if status >= 400 and parsed.get("contextId") != headers.get("inin-correlation-id"):
            wrong.append("contextId is not the correlation id")
        return wrong


def _request_problems(spec: dict[str, Any], query: str, content_type: str, data: bytes) -> list[str]:
    wrong = []
    known = {item["name"]: item for item in spec["parameters"] if item["in"] == "query"}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            wrong.append(f"unknown query parameter {name}")
        elif known[name]["type"] == "integer" and not value.isdigit():
            wrong.append(f"{name}={value} is no integer")
        elif "enum" in known[name] and value not in known[name]["enum"]:
            wrong.append(f"{name}={value} is none of {known[name]['enum']}")
    body = next((item for item in spec["parameters"] if item["in"] == "body"), None)
    if body is not None:
        if not content_type.startswith("application/json"):
            wrong.append(f"content type {content_type!r}")
        wrong += [f"request {problem}" for problem in problems(body["schema"], json.loads(data))]
    elif data:
        wrong.append("a request body where the contract has none")
    return wrong


def checked(app: Callable[..., Iterable[bytes]], *, faults: bool = False) -> Checked:
    """Wrap a WSGI app so that everything through it is held against the contract."""
    return Checked(app, faults=faults)
