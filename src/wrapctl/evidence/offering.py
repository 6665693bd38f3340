"""What a queue offers, in one form, whether the files say it, a platform holds it, or a saved plan would leave it.

Pure: the files and what was read come in. A code is known by its key where the files declare it, by ``~id`` where
they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal

from wrapctl.config import rules
from wrapctl.empty import Empty
from wrapctl.errors import Source
from wrapctl.model import Code, CrmMapping, Desired, Fields, Live, LiveCode, LiveQueue, Queue, Scope
from wrapctl.plan.view import View, look
from wrapctl.rows import TO_CRM, Rows
from wrapctl.targets.interface import Capabilities

Origin = Literal["files", "live", "plan"]
NOWHERE: Mapping[str, Source] = Empty()
NOT_MANAGED: Final = "the files do not manage it"


@dataclass(frozen=True, slots=True)
class Choice:
    """A code that agents may be offered. ``ident`` is its key, or ``~id`` where the files do not declare it."""

    ident: str
    name: str
    declared: Code | None = None
    active: bool = True

    @property
    def source(self) -> Source | None:
        """Where the files declare it."""
        return self.declared.source if self.declared is not None else None


@dataclass(frozen=True, slots=True)
class Place:
    """A queue and what an agent of it finds after a contact.

    ``codes`` are idents in the order that is kept, None where nobody knows, and ``unknown`` says why. ``more``: other
    codes may be on it too. ``lapsed`` are on its list and outside their dates. ``prompt`` and ``timeout_ms`` are None
    where they are not known, ``media`` too. ``sources``: codes, prompt, timeout, media, queue → where the files say it.
    """

    label: str
    name: str
    codes: tuple[str, ...] | None
    unknown: str = ""
    more: bool = False
    lapsed: tuple[str, ...] = ()
    prompt: str | None = None
    timeout_ms: int | None = None
    media: tuple[str, ...] | None = None
    active: bool = True
    sources: Mapping[str, Source] = NOWHERE


@dataclass(frozen=True, slots=True)
class Value:
    """What a CRM records for a code; ``default``: by the value for all that have none of their own."""

    text: str
    default: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class System:
    """One CRM: a code's ident → its value, the value for the rest, the rules back in the order in which they are tried.

    ``unknown`` says why its rows are not known. ``complete``: each code has to have a value. ``sources``: key of a
    rule → where the files say it.
    """

    name: str
    values: Mapping[str, Value]
    rest: Value | None = None
    rules: tuple[Fields, ...] = ()
    unknown: str = ""
    complete: bool = True
    sources: Mapping[str, Source] = NOWHERE
    source: Source | None = None

    def value(self, ident: str) -> Value | None:
        """Return what is recorded for a code, None for nothing."""
        return self.values.get(ident, self.rest)


@dataclass(frozen=True, slots=True)
class State:
    """One org in one form.

    ``choices`` are all codes by ident, ``queues`` are sorted by label, those that the files do not declare last.
    """

    org: str
    origin: Origin
    as_of: date
    choices: Mapping[str, Choice]
    queues: tuple[Place, ...]
    systems: tuple[System, ...] = ()
    notes: tuple[str, ...] = ()
    sandbox: bool = False
    by_name: Mapping[str, str] = field(default_factory=dict)

    def find(self, queue: str) -> Place | None:
        """Return the queue of this label, else of this name."""
        labelled = next((one for one in self.queues if one.label == queue), None)
        return labelled or next((one for one in self.queues if one.name == queue), None)

    def ident(self, code: str) -> str:
        """Return the ident of a code that is named by key or by name; what is unknown stays as it is."""
        return code if code in self.choices else self.by_name.get(code, code)


def _state(
    org: str,
    origin: Origin,
    as_of: date,
    choices: Iterable[Choice],
    queues: Iterable[Place],
    systems: Iterable[System],
    *,
    notes: Iterable[str] = (),
    sandbox: bool = False,
) -> State:
    known = {one.ident: one for one in choices}
    return State(
        org=org,
        origin=origin,
        as_of=as_of,
        choices=known,
        queues=tuple(sorted(queues, key=lambda one: (not one.label, one.label, one.name))),
        systems=tuple(systems),
        notes=tuple(notes),
        sandbox=sandbox,
        by_name={one.name: one.ident for one in known.values()},
    )


# ── the files ──────────────────────────────────────────────────────────────────────────────────────────────


def of_files(
    desired: Desired,
    as_of: date,
    *,
    places: Mapping[str, Source] = NOWHERE,
    incomplete: frozenset[str] = frozenset(),
) -> State:
    """Return what the files say, once it is applied on ``as_of``.

    ``places`` tells where each value was written, by path (``queues.LABEL.after_call_work.prompt``). ``incomplete``
    are the systems in which codes need no value.
    """
    codes = {code.key: code for code in desired.codes if not code.absent}
    return _state(
        desired.org,
        "files",
        as_of,
        (Choice(key, code.name, code) for key, code in codes.items()),
        (_declared(queue, codes, as_of, places) for queue in desired.queues),
        (_mapped(one, incomplete) for one in desired.crm),
    )


def _declared(queue: Queue, codes: Mapping[str, Code], as_of: date, places: Mapping[str, Source]) -> Place:
    listed = queue.codes
    lapsed = tuple(key for key in listed or () if not codes[key].valid_on(as_of))
    work = queue.after_call_work or {}
    return Place(
        label=queue.label,
        name=queue.name,
        codes=None if listed is None else tuple(key for key in listed if key not in lapsed),
        unknown=NOT_MANAGED if listed is None else "",
        more=queue.additive,
        lapsed=lapsed,
        prompt=_text(work.get("prompt")),
        timeout_ms=_number(work.get("timeout_ms")),
        media=queue.media,
        sources=_sources(queue, places),
    )


def _sources(queue: Queue, places: Mapping[str, Source]) -> Mapping[str, Source]:
    path = f"queues.{queue.label}"
    found = {"queue": queue.source, "codes": queue.codes_source or places.get(f"{path}.codes", queue.source)}
    for name, below in (
        ("prompt", "after_call_work.prompt"),
        ("timeout", "after_call_work.timeout"),
        ("media", "media"),
    ):
        found[name] = places.get(f"{path}.{below}", queue.source)
    return found


def _mapped(mapping: CrmMapping, incomplete: frozenset[str]) -> System:
    values, rest = _values(mapping)
    return System(
        name=mapping.system,
        values=values,
        rest=rest,
        rules=tuple(rules.ordered({**row.fields, "key": row.key} for row in mapping.rows)),
        complete=mapping.system not in incomplete,
        sources={row.key: row.source for row in mapping.rows},
        source=mapping.source,
    )


def _values(mapping: CrmMapping) -> tuple[dict[str, Value], Value | None]:
    values: dict[str, Value] = {}
    rest = None
    for row in mapping.rows:
        text = _text(row.fields.get("value"))
        if row.fields.get("direction") != TO_CRM or text is None:
            continue
        if row.code is None:
            rest = Value(text, default=True, source=row.source)
        else:
            values[row.code] = Value(text, source=row.source)
    return values, rest


# ── what is live ───────────────────────────────────────────────────────────────────────────────────────────


def of_live(
    desired: Desired,
    live: Live,
    capabilities: Capabilities,
    as_of: date,
    *,
    origin: Origin = "live",
    places: Mapping[str, Source] = NOWHERE,
    incomplete: frozenset[str] = frozenset(),
) -> State:
    """Return what a platform holds.

    The files tell which code is which, and what a system that keeps values alone records for each.
    """
    view = look(desired, live, capabilities, scope=Scope(), as_of=as_of)
    idents = {code.id: view.code_key_by_id.get(code.id, f"~{code.id}") for code in live.codes}
    declared = {queue.label: queue for queue in desired.queues}
    systems = [_live_system(one, view, incomplete) for one in desired.crm]
    queues = [
        _live_place(view, queue, declared.get(view.queue_key_by_id.get(queue.id, "")), idents, places)
        for queue in live.queues
    ]
    found = set(view.queues.ids)
    queues += [
        Place(label, queue.name, None, unknown="no live queue is its own", sources=_sources(queue, places))
        for label, queue in declared.items()
        if label not in found
    ]
    unnamed = [
        Choice(f"~{code_id}", name) for code_id, name in live.link_names.items() if code_id not in idents
    ]
    return _state(
        desired.org,
        origin,
        as_of,
        [*(_choice(code, view) for code in live.codes), *unnamed],
        queues,
        systems,
        sandbox=live.identity.sandbox,
    )


def _choice(code: LiveCode, view: View) -> Choice:
    key = view.code_key_by_id.get(code.id)
    return Choice(
        key if key is not None else f"~{code.id}",
        code.name,
        view.code_by_key[key] if key is not None else None,
        code.active,
    )


def _live_place(
    view: View, live: LiveQueue, queue: Queue | None, idents: Mapping[str, str], places: Mapping[str, Source]
) -> Place:
    held = view.live.links.get(live.id)
    work = live.after_call_work
    listed = tuple(idents.get(one, f"~{one}") for one in held or ())
    lapsed = {view.code_key_by_id[one] for one in view.lapsed}
    return Place(
        label=queue.label if queue is not None else "",
        name=live.name,
        codes=None if held is None else listed,
        unknown="" if held is not None else "its codes were not read",
        lapsed=tuple(one for one in listed if one in lapsed),
        prompt=_text(work.get("prompt")),
        timeout_ms=_number(work.get("timeout_ms")),
        media=live.media,
        active=live.active,
        sources=_sources(queue, places) if queue is not None else NOWHERE,
    )


def _live_system(mapping: CrmMapping, view: View, incomplete: frozenset[str]) -> System:
    said = _mapped(mapping, incomplete)
    rows = view.live.crm.get(mapping.system)
    if rows is None:
        why = view.live.unread.get(mapping.system, "its rows were not read")
        return replace(said, values={}, rest=None, rules=(), unknown=why)
    if not rows.compared:
        return replace(said, unknown="its rows are sent and cannot be read back: this is what the files say")
    if rows.value_list:
        offered = {row.fields.get("value") for row in rows.rows if row.fields.get("active") is not False}
        kept = {key: value for key, value in said.values.items() if value.text in offered}
        rest = said.rest if said.rest is not None and said.rest.text in offered else None
        return replace(said, values=kept, rest=rest)
    values, rest = _live_values(rows, view)
    back = rules.ordered({**row.fields, "key": row.key} for row in rows.rows if row.mine)
    # A place that has no room for rules leaves them in the files, where who needs them reads them.
    keeps_rules = "status" in rows.fields or "when" in rows.fields
    return replace(said, values=values, rest=rest, rules=tuple(back) if keeps_rules else said.rules)


def _live_values(rows: Rows, view: View) -> tuple[dict[str, Value], Value | None]:
    values: dict[str, Value] = {}
    rest = None
    for row in rows.rows:
        text = _text(row.fields.get("value"))
        if not row.mine or row.fields.get("active") is False or text is None or not row.key.startswith("to/"):
            continue
        key, code_id = _text(row.fields.get("code")), _text(row.fields.get("code_id"))
        key = key if key is not None else row.key.removeprefix("to/")
        if key == "default":
            rest = Value(text, default=True)
        elif key in view.code_by_key:
            values[key] = Value(text)
        elif code_id is not None:
            values[f"~{code_id}"] = Value(text)
    return values, rest


def leads(system: System) -> Iterator[tuple[rules.Condition, Fields]]:
    """Yield the rules of a system in the order in which they are tried, without those that no case meets first."""
    conditions = [rules.condition_of(one) for one in system.rules]
    never = rules.unreachable(conditions)
    for number, (condition, row) in enumerate(zip(conditions, system.rules, strict=True)):
        if number not in never:
            yield condition, row


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
