"""What an apply did, change by change, in the past tense. A value; renderers print it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wrapctl.errors import Exit, PlatformAnswer, Stale
from wrapctl.metrics import latency
from wrapctl.model import NO_FIELDS, Address, ChangeId, Fields, Verb
from wrapctl.plan.file import fields_data

FORMAT = 1
"""Version of the report's JSON."""


class Status(StrEnum):
    """How a change ended; each ends in exactly one."""

    DONE = "done"
    ALREADY = "already done"
    SKIPPED = "skipped"
    STALE = "stale"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not attempted"
    BLOCKED = "blocked"
    MANUAL = "manual"
    HELD = "held"
    """Ready, and not written because nobody approved it."""


GOOD = frozenset({Status.DONE, Status.ALREADY})
"""The change is live now."""

_OPEN = frozenset({Status.SKIPPED, Status.STALE, Status.FAILED, Status.UNKNOWN, Status.NOT_ATTEMPTED})

_PAST = {
    Verb.UPDATE_CODE: "updated",
    Verb.CREATE_CODE: "created",
    Verb.ASSIGN: "assigned",
    Verb.REORDER: "reordered",
    Verb.SET_ACW: "after-call work set",
    Verb.SET_OUTBOUND: "outbound flags set",
    Verb.CREATE_TABLE: "table created",
    Verb.EXTEND_TABLE: "table extended",
    Verb.CREATE_ROW: "row created",
    Verb.UPDATE_ROW: "row updated",
    Verb.UNASSIGN: "unassigned",
    Verb.DEACTIVATE_ROW: "row deactivated",
    Verb.DELETE_ROW: "row deleted",
    Verb.DEACTIVATE_CODE: "deactivated",
    Verb.DELETE_CODE: "deleted",
}


