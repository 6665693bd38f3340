"""CPU and peak memory from files to plan: load, resolve, match, diff, order, digest, in one process.

    python benchmarks/whole.py in-sync|all-new [codes queues links]

5,000 codes, 1,000 queues with 120 codes each, every list written out. The bars of the design: 1.2 s and 150 MB in
sync, 3 s and 300 MB where every object is new.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from core import live  # beside this script
from files import write

from wrapctl.config.project import load
from wrapctl.plan.make import make_plan
from wrapctl.targets.registry import capabilities


def main() -> None:
    mode = sys.argv[1] if len(sys.argv) > 1 else "in-sync"
    codes, queues, links = (int(text) for text in sys.argv[2:5]) if len(sys.argv) > 4 else (5_000, 1_000, 120)
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), codes, queues, links)
        existing = live(codes, queues, links, full=mode == "in-sync")
        before = time.process_time()
        (org,) = load(Path(name)).orgs.values()
        plan = make_plan(org.desired, existing, capabilities("genesys"), as_of=date(2026, 3, 1))
        spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bar = "1.2 s, 150 MB" if mode == "in-sync" else "3 s, 300 MB"
    print(
        f"{mode}: {codes} codes x {queues} queues x {links} links, from files to {len(plan.changes):,} changes"
    )
    print(f"  {spent:.2f} s of CPU, peak of the process {peak:.0f} MB (bar: {bar})")


if __name__ == "__main__":
    main()
