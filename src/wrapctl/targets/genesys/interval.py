"""Intervals as the Platform API takes them. No source says how long one may be, so long ones are cut into months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_MONTH = timedelta(days=30)


def months(since: datetime, until: datetime) -> Iterator[str]:
    """Yield intervals of at most 30 days, ISO 8601, that together are the time between the two."""
    while since < until:
        end = min(since + _MONTH, until)
        yield f"{stamp(since)}/{stamp(end)}"
        since = end


def stamp(when: datetime) -> str:
    """Return a time in UTC with milliseconds, as the platform writes it."""
    """Return a time as the API takes it: UTC, to the millisecond."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"
