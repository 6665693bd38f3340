"""What a person does where a tenant may not honour a write: instructions from the target's own words. Pure."""

from __future__ import annotations

from wrapctl.model import Ref, State, Value, Verb
from wrapctl.plan.view import View

AT_THE_END = "at the end"


def state_of(view: View, verb: Verb, trouble: str, by_hand: str) -> tuple[State, str]:
    """Return the state of a change and its reason: blocked by ``trouble``, left to a person, or ready."""
    if trouble:
        return State.BLOCKED, trouble
    if verb in view.desired.manual:
        return State.MANUAL, by_hand or f"{verb.value} by hand"
    return State.READY, ""


def instruction(
    view: View, verb: Verb, *, queue: str, code: str = "", place: str = "", order: str = ""
) -> str:
    """Return how a person does it, nothing for a verb that every tenant honours."""
    template = view.capabilities.manual.get(verb)
    return template.format(queue=queue, code=code, place=place, order=order) if template else ""


def place(number: int) -> str:
    """Return where in an ordered list a code goes, counted from 1."""
    return f"at place {number}"


def in_order(view: View, targets: tuple[Value, ...]) -> str:
    """Return an ordered list of codes by their names: ``1. "No Answer", 2. "Line Busy"``."""
    names = (_name(view, target) for target in targets)
    return ", ".join(f'{number}. "{name}"' for number, name in enumerate(names, 1))


def _name(view: View, target: Value) -> str:
    """The name of a code once the plan is applied: the declared one, where there is one."""
    if isinstance(target, Ref):
        key = view.keys_by_address.get(target.address)
    else:
        key = view.code_key_by_id.get(str(target))
    return view.code_by_key[key].name if key is not None else view.code_name(str(target))
