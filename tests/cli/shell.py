"""The command line in a project folder: in this process, or as a real one."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from wrapctl.cli.main import cli
from wrapctl.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """All that was said, on one line, so that wrapping does not matter."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass(frozen=True)
class Shell:
    root: Path

    def run(self, *arguments: str, typed: str | None = None) -> Done:
        """Run a command in this process, as the console script does."""
        result = CliRunner().invoke(cli, list(arguments), input=typed, prog_name="wrapctl")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return Done(result.exit_code, result.stdout, result.stderr)

    @contextlib.contextmanager
    def start(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command as a process of its own; a test that fails in the middle leaves none behind."""
        inherited = {name: value for name, value in os.environ.items() if name != "CI"}
        with subprocess.Popen(
            [sys.executable, "-m", "wrapctl.cli.main", *arguments],
            cwd=self.root,
            env={**inherited, "PYTHONPATH": str(ROOT / "src"), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as started:
            try:
                yield started
            finally:
                if started.poll() is None:
                    started.kill()

    def process(self, *arguments: str, **environ: str) -> Done:
        """Run a command as a process of its own."""
        with self.start(*arguments, **environ) as started:
            out, err = started.communicate(timeout=60)
            return Done(started.returncode, out, err)

    def write(self, path: str, text: str) -> Path:
        file = self.root / "wrapups" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def replace(self, path: str, old: str, new: str) -> None:
        file = self.root / "wrapups" / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.root / ".wrapctl" / "sandbox")

    def seed(self, seed: dict[str, Any]) -> None:
        with self.sandbox as box:
            box.seed_org(seed)

    def state(self, org: str = "acme") -> dict[str, Any]:
        with self.sandbox as box:
            return box.state(org)

    def edit(self, code: str, org: str = "acme", **fields: str) -> None:
        """Somebody changes a code in the platform's UI."""
        with self.sandbox as box:
            box.edit(org, {"op": "update_code", "code": code, "set": fields})
