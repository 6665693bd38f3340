"""Import: the live org as files, new ones or those that are there, with their keys and comments.

What is live wins: declared values become the live ones; what the files declare and the platform does not have goes.
Importing and then planning gives an empty plan, on every odd name. Pure: live and texts in, texts out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from wrapctl.config import adopt_crm, naming, write
from wrapctl.config.edit import File
from wrapctl.config.entries import Entry, code_entry, flags_of, work_of
from wrapctl.config.files import HOME
from wrapctl.config.project import OrgConfig
from wrapctl.config.resolve import Lists
from wrapctl.config.tree import Map
from wrapctl.config.values import SET, Wrong, nearest, quoted, to_name
from wrapctl.config.vendor import Vendor
from wrapctl.errors import UsageError
from wrapctl.model import Code, Live, LiveCode, LiveQueue, Queue
from wrapctl.plan.matching import Declared, match
from wrapctl.policy import Limits

Selection = Literal["none", "all"] | frozenset[str]
_COMMON = frozenset({"name", "description", "division", "active"})
"""Fields that every platform's files spell alike; the others stand in the platform's own block."""
SHARED_BY = 3
"""So many queues with one list make it a set."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import writes: path → text of every file that is new or differs, and notes for the person."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


def queues_to_read(live: Live, selection: Selection, existing: OrgConfig | None = None) -> frozenset[str]:
    """Return the ids of the live queues whose links an import needs: those asked for, and those in the files.

    Raises:
        UsageError: a queue was asked for that does not exist.
    """
    found = _matched_queues(live, existing)
    return frozenset({queue.id for queue in _asked(live, selection)} | set(found.values()))


def import_org(
    org: str,
    live: Live,
    vendor: Vendor,
    *,
    selection: Selection = "all",
    sets: bool = False,
    settings: write.OrgSettings | None = None,
    existing: OrgConfig | None = None,
    texts: Mapping[str, str] | None = None,
    crm: frozenset[str] = frozenset(),
) -> Imported:
    """Return the files that say what is live.

    ``live`` holds all codes and queues, the outbound flags, and the links of ``queues_to_read``. ``settings`` make
    an ``org.yaml`` where there is none. ``existing`` and ``texts`` (path → text) are the org's files of today.
    ``crm`` are the systems whose rows in ``live`` are written down, too.

    Raises:
        UsageError: a queue was asked for that does not exist.
    """
    return _Import(org, live, vendor, existing, texts or {}).run(
        selection, sets=sets, settings=settings, crm=crm
    )


def _asked(live: Live, selection: Selection) -> list[LiveQueue]:
    if selection == "all":
        return [queue for queue in live.queues if queue.active]
    if selection == "none":
        return []
    names = {queue.name for queue in live.queues}
    for name in sorted(selection - names):
        raise UsageError(f"there is no queue {quoted(name)}", hint=nearest(name, names))
    return [queue for queue in live.queues if queue.name in selection]


def _matched_queues(live: Live, existing: OrgConfig | None) -> dict[str, str]:
    """Return label → live id of the queues that the files declare."""
    if existing is None:
        return {}
    declared = (Declared(q.label, q.name, q.id, q.previously) for q in existing.desired.queues)
    return match(declared, ((queue.id, queue.name) for queue in live.queues)).ids


