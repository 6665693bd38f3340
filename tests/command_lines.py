"""Command lines as documents and workflows write them: found in shell text, and parsed as wrapctl would."""

from __future__ import annotations

import re
import shlex

import click

from wrapctl.cli.main import cli

_REDIRECTED = re.compile(r"^\d*>{1,2}&?")
_OPERATORS = frozenset({"|", "||", "&&", ";", "&"})
# ``${VAR:+--option "$VAR"}``: what stands in it when the variable is set.
_CHOICE = re.compile(r"\$\{\w+:\+((?:[^{}]|\{[^}]*\})*)\}")
_BUILTINS = frozenset({"export", "test", "[", "cd", "echo", "make", "git", "fi"})
_BEFORE = frozenset({"if", "then", "else", "!"})


def calls(script: str) -> list[list[str]]:
    """Return the words of each command of a script that is no builtin: optional parts as if they were given."""
    found: list[list[str]] = []
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(_CHOICE.sub(r"\1", line), posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _OPERATORS:
                command.append(word)
                continue
            words = _plain(command)
            command = []
            if words and words[0] not in _BUILTINS:
                found.append(words)
    return found


def parse(words: list[str]) -> click.Command:
    """Parse a command line as wrapctl does, and run nothing; return its command.

    Raises:
        AssertionError: there is no such command, or it has no such option or argument.
    """
    assert words[0] == "wrapctl", words
    command: click.Command = cli
    context = click.Context(cli, info_name="wrapctl")
    rest = words[1:]
    try:
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name, found, rest = command.resolve_command(context, rest)
            assert found is not None, f"there is no {' '.join(words)}"
            command, context = found, click.Context(found, parent=context, info_name=name)
        assert not isinstance(command, click.Group) or rest, f"{' '.join(words)} names a group, no command"
        command.make_context(context.info_name, list(rest), parent=context.parent)
    except click.exceptions.Exit:  # --help and --version
        pass
    except click.ClickException as error:
        raise AssertionError(f"{' '.join(words)}: {error.format_message()}") from None
    return command


def _plain(words: list[str]) -> list[str]:
    """Without redirections, and without settings of variables and words of the shell before the command."""
    out: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif _REDIRECTED.match(word):
            skip = not _REDIRECTED.sub("", word)
        elif out or not (re.match(r"^\w+=", word) or word in _BEFORE):
            out.append(word)
    return out
