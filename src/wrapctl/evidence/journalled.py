"""What wrapctl's journal says it wrote: changes, each with its run, when it was sent, and what the platform answered.

Pure: the files of runs come in. Only records that can be believed count; what is broken is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from wrapctl.apply.journal import Finding, Kind, believed, verify_files
from wrapctl.apply.report import GOOD
from wrapctl.model import ROW_VERBS, TABLE_VERBS, Verb
from wrapctl.targets.interface import Result

Fields = Mapping[str, object]

_VERBS: Final = {verb.value: verb for verb in Verb}
_KINDS: Final = {
    Verb.ASSIGN: "assignment",
    Verb.UNASSIGN: "assignment",
    Verb.REORDER: "assignment",
    Verb.SET_ACW: "after-call work",
    Verb.SET_OUTBOUND: "outbound",
}
_SEEN: Final = frozenset({Result.DONE.value, Result.UNKNOWN.value, *(one.value for one in GOOD)})
"""Results after which the platform may hold the change."""
_MERGE: Final = re.compile(r"Merge pull request #([1-9][0-9]{0,9})\b")
_SQUASH: Final = re.compile(r"\(#([1-9][0-9]{0,9})\)\s*$")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: who started it, from which commit, in which pull requests it was reviewed, as far as anybody tells.

    ``commit`` ends in ``+`` where the files were not committed.
    """

    name: str
    actor: str = ""
    commit: str = ""
    pulls: tuple[int, ...] = ()

    @property
    def sha(self) -> str:
        """The commit as git knows it, nothing where it is none."""
        plain = self.commit.removesuffix("+")
        return plain if _COMMIT.fullmatch(plain) else ""


@dataclass(frozen=True, slots=True)
class Written:
    """One change that was sent.

    ``record`` is the number of its announcement in the run's file, ``ended`` None where no answer was journalled.
    """

    run: Run
    record: int
    began: datetime
    verb: Verb
    address: str
    live_id: str = ""
    parent: str = ""
    before: Fields = field(default_factory=dict, hash=False)
    after: Fields = field(default_factory=dict, hash=False)
    ended: datetime | None = None
    request_id: str = ""
    result: str = Result.UNKNOWN.value

    @property
    def kind(self) -> str:
        """What it is about, in the words of an audit trail."""
        if self.verb in ROW_VERBS:
            return "row"
        if self.verb in TABLE_VERBS:
            return "table"
        return _KINDS.get(self.verb, "code")

    @property
    def object_id(self) -> str:
        """The live id of the object that it changed: of an assignment its queue."""
        return self.parent if self.kind == "assignment" else self.live_id

    @property
    def system(self) -> str:
        """The CRM system of a row or a table, from its address."""
        parts = self.address.split("/")
        return unquote(parts[2]) if self.kind in {"row", "table"} and len(parts) > 2 else ""

    @property
    def may_be_live(self) -> bool:
        """Whether the platform may hold it."""
        return self.result in _SEEN

    @property
    def code(self) -> str:
        """The key of the code that it is about, nothing where the address names none."""
        parts = self.address.split("/")
        if "code" in parts[1:-1]:
            return unquote(parts[parts.index("code", 1) + 1])
        key = self.after.get("code") or self.before.get("code")
        return key if self.kind == "row" and isinstance(key, str) else ""


@dataclass(frozen=True, slots=True)
class Journalled:
    """All that an org's journal tells: changes in the order in which they were sent, and what is wrong with it."""

    written: tuple[Written, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that wrote anything."""
        return tuple(dict.fromkeys(one.run for one in self.written))

    def with_pulls(self, pulls: Mapping[str, Sequence[int]]) -> Journalled:
        """Return the same with the pull requests of some commits, for the runs of which none is known yet."""
        known = {
            run: replace(run, pulls=tuple(pulls[run.sha]))
            for run in self.runs
            if run.sha in pulls and not run.pulls
        }
        return replace(
            self, written=tuple(replace(one, run=known.get(one.run, one.run)) for one in self.written)
        )


def pull_request(message: str) -> tuple[int, ...]:
    """Return the pull request that the message of a merged commit names: GitHub's own words for merge and squash."""
    first = message.partition("\n")[0]
    found = _MERGE.match(first) or _SQUASH.search(first)
    return (int(found[1]),) if found is not None else ()


def read(files: Mapping[str, bytes]) -> Journalled:
    """Return what the journal of an org says; ``files`` are its runs by the name of their file."""
    found: list[Written] = []
    for name, text in sorted(files.items()):
        records, _ = believed(name, text)
        if records:
            found += _changes(records)
    broken = tuple(one for one in verify_files(files) if one.broken)
    return Journalled(tuple(sorted(found, key=lambda one: (one.began, one.run.name, one.record))), broken)


def _changes(records: Sequence[Fields]) -> Iterator[Written]:
    run = _run(records[0])
    sent: dict[tuple[object, object], Written] = {}
    for record in records:
        kind, at = record.get("kind"), _moment(record.get("at"))
        if at is None:
            continue
        if kind == Kind.INTENT.value:
            for change in _maps(record.get("changes")):
                written = _announced(run, record, at, change)
                if written is not None:
                    sent[_name(change)] = written
        elif kind in {Kind.OUTCOME.value, Kind.VERDICT.value} and _name(record) in sent:
            sent[_name(record)] = _answered(sent[_name(record)], record, at)
    yield from sent.values()


def _run(head: Fields) -> Run:
    pulls = head.get("pull_requests")
    numbers = pulls if isinstance(pulls, list) else []
    return Run(
        name=str(head.get("run")),
        actor=str(head.get("actor") or ""),
        commit=str(head.get("commit") or ""),
        pulls=tuple(one for one in numbers if isinstance(one, int) and not isinstance(one, bool)),
    )


def _announced(run: Run, record: Fields, at: datetime, change: Fields) -> Written | None:
    verb, number = _VERBS.get(str(change.get("verb"))), record.get("n")
    if verb is None:
        return None
    before, after = change.get("before"), change.get("after")
    return Written(
        run=run,
        record=number if isinstance(number, int) else 0,
        began=at,
        verb=verb,
        address=str(change.get("address") or ""),
        live_id=str(change.get("id") or ""),
        parent=str(change.get("parent") or ""),
        before=before if isinstance(before, dict) else {},
        after=after if isinstance(after, dict) else {},
    )


def _answered(written: Written, record: Fields, at: datetime) -> Written:
    """An outcome says how it was answered, a verdict what reading showed then: only that counts of the result."""
    live_id = written.live_id or str(record.get("id") or "")
    if record.get("kind") == Kind.VERDICT.value:
        return replace(written, live_id=live_id, result=str(record.get("status")))
    return replace(
        written,
        live_id=live_id,
        ended=at,
        request_id=str(record.get("request_id") or ""),
        result=str(record.get("result")),
    )


def _name(record: Fields) -> tuple[object, object]:
    return str(record.get("verb")), str(record.get("address"))


def _maps(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
