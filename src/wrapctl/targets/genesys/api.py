"""The operations of the Platform API that wrapctl uses, and how a listing is read whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from wrapctl.errors import IncompleteRead
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.model import Division, Identity
from wrapctl.targets.genesys.convert import Body
from wrapctl.targets.interface import Event, Runtime
from wrapctl.targets.together import each

ORGANIZATION = "/api/v2/organizations/me"
DIVISIONS = "/api/v2/authorization/divisions"
CODES = "/api/v2/routing/wrapupcodes"
CODE = "/api/v2/routing/wrapupcodes/{codeId}"
QUEUES = "/api/v2/routing/queues"
QUEUE = "/api/v2/routing/queues/{queueId}"
LINKS = "/api/v2/routing/queues/{queueId}/wrapupcodes"
LINK = "/api/v2/routing/queues/{queueId}/wrapupcodes/{codeId}"
MAPPING = "/api/v2/outbound/wrapupcodemappings"

WORKERS = 8
_ROUNDS = 3
_MOST_PAGES = 100_000

T = TypeVar("T")
R = TypeVar("R")
Query = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Memory:
    """What this connection has seen so far. ``lock`` guards it, ``asking`` is held while the org is asked who it is.

    ``pages``: how many pages a full listing took. ``modified``: the newest ``dateModified`` seen of each queue.
    ``division_ids``: by name. ``rest``: members of codes that nobody here knows, by code id.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    asking: threading.Lock = field(default_factory=threading.Lock)
    identity: Identity | None = None
    pages: dict[str, int] = field(default_factory=dict)
    modified: dict[str, datetime] = field(default_factory=dict)
    divisions: tuple[Division, ...] | None = None
    division_ids: dict[str, str] = field(default_factory=dict)
    rest: dict[str, Body] = field(default_factory=dict)

    def is_older(self, queue: Body) -> bool:
        """Whether this body of a queue is older than one already seen; the newest one is remembered.

        A read may be served by a cache that lags behind a write (section 11).
        """
        date, queue_id = queue.get("dateModified"), str(queue.get("id"))
        if not isinstance(date, str):
            return False
        try:
            modified = datetime.fromisoformat(date)
        except ValueError:
            return False
        with self.lock:
            newest = self.modified.get(queue_id)
            try:
                if newest is not None and modified < newest:
                    return True
            except TypeError:  # one with and one without a time zone
                return False
            self.modified[queue_id] = modified
            return False


class _Moved(Exception):
    """The listing changed while it was read, or contradicts itself."""


@dataclass(frozen=True, slots=True)
class _Page:
    entities: list[Body]
    total: int | None
    count: int | None
    size: int | None


