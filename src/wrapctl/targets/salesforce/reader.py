"""Reads mapping rows of a Salesforce org: the whole object page by page, or the rows of some keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wrapctl.errors import IncompleteRead
from wrapctl.model import Identity, Live
from wrapctl.rows import LiveRow, Rows
from wrapctl.targets.interface import Want
from wrapctl.targets.salesforce import convert
from wrapctl.targets.salesforce.api import Api
from wrapctl.targets.salesforce.capabilities import CAPABILITIES, KEYS_PER_QUERY
from wrapctl.targets.salesforce.convert import Layout
from wrapctl.targets.together import each

MOST_FOREIGN = 20_000
"""An object of more rows is shared with something big: then only the rows under the prefix are read."""

_WORKERS = 4


class SalesforceReader:
    """Reads the rows of the systems that ``layouts`` lay out. ``sandbox``: the org is an emulation."""

    def __init__(self, api: Api, layouts: Mapping[str, Layout], *, sandbox: bool) -> None:
        self._api = api
        self._layouts = layouts
        self._sandbox = sandbox
        self._sizes: dict[str, int] = {}

    def identity(self) -> Identity:
        """The org by its My Domain host, which no other org has."""
        return Identity(self._api.host, self._api.host, sandbox=self._sandbox)

    def read(self, want: Want) -> Live:
        """All rows that are wanted.

        Raises:
            TargetError: anything less than all was read.
        """
        crm = {system: self._rows(self._layouts[system], wanted) for system, wanted in want.rows.items()}
        return Live(self.identity(), complete_codes=False, complete_queues=False, crm=crm)

    def row(self, where: Layout, row_id: str) -> LiveRow | None:
        """One row by its id, None when it is not there.

        Raises:
            TargetError: it could not be read.
        """
        condition = f"{convert.ID} = {convert.text_literal(row_id)}"
        records = self._api.query(convert.query(where, condition), "one row") or []
        return convert.live_row(where, records[0]) if len(records) == 1 else None

    def _rows(self, where: Layout, wanted: frozenset[str] | None) -> Rows:
        if wanted is None:
            return self._whole(where)
        if not wanted:
            return Rows(where.fields, complete=False)
        conditions = convert.by_keys(where, wanted, KEYS_PER_QUERY)
        size = self._sizes.get(where.table)
        if size is not None and len(conditions) > max(1, -(-size // CAPABILITIES.page)):
            # The whole object takes fewer requests.
            return _some(where, self._whole(where).rows, wanted)

        def ask(condition: str) -> list[LiveRow]:
            records = self._api.query(convert.query(where, condition), f"rows of {where.system}") or []
            return [convert.live_row(where, record) for record in records]

        found = _sorted(row for rows in each(ask, conditions, workers=_WORKERS) for row in rows)
        _each_once(where, found)
        return _some(where, found, wanted)

    def _whole(self, where: Layout) -> Rows:
        title = f"rows of {where.table}"
        records = self._api.query(convert.query(where), title, most=MOST_FOREIGN)
        if records is None:
            records = self._api.query(convert.query(where, convert.own(where)), title) or []
        rows = _sorted(convert.live_row(where, record) for record in records)
        _each_once(where, rows)
        self._sizes[where.table] = len(rows)
        return Rows(where.fields, rows, total=len(rows))


def _some(where: Layout, rows: tuple[LiveRow, ...], wanted: frozenset[str]) -> Rows:
    """Only the rows of the wanted keys, and those that Salesforce takes for the same: it is blind to case."""
    kept = {where.kept(key).casefold() for key in wanted}
    some = tuple(row for row in rows if convert.external(where, row).casefold() in kept)
    return Rows(where.fields, some, complete=False)


def _sorted(rows: Iterable[LiveRow]) -> tuple[LiveRow, ...]:
    return tuple(sorted(rows, key=lambda row: (row.key, row.id)))


def _each_once(where: Layout, rows: tuple[LiveRow, ...]) -> None:
    if len({row.id for row in rows}) != len(rows):
        raise IncompleteRead(f"rows of {where.table} came twice", hint="run again")
    own = [row.key for row in rows if row.mine]
    if len(set(own)) != len(own):
        twice = next(key for key in own if own.count(key) > 1)
        raise IncompleteRead(
            f"two rows of {where.table} have the key {where.kept(twice)!r}",
            hint=f"delete one of them, and make {where.key} unique: an external id must name one row",
        )
