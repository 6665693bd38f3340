"""A CXone tenant as plain data: how a seed is planted, and what the tenant really holds.

A seed's members, all of which may be left out: ``organization``: {tenantId, businessUnitId, businessUnitName,
defaultTimeZone, area, cluster, features …}. ``applications``: {client_id, client_secret} registered for
``/auth/token``; default: ``sandbox-NAME-app`` with the secret ``sandbox``. ``users``: {userId, name, keys}; default: one
per access key, and somebody in the UI. ``dispositions``: {name, id, classification (name, id or null; default 1), notes,
active, preview, systemOutcome}. ``classifications``: {id, name, and any member} in place of the usual thirteen.
``unavailable_codes``: {id, name, isActive, isACW, agentTimeout, notes}. ``tags``: {id, name, isActive, notes}.
``skills``: {name, id, dispositions (names, in order), acw_state (name), tags (names), and any member of a skill}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from wrapctl.sandbox.cxone import classifications, edits
from wrapctl.sandbox.cxone.permissions import PRESETS
from wrapctl.sandbox.cxone.tx import (
    CHANGED,
    CLASSIFICATION,
    DISPOSITION,
    SKILL,
    TAG,
    TAGS,
    UNAVAILABLE_CODE,
    OrgTx,
)
from wrapctl.sandbox.objects import Actor, dumps
from wrapctl.sandbox.planting import INSERT, PLANTED, derived, sandbox_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from wrapctl.sandbox.objects import Json, Org

FIRST_ID = 1001
# What no answer shows, and the state does.
HIDDEN = {CHANGED: "lastUpdated", TAGS: "tags"}
DEFAULT_CODES: tuple[Json, ...] = (
    {"name": "After Call Work", "isACW": True},
    {"name": "Extended Wrap Up", "isACW": True},
    {"name": "Break"},
)
# What a skill has when its seed says nothing.
PLAIN_SKILL: Json = {
    "mediaTypeId": 4,
    "isActive": True,
    "campaignId": 501,
    "campaignName": "Default Campaign",
    "isOutbound": False,
    "isRunning": False,
    "acwTypeId": 1,
    "stateIdACW": None,
    "maxSecondsACW": 0,
    "acwPostTimeoutStateId": None,
    "requireDisposition": False,
    "allowSecondaryDisposition": False,
}


class Cxone:
    """The platform without HTTP."""

    MEMBERS = frozenset(
        {"applications", "users", "dispositions", "classifications", "unavailable_codes", "tags", "skills"}
    )
    PRESETS: Mapping[str, tuple[str, ...]] = PRESETS
    EDITS: Mapping[str, Callable[[Any, Json], None]] = edits.EDITS
    SOMEBODY = edits.SOMEBODY
    tx = OrgTx

    def organization(self, name: str, given: Json) -> tuple[str, Json, list[Json]]:
        """Return the tenant's id and its own record; there are no divisions."""
        doc: Json = dict(given.get("organization", {}))
        tenant = sandbox_id(name, doc.get("tenantId"))
        keys = [f"sandbox-{name}", f"sandbox-{name}-readonly"]
        keys = [str(one["client_id"]) for one in given["clients"]] if "clients" in given else keys
        users: list[Json] = [{"userId": int(edits.SOMEBODY), "name": "Somebody Else"}]
        users += [{"userId": 2001 + place, "name": key, "keys": [key]} for place, key in enumerate(keys)]
        plain: Json = {
            "businessUnitId": 4_000_000 + UUID(derived(name, "business unit", name)).int % 1_000_000,
            "businessUnitName": name,
            "defaultTimeZone": "(GMT) Coordinated Universal Time",
            "isActive": True,
            "area": "na1",
            "cluster": "C5A",
            "features": [],
            "applications": given.get("applications")
            or [{"client_id": f"sandbox-{name}-app", "client_secret": "sandbox"}],
            "users": given.get("users") or users,
        }
        return tenant, plain | doc | {"tenantId": tenant}, []

    def division_id(self, org: Org, wanted: str) -> str:
        """Raise ValueError: an access key sees what its user sees."""
        raise ValueError(f"seed {org.name}: an access key of CXone has no divisions ({wanted!r})")

    def plant(self, con: sqlite3.Connection, org: Org, given: Json) -> None:
        """Plant the dispositions and everything that they and the skills name."""
        planting = _Planting(con, org)
        planting.classifications(given.get("classifications"))
        planting.unavailable_codes(given.get("unavailable_codes") or list(DEFAULT_CODES))
        planting.tags(given.get("tags", []))
        planting.dispositions(given.get("dispositions", []))
        planting.skills(given.get("skills", []))

    def state(self, con: sqlite3.Connection, org: Org) -> Json:
        """Return ``organization``, and by id ``dispositions``, ``skills``, ``classifications``, ``unavailable_codes``, ``tags``."""
        tx = OrgTx(con, org, seq=0, actor=Actor("user", ""), clock=lambda: 0.0)

        def all_of(kind: str) -> Json:
            bodies = tx.all_true(kind).items()
            return {
                str(number): {HIDDEN.get(key, key): value for key, value in body.items()}
                for number, body in bodies
            }

        hidden = {"applications", "users"}
        return {
            "organization": {key: value for key, value in org.doc.items() if key not in hidden},
            "dispositions": all_of(DISPOSITION),
            "skills": all_of(SKILL),
            "classifications": all_of(CLASSIFICATION),
            "unavailable_codes": all_of(UNAVAILABLE_CODE),
            "tags": all_of(TAG),
        }


