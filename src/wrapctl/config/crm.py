"""CRM mappings: rows from ``codes.*.crm``, ``to_crm`` and ``from_crm``, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec import CodeSpec
from wrapctl.config.spec_crm import CrmMapping, FromCrm
from wrapctl.config.tree import Map, Node, Seq
from wrapctl.config.values import nearest, quoted
from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import CrmMapping as Mapped
from wrapctl.model import CrmRow, Value, escape

DEFAULT = "default"
_OWN_TABLES = frozenset({"genesys-datatable"})


def mapped(draft: Draft) -> tuple[Mapped, ...]:
    """Return the mappings of an org, sorted by system; problems go to ``draft``."""
    found: dict[str, Mapped] = {}
    for item in draft.mappings:
        system = item.spec.system
        at = draft.at(item.node, "system")
        if system in found:
            draft.add(
                at,
                f"a second mapping for the system {quoted(system)}",
                f"the first is in {found[system].source}",
            )
            continue
        _connection(draft, item)
        rows = (*_to_crm(draft, item), *_from_crm(draft, item))
        _unmapped(draft, item, rows)
        target = item.spec.target
        found[system] = Mapped(
            system=system,
            target=target.type,
            rows=tuple(sorted(rows, key=lambda row: row.key)),
            source=at,
            connection=target.connection or "",
            on_remove=item.spec.on_remove,
            options=_options(item),
        )
    if not draft.broken_mappings:
        _unknown_systems(draft, found)
    return tuple(found[system] for system in sorted(found))


def _connection(draft: Draft, item: Item[CrmMapping]) -> None:
    target, node = item.spec.target, item.node["target"]
    if not isinstance(node, Map):
        return
    known = (draft.org.spec.connections or {}) if draft.org is not None else {}
    if target.connection is None:
        if target.type not in _OWN_TABLES:
            at = draft.places.source(item.node.key_marks["target"])
            draft.add(
                at,
                f"a target of type {target.type} needs a `connection`",
                "name one of org.yaml's connections",
            )
    elif draft.org is not None and target.connection not in known:
        draft.add(
            draft.at(node, "connection"),
            f"there is no connection {quoted(target.connection)}",
            nearest(target.connection, known) or "declare it under `connections` in org.yaml",
        )


def _options(item: Item[CrmMapping]) -> Mapping[str, Value]:
    node = item.node["target"]
    found: dict[str, Value] = {}
    for key, value in node.items() if isinstance(node, Map) else ():
        if key in {"type", "connection"}:
            continue
        found[key] = _plain(value)
    return found


def _plain(node: Node) -> Value:
    if isinstance(node, Map):
        return tuple((key, _plain(value)) for key, value in sorted(node.items()))
    if isinstance(node, Seq):
        return tuple(_plain(value) for value in node)
    return node


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


def _to_crm(draft: Draft, item: Item[CrmMapping]) -> Iterator[CrmRow]:
    system = item.spec.system
    here = item.spec.to_crm or {}
    node = item.node.get("to_crm")
    marks = node.key_marks if isinstance(node, Map) else {}
    for key, code in draft.codes.items():
        value = (code.spec.crm or {}).get(system)
        if value is None or code.spec.state != "present":
            continue
        crm = code.node["crm"]
        at = draft.at(crm, system) if isinstance(crm, Map) else draft.places.source(code.mark)
        if key in here and here[key].value not in {None, value}:
            draft.add(
                draft.places.source(marks[key]),
                f"{key} has two values for {system}: {quoted(here[key].value or '')} here, {quoted(value)} in {at}",
                "keep one of them",
            )
        elif key not in here:
            yield CrmRow(f"to/{key}", at, key, {"direction": "to_crm", "code": key, "value": value})
    for key, to in here.items():
        at = draft.places.source(marks[key])
        if key != DEFAULT and _code(draft, key, at) is None:
            continue
        fields: dict[str, Value] = {
            "direction": "to_crm",
            "code": key,
            "value": to.value or (draft.codes[key].spec.crm or {}).get(system),
        }
        if to.description is not None:
            fields["description"] = to.description
        yield CrmRow(f"to/{key}", at, None if key == DEFAULT else key, fields)


def _from_crm(draft: Draft, item: Item[CrmMapping]) -> Iterator[CrmRow]:
    node = item.node.get("from_crm")
    marks = node.marks if isinstance(node, Seq) else []
    seen: dict[str, Source] = {}
    rest: Source | None = None
    for order, (rule, mark) in enumerate(zip(item.spec.from_crm or [], marks, strict=False), start=1):
        at = draft.places.source(mark)
        key, condition = _condition(rule)
        if key in seen:
            draft.add(
                at,
                "a second rule for the same condition, which can never match",
                f"the first is in {seen[key]}",
            )
            continue
        if rest is not None:
            draft.add(at, 'a rule after `status: "*"`, which can never match', f"move it above {rest}")
            continue
        seen[key] = at
        if rule.status == "*":
            rest = at
        if _code(draft, rule.code, at) is None:
            continue
        fields: dict[str, Value] = {"direction": "from_crm", "order": order, "code": rule.code, **condition}
        if rule.duration is not None:
            fields["duration_ms"] = rule.duration
        yield CrmRow(f"from/{key}", at, rule.code, fields)


def _condition(rule: FromCrm) -> tuple[str, dict[str, Value]]:
    if rule.when is None:
        return f"status={escape(rule.status or '')}", {"status": rule.status}
    when = tuple((name, tuple(sorted(set(values)))) for name, values in sorted(rule.when.items()))
    key = "&".join(f"{escape(name)}={'|'.join(escape(value) for value in values)}" for name, values in when)
    return key, {"when": when}


def _unmapped(draft: Draft, item: Item[CrmMapping], rows: tuple[CrmRow, ...]) -> None:
    if item.spec.unmapped_codes == "ignore" or DEFAULT in (item.spec.to_crm or {}):
        return
    has = {row.code for row in rows if row.key.startswith("to/")}
    missing = [key for key, code in draft.codes.items() if code.spec.state == "present" and key not in has]
    if not missing:
        return
    names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    severity = Severity.ERROR if item.spec.unmapped_codes == "error" else Severity.WARNING
    draft.problems.append(
        Problem(
            draft.at(item.node, "system"),
            f"{len(missing)} codes have no value for {item.spec.system}: {names}",
            "add them, or a `default` under to_crm",
            severity,
        )
    )


def _unknown_systems(draft: Draft, found: Mapping[str, Mapped]) -> None:
    for key, code in draft.codes.items():
        node = code.node.get("crm")
        if not isinstance(node, Map):
            continue
        for system in node:
            if system in found:
                continue
            at = draft.places.source(node.key_marks[system])
            # A catalog speaks to several orgs, and not each has every CRM: there it is only worth a warning.
            severity = Severity.WARNING if key in draft.inherited else Severity.ERROR
            draft.problems.append(
                Problem(
                    at,
                    f"{draft.name} has no mapping for the CRM system {quoted(system)}",
                    nearest(system, found) or "add crm/<system>.yaml with `kind: CrmMapping`",
                    severity,
                )
            )
