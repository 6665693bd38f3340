"""Which commit an org was last applied from, as its journal tells. Pure: the files of runs in, an answer out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wrapctl.apply.journal import Kind, verify_files
from wrapctl.apply.report import GOOD, Status

_LEFT = frozenset({Status.BLOCKED, Status.MANUAL})
"""Listed in the plan that was applied and never meant to be written: no reason for a run not to count."""
_FINE = frozenset(status.value for status in GOOD | _LEFT)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the commit of its files (``+`` at its end: they differed from it), when it began, how it ended.

    ``trouble`` says why its files cannot be taken for what is live, empty when they can.
    """

    name: str
    commit: str
    at: datetime
    trouble: str = ""


def runs(files: Mapping[str, bytes]) -> tuple[Run, ...]:
    """Return the runs of an org's journal, oldest first; ``files`` are its runs by the name of their file.

    A file whose chain is broken is not believed, and left out.
    """
    broken = {finding.file for finding in verify_files(files) if finding.broken}
    found = [run for name, text in files.items() if name not in broken and (run := _run(text)) is not None]
    return tuple(sorted(found, key=lambda run: (run.at, run.name)))


def last_applied(found: tuple[Run, ...], commit: str = "") -> Run | None:
    """Return the newest run that applied everything from clean files, of one ``commit`` where it is given."""
    fine = (run for run in reversed(found) if not run.trouble)
    return next((run for run in fine if not commit or run.commit == commit), None)


def after(found: tuple[Run, ...], run: Run) -> tuple[Run, ...]:
    """Return the runs that began later and do not count."""
    return tuple(one for one in found if one.at > run.at and one.trouble)


def _run(text: bytes) -> Run | None:
    lines = text.split(b"\n")[:-1]
    if not lines:
        return None
    head, tail = json.loads(lines[0]), json.loads(lines[-1])
    try:
        at = datetime.fromisoformat(str(head.get("at")))
    except ValueError:
        return None
    commit = str(head.get("commit") or "")
    return Run(str(head.get("run")), commit, at, _trouble(commit, tail))


def _trouble(commit: str, tail: Mapping[str, object]) -> str:
    totals = tail.get("totals")
    if tail.get("kind") != Kind.END.value or not isinstance(totals, dict):
        return "it has no end"
    if tail.get("fatal") or tail.get("interrupted") or tail.get("unread") or not totals.keys() <= _FINE:
        return "not everything was applied"
    if not commit:
        return "its files are of no commit"
    return "its files were not committed" if commit.endswith("+") else ""
