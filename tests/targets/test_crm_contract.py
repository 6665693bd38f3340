"""What every CRM target keeps to, whatever keeps its rows. Runs over all harnesses of ``crm_contract_suite``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from targets import crm_contract_suite as suite
from targets.crm_contract_suite import HARNESSES, CrmHarness, found, read, row, rule, written
from wrapctl.errors import Interrupted, TargetError
from wrapctl.model import Fields, Lock, Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import FROM_CRM, LiveRow, Rows, alike
from wrapctl.targets.interface import Result

ODD = {
    "quotes": "O'Brien \"said\" \\'no\\'",
    "emoji": "Sold 🎉👩‍🚀",
    "wildcards": "50 % _off_ (100%)",
    "backslash": "C:\\new\\table",
    "markup": "<b>&amp;</b> a=1&b=2?c#d",
    "umlauts": "Geschäft/übergeben+später",
    "composed": "Traité",
    "decomposed": "Traite\u0301",
    "number": "0123",
    "no": "No",
}


@pytest.fixture(params=sorted(HARNESSES))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CrmHarness]:
    harness = HARNESSES[str(request.param)](tmp_path)
    yield harness
    harness.close()


def has(world: CrmHarness, *verbs: Verb) -> None:
    if missing := [verb.value for verb in verbs if verb not in suite.can(world).verbs]:
        pytest.skip(f"{suite.can(world).title} cannot {', '.join(missing)}")


def differing(rows: Rows, live: LiveRow, wanted: Fields) -> dict[str, object]:
    """What a plan would still want to write."""
    return {
        name: (live.fields.get(name), wanted.get(name))
        for name in rows.fields
        if not alike(live.fields.get(name), wanted.get(name))
    }


def made(world: CrmHarness, *wanted: Fields) -> list[LiveRow]:
    outcomes = written(world, *(suite.create(world, one) for one in wanted))
    assert [outcome.result for outcome in outcomes] == [Result.DONE] * len(wanted)
    rows = read(world)
    return [found(rows, str(one["key"])) for one in wanted]


# ── what is written comes back ─────────────────────────────────────────────────────────────────────────────


def test_a_created_row_comes_back_as_it_was_wanted(world: CrmHarness) -> None:
    wanted = row(world, "SALE")
    (outcome,) = written(world, suite.create(world, wanted))
    assert outcome.result is Result.DONE
    assert bool(outcome.request_id) == world.request_ids
    rows = read(world)
    live = found(rows, str(wanted["key"]))
    assert outcome.live_id == live.id
    assert differing(rows, live, wanted) == {}
    assert rows.complete
    assert set(live.fields) >= rows.fields


@pytest.mark.parametrize("odd", sorted(ODD))
def test_odd_values_survive_and_are_found_again_by_their_key(world: CrmHarness, odd: str) -> None:
    wanted = row(world, f"ODD_{odd.upper()}", ODD[odd])
    (live,) = made(world, wanted)
    by_key = read(world, [str(wanted["key"])])
    assert found(by_key, live.key).id == live.id
    assert differing(by_key, found(by_key, live.key), wanted) == {}


def test_a_value_as_long_as_may_be_survives(world: CrmHarness) -> None:
    longest = suite.can(world).text_max.get("value", 255)
    wanted = row(world, "LONG", "v" * longest)
    (live,) = made(world, wanted)
    assert live.fields["value"] == "v" * longest


def test_rules_come_back_with_order_duration_and_conditions(world: CrmHarness) -> None:
    if FROM_CRM not in suite.can(world).directions:
        pytest.skip("keeps no rules")
    by_status = rule(world, 1)
    live = made(world, by_status)[0]
    assert differing(read(world), live, by_status) == {}


def test_an_update_writes_what_changed_and_nothing_else(world: CrmHarness) -> None:
    one, other = made(world, row(world, "ONE"), row(world, "OTHER"))
    (outcome,) = written(world, suite.update(world, one, description="Now about something else"))
    assert outcome.result is Result.DONE
    rows = read(world)
    assert (
        differing(rows, found(rows, one.key), {**one.fields, "description": "Now about something else"}) == {}
    )
    assert differing(rows, found(rows, other.key), other.fields) == {}


def test_an_update_can_empty_a_field(world: CrmHarness) -> None:
    (live,) = made(world, row(world, "ONE"))
    (outcome,) = written(world, suite.update(world, live, description=None))
    assert outcome.result is Result.DONE
    assert alike(found(read(world), live.key).fields["description"], None)


def test_a_deactivated_row_is_kept_inactive_and_can_come_back(world: CrmHarness) -> None:
    has(world, Verb.DEACTIVATE_ROW, Verb.UPDATE_ROW)
    (live,) = made(world, row(world, "ONE"))
    assert written(world, suite.deactivate(world, live))[0].result is Result.DONE
    inactive = found(read(world), live.key)
    assert (inactive.id, inactive.fields["active"]) == (live.id, False)
    assert written(world, suite.update(world, inactive, active=True))[0].result is Result.DONE
    assert found(read(world), live.key).fields["active"] is True


def test_a_deleted_row_is_gone_and_deleting_it_again_is_done(world: CrmHarness) -> None:
    has(world, Verb.DELETE_ROW)
    one, other = made(world, row(world, "ONE"), row(world, "OTHER"))
    fresh = suite.read_live(world)
    assert written(world, suite.delete(world, one))[0].result is Result.DONE
    assert [live.key for live in read(world).rows if live.mine] == [other.key]
    assert written(world, suite.delete(world, one), fresh=fresh)[0].result is Result.DONE


def test_many_rows_have_an_outcome_each_in_their_order(world: CrmHarness) -> None:
    changes = [suite.create(world, row(world, f"CODE_{n:03}")) for n in range(60)]
    outcomes = written(world, *changes)
    assert [outcome.id for outcome in outcomes] == [change.id for change in changes]
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert len([live for live in read(world).rows if live.mine]) == 60


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_read_by_keys_brings_those_rows_and_no_error_for_what_is_not_there(world: CrmHarness) -> None:
    one, _ = made(world, row(world, "ONE"), row(world, "OTHER"))
    nobody = "value/Nobody" if suite.can(world).value_list else "to/NOBODY"
    keys = [live.key for live in read(world, [one.key, nobody]).rows]
    assert (one.key in keys, nobody in keys) == (True, False)
    if not suite.can(world).value_list:
        # A list of values is read whole: a row whose value somebody changed is found by its id alone.
        assert keys == [one.key]


def test_two_reads_of_a_system_that_stands_still_are_equal_and_change_nothing(world: CrmHarness) -> None:
    made(world, row(world, "ONE"), row(world, "OTHER"))
    before, seen = world.truth(), world.writes_seen()
    assert read(world) == read(world)
    assert (world.truth(), world.writes_seen()) == (before, seen)


@pytest.mark.parametrize("how", ["cut", "drop", "fail", "html"])
def test_a_read_that_is_not_whole_is_an_error_and_never_less(world: CrmHarness, how: str) -> None:
    made(world, row(world, "ONE"), row(world, "OTHER"))
    world.break_reads(how)
    with pytest.raises(TargetError) as caught:
        read(world)
    assert caught.value.message


# ── what is not ours ───────────────────────────────────────────────────────────────────────────────────────


def test_foreign_rows_are_listed_as_foreign_and_survive_everything(world: CrmHarness) -> None:
    ids = {world.add_foreign("Somebody's value"), world.add_foreign("100 % theirs")}
    (live,) = made(world, row(world, "ONE"))
    written(world, suite.update(world, live, description="x"))
    removal = suite.delete if Verb.DELETE_ROW in suite.can(world).verbs else suite.deactivate
    written(world, removal(world, found(read(world), live.key)))
    foreign = {live.id: live for live in read(world).rows if not live.mine}
    assert ids <= set(foreign)
    assert {foreign[one].fields["value"] for one in ids} == {"Somebody's value", "100 % theirs"}


# ── when something is in the way ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", [Verb.UPDATE_ROW, Verb.DEACTIVATE_ROW, Verb.DELETE_ROW])
def test_a_row_that_somebody_edited_meanwhile_is_stale_where_the_server_locks(
    world: CrmHarness, verb: Verb
) -> None:
    has(world, verb)
    if suite.can(world).lock(verb) is not Lock.CONDITIONAL:
        pytest.skip(f"{verb.value} is compared by the engine, not locked by the server")
    (live,) = made(world, row(world, "ONE"))
    fresh = suite.read_live(world)
    change = {
        Verb.UPDATE_ROW: lambda: suite.update(world, live, value="Mine"),
        Verb.DEACTIVATE_ROW: lambda: suite.deactivate(world, live),
        Verb.DELETE_ROW: lambda: suite.delete(world, live),
    }[verb]()
    world.edit(live.id, "Somebody was here")
    before = world.truth()
    (outcome,) = written(world, change, fresh=fresh)
    assert outcome.result is Result.STALE
    assert outcome.now is not None
    assert outcome.now["description"] == "Somebody was here"
    assert world.truth() == before


def test_creating_what_is_there_is_exists_and_changes_nothing(world: CrmHarness) -> None:
    (live,) = made(world, row(world, "ONE"))
    before = world.truth()
    again = {**live.fields, "key": live.key, "description": "another"}
    (outcome,) = written(world, suite.create(world, again))
    assert outcome.result is Result.EXISTS
    assert world.truth() == before


def test_updating_what_is_gone_is_stale(world: CrmHarness) -> None:
    has(world, Verb.DELETE_ROW)
    (live,) = made(world, row(world, "ONE"))
    fresh = suite.read_live(world)
    written(world, suite.delete(world, live))
    (outcome,) = written(world, suite.update(world, live, description="x"), fresh=fresh)
    assert outcome.result is Result.STALE


def test_rows_that_the_crm_refuses_fail_in_its_words_and_the_others_are_done(world: CrmHarness) -> None:
    for n in (7, 31):
        world.refuse(f"Value of CODE_{n:03}")
    changes = [suite.create(world, row(world, f"CODE_{n:03}")) for n in range(60)]
    outcomes = written(world, *changes)
    assert [n for n, outcome in enumerate(outcomes) if outcome.result is Result.REFUSED] == [7, 31]
    assert len([outcome for outcome in outcomes if outcome.result is Result.DONE]) == 58
    assert all("no such luck" in outcomes[n].message for n in (7, 31))
    assert not any(outcome.fatal for outcome in outcomes)


@pytest.mark.parametrize("verb", [Verb.CREATE_ROW, Verb.UPDATE_ROW, Verb.DELETE_ROW])
def test_a_write_whose_answer_is_lost_is_unknown_and_is_not_repeated(world: CrmHarness, verb: Verb) -> None:
    has(world, verb)
    (live,) = made(world, row(world, "ONE"))
    change = {
        Verb.CREATE_ROW: lambda: suite.create(world, row(world, "NEW")),
        Verb.UPDATE_ROW: lambda: suite.update(world, live, description="x"),
        Verb.DELETE_ROW: lambda: suite.delete(world, live),
    }[verb]()
    fresh, before = suite.read_live(world), world.writes_seen()
    world.lose_writes()
    (outcome,) = written(world, change, fresh=fresh)
    assert outcome.result is Result.UNKNOWN
    assert outcome.message
    assert world.writes_seen() == before + 1


def test_a_read_only_client_reads_everything_and_changes_nothing(world: CrmHarness) -> None:
    if world.readonly is None:
        pytest.skip("no such client in the emulation")
    (live,) = made(world, row(world, "ONE"))
    before = world.truth()
    changes = [suite.create(world, row(world, "NEW")), suite.update(world, live, description="x")]
    for change in changes:
        (outcome,) = written(world, change, target=world.readonly)
        assert outcome.result is Result.REFUSED
        assert outcome.hint
    assert world.truth() == before


def test_after_a_request_to_stop_nothing_is_written(world: CrmHarness) -> None:
    change, fresh, before = suite.create(world, row(world, "ONE")), suite.read_live(world), world.truth()
    world.stop()
    with pytest.raises(Interrupted):
        written(world, change, fresh=fresh)
    assert world.truth() == before


def test_a_verb_that_the_system_lacks_is_refused(world: CrmHarness) -> None:
    lacking = next(verb for verb in Verb if verb not in suite.can(world).verbs)
    change = suite.create(world, row(world, "ONE"))
    unit = Unit("x", "", (replace(change, verb=lacking),))
    (outcome,) = world.target.writer().write(unit, suite.read_live(world))
    assert outcome.result is Result.REFUSED


def test_traffic_counts_what_was_sent(world: CrmHarness) -> None:
    made(world, row(world, "ONE"))
    traffic = world.target.traffic
    assert traffic.total == sum(traffic.requests.values()) > 0
    assert all(operation.split(" ")[0].isupper() for operation in traffic.requests)
