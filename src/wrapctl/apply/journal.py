"""The journal: what every run announced, sent and heard, in append-only files chained by hash.

One JSON Lines file for each run under ``<folder>/<org>/<run>.jsonl``. Each record names the hash of the one
before it, the first that of the last record of the run before, so that a changed, cut or missing record shows.
A record is on the disk before the write that it announces is sent.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from wrapctl.apply.plain import plain
from wrapctl.errors import JournalError
from wrapctl.model import escape

FORMAT = 1
"""Version of the records."""

GENESIS = "0" * 64
"""What the first record of the first run is chained to."""

SUFFIX = ".jsonl"


class Kind(StrEnum):
    """What a record says."""

    RUN = "run"
    INTENT = "intent"
    OUTCOME = "outcome"
    VERDICT = "verdict"
    """What reading showed afterwards, where it differs from the outcome."""
    END = "end"


class Journal:
    """Writes the records of one run. Nothing touches the disk before ``start``.

    ``folder`` is the org's (``.wrapctl/journal/<org>``), ``now`` the wall clock. Safe to use from many threads.
    """

    def __init__(self, folder: Path, run: str, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._run = run
        self._now = now
        self._descriptor: int | None = None
        self._last = GENESIS
        self._number = 0
        self._mutex = threading.Lock()

    @property
    def path(self) -> Path:
        """The run's file."""
        return self._folder / f"{escape(self._run)}{SUFFIX}"

    @property
    def started(self) -> bool:
        """Whether anything was written."""
        return self._descriptor is not None

    def unended(self) -> tuple[str, ...]:
        """Runs that have not written their end and that no later run has reported, oldest first.

        Raises:
            JournalError: a file cannot be read.
        """
        return _tail(self._earlier()).unended

    def start(self, **fields: object) -> None:
        """Create the run's file with its first record, chained to the last whole record of the run before.

        Raises:
            JournalError: the folder cannot be written, or a run of this name was journalled before.
        """
        tail = _tail(self._earlier())
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            _sync_folder(self._folder)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        self._last = tail.hash
        self.record(
            Kind.RUN,
            format=FORMAT,
            run=self._run,
            after=tail.run,
            unended=tail.unended,
            **fields,
        )

    def record(self, kind: Kind, **fields: object) -> None:
        """Append one record and wait until the disk has it.

        Raises:
            JournalError: it could not be written; then what it announces must not be sent.
        """
        self.records(kind, [fields])

    def records(self, kind: Kind, several: Iterable[Mapping[str, object]]) -> None:
        """Append several records and wait once until the disk has them all.

        Raises:
            JournalError: they could not be written.
        """
        with self._mutex:
            if self._descriptor is None:
                raise JournalError("the journal of this run was not started")
            lines, last, number = [], self._last, self._number
            for fields in several:
                number += 1
                content = {
                    **plain(fields),
                    "kind": kind.value,
                    "n": number,
                    "at": self._now().isoformat(),
                    "previous": last,
                }
                lines.append(_seal(content))
                last = lines[-1].hash
            try:
                _write_all(self._descriptor, b"".join(line.text for line in lines))
                os.fsync(self._descriptor)
            except OSError as error:
                raise _unwritable(self.path, error) from None
            self._last, self._number = last, number

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _earlier(self) -> list[Run]:
        """Return the runs before this one; where they are kept, their order follows from the chain."""
        return _read_all(self._folder, lambda file, stream: glance(file.name, stream))


# ── reading and verifying ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Finding:
    """What ``verify`` found: a broken record (file, line, what), or a run without an end (not broken)."""

    file: str
    line: int
    message: str
    broken: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def verify(folder: Path) -> tuple[Finding, ...]:
    """Check every record of an org's journal, the chain within each file and from run to run.

    Returns the first broken record of each file, in the order of the chain, and the runs without an end. Of a
    file that is broken nothing behind the broken record is believed. Changes behind the last record of the last
    run cannot show: keep a copy of its hash elsewhere to see these.

    Raises:
        JournalError: a file cannot be read.
    """
    return _verify(_read_all(folder, lambda file, stream: _read(file.name, stream.read())))


