"""Plans and reports as Markdown for a pull request: summary first, danger on top, the rest folded.

A comment has a limit, so every document has a budget: sections share it, each shows what fits and counts the
rest, and says where all of it can be read. Danger is served first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wrapctl.apply.report import Report
from wrapctl.plan.plan import Plan
from wrapctl.render import escape
from wrapctl.render.outcome import report_cells, report_story
from wrapctl.render.parts import Line, Part, Section, Story, as_html, as_markdown, count, plain
from wrapctl.render.story import cells, plan_story

BUDGET = 65_000
"""Characters of one document. GitHub refuses comments over 65,536; the rest is for who embeds it."""

_OVERHEAD = 400
"""What a section costs besides its lines, at most: heading, fold, and the pointer to what is not shown."""
_MARKS = {"+": "**+** ", "-": "**−** ", "~": "**~** ", "!": "**!** ", "?": ""}
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?")


def plan(plan: Plan, *, budget: int = BUDGET, artefact: str = "") -> str:
    """Return one plan as Markdown of at most ``budget`` characters; ``artefact`` says where all of it is."""
    return draw(plan_story(plan), budget=budget, artefact=artefact)


def plans(
    plans: Sequence[Plan],
    *,
    failed: Sequence[tuple[str, str]] = (),
    budget: int = BUDGET,
    artefact: str = "",
) -> str:
    """Return the plans of several orgs in one document: a table of all, then each.

    ``failed`` are orgs that could not be planned, and why; they come first.
    """
    return several([(plan.org, cells(plan), plan_story(plan)) for plan in plans], failed, budget, artefact)


def report(report: Report, *, budget: int = BUDGET, artefact: str = "") -> str:
    """Return what an apply did as Markdown of at most ``budget`` characters."""
    return draw(report_story(report), budget=budget, artefact=artefact)


def reports(
    reports: Sequence[Report],
    *,
    failed: Sequence[tuple[str, str]] = (),
    budget: int = BUDGET,
    artefact: str = "",
) -> str:
    """Return what an apply did to several orgs in one document."""
    told = [(report.org, report_cells(report), report_story(report)) for report in reports]
    return several(told, failed, budget, artefact)


def draw(story: Story, *, budget: int = BUDGET, artefact: str = "") -> str:
    """Return one story as Markdown of at most ``budget`` characters."""
    head = [f"### {_write(story.title)}", ""]
    if story.banner:
        head = [f"> **SANDBOX**: {story.banner}", "", *head]
    head += [f"**{_write(story.summary)}**", ""]
    for one in story.head:
        head += [f"{_MARKS.get(one.mark, '')}{_write(one.parts)}", ""]
    start = "\n".join(head) + "\n"
    return (start + sections(story.sections, budget - size(start), artefact)).rstrip() + "\n"


def sections(found: Sequence[Section], room: int, artefact: str = "") -> str:
    """Return sections in at most ``room`` characters, danger served first; each says what it leaves out."""
    drawn = [_Drawn(section, [_block(one) for one in section.lines]) for section in found]
    room -= _OVERHEAD * (len(drawn) + 1)
    danger = [one for one in drawn if one.section.danger]
    others = [one for one in drawn if not one.section.danger]
    granted = _share([one.size for one in danger], room)
    granted += _share([one.size for one in others], room - sum(granted))
    grants = dict(zip(map(id, [*danger, *others]), granted, strict=True))
    pointer = _pointer(artefact)
    return "".join(one.text(grants[id(one)], pointer) for one in drawn)


def several(
    stories: Sequence[tuple[str, tuple[str, ...], Story]],
    failed: Sequence[tuple[str, str]],
    budget: int,
    artefact: str,
) -> str:
    """Return many stories: failures, a table with one row for each org, then the stories themselves."""
    if len(stories) == 1 and not failed:
        return draw(stories[0][2], budget=budget, artefact=artefact)
    pointer = _pointer(artefact)
    stories = sorted(stories, key=lambda one: (one[2].in_sync, one[0]))
    rows = [f"| {cell(org)} | **failed** | {cell(why, 500)} |" for org, why in failed]
    rows += [f"| {cell(org)} | {' | '.join(columns)} |" for org, columns, _ in stories]
    emulated = " · SANDBOX" if any(story.banner for _, _, story in stories) else ""
    start = f"## {count(len(stories) + len(failed), 'org')}{emulated}\n\n| org | changes | held back |\n| --- | --- | --- |\n"
    text = start + fitting(rows, budget // 2 - size(start), artefact) + "\n"
    told = [story for _, _, story in stories if story.sections]
    whole = [draw(story, budget=budget, artefact=artefact) for story in told]
    shares = _share([size(one) for one in whole], budget - size(text) - _OVERHEAD - len(told))
    for number, (story, one, share) in enumerate(zip(told, whole, shares, strict=True)):
        if share < size(one):
            one = draw(story, budget=share, artefact=artefact)  # noqa: PLW2901  (a shorter one takes its place)
        if size(text) + size(one) + _OVERHEAD > budget:
            text += f"{count(len(told) - number, 'org')} not shown here: {pointer}.\n"
            break
        text += f"{one}\n"
    return f"{text.rstrip()}\n"


def cell(text: str, limit: int = escape.MAX_NAME) -> str:
    """Return text from outside for a cell of a table."""
    return escape.markdown_cell(text, limit)


def fitting(rows: Sequence[str], room: int, artefact: str = "") -> str:
    """Return the rows of a table that fit into ``room`` characters, and how many more there are."""
    written = ""
    for number, row in enumerate(rows):
        if size(written) + size(row) + 1 > room:
            return f"{written}| … | and {len(rows) - number:,} more: {_pointer(artefact)} | |\n"
        written += f"{row}\n"
    return written


def size(text: str) -> int:
    """Length as the hosts count it, in UTF-16 units, so that an emoji is two."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


