"""ServiceNow as users meet it: a project, the sandbox, and the command line."""

from __future__ import annotations

from pathlib import Path

from front_door import Project

ORG = """\
kind: Org
platform: genesys
endpoint: sandbox
manage: {mode: apply}
limits: {creates: {max: 200}}
connections:
  sn: {endpoint: sandbox}
"""
CODES = "\n".join(
    f"C{n:02}: {{name: Code {n}, description: About {n}, crm: {{now: 'Value {n} ^,!'}}}}" for n in range(60)
)
MAPPING = """\
kind: CrmMapping
system: now
target: {type: servicenow, connection: sn}
"""


def project(folder: Path, mapping: str = MAPPING) -> Project:
    made = Project(folder)
    made.org(text=ORG, codes=CODES)
    made.write("acme/crm/now.yaml", mapping)
    made.seed({"name": "acme.sn", "platform": "servicenow", "rows": [{"code": "Theirs", "description": "x"}]})
    return made


def labels(project: Project) -> dict[str, bool]:
    return {row["code"]: row["active"] for row in project.state("acme.sn")["rows"].values()}


def test_two_of_sixty_rows_are_refused_and_the_next_run_does_the_two(tmp_path: Path) -> None:
    world = project(tmp_path)
    with world.sandbox as box:
        box.set("acme.sn", refused={"Value 7 ^": "no such luck", "Value 31 ^": "not today"})
    first = world.run("apply", "acme", "--yes")
    assert first.code == 5
    assert "58 rows created in now" in first.said
    assert "2 failed" in first.said
    assert 'create row "Value 7 ^,!" on "now" ServiceNow refused it: no such luck' in first.said
    assert "not today" in first.said
    with world.sandbox as box:
        box.set("acme.sn", refused={})
    second = world.run("apply", "acme", "--yes")
    assert (second.code, "2 rows created in now" in second.said) == (0, True)
    assert world.run("plan", "acme", "--exit-code").code == 0
    assert len(labels(world)) == 61


def test_what_the_files_name_no_more_is_retired_and_foreign_rows_survive_everything(tmp_path: Path) -> None:
    world = project(tmp_path)
    assert world.run("apply", "acme", "--yes").code == 0
    world.org(text=ORG, codes=CODES.replace("crm: {now: 'Value 3 ^,!'}", "tags: []"))
    assert world.run("apply", "acme", "--yes").code == 0
    assert [label for label, active in labels(world).items() if not active] == ["Value 3 ^,!"]
    theirs = next(row for row in world.state("acme.sn")["rows"].values() if row["code"] == "Theirs")
    assert (theirs["description"], theirs["sys_mod_count"]) == ("x", 0)
    assert world.run("plan", "acme", "--exit-code").code == 0


def test_a_row_that_the_crm_has_already_is_neither_made_nor_touched(tmp_path: Path) -> None:
    world = project(tmp_path)
    world.org(text=ORG, codes="C: {name: Code, crm: {now: Theirs}}")
    assert world.run("plan", "acme", "--exit-code").code == 3  # the code itself
    assert world.run("apply", "acme", "--yes").code == 0
    assert labels(world) == {"Theirs": True}
    assert world.run("plan", "acme", "--exit-code").code == 0


def test_a_renamed_value_keeps_its_row_and_translations_go_along(tmp_path: Path) -> None:
    world = project(tmp_path)
    world.org(text=ORG, codes="C: {name: Code, crm: {now: Won}}")
    world.run("apply", "acme", "--yes")
    before = {row["code"]: row["sys_id"] for row in world.state("acme.sn")["rows"].values()}
    world.org(text=ORG, codes="C: {name: Code, crm: {now: Closed}}")
    world.write("acme/crm/now.yaml", MAPPING + "to_crm:\n  C: {previously: [Won], translations: {de: Zu}}\n")
    done = world.run("apply", "acme", "--yes")
    assert done.code == 0, done.said
    (row,) = [one for one in world.state("acme.sn")["rows"].values() if one["code"] != "Theirs"]
    assert (row["code"], row["sys_id"]) == ("Closed", before["Won"])
    assert row["translations"]["de"][0] == "Zu"
    assert world.run("plan", "acme", "--exit-code").code == 0
