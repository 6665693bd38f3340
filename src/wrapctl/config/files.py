"""Where files come from: the disk, or a git revision of it, behind one small interface.

Both refuse what is not a regular file inside the project. Messages never quote what lies outside.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from wrapctl.config.tree import MAX_BYTES
from wrapctl.errors import UsageError, WrapctlError

HOME: Final = "wrapups"
_SUFFIXES: Final = (".yaml", ".yml")
_REVISION: Final = re.compile(r"[A-Za-z0-9_.^~@/{}+-]{1,200}")
_LEAVES: Final = "leaves the project"


class Unreadable(Exception):
    """A file cannot be used; the text says why and quotes nothing from outside the project."""


class Files(Protocol):
    """Read access to the YAML files of a project. Paths are posix and relative to the project."""

    def listing(self) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        """All YAML files below ``wrapups/``, sorted; and what cannot be used: (path, reason)."""
        ...

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            Unreadable: it is missing, no regular file, too large, or outside the project.
        """
        ...


def join(file: str, reference: str) -> str:
    """Return the path that ``reference``, written in ``file``, points to.

    Raises:
        Unreadable: it is absolute or leaves the project.
    """
    if reference.startswith(("/", "\\", "~")) or "\0" in reference or re.match(r"[A-Za-z]:", reference):
        raise Unreadable("is not a path relative to this file")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), reference))
    if path == ".." or path.startswith("../"):
        raise Unreadable(_LEAVES)
    return path


class Disk:
    """The project's files as they lie on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = os.path.realpath(root)

    def listing(self) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        """All YAML files below ``wrapups/``, sorted, without following links to folders."""
        found: list[str] = []
        refused: list[tuple[str, str]] = []
        home = self._root / HOME
        if home.is_symlink():
            return found, [(HOME, "is a symbolic link to a folder: wrapctl reads regular folders only")]

        def unreadable(error: OSError) -> None:
            refused.append((os.path.relpath(error.filename or home, self._root), "cannot be listed"))

        for folder, names, files in os.walk(home, onerror=unreadable):
            here = Path(folder).relative_to(self._root).as_posix()
            # A link to a folder would make an org vanish silently if it were just not followed.
            refused += [
                (f"{here}/{name}", "is a symbolic link to a folder: wrapctl reads regular folders only")
                for name in names
                if (Path(folder) / name).is_symlink()
            ]
            names[:] = [name for name in names if not name.startswith(".")]
            found += [
                f"{here}/{name}" for name in files if name.endswith(_SUFFIXES) and not name.startswith(".")
            ]
        return sorted(found), sorted(refused)

    def read(self, path: str) -> bytes:
        """The content of one regular file inside the project; see ``Files``."""
        real = os.path.realpath(self._root / path)
        if os.path.commonpath([real, self._real]) != self._real:
            raise Unreadable(_LEAVES)
        try:
            # O_NONBLOCK: opening a pipe that nobody writes to must not hang before fstat can refuse it.
            handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Unreadable("does not exist") from None
        except OSError:
            raise Unreadable("cannot be read") from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("is not a regular file")
            if status.st_size > MAX_BYTES:
                raise Unreadable(f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
            return file.read(MAX_BYTES + 1)


class Revision:
    """The project's files as a git revision has them."""

    def __init__(self, root: Path, revision: str) -> None:
        if not _REVISION.fullmatch(revision) or revision.startswith("-"):
            raise UsageError(
                f"{revision!r} is not a git revision",
                hint="give a branch, a tag or a commit, such as origin/main",
            )
        self._root = root
        self._prefix = _git(root, "rev-parse", "--show-prefix").decode().rstrip("\n")
        commit = f"{revision}^{{commit}}"
        try:
            found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", commit)
        except WrapctlError:
            raise UsageError(
                f"git does not know the revision {revision}",
                hint="in CI, fetch it first (actions/checkout with `fetch-depth: 0`)",
            ) from None
        self.commit = found.decode().strip()
        self._tree = self._list()
        self._blobs: dict[str, bytes] = {}

    def _list(self) -> dict[str, tuple[str, str, int]]:
        """Return path → (mode, object, size) of every file of the project."""
        out = _git(
            self._root, "ls-tree", "-r", "-z", "-l", "--full-tree", self.commit, "--", self._prefix or "."
        )
        tree: dict[str, tuple[str, str, int]] = {}
        for entry in out.split(b"\0"):
            if not entry:
                continue
            head, _, name = entry.partition(b"\t")
            mode, _, oid, size = head.decode().split()
            path = name.decode(errors="surrogateescape").removeprefix(self._prefix)
            tree[path] = (mode, oid, int(size) if size.isdigit() else 0)
        return tree

    def listing(self) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        """All YAML files below ``wrapups/`` in the revision, sorted."""
        found = [
            path
            for path in self._tree
            if path.startswith(f"{HOME}/")
            and path.endswith(_SUFFIXES)
            and not any(part.startswith(".") for part in path.split("/"))
        ]
        self._fetch(found)
        return sorted(found), []

    def read(self, path: str) -> bytes:
        """The content of one file in the revision; see ``Files``."""
        for _ in range(8):  # a link may point to a link, not to itself for ever
            if path not in self._tree:
                raise Unreadable("does not exist")
            mode, oid, size = self._tree[path]
            if size > MAX_BYTES:
                raise Unreadable(f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
            if mode not in {"100644", "100755", "120000"}:
                raise Unreadable("is not a regular file")
            if oid not in self._blobs:
                self._fetch([path])
            if mode != "120000":
                return self._blobs[oid]
            path = join(path, self._blobs[oid].decode(errors="replace"))
        raise Unreadable("is a symbolic link that never ends")

    def _fetch(self, paths: Sequence[str]) -> None:
        """Read many objects through one process."""
        oids = [self._tree[path][1] for path in paths if self._tree[path][2] <= MAX_BYTES]
        if not oids:
            return
        out = _git(self._root, "cat-file", "--batch", stdin="\n".join(oids).encode() + b"\n")
        start = 0
        for oid in oids:
            end = out.index(b"\n", start)
            header = out[start:end].split()
            if len(header) != 3 or header[1] != b"blob":
                raise WrapctlError(f"git has no content for object {oid}", hint="is the clone complete?")
            size = int(header[2])
            self._blobs[oid] = out[end + 1 : end + 1 + size]
            start = end + size + 2


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git without a shell and return what it printed.

    Raises:
        WrapctlError: git is missing, or refused; with git's own last line.
    """
    command = ["git", "--no-replace-objects", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)  # noqa: S603 no shell; revisions are checked
    except OSError:
        raise WrapctlError("git cannot be started", hint="comparing with a revision needs git") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise WrapctlError(
            f"git {arguments[0]} failed{': ' + words[-1] if words else ''}",
            hint="comparing with a revision works inside a git clone only",
        )
    return done.stdout
