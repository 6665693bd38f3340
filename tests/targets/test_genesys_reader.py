"""What is read is all of it, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genesys_org import NAME, START, Org
from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    Interrupted,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from wrapctl.targets.interface import Want

CODES = "/routing/wrapupcodes$"
ODD = [
    "No",
    "1",
    "01.Traité",
    "Sales Rep / Plant",
    "e\u0301 NFD",
    "é NFC",
    "  spaces ",
    "100 %2F",
    "👍",
    "ANSWERING_MACHINE",
    "Answering Machine",
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Any]:
    made: list[Org] = []

    def make(**seed: Any) -> Org:
        made.append(Org(tmp_path, **seed))
        return made[-1]

    yield make
    for org in made:
        org.close()


def codes(number: int) -> list[dict[str, Any]]:
    return [{"name": f"Code {n:04}"} for n in range(number)]


def test_odd_names_are_read_as_they_are(folder: Any) -> None:
    org = folder(codes=[{"name": name} for name in ODD])
    assert {code.name for code in org.read().codes} == set(ODD)


def test_an_empty_org_reads_as_empty(folder: Any) -> None:
    live = folder().read()
    assert (live.codes, live.queues, live.outbound) == ((), (), {})


def test_identity_is_the_organizations_and_asked_for_once(folder: Any) -> None:
    org = folder()
    org.read()
    org.read()
    identity = org.target.reader().identity()
    assert identity.sandbox
    assert identity.name == NAME
    assert len(org.sent(path="/organizations/me")) == 1


def test_a_full_read_needs_no_more_requests_than_its_pages(folder: Any) -> None:
    org = folder(
        codes=codes(250),
        queues=[{"name": f"Q{n}", "codes": [f"Code {c:04}" for c in range(120)]} for n in range(5)],
        settings={"page_caps": {"codes": 100, "links": 50, "queues": 3, "divisions": 100}},
    )
    live = org.read()
    links = org.read(Want(links=frozenset(queue.id for queue in live.queues)))
    assert len(live.codes) == 250
    assert {len(codes) for codes in links.links.values()} == {120}
    # token, organization, divisions, mapping; 3 pages of codes, 2 of queues, 3 for each queue's codes
    assert org.target.traffic.total == 4 + 3 + 2 + 5 * 3


def test_codes_are_in_normal_form(folder: Any) -> None:
    org = folder(
        divisions=[{"name": "Home"}, {"name": "Sales"}],
        codes=[
            {"name": "Plain"},
            {"name": "Sold", "division": "Sales", "description": "yes"},
            {"name": "ININ-WRAP-UP-TIMEOUT"},
            {"name": "Gone", "deleted": True},
        ],
    )
    found = {code.name: code for code in org.read().codes}
    assert set(found) == {"Plain", "Sold", "ININ-WRAP-UP-TIMEOUT"}
    assert found["Plain"].fields == {"name": "Plain", "description": "", "division": "*"}
    assert found["Sold"].fields == {"name": "Sold", "description": "yes", "division": "Sales"}
    assert [code.name for code in found.values() if code.reserved] == ["ININ-WRAP-UP-TIMEOUT"]


def test_queues_are_in_normal_form(folder: Any) -> None:
    org = folder(
        queues=[
            {"name": "Optional", "acwSettings": {"wrapupPrompt": "OPTIONAL", "timeoutMs": 0}},
            {
                "name": "Timed",
                "acwSettings": {"wrapupPrompt": "MANDATORY_FORCED_TIMEOUT", "timeoutMs": 45000},
            },
            {"name": "Asked", "acwSettings": {"wrapupPrompt": "AGENT_REQUESTED", "timeoutMs": 5000}},
        ]
    )
    acw = {queue.name: dict(queue.after_call_work) for queue in org.read().queues}
    assert acw == {
        "Optional": {"prompt": "optional"},
        "Timed": {"prompt": "mandatory-forced-timeout", "timeout_ms": 45000},
        "Asked": {"prompt": "agent-requested", "timeout_ms": 5000},
    }


def test_flags_are_complete_for_all_codes_and_compared_without_case(folder: Any) -> None:
    org = folder(
        codes=[{"name": "Won"}, {"name": "Plain"}, {"name": "Gone", "deleted": True}],
        mapping={
            "defaultSet": ["BUSINESS_NEUTRAL"],
            "flags": {"Won": ["BUSINESS_SUCCESS", "RIGHT_PARTY_CONTACT"]},
        },
        settings={"flag_case": "mixed"},
    )
    live = org.read()
    assert live.outbound_default == ("business-neutral",)
    assert live.outbound == {
        org.code("Won"): ("business-success", "right-party-contact"),
        org.code("Plain"): ("business-neutral",),
    }


def test_an_org_without_outbound_has_no_mapping(folder: Any) -> None:
    org = folder(codes=codes(1), settings={"outbound": False})
    assert org.read().outbound is None


def test_objects_are_read_by_id_in_chunks_and_missing_ones_are_not_in_the_answer(folder: Any) -> None:
    org = folder(codes=codes(1200), settings={"page_caps": {"codes": 25}})
    ids = frozenset(sorted(org.state["codes"])[:60])
    live = org.read(Want(codes=ids | {"00000000-0000-4000-8000-000000000000"}))
    assert {code.id for code in live.codes} == ids
    assert not live.complete_codes
    # 50 ids in two pages of 25, as the server cuts them, and the other 11 in one
    assert len(org.sent(path="/routing/wrapupcodes")) == 3


def test_many_ids_of_a_small_org_are_read_as_one_listing(folder: Any) -> None:
    org = folder(codes=codes(90))
    org.read()
    before = len(org.sent(path="/routing/wrapupcodes"))
    ids = frozenset(org.state["codes"])
    assert {code.id for code in org.read(Want(codes=ids)).codes} == ids
    assert len(org.sent(path="/routing/wrapupcodes")) == before + 1


def test_codes_are_read_by_exactly_their_names(folder: Any) -> None:
    org = folder(codes=[{"name": "Sold"}, {"name": "SOLD"}, {"name": "Sold out"}])
    live = org.read(Want(code_names=frozenset({"Sold", "Nobody"})))
    assert [code.name for code in live.codes] == ["Sold"]


def test_links_of_a_queue_that_is_gone_are_left_out(folder: Any) -> None:
    org = folder(codes=codes(1), queues=[{"name": "Q", "codes": ["Code 0000"]}])
    queue = org.queue("Q")
    live = org.read(Want(links=frozenset({queue, "00000000-0000-4000-8000-000000000000"})))
    assert live.links == {queue: (org.code("Code 0000"),)}
    assert live.link_names == {org.code("Code 0000"): "Code 0000"}


def test_queues_with_a_peer_are_found_where_the_plain_listing_leaves_them_out(folder: Any) -> None:
    org = folder(
        queues=[{"name": "Plain"}, {"name": "Paired", "peerId": "99999999-0000-4000-8000-000000000000"}],
        settings={"list_queues_with_peer": False},
    )
    assert {queue.name for queue in org.read().queues} == {"Plain", "Paired"}
    ids = frozenset(org.state["queues"])
    assert {queue.id for queue in org.read(Want(queues=ids)).queues} == ids


def test_a_listing_that_moves_once_is_read_again(folder: Any) -> None:
    org = folder(codes=codes(250))
    org.fault("edit", path=CODES, nth=2, edit={"op": "delete_code", "code": "Code 0000"})
    assert len(org.read().codes) == 249
    assert any("reading the listing again" in event.text for event in org.clock.events)


def test_a_listing_that_keeps_moving_is_an_error(folder: Any) -> None:
    org = folder(codes=codes(250))
    for nth in (2, 5, 8):
        org.fault("edit", path=CODES, nth=nth, edit={"op": "delete_code", "code": f"Code {nth:04}"})
    with pytest.raises(IncompleteRead, match="wrap-up codes"):
        org.read()


def test_a_total_that_does_not_add_up_is_an_error(folder: Any) -> None:
    org = folder(codes=codes(3))
    entities = [{"id": "1", "name": "one"}]
    page = {"entities": entities, "total": 2, "pageCount": 1, "pageNumber": 1, "pageSize": 100}
    org.fault("status", path=CODES, status=200, body=page)
    with pytest.raises(IncompleteRead, match="1 objects were read and the platform counts 2"):
        org.read()


@pytest.mark.parametrize(
    "body",
    [{}, {"entities": None}, {"entities": [1]}, {"entities": [{"name": "no id"}], "total": 1}, []],
    ids=["empty", "null", "numbers", "no id", "array"],
)
def test_an_answer_that_is_no_listing_is_an_error_and_never_an_empty_org(folder: Any, body: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("status", path=CODES, status=200, body=body)
    with pytest.raises(IncompleteRead):
        org.read()


def test_a_number_of_pages_that_cannot_be_is_refused_before_it_is_followed(folder: Any) -> None:
    org = folder(codes=codes(3))
    page = {"entities": [{"id": "1", "name": "one"}], "total": 1, "pageCount": 2_000_000_000}
    org.fault("status", path=CODES, status=200, body=page)
    with pytest.raises(IncompleteRead, match="2000000000 pages"):
        org.read()


@pytest.mark.parametrize("length", ["cut", "full"])
def test_a_cut_answer_is_read_again_and_then_an_error(folder: Any, length: str) -> None:
    org = folder(codes=codes(3))
    org.fault("truncate", path=CODES, nth=1, length=length)
    assert len(org.read().codes) == 3
    org.sandbox.clear_faults()
    org.fault("truncate", path=CODES, length=length)
    with pytest.raises(IncompleteRead):
        org.read()


@pytest.mark.parametrize("do", ["drop", "lose-answer"])
def test_a_lost_connection_is_tried_again_and_then_an_error(folder: Any, do: str) -> None:
    org = folder(codes=codes(3))
    org.fault(do, path=CODES, nth=1, times=3)
    assert len(org.read().codes) == 3
    org.sandbox.clear_faults()
    org.fault(do, path=CODES)
    with pytest.raises(Unreachable):
        org.read()


def test_a_server_that_fails_now_and_then_is_asked_again(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("status", path=CODES, nth=1, times=2, status=503)
    assert len(org.read().codes) == 3


def test_a_server_that_keeps_failing_is_quoted(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("status", path=CODES, status=500, raw="<html><title>Bad &amp; broken</title></html>")
    with pytest.raises(Answered, match="answered 500: Bad & broken") as caught:
        org.read()
    assert caught.value.answer.request_id


def test_a_token_that_ends_is_renewed_once_without_anybody_noticing(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("expire-token", path=CODES, nth=1)
    assert len(org.read().codes) == 3
    assert len(org.sent("POST", "/oauth/token")) == 2


def test_a_token_that_is_refused_even_when_new_is_an_error(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("expire-token", path=CODES)
    with pytest.raises(Unauthorized):
        org.read()


def test_a_wrong_secret_is_an_error_that_names_the_org_and_not_the_secret(folder: Any) -> None:
    org = folder()
    org.target.close()
    org.target = org.connect(secret="hunter2-hunter2")
    with pytest.raises(Unauthorized) as caught:
        org.read()
    text = f"{caught.value} {caught.value.hint}"
    assert "login of acme" in text
    assert "wrapups/acme/org.yaml" in text
    assert "hunter2" not in text


def test_a_missing_permission_is_quoted(folder: Any) -> None:
    org = folder(clients=[{"client_id": f"sandbox-{NAME}", "permissions": ["routing:queue:view"]}])
    with pytest.raises(Forbidden, match="routing:wrapupCode:view"):
        org.read()


def test_a_rate_limit_is_waited_out_for_as_long_as_the_platform_asks(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("status", path=CODES, nth=1, times=2, status=429, retry_after=7)
    assert len(org.read().codes) == 3
    assert org.clock.now - START == pytest.approx(14, abs=0.1)
    assert org.target.traffic.retries == 2


def test_a_wait_that_is_too_long_ends_the_run_and_says_when_to_come_back(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("status", path=CODES, status=429, retry_after=3600)
    with pytest.raises(RateLimited) as caught:
        org.read()
    assert "3600 s" in caught.value.hint
    assert org.clock.waits == []


def test_the_limit_of_the_org_is_kept_without_ever_being_refused(folder: Any) -> None:
    org = folder(
        codes=codes(60),
        queues=[{"name": "Q", "codes": [f"Code {n:04}" for n in range(60)]}],
        settings={"page_caps": {"links": 2}, "rate_limit": 10},
    )
    org.target.close()
    org.target = org.connect(rate=10)
    assert len(org.read(Want(links=frozenset({org.queue("Q")}))).links[org.queue("Q")]) == 60
    assert {request.status for request in org.sandbox.requests(NAME)} == {200}
    assert org.clock.now - START == pytest.approx(180)


def test_a_request_to_stop_ends_the_waiting(folder: Any) -> None:
    org = folder(codes=codes(3))
    org.fault("status", path=CODES, status=429, retry_after=120)
    org.clock.on_wait = org.clock.stop.set
    with pytest.raises(Interrupted):
        org.read()


def test_a_client_that_sees_one_division_reads_it_with_the_counts_of_all(folder: Any) -> None:
    org = folder(
        divisions=[{"name": "Home"}, {"name": "Sales"}],
        codes=[{"name": "A", "division": "Home"}, {"name": "B", "division": "Sales"}],
        queues=[{"name": "Q", "division": "Home"}],
        clients=[{"client_id": f"sandbox-{NAME}", "permissions": "admin", "divisions": ["Sales"]}],
    )
    live = org.read()
    assert [code.name for code in live.codes] == ["B"]
    assert {(d.name, d.codes, d.queues) for d in live.divisions} == {("Home", 1, 1), ("Sales", 1, 0)}
