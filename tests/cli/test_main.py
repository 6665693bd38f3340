"""The command line itself: help, start-up, errors, signals, pipes, completion."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib import import_module

import click
import pytest

from cli.shell import ROOT, Shell
from wrapctl.cli.console import complete_orgs
from wrapctl.cli.main import COMMANDS, cli

HEAVY = (
    "httpx",
    "pydantic",
    "rich",
    "yaml",
    "ruamel",
    "deepdiff",
    "flask",
    "tenacity",
    "waitress",
    "sqlite3",
)


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], shell: Shell) -> None:
    done = shell.run(*words, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: wrapctl {' '.join(words)}".rstrip())
    if (len(words) == 1 and words[0] not in {"ci", "crm", "sandbox", "journal", "notify"}) or len(words) == 2:
        assert "--project DIR" in done.out
        assert "--verbose" in done.out


def test_the_static_help_names_every_module_that_there_is() -> None:
    for name, (module, line) in COMMANDS.items():
        command = import_module(f"wrapctl.cli.{module}").command
        assert command.name == name
        assert line.endswith(".")


def test_the_help_of_all_commands_loads_none_of_them() -> None:
    probe = (
        "import sys\n"
        "from wrapctl.cli.main import cli\n"
        "try:\n    cli.main(['--help'], prog_name='wrapctl')\nexcept SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & set(HEAVY)
    ours = {name for name in done.stderr.split() if name.startswith("wrapctl")}
    assert ours == {"wrapctl", "wrapctl.cli", "wrapctl.cli.main", "wrapctl.errors"}


def test_help_comes_within_a_quarter_of_a_second(shell: Shell) -> None:
    spent = []
    for _ in range(5):
        before = time.perf_counter()
        assert shell.process("--help").code == 0
        spent.append(time.perf_counter() - before)
    assert min(spent) < 0.25


def test_a_mistyped_command_names_the_nearest(shell: Shell) -> None:
    done = shell.run("aply")
    assert done.code == 2
    assert "Did you mean apply?" in done.err


def test_an_unknown_option_is_a_usage_error(shell: Shell) -> None:
    assert shell.run("plan", "--force").code == 2


def test_without_a_project_the_way_out_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = shell.root / "wrapups" / ".." / "elsewhere"
    empty.mkdir()
    done = shell.run("validate", "--project", str(empty))
    assert done.code == 2
    monkeypatch.chdir("/")
    done = shell.run("validate")
    assert done.code == 2
    assert "--project DIR" in done.err


def test_a_command_finds_the_project_from_inside_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.root / "wrapups" / "acme-us")
    assert shell.run("validate").code == 0


def test_an_unexpected_error_is_one_line_and_a_trace_only_when_asked(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("boom \x1b[31m with t0p-s3cret in it")

    monkeypatch.setattr("wrapctl.cli.orgs.load", explode)
    monkeypatch.setattr("wrapctl.config.secrets._known", {"t0p-s3cret"})
    done = shell.run("validate")
    assert done.code == 1
    assert done.err == (
        "wrapctl: unexpected RuntimeError: boom \\x1b[31m with *** in it\n"
        "  → this is a defect of wrapctl; -v shows where\n"
    )
    done = shell.run("validate", "-v")
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.err
    assert "in explode" in done.err
    assert "t0p-s3cret" not in done.err
    assert "\x1b" not in done.err


def test_an_error_is_told_to_machines_too(shell: Shell) -> None:
    done = shell.run("plan", "nobody", "--format", "json")
    assert done.code == 2
    assert done.data["error"] == "UsageError"
    assert done.data["exit_code"] == 2


def test_a_reader_who_goes_away_is_no_error_to_look_at(shell: Shell) -> None:
    command = f"{sys.executable} -m wrapctl.cli.main show acme-emea | head -1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=shell.root,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "org:\n"
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_plan_without_a_trace(small: Shell, number: signal.Signals) -> None:
    with small.sandbox as box:
        box.add_fault("status", status=429, retry_after=60, path="wrapupcodes", code="too.many.requests")
    with small.start("plan", "acme", CI="true", PYTHONUNBUFFERED="1") as refused:
        assert refused.wait(30) == 4
    with small.start("plan", "acme", "-v") as started:
        assert started.stderr is not None
        assert "trying again" in started.stderr.readline()
        started.send_signal(number)
        _, err = started.communicate(timeout=30)
    assert started.returncode == 1
    assert "interrupted" in err
    assert "Traceback" not in err


def test_a_signal_ends_the_waits_of_all_readers_at_once(small: Shell) -> None:
    names = [f"Queue {number}" for number in range(6)]
    codes = [{"name": "Sale"}, {"name": "Lost"}]
    small.seed(
        {"name": "acme", "codes": codes, "queues": [{"name": name, "codes": ["Sale"]} for name in names]}
    )
    small.write(
        "acme/queues.yaml",
        "kind: Queues\nqueues:\n"
        + "".join(f"  q{n}: {{name: {name}, codes: [SALE]}}\n" for n, name in enumerate(names)),
    )
    with small.sandbox as box:
        box.add_fault(
            "status", status=429, retry_after=100, path="queues/.+/wrapupcodes", code="too.many.requests"
        )
    with small.start("plan", "acme", "-v") as started:
        assert started.stderr is not None
        assert "trying again" in started.stderr.readline()
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=30)
    assert started.returncode == 1
    assert "interrupted" in err


def test_a_signal_ends_an_apply_after_what_is_in_flight_and_the_next_continues(small: Shell) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    with small.sandbox as box:
        box.add_fault(
            "status",
            status=429,
            retry_after=60,
            method="PUT",
            path="wrapupcodes",
            code="too.many.requests",
            times=1,
        )
    with small.start("apply", "acme", "--yes", "--format", "json") as started:
        assert started.stderr is not None
        assert "trying again" in started.stderr.readline()
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=30)
    assert started.returncode == 5
    assert '"interrupted": true' in out
    assert "Traceback" not in err
    assert small.run("journal", "verify").code == 0
    assert small.run("apply", "acme", "--yes").code == 0
    assert small.run("plan", "acme", "--exit-code").code == 0


def test_orgs_are_completed_from_the_folders(shell: Shell) -> None:
    context = click.Context(cli)
    context.params["project"] = shell.root
    parameter = click.Argument(["org"])
    assert complete_orgs(context, parameter, "") == ["acme-cxone", "acme-emea", "acme-us"]
    assert complete_orgs(context, parameter, "acme-u") == ["acme-us"]


def test_the_shell_is_told_the_names_of_orgs(shell: Shell) -> None:
    done = shell.process(
        _WRAPCTL_COMPLETE="bash_complete", COMP_WORDS="wrapctl plan acme", COMP_CWORD="2", COLUMNS="80"
    )
    assert done.out.splitlines() == ["plain,acme-cxone", "plain,acme-emea", "plain,acme-us"]