class Api:
    """The operations over one session. Thread-safe."""

    def __init__(self, session: Session, runtime: Runtime, *, page: int) -> None:
        self.memory = Memory()
        self._session = session
        self._runtime = runtime
        self._page = page

    def get(self, template: str, params: dict[str, str] | None = None, query: Query = ()) -> Reply:
        """Read one object; its parsed body is the reply's ``value``.

        Raises:
            TargetError: it was not read whole.
        """
        return self._session.send(Call("GET", template, params or {}, query))

    def part(self, template: str, query: Query) -> Reply:
        """Read what may be answered by a part of it: 206, and then no ``value``.

        Raises:
            TargetError: it was not answered.
        """
        return self._session.send(Call("GET", template, {}, query), expect="part")

    def ask(self, template: str, body: str) -> Reply:
        """Ask what takes a body to ask; it changes nothing, so that it may be sent twice.

        Raises:
            TargetError: it was not answered.
        """
        return self._session.send(Call("POST", template, body=body.encode("utf-8"), repeatable=True))

    def send(
        self, method: str, template: str, params: dict[str, str], body: str | None, *, answered: bool
    ) -> Reply:
        """Send a write, once. ``answered``: the success has a JSON body that matters.

        Raises:
            TargetError: the platform refused it, or its outcome is unknown.
        """
        data = None if body is None else body.encode("utf-8")
        call = Call(method, template, params, body=data, repeatable=False)
        return self._session.send(call, expect="json" if answered else "nothing")

    def wait(self, seconds: float) -> bool:
        """Wait; True when the run was asked to stop."""
        return self._runtime.wait(seconds)

    def tell(self, text: str, done: int, total: int) -> None:
        """Report progress of a read."""
        self._runtime.listen(Event("read", text, done, total))

    def each(self, work: Callable[[T], R], items: Iterable[T], title: str = "") -> list[R]:
        """Return ``work`` of each item in their order, several at a time. The first error ends it."""
        tell = partial(self.tell, title) if title else None
        return each(work, items, workers=WORKERS, tell=tell)

    def listing(
        self,
        title: str,
        template: str,
        params: dict[str, str] | None = None,
        query: Query = (),
        *,
        alone: bool = True,
        by: str = "id",
        remember: str = "",
    ) -> list[Body]:
        """Return all objects of a listing, each once, checked against its own total.

        ``alone``: pages may be fetched in parallel. ``by``: the member that tells two objects apart. ``remember``:
        the name under which the number of pages is kept. What comes back decides the page size and the number of
        pages: over-large sizes are silently capped (section 4). A listing that moved is read again, twice.

        Raises:
            IncompleteRead: it kept moving, or contradicts itself.
        """
        why = ""
        for _ in range(_ROUNDS):
            try:
                pages = self._round(title, template, params or {}, query, alone=alone)
                found = _joined(pages, by)
            except _Moved as error:
                why = str(error)
                self._runtime.listen(Event("retry", f"{title}: {why}; reading the listing again"))
                continue
            if remember or not (params or query):
                self.memory.pages[remember or template] = len(pages)
            return found
        raise IncompleteRead(
            f"{title}: {why}, {_ROUNDS} times in a row",
            hint="somebody may be changing the org right now: run again when it is quiet",
        )

    def first(self, template: str, params: dict[str, str], query: Query) -> tuple[list[Body], int | None]:
        """Return the first page of a listing, and how many objects the platform counts in all of it.

        Raises:
            TargetError: it was not read.
        """
        try:
            page = self._fetch(template, params, query, 1, self._page)
        except _Moved as error:
            raise IncompleteRead(f"GET {template}: {error}") from None
        return page.entities, page.total

    def _round(
        self, title: str, template: str, params: dict[str, str], query: Query, *, alone: bool
    ) -> list[_Page]:
        first = self._fetch(template, params, query, 1, self._page)
        size = first.size if first.size is not None and 0 < first.size <= self._page else self._page
        count = first.count
        if count is None and first.total is not None:
            count = -(-first.total // max(1, min(size, len(first.entities) or size)))
        if count is None:
            return self._until_empty(template, params, query, size, first)
        if count > (_MOST_PAGES if first.total is None else max(1, first.total)):
            raise IncompleteRead(f"{title}: the platform says {count} pages for {first.total} objects")

        def page(number: int) -> _Page:
            return self._fetch(template, params, query, number, size)

        numbers = range(2, count + 1)
        more = self.each(page, numbers, title) if alone else [page(number) for number in numbers]
        return [first, *more]

    def _until_empty(
        self, template: str, params: dict[str, str], query: Query, size: int, first: _Page
    ) -> list[_Page]:
        pages = [first]
        while pages[-1].entities and len(pages) < _MOST_PAGES:
            pages.append(self._fetch(template, params, query, len(pages) + 1, size))
        return pages

    def _fetch(self, template: str, params: dict[str, str], query: Query, number: int, size: int) -> _Page:
        asked = (("pageNumber", str(number)), ("pageSize", str(size)), *query)
        value = self.get(template, params, asked).value
        body = value if isinstance(value, dict) else {}
        entities = body.get("entities")
        if not isinstance(entities, list) or not all(isinstance(item, dict) for item in entities):
            raise IncompleteRead(f"GET {template}: the answer is not a page of a listing")
        if _number(body, "pageNumber") not in {None, number}:
            raise _Moved(f"page {number} was asked for and page {body['pageNumber']} came")
        return _Page(entities, _number(body, "total"), _number(body, "pageCount"), _number(body, "pageSize"))


def _joined(pages: list[_Page], by: str) -> list[Body]:
    totals = {page.total for page in pages}
    if len(totals) > 1 or len({page.count for page in pages}) > 1:
        raise _Moved("its total changed while it was read")
    entities = [entity for page in pages for entity in page.entities]
    ids = {entity.get(by) for entity in entities}
    if not all(isinstance(item, str) and item for item in ids):
        raise IncompleteRead(f"the platform sent an object without its {by}")
    if len(ids) != len(entities):
        raise _Moved(f"{len(entities) - len(ids)} objects came twice")
    total = totals.pop()
    if total is not None and total != len(entities):
        raise _Moved(f"{len(entities)} objects were read and the platform counts {total}")
    return entities


def _number(body: Body, key: str) -> int | None:
    value = body.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
