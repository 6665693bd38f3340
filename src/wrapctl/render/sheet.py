"""Tables for spreadsheets and warehouses: comma-separated values with a head line (RFC 4180, but for line ends)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from wrapctl.render.escape import verbatim

_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula: text that begins so is not ours to be run."""


def sheet(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table. Lists are joined by ``;``, None is empty; what a name hides shows as an escape."""
    out = StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(columns)
    for row in rows:
        write.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, (list, tuple)):
        value = ";".join(str(one) for one in value)
    if not isinstance(value, str):
        return "" if value is None else value
    text = verbatim(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
