"""Holds requests to a number per minute, without slowing whoever stays below it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

WINDOW = 60.0


class Pacing:
    """A sliding window: at most ``per_minute`` requests in any minute (None: no bound). Thread-safe.

    A window rather than an even pace, because a plan of 40 requests should take as long as 40 requests take.
    ``pause`` holds all threads: a platform that answered 429 to one of them means all.
    """

    def __init__(self, per_minute: int | None, monotonic: Callable[[], float]) -> None:
        self._limit = per_minute
        self._now = monotonic
        self._sent: deque[float] = deque()
        self._resume = 0.0
        self._lock = threading.Lock()

    def delay(self) -> float:
        """Take a place and return 0, or return the seconds after which to ask again."""
        with self._lock:
            now = self._now()
            if now < self._resume:
                return self._resume - now
            if self._limit is None:
                return 0.0
            while self._sent and self._sent[0] <= now - WINDOW:
                self._sent.popleft()
            if len(self._sent) < self._limit:
                self._sent.append(now)
                return 0.0
            return max(self._sent[0] + WINDOW - now, 0.001)

    def pause(self, seconds: float) -> None:
        """Let nobody send for ``seconds`` from now."""
        with self._lock:
            self._resume = max(self._resume, self._now() + seconds)
