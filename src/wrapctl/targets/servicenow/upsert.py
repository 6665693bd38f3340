"""One unit of wrap-up codes: renames by id, everything else in one bulk upsert, and a look at what came of it.

The upsert is keyed by the label, has no condition, and would take over whatever row has that label (contract,
``upsertWrapUpCodes``). So no label goes into it that the fresh read knows as another row's, in whatever letters; and
afterwards each row is read once: its ``sys_mod_count`` may have grown by what was sent here, no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wrapctl.errors import Answered, IncompleteRead, Interrupted, PlatformAnswer, TargetError
from wrapctl.http.wire import Reply
from wrapctl.model import Change, ChangeId, Fields, Verb
from wrapctl.rows import LiveRow, Place, alike
from wrapctl.targets.claims import Claims
from wrapctl.targets.interface import Outcome, Result
from wrapctl.targets.servicenow import convert
from wrapctl.targets.servicenow.api import CODES, Api
from wrapctl.targets.servicenow.classify import failed, gone, upsert_failed
from wrapctl.targets.servicenow.convert import COUNT, Body, Said
from wrapctl.targets.servicenow.options import Columns
from wrapctl.targets.value_list import folded

_LONGEST = 500
"""Letters of a refusal that are quoted."""

FOREIGN = "the wrap-up code is not wrapctl's: only rows that it made are ever changed or removed"

_CUT = "stored, but not all of it: wrapctl's mark behind the description is gone, so that the row is not known as its own"
_CUT_HINT = (
    "shorten the description, or make the column longer; then give the row its mark back, or delete it"
)


@dataclass(frozen=True, slots=True)
class _Item:
    """A change that goes into the upsert. ``live`` is its row, ``renamed`` whether it was just written by its id."""

    change: Change
    fields: Fields
    live: LiveRow | None
    renamed: bool = False

    @property
    def label(self) -> str:
        return str(self.fields.get("value") or "")


class Upsert:
    """Writes the changes of one unit. ``rows`` are all rows of the table as freshly read."""

    def __init__(
        self, connected: Api, claims: Claims, place: Place, columns: Columns, rows: Sequence[LiveRow]
    ) -> None:
        self._api = connected
        self._claims = claims
        self._place = place
        self._columns = columns
        self._live = {row.id: row for row in rows}
        self._labels = {row.id: str(row.fields.get("value") or "") for row in rows}
        self._alike: dict[str, set[str]] = {}
        for row_id, label in self._labels.items():
            self._alike.setdefault(folded(label), set()).add(row_id)
        self._outcomes: dict[ChangeId, Outcome] = {}
        self._sent = False

    def write(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Return one outcome for each change, in their order.

        Raises:
            Interrupted: the run was asked to stop before anything was sent.
        """
        try:
            self._write(changes)
        except Interrupted:
            if not self._sent:
                raise
        stopped = "not sent: the run was asked to stop"
        return tuple(
            self._outcomes.get(change.id) or Outcome(change.id, Result.BUSY, message=stopped)
            for change in changes
        )

    def _write(self, changes: Sequence[Change]) -> None:
        # Labels are freed before they are taken: a create of the label that a rename gives up is no second row of it.
        existing = [one for one in changes if one.verb is not Verb.CREATE_ROW]
        items = [item for change in existing if (item := self._existing(change)) is not None]
        creates = [one for one in changes if one.verb is Verb.CREATE_ROW]
        items += [item for change in creates if (item := self._new(change)) is not None]
        if items:
            self._upsert(items)

    # ── what goes where ────────────────────────────────────────────────────────────────────────────────────

    def _existing(self, change: Change) -> _Item | None:
        live = self._live.get(change.live_id or "")
        if live is None:
            self._keep(gone(change))
            return None
        if not live.mine:
            self._keep(Outcome(change.id, Result.REFUSED, message=FOREIGN))
            return None
        item = _Item(change, {**live.fields, **change.after}, live)
        if item.label != self._labels[live.id] or self._others(item.label, live.id):
            return self._by_id(item, live)
        return item

    def _by_id(self, item: _Item, live: LiveRow) -> _Item | None:
        """Rename, or write a row whose label the upsert could take for another's. Translations follow by label."""
        body = convert.table_body(item.fields, self._place, self._columns)
        try:
            reply = self._api.change(live.id, body)
        except TargetError as error:
            self._sent = True
            self._keep(failed(item.change, error))
            return None
        self._sent = True
        self._alike[folded(self._labels[live.id])].discard(live.id)
        self._alike.setdefault(folded(item.label), set()).add(live.id)
        self._labels[live.id] = item.label
        done = Outcome(item.change.id, Result.DONE, request_id=reply.request_id)
        answered = reply.value.get("result") if isinstance(reply.value, dict) else None
        self._keep(self._looked_at(item, done, answered if isinstance(answered, dict) else None, ours=1))
        ok = self._outcomes[item.change.id].result is Result.DONE
        wants_more = bool(convert.translations(item.fields)) and not self._others(item.label, live.id)
        if not (ok and wants_more):
            return None
        # Stands only if the run is stopped before the upsert.
        stopped = "renamed; its translations were not sent: the run was asked to stop"
        self._keep(replace(self._outcomes[item.change.id], message=stopped))
        return replace(item, renamed=True)

    def _new(self, change: Change) -> _Item | None:
        item = _Item(change, change.after, None)
        same = [self._live[row_id] for row_id in self._others(item.label, "")]
        exact = [row for row in same if self._labels[row.id] == item.label]
        if exact:
            message = f"a wrap-up code of that label is there already, as {exact[0].id}"
            self._keep(Outcome(change.id, Result.EXISTS, message=message))
        elif stranger := next((row for row in same if not row.mine), None):
            self._keep(
                Outcome(
                    change.id,
                    Result.REFUSED,
                    message=f"not sent: ServiceNow may take the label for that of {stranger.id}, "
                    f'"{self._labels[stranger.id]}", which is not wrapctl\'s and would be overwritten',
                    hint="map to that label as it is written there, or choose one that differs in more than case",
                )
            )
        elif not item.label:
            self._keep(Outcome(change.id, Result.REFUSED, message="a wrap-up code without a label"))
        elif (holder := self._claims.take(folded(item.label), self._place.marker)) is not None:
            message = f"{holder} has just made a wrap-up code of this label"
            self._keep(Outcome(change.id, Result.EXISTS, message=message))
        else:
            return item
        return None

    def _others(self, label: str, but: str) -> list[str]:
        """Ids of the other rows whose label the instance might take for this one."""
        return sorted(self._alike.get(folded(label), set()) - {but})

    # ── the upsert ─────────────────────────────────────────────────────────────────────────────────────────

    def _upsert(self, items: list[_Item]) -> None:
        try:
            reply = self._api.upsert([convert.upsert_item(item.fields, self._place) for item in items])
        except TargetError as error:
            self._sent = True
            words = _told_each(error, items)
            for item in items:
                failure = upsert_failed(item.change, error)
                self._heard_of(item, _in_words(failure, words.get(item.label, "")))
            return
        self._sent = True
        said = convert.said(reply.value, (item.label for item in items), partly=reply.status == 207)
        seen, unseen = self._look(items, said)
        taken: dict[str, str] = {}
        for item in items:
            outcome = self._heard(item, said, reply, seen, taken)
            if unseen and outcome.result is Result.DONE:
                outcome = replace(outcome, message=f"stored; not looked at afterwards: {unseen}")
            self._heard_of(item, outcome)

    def _look(self, items: list[_Item], said: Said) -> tuple[dict[str, Body], str]:
        """Read what was written, once; and why it could not be."""
        ids = {item.live.id for item in items if item.live is not None} | set(said.stored.values())
        try:
            return self._api.some(ids), ""
        except (TargetError, Interrupted) as error:
            return {}, error.message

    def _heard(
        self, item: _Item, said: Said, reply: Reply, seen: dict[str, Body], taken: dict[str, str]
    ) -> Outcome:
        """Judge one item by what the answer says of it and by what was read afterwards."""
        change, label = item.change, item.label
        if label in said.refused:
            answer = PlatformAnswer(f"POST {CODES}", reply.status, "", "", reply.request_id)
            refused = Outcome(change.id, Result.REFUSED, answer=answer, request_id=reply.request_id)
            return _in_words(refused, said.refused[label])
        stored = said.stored.get(label)
        if stored is not None and (another := self._another(item, stored, taken)):
            return replace(another, request_id=reply.request_id)
        row_id = item.live.id if item.live is not None else stored
        done = Outcome(
            change.id,
            Result.DONE,
            live_id=row_id if item.live is None else None,
            request_id=reply.request_id,
        )
        body = seen.get(row_id or "")
        if stored is None and not self._shows(item, body):
            words = f": {said.message}" if said.message else ""
            message = f"ServiceNow answered {reply.status} and says nothing about this label{words}"
            return Outcome(change.id, Result.UNKNOWN, message=message, request_id=reply.request_id)
        return self._looked_at(item, done, body, ours=2 if item.renamed else 1)

    def _another(self, item: _Item, stored: str, taken: dict[str, str]) -> Outcome | None:
        """Say when the instance took the label for that of another row, and wrote that one."""
        own = item.live.id if item.live is not None else None
        holder = taken.get(stored) or (self._labels.get(stored) if stored != own else None)
        taken[stored] = item.label
        if holder is None:
            return None if own is None or stored == own else _made_anew(item, stored)
        return Outcome(
            item.change.id,
            Result.REFUSED,
            message=f'ServiceNow took the label for "{holder}", and wrote that wrap-up code instead',
            hint="labels that differ only in case or accents are one there: map to one of them, and apply again",
            overwritten=(f'wrap-up code "{holder}"',),
        )

    # ── looking at it ──────────────────────────────────────────────────────────────────────────────────────

    def _shows(self, item: _Item, body: Body | None) -> bool:
        row = self._row(body)
        if row is None or not row.mine:
            return False
        return all(
            alike(row.fields.get(name), item.fields.get(name)) for name in ("value", "description", "active")
        )

    def _looked_at(self, item: _Item, done: Outcome, body: Body | None, *, ours: int) -> Outcome:
        """Return the outcome of a write that was taken, with what the row itself shows of it."""
        row = self._row(body)
        if row is None:
            return done
        if not row.mine:
            return replace(done, result=Result.REFUSED, message=_CUT, hint=_CUT_HINT)
        before = convert.count(item.live.token) if item.live is not None else None
        now = convert.count(row.token)
        if before is None or now is None or now - before <= ours:
            return done
        grew = f"{COUNT} grew by {now - before}, and {ours} was ours: somebody may have written in between"
        return replace(done, overwritten=(grew,))

    def _row(self, body: Body | None) -> LiveRow | None:
        try:
            return None if body is None else convert.live_row(body, self._place, self._columns)
        except IncompleteRead:
            return None

    def _keep(self, outcome: Outcome) -> None:
        self._outcomes[outcome.id] = outcome

    def _heard_of(self, item: _Item, outcome: Outcome) -> None:
        if item.live is None and outcome.result not in {Result.DONE, Result.UNKNOWN}:
            self._claims.free(folded(item.label), self._place.marker)
        self._keep(_after_rename(item, outcome))


