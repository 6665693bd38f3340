"""The audit trail of a Genesys Cloud org (contract section 10): asked for, waited for, read by cursor.

A query runs on its own; all that are needed are started first, and then waited for together. No source says how
long an interval may be or which service owns wrap-up codes: the interval is cut into months, and the services are
read from the org itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from wrapctl.errors import Answered, IncompleteRead, Interrupted
from wrapctl.targets.genesys import dependants, usage
from wrapctl.targets.genesys.api import Api
from wrapctl.targets.genesys.convert import NO_BODY, Body, member
from wrapctl.targets.genesys.interval import months, stamp
from wrapctl.targets.interface import AuditEntry, Dependants, Usage

QUERY: Final = "/api/v2/audits/query"
SERVICES: Final = "/api/v2/audits/query/servicemapping"
STATUS: Final = "/api/v2/audits/query/{transactionId}"
RESULTS: Final = "/api/v2/audits/query/{transactionId}/results"

ENTITIES: Final = {
    "code": "WrapupCode",
    "queue": "Queue",
    "outbound": "WrapUpCodeMapping",
    "table": "Schema",
    "row": "Row",
}
_USUAL: Final = {
    "wrapupcode": "ContactCenter",
    "queue": "ContactCenter",
    "wrapupcodemapping": "Outbound",
    "schema": "Datatables",
    "row": "Datatables",
}
"""Entity type → service, as last published; used where the org tells nothing."""

_KINDS: Final = {entity.lower(): kind for kind, entity in ENTITIES.items()}
_MOST_IDS: Final = 5
"""So many objects are asked for one by one; more of a kind are cheaper in one query."""
_PAGE: Final = 500
_MOST_PAGES: Final = 2_000
_PATIENCE: Final = 120.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 10.0
_RUNNING: Final = frozenset({"Queued", "Running"})

Changes = tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query: of a type of entity in a service, of one object where ``entity_id`` says which."""

    service: str
    entity: str
    entity_id: str


