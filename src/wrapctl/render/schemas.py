"""JSON Schemas of what machines read: plans and reports. Built from the enums, so that neither lags behind."""

from __future__ import annotations

from enum import Enum

from wrapctl.apply import report
from wrapctl.apply.report import Status
from wrapctl.errors import Severity
from wrapctl.evidence.usage import Note
from wrapctl.model import Cause, Lock, State, Verb
from wrapctl.plan import file, plan
from wrapctl.render.json import VERSION

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: dict[str, object] = {"type": "string"}
_NUMBER: dict[str, object] = {"type": "integer", "minimum": 0}
_AMOUNT: dict[str, object] = {"type": "number", "minimum": 0}
_FLAG: dict[str, object] = {"type": "boolean"}
_DATE: dict[str, object] = {"type": "string", "format": "date"}
_DIGEST: dict[str, object] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_FIELDS: dict[str, object] = {
    "type": "object",
    "description": "Managed fields. A reference to an object that is yet to be created is {ref: address}.",
    "additionalProperties": {"$ref": "#/$defs/value"},
}
_DEFS: dict[str, object] = {
    "value": {
        "oneOf": [
            {"type": ["null", "boolean", "integer", "string"]},
            {"type": "array", "items": {"$ref": "#/$defs/value"}},
            {
                "type": "object",
                "properties": {"ref": _TEXT},
                "required": ["ref"],
                "additionalProperties": False,
            },
        ]
    },
}


def all_schemas() -> dict[str, dict[str, object]]:
    """Return file name → schema, for ``wrapctl schema``."""
    return {
        "drift.schema.json": drift_schema(),
        "plan.schema.json": plan_schema(),
        "report.schema.json": report_schema(),
        "usage.schema.json": usage_schema(),
    }


def plan_schema() -> dict[str, object]:
    """Return the schema of what ``plan --out`` writes and ``apply --plan`` reads."""
    change, warning = _change(), _problem()
    return _document(
        "plan",
        "A plan of one org, as `wrapctl plan --format json` and `--out` write it",
        {
            "kind": {"const": file.KIND},
            "format": {"const": plan.FORMAT},
            "org": _TEXT,
            "platform": _TEXT,
            "organization": _object({"id": _TEXT, "name": _TEXT, "sandbox": _FLAG}),
            "digest": _DIGEST,
            "config_digest": _TEXT,
            "as_of": _DATE,
            "good_until": _or_null(_DATE),
            "scope": _object(
                {"codes": _or_null(_list(_TEXT)), "queues": _or_null(_list(_TEXT)), "crm": _list(_TEXT)}
            ),
            "summary": _object(
                {
                    "pending": _NUMBER,
                    "outstanding": _NUMBER,
                    "verbs": _counts(Verb),
                    "refused": _FLAG,
                }
            ),
            "changes": _list(change),
            "unmanaged": _list(_unmanaged()),
            "warnings": _list(warning),
            "findings": _list(
                _object(
                    {
                        "limit": _TEXT,
                        "measured": _NUMBER,
                        "allowed": _NUMBER,
                        "percent": _FLAG,
                        "of": _NUMBER,
                        "message": _TEXT,
                        "token": _TEXT,
                        "subjects": _list(_TEXT),
                        "names": _list(_TEXT),
                        "accepted": _or_null(_TEXT),
                    }
                )
            ),
            "partly_visible": _list(_TEXT),
            "unread": _list(_TEXT),
            "behavioural": {"type": "object", "additionalProperties": _TEXT},
            "evidence": _evidence(),
            "estimate": _object(
                {"writes": _NUMBER, "reads": _NUMBER, "minutes": {"type": "number", "minimum": 0}}
            ),
        },
    )


