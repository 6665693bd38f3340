"""Reads mapping rows out of data tables: one listing for all systems that share a table, or the rows that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wrapctl.errors import Answered
from wrapctl.model import Identity, Live
from wrapctl.rows import LiveRow, LiveTable, Place, Rows
from wrapctl.targets.genesys.reader import GenesysReader
from wrapctl.targets.genesys_datatable import convert
from wrapctl.targets.genesys_datatable.convert import Body
from wrapctl.targets.genesys_datatable.options import DatatableTarget
from wrapctl.targets.genesys_datatable.tables import NO_TABLE, Tables
from wrapctl.targets.interface import Want


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the rows of one system are: whose they are, what its mapping says, how their keys begin."""

    place: Place
    options: DatatableTarget
    prefix: str

    @classmethod
    def of(cls, place: Place, options: DatatableTarget) -> Kept:
        """Return it with the prefix settled."""
        return cls(place, options, convert.prefix_of(place, options))

    def key(self, row: str) -> str:
        """Return the key in the table of a row's own key."""
        return convert.table_key(self.prefix, row)

    def claims(self, body: Body) -> bool:
        """Whether a row is of this system, told by less than all of it: there may be thousands."""
        marked = body.get(convert.MARK) == self.place.marker
        return marked and str(body.get(convert.KEY)).startswith(self.prefix)

    def live(self, body: Body) -> LiveRow:
        """Return a row in normal form."""
        return convert.live_row(body, self.place, self.prefix)


Places = Mapping[str, Kept]
"""By system."""


class DatatableReader:
    """Reads the rows of ``places``."""

    def __init__(self, tables: Tables, places: Places) -> None:
        self._tables = tables
        self._places = places
        self._platform = GenesysReader(tables.api)

    def identity(self) -> Identity:
        """The organization that keeps the tables."""
        return self._platform.identity()

    def read(self, want: Want) -> Live:
        """All rows that are wanted, foreign ones included; of a table that is not there, what it would need.

        Raises:
            TargetError: anything less than all was read.
        """
        identity = self.identity()
        asked = {system: keys for system, keys in want.rows.items() if system in self._places}
        crm: dict[str, Rows] = {}
        for name in sorted({self._places[system].options.table for system in asked}):
            here = {
                system: keys for system, keys in asked.items() if self._places[system].options.table == name
            }
            crm.update(self._table(name, here))
        return Live(identity, crm=crm)

    def _table(self, name: str, asked: Mapping[str, frozenset[str] | None]) -> dict[str, Rows]:
        few = all(keys is not None for keys in asked.values()) and any(asked.values())
        known = self._tables.known(name) if few else None
        if known is not None:
            try:
                return self._kept(known, asked)
            except Answered as error:
                if error.answer.code != NO_TABLE:
                    raise
                self._tables.forget(name)
        table = self._tables.find(name)
        if table is not None:
            return self._kept(table, asked)
        count = self._tables.count()
        places = {system: self._places[system] for system in asked}
        return {
            system: _rows(kept, convert.no_table(kept.options, count), (), complete=True, total=0)
            for system, kept in places.items()
        }

    def _kept(self, table: LiveTable, asked: Mapping[str, frozenset[str] | None]) -> dict[str, Rows]:
        table_id = str(table.id)
        if any(keys is None for keys in asked.values()):
            bodies = self._tables.rows(table_id)
        else:
            wanted = {self._places[system].key(key) for system, keys in asked.items() for key in keys or ()}
            bodies = self._tables.some(table_id, frozenset(wanted)) if wanted else []
        size = self._tables.memory.sizes.get(table_id)
        total = None if size is None else size.rows
        found: dict[str, Rows] = {}
        for system, keys in asked.items():
            kept = self._places[system]
            live = self._without_siblings(system, bodies) if keys is None else _asked(kept, bodies, keys)
            found[system] = _rows(kept, table, live, complete=keys is None, total=total)
        return found

    def _without_siblings(self, system: str, bodies: Iterable[Body]) -> tuple[LiveRow, ...]:
        """Rows without those of other mappings of this org: they are managed there, and no strangers here."""
        kept = self._places[system]
        others = [
            other
            for name, other in self._places.items()
            if name != system and other.options.table == kept.options.table
        ]
        return tuple(kept.live(body) for body in bodies if not any(other.claims(body) for other in others))


def _asked(kept: Kept, bodies: Iterable[Body], keys: frozenset[str]) -> tuple[LiveRow, ...]:
    wanted = {kept.key(key) for key in keys}
    return tuple(kept.live(body) for body in bodies if body.get(convert.KEY) in wanted)


def _rows(
    kept: Kept, table: LiveTable, rows: tuple[LiveRow, ...], *, complete: bool, total: int | None
) -> Rows:
    return Rows(
        fields=convert.FIELDS,
        rows=rows,
        complete=complete,
        table=table,
        most=kept.options.max_rows,
        total=total,
    )
