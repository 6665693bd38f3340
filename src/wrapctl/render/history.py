r"""An org's history as text, JSON Lines and CSV: what was done by hand first, then what wrapctl did, run by run.

For the compliance archive: the columns of CSV and the members of JSON Lines are the same, in one fixed order.
A cell of CSV that a spreadsheet would take for a formula (it begins with ``= + - @``, or what looks like one of them)
gets an apostrophe in front, and so does one that begins with an apostrophe; what does not print stands as ``\xNN``.
JSON Lines have every text as it is.
"""

from __future__ import annotations

import json as plain_json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from wrapctl.evidence.history import By, History, Record
from wrapctl.evidence.journalled import Run
from wrapctl.render import text
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, count, line
from wrapctl.render.sheet import sheet

COLUMNS: Final = (
    "org",
    "at",
    "by",
    "actor_kind",
    "actor_id",
    "actor_name",
    "kind",
    "action",
    "object_id",
    "object_name",
    "parent_id",
    "codes",
    "categories",
    "tags",
    "changes",
    "run",
    "run_actor",
    "commit",
    "pull_requests",
    "verb",
    "address",
    "result",
    "request_id",
    "source",
    "note",
)
"""New ones are added at the end."""

_MOST: Final = 4
"""So many changed fields are told on one line of text."""

_TITLES: Final = {
    By.HAND: "By hand",
    By.OTHER: "By another client",
    By.CLIENT: "By wrapctl's client, and not in this journal",
    By.UNKNOWN: "By nobody that the platform names",
}
_WHOSE: Final = {
    By.WRAPCTL: "by wrapctl",
    By.CLIENT: "by wrapctl's client and not journalled",
    By.OTHER: "by another client",
    By.HAND: "by hand",
    By.UNKNOWN: "by nobody that is named",
}


# ── for machines ───────────────────────────────────────────────────────────────────────────────────────────


def as_jsonl(history: History, records: Iterable[Record]) -> str:
    """Return one JSON object on a line for each record; ASCII alone, so that no name can move a cursor."""
    rows = (_row(history, one) for one in records)
    return "".join(plain_json.dumps(row, ensure_ascii=True) + "\n" for row in rows)


def as_csv(history: History, records: Iterable[Record]) -> str:
    """Return a table with a head line (RFC 4180, but for line ends); lists are joined by ``;``."""
    return sheet(COLUMNS, (list(_row(history, one).values()) for one in records))


def _row(history: History, one: Record) -> dict[str, object]:
    run = one.run
    values: tuple[object, ...] = (
        history.org,
        one.at,
        one.by.name.lower(),
        one.actor_kind,
        one.actor_id or None,
        one.actor_name or None,
        one.kind,
        one.action,
        one.object_id,
        one.object_name or None,
        one.parent or None,
        list(one.codes),
        list(one.categories),
        list(one.tags),
        [{"field": name, "old": list(old), "new": list(new)} for name, old, new in one.changes],
        run.name if run is not None else None,
        run.actor if run is not None and history.names else None,
        (run.commit or None) if run is not None else None,
        list(run.pulls) if run is not None else [],
        one.verb or None,
        one.address or None,
        one.result or None,
        one.request_id or None,
        one.source,
        one.note or None,
    )
    return dict(zip(COLUMNS, values, strict=True))


# ── for people ─────────────────────────────────────────────────────────────────────────────────────────────


def as_text(
    history: History, *, hand_only: bool = False, width: int = text.WIDTH, colour: bool = False
) -> str:
    """Return the history as text; ``hand_only``: without what wrapctl did."""
    sections = [
        Section(title, tuple(_line(one) for one in found), danger=by is By.HAND, count=len(found))
        for by, title in _TITLES.items()
        if (found := history.by(by))
    ]
    if not hand_only:
        sections += list(_runs(history))
    if history.broken:
        lines = tuple(line(Said(one), mark="!") for one in history.broken)
        sections.insert(
            0, Section("The journal is broken: what follows there is not believed", lines, danger=True)
        )
    notes = tuple(line(Said(one)) for one in _notes(history))
    if notes:
        sections.append(Section("Not told", notes))
    story = Story(
        title=(
            "History of ",
            Said(history.org),
            f", {history.since:%Y-%m-%d %H:%M} to {history.until:%Y-%m-%d %H:%M} UTC",
        ),
        banner="this org is an emulation" if history.sandbox else "",
        summary=(_summary(history),),
        sections=tuple(sections),
        in_sync=not history.by(By.HAND, By.OTHER, By.CLIENT, By.UNKNOWN) and not history.broken,
    )
    return text.draw(story, width=width, colour=colour)


