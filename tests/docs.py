"""The parts of the README that the program itself knows best. ``python tests/docs.py`` writes them anew."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from wrapctl.cli.main import COMMANDS
from wrapctl.model import Verb
from wrapctl.rows import ROW_FIELDS
from wrapctl.targets import registry

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PLAN_DAY = "2026-11-22"


def plan_block() -> str:
    """The plan of the smaller shipped org, as a terminal of 100 columns shows its first part."""
    from front_door import Project  # noqa: PLC0415  (brings the whole command line)

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shutil.copytree(ROOT / "wrapups", root / "wrapups")
        done = Project(root).run("plan", "acme-us", "--as-of", PLAN_DAY)
    assert done.code == 0, done.err
    head, _, _ = done.out.partition("Not managed here")
    return f"```text\n{head.rstrip()}\n```"


def fields_block() -> str:
    """Where each field of the files lands, made from the capabilities of every platform."""
    platforms = [registry.capabilities(name) for name in registry.names()]
    rows = [
        f"| field | {' | '.join(one.title for one in platforms)} |",
        "|---|" + "---|" * len(platforms),
    ]
    fields: dict[str, list[str]] = {}
    for position, one in enumerate(platforms):
        for name, place in one.code_fields.items():
            fields.setdefault(f"code `{name}`", ["—"] * len(platforms))[position] = place
        for name, place in one.queue_fields.items():
            shown = "timeout" if name == "timeout_ms" else name
            row = fields.setdefault(f"queue `after_call_work.{shown}`", ["—"] * len(platforms))
            row[position] = place
        if one.outbound:
            row = fields.setdefault("code `outbound`", ["—"] * len(platforms))
            row[position] = "outbound wrap-up code mapping"
        row = fields.setdefault("queue `codes`", ["—"] * len(platforms))
        row[position] = "kept in order" if one.ordered_links else "a set: the platform keeps no order"
    rows += [f"| {name} | {' | '.join(places)} |" for name, places in fields.items()]
    return "\n".join(rows)


def rows_block() -> str:
    """Where each field of a CRM row lands, how its write is locked, and what keeps values only."""
    kinds = [registry.crm_capabilities(name) for name in registry.crm_names()]
    told = [f"| | {' | '.join(f'`{one.name}`' for one in kinds)} |", "|---|" + "---|" * len(kinds)]
    told.append(
        f"| keeps | {' | '.join('a value list' if one.value_list else 'a mapping table' for one in kinds)} |"
    )
    for field in ROW_FIELDS:
        places = [one.row_fields.get(field, "—") for one in kinds]
        if set(places) != {"—"}:
            told.append(f"| `{field}` | {' | '.join(places)} |")
    for verb, word in ((Verb.CREATE_ROW, "create"), (Verb.UPDATE_ROW, "update"), (Verb.DELETE_ROW, "delete")):
        told.append(f"| lock of `{word}` | {' | '.join(one.lock(verb).value for one in kinds)} |")
    return "\n".join(told)


def commands_block() -> str:
    """One row for each command."""
    rows = [f"| `wrapctl {name}` | {line} |" for name, (_, line) in COMMANDS.items()]
    return "\n".join(["| command | does |", "|---|---|", *rows])


BLOCKS: dict[str, Callable[[], str]] = {
    f"plan: acme-us as of {PLAN_DAY}": plan_block,
    "fields": fields_block,
    "rows": rows_block,
    "commands": commands_block,
}


def filled(text: str, name: str, block: str) -> str:
    """The text with one marked part replaced."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name.partition(':')[0]} -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    assert pattern.search(text), f"the README has no part marked {name}"
    return pattern.sub(lambda _: f"{start}{block}\n{end}", text)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    for name, make in BLOCKS.items():
        text = filled(text, name, make())
    README.write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {len(BLOCKS)} parts\n")


if __name__ == "__main__":
    main()
