"""Writes dispositions (contract section 4): created in batches, changed by a body that is always whole, never deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wrapctl.errors import Answered, Interrupted, TargetError
from wrapctl.model import Change, ChangeId, Fields, Live, LiveCode, Verb
from wrapctl.targets.cxone import api, convert
from wrapctl.targets.cxone.api import Api
from wrapctl.targets.cxone.capabilities import CAPABILITIES
from wrapctl.targets.cxone.classify import failed, gone, not_made, unread
from wrapctl.targets.cxone.convert import NO_BODY, Body, Made
from wrapctl.targets.cxone.reader import CxoneReader
from wrapctl.targets.interface import Outcome, Result

FRESH = 2.0
"""Seconds for which a disposition is believed to be as it was read; an older one is read again before its PUT."""

_PAUSES = (1.0, 2.0, 4.0)
_POST = f"POST {api.DISPOSITIONS}"
Outcomes = dict[ChangeId, Outcome]


class Unclassified(Exception):
    """A classification that cannot be told by its name."""


# ── changing ───────────────────────────────────────────────────────────────────────────────────────────────


def change_disposition(connected: Api, reader: CxoneReader, change: Change, fresh: Live) -> Outcome:
    """Update or deactivate one disposition: compare, then write all of its members.

    There is no lock. A body read within ``FRESH`` seconds is what is compared; an older one is read again, and
    ``lastUpdated`` with the managed fields tells whether somebody touched it. A touch of other things is no conflict.

    Raises:
        Interrupted: the run was asked to stop before the write.
    """
    number = change.live_id or ""
    seen = next((code for code in fresh.codes if code.id == number), None)
    try:
        body = _current(connected, reader, number)
        if seen is None or body is None:
            return gone(change, "disposition")
        now = reader.live_code(body)
        settled = _settled(change, now, body)
        if settled is not None:
            return settled
        fields = {**now.fields, **change.after}
        classification = _classification(reader, fields, body)
    except Unclassified as error:
        return Outcome(change.id, Result.REFUSED, message=str(error), hint="correct the classification")
    except TargetError as error:
        return unread(change, error)
    outcome = _put(connected, change, number, fields, classification)
    return replace(outcome, now=now.fields) if outcome.result is Result.REFUSED else outcome


def _current(connected: Api, reader: CxoneReader, number: str) -> Body | None:
    seen = connected.memory.dispositions.get(number)
    if seen is not None and connected.now() - seen.at <= FRESH:
        return seen.body
    return reader.disposition(number)


def _settled(change: Change, now: LiveCode, body: Body) -> Outcome | None:
    """The outcome of a change that needs no write or must not have one; None when it is to be written."""
    before = {name: value for name, value in change.before.items() if name in CAPABILITIES.code_fields}
    if change.verb is Verb.DEACTIVATE_CODE:
        if not now.active:
            return Outcome(change.id, Result.DONE, message="it is inactive already", now=now.fields)
        # Never merged: what is taken away was approved as it was, all of it.
        moved = [name for name, value in before.items() if now.fields[name] != value]
    else:
        written = {name for name, value in change.after.items() if before.get(name) != value}
        moved = [name for name in written if now.fields[name] not in {before.get(name), change.after[name]}]
        if not now.active and "active" not in written:
            moved.append("active")
    if not moved:
        return None
    when = convert.text(body, "lastUpdated")
    text = f"{', '.join(sorted(moved))} changed since the plan was made"
    text += f" (last updated {when})" if when else ""
    return Outcome(change.id, Result.STALE, message=text, hint="plan again", now=now.fields)


def _put(connected: Api, change: Change, number: str, fields: Fields, classification: int | None) -> Outcome:
    text = json.dumps(convert.update_request(fields, classification))
    try:
        reply = connected.send("PUT", api.DISPOSITION, {"dispositionId": number}, text, answered=False)
    except TargetError as error:
        return failed(change, error)
    return Outcome(change.id, Result.DONE, request_id=reply.request_id)


def _classification(reader: CxoneReader, fields: Fields, body: Body) -> int | None:
    """The classification's id for a body: resolved by name, and the raw one where the name is the one of today."""
    wanted = fields.get("classification")
    if body and wanted == reader.live_code(body).fields["classification"]:
        return convert.classification_id(body)
    if not isinstance(wanted, str):
        return None
    found = convert.classifications_named(
        reader.classifications(), wanted, preview=fields.get("preview") is True
    )
    if len(found) == 1:
        return found[0].id
    if not found:
        raise Unclassified(f'no classification is named "{wanted}"')
    raise Unclassified(
        f'several classifications are named "{wanted}": {", ".join(str(one.id) for one in found)}'
    )