def _told_each(error: TargetError, items: list[_Item]) -> dict[str, str]:
    """What the refusal of a whole upsert says of each label: an instance that takes none may answer 400."""
    if not isinstance(error, Answered) or error.answer.status != 400:
        return {}
    labels = sorted((item.label for item in items), key=len, reverse=True)
    return dict(convert.named(error.answer.message, labels))


def _in_words(outcome: Outcome, words: str) -> Outcome:
    """Return a refusal with what was said of this label alone."""
    if not words or outcome.answer is None or outcome.result is not Result.REFUSED:
        return outcome
    words = " ".join(words.split())[:_LONGEST]
    message = f"ServiceNow refused it: {words}"
    return replace(outcome, message=message, answer=replace(outcome.answer, message=words))


def _made_anew(item: _Item, stored: str) -> Outcome:
    """Say of a row that was deleted after the fresh read that the upsert, which knows labels alone, made it anew."""
    return Outcome(
        item.change.id,
        Result.STALE,
        message=f"the wrap-up code was not there any more, and ServiceNow made it anew as {stored}",
        hint="plan again",
    )


def _after_rename(item: _Item, outcome: Outcome) -> Outcome:
    """Say of a row that was renamed, and whose translations were not taken, that the rename stands."""
    if not item.renamed or outcome.result is Result.DONE:
        return outcome
    return replace(outcome, message=f"renamed, but its translations were not taken: {outcome.message}")
