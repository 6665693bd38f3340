"""Writes mapping rows to a Salesforce org: creates up to 200 at a time, all else row by row under a condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wrapctl.errors import Interrupted, TargetError
from wrapctl.model import Change, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import LiveRow
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.salesforce import convert
from wrapctl.targets.salesforce.api import Api
from wrapctl.targets.salesforce.classify import failed, refused_row
from wrapctl.targets.salesforce.convert import Layout
from wrapctl.targets.salesforce.options import TEXT_MAX
from wrapctl.targets.salesforce.reader import SalesforceReader
from wrapctl.targets.shared_rows import keys

UPSERT = "collections upsert"


class SalesforceWriter:
    """Sends each unit as one write. Nothing is ever sent twice: a lost answer is *unknown*, and reading settles it."""

    def __init__(self, api: Api, layouts: Mapping[str, Layout], reader: SalesforceReader) -> None:
        self._api = api
        self._layouts = layouts
        self._reader = reader

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        changes = unit.changes
        where = self._layouts[changes[0].system]
        live = fresh.crm[where.system].rows if where.system in fresh.crm else ()
        match changes[0].verb:
            case Verb.CREATE_ROW:
                return self._create(where, changes, live)
            case Verb.UPDATE_ROW | Verb.DEACTIVATE_ROW:
                return tuple(self._update(where, change, live) for change in changes)
            case Verb.DELETE_ROW:
                return tuple(self._delete(where, change) for change in changes)
            case verb:
                return tuple(
                    Outcome(change.id, Result.REFUSED, message=f"Salesforce cannot {verb.value}")
                    for change in changes
                )

    # ── creates ────────────────────────────────────────────────────────────────────────────────────────────

    def _create(
        self, where: Layout, changes: tuple[Change, ...], live: tuple[LiveRow, ...]
    ) -> tuple[Outcome, ...]:
        """One upsert. It would overwrite what is there, so that what the last look showed is not sent."""
        there = {convert.external(where, row).casefold(): row for row in live}
        outcomes = {change.id: self._unsendable(where, change, there) for change in changes}
        todo = [change for change in changes if outcomes[change.id] is None]
        if todo:
            outcomes |= {one.id: one for one in self._upsert(where, todo)}
        return tuple(one for one in outcomes.values() if one is not None)

    def _unsendable(self, where: Layout, change: Change, there: Mapping[str, LiveRow]) -> Outcome | None:
        key = str(change.after["key"])
        if not keys.can_be_told(where.prefix, key, where.fields, TEXT_MAX):
            text = f"the key {key} is longer than {where.key} holds, and no field tells what it stood for"
            hint = "keep `code`, `status` and `when` under `target.fields`, or shorten the condition"
            return Outcome(change.id, Result.REFUSED, message=text, hint=hint)
        row = there.get(where.kept(key).casefold())
        if row is None:
            return None
        if convert.external(where, row) == where.kept(key):
            text = "a row of that key is there already"
            return Outcome(change.id, Result.EXISTS, message=text, now=row.fields)
        text = f"the row {row.id} has the key {convert.external(where, row)!r}, which Salesforce takes for the same"
        hint = (
            "its external ids are blind to case, so that the write would change that row: rename one of them"
        )
        return Outcome(change.id, Result.REFUSED, message=text, hint=hint)

    def _upsert(self, where: Layout, changes: list[Change]) -> list[Outcome]:
        records = [convert.new_record(where, change.after) for change in changes]
        try:
            reply = self._api.upsert(where.table, where.key, records)
        except TargetError as error:
            return [failed(change, error) for change in changes]
        results = reply.value if isinstance(reply.value, list) else []
        if len(results) != len(changes):
            text = f"Salesforce answered for {len(results)} of {len(changes)} rows"
            return [Outcome(change.id, Result.UNKNOWN, message=text) for change in changes]
        return [
            _made(where, change, result, reply.request_id)
            for change, result in zip(changes, results, strict=True)
        ]

    # ── one row ────────────────────────────────────────────────────────────────────────────────────────────

    def _update(self, where: Layout, change: Change, live: tuple[LiveRow, ...]) -> Outcome:
        row = next((row for row in live if row.id == change.live_id), None)
        if row is None:
            text = "the row is not there any more"
            return Outcome(change.id, Result.STALE, message=text, hint="plan again")
        members = convert.changed_members(where, change.before, change.after)
        if change.verb is Verb.DEACTIVATE_ROW:
            column = where.columns.get("active")
            if column is None:
                text = f"rows of {where.system} cannot be deactivated: no field keeps whether they are active"
                hint = "name a checkbox under `target.fields.active`, or say `on_remove: delete`"
                return Outcome(change.id, Result.REFUSED, message=text, hint=hint)
            members = {column: False}
        if not members:
            return Outcome(change.id, Result.DONE, message="nothing to write")
        try:
            reply = self._api.update(where.table, row.id, members, row.token)
        except TargetError as error:
            outcome = failed(change, error)
            return self._with_now(where, outcome, row.id) if outcome.result is Result.STALE else outcome
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)

    def _with_now(self, where: Layout, outcome: Outcome, row_id: str) -> Outcome:
        """Add what is live, as far as one more look tells it."""
        try:
            row = self._reader.row(where, row_id)
        except (TargetError, Interrupted):  # the write was answered: it counts, whatever becomes of this look
            return outcome
        return outcome if row is None else replace(outcome, now=row.fields)

    def _delete(self, where: Layout, change: Change) -> Outcome:
        try:
            reply = self._api.delete(where.table, change.live_id or "")
        except TargetError as error:
            return failed(change, error)
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)


def _made(where: Layout, change: Change, result: object, request_id: str) -> Outcome:
    body = result if isinstance(result, dict) else {}
    made = body.get("id")
    if body.get("success") is not True:
        return refused_row(change, f"{UPSERT} of {where.table}", body, request_id)
    if not isinstance(made, str) or not made:
        text = "Salesforce took the row and did not say which id it has"
        return Outcome(change.id, Result.UNKNOWN, message=text, request_id=request_id)
    if body.get("created") is False:
        text = "somebody made a row of that key in the moment before: what it held was overwritten"
        return Outcome(
            change.id,
            Result.EXISTS,
            live_id=made,
            message=text,
            request_id=request_id,
            overwritten=tuple(sorted(where.columns)),
        )
    return Outcome(change.id, Result.DONE, live_id=made, request_id=request_id)
