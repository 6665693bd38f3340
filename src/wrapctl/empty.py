"""An empty mapping that may stand as a default of a frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Empty(Mapping[K, V]):
    """Nothing. It can be hashed, which a mappingproxy cannot before 3.12."""

    __slots__ = ()

    def __getitem__(self, key: K) -> V:
        """Never finds anything."""
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        """Iterate over nothing."""
        return iter(())

    def __len__(self) -> int:
        """Return 0."""
        return 0

    def __hash__(self) -> int:
        """All of them are equal."""
        return 0
