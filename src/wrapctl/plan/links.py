"""Compare desired with live queues: assign, unassign, reorder, after-call work.

One code on one queue is one link and one change. An exact list governs the queue; an additive one never takes
off; ignored, reserved and undecided codes stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from wrapctl.errors import Problem, Severity
from wrapctl.model import (
    NO_FIELDS,
    Address,
    Cause,
    Change,
    Code,
    Fields,
    LiveQueue,
    Queue,
    Ref,
    State,
    Value,
    Verb,
    link_address,
    queue_address,
)
from wrapctl.plan import manual
from wrapctl.plan.view import View, nearest, no_such_choice


class _Shared:
    """Values that thousands of links share, made once."""

    def __init__(self, view: View) -> None:
        self.made: dict[str, Fields] = {}
        self.assign = view.capabilities.lock(Verb.ASSIGN)
        self.unassign = view.capabilities.lock(Verb.UNASSIGN)
        self.instructs = bool(view.capabilities.manual)

    def link(self, code: str | Ref) -> Fields:
        """The fields of a link to a code."""
        key = code.address if isinstance(code, Ref) else code
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = {"code": code}
        return found


def queue_changes(view: View) -> Iterator[Change]:
    """Yield the changes of all declared queues in scope, and the unassignments that deletes ask for."""
    shared = _Shared(view)
    taken: set[tuple[str, str]] = set()
    for queue in view.queues_in_scope:
        address = queue_address(view.desired.org, queue.label)
        live_id = view.queues.ids.get(queue.label)
        live = view.live_queues.get(live_id) if live_id is not None else None
        trouble = _trouble(view, queue, live)
        if queue.codes is not None:
            if live is not None and live.id in view.live.links:
                for change in _links(view, queue, address, live, trouble, shared):
                    if change.verb is Verb.UNASSIGN:
                        taken.add((live.id, change.live_id or ""))
                    yield change
            else:
                yield from _blocked_links(view, queue, address, trouble or "its links were not read", shared)
        if queue.after_call_work is not None:
            yield from _after_call_work(view, queue, address, live, trouble)
    yield from _everywhere(view, taken, shared)


def queue_warnings(view: View) -> Iterator[Problem]:
    """Yield warnings about names and media of the queues in scope."""
    for queue in view.queues_in_scope:
        live = view.live_queues.get(view.queues.ids.get(queue.label, ""))
        if live is None:
            continue
        if live.name != queue.name:
            yield Problem(
                queue.source,
                f'queue {queue.label}: the platform calls it "{live.name}", the files "{queue.name}" (id {live.id})',
                "correct `name`; wrapctl never renames a queue",
                Severity.WARNING,
            )
        missing = sorted(set(queue.media or ()) - set(live.media or ())) if live.media is not None else []
        if missing:
            yield Problem(
                queue.source,
                f"queue {queue.label}: expected to serve {', '.join(missing)}, and does not",
                "correct `media`, or set the queue up",
                Severity.WARNING,
            )


def _trouble(view: View, queue: Queue, live: LiveQueue | None) -> str:
    if queue.label in view.queues.blocked:
        return view.queues.blocked[queue.label]
    if live is None:
        names = (one.name for one in view.live.queues)
        return f'no live queue is named "{queue.name}"{nearest(queue.name, names)}'
    if not view.owns(live.division):
        return _trouble_outside(live)
    if not live.active:
        return "the queue is inactive on the platform: activate it there first, or take it out of the files"
    return ""


@dataclass(slots=True)
class _Wanted:
    """A queue's list, resolved to live ids and Refs in order, and what cannot be told. Lapsed codes are out."""

    order: list[tuple[Code, str | Ref]] = field(default_factory=list)
    undecided: list[Code] = field(default_factory=list)


def _resolve(view: View, queue: Queue) -> _Wanted:
    wanted = _Wanted()
    ids, blocked, codes, refs = view.codes.ids, view.codes.blocked, view.code_by_key, view.refs
    for key in queue.codes or ():
        code = codes[key]
        live_id = ids.get(key)
        if (code.valid_from or code.valid_through) and not code.valid_on(view.as_of):
            continue
        if live_id is not None:
            wanted.order.append((code, live_id))
        elif key in blocked:
            wanted.undecided.append(code)
        else:
            wanted.order.append((code, refs[key]))
    return wanted