class GenesysEvidence:
    """Asks one org through ``api``; ``client`` gives the id of the OAuth client of this connection."""

    by_object = False
    keeps = frozenset(ENTITIES)

    def __init__(self, connected: Api, client: Callable[[], str]) -> None:
        self._api = connected
        self._client = client

    def own_client(self) -> str:
        """The OAuth client of this connection."""
        return self._client()

    def audit(
        self,
        since: datetime,
        until: datetime,
        *,
        about: Mapping[str, frozenset[str] | None],
        names: bool = False,
    ) -> tuple[AuditEntry, ...]:
        """What was done to some objects between the two times, oldest first.

        Raises:
            Forbidden: the client lacks audits:audit:view.
            IncompleteRead: a query failed, took too long, or its pages make no sense.
            TargetError: it was not read.
        """
        owners = self._owners()
        wanted = [one for kind, ids in sorted(about.items()) for one in _queries(kind, ids, owners)]
        started = [self._start(one, interval) for one in wanted for interval in months(since, until)]
        self._api.tell("audit trail", 0, len(started))
        found: dict[AuditEntry, None] = {}
        waited = 0.0
        for number, query in enumerate(started, 1):
            waited = self._until_done(query, waited)
            for body in self._results(query, names=names):
                found.update(dict.fromkeys(entries(body)))
            self._api.tell("audit trail", number, len(started))
        # Of one moment, the platform's own order says what came first.
        return tuple(sorted(found, key=lambda entry: entry.at))

    def usage(
        self,
        since: datetime,
        until: datetime,
        *,
        codes: frozenset[str] | None = None,
        queues: frozenset[str] | None = None,
    ) -> Usage:
        """How often codes were chosen between the two times.

        Raises:
            Forbidden: the client lacks analytics:conversationAggregate:view.
            TargetError: not all of it was read.
        """
        return usage.read(self._api, since, until, codes=codes, queues=queues)

    def dependants(self, objects: Mapping[str, frozenset[str]]) -> Mapping[str, Dependants]:
        """What else names codes and queues, as far as Architect knows.

        Raises:
            Interrupted: the run was asked to stop.
        """
        return dependants.read(self._api, objects)

    def _owners(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Return what the org calls entity types and the services that own them, by type in lower case."""
        found: dict[str, list[tuple[str, str]]] = {}
        try:
            body = self._api.get(SERVICES).value
        except Answered as error:
            if error.answer.status != 404:
                raise
            body = {}
        services = body.get("services") if isinstance(body, dict) else None
        for service in services if isinstance(services, list) else ():
            for entity in _bodies(service, "entities"):
                name = str(entity.get("name"))
                found.setdefault(name.lower(), []).append((str(service.get("name")), name))
        return {name: tuple(sorted(set(pairs))) for name, pairs in found.items()}

    def _start(self, asked: _Asked, interval: str) -> str:
        filters = [{"property": "EntityType", "value": asked.entity}]
        if asked.entity_id:
            filters.append({"property": "EntityId", "value": asked.entity_id})
        body = {
            "interval": interval,
            "serviceName": asked.service,
            "filters": filters,
            "sort": [{"name": "Timestamp", "sortOrder": "ascending"}],
        }
        query = self._api.ask(QUERY, json.dumps(body)).value
        query_id = query.get("id") if isinstance(query, dict) else None
        if not isinstance(query_id, str) or not query_id:
            raise IncompleteRead(f"POST {QUERY}: the platform did not say which query this is")
        return query_id

    def _until_done(self, query: str, waited: float) -> float:
        """Wait until a query is done; return how long was waited in all.

        Raises:
            IncompleteRead: it failed, or everything together took too long.
            Interrupted: the run was asked to stop.
        """
        pause = _FIRST_WAIT
        while True:
            body = self._api.get(STATUS, {"transactionId": query}).value
            state = str(body.get("state")) if isinstance(body, dict) else ""
            if state == "Succeeded":
                return waited
            if state not in _RUNNING:
                raise IncompleteRead(f"GET {STATUS}: the audit query ended as {state or 'nothing'}")
            if waited >= _PATIENCE:
                raise IncompleteRead(
                    f"GET {STATUS}: the audit query is still {state.lower()} after {waited:.0f} s",
                    hint="run again later: the platform may be busy",
                )
            if self._api.wait(pause):
                raise Interrupted("stopped while waiting for the audit trail")
            waited += pause
            pause = min(pause * 2, _LONGEST_WAIT)

    def _results(self, query: str, *, names: bool) -> Iterator[Body]:
        cursor: tuple[tuple[str, str], ...] = ()
        seen: set[str] = set()
        expand = (("expand", "user"),) if names else ()
        for _ in range(_MOST_PAGES):
            asked = (("pageSize", str(_PAGE)), *cursor, *expand)
            body = self._api.get(RESULTS, {"transactionId": query}, asked).value
            page = body if isinstance(body, dict) else {}
            lines = page.get("entities")
            if not isinstance(lines, list) or not all(isinstance(one, dict) for one in lines):
                raise IncompleteRead(f"GET {RESULTS}: the answer is not a page of the audit trail")
            yield from lines
            following = page.get("cursor")
            if not isinstance(following, str) or not following:
                return
            if following in seen:
                break
            seen.add(following)
            cursor = (("cursor", following),)
        raise IncompleteRead(f"GET {RESULTS}: the pages never end")


def _queries(
    kind: str, ids: frozenset[str] | None, owners: Mapping[str, tuple[tuple[str, str], ...]]
) -> Iterator[_Asked]:
    entity = ENTITIES.get(kind)
    if entity is None or (ids is not None and not ids):
        return
    if not owners:
        owners = {entity.lower(): ((_USUAL[entity.lower()], entity),)}
    # The mapping is one object for all codes, and how an audit names a row is not documented.
    single = ids is not None and kind in {"code", "queue"} and len(ids) <= _MOST_IDS
    for service, name in owners.get(entity.lower(), ()):
        for entity_id in sorted(ids or ()) if single else [""]:
            yield _Asked(service, name, entity_id)


# ── from the platform's lines to entries: pure ─────────────────────────────────────────────────────────────


def entries(body: Body) -> Iterator[AuditEntry]:
    """Yield what one audit message says, an entry for each kind of thing that it changed.

    A message of a queue may be about its codes, its after-call work and anything else at once; one of the outbound
    mapping about many codes. What failed did not happen.
    """
    kind = _KINDS.get(str(body.get("entityType")).lower(), "other")
    if str(body.get("status") or "SUCCESS").upper() == "FAILURE":
        return
    about = member(body, "entity")
    entity_id, name = str(about.get("id") or ""), str(about.get("name") or "")
    parts: dict[tuple[str, str], list[tuple[str, tuple[str, ...], tuple[str, ...]]]] = {}
    for change in _bodies(body, "propertyChanges"):
        old, new = _texts(change.get("oldValues")), _texts(change.get("newValues"))
        whose, field = _part(kind, str(change.get("property")))
        parts.setdefault(whose, []).append((field, old, new))
    for change in _bodies(body, "entityChanges"):
        if kind == "queue" and str(change.get("entityType")).lower() == "wrapupcode":
            told = tuple(str(change[key]) for key in ("entityId", "entityName") if change.get(key))
            off = bool(_texts(change.get("oldValues"))) and not _texts(change.get("newValues"))
            parts.setdefault(("assignment", ""), []).append(
                ("codes", told if off else (), () if off else told)
            )
    actor_kind, actor = _actor(body)
    parent, slash, _ = entity_id.partition("/") if kind == "row" else ("", "", "")
    for (part, inner), changes in parts.items() or {(kind, ""): []}.items():
        yield AuditEntry(
            at=_utc(str(body.get("eventDate"))),
            actor_id=str(actor.get("id") or ""),
            actor_kind=actor_kind,
            action=str(body.get("action") or "").lower(),
            kind=part,
            id=inner or entity_id,
            name="" if inner else name,
            parent=parent if slash else "",
            actor_name=str(actor.get("name") or ""),
            changes=tuple(changes),
            request_id=str(member(body, "context").get("correlationId") or ""),
        )


def _part(kind: str, name: str) -> tuple[tuple[str, str], str]:
    """Return kind and inner object of a changed property, and the field it is in wrapctl's words."""
    folded = name.lower().replace("_", "")
    if kind == "queue":
        if "wrapupcode" in folded:
            return ("assignment", ""), "codes"
        if folded.startswith("acw"):
            return ("after-call work", ""), "after-call work"
    if kind == "outbound":
        word, dot, code = name.partition(".")
        return (kind, code if dot and word.lower() == "mapping" else ""), "outbound"
    return (kind, ""), "division" if folded in {"division", "divisionid", "division.id"} else name


def _actor(body: Body) -> tuple[Literal["user", "client", "unknown"], Body]:
    for word in ("user", "client"):
        actor = member(body, word)
        if actor.get("id"):
            return ("user" if word == "user" else "client"), actor
    return "unknown", NO_BODY


def _utc(text: str) -> str:
    """Return a date in UTC, as it is where it cannot be read."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return stamp(aware)


def _bodies(body: object, key: str) -> list[dict[str, object]]:
    value = body.get(key) if isinstance(body, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
