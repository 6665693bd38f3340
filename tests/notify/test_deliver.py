"""From the outbox to the sinks: what is retried, what is kept and why, what ends the waiting."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from notify.sinks_of import AT, NOON, SECRET, Outside, event, sink
from wrapctl.config.secrets import Where, fetch
from wrapctl.config.sinks import Sink
from wrapctl.errors import ConfigError
from wrapctl.notify.deliver import Courier, Told
from wrapctl.notify.events import Event
from wrapctl.notify.outbox import Outbox
from wrapctl.notify.send import Sender
from wrapctl.notify.signature import verify
from wrapctl.targets.interface import Runtime


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


def bring(outbox: Outbox, outside: Outside, *events: Event, to: Sink | None = None) -> Told:
    """Tell one sink."""
    target = to or sink()
    courier = Courier({target.name: target}, outbox, outside.world)
    courier.tell(events)
    (told,) = courier.finish()
    return told


def waiting(outbox: Outbox, name: str = "wfm") -> list[str]:
    return [one.key for one in outbox.list(name)[0]]


def test_an_event_is_posted_signed_and_whole_and_leaves_the_outbox(outbox: Outbox) -> None:
    outside = Outside()
    assert bring(outbox, outside, event()) == Told("wfm", delivered=1)
    (request,) = outside.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "https://wfm.example.com/hooks/of-ours?sig=abcd1234",
    )
    assert request.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    assert request.headers["idempotency-key"] == event().id
    given = {name.lower(): value for name, value in request.headers.items()}
    assert verify(SECRET, given, request.content, NOON.timestamp()) == event().id
    assert outside.bodies == [event().as_json()]
    assert outbox.sinks() == ()


def test_it_is_in_the_outbox_before_it_is_sent(outbox: Outbox) -> None:
    seen: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(waiting(outbox))
        return httpx.Response(204)

    bring(outbox, Outside([answer]), event())
    assert seen == [[event().id]]


def test_a_sink_gets_what_it_selected_and_nothing_else(outbox: Outbox) -> None:
    outside = Outside()
    choosy = sink(events=("code.*", "com.wrapctl.drift.found"))
    told = bring(outbox, outside, event(1), event(2, "plan.made"), event(3, "drift.found"), to=choosy)
    assert (told.delivered, outside.keys) == (2, [event(1).id, event(3).id])


def test_a_busy_sink_is_asked_again_with_the_same_key(outbox: Outbox) -> None:
    outside = Outside([500, 503, 204])
    assert bring(outbox, outside, event()) == Told("wfm", delivered=1)
    assert outside.keys == [event().id] * 3
    assert len(outside.waits) == 2


def test_a_retry_after_is_obeyed_when_there_is_time_for_it(outbox: Outbox) -> None:
    outside = Outside([lambda _: httpx.Response(429, headers={"retry-after": "7"})])
    assert bring(outbox, outside, event()).delivered == 1
    assert 7.0 <= outside.waits[0] < 8.1


def test_a_dead_sink_is_tried_a_few_times_and_its_events_are_kept(outbox: Outbox) -> None:
    outside = Outside([httpx.ConnectError("refused")] * 50)
    told = bring(outbox, outside, event(1), event(2))
    assert (told.delivered, told.left) == (0, 2)
    assert told.why == "wfm.example.com was not reached: refused"
    # The second is not even tried: whoever is not there for one is not there for the next.
    assert set(outside.keys) == {event(1).id}
    first, second = outbox.list("wfm")[0]
    assert (first.attempts, second.attempts) == (1, 0)
    assert first.why == told.why
    assert first.last.startswith("2026-03-01T12:00:0")


def test_the_time_after_a_run_is_bounded(outbox: Outbox) -> None:
    counted = threading.Event()
    asked: list[float] = []

    def monotonic() -> float:
        if threading.current_thread() is threading.main_thread():
            # First to set the end of the time, then to see how much of it is left.
            asked.append(outside.now)
            if len(asked) == 2:
                counted.set()
        return outside.now

    def busy(_: httpx.Request) -> httpx.Response:
        assert counted.wait(60)
        return httpx.Response(503)

    outside = Outside([busy] * 50)
    courier = Courier({"wfm": sink()}, outbox, replace(outside.world, monotonic=monotonic))
    courier.tell([event()])
    (told,) = courier.finish(2.0)
    assert (told.left, waiting(outbox)) == (1, [event().id])
    assert sum(outside.waits) < 2.0
    assert "answer 503" in told.why


def test_who_was_asked_to_stop_sends_nothing_and_keeps_everything(outbox: Outbox) -> None:
    outside = Outside()
    outside.stop.set()
    told = bring(outbox, outside, event())
    assert (told.left, told.why, outside.requests) == (1, "the run ended before it was sent", [])
    assert outbox.list("wfm")[0][0].attempts == 0


def test_an_event_that_a_sink_does_not_want_does_not_hold_up_the_others(outbox: Outbox) -> None:
    outside = Outside([422, 204])
    told = bring(outbox, outside, event(1), event(2))
    assert (told.delivered, told.left) == (1, 1)
    assert told.why == "wfm.example.com answered 422: as it is"
    assert waiting(outbox) == [event(1).id]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410])
def test_a_sink_that_refuses_everything_is_not_asked_twice(outbox: Outbox, status: int) -> None:
    outside = Outside([lambda _: httpx.Response(status, headers={"location": "https://evil.example/"})] * 5)
    told = bring(outbox, outside, event(1), event(2))
    assert (told.left, len(outside.requests)) == (2, 1)
    assert f"answered {status}" in told.why
    assert outside.requests[0].url.host == "wfm.example.com"


def test_neither_the_secret_nor_the_path_is_in_any_words(outbox: Outbox) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=f"no: {SECRET} {request.url} {request.url.path}")

    told = bring(outbox, Outside([echo]), event())
    kept = outbox.list("wfm")[0][0]
    for words in (told.why, kept.why, kept.path.read_text("utf-8")):
        assert SECRET not in words
        assert "of-ours" not in words
        assert "abcd1234" not in words


def test_a_chat_gets_its_own_body_without_a_signature(outbox: Outbox) -> None:
    outside = Outside()
    chat = sink("chat", secret=None, template={"text": "{text}", "icon": "robot"})
    bring(outbox, outside, event(code={"key": "SALE", "name": "<Sale>"}), to=chat)
    (request,) = outside.requests
    assert request.headers["content-type"] == "application/json"
    assert "webhook-signature" not in request.headers
    assert outside.bodies == [{"text": 'acme: created code "&lt;Sale&gt;" (SALE)', "icon": "robot"}]


def test_one_sink_never_waits_for_another(outbox: Outbox) -> None:
    outside = Outside([])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "dead.example.com":
            raise httpx.ConnectError("refused")
        return httpx.Response(204)

    outside.answer = answer  # type: ignore[method-assign]  # this world answers by host
    sinks = {"dead": sink("dead", url="https://dead.example.com/x1234"), "wfm": sink()}
    courier = Courier(sinks, outbox, outside.world)
    courier.tell([event(1)])
    courier.tell([event(2)])
    told = {one.sink: (one.delivered, one.left) for one in courier.finish()}
    assert told == {"dead": (0, 2), "wfm": (2, 0)}


def test_a_missing_secret_keeps_the_events_and_names_the_variable(outbox: Outbox) -> None:
    outside = Outside()

    def missing(where: Where) -> str:
        return fetch(where, {}, root=Path()).reveal()

    world = outside.world
    courier = Courier(
        {"wfm": sink()}, outbox, type(world)(missing, world.clock, world.monotonic, world.wait, world.stop)
    )
    courier.tell([event()])
    (told,) = courier.finish()
    assert told.left == 1
    assert "needs the variable SECRET" in told.why


@pytest.mark.parametrize(
    "url", ["postgres://user:word@db/x", "http://wfm.example.com/x", "https://[x", "no url at all"]
)
def test_a_url_from_a_secret_is_checked_when_it_is_used_and_never_quoted(outbox: Outbox, url: str) -> None:
    outside = Outside()
    outside.secrets = {"SECRET": SECRET, "URL": url}
    hidden = sink(url="", url_from=Where(org="sink wfm", name="url_from", source=AT, env="URL"))
    told = bring(outbox, outside, event(), to=hidden)
    assert (told.left, outside.requests) == (1, [])
    assert url not in told.why


def test_an_outbox_that_cannot_be_written_is_trouble_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    outside = Outside()
    courier = Courier({"wfm": sink()}, Outbox(tmp_path / "outbox"), outside.world)
    courier.tell([event()])
    assert courier.finish() == ()
    assert "1 events are lost" in courier.trouble[0]


def test_two_who_send_the_same_outbox_send_each_event_once(outbox: Outbox) -> None:
    events = [event(number).as_json() for number in range(40)]
    paths = outbox.put("wfm", events)
    outside = Outside()
    couriers = [Courier({"wfm": sink()}, outbox, outside.world) for _ in range(2)]
    for courier in couriers:
        courier.again("wfm", paths)
    told = [one for courier in couriers for one in courier.finish(None)]
    assert sum(one.delivered for one in told) == 40
    assert sum(one.elsewhere for one in told) == 40
    assert sorted(outside.keys) == sorted(str(one["id"]) for one in events)
    assert outbox.sinks() == ()


def test_a_thorough_courier_offers_every_event(outbox: Outbox) -> None:
    paths = outbox.put("wfm", [event(number).as_json() for number in (1, 2, 3)])
    outside = Outside([404, 404, 204])
    courier = Courier({"wfm": sink()}, outbox, outside.world, thorough=True)
    courier.again("wfm", paths)
    (told,) = courier.finish(None)
    assert (told.delivered, told.left) == (1, 2)


def test_a_secret_that_is_no_key_is_a_problem_with_its_position(outbox: Outbox) -> None:
    outside = Outside()
    runtime = Runtime(outside.stop, lambda: 0.0, outside.wait)
    with pytest.raises(ConfigError) as wrong:
        Sender(sink(), lambda _: "whsec_???", runtime, clock=lambda: NOON)
    assert wrong.value.problems[0].source == AT
