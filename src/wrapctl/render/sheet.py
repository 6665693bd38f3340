"""Tables for spreadsheets and warehouses: comma-separated values with a head line (RFC 4180, but for line ends)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Final

from wrapctl.render.escape import verbatim

_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
"""What a spreadsheet takes for the beginning of a formula, or of a text that is none."""


def sheet(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table. Lists are joined by ``;`` (lists of maps are JSON), None is empty; what a text hides is an escape."""
    out = _Lines()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(columns)
    for row in rows:
        write.writerow([_cell(value) for value in row])
    return "".join(out.lines)


class _Lines:
    """All that a csv writer needs of a file."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], dict):
            return json.dumps(value, ensure_ascii=True)
        value = ";".join(map(str, value))
    shown = verbatim(str(value))
    risky = isinstance(value, str) and shown.lstrip().startswith(_FORMULA)
    return f"'{shown}" if risky else shown
