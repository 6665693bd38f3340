"""Scalars as administrators write them: durations, times, days, dates, names. Text in, typed values out.

Every function takes text from a file and raises ``Wrong`` with words for an administrator.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

MAX_NAME: Final = 256
MAX_KEY: Final = 128
KEY: Final = re.compile(r"[A-Z0-9_-]{1,128}")
BRANCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9_.-]{0,99}){0,4}")
ORG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SET: Final = "set:"
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


class Wrong(ValueError):
    """A value that cannot be taken, and what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def quoted(text: str) -> str:
    """Return text for a message: shortened, with control characters visible."""
    short = text if len(text) <= 60 else f"{text[:57]}..."
    return "`" + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short) + "`"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean …?`` or nothing; spelling differences in case count as near."""
    options = list(known)
    folded = {option.casefold(): option for option in reversed(options)}
    if (same := folded.get(word.casefold())) is not None:
        return f"did you mean {quoted(same)}?"
    # difflib is quadratic in length and linear in options: on long lists only look at words of similar length.
    if len(options) > 200:
        options = [option for option in options if abs(len(option) - len(word)) <= 2]
    found = get_close_matches(word, options, n=1, cutoff=0.6)
    return f"did you mean {quoted(found[0])}?" if found else ""


def has_control(text: str, allowed: str = "") -> str | None:
    """Return the first control character (or half of a surrogate pair) of ``text``, None when there is none."""
    if text.isprintable():
        return None
    return next((c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c not in allowed), None)


def to_name(text: str) -> str:
    """Check a name: as odd as people like, but one visible line."""
    if not text:
        raise Wrong("a name cannot be empty")
    if len(text) > MAX_NAME:
        raise Wrong(f"a name of {len(text)} characters", f"names have at most {MAX_NAME}")
    if (bad := has_control(text)) is not None:
        raise Wrong(f"a control character (U+{ord(bad):04X}) in a name", "names are one line of visible text")
    return text


def to_text(text: str) -> str:
    """Check free text: line breaks and tabs are fine, other control characters are not."""
    if (bad := has_control(text, "\n\t")) is not None:
        raise Wrong(f"a control character (U+{ord(bad):04X}) in the text", "remove it")
    return text


def to_branch(text: str) -> str:
    """Check the name of a git branch, in the characters that every tool takes."""
    parts = text.split("/")
    if not BRANCH.fullmatch(text) or ".." in text or any(part.endswith((".", ".lock")) for part in parts):
        raise Wrong(f"{quoted(text)} is not a name for a branch", "such as wrapctl-journal")
    return text


def to_key(text: str) -> str:
    """Check the key of a code."""
    if not KEY.fullmatch(text):
        words = "a code's key is made of A-Z, 0-9, _ and -"
        if len(text) > MAX_KEY:
            raise Wrong(f"a key of {len(text)} characters", f"keys have at most {MAX_KEY}")
        if KEY.fullmatch(text.upper()):
            raise Wrong(f"the key {quoted(text)} is not upper case", f"write {quoted(text.upper())}; {words}")
        raise Wrong(f"the key {quoted(text)} is not allowed", words)
    return text


def to_bool(value: object) -> object:
    """``true`` or ``false``."""
    if isinstance(value, str):
        if value in {"true", "false"}:
            return value == "true"
        raise Wrong(f"{quoted(value)} is neither true nor false")
    return value


def to_int(value: object) -> object:
    """A whole number."""
    if isinstance(value, str):
        if re.fullmatch(r"[0-9]{1,9}", value):
            return int(value)
        raise Wrong(f"{quoted(value)} is not a whole number")
    return value


def to_percent(value: object) -> object:
    """0 to 100."""
    number = to_int(value.removesuffix("%") if isinstance(value, str) else value)
    if isinstance(number, int) and number > 100:
        raise Wrong(f"{number} percent is more than all", "write 0 to 100")
    return number


def to_date(value: object) -> object:
    """``2026-12-31``."""
    if isinstance(value, str):
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise Wrong(f"{quoted(value)} is not a day of the calendar") from None
        raise Wrong(f"{quoted(value)} is not a date", "write it as 2026-12-31")
    return value


def to_milliseconds(value: object) -> object:
    """``45s``, ``5m``, ``1h``; milliseconds out."""
    if isinstance(value, str):
        if found := re.fullmatch(r"([0-9]{1,9})(ms|s|m|h)", value):
            return int(found[1]) * _UNITS[found[2]]
        raise Wrong(f"{quoted(value)} is not a duration", "write 45s, 5m or 1h")
    return value


def to_minute(value: object) -> object:
    """``HH:MM``; the minute of the day out."""
    if isinstance(value, str):
        if found := re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", value):
            return int(found[1]) * 60 + int(found[2])
        raise Wrong(f"{quoted(value)} is not a time", 'write "08:00" to "23:59"')
    return value


def to_days(text: str) -> frozenset[int]:
    """``mon`` or ``mon-fri``, ``sat-mon`` too; numbers from 0 (Monday) out."""
    first, dash, last = text.partition("-")
    for day in (first, last) if dash else (first,):
        if day not in DAYS:
            raise Wrong(
                f"{quoted(text)} names no weekday", nearest(day, DAYS) or "write mon, tue … or mon-fri"
            )
    start = DAYS.index(first)
    length = (DAYS.index(last) - start) % 7 + 1 if dash else 1
    return frozenset((start + step) % 7 for step in range(length))


def _days(text: str) -> str:
    to_days(text)
    return text


def _schema(**words: Any) -> WithJsonSchema:
    return WithJsonSchema(words)


# YAML editors read `1` and `No` as number and boolean; wrapctl reads them as the text that they are.
_ANY_SCALAR: Final = ["string", "number", "boolean"]

Text = Annotated[str, AfterValidator(to_text), _schema(type=_ANY_SCALAR)]
Name = Annotated[str, AfterValidator(to_name), _schema(type=_ANY_SCALAR, minLength=1, maxLength=MAX_NAME)]
# Items of lists of codes: whether one exists is looked up anyway, and 120,000 of them pay for each check by hand.
Listed = Annotated[str, _schema(type=_ANY_SCALAR, minLength=1, maxLength=MAX_NAME)]
Key = Annotated[str, AfterValidator(to_key), _schema(type=_ANY_SCALAR, pattern=f"^{KEY.pattern}$")]
Id = Annotated[str, AfterValidator(to_name), _schema(type=_ANY_SCALAR, minLength=1)]
Branch = Annotated[str, AfterValidator(to_branch), _schema(type=_ANY_SCALAR, pattern=f"^{BRANCH.pattern}$")]
Bool = Annotated[bool, BeforeValidator(to_bool)]
Int = Annotated[int, BeforeValidator(to_int), _schema(type="integer", minimum=0)]
Percent = Annotated[int, BeforeValidator(to_percent), _schema(type="integer", minimum=0, maximum=100)]
Day = Annotated[date, BeforeValidator(to_date), _schema(type="string", format="date")]
Duration = Annotated[
    int,
    BeforeValidator(to_milliseconds),
    _schema(type="string", pattern="^[0-9]+(ms|s|m|h)$", examples=["45s", "5m"]),
]
Clock = Annotated[
    int, BeforeValidator(to_minute), _schema(type="string", pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")
]
Weekdays = Annotated[
    str,
    AfterValidator(_days),
    _schema(type="string", pattern=f"^({'|'.join(DAYS)})(-({'|'.join(DAYS)}))?$", examples=["mon-fri"]),
]


_PLAIN: Final = re.compile(r"[^\W_](?:[^,\[\]{}#:\"\\]*[^\s,\[\]{}#:\"\\])?")
_OTHERS_MISREAD: Final = re.compile(
    r"[0-9][0-9_.:eExXoOa-fA-F+-]*|y|n|yes|no|on|off|true|false|null|\.inf|\.nan", re.IGNORECASE
)


def flow(text: str) -> str:
    """Return text as it can stand anywhere on a line of YAML.

    Quoted where YAML needs it, and where other tools would see a number or a boolean in it.
    """
    if _PLAIN.fullmatch(text) and text.isprintable() and not _OTHERS_MISREAD.fullmatch(text):
        return text
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
