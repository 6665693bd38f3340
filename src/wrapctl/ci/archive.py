"""Reads files out of a zip that somebody else made, and nothing that was not asked for. Pure."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Collection
from typing import Final

from wrapctl.errors import TargetError

MOST_MEMBERS: Final = 5_000
_ENTRY: Final = b"PK\x01\x02"
_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1


def members(content: bytes, names: Collection[str], *, most: int, what: str) -> dict[str, bytes]:
    """Return the members ``names`` of a zip that are there, at most ``most`` bytes of them together.

    Nothing is written anywhere, so a member's name is a word and never a path. ``what`` names the zip in messages.

    Raises:
        TargetError: it is no zip, is damaged, holds a name twice, or unpacks to more than ``most``.
    """
    # The directory is read whole by zipfile: bound it before, where it is still bytes.
    if content.count(_ENTRY) > MOST_MEMBERS:
        raise TargetError(f"{what} holds more than {MOST_MEMBERS:,} files")
    found: dict[str, bytes] = {}
    left = most
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                name = info.orig_filename
                if name not in names:
                    continue
                if name in found:
                    raise TargetError(
                        f"{what} holds {name} twice", hint="which of the two is meant cannot be known"
                    )
                if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKED:
                    raise TargetError(f"{what}: {name} is packed in a way that is not read here")
                with archive.open(info) as stream:
                    # What the directory says of its size is a claim; one byte more than allowed tells.
                    data = stream.read(left + 1)
                if len(data) > left:
                    raise TargetError(f"{what} unpacks to more than {most:,} bytes")
                left -= len(data)
                found[name] = data
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise TargetError(
            f"{what} is no whole zip: {error}", hint="run the workflow that made it again"
        ) from None
    return found
