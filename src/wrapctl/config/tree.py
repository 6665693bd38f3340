"""YAML as a tree that remembers where everything stands.

Read from libyaml's events, not by a loader's composer: a plain scalar is text exactly as written, nothing is
guessed, and hostile input (deep nesting, alias bombs) is noticed while it streams by. The one home of ``yaml``.

A node is ``None``, a ``str``, a ``Map`` or a ``Seq``. Positions are packed into one integer each and kept by the
container, so that a list of 100,000 codes costs one string per distinct code and eight bytes per item.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

import yaml
from yaml._yaml import CParser
from yaml.reader import ReaderError

from wrapctl.errors import Problem, Source

MAX_DEPTH: Final = 40
MAX_NODES: Final = 1_000_000
MAX_BYTES: Final = 32 * 1024 * 1024

_NOWHERE: Final = yaml.Mark("", 0, 0, 0, None, 0)
_OPEN: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSE: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_NULLS = frozenset({"", "~", "null"})
# 32 MiB fit in 25 bits, so that no line or column of a file can overflow into the next part.
_COLUMN_BITS: Final = 25
_FILE_SHIFT: Final = 51
_COLUMN_MAX: Final = (1 << _COLUMN_BITS) - 1
_LINE_MAX: Final = (1 << (_FILE_SHIFT - _COLUMN_BITS)) - 1
_INDENT_TAB = re.compile(rb"^ *(\t)[ \t]*[^\s#]", re.MULTILINE)


class Map(dict[str, "Node"]):
    """A mapping. ``mark`` is where it starts; ``key_marks`` and ``value_marks`` say where its entries stand."""

    __slots__ = ("key_marks", "mark", "value_marks")

    def __init__(self, mark: int) -> None:
        super().__init__()
        self.mark = mark
        self.key_marks: dict[str, int] = {}
        self.value_marks: dict[str, int] = {}

    def put(self, key: str, value: Node, key_mark: int, value_mark: int) -> None:
        """Set an entry together with its positions."""
        self[key] = value
        self.key_marks[key] = key_mark
        self.value_marks[key] = value_mark

    def drop(self, key: str) -> None:
        """Remove an entry together with its positions."""
        del self[key], self.key_marks[key], self.value_marks[key]


class Seq(list["Node"]):
    """A list. ``mark`` is where it starts, ``marks`` where its items stand."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: int) -> None:
        super().__init__()
        self.mark = mark
        self.marks: array[int] = array("Q")


Node: TypeAlias = "str | Map | Seq | None"


class Places:
    """Packs positions of many files into integers, and unpacks them. One per load."""

    def __init__(self) -> None:
        self._files: list[str] = []

    def add(self, file: str) -> int:
        """Register a file and return the mark of its very beginning, to be or-ed with line and column."""
        self._files.append(file)
        return (len(self._files) - 1) << _FILE_SHIFT

    def source(self, mark: int) -> Source:
        """Return where a mark points."""
        line = (mark >> _COLUMN_BITS) & _LINE_MAX
        return Source(self.file(mark), line + 1, (mark & _COLUMN_MAX) + 1)

    def file(self, mark: int) -> str:
        """Return the file of a mark."""
        return self._files[mark >> _FILE_SHIFT]


