"""Scenes from the life of an org, told through the command line against the sandbox."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from front_door import APPLYING, ORG, Project
from wrapctl.sandbox import load


def simple(project: Project, clients: list[dict[str, str]] | None = None, **more: Any) -> None:
    """One code with a description, on one queue, live as declared but for its description."""
    project.org(
        codes="SALE: {name: Sale, description: new words}\nOTHER: {name: Other, description: same}",
        queues="q: {name: Q, codes: [SALE, OTHER]}",
        **more,
    )
    project.seed(
        {
            "name": "acme",
            "codes": [
                {"name": "Sale", "description": "old words"},
                {"name": "Other", "description": "same"},
                {"name": "Free"},
            ],
            "queues": [{"name": "Q", "codes": ["Sale", "Other"]}],
            **({"clients": clients} if clients else {}),
        }
    )


def writes(project: Project) -> list[str]:
    """What was sent that could have changed something."""
    with project.sandbox as box:
        return [
            f"{one.method} {one.path}"
            for one in box.requests("acme")
            if one.method != "GET" and one.path != "/oauth/token"
        ]


def saved(project: Project) -> Path:
    file = project.root / "p.json"
    assert project.run("plan", "acme", "--out", str(file)).code == 0
    return file


# ── plan, apply, plan ──────────────────────────────────────────────────────────────────────────────────────


def test_plan_says_three_before_an_apply_and_nothing_after_it(project: Project) -> None:
    simple(project)
    assert project.run("plan", "acme", "--exit-code").code == 3
    assert project.run("apply", "acme", "--yes").code == 0
    after = project.run("plan", "acme", "--exit-code")
    assert after.code == 0
    assert "No changes. acme is in sync." in after.out


def test_a_plan_writes_nothing(project: Project) -> None:
    simple(project)
    before = project.state()
    project.run("plan", "acme")
    assert writes(project) == []
    assert project.state() == before


def test_without_a_terminal_apply_wants_to_hear_yes(project: Project) -> None:
    simple(project)
    done = project.run("apply", "acme")
    assert done.code == 2
    assert "--yes" in done.err
    assert writes(project) == []


# ── somebody else ──────────────────────────────────────────────────────────────────────────────────────────


def test_merge_lets_a_change_through_when_another_declared_field_moved(project: Project) -> None:
    project.org(codes="SALE: {name: New, previously: [Sale], description: words}")
    project.seed({"name": "acme", "codes": [{"name": "Sale", "description": "words"}]})
    plan = saved(project)
    project.edit({"op": "update_code", "code": "Sale", "set": {"description": "somebody's words"}})
    assert project.run("apply", "--plan", str(plan), "--yes").code == 4
    done = project.run("apply", "--plan", str(plan), "--yes", "--on-conflict", "merge")
    assert done.code == 0
    (code,) = project.state()["codes"].values()
    assert (code["name"], code["description"]) == ("New", "somebody's words")
    assert "somebody's words" in done.said
    assert "description" in done.said


def test_a_plan_half_applied_is_finished_by_the_same_plan(project: Project) -> None:
    simple(project)
    plan = saved(project)
    project.edit({"op": "update_code", "code": "Sale", "set": {"description": "new words"}})
    assert project.run("apply", "--plan", str(plan), "--yes").code == 0
    assert writes(project) == []


def test_a_plan_of_other_files_is_refused(project: Project) -> None:
    simple(project)
    plan = saved(project)
    project.org(codes="SALE: {name: Sale, description: other words}", queues="q: {name: Q, codes: [SALE]}")
    done = project.run("apply", "--plan", str(plan), "--yes")
    assert done.code == 4
    assert writes(project) == []


def test_a_plan_that_somebody_edited_is_refused(project: Project) -> None:
    simple(project)
    plan = saved(project)
    plan.write_text(plan.read_text(encoding="utf-8").replace("new words", "evil words"), encoding="utf-8")
    done = project.run("apply", "--plan", str(plan), "--yes")
    assert done.code == 4
    assert "digest does not match" in done.said


# ── identity ───────────────────────────────────────────────────────────────────────────────────────────────


def live_id(project: Project, name: str) -> str:
    return next(str(code["id"]) for code in project.state()["codes"].values() if code["name"] == name)


def test_a_swap_of_two_names_is_blocked_with_the_way_out(project: Project) -> None:
    project.seed({"name": "acme", "codes": [{"name": "one"}, {"name": "two"}]})
    one, two = live_id(project, "one"), live_id(project, "two")
    project.org(codes=f"A: {{name: two, id: {one}}}\nB: {{name: one, id: {two}}}")
    done = project.run("plan", "acme", "--exit-code")
    assert done.code == 0
    assert "temporary name" in done.said
    assert project.run("apply", "acme", "--yes").code == 0
    assert writes(project) == []


def test_a_chain_of_renames_arrives_whole(project: Project) -> None:
    project.seed({"name": "acme", "codes": [{"name": "one"}, {"name": "two"}, {"name": "three"}]})
    ids = {name: live_id(project, name) for name in ("one", "two", "three")}
    project.org(
        codes=f"A: {{name: two, id: {ids['one']}}}\n"
        f"B: {{name: three, id: {ids['two']}}}\n"
        f"C: {{name: four, id: {ids['three']}}}"
    )
    assert project.run("apply", "acme", "--yes").code == 0
    assert {
        name: project.state()["codes"][ids[old]]["name"]
        for name, old in (("two", "one"), ("three", "two"), ("four", "three"))
    } == {"two": "two", "three": "three", "four": "four"}


def test_two_names_that_differ_only_in_case_with_one_live_touch_nothing_else(project: Project) -> None:
    project.seed({"name": "acme", "codes": [{"name": "Call Back"}]})
    project.org(codes="A: {name: Call Back}\nB: {name: call back}")
    assert project.run("apply", "acme", "--yes").code == 0
    assert project.names() == ["Call Back", "call back"]


def test_a_rename_onto_a_live_unmanaged_name_is_blocked(project: Project) -> None:
    project.seed({"name": "acme", "codes": [{"name": "Mine"}, {"name": "Taken"}]})
    project.org(codes=f"A: {{name: Taken, id: {live_id(project, 'Mine')}}}")
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert "is live as id" in done.said
    assert project.names() == ["Mine", "Taken"]


def test_a_queue_renamed_in_the_ui_is_found_by_its_pin_and_warned_of(project: Project) -> None:
    simple(project)
    queue_id = next(iter(project.state()["queues"]))
    project.org(
        codes="SALE: {name: Sale}\nOTHER: {name: Other}\nFREE: {name: Free}",
        queues=f"q: {{name: Q, id: {queue_id}, codes: [SALE, OTHER, FREE]}}",
    )
    project.edit({"op": "rename_queue", "queue": "Q", "name": "Q 2"})
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert 'calls it "Q 2"' in done.said
    assert project.offered("Q 2") == ["Free", "Other", "Sale"]


def git(project: Project, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(project.root), *arguments],
        check=True,
        capture_output=True,
    )


def test_a_name_edited_without_previously_is_an_error_with_the_line_to_add(project: Project) -> None:
    simple(project)
    git(project, "init", "-q")
    git(project, "add", "wrapups")
    git(project, "commit", "-qm", "before")
    project.org(
        codes="SALE: {name: Sold, description: new words}\nOTHER: {name: Other, description: same}",
        queues="q: {name: Q, codes: [SALE, OTHER]}",
    )
    done = project.run("plan", "acme", "--changed-since", "HEAD")
    assert done.code == 2
    assert re.search(r"codes\.yaml:3:\d+", done.said)
    assert "previously" in done.said
    assert "Sale" in done.said


# ── damage control ─────────────────────────────────────────────────────────────────────────────────────────


def test_fourteen_deletes_where_ten_are_allowed_need_their_token(project: Project) -> None:
    names = [f"Old {number:02}" for number in range(14)]
    project.seed(
        {"name": "acme", "codes": [{"name": name} for name in [*names, *(f"Kept {n}" for n in range(200))]]}
    )
    tombstones = "\n".join(
        f"OLD_{number:02}: {{name: {name}, state: absent}}" for number, name in enumerate(names)
    )
    project.org(codes=tombstones)
    refused = project.run("plan", "acme")
    assert refused.code == 4
    assert "14 deletes, at most 10 are allowed" in refused.said
    token = re.search(r"deletes=14@[0-9a-f]{8}", refused.said)
    assert token
    assert project.run("apply", "acme", "--yes").code == 4
    assert writes(project) == []
    stale = project.run("apply", "acme", "--yes", "--allow", "deletes=14@00000000")
    assert stale.code == 4
    project.write(
        "acme/allow.yaml", f"kind: Allow\nallow:\n  - {{token: {token[0]}, reason: spring cleaning}}\n"
    )
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0, done
    assert len(project.names()) == 200


def test_a_delete_is_blocked_while_a_queue_outside_the_files_holds_the_code(project: Project) -> None:
    project.seed(
        {"name": "acme", "codes": [{"name": "Promo"}], "queues": [{"name": "Legacy", "codes": ["Promo"]}]}
    )
    project.org(codes="PROMO: {name: Promo, state: absent}")
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert '"Legacy"' in done.said
    assert "unassign_everywhere" in done.said
    assert project.names() == ["Promo"]


def test_a_queue_left_without_codes_is_refused(project: Project) -> None:
    project.seed({"name": "acme", "codes": [{"name": "Sale"}], "queues": [{"name": "Q", "codes": ["Sale"]}]})
    project.org(codes="SALE: {name: Sale}", queues="q: {name: Q, codes: []}")
    done = project.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "left with no code" in done.said
    assert project.offered("Q") == ["Sale"]


def test_a_client_that_sees_half_of_the_org_may_not_delete(project: Project) -> None:
    project.seed(
        {
            "name": "acme",
            "divisions": [{"name": "Home", "home": True}, {"name": "Sales"}, {"name": "Service"}],
            "clients": [
                {
                    "client_id": "sandbox-acme",
                    "client_secret": "sandbox",
                    "permissions": "admin",
                    "divisions": ["Home", "Sales"],
                }
            ],
            "codes": [{"name": "Promo", "division": "Sales"}],
            "queues": [
                {"name": "Seen", "division": "Sales"},
                {"name": "Hidden", "division": "Service", "codes": ["Promo"]},
            ],
        }
    )
    project.org(codes="PROMO: {name: Promo, state: absent}")
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert "partly visible" in done.said
    assert "Service" in done.said
    assert project.names() == ["Promo"]


def test_a_create_of_a_name_that_this_client_cannot_see_is_explained(project: Project) -> None:
    project.seed(
        {
            "name": "acme",
            "divisions": [{"name": "Home", "home": True}, {"name": "Service"}],
            "clients": [
                {
                    "client_id": "sandbox-acme",
                    "client_secret": "sandbox",
                    "permissions": "admin",
                    "divisions": ["Home"],
                }
            ],
            "codes": [{"name": "Hidden", "division": "Service"}],
        }
    )
    project.org(codes="H: {name: Hidden, division: Home}")
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5
    assert "not visible to this client" in done.said


def test_a_listing_that_changes_while_it_is_read_is_read_again(project: Project) -> None:
    codes = [{"name": f"Code {number:03}"} for number in range(30)]
    project.seed({"name": "acme", "codes": codes, "settings": {"page_caps": {"codes": 10}}})
    project.org(codes="A: {name: Code 000}")
    project.fault(
        "edit",
        path="/wrapupcodes$",
        query="pageNumber=2",
        nth=1,
        edit={"op": "delete_code", "code": "Code 001"},
    )
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_listing_that_never_holds_still_is_an_error_and_never_a_plan(project: Project) -> None:
    codes = [{"name": f"Code {number:03}"} for number in range(90)]
    project.seed({"name": "acme", "codes": codes, "settings": {"page_caps": {"codes": 10}}})
    project.org(codes="A: {name: Code 000}")
    for number in range(1, 60):
        project.fault(
            "edit",
            path="/wrapupcodes$",
            query="pageNumber=2",
            nth=number,
            edit={"op": "delete_code", "code": f"Code {number:03}"},
        )
    done = project.run("plan", "acme")
    assert done.code == 1
    assert "changed while it was read" in done.said or "IncompleteRead" in done.said or "again" in done.said


def test_prune_without_divisions_is_an_error_in_the_files(project: Project) -> None:
    simple(project, text=ORG + "manage: {mode: apply, unmanaged: prune}\n")
    done = project.run("validate")
    assert done.code == 2
    assert "divisions" in done.said


# ── who may ────────────────────────────────────────────────────────────────────────────────────────────────

READ_ONLY = """\
kind: Org
platform: genesys
endpoint: sandbox
manage: {mode: apply}
credentials: {client_id: {env: READER_ID}, client_secret: {env: READER_SECRET}}
"""


def test_a_read_only_client_plans_shows_and_imports_and_is_refused_before_any_partial_write(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READER_ID", "reader-of-acme")
    monkeypatch.setenv("READER_SECRET", "correct-horse-battery-staple")
    reader = {
        "client_id": "reader-of-acme",
        "client_secret": "correct-horse-battery-staple",
        "permissions": "readonly",
    }
    simple(project, clients=[reader], text=READ_ONLY)
    before = project.state()
    assert project.run("validate").code == 0
    assert project.run("show", "acme").code == 0
    assert project.run("plan", "acme", "--exit-code").code == 3
    done = project.run("apply", "acme", "--yes")
    assert done.code == 1
    assert "routing:wrapupCode:edit" in done.said
    assert len(writes(project)) == 1
    assert "correct-horse" not in done.said
    assert project.state() == before
    assert project.run("import", "acme").code == 0


def test_an_org_in_observe_mode_is_planned_and_never_applied(project: Project) -> None:
    simple(project, text=ORG + "manage: {mode: observe}\n")
    assert project.run("plan", "acme", "--exit-code").code == 3
    done = project.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "observe" in done.said
    assert writes(project) == []


def test_credentials_of_another_organization_are_refused_before_anything_is_read(project: Project) -> None:
    simple(project, text=APPLYING + "organization_id: 5a5a5a5a-0000-4000-8000-00000000dead\n")
    for command in (["plan", "acme"], ["apply", "acme", "--yes"]):
        done = project.run(*command)
        assert done.code == 4
        assert "5a5a5a5a-0000-4000-8000-00000000dead" in done.said
    with project.sandbox as box:
        assert not [one for one in box.requests("acme") if "routing" in one.path]


def test_a_sandbox_org_in_ci_needs_to_be_asked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    simple(project)
    monkeypatch.setenv("CI", "true")
    assert project.run("plan", "acme").code == 4
    assert project.run("plan", "acme", "--sandbox").code == 0


# ── the queue is somebody's work ───────────────────────────────────────────────────────────────────────────


def test_after_call_work_changes_one_member_of_a_rich_queue_and_nothing_else(project: Project) -> None:
    seed = load("acme-emea")
    del seed["clients"]
    project.seed({**seed, "name": "acme"})
    project.org(queues="enterprise: {name: Enterprise Sales, after_call_work: {prompt: mandatory}}")
    before = project.state()
    assert project.run("apply", "acme", "--yes").code == 0
    after = project.state()
    (queue_id,) = [one["id"] for one in before["queues"].values() if one["name"] == "Enterprise Sales"]
    old, new = before["queues"].pop(queue_id), after["queues"].pop(queue_id)
    assert "futureSettings" in old
    assert new.pop("acwSettings") == {"wrapupPrompt": "MANDATORY"}
    old.pop("acwSettings")
    for member in ("dateModified", "modifiedBy"):
        old.pop(member), new.pop(member)
    assert {name: json.dumps(value) for name, value in new.items()} == {
        name: json.dumps(value) for name, value in old.items()
    }
    assert after == before


# ── answers that never come ────────────────────────────────────────────────────────────────────────────────


def test_a_create_whose_answer_was_lost_is_found_and_not_sent_again(project: Project) -> None:
    project.seed({"name": "acme"})
    project.org(codes="NEW: {name: New}")
    project.fault("lose-answer", method="POST", path="/wrapupcodes$", nth=1)
    assert project.run("apply", "acme", "--yes").code == 0
    assert project.names() == ["New"]
    assert writes(project) == ["POST /api/v2/routing/wrapupcodes"]


def test_one_change_that_is_refused_leaves_the_others_done_and_says_the_platforms_words(
    project: Project,
) -> None:
    project.seed({"name": "acme", "codes": [{"name": "A"}, {"name": "B"}]})
    project.org(codes="A: {name: A, description: x}\nB: {name: B, description: x}\nC: {name: C}")
    project.fault(
        "status",
        method="PUT",
        path="/wrapupcodes/",
        nth=1,
        status=400,
        code="bad.request",
        message="the widget is jammed",
    )
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5
    assert "the widget is jammed" in done.said
    assert len([code for code in project.state()["codes"].values() if code.get("description") == "x"]) == 1
    assert project.run("apply", "acme", "--yes").code == 0
    assert project.run("plan", "acme", "--exit-code").code == 0
