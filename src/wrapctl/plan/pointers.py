"""What CRM rows mean for the codes that they name: a code goes after its last row, and never while one stays. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wrapctl.model import Change, ChangeId, CrmMapping, Fields, Verb
from wrapctl.plan.view import View, deletes_stand
from wrapctl.plan.wanted import TO, label_of
from wrapctl.rows import LiveRow, Rows

_FEW = 5


@dataclass(slots=True)
class Pointers:
    """Who names which live code, and what of it this plan takes away.

    ``hidden`` are the systems of which not all rows are known. Filled while rows are compared, then only asked.
    """

    view: View
    hidden: list[str] = field(default_factory=list)
    _freed_by: dict[str, list[ChangeId]] = field(default_factory=dict)
    _held_by: dict[str, list[str]] = field(default_factory=dict)
    _unread: dict[str, str] = field(default_factory=dict)
    _matter: bool = False

    def __post_init__(self) -> None:
        """Look at rows only where some code is to go."""
        self._matter = deletes_stand(self.view)

    def unread(self, mapping: CrmMapping) -> None:
        """Note the codes that have rows in a system which could not be read."""
        for row in mapping.rows:
            if row.code is not None:
                self._unread.setdefault(row.code, mapping.system)

    def compared(self, mapping: CrmMapping, rows: Rows, fates: Mapping[str, Change]) -> None:
        """Note which code each row names, and what becomes of that: ``fates`` maps the ids of rows to changes."""
        if not self._matter:
            return
        if not rows.complete:
            self.hidden.append(mapping.system)
        for row in sorted(rows.rows, key=lambda one: (one.key, one.id)):
            fate = fates.get(row.id)
            for code_id in self._named(row.fields, row.key, mine=row.mine):
                if fate is not None and (fate.verb is not Verb.UPDATE_ROW or not self._names(fate, code_id)):
                    self._freed_by.setdefault(code_id, []).append(fate.id)
                elif row.fields.get("active") is not False:
                    self._held_by.setdefault(code_id, []).append(_holder(mapping, row))

    def removal_needs(self, code_id: str) -> tuple[ChangeId, ...]:
        """Return the changes of rows without which a code must not go."""
        return tuple(self._freed_by.get(code_id, ()))

    def removal_trouble(self, code_id: str) -> str:
        """Return why a code cannot go because of rows, or nothing."""
        if self.hidden:
            named = ", ".join(f'"{system}"' for system in self.hidden)
            return f"not all rows of {named} were read: whether one of them still names the code is not known"
        held = self._held_by.get(code_id, [])
        if not held:
            return ""
        more = f" and {len(held) - _FEW:,} more" if len(held) > _FEW else ""
        return f"still named by {', '.join(held[:_FEW])}{more}: take it out there first"

    def rename_trouble(self, key: str) -> str:
        """Return why a code may not get another name now, or nothing."""
        system = self._unread.get(key)
        if system is None:
            return ""
        return f'it is mapped in "{system}", whose rows could not be read: it keeps its name until they can'

    def _named(self, fields: Fields, key: str, *, mine: bool) -> Iterator[str]:
        """Yield the live ids that a row names: by id; an own one also by its code's key.

        The keys of a foreign row are somebody else's: another org's rows in the same table have the same ones.
        """
        by_id = fields.get("code_id")
        if isinstance(by_id, str) and by_id:
            yield by_id
        if not mine:
            return
        code = fields.get("code") or (key.removeprefix(TO) if key.startswith(TO) else None)
        by_key = self.view.codes.ids.get(code) if isinstance(code, str) else None
        if by_key is not None and by_key != by_id:
            yield by_key

    def _names(self, fate: Change, code_id: str) -> bool:
        return code_id in self._named(fate.after, str(fate.after.get("key")), mine=True)


def _holder(mapping: CrmMapping, row: LiveRow) -> str:
    if not row.mine:
        why = "not made by wrapctl"
    elif mapping.on_remove == "keep":
        why = "`on_remove: keep`"
    else:
        why = "which this plan does not remove"
    return f'the row "{label_of(row.key, row.fields)}" of "{mapping.system}" (id {row.id}, {why})'
