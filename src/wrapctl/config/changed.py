"""What a change touches: two *desired states* compared, so that includes and catalogs need no rule of their own.

``compare`` is pure; ``since`` loads the base from git.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wrapctl.config import project
from wrapctl.config.values import flow
from wrapctl.errors import ConfigError, Problem, Severity, Source
from wrapctl.model import Code, CrmMapping, CrmRow, Desired, Queue, Scope

_NOWHERE = Source("")


@dataclass(frozen=True, slots=True)
class Touched:
    """What differs between two desired states of one org.

    ``scope`` holds the touched code keys, queue labels and CRM systems; ``crm`` the systems whose mappings differ,
    those too that the files do not have any more; ``left_behind`` codes whose key vanished from the files while
    nothing deletes them; ``questions`` are errors: names that changed without saying whether that is a rename.
    ``forsaken``: mappings that vanished. ``policy``: what may be written differs, by policy or by an acknowledgement.
    ``whole`` is set when there is nothing to compare with.
    """

    org: str
    scope: Scope
    crm: frozenset[str] = frozenset()
    left_behind: tuple[Code, ...] = ()
    forsaken: tuple[CrmMapping, ...] = ()
    questions: tuple[Problem, ...] = ()
    policy: bool = False
    whole: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the content is the same."""
        return not (self.whole or self.scope.codes or self.scope.queues or self.crm)

    @property
    def notes(self) -> tuple[Problem, ...]:
        """Warnings for the reader: what is left behind."""
        rows = (
            Problem(
                mapping.source,
                f"the mapping of {mapping.system} is no longer in the files: its rows are left behind, still live",
                "to remove them, apply it once with `on_remove: delete` and no values: neither there nor as `crm` of codes",
                Severity.WARNING,
            )
            for mapping in self.forsaken
        )
        codes = (
            Problem(
                code.source,
                f'{code.key} ("{code.name}") is no longer in the files: it is left behind, still live',
                "to delete it, keep the key with `state: absent` for one release",
                Severity.WARNING,
            )
            for code in self.left_behind
        )
        return (*codes, *rows)


def compare(base: Desired | None, head: Desired) -> Touched:
    """Return what ``head`` touches against ``base`` (None: the org is new, and all of it is touched)."""
    if base is None:
        return Touched(head.org, Scope(), whole=True, policy=True)
    before = {code.key: code for code in base.codes}
    after = {code.key: code for code in head.codes}
    codes = {key for key in before.keys() | after.keys() if _code(before.get(key)) != _code(after.get(key))}
    queues_before = {queue.label: queue for queue in base.queues}
    queues_after = {queue.label: queue for queue in head.queues}
    queues = {
        label
        for label in queues_before.keys() | queues_after.keys()
        if _queue(queues_before.get(label)) != _queue(queues_after.get(label))
    }
    # A code that becomes valid, ends or goes comes onto or off every queue that lists it, unchanged as they are.
    moving = {key for key in codes if _presence(before.get(key)) != _presence(after.get(key))}
    queues |= {
        queue.label
        for queue in (*base.queues, *head.queues)
        if moving and not moving.isdisjoint(queue.codes or ())
    }
    systems, rows = _crm(base, head)
    return Touched(
        org=head.org,
        scope=Scope(
            codes=frozenset((codes | rows) & after.keys()),
            queues=frozenset(queues & queues_after.keys()),
            # Rows of rules and of the default are nobody's, so that a system that differs is looked at as a whole.
            crm=frozenset(systems & {mapping.system for mapping in head.crm}),
        ),
        crm=frozenset(systems),
        left_behind=tuple(
            code for key, code in sorted(before.items()) if key not in after and not code.absent
        ),
        forsaken=tuple(
            mapping
            for mapping in base.crm
            if mapping.rows and mapping.system not in {one.system for one in head.crm}
        ),
        questions=tuple(_questions(before, head)),
        policy=base.policy != head.policy
        or base.organization_id != head.organization_id
        or {one.token for one in base.allowances} != {one.token for one in head.allowances},
    )


def since(root: Path, head: project.Project, revision: str) -> Mapping[str, Touched]:
    """Return what the files on disk touch against ``revision``, for each org of ``head``.

    Where the base does not load (it has no ``wrapups/`` yet, or it was invalid), everything counts as touched.

    Raises:
        UsageError: git does not know the revision.
    """
    try:
        base = project.load(root, revision=revision).orgs
    except ConfigError:
        base = {}
    return {
        name: compare(base[name].desired if name in base else None, config.desired)
        for name, config in head.orgs.items()
    }


def _code(code: Code | None) -> Code | None:
    return None if code is None else replace(code, source=_NOWHERE)


def _queue(queue: Queue | None) -> Queue | None:
    return None if queue is None else replace(queue, source=_NOWHERE, codes_source=None)


def _presence(code: Code | None) -> object:
    return (
        None if code is None else (code.absent, code.unassign_everywhere, code.valid_from, code.valid_through)
    )


def _crm(base: Desired, head: Desired) -> tuple[set[str], set[str]]:
    """Return the systems that differ, and the codes of the rows that do."""
    before = {mapping.system: mapping for mapping in base.crm}
    after = {mapping.system: mapping for mapping in head.crm}
    systems: set[str] = set()
    codes: set[str] = set()
    for system in before.keys() | after.keys():
        old, new = _rows(before.get(system)), _rows(after.get(system))
        changed = {row for row in (*old, *new) if old.get(row) != new.get(row)}
        if changed or _settings(before.get(system)) != _settings(after.get(system)):
            systems.add(system)
        codes |= {row.code for side in (old, new) for key, row in side.items() if key in changed and row.code}
    return systems, codes


def _rows(mapping: CrmMapping | None) -> dict[str, CrmRow]:
    return {} if mapping is None else {row.key: replace(row, source=_NOWHERE) for row in mapping.rows}


def _settings(mapping: CrmMapping | None) -> CrmMapping | None:
    return None if mapping is None else replace(mapping, rows=(), source=_NOWHERE)


def _questions(before: Mapping[str, Code], head: Desired) -> list[Problem]:
    """A name that changed: was the code renamed, or is it another one?"""
    found = []
    for code in head.codes:
        old = before.get(code.key)
        if old is None or old.name == code.name or old.absent or code.absent:
            continue
        if code.id is not None or code.previously == () or old.name in (code.previously or ()):
            continue
        names = ", ".join(flow(name) for name in (*(code.previously or ()), old.name))
        found.append(
            Problem(
                code.source,
                f'{code.key}: the name changed from "{old.name}" to "{code.name}"',
                f"add `previously: [{names}]` to rename the live code, or `previously: []` if it really is a new one",
            )
        )
    return found
