"""What the documents say is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import docs
import wrapctl
from front_door import run
from wrapctl.cli.main import COMMANDS
from wrapctl.errors import Exit

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", docs.BLOCKS)
def test_the_readme_shows_what_the_program_shows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    text = docs.README.read_text(encoding="utf-8")
    assert docs.filled(text, name, docs.BLOCKS[name]()) == text, "run: python tests/docs.py"


def test_the_readmes_first_screen_has_the_two_commands_and_a_plan() -> None:
    first = "\n".join(docs.README.read_text(encoding="utf-8").splitlines()[:45])
    assert "make demo" in first
    assert "make test" in first
    assert "SANDBOX" in first


def test_the_readme_lists_every_exit_code() -> None:
    text = docs.README.read_text(encoding="utf-8")
    for code in Exit:
        assert re.search(rf"^\| {int(code)} \|", text, re.MULTILINE), code


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(command: str) -> None:
    done = run([*command.split(), "--help"])
    assert done.code == 0
    assert "Usage: wrapctl" in done.out


def test_the_changelog_names_the_version() -> None:
    assert f"## {wrapctl.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
