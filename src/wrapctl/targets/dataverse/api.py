"""The operations of the Dataverse Web API that wrapctl uses, and how the listing is read whole."""

from __future__ import annotations

import json
import threading
from urllib.parse import SplitResult, parse_qsl, urlsplit

from wrapctl.errors import Answered, IncompleteRead, TargetError
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.targets.dataverse.convert import ETAG, ID, SELECT, Body
from wrapctl.targets.interface import Event, Runtime

ROWS = "/api/data/v9.2/msdyn_ocdispositioncodes"
ROW = "/api/data/v9.2/msdyn_ocdispositioncodes({id})"
TABLE = "/api/data/v9.2/EntityDefinitions(LogicalName='msdyn_ocdispositioncode')"

WORKERS = 4
"""Far below the 52 requests at a time that one user may have (contract, ``Throttled``)."""

_ROUNDS = 3
_MOST_PAGES = 10_000
_ODATA = (("OData-Version", "4.0"), ("OData-MaxVersion", "4.0"))

Query = tuple[tuple[str, str], ...]


class _Moved(Exception):
    """The listing changed while it was read, or contradicts itself."""


class Api:
    """The operations over one session. ``origin`` is the address of the environment. Thread-safe."""

    def __init__(self, session: Session, runtime: Runtime, *, origin: str, page: int) -> None:
        self._session = session
        self._runtime = runtime
        self._origin = urlsplit(origin)
        self._page = page
        self._lock = threading.Lock()
        self._locks: bool | None = None

    def rows(self) -> list[Body]:
        """Return all rows, each once. A listing that moved is read again, twice.

        Raises:
            IncompleteRead: it kept moving, or is not a listing.
        """
        why = ""
        for _ in range(_ROUNDS):
            try:
                return self._round()
            except _Moved as error:
                why = str(error)
                self._runtime.listen(Event("retry", f"dispositions: {why}; reading the listing again"))
        raise IncompleteRead(
            f"dispositions: {why}, {_ROUNDS} times in a row",
            hint="somebody may be changing the table right now: run again when it is quiet",
        )

    def row(self, row_id: str) -> Body | None:
        """Return one row, None when there is none.

        Raises:
            TargetError: it could not be read.
        """
        call = Call("GET", ROW, {"id": row_id}, headers=_ODATA)
        try:
            value = self._session.send(call).value
        except Answered as error:
            if error.answer.status == 404:
                return None
            raise
        return value if isinstance(value, dict) else {}

    def create(self, row_id: str, body: Body) -> Reply:
        """Make the row of that id; where there is one already the server answers 412.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        return self._write("PATCH", row_id, body, ("If-None-Match", "*"))

    def update(self, row_id: str, body: Body, etag: str) -> Reply:
        """Change columns of a row as it was read; where it was changed since the server answers 412.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        return self._write("PATCH", row_id, body, ("If-Match", etag))

    def delete(self, row_id: str, etag: str) -> Reply:
        """Delete a row as it was read.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        return self._write("DELETE", row_id, None, ("If-Match", etag))

    def compares_etags(self) -> bool:
        """Whether the server compares ETags of this table (``IsOptimisticConcurrencyEnabled``); asked for once.

        Raises:
            TargetError: it could not be asked.
        """
        with self._lock:
            if self._locks is None:
                asked = (("$select", "IsOptimisticConcurrencyEnabled"),)
                value = self._session.send(Call("GET", TABLE, query=asked, headers=_ODATA)).value
                self._locks = isinstance(value, dict) and value.get("IsOptimisticConcurrencyEnabled") is True
            return self._locks

    def _write(self, method: str, row_id: str, body: Body | None, condition: tuple[str, str]) -> Reply:
        if condition == ("If-Match", "*") or not condition[1]:
            raise TargetError("a write without the row's ETag would overwrite whatever is there")
        data = None if body is None else json.dumps(body).encode()
        call = Call(method, ROW, {"id": row_id}, body=data, repeatable=False, headers=(condition, *_ODATA))
        return self._session.send(call, expect="nothing")

    # ── pages ──────────────────────────────────────────────────────────────────────────────────────────────

    def _round(self) -> list[Body]:
        query: Query = (("$select", SELECT),)
        seen: set[Query] = set()
        found: dict[str, Body] = {}
        count = 0
        while query not in seen and len(seen) < _MOST_PAGES:
            seen.add(query)
            bodies, more = self._fetch(query)
            count += len(bodies)
            found |= {str(body[ID]).lower(): body for body in bodies}
            if more is None:
                if len(found) != count:
                    raise _Moved(f"{count - len(found)} rows came twice")
                return list(found.values())
            self._runtime.listen(Event("read", "dispositions", count))
            query = self._query(more)
        raise IncompleteRead("dispositions: the pages lead back to one that was read already")

    def _fetch(self, query: Query) -> tuple[list[Body], str | None]:
        prefer = ("Prefer", f"odata.maxpagesize={self._page}")
        value = self._session.send(Call("GET", ROWS, query=query, headers=(prefer, *_ODATA))).value
        body = value if isinstance(value, dict) else {}
        rows, more = body.get("value"), body.get("@odata.nextLink")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise IncompleteRead(f"GET {ROWS}: the answer is not a page of a listing")
        if not all(isinstance(row.get(ID), str) and row.get(ETAG) for row in rows):
            raise IncompleteRead(f"GET {ROWS}: a row came without its id or its ETag")
        if more is not None and not (isinstance(more, str) and more):
            raise IncompleteRead(f"GET {ROWS}: the link to the next page is none")
        return rows, more

    def _query(self, link: str) -> Query:
        """What the next page is asked by. The link is the server's text: it may lead nowhere but here."""
        try:
            parts = urlsplit(link)
            same = _origin(parts) == _origin(self._origin) and parts.path == ROWS and "@" not in parts.netloc
            query = tuple(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
        except ValueError:
            same, query = False, ()
        if not same or not query:
            raise IncompleteRead(
                "dispositions: the link to the next page leads to another place than this listing",
                hint="nothing was sent there; check the endpoint of the connection",
            )
        return query


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
