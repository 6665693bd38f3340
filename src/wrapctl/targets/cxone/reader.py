"""Reads a CXone tenant: list pages, never one request per object that a list already gave.

What a full plan costs, N dispositions and S skills in pages of P: a login, the discovery, the business unit, the
classifications, ⌈N/P⌉ for dispositions (and one more where the list shows no inactive one), ⌈S/P⌉ for skills, which
bring their dispositions and after-call work along, and one for unavailable codes where files name one. Single skills
are read only where the list does not hold what v23 documents for it, and then those whose links are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable

from wrapctl.errors import Answered, IncompleteRead
from wrapctl.model import Identity, Live, LiveCode, LiveQueue
from wrapctl.targets.cxone import api, convert
from wrapctl.targets.cxone.api import Api, Listing, Seen
from wrapctl.targets.cxone.convert import Body, Classification, State
from wrapctl.targets.interface import Want

SANDBOX_PREFIX = "5a5a5a5a-"
DISPOSITIONS = Listing("dispositions", api.DISPOSITIONS, "dispositions", ("dispositionId",))
CLASSIFICATIONS = Listing(
    "classifications", api.CLASSIFICATIONS, "classificationResults", ("classificationId",)
)
SKILLS = Listing("skills", api.SKILLS, "skills", ("skillId",))
SKILL_DISPOSITIONS = Listing(
    "dispositions of a skill", api.SKILL_DISPOSITIONS, "dispositions", ("dispositionId",)
)
UNAVAILABLE_CODES = Listing("unavailable codes", api.UNAVAILABLE_CODES, "unavailableCodes", convert.STATE_IDS)

_INACTIVE = (("isActive", "false"),)
_ALONE_BEFORE_LISTING = 2
"""Objects looked up one by one while nobody knows yet how many requests the whole listing takes."""


class CxoneReader:
    """Reads one tenant through ``api``."""

    def __init__(self, connected: Api) -> None:
        self._api = connected
        self._memory = connected.memory

    def identity(self) -> Identity:
        """The tenant of these credentials, as its business unit tells it; asked for once."""
        if self._memory.identity is None:
            body = self._api.get(api.BUSINESS_UNIT).value
            units = body.get("businessUnits") if isinstance(body, dict) else None
            unit = units[0] if isinstance(units, list) and units else None
            if not isinstance(unit, dict):
                raise IncompleteRead("the platform did not say which business unit this token is of")
            found = convert.text(unit, "tenantId") or convert.identifier(unit, "businessUnitId")
            if not found:
                raise IncompleteRead("the platform sent a business unit without a tenant and a number")
            name = convert.text(unit, "businessUnitName")
            self._memory.identity = Identity(found, name, sandbox=found.startswith(SANDBOX_PREFIX))
        return self._memory.identity

    def read(self, want: Want) -> Live:
        """All of what is wanted.

        Raises:
            TargetError: anything less than all was read.
        """
        identity = self.identity()
        codes = self._codes(want)
        skills = self._skills(want)
        held = {
            number: convert.assigned(body["dispositions"])
            for number, body in skills.items()
            if "dispositions" in body
        }
        wanted = want.queues if want.queues is not None else skills.keys()
        return Live(
            identity=identity,
            codes=codes,
            queues=self.live_queues([body for number, body in skills.items() if number in wanted]),
            links={number: tuple(one.id for one in codes_of) for number, codes_of in held.items()},
            link_names={one.id: one.name for codes_of in held.values() for one in codes_of},
            complete_codes=want.codes is None,
            complete_queues=want.queues is None,
            choices={field: self._offered(field) for field in sorted(want.choices)},
        )

    # ── dispositions ───────────────────────────────────────────────────────────────────────────────────────

    def _codes(self, want: Want) -> tuple[LiveCode, ...]:
        if want.codes is None:
            return self._live_codes(self.dispositions())
        ids = frozenset(one for one in want.codes if one.isdecimal())
        if not ids and not want.code_names:
            return ()
        if want.code_names or self._list_is_cheaper(api.DISPOSITIONS, len(ids), 1):
            # Searching for a name searches notes too, and may be a pattern: the list is the sure way.
            return self._live_codes(
                body
                for body in self.dispositions()
                if convert.identifier(body, "dispositionId") in ids
                or body.get("dispositionName") in want.code_names
            )
        found = self._api.each(self.disposition, sorted(ids))
        return self._live_codes(body for body in found if body is not None)

    def dispositions(self) -> list[Body]:
        """Every disposition, active or not.

        Whether a list without a filter holds inactive ones, and whether an item says which it is, depends on version
        and tenant (section 4). Where the list shows none, they are asked for: taken for gone, an inactive
        disposition would be created a second time, and nothing could ever delete that.
        """
        bodies = {convert.identifier(body, "dispositionId"): body for body in self._api.listing(DISPOSITIONS)}
        if all(body.get("isActive") is not False for body in bodies.values()):
            for body in self._api.listing(DISPOSITIONS, query=_INACTIVE):
                bodies[convert.identifier(body, "dispositionId")] = {**body, "isActive": False}
        self._remember(bodies.values())
        return list(bodies.values())

    def newest(self, number: int) -> list[Body]:
        """The ``number`` dispositions with the highest ids, as far as the platform can order them."""
        query = (("skip", "0"), ("top", str(number)), ("orderBy", "dispositionId desc"))
        try:
            page = self._api.some(DISPOSITIONS, query)
        except Answered as error:
            if error.answer.status == 400:
                return []
            raise
        # A body that does not say whether it is active is one that was made a moment ago.
        found = [{"isActive": True, **body} for body in page]
        self._remember(found)
        return list(found)

    def disposition(self, number: str) -> Body | None:
        """One disposition, None when it does not exist."""
        try:
            body = self._api.get(api.DISPOSITION, {"dispositionId": number}).value
        except Answered as error:
            if error.answer.status == 404:
                return None
            raise
        found: Body = body if isinstance(body, dict) else {}
        if convert.identifier(found, "dispositionId") != number:
            raise IncompleteRead(f"the platform sent another disposition than {number}")
        if "isActive" not in found:
            whole = self._memory.dispositions.get(number)
            active = whole is None or whole.body.get("isActive") is not False
            found = {**found, "isActive": active}
        self._remember([found])
        return found

    def _live_codes(self, bodies: Iterable[Body]) -> tuple[LiveCode, ...]:
        found = list(bodies)
        named = any(convert.classification_id(body) is not None for body in found)
        names = {one.id: one.name for one in self.classifications()} if named else {}
        return tuple(convert.live_code(body, names) for body in found)

    def live_code(self, body: Body) -> LiveCode:
        """One disposition in normal form."""
        return self._live_codes([body])[0]

    def _remember(self, bodies: Iterable[Body]) -> None:
        now = self._api.now()
        with self._memory.lock:
            for body in bodies:
                self._memory.dispositions[convert.identifier(body, "dispositionId")] = Seen(body, now)

    def classifications(self) -> tuple[Classification, ...]:
        """The tenant's classifications, read once."""
        if self._memory.classifications is None:
            rows = {one.id: one for one in map(convert.classification, self._api.everything(CLASSIFICATIONS))}
            self._memory.classifications = tuple(rows.values())
        return self._memory.classifications

    # ── skills ─────────────────────────────────────────────────────────────────────────────────────────────

    def _skills(self, want: Want) -> dict[str, Body]:
        """The bodies of the skills whose queues or links are wanted, by id; those of ``links`` with dispositions."""
        if want.queues is None:
            return self._listed(None, want.links)
        ids = frozenset(one for one in want.queues | want.links if one.isdecimal())
        if not ids:
            return {}
        if (self._memory.bare_skills and want.links) or not self._list_is_cheaper(api.SKILLS, len(ids), 0):
            return self._alone(ids)
        return self._listed(ids, want.links)

    def _alone(self, ids: frozenset[str]) -> dict[str, Body]:
        ordered = sorted(ids)
        found = self._api.each(self.skill, ordered, "skills")
        return {number: body for number, body in zip(ordered, found, strict=True) if body is not None}

    def _listed(self, only: frozenset[str] | None, links: frozenset[str]) -> dict[str, Body]:
        """Skills by the list, with single reads for what no item of it shows.

        A member that some item has is empty where it is absent; one that none has is not in this tenant's list.
        """
        found = {convert.identifier(body, "skillId"): body for body in self._api.listing(SKILLS)}
        wanted = frozenset(found) if only is None else only & found.keys()
        if found and not any("acwTypeId" in body for body in found.values()):
            return self._alone(wanted)
        self._memory.bare_skills = bool(found) and not any("dispositions" in body for body in found.values())
        if self._memory.bare_skills:
            return {number: found[number] for number in sorted(wanted)} | self._alone(wanted & links)
        return {number: {"dispositions": [], **body} for number, body in found.items() if number in wanted}

    def skill(self, number: str) -> Body | None:
        """One skill with its dispositions, None when it does not exist."""
        try:
            body = self._api.get(api.SKILL, {"skillId": number}).value
            found = convert.unwrapped(body if isinstance(body, dict) else {})
            if convert.identifier(found, "skillId") != number:
                raise IncompleteRead(f"the platform sent another skill than {number}")
            if "dispositions" not in found:
                held = self._api.listing(SKILL_DISPOSITIONS, {"skillId": number})
                found = {**found, "dispositions": held}
        except Answered as error:
            if error.answer.status == 404:
                return None
            raise
        return found

    def live_queues(self, bodies: list[Body]) -> tuple[LiveQueue, ...]:
        """Skills in normal form; unavailable codes are read where a skill does not name its own."""
        names = {one.id: one.name for one in self.states()} if convert.nameless_states(bodies) else {}
        return tuple(convert.live_queue(body, names) for body in bodies)

    def states(self) -> tuple[State, ...]:
        """The tenant's unavailable codes, read once."""
        if self._memory.states is None:
            self._memory.states = tuple(map(convert.state, self._api.listing(UNAVAILABLE_CODES)))
        return self._memory.states

    # ── choices ────────────────────────────────────────────────────────────────────────────────────────────

    def _offered(self, field: str) -> tuple[str, ...]:
        match field:
            case "classification":
                return tuple(sorted({one.name for one in self.classifications()}))
            case "state":
                return tuple(sorted({one.name for one in self.states() if one.usable}))
            case _:
                return ()

    def _list_is_cheaper(self, template: str, alone: int, more: int) -> bool:
        """Whether the whole listing takes fewer requests than ``alone`` single reads; ``more`` come on top of it."""
        known = self._memory.requests.get(template)
        return alone > (_ALONE_BEFORE_LISTING if known is None else known + more)
