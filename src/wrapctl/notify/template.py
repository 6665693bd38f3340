"""The body that a chat system wants: JSON as the files write it, with placeholders filled in from an event. Pure.

Whoever can rename a code writes what ends up in a chat, where ``<!channel>`` wakes everybody and a link can be
called anything. So what is filled in is made visible first, and then escaped for the system that reads it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from wrapctl.config.values import Wrong, nearest, quoted
from wrapctl.notify.kinds import (
    APPLY,
    ASSIGNMENT,
    CODE_CREATED,
    CODE_DEACTIVATED,
    CODE_DELETED,
    CODE_UPDATED,
    DRIFT,
    PLAN,
    PREFIX,
)
from wrapctl.render.escape import name as visible

Escape = Literal["slack", "markdown", "none"]

PLACEHOLDERS: Final = (
    "text",
    "type",
    "id",
    "time",
    "org",
    "organization",
    "run",
    "commit",
    "pull_request",
    "actor",
    "address",
    "key",
    "name",
    "queue",
    "category",
    "tags",
    "added",
    "removed",
    "count",
    "totals",
    "exit_code",
)
"""What can be filled in. ``{text}`` is a whole sentence; what an event does not have is empty."""

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")
_DEEPEST: Final = 8
_LONGEST: Final = 300
_FEW: Final = 10
_PAST: Final[Mapping[str, str]] = {
    CODE_CREATED: "created",
    CODE_UPDATED: "updated",
    CODE_DEACTIVATED: "deactivated",
    CODE_DELETED: "deleted",
}


def check(template: Mapping[str, object]) -> None:
    """Make sure that a template can be filled in.

    Raises:
        Wrong: a placeholder is unknown, a brace stands alone, or it is nested too deep.
    """
    for text in _texts(template, 0):
        for found in _PIECE.finditer(text):
            if found[0] in {"{", "}"}:
                raise Wrong(
                    f"a single {quoted(found[0])} in {quoted(text)}", "write {{ or }} for a brace itself"
                )
            if found[1] is not None and found[1] not in PLACEHOLDERS:
                known = f"known: {', '.join(PLACEHOLDERS)}"
                raise Wrong(
                    f"there is no placeholder {quoted(found[0])}", nearest(found[1], PLACEHOLDERS) or known
                )


def fill(template: Mapping[str, object], event: Mapping[str, Any], escape: Escape) -> dict[str, Any]:
    """Return the body for an event (``Event.as_json``); ``template`` was checked."""
    values = _values(event, _ESCAPES[escape])
    filled: dict[str, Any] = _fill(template, values)
    return filled


def _texts(node: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise Wrong(f"a template of more than {_DEEPEST} levels")
    match node:
        case str():
            yield node
        case Mapping():
            for key, value in node.items():
                yield str(key)
                yield from _texts(value, depth + 1)
        case Sequence():
            for value in node:
                yield from _texts(value, depth + 1)
        case _:
            return


def _fill(node: object, values: Mapping[str, str]) -> Any:
    def piece(found: re.Match[str]) -> str:
        return found[0][0] if found[1] is None else values[found[1]]

    match node:
        case str():
            return _PIECE.sub(piece, node)
        case Mapping():
            return {_PIECE.sub(piece, str(key)): _fill(value, values) for key, value in node.items()}
        case Sequence():
            return [_fill(value, values) for value in node]
        case _:
            return node


# ── what is filled in ──────────────────────────────────────────────────────────────────────────────────────


def _values(event: Mapping[str, Any], escape: Callable[[str], str]) -> dict[str, str]:
    """Return each placeholder's text. The event may have been kept by another version: nothing is taken for there."""

    def said(value: object) -> str:
        if isinstance(value, list):
            return ", ".join(said(one) for one in value[:_FEW]) + _more(len(value))
        if isinstance(value, dict):
            if "name" in value:
                return said(value["name"])
            return ", ".join(f"{said(count)} {said(word)}" for word, count in value.items())
        return "" if value is None else escape(visible(str(value), _LONGEST))

    data: Mapping[str, Any] = event.get("data") or {}
    code: Mapping[str, Any] = data.get("code") or {}
    values = {
        "type": said(event.get("type")),
        "id": said(event.get("id")),
        "time": said(event.get("time")),
        "organization": said((data.get("organization") or {}).get("name")),
        "key": said(code.get("key")),
        "name": said(code.get("name")),
        "count": said(data.get("count", data.get("pending"))),
        "pull_request": said(data.get("pull_requests")),
    }
    for one in PLACEHOLDERS:
        values.setdefault(one, said(data.get(one)))
    values["text"] = _sentence(str(event.get("type", "")).removeprefix(PREFIX), data, values, said)
    return values


def _sentence(
    kind: str, data: Mapping[str, Any], values: Mapping[str, str], said: Callable[[object], str]
) -> str:
    sandbox = "SANDBOX " if (data.get("organization") or {}).get("sandbox") else ""
    return f"{sandbox}{values['org']}: {_what(kind, data, values, said)}{_by(values)}"


def _what(
    kind: str, data: Mapping[str, Any], values: Mapping[str, str], said: Callable[[object], str]
) -> str:
    match kind:
        case _ if kind in _PAST:
            key = f" ({values['key']})" if values["key"] else ""
            return f'{_PAST[kind]} code "{values["name"]}"{key}'
        case k if k == ASSIGNMENT:
            parts = [
                f"{word} {values[part]}"
                for part, word in (("added", "now offers"), ("removed", "no longer offers"))
                if values[part]
            ]
            return f'queue "{values["queue"]}" {" and ".join(parts) or "offers its codes in another order"}'
        case k if k == PLAN:
            refused = ", refused by a limit" if data.get("refused") else ""
            return f"a plan of {values['count']} changes ({said(data.get('changes'))}){refused}"
        case k if k == APPLY:
            fatal = f"; stopped: {said(data.get('fatal'))}" if data.get("fatal") else ""
            return f"an apply ended with exit code {values['exit_code']}: {values['totals']}{fatal}"
        case k if k == DRIFT:
            return f"{values['count']} changes on the platform that no file asked for"
        case _:
            return values["type"]


def _by(values: Mapping[str, str]) -> str:
    by = f", by {values['actor']}" if values["actor"] else ""
    return by + (f", pull request {values['pull_request']}" if values["pull_request"] else "")


def _more(number: int) -> str:
    return f" and {number - _FEW} more" if number > _FEW else ""


def _slack(text: str) -> str:
    """Slack's own three: https://docs.slack.dev/messaging/formatting-message-text (escaping text)."""
    return html.escape(text, quote=False)


def _markdown(text: str) -> str:
    # A mention is broken by a character without width; nothing else stops one everywhere.
    return _SPECIAL.sub(r"\\\1", text).replace("@", "@\u200b").replace("://", ":\u200b//")


def _as_it_is(text: str) -> str:
    return text


_ESCAPES: Final[Mapping[str, Callable[[str], str]]] = {
    "slack": _slack,
    "markdown": _markdown,
    "none": _as_it_is,
}
