"""Expectation files: read from text, checked, with the place of everything that they say."""

from __future__ import annotations

from dataclasses import dataclass

from wrapctl.config import shape
from wrapctl.config.spec_expect import KIND, Expectation, Expectations
from wrapctl.config.tree import Map, Places, read
from wrapctl.config.values import quoted
from wrapctl.errors import ConfigError, Problem, Source

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a file. ``org`` is empty where neither it nor its file names one."""

    spec: Expectation
    org: str
    number: int
    root: Map
    places: Places

    def at(self, *path: str | int, key: bool = False) -> Source:
        """Return where a part of it stands; the nearest place above it for what is not written.

        ``key``: of an entry of a map its key, not its value.
        """
        value_mark, key_mark, _, _ = shape.locate(self.root, ("expect", self.number, *path), self.root.mark)
        return self.places.source(key_mark if key else value_mark)


def load(data: bytes, file: str) -> tuple[Expected, ...]:
    """Return the expectations of one file; ``file`` is what problems call it.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    places = Places()
    root, problems = read(data, file, places)
    if root is None:
        raise ConfigError(problems)
    kind = root.get("kind")
    if kind != KIND:
        at = places.source(root.value_marks["kind"]) if "kind" in root else Source(file, 1, 1)
        shown = quoted(kind) if isinstance(kind, str) else "none"
        problems.append(Problem(at, f"not a file of kind {KIND}, but {shown}", f"start with `kind: {KIND}`"))
        raise ConfigError(problems)
    problems += shape.nulls(root, places)
    spec = shape.check(Expectations, root, root.key_marks["kind"], places, problems)
    if problems or spec is None:
        raise ConfigError(problems)
    return tuple(
        Expected(one, one.org or spec.org or "", number, root, places)
        for number, one in enumerate(spec.expect)
    )
