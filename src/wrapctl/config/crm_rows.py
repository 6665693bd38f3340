"""Normalised rows out of ``codes.*.crm``, ``to_crm`` and ``from_crm``, and where each of their texts was written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from wrapctl.config import rules
from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec import CodeSpec
from wrapctl.config.spec_crm import CrmMapping, FromCrm, ToCrm
from wrapctl.config.tree import Map, Node, Seq
from wrapctl.config.values import nearest, quoted
from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import Code, CrmRow, Value, escape
from wrapctl.rows import FROM_CRM, TO_CRM

DEFAULT = "default"
"""The key under ``to_crm`` of what is not mapped by itself."""

Placed = tuple[str, str, Source]
"""Field, text, and where that text was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """A row and where its texts stand; ``own`` are the fields that the mapping itself says."""

    row: CrmRow
    texts: tuple[Placed, ...] = ()
    own: Mapping[str, Source] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """What the CRM calls the code."""
        return str(self.row.fields["value"])


def written(draft: Draft, item: Item[CrmMapping], codes: Mapping[str, Code]) -> tuple[Written, ...]:
    """Return the rows of one mapping; what is wrong with them goes to the draft's problems."""
    return (*_to_crm(draft, item, codes), *_from_crm(draft, item, codes))


def _fields(system: str, key: str, direction: str, code: str, known: Code | None) -> dict[str, Value]:
    """Return a row's fields, all of them, so that what a row does not have is nothing and never unmanaged."""
    return {
        "key": key,
        "direction": direction,
        "system": system,
        "code": code,
        "value": None,
        "status": None,
        "when": (),
        "description": None,
        "translations": (),
        "category": None if known is None else known.category,
        "tags": () if known is None else known.tags,
        "duration_ms": None,
        "order": None,
        "active": True,
    }


def _code(draft: Draft, key: str, at: Source) -> Item[CodeSpec] | None:
    """Return a code that a row may point to."""
    item = draft.codes.get(key)
    if item is not None and item.spec.state == "present":
        return item
    if item is not None:
        draft.add(at, f"{key} is `state: absent`", "take the row out, or map it to another code")
    elif key in draft.omitted:
        draft.add(at, f"{key} is omitted by this org", "take the row out, or map it to another code")
    elif key not in draft.broken:
        draft.add(at, f"no file declares the code {quoted(key)}", nearest(key, draft.codes))
    return None


# ── code → value ───────────────────────────────────────────────────────────────────────────────────────────


def _to_crm(draft: Draft, item: Item[CrmMapping], codes: Mapping[str, Code]) -> Iterator[Written]:
    system = item.spec.system
    here = item.spec.to_crm or {}
    node = item.node.get("to_crm")
    for key, code in draft.codes.items():
        value = (code.spec.crm or {}).get(system)
        if value is None or code.spec.state != "present" or key in here:
            continue
        crm = code.node["crm"]
        at = draft.at(crm, system) if isinstance(crm, Map) else draft.places.source(code.mark)
        yield _row(draft, system, key, (value, at), None, Map(0), at, codes.get(key))
    if not isinstance(node, Map):
        return
    for key, to in here.items():
        at = draft.places.source(node.key_marks[key])
        known = None if key == DEFAULT else _code(draft, key, at)
        if key != DEFAULT and known is None:
            continue
        entry = node[key]
        mine = entry if isinstance(entry, Map) else Map(node.value_marks[key])
        told = _value(draft, item, key, known, draft.at(mine, "value"))
        if told is not None:
            yield _row(draft, system, key, told, to, mine, at, codes.get(key))


