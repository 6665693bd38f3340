"""From documents to what is wanted: includes laid below, sets expanded, tags derived, everything typed.

Pure: documents in, a draft out; a draft that checks well becomes ``model.Desired``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from wrapctl.config import shape
from wrapctl.config.files import HOME
from wrapctl.config.library import Document, Library
from wrapctl.config.merge import join, merge
from wrapctl.config.spec import Allow, CodeSpec, Org, QueueSpec
from wrapctl.config.spec_base import Model
from wrapctl.config.spec_crm import CrmMapping
from wrapctl.config.tree import Map, Node, Places, Seq
from wrapctl.config.values import Wrong, nearest, quoted, to_key, to_name
from wrapctl.errors import Problem, Source

S = TypeVar("S", bound=Model)
SECTIONS = ("codes", "sets", "queues")


@dataclass(frozen=True, slots=True)
class Item(Generic[S]):
    """One valid entry: its model, the tree it came from, and where its key stands."""

    key: str
    spec: S
    node: Map
    mark: int


@dataclass(slots=True)
class Draft:
    """An org after merging, before checking. ``broken`` are keys of codes that exist but could not be read."""

    name: str
    places: Places
    org: Item[Org] | None = None
    codes: dict[str, Item[CodeSpec]] = field(default_factory=dict)
    queues: dict[str, Item[QueueSpec]] = field(default_factory=dict)
    sets: dict[str, tuple[Seq, int]] = field(default_factory=dict)
    mappings: list[Item[CrmMapping]] = field(default_factory=list)
    broken_mappings: bool = False
    allow: list[Item[Allow]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    broken_sets: set[str] = field(default_factory=set)
    omitted: set[str] = field(default_factory=set)
    inherited: frozenset[str] = frozenset()
    sections: dict[str, Map] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def at(self, node: Map, key: str) -> Source:
        """Where the value of ``key`` stands."""
        return self.places.source(node.value_marks.get(key, node.mark))

    def is_own(self, source: Source) -> bool:
        """Whether something stands in the org's own files, not in a catalog that it includes."""
        return source.file.startswith(f"{HOME}/{self.name}/")

    def add(self, source: Source, message: str, hint: str = "") -> None:
        """Report a problem."""
        self.problems.append(Problem(source, message, hint))


def compose(name: str, own: Iterable[Document], inherited: Iterable[Document], library: Library) -> Draft:
    """Return the org as its own files, laid on the inherited ones, describe it."""
    draft = Draft(name, library.places)
    mine = list(own)
    below = {section: _laid(library, inherited, section) for section in SECTIONS}
    above = {section: _joined(draft, library, mine, section) for section in SECTIONS}
    draft.inherited = frozenset(below["codes"])
    for section in SECTIONS:
        declined = draft.omitted if section == "codes" else None
        draft.sections[section] = merge(below[section], above[section], declined)
    for document in mine:
        if document.kind in {"Org", "CrmMapping", "Allow"}:
            draft.problems += shape.nulls(document.root, library.places)
    _org(draft, mine)
    draft.mappings = list(_whole(draft, mine, "CrmMapping", CrmMapping))
    draft.broken_mappings = len(draft.mappings) < sum(document.kind == "CrmMapping" for document in mine)
    draft.allow = list(_whole(draft, mine, "Allow", Allow))
    _codes(draft)
    _sets(draft)
    _queues(draft)
    return draft


def standalone(document: Document, library: Library) -> list[Problem]:
    """Return what is wrong with a catalog file by itself, whoever includes it."""
    draft = Draft("", library.places)
    for section in SECTIONS:
        draft.sections[section] = library.section(document, section) or Map(document.root.mark)
    _codes(draft)
    _sets(draft)
    _queues(draft)
    if document.root.get("include") is not None:
        # Its nulls may take back what its own includes say; the orgs that use it will tell.
        return [problem for problem in draft.problems if shape.NULL not in problem.message]
    return draft.problems


def _laid(library: Library, documents: Iterable[Document], section: str) -> Map:
    out = Map(0)
    for document in documents:
        found = library.section(document, section) if section in document.root else None
        if found is not None:
            out = merge(out, found)
    return out


def _joined(draft: Draft, library: Library, documents: Iterable[Document], section: str) -> Map:
    out = Map(0)
    what = {"codes": "code", "sets": "set", "queues": "queue"}[section]
    for document in documents:
        if document.kind not in {"WrapUpCodes", "Queues"} or section not in document.root:
            continue
        found = library.section(document, section)
        if found is not None:
            out = join(out, found, what, library.places, draft.problems)
    return out


def _org(draft: Draft, documents: list[Document]) -> None:
    found = [document for document in documents if document.kind == "Org"]
    for document in found[1:]:
        at = draft.places.source(document.root.key_marks["kind"])
        draft.add(at, f"a second org document in {draft.name}", f"the first is {found[0].file}")
    for document in found[:1]:
        mark = document.root.key_marks["kind"]
        spec = shape.check(Org, document.root, mark, draft.places, draft.problems)
        if spec is not None:
            draft.org = Item(draft.name, spec, document.root, mark)


def _whole(draft: Draft, documents: list[Document], kind: str, model: type[S]) -> Iterator[Item[S]]:
    for document in documents:
        if document.kind == kind:
            mark = document.root.key_marks["kind"]
            spec = shape.check(model, document.root, mark, draft.places, draft.problems)
            if spec is not None:
                yield Item(document.file, spec, document.root, mark)


