"""Whatever happens at whatever request of a platform or its CRM: running again ends in what the files want."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applying import Desk
from fake_crm import ONE_BY_ONE, TABLE_LIKE, FakeCrm
from fakes import FakeOrg, Fault, Killed
from world import HERE, code, desired
from wrapctl.apply.journal import verify
from wrapctl.apply.report import PlanIsStale
from wrapctl.errors import Exit, TargetError
from wrapctl.model import CrmMapping, CrmRow, Desired, Value
from wrapctl.targets.interface import Capabilities


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """These tests kill processes, not power: hundreds of runs need not reach the platter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


def _mapping(system: str, *keys: str) -> CrmMapping:
    rows = tuple(
        CrmRow(f"to/{key}", HERE, key, {"direction": "to_crm", "code": key, "value": f"{system} {key}"})
        for key in keys
    )
    return CrmMapping(system, "liketable", rows, HERE, on_remove="delete")


def wanted() -> Desired:
    codes = [code("NEW"), code("KEPT"), code("MOVED", "Moved", previously=("Old",))]
    return replace(
        desired([*codes, code("GONE", absent=True)]),
        crm=(_mapping("cases", "NEW", "KEPT"), _mapping("sf", "NEW", "KEPT", "MOVED")),
    )


def _holds(crm: FakeCrm, system: str, key: str, value: str, code_id: str) -> None:
    fields: dict[str, Value] = {"direction": "to_crm", "code": key, "code_id": code_id, "value": value}
    crm.holds(system, f"to/{key}", **fields)  # type: ignore[arg-type]  # fields are fields


def start(folder: Path, can: Capabilities = TABLE_LIKE, lag: int = 0) -> Desk:
    crm = FakeCrm("cases", "sf", capabilities=can, lag=lag, needed=("a", "b"))
    crm.state["cases"].columns = None
    crm.state["sf"].columns = ("a",)
    _holds(crm, "sf", "KEPT", "old value", "c1")
    _holds(crm, "sf", "GONE", "gone", "c3")
    crm.holds("sf", "theirs", mine=False, value="theirs")
    org = FakeOrg({"c1": "KEPT", "c2": "Old", "c3": "GONE"}, lag=lag)
    return Desk(org, wanted(), folder, crm={"sf-prod": crm})


def finished(desk: Desk) -> tuple[list[str], list[str], list[str]]:
    """What is there, with codes by their names."""
    names = {code_id: str(fields["name"]) for code_id, fields in desk.org.state.codes.items()}
    crm = desk.crm["sf-prod"]
    told = ["\n".join(crm.told(system)) for system in ("cases", "sf")]
    for code_id, name in names.items():
        told = [text.replace(f"[{code_id}]", f"[{name}]") for text in told]
    return sorted(names.values()), told[0].split("\n"), told[1].split("\n")


DONE = (
    ["KEPT", "Moved", "NEW"],
    ["to/KEPT cases KEPT [KEPT]", "to/NEW cases NEW [NEW]"],
    ["theirs theirs (theirs)", "to/KEPT sf KEPT [KEPT]", "to/MOVED sf MOVED [Moved]", "to/NEW sf NEW [NEW]"],
)


@pytest.mark.parametrize("when", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("saved", [False, True])
def test_a_run_killed_at_any_request_is_finished_by_running_again(
    when: Fault, saved: bool, tmp_path: Path
) -> None:
    rehearsed = start(tmp_path / "rehearsal")
    assert rehearsed.apply().exit_code is Exit.OK
    assert finished(rehearsed) == DONE
    counts = {"org": len(rehearsed.org.calls), "crm": len(rehearsed.crm["sf-prod"].calls)}
    for who, count in counts.items():
        for number in range(count):
            desk = start(tmp_path / who / str(number))
            crm = desk.crm["sf-prod"]
            plan = desk.plan() if saved else None
            (crm if who == "crm" else desk.org).faults[number] = when
            with pytest.raises(Killed):
                desk.apply(plan)
            effects = [*desk.org.effects, *crm.effects]
            desk.org.revive()
            crm.revive()

            assert desk.apply(plan).exit_code is Exit.OK, (who, number)
            assert finished(desk) == DONE, (who, number)
            assert desk.plan().changes == (), (who, number)
            effects += [*desk.org.effects, *crm.effects]
            assert Counter(effects).most_common(1)[0][1] == 1, "nothing was written twice"
            assert not any(finding.broken for finding in verify(desk.journal))


FAULTS = st.sampled_from([one for one in Fault if one is not Fault.IGNORED])
SEVERAL = st.dictionaries(st.integers(0, 30), FAULTS, max_size=4)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    can=st.sampled_from([TABLE_LIKE, ONE_BY_ONE]),
    lag=st.integers(0, 3),
    concurrency=st.sampled_from([1, 4]),
    batch=st.sampled_from([1, 2, 50]),
    runs=st.lists(st.tuples(SEVERAL, SEVERAL, st.booleans()), max_size=4),
)
def test_random_faults_over_several_runs_lose_nothing_and_touch_no_foreign_row(
    can: Capabilities,
    lag: int,
    concurrency: int,
    batch: int,
    runs: list[tuple[dict[int, Fault], dict[int, Fault], bool]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk = start(tmp_path_factory.mktemp("desk"), can, lag)
    crm = desk.crm["sf-prod"]
    for at_org, at_crm, down in runs:
        desk.org.faults.update(at_org)
        crm.faults.update(at_crm)
        crm.down = down
        try:
            report = desk.apply(concurrency=concurrency, batch=batch)
        except (Killed, TargetError, PlanIsStale):
            pass
        else:
            assert down <= (report.exit_code is not Exit.OK)
        crm.down = False
        desk.org.revive()
        crm.revive()
        assert "theirs theirs (theirs)" in crm.told("sf")

    for _ in range(2):  # what lag hid from the first shows to the second
        desk.apply(concurrency=concurrency, batch=batch)

    assert finished(desk) == DONE
    assert desk.plan().changes == ()
