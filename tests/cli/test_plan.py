"""``wrapctl plan``: what it prints, saves and ends with."""

from __future__ import annotations

import json
import subprocess

import pytest

from cli.shell import Shell
from wrapctl.plan.file import loads

UNUSED = "  GONE: {name: Old, state: absent}\n"


def many(small: Shell, deletes: int = 4) -> None:
    """Make the files delete more codes than they may."""
    names = [f"Spare {number}" for number in range(deletes)]
    small.seed(
        {
            "name": "acme",
            "codes": [{"name": name} for name in ("Sale", "Lost", *names)],
            "queues": [{"name": "Sales", "codes": ["Sale", "Lost"]}],
        }
    )
    small.write(
        "acme/codes.yaml",
        "kind: WrapUpCodes\ncodes:\n  SALE: {name: Sale}\n  LOST: {name: Lost}\n"
        + "".join(f"  SPARE_{n}: {{name: {name}, state: absent}}\n" for n, name in enumerate(names)),
    )
    small.write(
        "acme/org.yaml", "kind: Org\nplatform: genesys\nendpoint: sandbox\nlimits: {deletes: {max: 3}}\n"
    )


def test_changes_pending_are_exit_3_when_asked_and_none_are_0(small: Shell) -> None:
    done = small.run("plan", "acme", "--exit-code")
    assert done.code == 0
    assert "No changes. acme is in sync." in done.out
    small.replace("acme/codes.yaml", "It is not", "No deal")
    assert small.run("plan", "acme").code == 0
    done = small.run("plan", "acme", "--exit-code")
    assert done.code == 3
    assert '"It is not" → "No deal"' in done.out


def test_a_sandbox_plan_says_so_first(small: Shell) -> None:
    assert small.run("plan", "acme").out.startswith("SANDBOX")


def test_a_refused_plan_is_printed_with_its_token_and_the_token_lets_it_through(small: Shell) -> None:
    many(small)
    done = small.run("plan", "acme", "--exit-code")
    assert done.code == 4
    assert "4 deletes, at most 3 are allowed" in done.words
    finding = small.run("plan", "acme", "--format", "json").data["findings"][0]
    token = finding["token"]
    assert f"--allow {token}" in done.out
    done = small.run("plan", "acme", "--exit-code", "--allow", token)
    assert done.code == 3
    assert "accepted: on the command line" in done.out
    done = small.run("plan", "acme", "--allow", f"{token}=spring cleaning")
    assert "accepted: spring cleaning" in done.out


def test_a_token_of_another_set_lets_nothing_through(small: Shell) -> None:
    many(small)
    done = small.run("plan", "acme", "--allow", "deletes=4@00000000")
    assert done.code == 4
    assert "acknowledges nothing in this plan" in done.words


def test_an_allowance_in_the_files_lets_it_through_with_its_reason(small: Shell) -> None:
    many(small)
    token = small.run("plan", "acme", "--format", "json").data["findings"][0]["token"]
    small.write("acme/allow.yaml", f'kind: Allow\nallow:\n  - {{token: "{token}", reason: agreed}}\n')
    done = small.run("plan", "acme")
    assert done.code == 0, done.words
    assert "accepted: agreed" in done.out


@pytest.mark.parametrize("token", ["everything", "deletes", "deletes=x@y", "window=", "deletes=4"])
def test_what_is_no_token_is_a_usage_error(small: Shell, token: str) -> None:
    done = small.run("plan", "acme", "--allow", token)
    assert done.code == 2
    assert "the token that the plan prints" in done.err


def test_a_saved_plan_reads_back(small: Shell) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    done = small.run("plan", "acme", "--out", "p.json")
    assert done.code == 0
    plan = loads((small.root / "p.json").read_text("utf-8"))
    assert [change.label for change in plan.pending] == ["Lost"]


def test_the_plans_of_several_orgs_are_saved_into_a_folder(shell: Shell) -> None:
    done = shell.run("plan", "--out", "plans", "--format", "json")
    assert done.code == 0
    assert sorted(path.name for path in (shell.root / "plans").iterdir()) == [
        "acme-cxone.json",
        "acme-emea.json",
        "acme-us.json",
    ]
    assert done.data["kind"] == "wrapctl.plans"
    assert [plan["org"] for plan in done.data["plans"]] == ["acme-us", "acme-cxone", "acme-emea"]


