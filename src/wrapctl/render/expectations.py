"""What of some expectations does not hold, as Markdown; text, JSON and annotations are those of any problems."""

from __future__ import annotations

from collections.abc import Sequence

from wrapctl.errors import Problem
from wrapctl.render import escape
from wrapctl.render.parts import count

MOST = 200
"""So many are told; the rest is counted."""


def as_markdown_text(failed: Sequence[Problem], expected: int) -> str:
    """Return the failures of ``expected`` expectations as a list."""
    verdict = f"{len(failed):,} not met" if failed else "all met"
    lines = [f"**{count(expected, 'expectation')}: {verdict}**", ""]
    for one in sorted(set(failed))[:MOST]:
        hint = f" ({escape.markdown(one.hint, 500)})" if one.hint else ""
        lines.append(f"- {escape.markdown(str(one.source), 500)}: {escape.markdown(one.message, 1000)}{hint}")
    if len(failed) > MOST:
        lines.append(f"- … and {len(failed) - MOST:,} more")
    return "\n".join(lines).rstrip() + "\n"
