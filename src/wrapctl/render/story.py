"""What a plan says, in the order a person wants to hear it; ``text`` and ``markdown`` draw it.

Summary, then what is dangerous, then the changes by code and by queue, then what is held back, what is not ours,
and what the apply will cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from wrapctl.errors import Problem
from wrapctl.model import Cause, Change, Fields, Lock, State, Verb
from wrapctl.plan.plan import Finding, Plan, Unmanaged
from wrapctl.render.evidence import beside, heads, taken_off
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, count, joined, line, some
from wrapctl.render.rows import crm_sections, removals
from wrapctl.render.values import field_lines, title, transition
from wrapctl.render.words import (
    CAUSES,
    CODES,
    COUNTED,
    DELETES,
    DOES,
    FEW,
    LINKS,
    LOCKS,
    MARKS,
    RESOURCES,
    code_name,
    counted,
    what,
)

FIRST = "Look at this first"
"""Title of the section that names what is dangerous."""


def plan_story(plan: Plan, *, tokens: bool = True) -> Story:
    """Return what ``plan`` says, in pieces. ``tokens``: say the way past a guard limit beside it."""
    return Story(
        title=(
            Said(plan.org),
            ": ",
            Name(plan.identity.name),
            " (organization ",
            Said(plan.identity.id),
            ")",
        ),
        banner="an emulation; nothing here reaches a real platform" if plan.identity.sandbox else "",
        head=tuple(_head(plan)),
        summary=tuple(summary(plan)),
        sections=tuple(section for section in _sections(plan, tokens=tokens) if section.lines),
        in_sync=not plan.pending and not plan.unread,
    )


def summary(plan: Plan) -> list[Part]:
    """Return the counts as a sentence: how much of what, what is held back, what is refused."""
    said: list[Part] = []
    held = ", ".join(_held_back(plan))
    if plan.pending:
        said += ["; ".join(", ".join(group) for group in _counts(plan) if group), "."]
        said += [f" Held back: {held}."] if held else []
    else:
        said += [
            "No changes. ",
            *(["What was read of "] if plan.unread else []),
            Said(plan.org),
            " is in sync",
        ]
        said.append(f", but for what is held back: {held}." if held else ".")
    if plan.refusals:
        said.append(f" Refused by {count(len(plan.refusals), 'guard limit')}.")
    return said


def cells(plan: Plan) -> tuple[str, str]:
    """Return the cells of one org in a table of several: what changes, and what is held back."""
    changes = "; ".join(", ".join(group) for group in _counts(plan) if group)
    refused = f"**refused by {count(len(plan.refusals), 'guard limit')}**" if plan.refusals else ""
    unread = f"**{count(len(plan.unread), 'CRM system')} not read**" if plan.unread else ""
    return changes or "no changes", ", ".join(text for text in (refused, unread, *_held_back(plan)) if text)


def _held_back(plan: Plan) -> list[str]:
    states = [change.state for change in plan.outstanding]
    unreviewed, blocked, manual = (states.count(one) for one in (State.HELD, State.BLOCKED, State.MANUAL))
    held = [f"{unreviewed:,} unreviewed"] if unreviewed else []
    held += [f"{blocked:,} blocked"] if blocked else []
    return held + ([count(manual, "manual step")] if manual else [])


def _counts(plan: Plan) -> Iterator[list[str]]:
    counts = dict(plan.counts)
    renames = sum(1 for change in plan.pending if change.renames)
    if renames:
        counts[Verb.UPDATE_CODE] -= renames
    codes = [counted(counts, verb) for verb in (Verb.CREATE_CODE, Verb.UPDATE_CODE)]
    codes.insert(1, f"{renames:,} to rename" if renames else "")
    codes += [counted(counts, verb) for verb in (Verb.DEACTIVATE_CODE, Verb.DELETE_CODE)]
    codes = [text for text in codes if text]
    if codes:
        codes[0] = f"Codes: {codes[0]}"
    yield codes
    links = [text for verb in LINKS if (text := counted(counts, verb))]
    if links and Verb.ASSIGN not in counts:
        links = [count(counts[Verb.UNASSIGN], "assignment") + " to take off"]
    yield links
    rest = [verb for verb in Verb if verb not in {*LINKS, *CODES}]
    yield [text for verb in rest if (text := counted(counts, verb))]


def _head(plan: Plan) -> Iterator[Line]:
    until = f", good until {plan.good_until.isoformat()}" if plan.good_until else ""
    yield line(f"Plan as of {plan.as_of.isoformat()}{until}. ", *_scope(plan))
    if plan.partly_visible:
        yield line(
            "This client sees only part of ",
            *some([[Said(name)] for name in plan.partly_visible], FEW),
            ": deletes and prune are refused there.",
            mark="!",
        )
    yield from heads(plan.evidence)
    for why in plan.unread:
        yield line(
            "Not read: ",
            Said(why),
            mark="!",
            below=[
                line(
                    "nobody knows whether its rows are in sync; deletes, and renames of codes mapped there, wait"
                )
            ],
        )


def _scope(plan: Plan) -> list[Part]:
    if plan.scope.whole:
        return ["The whole org."]
    said: list[list[Part]] = []
    for noun, names in (("code", plan.scope.codes), ("queue", plan.scope.queues)):
        if names is None:
            said.append([f"all {noun}s"])
        elif names:
            said.append([f"{count(len(names), noun)} (", *some([[Said(n)] for n in sorted(names)], FEW), ")"])
        else:
            said.append([f"no {noun}s"])
    return ["Scoped to ", *joined(said, " and "), "; percent limits and prune are left out."]


# ── sections ───────────────────────────────────────────────────────────────────────────────────────────────


def _sections(plan: Plan, *, tokens: bool) -> Iterator[Section]:
    yield Section(FIRST, tuple(_dangers(plan, tokens=tokens)), danger=True)
    codes = _grouped(change for change in plan.pending if _kind(change) == "code")
    lines = tuple(_code_line(change) for group in codes.values() for change in group)
    yield Section("Codes", lines, fold=True, count=len(lines))
    queues = _grouped(change for change in plan.pending if _kind(change) == "queue")
    yield Section(
        "Queues", tuple(_queue_line(group) for group in queues.values()), fold=True, count=len(queues)
    )
    yield from crm_sections(plan.pending)
    for state, heading in (
        (State.HELD, "Held: nobody reviewed this, so that it is not written"),
        (State.BLOCKED, "Blocked: not written until it is solved"),
        (State.MANUAL, "By hand"),
    ):
        held = [change for change in plan.outstanding if change.state is state]
        yield Section(heading, tuple(_held(held)), fold=True, count=len(held), danger=state is State.HELD)
    yield Section(
        "Warnings", tuple(_warning(one) for one in plan.warnings), fold=True, count=len(plan.warnings)
    )
    yield Section("Not managed here", tuple(_unmanaged(plan.unmanaged)), fold=True, count=len(plan.unmanaged))
    yield Section("Apply", tuple(_apply(plan)), fold=True)


def _dangers(plan: Plan, *, tokens: bool) -> Iterator[Line]:
    for finding in plan.findings:
        yield _finding(finding, plan.org, tokens=tokens)
    pending = plan.pending
    for change in pending:
        if change.verb in DELETES:
            known = beside(change, plan.evidence)
            yield line(*what(change), *_holders(change), mark="-", strong=True, below=known)
    yield from removals(pending)
    by_queue: dict[str, list[Change]] = {}
    for change in pending:
        if change.verb is Verb.UNASSIGN:
            by_queue.setdefault(change.parent or change.within, []).append(change)
    for group in sorted(by_queue.values(), key=lambda one: (one[0].within.casefold(), one[0].address)):
        off = some([code_name(change) for change in group], FEW)
        said = [f"take {count(len(group), 'code')} off ", Name(group[0].within), ": ", *off]
        yield line(*said, mark="-", below=taken_off(group, plan.evidence))
    for change in pending:
        if change.renames:
            yield line(*what(change), mark="~", below=beside(change, plan.evidence))
    for change in plan.steering:
        yield from _steering(plan, change)


def _steering(plan: Plan, change: Change) -> Iterator[Line]:
    """A changed field that steers the platform: what changes, and what that decides."""
    for name, steers in sorted(plan.behavioural.items()):
        if change.before.get(name) != change.after.get(name):
            parts = transition(name, change.before, change.after)
            why = line(title(name), " steers ", Said(steers))
            yield line(*code_name(change), ": ", title(name), " ", *parts, mark="~", strong=True, below=[why])


def _finding(finding: Finding, org: str, *, tokens: bool) -> Line:
    names = some([[Name(name)] for name in finding.names], FEW)
    told = not finding.names or finding.names[0] in finding.message
    below = [] if told else [line("this is: ", *names)]
    if finding.accepted is not None:
        below.append(line("accepted: ", Said(finding.accepted or "on the command line")))
        return line("allowed past the limit: ", Said(finding.message), mark="!", below=below)
    if finding.token and tokens:
        below.append(
            line(
                "if this is meant: ",
                Said(f"--allow {finding.token}"),
                ", or that token with a reason in ",
                Said(f"wrapups/{org}/allow.yaml"),
            )
        )
    elif not finding.token:
        below.append(line("there is no way past this one"))
    return line("REFUSED: ", Said(finding.message), mark="!", below=below, strong=True)


def _holders(change: Change) -> list[Part]:
    queues = change.before.get("queues")
    held = f", on {count(len(queues), 'queue')}" if isinstance(queues, tuple) and queues else ""
    if change.verb is Verb.DELETE_CODE:
        return [f"{held}. Final: a revert makes a new code, with a new id and no history"]
    if change.verb is Verb.DEACTIVATE_CODE:
        return [f"{held}. The platform deletes nothing: id and history stay, a revert reactivates it"]
    return [held] if held else []


def _grouped(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Group by the code or queue concerned, in the order of what people call them."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault("/".join(change.address.split("/")[:3]), []).append(change)
    return dict(sorted(found.items(), key=lambda item: (_title(item[1][0]).casefold(), item[0])))


def _title(change: Change) -> str:
    return change.within or change.label


def _kind(change: Change) -> str:
    return change.address.split("/", 2)[1] if "/" in change.address else ""


def _code_line(change: Change) -> Line:
    flags = [": ", *transition("outbound", change.before, change.after)] if _flags(change) else []
    return line(
        *what(change),
        *flags,
        *_because(change),
        mark=MARKS[change.verb],
        where=str(change.source or ""),
        below=field_lines(*_told(change)),
    )


def _flags(change: Change) -> bool:
    return change.verb is Verb.SET_OUTBOUND


def _told(change: Change) -> tuple[Fields, Fields]:
    """The sides of a change without what its heading says already, and without what was never there."""
    if _flags(change) or change.verb is Verb.DEACTIVATE_CODE:
        return {}, {}
    hidden = {"queues"} if change.verb is Verb.UPDATE_CODE and not change.renames else {"queues", "name"}
    if change.verb is Verb.CREATE_CODE or (change.reactivates and not change.renames):
        hidden |= {"active"}
    whole = bool(change.before and change.after)
    before, after = (
        {key: value for key, value in side.items() if key not in hidden and (whole or value is not None)}
        for side in (change.before, change.after)
    )
    return before, after


def _queue_line(group: list[Change]) -> Line:
    below: list[Line] = []
    for verb in LINKS:
        causes: dict[Cause, list[Change]] = {}
        for change in group:
            if change.verb is verb:
                causes.setdefault(change.cause, []).append(change)
        below += [_links(verb, cause, members) for cause, members in causes.items()]
    for change in group:
        if change.verb is Verb.REORDER:
            below.append(line("reorder its codes", mark="~"))
        elif change.verb not in LINKS:
            parts = joined(one.parts for one in field_lines(change.before, change.after))
            below.append(line(f"{DOES[change.verb]}: ", *parts, mark=MARKS[change.verb]))
    first = group[0]
    sources = sorted({str(change.source) for change in group if change.source})
    label = unquote(first.address.split("/")[2])
    same = label.startswith("~") or label == first.within
    known: list[Part] = [] if same else [" (", Said(label), ")"]
    return line(Name(first.within), *known, where=sources[0] if sources else "", below=below)


def _links(verb: Verb, cause: Cause, members: list[Change]) -> Line:
    why = f" ({CAUSES[cause]})" if cause in CAUSES else ""
    names = joined(code_name(change) for change in sorted(members, key=lambda one: one.label.casefold()))
    return line(f"{DOES[verb]}{why}: ", *names, mark=MARKS[verb])


def _resource(name: str, system: str) -> list[Part]:
    return [name, " of ", Said(system)] if system else [name]


def _because(change: Change) -> list[Part]:
    return [f", {CAUSES[change.cause]}"] if change.cause in CAUSES else []


# ── what is not written ────────────────────────────────────────────────────────────────────────────────────


def _held(changes: list[Change]) -> Iterator[Line]:
    """One line for each reason, so that a queue that was not found is one line and not a line for each code."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.within, change.reason), []).append(change)
    for (about, reason), members in groups.items():
        where = next((str(change.source) for change in members if change.source), "")
        if len(members) == 1:
            yield line(*what(members[0]), mark="?", where=where, below=[line(Said(reason))])
            continue
        verbs: dict[Verb, int] = {}
        for change in members:
            verbs[change.verb] = verbs.get(change.verb, 0) + 1
        counted = ", ".join(_times(verb, number) for verb, number in verbs.items())
        subject: list[Part] = [Name(about), f": {counted}"] if about else [counted]
        names = [] if about else [": ", *some([code_name(change) for change in members], FEW)]
        yield line(*subject, *names, mark="?", where=where, below=[line(Said(reason))])


