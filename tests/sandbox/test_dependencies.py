from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.orgs import SMALL, Caller, refused
from wrapctl.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

TRACKING = "/api/v2/architect/dependencytracking"
FLOWS = [
    {"name": "Inbound Sales", "versions": ["1.0", "2.0"], "codes": ["Sale"], "queues": ["Sales Line"]},
    {"name": "Sales Script", "type": "COMPOSERSCRIPT", "codes": ["Sale", "No Sale"]},
]


class Tracked:
    def __init__(self, folder: Path) -> None:
        self.box = Sandbox(folder)
        self.box.seed_org(SMALL | {"flows": FLOWS})
        self.admin = Caller(self.box.wsgi, "sandbox-small")

    def names(self, code: str, **query: Any) -> list[tuple[str, str, str]]:
        found = self.consumers(code, **query).get_json()["entities"]
        return [(one["type"], one["name"], one["version"]) for one in found]

    def consumers(self, code: str, **query: Any) -> Any:
        asked = {"id": self.admin.code(code)["id"], "objectType": "ACDWRAPUPCODE"} | query
        return self.admin("GET", f"{TRACKING}/consumingresources", **asked)


@pytest.fixture
def org(tmp_path: Path) -> Tracked:
    return Tracked(tmp_path)


def test_flows_and_scripts_that_name_a_code_are_listed_by_version_in_pages(org: Tracked) -> None:
    every = [
        ("INBOUNDCALLFLOW", "Inbound Sales", "1.0"),
        ("INBOUNDCALLFLOW", "Inbound Sales", "2.0"),
        ("COMPOSERSCRIPT", "Sales Script", "1.0"),
    ]
    assert org.names("Sale") == every
    assert org.names("Sale", pageSize=2, pageNumber=2) == every[2:]
    assert org.names("Sale", resourceType="COMPOSERSCRIPT") == every[2:]
    assert org.names("Solved") == []


def test_a_queue_is_named_too(org: Tracked) -> None:
    queue = org.admin.queue("Sales Line")["id"]
    found = org.admin.get(f"{TRACKING}/consumingresources", id=queue, objectType="QUEUE")
    assert {one["name"] for one in found["entities"]} == {"Inbound Sales"}


def test_a_flow_that_is_published_now_names_what_it_names(org: Tracked) -> None:
    org.box.edit(
        "small", {"op": "add_flow", "name": "Survey", "type": "SURVEYINVITEFLOW", "codes": ["Solved"]}
    )
    assert org.names("Solved") == [("SURVEYINVITEFLOW", "Survey", "1.0")]


@pytest.mark.parametrize("state", ["BUILDINPROGRESS", "NOTBUILT", "OPERATIONALNEEDSREBUILD"])
def test_an_index_that_is_not_whole_answers_206_and_no_body(org: Tracked, state: str) -> None:
    org.box.set("small", dependency_index=state)
    assert org.admin.get(f"{TRACKING}/build")["status"] == state
    reply = org.consumers("Sale")
    assert (reply.status_code, reply.get_data()) == (206, b"")


def test_what_could_not_be_indexed_is_missing_and_told(org: Tracked) -> None:
    org.box.set("small", dependency_failed=["Sales Script"])
    assert [one["name"] for one in org.admin.get(f"{TRACKING}/build")["failedObjects"]] == ["Sales Script"]
    assert {name for _, name, _ in org.names("Sale")} == {"Inbound Sales"}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"id": ""}, (400, "architect.query.parameter.missing")),
        ({"objectType": ""}, (400, "architect.query.parameter.missing")),
        ({"objectType": "WRAPUP"}, (400, "architect.dependency.object.invalid.type")),
        ({"id": "nobody"}, (404, "architect.dependency.object.not.found")),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    org: Tracked, query: dict[str, str], why: tuple[int, str]
) -> None:
    assert refused(org.consumers("Sale", **query)) == why
