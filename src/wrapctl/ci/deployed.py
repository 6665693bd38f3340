"""Which commit of an org is live, and what is under way: kept as deployments of the repository.

A merge that is applied is a deployment to the environment ``wrapctl/<org>``; it counts only when its last status is
success, and that is set only when everything of it is live. So the next run covers whatever did not arrive, and two
quick merges, an evicted run or a runner that vanished lose nothing. Validity dates have a stream of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from wrapctl.errors import WrapctlError

if TYPE_CHECKING:
    from wrapctl.ci.github import GitHub, State
    from wrapctl.ci.shapes import Deployment

APPLY: Final = "wrapctl"
"""Task of the deployments that merges make. The ones that a job's own ``environment:`` makes have another."""

DUE: Final = "wrapctl:due"
"""Task of those that validity dates make."""

SUCCESS: Final = "success"
PENDING: Final = frozenset({"pending", "queued"})
"""States of what waits for its change window, or for the stage before."""

RUNNING: Final = "in_progress"


def environment(org: str) -> str:
    """Return the environment that an org's deployments go to."""
    return f"wrapctl/{org}"


@dataclass(frozen=True, slots=True)
class Record:
    """One deployment and how it stands. ``state`` is empty when nobody ever said; ``at`` is when it was said."""

    deployment: Deployment
    state: str = ""
    at: datetime | None = None

    @property
    def sha(self) -> str:
        """The commit."""
        return self.deployment.sha


@dataclass(frozen=True, slots=True)
class Standing:
    """How an org stands. ``applied`` is the newest success; ``later`` what was begun after it, the newest first."""

    applied: Record | None = None
    later: tuple[Record, ...] = ()

    @property
    def newest(self) -> Record | None:
        """The last one that was begun."""
        return self.later[0] if self.later else self.applied

    @property
    def waits(self) -> bool:
        """Whether the last one was put off, or never ended."""
        newest = self.newest
        return newest is not None and (newest.state in PENDING or newest.state in {"", RUNNING})


def standing(hub: GitHub, org: str, *, task: str = APPLY) -> Standing:
    """Return how an org stands.

    Only what was written under the name of the job's own token counts: whoever may push may record a deployment.

    Raises:
        TargetError: GitHub could not be asked.
    """
    later: list[Record] = []
    for record in records(hub, org, task=task):
        if record.state == SUCCESS:
            return Standing(record, tuple(later))
        later.append(record)
    return Standing(None, tuple(later))


def records(hub: GitHub, org: str, *, task: str = APPLY) -> Iterator[Record]:
    """Yield the deployments of an org, the newest first; their statuses are asked for as they are wanted."""
    mine = hub.author.lower()
    for one in hub.deployments(environment(org), task=task):
        if one.creator.lower() != mine:
            continue
        said = next((status for status in hub.statuses(one.id) if status.creator.lower() == mine), None)
        yield Record(one, said.state, _moment(said.created_at)) if said is not None else Record(one)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Books:
    """Where the deployments of one org are recorded. ``warn`` hears what could not be."""

    hub: GitHub
    org: str
    warn: Callable[[str], None]
    log_url: str = ""

    def record(
        self, state: State, words: str, *, sha: str, task: str = APPLY, pulls: Collection[int] = ()
    ) -> int:
        """Record a deployment of ``sha`` in ``state`` and return its number.

        Raises:
            TargetError: it is not known to be recorded.
        """
        made = self.hub.create_deployment(
            sha,
            environment(self.org),
            task=task,
            description=f"wrapctl apply of {self.org}",
            payload={"kind": "wrapctl.apply", "version": 1, "pull_requests": sorted(pulls)},
        )
        self.hub.set_status(made.id, state, description=words, log_url=self.log_url)
        return made.id

    def settle(self, deployment: int, state: State, words: str) -> None:
        """Say how a deployment ended. A failure to say so is told: the next run covers the same merges again."""
        try:
            self.hub.set_status(deployment, state, description=words, log_url=self.log_url)
        except WrapctlError as error:
            self.warn(
                f"{self.org}: deployment {deployment} could not be set to {state}: {error.message}; "
                "the next run covers the same merges again"
            )
