"""Writing to a CXone tenant: batches, whole bodies, whole lists, and what is left of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxone_org import Tenant, create, deactivate, reorder
from genesys_org import assign, set_acw, unassign, update
from wrapctl.errors import Interrupted
from wrapctl.model import Change, Fields, Verb
from wrapctl.plan.units import Unit, cut
from wrapctl.targets.cxone.capabilities import CAPABILITIES
from wrapctl.targets.interface import Outcome, Result, Want

RICH: dict[str, Any] = {
    "name": "Rich",
    "mediaTypeId": 9,
    "dispositions": ["A", "B", "C"],
    "acwTypeId": 2,
    "requireDisposition": True,
    "maxSecondsACW": 30,
    "acw_state": "After Call Work",
    "acwPostTimeoutStateId": 3,
    "screenPopTriggerEvent": "2",
    "emailParking": True,
    "futureSettings": {"keep": ["me"]},
}
ACW: Fields = {"prompt": "mandatory", "timeout_ms": 30_000, "state": "After Call Work"}


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    made = Tenant(
        tmp_path,
        dispositions=[
            {"name": "A", "classification": "Other", "notes": "about a"},
            {"name": "B", "classification": None},
            {"name": "C", "preview": True},
            {"name": "D"},
            {"name": "Off", "active": False},
        ],
        skills=[RICH, {"name": "Plain"}, {"name": "Dialer", "isOutbound": True, "isRunning": True}],
    )
    yield made
    made.close()


def results(outcomes: tuple[Outcome, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


# ── creating ───────────────────────────────────────────────────────────────────────────────────────────────


def test_new_dispositions_are_one_batch_and_their_ids_are_found_by_name(tenant: Tenant) -> None:
    outcomes = tenant.write(*(create(f"New {n}", classification="Other") for n in range(3)))
    assert results(outcomes) == [Result.DONE] * 3
    assert [outcome.live_id for outcome in outcomes] == [tenant.code(f"New {n}") for n in range(3)]
    assert tenant.writes() == ["POST /dispositions"]
    assert tenant.body("New 0")["classificationId"] == 6


def test_a_batch_holds_fifty(tenant: Tenant) -> None:
    tenant.write(*(create(f"New {n:03}") for n in range(120)))
    assert tenant.writes() == ["POST /dispositions"] * 3


@pytest.mark.parametrize("name", [{"result_order": "reversed"}, {"failed_id": 1001}, {"partial_status": 200}])
def test_one_item_that_fails_keeps_its_words_and_the_others_their_ids(
    tenant: Tenant, name: dict[str, Any]
) -> None:
    tenant.set(**name, refused_names=["New 1"])
    outcomes = tenant.write(*(create(f"New {n}") for n in range(4)))
    assert results(outcomes) == [Result.DONE, Result.REFUSED, Result.DONE, Result.DONE]
    assert "'New 1' is not acceptable" in outcomes[1].message
    assert outcomes[1].live_id is None
    assert [outcomes[n].live_id for n in (0, 2, 3)] == [tenant.code(f"New {n}") for n in (0, 2, 3)]


def test_a_classification_is_never_left_to_the_server(tenant: Tenant) -> None:
    tenant.write(create("Bare"))
    assert tenant.body("Bare")["classificationId"] is None


@pytest.mark.parametrize("wanted", ["Nothing like it", "Twice"])
def test_a_classification_that_cannot_be_told_is_refused_before_anything_is_sent(
    tmp_path: Path, wanted: str
) -> None:
    tenant = Tenant(tmp_path, dispositions=[{"name": "A", "classification": None}])
    rows = [{"classificationId": number, "classificationName": "Twice"} for number in (1, 2)]
    body = {"totalRecords": 2, "classificationResults": rows}
    tenant.fault("status", method="GET", path="/classifications", status=200, body=body)
    change = update(tenant.code("A"), {"classification": None}, {"classification": wanted})
    outcomes = tenant.write(create("New", classification=wanted), create("Fine"), change)
    # Updates go first: that is the order of the plan's units.
    assert sorted(results(outcomes)) == sorted([Result.REFUSED, Result.REFUSED, Result.DONE])
    assert tenant.writes() == ["POST /dispositions"]
    tenant.close()


def test_notes_follow_in_a_second_write_that_keeps_everything_else(tenant: Tenant) -> None:
    (outcome,) = tenant.write(create("New", description="words", classification="Other", preview=True))
    assert outcome.result is Result.DONE
    body = tenant.body("New")
    assert (body["notes"], body["classificationId"], body["isPreviewDisposition"]) == ("words", 6, True)
    assert tenant.writes() == ["POST /dispositions", f"PUT /dispositions/{outcome.live_id}"]


def test_notes_that_could_not_be_written_leave_the_disposition_made_and_say_so(tenant: Tenant) -> None:
    tenant.fault("status", method="PUT", path="/dispositions/", status=409, message="locked", times=1)
    (outcome,) = tenant.write(create("New", description="words"))
    assert (outcome.result, outcome.live_id) == (Result.REFUSED, tenant.code("New"))
    assert "its notes were not written" in outcome.message
    assert "locked" in outcome.message
    (again,) = tenant.write(create("New", description="words", classification=None, preview=False))
    assert (again.result, again.live_id) == (Result.DONE, tenant.code("New"))
    assert tenant.writes()[2:] == [f"PUT /dispositions/{again.live_id}"]


def test_a_name_that_is_there_is_not_made_again(tenant: Tenant) -> None:
    outcomes = tenant.write(create("A"), create("Off"))
    assert results(outcomes) == [Result.EXISTS, Result.EXISTS]
    assert tenant.writes() == []


def test_a_name_that_appeared_meanwhile_exists_by_the_platforms_words(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.edit(op="add_disposition", name="New")
    outcomes = tenant.write(create("New"), create("Other"), fresh=fresh)
    assert results(outcomes) == [Result.EXISTS, Result.DONE]
    assert outcomes[0].live_id is None


def test_a_batch_that_is_refused_as_a_whole_is_halved_and_makes_nothing_twice(tenant: Tenant) -> None:
    tenant.set(batch_limit=3)
    outcomes = tenant.write(*(create(f"New {n}") for n in range(10)))
    assert results(outcomes) == [Result.DONE] * 10
    names = [body["dispositionName"] for body in tenant.state["dispositions"].values()]
    assert len(names) == len(set(names)) == 15


def test_a_batch_of_one_that_is_refused_is_refused(tenant: Tenant) -> None:
    tenant.fault("status", method="POST", path="/dispositions", status=400, message="bad word")
    outcomes = tenant.write(create("New"), create("Newer"))
    assert results(outcomes) == [Result.REFUSED, Result.REFUSED]
    assert "bad word" in outcomes[0].message


def test_what_shows_late_is_waited_for(tenant: Tenant) -> None:
    tenant.set(lag=4)
    (outcome,) = tenant.write(create("New", description="words"))
    assert outcome.result is Result.DONE
    assert tenant.body("New")["notes"] == "words"
    assert tenant.clock.waits


def test_what_does_not_show_is_unknown_and_not_sent_again(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.set(lag=10_000)
    (outcome,) = tenant.write(create("New"), fresh=fresh)
    assert outcome.result is Result.UNKNOWN
    assert tenant.writes() == ["POST /dispositions"]


@pytest.mark.parametrize("body", [{}, {"errorCount": 0}, {"errorCount": "1", "dispositionResults": []}])
def test_a_batch_that_says_nothing_of_its_items_is_settled_by_reading(
    tenant: Tenant, body: dict[str, Any]
) -> None:
    tenant.fault("status", method="POST", path="/dispositions", status=200, body=body, after=True)
    (made,) = tenant.write(create("New"))
    assert (made.result, made.live_id) == (Result.DONE, tenant.code("New"))


def test_a_stop_between_the_two_writes_says_what_is_left(tenant: Tenant) -> None:
    fresh = tenant.read()
    writer = tenant.target.writer()
    (unit,) = cut((create("New", description="words"), create("Other")), CAPABILITIES.verbs)
    tenant.clock.on_wait = tenant.clock.stop.set
    tenant.set(lag=3)
    outcomes = writer.write(unit, fresh)
    assert set(results(outcomes)) <= {Result.BUSY, Result.UNKNOWN}
    assert all("stop" in outcome.message for outcome in outcomes)
    assert tenant.writes() == ["POST /dispositions"]


# ── updating ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("omitted", ["reset", "keep"])
def test_an_update_keeps_what_it_does_not_write(tenant: Tenant, omitted: str) -> None:
    tenant.set(put_omitted=omitted)
    before = tenant.body("C")
    (outcome,) = tenant.write(update(tenant.code("C"), {"name": "C"}, {"name": "C renamed"}))
    assert outcome.result is Result.DONE
    after = tenant.body("C renamed")
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {"dispositionName", "lastUpdated", "notes"}
    assert (before["notes"], after["notes"]) == (None, "")
    assert (after["classificationId"], after["isPreviewDisposition"]) == (1, True)


def test_a_classification_that_nobody_names_is_kept_by_its_number(tenant: Tenant) -> None:
    tenant.fault(
        "status",
        method="GET",
        path="/classifications",
        status=200,
        body={"totalRecords": 0, "classificationResults": []},
    )
    tenant.write(update(tenant.code("A"), {"description": "about a"}, {"description": "more"}))
    assert tenant.body("A")["classificationId"] == 6


def test_an_inactive_disposition_is_made_active_under_its_id(tenant: Tenant) -> None:
    change = update(tenant.code("Off"), {"name": "Off", "active": False}, {"name": "On", "active": True})
    (outcome,) = tenant.write(change)
    assert outcome.result is Result.DONE
    assert tenant.body("On")["isActive"] is True


def test_deactivating_changes_that_alone_and_twice_is_done(tenant: Tenant) -> None:
    before = tenant.body("A")
    change = deactivate(tenant.code("A"), name="A", classification="Other")
    assert results(tenant.write(change)) == [Result.DONE]
    after = tenant.body("A")
    assert {key for key in after if after[key] != before[key]} == {"isActive", "lastUpdated"}
    assert results(tenant.write(change)) == [Result.DONE]
    assert len(tenant.writes()) == 1


def aged(tenant: Tenant) -> None:
    """Time passes since the last look, so that the writer looks again."""
    tenant.clock.now += 60


def test_what_somebody_changed_since_the_look_is_stale_with_what_it_is_now(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.edit(op="update_disposition", disposition="A", set={"name": "A!", "notes": "theirs"})
    aged(tenant)
    (outcome,) = tenant.write(update(tenant.code("A!"), {"name": "A"}, {"name": "AA"}), fresh=fresh)
    assert outcome.result is Result.STALE
    assert outcome.now is not None
    assert outcome.now["name"] == "A!"
    assert "last updated 20" in outcome.message
    assert tenant.writes() == []


def test_what_somebody_changed_besides_is_kept(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.edit(op="update_disposition", disposition="A", set={"notes": "theirs"})
    aged(tenant)
    (outcome,) = tenant.write(update(tenant.code("A"), {"name": "A"}, {"name": "AA"}), fresh=fresh)
    assert outcome.result is Result.DONE
    assert tenant.body("AA")["notes"] == "theirs"


def test_what_is_taken_away_must_be_as_it_was_approved(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.edit(op="update_disposition", disposition="A", set={"notes": "theirs"})
    aged(tenant)
    change = deactivate(tenant.code("A"), name="A", description="about a")
    assert results(tenant.write(change, fresh=fresh)) == [Result.STALE]


def test_a_fresh_look_is_not_repeated(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.write(update(tenant.code("A"), {"name": "A"}, {"name": "AA"}), fresh=fresh)
    assert tenant.sent(method="GET", path="/dispositions/1") == []


def test_a_name_that_is_taken_is_refused_in_the_platforms_words(tenant: Tenant) -> None:
    (outcome,) = tenant.write(update(tenant.code("A"), {"name": "A"}, {"name": "B"}))
    assert outcome.result is Result.REFUSED
    assert "already exists" in outcome.message
    assert outcome.now is not None
    tenant.set(fixed_dispositions=["D"])
    (outcome,) = tenant.write(update(tenant.code("D"), {"name": "D"}, {"name": "DD"}))
    assert outcome.result is Result.REFUSED
    assert "cannot be changed" in outcome.hint


def test_a_disposition_that_is_gone_is_stale_and_its_removal_done(tenant: Tenant) -> None:
    change = update("99", {"name": "A"}, {"name": "AA"})
    assert results(tenant.write(change, deactivate("99"))) == [Result.STALE, Result.DONE]


# ── skills ─────────────────────────────────────────────────────────────────────────────────────────────────


def everything(tenant: Tenant) -> tuple[Change, ...]:
    """A, B, C becomes D, C, A with another after-call work: assign, unassign, order and work at once."""
    queue, a, b, c, d = tenant.queue("Rich"), *(tenant.code(name) for name in "ABCD")
    return (
        assign(queue, d),
        reorder(queue, (a, b, c), (d, c, a)),
        set_acw(queue, dict(ACW), {"prompt": "automatic", "timeout_ms": 15_000}),
        unassign(queue, b),
    )


def test_all_changes_of_a_skill_are_one_put_with_an_outcome_for_each(tenant: Tenant) -> None:
    before = tenant.skill("Rich")
    changes = everything(tenant)
    (unit,) = cut(changes, CAPABILITIES.verbs)
    outcomes = tenant.write_unit(unit, tenant.read())
    assert [outcome.id for outcome in outcomes] == [change.id for change in changes]
    assert results(outcomes) == [Result.DONE] * 4
    assert tenant.writes() == [f"PUT /skills/{tenant.queue('Rich')}"]
    assert tenant.offered("Rich") == ["D", "C", "A"]
    after = tenant.skill("Rich")
    assert [one["priority"] for one in after["dispositions"]] == [1, 2, 3]
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {"dispositions", "acwTypeId", "maxSecondsACW", "lastUpdated"}
    assert outcomes[0].body_before is not None
    assert [outcome.body_before for outcome in outcomes[1:]] == [None] * 3


def test_after_call_work_alone_leaves_the_list_as_it_is(tenant: Tenant) -> None:
    queue = tenant.queue("Rich")
    (outcome,) = tenant.write(set_acw(queue, dict(ACW), {"prompt": "none"}))
    assert outcome.result is Result.DONE
    after = tenant.skill("Rich")
    assert (after["acwTypeId"], after["requireDisposition"], after["stateIdACW"]) == (1, False, None)
    assert tenant.offered("Rich") == ["A", "B", "C"]


def test_a_state_is_set_by_its_name_and_refused_when_there_is_none(tenant: Tenant) -> None:
    queue = tenant.queue("Rich")
    wanted = {"state": "Extended Wrap Up"}
    assert results(tenant.write(set_acw(queue, {"state": ACW["state"]}, wanted))) == [Result.DONE]
    assert tenant.skill("Rich")["stateIdACW"] == 2
    outcomes = tenant.write(set_acw(queue, wanted, {"state": "Break"}), assign(queue, tenant.code("D")))
    assert sorted(results(outcomes)) == [Result.DONE, Result.REFUSED]
    assert "D" in tenant.offered("Rich")


def test_links_that_are_as_wanted_are_not_written(tenant: Tenant) -> None:
    queue = tenant.queue("Rich")
    outcomes = tenant.write(
        assign(queue, tenant.code("A")), unassign(queue, tenant.code("D")), set_acw(queue, {}, dict(ACW))
    )
    assert results(outcomes) == [Result.DONE] * 3
    assert tenant.writes() == []


def test_what_somebody_put_on_the_skill_meanwhile_stays(tenant: Tenant) -> None:
    fresh = tenant.read()
    tenant.edit(op="set_skill_dispositions", skill="Rich", dispositions=["A", "D", "B", "C"])
    queue = tenant.queue("Rich")
    (outcome,) = tenant.write(unassign(queue, tenant.code("B")), fresh=fresh)
    assert outcome.result is Result.DONE
    assert tenant.offered("Rich") == ["A", "D", "C"]


@pytest.mark.parametrize("theirs", [["A", "D", "B", "C"], ["B", "C"], ["C", "B", "A"]])
def test_an_order_that_somebody_changed_meanwhile_is_stale_and_the_rest_goes_on(
    tenant: Tenant, theirs: list[str]
) -> None:
    fresh = tenant.read()
    tenant.edit(op="set_skill_dispositions", skill="Rich", dispositions=theirs)
    queue, a, b, c = tenant.queue("Rich"), *(tenant.code(name) for name in "ABC")
    work = set_acw(queue, dict(ACW), {"prompt": "optional"})
    outcomes = tenant.write(reorder(queue, (a, b, c), (b, a, c)), work, fresh=fresh)
    assert results(outcomes) == [Result.STALE, Result.DONE]
    assert outcomes[0].now is not None
    assert tenant.offered("Rich") == theirs


def test_after_call_work_that_somebody_changed_meanwhile_is_stale_and_the_rest_goes_on(
    tenant: Tenant,
) -> None:
    fresh = tenant.read()
    tenant.edit(op="update_skill", skill="Rich", set={"maxSecondsACW": 99})
    queue = tenant.queue("Rich")
    outcomes = tenant.write(
        assign(queue, tenant.code("D")), set_acw(queue, dict(ACW), {**ACW, "timeout_ms": 45_000}), fresh=fresh
    )
    assert results(outcomes) == [Result.DONE, Result.STALE]
    assert tenant.skill("Rich")["maxSecondsACW"] == 99


def test_a_running_outbound_skill_says_what_to_do(tenant: Tenant) -> None:
    (outcome,) = tenant.write(assign(tenant.queue("Dialer"), tenant.code("A")))
    assert outcome.result is Result.BUSY
    assert "running outbound skill" in outcome.message
    assert "stop the skill" in outcome.hint


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_skill_may_come_wrapped(tenant: Tenant, wrapped: bool) -> None:
    tenant.set(wrap_skill=wrapped)
    assert results(tenant.write(assign(tenant.queue("Plain"), tenant.code("A")))) == [Result.DONE]
    assert tenant.offered("Plain") == ["A"]


def test_a_success_that_is_none_is_refused_with_its_words(tenant: Tenant) -> None:
    tenant.fault(
        "status", method="PUT", path="/skills/", status=200, body={"success": False, "error": "not today"}
    )
    (outcome,) = tenant.write(assign(tenant.queue("Plain"), tenant.code("A")))
    assert (outcome.result, outcome.message) == (Result.REFUSED, "not today")


def test_a_skill_that_is_gone_is_stale_and_one_that_cannot_be_read_is_not_written(tenant: Tenant) -> None:
    assert results(tenant.write(assign("99", tenant.code("A")))) == [Result.STALE]
    fresh = tenant.read()
    tenant.fault("status", method="GET", path="/skills/", status=500)
    (outcome,) = tenant.write(assign(tenant.queue("Plain"), tenant.code("A")), fresh=fresh)
    assert outcome.result is Result.BUSY
    assert tenant.writes() == []


def test_where_assignments_are_left_to_a_person_no_list_is_ever_sent(tenant: Tenant) -> None:
    sent: list[bytes] = []

    def app(environ: Any, start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "PUT":
            length = int(environ.get("CONTENT_LENGTH") or 0)
            sent.append(environ["wsgi.input"].read(length))
            environ["wsgi.input"].seek(0)
        return tenant.sandbox.wsgi(environ, start_response)

    target = tenant.connect(app=app, assignments="manual")
    change = set_acw(tenant.queue("Rich"), dict(ACW), {"prompt": "optional"})
    fresh = target.reader().read(Want(queues=None))
    assert results(target.writer().write(Unit("skill", "", (change,)), fresh)) == [Result.DONE]
    assert len(sent) == 1
    assert b"dispositions" not in sent[0]
    target.close()


# ── what every write has in common ─────────────────────────────────────────────────────────────────────────


def test_a_request_to_stop_comes_out_before_anything_is_sent(tenant: Tenant) -> None:
    fresh, changes = tenant.read(), everything(tenant)
    units = cut(
        (create("New"), update(tenant.code("A"), {"name": "A"}, {"name": "AA"}), *changes), CAPABILITIES.verbs
    )
    tenant.clock.stop.set()
    for unit in units:
        with pytest.raises(Interrupted):
            tenant.write_unit(unit, fresh)
    assert tenant.writes() == []


def test_a_verb_that_cxone_has_not_is_refused_by_name(tenant: Tenant) -> None:
    change = Change(Verb.DELETE_CODE, create("A").address, before={}, after={})
    (outcome,) = tenant.write_unit(Unit("x", "", (change,)), tenant.read())
    assert outcome.message == "NICE CXone cannot delete code"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50).filter(str.strip),
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)
def test_whatever_a_disposition_is_called_it_reads_back_so(
    tenant: Tenant, name: str, description: str
) -> None:
    if name in {body["dispositionName"] for body in tenant.state["dispositions"].values()}:
        return
    (outcome,) = tenant.write(create(name, description=description, classification=None, preview=False))
    assert outcome.result is Result.DONE
    (code,) = tenant.read(Want(codes=frozenset({outcome.live_id or ""}))).codes
    assert (code.name, code.fields["description"]) == (name, description)
