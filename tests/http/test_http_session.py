"""What is sent again, what is not, and what each failure is called."""

from __future__ import annotations

import gzip
import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from http_parts import BASE, World, error, ok
from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    Interrupted,
    RateLimited,
    TargetError,
    Unanswered,
    Unauthorized,
    Unreachable,
)
from wrapctl.http.wire import Call, Wire

GET = Call("GET", "/things")
CREATE = Call("POST", "/things", body=b"{}")
QUERY = Call("POST", "/things/query", body=b"{}", repeatable=True)


def test_a_success_comes_back_parsed_with_the_platforms_request_id() -> None:
    world = World([httpx.Response(200, json={"a": 1}, headers={"x-request": "r-1"})])
    reply = world.session.send(GET)
    assert (reply.value, reply.request_id) == ({"a": 1}, "r-1")


def test_requests_are_counted_by_operation_and_not_by_path() -> None:
    world = World([ok(), ok(), ok()])
    world.session.send(Call("GET", "/things/{id}", {"id": "a"}))
    world.session.send(Call("GET", "/things/{id}", {"id": "b"}))
    world.session.send(GET)
    assert world.traffic.requests == {"GET /things/{id}": 2, "GET /things": 1}
    assert world.traffic.total == 3


def test_parameters_are_escaped_so_that_an_id_cannot_point_elsewhere() -> None:
    world = World([ok()])
    world.session.send(Call("GET", "/things/{id}", {"id": "a/../é ?#%2F"}))
    assert world.requests[0].url.raw_path == b"/things/a%2F..%2F%C3%A9%20%3F%23%252F"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_parameter_that_would_shorten_the_path_is_refused(value: str) -> None:
    world = World()
    with pytest.raises(TargetError, match="cannot be the id"):
        world.session.send(Call("DELETE", "/things/{id}", {"id": value}))
    assert world.requests == []


# ── rate limits ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", [GET, CREATE], ids=["read", "create"])
def test_429_is_waited_out_for_every_request_because_it_was_not_carried_out(call: Call) -> None:
    world = World([error(429, retry_after="7"), ok()])
    world.session.send(call)
    assert (world.waits, world.traffic.retries, world.traffic.waited) == ([7.0], 1, 7.0)


def test_429_without_retry_after_waits_longer_each_time() -> None:
    world = World([error(429), error(429), error(429), ok()])
    world.session.send(GET)
    assert world.waits == [3.0, 9.0, 27.0]


def test_a_retry_after_date_is_counted_from_the_replys_own_date() -> None:
    soon = error(429, date="Sun, 06 Nov 1994 08:49:37 GMT", retry_after="Sun, 06 Nov 1994 08:49:47 GMT")
    world = World([soon, ok()])
    world.session.send(GET)
    assert world.waits == [10.0]


def test_a_retry_after_beyond_three_minutes_ends_the_run_at_once() -> None:
    world = World([error(429, retry_after="181")])
    with pytest.raises(RateLimited) as caught:
        world.session.send(GET)
    assert caught.value.answer.retry_after == 181
    assert world.waits == []


def test_429_is_not_waited_for_endlessly() -> None:
    world = World([error(429, retry_after="1") for _ in range(10)])
    with pytest.raises(RateLimited):
        world.session.send(GET)
    assert len(world.requests) == 10


def test_a_request_to_stop_ends_a_wait_and_sends_nothing_more() -> None:
    world = World([error(429, retry_after="100"), ok()])
    world.stop_after_waits = 1
    with pytest.raises(Interrupted):
        world.session.send(GET)
    assert len(world.requests) == 1


def test_after_a_request_to_stop_nothing_is_sent() -> None:
    world = World([ok()])
    world.stop.set()
    with pytest.raises(Interrupted):
        world.session.send(GET)
    assert world.requests == []


def test_the_pace_is_kept_and_a_small_plan_is_not_slowed() -> None:
    world = World([ok() for _ in range(25)], per_minute=10)
    for _ in range(10):
        world.session.send(GET)
    assert world.now == 0
    for _ in range(15):
        world.session.send(GET)
    assert world.now == pytest.approx(120)


