from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.orgs import SMALL, Caller, Clock, refused
from wrapctl.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
BY_CODE: dict[str, Any] = {"groupBy": ["wrapUpCode"], "metrics": ["nConversations"]}
TOLD = [
    {"queue": "Sales Line", "code": "Sale", "count": 7, "days_ago": 3, "handle_seconds": 100},
    {"queue": "Sales Line", "code": "Sale", "count": 2, "days_ago": 3, "media": "email", "acw_seconds": 0},
    {"queue": "Sales Line", "code": "ININ-WRAP-UP-TIMEOUT", "count": 5, "days_ago": 20},
    {"queue": "Help Desk", "count": 4, "days_ago": 20},
    {"queue": "Help Desk", "code": "Sale", "count": 1, "at": "2020-05-05T12:00:00Z"},
]


class Told:
    """A small org with a past."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.box = Sandbox(folder, self.clock)
        self.box.seed_org(SMALL | {"conversations": TOLD})
        self.admin = Caller(self.box.wsgi, "sandbox-small")

    def days(self, first: float, last: float) -> str:
        now = datetime.fromtimestamp(self.clock.now, UTC)
        return "/".join((now - timedelta(days=ago)).isoformat() for ago in (first, last))

    def ask(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        reply = self.admin("POST", AGGREGATES, {"interval": self.days(30, 0)} | query)
        assert reply.status_code == 200, reply.get_json()
        found: list[dict[str, Any]] = reply.get_json().get("results", [])
        return found

    def counted(self, query: dict[str, Any]) -> dict[str, int]:
        """Contacts by what their group is called, over media types."""
        found: dict[str, int] = {}
        for result in self.ask(query):
            name = " ".join(v for k, v in result["group"].items() if k != "mediaType")
            count = sum(
                m["stats"]["count"]
                for data in result["data"]
                for m in data["metrics"]
                if m["metric"] == "nConversations"
            )
            found[name] = found.get(name, 0) + count
        return found


@pytest.fixture
def org(tmp_path: Path) -> Told:
    return Told(tmp_path)


def test_conversations_are_counted_by_code_within_the_interval(org: Told) -> None:
    sale = org.admin.code("Sale")["id"]
    assert org.counted(BY_CODE) == {sale: 9, "ININ-WRAP-UP-TIMEOUT": 5, "": 4}
    assert org.counted(BY_CODE | {"interval": org.days(10, 0)}) == {sale: 9}
    assert org.counted(BY_CODE | {"interval": "2020-05-05T00:00:00Z/2020-05-06T00:00:00Z"}) == {sale: 1}


def test_a_group_is_split_by_media_type_whether_or_not_it_was_asked_for(org: Told) -> None:
    groups = [result["group"] for result in org.ask(BY_CODE | {"interval": org.days(10, 0)})]
    assert sorted(group["mediaType"] for group in groups) == ["email", "voice"]


def test_times_have_count_and_sum_of_those_that_took_any(org: Told) -> None:
    (voice,) = (
        result
        for result in org.ask({"groupBy": ["wrapUpCode"], "metrics": ["tHandle", "tAcw"]})
        if "Sale" not in result["group"] and result["data"][0]["metrics"][0]["stats"]["sum"] == 700_000
    )
    assert [one["metric"] for one in voice["data"][0]["metrics"]] == ["tHandle", "tAcw"]
    (email,) = (
        result
        for result in org.ask({"groupBy": ["wrapUpCode"], "metrics": ["tAcw", "tHandle"]})
        if result["group"]["mediaType"] == "email"
    )
    assert [one["metric"] for one in email["data"][0]["metrics"]] == ["tHandle"]


def test_a_filter_asks_for_codes_and_queues(org: Told) -> None:
    sale, line = org.admin.code("Sale")["id"], org.admin.queue("Sales Line")["id"]

    def either(dimension: str, *values: str) -> dict[str, Any]:
        return {"type": "or", "predicates": [{"dimension": dimension, "value": one} for one in values]}

    clauses = [either("wrapUpCode", sale, "ININ-WRAP-UP-TIMEOUT"), either("queueId", line)]
    assert sum(org.counted(BY_CODE | {"filter": {"type": "and", "clauses": clauses}}).values()) == 14
    without = {"type": "and", "predicates": [{"dimension": "wrapUpCode", "operator": "notExists"}]}
    assert org.counted(BY_CODE | {"filter": without}) == {"": 4}


def test_a_granularity_cuts_the_interval(org: Told) -> None:
    results = org.ask({"metrics": ["nConversations"], "granularity": "P10D"})
    counts = [
        data["metrics"][0]["stats"]["count"]
        for result in results
        for data in result["data"]
        if result["group"] == {"mediaType": "voice"}
    ]
    assert counts == [9, 7]


def test_nothing_found_is_a_body_without_results(org: Told) -> None:
    reply = org.admin("POST", AGGREGATES, BY_CODE | {"interval": org.days(900, 800)})
    assert reply.get_json() == {}


def test_somebody_handles_more_contacts(org: Told) -> None:
    org.box.edit("small", {"op": "add_conversations", "queue": "Help Desk", "code": "Solved", "count": 3})
    assert org.counted(BY_CODE)[org.admin.code("Solved")["id"]] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": "yesterday"},
        {"interval": "2020-01-02T00:00:00Z/2020-01-01T00:00:00Z"},
        {"metrics": []},
        {"metrics": ["wrapUps"]},
        {"filter": {"type": "xor"}},
        {"filter": {"type": "and", "predicates": [{"dimension": "wrapUpCode", "operator": "like"}]}},
        {"granularity": "sometimes"},
        {"queryType": "topN"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(org: Told, wrong: dict[str, Any]) -> None:
    reply = org.admin("POST", AGGREGATES, {"interval": org.days(30, 0)} | BY_CODE | wrong)
    assert refused(reply)[0] == 400
