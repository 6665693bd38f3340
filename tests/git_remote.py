"""A bare repository and clones of it: the remote that runners share, for real."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from wrapctl.git import Git

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
ENVIRON = {"PATH": os.environ["PATH"], "HOME": os.devnull, **IDENTITY}


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run git and return what it said, without the last line end."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRON,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


@dataclass(frozen=True)
class Remote:
    """A bare repository with one commit on ``main``, and the clones of it."""

    folder: Path
    bare: Path

    @classmethod
    def make(cls, folder: Path) -> Remote:
        bare = folder / "remote.git"
        bare.mkdir(parents=True)
        git(bare, "init", "-q", "--bare", "-b", "main")
        tree = git(bare, "mktree")
        first = git(bare, "commit-tree", tree, "-m", "Begin")
        git(bare, "update-ref", "refs/heads/main", first)
        return cls(folder, bare)

    def clone(self, name: str = "clone", *how: str) -> Path:
        """A clone, as a runner has one (``--depth=1``) or a person."""
        folder = self.folder / name
        git(self.folder, "clone", "-q", *how, f"file://{self.bare}", str(folder))
        return folder

    def open(self, name: str = "clone", *how: str) -> Git:
        return Git(self.clone(name, *how), ENVIRON)

    def refs(self) -> dict[str, str]:
        """What the remote holds beside ``main``."""
        out = git(self.bare, "for-each-ref", "--format=%(refname) %(objectname)")
        pairs = (line.split() for line in out.splitlines())
        return {ref: oid for ref, oid in pairs if ref != "refs/heads/main"}

    def hook(self, name: str, text: str) -> Path:
        """Let the remote run a script; ``pre-receive`` that fails refuses every push."""
        file = self.bare / "hooks" / name
        file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file
