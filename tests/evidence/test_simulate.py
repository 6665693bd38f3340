"""What agents are offered after a contact: a small world, one edit, what the desktop shows and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from world import (
    CXONE_LIKE,
    GENESYS_WITH_CRM,
    TODAY,
    code,
    desired,
    from_crm,
    live,
    live_code,
    live_queue,
    live_row,
    mapping,
    queue,
    table,
    to_crm,
)
from wrapctl.errors import Source
from wrapctl.evidence.offering import State, of_files, of_live
from wrapctl.evidence.overlay import overlay
from wrapctl.evidence.simulate import Desktop, Odd, Words, matrix, said, seconds, simulate
from wrapctl.model import CrmRow, Desired, Live
from wrapctl.plan.make import make_plan
from wrapctl.targets.cxone.desk import DESK as CXONE
from wrapctl.targets.desk import desk
from wrapctl.targets.genesys.desk import DESK as GENESYS

BY_NAME = Words("Like Genesys", ordered=False, desk=GENESYS, timeout_ms=(1_000, 3_600_000))
IN_ORDER = Words("Like CXone", ordered=True, desk=CXONE, timeout_ms=(1_000, 86_400_000), step_ms=1_000)
TIMED = {"prompt": "mandatory-timeout", "timeout_ms": 45_000}


def on(
    state: State, words: Words = BY_NAME, *, media: str = "", code: str = "", skills: tuple[str, ...] = ()
) -> Desktop:
    place = state.find("q")
    assert place is not None
    return simulate(state, words, place, media=media, code=code, skills=skills)


def names(desktop: Desktop) -> list[str]:
    return [one.choice.name for one in desktop.codes or ()]


def odd(desktop: Desktop) -> list[Odd]:
    return [one.odd for one in desktop.troubles]


def files(*, codes: tuple[str, ...] = ("B", "A"), as_of: date = TODAY, **more: object) -> State:
    made = desired([code("A", "apple"), code("B", "Banana")], [queue("q", codes, **more)])
    return of_files(made, as_of)


# ── order ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_codes_stand_by_name_where_the_platform_keeps_no_order() -> None:
    assert names(on(files())) == ["apple", "Banana"]


def test_codes_stand_as_the_files_list_them_where_the_platform_keeps_an_order() -> None:
    assert names(on(files(), words=IN_ORDER)) == ["Banana", "apple"]


# ── each prompt ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "prompt", "must", "recorded"),
    [
        (BY_NAME, "optional", "never", ""),
        (BY_NAME, "mandatory", "always", ""),
        (BY_NAME, "mandatory-timeout", "always", "ININ-WRAP-UP-TIMEOUT"),
        (BY_NAME, "mandatory-forced-timeout", "always", "ININ-WRAP-UP-TIMEOUT"),
        (BY_NAME, "agent-requested", "on-request", "ININ-WRAP-UP-TIMEOUT"),
        (IN_ORDER, "none", "never", ""),
        (IN_ORDER, "optional", "never", ""),
        (IN_ORDER, "mandatory", "always", ""),
        (IN_ORDER, "automatic", "never", ""),
    ],
)
def test_each_prompt_says_whether_one_must_be_chosen_and_what_a_time_out_records(
    words: Words, prompt: str, must: str, recorded: str
) -> None:
    after = on(files(after_call_work={"prompt": prompt}), words=words).after
    assert after is not None
    assert (after.must, after.recorded) == (must, recorded)
    assert bool(after.ends) is after.timed


@pytest.mark.parametrize("platform", ["genesys", "cxone"])
def test_every_prompt_that_files_may_name_is_known_to_the_desktop(platform: str) -> None:
    from importlib import import_module  # noqa: PLC0415  (the names come from the parameter)

    options = import_module(f"wrapctl.targets.{platform}.options")
    prompts = desk(platform).prompts
    assert set(prompts) == set(options.PROMPTS)
    assert {name for name, does in prompts.items() if does.timed} == options.TIMED_PROMPTS


def test_a_platform_that_nobody_knows_has_no_desktop() -> None:
    with pytest.raises(KeyError):
        desk("nobody")


def test_a_prompt_that_asks_for_no_code_offers_none_and_says_so() -> None:
    shown = on(files(after_call_work={"prompt": "automatic", "timeout_ms": 20_000}), words=IN_ORDER)
    assert shown.codes == ()
    assert odd(shown) == [Odd.NEVER_ASKED]


# ── what is wrong ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_list_is_wrong_only_where_a_code_must_be_chosen() -> None:
    assert odd(on(files(codes=(), after_call_work=TIMED))) == [Odd.EMPTY]
    assert odd(on(files(codes=(), after_call_work={"prompt": "optional"}))) == []


def test_a_list_that_is_not_managed_is_not_empty() -> None:
    made = desired([code("A")], [queue("q", None, after_call_work=TIMED)])
    shown = on(of_files(made, TODAY))
    assert shown.codes is None
    assert odd(shown) == []
    assert "not known: the files do not manage it" in shown.notes[0]


@pytest.mark.parametrize("timeout", [999, 3_600_001])
def test_a_timeout_outside_the_platforms_range_is_told_with_the_range(timeout: int) -> None:
    (found,) = on(files(after_call_work={**TIMED, "timeout_ms": timeout})).troubles
    assert found.odd is Odd.TIMEOUT
    assert "outside 1s to 1h" in found.text


def test_a_timeout_between_two_whole_seconds_is_told_where_the_platform_counts_those() -> None:
    work = {"prompt": "mandatory", "timeout_ms": 1_500}
    assert odd(on(files(after_call_work=work), words=IN_ORDER)) == [Odd.TIMEOUT]


def test_a_timeout_that_a_live_queue_keeps_and_does_not_use_is_nothing() -> None:
    held = live_queue("1", "q", acw={"prompt": "optional", "timeout_ms": 0})
    state = of_live(desired(), live([], [held], {"1": ()}), GENESYS_WITH_CRM, TODAY)
    assert odd(on(state)) == []


def test_a_prompt_that_the_platform_does_not_have_is_told() -> None:
    assert odd(on(files(after_call_work={"prompt": "automatic"}))) == [Odd.PROMPT]


def test_a_media_type_that_the_queue_does_not_serve_is_wrong_and_an_unknown_one_is_a_note() -> None:
    assert odd(on(files(media=("voice",)), media="email")) == [Odd.MEDIA]
    assert odd(on(files(media=("voice",)), media="voice")) == []
    unknown = on(files(), media="email")
    assert odd(unknown) == []
    assert "whether the queue serves email is not known: the files do not say" in unknown.notes


def test_a_skill_means_something_only_where_queues_are_skills() -> None:
    state = files()
    assert odd(on(state, skills=("other",))) == []
    assert any("depends on the queue alone" in note for note in on(state, skills=("other",)).notes)
    assert odd(on(state, words=IN_ORDER, skills=("other",))) == [Odd.SKILL]
    assert odd(on(state, words=IN_ORDER, skills=("q",))) == []


def test_a_code_that_was_asked_about_and_is_not_offered_is_told() -> None:
    state = files(codes=("A",))
    assert odd(on(state, code="Banana")) == [Odd.NOT_OFFERED]
    assert [one.choice.ident for one in on(state, code="apple").shown] == ["A"]


def test_a_code_outside_its_dates_is_not_offered_by_the_files_and_still_offered_live() -> None:
    promo = code("PROMO", valid_through=date(2026, 3, 9))
    made = desired([promo, code("A")], [queue("q", ["PROMO", "A"])])
    told = on(of_files(made, TODAY))
    assert (names(told), odd(told)) == (["A"], [Odd.LAPSED])
    assert "PROMO is not offered on 2026-03-10: it is valid from … to 2026-03-09" in told.troubles[0].text
    assert names(on(of_files(made, date(2026, 3, 9)))) == ["A", "PROMO"]
    held = live([live_code("1", "PROMO"), live_code("2", "A")], [live_queue("7", "q")], {"7": ("1", "2")})
    still = on(of_live(made, held, GENESYS_WITH_CRM, TODAY))
    assert names(still) == ["A", "PROMO"]
    assert "still offered" in still.troubles[0].text


def test_an_additive_list_says_that_there_may_be_more() -> None:
    made = desired([code("A")], [queue("q", ["A"], additive=True)])
    assert any("`additive`" in note for note in on(of_files(made, TODAY)).notes)


# ── the CRM ────────────────────────────────────────────────────────────────────────────────────────────────


def with_crm(*rows: CrmRow, incomplete: frozenset[str] = frozenset()) -> State:
    made = desired(
        [code("A"), code("B"), code("C")],
        [queue("q", ["A", "B"], after_call_work=TIMED)],
        crm=[mapping("sf", *rows)],
    )
    return of_files(made, TODAY, incomplete=incomplete)


def recorded(desktop: Desktop, system: str = "sf") -> dict[str, str | None]:
    return {
        one.choice.ident: value.text if (value := one.records[system]) is not None else None
        for one in desktop.shown
    }


def test_each_code_shows_what_the_crm_records_for_it_and_the_default_stands_for_the_rest() -> None:
    shown = on(with_crm(to_crm("A", "WON"), to_crm("default", "OTHER")))
    assert recorded(shown) == {"A": "WON", "B": "OTHER"}
    assert [one.records["sf"].default for one in shown.shown if one.records["sf"]] == [False, True]
    assert shown.timed_out["sf"] == shown.shown[1].records["sf"]


def test_a_code_without_a_value_is_unmapped_unless_the_mapping_says_that_it_may() -> None:
    shown = on(with_crm(to_crm("A", "WON")))
    assert recorded(shown) == {"A": "WON", "B": None}
    assert [one.text for one in shown.troubles] == ["sf records nothing for B"]
    assert odd(on(with_crm(to_crm("A", "WON"), incomplete=frozenset({"sf"})))) == []


def test_each_code_shows_the_statuses_that_lead_back_to_it_but_for_rules_that_never_hold() -> None:
    rows = (
        to_crm("default", "X"),
        from_crm("DONE", "A", 1, duration_ms=300_000),
        from_crm("DONE", "B", 2),
        from_crm("*", "B", 3),
    )
    found = {
        one.choice.ident: [(said(back.condition), back.duration_ms) for back in one.back]
        for one in on(with_crm(*rows)).shown
    }
    assert found == {"A": [("status = DONE", 300_000)], "B": [("*", None)]}


def test_a_rule_for_the_rest_that_leads_to_a_code_that_is_not_offered_is_wrong() -> None:
    (found,) = on(with_crm(to_crm("default", "X"), from_crm("*", "C", 1))).troubles
    assert found.odd is Odd.DEFAULT
    assert found.source == Source("wrapups/acme/crm/sf.yaml", 5, 3)


# ── live, and a plan over it ───────────────────────────────────────────────────────────────────────────────


def small_world() -> tuple[Desired, Live]:
    made = desired(
        [code("A", "Apple"), code("B", "Berry"), code("GONE", absent=True)],
        [queue("q", ["A", "B"], after_call_work=TIMED)],
        crm=[mapping("sf", to_crm("A", "RED"), to_crm("B", "BLUE"))],
    )
    held = live(
        [live_code("1", "Apple"), live_code("3", "GONE"), live_code("9", "Stranger")],
        [live_queue("7", "q", acw={"prompt": "optional"})],
        {"7": ("3", "9", "1")},
        crm={"sf": table(live_row("to/A", "r1", value="OLD"))},
    )
    return made, held


def test_what_is_live_shows_undeclared_codes_too() -> None:
    made, held = small_world()
    shown = on(of_live(made, held, GENESYS_WITH_CRM, TODAY))
    assert [one.choice.ident for one in shown.shown] == ["A", "GONE", "~9"]
    assert recorded(shown)["A"] == "OLD"
    assert shown.place.prompt == "optional"


def test_a_plan_over_what_is_live_shows_what_the_files_say() -> None:
    made, held = small_world()
    plan = make_plan(made, held, GENESYS_WITH_CRM, as_of=TODAY)
    after = of_live(made, overlay(held, plan), GENESYS_WITH_CRM, TODAY, origin="plan")
    said_so = of_files(made, TODAY)
    assert names(on(after)) == names(on(said_so)) == ["Apple", "Berry"]
    assert recorded(on(after)) == recorded(on(said_so)) == {"A": "RED", "B": "BLUE"}
    assert on(after).place.prompt == on(said_so).place.prompt
    assert "GONE" not in after.choices


def test_a_plan_puts_codes_in_order_where_the_platform_keeps_one() -> None:
    made = desired([code("A"), code("B"), code("C")], [queue("q", ["C", "A", "B"])])
    held = live([live_code("1", "A"), live_code("2", "B")], [live_queue("7", "q")], {"7": ("1", "2")})
    plan = make_plan(made, held, CXONE_LIKE, as_of=TODAY)
    after = of_live(made, overlay(held, plan), CXONE_LIKE, TODAY, origin="plan")
    assert names(on(after, words=IN_ORDER)) == ["C", "A", "B"]


def test_an_inactive_code_is_not_offered_although_it_is_on_the_queue() -> None:
    made = desired([code("A")], [queue("q", ["A"])])
    off = replace(live_code("1", "A"), fields={"name": "A", "active": False})
    state = of_live(made, live([off], [live_queue("7", "q")], {"7": ("1",)}), CXONE_LIKE, TODAY)
    assert names(on(state)) == []


def test_a_system_that_was_not_read_is_told_and_records_nothing_known() -> None:
    made, held = small_world()
    state = of_live(made, replace(held, crm={}, unread={"sf": "down"}), GENESYS_WITH_CRM, TODAY)
    shown = on(state)
    assert [one.text for one in shown.troubles if one.odd is Odd.UNREAD] == ["sf: down"]
    assert all("sf" not in one.records for one in shown.shown)


def test_a_declared_queue_that_is_not_live_is_told() -> None:
    made = desired([code("A")], [queue("q", ["A"])])
    state = of_live(made, live([live_code("1", "A")], [], {}), GENESYS_WITH_CRM, TODAY)
    assert "no live queue is its own" in on(state).notes[0]


def test_a_queue_out_of_use_is_told() -> None:
    made = desired([code("A")], [])
    held = live([live_code("1", "A")], [replace(live_queue("7", "q"), active=False)], {"7": ("1",)})
    assert odd(on(of_live(made, held, GENESYS_WITH_CRM, TODAY))) == [Odd.UNUSED_QUEUE]


def test_the_matrix_has_every_queue_those_of_the_files_first() -> None:
    made, held = small_world()
    held = replace(held, queues=(*held.queues, live_queue("8", "Another")), links={**held.links, "8": ()})
    state = of_live(made, held, GENESYS_WITH_CRM, TODAY)
    assert [one.place.name for one in matrix(state, BY_NAME)] == ["q", "Another"]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0s"), (500, "500ms"), (45_000, "45s"), (90_000, "1m30s"), (3_600_000, "1h"), (86_400_000, "24h")],
)
def test_times_read_as_files_write_them(milliseconds: int, text: str) -> None:
    assert seconds(milliseconds) == text
