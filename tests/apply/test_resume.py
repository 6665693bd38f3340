"""Whatever happens at whatever request: running again ends in exactly what the files want."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applying import Desk, writes
from fakes import Contents, FakeCxone, FakeOrg, Fault, Killed
from world import code, desired, queue
from wrapctl.apply.journal import verify
from wrapctl.apply.report import PlanIsStale, Status
from wrapctl.errors import Exit, TargetError
from wrapctl.model import Desired


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """These tests kill processes, not power: hundreds of runs need not reach the platter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


NAMES = {"c1": "Old name", "c2": "Gone", "c3": "Kept", "c4": "Step", "c5": "Not ours"}
LINKS = {"q1": ["c2", "c3"], "q2": ["c3", "c5"], "q3": ["c5"]}


def wanted() -> Desired:
    return desired(
        [
            code("NEW", "New", description="fresh"),
            code("TAKES", "Old name", previously=()),
            code("RENAMED", "New name", id="c1"),
            code("STEP", "Stepped", id="c4"),
            code("KEPT", "Kept"),
            code("GONE", "Gone", absent=True),
        ],
        [
            queue("Q1", ["NEW", "KEPT", "RENAMED", "TAKES"], after_call_work={"prompt": "mandatory"}),
            queue("Q2", ["KEPT", "NEW"]),
            queue("Q3", ["STEP"], additive=True),
        ],
    )


def org_of(kind: type[FakeOrg], lag: int = 0) -> FakeOrg:
    return kind(NAMES, LINKS, lag=lag)


def finished(org: FakeOrg) -> tuple[dict[str, int], dict[str, list[str]]]:
    """What is there by name: how many codes of each, and what each queue holds."""
    names = {code_id: str(fields["name"]) for code_id, fields in org.state.codes.items()}
    return Counter(names.values()), {
        queue_id: sorted(names.get(one, one) for one in held.codes)
        for queue_id, held in org.state.queues.items()
    }


DONE = (
    {"New": 1, "Old name": 1, "New name": 1, "Stepped": 1, "Kept": 1, "Not ours": 1},
    {
        "q1": ["Kept", "New", "New name", "Old name"],
        "q2": ["Kept", "New"],
        "q3": ["Not ours", "Stepped"],
    },
)


def requests_of(kind: type[FakeOrg], tmp_path: Path) -> list[str]:
    desk = Desk(org_of(kind), wanted(), tmp_path / "rehearsal")
    assert desk.apply().exit_code is Exit.OK
    assert finished(desk.org) == DONE
    return desk.org.calls


