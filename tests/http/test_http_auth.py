"""The login is driven by hand here: no socket, no server, no clock."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import inf
from urllib.parse import parse_qs

import httpx
import pytest

from http_parts import BASE, World, error, ok
from wrapctl.errors import (
    Answered,
    Interrupted,
    PlatformAnswer,
    RateLimited,
    TargetError,
    Unauthorized,
    Unreachable,
)
from wrapctl.http.auth import (
    Ask,
    ClientCredentials,
    FixedToken,
    Grant,
    GrantKeeper,
    Pause,
    Token,
    grant_login,
    login,
)
from wrapctl.http.redact import Redactor
from wrapctl.http.wire import Reply

SECRET = "s3cret-äöü"
Flow = Generator[Ask | Pause, Reply | PlatformAnswer | None, Token]
BUSY = PlatformAnswer("POST /oauth/token", 400, "invalid_request", "Rate limit exceeded the maximum [300]")
REFUSED = PlatformAnswer("POST /oauth/token", 401, "invalid_client", "client not found")


def begun() -> tuple[Flow, Ask | Pause]:
    flow = login("acme", "id", SECRET)
    return flow, next(flow)


def answered(flow: Flow, reply: Reply | PlatformAnswer) -> Token:
    with pytest.raises(StopIteration) as done:
        flow.send(reply)
    token = done.value.value
    assert isinstance(token, Token)
    return token


def granted(**body: object) -> Reply:
    return Reply(200, {}, b"", value=body)


def test_the_login_is_a_form_with_basic_authorization_and_may_be_repeated() -> None:
    _, ask = begun()
    assert isinstance(ask, Ask)
    assert (ask.call.operation, ask.call.body) == ("POST /oauth/token", b"grant_type=client_credentials")
    assert ask.call.content_type == "application/x-www-form-urlencoded"
    assert ask.call.may_repeat
    scheme, _, value = ask.header.partition(" ")
    assert (scheme, b64decode(value).decode()) == ("Basic", f"id:{SECRET}")


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(86400, 86340), (300, 240), (100, 50), (None, 240), ("x", 240), (True, 240), (-5, 240)],
)
def test_a_token_is_given_up_early_and_its_life_is_never_assumed(expires_in: object, seconds: float) -> None:
    flow, _ = begun()
    assert answered(flow, granted(access_token="t", expires_in=expires_in)) == Token("t", seconds)


@pytest.mark.parametrize("token", [None, "", " ", 3, "tök", "a\nb"])
def test_an_answer_without_a_usable_token_is_no_login(token: object) -> None:
    flow, _ = begun()
    with pytest.raises(Unauthorized, match="holds no access token"):
        flow.send(granted(access_token=token))


def test_the_odd_400_of_the_token_endpoint_is_waited_out() -> None:
    flow, _ = begun()
    pauses = []
    for _ in range(3):
        pause = flow.send(BUSY)
        assert isinstance(pause, Pause)
        pauses.append(pause.seconds)
        assert isinstance(flow.send(None), Ask)
    assert pauses == [3.0, 9.0, 27.0]
    with pytest.raises(RateLimited):
        flow.send(BUSY)


def test_a_refused_login_names_the_org_and_what_to_check_and_never_the_secret() -> None:
    flow, _ = begun()
    with pytest.raises(Unauthorized) as caught:
        flow.send(REFUSED)
    text = f"{caught.value} {caught.value.hint}"
    assert text.startswith("login of acme answered 401 invalid_client: client not found")
    assert "wrapups/acme/org.yaml" in text
    assert "region" in text
    assert SECRET not in text


def test_another_400_is_a_refused_login() -> None:
    flow, _ = begun()
    with pytest.raises(Unauthorized):
        flow.send(PlatformAnswer("POST /oauth/token", 400, "invalid_client", "authentication failed"))


def test_no_secret_is_in_what_the_protocol_prints() -> None:
    flow, ask = begun()
    token = answered(flow, granted(access_token="t0ken", expires_in=1000))
    assert "t0ken" not in repr(token)
    assert b64decode(b"aWQ6") == b"id:"
    assert "aWQ6" not in repr(ask)


# ── who drives it ──────────────────────────────────────────────────────────────────────────────────────────


def credentials(world: World, secret: Callable[[], str] = lambda: SECRET) -> ClientCredentials:
    return ClientCredentials("acme", (lambda: "id", secret), world.session, world.runtime, world.redact)


def test_one_token_serves_until_it_ends() -> None:
    world = World([ok(access_token="one", expires_in=1000), ok(access_token="two", expires_in=1000)])
    auth = credentials(world)
    assert {auth.header(), auth.header()} == {"Bearer one"}
    world.now += 939
    assert auth.header() == "Bearer one"
    world.now += 1
    assert auth.header() == "Bearer two"


def test_a_refused_token_is_replaced_once_however_many_threads_were_refused() -> None:
    world = World([ok(access_token="one"), ok(access_token="two")])
    auth = credentials(world)
    refused = auth.header()
    for _ in range(5):
        auth.refused(refused)
        assert auth.header() == "Bearer two"


def test_many_threads_log_in_once() -> None:
    gate = threading.Barrier(8)

    def slow(request: httpx.Request) -> httpx.Response:
        return ok(access_token="one", expires_in=1000)

    world = World([slow])
    auth = credentials(world)

    def ask(_: int) -> str:
        gate.wait(5)
        return auth.header()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"Bearer one"}
    assert len(world.requests) == 1


def test_the_secret_is_asked_for_only_when_it_is_needed() -> None:
    asked: list[int] = []

    def secret() -> str:
        asked.append(1)
        return SECRET

    auth = credentials(World([ok(access_token="one", expires_in=10)]), secret)
    assert asked == []
    auth.header()
    assert asked == [1]


def test_a_secret_that_the_login_host_echoes_is_masked() -> None:
    world = World([httpx.Response(400, json={"error": "bad", "error_description": f"not {SECRET}"})])
    with pytest.raises(Unauthorized, match=r"not \*\*\*"):
        credentials(world).header()


def test_a_token_that_an_error_echoes_later_is_masked() -> None:
    world = World([ok(access_token="t0ken-t0ken", expires_in=1000)])
    credentials(world).header()
    assert world.redact("no t0ken-t0ken here") == "no *** here"


def test_a_busy_login_waits_and_a_request_to_stop_ends_it() -> None:
    busy = httpx.Response(400, json={"error": "invalid_request", "error_description": "rate limit exceeded"})
    world = World([busy, ok(access_token="one")])
    assert credentials(world).header() == "Bearer one"
    assert world.waits == [3.0]
    world = World([busy])
    world.stop_after_waits = 1
    with pytest.raises(Interrupted):
        credentials(world).header()


def test_a_login_host_that_fails_or_is_not_reached_names_the_org() -> None:
    world = World([httpx.ConnectError("no route") for _ in range(4)])
    with pytest.raises(Unreachable, match="login of acme: "):
        credentials(world).header()
    with pytest.raises(Answered, match="503"):
        credentials(World([error(503) for _ in range(4)])).header()


def test_a_redirect_of_the_login_is_refused_so_that_the_secret_stays_on_its_host() -> None:
    world = World([httpx.Response(302, headers={"location": "https://evil.example/"})])
    with pytest.raises(Unauthorized):
        credentials(world).header()
    assert {str(request.url) for request in world.requests} == {f"{BASE}/oauth/token"}


def test_a_masked_text_holds_no_spelling_of_the_secret() -> None:
    redact = Redactor()
    redact.add("a b/ü")
    redact.add("")
    assert redact("a b/ü a%20b%2F%C3%BC a+b%2F%C3%BC Authorization: Basic YWJjZGVmZ2g=") == (
        "*** *** *** Authorization: Basic ***"
    )


def test_a_secret_too_short_to_be_one_does_not_tear_words_apart() -> None:
    redact = Redactor()
    redact.add("x")
    assert redact("check the proxy") == "check the proxy"


# ── client credentials at any endpoint, and tokens that somebody else made ────────────────────────────────

GRANT = Grant("connection sf of acme", "/services/oauth2/token", "check the connected app", unsaid=inf)


def asked(grant: Grant) -> tuple[Flow, Ask]:
    flow = grant_login(grant, "id+1", SECRET)
    ask = next(flow)
    assert isinstance(ask, Ask)
    return flow, ask


def test_a_client_is_named_in_the_form_and_its_secret_in_no_printed_ask() -> None:
    _, ask = asked(replace(GRANT, form=(("scope", "https://x.example/.default"),)))
    assert ask.header == ""
    assert ask.call.operation == "POST /services/oauth2/token"
    assert parse_qs((ask.call.body or b"").decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["https://x.example/.default"],
        "client_id": ["id+1"],
        "client_secret": [SECRET],
    }
    assert ask.call.may_repeat
    assert "s3cret" not in repr(ask)


def test_a_client_may_be_named_in_the_header_instead_encoded_as_the_standard_says() -> None:
    _, ask = asked(replace(GRANT, basic=True))
    scheme, _, value = ask.header.partition(" ")
    assert (scheme, b64decode(value).decode()) == ("Basic", "id%2B1:s3cret-%C3%A4%C3%B6%C3%BC")
    assert ask.call.body == b"grant_type=client_credentials"


@pytest.mark.parametrize(
    ("expires_in", "seconds"), [(None, inf), ("3599", 3539), (3599, 3539), (inf, inf), ("x", inf)]
)
def test_a_token_whose_life_is_not_said_lasts_as_long_as_its_grant_says(
    expires_in: object, seconds: float
) -> None:
    flow, _ = asked(GRANT)
    assert answered(flow, granted(access_token="t", expires_in=expires_in)) == Token("t", seconds)


def test_a_refused_grant_says_whose_it_is_and_what_to_check() -> None:
    flow, _ = asked(GRANT)
    with pytest.raises(Unauthorized, match="login of connection sf of acme answered 401") as caught:
        flow.send(REFUSED)
    assert caught.value.hint == "check the connected app"
    flow, _ = asked(GRANT)
    with pytest.raises(Unauthorized, match="holds no access token") as caught:
        flow.send(granted(token_type="Bearer"))
    assert caught.value.hint == "check the connected app"


def test_a_token_without_a_known_life_is_kept_until_it_is_refused() -> None:
    world = World([ok(access_token="one"), ok(access_token="two")])
    auth = GrantKeeper(GRANT, (lambda: "id", lambda: SECRET), world.session, world.runtime, world.redact)
    assert auth.header() == "Bearer one"
    world.now += 10_000_000
    assert auth.header() == "Bearer one"
    auth.refused("Bearer one")
    assert auth.header() == "Bearer two"
    assert world.redact(f"{SECRET} one") == "*** one"


def test_a_fixed_token_is_fetched_when_needed_and_again_after_a_refusal() -> None:
    tokens = ["first-token", "second-token"]
    redact = Redactor()
    auth = FixedToken(lambda: tokens.pop(0), redact)
    assert len(tokens) == 2
    assert auth.header() == auth.header() == "Bearer first-token"
    auth.refused("Bearer another")
    assert auth.header() == "Bearer first-token"
    auth.refused("Bearer first-token")
    assert auth.header() == "Bearer second-token"
    assert redact("first-token second-token") == "*** ***"


def test_a_fixed_token_that_no_header_can_carry_is_refused_unshown() -> None:
    with pytest.raises(TargetError) as caught:
        FixedToken(lambda: "tök\nen", Redactor()).header()
    assert "tök" not in str(caught.value)
