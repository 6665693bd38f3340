"""What both halves of the diff look at: matches, ownership, visibility. Computed once per plan."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import translate
from functools import cached_property

from wrapctl.model import (
    ALL_DIVISIONS,
    Address,
    Code,
    Desired,
    Fields,
    Live,
    LiveCode,
    LiveQueue,
    Queue,
    Ref,
    Scope,
    code_address,
    live_code_address,
    live_queue_address,
    queue_address,
)
from wrapctl.plan.matching import Declared, Matches, match
from wrapctl.targets.interface import Capabilities


class Globs:
    """Case-sensitive globs over names and ids, compiled once; ``*``, ``?`` and ``[…]`` as in a shell."""

    def __init__(self, patterns: Iterable[str]) -> None:
        joined = "|".join(translate(pattern) for pattern in patterns)
        self._matches = re.compile(joined).match if joined else None

    def __call__(self, *texts: str) -> bool:
        """Whether any of ``texts`` matches any of the globs."""
        return self._matches is not None and any(self._matches(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which divisions the client sees only in part, and whether anything vouches for the others.

    ``partial``: division → what is missing, in words. ``unknown``: divisions for which the platform gave no
    counts. Listings are filtered by the client's divisions (contract section 5), so that "not in the list" may
    mean "not visible".
    """

    partial: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """Desired and live, joined."""

    desired: Desired
    live: Live
    capabilities: Capabilities
    scope: Scope
    as_of: date
    codes: Matches
    queues: Matches
    code_by_key: Mapping[str, Code]
    live_codes: Mapping[str, LiveCode]
    live_queues: Mapping[str, LiveQueue]
    code_key_by_id: Mapping[str, str]
    queue_key_by_id: Mapping[str, str]
    reserved: Globs
    ignored: Globs
    protected: Globs
    visibility: Visibility

    def in_scope(self, code: Code) -> bool:
        """Whether the plan is about this code."""
        return self.scope.codes is None or code.key in self.scope.codes

    @property
    def queues_in_scope(self) -> tuple[Queue, ...]:
        """The declared queues that the plan is about."""
        wanted = self.scope.queues
        return (
            self.desired.queues
            if wanted is None
            else tuple(q for q in self.desired.queues if q.label in wanted)
        )

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """Key → address of every declared code, made once for all its links."""
        return {key: code_address(self.desired.org, key) for key in self.code_by_key}

    @cached_property
    def keys_by_address(self) -> Mapping[Address, str]:
        """Address → key of every declared code."""
        return {address: key for key, address in self.addresses.items()}

    @cached_property
    def refs(self) -> Mapping[str, Ref]:
        """Key → the Ref to its code, shared by all that point at it."""
        return {key: Ref(address) for key, address in self.addresses.items()}

    @cached_property
    def lapsed(self) -> frozenset[str]:
        """Live ids of codes outside their dates: these come off every managed queue, whatever its list says."""
        return frozenset(
            self.codes.ids[code.key]
            for code in self.desired.codes
            if (code.valid_from or code.valid_through)
            and not code.absent
            and code.key in self.codes.ids
            and not code.valid_on(self.as_of)
        )

    @cached_property
    def exact_queues(self) -> frozenset[str]:
        """Live ids of the queues whose codes the files list exactly: an undeclared one comes off by itself."""
        return frozenset(
            self.queues.ids[queue.label]
            for queue in self.queues_in_scope
            if queue.codes is not None and not queue.additive and queue.label in self.queues.ids
        )

    @cached_property
    def holders(self) -> Mapping[str, tuple[str, ...]]:
        """Live code id → the ids of the live queues that offer it, sorted. A queue out of use offers nothing."""
        found: dict[str, list[str]] = {}
        for queue_id in sorted(self.live.links):
            if queue_id in self.live_queues and not self.live_queues[queue_id].active:
                continue
            for code_id in self.live.links[queue_id]:
                found.setdefault(code_id, []).append(queue_id)
        return {code_id: tuple(queues) for code_id, queues in found.items()}

    def owns(self, division: str | None) -> bool:
        """Whether ``manage.divisions`` covers a division (no list: all of them)."""
        divisions = self.desired.policy.divisions
        return not divisions or ALL_DIVISIONS in divisions or division is None or division in divisions

    def stands(self, code: Code) -> bool:
        """Whether a declared code is live and in use."""
        live = self.live_codes.get(self.codes.ids.get(code.key, ""))
        return live is not None and live.active

    def code_at(self, live_id: str) -> Address:
        """Address of a live code: its key's where it is declared, else its id's."""
        key = self.code_key_by_id.get(live_id)
        return self.addresses[key] if key is not None else live_code_address(self.desired.org, live_id)

    def queue_at(self, live_id: str) -> Address:
        """Address of a live queue."""
        label = self.queue_key_by_id.get(live_id)
        org = self.desired.org
        return queue_address(org, label) if label is not None else live_queue_address(org, live_id)

    def code_name(self, live_id: str) -> str:
        """What agents call a live code."""
        code = self.live_codes.get(live_id)
        return code.name if code else self.live.link_names.get(live_id, live_id)

    def prunable(self, code: LiveCode) -> bool:
        """Whether an undeclared live code is to go because the org says ``unmanaged: prune``."""
        policy = self.desired.policy
        return (
            policy.unmanaged == "prune"
            and self.scope.whole
            and self.live.complete_codes
            and bool(policy.divisions)
            and code.active
            and self.owns(code.division)
            and code.id not in self.code_key_by_id
            and code.id not in self.codes.held
            and not (code.reserved or self.reserved(code.name) or self.ignored(code.name))
            and not self.protected(code.name, code.id)
        )


