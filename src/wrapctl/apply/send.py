"""Send the units of a batch: announce in the journal, write, note the answer. Lanes run side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Literal

from wrapctl.apply.journal import Journal, Kind
from wrapctl.apply.report import past
from wrapctl.errors import Interrupted, JournalError, TargetError, WrapctlError
from wrapctl.model import Live
from wrapctl.plan.units import Unit
from wrapctl.targets.interface import Outcome, Result, Runtime, Writer


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one unit: one outcome for each change, or None when it was not sent."""

    unit: Unit
    outcomes: tuple[Outcome, ...] | None
    trouble: WrapctlError | None = None


class Sender:
    """Sends for one run. ``say`` is told of each write and may be called from any thread."""

    def __init__(
        self,
        writer: Writer,
        journal: Journal,
        runtime: Runtime,
        say: Callable[[Literal["write", "note"], str], None],
        concurrency: int,
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._runtime = runtime
        self._say = say
        self._concurrency = concurrency
        self._halt = threading.Event()

    def send(self, lanes: Sequence[Sequence[Unit]], live: Live) -> Iterator[Sent]:
        """Send each lane in order and yield what became of each unit, in the caller's thread.

        After a stop, a fatal answer or a journal that cannot be written no further unit is sent.
        """
        workers = min(self._concurrency, len(lanes))
        if workers <= 1:
            for lane in lanes:
                yield from self._lane(lane, live)
            return
        with ThreadPoolExecutor(workers, thread_name_prefix="apply") as pool:
            try:
                for future in as_completed([pool.submit(self._lane, lane, live) for lane in lanes]):
                    yield from future.result()
            except BaseException:
                self._halt.set()  # whatever is in flight ends, nothing new starts
                raise

    def _lane(self, lane: Sequence[Unit], live: Live) -> list[Sent]:
        sent = []
        for unit in lane:
            if self._halt.is_set() or self._runtime.stop.is_set():
                sent.append(Sent(unit, None))
                continue
            one = self._send(unit, live)
            if one.trouble is not None or any(outcome.fatal for outcome in one.outcomes or ()):
                self._halt.set()
            sent.append(one)
        return sent

    def _send(self, unit: Unit, live: Live) -> Sent:
        try:
            self._journal.record(Kind.INTENT, **_announce(unit))
        except JournalError as error:
            return Sent(unit, None, error)
        started = self._runtime.monotonic()
        try:
            outcomes = _each(unit, self._writer.write(unit, live))
        except Interrupted:
            outcomes = None
        except TargetError as error:  # a writer does not raise; should one do, nobody knows what was sent
            outcomes = _each(unit, (), error.message)
        took = round((self._runtime.monotonic() - started) * 1000)
        try:
            self._journal.records(
                Kind.OUTCOME,
                [
                    {
                        "verb": change.verb.value,
                        "address": change.address,
                        "digest": change.digest,
                        "ms": took,
                        **_heard(outcomes[number] if outcomes is not None else None),
                    }
                    for number, change in enumerate(unit.changes)
                ],
            )
        except JournalError as error:
            return Sent(unit, outcomes, error)
        self._say("write", _spoken(unit, outcomes))
        return Sent(unit, outcomes)


def _announce(unit: Unit) -> dict[str, object]:
    return {
        "group": unit.group,
        "scope": unit.scope,
        "changes": [
            {
                "verb": change.verb.value,
                "address": change.address,
                "id": change.live_id,
                "parent": change.parent,
                "before": change.before,
                "after": change.after,
                "lock": change.lock.value,
                "digest": change.digest,
            }
            for change in unit.changes
        ],
    }


def _heard(outcome: Outcome | None) -> dict[str, object]:
    if outcome is None:
        return {"result": "not sent"}
    answer = outcome.answer
    return {
        "result": outcome.result.value,
        "id": outcome.live_id,
        "request_id": outcome.request_id,
        "message": outcome.message,
        "fatal": outcome.fatal,
        "answer": answer.as_data() if answer is not None else None,
        "body_before": outcome.body_before,
        "possible_overwrite": list(outcome.overwritten),
    }


def _each(unit: Unit, outcomes: Sequence[Outcome], message: str = "") -> tuple[Outcome, ...]:
    """Return one outcome for each change of the unit; what a target does not mention is unknown."""
    given = {outcome.id: outcome for outcome in outcomes}
    missing = message or "the target says nothing about this change"
    return tuple(
        given.get(change.id) or Outcome(change.id, Result.UNKNOWN, message=missing) for change in unit.changes
    )


def _spoken(unit: Unit, outcomes: Sequence[Outcome] | None) -> str:
    first = unit.changes[0]
    what = f"{first.label or first.address}{f' on {first.within}' if first.within else ''}"
    more = f" and {len(unit.changes) - 1} more" if len(unit.changes) > 1 else ""
    results = {outcome.result for outcome in outcomes or ()}
    if results == {Result.DONE}:
        return f"{past(first.verb)}: {what}{more}"
    words = ", ".join(sorted(result.value for result in results)) or "not sent"
    return f"{first.verb.value} {what}{more}: {words}"
