"""Read back what was written until the platform shows it, and settle by reading what nobody answered.

Waits are bounded, grow, and end on the stop event. Absence during lag proves nothing: what was not answered and
does not show stays unknown. What was answered and does not show is a write that did not take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wrapctl.apply.ledger import Ledger
from wrapctl.apply.reading import Looker
from wrapctl.apply.report import Status
from wrapctl.apply.settle import Settler
from wrapctl.apply.standing import Stand, Standing
from wrapctl.errors import TargetError
from wrapctl.model import NO_FIELDS, Change, ChangeId, Fields
from wrapctl.targets.interface import Event, Result, Runtime


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to look, and how long to pause between looks: from ``pause``, doubling up to ``longest`` seconds.

    The defaults add up to a minute: the outbound mapping takes 30 to 45 seconds, a delete 30 (contract sections
    8 and 11). What a create met was there before this run, so that it shows soon or never: ``existing`` looks.
    """

    looks: int = 10
    existing: int = 4
    pause: float = 0.5
    longest: float = 10.0

    def before(self, look: int) -> float:
        """Seconds before look number ``look``; the first, number 0, is at once."""
        return 0.0 if look == 0 else min(self.longest, self.pause * 2.0 ** (look - 1))


@dataclass(frozen=True, slots=True)
class Written:
    """One change as it was sent, and what the target made of the answer: done, unknown, exists or stale.

    A stale one is looked at once, so that a person sees what the server's own comparison does not tell.
    """

    change: Change
    result: Result


