"""What counts as approved, what was merged, what is recorded, and what of a plan is written after a merge."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from git_remote import ENVIRON, Remote, git
from github_api import GithubApi
from github_world import World
from world import GENESYS_LIKE, TODAY, code, desired, live, live_code, live_queue, plan, queue
from wrapctl.apply.lock import Held, Holder
from wrapctl.ci import applying, artefact, deployed
from wrapctl.ci.applying import Brought, Found
from wrapctl.ci.approved import approved
from wrapctl.ci.github import GitHub, connect
from wrapctl.ci.held_lock import Kept, patiently
from wrapctl.ci.merged import History, Merged, merged
from wrapctl.ci.shapes import Pull
from wrapctl.errors import Interrupted, Locked, TargetError, UsageError
from wrapctl.git import Git
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.model import Desired, Identity, Live, Scope
from wrapctl.plan.plan import Plan
from wrapctl.policy import Limit
from wrapctl.sandbox.faults import ConnectionDropped
from wrapctl.targets.interface import Runtime

TOKEN = "ghs_0123456789abcdef"
PLAN = plan(desired([code("WON", "Won")]), live([]))


class Host:
    """An emulated GitHub, somebody's clone, and a client with a job's token."""

    def __init__(self, folder: Path) -> None:
        self.remote = Remote.make(folder)
        self.world = World(self.remote.bare)
        self.api = GithubApi(self.world)
        self.world.job_token(TOKEN)
        self.clone = self.remote.clone("work")
        runtime = Runtime(threading.Event(), lambda: 0.0, lambda seconds: False)
        transport = EmbeddedTransport(self.api, dropped=(ConnectionDropped,))
        self.hub: GitHub = connect("acme/orgs", TOKEN, runtime, jitter=lambda: 0.0, transport=transport)

    def commit(self, branch: str, file: str, text: str = "1") -> str:
        git(self.clone, "fetch", "-q", "origin")
        there = git(self.clone, "ls-remote", "origin", f"refs/heads/{branch}")
        git(self.clone, "checkout", "-q", "-B", branch, f"origin/{branch if there else 'main'}")
        path = self.clone / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", f"Change {file}")
        git(self.clone, "push", "-q", "origin", branch)
        return git(self.clone, "rev-parse", "HEAD")

    def opened(self, branch: str = "change", file: str = "wrapups/acme/codes.yaml") -> int:
        self.commit(branch, file, branch)
        return self.world.open_pull(branch)

    def history(self, revision: str = "main") -> History:
        git(self.clone, "fetch", "-q", "origin")
        return History(Git(self.clone, ENVIRON), str(self.world.sha(revision)))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


# ── what was approved ──────────────────────────────────────────────────────────────────────────────────────


def planned(host: Host, number: int, made: Plan = PLAN, **how: Any) -> int:
    """The plan workflow ran on the head of a pull request, and sealed its plan."""
    head, base = host.world.head(number), host.world.base(number)
    proposal = artefact.Proposal(
        how.get("head", head), base, pull_request=how.get("of", number), orgs=(made.org,)
    )
    meta, text = artefact.made(proposal, made)
    run = host.world.start_run("plan.yml", head, branch=host.world.pull(number).head_ref)
    files = {f"{made.org}/plan.json": text.encode(), f"{made.org}/meta.json": artefact.dumps(meta).encode()}
    host.world.upload(run, artefact.name(made.org), files)
    host.world.finish_run(run, how.get("conclusion", "success"))
    lines = artefact.lines([meta])
    host.hub.create_check(
        artefact.CHECK,
        head,
        how.get("check", "success"),
        title="",
        summary="",
        text=lines,
        external_id=artefact.external_id(lines),
    )
    return run


def why(host: Host, number: int) -> str:
    """Why nothing was approved."""
    found = approved(host.hub, host.hub.pull(number), "acme")
    assert found.plan is None
    return found.why


def test_the_plan_of_the_last_commit_is_what_was_approved(host: Host) -> None:
    number = host.opened()
    planned(host, number)
    host.world.merge(number)
    found = approved(host.hub, host.hub.pull(number), "acme")
    assert (found.plan, found.why) == (PLAN, "")


def test_a_review_of_other_orgs_says_nothing_of_this_one(host: Host) -> None:
    number = host.opened()
    planned(host, number, replace(PLAN, org="other", changes=()))
    assert why(host, number) == ""


def test_the_newest_run_that_succeeded_counts(host: Host) -> None:
    number = host.opened()
    planned(host, number, plan(desired([code("OLD", "Old")]), live([])))
    planned(host, number)
    failed = host.world.start_run("plan.yml", host.world.head(number), branch="change")
    host.world.finish_run(failed, "failure")
    assert approved(host.hub, host.hub.pull(number), "acme").plan == PLAN


def test_a_newer_check_takes_an_older_plan_back(host: Host) -> None:
    number = host.opened()
    run = planned(host, number)
    planned(host, number, plan(desired([code("NEW", "New")]), live([])))
    for one in [one for one in host.world.artifacts.values() if one.run != run]:
        del host.world.artifacts[one.id]
    newest = max(host.world.runs)
    assert "is gone" in why(host, number)
    host.world.runs[newest].conclusion = "failure"
    assert "is not the one that the check run names" in why(host, number)


def test_a_plan_of_an_earlier_commit_counts_no_more(host: Host) -> None:
    number = host.opened()
    planned(host, number)
    host.commit("change", "wrapups/acme/codes.yaml", "more")
    assert "never ran on its last commit" in why(host, number)


def artifact_of(host: Host) -> Any:
    (one,) = host.world.artifacts.values()
    return one


def run_of(host: Host) -> Any:
    (one,) = host.world.runs.values()
    return one


def check_of(host: Host) -> Any:
    (one,) = host.world.checks.values()
    return one


def _of_another_plan(host: Host) -> None:
    text = f"acme {'0' * 64} {'0' * 64}"
    check_of(host).body["output"]["text"] = text
    check_of(host).body["external_id"] = artefact.external_id(text)


def _empty_zip(host: Host) -> None:
    artifact_of(host).content, artifact_of(host).digest = b"PK\x05\x06" + bytes(18), ""


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (lambda host: host.world.artifacts.clear(), "its plan is gone"),
        (lambda host: setattr(artifact_of(host), "expired", True), "its plan is gone"),
        (lambda host: setattr(artifact_of(host), "content", b"PK"), "is not what its digest says"),
        (_empty_zip, "has no meta.json"),
        (lambda host: setattr(run_of(host), "conclusion", "failure"), "is failure"),
        (lambda host: setattr(run_of(host), "status", "in_progress"), "did not succeed"),
        (lambda host: setattr(run_of(host), "head_repository", "mallory/orgs"), "never ran"),
        (lambda host: setattr(run_of(host), "workflow", "evil.yml"), "never ran"),
        (lambda host: setattr(run_of(host), "event", "workflow_dispatch"), "never ran"),
        (lambda host: setattr(run_of(host), "branch", "evil"), "never ran"),
        (lambda host: host.world.checks.clear(), "has no check 'wrapctl plan' of Actions"),
        (lambda host: setattr(check_of(host), "app", "mallory"), "has no check"),
        (lambda host: check_of(host).body.update(name="wrapctl"), "has no check"),
        (lambda host: check_of(host).body.update(conclusion="failure"), "says failure"),
        (lambda host: check_of(host).body.update(external_id="0" * 64), "does not match its own hash"),
        (_of_another_plan, "is not the one that"),
    ],
)
def test_what_could_have_been_made_by_somebody_else_is_not_believed(
    host: Host, tamper: Any, reason: str
) -> None:
    number = host.opened()
    planned(host, number)
    tamper(host)
    assert reason in why(host, number)


def test_a_plan_of_another_pull_request_or_commit_is_not_believed(host: Host) -> None:
    number = host.opened()
    planned(host, number, of=number + 1)
    assert "of another commit or pull request" in why(host, number)
    planned(host, number, head="0" * 40)
    assert "of another commit or pull request" in why(host, number)


def test_a_second_pull_request_of_the_same_commit_onto_another_base_makes_both_doubtful(host: Host) -> None:
    number = host.opened()
    planned(host, number)
    host.commit("evil", ".github/workflows/plan.yml", "on: pull_request")
    other = host.world.open_pull("change", base="evil", login="mallory")
    assert f"is that of #{other} too, which has another base" in why(host, number)
    host.world.close(other)
    assert f"is that of #{other} too" in why(host, number)


def test_a_fork_and_a_change_of_ci_itself_are_never_approved(host: Host) -> None:
    head = host.commit("theirs", "wrapups/acme/codes.yaml")
    forked = host.world.open_pull(head, fork="mallory/orgs")
    assert "it comes from a fork" in why(host, forked)
    number = host.opened("steers", ".github/actions/x.yml")
    planned(host, number)
    assert "it changes .github/actions/x.yml, and whoever changes what CI does" in why(host, number)


def test_when_github_does_not_answer_nothing_is_known(host: Host) -> None:
    number = host.opened()
    planned(host, number)
    host.api.fail(502, times=20, path="/zip$")
    with pytest.raises(TargetError):
        approved(host.hub, host.hub.pull(number), "acme")


# ── what was merged ────────────────────────────────────────────────────────────────────────────────────────


def numbers(found: Sequence[Merged]) -> list[int | None]:
    return [one.pull.number if one.pull is not None else None for one in found]


def test_merges_squashes_and_pushes_are_told_apart(host: Host) -> None:
    start = str(host.world.sha("main"))
    one, two, three = (host.opened(branch, f"wrapups/{branch}.yaml") for branch in ("one", "two", "three"))
    host.world.merge(one)
    host.world.merge(two, method="squash")
    pushed = host.commit("main", "wrapups/pushed.yaml")
    host.commit("main", "README.md")
    last = host.world.merge(three)
    found = merged(host.hub, host.history(), start)
    assert numbers(found) == [one, two, None, three]
    assert (found[0].before, found[2].tip, found[3].tip) == (start, pushed, last)
    assert numbers(merged(host.hub, host.history(), pushed)) == [three]
    assert merged(host.hub, host.history(), last) == ()


def test_a_pull_request_that_was_merged_by_rebase_is_one(host: Host) -> None:
    start = str(host.world.sha("main"))
    number = host.opened("change", "wrapups/one.yaml")
    last = host.commit("change", "wrapups/two.yaml")
    # Nothing had moved, so that the commits of the branch are those of the base.
    git(host.remote.bare, "update-ref", "refs/heads/main", last)
    pull = host.world.pull(number)
    host.world.issues[number].state = "closed"
    pull.head, pull.base, pull.merged_at, pull.merge_commit = last, start, host.world.now(), last
    (found,) = merged(host.hub, host.history(), start)
    assert (found.pull and found.pull.number, found.before, found.tip) == (number, start, last)


def test_a_pull_request_into_another_branch_does_not_vouch_for_a_commit_here(host: Host) -> None:
    start = str(host.world.sha("main"))
    git(host.remote.bare, "update-ref", "refs/heads/release", start)
    pushed = host.commit("main", "wrapups/pushed.yaml")
    number = host.world.open_pull("main", base="release")
    host.world.merge(number)
    (found,) = merged(host.hub, host.history(), start)
    assert (found.pull, found.tip) == (None, pushed)


def test_a_clone_that_does_not_reach_back_says_so(host: Host) -> None:
    host.commit("main", "wrapups/one.yaml")
    with pytest.raises(UsageError, match="does not have commit"):
        merged(host.hub, host.history(), "1" * 40)


def test_a_history_knows_what_came_before_and_after(host: Host) -> None:
    first = host.commit("main", "a")
    second = host.commit("main", "b")
    aside = host.commit("aside", "c")
    git(host.clone, "fetch", "-q", "origin", "aside")
    here = host.history(first)
    assert (here.has(first), here.has(second), here.after(second), here.after(first)) == (
        True,
        False,
        True,
        False,
    )
    later = host.history(second)
    assert (later.has(first), later.has(aside), later.parent(second)) == (True, False, first)
    assert later.has("main") is False, "a name is no commit"
    assert later.covered({first}, second)
    assert not later.covered({second}, first)


# ── what is recorded ───────────────────────────────────────────────────────────────────────────────────────


def books(host: Host, heard: list[str] | None = None) -> deployed.Books:
    return deployed.Books(host.hub, "acme", (heard if heard is not None else []).append)


def test_the_newest_success_is_what_is_live_and_later_attempts_stand_beside_it(host: Host) -> None:
    first, second = host.commit("main", "a"), host.commit("main", "b")
    assert deployed.standing(host.hub, "acme") == deployed.Standing()
    kept = books(host)
    kept.record("success", "", sha=first)
    kept.record("failure", "", sha=second)
    kept.record("pending", "", sha=second)
    found = deployed.standing(host.hub, "acme")
    assert found.applied is not None
    assert (found.applied.sha, [one.state for one in found.later]) == (first, ["pending", "failure"])
    assert found.waits
    kept.record("success", "", sha=first, task=deployed.DUE)
    assert deployed.standing(host.hub, "acme") == found
    assert deployed.standing(host.hub, "other") == deployed.Standing()


def test_a_deployment_that_somebody_else_recorded_counts_for_nothing(host: Host) -> None:
    sha = host.commit("main", "a")
    number = books(host).record("in_progress", "", sha=sha)
    host.world.person_token("ghp_1", "mallory")
    runtime = Runtime(threading.Event(), lambda: 0.0, lambda seconds: False)
    theirs = connect("acme/orgs", "ghp_1", runtime, transport=EmbeddedTransport(host.api))
    theirs.set_status(number, "success")
    deployed.Books(theirs, "acme", print).record("success", "", sha=sha)
    found = deployed.standing(host.hub, "acme")
    assert (found.applied, [one.state for one in found.later]) == (None, ["in_progress"])


def test_an_end_that_cannot_be_recorded_is_told_and_covered_again(host: Host) -> None:
    heard: list[str] = []
    kept = books(host, heard)
    number = kept.record("in_progress", "", sha=host.commit("main", "a"))
    host.api.fail(502, times=20, method="POST", path="/statuses$")
    kept.settle(number, "success", "")
    assert "could not be set to success" in heard[0]
    assert "the next run covers the same merges again" in heard[0]
    assert deployed.standing(host.hub, "acme").waits


# ── what is written ────────────────────────────────────────────────────────────────────────────────────────


def pull(number: int) -> Pull:
    return Pull(number, "", "ada", "h", "change", "acme/orgs", "b", "main", "acme/orgs")


def found(want: Desired, have: Live, *, as_of: date = TODAY, scope: Scope | None = None) -> Found:
    return Found(want, have, GENESYS_LIKE, plan(want, have, as_of=as_of, scope=scope))


def brought(number: int, made: Plan | None, scope: Scope | None = None, reason: str = "") -> Brought:
    return Brought(Merged("t", "b", pull(number)), scope or Scope(), made, reason)


def states(made: Plan) -> dict[str, str]:
    return {one.address.removeprefix("acme/"): one.state.value for one in made.changes}


SUMMER = date(2026, 6, 1)
BEFORE = live([live_code("1", "No"), live_code("2", "Yes")], [live_queue("q1", "q")], {"q1": ["1"]})


def summer(**more: Any) -> Desired:
    return desired(
        [code("NO", "No"), code("YES", "Yes", valid_from=SUMMER, **more)], [queue("q", ["NO", "YES"])]
    )


def test_a_date_that_came_since_the_review_was_approved_with_the_files() -> None:
    review = plan(summer(description="warm"), BEFORE)
    now = found(summer(description="warm"), BEFORE, as_of=SUMMER)
    left = applying.reviewed(now, [brought(1, review)])
    assert states(left) == {"code/YES": "ready", "queue/q/code/YES": "ready"}


def test_a_date_in_files_that_nobody_reviewed_is_not_approved_by_another_review() -> None:
    review = plan(summer(description="warm"), BEFORE)
    now = found(summer(description="warm"), BEFORE, as_of=SUMMER)
    whose = brought(2, None, Scope(frozenset({"YES"}), frozenset()), "its plan is gone")
    left = applying.reviewed(now, [brought(1, review), whose])
    assert states(left) == {"code/YES": "ready", "queue/q/code/YES": "held"}
    assert left.changes[1].reason == "nobody reviewed this change: pull request #2: its plan is gone"


def test_what_was_wrong_before_the_date_is_not_brought_by_it() -> None:
    files = summer(description="warm")
    review = plan(files, live([live_code("1", "No"), live_code("2", "Yes")], [], {}))
    edited = live([live_code("1", "No"), live_code("2", "Yes")], [live_queue("q1", "q")], {"q1": []})
    left = applying.reviewed(found(files, edited, as_of=SUMMER), [brought(1, review)])
    assert states(left)["queue/q/code/NO"] == "held", "somebody took it off, and no review shows it"
    assert states(left)["queue/q/code/YES"] == "ready"


def test_a_review_of_another_organization_approves_nothing() -> None:
    review = plan(summer(description="warm"), BEFORE)
    elsewhere = replace(BEFORE, identity=Identity("another", "Another"))
    left = applying.reviewed(found(summer(description="warm"), elsewhere), [brought(1, review)])
    assert set(states(left).values()) == {"held"}


def dead(*numbers: int) -> Desired:
    return desired(
        [code(f"C{number}", f"Code {number}", absent=True) for number in numbers],
        limits=replace(desired().policy.limits, deletes=Limit(max=3)),
    )


MANY = live([live_code(f"{number}", f"Code {number}") for number in range(9)])


def test_two_reviews_may_each_change_as_much_as_one() -> None:
    one, two = plan(dead(0, 1, 2), MANY), plan(dead(3, 4), MANY)
    now = found(dead(0, 1, 2, 3, 4), MANY)
    assert [finding.limit for finding in now.plan.refusals] == ["deletes"]
    assert applying.reviewed(now, [brought(1, one), brought(2, two)]).refusals == ()
    # One review of the same set is past the limit, however often it says so.
    whole = plan(dead(0, 1, 2, 3, 4), MANY)
    assert len(applying.reviewed(now, [brought(1, whole)]).refusals) == 1
    assert len(applying.reviewed(now, [brought(1, whole), brought(2, two)]).refusals) == 1


def test_what_is_held_does_not_count_against_a_limit() -> None:
    one = plan(dead(0, 1, 2), MANY)
    left = applying.reviewed(found(dead(0, 1, 2, 3, 4), MANY), [brought(1, one)])
    assert len(left.pending) == 3
    assert left.refusals == ()


def test_a_queue_that_two_reviews_empty_together_is_refused() -> None:
    there = live([live_code("1", "No"), live_code("2", "Yes")], [live_queue("q1", "q")], {"q1": ["1", "2"]})
    codes = [code("NO", "No"), code("YES", "Yes")]
    one = plan(desired(codes, [queue("q", ["NO"])]), there)
    two = plan(desired(codes, [queue("q", ["YES"])]), there)
    left = applying.reviewed(
        found(desired(codes, [queue("q", [])]), there), [brought(1, one), brought(2, two)]
    )
    assert len(left.pending) == 2
    assert [finding.limit for finding in left.refusals] == ["emptied_queues"]


def test_a_token_of_merged_files_goes_for_what_is_left_of_its_set() -> None:
    whole = plan(dead(0, 1, 2, 3, 4), MANY)
    token = whole.refusals[0].token
    some = live([live_code(f"{number}", f"Code {number}") for number in range(1, 9)])
    files = replace(dead(0, 1, 2, 3, 4), allowances=desired([], allow=[token]).allowances)
    review = brought(1, plan(files, MANY))
    left = applying.reviewed(found(files, some), [review])
    assert [finding.accepted for finding in left.findings] == ["agreed"]
    unsaid = applying.reviewed(found(dead(0, 1, 2, 3, 4), some), [review])
    assert len(unsaid.refusals) == 1, "the line of allow.yaml is gone from the merged files"


def test_whoever_writes_what_is_merged_still_holds_what_changes_ci() -> None:
    files = desired([code("NEW", "New"), code("NO", "No", description="d")], [queue("q", ["NO", "NEW"])])
    scope = Scope(frozenset({"NEW"}), frozenset())
    left = applying.fresh(
        found(files, BEFORE), [brought(1, None), brought(2, None, scope, "it changes .github/x")]
    )
    assert states(left) == {
        "code/NO": "ready",
        "code/NEW": "held",
        "queue/q/code/NEW": "held",
    }


def test_scopes_add_up() -> None:
    one, two = Scope(frozenset("a"), frozenset("q")), Scope(frozenset("b"), frozenset(), frozenset({"sf"}))
    assert applying.union([one, two]) == Scope(frozenset("ab"), frozenset("q"), frozenset({"sf"}))
    assert applying.union([one, Scope()]).whole
    assert applying.union([]) == Scope(frozenset(), frozenset())


# ── validity dates ─────────────────────────────────────────────────────────────────────────────────────────


def test_dates_cross_from_the_day_after_to_today() -> None:
    files = desired([code("A", valid_from=SUMMER), code("B", valid_through=date(2026, 8, 31))])
    days = [(5, 30, False), (5, 31, True), (6, 1, False), (8, 30, False), (8, 31, True), (9, 1, False)]
    for month, day, crossed in days:
        since = date(2026, month, day)
        assert applying.crosses(files, since, date.fromordinal(since.toordinal() + 1)) is crossed, since


def test_only_what_a_date_asks_for_is_due() -> None:
    files = summer()
    drifted = live(
        [live_code("1", "No", description="x"), live_code("2", "Yes")], [live_queue("q1", "q")], {}
    )
    changed = desired(
        [code("NO", "No", description="y"), code("YES", "Yes", valid_from=SUMMER)],
        [queue("q", ["NO", "YES"])],
    )
    now = applying.due(found(changed, drifted, as_of=SUMMER), files, TODAY)
    assert states(now) == {"queue/q/code/YES": "ready"}
    assert applying.due(found(changed, drifted, as_of=TODAY), files, TODAY).changes == ()


def test_what_merged_files_put_off_is_not_due_by_the_files_before() -> None:
    later = desired(
        [code("NO", "No"), code("YES", "Yes", valid_from=date(2026, 7, 1))], [queue("q", ["NO", "YES"])]
    )
    assert applying.due(found(later, BEFORE, as_of=SUMMER), summer(), TODAY).changes == ()


def test_a_date_whose_code_is_not_there_yet_waits() -> None:
    without = live([live_code("1", "No")], [live_queue("q1", "q")], {"q1": ["1"]})
    made = applying.due(found(summer(), without, as_of=SUMMER), summer(), TODAY)
    (waiting,) = made.changes
    assert waiting.state.value == "blocked"
    assert "waits for create code acme/code/YES" in waiting.reason


# ── the lock ───────────────────────────────────────────────────────────────────────────────────────────────


class _Held:
    def check(self) -> None:
        return


class _Lock:
    """A lock that others hold for so many tries."""

    def __init__(self, others: int) -> None:
        self.reach = "this test"
        self.others = others
        self.log: list[str] = []

    @contextlib.contextmanager
    def hold(self, organization_id: str, holder: Holder) -> Iterator[Held]:
        if self.others:
            self.others -= 1
            raise Locked("somebody has it")
        self.log.append("taken")
        yield _Held()
        self.log.append("freed")

    def unlock(self, organization_id: str, run: str) -> Holder:
        raise AssertionError


def waited(lock: _Lock, seconds: float, *, stop: bool = False) -> list[str]:
    clock = [0.0]

    def wait(pause: float) -> bool:
        clock[0] += pause
        return stop

    said: list[str] = []
    runtime = Runtime(threading.Event(), lambda: clock[0], wait)
    with patiently(
        lock, "o", Holder("r"), seconds=seconds, runtime=runtime, say=lambda error: said.append(error.message)
    ) as held:
        held.check()
        lock.log.append("used")
    return said


def test_a_run_waits_for_the_lock_says_so_once_and_frees_it() -> None:
    lock = _Lock(3)
    assert waited(lock, 60) == ["somebody has it"]
    assert lock.log == ["taken", "used", "freed"]


def test_a_run_does_not_wait_for_ever_nor_when_it_is_stopped() -> None:
    with pytest.raises(Locked):
        waited(_Lock(100), 60)
    with pytest.raises(Locked):
        waited(_Lock(1), 0)
    with pytest.raises(Interrupted):
        waited(_Lock(100), 60, stop=True)


def test_a_lock_that_is_held_already_is_of_one_organization() -> None:
    kept = Kept(_Held(), "o", "this test")
    with kept.hold("o", Holder("r")) as held:
        held.check()
    with pytest.raises(Locked), kept.hold("other", Holder("r")):
        raise AssertionError
    with pytest.raises(Locked):
        kept.unlock("o", "r")


def test_moments_of_github_are_in_utc(host: Host) -> None:
    books(host).record("success", "", sha=host.commit("main", "a"))
    found_there = deployed.standing(host.hub, "acme").applied
    assert found_there is not None
    assert found_there.at is not None
    assert found_there.at.astimezone(UTC).date() == datetime(2026, 3, 10, tzinfo=UTC).date()
