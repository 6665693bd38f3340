"""An apply killed at any request, before the platform saw it or right after: running again converges."""

from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e import killing
from e2e.worlds import WORLDS, World
from front_door import Project
from wrapctl.targets import registry

BEFORE = {"Old name": "renamed", "Kept": "was so", "Promo": "", "Unmanaged": ""}
LINKS = {"Sales": ["Kept", "Promo", "Unmanaged"], "Service": ["Promo"]}
QUEUES = """
    sales: {{name: Sales, codes: [KEPT, FRESH, RENAMED]}}
    service: {{name: Service, codes: [RENAMED], after_call_work: {{prompt: {prompt}, timeout: 45s}}}}
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
        "wrapctl.targets.cxone.target",
        "wrapctl.render.text",
    ]
)


def prepared(world: World, folder: Path) -> Project:
    project = Project(folder)
    flags = ", outbound: [business-success]" if registry.capabilities(world.name).outbound else ""
    project.org(
        text=world.org(),
        codes=world.code("RENAMED", "New name", more=", previously: [Old name]")
        + world.code("KEPT", "Kept", "is so now")
        + world.code("FRESH", "Fresh", "made today", flags)
        + "PROMO: {name: Promo, state: absent}\n",
        queues=QUEUES.format(prompt=world.prompt),
    )
    world.plant(project, BEFORE, LINKS)
    return project


def killed_at(project: Project, number: int, when: str) -> int | None:
    """Apply in a process of its own that dies at one request; its exit code."""
    project.fault("exit", nth=number, when=when)
    process = FORKS.Process(target=killing.apply, args=(str(project.root),))
    process.start()
    process.join(60)
    return process.exitcode


def whole(world: World, project: Project) -> dict[str, Any]:
    """What is live, without ids and dates; flags too, where there are any."""
    state = project.state()
    live = world.essence(state)
    if "mapping" in state:
        names = {code["id"]: code["name"] for code in state["codes"].values()}
        mapping = state["mapping"]["mapping"]
        live["flags"] = {names[code]: sorted(flags) for code, flags in mapping.items() if code in names}
    return live


def id_of(world: World, project: Project, name: str) -> str:
    """The id under which the platform keeps a code of that name."""
    state = project.state()
    codes = state["codes"] if "codes" in state else state["dispositions"]
    return str(
        next(key for key, code in codes.items() if name in (code.get("name"), code.get("dispositionName")))
    )


@pytest.mark.slow
@pytest.mark.parametrize("platform", sorted(WORLDS))
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", range(4))
def test_an_apply_killed_at_any_request_is_finished_by_the_next(
    tmp_path: Path, platform: str, when: str, part: int
) -> None:
    world = WORLDS[platform]
    project = prepared(world, tmp_path / "undisturbed")
    assert project.run("apply", "acme", "--yes").code == 0
    undisturbed = whole(world, project)
    for number in range(1 + part, MOST_REQUESTS, 4):
        folder = tmp_path / str(number)
        project = prepared(world, folder)
        kept_id = id_of(world, project, "Old name")
        code = killed_at(project, number, when)
        if code == 0:
            break
        assert code == 137, f"request {number}: {code}"
        with project.sandbox as box:
            box.clear_faults()
        again = project.run("apply", "acme", "--yes")
        assert again.code == 0, f"request {number} {when}: {again.out}{again.err}"
        assert whole(world, project) == undisturbed, f"request {number} {when}"
        assert id_of(world, project, "New name") == kept_id
        assert world.gone(project.state()) == ["Promo"]
        assert project.run("plan", "acme", "--exit-code").code == 0
        assert project.run("journal", "verify", "acme").code == 0
        shutil.rmtree(folder)
    else:
        raise AssertionError("the apply never ended: more requests than this test walks")
    assert number > 15, "the walk ended before the writes were through"