def _value(
    draft: Draft, item: Item[CrmMapping], key: str, known: Item[CodeSpec] | None, at: Source
) -> tuple[str, Source] | None:
    """Return the value of a code and where it stands: in the mapping, on the code, or the same in both."""
    system = item.spec.system
    here = (item.spec.to_crm or {})[key].value
    there = (known.spec.crm or {}).get(system) if known is not None else None
    crm = known.node.get("crm") if known is not None else None
    there_at = draft.at(crm, system) if isinstance(crm, Map) else at
    if here is None and there is None:
        hint = (
            f"write `value`, or `crm: {{{system}: …}}` on the code" if known is not None else "write `value`"
        )
        draft.add(at, f"{key} has no value for {system}", hint)
        return None
    if here is not None and there is not None and here != there:
        draft.add(
            at,
            f"{key} has two values for {system}: {quoted(here)} here, {quoted(there)} in {there_at}",
            "keep one of them",
        )
        return None
    return (here, at) if here is not None else (there or "", there_at)


def _row(
    draft: Draft,
    system: str,
    key: str,
    value: tuple[str, Source],
    to: ToCrm | None,
    node: Map,
    at: Source,
    known: Code | None,
) -> Written:
    row_key = f"to/{key}"
    fields = _fields(system, row_key, TO_CRM, key, known)
    fields["value"] = value[0]
    texts: list[Placed] = [("key", row_key, at), ("value", *value)]
    own: dict[str, Source] = {}
    code = draft.codes.get(key)
    if to is not None and to.description is not None:
        own["description"] = draft.at(node, "description")
        fields["description"] = to.description or None
        texts.append(("description", to.description, own["description"]))
    elif code is not None and code.spec.description:
        fields["description"] = code.spec.description
        texts.append(("description", code.spec.description, draft.at(code.node, "description")))
    if to is not None and to.translations:
        own["translations"] = draft.places.source(node.key_marks["translations"])
        fields["translations"] = tuple(
            (language, one.value, one.description or None)
            for language, one in sorted(to.translations.items())
        )
        texts += _translated(draft, node["translations"])
    if to is not None and to.previously:
        own["previously"] = draft.places.source(node.key_marks["previously"])
    texts += _of_code(draft, code)
    former = tuple(dict.fromkeys(to.previously or ())) if to is not None else ()
    return Written(CrmRow(row_key, at, None if key == DEFAULT else key, fields, former), tuple(texts), own)


def _translated(draft: Draft, node: Node) -> Iterator[Placed]:
    for language, value in node.items() if isinstance(node, Map) else ():
        if isinstance(value, str):
            yield "value", value, draft.at(node, language) if isinstance(node, Map) else Source("")
        for name, text in value.items() if isinstance(value, Map) else ():
            if isinstance(text, str) and isinstance(value, Map):
                yield name, text, draft.at(value, name)


def _of_code(draft: Draft, code: Item[CodeSpec] | None) -> Iterator[Placed]:
    """Yield what a row takes over from its code; tags of the category stand with the category."""
    if code is None:
        return
    if code.spec.category is not None:
        yield "category", code.spec.category, draft.at(code.node, "category")
    tags = code.node.get("tags")
    for tag, mark in zip(tags, tags.marks, strict=True) if isinstance(tags, Seq) else ():
        if isinstance(tag, str):
            yield "tags", tag, draft.places.source(mark)


# ── status → code ──────────────────────────────────────────────────────────────────────────────────────────


def _from_crm(draft: Draft, item: Item[CrmMapping], codes: Mapping[str, Code]) -> Iterator[Written]:
    node = item.node.get("from_crm")
    if not isinstance(node, Seq):
        return
    seen: dict[rules.Condition, Source] = {}
    tried: list[tuple[rules.Condition, Source]] = []
    for order, (rule, mark) in enumerate(zip(item.spec.from_crm or [], node.marks, strict=False), start=1):
        at = draft.places.source(mark)
        condition = rules.normal(rule.status, rule.when)
        if condition in seen:
            draft.add(
                at,
                "a second rule for the same condition, which can never match",
                f"the first is in {seen[condition]}",
            )
            continue
        seen[condition] = at
        tried.append((condition, at))
        if _code(draft, rule.code, at) is not None:
            mine = node[order - 1]
            yield _rule(draft, item.spec.system, rule, condition, order, at, mine, codes.get(rule.code))
    for number, covering in rules.unreachable([condition for condition, _ in tried]).items():
        draft.problems.append(never_matches(tried[number][1], [tried[one][1] for one in covering]))


