from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.ci_world import CiWorld
from front_door import Project
from hurry import hurry


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project folder. CI is not set, so that a sandbox may be used without being asked."""
    for name in ("CI", "WRAPCTL_SECRETS", "WRAPCTL_ALLOW_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    hurry(monkeypatch)
    (tmp_path / "wrapups").mkdir()
    return Project(tmp_path)


@pytest.fixture
def ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CiWorld]:
    """A repository on an emulated GitHub, and runners. What this test itself runs in is not seen there."""
    for name in list(os.environ):
        if name == "CI" or name.startswith(("GITHUB_", "WRAPCTL_", "RUNNER_")):
            monkeypatch.delenv(name)
    hurry(monkeypatch)
    with CiWorld(tmp_path).open() as world:
        yield world
