"""Merging trees: maps by key at every level, scalars and lists whole, ``null`` takes an inherited value back."""

from __future__ import annotations

from wrapctl.config.tree import Map, Places
from wrapctl.errors import Problem


def merge(base: Map, over: Map, declined: set[str] | None = None) -> Map:
    """Return ``over`` laid on ``base``; every value keeps the position where it was written.

    ``declined`` collects the keys of this level that ``over`` takes back with null.
    """
    if not base:
        return over
    out = _copy(base, over.mark)
    for key, value in over.items():
        inherited = base.get(key)
        if value is None and key in base:
            out.drop(key)
            if declined is not None:
                declined.add(key)
            continue
        if isinstance(value, Map) and isinstance(inherited, Map):
            value = merge(inherited, value)  # noqa: PLW2901 the merged value takes the place of the plain one
        out.put(key, value, over.key_marks[key], over.value_marks[key])
    return out


def join(first: Map, second: Map, what: str, places: Places, problems: list[Problem]) -> Map:
    """Return both maps as one; a key that stands in both is a problem, and the first wins."""
    if not first:
        return second
    out = _copy(first, first.mark)
    for key, value in second.items():
        if key in out:
            there = places.source(out.key_marks[key])
            problems.append(
                Problem(
                    places.source(second.key_marks[key]),
                    f"the {what} `{key}` stands twice",
                    f"first in {there}",
                )
            )
        else:
            out.put(key, value, second.key_marks[key], second.value_marks[key])
    return out


def _copy(node: Map, mark: int) -> Map:
    out = Map(mark)
    out.update(node)
    out.key_marks.update(node.key_marks)
    out.value_marks.update(node.value_marks)
    return out
