"""A row's template and the options of an HTTP endpoint, without HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wrapctl.config.values import Wrong
from wrapctl.errors import Answered, IncompleteRead, PlatformAnswer
from wrapctl.model import Address, Change, Fields, Lock, Value, Verb
from wrapctl.rows import FROM_CRM, TO_CRM, Place, alike
from wrapctl.targets.http_rows import convert, template
from wrapctl.targets.http_rows.capabilities import abilities
from wrapctl.targets.http_rows.classify import failed
from wrapctl.targets.http_rows.options import DEFAULT_BODY, HttpConnection, HttpTarget, write_path
from wrapctl.targets.interface import Result

PLACE = Place("desk", "acme")
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
WHEN = "2026-01-31T12:00:00Z"


def options(**given: Any) -> HttpTarget:
    return HttpTarget.model_validate(given)


def laid_out(**given: Any) -> convert.Layout:
    return convert.layout(PLACE, options(**given))


def body(members: dict[str, object], row: Fields) -> dict[str, object]:
    return template.filled(template.members_of(members), row, "acme/desk/to/SALE", WHEN)


# ── the template ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_default_body_is_the_one_of_the_issue() -> None:
    row: Fields = {"code": "SALE", "category": None, "value": "Won"}
    assert body(DEFAULT_BODY, row) == {
        "wrapUpCode": "SALE",
        "category": None,
        "crmDisposition": "Won",
        "syncTimestamp": WHEN,
    }


def test_a_member_that_is_one_placeholder_has_its_json_type_and_others_are_text() -> None:
    row: Fields = {
        "active": False,
        "order": 3,
        "duration_ms": 90_000,
        "tags": ("a", "b"),
        "when": (("Reason", ("Spam",)),),
        "translations": (("de", "Gewonnen", None),),
        "value": "Won",
        "code": "SALE",
    }
    members: dict[str, object] = {
        "on": "{active}",
        "place": "{order}",
        "acw": "{duration_seconds}",
        "labels": "{tags}",
        "rule": {"if": "{when}", "n": "rule {order}", "on": "{active}!"},
        "words": "{translations}",
        "both": "{code}: {value} {{kept}}",
        "fixed": "wrapctl",
        "none": "",
        "id": "{key}",
    }
    assert body(members, row) == {
        "on": False,
        "place": 3,
        "acw": 90,
        "labels": ["a", "b"],
        "rule": {"if": {"Reason": ["Spam"]}, "n": "rule 3", "on": "false!"},
        "words": {"de": {"value": "Gewonnen", "description": None}},
        "both": "SALE: Won {kept}",
        "fixed": "wrapctl",
        "none": "",
        "id": "acme/desk/to/SALE",
    }


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"a": "{vaule}"}, "did you mean `value`"),
        ({"a": "{}"}, "no placeholder"),
        ({"a": "{value"}, "no placeholder"),
        ({"a": "value}"}, "no placeholder"),
        ({"a": {"b": "{nope!}"}}, "a.b: "),
        ({"a": "tags: {tags}"}, "cannot stand within a text"),
        ({"a": ["{value}"]}, "no text"),
        ({"a": {}}, "no text"),
        ({}, "without members"),
    ],
)
def test_a_template_that_makes_no_sense_is_refused(members: dict[str, object], why: str) -> None:
    with pytest.raises(Wrong) as caught:
        template.members_of(members)
    assert why in f"{caught.value} ({caught.value.hint})"


FULL: dict[str, object] = {
    "direction": "{direction}",
    "code": "{code}",
    "ref": "urn:code:{code_id}",
    "value": "{value}",
    "status": "{status}",
    "when": "{when}",
    "about": {"text": "({description})", "words": "{translations}", "kind": "{category}"},
    "tags": "{tags}",
    "acw": "{duration_seconds} s",
    "place": "{order}",
    "on": "{active}",
}
texts = st.none() | TEXT
pairs = st.dictionaries(TEXT, st.sets(TEXT, min_size=1).map(lambda one: tuple(sorted(one))), max_size=3)
rows = st.fixed_dictionaries(
    {
        "direction": st.sampled_from([TO_CRM, FROM_CRM]),
        "code": TEXT,
        "code_id": texts,
        "value": texts,
        "status": texts,
        "when": pairs.map(lambda found: tuple(sorted(found.items()))),
        "description": texts,
        "translations": st.dictionaries(st.sampled_from(["de", "fr"]), st.tuples(TEXT, texts)).map(
            lambda found: tuple((language, *words) for language, words in sorted(found.items()))
        ),
        "category": texts,
        "tags": st.sets(TEXT).map(lambda found: tuple(sorted(found))),
        "duration_ms": st.none() | st.integers(0, 10**9),
        "order": st.none() | st.integers(1, 10**6),
        "active": st.booleans(),
    }
)


@given(rows)
def test_a_row_comes_back_from_its_body_as_it_was(row: Fields) -> None:
    members = template.members_of(FULL)
    found = template.read(members, template.filled(members, row, "k", WHEN))
    assert set(found) == set(row)
    assert {name for name in row if not alike(found[name], row[name])} == set()


@pytest.mark.parametrize(
    ("member", "live", "field", "expected"),
    [
        ("{value}", 12, "value", "12"),
        ("{value}", {"a": 1}, "value", '{"a":1}'),
        ("{value}", True, "value", "true"),
        ("{active}", "true", "active", True),
        ("{active}", 1, "active", True),
        ("{active}", None, "active", False),
        ("{order}", "7", "order", 7),
        ("{order}", "seven", "order", "seven"),
        ("{order}", [], "order", "[]"),
        ("{duration_seconds}", 1.5, "duration_ms", 1500),
        ("{tags}", ["b", "a", "a"], "tags", ("a", "b")),
        ("{tags}", "a", "tags", "a"),
        ("{when}", {"a": "b"}, "when", '{"a":"b"}'),
        ("<{value}>", "<Won>", "value", "Won"),
        ("<{value}>", "Won", "value", "Won"),
        ("<{value}>", "<>", "value", None),
        ("aba{value}aba", "aba", "value", "aba"),
        ("{active}!", "true!", "active", True),
    ],
)
def test_whatever_a_member_holds_can_be_read(member: str, live: object, field: str, expected: Value) -> None:
    assert template.read(template.members_of({"m": member}), {"m": live}) == {field: expected}


def test_a_field_that_stands_twice_is_read_from_its_first_member() -> None:
    members = template.members_of({"a": "{value}", "b": "{value}"})
    assert template.read(members, {"a": "one", "b": "two"}) == {"value": "one"}


# ── options ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given",
    [
        {"path": "rows"},
        {"path": "/rows?x=y"},
        {"path": "/rows/../admin"},
        {"path": "/./rows"},
        {"path": "/ro ws"},
        {"path": "/rows/{key}"},
        {"write_path": "/rows/{id}"},
        {"write_path": "//evil.example/{key}"},
        {"method": "GET"},
        {"next": ""},
        {"rows": "a..b"},
        {"unknown": "x"},
        {"body": "text"},
        {"prefix": "x"},
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(**given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"body": {"a": "{code} {value}", "c": "{code}"}}, "{value} stands only"),
        ({"method": "POST"}, "must tell the row's key"),
        ({"create": "POST"}, "must tell the row's key"),
        ({"write_path": "/rows/all"}, "which row it is about"),
    ],
)
def test_a_template_whose_changes_could_not_be_seen_or_found_is_refused(
    given: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        options(**given)
    assert options(**given, send_only="true").send_only


def test_rows_are_written_below_the_listing_unless_they_are_posted() -> None:
    keyed = {**DEFAULT_BODY, "id": "{key}"}
    assert write_path(options(path="/api/rows")) == "/api/rows/{key}"
    assert write_path(options(path="/api/rows", method="POST", body=keyed)) == "/api/rows"
    assert write_path(options(path="/api/rows", write_path="/x/{key}/y")) == "/x/{key}/y"


@pytest.mark.parametrize(
    "url", ["login.example.com", "https://x", "https://u:p@x/t", "https://x/t?a=b", "ftp://x/t"]
)
def test_a_token_url_is_a_host_and_a_path(url: str) -> None:
    with pytest.raises(ValidationError):
        HttpConnection.model_validate({"token_url": url})
    assert HttpConnection.model_validate({"token_url": "https://x.example/a/token"}).token_url


def able(**given: Any) -> tuple[set[Verb], frozenset[str], Lock]:
    where = laid_out(**given)
    can = abilities(where.options, where.members)
    return (
        set(can.verbs),
        can.directions,
        can.lock(Verb.UPDATE_ROW if not where.options.send_only else Verb.CREATE_ROW),
    )


def test_what_the_template_and_the_options_allow_is_what_a_system_can_do() -> None:
    create, update = Verb.CREATE_ROW, Verb.UPDATE_ROW
    deactivate, delete = Verb.DEACTIVATE_ROW, Verb.DELETE_ROW
    both = frozenset({TO_CRM, FROM_CRM})
    rules = {"on": "{active}", "if": "{when}", "id": "{key}"}
    assert able() == ({create, update, delete}, frozenset({TO_CRM}), Lock.COMPARE)
    assert able(body=rules, etag="true") == ({create, update, deactivate, delete}, both, Lock.CONDITIONAL)
    assert able(body=rules, method="POST") == ({create, update, deactivate}, both, Lock.COMPARE)
    assert able(send_only="true") == ({create}, frozenset({TO_CRM}), Lock.SENT)


# ── listings ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({}, {"rows": [{"a": 1}]}),
        ({}, [{"a": 1}]),
        ({"rows": "data.items"}, {"data": {"items": [{"a": 1}]}}),
    ],
)
def test_rows_are_found_where_the_options_say(given: dict[str, Any], answer: object) -> None:
    assert convert.listed(laid_out(**given), answer) == [{"a": 1}]


@pytest.mark.parametrize("answer", [{}, {"rows": {}}, {"rows": [1]}, {"items": []}, "x", None])
def test_an_answer_without_rows_is_an_error_and_not_an_empty_list(answer: object) -> None:
    with pytest.raises(IncompleteRead, match="no list of rows"):
        convert.listed(laid_out(), answer)


@pytest.mark.parametrize(
    ("told", "query"),
    [
        (None, None),
        ("", None),
        (False, None),
        ("abc=", (("limit", "5"), ("cursor", "abc="))),
        (2, (("limit", "5"), ("cursor", "2"))),
        ("?page=2", (("page", "2"),)),
        ("/rows?page=2&x=", (("page", "2"), ("x", ""))),
        ("https://api.example.com/rows?page=2", (("page", "2"),)),
    ],
)
def test_the_next_page_is_a_cursor_or_an_address_of_the_listing(told: object, query: object) -> None:
    where = laid_out(query={"limit": "5"})
    assert convert.next_query(where, {"rows": [], "next": told}, "api.example.com") == query


@pytest.mark.parametrize(
    "told", ["https://evil.example/rows?page=2", "//evil.example/rows", "/admin", True, {}, ["x"]]
)
def test_a_next_page_elsewhere_is_an_error(told: object) -> None:
    with pytest.raises(IncompleteRead):
        convert.next_query(laid_out(), {"next": told}, "api.example.com")


@pytest.mark.parametrize("row", [{}, {"key": ""}, {"key": 7}])
def test_a_row_without_its_key_is_nobodys(row: dict[str, object]) -> None:
    with pytest.raises(IncompleteRead) as caught:
        convert.live_row(laid_out(), row)
    assert "target.key_member" in caught.value.hint


def test_key_and_etag_are_where_the_options_say() -> None:
    where = laid_out(key_member="meta.id", etag_member="meta.version")
    live = convert.live_row(where, {"meta": {"id": "acme/desk/to/A", "version": 'W/"1"'}, "etag": "no"})
    assert (live.key, live.mine, live.id, live.token) == ("to/A", True, "acme/desk/to/A", 'W/"1"')
    assert convert.live_row(laid_out(), {"key": "k", "@etag": '"2"'}).token == '"2"'
    assert convert.live_row(laid_out(), {"key": "k", "etag": "*"}).token == ""


def change(verb: Verb = Verb.UPDATE_ROW, digest: str = "d") -> Change:
    return Change(verb, Address("acme/crm/desk/to%2FA"), {}, {"key": "to/A"}, system="desk", digest=digest)


def test_an_idempotency_key_is_of_one_change_in_one_run() -> None:
    key = convert.idempotency_key("n", change())
    assert key == convert.idempotency_key("n", change())
    others = {
        convert.idempotency_key("m", change()),
        convert.idempotency_key("n", change(digest="e")),
        convert.idempotency_key("n", change(Verb.DELETE_ROW)),
    }
    assert key not in others
    assert len(others) == 3
    assert key.isalnum()


@pytest.mark.parametrize(
    ("verb", "status", "result"),
    [
        (Verb.CREATE_ROW, 409, Result.EXISTS),
        (Verb.CREATE_ROW, 412, Result.EXISTS),
        (Verb.CREATE_ROW, 404, Result.REFUSED),
        (Verb.UPDATE_ROW, 409, Result.STALE),
        (Verb.UPDATE_ROW, 412, Result.STALE),
        (Verb.UPDATE_ROW, 404, Result.STALE),
        (Verb.UPDATE_ROW, 428, Result.REFUSED),
        (Verb.UPDATE_ROW, 423, Result.BUSY),
        (Verb.UPDATE_ROW, 405, Result.REFUSED),
        (Verb.DELETE_ROW, 410, Result.DONE),
        (Verb.UPDATE_ROW, 422, Result.REFUSED),
        (Verb.UPDATE_ROW, 502, Result.UNKNOWN),
    ],
)
def test_each_answer_is_classified(verb: Verb, status: int, result: Result) -> None:
    outcome = failed(change(verb), Answered(PlatformAnswer("PUT /rows/{key}", status, "", "words", "r")))
    assert outcome.result is result
    assert outcome.request_id == "r"
