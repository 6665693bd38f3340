"""Which run's commit is live: the newest clean one that applied everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wrapctl.apply.applied import after, last_applied, runs
from wrapctl.apply.journal import Journal, Kind

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Past:
    """An org's journal as runs leave it, an hour apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = START

    def run(self, name: str, commit: str, *, end: dict[str, Any] | None = None, ended: bool = True) -> None:
        self.now += timedelta(hours=1)
        journal = Journal(self.folder, name, lambda: self.now)
        journal.start(org="acme", commit=commit)
        if ended:
            told: dict[str, Any] = {
                "totals": {"done": 2, "blocked": 1},
                "fatal": None,
                "interrupted": False,
                "unread": [],
            }
            journal.record(Kind.END, **(told | (end or {})))
        journal.close()

    @property
    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.folder.iterdir()}


def test_the_newest_run_that_applied_everything_from_a_commit_counts(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.run("a", "c1")
    past.run("b", "c2")
    found = last_applied(runs(past.files))
    assert found is not None
    assert (found.name, found.commit, found.at) == ("b", "c2", START + timedelta(hours=2))


def test_runs_that_cannot_be_taken_for_what_is_live_are_told_with_the_reason(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.run("good", "c1")
    past.run("dirty", "c2+")
    past.run("none", "")
    past.run("failed", "c3", end={"totals": {"done": 1, "failed": 1}})
    past.run("held", "c4", end={"totals": {"done": 1, "held": 1}})
    past.run("stopped", "c5", end={"interrupted": True})
    past.run("fatal", "c6", end={"fatal": "no login"})
    past.run("unread", "c7", end={"unread": ["sf: down"]})
    past.run("killed", "c8", ended=False)
    found = runs(past.files)
    last = last_applied(found)
    assert last is not None
    assert last.name == "good"
    assert {run.name: run.trouble for run in after(found, last)} == {
        "dirty": "its files were not committed",
        "none": "its files are of no commit",
        "failed": "not everything was applied",
        "held": "not everything was applied",
        "stopped": "not everything was applied",
        "fatal": "not everything was applied",
        "unread": "not everything was applied",
        "killed": "it has no end",
    }


def test_a_commit_that_is_named_is_looked_up(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.run("a", "c1")
    past.run("b", "c2")
    found = last_applied(runs(past.files), "c1")
    assert found is not None
    assert found.name == "a"
    assert last_applied(runs(past.files), "c9") is None


def test_a_run_whose_record_was_changed_is_not_believed(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.run("a", "c1")
    past.run("b", "c2")
    file = tmp_path / "b.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"c2"', b'"c1"'))
    found = last_applied(runs(past.files))
    assert found is not None
    assert found.name == "a"


def test_an_empty_journal_tells_nothing() -> None:
    assert last_applied(runs({})) is None
    assert last_applied(runs({"torn.jsonl": b'{"kind":'})) is None
