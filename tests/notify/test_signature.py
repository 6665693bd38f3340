"""Signatures: those of the standard, and nothing that is not signed, fresh and whole."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.notify.signature import NotSigned, key_of, sign, verify

NOW = 1_614_265_330
BODY = b'{"test": 2432232314}'


def headers(signature: str, event: str = "msg_1", timestamp: str = str(NOW)) -> dict[str, str]:
    return {"webhook-id": event, "webhook-timestamp": timestamp, "webhook-signature": signature}


def test_the_example_of_the_standard_comes_out() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, BODY)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(
    secret=st.text(min_size=1).filter(lambda text: not text.startswith("whsec_") and text.isascii()),
    body=st.binary(),
)
def test_what_was_signed_is_believed_and_any_other_byte_is_not(secret: str, body: bytes) -> None:
    given = headers(sign(secret, "msg_1", NOW, body))
    assert verify(secret, given, body, NOW) == "msg_1"
    with pytest.raises(NotSigned, match="wrong"):
        verify(secret, given, body + b" ", NOW)
    with pytest.raises(NotSigned, match="wrong"):
        verify(secret, {**given, "webhook-id": "msg_2"}, body, NOW)
    with pytest.raises(NotSigned, match="wrong"):
        verify(secret, {**given, "webhook-timestamp": str(NOW + 1)}, body, NOW)


def test_one_right_signature_of_several_is_enough_while_a_secret_changes() -> None:
    both = f"{sign('old', 'msg_1', NOW, BODY)} {sign('new', 'msg_1', NOW, BODY)}"
    assert verify("new", headers(both), BODY, NOW) == verify("old", headers(both), BODY, NOW) == "msg_1"


@pytest.mark.parametrize("off", [-301, 301])
def test_a_stale_or_early_one_is_not_believed(off: int) -> None:
    given = headers(sign("s", "msg_1", NOW, BODY))
    with pytest.raises(NotSigned, match="301 s away") as refused:
        verify("s", given, BODY, NOW + off)
    assert refused.value.stale


@pytest.mark.parametrize(
    "broken",
    [
        {"webhook-id": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "²"},
    ],
)
def test_headers_that_make_no_sense_are_not_believed(broken: dict[str, str]) -> None:
    with pytest.raises(NotSigned):
        verify("s", {**headers(sign("s", "msg_1", NOW, BODY)), **broken}, BODY, NOW)


def test_an_encoded_secret_must_be_one() -> None:
    assert key_of("whsec_" + base64.b64encode(b"key").decode()) == b"key"
    with pytest.raises(ValueError, match="base64"):
        key_of("whsec_???")
