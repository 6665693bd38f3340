"""Keys of rows in a table that others share: the mapping's prefix, then the row's own key. Pure.

Only rows under the prefix are ever changed or removed. A key that is longer than its column ends in a digest; what
it stands for is then known from the row's other columns, checked against that digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256

from wrapctl.model import Fields, Value, escape
from wrapctl.rows import FROM_CRM, TO_CRM, Place

_KINDS = ("to", "from")
_DIGEST = re.compile(r"~[0-9a-f]{16}")
_TAIL = 17


def prefix_of(place: Place, chosen: str | None = None) -> str:
    """``acme-emea/salesforce/``, unless the mapping chose another."""
    return f"{place.owner}/{place.system}/" if chosen is None else chosen


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units: most systems count an emoji as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def kept_key(prefix: str, key: str, longest: int, slash: str = "/") -> str:
    """Return a row's key as its table keeps it, at most ``longest`` long.

    ``slash`` stands for the slashes of prefix and key, where a table cannot have them in its keys. No part of a key
    holds one (``model.escape``), so that the way back is always clear.
    """
    kind, _, rest = key.partition("/")
    whole = f"{prefix.replace('/', slash)}{kind}{slash}{rest}"
    if units(whole) <= longest:
        return whole
    tail = f"~{sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    head = whole[: longest - _TAIL]
    while units(head) > longest - _TAIL:
        head = head[:-1]
    return head + tail


def own_key(prefix: str, kept: str, fields: Fields, longest: int, slash: str = "/") -> str | None:
    """Return the row's own key (``to/SALE``), None where the row is not this mapping's.

    ``fields`` are what else the row says, for keys that were cut. A cut key that they do not explain stays as it
    is: the row is ours, and no file asks for it.
    """
    start = prefix.replace("/", slash)
    kind, parted, rest = kept.removeprefix(start).partition(slash)
    if not kept.startswith(start) or not parted or kind not in _KINDS:
        return None
    if _DIGEST.fullmatch(kept[-_TAIL:]):
        for whole in _explained(fields):
            if kept_key(prefix, whole, longest, slash) == kept:
                return whole
    return f"{kind}/{rest}"


def can_be_told(prefix: str, key: str, kept_fields: frozenset[str], longest: int) -> bool:
    """Whether a row's key can be read back from a table that keeps these fields."""
    if units(prefix + key) <= longest:
        return True
    return "code" in kept_fields if key.startswith("to/") else {"status", "when"} <= kept_fields


def overlapping(prefixes: Mapping[str, str]) -> tuple[str, str] | None:
    """Return two systems of which one's rows would be taken for the other's; None when all are apart."""
    for one, mine in sorted(prefixes.items()):
        for other, theirs in sorted(prefixes.items()):
            if one != other and theirs.startswith(mine):
                return one, other
    return None


def _explained(fields: Fields) -> Iterator[str]:
    code, status, when = fields.get("code"), fields.get("status"), fields.get("when")
    if fields.get("direction", TO_CRM) == TO_CRM and isinstance(code, str):
        yield f"to/{code}"
    if fields.get("direction", FROM_CRM) != FROM_CRM:
        return
    if isinstance(status, str):
        yield f"from/status={escape(status)}"
    if isinstance(when, tuple) and when:
        yield f"from/{'&'.join(_condition(one) for one in when)}"


def _condition(one: Value) -> str:
    name, values = one if isinstance(one, tuple) and len(one) == 2 else ("", ())
    listed = values if isinstance(values, tuple) else ()
    return f"{escape(str(name))}={'|'.join(escape(str(value)) for value in listed)}"
