"""Writes wrap-up codes: many in one upsert, one outcome per change, never fewer."""

from __future__ import annotations

from wrapctl.errors import Interrupted, TargetError
from wrapctl.model import Change, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.targets.claims import Claims
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.servicenow.api import Api
from wrapctl.targets.servicenow.classify import failed, gone
from wrapctl.targets.servicenow.reader import Places
from wrapctl.targets.servicenow.upsert import FOREIGN, Upsert
from wrapctl.targets.value_list import row_of, rows_of

_UPSERTED = frozenset({Verb.CREATE_ROW, Verb.UPDATE_ROW, Verb.DEACTIVATE_ROW})


class ServicenowWriter:
    """Sends each unit as one upsert, renames beside it. Nothing is ever sent twice."""

    def __init__(self, connected: Api, places: Places) -> None:
        self._api = connected
        self._places = places
        self._claims = Claims()

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        changes = unit.changes
        system = changes[0].system
        known = self._places.get(system)
        if known is None:
            return tuple(
                _refused(one, f"no mapping of this connection is called {system}") for one in changes
            )
        if all(change.verb in _UPSERTED for change in changes):
            place, columns = known
            rows = tuple(rows_of(fresh, system))
            return Upsert(self._api, self._claims, place, columns, rows).write(changes)
        return self._removals(changes, fresh)

    def _removals(self, changes: tuple[Change, ...], fresh: Live) -> tuple[Outcome, ...]:
        done: list[Outcome] = []
        try:
            for change in changes:
                removes = change.verb is Verb.DELETE_ROW
                cannot = f"ServiceNow cannot {change.verb.value}"
                done.append(self._delete(change, fresh) if removes else _refused(change, cannot))
        except Interrupted:
            if not done:
                raise
            stopped = "not sent: the run was asked to stop"
            done += [Outcome(one.id, Result.BUSY, message=stopped) for one in changes[len(done) :]]
        return tuple(done)

    def _delete(self, change: Change, fresh: Live) -> Outcome:
        live = row_of(fresh, change.system, change.live_id)
        if live is None:
            return gone(change)
        if not live.mine:
            return _refused(change, FOREIGN)
        try:
            reply = self._api.delete(live.id)
        except TargetError as error:
            return failed(change, error)
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)


def _refused(change: Change, message: str) -> Outcome:
    return Outcome(change.id, Result.REFUSED, message=message)
