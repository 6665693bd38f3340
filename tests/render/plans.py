"""Small plans built by hand, for the golden renderings."""

from __future__ import annotations

from datetime import date

from hypothesis import HealthCheck, settings

from wrapctl.apply.report import Entry, Report, Status
from wrapctl.errors import PlatformAnswer, Problem, Severity, Source
from wrapctl.model import (
    Cause,
    Change,
    Identity,
    Lock,
    Ref,
    State,
    Verb,
    code_address,
    link_address,
    live_code_address,
    queue_address,
)
from wrapctl.plan.plan import Estimate, Finding, Plan, Unmanaged

# A busy machine is no reason to fail: what is asked here is what comes out, not how fast.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ORG = "acme-emea"
CODES = "wrapups/acme-emea/codes.yaml"
QUEUES = "wrapups/acme-emea/queues.yaml"
IDENTITY = Identity("3c0f0000-0000-4000-8000-000000000001", "Acme EMEA")
SANDBOX = Identity("5a5a5a5a-0000-4000-8000-000000000001", "Acme EMEA", sandbox=True)


def plan(*changes: Change, **more: object) -> Plan:
    """A plan of ``changes`` in the order of work."""
    ordered = tuple(sorted(changes, key=lambda one: (one.verb.rank, one.address)))
    values: dict[str, object] = {"identity": IDENTITY, **more}
    return Plan(
        org=ORG,
        platform="genesys",
        as_of=date(2026, 3, 1),
        config_digest="c0ffee",
        changes=ordered,
        **values,  # type: ignore[arg-type]  # the keyword arguments of a test
    )


def create(key: str = "SALE_ENT_50K", name: str = "Sale Completed - Enterprise", **more: object) -> Change:
    return _change(
        Verb.CREATE_CODE,
        code_address(ORG, key),
        label=name,
        before={},
        after={"name": name, "description": "Closed enterprise deals above 50k", "division": "Sales"},
        lock=Lock.UNIQUE,
        source=Source(CODES, 12, 3),
        **more,
    )


def update(
    key: str, name: str, before: dict[str, object], after: dict[str, object], **more: object
) -> Change:
    return _change(
        Verb.UPDATE_CODE,
        code_address(ORG, key),
        label=name,
        live_id=f"id-{key}",
        before={"name": name, **before},
        after={"name": name, **after},
        source=Source(CODES, 20, 3),
        **more,
    )


def delete(
    key: str = "OLD_PROMO", name: str = "Promo 2019", *, queues: tuple[str, ...] = (), **more: object
) -> Change:
    return _change(
        Verb.DELETE_CODE,
        code_address(ORG, key),
        label=name,
        live_id=f"id-{key}",
        before={"name": name, "description": None, "division": "Sales", "queues": queues},
        after={},
        source=Source(CODES, 40, 3),
        **more,
    )


def assign(
    key: str, name: str, label: str = "enterprise-sales", queue: str = "Enterprise Sales", **more: object
) -> Change:
    return _link(Verb.ASSIGN, key, name, label, queue, **more)


def unassign(
    key: str, name: str, label: str = "enterprise-sales", queue: str = "Enterprise Sales", **more: object
) -> Change:
    return _link(Verb.UNASSIGN, key, name, label, queue, **more)


def after_call_work(
    label: str = "enterprise-sales", queue: str = "Enterprise Sales", **more: object
) -> Change:
    return _change(
        Verb.SET_ACW,
        f"{queue_address(ORG, label)}/after-call-work",
        label=queue,
        within=queue,
        live_id=f"q-{label}",
        parent=f"q-{label}",
        before={"prompt": "optional", "timeout_ms": None},
        after={"prompt": "mandatory-timeout", "timeout_ms": 45000},
        source=Source(QUEUES, 8, 5),
        **more,
    )


def outbound(key: str, name: str, **more: object) -> Change:
    return _change(
        Verb.SET_OUTBOUND,
        f"{code_address(ORG, key)}/outbound",
        label=name,
        live_id=f"id-{key}",
        before={"outbound": ()},
        after={"outbound": ("BUSINESS_SUCCESS", "RIGHT_PARTY_CONTACT")},
        lock=Lock.VERSION,
        source=Source(CODES, 20, 3),
        **more,
    )


def _link(verb: Verb, key: str, name: str, label: str, queue: str, **more: object) -> Change:
    code = live_code_address(ORG, key[1:]) if key.startswith("~") else code_address(ORG, key)
    field: dict[str, object] = {"code": f"id-{key}"}
    if more.pop("new", False):
        field = {"code": Ref(code)}
    return _change(
        verb,
        link_address(queue_address(ORG, label), code),
        label=name,
        within=queue,
        parent=f"q-{label}",
        live_id=None if isinstance(field["code"], Ref) else f"id-{key}",
        before={} if verb is Verb.ASSIGN else field,
        after=field if verb is Verb.ASSIGN else {},
        source=Source(QUEUES, 6, 12),
        **more,
    )


def _change(verb: Verb, address: str, **fields: object) -> Change:
    return Change(verb, address, **fields)  # type: ignore[arg-type]  # the keyword arguments of a test


