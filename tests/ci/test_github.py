"""The client of GitHub, against the emulated API: what it asks, what it takes, and what it refuses to believe."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from git_remote import Remote, git
from github_api import GithubApi
from github_world import BOT, READ, World
from wrapctl.ci import api as ci_api
from wrapctl.ci.api import check_api_url
from wrapctl.ci.github import GitHub, connect
from wrapctl.ci.shapes import Annotation
from wrapctl.errors import (
    Answered,
    Forbidden,
    IncompleteRead,
    RateLimited,
    TargetError,
    Unanswered,
    Unauthorized,
    UsageError,
    WrapctlError,
)
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.sandbox.faults import ConnectionDropped
from wrapctl.targets.interface import Runtime

TOKEN = "ghs_0123456789abcdef"
MARK = "<!-- wrapctl:plan -->"


class Host:
    """An emulated GitHub, a clone that somebody works in, and a client with a job's token."""

    def __init__(self, folder: Path) -> None:
        self.remote = Remote.make(folder)
        self.world = World(self.remote.bare)
        self.api = GithubApi(self.world)
        self.waits: list[float] = []
        self.now = 0.0
        self.world.job_token(TOKEN)
        self.git = self.remote.clone("work")

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False

    def client(self, token: str = TOKEN, **options: Any) -> GitHub:
        options.setdefault("transport", EmbeddedTransport(self.api, dropped=(ConnectionDropped,)))
        runtime = Runtime(threading.Event(), lambda: self.now, self.wait)
        return connect("acme/orgs", token, runtime, jitter=lambda: 0.0, **options)

    def commit(self, branch: str, files: dict[str, str | None], *, start: str = "origin/main") -> str:
        """Somebody commits files (None: removed) to a branch, made when missing, and pushes it."""
        git(self.git, "fetch", "-q", "origin")
        there = git(self.git, "branch", "--list", branch)
        git(self.git, "checkout", "-q", *([branch] if there else ["--no-track", "-b", branch, start]))
        for name, text in files.items():
            file = self.git / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text, encoding="utf-8")
        git(self.git, "add", "-A")
        git(self.git, "commit", "-q", "-m", f"Change {', '.join(files)}")
        git(self.git, "push", "-q", "origin", branch)
        return git(self.git, "rev-parse", "HEAD")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def hub(host: Host) -> GitHub:
    return host.client()


def opened(host: Host) -> int:
    host.commit("change", {"a.yaml": "1"})
    return host.world.open_pull("change")


# ── comments ───────────────────────────────────────────────────────────────────────────────────────────────


def test_one_comment_is_written_and_then_edited_in_place(host: Host, hub: GitHub) -> None:
    number = opened(host)
    first = hub.say(number, MARK, f"{MARK}\nfirst")
    again = hub.say(number, MARK, f"{MARK}\nsecond")
    assert again.id == first.id
    assert host.world.said(number) == [f"{MARK}\nsecond"]

    sent = len(host.api.requests)
    hub.say(number, MARK, f"{MARK}\nsecond")
    assert [one.method for one in host.api.requests[sent:]] == ["GET"]


def test_a_marker_that_somebody_else_wrote_is_never_taken_for_ours(host: Host, hub: GitHub) -> None:
    number = opened(host)
    forged = host.world.comment(number, f"{MARK}\napproved!", login="mallory")
    quoted = host.world.comment(number, f"mallory said:\n{MARK}", login=BOT)
    hub.say(number, MARK, f"{MARK}\nthe plan")
    assert [one.body for one in hub.own_comments(number, MARK)] == [f"{MARK}\nthe plan"]
    assert host.world.comments[forged].body == f"{MARK}\napproved!"
    assert host.world.comments[quoted].body == f"mallory said:\n{MARK}"


def test_the_author_can_be_another_one_than_the_jobs_own(host: Host) -> None:
    host.world.person_token("ghp_1", "Wrap-Bot")
    number = opened(host)
    hub = host.client("ghp_1", author="wrap-bot")
    hub.say(number, MARK, f"{MARK} 1")
    hub.say(number, MARK, f"{MARK} 2")
    assert host.world.said(number, "Wrap-Bot") == [f"{MARK} 2"]
    with pytest.raises(ValueError, match="begins with its marker"):
        hub.say(number, MARK, "no marker")


