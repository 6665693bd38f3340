"""What is tried again, how often and when. Pure: the randomness is an argument.

Few things, briefly (contract section 3: the vendor's own SDKs do the same): 429 for every request, since it was
not carried out; 5xx and lost connections only where repeating does no harm. A create is never sent twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

AGAIN_STATUS = frozenset({500, 502, 503, 504})


class Reason(StrEnum):
    """Why a request would be sent again."""

    RATE_LIMIT = "rate limit"
    SERVER = "server error"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds. ``longest``: a ``Retry-After`` above it ends the run instead, and running again continues."""

    rate_limit_attempts: int = 10
    attempts: int = 4
    longest: float = 180.0
    # What the vendor's .NET SDK waits when no Retry-After says otherwise.
    rate_limit_steps: tuple[float, ...] = (3.0, 9.0, 27.0)
    steps: tuple[float, ...] = (0.5, 1.5, 4.5)

    def delay(self, reason: Reason, failed: int, after: float | None, jitter: float) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        In: how many attempts have ``failed`` for this reason (from 1), what ``Retry-After`` asked for, and a
        random number in [0, 1).
        """
        if after is not None and after > self.longest:
            return None
        if reason is Reason.RATE_LIMIT:
            if failed >= self.rate_limit_attempts:
                return None
            # Never before what was asked for; a little after it, so that threads do not return as one.
            steps = self.rate_limit_steps
            return (steps[min(failed, len(steps)) - 1] if after is None else after) + jitter
        if failed >= self.attempts:
            return None
        if after is not None:
            return after + jitter
        return self.steps[min(failed, len(self.steps)) - 1] * (0.5 + jitter / 2)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, None when it is absent or unreadable.

    A date is counted from the reply's own ``Date``: the two clocks are then the same one.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(headers.get("date", ""))
        return max((until - sent).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
