"""The sinks that ``wrapctl.yaml`` declares, and what is wrong with where they lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from wrapctl.config.check_org import loopback
from wrapctl.config.library import Document, Library
from wrapctl.config.secrets import Where
from wrapctl.config.spec import ProjectFile
from wrapctl.config.spec_base import Block, Reference
from wrapctl.config.spec_sinks import SECONDS, SinkSpec
from wrapctl.config.tree import Map
from wrapctl.config.values import Wrong, quoted
from wrapctl.errors import Problem, Severity, Source

_SPEAKING: Final = (
    "hooks.slack.com",
    "webhook.office.com",
    "logic.azure.com",
    "discord.com",
    "chat.googleapis.com",
)
"""Hosts whose addresses open the door by themselves: whoever knows one may post."""


@dataclass(frozen=True, slots=True)
class Sink:
    """A system that is told what happened. Where it is: ``url``, or ``url_from`` where that is a secret."""

    name: str
    source: Source
    events: tuple[str, ...]
    url: str = ""
    url_from: Where | None = None
    secret: Where | None = None
    template: Block | None = None
    escape: str = "slack"
    timeout: float = SECONDS


def sinks(document: Document | None, rules: ProjectFile | None, library: Library) -> Mapping[str, Sink]:
    """Return the declared sinks by name; what is wrong with them goes to the library's problems."""
    section = document.root.get("sinks") if document is not None else None
    if rules is None or not rules.sinks or not isinstance(section, Map):
        return MappingProxyType({})
    found: dict[str, Sink] = {}
    for name, spec in sorted(rules.sinks.items()):
        node = section.get(name)
        if not isinstance(node, Map):
            continue
        at = library.places.source(node.value_marks["url"] if "url" in node else section.key_marks[name])
        library.problems += _problems(at, name, spec)
        found[name] = Sink(
            name=name,
            source=library.places.source(section.key_marks[name]),
            events=tuple(spec.events),
            url=spec.url or "",
            url_from=_where(name, "url_from", spec.url_from, node, library),
            secret=_where(name, "secret", spec.secret, node, library),
            template=spec.template,
            escape=spec.escape,
            timeout=spec.timeout / 1000 if spec.timeout is not None else SECONDS,
        )
    return MappingProxyType(found)


def checked_url(text: str) -> str:
    """Return the URL of a sink.

    Raises:
        Wrong: it cannot be one. The words quote nothing of it: it may be a secret, or not a URL at all.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"https", "http"} or not host or not text.isascii() or not text.isprintable():
        raise Wrong("not the URL of a sink", "write https://<host>/<path>")
    if parts.username or parts.password or parts.fragment:
        raise Wrong(
            "credentials or a fragment inside the URL of a sink",
            "use `secret`; a URL that is a secret itself belongs under `url_from`",
        )
    if parts.scheme == "http" and not loopback(text):
        raise Wrong(
            "plain http to another machine",
            "use https; http is for 127.0.0.1 and localhost only, to try it out",
        )
    return text


def _problems(at: Source, name: str, spec: SinkSpec) -> list[Problem]:
    if spec.url is None:
        return []
    try:
        checked_url(spec.url)
    except Wrong as error:
        return [Problem(at, f"{name}: {error}", error.hint)]
    host = urlsplit(spec.url).hostname or ""
    if any(host == one or host.endswith(f".{one}") for one in _SPEAKING):
        return [
            Problem(
                at,
                f"{name}: whoever reads this URL can post there",
                f"write url_from: {{env: VARIABLE}}; and have {quoted(host)} make a new one: this is in the history",
                Severity.WARNING,
            )
        ]
    return []


def _where(sink: str, key: str, reference: Reference | None, node: Map, library: Library) -> Where | None:
    if reference is None:
        return None
    return Where(
        org=f"sink {sink}",
        name=key,
        source=library.places.source(node.value_marks[key]),
        env=reference.env,
        file=reference.file,
        command=tuple(reference.command or ()),
    )
