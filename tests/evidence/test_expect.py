"""Expectation files: each assertion, held and failed, with its place and where the files decide otherwise."""

from __future__ import annotations

import textwrap
from functools import partial

import pytest

from evidence.test_simulate import BY_NAME, IN_ORDER, TIMED
from world import CRM_HERE, HERE, TODAY, code, desired, from_crm, mapping, queue, to_crm
from wrapctl.config.expectations import load
from wrapctl.errors import ConfigError, Source
from wrapctl.evidence.expect import failures
from wrapctl.evidence.offering import State, of_files
from wrapctl.evidence.simulate import Desktop, Words, simulate
from wrapctl.model import Queue

FILE = "expectations/acme.yaml"
QUEUES = Source("wrapups/acme/queues.yaml", 4, 3)


def sales(**more: object) -> Queue:
    everything: dict[str, object] = {"after_call_work": TIMED, "media": ("voice",), **more}
    return queue("sales", ["SALE", "LOST"], name="Sales", **everything)


def world(*queues: Queue) -> State:
    made = desired(
        [code("SALE", "Sale"), code("LOST", "Lost"), code("OTHER", "Other")],
        queues or [sales()],
        crm=[
            mapping("sf", to_crm("SALE", "WON"), to_crm("default", "REST"), from_crm("DONE", "SALE", 1)),
        ],
    )
    return of_files(made, TODAY)


def one(words: Words, state: State, queue: str, media: str) -> Desktop | None:
    place = state.find(queue)
    return None if place is None else simulate(state, words, place, media=media)


def failed(lines: str, state: State | None = None, words: Words = BY_NAME) -> list[tuple[int, int, str, str]]:
    """Line, column, message and hint of what does not hold; the assertions begin on line 4."""
    text = "kind: Expectations\nexpect:\n  - queue: sales\n" + textwrap.indent(textwrap.dedent(lines), "    ")
    found = [
        problem
        for expected in load(text.encode(), FILE)
        for problem in failures(expected, state or world(), partial(one, words))
    ]
    assert all(problem.source.file == FILE for problem in found)
    return [(p.source.line, p.source.column, p.message, p.hint) for p in found]


def test_what_holds_is_silent() -> None:
    assert (
        failed(
            """\
            media: voice
            offers: [SALE]
            offers_exactly: [LOST, SALE]
            not: [OTHER]
            first: LOST
            prompt: mandatory-timeout
            must_choose: always
            timeout: 45s
            crm: {sf: {SALE: WON, LOST: REST, default: REST}}
            leads_back: {sf: {DONE: SALE, UNHEARD: none}}
            cases: [{system: sf, facts: {status: DONE, Reason: x}, code: SALE}]
            no_problems: true
            """
        )
        == []
    )


DECIDED = f"decided at {QUEUES}"
MAPPED = f"decided at {CRM_HERE}"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("offers: [SALE, ^OTHER]", "OTHER is not offered", DECIDED),
        ("offers: [^NONE]", "NONE is not offered: there is no such code in these files", DECIDED),
        ("offers_exactly: ^[SALE]", "LOST is offered as well", DECIDED),
        ("not: [^LOST]", "LOST is offered", DECIDED),
        ("first: ^SALE", "LOST stands first", DECIDED),
        ("prompt: ^optional", "the prompt is mandatory-timeout", DECIDED),
        ("must_choose: ^never", "whether a code must be chosen: always", DECIDED),
        ("timeout: ^30s", "the timeout is 45s", DECIDED),
        ("media: ^email", "it serves voice", DECIDED),
        ("crm: {sf: {SALE: ^LOST}}", "sf records `WON` for SALE", MAPPED),
        ("crm: {sf: {LOST: ^none}}", "sf records `REST` for LOST", MAPPED),
        ("crm: {^nowhere: {SALE: WON}}", "acme has no mapping of `nowhere`", ""),
        ("leads_back: {sf: {DONE: ^LOST}}", "sf leads status = DONE back to SALE", MAPPED),
        (
            "cases: [{system: sf, facts: {status: X}, code: ^SALE}]",
            "sf leads status = X back to no code",
            MAPPED,
        ),
        ("cases: [{system: ^web, facts: {status: X}, code: SALE}]", "acme has no mapping of `web`", ""),
    ],
)
def test_what_does_not_hold_is_told_where_the_caret_is_with_where_the_files_decide_otherwise(
    line: str, message: str, hint: str
) -> None:
    assert failed(line.replace("^", "")) == [(4, 5 + line.index("^"), f"sales: {message}", hint)]


