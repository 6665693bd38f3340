"""Connects data tables: through the session of the org that keeps them, so that token and pace are shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from wrapctl.errors import UsageError
from wrapctl.rows import Place
from wrapctl.targets.genesys.target import GenesysTarget
from wrapctl.targets.genesys_datatable.capabilities import CAPABILITIES
from wrapctl.targets.genesys_datatable.options import DatatableTarget
from wrapctl.targets.genesys_datatable.reader import DatatableReader, Kept, Places
from wrapctl.targets.genesys_datatable.tables import Tables
from wrapctl.targets.genesys_datatable.writer import DatatableWriter
from wrapctl.targets.interface import Capabilities, CrmConnection, Runtime, Target, Traffic
from wrapctl.targets.shared_rows.keys import overlapping
from wrapctl.targets.shared_rows.options import parsed


class ConnectedTables:
    """The data tables of one org. Reader and writer share what was seen."""

    def __init__(self, platform: GenesysTarget, places: Places) -> None:
        self._platform = platform
        self._places = places
        self._tables = Tables(platform.api)
        systems = {
            system: replace(CAPABILITIES, rows_max=kept.options.max_rows) for system, kept in places.items()
        }
        self._capabilities = replace(CAPABILITIES, systems=MappingProxyType(systems))

    @property
    def capabilities(self) -> Capabilities:
        """What a data table can keep and do; ``systems`` tells how many rows each mapping allows."""
        return self._capabilities

    @property
    def traffic(self) -> Traffic:
        """The org's own: its session sends everything."""
        return self._platform.traffic

    def reader(self) -> DatatableReader:
        """A reader; plan has nothing else."""
        return DatatableReader(self._tables, self._places)

    def writer(self) -> DatatableWriter:
        """A writer; only apply asks for one."""
        return DatatableWriter(self._tables, self._places)

    def evidence(self) -> None:
        """None: its rows are in the trail of the org."""

    def close(self) -> None:
        """Do nothing: the sockets are the org's."""


def connect(crm: CrmConnection, runtime: Runtime, platform: Target) -> ConnectedTables:
    """Return the data tables of the org that ``platform`` is.

    Raises:
        UsageError: the org is on another platform, or the options of a mapping make no sense.
    """
    del runtime  # the org's session has it
    if not isinstance(platform, GenesysTarget):
        raise UsageError(
            f"{crm.connection.org}: data tables are kept by Genesys Cloud, and this org is on {platform.capabilities.title}",
            hint="use another type of target, with a connection",
        )
    places = {
        place.system: Kept.of(place, parsed(DatatableTarget, place, CAPABILITIES.name))
        for place in crm.places
    }
    _check_apart(places, crm.places)
    return ConnectedTables(platform, MappingProxyType(places))


def _check_apart(places: Mapping[str, Kept], all_places: Iterable[Place]) -> None:
    for table in sorted({kept.options.table for kept in places.values()}):
        prefixes = {system: kept.prefix for system, kept in places.items() if kept.options.table == table}
        found = overlapping(prefixes)
        if found is not None:
            one, other = found
            owner = next(place.owner for place in all_places)
            raise UsageError(
                f'{owner}: rows of "{one}" and "{other}" cannot be told apart in the data table "{table}": '
                f'their keys begin with "{prefixes[one]}" and "{prefixes[other]}"',
                hint="give them prefixes of which none begins with the other",
            )
