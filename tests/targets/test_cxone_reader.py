"""Reading a CXone tenant: whole, in few requests, whatever its version leaves out or calls otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxone_org import EVERYTHING, Tenant
from wrapctl.errors import Answered, Forbidden, IncompleteRead, TargetError
from wrapctl.targets.interface import Want

ODD = [
    "No",
    "1",
    "01.Traité",
    "Sales Rep / Plant",
    "Répondeur_/_Non_réponse",
    "complément d'information demandé",
    "PNAV: First attempt",
    "ANSWERING_MACHINE",
    "Answering Machine",
    "Zufrieden 😀",
    "trailing ",
    "Re\u0301clamation",
    "Réclamation",
]
PLAIN: dict[str, Any] = {
    "dispositions": [
        {"name": "Sold", "classification": "Positive w/Amount", "notes": "n"},
        {"name": "Lost", "classification": None},
        {"name": "Old", "active": False},
    ],
    "skills": [
        {
            "name": "Sales",
            "dispositions": ["Lost", "Sold"],
            "acwTypeId": 2,
            "maxSecondsACW": 30,
            "acw_state": "After Call Work",
        },
        {"name": "Empty"},
        {"name": "Retired", "isActive": False, "dispositions": ["Sold"]},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Any]:
    made: list[Tenant] = []

    def make(**seed: Any) -> Tenant:
        made.append(Tenant(tmp_path / str(len(made)), **seed))
        return made[-1]

    yield make
    for tenant in made:
        tenant.close()


def reads(tenant: Tenant) -> list[str]:
    """The requests of the API itself, without login, discovery and identity."""
    return [line for line in tenant.sent(path="/services/") if "business-unit" not in line]


def test_odd_names_are_read_as_they_are(folder: Any) -> None:
    tenant = folder(dispositions=[{"name": name} for name in ODD])
    assert [code.name for code in tenant.read().codes] == ODD


def test_an_empty_tenant_reads_as_empty_with_and_without_a_body(folder: Any) -> None:
    for status in (204, 200):
        live = folder(settings={"empty_list": status}).read()
        assert (live.codes, live.queues, live.links) == ((), (), {})
        assert live.complete_codes
        assert live.complete_queues


def test_a_full_read_needs_its_pages_and_one_list_of_classifications(folder: Any) -> None:
    tenant = folder(
        dispositions=[{"name": f"D{n}", "active": n > 0} for n in range(250)],
        skills=[{"name": f"S{n}", "dispositions": [f"D{n}"]} for n in range(120)],
    )
    live = tenant.read()
    assert (len(live.codes), len(live.queues), len(live.links)) == (250, 120, 120)
    assert sorted(reads(tenant)) == sorted(
        [
            "GET /dispositions?skip=0&top=500",
            "GET /dispositions?skip=100&top=100",
            "GET /dispositions?skip=200&top=100",
            "GET /dispositions/classifications",
            "GET /skills?skip=0&top=500",
            "GET /skills?skip=100&top=100",
        ]
    )


def test_a_smaller_page_than_the_largest_that_was_seen_is_obeyed(folder: Any) -> None:
    tenant = folder(dispositions=[{"name": f"D{n}"} for n in range(25)], settings={"page_cap": 10})
    assert len({code.id for code in tenant.read().codes}) == 25


def test_where_a_large_page_is_refused_a_modest_one_is_asked_for(folder: Any) -> None:
    tenant = folder(**PLAIN)
    tenant.fault("status", method="GET", query="top=500", status=400)
    assert len(tenant.read().codes) == 3
    assert "GET /skills?skip=0&top=100" in reads(tenant)


def test_dispositions_are_in_normal_form(folder: Any) -> None:
    codes = {code.name: dict(code.fields) for code in folder(**PLAIN).read().codes}
    assert codes["Sold"] == {
        "name": "Sold",
        "description": "n",
        "classification": "Positive w/Amount",
        "preview": False,
        "active": True,
    }
    assert codes["Lost"]["classification"] is None
    assert codes["Old"]["active"] is False


def test_skills_are_queues_in_normal_form_with_their_links_in_order(folder: Any) -> None:
    tenant = folder(**PLAIN)
    live = tenant.read()
    queues = {queue.name: queue for queue in live.queues}
    assert dict(queues["Sales"].after_call_work) == {
        "prompt": "optional",
        "timeout_ms": 30_000,
        "state": "After Call Work",
    }
    assert (queues["Sales"].media, queues["Sales"].division) == (("voice",), None)
    assert [queue.name for queue in live.queues if not queue.active] == ["Retired"]
    assert live.links[tenant.queue("Sales")] == (tenant.code("Lost"), tenant.code("Sold"))
    assert live.links[tenant.queue("Empty")] == ()
    assert live.link_names[tenant.code("Lost")] == "Lost"


@pytest.mark.parametrize(
    "settings",
    [
        {"unfiltered": "active"},
        {"wrap_skill": True, "skills_with_dispositions": False},
        {"skills_with_dispositions": False},
        {"unavailable_code_members": "v23"},
        {"unavailable_code_members": "v30"},
        {"last_updated": "minutes"},
        {"empty_list": 200},
        {"page_default": 1, "page_cap": 2},
    ],
)
def test_a_tenant_reads_the_same_whatever_is_not_documented(folder: Any, settings: Any) -> None:
    want = Want(codes=None, queues=None, choices=frozenset({"state", "classification"}))
    plain, odd = folder(**PLAIN).read(want), folder(**PLAIN, settings=settings)
    other = odd.read(want)
    links = {**other.links, **odd.read(Want(links=frozenset(queue.id for queue in other.queues))).links}
    assert [(code.name, code.fields) for code in plain.codes] == [
        (code.name, code.fields) for code in other.codes
    ]
    assert {queue.id: plain.links[queue.id] for queue in other.queues} == links
    assert plain.choices == other.choices
    named = {queue.name: queue for queue in plain.queues}
    # A list of active skills alone does not show what nobody uses.
    assert all(named[queue.name] == queue for queue in other.queues)
    assert {queue.name for queue in other.queues} >= {"Sales", "Empty"}


def test_inactive_dispositions_are_asked_for_where_the_list_shows_none(folder: Any) -> None:
    tenant = folder(dispositions=[{"name": "A"}])
    tenant.read()
    assert "GET /dispositions?skip=0&top=500&isActive=false" in reads(tenant)


def test_where_the_list_of_skills_holds_no_dispositions_those_wanted_are_read_alone(folder: Any) -> None:
    tenant = folder(**PLAIN, settings={"skills_with_dispositions": False})
    assert tenant.read().links == {}
    queue = tenant.queue("Sales")
    for _ in range(2):
        live = tenant.read(Want(links=frozenset({queue})))
        assert live.links == {queue: (tenant.code("Lost"), tenant.code("Sold"))}
    assert [line for line in reads(tenant) if line.startswith("GET /skills/")] == [f"GET /skills/{queue}"] * 2


def test_where_the_list_of_skills_shows_no_after_call_work_each_is_read_alone(folder: Any) -> None:
    tenant = folder(**PLAIN)
    items = [{"skillId": int(number), "skillName": "x"} for number in tenant.state["skills"]]
    body = {"totalRecords": len(items), "skills": items}
    tenant.fault("status", method="GET", path="/skills$", status=200, body=body)
    live = tenant.read()
    assert [queue.after_call_work.get("prompt") for queue in live.queues] == ["optional", "none", "none"]
    assert len(live.links) == 3


def test_what_is_offered_by_name_is_read_where_it_is_wanted(folder: Any) -> None:
    tenant = folder(
        dispositions=PLAIN["dispositions"],
        unavailable_codes=[
            {"name": "Wrap", "isACW": True},
            {"name": "Old", "isACW": True, "isActive": False},
            {"name": "Lunch"},
        ],
    )
    live = tenant.read(Want(choices=frozenset({"state", "classification", "nonsense"})))
    assert live.choices["state"] == ("Wrap",)
    assert "Negative-DNC-BU" in live.choices["classification"]
    assert live.choices["nonsense"] == ()
    assert tenant.read(Want()).choices == {}


def test_few_objects_are_read_alone_and_many_by_the_list(folder: Any) -> None:
    tenant = folder(**PLAIN)
    sold, queue = tenant.code("Sold"), tenant.queue("Sales")
    live = tenant.read(Want(codes=frozenset({sold}), queues=frozenset({queue}), links=frozenset({queue})))
    assert [code.name for code in live.codes] == ["Sold"]
    assert list(live.links) == [queue]
    assert reads(tenant) == [
        f"GET /dispositions/{sold}",
        "GET /dispositions/classifications",
        f"GET /skills/{queue}",
    ]
    every = frozenset(tenant.state["dispositions"])
    assert len(tenant.read(Want(codes=every)).codes) == 3
    assert reads(tenant)[3:] == ["GET /dispositions?skip=0&top=500"]


def test_names_are_looked_for_in_the_list_and_exactly(folder: Any) -> None:
    tenant = folder(
        dispositions=[{"name": "Sale"}, {"name": "Sales"}, {"name": "sale"}, {"name": "x", "notes": "Sale"}]
    )
    assert [code.name for code in tenant.read(Want(code_names=frozenset({"Sale"}))).codes] == ["Sale"]


def test_ids_that_can_be_none_here_are_simply_not_in_the_answer(folder: Any) -> None:
    tenant = folder(**PLAIN)
    strange = frozenset({"7", "x", "-1", "00000000-0000-4000-8000-000000000000"})
    live = tenant.read(Want(codes=strange, queues=strange, links=strange))
    assert (live.codes, live.queues, live.links) == ((), (), {})


# ── what goes wrong ────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_that_moves_once_is_read_again(folder: Any) -> None:
    tenant = folder(dispositions=[{"name": f"D{n}"} for n in range(25)], settings={"page_cap": 10})
    tenant.fault(
        "edit",
        method="GET",
        path="/dispositions$",
        query="skip=10",
        nth=1,
        edit={"op": "add_disposition", "name": "X"},
    )
    assert len(tenant.read().codes) == 26
    assert any("reading the listing again" in event.text for event in tenant.clock.events)


def listing(**body: Any) -> Any:
    return {"status": 200, "body": body, "method": "GET", "path": "/dispositions$"}


@pytest.mark.parametrize(
    "body",
    [
        {"totalRecords": 2, "dispositions": [{"dispositionId": 1, "dispositionName": "a"}]},
        {"totalRecords": 1, "dispositions": [{"dispositionName": "a"}]},
        {"totalRecords": 1, "dispositions": [{"dispositionId": 1}]},
        {"totalRecords": 2, "dispositions": [{"dispositionId": 1, "dispositionName": "a"}] * 2},
        {"totalRecords": 1, "dispositions": "x"},
        {"totalRecords": 1},
        {"dispositions": [7]},
        {"dispositions": [{"dispositionId": 1, "dispositionName": "a"}]},
        {"totalRecords": 10**12, "dispositions": [{"dispositionId": 1, "dispositionName": "a"}]},
    ],
)
def test_an_answer_that_is_no_whole_listing_is_an_error_and_never_an_empty_tenant(
    folder: Any, body: Any
) -> None:
    tenant = folder(**PLAIN)
    tenant.fault("status", **listing(**body))
    with pytest.raises(IncompleteRead):
        tenant.read()


def test_without_a_total_pages_are_read_until_one_is_empty(folder: Any) -> None:
    tenant = folder(skills=[{"name": "S"}])
    one = {"dispositionId": 1, "dispositionName": "a", "isActive": False}
    tenant.fault("status", **(listing(dispositions=[one]) | {"query": "skip=0"}))
    tenant.fault("status", **(listing(dispositions=[]) | {"query": "skip=1"}))
    assert [code.name for code in tenant.read().codes] == ["a"]


@pytest.mark.parametrize("path", ["/dispositions/classifications", "/unavailable-codes"])
@pytest.mark.parametrize("body", [{}, {"totalRecords": 5}, []])
def test_lists_of_names_are_whole_or_an_error_too(folder: Any, path: str, body: Any) -> None:
    tenant = folder(**PLAIN)
    tenant.fault("status", method="GET", path=path, status=200, body=body)
    with pytest.raises(TargetError):
        tenant.read(Want(codes=None, choices=frozenset({"state"})))


def test_another_object_than_the_one_asked_for_is_an_error(folder: Any) -> None:
    tenant = folder(**PLAIN)
    for kind, want in (
        ("dispositions", Want(codes=frozenset({tenant.code("Sold")}))),
        ("skills", Want(queues=frozenset({tenant.queue("Sales")}))),
    ):
        tenant.fault("status", method="GET", path=f"/{kind}/", status=200, body={}, times=1)
        with pytest.raises(IncompleteRead, match="another"):
            tenant.read(want)


def test_a_skill_that_shows_no_dispositions_is_asked_for_its_list(folder: Any) -> None:
    tenant = folder(**PLAIN)
    queue = tenant.queue("Sales")
    tenant.fault(
        "status",
        method="GET",
        path=f"/skills/{queue}$",
        status=200,
        body={"skillId": int(queue), "skillName": "Sales"},
    )
    live = tenant.read(Want(links=frozenset({queue})))
    assert live.links[queue] == (tenant.code("Lost"), tenant.code("Sold"))


def test_a_missing_permission_is_quoted(folder: Any) -> None:
    tenant = folder(
        **PLAIN, clients=[{"client_id": "blind", "client_secret": "sandbox", "permissions": ["Skills View"]}]
    )
    blind = tenant.connect("blind")
    with pytest.raises(Forbidden, match="Dispositions View"):
        blind.reader().read(EVERYTHING)
    blind.close()


def test_a_server_that_keeps_failing_is_quoted(folder: Any) -> None:
    tenant = folder(**PLAIN)
    tenant.fault("status", method="GET", path="/skills", status=503, message="down for maintenance")
    with pytest.raises(Answered, match="down for maintenance"):
        tenant.read()