def test_a_comment_whose_answer_was_lost_is_found_and_not_written_twice(host: Host, hub: GitHub) -> None:
    number = opened(host)
    host.api.lose(method="POST", path="/comments")
    assert hub.say(number, MARK, f"{MARK} 1").body == f"{MARK} 1"
    assert host.world.said(number) == [f"{MARK} 1"]

    host.api.drop(method="POST", path="/comments")
    other = "<!-- other -->"
    with pytest.raises(Unanswered):
        hub.say(number, other, f"{other} 1")
    assert len(host.world.said(number)) == 1


def test_long_listings_are_read_to_their_end(host: Host, hub: GitHub) -> None:
    number = opened(host)
    for n in range(230):
        host.world.comment(number, f"comment {n}")
    assert [one.body for one in hub.comments(number)] == [f"comment {n}" for n in range(230)]
    assert hub.traffic.requests == {"GET /repos/{owner}/{repo}/issues/{number}/comments": 3}
    assert host.api.requests[-1].path.startswith("/repositories/")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/repositories/1/issues?page=2",
        "http://api.github.com/repositories/1/issues?page=2",
        "https://api.github.com:444/x",
        "https://api.github.com@evil.example/x",
        "https://api.github.com/../x",
        "//evil.example/x",
    ],
)
def test_the_next_page_is_never_asked_for_at_another_place(link: str, host: Host) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=[], headers={"Link": f'<{link}>; rel="next"'})

    hub = host.client(transport=httpx.MockTransport(answer))
    with pytest.raises(IncompleteRead, match="another place"):
        hub.comments(1)
    assert len(asked) == 1


def test_a_listing_without_end_is_given_up(host: Host) -> None:
    next_page = {
        "Link": '<https://api.github.com/repositories/1/x?page=2>; rel="next", <https://evil>; rel="last"'
    }
    hub = host.client(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=[], headers=next_page))
    )
    with pytest.raises(IncompleteRead, match="more than 200 pages"):
        hub.comments(1)


# ── pull requests ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_pull_request_is_read_with_its_files_commits_and_reviews(host: Host, hub: GitHub) -> None:
    host.commit("seed", {"old/é name.yaml": "1\n2\n3\n", "gone.yaml": "x"})
    git(host.git, "push", "-q", "origin", "seed:main")
    first = host.commit("change", {"a.yaml": "1", "gone.yaml": None})
    git(host.git, "mv", "old/é name.yaml", ".github-é")
    second = host.commit("change", {"b.yaml": "2"})
    number = host.world.open_pull("change", title="Add | <b>codes", login="ada", body="why")
    host.world.review(number, "bob")

    pull = hub.pull(number)
    assert (pull.title, pull.author, pull.head, pull.head_ref, pull.base_ref) == (
        "Add | <b>codes",
        "ada",
        second,
        "change",
        "main",
    )
    assert (pull.open, pull.merged, pull.fork, pull.mergeable, pull.mergeable_state) == (
        True,
        False,
        False,
        True,
        "clean",
    )
    assert {(one.status, one.paths) for one in hub.files(pull)} == {
        ("added", ("a.yaml",)),
        ("added", ("b.yaml",)),
        ("removed", ("gone.yaml",)),
        ("renamed", (".github-é", "old/é name.yaml")),
    }
    assert [one.sha for one in hub.commits(pull)] == [first, second]
    assert hub.commits(pull)[1].parents == (first,)
    assert [(one.author, one.state, one.commit) for one in hub.reviews(number)] == [
        ("bob", "APPROVED", second)
    ]


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_merged_commit_leads_to_its_pull_request(method: Any, host: Host, hub: GitHub) -> None:
    host.commit("other", {"x.yaml": "1"})
    host.world.open_pull("other")
    number = opened(host)
    merged = host.world.merge(number, method=method)

    (pull,) = hub.pulls_of(merged)
    assert (pull.number, pull.merged, pull.merge_commit, pull.changed_files) == (number, True, merged, None)
    assert hub.pull(number).merged_by == "bob"
    assert [one.path for one in hub.files(pull)] == ["a.yaml"]
    assert len(hub.commits(pull)) == 1
    assert git(host.remote.bare, "show", "main:a.yaml") == "1"
    assert hub.pulls_of(git(host.remote.bare, "rev-list", "--max-parents=0", "main")) == ()


def test_branches_that_conflict_are_told(host: Host, hub: GitHub) -> None:
    one, two = opened(host), host.world.open_pull("rival")
    host.commit("rival", {"a.yaml": "2"})
    host.world.merge(one)
    assert (hub.pull(two).mergeable, hub.pull(two).mergeable_state) == (False, "dirty")


