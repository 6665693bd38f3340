"""What the gate asks of a platform's HTTP side, and what passes between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from wrapctl.sandbox.faults import Fault
    from wrapctl.sandbox.objects import Org
    from wrapctl.sandbox.store import Store


@dataclass(slots=True)
class Reply:
    """An answer on its way out."""

    status: int
    text: bytes
    headers: list[tuple[str, str]]


class Arrival(NamedTuple):
    """A request as it came in; ``path`` is decoded, ``query`` is not."""

    environ: dict[str, Any]
    method: str
    path: str
    query: str
    data: bytes
    correlation: str

    def header(self, name: str) -> str:
        """Return a header, or an empty text."""
        key = name.upper().replace("-", "_")
        prefix = "" if key == "CONTENT_TYPE" else "HTTP_"
        return str(self.environ.get(prefix + key, ""))


@dataclass(slots=True)
class Asker:
    """Who asks: the org and client, as far as the request tells, or the answer that refuses it.

    ``divisions`` is what the client may see; None is everything.
    """

    org: Org | None = None
    client: str = ""
    permissions: frozenset[str] = frozenset()
    divisions: tuple[str, ...] | None = ()
    token: str = ""
    refusal: Reply | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that nothing refused so far. ``seq`` is its number in the org, ``lag`` that of its writes."""

    store: Store
    clock: Callable[[], float]
    arrival: Arrival
    asker: Asker
    seq: int
    lag: int


class Front(Protocol):
    """One platform's HTTP side."""

    def owns(self, path: str) -> bool:
        """Whether the path is one of this platform."""
        ...

    def asker(self, con: sqlite3.Connection, arrival: Arrival, now: float) -> Asker:
        """Return who asks."""
        ...

    def expired(self, org: Org, correlation: str) -> Reply:
        """Return the refusal of a token that is no longer valid."""
        ...

    def limited(self, org: Org, limit: int, wait: int, correlation: str) -> Reply:
        """Return the refusal of a request too many; ``wait`` is in seconds."""
        ...

    def faulty(self, org: Org | None, fault: Fault, correlation: str) -> Reply:
        """Return the answer of a ``status`` fault: the platform's error body unless the fault brings its own."""
        ...

    def handle(self, visit: Visit) -> Reply:
        """Answer a request, a login or an anonymous one included."""
        ...

    def finish(self, reply: Reply, correlation: str) -> None:
        """Add what every answer of the platform carries, faulty ones included."""
        ...


def over_limit(con: sqlite3.Connection, token: str, now: float, limit: float) -> float | None:
    """Count a request of a token in its minute; return the seconds to its end when it is one too many."""
    if limit == float("inf"):
        return None
    used, window = con.execute(
        "update tokens set used = case when ? - window >= 60 then 1 else used + 1 end,"
        " window = case when ? - window >= 60 then ? else window end where token = ? returning used, window",
        (now, now, now, token),
    ).fetchone()
    return float(window) + 60 - now if used > limit else None
