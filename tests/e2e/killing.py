"""What runs in the process that is to be killed; importable by itself, so that a fresh server can fork it."""

from __future__ import annotations

import contextlib
import io

from wrapctl.cli.main import cli


def apply(root: str) -> None:
    """Apply everything and end with the command's exit code, unless something kills us first."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cli.main(args=["apply", "acme", "--yes", "--project", root], prog_name="wrapctl")
