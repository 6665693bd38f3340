"""What can be wrong with a CRM mapping: where it is kept, what it says to its target, texts that do not fit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel, create_model

from wrapctl.config import shape
from wrapctl.config.crm_rows import Written
from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec_base import Model
from wrapctl.config.spec_crm import CrmMapping
from wrapctl.config.tree import Map
from wrapctl.config.values import nearest, quoted
from wrapctl.config.vendor import CrmVendor, crm_vendor
from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import CrmMapping as Mapped
from wrapctl.rows import FROM_CRM, TO_CRM

_WORDS = {"duration_ms": "duration"}


def check_mapping(draft: Draft, item: Item[CrmMapping], words: CrmVendor, rows: tuple[Written, ...]) -> None:
    """Add every finding about one mapping and its rows."""
    node = item.node["target"]
    if isinstance(node, Map):
        _kept_where(draft, item, words, node)
        mark = item.node.key_marks["target"]
        shape.check(
            _whole(words.target or Model, ("type", "connection")), node, mark, draft.places, draft.problems
        )
    for one in rows:
        _texts(draft, words, one)
    _not_kept(draft, item, words, rows)
    _former(draft, words, rows)
    _room(draft, item, words, rows)


@cache
def _whole(model: type[BaseModel], common: tuple[str, ...]) -> type[BaseModel]:
    """Return ``model`` with the keys beside it that were checked already, so that all are known where one is not."""
    fields: dict[str, tuple[object, None]] = dict.fromkeys(common, (object, None))
    made: type[BaseModel] = create_model(f"{model.__name__}Keys", __base__=model, **fields)  # type: ignore[call-overload]  # names are data
    return made


def check_options(
    draft: Draft, model: type[BaseModel] | None, node: Map, mark: int, common: tuple[str, ...]
) -> None:
    """Add what is wrong with the keys that belong to a kind of system, among ``common`` ones."""
    shape.check(_whole(model or Model, common), node, mark, draft.places, draft.problems)


# ── where ──────────────────────────────────────────────────────────────────────────────────────────────────


def _kept_where(draft: Draft, item: Item[CrmMapping], words: CrmVendor, node: Map) -> None:
    name, can = item.spec.target.connection, words.capabilities
    if can.inside:
        if name is not None:
            at = draft.places.source(node.key_marks["connection"])
            draft.add(
                at, f"a target of type {words.name} has no `connection`", "the platform keeps the rows itself"
            )
        if draft.org is not None and draft.org.spec.platform != can.inside:
            hint = "rows of this org need another type, and a connection"
            draft.add(
                draft.at(node, "type"),
                f"{words.name} lives in {can.inside}; {draft.name} is on {draft.org.spec.platform}",
                hint,
            )
        return
    known = (draft.org.spec.connections or {}) if draft.org is not None else {}
    if name is None:
        at = draft.places.source(item.node.key_marks["target"])
        draft.add(
            at, f"a target of type {words.name} needs a `connection`", "name one of org.yaml's connections"
        )
    elif draft.org is not None and name not in known:
        draft.add(
            draft.at(node, "connection"),
            f"there is no connection {quoted(name)}",
            nearest(name, known) or "declare it under `connections` in org.yaml",
        )


def check_together(draft: Draft, mappings: Mapping[str, Mapped]) -> None:
    """Add what is wrong with mappings side by side: two kinds on a connection, rows under each other's keys."""
    first: dict[str, Item[CrmMapping]] = {}
    for item in draft.mappings:
        target, node = item.spec.target, item.node["target"]
        if target.connection is None or not isinstance(node, Map):
            continue
        other = first.setdefault(target.connection, item)
        if other.spec.target.type != target.type:
            draft.add(
                draft.at(node, "type"),
                f"the connection {quoted(target.connection)} leads to {other.spec.target.type} already",
                f"see {draft.at(other.node, 'system')}; give each kind of system a connection of its own",
            )
    seen: list[tuple[tuple[object, ...], str, Mapped]] = []
    for mapping in mappings.values():
        words = crm_vendor(mapping.target)
        if words.capabilities.value_list:
            continue
        place = (mapping.target, mapping.connection, *(mapping.options.get(name) for name in words.place))
        prefix = mapping.options.get("prefix")
        if not isinstance(prefix, str):
            prefix = words.prefix.format(owner=draft.name, system=mapping.system)
        for where, taken, beside in seen:
            if where == place and (taken.startswith(prefix) or prefix.startswith(taken)):
                draft.add(
                    mapping.source,
                    f"rows of {mapping.system} and {beside.system} cannot be told apart: "
                    f"their keys begin with {quoted(prefix)} and {quoted(taken)}",
                    "give them prefixes of which none begins with the other",
                )
        seen.append((place, prefix, mapping))


# ── what fits ──────────────────────────────────────────────────────────────────────────────────────────────


