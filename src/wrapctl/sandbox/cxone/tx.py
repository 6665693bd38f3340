"""A CXone tenant inside one transaction: whole kinds at a time, and ids that are whole numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wrapctl.sandbox import objects
from wrapctl.sandbox.objects import dumps
from wrapctl.sandbox.settings import CxoneSettings
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    from wrapctl.sandbox.objects import Json

DISPOSITION = "disposition"
SKILL = "skill"
CLASSIFICATION = "classification"
UNAVAILABLE_CODE = "unavailable code"
TAG = "tag"

# Kept beside the members of a body that the platform shows, and never shown.
CHANGED = "$changed"
TAGS = "$tags"


def settings_of(org: objects.Org) -> CxoneSettings:
    """Return the org's settings, which must be those of CXone."""
    if not isinstance(org.settings, CxoneSettings):
        raise TypeError(f"{org.name} is no CXone org")
    return org.settings


class OrgTx(objects.OrgTx):
    """One tenant, seen by one request."""

    @property
    def settings(self) -> CxoneSettings:
        """The tenant's settings."""
        return settings_of(self.org)

    def all_seen(self, kind: str) -> dict[int, Json]:
        """Return all objects of a kind as a read shows them by now, by id."""
        sql = "select id, body from objects where org = ? and kind = ? and since <= ? and until > ?"
        return self._all(sql, (self.org.name, kind, self.seq, self.seq))

    def all_true(self, kind: str) -> dict[int, Json]:
        """Return all objects of a kind as they really are, by id."""
        sql = "select id, body from objects where org = ? and kind = ? and until = ?"
        return self._all(sql, (self.org.name, kind, FOREVER))

    def _all(self, sql: str, values: tuple[str | int, ...]) -> dict[int, Json]:
        found = {int(object_id): json.loads(body) for object_id, body in self.con.execute(sql, values)}
        return dict(sorted(found.items()))

    def next_id(self, kind: str) -> int:
        """Return an id that no object of the kind ever had."""
        sql = "select coalesce(max(cast(id as integer)), 1000) + 1 from objects where org = ? and kind = ?"
        return int(self.con.execute(sql, (self.org.name, kind)).fetchone()[0])

    def put(self, kind: str, object_id: int, name: str, body: Json) -> None:
        """Create or replace an object; the body says when it was changed."""
        self.save(kind, str(object_id), name=name, division="*", body=dumps(body | {CHANGED: self.stamp}))
