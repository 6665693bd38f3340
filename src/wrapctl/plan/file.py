"""Plans as JSON: written for machines, read back only when every digest is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from wrapctl.errors import PlanUnusable, Problem, Severity, Source
from wrapctl.model import (
    ROW_VERBS,
    TABLE_VERBS,
    Address,
    Cause,
    Change,
    ChangeId,
    Fields,
    Identity,
    Lock,
    Ref,
    Scope,
    State,
    Value,
    Verb,
    row_address,
)
from wrapctl.plan import evidence
from wrapctl.plan.order import digest_of
from wrapctl.plan.plan import FORMAT, Estimate, Finding, Plan, Unmanaged

KIND = "wrapctl.plan"


def dumps(plan: Plan) -> str:
    """Return a plan as JSON text with a final newline; equal plans give equal text.

    A line for each member and for each change: it can be read and compared as text, and a plan of 127,000 changes
    does not have to exist as plain data all at once.
    """
    members = []
    for name, value in _head(plan).items():
        if name == "changes":
            changes = ",\n  ".join(_text(change_data(change)) for change in plan.changes)
            members.append(f'"changes": [\n  {changes}\n ]' if changes else '"changes": []')
        else:
            members.append(f"{_text(name)}: {_text(value)}")
    return "{\n " + ",\n ".join(members) + "\n}\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def as_data(plan: Plan) -> dict[str, object]:
    """Return a plan as plain data (``schemas/plan.schema.json``)."""
    return {**_head(plan), "changes": [change_data(change) for change in plan.changes]}


def _head(plan: Plan) -> dict[str, object]:
    """Everything in its order, with an empty place for the changes."""
    return {
        "kind": KIND,
        "format": plan.format,
        "org": plan.org,
        "platform": plan.platform,
        "organization": {
            "id": plan.identity.id,
            "name": plan.identity.name,
            "sandbox": plan.identity.sandbox,
        },
        "digest": plan.digest,
        "config_digest": plan.config_digest,
        "as_of": plan.as_of.isoformat(),
        "good_until": plan.good_until.isoformat() if plan.good_until else None,
        "scope": {
            "codes": sorted(plan.scope.codes) if plan.scope.codes is not None else None,
            "queues": sorted(plan.scope.queues) if plan.scope.queues is not None else None,
            "crm": sorted(plan.scope.crm),
        },
        "summary": {
            "pending": len(plan.pending),
            "outstanding": len(plan.outstanding),
            "verbs": {verb.value: count for verb, count in plan.counts.items()},
            "refused": bool(plan.refusals),
        },
        "changes": [],
        "unmanaged": [unmanaged_data(one) for one in plan.unmanaged],
        "warnings": [_problem_data(problem) for problem in plan.warnings],
        "findings": [
            {
                "limit": one.limit,
                "measured": one.measured,
                "allowed": one.allowed,
                "percent": one.percent,
                "of": one.of,
                "message": one.message,
                "token": one.token,
                "subjects": list(one.subjects),
                "names": list(one.names),
                "accepted": one.accepted,
            }
            for one in plan.findings
        ],
        "partly_visible": list(plan.partly_visible),
        "unread": list(plan.unread),
        "behavioural": dict(sorted(plan.behavioural.items())),
        "evidence": evidence.as_data(plan.evidence),
        "estimate": {
            "writes": plan.estimate.writes,
            "reads": plan.estimate.reads,
            "minutes": plan.estimate.minutes,
        },
    }


def change_data(change: Change) -> dict[str, object]:
    """Return one change as plain data."""
    return {
        "verb": change.verb.value,
        "address": change.address,
        "label": change.label,
        "within": change.within,
        "system": change.system,
        "live_id": change.live_id,
        "parent": change.parent,
        "before": fields_data(change.before),
        "after": fields_data(change.after),
        "cause": change.cause.value,
        "source": _source_data(change.source),
        "lock": change.lock.value,
        "state": change.state.value,
        "reason": change.reason,
        "needs": [[need.verb.value, need.address] for need in change.needs],
        "by_hand": change.by_hand,
        "digest": change.digest,
    }


def unmanaged_data(one: Unmanaged) -> dict[str, object]:
    """Return an object that is not managed here, as machines read it."""
    return {
        "kind": one.kind,
        "id": one.id,
        "name": one.name,
        "division": one.division,
        "why": one.why,
        "within": one.within,
        "count": one.count,
    }


def fields_data(fields: Fields) -> dict[str, object]:
    """Return managed fields as JSON values: tuples as lists, a Ref as ``{"ref": address}``."""
    return {name: _value_data(value) for name, value in sorted(fields.items())}


def loads(text: str) -> Plan:
    """Return the plan that ``text`` holds.

    Raises:
        PlanUnusable: not a plan, another format, or some digest does not match its content.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise PlanUnusable(f"the plan file is not JSON: {error}", hint="make a new plan") from error
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise PlanUnusable("this is not a plan file", hint="`wrapctl plan --out FILE` writes one")
    if data.get("format") != FORMAT:
        raise PlanUnusable(
            f"the plan has format {data.get('format')!r}, this wrapctl reads {FORMAT}", hint="make a new plan"
        )
    try:
        plan = _plan(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanUnusable(f"the plan file is damaged: {error!r}", hint="make a new plan") from error
    wrong = [c.address for c in plan.changes if c.digest != digest_of(c, plan.identity.id)]
    if wrong or plan.digest != data.get("digest"):
        where = f" (first at {wrong[0]})" if wrong else ""
        raise PlanUnusable(
            f"the plan file was changed after it was made: a digest does not match{where}",
            hint="make a new plan",
        )
    return plan


def _plan(data: Mapping[str, Any]) -> Plan:
    organization, scope, cost = data["organization"], data["scope"], data["estimate"]
    return Plan(
        org=data["org"],
        platform=data["platform"],
        identity=Identity(organization["id"], organization["name"], bool(organization["sandbox"])),
        as_of=date.fromisoformat(data["as_of"]),
        config_digest=data["config_digest"],
        changes=tuple(_change(item, data["org"]) for item in data["changes"]),
        scope=Scope(
            codes=frozenset(scope["codes"]) if scope["codes"] is not None else None,
            queues=frozenset(scope["queues"]) if scope["queues"] is not None else None,
            crm=frozenset(scope.get("crm", ())),
        ),
        good_until=date.fromisoformat(data["good_until"]) if data["good_until"] else None,
        unmanaged=tuple(Unmanaged(**item) for item in data["unmanaged"]),
        warnings=tuple(_problem(item) for item in data["warnings"]),
        findings=tuple(
            Finding(**{**item, "subjects": tuple(item["subjects"]), "names": tuple(item["names"])})
            for item in data["findings"]
        ),
        partly_visible=tuple(data["partly_visible"]),
        unread=tuple(data["unread"]),
        behavioural={str(name): str(text) for name, text in data.get("behavioural", {}).items()},
        evidence=evidence.from_data(data.get("evidence", {})),
        estimate=Estimate(**cost),
        format=data["format"],
    )


def _change(data: Mapping[str, Any], org: str) -> Change:
    verb, address, system = Verb(data["verb"]), Address(data["address"]), str(data.get("system", ""))
    # Where a row is written is under its digest in the address alone.
    within = address.startswith(row_address(org, system, "")) if system else False
    if within is not (verb in ROW_VERBS or verb in TABLE_VERBS):
        raise ValueError(f"{address} is not in the system {system!r}")
    return Change(
        verb=verb,
        address=address,
        before=_fields(data["before"]),
        after=_fields(data["after"]),
        live_id=data["live_id"],
        parent=data["parent"],
        label=data["label"],
        within=data["within"],
        cause=Cause(data["cause"]),
        source=Source(**data["source"]) if data["source"] else None,
        lock=Lock(data["lock"]),
        state=State(data["state"]),
        reason=data["reason"],
        needs=tuple(ChangeId(Verb(verb), Address(address)) for verb, address in data["needs"]),
        digest=data["digest"],
        by_hand=str(data.get("by_hand", "")),
        system=system,
    )


def _fields(data: Mapping[str, object]) -> Fields:
    return {name: _value(value) for name, value in data.items()}


def _value(value: object) -> Value:
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    if isinstance(value, dict):
        return Ref(Address(value["ref"]))
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"no field holds {value!r}")


def _value_data(value: Value) -> object:
    if isinstance(value, Ref):
        return {"ref": value.address}
    if isinstance(value, tuple):
        return [_value_data(item) for item in value]
    return value


def _source_data(source: Source | None) -> dict[str, object] | None:
    return {"file": source.file, "line": source.line, "column": source.column} if source else None


def _problem_data(problem: Problem) -> dict[str, object]:
    return {
        "source": _source_data(problem.source),
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity.value,
    }


def _problem(data: Mapping[str, Any]) -> Problem:
    return Problem(
        Source(**cast("dict[str, Any]", data["source"])),
        data["message"],
        data["hint"],
        Severity(data["severity"]),
    )
