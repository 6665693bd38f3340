"""What runs are measured by: percentiles, counts that add up, kinds of findings, and labels that hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_parts import World, error, ok
from wrapctl.errors import Problem, Source
from wrapctl.http.wire import Call
from wrapctl.metrics import findings, latency
from wrapctl.plan.plan import Finding
from wrapctl.render.metrics import OrgRun, Run, text
from wrapctl.targets.interface import Traffic

_TIMES = st.dictionaries(st.floats(0, 1e6).map(lambda one: round(one, 1)), st.integers(1, 50), min_size=1)
_COUNTS = st.dictionaries(st.sampled_from(["GET /a", "GET /b", "POST /a"]), _TIMES, max_size=3)


@given(_TIMES)
def test_percentiles_are_times_that_were_measured_by_nearest_rank(took: dict[float, int]) -> None:
    every = sorted(time for time, count in took.items() for _ in range(count))
    found = latency(took)
    assert found.count == len(every)
    for share, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        assert value == every[max(-(-len(every) * share // 100), 1) - 1]
    assert found.longest == every[-1]


def traffic(times: dict[str, dict[float, int]]) -> Traffic:
    counted = {name: sum(took.values()) for name, took in times.items()}
    return Traffic(
        requests=counted, retries=len(times), times={name: dict(took) for name, took in times.items()}
    )


@given(_COUNTS, _COUNTS)
def test_what_came_later_is_what_is_left_when_the_earlier_is_taken_away(
    first: dict[str, dict[float, int]], second: dict[str, dict[float, int]]
) -> None:
    total = traffic(first)
    then = total.copy()
    total.add(traffic(second))
    assert total.since(then) == traffic(second)
    assert then == traffic(first)


def test_counts_of_a_connection_carry_its_name() -> None:
    total = traffic({"GET /a": {1.0: 1}})
    total.add(traffic({"GET /a": {2.0: 3}}), "crm ")
    assert total.requests == {"GET /a": 1, "crm GET /a": 3}
    assert total.times == {"GET /a": {1.0: 1}, "crm GET /a": {2.0: 3}}


def test_a_wait_for_a_limit_is_counted_apart_from_other_waits() -> None:
    world = World([error(429, Retry_After="7"), error(503), ok(id="1")])
    world.session.send(Call("GET", "/things"))
    assert (world.traffic.limits, world.traffic.limited) == (1, 7.0)
    assert (world.traffic.retries, world.traffic.waited > 7.0) == (2, True)
    assert sum(world.traffic.times["GET /things"].values()) == 3


def test_the_orgs_own_pace_is_a_limit_too() -> None:
    world = World([ok(id="1"), ok(id="2")], per_minute=1)
    world.session.send(Call("GET", "/things"))
    world.session.send(Call("GET", "/things"))
    assert (world.traffic.limits, world.traffic.limited, world.traffic.retries) == (1, 60.0, 0)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("SALE: no category `Sales & more`", "no category"),
        ("SALE: a second code named `Sale`", "a second code named"),
        ("unknown key `hint`", "unknown key"),
        ("`name` is missing", "is missing"),
        ("a name of 300 characters", "a name of characters"),
        ("an include loop: a.yaml, b.yaml", "an include loop"),
        ("`x`", "other"),
        ("", "other"),
    ],
)
def test_the_kind_of_a_finding_is_its_words_without_what_it_names(message: str, kind: str) -> None:
    assert findings([Problem(Source("f", 1, 1), message)]) == {f"error: {kind}": 1}


def test_findings_of_one_kind_count_together_and_those_of_the_guard_beside_them() -> None:
    one = Problem(Source("f", 1, 1), "A: no category `x`")
    other = Problem(Source("f", 2, 1), "B: no category `y`")
    assert findings([one, other], [Finding("deletes", 3, 1, "too many")]) == {
        "error: no category": 2,
        "guard: deletes": 1,
    }


@given(st.text(max_size=400))
def test_no_label_can_end_its_line_or_its_quotes(name: str) -> None:
    run = Run(
        "plan", 1.5, 0.25, 3, {name: OrgRun(exit_code=3, changes={("create code", name): 2})}, {name: (1, 2)}
    )
    for line in text(run).split("\n")[:-1]:
        assert line.startswith("# ") or re.fullmatch(
            r'[a-z_]+\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\} [0-9.]+', line
        ), line


def test_a_run_is_written_as_prometheus_reads_it() -> None:
    org = OrgRun(
        seconds=2.0,
        exit_code=0,
        traffic=Traffic({"GET /q": 3}, 1, 7.5, 1, 7.0, {"GET /q": {10.0: 2, 30.0: 1}}),
        changes={("create code", "done"): 2},
        findings={"warning: no category": 1},
    )
    said = text(Run("apply", 1_700_000_000.0, 3.0, 0, {"acme": org}, {"wfm": (2, 1)}))
    assert said.startswith("# HELP wrapctl_run_timestamp_seconds When the run ended.\n# TYPE ")
    for line in (
        'wrapctl_run_timestamp_seconds{command="apply"} 1700000000',
        'wrapctl_org_duration_seconds{command="apply",org="acme"} 2',
        'wrapctl_requests{command="apply",org="acme",operation="GET /q"} 3',
        'wrapctl_limit_wait_seconds{command="apply",org="acme"} 7',
        'wrapctl_request_duration_seconds{command="apply",org="acme",operation="GET /q",quantile="0.5"} 0.01',
        'wrapctl_request_duration_seconds{command="apply",org="acme",operation="GET /q",quantile="0.99"} 0.03',
        'wrapctl_request_duration_seconds_sum{command="apply",org="acme",operation="GET /q"} 0.05',
        'wrapctl_request_duration_seconds_count{command="apply",org="acme",operation="GET /q"} 3',
        'wrapctl_findings{command="apply",org="acme",severity="warning",kind="no category"} 1',
        'wrapctl_events{command="apply",sink="wfm",outcome="kept"} 1',
    ):
        assert f"\n{line}\n" in said
