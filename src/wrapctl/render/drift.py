"""Drift as text, Markdown and JSON: what was changed by hand and by whom, apart from all that is nobody's doing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from wrapctl.errors import WrapctlError
from wrapctl.evidence.attribution import Who
from wrapctl.evidence.told import Told
from wrapctl.model import Change, State, Verb
from wrapctl.plan.file import change_data, unmanaged_data
from wrapctl.render import markdown
from wrapctl.render.json import VERSION, dumps, error_data, problem_data
from wrapctl.render.parts import Line, Name, Part, Said, Section, Story, count, joined, line, some
from wrapctl.render.rows import row
from wrapctl.render.text import WIDTH, draw
from wrapctl.render.values import field_lines, shown, transition
from wrapctl.render.words import FEW, MARKS, code_name, key, what
from wrapctl.targets.interface import AuditEntry

KIND = "wrapctl.drift"
_SECONDS = re.compile(r"\.[0-9]{3}Z$")
_QUIET = frozenset({"queues", "key", "direction", "system", "code_id"})


def text(told: Told, *, width: int = WIDTH, colour: bool = False) -> str:
    """Return the drift of one org as text."""
    return draw(story(told), width=width, colour=colour)


def one_markdown(told: Told, *, budget: int = markdown.BUDGET) -> str:
    """Return the drift of one org as Markdown of at most ``budget`` characters."""
    return markdown.draw(story(told), budget=budget, artefact="")


def many_markdown(found: Sequence[Told], failed: Sequence[tuple[str, str]] = ()) -> str:
    """Return the drift of several orgs in one document; ``failed`` could not be looked at, and why."""
    stories = [(one.drift.org, _cells(one), story(one)) for one in found]
    return markdown.several(stories, failed, markdown.BUDGET, "")


def story(told: Told) -> Story:
    """Return what is told of one org, in pieces."""
    drift = told.drift
    return Story(
        title=(
            Said(drift.org),
            ": ",
            Name(drift.identity.name),
            " (organization ",
            Said(drift.identity.id),
            ")",
        ),
        banner="an emulation; nothing here reaches a real platform" if drift.identity.sandbox else "",
        head=tuple(_head(told)),
        summary=tuple(_summary(told)),
        sections=tuple(section for section in _sections(told) if section.lines),
        in_sync=not drift.drifted and not drift.unread,
    )


def _head(told: Told) -> Iterator[Line]:
    yield line("Live against ", Said(told.against), ".")
    if told.unknown and told.drift.changes:
        yield line("Who did it is not known: ", Said(told.unknown), mark="!")
    for note in told.notes:
        yield line(Said(note), mark="!")


def _summary(told: Told) -> list[Part]:
    drift = told.drift
    if drift.changes:
        said: list[Part] = [f"{count(len(drift.changes), 'change')} made on the platform."]
    elif drift.unread:
        said = ["No drift in what was read of ", Said(drift.org), "."]
    else:
        said = ["No drift: ", Said(drift.org), " is as it was applied."]
    rest = _rest(told)
    return [*said, f" Apart from that: {', '.join(rest)}."] if rest else said


def _rest(told: Told) -> list[str]:
    drift = told.drift
    found = (
        (len(drift.due), "due by a validity date"),
        (len(drift.pending), "merged and not applied"),
        (len(drift.outstanding), "held back"),
    )
    told_of = [f"{number:,} {words}" for number, words in found if number]
    return [*told_of, *([f"{count(len(drift.unread), 'CRM system')} not read"] if drift.unread else [])]


def _cells(told: Told) -> tuple[str, str]:
    drift = told.drift
    changes = count(len(drift.changes), "change") + " by hand" if drift.changes else "no drift"
    return changes, ", ".join(_rest(told))


def _sections(told: Told) -> Iterator[Section]:
    drift = told.drift
    yield Section("Changed on the platform", tuple(_drifted(told)), danger=True)
    left = tuple(line(*_happened(one.change), mark="!", below=[line(Said(one.why))]) for one in told.left)
    yield Section("Not taken over into the files", left, danger=True)
    adopted = tuple(line(*_happened(one), mark=_mark(one)) for one in told.adopted)
    yield Section("Taken over into the files", adopted, fold=True, count=len(adopted))
    for heading, changes in (
        ("Due: a validity date came", drift.due),
        ("Pending: in the files, and not applied yet", drift.pending),
        ("Outstanding: held back, or left to a person", drift.outstanding),
    ):
        yield Section(heading, tuple(_waiting(changes)), fold=True, count=len(changes))
    unread = tuple(line(Said(why), mark="!") for why in drift.unread)
    yield Section("Not read: nobody knows whether it drifted", unread)
    unmanaged = tuple(_unmanaged(told))
    yield Section("Not managed here", unmanaged, fold=True, count=len(drift.unmanaged))
    warnings = tuple(
        line(
            Said(one.message),
            mark="!",
            where=str(one.source),
            below=[line(Said(one.hint))] if one.hint else [],
        )
        for one in drift.warnings
    )
    yield Section("Warnings", warnings, fold=True, count=len(warnings))


# ── what was done by hand ──────────────────────────────────────────────────────────────────────────────────


def _drifted(told: Told) -> Iterator[Line]:
    for change in told.drift.changes:
        below = [*_fields(change)]
        if not told.unknown:
            who = told.who.get(change.id, Who(why="it was not asked for"))
            below += [*_became(who), _by(who)]
        yield line(*_happened(change), mark=_mark(change), where=str(change.source or ""), below=below)


def _mark(change: Change) -> str:
    """Return the mark of what happened, which is the other way round of what apply would do."""
    return {"+": "-", "-": "+"}.get(MARKS[change.verb], MARKS[change.verb])


def _happened(change: Change) -> list[Part]:
    """What somebody did: the change is what would undo it."""
    verb = change.verb
    if change.renames:
        return ["renamed ", *transition("name", change.after, change.before), *key(change)]
    if verb is Verb.UPDATE_CODE:
        did = "deactivated " if change.reactivates else "changed "
        return [did, *code_name(change)]
    if verb in {Verb.ASSIGN, Verb.UNASSIGN}:
        word = "taken off " if verb is Verb.ASSIGN else "put on "
        return [word, Name(change.within), ": ", *code_name(change)]
    if verb is Verb.REORDER:
        return ["another order on ", Name(change.label)]
    if verb is Verb.SET_ACW:
        return ["after-call work of ", Name(change.label)]
    if verb is Verb.SET_OUTBOUND:
        return ["outbound flags of ", *code_name(change)]
    if change.system:
        words = {Verb.CREATE_ROW: "row gone", Verb.UPDATE_ROW: "row changed"}
        said = row(change) if verb not in {Verb.CREATE_TABLE, Verb.EXTEND_TABLE} else [Name(change.label)]
        return [words.get(verb, f"undone: {verb.value}"), " in ", Said(change.system), ": ", *said]
    if verb is Verb.CREATE_CODE:
        return ["removed or renamed ", *code_name(change)]
    return ["there again ", *code_name(change)]


def _fields(change: Change) -> Iterator[Line]:
    """The fields that differ, from what was applied to what is live."""
    if not (change.before and change.after) or change.verb in {Verb.REORDER, Verb.DEACTIVATE_CODE}:
        return
    hidden = _QUIET | ({"name"} if change.renames else set())
    after, before = (
        {name: value for name, value in side.items() if name not in hidden}
        for side in (change.after, change.before)
    )
    if shown(after, before):
        yield from field_lines(after, before)


def _became(who: Who) -> Iterator[Line]:
    """What a code is called now, that is not gone but renamed."""
    for name, _, new in who.entry.changes if who.entry is not None and who.became else ():
        if name == "name" and new:
            yield line("renamed: it goes on as ", Name(new[0]))


def _by(who: Who) -> Line:
    if who.entry is None:
        return line("who did it is not known: ", Said(who.why))
    sure: list[Part] = [] if who.sure else [" (the latest that is known of it)"]
    return line("by ", *_actor(who, who.entry), " at ", Said(_SECONDS.sub("Z", who.entry.at)), *sure)


def _actor(who: Who, entry: AuditEntry) -> list[Part]:
    if who.ours:
        return ["the client of this run, by wrapctl or whoever else has its credentials"]
    if not entry.actor_id:
        return [Name(entry.actor_name)] if entry.actor_name else ["somebody whom the platform does not name"]
    kind = "client " if entry.actor_kind == "client" else "user "
    named: list[Part] = [Name(entry.actor_name), " (", kind, Said(entry.actor_id), ")"]
    return named if entry.actor_name else [kind, Said(entry.actor_id)]


# ── what is nobody's doing ─────────────────────────────────────────────────────────────────────────────────


def _waiting(changes: Iterable[Change]) -> Iterator[Line]:
    for change in changes:
        held = change.state is not State.READY
        below = [line(Said(change.reason))] if held and change.reason else []
        mark = "?" if held else MARKS[change.verb]
        yield line(*what(change), mark=mark, where=str(change.source or ""), below=below)


def _unmanaged(told: Told) -> Iterator[Line]:
    groups: dict[tuple[str, str, str], list[list[Part]]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for one in told.drift.unmanaged:
        group = (one.kind, one.why, one.within)
        groups.setdefault(group, []).extend([[Name(one.name)]] if one.name else [])
        counts[group] = counts.get(group, 0) + one.count
    for (kind, why, within), names in groups.items():
        noun = kind if kind in {"code", "queue", "row"} else "object"
        place: list[Part] = [" of ", Said(within)] if within else []
        listed = joined([some(names, FEW)]) if names else []
        yield line(
            count(counts[kind, why, within], noun),
            *place,
            ", ",
            Said(why),
            *([": ", *listed] if names else []),
        )


# ── for machines ───────────────────────────────────────────────────────────────────────────────────────────


def as_data(told: Told) -> dict[str, object]:
    """Return the drift of one org as plain data (``schemas/drift.schema.json``)."""
    drift = told.drift
    identity = drift.identity
    return {
        "kind": KIND,
        "version": VERSION,
        "org": drift.org,
        "organization": {"id": identity.id, "name": identity.name, "sandbox": identity.sandbox},
        "applied": drift.applied or None,
        "against": told.against,
        "drifted": drift.drifted,
        "changes": [
            {"change": change_data(change), "who": _who_data(told, change)} for change in drift.changes
        ],
        "who_unknown": told.unknown or None,
        "due": [change_data(change) for change in drift.due],
        "pending": [change_data(change) for change in drift.pending],
        "outstanding": [change_data(change) for change in drift.outstanding],
        "unmanaged": [unmanaged_data(one) for one in drift.unmanaged],
        "unread": list(drift.unread),
        "warnings": [problem_data(one) for one in drift.warnings],
        "notes": list(told.notes),
        "adopted": [{"verb": one.verb.value, "address": one.address} for one in told.adopted],
        "not_adopted": [
            {"verb": one.change.verb.value, "address": one.change.address, "why": one.why}
            for one in told.left
        ],
        "files": list(told.files),
    }


def _who_data(told: Told, change: Change) -> dict[str, object] | None:
    who = told.who.get(change.id)
    if who is None:
        return None
    entry = who.entry
    return {
        "why_unknown": who.why or None,
        "at": entry.at if entry else None,
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name or None}
        if entry
        else None,
        "own_client": who.ours,
        "sure": who.sure and entry is not None,
        "action": entry.action if entry else None,
        "request_id": (entry.request_id or None) if entry else None,
    }


def as_json(found: Sequence[Told], failed: Sequence[tuple[str, WrapctlError]] = ()) -> str:
    """Return the drift of one org, or of several with those that could not be looked at."""
    if len(found) == 1 and not failed:
        return dumps(as_data(found[0]))
    return dumps(
        {
            "kind": "wrapctl.drifts",
            "version": VERSION,
            "drifts": [as_data(one) for one in found],
            "failed": [{"org": org, **error_data(error)} for org, error in failed],
        }
    )
