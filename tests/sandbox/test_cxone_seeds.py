from __future__ import annotations

import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from sandbox.tenants import CxoneCaller
from wrapctl.sandbox import Sandbox, load

NAME = "acme-cxone"
CATALOG = Path(__file__).parents[2] / "wrapups" / "catalog"


def seeded(what: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in load(NAME)[what]}


def test_the_shipped_tenant_shares_names_with_the_catalog() -> None:
    texts = [path.read_text("utf-8") for path in sorted(CATALOG.glob("*.yaml"))]
    lines = {line.strip() for text in texts for line in text.splitlines()}
    names = set(seeded("dispositions"))
    shared = {name for name in names if {f"name: {name}", f'name: "{name}"'} & lines}
    assert len(shared) >= 10
    # A rename, a reactivation, another text, another classification and nothing to do are all among them.
    assert "Sale - Enterprise" in names
    assert "previously: [Sale - Enterprise]      # a rename: id and history stay with the code" in lines
    assert seeded("dispositions")["PNAV: First attempt"]["active"] is False
    assert seeded("dispositions")["Sale - SMB"]["notes"] != "Closed deals below 50k"
    assert seeded("dispositions")["Quote Sent"]["classification"] == "Other"
    assert {"Promo 2019", "ZZ_test 1", "Temp - Black Friday"} <= names - shared


def test_the_shipped_tenant_holds_the_odd_names_of_real_ones() -> None:
    names = set(seeded("dispositions"))
    assert {"No", "1", "01.Traité", "Sales Rep / Plant", "Répondeur_/_Non_réponse"} <= names
    assert {"ANSWERING_MACHINE", "Answering Machine", "PNAV: First attempt"} <= names
    assert any(name.endswith(" ") for name in names)
    assert any(not unicodedata.is_normalized("NFC", name) for name in names)
    assert any("😀" in name for name in names)
    assert max(len(name) for name in names) == 50


def test_its_skills_are_of_every_kind_and_one_could_be_damaged() -> None:
    skills = seeded("skills")
    assert {one.get("mediaTypeId", 4) for one in skills.values()} == {1, 3, 4, 9}
    assert skills["Outbound Campaigns"]["isRunning"]
    assert not skills["Retention"]["isRunning"]
    assert {one["acwTypeId"] for one in skills.values()} == {1, 2, 3}
    rich = skills["Enterprise Sales"]
    assert len(rich) > 60
    assert "futureSettings" in rich
    # The same codes in another order: what agents see differs.
    orders = [[name for name in one["dispositions"] if name == "No Answer"] for one in skills.values()]
    assert sum(map(bool, orders)) >= 3


def test_an_unknown_tenant_is_seeded_empty_with_two_keys_and_a_client(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as box:
        org = box.ensure("fresh", "cxone")
        assert org.id.startswith("5a5a5a5a-")
        for key in ("sandbox-fresh", "sandbox-fresh-readonly"):
            caller = CxoneCaller(box.wsgi, key)
            assert caller("GET", "/dispositions").status_code == 204
            assert any(one["isACW"] for one in caller.get("/unavailable-codes")["unavailableCodes"])
            given = {"grant_type": "password", "username": key, "password": "sandbox"}
            assert caller.grant(given, "sandbox-fresh-app:sandbox").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"codes": []}, "unknown members of a seed: codes"),
        ({"settings": {"outbound": True}}, "unknown sandbox settings: outbound"),
        ({"organization": {"tenantId": "11eb"}}, "must start with 5a5a5a5a-"),
        ({"dispositions": [{"name": "A"}, {"name": "A"}]}, "two dispositions named 'A'"),
        ({"dispositions": [{"name": "A", "id": 7}, {"name": "B", "id": 7}]}, "or with the id 7"),
        ({"dispositions": [{"name": "A", "classification": "?"}]}, "unknown classification '?'"),
        ({"skills": [{"name": "S", "dispositions": ["A"]}]}, "unknown disposition 'A'"),
        ({"skills": [{"name": "S", "acw_state": "Lunch"}]}, "unknown unavailable code 'Lunch'"),
        (
            {"dispositions": [{"name": "A"}], "skills": [{"name": "S", "dispositions": ["A", "A"]}]},
            "names a disposition twice",
        ),
        ({"clients": [{"client_id": "k", "divisions": ["Sales"]}]}, "has no divisions"),
    ],
)
def test_a_seed_with_a_mistake_is_refused_and_nothing_is_planted(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    with Sandbox(tmp_path) as box:
        with pytest.raises(ValueError, match=message):
            box.seed_org({"name": "x", "platform": "cxone"} | wrong)
        assert box.orgs() == []


def test_a_large_tenant_is_read_in_moments(tmp_path: Path) -> None:
    names = [f"Code {number}" for number in range(500)]
    skills = [
        {"name": f"Skill {number}", "dispositions": [names[(number * 7 + k) % 500] for k in range(25)]}
        for number in range(100)
    ]
    with Sandbox(tmp_path) as box:
        began = time.process_time()
        dispositions = [{"name": name} for name in names]
        box.seed_org({"name": "large", "platform": "cxone", "dispositions": dispositions, "skills": skills})
        caller = CxoneCaller(box.wsgi, "sandbox-large")
        read = [one for skip in range(0, 500, 100) for one in caller.names(skip=skip, top=100)]
        assert read == names
        assert len(caller.get("/skills", top=100)["skills"]) == 100
        assert time.process_time() - began < 3
