"""A plan as a pull request shows it: within the host's limit, danger on top, and no name that acts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from render.plans import assign, create, delete, everything, patient, plan, unassign, update
from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import Identity, State
from wrapctl.plan.plan import Plan
from wrapctl.render import markdown

GOLDEN = Path(__file__).parent / "golden"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_HTML = {"<details>", "</details>", "<summary>", "</summary>"}


def test_everything_at_once_reads_as_the_golden_markdown() -> None:
    assert markdown.plan(everything()) == (GOLDEN / "everything.md").read_text("utf-8")


def test_several_orgs_start_with_a_table_failures_first_and_those_in_sync_last() -> None:
    document = markdown.plans([plan(), everything()], failed=[("acme-us", "organizations/me answered 403")])
    assert document == (GOLDEN / "several.md").read_text("utf-8")


def test_danger_stands_before_every_fold() -> None:
    document = markdown.plan(everything())
    assert document.index("REFUSED") < document.index("<details>")
    assert document.index("delete `Promo 2019`") < document.index("<details>")
    assert document.index("rename `Sale - Enterprise`") < document.index("<details>")


def huge(codes: int = 3000, queues: int = 300) -> Plan:
    return plan(
        *(create(f"NEW_{n}", f"New code {n} 🎉") for n in range(codes)),
        *(delete(f"OLD_{n}", f"Old code {n}") for n in range(codes)),
        *(
            assign(f"NEW_{n}", f"New code {n}", label=f"q{q}", queue=f"Queue {q}")
            for q in range(queues)
            for n in range(50)
        ),
        *(
            create(f"HELD_{n}", "x" * 10_000, state=State.BLOCKED, reason=f"reason {n} " * 50)
            for n in range(100)
        ),
    )


def test_a_huge_plan_stays_under_the_limit_counts_what_is_left_out_and_points_at_all_of_it() -> None:
    document = markdown.plan(huge(), artefact="https://example.com/runs/1")
    assert markdown.size(document) <= 65_000
    assert len(document) > 50_000
    assert "Codes: 3,000 to create, 3,000 to delete" in document
    assert "more: see [the full plan](https://example.com/runs/1)" in document
    assert document.index("delete `Old code") < document.index("<details>")
    for title in ("Codes (6,000)", "Queues (300)", "Blocked: not written until it is solved (100)"):
        assert title in document
    assert document.count("<details>") == document.count("</details>")


@pytest.mark.parametrize("number", [2, 60, 400])
def test_many_orgs_stay_under_the_limit(number: int) -> None:
    small = plan(*(create(f"NEW_{n}", f"New code {n}") for n in range(12)))
    document = markdown.plans([small] * number, failed=[("x", "y" * 10_000)], artefact="plan.json")
    assert markdown.size(document) <= 65_000
    assert f"{number + 1:,} orgs" in document
    if number == 400:
        assert "orgs not shown here: see `plan.json`" in document


def test_an_artefact_that_is_no_plain_link_is_not_made_one() -> None:
    document = markdown.plan(huge(50, 3), budget=3000, artefact="javascript:alert(1)")
    assert "](" not in document


@settings(patient, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_name_becomes_markup(code: str, queue: str) -> None:
    hostile = plan(
        create("A", code),
        update("B", code, {"description": queue}, {"description": code, "name": queue}),
        delete("C", queue, state=State.BLOCKED, reason=code),
        unassign("~x", code, queue=queue),
        identity=Identity("id", queue),
        warnings=(Problem(Source(code or "f", 1, 1), queue, code, Severity.WARNING),),
    )
    for document in (markdown.plan(hostile), markdown.plans([hostile, hostile], failed=[(code, queue)])):
        tokens = MARKDOWN.parse(document)
        inline = [child for token in tokens for child in token.children or ()]
        assert not [t for t in inline if t.type in {"link_open", "image", "html_inline", "em_open", "s_open"}]
        blocks = "".join(token.content for token in tokens if token.type == "html_block")
        for ours in OUR_HTML:
            blocks = blocks.replace(ours, "")
        assert "<" not in blocks
        assert {token.tag for token in tokens if token.type == "heading_open"} <= {"h2", "h3"}
