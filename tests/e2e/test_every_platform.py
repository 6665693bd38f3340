"""What must hold on every registered platform, told once: the same scenes in each one's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.worlds import WORLDS, World
from front_door import Project
from wrapctl.apply.lock import FileLock, Holder
from wrapctl.targets import registry


def test_every_registered_platform_has_a_world() -> None:
    assert set(WORLDS) == set(registry.names())


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    return WORLDS[request.param]


def simple(project: Project, world: World, more: str = "", **seed: object) -> None:
    """A rename, a description, a new code, a removal; two queues."""
    project.org(
        text=world.org(more),
        codes=world.code("SALE", "Sale", "new words")
        + world.code("RENAMED", "New name", more=", previously: [Old name]")
        + world.code("FRESH", "Fresh", "made today")
        + "PROMO: {name: Promo, state: absent}\n",
        queues="q: {name: Q, codes: [FRESH, SALE, RENAMED], "
        f"after_call_work: {{prompt: {world.prompt}, timeout: 30s}}}}\nr: {{name: R, codes: [SALE]}}",
    )
    world.plant(
        project,
        {"Sale": "old words", "Old name": "", "Promo": "", "Free": "nobody's"},
        {"Q": ["Sale", "Promo"], "R": ["Promo"]},
        **seed,
    )


def writes(project: Project) -> int:
    with project.sandbox as box:
        return len([one for one in box.requests("acme") if one.method != "GET" and "token" not in one.path])


def saved(project: Project) -> Path:
    file = project.root / "p.json"
    assert project.run("plan", "acme", "--out", str(file)).code == 0
    return file


def test_validate_plan_apply_and_plan_again(project: Project, world: World) -> None:
    simple(project, world)
    assert project.run("validate").code == 0
    assert project.run("plan", "acme", "--exit-code").code == 3
    assert writes(project) == 0
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0, done.out + done.err
    after = project.run("plan", "acme", "--exit-code")
    assert after.code == 0
    assert "No changes. acme is in sync." in after.out
    assert world.gone(project.state()) == ["Promo"]


def test_an_import_into_an_empty_folder_plans_to_nothing(project: Project, world: World) -> None:
    world.plant(project, {"No": "", "1": "one", "01.Traité": "", "😀 ": "x"}, {"Q / 1": ["No", "1"]})
    before = project.state()
    done = project.run("import", "acme", "--platform", world.name, "--endpoint", "sandbox")
    assert done.code == 0, done.err
    after = project.run("plan", "acme", "--exit-code", "--format", "json")
    assert after.code == 0
    assert after.data["changes"] == []
    assert project.state() == before


def test_a_stale_plan_writes_nothing_and_shows_three_values(project: Project, world: World) -> None:
    simple(project, world)
    plan = saved(project)
    project.edit(world.edit("Sale", "somebody's words"))
    done = project.run("apply", "--plan", str(plan), "--yes")
    assert done.code == 4
    for value in ("old words", "somebody's words", "new words"):
        assert value in done.said
    assert writes(project) == 0


def test_an_unrelated_edit_makes_nothing_stale(project: Project, world: World) -> None:
    simple(project, world)
    plan = saved(project)
    project.edit(world.edit("Free", "somebody was here"))
    assert project.run("apply", "--plan", str(plan), "--yes").code == 0


def test_a_second_apply_is_refused_and_told_who_holds_the_lock(project: Project, world: World) -> None:
    simple(project, world)
    plan = project.run("plan", "acme", "--format", "json").data
    holder = Holder("run-7", "someone", "elsewhere", 7, "2026-01-01T00:00:00+00:00", "acme", "digest")
    with FileLock(project.root / ".wrapctl" / "locks").hold(plan["organization"]["id"], holder):
        done = project.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "someone on elsewhere" in done.said
    assert writes(project) == 0


def test_a_read_only_client_plans_and_is_refused(
    project: Project, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READER_ID", "reader-of-acme")
    monkeypatch.setenv("READER_SECRET", "correct-horse-battery-staple")
    name, secret = world.credentials
    reader = {
        "client_id": "reader-of-acme",
        "client_secret": "correct-horse-battery-staple",
        "permissions": "readonly",
    }
    simple(
        project,
        world,
        f"credentials: {{{name}: {{env: READER_ID}}, {secret}: {{env: READER_SECRET}}}}\n",
        clients=[reader],
    )
    before = world.essence(project.state())
    assert project.run("plan", "acme", "--exit-code").code == 3
    done = project.run("apply", "acme", "--yes")
    assert done.code == 1
    assert "403" in done.said
    assert "correct-horse" not in done.said
    assert world.essence(project.state()) == before


def test_too_many_removals_are_refused_with_a_token_that_fits_this_set_alone(
    project: Project, world: World
) -> None:
    names = {f"Old {number:02}": "" for number in range(14)}
    world.plant(project, {**names, **{f"Kept {number:03}": "" for number in range(200)}}, {})
    project.org(
        text=world.org(),
        codes="".join(f"OLD_{number:02}: {{name: Old {number:02}, state: absent}}\n" for number in range(14)),
    )
    refused = project.run("plan", "acme", "--format", "json")
    assert refused.code == 4
    token = refused.data["findings"][0]["token"]
    assert token.startswith("deletes=14@")
    assert project.run("apply", "acme", "--yes", "--allow", "deletes=14@00000000").code == 4
    assert writes(project) == 0
    assert project.run("apply", "acme", "--yes", "--allow", token).code == 0
    assert len(world.gone(project.state())) == 14


def test_observe_mode_and_the_wrong_organization_are_refused(project: Project, world: World) -> None:
    simple(project, world)
    project.write("acme/org.yaml", world.org().replace("mode: apply", "mode: observe"))
    assert project.run("apply", "acme", "--yes").code == 4
    project.write("acme/org.yaml", world.org(world.identity))
    assert project.run("plan", "acme").code == 4
    assert writes(project) == 0


def test_a_lost_answer_to_a_create_is_settled_by_reading(project: Project, world: World) -> None:
    world.plant(project, {}, {})
    project.org(text=world.org(), codes=world.code("NEW", "New"))
    project.fault("lose-answer", method="POST", path="(wrapupcodes|dispositions)$", nth=1)
    assert project.run("apply", "acme", "--yes").code == 0
    assert [one[0] for one in world.essence(project.state())["codes"]] == ["New"]
    assert writes(project) == 1
