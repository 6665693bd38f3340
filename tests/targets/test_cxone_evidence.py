"""The histories of dispositions on a CXone tenant: columns in the field's words, who, when, and what has none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cxone_org import NAME, Tenant
from genesys_org import START
from wrapctl.errors import Answered, Forbidden
from wrapctl.targets.cxone.evidence import entries
from wrapctl.targets.interface import AuditEntry

EVER = datetime.fromtimestamp(START, UTC) - timedelta(days=1)
NOW = datetime.fromtimestamp(START, UTC) + timedelta(days=1)


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    made = Tenant(tmp_path, dispositions=[{"name": "Sale", "classification": "Other"}, {"name": "Other"}])
    yield made
    made.close()


def trail(tenant: Tenant, *codes: str, names: bool = False) -> list[AuditEntry]:
    about = {"code": frozenset(codes), "queue": frozenset({"1"})}
    return list(tenant.target.evidence().audit(EVER, NOW, about=about, names=names))


def test_who_changed_which_field_is_told_by_id(tenant: Tenant) -> None:
    change = {"op": "update_disposition", "disposition": "Sale", "set": {"notes": "by hand", "name": "Sold"}}
    tenant.sandbox.edit(NAME, change)
    found = trail(tenant, tenant.code("Sold"))
    last = found[-1]
    assert (last.kind, last.id, last.actor_kind, last.actor_id) == (
        "code",
        tenant.code("Sold"),
        "user",
        "2000",
    )
    assert {name: new for name, _, new in last.changes} == {"name": ("Sold",), "description": ("by hand",)}
    assert last.actor_name == ""
    assert trail(tenant, tenant.code("Sold"), names=True)[-1].actor_name


def test_a_disposition_without_a_history_has_none(tenant: Tenant) -> None:
    assert trail(tenant, tenant.code("Other")) == []
    assert trail(tenant) == []


def test_what_happened_before_is_left_out(tenant: Tenant) -> None:
    tenant.sandbox.edit(NAME, {"op": "rename_disposition", "disposition": "Sale", "name": "Sold"})
    evidence = tenant.target.evidence()
    about = {"code": frozenset({tenant.code("Sold")})}
    assert evidence.audit(NOW, NOW + timedelta(days=1), about=about) == ()


def test_one_that_is_gone_does_not_hide_the_others_and_all_missing_is_an_error(tenant: Tenant) -> None:
    tenant.sandbox.edit(NAME, {"op": "rename_disposition", "disposition": "Sale", "name": "Sold"})
    assert [one.id for one in trail(tenant, tenant.code("Sold"), "999999")] == [tenant.code("Sold")]
    with pytest.raises(Answered, match="404"):
        trail(tenant, "999999")


def test_a_role_that_may_not_see_it_is_told(tenant: Tenant) -> None:
    tenant.sandbox.add_fault("status", status=403, path="audit-history")
    with pytest.raises(Forbidden):
        trail(tenant, tenant.code("Sale"))


def test_assignments_and_clients_are_not_known(tenant: Tenant) -> None:
    evidence = tenant.target.evidence()
    assert (evidence.by_object, evidence.keeps, evidence.own_client()) == (True, frozenset({"code"}), "")


def test_the_sibling_name_of_the_list_and_odd_columns_are_understood() -> None:
    record = {
        "columnName": "Is_Active",
        "oldValue": "True",
        "newValue": "False",
        "date": "2026-03-01T10:00:00Z",
    }
    (one,) = entries("7", {"auditHistoryEntries": [record, "odd"]}, names=True)
    assert one.changes == (("active", ("True",), ("False",)),)
    assert (one.actor_kind, one.at) == ("unknown", "2026-03-01T10:00:00.000Z")


def test_who_made_it_is_told_where_no_record_does() -> None:
    body = {"createdBy": "Ada", "createdDate": "2026-03-01T10:00:00", "auditHistoryRecords": []}
    (one,) = entries("7", body, names=True)
    assert (one.action, one.actor_id, one.actor_name) == ("create", "", "Ada")
    (one,) = entries("7", body, names=False)
    assert one.actor_name == ""
