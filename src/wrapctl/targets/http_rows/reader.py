"""Reads the rows of an HTTP endpoint: always the whole listing, since an endpoint need not look rows up by key."""

from __future__ import annotations

from collections.abc import Mapping

from wrapctl.model import Identity, Live
from wrapctl.rows import Rows
from wrapctl.targets.http_rows.api import Api
from wrapctl.targets.http_rows.convert import Layout
from wrapctl.targets.interface import Want


class HttpReader:
    """Reads the rows of the systems that ``layouts`` lay out. ``sandbox``: the endpoint is an emulation."""

    def __init__(self, api: Api, layouts: Mapping[str, Layout], *, sandbox: bool) -> None:
        self._api = api
        self._layouts = layouts
        self._sandbox = sandbox

    def identity(self) -> Identity:
        """The endpoint by its host: it has no other name."""
        return Identity(self._api.host, self._api.host, sandbox=self._sandbox)

    def read(self, want: Want) -> Live:
        """All rows that are wanted; none of an endpoint that rows are only sent to.

        Raises:
            TargetError: anything less than all was read.
        """
        crm = {system: self._rows(self._layouts[system], wanted) for system, wanted in want.rows.items()}
        return Live(self.identity(), complete_codes=False, complete_queues=False, crm=crm)

    def _rows(self, where: Layout, wanted: frozenset[str] | None) -> Rows:
        if where.options.send_only:
            return Rows(where.fields, complete=wanted is None, compared=False)
        if wanted is not None and not wanted:
            return Rows(where.fields, complete=False)
        rows = tuple(sorted(self._api.rows(where), key=lambda row: (row.key, row.id)))
        if wanted is None:
            return Rows(where.fields, rows, total=len(rows))
        kept = {where.kept(key) for key in wanted}
        some = tuple(row for row in rows if where.external(row) in kept)
        return Rows(where.fields, some, complete=False, total=len(rows))
