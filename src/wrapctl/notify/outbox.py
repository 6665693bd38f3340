"""Events that are on their way: one file for each event and sink, there before it is sent, gone when it was taken.

A file is written beside its name, flushed to disk and renamed, so that there is never half of one. Whoever sends it
locks it (``flock``), so that an apply and two replays share the work and none sends what another has sent. A killed
process leaves its files behind, unlocked.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from wrapctl.errors import WrapctlError

FORMAT: Final = 1
SUFFIX: Final = ".json"
_MOST: Final = 1024 * 1024
_NAME: Final = re.compile(r"[0-9TZ]{4,32}-[0-9]{6}-[0-9a-f]{32}\.json")


@dataclass(frozen=True, slots=True)
class Kept:
    """An event in the outbox. ``attempts`` is how often it was sent in vain, ``why`` what was said last, at ``last``."""

    path: Path
    sink: str
    event: Mapping[str, Any]
    attempts: int = 0
    last: str = ""
    why: str = ""

    @property
    def key(self) -> str:
        """The idempotency key: the event's id."""
        return str(self.event["id"])

    @property
    def kind(self) -> str:
        """The event's type."""
        return str(self.event["type"])


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file of the outbox that is not what was written there; it is never sent and never removed."""

    path: Path
    sink: str
    why: str


@dataclass(slots=True)
class Claim:
    """A file that nobody else sends meanwhile."""

    kept: Kept
    _descriptor: int = field(repr=False)

    def delivered(self) -> None:
        """It was taken: the file goes."""
        self.kept.path.unlink(missing_ok=True)
        _sync(self.kept.path.parent)

    def failed(self, why: str, at: str) -> None:
        """It was not: note why. The file stays locked."""
        self.kept = replace(self.kept, attempts=self.kept.attempts + 1, last=at, why=why)
        descriptor = _write(self.kept.path, _text(self.kept), lock=True)
        os.close(self._descriptor)
        self._descriptor = descriptor

    def close(self) -> None:
        """Let others send it."""
        os.close(self._descriptor)


class Outbox:
    """The outbox in a folder (``.wrapctl/outbox``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, sink: str, events: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Keep events (``Event.as_json``) for a sink, in their order; return their files. What is there stays.

        Raises:
            WrapctlError: they could not be kept.
        """
        folder = self.folder / sink
        paths = []
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number, event in enumerate(events):
                path = folder / f"{_compact(str(event['time']))}-{number:06d}-{event['id']}{SUFFIX}"
                if not path.exists():
                    os.close(_write(path, _text(Kept(path, sink, event))))
                paths.append(path)
            _sync(folder)
        except OSError as error:
            raise WrapctlError(
                f"the outbox {folder} cannot be written: {error.strerror}",
                hint="events are kept there until a sink has taken them",
            ) from None
        return paths

    def sinks(self) -> tuple[str, ...]:
        """The sinks that something is kept for."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(one.name for one in self.folder.iterdir() if one.is_dir() and _files(one)))

    def list(self, sink: str) -> tuple[tuple[Kept, ...], tuple[Damaged, ...]]:
        """Return what is kept for a sink, oldest first, and what is damaged."""
        kept: list[Kept] = []
        damaged: list[Damaged] = []
        for path in _files(self.folder / sink):
            try:
                kept.append(_read(path, sink))
            except FileNotFoundError:
                continue  # somebody has just delivered it
            except (OSError, ValueError) as error:
                damaged.append(Damaged(path, sink, str(error)))
        return tuple(kept), tuple(damaged)

    @contextlib.contextmanager
    def claim(self, path: Path) -> Iterator[Claim | None]:
        """Lock a file for the length of a ``with``; None when it is gone, damaged, or another process sends it."""
        claim = self._claim(path)
        try:
            yield claim
        finally:
            if claim is not None:
                claim.close()

    def _claim(self, path: Path) -> Claim | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Delivered or rewritten between open and flock: this lock is of a file that nobody sees any more.
            if (os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino) != _place(path):
                raise BlockingIOError
            return Claim(_read(path, path.parent.name), descriptor)
        except (OSError, ValueError):
            os.close(descriptor)
            return None


def _files(folder: Path) -> list[Path]:
    # Dot files are halves of a write that never ended; what was to be written then was not yet announced.
    return sorted(one for one in folder.glob(f"*{SUFFIX}") if not one.name.startswith("."))


def _compact(time: str) -> str:
    return re.sub(r"[^0-9TZ]", "", time)[:32]


def _text(kept: Kept) -> str:
    body = {
        "format": FORMAT,
        "sink": kept.sink,
        "attempts": kept.attempts,
        "last": kept.last or None,
        "why": kept.why or None,
        "event": kept.event,
    }
    return json.dumps({**body, "sum": _sum(body)}, indent=1) + "\n"


def _sum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _read(path: Path, sink: str) -> Kept:
    """Return what a file keeps.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not what was written.
    """
    with path.open("rb") as file:
        raw = file.read(_MOST + 1)
    if len(raw) > _MOST:
        raise ValueError("it is larger than any event")
    try:
        found = json.loads(raw)
        body = {name: value for name, value in found.items() if name != "sum"}
        whole = found["sum"] == _sum(body) and isinstance(found["event"], dict)
    except (ValueError, KeyError, AttributeError, RecursionError):
        raise ValueError("it is no event: cut, or changed by hand") from None
    if found.get("format") != FORMAT:
        raise ValueError("it is of another version of wrapctl")
    if not whole:
        raise ValueError("it was changed after it was written")
    if found["sink"] != sink or not _NAME.fullmatch(path.name):
        raise ValueError("it lies in another place than it was written to")
    return Kept(path, sink, found["event"], found["attempts"], found["last"] or "", found["why"] or "")


def _write(path: Path, text: str, *, lock: bool = False) -> int:
    """Write a file by way of one beside it, and return it open: locked before it has its name, if that is wanted."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        if lock:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        data = text.encode("ascii")
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
        Path(temporary).rename(path)
    except BaseException:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return descriptor


def _place(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
