"""Drift of CRM rows taken over: values and descriptions of codes, and where the rules of a mapping lead. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wrapctl.config import rules, write
from wrapctl.config.drift_book import Book, CannotTake
from wrapctl.config.edit import Tree
from wrapctl.config.project import OrgConfig
from wrapctl.config.resolve import Item
from wrapctl.config.spec_crm import CrmMapping
from wrapctl.config.values import Wrong, to_name
from wrapctl.model import Change, Fields, Verb
from wrapctl.plan.diff import differing
from wrapctl.rows import FROM_CRM

_GONE = "it was removed in the CRM: take it out of the mapping, or let the next apply write it again"
_MACHINE = frozenset({"key", "system", "direction", "code_id"})


def adopt_row(existing: OrgConfig, book: Book, change: Change) -> None:
    """Write what a row holds into the org's files.

    Raises:
        CannotTake: files have no words for it.
    """
    if change.verb is not Verb.UPDATE_ROW:
        raise CannotTake(_GONE if change.verb is Verb.CREATE_ROW else "the files remove it")
    item = next((one for one in existing.draft.mappings if one.spec.system == change.system), None)
    if item is None:
        raise CannotTake("no file maps to this system any more")
    if "code" not in change.before:
        raise CannotTake("several codes may share this value: change it where the codes are mapped")
    fields = [name for name in differing(change.before, change.after) if name not in _MACHINE]
    if change.after.get("direction") == FROM_CRM:
        _rule(item, book, change, fields)
    else:
        _value(existing, item, book, change, fields)


def _value(
    existing: OrgConfig, item: Item[CrmMapping], book: Book, change: Change, fields: list[str]
) -> None:
    key, system = str(change.after.get("code")), item.spec.system
    said: dict[str, Tree] = {}
    for name in fields:
        text = change.before.get(name)
        if name == "value" and isinstance(text, str) and text:
            try:
                said[name] = to_name(text)
            except Wrong as wrong:
                raise CannotTake(f"its value cannot stand in a file: {wrong}") from None
        elif name == "description" and (text is None or isinstance(text, str)):
            said[name] = text or ""
        else:
            raise CannotTake(_no_words(name, change.before))
    entry = (item.spec.to_crm or {}).get(key)
    file = book.files[item.key]
    if "value" in said and (entry is None or entry.value is None):
        if key not in existing.draft.codes:
            raise CannotTake("no file declares its code any more")
        book.put(said.pop("value"), "codes", key, "crm", system)
    if not said:
        return
    if file.is_map("to_crm", key):
        for name, content in said.items():
            file.put(content, "to_crm", key, name)
        return
    bare = file.scalar("to_crm", key)
    whole: dict[str, Tree] = {**({"value": bare} if bare is not None else {}), **said}
    file.put(whole["value"] if list(whole) == ["value"] else whole, "to_crm", key)


def _rule(item: Item[CrmMapping], book: Book, change: Change, fields: list[str]) -> None:
    said: dict[str, Tree | None] = {}
    for name in fields:
        value = change.before.get(name)
        if name == "code" and isinstance(value, str):
            said["code"] = value
        elif name == "duration_ms" and (value is None or isinstance(value, int)):
            said["duration"] = None if value is None else write.duration(value)
        else:
            raise CannotTake(_no_words(name, change.before))
    condition = rules.condition_of(change.after)
    listed = item.spec.from_crm or []
    if condition not in {rules.normal(rule.status, rule.when) for rule in listed}:
        raise CannotTake("the mapping has no rule of this condition any more")
    items: list[tuple[int | None, Mapping[str, Tree | None]]] = [
        (number, said if rules.normal(rule.status, rule.when) == condition else {})
        for number, rule in enumerate(listed)
    ]
    book.files[item.key].arrange(items, "from_crm")


def _no_words(name: str, before: Fields) -> str:
    if name == "active" and before.get("active") is False:
        return "it was deactivated in the CRM: take it out of the mapping"
    return f"its {name.removesuffix('_ms')} is not taken over: change the mapping by hand"