PLATFORM = Cxone()


class _Planting:
    """Plants one tenant; ids that the seed leaves out are counted from its order."""

    def __init__(self, con: sqlite3.Connection, org: Org) -> None:
        self._con = con
        self._org = org
        self._ids: dict[str, dict[str, int]] = {}

    def _wrong(self, text: str) -> ValueError:
        return ValueError(f"seed {self._org.name}: {text}")

    def _insert(self, kind: str, number: int, name: str, body: Json) -> None:
        ids = self._ids.setdefault(kind, {})
        if name in ids or number in ids.values():
            raise self._wrong(f"two {kind}s named {name!r}, or with the id {number}")
        ids[name] = number
        text = dumps({CHANGED: PLANTED} | body)
        row = (self._org.name, kind, str(number), name, name.casefold(), "*", "active", text)
        self._con.execute(INSERT, row)

    def _id(self, kind: str, wanted: object, whose: str) -> int:
        ids = self._ids.get(kind, {})
        if isinstance(wanted, int) and wanted in ids.values():
            return wanted
        if str(wanted) not in ids:
            raise self._wrong(f"{whose} names an unknown {kind} {wanted!r}")
        return ids[str(wanted)]

    def classifications(self, given: list[Json] | None) -> None:
        rows = classifications.defaults()
        if given is not None:
            extra = ({k: v for k, v in one.items() if k not in {"id", "name"}} for one in given)
            rows = [
                classifications.row(one["id"], one["name"], rest)
                for one, rest in zip(given, extra, strict=True)
            ]
        for body in rows:
            self._insert(CLASSIFICATION, body["classificationId"], body["classificationName"], body)

    def unavailable_codes(self, given: list[Json]) -> None:
        for place, one in enumerate(given):
            plain = {"isActive": True, "isACW": False, "agentTimeout": 30, "notes": ""}
            body: Json = {"id": one.get("id", 1 + place)} | plain | one
            self._insert(UNAVAILABLE_CODE, body["id"], body["name"], body)

    def tags(self, given: list[Json]) -> None:
        for place, one in enumerate(given):
            rest = {"isActive": one.get("isActive", True), "notes": one.get("notes", "")}
            number = one.get("id", FIRST_ID + place)
            self._insert(TAG, number, one["name"], {"tagId": number, "tagName": one["name"]} | rest)

    def dispositions(self, given: list[Json]) -> None:
        for place, one in enumerate(given):
            name, number = one["name"], one.get("id", FIRST_ID + place)
            wanted = one.get("classification", 1)
            body: Json = {
                "dispositionId": number,
                "dispositionName": name,
                "classificationId": None
                if wanted is None
                else self._id(CLASSIFICATION, wanted, f"disposition {name!r}"),
                "isActive": one.get("active", True),
                "isPreviewDisposition": one.get("preview", False),
                "notes": one.get("notes"),
            }
            if "systemOutcome" in one:
                body["systemOutcome"] = one["systemOutcome"]
            self._insert(DISPOSITION, number, name, body)

    def skills(self, given: list[Json]) -> None:
        for place, one in enumerate(given):
            name, number = one["name"], one.get("id", FIRST_ID + place)
            whose = f"skill {name!r}"
            own = {"name", "id", "dispositions", "acw_state", "tags"}
            body: Json = {"skillId": number, "skillName": name} | PLAIN_SKILL
            body |= {key: value for key, value in one.items() if key not in own}
            if "acw_state" in one:
                body["stateIdACW"] = self._id(UNAVAILABLE_CODE, one["acw_state"], whose)
            named = one.get("dispositions", [])
            if len(set(named)) < len(named):
                raise self._wrong(f"{whose} names a disposition twice")
            body["dispositions"] = [
                {"dispositionId": self._id(DISPOSITION, wanted, whose), "priority": priority}
                for priority, wanted in enumerate(named, 1)
            ]
            body[TAGS] = [self._id(TAG, wanted, whose) for wanted in one.get("tags", [])]
            self._insert(SKILL, number, name, body)