def test_json_is_one_document_and_nothing_else_on_standard_output(small: Shell) -> None:
    done = small.run("plan", "acme", "--format", "json", "--out", "p.json")
    assert done.data == json.loads((small.root / "p.json").read_text("utf-8"))


def test_markdown_of_several_orgs_starts_with_a_table(shell: Shell) -> None:
    done = shell.run("plan", "--format", "markdown")
    assert done.out.startswith("## 3 orgs · SANDBOX")
    assert "| org | changes | held back |" in done.out
    assert len(done.out) < 65_000


def test_one_org_that_cannot_be_read_does_not_hide_the_others(shell: Shell) -> None:
    with shell.sandbox as box:
        box.ensure("acme-us")
        box.add_fault("status", status=403, code="missing.permissions", org="acme-us", path="wrapupcodes")
    done = shell.run("plan", "--format", "json")
    assert done.code == 1
    assert [plan["org"] for plan in done.data["plans"]] == ["acme-cxone", "acme-emea"]
    assert [one["org"] for one in done.data["failed"]] == ["acme-us"]
    assert "acme-us: wrapctl: " in done.err
    assert "missing.permissions" in done.err


def test_a_plan_of_another_day_follows_the_validity_dates(small: Shell) -> None:
    small.replace("acme/codes.yaml", "It is not", "It is not, valid_through: 2026-12-31")
    assert small.run("plan", "acme", "--exit-code", "--as-of", "2026-12-31").code == 0
    done = small.run("plan", "acme", "--exit-code", "--as-of", "2027-01-01")
    assert done.code == 3
    assert "because of its validity dates" in done.words


def test_a_plan_of_one_queue_looks_at_its_codes_alone(small: Shell) -> None:
    small.replace("acme/queues.yaml", "[SALE, LOST]}", "[SALE]}\n  extra: {name: Extra, codes: [LOST]}")
    small.replace("acme/codes.yaml", "It is not", "No deal")
    done = small.run("plan", "acme", "--queue", "sales")
    assert done.code == 0
    assert "Scoped to 1 code (SALE) and 1 queue (sales)" in done.words
    assert "No deal" not in done.out
    done = small.run("plan", "acme", "--queue", "Salez")
    assert done.code == 2
    assert "nearest" in done.err


def test_what_changed_since_a_revision_is_the_scope(small: Shell) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=small.root, check=True, capture_output=True)

    git("init", "-q")
    git("add", "wrapups")
    git("commit", "-qm", "one")
    done = small.run("plan", "acme", "--changed-since", "HEAD")
    assert done.code == 0
    assert "acme: not touched" in done.err
    small.replace("acme/codes.yaml", "It is not", "No deal")
    done = small.run("plan", "acme", "--changed-since", "HEAD", "--exit-code")
    assert done.code == 3
    assert "Scoped to 1 code (LOST)" in done.words
    small.replace("acme/codes.yaml", "name: Lost", "name: Lost deal")
    done = small.run("plan", "acme", "--changed-since", "HEAD")
    assert done.code == 2
    assert "add `previously: [Lost]`" in done.err
    assert small.run("validate", "--changed-since", "HEAD").code == 2
    assert small.run("plan", "acme", "--changed-since", "no-such-branch").code == 2


def test_a_sandbox_in_ci_needs_to_be_asked_for(small: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    for arguments in (("plan", "acme"), ("apply", "acme", "--yes"), ("import", "acme")):
        done = small.run(*arguments)
        assert done.code == 4, arguments
        assert "--sandbox" in done.err
    assert small.run("plan", "acme", "--sandbox").code == 0


def test_the_environment_of_ci_is_not_needed_to_read_the_files(
    small: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert small.run("validate").code == 0


def test_warnings_of_the_files_stand_in_the_plan(small: Shell) -> None:
    small.replace("acme/queues.yaml", "[SALE, LOST]", "[SALE, LOST, LOST]")
    assert "is listed twice" in small.run("plan", "acme").words
