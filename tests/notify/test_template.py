"""Bodies for chats: what is filled in wakes nobody, links nowhere and breaks no JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrapctl.config.values import Wrong
from wrapctl.notify.template import PLACEHOLDERS, Escape, check, fill

DATA = {
    "org": "acme",
    "organization": {"id": "0f1e", "name": "Acme", "sandbox": False},
    "actor": "dana",
    "pull_requests": [12],
    "code": {"key": "SALE", "name": "Sale & more", "id": "l"},
    "tags": ["cat:sales", "revenue"],
}


def event(kind: str = "code.created", **data: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "type": f"com.wrapctl.{kind}",
        "time": "2026-03-01T12:00:00Z",
        "data": {**DATA, **data},
    }


def said(kind: str, escape: Escape = "none", **data: Any) -> str:
    return str(fill({"text": "{text}"}, event(kind, **data), escape)["text"])


def test_each_kind_of_event_is_a_sentence() -> None:
    by = ", by dana, pull request 12"
    assert said("code.created") == f'acme: created code "Sale & more" (SALE){by}'
    assert said("code.deleted") == f'acme: deleted code "Sale & more" (SALE){by}'
    queue = {"name": "Sales", "id": "q"}
    assert (
        said(
            "assignment.changed",
            queue=queue,
            added=[{"name": "Sale"}, {"name": "Lost"}],
            removed=[{"name": "Old"}],
        )
        == f'acme: queue "Sales" now offers Sale, Lost and no longer offers Old{by}'
    )
    assert "another order" in said("assignment.changed", queue=queue, added=[], removed=[])
    assert said("plan.made", pending=3, changes={"create code": 3}, refused=True) == (
        f"acme: a plan of 3 changes (3 create code), refused by a limit{by}"
    )
    assert said("apply.finished", exit_code=5, totals={"done": 2, "failed": 1}) == (
        f"acme: an apply ended with exit code 5: 2 done, 1 failed{by}"
    )
    assert said("drift.found", count=2) == f"acme: 2 changes on the platform that no file asked for{by}"
    assert said("of.tomorrow") == f"acme: com.wrapctl.of.tomorrow{by}"


def test_a_sandbox_says_so_first() -> None:
    assert said("code.created", organization={"sandbox": True}).startswith("SANDBOX acme: ")


def test_lists_maps_and_keys_are_filled_wherever_they_are_nested() -> None:
    template = {"blocks": [{"{org}": "{{{name}}}"}, "{tags}"], "n": {"deep": ["{key}", "plain"]}}
    assert fill(template, event(), "none") == {
        "blocks": [{"acme": "{Sale & more}"}, "cat:sales, revenue"],
        "n": {"deep": ["SALE", "plain"]},
    }


def test_a_name_wakes_nobody_in_slack() -> None:
    text = said(
        "code.created", "slack", code={"name": "<!channel> <https://evil.example|here> & co", "key": None}
    )
    assert "<" not in text
    assert "&lt;!channel&gt;" in text


def test_a_name_is_no_link_no_mention_and_no_code_in_markdown() -> None:
    text = said("code.created", "markdown", code={"name": "@all [x](https://evil.example) `rm`", "key": None})
    assert "@all" not in text
    assert "[x](" not in text
    assert "https://" not in text


def test_what_cannot_be_seen_is_shown() -> None:
    text = said("code.created", code={"name": "a\u202eb\nc", "key": None})
    assert "a\\u202eb\\x0ac" in text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"text": "{nam}"}, "did you mean `name`?"),
        ({"text": "{zzzzzz}"}, "known: text, type"),
        ({"text": "a { b"}, "write {{ or }}"),
        ({"a": [{"b": "}"}]}, "write {{ or }}"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_wrong(template: dict[str, object], words: str) -> None:
    with pytest.raises(Wrong) as wrong:
        check(template)
    assert words in wrong.value.hint


def test_a_template_may_not_be_nested_without_end() -> None:
    template: dict[str, object] = {"text": "{text}"}
    for _ in range(20):
        template = {"deeper": template}
    with pytest.raises(Wrong):
        check(template)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    code=st.fixed_dictionaries({"name": st.text()}),
    rest=st.dictionaries(st.sampled_from(["tags", "added", "totals", "fatal", "changes", "count"]), _JSON),
    escape=st.sampled_from(["slack", "markdown", "none"]),
    kind=st.sampled_from(["code.created", "plan.made", "apply.finished", "assignment.changed"]),
)
def test_whatever_an_event_holds_the_body_is_json_of_the_same_shape(
    code: dict[str, Any], rest: dict[str, Any], escape: Escape, kind: str
) -> None:
    template = {one: f"x {{{one}}}" for one in PLACEHOLDERS}
    check(template)
    filled = json.loads(json.dumps(fill(template, event(kind, code=code, **rest), escape)))
    assert list(filled) == list(template)
    assert all(isinstance(value, str) for value in filled.values())
