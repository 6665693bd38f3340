"""Nobody waits in a test: what is decided about waiting is tested where it is decided."""

from __future__ import annotations

import pytest

from wrapctl.apply.confirm import Patience
from wrapctl.http import retry
from wrapctl.targets.genesys.api import Api


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
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
    # A query of the audit trail counts requests until it is done.
    monkeypatch.setattr(Api, "wait", lambda self, seconds: False)