def usage_schema() -> dict[str, object]:
    """Return the schema of what ``usage --format json`` prints."""
    code = _object({"id": _TEXT, "name": _TEXT, "key": _or_null(_TEXT)})
    queue = _object({"id": _TEXT, "name": _TEXT})
    share: dict[str, object] = {"type": "number", "minimum": 0, "maximum": 1}
    about: dict[str, object] = {"code": code, "category": _or_null(_TEXT), "tags": _list(_TEXT)}
    figures: dict[str, object] = {
        "contacts": _NUMBER,
        "share": share,
        "average_handle_seconds": _or_null(_AMOUNT),
        "average_acw_seconds": _or_null(_AMOUNT),
        "note": _one_of(Note),
        "outside": _FLAG,
    }
    timed_out: dict[str, object] = {"queue": queue, "contacts": _NUMBER, "of": _NUMBER, "share": share}
    return _document(
        "usage",
        "How often the codes of an org are used, as `wrapctl usage --format json` prints it",
        {
            "kind": {"const": "wrapctl.usage"},
            "version": {"const": VERSION},
            "org": _TEXT,
            "organization": _object({"id": _TEXT, "name": _TEXT, "sandbox": _FLAG}),
            "since": _TEXT,
            "until": _TEXT,
            "queues": _list(_TEXT),
            "contacts": _NUMBER,
            "rows": _list(_object({"queue": queue, **about, **figures})),
            "unused": _list(_object(about)),
            "timed_out": _list(_object(timed_out)),
        },
    )


def _evidence() -> dict[str, object]:
    dependant = _object({"kind": _TEXT, "id": _TEXT, "name": _TEXT, "detail": _TEXT})
    known = _object({"known": _list(dependant), "complete": _FLAG, "why": _TEXT})
    counts = ("conversations", "handle_ms", "acw_ms", "worked")
    use = _object({"queue": _TEXT, **dict.fromkeys(counts, _NUMBER)})
    about = _object({"uses": _or_null(_list(use)), "dependants": _or_null(known), "here": _list(dependant)})
    return _object(
        {
            "days": _NUMBER,
            "until": _TEXT,
            "no_usage": _TEXT,
            "codes": {"type": "object", "additionalProperties": about},
            "queues": {"type": "object", "additionalProperties": _TEXT},
        }
    )


def report_schema() -> dict[str, object]:
    """Return the schema of what ``apply --report`` writes."""
    answer = _object(
        {"operation": _TEXT, "status": _NUMBER, "code": _TEXT, "message": _TEXT, "request_id": _TEXT}
    )
    change = _object(
        {
            "verb": _one_of(Verb),
            "address": _TEXT,
            "label": _TEXT,
            "within": _TEXT,
            "status": _one_of(Status),
            "message": _TEXT,
            "hint": _TEXT,
            "id": _or_null(_TEXT),
            "request_id": _TEXT,
            "answer": _or_null(answer),
            "planned": _FIELDS,
            "now": _or_null(_FIELDS),
            "wanted": _FIELDS,
            "drift": _list(_TEXT),
            "possible_overwrite": _list(_TEXT),
            "attempted": _FLAG,
            "digest": _TEXT,
        }
    )
    return _document(
        "report",
        "What an apply did to one org, as `wrapctl apply --format json` and `--report` write it",
        {
            "kind": {"const": "wrapctl.report"},
            "format": {"const": report.FORMAT},
            "run": _TEXT,
            "org": _TEXT,
            "organization_id": _TEXT,
            "plan": _TEXT,
            "exit_code": {"type": "integer", "minimum": 0, "maximum": 5},
            "totals": _counts(Status),
            "changes": _list(change),
            "fatal": _or_null(_TEXT),
            "hint": _or_null(_TEXT),
            "interrupted": _FLAG,
            "stale": _FLAG,
            "unended_runs": _list(_TEXT),
            "unread": _list(_TEXT),
            "traffic": _object(
                {
                    "requests": {"type": "object", "additionalProperties": _NUMBER},
                    "total": _NUMBER,
                    "retries": _NUMBER,
                    "waited_seconds": _AMOUNT,
                    "waits_on_limits": _NUMBER,
                    "waited_on_limits_seconds": _AMOUNT,
                    "latency_ms": {
                        "type": "object",
                        "additionalProperties": _object(
                            {"count": _NUMBER, "p50": _AMOUNT, "p95": _AMOUNT, "p99": _AMOUNT, "max": _AMOUNT}
                        ),
                    },
                }
            ),
            "findings": {"type": "object", "additionalProperties": _NUMBER},
            "journal": _or_null(_TEXT),
        },
    )


