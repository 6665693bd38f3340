"""One apply per organization at a time: the run lock, and who holds it.

``FileLock`` is ``flock`` on a file that holds the record, so that the kernel frees the lock of a killed process.
It reaches as far as the file system does: this machine. ``lock_ref`` has the one that reaches all runners.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from wrapctl.errors import Locked, UsageError, WrapctlError
from wrapctl.model import escape


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: the run, since when (ISO 8601) and with which plan (digest)."""

    run: str
    actor: str = ""
    host: str = ""
    pid: int = 0
    since: str = ""
    org: str = ""
    plan: str = ""

    def __str__(self) -> str:
        who = self.actor or "somebody"
        where = f" on {self.host}" if self.host else ""
        process = f" (process {self.pid})" if self.pid else ""
        since = f" since {self.since}" if self.since else ""
        return f"{who}{where}{process}, run {self.run or 'unknown'}{since}"

    def text(self) -> str:
        """The record as it is kept."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def parse(text: str | bytes) -> Holder | None:
        """Return the record that ``text`` holds, or None when there is none (yet) or it makes no sense."""
        try:
            data = json.loads(text)
            return Holder(
                run=str(data["run"]),
                actor=str(data["actor"]),
                host=str(data["host"]),
                pid=int(data["pid"]),
                since=str(data["since"]),
                org=str(data["org"]),
                plan=str(data["plan"]),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def age(self, now: datetime) -> str:
        """How long the lock has been held at ``now``, in words; empty when nobody can tell."""
        try:
            seconds = (now - datetime.fromisoformat(self.since)).total_seconds()
        except (ValueError, TypeError):
            return ""
        if seconds < 60:
            return "less than a minute"
        minutes = int(seconds // 60)
        days, hours = divmod(minutes // 60, 24)
        if days:
            return f"{days} d {hours} h"
        return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


class Held(Protocol):
    """A lock that is held."""

    def check(self) -> None:
        """Make sure that it still is.

        Raises:
            Locked: somebody took it away (``wrapctl unlock``); nothing more may be written.
        """
        ...


class RunLock(Protocol):
    """Keeps a second apply out of an organization."""

    reach: str
    """How far the lock is seen, for the output: ``this machine only``, ``every runner that …``."""

    def hold(self, organization_id: str, holder: Holder) -> AbstractContextManager[Held]:
        """Take the lock for the length of a ``with``.

        Raises:
            Locked: another run has it; the message names it.
        """
        ...

    def unlock(self, organization_id: str, run: str) -> Holder:
        """Take the lock away from ``run`` and return who held it.

        Raises:
            Locked: another run holds it than the one named.
            UsageError: nobody holds it.
        """
        ...


class FileLock:
    """Locks as files of one folder (``.wrapctl/locks``), one for each organization id."""

    reach = "this machine only"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, organization_id: str) -> Path:
        """The file of an organization's lock."""
        name = escape(organization_id)
        if len(name) > 120:  # file systems stop at 255 bytes, and an id is whatever an API says
            name = name[:40] + hashlib.sha256(organization_id.encode()).hexdigest()
        return self._folder / f"{name}.lock"

    @contextlib.contextmanager
    def hold(self, organization_id: str, holder: Holder) -> Iterator[Held]:
        """Take the lock, write who holds it, and free both at the end (``RunLock.hold``)."""
        path = self.path(organization_id)
        descriptor = self._take(path, organization_id)
        try:
            _write(descriptor, holder.text().encode())
            yield _HeldFile(path, descriptor, organization_id)
        finally:
            # The file stays: a waiter may have it open, and a lock on an unlinked file locks nobody out.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def unlock(self, organization_id: str, run: str) -> Holder:
        """Free the lock that ``run`` holds (``RunLock.unlock``); its process stops before its next batch."""
        path = self.path(organization_id)
        try:
            descriptor = _open(path, create=False)
        except FileNotFoundError:
            raise UsageError(f"nobody holds the lock of {organization_id}") from None
        try:
            holder = _read(descriptor)
            if holder is None:
                raise UsageError(f"nobody holds the lock of {organization_id}")
            if holder.run != run:
                raise Locked(
                    f"the lock of {organization_id} is held by {holder}, not by run {run}",
                    hint=f"look at that run first; then `wrapctl unlock {holder.org} --run {holder.run}`",
                )
            # A killed process left its record behind, a hung one still has the file open. Either way the next
            # apply makes a file of its own, and the hung one sees that its file is gone.
            path.unlink(missing_ok=True)
            return holder
        finally:
            os.close(descriptor)

    def _take(self, path: Path, organization_id: str) -> int:
        while True:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = _open(path, create=True)
            except OSError as error:
                raise WrapctlError(
                    f"the lock file {path} cannot be opened: {error.strerror}",
                    hint="apply needs to write into the project's .wrapctl folder",
                ) from None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _read(descriptor)
                os.close(descriptor)
                unlock = f"wrapctl unlock {holder.org} --run {holder.run}" if holder else "wrapctl unlock"
                raise Locked(
                    f"another apply holds the lock of organization {organization_id}: {holder or 'just starting'}",
                    hint=f"wait until it ends; if it hangs, `{unlock}`",
                ) from None
            except BaseException:
                os.close(descriptor)
                raise
            if _same(path, descriptor):
                return descriptor
            os.close(descriptor)  # unlinked between open and flock: lock the file that others will see


@dataclass(frozen=True, slots=True)
class _HeldFile:
    path: Path
    descriptor: int
    organization_id: str

    def check(self) -> None:
        if not _same(self.path, self.descriptor):
            raise Locked(
                f"the lock of organization {self.organization_id} was taken away from this run",
                hint="somebody ran `wrapctl unlock`; find out who is applying before you run again",
            )


def _open(path: Path, *, create: bool) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    return os.open(path, flags, 0o600)


def _same(path: Path, descriptor: int) -> bool:
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (seen.st_dev, seen.st_ino) == (mine.st_dev, mine.st_ino)


def _write(descriptor: int, text: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)
    os.fsync(descriptor)


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder.parse(os.pread(descriptor, 65536, 0))
    except OSError:
        return None