# ── creating ───────────────────────────────────────────────────────────────────────────────────────────────


def create_dispositions(
    connected: Api, reader: CxoneReader, changes: tuple[Change, ...], fresh: Live
) -> tuple[Outcome, ...]:
    """Create dispositions with one POST, find their ids by name, then write what a create cannot carry.

    One that is there already and lacks only its second write is finished, not made again.

    Raises:
        Interrupted: the run was asked to stop before anything was sent.
    """
    return _Creation(connected, reader, fresh).run(changes)


@dataclass(frozen=True, slots=True)
class Batch:
    """What the platform says of a batch: of each item, how many failed, and with which status."""

    results: tuple[Made, ...]
    errors: int
    status: int

    @property
    def ids(self) -> frozenset[str]:
        """Ids of what was made, empty where the results bear none."""
        return frozenset(one.id for one in self.results if one.id)

    @property
    def failures(self) -> tuple[Made, ...]:
        """The items that were not made."""
        return tuple(one for one in self.results if not one.success)

    def in_order(self, made: list[bool]) -> bool:
        """Whether the results fit the order of the request, as far as what was made tells."""
        return [one.success for one in self.results] == made

    def words(self, change: Change) -> str:
        """The platform's words about a change that was not made: those with its name, else all of them."""
        said = [one.error for one in self.failures if one.error]
        own = [words for words in said if str(change.after["name"]) in words]
        return "; ".join(dict.fromkeys(own or said))


