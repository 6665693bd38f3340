"""A plan as a person reads it on a terminal and in a log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from render.plans import (
    after_call_work,
    assign,
    create,
    delete,
    everything,
    outbound,
    patient,
    plan,
    unassign,
    update,
)
from wrapctl.errors import Problem, Severity, Source
from wrapctl.model import Cause, Identity, Scope, State
from wrapctl.plan.plan import Finding
from wrapctl.render import text

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("width", [60, 120])
def test_everything_at_once_reads_as_the_golden_text(width: int) -> None:
    assert text.plan(everything(), width=width) == (GOLDEN / f"everything-{width}.txt").read_text("utf-8")


def test_no_line_is_wider_than_asked() -> None:
    for width in (60, 80, 120):
        assert max(map(cell_len, text.plan(everything(), width=width).splitlines())) <= width


def test_a_plan_without_changes_says_so_in_one_sentence() -> None:
    assert "No changes. acme-emea is in sync.\n" in text.plan(plan())


def test_a_plan_of_blocked_changes_alone_says_what_is_held_back() -> None:
    printed = text.plan(plan(create(state=State.BLOCKED, reason="no division")))
    assert "No changes. acme-emea is in sync, but for what is held back: 1 blocked." in printed


def test_a_sandbox_says_so_on_its_first_line_and_a_real_org_does_not() -> None:
    assert text.plan(everything()).splitlines()[0].startswith("SANDBOX")
    assert "SANDBOX" not in text.plan(plan(create()))


def test_the_summary_counts_what_is_written() -> None:
    printed = text.plan(
        plan(
            create("A", "a"),
            create("B", "b"),
            update("C", "c", {}, {"name": "d"}),
            update("E", "e", {"description": "x"}, {"description": "y"}),
            delete(),
            unassign("A", "a"),
            after_call_work(),
        )
    )
    assert (
        "Codes: 2 to create, 1 to rename, 1 to update, 1 to delete; 1 assignment to take off; "
        "after-call work of 1 queue."
    ) in printed


def test_an_update_shows_only_the_fields_that_differ() -> None:
    printed = text.plan(
        plan(
            update(
                "A", "Same", {"description": "old", "division": "X"}, {"description": "new", "division": "X"}
            )
        )
    )
    assert '      description: "old" → "new"\n' in printed
    assert "division" not in printed
    assert "name:" not in printed


def test_flags_are_shown_before_and_after() -> None:
    printed = text.plan(plan(outbound("A", "Sale")))
    assert '~ outbound flags of "Sale" (A): none → BUSINESS_SUCCESS, RIGHT_PARTY_CONTACT' in printed


def test_a_difference_far_inside_a_long_text_is_what_is_shown() -> None:
    before, after = "x" * 500 + "old" + "y" * 500, "x" * 500 + "new" + "y" * 500
    printed = text.plan(plan(update("A", "a", {"description": before}, {"description": after})), width=2000)
    assert 'from character 477: "' + "x" * 24 + "old" in printed
    assert 'from character 477: "' + "x" * 24 + "new" in printed


def test_names_that_look_alike_are_spelled_out() -> None:
    printed = text.plan(plan(update("A", "Re\u0301p", {}, {"name": "R\u00e9p"})))
    assert r'rename "Re\u0301p" → "R\xe9p"' in printed


def test_the_way_past_a_limit_is_printed_with_its_numbers() -> None:
    finding = Finding(
        "deletes", 14, 10, "14 deletes, at most 10 are allowed", token="deletes=14@3f9c1a2b", names=("a",)
    )
    printed = text.plan(plan(delete(), findings=(finding,)))
    assert "REFUSED: 14 deletes, at most 10 are allowed" in printed
    assert "--allow deletes=14@3f9c1a2b" in printed
    assert "wrapups/acme-emea/allow.yaml" in printed
    assert "Refused by 1 guard limit." in printed


def test_an_accepted_limit_is_shown_with_its_reason_and_refuses_nothing() -> None:
    finding = Finding("deletes", 14, 10, "14 deletes", token="deletes=14@x", accepted="spring cleaning")
    printed = text.plan(plan(delete(), findings=(finding,)))
    assert "allowed past the limit: 14 deletes" in printed
    assert "accepted: spring cleaning" in printed
    assert "REFUSED" not in printed


def test_the_reason_of_many_blocked_links_is_one_line() -> None:
    links = [
        assign(f"C{n}", f"code {n}", label="lost", queue="Lost", state=State.BLOCKED, reason="no such queue")
        for n in range(40)
    ]
    printed = text.plan(plan(*links))
    assert printed.count("no such queue") == 1
    assert '? "Lost": 40 assignments to add' in printed


def test_a_scoped_plan_says_what_it_looks_at() -> None:
    printed = text.plan(plan(create(), scope=Scope(frozenset({"A"}), frozenset({"q1", "q2"}))))
    assert "Scoped to 1 code (A) and 2 queues (q1, q2); percent limits and prune are left out." in printed


def test_what_is_partly_visible_or_unread_is_said_on_top() -> None:
    printed = text.plan(plan(partly_visible=("Service",), unread=("salesforce: no answer",))).split("\n\n")[0]
    assert "This client sees only part of Service" in printed
    assert "Not read: salesforce: no answer" in printed


def test_a_plan_that_could_not_read_everything_does_not_say_that_all_is_in_sync() -> None:
    printed = text.plan(plan(unread=("salesforce: no answer",)))
    assert "No changes. What was read of acme-emea is in sync." in printed


def test_colours_only_when_asked_for() -> None:
    assert "\x1b[" not in text.plan(everything())
    coloured = text.plan(everything(), colour=True)
    assert "\x1b[" in coloured
    assert "REFUSED" in coloured


@patient
@given(st.text(max_size=300), st.text(max_size=300))
def test_no_name_can_add_a_line_a_colour_or_a_log_command(code: str, queue: str) -> None:
    hostile = plan(
        create("A", code),
        update("B", code, {"description": queue}, {"description": code, "name": queue}),
        delete("C", queue, state=State.BLOCKED, reason=code),
        unassign("~x", code, queue=queue, cause=Cause.EXACT),
        identity=Identity("id", queue),
        warnings=(Problem(Source(code or "f", 1, 1), queue, code, Severity.WARNING),),
    )
    printed = text.plan(hostile, width=200)
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert "::" not in printed
    assert "##" not in printed
    printed.encode()


def test_problems_are_sorted_and_carry_position_and_advice() -> None:
    printed = text.problems(
        [
            Problem(Source("b.yaml", 2, 1), "second"),
            Problem(Source("a.yaml", 9, 4), "unknown key `nmae`", "did you mean `name`?"),
            Problem(Source("a.yaml", 1, 1), "first", severity=Severity.WARNING),
        ]
    )
    assert printed == (
        "a.yaml:1:1: warning: first\n"
        "a.yaml:9:4: error: unknown key `nmae`\n"
        "    → did you mean `name`?\n"
        "b.yaml:2:1: error: second\n"
    )


def test_problems_are_tallied() -> None:
    one, two = Problem(Source("a"), "x"), Problem(Source("a"), "y", severity=Severity.WARNING)
    assert text.tally([one, two]) == "1 error, 1 warning"
    assert text.tally([]) == ""


def test_a_github_annotation_encodes_what_its_runner_decodes() -> None:
    problem = Problem(Source("wrapups/a,b:c.yaml", 12, 3), "50 % of x")
    assert text.github([problem]) == "::error file=wrapups/a%2Cb%3Ac.yaml,line=12,col=3::50 %25 of x\n"
