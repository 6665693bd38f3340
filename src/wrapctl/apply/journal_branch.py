"""The journal kept beyond the machine: files of runs on a branch of the git remote, one file for each run.

The header of a run is on the branch before its first write, the whole file at its end. A runner that vanishes in
between leaves a run without an end, which the next one reports. Files of different runs never conflict: when
another run has pushed meanwhile, the commit is made again on top of it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from wrapctl.apply.journal import SUFFIX, Journal, Kind, Run, glance
from wrapctl.errors import JournalError
from wrapctl.git import Git, GitFailed

MARKER: Final = "WRAPCTL-JOURNAL.md"
"""Stands at the top of the branch. Without it a branch is somebody's work, and nothing is put there."""

_SAYS: Final = b"""\
# The journal of wrapctl

One folder for each org, one file for each run that applied something. Each record is chained to the one before it
by hash; `wrapctl journal verify` checks them. wrapctl writes this branch: do not edit it, and never merge it.
"""
_TRIES: Final = 20
_SECONDS: Final = 0.25
_LONGEST: Final = 8.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What the branch holds of one org: the commit it was read at (None: no branch yet) and the runs by file."""

    tip: str | None
    files: Mapping[str, bytes]


class JournalBranch:
    """The branch ``branch`` of the remote of ``git``.

    ``now`` is the wall clock, ``wait`` sleeps and returns True when asked to stop, ``jitter`` returns [0, 1).
    """

    def __init__(
        self,
        git: Git,
        branch: str,
        *,
        now: Callable[[], datetime],
        wait: Callable[[float], bool],
        jitter: Callable[[], float],
    ) -> None:
        self._git = git
        self.branch = branch
        self._ref = f"refs/heads/{branch}"
        self._now = now
        self._wait = wait
        self._jitter = jitter

    def __str__(self) -> str:
        return f"branch {self.branch} of {self._git.remote}"

    def orgs(self) -> tuple[str, ...]:
        """Return the orgs of which the branch holds runs, sorted.

        Raises:
            JournalError: the branch cannot be read.
        """
        with self._as_journal("read"):
            tip = self._tip()
            if tip is None:
                return ()
            entries = self._git.entries(tip, self._git.prefix())
            return tuple(sorted(entry.name for entry in entries if entry.kind == "tree"))

    def read(self, org: str) -> Kept:
        """Return what the branch holds of ``org`` now.

        Raises:
            JournalError: the branch cannot be read, or is no journal.
        """
        with self._as_journal("read"):
            tip = self._tip()
            if tip is None:
                return Kept(None, {})
            folder = self._git.entries(tip, self._folder(org))
            runs = [one for one in folder if one.kind == "blob" and one.name.endswith(SUFFIX)]
            contents = self._git.blobs([one.oid for one in runs])
            return Kept(tip, {one.name: content for one, content in zip(runs, contents, strict=True)})

    def put(self, org: str, files: Mapping[str, bytes], message: str, *, tip: str | None) -> str | None:
        """Lay ``files`` into the org's folder on top of ``tip``; return the commit, None when the branch has moved.

        Raises:
            JournalError: the branch cannot be written.
        """
        with self._as_journal("written"):
            git = self._git
            oids = {f"{self._folder(org)}/{name}": git.blob(content) for name, content in files.items()}
            if tip is None:
                oids[MARKER] = git.blob(_SAYS)
            tree = git.with_files(tip, oids)
            commit = git.commit(tree, (tip,) if tip else (), message, self._now())
            return commit if git.push(self._ref, commit, expect=tip) else None

    def keep(self, org: str, files: Mapping[str, bytes], message: str, *, tip: str | None) -> None:
        """Put ``files`` onto the branch however often it moves, first on top of ``tip``.

        Raises:
            JournalError: the branch cannot be written.
        """
        for attempt in range(_TRIES):
            if self.put(org, files, message, tip=tip) is not None:
                return
            self.pause(attempt)
            with self._as_journal("read"):
                tip = self._tip()
        raise self.busy()

    def pause(self, attempt: int) -> None:
        """Let others go first, a little longer each time; nobody waits who was asked to stop."""
        self._wait(min(_SECONDS * 2**attempt, _LONGEST) * self._jitter())

    def busy(self) -> JournalError:
        """What to raise when the branch moved each time."""
        return JournalError(
            f"the journal could not be put onto the {self}: other runs were faster {_TRIES} times",
            hint="run again; apply fewer orgs at the same time if it stays",
        )

    def _tip(self) -> str | None:
        tip = self._git.fetch(self._ref)
        if tip is not None and not any(entry.name == MARKER for entry in self._git.entries(tip)):
            raise JournalError(
                f"the {self} is not a journal: it has no {MARKER}",
                hint="name a branch of its own under `journal.branch`; wrapctl makes it",
            )
        return tip

    def _folder(self, org: str) -> str:
        # Several projects may live in one repository, each with an org of that name.
        return f"{self._git.prefix()}{org}"

    @contextlib.contextmanager
    def _as_journal(self, what: str) -> Iterator[None]:
        try:
            yield
        except GitFailed as error:
            raise JournalError(
                f"the journal on the {self} cannot be {what}: {error.message}",
                hint="nothing is written that the journal does not announce; give the run `contents: write`, or "
                "use `journal.store: dir`",
            ) from None


class BranchJournal(Journal):
    """The journal of one run, kept on a branch; ``folder`` holds the copy that is written meanwhile.

    ``warn`` hears when a run that ended in an exception did not reach the branch.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        now: Callable[[], datetime],
        *,
        org: str,
        branch: JournalBranch,
        warn: Callable[[str], None],
    ) -> None:
        super().__init__(folder, run, now)
        self._org = org
        self._branch = branch
        self._warn = warn
        self._kept: Kept | None = None
        self._late: dict[str, bytes] = {}
        self._tip: str | None = None
        self._brought = False
        self._title = f"Journal of {org}, run {run}"

    def start(self, **fields: object) -> None:
        """Write the run's first record and push it, chained to what the branch holds (``Journal.start``).

        Raises:
            JournalError: it did not reach the branch. Then nothing of the run is left, and nothing may be sent.
        """
        for attempt in range(_TRIES):
            super().start(**fields)
            try:
                if self._announce():
                    return
            except BaseException:
                self._withdraw()
                raise
            # Another run was faster, perhaps of this very org: the chain is looked at again.
            self._withdraw()
            self._branch.pause(attempt)
        raise self._branch.busy()

    def record(self, kind: Kind, **fields: object) -> None:
        """Append one record (``Journal.record``); behind the last one the whole file is pushed.

        Raises:
            JournalError: it could not be written, or the end did not reach the branch.
        """
        super().record(kind, **fields)
        if kind is Kind.END:
            self._bring()

    def close(self) -> None:
        """Give the file back, and push what there is of a run that got no end."""
        unfinished = self.started and not self._brought
        super().close()
        if unfinished:
            try:
                self._bring()
            except JournalError as error:
                self._warn(f"{error.message}; {error.hint}")

    def _bring(self) -> None:
        self._brought = True
        try:
            content = {self.path.name: self.path.read_bytes()}
            self._branch.keep(self._org, content, f"{self._title}: ends", tip=self._tip)
        except (JournalError, OSError) as error:
            why = error.message if isinstance(error, JournalError) else error.strerror
            raise JournalError(
                f"what this run did is journalled in {self.path} alone, the {self._branch} has its beginning: {why}",
                hint="keep that file; the next apply from the same folder brings it along",
            ) from None

    def _announce(self) -> bool:
        kept = self._kept
        assert kept is not None  # noqa: S101 (start has just looked)
        if self.path.name in kept.files:
            raise JournalError(f"the {self._branch} has a run of this name already: {self.path.name}")
        files = {**self._late, self.path.name: self.path.read_bytes()}
        self._tip = self._branch.put(self._org, files, f"{self._title}: begins", tip=kept.tip)
        self._kept = None
        return self._tip is not None

    def _earlier(self) -> list[Run]:
        """Return the runs on the branch; those of this folder whose end did not get there, with their end."""
        if self._kept is None:
            self._kept = self._branch.read(self._org)
            self._late = {}
            for name, content in self._kept.files.items():
                longer = self._longer(name, content)
                if longer is not None:
                    self._late[name] = longer
        files = {**self._kept.files, **self._late}
        return [glance(name, io.BytesIO(content)) for name, content in sorted(files.items())]

    def _longer(self, name: str, content: bytes) -> bytes | None:
        file = self._folder / name
        try:
            if file == self.path or file.stat().st_size <= len(content):
                return None
            whole = file.read_bytes()
        except OSError:
            return None
        return whole if whole.startswith(content) else None

    def _withdraw(self) -> None:
        """Take back a run that never began."""
        super().close()
        self.path.unlink(missing_ok=True)
        self._number = 0
