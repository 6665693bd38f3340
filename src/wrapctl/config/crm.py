"""CRM mappings of an org: which system keeps whose rows, where, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wrapctl.config import check_crm, crm_rows
from wrapctl.config.crm_rows import DEFAULT, Written
from wrapctl.config.resolve import Draft, Item
from wrapctl.config.spec_crm import CrmMapping
from wrapctl.config.tree import Map, Node, Seq
from wrapctl.config.values import nearest, quoted
from wrapctl.config.vendor import crm_vendor
from wrapctl.errors import Problem, Severity
from wrapctl.model import Code, Value
from wrapctl.model import CrmMapping as Mapped
from wrapctl.rows import TO_CRM


def mapped(draft: Draft, codes: Mapping[str, Code]) -> tuple[Mapped, ...]:
    """Return the mappings of an org, sorted by system; problems go to ``draft``.

    ``codes`` are the org's codes by key: a row takes over category and tags.
    """
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
        words = crm_vendor(item.spec.target.type)
        rows = crm_rows.written(draft, item, codes)
        if words.capabilities.value_list:
            rows = crm_rows.one_per_value(draft, rows)
        check_crm.check_mapping(draft, item, words, rows)
        _unmapped(draft, item, rows)
        found[system] = Mapped(
            system=system,
            target=item.spec.target.type,
            rows=tuple(sorted((one.row for one in rows), key=lambda row: row.key)),
            source=at,
            connection=item.spec.target.connection or "",
            on_remove=item.spec.on_remove,
            options=_options(item),
        )
    check_crm.check_together(draft, found)
    if not draft.broken_mappings:
        _unknown_systems(draft, found)
    return tuple(found[system] for system in sorted(found))


def _options(item: Item[CrmMapping]) -> Mapping[str, Value]:
    node = item.node["target"]
    return {
        key: _plain(value)
        for key, value in (node.items() if isinstance(node, Map) else ())
        if key not in {"type", "connection"}
    }


def _plain(node: Node) -> Value:
    if isinstance(node, Map):
        return tuple((key, _plain(value)) for key, value in sorted(node.items()))
    if isinstance(node, Seq):
        return tuple(_plain(value) for value in node)
    return node


def _unmapped(draft: Draft, item: Item[CrmMapping], rows: tuple[Written, ...]) -> None:
    if item.spec.unmapped_codes == "ignore" or DEFAULT in (item.spec.to_crm or {}):
        return
    has = {one.row.code for one in rows if one.row.fields["direction"] == TO_CRM}
    has |= set(item.spec.to_crm or {})  # what is wrong there was said there
    missing = [key for key, code in draft.codes.items() if code.spec.state == "present" and key not in has]
    if not missing:
        return
    names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    many = "1 code has" if len(missing) == 1 else f"{len(missing)} codes have"
    draft.problems.append(
        Problem(
            draft.at(item.node, "system"),
            f"{many} no value for {item.spec.system}: {names}",
            "add a value, or a `default` under to_crm",
            Severity.ERROR if item.spec.unmapped_codes == "error" else Severity.WARNING,
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
