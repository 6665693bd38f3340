"""CRM rows beside everything else: settled, written, read back, and nobody's trouble but their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from applying import Desk, told, writes
from fake_crm import LIST_LIKE, ONE_BY_ONE, FakeCrm, Row
from fakes import FakeOrg, Fault
from world import HERE, code, desired, queue
from wrapctl.apply.report import Entry, PlanIsStale, Status
from wrapctl.errors import Exit, PlatformAnswer
from wrapctl.model import Code, CrmMapping, CrmRow, Desired, Value

CRM = "sf"


def mapping(values: Mapping[str, str | None], system: str = CRM, **more: object) -> CrmMapping:
    """Code → value there; None is a row of the default."""
    rows = tuple(
        CrmRow(f"to/{key}", HERE, key, {"direction": "to_crm", "code": key, "value": value})
        for key, value in values.items()
    )
    return CrmMapping(system, "liketable", rows, HERE, connection=system, **more)  # type: ignore[arg-type]  # tests name real fields


def wanting(codes: list[Code], *mappings: CrmMapping, **more: object) -> Desired:
    return replace(desired(codes, **more), crm=mappings)  # type: ignore[arg-type]  # tests name real fields


def holding(crm: FakeCrm, key: str, value: str, code_id: str | None, system: str = CRM, **more: Value) -> str:
    """A row as wrapctl would have made it."""
    fields: dict[str, Value] = {
        "direction": "to_crm",
        "code": key,
        "code_id": code_id,
        "value": value,
        **more,
    }
    return crm.holds(system, f"to/{key}", row_id=f"row-{key}", **fields)  # type: ignore[arg-type]  # fields are fields


def one_code(tmp_path: Path, value: str = "WON", **crm: object) -> Desk:
    """A code that is live, and its row that is not."""
    kept = FakeCrm(CRM, **crm)  # type: ignore[arg-type]  # tests name real options
    want = wanting([code("SALE", "Sale")], mapping({"SALE": value}))
    return Desk(FakeOrg({"c1": "Sale"}), want, tmp_path, crm={"sf-prod": kept})


def crm_of(desk: Desk) -> FakeCrm:
    return desk.crm["sf-prod"]


def first(calls: list[str], start: str) -> int:
    return next(number for number, call in enumerate(calls) if call.startswith(start))


# ── what is written ────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_of_a_new_code_carries_the_id_that_the_platform_gave_it(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    desk.org = FakeOrg()

    report = desk.apply()

    assert told(report) == ["create code code/SALE → done", "create row crm/sf/to%2FSALE → done"]
    assert crm_of(desk).told(CRM) == ["to/SALE WON [new-1]"]
    assert report.exit_code is Exit.OK
    assert desk.plan().changes == ()


def test_rows_are_created_updated_and_taken_out_of_use_and_the_second_plan_is_empty(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    crm = crm_of(desk)
    desk.org = FakeOrg({"c1": "A", "c2": "B", "c3": "C"})
    codes = [code("A"), code("B"), code("C")]
    desk.want = wanting(codes, mapping({"A": "one", "B": "two"}))
    holding(crm, "B", "old", "c2")
    holding(crm, "C", "three", "c3")
    crm.holds(CRM, "theirs", mine=False, value="theirs")

    report = desk.apply()

    assert told(report) == [
        "create row crm/sf/to%2FA → done",
        "update row crm/sf/to%2FB → done",
        "deactivate row crm/sf/to%2FC → done",
    ]
    assert crm.told(CRM) == [
        "theirs theirs (theirs)",
        "to/A one [c1]",
        "to/B two [c2]",
        "to/C three [c3] (inactive)",
    ]
    assert desk.plan().changes == ()
    assert desk.apply().exit_code is Exit.OK


def test_a_code_goes_after_the_row_that_names_it(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    holding(crm_of(desk), "SALE", "WON", "c1")
    gone = [code("SALE", "Sale", absent=True)]
    desk.want = wanting(gone, mapping({}, on_remove="delete"))

    report = desk.apply()

    assert told(report) == ["delete row crm/sf/to%2FSALE → done", "delete code code/SALE → done"]
    assert crm_of(desk).told(CRM) == []


def test_the_table_comes_before_its_rows(tmp_path: Path) -> None:
    desk = one_code(tmp_path, needed=("a", "b"))
    crm_of(desk).state[CRM].columns = None

    report = desk.apply()

    assert told(report) == ["create table crm/sf/table → done", "create row crm/sf/to%2FSALE → done"]
    assert crm_of(desk).state[CRM].columns == ("a", "b")


def test_a_table_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    desk = one_code(tmp_path, needed=("a", "b", "c"))

    report = desk.apply()

    assert told(report) == ["extend table crm/sf/table → done", "create row crm/sf/to%2FSALE → done"]
    assert crm_of(desk).state[CRM].columns == ("a", "b", "c")


def test_a_value_that_somebody_else_keeps_in_the_list_serves_the_mapping(tmp_path: Path) -> None:
    desk = one_code(tmp_path, capabilities=LIST_LIKE)
    plan = desk.plan()
    crm_of(desk).holds(CRM, "value/WON", mine=False, value="WON")

    report = desk.apply(plan)

    assert told(report) == ["create row crm/sf/value%2FWON → already done"]
    assert writes(crm_of(desk).calls) == []


def test_two_hundred_rows_travel_in_one_request_and_single_rows_side_by_side(tmp_path: Path) -> None:
    keys = [f"C{n:03}" for n in range(120)]
    codes = [code(key) for key in keys]
    org = FakeOrg({key.lower(): key for key in keys})
    want = wanting(codes, mapping(dict.fromkeys(keys, "x")))

    folded = Desk(org, want, tmp_path / "folded", crm={"sf-prod": FakeCrm(CRM)})
    alone = Desk(org, want, tmp_path / "alone", crm={"sf-prod": FakeCrm(CRM, capabilities=ONE_BY_ONE)})

    assert folded.apply().exit_code is Exit.OK
    assert len(writes(crm_of(folded).calls)) == 1
    assert alone.apply(concurrency=8).exit_code is Exit.OK
    assert len(writes(crm_of(alone).calls)) == 120


# ── stale ──────────────────────────────────────────────────────────────────────────────────────────────────


def edited(tmp_path: Path) -> Desk:
    """A row is to change from OLD to WON."""
    desk = one_code(tmp_path)
    holding(crm_of(desk), "SALE", "OLD", "c1", description="as it was")
    return desk


def test_a_row_edited_by_somebody_else_between_plan_and_apply_is_stale_with_three_values(
    tmp_path: Path,
) -> None:
    desk = edited(tmp_path)
    plan = desk.plan()
    crm_of(desk).state[CRM].of("to/SALE").fields["value"] = "THEIRS"

    with pytest.raises(PlanIsStale) as refused:
        desk.apply(plan)

    assert _three(refused.value.stale[0]) == ["OLD", "THEIRS", "WON"]
    assert refused.value.stale[0].message == "value changed since the plan was made"
    assert writes(crm_of(desk).calls) == []


def test_a_row_edited_between_the_look_and_the_write_is_refused_by_its_token(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    crm = crm_of(desk)
    number = first(_rehearsed(desk), "PATCH")
    crm.before[number] = lambda state: _touch(state[CRM].of("to/SALE"), {"value": "THEIRS"})

    report = desk.apply()

    assert [entry.status for entry in report.entries] == [Status.STALE]
    assert _three(report.entries[0]) == ["OLD", "THEIRS", "WON"]
    assert report.entries[0].answer == PlatformAnswer(
        "the request", 412, "precondition.failed", "precondition.failed says the platform"
    )
    assert crm.told(CRM) == ["to/SALE THEIRS [c1]"]
    assert report.exit_code is Exit.PARTIAL


def test_a_row_that_somebody_else_changed_just_so_is_done_already(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    crm = crm_of(desk)
    wanted: dict[str, Value] = {"value": "WON", "description": None}
    crm.before[first(_rehearsed(desk), "PATCH")] = lambda state: _touch(state[CRM].of("to/SALE"), wanted)

    assert told(desk.apply()) == [
        "update row crm/sf/to%2FSALE → already done: somebody else did the same meanwhile"
    ]


def _touch(row: Row, fields: Mapping[str, Value]) -> None:
    row.fields.update(fields)
    row.version += 1


def _three(entry: Entry) -> list[Value]:
    return [side["value"] for side in (entry.planned, entry.now or {}, entry.wanted)]


def _rehearsed(desk: Desk) -> list[str]:
    copy = desk.copied()
    copy.apply()
    return crm_of(copy).calls


def test_merge_lets_a_row_through_when_only_what_it_does_not_write_has_moved(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    desk.want = wanting(
        [code("SALE", "Sale")],
        CrmMapping(
            CRM,
            "liketable",
            (
                CrmRow(
                    "to/SALE",
                    HERE,
                    "SALE",
                    {"direction": "to_crm", "code": "SALE", "value": "WON", "description": "as it was"},
                ),
            ),
            HERE,
        ),
    )
    plan = desk.plan()
    crm_of(desk).state[CRM].of("to/SALE").fields["description"] = "theirs"

    report = desk.apply(plan, on_conflict="merge")

    assert told(report) == ["update row crm/sf/to%2FSALE → done"]
    assert [entry.drift for entry in report.entries] == [("description",)]
    assert crm_of(desk).state[CRM].of("to/SALE").fields["description"] == "theirs"


def test_a_row_that_lost_its_mark_is_never_written(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    plan = desk.plan()
    crm_of(desk).state[CRM].of("to/SALE").mine = False

    with pytest.raises(PlanIsStale, match="does not carry wrapctl's mark any more"):
        desk.apply(plan)


def test_a_row_of_somebody_else_under_our_key_is_stale(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    plan = desk.plan()
    crm_of(desk).holds(CRM, "to/SALE", mine=False, value="WON")

    with pytest.raises(PlanIsStale, match="a row that is not wrapctl's stands under that key"):
        desk.apply(plan)


def test_a_row_that_is_gone_cannot_be_updated_and_need_not_be_removed(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    update = desk.plan()
    desk.want = wanting([code("SALE", "Sale")], mapping({}))
    removal = desk.plan()
    crm_of(desk).state[CRM].rows.clear()

    with pytest.raises(PlanIsStale, match="the row is not there any more"):
        desk.apply(update)
    assert told(desk.apply(removal)) == ["deactivate row crm/sf/to%2FSALE → already done"]


def test_a_row_taken_away_and_made_anew_is_not_the_one_that_was_approved(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    plan = desk.plan()
    rows = crm_of(desk).state[CRM].rows
    rows["other"] = rows.pop("row-SALE")

    with pytest.raises(PlanIsStale, match="another row stands under its key now"):
        desk.apply(plan)


def test_nothing_and_an_empty_text_are_the_same_to_a_row(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    crm_of(desk).state[CRM].of("to/SALE").fields["description"] = None
    plan = desk.plan()
    crm_of(desk).state[CRM].of("to/SALE").fields["description"] = ""

    assert told(desk.apply(plan)) == ["update row crm/sf/to%2FSALE → done"]


# ── what the CRM refuses ───────────────────────────────────────────────────────────────────────────────────


def sixty(tmp_path: Path, **crm: object) -> Desk:
    keys = [f"C{n:02}" for n in range(60)]
    org = FakeOrg({key.lower(): key for key in keys})
    want = wanting([code(key) for key in keys], mapping({key: f"value {key}" for key in keys}))
    return Desk(org, want, tmp_path, crm={"sf-prod": FakeCrm(CRM, **crm)})  # type: ignore[arg-type]  # tests name real options


def test_58_of_60_rows_are_done_the_two_that_the_crm_refuses_fail_in_its_words_and_the_next_run_does_them(
    tmp_path: Path,
) -> None:
    desk = sixty(tmp_path)
    crm_of(desk).refuses = {"to/C07": "value is restricted", "to/C33": "value is restricted"}

    report = desk.apply()

    assert report.totals == {Status.DONE: 58, Status.FAILED: 2}
    assert [line for line in told(report) if "failed" in line] == [
        "create row crm/sf/to%2FC07 → failed: POST rows answered 400 invalid: value is restricted [request req-row]",
        "create row crm/sf/to%2FC33 → failed: POST rows answered 400 invalid: value is restricted [request req-row]",
    ]
    assert report.exit_code is Exit.PARTIAL
    assert report.unread == ()
    crm_of(desk).refuses.clear()
    assert told(desk.apply()) == ["create row crm/sf/to%2FC07 → done", "create row crm/sf/to%2FC33 → done"]
    assert desk.plan().changes == ()


def test_a_crm_that_refuses_this_client_is_closed_and_the_rest_goes_on(tmp_path: Path) -> None:
    desk = sixty(tmp_path, capabilities=ONE_BY_ONE)
    desk.crm = {**desk.crm, "now-prod": FakeCrm("now")}
    desk.want = replace(desk.want, crm=(*desk.want.crm, mapping({"C00": "zero"}, "now")))
    desk.want = replace(desk.want, queues=(queue("Q1", ["C00"]),))
    desk.org.state.queues["q1"] = FakeOrg({}, {"q1": []}).state.queues["q1"]
    calls = crm_of(desk)
    calls.faults[first(_rehearsed(desk), "POST") + 1] = Fault.FATAL

    report = desk.apply()

    assert report.fatal == ""
    assert report.totals == {Status.DONE: 3, Status.FAILED: 59}
    assert desk.crm["now-prod"].told("now") == ["to/C00 zero [c00]"]
    assert desk.org.state.queues["q1"].codes == ["c00"]
    assert len(writes(calls.calls)) == 2
    assert report.entries[5].message.startswith("not sent: nothing more goes to sf in this run: ")
    assert report.exit_code is Exit.PARTIAL


# ── what cannot be read ────────────────────────────────────────────────────────────────────────────────────


def test_the_crm_is_down_and_the_platform_side_is_applied_and_the_crm_named(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    desk.org = FakeOrg()
    crm_of(desk).down = True

    report = desk.apply()

    assert told(report) == ["create code code/SALE → done"]
    assert report.unread == ("sf: it is down",)
    assert report.exit_code is Exit.PARTIAL
    start = json.loads((desk.journal / "run-1.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert start["unread"] == ["sf: it is down"]
    crm_of(desk).down = False
    assert told(desk.apply()) == ["create row crm/sf/to%2FSALE → done"]


def test_a_crm_that_goes_down_after_the_plan_costs_its_own_rows_and_what_needs_them(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    crm = crm_of(desk)
    desk.crm = {**desk.crm, "now-prod": FakeCrm("now")}
    desk.org = FakeOrg({"c1": "Old", "c2": "Gone"})
    codes = [code("NEW", "New"), code("OLD", "Old"), code("GONE", "Gone", absent=True)]
    desk.want = wanting(
        codes,
        mapping({"NEW": "new", "OLD": "old"}, on_remove="delete"),
        mapping({"OLD": "old"}, "now"),
    )
    holding(crm, "GONE", "gone", "c2")
    plan = desk.plan()
    crm.down = True

    report = desk.apply(plan)

    why = "sf could not be read: GET sf to/GONE,to/NEW,to/OLD reached nobody"
    assert told(report) == [
        "create code code/NEW → done",
        "create row crm/now/to%2FOLD → done",
        f"create row crm/sf/to%2FNEW → not attempted: {why}",
        f"create row crm/sf/to%2FOLD → not attempted: {why}",
        f"delete row crm/sf/to%2FGONE → not attempted: {why}",
        "delete code code/GONE → skipped: needs delete row acme/crm/sf/to%2FGONE, which is not attempted",
    ]
    assert report.unread == ("sf: GET sf to/GONE,to/NEW,to/OLD reached nobody",)
    assert report.exit_code is Exit.PARTIAL
    assert len(crm.calls) == 1
    crm.down = False
    assert desk.apply().exit_code is Exit.OK
    assert desk.plan().changes == ()


def test_no_code_is_removed_while_a_system_is_not_read(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    desk.org = FakeOrg({"c1": "Sale", "c2": "Gone"})
    desk.want = wanting([code("SALE", "Sale"), code("GONE", "Gone", absent=True)], mapping({"SALE": "WON"}))
    plan = desk.plan()
    crm_of(desk).down = True

    report = desk.apply(plan)

    assert told(report)[-1] == (
        "delete code code/GONE → skipped: a row may name it: sf could not be read: GET sf to/SALE reached nobody"
    )
    assert desk.org.effects == []


def test_one_system_of_a_connection_that_cannot_be_read_does_not_hold_the_others(tmp_path: Path) -> None:
    kept = FakeCrm("sf", "cases")
    want = wanting([code("SALE", "Sale")], mapping({"SALE": "WON"}), mapping({"SALE": "CLOSED"}, "cases"))
    desk = Desk(FakeOrg({"c1": "Sale"}), want, tmp_path, crm={"sf-prod": kept})
    kept.unreadable = {"cases": "there is no such object"}

    report = desk.apply()

    assert told(report) == [
        "create row crm/cases/to%2FSALE → not attempted: cases could not be read: there is no such object",
        "create row crm/sf/to%2FSALE → done",
    ]
    assert report.unread == ("cases: there is no such object",)


# ── silence ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_answer_of_a_create_is_settled_by_reading(tmp_path: Path) -> None:
    desk = sixty(tmp_path)
    crm_of(desk).faults[first(_rehearsed(desk), "POST")] = Fault.LOST

    report = desk.apply()

    assert report.totals == {Status.DONE: 60}
    assert report.entries[0].message == "no answer came; reading shows that it was done"
    assert len(writes(crm_of(desk).calls)) == 1


def test_a_create_that_never_shows_stays_unknown(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    crm_of(desk).faults[first(_rehearsed(desk), "POST")] = Fault.DROPPED

    report = desk.apply()

    assert told(report) == [
        "create row crm/sf/to%2FSALE → unknown: no answer came, and after 6 looks it does not show"
    ]
    assert desk.world.events[-1].text == "waiting 8 s for sf to show create row acme/crm/sf/to%2FSALE"


def test_rows_that_show_late_are_waited_for(tmp_path: Path) -> None:
    desk = one_code(tmp_path, lag=3)

    assert told(desk.apply()) == ["create row crm/sf/to%2FSALE → done"]
    assert desk.world.waits == [0.5, 1.0, 2.0]


def test_a_crm_that_goes_down_after_a_write_leaves_it_in_doubt_and_the_next_run_knows(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    crm = crm_of(desk)
    sent = first(_rehearsed(desk), "POST")
    crm.faults.update(dict.fromkeys(range(sent + 1, sent + 20), Fault.DROPPED))

    report = desk.apply()

    assert told(report) == [
        "create row crm/sf/to%2FSALE → unknown: could not be read back: GET sf to/SALE was not answered"
    ]
    assert len(desk.world.waits) == 5
    crm.revive()
    assert desk.plan().changes == ()


def test_a_write_that_did_not_take_is_a_failure_that_names_the_system(tmp_path: Path) -> None:
    desk = edited(tmp_path)
    crm_of(desk).faults[first(_rehearsed(desk), "PATCH")] = Fault.IGNORED

    report = desk.apply()

    assert told(report) == [
        "update row crm/sf/to%2FSALE → failed: did not take: sf answered success, and after 6 looks does not show it"
    ]


def test_a_row_that_appears_just_before_its_create_is_taken_for_done_when_it_is_as_wanted(
    tmp_path: Path,
) -> None:
    desk = one_code(tmp_path)
    crm = crm_of(desk)
    theirs = Row(
        "to/SALE", {"direction": "to_crm", "code": "SALE", "code_id": "c1", "value": "WON", "active": True}
    )
    crm.before[first(_rehearsed(desk), "POST")] = lambda state: state[CRM].rows.update(theirs=theirs)

    assert told(desk.apply()) == [
        "create row crm/sf/to%2FSALE → already done: existed already, exactly as wanted"
    ]


def test_a_key_that_somebody_holds_out_of_sight_is_a_failure_with_advice(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    crm_of(desk).hidden = {"to/SALE"}

    report = desk.apply()

    assert told(report) == [
        "create row crm/sf/to%2FSALE → failed: sf says that it exists, and shows nothing of that key to this client"
    ]
    assert len(desk.world.waits) == 3


# ── sent, not compared ─────────────────────────────────────────────────────────────────────────────────────


def test_what_cannot_be_read_back_goes_out_with_the_change_of_its_code_and_once(tmp_path: Path) -> None:
    desk = one_code(tmp_path, compared=False)
    desk.org = FakeOrg()

    report = desk.apply()

    assert told(report) == ["create code code/SALE → done", "create row crm/sf/to%2FSALE → done"]
    assert crm_of(desk).calls == ["POST sf to/SALE"]
    assert crm_of(desk).told(CRM) == ["to/SALE WON [new-1]"]
    assert desk.plan().changes == ()


def test_what_was_sent_without_an_answer_stays_unknown(tmp_path: Path) -> None:
    desk = one_code(tmp_path, compared=False)
    desk.org = FakeOrg()
    crm_of(desk).faults[0] = Fault.LOST

    report = desk.apply()

    assert told(report) == [
        "create code code/SALE → done",
        "create row crm/sf/to%2FSALE → unknown: no answer came",
    ]
    assert report.exit_code is Exit.PARTIAL
    assert crm_of(desk).calls == ["POST sf to/SALE"]


def test_a_crm_that_goes_down_in_the_middle_keeps_what_it_has_and_is_not_asked_again(tmp_path: Path) -> None:
    desk = one_code(tmp_path)
    crm = crm_of(desk)
    desk.org = FakeOrg({"c1": "A", "c2": "B", "c3": "C"})
    desk.want = wanting([code("A"), code("B"), code("C")], mapping({"A": "one", "B": "two"}))
    holding(crm, "B", "old", "c2")
    holding(crm, "C", "three", "c3")
    calls = _rehearsed(desk)
    crm.faults[first(calls, "GET sf to/B")] = Fault.DROPPED

    report = desk.apply()

    why = "not attempted: sf could not be read: GET sf to/B was not answered"
    assert told(report) == [
        "create row crm/sf/to%2FA → done",
        f"update row crm/sf/to%2FB → {why}",
        f"deactivate row crm/sf/to%2FC → {why}",
    ]
    assert crm.calls[-1] == "GET sf to/B"
    assert report.exit_code is Exit.PARTIAL
    crm.revive()
    assert desk.apply().exit_code is Exit.OK
