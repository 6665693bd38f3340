"""Dataverse without HTTP: whose rows, what is written, what YAML may say."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Lock, Verb
from wrapctl.rows import Place
from wrapctl.targets.dataverse import convert
from wrapctl.targets.dataverse.capabilities import CAPABILITIES
from wrapctl.targets.dataverse.options import DataverseConnection, DataverseTarget, wrong

PLACE = Place("crm", "acme")
BY_VALUE, BY_DESCRIPTION = DataverseTarget(), DataverseTarget(name="description")
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def body(value: str | None = "Won", **other: object) -> convert.Body:
    return {
        "@odata.etag": 'W/"7"',
        "msdyn_ocdispositioncodeid": convert.row_id(PLACE, value or "", {}),
        "msdyn_name": value,
        "msdyn_dispositioncodevalue": value,
        "statecode": 0,
        "statuscode": 1,
        "ismanaged": False,
        **other,
    }


# ── whose rows ─────────────────────────────────────────────────────────────────────────────────────────────


@given(TEXT, st.sampled_from(["acme", "acme-emea", "a"]), st.sampled_from(["crm", "Dynamics 365", "é"]))
def test_an_id_is_a_uuid_of_version_8_that_says_whose_row_it_is(value: str, owner: str, system: str) -> None:
    place = Place(system, owner)
    made = convert.row_id(place, value, {})
    parsed = uuid.UUID(made)
    assert (str(parsed), parsed.version, parsed.variant) == (made, 8, uuid.RFC_4122)
    assert convert.is_mine(place, made)
    assert convert.is_mine(place, made.upper())
    assert not convert.is_mine(Place(system, owner + "x"), made)
    assert made == convert.row_id(place, value, {made: value})


@given(st.lists(TEXT, min_size=2, max_size=20, unique=True))
def test_different_values_have_different_ids_whatever_their_unicode_form(values: list[str]) -> None:
    assert len({convert.row_id(PLACE, value, {}) for value in values}) == len(values)


def test_composed_and_decomposed_letters_are_two_values() -> None:
    assert convert.row_id(PLACE, "Trait\u00e9", {}) != convert.row_id(PLACE, "Traite\u0301", {})


def test_a_value_comes_back_under_a_new_id_when_its_old_one_was_renamed_away() -> None:
    first = convert.row_id(PLACE, "Won", {})
    second = convert.row_id(PLACE, "Won", {first: "Closed"})
    third = convert.row_id(PLACE, "Won", {first: "Closed", second: "Lost"})
    assert len({first, second, third}) == 3
    assert all(convert.is_mine(PLACE, one) for one in (second, third))


@pytest.mark.parametrize(
    "other", ["", "x", "f58a6113-ea48-4be8-8c21-7ba1e446b724", "8" * 36, str(uuid.UUID(int=0))]
)
def test_any_other_id_is_somebody_elses(other: str) -> None:
    assert not convert.is_mine(PLACE, other)


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_in_normal_form() -> None:
    row = convert.live_row(body(), PLACE, BY_VALUE)
    assert (row.key, row.mine, row.token) == ("value/Won", True, 'W/"7"')
    assert row.fields == {"key": "value/Won", "system": "crm", "value": "Won", "active": True}
    assert set(row.fields) == convert.fields_kept(BY_VALUE)


def test_rows_of_managed_solutions_are_never_ours_whatever_their_id() -> None:
    assert not convert.live_row(body(ismanaged=True), PLACE, BY_VALUE).mine


def test_a_row_without_a_value_satisfies_no_mapping() -> None:
    row = convert.live_row(body(None, msdyn_name="Won"), PLACE, BY_VALUE)
    assert row.fields["value"] is None
    assert row.key.startswith("value/~")


def test_the_name_is_the_description_where_the_mapping_says_so() -> None:
    named = convert.live_row(body(msdyn_name="Deal won"), PLACE, BY_DESCRIPTION)
    bare = convert.live_row(body(), PLACE, BY_DESCRIPTION)
    assert (named.fields["description"], bare.fields["description"]) == ("Deal won", None)
    assert set(named.fields) == convert.fields_kept(BY_DESCRIPTION)


@pytest.mark.parametrize(
    "broken", [{"@odata.etag": None}, {"@odata.etag": "*"}, {"msdyn_ocdispositioncodeid": ""}]
)
def test_a_row_that_could_not_be_locked_or_found_again_is_no_row(broken: dict[str, object]) -> None:
    with pytest.raises(IncompleteRead, match="Dataverse sent"):
        convert.live_row(body() | broken, PLACE, BY_VALUE)


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_row_carries_name_and_value_and_no_state() -> None:
    fields: Fields = {"value": "Won", "description": "Deal won", "active": True}
    assert convert.new_body(fields, BY_VALUE) == {"msdyn_name": "Won", "msdyn_dispositioncodevalue": "Won"}
    assert convert.new_body(fields, DataverseTarget(name="description", all_workstreams=True)) == {
        "msdyn_name": "Deal won",
        "msdyn_dispositioncodevalue": "Won",
        "msdyn_appliestoallworkstreams": True,
    }


@pytest.mark.parametrize(
    ("after", "sent"),
    [
        ({"active": False}, {"statecode": 1, "statuscode": 2}),
        ({"value": "Lost"}, {"msdyn_name": "Lost", "msdyn_dispositioncodevalue": "Lost"}),
        ({"value": "Won"}, {}),
    ],
)
def test_only_columns_that_differ_are_sent(after: Fields, sent: convert.Body) -> None:
    before: Fields = {"value": "Won", "active": True}
    assert convert.changed_body(before, {**before, **after}, BY_VALUE) == sent


def test_coming_back_names_state_and_status() -> None:
    before: Fields = {"value": "Won", "active": False}
    assert convert.changed_body(before, {**before, "active": True}, BY_VALUE) == {
        "statecode": 0,
        "statuscode": 1,
    }


@given(TEXT, st.none() | TEXT, st.booleans(), st.sampled_from([BY_VALUE, BY_DESCRIPTION]))
def test_what_is_written_reads_back_as_it_was_wanted(
    value: str, description: str | None, active: bool, options: DataverseTarget
) -> None:
    if description == value:
        return  # refused by the writer: nothing tells it from no description
    wanted: Fields = {"value": value, "description": description, "active": active}
    stored = body(value, **{"statecode": 0, **convert.new_body(wanted, options)})
    row = convert.live_row(stored, PLACE, options)
    kept = {name: text for name, text in wanted.items() if name in row.fields}
    assert {name: row.fields[name] for name in kept} == kept


# ── what YAML may say ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given_options",
    [
        {"tenant": "a b"},
        {"tenant": "../x"},
        {"tenant": ""},
        {"login": "http://login.microsoftonline.com"},
        {"login": "https://login.microsoftonline.com.evil.example"},
        {"login": "https://login.microsoftonline.com/x"},
        {"login": "https://u:p@login.microsoftonline.com"},
        {"unknown": "x"},
    ],
)
def test_a_secret_goes_to_no_login_but_microsofts(given_options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DataverseConnection.model_validate(given_options)


def test_national_clouds_have_logins_of_their_own() -> None:
    options = DataverseConnection.model_validate(
        {"tenant": "acme.onmicrosoft.us", "login": "https://login.microsoftonline.us/"}
    )
    assert options.login == "https://login.microsoftonline.us"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 100, ""),
        ("🎉" * 50, ""),
        ("🎉" * 51, "at most 100 characters, this one has 102"),
        ("x" * 101, "this one has 101"),
        ("two\nlines", "U+000A"),
        ("  ", "blank"),
        ('O\'Brien, "50 %" ^ Traité', ""),
    ],
)
def test_values_that_do_not_fit_are_said_before_anything_is_sent(text: str, why: str) -> None:
    found = wrong("value", text)
    assert (why in found) if why else found == ""


def test_descriptions_are_judged_where_they_are_kept() -> None:
    assert wrong("description", "x" * 5000) == ""


def test_the_locks_are_those_that_the_server_keeps() -> None:
    assert {verb: CAPABILITIES.lock(verb) for verb in CAPABILITIES.verbs} == {
        Verb.CREATE_ROW: Lock.UNIQUE,
        Verb.UPDATE_ROW: Lock.CONDITIONAL,
        Verb.DEACTIVATE_ROW: Lock.CONDITIONAL,
        Verb.DELETE_ROW: Lock.CONDITIONAL,
    }
