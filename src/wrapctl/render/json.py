"""Plans, reports and problems for machines: versioned JSON, described by ``schemas/``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from wrapctl.apply.report import Report
from wrapctl.errors import Problem, Severity, Source, WrapctlError
from wrapctl.plan import file
from wrapctl.plan.plan import Plan

VERSION = 1
"""Version of every document here but the plan, which has its own (``plan.FORMAT``)."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(data: object) -> str:
    """Return ``data`` as JSON text with a final newline. A lone surrogate is an escape, so that it is UTF-8."""
    return printable(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def printable(text: str) -> str:
    r"""Return JSON text with lone surrogates as ``\udXXX``; it holds the same values."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def plan(plan: Plan) -> str:
    """Return one plan; the same text that ``plan --out`` writes and ``apply --plan`` reads."""
    return printable(file.dumps(plan))


def plans(plans: Sequence[Plan], failed: Sequence[tuple[str, WrapctlError]] = ()) -> str:
    """Return the plans of several orgs, and the orgs that could not be planned."""
    return dumps(
        {
            "kind": "wrapctl.plans",
            "version": VERSION,
            "plans": [file.as_data(one) for one in plans],
            "failed": [{"org": org, **error_data(error)} for org, error in failed],
        }
    )


def report(report: Report) -> str:
    """Return what an apply did to one org; the same data that ``apply --report`` writes."""
    return dumps({"kind": "wrapctl.report", **report.as_json()})


def reports(reports: Sequence[Report], failed: Sequence[tuple[str, WrapctlError]] = ()) -> str:
    """Return what an apply did to several orgs, and the orgs that could not be applied."""
    return dumps(
        {
            "kind": "wrapctl.reports",
            "version": VERSION,
            "reports": [{"kind": "wrapctl.report", **one.as_json()} for one in reports],
            "failed": [{"org": org, **error_data(error)} for org, error in failed],
        }
    )


def problems(problems: Iterable[Problem]) -> str:
    """Return problems, sorted."""
    found = sorted(set(problems))
    return dumps(
        {
            "kind": "wrapctl.problems",
            "version": VERSION,
            "errors": sum(1 for one in found if one.severity is Severity.ERROR),
            "warnings": sum(1 for one in found if one.severity is Severity.WARNING),
            "problems": [problem_data(one) for one in found],
        }
    )


def error(error: WrapctlError) -> str:
    """Return an error as a document of its own."""
    return dumps({"kind": "wrapctl.error", "version": VERSION, **error_data(error)})


def error_data(error: WrapctlError) -> dict[str, object]:
    """Return an error as plain data: what kind, what happened, what to do next, how the run ends."""
    return {
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": int(error.exit_code),
        "problems": [problem_data(one) for one in getattr(error, "problems", ())],
    }


def problem_data(problem: Problem) -> dict[str, object]:
    """Return a problem as plain data."""
    return {
        "source": source_data(problem.source),
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity.value,
    }


def source_data(source: Source) -> dict[str, object]:
    """Return a position as plain data."""
    return {"file": source.file, "line": source.line, "column": source.column}
