"""Writes dispositions: each change one conditional request, one outcome per change, never fewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wrapctl.config.values import has_control
from wrapctl.errors import Interrupted, TargetError
from wrapctl.http.wire import Reply
from wrapctl.model import Change, Fields, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import LiveRow, Place
from wrapctl.targets.claims import Claims
from wrapctl.targets.dataverse import convert
from wrapctl.targets.dataverse.api import Api
from wrapctl.targets.dataverse.classify import changed_underneath, denied, failed, gone
from wrapctl.targets.dataverse.options import NAME_MAX, DataverseTarget
from wrapctl.targets.dataverse.reader import Places
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import not_read
from wrapctl.targets.shared_rows.keys import units
from wrapctl.targets.value_list import row_of, rows_of


class DataverseWriter:
    """Sends each change as it stands, under the ETag of the fresh read. Nothing is ever sent twice."""

    def __init__(self, connected: Api, places: Places) -> None:
        self._api = connected
        self._places = places
        self._claims = Claims()

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        return tuple(self._one(change, fresh) for change in unit.changes)

    def _one(self, change: Change, fresh: Live) -> Outcome:
        known = self._places.get(change.system)
        if known is None:
            return _refused(change, f"no mapping of this connection is called {change.system}")
        place, options = known
        match change.verb:
            case Verb.CREATE_ROW:
                return self._create(change, place, options, fresh)
            case Verb.UPDATE_ROW | Verb.DEACTIVATE_ROW | Verb.DELETE_ROW:
                return self._existing(change, place, options, row_of(fresh, change.system, change.live_id))
            case _:
                return _refused(change, f"Dataverse cannot {change.verb.value}")

    def _create(self, change: Change, place: Place, options: DataverseTarget, fresh: Live) -> Outcome:
        if refusal := _cannot_hold(change, change.after, options):
            return refusal
        held = {row.id.lower(): row.fields.get("value") for row in rows_of(fresh, change.system)}
        value = str(change.after.get("value") or "")
        made = convert.row_id(place, value, held)
        if (holder := self._claims.take(value, place.marker)) is not None:
            message = f"{holder} has just made a row of this value"
            return Outcome(change.id, Result.EXISTS, message=message)
        try:
            reply = self._api.create(made, convert.new_body(change.after, options))
        except TargetError as error:
            outcome = failed(change, error)
            if outcome.result is not Result.UNKNOWN:
                self._claims.free(value, place.marker)
            return outcome
        return Outcome(change.id, Result.DONE, live_id=made, request_id=reply.request_id)

    def _existing(
        self, change: Change, place: Place, options: DataverseTarget, live: LiveRow | None
    ) -> Outcome:
        if live is None:
            return gone(change)
        if not live.mine:
            return _refused(
                change, "the row is not wrapctl's: only rows that it made are ever changed or removed"
            )
        if change.verb is Verb.DELETE_ROW:
            return self._conditional(change, place, options, lambda: self._api.delete(live.id, live.token))
        after = {**live.fields, **change.after}
        if refusal := _cannot_hold(change, after, options):
            return refusal
        body = convert.changed_body(live.fields, after, options)
        if not body:
            return Outcome(change.id, Result.DONE, message="it was already so")
        return self._conditional(change, place, options, lambda: self._api.update(live.id, body, live.token))

    def _conditional(
        self, change: Change, place: Place, options: DataverseTarget, send: Callable[[], Reply]
    ) -> Outcome:
        try:
            locked = self._api.compares_etags()
        except TargetError as error:
            hint = "the application user must be able to read table definitions" if denied(error) else ""
            found = not_read(change, error)
            return replace(found, hint=hint or found.hint)
        if not locked:
            return _refused(
                change,
                "the table msdyn_ocdispositioncode has optimistic concurrency off: a write under a lock would be an "
                "unlocked one",
                "turn it on for the table (`IsOptimisticConcurrencyEnabled`), or change its rows by hand",
                fatal=True,
            )
        try:
            reply = send()
        except TargetError as error:
            outcome = failed(change, error)
            if changed_underneath(error):
                return self._as_it_is_now(change, outcome, place, options)
            return outcome
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)

    def _as_it_is_now(
        self, change: Change, outcome: Outcome, place: Place, options: DataverseTarget
    ) -> Outcome:
        """Say what the row has become, the third of the values that a person needs."""
        try:
            body = self._api.row(change.live_id or "")
            now = None if body is None else convert.live_row(body, place, options).fields
        except (TargetError, Interrupted) as error:
            return replace(outcome, message=f"{outcome.message}; it could not be read again: {error.message}")
        if now is None:
            return replace(outcome, message=f"{outcome.message}; the row is not there any more")
        return replace(outcome, now={name: now.get(name) for name in {**change.before, **change.after}})


def _cannot_hold(change: Change, fields: Fields, options: DataverseTarget) -> Outcome | None:
    """Refuse what the row's name cannot hold, before the server cuts it or takes it for something else."""
    name, value = convert.name_of(fields, options), str(fields.get("value") or "")
    if not value:
        return _refused(change, "a disposition without a value")
    if (length := units(name)) > NAME_MAX:
        return _refused(
            change,
            f"`msdyn_name` holds {NAME_MAX} characters, and this one has {length}",
            "shorten the description, or say `name: value` in the mapping's target",
        )
    if has_control(name) is not None:
        return _refused(change, "`msdyn_name` is one line, and this one has a line break or a tab")
    if options.name == "description" and fields.get("description") == value:
        return _refused(
            change,
            "the description is the value itself, which Dataverse shows as no description",
            "leave the description out, or say more in it",
        )
    return None


def _refused(change: Change, message: str, hint: str = "", *, fatal: bool = False) -> Outcome:
    return Outcome(change.id, Result.REFUSED, message=message, hint=hint, fatal=fatal)
