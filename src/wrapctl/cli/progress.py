"""What a person who waits gets to see: a bar on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from wrapctl.render.escape import name

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from wrapctl.cli.console import Console
    from wrapctl.targets.interface import Event

Listener = Callable[["Event"], None]
_EVERY = 5.0
"""Seconds between two lines about the same thing, so that a log of CI says that it goes on, and no more."""


@contextlib.contextmanager
def progress(console: Console) -> Iterator[Listener]:
    """Yield who listens to a target. Bars make room by themselves when the command prints or asks."""
    if not sys.stderr.isatty() or console.ci:
        yield _Lines(console)
        return
    bars = _Bars(console)
    console.making_room(bars.rest)
    try:
        yield bars
    finally:
        bars.rest()
        console.making_room(None)


class _Lines:
    """Plain lines: what is waited for and what was written at once, what is read now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        with self._lock:
            now = time.monotonic()
            due = now - self._last >= _EVERY
            if event.kind == "read" and not due:
                return
            if event.kind == "write" and not (due or self._console.verbose or event.done == event.total):
                return
            self._last = now
        counted = f" ({event.done:,} of {event.total:,})" if event.total else ""
        self._console.err(f"{event.kind}: {name(event.text, 500)}{counted}")


class _Bars:
    """Bars on a terminal, there while something is read or written, gone before anything else is said."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        words = name(event.text, 200)
        if event.kind not in {"read", "write"}:
            self._console.err(f"{event.kind}: {words}")
            return
        with self._lock:
            bars = self._bars = self._bars or self._begun()
            key = "write" if event.kind == "write" else words
            total = event.total or None
            if key not in self._tasks:
                self._tasks[key] = bars.add_task(words, total=total)
            bars.update(self._tasks[key], description=words, completed=event.done, total=total)
            if event.kind == "write" and self._console.verbose:
                bars.console.print(words, markup=False, highlight=False)

    def rest(self) -> None:
        """Take the bars off the screen; the next event brings new ones."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()
                self._bars, self._tasks = None, {}

    def _begun(self) -> Progress:
        from rich.console import Console as Screen
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        # Standard output is the command's own, piped or not; a bar that captures it would swallow the plan.
        bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=Screen(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bars.start()
        return bars
