"""What an apply did, as people and machines read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.plans import create, entry, patient, report, stale, troubled
from wrapctl.apply.report import Report, Status
from wrapctl.render import json as machine
from wrapctl.render import markdown, text

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("name", "made"), [("troubled", troubled()), ("stale", stale())])
def test_a_report_reads_as_the_golden_text(name: str, made: Report) -> None:
    assert text.report(made) == (GOLDEN / f"report-{name}.txt").read_text("utf-8")


def test_a_stale_change_shows_its_three_values() -> None:
    printed = text.report(stale())
    assert 'description: planned from "from", live now "somebody\'s", wanted "wanted"' in printed
    assert "stale, nothing was written" in printed


def test_what_failed_quotes_the_platform_and_its_request_id() -> None:
    printed = text.report(troubled(), width=300)
    assert (
        "PUT /api/v2/routing/wrapupcodes/{id} answered 403 missing.permissions: no [request req-1]" in printed
    )
    assert "give the client routing:wrapupCode:edit" in printed


def test_an_apply_that_did_it_all_says_applied() -> None:
    assert text.report(report(entry(create(), Status.DONE))).startswith("acme-emea: applied\n")


def test_reports_of_several_orgs_are_one_document_with_a_table() -> None:
    document = markdown.reports([report(entry(create(), Status.DONE)), troubled()], failed=[("x", "locked")])
    assert document.startswith("## 3 orgs")
    assert "| `x` | **failed** | `locked` |" in document


@patient
@given(st.text(max_size=100))
def test_no_platforms_words_can_add_a_line_or_a_command(words: str) -> None:
    made = report(
        entry(create("A", words), Status.FAILED, message=words, hint=words), fatal=words, hint=words
    )
    printed = text.report(made, width=500)
    assert "::" not in printed
    assert "\x1b" not in printed
    printed.encode()
    markdown.report(made).encode()
    json.loads(machine.report(made))
