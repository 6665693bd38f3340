"""The operations of ServiceNow that wrapctl uses, and how the listing is read whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from wrapctl.errors import Answered, IncompleteRead, Unauthorized
from wrapctl.http.session import Session
from wrapctl.http.wire import Call, Reply
from wrapctl.targets.interface import Event, Runtime
from wrapctl.targets.servicenow.convert import COUNT, ID, Body

CODES = "/api/now/wrapup/code"
ROWS = "/api/now/table/interaction_wrap_up_code"
ROW = "/api/now/table/interaction_wrap_up_code/{sys_id}"

WORKERS = 4
_ROUNDS = 3
_MOST_PAGES = 10_000
_BY_ID = "ORDERBYsys_id"


class _Moved(Exception):
    """The listing changed while it was read, or contradicts itself."""


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Body]
    total: int | None


class Api:
    """The operations over one session. ``columns`` are those of all places of the connection. Thread-safe."""

    def __init__(self, session: Session, runtime: Runtime, *, columns: Iterable[str], page: int) -> None:
        self._session = session
        self._runtime = runtime
        self._fields = ",".join((ID, COUNT, *sorted(set(columns))))
        self._page = page

    def rows(self) -> list[Body]:
        """Return all rows, each once, checked against ``X-Total-Count``. A listing that moved is read again, twice.

        Raises:
            IncompleteRead: it kept moving, or rows are hidden from this client.
            TargetError: it could not be read.
        """
        why = ""
        for _ in range(_ROUNDS):
            try:
                return self._round()
            except _Moved as error:
                why = str(error)
                self._runtime.listen(Event("retry", f"wrap-up codes: {why}; reading the listing again"))
            except Answered as error:
                if error.answer.status not in {400, 404} or isinstance(error, Unauthorized):
                    raise
                hint = "check that the plugin com.glide.interaction.awa is active, and the endpoint of the connection"
                raise Answered(error.answer, hint=hint) from None
        raise IncompleteRead(
            f"wrap-up codes: {why}, {_ROUNDS} times in a row",
            hint="rows that an ACL hides are counted and not sent: let the client read the whole table; or somebody is "
            "changing it right now: run again when it is quiet",
        )

    def some(self, row_ids: Iterable[str]) -> dict[str, Body]:
        """Return the rows with these ids, by id; one that is not there is not in it.

        Raises:
            TargetError: they could not be read.
        """
        wanted = sorted(set(row_ids))
        if not wanted:
            return {}
        page = self._fetch(f"{ID}IN{','.join(wanted)}^{_BY_ID}", 0, len(wanted))
        return {str(row[ID]): row for row in page.rows if row[ID] in set(wanted)}

    def upsert(self, items: list[Body]) -> Reply:
        """Create or update wrap-up codes by their labels.

        Raises:
            TargetError: all of it was refused, or its outcome is unknown.
        """
        body = json.dumps({"codes": items}).encode()
        return self._session.send(Call("POST", CODES, body=body, repeatable=False))

    def change(self, row_id: str, body: Body) -> Reply:
        """Change columns of one row, found by its id.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        call = Call("PATCH", ROW, {"sys_id": row_id}, body=json.dumps(body).encode(), repeatable=False)
        return self._session.send(call)

    def delete(self, row_id: str) -> Reply:
        """Delete one row.

        Raises:
            TargetError: it was refused, or its outcome is unknown.
        """
        return self._session.send(Call("DELETE", ROW, {"sys_id": row_id}, repeatable=False), expect="nothing")

    # ── pages ──────────────────────────────────────────────────────────────────────────────────────────────

    def _round(self) -> list[Body]:
        found: dict[str, Body] = {}
        read = offset = 0
        total: int | None = None
        for number in range(_MOST_PAGES):
            page = self._fetch(_BY_ID, offset, self._page)
            if number and page.total != total:
                raise _Moved("its total changed while it was read")
            total = page.total
            read += len(page.rows)
            found |= {str(row[ID]): row for row in page.rows}
            # A short page is not the end: the instance may grant smaller ones than were asked for, and an ACL hides rows
            # after they were counted. Only the total, or an empty page, is the end.
            offset += len(page.rows)
            if not page.rows or (total is not None and offset >= total):
                break
            self._runtime.listen(Event("read", "wrap-up codes", read, total or 0))
        if len(found) != read:
            raise _Moved(f"{read - len(found)} rows came twice")
        if total is not None and total != read:
            raise _Moved(f"{read} rows were read and ServiceNow counts {total}")
        return list(found.values())

    def _fetch(self, query: str, offset: int, limit: int) -> _Page:
        asked = (
            ("sysparm_query", query),
            ("sysparm_fields", self._fields),
            ("sysparm_limit", str(limit)),
            ("sysparm_offset", str(offset)),
        )
        reply = self._session.send(Call("GET", ROWS, query=asked))
        value = reply.value if isinstance(reply.value, dict) else {}
        rows = value.get("result")
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get(ID) for row in rows):
            raise IncompleteRead(f"GET {ROWS}: the answer is not a page of a listing")
        counted = reply.headers.get("x-total-count", "")
        return _Page(rows, int(counted) if counted.isascii() and counted.isdigit() else None)
