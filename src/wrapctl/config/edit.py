"""Files that are there, edited without losing comments, order or keys. The one home of ruamel.

Scalars are read as the text that they are (``tree`` reads them so, too): ``0123`` and ``No`` stay as written.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tag import Tag

from wrapctl.config.values import flow
from wrapctl.config.write import WIDTH

Tree: TypeAlias = "str | Sequence[Tree] | Mapping[str, Tree]"
"""What can be put into a file."""

_NULL = Tag(suffix="tag:yaml.org,2002:null")


class _TextResolver(VersionedResolver):
    """Every plain scalar is text; an empty one stays empty."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            return self.DEFAULT_SCALAR_TAG if value else _NULL
        return super().resolve(kind, value, implicit)


class File:
    """One YAML file being edited; ``text`` is what it says now, the same bytes when nothing was changed."""

    def __init__(self, text: str) -> None:
        self._before = text
        self._dirty = False
        self._yaml = YAML()
        self._yaml.Resolver = _TextResolver
        self._yaml.preserve_quotes = True
        self._yaml.width = 1 << 20
        self._yaml.indent(mapping=2, sequence=4, offset=2)
        self._root: Any = self._yaml.load(text)

    @property
    def text(self) -> str:
        """The file's text."""
        if not self._dirty:
            return self._before
        out = io.StringIO()
        self._yaml.dump(self._root, out)
        return out.getvalue()

    def has(self, *path: str) -> bool:
        """Whether something stands at ``path``."""
        node = self._root
        for part in path:
            if not isinstance(node, CommentedMap) or part not in node:
                return False
            node = node[part]
        return True

    def is_map(self, *path: str) -> bool:
        """Whether a map stands at ``path``."""
        return isinstance(self._at(path), CommentedMap)

    def scalar(self, *path: str) -> str | None:
        """The text at ``path``, None when there is none, or something else."""
        found = self._at(path)
        return str(found) if isinstance(found, str) else None

    def _at(self, path: Iterable[str]) -> Any:
        node = self._root
        for part in path:
            if not isinstance(node, CommentedMap) or part not in node:
                return None
            node = node[part]
        return node

    def items(self, *path: str) -> list[str]:
        """The items of the list at ``path``, empty when there is none."""
        node = self._root
        for part in path:
            if not isinstance(node, CommentedMap) or part not in node:
                return []
            node = node[part]
        return [item for item in node if isinstance(item, str)] if isinstance(node, CommentedSeq) else []

    def put(self, content: Tree, *path: str) -> None:
        """Set what stands at ``path``; maps on the way are made."""
        self._dirty = True
        node = self._root
        for part in path[:-1]:
            if not isinstance(node.get(part), CommentedMap):
                node[_text(part)] = CommentedMap()
            node = node[part]
        last = path[-1]
        old = node.get(last)
        if isinstance(old, CommentedSeq) and not isinstance(content, str | Mapping):
            _edit_list(old, [str(item) for item in content])
        else:
            node[last if last in node else _text(last)] = _node(content)

    def arrange(self, items: Sequence[tuple[int | None, Mapping[str, Tree | None]]], *path: str) -> None:
        """Make the list of maps at ``path`` these items: the place of one that is there, and what changes in it.

        None instead of a place is a new one; None instead of content takes a key away. Comments move along.
        """
        self._dirty = True
        old = self._at(path)
        before: list[Any] = list(old) if isinstance(old, CommentedSeq) else []
        after = []
        for place, content in items:
            node = (
                before[place]
                if place is not None
                else _node({k: v for k, v in content.items() if v is not None})
            )
            for name, value in content.items() if place is not None else ():
                if value is None:
                    node.pop(name, None)
                else:
                    node[name] = _node(value)
            after.append(node)
        if [id(node) for node in after] == [id(node) for node in before]:
            return
        made = old if isinstance(old, CommentedSeq) else CommentedSeq()
        comments = dict(made.ca.items)
        while made:
            del made[-1]
        made.ca.items.clear()
        for index, (place, _) in enumerate(items):
            made.append(after[index])
            if place is not None and place in comments:
                made.ca.items[index] = comments[place]
        if not made:
            made.fa.set_flow_style()
        if made is not old:
            parent = self._at(path[:-1])
            parent[_text(path[-1])] = made

    def drop(self, *path: str) -> None:
        """Remove what stands at ``path``."""
        node = self._root
        for part in path[:-1]:
            node = node[part]
        if path[-1] in node:
            self._dirty = True
            del node[path[-1]]


def _edit_list(old: CommentedSeq, wanted: list[str]) -> None:
    """Keep what stays where it is, with its comments; take out the rest, append what is new, order if need be."""
    for index in range(len(old) - 1, -1, -1):
        if old[index] not in wanted:
            del old[index]
    have = set(old)
    for item in wanted:
        if item not in have:
            old.append(_text(item))
    if list(old) != wanted and sorted(old) == sorted(wanted):
        _reorder(old, wanted)
    if not old:
        old.fa.set_flow_style()


def _reorder(old: CommentedSeq, wanted: list[str]) -> None:
    """Put the items in another order, each with the comment behind it."""
    comments = {str(item): old.ca.items.get(index) for index, item in enumerate(old)}
    items = {str(item): item for item in old}
    for index, name in enumerate(wanted):
        old[index] = items[name]
        old.ca.items.pop(index, None)
        if comments[name] is not None:
            old.ca.items[index] = comments[name]


def _text(text: str) -> str:
    return text if flow(text) == text else DoubleQuotedScalarString(text)


def _node(content: Tree) -> Any:
    if isinstance(content, str):
        return _text(content)
    if isinstance(content, Mapping):
        node = CommentedMap({_text(name): _node(value) for name, value in content.items()})
        node.fa.set_flow_style()
        return node
    items = CommentedSeq(_node(item) for item in content)
    if all(isinstance(item, str) for item in content) and _one_line(map(str, content)):
        items.fa.set_flow_style()
    return items


def _one_line(items: Iterable[str]) -> bool:
    return len(", ".join(flow(item) for item in items)) <= WIDTH - 20
