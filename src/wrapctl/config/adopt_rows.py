"""Live CRM rows in the words of files: rules, translations, and what to call a row that files cannot say. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from wrapctl.config import rules, write
from wrapctl.config.edit import Tree
from wrapctl.config.spec_crm import ANY, ToCrm
from wrapctl.config.values import Wrong, to_name
from wrapctl.model import Value
from wrapctl.rows import TO_CRM, LiveRow, Rows


def in_order(rows: Rows, direction: str) -> Iterator[LiveRow]:
    """Yield the active rows of one direction: own ones first, rules by their order."""
    prefix = "to/" if direction == TO_CRM else "from/"

    def order(row: LiveRow) -> tuple[bool, int, str]:
        place = row.fields.get("order")
        return not row.mine, place if isinstance(place, int) else 1 << 31, row.key

    for row in sorted(rows.rows, key=order):
        of = row.fields.get("direction")
        if of is None and not row.mine and row.fields.get("value") is not None:
            of = TO_CRM
        if row.fields.get("active") is not False and (
            of == direction or (of is None and row.key.startswith(prefix))
        ):
            yield row


def is_rule(row: LiveRow) -> bool:
    """Whether a row says a condition at all: one without any would take every case."""
    return bool(row.fields.get("status")) or bool(row.fields.get("when"))


def rule_entry(condition: rules.Condition, code: str | None, row: LiveRow) -> dict[str, Tree | None] | None:
    """Return a rule as the files write it, None when they cannot."""
    texts = [text for name, values in condition for text in (name, *values)]
    if code is None or not all(is_name(text) and text != ANY for text in texts):
        return None
    duration = row.fields.get("duration_ms")
    told: dict[str, Tree | None]
    if len(condition) == 1 and condition[0][0] == rules.STATUS and len(condition[0][1]) == 1:
        told = {"status": condition[0][1][0]}
    elif not condition:
        told = {"status": ANY}
    else:
        when = {name: values[0] if len(values) == 1 else list(values) for name, values in condition}
        told = {"when": when}
    told["code"] = code
    told["duration"] = write.duration(duration) if isinstance(duration, int) else None
    return told


def is_name(text: str) -> bool:
    """Whether a file can hold a text as a value."""
    try:
        to_name(text)
    except Wrong:
        return False
    return True


def called(row: LiveRow) -> str:
    """Return what a row is called in a note: its value, or what names it, and its code."""
    value, code = row.fields.get("value"), row.fields.get("code")
    return f"{value if isinstance(value, str) else row.key} ({code})" if code else str(value or row.key)


def declared_translations(entry: ToCrm | None) -> dict[str, Tree]:
    """Return the translations that the files say, as they write them."""
    found = (entry.translations if entry is not None else None) or {}
    return {language: translation(one.value, one.description) for language, one in found.items()}


def translation(value: str | None, description: str | None) -> Tree:
    """Return one translation as files write it."""
    if not description:
        return value or ""
    return {"value": value or "", "description": description}


def live_translations(value: Value) -> dict[str, Tree] | None:
    """Return live translations as files write them; None when they cannot say them."""
    found: dict[str, Tree] = {}
    for one in value if isinstance(value, tuple) else ():
        if not isinstance(one, tuple) or len(one) != 3 or not isinstance(one[1], str) or not is_name(one[1]):
            return None
        language = str(one[0])
        if len(language) != 2 or not language.isascii() or not language.islower():
            return None
        found[language] = translation(one[1], str(one[2]) if one[2] else None)
    return found
