"""Writes rows to an HTTP endpoint: one request a row, each with an idempotency key, If-Match where there are ETags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wrapctl.errors import Answered, Interrupted, TargetError
from wrapctl.model import Change, Fields, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import FROM_CRM, LiveRow, alike
from wrapctl.targets.http_rows import convert, template
from wrapctl.targets.http_rows.api import Api, Headers
from wrapctl.targets.http_rows.capabilities import abilities
from wrapctl.targets.http_rows.classify import failed
from wrapctl.targets.http_rows.convert import Layout
from wrapctl.targets.http_rows.options import KEY_MAX
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.outcomes import not_read
from wrapctl.targets.shared_rows import keys


@dataclass(frozen=True, slots=True)
class _Tag:
    """The ETag to write under ("" without one), or why nothing may be written."""

    value: str = ""
    refusal: Outcome | None = None


class HttpWriter:
    """Sends each row alone. Where it can be read back nothing is sent twice: a lost answer is *unknown*.

    ``clock`` tells what ``{timestamp}`` is, ``nonce`` makes this run's idempotency keys its own.
    """

    def __init__(
        self, api: Api, layouts: Mapping[str, Layout], *, clock: Callable[[], datetime], nonce: str
    ) -> None:
        self._api = api
        self._layouts = layouts
        self._clock = clock
        self._nonce = nonce

    def write(self, unit: Unit, fresh: Live) -> tuple[Outcome, ...]:
        """Send one unit and return one outcome for each of its changes, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        where = self._layouts[unit.changes[0].system]
        live = fresh.crm[where.system].rows if where.system in fresh.crm else ()
        return tuple(self._one(where, change, live) for change in unit.changes)

    def _one(self, where: Layout, change: Change, live: tuple[LiveRow, ...]) -> Outcome:
        if change.verb not in abilities(where.options, where.members).verbs:
            return _unable(where, change)
        if change.verb is Verb.CREATE_ROW:
            return self._create(where, change, live)
        row = next((row for row in live if row.id == change.live_id), None)
        if change.verb is Verb.DELETE_ROW:
            return self._delete(where, change, row)
        if row is None:
            text = "the row is not there any more"
            return Outcome(change.id, Result.STALE, message=text, hint="plan again")
        over = {"active": False} if change.verb is Verb.DEACTIVATE_ROW else {}
        return self._update(where, change, row, {**row.fields, **change.after, **over})

    def _create(self, where: Layout, change: Change, live: tuple[LiveRow, ...]) -> Outcome:
        options = where.options
        key = str(change.after["key"])
        external = where.kept(key)
        if (refusal := _unsendable(where, change, key)) is not None:
            return refusal
        there = next((row for row in live if where.external(row) == external), None)
        if there is not None:
            text = "a row of that key is there already"
            return Outcome(change.id, Result.EXISTS, message=text, now=there.fields)
        method = options.create or options.method
        path = options.path if method == "POST" and options.create is not None else where.write_path
        # A server with ETags refuses a second row of the key, whoever was faster.
        guarded = options.etag and not options.send_only and method != "POST"
        headers: Headers = (("If-None-Match", "*"),) if guarded else ()
        body = convert.body_of(where, change.after, self._now())
        try:
            reply = self._api.send(
                method, path, external, body, self._keyed(change, headers), repeatable=options.send_only
            )
        except TargetError as error:
            outcome = failed(change, error)
            if not (options.send_only and outcome.result is Result.EXISTS):
                return outcome
            # Nobody could look at what is there.
            hint = "the endpoint keeps one row of a key: say `method: PUT`, so that it is sent anew"
            return replace(outcome, result=Result.REFUSED, hint=hint)
        return Outcome(change.id, Result.DONE, live_id=external, request_id=reply.request_id)

    def _update(self, where: Layout, change: Change, row: LiveRow, wanted: Fields) -> Outcome:
        tag = self._tag(where, change, row)
        if tag.refusal is not None:
            return tag.refusal
        body = convert.body_of(where, wanted, self._now())
        headers = self._keyed(change, _if_match(tag.value))
        try:
            reply = self._api.send(where.options.method, where.write_path, row.id, body, headers)
        except TargetError as error:
            return self._failed(where, change, error, row.id)
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)

    def _delete(self, where: Layout, change: Change, row: LiveRow | None) -> Outcome:
        if row is None:
            return Outcome(change.id, Result.DONE, message="it was already gone")
        tag = self._tag(where, change, row)
        if tag.refusal is not None:
            return tag.refusal
        headers = self._keyed(change, _if_match(tag.value))
        try:
            reply = self._api.send("DELETE", where.write_path, row.id, None, headers)
        except TargetError as error:
            return self._failed(where, change, error, row.id)
        return Outcome(change.id, Result.DONE, request_id=reply.request_id)

    # ── what a write goes with ─────────────────────────────────────────────────────────────────────────────

    def _tag(self, where: Layout, change: Change, row: LiveRow) -> _Tag:
        """The ETag that the listing gave; where ETags are promised and it gave none, that of the row itself."""
        if row.token or not where.options.etag:
            return _Tag(row.token)
        try:
            body, tag = self._api.one(where, row.id) if "{key}" in where.write_path else ({}, "")
        except Answered as error:
            if error.answer.status in {404, 410}:
                return _Tag(refusal=failed(change, error))
            return _Tag(refusal=not_read(change, error))
        except TargetError as error:
            return _Tag(refusal=not_read(change, error))
        if not tag:
            text = "the endpoint gave no ETag for this row, although `etag: true` promises one"
            hint = "say `etag_member` if rows carry it under another name, or take `etag: true` away"
            return _Tag(refusal=Outcome(change.id, Result.REFUSED, message=text, hint=hint))
        # This look is younger than the engine's: what it shows must still be what was compared.
        now = _shown(where, body, row.id).fields
        moved = [name for name in sorted(where.fields) if not alike(now.get(name), row.fields.get(name))]
        if moved:
            text = f"{', '.join(moved)} changed since the row was read"
            return _Tag(refusal=Outcome(change.id, Result.STALE, message=text, hint="plan again", now=now))
        return _Tag(tag)

    def _failed(self, where: Layout, change: Change, error: TargetError, key: str) -> Outcome:
        """The outcome of a refused write; a stale one says what is live, where a look at the row tells."""
        outcome = failed(change, error)
        if outcome.result is not Result.STALE or "{key}" not in where.write_path:
            return outcome
        return self._with_now(where, outcome, key)

    def _with_now(self, where: Layout, outcome: Outcome, key: str) -> Outcome:
        """Add what is live, as far as one more look tells it."""
        try:
            body, _ = self._api.one(where, key)
            now = _shown(where, body, key).fields
        except (TargetError, Interrupted):  # the write was answered: it counts, whatever becomes of this look
            return outcome
        return replace(outcome, now=now)

    def _keyed(self, change: Change, more: Headers) -> Headers:
        return (("Idempotency-Key", convert.idempotency_key(self._nonce, change)), *more)

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _shown(where: Layout, body: Mapping[str, object], key: str) -> LiveRow:
    """Read one row as its own address shows it, which need not repeat its key."""
    if template.at(body, where.key_member) is None:
        body = {**body, where.key_member[0]: convert.nested(where.key_member[1:], key)}
    return convert.live_row(where, body)


