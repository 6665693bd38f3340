"""What agents are offered, as text, Markdown and JSON: one queue with all its codes, or every queue in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len

from wrapctl.evidence.offering import State, Value
from wrapctl.evidence.simulate import Desktop, Offered, Trouble, said, seconds
from wrapctl.render import escape, json, text
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, as_markdown, count, line, plain

BUDGET = 60_000
"""Characters of one Markdown document, so that a comment can hold it."""

_GAP = 2
_INDENT = 2
_LONG = 40
_MUST = {"always": "yes", "never": "no", "on-request": "when the agent asked for after-call work"}
_ORIGIN = {
    "files": "as the files say",
    "live": "as it is live",
    "plan": "as it would be after the plan",
}


# ── one queue ──────────────────────────────────────────────────────────────────────────────────────────────


def as_text(desktop: Desktop, *, width: int = text.WIDTH, colour: bool = False) -> str:
    """Return what the agents of one queue are offered, as text."""
    return text.draw(_story(desktop), width=width, colour=colour)


def as_markdown_text(desktop: Desktop, *, budget: int = BUDGET) -> str:
    """Return it as Markdown: what is wrong first, as far as ``budget`` bytes allow."""
    story = _story(desktop)
    lines = [f"> **SANDBOX**: {story.banner}", ""] if story.banner else []
    lines += [f"### {plain(story.title, as_markdown)}", "", f"**{plain(story.summary, as_markdown)}**", ""]
    lines += [f"- {plain(one.parts, as_markdown)}" for one in story.head]
    for section in sorted(story.sections, key=lambda one: not one.danger):
        lines += ["", f"**{section.heading(as_markdown)}**", ""]
        for one in section.lines:
            lines.append(f"- {plain(one.parts, as_markdown)}{_where(one)}")
            lines += [f"  - {plain(below.parts, as_markdown)}" for below in one.below]
    return _within(lines, budget)


def as_json(desktops: Sequence[Desktop], state: State) -> str:
    """Return what the agents of some queues are offered, for machines."""
    return json.dumps(
        {
            "kind": "wrapctl.simulation",
            "version": json.VERSION,
            "org": state.org,
            "from": state.origin,
            "as_of": state.as_of.isoformat(),
            "sandbox": state.sandbox,
            "queues": [_data(one) for one in desktops],
        }
    )


def _story(desktop: Desktop) -> Story:
    place, state = desktop.place, desktop.state
    title: list[Part] = ["After a contact on ", Name(place.name)]
    if desktop.media:
        title.append(f" ({desktop.media})")
    title += [" of ", Said(state.org), f", {_ORIGIN[state.origin]} on {state.as_of}"]
    sections = [
        *([Section("Offered", tuple(_codes(desktop)), count=len(desktop.shown))] if desktop.codes else []),
        *_timed_out(desktop),
        *_troubles(desktop.troubles),
        *([Section("Notes", tuple(line(Said(one)) for one in desktop.notes))] if desktop.notes else []),
    ]
    return Story(
        title=tuple(title),
        banner="this org is an emulation" if state.sandbox else "",
        head=tuple(_heads(desktop)),
        summary=(_summary(desktop),),
        sections=tuple(sections),
        in_sync=not desktop.troubles,
    )


def _summary(desktop: Desktop) -> str:
    found = len(desktop.troubles)
    wrong = f"{count(found, 'thing')} to look at" if found else "nothing to look at"
    if desktop.codes is None:
        return f"codes not known, {wrong}"
    return f"{count(len(desktop.codes), 'code')}, {wrong}"


def _heads(desktop: Desktop) -> Iterator[Line]:
    place, after = desktop.place, desktop.after
    if place.prompt is not None:
        yield line("prompt: ", Said(place.prompt))
    if after is not None:
        yield line("must one be chosen: ", _MUST[after.must])
        yield line("how long: ", _time(place.timeout_ms) if after.timed else "", after.lasts)
        if after.ends:
            word: list[Part] = [": ", Said(after.recorded)] if after.recorded else []
            yield line("on time-out: ", after.ends, *word)
    if place.media is not None:
        yield line("media: ", Said(", ".join(place.media) or "none"))
    if desktop.codes:
        yield line("order: ", desktop.order)


def _time(milliseconds: int | None) -> str:
    return f"{seconds(milliseconds)}, " if milliseconds is not None else ""


def _codes(desktop: Desktop) -> Iterator[Line]:
    numbers = {one.choice.ident: number for number, one in enumerate(desktop.codes or (), 1)}
    for one in desktop.shown:
        parts: list[Part] = [f"{numbers[one.choice.ident]:>2}. ", Name(one.choice.name), "  "]
        parts.append(Said(one.choice.ident) if one.choice.declared is not None else "not declared")
        yield line(*parts, below=tuple(_of_code(one)))


def _of_code(one: Offered) -> Iterator[Line]:
    for system, value in sorted(one.records.items()):
        yield line(Said(system), " records ", *_value(value))
    for back in one.back:
        time = f", recorded as {seconds(back.duration_ms)}" if back.duration_ms is not None else ""
        yield line(Said(back.system), " leads back to it: ", Said(said(back.condition)), time)


def _value(value: Value | None) -> list[Part]:
    if value is None:
        return ["nothing"]
    return [Name(value.text), " by default" if value.default else ""]


def _timed_out(desktop: Desktop) -> Iterator[Section]:
    if desktop.timed_out and desktop.after is not None:
        lines = tuple(
            line(Said(system), " records ", *_value(value))
            for system, value in sorted(desktop.timed_out.items())
        )
        yield Section("When nobody chose in time", lines)


def _troubles(troubles: Sequence[Trouble]) -> Iterator[Section]:
    if troubles:
        lines = tuple(_trouble(one) for one in troubles)
        yield Section("To look at", lines, danger=True, count=len(troubles))


def _trouble(one: Trouble) -> Line:
    where = str(one.source) if one.source is not None else ""
    return line(one.odd.value, ": ", Said(one.text), mark="!", where=where)


def _data(desktop: Desktop) -> dict[str, object]:
    place, after = desktop.place, desktop.after
    return {
        "label": place.label or None,
        "name": place.name,
        "media": None if place.media is None else list(place.media),
        "contact": {"media": desktop.media or None, "skills": list(desktop.skills)},
        "prompt": place.prompt,
        "must_choose": after.must if after is not None else None,
        "timeout_ms": place.timeout_ms if after is None or after.timed else None,
        "lasts": after.lasts if after is not None else None,
        "on_timeout": after.ends if after is not None else None,
        "timeout_code": (after.recorded or None) if after is not None else None,
        "timeout_records": _records(desktop.timed_out),
        "ordered": desktop.ordered,
        "others_possible": place.more,
        "codes": None if desktop.codes is None else [_code_data(one) for one in desktop.shown],
        "problems": [
            {
                "kind": one.odd.name.lower(),
                "message": one.text,
                "source": json.source_data(one.source) if one.source is not None else None,
            }
            for one in desktop.troubles
        ],
        "notes": list(desktop.notes),
    }


def _code_data(one: Offered) -> dict[str, object]:
    declared = one.choice.declared
    return {
        "key": declared.key if declared is not None else None,
        "name": one.choice.name,
        "id": one.choice.ident.removeprefix("~") if declared is None else None,
        "category": declared.category if declared is not None else None,
        "tags": list(declared.tags) if declared is not None else [],
        "records": _records(one.records),
        "leads_back": [
            {
                "system": back.system,
                "when": {name: list(values) for name, values in back.condition},
                "duration_ms": back.duration_ms,
            }
            for back in one.back
        ],
    }


def _records(values: Mapping[str, Value | None]) -> dict[str, object]:
    return {
        system: None if value is None else {"value": value.text, "default": value.default}
        for system, value in sorted(values.items())
    }


# ── every queue ────────────────────────────────────────────────────────────────────────────────────────────

_HEAD = ("queue", "codes", "prompt", "must", "time", "to look at")


def matrix_text(
    desktops: Sequence[Desktop], state: State, *, width: int = text.WIDTH, colour: bool = False
) -> str:
    """Return all queues as a table, then what is wrong with each."""
    rows = [_HEAD, *(tuple(map(escape.name, _cells(one))) for one in desktops)]
    story = Story(
        title=("What agents of ", Said(state.org), f" are offered, {_ORIGIN[state.origin]} on {state.as_of}"),
        banner="this org is an emulation" if state.sandbox else "",
        summary=(_tally(desktops),),
        sections=(
            Section("Queues", tuple(_table(rows, width)), count=len(desktops)),
            *(
                Section("To look at on", tuple(map(_trouble, one.troubles)), about=(Name(one.place.name),))
                for one in desktops
                if one.troubles
            ),
        ),
        in_sync=not any(one.troubles for one in desktops),
    )
    return text.draw(story, width=width, colour=colour)


def matrix_markdown(desktops: Sequence[Desktop], state: State, *, budget: int = BUDGET) -> str:
    """Return all queues as a Markdown table, then what is wrong with each."""
    lines = ["> **SANDBOX**: this org is an emulation", ""] if state.sandbox else []
    lines += [
        f"### What agents of {escape.markdown(state.org)} are offered, {_ORIGIN[state.origin]} on {state.as_of}",
        "",
        f"**{_tally(desktops)}**",
        "",
        f"| {' | '.join(_HEAD)} |",
        f"|{' --- |' * len(_HEAD)}",
    ]
    for one in desktops:
        name, *rest = _cells(one)
        lines.append(f"| {escape.markdown_cell(name)} | {' | '.join(rest)} |")
    for one in desktops:
        if one.troubles:
            lines += ["", f"**{escape.markdown(one.place.name)}**", ""]
            lines += [
                f"- {plain(said.parts, as_markdown)}{_where(said)}" for said in map(_trouble, one.troubles)
            ]
    return _within(lines, budget)


def _tally(desktops: Sequence[Desktop]) -> str:
    found = sum(len(one.troubles) for one in desktops)
    wrong = f"{count(found, 'thing')} to look at" if found else "nothing to look at"
    return f"{count(len(desktops), 'queue')}, {wrong}"


def _cells(desktop: Desktop) -> list[str]:
    place, after = desktop.place, desktop.after
    timed = after is not None and after.timed and place.timeout_ms is not None
    return [
        place.name,
        "?" if desktop.codes is None else f"{len(desktop.codes):,}{'+' if place.more else ''}",
        place.prompt or "?",
        {"always": "yes", "never": "no", "on-request": "on request"}[after.must] if after else "?",
        seconds(place.timeout_ms or 0) if timed else "-",
        str(len(desktop.troubles)) if desktop.troubles else "-",
    ]


def _table(rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    """Cells that do not fit are cut in the first column, the only one that may be long."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(_HEAD))]
    spare = width - _INDENT - sum(widths[1:]) - _GAP * (len(widths) - 1)
    widths[0] = min(widths[0], max(spare, 10), _LONG)
    for number, row in enumerate(rows):
        cells = [_cut(row[0], widths[0]), *row[1:]]
        padded = (
            cell + " " * (most - cell_len(cell) + _GAP) for cell, most in zip(cells, widths, strict=True)
        )
        yield line("".join(padded).rstrip(), strong=number == 0)


def _cut(cell: str, most: int) -> str:
    while cell_len(cell) > most:
        cell = cell.removesuffix("…")[:-1] + "…"
    return cell


def _where(one: Line) -> str:
    return f" ({escape.markdown(one.where)})" if one.where else ""


def _within(lines: list[str], budget: int) -> str:
    used = 0
    for number, one in enumerate(lines):
        used += len(one.encode(errors="replace")) + 1
        if used > budget:
            left = len(lines) - number
            return "\n".join(
                [*lines[:number], "", f"… and {left:,} lines more: `wrapctl simulate` shows all", ""]
            )
    return "\n".join(lines) + "\n"
