"""A person at a terminal: bars on standard error, the plan on standard output, a question with its choices."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading

from front_door import Project

WRAPCTL = [sys.executable, "-m", "wrapctl"]
QUIET = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}


def at_terminal(arguments: list[str], answer: str = "") -> tuple[int, str, str]:
    """Run with standard input and error on a terminal and standard output in a pipe; code, output, screen."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [*WRAPCTL, *arguments],
        stdin=inner,
        stderr=inner,
        stdout=subprocess.PIPE,
        env={**QUIET, "TERM": "xterm"},
    )
    os.close(inner)
    screen = bytearray()

    def watch() -> None:
        asked = False
        while True:
            try:
                seen = os.read(outer, 4096)
            except OSError:  # Linux says EIO when the other end is closed
                return
            if not seen:
                return
            screen.extend(seen)
            if b"?" in screen and answer and not asked:
                asked = True
                os.write(outer, answer.encode())

    reader = threading.Thread(target=watch)
    reader.start()
    out, _ = process.communicate(timeout=60)
    reader.join(10)
    os.close(outer)
    return process.returncode, out.decode(), screen.decode(errors="replace")


def small(project: Project) -> None:
    project.org(codes="NEW: {name: New}")
    project.seed({"name": "acme"})


def test_the_bars_do_not_swallow_the_plan(project: Project) -> None:
    small(project)
    code, out, screen = at_terminal(["plan", "acme", "--project", str(project.root)])
    assert code == 0
    assert 'create "New" (NEW)' in out
    assert "create" not in screen


def test_apply_asks_with_its_choices_and_writes_on_yes(project: Project) -> None:
    small(project)
    code, _, screen = at_terminal(["apply", "acme", "--project", str(project.root)], "y\n")
    assert "Apply 1 change to acme? [y/N]" in screen
    assert code == 0
    assert project.names() == ["New"]


def test_apply_writes_nothing_on_no(project: Project) -> None:
    small(project)
    code, _, screen = at_terminal(["apply", "acme", "--project", str(project.root)], "n\n")
    assert code == 1
    assert "not applied: nothing was written" in screen
    assert project.names() == []
