"""What every target keeps to, whatever its platform is like. Runs over all registered targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cxone_org import deactivate, reorder
from genesys_org import assign, create, delete, set_acw, unassign, update
from targets.contract import ALL, HARNESSES, Harness, written
from wrapctl.errors import Interrupted, TargetError
from wrapctl.model import Change, Fields, Live, Verb
from wrapctl.plan.units import Unit, cut
from wrapctl.targets import registry
from wrapctl.targets.interface import Result, Want

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=registry.names())
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    harness = HARNESSES[str(request.param)](tmp_path)
    yield harness
    harness.close()


def has(world: Harness, *verbs: Verb) -> None:
    if missing := [verb.value for verb in verbs if verb not in world.target.capabilities.verbs]:
        pytest.skip(f"{world.target.capabilities.title} cannot {', '.join(missing)}")


def read(world: Harness, want: Want = ALL) -> Live:
    return world.target.reader().read(want)


def test_every_registered_target_has_a_harness() -> None:
    assert set(HARNESSES) == set(registry.names())


# ── reading: all of it or an error ─────────────────────────────────────────────────────────────────────────


def test_a_read_brings_every_code_and_queue_in_normal_form(world: Harness) -> None:
    world.many_codes(25)
    live = read(world)
    assert {code.name for code in live.codes} == {"Held", "Free", *(f"More {n:03}" for n in range(25))}
    assert [queue.name for queue in live.queues] == ["Queue"]
    assert live.complete_codes
    assert live.complete_queues
    fields = set(world.target.capabilities.code_fields)
    assert all(set(code.fields) <= fields and code.fields["name"] == code.name for code in live.codes)
    assert all(set(q.after_call_work) <= set(world.target.capabilities.queue_fields) for q in live.queues)


def test_two_reads_of_an_org_that_stands_still_are_equal(world: Harness) -> None:
    world.many_codes(25)
    assert read(world) == read(world)


def test_nothing_wanted_is_nothing_read(world: Harness) -> None:
    live = read(world, Want())
    assert (live.codes, live.queues, live.links, live.outbound, live.divisions) == ((), (), {}, None, ())
    assert not live.complete_codes


def test_links_are_those_of_the_queues_asked_for(world: Harness) -> None:
    queue, code = world.queue_id("Queue"), world.code_id("Held")
    live = read(world, Want(links=frozenset({queue})))
    assert live.links == {queue: (code,)}
    assert live.link_names[code] == "Held"


def test_an_object_that_does_not_exist_is_simply_not_in_the_answer(world: Harness) -> None:
    want = Want(
        codes=frozenset({world.code_id("Held"), NOBODY}),
        queues=frozenset({world.queue_id("Queue"), NOBODY}),
        code_names=frozenset({"Free", "Nobody", "free"}),
    )
    live = read(world, want)
    assert {code.name for code in live.codes} == {"Held", "Free"}
    assert [queue.name for queue in live.queues] == ["Queue"]


@pytest.mark.parametrize("how", ["cut", "drop", "fail", "html", "moves"])
def test_a_read_that_is_not_whole_is_an_error_and_never_less(world: Harness, how: str) -> None:
    world.many_codes(25)
    world.break_reads(how)
    with pytest.raises(TargetError) as caught:
        read(world)
    assert caught.value.message


def test_reading_changes_nothing(world: Harness) -> None:
    before = world.truth()
    read(world)
    read(world, Want(links=frozenset({world.queue_id("Queue")})))
    assert world.truth() == before
    assert world.writes_seen() == 0


# ── writing: one outcome per change ────────────────────────────────────────────────────────────────────────


def a_change(world: Harness, verb: Verb) -> Change:
    """One change of each kind that every platform's org of the harness could take."""
    held, free, queue = world.code_id("Held"), world.code_id("Free"), world.queue_id("Queue")
    live = read(world)
    acw: Fields = next(q.after_call_work for q in live.queues if q.id == queue)
    match verb:
        case Verb.CREATE_CODE:
            return create("New")
        case Verb.UPDATE_CODE:
            return update(free, {"name": "Free"}, {"name": "Freed"})
        case Verb.DELETE_CODE:
            return delete(free)
        case Verb.DEACTIVATE_CODE:
            return deactivate(free, name="Free")
        case Verb.ASSIGN:
            return assign(queue, free)
        case Verb.UNASSIGN:
            return unassign(queue, held)
        case Verb.SET_ACW:
            return set_acw(queue, {key: acw.get(key) for key in world.timed}, world.timed)
        case Verb.REORDER:
            world.target.writer().write(Unit("x", queue, (assign(queue, free),)), live)
            return reorder(queue, (held, free), (free, held))
        case _:
            pytest.skip(f"no example of {verb.value}")


