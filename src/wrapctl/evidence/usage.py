"""How often codes are used, held against what the files say: by code and queue, with what is odd about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from wrapctl.model import Code, Desired, Identity, Live, Scope
from wrapctl.plan.view import View, look
from wrapctl.targets.interface import Capabilities, Usage, Use


class Note(StrEnum):
    """What is odd about a code on a queue; nothing where the files declare it there."""

    DECLARED = ""
    OUTSIDE = "not declared on this queue"
    QUEUE = "the files do not list this queue's codes"
    CODE = "not in the files"
    OWN = "the platform's own"
    GONE = "deleted, or not visible to this client"
    NONE = "no code"


@dataclass(frozen=True, slots=True)
class Row:
    """One code on one queue. ``key`` is empty where the files do not declare the code.

    ``share`` is of all contacts of the queue, ``handle`` and ``acw`` are seconds on average, None of nothing.
    """

    queue_id: str
    queue: str
    code_id: str
    code: str
    key: str
    category: str
    tags: tuple[str, ...]
    contacts: int
    share: float
    handle: float | None
    acw: float | None
    note: Note


@dataclass(frozen=True, slots=True)
class Unused:
    """A live code that nobody chose; ``key`` is empty where the files do not declare it."""

    code_id: str
    code: str
    key: str
    category: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A queue whose contacts got no code of an agent's because time ran out, and their share of all its contacts."""

    queue_id: str
    queue: str
    contacts: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.contacts / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class UsageTold:
    """How often the codes of one org are used between two times, in whole or on some queues.

    ``rows`` are by queue, the most used first. ``outside`` are those of codes that the files declare, on queues where
    they do not. ``queues`` are the names that were asked for, none for all.
    """

    org: str
    identity: Identity
    since: str
    until: str
    rows: tuple[Row, ...]
    unused: tuple[Unused, ...]
    outside: tuple[Row, ...]
    timed_out: tuple[TimedOut, ...]
    queues: tuple[str, ...] = ()

    @property
    def contacts(self) -> int:
        """All of them."""
        return sum(row.contacts for row in self.rows)


def queue_ids(
    desired: Desired, live: Live, capabilities: Capabilities, wanted: Iterable[str], *, as_of: date
) -> Mapping[str, str]:
    """Return the live ids of queues by label or name → what they are called; those that there are not are left out."""
    view = look(desired, live, capabilities, scope=Scope(), as_of=as_of)
    names = {queue.id: queue.name for queue in live.queues}
    found: dict[str, str] = {}
    for one in wanted:
        labels = [queue.label for queue in desired.queues if one in {queue.label, queue.name}]
        ids = [view.queues.ids[label] for label in labels if label in view.queues.ids]
        for queue in ids or [queue.id for queue in live.queues if queue.name == one]:
            found[queue] = names.get(queue, one)
    return found


def tell(
    usage: Usage,
    desired: Desired,
    live: Live,
    capabilities: Capabilities,
    *,
    as_of: date,
    queues: Mapping[str, str] | None = None,
) -> UsageTold:
    """Return what figures say about an org. ``queues``: live ids of those that were asked for, None is all."""
    view = look(desired, live, capabilities, scope=Scope(), as_of=as_of)
    joined = _Joined(view)
    totals: dict[str, int] = {}
    for use in usage.uses:
        totals[use.queue] = totals.get(use.queue, 0) + use.conversations
    rows = sorted(
        (joined.row(use, totals[use.queue]) for use in usage.uses),
        key=lambda row: (row.queue.casefold(), row.queue_id, -row.contacts, row.code.casefold(), row.code_id),
    )
    odd = {Note.OUTSIDE, Note.QUEUE}
    return UsageTold(
        org=desired.org,
        identity=live.identity,
        since=usage.since.isoformat(timespec="seconds"),
        until=usage.until.isoformat(timespec="seconds"),
        rows=tuple(rows),
        unused=tuple(joined.unused({use.code for use in usage.uses}, queues)),
        outside=tuple(row for row in rows if row.note in odd and row.key in joined.somewhere),
        timed_out=tuple(joined.timed_out(usage.uses, totals)),
        queues=tuple(sorted((queues or {}).values())),
    )


class _Joined:
    """Figures joined with what the files say of the codes and queues that they are about."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._names = {queue.id: queue.name for queue in view.live.queues}
        # An org in which nothing is kept of deactivated codes lists them all the same.
        self._keys = {live_id: key for key, live_id in view.codes.ids.items()}
        lists = {queue.label: queue.codes for queue in view.desired.queues}
        self._lists = {
            live_id: frozenset(lists[label] or ())
            for label, live_id in view.queues.ids.items()
            if lists.get(label) is not None
        }
        self.somewhere = frozenset[str]().union(*self._lists.values())
        """Keys of the codes that the files put on any queue."""

    def row(self, use: Use, total: int) -> Row:
        key = self._keys.get(use.code, "")
        code = self._view.code_by_key.get(key)
        live = self._view.live_codes.get(use.code)
        return Row(
            queue_id=use.queue,
            queue=self._names.get(use.queue, use.queue),
            code_id=use.code,
            code=live.name if live is not None else use.code,
            key=key,
            category=(code.category or "") if code is not None else "",
            tags=code.tags if code is not None else (),
            contacts=use.conversations,
            share=use.conversations / total,
            handle=use.handle_ms / use.conversations / 1000,
            acw=use.acw_ms / use.worked / 1000 if use.worked else None,
            note=self._note(use, key),
        )

    def _note(self, use: Use, key: str) -> Note:
        if not use.code:
            return Note.NONE
        if self._view.reserved(use.code):
            return Note.OWN
        if use.code not in self._view.live_codes:
            return Note.GONE
        if not key:
            return Note.CODE
        if use.queue not in self._lists:
            return Note.QUEUE
        return Note.DECLARED if key in self._lists[use.queue] else Note.OUTSIDE

    def unused(self, used: set[str], queues: Mapping[str, str] | None) -> Iterator[Unused]:
        """Yield live codes without a contact; where queues were asked for, those that the files put there."""
        wanted = None
        if queues is not None:
            wanted = frozenset[str]().union(*(self._lists.get(one, frozenset()) for one in queues))
        for code in sorted(self._view.live.codes, key=lambda one: (one.name.casefold(), one.id)):
            key = self._keys.get(code.id, "")
            declared: Code | None = self._view.code_by_key.get(key)
            if code.id in used or code.reserved or not code.active:
                continue
            if (wanted is not None and key not in wanted) or (not key and self._view.ignored(code.name)):
                continue
            category, tags = (declared.category or "", declared.tags) if declared is not None else ("", ())
            yield Unused(code.id, code.name, key, category, tags)

    def timed_out(self, uses: Iterable[Use], totals: Mapping[str, int]) -> Iterator[TimedOut]:
        word = self._view.capabilities.timed_out
        found = [use for use in uses if word and use.code == word]
        for use in sorted(found, key=lambda use: (-use.conversations / totals[use.queue], use.queue)):
            name = self._names.get(use.queue, use.queue)
            yield TimedOut(use.queue, name, use.conversations, totals[use.queue])
