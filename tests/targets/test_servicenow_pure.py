"""ServiceNow without HTTP: whose rows, what is written, what an upsert says, what YAML may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Lock
from wrapctl.rows import Place, alike
from wrapctl.targets.servicenow import convert
from wrapctl.targets.servicenow.capabilities import CAPABILITIES
from wrapctl.targets.servicenow.options import Columns, ServicenowTarget, wrong
from wrapctl.targets.value_list import folded

PLACE = Place("crm", "acme")
MARK = "[wrapctl:acme/crm]"
COLUMNS = Columns()
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


def body(code: str = "Won", description: str = f"About it {MARK}", **other: object) -> convert.Body:
    return {
        "sys_id": "a" * 32,
        "sys_mod_count": "3",
        "code": code,
        "description": description,
        "active": "true",
        **other,
    }


# ── whose rows ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_in_normal_form_is_without_its_mark() -> None:
    row = convert.live_row(body(), PLACE, COLUMNS)
    assert (row.key, row.mine, row.token) == ("value/Won", True, "3")
    assert row.fields == {
        "key": "value/Won",
        "system": "crm",
        "value": "Won",
        "description": "About it",
        "active": True,
    }
    assert set(row.fields) == convert.FIELDS_KEPT


@pytest.mark.parametrize(
    "description",
    ["", "About it", f"{MARK} in front", "x [wrapctl:acme/other]", "x [wrapctl:other/crm]", f"x{MARK}"],
)
def test_without_the_mark_at_its_end_a_row_is_somebody_elses(description: str) -> None:
    row = convert.live_row(body(description=description), PLACE, COLUMNS)
    assert not row.mine
    assert row.fields["description"] == (description or None)


@given(st.none() | TEXT)
def test_a_description_comes_back_from_behind_its_mark(description: str | None) -> None:
    stored = convert.marked(description, PLACE)
    assert stored.endswith(MARK)
    text, mine = convert.unmarked(stored, PLACE)
    assert mine
    assert alike(text, description)


@given(TEXT.filter(bool), st.none() | TEXT, st.booleans())
def test_what_the_table_is_told_reads_back_as_it_was_wanted(
    value: str, description: str | None, active: bool
) -> None:
    wanted: Fields = {"value": value, "description": description, "active": active}
    stored = {"sys_id": "x", "sys_mod_count": "0", **convert.table_body(wanted, PLACE, COLUMNS)}
    row = convert.live_row(stored, PLACE, COLUMNS)
    assert row.mine
    assert all(alike(row.fields[name], wanted[name]) for name in wanted)


def test_line_breaks_of_the_instance_are_no_drift() -> None:
    row = convert.live_row(body(description=f"one\r\ntwo {MARK}"), PLACE, COLUMNS)
    assert row.fields["description"] == "one\ntwo"


@pytest.mark.parametrize("missing", ["code", "description", "active", "sys_mod_count"])
def test_a_column_that_does_not_come_is_an_error_and_not_an_empty_one(missing: str) -> None:
    row = body()
    del row[missing]
    with pytest.raises(IncompleteRead, match=missing) as caught:
        convert.live_row(row, PLACE, COLUMNS)
    assert "columns" in caught.value.hint


def test_columns_of_another_name_are_read_and_written() -> None:
    columns = Columns(code="u_label", active="u_on")
    row = convert.live_row(body() | {"u_label": "Lost", "u_on": "false"}, PLACE, columns)
    assert (row.fields["value"], row.fields["active"]) == ("Lost", False)
    assert convert.table_body({"value": "X", "active": False}, PLACE, columns) == {
        "u_label": "X",
        "description": MARK,
        "u_on": "false",
    }


# ── what is sent ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_item_carries_everything_that_the_row_keeps_and_its_translations() -> None:
    fields: Fields = {
        "value": "Won",
        "description": "About it",
        "active": True,
        "translations": (("de", "Gewonnen", "Darüber"), ("fr", "Gagné", None)),
    }
    assert convert.upsert_item(fields, PLACE) == {
        "code": "Won",
        "description": f"About it {MARK}",
        "active": True,
        "translations": [
            {"language": "de", "code": "Gewonnen", "description": "Darüber"},
            {"language": "fr", "code": "Gagné", "description": "About it"},
        ],
    }


def test_a_translation_always_has_a_description_because_the_row_has_one() -> None:
    fields: Fields = {"value": "Won", "translations": (("de", "Gewonnen", None),)}
    (translation,) = convert.upsert_item(fields, PLACE)["translations"]
    assert translation["description"] == "Gewonnen"


# ── what an upsert says ────────────────────────────────────────────────────────────────────────────────────


def answered(message: str = "", stored: tuple[str, ...] = (), **more: object) -> dict[str, object]:
    rows = [{"code": code, "sys_id": f"id of {code}", "active": True} for code in stored]
    result_map: dict[str, object] = {"created_wrap_up_codes": rows, **more}
    return {"result": {"message": message, "success": not more, "result_map": result_map}}


def test_what_was_stored_is_known_by_its_label() -> None:
    said = convert.said(answered("All of them", ("A", "B")), ["A", "B"], partly=False)
    assert said.stored == {"A": "id of A", "B": "id of B"}
    assert said.refused == {}


def test_a_message_that_names_labels_says_what_was_refused_each_with_its_words() -> None:
    message = "Some stored. Validation errors: Sale: no such luck; Sale lost: the label is taken"
    said = convert.said(answered(message, ("Other",)), ["Sale", "Sale lost", "Other", "Silent"], partly=True)
    assert said.refused == {"Sale": "no such luck", "Sale lost": "the label is taken"}
    assert "Silent" not in said.stored


def test_a_label_inside_of_another_is_not_named() -> None:
    said = convert.said(answered("Refused: Sale lost: no such luck"), ["Sale", "Sale lost"], partly=True)
    assert set(said.refused) == {"Sale lost"}


def test_where_hardly_anything_is_said_of_one_label_the_whole_message_counts() -> None:
    said = convert.said(answered("the labels A, B are too short"), ["A", "B"], partly=True)
    assert said.refused["A"] == "the labels A, B are too short"


def test_the_message_of_a_whole_success_refuses_nothing() -> None:
    assert convert.said(answered("All codes stored"), ["codes"], partly=False).refused == {}


@pytest.mark.parametrize(
    "more",
    [
        {"errors": [{"code": "A", "message": "no such luck"}]},
        {"failed_wrap_up_codes": [{"code": "A", "sys_id": "x", "error": {"message": "no such luck"}}]},
        {"rejected": ["A: no such luck"]},
        {"validation_errors": {"A": "no such luck"}},
    ],
)
def test_refusals_are_found_wherever_an_instance_puts_them(more: dict[str, object]) -> None:
    said = convert.said(answered("Some", ("B",), **more), ["A", "B"], partly=True)
    assert "no such luck" in said.refused["A"]
    assert set(said.stored) == {"B"}


@pytest.mark.parametrize("value", [None, [], {}, {"result": None}, {"result": {"result_map": []}}])
def test_an_answer_of_another_shape_says_nothing(value: object) -> None:
    said = convert.said(value, ["A"], partly=True)
    assert (said.stored, said.refused) == ({}, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["result", "result_map", "errors", "code", "message", "sys_id"]), inner
        )
    ),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_whatever_is_answered_no_label_is_both_stored_and_refused_and_none_is_made_up(
    value: object, partly: bool
) -> None:
    said = convert.said({"result": value}, ["", "a", "aa"], partly=partly)
    assert not said.stored.keys() & said.refused.keys()
    assert said.stored.keys() | said.refused.keys() <= {"", "a", "aa"}


# ── labels that a database takes for the same ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sale", "SALE"),
        ("Trait\u00e9", "Traite\u0301"),
        ("Résumé", "resume"),
        ("Sale", "Sale  "),
        ("ﬁx", "FIX"),
    ],
)
def test_labels_that_a_blind_database_takes_for_one_are_folded_into_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_labels_that_differ_in_letters_or_marks_stay_apart() -> None:
    assert len({folded(one) for one in ("Sale", "Sale!", "Sale 1", "🎉", "🎊", "")}) == 6


# ── what YAML may say ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "columns",
    [{"code": "u_a,u_b"}, {"code": "sys_id"}, {"code": "u_a^x"}, {"code": "active"}, {"label": "u_a"}],
)
def test_a_column_is_one_name_of_its_own(columns: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ServicenowTarget.model_validate({"columns": columns})


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("value", 'O\'Brien, ^ "50 %"', ""),
        ("value", "x" * 101, "at most 100"),
        ("value", " ", "blank"),
        ("value", "a\tb", "U+0009"),
        ("description", "ends in [wrapctl:x/y]", "how wrapctl knows"),
        ("description", "ends in [wrapctl:x/y] \n", "how wrapctl knows"),
        ("description", "has [wrapctl:x/y] inside", ""),
        ("description", "x" * 3_601, "at most 3600"),
        ("tags", "x" * 9_999, ""),
    ],
)
def test_texts_that_cannot_be_kept_are_said_before_anything_is_sent(field: str, text: str, why: str) -> None:
    found = wrong(field, text)
    assert (why in found) if why else found == ""


def test_no_lock_is_promised_that_the_server_does_not_keep() -> None:
    assert {CAPABILITIES.lock(verb) for verb in CAPABILITIES.verbs} == {Lock.COMPARE}
