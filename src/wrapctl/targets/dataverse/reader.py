"""Reads the dispositions of a Dataverse environment: one listing for all systems that keep their values there."""

from __future__ import annotations

from wrapctl.model import Identity, Live
from wrapctl.rows import Place, Rows
from wrapctl.targets.dataverse import convert
from wrapctl.targets.dataverse.api import Api
from wrapctl.targets.dataverse.options import DataverseTarget
from wrapctl.targets.interface import Want

Places = dict[str, tuple[Place, DataverseTarget]]
"""System → whose rows they are, and what its mapping says."""


class DataverseReader:
    """Reads through ``connected``. ``identity`` is the environment by its address: no operation of the contract names it."""

    def __init__(self, connected: Api, places: Places, identity: Identity) -> None:
        self._api = connected
        self._places = places
        self._identity = identity

    def identity(self) -> Identity:
        """The environment, by its address."""
        return self._identity

    def read(self, want: Want) -> Live:
        """All rows of the wanted systems, foreign ones included.

        Keys are not looked up one by one: who else offers a value is in the listing alone, which is one request for a
        thousand rows.

        Raises:
            TargetError: anything less than all was read.
        """
        asked = {system: keys for system, keys in want.rows.items() if system in self._places}
        # An empty set of keys asks for the table alone, and this one is always there.
        bodies = self._api.rows() if any(keys is None or keys for keys in asked.values()) else []
        crm = {}
        for system, keys in asked.items():
            place, options = self._places[system]
            listed = keys is None or bool(keys)
            rows = tuple(convert.live_row(body, place, options) for body in bodies) if listed else ()
            crm[system] = Rows(
                fields=convert.fields_kept(options),
                rows=rows,
                complete=listed,
                value_list=True,
                total=len(rows) if listed else None,
            )
        return Live(self._identity, crm=crm)
