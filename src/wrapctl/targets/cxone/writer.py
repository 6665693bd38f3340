"""Writes to a CXone tenant: one unit in, one outcome per change out, never fewer."""

from __future__ import annotations

from wrapctl.model import Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.targets.cxone.api import Api
from wrapctl.targets.cxone.dispositions import change_disposition, create_dispositions
from wrapctl.targets.cxone.reader import CxoneReader
from wrapctl.targets.cxone.skills import write_skill
from wrapctl.targets.interface import Outcome, Result


class CxoneWriter:
    """Sends each unit. A lost answer is *unknown*, and reading settles it: a create is never sent twice.

    ``assigns`` is False for a tenant that leaves assignments to a person: no list of dispositions is ever sent.
    """

    def __init__(self, connected: Api, reader: CxoneReader, *, assigns: bool = True) -> None:
        self._api = connected
        self._reader = reader
        self._assigns = assigns

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        changes = unit.changes
        match changes[0].verb:
            case Verb.CREATE_CODE:
                return create_dispositions(self._api, self._reader, changes, fresh)
            case Verb.UPDATE_CODE | Verb.DEACTIVATE_CODE:
                return tuple(change_disposition(self._api, self._reader, one, fresh) for one in changes)
            case Verb.ASSIGN | Verb.UNASSIGN | Verb.REORDER | Verb.SET_ACW:
                return write_skill(self._api, self._reader, changes, fresh, assigns=self._assigns)
            case _:
                return tuple(
                    Outcome(change.id, Result.REFUSED, message=f"NICE CXone cannot {change.verb.value}")
                    for change in changes
                )
