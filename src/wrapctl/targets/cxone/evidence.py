"""The history of dispositions on a CXone tenant (contract section 4): who changed which column, and when.

There is one history for each disposition, and none of skills: who assigned a disposition, or changed after-call
work, cannot be known. Of how often dispositions are chosen, and what else names them, the contract has nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from wrapctl.errors import Answered, IncompleteRead
from wrapctl.targets.cxone.api import AUDIT_HISTORY, Api
from wrapctl.targets.cxone.convert import Body, identifier, text
from wrapctl.targets.interface import AuditEntry, Dependants

_FIELDS: Final = {
    "dispositionname": "name",
    "name": "name",
    "notes": "description",
    "classificationid": "classification",
    "classification": "classification",
    "isactive": "active",
    "active": "active",
    "status": "active",
    "ispreviewdisposition": "preview",
    "ispreview": "preview",
}
_RECORDS: Final = ("auditHistoryRecords", "auditHistoryEntries")
"""What the list of records is called; sibling resources have the other name."""


class CxoneEvidence:
    """Asks one tenant through ``api``."""

    by_object = True
    keeps = frozenset({"code"})

    def __init__(self, connected: Api) -> None:
        self._api = connected

    def own_client(self) -> str:
        """Nothing: a token does not say whose access key it came from."""
        return ""

    def audit(
        self,
        since: datetime,
        until: datetime,
        *,
        about: Mapping[str, frozenset[str] | None],
        names: bool = False,
    ) -> tuple[AuditEntry, ...]:
        """What was done to some dispositions between the two times, oldest first.

        Raises:
            Forbidden: the role of this user may not see it.
            IncompleteRead: an answer is no history.
            TargetError: it was not read; 404 for every disposition says that this version has no histories.
        """
        ids = sorted(about.get("code") or ())
        bodies = self._api.each(self._history, ids, "audit history")
        missing = [one for one in bodies if isinstance(one, Answered)]
        if ids and len(missing) == len(ids):
            raise missing[0]
        first, last = _stamp(since), _stamp(until)
        found = [
            entry
            for disposition, body in zip(ids, bodies, strict=True)
            if not isinstance(body, Answered)
            for entry in entries(disposition, body, names=names)
            if first <= entry.at < last
        ]
        return tuple(sorted(found, key=lambda entry: entry.at))

    def usage(
        self,
        since: datetime,
        until: datetime,
        *,
        codes: frozenset[str] | None = None,
        queues: frozenset[str] | None = None,
    ) -> None:
        """Nothing: no operation of the Admin API tells how often dispositions are chosen."""

    def dependants(self, objects: Mapping[str, frozenset[str]]) -> Mapping[str, Dependants]:
        """Unknown for all: no operation tells what else (a script, a campaign, a profile) names a disposition."""
        why = "the Admin API does not tell what else names a disposition or a skill"
        return {one: Dependants(complete=False, why=why) for ids in objects.values() for one in ids}

    def _history(self, disposition: str) -> Body | Answered:
        try:
            reply = self._api.history(disposition)
        except Answered as error:
            if error.answer.status == 404:
                return error
            raise
        if reply is None:
            return {}
        if not isinstance(reply, dict):
            raise IncompleteRead(f"GET {AUDIT_HISTORY}: the answer is no history")
        return reply


# ── from the platform's records to entries: pure ───────────────────────────────────────────────────────────


def entries(disposition: str, body: Body, *, names: bool) -> Iterator[AuditEntry]:
    """Yield what a history says: one entry for all columns that one person changed at one time.

    Who created it is told by name alone, so that it is nobody's id.
    """
    records = next((body[key] for key in _RECORDS if isinstance(body.get(key), list)), [])
    together: dict[tuple[str, str, str], list[tuple[str, tuple[str, ...], tuple[str, ...]]]] = {}
    # The platform tells the newest first.
    for record in reversed(records) if isinstance(records, list) else ():
        if not isinstance(record, dict):
            continue
        column = text(record, "columnName")
        field = _FIELDS.get(column.lower().replace(" ", "").replace("_", ""), column)
        who = (_utc(text(record, "date")), identifier(record, "modifiedBy"), text(record, "modifiedByName"))
        change = (field, _values(record.get("oldValue")), _values(record.get("newValue")))
        together.setdefault(who, []).append(change)
    created = _utc(text(body, "createdDate"))
    for (at, actor, name), changes in together.items():
        yield AuditEntry(
            at=at,
            actor_id=actor,
            actor_kind="user" if actor else "unknown",
            action="create" if at == created else "update",
            kind="code",
            id=disposition,
            actor_name=name if names else "",
            changes=tuple(sorted(changes)),
        )
    if created and not any(at == created for at, _, _ in together):
        yield AuditEntry(
            at=created,
            actor_id="",
            actor_kind="unknown",
            action="create",
            kind="code",
            id=disposition,
            actor_name=text(body, "createdBy") if names else "",
        )


def _values(value: object) -> tuple[str, ...]:
    return () if value in (None, "") else (str(value),)


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"


def _utc(date: str) -> str:
    """Return a date in UTC, as it is where it cannot be read; one without a zone is taken for UTC."""
    try:
        when = datetime.fromisoformat(date)
    except ValueError:
        return date
    return _stamp(when if when.tzinfo else when.replace(tzinfo=UTC))
