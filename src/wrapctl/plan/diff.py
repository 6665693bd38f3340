"""Compare desired with live codes: create, update, delete, flags. Queues and links are in ``links``."""

from __future__ import annotations

from collections.abc import Iterator

from wrapctl.errors import Problem, Severity
from wrapctl.model import (
    ALL_DIVISIONS,
    NO_FIELDS,
    Address,
    Cause,
    Change,
    Code,
    Fields,
    LiveCode,
    Ref,
    State,
    Value,
    Verb,
    code_address,
    live_code_address,
)
from wrapctl.plan.pointers import Pointers
from wrapctl.plan.view import View, nearest, no_such_choice


def differing(before: Fields, after: Fields) -> tuple[str, ...]:
    """Return the names of the fields of a change that differ, sorted; renderers show these alone.

    Members inside a field count for their field. Meant for changed objects only: the comparison is thorough, not
    fast.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415  (heavy, and a plan without updates never needs it)

    if not before or not after:
        return tuple(sorted({*before, *after}))
    difference = DeepDiff(dict(before), dict(after), view="tree", ignore_order=False)
    return tuple(
        sorted({str(item.path(output_format="list")[0]) for group in difference.values() for item in group})
    )


def code_changes(view: View, pointers: Pointers) -> Iterator[Change]:
    """Yield the changes of codes: one for each code that is not as the files want it.

    ``pointers``: what the rows of CRM systems mean for the codes that they name.
    """
    for code in view.desired.codes:
        if not view.in_scope(code):
            continue
        address = code_address(view.desired.org, code.key)
        live = view.live_codes.get(view.codes.ids.get(code.key, ""))
        if code.key in view.codes.blocked:
            yield _unidentified(view, code, address)
        elif code.absent:
            if live is not None and live.active:
                yield _removal(view, pointers, address, live, code)
        elif live is None:
            yield _creation(view, code, address)
        elif (change := _update(view, pointers, code, address, live)) is not None:
            yield change
    for live in view.live.codes:
        if view.prunable(live):
            yield _removal(view, pointers, live_code_address(view.desired.org, live.id), live, None)


def outbound_changes(view: View) -> Iterator[Change]:
    """Yield one change for each code whose outbound flags are declared and differ.

    A code that the mapping does not name has the default set (contract section 8).
    """
    for code in view.desired.codes:
        if code.outbound is None or code.absent or not view.in_scope(code) or code.key in view.codes.blocked:
            continue
        owner = code_address(view.desired.org, code.key)
        live_id = view.codes.ids.get(code.key)
        flags = view.live.outbound
        default = view.live.outbound_default
        current = default if flags is None or live_id is None else flags.get(live_id, default)
        if flags is not None and current == code.outbound:
            continue
        reason = ""
        if not view.capabilities.outbound:
            reason = f"{view.capabilities.title} has no outbound flags"
        elif flags is None:
            reason = "outbound is not set up in this org: the mapping answers 404"
        elif live_id is not None and not view.owns(view.live_codes[live_id].division):
            reason = _outside(view.live_codes[live_id].division)
        after: dict[str, Value] = {"outbound": code.outbound}
        if live_id is None:
            after["code"] = Ref(owner)
        yield Change(
            Verb.SET_OUTBOUND,
            Address(f"{owner}/outbound"),
            before={"outbound": current} if live_id is not None else {},
            after=after,
            live_id=live_id,
            label=code.name,
            source=code.source,
            lock=view.capabilities.lock(Verb.SET_OUTBOUND),
            state=State.BLOCKED if reason else State.READY,
            reason=reason,
        )


def spent(view: View) -> Iterator[Problem]:
    """Yield a warning for each tombstone that finds nothing any more, and for each field that cannot land."""
    for code in view.desired.codes:
        if not view.in_scope(code):
            continue
        if code.absent and not view.stands(code) and code.key not in view.codes.blocked:
            yield Problem(
                code.source,
                f'{code.key}: no live code is named "{code.name}"; this tombstone is spent',
                "remove it",
                Severity.WARNING,
            )
        for name in code.fields:
            if name not in view.capabilities.code_fields and not code.absent:
                yield Problem(
                    code.source,
                    f"{code.key}: {view.capabilities.title} has no field for `{name}`; it is not written",
                    "remove it here, or move it to the orgs that can hold it",
                    Severity.WARNING,
                )


def _managed(view: View, code: Code) -> dict[str, Value]:
    can = view.capabilities
    fields = {name: value for name, value in code.fields.items() if name in can.code_fields}
    return {**fields, "active": True} if can.activation and not code.absent else fields


def _unidentified(view: View, code: Code, address: Address) -> Change:
    candidates = view.codes.candidates.get(code.key, ())
    verb = Verb.UPDATE_CODE if candidates else Verb.CREATE_CODE
    if code.absent:
        verb = _removing(view)
    return Change(
        verb,
        address,
        before={},
        after={} if code.absent else _managed(view, code),
        label=code.name,
        source=code.source,
        lock=view.capabilities.lock(verb),
        state=State.BLOCKED,
        reason=view.codes.blocked[code.key],
    )


def _creation(view: View, code: Code, address: Address) -> Change:
    reason = _division_trouble(view, code.fields.get("division"))
    if not reason and view.reserved(code.name):
        reason = f'"{code.name}" is a name that {view.capabilities.title} reserves'
    after = _managed(view, code)
    reason = reason or no_such_choice(view, NO_FIELDS, after)
    return Change(
        Verb.CREATE_CODE,
        address,
        before={},
        after=after,
        label=code.name,
        source=code.source,
        lock=view.capabilities.lock(Verb.CREATE_CODE),
        state=State.BLOCKED if reason else State.READY,
        reason=reason,
    )


def _update(view: View, pointers: Pointers, code: Code, address: Address, live: LiveCode) -> Change | None:
    after = _managed(view, code)
    before = {name: live.fields.get(name) for name in after}
    if "active" in after:
        before["active"] = live.active
    if before == after:
        return None
    reason = _division_trouble(view, after.get("division")) or no_such_choice(view, before, after)
    if not view.owns(live.division):
        reason = _outside(live.division)
    elif after["name"] != before["name"] and view.protected(live.name, live.id):
        reason = f'"{live.name}" is protected (`manage.protect`): it is never renamed'
    elif after["name"] != before["name"]:
        reason = reason or pointers.rename_trouble(code.key)
    return Change(
        Verb.UPDATE_CODE,
        address,
        before=before,
        after=after,
        live_id=live.id,
        label=live.name,
        source=code.source,
        lock=view.capabilities.lock(Verb.UPDATE_CODE),
        state=State.BLOCKED if reason else State.READY,
        reason=reason,
    )


def _removing(view: View) -> Verb:
    can_delete = Verb.DELETE_CODE in view.capabilities.verbs
    return Verb.DELETE_CODE if can_delete else Verb.DEACTIVATE_CODE


def _removal(view: View, pointers: Pointers, address: Address, live: LiveCode, code: Code | None) -> Change:
    verb = _removing(view)
    holders = view.holders.get(live.id, ())
    before: dict[str, Value] = {
        name: value for name, value in live.fields.items() if name in view.capabilities.code_fields
    }
    after = {**before, "active": False} if verb is Verb.DEACTIVATE_CODE else {}
    before["queues"] = holders
    if after:
        before["active"] = True
    reason = ""
    if view.protected(live.name, live.id):
        reason = f'"{live.name}" is protected (`manage.protect`): it is never deleted'
    elif not view.owns(live.division):
        reason = _outside(live.division)
    elif len(view.live.links) < len(view.live_queues) or not view.live.complete_queues:
        reason = "the links of some live queues were not read: what points at the code is not known"
    elif view.visibility.partial:
        seen = "; ".join(f"{name}: {what}" for name, what in view.visibility.partial.items())
        reason = (
            f"partly visible to this client ({seen}): a queue that it cannot see may hold the code; "
            "give the client these divisions"
        )
    else:
        everywhere = code is not None and code.unassign_everywhere
        reason = _held_by(view, live.id, holders, everywhere=everywhere) or pointers.removal_trouble(live.id)
    return Change(
        verb,
        address,
        before=before,
        after=after,
        live_id=live.id,
        label=live.name,
        cause=Cause.FILES if code is not None else Cause.PRUNE,
        source=code.source if code is not None else None,
        lock=view.capabilities.lock(verb),
        state=State.BLOCKED if reason else State.READY,
        reason=reason,
        needs=pointers.removal_needs(live.id),
    )


def _held_by(view: View, code_id: str, holders: tuple[str, ...], *, everywhere: bool) -> str:
    """Why a code cannot go yet: the queues that keep it after this plan."""
    staying = [] if everywhere else [queue for queue in holders if queue not in view.exact_queues]
    outside = [queue for queue in holders if not view.owns(view.live_queues[queue].division)]
    named = ", ".join(f'"{view.live_queues[q].name}" (id {q})' for q in sorted({*staying, *outside})[:5])
    count = len({*staying, *outside})
    more = f" and {count - 5} more" if count > 5 else ""
    if staying:
        return (
            f'"{view.code_name(code_id)}" is still on {named}{more}, whose assignments these files do not manage '
            "exactly: take it off there, or say `unassign_everywhere: true`"
        )
    if outside:
        return f"still on {named}{more}, outside `manage.divisions`"
    return ""


def _outside(division: str | None) -> str:
    return f'its division "{division}" is outside `manage.divisions`'


def _division_trouble(view: View, division: Value) -> str:
    if not isinstance(division, str) or not view.capabilities.divisions:
        return ""
    if not view.owns(division):
        return _outside(division)
    names = [one.name for one in view.live.divisions]
    if division == ALL_DIVISIONS or not names or division in names:
        return ""
    return f'no division is named "{division}"{nearest(division, names)}'
