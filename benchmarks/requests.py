"""Requests of a full plan, a scoped plan and an apply, counted at the sandbox, against the formulas of the design.

    python benchmarks/requests.py [codes queues links]

The sandbox grants pages of 100 at most. Logins and retries count.
"""

from __future__ import annotations

import math
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from wrapctl.apply.journal import Journal
from wrapctl.apply.lock import FileLock
from wrapctl.apply.run import ApplyOptions, apply
from wrapctl.errors import Source
from wrapctl.model import Code, Desired, Queue, Scope
from wrapctl.policy import Limit, Limits, Policy
from wrapctl.sandbox import Sandbox
from wrapctl.survey import survey
from wrapctl.targets.interface import Connection, Runtime, Target
from wrapctl.targets.registry import connect

HERE = Source("wrapups/big/codes.yaml", 1, 1)
PAGE = 100
DAY = date(2026, 3, 1)
CHANGED_QUEUES = 20
ACW = {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 45_000}


def seed(codes: int, queues: int, links: int) -> dict[str, object]:
    return {
        "name": "big",
        "organization": {"name": "Big"},
        "settings": {"rate_limit": 0},
        "codes": [{"name": f"Code {number:05}", "division": "*"} for number in range(codes)],
        "queues": [
            {
                "name": f"Queue {number:04}",
                "acwSettings": ACW,
                "codes": [f"Code {(number * 7 + step) % codes:05}" for step in range(links)],
            }
            for number in range(queues)
        ],
    }


def desired(codes: int, queues: int, links: int) -> Desired:
    keys = [f"CODE_{number:05}" for number in range(codes)]
    return Desired(
        org="big",
        platform="genesys",
        codes=tuple(
            Code(key, f"Code {number:05}", HERE, {"name": f"Code {number:05}"})
            for number, key in enumerate(keys)
        ),
        queues=tuple(
            Queue(
                f"queue-{number:04}",
                f"Queue {number:04}",
                HERE,
                codes=tuple(keys[(number * 7 + step) % codes] for step in range(links)),
                after_call_work={"prompt": "mandatory-timeout", "timeout_ms": 45_000},
            )
            for number in range(queues)
        ),
        policy=Policy(limits=Limits(unassigns=Limit(max=10_000))),
        digest="benchmark",
    )


def edited(want: Desired) -> Desired:
    """Twenty queues change: three codes come, two go, and after-call work; ten new codes, ten descriptions."""
    codes = [
        replace(code, fields={**code.fields, "description": "now described"}) if number < 10 else code
        for number, code in enumerate(want.codes)
    ]
    fresh = [Code(f"NEW_{n}", f"New {n}", HERE, {"name": f"New {n}"}) for n in range(10)]
    queues = [
        replace(
            queue,
            codes=(*(queue.codes or ())[2:], *(code.key for code in fresh[:3])),
            after_call_work={"prompt": "mandatory"},
        )
        if number < CHANGED_QUEUES
        else queue
        for number, queue in enumerate(want.queues)
    ]
    return replace(want, codes=(*codes, *fresh), queues=tuple(queues))


@contextmanager
def org(folder: Path) -> Iterator[Target]:
    secrets = {"client_id": lambda: "sandbox-big", "client_secret": lambda: "sandbox"}
    stop = threading.Event()
    runtime = Runtime(stop, time.monotonic, stop.wait)
    target = connect(
        "genesys", Connection("big", "sandbox", "", secrets, folder, requests_per_minute=1_000_000), runtime
    )
    try:
        yield target
    finally:
        target.close()


def line(what: str, counted: int, formula: str, allowed: int) -> None:
    verdict = "within" if counted <= allowed else "OVER"
    print(f"  {what:<44} {counted:>6} requests, {verdict} {allowed} = {formula}")


def main() -> None:
    codes, queues, links = (int(text) for text in sys.argv[1:4]) if len(sys.argv) > 3 else (1_000, 200, 50)
    print(f"{codes} codes x {queues} queues x {links} links, pages of {PAGE}:")
    listing = math.ceil(codes / PAGE) + math.ceil(queues / PAGE)
    pages = math.ceil(links / PAGE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Sandbox(folder / "sandbox") as sandbox:
            sandbox.seed_org(seed(codes, queues, links))
        want = desired(codes, queues, links)
        with org(folder / "sandbox") as target:
            plan, _ = survey(target.reader(), target.capabilities, want, as_of=DAY)
            assert not plan.changes, "the seed is in sync"
            line("full plan", target.traffic.total, "4 + N/P + Q/P + Q*W/P", 4 + listing + queues * pages)
            print(
                f"  {'the Terraform provider for the same':<44} {13 + codes + queues * (1 + pages):>6} requests"
            )
        with org(folder / "sandbox") as target:
            scope = Scope(frozenset(), frozenset({"queue-0000", "queue-0001", "queue-0002"}))
            survey(target.reader(), target.capabilities, want, as_of=DAY, scope=scope)
            line(
                "plan scoped to 3 queues",
                target.traffic.total,
                "4 + N/P + Q/P + 3*W/P",
                4 + listing + 3 * pages,
            )
        changed = edited(want)
        with org(folder / "sandbox") as target:
            plan, _ = survey(target.reader(), target.capabilities, changed, as_of=DAY)
            read = target.traffic.total
            journal = Journal(folder / "journal", "run-1", lambda: datetime.now(UTC))
            report = apply(
                plan,
                target,
                desired_policy=changed.policy,
                runtime=Runtime(stop := threading.Event(), time.monotonic, stop.wait),
                clock=lambda: datetime.now(UTC),
                journal=journal,
                lock=FileLock(folder / "locks"),
                options=ApplyOptions(run="run-1"),
            )
            assert report.exit_code == 0, report
            spent = target.traffic.total - read
            # 20 codes written; a queue: its adds in one request, two removals, a re-read and a PUT.
            writes = 20 + CHANGED_QUEUES * (1 + 2 + 2)
            line(
                f"apply of {len(plan.pending)} changes on {CHANGED_QUEUES} queues",
                spent,
                "writes + 3 looks at what is touched",
                writes + 3 * (CHANGED_QUEUES * (pages + 1) + math.ceil(codes / PAGE) + 2),
            )
            print(
                f"  {'':<44} {plan.estimate.requests:>6} were estimated by the plan; {writes} write or must re-read"
            )
            for template, count in sorted(target.traffic.requests.items()):
                print(f"      {count:>6}  {template}   (plan and apply)")


if __name__ == "__main__":
    main()
