"""Dataverse as users meet it: a project, the sandbox, and the command line."""

from __future__ import annotations

from pathlib import Path

from front_door import Project

ORG = """\
kind: Org
platform: genesys
endpoint: sandbox
manage: {mode: apply}
connections:
  dv: {endpoint: sandbox}
"""
MAPPING = """\
kind: CrmMapping
system: dyn
target: {type: dataverse, connection: dv, name: description}
"""


def project(folder: Path, *, codes: str) -> Project:
    made = Project(folder)
    made.org(text=ORG, codes=codes)
    made.write("acme/crm/dyn.yaml", MAPPING)
    made.seed(
        {
            "name": "acme.dv",
            "platform": "dataverse",
            "rows": [
                {"msdyn_name": "Theirs", "msdyn_dispositioncodevalue": "Theirs"},
                {"msdyn_name": "Shipped", "msdyn_dispositioncodevalue": "Shipped", "ismanaged": True},
            ],
        }
    )
    return made


def names(project: Project) -> dict[str, str]:
    """Name by value."""
    rows = project.state("acme.dv")["rows"].values()
    return {row["msdyn_dispositioncodevalue"]: row["msdyn_name"] for row in rows}


CODE = "C: {name: Code, description: %s, crm: {dyn: WON}}"
EDIT = {"op": "edit-row", "row": "WON", "set": {"msdyn_name": "Somebody's"}}


def test_a_row_is_made_and_the_second_plan_is_empty(tmp_path: Path) -> None:
    world = project(tmp_path, codes=CODE % "Deal won")
    plan = world.run("plan", "acme")
    assert "Lock unique on new codes, new rows of dyn" in plan.said
    assert world.run("apply", "acme", "--yes").code == 0
    assert names(world) == {"Theirs": "Theirs", "Shipped": "Shipped", "WON": "Deal won"}
    assert world.run("plan", "acme", "--exit-code").code == 0


def test_an_edit_between_the_last_look_and_the_write_meets_the_servers_lock(tmp_path: Path) -> None:
    world = project(tmp_path, codes=CODE % "Deal won")
    world.run("apply", "acme", "--yes")
    world.org(text=ORG, codes=CODE % "Deal closed")
    assert (
        "Lock conditional on rows of dyn: the server refuses a stale write" in world.run("plan", "acme").said
    )
    world.fault("edit", method="PATCH", path="msdyn_ocdispositioncodes", nth=1, edit=EDIT)
    done = world.run("apply", "acme", "--yes")
    assert done.code == 5, done.said
    assert "412" in done.said
    assert all(words in done.said for words in ('"Deal won"', '"Somebody\'s"', '"Deal closed"'))
    assert names(world)["WON"] == "Somebody's"


def test_an_edit_between_plan_and_apply_is_stale_before_anything_is_written(tmp_path: Path) -> None:
    world = project(tmp_path, codes=CODE % "Deal won")
    world.run("apply", "acme", "--yes")
    world.org(text=ORG, codes=CODE % "Deal closed")
    plan = tmp_path / "plan.json"
    world.run("plan", "acme", "--out", str(plan))
    world.edit(EDIT, "acme.dv")
    done = world.run("apply", "--plan", str(plan), "--yes")
    assert done.code == 4, done.said
    assert all(words in done.said for words in ('"Deal won"', '"Somebody\'s"', '"Deal closed"'))
    assert names(world)["WON"] == "Somebody's"


def test_an_environment_that_is_down_leaves_the_platform_to_be_applied(tmp_path: Path) -> None:
    world = project(tmp_path, codes=CODE % "Deal won")
    world.fault("status", org="acme.dv", method="GET", path="msdyn_ocdispositioncodes", status=503)
    done = world.run("apply", "acme", "--yes")
    assert done.code == 5
    assert world.names() == ["Code"]
    assert "dyn" in done.said
    assert "503" in done.said


def test_rows_of_others_survive_a_prune_and_the_removal_of_ours(tmp_path: Path) -> None:
    world = project(tmp_path, codes=CODE % "Deal won")
    world.run("apply", "acme", "--yes")
    world.org(
        text=ORG.replace("apply}", 'apply, unmanaged: prune, divisions: ["*"]}'), codes="C: {name: Code}"
    )
    world.write("acme/crm/dyn.yaml", MAPPING + "on_remove: delete\n")
    done = world.run("apply", "acme", "--yes")
    assert done.code == 0, done.said
    assert names(world) == {"Theirs": "Theirs", "Shipped": "Shipped"}
