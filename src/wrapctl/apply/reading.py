"""Read what a set of changes is judged by, in as few requests as the target needs for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from wrapctl.apply.settle import QUEUES
from wrapctl.apply.standing import Known, queue_of, resolve
from wrapctl.model import Change, Live, Lock, Verb
from wrapctl.targets.interface import NOTHING, Reader, Runtime, Want

REMOVALS = frozenset({Verb.DELETE_CODE, Verb.DEACTIVATE_CODE})

HOLDERS_KEEP = 60.0
"""Seconds for which it is believed that no further queue has come to hold a code that is about to go."""


def want_of(changes: Iterable[Change], known: Known) -> Want:
    """Return what must be read in order to judge ``changes``: ids, names of creates, links of touched queues, keys of rows."""
    codes: set[str] = set()
    names: set[str] = set()
    queues: set[str] = set()
    links: set[str] = set()
    rows: dict[str, set[str]] = {}
    outbound = False
    for change in changes:
        code_id, queue = resolve(change, known.ids).live_id, queue_of(change)
        match change.verb:
            case Verb.UPDATE_CODE:
                codes.add(code_id or "")
            case Verb.DELETE_CODE | Verb.DEACTIVATE_CODE:
                codes.add(code_id or "")
                held = change.before.get(QUEUES)
                holders = [str(one) for one in held] if isinstance(held, tuple) else []
                queues.update(holders)
                links.update(holders)
            case Verb.CREATE_CODE:
                if change.address in known.ids:
                    codes.add(known.ids[change.address])
                else:
                    names.add(str(change.after.get("name")))
            case Verb.ASSIGN | Verb.UNASSIGN:
                queues.add(queue)
                links.add(queue)
                if change.verb is Verb.ASSIGN:
                    codes.add(code_id or "")
            case Verb.REORDER:
                queues.add(queue)
                links.add(queue)
            case Verb.SET_ACW:
                queues.add(queue)
            case Verb.SET_OUTBOUND:
                outbound = True
                codes.add(code_id or "")
            case Verb.CREATE_TABLE | Verb.EXTEND_TABLE:
                rows.setdefault(change.system, set())
            case Verb.CREATE_ROW | Verb.UPDATE_ROW | Verb.DEACTIVATE_ROW | Verb.DELETE_ROW:
                if change.lock is not Lock.SENT:  # those cannot be read at all
                    keys = (side["key"] for side in (change.before, change.after) if "key" in side)
                    rows.setdefault(change.system, set()).update(map(str, keys))
            case _:
                assert_never(change.verb)
    return Want(
        codes=frozenset(codes) - {""},
        code_names=frozenset(names),
        queues=frozenset(queues) - {""},
        links=frozenset(links) - {""},
        outbound=outbound,
        rows={system: frozenset(keys) for system, keys in rows.items()},
    )


class Looker:
    """Reads for one run. Divisions are read once; a removal looks at the links of all live queues."""

    def __init__(self, reader: Reader, runtime: Runtime) -> None:
        self._reader = reader
        self._runtime = runtime
        self._last: Live | None = None
        self._holders_at: float | None = None

    def look(self, changes: Iterable[Change], known: Known, *, divisions: bool = False) -> Live:
        """Read what ``changes`` are judged by, right before they are written.

        Raises:
            TargetError: not all of it could be read.
        """
        changes = tuple(changes)
        want = replace(want_of(changes, known), divisions=divisions)
        removes = any(change.verb in REMOVALS for change in changes)
        live = self._everywhere(want) if removes and self._holders_are_old() else self._read(want)
        if self._last is not None and not divisions:
            # What divisions there are does not change under a run; a body names them by what was read first.
            live = replace(live, divisions=self._last.divisions)
        self._last = live
        return live

    def again(self, changes: Iterable[Change], known: Known) -> Live:
        """Read what ``changes`` are judged by, after they were written."""
        return self._read(_without_holders(tuple(changes), known))

    def _everywhere(self, want: Want) -> Live:
        """No source says what a platform does to the queues that hold a deleted code: a new holder must show."""
        first = self._read(replace(want, queues=None, links=NOTHING))
        self._holders_at = self._runtime.monotonic()
        missing = frozenset(queue.id for queue in first.queues if queue.id not in first.links)
        if not missing:
            return first
        second = self._read(Want(links=missing))
        return replace(
            first,
            links=MappingProxyType({**first.links, **second.links}),
            link_names=MappingProxyType({**first.link_names, **second.link_names}),
        )

    def _holders_are_old(self) -> bool:
        return self._holders_at is None or self._runtime.monotonic() - self._holders_at > HOLDERS_KEEP

    def _read(self, want: Want) -> Live:
        return self._reader.read(want)


def _without_holders(changes: tuple[Change, ...], known: Known) -> Want:
    """That a code is gone shows on the code; its former queues need no second look."""
    return want_of(
        (
            replace(change, before={name: v for name, v in change.before.items() if name != QUEUES})
            if change.verb in REMOVALS
            else change
            for change in changes
        ),
        known,
    )
