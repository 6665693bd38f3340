"""One org inside one transaction: what is true, what a reader sees by now, and the audit trail of changes.

Nothing here knows a vendor: an object has a kind, an id, a name, a division, a state and a JSON body that is
stored as it will be sent, so that a page of a listing is joined text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from wrapctl.sandbox.settings import SETTINGS, Settings
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

Json = dict[str, Any]


def dumps(value: object) -> str:
    """Return compact JSON text, with every character as itself."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def iso(milliseconds: int) -> str:
    """Return a date-time as the platform writes it: UTC with milliseconds and ``Z``."""
    when = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


class Row(NamedTuple):
    """A stored object."""

    id: str
    name: str
    division: str
    state: str
    body: str
    since: int

    @property
    def json(self) -> Json:
        """The body, parsed."""
        parsed: Json = json.loads(self.body)
        return parsed


_ROW = "id, name, division, state, body, since"


class Refused(Exception):
    """A platform refuses something; each has its own words for it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: an OAuth client, or a user in the platform's own UI."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Org:
    """An org's own record. ``doc`` is the vendor's body of it, ``divisions`` are {id, name, home}."""

    name: str
    platform: str
    id: str
    doc: Json
    settings: Settings
    divisions: tuple[Json, ...]

    @property
    def home(self) -> str:
        """The id of the home division."""
        return next(str(item["id"]) for item in self.divisions if item.get("home"))


@lru_cache(maxsize=64)
def _org(name: str, platform: str, org_id: str, doc: str, settings: str, divisions: str) -> Org:
    settled = SETTINGS[platform].of(json.loads(settings))
    return Org(name, platform, org_id, json.loads(doc), settled, tuple(json.loads(divisions)))


def load_org(con: sqlite3.Connection, name: str) -> Org:
    """Return the org of that name, or raise LookupError."""
    row = con.execute(
        "select name, platform, id, doc, settings, divisions from orgs where name = ?", (name,)
    ).fetchone()
    if row is None:
        raise LookupError(f"the sandbox holds no org {name!r}")
    return _org(*row)


class OrgTx:
    """One org, seen by one request.

    In: ``seq`` is the request's number in the org, ``lag`` how many further requests its writes stay unseen,
    ``divisions`` what the client may see (None is everything), ``clock`` gives seconds.
    """

    def __init__(
        self,
        con: sqlite3.Connection,
        org: Org,
        *,
        seq: int,
        actor: Actor,
        clock: Callable[[], float],
        lag: int = 0,
        divisions: tuple[str, ...] | None = None,
        correlation: str = "",
    ) -> None:
        self.con = con
        self.org = org
        self.seq = seq
        self.actor = actor
        self.lag = lag
        self.divisions = divisions
        self.correlation = correlation
        self._clock = clock
        self._stamp = ""

    @property
    def settings(self) -> Settings:
        """The org's settings."""
        return self.org.settings

    @property
    def stamp(self) -> str:
        """The date of this write: later than that of any other, so that an older body can always be told."""
        if not self._stamp:
            now = int(self._clock() * 1000)
            sql = "update counters set clock = max(clock + 1, ?) where org = ? returning clock"
            self._stamp = iso(self.con.execute(sql, (now, self.org.name)).fetchone()[0])
        return self._stamp

    def sees(self, division: str) -> bool:
        """Whether the client may read what lies in the division; ``*`` is for everybody."""
        return self.divisions is None or division == "*" or division in self.divisions

    def may_write(self, division: str) -> bool:
        """Whether the client may write there; ``*`` needs a client of all divisions."""
        return self.divisions is None or division in self.divisions

    # Reading the truth, as writes do, and as a reader sees it by now.

    def truth(self, kind: str, object_id: str) -> Row | None:
        """Return the object as it really is, deleted ones included."""
        sql = f"select {_ROW} from objects where org = ? and kind = ? and id = ? and until = ?"  # noqa: S608 (a constant)
        row = self.con.execute(sql, (self.org.name, kind, object_id, FOREVER)).fetchone()
        return Row(*row) if row else None

    def seen(self, kind: str, object_id: str) -> Row | None:
        """Return the object as a read shows it by now."""
        sql = f"select {_ROW} from objects where org = ? and kind = ? and id = ? and since <= ? and until > ?"  # noqa: S608 (a constant)
        row = self.con.execute(sql, (self.org.name, kind, object_id, self.seq, self.seq)).fetchone()
        return Row(*row) if row else None

    def holders_of_name(self, kind: str, name: str) -> list[Row]:
        """Return what really bears the name, by the org's rule on case, whoever may see it."""
        sql = f"select {_ROW} from objects where org = ? and kind = ? and folded = ? and until = ?"  # noqa: S608 (a constant)
        rows = [Row(*row) for row in self.con.execute(sql, (self.org.name, kind, name.casefold(), FOREVER))]
        if not self.settings.case_insensitive_names:
            rows = [row for row in rows if row.name == name]
        if self.settings.reuse_deleted_names:
            rows = [row for row in rows if row.state == "active"]
        return rows

    # Writing.

    def _from(self, row: Row | None) -> int:
        """The request number from which a write is seen, never before what it replaces."""
        start = self.seq + self.lag + 1 if self.lag else self.seq
        return max(start, row.since) if row else start

    def save(
        self, kind: str, object_id: str, *, name: str, division: str, body: str, state: str = "active"
    ) -> None:
        """Create or replace an object."""
        before = self.truth(kind, object_id)
        start = self._from(before)
        key = (self.org.name, kind, object_id, FOREVER)
        values = (name, name.casefold(), division, state, body)
        if before is not None and start <= max(self.seq, before.since):
            self.con.execute(
                "update objects set name = ?, folded = ?, division = ?, state = ?, body = ?"
                " where org = ? and kind = ? and id = ? and until = ?",
                (*values, *key),
            )
            return
        if before is not None:
            self.con.execute(
                "update objects set until = ? where org = ? and kind = ? and id = ? and until = ?",
                (start, *key),
            )
        self.con.execute(
            "insert into objects (org, kind, id, name, folded, division, state, body, since, until)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.org.name, kind, object_id, *values, start if self.lag else 0, FOREVER),
        )

    def drop(self, kind: str, object_id: str) -> None:
        """Remove an object without leaving a trace."""
        start = self._from(self.truth(kind, object_id))
        self.con.execute(
            "update objects set until = ? where org = ? and kind = ? and id = ? and until = ?",
            (start, self.org.name, kind, object_id, FOREVER),
        )
        self.con.execute(
            "delete from objects where org = ? and kind = ? and id = ? and until <= ?",
            (self.org.name, kind, object_id, self.seq),
        )

    def linked(self, queue: str, code: str) -> bool:
        """Whether the code really is on the queue."""
        sql = "select 1 from links where org = ? and queue = ? and code = ? and until = ?"
        return self.con.execute(sql, (self.org.name, queue, code, FOREVER)).fetchone() is not None

    def link(self, queue: str, code: str) -> None:
        """Put the code on the queue, where it is not yet."""
        start = self.seq + self.lag + 1 if self.lag else 0
        if start == 0:
            # A link that is still seen after its lagging removal is simply kept.
            self.con.execute(
                "delete from links where org = ? and queue = ? and code = ?", (self.org.name, queue, code)
            )
        self.con.execute(
            "insert into links (org, queue, code, since, until) values (?, ?, ?, ?, ?)",
            (self.org.name, queue, code, start, FOREVER),
        )

    def unlink(self, where: str, values: Iterable[str]) -> None:
        """Take codes off queues: ``where`` is a condition on ``queue`` and ``code``."""
        key = (self.org.name, *values)
        start = self.seq + self.lag + 1 if self.lag else self.seq
        self.con.execute(
            f"update links set until = max(?, since) where org = ? and {where} and until = {FOREVER}",  # noqa: S608 (constants)
            (start, *key),
        )
        self.con.execute(
            f"delete from links where org = ? and {where} and (until <= ? or until = since)",  # noqa: S608 (constants)
            (*key, self.seq),
        )

    def audit(
        self,
        action: str,
        entity_type: str,
        row: tuple[str, str],
        changes: dict[str, tuple[list[str], list[str]]],
    ) -> None:
        """Write a line of the audit trail: ``row`` is (id, name), ``changes`` maps a member to old and new values."""
        listed = [
            {"property": key, "oldValues": old, "newValues": new} for key, (old, new) in changes.items()
        ]
        self.con.execute(
            "insert into audit (org, at, actor_kind, actor, action, entity_type, entity_id, entity_name, changes,"
            " correlation) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.org.name,
                self.stamp,
                self.actor.kind,
                self.actor.id,
                action,
                entity_type,
                *row,
                dumps(listed),
                self.correlation,
            ),
        )


def changed(before: Json, after: Json) -> dict[str, tuple[list[str], list[str]]]:
    """Return the members that differ between two bodies, as an audit shows them: lists of text."""

    def text(body: Json, key: str) -> list[str]:
        if body.get(key) is None:
            return []
        value = body[key]
        return [value if isinstance(value, str) else dumps(value)]

    quiet = {"dateModified", "modifiedBy"}
    keys = [*before, *(key for key in after if key not in before)]
    return {
        key: (text(before, key), text(after, key))
        for key in keys
        if key not in quiet and before.get(key) != after.get(key)
    }
