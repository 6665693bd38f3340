"""The run lock for runners: one ref of the git remote for each organization, made and deleted in atomic steps.

The ref points to a commit whose message holds the record. It is made only where there is none and deleted only
while it points to that commit, so that of two runners one wins whatever their clocks say. Nothing frees the lock of
a killed runner by itself: ``wrapctl unlock`` does, for the run that it names.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wrapctl.apply.lock import Held, Holder
from wrapctl.errors import Locked, UsageError
from wrapctl.git import Git, GitFailed
from wrapctl.model import escape

HOME: Final = "refs/wrapctl/locks/"
"""Outside of branches and tags: no branch rule, no clone and no list of branches meets them."""

_TRIES: Final = 3
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,120}")
_RECORD: Final = 65_536


class RefLock:
    """Locks as refs of the remote of ``git``. ``now`` is the wall clock, ``warn`` hears what nobody waits for."""

    def __init__(self, git: Git, now: Callable[[], datetime], warn: Callable[[str], None]) -> None:
        self._git = git
        self._now = now
        self._warn = warn
        self.reach = f"every runner that shares the remote {git.remote}"

    @staticmethod
    def ref(organization_id: str) -> str:
        """The ref of an organization's lock. An id is whatever an API says, a ref is not."""
        name = escape(organization_id)
        if not _PLAIN.fullmatch(name):
            digest = hashlib.sha256(organization_id.encode()).hexdigest()
            name = f"{re.sub('[^A-Za-z0-9_-]', '', name)[:40]}-{digest}"
        return HOME + name

    @contextlib.contextmanager
    def hold(self, organization_id: str, holder: Holder) -> Iterator[Held]:
        """Take the lock, and free it at the end (``RunLock.hold``).

        Raises:
            Locked: another run has it; the message names it and says for how long.
            GitFailed: the remote was not reached, or lets nobody write there.
        """
        ref = self.ref(organization_id)
        commit = self._take(ref, organization_id, holder)
        try:
            yield _HeldRef(self._git, ref, commit, organization_id)
        finally:
            self._free(ref, commit, organization_id, holder)

    def unlock(self, organization_id: str, run: str) -> Holder:
        """Delete the lock that ``run`` holds (``RunLock.unlock``); it stops before its next batch."""
        ref = self.ref(organization_id)
        for _ in range(_TRIES):
            found = self._find(ref)
            if found is None:
                break
            commit, holder = found
            if holder.run != run:
                raise Locked(
                    f"the lock of {organization_id} is held by {self._told(holder)}, not by run {run}",
                    hint=f"look at that run first; then `{_unlock(holder)}`",
                )
            if self._git.push(ref, None, expect=commit):
                return holder
        raise UsageError(f"nobody holds the lock of {organization_id}")

    def _take(self, ref: str, organization_id: str, holder: Holder) -> str:
        # The nonce makes each taking a commit of its own, so that a lock that is there is never taken for ours.
        title = f"wrapctl lock of {holder.org or organization_id}"
        text = f"{title}\n\n{holder.text()}\n\n{secrets.token_hex(8)}\n"
        commit = self._git.commit(self._git.tree(()), (), text, self._now())
        for _ in range(_TRIES):
            if self._git.push(ref, commit, expect=None):
                return commit
            found = self._find(ref)
            if found is not None:
                raise Locked(
                    f"another apply holds the lock of organization {organization_id}: {self._told(found[1])}",
                    hint=f"wait until it ends; if it is gone or hangs, `{_unlock(found[1])}`",
                )
        raise Locked(
            f"the lock of organization {organization_id} passes from one run to the next",
            hint="run again later",
        )

    def _free(self, ref: str, commit: str, organization_id: str, holder: Holder) -> None:
        # The run is over and its report must come out: what goes wrong here is told, not raised.
        try:
            if self._git.push(ref, None, expect=commit):
                return
            self._warn(f"the lock of organization {organization_id} was taken away before the run ended")
        except GitFailed as error:
            self._warn(
                f"the lock of organization {organization_id} is still there: {error.message}; "
                f"free it with `{_unlock(holder)}`"
            )

    def _find(self, ref: str) -> tuple[str, Holder] | None:
        """Return the commit that the ref points to and the record in it, None when there is no ref."""
        commit = self._git.fetch(ref)
        if commit is None:
            return None
        try:
            message = self._git.message(commit)[:_RECORD]
        except GitFailed:
            message = ""  # somebody pointed the ref at something else; it locks all the same
        for line in message.splitlines():
            if line.startswith("{") and (holder := Holder.parse(line)) is not None:
                return commit, holder
        # Something has to be named to `unlock`, and this is all that is known of it.
        return commit, Holder(run=commit[:12])

    def _told(self, holder: Holder) -> str:
        age = holder.age(self._now())
        return f"{holder} ({age})" if age else str(holder)


@dataclass(frozen=True, slots=True)
class _HeldRef:
    git: Git
    ref: str
    commit: str
    organization_id: str

    def check(self) -> None:
        try:
            found = self.git.tip(self.ref)
        except GitFailed as error:
            # Not to know is not to hold: the next run continues.
            raise Locked(
                f"whether this run still holds the lock of organization {self.organization_id} is not known: "
                f"{error.message}",
                hint="run again when the remote answers",
            ) from None
        if found != self.commit:
            raise Locked(
                f"the lock of organization {self.organization_id} was taken away from this run",
                hint="somebody ran `wrapctl unlock`; find out who is applying before you run again",
            )


def _unlock(holder: Holder) -> str:
    return f"wrapctl unlock {holder.org or 'ORG'} --run {holder.run}"
