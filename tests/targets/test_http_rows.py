"""Reading and writing rows of an HTTP endpoint: whole pages or an error, one request and one outcome per row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_org import CrmOrg
from genesys_org import Clock
from targets import crm_contract_suite as suite
from targets.crm_contract_suite import found, read, row, rule, written
from targets.crm_http import FULL, NOON, PATH, SYSTEM, HttpHarness, PostingHarness, org
from wrapctl.errors import IncompleteRead, TargetError, Unauthorized, UsageError
from wrapctl.model import Change, Fields, Live, Lock, Value, Verb, row_address
from wrapctl.plan.units import Unit
from wrapctl.rows import Place
from wrapctl.targets.http_rows.target import connect
from wrapctl.targets.interface import Connection, CrmConnection, Outcome, Result, Target, Want
from wrapctl.targets.shared_rows.connected import Connected

WHOLE = Want(rows={SYSTEM: None})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HttpHarness]:
    harness = HttpHarness(tmp_path)
    yield harness
    harness.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., HttpHarness]]:
    made: list[HttpHarness] = []

    def one(given: dict[str, Value] | None = None, **seed: Any) -> HttpHarness:
        harness = HttpHarness.__new__(HttpHarness)
        harness.org = org(tmp_path, given, **seed)
        harness._readonly = harness.org.target
        made.append(harness)
        return harness

    yield one
    for each in made:
        each.close()


# ── an endpoint that answers by script ─────────────────────────────────────────────────────────────────────


class Endpoint:
    """Answers in order with what the script says, and keeps what was asked."""

    def __init__(self, *script: object, **given: Any) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []
        self.clock = Clock()
        self.target = self.connect(**given)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        return item if isinstance(item, httpx.Response) else httpx.Response(200, json=item)

    def connect(
        self,
        target: dict[str, Value] | None = None,
        options: dict[str, object] | None = None,
        credentials: tuple[str, ...] = ("token",),
        endpoint: str = "https://desk.example",
    ) -> Connected:
        secrets = {name: (lambda name=name: f"the-{name}") for name in credentials}
        connection = Connection("acme.desk", endpoint, "", secrets, Path(), options=options or {})
        crm = CrmConnection("http", connection, (Place(SYSTEM, "acme", target or {}),))
        return connect(
            crm,
            self.clock.runtime,
            None,
            transport=httpx.MockTransport(self.answer),
            jitter=lambda: 0.0,
            clock=lambda: NOON,
            nonce="n",
        )

    def read(self, keys: frozenset[str] | None = None) -> Live:
        return self.target.reader().read(Want(rows={SYSTEM: keys}))

    def write(self, change: Change, fresh: Live | None = None) -> Outcome:
        unit = Unit("x", "", (change,))
        (outcome,) = self.target.writer().write(unit, fresh or self.read(frozenset()))
        return outcome

    @property
    def sent(self) -> list[str]:
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.requests]


def change(verb: Verb, before: Fields, after: Fields, live_id: str | None = None) -> Change:
    made = Change(verb, row_address("acme", SYSTEM, "to/A"), before, after, live_id=live_id, digest="d")
    return replace(made, system=SYSTEM, lock=Lock.COMPARE)


NEW: Fields = {"key": "to/A", "code": "A", "category": "sales", "value": "Won"}
HELD = {"key": "acme/desk/to/A", "wrapUpCode": "A", "category": "sales", "crmDisposition": "Won"}
OWN = "/rows/acme%2Fdesk%2Fto%2FA"

# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_of_many_pages_is_read_whole(make: Callable[..., HttpHarness]) -> None:
    rows = [{"key": f"acme/desk/to/C{n:02}", "crmDisposition": f"V{n}"} for n in range(25)]
    world = make({"query": (("limit", "10"),)}, rows=rows)
    live = read(world)
    assert [one.key for one in live.rows] == [f"to/C{n:02}" for n in range(25)]
    assert (live.complete, live.total) == (True, 25)
    assert len(world.org.sent("GET")) == 3


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([{"rows": [{"key": "a"}], "next": "x"}, {"rows": [{"key": "b"}], "next": "x"}], "do not end"),
        ([{"rows": [{"key": "a"}], "next": "x"}, {"rows": [{"key": "a"}]}], "'a' came twice"),
        ([{"rows": [{"key": "a"}], "total": 2}], "1 rows came and the endpoint counts 2"),
        ([{"rows": [{"key": "a"}], "total": 2, "next": "x"}, {"rows": [], "total": 3}], "the total changed"),
        ([{"rows": [{"key": "a"}], "next": "https://evil.example/rows"}], "somewhere else"),
        ([{"error": "no"}], "no list of rows"),
        ([{"rows": [{"id": "a"}]}], "has no key"),
    ],
)
def test_a_listing_that_contradicts_itself_is_an_error(pages: list[object], why: str) -> None:
    endpoint = Endpoint(*pages)
    with pytest.raises(IncompleteRead, match=why):
        endpoint.read()
    assert {one.url.host for one in endpoint.requests} == {"desk.example"}


def test_a_listing_may_lie_anywhere_in_the_answer_and_lead_on_by_addresses() -> None:
    pages = [
        {
            "data": {"items": [{"id": "acme/desk/to/A"}]},
            "links": {"next": "https://desk.example/api/rows?p=2"},
        },
        {"data": {"items": [{"id": "theirs"}]}, "links": {"next": None}},
    ]
    options: dict[str, Value] = {
        "path": "/api/rows",
        "rows": "data.items",
        "next": "links.next",
        "key_member": "id",
    }
    endpoint = Endpoint(*pages, target=options)
    live = endpoint.read().crm[SYSTEM]
    assert [(one.key, one.mine) for one in live.rows] == [("theirs", False), ("to/A", True)]
    assert endpoint.sent == ["GET /api/rows", "GET /api/rows?p=2"]


def test_a_table_alone_costs_nothing_and_keys_cost_the_listing() -> None:
    endpoint = Endpoint({"rows": [HELD, {"key": "theirs"}]})
    assert endpoint.read(frozenset()).crm[SYSTEM].rows == ()
    assert endpoint.sent == []
    some = endpoint.read(frozenset({"to/A", "to/B"})).crm[SYSTEM]
    assert ([one.key for one in some.rows], some.complete) == (["to/A"], False)


# ── logins ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bearer_token_is_sent_as_it_is_and_masked_in_every_answer() -> None:
    refusals = [httpx.Response(401, text="no the-token here")] * 2
    endpoint = Endpoint(*refusals)
    with pytest.raises(Unauthorized) as caught:
        endpoint.read()
    assert endpoint.requests[0].headers["authorization"] == "Bearer the-token"
    assert "the-token" not in f"{caught.value}{caught.value.hint}"


def test_client_credentials_are_sent_to_their_own_host_alone() -> None:
    options = {"token_url": "https://login.example/oauth2/token", "scope": "rows.write", "login": "basic"}
    login = {"access_token": "t", "expires_in": 300}
    endpoint = Endpoint(login, {"rows": []}, options=options, credentials=("client_id", "client_secret"))
    endpoint.read()
    first, second = endpoint.requests
    assert str(first.url) == "https://login.example/oauth2/token"
    assert first.headers["authorization"].startswith("Basic ")
    assert first.content == b"grant_type=client_credentials&scope=rows.write"
    assert (second.url.host, second.headers["authorization"]) == ("desk.example", "Bearer t")


def test_without_a_token_url_the_endpoint_is_asked_for_a_token() -> None:
    endpoint = Endpoint({"access_token": "t"}, {"rows": []}, credentials=("client_id", "client_secret"))
    endpoint.read()
    assert endpoint.sent[0] == "POST /oauth/token"
    assert b"client_secret=the-client_secret" in endpoint.requests[0].content


@pytest.mark.parametrize(
    "given",
    [
        {"endpoint": "http://desk.example"},
        {"endpoint": "https://desk.example/base"},
        {"credentials": ("client_id",)},
        {"options": {"token_url": "http://login.example/t"}, "credentials": ("client_id", "client_secret")},
        {"options": {"surprise": "x"}},
        {"target": {"path": "rows"}},
    ],
)
def test_a_connection_that_makes_no_sense_is_refused_before_anything_is_sent(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Endpoint(**given)


def test_systems_that_could_not_tell_their_rows_apart_are_refused(tmp_path: Path) -> None:
    prefix = {"path": PATH, "prefix": "shared/"}
    with pytest.raises(UsageError, match="taken for those of"):
        CrmOrg(tmp_path, connect, "http", {"one": prefix, "two": prefix})


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_create_puts_the_template_under_its_key_with_an_idempotency_key() -> None:
    endpoint = Endpoint(httpx.Response(201, headers={"X-Request-Id": "r-1"}))
    outcome = endpoint.write(change(Verb.CREATE_ROW, {}, NEW))
    assert (outcome.result, outcome.live_id, outcome.request_id) == (Result.DONE, "acme/desk/to/A", "r-1")
    (request,) = endpoint.requests
    assert endpoint.sent == [f"PUT {OWN}"]
    assert json.loads(request.content) == {
        "wrapUpCode": "A",
        "category": "sales",
        "crmDisposition": "Won",
        "syncTimestamp": "2026-01-31T12:00:00Z",
    }
    assert len(request.headers["idempotency-key"]) == 40
    assert "if-match" not in request.headers
    assert "if-none-match" not in request.headers


def test_an_etag_of_the_listing_goes_into_if_match_promised_or_not() -> None:
    for options in ({}, {"etag": "true"}):
        endpoint = Endpoint({"rows": [{**HELD, "etag": '"7"'}]}, httpx.Response(204), target=dict(options))
        fresh = endpoint.read()
        outcome = endpoint.write(
            change(Verb.UPDATE_ROW, NEW, {**NEW, "value": "Lost"}, "acme/desk/to/A"), fresh
        )
        assert outcome.result is Result.DONE
        assert endpoint.requests[-1].headers["if-match"] == '"7"'
        assert json.loads(endpoint.requests[-1].content)["crmDisposition"] == "Lost"


def test_a_promised_etag_that_the_listing_lacks_is_fetched_with_the_row() -> None:
    etag = httpx.Response(200, json={k: v for k, v in HELD.items() if k != "key"}, headers={"ETag": 'W/"9"'})
    endpoint = Endpoint({"rows": [HELD]}, etag, httpx.Response(204), target={"etag": "true"})
    outcome = endpoint.write(change(Verb.DELETE_ROW, NEW, {}, "acme/desk/to/A"), endpoint.read())
    assert outcome.result is Result.DONE
    assert endpoint.sent[1:] == [f"GET {OWN}", f"DELETE {OWN}"]
    assert endpoint.requests[-1].headers["if-match"] == 'W/"9"'


@pytest.mark.parametrize(
    ("one", "result", "words"),
    [
        (httpx.Response(200, json=HELD), Result.REFUSED, "gave no ETag"),
        (
            httpx.Response(200, json={**HELD, "crmDisposition": "Theirs"}, headers={"ETag": '"1"'}),
            Result.STALE,
            "value",
        ),
        (httpx.Response(404, json={}), Result.STALE, "404"),
        (httpx.Response(403, json={}), Result.BUSY, "403"),
        (
            httpx.Response(200, json=HELD, headers=[(b"ETag", '"☃"'.encode())]),
            Result.REFUSED,
            "cannot be the If-Match",
        ),
    ],
)
def test_without_a_usable_etag_nothing_is_written(one: httpx.Response, result: Result, words: str) -> None:
    endpoint = Endpoint({"rows": [HELD]}, one, target={"etag": "true"})
    outcome = endpoint.write(
        change(Verb.UPDATE_ROW, NEW, {**NEW, "value": "Lost"}, "acme/desk/to/A"), endpoint.read()
    )
    assert outcome.result is result
    assert words in outcome.message
    assert endpoint.sent[1:] == [f"GET {OWN}"]


def test_where_etags_are_promised_a_create_never_overwrites() -> None:
    refusal = httpx.Response(412, json={"title": "Precondition Failed", "detail": "there"})
    endpoint = Endpoint(refusal, target={"etag": "true"})
    outcome = endpoint.write(change(Verb.CREATE_ROW, {}, NEW))
    assert endpoint.requests[0].headers["if-none-match"] == "*"
    assert outcome.result is Result.EXISTS
    assert "there" in outcome.message


def test_a_posted_row_goes_to_the_listing_and_tells_its_key(tmp_path: Path) -> None:
    world = PostingHarness(tmp_path)
    (outcome,) = written(world, suite.create(world, row(world, "A")))
    assert outcome.live_id == "acme/desk/to/A"
    live = found(read(world), "to/A")
    written(world, suite.update(world, live, value="x"))
    assert [line.partition("?")[0] for line in world.org.sent(path=PATH) if not line.startswith("GET")] == [
        f"POST {PATH}",
        f"PATCH {PATH}/acme/desk/to/A",
    ]
    world.close()


def test_a_row_without_a_place_for_active_cannot_be_deactivated(make: Callable[..., HttpHarness]) -> None:
    world = make({"body": tuple(pair for pair in FULL if pair[0] != "active")})
    written(world, suite.create(world, row(world, "A")))
    unit = Unit("x", "", (suite.deactivate(world, found(read(world), "to/A")),))
    (outcome,) = world.target.writer().write(unit, suite.read_live(world))
    assert outcome.result is Result.REFUSED
    assert "{active}" in outcome.hint


def test_a_rule_is_not_sent_where_the_template_would_lose_its_condition() -> None:
    endpoint = Endpoint()
    rule_row: Fields = {**NEW, "key": "from/status=Closed", "direction": "from_crm", "status": "Closed"}
    outcome = endpoint.write(change(Verb.CREATE_ROW, {}, rule_row))
    assert outcome.result is Result.REFUSED
    assert "{status}" in outcome.hint
    assert endpoint.sent == []


def test_the_timestamp_is_never_part_of_what_is_compared(world: HttpHarness) -> None:
    written(world, suite.create(world, row(world, "A")))
    assert "timestamp" not in read(world).fields
    (stored,) = world.org.rows.values()
    assert stored["syncTimestamp"] == NOON.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert stored["meta"]["text"] == "A is Value of A"


# ── endpoints that rows are only sent to ───────────────────────────────────────────────────────────────────


def test_what_cannot_be_read_back_is_sent_and_never_compared() -> None:
    options: dict[str, Value] = {
        "send_only": "true",
        "method": "POST",
        "body": (("note", "{code}: {value}"),),
    }
    endpoint = Endpoint(httpx.Response(202), target=options)
    rows = endpoint.read().crm[SYSTEM]
    assert (rows.rows, rows.compared, endpoint.sent) == ((), False, [])
    assert rows.fields == {"key", "code", "value"}
    outcome = endpoint.write(replace(change(Verb.CREATE_ROW, {}, NEW), lock=Lock.SENT))
    assert outcome.result is Result.DONE
    assert endpoint.sent == ["POST /rows"]
    assert json.loads(endpoint.requests[0].content) == {"note": "A: Won"}


def test_a_sent_row_that_is_there_already_is_refused_with_the_way_to_send_it_anew() -> None:
    endpoint = Endpoint(
        httpx.Response(409, json={"detail": "taken"}), target={"send_only": "true", "etag": "true"}
    )
    outcome = endpoint.write(change(Verb.CREATE_ROW, {}, NEW))
    assert outcome.result is Result.REFUSED
    assert "method: PUT" in outcome.hint
    assert "if-none-match" not in endpoint.requests[0].headers


def test_a_gateway_that_refuses_slashes_gets_none(make: Callable[..., HttpHarness]) -> None:
    world = make({"separator": ":"})
    written(world, suite.create(world, row(world, "A")))
    assert world.org.sent("PUT") == [f"PUT {PATH}/acme:desk:to:A"]
    live = found(read(world), "to/A")
    assert written(world, suite.update(world, live, value="x"))[0].result is Result.DONE


def test_a_sent_row_whose_answer_is_lost_goes_out_again_under_its_idempotency_key() -> None:
    lost = [httpx.ReadError("gone"), httpx.Response(503), httpx.Response(200)]
    endpoint = Endpoint(*lost, target={"send_only": "true", "method": "POST"})
    outcome = endpoint.write(change(Verb.CREATE_ROW, {}, NEW))
    assert outcome.result is Result.DONE
    assert len({one.headers["idempotency-key"] for one in endpoint.requests}) == 1
    assert len({one.content for one in endpoint.requests}) == 1


def test_a_row_that_can_be_read_back_is_sent_once_whatever_happens() -> None:
    endpoint = Endpoint(httpx.ReadError("gone"))
    assert endpoint.write(change(Verb.CREATE_ROW, {}, NEW)).result is Result.UNKNOWN
    assert len(endpoint.requests) == 1


def test_the_sandbox_takes_sent_rows_once_for_each_idempotency_key(make: Callable[..., HttpHarness]) -> None:
    options: dict[str, Value] = {"send_only": "true", "method": "POST"}
    world = make(options, settings={"read_back": False})
    changes = [suite.create(world, row(world, name)) for name in ("A", "B")]
    for _ in range(2):
        assert [one.result for one in written(world, *changes)] == [Result.DONE] * 2
    assert len(world.org.rows) == 2


# ── and whatever else may come ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 500])
def test_a_read_that_is_refused_is_an_error(status: int) -> None:
    endpoint = Endpoint(*[httpx.Response(status, json={"detail": "m"})] * 4)
    with pytest.raises(TargetError):
        endpoint.read()


def test_a_key_of_somebody_else_never_becomes_a_path() -> None:
    endpoint = Endpoint({"rows": [{**HELD, "key": ".."}, {**HELD, "key": "../admin"}]})
    assert [one.mine for one in endpoint.read().crm[SYSTEM].rows] == [False, False]


def test_a_condition_longer_than_a_key_may_be_is_found_again(world: HttpHarness) -> None:
    long = rule(world, 1, status="x" * 300)
    (outcome,) = written(world, suite.create(world, long))
    assert outcome.result is Result.DONE
    assert found(read(world), str(long["key"])).fields["status"] == "x" * 300


def test_reader_and_writer_are_those_of_one_target(world: HttpHarness) -> None:
    target: Target = world.target
    assert target.reader().identity().sandbox
    assert target.traffic.total == 0
    assert target.capabilities.systems[SYSTEM].lock(Verb.UPDATE_ROW) is Lock.CONDITIONAL
