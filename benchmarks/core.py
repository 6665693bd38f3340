"""CPU and peak memory of the core at 5,000 codes x 1,000 queues x 120 links: in sync, and everything new.

    python benchmarks/core.py [in-sync|all-new] [codes queues links]

Each measurement belongs in a process of its own: peak memory never comes down again.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date

from wrapctl.errors import Source
from wrapctl.model import Code, Desired, Division, Fields, Identity, Live, LiveCode, LiveQueue, Queue
from wrapctl.plan.make import make_plan
from wrapctl.policy import Limit, Limits, Policy
from wrapctl.targets.registry import capabilities

HERE = Source("wrapups/big/codes.yaml", 1, 1)


def desired(codes: int, queues: int, links: int) -> Desired:
    keys = [f"CODE_{number:05}" for number in range(codes)]
    return Desired(
        org="big",
        platform="genesys",
        codes=tuple(
            Code(
                key,
                f"Code {key}",
                HERE,
                {"name": f"Code {key}", "description": f"What {key} means", "division": "*"},
                outbound=("business-success",) if number % 5 == 0 else None,
            )
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
        policy=Policy(limits=Limits(creates=Limit(max=codes))),
        digest="benchmark",
    )


def live(codes: int, queues: int, links: int, *, full: bool) -> Live:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(codes)]
    acw: Fields = {"prompt": "mandatory-timeout", "timeout_ms": 45_000}
    return Live(
        Identity("5a5a5a5a-0000-4000-8000-000000000001", "Big"),
        codes=tuple(
            LiveCode(
                ids[number],
                f"Code CODE_{number:05}",
                {
                    "name": f"Code CODE_{number:05}",
                    "description": f"What CODE_{number:05} means",
                    "division": "*",
                },
            )
            for number in range(codes if full else 0)
        ),
        queues=tuple(
            LiveQueue(
                f"10000000-0000-4000-8000-{number:012}",
                f"Queue {number:04}",
                "Home",
                acw if full else {"prompt": "optional", "timeout_ms": None},
            )
            for number in range(queues)
        ),
        links={
            f"10000000-0000-4000-8000-{number:012}": tuple(
                sorted(ids[(number * 7 + step) % codes] for step in range(links if full else 0))
            )
            for number in range(queues)
        },
        outbound={ids[number]: ("business-success",) for number in range(0, codes if full else 0, 5)},
        divisions=(Division("d", "Home", 0, queues),),
    )


def main() -> None:
    mode = sys.argv[1] if len(sys.argv) > 1 else "in-sync"
    codes, queues, links = (int(text) for text in sys.argv[2:5]) if len(sys.argv) > 4 else (5_000, 1_000, 120)
    wanted = desired(codes, queues, links)
    having = live(codes, queues, links, full=mode == "in-sync")
    before = time.process_time()
    plan = make_plan(wanted, having, capabilities("genesys"), as_of=date(2026, 3, 1))
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{mode}: {codes} codes x {queues} queues x {links} links, {len(plan.changes)} changes")
    print(
        f"  match, diff, order, digest, guard, cost: {spent:.2f} s of CPU; peak of the process {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
