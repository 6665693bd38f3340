"""``wrapctl apply``: it asks, writes what was planned or nothing, and reports."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios

import pytest

from cli.shell import ROOT, Shell
from wrapctl.cli import apply as module
from wrapctl.cli.console import Console


def changed(small: Shell) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")


def test_what_was_planned_is_live_afterwards_and_the_next_plan_is_empty(small: Shell) -> None:
    changed(small)
    done = small.run("apply", "acme", "--yes")
    assert done.code == 0
    assert "acme: applied" in done.out
    assert small.run("plan", "acme", "--exit-code").code == 0
    assert small.run("journal", "verify").code == 0


def test_without_a_terminal_and_without_yes_nothing_is_even_read(small: Shell) -> None:
    done = small.run("apply", "acme")
    assert done.code == 2
    assert "--yes" in done.err
    with small.sandbox as box:
        assert box.requests("acme") == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_on_a_terminal_it_shows_the_plan_and_asks(
    small: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    changed(small)
    monkeypatch.setattr(module, "on_a_terminal", lambda: True)
    before = small.state()
    done = small.run("apply", "acme", typed=answer)
    assert "Apply 1 change to acme?" in done.err
    assert '"It is not" → "No deal"' in done.out
    assert (small.state() == before) == (code != 0)
    assert done.code == (code or 0) or answer == ""


def test_which_org_must_be_said(small: Shell) -> None:
    assert small.run("apply", "--yes").code == 2
    assert small.run("apply", "acme", "--all", "--yes").code == 2
    assert small.run("apply", "nobody", "--yes").code == 2


def test_all_orgs_are_applied_in_the_order_of_their_stages(shell: Shell) -> None:
    done = shell.run("apply", "--all", "--yes", "--format", "json", "--report", "reports")
    assert done.code == 0
    assert [report["org"] for report in done.data["reports"]] == ["acme-us", "acme-cxone", "acme-emea"]
    saved = json.loads((shell.root / "reports" / "acme-us.json").read_text("utf-8"))
    assert saved["kind"] == "wrapctl.report"
    assert saved["journal"].startswith(".wrapctl/journal/acme-us/")


def test_a_stage_waits_for_the_one_before_to_end_well(shell: Shell) -> None:
    with shell.sandbox as box:
        box.ensure("acme-us")
        box.add_fault(
            "status", status=403, code="missing.permissions", org="acme-us", method="PUT", path="wrapupcodes"
        )
    done = shell.run("apply", "--all", "--yes", "--format", "json")
    assert done.code in {1, 5}
    assert [report["org"] for report in done.data["reports"]] == ["acme-us"]
    assert "not started: acme-cxone, acme-emea" in done.err


def test_a_saved_plan_is_applied_and_applying_it_again_writes_nothing(small: Shell) -> None:
    changed(small)
    small.run("plan", "acme", "--out", "p.json")
    assert small.run("apply", "--plan", "p.json", "--yes").code == 0
    after = small.state()
    done = small.run("apply", "--plan", "p.json", "--yes", "--format", "json")
    assert done.code == 0
    assert done.data["totals"] == {"already done": 1}
    assert small.state() == after


def test_a_stale_saved_plan_writes_nothing_and_shows_three_values(small: Shell) -> None:
    changed(small)
    small.run("plan", "acme", "--out", "p.json")
    small.edit("Lost", description="Somebody was faster")
    before = small.state()
    done = small.run("apply", "--plan", "p.json", "--yes")
    assert done.code == 4
    assert 'planned from "It is not", live now "Somebody was faster", wanted "No deal"' in done.words
    assert small.state() == before
    done = small.run("apply", "--plan", "p.json", "--yes", "--format", "json")
    assert done.code == 4
    assert done.data["stale"] is True
    assert done.data["changes"][0]["now"]["description"] == "Somebody was faster"


def test_an_edit_of_another_declared_field_is_kept_and_reported_when_asked_to_merge(small: Shell) -> None:
    changed(small)
    small.run("plan", "acme", "--out", "p.json")
    small.edit("Lost", name="Lost deal")
    assert small.run("apply", "--plan", "p.json", "--yes").code == 4
    done = small.run("apply", "--plan", "p.json", "--yes", "--on-conflict", "merge")
    assert "Live values kept" in done.out
    assert 'name: live "Lost deal", the files want "Lost"' in done.words
    bodies = {code["name"]: code for code in small.state()["codes"].values()}
    assert bodies["Lost deal"]["description"] == "No deal"


def test_a_saved_plan_of_other_files_is_refused(small: Shell) -> None:
    changed(small)
    small.run("plan", "acme", "--out", "p.json")
    small.replace("acme/codes.yaml", "No deal", "Never mind")
    done = small.run("apply", "--plan", "p.json", "--yes")
    assert done.code == 4
    assert "the files have changed since the plan was made" in done.err


@pytest.mark.parametrize(
    ("old", "new"), [('"No deal"', '"Evil deal"'), ('"format": 1', '"format": 99'), ("{", "[")]
)
def test_a_saved_plan_that_was_touched_is_refused(small: Shell, old: str, new: str) -> None:
    changed(small)
    small.run("plan", "acme", "--out", "p.json")
    file = small.root / "p.json"
    file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")
    assert small.run("apply", "--plan", "p.json", "--yes").code == 4


def test_an_acknowledgement_written_into_a_saved_plan_counts_for_nothing(small: Shell) -> None:
    small.replace("acme/org.yaml", "endpoint: sandbox", "endpoint: sandbox\nlimits: {updates: {max: 0}}")
    changed(small)
    small.run("plan", "acme", "--out", "p.json")
    file = small.root / "p.json"
    data = json.loads(file.read_text("utf-8"))
    token = data["findings"][0]["token"]
    data["findings"][0]["accepted"] = "by me"
    file.write_text(json.dumps(data), encoding="utf-8")
    assert small.run("apply", "--plan", "p.json", "--yes").code == 4
    assert small.run("apply", "--plan", "p.json", "--yes", "--allow", token).code == 0


def test_an_org_in_observe_mode_is_not_applied(small: Shell) -> None:
    changed(small)
    small.replace("acme/org.yaml", "endpoint: sandbox", "endpoint: sandbox\nmanage: {mode: observe}")
    done = small.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "observe" in done.err


def test_outside_a_window_only_a_reason_breaks_the_glass(small: Shell) -> None:
    changed(small)
    today = Console.now().strftime("%a").lower()
    other = {"mon": "wed", "tue": "thu", "wed": "fri", "thu": "sat", "fri": "sun", "sat": "mon", "sun": "tue"}
    window = f'windows: [{{days: [{other[today]}], from: "10:00", to: "11:00"}}]'
    small.replace("acme/org.yaml", "endpoint: sandbox", f"endpoint: sandbox\n{window}")
    done = small.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "the next one opens" in done.err
    assert small.run("apply", "acme", "--yes", "--allow", "window=the phones are burning").code == 0
    record = next((small.root / ".wrapctl" / "journal" / "acme").glob("*.jsonl")).read_text("utf-8")
    assert "the phones are burning" in record


def test_a_guard_refusal_names_the_way_past_and_writes_nothing(small: Shell) -> None:
    small.replace("acme/org.yaml", "endpoint: sandbox", "endpoint: sandbox\nlimits: {updates: {max: 0}}")
    changed(small)
    before = small.state()
    done = small.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "updates=1@" in done.words
    assert small.state() == before


def test_a_client_that_may_only_read_fails_before_any_write(
    small: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(small)
    monkeypatch.setenv("ID", "sandbox-acme-readonly")
    monkeypatch.setenv("SECRET", "sandbox")
    small.replace(
        "acme/org.yaml",
        "endpoint: sandbox",
        "endpoint: sandbox\ncredentials: {client_id: {env: ID}, client_secret: {env: SECRET}}",
    )
    assert small.run("plan", "acme", "--exit-code").code == 3
    before = small.state()
    done = small.run("apply", "acme", "--yes")
    assert done.code in {1, 5}
    assert "missing" in done.words
    assert small.state() == before


def test_a_plan_with_nothing_to_write_takes_no_lock_and_no_journal(small: Shell) -> None:
    done = small.run("apply", "acme", "--yes", "--format", "json")
    assert done.code == 0
    assert done.data["totals"] == {}
    assert not (small.root / ".wrapctl" / "journal").exists()


def test_the_journal_says_who_and_from_which_commit(small: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(small)
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    monkeypatch.setenv("GITHUB_SHA", "f" * 40)
    assert small.run("apply", "acme", "--yes").code == 0
    file = next((small.root / ".wrapctl" / "journal" / "acme").glob("*.jsonl"))
    head = json.loads(file.read_text("utf-8").splitlines()[0])
    assert head["actor"] == "octocat"
    assert head["commit"] == "f" * 40


def test_a_second_apply_is_told_who_holds_the_lock(small: Shell) -> None:
    from wrapctl.apply.lock import FileLock, Holder  # noqa: PLC0415 (only here)

    changed(small)
    organization = small.run("plan", "acme", "--format", "json").data["organization"]["id"]
    lock = FileLock(small.root / ".wrapctl" / "locks")
    with lock.hold(organization, Holder(run="r1", actor="somebody", host="elsewhere")):
        done = small.run("apply", "acme", "--yes")
        assert done.code == 4
        assert "somebody" in done.err
        assert small.run("unlock", "acme", "--run", "r2").code == 4
        done = small.run("unlock", "acme", "--run", "r1")
        assert done.code == 0
        assert "somebody on elsewhere" in done.out
    assert small.run("apply", "acme", "--yes").code == 0
    assert small.run("unlock", "acme", "--run", "r1").code == 2


def on_a_pty(small: Shell, typed: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a real terminal, and type something when it asks."""
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-m", "wrapctl.cli.main", *arguments],
        cwd=small.root,
        env={**environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (Ctrl-C needs a terminal of its own)
    ) as process:
        os.close(theirs)
        said = ""
        try:
            while True:
                heard, _, _ = select.select([ours], [], [], 0.2)
                if heard:
                    said += os.read(ours, 65536).decode(errors="replace")
                elif "[y/N]" in said:
                    # Once it waits; and again, since a Ctrl-C that comes just before the read is not seen by it.
                    os.write(ours, typed.encode())
        except OSError:  # how Linux says that the other end of a terminal was closed
            pass
        finally:
            os.close(ours)
        return process.wait(30), said


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\x03", 5)])
def test_on_a_real_terminal_bars_make_room_for_the_plan_and_the_question(
    small: Shell, typed: str, code: int
) -> None:
    changed(small)
    before = small.state()
    ended, said = on_a_pty(small, typed, "apply", "acme")
    assert "Apply 1 change to acme? [y/N]" in said
    assert "\x1b[1macme: " in said
    assert "Traceback" not in said
    assert (small.state() == before) == (code != 0)
    assert ended == code
