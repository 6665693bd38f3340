from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from applying import Desk, writes
from fakes import FakeOrg
from git_remote import ENVIRON, Remote, git
from world import code, desired
from wrapctl.apply.journal import Journal, Kind, verify_files
from wrapctl.apply.journal_branch import MARKER, BranchJournal, JournalBranch
from wrapctl.apply.lock import FileLock
from wrapctl.apply.report import Report
from wrapctl.apply.run import ApplyOptions, apply
from wrapctl.errors import Exit, JournalError
from wrapctl.git import Git

BRANCH = "wrapctl-journal"
REF = f"refs/heads/{BRANCH}"


def ticking() -> Callable[[], datetime]:
    times = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(10_000))
    return lambda: next(times)


class Runner:
    """A machine with a clone of its own, that journals runs of orgs."""

    def __init__(self, remote: Remote, name: str, *how: str) -> None:
        self.remote = remote
        self.clone = remote.clone(name, *how)
        self.state = remote.folder / f"{name}-state"
        self.waits: list[float] = []
        self.said: list[str] = []
        self.now = ticking()
        self.branch = self.on(BRANCH)

    def on(self, branch: str, folder: Path | None = None) -> JournalBranch:
        return JournalBranch(
            Git(folder or self.clone, ENVIRON), branch, now=self.now, wait=self.wait, jitter=lambda: 1.0
        )

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False

    def journal(self, run: str, org: str = "acme", branch: JournalBranch | None = None) -> BranchJournal:
        return BranchJournal(
            self.state / org, run, self.now, org=org, branch=branch or self.branch, warn=self.said.append
        )

    def run(self, run: str, org: str = "acme") -> None:
        """A whole run: one intent, and its end."""
        journal = self.journal(run, org)
        journal.unended()
        journal.start(actor="ada")
        journal.record(Kind.INTENT, addresses=["acme/code/1"])
        journal.record(Kind.END, totals={})
        journal.close()

    def found(self, org: str = "acme") -> list[str]:
        return [str(finding) for finding in verify_files(self.branch.read(org).files)]


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote.make(tmp_path)


@pytest.fixture
def one(remote: Remote) -> Runner:
    return Runner(remote, "one")


@pytest.fixture
def two(remote: Remote) -> Runner:
    return Runner(remote, "two")


def on_branch(remote: Remote, path: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in git(remote.bare, "show", f"{REF}:{path}").splitlines()]


def listed(remote: Remote) -> list[str]:
    return git(remote.bare, "ls-tree", "-r", "--name-only", REF).splitlines()


def test_the_header_is_on_the_branch_before_the_first_write_and_the_whole_run_at_its_end(
    remote: Remote, one: Runner
) -> None:
    journal = one.journal("r1")
    assert journal.unended() == ()
    journal.start(actor="ada")
    assert listed(remote) == [MARKER, "acme/r1.jsonl"]
    assert [record["kind"] for record in on_branch(remote, "acme/r1.jsonl")] == ["run"]

    journal.record(Kind.INTENT, addresses=["acme/code/1"])
    assert len(on_branch(remote, "acme/r1.jsonl")) == 1
    journal.record(Kind.END, totals={})
    journal.close()

    assert [record["kind"] for record in on_branch(remote, "acme/r1.jsonl")] == ["run", "intent", "end"]
    assert git(remote.bare, "show", f"{REF}:acme/r1.jsonl") == journal.path.read_text().rstrip("\n")
    subjects = git(remote.bare, "log", "--format=%an: %s", REF).splitlines()
    assert subjects == ["wrapctl: Journal of acme, run r1: ends", "wrapctl: Journal of acme, run r1: begins"]
    assert one.found() == []
    assert (one.said, one.waits) == ([], [])


def test_the_chain_goes_on_from_the_runs_of_other_machines(remote: Remote, one: Runner, two: Runner) -> None:
    one.run("r1")
    two.run("r2")
    one.run("r3")

    first, second, third = (on_branch(remote, f"acme/r{n}.jsonl") for n in (1, 2, 3))
    assert (second[0]["previous"], second[0]["after"]) == (first[-1]["hash"], "r1")
    assert (third[0]["previous"], third[0]["after"]) == (second[-1]["hash"], "r2")
    assert two.found() == []


def test_each_org_has_a_chain_of_its_own(remote: Remote, one: Runner, two: Runner) -> None:
    one.run("r1", "acme")
    two.run("r2", "other")
    assert listed(remote) == [MARKER, "acme/r1.jsonl", "other/r2.jsonl"]
    assert on_branch(remote, "other/r2.jsonl")[0]["previous"] == "0" * 64
    assert one.branch.orgs() == ("acme", "other")
    assert one.found("other") == one.found("nobody") == []


