"""How often codes were chosen in a Genesys Cloud org, and what else names them, as the target tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract_check import checked
from genesys_org import START, Org
from wrapctl.errors import Forbidden, IncompleteRead, TargetError
from wrapctl.targets.genesys.usage import uses
from wrapctl.targets.interface import Dependant, Dependants, Use

NOW = datetime.fromtimestamp(START, UTC)
SEED: dict[str, Any] = {
    "clients": [
        {"client_id": "sandbox-acme", "permissions": "readonly"},
        {"client_id": "blind", "permissions": ["routing:wrapupCode:view"]},
    ],
    "codes": [{"name": "Sale"}, {"name": "Lost"}],
    "queues": [{"name": "Sales", "codes": ["Sale"]}, {"name": "Service", "codes": ["Sale", "Lost"]}],
    "conversations": [
        {"queue": "Sales", "code": "Sale", "count": 10, "days_ago": 1, "handle_seconds": 60},
        {
            "queue": "Sales",
            "code": "Sale",
            "count": 5,
            "days_ago": 40,
            "acw_seconds": 0,
            "handle_seconds": 60,
        },
        {"queue": "Sales", "code": "Sale", "count": 2, "days_ago": 2, "media": "email", "acw_seconds": 10},
        {"queue": "Service", "code": "ININ-WRAP-UP-TIMEOUT", "count": 3, "days_ago": 1},
        {"queue": "Service", "count": 4, "days_ago": 1},
    ],
    "flows": [
        {"name": "Inbound", "codes": ["Sale"], "queues": ["Sales"], "versions": ["2.0", "1.0"]},
        {"name": "Desk", "type": "COMPOSERSCRIPT", "codes": ["Sale"]},
        {"name": "Gone", "codes": ["Sale"], "deleted": True},
    ],
}


@pytest.fixture
def org(tmp_path: Path) -> Org:
    return Org(tmp_path, **SEED)


def used(org: Org, days: int, **ids: frozenset[str]) -> dict[tuple[str, str], Use]:
    """Uses by code and queue; the given ids are called by their names."""
    names = {org.code("Sale"): "Sale", org.queue("Sales"): "Sales", org.queue("Service"): "Service"}
    usage = org.target.evidence().usage(NOW - timedelta(days=days), NOW, **ids)
    return {(names.get(one.code, one.code), names.get(one.queue, one.queue)): one for one in usage.uses}


def test_uses_are_summed_by_code_and_queue_over_media_types(org: Org) -> None:
    found = used(org, 30)
    assert set(found) == {("Sale", "Sales"), ("ININ-WRAP-UP-TIMEOUT", "Service"), ("", "Service")}
    sale = found["Sale", "Sales"]
    assert (sale.conversations, sale.handle_ms, sale.acw_ms, sale.worked) == (12, 1_080_000, 320_000, 12)


def test_a_long_time_is_asked_for_in_months_whose_sums_add_up(org: Org) -> None:
    sale = used(org, 90)["Sale", "Sales"]
    assert (sale.conversations, sale.worked) == (17, 12)
    assert org.target.traffic.requests["POST /api/v2/analytics/conversations/aggregates/query"] == 3


def test_only_what_was_asked_for_is_told(org: Org) -> None:
    sale, service = frozenset({org.code("Sale")}), frozenset({org.queue("Service")})
    assert set(used(org, 30, codes=sale)) == {("Sale", "Sales")}
    assert set(used(org, 30, queues=service)) == {("ININ-WRAP-UP-TIMEOUT", "Service"), ("", "Service")}
    assert used(org, 30, codes=sale, queues=service) == {}
    before = org.target.traffic.total
    assert used(org, 30, codes=frozenset()) == {}
    assert org.target.traffic.total == before


def test_more_ids_than_a_query_should_name_are_left_out_afterwards(org: Org) -> None:
    many = frozenset({org.code("Sale"), *(f"id-{number}" for number in range(200))})
    assert set(used(org, 30, codes=many)) == {("Sale", "Sales")}


def test_a_client_without_the_permission_is_told_which(org: Org) -> None:
    org.target.close()
    org.target = org.connect("blind")
    with pytest.raises(Forbidden) as refused:
        org.target.evidence().usage(NOW - timedelta(days=1), NOW)
    assert "analytics:conversationAggregate:view" in refused.value.hint


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"results": 7},
        {"results": [{"data": []}]},
        {"results": [{"group": {}, "data": [{"metrics": [{"metric": "tHandle", "stats": 7}]}]}]},
        {"results": [{"group": {}, "data": [{"metrics": [{"metric": "tAcw", "stats": {"count": -1}}]}]}]},
        {"results": [{"group": {}, "data": [{"metrics": [{"metric": "tAcw", "stats": {"sum": "1"}}]}]}]},
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_and_never_no_use(answer: object) -> None:
    with pytest.raises(IncompleteRead):
        list(uses(answer))


def test_an_answer_without_results_is_of_no_contact() -> None:
    assert list(uses({})) == []


def depends(org: Org, **kinds: str) -> dict[str, Dependants]:
    ids = {kind: frozenset({getattr(org, kind)(name)}) for kind, name in kinds.items()}
    found = org.target.evidence().dependants(ids)
    return {kind: found[next(iter(ids[kind]))] for kind in kinds}


def test_flows_and_scripts_that_name_a_code_are_told_once_whatever_their_versions(org: Org) -> None:
    found = depends(org, code="Sale")["code"]
    told = [(one.kind, one.name, one.detail) for one in found.known]
    assert told == [
        ("flow", "Inbound", "INBOUNDCALLFLOW, versions 1.0, 2.0"),
        ("script", "Desk", "COMPOSERSCRIPT, version 1.0"),
    ]
    assert found.complete


def test_queues_are_asked_about_too_and_what_nothing_names_is_known_to_be_free(org: Org) -> None:
    found = depends(org, code="Lost", queue="Sales")
    assert found["code"] == Dependants()
    assert [one.name for one in found["queue"].known] == ["Inbound"]


def test_a_206_is_unknown_and_not_unused(org: Org) -> None:
    org.sandbox.set("acme", dependency_index="OPERATIONALNEEDSREBUILD")
    found = depends(org, code="Lost")["code"]
    assert (found.known, found.complete) == ((), False)
    assert "206" in found.why


def test_an_index_that_is_being_built_is_not_asked_object_by_object(org: Org) -> None:
    org.sandbox.set("acme", dependency_index="BUILDINPROGRESS")
    found = depends(org, code="Sale")["code"]
    assert (found.known, found.complete) == ((), False)
    assert "BUILDINPROGRESS" in found.why
    assert not any("consumingresources" in one for one in org.target.traffic.requests)


def test_what_could_not_be_indexed_leaves_the_answer_open(org: Org) -> None:
    org.sandbox.set("acme", dependency_failed=["Desk"])
    found = depends(org, code="Sale")["code"]
    assert ([one.name for one in found.known], found.complete) == (["Inbound"], False)


def test_pages_are_read_to_the_end(org: Org) -> None:
    org.sandbox.set("acme", page_caps={"dependencies": 1})
    assert len(depends(org, code="Sale")["code"].known) == 2


def test_a_page_that_is_lost_leaves_what_was_read_and_the_answer_open(org: Org) -> None:
    org.sandbox.set("acme", page_caps={"dependencies": 2})
    org.sandbox.add_fault("status", path="consumingresources", query="pageNumber=2", status=404)
    found = depends(org, code="Sale")["code"]
    assert ([one.name for one in found.known], found.complete) == (["Desk"], False)


def test_a_client_that_may_not_ask_knows_nothing_and_is_told_what_to_grant(org: Org) -> None:
    org.target.close()
    org.target = org.connect("blind")
    found = org.target.evidence().dependants({"code": frozenset({"a", "b"})})
    assert {one.complete for one in found.values()} == {False}
    assert "architect:dependencyTracking:view" in found["a"].why


def test_what_the_platform_does_not_know_is_unknown_and_no_error(org: Org) -> None:
    found = org.target.evidence().dependants({"code": frozenset({"nobody"})})["nobody"]
    assert not found.complete


def test_so_many_objects_are_asked_about_and_no_more(org: Org) -> None:
    found = org.target.evidence().dependants({"code": frozenset(f"id-{number:03}" for number in range(120))})
    assert len(found) == 120
    assert "no more than 100" in found["id-119"].why
    assert org.target.traffic.total <= 103


def test_a_thing_of_another_type_keeps_the_platforms_word(org: Org) -> None:
    org.sandbox.edit("acme", {"op": "add_flow", "name": "Keep", "type": "RECORDINGPOLICY", "codes": ["Lost"]})
    (one,) = depends(org, code="Lost")["code"].known
    assert one == Dependant("recordingpolicy", one.id, "Keep", "RECORDINGPOLICY, version 1.0")


def test_a_lost_connection_is_no_figure(org: Org) -> None:
    org.sandbox.add_fault("status", path="aggregates", status=500)
    with pytest.raises(TargetError):
        used(org, 1)


@pytest.mark.contracts
def test_all_that_is_asked_and_answered_validates_against_the_contract(org: Org) -> None:
    app = checked(org.sandbox.wsgi)
    org.target.close()
    org.target = org.connect(app=app)
    used(org, 90, codes=frozenset({org.code("Sale")}), queues=frozenset({org.queue("Sales")}))
    depends(org, code="Sale", queue="Sales")
    org.sandbox.set("acme", dependency_index="OPERATIONALNEEDSREBUILD")
    depends(org, code="Sale")
    assert app.violations == []
    assert {path.rsplit("/", 1)[1] for _, path in app.seen} >= {"query", "build", "consumingresources"}
