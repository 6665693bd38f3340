"""A platform that deletes nothing: codes are active or not, a create takes no description, some verbs may not take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from fakes import Contents, FakeCxone
from world import CXONE_LIKE
from wrapctl.model import Value, Verb
from wrapctl.plan.units import Unit
from wrapctl.targets.interface import Capabilities, Outcome, Result

KEEPING = replace(
    CXONE_LIKE,
    code_fields={**CXONE_LIKE.code_fields, "active": "isActive"},
    queue_fields={**CXONE_LIKE.queue_fields, "state": "stateIdACW"},
    activation=True,
    behavioural={"classification": "callbacks and do-not-call lists"},
    later={"description": ""},
    chosen={"classification": "classification", "state": "unavailable code"},
    manual={
        Verb.ASSIGN: 'open "{queue}" and add "{code}" {place}',
        Verb.UNASSIGN: 'open "{queue}" and take off "{code}"',
        Verb.REORDER: 'open "{queue}" and put in this order: {order}',
    },
    manual_hint="say so in the files, and it is not tried again",
    links_with_queues=True,
)
MANUAL = frozenset({Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER})


class Keeping(FakeCxone):
    """Keeps what is deactivated, and writes a new code's description in a second request."""

    capabilities: Capabilities = KEEPING
    default_fields: Mapping[str, Value] = {"description": "", "classification": "Other", "active": True}
    hears_assignments = True

    def send(self, unit: Unit) -> list[Outcome]:
        match unit.group:
            case "dispositions":
                return self._make(unit)
            case "disposition":
                (change,) = unit.changes
                return self.together(
                    unit, f"PUT /dispositions {change.live_id}", _setting(change.live_id, change.after)
                )
            case _ if not self.hears_assignments:
                kept = {queue: list(one.codes) for queue, one in self.state.queues.items()}
                outcomes = super().send(unit)
                for queue, codes in kept.items():
                    self.state.queues[queue].codes = codes
                return outcomes
            case _:
                return super().send(unit)

    def _make(self, unit: Unit) -> list[Outcome]:
        known = {str(fields["name"]): code_id for code_id, fields in self.state.codes.items()}
        new = tuple(one for one in unit.changes if str(one.after["name"]) not in known)
        bare = tuple(replace(one, after={**one.after, "description": ""}) for one in new)
        made = self._create_all(replace(unit, changes=bare)) if new else []
        outcomes = {one.id: one for one in made}
        for change in unit.changes:
            live_id = known.get(str(change.after["name"])) or outcomes[change.id].live_id
            if change.after.get("description") and live_id is not None:
                (second,) = self.together(
                    replace(unit, changes=(change,)),
                    f"PUT /dispositions {live_id}",
                    _setting(live_id, change.after),
                )
                outcomes[change.id] = replace(second, live_id=live_id)
        return [
            outcomes.get(one.id) or Outcome(one.id, Result.DONE, live_id=known[str(one.after["name"])])
            for one in unit.changes
        ]


def _setting(code_id: str | None, after: Mapping[str, Value]) -> Callable[[Contents], None]:
    def effect(state: Contents) -> None:
        fields = {name: value for name, value in after.items() if name != "queues"}
        state.codes[code_id or ""].update(fields)

    return effect
