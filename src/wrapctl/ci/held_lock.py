"""The run lock of ``ci apply``: waited for, and held from the plan to the report.

Of two runs of one org the second would plan what the first is writing. So the lock is taken before the plan is made,
and ``apply`` is given a lock that is held already.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wrapctl.errors import Interrupted, Locked

if TYPE_CHECKING:
    from wrapctl.apply.lock import Held, Holder, RunLock
    from wrapctl.targets.interface import Runtime

EVERY: Final = 10.0
"""Seconds between two tries."""


@dataclass(slots=True)
class Kept:
    """A run lock for one organization that is held already: taking it gives what is held, and frees nothing."""

    held: Held
    organization_id: str
    reach: str

    @contextlib.contextmanager
    def hold(self, organization_id: str, holder: Holder) -> Iterator[Held]:
        """Give what is held (``RunLock.hold``).

        Raises:
            Locked: another organization is meant.
        """
        del holder
        if organization_id != self.organization_id:
            raise Locked(
                f"this run holds the lock of organization {self.organization_id}, not of {organization_id}",
                hint="the credentials opened two organizations one after the other; nothing was written",
            )
        yield self.held

    def unlock(self, organization_id: str, run: str) -> Holder:
        """Nobody takes it away here."""
        raise Locked(f"the lock of organization {organization_id} is held by this run, not by {run}")


@contextlib.contextmanager
def patiently(
    lock: RunLock,
    organization_id: str,
    holder: Holder,
    *,
    seconds: float,
    runtime: Runtime,
    say: Callable[[Locked], None],
) -> Iterator[Held]:
    """Hold ``lock``, waiting up to ``seconds`` for whoever has it; ``say`` hears once that it waits.

    Raises:
        Locked: somebody else still has it.
        Interrupted: asked to stop while waiting.
    """
    until = runtime.monotonic() + seconds
    told = False
    with contextlib.ExitStack() as stack:
        while True:
            try:
                held = stack.enter_context(lock.hold(organization_id, holder))
                break
            except Locked as error:
                left = until - runtime.monotonic()
                if left <= 0:
                    raise
                if not told:
                    say(error)
                    told = True
                if runtime.wait(min(EVERY, left)):
                    raise Interrupted(
                        "asked to stop while waiting for the run lock; nothing was written"
                    ) from None
        yield held
