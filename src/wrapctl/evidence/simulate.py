"""What an agent's desktop offers after a contact on a queue, what the CRM records then, and what is wrong with it.

Pure: one form of the state comes in (``offering``), whether the files say it, a platform holds it or a saved plan
would leave it, and the platform's words as plain data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from wrapctl.config import rules
from wrapctl.config.spec_crm import ANY
from wrapctl.errors import Source
from wrapctl.evidence.offering import Choice, Place, State, System, Value, leads
from wrapctl.model import Fields
from wrapctl.plan.matching import fold
from wrapctl.targets.desk import AfterContact, Desk


class Odd(StrEnum):
    """What can be wrong with what an agent is offered, in the order in which it is told."""

    EMPTY = "a code must be chosen, and none is offered"
    NOT_OFFERED = "not offered"
    MEDIA = "media type that the queue does not serve"
    SKILL = "skill that is not this queue's"
    UNUSED_QUEUE = "inactive queue"
    PROMPT = "unknown prompt"
    TIMEOUT = "timeout that the platform does not take"
    LAPSED = "outside its dates"
    UNMAPPED = "unmapped"
    DEFAULT = "default that is not offered"
    NEVER_ASKED = "codes that nobody is asked for"
    UNREAD = "not read"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: ``text`` says it whole. ``source`` is where the files decide it, where they do."""

    odd: Odd
    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What a platform's desktop does, and which timeouts it takes. ``step_ms``: it counts in multiples of that."""

    title: str
    ordered: bool
    desk: Desk
    timeout_ms: tuple[int, int] = (0, 86_400_000)
    step_ms: int = 1


@dataclass(frozen=True, slots=True)
class Back:
    """A CRM status, or several facts, that lead to a code, and what is recorded as the time that it took."""

    system: str
    condition: rules.Condition
    duration_ms: int | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """One code on the desktop. ``records``: system → what it records, None for nothing. ``back``: what leads to it."""

    choice: Choice
    records: Mapping[str, Value | None] = field(default_factory=dict)
    back: tuple[Back, ...] = ()


@dataclass(frozen=True, slots=True)
class Desktop:
    """What an agent of one queue finds after a contact.

    ``codes`` are in the order of the desktop, None where nobody knows; ``ordered``: the platform keeps an order. ``after`` is None where the prompt is not
    known. ``timed_out``: system → what it records for whoever has chosen nothing in time. ``unasked`` are codes that
    are on the queue, though the prompt asks for none.
    """

    state: State
    place: Place
    codes: tuple[Offered, ...] | None
    after: AfterContact | None
    order: str
    ordered: bool = False
    timed_out: Mapping[str, Value | None] = field(default_factory=dict)
    unasked: tuple[str, ...] = ()
    media: str = ""
    skills: tuple[str, ...] = ()
    code: str = ""
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[Offered, ...]:
        """The codes that were asked about: all, or the one that was named."""
        return tuple(one for one in self.codes or () if self.code in {"", one.choice.ident})

    def offers(self, ident: str) -> bool:
        """Whether a code is offered."""
        return any(one.choice.ident == ident for one in self.codes or ())


def simulate(
    state: State, words: Words, place: Place, *, media: str = "", skills: Sequence[str] = (), code: str = ""
) -> Desktop:
    """Return what an agent of ``place`` is offered after a contact.

    ``media`` and ``skills`` are those of the contact, ``code`` the one that is asked about, by key or name.
    """
    after = words.desk.prompts.get(place.prompt) if place.prompt is not None else None
    held = _in_order(state, words, place)
    asks = after is None or after.offers
    ident = state.ident(code) if code else ""
    codes = None if held is None else tuple(_offered(state, one) for one in held) if asks else ()
    desktop = Desktop(
        state=state,
        place=place,
        codes=codes,
        after=after,
        order=words.desk.order,
        ordered=words.ordered,
        timed_out=_timed_out(state, after, place),
        unasked=() if asks else tuple(one.ident for one in held or ()),
        media=media,
        skills=tuple(skills),
        code=ident,
    )
    troubles = sorted(_troubles(desktop, words), key=_rank)
    return replace(desktop, troubles=tuple(troubles), notes=tuple(_notes(desktop, words)))


