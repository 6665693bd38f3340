"""The comment on a pull request: one for all its orgs, for people who decide in a minute whether to look longer.

First what merging would do in one sentence, then what counts apart from the plans (policy, CI itself), a row for each
org, all that is dangerous or refused, and a fold for each org with the rest. Never over the host's limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from wrapctl.errors import Problem, Severity
from wrapctl.plan.plan import Plan
from wrapctl.render import escape
from wrapctl.render.markdown import BUDGET, cell, fitting, sections, size
from wrapctl.render.parts import Line, Part, Said, Section, Story, as_markdown, count, line, plain, some
from wrapctl.render.story import FIRST, cells, plan_story
from wrapctl.render.words import FEW

if TYPE_CHECKING:
    from wrapctl.config.base import PolicyChange

_TOKEN: Final = re.compile(r"[a-z_]+=[0-9]+@[0-9a-f]+")
_LINK: Final = re.compile(r"https://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~/-]*)?")
_VALUE: Final = 300
_WHOLE: Final = "org.yaml"
"""How a policy change names an org that only one side has: it is told as new or gone."""

_DANGER: Final = 800
"""Characters that the dangers of one org are granted at least; with less, fewer orgs are told of."""

_POINTER: Final = 250
"""Characters of the last row of a table, that says how many are not shown."""

_LEAST: Final = 1_500
"""Characters below which the fold of an org is not worth opening: it is pointed at instead."""


@dataclass(frozen=True)
class Planned:
    """One org: its plan, or ``why`` there is none.

    ``remarks`` say how a merge will be applied to it, in wrapctl's own words: they are not escaped.
    """

    org: str
    plan: Plan | None
    why: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a guard limit holds it back."""
        return self.plan is not None and bool(self.plan.refusals)

    @cached_property
    def story(self) -> Story:
        """What its plan says; the way past a limit is told for all orgs at once."""
        return plan_story(self.plan, tokens=False) if self.plan is not None else Story(())

    @property
    def first(self) -> tuple[Line, ...]:
        """What is dangerous in it."""
        return next((section.lines for section in self.story.sections if section.title == FIRST), ())


