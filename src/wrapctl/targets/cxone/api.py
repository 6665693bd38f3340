"""The operations of the Admin API that wrapctl uses, and how a listing is read whole (contract section 3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from wrapctl.errors import Answered, IncompleteRead, Interrupted
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.model import Identity
from wrapctl.targets.cxone.convert import Body, Classification, State, identifier, whole
from wrapctl.targets.interface import Event, Runtime
from wrapctl.targets.together import each

_BASE = "/incontactapi/services/v{version}"
BUSINESS_UNIT = f"{_BASE}/business-unit"
DISPOSITIONS = f"{_BASE}/dispositions"
DISPOSITION = f"{_BASE}/dispositions/{{dispositionId}}"
AUDIT_HISTORY = f"{_BASE}/dispositions/{{dispositionId}}/audit-history"
CLASSIFICATIONS = f"{_BASE}/dispositions/classifications"
SKILLS = f"{_BASE}/skills"
SKILL = f"{_BASE}/skills/{{skillId}}"
SKILL_DISPOSITIONS = f"{_BASE}/skills/{{skillId}}/dispositions"
UNAVAILABLE_CODES = f"{_BASE}/unavailable-codes"

WORKERS = 8
MODEST_PAGE = 100
"""The largest page that a client saw granted; what is asked when more is refused (section 3)."""

_ROUNDS = 3
_MOST_PAGES = 100_000

T = TypeVar("T")
R = TypeVar("R")
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A disposition's raw body and when it was read, in seconds of the runtime's clock."""

    body: Body
    at: float


@dataclass(slots=True)
class Memory:
    """What this connection has seen so far. ``lock`` guards it.

    ``requests``: how many requests a full listing took, by template. ``dispositions``: bodies by id.
    ``bare_skills``: this tenant's list of skills shows no dispositions.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    identity: Identity | None = None
    requests: dict[str, int] = field(default_factory=dict)
    dispositions: dict[str, Seen] = field(default_factory=dict)
    classifications: tuple[Classification, ...] | None = None
    states: tuple[State, ...] | None = None
    bare_skills: bool = False


class _Moved(Exception):
    """The listing changed while it was read, or contradicts itself."""


@dataclass(frozen=True, slots=True)
class _Page:
    items: list[Body]
    total: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a listing is: its title, where it is, the member that holds its items, what their id is called."""

    title: str
    template: str
    member: str
    ids: tuple[str, ...]


