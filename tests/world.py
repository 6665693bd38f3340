"""Small worlds: desired and live built in a line each, so that a test reads as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from wrapctl.errors import Source
from wrapctl.model import (
    Change,
    Code,
    CrmMapping,
    CrmRow,
    Desired,
    Division,
    Fields,
    Identity,
    Live,
    LiveCode,
    LiveQueue,
    Lock,
    Queue,
    Scope,
    State,
    Value,
    Verb,
)
from wrapctl.plan.make import make_plan
from wrapctl.plan.plan import Plan
from wrapctl.policy import Allowance, Limit, Limits, Policy
from wrapctl.rows import FROM_CRM, ROW_FIELDS, TO_CRM, LiveRow, Rows
from wrapctl.targets.interface import Capabilities, Fold

TODAY = date(2026, 3, 10)
ORG = "acme"
HERE = Source("wrapups/acme/codes.yaml", 3, 3)
CRM_HERE = Source("wrapups/acme/crm/sf.yaml", 5, 3)
ROOMY = Limits(
    creates=Limit(max=10_000),
    renames=Limit(max=10_000),
    updates=Limit(max=10_000),
    deletes=Limit(max=10_000),
    unassigns=Limit(max=10_000),
)

GENESYS_LIKE = Capabilities(
    name="likegenesys",
    title="Like Genesys",
    code_fields={"name": "name", "description": "description", "division": "division.id"},
    queue_fields={"prompt": "acwSettings.wrapupPrompt", "timeout_ms": "acwSettings.timeoutMs"},
    verbs={
        Verb.UPDATE_CODE: Fold("code"),
        Verb.CREATE_CODE: Fold("code"),
        Verb.ASSIGN: Fold("assign", "queue", 100),
        Verb.SET_ACW: Fold("queue", requests=2),
        Verb.SET_OUTBOUND: Fold("outbound", "org", requests=2),
        Verb.UNASSIGN: Fold("unassign"),
        Verb.DELETE_CODE: Fold("code"),
    },
    locks={Verb.CREATE_CODE: Lock.UNIQUE, Verb.SET_OUTBOUND: Lock.VERSION},
    reserved=("ININ-*",),
    divisions=True,
    outbound=True,
)

CXONE_LIKE = Capabilities(
    name="likecxone",
    title="Like CXone",
    code_fields={"name": "dispositionName", "description": "notes", "classification": "classificationId"},
    queue_fields={"prompt": "acwTypeId", "timeout_ms": "maxSecondsACW"},
    verbs={
        Verb.UPDATE_CODE: Fold("disposition"),
        Verb.CREATE_CODE: Fold("dispositions", "org", 50),
        Verb.ASSIGN: Fold("skill", "queue"),
        Verb.REORDER: Fold("skill", "queue"),
        Verb.SET_ACW: Fold("skill", "queue"),
        Verb.UNASSIGN: Fold("skill", "queue"),
        Verb.DEACTIVATE_CODE: Fold("disposition"),
    },
    locks={},
    ordered_links=True,
)

TABLE_LIKE = Capabilities(
    name="liketable",
    title="Like a table",
    code_fields={},
    queue_fields={},
    verbs={
        Verb.CREATE_TABLE: Fold("table"),
        Verb.EXTEND_TABLE: Fold("table"),
        Verb.CREATE_ROW: Fold("rows", "org", 200),
        Verb.UPDATE_ROW: Fold("row"),
        Verb.DEACTIVATE_ROW: Fold("row"),
        Verb.DELETE_ROW: Fold("row"),
    },
    locks={Verb.CREATE_ROW: Lock.UNIQUE, Verb.UPDATE_ROW: Lock.CONDITIONAL},
    directions=frozenset({TO_CRM, FROM_CRM}),
    page=100,
    rows_per_request=50,
)
"""A mapping table, such as a custom object: creates in folds, one row per key."""

VALUES_LIKE = Capabilities(
    name="likevalues",
    title="Like a value list",
    code_fields={},
    queue_fields={},
    verbs={
        Verb.CREATE_ROW: Fold("row"),
        Verb.UPDATE_ROW: Fold("row"),
        Verb.DEACTIVATE_ROW: Fold("row"),
    },
    locks={Verb.UPDATE_ROW: Lock.CONDITIONAL},
    value_list=True,
    directions=frozenset({TO_CRM}),
    rows_per_request=0,
)
"""The CRM's own list of values: nothing is deleted, and only the listing shows what is there."""

SENT_LIKE = Capabilities(
    name="likesent",
    title="Like an endpoint",
    code_fields={},
    queue_fields={},
    verbs={Verb.CREATE_ROW: Fold("row")},
    locks={},
    directions=frozenset({TO_CRM}),
)
"""An endpoint that takes rows and shows none."""

TABLE_FIELDS = frozenset(ROW_FIELDS)
VALUE_FIELDS = frozenset({"key", "system", "value", "description", "translations", "active"})
GENESYS_WITH_CRM = replace(GENESYS_LIKE, systems={"sf": TABLE_LIKE, "sn": VALUES_LIKE, "web": SENT_LIKE})
"""Like Genesys, with a mapping table ``sf``, a value list ``sn`` and a send-only place ``web``."""


def code(key: str, name: str | None = None, **more: object) -> Code:
    """A declared code. Fields that are not Code's own (``description``, ``division``) become managed fields."""
    own = {k: v for k, v in more.items() if k in Code.__dataclass_fields__}
    fields: dict[str, Value] = {"name": name if name is not None else key}
    fields.update({k: v for k, v in more.items() if k not in own})  # type: ignore[misc]  # tests name real values
    return Code(key=key, name=name if name is not None else key, source=HERE, fields=fields, **own)  # type: ignore[arg-type]  # tests name real fields