@dataclass(slots=True)
class _Import:
    """One import under way. ``keys``: live id → key. ``gone``: keys that leave the files."""

    org: str
    live: Live
    vendor: Vendor
    existing: OrgConfig | None
    texts: Mapping[str, str]
    files: dict[str, File] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    new_codes: dict[str, Entry] = field(default_factory=dict)
    new_queues: dict[str, Entry] = field(default_factory=dict)
    new_sets: dict[str, Sequence[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(
        self, selection: Selection, *, sets: bool, settings: write.OrgSettings | None, crm: frozenset[str]
    ) -> Imported:
        self.files = {path: File(text) for path, text in self.texts.items()}
        self._codes()
        self._queues(selection)
        self._sets()
        if sets:
            self._share()
        if self.existing is not None:
            self.notes += adopt_crm.adopt(self.existing, self.live, crm, self._known(), self.files)
        made = self._made(settings)
        changed = {path: file.text for path, file in self.files.items() if file.text != self.texts[path]}
        return Imported({**made, **changed}, tuple(self.notes))

    # ── codes ──────────────────────────────────────────────────────────────────────────────────────────────

    def _codes(self) -> None:
        takeable = self._takeable()
        declared = {code.key: code for code in self.existing.desired.codes} if self.existing else {}
        matches = match(
            (Declared(code.key, code.name, code.id, code.previously or ()) for code in declared.values()),
            ((code.id, code.name) for code in takeable),
        )
        self.keys = dict(matches.keys_by_id)
        new = [code for code in takeable if code.id not in self.keys and code.id not in matches.held]
        taken = set(declared) | (self.existing.draft.omitted if self.existing else set())
        hinted = adopt_crm.hinted_keys(self.live)
        for code in new:
            if hinted.get(code.id, "") not in {"", *taken}:
                taken.add(hinted[code.id])
                self.keys[code.id] = hinted[code.id]
        rest = [code for code in new if code.id not in self.keys]
        named = naming.keys((code.name for code in rest), taken)
        self.keys.update({code.id: named[code.name] for code in rest})
        for code in sorted(new, key=lambda one: (str(one.fields.get("division") or ""), one.name, one.id)):
            self.new_codes[self.keys[code.id]] = code_entry(self.vendor, self.live, code, self.notes)
        by_id = {code.id: code for code in takeable}
        for key, wanted in declared.items():
            if key in matches.blocked:
                self.notes.append(f"{key}: left as it is: {matches.blocked[key]}")
            elif key in matches.ids:
                self._refresh(wanted, by_id[matches.ids[key]])
            else:
                self.gone.add(key)
                self._remove("codes", key, {"state": "omitted"})
                self.notes.append(
                    f"{key}: taken out of the files, no live code is called {quoted(wanted.name)}"
                )

    def _takeable(self) -> list[LiveCode]:
        """Return the live codes that can stand in files; the others are remembered with the reason."""
        ignore = self.existing.desired.policy.ignore if self.existing else ()
        count: dict[str, int] = defaultdict(int)
        for code in self.live.codes:
            count[code.name] += 1
        found = []
        for code in sorted(self.live.codes, key=lambda one: (one.name, one.id)):
            if code.reserved or not code.active or any(fnmatchcase(code.name, glob) for glob in ignore):
                self.left_out[code.id] = "stays"  # exact lists do not take these off, so nothing needs saying
            elif count[code.name] > 1:
                self.left_out[code.id] = "several live codes have this name"
            else:
                try:
                    to_name(code.name)
                except Wrong as wrong:
                    self.left_out[code.id] = str(wrong)
                else:
                    found.append(code)
            if self.left_out.get(code.id, "stays") != "stays":
                self.notes.append(f"left out {quoted(code.name)} ({code.id}): {self.left_out[code.id]}")
        return found

    def _refresh(self, code: Code, live: LiveCode) -> None:
        """Make the declared values of a code the live ones; what is not managed stays so."""
        changes: Entry = {}
        if code.name != live.name:
            changes["name"] = live.name
            if live.name in (code.previously or ()):
                changes["previously"] = [name for name in code.previously or () if name != live.name]
        if code.absent:
            changes["state"] = "present"
            if code.unassign_everywhere:
                changes["unassign_everywhere"] = "false"
        for name in ("description", "division"):
            value = live.fields.get(name)
            if name in code.fields and code.fields[name] != (value or ""):
                changes[name] = str(value or "")
        flags = flags_of(self.vendor, self.live, live)
        if code.outbound is not None and flags is not None and set(flags) != set(code.outbound):
            changes["outbound"] = list(flags)
        own = {name: value for name, value in live.fields.items() if name not in _COMMON}
        if any(code.fields[name] != value for name, value in own.items() if name in code.fields):
            changes[self.vendor.name] = dict(self.vendor.code_entry(live.fields))
        self._change("codes", code.key, changes, self.new_codes)

    def _known(self) -> adopt_crm.Known:
        """The codes as the files will have them."""
        made = {key: entry for key, entry in self.new_codes.items() if key not in self.gone}
        names = {key: str(entry.get("name", key)) for key, entry in made.items()}
        told = {key: str(entry.get("description", "")) for key, entry in made.items()}
        for key, item in self.existing.draft.codes.items() if self.existing is not None else ():
            if key not in self.gone:
                names[key], told[key] = item.spec.name or key, item.spec.description or ""
        live = {code.id: code for code in self.live.codes}
        for code_id, key in self.keys.items():
            names[key] = live[code_id].name
            if key in told and "description" in live[code_id].fields and self._manages(key, "description"):
                told[key] = str(live[code_id].fields["description"] or "")
        return adopt_crm.Known(self.keys, names, told, frozenset(self.gone))

    def _manages(self, key: str, name: str) -> bool:
        declared = self.existing.desired.codes if self.existing is not None else ()
        return any(code.key == key and name in code.fields for code in declared)

    # ── queues ─────────────────────────────────────────────────────────────────────────────────────────────

    def _queues(self, selection: Selection) -> None:
        matched = _matched_queues(self.live, self.existing)
        by_id = {queue.id: queue for queue in self.live.queues}
        for queue in self.existing.desired.queues if self.existing else ():
            if queue.label in matched:
                self._refresh_queue(queue, by_id[matched[queue.label]])
            else:
                self._remove("queues", queue.label, None)
                self.notes.append(f"{queue.label}: taken out of the files, no live queue has this name")
        known = set(matched.values())
        names: dict[str, int] = defaultdict(int)
        for live in self.live.queues:
            names[live.name] += 1
        new = []
        for live in sorted(
            _asked(self.live, selection), key=lambda one: (one.division or "", one.name, one.id)
        ):
            if live.id in known:
                continue
            try:
                to_name(live.name)
            except Wrong as wrong:
                self.notes.append(f"left out the queue {quoted(live.name)} ({live.id}): {wrong}")
                continue
            if names[live.name] > 1:
                self.notes.append(
                    f"left out the queue {quoted(live.name)} ({live.id}): several have this name"
                )
                continue
            new.append(live)
        taken = {queue.label for queue in self.existing.desired.queues} if self.existing else set()
        named = naming.labels((queue.name for queue in new), taken)
        for live in new:
            self.new_queues[named[live.name]] = self._queue_entry(named[live.name], live)

    def _queue_entry(self, label: str, live: LiveQueue) -> Entry:
        entry: Entry = {} if label == live.name else {"name": live.name}
        entry["id"] = live.id
        codes, closed = self._listed(live)
        if codes is not None:
            entry["codes"] = codes
            if not closed:
                entry["assign"] = "additive"
                self.notes.append(f"{label}: `additive`, for it holds codes that the files do not")
        if work := work_of(self.vendor, live):
            entry["after_call_work"] = work
        return entry

    def _listed(self, live: LiveQueue) -> tuple[list[str] | None, bool]:
        """Return a queue's keys, None when its links were not read; and whether that is all that it holds."""
        if live.id not in self.live.links:
            return None, True
        ids = self.live.links[live.id]
        strange = [one for one in ids if one not in self.keys and self.left_out.get(one) != "stays"]
        reserved = self.vendor.capabilities.reserved
        closed = all(
            any(fnmatchcase(self.live.link_names.get(one, ""), glob) for glob in reserved) for one in strange
        )
        found = [self.keys[one] for one in ids if one in self.keys]
        return (found if self.vendor.capabilities.ordered_links else sorted(found)), closed

    def _refresh_queue(self, queue: Queue, live: LiveQueue) -> None:
        changes: Entry = {}
        if queue.name != live.name:
            changes["name"] = live.name
            if live.name in queue.previously:
                changes["previously"] = [name for name in queue.previously if name != live.name]
        if queue.id != live.id:
            changes["id"] = live.id
        codes, closed = self._listed(live)
        if queue.codes is not None and codes is not None:
            have, want = set(queue.codes) - self.gone, set(codes)
            moved = (
                self.vendor.capabilities.ordered_links and not queue.additive and list(queue.codes) != codes
            )
            if moved or have - want or (want - have and not queue.additive) or set(queue.codes) & self.gone:
                changes["codes"] = self._rewritten(queue, codes)
            if not closed and not queue.additive:
                changes["assign"] = "additive"
        if queue.after_call_work is not None and any(
            live.after_call_work.get(name) != value for name, value in queue.after_call_work.items()
        ):
            changes["after_call_work"] = work_of(self.vendor, live)
        self._change("queues", queue.label, changes, self.new_queues)

    def _rewritten(self, queue: Queue, codes: list[str]) -> list[str]:
        """Return a list that says ``codes``, with the sets of today kept where all their codes are live."""
        assert self.existing is not None  # noqa: S101 only declared queues are rewritten
        if self.vendor.capabilities.ordered_links and not queue.additive:
            return codes  # a set would have to stand where its codes do; the order is what agents see
        draft = self.existing.draft
        lists = Lists(draft)
        kept: list[str] = []
        covered: set[str] = set()
        for item in self._items(queue.label):
            name = item.removeprefix(SET)
            if item.startswith(SET) and name in draft.sets:
                members = set(lists.expand(draft.sets[name][0], name) or ()) - self.gone
                if members and members <= set(codes):
                    kept.append(item)
                    covered |= members
            elif item in codes:
                kept.append(item)
                covered.add(item)
        wanted = codes if not queue.additive else [code for code in codes if code in (queue.codes or ())]
        return [*kept, *(code for code in wanted if code not in covered)]

    def _items(self, label: str) -> list[str]:
        node = self.existing.draft.queues[label].spec.codes if self.existing is not None else None
        return list(node or ())

    # ── sets ───────────────────────────────────────────────────────────────────────────────────────────────

    def _sets(self) -> None:
        """Take codes that left the files out of the sets, too."""
        if self.existing is None or not self.gone:
            return
        for name, (items, _) in self.existing.draft.sets.items():
            left = [item for item in items if isinstance(item, str) and item not in self.gone]
            if len(left) == len(items):
                continue
            if (path := self._home("sets", name)) is not None:
                self.files[path].put(left, "sets", name)
            else:
                self.new_sets[name] = left

    def _share(self) -> None:
        """Give a name to a list that several new queues have in common."""
        by_list: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for label, entry in self.new_queues.items():
            codes = entry.get("codes")
            if isinstance(codes, list) and len(codes) > 1:
                by_list[tuple(codes)].append(label)
        taken = {*self.new_sets, *(self.existing.draft.sets if self.existing else ())}
        for codes, labels in sorted(by_list.items()):
            if len(labels) < SHARED_BY:
                continue
            name = naming.set_name(labels, taken)
            taken.add(name)
            self.new_sets[name] = codes
            for label in labels:
                self.new_queues[label]["codes"] = [f"{SET}{name}"]

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────

    def _home(self, section: str, key: str) -> str | None:
        """Return the org's own file in which an entry stands, None when it is only inherited."""
        return next((path for path, file in self.files.items() if file.has(section, key)), None)

    def _inherited(self, section: str, key: str) -> bool:
        """Whether an entry, or a part of it, comes from an include."""
        if self.existing is None:
            return False
        node = self.existing.draft.sections[section].get(key)
        marks = node.value_marks.values() if isinstance(node, Map) else ()
        places = self.existing.draft.places
        return any(places.file(mark) not in self.files for mark in marks) or (
            section == "codes" and key in self.existing.draft.inherited
        )

    def _change(self, section: str, key: str, changes: Entry, new: dict[str, Entry]) -> None:
        if not changes:
            return
        path = self._home(section, key)
        if path is None:
            new[key] = changes  # an override of what is inherited
            return
        inherited = self._inherited(section, key)
        for name, value in changes.items():
            if not inherited and (
                value in ("present", "false") or value == {} or (name == "previously" and not value)
            ):
                self.files[path].drop(section, key, name)
            else:
                self.files[path].put(value, section, key, name)

    def _remove(self, section: str, key: str, declined: Entry | None) -> None:
        path = self._home(section, key)
        if path is not None:
            self.files[path].drop(section, key)
        if self._inherited(section, key) and declined is not None:
            self.new_codes[key] = declined

    def _made(self, settings: write.OrgSettings | None) -> dict[str, str]:
        """Put new entries into the org's files, or make the files."""
        folder = f"{HOME}/{self.org}"
        made: dict[str, str] = {}
        for section, name, entries in (
            ("codes", "codes.yaml", self.new_codes),
            ("queues", "queues.yaml", self.new_queues),
        ):
            path = f"{folder}/{name}"
            home = next((path for path, file in self.files.items() if file.has(section)), None)
            if home is None and path in self.files:
                home = path
            if home is not None:
                for key, entry in entries.items():
                    for part, value in entry.items():
                        self.files[home].put(value, section, key, part)
                if section == "queues":
                    for one, codes in self.new_sets.items():
                        self.files[home].put(codes, "sets", one)
            elif section == "codes":
                made[path] = write.codes_file(entries)
            elif entries or self.new_sets:
                made[path] = write.queues_file(entries, self.new_sets)
        if settings is not None and f"{folder}/org.yaml" not in self.files:
            most = max((len(ids) for ids in self.live.links.values()), default=0)
            bound = most if most > Limits().codes_per_queue else None
            made[f"{folder}/org.yaml"] = write.org_file(settings, codes_per_queue=bound)
        return made
