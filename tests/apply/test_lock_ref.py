from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from git_remote import ENVIRON, Remote, git
from wrapctl.apply.lock import Holder
from wrapctl.apply.lock_ref import RefLock
from wrapctl.errors import Exit, Locked, UsageError
from wrapctl.git import Git, GitFailed

TEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
ADA = Holder("run-1", "ada", "runner-a", 4711, TEN.isoformat(), "acme", "abc123")
BOB = Holder("run-2", "bob", "runner-b", 12, TEN.isoformat(), "acme", "def456")
REF = "refs/wrapctl/locks/org-1"


class Runner:
    """One runner with a clone of its own."""

    def __init__(self, remote: Remote, name: str, *, after: timedelta = timedelta()) -> None:
        self.said: list[str] = []
        self.git = remote.open(name)
        self.lock = RefLock(self.git, lambda: TEN + after, self.said.append)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote.make(tmp_path)


@pytest.fixture
def here(remote: Remote) -> Runner:
    return Runner(remote, "here")


@pytest.fixture
def there(remote: Remote) -> Runner:
    return Runner(remote, "there", after=timedelta(hours=2, minutes=5, seconds=7))


def test_a_second_runner_is_refused_and_told_who_holds_it_and_for_how_long(
    here: Runner, there: Runner
) -> None:
    with here.lock.hold("org-1", ADA), pytest.raises(Locked) as caught, there.lock.hold("org-1", BOB):
        pytest.fail("never reached")

    assert caught.value.message == (
        "another apply holds the lock of organization org-1: "
        "ada on runner-a (process 4711), run run-1 since 2026-03-01T10:00:00+00:00 (2 h 5 min)"
    )
    assert "wrapctl unlock acme --run run-1" in caught.value.hint
    assert caught.value.exit_code is Exit.REFUSED


def test_the_same_run_does_not_take_its_lock_twice(here: Runner) -> None:
    with here.lock.hold("org-1", ADA), pytest.raises(Locked), here.lock.hold("org-1", ADA):
        pytest.fail("never reached")


def test_the_lock_is_one_ref_that_holds_the_record_and_goes_with_the_run(
    remote: Remote, here: Runner
) -> None:
    with here.lock.hold("org-1", ADA) as held:
        held.check()
        assert list(remote.refs()) == [REF]
        title, _, record, *_ = git(remote.bare, "log", "-1", "--format=%B", REF).splitlines()
        assert title == "wrapctl lock of acme"
        assert json.loads(record)["run"] == "run-1"
        assert git(remote.bare, "log", "-1", "--format=%an %ae %aI", REF) == (
            "wrapctl wrapctl@localhost 2026-03-01T10:00:00+00:00"
        )
    assert remote.refs() == {}
    assert here.said == []


def test_other_organizations_are_not_kept_waiting(here: Runner, there: Runner) -> None:
    with here.lock.hold("org-1", ADA), there.lock.hold("org-2", BOB) as held:
        held.check()


def test_the_lock_is_free_again_after_an_error(here: Runner, there: Runner) -> None:
    with pytest.raises(RuntimeError), here.lock.hold("org-1", ADA):
        raise RuntimeError
    with there.lock.hold("org-1", BOB) as held:
        held.check()


def test_a_killed_runner_leaves_its_lock_until_somebody_unlocks_that_run(
    remote: Remote, here: Runner, there: Runner
) -> None:
    killed = contextlib.ExitStack()
    killed.enter_context(here.lock.hold("org-1", ADA))

    with pytest.raises(Locked, match="not by run run-2") as caught:
        there.lock.unlock("org-1", "run-2")
    assert "(2 h 5 min)" in caught.value.message
    assert there.lock.unlock("org-1", "run-1") == ADA
    assert remote.refs() == {}

    with there.lock.hold("org-1", BOB):
        killed.close()  # it was not dead after all: its end leaves the other's lock alone
        assert list(remote.refs()) == [REF]
    assert "was taken away" in here.said[0]


def test_a_stolen_lock_is_noticed_before_the_next_batch(here: Runner, there: Runner) -> None:
    with here.lock.hold("org-1", ADA) as hung:
        hung.check()
        there.lock.unlock("org-1", "run-1")
        with pytest.raises(Locked, match="was taken away from this run"):
            hung.check()
        with there.lock.hold("org-1", BOB) as held:
            held.check()
            with pytest.raises(Locked, match="was taken away from this run"):
                hung.check()


def test_not_to_know_whether_it_is_held_is_not_to_hold_it(remote: Remote, here: Runner) -> None:
    with here.lock.hold("org-1", ADA) as held:
        away = remote.bare.rename(remote.folder / "away.git")
        with pytest.raises(Locked, match=r"is not known: git ls-remote failed"):
            held.check()
    assert "is still there" in here.said[0]
    assert "wrapctl unlock acme --run run-1" in here.said[0]
    away.rename(remote.bare)
    assert list(remote.refs()) == [REF]