def drift_schema() -> dict[str, object]:
    """Return the schema of what ``drift --format json`` prints of one org."""
    change = _change()
    actor = _object({"kind": {"enum": ["user", "client", "unknown"]}, "id": _TEXT, "name": _or_null(_TEXT)})
    who = _object(
        {
            "why_unknown": _or_null(_TEXT),
            "at": _or_null(_TEXT),
            "actor": _or_null(actor),
            "own_client": _FLAG,
            "sure": _FLAG,
            "action": _or_null(_TEXT),
            "request_id": _or_null(_TEXT),
        }
    )
    named: dict[str, object] = {"verb": _one_of(Verb), "address": _TEXT}
    return _document(
        "drift",
        "How an org differs from what was applied, as `wrapctl drift --format json` prints it",
        {
            "kind": {"const": "wrapctl.drift"},
            "version": {"const": VERSION},
            "org": _TEXT,
            "organization": _object({"id": _TEXT, "name": _TEXT, "sandbox": _FLAG}),
            "applied": _or_null(_TEXT),
            "against": _TEXT,
            "drifted": _FLAG,
            "changes": _list(_object({"change": change, "who": _or_null(who)})),
            "who_unknown": _or_null(_TEXT),
            "due": _list(change),
            "pending": _list(change),
            "outstanding": _list(change),
            "unmanaged": _list(_unmanaged()),
            "unread": _list(_TEXT),
            "warnings": _list(_problem()),
            "notes": _list(_TEXT),
            "adopted": _list(_object(named)),
            "not_adopted": _list(_object({**named, "why": _TEXT})),
            "files": _list(_TEXT),
        },
    )


def _source() -> dict[str, object]:
    return _object({"file": _TEXT, "line": _NUMBER, "column": _NUMBER})


def _change() -> dict[str, object]:
    return _object(
        {
            "verb": _one_of(Verb),
            "address": _TEXT,
            "label": _TEXT,
            "within": _TEXT,
            "system": _TEXT,
            "live_id": _or_null(_TEXT),
            "parent": _or_null(_TEXT),
            "before": _FIELDS,
            "after": _FIELDS,
            "cause": _one_of(Cause),
            "source": _or_null(_source()),
            "lock": _one_of(Lock),
            "state": _one_of(State),
            "reason": _TEXT,
            "needs": _list(
                {"type": "array", "prefixItems": [_one_of(Verb), _TEXT], "minItems": 2, "maxItems": 2}
            ),
            "by_hand": _TEXT,
            "digest": _DIGEST,
        }
    )


def _problem() -> dict[str, object]:
    return _object({"source": _source(), "message": _TEXT, "hint": _TEXT, "severity": _one_of(Severity)})


def _unmanaged() -> dict[str, object]:
    return _object(
        {
            "kind": _TEXT,
            "id": _TEXT,
            "name": _TEXT,
            "division": _or_null(_TEXT),
            "why": _TEXT,
            "within": _TEXT,
            "count": _NUMBER,
        }
    )


def _document(name: str, title: str, properties: dict[str, object]) -> dict[str, object]:
    return {
        "$schema": _DRAFT,
        "$id": f"{name}.schema.json",
        "title": title,
        **_object(properties),
        "$defs": _DEFS,
    }


def _object(properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, object]) -> dict[str, object]:
    return {"type": "array", "items": items}


def _or_null(schema: dict[str, object]) -> dict[str, object]:
    return {"oneOf": [{"type": "null"}, schema]}


def _one_of(members: type[Enum]) -> dict[str, object]:
    return {"enum": [member.value for member in members]}


def _counts(members: type[Enum]) -> dict[str, object]:
    return {
        "type": "object",
        "propertyNames": _one_of(members),
        "additionalProperties": {"type": "integer", "minimum": 1},
    }
