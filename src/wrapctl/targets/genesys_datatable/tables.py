"""The operations on data tables, and what this connection has seen of them (contract section 9)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from wrapctl.errors import Answered, Forbidden, IncompleteRead
from wrapctl.http.wire import Reply
from wrapctl.rows import LiveTable
from wrapctl.targets.genesys.api import Api, Query
from wrapctl.targets.genesys_datatable.convert import KEY, Body, live_table, rest_of

TABLES = "/api/v2/flows/datatables"
TABLE = "/api/v2/flows/datatables/{datatableId}"
ROWS = "/api/v2/flows/datatables/{datatableId}/rows"
ROW = "/api/v2/flows/datatables/{datatableId}/rows/{rowId}"

NO_TABLE = "flows.datatables.table.not.found"

_SCHEMA: Query = (("expand", "schema"),)
# Left out it is true, and rows are their keys.
_WHOLE: Query = (("showbrief", "false"),)


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows a table has, and how many pages they take."""

    rows: int
    pages: int


@dataclass(slots=True)
class Memory:
    """What was seen so far. ``lock`` guards it, ``making`` is held while a table is made.

    ``tables``: by name, those that have all columns. ``sizes``: by table id. ``made``: ids of the tables that this
    run made, by name. ``rest``: the columns of others in the rows that were read, by table id and key: a PUT must
    carry them.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    making: threading.Lock = field(default_factory=threading.Lock)
    tables: dict[str, LiveTable] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    rest: dict[tuple[str, str], Body] = field(default_factory=dict)


class Tables:
    """Data tables over one session. Thread-safe."""

    def __init__(self, connected: Api) -> None:
        self.api = connected
        self.memory = Memory()

    # ── tables ─────────────────────────────────────────────────────────────────────────────────────────────

    def known(self, name: str) -> LiveTable | None:
        """Return a table that was seen with all columns: nobody can take one away without the table itself."""
        return self.memory.tables.get(name)

    def forget(self, name: str) -> None:
        """Take back what was seen of a table that is not there any more."""
        with self.memory.lock:
            table = self.memory.tables.pop(name, None)
            self.memory.made.pop(name, None)
            if table is not None:
                self.memory.sizes.pop(str(table.id), None)

    def find(self, name: str) -> LiveTable | None:
        """Return the table of exactly that name, None where the client sees none.

        Raises:
            TargetError: it is not known whether there is one.
        """
        with _reading():
            # The filter has a wildcard and knows no case: only the very name counts.
            found = self.api.listing("data tables", TABLES, query=(("name", name), *_SCHEMA))
        table = next((body for body in found if body.get("name") == name), None)
        if table is None:
            return None
        found_table = live_table(table if table.get("schema") is not None else self.table(str(table["id"])))
        if not found_table.lacks and not found_table.trouble:
            with self.memory.lock:
                self.memory.tables[name] = found_table
        return found_table

    def table(self, table_id: str) -> Body:
        """Return a table with its schema.

        Raises:
            TargetError: it was not read.
        """
        with _reading():
            return _object(self.api.get(TABLE, {"datatableId": table_id}, _SCHEMA), "data table")

    def count(self) -> int:
        """Return how many tables the client sees.

        Raises:
            TargetError: the platform did not say.
        """
        with _reading():
            found, total = self.api.first(TABLES, {}, ())
        return len(found) if total is None else total

    # ── rows ───────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self, table_id: str) -> list[Body]:
        """Return all rows of a table.

        Raises:
            TargetError: anything less than all was read.
        """
        title = "rows of a data table"
        with _reading():
            found = self.api.listing(
                title, ROWS, {"datatableId": table_id}, _WHOLE, by=KEY, remember=table_id
            )
        self._remember(table_id, found, Size(len(found), self.api.memory.pages[table_id]))
        return found

    def some(self, table_id: str, wanted: frozenset[str]) -> list[Body]:
        """Return the rows of these keys, those that there are, in the fewest requests.

        The first page tells how many rows there are; a small table is read with it. Else each row is one request,
        until so many are wanted that the pages are fewer.

        Raises:
            TargetError: anything less than all of them was read.
        """
        found: list[Body] = []
        size = self.memory.sizes.get(table_id)
        if size is None:
            with _reading():
                page, total = self.api.first(ROWS, {"datatableId": table_id}, _WHOLE)
            if total is None:
                return _among(self.rows(table_id), wanted)
            size = Size(total, -(-total // max(1, len(page))))
            found = _among(page, wanted)
            self._remember(table_id, found, size)
            if len(page) == total:
                return found
            wanted -= {str(body[KEY]) for body in found}
        if len(wanted) < max(1, size.pages):
            single = self.api.each(lambda key: self.row(table_id, key), sorted(wanted))
            return [*found, *(body for body in single if body is not None)]
        return [*found, *_among(self.rows(table_id), wanted)]

    def row(self, table_id: str, key: str) -> Body | None:
        """Return one row, None when there is none of that key.

        Raises:
            TargetError: it is not known whether there is one.
        """
        try:
            with _reading():
                reply = self.api.get(ROW, {"datatableId": table_id, "rowId": key}, _WHOLE)
        except Answered as error:
            if error.answer.status == 404 and error.answer.code != NO_TABLE:
                return None
            raise
        body = _object(reply, "row")
        if body.get(KEY) != key:
            raise IncompleteRead(f"the platform sent the row {body.get(KEY)!r} where {key!r} was asked for")
        self._remember(table_id, [body])
        return body

    def rest(self, table_id: str, key: str) -> Body:
        """Return the columns of others in a row, as they were read last; they are read where nobody did.

        Raises:
            TargetError: they cannot be read.
        """
        known = self.memory.rest.get((table_id, key))
        if known is not None:
            return known
        return rest_of(self.row(table_id, key) or {})

    # ── writes ─────────────────────────────────────────────────────────────────────────────────────────────

    def send(
        self, method: str, template: str, params: dict[str, str], body: Mapping[str, object] | None
    ) -> Reply:
        """Send a write, once. A POST answers with what was made.

        Raises:
            TargetError: the platform refused it, or its outcome is unknown.
        """
        text = None if body is None else json.dumps(body, ensure_ascii=False)
        return self.api.send(method, template, params, text, answered=method == "POST")

    def _remember(self, table_id: str, rows: Iterable[Body], size: Size | None = None) -> None:
        with self.memory.lock:
            if size is not None:
                self.memory.sizes[table_id] = size
            for body in rows:
                self.memory.rest[table_id, str(body[KEY])] = rest_of(body)


@contextmanager
def _reading() -> Iterator[None]:
    """Say what a client lacks that may not read; the session cannot know it."""
    try:
        yield
    except Forbidden as error:
        hint = (
            "give the client's role architect:datatable:view (and architect:datatableRow:view), "
            "with the table's division"
        )
        raise Forbidden(error.answer, hint=hint) from None


def _among(rows: Iterable[Body], wanted: frozenset[str]) -> list[Body]:
    return [body for body in rows if body.get(KEY) in wanted]


def _object(reply: Reply, what: str) -> Body:
    if not isinstance(reply.value, dict):
        raise IncompleteRead(f"the platform sent a {what} that is not an object")
    return reply.value
