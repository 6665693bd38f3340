"""What every command shares: the project's folder, where words go, the clock, the environment, how to stop."""

from __future__ import annotations

import _thread
import contextlib
import functools
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from wrapctl.errors import Exit

if TYPE_CHECKING:
    from wrapctl.cli.metering import Meter
    from wrapctl.cli.telling import Telling

WIDTH: Final = 120
STATE: Final = ".wrapctl"


class Console:
    """One run of one command. ``project`` is where ``--project`` points, None when it was not given."""

    def __init__(self, project: Path | None = None, *, verbose: bool = False) -> None:
        self._project = project
        self.verbose = verbose
        self.stop = threading.Event()
        self._hear = threading.Lock()
        self._deaf = False
        self._make_room: Callable[[], None] | None = None
        self.meter: Meter | None = None
        """What the run is measured by, where the command can tell it (``--metrics``)."""
        self.telling: Telling | None = None
        """Who tells the sinks what is done, while a command does what they want to hear of."""

    # ── where ──────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def root(self) -> Path:
        """The project: ``--project``, else the nearest folder at or above this one that holds ``wrapups/``.

        Raises:
            UsageError: there is none.
        """
        from wrapctl.config.project import find_root

        return self._project.absolute() if self._project is not None else find_root(Path.cwd())

    @property
    def start(self) -> Path:
        """This folder, or ``--project``: where something may begin."""
        return (self._project or Path.cwd()).absolute()

    @property
    def root_or_start(self) -> Path:
        """The project that is there, else the one that begins here."""
        from wrapctl.errors import UsageError

        try:
            return self.root
        except UsageError:
            return self.start

    @property
    def state(self) -> Path:
        """Where locks, the journal and the embedded sandbox live."""
        return self.root_or_start / STATE

    # ── the outside world ──────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """The environment."""
        from wrapctl.config.secrets import environment

        return environment()

    @property
    def ci(self) -> bool:
        """Whether this runs in CI."""
        return self.environ.get("CI", "").lower() in {"true", "1"}

    @staticmethod
    def now() -> datetime:
        """The wall clock."""
        return datetime.now(UTC)

    def today(self, timezone: str) -> date:
        """The day in an org's time zone."""
        return self.now().astimezone(ZoneInfo(timezone)).date()

    # ── words ──────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def terminal(self) -> bool:
        """Whether somebody reads standard output on a terminal."""
        return _isatty(sys.stdout)

    @cached_property
    def colour(self) -> bool:
        """Whether to colour: on a terminal that does not say NO_COLOR (https://no-color.org)."""
        return self.terminal and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    @cached_property
    def width(self) -> int:
        """Columns: those of the terminal, 120 elsewhere."""
        return shutil.get_terminal_size((WIDTH, 24)).columns if self.terminal else WIDTH

    def out(self, text: str) -> None:
        """Write the result. A reader who has gone away is no reason to stop what is being done."""
        self.room()
        if not self._deaf:
            self._deaf = not _write(text, err=False)

    def err(self, text: str) -> None:
        """Write what is not the result: progress, warnings, questions."""
        self.room()
        with self._hear:
            _write(text if text.endswith("\n") else f"{text}\n", err=True)

    def making_room(self, make_room: Callable[[], None] | None) -> None:
        """Call ``make_room`` before anything is written: there are bars on the screen."""
        self._make_room = make_room

    def room(self) -> None:
        """Clear the screen of bars."""
        if self._make_room is not None:
            self._make_room()

    def warn(self, text: str) -> None:
        """Write one line of warning; ``text`` may hold anything."""
        from wrapctl.render.escape import name

        self.err(f"wrapctl: {name(text, 4000)}")

    # ── stopping ───────────────────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM ask to stop instead of stopping: what is in flight is finished first."""
        with self._asked("finishing what is in flight"):
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end every wait, whichever thread is in it, and the reading; a second one ends all.

        An interrupt raised in the main thread alone would leave the others waiting for as long as a platform asked.
        """
        with self._asked("interrupted, stopping", again=True):
            yield

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Let Ctrl-C end a question at once."""

        def end(number: int, frame: object) -> None:
            del number, frame
            raise KeyboardInterrupt

        with _handled(end):
            yield

    @contextlib.contextmanager
    def _asked(self, words: str, *, again: bool = False) -> Iterator[None]:
        heard = False

        def ask(number: int, frame: object) -> None:
            nonlocal heard
            del frame
            if heard and again:
                raise KeyboardInterrupt
            heard = True
            # A handler may run while this very thread waits for the event or prints, with their locks in its hands.
            _thread.start_new_thread(self.stop.set, ())
            with contextlib.suppress(OSError):
                os.write(2, f"\nwrapctl: {signal.Signals(number).name}: {words}\n".encode())

        with _handled(ask):
            yield


@contextlib.contextmanager
def _handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM for a while; other threads than the main one hear of neither."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def options(function: Callable[..., Exit | None]) -> Callable[..., int]:
    """Give a command ``--project`` and ``-v``; it gets a Console and returns how it ended."""

    @click.option(
        "--project",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="The project; else the nearest folder above that holds wrapups/.",
    )
    @click.option("-v", "--verbose", is_flag=True, help="Say more; show the trace of an unexpected error.")
    @functools.wraps(function)
    def run(project: Path | None, *, verbose: bool, **arguments: Any) -> int:
        return int(function(Console(project, verbose=verbose), **arguments) or Exit.OK)

    return run


def as_json(data: Any) -> str:
    """Return plain data as JSON text for standard output."""
    return json.dumps(data, indent=1) + "\n"


def complete_orgs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an org from the folders of the project; reads no file."""
    del param
    start = ctx.params.get("project") or Path.cwd()
    for folder in (Path(start).absolute(), *Path(start).absolute().parents):
        if (folder / "wrapups").is_dir():
            names = (path.parent.name for path in (folder / "wrapups").glob("*/org.y*ml"))
            return sorted(name for name in names if name.startswith(incomplete))
    return []


def _isatty(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def _write(text: str, *, err: bool) -> bool:
    """Write and flush; return False when nobody reads any more."""
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
