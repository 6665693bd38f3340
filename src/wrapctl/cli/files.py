"""Files that commands write: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from wrapctl.errors import WrapctlError


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` by way of a file beside it, so that nobody ever reads half of it.

    An existing file keeps its mode.

    Raises:
        WrapctlError: it cannot be written; what was there is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        # Through a link: the file that it points to is replaced, not the link.
        Path(temporary).replace(path.resolve())
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise _unwritable(path, error) from None


def write_all(texts: Mapping[Path, str]) -> None:
    """Write several files: all of them, or none where one cannot be written.

    Raises:
        WrapctlError: one cannot be written; what was there is there again.
    """
    before: dict[Path, str | None] = {}
    try:
        for path, text in texts.items():
            before[path] = read_text(path) if path.exists() else None
            write_text(path, text)
    except WrapctlError:
        for path, old in before.items():
            with contextlib.suppress(WrapctlError, OSError):
                if old is not None:
                    write_text(path, old)
                else:
                    path.unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """Return a file that the command line names.

    Raises:
        WrapctlError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise WrapctlError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrapctlError(f"{path} is not UTF-8 text") from None


def _unwritable(path: Path, error: OSError) -> WrapctlError:
    return WrapctlError(f"{path} cannot be written: {error.strerror}", hint="check the folder and its rights")