# ── servers and connections ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", [GET, QUERY], ids=["get", "query"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_tried_again_where_repeating_is_safe(call: Call, status: int) -> None:
    world = World([error(status), error(status), ok()])
    world.session.send(call)
    assert len(world.requests) == 3


def test_a_server_error_that_stays_is_answered_with_the_platforms_words() -> None:
    world = World([error(503) for _ in range(4)])
    with pytest.raises(Answered, match=r"GET /things answered 503 some\.code: some words"):
        world.session.send(GET)
    assert world.script == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_is_never_sent_again_after_a_server_error(status: int) -> None:
    world = World([error(status), ok()])
    with pytest.raises(Answered):
        world.session.send(CREATE)
    assert len(world.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 501])
def test_other_errors_are_the_targets_to_read(status: int) -> None:
    world = World([error(status)])
    with pytest.raises(Answered) as caught:
        world.session.send(GET)
    assert type(caught.value) is Answered
    assert caught.value.answer.status == status


def test_403_is_forbidden_and_not_tried_again() -> None:
    world = World([error(403)])
    with pytest.raises(Forbidden):
        world.session.send(GET)


@pytest.mark.parametrize("failure", [httpx.ConnectError("no route"), httpx.ConnectTimeout("slow")])
def test_what_was_never_sent_may_be_sent_again_even_a_create(failure: Exception) -> None:
    world = World([failure, ok()])
    world.session.send(CREATE)
    assert len(world.requests) == 2


def test_a_host_that_is_not_reached_is_unreachable_and_nothing_was_sent() -> None:
    world = World([httpx.ConnectError("no route") for _ in range(4)])
    with pytest.raises(Unreachable, match="was not reached: no route"):
        world.session.send(CREATE)
    assert world.script == []


def test_a_lost_answer_to_a_create_is_unanswered_and_it_is_sent_once() -> None:
    world = World([httpx.ReadError("reset"), ok()])
    with pytest.raises(Unanswered):
        world.session.send(CREATE)
    assert len(world.requests) == 1


def test_a_lost_answer_to_a_read_is_asked_for_again() -> None:
    world = World([httpx.ReadError("reset"), httpx.ReadTimeout("slow"), ok()])
    world.session.send(GET)
    assert len(world.waits) == 2


class Cut(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b'{"a":'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


@pytest.mark.parametrize("status", [200, 500])
def test_half_a_body_is_an_incomplete_read_of_a_read_and_unanswered_of_a_write(status: int) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Cut(), headers={"x-request": "r-9"})

    with pytest.raises(IncompleteRead, match="r-9"):
        World([cut] * 4).session.send(GET)
    with pytest.raises(Unanswered, match="r-9"):
        World([cut]).session.send(CREATE)


@pytest.mark.parametrize(
    "body", [b'{"a": 1', b"", b"<html>", b"null", b"3", b'"x"', b"\xff\xfe", b"[" * 100_000], ids=range(8)
)
def test_a_success_without_json_is_no_success(body: bytes) -> None:
    with pytest.raises(IncompleteRead):
        World([httpx.Response(200, content=body) for _ in range(4)]).session.send(GET)
    with pytest.raises(Unanswered):
        World([httpx.Response(200, content=body)]).session.send(CREATE)


def test_a_success_whose_body_nobody_needs_may_be_empty() -> None:
    world = World([httpx.Response(204)])
    assert world.session.send(Call("DELETE", "/things"), expect="nothing").status == 204


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    world = World([httpx.Response(status, headers={"location": "https://evil.example/"})])
    with pytest.raises(Answered) as caught:
        world.session.send(GET)
    assert "never followed" in caught.value.hint
    assert [request.url.host for request in world.requests] == ["api.example.com"]


# ── tokens ─────────────────────────────────────────────────────────────────────────────────────────────────


class Tokens:
    def __init__(self) -> None:
        self.number = 1

    def header(self) -> str:
        return f"Bearer token-{self.number}"

    def refused(self, header: str) -> None:
        assert header == f"Bearer token-{self.number}"
        self.number += 1


@pytest.mark.parametrize("call", [GET, CREATE], ids=["read", "create"])
def test_401_is_tried_once_more_with_a_new_token(call: Call) -> None:
    world = World([error(401), ok()], auth=Tokens())
    world.session.send(call)
    assert [r.headers["authorization"] for r in world.requests] == ["Bearer token-1", "Bearer token-2"]


