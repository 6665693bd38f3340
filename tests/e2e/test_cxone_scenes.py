"""Scenes from the life of a NICE CXone tenant, told through the command line against the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from front_door import Project

TENANT = """\
kind: Org
platform: cxone
endpoint: sandbox
manage: {mode: apply}
limits: {creates: {max: 100}}
"""


def tenant(project: Project, *, text: str = TENANT, codes: str = "", queues: str = "", **seed: Any) -> None:
    project.org(text=text, codes=codes, queues=queues)
    project.seed({"name": "acme", "platform": "cxone", **seed})


def dispositions(project: Project) -> dict[str, dict[str, Any]]:
    return {one["dispositionName"]: one for one in project.state()["dispositions"].values()}


def skill(project: Project, name: str) -> dict[str, Any]:
    return next(dict(one) for one in project.state()["skills"].values() if one["skillName"] == name)


def offered(project: Project, name: str) -> list[str]:
    """The dispositions of a skill in the order that agents see."""
    names = {one["dispositionId"]: one["dispositionName"] for one in project.state()["dispositions"].values()}
    links = sorted(skill(project, name)["dispositions"], key=lambda link: int(link["priority"]))
    return [names[link["dispositionId"]] for link in links]


def writes(project: Project) -> list[str]:
    with project.sandbox as box:
        return [
            f"{one.method} {one.path.rpartition('.0/')[2]}"
            for one in box.requests("acme")
            if one.method != "GET" and "token" not in one.path
        ]


def simple(project: Project, **more: Any) -> None:
    tenant(
        project,
        codes="A: {name: A, cxone: {classification: Other}, description: new words}\n"
        "B: {name: B, cxone: {classification: Other}}\nC: {name: C, cxone: {classification: Other}}",
        queues="s: {name: S, codes: [C, A], after_call_work: {prompt: mandatory, timeout: 30s}}",
        dispositions=[
            {"name": "A", "classification": "Other", "notes": "old words"},
            {"name": "B", "classification": "Other"},
        ],
        skills=[{"name": "S", "dispositions": ["A", "B"], "acwTypeId": 2, "maxSecondsACW": 60}],
        **more,
    )


def test_links_order_and_after_call_work_of_a_skill_travel_in_one_put_with_one_intent(
    project: Project,
) -> None:
    simple(project)
    assert project.run("apply", "acme", "--yes").code == 0
    assert [one for one in writes(project) if one.startswith("PUT skills/")] == ["PUT skills/1001"]
    (file,) = (project.root / ".wrapctl" / "journal" / "acme").glob("*.jsonl")
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    intents = [one for one in records if one["kind"] == "intent" and len(one["changes"]) > 1]
    assert len(intents) == 1
    told = {one["verb"] for one in intents[0]["changes"]}
    assert told == {"assign", "unassign", "reorder", "set after-call work"}
    outcomes = [one for one in records if one["kind"] == "outcome" and one["verb"] in told]
    assert sorted(one["verb"] for one in outcomes) == ["assign", "reorder", "set after-call work", "unassign"]


def test_nothing_else_of_a_skill_changes(project: Project) -> None:
    simple(project)
    before = skill(project, "S")
    assert project.run("apply", "acme", "--yes").code == 0
    after = skill(project, "S")
    touched = {"dispositions", "maxSecondsACW", "requireDisposition", "lastUpdated"}
    assert {k: v for k, v in after.items() if k not in touched} == {
        k: v for k, v in before.items() if k not in touched
    }


def test_a_removed_code_is_deactivated_and_taken_up_again_by_its_id(project: Project) -> None:
    tenant(
        project,
        codes="OLD: {name: Promo, state: absent}",
        dispositions=[{"name": "Promo", "classification": "Other"}, {"name": "X", "classification": "Other"}],
    )
    plan = project.run("plan", "acme")
    assert "The platform deletes nothing" in plan.said
    assert project.run("apply", "acme", "--yes").code == 0
    old = dispositions(project)["Promo"]
    assert old["isActive"] is False
    assert project.run("plan", "acme", "--exit-code").code == 0
    project.org(text=TENANT, codes="OLD: {name: Promo, cxone: {classification: Other}}")
    assert "reactivate" in project.run("plan", "acme").said
    assert project.run("apply", "acme", "--yes").code == 0
    assert dispositions(project)["Promo"] == {
        **old,
        "isActive": True,
        "lastUpdated": dispositions(project)["Promo"]["lastUpdated"],
    }


def test_a_tenant_that_ignores_assignments_ends_in_manual_steps_and_says_what_to_declare(
    project: Project,
) -> None:
    simple(project, settings={"assignments": "ignored"})
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5
    assert 'open the skill "S"' in done.said
    assert 'add the disposition "C"' in done.said
    assert "assignments: manual" in done.said
    assert skill(project, "S")["maxSecondsACW"] == 30


def test_a_tenant_that_declares_it_gets_its_steps_listed_and_no_red_exit_code(project: Project) -> None:
    simple(project, text=TENANT + "cxone: {assignments: manual}\n", settings={"assignments": "ignored"})
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0, done.out + done.err
    assert 'add the disposition "C"' in done.said
    assert offered(project, "S") == ["A", "B"]
    again = project.run("plan", "acme", "--exit-code")
    assert again.code == 0
    assert 'add the disposition "C"' in again.said


def test_of_sixty_new_codes_one_is_refused_and_the_next_run_does_just_that_one(project: Project) -> None:
    codes = "\n".join(f"N{n:02}: {{name: New {n:02}, cxone: {{classification: Other}}}}" for n in range(60))
    tenant(project, codes=codes, settings={"refused_names": ["New 17"]})
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5
    assert "59 done, 1 failed" in done.said
    assert len(dispositions(project)) == 59
    with project.sandbox as box:
        box.set("acme", refused_names=[])
        box.clear_requests()
    again = project.run("apply", "acme", "--yes")
    assert again.code == 0
    assert "1 done" in again.said
    assert [one for one in writes(project) if one.startswith("POST")] == ["POST dispositions"]
    assert len(dispositions(project)) == 60


def saved(project: Project) -> Path:
    file = project.root / "p.json"
    assert project.run("plan", "acme", "--out", str(file)).code == 0
    return file


def test_a_running_outbound_skill_says_what_to_do(project: Project) -> None:
    simple(project)
    project.edit({"op": "update_skill", "skill": "S", "set": {"isOutbound": True, "isRunning": True}})
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5
    assert "stop the skill" in done.said


@pytest.mark.parametrize(
    ("code", "where", "words"),
    [
        ("A: {name: " + "x" * 60 + ", cxone: {classification: Other}}", "codes.yaml:3:", "50"),
        ("A: {name: A, division: Sales}", "codes.yaml:3:", "division"),
        ("A: {name: A, outbound: [business-success]}", "codes.yaml:3:", "outbound"),
    ],
)
def test_what_the_platform_cannot_hold_is_a_finding_with_its_place(
    project: Project, code: str, where: str, words: str
) -> None:
    tenant(project, codes=code)
    done = project.run("validate")
    assert done.code == 2
    assert where in done.said
    assert words in done.said


def test_a_classification_on_the_other_platform_is_a_finding_too(project: Project) -> None:
    project.org(codes="A: {name: A, cxone: {classification: Other}}")
    done = project.run("validate")
    assert done.code == 2
    assert "codes.yaml:3:" in done.said


def test_an_imported_tenant_plans_to_nothing(project: Project) -> None:
    with project.sandbox as box:
        box.ensure("acme-cxone")
    done = project.run("import", "acme-cxone", "--platform", "cxone", "--endpoint", "sandbox")
    assert done.code == 0, done.err
    after = project.run("plan", "acme-cxone", "--exit-code")
    assert after.code == 0, after.out
    assert "No changes. acme-cxone is in sync." in after.out


def test_an_order_that_somebody_changed_is_imported_over_the_files(project: Project) -> None:
    simple(project)
    project.write(
        "acme/queues.yaml",
        """\
        kind: Queues
        queues:
          s:
            name: S
            codes:
              - C   # the first choice
              - A   # the old one
        """,
    )
    assert project.run("apply", "acme", "--yes").code == 0
    project.edit({"op": "set_skill_dispositions", "skill": "S", "dispositions": ["A", "C"]})
    assert project.run("plan", "acme", "--exit-code").code == 3
    assert project.run("import", "acme").code == 0
    assert project.run("plan", "acme", "--exit-code").code == 0
    text = (project.root / "wrapups" / "acme" / "queues.yaml").read_text(encoding="utf-8")
    assert text.index("- A   # the old one") < text.index("- C   # the first choice")
