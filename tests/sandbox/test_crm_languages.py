"""The query languages of the CRMs: whatever a client sends is an answer or a refusal, never a broken sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.sandbox.crm.call import Refusal
from wrapctl.sandbox.crm.dataverse import filters
from wrapctl.sandbox.crm.salesforce import soql
from wrapctl.sandbox.crm.servicenow import queries

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS_OF_ALL = """
    SELECT FROM WHERE AND OR NOT LIKE IN ( ) , = < 'x%' '\\u12' NULL ORDER BY DESC NULLS LAST LIMIT
    OFFSET 5 A__c COUNT eq ne gt and or not startswith msdyn_name statecode null true
    Microsoft.Dynamics.CRM.In [ ] "a" ^ ^OR ^NQ code STARTSWITH ORDERBY ORDERBYDESCcode ISEMPTY \\
    ' é
"""
WORDS = st.sampled_from(WORDS_OF_ALL.split())
TEXTS = st.one_of(
    st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS).map("".join), st.text(max_size=30)
)
ROWS: list[dict[str, Any]] = [
    {"A__c": "x", "sys_id": "1", "code": "x", "msdyn_name": "x", "statecode": 0},
    {"A__c": None, "sys_id": "2", "code": "", "msdyn_name": None, "statecode": 1},
]


def read(parse: Callable[[], Any]) -> tuple[Any, str]:
    """What was read, or the code with which it was refused."""
    try:
        return parse(), ""
    except Refusal as refusal:
        return None, f"{refusal.status} {refusal.code}"


@given(TEXTS)
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    found, refused = read(lambda: soql.parse(text, lambda _, name: name))
    assert refused in {"", "400 MALFORMED_QUERY"}
    if found is not None:
        assert len(soql.ordered([row for row in ROWS if found.holds(row)], found.order)) <= len(ROWS)


@given(TEXTS)
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    holds, refused = read(lambda: filters.parse(text))
    assert refused in {"", "400 0x80060888"}
    if holds is not None:
        assert [row for row in ROWS if holds(row)] in (ROWS, ROWS[:1], ROWS[1:], [])


@given(TEXTS, st.booleans())
def test_any_text_is_an_encoded_query(text: str, ignored: bool) -> None:
    assert len(queries.chosen(ROWS, text, ignored=ignored)) <= len(ROWS)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_found_by_itself_in_a_query(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    liked = escaped.replace("%", "\\%").replace("_", "\\_")
    for condition in (
        f"A__c = '{escaped}'",
        f"A__c IN ('{escaped}')",
        f"A__c LIKE '{liked}'",
        f"A__c LIKE '{liked}%'",
    ):
        assert soql.parse(f"SELECT Id FROM A__c WHERE {condition}", lambda _, name: name).holds(
            {"A__c": text}
        )


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_found_by_itself_in_a_filter(text: str) -> None:
    condition = f"msdyn_name eq '{text.replace(chr(39), chr(39) * 2)}'"
    assert filters.parse(condition)({"msdyn_name": text})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_found_by_itself_in_an_encoded_query(text: str) -> None:
    row = {"sys_id": "1", "code": text}
    assert queries.chosen([row], f"code={text.replace('^', '^^')}", ignored=False) == [row]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("'\\u12'", "400 MALFORMED_QUERY"),
        ("'\\u00e9'", ""),
        ("'a\\_b\\%'", ""),
        ("'\\x'", "400 MALFORMED_QUERY"),
    ],
)
def test_odd_escapes_of_a_query_are_read_or_refused(text: str, refused: str) -> None:
    query = f"SELECT Id FROM A__c WHERE A__c = {text}"
    assert read(lambda: soql.parse(query, lambda _, name: name))[1] == refused
