"""Values that this run is making in a CRM's own list, so that two mappings on one connection do not both make one."""

from __future__ import annotations

import threading


class Claims:
    """Who makes which value. Thread-safe. A fresh read cannot know what another mapping has just sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}

    def take(self, value: str, marker: str) -> str | None:
        """Claim a value for a mapping; return the marker of another one that has it, None when it is ours."""
        with self._lock:
            holder = self._held.setdefault(value, marker)
            return None if holder == marker else holder

    def free(self, value: str, marker: str) -> None:
        """Give back a value that was not made."""
        with self._lock:
            if self._held.get(value) == marker:
                del self._held[value]
