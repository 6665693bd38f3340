"""Faults on demand: what a network and a busy platform do to a client, repeatable to the request.

A fault is a rule (which requests, and the how-many-th of them) and one action. Rules are stored with the state,
so that they hold for every process that opens it, and each match is counted before anything happens: a process
that is killed at request 7 finds itself past request 7 when it runs again.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

ACTIONS = {
    "status": "answer `status` with `code`, `message`, `retry_after` (`spelling` on CXone: where the message stands), or a"
    " whole `body` or `raw` text; `after`: process first",
    "drop": "the connection breaks before the request is processed",
    "lose-answer": "the request is processed, then the connection breaks",
    "truncate": "the body is cut at `at` (a share, 0.5); `length`: `cut` looks complete, `full` promises the whole body",
    "lag": "what the request writes is seen by reads only after `requests` further ones",
    "edit": "somebody else performs `edit` just before the request",
    "exit": "the process dies with 137, `when`: `before` or `after` the request is processed",
    "rate-limit": "`per_minute` requests per token, 429 from then on",
    "expire-token": "the token the request came with is no longer valid",
}


class ConnectionDropped(Exception):
    """The connection broke; raised out of the WSGI app. ``processed`` tells a test what the client cannot know."""

    def __init__(self, *, processed: bool) -> None:
        self.processed = processed
        super().__init__("the sandbox dropped the connection" + (" after processing" if processed else ""))


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule and its action.

    ``path`` and ``query`` are regular expressions searched in the decoded path and the raw query string.
    ``nth`` counts matching requests from 1; the action fires ``times`` times from there (once when only ``nth``
    is given, always when neither is).
    """

    do: str
    action: dict[str, Any] = field(default_factory=dict)
    method: str = ""
    path: str = ""
    query: str = ""
    org: str = ""
    nth: int | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if self.do not in ACTIONS:
            raise ValueError(f"unknown fault {self.do!r}: one of {', '.join(ACTIONS)}")
        re.compile(self.path)
        re.compile(self.query)

    def matches(self, org: str, method: str, path: str, query: str) -> bool:
        """Whether the request is one that the rule counts."""
        return (
            (not self.org or self.org == org)
            and (not self.method or self.method.upper() == method)
            and re.search(self.path, path) is not None
            and re.search(self.query, query) is not None
        )

    def fires(self, hit: int) -> bool:
        """Whether the action happens on the matching request of this number."""
        first = self.nth or 1
        times = self.times if self.times is not None else 1 if self.nth is not None else None
        return hit >= first and (times is None or hit < first + times)


def add(con: sqlite3.Connection, fault: Fault) -> int:
    """Store a fault and return its number."""
    number = con.execute("insert into faults (rule) values (?)", (json.dumps(asdict(fault)),)).lastrowid
    return number or 0


def fire(con: sqlite3.Connection, org: str, method: str, path: str, query: str) -> list[Fault]:
    """Count a request against every rule and return the faults that happen to it, oldest rule first."""
    fired = []
    for number, rule, hits in con.execute("select id, rule, hits from faults order by id").fetchall():
        fault = Fault(**json.loads(rule))
        if fault.matches(org, method, path, query):
            happens = fault.fires(hits + 1)
            con.execute(
                "update faults set hits = hits + 1, fired = fired + ? where id = ?", (happens, number)
            )
            if happens:
                fired.append(fault)
    return fired


def listed(con: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return all faults with how often they matched and fired."""
    rows = con.execute("select id, rule, hits, fired from faults order by id").fetchall()
    return [
        {"id": number, **json.loads(rule), "hits": hits, "fired": fired} for number, rule, hits, fired in rows
    ]
