"""Plans, reports and problems for a terminal or a log: plain lines, coloured when the caller asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.text import Text

from wrapctl.apply.report import Report
from wrapctl.errors import Problem, Severity
from wrapctl.plan.plan import Plan
from wrapctl.render import escape
from wrapctl.render.outcome import report_story
from wrapctl.render.parts import Line, Name, Part, Section, Story, as_text, count
from wrapctl.render.story import plan_story

WIDTH = 120
"""Columns where there is no terminal to ask."""

_NARROWEST = 40
_STYLES = {"+": "green", "-": "red", "~": "yellow", "!": "bold red", "?": "magenta"}


def plan(plan: Plan, *, width: int = WIDTH, colour: bool = False) -> str:
    """Return ``plan`` as text. A sandbox plan says SANDBOX on its first line."""
    return draw(plan_story(plan), width=width, colour=colour)


def report(report: Report, *, width: int = WIDTH, colour: bool = False) -> str:
    """Return what an apply did as text."""
    return draw(report_story(report), width=width, colour=colour)


def draw(story: Story, *, width: int = WIDTH, colour: bool = False) -> str:
    """Return any story as text of at most ``width`` columns, where words allow it."""
    page = _Page(width, colour=colour)
    if story.banner:
        page.write(Text(f"SANDBOX: {story.banner}", style="bold cyan"))
    page.line(Line(story.title, strong=True), 0)
    for one in story.head:
        page.line(one, 0)
    page.write(Text())
    page.line(Line(story.summary, strong=True), 0, style="green" if story.in_sync else "")
    for section in story.sections:
        page.section(section)
    return page.text()


def problems(problems: Iterable[Problem], *, width: int = WIDTH, colour: bool = False) -> str:
    """Return problems one after the other, sorted: ``file:line:column: error: what``, the hint below it."""
    page = _Page(width, colour=colour)
    for problem in sorted(set(problems)):
        style = "bold red" if problem.severity is Severity.ERROR else "yellow"
        page.write(
            Text.assemble(
                escape.name(str(problem.source), 500),
                ": ",
                (str(problem.severity), style),
                ": ",
                escape.name(problem.message, 2000),
            ),
            hang=4,
        )
        if problem.hint:
            page.write(Text(escape.name(problem.hint, 2000)), first="    → ", hang=6)
    return page.text()


def github(problems: Iterable[Problem]) -> str:
    """Return problems as GitHub workflow commands, one to a line, sorted; each shows beside its line of code.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    lines = []
    for problem in sorted(set(problems)):
        source = problem.source
        place = f"file={escape.command_property(escape.terminal(source.file))}"
        if source.line:
            place += f",line={source.line},col={max(source.column, 1)}"
        words = escape.name(problem.message, 2000)
        if problem.hint:
            words += f" ({escape.name(problem.hint, 2000)})"
        lines.append(f"::{problem.severity} {place}::{escape.command_data(words)}\n")
    return "".join(lines)


def tally(problems: Iterable[Problem]) -> str:
    """``2 errors, 1 warning``; nothing when there are none."""
    severities = [problem.severity for problem in set(problems)]
    found = [(severities.count(severity), severity.value) for severity in Severity]
    return ", ".join(count(number, word) for number, word in found if number)


class _Page:
    """Lines of bounded width with hanging indents; rich measures wide characters and writes the colours."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self.width = max(width, _NARROWEST)
        self.console = Console(
            width=self.width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ={},
        )
        self.lines: list[str] = []
        self.colour = colour

    def section(self, section: Section) -> None:
        self.write(Text())
        self.write(Text(section.heading(as_text), style="bold red" if section.danger else "bold"))
        for one in section.lines:
            self.line(one, 2)

    def line(self, one: Line, indent: int, style: str = "") -> None:
        body = Text()
        for part in one.parts:
            body.append(as_text(part), style=_style(part, one))
        if one.strong:
            body.stylize("bold")
        if style:
            body.stylize(style)
        if one.where:
            body.append(f"  {escape.name(one.where, 500)}", style="dim")
        mark = f"{one.mark} " if one.mark else ""
        self.write(body, first=" " * indent + mark, hang=indent + len(mark) + 2, mark=one.mark)
        for below in one.below:
            self.line(below, indent + len(mark) + 2)

    def write(self, body: Text, *, first: str = "", hang: int = 0, mark: str = "") -> None:
        if cell_len(first) + body.cell_len <= self.width:
            wrapped = [body]
        else:
            # The first line is wrapped at the width of the others: one column rule, and no word is cut twice.
            wrapped = list(body.wrap(self.console, max(self.width - hang, _NARROWEST // 2)))
        for number, part in enumerate(wrapped):
            part.rstrip()
            if not self.colour:
                self.lines.append(f"{first if number == 0 else ' ' * hang}{part.plain}".rstrip())
                continue
            prefix = Text(first if number == 0 else " " * hang, style=_STYLES.get(mark, ""))
            self.lines.append(self._coloured(Text.assemble(prefix, part)).rstrip())

    def _coloured(self, text: Text) -> str:
        return "".join(
            segment.style.render(segment.text, color_system=ColorSystem.STANDARD)
            if segment.style
            else segment.text
            for segment in text.render(self.console)
        )

    def text(self) -> str:
        return "\n".join(self.lines) + "\n" if self.lines else ""


def _style(part: Part, one: Line) -> str:
    return _STYLES.get(one.mark, "") if isinstance(part, Name) else ""
