"""Drift taken over: what somebody changed on the platform becomes what the files say, where they say it.

Only what drifted is touched: keys, comments, order and sets stay, and what a catalog says is overridden in the org's
own files. Whether the files then mean what is live is for the caller to see, by planning again. Pure: changes, live
and texts in, texts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import unquote

from wrapctl.config import naming
from wrapctl.config.adopt_drift_rows import adopt_row
from wrapctl.config.drift_book import Book, CannotTake
from wrapctl.config.entries import code_entry, flags_of, work_of
from wrapctl.config.project import OrgConfig
from wrapctl.config.resolve import Lists
from wrapctl.config.values import SET, Wrong, quoted, to_name
from wrapctl.config.vendor import Vendor
from wrapctl.model import ROW_VERBS, TABLE_VERBS, Cause, Change, ChangeId, Live, LiveCode, Verb
from wrapctl.plan.diff import differing

_COMMON: Final = frozenset({"description", "division"})
_REMOVES: Final = frozenset({Verb.DELETE_CODE, Verb.DEACTIVATE_CODE})
_LINKS: Final = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER})
_GONE: Final = "it was deleted: take it out of the files, or let the next apply make it again"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What the files are to say: path → text of every file that is new or differs; ``left``: what not, and why."""

    files: Mapping[str, str]
    left: Mapping[ChangeId, str]


def adopt_drift(
    existing: OrgConfig,
    live: Live,
    vendor: Vendor,
    changes: Iterable[Change],
    texts: Mapping[str, str],
    *,
    renamed: Mapping[ChangeId, str] | None = None,
) -> Adopted:
    """Return the org's files with the live values of ``changes``.

    ``changes`` lead from what is live (``before``) to what was applied (``after``). ``renamed`` maps the creation of
    a code to the live id under which it goes on, by another name. ``texts`` are the org's own files.
    """
    return _Adoption(existing, live, vendor, Book(existing.name, texts), dict(renamed or {})).run(changes)


