"""``wrapctl show``: what the files say of an org in the end, and where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from wrapctl.cli.console import Console, as_json, complete_orgs, options
from wrapctl.errors import Exit, Source

if TYPE_CHECKING:
    from wrapctl.config.project import OrgConfig
    from wrapctl.config.tree import Node

_COLUMN = 60
_LONG = 200


@click.command("show")
@click.argument("org", shell_complete=complete_orgs)
@click.option("--format", "how", type=click.Choice(["text", "json"]), default="text")
@options
def command(console: Console, *, org: str, how: str) -> Exit:
    """Show the effective configuration of ORG, after includes and overrides. Secrets are shown by reference."""
    from wrapctl.cli.orgs import chosen

    _, (found,) = chosen(console, [org])
    sources = found.provenance()
    if how == "json":
        console.out(
            as_json(
                {
                    "kind": "wrapctl.show",
                    "version": 1,
                    "org": found.name,
                    "digest": found.desired.digest,
                    "values": {path: _value(node, sources[path]) for path, node in _leaves(found, sources)},
                }
            )
        )
        return Exit.OK
    for line in _text(found, sources):
        console.out(f"{line}\n")
    return Exit.OK


def _trees(org: OrgConfig) -> Iterator[tuple[str, Mapping[str, Node]]]:
    if org.draft.org is not None:
        yield "org", org.draft.org.node
    for name, tree in org.sections.items():
        if tree:
            yield name, tree


def _leaves(org: OrgConfig, sources: Mapping[str, Source]) -> Iterator[tuple[str, Node]]:
    for name, tree in _trees(org):
        for path, _, _, node in _walk(tree, name, 0):
            if path in sources:
                yield path, node


def _walk(tree: Mapping[str, Node], path: str, depth: int) -> Iterator[tuple[str, str, int, Node]]:
    from wrapctl.config.tree import Map

    for key, node in tree.items():
        here = f"{path}.{key}"
        yield here, key, depth, node
        if isinstance(node, Map):
            yield from _walk(node, here, depth + 1)


def _text(org: OrgConfig, sources: Mapping[str, Source]) -> Iterator[str]:
    from wrapctl.config.tree import Map
    from wrapctl.config.values import flow
    from wrapctl.render import escape

    for name, tree in _trees(org):
        yield f"{name}:"
        for path, key, depth, node in _walk(tree, name, 1):
            start = "  " * depth + escape.terminal(flow(key))
            if isinstance(node, Map):
                yield f"{start}:" if node else f"{start}: {{}}"
            else:
                written = f"{start}: {_short(node)}"
                yield f"{written:<{_COLUMN}}  # {escape.terminal(str(sources[path]))}"


def _short(node: Node) -> str:
    """One value as YAML would have it on one line, with what cannot be seen shown as an escape."""
    from wrapctl.config.tree import Seq
    from wrapctl.config.values import flow
    from wrapctl.render import escape

    if node is None:
        return "null"
    if isinstance(node, Seq):
        return "[" + ", ".join(_short(item) for item in node) + "]"
    if isinstance(node, str):
        # Files of wrapctl are text through and through: a number needs no quotes to stay as it was written.
        return escape.name(node if node.isascii() and node.isdigit() else flow(node), _LONG)
    return "{" + ", ".join(f"{flow(key)}: {_short(item)}" for key, item in node.items()) + "}"


def _value(node: Node, source: Source) -> dict[str, Any]:
    return {"value": node, "file": source.file, "line": source.line, "column": source.column}
