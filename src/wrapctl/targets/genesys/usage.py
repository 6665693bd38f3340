"""How often codes were chosen in a Genesys Cloud org: conversation aggregates by code and queue (contract section 10).

What is counted are contacts that an agent handled, ``tHandle``'s count: it is this metric that a code belongs to, and
a contact that two agents closed with two codes counts for both. No source says how long an interval may be, so it is
cut into months (``interval``), whose counts and sums add up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from wrapctl.errors import Forbidden, IncompleteRead
from wrapctl.targets.genesys.api import Api
from wrapctl.targets.genesys.convert import Body
from wrapctl.targets.genesys.interval import months
from wrapctl.targets.interface import Usage, Use

AGGREGATES: Final = "/api/v2/analytics/conversations/aggregates/query"
PERMISSION: Final = "analytics:conversationAggregate:view"
_MOST_IDS: Final = 100
"""More ids of a kind than this are not asked for by name; what is not wanted is left out afterwards."""

_Ids = frozenset[str] | None


def read(api: Api, since: datetime, until: datetime, *, codes: _Ids, queues: _Ids) -> Usage:
    """Return all uses of these codes on these queues; None is all, and reserved words are codes too.

    Raises:
        Forbidden: the client lacks analytics:conversationAggregate:view.
        IncompleteRead: an answer makes no sense.
        TargetError: it was not read.
    """
    if codes == frozenset() or queues == frozenset():
        return Usage((), since, until)

    def ask(interval: str) -> list[Use]:
        try:
            value = api.ask(AGGREGATES, json.dumps(_query(interval, codes, queues))).value
        except Forbidden as error:
            raise Forbidden(error.answer, hint=f"give the client's role {PERMISSION}") from error
        return list(uses(value))

    found = [use for part in api.each(ask, list(months(since, until)), "usage") for use in part]
    return Usage(_added(found, codes, queues), since, until)


def _query(interval: str, codes: _Ids, queues: _Ids) -> dict[str, object]:
    query: dict[str, object] = {
        "interval": interval,
        "groupBy": ["wrapUpCode", "queueId"],
        "metrics": ["tHandle", "tAcw"],
    }
    clauses = [
        {"type": "or", "predicates": [{"dimension": dimension, "value": one} for one in sorted(ids)]}
        for dimension, ids in (("wrapUpCode", codes), ("queueId", queues))
        if ids is not None and len(ids) <= _MOST_IDS
    ]
    return {**query, "filter": {"type": "and", "clauses": clauses}} if clauses else query


def uses(value: object) -> Iterator[Use]:
    """Yield what one answer says, one use for each of its groups and intervals.

    A group may be split further than it was asked to be (by media type); one that names no code or no queue is of
    contacts without. An answer without ``results`` is of no contact at all.

    Raises:
        IncompleteRead: it is no such answer.
    """
    if not isinstance(value, dict):
        raise _senseless()
    for result in _bodies(value.get("results")):
        group = result.get("group")
        if not isinstance(group, dict):
            raise _senseless()
        for data in _bodies(result.get("data")):
            stats = {str(one.get("metric")): one.get("stats") for one in _bodies(data.get("metrics"))}
            handled, handle_ms = _stats(stats.get("tHandle"))
            worked, acw_ms = _stats(stats.get("tAcw"))
            # Who worked on it afterwards handled it, should the one metric come without the other.
            conversations = max(handled, worked)
            if conversations:
                code, queue = str(group.get("wrapUpCode") or ""), str(group.get("queueId") or "")
                yield Use(code, queue, conversations, handle_ms, acw_ms, worked)


def _bodies(value: object) -> list[Body]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _senseless()
    return value


def _stats(value: object) -> tuple[int, int]:
    """Return count and sum in milliseconds."""
    if value is None:
        return 0, 0
    if not isinstance(value, dict):
        raise _senseless()
    return round(_number(value.get("count"))), round(_number(value.get("sum")))


def _number(value: object) -> float:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _senseless()
    return value


def _senseless() -> IncompleteRead:
    return IncompleteRead(f"POST {AGGREGATES}: the answer is no table of conversations by code and queue")


def _added(found: Iterable[Use], codes: _Ids, queues: _Ids) -> tuple[Use, ...]:
    sums: dict[tuple[str, str], Use] = {}
    for use in found:
        if (codes is not None and use.code not in codes) or (queues is not None and use.queue not in queues):
            continue
        before = sums.get((use.code, use.queue), Use(use.code, use.queue, 0))
        sums[use.code, use.queue] = Use(
            use.code,
            use.queue,
            before.conversations + use.conversations,
            before.handle_ms + use.handle_ms,
            before.acw_ms + use.acw_ms,
            before.worked + use.worked,
        )
    return tuple(sorted(sums.values()))