def test_unlocking_what_nobody_holds_is_a_usage_error(here: Runner) -> None:
    with pytest.raises(UsageError, match="nobody holds"):
        here.lock.unlock("org-1", "run-1")
    with here.lock.hold("org-1", ADA):
        pass
    with pytest.raises(UsageError, match="nobody holds"):
        here.lock.unlock("org-1", "run-1")


def test_a_lock_that_became_free_in_the_same_moment_is_taken(
    remote: Remote, here: Runner, there: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = contextlib.ExitStack()
    other.enter_context(there.lock.hold("org-1", BOB))
    real = Git.push

    def push(self: Git, ref: str, new: str | None, *, expect: str | None) -> bool:
        done = real(self, ref, new, expect=expect)
        if self is here.git and not done:
            other.close()
        return done

    monkeypatch.setattr(Git, "push", push)
    with here.lock.hold("org-1", ADA) as held:
        held.check()


def test_a_remote_that_lets_nobody_write_is_an_error_and_no_lock(remote: Remote, here: Runner) -> None:
    remote.hook("pre-receive", 'echo "this token may only read" >&2; exit 1')
    with pytest.raises(GitFailed, match="this token may only read") as caught, here.lock.hold("org-1", ADA):
        pytest.fail("never reached")
    assert caught.value.exit_code is Exit.ERROR


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no record",
        "{}",
        '{"run": 1}',
        '{"run": "x", "pid": 1e999}',
        "[" * 5000,
        "\x1b[2J{",
        "x" * 200_000,
    ],
)
def test_a_ref_that_holds_no_record_still_locks_and_can_be_unlocked(
    message: str, remote: Remote, here: Runner
) -> None:
    commit = git(remote.bare, "commit-tree", git(remote.bare, "mktree"), stdin=message)
    git(remote.bare, "update-ref", REF, commit)
    with pytest.raises(Locked, match=f"somebody, run {commit[:12]}"), here.lock.hold("org-1", ADA):
        pytest.fail("never reached")
    assert here.lock.unlock("org-1", commit[:12]).actor == ""


def test_a_ref_that_points_to_a_file_still_locks(remote: Remote, here: Runner) -> None:
    blob = git(remote.bare, "hash-object", "-w", "--stdin", stdin="hello")
    git(remote.bare, "update-ref", REF, blob)
    with pytest.raises(Locked, match="somebody, run"), here.lock.hold("org-1", ADA):
        pytest.fail("never reached")


@pytest.mark.parametrize(
    "hostile",
    [
        "../../heads/main",
        "a/b",
        "..",
        "x" * 5000,
        "ü\n\x00",
        "",
        "a.lock",
        "@{u}",
        ".hidden",
        "refs:*",
        "-x",
        "a..b",
    ],
)
def test_an_organization_id_is_always_one_ref_below_the_locks(
    hostile: str, remote: Remote, here: Runner
) -> None:
    with here.lock.hold(hostile, ADA):
        (ref,) = remote.refs()
        assert ref.startswith("refs/wrapctl/locks/")
        assert ref.count("/") == 3
    assert len({RefLock.ref(one) for one in (hostile, f"{hostile}x", "org-1")}) == 3


def test_the_lock_works_from_a_shallow_clone_with_a_dirty_work_tree(remote: Remote, here: Runner) -> None:
    clone = remote.clone("shallow", "--depth=1")
    (clone / "half.txt").write_text("unfinished", encoding="utf-8")
    said: list[str] = []
    lock = RefLock(Git(clone, ENVIRON), lambda: TEN, said.append)
    with lock.hold("org-1", ADA), pytest.raises(Locked), here.lock.hold("org-1", BOB):
        pytest.fail("never reached")
    assert git(clone, "status", "--porcelain") == "?? half.txt"
    assert said == []


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (TEN, "less than a minute"),
        (TEN - timedelta(minutes=1), "1 min"),
        (TEN - timedelta(hours=3, minutes=59), "3 h 59 min"),
        (TEN - timedelta(days=2, hours=1), "2 d 1 h"),
        (TEN + timedelta(days=9), "less than a minute"),
    ],
)
def test_the_age_of_a_lock_is_told_in_words(since: datetime, words: str) -> None:
    assert replace(ADA, since=since.isoformat()).age(TEN) == words


@pytest.mark.parametrize("since", ["", "yesterday", "2026-03-01T10:00:00"])
def test_an_age_that_nobody_can_tell_is_left_out(since: str) -> None:
    assert not replace(ADA, since=since).age(TEN)