def test_401_with_a_new_token_is_unauthorized() -> None:
    world = World([error(401), error(401)], auth=Tokens())
    with pytest.raises(Unauthorized):
        world.session.send(GET)


# ── the door ───────────────────────────────────────────────────────────────────────────────────────────────

FOREIGN = [
    kind
    for name in httpx.__all__
    if inspect.isclass(kind := getattr(httpx, name)) and issubclass(kind, Exception)
]


def made(kind: type[Exception]) -> Exception:
    if kind is httpx.HTTPStatusError:
        request = httpx.Request("GET", BASE)
        return httpx.HTTPStatusError("x", request=request, response=httpx.Response(500, request=request))
    takes_message = "message" in inspect.signature(kind).parameters or kind.__init__ is Exception.__init__
    return kind("x") if takes_message else kind()


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("call", [GET, CREATE], ids=["read", "create"])
def test_every_exception_of_httpx_comes_out_as_one_of_ours(kind: type[Exception], call: Call) -> None:
    world = World([made(kind) for _ in range(4)])
    with pytest.raises((Unreachable, Unanswered)):
        world.session.send(call)


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
def test_every_exception_while_a_body_is_read_comes_out_as_one_of_ours(kind: type[Exception]) -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"{"
            raise made(kind)

    def cut(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Broken())

    with pytest.raises(IncompleteRead):
        World([cut] * 4).session.send(GET)


def test_a_secret_that_a_server_or_a_network_echoes_is_masked() -> None:
    body = {"message": "bad secret s3cret/+ and s3cret%2F%2B and Bearer abcdefghijkl"}
    for answer in (httpx.Response(400, json=body), httpx.ReadError("s3cret/+ was refused")):
        world = World([answer])
        world.redact.add("s3cret/+")
        with pytest.raises(TargetError) as caught:
            world.session.send(CREATE)
        assert "s3cret" not in str(caught.value)
        assert "abcdefghijkl" not in str(caught.value)


def test_no_more_requests_are_in_flight_than_the_wire_allows() -> None:
    lock, flying, most = threading.Lock(), [0], [0]
    together = threading.Barrier(3)

    def answer(request: httpx.Request) -> httpx.Response:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        together.wait(5)
        with lock:
            flying[0] -= 1
        return ok()

    world = World()
    world.wire = Wire(BASE, world.traffic, concurrency=3, transport=httpx.MockTransport(answer))
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: world.wire.exchange(GET, {}), range(12)))
    assert most == [3]
    assert world.traffic.total == 12


def test_a_calls_own_headers_are_sent_and_never_take_the_place_of_the_login() -> None:
    world = World([ok()])
    call = Call("GET", "/things", headers=(("If-Match", 'W/"1"'), ("Authorization", "mine")))
    world.session.send(call, header="Bearer theirs")
    sent = world.requests[0].headers
    assert (sent["If-Match"], sent["Authorization"]) == ('W/"1"', "Bearer theirs")


@pytest.mark.parametrize("tag", ["", "a\r\nX-Evil: 1", "\u2603", "\x00"])
def test_a_header_that_cannot_stand_on_one_line_is_refused_before_anything_is_sent(tag: str) -> None:
    world = World([ok()])
    with pytest.raises(TargetError, match="cannot be the If-Match of PATCH /things"):
        world.session.send(Call("PATCH", "/things", headers=(("If-Match", tag),)))
    assert world.requests == []
    assert world.traffic.total == 0


def test_an_answer_larger_than_was_asked_for_is_refused_however_it_was_packed() -> None:
    packed = httpx.Response(
        200, content=gzip.compress(b"[" + b" " * 100_000 + b"]"), headers={"Content-Encoding": "gzip"}
    )
    world = World([packed, httpx.Response(200, json={"a": 1})])
    with pytest.raises(TargetError, match=r"GET /things: api\.example\.com sent more than 1,000 bytes"):
        world.session.send(Call("GET", "/things", most=1000))
    assert world.session.send(Call("GET", "/things", most=1000)).value == {"a": 1}
    assert len(world.requests) == 2
