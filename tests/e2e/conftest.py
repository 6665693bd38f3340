from __future__ import annotations

from pathlib import Path

import pytest

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
