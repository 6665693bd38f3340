"""Look at an org for drift: one read for three plans, then the platform's trail of what was found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from wrapctl.errors import Answered, Forbidden, Interrupted, TargetError
from wrapctl.evidence.attribution import about, attribute
from wrapctl.evidence.told import Told
from wrapctl.model import CrmMapping, Desired, Live, Scope
from wrapctl.plan.drift import Drift, tell
from wrapctl.plan.make import links_to_read, make_plan
from wrapctl.survey import check_identity, read_first, with_links
from wrapctl.targets.interface import Capabilities, Evidence, Reader


@dataclass(frozen=True, slots=True)
class Compared:
    """What live is compared with: the files that were ``applied`` (a commit, or nothing), and those of now.

    ``day`` is the one on which they were applied, None where nobody knows.
    """

    then: Desired
    now: Desired
    today: date
    day: date | None = None
    applied: str = ""


def both(then: Desired, now: Desired) -> Desired:
    """Return all that either wants, for who connects and reads; where rows are kept, the files of now say."""
    systems = {one.system for one in now.crm}
    return replace(
        now,
        codes=(*now.codes, *then.codes),
        queues=(*now.queues, *then.queues),
        crm=(*now.crm, *(one for one in then.crm if one.system not in systems)),
    )


def look(reader: Reader, capabilities: Capabilities, compared: Compared) -> tuple[Drift, Live]:
    """Return drift and the live state that it was found in.

    Raises:
        WrongOrganization: the credentials open another organization than the files name.
        TargetError: anything less than all was read.
    """
    now, then = compared.now, _where_rows_are_now(compared.then, compared.now)
    check_identity(now, reader.identity())
    day, whole = compared.day or compared.today, Scope()
    live = read_first(reader, capabilities, both(then, now), whole)
    asked = ((then, day), (then, compared.today), (now, compared.today))
    wanted = [links_to_read(files, live, capabilities, scope=whole, as_of=when) for files, when in asked]
    live = with_links(reader, live, frozenset().union(*wanted))
    plans = [make_plan(files, live, capabilities, as_of=when) for files, when in asked]
    found = tell(*plans, applied=compared.applied, dated=compared.day is not None)
    return found, live


def _where_rows_are_now(then: Desired, now: Desired) -> Desired:
    """Leave out mappings whose rows the files of now keep elsewhere: all of their rows would seem to be gone."""
    places = {one.system: _place(one) for one in now.crm}
    kept = tuple(one for one in then.crm if places.get(one.system, _place(one)) == _place(one))
    return then if len(kept) == len(then.crm) else replace(then, crm=kept)


def _place(mapping: CrmMapping) -> tuple[object, ...]:
    return mapping.target, mapping.connection, dict(mapping.options)


def ask(
    told: Told,
    evidence: Evidence | None,
    capabilities: Capabilities,
    *,
    since: datetime,
    until: datetime,
) -> Told:
    """Return drift with who did it, as far as the platform tells. That it does not tell is no failure of drift.

    Raises:
        Interrupted: the run was asked to stop.
    """
    changes = told.drift.changes
    if not changes:
        return told
    if evidence is None:
        return replace(told, unknown="the platform keeps no trail that can be read")
    inside = frozenset(one for one, can in capabilities.systems.items() if can.inside == capabilities.name)
    strangers = [one.id for one in told.drift.unmanaged if one.kind == "code"]
    wanted = about(
        changes, inside=inside, keeps=evidence.keeps, by_object=evidence.by_object, strangers=strangers
    )
    try:
        entries = evidence.audit(since, until, about=wanted, names=told.names) if wanted else ()
    except Interrupted:
        raise
    except TargetError as error:
        return replace(told, unknown=_why(error))
    who = attribute(
        changes,
        entries,
        inside=inside,
        keeps=evidence.keeps,
        own=evidence.own_client(),
        since=f"{since:%Y-%m-%d}",
    )
    return replace(told, who=who)


def _why(error: TargetError) -> str:
    if isinstance(error, Forbidden):
        return f"this client may not read the audit trail: {error.message}"
    if isinstance(error, Answered):
        return f"the audit trail was not read: {error.message}"
    return f"the audit trail was not read: {error.message}" + (f" ({error.hint})" if error.hint else "")
