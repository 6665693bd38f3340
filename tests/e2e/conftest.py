from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.ci_world import CiWorld
from front_door import Project
from wrapctl.apply.confirm import Patience
from wrapctl.http import retry


def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait: how often and in what order is counted, how long is tested where it is decided."""
    # The sandbox's lag counts requests: waiting for it would prove nothing more.
    monkeypatch.setattr(Patience, "before", lambda self, look: 0.0)
    decided = retry.Policy.delay

    def at_once(
        self: retry.Policy, reason: retry.Reason, failed: int, after: float | None, jitter: float
    ) -> float | None:
        delay = decided(self, reason, failed, after, jitter)
        # What a server asks for is waited: there the emulation's clock is the real one.
        return delay if delay is None or after is not None else 0.0

    monkeypatch.setattr(retry.Policy, "delay", at_once)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project folder. CI is not set, so that a sandbox may be used without being asked."""
    for name in ("CI", "WRAPCTL_SECRETS", "WRAPCTL_ALLOW_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    _hurry(monkeypatch)
    (tmp_path / "wrapups").mkdir()
    return Project(tmp_path)


@pytest.fixture
def ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CiWorld]:
    """A repository on an emulated GitHub, and runners. What this test itself runs in is not seen there."""
    for name in list(os.environ):
        if name == "CI" or name.startswith(("GITHUB_", "WRAPCTL_", "RUNNER_")):
            monkeypatch.delenv(name)
    _hurry(monkeypatch)
    with CiWorld(tmp_path).open() as world:
        yield world
