"""Import of CRM rows: what a CRM holds as values and rules of the mapping's file, with its keys and comments.

Own rows win over the files; foreign ones only say what the files leave open, and are never taken over: what is
written is what the files want, wherever it came from. Pure: live rows and files in, edits and notes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wrapctl.config import rules, write
from wrapctl.config.adopt_rows import (
    called,
    declared_translations,
    in_order,
    is_name,
    is_rule,
    live_translations,
    rule_entry,
)
from wrapctl.config.crm_rows import DEFAULT
from wrapctl.config.edit import File, Tree
from wrapctl.config.project import OrgConfig
from wrapctl.config.resolve import Item
from wrapctl.config.spec_crm import CrmMapping, ToCrm
from wrapctl.config.values import KEY, quoted
from wrapctl.model import Live
from wrapctl.rows import FROM_CRM, TO_CRM, LiveRow, Rows

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Known:
    """The codes as the files will have them: live id → key, key → name, key → description, keys that leave."""

    keys: Mapping[str, str]
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    gone: frozenset[str]


def hinted_keys(live: Live) -> dict[str, str]:
    """Return the keys that own rows give to live codes: id → key. A code that has no key yet best takes that one."""
    found: dict[str, str] = {}
    for rows in live.crm.values():
        for row in rows.rows:
            code, code_id = row.fields.get("code"), row.fields.get("code_id")
            if row.mine and isinstance(code, str) and isinstance(code_id, str) and KEY.fullmatch(code):
                found.setdefault(code_id, code)
    return found


def adopt(
    existing: OrgConfig, live: Live, systems: Iterable[str], known: Known, files: Mapping[str, File]
) -> list[str]:
    """Edit the files of mappings so that they say what is live; return notes for the person.

    Codes that leave the files leave every mapping; rows are taken from ``systems`` alone.
    """
    notes: list[str] = []
    wanted = set(systems)
    for item in sorted(existing.draft.mappings, key=lambda one: one.spec.system):
        one = _Adoption(existing, item, known, files)
        one.forget()
        system = item.spec.system
        if system in wanted:
            rows = live.crm.get(system)
            if rows is None:
                notes.append(f"{system}: left as it is: {live.unread.get(system, 'its rows were not read')}")
            elif not rows.compared:
                notes.append(f"{system}: left as it is: its rows cannot be read back")
            else:
                one.take(rows)
        notes += [f"{system}: {note}" for note in one.notes]
    return notes


@dataclass(slots=True)
class _Adoption:
    """One mapping.

    ``strange`` are live texts that could not be understood or were not wanted, ``orphans`` counts the own rows
    among them.
    """

    existing: OrgConfig
    item: Item[CrmMapping]
    known: Known
    files: Mapping[str, File]
    notes: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    orphans: int = 0
    foreign: int = 0
    written: int = 0

    @property
    def file(self) -> File:
        """The mapping's file."""
        return self.files[self.item.key]

    @property
    def to_crm(self) -> Mapping[str, ToCrm]:
        """What the mapping says of codes today."""
        return self.item.spec.to_crm or {}

    def forget(self) -> None:
        """Take codes that leave the files out of the mapping."""
        gone = [key for key in self.to_crm if key in self.known.gone]
        for key in gone:
            self.file.drop("to_crm", key)
        rules_today = self.item.spec.from_crm or []
        kept: list[tuple[int | None, Mapping[str, Tree | None]]] = [
            (number, {}) for number, rule in enumerate(rules_today) if rule.code not in self.known.gone
        ]
        if len(kept) < len(rules_today):
            self.file.arrange(kept, "from_crm")
        count = len(gone) + len(rules_today) - len(kept)
        if count:
            self.notes.append(f"{count} entries taken out of the files with their codes")

    def take(self, rows: Rows) -> None:
        """Write down what is live."""
        if rows.value_list:
            self._values(rows)
        else:
            self._codes(rows)
            self._rules(rows)
        self._tell(rows)

    # ── codes by code ──────────────────────────────────────────────────────────────────────────────────────

    def _codes(self, rows: Rows) -> None:
        """Rows of a mapping table: one for each code, own ones first."""
        taken: dict[str, str] = {}
        for row in in_order(rows, TO_CRM):
            value, key = row.fields.get("value"), self._resolve(row)
            if key is None or not isinstance(value, str) or not is_name(value):
                self.strange.append(called(row))
                self.orphans += row.mine
            elif row.mine:
                taken[key] = value
                self._say(key, value, row, rows)
            elif taken.setdefault(key, self._value(key) or value) != value:
                self.strange.append(called(row))
            elif self._value(key) is None:
                self.foreign += 1
                self._say(key, value, None, rows)
        missing = [key for key in self._mapped() if key not in taken]
        if missing and rows.complete:
            self.notes.append(f"{len(missing)} values of the files are not live: kept, the plan creates them")

    def _resolve(self, row: LiveRow) -> str | None:
        """Return the code that a row names: by key, by live id, or by a name that only one code has."""
        code, code_id = row.fields.get("code"), row.fields.get("code_id")
        if row.mine and code == DEFAULT:
            return DEFAULT
        if isinstance(code, str) and code in self.known.names:
            return code
        if isinstance(code_id, str) and code_id in self.known.keys:
            return self.known.keys[code_id]
        return self._named(code) if isinstance(code, str) else None

    def _named(self, text: str) -> str | None:
        """Return the one code of which ``text`` is key or name, but for case."""
        folded = text.casefold()
        for names in ({key: key for key in self.known.names}, self.known.names):
            found = [key for key, name in names.items() if name.casefold() == folded]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    # ── values ─────────────────────────────────────────────────────────────────────────────────────────────

    def _values(self, rows: Rows) -> None:
        """Rows of a list of values: one that is called like a code is its value."""
        holders: dict[str, list[str]] = {}
        for key in self._mapped():
            holders.setdefault(self._value(key) or "", []).append(key)
        for row in sorted(rows.rows, key=lambda one: (not one.mine, one.key)):
            value = row.fields.get("value")
            if row.fields.get("active") is False or not isinstance(value, str):
                continue
            codes = holders.get(value, [])
            if not codes:
                called_so = self._named(value) if is_name(value) else None
                if called_so is None or self._value(called_so) is not None:
                    self.strange.append(value)
                    self.orphans += row.mine
                    continue
                codes = holders.setdefault(value, [called_so])
                self.foreign += not row.mine
                self._put(called_so, value=value)
            if row.mine:
                self._describe(sorted(codes), row, rows)

    def _describe(self, codes: list[str], row: LiveRow, rows: Rows) -> None:
        """Say the description and translations of a value, where one of its codes says them or the first one does."""
        own = [key for key in codes if key in self.to_crm and self.to_crm[key].description is not None]
        descriptions = {self.known.descriptions.get(key, "") for key in codes}
        default = descriptions.pop() if len(descriptions) == 1 else ""
        for key in own or codes[:1]:
            self._differs(key, row, rows, default)

    # ── one entry ──────────────────────────────────────────────────────────────────────────────────────────

    def _mapped(self) -> list[str]:
        """The keys that have a value in the files today."""
        codes = self.existing.draft.codes
        on_codes = [key for key, code in codes.items() if self.item.spec.system in (code.spec.crm or {})]
        keys = dict.fromkeys((*self.to_crm, *on_codes))
        return [key for key in keys if key == DEFAULT or key in self.known.names]

    def _value(self, key: str) -> str | None:
        """What the files call a code today."""
        here = self.to_crm[key].value if key in self.to_crm else None
        code = self.existing.draft.codes.get(key)
        there = (code.spec.crm or {}).get(self.item.spec.system) if code is not None else None
        return here if here is not None else there

    def _say(self, key: str, value: str, row: LiveRow | None, rows: Rows) -> None:
        if value != self._value(key):
            self._put(key, value=value)
        if row is not None:
            self._differs(key, row, rows, self.known.descriptions.get(key, ""))

    def _differs(self, key: str, row: LiveRow, rows: Rows, default: str) -> None:
        """Say description and translations of an own row where the files would want others.

        ``default`` is the description where the mapping says none.
        """
        entry = self.to_crm.get(key)
        if "description" in rows.fields:
            today = entry.description if entry is not None else None
            told = today if today is not None else default
            live = row.fields.get("description") or ""
            if isinstance(live, str) and live != told:
                self._put(key, description=live)
        if "translations" in rows.fields:
            now = declared_translations(entry)
            wanted = live_translations(row.fields.get("translations"))
            if wanted is not None and wanted != now:
                self._put(key, translations=wanted)

    def _put(self, key: str, **said: Tree) -> None:
        """Write what is said of a code: its value where it stands today, the rest into the mapping."""
        self.written += 1
        value = said.pop("value", None)
        if value is not None:
            code, entry = self.existing.draft.codes.get(key), self.to_crm.get(key)
            on_code = code is not None and self.item.spec.system in (code.spec.crm or {})
            if on_code:
                self._on_code(key, value)
            if not on_code or (entry is not None and entry.value is not None):
                said = {"value": value, **said}
        if not said:
            return
        if not self.file.has("to_crm", key, "value") and not self.file.is_map("to_crm", key):
            # A bare value, or nothing yet.
            bare = self.file.scalar("to_crm", key)
            whole: dict[str, Tree] = {**({"value": bare} if bare is not None else {}), **said}
            self.file.put(whole["value"] if list(whole) == ["value"] else whole, "to_crm", key)
            return
        for name, content in said.items():
            self.file.put(content, "to_crm", key, name)

    def _on_code(self, key: str, value: Tree) -> None:
        system = self.item.spec.system
        home = next((file for file in self.files.values() if file.has("codes", key)), None)
        if home is None:  # only inherited: the org's own file says otherwise
            home = next((file for file in self.files.values() if file.has("codes")), self.file)
        if home is self.file:
            self.notes.append(
                f"{key} is {quoted(str(value))} there; its value stands in a catalog: change it there"
            )
            return
        home.put(value, "codes", key, "crm", system)

    # ── rules ──────────────────────────────────────────────────────────────────────────────────────────────

    def _rules(self, rows: Rows) -> None:
        """The list of rules in the order of the live ones; a rule that only the files have stays behind its neighbour."""
        if not {"code", "order"} <= rows.fields or not {"status", "when"} & rows.fields:
            return
        today = {
            rules.normal(rule.status, rule.when): (number, rule)
            for number, rule in enumerate(self.item.spec.from_crm or [])
            if rule.code not in self.known.gone
        }
        order: list[rules.Condition] = []
        strangers: list[rules.Condition] = []
        found: dict[rules.Condition, dict[str, Tree | None]] = {}
        for row in in_order(rows, FROM_CRM):
            condition, code = rules.condition_of(row.fields), self._resolve(row)
            told = rule_entry(condition, code, row) if code is not None and code != DEFAULT else None
            if told is None or not is_rule(row):
                self.strange.append(called(row))
                self.orphans += row.mine
            elif condition in found or (not row.mine and condition in today):
                if not row.mine and found.get(condition, {}).get("code", code) != code:
                    self.strange.append(called(row))
            else:
                found[condition] = told
                if row.mine:
                    order.append(condition)
                else:
                    self.foreign += 1
                    strangers.append(condition)
        for condition, (number, _) in today.items():
            if condition not in found:
                before = [one for one, (other, _) in today.items() if other < number and one in order]
                order.insert(order.index(before[-1]) + 1 if before else 0, condition)
        rest = order.index(()) if () in order else len(order)
        order[rest:rest] = strangers  # before the rule that takes the rest, where they can still match
        self._arrange(order, found, today)

    def _arrange(
        self,
        order: list[rules.Condition],
        found: Mapping[rules.Condition, Mapping[str, Tree | None]],
        today: Mapping[rules.Condition, tuple[int, object]],
    ) -> None:
        gone = self.known.gone
        left = [n for n, rule in enumerate(self.item.spec.from_crm or []) if rule.code not in gone]
        items: list[tuple[int | None, Mapping[str, Tree | None]]] = []
        changed = 0
        for condition in order:
            told = found.get(condition, {})
            if condition not in today:
                items.append((None, told))
                changed += 1
                continue
            number = today[condition][0]
            rule = (self.item.spec.from_crm or [])[number]
            duration = None if rule.duration is None else write.duration(rule.duration)
            now: dict[str, str | None] = {"code": rule.code, "duration": duration}
            differs = {name: told[name] for name in now if told and told.get(name) != now[name]}
            changed += bool(differs)
            items.append((left.index(number), differs))
        moved = [number for number, _ in items if number is not None] != list(range(len(left)))
        if changed or moved:
            self.written += max(changed, 1)
            self.file.arrange(items, "from_crm")

    # ── words ──────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, rows: Rows) -> None:
        own = sum(row.mine for row in rows.rows)
        if self.written:
            self.notes.append(
                f"{self.written} entries written; {own} of {len(rows.rows)} rows are wrapctl's own"
            )
        if self.foreign:
            after = (
                "they serve the mapping as they are"
                if rows.value_list
                else "the plan adds wrapctl's own beside them"
            )
            count = (
                "1 row is not wrapctl's and was"
                if self.foreign == 1
                else f"{self.foreign} rows are not wrapctl's and were"
            )
            self.notes.append(
                f"{count} understood: the files say what they say; they stay untouched, {after}"
            )
        if self.strange:
            shown = ", ".join(quoted(text) for text in sorted(self.strange)[:_SHOWN])
            more = f" and {len(self.strange) - _SHOWN} more" if len(self.strange) > _SHOWN else ""
            self.notes.append(f"not mapped: {shown}{more}")
        if self.orphans:
            rows_are = "1 of these is a row" if self.orphans == 1 else f"{self.orphans} of these are rows"
            self.notes.append(
                f"{rows_are} of wrapctl's own: the next plan removes it, unless a code is mapped to it"
                if self.orphans == 1
                else f"{rows_are} of wrapctl's own: the next plan removes them, unless codes are mapped to them"
            )
