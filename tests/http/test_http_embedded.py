"""An app in this process must look exactly like a host: paths, queries, bodies, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from wrapctl.http.embedded import EmbeddedTransport

seen: dict[str, Any] = {}


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    seen.clear()
    seen.update(environ, body=environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2"), ("X-Id", "7")])
    return [b"o", b"k"]


def client(what: Any, *dropped: type[Exception]) -> httpx.Client:
    return httpx.Client(
        transport=EmbeddedTransport(what, dropped=dropped), base_url="http://api.sandbox.invalid"
    )


def test_a_path_is_decoded_once_and_a_query_not_at_all() -> None:
    with client(app) as http:
        http.get("/things/a%2Fb%20%C3%BC%2525", params=[("name", "a b&c=ü"), ("id", "1"), ("id", "2")])
    assert seen["PATH_INFO"].encode("latin-1").decode("utf-8") == "/things/a/b ü%25"
    assert seen["QUERY_STRING"] == "name=a+b%26c%3D%C3%BC&id=1&id=2"


def test_headers_and_body_arrive_as_from_a_server() -> None:
    with client(app) as http:
        reply = http.post("/x", content=b'{"a":1}', headers={"Content-Type": "application/json", "X-A": "b"})
    assert (seen["REQUEST_METHOD"], seen["body"]) == ("POST", b'{"a":1}')
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"], seen["HTTP_X_A"]) == ("application/json", "7", "b")
    assert (reply.status_code, reply.text, reply.headers["x-id"]) == (200, "ok", "7")


@pytest.mark.parametrize("body", [[b"o"], [], [b"o", b"k", b"!"]], ids=["short", "empty", "long"])
def test_a_body_of_another_length_than_announced_is_no_success(body: list[bytes]) -> None:
    def cut(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        return body

    with client(cut) as http, pytest.raises(httpx.RemoteProtocolError, match="2 were announced"):
        http.get("/")


class Dropped(Exception):
    pass


def test_a_dropped_connection_is_a_read_error_wherever_it_drops() -> None:
    def at_once(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise Dropped("gone")

    def later(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"half"
        raise Dropped("gone")

    for broken in (at_once, later):
        with client(broken, Dropped) as http, pytest.raises(httpx.ReadError, match="gone"):
            http.get("/")


def test_a_mistake_of_the_app_is_not_taken_for_a_lost_connection() -> None:
    def wrong(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ZeroDivisionError

    with client(wrong, Dropped) as http, pytest.raises(ZeroDivisionError):
        http.get("/")


def test_an_app_may_start_late_write_by_hand_and_wants_its_answer_closed() -> None:
    closed: list[int] = []

    class Answer:
        def __init__(self, start_response: Any) -> None:
            self.start = start_response

        def __iter__(self) -> Iterator[bytes]:
            write = self.start("200 OK", [("Content-Length", "4")])
            write(b"by")
            yield b"e!"

        def close(self) -> None:
            closed.append(1)

    with client(lambda environ, start: Answer(start)) as http:
        assert http.get("/").text == "bye!"
    assert closed == [1]


def test_an_app_that_never_starts_is_a_protocol_error() -> None:
    with client(lambda environ, start: []) as http, pytest.raises(httpx.RemoteProtocolError):
        http.get("/")
