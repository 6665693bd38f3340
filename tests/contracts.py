"""Where the API contracts are. Missing ones skip a test with a reason; in CI they fail it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def contract(name: str) -> Path:
    """The path of a contract file; skips the calling test where it is missing."""
    path = folder() / name
    if not path.is_file():
        missing(f"the contract {name} is not there: set WRAPCTL_CONTRACTS to the folder that holds it")
    return path


def folder() -> Path:
    return Path(os.environ.get("WRAPCTL_CONTRACTS") or ROOT.parent / "shared" / "contracts")


def missing(reason: str) -> None:
    """Skip, or fail where CI promised that everything is there."""
    if os.environ.get("WRAPCTL_REQUIRE_CONTRACTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
