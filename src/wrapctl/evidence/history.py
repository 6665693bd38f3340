"""Who changed what: a platform's own audit trail joined with wrapctl's journal. Pure.

An entry is wrapctl's when the journal announced that write (``tracing``). Whatever is left was done by a person, by
another client, or by wrapctl's own client without a record of it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal

from wrapctl.empty import Empty
from wrapctl.evidence.journalled import Journalled, Run, Written
from wrapctl.evidence.tracing import Tracing, moment, row_of
from wrapctl.model import Code, Desired, Live
from wrapctl.plan.view import View
from wrapctl.targets.interface import AuditEntry

TRAILS: Final[Mapping[str, str]] = {
    "code": "code",
    "assignment": "queue",
    "after-call work": "queue",
    "outbound": "outbound",
    "row": "row",
    "table": "table",
}
"""What an entry is about → the kind of objects whose trail it is in."""

_OURS: Final = frozenset({"name"})
"""What of other changes of a queue matters to the files."""

Told = tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


class By(StrEnum):
    """Whose a change is."""

    WRAPCTL = "wrapctl"
    CLIENT = "wrapctl's client, not journalled"
    OTHER = "another client"
    HAND = "hand"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Record:
    """One change. ``source`` is where it is told: the platform's trail, or the journal alone.

    ``codes`` are the keys of the codes that it is about (names where the files do not declare one), ``categories``
    and ``tags`` theirs. ``run`` and ``written`` are set where it is wrapctl's. ``note`` says what is odd about it.
    """

    at: str
    by: By
    kind: str
    action: str
    object_id: str
    object_name: str = ""
    parent: str = ""
    codes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    changes: Told = ()
    actor_kind: Literal["user", "client", "unknown"] = "unknown"
    actor_id: str = ""
    actor_name: str = ""
    run: Run | None = None
    verb: str = ""
    address: str = ""
    result: str = ""
    request_id: str = ""
    source: Literal["platform", "journal"] = "platform"
    note: str = ""


@dataclass(frozen=True)
class History:
    """What happened to an org between two times, oldest first.

    ``untold`` says what the platform keeps no trail of. ``left_out`` counts entries about what wrapctl has nothing
    to do with. ``broken`` are records of the journal that are not as they were written.
    """

    org: str
    since: datetime
    until: datetime
    records: tuple[Record, ...] = ()
    untold: tuple[str, ...] = ()
    left_out: int = 0
    broken: tuple[str, ...] = ()
    names: bool = False
    sandbox: bool = False

    def by(self, *who: By) -> tuple[Record, ...]:
        """The records of some."""
        return tuple(one for one in self.records if one.by in who)

    @cached_property
    def counts(self) -> Mapping[By, int]:
        """How many are whose."""
        return {who: len(self.by(who)) for who in By if self.by(who)}


@dataclass(frozen=True)
class Known:
    """Which code is which: the files, and what is live. ``names`` are those of live codes by id."""

    by_id: Mapping[str, Code]
    by_key: Mapping[str, Code]
    by_name: Mapping[str, Code]
    names: Mapping[str, str] = Empty()

    @classmethod
    def of(cls, desired: Desired, view: View | None = None) -> Known:
        """Return what the files know, with the live ids of ``view``."""
        by_key = {code.key: code for code in desired.codes}
        ids = view.code_key_by_id if view is not None else {}
        former = {name: code for code in desired.codes for name in code.previously or ()}
        return cls(
            by_id={live_id: by_key[key] for live_id, key in ids.items()},
            by_key=by_key,
            by_name={**former, **{code.name: code for code in desired.codes}},
            names={code.id: code.name for code in view.live.codes} if view is not None else {},
        )

    def learning(self, written: Iterable[Written]) -> Known:
        """Return the same with the ids that the journal tells: what was renamed by hand is still known then."""
        told = {
            one.live_id: self.by_key[one.code]
            for one in written
            if one.code in self.by_key and one.kind == "code"
        }
        return replace(self, by_id={**told, **self.by_id})

    def find(self, word: str) -> Code | None:
        """Return the code of an id, a key or a name."""
        return self.by_id.get(word) or self.by_key.get(word) or self.by_name.get(word)


def tables_of(live: Live) -> frozenset[str]:
    """Return the ids of the tables that keep the org's rows, and their names."""
    tables = [rows.table for rows in live.crm.values() if rows.table is not None]
    return frozenset(
        text
        for table in tables
        for text in (table.id, table.name)
        if text is not None and table.id is not None
    )


def join(
    entries: Sequence[AuditEntry],
    journalled: Journalled,
    known: Known,
    *,
    since: datetime,
    until: datetime,
    keeps: frozenset[str],
    has: frozenset[str] = frozenset({"code", "queue"}),
    own_client: str = "",
    inside: frozenset[str] = frozenset(),
    tables: frozenset[str] | None = None,
    org: str = "",
) -> History:
    """Return every change between two times with whose it is.

    ``has`` are the kinds of objects that the org has, ``keeps`` those that the platform keeps a trail of, ``inside`` the CRM systems whose rows it
    keeps itself, ``tables`` the data tables that the files use (None: not known, then entries of all of them count).
    """
    tracing = Tracing(journalled.written, own_client)
    known = known.learning(journalled.written)
    about = [entry for entry in entries if _concerns(entry, tables)]
    found = [_told(entry, tracing.whose(entry), known) for entry in about]
    clients = {own_client, *tracing.clients} - {""}
    records = [_with_client(one, clients) for one in found]
    records += [
        _journalled(one, known, _why_untold(one, keeps, inside))
        for one in journalled.written
        if one.may_be_live and one not in tracing.used and since <= one.began < until
    ]
    return History(
        org=org,
        since=since,
        until=until,
        records=tuple(sorted(records, key=_when)),
        untold=tuple(
            f"the platform keeps no trail of {_PLURAL[one]}" for one in _PLURAL if one in has - keeps
        ),
        left_out=len(entries) - len(about),
        broken=tuple(str(one) for one in journalled.findings),
    )