def never_matches(at: Source, covering: list[Source]) -> Problem:
    """Return the warning about a rule that earlier ones leave nothing."""
    places = [str(one) for one in covering]
    several = f"{', '.join(places[:-1])} and {places[-1]} together" if len(places) > 1 else places[0]
    return Problem(
        at,
        f"a rule that can never match: {several} takes all of its cases"
        if len(places) == 1
        else f"a rule that can never match: {several} take all of its cases",
        "move it above, or remove it",
        Severity.WARNING,
    )


def _rule(
    draft: Draft,
    system: str,
    rule: FromCrm,
    condition: rules.Condition,
    order: int,
    at: Source,
    node: Node,
    known: Code | None,
) -> Written:
    key = f"from/{condition_key(condition)}"
    fields = _fields(system, key, FROM_CRM, rule.code, known)
    fields.update(rules.fields_of(condition))
    fields["order"] = order
    fields["duration_ms"] = rule.duration
    own: dict[str, Source] = {}
    texts: list[Placed] = [("key", key, at)]
    if isinstance(node, Map):
        if rule.duration is not None:
            own["duration_ms"] = draft.at(node, "duration")
        if rule.status is not None:
            texts.append(("status", rule.status, draft.at(node, "status")))
        texts += _conditions(draft, node.get("when"))
    return Written(CrmRow(key, at, rule.code, fields), tuple(texts), own)


def _conditions(draft: Draft, when: Node) -> Iterator[Placed]:
    if not isinstance(when, Map):
        return
    for name, values in when.items():
        yield "when", name, draft.places.source(when.key_marks[name])
        if isinstance(values, str):
            yield "when", values, draft.at(when, name)
        for value, mark in zip(values, values.marks, strict=True) if isinstance(values, Seq) else ():
            if isinstance(value, str):
                yield "when", value, draft.places.source(mark)


def condition_key(condition: rules.Condition) -> str:
    """Return the name of a rule's row: its condition, escaped so that two conditions never share one."""
    if not condition:
        return f"status={escape('*')}"
    return "&".join(
        f"{escape(name)}={'|'.join(escape(value) for value in values)}" for name, values in condition
    )


# ── value lists ────────────────────────────────────────────────────────────────────────────────────────────


def one_per_value(draft: Draft, rows: tuple[Written, ...]) -> tuple[Written, ...]:
    """Return the rows so that those of one value say the same: a list of values has one row for all of them.

    What one of them says itself holds for all; two that say different things are a problem. Descriptions that only
    come from the codes hold where all of them agree.
    """
    groups: dict[str, list[Written]] = {}
    for one in rows:
        if one.row.fields["direction"] == TO_CRM:
            groups.setdefault(one.value, []).append(one)
    agreed = {value: _agreed(draft, value, group) for value, group in groups.items() if len(group) > 1}
    return tuple(
        replace(one, row=replace(one.row, fields={**one.row.fields, **agreed[one.value]}))
        if one.row.fields["direction"] == TO_CRM and one.value in agreed
        else one
        for one in rows
    )


def _agreed(draft: Draft, value: str, group: list[Written]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in ("description", "translations"):
        saying = [one for one in group if name in one.own]
        for one in saying[1:]:
            if one.row.fields[name] != saying[0].row.fields[name]:
                draft.add(
                    one.own[name],
                    f"the value {quoted(value)} has another `{name}` for {saying[0].row.fields['code']}",
                    f"a value is kept once, for all of its codes: say the same as {saying[0].own[name]}, or nothing",
                )
        told = {one.row.fields[name] for one in (saying[:1] or group)}
        nothing: Value = () if name == "translations" else None
        found[name] = told.pop() if len(told) == 1 else nothing
    return found
