"""``$filter`` as far as a list of choices needs it: comparisons, ``and``, ``or``, ``not``, and a few functions."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.crm.call import Refusal
from wrapctl.sandbox.crm.dataverse.table import TABLE, TYPE, columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.objects import Json

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?P<mark>[(),=\[\]])|(?P<list>\"[^\"]*\")|(?P<word>[\w.:+-]+))"
)
IN = "microsoft.dynamics.crm.in"
FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
COMPARISONS = ("eq", "ne", *ORDERS)


def parse(text: str) -> Callable[[Json], bool]:
    """Return the condition of a text.

    Raises:
        Refusal: it cannot be read, or names an unknown column.
    """
    return _Parser(text).condition()


def column(name: str) -> str:
    """Return a column, or refuse."""
    if name not in columns():
        text = f"Could not find a property named '{name}' on type '{TYPE}'."
        raise Refusal(400, "0x80060888", text)
    return name


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = TOKEN.match(text, at)
            if match is None:
                raise _unread(f"Syntax error at position {at} in '{text}'.")
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind]))
            at = match.end()
        self._at = 0

    def condition(self) -> Callable[[Json], bool]:
        found = self._or()
        if self._at < len(self._tokens):
            raise _unread(f"Syntax error at '{self._tokens[self._at][1]}'.")
        return found

    def _or(self) -> Callable[[Json], bool]:
        parts = [self._and()]
        while self._peek() == "or":
            self._next()
            parts.append(self._and())
        return lambda row: any(part(row) for part in parts)

    def _and(self) -> Callable[[Json], bool]:
        parts = [self._unary()]
        while self._peek() == "and":
            self._next()
            parts.append(self._unary())
        return lambda row: all(part(row) for part in parts)

    def _unary(self) -> Callable[[Json], bool]:
        if self._peek() == "not":
            self._next()
            inner = self._unary()
            return lambda row: not inner(row)
        if self._peek() == "(":
            self._next()
            inner = self._or()
            self._expect(")")
            return inner
        kind, word = self._next()
        if kind != "word":
            raise _unread(f"Syntax error at '{word}'.")
        if word.lower() == IN:
            return self._in()
        if word.lower() in FUNCTIONS:
            return self._function(FUNCTIONS[word.lower()])
        name = column(word)
        comparison = self._next()[1].lower()
        if comparison not in COMPARISONS:
            raise _unread(f"Syntax error at '{comparison}'.")
        wanted = _folded(self._value())
        return lambda row: _holds(_folded(row.get(name)), comparison, wanted)

    def _function(self, holds: Callable[[str, str], bool]) -> Callable[[Json], bool]:
        self._expect("(")
        name = column(self._next()[1])
        self._expect(",")
        wanted = str(_folded(self._value()))
        self._expect(")")
        return lambda row: isinstance(row.get(name), str) and holds(row[name].casefold(), wanted)

    def _in(self) -> Callable[[Json], bool]:
        self._expect("(")
        self._expect("PropertyName")
        self._expect("=")
        name = column(str(self._value()))
        self._expect(",")
        self._expect("PropertyValues")
        self._expect("=")
        self._expect("[")
        wanted = {_folded(self._value())}
        while self._peek() == ",":
            self._next()
            wanted.add(_folded(self._value()))
        self._expect("]")
        self._expect(")")
        return lambda row: _folded(row.get(name)) in wanted

    def _value(self) -> object:
        kind, text = self._next()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "list":
            return text[1:-1]
        if kind == "guid":
            return text.lower()
        known = {"true": True, "false": False, "null": None}
        if text in known:
            return known[text]
        if re.fullmatch(r"-?\d+", text):
            return int(text)
        if re.match(r"\d{4}-\d\d-\d\d", text):
            return text
        raise _unread(f"Syntax error at '{text}'.")

    def _peek(self) -> str:
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _unread("Expression expected at the end of the filter.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        _, found = self._next()
        if found.lower() != text.lower():
            raise _unread(f"Syntax error: '{text}' expected, found '{found}'.")


def _holds(left: object, comparison: str, right: object) -> bool:
    if comparison in {"eq", "ne"}:
        return (left == right) is (comparison == "eq")
    if isinstance(left, str) and isinstance(right, str):
        return ORDERS[comparison](left, right)
    if isinstance(left, int) and isinstance(right, int):
        return ORDERS[comparison](left, right)
    return False


def _unread(text: str) -> Refusal:
    return Refusal(400, "0x80060888", f"{text} (entity set '{TABLE}')")
