"""Keys, labels and set names made from names that people gave. Pure, and the same in any order of the input."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

_MAX = 60
# Letters that do not decompose into a base letter and a mark.
_SPELLED = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "ø": "o",
        "Ø": "O",
        "œ": "oe",
        "Œ": "OE",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
    }
)


def _ascii(name: str) -> str:
    """Return what is left of a name in plain letters and digits, words separated by one space."""
    plain = unicodedata.normalize("NFKD", name.translate(_SPELLED))
    return re.sub(r"[^A-Za-z0-9]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).strip()


def _hash(name: str, length: int = 6) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def key_of(name: str) -> str:
    """``Sale - Enterprise`` → ``SALE_ENTERPRISE``; empty when no letter and no digit is left."""
    return _ascii(name).upper().replace(" ", "_")


def label_of(name: str) -> str:
    """``Enterprise Sales`` → ``enterprise-sales``; empty when no letter and no digit is left."""
    return _ascii(name).lower().replace(" ", "-")


def keys(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return name → key. Names that would share one get a hash of the name each, never a counter."""
    return {name: made.upper() for name, made in _distinct(names, taken, key_of, "CODE", "_").items()}


def labels(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return name → label of a queue, by the rule of ``keys``."""
    return _distinct(names, taken, label_of, "queue", "-")


def _distinct(
    names: Iterable[str], taken: Collection[str], base_of: Callable[[str], str], fallback: str, joint: str
) -> dict[str, str]:
    by_base: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        by_base[base_of(name)].append(name)
    # A hashed key may by bad luck be somebody's plain one: then the hash grows.
    for length in (6, 12, 24, 64):
        found = {
            name: base
            if _alone(base, sharing, taken)
            else f"{base[:_MAX] or fallback}{joint}{_hash(name, length)}"
            for base, sharing in by_base.items()
            for name in sharing
        }
        if len({made.upper() for made in found.values()}) == len(found):
            break
    return found


def _alone(base: str, sharing: list[str], taken: Collection[str]) -> bool:
    """Whether a name keeps its plain base. Who shares gets a hash, all of them: order never decides a key."""
    return len(sharing) == 1 and base != "" and base not in taken and len(base) <= _MAX


def set_name(labels_of_queues: Sequence[str], taken: Collection[str]) -> str:
    """Return a name for a list that several queues share: the words that their labels begin with alike."""
    words = [label.split("-") for label in sorted(labels_of_queues)]
    common: list[str] = []
    for group in zip(*words, strict=False):
        if len(set(group)) > 1:
            break
        common.append(group[0])
    base = "-".join(common) or f"shared-{labels_of_queues[0]}"
    return base if base not in taken else f"{base}-{_hash(' '.join(sorted(labels_of_queues)))}"
