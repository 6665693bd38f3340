from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wrapctl.apply.lock import FileLock, Holder
from wrapctl.errors import Exit, Locked, UsageError

ADA = Holder("run-1", "ada", "host-a", 4711, "2026-03-01T10:00:00+00:00", "acme", "abc123")
BOB = Holder("run-2", "bob", "host-b", 12, "2026-03-01T10:01:00+00:00", "acme", "def456")

HOLD = """
import sys, time
from pathlib import Path
from wrapctl.apply.lock import FileLock, Holder
with FileLock(Path(sys.argv[1])).hold("org-1", Holder("run-9", "carol", "far", 99, "yesterday")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_apply_of_the_same_organization_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "locks")

    with lock.hold("org-1", ADA), pytest.raises(Locked) as caught, lock.hold("org-1", BOB):
        pytest.fail("never reached")

    assert caught.value.message == (
        "another apply holds the lock of organization org-1: "
        "ada on host-a (process 4711), run run-1 since 2026-03-01T10:00:00+00:00"
    )
    assert "wrapctl unlock acme --run run-1" in caught.value.hint
    assert caught.value.exit_code is Exit.REFUSED


def test_other_organizations_are_not_kept_waiting(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)

    with lock.hold("org-1", ADA), lock.hold("org-2", BOB) as held:
        held.check()


def test_the_lock_is_free_again_after_the_run_and_after_an_error(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    with pytest.raises(RuntimeError), lock.hold("org-1", ADA):
        raise RuntimeError

    with lock.hold("org-1", BOB) as held:
        held.check()


def test_the_file_holds_the_record_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / ".wrapctl" / "locks")

    with lock.hold("org-1", ADA):
        path = lock.path("org-1")
        assert json.loads(path.read_text()) == {
            "run": "run-1",
            "actor": "ada",
            "host": "host-a",
            "pid": 4711,
            "since": "2026-03-01T10:00:00+00:00",
            "org": "acme",
            "plan": "abc123",
        }
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "..", "x" * 5000, "ü\n\x00", ""])
def test_an_organization_id_never_leaves_the_folder(hostile: str, tmp_path: Path) -> None:
    lock = FileLock(tmp_path)

    with lock.hold(hostile, ADA):
        assert [file.parent for file in tmp_path.rglob("*")] == [tmp_path]


def test_a_link_put_in_the_locks_place_is_not_followed(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    lock.path("org-1").symlink_to(precious)

    with pytest.raises(Exception, match="cannot be opened"), lock.hold("org-1", ADA):
        pytest.fail("never reached")
    assert precious.read_text() == "keep me"


def test_a_killed_process_frees_the_lock_by_itself(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with (
            pytest.raises(Locked, match=r"carol on far \(process 99\), run run-9"),
            lock.hold("org-1", ADA),
        ):
            pytest.fail("never reached")
        other.kill()
        other.wait()

        with lock.hold("org-1", ADA) as held:
            held.check()


def test_unlock_takes_the_lock_from_the_named_run_which_then_stops(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    with lock.hold("org-1", ADA) as hung:
        with pytest.raises(Locked, match="not by run run-2"):
            lock.unlock("org-1", "run-2")
        hung.check()

        assert lock.unlock("org-1", "run-1") == ADA

        with pytest.raises(Locked, match="was taken away from this run"):
            hung.check()
        with lock.hold("org-1", BOB) as held:
            held.check()
            with pytest.raises(Locked):
                hung.check()


def test_unlocking_what_nobody_holds_is_a_usage_error(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    with pytest.raises(UsageError, match="nobody holds"):
        lock.unlock("org-1", "run-1")
    with lock.hold("org-1", ADA):
        pass
    with pytest.raises(UsageError, match="nobody holds"):
        lock.unlock("org-1", "run-1")


def test_a_record_that_makes_no_sense_still_locks(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    with lock.hold("org-1", ADA):
        lock.path("org-1").write_bytes(os.urandom(64))
        with pytest.raises(Locked, match="just starting"), lock.hold("org-1", BOB):
            pytest.fail("never reached")


def test_a_lock_file_that_vanishes_between_open_and_lock_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody unlocked in that moment: a lock on a file that nobody else can open would lock nobody out."""
    lock = FileLock(tmp_path)
    real = fcntl.flock
    calls: list[int] = []

    def flock(descriptor: int, how: int) -> None:
        if not calls:
            lock.path("org-1").unlink()
        calls.append(descriptor)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)

    with lock.hold("org-1", ADA) as held:
        held.check()
        assert len(calls) == 2
        with pytest.raises(Locked, match="ada on host-a"), lock.hold("org-1", BOB):
            pytest.fail("never reached")