class _Unusable(Exception):
    """The rest of the file makes no sense."""

    def __init__(self, line: int, column: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.column, self.message, self.hint = line, column, message, hint


class _Frame:
    """A container under construction. ``size`` and ``height`` count with aliases expanded."""

    __slots__ = ("anchor", "height", "key", "key_mark", "mark", "node", "size", "wants_key")

    def __init__(self, node: Map | Seq, mark: int, anchor: str | None) -> None:
        self.node = node
        self.mark = mark
        self.anchor = anchor
        self.key: str | None = None
        self.key_mark = 0
        self.wants_key = isinstance(node, Map)
        self.size = 1
        self.height = 1


def read(data: bytes, file: str, places: Places) -> tuple[Map | None, list[Problem]]:
    """Return the tree of one file and everything that is wrong with its YAML.

    The tree is None when the file as a whole makes no sense (syntax, encoding, depth); smaller offences
    (duplicate key, tag) are reported and the rest is kept, so that one run reports as much as it can.
    """
    problems: list[Problem] = []
    try:
        _look_over(data)
        root = _Composer(data, file, places, problems).compose()
    except _Unusable as wrong:
        problems.append(Problem(Source(file, wrong.line, wrong.column), wrong.message, wrong.hint))
        return None, problems
    if root is None:
        problems.append(
            Problem(Source(file, 1, 1), "the file is empty", "start with `kind:`, or remove the file")
        )
    elif not isinstance(root, Map):
        problems.append(Problem(Source(file, 1, 1), "the file is not a map", "it must start with `kind:`"))
        return None, problems
    return root, problems


def _look_over(data: bytes) -> None:
    """Refuse what needs no parser: size, encoding, tabs in the indentation."""
    if len(data) > MAX_BYTES:
        raise _Unusable(1, 1, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line, column = _line_column(data, error.start)
        raise _Unusable(
            line, column, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from None
    if b"\t" in data and (tab := _INDENT_TAB.search(data)):
        line, column = _line_column(data, tab.start(1))
        raise _Unusable(line, column, "a tab in the indentation", "YAML is indented with spaces only")


def _line_column(data: bytes, offset: int) -> tuple[int, int]:
    start = data.rfind(b"\n", 0, offset) + 1
    return data.count(b"\n", 0, offset) + 1, len(data[start:offset].decode(errors="replace")) + 1


class _Composer:
    """Builds the tree of one file from its events."""

    def __init__(self, data: bytes, file: str, places: Places, problems: list[Problem]) -> None:
        self._data = data
        self._places = places
        self._problems = problems
        self._base = places.add(file)
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._stack: list[_Frame] = []
        self._root: Node = None

    def compose(self) -> Node:
        """Return the root, None for an empty file.

        Raises:
            _Unusable: the file cannot be read to its end.
        """
        try:
            return self._compose(CParser(self._data).get_event)
        except ReaderError as error:
            line, column = _line_column(self._data, error.position)
            raise _Unusable(
                line, column, f"a control character (U+{int(error.character):04X})", "remove it"
            ) from None
        except yaml.MarkedYAMLError as error:
            raise _explain(error, self._data) from None

    def _compose(self, next_event: Callable[[], yaml.Event | None]) -> Node:
        documents = 0
        stack, base, intern, anchors = self._stack, self._base, sys.intern, self._anchors
        frame: _Frame | None = None
        while (event := next_event()) is not None:
            if isinstance(event, yaml.ScalarEvent):
                start = event.start_mark or _NOWHERE
                mark = base | start.line << _COLUMN_BITS | start.column
                if event.tag is not None:
                    self._report_tag(mark)
                if frame is None:
                    self._root = event.value or None
                    continue
                node = frame.node
                if frame.wants_key:
                    self._key(frame, event, mark)
                    continue
                text = event.value
                value = None if text in _NULLS and event.implicit[0] else intern(text)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, 1, 0)
                frame.size += 1
                if type(node) is Seq:  # the hot path: long lists of codes
                    node.append(value)
                    node.marks.append(mark)
                else:
                    self._attach(value, mark, 0, 0)
            elif isinstance(event, _OPEN):
                frame = self._open(event)
            elif isinstance(event, _CLOSE):
                done = stack.pop()
                if done.anchor is not None:
                    anchors[done.anchor] = (done.node, done.size, done.height)
                frame = stack[-1] if stack else None
                self._attach(done.node, done.mark, done.size, done.height)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(self._mark(event), "a second document", "one document per file: remove `---`")
        return self._root

    def _mark(self, event: yaml.Event) -> int:
        start = event.start_mark or _NOWHERE
        return self._base | start.line << _COLUMN_BITS | start.column

    def _report(self, mark: int, message: str, hint: str) -> None:
        self._problems.append(Problem(self._places.source(mark), message, hint))

    def _report_tag(self, mark: int) -> None:
        self._report(mark, "a YAML tag", "values are text; remove the part that starts with `!`")

    def _stop(self, mark: int, message: str, hint: str) -> NoReturn:
        source = self._places.source(mark)
        raise _Unusable(source.line, source.column, message, hint)

    def _key(self, frame: _Frame, event: yaml.ScalarEvent, mark: int) -> None:
        """Take a mapping's next key: text whatever it looks like, once only."""
        key = sys.intern(event.value)
        frame.key, frame.key_mark, frame.wants_key = key, mark, False
        node = frame.node
        if key == "<<" and event.implicit[0]:
            self._report(mark, "a merge key `<<`", "use a set or `include` instead")
            frame.key = None
        elif isinstance(node, Map) and key in node:
            first = self._places.source(node.key_marks[key]).line
            self._report(mark, f"the key `{key}` stands twice", f"first on line {first}")
            frame.key = None

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> _Frame:
        mark = self._mark(event)
        if event.tag is not None:
            self._report_tag(mark)
        if len(self._stack) >= MAX_DEPTH:
            self._too_deep(mark)
        node = Map(mark) if isinstance(event, yaml.MappingStartEvent) else Seq(mark)
        frame = _Frame(node, mark, event.anchor)
        self._stack.append(frame)
        return frame

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = self._mark(event)
        if event.anchor not in self._anchors:
            self._report(mark, f"the alias `*{event.anchor}` has no anchor before it", "write the value out")
            self._attach("", mark, 1, 0)
            return
        node, size, height = self._anchors[event.anchor]
        if len(self._stack) + height > MAX_DEPTH:
            self._too_deep(mark)
        self._attach(node, mark, size, height)

    def _attach(self, value: Node, mark: int, size: int, height: int) -> None:
        """Hand a finished value to the container that waits for it."""
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if frame.size > MAX_NODES:
            self._stop(mark, f"more than {MAX_NODES:,} values once aliases are expanded", "use sets")
        if isinstance(frame.node, Seq):
            frame.node.append(value)
            frame.node.marks.append(mark)
        elif frame.wants_key:
            self._report(mark, "a key that is not plain text", "write it out")
            frame.key, frame.wants_key = None, False
        else:
            if frame.key is not None:  # None: the key was refused, and its value goes with it
                frame.node.put(frame.key, value, frame.key_mark, mark)
            frame.wants_key = True

    def _too_deep(self, mark: int) -> NoReturn:
        self._stop(mark, f"nested deeper than {MAX_DEPTH} levels", "is a bracket never closed?")


_WORDS: Final = {
    "mapping values are not allowed in this context": (
        "a `:` where no key can stand",
        "check the indentation; text that contains `: ` needs quotes",
    ),
    "could not find expected ':'": ("a line that is neither `key: value` nor `- item`", "is a `:` missing?"),
    "did not find expected key": (
        "the indentation does not line up",
        "entries of one map start in one column",
    ),
    "did not find expected '-' indicator": ("the indentation of the list does not line up", ""),
    "found unexpected end of stream": ("a quote that is never closed", ""),
    "found unknown escape character": (
        "an unknown escape after `\\`",
        "write `\\\\`, or use single quotes, where a backslash is itself",
    ),
    "did not find expected ',' or ']'": ("a list `[` that is never closed, or lacks a comma", ""),
    "did not find expected ',' or '}'": ("a map `{` that is never closed, or lacks a comma", ""),
    "block sequence entries are not allowed in this context": (
        "a `- item` where no list can stand",
        "start the list on the line below the key",
    ),
}
_AT_CONTEXT = frozenset(
    {
        "could not find expected ':'",
        "found unexpected end of stream",
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
    }
)


def _explain(error: yaml.MarkedYAMLError, data: bytes) -> _Unusable:
    """Say what libyaml means, where a person would look for it."""
    words = error.problem or "cannot be read"
    mark = error.problem_mark
    if words in _AT_CONTEXT and error.context_mark is not None:
        mark = error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    if words == "found character that cannot start any token":
        text = data.decode().splitlines()
        found = text[line - 1][column - 1 : column] if line <= len(text) else ""
        return _Unusable(line, column, f"text cannot start with `{found}`", "put it in quotes")
    if words in _WORDS:
        return _Unusable(line, column, *_WORDS[words])
    context = f" {error.context}" if error.context else ""
    return _Unusable(line, column, f"not valid YAML:{context} {words}".rstrip())