def _links(
    view: View, queue: Queue, address: Address, live: LiveQueue, trouble: str, shared: _Shared
) -> Iterator[Change]:
    wanted = _resolve(view, queue)
    current = view.live.links[live.id]
    have = set(current)
    for number, (code, target) in enumerate(wanted.order, 1):
        if isinstance(target, Ref) or target not in have:
            yield _assign(view, queue, address, live.id, code, target, trouble, shared, number)
    for code in wanted.undecided:
        if have.isdisjoint(view.codes.candidates.get(code.key, ())):
            yield _assign(
                view, queue, address, live.id, code, None, trouble or f"{code.key} is blocked itself", shared
            )
    keep = {target for _, target in wanted.order if not isinstance(target, Ref)}
    for code_id in current:
        if code_id in keep:
            continue
        if code_id in view.lapsed:
            cause = Cause.VALIDITY
        elif queue.additive:
            continue
        elif code_id in view.code_key_by_id:
            cause = Cause.FILES
        else:
            cause = Cause.EXACT
        if cause is Cause.EXACT and _stays(view, code_id):
            continue
        yield _unassign(view, address, live, code_id, cause, queue, trouble, shared)
    yield from _reorder(view, queue, address, live, wanted, trouble)


def _stays(view: View, code_id: str) -> bool:
    name = view.code_name(code_id)
    live = view.live_codes.get(code_id)
    # What nobody offers to agents is nothing to take away from them.
    untouched = live is not None and (live.reserved or not live.active)
    return untouched or view.reserved(name) or view.ignored(name) or code_id in view.codes.held


def _assign(
    view: View,
    queue: Queue,
    address: Address,
    queue_id: str,
    code: Code,
    target: str | Ref | None,
    trouble: str,
    shared: _Shared,
    number: int = 0,
) -> Change:
    owner = view.addresses[code.key]
    state, reason, by_hand = State.READY, "", ""
    if isinstance(target, Ref) and not view.in_scope(code):
        trouble = trouble or f"{code.key} is not live yet, and outside the scope of this plan"
    if shared.instructs:
        place = manual.AT_THE_END if queue.additive or not number else manual.place(number)
        by_hand = manual.instruction(view, Verb.ASSIGN, queue=queue.name, code=code.name, place=place)
    if trouble or view.desired.manual:
        state, reason = manual.state_of(view, Verb.ASSIGN, trouble, by_hand)
    return Change(
        Verb.ASSIGN,
        link_address(address, owner),
        before=NO_FIELDS,
        after=shared.link(target if target is not None else view.refs[code.key]),
        live_id=target if isinstance(target, str) else None,
        parent=queue_id,
        label=code.name,
        within=queue.name,
        cause=Cause.VALIDITY if code.valid_from else Cause.FILES,
        source=queue.codes_source or queue.source,
        lock=shared.assign,
        state=state,
        reason=reason,
        by_hand=by_hand,
    )


def _blocked_links(
    view: View, queue: Queue, address: Address, trouble: str, shared: _Shared
) -> Iterator[Change]:
    for code, target in _resolve(view, queue).order:
        yield _assign(view, queue, address, "", code, target, trouble, shared)


def _unassign(
    view: View,
    address: Address,
    live: LiveQueue,
    code_id: str,
    cause: Cause,
    queue: Queue | None,
    trouble: str,
    shared: _Shared,
) -> Change:
    state, reason, by_hand = State.READY, "", ""
    if not trouble and code_id not in view.live_codes and view.live.complete_codes:
        trouble = "the code is on the queue but not visible to this client: give the client its division"
    if shared.instructs:
        name = view.code_name(code_id)
        by_hand = manual.instruction(view, Verb.UNASSIGN, queue=live.name, code=name)
    if trouble or view.desired.manual:
        state, reason = manual.state_of(view, Verb.UNASSIGN, trouble, by_hand)
    return Change(
        Verb.UNASSIGN,
        link_address(address, view.code_at(code_id)),
        before=shared.link(code_id),
        after={},
        live_id=code_id,
        parent=live.id,
        label=view.code_name(code_id),
        within=live.name,
        cause=cause,
        source=(queue.codes_source or queue.source) if queue is not None else None,
        lock=shared.unassign,
        state=state,
        reason=reason,
        by_hand=by_hand,
    )