def everything() -> Plan:
    """One of each, as a person would meet them on the first day."""
    not_found = 'no live queue is named "Retention North"; the nearest live name is "Retention (North)"'
    retention = {"label": "retention-north", "queue": "Retention North"}
    return plan(
        create(),
        create("SALE_SMB", "Sale - SMB"),
        update(
            "WON", "Sale - Enterprise", {"description": "Old"}, {"name": "Sale Won", "description": "New"}
        ),
        update("NO_ANSWER", "No Answer", {"description": None}, {"description": "Nobody picked up"}),
        outbound("WON", "Sale Won"),
        delete(queues=("q1", "q2", "q3")),
        assign("SALE_ENT_50K", "Sale Completed - Enterprise", new=True),
        assign("NO_ANSWER", "No Answer"),
        unassign("~9f1c", "Promo 2018", cause=Cause.EXACT),
        unassign("XMAS", "Christmas offer", cause=Cause.VALIDITY),
        assign("NO_ANSWER", "No Answer", label="service-de", queue="Service DE"),
        after_call_work(),
        *(
            assign(f"RET_{n}", f"Retention {n}", **retention, state=State.BLOCKED, reason=not_found)
            for n in range(1, 8)
        ),
        create(
            "VIP",
            "VIP",
            state=State.BLOCKED,
            reason='no division is named "Salse"; the nearest live name is "Sales"',
        ),
        _change(
            Verb.CREATE_ROW,
            f"{ORG}/crm/salesforce/SALE_ENT_50K",
            label="SALE_ENT_50K",
            before={},
            after={"value": "WON_ENTERPRISE"},
            state=State.BLOCKED,
            reason="salesforce is not supported yet",
        ),
        _change(
            Verb.CREATE_ROW,
            f"{ORG}/crm/salesforce/NO_ANSWER",
            label="NO_ANSWER",
            before={},
            after={"value": "No contact"},
            state=State.BLOCKED,
            reason="salesforce is not supported yet",
        ),
        identity=SANDBOX,
        good_until=date(2026, 12, 31),
        unmanaged=(
            *(Unmanaged("code", f"u{n}", f"Legacy {n}", "Sales", "undeclared") for n in range(17)),
            Unmanaged("code", "f1", "Fraud suspected", "Service", "protected"),
        ),
        warnings=(
            Problem(
                Source(QUEUES, 30, 3),
                'queue service-de: the platform calls it "Service DE", the files "Service Germany" (id 77)',
                "correct `name`; wrapctl never renames a queue",
                Severity.WARNING,
            ),
        ),
        findings=(
            Finding(
                "deletes",
                14,
                10,
                "14 codes would be deleted, 10 are allowed",
                token="deletes=14@3f9c1a2b",
                subjects=(f"{ORG}/code/OLD_PROMO",),
                names=("Promo 2019", "Promo 2018"),
            ),
        ),
        estimate=Estimate(writes=9, reads=14, minutes=0.1),
    )


def report(*entries: Entry, **more: object) -> Report:
    """What an apply did."""
    values: dict[str, object] = {
        "run": "20260301T120000Z-1a2b3c",
        "org": ORG,
        "organization_id": IDENTITY.id,
        "plan": "p" * 64,
        **more,
    }
    return Report(entries=entries, **values)  # type: ignore[arg-type]  # the keyword arguments of a test


def entry(change: Change, status: Status, **more: object) -> Entry:
    """How ``change`` ended."""
    values: dict[str, object] = {"planned": change.before, "wanted": change.after, "digest": "d", **more}
    return Entry(
        change.verb,
        change.address,
        status,
        change.label,
        change.within,
        **values,  # type: ignore[arg-type]  # the keyword arguments of a test
    )


def troubled() -> Report:
    """An apply in which everything that can happen happened."""
    refused = PlatformAnswer(
        "PUT /api/v2/routing/wrapupcodes/{id}", 403, "missing.permissions", "no", "req-1"
    )
    return report(
        entry(create(), Status.DONE, live_id="new-1"),
        entry(assign("NO_ANSWER", "No Answer"), Status.DONE),
        entry(assign("SALE_ENT_50K", "Sale"), Status.DONE),
        entry(unassign("XMAS", "Christmas offer"), Status.ALREADY),
        entry(update("WON", "Won", {"description": "a"}, {"description": "b"}), Status.FAILED,
              message="the platform refused it", hint="give the client routing:wrapupCode:edit", answer=refused),
        entry(delete(), Status.UNKNOWN, message="no answer came", request_id="req-2"),
        entry(outbound("WON", "Won"), Status.SKIPPED, message="needs update code WON, which failed"),
        entry(after_call_work(), Status.DONE, overwritten=("mediaSettings",)),
        entry(
            update("KEPT", "Kept", {"description": "a"}, {"description": "b"}),
            Status.DONE,
            now={"name": "Kept by hand", "description": "b"},
            drift=("name",),
        ),
        entry(create("VIP", "VIP"), Status.BLOCKED, message="no division"),
        unended=("20260228T120000Z-9f9f9f",),
        requests={"POST /x": 3, "GET /y": 7},
        retries=1,
        waited=2.25,
        journal=".wrapctl/journal/acme-emea/20260301T120000Z-1a2b3c.jsonl",
    )  # fmt: skip


def stale() -> Report:
    """An apply that wrote nothing, because somebody changed a planned code."""
    return report(
        entry(
            update("WON", "Won", {"description": "from"}, {"description": "wanted"}),
            Status.STALE,
            now={"name": "Won", "description": "somebody's"},
            message="the description changed since the plan",
        ),
        entry(delete(), Status.STALE, message="gone and back under another id"),
        entry(create(), Status.NOT_ATTEMPTED, message="the plan is stale"),
        stale=True,
    )
