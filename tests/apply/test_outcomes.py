"""What answers, silence and stops make of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from applying import Desk, told, writes
from fakes import Contents, FakeCxone, FakeOrg, Fault, Killed
from world import code, desired, queue
from wrapctl.apply.journal import verify
from wrapctl.apply.lock import FileLock, Holder
from wrapctl.apply.report import PlanIsStale, Status
from wrapctl.errors import (
    Exit,
    GuardRefused,
    Interrupted,
    JournalError,
    Locked,
    ObserveMode,
    Unreachable,
    WrongOrganization,
)
from wrapctl.model import Identity
from wrapctl.plan.plan import Finding
from wrapctl.policy import Allowance, Policy, Window


def new_code(tmp_path: Path, lag: int = 0) -> Desk:
    """A code is created and put on a queue."""
    org = FakeOrg({"c1": "Old"}, {"q1": ["c1"]}, lag=lag)
    return Desk(
        org, desired([code("NEW", "New"), code("OLD", "Old")], [queue("Q1", ["OLD", "NEW"])]), tmp_path
    )


def first(calls: list[str], start: str) -> int:
    return next(number for number, call in enumerate(calls) if call.startswith(start))


CREATED = ["create code code/NEW → done", "assign queue/Q1/code/NEW → done"]


# ── silence ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_create_whose_answer_is_lost_is_found_by_reading_and_never_sent_twice(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.faults[first(desk.rehearse(), "POST /codes")] = Fault.LOST

    report = desk.apply()

    assert told(report) == [
        "create code code/NEW → done: no answer came; reading shows that it was done",
        "assign queue/Q1/code/NEW → done",
    ]
    assert writes(desk.org.calls) == ["POST /codes New", "POST /queues/codes q1 new-1"]
    assert report.exit_code is Exit.OK


def test_a_lost_create_that_shows_only_later_is_waited_for(tmp_path: Path) -> None:
    desk = new_code(tmp_path, lag=2)
    desk.org.faults[first(desk.rehearse(), "POST /codes")] = Fault.LOST

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.DONE, Status.DONE]
    assert writes(desk.org.calls).count("POST /codes New") == 1
    assert desk.world.waits == [0.5, 1.0, 0.5, 1.0]
    assert next(event.text for event in desk.world.events if event.kind == "wait") == (
        "waiting 0.5 s for the platform to show create code acme/code/NEW"
    )


@pytest.mark.parametrize("kind", [FakeOrg, FakeCxone])
def test_a_create_that_never_shows_stays_unknown_and_its_dependants_are_skipped(
    kind: type[FakeOrg], tmp_path: Path
) -> None:
    desk = new_code(tmp_path)
    if kind is FakeCxone:
        desk.org = FakeCxone({"c1": "Old"}, {"q1": ["c1"]})
    desk.org.faults[first(desk.rehearse(), "POST /")] = Fault.DROPPED

    report = desk.apply()

    assert told(report) == [
        "create code code/NEW → unknown: no answer came, and after 6 looks it does not show",
        "assign queue/Q1/code/NEW → skipped: needs create code acme/code/NEW, which is unknown",
    ]
    assert report.exit_code is Exit.PARTIAL
    assert len(writes(desk.org.calls)) == 1
    desk.org.revive()
    assert desk.apply().exit_code is Exit.OK
    assert [fields["name"] for fields in desk.org.state.codes.values()] == ["Old", "New"]


def test_a_lost_update_link_removal_and_delete_are_settled_by_reading(tmp_path: Path) -> None:
    org = FakeOrg({"c1": "Old", "c2": "Gone"}, {"q1": ["c2"]})
    want = desired(
        [code("A", "New", previously=("Old",)), code("GONE", "Gone", absent=True)], [queue("Q1", ["A"])]
    )
    desk = Desk(org, want, tmp_path)
    for number, call in enumerate(desk.rehearse()):
        if not call.startswith("GET"):
            org.faults[number] = Fault.LOST

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.DONE] * 4
    assert len(writes(org.calls)) == 4
    assert desk.plan().changes == ()


def test_a_write_that_did_not_take_is_a_failure_although_the_platform_said_success(tmp_path: Path) -> None:
    org = FakeOrg({"c1": "Old"})
    desk = Desk(org, desired([code("A", "New", previously=("Old",))]), tmp_path)
    org.faults[first(desk.rehearse(), "PUT")] = Fault.IGNORED

    report = desk.apply()

    assert told(report) == [
        (
            "update code code/A → failed: did not take: the platform answered success, and after 6 looks does not "
            "show it"
        )
    ]
    assert report.entries[0].now == {"name": "Old"}
    assert report.exit_code is Exit.PARTIAL


def test_lag_is_waited_out_with_growing_pauses_and_no_write_is_repeated(tmp_path: Path) -> None:
    desk = new_code(tmp_path, lag=3)

    report = desk.apply()

    assert told(report) == CREATED
    assert desk.world.waits == [0.5, 1.0, 2.0, 0.5, 1.0, 2.0]
    assert len(writes(desk.org.calls)) == 2


def test_a_read_back_that_fails_is_tried_again(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.faults[first(desk.rehearse(), "POST /codes") + 1] = Fault.DROPPED

    report = desk.apply()

    assert told(report) == CREATED


def test_a_read_back_that_keeps_failing_leaves_the_write_in_doubt(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    sent = first(desk.rehearse(), "POST /codes")
    desk.org.faults.update(dict.fromkeys(range(sent + 1, sent + 20), Fault.DROPPED))

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.UNKNOWN, Status.SKIPPED]
    assert report.entries[0].message == "could not be read back: GET /codes by id new-1 was not answered"


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_that_appears_just_before_its_create_is_adopted_when_it_is_as_wanted(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.before[first(desk.rehearse(), "POST /codes")] = _creates("New")

    report = desk.apply()

    assert told(report) == [
        "create code code/NEW → already done: existed already, exactly as wanted",
        "assign queue/Q1/code/NEW → done",
    ]
    assert desk.org.state.queues["q1"].codes == ["c1", "theirs"]


def _creates(name: str, **fields: str) -> Callable[[Contents], None]:
    def edit(contents: Contents) -> None:
        contents.codes["theirs"] = {"name": name, "description": "", "division": "*", **fields}

    return edit


def test_a_code_that_appears_just_before_its_create_and_differs_is_stale_with_three_values(
    tmp_path: Path,
) -> None:
    org = FakeOrg({}, {"q1": []})
    desk = Desk(org, desired([code("NEW", "New", description="ours")], [queue("Q1", ["NEW"])]), tmp_path)
    org.before[first(desk.rehearse(), "POST /codes")] = _creates("New", description="theirs")

    report = desk.apply()

    assert told(report) == [
        "create code code/NEW → stale: a code of that name is live with another description",
        "assign queue/Q1/code/NEW → skipped: needs create code acme/code/NEW, which is stale",
    ]
    created = report.entries[0]
    assert (created.planned, created.now, created.wanted) == (
        {},
        {"name": "New", "description": "theirs"},
        {"name": "New", "description": "ours"},
    )


def test_a_code_that_exists_and_cannot_be_seen_is_explained(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.hidden_names.add("New")

    report = desk.apply()

    assert told(report)[0] == (
        "create code code/NEW → failed: exists but is not visible to this client, or a deleted code holds the name"
    )
    assert "division" in report.entries[0].hint
    assert report.entries[0].answer is not None
    assert report.entries[0].answer.code == "duplicate.name"


@pytest.mark.parametrize(("fault", "words"), [(Fault.REFUSED, "bad.request"), (Fault.BUSY, "in.use")])
def test_a_refusal_quotes_the_platform_and_independent_changes_go_on(
    fault: Fault, words: str, tmp_path: Path
) -> None:
    org = FakeOrg({"c1": "A", "c2": "B"})
    desk = Desk(
        org, desired([code("A", "A2", previously=("A",)), code("B", "B2", previously=("B",))]), tmp_path
    )
    org.faults[first(desk.rehearse(), "PUT /codes c1")] = fault

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.FAILED, Status.DONE]
    assert words in report.entries[0].message
    assert report.entries[0].request_id
    assert report.exit_code is Exit.PARTIAL


def test_a_client_that_may_not_write_stops_the_run_at_the_first_write(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.faults.update(dict.fromkeys(range(100), Fault.FATAL))

    report = desk.apply()

    assert told(report) == [
        (
            "create code code/NEW → failed: the request answered 403 missing.permissions: "
            "missing.permissions says the platform"
        ),
        (
            "assign queue/Q1/code/NEW → not attempted: the run stopped: the request answered 403 "
            "missing.permissions: missing.permissions says the platform"
        ),
    ]
    assert report.exit_code is Exit.ERROR
    assert desk.org.effects == []
    assert verify(desk.journal) == ()


def test_after_a_fatal_answer_nothing_more_of_the_same_batch_is_sent(tmp_path: Path) -> None:
    org = FakeOrg({f"c{n}": f"Old {n}" for n in range(5)})
    desk = Desk(
        org, desired([code(f"K{n}", f"New {n}", previously=(f"Old {n}",)) for n in range(5)]), tmp_path
    )
    org.faults[first(desk.rehearse(), "PUT") + 1] = Fault.FATAL

    report = desk.apply()

    assert [entry.status.value for entry in report.entries] == ["done", "failed", *["not attempted"] * 3]
    assert report.entries[0].message == "not read back: the run stopped"
    assert len(writes(org.calls)) == 2
    assert report.exit_code is Exit.PARTIAL


# ── refusals before the first write ────────────────────────────────────────────────────────────────────────


def test_an_org_in_observe_mode_is_refused_without_a_request(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.want = replace(desk.want, policy=Policy(observe=True))

    with pytest.raises(ObserveMode):
        desk.apply()
    assert desk.org.calls == []


def test_outside_the_window_nothing_is_sent_and_the_broken_glass_is_in_the_journal(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    policy = replace(desk.want.policy, windows=(Window(frozenset({6}), 0, 60),))
    desk.want = replace(desk.want, policy=policy)
    with pytest.raises(Exception, match="outside the org's change windows"):
        desk.apply()
    assert desk.org.calls == []

    desk.apply(allowances=(Allowance("window", "the fraud code must be there tonight"),))

    header = json.loads((desk.journal / "run-2.jsonl").read_text().splitlines()[0])
    assert header["allowances"] == [{"token": "window", "reason": "the fraud code must be there tonight"}]


def test_credentials_of_another_organization_write_nothing(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    plan = desk.plan()
    desk.org.identity = Identity("org-2", "Other")

    with pytest.raises(WrongOrganization, match=r"of organization Acme \(org-1\), .* open Other \(org-2\)"):
        desk.apply(plan)
    assert desk.org.calls == ["GET /identity"]


def test_a_second_apply_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    desk = new_code(tmp_path)

    with (
        FileLock(tmp_path / "locks").hold("org-1", Holder("run-0", "bob", "elsewhere")),
        pytest.raises(Locked, match="bob on elsewhere, run run-0"),
    ):
        desk.apply()
    assert desk.org.calls == []


def test_the_guard_is_measured_again_on_what_is_left_and_refuses_before_the_first_write(
    tmp_path: Path,
) -> None:
    desk = new_code(tmp_path)
    finding = Finding(
        "emptied_queues", 1, 0, "1 queue would be left with no code", token="emptied=1@12345678"
    )

    with pytest.raises(GuardRefused, match="left with no code") as caught:
        desk.apply(recheck=lambda live, changes: [finding])
    assert "--allow emptied=1@12345678=REASON" in caught.value.hint
    assert writes(desk.org.calls) == []
    assert not desk.journal.exists()
    assert desk.apply(recheck=lambda live, changes: [replace(finding, accepted="yes")]).exit_code is Exit.OK


def test_a_platform_that_cannot_be_read_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.faults[1] = Fault.DROPPED

    with pytest.raises(Unreachable):
        desk.apply()
    assert writes(desk.org.calls) == []


def test_a_journal_that_cannot_be_written_is_an_error_and_nothing_is_sent(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    (tmp_path / "journal").write_text("in the way")

    with pytest.raises(JournalError):
        desk.apply()
    assert writes(desk.org.calls) == []


def test_a_journal_that_fills_up_half_way_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = new_code(tmp_path)
    real = os.fsync
    calls = iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) >= 5:  # lock, folder, header, and the first unit's two records had room
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr("wrapctl.apply.journal.os.fsync", full)

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.DONE, Status.NOT_ATTEMPTED]
    assert "No space left on device" in report.fatal
    assert report.exit_code is Exit.PARTIAL
    assert len(writes(desk.org.calls)) == 1


# ── stops ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stop_before_the_first_write_leaves_no_trace(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.world.stop.set()

    with pytest.raises(Interrupted):
        desk.apply()
    assert writes(desk.org.calls) == []
    assert not desk.journal.exists()


def test_a_stop_during_a_write_finishes_it_reports_and_frees_the_lock(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.before[first(desk.rehearse(), "POST /codes")] = lambda state: desk.world.stop.set()

    report = desk.apply()

    assert told(report) == [
        "create code code/NEW → done: not read back: the run was asked to stop",
        "assign queue/Q1/code/NEW → not attempted: the run was asked to stop",
    ]
    assert (report.interrupted, report.exit_code) == (True, Exit.PARTIAL)
    assert verify(desk.journal) == ()
    desk.world.stop.clear()
    assert desk.apply().exit_code is Exit.OK


def test_a_stop_while_waiting_for_the_platform_ends_the_wait(tmp_path: Path) -> None:
    desk = new_code(tmp_path, lag=50)
    desk.world.on_wait = desk.world.stop.set

    report = desk.apply()

    assert len(desk.world.waits) == 1
    assert [entry.status for entry in report.entries] == [Status.DONE, Status.NOT_ATTEMPTED]


def test_a_lock_that_is_taken_away_stops_the_run_before_its_next_batch(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    lock = FileLock(tmp_path / "locks")

    def unlock(contents: Contents) -> None:
        lock.unlock("org-1", f"run-{desk.runs}")

    desk.org.before[first(desk.rehearse(), "POST /codes")] = unlock

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.DONE, Status.NOT_ATTEMPTED]
    assert "was taken away from this run" in report.fatal
    assert report.exit_code is Exit.PARTIAL


def test_a_half_applied_plan_is_finished_by_the_same_plan(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    plan = desk.plan()
    desk.org.before[first(desk.rehearse(), "POST /codes")] = lambda state: desk.world.stop.set()
    desk.apply(plan)
    desk.world.stop.clear()
    desk.org.revive()

    report = desk.apply(plan)

    assert told(report) == ["create code code/NEW → already done", "assign queue/Q1/code/NEW → done"]
    assert report.exit_code is Exit.OK


# ── many at once ───────────────────────────────────────────────────────────────────────────────────────────


def test_independent_writes_go_side_by_side_and_never_more_than_allowed(tmp_path: Path) -> None:
    org = FakeOrg({f"c{n}": f"Old {n}" for n in range(40)})
    want = desired([code(f"K{n}", f"New {n}", previously=(f"Old {n}",)) for n in range(40)])
    desk = Desk(org, want, tmp_path)

    report = desk.apply(concurrency=4)

    assert report.exit_code is Exit.OK
    assert 1 <= org.busiest <= 4
    assert verify(desk.journal) == ()
    assert desk.plan().changes == ()


def test_removals_from_one_queue_go_one_after_the_other(tmp_path: Path) -> None:
    org = FakeOrg({f"c{n}": f"C{n}" for n in range(9)}, {"q1": [f"c{n}" for n in range(9)]})
    want = desired([code(f"C{n}") for n in range(9)], [queue("Q1", ["C0"])])
    desk = Desk(org, want, tmp_path)

    report = desk.apply(concurrency=4)

    assert report.exit_code is Exit.OK
    assert org.busiest == 1
    assert org.state.queues["q1"].codes == ["c0"]


def test_requests_of_an_apply_stay_under_the_bar(tmp_path: Path) -> None:
    """One for each code, ⌈a/100⌉ + r for each queue, batched looks, and nothing for what is not touched."""
    codes = {f"c{n}": f"Old {n}" for n in range(1000)}
    org = FakeOrg(codes, {f"q{q}": list(codes)[:50] for q in range(200)})
    keys = {f"c{n}": f"K{n}" for n in range(1000)}
    declared = [
        code(f"K{n}", f"New {n}" if n < 120 else f"Old {n}", previously=(f"Old {n}",) if n < 120 else None)
        for n in range(1000)
    ]
    fifty = [keys[one] for one in list(codes)[:50]]
    queues = [queue(f"Q{q}", fifty) for q in range(3, 200)]
    # 140 more on the first, 3 fewer on the second, both on the third
    more = [f"K{n}" for n in range(50, 190)]
    queues += [queue("Q0", [*fifty, *more]), queue("Q1", fifty[3:]), queue("Q2", [*fifty[2:], *more[:10]])]
    desk = Desk(org, desired(declared, queues), tmp_path)

    report = desk.apply()

    assert report.exit_code is Exit.OK
    sent = writes(org.calls)
    assert len(sent) == 120 + (2 + 1) + (3 + 2)
    read = len(org.calls) - len(sent)
    # identity; 3 batches of codes; links of 3 queues before, between and after
    assert read <= 1 + (4 + 2 + 3) + 2 * 3 + 2 * (4 + 2 + 3)
    assert sum(report.requests.values()) == len(org.calls)
    assert not any(f"q{n} " in f"{call} " for call in org.calls for n in range(3, 200))


def test_the_report_says_where_the_journal_is_and_what_went_over_the_wire(tmp_path: Path) -> None:
    desk = new_code(tmp_path)

    report = desk.apply()

    body = report.as_json()
    assert body["format"] == 1
    assert body["exit_code"] == 0
    assert body["totals"] == {"done": 2}
    assert body["journal"] == str(desk.journal / "run-1.jsonl")
    assert json.dumps(body)


def test_the_journal_tells_run_intent_outcome_and_end(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.faults[first(desk.rehearse(), "POST /codes")] = Fault.LOST
    plan = desk.plan()

    desk.apply(plan, commit="abc", host="laptop", pid=7)

    header, *records = [
        json.loads(line) for line in (desk.journal / f"run-{desk.runs}.jsonl").read_text().splitlines()
    ]
    assert [record["kind"] for record in records] == [
        "intent",
        "outcome",
        "verdict",
        "intent",
        "outcome",
        "end",
    ]
    assert (header["actor"], header["commit"], header["plan"]) == ("ada", "abc", plan.digest)
    assert header["organization"] == {"id": "org-1", "name": "Acme"}
    create = records[0]["changes"][0]
    assert (create["verb"], create["address"], create["after"], create["lock"]) == (
        "create code",
        "acme/code/NEW",
        {"name": "New"},
        "unique",
    )
    assert create["digest"] == plan.changes[0].digest
    assert (records[1]["result"], records[2]["status"], records[2]["id"]) == ("unknown", "done", "new-1")
    assert (records[4]["result"], records[4]["request_id"] != "") == ("done", True)
    assert records[5]["totals"] == {"done": 2}


def test_a_run_that_never_ended_is_reported_by_the_next(tmp_path: Path) -> None:
    desk = new_code(tmp_path)
    desk.org.faults[first(desk.rehearse(), "POST /codes")] = Fault.KILL_AFTER
    with pytest.raises(Killed):
        desk.apply(run="killed")
    desk.org.revive()

    report = desk.apply()

    assert report.unended == ("killed",)
    assert [event.text for event in desk.world.events if event.kind == "note"] == [
        "run killed never wrote its end: what it left undone is in this plan"
    ]
    assert desk.apply().unended == ()


def test_every_stale_object_is_told_at_once(tmp_path: Path) -> None:
    org = FakeOrg({"c1": "Old", "c2": "Other"}, {"q1": ["c1"]})
    want = desired(
        [code("A", "New", previously=("Old",)), code("B", "Fresh", description="ours"), code("C", "Other")],
        [queue("Q1", ["A", "C"])],
    )
    desk = Desk(org, want, tmp_path)
    plan = desk.plan()
    org.state.codes["c1"]["name"] = "Theirs"
    del org.state.queues["q1"]
    _creates("Fresh", description="theirs")(org.state)

    with pytest.raises(PlanIsStale) as caught:
        desk.apply(plan)

    assert [(entry.label, entry.message) for entry in caught.value.stale] == [
        ("Old", "name changed since the plan was made"),
        ("Fresh", "a code of that name is live with another description"),
        ("Other", "the queue is not there any more"),
    ]
