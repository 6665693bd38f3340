from __future__ import annotations

from pathlib import Path

import pytest

from git_remote import Remote
from github_api import GithubApi
from github_world import World
from wrapctl.cli.console import Console
from wrapctl.cli.hosted import github
from wrapctl.errors import UsageError


def test_a_job_speaks_to_its_own_repository_with_its_own_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(Remote.make(tmp_path).bare)
    world.job_token("ghs_1")
    world.person_token("ghp_1", "wrap-bot")
    number = world.open_issue("Drift")
    with GithubApi(world).served() as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/orgs")
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_1")
        hub = github(Console())
        assert hub is not None
        hub.say(number, "<!-- m -->", "<!-- m --> 1")
        hub.close()
        monkeypatch.setenv("GITHUB_TOKEN", "ghp_1")
        monkeypatch.setenv("WRAPCTL_GITHUB_AUTHOR", "wrap-bot")
        hub = github(Console())
        assert hub is not None
        hub.say(number, "<!-- m -->", "<!-- m --> 2")
        hub.say(number, "<!-- m -->", "<!-- m --> 3")
        hub.close()
    assert (world.said(number), world.said(number, "wrap-bot")) == (["<!-- m --> 1"], ["<!-- m --> 3"])


@pytest.mark.parametrize("missing", ["GITHUB_REPOSITORY", "GITHUB_TOKEN"])
def test_without_a_job_or_its_token_there_is_nobody_to_speak_to(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/orgs")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv(missing, "")
    assert github(Console()) is None


def test_a_token_is_never_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/orgs")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv("GITHUB_API_URL", "http://api.github.example")
    with pytest.raises(UsageError, match="in the clear"):
        github(Console())