@pytest.mark.parametrize("kind", [FakeOrg, FakeCxone])
@pytest.mark.parametrize("when", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
def test_a_run_killed_at_any_request_is_finished_by_running_again(
    kind: type[FakeOrg], when: Fault, tmp_path: Path
) -> None:
    calls = requests_of(kind, tmp_path)
    for number in range(len(calls)):
        desk = Desk(org_of(kind), wanted(), tmp_path / str(number))
        desk.org.faults[number] = when
        with pytest.raises(Killed):
            desk.apply()
        before = list(desk.org.effects)
        desk.org.revive()

        report = desk.apply()

        assert report.exit_code is Exit.OK, calls[number]
        assert finished(desk.org) == DONE, calls[number]
        assert desk.plan().changes == (), calls[number]
        assert Counter([*before, *desk.org.effects]).most_common(1)[0][1] == 1, "nothing was written twice"
        assert not any(finding.broken for finding in verify(desk.journal))


@pytest.mark.parametrize("kind", [FakeOrg, FakeCxone])
def test_the_same_saved_plan_finishes_what_was_killed_at_any_request(
    kind: type[FakeOrg], tmp_path: Path
) -> None:
    calls = requests_of(kind, tmp_path)
    for number in range(len(calls)):
        desk = Desk(org_of(kind), wanted(), tmp_path / str(number))
        plan = desk.plan()
        desk.org.faults[number] = Fault.KILL_AFTER
        with pytest.raises(Killed):
            desk.apply(plan)
        desk.org.revive()

        assert desk.apply(plan).exit_code is Exit.OK, calls[number]
        assert finished(desk.org) == DONE, calls[number]


@pytest.mark.parametrize("kind", [FakeOrg, FakeCxone])
def test_a_journal_torn_at_any_record_lets_the_next_run_follow(kind: type[FakeOrg], tmp_path: Path) -> None:
    """A process dies inside a write to the journal: what it would have announced was not sent."""
    desk = Desk(org_of(kind), wanted(), tmp_path / "whole")
    desk.apply()
    ends = list(accumulate(map(len, (desk.journal / "run-1.jsonl").read_bytes().splitlines(keepends=True))))
    for number, end in enumerate(ends):
        desk = Desk(org_of(kind), wanted(), tmp_path / str(number))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wrapctl.apply.journal._write_all", _tearing(end - 20))
            with pytest.raises(Killed):
                desk.apply()
        desk.org.revive()

        report = desk.apply()

        assert (report.exit_code, report.unended) == (Exit.OK, ("run-1",))
        assert finished(desk.org) == DONE
        assert [(finding.file, finding.broken) for finding in verify(desk.journal)] == [
            ("run-1.jsonl", False)
        ]


def _tearing(room: int) -> Callable[[int, bytes], None]:
    """Writes to the journal until so many bytes are in it; then the process dies."""
    written = [0]

    def write(descriptor: int, text: bytes) -> None:
        left = room - written[0]
        written[0] += os.write(descriptor, text[:left])
        if len(text) > left:
            raise Killed

    return write


FAULTS = st.sampled_from([one for one in Fault if one is not Fault.IGNORED])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from([FakeOrg, FakeCxone]),
    lag=st.integers(0, 3),
    concurrency=st.sampled_from([1, 1, 4]),
    batch=st.sampled_from([1, 2, 50]),
    runs=st.lists(st.dictionaries(st.integers(0, 60), FAULTS, max_size=5), max_size=4),
)
def test_random_faults_over_several_runs_lose_nothing_repeat_nothing_and_touch_nothing_else(
    kind: type[FakeOrg],
    lag: int,
    concurrency: int,
    batch: int,
    runs: list[dict[int, Fault]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk = Desk(org_of(kind, lag), wanted(), tmp_path_factory.mktemp("project"))
    creates: Counter[str] = Counter()
    for faults in [*runs, {}]:
        desk.org.revive()
        desk.org.faults.update(faults)
        try:
            report = desk.apply(concurrency=concurrency, batch=batch)
        except Killed:
            report = None
        except TargetError:
            assert writes(desk.org.calls) == []
            report = None
        if report is not None:
            for entry in report.entries:
                assert entry.status is not Status.STALE, entry
            if report.exit_code is Exit.OK:
                assert finished(desk.org) == DONE
        creates.update(call for call in desk.org.effects if call.startswith("POST /codes "))
        desk.org._history.clear()  # between two runs the platform has time to show everything

    assert report is not None
    assert report.exit_code is Exit.OK
    assert finished(desk.org) == DONE
    assert max(creates.values(), default=1) == 1
    assert desk.plan().changes == ()
    assert desk.org.state.codes["c5"]["name"] == "Not ours"
    assert all(held.rest == {"members": ["ada", "bob"]} for held in desk.org.state.queues.values())
    assert not any(finding.broken for finding in verify(desk.journal))


EDITS = st.sampled_from(
    [
        ("c1", "description"),
        ("c1", "name"),
        ("c2", "description"),
        ("c3", "name"),
        ("c5", "name"),
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 45), edit=EDITS, merge=st.booleans())
def test_an_edit_by_somebody_else_at_any_request_is_overwritten_only_inside_the_race_window(
    number: int, edit: tuple[str, str], merge: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An edit survives, or the write that replaced it went out in the batch right behind the look."""
    desk = Desk(org_of(FakeOrg), wanted(), tmp_path_factory.mktemp("project"))
    code_id, name = edit

    def by_hand(contents: Contents) -> None:
        if code_id in contents.codes:
            contents.codes[code_id][name] = "edited by hand"

    desk.org.before[number] = by_hand
    try:
        report = desk.apply(on_conflict="merge" if merge else "refuse")
    except PlanIsStale:
        assert writes(desk.org.calls) == []
        assert desk.org.state.codes[code_id][name] == "edited by hand"
        return
    happened = number < len(desk.org.calls)
    if code_id == "c5" and happened:
        assert desk.org.state.codes["c5"]["name"] == "edited by hand"
    if happened and code_id in desk.org.state.codes:
        kept = desk.org.state.codes[code_id][name] == "edited by hand"
        replaced = any(call.startswith(f"PUT /codes {code_id}") for call in desk.org.calls[number:])
        assert kept or replaced
    assert not any(finding.broken for finding in verify(desk.journal))
    assert len(report.entries) == len({entry.id for entry in report.entries})
