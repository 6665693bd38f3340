"""What an apply did, in the order a person wants to hear it: what went wrong, then what was done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wrapctl.apply.report import GOOD, Entry, Report, Status, past
from wrapctl.errors import Exit
from wrapctl.model import ROW_VERBS, Verb
from wrapctl.plan.diff import differing
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, count, line, some
from wrapctl.render.values import field_lines, shown, title, value
from wrapctl.render.words import FEW, LINKS, MARKS, code_name

_OUTSTANDING = (Status.BLOCKED, Status.MANUAL)
_ABSENT = "not there"


def report_story(report: Report) -> Story:
    """Return what ``report`` says, in pieces."""
    return Story(
        title=(Said(report.org), ": ", *_summary(report)),
        head=tuple(_head(report)),
        summary=(", ".join(f"{number:,} {status.value}" for status, number in report.totals.items()) + ".",)
        if report.entries
        else ("Nothing to do.",),
        sections=tuple(section for section in _sections(report) if section.lines),
        in_sync=not report.exit_code,
    )


def report_cells(report: Report) -> tuple[str, str]:
    """Return the cells of one org in a table of several: what was done, and what is left."""
    done = [f"{number:,} {status.value}" for status, number in report.totals.items()]
    left = "stopped early" if report.fatal else ""
    if report.unread and not left:
        left = f"{len(report.unread)} not read"
    return ", ".join(done) or "nothing to do", left


def _summary(report: Report) -> list[Part]:
    if report.stale:
        return ["stale, nothing was written"]
    if report.interrupted:
        return ["interrupted; run it again to continue"]
    if report.fatal:
        return ["stopped early"]
    if not report.exit_code:
        return ["applied"]
    if report.unread and all(status in GOOD or status in _OUTSTANDING for status in report.totals):
        return ["applied, but for what could not be read"]
    if report.exit_code is Exit.REFUSED:
        good = any(status in GOOD for status in report.totals)
        return ["applied, but for what nobody reviewed" if good else "held, nothing was written"]
    wrote = Status.DONE in report.totals
    return ["partly applied; run it again to continue" if wrote else "nothing was applied"]


def _head(report: Report) -> Iterator[Line]:
    yield line("Run ", Said(report.run), ", organization ", Said(report.organization_id))
    if report.fatal:
        below = [line(Said(report.hint))] if report.hint else []
        yield line("Stopped: ", Said(report.fatal), mark="!", below=below, strong=True)
    elif report.hint:
        yield line(Said(report.hint), mark="!")
    for system in report.unread:
        yield line("Not read, so neither done nor in sync: ", Said(system), mark="!", strong=True)
    if report.unended:
        runs = some([[Said(run)] for run in report.unended], FEW)
        yield line("Earlier runs that never wrote their end: ", *runs, mark="!")


def _sections(report: Report) -> Iterator[Section]:
    by_status: dict[Status, list[Entry]] = {}
    for entry in report.entries:
        by_status.setdefault(entry.status, []).append(entry)
    yield _section("Stale: neither as planned nor as wanted", by_status, Status.STALE, danger=True)
    yield Section(
        "Held: nobody reviewed this, so that it was not written",
        tuple(_trouble(entry) for entry in by_status.get(Status.HELD, [])),
        danger=True,
        count=len(by_status.get(Status.HELD, [])),
    )
    yield _section("Failed", by_status, Status.FAILED, danger=True)
    yield _section("Unknown: sent, and no answer settled it", by_status, Status.UNKNOWN, danger=True)
    yield Section(
        "Left to you: written, and the platform did not take it",
        tuple(
            _by_reason([replace(entry, message=entry.hint or entry.message) for entry in report.attempted])
        ),
        danger=True,
        count=len(report.attempted),
    )
    overwrites = [entry for entry in report.entries if entry.overwritten]
    yield Section(
        "Possible overwrite: members changed that nobody here touched",
        tuple(_overwrite(entry) for entry in overwrites),
        danger=True,
        count=len(overwrites),
    )
    kept = tuple(_drift(entry) for entry in report.drift)
    yield Section("Live values kept: the files want others", kept, danger=True, count=len(kept))
    for status, heading in ((Status.SKIPPED, "Skipped"), (Status.NOT_ATTEMPTED, "Not attempted")):
        held = by_status.get(status, [])
        yield Section(heading, tuple(_by_reason(held)), fold=True, count=len(held))
    done = by_status.get(Status.DONE, [])
    yield Section("Done", tuple(_done(done)), fold=True, count=len(done))
    already = by_status.get(Status.ALREADY, [])
    yield Section("Already done", tuple(_done(already)), fold=True, count=len(already))
    left = [entry for status in _OUTSTANDING for entry in by_status.get(status, []) if not entry.attempted]
    yield Section("Outstanding, as planned", tuple(_by_reason(left)), fold=True, count=len(left))
    yield Section("Traffic", tuple(_traffic(report)), fold=True)


def _section(heading: str, entries: dict[Status, list[Entry]], status: Status, *, danger: bool) -> Section:
    found = entries.get(status, [])
    return Section(heading, tuple(_trouble(entry) for entry in found), danger=danger, count=len(found))


def _trouble(entry: Entry) -> Line:
    below = [line(Said(entry.message))] if entry.message else []
    if entry.status is Status.STALE:
        below += _three_values(entry)
    elif entry.status is Status.HELD and entry.now is not None:
        below += _three_values(entry, "reviewed from")
    elif entry.status is Status.HELD:
        below += field_lines(entry.planned, entry.wanted)
    if entry.answer is not None and str(entry.answer) not in entry.message:
        below.append(line("the platform: ", Said(str(entry.answer))))
    elif entry.request_id and entry.request_id not in entry.message:
        below.append(line("request ", Said(entry.request_id)))
    if entry.hint:
        below.append(line(Said(entry.hint)))
    return line(entry.verb.value, " ", *_named(entry), mark="!", below=below, strong=True)


def _three_values(entry: Entry, then: str = "planned from") -> list[Line]:
    """``name: planned from "a", live now "b", wanted "c"`` for each field that moved or was to move."""
    now = entry.now or {}
    keys = shown(entry.planned, entry.wanted)
    moved = differing(entry.planned, now) if entry.now is not None else ()
    keys += [key for key in moved if key not in keys]
    if entry.now is None:
        return [line("live now: ", _ABSENT if entry.planned else "not looked at")]
    found = []
    for key in keys:
        three = [
            value(key, side[key]) if key in side else [_ABSENT] for side in (entry.planned, now, entry.wanted)
        ]
        found.append(
            line(title(key), f": {then} ", *three[0], ", live now ", *three[1], ", wanted ", *three[2])
        )
    return found


def _overwrite(entry: Entry) -> Line:
    members = some([[Said(member)] for member in entry.overwritten], FEW)
    note = line("the body from before is in the journal: compare it, and put back what was lost")
    return line(*_named(entry), ": ", *members, mark="!", below=[note])


def _drift(entry: Entry) -> Line:
    below = []
    for key in entry.drift:
        live = entry.now or {}
        said = value(key, live[key]) if key in live else [_ABSENT]
        below.append(
            line(title(key), ": live ", *said, ", the files want ", *value(key, entry.wanted.get(key)))
        )
    return line(*_named(entry), mark="!", below=below)


def _done(entries: list[Entry]) -> Iterator[Line]:
    """One line for each change, but one for all links of a queue, or rows of a system, that ended alike."""
    links: dict[tuple[Verb, str, str], list[Entry]] = {}
    rows: dict[tuple[Verb, str], list[Entry]] = {}
    for entry in entries:
        if entry.verb in ROW_VERBS:
            rows.setdefault((entry.verb, entry.within), []).append(entry)
        elif entry.verb in LINKS:
            links.setdefault((entry.verb, entry.within, entry.address.split("/code/")[0]), []).append(entry)
        else:
            on = " on " if entry.verb in {Verb.SET_ACW, Verb.SET_OUTBOUND} else " "
            yield line(past(entry.verb), on, *_named(entry), mark=MARKS[entry.verb])
    for (verb, system), members in rows.items():
        names = some([[Said(entry.label)] for entry in members], len(members))
        counted = count(len(members), "row")
        yield line(
            f"{counted} {past(verb).removeprefix('row ')} in ", Said(system), ": ", *names, mark=MARKS[verb]
        )
    for (verb, within, _), members in links.items():
        names = some([code_name(entry) for entry in members], len(members))
        word = "to" if verb is Verb.ASSIGN else "from"
        yield line(past(verb), f" {word} ", Name(within), ": ", *names, mark=MARKS[verb])


def _by_reason(entries: list[Entry]) -> Iterator[Line]:
    """One line for each reason, so that a queue or a system that is not there is one line and not a hundred."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.within, entry.message), []).append(entry)
    for (within, message), members in groups.items():
        verbs = {entry.verb for entry in members}
        where: list[Part] = [" on ", Name(within)] if within and within != members[0].label else []
        if len(verbs) > 1:
            said = some([[entry.verb.value, " ", *code_name(entry)] for entry in members], FEW) + where
        elif len(members) > 1:
            names = some([code_name(entry) for entry in members], FEW)
            said = [f"{len(members):,} × {members[0].verb.value}", *where, ": ", *names]
        else:
            said = [f"{members[0].verb.value} ", *code_name(members[0]), *where]
        yield line(*said, mark="?", below=[line(Said(message))] if message else [])


def _named(entry: Entry) -> list[Part]:
    named = code_name(entry)
    if entry.within and entry.within != entry.label:
        named += [" on ", Name(entry.within)]
    return named


def _traffic(report: Report) -> Iterator[Line]:
    total = sum(report.requests.values())
    if not total:
        return
    waited = f", {report.waited:.1f} s waited" if report.waited >= 0.05 else ""
    retries = f", {count(report.retries, 'retry', 'retries')}" if report.retries else ""
    limits = f", {count(report.limits, 'wait')} on a limit" if report.limits else ""
    yield line(f"{count(total, 'request')}{retries}{limits}{waited}.")
    if report.journal:
        yield line("Journal: ", Said(report.journal))
