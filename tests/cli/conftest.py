from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.shell import ROOT, Shell
from hurry import hurry


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A copy of the shipped example project, and a command line in it. Not in CI, nobody's terminal."""
    for name in ("CI", "GITHUB_ACTOR", "GITHUB_SHA", "NO_COLOR", "WRAPCTL_SECRETS", "WRAPCTL_ALLOW_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(ROOT / "wrapups", tmp_path / "wrapups")
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A project of one small org that is in sync with its sandbox: two codes on one queue, three codes live."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    made = Shell(tmp_path)
    made.write("acme/org.yaml", "kind: Org\nplatform: genesys\nendpoint: sandbox\n")
    made.write(
        "acme/codes.yaml",
        """\
        kind: WrapUpCodes
        codes:
          SALE: {name: Sale, description: It is sold}
          LOST: {name: Lost, description: It is not}
        """,
    )
    made.write(
        "acme/queues.yaml",
        """\
        kind: Queues
        queues:
          sales: {name: Sales, codes: [SALE, LOST]}
        """,
    )
    made.seed(
        {
            "name": "acme",
            "codes": [
                {"name": "Sale", "description": "It is sold"},
                {"name": "Lost", "description": "It is not"},
                {"name": "Old", "description": "Nobody knows"},
            ],
            "queues": [{"name": "Sales", "codes": ["Sale", "Lost"]}],
        }
    )
    return made