@dataclass(slots=True)
class _Creation:
    connected: Api
    reader: CxoneReader
    fresh: Live
    sent: bool = False

    def run(self, changes: tuple[Change, ...]) -> tuple[Outcome, ...]:
        known: dict[str, LiveCode] = {}
        for code in sorted(self.fresh.codes, key=lambda one: one.active):
            known[code.name] = code
        settled: Outcomes = {}
        bodies: dict[ChangeId, Body] = {}
        new: list[tuple[Change, int | None]] = []
        for change in changes:
            there = known.get(str(change.after["name"]))
            try:
                if there is None:
                    new.append((change, _classification(self.reader, change.after, NO_BODY)))
                elif _unfinished(change, there):
                    settled[change.id] = Outcome(change.id, Result.DONE, live_id=there.id)
                    bodies[change.id] = self._body(there.id)
                else:
                    text = f"a disposition of that name is there (id {there.id})"
                    settled[change.id] = Outcome(change.id, Result.EXISTS, message=text)
            except Unclassified as error:
                settled[change.id] = Outcome(change.id, Result.REFUSED, message=str(error))
            except TargetError as error:
                settled[change.id] = unread(change, error)
        if new:
            settled |= self._post(new, bodies)
        for change in changes:
            outcome = settled[change.id]
            if outcome.result is Result.DONE and outcome.live_id is not None and _later(change):
                settled[change.id] = self._second(change, outcome, bodies.get(change.id, NO_BODY))
        return tuple(settled[change.id] for change in changes)

    def _post(self, new: list[tuple[Change, int | None]], bodies: dict[ChangeId, Body]) -> Outcomes:
        """Send one batch. One that is refused as a whole is looked for, halved and sent again.

        A 400 may be about a single item, or about a limit that nobody documents (section 3).
        """
        items = [convert.create_request(change.after, number) for change, number in new]
        try:
            reply = self.connected.send(
                "POST", api.DISPOSITIONS, {}, json.dumps({"dispositions": items}), answered=True
            )
        except Interrupted:
            if not self.sent:
                raise
            return {change.id: _stopped(change, "it was sent") for change, _ in new}
        except Answered as error:
            self.sent = True
            if error.answer.status == 400 and len(new) > 1:
                return self._halved(new, bodies, error)
            return {change.id: failed(change, error) for change, _ in new}
        except TargetError as error:
            return {change.id: failed(change, error) for change, _ in new}
        self.sent = True
        body: Body = reply.value if isinstance(reply.value, dict) else {}
        batch = Batch(convert.batch_results(body), convert.whole(body.get("errorCount")) or 0, reply.status)
        return self._matched([change for change, _ in new], batch, bodies)

    def _halved(
        self, new: list[tuple[Change, int | None]], bodies: dict[ChangeId, Body], error: Answered
    ) -> Outcomes:
        try:
            found = self._by_name()
        except (TargetError, Interrupted):
            return {change.id: failed(change, error) for change, _ in new}
        settled: Outcomes = {}
        rest = []
        for change, number in new:
            body = found.get(str(change.after["name"]))
            if body is None:
                rest.append((change, number))
            else:  # refused as a whole, and made all the same
                bodies[change.id] = body
                made = convert.identifier(body, "dispositionId")
                settled[change.id] = Outcome(change.id, Result.DONE, live_id=made)
        middle = (len(rest) + 1) // 2
        for half in (rest[:middle], rest[middle:]):
            if half:
                settled |= self._post(half, bodies)
        return settled

    def _matched(self, changes: list[Change], batch: Batch, bodies: dict[ChangeId, Body]) -> Outcomes:
        """Find each change's disposition by its name: results come in no known order (section 3)."""
        try:
            found = self._made(batch.ids, {str(change.after["name"]) for change in changes})
        except (TargetError, Interrupted) as error:
            text = f"sent, and what came of it could not be read: {error.message}"
            return {change.id: Outcome(change.id, Result.UNKNOWN, message=text) for change in changes}
        settled: Outcomes = {}
        missing = []
        for change in changes:
            body = found.get(str(change.after["name"]))
            if body is None:
                missing.append(change)
            else:
                bodies[change.id] = body
                made = convert.identifier(body, "dispositionId")
                settled[change.id] = Outcome(change.id, Result.DONE, live_id=made)
        ordered = batch.in_order([change.id in settled for change in changes])
        for change in missing:
            words = batch.results[changes.index(change)].error if ordered else batch.words(change)
            if batch.failures or batch.errors:
                settled[change.id] = not_made(change, words, _POST, batch.status)
            else:
                text = "the platform took it, and does not show it yet"
                settled[change.id] = Outcome(change.id, Result.UNKNOWN, message=text)
        return settled

    def _made(self, ids: frozenset[str], names: set[str]) -> dict[str, Body]:
        """What a batch has made, by name: among the newest, else in the list, else each by its id.

        New ones may lag some seconds behind (section 3). Where the results bear no ids, it is what bears a name of
        the batch and was not there before.
        """
        found: dict[str, Body] = {}
        for pause in (*_PAUSES, None):
            found |= _by_id(self.reader.newest(len(names)))
            if ids and ids <= found.keys():
                break
            found |= _by_id(self.reader.dispositions())
            if ids:
                alone = self.connected.each(self.reader.disposition, sorted(ids - found.keys()))
                found |= _by_id(body for body in alone if body is not None)
            if ids <= found.keys() or pause is None:
                break
            self.connected.wait(pause, "waiting for the platform to show what it has made")
        before = {code.id for code in self.fresh.codes}
        wanted = ids or {number for number in found if number not in before}
        made = {convert.text(found[one], "dispositionName"): found[one] for one in wanted if one in found}
        return {name: body for name, body in made.items() if name in names}

    def _body(self, number: str) -> Body:
        seen = self.connected.memory.dispositions.get(number)
        return seen.body if seen is not None else self.reader.disposition(number) or NO_BODY

    def _by_name(self) -> dict[str, Body]:
        return {convert.text(body, "dispositionName"): body for body in self.reader.dispositions()}

    def _second(self, change: Change, outcome: Outcome, body: Body) -> Outcome:
        """Write the notes. What goes wrong here leaves the disposition made, and says so."""
        number = outcome.live_id or ""
        fields = {**self.reader.live_code(body).fields, **change.after} if body else change.after
        try:
            classification = _classification(self.reader, fields, body)
            second = _put(self.connected, change, number, fields, classification)
        except Unclassified as error:
            second = Outcome(change.id, Result.REFUSED, message=str(error))
        except Interrupted:
            if not self.sent:
                raise
            second = _stopped(change, "its notes were written")
        self.sent = True
        if second.result is Result.DONE:
            return replace(second, live_id=number)
        text = f"made (id {number}), and its notes were not written: {second.message}"
        return replace(second, live_id=number, message=text, hint=second.hint or "run again: it is finished")


def _by_id(bodies: Iterable[Body]) -> dict[str, Body]:
    return {convert.identifier(body, "dispositionId"): body for body in bodies}


def _unfinished(change: Change, code: LiveCode) -> bool:
    """Whether a live disposition is what a create makes, but for what only the second write brings."""
    differing = [name for name, value in change.after.items() if code.fields.get(name) != value]
    later = CAPABILITIES.later
    return bool(differing) and all(
        name in later and code.fields.get(name) == later[name] for name in differing
    )


def _later(change: Change) -> bool:
    return any(change.after.get(name, default) != default for name, default in CAPABILITIES.later.items())


def _stopped(change: Change, before: str) -> Outcome:
    text = f"the run was asked to stop before {before}"
    return Outcome(change.id, Result.BUSY, message=text, hint="run again")
