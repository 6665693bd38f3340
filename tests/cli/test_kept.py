"""Locks and journals on the remote that all runners share, through the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.shell import Shell
from git_remote import Remote, git
from wrapctl.apply.lock import Holder
from wrapctl.cli.console import Console
from wrapctl.cli.kept import repository

BRANCH = "refs/heads/wrapctl-journal"
LOCKS = "refs/wrapctl/locks/"
SHARED = "apply: {lock: git-ref}\njournal: {store: git-branch}\n"


@pytest.fixture
def remote(small: Shell, tmp_path_factory: pytest.TempPathFactory) -> Remote:
    """The small project, in a clone of a remote, locked and journalled there."""
    made = Remote.make(tmp_path_factory.mktemp("git"))
    git(small.root, "init", "-q", "-b", "main")
    git(small.root, "remote", "add", "origin", f"file://{made.bare}")
    small.write("acme/org.yaml", f"kind: Org\nplatform: genesys\nendpoint: sandbox\n{SHARED}")
    return made


def organization(shell: Shell) -> str:
    return str(shell.run("plan", "acme", "--format", "json").data["organization"]["id"])


def hold(remote: Remote, organization_id: str, run: str) -> None:
    """A runner took the lock and is gone."""
    record = Holder(run, "bob", "runner-7", 12, "2026-03-01T10:00:00+00:00", "acme", "abc").text()
    tree = git(remote.bare, "mktree")
    git(
        remote.bare,
        "update-ref",
        LOCKS + organization_id,
        git(remote.bare, "commit-tree", tree, "-m", record),
    )


def test_an_apply_is_locked_and_journalled_on_the_remote_and_leaves_the_clone_alone(
    small: Shell, remote: Remote
) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    before = git(small.root, "status", "--porcelain")
    done = small.run("apply", "acme", "--yes")
    assert done.code == 0, done.words
    assert "every runner that shares the remote origin" in done.err
    assert list(remote.refs()) == [BRANCH]
    (file,) = git(remote.bare, "ls-tree", "-r", "--name-only", BRANCH, "acme/").splitlines()
    assert git(remote.bare, "show", f"{BRANCH}:{file}").count("\n") == 3
    assert git(small.root, "status", "--porcelain") == f"?? .wrapctl/\n{before}".replace(
        "?? .wrapctl/\n?? .wrapctl/", "?? .wrapctl/"
    )

    assert not (small.root / ".wrapctl" / "journal").exists()
    said = small.run("journal", "verify")
    assert said.out == "acme: 1 run on the branch wrapctl-journal of origin, the chain is whole\n"


def test_another_machine_follows_the_same_chain_and_a_changed_record_shows(
    small: Shell, remote: Remote
) -> None:
    for number in (1, 2):
        small.replace("acme/codes.yaml", "It is not" + "!" * (number - 1), "It is not" + "!" * number)
        assert small.run("apply", "acme", "--yes").code == 0
        shutil.rmtree(small.root / ".wrapctl" / "journal-branch")  # a fresh runner each time
    data = small.run("journal", "verify", "acme", "--format", "json").data["orgs"]
    assert [(one["org"], one["branch"], one["runs"], one["broken"]) for one in data] == [
        ("acme", "wrapctl-journal", 2, False)
    ]

    clone = remote.clone("auditor")
    git(clone, "checkout", "-q", "wrapctl-journal")
    file = min((clone / "acme").iterdir())
    file.write_text(file.read_text("utf-8").replace("It is not!", "It is yes!"), encoding="utf-8")
    git(clone, "commit", "-qam", "Nothing to see")
    git(clone, "push", "-q", "origin", "wrapctl-journal")
    for arguments in (["acme"], ["--branch", "wrapctl-journal"], []):
        done = small.run("journal", "verify", *arguments)
        assert done.code == 1
        assert f"{file.name}:" in done.words
        assert "the chain is BROKEN" in done.words


def test_a_branch_can_be_verified_without_any_files(small: Shell, remote: Remote) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    assert small.run("apply", "acme", "--yes").code == 0
    small.write("acme/org.yaml", "kind: Org\nplatform: [\n")
    done = small.run("journal", "verify")
    assert "no journal yet" in done.out
    assert "--branch" in done.err
    assert "1 run on the branch" in small.run("journal", "verify", "--branch", "wrapctl-journal").out
    assert (
        "0 runs on the branch" in small.run("journal", "verify", "other", "--branch", "wrapctl-journal").out
    )
    assert small.run("journal", "verify", "--branch", "main").code == 1
    assert small.run("journal", "verify", "--branch", "a..b").code == 2
    assert small.run("journal", "verify", "../x", "--branch", "wrapctl-journal").code == 2


def test_a_lock_that_a_runner_left_is_named_with_its_age_and_can_be_taken_away(
    small: Shell, remote: Remote
) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    hold(remote, organization(small), "run-9")
    before = small.state()
    done = small.run("apply", "acme", "--yes")
    assert done.code == 4
    assert "bob on runner-7 (process 12), run run-9 since 2026-03-01T10:00:00+00:00 (" in done.words
    assert "wrapctl unlock acme --run run-9" in done.words
    assert small.state() == before

    assert small.run("unlock", "acme", "--run", "run-1").code == 4
    done = small.run("unlock", "acme", "--run", "run-9")
    assert done.code == 0
    assert " d " in done.out
    assert "is free now" in done.out
    assert small.run("unlock", "acme", "--run", "run-9").code == 2
    assert small.run("apply", "acme", "--yes").code == 0


def test_without_a_remote_nothing_is_written(small: Shell, remote: Remote) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    git(small.root, "remote", "remove", "origin")
    before = small.state()
    done = small.run("apply", "acme", "--yes")
    assert done.code == 1
    assert "git" in done.words
    assert small.state() == before


def test_a_journal_that_cannot_be_pushed_lets_nothing_be_written(small: Shell, remote: Remote) -> None:
    small.replace("acme/codes.yaml", "It is not", "No deal")
    remote.hook("update", 'case "$1" in refs/heads/*) echo "branches are closed" >&2; exit 1;; esac')
    before = small.state()
    done = small.run("apply", "acme", "--yes")
    assert done.code == 1
    assert "branches are closed" in done.words
    assert small.state() == before
    assert remote.refs() == {}


def test_in_a_job_git_is_given_the_jobs_token_for_its_server_alone(
    small: Shell, remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_1")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    out = repository(Console(small.root)).run(
        "config", "--get-urlmatch", "http.extraheader", "https://github.com/a/b"
    )
    assert out.startswith(b"AUTHORIZATION: basic ")
    monkeypatch.delenv("GITHUB_TOKEN")
    assert b"basic" not in repository(Console(small.root)).run("config", "--list")
