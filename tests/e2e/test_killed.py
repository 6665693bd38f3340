"""An apply killed at any request, before the platform saw it or right after: running again converges."""

from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e import killing
from front_door import APPLYING, Project

SEED: dict[str, Any] = {
    "name": "acme",
    "codes": [
        {"name": "Old name", "description": "renamed"},
        {"name": "Kept", "description": "was so"},
        {"name": "Promo"},
        {"name": "Unmanaged"},
    ],
    "queues": [
        {"name": "Sales", "codes": ["Kept", "Promo", "Unmanaged"]},
        {"name": "Service", "codes": ["Promo"], "acwSettings": {"wrapupPrompt": "OPTIONAL"}},
    ],
}
CODES = """
    RENAMED: {name: New name, previously: [Old name]}
    KEPT: {name: Kept, description: is so now}
    FRESH: {name: Fresh, outbound: [business-success]}
    PROMO: {name: Promo, state: absent}
"""
QUEUES = """
    sales: {name: Sales, codes: [KEPT, FRESH, RENAMED]}
    service: {name: Service, codes: [RENAMED], after_call_work: {prompt: mandatory-timeout, timeout: 45s}}
"""
# Everything that wrapctl may send in this apply; the walk ends at the first number that kills nobody.
MOST_REQUESTS = 120

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "e2e.killing",
        "wrapctl.cli.apply",
        "wrapctl.survey",
        "wrapctl.apply.run",
        "wrapctl.sandbox.app",
        "wrapctl.targets.genesys.target",
        "wrapctl.render.text",
    ]
)


def prepared(folder: Path) -> Project:
    project = Project(folder)
    project.org(codes=CODES, queues=QUEUES, text=APPLYING)
    project.seed(SEED)
    return project


def killed_at(project: Project, number: int, when: str) -> int | None:
    """Apply in a process of its own that dies at one request; its exit code."""
    project.fault("exit", nth=number, when=when)
    process = FORKS.Process(target=killing.apply, args=(str(project.root),))
    process.start()
    process.join(60)
    return process.exitcode


def essence(project: Project) -> dict[str, Any]:
    """What is live, without ids and dates."""
    state = project.state()
    names = {code["id"]: code["name"] for code in state["codes"].values()}
    queues = {one["id"]: one["name"] for one in state["queues"].values()}
    return {
        "codes": sorted((code["name"], code.get("description")) for code in state["codes"].values()),
        "links": {
            queues[queue]: sorted(names[code] for code in held) for queue, held in state["links"].items()
        },
        "acw": {one["name"]: one.get("acwSettings") for one in state["queues"].values()},
        "flags": {
            names[code]: sorted(flags) for code, flags in state["mapping"]["mapping"].items() if code in names
        },
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    project = prepared(tmp_path_factory.mktemp("undisturbed"))
    assert project.run("apply", "acme", "--yes").code == 0
    return essence(project)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", range(4))
def test_an_apply_killed_at_any_request_is_finished_by_the_next(
    tmp_path: Path, undisturbed: dict[str, Any], when: str, part: int
) -> None:
    kept_id = None
    for number in range(1 + part, MOST_REQUESTS, 4):
        folder = tmp_path / str(number)
        project = prepared(folder)
        before = project.state()
        kept_id = next(code["id"] for code in before["codes"].values() if code["name"] == "Old name")
        code = killed_at(project, number, when)
        if code == 0:
            break
        assert code == 137, f"request {number}: {code}"
        with project.sandbox as box:
            box.clear_faults()
        again = project.run("apply", "acme", "--yes")
        assert again.code == 0, f"request {number} {when}: {again.out}{again.err}"
        assert essence(project) == undisturbed, f"request {number} {when}"
        after = project.state()
        assert after["codes"][kept_id]["name"] == "New name"
        assert len(after["deleted_codes"]) == 1
        assert project.run("plan", "acme", "--exit-code").code == 0
        assert project.run("journal", "verify", "acme").code == 0
        shutil.rmtree(folder)
    else:
        raise AssertionError("the apply never ended: more requests than this test walks")
    assert number > 20, "the walk ended before the writes began"