def test_runs_of_other_orgs_that_push_in_between_are_kept(remote: Remote, one: Runner, two: Runner) -> None:
    journal = one.journal("r1")
    journal.unended()
    two.run("r2", "other")
    journal.start()
    two.run("r3", "other")
    journal.record(Kind.END)
    journal.close()

    assert listed(remote) == [MARKER, "acme/r1.jsonl", "other/r2.jsonl", "other/r3.jsonl"]
    assert [record["kind"] for record in on_branch(remote, "acme/r1.jsonl")] == ["run", "end"]
    assert one.waits == [0.25, 0.25]
    assert one.found() == one.found("other") == []


def test_a_run_of_the_same_org_that_was_faster_is_followed(remote: Remote, one: Runner, two: Runner) -> None:
    journal = one.journal("r1")
    journal.unended()
    two.run("r2")
    journal.start()
    journal.record(Kind.END)
    journal.close()

    assert on_branch(remote, "acme/r1.jsonl")[0]["after"] == "r2"
    assert one.found() == []
    assert len(journal.path.read_text().splitlines()) == 2


def test_a_runner_that_vanished_is_reported_by_the_next_wherever_that_runs(one: Runner, two: Runner) -> None:
    one.journal("gone").start()

    journal = two.journal("r2")
    assert journal.unended() == ("gone",)
    journal.start()
    journal.record(Kind.END)
    journal.close()

    assert two.journal("r3").unended() == ()
    assert two.found() == ["gone.jsonl:1: run without an end"]


def test_without_a_push_nothing_begins_and_nothing_is_left_behind(remote: Remote, one: Runner) -> None:
    hook = remote.hook("pre-receive", 'echo "this token may only read" >&2; exit 1')
    journal = one.journal("r1")
    with pytest.raises(JournalError, match="this token may only read") as caught:
        journal.start()
    assert "contents: write" in caught.value.hint
    assert not journal.started
    assert list(one.state.rglob("*.jsonl")) == []
    journal.close()

    hook.unlink()
    assert remote.refs() == {}
    one.run("r1")
    assert one.found() == []


def test_a_branch_that_cannot_be_read_lets_nothing_begin(remote: Remote, one: Runner) -> None:
    remote.bare.rename(remote.folder / "away.git")
    with pytest.raises(JournalError, match="cannot be read: git ls-remote failed"):
        one.journal("r1").unended()


def test_an_end_that_did_not_get_there_comes_with_the_next_run_of_the_same_machine(
    remote: Remote, one: Runner
) -> None:
    journal = one.journal("r1")
    journal.start()
    hook = remote.hook("pre-receive", "exit 1")
    with pytest.raises(JournalError, match=r"is journalled in .*r1\.jsonl alone"):
        journal.record(Kind.END)
    journal.close()
    assert one.said == []
    hook.unlink()

    one.run("r2")

    assert [record["kind"] for record in on_branch(remote, "acme/r1.jsonl")] == ["run", "end"]
    assert on_branch(remote, "acme/r2.jsonl")[0]["unended"] == []
    assert one.found() == []


def test_an_end_that_comes_when_others_have_followed_already_breaks_no_chain(
    remote: Remote, one: Runner, two: Runner
) -> None:
    for run in ("r1", "r3"):
        journal = one.journal(run)
        journal.start()
        hook = remote.hook("pre-receive", "exit 1")
        with pytest.raises(JournalError):
            journal.record(Kind.END)
        journal.close()
        hook.unlink()
        two.run(f"{run}-next")
        one.journal("late").start()
        git(remote.bare, "update-ref", REF, f"{REF}~1")  # the runner was cut off right behind that
        (one.state / "acme" / "late.jsonl").unlink()
    one.run("r5")

    assert [len(on_branch(remote, f"acme/{run}.jsonl")) for run in ("r1", "r3")] == [2, 2]
    assert on_branch(remote, "acme/r5.jsonl")[0]["after"] == "r3-next"
    assert one.found() == []
    two.run("r6")
    assert on_branch(remote, "acme/r6.jsonl")[0]["after"] == "r5"
    assert two.found() == []


def test_a_run_that_follows_the_middle_of_one_without_saying_so_shows(one: Runner, tmp_path: Path) -> None:
    first = Journal(tmp_path / "a", "r1", ticking())
    first.start()
    whole = first.path.read_bytes()
    first.record(Kind.END)
    first.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "r1.jsonl").write_bytes(whole)
    second = Journal(tmp_path / "b", "r2", ticking())
    second.start()
    second.record(Kind.END)
    second.close()
    files = {"r1.jsonl": first.path.read_bytes(), "r2.jsonl": second.path.read_bytes()}
    assert verify_files(files) == ()

    hidden = Journal(tmp_path / "c", "r1", ticking())
    hidden.start()
    hidden.record(Kind.INTENT)
    hidden.record(Kind.END)
    hidden.close()
    third = Journal(tmp_path / "c", "r3", ticking())
    third.start()
    third.close()
    lines = hidden.path.read_bytes().splitlines(keepends=True)
    assert [
        str(f) for f in verify_files({"r1.jsonl": b"".join(lines[:2]), "r3.jsonl": third.path.read_bytes()})
    ] == [
        "r1.jsonl:2: run without an end",
        "r3.jsonl:1: run without an end",
        "r3.jsonl:1: the record that it follows, the last of run r1, is not there any more",
    ]