def look(desired: Desired, live: Live, capabilities: Capabilities, *, scope: Scope, as_of: date) -> View:
    """Join ``desired`` and ``live``; pure."""
    reserved, ignored = Globs(capabilities.reserved), Globs(desired.policy.ignore)
    codes = match(
        (
            Declared(code.key, code.name, code.id, code.previously or (), exact=code.absent)
            for code in desired.codes
        ),
        (
            (code.id, code.name)
            for code in live.codes
            if not (code.reserved or reserved(code.name) or ignored(code.name))
        ),
        dormant=(code.id for code in live.codes if not code.active),
    )
    queues = match(
        (Declared(queue.label, queue.name, queue.id, queue.previously) for queue in desired.queues),
        ((queue.id, queue.name) for queue in live.queues),
        dormant=(queue.id for queue in live.queues if not queue.active),
    )
    return View(
        desired=desired,
        live=live,
        capabilities=capabilities,
        scope=scope,
        as_of=as_of,
        codes=codes,
        queues=queues,
        code_by_key={code.key: code for code in desired.codes},
        live_codes={code.id: code for code in live.codes},
        live_queues={queue.id: queue for queue in live.queues},
        code_key_by_id=codes.keys_by_id,
        queue_key_by_id=queues.keys_by_id,
        reserved=reserved,
        ignored=ignored,
        protected=Globs(desired.policy.protect),
        visibility=_visibility(live) if capabilities.divisions else Visibility(),
    )


def deletes_stand(view: View) -> bool:
    """Whether the plan may remove a code, so that the links of all live queues must be known."""
    if any(code.absent and view.in_scope(code) and view.stands(code) for code in view.desired.codes):
        return True
    return view.desired.policy.unmanaged == "prune" and any(map(view.prunable, view.live.codes))


def links_needed(view: View) -> frozenset[str]:
    """Ids of the live queues whose links the plan needs: managed ones in scope, all when a delete stands."""
    if deletes_stand(view):
        return frozenset(view.live_queues)
    return frozenset(
        view.queues.ids[queue.label]
        for queue in view.queues_in_scope
        if queue.codes is not None and queue.label in view.queues.ids
    )


def no_such_choice(view: View, before: Fields, after: Fields) -> str:
    """Return why a change asks for a name that the platform does not offer, or nothing."""
    for name, word in view.capabilities.chosen.items():
        value, offered = after.get(name), view.live.choices.get(name)
        if (
            isinstance(value, str)
            and value != before.get(name)
            and offered is not None
            and value not in offered
        ):
            return f'no {word} is named "{value}"{nearest(value, offered)}'
    return ""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``; nearest live name: "…"`` for the most similar of ``names``, or nothing."""
    close = difflib.get_close_matches(name, sorted(set(names)), n=1, cutoff=0.5)
    return f'; the nearest live name is "{close[0]}"' if close else ""


def _visibility(live: Live) -> Visibility:
    codes: dict[str | None, int] = {}
    queues: dict[str | None, int] = {}
    for code in live.codes:
        codes[code.division] = codes.get(code.division, 0) + 1
    for queue in live.queues:
        queues[queue.division] = queues.get(queue.division, 0) + 1
    partial: dict[str, str] = {}
    unknown: list[str] = []
    for division in sorted(live.divisions, key=lambda one: one.name):
        missing = []
        if (
            live.complete_codes
            and division.codes is not None
            and codes.get(division.name, 0) < division.codes
        ):
            missing.append(f"{codes.get(division.name, 0)} of {division.codes} codes")
        if (
            live.complete_queues
            and division.queues is not None
            and queues.get(division.name, 0) < division.queues
        ):
            missing.append(f"{queues.get(division.name, 0)} of {division.queues} queues")
        if missing:
            partial[division.name] = " and ".join(missing)
        elif division.queues is None and division.codes is None:
            unknown.append(division.name)
    return Visibility(partial, tuple(unknown))
