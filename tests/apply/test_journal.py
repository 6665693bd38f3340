from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.apply.journal import Journal, Kind, verify, verify_files
from wrapctl.errors import JournalError
from wrapctl.model import Address, Ref


def ticking() -> Callable[[], datetime]:
    times = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(10_000))
    return lambda: next(times)


def write(folder: Path, run: str, records: int = 2, *, end: bool = True) -> Journal:
    journal = Journal(folder, run, ticking())
    journal.start(actor="ada")
    for number in range(records):
        journal.record(Kind.INTENT, addresses=[f"acme/code/{number}"])
    if end:
        journal.record(Kind.END, totals={"done": records})
    journal.close()
    return journal


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_record_is_chained_to_the_one_before_and_each_run_to_the_run_before(tmp_path: Path) -> None:
    first = write(tmp_path, "z-first")
    second = write(tmp_path, "a-second")

    one, two = records(first.path), records(second.path)
    assert [record["kind"] for record in one] == ["run", "intent", "intent", "end"]
    assert [record["n"] for record in one] == [1, 2, 3, 4]
    assert [record["previous"] for record in one] == ["0" * 64, *(record["hash"] for record in one[:-1])]
    assert (two[0]["previous"], two[0]["after"], two[0]["unended"]) == (one[-1]["hash"], "z-first", [])
    assert verify(tmp_path) == ()


def test_a_journal_nobody_has_written_verifies(tmp_path: Path) -> None:
    assert verify(tmp_path / "nothing") == ()
    assert Journal(tmp_path / "nothing", "r", ticking()).unended() == ()


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal" / "acme", "r1")

    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_values_are_written_as_json_references_by_address_and_secrets_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "r1", ticking())
    journal.start()
    journal.record(
        Kind.OUTCOME,
        after={"code": Ref(Address("acme/code/A")), "order": ("a", "b")},
        body={"client_secret": "hunter2", "nested": [{"Authorization": "Bearer x"}], "name": "Zoë\x1b[2J"},
    )

    text = journal.path.read_text()
    assert json.loads(text.splitlines()[1])["after"] == {"code": {"ref": "acme/code/A"}, "order": ["a", "b"]}
    assert "hunter2" not in text
    assert "Bearer" not in text
    assert text.isascii()
    assert "\x1b" not in text


def test_a_run_without_an_end_is_reported_by_the_next_and_only_by_the_next(tmp_path: Path) -> None:
    killed = write(tmp_path, "killed", end=False)
    assert [(f.file, f.message, f.broken) for f in verify(tmp_path)] == [
        ("killed.jsonl", "run without an end", False)
    ]
    assert Journal(tmp_path, "next", ticking()).unended() == ("killed",)

    after = write(tmp_path, "next")

    assert records(after.path)[0]["unended"] == ["killed"]
    assert records(after.path)[0]["previous"] == records(killed.path)[-1]["hash"]
    assert Journal(tmp_path, "third", ticking()).unended() == ()


