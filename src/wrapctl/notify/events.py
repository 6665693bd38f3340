"""What happened, as CloudEvents 1.0: one event for each code, queue, plan, apply and drift. Pure.

Shape: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md (structured mode).
Names come from a platform or a file; here they are data, and stay it: nothing is put into a sentence but by
``template``, which knows for whom it writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wrapctl.apply.report import Entry, Report, Status
from wrapctl.model import Address, ChangeId, Code, Desired, Identity, Verb, code_address
from wrapctl.notify.kinds import (
    APPLY,
    ASSIGNMENT,
    CODE_CREATED,
    CODE_DEACTIVATED,
    CODE_DELETED,
    CODE_UPDATED,
    DRIFT,
    PLAN,
    PREFIX,
)
from wrapctl.plan.drift import Drift
from wrapctl.plan.file import fields_data
from wrapctl.plan.plan import Plan

MOST_BYTES: Final = 64 * 1024
"""An event is never larger, whatever is in it: https://cloudevents.io asks intermediaries to pass that much."""
_LONGEST: Final = 1000
_LONGEST_LIST: Final = 200
_KEPT: Final = ("org", "organization", "run", "commit", "pull_requests", "actor", "address", "code", "queue")

_CODES: Final[Mapping[Verb, str]] = {
    Verb.CREATE_CODE: CODE_CREATED,
    Verb.UPDATE_CODE: CODE_UPDATED,
    Verb.SET_OUTBOUND: CODE_UPDATED,
    Verb.DEACTIVATE_CODE: CODE_DEACTIVATED,
    Verb.DELETE_CODE: CODE_DELETED,
}
_LINKS: Final = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER})


