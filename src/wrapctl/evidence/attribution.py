"""Who changed what on a platform, out of its audit trail: which entries to ask for, and whose each change is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wrapctl.model import ROW_VERBS, TABLE_VERBS, Change, ChangeId, Verb
from wrapctl.plan.diff import differing
from wrapctl.targets.interface import AuditEntry

_CODES = frozenset({Verb.UPDATE_CODE, Verb.CREATE_CODE, Verb.DEACTIVATE_CODE, Verb.DELETE_CODE})
_LINKS = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER})
_TOLD = {
    "code": "codes",
    "queue": "queues, their assignments and after-call work",
    "outbound": "outbound flags",
    "row": "rows",
    "table": "tables",
}
_ROW_MARKS = ("direction", "code", "status", "value")
"""What tells one row from another where its id is not known."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who made a change: the entry of the trail that says so, None where ``why`` says why nobody is named.

    ``ours``: it was the client of this run. ``sure`` is False where the entry is the object's newest and says
    nothing of what changed. ``became`` is the live id of a code that was renamed and not removed.
    """

    entry: AuditEntry | None = None
    ours: bool = False
    sure: bool = True
    became: str = ""
    why: str = ""


def kind_of(change: Change, inside: frozenset[str]) -> str:
    """Return the kind whose trail a change is in, empty where it is in none of the platform's.

    ``inside`` are the CRM systems whose rows the platform itself keeps.
    """
    if change.verb in ROW_VERBS:
        return "row" if change.system in inside else ""
    if change.verb in TABLE_VERBS:
        return "table" if change.system in inside else ""
    if change.verb in _CODES:
        return "code"
    return "outbound" if change.verb is Verb.SET_OUTBOUND else "queue"


def about(
    changes: Iterable[Change],
    *,
    inside: frozenset[str],
    keeps: frozenset[str],
    by_object: bool,
    strangers: Iterable[str] = (),
) -> Mapping[str, frozenset[str] | None]:
    """Return what to ask a trail for: kind → live ids, None for all of the kind.

    What is gone has no id that is known: where the trail is not one for each object, it is looked for by name among
    all; where it is, among ``strangers``, the codes that no file declares: it may have been renamed.
    """
    wanted: dict[str, set[str]] = {}
    everything: set[str] = set()
    for change in changes:
        kind = kind_of(change, inside)
        if kind not in keeps:
            continue
        ids = wanted.setdefault(kind, set())
        known = change.parent if change.verb in _LINKS else change.live_id
        if known is not None:
            ids.add(known)
        elif by_object:
            ids.update(strangers)
        else:
            everything.add(kind)
    return {kind: None if kind in everything else frozenset(ids) for kind, ids in wanted.items()}


def attribute(
    changes: Iterable[Change],
    entries: Sequence[AuditEntry],
    *,
    inside: frozenset[str],
    keeps: frozenset[str],
    own: str = "",
    since: str = "",
) -> Mapping[ChangeId, Who]:
    """Return who made each change: the newest entry about it, by id, of what is gone by name.

    ``own`` is the id of the client of this run, ``since`` the beginning of what was asked for.
    """
    newest = sorted(entries, key=lambda entry: entry.at)[::-1]
    found: dict[ChangeId, Who] = {}
    for change in changes:
        kind = kind_of(change, inside)
        if not kind:
            found[change.id] = Who(why=f"no trail of {change.system} is read")
        elif kind not in keeps:
            found[change.id] = Who(why=f"the platform keeps no trail of {_TOLD[kind]}")
        else:
            found[change.id] = _who(change, newest, own) or Who(
                why=f"the platform's trail has nothing of it since {since}"
            )
    return found


def _who(change: Change, newest: Sequence[AuditEntry], own: str) -> Who | None:
    for number, test in enumerate(_tests(change)):
        entry = next((one for one in newest if test(one)), None)
        if entry is not None:
            ours = bool(own) and entry.actor_kind == "client" and entry.actor_id == own
            became = entry.id if change.verb is Verb.CREATE_CODE and _renamed(entry, change.label) else ""
            return Who(entry, ours=ours, sure=number == 0, became=became)
    return None


_Test = Callable[[AuditEntry], bool]


def _tests(change: Change) -> tuple[_Test, ...]:
    """Return what an entry must be like to be about a change: the sure sign first."""
    verb, live_id = change.verb, change.live_id

    def of_code(entry: AuditEntry) -> bool:
        return entry.kind == "code" and entry.id == live_id

    if verb is Verb.UPDATE_CODE:
        fields = set(differing(change.before, change.after))
        return (lambda entry: of_code(entry) and _touches(entry, fields)), of_code
    if verb is Verb.CREATE_CODE:
        return (
            lambda entry: (
                entry.kind == "code"
                and (_renamed(entry, change.label) or (_removes(entry) and entry.name == change.label))
            ),
        )
    if verb in _CODES:
        return (
            lambda entry: of_code(entry) and (entry.action == "create" or _touches(entry, {"active"})),
            of_code,
        )
    if verb in _LINKS:
        return _tests_of_link(change)
    if verb is Verb.SET_ACW:
        return (lambda entry: entry.kind == "after-call work" and entry.id == live_id,)
    if verb is Verb.SET_OUTBOUND:
        return (lambda entry: entry.kind == "outbound" and entry.id == live_id,)
    return _tests_of_row(change)


def _tests_of_link(change: Change) -> tuple[_Test, ...]:
    """Put on or taken off: the trail names codes by id or by name, and may not say which way."""
    names = {change.live_id, change.label}
    side = 1 if change.verb is Verb.ASSIGN else 2

    def of_queue(entry: AuditEntry) -> bool:
        return entry.kind == "assignment" and entry.id == change.parent

    def moved(entry: AuditEntry) -> bool:
        return of_queue(entry) and any(
            any(text in names for text in one[side]) and not any(text in names for text in one[3 - side])
            for one in entry.changes
        )

    return (of_queue,) if change.verb is Verb.REORDER else (moved,)


def _tests_of_row(change: Change) -> tuple[_Test, ...]:
    kind = "table" if change.verb in TABLE_VERBS else "row"
    if change.live_id is not None:
        return (lambda entry: entry.kind == kind and change.live_id in {entry.id, entry.name},)
    marks = {name: str(value) for name in _ROW_MARKS if isinstance(value := change.after.get(name), str)}

    def gone(entry: AuditEntry) -> bool:
        was = {name: old[0] for name, old, _ in entry.changes if len(old) == 1}
        return (
            entry.kind == kind
            and _removes(entry)
            and "code" in marks
            and all(was.get(name) == text for name, text in marks.items())
        )

    return (gone,)


def _touches(entry: AuditEntry, fields: set[str]) -> bool:
    return any(name in fields for name, _, _ in entry.changes)


def _removes(entry: AuditEntry) -> bool:
    return "delete" in entry.action or "remove" in entry.action


def _renamed(entry: AuditEntry, name: str) -> bool:
    """Whether an entry says that something of this name got another one."""
    return any(
        field == "name" and name in old and new and name not in new for field, old, new in entry.changes
    )