def past(verb: Verb) -> str:
    """Return a verb in the past tense."""
    return _PAST[verb]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one change ended.

    ``planned`` (from), ``now`` (live, None: not looked at or not there) and ``wanted`` are the three values.
    ``attempted``: of a manual step, that it was written first and the platform did not take it.
    ``drift`` names declared fields whose live values a merge kept, ``overwritten`` members that may have
    overwritten somebody else's edit ("possible overwrite").
    """

    verb: Verb
    address: Address
    status: Status
    label: str = ""
    within: str = ""
    message: str = ""
    hint: str = ""
    live_id: str | None = None
    request_id: str = ""
    answer: PlatformAnswer | None = None
    planned: Fields = field(default_factory=lambda: NO_FIELDS)
    now: Fields | None = None
    wanted: Fields = field(default_factory=lambda: NO_FIELDS)
    drift: tuple[str, ...] = ()
    overwritten: tuple[str, ...] = ()
    attempted: bool = False
    digest: str = ""

    @property
    def id(self) -> ChangeId:
        """Verb and address."""
        return ChangeId(self.verb, self.address)

    @property
    def words(self) -> str:
        """How it ended, for people: ``created``, ``already done``, ``skipped``."""
        return past(self.verb) if self.status is Status.DONE else self.status.value


@dataclass(frozen=True, slots=True)
class Report:
    """What one apply did to one org. ``entries`` are in plan order, one for each change of the plan.

    ``unended``: earlier runs that never wrote their end. ``unread``: CRM systems that the plan or the run could not
    read, each with its reason: their rows are neither done nor in sync. ``fatal``: why the run stopped early; ``hint``: what to do
    about that, or about steps that were left to a person. ``stale`` is true when nothing was written because live
    and plan disagree. ``requests`` are by method and path; the other counts are ``interface.Traffic``'s.
    ``findings`` counts what was found wrong with the files and the plan, by kind (``metrics.findings``).
    """

    run: str
    org: str
    organization_id: str
    plan: str
    entries: tuple[Entry, ...]
    fatal: str = ""
    hint: str = ""
    interrupted: bool = False
    stale: bool = False
    unended: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    retries: int = 0
    waited: float = 0.0
    journal: str = ""
    limits: int = 0
    limited: float = 0.0
    times: Mapping[str, Mapping[float, int]] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> dict[Status, int]:
        """Entries by status, those that occur, in the order of the enum."""
        counts = dict.fromkeys(Status, 0)
        for entry in self.entries:
            counts[entry.status] += 1
        return {status: count for status, count in counts.items() if count}

    @property
    def drift(self) -> tuple[Entry, ...]:
        """Entries whose object keeps a live value that the files do not want."""
        return tuple(entry for entry in self.entries if entry.drift)

    @property
    def attempted(self) -> tuple[Entry, ...]:
        """Entries that were written, did not take, and are left to a person."""
        return tuple(entry for entry in self.entries if entry.attempted)

    @property
    def exit_code(self) -> Exit:
        """0 all done; 4 stale before the first write, or something unreviewed; 1 stopped with nothing written; 5 partly.

        Blocked changes and declared manual steps are outstanding; they do not make an apply fail. A write that did
        not take, and so became a manual step, does, and so does a system that could not be read, or a journal that
        could not be ended.
        """
        if self.stale:
            return Exit.REFUSED
        statuses = set(self.totals)
        if self.fatal and Status.DONE not in statuses and Status.UNKNOWN not in statuses:
            return Exit.ERROR
        partly = statuses & _OPEN or self.fatal or self.attempted or self.unread
        if partly:
            return Exit.PARTIAL
        return Exit.REFUSED if Status.HELD in statuses else Exit.OK

    def as_json(self) -> dict[str, object]:
        """The report as machines read it."""
        return {
            "format": FORMAT,
            "run": self.run,
            "org": self.org,
            "organization_id": self.organization_id,
            "plan": self.plan,
            "exit_code": int(self.exit_code),
            "totals": {status.value: count for status, count in self.totals.items()},
            "changes": [_entry(entry) for entry in self.entries],
            "fatal": self.fatal or None,
            "hint": self.hint or None,
            "interrupted": self.interrupted,
            "stale": self.stale,
            "unended_runs": list(self.unended),
            "unread": list(self.unread),
            "traffic": {
                "requests": dict(sorted(self.requests.items())),
                "total": sum(self.requests.values()),
                "retries": self.retries,
                "waited_seconds": round(self.waited, 3),
                "waits_on_limits": self.limits,
                "waited_on_limits_seconds": round(self.limited, 3),
                "latency_ms": {name: _latency(took) for name, took in sorted(self.times.items()) if took},
            },
            "findings": dict(sorted(self.findings.items())),
            "journal": self.journal or None,
        }


class PlanIsStale(Stale):
    """Live and plan disagree before the first write. ``report`` has the three values of each stale change."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.stale = tuple(entry for entry in report.entries if entry.status is Status.STALE)
        lines = [
            f"  {entry.verb.value} {entry.label or entry.address}{_on(entry)}: {entry.message}"
            for entry in self.stale
        ]
        super().__init__(
            "\n".join(
                [
                    f"{len(self.stale)} of the planned objects changed since the plan; nothing was written",
                    *lines,
                ]
            ),
            hint="plan again; where only other fields moved, `--on-conflict merge` keeps their live values",
        )


def dumps(report: Report) -> str:
    """Return the report as JSON text."""
    return json.dumps(report.as_json(), indent=2) + "\n"


def _on(entry: Entry) -> str:
    return f" on {entry.within}" if entry.within and entry.within != entry.label else ""


def _entry(entry: Entry) -> dict[str, object]:
    answer = entry.answer
    return {
        "verb": entry.verb.value,
        "address": entry.address,
        "label": entry.label,
        "within": entry.within,
        "status": entry.status.value,
        "message": entry.message,
        "hint": entry.hint,
        "id": entry.live_id,
        "request_id": entry.request_id,
        "answer": answer.as_data() if answer is not None else None,
        "planned": fields_data(entry.planned),
        "now": None if entry.now is None else fields_data(entry.now),
        "wanted": fields_data(entry.wanted),
        "drift": list(entry.drift),
        "possible_overwrite": list(entry.overwritten),
        "attempted": entry.attempted,
        "digest": entry.digest,
    }


def _latency(took: Mapping[float, int]) -> dict[str, object]:
    found = latency(took)
    return {
        "count": found.count,
        "p50": found.p50,
        "p95": found.p95,
        "p99": found.p99,
        "max": found.longest,
    }