@dataclass(frozen=True, slots=True)
class _Block:
    full: str
    short: str


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A section with its lines written, ready to be cut to what it is granted."""

    section: Section
    blocks: list[_Block]

    @property
    def size(self) -> int:
        return sum(size(block.full) for block in self.blocks)

    def text(self, granted: int, pointer: str) -> str:
        section = self.section
        heading = section.heading(as_html if section.fold else as_markdown)
        opening = f"<details>\n<summary>{heading}</summary>\n\n" if section.fold else f"**{heading}**\n\n"
        closing = "\n</details>\n\n" if section.fold else "\n"
        room = granted
        written: list[str] = []
        for number, block in enumerate(self.blocks):
            one = block.full if size(block.full) <= room else block.short
            if size(one) > room:
                written.append(f"- … and {len(self.blocks) - number:,} more: {pointer}\n")
                break
            room -= size(one)
            written.append(one)
        return opening + "".join(written) + closing


def _block(one: Line) -> _Block:
    head = _item(one, 0)
    below = "".join(_nested(one.below, 1))
    folded = f"  - … {count(len(one.below), 'line')} not shown here\n" if one.below else ""
    return _Block(head + below, head + folded)


def _nested(lines: Sequence[Line], depth: int) -> list[str]:
    found: list[str] = []
    for one in lines:
        found.append(_item(one, depth))
        found += _nested(one.below, depth + 1)
    return found


def _item(one: Line, depth: int) -> str:
    words = _write(one.parts)
    where = f" · {escape.markdown(one.where, 500)}" if one.where else ""
    return f"{'  ' * depth}- {_MARKS.get(one.mark, '')}{f'**{words}**' if one.strong else words}{where}\n"


def _write(parts: Sequence[Part], write: Callable[[Part], str] = as_markdown) -> str:
    return plain(parts, write)


def _share(wanted: list[int], room: int) -> list[int]:
    """Share ``room`` fairly: who wants less than an equal share gets it all, and leaves the rest to the others."""
    granted = [0] * len(wanted)
    left, order = max(room, 0), sorted(range(len(wanted)), key=lambda index: wanted[index])
    for place, index in enumerate(order):
        granted[index] = min(wanted[index], left // (len(order) - place))
        left -= granted[index]
    return granted


def _pointer(artefact: str) -> str:
    if not artefact:
        return "see the full plan"
    if _LINK.fullmatch(artefact):
        return f"see [the full plan]({artefact})"
    return f"see {escape.markdown(artefact)}"
