"""Keys, options and JSON columns of mapping tables: what goes out comes back, and nothing else is ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from wrapctl.errors import UsageError
from wrapctl.model import Value, escape
from wrapctl.rows import Place
from wrapctl.targets.shared_rows import keys, options, values

PREFIX = "acme-emea/salesforce/"
ANY = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300)
PLACE = Place("salesforce", "acme-emea")


def test_the_prefix_names_org_and_system_unless_the_mapping_chose_another() -> None:
    assert keys.prefix_of(PLACE) == PREFIX
    assert keys.prefix_of(PLACE, "wrap/") == "wrap/"


@given(status=ANY, longest=st.sampled_from([60, 100, 255]))
def test_any_rule_is_known_again_by_its_kept_key_however_short_the_column_is(
    status: str, longest: int
) -> None:
    key = f"from/status={escape(status)}"
    kept = keys.kept_key(PREFIX, key, longest)
    assert keys.units(kept) <= longest
    fields: dict[str, Value] = {"direction": "from_crm", "code": "A", "status": status, "when": ()}
    assert keys.own_key(PREFIX, kept, fields, longest) == key


@given(st.dictionaries(ANY, st.sets(ANY, min_size=1, max_size=3), min_size=1, max_size=3))
def test_conditions_are_known_again_too(condition: dict[str, set[str]]) -> None:
    when = tuple((name, tuple(sorted(found))) for name, found in sorted(condition.items()))
    inner = "&".join(f"{escape(name)}={'|'.join(escape(one) for one in found)}" for name, found in when)
    kept = keys.kept_key(PREFIX, f"from/{inner}", 80)
    fields: dict[str, Value] = {"direction": "from_crm", "status": None, "when": when}
    assert keys.own_key(PREFIX, kept, fields, 80) == f"from/{inner}"


@given(status=ANY, slash=st.sampled_from([":", "."]), longest=st.sampled_from([80, 255]))
def test_keys_without_slashes_are_known_again_as_well(status: str, slash: str, longest: int) -> None:
    key = f"from/status={escape(status)}"
    kept = keys.kept_key(PREFIX, key, longest, slash)
    assert "/" not in kept
    assert keys.own_key(PREFIX, kept, {"status": status}, longest, slash) == key
    assert keys.own_key(PREFIX, kept.replace(slash, "/", 3), {}, longest, slash) is None


@given(ANY, ANY)
def test_two_keys_never_share_a_row(one: str, other: str) -> None:
    kept = [keys.kept_key(PREFIX, f"from/{text}", 60) for text in (one, other)]
    assert (kept[0] == kept[1]) == (one == other)


@pytest.mark.parametrize(
    "kept", ["", "to/A", "acme-emea/other/to/A", f"{PREFIX}A", PREFIX, PREFIX.upper() + "to/A"]
)
def test_whatever_is_not_under_the_prefix_is_somebody_elses(kept: str) -> None:
    assert keys.own_key(PREFIX, kept, {}, 255) is None


def test_a_cut_key_that_the_row_does_not_explain_is_ours_and_stays_as_it_is() -> None:
    kept = keys.kept_key(PREFIX, "from/status=" + "x" * 300, 100)
    assert keys.own_key(PREFIX, kept, {"status": "y" * 300}, 100) == kept.removeprefix(PREFIX)


def test_a_cut_key_is_refused_where_nothing_would_tell_what_it_stood_for() -> None:
    assert keys.can_be_told(PREFIX, "from/a", frozenset(), 255)
    assert not keys.can_be_told(PREFIX, "from/" + "a" * 300, frozenset({"status"}), 255)
    assert keys.can_be_told(PREFIX, "from/" + "a" * 300, frozenset({"status", "when"}), 255)


def test_systems_whose_rows_would_be_taken_for_each_others_are_found() -> None:
    assert keys.overlapping({"a": "x/", "b": "y/"}) is None
    assert keys.overlapping({"a": "x/", "b": "x/"}) == ("a", "b")
    assert keys.overlapping({"a": "x/y/", "b": "x/"}) == ("b", "a")


# ── options ────────────────────────────────────────────────────────────────────────────────────────────────


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    object: str
    fields: dict[str, str | None] = {}
    prefix: options.Prefix | None = None


def test_pairs_are_maps_and_other_tuples_lists() -> None:
    given: dict[str, Value] = {"a": (("x", (("y", "1"),)), ("z", None)), "b": ("p", "q"), "c": "d", "e": ()}
    assert options.as_data(given) == {"a": {"x": {"y": "1"}, "z": None}, "b": ["p", "q"], "c": "d", "e": {}}


def test_a_place_is_parsed_by_its_targets_model() -> None:
    place = Place("sf", "acme", {"object": "O__c", "fields": (("tags", None),)})
    assert options.parsed(Model, place, "x").fields == {"tags": None}


@pytest.mark.parametrize("prefix", ["/", "x", "a b", " a/", "a" * 101 + "/", "a\n/"])
def test_wrong_options_name_the_org_the_system_and_the_key_and_no_value(prefix: str) -> None:
    place = Place("sf", "acme", {"object": "O__c", "prefix": prefix})
    with pytest.raises(UsageError, match=r"acme, CRM system sf: .* wrong: prefix: ") as caught:
        options.parsed(Model, place, "x")
    assert "validate" in caught.value.hint


# ── JSON columns ───────────────────────────────────────────────────────────────────────────────────────────


@given(st.dictionaries(ANY, st.sets(ANY, min_size=1, max_size=3), max_size=3))
def test_conditions_survive_their_json(condition: dict[str, set[str]]) -> None:
    when = tuple((name, tuple(sorted(found))) for name, found in sorted(condition.items()))
    text = values.json_text(values.when_data(when))
    assert values.when_value(values.from_json(text)) == when


@given(st.dictionaries(st.sampled_from(["de", "fr", "el"]), st.tuples(ANY, st.none() | ANY)))
def test_translations_survive_their_json(said: dict[str, tuple[str, str | None]]) -> None:
    wanted = tuple((language, *words) for language, words in sorted(said.items()))
    text = values.json_text(values.translations_data(wanted))
    assert values.translations_value(values.from_json(text)) == wanted


@pytest.mark.parametrize(
    "text", ["no json", "[1]", "3", '{"a":"b"}', '{"a":[1]}', '{"a":{"value":1}}', "[" * 5000, "  ", '"x"']
)
def test_what_is_no_such_json_is_text_that_differs_from_everything(text: Any) -> None:
    for read in (values.when_value, values.translations_value, values.tags_value):
        found = read(values.from_json(text))
        assert isinstance(found, str)
        assert found


def test_nothing_is_nothing() -> None:
    assert values.json_text(values.when_data(())) is None
    assert values.json_text(values.translations_data(None)) is None
    for text in (None, "", "{}"):
        assert values.when_value(values.from_json(text)) == ()
        assert values.translations_value(values.from_json(text)) == ()