class Api:
    """The operations over one session, which is opened at the first request. Thread-safe.

    In: what opens the session, the version of the API, the page to ask for.
    """

    def __init__(self, opened: Callable[[], Session], runtime: Runtime, *, version: int, page: int) -> None:
        self.memory = Memory()
        self._opened = opened
        self._runtime = runtime
        self._version = {"version": f"{version}.0"}
        self._page = page

    def get(self, template: str, params: dict[str, str] | None = None, query: Query = ()) -> Reply:
        """Read one object; its parsed body is the reply's ``value``.

        Raises:
            TargetError: it was not read whole.
        """
        return self._opened().send(Call("GET", template, {**self._version, **(params or {})}, query))

    def history(self, disposition: str) -> object:
        """Return who changed a disposition, None where nobody did (204).

        Raises:
            TargetError: it was not read.
        """
        call = Call("GET", AUDIT_HISTORY, {**self._version, "dispositionId": disposition})
        return self._opened().send(call, expect="list").value

    def send(self, method: str, template: str, params: dict[str, str], body: str, *, answered: bool) -> Reply:
        """Send a write, once. ``answered``: the success has a JSON body that matters.

        Raises:
            TargetError: the platform refused it, or its outcome is unknown.
        """
        call = Call(method, template, {**self._version, **params}, body=body.encode(), repeatable=False)
        return self._opened().send(call, expect="json" if answered else "nothing")

    def now(self) -> float:
        """Seconds of the runtime's clock."""
        return self._runtime.monotonic()

    def wait(self, seconds: float, why: str) -> None:
        """Wait, and say why.

        Raises:
            Interrupted: the run was asked to stop meanwhile.
        """
        self._runtime.listen(Event("wait", f"{why}: {seconds:g} s"))
        if self._runtime.wait(seconds):
            raise Interrupted("stopped while waiting")

    def tell(self, text: str, done: int, total: int) -> None:
        """Report progress of a read."""
        self._runtime.listen(Event("read", text, done, total))

    def each(self, work: Callable[[T], R], items: Iterable[T], title: str = "") -> list[R]:
        """Return ``work`` of each item in their order, several at a time. The first error ends it."""
        tell = partial(self.tell, title) if title else None
        return each(work, items, workers=WORKERS, tell=tell)

    def listing(self, what: Listing, params: dict[str, str] | None = None, query: Query = ()) -> list[Body]:
        """Return all objects of a listing, each once, checked against its own total.

        Pages are cut by what comes back, not by what was asked: the default and the largest ``top`` are not
        documented. 204 is an empty listing. One that moved while it was read is read again, twice.

        Raises:
            IncompleteRead: it kept moving, or contradicts itself.
        """
        why = ""
        for _ in range(_ROUNDS):
            try:
                return self._round(what, params or {}, query)
            except _Moved as error:
                why = str(error)
                self._runtime.listen(Event("retry", f"{what.title}: {why}; reading the listing again"))
        raise IncompleteRead(
            f"{what.title}: {why}, {_ROUNDS} times in a row",
            hint="somebody may be changing the tenant right now: run again when it is quiet",
        )

    def some(self, what: Listing, query: Query) -> list[Body]:
        """Return one page of a listing, as the query asks for it, unchecked.

        Raises:
            TargetError: it was not read.
        """
        return self._page_of(what, Call("GET", what.template, self._version, query)).items

    def everything(self, what: Listing) -> list[Body]:
        """Return all objects of a listing that has no pages.

        Raises:
            IncompleteRead: it holds fewer than it counts.
        """
        page = self._page_of(what, Call("GET", what.template, self._version))
        if page.total not in {None, len(page.items)}:
            raise IncompleteRead(f"{what.title}: {len(page.items)} came and the platform counts {page.total}")
        return page.items

    def _round(self, what: Listing, params: dict[str, str], query: Query) -> list[Body]:
        pages = [self._first(what, params, query)]
        total, size = pages[0].total, len(pages[0].items)
        if total is None:
            # Without a total the end is an empty page; a server that ignores `skip` sends the first one for ever.
            while pages[-1].items and pages[-1].items != pages[0].items * (len(pages) > 1):
                skip = sum(len(page.items) for page in pages)
                pages.append(self._fetch(what, params, query, skip, size))
        elif size and total > size:
            if total > size * _MOST_PAGES:
                raise IncompleteRead(f"{what.title}: the platform counts {total} and sends {size} at a time")

            def page(skip: int) -> _Page:
                return self._fetch(what, params, query, skip, size)

            pages += self.each(page, range(size, total, size), what.title)
        with self.memory.lock:
            if not params and not query:
                self.memory.requests[what.template] = len(pages)
        return _joined(what, pages)

    def _first(self, what: Listing, params: dict[str, str], query: Query) -> _Page:
        try:
            return self._fetch(what, params, query, 0, self._page)
        except Answered as error:
            if error.answer.status != 400 or self._page <= MODEST_PAGE:
                raise
            self._page = MODEST_PAGE
            return self._fetch(what, params, query, 0, self._page)

    def _fetch(self, what: Listing, params: dict[str, str], query: Query, skip: int, top: int) -> _Page:
        asked = (("skip", str(skip)), ("top", str(top)), *query)
        return self._page_of(what, Call("GET", what.template, {**self._version, **params}, asked))

    def _page_of(self, what: Listing, call: Call) -> _Page:
        reply = self._opened().send(call, expect="list")
        if reply.status == 204:
            return _Page([], 0 if ("skip", "0") in call.query else None)
        body = reply.value if isinstance(reply.value, dict) else {}
        items = body.get(what.member)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise IncompleteRead(f"{call.operation}: the answer is not a page of a listing")
        return _Page(items, whole(body.get("totalRecords")))


def _joined(what: Listing, pages: list[_Page]) -> list[Body]:
    items = [item for page in pages for item in page.items]
    totals = {page.total for page in pages if page.total is not None}
    if len(totals) > 1:
        raise _Moved("its total changed while it was read")
    ids = {identifier(item, *what.ids) for item in items}
    if "" in ids:
        raise IncompleteRead(f"{what.title}: the platform sent an object without an id")
    if len(ids) != len(items):
        raise _Moved(f"{len(items) - len(ids)} objects came twice")
    total = totals.pop() if totals else len(items)
    if total != len(items):
        raise _Moved(f"{len(items)} objects were read and the platform counts {total}")
    return items
