"""Commands around the state: demo, sandbox, journal."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from cli.shell import Shell
from wrapctl.cli import demo


def test_the_demo_tells_its_story_and_leaves_nothing_behind(shell: Shell) -> None:
    done = shell.run("demo")
    assert done.code == 0, done.out[-3000:] + done.err
    for said in (
        "$ wrapctl validate",
        "acme-emea: applied",
        "No changes. acme-us is in sync.",
        'live now "Changed by hand once more"',
        "the chain is whole",
    ):
        assert said in done.out
    assert not (shell.root / ".wrapctl").exists()


def test_the_demo_can_be_kept_and_gone_on_with(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("demo", "--keep", "kept")
    assert done.code == 0
    assert shell.run("plan", "--project", "kept", "--exit-code").code == 0
    assert shell.run("demo", "--keep", "kept").code == 2


def test_the_demo_runs_in_ci(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert shell.run("demo").code == 0


def test_a_demo_that_goes_otherwise_than_told_fails(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Path:
        org = shell.root / "wrapups" / "acme-emea" / "org.yaml"
        org.write_text(org.read_text("utf-8").replace("mode: apply", "mode: observe"), encoding="utf-8")
        return shell.root / "wrapups"

    monkeypatch.setattr(demo, "shipped", broken)
    done = shell.run("demo")
    assert done.code == 1
    assert "the demo did not go as it is told" in done.err


def test_a_reset_sandbox_is_as_seeded(small: Shell) -> None:
    before = small.state()
    small.edit("Lost", description="Changed by hand")
    assert small.state() != before
    assert small.run("sandbox", "reset", "acme").code == 0
    assert small.state() == before
    small.edit("Lost", description="Changed by hand")
    assert small.run("sandbox", "reset").code == 0
    assert small.state() == before
    done = small.run("sandbox", "reset", "nobody")
    assert done.code == 2
    assert "acme-emea" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_served_sandbox_answers_until_it_is_told_to_stop(small: Shell, number: signal.Signals) -> None:
    seed = small.root / "seed.json"
    seed.write_text(json.dumps({"name": "mine"}), encoding="utf-8")
    with small.start("sandbox", "serve", "--port", "0", "--seed", "acme-us", "--seed", "seed.json") as served:
        assert served.stdout is not None
        line = served.stdout.readline()
        url = line.split()[-1]
        with urllib.request.urlopen(f"{url}/sandbox/health", timeout=10) as answer:
            assert json.load(answer)["orgs"] == ["acme", "acme-us", "mine"]
        served.send_signal(number)
        _, err = served.communicate(timeout=30)
        assert served.returncode == 0
        assert "Traceback" not in err


def test_a_served_sandbox_is_an_endpoint_like_any_other(small: Shell) -> None:
    with small.start("sandbox", "serve", "--port", "0") as served:
        assert served.stdout is not None
        url = served.stdout.readline().split()[-1]
        organization = small.run("plan", "acme", "--format", "json").data["organization"]["id"]
        small.write(
            "acme/org.yaml",
            f"kind: Org\nplatform: genesys\nendpoint: {url}\norganization_id: {organization}\n"
            "credentials: {client_id: {env: ID}, client_secret: {env: SECRET}}\n",
        )
        done = small.process("plan", "acme", "--exit-code", ID="sandbox-acme", SECRET="sandbox")
        served.send_signal(signal.SIGTERM)
        served.communicate(timeout=30)
    assert done.code == 0, done.err
    assert done.out.startswith("SANDBOX")


def test_a_port_that_is_taken_and_a_seed_that_is_none_are_usage_errors(small: Shell) -> None:
    assert small.run("sandbox", "serve", "--seed", "nothing").code == 2
    with small.start("sandbox", "serve", "--port", "0") as served:
        assert served.stdout is not None
        port = served.stdout.readline().rpartition(":")[2].strip()
        done = small.process("sandbox", "serve", "--port", port)
        served.send_signal(signal.SIGTERM)
        served.communicate(timeout=30)
    assert done.code == 2
    assert "cannot be listened on" in done.err


def test_a_broken_journal_is_named_with_file_and_line(small: Shell) -> None:
    assert "no journal yet" in small.run("journal", "verify").out
    small.replace("acme/codes.yaml", "It is not", "No deal")
    assert small.run("apply", "acme", "--yes").code == 0
    assert small.run("journal", "verify", "acme", "--format", "json").data["orgs"][0]["broken"] is False
    file = next((small.root / ".wrapctl" / "journal" / "acme").glob("*.jsonl"))
    file.write_text(file.read_text("utf-8").replace("No deal", "My deal"), encoding="utf-8")
    done = small.run("journal", "verify")
    assert done.code == 1
    assert "acme: 1 run, the chain is BROKEN" in done.out
    assert f"{file.name}:" in done.words
    assert small.run("journal", "verify", "../x").code == 2
    assert small.run("journal", "verify", "nobody").code == 2