_RANK: Final = {odd: number for number, odd in enumerate(Odd)}


def _rank(one: Trouble) -> tuple[int, str]:
    return _RANK[one.odd], one.text


def matrix(state: State, words: Words) -> tuple[Desktop, ...]:
    """Return what the agents of every queue are offered."""
    return tuple(simulate(state, words, place) for place in state.queues)


def _in_order(state: State, words: Words, place: Place) -> list[Choice] | None:
    if place.codes is None:
        return None
    found = [state.choices.get(one) or Choice(one, one.removeprefix("~")) for one in place.codes]
    found = [one for one in found if one.active]
    return found if words.ordered else sorted(found, key=lambda one: (fold(one.name), one.name, one.ident))


def _offered(state: State, choice: Choice) -> Offered:
    back = [
        Back(system.name, condition, _number(row.get("duration_ms")), str(row.get("key")))
        for system in state.systems
        for condition, row in leads(system)
        if row.get("code") == choice.ident
    ]
    records = {one.name: one.value(choice.ident) for one in state.systems if _is_known(one)}
    return Offered(choice, records, tuple(back))


def _is_known(system: System) -> bool:
    return not system.unknown or bool(system.values) or system.rest is not None


def _timed_out(state: State, after: AfterContact | None, place: Place) -> Mapping[str, Value | None]:
    """What the platform puts in place of a code is none of ours: a CRM knows it as what is not mapped."""
    if after is None or not after.recorded or place.timeout_ms == 0:
        return {}
    return {one.name: one.rest for one in state.systems if _is_known(one)}


def answer(system: System, facts: Mapping[str, str]) -> tuple[str | None, Fields | None]:
    """Return the code that the facts of a CRM record lead to, and the rule that says so; None where none holds."""
    row = rules.first_row(system.rules, facts)
    code = row.get("code") if row is not None else None
    return (code if isinstance(code, str) else None), row


# ── what is wrong ──────────────────────────────────────────────────────────────────────────────────────────


def _troubles(desktop: Desktop, words: Words) -> Iterator[Trouble]:
    place, after = desktop.place, desktop.after
    queue = f'"{place.name}"'
    if not place.active:
        yield Trouble(
            Odd.UNUSED_QUEUE, f"the queue {queue} is inactive on the platform", place.sources.get("queue")
        )
    if desktop.codes == () and after is not None and after.must != "never":
        yield Trouble(
            Odd.EMPTY,
            f"the prompt {place.prompt} asks for a code, and the list is empty",
            place.sources.get("codes"),
        )
    if desktop.unasked:
        many = len(desktop.unasked)
        yield Trouble(
            Odd.NEVER_ASKED,
            f"the prompt {place.prompt} asks for no code, so that the {many} on this queue are never chosen",
            place.sources.get("prompt"),
        )
    if desktop.code and desktop.codes is not None and not desktop.offers(desktop.code):
        yield Trouble(Odd.NOT_OFFERED, f"{_named(desktop)} is not offered here", place.sources.get("codes"))
    yield from _of_contact(desktop, words)
    yield from _of_work(place, words)
    yield from _of_dates(desktop)
    for system in desktop.state.systems:
        yield from _of_system(desktop, system)


def _named(desktop: Desktop) -> str:
    choice = desktop.state.choices.get(desktop.code)
    return f'{desktop.code} "{choice.name}"' if choice is not None else desktop.code


def _of_contact(desktop: Desktop, words: Words) -> Iterator[Trouble]:
    place = desktop.place
    if desktop.media and place.media is not None and desktop.media not in place.media:
        serves = ", ".join(place.media) or "nothing"
        yield Trouble(
            Odd.MEDIA, f"the queue serves {serves}, not {desktop.media}", place.sources.get("media")
        )
    if words.desk.queues_are_skills:
        for skill in desktop.skills:
            if skill not in {place.name, place.label}:
                yield Trouble(Odd.SKILL, f'a contact of the skill "{skill}" is not this queue\'s')


