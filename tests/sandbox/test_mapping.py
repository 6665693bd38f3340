from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.orgs import CODES, MAPPING, Small, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def org(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_every_code_is_in_the_map_deleted_ones_too(org: Small) -> None:
    mapping = org.admin.get(MAPPING)
    state = org.box.state("small")
    assert set(mapping["mapping"]) == set(state["codes"]) | set(state["deleted_codes"])
    assert mapping["mapping"][org.admin.code("Sale")["id"]] == ["BUSINESS_SUCCESS"]
    assert (
        mapping["mapping"][org.admin.code("Solved")["id"]] == mapping["defaultSet"] == ["RIGHT_PARTY_CONTACT"]
    )


def test_creating_a_code_moves_the_version_and_adds_it(org: Small) -> None:
    before = org.admin.get(MAPPING)
    made = org.admin("POST", CODES, {"name": "New"}).get_json()
    after = org.admin.get(MAPPING)
    assert after["version"] == before["version"] + 1
    assert after["mapping"] == before["mapping"] | {made["id"]: ["RIGHT_PARTY_CONTACT"]}


def test_a_put_with_an_old_version_is_a_conflict(org: Small) -> None:
    mapping = org.admin.get(MAPPING)
    after = org.admin("PUT", MAPPING, mapping).get_json()
    assert after["version"] == mapping["version"] + 1
    assert refused(org.admin("PUT", MAPPING, mapping)) == (409, "invalid.update.wrong.version")
    assert refused(org.admin("PUT", MAPPING, {"defaultSet": []})) == (400, "invalid.update")


def test_a_conflict_can_be_a_400_in_other_words(org: Small) -> None:
    org.box.set("small", mapping_conflict_status=400)
    reply = org.admin("PUT", MAPPING, org.admin.get(MAPPING) | {"version": 1})
    assert refused(reply)[0] == 400
    assert "does not match the current version" in reply.get_json()["message"]


def test_a_put_replaces_the_whole_map_and_takes_flags_in_any_case(org: Small) -> None:
    mapping, sale = org.admin.get(MAPPING), org.admin.code("Sale")
    sent = {"version": mapping["version"], "defaultSet": [], "mapping": {sale["id"]: ["Contact_UnCallable"]}}
    after = org.admin("PUT", MAPPING, sent).get_json()
    assert after["mapping"].pop(sale["id"]) == ["CONTACT_UNCALLABLE"]
    assert set(after["mapping"]) == set(org.box.state("small")["codes"]) - {sale["id"]}
    assert set(map(tuple, after["mapping"].values())) == {()}


def test_an_unknown_flag_and_an_unknown_code_are_refused(org: Small) -> None:
    mapping = org.admin.get(MAPPING)
    assert refused(org.admin("PUT", MAPPING, mapping | {"defaultSet": ["WON"]})) == (400, "invalid.value")
    assert refused(org.admin("PUT", MAPPING, mapping | {"mapping": {"x": []}})) == (400, "invalid.update")


def test_flags_can_read_back_in_mixed_case(org: Small) -> None:
    org.box.set("small", flag_case="mixed")
    mapping = org.admin.get(MAPPING)
    assert mapping["defaultSet"] == ["Right_Party_Contact"]
    assert mapping["mapping"][org.admin.code("Sale")["id"]] == ["Business_Success"]


def test_an_org_without_outbound_has_no_mapping(org: Small) -> None:
    org.box.set("small", outbound=False)
    assert refused(org.admin("GET", MAPPING)) == (404, "not.found")
    assert refused(org.admin("PUT", MAPPING, {"version": 1})) == (404, "not.found")
    assert org.admin("POST", CODES, {"name": "New"}).status_code == 200
