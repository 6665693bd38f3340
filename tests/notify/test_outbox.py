"""The outbox: nothing is sent that is not kept, nothing kept is lost, nothing is sent twice at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from notify.sinks_of import event
from wrapctl.errors import WrapctlError
from wrapctl.notify.outbox import Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


def test_what_is_kept_is_listed_in_the_order_in_which_it_happened(outbox: Outbox) -> None:
    outbox.put("wfm", [event(2).as_json(), event(1).as_json()])
    outbox.put("bi", [event(3).as_json()])
    kept, damaged = outbox.list("wfm")
    assert ([one.key for one in kept], damaged) == ([event(2).id, event(1).id], ())
    assert kept[0].event == event(2).as_json()
    assert outbox.sinks() == ("bi", "wfm")
    assert Outbox(outbox.folder / "elsewhere").sinks() == ()


def test_the_same_event_is_kept_once(outbox: Outbox) -> None:
    assert outbox.put("wfm", [event().as_json()]) == outbox.put("wfm", [event().as_json()])
    assert len(outbox.list("wfm")[0]) == 1


def test_only_the_owner_can_read_it(outbox: Outbox) -> None:
    (path,) = outbox.put("wfm", [event().as_json()])
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_every_file_is_on_disk_before_it_has_its_name(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, rename = os.fsync, Path.rename

    def synced(number: int) -> None:
        order.append("sync")
        sync(number)

    def renamed(self: Path, to: Path) -> Path:
        order.append("rename")
        return rename(self, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    outbox.put("wfm", [event().as_json()])
    assert order == ["sync", "rename", "sync"]  # the file, its name, the folder that holds the name


def test_a_claimed_event_is_claimed_by_nobody_else(outbox: Outbox) -> None:
    (path,) = outbox.put("wfm", [event().as_json()])
    with outbox.claim(path) as mine:
        assert mine is not None
        with outbox.claim(path) as theirs:
            assert theirs is None
        mine.failed("it was busy", "2026-03-01T12:00:01Z")
        with outbox.claim(path) as theirs:  # not after it was written anew either
            assert theirs is None
    with outbox.claim(path) as again:
        assert again is not None
        assert (again.kept.attempts, again.kept.why) == (1, "it was busy")
        again.delivered()
        with outbox.claim(path) as theirs:
            assert theirs is None
    assert outbox.sinks() == ()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda text: text[: len(text) // 2], "cut"),
        (lambda _: "", "cut"),
        (lambda _: "[]", "cut"),
        (lambda _: "[" * 100_000, "cut"),
        (lambda text: text.replace("acme/code/C1", "acme/code/C2"), "changed after"),
        (lambda text: text.replace('"attempts": 0', '"attempts": 7'), "changed after"),
        (lambda text: text.replace('"format": 1', '"format": 99'), "another version"),
        (lambda _: "x" * 2_000_000, "larger"),
    ],
)
def test_a_damaged_file_is_reported_never_sent_and_never_lost(
    outbox: Outbox, spoil: Callable[[str], str], why: str
) -> None:
    bad, good = outbox.put("wfm", [event(1).as_json(), event(2).as_json()])
    bad.write_text(spoil(bad.read_text("utf-8")), "utf-8")
    before = bad.read_bytes()
    kept, damaged = outbox.list("wfm")
    assert [one.path for one in kept] == [good]
    assert [one.path for one in damaged] == [bad]
    assert why in damaged[0].why
    with outbox.claim(bad) as claim:
        assert claim is None
    assert bad.read_bytes() == before


def test_a_file_that_was_moved_to_another_sink_is_not_sent_there(outbox: Outbox) -> None:
    (path,) = outbox.put("wfm", [event().as_json()])
    outbox.put("bi", [event(2).as_json()])
    moved = path.rename(outbox.folder / "bi" / path.name)
    _, damaged = outbox.list("bi")
    assert [one.path for one in damaged] == [moved]


def test_a_link_is_not_followed(outbox: Outbox, tmp_path: Path) -> None:
    (path,) = outbox.put("wfm", [event().as_json()])
    elsewhere = path.rename(tmp_path / path.name)
    path.symlink_to(elsewhere)
    with outbox.claim(path) as claim:
        assert claim is None


def test_an_outbox_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(WrapctlError, match=r"the outbox .* cannot be written"):
        Outbox(tmp_path / "outbox").put("wfm", [event().as_json()])


def test_names_of_every_kind_survive_the_disk(outbox: Outbox) -> None:
    odd = event(1, code={"name": "Ré\u202epondeur\ud800 \U0001f600"}).as_json()
    (path,) = outbox.put("wfm", [odd])
    assert outbox.list("wfm")[0][0].event == odd
    assert json.loads(path.read_text("ascii"))["sink"] == "wfm"