def test_a_fork_is_told_from_the_repository_itself(host: Host, hub: GitHub) -> None:
    sha = host.commit("stranger", {"a.yaml": "1"})
    git(host.git, "push", "-q", "origin", ":stranger")
    number = host.world.open_pull(sha, fork="mallory/orgs", login="mallory")
    assert hub.pull(number).fork
    assert hub.pull(number).head == sha
    host.world.pull(number).head_repository = None  # the fork was deleted
    assert hub.pull(number).fork


def test_a_pull_request_whose_files_are_not_all_listed_is_not_half_read(host: Host, hub: GitHub) -> None:
    host.commit("big", {f"f/{n}.yaml": str(n) for n in range(3001)})
    pull = hub.pull(host.world.open_pull("big"))
    with pytest.raises(IncompleteRead, match="has 3001 files, and GitHub lists 3000") as caught:
        hub.files(pull)
    assert "not approved" in caught.value.hint


# ── issues ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_issue_is_opened_found_by_label_changed_and_closed(host: Host, hub: GitHub) -> None:
    host.world.open_issue("another", f"{MARK} forged", "mallory", ("wrapctl-drift",))
    host.world.issues[opened(host)].labels.append("wrapctl-drift")
    made = hub.create_issue("Drift in acme", f"{MARK}\nlist", ["wrapctl-drift", "ops"])
    assert [one.number for one in hub.own_issues("wrapctl-drift", MARK)] == [made.number]
    assert [one.title for one in hub.issues("wrapctl-drift")] == ["Drift in acme", "another"]

    hub.update_issue(made.number, body=f"{MARK}\nshorter")
    closed = hub.update_issue(made.number, state="closed")
    assert (closed.open, closed.body, closed.labels) == (False, f"{MARK}\nshorter", ("wrapctl-drift", "ops"))
    assert hub.own_issues("wrapctl-drift", MARK) == ()
    assert hub.own_issues("wrapctl-drift", MARK, state="all")[0].number == made.number


# ── checks ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_check_is_set_with_its_annotations_by_fifties(host: Host, hub: GitHub) -> None:
    number = opened(host)
    sha = hub.pull(number).head
    remarks = [
        Annotation("a.yaml", n + 1, "failure", f"wrong {n}", title="t" if n % 2 else "") for n in range(120)
    ]
    hub.create_check("wrapctl", sha, "success", title="old", summary="s")
    made = hub.create_check(
        "wrapctl", sha, "failure", title="2 orgs", summary="s", external_id="sha256:abc", annotations=remarks
    )
    shown = host.world.checks[made.id].annotations
    assert [one["start_line"] for one in shown] == list(range(1, 121))
    assert (shown[0].get("title"), shown[1]["title"]) == (None, "t")
    both = hub.checks(sha, "wrapctl")
    assert [(one.title, one.conclusion, one.app) for one in both] == [
        ("2 orgs", "failure", "github-actions"),
        ("old", "success", "github-actions"),
    ]
    assert [one.external_id for one in hub.checks(sha, latest=True)] == ["sha256:abc"]
    assert hub.checks(sha, "another") == ()


# ── runs and artefacts ─────────────────────────────────────────────────────────────────────────────────────


def test_an_artefact_is_found_by_head_commit_and_workflow_and_read(host: Host, hub: GitHub) -> None:
    sha = hub.pull(opened(host)).head
    host.world.start_run("other.yml", sha)
    host.world.start_run("plan.yml", "f" * 40)
    pushed = host.world.start_run("plan.yml", sha, event="push")
    run = host.world.start_run("plan.yml", sha)
    host.world.upload(run, "wrapctl-plan", {"acme.json": b"{}", "summary.md": b"# s"})
    host.world.rerun(run)
    newer = host.world.upload(run, "wrapctl-plan", {"acme.json": b'{"a": 1}', "x/../../y": b"evil"})
    host.world.upload(run, "logs", {})
    old = host.world.upload(run, "wrapctl-plan", {"acme.json": b"never"})
    host.world.artifacts[old].expired = True
    host.world.finish_run(run)

    (found,) = hub.runs("plan.yml", sha, event="pull_request")
    assert (found.id, found.path, found.attempt, found.conclusion) == (
        run,
        ".github/workflows/plan.yml",
        2,
        "success",
    )
    assert [one.id for one in hub.runs("plan.yml", sha)] == [run, pushed]
    assert hub.run(run) == found
    latest, _ = hub.artifacts(run, "wrapctl-plan")
    assert (latest.id, latest.head) == (newer, sha)
    assert [one.name for one in hub.artifacts(run)] == ["logs", "wrapctl-plan", "wrapctl-plan"]
    assert hub.read_artifact(latest, ["acme.json", "missing.json"]) == {"acme.json": b'{"a": 1}'}


