"""The pure halves of the Genesys target: text surgery, normal form, hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    PlatformAnswer,
    RateLimited,
    TargetError,
    Unanswered,
    Unauthorized,
    Unreachable,
    UsageError,
)
from wrapctl.model import ALL_DIVISIONS, Address, Change, Fields, Verb
from wrapctl.targets.genesys import classify, convert, splice
from wrapctl.targets.genesys.options import OUTBOUND_FLAGS, PROMPTS, REGIONS, TIMED_PROMPTS
from wrapctl.targets.genesys.queues import changed_text, overwritten
from wrapctl.targets.genesys.target import Hosts, hosts
from wrapctl.targets.interface import Result

# JSON as text, with the spellings that parsing and dumping would change: numbers, escapes, spaces.
SPACE = st.sampled_from(["", " ", "\n", "\t ", "\r\n"])
NUMBERS = st.sampled_from(
    ["0", "-0", "1.0", "1.50", "1E3", "1e-07", "12345678901234567890", "0.1000000000000000055"]
)
STRINGS = st.sampled_from(
    ['""', '"a"', '"\\u00e9"', '"é"', '"\\/"', '"\\ud83d\\ude00"', '"👍"', '"}{]["', '"\\"\\\\"']
)
KEYS = st.sampled_from(["a", "é", "acwSettings", "queue", "rules", 'q"uote', "", "x.y"])


def _list(items: list[str], space: str) -> str:
    return f"[{space}{f'{space},{space}'.join(items)}{space}]"


def _map(items: dict[str, str], space: str) -> str:
    members = (f"{json.dumps(key)}{space}:{space}{value}" for key, value in items.items())
    return f"{{{space}{f'{space},{space}'.join(members)}{space}}}"


VALUES = st.recursive(
    st.sampled_from(["null", "true", "false"]) | NUMBERS | STRINGS,
    lambda inner: (
        st.builds(_list, st.lists(inner, max_size=4), SPACE)
        | st.builds(_map, st.dictionaries(KEYS, inner, max_size=4), SPACE)
    ),
    max_leaves=12,
)
OBJECTS = st.builds(_map, st.dictionaries(KEYS, VALUES, max_size=6), SPACE)
SETTINGS = st.builds(
    _map,
    st.dictionaries(st.sampled_from(["grownLater", "other"]), VALUES, max_size=2).flatmap(
        lambda rest: st.fixed_dictionaries(
            {},
            optional={
                "wrapupPrompt": st.sampled_from(["MANDATORY", "OPTIONAL", "AGENT_REQUESTED", "NEW_ONE"]).map(
                    json.dumps
                ),
                "timeoutMs": st.sampled_from(["0", "1000", "45000"]),
            },
        ).map(lambda known: {**rest, **known})
    ),
    SPACE,
)
RULES = st.builds(
    _map,
    st.fixed_dictionaries({}, optional={"queue": st.just('{"id":"q1"}'), "metric": STRINGS}),
    SPACE,
)


@st.composite
def queues(draw: st.DrawFn) -> str:
    members = draw(
        st.dictionaries(st.sampled_from(["name", "mediaSettings", "é", "future"]), VALUES, max_size=4)
    )
    if draw(st.booleans()):
        members["acwSettings"] = draw(SETTINGS | st.just("null"))
    if draw(st.booleans()):
        rules = draw(st.lists(RULES, max_size=3))
        members["conditionalGroupRouting"] = _map({"rules": _list(rules, "")}, draw(SPACE))
    order = draw(st.permutations(sorted(members)))
    return _map({key: members[key] for key in order}, draw(SPACE))


def spans(text: str) -> dict[str, str]:
    """The text of every member of an object, by key."""
    return {key: splice.cut(text, (key,)) or "" for key in json.loads(text)}


WANTED = st.fixed_dictionaries(
    {}, optional={"prompt": st.sampled_from(PROMPTS), "timeout_ms": st.sampled_from([1000, 60000])}
)


@given(text=queues(), wanted=WANTED)
def test_setting_after_call_work_leaves_every_other_member_byte_for_byte(text: str, wanted: Fields) -> None:
    now = convert.after_call_work(json.loads(text))
    sent = changed_text(text, now, wanted)
    before, after = spans(text), spans(sent)
    after.pop("acwSettings")
    before.pop("acwSettings", None)
    if "conditionalGroupRouting" in before:
        routing, kept = before.pop("conditionalGroupRouting"), after.pop("conditionalGroupRouting")
        expected = json.loads(routing)
        if expected["rules"]:
            expected["rules"][0].pop("queue", None)
        else:
            assert routing == kept
        assert json.loads(kept) == expected
    assert after == before
    assert list(after) == list(before)


@given(text=queues(), wanted=WANTED)
def test_what_is_sent_reads_back_as_what_was_wanted(text: str, wanted: Fields) -> None:
    now = convert.after_call_work(json.loads(text))
    settings = json.loads(changed_text(text, now, wanted))["acwSettings"]
    sent = convert.after_call_work({"acwSettings": settings})
    assert sent.get("prompt") == wanted.get("prompt", now.get("prompt"))
    if sent.get("prompt") in TIMED_PROMPTS:
        assert sent.get("timeout_ms") == wanted.get("timeout_ms", now.get("timeout_ms"))
    else:
        assert "timeoutMs" not in settings
    old = json.loads(text).get("acwSettings") or {}
    known = {"wrapupPrompt", "timeoutMs"}
    assert {k: v for k, v in settings.items() if k not in known} == {
        k: v for k, v in old.items() if k not in known
    }


@given(text=OBJECTS, key=KEYS, value=VALUES)
def test_putting_a_member_changes_that_member_alone(text: str, key: str, value: str) -> None:
    changed = splice.put(text, (key,), value)
    assert json.loads(changed) == {**json.loads(text), key: json.loads(value)}
    assert {k: v for k, v in spans(changed).items() if k != key} == {
        k: v for k, v in spans(text).items() if k != key
    }


@given(text=OBJECTS, key=KEYS)
def test_dropping_a_member_drops_that_member_alone(text: str, key: str) -> None:
    dropped = splice.drop(text, (key,))
    assert json.loads(dropped) == {k: v for k, v in json.loads(text).items() if k != key}
    assert spans(dropped) == {k: v for k, v in spans(text).items() if k != key}


@given(text=OBJECTS, path=st.lists(KEYS | st.integers(0, 2), min_size=1, max_size=3))
def test_a_path_that_leads_nowhere_changes_nothing(text: str, path: list[str | int]) -> None:
    if splice.cut(text, tuple(path)) is None:
        assert splice.drop(text, tuple(path)) == text


def test_of_duplicate_keys_the_one_that_counts_is_changed_and_all_are_dropped() -> None:
    text = '{"a": 1, "b": 2, "a": 3}'
    assert splice.put(text, ("a",), "9") == '{"a": 1, "b": 2, "a": 9}'
    assert splice.drop(text, ("a",)) == '{"b": 2}'


@pytest.mark.parametrize(
    ("sent", "answered", "differing"),
    [
        ('{"a":1.0,"b":"x"}', '{"b":"x","a":1}', ()),
        ('{"a":null}', "{}", ()),
        ('{"a":{"b":null,"c":[1]}}', '{"a":{"c":[1]}}', ()),
        ('{"a":1,"dateModified":"x","memberCount":1}', '{"a":1,"dateModified":"y","memberCount":2}', ()),
        ('{"acwSettings":{"wrapupPrompt":"A"}}', '{"acwSettings":{"wrapupPrompt":"B"}}', ()),
        ('{"a":1,"b":1}', '{"a":2,"c":1}', ("a", "b", "c")),
        ('{"a":[1,2]}', '{"a":[2,1]}', ("a",)),
        (
            '{"conditionalGroupRouting":{"rules":[{"x":1}]}}',
            '{"conditionalGroupRouting":{"rules":[{"queue":{"id":"q"},"x":1}]}}',
            (),
        ),
        ('{"a":1}', "[]", ("a",)),
    ],
)
def test_a_possible_overwrite_is_a_member_that_really_differs(
    sent: str, answered: str, differing: tuple[str, ...]
) -> None:
    assert overwritten(sent, answered) == differing


# ── normal form ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "normal"),
    [
        (None, {}),
        ({}, {}),
        ({"wrapupPrompt": None}, {}),
        ({"wrapupPrompt": 3}, {}),
        ({"wrapupPrompt": "OPTIONAL", "timeoutMs": 0}, {"prompt": "optional"}),
        ({"wrapupPrompt": "MANDATORY", "timeoutMs": 9}, {"prompt": "mandatory"}),
        (
            {"wrapupPrompt": "mandatory_timeout", "timeoutMs": 9000},
            {"prompt": "mandatory-timeout", "timeout_ms": 9000},
        ),
        ({"wrapupPrompt": "MANDATORY_TIMEOUT"}, {"prompt": "mandatory-timeout"}),
        ({"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": True}, {"prompt": "mandatory-timeout"}),
        ({"wrapupPrompt": "Brand_New-One", "timeoutMs": 9000}, {"prompt": "brand_new-one"}),
        ("nonsense", {}),
    ],
)
def test_after_call_work_is_read_the_same_way_however_it_is_written(settings: Any, normal: Fields) -> None:
    assert convert.after_call_work({"acwSettings": settings}) == normal


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_prompt_survives_both_directions(prompt: str) -> None:
    assert (
        convert.after_call_work({"acwSettings": {"wrapupPrompt": convert.prompt_word(prompt)}})["prompt"]
        == prompt
    )


@given(st.sets(st.sampled_from(OUTBOUND_FLAGS)))
def test_flags_survive_both_directions_in_any_case(flags: set[str]) -> None:
    normal = tuple(sorted(flags))
    words = convert.flag_words(normal)
    assert convert.flags(words) == convert.flags([word.title() for word in reversed(words)]) == normal


@pytest.mark.parametrize("value", ["X", {"a": 1}, [1], [None]])
def test_flags_that_are_no_words_are_an_incomplete_read(value: object) -> None:
    with pytest.raises(IncompleteRead):
        convert.flags(value)


@pytest.mark.parametrize(
    ("body", "division", "description"),
    [
        ({}, "*", ""),
        ({"division": None, "description": None}, "*", ""),
        ({"division": {"id": "*"}}, "*", ""),
        ({"division": {"id": "*", "name": "All"}}, "*", ""),
        ({"division": {"id": "d1", "name": "Sales"}, "description": "x"}, "Sales", "x"),
        ({"division": {"id": "d1"}}, "Sales by id", ""),
        ({"division": {"id": "d2"}}, "d2", ""),
    ],
)
def test_a_code_is_read_the_same_way_however_it_is_written(
    body: Any, division: str, description: str
) -> None:
    code = convert.live_code({"id": "1", "name": "N", **body}, {"d1": "Sales by id"})
    assert dict(code.fields) == {"name": "N", "division": division, "description": description}
    assert code.division == division


def test_an_update_carries_members_of_a_code_that_nobody_here_knows() -> None:
    live = {"id": "1", "name": "N", "selfUri": "/x", "grown": {"a": 1}, "modifiedBy": "me"}
    request = convert.code_request(
        {"name": "M", "description": ""}, ALL_DIVISIONS, convert.unknown_members(live)
    )
    assert request == {"grown": {"a": 1}, "name": "M", "description": "", "division": {"id": "*"}}


def test_a_division_has_counts_where_the_platform_gives_them() -> None:
    counted = convert.division(
        {"id": "1", "name": "D", "objectCounts": {"QUEUE": 3, "WRAPUPCODE": 0, "X": 1}}
    )
    bare = convert.division({"id": "1", "name": "D"})
    assert (counted.queues, counted.codes, bare.queues, bare.codes) == (3, 0, None, None)


# ── hosts and failures ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_its_own_two_hosts(region: str) -> None:
    assert hosts("", region) == Hosts(f"https://api.{REGIONS[region]}", f"https://login.{REGIONS[region]}")


@pytest.mark.parametrize(
    ("endpoint", "api", "login"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://api.dca.example:444/", "https://api.dca.example:444", "https://login.dca.example:444"),
        ("https://gateway.example", "https://gateway.example", "https://gateway.example"),
    ],
)
def test_an_endpoint_says_where_both_hosts_are(endpoint: str, api: str, login: str) -> None:
    assert hosts(endpoint, "ignored") == Hosts(api, login)


def test_an_unknown_region_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        hosts("", "eu-centrl-1")
    assert "eu-central-1" in caught.value.hint


def failure(status: int, code: str = "", message: str = "") -> Answered:
    return Answered(PlatformAnswer("op", status, code, message, "r"))


@pytest.mark.parametrize(
    ("verb", "error", "result", "fatal"),
    [
        (Verb.CREATE_CODE, failure(400, "duplicate.name"), Result.EXISTS, False),
        (Verb.CREATE_CODE, failure(409, "", "It already exists"), Result.EXISTS, False),
        (Verb.UPDATE_CODE, failure(409, "duplicate.name"), Result.REFUSED, False),
        (Verb.UPDATE_CODE, failure(404), Result.STALE, False),
        (Verb.ASSIGN, failure(404), Result.STALE, False),
        (Verb.UNASSIGN, failure(404), Result.DONE, False),
        (Verb.DELETE_CODE, failure(404), Result.DONE, False),
        (Verb.DELETE_CODE, failure(409), Result.BUSY, False),
        (Verb.DELETE_CODE, failure(412), Result.STALE, False),
        (Verb.CREATE_CODE, failure(400), Result.REFUSED, False),
        (Verb.CREATE_CODE, failure(413), Result.REFUSED, False),
        (Verb.CREATE_CODE, failure(501), Result.REFUSED, False),
        (Verb.CREATE_CODE, failure(500), Result.UNKNOWN, False),
        (Verb.DELETE_CODE, failure(408), Result.UNKNOWN, False),
        (Verb.CREATE_CODE, Unanswered("?"), Result.UNKNOWN, False),
        (Verb.CREATE_CODE, Unreachable("?"), Result.BUSY, True),
        (Verb.CREATE_CODE, Unauthorized(PlatformAnswer("op", 401)), Result.REFUSED, True),
        (Verb.CREATE_CODE, Forbidden(PlatformAnswer("op", 403)), Result.REFUSED, False),
        (Verb.CREATE_CODE, RateLimited(PlatformAnswer("op", 429)), Result.BUSY, True),
        (Verb.CREATE_CODE, TargetError("?"), Result.REFUSED, False),
    ],
)
def test_a_failure_is_classified_by_what_was_tried(
    verb: Verb, error: TargetError, result: Result, fatal: bool
) -> None:
    outcome = classify.failed(Change(verb, Address("a"), {}, {}), error)
    assert (outcome.result, outcome.fatal) == (result, fatal)
    assert outcome.message
