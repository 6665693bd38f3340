"""Between listed JSON objects and rows in normal form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from wrapctl.errors import IncompleteRead
from wrapctl.model import Change, Fields
from wrapctl.rows import LiveRow, Place
from wrapctl.targets.http_rows import template
from wrapctl.targets.http_rows.options import KEY_MAX, HttpTarget, key_member, write_path
from wrapctl.targets.http_rows.template import Member
from wrapctl.targets.shared_rows import keys

Body: TypeAlias = Mapping[str, object]
Query: TypeAlias = tuple[tuple[str, str], ...]

_ETAGS = (("etag",), ("@etag",))


@dataclass(frozen=True, slots=True)
class Layout:
    """How one system's rows lie at an endpoint."""

    system: str
    prefix: str
    options: HttpTarget
    members: tuple[Member, ...]
    key_member: tuple[str, ...]
    write_path: str

    @property
    def fields(self) -> frozenset[str]:
        """The normalised fields that are kept; where rows are compared, all of them can be read back."""
        return template.kept_fields(self.members)

    def kept(self, key: str) -> str:
        """The key of a row at the endpoint."""
        return keys.kept_key(self.prefix, key, KEY_MAX, self.options.separator)

    def external(self, row: LiveRow) -> str:
        """The key at the endpoint of a row that was read."""
        return self.kept(row.key) if row.mine else row.key


def layout(place: Place, options: HttpTarget) -> Layout:
    """Return how the rows of a place lie."""
    members = template.members_of(options.body)
    return Layout(
        system=place.system,
        prefix=keys.prefix_of(place, options.prefix),
        options=options,
        members=members,
        key_member=key_member(options, members),
        write_path=write_path(options),
    )


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def listed(where: Layout, answer: object) -> list[Body]:
    """Return the rows of one page.

    Raises:
        IncompleteRead: the answer has none where the options say.
    """
    if where.options.rows is not None:
        found = template.at(answer, tuple(where.options.rows.split(".")))
    else:
        found = answer if isinstance(answer, list) else template.at(answer, ("rows",))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        named = where.options.rows or "rows"
        raise IncompleteRead(
            f"GET {where.options.path}: the answer has no list of rows in `{named}`",
            hint="say under `target.rows` which member of the answer holds them",
        )
    return found


def next_query(where: Layout, answer: object, host: str) -> Query | None:
    """Return the query of the next page, None when this one is the last.

    Raises:
        IncompleteRead: it leads to another place, where a token has no business.
    """
    told = template.at(answer, tuple(where.options.next.split(".")))
    if told is None or told is False or told == "":
        return None
    if isinstance(told, bool) or not isinstance(told, (str, int)):
        raise IncompleteRead(f"GET {where.options.path}: `{where.options.next}` leads to no page")
    text = str(told)
    if not text.startswith(("/", "https://", "http://", "?")):
        return (*where.options.query.items(), (where.options.next_parameter, text))
    parts = urlsplit(text)
    if parts.hostname not in {None, host} or parts.path not in {"", where.options.path}:
        raise IncompleteRead(
            f"GET {where.options.path}: the next page is said to be somewhere else",
            hint="pages are fetched from `target.path` only",
        )
    return tuple(parse_qsl(parts.query, keep_blank_values=True))


def total(where: Layout, answer: object) -> int | None:
    """Return how many rows the endpoint counts, None where it does not say."""
    told = template.at(answer, tuple(where.options.total.split(".")))
    return told if type(told) is int else None


def live_row(where: Layout, body: Body) -> LiveRow:
    """Return a listed object in normal form; one that is not under the prefix keeps its key.

    Raises:
        IncompleteRead: it has no key, so that nobody can tell whose it is.
    """
    kept = template.at(body, where.key_member)
    if not isinstance(kept, str) or not kept:
        raise IncompleteRead(
            f"GET {where.options.path}: a row has no key in `{'.'.join(where.key_member)}`",
            hint="say under `target.key_member` which member of a row holds the key that it was written with",
        )
    fields = template.read(where.members, body)
    mine = keys.own_key(where.prefix, kept, fields, KEY_MAX, where.options.separator)
    key = kept if mine is None else mine
    return LiveRow(key, kept, {**fields, "key": key}, mine=mine is not None, token=etag(where, body))


def etag(where: Layout, body: Body) -> str:
    """Return the ETag that a listed object carries, nothing when it carries none."""
    own = where.options.etag_member
    for path in (tuple(own.split(".")),) if own is not None else _ETAGS:
        found = template.at(body, path)
        if isinstance(found, str) and found and found != "*":
            return found
    return ""


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def body_of(where: Layout, row: Fields, timestamp: str) -> dict[str, object]:
    """Return the body of a row."""
    return template.filled(where.members, row, where.kept(str(row["key"])), timestamp)


def idempotency_key(nonce: str, change: Change) -> str:
    """Return the same key for the same change of one run, and another one for everything else."""
    text = "\x00".join((nonce, str(change.id), change.digest))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def nested(path: tuple[str, ...], value: object) -> object:
    """Return a value at a path."""
    for part in reversed(path):
        value = {part: value}
    return value