def test_the_token_never_goes_to_where_the_files_are_kept(host: Host, hub: GitHub) -> None:
    run = host.world.start_run("plan.yml", "f" * 40)
    host.world.upload(run, "p", {"a": b"1"})
    (artifact,) = hub.artifacts(run)
    assert hub.read_artifact(artifact, ["a"]) == {"a": b"1"}
    last = host.api.requests[-1]
    assert (last.host, last.token) == ("storage.example", "")
    # The address is a secret for a minute: it is neither counted nor told.
    assert list(hub.traffic.requests)[-1] == "GET (file storage)"

    host.api.fail(403, path="actions-results")
    with pytest.raises(Answered) as caught:
        hub.read_artifact(artifact, ["a"])
    assert "sig=" not in str(caught.value)
    assert "GET (file storage) answered 403" in caught.value.message


@pytest.mark.parametrize(
    "location", ["http://storage.example/x", "ftp://storage.example/x", "https://u:p@storage.example/x", "/x"]
)
def test_a_download_is_not_followed_to_anywhere(location: str, host: Host) -> None:
    hub = host.client()
    run = host.world.start_run("plan.yml", "f" * 40)
    host.world.upload(run, "p", {"a": b"1"})
    (artifact,) = hub.artifacts(run)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(302, headers={"Location": location})

    with pytest.raises(TargetError, match=r"plain http|may not be used"):
        host.client(transport=httpx.MockTransport(answer)).read_artifact(artifact, ["a"])
    assert len(asked) == 1


def test_what_is_larger_than_allowed_is_not_read(host: Host, hub: GitHub) -> None:
    run = host.world.start_run("plan.yml", "f" * 40)
    bomb = host.world.upload(run, "bomb", {"a": b"0" * 5_000_000})
    host.world.upload_zip(run, "liar", b"x" * 50_000)
    liar, bombed = hub.artifacts(run)
    assert bombed.size < 10_000
    with pytest.raises(TargetError, match="unpacks to more than 1,000,000 bytes"):
        hub.read_artifact(bombed, ["a"], most=1_000_000)
    with pytest.raises(TargetError, match=r"has 50,000 bytes, more than 9,999"):
        hub.read_artifact(liar, ["a"], most=9_999)
    host.world.artifacts[bomb].content = b"y" * 50_000  # more than the list had said
    with pytest.raises(TargetError, match="sent more than 9,999 bytes"):
        hub.read_artifact(bombed, ["a"], most=9_999)


def test_an_artefact_that_is_not_what_its_digest_says_is_refused(host: Host, hub: GitHub) -> None:
    run = host.world.start_run("plan.yml", "f" * 40)
    made = host.world.upload(run, "p", {"a": b"1"})
    (artifact,) = hub.artifacts(run)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        archive.writestr("a", b"2")
    host.world.artifacts[made].content = changed.getvalue()
    with pytest.raises(IncompleteRead, match="not what its digest says"):
        hub.read_artifact(artifact, ["a"])


# ── deployments ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deployment_records_what_was_applied_and_how_it_went(host: Host, hub: GitHub) -> None:
    first = git(host.remote.bare, "rev-parse", "main")
    second = host.world.merge(opened(host))
    hub.create_deployment(first, "acme", task="wrapctl", payload={"run": "r1"})
    made = hub.create_deployment(
        second, "acme", task="wrapctl", description="x" * 500, payload={"run": "r2", "n": [1]}
    )
    hub.create_deployment(second, "other", task="wrapctl")
    hub.create_deployment(second, "acme", task="deploy")
    hub.set_status(made.id, "in_progress")
    hub.set_status(
        made.id, "success", description="y" * 500, log_url="https://github.com/acme/orgs/actions/runs/1"
    )

    found = list(hub.deployments("acme", task="wrapctl"))
    assert [(one.sha, one.payload) for one in found] == [
        (second, {"run": "r2", "n": [1]}),
        (first, {"run": "r1"}),
    ]
    assert [one.state for one in hub.statuses(found[0].id)] == ["success", "in_progress"]
    assert [one.creator for one in hub.statuses(found[0].id)] == [BOT, BOT]
    assert len(hub.statuses(found[0].id)[0].description) == len(found[0].description) == 140
    assert hub.statuses(found[1].id) == ()
    assert [one.id for one in hub.deployments("acme", sha=second)][1:] == [made.id]


