"""Figures held against the files: what is outside, what nobody uses, where time ran out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from world import GENESYS_LIKE, TODAY, code, desired, live, live_code, live_queue, live_row, queue, table
from wrapctl.evidence.dependencies import named_here
from wrapctl.evidence.usage import Note, UsageTold, queue_ids, tell
from wrapctl.render import usage as shown
from wrapctl.targets.interface import Usage, Use

TIMEOUT = "ININ-WRAP-UP-TIMEOUT"
LIKE = replace(GENESYS_LIKE, timed_out=TIMEOUT)
WANT = desired(
    [
        code("SALE", "Sale", category="sales", tags=("cat:sales", "revenue")),
        code("LOST", "Lost"),
        code("NEVER", "Never"),
    ],
    [
        queue("sales", ["SALE"], name="Sales"),
        queue("service", ["LOST", "NEVER"], name="Service"),
        queue("open"),
    ],
)
HAVE = live(
    [
        live_code("c-sale", "Sale"),
        live_code("c-lost", "Lost"),
        live_code("c-never", "Never"),
        live_code("x", "Stray"),
    ],
    [live_queue("q-sales", "Sales"), live_queue("q-service", "Service"), live_queue("q-open", "open")],
)


def told(*uses: Use, queues: Sequence[str] = ()) -> UsageTold:
    usage = Usage(uses, datetime(2026, 2, 8, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    ids = queue_ids(WANT, HAVE, LIKE, queues, as_of=TODAY) if queues else None
    return tell(usage, WANT, HAVE, LIKE, as_of=TODAY, queues=ids)


def test_each_code_on_each_queue_has_its_share_and_averages() -> None:
    made = told(Use("c-sale", "q-sales", 3, 600_000, 90_000, 2), Use("c-lost", "q-sales", 1, 30_000))
    first, second = made.rows
    assert (first.queue, first.code, first.key, first.category) == ("Sales", "Sale", "SALE", "sales")
    assert first.tags == ("cat:sales", "revenue")
    assert (first.contacts, first.share, first.handle, first.acw) == (3, 0.75, 200.0, 45.0)
    assert (second.contacts, second.acw) == (1, None)
    assert made.contacts == 4


@pytest.mark.parametrize(
    ("code_id", "queue_id", "note"),
    [
        ("c-sale", "q-sales", Note.DECLARED),
        ("c-lost", "q-sales", Note.OUTSIDE),
        ("c-lost", "q-open", Note.QUEUE),
        ("c-lost", "q-unknown", Note.QUEUE),
        ("x", "q-sales", Note.CODE),
        ("c-gone", "q-sales", Note.GONE),
        (TIMEOUT, "q-sales", Note.OWN),
        ("", "q-sales", Note.NONE),
    ],
)
def test_what_is_odd_about_a_code_on_a_queue_is_said(code_id: str, queue_id: str, note: Note) -> None:
    assert told(Use(code_id, queue_id, 1)).rows[0].note is note


def test_codes_used_where_the_files_do_not_declare_them_are_outside() -> None:
    made = told(Use("c-lost", "q-sales", 5), Use("c-lost", "q-open", 1), Use("x", "q-sales", 9))
    assert [(row.code, row.queue) for row in made.outside] == [("Lost", "open"), ("Lost", "Sales")]


def test_codes_that_nobody_chose_are_told_the_undeclared_ones_too() -> None:
    made = told(Use("c-sale", "q-sales", 1), Use("c-lost", "q-service", 1))
    assert [(one.code, one.key) for one in made.unused] == [("Never", "NEVER"), ("Stray", "")]


def test_of_one_queue_only_its_own_codes_can_be_unused() -> None:
    made = told(Use("c-lost", "q-service", 1), queues=["service"])
    assert [one.code for one in made.unused] == ["Never"]
    assert made.queues == ("Service",)


def test_queues_are_found_by_label_and_by_live_name() -> None:
    found = queue_ids(WANT, HAVE, LIKE, ["sales", "Service", "nothing"], as_of=TODAY)
    assert found == {"q-sales": "Sales", "q-service": "Service"}


def test_how_often_time_ran_out_is_a_share_of_each_queue() -> None:
    made = told(Use(TIMEOUT, "q-sales", 3), Use("c-sale", "q-sales", 1), Use(TIMEOUT, "q-service", 1))
    assert [(one.queue, one.share) for one in made.timed_out] == [("Service", 1.0), ("Sales", 0.75)]


def test_what_names_a_code_in_what_was_read_is_told() -> None:
    have = replace(
        live([live_code("c-sale", "Sale")], [live_queue("q", "Sales")], {"q": ["c-sale"]}),
        outbound={"c-sale": ("business-success",)},
        crm={
            "sf": table(
                live_row("to/SALE", "r-1", code_id="c-sale", value="Won"),
                live_row("to/OTHER", "r-2", mine=False, code_id="c-sale", value="Mine"),
            )
        },
    )
    found = named_here(have, frozenset({"c-sale"}))["c-sale"]
    assert [(one.kind, one.name, one.detail) for one in found] == [
        ("outbound flags", "business-success", ""),
        ("queue", "Sales", ""),
        ("row of sf", found[2].name, ""),
        ("row of sf", found[3].name, "not made by wrapctl"),
    ]


# ── how it is shown ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [40, 60, 120])
def test_bars_keep_to_the_screen_and_the_longest_is_the_most_used(width: int) -> None:
    long = told(Use("c-sale", "q-sales", 1000), Use("c-lost", "q-sales", 10), Use(TIMEOUT, "q-sales", 1))
    lines = shown.as_text(long, width=width, chart=True).splitlines()
    bars = [one for one in lines if one and one[-1] in shown.BLOCKS.strip()]
    assert max(len(one) for one in bars) <= width
    assert [one.count("█") for one in bars] == sorted((one.count("█") for one in bars), reverse=True)
    assert len(bars) == 3  # one contact of a thousand is seen too


def test_bars_can_be_drawn_with_ascii_alone() -> None:
    text = shown.as_text(told(Use("c-sale", "q-sales", 4)), chart=True, blocks=shown.ASCII)
    assert "####" in text
    assert text.isascii()


def test_a_name_is_no_formula_and_no_control_sequence_in_a_spreadsheet() -> None:
    have = live([live_code("c", "=HYPERLINK(1)"), live_code("d", "a\x1b[31m\nb")], [live_queue("q", 'Q,"1"')])
    usage = Usage(
        (Use("c", "q", 1), Use("d", "q", 1)),
        datetime(2026, 2, 8, tzinfo=UTC),
        datetime(2026, 3, 10, tzinfo=UTC),
    )
    text = shown.as_csv(tell(usage, desired(), have, LIKE, as_of=TODAY))
    assert "'=HYPERLINK(1)" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_a_name_does_no_harm_on_a_screen() -> None:
    have = live([live_code("c", "a\x1b[31mb\u202e")], [live_queue("q", "Q\n::error::x")])
    usage = Usage((Use("c", "q", 1),), datetime(2026, 2, 8, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    made = tell(usage, desired(), have, LIKE, as_of=TODAY)
    for text in (shown.as_text(made), shown.as_text(made, chart=True)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "::error" not in text
