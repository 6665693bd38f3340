from __future__ import annotations

import time
import unicodedata
from typing import TYPE_CHECKING

import pytest

from sandbox.orgs import CODES, QUEUES, Caller
from wrapctl.sandbox import Sandbox, load, shipped

if TYPE_CHECKING:
    from pathlib import Path


def test_a_seed_is_the_same_org_everywhere(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "a") as one, Sandbox(tmp_path / "b", lambda: 0.0) as other:
        for name in shipped():
            assert one.ensure(name) == other.ensure(name)
            assert one.state(name) == other.state(name)
        assert one.orgs() == ["acme-cxone", "acme-emea", "acme-us"]


def test_the_shipped_seeds_hold_the_odd_names_of_real_orgs() -> None:
    names = {code["name"] for name in ("acme-emea", "acme-us") for code in load(name)["codes"]}
    odd = {"No", "1", "01.Traité", "Sales Rep / Plant", "Répondeur_/_Non_réponse"}
    odd |= {
        "complément d'information demandé",
        "PNAV: First attempt",
        "ANSWERING_MACHINE",
        "Answering Machine",
    }
    assert odd <= names
    assert any(name.endswith(" ") for name in names)
    assert any(not unicodedata.is_normalized("NFC", name) for name in names)
    assert any("😀" in name for name in names)


@pytest.mark.parametrize("name", ["acme-emea", "acme-us"])
def test_a_rich_queue_of_each_org_has_what_a_put_could_damage(tmp_path: Path, name: str) -> None:
    with Sandbox(tmp_path) as box:
        box.ensure(name)
        queue = Caller(box.wsgi, f"sandbox-{name}").queue("Enterprise Sales")
    assert len(queue["conditionalGroupRouting"]["rules"]) == 2
    assert set(queue["mediaSettings"]) == {"call", "callback", "chat", "email", "message"}
    assert {"outboundEmailAddress", "outboundMessagingAddresses", "bullseye", "routingRules"} <= set(queue)
    assert {"memberGroups", "queueFlow", "defaultScripts", "agentOwnedRouting", "directRouting"} <= set(queue)
    assert {"cannedResponseLibraries", "futureSettings"} <= set(queue)


def test_an_unknown_org_is_seeded_empty_with_two_clients(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as box:
        assert box.ensure("fresh").id.startswith("5a5a5a5a-")
        assert box.ensure("fresh") == box.org("fresh")
        for client in ("sandbox-fresh", "sandbox-fresh-readonly"):
            assert Caller(box.wsgi, client).get(CODES)["total"] == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"colour": "red"}, "unknown members of a seed: colour"),
        ({"settings": {"colour": 1}}, "unknown sandbox settings: colour"),
        ({"organization": {"id": "3c0f"}}, "must start with 5a5a5a5a-"),
        ({"codes": [{"name": "A"}, {"name": "A"}]}, "two codes named 'A'"),
        ({"codes": [{"name": "A", "division": "Mars"}]}, "no division 'Mars'"),
        ({"queues": [{"name": "Q", "codes": ["A"]}]}, "unknown code 'A'"),
        ({"mapping": {"flags": {"A": []}}}, "flags for an unknown code 'A'"),
    ],
)
def test_a_seed_with_a_mistake_is_refused_and_nothing_is_planted(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    with Sandbox(tmp_path) as box:
        with pytest.raises(ValueError, match=message):
            box.seed_org({"name": "x"} | wrong)
        assert box.orgs() == []


def test_a_state_folder_of_another_version_is_not_touched(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as box, box._store.write() as con:
        con.execute("pragma user_version = 99")
    with pytest.raises(RuntimeError, match="written by another version"):
        Sandbox(tmp_path)


@pytest.mark.slow
def test_a_large_org_is_seeded_and_listed_in_seconds(tmp_path: Path) -> None:
    names = [f"Code {number}" for number in range(5000)]
    queues = [
        {"name": f"Queue {number}", "codes": [names[(number * 7 + k) % 5000] for k in range(120)]}
        for number in range(1000)
    ]
    codes = [{"name": name} for name in names]
    with Sandbox(tmp_path) as box:
        began = time.process_time()
        box.seed_org({"name": "large", "codes": codes, "queues": queues, "settings": {"rate_limit": 0}})
        caller = Caller(box.wsgi, "sandbox-large")
        read = sum(len(caller.get(CODES, pageSize=100, pageNumber=page)["entities"]) for page in range(1, 51))
        read += sum(
            len(caller.get(QUEUES, pageSize=100, pageNumber=page)["entities"]) for page in range(1, 11)
        )
        assert read == 6000
        assert time.process_time() - began < 15
