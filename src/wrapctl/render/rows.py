"""CRM rows as lines: what a code is called there, which condition leads back to which code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wrapctl.model import TABLE_VERBS, Change, Fields, Value, Verb
from wrapctl.render.parts import Line, Name, Part, Said, Section, count, joined, line, some
from wrapctl.render.values import field_lines, title, value
from wrapctl.render.words import CAUSES, DOES, FEW, MARKS
from wrapctl.rows import FROM_CRM

_SAID = frozenset({"key", "direction", "system", "code", "code_id", "status", "when", "value", "order"})
"""What the heading of a row says already, or what only a machine reads."""
_REMOVED = (Verb.DELETE_ROW, Verb.DEACTIVATE_ROW)
_PLAIN = frozenset({"category"})


def crm_sections(changes: Sequence[Change]) -> Iterator[Section]:
    """Yield a section for each CRM system that gets something; ``changes`` are the pending ones."""
    systems: dict[str, list[Change]] = {}
    for change in changes:
        if change.system:
            systems.setdefault(change.system, []).append(change)
    for system, members in sorted(systems.items()):
        lines = tuple(_line(change) for change in sorted(members, key=_order))
        yield Section("CRM rows of", lines, fold=True, count=len(lines), about=(Said(system),))


def removals(changes: Sequence[Change]) -> Iterator[Line]:
    """Yield one line for each system and kind of removal: what the CRM will no longer offer."""
    groups: dict[tuple[str, Verb], list[Change]] = {}
    for change in changes:
        if change.verb in _REMOVED:
            groups.setdefault((change.system or change.within, change.verb), []).append(change)
    for (system, verb), members in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1].rank)):
        does = "delete" if verb is Verb.DELETE_ROW else "deactivate"
        names = some([row(change) for change in members], FEW)
        yield line(f"{does} {count(len(members), 'row')} of ", Said(system), ": ", *names, mark="-")


def row(change: Change) -> list[Part]:
    """``NO_ANSWER → "No contact"``, ``Reason is "Spam" → NO_ACTION``, or the value of a value list."""
    fields = change.before if change.verb in _REMOVED else change.after
    if fields.get("direction") == FROM_CRM:
        return [*condition(fields), " → ", *_text(fields.get("code"))]
    named = fields.get("value")
    if "code" not in fields:
        return [Name(named if isinstance(named, str) else change.label)]
    return [*_text(fields.get("code")), " → ", *value("value", named)]


def condition(fields: Fields) -> list[Part]:
    """A rule's condition in words: ``Reason is "Duplicate" or "Spam", Status is "Closed"``."""
    status = fields.get("status")
    if status == "*":
        return ["anything else"]
    if isinstance(status, str):
        return ["status ", Name(status)]
    when = fields.get("when")
    return joined(_clause(one) for one in when) if isinstance(when, tuple) else ["a rule"]


def _clause(one: Value) -> list[Part]:
    if not (isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str)):
        return ["?"]
    name, values = one[0], one[1]
    listed = values if isinstance(values, tuple) else (values,)
    return [Said(name), " is ", *joined((_text(item, quoted=True) for item in listed), " or ")]


def _text(what: Value, *, quoted: bool = False) -> list[Part]:
    if not isinstance(what, str):
        return ["none"]
    return [Name(what) if quoted else Said(what)]


def _order(change: Change) -> tuple[int, bool, int, str]:
    fields = change.before if change.verb in _REMOVED else change.after
    place = fields.get("order")
    rule = fields.get("direction") == FROM_CRM
    return (change.verb not in TABLE_VERBS, rule, place if isinstance(place, int) else 0, change.address)


def _line(change: Change) -> Line:
    mark, where = MARKS[change.verb], str(change.source or "")
    why: list[Part] = [f", {CAUSES[change.cause]}"] if change.cause in CAUSES else []
    if change.verb in TABLE_VERBS:
        return line(
            f"{DOES[change.verb]} ", Name(change.label), *why, mark=mark, where=where, below=_table(change)
        )
    fields = change.before if change.verb in _REMOVED else change.after
    place = fields.get("order")
    rule = f"rule {place}: " if isinstance(place, int) else ""
    removed = f"{DOES[change.verb].split()[0]} " if change.verb in _REMOVED else ""
    return line(removed, rule, *row(change), *why, mark=mark, where=where, below=_below(change))


def _table(change: Change) -> list[Line]:
    had = change.before.get("columns")
    wants = change.after.get("columns")
    before = had if isinstance(had, tuple) else ()
    added = [one for one in (wants if isinstance(wants, tuple) else ()) if one not in before]
    return [line("columns: ", *joined(value("columns", one) for one in added))] if added else []


def _below(change: Change) -> list[Line]:
    if change.verb is Verb.UPDATE_ROW:
        return [one for key, one in _fields(change) if key != "key"]
    if change.verb is Verb.CREATE_ROW:
        told = {
            key: what
            for key, what in change.after.items()
            if key not in _SAID and what not in (None, (), True)
        }
        parts = joined([title(key), " ", *shown(key, told[key])] for key in sorted(told))
        return [line(*parts)] if parts else []
    return []


def _fields(change: Change) -> Iterator[tuple[str, Line]]:
    keys = [key for key in change.after if change.before.get(key) != change.after[key]]
    for key in sorted(keys):
        if key in {"when", "translations"}:
            sides = (shown(key, change.before.get(key)), shown(key, change.after[key]))
            yield key, line(title(key), ": ", *sides[0], " → ", *sides[1])
        else:
            for one in field_lines({key: change.before.get(key)}, {key: change.after[key]}):
                yield key, one


def shown(key: str, what: Value) -> list[Part]:
    """One value of a row: translations by language, conditions in words, the rest as everywhere."""
    if isinstance(what, tuple) and key == "when":
        return joined(_clause(one) for one in what)
    if isinstance(what, tuple) and key == "translations":
        return joined((_translation(one) for one in what), "; ")
    if isinstance(what, str) and key in _PLAIN:
        return [Said(what)]
    return value(key, what)


def _translation(one: Value) -> list[Part]:
    if not (isinstance(one, tuple) and one and isinstance(one[0], str)):
        return ["?"]
    language, *texts = one
    told = [_text(text, quoted=True) for text in texts if text is not None]
    return [Said(str(language)), " ", *joined(told, ", ")]
