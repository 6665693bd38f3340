"""``wrapctl audit``: times, formats, what it refuses, and where pull requests come from."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from cli.shell import Shell
from git_remote import Remote, git
from wrapctl.cli.audit import _time
from wrapctl.errors import Unreachable, UsageError

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def quick(small: Shell) -> Shell:
    """The small org; its platform answers queries of its trail without being waited for."""
    with small.sandbox as box:
        box.set("acme", audit_polls=0)
    return small


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7d", datetime(2026, 3, 3, 12, 0, tzinfo=UTC)),
        ("2w", datetime(2026, 2, 24, 12, 0, tzinfo=UTC)),
        ("90m", datetime(2026, 3, 10, 10, 30, tzinfo=UTC)),
        ("24h", datetime(2026, 3, 9, 12, 0, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 2, 28, 23, 0, tzinfo=UTC)),
        ("2026-03-01T08:00", datetime(2026, 3, 1, 7, 0, tzinfo=UTC)),
        ("2026-03-01T08:00:00Z", datetime(2026, 3, 1, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_so_long_ago_or_a_day_of_the_org(text: str, found: datetime) -> None:
    assert _time(text, NOW, "Europe/Berlin") == found


@pytest.mark.parametrize("text", ["yesterday", "0d", "7", "-7d", "2026-13-01", "0001-01-01"])
def test_what_is_no_time_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        _time(text, NOW, "Europe/Berlin")


@pytest.mark.parametrize(
    "arguments",
    [
        ("acme",),
        ("acme", "--since", "soon"),
        ("acme", "--since", "1d", "--until", "2d"),
        ("nobody", "--since", "1d"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_usage_error(small: Shell, arguments: tuple[str, ...]) -> None:
    assert small.run("audit", *arguments).code == 2


def test_what_somebody_did_by_hand_is_told_and_formulas_do_no_harm(quick: Shell) -> None:
    quick.edit("Sale", name="=HYPERLINK(1)")
    told = quick.run("audit", "acme", "--since", "1h")
    assert told.code == 0
    assert "1 change: 1 by hand" in told.words
    (row,) = csv.DictReader(StringIO(quick.run("audit", "acme", "--since", "1h", "--format", "csv").out))
    assert (row["object_name"], row["by"], row["codes"]) == ("'=HYPERLINK(1)", "hand", "SALE")


def test_a_client_that_may_not_see_the_trail_is_told_which_right_it_lacks(quick: Shell) -> None:
    with quick.sandbox as box:
        box.add_fault("status", path="/api/v2/audits/*", status=403, code="missing.permissions")
    done = quick.run("audit", "acme", "--since", "1h")
    assert done.code == 1
    assert "403" in done.err


def test_in_ci_a_sandbox_is_audited_only_when_that_is_meant(
    quick: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert quick.run("audit", "acme", "--since", "1h").code == 4
    assert quick.run("audit", "acme", "--since", "1h", "--sandbox").code == 0


# ── commits and pull requests ──────────────────────────────────────────────────────────────────────────────


def applied(shell: Shell, message: str = "Say it better") -> str:
    """One change of a description, committed and applied; returns the commit."""
    shell.replace("acme/codes.yaml", "It is not", "No deal")
    git(shell.root, "init", "-q", "-b", "main")
    git(shell.root, "add", "wrapups")
    git(shell.root, "commit", "-q", "-m", message)
    assert shell.run("apply", "acme", "--yes").code == 0
    return git(shell.root, "rev-parse", "HEAD")


def told(shell: Shell) -> list[dict[str, Any]]:
    done = shell.run("audit", "acme", "--since", "1h", "--format", "jsonl")
    assert done.code == 0, done.words
    return [json.loads(line) for line in done.out.splitlines()]


def test_the_message_of_the_commit_tells_the_pull_request(quick: Shell) -> None:
    commit = applied(quick, "Say it better (#41)")
    ((found,), said) = told(quick), quick.run("audit", "acme", "--since", "1h").words
    assert (found["commit"], found["pull_requests"]) == (commit, [41])
    assert f"commit {commit[:12]}, pull request #41" in said


@dataclass
class Hub:
    """GitHub, as far as its deployments go."""

    deployed: list[Any]
    author: str = "github-actions[bot]"
    closed: bool = False
    down: bool = False

    def deployments(self, environment: str, *, sha: str = "") -> Any:
        if self.down:
            raise Unreachable("no route to GitHub")
        assert environment == "wrapctl/acme"
        return iter([one for one in self.deployed if one.sha == sha])

    def close(self) -> None:
        self.closed = True


def deployment(sha: str, creator: str, pulls: Any) -> Any:
    return SimpleNamespace(sha=sha, creator=creator, payload={"pull_requests": pulls})


@pytest.mark.parametrize(
    ("creator", "pulls", "found"),
    [
        ("github-actions[bot]", [7, 9], [7, 9]),
        ("GitHub-Actions[bot]", [7], [7]),
        ("mallory", [7], []),
        ("github-actions[bot]", "7", []),
    ],
)
def test_in_a_job_deployments_tell_it_but_only_those_of_the_job_itself(
    quick: Shell, monkeypatch: pytest.MonkeyPatch, creator: str, pulls: Any, found: list[int]
) -> None:
    hub = Hub([deployment(applied(quick), creator, pulls)])
    monkeypatch.setattr("wrapctl.cli.hosted.github", lambda _: hub)
    assert [one["pull_requests"] for one in told(quick)] == [found]
    assert hub.closed


def test_a_github_that_does_not_answer_costs_the_pull_request_alone(
    quick: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(quick)
    monkeypatch.setattr("wrapctl.cli.hosted.github", lambda _: Hub([], down=True))
    done = quick.run("audit", "acme", "--since", "1h")
    assert done.code == 0
    assert "pull requests may lack: no route to GitHub" in done.words
    assert "1 by wrapctl" in done.words


def test_the_journal_on_a_branch_of_the_remote_counts_as_well(
    quick: Shell, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = Remote.make(tmp_path_factory.mktemp("git"))
    quick.write(
        "acme/org.yaml", "kind: Org\nplatform: genesys\nendpoint: sandbox\njournal: {store: git-branch}\n"
    )
    git(quick.root, "init", "-q", "-b", "main")
    git(quick.root, "remote", "add", "origin", f"file://{made.bare}")
    applied(quick)
    for file in (quick.root / ".wrapctl").glob("journal-branch/**/*.jsonl"):
        file.unlink()
    assert [one["by"] for one in told(quick)] == ["wrapctl"]
