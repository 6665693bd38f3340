"""Small worlds, a plan, something that happens, the whole report."""

from __future__ import annotations

from pathlib import Path

import pytest

from applying import Desk, told, writes
from fakes import Contents, FakeCxone, FakeOrg, Fault
from world import code, desired, queue
from wrapctl.apply.journal import verify
from wrapctl.apply.report import PlanIsStale, Status
from wrapctl.errors import Exit


def everything(tmp_path: Path) -> Desk:
    """One of each: rename, create, assign, after-call work, flags, unassign, delete."""
    org = FakeOrg({"c1": "Old name", "c2": "Gone", "c3": "Kept"}, {"q1": ["c2", "c3"], "q2": ["c3"]})
    want = desired(
        [
            code("NEW", "New", description="fresh", outbound=("right-party-contact",)),
            code("RENAMED", "New name", previously=("Old name",)),
            code("KEPT", "Kept"),
            code("GONE", "Gone", absent=True),
        ],
        [
            queue(
                "Q1", ["KEPT", "NEW", "RENAMED"], after_call_work={"prompt": "mandatory", "timeout_ms": None}
            ),
            queue("Q2", ["KEPT"]),
        ],
    )
    return Desk(org, want, tmp_path)


def test_one_of_each_is_done_in_the_order_of_work_and_the_next_plan_is_empty(tmp_path: Path) -> None:
    desk = everything(tmp_path)

    report = desk.apply()

    assert told(report) == [
        "update code code/RENAMED → done",
        "create code code/NEW → done",
        "assign queue/Q1/code/NEW → done",
        "assign queue/Q1/code/RENAMED → done",
        "set after-call work queue/Q1/after-call-work → done",
        "set outbound flags code/NEW/outbound → done",
        "unassign queue/Q1/code/GONE → done",
        "delete code code/GONE → done",
    ]
    assert writes(desk.org.calls) == [
        "PUT /codes c1",
        "POST /codes New",
        "POST /queues/codes q1 new-1,c1",
        "PUT /queues q1",
        "PUT /outbound",
        "DELETE /queues/codes q1 c2",
        "DELETE /codes c2",
    ]
    assert desk.org.state.queues["q1"].codes == ["c3", "new-1", "c1"]
    assert desk.org.state.queues["q1"].rest == {"members": ["ada", "bob"]}
    assert desk.org.state.outbound == {"new-1": ("right-party-contact",)}
    assert report.exit_code is Exit.OK
    assert desk.plan().changes == ()
    assert verify(desk.journal) == ()
    assert desk.world.waits == []


def test_a_plan_of_nothing_writes_nothing_and_reads_no_more_than_the_identity(tmp_path: Path) -> None:
    desk = Desk(FakeOrg({"c1": "A"}), desired([code("A", "A")]), tmp_path)

    report = desk.apply()

    assert (told(report), report.exit_code, desk.org.calls) == ([], Exit.OK, ["GET /identity"])


