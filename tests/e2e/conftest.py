from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.ci_world import CiWorld
from front_door import Project
from wrapctl.apply.confirm import Patience


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project folder. CI is not set, so that a sandbox may be used without being asked."""
    for name in ("CI", "WRAPCTL_SECRETS", "WRAPCTL_ALLOW_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    # The sandbox's lag counts requests: waiting for it would prove nothing more.
    monkeypatch.setattr(Patience, "before", lambda self, look: 0.0)
    (tmp_path / "wrapups").mkdir()
    return Project(tmp_path)


@pytest.fixture
def ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CiWorld]:
    """A repository on an emulated GitHub, and runners. What this test itself runs in is not seen there."""
    for name in list(os.environ):
        if name == "CI" or name.startswith(("GITHUB_", "WRAPCTL_", "RUNNER_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(Patience, "before", lambda self, look: 0.0)
    with CiWorld(tmp_path).open() as world:
        yield world
