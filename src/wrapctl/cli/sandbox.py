"""``wrapctl sandbox``: serve the emulated platform to any client, or put it back to its seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapctl.cli.console import Console, complete_orgs, options
from wrapctl.errors import Exit, UsageError

if TYPE_CHECKING:
    from wrapctl.sandbox import Sandbox


@click.group("sandbox")
def command() -> None:
    """Serve or reset the emulated platform."""


@command.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="NAME|FILE",
    help="Org to plant; repeatable. Else the shipped ones.",
)
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Where it keeps its state.")
@options
def serve(console: Console, *, host: str, port: int, seeds: Sequence[str], state: Path | None) -> Exit:
    """Serve the sandbox over HTTP until Ctrl-C. It is an emulation: its secrets are no secrets."""
    from wrapctl.sandbox import Sandbox, shipped
    from wrapctl.sandbox.server import make_server

    with Sandbox(state or console.state / "sandbox") as sandbox:
        if seeds:
            for seed in seeds:
                sandbox.seed_org(_seed(seed))
        else:
            for name in shipped():
                sandbox.ensure(name)
        try:
            server = make_server(sandbox.wsgi, host, port)
        except OSError as error:
            raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}") from None
        console.out(f"sandbox with {', '.join(sandbox.orgs())} on http://{host}:{server.effective_port}\n")
        if host not in {"127.0.0.1", "localhost", "::1"}:
            console.warn(f"whoever reaches {host} can change this sandbox: it asks for no real secret")
        try:
            server.run()
        except KeyboardInterrupt:
            console.err("sandbox stopped")
        finally:
            server.close()
    return Exit.OK


@command.command("reset")
@click.argument("orgs", nargs=-1, metavar="[ORG]...", shell_complete=complete_orgs)
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Where it keeps its state.")
@options
def reset(console: Console, *, orgs: Sequence[str], state: Path | None) -> Exit:
    """Put the sandbox, or some of its orgs, back to the seeds."""
    from wrapctl.sandbox import Sandbox

    with Sandbox(state or console.state / "sandbox") as sandbox:
        there = sandbox.orgs()
        for org in orgs:
            reset_org(sandbox, org, there)
        if not orgs:
            sandbox.reset()
        told = ", ".join(orgs or there) or "nothing was there"
    console.out(f"sandbox reset: {told}\n")
    return Exit.OK


def reset_org(sandbox: Sandbox, org: str, there: Sequence[str]) -> None:
    """Put one org back to its seed; plant a shipped one that is not there yet.

    Raises:
        UsageError: there is neither.
    """
    from wrapctl.sandbox import shipped

    if org in there:
        sandbox.reset(org)
    elif org in shipped():
        sandbox.ensure(org)
    else:
        known = ", ".join(sorted({*there, *shipped()}))
        raise UsageError(f"the sandbox holds no org {org!r}", hint=f"there are: {known}")


def _seed(text: str) -> dict[str, Any]:
    from wrapctl.cli.files import read_text
    from wrapctl.sandbox import load, shipped

    if text in shipped():
        return load(text)
    if not Path(text).is_file():
        raise UsageError(f"there is no seed {text!r}", hint=f"a file, or one of: {', '.join(shipped())}")
    try:
        found = json.loads(read_text(Path(text)))
    except ValueError as error:
        raise UsageError(f"the seed {text} is not JSON: {error}") from None
    if not isinstance(found, dict) or "name" not in found:
        raise UsageError(f"the seed {text} needs at least a name")
    return found
