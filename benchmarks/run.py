"""Print every number that the design holds us to. Each measurement is a process of its own.

make bench
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

RUNS = (
    ("startup.py",),
    ("files.py", "5000", "0", "0"),
    ("core.py", "in-sync"),
    ("core.py", "all-new"),
    ("whole.py", "in-sync"),
    ("whole.py", "all-new"),
    ("requests.py", "1000", "200", "50"),
    ("requests.py", "5000", "1000", "120"),
    ("cxone.py",),
    ("datatable.py",),
)


def main() -> None:
    for script, *arguments in RUNS:
        subprocess.run([sys.executable, str(HERE / script), *arguments], check=True)
        print(flush=True)


if __name__ == "__main__":
    main()
