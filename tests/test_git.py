"""Git by plumbing: what a push did is known, and nothing of the clone is touched."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from git_remote import ENVIRON, Remote, git
from wrapctl.git import Git, GitFailed, with_token

REF = "refs/wrapctl/test"
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote.make(tmp_path)


def made(repository: Git, text: str = "x", parents: tuple[str, ...] = ()) -> str:
    tree = repository.with_files(None, {"a/b.txt": repository.blob(text.encode())})
    return repository.commit(tree, parents, text, NOON)


def test_a_ref_is_made_only_where_there_is_none(remote: Remote) -> None:
    one, two = remote.open("one"), remote.open("two")
    mine, theirs = made(one, "mine"), made(two, "theirs")

    assert one.push(REF, mine, expect=None)
    assert not two.push(REF, theirs, expect=None)
    assert remote.refs() == {REF: mine}


def test_a_ref_moves_and_goes_only_from_where_it_was_seen(remote: Remote) -> None:
    one, two = remote.open("one"), remote.open("two")
    first = made(one, "first")
    assert one.push(REF, first, expect=None)
    assert two.fetch(REF) == first
    second = made(two, "second", (first,))
    assert two.push(REF, second, expect=first)

    assert not one.push(REF, None, expect=first)
    assert remote.refs() == {REF: second}
    assert two.push(REF, None, expect=second)
    assert remote.refs() == {}
    assert two.tip(REF) is None


def test_the_whole_name_of_a_ref_is_meant(remote: Remote) -> None:
    one = remote.open()
    commit = made(one)
    assert one.push(f"refs/other/{REF}", commit, expect=None)
    assert one.tip(REF) is None


def test_a_push_that_arrived_although_its_answer_was_lost_is_done(remote: Remote) -> None:
    one = remote.open()
    commit = made(one)
    hook = remote.hook("post-update", "kill -9 $PPID")
    with pytest.raises(GitFailed):
        one.run("push", "origin", f"{commit}:refs/heads/proof")
    assert "refs/heads/proof" in remote.refs()

    assert one.push(REF, commit, expect=None)
    assert remote.refs()[REF] == commit
    hook.unlink()
    assert one.tip(REF) == commit


def test_a_remote_that_refuses_is_quoted(remote: Remote) -> None:
    one = remote.open()
    remote.hook("pre-receive", 'echo "nobody writes here \\033[2J on fridays" >&2; exit 1')

    with pytest.raises(GitFailed, match="nobody writes here") as caught:
        one.push(REF, made(one), expect=None)
    assert "origin" in caught.value.hint
    assert remote.refs() == {}


def test_a_remote_that_is_not_there_is_an_error_without_the_login_in_its_address(remote: Remote) -> None:
    clone = remote.clone()
    git(clone, "remote", "set-url", "origin", "http://ada:hunter2@127.0.0.1:9/x.git")

    with pytest.raises(GitFailed, match="git ls-remote failed") as caught:
        Git(clone, ENVIRON).tip(REF)
    assert "hunter2" not in caught.value.message
    with pytest.raises(GitFailed, match="git ls-remote failed"):
        Git(clone, ENVIRON, remote="nowhere").tip(REF)
    with pytest.raises(GitFailed, match="not the name of a remote"):
        Git(clone, ENVIRON, remote="--upload-pack=x")


def test_outside_of_a_clone_it_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="not a git repository") as caught:
        Git(tmp_path, ENVIRON).prefix()
    assert "git clone" in caught.value.hint


def test_a_call_that_hangs_is_ended_with_all_that_it_started(remote: Remote, tmp_path: Path) -> None:
    clone = remote.clone()
    pid = tmp_path / "pid"
    git(clone, "config", "core.sshCommand", f"sh -c 'echo $$ >{pid}; exec sleep 600' --")
    git(clone, "remote", "set-url", "origin", "ssh://nobody@example.invalid/x.git")

    with pytest.raises(GitFailed, match=r"did not end in 0\.5 s"):
        Git(clone, ENVIRON, seconds=0.5).tip(REF)
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid.read_text().strip()], capture_output=True, check=False
    )
    assert found.stdout.strip()[:1] in {b"", b"Z"}


def test_nothing_of_the_clone_is_touched_and_no_hook_of_it_runs(remote: Remote) -> None:
    clone = remote.clone()
    (clone / "dirty.txt").write_text("mine", encoding="utf-8")
    git(clone, "add", "dirty.txt")
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        hook = clone / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
    git(clone, "config", "commit.gpgSign", "true")
    git(clone, "config", "push.gpgSign", "true")
    before = (
        git(clone, "status", "--porcelain"),
        (clone / ".git" / "index").read_bytes(),
        git(clone, "show-ref"),
    )
    one, two = Git(clone, ENVIRON), remote.open("two")

    commit = made(two)
    assert two.push(REF, commit, expect=None)
    assert one.fetch(REF) == commit
    assert one.push(REF, made(one, "next", (commit,)), expect=commit)

    after = (
        git(clone, "status", "--porcelain"),
        (clone / ".git" / "index").read_bytes(),
        git(clone, "show-ref"),
    )
    assert after == before
    assert not (clone / ".git" / "FETCH_HEAD").exists()


@pytest.mark.parametrize(
    "how", [("--depth=1",), ("--filter=blob:none",), ()], ids=["shallow", "partial", "whole"]
)
def test_every_kind_of_clone_gets_the_whole_history_of_a_ref(remote: Remote, how: tuple[str, ...]) -> None:
    git(remote.bare, "config", "uploadpack.allowFilter", "true")
    writer = remote.open("writer")
    first = made(writer, "one")
    second = made(writer, "two", (first,))
    assert writer.push(REF, second, expect=None)

    reader = remote.open("reader", *how)
    assert reader.fetch(REF) == second
    assert reader.has(first)
    (entry,) = reader.entries(second, "a/")
    assert (entry.name, entry.size, reader.blobs([entry.oid])) == ("b.txt", 3, (b"two",))
    assert reader.entries(second, "nothing") == ()
    assert reader.message(second) == "two"


def test_files_are_laid_into_a_tree_beside_what_is_there(remote: Remote) -> None:
    one = remote.open()
    first = one.with_files(None, {"x/y/1": one.blob(b"1"), "top": one.blob(b"t"), 'x/é\n"': one.blob(b"n")})
    second = one.with_files(first, {"x/y/2": one.blob(b"2"), "top": one.blob(b"T")})

    assert [entry.name for entry in one.entries(second, "x/y")] == ["1", "2"]
    assert [entry.name for entry in one.entries(second, "x")] == ["y", 'é\n"']
    assert one.blobs([next(e.oid for e in one.entries(second) if e.name == "top")]) == (b"T",)
    with pytest.raises(GitFailed, match="no content for object"):
        one.blobs(["0" * 40])
    assert one.blobs([]) == ()


def test_a_folder_of_the_repository_knows_where_it_lies(remote: Remote) -> None:
    clone = remote.clone()
    (clone / "ops" / "centre").mkdir(parents=True)
    assert Git(clone, ENVIRON).prefix() == ""
    assert Git(clone / "ops" / "centre", ENVIRON).prefix() == "ops/centre/"
    assert Git(clone, {**ENVIRON, "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere"}).prefix() == ""


def test_a_token_goes_to_its_server_alone_and_replaces_what_a_checkout_left(remote: Remote) -> None:
    clone = remote.clone()
    git(clone, "config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic b2xk")
    environ = with_token(
        {**ENVIRON, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"},
        "https://github.com/",
        "tok",
    )

    def seen(url: str) -> list[str]:
        done = subprocess.run(
            ["git", "-C", str(clone), "config", "--get-urlmatch", "http.extraheader", url],
            capture_output=True,
            text=True,
            check=False,
            env=environ,
        )
        return done.stdout.splitlines()

    assert seen("https://github.com/acme/orgs.git") == ["AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dG9r"]
    assert seen("https://github.com.evil.example/acme/orgs.git") == []
    assert seen("http://github.com/acme/orgs.git") == []
    listed = git_config(clone, environ, "http.https://github.com/.extraheader")
    assert listed == ["AUTHORIZATION: basic b2xk", "", "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dG9r"]
    assert git_config(clone, environ, "a.b") == ["c"]


def git_config(clone: Path, environ: dict[str, str], key: str) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(clone), "config", "--get-all", key],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    return done.stdout.splitlines()
