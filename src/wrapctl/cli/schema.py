"""``wrapctl schema``: write the JSON Schemas of files, plans and reports."""

from __future__ import annotations

import json

import click

from wrapctl.cli.console import Console, options
from wrapctl.errors import Exit


def rendered() -> dict[str, str]:
    """Return file name → text of every schema: those of the files, and those of what machines read."""
    from wrapctl.config import schema
    from wrapctl.render.schemas import all_schemas

    made = {name: json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in all_schemas().items()}
    return dict(sorted({**schema.render(), **made}.items()))


@click.command("schema")
@click.option("--check", is_flag=True, help="Write nothing; exit 3 when a file is not current.")
@options
def command(console: Console, *, check: bool) -> Exit:
    """Write the JSON Schemas of files, plans and reports into schemas/."""
    from wrapctl.cli.files import write_text

    folder = console.start / "schemas"
    stale = []
    for name, text in rendered().items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(name)
            if not check:
                write_text(path, text)
    words = "not current" if check else "written"
    for name in stale:
        console.out(f"schemas/{name}: {words}\n")
    if not stale:
        console.out("schemas/ is current\n")
    return Exit.PENDING if check and stale else Exit.OK
