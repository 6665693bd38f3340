"""Embedded contact centres to plan and apply against: the default endpoint, the demo and the test double.

Genesys Cloud, NICE CXone and the CRMs answer here as their contracts say. Nothing of the rest of wrapctl is imported, so that
the sandbox cannot share its mistakes.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Self

from wrapctl.sandbox.faults import ConnectionDropped
from wrapctl.sandbox.seed import OrgSeed, load, shipped
from wrapctl.sandbox.store import Store
from wrapctl.sandbox.world import Request, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from wrapctl.sandbox.app import App

__all__ = ["ConnectionDropped", "OrgSeed", "Request", "Sandbox", "load", "shipped"]


class Sandbox(World):
    """The sandbox over a state folder, which several processes may open at once.

    In: the folder (created when missing) and a clock in seconds. ``wsgi`` is the platform itself; everything else
    is what tests, the demo and ``wrapctl sandbox`` need around it. Use it as a context manager, or ``close()`` it.
    """

    def __init__(self, state_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self.state_dir = state_dir
        super().__init__(Store(state_dir), clock)

    @cached_property
    def wsgi(self) -> App:
        """The WSGI app. Flask is imported here, since seeding and looking do not need it."""
        from wrapctl.sandbox.app import App  # noqa: PLC0415 (see above)

        return App(self._store, self._clock)

    def close(self) -> None:
        """Close the database connections."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