def _texts(draft: Draft, words: CrmVendor, one: Written) -> None:
    """Characters and lengths. Keys that are too long are shortened by the target, and tags it puts into one text."""
    can = words.capabilities
    who = one.row.fields["code"]
    keeps = {"key", "value", *can.row_fields}
    if one.row.fields["direction"] == FROM_CRM and not _keeps_rules(words):
        return
    for name, text, at in one.texts:
        if name not in keeps or not text:
            continue
        longest = can.text_max.get(name)
        if why := words.wrong(name, text):
            draft.add(at, f"{who}: {why}", _elsewhere(one, name))
        elif longest is not None and len(text) > longest and name not in {"key", "tags", "when"}:
            what = f"a {name} of {len(text)} characters; {can.title} takes {longest}"
            draft.add(at, f"{who}: {what}", _elsewhere(one, name) or "write less")


def _elsewhere(one: Written, name: str) -> str:
    """Return the advice about a text that stands on the code and does not fit in one of its systems."""
    if name == "description" and name not in one.own and one.row.code is not None:
        return f"give {one.row.code} a `description` of its own under to_crm of {one.row.fields['system']}"
    return ""


def _keeps_rules(words: CrmVendor) -> bool:
    can = words.capabilities
    return not can.value_list and (not can.directions or FROM_CRM in can.directions)


def _not_kept(draft: Draft, item: Item[CrmMapping], words: CrmVendor, rows: tuple[Written, ...]) -> None:
    """Warn of what the mapping says and the target has no place for; what only comes from the code is no news."""
    can = words.capabilities
    if item.spec.from_crm and not _keeps_rules(words):
        _warn(
            draft,
            draft.places.source(item.node.key_marks["from_crm"]),
            f"{can.title} keeps no rules: `from_crm` stays in git, and `wrapctl crm check` reads it",
            "for rules that a CRM can look up, use a target of another type",
        )
    for name, at in _unplaced(words, rows):
        if name == "previously":
            _warn(
                draft, at, f"{can.title} finds rows by their code: `previously` has no use there", "remove it"
            )
        else:
            what = _WORDS.get(name, name)
            _warn(
                draft,
                at,
                f"{can.title} has no place for `{what}`: not written",
                "remove it, or keep it for others",
            )


def _unplaced(words: CrmVendor, rows: tuple[Written, ...]) -> Iterator[tuple[str, Source]]:
    can = words.capabilities
    for one in rows:
        if one.row.fields["direction"] == FROM_CRM and not _keeps_rules(words):
            continue
        for name, at in one.own.items():
            if (
                can.row_fields
                and name in {"description", "translations", "duration_ms"} - can.row_fields.keys()
            ):
                yield name, at
            if name == "previously" and not can.value_list:
                yield name, at


def _former(draft: Draft, words: CrmVendor, rows: tuple[Written, ...]) -> None:
    """Former values: a row cannot be renamed from a value that is still wanted."""
    if not words.capabilities.value_list:
        return
    wanted = {one.value: one for one in rows if one.row.fields["direction"] == TO_CRM}
    claimed: dict[str, str] = {}
    for one in rows:
        for former in one.row.previously:
            at, code = one.own["previously"], one.row.fields["code"]
            if former == one.value:
                draft.add(at, f"{code}: `previously` holds the value of today", "remove it from the list")
            elif former in wanted:
                holder = wanted[former].row.fields["code"]
                draft.add(
                    at, f"{code}: `previously` holds {quoted(former)}, the value of {holder}", "remove it"
                )
            elif claimed.setdefault(former, one.value) != one.value:
                draft.add(
                    at,
                    f"{code}: {quoted(former)} was renamed to {quoted(claimed[former])} already",
                    "remove it",
                )


def _room(draft: Draft, item: Item[CrmMapping], words: CrmVendor, rows: tuple[Written, ...]) -> None:
    can, target = words.capabilities, item.node["target"]
    if can.rows_max is None:
        return
    raised = target.get(words.room) if isinstance(target, Map) else None
    most = int(raised) if isinstance(raised, str) and raised.isdecimal() else can.rows_max
    if can.value_list:
        number = len({one.value for one in rows if one.row.fields["direction"] == TO_CRM})
    else:
        number = sum(_keeps_rules(words) or one.row.fields["direction"] == TO_CRM for one in rows)
    if number > most:
        draft.add(
            draft.at(item.node, "system"),
            f"{number:,} rows for {item.spec.system}; {can.title} holds {most:,}",
            f"say `{words.room}` where support has raised it, or map several codes by `default`"
            if words.room
            else "map several codes by `default`, or use a target of another type",
        )


def _warn(draft: Draft, at: Source, message: str, hint: str) -> None:
    draft.problems.append(Problem(at, message, hint, Severity.WARNING))
