"""The sandbox seen from outside the request: seeding, edits, faults, and what happened."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from wrapctl.sandbox import faults, seed
from wrapctl.sandbox.faults import Fault
from wrapctl.sandbox.genesys import edits
from wrapctl.sandbox.objects import Actor, Json, Org, OrgTx, load_org
from wrapctl.sandbox.store import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.seed import OrgSeed
    from wrapctl.sandbox.store import Store


class Request(NamedTuple):
    """A request that the sandbox saw. ``status`` 0 is one that was dropped before it was processed."""

    org: str
    client: str
    method: str
    path: str
    query: str
    status: int
    correlation: str


class World:
    """All orgs of one state folder."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def seed_org(self, org_seed: OrgSeed | Json) -> Org:
        """Create the org of a seed, or put it back to what the seed says."""
        with self._store.write() as con:
            return seed.plant(con, dict(org_seed))

    def ensure(self, name: str) -> Org:
        """Return the org, seeding it when it is not there: the shipped seed of that name, else an empty org."""
        with self._store.write() as con:
            if con.execute("select 1 from orgs where name = ?", (name,)).fetchone():
                return load_org(con, name)
            return seed.plant(con, seed.load(name) if name in seed.shipped() else {"name": name})

    def orgs(self) -> list[str]:
        """Return the names of the orgs."""
        with self._store.read() as con:
            return [row[0] for row in con.execute("select name from orgs order by name")]

    def org(self, name: str) -> Org:
        """Return an org's own record (``id``, ``doc``, ``settings``, ``divisions``)."""
        with self._store.read() as con:
            return load_org(con, name)

    def set(self, org: str, **settings: Any) -> None:
        """Change settings of an org."""
        with self._store.write() as con:
            seed.change_settings(con, org, settings)

    def state(self, org: str) -> Json:
        """Return everything an org really holds as plain data, in a fixed order.

        Lag is ignored, and nothing in it depends on when or how often it was read: two equal dumps mean that
        nothing changed in between.
        """
        with self._store.read() as con:
            record = load_org(con, org)
            sql = "select id, state, body from objects where org = ? and kind = ? and until = ? order by id"

            def bodies(kind: str) -> list[tuple[str, str, Any]]:
                rows = con.execute(sql, (org, kind, FOREVER))
                return [(object_id, state, json.loads(body)) for object_id, state, body in rows]

            links: dict[str, list[str]] = {object_id: [] for object_id, _, _ in bodies("queue")}
            linked = "select queue, code from links where org = ? and until = ? order by queue, code"
            for queue, code in con.execute(linked, (org, FOREVER)):
                links.setdefault(queue, []).append(code)
            mapping = next((body for _, _, body in bodies("mapping")), None)
            if mapping is not None:
                mapping["mapping"] = {object_id: body for object_id, _, body in bodies("flags")}
            return {
                "organization": record.doc,
                "divisions": list(record.divisions),
                "codes": {object_id: body for object_id, state, body in bodies("code") if state == "active"},
                "deleted_codes": {
                    object_id: body for object_id, state, body in bodies("code") if state == "deleted"
                },
                "queues": {object_id: body for object_id, _, body in bodies("queue")},
                "links": links,
                "mapping": mapping,
            }

    def edit(self, org: str, edit: Json) -> None:
        """Change something as somebody else, at once. See ``genesys/edits.py`` for what there is."""
        with self._store.write() as con:
            seq = con.execute("select seq from counters where org = ?", (org,)).fetchone()
            tx = OrgTx(
                con, load_org(con, org), seq=seq[0] if seq else 0, actor=Actor("user", ""), clock=self._clock
            )
            edits.perform(tx, dict(edit))

    def add_fault(
        self,
        do: str,
        *,
        method: str = "",
        path: str = "",
        query: str = "",
        org: str = "",
        nth: int | None = None,
        times: int | None = None,
        **action: Any,
    ) -> int:
        """Add a fault and return its number. ``do`` and its members: ``faults.ACTIONS``; the rule: ``Fault``."""
        if do == "edit":
            edits.check(action["edit"])
        fault = Fault(do, action, method, path, query, org, nth, times)
        with self._store.write() as con:
            return faults.add(con, fault)

    def faults(self) -> list[Json]:
        """Return all faults with ``hits`` and ``fired``."""
        with self._store.read() as con:
            return faults.listed(con)

    def clear_faults(self) -> None:
        """Let everything work again."""
        with self._store.write() as con:
            con.execute("delete from faults")

    def expire_tokens(self, org: str) -> None:
        """Make every token of the org invalid, as a platform may at any time."""
        with self._store.write() as con:
            con.execute("delete from tokens where org = ?", (org,))

    def requests(self, org: str | None = None) -> list[Request]:
        """Return the requests seen, oldest first; of one org, or of all."""
        sql = "select org, client, method, path, query, status, correlation from requests"
        with self._store.read() as con:
            rows = con.execute(f"{sql} where ? is null or org = ? order by id", (org, org))
            return [Request(*row) for row in rows]

    def clear_requests(self) -> None:
        """Forget the requests seen, so that a benchmark can count from zero."""
        with self._store.write() as con:
            con.execute("delete from requests")

    def audit(self, org: str) -> list[Json]:
        """Return the audit trail, oldest first: who changed what, from what to what."""
        columns = "at, actor_kind, actor, action, entity_type, entity_id, entity_name, changes, correlation"
        with self._store.read() as con:
            rows = con.execute(f"select {columns} from audit where org = ? order by id", (org,))  # noqa: S608 (a constant)
            lines = [dict(zip(columns.split(", "), row, strict=True)) for row in rows]
        return [line | {"changes": json.loads(line["changes"])} for line in lines]

    def reset(self, org: str | None = None) -> None:
        """Put an org, or all of them, back to its seed; with all, faults and the request log go too."""
        with self._store.write() as con:
            if org is None:
                con.execute("delete from faults")
                con.execute("delete from requests")
            rows = con.execute("select doc from seeds where ? is null or org = ?", (org, org)).fetchall()
            if org is not None and not rows:
                raise LookupError(f"the sandbox holds no org {org!r}")
            for (text,) in rows:
                seed.plant(con, json.loads(text))
