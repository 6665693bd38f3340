"""Writes to a Genesys Cloud org: one unit in, one outcome per change out, never fewer."""

from __future__ import annotations

import json
from dataclasses import replace

from wrapctl.errors import TargetError
from wrapctl.model import ALL_DIVISIONS, Change, Fields, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.targets.genesys import api, convert, outbound, queues
from wrapctl.targets.genesys.api import Api
from wrapctl.targets.genesys.classify import PERMISSIONS, failed
from wrapctl.targets.genesys.convert import NO_BODY
from wrapctl.targets.genesys.reader import GenesysReader
from wrapctl.targets.interface import Outcome, Result


class GenesysWriter:
    """Sends each unit as one write. Nothing is ever sent twice: a lost answer is *unknown*, and reading settles it."""

    def __init__(self, connected: Api, reader: GenesysReader) -> None:
        self._api = connected
        self._reader = reader

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        changes = unit.changes
        match changes[0].verb:
            case Verb.CREATE_CODE:
                return tuple(self._create(change, fresh) for change in changes)
            case Verb.UPDATE_CODE:
                return tuple(self._update(change, fresh) for change in changes)
            case Verb.DELETE_CODE:
                return tuple(self._delete(change) for change in changes)
            case Verb.ASSIGN:
                return self._assign(changes)
            case Verb.UNASSIGN:
                return tuple(self._unassign(change) for change in changes)
            case Verb.SET_ACW:
                return tuple(queues.set_after_call_work(self._api, change, fresh) for change in changes)
            case Verb.SET_OUTBOUND:
                return outbound.set_flags(self._api, changes, fresh)
            case _:
                return tuple(
                    Outcome(change.id, Result.REFUSED, message=f"Genesys Cloud cannot {change.verb.value}")
                    for change in changes
                )

    # ── codes ──────────────────────────────────────────────────────────────────────────────────────────────

    def _create(self, change: Change, fresh: Live) -> Outcome:
        division_id, refusal = self._division(change, change.after, fresh)
        if refusal is not None:
            return refusal
        body = json.dumps(convert.code_request(change.after, division_id, NO_BODY))
        try:
            reply = self._api.send("POST", api.CODES, {}, body, answered=True)
        except TargetError as error:
            return failed(change, error)
        made = reply.value.get("id") if isinstance(reply.value, dict) else None
        if not isinstance(made, str) or not made:
            text = "the platform took the create and did not say which id it made"
            return Outcome(change.id, Result.UNKNOWN, message=text, request_id=reply.request_id)
        return Outcome(change.id, Result.DONE, live_id=made, request_id=reply.request_id)

    def _update(self, change: Change, fresh: Live) -> Outcome:
        code_id = change.live_id or ""
        live = next((code for code in fresh.codes if code.id == code_id), None)
        if live is None:
            return Outcome(
                change.id, Result.STALE, message="the code is not there any more", hint="plan again"
            )
        # A PUT without `division`, or without what else the code holds, may reset it (section 5: not found).
        fields = {**live.fields, "name": live.name, **change.after}
        division_id, refusal = self._division(change, fields, fresh)
        if refusal is not None:
            return refusal
        rest = self._api.memory.rest.get(code_id, NO_BODY)
        body = json.dumps(convert.code_request(fields, division_id, rest))
        try:
            reply = self._api.send("PUT", api.CODE, {"codeId": code_id}, body, answered=False)
        except TargetError as error:
            outcome = failed(change, error)
            return replace(outcome, now=live.fields) if outcome.result is Result.REFUSED else outcome
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)

    def _delete(self, change: Change) -> Outcome:
        return self._remove(change, api.CODE, {"codeId": change.live_id or ""})

    def _division(self, change: Change, fields: Fields, fresh: Live) -> tuple[str | None, Outcome | None]:
        """The id of the division that ``fields`` name (None: they name none), or why there is none."""
        name = fields.get("division")
        if not isinstance(name, str):
            return None, None
        if name == ALL_DIVISIONS:
            return ALL_DIVISIONS, None
        for division in fresh.divisions:
            if division.name == name:
                return division.id, None
        memory = self._api.memory
        try:
            if name not in memory.division_ids:
                self._reader.divisions()
        except TargetError as error:
            return None, failed(change, error)
        found = memory.division_ids.get(name)
        if found is not None:
            return found, None
        return None, Outcome(
            change.id,
            Result.REFUSED,
            message=f'there is no division "{name}" in this org',
            hint=f"correct `division`, or give the client {PERMISSIONS[change.verb]} in it",
        )

    # ── links ──────────────────────────────────────────────────────────────────────────────────────────────

    def _assign(self, changes: tuple[Change, ...]) -> tuple[Outcome, ...]:
        """One POST; it only adds (section 6), so that what others put on the queue stays."""
        queue_id = changes[0].parent or ""
        body = json.dumps([{"id": change.live_id} for change in changes])
        try:
            reply = self._api.send("POST", api.LINKS, {"queueId": queue_id}, body, answered=False)
        except TargetError as error:
            return tuple(failed(change, error) for change in changes)
        return tuple(Outcome(change.id, Result.DONE, request_id=reply.request_id) for change in changes)

    def _unassign(self, change: Change) -> Outcome:
        return self._remove(
            change, api.LINK, {"queueId": change.parent or "", "codeId": change.live_id or ""}
        )

    def _remove(self, change: Change, template: str, params: dict[str, str]) -> Outcome:
        try:
            reply = self._api.send("DELETE", template, params, None, answered=False)
        except TargetError as error:
            return failed(change, error)
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)
