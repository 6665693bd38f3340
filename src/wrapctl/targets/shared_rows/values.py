"""Rules' conditions and translations as JSON, for tables that have no columns for their shapes. Pure.

What is written has one spelling, so that a row right after a write reads as it was wanted. What cannot be read comes
back as the text that it is: it differs from everything, so that the next apply puts it right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from wrapctl.model import Value


def when_data(when: Value) -> dict[str, object] | None:
    """``{"Reason": ["Duplicate", "Spam"], "Status": ["Closed"]}``; None where there is no condition."""
    return {str(name): [str(value) for value in values] for name, values in _pairs(when)} or None


def translations_data(translations: Value) -> dict[str, object] | None:
    """``{"de": {"description": null, "value": "Gewonnen"}}``; None where there are none."""
    found: dict[str, object] = {}
    for one in translations if isinstance(translations, tuple) else ():
        if isinstance(one, tuple) and len(one) == 3:
            language, value, description = one
            found[str(language)] = {"value": value, "description": description}
    return found or None


def when_value(data: object) -> Value:
    """Return conditions in normal form; () for nothing, text for what is no conditions."""
    if data is None or data == {}:
        return ()
    if not isinstance(data, Mapping) or not all(_texts(values) for values in data.values()):
        return _as_text(data)
    return tuple((str(name), tuple(sorted(set(values)))) for name, values in sorted(data.items()))


def translations_value(data: object) -> Value:
    """Return translations in normal form; () for nothing, text for what is no translations."""
    if data is None or data == {}:
        return ()
    if not isinstance(data, Mapping):
        return _as_text(data)
    found: list[Value] = []
    for language, one in sorted(data.items()):
        if not isinstance(one, Mapping):
            return _as_text(data)
        value, description = one.get("value"), one.get("description")
        if not isinstance(value, str) or not isinstance(description, (str, type(None))):
            return _as_text(data)
        found.append((str(language), value, description))
    return tuple(found)


def tags_value(data: object) -> Value:
    """Return tags in normal form; () for nothing, text for what is no list of texts."""
    if data is None:
        return ()
    return tuple(sorted(set(data))) if isinstance(data, list) and _texts(data) else _as_text(data)


def json_text(data: object) -> str | None:
    """Return data as JSON in the one spelling that wrapctl writes; None for nothing."""
    if data is None:
        return None
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_json(text: object) -> object:
    """Return what a column of JSON holds; text that is none comes back as it is."""
    if not isinstance(text, str) or not text.strip():
        return None if text == "" else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _pairs(when: Value) -> list[tuple[Value, tuple[Value, ...]]]:
    return [
        (one[0], one[1])
        for one in (when if isinstance(when, tuple) else ())
        if isinstance(one, tuple) and len(one) == 2 and isinstance(one[1], tuple)
    ]


def _texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _as_text(data: object) -> str:
    return data if isinstance(data, str) else json_text(data) or ""
