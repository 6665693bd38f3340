"""Ask for several things at a time, and keep their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    tell: Callable[[int, int], None] | None = None,
) -> list[R]:
    """Return ``work`` of each item in their order, at most ``workers`` at a time. The first error ends it.

    ``tell`` hears how many are done, of how many.
    """
    todo = list(items)
    if len(todo) <= 1:
        return [work(item) for item in todo]
    results: list[R] = []
    with ThreadPoolExecutor(min(workers, len(todo)), "read") as pool:
        for result in pool.map(work, todo):
            results.append(result)
            if tell is not None:
                tell(len(results), len(todo))
    return results
