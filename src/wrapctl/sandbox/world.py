"""The sandbox seen from outside the request: seeding, edits, faults, and what happened."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from wrapctl.sandbox import faults, platforms, seed
from wrapctl.sandbox.faults import Fault
from wrapctl.sandbox.objects import Json, Org, load_org

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

    def ensure(self, name: str, platform: str = "") -> Org:
        """Return the org, seeding it when it is not there: the shipped seed of that name, else an empty org.

        In: ``platform`` for who needs one; left out it is the seed's, and Genesys Cloud for an empty org.

        Raises:
            ValueError: an org of that name is there, but of another platform.
        """
        with self._store.write() as con:
            if con.execute("select 1 from orgs where name = ?", (name,)).fetchone():
                org = load_org(con, name)
                if platform not in {"", org.platform}:
                    raise ValueError(f"the sandbox's org {name!r} is of {org.platform}, not of {platform}")
                return org
            given = seed.load(name) if name in seed.shipped() else {"name": name}
            if platform not in {"", given.get("platform", "genesys")}:
                given = {"name": name, "platform": platform}
            return seed.plant(con, given)

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
            return platforms.of(record.platform).state(con, record)

    def edit(self, org: str, edit: Json) -> None:
        """Change something as somebody else, at once. See ``<platform>/edits.py`` for what there is."""
        with self._store.write() as con:
            seq = con.execute("select seq from counters where org = ?", (org,)).fetchone()
            platforms.perform(
                con, load_org(con, org), dict(edit), seq=seq[0] if seq else 0, clock=self._clock
            )

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
            platforms.check_edit(action["edit"])
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
        """Put an org and the CRM instances of its connections (``org.…``), or everything, back to the seeds.

        With everything, faults and the request log go too.
        """
        with self._store.write() as con:
            if org is None:
                con.execute("delete from faults")
                con.execute("delete from requests")
            held = dict(con.execute("select org, doc from seeds").fetchall())
            if org is not None and org not in held:
                raise LookupError(f"the sandbox holds no org {org!r}")
            for name, text in held.items():
                if org is None or name == org or name.startswith(f"{org}."):
                    seed.plant(con, json.loads(text))
