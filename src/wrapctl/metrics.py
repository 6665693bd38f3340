"""What a run is measured by: how long answers took, and what kinds of things were found wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from math import ceil
from typing import Final

from wrapctl.errors import Problem
from wrapctl.plan.plan import Finding

QUANTILES: Final = (0.5, 0.95, 0.99)
GUARD: Final = "guard"
_QUOTED: Final = re.compile(r"`[^`]*`|\"[^\"]*\"")
_WORD: Final = re.compile(r"[a-z]+(?:['-][a-z]+)*")
_WORDS: Final = 10


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the answers of one operation took, in milliseconds: how many there were, and the percentiles."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float
    total: float


def latency(took: Mapping[float, int]) -> Latency:
    """Return the percentiles of milliseconds → how many answers took so long (``Traffic.times``), one at least.

    The p-th percentile is the smallest time within which at least p percent of the answers came (nearest rank).
    """
    ordered = sorted(took.items())
    count = sum(took.values())
    found = []
    for quantile in QUANTILES:
        rank, seen = ceil(quantile * count), 0
        for time, times in ordered:
            seen += times
            if seen >= rank:
                found.append(time)
                break
    p50, p95, p99 = found
    return Latency(count, p50, p95, p99, ordered[-1][0], sum(time * times for time, times in ordered))


def findings(problems: Iterable[Problem], guard: Iterable[Finding] = ()) -> dict[str, int]:
    """Return how often each kind of thing was found: ``warning: no category``, ``guard: deletes``; sorted.

    The kind of a problem is its message without what it quotes and names, so that the same mistake in two places
    counts as one kind, and no name of a code becomes a label.
    """
    kinds: dict[str, int] = {}
    named = (f"{one.severity.value}: {_kind(one.message)}" for one in problems)
    for kind in chain(named, (f"{GUARD}: {one.limit}" for one in guard)):
        kinds[kind] = kinds.get(kind, 0) + 1
    return dict(sorted(kinds.items()))


def _kind(message: str) -> str:
    first = _QUOTED.sub(" ", message.partition("\n")[0])
    subject, colon, rest = first.partition(": ")
    # `KEY: what is wrong with it`; elsewhere the colon comes after what is wrong, and what follows is a detail.
    said = rest if colon and len(subject.split()) <= 1 else subject
    words = [word for word in re.split(r"[\s,;()]+", said) if _WORD.fullmatch(word)]
    return " ".join(words[:_WORDS]) or "other"