def test_deployments_are_read_only_as_far_as_somebody_looks(host: Host, hub: GitHub) -> None:
    sha = git(host.remote.bare, "rev-parse", "main")
    for n in range(130):
        hub.create_deployment(sha, "acme", task="wrapctl", payload={"n": n})
    sent = len(host.api.requests)
    assert next(hub.deployments("acme")).payload == {"n": 129}
    assert len(host.api.requests) == sent + 1


# ── permissions, limits, trouble ───────────────────────────────────────────────────────────────────────────


def test_a_token_that_may_only_read_reads_and_is_told_what_it_lacks(host: Host) -> None:
    host.world.job_token("fork", READ)
    hub = host.client("fork")
    number = opened(host)
    assert hub.pull(number).number == number
    with pytest.raises(Forbidden, match="Resource not accessible by integration") as caught:
        hub.create_comment(number, "x")
    assert "permissions: {pull-requests: write}" in caught.value.hint
    assert "forks" in caught.value.hint
    assert host.world.said(number) == []


def test_each_operation_takes_no_more_than_the_permission_that_it_names(host: Host) -> None:
    number = opened(host)
    sha = host.world.head(number)
    run = host.world.start_run("plan.yml", sha)
    host.world.upload(run, "p", {"a": b"1"})
    comment = host.world.comment(number, "x")
    operations: list[tuple[str, Callable[[GitHub], object]]] = [
        ("pull_requests: read", lambda hub: hub.comments(number)),
        ("pull_requests: write", lambda hub: hub.create_comment(number, "x")),
        ("pull_requests: write", lambda hub: hub.update_comment(comment, "y")),
        ("pull_requests: read", lambda hub: (hub.commits(hub.pull(number)), hub.files(hub.pull(number)))),
        ("pull_requests: read", lambda hub: (hub.pulls_of(sha), hub.reviews(number))),
        ("issues: read", lambda hub: hub.issues("x")),
        ("issues: write", lambda hub: hub.update_issue(hub.create_issue("t", "b").number, state="closed")),
        ("checks: read", lambda hub: hub.checks(sha)),
        ("checks: write", lambda hub: hub.create_check("c", sha, "success", title="t", summary="s")),
        ("actions: read", lambda hub: hub.read_artifact(hub.artifacts(hub.runs("plan.yml", sha)[0].id)[0], ["a"])),
        ("deployments: read", lambda hub: list(hub.deployments("acme"))),
        ("deployments: write", lambda hub: hub.set_status(hub.create_deployment(sha, "e", task="t").id, "success")),
    ]  # fmt: skip
    for permission, operation in operations:
        name, _, level = permission.partition(": ")
        host.world.job_token("least", {name: level})
        operation(host.client("least"))
        host.world.job_token("less", {name: "read"} if level == "write" else {})
        with pytest.raises(Forbidden) as caught:
            operation(host.client("less"))
        assert f"{{{permission.replace('_', '-')}}}" in caught.value.hint


def test_a_token_that_is_not_valid_is_asked_once_and_never_shown(host: Host) -> None:
    hub = host.client("ghs_expired0123")
    with pytest.raises(Unauthorized, match="answered 401: Bad credentials") as caught:
        hub.pull(1)
    assert len(host.api.requests) == 1
    assert "ghs_expired0123" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


@pytest.mark.parametrize(("kind", "waited"), [("primary", 7), ("told", 7), ("secondary", 60)])
def test_a_rate_limit_is_waited_out_as_github_asks_even_before_a_write(
    kind: Any, waited: float, host: Host, hub: GitHub
) -> None:
    number = opened(host)
    host.api.limit(kind, seconds=7)
    host.api.limit(kind, seconds=7, method="POST")
    hub.say(number, MARK, MARK)
    assert host.waits == [waited, waited]
    assert host.world.said(number) == [MARK]


def test_a_spent_hour_ends_the_run_instead_of_holding_the_job(host: Host, hub: GitHub) -> None:
    number = opened(host)
    host.api.limit("primary", seconds=2400)
    with pytest.raises(RateLimited, match="API rate limit exceeded") as caught:
        hub.pull(number)
    assert "run again later" in caught.value.hint
    assert host.waits == []


def test_what_is_forbidden_is_not_taken_for_a_rate_limit(host: Host) -> None:
    host.world.job_token("none", {})
    with pytest.raises(Forbidden):
        host.client("none").pull(opened(host))
    assert host.waits == []


