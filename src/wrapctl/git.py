"""Git as a program: one repository and one remote of it, by plumbing alone.

Nothing here touches the work tree, the index or a local branch, runs a hook, signs or asks anybody. What a push
did is settled by reading the remote, because an answer that was lost says nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from wrapctl.errors import WrapctlError
from wrapctl.http.redact import Redactor

SECONDS: Final = 120.0
"""How long one call of git may take. A push to a busy host takes seconds; behind this, something hangs."""

_QUIET: Final[Mapping[str, str]] = {
    "LC_ALL": "C",
    # No terminal, no window, no key: whatever would ask fails instead.
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_OPTIONAL_LOCKS": "0",
}
# Set while git runs a hook; they would point at another repository, or at somebody's index.
_ELSEWHERE: Final = frozenset(
    {
        "GIT_ASKPASS",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_WORK_TREE",
        "SSH_ASKPASS",
    }
)
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "i18n.commitEncoding=UTF-8",
    "push.gpgSign=false",
)
_LOGIN: Final = re.compile(r"://[^/@\s]+@")
_SAYS_LITTLE: Final = ("hint:", "To ", "Done", "error: failed to push some refs")
_LONGEST: Final = 600

NOBODY: Final = "wrapctl <wrapctl@localhost>"
"""Author of the commits that keep locks and journals; who applied stands inside of them."""


class GitFailed(WrapctlError):
    """git could not do it; the message has its own last words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree: mode, kind (blob, tree, commit), object, name, and the size of a blob."""

    mode: str
    kind: str
    oid: str
    name: str
    size: int = 0


class Git:
    """The repository around ``root`` and its remote ``remote``. ``environ`` is the environment git gets."""

    def __init__(
        self, root: Path, environ: Mapping[str, str], *, remote: str = "origin", seconds: float = SECONDS
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", remote):
            raise GitFailed(f"{remote!r} is not the name of a remote")
        self._root = root
        self.remote = remote
        self._environ = {**{k: v for k, v in environ.items() if k not in _ELSEWHERE}, **_QUIET}
        self._seconds = seconds

    # ── objects ────────────────────────────────────────────────────────────────────────────────────────────

    def prefix(self) -> str:
        """Where ``root`` lies in the repository: empty at its top, else with a slash at the end."""
        return self.run("rev-parse", "--show-prefix").decode(errors="surrogateescape").rstrip("\n")

    def blob(self, content: bytes) -> str:
        """Store a blob and return its name."""
        return self._name("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, entries: Iterable[Entry]) -> str:
        """Store a tree and return its name."""
        lines = (f"{one.mode} {one.kind} {one.oid}\t{one.name}" for one in entries)
        # --missing: a partial clone need not fetch what it only names.
        text = "\0".join(lines).encode(errors="surrogateescape")
        return self._name("mktree", "--missing", "-z", stdin=text)

    def with_files(self, tree: str | None, files: Mapping[str, str]) -> str:
        """Return ``tree`` (None: the empty one) with blobs laid at paths, everything else as it was."""
        entries = {one.name: one for one in self.entries(tree)} if tree else {}
        below: dict[str, dict[str, str]] = {}
        for path, oid in files.items():
            first, slash, rest = path.partition("/")
            if slash:
                below.setdefault(first, {})[rest] = oid
            else:
                entries[first] = Entry("100644", "blob", oid, first)
        for name, inner in below.items():
            old = entries.get(name)
            oid = self.with_files(old.oid if old is not None and old.kind == "tree" else None, inner)
            entries[name] = Entry("040000", "tree", oid, name)
        return self.tree(entries.values())

    def commit(self, tree: str, parents: Sequence[str], message: str, when: datetime) -> str:
        """Store a commit of nobody's and return its name."""
        name, _, email = NOBODY.rstrip(">").partition(" <")
        date = when.isoformat(timespec="seconds")
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email), ("DATE", date))
        }
        given = [part for parent in parents for part in ("-p", parent)]
        return self._name("commit-tree", tree, *given, stdin=message.encode(), extra=who)

    def message(self, commit: str) -> str:
        """Return the message of a commit."""
        _, _, text = self.run("cat-file", "commit", commit).partition(b"\n\n")
        return text.decode(errors="replace")

    def entries(self, tree: str, path: str = "") -> tuple[Entry, ...]:
        """Return what a tree (or commit) holds at its top, or in the folder ``path``; nothing where that is not."""
        where = f"{tree}:{path.rstrip('/')}" if path else tree
        if path and not self.has(where):
            return ()
        found = []
        for line in self.run("ls-tree", "--full-tree", "-z", "-l", where).split(b"\0"):
            head, tab, name = line.partition(b"\t")
            if tab:
                mode, kind, oid, size = head.decode().split()
                text = name.decode(errors="surrogateescape")
                found.append(Entry(mode, kind, oid, text, int(size) if size.isdigit() else 0))
        return tuple(found)

    def blobs(self, oids: Sequence[str]) -> tuple[bytes, ...]:
        """Return the content of blobs, through one process.

        Raises:
            GitFailed: one is not here.
        """
        if not oids:
            return ()
        out = self.run("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())
        found, start = [], 0
        for oid in oids:
            end = out.find(b"\n", start)
            header = out[start:end].split()
            if len(header) != 3 or header[1] != b"blob":
                raise GitFailed(f"git has no content for object {oid}", hint="is the clone complete?")
            size = int(header[2])
            found.append(out[end + 1 : end + 1 + size])
            start = end + size + 2
        return tuple(found)

    def has(self, name: str) -> bool:
        """Whether an object is here."""
        return self._call(("cat-file", "-e", name), b"", {})[0] == 0

    # ── the remote ─────────────────────────────────────────────────────────────────────────────────────────

    def tip(self, ref: str) -> str | None:
        """Return what a ref of the remote points to now, None when it is not there."""
        out = self.run("ls-remote", self.remote, ref).decode(errors="replace")
        # A pattern matches at the end of a ref's name; only the whole name is meant.
        return next(
            (oid for line in out.splitlines() for oid, _, name in [line.partition("\t")] if name == ref), None
        )

    def fetch(self, ref: str) -> str | None:
        """Return what a ref of the remote points to, with all of its history here; None when it is not there.

        Raises:
            GitFailed: it cannot be fetched, or keeps moving.
        """
        for _ in range(5):
            found = self.tip(ref)
            if found is None or self.has(found):
                return found
            # Nothing is remembered of it: no FETCH_HEAD, no tracking ref, no tag, no new limit to the history.
            quiet = (
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--no-prune",
                "--refmap=",
            )
            self.run("fetch", "--quiet", "--no-filter", *quiet, self.remote, ref)
            if self.has(found):
                return found
        raise GitFailed(f"{ref} of {self.remote} moved each time it was fetched", hint="run again")

    def push(self, ref: str, new: str | None, *, expect: str | None) -> bool:
        """Point a ref of the remote to ``new`` (None: delete it) if it points to ``expect`` (None: is not there).

        One atomic step on the remote. Returns False when the ref points to something else.

        Raises:
            GitFailed: the remote refused, or was not reached.
        """
        try:
            self.run(
                "push",
                "--no-verify",
                "--no-signed",
                "--no-follow-tags",
                "--recurse-submodules=no",
                f"--force-with-lease={ref}:{expect or ''}",
                self.remote,
                f"{new or ''}:{ref}",
            )
        except GitFailed:
            # Refused, or done and the answer lost: only the remote knows.
            found = self.tip(ref)
            if found == new:
                return True
            if found == expect:
                raise
            return False
        return True

    # ── git itself ─────────────────────────────────────────────────────────────────────────────────────────

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git and return what it printed.

        Raises:
            GitFailed: it is missing, failed, or did not end in time.
        """
        return self._checked(arguments, stdin, {})

    def _name(self, *arguments: str, stdin: bytes, extra: Mapping[str, str] | None = None) -> str:
        return self._checked(arguments, stdin, extra or {}).decode().strip()

    def _checked(self, arguments: Sequence[str], stdin: bytes, extra: Mapping[str, str]) -> bytes:
        code, out, err = self._call(arguments, stdin, extra)
        if code != 0:
            raise GitFailed(
                f"git {arguments[0]} failed: {_words(err) or f'exit {code}'}",
                hint=f"this needs a git clone whose remote `{self.remote}` can be read and written without a prompt",
            )
        return out

    def _call(
        self, arguments: Sequence[str], stdin: bytes, extra: Mapping[str, str]
    ) -> tuple[int, bytes, bytes]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        command = ["git", "--no-replace-objects", *settings, "-C", str(self._root), *arguments]
        try:
            started = subprocess.Popen(  # noqa: S603 (no shell, fixed words; refs and objects are checked or made here)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._environ, **extra},
                # A group of its own: no terminal to ask on, Ctrl-C does not cut a push, and a hang ends as a whole.
                start_new_session=True,
            )
        except OSError as error:
            raise GitFailed(f"git cannot be started: {error.strerror}", hint="install git") from None
        with started:
            try:
                out, err = started.communicate(stdin, timeout=self._seconds)
            except subprocess.TimeoutExpired:
                raise GitFailed(
                    f"git {arguments[0]} did not end in {self._seconds:g} s",
                    hint=f"check that the remote `{self.remote}` answers without a prompt",
                ) from None
            finally:
                if started.poll() is None:
                    with contextlib.suppress(OSError):
                        os.killpg(started.pid, signal.SIGKILL)
        return started.returncode, out, err


def with_token(environ: Mapping[str, str], server: str, token: str) -> dict[str, str]:
    """Return ``environ`` so that git sends ``token`` to ``server`` (``https://github.com``) and to nobody else.

    As an environment variable of git's own, so that it is neither on a command line nor in a file. What a checkout
    left in the clone's configuration for this server is replaced: two of these headers are refused.
    """
    secret = b64encode(f"x-access-token:{token}".encode()).decode()
    key = f"http.{server.rstrip('/')}/.extraheader"
    given = environ.get("GIT_CONFIG_COUNT", "0")
    start = int(given) if given.isdecimal() else 0
    return {
        **environ,
        "GIT_CONFIG_COUNT": str(start + 2),
        f"GIT_CONFIG_KEY_{start}": key,
        f"GIT_CONFIG_VALUE_{start}": "",
        f"GIT_CONFIG_KEY_{start + 1}": key,
        f"GIT_CONFIG_VALUE_{start + 1}": f"AUTHORIZATION: basic {secret}",
    }


def _words(err: bytes) -> str:
    """What git said last, without a login that stands in a URL."""
    lines = [line.strip() for line in err.decode(errors="replace").splitlines()]
    said = [line for line in lines if line and not line.startswith(_SAYS_LITTLE)] or [
        line for line in lines if line
    ]
    text = "; ".join(said[-3:])
    text = Redactor()(_LOGIN.sub("://***@", text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