def _summary(history: History) -> str:
    if not history.records:
        return "no changes"
    whose = ", ".join(f"{number:,} {_WHOSE[by]}" for by, number in history.counts.items())
    return f"{count(len(history.records), 'change')}: {whose}"


def _notes(history: History) -> Iterator[str]:
    yield from history.untold
    alone = Counter(one.note for one in history.records if one.source == "journal")
    for why, number in sorted(alone.items()):
        yield f"{count(number, 'change')} of wrapctl's by the journal alone: {why}"
    if history.left_out:
        yield f"{count(history.left_out, 'entry', 'entries')} of the trail about what these files cannot say"


def _runs(history: History) -> Iterator[Section]:
    """Yield a section for each run of wrapctl, oldest first."""
    runs: dict[Run, list[Record]] = {}
    for one in history.by(By.WRAPCTL):
        if one.run is not None:
            runs.setdefault(one.run, []).append(one)
    for run, records in runs.items():
        about: list[Part] = [Said(run.name)]
        if run.commit:
            about += [", commit ", Said(run.commit[:12] + ("+" if run.commit.endswith("+") else ""))]
        if run.pulls:
            about.append(f", pull request {', '.join(f'#{number}' for number in run.pulls)}")
        if history.names and run.actor:
            about += [", by ", Said(run.actor)]
        lines = tuple(_line(one) for one in records)
        yield Section("By wrapctl, run", lines, about=tuple(about), count=len(records))


def _line(one: Record) -> Line:
    parts: list[Part] = [Said(one.at), " "]
    if one.by is not By.WRAPCTL:
        parts += [*_actor(one), ": "]
    aside = one.by is By.WRAPCTL and one.source == "platform" and bool(one.note)
    parts += [Said(one.action if aside else one.verb or one.action), " "]
    parts += [Said(one.kind), " "] if aside or not one.verb else []
    parts += _object(one)
    # Of what is new everything is new: its name says enough here, and the other formats have it all.
    made = one.action.startswith("create") and one.kind != "assignment"
    for number, (field, old, new) in enumerate(() if made else one.changes[:_MOST]):
        parts += [", " if number else "  ", Said(field), ": ", *_values(old), " → ", *_values(new)]
    if not made and len(one.changes) > _MOST:
        parts.append(f" and {len(one.changes) - _MOST} more")
    if one.tags:
        parts += ["  [", Said(", ".join(one.tags)), "]"]
    below = [line(Said(one.note))] if one.note and one.source == "platform" else []
    return line(*parts, mark="!" if one.by is By.HAND else "", below=tuple(below))


def _object(one: Record) -> list[Part]:
    if one.source == "journal":
        return [Said(one.address)]
    found: list[Part] = [Name(one.object_name) if one.object_name else Said(one.object_id)]
    if one.codes and one.kind != "assignment":
        found += [" (", Said(", ".join(one.codes)), ")"]
    return found


def _actor(one: Record) -> list[Part]:
    word = {"user": "user ", "client": "client ", "unknown": "somebody"}[one.actor_kind]
    if one.actor_kind == "unknown" and not (one.actor_id or one.actor_name):
        return [word]
    named: list[Part] = [" ", Name(one.actor_name)] if one.actor_name else []
    return [word.rstrip() + " ", Said(one.actor_id or "without an id"), *named]


def _values(values: tuple[str, ...]) -> list[Part]:
    if not values:
        return ["nothing"]
    shown: list[Part] = []
    for number, value in enumerate(values[:_MOST]):
        shown += [", " if number else "", Name(value)]
    return [*shown, f" and {len(values) - _MOST} more" if len(values) > _MOST else ""]