def test_the_same_plan_applied_twice_is_already_done(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    plan = desk.plan()
    desk.apply(plan)
    desk.org.calls.clear()

    report = desk.apply(plan)

    assert {entry.status for entry in report.entries} == {Status.ALREADY}
    assert writes(desk.org.calls) == []
    assert report.exit_code is Exit.OK


def test_a_whole_skill_travels_in_one_write_and_a_code_is_deactivated(tmp_path: Path) -> None:
    org = FakeCxone({"c1": "One", "c2": "Two", "c3": "Old"}, {"q1": ["c1", "c3", "c2"]})
    want = desired(
        [code("ONE", "One"), code("TWO", "Two"), code("NEW", "New"), code("OLD", "Old", absent=True)],
        [queue("Q1", ["TWO", "NEW", "ONE"], after_call_work={"prompt": "mandatory"})],
    )
    desk = Desk(org, want, tmp_path)

    report = desk.apply()

    assert told(report) == [
        "create code code/NEW → done",
        "assign queue/Q1/code/NEW → done",
        "reorder queue/Q1/order → done",
        "set after-call work queue/Q1/after-call-work → done",
        "unassign queue/Q1/code/OLD → done",
        "deactivate code code/OLD → done",
    ]
    assert writes(org.calls) == ["POST /dispositions", "PUT /skills q1", "PUT /dispositions c3"]
    assert org.state.queues["q1"].codes == ["c2", "new-1", "c1"]
    assert desk.plan().changes == ()


def test_a_chain_of_renames_goes_one_behind_the_other_and_a_new_code_takes_the_name_that_is_left(
    tmp_path: Path,
) -> None:
    org = FakeOrg({"c1": "A", "c2": "B", "c3": "C"})
    want = desired(
        [
            code("ONE", "B", id="c1"),
            code("TWO", "C", id="c2"),
            code("THREE", "D", id="c3"),
            code("FOUR", "A", previously=()),
        ]
    )
    desk = Desk(org, want, tmp_path)

    report = desk.apply(concurrency=4)

    assert writes(org.calls) == ["PUT /codes c3", "PUT /codes c2", "PUT /codes c1", "POST /codes A"]
    assert {one: fields["name"] for one, fields in org.state.codes.items()} == {
        "c1": "B",
        "c2": "C",
        "c3": "D",
        "new-1": "A",
    }
    assert report.exit_code is Exit.OK


def test_a_ring_of_renames_stays_blocked_and_the_rest_is_done(tmp_path: Path) -> None:
    org = FakeOrg({"c1": "A", "c2": "B", "c3": "C"})
    want = desired([code("ONE", "B", id="c1"), code("TWO", "A", id="c2"), code("THREE", "D", id="c3")])

    report = Desk(org, want, tmp_path).apply()

    assert {entry.address: entry.status for entry in report.entries} == {
        "acme/code/ONE": Status.BLOCKED,
        "acme/code/THREE": Status.DONE,
        "acme/code/TWO": Status.BLOCKED,
    }
    assert report.exit_code is Exit.OK
    assert writes(org.calls) == ["PUT /codes c3"]


# ── stale ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_stale_object_before_the_first_write_and_nothing_is_written(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    plan = desk.plan()
    desk.org.state.codes["c1"]["name"] = "Somebody's name"

    with pytest.raises(PlanIsStale) as caught:
        desk.apply(plan)

    stale = caught.value.stale
    assert [(one.planned["name"], one.now and one.now["name"], one.wanted["name"]) for one in stale] == [
        ("Old name", "Somebody's name", "New name")
    ]
    assert "name changed since the plan was made" in caught.value.message
    assert caught.value.exit_code is Exit.REFUSED
    assert caught.value.report.exit_code is Exit.REFUSED
    assert writes(desk.org.calls) == []
    assert not desk.journal.exists()
    assert {entry.status for entry in caught.value.report.entries} == {Status.STALE, Status.NOT_ATTEMPTED}


def drifted(tmp_path: Path) -> Desk:
    org = FakeOrg({"c1": {"name": "Old", "description": "ours"}})
    want = desired([code("A", "New", previously=("Old",), description="ours")])
    return Desk(org, want, tmp_path)


def test_an_edit_of_another_declared_field_is_stale_unless_merge_keeps_the_live_value(tmp_path: Path) -> None:
    desk = drifted(tmp_path)
    plan = desk.plan()
    desk.org.state.codes["c1"]["description"] = "theirs"
    with pytest.raises(PlanIsStale, match="description changed"):
        desk.apply(plan)

    report = desk.apply(plan, on_conflict="merge")

    assert told(report) == ["update code code/A → done"]
    assert desk.org.state.codes["c1"] == {"name": "New", "description": "theirs", "division": "*"}
    assert [(entry.drift, entry.now) for entry in report.drift] == [
        (("description",), {"name": "Old", "description": "theirs"})
    ]


def test_merge_does_not_let_through_a_field_that_the_change_writes(tmp_path: Path) -> None:
    desk = drifted(tmp_path)
    plan = desk.plan()
    desk.org.state.codes["c1"]["name"] = "Theirs"

    with pytest.raises(PlanIsStale, match="name changed"):
        desk.apply(plan, on_conflict="merge")


def test_an_edit_of_a_field_that_nobody_declares_makes_nothing_stale(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    plan = desk.plan()
    desk.org.state.codes["c1"]["description"] = "nobody manages this"

    assert desk.apply(plan).exit_code is Exit.OK
    assert desk.org.state.codes["c1"]["description"] == "nobody manages this"


def test_a_queue_that_came_to_hold_a_code_that_is_to_be_deleted_makes_the_plan_stale(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    plan = desk.plan()
    desk.org.state.queues["q2"].codes.append("c2")

    with pytest.raises(PlanIsStale, match=r"delete code Gone: held by a queue that did not hold it then: Q2"):
        desk.apply(plan)
    assert writes(desk.org.calls) == []


def number_of(calls: list[str], start: str) -> int:
    """The number of the last request that starts like this."""
    return max(number for number, call in enumerate(calls) if call.startswith(start))


def test_an_edit_between_two_batches_stops_that_change_and_nothing_else(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    look = number_of(desk.rehearse(), "GET /codes by id c2")
    desk.org.before[look - 4] = lambda state: state.codes["c2"].update(description="edited")

    report = desk.apply()

    assert told(report)[-2:] == [
        "unassign queue/Q1/code/GONE → done",
        "delete code code/GONE → stale: description changed since the plan was made",
    ]
    assert report.exit_code is Exit.PARTIAL
    assert report.entries[-1].now == {"name": "Gone", "description": "edited", "division": "*"}
    assert verify(desk.journal) == ()


def test_a_code_that_somebody_puts_back_on_a_queue_during_the_run_is_not_deleted(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    removal = number_of(desk.rehearse(), "DELETE /queues/codes q1 c2")
    desk.org.before[removal + 3] = lambda state: state.queues["q1"].codes.append("c2")

    report = desk.apply()

    assert told(report)[-1] == (
        "delete code code/GONE → stale: held by a queue that did not hold it then: Q1"
    )
    assert "c2" in desk.org.state.codes


def test_a_queue_that_comes_to_hold_a_doomed_code_during_a_long_run_is_noticed_before_the_delete(
    tmp_path: Path,
) -> None:
    desk = everything(tmp_path)

    def a_minute_later(state: Contents) -> None:
        state.queues["q2"].codes.append("c2")
        desk.world.seconds += 61

    desk.org.before[number_of(desk.rehearse(), "DELETE /queues/codes")] = a_minute_later

    report = desk.apply()

    assert told(report)[-1] == (
        "delete code code/GONE → stale: held by a queue that did not hold it then: Q2"
    )
    assert "c2" in desk.org.state.codes


def test_an_order_is_not_written_without_the_link_that_it_names(tmp_path: Path) -> None:
    """The order of a skill is the list of its codes: writing it would make the link that was stale."""
    org = FakeCxone({"c1": "One", "c2": "Two", "c3": "Three", "c4": "Old"}, {"q1": ["c1", "c2"]})
    want = desired(
        [code("ONE", "One"), code("TWO", "Two"), code("THREE", "Three"), code("NAME", "New", id="c4")],
        [queue("Q1", ["THREE", "TWO", "ONE"], after_call_work={"prompt": "mandatory"})],
    )
    desk = Desk(org, want, tmp_path)

    def deletes_three(state: Contents) -> None:
        del state.codes["c3"]

    desk.org.before[number_of(desk.rehearse(), "PUT /dispositions c4")] = deletes_three

    report = desk.apply()

    assert told(report) == [
        "update code code/NAME → done",
        "assign queue/Q1/code/THREE → stale: the code is not there any more",
        "reorder queue/Q1/order → skipped: needs assign acme/queue/Q1/code/THREE, which is stale",
        "set after-call work queue/Q1/after-call-work → done",
    ]
    assert org.state.queues["q1"].codes == ["c1", "c2"]


def test_a_failed_rename_skips_those_who_wait_for_its_name_and_nobody_else(tmp_path: Path) -> None:
    org = FakeOrg({"c1": "A", "c2": "B", "c3": "C", "c4": "Z"}, {"q1": ["c1"]})
    want = desired(
        [
            code("ONE", "B", id="c1"),
            code("TWO", "C", id="c2"),
            code("THREE", "D", id="c3"),
            code("FOUR", "Y", previously=("Z",)),
            code("NEW", "A", previously=()),
        ],
        [queue("Q1", ["ONE", "NEW"])],
    )
    desk = Desk(org, want, tmp_path)
    org.faults[number_of(desk.rehearse(), "PUT /codes c2")] = Fault.REFUSED

    report = desk.apply()

    assert told(report) == [
        "update code code/FOUR → done",
        "update code code/THREE → done",
        "update code code/TWO → failed: the request answered 400 bad.request: bad.request says the platform",
        "update code code/ONE → skipped: needs update code acme/code/TWO, which is failed",
        "create code code/NEW → skipped: needs update code acme/code/ONE, which is skipped",
        "assign queue/Q1/code/NEW → skipped: needs create code acme/code/NEW, which is skipped",
    ]
    assert report.exit_code is Exit.PARTIAL
