"""Make a plan: a pure function of desired, live, scope and day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from wrapctl.model import Change, Desired, Live, Scope, State
from wrapctl.plan import cost, diff, guard, links, order, rows
from wrapctl.plan.plan import Finding, Plan, Unmanaged
from wrapctl.plan.view import View, links_needed, look
from wrapctl.policy import Allowance
from wrapctl.targets.interface import Capabilities


def make_plan(
    desired: Desired,
    live: Live,
    capabilities: Capabilities,
    *,
    as_of: date,
    scope: Scope | None = None,
    allowances: tuple[Allowance, ...] = (),
    unread: tuple[str, ...] = (),
) -> Plan:
    """Return the plan that takes ``live`` to ``desired``.

    ``live`` must hold the links of the queues that ``links_to_read`` names and the rows of the CRM systems in scope:
    one whose rows it does not hold counts as not read. ``unread`` adds others. ``as_of`` is today in the org's time
    zone; ``allowances`` come from the command line and are added to those of the files.
    """
    scope = scope or Scope()
    view = look(desired, live, capabilities, scope=scope, as_of=as_of)
    compared = rows.row_changes(view)
    codes = tuple(diff.code_changes(view, compared.pointers))
    drafts = [
        *codes,
        *diff.outbound_changes(view),
        *links.queue_changes(view),
        *compared.changes,
        *rows.sent_rows(view, codes),
    ]
    changes = order.finish(
        drafts,
        organization=live.identity.id,
        live_names={code.id: code.name for code in live.codes},
        links=live.links,
    )
    accepted = (*desired.allowances, *allowances)
    findings = measure(view, changes, accepted)
    warnings = [
        *diff.spent(view),
        *links.queue_warnings(view),
        *compared.warnings,
        *guard.spent_allowances(findings, accepted),
    ]
    return Plan(
        org=desired.org,
        platform=desired.platform,
        identity=live.identity,
        as_of=as_of,
        config_digest=desired.digest,
        changes=changes,
        scope=scope,
        good_until=_good_until(desired, view),
        unmanaged=(*_unmanaged(view), *compared.unmanaged),
        warnings=tuple(sorted(warnings)),
        findings=findings,
        partly_visible=tuple(f"{name} ({what})" for name, what in view.visibility.partial.items()),
        unread=(*unread, *compared.unread),
        behavioural=capabilities.behavioural,
        estimate=cost.estimate(
            (change for change in changes if change.state is State.READY),
            live,
            capabilities,
            requests_per_minute=desired.policy.limits.requests_per_minute,
        ),
    )


def links_to_read(
    desired: Desired, live: Live, capabilities: Capabilities, *, scope: Scope, as_of: date
) -> frozenset[str]:
    """Return the ids of the queues whose links the second read must bring.

    ``live`` is the first read: codes and queues. Managed queues in scope; all live queues when a delete stands.
    """
    return links_needed(look(desired, live, capabilities, scope=scope, as_of=as_of))


def measure(view: View, changes: Sequence[Change], allowances: Sequence[Allowance]) -> tuple[Finding, ...]:
    """Return the guard's findings on ``changes`` in this view."""
    return guard.measure(
        changes,
        view.live,
        view.desired.policy,
        managed_queues=[
            view.queues.ids[queue.label]
            for queue in view.desired.queues
            if queue.codes is not None and queue.label in view.queues.ids
        ],
        scoped=not view.scope.whole,
        unknown_divisions=view.visibility.unknown,
        allowances=allowances,
    )


def _good_until(desired: Desired, view: View) -> date | None:
    """The last day on which validity dates leave the plan as it is."""
    days = []
    for code in desired.codes:
        if code.absent or not view.in_scope(code):
            continue
        if code.valid_from is not None and code.valid_from > view.as_of:
            days.append(code.valid_from - timedelta(days=1))
        if code.valid_through is not None and code.valid_through >= view.as_of:
            days.append(code.valid_through)
    return min(days, default=None)


def _unmanaged(view: View) -> Iterator[Unmanaged]:
    if not view.scope.whole:
        return
    quiet = view.desired.policy.unmanaged == "ignore"
    known = set(view.code_key_by_id) | view.codes.held
    for code in sorted(view.live.codes, key=lambda one: (one.name, one.id)):
        if code.id in known or view.prunable(code) or not code.active:
            continue
        if code.reserved or view.reserved(code.name):
            why = "reserved"
        elif view.ignored(code.name):
            why = "ignored"
        elif view.protected(code.name, code.id):
            why = "protected"
        else:
            why = "undeclared"
        if not (quiet and why == "undeclared"):
            yield Unmanaged("code", code.id, code.name, code.division, why)
    known = set(view.queue_key_by_id) | view.queues.held
    for queue in sorted(view.live.queues, key=lambda one: (one.name, one.id)):
        if queue.id not in known and queue.active and not quiet:
            yield Unmanaged("queue", queue.id, queue.name, queue.division, "undeclared")
