"""The small receiver: believes what is signed and fresh, tells each event once, and is not brought down."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from wrapctl.notify.listen import MOST_BYTES, Listener, Received, make_server
from wrapctl.notify.signature import sign

NOW = 1_700_000_000
BODY = json.dumps({"id": "e-1", "type": "com.wrapctl.plan.made"}).encode()


def signed(body: bytes = BODY, secret: str = "s3cret", event: str = "e-1", at: int = NOW) -> dict[str, str]:
    return {
        "webhook-id": event,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret, event, at, body),
        "idempotency-key": event,
    }


@pytest.fixture
def listener() -> Listener:
    return Listener("s3cret", lambda: float(NOW))


def test_a_signed_event_is_told_once(listener: Listener) -> None:
    first = listener.receive(signed(), BODY)
    assert first == Received(204, "e-1", signed=True, body=json.loads(BODY))
    again = listener.receive(signed(at=NOW + 60), BODY)
    assert (again.status, again.again) == (204, True)


def test_what_is_not_believed_is_not_remembered_either(listener: Listener) -> None:
    assert listener.receive(signed(secret="other"), BODY).status == 401
    assert listener.receive(signed(at=NOW - 301), BODY).why == "the timestamp is 301 s away from now"
    assert listener.receive({}, BODY).status == 401
    assert not listener.receive(signed(), BODY).again


def test_a_key_that_was_not_signed_is_refused(listener: Listener) -> None:
    assert listener.receive({**signed(), "idempotency-key": "e-2"}, BODY).status == 400


def test_a_body_that_is_not_json_is_refused(listener: Listener) -> None:
    assert listener.receive(signed(b"{"), b"{").status == 400
    deep = b"[" * 200_000
    assert listener.receive(signed(deep), deep).status == 400


def test_without_a_secret_everything_is_taken_as_it_is() -> None:
    listener = Listener("", lambda: 0.0)
    assert listener.receive({"idempotency-key": "k"}, b"{}") == Received(204, "k", body={})
    assert listener.receive({"idempotency-key": "k"}, b"{}").again
    assert not listener.receive({}, b"{}").again


@contextmanager
def listening(listener: Listener, told: list[Received]) -> Iterator[int]:
    server = make_server(listener, told.append, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_over_a_socket_it_answers_every_kind_of_request(listener: Listener) -> None:
    told: list[Received] = []
    with (
        listening(listener, told) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert client.post("/", content=BODY, headers=signed()).status_code == 204
        assert client.post("/any", content=BODY, headers=signed()).status_code == 204
        refused = client.post("/", content=b"x", headers=signed())
        assert (refused.status_code, refused.text) == (401, told[-1].why)
        assert client.get("/").status_code == 501
        assert _raw(port, str(MOST_BYTES + 1)).startswith(b"HTTP/1.1 413")
        chunks = client.post("/", content=iter([b"a"]))
        assert chunks.status_code == 411
        assert _raw(port, "-1").startswith(b"HTTP/1.1 411")
    assert [one.again for one in told[:2]] == [False, True]


def _raw(port: int, length: str) -> bytes:
    """What a request is answered whose length is not that of its body."""
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        return raw.recv(64)
