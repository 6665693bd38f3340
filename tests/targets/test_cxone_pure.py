"""NICE CXone in normal form and back, its logins and hosts, and what its failures mean: all of it without a socket."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxone_org import create, deactivate
from genesys_org import assign, set_acw, update
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
from wrapctl.http.auth import Ask, Flow, Token
from wrapctl.http.wire import Reply
from wrapctl.model import Change, Fields, Verb
from wrapctl.targets.cxone import convert, options
from wrapctl.targets.cxone.classify import failed, not_made, unread
from wrapctl.targets.cxone.convert import Classification
from wrapctl.targets.cxone.door import GLOBAL, Hosts, hosts, trusted
from wrapctl.targets.cxone.login import AccessKey, Application, by_access_key, by_application, claims_of
from wrapctl.targets.cxone.skills import new_order
from wrapctl.targets.interface import Result

KNOWN = (
    Classification(1, "Positive w/Amount"),
    Classification(6, "Other"),
    Classification(60, "Other", preview=True),
    Classification(7, "Twice"),
    Classification(8, "Twice"),
)

# ── dispositions ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"description": "", "classification": None, "preview": False, "active": True}),
        (
            {"notes": None, "classificationId": None, "isActive": True},
            {"description": "", "classification": None},
        ),
        ({"notes": "n", "classificationId": 6}, {"description": "n", "classification": "Other"}),
        ({"classificationId": "6"}, {"classification": "Other"}),
        ({"classificationId": 0}, {"classification": None}),
        ({"classificationId": 99}, {"classification": "#99"}),
        ({"isActive": False, "isPreviewDisposition": True}, {"active": False, "preview": True}),
    ],
)
def test_a_disposition_is_read_the_same_way_however_it_is_written(body: Any, fields: Fields) -> None:
    names = {one.id: one.name for one in KNOWN}
    code = convert.live_code({"dispositionId": 5, "dispositionName": "A", **body}, names)
    assert (code.id, code.name) == ("5", "A")
    assert {name: code.fields[name] for name in fields} == fields


def test_a_disposition_without_a_name_is_an_incomplete_read() -> None:
    with pytest.raises(IncompleteRead):
        convert.live_code({"dispositionId": 5}, {})


def test_the_classification_is_always_said() -> None:
    assert convert.create_request({"name": "A"}, None) == {
        "dispositionName": "A",
        "isPreviewDisposition": False,
        "classificationId": None,
    }


def test_an_update_says_all_members() -> None:
    assert convert.update_request({"name": "A", "active": False, "description": "", "preview": True}, 6) == {
        "dispositionName": "A",
        "classificationId": 6,
        "isPreviewDisposition": True,
        "isActive": False,
        "notes": "",
    }


@given(
    name=st.text(min_size=1, max_size=50),
    notes=st.text(max_size=50),
    active=st.booleans(),
    preview=st.booleans(),
)
def test_what_is_sent_reads_back_as_what_was_wanted(
    name: str, notes: str, active: bool, preview: bool
) -> None:
    wanted: Fields = {
        "name": name,
        "description": notes,
        "classification": "Other",
        "preview": preview,
        "active": active,
    }
    body = {"dispositionId": 1, **convert.update_request(wanted, 6)}
    assert convert.live_code(json.loads(json.dumps(body)), {6: "Other"}).fields == wanted


@pytest.mark.parametrize(("preview", "number"), [(False, 6), (True, 60)])
def test_of_two_classifications_of_one_name_the_one_for_this_kind_is_meant(
    preview: bool, number: int
) -> None:
    assert [one.id for one in convert.classifications_named(KNOWN, "Other", preview=preview)] == [number]


def test_a_classification_that_exists_for_the_other_kind_alone_is_found_all_the_same() -> None:
    assert [one.id for one in convert.classifications_named(KNOWN, "Positive w/Amount", preview=True)] == [1]
    assert len(convert.classifications_named(KNOWN, "Twice", preview=False)) == 2


def test_what_a_batch_says_of_a_failed_item_names_no_disposition() -> None:
    results = [
        {"dispositionId": 7, "success": True},
        {"dispositionId": 7, "success": False, "error": "no"},
        "?",
    ]
    found = convert.batch_results({"errorCount": "1", "dispositionResults": results})
    assert [(one.id, one.success, one.error) for one in found] == [("7", True, ""), ("", False, "no")]
    assert convert.batch_results({}) == ()


# ── skills ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("skill", "work"),
    [
        ({}, {}),
        ({"acwTypeId": None}, {}),
        ({"acwTypeId": 1, "maxSecondsACW": 30, "stateIdACW": 3}, {"prompt": "none"}),
        ({"acwTypeId": 2}, {"prompt": "optional"}),
        ({"acwTypeId": 2, "requireDisposition": True, "maxSecondsACW": 0}, {"prompt": "mandatory"}),
        (
            {
                "acwTypeId": 3,
                "requireDisposition": True,
                "maxSecondsACW": 15,
                "stateIdACW": 3,
                "stateNameACW": "Wrap",
            },
            {"prompt": "automatic", "timeout_ms": 15_000, "state": "Wrap"},
        ),
        ({"acwTypeId": 2, "stateIdACW": 3}, {"prompt": "optional", "state": "Wrap up"}),
        ({"acwTypeId": 2, "stateIdACW": 4}, {"prompt": "optional", "state": "#4"}),
    ],
)
def test_after_call_work_is_read_the_same_way_however_it_is_written(skill: Any, work: Fields) -> None:
    assert convert.after_call_work(skill, {3: "Wrap up"}) == work


@pytest.mark.parametrize("prompt", options.PROMPTS)
def test_every_prompt_survives_both_directions(prompt: str) -> None:
    wanted: dict[str, Any] = {"prompt": prompt}
    if prompt in options.TIMED_PROMPTS:
        wanted |= {"timeout_ms": 45_000, "state": "Wrap up"}
    members = convert.acw_members({"acwTypeId": 2, "stateIdACW": 9, "maxSecondsACW": 5}, wanted, 3)
    assert convert.after_call_work(members, {3: "Wrap up"}) == wanted


def test_after_call_work_goes_as_a_whole_combination() -> None:
    skill = {"acwTypeId": 2, "requireDisposition": True, "stateIdACW": 3, "maxSecondsACW": 15}
    assert convert.acw_members(skill, {"timeout_ms": 30_000}, None) == {
        "acwTypeId": 2,
        "requireDisposition": True,
        "maxSecondsACW": 30,
        "stateIdACW": 3,
    }
    assert convert.acw_members(skill, {"prompt": "none"}, None)["stateIdACW"] is None


def test_dispositions_of_a_skill_are_in_the_order_that_agents_see() -> None:
    held = [
        {"dispositionId": 3, "dispositionName": "c", "priority": 9},
        {"dispositionId": "1", "dispositionName": "a", "priority": 1},
        {"dispositionId": 2, "displayOrder": 1},
    ]
    assert [(one.id, one.name) for one in convert.assigned(held)] == [("1", "a"), ("2", "2"), ("3", "c")]
    assert convert.assigned(None) == ()


@pytest.mark.parametrize("held", ["x", [1], [{"priority": 1}]])
def test_dispositions_of_a_skill_that_are_none_are_an_incomplete_read(held: object) -> None:
    with pytest.raises(IncompleteRead):
        convert.assigned(held)


def test_a_skill_may_come_in_an_array_of_one() -> None:
    assert convert.unwrapped({"skills": [{"skillId": 1}]}) == {"skillId": 1}
    assert convert.unwrapped({"skillId": 1}) == {"skillId": 1}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 1, "name": "A", "isACW": True}, (1, "A", True)),
        ({"outStateId": "1", "outStateName": "A", "isAcw": False}, (1, "A", False)),
        ({"unavailableCodeId": 1, "unavailableCode": "A"}, (1, "A", True)),
        ({"id": 1, "name": "A", "isActive": False, "isACW": True}, (1, "A", False)),
    ],
)
def test_an_unavailable_code_is_read_whatever_its_version_calls_it(body: Any, expected: Any) -> None:
    found = convert.state(body)
    assert (found.id, found.name, found.usable) == expected


def test_a_list_is_what_goes_out_what_comes_in_and_then_its_order() -> None:
    order = Change(
        Verb.REORDER,
        assign("q", "x").address,
        before={"order": ("1", "2")},
        after={"order": ("3", "2")},
        parent="q",
    )
    off = Change(Verb.UNASSIGN, order.address, before={"code": "1"}, after={}, live_id="1", parent="q")
    assert new_order(("1", "2", "9"), (assign("q", "3"), order, off)) == ("3", "2", "9")
    assert new_order(("1", "2"), ()) == ("1", "2")


# ── what files say ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_codes_own_classification_counts_over_that_of_its_category() -> None:
    category = {"cxone_classification": "Other"}
    assert options.code_fields({}, category) == {"classification": "Other"}
    assert options.code_fields({"classification": "Negative"}, category) == {"classification": "Negative"}
    assert options.code_fields({"classification": "none", "preview": "true"}, category) == {
        "classification": None,
        "preview": True,
    }
    assert options.code_fields({}, {}) == {}
    assert options.code_fields({"colour": "red"}, category) == {}


def test_assignments_left_to_a_person_are_those_verbs() -> None:
    assert options.manual({"assignments": "manual"}) == {Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER}
    assert options.manual({}) == frozenset()


# ── hosts ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("endpoint", "region", "registered", "expected"),
    [
        (
            "",
            "eu1",
            False,
            Hosts("https://eu1.nice-incontact.com", likely="https://api-eu1.niceincontact.com"),
        ),
        ("", "eu1", True, Hosts(GLOBAL, likely="https://api-eu1.niceincontact.com")),
        (
            "https://api-ca1.niceincontact.com/",
            "",
            False,
            Hosts("https://ca1.nice-incontact.com", "https://api-ca1.niceincontact.com"),
        ),
        (
            "https://api-ca1.niceincontact.com",
            "",
            True,
            Hosts(GLOBAL, "https://api-ca1.niceincontact.com"),
        ),
        ("http://127.0.0.1:8080", "", False, Hosts("http://127.0.0.1:8080")),
    ],
)
def test_area_or_endpoint_say_where_the_login_and_the_api_are(
    endpoint: str,
    region: str,
    registered: bool,
    expected: Hosts,
) -> None:
    assert hosts(endpoint, region, registered=registered) == expected


@pytest.mark.parametrize(
    "endpoint",
    ["https://api.example.com", "https://niceincontact.com.evil.example", "https://evilniceincontact.com"],
)
def test_no_host_but_nices_gets_a_token(endpoint: str) -> None:
    with pytest.raises(UsageError, match="not a host of NICE CXone"):
        hosts(endpoint, "")


def test_an_unknown_area_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        hosts("", "eu9")
    assert "eu1" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "login", "fine"),
    [
        ("https://api-au1.niceincontact.com", "https://au1.nice-incontact.com", True),
        ("https://api-c5.nice-incontact.com/", "https://cxone.niceincontact.com", True),
        ("http://api-au1.niceincontact.com", "https://au1.nice-incontact.com", False),
        ("https://api.example.com", "https://au1.nice-incontact.com", False),
        ("https://api-au1.niceincontact.com/other", "https://au1.nice-incontact.com", False),
        ("https://u:p@api-au1.niceincontact.com", "https://au1.nice-incontact.com", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("http://127.0.0.1:9090", "http://127.0.0.1:8080", False),
        ("https://api-au1.niceincontact.com", "http://127.0.0.1:8080", False),
        ("nonsense", "https://au1.nice-incontact.com", False),
    ],
)
def test_a_discovery_may_not_send_a_token_elsewhere(url: str, login: str, fine: bool) -> None:
    if fine:
        assert trusted(url, login) == url.rstrip("/")
    else:
        with pytest.raises(TargetError, match="none of NICE CXone's"):
            trusted(url, login)


# ── logins ─────────────────────────────────────────────────────────────────────────────────────────────────

KEY = AccessKey("KEY", "s3cret-of-the-key")


def jwt(**claims: object) -> str:
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


def answered(**body: object) -> Reply:
    return Reply(200, {}, b"", value=body)


def finish(flow: Flow, reply: Reply | PlatformAnswer) -> tuple[Ask, Token]:
    ask = next(flow)
    assert isinstance(ask, Ask)
    with pytest.raises(StopIteration) as ended:
        flow.send(reply)
    token = ended.value.value
    assert isinstance(token, Token)
    return ask, token


@pytest.mark.parametrize("seconds", [3600, "3600"])
def test_an_access_key_is_a_login_of_its_own(seconds: object) -> None:
    reply = answered(access_token="abc", expires_in=seconds, id_token=jwt(tenantId="t-1", icClusterId="C5"))
    ask, token = finish(by_access_key("acme", KEY), reply)
    assert ask.call.operation == "POST /authentication/v1/token/access-key"
    assert json.loads(ask.call.body or b"") == {"accessKeyId": "KEY", "accessKeySecret": KEY.secret}
    assert ask.header == ""
    assert (token.value, token.seconds) == ("abc", 3300.0)
    assert token.claims["tenantId"] == "t-1"


def test_a_registered_application_logs_in_with_a_password_grant() -> None:
    flow = by_application("acme", Application("app", "its secret"), KEY)
    ask, token = finish(flow, answered(access_token="abc", expires_in=100))
    assert ask.call.operation == "POST /auth/token"
    assert ask.call.content_type == "application/x-www-form-urlencoded"
    assert (ask.call.body or b"").startswith(b"grant_type=password&username=KEY&password=")
    assert b"client_secret=its+secret" in (ask.call.body or b"")
    assert token.seconds == 50.0


@pytest.mark.parametrize(
    "reply",
    [
        PlatformAnswer("POST", 401, "invalid_grant", "no such key"),
        answered(token_type="Bearer"),
        answered(access_token="two words\n"),
    ],
)
def test_a_refused_login_names_the_org_and_never_the_secret(reply: Reply | PlatformAnswer) -> None:
    flow = by_access_key("acme", KEY)
    next(flow)
    with pytest.raises(Unauthorized) as caught:
        flow.send(reply)
    told = f"{caught.value.message} {caught.value.hint}"
    assert "login of acme" in told
    assert "access_key_secret" in told
    assert KEY.secret not in told
    assert KEY.secret not in repr(KEY) + repr(Application("a", "b"))


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b.c", "a.!!!.c", f"a.{urlsafe_b64encode(b'[1]').decode()}.c"]
)
def test_a_token_that_says_nothing_is_no_error(token: str) -> None:
    assert claims_of(token) == {}


# ── failures ───────────────────────────────────────────────────────────────────────────────────────────────


def says(status: int, message: str = "", kind: type[Answered] = Answered) -> Answered:
    return kind(PlatformAnswer("PUT /x", status, "Code", message))


UPDATE = update("1", {"name": "a"}, {"name": "b"})
WORK = set_acw("q", {"prompt": "none"}, {"prompt": "mandatory"})


@pytest.mark.parametrize(
    ("change", "error", "result", "fatal", "hint"),
    [
        (UPDATE, says(401, kind=Unauthorized), Result.REFUSED, True, ""),
        (UPDATE, says(403, kind=Forbidden), Result.REFUSED, True, "the right to change dispositions"),
        (WORK, says(403, kind=Forbidden), Result.REFUSED, False, "Skills Edit"),
        (UPDATE, says(429, kind=RateLimited), Result.BUSY, True, ""),
        (UPDATE, says(404), Result.STALE, False, "plan again"),
        (deactivate("1"), says(404), Result.DONE, False, ""),
        (assign("q", "1"), says(404), Result.STALE, False, "plan again"),
        (UPDATE, says(409), Result.REFUSED, False, "choose another"),
        (WORK, says(409), Result.BUSY, False, "stop the skill"),
        (WORK, says(400, "Invalid stateIdACW"), Result.REFUSED, False, "`state`"),
        (UPDATE, says(400), Result.REFUSED, False, ""),
        (create("a"), says(400, "already exists"), Result.EXISTS, False, ""),
        (UPDATE, says(500), Result.UNKNOWN, False, ""),
        (UPDATE, says(501), Result.REFUSED, False, ""),
        (UPDATE, says(408), Result.UNKNOWN, False, ""),
        (UPDATE, Unanswered("?"), Result.UNKNOWN, False, ""),
        (UPDATE, Unreachable("?"), Result.BUSY, True, ""),
        (UPDATE, TargetError("?"), Result.REFUSED, False, ""),
    ],
)
def test_a_failure_is_classified_by_what_was_tried(
    change: Change,
    error: TargetError,
    result: Result,
    fatal: bool,
    hint: str,
) -> None:
    outcome = failed(change, error)
    assert (outcome.id, outcome.result, outcome.fatal) == (change.id, result, fatal)
    assert hint in outcome.hint


@pytest.mark.parametrize(
    ("error", "result", "fatal"),
    [
        (says(403, kind=Forbidden), Result.REFUSED, False),
        (says(429, kind=RateLimited), Result.BUSY, True),
        (IncompleteRead("?"), Result.BUSY, False),
        (Unreachable("?"), Result.BUSY, True),
        (says(500), Result.BUSY, False),
    ],
)
def test_what_could_not_be_read_right_before_is_not_written(
    error: TargetError,
    result: Result,
    fatal: bool,
) -> None:
    outcome = unread(UPDATE, error)
    assert (outcome.result, outcome.fatal) == (result, fatal)


def test_an_item_that_a_batch_did_not_make_keeps_the_platforms_words() -> None:
    assert not_made(create("a"), "too odd", "POST /dispositions", 206).result is Result.REFUSED
    taken = not_made(
        create("a"), "A disposition with the name 'a' already exists.", "POST /dispositions", 206
    )
    assert taken.result is Result.EXISTS
    assert taken.answer is not None
    assert taken.answer.status == 206