def test_a_read_and_an_edit_survive_a_bad_moment_and_a_create_is_not_repeated(
    host: Host, hub: GitHub
) -> None:
    number = opened(host)
    comment = hub.create_comment(number, "x")
    host.api.fail(502, method="GET")
    host.api.lose(method="PATCH")
    host.api.fail(503, method="PATCH")
    assert hub.pull(number).number == number
    assert hub.update_comment(comment.id, "y").body == "y"

    host.api.fail(502, method="POST")
    with pytest.raises(Answered, match="answered 502"):
        hub.create_comment(number, "z")
    assert host.world.said(number) == ["y"]


def test_what_is_too_long_is_quoted_with_githubs_request_id(host: Host, hub: GitHub) -> None:
    number = opened(host)
    with pytest.raises(Answered, match=r"answered 422.*Validation Failed.*\[request EMU:\d+\]"):
        hub.create_comment(number, "x" * 65_537)


def test_what_does_not_exist_says_where_and_what_it_could_be(host: Host, hub: GitHub) -> None:
    with pytest.raises(Answered, match="answered 404") as caught:
        hub.pull(77)
    assert "does not exist in acme/orgs" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (httpx.Response(200, json=[]), "a list where one object"),
        (httpx.Response(200, json={"number": True}), "has no number"),
        (httpx.Response(200, json={"number": 1, "head": "x", "base": []}), r"has no head\.sha"),
        (httpx.Response(200, text="<html>"), "something incomplete"),
        (httpx.Response(301, headers={"Location": "https://evil.example"}), "answered 301"),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error(answer: httpx.Response, what: str, host: Host) -> None:
    hub = host.client(
        transport=httpx.MockTransport(
            lambda request: httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        )
    )
    with pytest.raises(WrapctlError, match=what):
        hub.pull(1)


def test_every_request_says_which_api_it_speaks(host: Host) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[])

    host.client(transport=httpx.MockTransport(answer), url="https://ghe.acme.example/api/v3/").comments(5)
    (request,) = seen
    assert (
        str(request.url) == "https://ghe.acme.example/api/v3/repos/acme/orgs/issues/5/comments?per_page=100"
    )
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Accept"] == "application/vnd.github+json"
    assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_pages_of_an_api_below_a_path_are_followed_there(host: Host) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        more = {"Link": '<https://ghe.example/api/v3/repositories/1/x?a=%2B&page=2>; rel="next"'}
        return httpx.Response(200, json=[], headers=more if len(asked) == 1 else {})

    host.client(transport=httpx.MockTransport(answer), url="https://ghe.example/api/v3").comments(5)
    assert asked[1] == "https://ghe.example/api/v3/repositories/1/x?a=%2B&page=2"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.github.com",
        "https://u:p@api.github.com",
        "https://api.github.com?x",
        "ftp://x",
        "api.github.com",
        "https://x/a b",
    ],
)
def test_a_url_that_would_show_the_token_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        check_api_url(url)


def test_plain_http_is_for_this_machine_alone() -> None:
    assert check_api_url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("repository", "token"),
    [
        ("acme", "t"),
        ("acme/..", ""),
        ("acme/orgs/x", "t"),
        ("a b/c", "t"),
        ("acme/orgs", "t\r\nX: y"),
        ("acme/orgs", "é"),
    ],
)
def test_a_repository_or_token_that_cannot_be_one_is_refused(repository: str, token: str, host: Host) -> None:
    runtime = Runtime(threading.Event(), lambda: 0.0, host.wait)
    with pytest.raises(UsageError):
        connect(repository, token, runtime)


def test_it_works_over_real_sockets_too(host: Host) -> None:
    number = opened(host)
    run = host.world.start_run("plan.yml", host.world.head(number))
    host.world.upload(run, "p", {"a": b"1"})
    with host.api.served() as url:
        hub = host.client(url=url, transport=None)
        hub.say(number, MARK, MARK)
        for _ in range(130):
            host.world.comment(number, "more")
        assert len(hub.comments(number)) == 131
        (artifact,) = hub.artifacts(run)
        assert hub.read_artifact(artifact, ["a"]) == {"a": b"1"}
        hub.close()
    assert host.world.said(number) == [MARK]


def test_the_bounds_are_those_that_github_documents() -> None:
    assert ci_api.PER_PAGE == "100"
    assert ci_api.API_URL == "https://api.github.com"