def _of_work(place: Place, words: Words) -> Iterator[Trouble]:
    if place.prompt is None:
        return
    does = words.desk.prompts.get(place.prompt)
    if does is None:
        yield Trouble(Odd.PROMPT, f"{words.title} has no prompt {place.prompt}", place.sources.get("prompt"))
        return
    low, high = words.timeout_ms
    at = place.sources.get("timeout")
    time = place.timeout_ms
    if time is None:
        return
    if not does.timed:
        # A live one that is not in use is the platform's own leftover; in files somebody meant it.
        if "timeout" in place.sources and place.sources["timeout"] != place.sources.get("queue"):
            yield Trouble(Odd.TIMEOUT, f"the prompt {place.prompt} has no timeout", at)
    elif not low <= time <= high:
        yield Trouble(
            Odd.TIMEOUT,
            f"the timeout of {seconds(time)} is outside {seconds(low)} to {seconds(high)}",
            at,
        )
    elif time % words.step_ms:
        yield Trouble(
            Odd.TIMEOUT, f"the timeout of {seconds(time)} is no multiple of {seconds(words.step_ms)}", at
        )


def _of_dates(desktop: Desktop) -> Iterator[Trouble]:
    for key in desktop.place.lapsed:
        code = desktop.state.choices[key].declared
        if code is None:
            continue
        days = f"{code.valid_from or '…'} to {code.valid_through or '…'}"
        on = "still offered" if desktop.offers(key) else "not offered"
        yield Trouble(
            Odd.LAPSED, f"{key} is {on} on {desktop.state.as_of}: it is valid from {days}", code.source
        )


def _of_system(desktop: Desktop, system: System) -> Iterator[Trouble]:
    if system.unknown:
        yield Trouble(Odd.UNREAD, f"{system.name}: {system.unknown}", system.source)
    if not _is_known(system):
        return
    if system.complete:
        for one in desktop.shown:
            if one.records.get(system.name) is None:
                yield Trouble(
                    Odd.UNMAPPED, f"{system.name} records nothing for {one.choice.ident}", one.choice.source
                )
    rest = next((row for condition, row in leads(system) if condition == ()), None)
    if rest is None or not desktop.codes:
        return
    code = str(rest.get("code"))
    if not desktop.offers(code):
        yield Trouble(
            Odd.DEFAULT,
            f"{system.name} leads every other status back to {code}, which this queue does not offer",
            system.sources.get(str(rest.get("key"))),
        )


# ── what is said beside it ─────────────────────────────────────────────────────────────────────────────────


def _notes(desktop: Desktop, words: Words) -> Iterator[str]:
    place, state = desktop.place, desktop.state
    if place.codes is None:
        yield f"which codes are offered is not known: {place.unknown}"
    elif place.more:
        yield "the platform may offer other codes as well: the list of the files is `additive`"
    if place.prompt is None:
        why = (
            "the files do not manage after-call work"
            if state.origin == "files"
            else "the platform does not say"
        )
        yield f"whether one must be chosen is not known: {why}"
    elif desktop.after is not None and desktop.after.timed and place.timeout_ms is None:
        yield "how long is not known: without a timeout the platform may fill in one of its own"
    if desktop.media and place.media is None:
        who = "the files do" if state.origin == "files" else "the platform does"
        yield f"whether the queue serves {desktop.media} is not known: {who} not say"
    if desktop.skills:
        yield f"--skill: {words.desk.skills}"
    yield from state.notes


def seconds(milliseconds: int) -> str:
    """``45s``, ``2m``, ``1m30s``, ``500ms``: as files write it."""
    if milliseconds % 1000:
        return f"{milliseconds}ms"
    minutes, left = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if count]
    return "".join(parts) or "0s"


def said(condition: rules.Condition) -> str:
    """Return a condition in words: ``status = CLOSED``, ``*`` for every other case."""
    if not condition:
        return ANY
    return " and ".join(f"{name} = {' or '.join(values)}" for name, values in condition)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
