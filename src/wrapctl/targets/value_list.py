"""What the CRM's own lists of values have in common: how a value names its row, and who else has it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from wrapctl.model import Live
from wrapctl.rows import LiveRow

KEY_PREFIX = "value/"


def key_of(value: str | None, row_id: str) -> str:
    """Return the key of a value's row; a row without a value is named by its id, which no file ever asks for."""
    return f"{KEY_PREFIX}{value}" if value else f"{KEY_PREFIX}~{row_id}"


def folded(value: str) -> str:
    """Return a value as a database that is blind to case, accents and outer spaces would compare it.

    Wider than any one collation: what it takes for the same may be the same there, what it tells apart is not.
    """
    plain = unicodedata.normalize("NFKD", value.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).strip()


def row_of(live: Live, system: str, row_id: str | None) -> LiveRow | None:
    """Return the row with that id as ``live`` has it, None when it is not there."""
    return next((row for row in rows_of(live, system) if row.id == row_id), None)


def rows_of(live: Live, system: str) -> Iterable[LiveRow]:
    """Return the rows of a system as far as ``live`` has them."""
    rows = live.crm.get(system)
    return () if rows is None else rows.rows
