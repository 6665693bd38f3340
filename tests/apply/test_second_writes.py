"""What a create cannot carry, and what a platform says yes to and does not do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from applying import Desk, told, writes
from fakes import Fault, Killed
from keeping import KEEPING, MANUAL, Keeping
from world import code, desired, queue
from wrapctl.apply.report import Status, dumps
from wrapctl.apply.settle import settle
from wrapctl.apply.standing import Stand
from wrapctl.errors import Exit
from wrapctl.model import Address, Change, Verb
from wrapctl.render import text


def described(folder: Path, **codes: str) -> Desk:
    want = desired([code(key, key.lower(), description=words) for key, words in codes.items()])
    return Desk(Keeping(), want, folder)


def test_a_description_follows_its_create_and_the_plan_after_it_is_empty(tmp_path: Path) -> None:
    desk = described(tmp_path, A="first", B="")
    report = desk.apply()
    assert report.exit_code is Exit.OK
    assert writes(desk.org.calls) == ["POST /dispositions", "PUT /dispositions new-1"]
    assert not desk.plan().changes
    assert desk.plan().estimate.requests == 0


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
def test_a_run_killed_between_the_two_writes_is_finished_by_the_same_plan_without_a_second_code(
    tmp_path: Path, fault: Fault
) -> None:
    desk = described(tmp_path, A="first")
    plan = desk.plan()
    second = next(i for i, call in enumerate(desk.rehearse()) if call.startswith("PUT"))
    desk.org.faults[second] = fault
    with pytest.raises(Killed):
        desk.apply(plan)
    desk.org.revive()
    report = desk.apply(plan)
    assert report.exit_code is Exit.OK
    assert writes(desk.org.calls) == (["PUT /dispositions new-1"] if fault is Fault.KILL_BEFORE else [])
    assert [one["description"] for one in desk.org.state.codes.values()] == ["first"]


def test_a_code_of_that_name_with_another_description_is_stale_not_unfinished(tmp_path: Path) -> None:
    desk = described(tmp_path, A="first")
    change = desk.plan().changes[0]
    desk.org.state.codes["c1"] = {
        "name": "a",
        "description": "somebody's",
        "classification": "x",
        "active": True,
    }
    assert settle(change, desk.org.live(), later=KEEPING.later).stand is Stand.STALE
    desk.org.state.codes["c1"]["description"] = ""
    assert settle(change, desk.org.live(), later=KEEPING.later).stand is Stand.AS_PLANNED
    assert settle(change, desk.org.live()).stand is Stand.STALE


def test_an_inactive_namesake_does_not_make_an_active_code_ambiguous() -> None:
    org = Keeping(
        {
            "c1": {"name": "a", "active": False},
            "c2": {"name": "a"},
        }
    )
    change = Change(Verb.CREATE_CODE, Address("acme/code/A"), before={}, after={"name": "a", "active": True})
    assert settle(change, org.live()).stand is Stand.ALREADY


# ── assignments that a tenant ignores ──────────────────────────────────────────────────────────────────────


def ignoring(folder: Path) -> Desk:
    org = Keeping({"c1": "One", "c2": "Old"}, {"q1": ["c2"]})
    org.hears_assignments = False
    want = desired(
        [code("ONE", "One"), code("OLD", "Old", absent=True)],
        [queue("Q1", ["ONE"], after_call_work={"prompt": "mandatory"})],
    )
    return Desk(org, want, folder)


def test_a_write_that_did_not_take_ends_as_a_manual_step_and_partly_applied(tmp_path: Path) -> None:
    report = ignoring(tmp_path).apply()
    assert told(report) == [
        "assign queue/Q1/code/ONE → manual: the platform answered success, and after 6 looks does not show it",
        "set after-call work queue/Q1/after-call-work → done",
        "unassign queue/Q1/code/OLD → manual: the platform answered success, and after 6 looks does not show it",
        "deactivate code code/OLD → skipped: needs unassign acme/queue/Q1/code/OLD, which is a manual step",
    ]
    assert report.exit_code is Exit.PARTIAL
    assert report.hint == KEEPING.manual_hint
    printed = text.report(report, width=160)
    assert 'open "Q1" and add "One" at place 1' in printed
    assert KEEPING.manual_hint in printed
    assert '"attempted": true' in dumps(report)


def test_declared_manual_nothing_is_tried_and_the_exit_code_stays_green(tmp_path: Path) -> None:
    desk = ignoring(tmp_path)
    desk.want = replace(desk.want, manual=MANUAL)
    report = desk.apply()
    assert [(entry.verb, entry.status, entry.attempted) for entry in report.entries] == [
        (Verb.ASSIGN, Status.MANUAL, False),
        (Verb.SET_ACW, Status.DONE, False),
        (Verb.UNASSIGN, Status.MANUAL, False),
        (Verb.DEACTIVATE_CODE, Status.BLOCKED, False),
    ]
    assert report.exit_code is Exit.OK
    assert report.hint == ""
    assert desk.apply().exit_code is Exit.OK


def test_what_the_person_did_by_hand_lets_the_rest_go_on(tmp_path: Path) -> None:
    desk = ignoring(tmp_path)
    desk.want = replace(desk.want, manual=MANUAL)
    desk.apply()
    desk.org.state.queues["q1"].codes = ["c1"]
    assert [entry.verb for entry in desk.apply().entries] == [Verb.DEACTIVATE_CODE]
    assert not desk.plan().changes
