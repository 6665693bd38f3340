"""Zips that somebody else made: only what was asked for comes out, and never more than was allowed."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.ci.archive import MOST_MEMBERS, members
from wrapctl.errors import TargetError


def packed(files: list[tuple[str, bytes]], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def read(content: bytes, *names: str, most: int = 1000) -> dict[str, bytes]:
    return members(content, names, most=most, what="artefact p")


def test_named_members_come_out_and_nothing_else() -> None:
    content = packed([("a.json", b"1"), ("../../etc/passwd", b"x"), ("/abs", b"y"), ("ü/ñ", b"2")])
    assert read(content, "a.json", "ü/ñ", "missing") == {"a.json": b"1", "ü/ñ": b"2"}


def test_members_together_stay_within_the_bound() -> None:
    content = packed([("a", b"1" * 600), ("b", b"2" * 400)])
    assert len(read(content, "a", "b")) == 2
    with pytest.raises(TargetError, match="unpacks to more than 999 bytes"):
        read(content, "a", "b", most=999)
    assert read(content, "b", most=999) == {"b": b"2" * 400}


def test_a_member_that_lies_about_its_size_stops_at_the_bound() -> None:
    content = bytearray(packed([("a", b"0" * 1_000_000)]))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(mark) + offset
        content[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(TargetError):
        read(bytes(content), "a")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(TargetError, match="holds a twice"):
        read(packed([("a", b"1"), ("b", b""), ("a", b"2")]), "a")


def test_too_many_files_are_refused_before_they_are_listed() -> None:
    with pytest.raises(TargetError, match="more than 5,000 files"):
        read(packed([(str(n), b"") for n in range(MOST_MEMBERS + 1)], zipfile.ZIP_STORED), "1")


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(how: int) -> None:
    with pytest.raises(TargetError, match="packed in a way that is not read here"):
        read(packed([("a", b"1")], how), "a")


def test_an_encrypted_member_is_refused() -> None:
    content = bytearray(packed([("a", b"1")]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(TargetError, match="packed in a way"):
        read(bytes(content), "a")


@given(st.binary(max_size=300))
def test_what_is_no_zip_is_an_error_in_words(junk: bytes) -> None:
    with pytest.raises(TargetError, match="no whole zip"):
        read(junk, "a")


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_damaged_zip_gives_the_member_whole_or_an_error(at: int, bit: int) -> None:
    content = bytearray(packed([("a", b"hello " * 50)]))
    content[at % len(content)] ^= 1 << bit
    with contextlib.suppress(TargetError):
        assert read(bytes(content), "a") in ({}, {"a": b"hello " * 50})