def _times(verb: Verb, number: int) -> str:
    if verb is Verb.ASSIGN:
        return count(number, "assignment") + " to add"
    return counted({verb: number}, verb) if verb in COUNTED else f"{number:,} × {verb.value}"


def _warning(problem: Problem) -> Line:
    below = [line(Said(problem.hint))] if problem.hint else []
    return line(Said(problem.message), mark="!", where=str(problem.source), below=below)


_KINDS = frozenset({"code", "queue", "row"})
_WHY = {
    "undeclared": "not in the files, left alone",
    "protected": "protected, never touched",
    "reserved": "the platform's own, never touched",
    "ignored": "ignored by the files",
    "kept": "no longer in the files, and kept as `on_remove` says",
    "foreign": "not wrapctl's, never touched",
}


def _unmanaged(unmanaged: tuple[Unmanaged, ...]) -> Iterator[Line]:
    groups: dict[tuple[str, str, str], list[Unmanaged]] = {}
    for one in unmanaged:
        groups.setdefault((one.kind, one.why, one.within), []).append(one)
    for (kind, why, within), members in groups.items():
        names = some([[Name(one.name)] for one in members if one.name], FEW)
        counted = count(sum(one.count for one in members), kind if kind in _KINDS else "object")
        place: list[Part] = ["of ", Said(within), " "] if within else []
        yield line(f"{counted} ", *place, _WHY.get(why) or Said(why), *([": ", *names] if names else []))


def _apply(plan: Plan) -> Iterator[Line]:
    if not plan.pending:
        return
    cost, minutes = plan.estimate, plan.estimate.minutes
    time = "under a minute" if minutes < 1 else f"about {count(round(minutes), 'minute')}"
    requests = f"{count(cost.requests, 'request')} ({cost.writes:,} writing, {cost.reads:,} reading)"
    yield line(f"Cost: {requests}, {time} at the org's limit.")
    for lock in Lock:
        found = {(change.system, change.verb) for change in plan.pending if change.lock is lock}
        resources = [
            _resource(name, system)
            for system in sorted({system for system, _ in found})
            for name, verbs in RESOURCES.items()
            if any((system, verb) in found for verb in verbs)
        ]
        if resources:
            how = "Lock" if lock is not Lock.SENT else "No lock:"
            yield line(f"{how} {lock.value} on ", *joined(resources), f": {LOCKS[lock]}.")
