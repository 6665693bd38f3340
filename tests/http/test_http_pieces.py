"""The pure pieces: hosts, paces, delays, and the words of a failed answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.errors import PlatformAnswer, UsageError
from wrapctl.http.answer import platform_answer
from wrapctl.http.pacing import WINDOW, Pacing
from wrapctl.http.retry import Policy, Reason, retry_after
from wrapctl.http.wire import Reply, check_base_url


@pytest.mark.parametrize(
    "url", ["https://api.mypurecloud.de", "http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:80"]
)
def test_https_and_this_machine_are_hosts(url: str) -> None:
    assert check_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mypurecloud.de",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://x",
        "https://",
        "api.mypurecloud.de",
        "https://user:pw@host",
        "https://host/path",
        "https://host?x=1",
        "http://10.0.0.1",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_base_url(url)
    assert "pw" not in str(caught.value)


@given(steps=st.lists(st.floats(0, 30), max_size=80), limit=st.integers(1, 10))
def test_no_minute_ever_holds_more_requests_than_the_limit(steps: list[float], limit: int) -> None:
    now = 0.0
    pacing = Pacing(limit, lambda: now)
    sent: list[float] = []
    for step in steps:
        now += step
        while (delay := pacing.delay()) > 0:
            now += delay
        sent.append(now)
    for start in sent:
        assert len([time for time in sent if start <= time < start + WINDOW - 1e-6]) <= limit


def test_a_pause_holds_everybody_and_a_shorter_one_does_not_cut_it() -> None:
    now = 0.0
    pacing = Pacing(None, lambda: now)
    pacing.pause(10)
    pacing.pause(2)
    assert pacing.delay() == 10
    now = 10.0
    assert pacing.delay() == 0


@given(
    reason=st.sampled_from(Reason),
    failed=st.integers(1, 20),
    after=st.none() | st.floats(0, 1000),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_a_delay_never_ends_before_what_was_asked_nor_goes_on_for_ever(
    reason: Reason, failed: int, after: float | None, jitter: float
) -> None:
    policy = Policy()
    delay = policy.delay(reason, failed, after, jitter)
    if delay is None:
        most = policy.rate_limit_attempts if reason is Reason.RATE_LIMIT else policy.attempts
        assert failed >= most or (after is not None and after > policy.longest)
    else:
        assert delay >= (after or 0)
        assert delay <= policy.longest + 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("12", 12),
        (" 7 ", 7),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("9" * 40, 999999999),
    ],
)
def test_retry_after_is_read_in_whole_seconds(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds


def words(body: bytes, **headers: str) -> PlatformAnswer:
    return platform_answer("GET /x", Reply(400, headers, body, "r-1"), lambda text: text)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", "", ""),
        (b"plain  words\n", "", "plain words"),
        (b"<html><head><TITLE>502 Bad &lt;Gateway&gt;</TITLE>", "", "502 Bad <Gateway>"),
        (b"<p>no title</p>", "", ""),
        (b'{"code":"bad.request","message":"no"}', "bad.request", "no"),
        (b'{"error":"invalid_client","error_description":"who?"}', "invalid_client", "who?"),
        (b'{"type":"about:blank","title":"Conflict","detail":"taken"}', "", "taken"),
        (b'{"title":"Conflict"}', "", "Conflict"),
        (b'{"error":{"code":"0x80","message":"inner"}}', "0x80", "inner"),
        (b'{"error":{"message":"Failed","detail":"by a rule"},"status":"failure"}', "", "Failed: by a rule"),
        (b'{"error":{"message":"Failed","detail":null},"status":"failure"}', "", "Failed"),
        (b'[{"errorCode":"INVALID","message":"first"}]', "INVALID", "first"),
        (b'[{"errorCode":"A","message":"m","fields":["X__c",3]},{}]', "A", "m (fields: X__c) (and 1 more)"),
        (b'{"code":4,"message":null,"details":[{"fieldName":"name"},3]}', "", " (fields: name)"),
        (b'{"message":"m","limit":{"namespace":"a","key":"b","value":3}}', "", "m (limit a.b: 3)"),
        (b"null", "", ""),
        (b"[]", "", ""),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
    ],
)
def test_the_platforms_words_are_found_in_any_body(body: bytes, code: str, message: str) -> None:
    answer = words(body)
    assert (answer.code, answer.message, answer.request_id) == (code, message.strip(), "r-1")


def test_a_long_answer_is_cut() -> None:
    assert len(words(b"x" * 10_000).message) == 500


@given(st.binary())
def test_no_body_is_so_odd_that_it_cannot_be_told(body: bytes) -> None:
    assert words(body).status == 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["code", "message", "error", "details", "limit"]), inner)
        ),
    )
)
def test_no_json_is_so_odd_that_it_cannot_be_told(body: Any) -> None:
    assert words(json.dumps(body).encode()).status == 400