@dataclass(slots=True)
class _Adoption:
    """One adoption under way. ``keys``: live id → key of codes that the files declare from now on."""

    existing: OrgConfig
    live: Live
    vendor: Vendor
    book: Book
    renamed: dict[ChangeId, str]
    keys: dict[str, str] = field(default_factory=dict)
    left: dict[ChangeId, str] = field(default_factory=dict)

    def run(self, changes: Iterable[Change]) -> Adopted:
        queues: dict[str, list[Change]] = {}
        rest: list[Change] = []
        for change in changes:
            if change.verb in _LINKS:
                queues.setdefault(_part(change), []).append(change)
            else:
                rest.append(change)
        # Codes first: a list can only name what is declared.
        for change in sorted(rest, key=lambda one: one.verb.rank):
            try:
                self._one(change)
            except CannotTake as reason:
                self.left[change.id] = str(reason)
        for label, members in queues.items():
            self._list(label, members)
        return Adopted(self.book.texts(), self.left)

    def _one(self, change: Change) -> None:
        verb = change.verb
        if verb is Verb.UPDATE_CODE:
            self._code(_part(change), self._live(change.live_id), differing(change.before, change.after))
        elif verb is Verb.CREATE_CODE:
            self._renamed(change)
        elif verb in _REMOVES:
            self._kept(change)
        elif verb is Verb.SET_OUTBOUND:
            flags = flags_of(self.vendor, self.live, self._live(change.live_id))
            if flags is None:
                raise CannotTake("its flags are none that files have words for")
            self.book.put(list(flags), "codes", _part(change), "outbound")
        elif verb is Verb.SET_ACW:
            self._work(change)
        elif verb in ROW_VERBS:
            adopt_row(self.existing, self.book, change)
        elif verb in TABLE_VERBS:
            raise CannotTake("a table is not in the files: let the next apply put it right")

    # ── codes ──────────────────────────────────────────────────────────────────────────────────────────────

    def _live(self, live_id: str | None) -> LiveCode:
        found = next((code for code in self.live.codes if code.id == live_id), None)
        if found is None:
            raise CannotTake("it is not live any more")
        return found

    def _code(self, key: str, live: LiveCode, fields: Sequence[str]) -> None:
        if "active" in fields and not live.active:
            raise CannotTake("it was deactivated: write `state: absent` and take it out of the lists")
        block = self.vendor.code_entry(live.fields)
        for name in fields:
            value = live.fields.get(name)
            if name == "name":
                self._name(key, live.name)
            elif name in _COMMON:
                self.book.put(str(value or ""), "codes", key, name)
            elif name != "active":
                said = block.get(name) or ("false" if value is False else None)
                if said is None:
                    raise CannotTake(f"files have no words for its {name}")
                self.book.put(said, "codes", key, self.vendor.name, name)

    def _name(self, key: str, name: str) -> None:
        try:
            to_name(name)
        except Wrong as wrong:
            raise CannotTake(f"its name cannot stand in a file: {wrong}") from None
        former = next((code.previously for code in self.existing.desired.codes if code.key == key), None)
        self.book.put(name, "codes", key, "name")
        if name in (former or ()):
            # A code's name cannot be a former one of itself; its old name is nobody's, so that it is not added.
            self.book.put([one for one in former or () if one != name], "codes", key, "previously")

    def _renamed(self, change: Change) -> None:
        """A code that is gone: under another name, or for good."""
        live_id = self.renamed.get(change.id)
        if live_id is None:
            raise CannotTake(_GONE)
        live, key = self._live(live_id), _part(change)
        code = next((one for one in self.existing.desired.codes if one.key == key), None)
        if code is None:
            raise CannotTake("no file declares it any more")
        self._code(key, live, [name for name, value in code.fields.items() if live.fields.get(name) != value])
        self.keys[live_id] = key

    def _kept(self, change: Change) -> None:
        if change.cause is not Cause.PRUNE:
            raise CannotTake("the files remove it: take its `state: absent` out")
        self._declare(self._live(change.live_id))

    def _declare(self, live: LiveCode) -> str:
        """Return the key of a live code; one that no file declares gets one."""
        if live.id in self.keys:
            return self.keys[live.id]
        if sum(code.name == live.name for code in self.live.codes) > 1:
            raise CannotTake(f"several live codes are called {quoted(live.name)}")
        globs = (*self.vendor.capabilities.reserved, *self.existing.desired.policy.ignore)
        if live.reserved or any(fnmatchcase(live.name, glob) for glob in globs):
            raise CannotTake(f"{quoted(live.name)} is the platform's own, or ignored: no file may declare it")
        try:
            to_name(live.name)
        except Wrong as wrong:
            raise CannotTake(f"its name cannot stand in a file: {wrong}") from None
        taken = {*self.existing.draft.codes, *self.existing.draft.omitted, *self.keys.values()}
        key = naming.keys([live.name], taken)[live.name]
        for name, value in code_entry(self.vendor, self.live, live, []).items():
            self.book.put(value, "codes", key, name)
        self.keys[live.id] = key
        return key

    # ── queues ─────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self, change: Change) -> None:
        live = next((one for one in self.live.queues if one.id == change.live_id), None)
        said = work_of(self.vendor, live) if live is not None else {}
        if not said:
            raise CannotTake("files have no words for its after-call work")
        label = _part(change)
        for name in differing(change.before, change.after):
            word = {"timeout_ms": "timeout"}.get(name, name)
            if word in said:
                self.book.put(said[word], "queues", label, "after_call_work", word)
            elif not self.book.drop("queues", label, "after_call_work", word):
                raise CannotTake(
                    f"its `{word}` comes from a catalog and means nothing any more: set it to null"
                )

    def _list(self, label: str, members: list[Change]) -> None:
        """Change the list of one queue: what was taken off goes, what was put on comes, in the order of the live one."""
        queue = self.existing.draft.queues.get(label)
        if queue is None:
            self.left.update({change.id: "no file declares the queue any more" for change in members})
            return
        items = list(queue.spec.codes or ())
        # Under its new name a code is where it was: nothing of the list is to change.
        renamed = {_key(change_id): live_id for change_id, live_id in self.renamed.items()}
        gone = {_key(change_id) for change_id in self.left if change_id.verb is Verb.CREATE_CODE}
        for change in members:
            try:
                if change.verb is Verb.ASSIGN and not self._holds(change.parent, renamed.get(_key(change))):
                    self._take_off(items, _key(change), gone)
                elif change.verb is Verb.UNASSIGN:
                    self._put_on(items, change)
            except CannotTake as reason:
                self.left[change.id] = str(reason)
        reordered = next((change for change in members if change.verb is Verb.REORDER), None)
        if reordered is not None:
            if any(item.startswith(SET) for item in items):
                self.left[reordered.id] = "its list is made of sets: their order is not this queue's alone"
            else:
                items = self._in_live_order(items, reordered)
        if items != list(queue.spec.codes or ()):
            self.book.put(items, "queues", label, "codes")

    def _holds(self, queue_id: str | None, live_id: str | None) -> bool:
        return live_id is not None and live_id in self.live.links.get(queue_id or "", ())

    def _take_off(self, items: list[str], key: str, gone: set[str]) -> None:
        if key in gone:
            raise CannotTake("its code is gone")
        draft = self.existing.draft
        lists = Lists(draft)
        for item in items:
            name = item.removeprefix(SET)
            inside = item.startswith(SET) and name in draft.sets
            if inside and key in (lists.expand(draft.sets[name][0], name) or ()):
                raise CannotTake(
                    f"it is in the set {quoted(name)}: take it out there, or list this queue's codes one by one"
                )
        if key not in items:
            raise CannotTake("its list does not name it any more")
        items.remove(key)

    def _put_on(self, items: list[str], change: Change) -> None:
        if change.cause is Cause.VALIDITY:
            raise CannotTake("today is outside its validity dates: change these")
        live = self._live(change.live_id)
        key = _key(change)
        if key.startswith("~"):
            key = self._declare(live)
        elif (code := self.existing.draft.codes.get(key)) is None or code.spec.state != "present":
            raise CannotTake("the files remove this code: take its `state: absent` out")
        if key in items:
            return
        ids = self.live.links.get(change.parent or "", ())
        place = len(items)
        if self.vendor.capabilities.ordered_links and not any(item.startswith(SET) for item in items):
            known = self._keys_of(ids)
            before = known[: known.index(key)] if key in known else known
            place = max((items.index(one) + 1 for one in before if one in items), default=0)
        items.insert(place, key)

    def _in_live_order(self, items: list[str], change: Change) -> list[str]:
        """Return the items that are live in their live order, in the places that such items have now."""
        known = [key for key in self._keys_of(self.live.links.get(change.parent or "", ())) if key in items]
        following = iter(known)
        return [next(following) if item in known else item for item in items]

    def _keys_of(self, ids: Iterable[str]) -> list[str]:
        names = {code.id: code.name for code in self.live.codes}
        by_name = {code.name: code.key for code in self.existing.desired.codes}
        pinned = {code.id: code.key for code in self.existing.desired.codes if code.id}
        found = (self.keys.get(one) or pinned.get(one) or by_name.get(names.get(one, "")) for one in ids)
        return [key for key in found if key is not None]


def _part(change: Change) -> str:
    """The key of a code, or the label of a queue."""
    return unquote(change.address.split("/")[2])


def _key(change: Change | ChangeId) -> str:
    """The key of a code or of a link's, ``~id`` of one that no file declares."""
    return unquote(change.address.rpartition("/")[2])
