"""Salesforce without HTTP: options, queries, records in both directions, what answers mean."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wrapctl.errors import Answered, Forbidden, IncompleteRead, PlatformAnswer, Unanswered
from wrapctl.model import Address, Change, Fields, Verb
from wrapctl.rows import FROM_CRM, TO_CRM, Place
from wrapctl.targets.interface import Result
from wrapctl.targets.salesforce import convert
from wrapctl.targets.salesforce.capabilities import CAPABILITIES
from wrapctl.targets.salesforce.classify import failed, refused_row
from wrapctl.targets.salesforce.options import SalesforceConnection, SalesforceTarget, columns, wrong
from wrapctl.targets.salesforce.target import abilities

PLACE = Place("salesforce", "acme")
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
STAMP = "2026-01-31T10:00:00.000+0000"


def laid_out(**options: Any) -> convert.Layout:
    return convert.layout(PLACE, SalesforceTarget.model_validate({"object": "Map__c", **options}))


WHERE = laid_out()


# ── options ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("text", "version"), [("67.0", "67.0"), ("v67.0", "67.0"), ("v101.0", "101.0")])
def test_a_version_may_begin_with_a_v(text: str, version: str) -> None:
    assert SalesforceConnection.model_validate({"api_version": text}).api_version == version


@pytest.mark.parametrize("text", ["67", "67.5", "../v67.0", "v67.0/x", ""])
def test_anything_else_is_no_version(text: str) -> None:
    with pytest.raises(ValidationError):
        SalesforceConnection.model_validate({"api_version": text})


@pytest.mark.parametrize("name", ["", "a b", "Map__c WHERE Id != ''", "x'", "1a", "Parent__r.Name", "a" * 81])
@pytest.mark.parametrize("where", ["object", "key", "field"])
def test_only_api_names_get_into_a_query(name: str, where: str) -> None:
    given: dict[str, Any] = {"object": "Map__c"}
    if where == "field":
        given["fields"] = {"code": name}
    else:
        given[where] = name
    with pytest.raises(ValidationError):
        SalesforceTarget.model_validate(given)


def test_two_fields_never_land_in_one_column() -> None:
    for fields in ({"code": "Value__c"}, {"code": "mapping_key__c"}, {"value": "Id"}):
        with pytest.raises(ValidationError, match="twice"):
            SalesforceTarget.model_validate({"object": "Map__c", "fields": fields})


def test_a_field_may_be_renamed_or_left_out() -> None:
    kept = columns(
        SalesforceTarget.model_validate(
            {
                "object": "Map__c",
                "fields": {"code": "Wrap__c", "tags": None, "order": "none", "system": "Sys__c"},
            }
        )
    )
    assert (kept["code"], kept["system"]) == ("Wrap__c", "Sys__c")
    assert {"tags", "order"}.isdisjoint(kept)


def test_what_has_no_column_cannot_be_done_or_kept() -> None:
    whole = abilities(WHERE)
    assert (whole.verbs, whole.directions) == (CAPABILITIES.verbs, frozenset({TO_CRM, FROM_CRM}))
    less = abilities(laid_out(fields={"active": None, "status": None, "when": None}))
    assert Verb.DEACTIVATE_ROW not in less.verbs
    assert less.directions == {TO_CRM}
    assert "active" not in less.row_fields


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("value", "Won", ""),
        ("value", " Won", "off both ends"),
        ("description", "Long\n", "off both ends"),
        ("value", "x" * 256, "at most 255"),
        ("value", "😀" * 128, "has 256"),
        ("value", "😀" * 127, ""),
        ("description", "x" * 32_768, ""),
        ("tags", "a;b", "`;`"),
        ("code", " x", ""),
    ],
)
def test_texts_that_salesforce_would_change_are_refused_beforehand(field: str, text: str, why: str) -> None:
    found = wrong(field, text)
    assert why in found
    assert bool(found) == bool(why)


# ── queries ────────────────────────────────────────────────────────────────────────────────────────────────


def unquoted(literal: str) -> str:
    """Read a literal as SOQL does, by its documented escapes."""
    assert literal[0] == literal[-1] == "'"
    escapes = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
    inner = literal[1:-1]
    assert not re.search(r"(?<!\\)(?:\\\\)*'", inner), "a quote that ends the text"
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), inner, flags=re.DOTALL)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_ends_its_literal_and_each_is_read_as_it_was(text: str) -> None:
    assert unquoted(convert.text_literal(text)) == text


@given(TEXT)
def test_a_prefix_matches_itself_and_its_wildcards_only_themselves(prefix: str) -> None:
    literal = convert.prefix_literal(prefix)
    assert literal.endswith("%'")
    inner = literal[1:-2]
    assert not re.search(r"(?<!\\)(?:\\\\)*[%_]", inner), "a wildcard that is not escaped"
    assert re.sub(r"\\(.)", r"\1", inner) == prefix


@given(st.sets(TEXT.map(lambda text: f"to/{text}"), max_size=120))
def test_the_conditions_of_keys_name_each_once_and_fit_into_a_url(keys: set[str]) -> None:
    conditions = convert.by_keys(WHERE, keys, 50)
    named = [literal for one in conditions for literal in re.findall(r"'(?:[^'\\]|\\.)*'", one, re.DOTALL)]
    assert sorted(unquoted(literal) for literal in named) == sorted(WHERE.kept(key) for key in keys)
    assert all(len(quote(convert.query(WHERE, one), safe="")) < 10_000 for one in conditions)


def test_a_query_names_every_column_and_the_date_of_the_last_change() -> None:
    query = convert.query(laid_out(fields={"tags": None}), "x")
    assert query.startswith("SELECT Id, Mapping_Key__c, Direction__c, Code__c, ")
    assert query.endswith(", SystemModstamp FROM Map__c WHERE x")
    assert "Tags__c" not in query


# ── records ────────────────────────────────────────────────────────────────────────────────────────────────

texts = st.none() | TEXT
pairs = st.dictionaries(
    TEXT, st.sets(TEXT, min_size=1, max_size=3).map(lambda one: tuple(sorted(one))), max_size=3
)
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
        "tags": st.sets(TEXT.filter(lambda tag: ";" not in tag)).map(lambda found: tuple(sorted(found))),
        "duration_ms": st.none() | st.integers(0, 10**9),
        "order": st.none() | st.integers(1, 10**6),
        "active": st.booleans(),
    }
)


@given(rows)
def test_a_row_comes_back_from_its_record_as_it_was(row: Fields) -> None:
    record = convert.new_record(WHERE, {**row, "key": "to/SALE"})
    assert record.pop("attributes") == {"type": "Map__c"}
    live = convert.live_row(WHERE, {**record, "Id": "a01", "SystemModstamp": STAMP})
    assert live.fields == {**row, "key": "to/SALE"}
    assert (live.key, live.id, live.mine) == ("to/SALE", "a01", True)
    assert live.token == "Sat, 31 Jan 2026 10:00:00 GMT"


@given(rows, rows)
def test_a_change_writes_the_members_that_differ_and_no_others(before: Fields, after: Fields) -> None:
    members = convert.changed_members(WHERE, before, after)
    assert members.keys() == {WHERE.columns[name] for name in after if before[name] != after[name]}


def test_a_rule_longer_than_the_key_is_known_again_by_its_status() -> None:
    status = "CASE CLOSED " * 20
    row: Fields = {
        "key": f"from/status={status.replace(' ', '%20')}",
        "direction": FROM_CRM,
        "status": status,
    }
    record = convert.new_record(WHERE, row)
    assert len(str(record["Mapping_Key__c"])) == 255
    live = convert.live_row(WHERE, {**record, "Id": "a01", "SystemModstamp": STAMP})
    assert live.key == row["key"]


def test_a_record_of_somebody_else_keeps_its_key_and_one_without_is_named_by_its_id() -> None:
    for kept, key in (("legacy-7", "legacy-7"), (None, "a02"), ("acme/other/to/A", "acme/other/to/A")):
        live = convert.live_row(WHERE, {"Id": "a02", "Mapping_Key__c": kept, "SystemModstamp": STAMP})
        assert (live.key, live.mine) == (key, False)


@pytest.mark.parametrize(
    ("column", "value", "field", "expected"),
    [
        ("Duration_Seconds__c", 300.0, "duration_ms", 300_000),
        ("Duration_Seconds__c", 1.5, "duration_ms", 1_500),
        ("Order__c", 3.0, "order", 3),
        ("Order__c", "three", "order", "three"),
        ("Order__c", float("inf"), "order", "inf"),
        ("Active__c", None, "active", False),
        ("Active__c", "true", "active", False),
        ("Description__c", "a\r\nb", "description", "a\nb"),
        ("Value__c", "", "value", None),
        ("Value__c", 12, "value", "12"),
        ("Tags__c", "b;a;;a", "tags", ("a", "b")),
        ("Tags__c", None, "tags", ()),
        ("Conditions__c", "hand made", "when", "hand made"),
        ("Translations__c", "[]", "translations", "[]"),
    ],
)
def test_whatever_a_column_holds_can_be_read(
    column: str, value: object, field: str, expected: object
) -> None:
    live = convert.live_row(WHERE, {"Id": "a", "SystemModstamp": STAMP, column: value})
    assert live.fields[field] == expected


@pytest.mark.parametrize(
    "record", [{"SystemModstamp": STAMP}, {"Id": "a"}, {"Id": "a", "SystemModstamp": "soon"}]
)
def test_a_record_that_could_not_be_written_under_a_lock_is_no_record(record: dict[str, object]) -> None:
    with pytest.raises(IncompleteRead):
        convert.live_row(WHERE, record)


@pytest.mark.parametrize(
    ("stamp", "date"),
    [
        (STAMP, "Sat, 31 Jan 2026 10:00:00 GMT"),
        ("2026-01-31T12:00:00.999+0200", "Sat, 31 Jan 2026 10:00:00 GMT"),
        ("2026-01-31T10:00:00Z", "Sat, 31 Jan 2026 10:00:00 GMT"),
        ("2026-01-31T10:00:00", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_a_date_becomes_one_of_http_or_none(stamp: object, date: str) -> None:
    assert convert.http_date(stamp) == date


# ── what answers mean ──────────────────────────────────────────────────────────────────────────────────────


def change(verb: Verb = Verb.UPDATE_ROW) -> Change:
    return Change(verb, Address("acme/crm/salesforce/to%2FA"), {}, {"key": "to/A"}, system="salesforce")


@pytest.mark.parametrize(
    ("verb", "status", "code", "result"),
    [
        (Verb.UPDATE_ROW, 412, "", Result.STALE),
        (Verb.DEACTIVATE_ROW, 404, "NOT_FOUND", Result.STALE),
        (Verb.DELETE_ROW, 404, "ENTITY_IS_DELETED", Result.DONE),
        (Verb.CREATE_ROW, 404, "NOT_FOUND", Result.REFUSED),
        (Verb.UPDATE_ROW, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Result.REFUSED),
        (Verb.UPDATE_ROW, 400, "UNABLE_TO_LOCK_ROW", Result.BUSY),
        (Verb.CREATE_ROW, 400, "DUPLICATE_VALUE", Result.EXISTS),
        (Verb.UPDATE_ROW, 400, "DUPLICATE_VALUE", Result.REFUSED),
        (Verb.CREATE_ROW, 500, "UNKNOWN_EXCEPTION", Result.UNKNOWN),
        (Verb.UPDATE_ROW, 503, "", Result.UNKNOWN),
    ],
)
def test_each_answer_is_classified(verb: Verb, status: int, code: str, result: Result) -> None:
    outcome = failed(change(verb), Answered(PlatformAnswer("PATCH /x", status, code, "words", "r")))
    assert (outcome.result, outcome.fatal) == (result, False)
    if result not in {Result.DONE, Result.EXISTS, Result.UNKNOWN}:
        assert outcome.hint


def test_a_missing_right_is_refused_with_what_to_grant() -> None:
    outcome = failed(
        change(Verb.DELETE_ROW), Forbidden(PlatformAnswer("DELETE /x", 403, "INSUFFICIENT_ACCESS"))
    )
    assert outcome.result is Result.REFUSED
    assert "run-as user delete rows" in outcome.hint


def test_no_answer_leaves_it_open() -> None:
    assert failed(change(), Unanswered("sent")).result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("errors", "result", "words"),
    [
        (
            [{"statusCode": "STRING_TOO_LONG", "message": "too large", "fields": ["A__c"]}],
            Result.REFUSED,
            "too large (fields: A__c)",
        ),
        ([{"errorCode": "X", "message": "one"}, {"message": "two"}], Result.REFUSED, "one; two"),
        ([{"statusCode": "DUPLICATE_VALUE", "message": "there"}], Result.EXISTS, "there"),
        ([{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}], Result.BUSY, "locked"),
        ([{"statusCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "no"}], Result.REFUSED, "no"),
        ("nonsense", Result.REFUSED, "no reason is given"),
        ([3, {"fields": "x"}], Result.REFUSED, ""),
    ],
)
def test_a_row_that_a_collection_refused_is_told_in_its_words(
    errors: object, result: Result, words: str
) -> None:
    outcome = refused_row(change(Verb.CREATE_ROW), "upsert", {"errors": errors}, "r-1")
    assert outcome.result is result
    assert words in outcome.message
    assert outcome.answer is not None