@dataclass(frozen=True, slots=True)
class Review:
    """All there is to say about a pull request.

    ``planned``: the orgs that it touches. ``new``, ``gone``, ``policy``, ``touches`` as in ``ci.artefact.Proposal``.
    ``problems`` are what is wrong with its files, and ``refused`` says why nothing may be planned: then there is no
    plan. ``run_url`` is where all of it can be read, ``project`` where the files lie in the repository. ``edited``:
    the comment was changed by somebody since it was written.
    """

    head: str
    planned: tuple[Planned, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    policy: tuple[PolicyChange, ...] = ()
    touches: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: str = ""
    run_url: str = ""
    project: str = ""
    edited: bool = False

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans that there are."""
        return tuple(one.plan for one in self.planned if one.plan is not None)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What is wrong with the files."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)

    @property
    def nothing(self) -> bool:
        """Whether wrapctl has nothing to say about it."""
        return not (
            self.planned
            or self.new
            or self.gone
            or self.policy
            or self.touches
            or self.errors
            or self.refused
        )


def comment(review: Review, *, marker: str = "", budget: int = BUDGET) -> str:
    """Return the whole comment, of at most ``budget`` characters; it begins with ``marker``."""
    text = marker + summary(review, budget=budget // 3)
    dangers = list(_dangers(review))
    allow = _allowances(review, budget // 8)
    rest = budget - size(text) - size(allow) - _LEAST
    if dangers:
        room = rest * 2 // 3
        shown = dangers[: max(1, room // _DANGER)]
        text += f"### {FIRST}\n\n{sections(shown, room, review.run_url)}"
        text += _elsewhere(len(dangers) - len(shown), review.run_url)
    text += allow
    folds = [one for one in review.planned if one.plan is not None]
    for number, one in enumerate(folds):
        room = (budget - size(text) - _LEAST) // (len(folds) - number)
        fold = _fold(one, room, review.run_url) if room >= _LEAST else ""
        if not fold or size(fold) > room:
            text += _elsewhere(len(folds) - number, review.run_url)
            break
        text += fold
    where = f" · {_link('the run and its files', review.run_url)}" if review.run_url else ""
    return f"{text}Of commit {as_markdown(Said(review.head[:12]))}{where}\n"


def summary(review: Review, *, budget: int = BUDGET) -> str:
    """Return the top of the comment: what merging does, what counts apart from the plans, a row for each org."""
    emulated = " · SANDBOX" if any(plan.identity.sandbox for plan in review.plans) else ""
    text = f"## wrapctl plan{emulated}\n\n**{headline(review)}**\n\n"
    if review.edited:
        text += "This comment had been edited by hand: it says again what wrapctl found.\n\n"
    for one in _apart(review):
        text += f"{plain(one.parts, as_markdown)}\n\n"
    policy = [one for one in review.policy if one.path != _WHOLE]
    if policy:
        text += (
            "**Policy: this counts only after the merge; all below was planned under the base branch's**\n\n"
        )
        text += "| org | setting | base branch | this pull request |\n| --- | --- | --- | --- |\n"
        text += fitting([_policy_row(one) for one in policy], budget // 3 - _POINTER, review.run_url) + "\n"
    if review.planned:
        text += "| org | changes | dangerous | held back | requests |\n| --- | --- | --- | --- | --- |\n"
        ordered = sorted(review.planned, key=_urgency)
        text += fitting([_row(one) for one in ordered], budget - size(text) - _POINTER, review.run_url) + "\n"
    return text


def headline(review: Review) -> str:
    """Return in one sentence what merging would do, or why that is not known. No word of it comes from outside."""
    failed = [one for one in review.planned if one.plan is None]
    refused = [one for one in review.planned if one.refused]
    pending = sum(len(plan.pending) for plan in review.plans)
    changing = sum(bool(plan.pending) for plan in review.plans)
    if review.errors:
        return f"The files are wrong: {count(len(review.errors), 'error')}. Nothing was planned."
    if review.refused:
        return "Refused: too many orgs at once. Nothing was planned."
    if failed or refused:
        of = count(len(review.planned), "org")
        told = [f"{len(failed):,} of {of} could not be planned"] if failed else []
        told += [
            f"{len(refused):,} of {of} {'is' if len(refused) == 1 else 'are'} refused by guard limits"
        ] * bool(refused)
        return f"{', and '.join(told)}. Merge nothing of this yet."
    if not review.planned:
        return "This touches no org that can be planned."
    if not pending:
        return "Merging this writes nothing."
    writes = f"{count(pending, 'change')} to {count(changing, 'org')}"
    if review.touches:
        return f"This plans {writes}, and merging it applies none of them by itself."
    return f"Merging this writes {writes}, and nothing else."


def changed(orgs: Sequence[str], head: str, *, marker: str, run_url: str = "") -> str:
    """Return the note that another run of the same commit found other changes than the one before."""
    said = some([[Said(org)] for org in orgs], FEW)
    where = f" {_link('See the run', run_url)}." if run_url else ""
    return (
        f"{marker}**Other changes than before** on the same commit {as_markdown(Said(head[:12]))}, in "
        f"{plain(said, as_markdown)}.\n\nThe platform or the base branch moved. The plan above was replaced; whoever "
        f"approved this pull request before saw another one, and should look again.{where}\n"
    )


# ── on top ─────────────────────────────────────────────────────────────────────────────────────────────────


def _apart(review: Review) -> Iterator[Line]:
    if review.refused:
        yield line(Said(review.refused))
    if review.touches:
        named = some([[Said(path)] for path in review.touches], FEW)
        yield line(
            "**This pull request changes CI itself**: ",
            *named,
            ". Its plan is shown, and never applied by CI.",
        )
    if review.new:
        named = some([[Said(org)] for org in review.new], FEW)
        yield line("New: ", *named, ". Validated; planned once its `org.yaml` is merged.")
    if review.gone:
        named = some([[Said(org)] for org in review.gone], FEW)
        yield line("Gone from the files: ", *named, ". Nothing is written there; what is live stays.")
    for remark in dict.fromkeys(remark for one in review.planned for remark in one.remarks):
        orgs: list[list[Part]] = [[Said(one.org)] for one in review.planned if remark in one.remarks]
        yield line(*some(orgs, FEW), ": ", remark)


def _policy_row(change: PolicyChange) -> str:
    org = cell(change.org) if change.org else "all"
    values = (
        cell(text, _VALUE) if text is not None else "not there" for text in (change.before, change.after)
    )
    return f"| {org} | {cell(change.path, _VALUE)} | {' | '.join(values)} |"


def _urgency(one: Planned) -> tuple[bool, bool, bool, str]:
    quiet = one.plan is not None and not one.plan.pending and not one.plan.unread
    return one.plan is not None, not one.refused, quiet, one.org


def _row(one: Planned) -> str:
    if one.plan is None:
        return f"| {cell(one.org)} | **not planned** | | see below | |"
    changes, held = cells(one.plan)
    danger = len(one.first) - len(one.plan.findings)
    cost = one.plan.estimate
    time = f", about {count(round(cost.minutes), 'minute')}" if cost.minutes >= 1 else ""
    told = f"{cost.requests:,}{time}" if one.plan.pending else ""
    return f"| {cell(one.org)} | {changes} | {f'**{danger:,}**' if danger else ''} | {held} | {told} |"


# ── danger, and the way past it ────────────────────────────────────────────────────────────────────────────


def _dangers(review: Review) -> Iterator[Section]:
    if review.errors:
        wrong = tuple(_problem(one) for one in review.errors)
        yield Section("Wrong", wrong, danger=True, count=len(wrong))
    for one in sorted(review.planned, key=_urgency):
        if one.plan is None:
            yield Section(
                "Not planned:", (line(Said(one.why), mark="!"),), danger=True, about=(Said(one.org),)
            )
            continue
        unsure = [told for told in one.story.head if told.mark == "!"]
        lines = (*unsure, *one.first)
        if lines:
            yield Section("In", lines, danger=True, about=(Said(one.org),))


def _problem(problem: Problem) -> Line:
    below = [line(Said(problem.hint))] if problem.hint else []
    return line(Said(problem.message), mark="!", where=str(problem.source), below=below)


def _allowances(review: Review, room: int) -> str:
    """Return the lines that acknowledge what the guard refuses; orgs that do not fit have theirs in their job."""
    text = ""
    for one in review.planned:
        block = _allow(one, review.project)
        if size(text) + size(block) > room:
            return f"{text}More tokens are needed: {_where(review.run_url)}.\n\n"
        text += block
    return text


def _allow(one: Planned, project: str) -> str:
    """Return the lines that acknowledge what the guard refuses, ready to be pasted."""
    refusals = one.plan.refusals if one.plan is not None else ()
    tokens = [finding.token for finding in refusals if _TOKEN.fullmatch(finding.token)]
    if not tokens:
        return ""
    file = as_markdown(Said(f"{project}wrapups/{one.org}/allow.yaml"))
    lines = "".join(f"  - {{token: {json.dumps(token)}, reason: }}\n" for token in tokens)
    return (
        f"If all of it is meant: say so in {file} of this pull request, each with its reason.\n\n"
        f"```yaml\nkind: Allow\nallow:\n{lines}```\n\n"
    )


# ── org by org ─────────────────────────────────────────────────────────────────────────────────────────────


def _fold(one: Planned, room: int, run_url: str) -> str:
    story = one.story
    changes = cells(one.plan)[0] if one.plan is not None else ""
    opening = f"<details>\n<summary>{escape.html_code(one.org)}: {changes}</summary>\n\n"
    opening += f"{plain(story.title, as_markdown)}\n\n"
    for told in story.head:
        opening += f"{plain(told.parts, as_markdown)}\n\n"
    closing = "</details>\n\n"
    rest = [replace(section, fold=False) for section in story.sections if section.title != FIRST]
    return opening + sections(rest, room - size(opening) - size(closing), run_url) + closing


def _elsewhere(number: int, run_url: str) -> str:
    return f"{count(number, 'org')} more, not shown here: {_where(run_url)}.\n\n" if number else ""


def _where(run_url: str) -> str:
    return f"see {_link('the run', run_url)}" if run_url else "see the full plan"


def _link(words: str, url: str) -> str:
    return f"[{words}]({url})" if _LINK.fullmatch(url) else f"{words} ({as_markdown(Said(url))})"