def verify_files(files: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Check an org's journal as ``verify`` does; ``files`` are its runs by the name of their file."""
    return _verify([_read(name, content) for name, content in sorted(files.items())])


def _verify(runs: Sequence[Run]) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    ends = {run.last for run in runs if run.records}
    inside = {record: run.run for run in runs for record in run.hashes}
    broken = {run.run for run in runs if run.broken is not None}
    claimed: dict[str, Run] = {}
    for run in _in_order(runs):
        if run.broken is not None:
            findings.append(run.broken)
        elif not run.ended:
            findings.append(Finding(run.file, run.records, "run without an end", broken=False))
        if not run.records:
            continue
        other = claimed.setdefault(run.first_previous, run)
        if other is not run:
            findings.append(Finding(run.file, 1, f"starts behind the same record as {other.file}"))
        elif inside.get(run.first_previous) in run.reported:
            continue  # it began when that run had written no more, and said so
        elif run.first_previous not in {GENESIS, *ends} and run.after not in broken:
            before = f"run {run.after}" if run.after else "the run before"
            findings.append(
                Finding(
                    run.file, 1, f"the record that it follows, the last of {before}, is not there any more"
                )
            )
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class _Line:
    text: bytes
    hash: str


@dataclass(frozen=True, slots=True)
class _Tail:
    """The end of the chain: what the next run is chained to and which runs it has to report."""

    run: str | None
    hash: str
    unended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One file as far as it can be believed: whole records up to the first broken or torn one.

    ``hashes`` are those of its records, where the whole file was read.
    """

    file: str
    run: str
    records: int
    first_previous: str
    last: str
    after: str | None
    reported: frozenset[str]
    ended: bool
    broken: Finding | None
    hashes: frozenset[str] = frozenset()


def _seal(content: Mapping[str, object]) -> _Line:
    # ASCII only: a hostile name cannot then move the cursor of whoever prints the file.
    digest = hashlib.sha256(_canonical(content)).hexdigest()
    return _Line(_canonical({**content, "hash": digest}) + b"\n", digest)


def _canonical(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _read_all(folder: Path, read: Callable[[Path, BinaryIO], Run]) -> list[Run]:
    found = []
    try:
        for file in sorted(folder.glob(f"*{SUFFIX}")):
            with file.open("rb") as stream:
                found.append(read(file, stream))
    except OSError as error:
        raise JournalError(
            f"the journal in {folder} cannot be read: {error.strerror}",
            hint="nothing is written while the runs before this one cannot be read",
        ) from None
    return found


def _read(name: str, text: bytes) -> Run:
    """Read and check a whole file."""
    records, broken = believed(name, text)
    head, tail = (records[0], records[-1]) if records else ({}, {})
    hashes = frozenset(str(record["hash"]) for record in records)
    return replace(_run(name, head, tail, len(records), broken), hashes=hashes)


def believed(name: str, text: bytes) -> tuple[tuple[Mapping[str, object], ...], Finding | None]:
    """Return the records of a run's file as far as they can be believed, and the first one that cannot.

    The chain within the file is checked; whether it hangs on the run before is what ``verify`` tells.
    """
    records: list[dict[str, object]] = []
    *lines, rest = text.split(b"\n")
    for number, line in enumerate(lines, start=1):
        content = _open_record(line)
        wrong = ""
        if content is None:
            wrong = "the record is not as it was written"
        elif content["n"] != number or (records and content["previous"] != records[-1]["hash"]):
            wrong = "the record does not follow the one before it"
        elif number == 1 and not _is_head(content):
            wrong = "the first record is not a run's"
        elif records and records[-1]["kind"] == Kind.END.value:
            wrong = "a record behind the run's end"
        if content is None or wrong:
            return tuple(records), Finding(name, number, wrong)
        records.append(content)
    # What stands behind the last newline was torn by a killed process: it announced nothing that was sent. But what
    # is torn ends inside of a record: one that is whole was followed by a newline, and somebody changed that.
    if _open_record(rest[:-1]) is not None:
        return tuple(records), Finding(name, len(lines) + 1, "the record is not as it was written")
    return tuple(records), None


def glance(name: str, stream: BinaryIO) -> Run:
    """Read a file's first and last record only: a run need not check all runs before it in order to follow."""
    first = stream.readline()
    head = _open_record(first[:-1]) if first.endswith(b"\n") else None
    size = stream.seek(0, os.SEEK_END)
    start, reach = size, 4096
    lines: list[bytes] = []
    while len(lines) < 3 and start > 0:
        start = max(0, size - reach)
        stream.seek(start)
        lines = stream.read().split(b"\n")
        reach *= 4
    tail = _open_record(lines[-2]) if len(lines) >= 3 else head
    number = tail["n"] if tail is not None else None
    if head is None or tail is None or not _is_head(head) or not isinstance(number, int):
        stream.seek(0)
        return _read(name, stream.read())
    return _run(name, head, tail, number, None)


def _is_head(content: Mapping[str, object]) -> bool:
    return content["kind"] == Kind.RUN.value and content["n"] == 1 and isinstance(content.get("run"), str)


def _run(
    name: str, head: Mapping[str, object], tail: Mapping[str, object], records: int, broken: Finding | None
) -> Run:
    after, reported = head.get("after"), head.get("unended")
    return Run(
        file=name,
        run=str(head.get("run", name.removesuffix(SUFFIX))),
        records=records,
        first_previous=str(head.get("previous", GENESIS)),
        last=str(tail.get("hash", GENESIS)),
        after=after if isinstance(after, str) else None,
        reported=frozenset(map(str, reported)) if isinstance(reported, list) else frozenset(),
        ended=tail.get("kind") == Kind.END.value,
        broken=broken,
    )


def _open_record(line: bytes) -> dict[str, object] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not {"kind", "n", "at", "previous", "hash"} <= content.keys():
        return None
    claimed = content.pop("hash")
    sealed = _seal(content)
    if sealed.hash != claimed or sealed.text != line + b"\n":
        return None
    return {**content, "hash": claimed}


def _in_order(runs: Iterable[Run]) -> list[Run]:
    """Return the runs along the chain; those that hang on nothing that is there come behind."""
    following: dict[str, list[Run]] = {}
    left: dict[str, Run] = {}
    for run in runs:
        left[run.file] = run
        if run.records:
            following.setdefault(run.first_previous, []).append(run)
    ends = {run.last for run in left.values() if run.records}
    loose = sorted(start for start in following if start not in ends and start != GENESIS)
    # A run whose last records came late, behind the one that follows it, still stands before that one.
    behind: dict[str, list[str]] = {}
    for start in loose:
        for run in following[start]:
            behind.setdefault(run.after or "", []).append(start)
    ordered: list[Run] = []
    waiting = [*loose, GENESIS]
    while waiting:
        for run in following.pop(waiting.pop(), []):
            ordered.append(left.pop(run.file))
            waiting += [run.last, *behind.get(run.run, ())]
    return [*left.values(), *ordered]


def _tail(runs: Iterable[Run]) -> _Tail:
    """Return where the next run is chained to, and the runs without an end that no run has reported yet."""
    ordered = _in_order(runs)
    reported = frozenset[str]().union(*(run.reported for run in ordered))
    unended = tuple(run.run for run in ordered if not run.ended and run.run not in reported)
    chained = [run for run in ordered if run.records]
    if not chained:
        return _Tail(None, GENESIS, unended)
    return _Tail(chained[-1].run, chained[-1].last, unended)


def _write_all(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"the journal {path} cannot be written: {error.strerror}",
        hint="nothing is sent that the journal does not announce; make room or give the folder back",
    )
