"""Reads a Genesys Cloud org: list pages, never one request per object that a list already gave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wrapctl.errors import Answered, IncompleteRead
from wrapctl.model import ALL_DIVISIONS, Division, Identity, Live, LiveCode, LiveQueue
from wrapctl.targets.genesys import api, convert
from wrapctl.targets.genesys.api import Api, Query
from wrapctl.targets.genesys.convert import Body
from wrapctl.targets.interface import Want

SANDBOX_PREFIX = "5a5a5a5a-"
IDS_PER_REQUEST = 50
"""Ids in one request: 50 UUIDs are 2 kB of URL, which every proxy lets pass."""

_NAMES_BEFORE_LISTING = 4
"""Names looked up one by one while nobody knows yet how many pages the whole listing has."""

_PEERS: Query = (("hasPeer", "true"),)


class GenesysReader:
    """Reads one org through ``api``.

    Whether a queue listing without ``hasPeer`` holds queues of both kinds is not documented (contract section
    7). The listing is read without it. Where the divisions count more queues than it held, queues with a peer
    are listed as well: in an org of one kind, or one whose counts agree, that costs nothing.
    """

    def __init__(self, connected: Api) -> None:
        self._api = connected
        self._memory = connected.memory

    def identity(self) -> Identity:
        """The organization of these credentials, asked for once: one connection cannot change it."""
        with self._memory.asking:
            if self._memory.identity is None:
                body = _object(self._api.get(api.ORGANIZATION).value, "organization")
                org_id = convert.required(body, "id", "organization")
                name = str(body.get("name") or "")
                self._memory.identity = Identity(org_id, name, sandbox=org_id.startswith(SANDBOX_PREFIX))
            return self._memory.identity

    def read(self, want: Want) -> Live:
        """All of what is wanted.

        Raises:
            TargetError: anything less than all was read.
        """
        identity = self.identity()
        divisions = self.divisions() if want.divisions else ()
        codes = self._codes(want)
        queues = self._queues(want)
        outbound, default = self._outbound(codes, want) if want.outbound else (None, ())
        links, names = self._links(want.links)
        return Live(
            identity=identity,
            codes=codes,
            queues=queues,
            links=links,
            link_names=names,
            outbound=outbound,
            outbound_default=default,
            divisions=divisions,
            complete_codes=want.codes is None,
            complete_queues=want.queues is None,
        )

    def divisions(self) -> tuple[Division, ...]:
        """All divisions with the platform's own counts. No permission is needed for it (section 10)."""
        bodies = self._api.listing("divisions", api.DIVISIONS, query=(("objectCount", "true"),))
        divisions = tuple(convert.division(body) for body in bodies)
        with self._memory.lock:
            self._memory.divisions = divisions
            self._memory.division_ids.update({division.name: division.id for division in divisions})
        return divisions

    # ── codes ──────────────────────────────────────────────────────────────────────────────────────────────

    def _codes(self, want: Want) -> tuple[LiveCode, ...]:
        if want.codes is None:
            return self._live_codes(self._api.listing("wrap-up codes", api.CODES))
        bodies: dict[str, Body] = {}
        names = want.code_names
        pages = self._memory.pages.get(api.CODES)
        alone = -(-len(want.codes) // IDS_PER_REQUEST) + len(names)
        whole = len(names) > _NAMES_BEFORE_LISTING if pages is None else alone > pages
        if whole:
            for body in self._api.listing("wrap-up codes", api.CODES):
                if body["id"] in want.codes or body.get("name") in names:
                    bodies[str(body["id"])] = body
            return self._live_codes(bodies.values())
        queries = [*_id_queries(want.codes), *((("name", name),) for name in sorted(names))]
        for page in self._api.each(lambda query: self._some(api.CODES, query), queries):
            for body in page:
                # The filter may be a pattern, or blind to case: only what was asked for counts.
                if body["id"] in want.codes or body.get("name") in names:
                    bodies[str(body["id"])] = body
        return self._live_codes(bodies.values())

    def _live_codes(self, bodies: Iterable[Body]) -> tuple[LiveCode, ...]:
        active = [body for body in bodies if not convert.is_deleted(body)]
        division_names = self._division_names(active)
        codes = tuple(convert.live_code(body, division_names) for body in active)
        with self._memory.lock:
            for body, code in zip(active, codes, strict=True):
                division_id = convert.member(body, "division").get("id")
                if code.division and isinstance(division_id, str):
                    self._memory.division_ids[code.division] = division_id
                rest = convert.unknown_members(body)
                if rest:
                    self._memory.rest[code.id] = rest
                else:
                    self._memory.rest.pop(code.id, None)
        return codes

    def _division_names(self, bodies: Sequence[Body]) -> dict[str, str]:
        """Names of divisions by id, read only when some body carries an id without its name."""
        divisions = (convert.member(body, "division") for body in bodies)
        if all(one.get("name") or one.get("id") in {None, ALL_DIVISIONS} for one in divisions):
            return {}
        known = self._memory.divisions or self.divisions()
        return {division.id: division.name for division in known}

    # ── queues ─────────────────────────────────────────────────────────────────────────────────────────────

    def _queues(self, want: Want) -> tuple[LiveQueue, ...]:
        bodies: dict[str, Body] = {}
        if want.queues is None:
            self._add(bodies, self._api.listing("queues", api.QUEUES))
            counts = [division.queues for division in self._memory.divisions or ()]
            if sum(count or 0 for count in counts) > len(bodies):
                self._add(bodies, self._api.listing("queues with a peer", api.QUEUES, query=_PEERS))
        elif want.queues:
            for more in ((), _PEERS):
                missing = want.queues - bodies.keys()
                queries = [(*query, *more) for query in _id_queries(missing)]
                for page in self._api.each(lambda query: self._some(api.QUEUES, query), queries):
                    self._add(bodies, (body for body in page if body["id"] in want.queues))
        return tuple(convert.live_queue(body) for body in bodies.values())

    def _add(self, bodies: dict[str, Body], more: Iterable[Body]) -> None:
        for body in more:
            self._memory.is_older(body)
            bodies[str(body["id"])] = body

    # ── links and flags ────────────────────────────────────────────────────────────────────────────────────

    def _links(self, queues: frozenset[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        links: dict[str, tuple[str, ...]] = {}
        names: dict[str, str] = {}
        ordered = sorted(queues)
        for queue, codes in zip(
            ordered, self._api.each(self._codes_of, ordered, "codes of queues"), strict=True
        ):
            if codes is not None:
                links[queue] = tuple(sorted(codes))
                names.update(codes)
        return links, names

    def _codes_of(self, queue_id: str) -> dict[str, str] | None:
        """Names by id of the codes on one queue; None when there is no such queue any more."""
        try:
            bodies = self._api.listing(
                f"codes of queue {queue_id}", api.LINKS, {"queueId": queue_id}, alone=False
            )
        except Answered as error:
            if error.answer.status == 404:
                return None
            raise
        active = (body for body in bodies if not convert.is_deleted(body))
        return {str(body["id"]): convert.required(body, "name", "wrap-up code") for body in active}

    def _outbound(
        self, codes: tuple[LiveCode, ...], want: Want
    ) -> tuple[dict[str, tuple[str, ...]] | None, tuple[str, ...]]:
        """The flags of every code that was read; entries of deleted codes are left out (section 8)."""
        try:
            body = _object(self._api.get(api.MAPPING).value, "outbound mapping")
        except Answered as error:
            if error.answer.status == 404:
                return None, ()
            raise
        default = convert.flags(body.get("defaultSet"))
        entries = convert.mapping(body)
        known = {code.id: entries.get(code.id, default) for code in codes}
        return (known if want.codes is None else {**entries, **known}), default

    def _some(self, template: str, query: Query) -> list[Body]:
        return self._api.listing("objects by id", template, query=query, alone=False)


def _id_queries(ids: frozenset[str]) -> list[Query]:
    ordered = sorted(ids)
    chunks = (ordered[start : start + IDS_PER_REQUEST] for start in range(0, len(ordered), IDS_PER_REQUEST))
    return [tuple(("id", one) for one in chunk) for chunk in chunks]


def _object(value: object, what: str) -> Body:
    if not isinstance(value, dict):
        raise IncompleteRead(f"the platform sent an {what} that is not an object")
    return value