def _if_match(tag: str) -> Headers:
    return (("If-Match", tag),) if tag else ()


def _unsendable(where: Layout, change: Change, key: str) -> Outcome | None:
    if change.after.get("direction") == FROM_CRM and not {"status", "when"} & where.fields:
        text = f"the template of {where.system} has no place for a rule's condition"
        hint = "add members that are {status} and {when} to `target.body`, or keep the rules in git alone"
        return Outcome(change.id, Result.REFUSED, message=text, hint=hint)
    if where.options.send_only or keys.can_be_told(where.prefix, key, where.fields, KEY_MAX):
        return None
    text = f"the key {key} is longer than {KEY_MAX}, and no member tells what it stood for"
    hint = "add members that are {code}, {status} and {when} to `target.body`, or shorten the condition"
    return Outcome(change.id, Result.REFUSED, message=text, hint=hint)


def _unable(where: Layout, change: Change) -> Outcome:
    hint = {
        Verb.DEACTIVATE_ROW: "add a member that is {active} to `target.body`, or say `on_remove: delete`",
        Verb.DELETE_ROW: "give `target.write_path` a {key}, or say `on_remove: keep`",
    }.get(change.verb, "plan again")
    what = "rows are only sent there" if where.options.send_only else "its options leave no way to do it"
    text = f"the endpoint of {where.system} cannot {change.verb.value}: {what}"
    return Outcome(change.id, Result.REFUSED, message=text, hint=hint)