def _codes(draft: Draft) -> None:
    section = draft.sections["codes"]
    for key, value in section.items():
        mark = section.key_marks[key]
        node = _map(draft, key, value, section) if _key_holds(draft, to_key, key, mark) else None
        if node is None:
            draft.broken.add(key)
            continue
        draft.problems += shape.nulls(node, draft.places)
        spec = shape.check(CodeSpec, node, mark, draft.places, draft.problems)
        if spec is None:
            draft.broken.add(key)
        elif spec.state == "omitted":
            draft.omitted.add(key)
            if draft.name and key not in draft.inherited:
                hint = "`omitted` declines a code of the catalog; `absent` deletes one"
                draft.add(
                    draft.at(node, "state"), f"{key}: nothing that is included declares this code", hint
                )
        else:
            draft.codes[key] = Item(key, spec, node, mark)


def _queues(draft: Draft) -> None:
    section = draft.sections["queues"]
    for label, value in section.items():
        mark = section.key_marks[label]
        node = _map(draft, label, value, section) if _key_holds(draft, to_name, label, mark) else None
        if node is None:
            continue
        draft.problems += shape.nulls(node, draft.places)
        spec = shape.check(QueueSpec, node, mark, draft.places, draft.problems)
        if spec is not None:
            draft.queues[label] = Item(label, spec, node, mark)


def _sets(draft: Draft) -> None:
    section = draft.sections["sets"]
    for name, value in section.items():
        mark = section.key_marks[name]
        if not _key_holds(draft, to_name, name, mark):
            continue
        if not isinstance(value, Seq) or not all(isinstance(item, str) or item is None for item in value):
            what = f"the set {quoted(name)}"
            if value is None:
                draft.add(draft.places.source(mark), f"{what}: {shape.NULL}", shape.NULL_HINT)
            else:
                draft.add(draft.places.source(section.value_marks[name]), f"{what} must be a list of codes")
            draft.broken_sets.add(name)
            continue
        draft.problems += shape.nulls(value, draft.places)
        draft.sets[name] = (value, mark)


def _key_holds(draft: Draft, rule: Callable[[str], str], key: str, mark: int) -> bool:
    try:
        rule(key)
    except Wrong as wrong:
        draft.add(draft.places.source(mark), str(wrong), wrong.hint)
        return False
    return True


def _map(draft: Draft, key: str, value: Node, section: Map) -> Map | None:
    if isinstance(value, Map):
        return value
    if value is None:
        at = draft.places.source(section.key_marks[key])
        draft.add(at, f"{quoted(key)}: {shape.NULL}", "write values below it")
    else:
        draft.add(draft.places.source(section.value_marks[key]), f"{quoted(key)} must be a map")
    return None


class Lists:
    """Expands lists of codes; every problem is reported once, where the item stands."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._present = {key for key, item in draft.codes.items() if item.spec.state == "present"}
        self._sets: dict[str, tuple[str, ...] | None] = {}

    def expand(self, node: Seq, what: str, chain: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        """Return the codes of a list in order, each once; None when something in it is wrong."""
        words = [item for item in node if isinstance(item, str)]
        if len(words) == len(node) and self._present.issuperset(words):
            return tuple(dict.fromkeys(words))
        out: dict[str, None] = {}
        fine = len(words) == len(node)
        for item, mark in zip(node, node.marks, strict=True):
            if not isinstance(item, str):
                continue
            if item.startswith("set:"):
                inner = self._set(item.removeprefix("set:"), mark, chain)
                fine &= inner is not None
                out.update(dict.fromkeys(inner or ()))
            elif item in self._present:
                out[item] = None
            else:
                fine = False
                self._refuse(item, mark, what)
        return tuple(out) if fine else None

    def all_sets(self) -> None:
        """Expand every set, so that what nobody uses is checked too."""
        for name, (_, mark) in self._draft.sets.items():
            self._set(name, mark, ())

    def _set(self, name: str, mark: int, chain: tuple[str, ...]) -> tuple[str, ...] | None:
        draft = self._draft
        if name in chain:
            loop = " → ".join((*chain[chain.index(name) :], name))
            draft.add(
                draft.places.source(mark), f"a set that contains itself: {loop}", "take one of them out"
            )
            return None
        if name not in draft.sets:
            if name not in draft.broken_sets:
                draft.add(
                    draft.places.source(mark), f"there is no set {quoted(name)}", nearest(name, draft.sets)
                )
            return None
        if name not in self._sets:
            self._sets[name] = self.expand(draft.sets[name][0], f"the set {quoted(name)}", (*chain, name))
        return self._sets[name]

    def _refuse(self, key: str, mark: int, what: str) -> None:
        draft = self._draft
        at = draft.places.source(mark)
        if key in draft.broken:
            return
        if key in draft.codes:
            draft.add(at, f"{what} lists {key}, which is `state: absent`", "take it out of the list")
        elif key in draft.omitted:
            draft.add(at, f"{what} lists {key}, which this org omits", "take it out of the list")
        elif key in draft.sets:
            draft.add(at, f"{what} lists {quoted(key)}, which is a set", f"write set:{key}")
        else:
            draft.add(at, f"{what} lists {quoted(key)}, which no file declares", nearest(key, self._present))


def provenance(draft: Draft) -> Mapping[str, Source]:
    """Return where each effective value was written: ``codes.SALE.name`` → file, line, column."""
    found: dict[str, Source] = {}
    for section, node in draft.sections.items():
        _walk(node, section, draft.places, found)
    if draft.org is not None:
        _walk(draft.org.node, "org", draft.places, found)
    return found


def _walk(node: Map, path: str, places: Places, found: dict[str, Source]) -> None:
    for key, value in node.items():
        here = f"{path}.{key}"
        if isinstance(value, Map):
            _walk(value, here, places, found)
        else:
            found[here] = places.source(node.value_marks[key])
