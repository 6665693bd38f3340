"""``wrapctl notify``: send again what a sink has not taken, list it, and receive events to try it out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapctl.cli.console import Console, as_json, options
from wrapctl.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wrapctl.config.sinks import Sink
    from wrapctl.notify.listen import Received
    from wrapctl.notify.outbox import Damaged, Kept, Outbox


@click.group("notify")
def command() -> None:
    """Send events again, list those that wait, or receive some to try it out."""


@command.command("replay")
@click.option("--sink", "names", multiple=True, metavar="NAME", help="Only for this sink; repeatable.")
@click.option(
    "--all", "everything", is_flag=True, help="Try every event, also after a sink has failed one of them."
)
@options
def replay(console: Console, *, names: Sequence[str], everything: bool) -> Exit:
    """Send what waits in the outbox. What is taken leaves it; exit 5 when something stays.

    Several replays at a time share the work: none sends what another one sends.
    """
    from wrapctl.cli.telling import outbox, say, world
    from wrapctl.notify.deliver import Courier

    box, sinks = outbox(console), _sinks(console)
    wanted = _wanted(names, sinks, box)
    courier = Courier(sinks, box, world(console), thorough=everything)
    stays = waiting = 0
    with console.stoppable():
        for name in wanted:
            kept, damaged = box.list(name)
            waiting += len(kept)
            stays += _tell_damaged(console, damaged)
            if name in sinks:
                courier.again(name, [one.path for one in kept])
            elif kept:
                stays += len(kept)
                console.warn(
                    f"{len(kept)} events wait for the sink {name}, which wrapctl.yaml does not declare: "
                    f"declare it again, or remove {box.folder / name}"
                )
        outcome = courier.finish(None)
    say(console, outcome)
    elsewhere = sum(one.elsewhere for one in outcome)
    if elsewhere:
        console.err(f"{elsewhere} events were being sent by another process")
    if not waiting and not stays:
        console.err("nothing waits in the outbox")
    return Exit.PARTIAL if stays or any(one.left for one in outcome) else Exit.OK


@command.command("list")
@click.option("--sink", "names", multiple=True, metavar="NAME", help="Only for this sink; repeatable.")
@click.option("--format", "how", type=click.Choice(["text", "json"]), default="text")
@options
def listed(console: Console, *, names: Sequence[str], how: str) -> Exit:
    """List the events that no sink has taken yet, and why not. Sends nothing; exit 1 when a file is damaged."""
    from wrapctl.cli.telling import outbox

    box, sinks = outbox(console), _sinks(console)
    kept: list[Kept] = []
    damaged: list[Damaged] = []
    for name in _wanted(names, sinks, box):
        mine, broken = box.list(name)
        kept += mine
        damaged += broken
    if how == "json":
        console.out(as_json(_data(kept, damaged, sinks)))
    else:
        console.out(_text(kept, sinks))
        _tell_damaged(console, damaged)
    return Exit.ERROR if damaged else Exit.OK


@command.command("listen")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option(
    "--secret",
    metavar="env:NAME|file:PATH",
    help="Believe only what is signed with this secret: where it is kept, never the secret itself.",
)
@click.option("--sink", metavar="NAME", help="Believe only what is signed with the secret of this sink.")
@options
def listen(console: Console, *, host: str, port: int, secret: str | None, sink: str | None) -> Exit:
    """Receive events until Ctrl-C and print each once, one JSON document per line.

    Wrong signatures and times more than five minutes away are refused with 401.
    """
    from wrapctl.notify.listen import Listener, make_server

    key = _secret(console, secret, sink)
    speech = threading.Lock()

    def tell(received: Received) -> None:
        with speech:
            _say(console, received)

    try:
        server = make_server(Listener(key, time.time), tell, host, port)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}") from None
    console.err(f"listening on http://{host}:{server.server_port}")
    if not key:
        console.warn("no secret was given: whoever reaches this port is believed")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.err("stopped listening")
    return Exit.OK


# ── what there is ──────────────────────────────────────────────────────────────────────────────────────────


def _sinks(console: Console) -> Mapping[str, Sink]:
    """Return the declared sinks; no org is read for them."""
    from wrapctl.config.project import load

    return load(console.root, orgs=()).sinks


def _wanted(names: Sequence[str], sinks: Mapping[str, Sink], box: Outbox) -> list[str]:
    known = sorted({*sinks, *box.sinks()})
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no sink {name!r}",
                hint=f"there are: {', '.join(known)}"
                if known
                else "declare it under `sinks` in wrapctl.yaml",
            )
    return list(dict.fromkeys(names)) or known


def _tell_damaged(console: Console, damaged: Sequence[Damaged]) -> int:
    for one in damaged:
        console.warn(f"{one.path} is damaged and stays where it is: {one.why}")
    return len(damaged)


def _text(kept: Sequence[Kept], sinks: Mapping[str, Sink]) -> str:
    from wrapctl.cli.failure import redacted
    from wrapctl.render.escape import name

    lines = []
    for one in kept:
        subject = str(one.event.get("subject", ""))
        tried = f", tried {one.attempts} × until {one.last}: {one.why}" if one.attempts else ", not tried yet"
        gone = "" if one.sink in sinks else " (not declared any more)"
        lines.append(
            f"{one.sink}{gone}: {one.kind} {subject} of {one.event.get('time')}, key {one.key}{tried}"
        )
    return "".join(f"{name(redacted(line), 2000)}\n" for line in lines) or "nothing waits in the outbox\n"


def _data(kept: Sequence[Kept], damaged: Sequence[Damaged], sinks: Mapping[str, Sink]) -> dict[str, object]:
    return {
        "kind": "wrapctl.outbox",
        "version": 1,
        "events": [
            {
                "sink": one.sink,
                "declared": one.sink in sinks,
                "file": str(one.path),
                "attempts": one.attempts,
                "last": one.last or None,
                "why": one.why or None,
                "event": one.event,
            }
            for one in kept
        ],
        "damaged": [{"sink": one.sink, "file": str(one.path), "why": one.why} for one in damaged],
    }


# ── listening ──────────────────────────────────────────────────────────────────────────────────────────────


def _secret(console: Console, text: str | None, sink: str | None) -> str:
    """Return the secret that was named; nothing where none was."""
    from wrapctl.config.secrets import Where, fetch
    from wrapctl.errors import Source

    if text is not None and sink is not None:
        raise UsageError("--secret and --sink are two ways to say whose signature counts: use one")
    if sink is not None:
        sinks = _sinks(console)
        declared = sinks.get(sink)
        if declared is None or declared.secret is None:
            raise UsageError(f"there is no sink {sink!r} with a secret")
        return fetch(declared.secret, console.environ, root=console.root).reveal()
    if text is None:
        return ""
    kind, _, where = text.partition(":")
    if kind not in {"env", "file"} or not where:
        raise UsageError(
            "--secret says where the secret is kept",
            hint="env:NAME or file:PATH; a command line is seen by all",
        )
    at = Where(
        org="notify listen",
        name="secret",
        source=Source("--secret"),
        env=where if kind == "env" else None,
        file=where if kind == "file" else None,
    )
    return fetch(at, console.environ, root=Path.cwd()).reveal()


def _say(console: Console, received: Received) -> None:
    """Print an event once on standard output; what is not believed, and what came again, beside it."""
    from wrapctl.render.escape import name

    key = name(received.key or "without a key", 80)
    if received.why:
        console.err(f"refused with {received.status:d}: {key}: {received.why}")
    elif received.again:
        console.err(f"again: {key}")
    else:
        # ASCII: whatever a name holds, it is shown as an escape and not as what it does to a terminal.
        console.out(json.dumps(received.body) + "\n")