def test_an_exception_in_the_middle_still_brings_what_there_is(remote: Remote, one: Runner) -> None:
    journal = one.journal("r1")
    journal.start()
    journal.record(Kind.INTENT)
    journal.close()
    assert [record["kind"] for record in on_branch(remote, "acme/r1.jsonl")] == ["run", "intent"]

    journal = one.journal("r2")
    journal.start()
    journal.record(Kind.INTENT)
    remote.hook("pre-receive", "exit 1")
    journal.close()
    assert "is journalled in" in one.said[0]


def test_a_branch_that_holds_somebodys_work_is_never_written(remote: Remote, one: Runner) -> None:
    before = git(remote.bare, "rev-parse", "main")
    with pytest.raises(JournalError, match="branch main of origin is not a journal"):
        one.journal("r1", branch=one.on("main")).start()
    assert git(remote.bare, "rev-parse", "main") == before


def test_a_branch_that_moves_each_time_is_given_up(
    remote: Remote, one: Runner, two: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.run("r0", "other")
    real = Git.push

    def push(self: Git, ref: str, new: str | None, *, expect: str | None) -> bool:
        tree = git(remote.bare, "rev-parse", f"{REF}^{{tree}}")
        git(remote.bare, "update-ref", REF, git(remote.bare, "commit-tree", tree, "-p", REF, "-m", "Busy"))
        return real(self, ref, new, expect=expect)

    monkeypatch.setattr(Git, "push", push)
    with pytest.raises(JournalError, match="other runs were faster 20 times"):
        one.journal("r1").start()
    assert list((one.state / "acme").glob("*")) == []
    assert one.waits[:6] == [0.25, 0.5, 1, 2, 4, 8]
    assert max(one.waits) == 8


def test_a_project_below_the_top_of_its_repository_has_folders_of_its_own(
    remote: Remote, one: Runner
) -> None:
    folder = one.clone / "ops" / "centre"
    folder.mkdir(parents=True)
    below = one.on(BRANCH, folder)
    one.run("r1")
    journal = one.journal("r2", branch=below)
    journal.start()
    journal.close()
    assert listed(remote) == [MARKER, "acme/r1.jsonl", "ops/centre/acme/r2.jsonl"]
    assert on_branch(remote, "ops/centre/acme/r2.jsonl")[0]["previous"] == "0" * 64
    assert below.orgs() == ("acme",)


def test_a_run_that_is_there_already_is_not_written_over(one: Runner, two: Runner) -> None:
    one.run("same")
    with pytest.raises(JournalError, match="has a run of this name already"):
        two.journal("same").start()


def test_a_shallow_clone_follows_the_chain_too(remote: Remote, one: Runner) -> None:
    one.run("r1")
    one.run("r2")
    runner = Runner(remote, "shallow", "--depth=1")
    runner.run("r3")
    assert on_branch(remote, "acme/r3.jsonl")[0]["after"] == "r2"
    assert git(runner.clone, "status", "--porcelain") == ""


# ── through apply ──────────────────────────────────────────────────────────────────────────────────────────


def applied(desk: Desk, journal: BranchJournal, run: str) -> Report:
    return apply(
        desk.plan(),
        desk.org,
        desired_policy=desk.want.policy,
        runtime=desk.world.runtime,
        clock=desk.clock,
        journal=journal,
        lock=FileLock(desk.folder / "locks"),
        options=ApplyOptions(run=run),
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(FakeOrg({}, {}), desired([code("SALE")]), tmp_path / "desk")


def test_a_journal_that_cannot_be_announced_lets_nothing_be_written(
    remote: Remote, one: Runner, desk: Desk
) -> None:
    remote.hook("pre-receive", "exit 1")
    with pytest.raises(JournalError):
        applied(desk, one.journal("run-1"), "run-1")
    assert writes(desk.org.calls) == []


def test_an_end_that_is_not_kept_is_told_by_the_report(remote: Remote, one: Runner, desk: Desk) -> None:
    remote.hook("pre-receive", "test ! -e begun || exit 1\ntouch begun")
    report = applied(desk, one.journal("run-1"), "run-1")
    assert "is journalled in" in report.fatal
    assert "keep that file" in report.hint
    assert report.exit_code is Exit.PARTIAL
    assert len(desk.org.state.codes) == 1


def test_an_apply_is_kept_on_the_branch_and_the_next_one_follows(
    remote: Remote, one: Runner, two: Runner, desk: Desk
) -> None:
    assert applied(desk, one.journal("run-1"), "run-1").exit_code is Exit.OK
    desk.want = desired([code("SALE", description="sold")])
    assert applied(desk, two.journal("run-2"), "run-2").exit_code is Exit.OK
    second = on_branch(remote, "acme/run-2.jsonl")
    assert [record["kind"] for record in second] == ["run", "intent", "outcome", "end"]
    assert second[0]["after"] == "run-1"
    assert one.found() == []
