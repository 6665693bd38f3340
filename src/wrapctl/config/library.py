"""Documents: every file read once, its kind known, its includes followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wrapctl.config import shape
from wrapctl.config.files import Files, Unreadable, join
from wrapctl.config.spec import KINDS
from wrapctl.config.tree import Map, Node, Places, Seq, read
from wrapctl.config.values import nearest, quoted
from wrapctl.errors import Problem, Source

SHARED = ("WrapUpCodes", "Queues")
"""Kinds that several orgs may include. Policy (Org, Allow) and CRM mappings belong to one org."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a known kind."""

    file: str
    kind: str
    root: Map


class Library:
    """Reads documents; each file once, all problems collected.

    ``problems`` grows while documents are read. ``unusable`` names files whose content is not known, so that
    nobody reports as missing what merely could not be read.
    """

    def __init__(self, files: Files) -> None:
        self.places = Places()
        self.problems: list[Problem] = []
        self.unusable: set[str] = set()
        self._files = files
        self._documents: dict[str, Document | None] = {}

    def get(self, file: str, at: Source | None = None) -> Document | None:
        """Return a document, None when it is unusable (the reason is in ``problems``).

        ``at`` is where it is included from: a file that cannot be opened is reported there.
        """
        if file not in self._documents:
            self._documents[file] = self._read(file, at)
            if self._documents[file] is None:
                self.unusable.add(file)
        return self._documents[file]

    def _read(self, file: str, at: Source | None) -> Document | None:
        try:
            data = self._files.read(file)
        except Unreadable as error:
            if at is None:
                self.problems.append(Problem(Source(file), f"the file {error}"))
            else:
                self.problems.append(Problem(at, f"the included file {error}", _INCLUDE))
            return None
        root, problems = read(data, file, self.places)
        self.problems += problems
        return None if root is None else self._document(file, root)

    def _document(self, file: str, root: Map) -> Document | None:
        kind = root.get("kind")
        if not isinstance(kind, str):
            at = self.places.source(root.value_marks["kind"]) if "kind" in root else Source(file, 1, 1)
            self.problems.append(Problem(at, "`kind` is missing", f"one of: {', '.join(KINDS)}"))
            return None
        if kind not in KINDS:
            hint = nearest(kind, KINDS) or f"one of: {', '.join(KINDS)}"
            self.problems.append(
                Problem(self.places.source(root.value_marks["kind"]), f"unknown kind {quoted(kind)}", hint)
            )
            return None
        fields = KINDS[kind].model_fields
        for key in root:
            if key not in fields:
                self.problems.append(
                    Problem(
                        self.places.source(root.key_marks[key]),
                        f"unknown key {quoted(key)}",
                        nearest(key, fields) or f"known here: {', '.join(fields)}",
                    )
                )
        return Document(file, kind, root)

    def includes(self, documents: Iterable[Document], own: frozenset[str]) -> tuple[list[Document], bool]:
        """Return the documents that ``documents`` include, in the order in which they are laid on each other.

        Later ones win. A file that is included on several ways stands once, at its first place. The flag is
        False when something could not be read. ``own`` are files that must not be included: the org's own.
        """
        found: list[Document] = []
        seen: set[str] = set()
        whole = True
        for document in documents:
            whole &= self._follow(document, (document.file,), own, seen, found)
        return found, whole

    def _follow(
        self,
        document: Document,
        chain: tuple[str, ...],
        own: frozenset[str],
        seen: set[str],
        found: list[Document],
    ) -> bool:
        whole = True
        for text, at in self._references(document.root.get("include"), document.root):
            try:
                file = join(document.file, text)
            except Unreadable as error:
                self.problems.append(Problem(at, f"the included path {error}", _INCLUDE))
                whole = False
                continue
            if file in chain:
                steps = " → ".join((*chain[chain.index(file) :], file))
                self.problems.append(Problem(at, f"an include loop: {steps}", "remove one of the includes"))
                continue
            if file in own:
                self.problems.append(
                    Problem(
                        at, "includes one of the org's own files", "they are read anyway: remove the line"
                    )
                )
                continue
            if file in seen:
                continue
            seen.add(file)
            included = self.get(file, at)
            if included is None:
                whole = False
            elif included.kind not in SHARED:
                self.problems.append(
                    Problem(
                        at,
                        f"includes a file of kind {included.kind}",
                        f"only {' and '.join(SHARED)} are shared",
                    )
                )
            else:
                whole &= self._follow(included, (*chain, file), own, seen, found)
                found.append(included)
        return whole

    def _references(self, node: Node, root: Map) -> list[tuple[str, Source]]:
        if node is None or "include" not in root:
            return []
        if not isinstance(node, Seq):
            at = self.places.source(root.value_marks["include"])
            self.problems.append(Problem(at, "`include` must be a list", "write [../catalog/sales.yaml]"))
            return []
        return [
            (text, self.places.source(mark))
            for text, mark in zip(node, node.marks, strict=True)
            if isinstance(text, str)
        ]

    def section(self, document: Document, name: str) -> Map | None:
        """Return a map of a document (``codes``, ``sets``, ``queues``), None when it is left out or no map."""
        value = document.root.get(name)
        if value is None:
            if name in document.root:
                at = self.places.source(document.root.key_marks[name])
                self.problems.append(Problem(at, f"`{name}`: {shape.NULL}", "remove the key"))
            return None
        if not isinstance(value, Map):
            at = self.places.source(document.root.value_marks[name])
            self.problems.append(
                Problem(at, f"`{name}` must be a map", "write `KEY:` and the values below it")
            )
            return None
        return value


_INCLUDE = "includes are paths of YAML files inside the project, relative to the file that names them"
