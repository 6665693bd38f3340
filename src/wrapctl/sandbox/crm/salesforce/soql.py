"""SOQL as far as reading rows of one object needs it: fields, conditions, order, limit."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wrapctl.sandbox.crm.call import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.objects import Json

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|<>|=|<|>)|(?P<mark>[(),])|(?P<word>[\w.:+-]+))""",
    re.DOTALL,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d))?")


@dataclass(slots=True)
class Query:
    """A parsed query. ``places`` tells where in the text a name stands, for the message about a wrong one."""

    fields: list[str]
    table: str
    holds: Callable[[Json], bool] = lambda _: True
    order: list[tuple[str, bool, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    count: bool = False
    places: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str, resolve: Callable[[str, str], str]) -> Query:
    """Return the query of a text.

    In: ``resolve(object, field)`` returns the field's own spelling.

    Raises:
        Refusal: ``MALFORMED_QUERY``, or what ``resolve`` raises.
    """
    return _Parser(text, resolve).query()


def malformed(text: str) -> Refusal:
    """Return the refusal of a query that cannot be read."""
    return Refusal(400, "MALFORMED_QUERY", text)


class _Parser:
    def __init__(self, text: str, resolve: Callable[[str, str], str]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._resolve = resolve
        self._table = ""

    def query(self) -> Query:
        self._word("select")
        names: list[_Token] = []
        count = False
        if self._peek("count") and self._ahead(1) == "(":
            self._at += 1
            self._mark("(")
            self._mark(")")
            count = True
        else:
            names.append(self._name())
            while self._peek(","):
                self._at += 1
                names.append(self._name())
        self._word("from")
        self._table = self._name().text
        found = Query([], self._table, count=count)
        found.fields = [self._field(token) for token in names]
        if self._peek("where"):
            self._at += 1
            found.holds = self._any()
        if self._peek("order"):
            self._at += 1
            self._word("by")
            found.order = self._order()
        for word in ("limit", "offset"):
            if self._peek(word):
                self._at += 1
                setattr(found, word, self._number())
        if self._at < len(self._tokens):
            raise self._unexpected()
        return found

    # Conditions. SOQL refuses AND beside OR without parentheses.

    def _any(self) -> Callable[[Json], bool]:
        parts = [self._unary()]
        joined = ""
        while self._peek("and") or self._peek("or"):
            word = self._next().text.lower()
            if joined not in {"", word}:
                raise malformed(f"unexpected token: '{word}'")
            joined = word
            parts.append(self._unary())
        if joined == "or":
            return lambda row: any(part(row) for part in parts)
        return lambda row: all(part(row) for part in parts)

    def _unary(self) -> Callable[[Json], bool]:
        if self._peek("not"):
            self._at += 1
            inner = self._unary()
            return lambda row: not inner(row)
        if self._peek("("):
            self._at += 1
            inner = self._any()
            self._mark(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Callable[[Json], bool]:
        name = self._field(self._name())
        token = self._next()
        word = token.text.lower()
        if word == "like":
            pattern = _like(self._text())
            return lambda row: isinstance(row.get(name), str) and bool(pattern.fullmatch(str(row[name])))
        if word in {"in", "not"}:
            if word == "not":
                self._word("in")
            wanted = {_plain(value) for value in self._list()}
            return lambda row: (_plain(row.get(name)) in wanted) is (word == "in")
        if token.kind != "op":
            raise malformed(f"unexpected token: '{token.text}'")
        return _compared(name, token.text, self._value())

    # Pieces.

    def _field(self, token: _Token) -> str:
        try:
            return self._resolve(self._table, token.text)
        except Refusal as refusal:
            place = f"\nERROR at Row:1:Column:{token.at + 1}\n"
            raise Refusal(refusal.status, refusal.code, f"{place}{refusal.text}") from None

    def _order(self) -> list[tuple[str, bool, bool]]:
        found = []
        while True:
            name = self._field(self._name())
            falling = self._peek("desc")
            if falling or self._peek("asc"):
                self._at += 1
            nulls_last = falling
            if self._peek("nulls"):
                self._at += 1
                nulls_last = self._next().text.lower() == "last"
            found.append((name, falling, nulls_last))
            if not self._peek(","):
                return found
            self._at += 1

    def _list(self) -> list[object]:
        self._mark("(")
        values = [self._value()]
        while self._peek(","):
            self._at += 1
            values.append(self._value())
        self._mark(")")
        return values

    def _value(self) -> object:
        token = self._next()
        if token.kind == "text":
            return _unescaped(token.text[1:-1])
        word = token.text.lower()
        if word in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[word]
        if DATE.fullmatch(token.text):
            return token.text
        try:
            return float(token.text)
        except ValueError:
            raise malformed(f"unexpected token: '{token.text}'") from None

    def _text(self) -> str:
        token = self._next()
        if token.kind != "text":
            raise malformed(f"unexpected token: '{token.text}'")
        return token.text[1:-1]

    def _number(self) -> int:
        token = self._next()
        if not token.text.isdigit():
            raise malformed(f"expecting a number, found '{token.text}'")
        return int(token.text)

    def _name(self) -> _Token:
        token = self._next()
        if token.kind != "word":
            raise malformed(f"unexpected token: '{token.text}'")
        return token

    def _word(self, word: str) -> None:
        token = self._next()
        if token.text.lower() != word:
            raise malformed(f"expecting '{word}', found '{token.text}'")

    _mark = _word

    def _peek(self, word: str) -> bool:
        return self._ahead(0) == word

    def _ahead(self, steps: int) -> str:
        place = self._at + steps
        return self._tokens[place].text.lower() if place < len(self._tokens) else ""

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise malformed("unexpected end of the query")
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self) -> Refusal:
        return malformed(f"unexpected token: '{self._tokens[self._at].text}'")


def _tokens(text: str) -> list[_Token]:
    found = []
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise malformed(f"unexpected token: '{text[at:].strip()[:20]}'")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return found


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] in {"_", "%"}:
            return found[1]
        if len(found[1]) == 5:
            return chr(int(found[1][1:], 16))
        if found[1] not in ESCAPES:
            raise malformed(f"Illegal character sequence '\\{found[1]}' in string literal.")
        return ESCAPES[found[1]]

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", one, text, flags=re.DOTALL)


def _like(text: str) -> re.Pattern[str]:
    pattern = ""
    for part in re.findall(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]", text, re.DOTALL):
        wild = {"%": ".*", "_": "."}.get(part)
        pattern += wild or re.escape(_unescaped(part))
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _plain(value: object) -> object:
    """Return a value as SOQL compares it: text without its case."""
    if isinstance(value, str):
        return value.casefold()
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _compared(name: str, op: str, wanted: object) -> Callable[[Json], bool]:
    right = _plain(wanted)
    if op == "=":
        return lambda row: _plain(row.get(name)) == right
    if op in {"!=", "<>"}:
        return lambda row: _plain(row.get(name)) != right

    def holds(row: Json) -> bool:
        left = _plain(row.get(name))
        if isinstance(left, str) and isinstance(right, str):
            return ORDERS[op](left, right)
        if isinstance(left, float) and isinstance(right, float):
            return ORDERS[op](left, right)
        return False

    return holds


def ordered(rows: list[Json], order: list[tuple[str, bool, bool]]) -> list[Json]:
    """Return rows in a query's order."""
    for name, falling, nulls_last in reversed(order):

        def rank(row: Json, name: str = name) -> tuple[float, str]:
            value = _plain(row.get(name))
            return (float(value), "") if isinstance(value, float | bool) else (0.0, str(value))

        there = sorted((row for row in rows if row.get(name) is not None), key=rank, reverse=falling)
        without = [row for row in rows if row.get(name) is None]
        rows = there + without if nulls_last else without + there
    return rows
