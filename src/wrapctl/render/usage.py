"""How often codes are used, as text, bars, CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from rich.cells import cell_len, set_cell_size

from wrapctl.evidence.usage import Note, Row, UsageTold
from wrapctl.render import escape, json, text
from wrapctl.render.evidence import clock
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, count, line, some
from wrapctl.render.sheet import sheet

COLUMNS: Final = (
    "org",
    "since",
    "until",
    "queue_id",
    "queue",
    "code_id",
    "code",
    "key",
    "category",
    "tags",
    "contacts",
    "share",
    "average_handle_seconds",
    "average_acw_seconds",
    "note",
)
BLOCKS: Final = " ▏▎▍▌▋▊▉█"
ASCII: Final = " #"
"""Bars where the output can hold nothing else."""

_FEW = 20
_NARROW = 70
_LABEL = 40


def as_text(
    told: UsageTold,
    *,
    width: int = text.WIDTH,
    colour: bool = False,
    chart: bool = False,
    blocks: str = BLOCKS,
) -> str:
    """Return the figures as text: a table for each queue or, with ``chart``, a bar for each code; then what is odd.

    ``blocks`` are what bars are made of, from empty to full.
    """
    sections = list(_bars(told, width, blocks)) if chart else list(_tables(told, width))
    story = Story(
        title=("Usage of ", Said(told.org), ": ", Name(told.identity.name)),
        banner="an emulation; nobody was served" if told.identity.sandbox else "",
        head=(line("From ", Said(told.since), " to ", Said(told.until), *_asked(told), "."),),
        summary=tuple(_summary(told)),
        sections=tuple(one for one in (*sections, *_odd(told)) if one.lines),
    )
    return text.draw(story, width=width, colour=colour)


def as_csv(told: UsageTold) -> str:
    """Return a line for each code on each queue; codes that nobody chose have one without a queue."""
    rows: list[tuple[object, ...]] = [
        (
            *(told.org, told.since, told.until, row.queue_id, row.queue, row.code_id, row.code, row.key),
            *(row.category, row.tags, row.contacts, round(row.share, 4), *_seconds(row), row.note.value),
        )
        for row in told.rows
    ]
    rows += [
        (
            *(told.org, told.since, told.until, "", "", one.code_id, one.code, one.key),
            *(one.category, one.tags, 0, None, None, None, "not used"),
        )
        for one in told.unused
    ]
    return sheet(COLUMNS, rows)


def as_json(told: UsageTold) -> str:
    """Return the figures for machines (``schemas/usage.schema.json``)."""
    outside = set(told.outside)
    return json.dumps(
        {
            "kind": "wrapctl.usage",
            "version": json.VERSION,
            "org": told.org,
            "organization": {
                "id": told.identity.id,
                "name": told.identity.name,
                "sandbox": told.identity.sandbox,
            },
            "since": told.since,
            "until": told.until,
            "queues": list(told.queues),
            "contacts": told.contacts,
            "rows": [
                {
                    "queue": {"id": row.queue_id, "name": row.queue},
                    "code": {"id": row.code_id, "name": row.code, "key": row.key or None},
                    "category": row.category or None,
                    "tags": list(row.tags),
                    "contacts": row.contacts,
                    "share": round(row.share, 4),
                    **dict(
                        zip(("average_handle_seconds", "average_acw_seconds"), _seconds(row), strict=True)
                    ),
                    "note": row.note.value,
                    "outside": row in outside,
                }
                for row in told.rows
            ],
            "unused": [
                {
                    "code": {"id": one.code_id, "name": one.code, "key": one.key or None},
                    "category": one.category or None,
                    "tags": list(one.tags),
                }
                for one in told.unused
            ],
            "timed_out": [
                {
                    "queue": {"id": one.queue_id, "name": one.queue},
                    "contacts": one.contacts,
                    "of": one.of,
                    "share": round(one.share, 4),
                }
                for one in told.timed_out
            ],
        }
    )


def _seconds(row: Row) -> tuple[float | None, float | None]:
    return (
        None if row.handle is None else round(row.handle, 1),
        None if row.acw is None else round(row.acw, 1),
    )


def _asked(told: UsageTold) -> list[Part]:
    return [", on ", *some([[Name(name)] for name in told.queues], _FEW)] if told.queues else []


def _summary(told: UsageTold) -> Iterator[Part]:
    codes = {row.code_id for row in told.rows if row.note not in {Note.NONE, Note.OWN}}
    queues = {row.queue_id for row in told.rows}
    yield f"{count(told.contacts, 'contact')} on {count(len(queues), 'queue')}, {count(len(codes), 'code')} used"
    yield f", {len(told.unused):,} not." if told.unused else "."


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def _tables(told: UsageTold, width: int) -> Iterator[Section]:
    """Yield a table for each queue: figures first, so that a long name has the rest of the line."""
    wide = width >= _NARROW
    head = "contacts  share" + ("  handled  after-call" if wide else "") + "  code"
    for queue, members in groupby(told.rows, key=lambda row: (row.queue_id, row.queue)):
        rows = tuple(members)
        lines = [line(head), *(line(*_figures(row, wide=wide), *_code(row)) for row in rows)]
        total = sum(row.contacts for row in rows)
        about: tuple[Part, ...] = (Name(queue[1]),) if queue[0] else ("no queue",)
        yield Section("On", tuple(lines), count=total, about=about)


def _figures(row: Row, *, wide: bool) -> Iterator[Part]:
    yield f"{row.contacts:>8,}  {row.share:>5.0%}  "
    if wide:
        yield f"{clock(row.handle):>7}  {clock(row.acw):>10}  "


def _code(row: Row) -> Iterator[Part]:
    if not row.code_id:
        yield "no code"
        return
    yield Name(row.code)
    if row.key and row.key != row.code:
        yield from (" (", Said(row.key), ")")
    if row.category:
        yield from (", ", Said(row.category))
    if row.note:
        yield f": {row.note.value}"


# ── bars ───────────────────────────────────────────────────────────────────────────────────────────────────


def _bars(told: UsageTold, width: int, blocks: str) -> Iterator[Section]:
    """Yield a bar for each code, over all queues, the longest first; the label takes what a narrow screen leaves."""
    sums: dict[str, int] = {}
    names: dict[str, str] = {}
    for row in told.rows:
        sums[row.code_id] = sums.get(row.code_id, 0) + row.contacts
        names[row.code_id] = row.code
    if not sums:
        return
    ordered = sorted(sums, key=lambda one: (-sums[one], names[one].casefold(), one))
    most = sums[ordered[0]]
    labels = {one: escape.name(names[one]) or "no code" for one in ordered}
    number = len(f"{most:,}")
    room = max(width, _LABEL) - 2
    column = min(max(cell_len(label) for label in labels.values()), _LABEL, room * 2 // 5)
    bar = max(4, room - column - number - 2)
    lines = [
        line(
            f"{_cut(labels[one], column)} {sums[one]:>{number},} {drawn(sums[one] / most, bar, blocks)}".rstrip()
        )
        for one in ordered
    ]
    yield Section("Contacts by code", tuple(lines), count=told.contacts)


def _cut(label: str, column: int) -> str:
    if cell_len(label) > column:
        return set_cell_size(label, max(column - 1, 1)) + "…"
    return set_cell_size(label, column)


def drawn(share: float, width: int, blocks: str = BLOCKS) -> str:
    """Return a bar of ``share`` (0 to 1) of ``width`` columns; what is more than nothing is seen."""
    steps = len(blocks) - 1
    full, rest = divmod(round(share * width * steps), steps)
    if share > 0 and not full and not rest:
        rest = 1
    return blocks[-1] * full + (blocks[rest] if rest else "")


# ── what is odd ────────────────────────────────────────────────────────────────────────────────────────────


def _odd(told: UsageTold) -> Iterator[Section]:
    outside = [
        line(*_code(row), f", {count(row.contacts, 'contact')} on ", Name(row.queue)) for row in told.outside
    ]
    yield _section("Used outside of the queues that declare them", outside)
    timed = [
        line(
            Name(one.queue),
            f": {one.share:.0%} of {count(one.of, 'contact')} ({one.contacts:,})",
            mark="!" if one.share >= 0.5 else "",
        )
        for one in told.timed_out
    ]
    yield _section("Time ran out before a code was chosen", timed)
    declared = [one for one in told.unused if one.key]
    others = [one for one in told.unused if not one.key]
    yield _section("Never used", [line(Name(one.code), " (", Said(one.key), ")") for one in declared])
    yield _section("Never used, and not in the files", [line(Name(one.code)) for one in others])


def _section(title: str, lines: Sequence[Line]) -> Section:
    shown: Iterable[Line] = lines[:_FEW]
    more = [line(f"and {len(lines) - _FEW:,} more")] if len(lines) > _FEW else []
    return Section(title, (*shown, *more), count=len(lines))
