"""What is told of plans, applies and drift, and how it stays data and small."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.apply.ledger import Ledger
from wrapctl.apply.report import Report, Status
from wrapctl.errors import Source
from wrapctl.model import (
    Address,
    Change,
    Code,
    Desired,
    Identity,
    State,
    Verb,
    code_address,
    link_address,
    live_code_address,
    queue_address,
)
from wrapctl.notify.events import MOST_BYTES, Context, Event, of_apply, of_drift, of_plan
from wrapctl.plan.drift import Drift
from wrapctl.plan.plan import Finding, Plan

ORG = Identity("0f1e", "Acme EMEA")
CONTEXT = Context("run-1", "2026-03-01T12:00:00Z", "c0ffee", "dana", (12,))
AT = Source("wrapups/acme/codes.yaml", 4, 3)
QUEUE = queue_address("acme", "sales")
SALE, LOST = code_address("acme", "SALE"), code_address("acme", "LOST")
DESIRED = Desired(
    "acme",
    "genesys",
    (
        Code("LOST", "Lost", AT, category="service"),
        Code("SALE", "Sale", AT, category="sales", tags=("cat:sales", "revenue")),
    ),
    (),
)


def change(verb: Verb, address: Address, **more: Any) -> Change:
    given = {"before": {}, "after": {}, "digest": f"{verb.value} {address}", **more}
    return Change(verb, address, **given)


def created(address: Address = SALE, name: str = "Sale") -> Change:
    return change(Verb.CREATE_CODE, address, after={"name": name, "division": "Sales"}, label=name)


def assigned(address: Address = SALE, name: str = "Sale", verb: Verb = Verb.ASSIGN) -> Change:
    return change(verb, link_address(QUEUE, address), parent="q-1", label=name, within="Sales")


def plan(*changes: Change, **more: Any) -> Plan:
    return Plan("acme", "genesys", ORG, date(2026, 3, 1), "conf", tuple(changes), **more)


def applied(made: Plan, *, but: dict[Verb, Status] | None = None, **ids: str) -> Report:
    ledger = Ledger(made.changes)
    for entry in ledger.entries.values():
        if entry.status is Status.NOT_ATTEMPTED:
            status = (but or {}).get(entry.verb, Status.DONE)
            found = ids.get(entry.verb.name.lower(), entry.live_id)
            ledger.entries[entry.id] = type(entry)(
                **{name: getattr(entry, name) for name in entry.__slots__}
                | {"status": status, "live_id": found}
            )
    return Report("run-1", "acme", ORG.id, made.digest, tuple(ledger.entries.values()))


def told(made: Plan, report: Report | None = None) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in of_apply(made, report or applied(made), DESIRED, CONTEXT):
        found.setdefault(event.kind, []).append(event)
    return found


def test_a_created_code_is_told_with_all_that_others_group_and_find_it_by() -> None:
    made = plan(created())
    (event,) = told(made, applied(made, create_code="live-1"))["code.created"]
    assert event.as_json() == {
        "specversion": "1.0",
        "id": event.id,
        "type": "com.wrapctl.code.created",
        "source": "/wrapctl/acme",
        "subject": "acme/code/SALE",
        "time": "2026-03-01T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "org": "acme",
            "organization": {"id": "0f1e", "name": "Acme EMEA", "sandbox": False},
            "run": "run-1",
            "commit": "c0ffee",
            "pull_requests": [12],
            "actor": "dana",
            "address": "acme/code/SALE",
            "code": {"key": "SALE", "name": "Sale", "id": "live-1"},
            "category": "sales",
            "tags": ["cat:sales", "revenue"],
            "before": {},
            "after": {"division": "Sales", "name": "Sale"},
            "cause": "files",
            "change": made.changes[0].digest,
        },
    }


def test_ids_are_those_of_the_run_and_the_change_and_nothing_else() -> None:
    one, same = told(plan(created())), told(plan(created()))
    assert [event.id for event in one["code.created"]] == [event.id for event in same["code.created"]]
    other = of_apply(
        plan(created()), applied(plan(created())), DESIRED, Context("run-2", "2026-03-01T12:00:00Z")
    )
    assert {event.id for event in other}.isdisjoint(event.id for events in one.values() for event in events)


def test_what_did_not_happen_is_told_of_the_apply_alone() -> None:
    made = plan(created(), change(Verb.UPDATE_CODE, LOST, live_id="l"))
    found = told(made, applied(made, but={Verb.CREATE_CODE: Status.FAILED, Verb.UPDATE_CODE: Status.ALREADY}))
    assert set(found) == {"apply.finished"}
    data = found["apply.finished"][0].data
    assert (data["exit_code"], data["totals"]) == (5, {"already done": 1, "failed": 1})


def test_an_apply_that_had_nothing_to_do_is_no_news() -> None:
    assert told(plan()) == {}
    assert told(plan(change(Verb.DELETE_CODE, SALE, state=State.BLOCKED, reason="in use"))) == {}


def test_a_queue_is_told_once_with_what_came_and_what_went() -> None:
    gone = live_code_address("acme", "live-9")
    made = plan(created(), assigned(), assigned(gone, "By hand", Verb.UNASSIGN), assigned(LOST, "Lost"))
    (event,) = told(made, applied(made, create_code="live-1"))["assignment.changed"]
    assert event.subject == "acme/queue/sales"
    assert event.data["queue"] == {"name": "Sales", "id": "q-1"}
    assert [(one["key"], one["name"], one["id"]) for one in event.data["added"]] == [
        ("SALE", "Sale", "live-1"),
        ("LOST", "Lost", None),
    ]
    assert event.data["added"][0]["tags"] == ["cat:sales", "revenue"]
    assert [(one["key"], one["name"]) for one in event.data["removed"]] == [(None, "By hand")]
    assert event.data["reordered"] is False


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        (Verb.UPDATE_CODE, "code.updated"),
        (Verb.SET_OUTBOUND, "code.updated"),
        (Verb.DEACTIVATE_CODE, "code.deactivated"),
        (Verb.DELETE_CODE, "code.deleted"),
    ],
)
def test_each_verb_of_a_code_has_its_kind(verb: Verb, kind: str) -> None:
    made = plan(change(verb, SALE, live_id="l-1", before={"name": "Old"}, after={"name": "Sale"}))
    (event,) = told(made)[kind]
    assert (event.data["code"]["id"], event.data["before"], event.data["after"]) == (
        "l-1",
        {"name": "Old"},
        {"name": "Sale"},
    )


def test_a_deleted_code_that_no_file_names_any_more_keeps_its_name() -> None:
    made = plan(
        change(Verb.DELETE_CODE, live_code_address("acme", "l-9"), before={"name": "Promo"}, live_id="l-9")
    )
    (event,) = told(made)["code.deleted"]
    assert event.data["code"] == {"key": None, "name": "Promo", "id": "l-9"}
    assert (event.data["category"], event.data["tags"]) == (None, [])


def test_a_plan_is_told_with_what_refuses_it() -> None:
    finding = Finding("deletes", 14, 10, "14 deletes", token="deletes=14@3f9c1a2b")
    (event,) = of_plan(plan(created(), findings=(finding,)), CONTEXT)
    assert (event.kind, event.subject) == ("plan.made", "acme")
    assert (event.data["pending"], event.data["refused"]) == (1, True)
    assert event.data["changes"] == {"create code": 1}
    assert event.data["findings"][0]["token"] == "deletes=14@3f9c1a2b"
    assert of_plan(plan(), CONTEXT) == ()


def test_drift_is_told_the_way_it_went_with_who_did_it() -> None:
    edit = change(Verb.UPDATE_CODE, SALE, before={"name": "By hand"}, after={"name": "Sale"}, label="By hand")
    (event,) = of_drift(Drift("acme", ORG, (edit,), applied="c0ffee"), CONTEXT, {edit.id: "user-7"})
    (one,) = event.data["changes"]
    assert (one["before"], one["after"], one["by"]) == ({"name": "Sale"}, {"name": "By hand"}, "user-7")
    assert of_drift(Drift("acme", ORG), CONTEXT) == ()


@given(name=st.text(max_size=3000), links=st.integers(1, 600))
def test_no_name_and_no_number_of_changes_makes_an_event_larger_than_others_pass_on(
    name: str, links: int
) -> None:
    long = "x" * 900
    many = [assigned(code_address("acme", f"C{number}"), long) for number in range(links)]
    made = plan(created(name=name), *many)
    for event in of_apply(made, applied(made), DESIRED, CONTEXT):
        text = json.dumps(event.as_json())
        assert len(text) <= MOST_BYTES
        assert json.loads(text) == event.as_json()


def test_what_was_cut_says_how_much_there_was() -> None:
    many = [assigned(code_address("acme", f"C{number}"), "x" * 900) for number in range(300)]
    made = plan(*many)
    (event,) = told(made)["assignment.changed"]
    assert event.data["truncated"] is True
    assert event.data["counts"]["added"] == 300
    assert event.data["queue"] == {"name": "Sales", "id": "q-1"}
