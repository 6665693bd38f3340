"""Keeps what a command prints from being read as commands by GitHub's runner. Pure.

Names are escaped wherever they are printed, so that none starts a command; the fence is for what nobody thought of.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,}")


@dataclass(frozen=True, slots=True)
class Fence:
    """Two lines; between them the runner reads no command. ``token`` is random, so that nobody can close it.

    Raises:
        ValueError: the token is none, or too short to be one that nobody guesses.
    """

    token: str

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise ValueError("a fence needs a long random token")

    @property
    def opens(self) -> str:
        """The line before."""
        return f"::stop-commands::{self.token}\n"

    @property
    def closes(self) -> str:
        """The line after."""
        return f"::{self.token}::\n"
