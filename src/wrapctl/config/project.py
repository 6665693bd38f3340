"""The project: all its files loaded, every org resolved and checked, every problem reported at once."""

from __future__ import annotations

import gc
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from wrapctl.config import (
    access,
    check,
    check_connections,
    check_org,
    desire,
    resolve,
    secrets,
    shape,
    sinks,
    vendor,
)
from wrapctl.config.files import HOME, Disk, Files, Revision
from wrapctl.config.library import Document, Library
from wrapctl.config.resolve import Draft
from wrapctl.config.sinks import Sink
from wrapctl.config.spec import ProjectFile
from wrapctl.config.tree import Map, Seq
from wrapctl.config.values import ORG, nearest, quoted
from wrapctl.errors import ConfigError, Problem, Severity, Source, UsageError
from wrapctl.model import CrmMapping, Desired
from wrapctl.rows import Place
from wrapctl.targets.interface import Connection, CrmConnection

CATALOG = "catalog"
PROJECT_FILE = f"{HOME}/wrapctl.yaml"
SANDBOX = check_org.SANDBOX


@dataclass(frozen=True, slots=True)
class OrgConfig:
    """One org as its files describe it. ``endpoint`` is ``sandbox``, a URL, or empty (then ``region`` names it).

    ``sections`` are the merged trees (codes, sets, queues) as ``wrapctl show`` prints them.
    """

    name: str
    desired: Desired
    endpoint: str
    region: str
    source: Source
    credentials: Mapping[str, secrets.Where]
    root: Path
    draft: Draft
    warnings: tuple[Problem, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    connections: Mapping[str, access.CrmAccess] = field(default_factory=dict)

    @property
    def sandbox(self) -> bool:
        """Whether the org is the embedded emulation."""
        return self.endpoint == SANDBOX

    @property
    def sections(self) -> Mapping[str, Map]:
        """The effective codes, sets and queues, includes laid below."""
        return self.draft.sections

    def provenance(self) -> Mapping[str, Source]:
        """Return where each effective value was written, by path (``codes.SALE.name``)."""
        return resolve.provenance(self.draft)

    def connection(self, environ: Mapping[str, str], sandbox_dir: Path) -> Connection:
        """Return how to reach the org. Secrets are fetched when the target asks for them, not here.

        The functions in ``credentials`` raise ConfigError when a secret is not there or not allowed.
        """
        words = vendor.vendor(self.desired.platform)
        emulated = words.credentials if words is not None and self.sandbox else ()
        return Connection(
            org=self.name,
            endpoint=self.endpoint,
            region=self.region,
            credentials=access.fetchers(self.credentials, environ, self.root, emulated, self.name),
            sandbox_dir=sandbox_dir,
            requests_per_minute=self.desired.policy.limits.requests_per_minute,
            options=self.options,
        )

    def crm_connections(self, environ: Mapping[str, str], sandbox_dir: Path) -> tuple[CrmConnection, ...]:
        """Return how to reach what keeps the rows of the org's mappings, one for each connection, sorted.

        Each has the places of all systems on it. A kind that lives inside the platform has the org's own
        connection, and stands first. Secrets are fetched as in ``connection``. A mapping on a connection that a
        pull request only brings along has none before it is merged: its rows are not read until then.
        """
        kept: dict[tuple[str, str], list[CrmMapping]] = {}
        for mapping in self.desired.crm:
            if not mapping.connection or mapping.connection in self.connections:
                kept.setdefault((mapping.connection, mapping.target), []).append(mapping)
        own = self.connection(environ, sandbox_dir)
        return tuple(
            CrmConnection(
                target=kind,
                connection=access.reach(
                    f"{self.name}.{name}", self.connections[name], kind, environ, self.root, sandbox_dir
                )
                if name
                else own,
                places=tuple(Place(one.system, self.name, one.options) for one in mappings),
            )
            for (name, kind), mappings in sorted(kept.items())
        )


@dataclass(frozen=True, slots=True)
class Project:
    """All loaded orgs, sorted by name, and the rules over them.

    ``stages`` are patterns of org names in the order of work; ``max_orgs`` bounds what one pull request changes.
    ``sinks`` are the systems that are told what happened.
    """

    root: Path
    orgs: Mapping[str, OrgConfig]
    warnings: tuple[Problem, ...] = ()
    stages: tuple[tuple[str, ...], ...] = ()
    max_orgs: int | None = None
    sinks: Mapping[str, Sink] = field(default_factory=dict)

    def staged(self, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """Return ``names`` cut into stages; each org is in the first stage that matches it, the rest come last."""
        left = sorted(set(names))
        out: list[tuple[str, ...]] = []
        for stage in self.stages:
            now = tuple(name for name in left if any(fnmatchcase(name, glob) for glob in stage))
            left = [name for name in left if name not in now]
            if now:
                out.append(now)
        return (*out, tuple(left)) if left else tuple(out)


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds ``wrapups/``.

    Raises:
        UsageError: there is none.
    """
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / HOME).is_dir():
            return folder
    raise UsageError(
        f"there is no folder `{HOME}/` here or above",
        hint="change into the project, use --project DIR, or start one with `wrapctl init ORG`",
    )


def load(root: Path, *, orgs: Iterable[str] | None = None, revision: str | None = None) -> Project:
    """Read, resolve and check the project in ``root``, as it is on disk or as a git revision has it.

    ``orgs`` bounds what is loaded; the project file and the catalogs are always checked.

    Raises:
        ConfigError: with every problem of every file.
        UsageError: an org that does not exist, or no such revision.
    """
    files: Files = Disk(root) if revision is None else Revision(root, revision)
    with _collector_paused():
        return read(root, files, None if orgs is None else list(orgs))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector: trees have no cycles, and walking them again and again costs a quarter."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def read(root: Path, files: Files, wanted: list[str] | None = None) -> Project:
    """Like ``load``, from any source of files."""
    library = Library(files)
    folders, stray, refused = _folders(files)
    library.problems += refused
    library.problems += stray
    if not folders and not library.problems:
        raise ConfigError([_empty()])
    names = _choose(folders, wanted)
    rules, rules_document = _rules(library, files)
    loaded: dict[str, OrgConfig] = {}
    warnings: list[Problem] = []
    for name in names:
        config = _org(root, name, folders[name], library, rules)
        if config is not None:
            loaded[name] = config
            warnings += config.warnings
    _catalogs(library, files)
    if rules_document is not None:
        _check_rules(library, rules_document, folders)
    told = sinks.sinks(rules_document, rules, library)
    warnings += [problem for problem in library.problems if problem.severity is Severity.WARNING]
    errors = [problem for problem in library.problems if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigError([*errors, *warnings])
    return Project(
        root=root,
        orgs=MappingProxyType(loaded),
        warnings=tuple(sorted(set(warnings))),
        stages=tuple(tuple(stage) for stage in (rules.stages or ())) if rules is not None else (),
        max_orgs=rules.limits.orgs if rules is not None else None,
        sinks=told,
    )


def _empty() -> Problem:
    return Problem(
        Source(HOME),
        "there is no org here",
        "an org is a folder with an org.yaml; start with `wrapctl init ORG`",
    )


def _folders(files: Files) -> tuple[dict[str, list[str]], list[Problem], list[Problem]]:
    """Return the YAML files of each org's folder, and problems with what lies elsewhere."""
    listed, unusable = files.listing()
    folders: dict[str, list[str]] = {}
    stray: list[Problem] = []
    for path in listed:
        _, name, *rest = path.split("/")
        if not rest:
            if path != PROJECT_FILE:
                hint = f"orgs live in folders; rules over all orgs in {PROJECT_FILE}"
                stray.append(Problem(Source(path), "a file that belongs to no org", hint))
        elif name != CATALOG:
            folders.setdefault(name, []).append(path)
    for name, paths in folders.items():
        if not ORG.fullmatch(name):
            hint = "an org's name is a-z, 0-9 and -, at most 63 characters"
            stray.append(Problem(Source(paths[0]), f"the folder {quoted(name)} cannot be an org", hint))
    usable = {name: paths for name, paths in sorted(folders.items()) if ORG.fullmatch(name)}
    return usable, stray, [Problem(Source(path), f"this {reason}") for path, reason in unusable]


def _choose(folders: Mapping[str, object], wanted: list[str] | None) -> list[str]:
    if wanted is None:
        return list(folders)
    for name in wanted:
        if name not in folders:
            hint = nearest(name, folders) or f"there are: {', '.join(folders)}"
            raise UsageError(f"there is no org {quoted(name)}", hint=hint)
    return sorted(set(wanted))


def _rules(library: Library, files: Files) -> tuple[ProjectFile | None, Document | None]:
    if PROJECT_FILE not in files.listing()[0]:
        return None, None
    document = library.get(PROJECT_FILE)
    if document is None:
        return None, None
    if document.kind != "Project":
        at = library.places.source(document.root.value_marks["kind"])
        library.problems.append(Problem(at, f"{PROJECT_FILE} must be of kind Project"))
        return None, None
    library.problems += shape.nulls(document.root, library.places)
    mark = document.root.key_marks["kind"]
    return shape.check(ProjectFile, document.root, mark, library.places, library.problems), document


def _check_rules(library: Library, document: Document, orgs: Iterable[str]) -> None:
    """What no model can know: the pattern compiles, the stages name orgs that exist."""
    names = list(orgs)
    mark, _, pattern, _ = shape.locate(document.root, ("rules", "name_pattern"), document.root.mark)
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except re.error as error:
            at = library.places.source(mark)
            library.problems.append(Problem(at, f"`name_pattern` is no regular expression: {error}"))
    stages = document.root.get("stages")
    for stage in stages if isinstance(stages, Seq) else []:
        if not isinstance(stage, Seq):
            continue
        for glob, mark in zip(stage, stage.marks, strict=True):
            if isinstance(glob, str) and not any(fnmatchcase(name, glob) for name in names):
                at = library.places.source(mark)
                library.problems.append(Problem(at, f"no org is called {quoted(glob)}", nearest(glob, names)))


def _catalogs(library: Library, files: Files) -> None:
    """Check every catalog file by itself, so that one that nobody includes is not forgotten."""
    for path in files.listing()[0]:
        if not path.startswith(f"{HOME}/{CATALOG}/"):
            continue
        document = library.get(path)
        if document is None:
            continue
        if document.kind not in {"WrapUpCodes", "Queues"}:
            at = library.places.source(document.root.value_marks["kind"])
            hint = "a catalog holds WrapUpCodes and Queues; policy belongs to an org"
            library.problems.append(Problem(at, f"a file of kind {document.kind} in the catalog", hint))
            continue
        library.problems += resolve.standalone(document, library)


def _org(
    root: Path, name: str, paths: list[str], library: Library, rules: ProjectFile | None
) -> OrgConfig | None:
    """Return one org; what is wrong goes to the library's problems. None when something cannot be read."""
    documents = [library.get(path) for path in sorted(paths)]
    own = [document for document in documents if document is not None]
    for document in own:
        if document.kind == "Project":
            at = library.places.source(document.root.value_marks["kind"])
            library.problems.append(
                Problem(at, "a Project file inside an org", f"its place is {PROJECT_FILE}")
            )
    # org.yaml first: what it includes lies below what the other files include.
    own.sort(key=lambda document: (document.kind != "Org", document.file))
    inherited, whole = library.includes(own, frozenset(paths))
    draft = resolve.compose(name, own, inherited, library)
    whole = whole and None not in documents
    if whole and draft.org is None and not any(document.kind == "Org" for document in own):
        hint = "add an org.yaml with `kind: Org`, or move the files to the catalog"
        draft.add(Source(f"{HOME}/{name}"), f"the folder {name} has no org.yaml", hint)
    words = vendor.vendor(draft.org.spec.platform) if draft.org is not None else None
    check_org.check_org(draft, words, vendor.known(), _known_timezone)
    check_connections.check_connections(draft, whole=whole)
    # A file that could not be read may declare anything: then only what is certain is said.
    if whole:
        check.check_content(draft, rules, words)
    found = desire.desired(draft, rules, words) if whole else None
    library.problems += draft.problems
    if found is None or draft.org is None:
        return None
    org = draft.org.spec
    return OrgConfig(
        name=name,
        desired=found,
        endpoint=org.endpoint or "",
        region=org.region or "",
        source=library.places.source(draft.org.mark),
        credentials=access.credentials(draft, org.credentials, draft.org.node),
        root=root,
        draft=draft,
        warnings=tuple(problem for problem in draft.problems if problem.severity is Severity.WARNING),
        options=MappingProxyType(dict(getattr(org, org.platform) or {})),
        connections=access.connections(draft, org),
    )


def _known_timezone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
