"""The ``wrapctl`` command: which commands there are, and how each ends.

``wrapctl --help`` prints one static table and imports nothing else; a command's module is imported when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NoReturn

import click

from wrapctl.errors import Exit

COMMANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "demo": ("demo", "Tell the whole story on an embedded sandbox: validate, plan, apply, plan again."),
        "init": ("init", "Scaffold an org, in observe mode."),
        "validate": ("validate", "Check the files, offline; everything that is wrong at once."),
        "orgs": ("orgs_", "List orgs by stage; those that a change touches, as a matrix for CI."),
        "show": ("show", "Show what the files say of an org in the end, and where each value came from."),
        "plan": ("plan", "Show what apply would change. Writes nothing."),
        "apply": ("apply", "Change what the plan shows, under a lock, and read it back."),
        "ci": ("ci", "Around a pull request in CI: plan it, say so, apply what was reviewed."),
        "usage": ("usage", "Show how often codes are used, on which queues, and which never are."),
        "drift": ("drift", "Show what was changed on the platform by hand, and who did it."),
        "import": ("import_", "Write a live org down as files; the plan right after is empty."),
        "simulate": (
            "simulate",
            "Show what agents are offered after a contact; hold files of expectations to it.",
        ),
        "audit": ("audit", "Tell who changed what: by wrapctl with commit and pull request, or by hand."),
        "crm": ("crm", "Show what codes are called in each CRM, and what is odd about it."),
        "notify": ("notify", "Send events again that a sink has not taken; list them; receive some."),
        "schema": ("schema", "Write the JSON Schemas of files, plans and reports."),
        "sandbox": ("sandbox", "Serve or reset the emulated platform."),
        "unlock": ("unlock", "Take the run lock of an org away from a run that hangs."),
        "journal": ("journal", "Verify the journal of what was applied."),
    }
)
"""Name → module and help line. The help is here, so that showing it loads no command."""


class Commands(click.Group):
    """The group of all commands, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which a person meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"wrapctl.cli.{COMMANDS[cmd_name][0]}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See wrapctl --help."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the static table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run, and turn whatever happens into an exit code and words; never a traceback."""
        del standalone_mode
        with _Signals():
            sys.exit(self._run(args, prog_name, complete_var, extra))

    def _run(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        extra: dict[str, Any],
    ) -> int:
        arguments = sys.argv[1:] if args is None else list(args)
        try:
            code: object = super().main(arguments, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("wrapctl: interrupted", err=True)
            return int(Exit.PARTIAL if arguments[:1] == ["apply"] else Exit.ERROR)
        except BrokenPipeError:
            # Whoever read us has had enough, as with `| head`. Nobody is left to be told.
            _silence()
            return int(Exit.ERROR)
        except Exception as error:  # noqa: BLE001  (the last door: what comes here is told in one line)
            from wrapctl.cli.failure import tell

            return tell(error, arguments)
        return int(code) if isinstance(code, int) else int(Exit.OK)


class _Signals:
    """SIGTERM ends a run as Ctrl-C does. Commands that write replace both by ``console.Stop``."""

    def __enter__(self) -> None:
        import signal

        def stop(number: int, frame: object) -> NoReturn:
            del number, frame
            raise KeyboardInterrupt

        try:
            self._before = signal.signal(signal.SIGTERM, stop)
        except ValueError:  # not the main thread, as in some tests
            self._before = None

    def __exit__(self, *_: object) -> None:
        import signal

        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)


def _silence() -> None:
    """Send what is still buffered to nowhere, so that the interpreter's last flush does not fail."""
    import os

    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 in sync or applied, 1 error, 2 usage or invalid files, 3 changes pending, 4 refused, "
    "5 partly applied.",
)
@click.version_option(package_name="wrapctl", prog_name="wrapctl")
def cli() -> None:
    """Keep the wrap-up codes of contact centres in git: plan on the pull request, apply under locks."""


def main() -> NoReturn:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        # Names are in every script of the world, and a log may know ASCII alone.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        cli.main(prog_name="wrapctl")
    finally:
        # All is said and done: an impatient second Ctrl-C must not change how the run ended.
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
