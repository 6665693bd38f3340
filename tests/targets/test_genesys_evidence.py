"""The audit trail of a Genesys org: services from the org itself, states, cursors, words, and who."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genesys_org import NAME, START, Org
from wrapctl.errors import Forbidden, IncompleteRead, Interrupted
from wrapctl.targets.genesys import evidence
from wrapctl.targets.genesys.evidence import entries
from wrapctl.targets.interface import AuditEntry

EVER = datetime.fromtimestamp(START, UTC) - timedelta(days=1)
NOW = datetime.fromtimestamp(START, UTC) + timedelta(days=1)


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(
        tmp_path,
        codes=[{"name": "Sale"}, {"name": "Other"}],
        queues=[{"name": "Q", "codes": ["Sale"]}],
    )
    yield made
    made.close()


def trail(org: Org, about: dict[str, frozenset[str] | None], *, names: bool = False) -> list[AuditEntry]:
    return list(org.target.evidence().audit(EVER, NOW, about=about, names=names))


def told(found: list[AuditEntry]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.action, one.name) for one in found]


def edit(org: Org, op: str, **more: Any) -> None:
    org.sandbox.edit(NAME, {"op": op, "by": "user-7", **more})


def test_each_kind_is_told_in_the_words_of_the_field(org: Org) -> None:
    edit(org, "update_code", code="Sale", set={"description": "by hand"})
    edit(org, "remove_link", queue="Q", code="Sale")
    edit(org, "update_queue", queue="Q", set={"acwSettings.timeoutMs": 9000, "description": "d"})
    edit(org, "set_flags", code="Sale", flags=["RIGHT_PARTY_CONTACT"])
    found = trail(org, {"code": None, "queue": None, "outbound": None})
    by_user = [one for one in found if one.actor_id == "user-7"]
    assert sorted({one.kind for one in by_user}) == [
        "after-call work",
        "assignment",
        "code",
        "outbound",
        "queue",
    ]
    code = next(one for one in by_user if one.kind == "code")
    assert (code.id, code.name) == (org.code("Sale"), "Sale")
    assert code.changes == (("description", (), ("by hand",)),)
    assert code.actor_kind == "user"
    assert code.actor_name == ""
    link = next(one for one in by_user if one.kind == "assignment")
    assert (link.name, link.changes) == ("Q", (("codes", ("Sale",), ()),))
    flags = next(one for one in by_user if one.kind == "outbound")
    assert flags.id == org.code("Sale")


def test_names_come_only_when_they_are_asked_for(org: Org) -> None:
    org.sandbox.set(NAME, user_names={"user-7": "Ada"})
    edit(org, "rename_code", code="Sale", name="Sold")
    assert trail(org, {"code": None})[-1].actor_name == ""
    assert trail(org, {"code": None}, names=True)[-1].actor_name == "Ada"


def test_pages_follow_the_cursor_to_the_end(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_PAGE", 3)
    for number in range(10):
        edit(org, "add_code", name=f"Code {number}")
    found = trail(org, {"code": None})
    assert [one.name for one in found if one.action == "create"] == [f"Code {n}" for n in range(10)]


def test_the_service_that_owns_codes_is_read_from_the_org(org: Org) -> None:
    org.sandbox.set(NAME, audit_services={"WrapupCode": "Routing"})
    edit(org, "rename_code", code="Sale", name="Sold")
    assert told(trail(org, {"code": None}))[-1] == ("code", "update", "Sold")


def test_a_few_objects_are_asked_for_by_id_and_nothing_asks_for_nothing(org: Org) -> None:
    edit(org, "rename_code", code="Sale", name="Sold")
    edit(org, "rename_code", code="Other", name="Another")
    assert {one.name for one in trail(org, {"code": frozenset({org.code("Sold")})})} == {"Sold"}
    before = len(org.sandbox.requests(NAME))
    assert trail(org, {"code": frozenset()}) == []
    asked = [one.path for one in org.sandbox.requests(NAME)[before:]]
    assert asked == ["/api/v2/audits/query/servicemapping"]


def test_a_running_query_is_waited_for_and_not_for_ever(org: Org) -> None:
    org.sandbox.set(NAME, audit_polls=3)
    edit(org, "rename_code", code="Sale", name="Sold")
    assert trail(org, {"code": None})
    assert org.clock.waits == [1.0, 2.0, 4.0]
    org.sandbox.set(NAME, audit_polls=1000)
    with pytest.raises(IncompleteRead, match=r"still running after 1\d\d s"):
        trail(org, {"code": None})


def test_a_run_that_is_asked_to_stop_does_not_wait(org: Org) -> None:
    org.clock.on_wait = org.clock.stop.set
    with pytest.raises(Interrupted):
        trail(org, {"code": None})


@pytest.mark.parametrize("end", ["Failed", "Cancelled"])
def test_a_query_that_failed_is_no_empty_trail(org: Org, end: str) -> None:
    org.sandbox.set(NAME, audit_end=end)
    with pytest.raises(IncompleteRead, match=end):
        trail(org, {"code": None})


def test_without_the_permission_it_is_forbidden(tmp_path: Path) -> None:
    org = Org(tmp_path, clients=[{"client_id": f"sandbox-{NAME}", "permissions": ["routing:queue:view"]}])
    with pytest.raises(Forbidden, match="audits:audit:view"):
        trail(org, {"code": None})
    org.close()


def test_a_long_time_is_asked_for_month_by_month(org: Org) -> None:
    edit(org, "rename_code", code="Sale", name="Sold")
    found = org.target.evidence().audit(NOW - timedelta(days=70), NOW, about={"code": None})
    assert [one.name for one in found] == ["Sold"]
    started = [one for one in org.sandbox.requests(NAME) if one.method == "POST" and "audits" in one.path]
    assert len(started) == 3


def test_the_client_of_this_connection_is_known(org: Org) -> None:
    assert org.target.evidence().own_client() == f"sandbox-{NAME}"


def test_what_failed_on_the_platform_is_no_deed() -> None:
    line = {"entityType": "WrapupCode", "action": "Update", "status": "FAILURE", "entity": {"id": "1"}}
    assert list(entries(line)) == []


def test_a_link_told_as_a_changed_entity_is_an_assignment() -> None:
    change = {"entityId": "c1", "entityName": "Sale", "entityType": "WrapupCode", "newValues": ["c1"]}
    line = {
        "entityType": "Queue",
        "action": "Update",
        "eventDate": "2026-03-01T10:00:00.5+01:00",
        "entity": {"id": "q1", "name": "Q"},
        "user": {"id": "u1"},
        "entityChanges": [change],
    }
    (one,) = entries(line)
    assert (one.kind, one.id, one.at) == ("assignment", "q1", "2026-03-01T09:00:00.500Z")
    assert one.changes == (("codes", (), ("c1", "Sale")),)


def test_a_line_with_nothing_in_it_names_nobody() -> None:
    (one,) = entries({"entityType": "Flow"})
    assert (one.kind, one.actor_kind, one.actor_id) == ("other", "unknown", "")
