"""The plan: a value of one org that can be stored, reviewed, refused and applied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from wrapctl.empty import Empty
from wrapctl.errors import Problem
from wrapctl.model import Change, Identity, Lock, Scope, State, Verb
from wrapctl.plan.evidence import PlanEvidence

FORMAT = 1
"""Version of the plan's JSON and of what its digests cover."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A guard limit that the plan exceeds, or that could not be evaluated.

    ``measured`` against ``allowed`` (in percent of ``of`` where ``percent``). ``token`` acknowledges exactly this
    set of ``subjects`` (addresses, and what they are called in ``names``). ``accepted`` is the reason of the
    allowance that matches, None while there is none. Without a token there is no way past.
    """

    limit: str
    measured: int
    allowed: int
    message: str
    percent: bool = False
    of: int = 0
    token: str = ""
    subjects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live object that the files do not declare. ``why``: undeclared, protected, reserved or ignored.

    Rows of a CRM are ``kept`` (wrapctl's own, ``on_remove: keep``) or ``foreign``: the latter are counted, one entry
    without id and name for each system. ``within`` is the system of a row, ``count`` how many objects are meant.
    """

    kind: str
    id: str
    name: str
    division: str | None
    why: str
    within: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an apply will cost: requests that write, that read before and after, and minutes at the org's limit."""

    writes: int = 0
    reads: int = 0
    minutes: float = 0.0

    @property
    def requests(self) -> int:
        """All of them."""
        return self.writes + self.reads


@dataclass(frozen=True)
class Plan:
    """What would be done to one org, and all that a reader needs in order to trust it.

    ``changes`` are in the order of work. ``warnings`` carry positions. ``unread`` tells CRM systems that could not
    be read, each with the reason: their rows are neither pending nor in sync. ``behavioural``: field of a code → what a change of it steers; for the reader alone.
    ``evidence`` is what is known of the codes besides, and in no digest.
    """

    org: str
    platform: str
    identity: Identity
    as_of: date
    config_digest: str
    changes: tuple[Change, ...] = ()
    scope: Scope = field(default_factory=Scope)
    good_until: date | None = None
    unmanaged: tuple[Unmanaged, ...] = ()
    warnings: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    partly_visible: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    estimate: Estimate = Estimate()
    behavioural: Mapping[str, str] = Empty()
    evidence: PlanEvidence = field(default_factory=PlanEvidence)
    format: int = FORMAT

    @cached_property
    def pending(self) -> tuple[Change, ...]:
        """Changes that apply would write."""
        return tuple(change for change in self.changes if change.state is State.READY)

    @cached_property
    def outstanding(self) -> tuple[Change, ...]:
        """Blocked changes and manual steps: listed, never written, no reason for exit code 3."""
        return tuple(change for change in self.changes if change.state is not State.READY)

    @cached_property
    def steering(self) -> tuple[Change, ...]:
        """Pending updates of codes that change what the platform does, not only what it shows."""
        return tuple(
            change
            for change in self.pending
            if change.verb is Verb.UPDATE_CODE
            and any(change.before.get(name) != change.after.get(name) for name in self.behavioural)
        )

    @cached_property
    def counts(self) -> dict[Verb, int]:
        """Pending changes by verb, in the order of work."""
        found: dict[Verb, int] = {}
        for change in self.pending:
            found[change.verb] = found.get(change.verb, 0) + 1
        return found

    @cached_property
    def locks(self) -> dict[Verb, Lock]:
        """The lock kind of each verb that is pending."""
        return {change.verb: change.lock for change in self.pending}

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Findings that nobody has acknowledged."""
        return tuple(finding for finding in self.findings if finding.accepted is None)

    @cached_property
    def digest(self) -> str:
        """A label for this plan: hash over the format, organization, configuration, changes and findings."""
        parts = [str(self.format), self.identity.id, self.org, self.config_digest, self.as_of.isoformat()]
        parts += [f"{change.digest} {change.state}" for change in self.changes]
        # What the guard said is part of what is saved: a finding cannot be cut out of a file unseen.
        parts += [f"{one.limit} {one.measured} {one.allowed} {one.token}" for one in self.findings]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
