"""The life of a pull request up to its merge: the shipped plan workflow, an emulated GitHub, sandbox orgs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from markdown_it import MarkdownIt

from e2e.ci_world import APPLYING, CiWorld
from front_door import run
from wrapctl.ci import artefact

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
CODES = "kind: WrapUpCodes\ncodes:\n  SALE: {name: Sale, description: It is sold}\n  LOST: {name: Lost, description: It is not}\n"
QUEUES = "kind: Queues\nqueues:\n  sales: {name: Sales, codes: [SALE, LOST]}\n"
SEED: dict[str, Any] = {
    "codes": [
        {"name": "Sale", "description": "It is sold"},
        {"name": "Lost", "description": "It is not"},
        {"name": "Old"},
    ],
    "queues": [{"name": "Sales", "codes": ["Sale", "Lost"]}],
}


def codes(*lines: str) -> str:
    return CODES + "".join(f"  {line}\n" for line in lines)


def small(ci: CiWorld, *orgs: str, org: str = APPLYING, **files: str) -> None:
    """Orgs that are in sync with their files."""
    written: dict[str, str | None] = {}
    for name in orgs or ("acme",):
        ci.seed({"name": name, **SEED})
        written |= {
            f"{name}/org.yaml": org,
            f"{name}/codes.yaml": CODES,
            f"{name}/queues.yaml": QUEUES,
        }
    ci.begin({**written, **files})


def checks(ci: CiWorld, number: int) -> list[dict[str, Any]]:
    """The check runs on the head of a pull request, as they were made."""
    head = ci.hub.head(number)
    return [one.body for one in ci.hub.checks.values() if one.body["head_sha"] == head]


def test_a_pull_request_is_planned_and_said_in_one_comment_and_a_check(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won, description: Great}")})
    done = ci.plan(number)
    assert done.good, done.report and done.report.log
    assert list(done.plans) == ["acme"]
    assert ci.writes() == []
    (said,) = ci.said(number)
    assert "**Merging this writes 1 change to 1 org, and nothing else.**" in said
    assert "create `Won` (`WON`)" in said
    assert "SANDBOX" in said
    (check,) = checks(ci, number)
    assert (check["name"], check["conclusion"]) == ("wrapctl plan", "success")
    (left,) = [one for one in ci.hub.artifacts.values() if one.run == done.id]
    assert left.name == artefact.name("acme")
    sealed = artefact.checked(check["output"]["text"], check["external_id"])
    raw = (done.plans["acme"].temp / "plans" / "acme" / "plan.json").read_bytes()
    files = {
        "meta.json": (done.plans["acme"].temp / "plans" / "acme" / "meta.json").read_bytes(),
        "plan.json": raw,
    }
    found = artefact.read(files, org="acme", sha256=sealed["acme"])
    assert found.plan is not None
    assert [change.address for change in found.plan.pending] == ["acme/code/WON"]
    assert "create `Won`" in done.plans["acme"].summary


# ── the one comment ────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_push_edits_the_same_comment_and_seals_its_own_commit(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    ci.plan(number)
    first = next(iter(ci.hub.comments.values()))
    ci.push("change", {"acme/codes.yaml": codes("GONE: {name: Gone}")})
    assert ci.plan(number).good
    (comment,) = ci.hub.comments.values()
    assert comment.id == first.id
    assert "`Gone`" in comment.body
    assert "`Won`" not in comment.body
    assert len(ci.hub.checks) == 2
    assert len(checks(ci, number)) == 1


def test_a_rerun_that_finds_the_same_says_nothing_new(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    first = ci.plan(number)
    ci.edit({"op": "update_code", "code": "Old", "set": {"description": "none of our business"}})
    assert ci.plan(number, again=first).good
    assert len(ci.said(number)) == 1


def test_a_rerun_that_finds_other_changes_says_so_in_a_new_comment(ci: CiWorld) -> None:
    small(ci, "acme", "beta")
    text = CODES.replace("It is sold", "Sold and paid")
    number = ci.propose({"acme/codes.yaml": text, "beta/codes.yaml": text})
    first = ci.plan(number)
    ci.edit({"op": "update_code", "code": "Sale", "set": {"description": "by hand"}})
    assert ci.plan(number, again=first).good
    plan, note = ci.said(number)
    assert "by hand" in plan
    assert "**Other changes than before** on the same commit" in note
    assert "in `acme`." in note
    assert "beta" not in note
    ci.plan(number, again=first)
    assert len(ci.said(number)) == 2


def test_a_comment_that_somebody_forged_is_left_alone_and_not_believed(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    forged = ci.hub.comment(number, "<!-- wrapctl:plan:. -->\nMerging this writes nothing.", login="mallory")
    ci.plan(number)
    assert ci.hub.comments[forged].body.endswith("Merging this writes nothing.")
    assert ["Merging this writes 1 change" in said for said in ci.said(number)] == [True]


def test_a_comment_of_ours_that_somebody_edited_is_written_again_and_says_so(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    first = ci.plan(number)
    (said,) = ci.said(number)
    (comment,) = ci.hub.comments
    ci.hub.edit_comment(comment, said.replace("`Won`", "`nothing to see`"))
    ci.plan(number, again=first)
    (again,) = ci.said(number)
    assert "nothing to see" not in again
    assert "This comment had been edited by hand" in again
    ci.plan(number, again=first)
    assert ci.said(number) == [said]


def test_a_run_that_a_newer_commit_overtook_leaves_the_comment_to_it(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    before = ci.upload

    def late(run_id: int, name: str, folder: Path) -> None:
        before(run_id, name, folder)
        ci.push("change", {"acme/codes.yaml": codes("GONE: {name: Gone}")})

    ci.upload = late  # type: ignore[method-assign]  # somebody pushes while the report is on its way
    old = ci.hub.head(number)
    done = ci.plan(number)
    assert ci.said(number) == []
    assert done.report is not None
    assert "a newer commit is there" in done.report.log
    assert [one.body["head_sha"] for one in ci.hub.checks.values()] == [old]


def test_a_pull_request_that_touches_no_org_gets_a_check_and_no_comment(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"/README.md": "hello"})
    assert ci.plan(number).good
    assert ci.said(number) == []
    (check,) = checks(ci, number)
    assert (check["conclusion"], check["output"]["title"]) == (
        "neutral",
        "This touches no org that can be planned.",
    )
    ci.push("change", {"acme/codes.yaml": codes("WON: {name: Won}")})
    ci.plan(number)
    ci.push("change", {"acme/codes.yaml": CODES})
    ci.plan(number)
    (said,) = ci.said(number)
    assert "This touches no org" in said


# ── refused, failed, not all seen ──────────────────────────────────────────────────────────────────────────

DELETING = (
    "kind: WrapUpCodes\ncodes:\n  SALE: {name: Sale, state: absent}\n  LOST: {name: Lost, state: absent}\n"
)
EMPTY = "kind: Queues\nqueues:\n  sales: {name: Sales, codes: []}\n"
STRICT = APPLYING + "limits: {deletes: {max: 1}, emptied_queues: {max: 9}}\n"


def test_a_refused_plan_is_red_and_shows_the_lines_that_acknowledge_exactly_this(ci: CiWorld) -> None:
    small(ci, org=STRICT)
    number = ci.propose({"acme/codes.yaml": DELETING, "acme/queues.yaml": EMPTY})
    done = ci.plan(number)
    assert (done.plans["acme"].code, done.good) == (4, False)
    (said,) = ci.said(number)
    assert "1 of 1 org is refused by guard limits" in said
    assert "not used in 30 days" in said
    assert [one["conclusion"] for one in checks(ci, number)] == ["failure"]
    line = next(text for text in said.splitlines() if "token:" in text)
    assert "`wrapups/acme/allow.yaml`" in said

    # As it was pasted, it is not valid yet: somebody must say why.
    pasted = said.split("```yaml\n")[1].split("```")[0]
    ci.push("change", {"acme/allow.yaml": pasted})
    assert ci.plan(number).orgs.code == 2
    ci.push("change", {"acme/allow.yaml": pasted.replace("reason: ", "reason: spring cleaning")})
    assert ci.plan(number).good
    assert "allowed past the limit" in ci.said(number)[0]

    # The same token is worth nothing once the set is another one.
    more = DELETING + "  OLD: {name: Old, state: absent}\n"
    ci.push("change", {"acme/codes.yaml": more})
    done = ci.plan(number)
    assert done.plans["acme"].code == 4
    assert line not in ci.said(number)[0]
    assert "acknowledges nothing in this plan" in ci.said(number)[0]
    assert ci.writes() == []


def test_an_org_that_cannot_be_read_is_red_and_the_others_are_planned(ci: CiWorld) -> None:
    small(ci, "acme", "beta")
    text = codes("WON: {name: Won}")
    number = ci.propose({"acme/codes.yaml": text, "beta/codes.yaml": text})
    ci.fault("status", org="acme", path="/organizations/me", status=403)
    done = ci.plan(number)
    assert (done.plans["acme"].code, done.plans["beta"].code) == (1, 0)
    (said,) = ci.said(number)
    assert "1 of 2 orgs could not be planned" in said
    assert "| `acme` | **not planned** |" in said
    assert "403" in said
    assert "create `Won`" in said
    (check,) = checks(ci, number)
    assert check["conclusion"] == "failure"
    assert list(artefact.checked(check["output"]["text"], check["external_id"])) == ["beta"]


def test_a_plan_job_that_left_nothing_is_red(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    ci.upload = lambda *_: None  # type: ignore[method-assign]  # the runner died
    done = ci.plan(number)
    assert done.report is not None
    assert done.report.code == 1
    assert "no plan was left: see its job" in ci.said(number)[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("It is sold", "It is stolen", "plan.json of acme is not the one that meta.json names"),
        ('"head": "', '"head": "f', "meta.json is damaged: head and base are commits"),
    ],
)
def test_an_artefact_that_was_changed_on_its_way_is_not_shown(
    ci: CiWorld, old: str, new: str, words: str
) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": CODES.replace("It is not", "It is lost")})
    before = ci.upload

    def forged(run_id: int, name: str, folder: Path) -> None:
        for file in folder.rglob("*.json"):
            file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")
        before(run_id, name, folder)

    ci.push("change", {"acme/codes.yaml": CODES.replace("It is sold", "It is sold!")})
    ci.upload = forged  # type: ignore[method-assign]  # somebody with another job's rights
    ci.plan(number)
    (said,) = ci.said(number)
    assert words in said
    assert [one["conclusion"] for one in checks(ci, number)] == ["failure"]


# ── policy ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        ("limits: {creates: {max: 5000}}\n", "limits.creates.max"),
        ("manage: {mode: apply, protect: [Nothing]}\n", "manage.protect"),
        (
            "endpoint: http://127.0.0.1:9\norganization_id: x\ncredentials: {client_id: {env: A}, client_secret: {env: B}}\n",
            "endpoint",
        ),
        ("credentials: {client_id: {command: [touch, stolen]}, client_secret: {env: X}}\n", "credentials.client_id"),
    ],
)  # fmt: skip
def test_what_a_pull_request_wants_of_the_policy_is_shown_and_not_used(
    ci: CiWorld, policy: str, path: str
) -> None:
    small(ci, org=APPLYING + "limits: {creates: {max: 0}}\n")
    lines = dict(line.split(": ", 1) for line in (APPLYING + "limits: {creates: {max: 0}}\n").splitlines())
    lines |= dict(line.split(": ", 1) for line in policy.splitlines())
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    number = ci.propose({"acme/org.yaml": text, "acme/codes.yaml": codes("WON: {name: Won}")})
    done = ci.plan(number, wrapctl_allow_command="1")
    assert done.plans["acme"].code == 4, done.orgs.log
    (said,) = ci.said(number)
    assert "this counts only after the merge" in said
    assert f"| `acme` | `{path}" in said
    assert "refused by guard limits" in said
    assert not list(ci.folder.rglob("stolen"))


def test_a_pull_request_that_changes_ci_itself_is_planned_and_says_that_nothing_applies_it(
    ci: CiWorld,
) -> None:
    small(ci)
    number = ci.propose(
        {"acme/codes.yaml": codes("WON: {name: Won}"), "/.github/workflows/x.yml": "on: push\n"}
    )
    ci.plan(number)
    (said,) = ci.said(number)
    assert "**This pull request changes CI itself**: `.github/workflows/x.yml`" in said
    assert "merging it applies none of them by itself" in said


def test_a_new_org_is_validated_and_never_asked(ci: CiWorld) -> None:
    small(ci)
    ci.seed({"name": "fresh", **SEED})
    number = ci.propose({"fresh/org.yaml": APPLYING, "fresh/codes.yaml": CODES})
    done = ci.plan(number)
    assert done.good
    assert done.plans == {}
    (said,) = ci.said(number)
    assert "New: `fresh`. Validated; planned once its `org.yaml` is merged." in said
    assert ci.requests("fresh") == []


def test_more_orgs_than_one_pull_request_may_change_are_refused(ci: CiWorld) -> None:
    small(ci, "acme", "beta", **{"wrapctl.yaml": "kind: Project\nlimits: {orgs: 1}\n"})
    text = codes("WON: {name: Won}")
    number = ci.propose({"acme/codes.yaml": text, "beta/codes.yaml": text})
    done = ci.plan(number)
    assert done.orgs.code == 4
    assert done.report is not None
    assert done.report.code == 4
    (said,) = ci.said(number)
    assert "Refused: too many orgs at once" in said
    assert "2 orgs are touched, one pull request may change 1" in said
    job = ci.runner(ci.try_merge(number))
    assert ci.wrapctl(job, "ci", "plan", "--out", str(job.temp / "plans")).code == 4
    assert ci.requests() == []


def test_files_that_are_wrong_are_annotated_on_their_lines_and_said_in_the_comment(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose(
        {"acme/codes.yaml": codes("WON: {nmae: Won}", "BIG: {name: Big, previously: [Sale]}")}
    )
    done = ci.plan(number)
    assert done.orgs.code == 2
    assert "::error file=wrapups/acme/codes.yaml,line=5,col=9::" in done.orgs.out
    assert done.report is not None
    assert done.report.code == 2
    (said,) = ci.said(number)
    assert "The files are wrong:" in said
    assert "`wrapups/acme/codes.yaml:5:9`" in said
    assert [one["conclusion"] for one in checks(ci, number)] == ["failure"]
    job = ci.runner(ci.try_merge(number))
    alone = ci.wrapctl(job, "ci", "plan", "--out", str(job.temp / "plans"))
    assert alone.code == 2
    first = next(line for line in alone.out.splitlines() if line.startswith("::"))
    assert first.startswith("::error file=wrapups/acme/codes.yaml,line=5,")
    assert ci.requests() == []


def test_a_changed_name_that_does_not_say_whether_it_is_a_rename_is_an_error_on_its_line(
    ci: CiWorld,
) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": CODES.replace("name: Lost", "name: Not Sold")})
    done = ci.plan(number)
    assert "::error file=wrapups/acme/codes.yaml,line=4,col=3::" in done.orgs.out
    assert "add `previously: [Lost]`" in ci.said(number)[0]


def test_what_a_plan_cannot_write_is_annotated_by_the_job_of_its_org_alone(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/queues.yaml": QUEUES + "  ghost: {name: Ghost, codes: [SALE]}\n"})
    done = ci.plan(number)
    assert done.good
    (note,) = [line for line in done.plans["acme"].out.splitlines() if line.startswith("::warning")]
    assert note.startswith("::warning file=wrapups/acme/queues.yaml,line=4,")
    assert "no live queue is named" in note
    assert "Blocked: not written until it is solved (1)" in ci.said(number)[0]


# ── the base branch ────────────────────────────────────────────────────────────────────────────────────────


def test_where_the_base_moved_its_own_changes_are_not_the_pull_requests(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[SALE]")})
    ci.push("main", {"acme/codes.yaml": codes("WON: {name: Won}")})
    ci.push("main", {"acme/org.yaml": APPLYING + "limits: {unassigns: {max: 0}}\n"})
    done = ci.plan(number)
    (said,) = ci.said(number)
    assert "Won" not in said
    assert "left behind" not in said
    # The policy is the base branch's as it is now, not as it was where the branch began.
    assert done.plans["acme"].code == 4


def test_a_base_that_is_not_part_of_what_is_checked_out_is_refused(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    moved = ci.push("main", {"acme/queues.yaml": QUEUES + "# moved\n"})
    job = ci.runner(ci.hub.head(number))
    done = ci.wrapctl(job, "ci", "plan", "acme", "--base", moved, "--out", str(job.temp))
    assert done.code == 2
    assert "is not part of what is checked out" in done.said
    assert "refs/pull/N/merge" in done.said


# ── forks, tokens, logs ────────────────────────────────────────────────────────────────────────────────────


def test_a_fork_gets_validation_and_nothing_else(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")}, fork="mallory/orgs")
    done = ci.plan(number)
    assert done.orgs.code == 0
    assert (done.plans, done.report) == ({}, None)
    assert ci.requests() == []
    assert ci.said(number) == []


def test_without_a_token_the_comment_is_printed_between_fences(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: '::set-output name=x::y'}")})
    job = ci.runner(ci.try_merge(number))
    done = ci.wrapctl(job, "ci", "plan", "--out", str(job.temp / "plans"), "--comment")
    assert done.code == 0
    lines = done.out.splitlines()
    (opened, _) = [at for at, line in enumerate(lines) if line.startswith("::stop-commands::")]
    token = lines[opened].removeprefix("::stop-commands::")
    closed = lines.index(f"::{token}::")
    assert any("create" in line for line in lines[opened:closed])
    assert "**Merging this writes 1 change to 1 org, and nothing else.**" in lines
    assert not [line for line in lines if "::set-output" in line]
    assert ci.said(number) == []


def test_a_sandbox_in_ci_must_be_asked_for(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    job = ci.runner(ci.try_merge(number))
    with mock.patch.dict(os.environ, job.environ):
        done = run(["ci", "plan", "--out", str(job.temp / "plans"), "--project", str(job.clone)])
    assert done.code == 4
    assert "acme is a sandbox, and this is CI" in done.said


def test_one_job_can_do_it_all_and_an_org_can_be_named_that_is_not_touched(ci: CiWorld) -> None:
    small(ci, "acme", "beta")
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    job = ci.runner(
        ci.try_merge(number), github_event_name="pull_request", github_ref=f"refs/pull/{number}/merge"
    )
    token = ci.token(contents="read", pull_requests="write", checks="write")
    out = str(job.temp / "plans")
    done = ci.wrapctl(job, "ci", "plan", "--out", out, "--comment", GITHUB_TOKEN=token)
    assert done.code == 0
    assert len(ci.said(number)) == 1
    assert sorted(path.name for path in (job.temp / "plans" / "acme").iterdir()) == [
        "meta.json", "plan.json", "plan.md", "plan.txt",
    ]  # fmt: skip
    meta = json.loads((job.temp / "plans" / "acme" / "meta.json").read_text("utf-8"))
    assert (meta["pull_request"], meta["head"]) == (number, ci.hub.head(number))
    done = ci.wrapctl(job, "ci", "plan", "beta", "--out", out)
    assert (done.code, "beta: not touched by this pull request" in done.said) == (0, True)
    done = ci.wrapctl(job, "ci", "plan", "gamma", "--out", out)
    assert (done.code, "there is no org 'gamma'" in done.said) == (2, True)
    done = ci.wrapctl(job, "ci", "comment", "--from", out, GITHUB_TOKEN=token, GITHUB_REF="refs/heads/main")
    assert (done.code, "which pull request?" in done.said) == (2, True)


def test_a_report_without_its_rights_says_which_it_needs(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": codes("WON: {name: Won}")})
    ci.token = lambda **_: ci.hub.job_token("ghs_read", {"contents": "read", "pull_requests": "read"})  # type: ignore[method-assign]  # a job that was given less
    done = ci.plan(number)
    assert done.report is not None
    assert done.report.code == 1
    assert "permissions: {" in done.report.log


# ── size, names, cost ──────────────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    "@everyone",
    "</details>",
    "| x |",
    "[a](javascript:alert(1))",
    "::set-output name=a::b",
    "\x1b[31mred",
    "\u202eevil",
    "https://example.com #1 `code`",
    "<img src=x onerror=alert(1)>",
    "x" * 10_000,
]


def test_a_plan_of_300_changes_stays_under_the_limit_and_points_at_the_rest(ci: CiWorld) -> None:
    small(ci, org=APPLYING + "limits: {creates: {max: 500}}\n")
    many = [f"N{n}: {{name: 'New code {n} 🎉', description: '{'words ' * 40}'}}" for n in range(300)]
    number = ci.propose({"acme/codes.yaml": codes(*many)})
    assert ci.plan(number).good
    (said,) = ci.said(number)
    assert len(said.encode("utf-16-le")) // 2 <= 65_536
    assert "Merging this writes 300 changes to 1 org" in said
    assert "more: see [the full plan](https://github.com/acme/orgs/actions/runs/" in said
    assert said.count("<details>") == said.count("</details>")


def test_a_pull_request_that_touches_3_of_1000_queues_reads_what_these_three_need(ci: CiWorld) -> None:
    names = [f"Queue {number:04}" for number in range(1000)]
    ci.seed(
        {
            "name": "acme",
            "codes": [{"name": "Sale"}, {"name": "Lost"}],
            "queues": [{"name": name, "codes": ["Sale"]} for name in names],
        }
    )

    def queues(*both: int) -> str:
        lines = (
            f"  q{number}: {{name: {name}, codes: [{'SALE, LOST' if number in both else 'SALE'}]}}\n"
            for number, name in enumerate(names)
        )
        return "kind: Queues\nqueues:\n" + "".join(lines)

    text = "kind: WrapUpCodes\ncodes:\n  SALE: {name: Sale}\n  LOST: {name: Lost}\n"
    ci.begin({"acme/org.yaml": APPLYING, "acme/codes.yaml": text, "acme/queues.yaml": queues()})
    number = ci.propose({"acme/queues.yaml": queues(7, 500, 999)})
    assert ci.plan(number).good
    asked = ci.requests()
    pages = -(-1000 // 100)
    # DESIGN, section 11: 4 + ⌈N/P⌉ + ⌈Q_live/P⌉ + k·⌈W/P⌉, at the page that is granted.
    assert len(asked) <= 4 + 1 + pages + 3
    assert len([one for one in asked if one.endswith("/wrapupcodes") and "/queues/" in one]) == 3
    assert "3 assignments to add" in ci.said(number)[0]


def test_names_that_somebody_gave_on_the_platform_act_nowhere(ci: CiWorld) -> None:
    ci.begin({"acme/org.yaml": APPLYING, "acme/codes.yaml": CODES, "acme/queues.yaml": QUEUES})
    named = [*HOSTILE, "a\r\n::error::b", "-->", "```", "\\"]
    ci.seed(
        {
            "name": "acme",
            "codes": [*SEED["codes"], *({"name": name, "description": name[:100]} for name in named)],
            "queues": [{"name": "Sales", "codes": ["Sale", *named]}],
        }
    )
    number = ci.propose(
        {
            "acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[LOST]"),
            "acme/codes.yaml": codes(
                "AT: {name: '@everyone', description: '</details> @all'}", "P: {name: '| x |', tags: ['#1']}"
            ),
            "/.github/@everyone <b>`x` | y.yml": "on: push\n",
        }
    )
    done = ci.plan(number)
    (said,) = ci.said(number)
    job = done.plans["acme"]
    for document in (said, job.summary, checks(ci, number)[0]["output"]["summary"]):
        tokens = MARKDOWN.parse(document)
        inline = [child for token in tokens for child in token.children or ()]
        outside = "".join(child.content for child in inline if child.type in {"text", "html_inline"})
        assert not {"@", "#", "\x1b", "\u202e", "<"} & set(outside)
        links = {str(child.attrs["href"]) for child in inline if child.type == "link_open"}
        assert links <= {f"https://github.com/acme/orgs/actions/runs/{done.id}"}
        blocks = "".join(token.content for token in tokens if token.type == "html_block")
        assert blocks.count("</details>") == blocks.count("<details>")
    assert "`@everyone`" in said
    # Of all that the runner reads, these lines alone are commands.
    (fence,) = {line for line in job.log.splitlines() if line.startswith("::stop-commands::")}
    assert [line for line in job.log.splitlines() if "::" in line] == [
        fence,
        f"::{fence.rpartition(':')[2]}::",
    ]
    assert not {"\x1b", "\u202e", "\r"} & set(job.log)
