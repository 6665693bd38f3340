"""CPU and peak memory of reading, validating and resolving 5,000 codes and 1,000 queues of 120 codes each.

python benchmarks/files.py [codes queues links]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from wrapctl.config.project import load

ORG = """kind: Org
platform: genesys
endpoint: sandbox
"""


def write(root: Path, codes: int, queues: int, links: int) -> None:
    folder = root / "wrapups" / "big"
    folder.mkdir(parents=True)
    (folder / "org.yaml").write_text(ORG, encoding="utf-8")
    lines = ["kind: WrapUpCodes", "codes:"]
    for number in range(codes):
        lines += [
            f"  CODE_{number:05}:",
            f"    name: Code CODE_{number:05}",
            f"    description: What CODE_{number:05} means",
            '    division: "*"',
        ]
    (folder / "codes.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not queues:
        return
    lines = ["kind: Queues", "queues:"]
    for number in range(queues):
        lines += [f"  queue-{number:04}:", f"    name: Queue {number:04}", "    codes:"]
        lines += [f"      - CODE_{(number * 7 + step) % codes:05}" for step in range(links)]
        lines += ["    after_call_work: {prompt: mandatory-timeout, timeout: 45s}"]
    (folder / "queues.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    codes, queues, links = (int(text) for text in sys.argv[1:4]) if len(sys.argv) > 3 else (5_000, 1_000, 120)
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), codes, queues, links)
        before = time.process_time()
        project = load(Path(name))
        spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (found,) = project.orgs.values()
    print(
        f"{len(found.desired.codes)} codes, {len(found.desired.queues)} queues of {links} codes each, written out"
    )
    print(f"  read, validate, resolve, digest: {spent:.2f} s of CPU; peak of the process {peak:.0f} MB")


if __name__ == "__main__":
    main()
