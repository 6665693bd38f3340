"""Bring what is in the outbox to its sinks: each in a thread of its own, oldest event first, for a bounded time.

What a sink has not taken when the time is over stays in the outbox. Nothing here raises, for nothing that a sink
does may change how the run ended that tells it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from wrapctl.config.secrets import Where
from wrapctl.config.sinks import Sink
from wrapctl.errors import ConfigError, WrapctlError
from wrapctl.http.wire import Transport
from wrapctl.notify.events import Event
from wrapctl.notify.kinds import selected
from wrapctl.notify.outbox import Outbox
from wrapctl.notify.send import NotTaken, Sender
from wrapctl.targets.interface import Runtime

SECONDS: Final = 15.0
"""How long a command goes on telling after all else is done."""


@dataclass(frozen=True, slots=True)
class World:
    """What the outside lends: who fetches secrets, the wall clock, seconds that only grow, and how to wait.

    ``wait`` sleeps for seconds and returns True when asked to stop; ``stop`` is what it waits for.
    """

    fetch: Callable[[Where], str]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    wait: Callable[[float], bool]
    stop: threading.Event
    transport: Transport | None = None


@dataclass(slots=True)
class Told:
    """What became of the events for one sink. ``left`` were not taken, for the reason of the last one: ``why``.

    ``elsewhere``: another process was sending them at the same time, or has.
    """

    sink: str
    delivered: int = 0
    left: int = 0
    why: str = ""
    elsewhere: int = 0


class Courier:
    """Brings events to sinks while the run that makes them goes on. For one thread, which ends it by ``finish``.

    ``thorough``: a sink that has failed one event is still offered the others.
    """

    def __init__(
        self, sinks: Mapping[str, Sink], outbox: Outbox, world: World, *, thorough: bool = False
    ) -> None:
        self._outbox = outbox
        self._world = world
        self._deadline = _Deadline(world)
        self._routes = {
            name: _Route(sink, outbox, world, self._deadline, thorough=thorough)
            for name, sink in sinks.items()
        }
        self.trouble: list[str] = []

    def tell(self, events: Iterable[Event]) -> None:
        """Keep events for the sinks that have selected them, then start to send them."""
        wanted = list(events)
        for name, route in self._routes.items():
            mine = [event.as_json() for event in wanted if selected(event.kind, route.sink.events)]
            if not mine:
                continue
            try:
                paths = self._outbox.put(name, mine)
            except WrapctlError as error:
                self.trouble.append(f"sink {name}: {len(mine)} events are lost: {error.message}")
            else:
                route.add(paths)

    def again(self, sink: str, paths: Sequence[Path]) -> None:
        """Send what is in the outbox already."""
        self._routes[sink].add(paths)

    def finish(self, seconds: float | None = SECONDS) -> tuple[Told, ...]:
        """Wait until everything is sent or the time is over, and return what became of it, by sink.

        ``seconds`` is None where a person waits, who can end it.
        """
        if seconds is not None:
            self._deadline.set(seconds)
        for route in self._routes.values():
            route.end()
        for route in self._routes.values():
            route.join(self._deadline)
        return tuple(route.told() for route in self._routes.values() if route.used)


class _Deadline:
    """Waits that end when the time is over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._end: float | None = None

    def set(self, seconds: float) -> None:
        self._end = self._world.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds that are left, None where nobody counts them."""
        return None if self._end is None else self._end - self._world.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait, and return True when there is no time to go on."""
        left = self.left()
        if left is not None and seconds >= left:
            return True
        return self._world.wait(seconds)


@dataclass(slots=True)
class _Route:
    """The way to one sink."""

    sink: Sink
    _outbox: Outbox
    _world: World
    _deadline: _Deadline
    _told: Told = field(init=False)
    _paths: deque[Path] = field(default_factory=deque)
    _more: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _ended: bool = False
    _waiting: int = 0
    thorough: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self._told = Told(self.sink.name)

    @property
    def used(self) -> bool:
        return self._thread is not None

    def add(self, paths: Sequence[Path]) -> None:
        with self._more:
            self._paths.extend(paths)
            self._waiting += len(paths)
            self._more.notify()
        if self._thread is None:
            # A daemon: a sink that never answers must not keep the process, and its event is in the outbox.
            self._thread = threading.Thread(target=self._run, name=f"sink {self.sink.name}", daemon=True)
            self._thread.start()

    def end(self) -> None:
        with self._more:
            self._ended = True
            self._more.notify()

    def join(self, deadline: _Deadline) -> None:
        if self._thread is None:
            return
        while self._thread.is_alive() and not self._world.stop.is_set():
            left = deadline.left()
            if left is not None and left <= 0:
                return
            self._thread.join(0.1 if left is None else min(left, 0.1))

    def told(self) -> Told:
        """What became of it, as far as that is known: what is still being sent is left."""
        with self._more:
            known = self._told
            left = self._waiting - known.delivered - known.elsewhere
            why = known.why or ("the run ended before it was sent" if left else "")
            return Told(known.sink, known.delivered, left, why, known.elsewhere)

    def _run(self) -> None:
        sender: Sender | None = None
        try:
            sender = Sender(self.sink, self._world.fetch, self._runtime(), **self._how())
            while (path := self._next()) is not None:
                if not self._one(sender, path):
                    return
        except ConfigError as error:
            self._because("; ".join(problem.message for problem in error.problems))
        except Exception as error:  # noqa: BLE001  (a sink's thread: whatever it is, the run must not hear of it)
            self._because(f"unexpected {type(error).__name__}")
        finally:
            if sender is not None:
                sender.close()

    def _how(self) -> dict[str, Any]:
        return {"clock": self._world.clock, "transport": self._world.transport}

    def _runtime(self) -> Runtime:
        return Runtime(self._world.stop, self._world.monotonic, self._deadline.wait)

    def _next(self) -> Path | None:
        with self._more:
            while not self._paths and not self._ended:
                self._more.wait()
            left = self._deadline.left()
            if not self._paths or (left is not None and left <= 0) or self._world.stop.is_set():
                return None
            return self._paths.popleft()

    def _one(self, sender: Sender, path: Path) -> bool:
        """Send one event; return whether to go on."""
        with self._outbox.claim(path) as claim:
            if claim is None:
                with self._more:
                    self._told.elsewhere += 1
                return True
            try:
                sender.send(claim.kept.event)
            except NotTaken as error:
                self._because(str(error))
                if error.tried:
                    claim.failed(str(error), f"{self._world.clock().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
                return error.alone or self.thorough
            claim.delivered()
            with self._more:
                self._told.delivered += 1
            return True

    def _because(self, why: str) -> None:
        with self._more:
            self._told.why = why
