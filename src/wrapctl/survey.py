"""Read an org in two steps and make its plan: what plan, apply, drift and import have in common.

Nothing here can write: it is given a Reader and never a Writer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from wrapctl.errors import WrongOrganization
from wrapctl.evidence.gather import Ask, gather
from wrapctl.model import Desired, Identity, Live, Scope
from wrapctl.plan import guard
from wrapctl.plan.evidence import PlanEvidence, Recent
from wrapctl.plan.make import links_to_read, make_plan
from wrapctl.plan.plan import Plan
from wrapctl.plan.wanted import rows_to_read
from wrapctl.policy import Allowance
from wrapctl.targets.interface import Capabilities, Reader, Want


def survey(
    reader: Reader,
    capabilities: Capabilities,
    desired: Desired,
    *,
    as_of: date,
    scope: Scope | None = None,
    allowances: tuple[Allowance, ...] = (),
    ask: Ask | None = None,
) -> tuple[Plan, Live]:
    """Return the plan of one org and the live state that it was made from.

    First codes, queues, flags, divisions and the rows of CRM systems; then the links of the queues that the first
    read shows to matter. A CRM that cannot be read is no error: the plan says so. ``ask``: whom to ask how often codes
    that go are used, and what else names them; nobody, where it is left out.

    Raises:
        WrongOrganization: the credentials open another organization than the files name.
        TargetError: anything less than all was read.
    """
    scope = scope or Scope()
    check_identity(desired, reader.identity())
    live = read_first(reader, capabilities, desired, scope)
    wanted = links_to_read(desired, live, capabilities, scope=scope, as_of=as_of)
    live = with_links(reader, live, wanted)
    plan = make_plan(desired, live, capabilities, as_of=as_of, scope=scope, allowances=allowances)
    limits = desired.policy.limits
    known, recent = PlanEvidence(), Recent(limits.recent_days, why="nobody asked the platform")
    if ask is not None:
        known, recent = gather(plan, live, limits, ask, title=capabilities.title)
    return guard.weigh(plan, known, recent, limits, allowances=(*desired.allowances, *allowances)), live


def read_first(reader: Reader, capabilities: Capabilities, desired: Desired, scope: Scope) -> Live:
    """Return codes, queues, divisions, the rows in scope and, where some declared code needs them, outbound flags."""
    in_scope = [
        code for code in desired.codes if not code.absent and (scope.codes is None or code.key in scope.codes)
    ]
    flags = capabilities.outbound and any(code.outbound is not None for code in in_scope)
    queues = (queue for queue in desired.queues if scope.queues is None or queue.label in scope.queues)
    named: set[str] = set()
    if capabilities.chosen:
        named.update(*(code.fields for code in in_scope), *(queue.after_call_work or () for queue in queues))
    return reader.read(
        Want(
            codes=None,
            queues=None,
            outbound=flags,
            divisions=capabilities.divisions,
            choices=frozenset(named & set(capabilities.chosen)),
            rows=rows_to_read(desired, capabilities, scope),
        )
    )


def with_links(reader: Reader, live: Live, queues: frozenset[str]) -> Live:
    """Return ``live`` with the links of ``queues`` read and added, but for those that came along already."""
    missing = queues - live.links.keys()
    if not missing:
        return live
    second = reader.read(Want(links=missing))
    return replace(
        live,
        links={**live.links, **second.links},
        link_names={**live.link_names, **second.link_names},
    )


def check_identity(desired: Desired, identity: Identity) -> None:
    """Refuse credentials that open another organization than the files name.

    Raises:
        WrongOrganization: with both ids, and the name as the platform reports it.
    """
    wanted = desired.organization_id
    if wanted is not None and wanted != identity.id:
        raise WrongOrganization(
            f'{desired.org}: the credentials open organization {identity.id} "{identity.name}", '
            f"org.yaml names {wanted}",
            hint="correct `organization_id`, or use that organization's credentials; nothing was read or written",
        )
