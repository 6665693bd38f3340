"""CRM mappings as text, Markdown and JSON: what each code is called in each system, then what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from wrapctl.evidence.mapping import Cell, Finding, MappingCheck, Odd, System
from wrapctl.render import escape, json, text
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, as_markdown, count, line, plain

BUDGET = 60_000
"""Characters of one Markdown document, so that a comment can hold it."""

_GAP = 2
_INDENT = 2
_LONG = 40
"""Columns of one cell of the table; longer ones are cut there, and whole where there is a line for each."""

_TITLES = {
    Odd.UNREAD: "Not read",
    Odd.UNMAPPED: "Codes without a value",
    Odd.BACK: "Values that come back as another code",
    Odd.NEVER: "Rules that never match",
    Odd.UNUSED: "Values that nothing uses",
}


def as_text(check: MappingCheck, *, width: int = text.WIDTH, colour: bool = False) -> str:
    """Return the mappings as text: a table where it fits into ``width``, else some lines for each code."""
    table = tuple(_table(check, width)) if check.systems else ()
    sections = [Section("What codes are called", table, count=len(check.names))] if table else []
    story = Story(
        title=("CRM mappings of ", Said(check.org)),
        banner=_banner(check),
        head=tuple(_heads(check)),
        summary=_summary(check),
        sections=(*sections, *_sections(check)),
        in_sync=not check.findings,
    )
    return text.draw(story, width=width, colour=colour)


def as_markdown_text(check: MappingCheck, *, budget: int = BUDGET) -> str:
    """Return the mappings as Markdown: what is odd first, then the table, as far as ``budget`` characters allow."""
    lines = [f"> **SANDBOX**: {_banner(check)}", ""] if check.sandbox else []
    lines += [
        f"### CRM mappings of {escape.markdown(check.org)}",
        "",
        f"**{plain(_summary(check), as_markdown)}**",
        "",
    ]
    lines += [f"- {plain(one.parts, as_markdown)}" for one in _heads(check)]
    for section in _sections(check):
        lines += ["", f"**{section.heading(as_markdown)}**", ""]
        lines += [f"- {plain(one.parts, as_markdown)}{_where(one)}" for one in section.lines]
    if check.systems:
        names = " | ".join(escape.markdown_cell(system.name) for system in check.systems)
        lines += ["", f"| code | name | {names} |", f"|{' --- |' * (len(check.systems) + 2)}"]
        for key, name in sorted(check.names.items()):
            cells = " | ".join(_cell_markdown(system.cells.get(key)) for system in check.systems)
            lines.append(f"| {escape.markdown_cell(key)} | {escape.markdown_cell(name)} | {cells} |")
    return _within(lines, budget)


def as_json(check: MappingCheck) -> str:
    """Return the mappings for machines."""
    return json.dumps(
        {
            "kind": "wrapctl.crm-check",
            "version": json.VERSION,
            "org": check.org,
            "live": check.live,
            "sandbox": check.sandbox,
            "systems": [
                {
                    "system": system.name,
                    "target": system.target,
                    "connection": system.connection,
                    "rules": system.rules,
                    "read": system.read,
                    "compared": system.compared,
                    "rest": dict(sorted(system.rest.items())),
                }
                for system in check.systems
            ],
            "codes": [
                {
                    "key": key,
                    "name": name,
                    "values": {
                        system.name: {"value": cell.value, "default": cell.default}
                        for system in check.systems
                        if (cell := system.cells.get(key)) is not None
                    },
                }
                for key, name in sorted(check.names.items())
            ],
            "findings": [
                {
                    "odd": one.odd.name.lower(),
                    "system": one.system,
                    "code": one.code,
                    "value": one.value,
                    "back": one.back,
                    "text": one.text,
                    "mine": one.mine,
                    "source": json.source_data(one.source) if one.source is not None else None,
                }
                for one in check.findings
            ],
        }
    )


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────


def _banner(check: MappingCheck) -> str:
    return "the rows were read from an emulation" if check.sandbox else ""


def _summary(check: MappingCheck) -> tuple[Part, ...]:
    if not check.systems:
        return ("the files of this org have no CRM mapping",)
    what = f"{count(len(check.names), 'code')}, {count(len(check.systems), 'system')}: "
    found = len(check.findings)
    return (what + (f"{count(found, 'thing')} to look at" if found else "nothing to look at"),)


def _heads(check: MappingCheck) -> Iterator[Line]:
    for system in check.systems:
        own = sum(not cell.default for key, cell in system.cells.items() if key in check.names)
        parts: list[Part] = [Said(system.name), f": {system.target}"]
        if system.connection:
            parts += [" on ", Said(system.connection)]
        parts.append(f", {count(own, 'code')} mapped")
        if rest := [cell for cell in system.cells.values() if cell.default]:
            parts += [f", {len(rest):,} by default ", Name(rest[0].value)]
        if system.rules:
            parts.append(f", {count(system.rules, 'rule')} back")
        if system.rest:
            many = "of its values come" if len(system.rest) > 1 else "of its values comes"
            parts.append(f"; {len(system.rest):,} {many} back only by the rule for the rest, as ")
            parts += _listed(sorted(set(system.rest.values())))
        if not system.compared:
            parts.append("; rows are sent, and cannot be read back")
        yield line(*parts)


def _listed(keys: Sequence[str]) -> Iterator[Part]:
    for number, key in enumerate(keys):
        if number:
            yield ", "
        yield Said(key)


def _sections(check: MappingCheck) -> Iterator[Section]:
    for odd, title in _TITLES.items():
        found = check.of(odd)
        if found:
            lines = tuple(_finding(one, several=len(check.systems) > 1) for one in found)
            yield Section(title, lines, danger=odd is Odd.UNREAD, count=len(found))


def _finding(one: Finding, *, several: bool) -> Line:
    where = str(one.source) if one.source is not None else ""
    before: tuple[Part, ...] = (Said(one.system), ": ") if several or one.odd is Odd.UNREAD else ()
    parts: list[Part]
    match one.odd:
        case Odd.UNREAD:
            parts = [Said(one.text)]
        case Odd.UNMAPPED:
            parts = [Said(one.code)]
        case Odd.BACK:
            parts = [Said(one.code), " is ", Name(one.value), ", which comes back as ", Said(one.back)]
        case Odd.NEVER:
            parts = [Said(one.text)]
        case Odd.UNUSED:
            parts = _unused(one)
    return line(*before, *parts, where=where)


def _unused(one: Finding) -> list[Part]:
    if one.code:
        return [Said(one.code), " is ", Name(one.value), ": ", Said(one.text)]
    whose = "made by wrapctl" if one.mine else "not made by wrapctl"
    value: list[Part] = [Name(one.value)] if one.value else ["a row"]
    if one.text == "live":
        return [*value, f": live, {whose}, and no code maps to it"]
    return [*value, ": the live row ", Said(one.text), f", {whose}, is not in the files"]


# ── the table ──────────────────────────────────────────────────────────────────────────────────────────────


def _table(check: MappingCheck, width: int) -> Iterator[Line]:
    head = ["code", "name", *(escape.name(system.name) for system in check.systems)]
    rows = [
        [
            escape.name(key),
            _cut(escape.name(name)),
            *(_cut(_cell_text(system.cells.get(key))) for system in check.systems),
        ]
        for key, name in sorted(check.names.items())
    ]
    widths = [max(cell_len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    if sum(widths) + _GAP * (len(widths) - 1) + _INDENT > width:
        yield from _stacked(check)
        return
    for row in [head, *rows]:
        padded = (cell + " " * (most - cell_len(cell) + _GAP) for cell, most in zip(row, widths, strict=True))
        yield line("".join(padded).rstrip(), strong=row is head)


def _stacked(check: MappingCheck) -> Iterator[Line]:
    for key, name in sorted(check.names.items()):
        below = [_called(system, system.cells.get(key)) for system in check.systems]
        yield line(Said(key), "  ", Name(name), below=below)


def _called(system: System, cell: Cell | None) -> Line:
    if cell is None:
        return line(Said(system.name), ": -")
    return line(Said(system.name), ": ", Name(cell.value), " (default)" if cell.default else "")


def _cut(cell: str) -> str:
    return cell if cell_len(cell) <= _LONG else cell[: _LONG - 1] + "…"


def _cell_text(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return escape.name(cell.value) + (" (default)" if cell.default else "")


def _cell_markdown(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return escape.markdown_cell(cell.value) + (" (default)" if cell.default else "")


def _where(one: Line) -> str:
    return f" ({escape.markdown(one.where)})" if one.where else ""


def _within(lines: list[str], budget: int) -> str:
    used = 0
    for number, one in enumerate(lines):
        used += len(one.encode()) + 1
        if used > budget:
            left = len(lines) - number
            return "\n".join(
                [*lines[:number], "", f"… and {left:,} lines more: `wrapctl crm check` shows all", ""]
            )
    return "\n".join(lines) + "\n"