@given(cut=st.integers(min_value=0))
def test_a_file_cut_anywhere_by_a_killed_process_is_unended_and_never_broken(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    write(folder, "before")
    torn = write(folder, "torn", end=False).path
    whole = torn.read_bytes()
    torn.write_bytes(whole[: cut % len(whole)])

    assert [f.broken for f in verify(folder)] == [False]
    write(folder, "after")

    assert [(f.file, f.message, f.broken) for f in verify(folder)] == [
        ("torn.jsonl", "run without an end", False)
    ]
    assert Journal(folder, "later", ticking()).unended() == ()


@given(data=st.data())
def test_one_flipped_bit_anywhere_names_the_record(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    files = [write(folder, run).path for run in ("one", "two", "three")]
    victim = data.draw(st.sampled_from(files))
    content = bytearray(victim.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    victim.write_bytes(bytes(content))

    line = victim.read_bytes()[:position].count(b"\n") + 1
    broken = [finding for finding in verify(folder) if finding.broken]
    assert [(finding.file, finding.line) for finding in broken] == [(victim.name, line)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A run of four records."""
    return write(tmp_path_factory.mktemp("journal"), "alone").path.read_bytes()


@pytest.mark.parametrize("record", [1, 2, 3, 4])
@given(data=st.data())
def test_one_byte_changed_in_any_record_names_that_record(
    record: int, data: st.DataObject, written: bytes
) -> None:
    lines = [bytearray(line) for line in written.splitlines(keepends=True)]
    victim = lines[record - 1]
    place = data.draw(st.integers(0, len(victim) - 1))
    victim[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != victim[place]))

    (finding,) = (one for one in verify_files({"alone.jsonl": b"".join(lines)}) if one.broken)
    assert (finding.file, finding.line) == ("alone.jsonl", record)


def test_a_run_that_was_taken_out_of_the_middle_leaves_a_gap_that_shows(tmp_path: Path) -> None:
    write(tmp_path, "one")
    write(tmp_path, "two").path.unlink()
    (tmp_path / "one.jsonl").touch()
    write(tmp_path, "three")
    four = write(tmp_path, "four")
    write(tmp_path, "five")
    four.path.unlink()

    assert [str(finding) for finding in verify(tmp_path)] == [
        "five.jsonl:1: the record that it follows, the last of run four, is not there any more"
    ]


def test_records_cut_off_the_end_of_an_earlier_run_show(tmp_path: Path) -> None:
    one = write(tmp_path, "one")
    write(tmp_path, "two")
    one.path.write_bytes(b"".join(one.path.read_bytes().splitlines(keepends=True)[:-1]))

    assert [str(finding) for finding in verify(tmp_path)] == [
        "one.jsonl:3: run without an end",
        "two.jsonl:1: the record that it follows, the last of run one, is not there any more",
    ]


def test_two_runs_behind_the_same_record_show(tmp_path: Path) -> None:
    one = write(tmp_path, "one")
    write(tmp_path / "elsewhere", "one")
    copy = write(tmp_path / "elsewhere", "two")
    write(tmp_path, "three")
    assert one.path.read_bytes() == (tmp_path / "elsewhere" / "one.jsonl").read_bytes()
    (tmp_path / "two.jsonl").write_bytes(copy.path.read_bytes())

    assert [str(finding) for finding in verify(tmp_path)] == [
        "two.jsonl:1: starts behind the same record as three.jsonl"
    ]


def test_a_record_swapped_in_from_another_run_does_not_follow(tmp_path: Path) -> None:
    one, two = write(tmp_path, "one"), write(tmp_path, "two")
    mine = one.path.read_bytes().splitlines(keepends=True)
    mine[1] = two.path.read_bytes().splitlines(keepends=True)[1]
    one.path.write_bytes(b"".join(mine))

    assert [str(finding) for finding in verify(tmp_path)] == [
        "one.jsonl:2: the record does not follow the one before it"
    ]


def test_the_tail_is_found_behind_records_of_any_length(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "long", ticking())
    journal.start()
    journal.record(Kind.OUTCOME, body="x" * 100_000)
    journal.record(Kind.END, body="y" * 50_000)

    after = write(tmp_path, "next")

    assert records(after.path)[0]["previous"] == records(journal.path)[-1]["hash"]
    assert verify(tmp_path) == ()


def test_a_run_id_cannot_be_journalled_twice(tmp_path: Path) -> None:
    write(tmp_path, "same")

    with pytest.raises(JournalError, match="cannot be written: File exists"):
        Journal(tmp_path, "same", ticking()).start()


def test_a_run_id_that_climbs_stays_in_its_folder(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "acme", "../../etc/passwd", ticking())

    assert journal.path.parent == tmp_path / "acme"


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where a folder should be")

    with pytest.raises(JournalError, match=r"cannot be (written|read)") as caught:
        Journal(tmp_path / "journal" / "acme", "r1", ticking()).start()
    assert "nothing is" in caught.value.hint
