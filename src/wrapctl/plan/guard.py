"""Measure the blast radius of a plan before anything is written, and say the numbers and the way past.

Fails closed: a limit that cannot be evaluated is a finding too. There is no blanket force; a token acknowledges
exactly one set of objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import Change, Live, State, Verb
from wrapctl.plan.evidence import PlanEvidence, Recent
from wrapctl.plan.plan import Finding, Plan
from wrapctl.policy import Allowance, Limit, Limits, Policy
from wrapctl.targets.interface import Dependant

PERCENT_FROM = 10
"""A percentage of fewer live objects than this says nothing and is not applied."""


def measure(
    changes: Sequence[Change],
    live: Live,
    policy: Policy,
    *,
    managed_queues: Iterable[str],
    scoped: bool = False,
    unknown_divisions: Sequence[str] = (),
    allowances: Sequence[Allowance] = (),
) -> tuple[Finding, ...]:
    """Return the limits that the ready changes exceed, each with its token, and whether it was acknowledged.

    ``managed_queues``: live ids of the queues whose assignments are managed; their links are the base of
    ``unassigns.percent``. A ``scoped`` plan applies absolute limits only.
    """
    ready = [change for change in changes if change.state is State.READY]
    limits = policy.limits
    links = sum(len(live.links.get(queue, ())) for queue in managed_queues)
    codes = sum(code.active for code in live.codes)
    findings = [
        *_limit("creates", limits.creates, _of(ready, Verb.CREATE_CODE), codes, scoped=scoped),
        *_limit("renames", limits.renames, [c for c in ready if c.renames], codes, scoped=scoped),
        *_limit("updates", limits.updates, _of(ready, Verb.UPDATE_CODE), codes, scoped=scoped),
        *_limit(
            "deletes",
            limits.deletes,
            _of(ready, Verb.DELETE_CODE, Verb.DEACTIVATE_CODE),
            codes,
            scoped=scoped,
        ),
        *_limit("unassigns", limits.unassigns, _of(ready, Verb.UNASSIGN), links, scoped=scoped),
        *_limit(
            "crm_deletes",
            limits.crm_deletes,
            _of(ready, Verb.DELETE_ROW, Verb.DEACTIVATE_ROW),
            0,
            scoped=True,
        ),
        *_queues(ready, live, limits.emptied_queues, limits.codes_per_queue),
        *_visibility(ready, unknown_divisions),
    ]
    return _accepted(findings, allowances)


def weigh(
    plan: Plan,
    evidence: PlanEvidence,
    recent: Recent,
    limits: Limits,
    *,
    allowances: Sequence[Allowance] = (),
) -> Plan:
    """Return the plan with what is known of its codes beside it, and what the guard says to that.

    A token is of the changes and of what names them, never of a number: what was acknowledged stays so as the
    figures move.
    """
    removals = _of(plan.pending, Verb.DELETE_CODE, Verb.DEACTIVATE_CODE)
    findings = _accepted(
        [
            *_recent(removals, recent, limits.recent_uses),
            *_named_elsewhere(removals, evidence, limits.dependants),
        ],
        allowances,
    )
    tokens = {finding.token for finding in findings}
    mine = [one for one in allowances if one.token.startswith(_WEIGHED)]
    spent = [_spent(one) for one in mine if one.token not in tokens]
    return replace(
        plan,
        evidence=evidence,
        findings=(*plan.findings, *findings),
        warnings=tuple(sorted({*plan.warnings, *spent})),
    )


def _accepted(findings: Iterable[Finding], allowances: Iterable[Allowance]) -> tuple[Finding, ...]:
    reasons = {allowance.token: allowance.reason for allowance in allowances}
    return tuple(
        replace(finding, accepted=reasons[finding.token]) if finding.token in reasons else finding
        for finding in findings
    )


def spent_allowances(findings: Sequence[Finding], allowances: Sequence[Allowance]) -> list[Problem]:
    """Return a warning for each acknowledgement that fits nothing in this plan.

    Tokens of another kind belong to apply (``window=…``, ``held=…``), or to what is known besides (``weigh``).
    """
    tokens = {finding.token for finding in findings}
    return [
        _spent(allowance)
        for allowance in allowances
        if allowance.token not in tokens and not allowance.token.startswith(("window", "held=", *_WEIGHED))
    ]


def _spent(allowance: Allowance) -> Problem:
    return Problem(
        allowance.source or Source("--allow"),
        f"`{allowance.token}` acknowledges nothing in this plan: it is spent, or the set has changed",
        "remove it, or use the token that the plan prints",
        Severity.WARNING,
    )


def token(limit: str, subjects: Iterable[str], measured: int) -> str:
    """Return the acknowledgement of exactly these subjects: ``deletes=14@3f9c1a2b``."""
    text = "\n".join([limit, *sorted(subjects)])
    return f"{limit}={measured}@{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _of(changes: Iterable[Change], *verbs: Verb) -> list[Change]:
    return [change for change in changes if change.verb in verbs]


def _subject(change: Change) -> str:
    return f"{change.address} {change.parent or '-'} {change.live_id or '-'}"


def _limit(name: str, limit: Limit, changes: list[Change], base: int, *, scoped: bool) -> list[Finding]:
    count = len(changes)
    over_max = limit.max is not None and count > limit.max
    over_percent = (
        limit.percent is not None
        and not scoped
        and base >= PERCENT_FROM
        and count * 100 > limit.percent * base
    )
    if not (over_max or over_percent):
        return []
    subjects = sorted(_subject(change) for change in changes)
    if over_max:
        message = f"{count} {name.replace('_', ' ')}, at most {limit.max} are allowed (`limits.{name}.max`)"
        allowed, percent = limit.max or 0, False
    else:
        share = count * 100 / base
        message = (
            f"{count} {name.replace('_', ' ')} are {share:.1f} % of {base} live, "
            f"at most {limit.percent} % are allowed (`limits.{name}.percent`)"
        )
        allowed, percent = limit.percent or 0, True
    return [
        Finding(
            name,
            count,
            allowed,
            message,
            percent=percent,
            of=base,
            token=token(name, subjects, count),
            subjects=tuple(subjects),
            names=tuple(_named(change) for change in changes),
        )
    ]


def _named(change: Change) -> str:
    if change.verb is Verb.UNASSIGN:
        return f"{change.label} on {change.within}"
    return f"{change.label} in {change.system}" if change.system else change.label


def _queues(ready: list[Change], live: Live, emptied: Limit, most: int) -> list[Finding]:
    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    for change in ready:
        if change.parent is None:
            continue
        if change.verb is Verb.ASSIGN:
            added[change.parent] = added.get(change.parent, 0) + 1
        elif change.verb is Verb.UNASSIGN:
            removed[change.parent] = removed.get(change.parent, 0) + 1
    names = {queue.id: queue.name for queue in live.queues}

    def after(queue: str) -> int:
        return len(live.links.get(queue, ())) + added.get(queue, 0) - removed.get(queue, 0)

    empty = sorted(queue for queue in removed if after(queue) <= 0)
    crowded = sorted(queue for queue in added if after(queue) > most)
    findings = []
    if len(empty) > (emptied.max or 0):
        findings.append(
            _queue_finding(
                "emptied_queues",
                empty,
                names,
                emptied.max or 0,
                lambda named: f"{len(empty)} queue(s) would be left with no code: {named}",
            )
        )
    if crowded:
        findings.append(
            _queue_finding(
                "codes_per_queue",
                crowded,
                names,
                most,
                lambda named: f"{len(crowded)} queue(s) would have more than {most} codes: {named}",
            )
        )
    return findings


def _queue_finding(
    limit: str, queues: list[str], names: dict[str, str], allowed: int, say: Callable[[str], str]
) -> Finding:
    labels = tuple(names.get(queue, queue) for queue in queues)
    shown = ", ".join(f'"{label}"' for label in labels[:5]) + (", …" if len(labels) > 5 else "")
    return Finding(
        limit,
        len(queues),
        allowed,
        f"{say(shown)} (`limits.{limit}`)",
        token=token(limit, queues, len(queues)),
        subjects=tuple(queues),
        names=labels,
    )


def _visibility(ready: list[Change], unknown: Sequence[str]) -> list[Finding]:
    """Deletes where the platform gave no counts: whether the client sees everything cannot be evaluated."""
    removals = _of(ready, Verb.DELETE_CODE, Verb.DEACTIVATE_CODE)
    if not removals or not unknown:
        return []
    subjects = sorted(_subject(change) for change in removals)
    return [
        Finding(
            "visibility",
            len(removals),
            0,
            "the platform gives no object counts for "
            + ", ".join(f'"{name}"' for name in unknown[:5])
            + ", so that nothing shows whether this client sees every queue that holds what is deleted",
            token=token("visibility", subjects, len(removals)),
            subjects=tuple(subjects),
            names=tuple(change.label for change in removals),
        )
    ]


# ── what is known besides ──────────────────────────────────────────────────────────────────────────────────

_USES, _DEPENDANTS = "uses", "dependants"
_WEIGHED = (f"{_USES}=", f"{_DEPENDANTS}=")


def weighed(findings: Iterable[Finding], changes: Iterable[Change]) -> list[Finding]:
    """Return the findings of ``weigh`` that are about any of these changes."""
    about = {_subject(change) for change in changes}
    return [
        one for one in findings if one.limit in {_USES, _DEPENDANTS} and not about.isdisjoint(one.subjects)
    ]


_FEW = 5


def _recent(removals: Sequence[Change], recent: Recent, most: int | None) -> list[Finding]:
    """Codes that were chosen more often than one that is deleted may be, or of which nobody knows."""
    if most is None or not removals:
        return []
    rule = f"`limits.deletes.max_recent_uses` is {most:,}"
    contacts = recent.contacts
    if contacts is None:
        message = f"whether {_these(removals)} is still used is not known: {recent.why} ({rule})"
        return [_of_codes(_USES, removals, message)]
    used = [change for change in removals if contacts.get(change.live_id or "", 0) > most]
    if not used:
        return []
    told = [f'"{one.label}" for {contacts[one.live_id or ""]:,} contacts' for one in used]
    message = f"still chosen in the last {recent.days} days: {_some(told)} ({rule})"
    return [_of_codes(_USES, used, message)]


def _named_elsewhere(removals: Sequence[Change], evidence: PlanEvidence, rule: str) -> list[Finding]:
    """Codes that something else is known to name; where the org wants that, those of which it is not known."""
    if rule == "report":
        return []
    findings = []
    found = [(one, evidence.codes.get(one.live_id or "")) for one in removals]
    answers = [(one, about.dependants if about is not None else None) for one, about in found]
    known = [(one, answer.known) for one, answer in answers if answer is not None and answer.known]
    if known:
        told = [f'"{one.label}" by {_some([_words(name) for name in names])}' for one, names in known]
        message = f"still named elsewhere: {_some(told)} (`limits.deletes.dependants`)"
        more = [f"{one.live_id} {name.kind} {name.id}" for one, names in known for name in names]
        findings.append(_of_codes(_DEPENDANTS, [one for one, _ in known], message, more))
    if rule == "refuse-unknown":
        unsure = [(one, answer) for one, answer in answers if answer is None or not answer.complete]
        if unsure:
            whys = {answer.why if answer is not None else "nobody asked the platform" for _, answer in unsure}
            codes = [one for one, _ in unsure]
            message = f"whether anything else names {_these(codes)} is not known: {_some(sorted(whys))}"
            message += " (`limits.deletes.dependants`)"
            findings.append(_of_codes(_DEPENDANTS, codes, message, ["not known"]))
    return findings


def _of_codes(limit: str, changes: Sequence[Change], message: str, more: Iterable[str] = ()) -> Finding:
    subjects = sorted({*map(_subject, changes), *more})
    return Finding(
        limit,
        len(changes),
        0,
        message,
        token=token(limit, subjects, len(changes)),
        subjects=tuple(subjects),
        names=tuple(change.label for change in changes),
    )


def _these(changes: Sequence[Change]) -> str:
    return _some([f'"{change.label}"' for change in changes])


def _words(one: Dependant) -> str:
    return f'the {one.kind} "{one.name}"' + (f" ({one.detail})" if one.detail else "")


def _some(told: Sequence[str]) -> str:
    return ", ".join(told[:_FEW]) + (f" and {len(told) - _FEW:,} more" if len(told) > _FEW else "")


def recheck(plan: Plan, policy: Policy) -> Callable[[Live, Sequence[Change]], tuple[Finding, ...]]:
    """Return the guard for the moment before the first write: what is left to write, against what was just read.

    Only the plan's own objects were read again, so that percentages keep the verdict of the whole read. What was
    acknowledged for the plan holds for any part of the same set: a plan half-applied can be finished.
    """

    def measured(live: Live, changes: Sequence[Change]) -> tuple[Finding, ...]:
        findings = measure(changes, live, policy, managed_queues=(), scoped=True)
        return tuple(_carried(finding, plan.findings) for finding in findings)

    return measured


def _carried(finding: Finding, earlier: Sequence[Finding]) -> Finding:
    for old in earlier:
        if old.limit == finding.limit and old.accepted is not None and {*finding.subjects} <= {*old.subjects}:
            return replace(finding, accepted=old.accepted)
    return finding
