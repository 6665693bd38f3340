"""Projects on disk in a line each: files by short path, problems as the lines that a person reads."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent

from wrapctl.config import project
from wrapctl.config.project import OrgConfig, Project
from wrapctl.errors import ConfigError

ORG = "kind: Org\nplatform: genesys\nendpoint: sandbox\n"
CODES = """
    kind: WrapUpCodes
    codes:
      SALE: {name: Sale}
      LOST: {name: Lost}
"""


def write(root: Path, **files: str) -> Path:
    """Write files below ``wrapups/``; ``acme__codes`` is ``acme/codes.yaml``, ``org`` is the org acme's."""
    (root / "wrapups").mkdir(exist_ok=True)
    for name, text in files.items():
        short = {"org": "acme__org", "codes": "acme__codes", "queues": "acme__queues", "crm": "acme__crm"}
        path = root / "wrapups" / (short.get(name, name).replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return root


def acme(root: Path, **files: str) -> Path:
    """A project with the org acme on the sandbox, and these files."""
    return write(root, **{"org": ORG, **files})


def load(root: Path) -> OrgConfig:
    return project.load(root).orgs["acme"]


def loaded(root: Path) -> Project:
    return project.load(root)


def problems(root: Path) -> list[str]:
    """What is wrong, as it is printed, with ``wrapups/`` and ``acme/`` cut off; empty when nothing is."""
    try:
        project.load(root)
    except ConfigError as error:
        return [str(problem).removeprefix("wrapups/").removeprefix("acme/") for problem in error.problems]
    return []


def commit(root: Path, message: str = "change") -> None:
    """Commit everything in a git repository at ``root``, made when missing."""

    def git(*arguments: str) -> None:
        names = [
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@example.invalid",
            "-c",
            "commit.gpgsign=false",
        ]
        subprocess.run(["git", "-C", str(root), *names, *arguments], check=True, capture_output=True)

    if not (root / ".git").exists():
        git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)