@dataclass(frozen=True, slots=True)
class Context:
    """Of which run an event is. ``at`` is UTC, ISO 8601 with ``Z``; ``commit`` ends in ``+`` as in the journal.

    ``pull_requests`` are the numbers of those that it is of, none where none is known.
    """

    run: str
    at: str
    commit: str = ""
    actor: str = ""
    pull_requests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``kind`` is what files call it (``code.created``); ``id`` is the same in every attempt."""

    id: str
    kind: str
    org: str
    subject: str
    time: str
    data: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The event as it is sent."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "type": PREFIX + self.kind,
            "source": f"/wrapctl/{self.org}",
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "data": self.data,
        }


def of_plan(plan: Plan, context: Context) -> tuple[Event, ...]:
    """Return the event of a plan: none when there is nothing to write and nobody to ask."""
    if not plan.pending and not plan.refusals:
        return ()
    data = {
        "plan": plan.digest,
        "changes": {verb.value: count for verb, count in plan.counts.items()},
        "pending": len(plan.pending),
        "outstanding": len(plan.outstanding),
        "refused": bool(plan.refusals),
        "findings": [
            {"limit": one.limit, "message": one.message, "token": one.token, "accepted": one.accepted}
            for one in plan.findings
        ],
        "unread": list(plan.unread),
    }
    return (_event(PLAN, plan.org, plan.identity, plan.org, context, data, [plan.digest]),)


def of_apply(plan: Plan, report: Report, desired: Desired, context: Context) -> tuple[Event, ...]:
    """Return the events of an apply: one for each code and queue that it changed, and how it ended, last.

    What was as wanted already was nobody's doing here, and is in none. ``desired`` knows category and tags.
    """
    if not any(entry.status not in {Status.BLOCKED, Status.MANUAL} for entry in report.entries):
        return ()
    told = _Apply(plan, report, desired, context)
    return (*told.codes(), *told.queues(), told.end())


def of_drift(drift: Drift, context: Context, who: Mapping[ChangeId, str] | None = None) -> tuple[Event, ...]:
    """Return the event of an org's drift, none where it has none. ``who``: the platform's id of who did a change."""
    if not drift.drifted:
        return ()
    people = who or {}
    data = {
        "applied": drift.applied or None,
        "count": len(drift.changes),
        "changes": [
            {
                "verb": change.verb.value,
                "address": change.address,
                "name": change.label,
                "within": change.within or None,
                "by": people.get(change.id) or None,
                # Apply would lead from live to the files; drift went the other way.
                "before": fields_data(change.after),
                "after": fields_data(change.before),
            }
            for change in drift.changes
        ],
    }
    digests = [change.digest for change in drift.changes]
    return (_event(DRIFT, drift.org, drift.identity, drift.org, context, data, digests),)


class _Apply:
    """One apply, told."""

    def __init__(self, plan: Plan, report: Report, desired: Desired, context: Context) -> None:
        self._plan = plan
        self._report = report
        self._context = context
        self._known = {code_address(desired.org, code.key): code for code in desired.codes}
        self._changes = {change.id: change for change in plan.changes}
        self._done = [entry for entry in report.entries if entry.status is Status.DONE]
        self._made = {entry.address: entry.live_id for entry in self._done if entry.verb is Verb.CREATE_CODE}

    def codes(self) -> Iterator[Event]:
        """One event for each change of a code."""
        for entry in self._done:
            kind = _CODES.get(entry.verb)
            if kind is None:
                continue
            code = self._known.get(entry.address)
            name = entry.wanted.get("name", entry.planned.get("name"))
            data = {
                "address": entry.address,
                "code": {
                    "key": code.key if code is not None else None,
                    "name": name if isinstance(name, str) else code.name if code is not None else entry.label,
                    "id": self._made.get(entry.address) or entry.live_id,
                },
                **_groups(code),
                "before": fields_data(entry.planned),
                "after": fields_data(entry.wanted),
                "cause": self._cause(entry),
                "change": entry.digest,
            }
            yield self._event(kind, entry.address, data, [entry.digest])

    def queues(self) -> Iterator[Event]:
        """One event for each queue whose codes changed: what came, what went, and whether the order is another."""
        queues: dict[str, list[Entry]] = {}
        for entry in self._done:
            if entry.verb in _LINKS:
                queues.setdefault(_queue(entry), []).append(entry)
        for address, entries in sorted(queues.items()):
            changes = [self._changes[entry.id] for entry in entries if entry.id in self._changes]
            data = {
                "address": address,
                "queue": {
                    "name": entries[0].within,
                    "id": next((change.parent for change in changes), None),
                },
                "added": self._links(entries, Verb.ASSIGN),
                "removed": self._links(entries, Verb.UNASSIGN),
                "reordered": any(entry.verb is Verb.REORDER for entry in entries),
            }
            yield self._event(ASSIGNMENT, address, data, [entry.digest for entry in entries])

    def end(self) -> Event:
        """How it ended."""
        report = self._report
        verbs: dict[str, int] = {}
        for entry in self._done:
            verbs[entry.verb.value] = verbs.get(entry.verb.value, 0) + 1
        data = {
            "plan": report.plan,
            "exit_code": int(report.exit_code),
            "totals": {status.value: count for status, count in report.totals.items()},
            "changes": verbs,
            "fatal": report.fatal or None,
            "stale": report.stale,
            "interrupted": report.interrupted,
            "unread": list(report.unread),
        }
        return self._event(APPLY, report.org, data, [report.plan])

    def _links(self, entries: Iterable[Entry], verb: Verb) -> list[dict[str, Any]]:
        return [self._link(entry) for entry in entries if entry.verb is verb]

    def _link(self, entry: Entry) -> dict[str, Any]:
        address = Address(f"{self._report.org}/code/{entry.address.rpartition('/')[2]}")
        code = self._known.get(address)
        return {
            "key": code.key if code is not None else None,
            "name": entry.label,
            "id": self._made.get(address) or entry.live_id,
            **_groups(code),
        }

    def _cause(self, entry: Entry) -> str | None:
        change = self._changes.get(entry.id)
        return change.cause.value if change is not None else None

    def _event(self, kind: str, subject: str, data: Mapping[str, Any], digests: Sequence[str]) -> Event:
        return _event(kind, self._report.org, self._plan.identity, subject, self._context, data, digests)


def _queue(entry: Entry) -> str:
    """``org/queue/LABEL`` of a link or an order."""
    return "/".join(entry.address.split("/")[:3])


def _groups(code: Code | None) -> dict[str, Any]:
    """What to group by: the category, and all tags, those that come from the category included."""
    return {
        "category": code.category if code is not None else None,
        "tags": list(code.tags) if code is not None else [],
    }


def _event(
    kind: str,
    org: str,
    identity: Identity,
    subject: str,
    context: Context,
    data: Mapping[str, Any],
    digests: Iterable[str],
) -> Event:
    label = "\n".join([kind, org, context.run, *sorted(digests)])
    whole = {
        "org": org,
        "organization": {"id": identity.id, "name": identity.name, "sandbox": identity.sandbox},
        "run": context.run,
        "commit": context.commit or None,
        "pull_requests": list(context.pull_requests),
        "actor": context.actor or None,
        **data,
    }
    return Event(
        id=hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        kind=kind,
        org=org,
        subject=_cut(subject),
        time=context.at,
        data=_bounded(whole),
    )


# ── plain and bounded ──────────────────────────────────────────────────────────────────────────────────────


def _bounded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``data`` with long texts and lists cut; too large all the same, only what names the event is left."""
    found: dict[str, Any] = {name: _short(value) for name, value in data.items()}
    if len(json.dumps(found)) <= MOST_BYTES - 4096:
        return found
    left: dict[str, Any] = {name: found[name] for name in _KEPT if name in found}
    numbers = {name: len(value) for name, value in data.items() if isinstance(value, (list, dict))}
    return {**left, "truncated": True, "counts": numbers}


def _short(value: Any) -> Any:
    match value:
        case str():
            return _cut(value)
        case list():
            short = [_short(item) for item in value[:_LONGEST_LIST]]
            return short if len(value) <= _LONGEST_LIST else [*short, {"more": len(value) - _LONGEST_LIST}]
        case dict():
            return {_cut(name): _short(item) for name, item in value.items()}
        case _:
            return value


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
