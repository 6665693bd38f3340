"""How an error is told: what happened and what to do next, in words that hold no secret and no surprise."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise

from wrapctl.cli.console import Console
from wrapctl.errors import ConfigError, Exit, Interrupted, WrapctlError


def tell(error: Exception, arguments: Sequence[str]) -> int:
    """Print ``error`` and return the exit code. ``arguments`` say which command ran, and how much to tell."""
    console = Console(verbose=bool({"-v", "--verbose"} & set(arguments)))
    if isinstance(error, WrapctlError):
        if _wants_json(arguments):
            from wrapctl.render import json

            console.out(redacted(json.error(error)))
        console.err(words(error, console))
        if isinstance(error, Interrupted) and arguments[:1] != ["apply"]:
            return int(Exit.ERROR)
        return int(error.exit_code)
    from wrapctl.render.escape import name

    kind = type(error).__name__
    console.err(f"wrapctl: unexpected {kind}: {name(redacted(str(error)), 500)}")
    if console.verbose:
        console.err(_trace(error))
    else:
        console.err("  → this is a defect of wrapctl; -v shows where")
    return int(Exit.ERROR)


def words(error: WrapctlError, console: Console) -> str:
    """Return what an error says, without secrets: problems one by one, anything else with the hint below."""
    from wrapctl.render import text
    from wrapctl.render.escape import name

    if isinstance(error, ConfigError):
        colour = console.colour and sys.stderr.isatty()
        listed = text.problems(error.problems, width=console.width, colour=colour)
        return redacted(f"{listed}wrapctl: {text.tally(error.problems)}\n")
    # Redacted before it is escaped: a secret may hold characters that escaping changes.
    first, *more = (name(line.strip(), 4000) for line in redacted(error.message).split("\n"))
    lines = [f"wrapctl: {first}", *(f"  {line}" for line in more)]
    if error.hint:
        lines.append(f"  → {name(redacted(error.hint), 4000)}")
    return "\n".join(lines) + "\n"


def redacted(text: str) -> str:
    """Return ``text`` without any secret that was fetched, and without what looks like an Authorization."""
    from wrapctl.config.secrets import known
    from wrapctl.http.redact import Redactor

    redact = Redactor()
    for secret in known():
        redact.add(secret)
    return redact(text)


def _trace(error: Exception) -> str:
    from wrapctl.render.escape import verbatim

    trace = redacted("".join(traceback.format_exception(error)))
    return "\n".join(verbatim(line) for line in trace.splitlines())


def _wants_json(arguments: Sequence[str]) -> bool:
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
