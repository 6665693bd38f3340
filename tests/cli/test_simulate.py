"""``wrapctl simulate`` through the front door: files, live, a saved plan, and files of expectations in CI."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.shell import ROOT, Shell
from wrapctl.render.expectations import as_markdown_text
from wrapctl.render.json import problem_data

EXPECTS_SALE = "kind: Expectations\norg: acme\nexpect:\n  - queue: sales\n    offers: [LOST, SALE]\n"


@pytest.fixture
def expected(small: Shell) -> Shell:
    (small.root / "sales.yaml").write_text(EXPECTS_SALE, "utf-8")
    return small


def offered(data: Any) -> list[str]:
    return [code["name"] for code in data["queues"][0]["codes"]]


# ── what is offered ────────────────────────────────────────────────────────────────────────────────────────


def test_the_files_are_enough_and_no_platform_is_asked(small: Shell) -> None:
    done = small.run("simulate", "--org", "acme", "--queue", "sales")
    assert done.code == 0
    assert '1. "Lost" LOST 2. "Sale" SALE' in done.words
    assert "whether one must be chosen is not known: the files do not manage after-call work" in done.words
    with small.sandbox as box:
        assert box.requests("acme") == []


def test_what_is_live_differs_from_the_files_until_it_is_applied(small: Shell) -> None:
    small.replace("acme/queues.yaml", "[SALE, LOST]", "[SALE]")
    ask = ("simulate", "--org", "acme", "--queue", "Sales", "--format", "json", "--from")
    assert offered(small.run(*ask, "files").data) == ["Sale"]
    assert offered(small.run(*ask, "live").data) == ["Lost", "Sale"]
    small.run("plan", "acme", "--out", "p.json")
    after = small.run(*ask, "p.json").data
    assert (offered(after), after["from"], after["sandbox"]) == (["Sale"], "plan", True)


def test_of_a_platform_only_the_queue_that_is_asked_about_is_read(shell: Shell) -> None:
    done = shell.run("simulate", "--org", "acme-emea", "--queue", "collections", "--from", "live")
    assert (done.code, "not known" in done.words) == (0, False)
    with shell.sandbox as box:
        read = [one.path for one in box.requests("acme-emea") if one.path.endswith("/wrapupcodes")]
    assert len([path for path in read if "/queues/" in path]) == 1


def test_a_plan_of_other_files_says_so(small: Shell) -> None:
    small.run("plan", "acme", "--out", "p.json")
    small.replace("acme/codes.yaml", "It is sold", "It is gone")
    done = small.run("simulate", "--org", "acme", "--queue", "sales", "--from", "p.json")
    assert "the plan was made from other files than those that are here" in done.words


def test_one_code_shows_what_each_crm_records_and_what_leads_back(shell: Shell) -> None:
    done = shell.run("simulate", "--org", "acme-emea", "--queue", "customer-service-en", "--code", "SOLVED")
    assert 'salesforce records "SOLVED"' in done.words
    assert "salesforce leads back to it: status = CASE_CLOSED_RESOLVED, recorded as 5m" in done.words
    assert "Offered (1)" in done.out
    assert "ININ-WRAP-UP-TIMEOUT" in done.out


def test_the_matrix_shows_every_queue_and_what_is_wrong_in_text_and_markdown(shell: Shell) -> None:
    text = shell.run("simulate", "--org", "acme-cxone", "--matrix")
    assert "Customer Care 0 automatic no 20s 1" in text.words
    assert "asks for no code, so that the 7 on this queue are never chosen" in text.words
    assert shell.run("simulate", "--org", "acme-cxone", "--matrix", "--strict").code == 1
    told = shell.run("simulate", "--org", "acme-cxone", "--matrix", "--format", "markdown").out
    assert "| `Customer Care` | 0 | automatic | no | 20s | 1 |" in told
    alone = shell.run(
        "simulate", "--org", "acme-cxone", "--queue", "customer-care", "--format", "markdown"
    ).out
    assert alone.startswith("### After a contact on `Customer Care` of `acme-cxone`")


def test_hostile_names_do_no_harm_in_any_rendering(small: Shell) -> None:
    nasty = "a|b\x1b[2J\u202e<script>@all"
    small.seed(
        {"name": "acme", "codes": [{"name": nasty}], "queues": [{"name": f"Q {nasty}", "codes": [nasty]}]}
    )
    ask = ("simulate", "--org", "acme", "--from", "live")
    for how in ("text", "markdown", "json"):
        for more in (("--queue", f"Q {nasty}"), ("--matrix",)):
            done = small.run(*ask, *more, "--format", how)
            assert done.code == 0
            assert "\x1b" not in done.out
            assert "\u202e" not in done.out or how == "json"
    table = small.run(*ask, "--matrix", "--format", "markdown").out
    assert "| `Q a\\x7cb\\x1b[2J\\u202e<script>@all` |" in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--queue", "sales"), "which org?"),
        (("--org", "acme"), "which queue?"),
        (("--org", "acme", "--media", "voice"), "which queue?"),
        (("--org", "acme", "--queue", "sale"), "has no queue 'sale'"),
        (("--org", "acme", "--queue", "sales", "--code", "SALES"), "has no code 'SALES'"),
        (("--org", "acme", "--queue", "sales", "--matrix"), "about every queue"),
        (("--org", "acme", "--queue", "sales", "--media", "voise"), "no media type 'voise'"),
        (("--org", "acme", "--queue", "sales", "--from", "nowhere"), "neither files, live nor a saved plan"),
        (("--org", "acme", "--queue", "sales", "--format", "github"), "annotations are of --expect"),
        (("--org", "nobody", "--queue", "sales"), "there is no org"),
        (("--expect", "sales.yaml", "--matrix"), "which queues they are about"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_usage_error(
    expected: Shell, arguments: tuple[str, ...], words: str
) -> None:
    done = expected.run("simulate", *arguments)
    assert done.code == 2
    assert words in done.words.replace("it is about", "they are about")


def test_a_plan_of_another_org_is_refused(shell: Shell) -> None:
    shell.run("plan", "acme-us", "--out", "p.json")
    done = shell.run("simulate", "--org", "acme-emea", "--matrix", "--from", "p.json")
    assert (done.code, "the plan is of acme-us" in done.words) == (2, True)


def test_in_ci_a_sandbox_is_read_only_when_that_is_meant(
    small: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    ask = ("simulate", "--org", "acme", "--queue", "sales")
    assert small.run(*ask).code == 0
    assert small.run(*ask, "--from", "live").code == 4
    assert small.run(*ask, "--from", "live", "--sandbox").code == 0


# ── expectations ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_queue_that_would_lose_a_code_fails_with_the_line_that_expects_it(expected: Shell) -> None:
    assert expected.run("simulate", "--expect", "sales.yaml").code == 0
    expected.replace("acme/queues.yaml", "[SALE, LOST]", "[LOST]")
    done = expected.run("simulate", "--expect", "sales.yaml")
    assert done.code == 1
    assert done.out.startswith("sales.yaml:5:20: error: sales: SALE is not offered\n")
    assert "decided at wrapups/acme/queues.yaml:3:24" in done.out
    assert done.err == "1 expectation: 1 not met\n"


def test_in_ci_the_failure_is_an_annotation_at_that_line(expected: Shell) -> None:
    expected.replace("acme/queues.yaml", "[SALE, LOST]", "[LOST]")
    out = expected.run("simulate", "--expect", "sales.yaml", "--format", "github").out
    assert out.startswith("::error file=sales.yaml,line=5,col=20::sales: SALE is not offered")


def test_failures_are_told_as_json_and_markdown_too(expected: Shell) -> None:
    expected.replace("acme/queues.yaml", "[SALE, LOST]", "[LOST]")
    (problem,) = expected.run("simulate", "--expect", "sales.yaml", "--format", "json").data["problems"]
    assert problem["source"] == {"file": "sales.yaml", "line": 5, "column": 20}
    told = expected.run("simulate", "--expect", "sales.yaml", "--format", "markdown").out
    assert "**1 expectation: 1 not met**" in told
    assert "`sales.yaml:5:20`" in told


def test_a_saved_plan_is_held_against_expectations_before_it_is_applied(expected: Shell) -> None:
    expected.replace("acme/queues.yaml", "[SALE, LOST]", "[LOST]")
    expected.run("plan", "acme", "--out", "p.json")
    assert expected.run("simulate", "--expect", "sales.yaml", "--from", "live").code == 0
    assert expected.run("simulate", "--expect", "sales.yaml", "--from", "p.json").code == 1


def test_what_is_live_is_not_held_against_another_day(expected: Shell) -> None:
    (expected.root / "sales.yaml").write_text(EXPECTS_SALE + "    as_of: 2040-01-01\n", "utf-8")
    done = expected.run("simulate", "--expect", "sales.yaml", "--from", "live")
    assert (done.code, done.err) == (0, "1 expectation: all met; 1 of another day not looked at\n")


def test_an_org_that_is_gone_is_a_failure_and_not_an_error_of_the_files(expected: Shell) -> None:
    (expected.root / "sales.yaml").write_text(EXPECTS_SALE.replace("org: acme", "org: gone"), "utf-8")
    done = expected.run("simulate", "--expect", "sales.yaml")
    assert done.code == 1
    assert "there is no org 'gone'" in done.out


def test_expectations_without_an_org_take_the_one_of_the_command_line(expected: Shell) -> None:
    (expected.root / "sales.yaml").write_text(EXPECTS_SALE.replace("org: acme\n", ""), "utf-8")
    assert expected.run("simulate", "--expect", "sales.yaml").code == 2
    assert expected.run("simulate", "--expect", "sales.yaml", "--org", "acme").code == 0


def test_a_file_of_expectations_that_makes_no_sense_is_exit_two(expected: Shell) -> None:
    (expected.root / "sales.yaml").write_text(EXPECTS_SALE.replace("offers", "offer"), "utf-8")
    done = expected.run("simulate", "--expect", "sales.yaml")
    assert done.code == 2
    assert "sales.yaml:5:5: error: unknown key `offer`" in done.out + done.err


def test_markdown_of_many_failures_ends_somewhere() -> None:
    from wrapctl.errors import Problem, Source  # noqa: PLC0415  (this test alone needs it)

    many = [Problem(Source("e.yaml", number), "no") for number in range(1, 300)]
    told = as_markdown_text(many, 299)
    assert told.endswith("- … and 99 more\n")
    assert problem_data(many[0])["message"] == "no"


def test_the_shipped_expectations_hold_and_name_their_schema(shell: Shell) -> None:
    shutil.copytree(ROOT / "expectations", shell.root / "expectations")
    files = sorted(str(path.relative_to(shell.root)) for path in (shell.root / "expectations").glob("*.yaml"))
    assert files
    for file in files:
        assert (
            (shell.root / file).read_text("utf-8").startswith("# yaml-language-server: $schema=../schemas/")
        )
        assert shell.run("simulate", "--expect", file).code == 0
    assert Path(ROOT / "schemas" / "expectations.schema.json").is_file()
