"""Requests of a full plan and of an apply on NICE CXone, counted at the sandbox.

python benchmarks/cxone.py [dispositions skills each]
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from wrapctl.apply.journal import Journal
from wrapctl.apply.lock import FileLock
from wrapctl.apply.run import ApplyOptions, apply
from wrapctl.errors import Source
from wrapctl.model import Code, Desired, Queue
from wrapctl.policy import Limit, Limits, Policy
from wrapctl.sandbox import Sandbox
from wrapctl.survey import survey
from wrapctl.targets.interface import Connection, Runtime
from wrapctl.targets.registry import connect

HERE = Source("wrapups/big/codes.yaml", 1, 1)
CHANGED = 20


def seed(dispositions: int, skills: int, each: int) -> dict[str, object]:
    return {
        "name": "big",
        "platform": "cxone",
        "settings": {"rate_limit": 0},
        "dispositions": [
            {"name": f"Code {number:04}", "classification": "Other", "notes": ""}
            for number in range(dispositions)
        ],
        "skills": [
            {
                "name": f"Skill {number:04}",
                "acwTypeId": 2,
                "maxSecondsACW": 45,
                "requireDisposition": True,
                "dispositions": [f"Code {(number * 7 + step) % dispositions:04}" for step in range(each)],
            }
            for number in range(skills)
        ],
    }


def desired(dispositions: int, skills: int, each: int) -> Desired:
    return Desired(
        org="big",
        platform="cxone",
        codes=tuple(
            Code(
                f"CODE_{number:04}",
                f"Code {number:04}",
                HERE,
                {"name": f"Code {number:04}", "classification": "Other"},
            )
            for number in range(dispositions)
        ),
        queues=tuple(
            Queue(
                f"skill-{number:04}",
                f"Skill {number:04}",
                HERE,
                codes=tuple(f"CODE_{(number * 7 + step) % dispositions:04}" for step in range(each)),
                after_call_work={"prompt": "mandatory", "timeout_ms": 45_000},
            )
            for number in range(skills)
        ),
        policy=Policy(limits=Limits(unassigns=Limit(max=10_000))),
        digest="benchmark",
    )


def edited(want: Desired) -> Desired:
    """Twenty skills: one disposition goes, a new one comes first, and the time changes: five changes in one PUT."""
    fresh = Code("NEW", "New", HERE, {"name": "New", "classification": "Other", "description": "made today"})
    queues = [
        replace(
            queue,
            codes=("NEW", *(queue.codes or ())[1:]),
            after_call_work={"prompt": "mandatory", "timeout_ms": 30_000},
        )
        if number < CHANGED
        else queue
        for number, queue in enumerate(want.queues)
    ]
    return replace(want, codes=(*want.codes, fresh), queues=tuple(queues))


def main() -> None:
    sizes = tuple(int(text) for text in sys.argv[1:4]) if len(sys.argv) > 3 else (500, 100, 20)
    dispositions, skills, each = sizes
    print(f"NICE CXone: {dispositions} dispositions x {skills} skills x {each} each:")
    stop = threading.Event()
    runtime = Runtime(stop, time.monotonic, stop.wait)
    secrets = {"access_key_id": lambda: "sandbox-big", "access_key_secret": lambda: "sandbox"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Sandbox(folder / "sandbox") as sandbox:
            sandbox.seed_org(seed(dispositions, skills, each))
        connection = Connection(
            "big", "sandbox", "", secrets, folder / "sandbox", requests_per_minute=1_000_000
        )
        target = connect("cxone", connection, runtime)
        want = desired(dispositions, skills, each)
        plan, _ = survey(target.reader(), target.capabilities, want, as_of=date(2026, 3, 1))
        assert not plan.changes, plan.changes[:3]
        print(f"  {'full plan':<40} {target.traffic.total:>5} requests")
        changed = edited(want)
        plan, _ = survey(target.reader(), target.capabilities, changed, as_of=date(2026, 3, 1))
        read = target.traffic.total
        report = apply(
            plan,
            target,
            desired_policy=changed.policy,
            runtime=runtime,
            clock=lambda: datetime.now(UTC),
            journal=Journal(folder / "journal", "run-1", lambda: datetime.now(UTC)),
            lock=FileLock(folder / "locks"),
            options=ApplyOptions(run="run-1"),
        )
        assert report.exit_code == 0, report
        spent = target.traffic.total - read
        print(
            f"  {f'apply of {len(plan.pending)} changes on {CHANGED} skills':<40} {spent:>5} requests "
            f"({plan.estimate.requests} estimated)"
        )
        target.close()
        for template, count in sorted(target.traffic.requests.items()):
            print(f"      {count:>6}  {template}   (two plans and the apply)")


if __name__ == "__main__":
    main()
