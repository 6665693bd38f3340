"""Reads the wrap-up codes of a ServiceNow instance: one listing for all systems that keep their values there."""

from __future__ import annotations

from wrapctl.model import Identity, Live
from wrapctl.rows import Place, Rows
from wrapctl.targets.interface import Want
from wrapctl.targets.servicenow import convert
from wrapctl.targets.servicenow.api import Api
from wrapctl.targets.servicenow.options import Columns

Places = dict[str, tuple[Place, Columns]]
"""System → whose rows they are, and what the columns are called."""


class ServicenowReader:
    """Reads through ``connected``. ``identity`` is the instance by its address: no operation of the contract names it."""

    def __init__(self, connected: Api, places: Places, identity: Identity) -> None:
        self._api = connected
        self._places = places
        self._identity = identity

    def identity(self) -> Identity:
        """The instance, by its address."""
        return self._identity

    def read(self, want: Want) -> Live:
        """All rows of the wanted systems, foreign ones included.

        Labels are not looked up one by one: in a query a comma, a caret or a quote in a label would mean something else,
        and who else has the label in other letters is in the listing alone.

        Raises:
            TargetError: anything less than all was read.
        """
        asked = {system: keys for system, keys in want.rows.items() if system in self._places}
        bodies = self._api.rows() if any(keys is None or keys for keys in asked.values()) else []
        crm = {}
        for system, keys in asked.items():
            place, columns = self._places[system]
            listed = keys is None or bool(keys)
            rows = tuple(convert.live_row(body, place, columns) for body in bodies) if listed else ()
            crm[system] = Rows(
                fields=convert.FIELDS_KEPT,
                rows=rows,
                complete=listed,
                value_list=True,
                total=len(rows) if listed else None,
                sent=convert.FIELDS_SENT,
            )
        return Live(self._identity, crm=crm)
