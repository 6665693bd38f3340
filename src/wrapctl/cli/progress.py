"""What a person who waits gets to see: a bar on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from wrapctl.render.escape import name

if TYPE_CHECKING:
    from wrapctl.cli.console import Console
    from wrapctl.targets.interface import Event

Listener = Callable[["Event"], None]
_EVERY = 5.0
"""Seconds between two lines about the same thing, so that a log of CI says that it goes on, and no more."""


@contextlib.contextmanager
def progress(console: Console) -> Iterator[Listener]:
    """Yield who listens to a target."""
    if sys.stderr.isatty() and not console.ci:
        with _bars(console) as listen:
            yield listen
    else:
        yield _Lines(console)


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


@contextlib.contextmanager
def _bars(console: Console) -> Iterator[Listener]:
    from rich.console import Console as Screen
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    lock = threading.Lock()
    tasks: dict[str, Any] = {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    # Standard output is the command's own, piped or not; a bar that captures it would swallow the plan.
    bars = Progress(
        *columns, console=Screen(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )

    def listen(event: Event) -> None:
        words = name(event.text, 200)
        with lock:
            if event.kind not in {"read", "write"}:
                bars.console.print(f"{event.kind}: {words}", markup=False, highlight=False)
                return
            bars.start()
            key = event.kind if event.kind == "write" else f"read {event.text}"
            total = event.total or None
            if key not in tasks:
                tasks[key] = bars.add_task(words, total=total)
            bars.update(tasks[key], description=words, completed=event.done, total=total)
            if event.kind == "write" and console.verbose:
                bars.console.print(words, markup=False, highlight=False)
            if bars.finished:
                # Nothing runs: whoever prints or asks now must have the terminal for himself.
                bars.stop()
                for task in tasks.values():
                    bars.remove_task(task)
                tasks.clear()

    try:
        yield listen
    finally:
        bars.stop()