def test_an_order_is_expected_only_where_the_platform_keeps_one() -> None:
    assert failed("offers_exactly: [LOST, SALE]", words=BY_NAME) == []
    state = world(sales(after_call_work={"prompt": "mandatory", "timeout_ms": 45_000}))
    ((_, _, message, _),) = failed("offers_exactly: [LOST, SALE]", state, IN_ORDER)
    assert message == "sales: the order is SALE, LOST"


def test_a_queue_that_is_gone_fails_with_the_nearest() -> None:
    state = world(queue("sale", ["SALE"]))
    ((line, _, message, hint),) = failed("offers: [SALE]", state)
    assert (line, message) == (3, "acme has no queue `sales`")
    assert "`sale`" in hint


def test_an_additive_list_is_never_exact() -> None:
    ((_, _, message, _),) = failed("offers_exactly: [LOST, SALE]", world(sales(additive=True)))
    assert "others may be offered as well" in message


def test_a_code_outside_its_dates_says_so_at_the_code() -> None:
    promo = code("SALE", valid_from=TODAY.replace(year=2030))
    state = of_files(desired([promo], [queue("sales", ["SALE"])]), TODAY)
    ((_, _, message, hint),) = failed("offers: [SALE]", state)
    assert message == "sales: SALE is not offered: it is outside its dates on 2026-03-10"
    assert hint == f"decided at {HERE}"


def test_an_unmanaged_list_fails_each_assertion_about_it_once() -> None:
    state = of_files(desired([code("SALE")], [queue("sales", None)]), TODAY)
    found = failed("offers: [SALE]\nfirst: SALE\n", state)
    assert [message for _, _, message, _ in found] == [
        "sales: which codes are offered is not known: the files do not manage it"
    ] * 2


def test_no_problems_fails_with_each_of_them() -> None:
    state = world(queue("sales", [], after_call_work=TIMED))
    ((_, _, message, _),) = failed("no_problems: true", state)
    assert message == "sales: the prompt mandatory-timeout asks for a code, and the list is empty"


def test_nothing_stands_first_on_an_empty_list() -> None:
    ((_, _, message, _),) = failed("first: SALE", world(queue("sales", [])))
    assert message == "sales: no code is offered"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("kind: Queues\n", 1, "not a file of kind Expectations"),
        ("kind: Expectations\nexpect:\n  - {queue: q, offer: [A]}\n", 3, "unknown key `offer`"),
        ("kind: Expectations\nexpect:\n  - {offers: [A]}\n", 3, "`queue` is missing"),
        ("kind: Expectations\nexpect:\n  - {queue: q, timeout: soon}\n", 3, "is not a duration"),
        ("kind: Expectations\nexpect:\n  - {queue: q, prompt: maybe}\n", 3, "is not allowed"),
        ("kind: Expectations\nexpect:\n  - {queue: q, offers: }\n", 3, "nothing is written here"),
        ("kind: Expectations\nexpect:\n- {queue: q]\n", 3, "never closed"),
        ("", 1, "empty"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text.encode(), FILE)
    assert (caught.value.problems[0].source.file, caught.value.problems[0].source.line) == (FILE, line)
    assert any(words.replace("`", "") in str(one).replace("`", "") for one in caught.value.problems)