def _everywhere(view: View, taken: set[tuple[str, str]], shared: _Shared) -> Iterator[Change]:
    """A tombstone with ``unassign_everywhere`` takes its code off the queues that nothing else takes it off."""
    doomed = {
        view.codes.ids[code.key]: code
        for code in view.desired.codes
        if code.absent and code.unassign_everywhere and view.in_scope(code) and code.key in view.codes.ids
    }
    if not doomed:
        return
    for queue_id, codes in sorted(view.live.links.items()):
        for code_id in codes:
            code = doomed.get(code_id)
            if code is None or (queue_id, code_id) in taken:
                continue
            live = view.live_queues[queue_id]
            trouble = "" if view.owns(live.division) else _trouble_outside(live)
            if view.protected(view.code_name(code_id), code_id):
                trouble = "the code is protected (`manage.protect`)"
            change = _unassign(
                view, view.queue_at(queue_id), live, code_id, Cause.FILES, None, trouble, shared
            )
            yield replace(change, source=code.source)


def _trouble_outside(live: LiveQueue) -> str:
    return f'the queue\'s division "{live.division}" is outside `manage.divisions`'


def _reorder(
    view: View, queue: Queue, address: Address, live: LiveQueue, wanted: _Wanted, trouble: str
) -> Iterator[Change]:
    """Order is a change of its own where the platform keeps one; additions go to the end by themselves."""
    if not view.capabilities.ordered_links or Verb.REORDER not in view.capabilities.verbs or queue.additive:
        return
    targets = tuple(target for _, target in wanted.order)
    current = view.live.links[live.id]
    settled = set(current)
    # Additions go out, and so go onto the end, in the order of the plan: by address.
    arrived = sorted(
        ((view.addresses[code.key], target) for code, target in wanted.order if target not in settled),
        key=lambda one: one[0],
    )
    kept = set(targets)
    natural = (*[code for code in current if code in kept], *(target for _, target in arrived))
    if natural == targets:
        return
    absent = [
        code.key for code, target in wanted.order if isinstance(target, Ref) and not view.in_scope(code)
    ]
    if absent and not trouble:
        trouble = f"{absent[0]} is not live yet, and outside the scope of this plan"
    by_hand = manual.instruction(view, Verb.REORDER, queue=live.name, order=manual.in_order(view, targets))
    state, reason = manual.state_of(view, Verb.REORDER, trouble, by_hand)
    yield Change(
        Verb.REORDER,
        Address(f"{address}/order"),
        before={"order": current},
        after={"order": targets},
        live_id=live.id,
        parent=live.id,
        label=live.name,
        within=live.name,
        source=queue.codes_source or queue.source,
        lock=view.capabilities.lock(Verb.REORDER),
        state=state,
        reason=reason,
        by_hand=by_hand,
    )


def _after_call_work(
    view: View, queue: Queue, address: Address, live: LiveQueue | None, trouble: str
) -> Iterator[Change]:
    after: dict[str, Value] = {
        name: value
        for name, value in (queue.after_call_work or {}).items()
        if name in view.capabilities.queue_fields
    }
    before = {name: live.after_call_work.get(name) for name in after} if live is not None else {}
    if before == after:
        return
    trouble = trouble or no_such_choice(view, before, after)
    yield Change(
        Verb.SET_ACW,
        Address(f"{address}/after-call-work"),
        before=before,
        after=after,
        live_id=live.id if live is not None else None,
        parent=live.id if live is not None else None,
        label=queue.name,
        within=queue.name,
        source=queue.source,
        lock=view.capabilities.lock(Verb.SET_ACW),
        state=State.BLOCKED if trouble else State.READY,
        reason=trouble,
    )
