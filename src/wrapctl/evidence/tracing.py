"""Which announced write an entry of an audit trail is the trace of. Pure.

By the platform's id of the request, which the journal knows too; where one of them has none, by the object, the time
between announcement and answer, and what the entry says was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from wrapctl.evidence.journalled import Written
from wrapctl.model import Verb
from wrapctl.targets.interface import AuditEntry

SLACK: Final = timedelta(minutes=2)
"""So far may two clocks be apart."""
UNANSWERED: Final = timedelta(minutes=15)
"""So long after its announcement a write without an answer is looked for."""

_KEPT: Final = frozenset({"row", "table"})
"""Kinds of which a trail may tell the id in several ways."""
_TEXTS: Final = frozenset({"name", "description"})
"""Fields that a trail tells as the files write them; of others it may tell ids."""


class Tracing:
    """Finds the announced write that an entry is the trace of. ``used`` are the writes that were found."""

    def __init__(self, written: Sequence[Written], own_client: str) -> None:
        self._own = own_client
        self._by_request: dict[str, list[Written]] = {}
        self._by_object: dict[str, list[Written]] = {}
        self.used: set[Written] = set()
        self.clients: set[str] = set()
        self._taken: set[tuple[Written, frozenset[str]]] = set()
        for one in written:
            if not one.may_be_live:
                continue
            if one.request_id:
                self._by_request.setdefault(one.request_id, []).append(one)
            for name in {one.object_id, one.live_id} - {""}:
                self._by_object.setdefault(name, []).append(one)

    def whose(self, entry: AuditEntry) -> Written | None:
        """Return the write that an entry is the trace of, None where wrapctl announced none."""
        # Where wrapctl logs in as a client, what a person did is never its own, whatever else agrees.
        if self._own and entry.actor_kind == "user":
            return None
        found = self._of_request(entry) if entry.request_id else None
        found = found or self._of_time(entry)
        if found is not None and entry.actor_kind == "client":
            self.clients.add(entry.actor_id)
        return found

    def _of_request(self, entry: AuditEntry) -> Written | None:
        """One request may carry many changes, and one entry may tell of them all: all of them are told then."""
        sent = self._by_request.get(entry.request_id, [])
        about = [one for one in sent if _same_object(one, entry)]
        # A platform may note side effects of a request on other objects: a new code gets its outbound flags.
        if not about:
            return sent[0] if sent and entry.actor_kind != "user" else None
        self.used.update(about)
        return about[0]

    def _of_time(self, entry: AuditEntry) -> Written | None:
        at = moment(entry.at)
        if at is None:
            return None
        fields = frozenset(name for name, _, _ in entry.changes)
        near = [
            one
            for name in sorted({entry.id, entry.name, row_of(entry)} if entry.kind in _KEPT else {entry.id})
            for one in self._by_object.get(name, [])
            if not (entry.request_id and one.request_id)
            and _same_object(one, entry)
            and one.began - SLACK <= at <= (one.ended or one.began + UNANSWERED) + SLACK
            and _agrees(one, entry)
            and (one, fields) not in self._taken
        ]
        if not near:
            return None
        best = min(near, key=lambda one: abs(at - (one.ended or one.began)))
        self._taken.add((best, fields))
        self.used.add(best)
        return best


def _same_object(written: Written, entry: AuditEntry) -> bool:
    if entry.kind in _KEPT:
        return written.kind == entry.kind and written.live_id in {entry.id, entry.name, row_of(entry)}
    return written.kind == entry.kind and written.object_id == entry.id


def row_of(entry: AuditEntry) -> str:
    """Return the key of a row in its table."""
    return entry.id.removeprefix(f"{entry.parent}/")


def _agrees(written: Written, entry: AuditEntry) -> bool:
    """Whether what an entry says was changed is what was announced. What one of both does not tell, agrees."""
    if written.kind != "code":
        return True
    if entry.action == "create":
        return written.verb is Verb.CREATE_CODE
    if not entry.changes:
        return written.verb is not Verb.CREATE_CODE
    wanted = dict(written.after) if written.verb is not Verb.DEACTIVATE_CODE else {"active": False}
    told = {name: new for name, _, new in entry.changes if name in wanted}
    return bool(told) and all(
        name not in _TEXTS or _text(wanted[name]) == "".join(new) for name, new in told.items()
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def moment(text: str) -> datetime | None:
    """Return a time of a trail, None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
