"""What a pull request proposes: its content, under the policy of the base branch (DESIGN sections 2 and 12).

Whoever opens a pull request must not choose the host that secrets go to, the limits that hold them back, or the
windows in which they are held back. So content is read from the head and policy from the base, and what the head
wants of the policy is shown, not used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from wrapctl.config import desire, project
from wrapctl.config.changed import Touched, compare
from wrapctl.config.files import Disk, Files, Revision
from wrapctl.config.library import Library
from wrapctl.config.project import PROJECT_FILE, OrgConfig, Project
from wrapctl.config.tree import Map, Node, Places, Seq
from wrapctl.errors import ConfigError, Source

_CONTENT = frozenset({"kind", "include"})
"""Keys of ``org.yaml`` that are content: which catalogs it builds on shows in the plan itself."""


@dataclass(frozen=True, slots=True, order=True)
class PolicyChange:
    """One value of the policy that the head writes otherwise than the base.

    ``org`` is empty for ``wrapctl.yaml``. ``before`` and ``after`` are the values as text, None where there is none.
    ``source`` is where the head has it; where the head removed it, the file.
    """

    org: str
    path: str
    before: str | None
    after: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class Proposed:
    """A pull request, resolved.

    ``project`` has the orgs that both sides know, content of the head, policy of the base. ``new`` are orgs that only
    the head has: validated, never planned, for nobody has approved yet where their secrets go. ``gone`` are orgs
    that only the base has. ``moved`` are orgs whose platform changed; they count as new.
    """

    project: Project
    touched: Mapping[str, Touched]
    policy: tuple[PolicyChange, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """The orgs that the pull request touches and that can be planned, in the order of the stages."""
        wanted = [name for name, touched in self.touched.items() if not touched.nothing or touched.notes]
        return tuple(name for stage in self.project.staged(wanted) for name in stage)


def propose(root: Path, revision: str) -> Proposed:
    """Return what the files on disk propose against ``revision``.

    Raises:
        ConfigError: the head is wrong; or it is right only with the ``wrapctl.yaml`` that it brings along, which
            does not count before it is merged.
        UsageError: git does not know the revision.
    """
    head_files, base_files = Disk(root), Revision(root, revision)
    head = project.load(root)
    base = _base(root, base_files)
    if base is None:
        return Proposed(replace(head, orgs=MappingProxyType({})), {}, _all_new(head), tuple(head.orgs))
    mixed = _mixed(root, head_files, base_files)
    shared = [name for name in mixed.orgs if name in base.orgs]
    same = [name for name in shared if _platform(mixed.orgs[name]) == _platform(base.orgs[name])]
    orgs = {name: under_policy(mixed.orgs[name], base.orgs[name]) for name in same}
    return Proposed(
        project=replace(
            mixed,
            orgs=MappingProxyType(orgs),
            stages=base.stages,
            max_orgs=base.max_orgs,
            warnings=head.warnings,
        ),
        touched={name: compare(base.orgs[name].desired, config.desired) for name, config in orgs.items()},
        policy=tuple(sorted(_policy_changes(head, base, head_files, base_files))),
        new=tuple(name for name in head.orgs if name not in same),
        gone=tuple(name for name in base.orgs if name not in head.orgs),
    )


def under_policy(head: OrgConfig, base: OrgConfig) -> OrgConfig:
    """Return the org with the content of ``head`` and everything else of ``base``."""
    content = head.desired
    manual = base.desired.manual
    desired = replace(
        content,
        policy=base.desired.policy,
        organization_id=base.desired.organization_id,
        manual=manual,
        digest=desire.digest(content.codes, content.queues, content.crm, manual),
    )
    return replace(base, desired=desired, source=head.source, draft=head.draft, warnings=head.warnings)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """The head's files with the base's ``wrapctl.yaml``, or without one where the base has none."""

    head: Files
    base: Files

    def listing(self) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        listed, unusable = self.head.listing()
        rules = [path for path in self.base.listing()[0] if path == PROJECT_FILE]
        return sorted({*(path for path in listed if path != PROJECT_FILE), *rules}), unusable

    def read(self, path: str) -> bytes:
        return (self.base if path == PROJECT_FILE else self.head).read(path)


def _base(root: Path, files: Files) -> Project | None:
    try:
        return project.read(root, files)
    except ConfigError:
        return None


def _mixed(root: Path, head: Files, base: Files) -> Project:
    try:
        return project.read(root, _Mixed(head, base))
    except ConfigError as error:
        hint = f"{PROJECT_FILE} counts as merged only: put its change into a pull request of its own, before this one"
        problems = [
            replace(problem, hint=f"{problem.hint}; {hint}" if problem.hint else hint)
            for problem in error.problems
        ]
        raise ConfigError(problems) from None


def _platform(org: OrgConfig) -> str:
    return org.desired.platform


def _all_new(head: Project) -> tuple[PolicyChange, ...]:
    return tuple(
        PolicyChange(name, "org.yaml", None, "a new org", config.source) for name, config in head.orgs.items()
    )


def _policy_changes(
    head: Project, base: Project, head_files: Files, base_files: Files
) -> Iterator[PolicyChange]:
    for name in sorted({*head.orgs, *base.orgs}):
        mine, theirs = head.orgs.get(name), base.orgs.get(name)
        if mine is None or theirs is None or mine.draft.org is None or theirs.draft.org is None:
            source = mine.source if mine is not None else theirs.source if theirs is not None else Source("")
            before, after = (None, "a new org") if theirs is None else ("an org", None)
            yield PolicyChange(name, "org.yaml", before, after, source)
            continue
        yield from _differing(
            name,
            dict(_flat(theirs.draft.org.node, theirs.draft.places)),
            dict(_flat(mine.draft.org.node, mine.draft.places)),
            mine.source.file,
        )
    yield from _differing("", _rules(base_files), _rules(head_files), PROJECT_FILE)


_Flat = dict[str, tuple[str, Source]]


def _rules(files: Files) -> _Flat:
    if PROJECT_FILE not in files.listing()[0]:
        return {}
    library = Library(files)
    document = library.get(PROJECT_FILE)
    return {} if document is None else dict(_flat(document.root, library.places))


def _differing(org: str, before: _Flat, after: _Flat, file: str) -> Iterator[PolicyChange]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if (old and old[0]) != (new and new[0]) and path.partition(".")[0] not in _CONTENT:
            source = new[1] if new is not None else Source(file)
            yield PolicyChange(org, path, old[0] if old else None, new[0] if new else None, source)


def _flat(node: Map, places: Places, path: str = "") -> Iterator[tuple[str, tuple[str, Source]]]:
    """Yield each value by its path; a list is one value. Secrets are references here, never literal."""
    for key, value in node.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Map):
            yield from _flat(value, places, here)
        else:
            yield here, (_text(value), places.source(node.value_marks[key]))


def _text(node: Node) -> str:
    return node if isinstance(node, str) else json.dumps(_plain(node), ensure_ascii=False)


def _plain(node: Node) -> object:
    if isinstance(node, Map):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, Seq) else node
