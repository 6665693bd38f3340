"""Rows and schemas of data tables: what goes out comes back, and the server's defaults are nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from datatable_org import SYSTEM, TABLE, mapped, place
from wrapctl.errors import IncompleteRead
from wrapctl.model import Fields, Value, escape
from wrapctl.rows import ROW_FIELDS, alike
from wrapctl.targets.genesys_datatable import convert, options
from wrapctl.targets.genesys_datatable.capabilities import CAPABILITIES
from wrapctl.targets.genesys_datatable.options import DatatableTarget

PREFIX = f"{SYSTEM}:"
PLACE = place()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SOME = TEXT.filter(bool)


def back(fields: Fields) -> Fields:
    """What is read after a row was written."""
    key = convert.table_key(PREFIX, str(fields["key"]))
    return convert.live_row(convert.row_body(fields, key, PLACE, {}), PLACE, PREFIX).fields


# ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_flow_looks_up_system_direction_and_code_without_a_slash() -> None:
    assert convert.table_key(PREFIX, "to/SALE") == "salesforce:to:SALE"
    assert convert.table_key(PREFIX, "from/status=a%2Fb") == "salesforce:from:status=a%2Fb"


def test_a_prefix_that_ends_in_a_slash_is_followed_by_slashes() -> None:
    assert convert.table_key("wrap/", "to/SALE") == "wrap/to/SALE"
    assert convert.row_key("wrap/", "wrap/to/SALE", {}) == "to/SALE"


@given(SOME, st.sampled_from(["salesforce:", "wrap/", "a:b:", "::"]))
def test_every_key_is_known_again(text: str, prefix: str) -> None:
    for key in (f"to/{text}", f"from/status={escape(text)}"):
        fields: dict[str, Value] = {"direction": None, "code": text, "status": text}
        kept = convert.table_key(prefix, key)
        assert convert.row_key(prefix, kept, fields) == key


@given(st.text(st.characters(categories=["L", "So"]), min_size=1, max_size=400))
def test_a_key_beyond_256_characters_ends_in_a_digest_and_is_known_by_the_rows_other_columns(
    text: str,
) -> None:
    status = f"{text}{'x' * 200}"
    fields = mapped(f"from/status={escape(status)}", direction="from_crm", code="SALE", status=status)
    kept = convert.table_key(PREFIX, str(fields["key"]))
    assert len(kept.encode("utf-16-le")) // 2 <= options.KEY_MAX
    row = convert.live_row(convert.row_body(fields, kept, PLACE, {}), PLACE, PREFIX)
    assert (row.key, row.id, row.mine) == (fields["key"], kept, True)


@pytest.mark.parametrize(
    "kept", ["to/SALE", "from/status=x", "Salesforce:to:SALE", "salesforce:SALE", "other"]
)
def test_a_key_that_is_not_under_the_prefix_is_a_strangers_and_never_reads_like_ours(kept: str) -> None:
    row = convert.live_row({"key": kept, "managed_by": PLACE.marker}, PLACE, PREFIX)
    assert not row.mine
    assert not row.key.startswith(("to/", "from/"))


def test_a_row_under_our_key_without_our_mark_keeps_the_key_and_is_a_strangers() -> None:
    for mark in ("", "wrapctl:other/salesforce", None):
        row = convert.live_row({"key": "salesforce:to:SALE", "managed_by": mark}, PLACE, PREFIX)
        assert (row.key, row.mine, row.fields["system"]) == ("to/SALE", False, None)


def test_a_row_without_a_key_is_half_a_read() -> None:
    with pytest.raises(IncompleteRead):
        convert.live_row({"value": "x"}, PLACE, PREFIX)


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────

TAGS = st.sets(SOME, max_size=4).map(lambda tags: tuple(sorted(tags)))
WHEN = st.dictionaries(SOME, st.sets(SOME, min_size=1, max_size=3), max_size=3).map(
    lambda found: tuple((name, tuple(sorted(texts))) for name, texts in sorted(found.items()))
)
LANGUAGES = st.dictionaries(
    st.sampled_from(["de", "en", "fr"]), st.tuples(SOME, st.none() | SOME), max_size=3
).map(lambda found: tuple((language, *texts) for language, texts in sorted(found.items())))


@given(
    value=SOME,
    description=st.none() | SOME,
    tags=TAGS,
    when=WHEN,
    translations=LANGUAGES,
    duration_ms=st.none() | st.integers(1, 10**9),
    order=st.none() | st.integers(1, 5000),
    active=st.booleans(),
)
def test_a_row_comes_back_as_it_was_written(**fields: Any) -> None:
    wanted = mapped(**fields)
    assert back(wanted) == wanted


def test_what_the_server_fills_in_is_nothing() -> None:
    filled: dict[str, object] = {
        name: {"string": "", "number": 0, "integer": 0, "boolean": True}[kind]
        for name, kind in convert.COLUMNS.items()
    }
    row = convert.live_row({**filled, "key": "somebody's"}, PLACE, PREFIX)
    empty = {name: value for name, value in row.fields.items() if name not in {"key", "active"}}
    assert all(alike(value, None) for value in empty.values())
    assert row.fields["active"] is True
    assert convert.live_row({"key": "somebody's"}, PLACE, PREFIX) == row


@pytest.mark.parametrize(("column", "field"), [("conditions", "when"), ("translations", "translations")])
@pytest.mark.parametrize("text", ["no json", "[1]", '{"a": 1}', '{"a": ["b"', "{" * 5000])
def test_json_that_somebody_broke_by_hand_differs_from_everything_and_is_kept_in_writes(
    column: str, field: str, text: str
) -> None:
    row = convert.live_row({"key": "salesforce:to:SALE", column: text}, PLACE, PREFIX)
    assert isinstance(row.fields[field], str)
    assert convert.row_body(row.fields, row.id, PLACE, {})[column] == row.fields[field]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", 7),
        ("order", "1"),
        ("order", True),
        ("duration_seconds", None),
        ("active", "false"),
        ("tags", 1),
    ],
)
def test_a_value_of_another_type_is_nothing(column: str, value: object) -> None:
    row = convert.live_row({"key": "x", column: value}, PLACE, PREFIX)
    assert row.fields == convert.live_row({"key": "x"}, PLACE, PREFIX).fields


def test_durations_are_seconds_and_keep_their_fractions() -> None:
    def seconds(milliseconds: int | None) -> object:
        return convert.row_body(mapped(duration_ms=milliseconds), "k", PLACE, {})["duration_seconds"]

    assert [seconds(one) for one in (None, 300_000, 1_500)] == [0, 300, 1.5]
    assert isinstance(seconds(300_000), int)


def test_tags_hold_semicolons_and_those_of_a_person_may_leave_blanks() -> None:
    assert convert.tags_text(("a;b", "c\\")) == "a\\;b;c\\\\"
    assert convert.tags_of(";b;;a;") == ("a", "b")


def test_columns_of_others_go_back_as_they_came_and_ours_as_wanted() -> None:
    body = {"key": "k", "note": "keep", "count": 3, "value": "old"}
    written = convert.row_body(mapped(value="new"), "k", PLACE, convert.rest_of(body))
    assert {"note": "keep", "count": 3, "value": "new", "key": "k"}.items() <= written.items()
    assert set(written) == {"key", "note", "count", *convert.COLUMNS}


def test_every_field_of_a_row_is_kept_and_said_where() -> None:
    assert set(ROW_FIELDS) == set(CAPABILITIES.row_fields) == convert.FIELDS
    assert set(convert.live_row({"key": "x"}, PLACE, PREFIX).fields) == convert.FIELDS


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def table(**columns: Any) -> dict[str, Any]:
    properties = {
        name: {
            "$id": f"/properties/{name}",
            "title": name,
            **({"type": one} if isinstance(one, str) else one),
        }
        for name, one in {"key": "string", **columns}.items()
    }
    return {"id": "t1", "name": TABLE, "selfUri": "/x", "schema": {"properties": properties}}


def test_a_new_table_lacks_nothing_afterwards() -> None:
    made = convert.new_table(DatatableTarget(table=TABLE), "d1")
    found = convert.live_table({"id": "t1", **made})
    assert (found.lacks, found.trouble) == ((), "")
    assert found.columns == tuple(convert.COLUMNS)
    assert made["division"] == {"id": "d1"}
    assert "division" not in convert.new_table(DatatableTarget(table=TABLE), None)


def test_an_extended_table_keeps_what_it_had_and_the_order_goes_on() -> None:
    before = table(note={"type": "string", "displayOrder": 7}, value={"type": "string", "minLength": 1})
    before |= {"description": "theirs", "division": {"id": "d1"}}
    assert "value" not in convert.live_table(before).lacks
    after: Any = convert.extended(before)
    assert (after["description"], after["division"], "id" in after) == ("theirs", {"id": "d1"}, False)
    properties = after["schema"]["properties"]
    assert {name: properties[name] for name in ("key", "note", "value")} == before["schema"]["properties"]
    added = [properties[name]["displayOrder"] for name in convert.live_table(before).lacks]
    assert added == list(range(8, 8 + len(convert.COLUMNS) - 1))


def test_a_column_of_ours_that_holds_something_else_is_told_in_words() -> None:
    trouble = convert.live_table(table(active="string")).trouble
    assert '"active"' in trouble
    assert "holds a text, where rows need a yes or no" in trouble


def test_more_than_fifty_columns_are_told_before_anything_is_written() -> None:
    others = {f"theirs_{number}": "string" for number in range(36)}
    assert "51 are more than the 50" in convert.live_table(table(**others)).trouble
    del others["theirs_0"]
    assert convert.live_table(table(**others)).trouble == ""


def test_a_missing_table_is_made_unless_that_is_not_wanted_or_the_org_is_full() -> None:
    wanted = DatatableTarget(table=TABLE)
    assert convert.no_table(wanted, 199).trouble == ""
    assert convert.no_table(wanted, 201).trouble == ""  # the limit was raised
    assert "200 data tables" in convert.no_table(wanted, 200).trouble
    refused = convert.no_table(DatatableTarget(table=TABLE, create=False), 0)
    assert "`create: false`" in refused.trouble
    assert refused.lacks == tuple(convert.COLUMNS)


@pytest.mark.parametrize(
    "broken", [{}, {"id": "t"}, {"id": "t", "name": "x"}, {"id": "t", "name": "x", "schema": {}}]
)
def test_a_table_without_id_name_or_schema_is_half_a_read(broken: dict[str, object]) -> None:
    with pytest.raises(IncompleteRead):
        convert.live_table(broken)


# ── options ────────────────────────────────────────────────────────────────────────────────────────────────


def test_options_are_read_from_text_as_it_is_written() -> None:
    given = {"table": "1", "create": "false", "division": "Sales", "prefix": "sf:", "max_rows": "8000"}
    found = DatatableTarget.model_validate(given)
    assert (found.table, found.create, found.division, found.prefix, found.max_rows) == (
        "1",
        False,
        "Sales",
        "sf:",
        8000,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"table": ""},
        {"table": "x" * 257},
        {"create": "yes"},
        {"prefix": ""},
        {"prefix": ":"},
        {"prefix": "salesforce"},
        {"prefix": " sf:"},
        {"prefix": f"{'x' * 100}:"},
        {"max_rows": "0"},
        {"max_rows": "many"},
        {"colour": "red"},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DatatableTarget.model_validate(wrong if wrong in ({}, {"table": ""}) else {"table": TABLE, **wrong})


def test_any_text_fits_in_a_row() -> None:
    assert options.wrong("value", "50 % _off_ \u2028 😀") == ""
