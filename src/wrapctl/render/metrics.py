"""What a run is measured by, in the Prometheus text format.

https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4). A file is of one run, so that all of
it are gauges of that run, but for the summaries of how long answers took.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from wrapctl.metrics import QUANTILES, latency
from wrapctl.render.escape import terminal
from wrapctl.targets.interface import Traffic

_LONGEST: Final = 200
_Labels = Mapping[str, str]


@dataclass(slots=True)
class OrgRun:
    """What a run did to one org. ``changes``: verb and outcome → how many; ``findings``: kind → how many.

    ``exit_code`` is None where nothing was done to the org itself, as in ``validate``.
    """

    seconds: float = 0.0
    exit_code: int | None = None
    traffic: Traffic = field(default_factory=Traffic)
    changes: dict[tuple[str, str], int] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one command. ``at`` is when it ended, in seconds of the epoch; ``events`` sink → taken, left."""

    command: str
    at: float
    seconds: float
    exit_code: int
    orgs: Mapping[str, OrgRun]
    events: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def text(run: Run) -> str:
    """Return a run as Prometheus reads it."""
    return "".join(f"{line}\n" for line in _lines(run))


def _lines(run: Run) -> Iterator[str]:
    mine = {"command": run.command}
    orgs = [({**mine, "org": name}, org) for name, org in sorted(run.orgs.items())]
    yield from _gauge("wrapctl_run_timestamp_seconds", "When the run ended.", [(mine, run.at)])
    yield from _gauge("wrapctl_run_duration_seconds", "How long the run took.", [(mine, run.seconds)])
    yield from _gauge("wrapctl_run_exit_code", "How the run ended.", [(mine, run.exit_code)])
    yield from _gauge(
        "wrapctl_org_duration_seconds",
        "How long the org's part of the run took.",
        [(labels, org.seconds) for labels, org in orgs],
    )
    yield from _gauge(
        "wrapctl_org_exit_code",
        "How the org's part of the run ended.",
        [(labels, org.exit_code) for labels, org in orgs if org.exit_code is not None],
    )
    yield from _gauge(
        "wrapctl_requests",
        "Requests that were sent, by operation.",
        [
            ({**labels, "operation": operation}, count)
            for labels, org in orgs
            for operation, count in sorted(org.traffic.requests.items())
        ],
    )
    counts = (
        ("wrapctl_retries", "Requests that were sent again.", "retries"),
        ("wrapctl_wait_seconds", "Seconds that were waited between requests, for whatever reason.", "waited"),
        ("wrapctl_limit_waits", "Requests that had to wait for a limit of requests.", "limits"),
        ("wrapctl_limit_wait_seconds", "Seconds that were waited for a limit of requests.", "limited"),
    )
    for name, words, counted in counts:
        yield from _gauge(name, words, [(labels, getattr(org.traffic, counted)) for labels, org in orgs])
    yield from _latencies(orgs)
    yield from _gauge(
        "wrapctl_changes",
        "Changes, by verb and outcome.",
        [
            ({**labels, "verb": verb, "outcome": outcome}, count)
            for labels, org in orgs
            for (verb, outcome), count in sorted(org.changes.items())
        ],
    )
    yield from _gauge(
        "wrapctl_findings",
        "What was found wrong with the files or the plan, by kind.",
        [
            ({**labels, "severity": severity, "kind": kind}, count)
            for labels, org in orgs
            for found, count in sorted(org.findings.items())
            for severity, _, kind in (found.partition(": "),)
        ],
    )
    yield from _gauge(
        "wrapctl_unread_systems",
        "CRM systems that could not be read.",
        [(labels, org.unread) for labels, org in orgs],
    )
    yield from _gauge(
        "wrapctl_events",
        "Events for sinks, by what became of them.",
        [
            ({**mine, "sink": sink, "outcome": outcome}, count)
            for sink, both in sorted(run.events.items())
            for outcome, count in zip(("delivered", "kept"), both, strict=True)
        ],
    )


def _latencies(orgs: Iterable[tuple[dict[str, str], OrgRun]]) -> Iterator[str]:
    name = "wrapctl_request_duration_seconds"
    samples: list[str] = []
    for labels, org in orgs:
        for operation, took in sorted(org.traffic.times.items()):
            if not took:
                continue
            found = latency(took)
            here = {**labels, "operation": operation}
            for quantile, value in zip(QUANTILES, (found.p50, found.p95, found.p99), strict=True):
                samples.append(_sample(name, {**here, "quantile": str(quantile)}, value / 1000))
            samples.append(_sample(f"{name}_sum", here, found.total / 1000))
            samples.append(_sample(f"{name}_count", here, found.count))
    yield from _family(name, "How long answers took, by operation.", "summary", samples)


def _gauge(name: str, words: str, values: Iterable[tuple[_Labels, float]]) -> Iterator[str]:
    yield from _family(name, words, "gauge", [_sample(name, labels, value) for labels, value in values])


def _family(name: str, words: str, kind: str, samples: list[str]) -> Iterator[str]:
    if samples:
        yield f"# HELP {name} {words}"
        yield f"# TYPE {name} {kind}"
        yield from samples


def _sample(name: str, labels: _Labels, value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {_number(value)}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")


def _escaped(text: str) -> str:
    """Return the value of a label: one line of visible text, backslash and quote escaped."""
    # What ``terminal`` shows as an escape holds backslashes itself, which are doubled once more here.
    return terminal(text[:_LONGEST]).replace("\\", "\\\\").replace('"', '\\"')