COMMON = [
    Verb.CREATE_CODE,
    Verb.UPDATE_CODE,
    Verb.DELETE_CODE,
    Verb.DEACTIVATE_CODE,
    Verb.ASSIGN,
    Verb.REORDER,
    Verb.UNASSIGN,
    Verb.SET_ACW,
]
each_verb = pytest.mark.parametrize("verb", COMMON, ids=lambda verb: verb.value)


@each_verb
def test_a_write_is_done_has_a_request_id_and_shows_in_the_next_read(world: Harness, verb: Verb) -> None:
    has(world, verb)
    links = Want(links=frozenset({world.queue_id("Queue")}))
    before = (read(world), read(world, links))
    (outcome,) = written(world.target, a_change(world, verb))
    assert outcome.result is Result.DONE
    assert bool(outcome.request_id) == world.request_ids
    assert (verb is Verb.CREATE_CODE) == (outcome.live_id is not None)
    assert (read(world), read(world, links)) != before


def test_every_change_has_its_own_outcome_in_order(world: Harness) -> None:
    has(world, Verb.ASSIGN)
    world.many_codes(12)
    queue = world.queue_id("Queue")
    changes = [assign(queue, world.code_id(f"More {n:03}")) for n in range(12)]
    outcomes = written(world.target, *changes)
    assert [outcome.id for outcome in outcomes] == [change.id for change in changes]


def test_creating_a_name_that_is_taken_is_exists_and_makes_no_second_one(world: Harness) -> None:
    has(world, Verb.CREATE_CODE)
    before = world.truth()
    (outcome,) = written(world.target, create("Held"))
    assert outcome.result is Result.EXISTS
    assert outcome.answer is not None or world.writes_seen() == 0
    assert world.truth() == before


def test_deleting_what_is_gone_is_done(world: Harness) -> None:
    has(world, Verb.DELETE_CODE)
    change = delete(world.code_id("Free"))
    world.take_away("Free")
    assert written(world.target, change)[0].result is Result.DONE


def test_taking_off_what_is_off_is_done(world: Harness) -> None:
    has(world, Verb.UNASSIGN)
    change = unassign(world.queue_id("Queue"), world.code_id("Free"))
    assert written(world.target, change)[0].result is Result.DONE


def test_updating_what_is_gone_is_stale(world: Harness) -> None:
    change = update(world.code_id("Free"), {"name": "Free"}, {"name": "Freed"})
    world.take_away("Free")
    assert written(world.target, change)[0].result is Result.STALE


def test_after_call_work_that_moved_is_stale_and_untouched(world: Harness) -> None:
    has(world, Verb.SET_ACW)
    change = a_change(world, Verb.SET_ACW)
    fresh = read(world)
    moved = replace(change, after=world.moved)
    assert written(world.target, moved)[0].result is Result.DONE
    before = world.truth()
    (outcome,) = world.target.writer().write(Unit("x", change.live_id or "", (change,)), fresh)
    assert outcome.result is Result.STALE
    assert outcome.now is not None
    assert {name: outcome.now.get(name) for name in world.moved} == world.moved
    assert world.truth() == before


@each_verb
@pytest.mark.parametrize("how", ["lose", "fail"])
def test_a_write_without_a_usable_answer_is_unknown_and_is_not_repeated(
    world: Harness, verb: Verb, how: str
) -> None:
    has(world, verb)
    change = a_change(world, verb)
    before = world.writes_seen()
    world.break_writes(how)
    (outcome,) = written(world.target, change)
    assert outcome.result is Result.UNKNOWN
    assert outcome.message
    assert world.writes_seen() == before + 1


@each_verb
def test_a_read_only_client_reads_everything_and_changes_nothing(world: Harness, verb: Verb) -> None:
    has(world, verb)
    change, before = a_change(world, verb), world.truth()
    (outcome,) = written(world.readonly, change)
    assert outcome.result is Result.REFUSED
    assert outcome.hint
    assert world.truth() == before


@each_verb
def test_after_a_request_to_stop_nothing_is_written(world: Harness, verb: Verb) -> None:
    has(world, verb)
    change, fresh, before = a_change(world, verb), read(world), world.truth()
    world.stop()
    (unit,) = cut((change,), world.target.capabilities.verbs)
    with pytest.raises(Interrupted):
        world.target.writer().write(unit, fresh)
    assert world.truth() == before


def test_a_verb_that_the_platform_lacks_is_refused(world: Harness) -> None:
    lacking = next(verb for verb in Verb if verb not in world.target.capabilities.verbs)
    (outcome,) = written(world.target, replace(create("New"), verb=lacking))
    assert outcome.result is Result.REFUSED


def test_traffic_counts_what_was_sent(world: Harness) -> None:
    read(world)
    traffic = world.target.traffic
    assert traffic.total == sum(traffic.requests.values()) > 0
    assert all(operation.split(" ")[0].isupper() for operation in traffic.requests)
