"""What machines read is what the schemas say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from render.plans import create, everything, plan, report, stale, troubled
from wrapctl.apply.report import Report
from wrapctl.model import Scope
from wrapctl.plan.plan import Plan
from wrapctl.render import json as machine
from wrapctl.render.schemas import all_schemas, plan_schema, report_schema

jsonschema = pytest.importorskip("jsonschema", reason="validators come with the contracts extra")


@pytest.mark.parametrize(
    "made",
    [everything(), plan(), plan(create("A", "bad \ud800"), scope=Scope(frozenset({"A"}), frozenset()))],
)
def test_a_plan_is_valid_by_its_schema(made: Plan) -> None:
    data: dict[str, Any] = json.loads(machine.plan(made))
    for change in data["changes"]:
        change["digest"] = "0" * 64  # plans built by hand have none
    jsonschema.validate(data, plan_schema())


@pytest.mark.parametrize("made", [troubled(), stale(), report()])
def test_a_report_is_valid_by_its_schema(made: Report) -> None:
    jsonschema.validate(json.loads(machine.report(made)), report_schema())


def test_a_member_that_the_schema_does_not_know_is_refused() -> None:
    data = json.loads(machine.report(report()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data | {"surprise": 1}, report_schema())


def test_the_schemas_are_schemas() -> None:
    for name, schema in all_schemas().items():
        assert schema["$id"] == name
        jsonschema.Draft202012Validator.check_schema(schema)
