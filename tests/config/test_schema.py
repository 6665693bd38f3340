from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from wrapctl.config import schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "wrapups").rglob("*.yaml"))


@pytest.mark.parametrize(("name", "text"), sorted(schema.render().items()))
def test_schemas_are_current(name: str, text: str) -> None:
    assert (ROOT / schema.FOLDER / name).read_text("utf-8") == text, "run `wrapctl schema`"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_files_name_their_schema_and_satisfy_it(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    text = path.read_text("utf-8")
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    named = (path.parent / first.partition("=")[2]).resolve()
    assert named.parent == ROOT / schema.FOLDER
    content: dict[str, Any] = yaml.load(text, Loader=_Editor)
    assert named.name == schema.FILES[content["kind"]]
    errors = jsonschema.Draft202012Validator(json.loads(named.read_text("utf-8"))).iter_errors(content)
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("kind", sorted(schema.FILES))
def test_an_editor_flags_unknown_keys_at_the_top(kind: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    loaded = json.loads(schema.render()[schema.FILES[kind]])
    jsonschema.Draft202012Validator.check_schema(loaded)
    errors = list(jsonschema.Draft202012Validator(loaded).iter_errors({"kind": kind, "nonsense": 1}))
    assert any("nonsense" in error.message for error in errors)


class _Editor(yaml.SafeLoader):
    """YAML as editors read it: version 1.2, in which dates are text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 PyYAML's own way to say it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