class Confirmation:
    """Reads back for one run."""

    def __init__(
        self, looker: Looker, ledger: Ledger, runtime: Runtime, patience: Patience, later: Fields = NO_FIELDS
    ) -> None:
        self._later = later
        self._looker = looker
        self._ledger = ledger
        self._runtime = runtime
        self._patience = patience

    def confirm(self, written: Iterable[Written], tell: Callable[[ChangeId], None]) -> None:
        """Look until everything shows or patience ends; ``tell`` hears of each change that ended otherwise."""
        waiting = {one.change.id: one for one in written}
        last: dict[ChangeId, Standing] = {}
        trouble: TargetError | None = None
        for look in range(self._patience.looks):
            if not waiting:
                return
            if self._stopped(look, waiting, trouble):
                self.leave(waiting.values(), "not read back: the run was asked to stop", tell, doubt=False)
                return
            try:
                live = self._looker.again((one.change for one in waiting.values()), self._ledger.known)
            except TargetError as error:
                trouble = error
                continue
            trouble = None
            # What the change does not write is none of its business any more: merge.
            settler = Settler(live, self._ledger.known, merge=True, later=self._later)
            for one in tuple(waiting.values()):
                standing = last[one.change.id] = settler.settle(one.change)
                if self._decided(one, standing, tell):
                    del waiting[one.change.id]
                elif one.result is Result.EXISTS and look + 1 >= self._patience.existing:
                    self._gave_up(one, standing, tell)
                    del waiting[one.change.id]
        if trouble is not None:
            self.leave(waiting.values(), f"could not be read back: {trouble.message}", tell, doubt=True)
            return
        for one in waiting.values():
            self._gave_up(one, last[one.change.id], tell)

    def _stopped(self, look: int, waiting: dict[ChangeId, Written], trouble: TargetError | None) -> bool:
        pause = self._patience.before(look)
        if not pause:
            return self._runtime.stop.is_set()
        first = next(iter(waiting))
        others = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        why = f" ({trouble.message})" if trouble is not None else ""
        who = _who(waiting[first].change)
        self._runtime.listen(
            Event(
                "wait",
                f"waiting {pause:g} s for {who} to show {first}{others}{why}",
                look,
                self._patience.looks,
            )
        )
        return self._runtime.wait(pause)

    def _decided(self, one: Written, standing: Standing, tell: Callable[[ChangeId], None]) -> bool:
        change = one.change.id
        if one.result is Result.STALE:
            self._shown(standing, tell)
            return True
        if standing.stand is Stand.ALREADY:
            if one.result is Result.DONE:
                return True
            if one.result is Result.EXISTS:
                self._ledger.seen(standing, "existed already, exactly as wanted", status=Status.ALREADY)
            else:
                self._ledger.seen(standing, "no answer came; reading shows that it was done")
            tell(change)
            return True
        if one.result is Result.EXISTS and standing.now is not None:
            self._ledger.verdict(change, Status.STALE, standing.why, now=standing.now)
            tell(change)
            return True
        return False

    def _shown(self, standing: Standing, tell: Callable[[ChangeId], None]) -> None:
        change = standing.change.id
        if standing.stand is Stand.UNREAD:
            return
        if standing.stand is Stand.ALREADY:
            self._ledger.seen(standing, "somebody else did the same meanwhile", status=Status.ALREADY)
        else:
            message = self._ledger.entries[change].message
            self._ledger.verdict(change, Status.STALE, message, now=standing.now)
        tell(change)

    def _gave_up(self, one: Written, standing: Standing, tell: Callable[[ChangeId], None]) -> None:
        if standing.stand is Stand.UNREAD:
            # Whatever was answered, nobody has seen it.
            self.leave([one], f"could not be read back: {standing.why}", tell, doubt=True)
            return
        looks = self._patience.looks
        who = _who(one.change)
        match one.result:
            case Result.DONE if one.change.by_hand:
                self._ledger.left_to_a_person(
                    one.change.id,
                    f"{who} answered success, and after {looks} looks does not show it",
                    one.change.by_hand,
                    now=standing.now,
                )
            case Result.DONE:
                self._ledger.verdict(
                    one.change.id,
                    Status.FAILED,
                    f"did not take: {who} answered success, and after {looks} looks does not show it",
                    now=standing.now,
                    hint=f"run again; if it happens again, {who} keeps another value than the files want",
                )
            case Result.EXISTS:
                message, hint = _hidden(one.change)
                why = f" ({standing.why})" if standing.why else ""
                self._ledger.verdict(one.change.id, Status.FAILED, f"{message}{why}", hint=hint)
            case _:
                why = f"; {standing.why}" if standing.stand is Stand.STALE and standing.why else ""
                half = standing.stand is Stand.AS_PLANNED and standing.live_id and standing.why
                shows = f"it is {standing.why}" if half else f"it does not show{why}"
                self._ledger.verdict(
                    one.change.id,
                    Status.UNKNOWN,
                    f"no answer came, and after {looks} looks {shows}",
                    now=standing.now,
                    hint="run again: whatever became of it shows in the next plan",
                )
        tell(one.change.id)

    def leave(
        self, written: Iterable[Written], message: str, tell: Callable[[ChangeId], None], *, doubt: bool
    ) -> None:
        """Stop reading before everything showed. What was answered stays done unless that is in ``doubt``."""
        for one in written:
            change = one.change.id
            if one.result is Result.STALE:
                continue  # that much is known
            if one.result is Result.DONE:
                status = Status.UNKNOWN if doubt else Status.DONE
            else:
                status = Status.FAILED if one.result is Result.EXISTS else Status.UNKNOWN
            self._ledger.verdict(change, status, message, now=self._ledger.entries[change].now)
            tell(change)


def _who(change: Change) -> str:
    """Who has to show a change: the platform, or the CRM system by its name."""
    return change.system or "the platform"


def _hidden(change: Change) -> tuple[str, str]:
    """Words for a create that met something which this client does not see, and what to do about it."""
    if change.system:
        return (
            f"{change.system} says that it exists, and shows nothing of that key to this client",
            f"let the client see what holds that key in {change.system}, or remove it there",
        )
    return (
        "exists but is not visible to this client, or a deleted code holds the name",
        "give the client the division of that code, or choose another name",
    )
