"""What is wrong, as annotations beside the lines of a pull request. Pure.

GitHub shows ten errors and ten warnings of a step and keeps silent about the rest, so those on lines that the pull
request itself changes come first; the others stand on their own lines all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import State
from wrapctl.plan.plan import Plan
from wrapctl.render import text
from wrapctl.render.words import DOES


def commands(problems: Iterable[Problem], lines: Mapping[str, Sequence[range]], prefix: str = "") -> str:
    """Return one log command for each problem; ``prefix`` is where the project lies in the repository."""
    placed = {
        replace(one, source=replace(one.source, file=f"{prefix}{one.source.file}"))
        if one.source.file
        else one
        for one in problems
    }

    def elsewhere(problem: Problem) -> bool:
        return not any(problem.source.line in changed for changed in lines.get(problem.source.file, ()))

    return "".join(text.github([one]) for one in sorted(placed, key=lambda one: (elsewhere(one), one)))


def of_plan(plan: Plan) -> list[Problem]:
    """Return what a reader of the files should know of a plan: its warnings, and why a line is not written."""
    blocked: dict[tuple[Source, str], Problem] = {}
    for change in plan.outstanding:
        if change.state is State.BLOCKED and change.source is not None:
            on = f' on "{change.within}"' if change.within else ""
            said = f'{plan.org}: {DOES[change.verb]} "{change.label}"{on}'
            blocked.setdefault(
                (change.source, change.reason),
                Problem(change.source, said, f"blocked: {change.reason}", Severity.WARNING),
            )
    return [*plan.warnings, *blocked.values()]
