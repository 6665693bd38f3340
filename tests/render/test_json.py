"""What machines read: versioned, valid UTF-8, and what was written is what is read."""

from __future__ import annotations

import json

from render.plans import create, everything, plan
from wrapctl.errors import ConfigError, Locked, Problem, Severity, Source
from wrapctl.plan import file
from wrapctl.render import json as renderer


def test_a_plan_is_written_as_it_is_saved() -> None:
    data = json.loads(renderer.plan(everything()))
    assert data["kind"] == "wrapctl.plan"
    assert data["format"] == 1
    assert data == json.loads(file.dumps(everything()))


def test_a_lone_surrogate_survives_as_an_escape() -> None:
    printed = renderer.plan(plan(create("A", "bad \ud800 name")))
    printed.encode()
    assert json.loads(printed)["changes"][0]["label"] == "bad \ud800 name"


def test_problems_are_counted_and_sorted() -> None:
    data = json.loads(
        renderer.problems(
            [
                Problem(Source("b.yaml", 1, 2), "x", "y"),
                Problem(Source("a.yaml"), "z", severity=Severity.WARNING),
            ]
        )
    )
    assert (data["kind"], data["version"], data["errors"], data["warnings"]) == ("wrapctl.problems", 1, 1, 1)
    assert [one["source"]["file"] for one in data["problems"]] == ["a.yaml", "b.yaml"]


def test_an_error_carries_its_hint_and_how_the_run_ends() -> None:
    data = json.loads(renderer.error(Locked("held by x", hint="wait")))
    assert (data["error"], data["message"], data["hint"], data["exit_code"]) == (
        "Locked",
        "held by x",
        "wait",
        4,
    )
    assert (
        json.loads(renderer.error(ConfigError([Problem(Source("a"), "b")])))["problems"][0]["message"] == "b"
    )


def test_several_plans_and_failures_are_one_document() -> None:
    data = json.loads(renderer.plans([everything()], [("acme-us", Locked("x"))]))
    assert data["kind"] == "wrapctl.plans"
    assert data["plans"][0]["org"] == "acme-emea"
    assert data["failed"][0]["org"] == "acme-us"