def _concerns(entry: AuditEntry, tables: frozenset[str] | None) -> bool:
    """Whether an entry is about what files of wrapctl can say."""
    if entry.kind == "queue":
        removed = "delete" in entry.action or "remove" in entry.action
        return removed or not entry.changes or any(name in _OURS for name, _, _ in entry.changes)
    if entry.kind in {"row", "table"} and tables is not None:
        return bool(tables & {entry.parent, entry.id, entry.name})
    return entry.kind in TRAILS


# ── records ────────────────────────────────────────────────────────────────────────────────────────────────

_OF_CODES: Final = frozenset({"code", "outbound"})
_BY: Final[Mapping[str, By]] = {"user": By.HAND, "client": By.OTHER, "unknown": By.UNKNOWN}


def _told(entry: AuditEntry, written: Written | None, known: Known) -> Record:
    record = Record(
        at=entry.at,
        by=By.WRAPCTL if written is not None else _BY[entry.actor_kind],
        kind=entry.kind,
        action=entry.action,
        object_id=entry.id,
        object_name=entry.name or (known.names.get(entry.id, "") if entry.kind in _OF_CODES else ""),
        parent=entry.parent,
        changes=entry.changes,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        actor_name=entry.actor_name,
        request_id=entry.request_id,
    )
    if written is not None:
        record = _by_wrapctl(record, written)
    return _with_codes(record, _words(entry, written), known)


def _by_wrapctl(record: Record, written: Written) -> Record:
    aside = record.source == "platform" and record.kind != written.kind
    return replace(
        record,
        run=written.run,
        verb=written.verb.value,
        address=written.address,
        result=written.result,
        request_id=record.request_id or written.request_id,
        note=f"what the platform did along with: {written.verb.value} {written.address}"
        if aside
        else record.note,
    )


def _journalled(written: Written, known: Known, note: str) -> Record:
    """A write that the platform's trail does not tell of."""
    at = (written.ended or written.began).astimezone(UTC)
    # The id of a queue or of a row may be that of a code as well.
    words = [written.code, *([written.live_id] if written.kind in _OF_CODES else [])]
    record = Record(
        at=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
        by=By.WRAPCTL,
        kind=written.kind,
        action=written.verb.value,
        object_id=written.object_id,
        changes=tuple(_differences(written)),
        source="journal",
        note=note,
    )
    return _with_codes(_by_wrapctl(record, written), words, known)


def _differences(written: Written) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    for name in sorted({*written.before, *written.after}):
        old, new = written.before.get(name), written.after.get(name)
        if old != new:
            yield name, _several(old), _several(new)


def _several(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(_shown(one) for one in value)
    return (_shown(value),)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("ref", ""))
    return "" if value is None else str(value)


def _words(entry: AuditEntry, written: Written | None) -> list[str]:
    """What may name the codes that an entry is about: ids, keys or names."""
    if entry.kind in _OF_CODES:
        former = [text for name, old, _ in entry.changes if name == "name" for text in old]
        return [entry.id, *([written.code] if written is not None else []), entry.name, *former]
    if entry.kind == "assignment":
        return [text for _, old, new in entry.changes for text in (*old, *new)]
    if entry.kind == "row":
        named = [text for name, old, new in entry.changes if name == "code" for text in (*old, *new)]
        return named or [written.code if written is not None else _code_of_key(row_of(entry))]
    return []


def _code_of_key(key: str) -> str:
    """Return the code that the key of a row names: ``sf:to:SALE``, ``acme/sf/to/SALE``."""
    for sign in (":to:", "/to/"):
        if sign in key:
            return key.rpartition(sign)[2]
    return key.removeprefix("to/") if key.startswith("to/") else ""


def _with_codes(record: Record, words: Iterable[str], known: Known) -> Record:
    found: dict[str, Code | None] = {}
    for word in words:
        if found and record.kind in _OF_CODES:
            break  # the surest word comes first, and there is one code
        code = known.find(word) if word else None
        if code is not None:
            found[code.key] = code
        elif word and record.kind == "assignment":
            found[word] = None
    declared = [code for code in found.values() if code is not None]
    return replace(
        record,
        codes=tuple(found),
        categories=tuple(sorted({code.category for code in declared if code.category})),
        tags=tuple(sorted({tag for code in declared for tag in code.tags})),
    )


def _with_client(record: Record, clients: set[str]) -> Record:
    if record.by is By.OTHER and record.actor_id in clients:
        why = "done with wrapctl's own credentials, and no record of it is in this journal"
        return replace(record, by=By.CLIENT, note=why)
    return record


def _why_untold(written: Written, keeps: frozenset[str], inside: frozenset[str]) -> str:
    if written.kind in {"row", "table"} and written.system not in inside:
        return f"no trail of {written.system} is read"
    if TRAILS[written.kind] not in keeps:
        return f"the platform keeps no trail of {_PLURAL[TRAILS[written.kind]]}"
    if written.result == "unknown":
        return "sent without an answer, and the platform's trail does not tell of it"
    return "the platform's trail does not tell of it, or not yet"


_PLURAL: Final[Mapping[str, str]] = {
    "code": "codes",
    "queue": "queues: neither of their assignments nor of after-call work",
    "outbound": "outbound flags",
    "row": "rows",
    "table": "tables",
}


def _when(one: Record) -> tuple[datetime, str, str, str]:
    return moment(one.at) or datetime.min.replace(tzinfo=UTC), one.kind, one.object_id, one.address