def queue(label: str, codes: Sequence[str] | None = None, **more: object) -> Queue:
    name = str(more.pop("name", label))
    return Queue(
        label=label,
        name=name,
        source=Source("wrapups/acme/queues.yaml", 4, 3),
        codes=tuple(codes) if codes is not None else None,
        **more,  # type: ignore[arg-type]  # tests name real fields
    )


def desired(
    codes: Iterable[Code] = (),
    queues: Iterable[Queue] = (),
    *,
    allow: Sequence[str] = (),
    crm: Iterable[CrmMapping] = (),
    **policy: object,
) -> Desired:
    policy.setdefault("limits", ROOMY)
    return Desired(
        org=ORG,
        platform="likegenesys",
        codes=tuple(sorted(codes, key=lambda c: c.key)),
        queues=tuple(sorted(queues, key=lambda q: q.label)),
        policy=Policy(**policy),  # type: ignore[arg-type]  # tests name real fields
        allowances=tuple(Allowance(token, "agreed") for token in allow),
        crm=tuple(crm),
        digest="config",
    )


def to_crm(key: str, value: str, *, previously: Sequence[str] = (), **fields: Value) -> CrmRow:
    """What a code is called in a CRM; ``default`` for what is not mapped."""
    own = None if key == "default" else key
    everything: dict[str, Value] = {"direction": TO_CRM, "code": key, "value": value, **fields}
    return CrmRow(f"to/{key}", CRM_HERE, own, everything, tuple(previously))


def from_crm(status: str, key: str, order: int, **fields: Value) -> CrmRow:
    """A rule that leads from a status to a code."""
    everything: dict[str, Value] = {"direction": FROM_CRM, "code": key, "status": status, "order": order}
    return CrmRow(f"from/status={status}", CRM_HERE, key, {**everything, **fields})


def mapping(system: str, *rows: CrmRow, on_remove: str = "deactivate") -> CrmMapping:
    return CrmMapping(system, f"like{system}", rows, CRM_HERE, connection="c", on_remove=on_remove)


def live_row(key: str, live_id: str, *, mine: bool = True, **fields: Value) -> LiveRow:
    """A row as its place keeps it. Active, unless it says otherwise; a row to a CRM knows its code by its key."""
    everything: dict[str, Value] = {"active": True}
    if key.startswith("to/"):
        everything |= {"direction": TO_CRM, "code": key.removeprefix("to/"), "system": "sf"}
    elif key.startswith("from/"):
        everything |= {"direction": FROM_CRM, "status": key.partition("=")[2], "system": "sf"}
    elif key.startswith("value/"):
        everything |= {"value": key.removeprefix("value/"), "system": "sn"}
    return LiveRow(key, live_id, {**everything, **fields}, mine, token=f"token-{live_id}")


def table(*rows: LiveRow, **more: object) -> Rows:
    """What a mapping table holds."""
    return Rows(TABLE_FIELDS, rows, **more)  # type: ignore[arg-type]  # tests name real fields


def values(*rows: LiveRow, **more: object) -> Rows:
    """What a value list holds."""
    return Rows(VALUE_FIELDS, rows, value_list=True, **more)  # type: ignore[arg-type]  # tests name real fields


SENT = Rows(TABLE_FIELDS, compared=False, complete=False)


def live_code(live_id: str, name: str, **fields: Value) -> LiveCode:
    everything: dict[str, Value] = {"name": name, "description": "", "division": "*", **fields}
    return LiveCode(live_id, name, everything, reserved=name.startswith("ININ-"))


def live_queue(live_id: str, name: str, division: str = "Home", acw: Fields | None = None) -> LiveQueue:
    return LiveQueue(live_id, name, division, acw or {"prompt": "optional", "timeout_ms": None})


def live(
    codes: Iterable[LiveCode] = (),
    queues: Iterable[LiveQueue] = (),
    links: Mapping[str, Sequence[str]] | None = None,
    **more: object,
) -> Live:
    """A live org; queues without ``links`` are read and empty. Division Home counts what is there."""
    codes, queues = tuple(codes), tuple(queues)
    all_links = {one.id: tuple((links or {}).get(one.id, ())) for one in queues}
    home = Division(
        "d-home",
        "Home",
        codes=sum(one.division == "Home" for one in codes),
        queues=sum(one.division == "Home" for one in queues),
    )
    base = Live(
        Identity("org-1", "Acme"),
        codes,
        queues,
        all_links,
        {one.id: one.name for one in codes},
        outbound={},
        divisions=(home,),
    )
    return replace(base, **more)  # type: ignore[arg-type]  # tests name real fields


def plan(
    want: Desired,
    have: Live,
    *,
    capabilities: Capabilities = GENESYS_LIKE,
    as_of: date = TODAY,
    scope: Scope | None = None,
    allow: Sequence[str] = (),
) -> Plan:
    return make_plan(
        want,
        have,
        capabilities,
        as_of=as_of,
        scope=scope,
        allowances=tuple(Allowance(token, "by hand") for token in allow),
    )


def said(change: Change) -> str:
    """One change in one line: verb, address, what differs, and why it is held back."""
    fields = sorted({*change.before, *change.after} - {"code", "queues"})
    differ = [
        f"{name}: {change.before.get(name)!r} → {change.after.get(name)!r}"
        for name in fields
        if change.before.get(name) != change.after.get(name) and change.before and change.after
    ]
    held = f" [{change.state}: {change.reason}]" if change.state is not State.READY else ""
    return (
        f"{change.verb.value} {change.address.removeprefix(ORG + '/')}"
        + ((" " + ", ".join(differ)) if differ else "")
        + held
    )


def sentences(made: Plan) -> list[str]:
    """The whole plan, a line per change."""
    return [said(change) for change in made.changes]
