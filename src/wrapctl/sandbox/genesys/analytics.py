"""Conversation aggregates (contract section 10), from what a seed says of conversations.

A seed's entry stands for ``count`` contacts that were handled alike. A group has the media type besides what was
asked for, which no contract forbids; nothing found is a body without ``results``.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys.call import Answer
from wrapctl.sandbox.genesys.errors import Refusal, invalid_value
from wrapctl.sandbox.objects import dumps
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wrapctl.sandbox.genesys.call import Call
    from wrapctl.sandbox.objects import Json

KIND = "conversations"
DIMENSIONS = ("wrapUpCode", "queueId", "mediaType")
"""The dimensions that conversations have here; others exist, and nothing is in them."""
_METRIC = re.compile(r"[nto][A-Z][A-Za-z]*\Z")
_PERIOD = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?\Z")
_MOST_PERIODS = 2000


def entry(given: Json, queue_id: str, code_id: str) -> Json:
    """Return what is kept of a seed's entry: who handled how many contacts, when, and for how long on average."""
    kept: Json = {"queueId": queue_id, "wrapUpCode": code_id}
    kept |= {"mediaType": given.get("media", "voice"), "count": int(given["count"])}
    kept["handle_ms"] = int(float(given.get("handle_seconds", 240)) * 1000)
    kept["acw_ms"] = int(float(given.get("acw_seconds", 30)) * 1000)
    if "at" in given:
        kept["at"] = _time(given["at"]).isoformat()
    else:
        # A story has no date: these contacts always were so many days ago.
        kept["days_ago"] = float(given.get("days_ago", 1))
    return kept


def post_aggregates(call: Call) -> Answer:
    """POST /api/v2/analytics/conversations/aggregates/query: sums by group, within the interval."""
    given = call.object_body()
    start, end = _interval(given.get("interval"))
    metrics, dimensions = given.get("metrics"), given.get("groupBy", [])
    if not isinstance(metrics, list) or not metrics or not isinstance(dimensions, list):
        raise Refusal(400, "bad.request")
    for metric in metrics:
        if not isinstance(metric, str) or not _METRIC.match(metric):
            raise invalid_value(metric, "metrics", "nConversations, tAcw, tHandle, …")
    if given.get("queryType", "groupBy") != "groupBy":
        raise invalid_value(given["queryType"], "queryType", "groupBy")
    test = given.get("filter", {})
    periods = list(_periods(start, end, given.get("granularity")))
    groups: dict[tuple[tuple[str, str], ...], dict[int, list[Json]]] = {}
    now = datetime.fromtimestamp(call.clock(), UTC)
    for one in _kept(call):
        at = _time(one["at"]) if "at" in one else now - timedelta(days=one["days_ago"])
        number = next((n for n, (first, last) in enumerate(periods) if first <= at < last), None)
        if number is None or not _passes(test, one):
            continue
        named = [name for name in DIMENSIONS if name in dimensions or name == "mediaType"]
        group = tuple((name, one[name]) for name in named if one[name])
        groups.setdefault(group, {}).setdefault(number, []).append(one)
    results = [
        {
            "group": dict(group),
            "data": [
                {
                    "interval": "/".join(_written(when) for when in periods[number]),
                    "metrics": list(_metrics(metrics, members)),
                }
                for number, members in sorted(data.items())
            ],
        }
        for group, data in sorted(groups.items())
    ]
    return Answer(dumps({"results": results} if results else {}))


def _kept(call: Call) -> list[Json]:
    with call.read() as tx:
        sql = "select body from objects where org = ? and kind = ? and until = ? order by id"
        return [json.loads(body) for (body,) in tx.con.execute(sql, (tx.org.name, KIND, FOREVER))]


def _metrics(asked: list[str], members: list[Json]) -> Iterator[Json]:
    count = sum(one["count"] for one in members)
    for metric in asked:
        if metric == "nConversations":
            yield {"metric": metric, "stats": {"count": count}}
        part = {"tHandle": "handle_ms", "tAcw": "acw_ms"}.get(metric)
        done = [one for one in members if part and one[part]]
        if part and done:
            lengths = [one[part] for one in done]
            stats = {"max": max(lengths), "min": min(lengths), "count": sum(one["count"] for one in done)}
            yield {
                "metric": metric,
                "stats": stats | {"sum": sum(one["count"] * one[part] for one in done)},
            }


def _passes(test: object, one: Json) -> bool:
    """Whether a conversation passes a filter: predicates, and clauses of predicates."""
    if not isinstance(test, dict) or (test and test.get("type") not in {"and", "or"}):
        raise Refusal(400, "bad.request")
    predicates, clauses = test.get("predicates", []), test.get("clauses", [])
    if not isinstance(predicates, list) or not isinstance(clauses, list):
        raise Refusal(400, "bad.request")
    found = [_holds(item, one) for item in predicates] + [_passes(item, one) for item in clauses]
    return not found or (all(found) if test["type"] == "and" else any(found))


def _holds(predicate: object, one: Json) -> bool:
    if not isinstance(predicate, dict) or not isinstance(predicate.get("dimension"), str):
        raise Refusal(400, "bad.request")
    value = one.get(predicate["dimension"], "")
    match predicate.get("operator", "matches"):
        case "matches":
            return bool(value) and value == predicate.get("value")
        case "exists":
            return bool(value)
        case "notExists":
            return not value
        case other:
            raise invalid_value(other, "operator", "matches, exists, notExists")


def _periods(start: datetime, end: datetime, granularity: object) -> Iterator[tuple[datetime, datetime]]:
    if granularity is None:
        yield start, end
        return
    found = _PERIOD.match(str(granularity))
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    step = timedelta(days=days, hours=hours, minutes=minutes)
    if not step or (end - start) / step > _MOST_PERIODS:
        raise invalid_value(granularity, "granularity", "P1D, PT1H, …")
    while start < end:
        yield start, min(start + step, end)
        start += step


def _interval(text: object) -> tuple[datetime, datetime]:
    start, slash, end = str(text or "").partition("/")
    try:
        first, last = _time(start), _time(end)
    except ValueError:
        raise invalid_value(text, "interval", "YYYY-MM-DDThh:mm:ss/YYYY-MM-DDThh:mm:ss") from None
    if not slash or first >= last:
        raise invalid_value(text, "interval", "YYYY-MM-DDThh:mm:ss/YYYY-MM-DDThh:mm:ss")
    return first, last


def _time(text: object) -> datetime:
    when = datetime.fromisoformat(str(text))
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _written(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
