"""After the merge: what was approved is written, whatever else happened, and everything else is held."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from e2e.ci_world import APPLYING, CiWorld, JobRun
from git_remote import git
from github_world import BOT
from wrapctl.ci import held_lock
from wrapctl.cli import ci_write
from wrapctl.cli.console import Console

HEAD = "kind: WrapUpCodes\ncodes:\n"
SALE = "  SALE: {name: Sale, description: It is sold}\n"
LOST = "  LOST: {name: Lost, description: It is not}\n"
CODES = HEAD + SALE + LOST
QUEUES = "kind: Queues\nqueues:\n  sales: {name: Sales, codes: [SALE, LOST]}\n"
SEED: dict[str, Any] = {
    "codes": [
        {"name": "Sale", "description": "It is sold"},
        {"name": "Lost", "description": "It is not"},
        {"name": "Old"},
    ],
    "queues": [{"name": "Sales", "codes": ["Sale", "Lost"]}],
}
WON = "  WON: {name: Won, description: Great}\n"
OTHERWISE = "  SALE: {name: Sale, description: It is sold at last}\n"
RIGHTS = {
    "contents": "read",
    "actions": "read",
    "checks": "read",
    "deployments": "write",
    "pull_requests": "write",
}


def small(ci: CiWorld, *orgs: str, org: str = APPLYING, **files: str) -> None:
    """Orgs that are in sync with their files."""
    written: dict[str, str | None] = {}
    for name in orgs or ("acme",):
        ci.seed({"name": name, **SEED})
        written |= {f"{name}/org.yaml": org, f"{name}/codes.yaml": CODES, f"{name}/queues.yaml": QUEUES}
    ci.begin({**written, **files})


def approved(ci: CiWorld, files: Mapping[str, str | None], *, branch: str = "change") -> int:
    """A pull request that was planned; people have seen it."""
    number = ci.propose(files, branch=branch)
    done = ci.plan(number)
    assert done.good, done.orgs.log + "".join(job.log for job in done.plans.values())
    return number


def job(ci: CiWorld, commit: str = "", event: str = "push") -> JobRun:
    commit = commit or str(ci.hub.sha("main"))
    return ci.runner(commit, github_event_name=event, github_ref="refs/heads/main", github_run_id="77")


def shipped(ci: CiWorld, *, org: str = "acme", event: str = "push") -> JobRun:
    """The job of the shipped workflow, with the rights that it asks for."""
    made = job(ci, event=event)
    ci.steps("apply.yml", "stage1", made, {"matrix.org": org, "github.token": ci.token(**RIGHTS)})
    return made


def apply(ci: CiWorld, *arguments: str, commit: str = "") -> JobRun:
    """The same by hand, with other arguments."""
    made = job(ci, commit)
    ci.wrapctl(
        made, "ci", "apply", *(arguments or ("acme",)), "--out", str(made.temp / "reports"),
        GITHUB_TOKEN=ci.token(**RIGHTS),
    )  # fmt: skip
    return made


def report(made: JobRun, org: str = "acme") -> Any:
    """The report that the job keeps."""
    return json.loads((made.temp / "reports" / org / "report.json").read_text("utf-8"))


def outcome(made: JobRun, org: str = "acme") -> Any:
    return json.loads((made.temp / "reports" / org / "outcome.json").read_text("utf-8"))


def deployed(ci: CiWorld, org: str = "acme", task: str = "wrapctl") -> list[tuple[str, list[str]]]:
    """Commit and states of each deployment of the org, oldest first."""
    return [
        (one.sha, [status["state"] for status in one.statuses])
        for one in ci.hub.deployments.values()
        if (one.body["environment"], one.body["task"]) == (f"wrapctl/{org}", task)
    ]


def reply(ci: CiWorld, number: int, org: str = "acme") -> str:
    """What the apply jobs say on a pull request: one comment."""
    (found,) = [one for one in ci.said(number) if one.startswith(f"<!-- wrapctl:apply:{org} -->")]
    return found


def by_hand(ci: CiWorld, name: str, words: str) -> None:
    ci.edit({"op": "update_code", "code": name, "set": {"description": words}})


def today(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(Console, "now", staticmethod(lambda: moment))


# ── what was approved ──────────────────────────────────────────────────────────────────────────────────────


def test_what_was_approved_is_applied_and_said_and_a_second_run_does_nothing(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    commit = ci.merge(number)
    done = shipped(ci)
    assert done.code == 0, done.log
    assert ci.names() == ["Lost", "Old", "Sale", "Won"]
    assert deployed(ci) == [(commit, ["in_progress", "success"])]
    said = reply(ci, number)
    assert "## `acme`: applied" in said
    assert "created `Won`" in said
    assert "created `Won`" in done.summary
    assert report(done)["totals"] == {"done": 1}
    assert outcome(done)["merged"] == [
        {"commit": commit, "pull_request": number, "counts": True, "why": ""},
    ]
    asked, sent = len(ci.requests()), ci.writes()
    again = shipped(ci)
    assert again.code == 0
    assert "nothing to apply" in again.out
    assert (len(ci.requests()), ci.writes()) == (asked, sent)
    assert deployed(ci) == [(commit, ["in_progress", "success"])]
    assert reply(ci, number) == said


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_it_does_not_matter_how_a_pull_request_is_merged(ci: CiWorld, method: str) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    ci.merge(number, method=method)
    assert apply(ci).code == 0
    assert "Won" in ci.names()


def test_what_somebody_edited_since_the_review_is_held_with_three_values_and_the_rest_is_written(
    ci: CiWorld,
) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": HEAD + OTHERWISE + LOST + WON})
    ci.merge(number)
    by_hand(ci, "Sale", "It is sold, says Eve")
    done = apply(ci)
    assert done.code == 4
    assert ci.described()["Sale"] == "It is sold, says Eve"
    assert "Won" in ci.names()
    (held,) = [one for one in report(done)["changes"] if one["status"] == "held"]
    assert held["address"] == "acme/code/SALE"
    assert [held[side]["description"] for side in ("planned", "now", "wanted")] == [
        "It is sold",
        "It is sold, says Eve",
        "It is sold at last",
    ]
    assert [states for _, states in deployed(ci)] == [["in_progress", "failure"]]
    said = reply(ci, number)
    assert "## `acme`: held" in said
    assert (
        "description: reviewed from `It is sold`, live now `It is sold, says Eve`, wanted `It is sold at last`"
        in said
    )
    # Put back as it was reviewed, the next run covers the same pull request again.
    by_hand(ci, "Sale", "It is sold")
    assert apply(ci).code == 0
    assert ci.described()["Sale"] == "It is sold at last"
    assert "## `acme`: applied" in reply(ci, number)


def held(ci: CiWorld) -> tuple[int, str]:
    """A pull request of which one change is held, and the token that its reply prints."""
    small(ci)
    number = approved(ci, {"acme/codes.yaml": HEAD + OTHERWISE + LOST})
    ci.merge(number)
    by_hand(ci, "Sale", "by hand")
    assert apply(ci).code == 4
    found = re.search(r"held=1@[0-9a-f]{32}", reply(ci, number))
    assert found is not None
    return number, found[0]


def test_what_is_held_can_be_acknowledged_as_it_is_in_a_pull_request_of_its_own(ci: CiWorld) -> None:
    number, token = held(ci)
    assert apply(ci, "acme", "--pending").code == 0
    ci.merge(approved(ci, {"acme/allow.yaml": allowing(token)}, branch="allow"))
    listed = job(ci)
    ci.wrapctl(listed, "orgs", "--changed-since", "HEAD^1", "--merged")
    assert listed.out == "acme\n"
    done = apply(ci, "acme", "--pending")
    assert done.code == 0, done.log
    assert ci.described()["Sale"] == "It is sold at last"
    assert "## `acme`: applied" in reply(ci, number)
    (journal,) = (done.clone / ".wrapctl" / "journal" / "acme").iterdir()
    assert token in journal.read_text("utf-8").splitlines()[0]


def test_an_acknowledgement_is_of_the_live_values_that_people_saw(ci: CiWorld) -> None:
    _, token = held(ci)
    ci.merge(approved(ci, {"acme/allow.yaml": allowing(token)}, branch="allow"))
    by_hand(ci, "Sale", "by hand once more")
    assert apply(ci).code == 4
    assert ci.described()["Sale"] == "by hand once more"


def test_an_acknowledgement_that_nobody_reviewed_releases_nothing(ci: CiWorld) -> None:
    _, token = held(ci)
    ci.begin({"acme/allow.yaml": allowing(token)})
    assert apply(ci).code == 4
    assert ci.described()["Sale"] == "by hand"


def test_an_edit_of_something_else_changes_nothing(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": HEAD + OTHERWISE + LOST})
    ci.merge(number)
    by_hand(ci, "Lost", "It is not, says Eve")
    by_hand(ci, "Old", "older")
    done = apply(ci)
    assert done.code == 0, done.log
    assert ci.described() == {
        "Sale": "It is sold at last",
        "Lost": "It is not, says Eve",
        "Old": "older",
    }


def test_a_base_branch_that_moved_changes_nothing_for_other_objects(ci: CiWorld) -> None:
    small(ci)
    first = approved(ci, {"acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[SALE]")}, branch="one")
    second = approved(ci, {"acme/codes.yaml": CODES + WON}, branch="two")
    ci.merge(second)
    assert apply(ci).code == 0
    ci.merge(first)
    done = apply(ci)
    assert done.code == 0, done.log
    assert "unassigned" in reply(ci, first)
    assert "unassigned" not in reply(ci, second)


def test_two_merges_that_no_run_applied_yet_are_covered_by_one(ci: CiWorld) -> None:
    small(ci)
    before = approved(ci, {"acme/codes.yaml": HEAD + OTHERWISE + LOST}, branch="zero")
    ci.merge(before)
    assert apply(ci).code == 0
    first = approved(ci, {"acme/codes.yaml": HEAD + OTHERWISE + LOST + WON}, branch="one")
    second = approved(ci, {"acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[SALE]")}, branch="two")
    ci.merge(first)
    last = ci.merge(second)
    done = apply(ci)
    assert done.code == 0, done.log
    assert [one["pull_request"] for one in outcome(done)["merged"]] == [first, second]
    assert deployed(ci)[-1] == (last, ["in_progress", "success"])
    assert "created `Won`" in reply(ci, first)
    assert "unassigned" in reply(ci, second)
    assert "Won" not in reply(ci, before)


def test_an_older_run_that_comes_late_writes_nothing(ci: CiWorld) -> None:
    small(ci)
    first = approved(ci, {"acme/codes.yaml": CODES + WON}, branch="one")
    late = ci.merge(first)
    second = approved(ci, {"acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[SALE]")}, branch="two")
    ci.merge(second)
    assert apply(ci).code == 0
    sent = ci.writes()
    done = apply(ci, commit=late)
    assert done.code == 0
    assert "which is newer, was applied already" in done.out
    assert ci.writes() == sent


# ── what is not believed ───────────────────────────────────────────────────────────────────────────────────


def test_a_forged_or_edited_comment_changes_nothing(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": HEAD + OTHERWISE + LOST})
    plan = next(one for one in ci.hub.comments.values() if one.login == BOT)
    ci.hub.edit_comment(plan.id, plan.body.replace("It is sold at last", "harmless"))
    forged = ci.hub.comment(number, "<!-- wrapctl:apply:acme -->\n## applied", login="mallory")
    ci.merge(number)
    by_hand(ci, "Sale", "by hand")
    assert apply(ci).code == 4
    assert ci.described()["Sale"] == "by hand"
    assert ci.hub.comments[forged].body == "<!-- wrapctl:apply:acme -->\n## applied"
    assert "## `acme`: held" in reply(ci, number)


def test_after_another_run_of_the_plan_only_what_it_found_is_approved(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": HEAD + OTHERWISE + LOST + WON})
    first = ci.plan(number)
    by_hand(ci, "Sale", "by hand")
    assert ci.plan(number, again=first).good
    by_hand(ci, "Sale", "It is sold")
    ci.merge(number)
    done = apply(ci)
    assert done.code == 4
    assert ci.described()["Sale"] == "It is sold"
    assert "Won" in ci.names()


def test_a_plan_that_is_gone_approves_nothing(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    ci.hub.artifacts.clear()
    ci.merge(number)
    done = apply(ci)
    assert done.code == 4, done.log
    assert ci.writes() == []
    told = outcome(done)["merged"][0]
    assert (told["counts"], told["why"].partition(":")[0]) == (False, "its plan is gone")
    (held,) = report(done)["changes"]
    assert (held["status"], held["address"]) == ("held", "acme/code/WON")
    assert f"pull request #{number}: its plan is gone" in held["message"]
    assert "does not count as reviewed: its plan is gone" in reply(ci, number)
    assert [states for _, states in deployed(ci)] == [["failure"]]
    # The schedule takes up what waits, not what failed.
    assert apply(ci, "acme", "--pending").code == 0


def test_a_plan_that_somebody_changed_approves_nothing(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    (kept,) = ci.hub.artifacts.values()
    other = ci.hub.start_run("plan.yml", ci.hub.head(number), branch="change")
    with zipfile.ZipFile(io.BytesIO(kept.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    ci.hub.upload(other, kept.name, {name: text.replace(b"Great", b"Grant") for name, text in files.items()})
    ci.hub.finish_run(other)
    ci.merge(number)
    done = apply(ci)
    assert done.code == 4, done.log
    assert "is not the one that" in outcome(done)["merged"][0]["why"]
    assert ci.writes() == []


def test_a_fork_is_never_applied(ci: CiWorld) -> None:
    small(ci)
    number = ci.propose({"acme/codes.yaml": CODES + WON}, fork="mallory/orgs")
    ci.plan(number)
    ci.merge(number)
    done = apply(ci)
    assert done.code == 4
    assert "it comes from a fork" in outcome(done)["merged"][0]["why"]
    assert ci.writes() == []


@pytest.mark.parametrize("path", ["/.github/workflows/plan.yml", "/.github/dependabot.yml", "/CODEOWNERS"])
def test_a_pull_request_that_changes_ci_itself_is_planned_and_never_applied(ci: CiWorld, path: str) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + WON, path: "jobs: {}\n"})
    ci.merge(number)
    done = apply(ci)
    assert done.code == 4
    assert f"it changes {path[1:]}" in report(done)["changes"][0]["message"]
    assert ci.writes() == []
    # Not by an org that writes whatever is merged either; by a person who may start the workflow, it is.
    ci.begin({"acme/org.yaml": APPLYING + "apply: {mode: fresh}\n"})
    done = apply(ci)
    assert done.code == 4
    assert ci.writes() == []
    assert apply(ci, "acme", "--mode", "fresh").code == 0
    assert "Won" in ci.names()


def test_what_was_pushed_without_a_pull_request_is_held_and_everything_else_is_written(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[SALE]")})
    ci.merge(number)
    assert apply(ci).code == 0
    ci.begin({"acme/codes.yaml": CODES + WON})
    again = approved(ci, {"acme/queues.yaml": QUEUES})
    ci.merge(again)
    done = apply(ci)
    assert done.code == 4
    assert "Won" not in ci.names()
    by_address = {one["address"]: one["status"] for one in report(done)["changes"]}
    assert by_address == {"acme/code/WON": "held", "acme/queue/sales/code/LOST": "done"}
    assert "it was pushed without a pull request" in done.out


# ── half-way ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_org_that_failed_half_way_is_finished_by_the_next_run_without_another_review(ci: CiWorld) -> None:
    small(ci)
    queues = QUEUES.replace("[SALE, LOST]", "[SALE, LOST, WON, GONE]")
    number = approved(
        ci, {"acme/codes.yaml": CODES + WON + "  GONE: {name: Gone}\n", "acme/queues.yaml": queues}
    )
    ci.merge(number)
    ci.fault("status", status=400, method="POST", path="/wrapupcodes$", nth=2)
    done = apply(ci)
    assert done.code == 5, done.log
    assert [states for _, states in deployed(ci)] == [["in_progress", "failure"]]
    assert "## `acme`: partly applied" in reply(ci, number)
    done = apply(ci)
    assert done.code == 0, done.log
    assert ci.names() == ["Gone", "Lost", "Old", "Sale", "Won"]
    assert deployed(ci)[-1][1] == ["in_progress", "success"]
    assert "## `acme`: applied" in reply(ci, number)


def test_a_run_that_vanished_is_covered_by_the_schedule(ci: CiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    ci.merge(number)

    def gone(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as killed:
        killed.setattr(ci_write, "write", gone)
        apply(ci)
    assert [states for _, states in deployed(ci)] == [["in_progress"]]
    assert apply(ci, "acme", "--pending").code == 0
    assert "Won" in ci.names()
    assert "nothing to apply" in apply(ci, "acme", "--pending").out


# ── two runs ───────────────────────────────────────────────────────────────────────────────────────────────


def locked(ci: CiWorld) -> str:
    """Somebody else's run holds the lock; returns its ref."""
    tree = git(ci.remote.bare, "mktree")
    held = git(ci.remote.bare, "commit-tree", tree, "-m", "somebody's lock")
    ref = f"refs/wrapctl/locks/{ci.state()['organization']['id']}"
    git(ci.remote.bare, "update-ref", ref, held)
    return ref


def when_it_waits(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Something happens as soon as a run says that it waits for the lock."""
    warn = Console.warn

    def heard(self: Console, text: str) -> None:
        warn(self, text)
        if ": waiting, for another apply holds the lock" in text:
            do()

    monkeypatch.setattr(Console, "warn", heard)
    monkeypatch.setattr(held_lock, "EVERY", 0.01)


def test_a_second_run_waits_for_the_lock_of_the_first_and_covers_what_is_left(
    ci: CiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(ci, org=APPLYING + "apply: {lock: git-ref}\n")
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    ci.merge(number)
    ref = locked(ci)
    done = apply(ci, "acme", "--wait", "0")
    assert done.code == 4
    assert "another apply holds the lock" in done.log
    assert ci.writes() == []
    assert deployed(ci) == []
    when_it_waits(monkeypatch, lambda: git(ci.remote.bare, "update-ref", "-d", ref))
    done = apply(ci)
    assert done.code == 0, done.log
    assert "waiting, for another apply holds the lock" in done.log
    assert "Won" in ci.names()
    assert ref not in ci.remote.refs()


def test_a_second_run_finds_nothing_to_do_when_the_first_covered_both(
    ci: CiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(ci, org=APPLYING + "apply: {lock: git-ref}\n")
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    commit = ci.merge(number)
    ref = locked(ci)

    def first() -> None:
        git(ci.remote.bare, "update-ref", "-d", ref)
        assert apply(ci).code == 0

    when_it_waits(monkeypatch, first)
    done = apply(ci)
    assert done.code == 0, done.log
    assert done.out.rstrip().splitlines()[-2] == "acme: nothing to apply"
    assert deployed(ci) == [(commit, ["in_progress", "success"])]
    assert "## `acme`: applied" in reply(ci, number)


def test_the_journal_is_on_its_branch_before_the_first_write(ci: CiWorld) -> None:
    small(ci, org=APPLYING + "journal: {store: git-branch}\n")
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    ci.merge(number)
    done = apply(ci)
    assert done.code == 0, done.log
    (branch,) = [ref for ref in ci.remote.refs() if ref.startswith("refs/heads/wrapctl")]
    log = git(ci.remote.bare, "log", "--format=%s", branch).splitlines()
    assert [line.rpartition(": ")[2] for line in log] == ["ends", "begins"]


# ── validity dates ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_validity_date_that_passes_between_review_and_merge_is_written_too(
    ci: CiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    today(monkeypatch, datetime(2026, 3, 10, 12, tzinfo=UTC))
    small(ci)
    promo = "  PROMO: {name: Promo, valid_from: 2026-03-11}\n"
    queues = QUEUES.replace("[SALE, LOST]", "[SALE, LOST, PROMO]")
    number = approved(ci, {"acme/codes.yaml": CODES + promo, "acme/queues.yaml": queues})
    ci.merge(number)
    today(monkeypatch, datetime(2026, 3, 11, 12, tzinfo=UTC))
    done = apply(ci)
    assert done.code == 0, done.log
    assert report(done)["totals"] == {"done": 2}


def dated(ci: CiWorld, monkeypatch: pytest.MonkeyPatch, org: str = APPLYING) -> int:
    """A code that agents are offered until the tenth of March, applied on that day."""
    today(monkeypatch, datetime(2026, 3, 10, 12, tzinfo=UTC))
    small(ci, org=org)
    promo = "  PROMO: {name: Promo, valid_through: 2026-03-10}\n"
    queues = QUEUES.replace("[SALE, LOST]", "[SALE, LOST, PROMO]")
    number = approved(ci, {"acme/codes.yaml": CODES + promo, "acme/queues.yaml": queues})
    ci.merge(number)
    assert apply(ci).code == 0
    assert offered(ci) == ["Lost", "Promo", "Sale"]
    return number


def offered(ci: CiWorld) -> list[str]:
    state = ci.state()
    names = {one["id"]: one["name"] for one in state["codes"].values()}
    (held,) = state["links"].values()
    return sorted(names[code] for code in held)


def test_dates_that_pass_are_written_alone(ci: CiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    dated(ci, monkeypatch)
    asked = len(ci.requests())
    assert shipped(ci, event="schedule").code == 0
    assert len(ci.requests()) == asked, "no date passed, so that nothing is read"
    by_hand(ci, "Sale", "drift")
    unreviewed = CODES + "  PROMO: {name: Promo, description: late, valid_through: 2026-03-10}\n"
    ci.begin({"acme/codes.yaml": unreviewed + WON})
    today(monkeypatch, datetime(2026, 3, 11, 6, tzinfo=UTC))
    done = apply(ci, "acme", "--due")
    assert done.code == 0, done.log
    assert offered(ci) == ["Lost", "Sale"]
    assert ci.described() == {"Sale": "drift", "Lost": "It is not", "Old": "", "Promo": ""}
    assert [states for _, states in deployed(ci, task="wrapctl:due")] == [["in_progress", "success"]]
    kept = json.loads((done.temp / "reports" / "acme" / "due-report.json").read_text("utf-8"))
    assert kept["totals"] == {"done": 1}
    sent = ci.writes()
    assert apply(ci, "acme", "--due").code == 0
    assert ci.writes() == sent


def test_the_schedule_writes_dates_though_a_merge_that_waited_is_held(
    ci: CiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated(ci, monkeypatch)
    ci.begin({"acme/more.yaml": HEAD + WON})
    today(monkeypatch, datetime(2026, 3, 11, 6, tzinfo=UTC))
    assert apply(ci, "acme", "--pending", "--due").code == 4
    assert offered(ci) == ["Lost", "Sale"]
    assert "Won" not in ci.names()


def test_a_date_that_nobody_reviewed_is_not_due(ci: CiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    dated(ci, monkeypatch)
    ends = "  SALE: {name: Sale, description: It is sold, valid_through: 2026-03-10}\n"
    ci.begin({"acme/codes.yaml": HEAD + ends + LOST + "  PROMO: {name: Promo, valid_through: 2026-03-10}\n"})
    today(monkeypatch, datetime(2026, 3, 11, 6, tzinfo=UTC))
    assert apply(ci, "acme", "--due").code == 0
    assert offered(ci) == ["Lost", "Sale"], "Promo's date was reviewed, Sale's was not"


def test_what_was_put_back_by_hand_after_its_date_is_drift_and_stays(
    ci: CiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated(ci, monkeypatch)
    today(monkeypatch, datetime(2026, 3, 11, 6, tzinfo=UTC))
    ci.hub.clock = lambda: datetime(2026, 3, 11, 6, tzinfo=UTC)
    assert apply(ci, "acme", "--due").code == 0
    ci.edit({"op": "add_link", "queue": "Sales", "code": "Promo"})
    today(monkeypatch, datetime(2026, 3, 12, 6, tzinfo=UTC))
    assert apply(ci, "acme", "--due").code == 0
    assert offered(ci) == ["Lost", "Promo", "Sale"]


# ── change windows, observe mode, stages ───────────────────────────────────────────────────────────────────

NIGHTS = APPLYING + 'timezone: UTC\nwindows:\n  - {days: [mon-sun], from: "20:00", to: "06:00"}\n'


def test_outside_of_a_change_window_the_org_waits_and_the_schedule_applies_it(
    ci: CiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(ci, org=NIGHTS)
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    commit = ci.merge(number)
    today(monkeypatch, datetime(2026, 3, 10, 12, tzinfo=UTC))
    done = apply(ci)
    assert done.code == 0
    assert ci.writes() == []
    assert deployed(ci) == [(commit, ["pending"])]
    said = reply(ci, number)
    assert "## `acme`: pending" in said
    assert "the next one opens Tue 2026-03-10 20:00" in said
    assert apply(ci, "acme", "--pending").code == 0
    assert deployed(ci) == [(commit, ["pending"])]
    ci.begin({"/README.md": "unrelated"})
    today(monkeypatch, datetime(2026, 3, 10, 20, 17, tzinfo=UTC))
    done = apply(ci, "--all", "--pending")
    assert done.code == 0, done.log
    assert "Won" in ci.names()
    assert "## `acme`: applied" in reply(ci, number)


def test_an_org_in_observe_mode_is_never_written_and_that_is_no_failure(ci: CiWorld) -> None:
    small(ci, org=APPLYING.replace("mode: apply", "mode: observe"))
    number = approved(ci, {"acme/codes.yaml": CODES + WON})
    ci.merge(number)
    done = apply(ci)
    assert done.code == 0
    assert ci.writes() == []
    assert deployed(ci) == []
    assert "## `acme`: observe mode, nothing is written" in reply(ci, number)


def test_a_later_stage_waits_for_the_one_before(ci: CiWorld) -> None:
    stages = "kind: Project\nstages: [[acme-test], [acme-emea]]\n"
    small(ci, "acme-test", "acme-emea", **{"wrapctl.yaml": stages})
    files = {f"{name}/codes.yaml": HEAD + OTHERWISE + LOST for name in ("acme-test", "acme-emea")}
    number = approved(ci, files)
    ci.merge(number)
    ci.edit({"op": "update_code", "code": "Sale", "set": {"description": "by hand"}}, "acme-test")
    done = apply(ci, "--all")
    assert done.code == 4
    assert ci.writes("acme-emea") == []
    assert "waits for acme-test, of an earlier stage" in reply(ci, number, "acme-emea")
    # Alone, as a job of its own, it waits as well.
    assert apply(ci, "acme-emea").code == 0
    assert ci.writes("acme-emea") == []
    ci.edit({"op": "update_code", "code": "Sale", "set": {"description": "It is sold"}}, "acme-test")
    assert apply(ci, "--all").code == 0
    assert ci.described("acme-test")["Sale"] == ci.described("acme-emea")["Sale"] == "It is sold at last"


# ── the guard ──────────────────────────────────────────────────────────────────────────────────────────────

MANY = {
    "codes": [{"name": f"Code {number}"} for number in range(30)] + SEED["codes"],
    "queues": SEED["queues"],
}


def doomed(numbers: range) -> str:
    return "".join(f"  C{number}: {{name: Code {number}, state: absent}}\n" for number in numbers)


def token_of(ci: CiWorld, number: int) -> str:
    """The token that the refused plan of a pull request prints."""
    found = re.search(r"deletes=\d+@[0-9a-f]+", "".join(ci.said(number)))
    assert found is not None, ci.said(number)
    return found[0]


def allowing(token: str) -> str:
    return f"kind: Allow\nallow:\n  - {{token: {token}, reason: agreed with Ada}}\n"


def many(ci: CiWorld, org: str = APPLYING + "limits: {deletes: {max: 5}}\n") -> None:
    ci.seed({"name": "acme", **MANY})
    ci.begin({"acme/org.yaml": org, "acme/codes.yaml": CODES, "acme/queues.yaml": QUEUES})


def test_a_delete_that_was_acknowledged_by_token_is_applied_and_finished_if_it_fails_half_way(
    ci: CiWorld,
) -> None:
    many(ci)
    number = ci.propose({"acme/codes.yaml": CODES + doomed(range(8))})
    assert not ci.plan(number).good
    ci.push("change", {"acme/allow.yaml": allowing(token_of(ci, number))})
    done = ci.plan(number)
    assert done.good, [job.log for job in done.plans.values()]
    ci.merge(number)
    ci.fault("status", status=400, method="DELETE", path="/wrapupcodes/", nth=1)
    assert apply(ci).code == 5
    assert len(ci.names()) == 33 - 7
    # The set of the token is not whole any more; what is left of it was reviewed as well.
    assert apply(ci).code == 0
    assert len(ci.names()) == 33 - 8


def test_the_token_of_another_set_acknowledges_nothing(ci: CiWorld) -> None:
    many(ci)
    number = ci.propose({"acme/codes.yaml": CODES + doomed(range(8))})
    ci.plan(number)
    files = {"acme/allow.yaml": allowing(token_of(ci, number)), "acme/codes.yaml": CODES + doomed(range(9))}
    ci.push("change", files)
    assert not ci.plan(number).good
    ci.merge(number)
    done = apply(ci)
    assert done.code == 4
    assert ci.writes() == []
    assert "did not succeed on its last commit" in outcome(done)["merged"][0]["why"]
    # By whoever may start the workflow, too: `fresh` is about the review, and no way past a limit.
    done = apply(ci, "acme", "--mode", "fresh")
    assert done.code == 4
    assert "refused by the guard, nothing was written" in done.out
    assert "deletes=9@" in reply(ci, number)
    assert ci.writes() == []


def test_two_reviews_each_within_a_limit_are_written_together(ci: CiWorld) -> None:
    many(ci)
    ci.merge(approved(ci, {"acme/queues.yaml": QUEUES.replace("[SALE, LOST]", "[SALE]")}, branch="zero"))
    assert apply(ci).code == 0
    one = approved(ci, {"acme/more.yaml": HEAD + doomed(range(4))}, branch="one")
    two = approved(ci, {"acme/others.yaml": HEAD + doomed(range(4, 8))}, branch="two")
    ci.merge(one)
    ci.merge(two)
    done = apply(ci)
    assert done.code == 0, done.log
    assert len(ci.names()) == 33 - 8


# ── policy ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pull_request_that_raises_its_own_limit_is_held(ci: CiWorld) -> None:
    many(ci)
    number = ci.propose(
        {
            "acme/codes.yaml": CODES + doomed(range(8)),
            "acme/org.yaml": APPLYING + "limits: {deletes: {max: 50, percent: 100}}\n",
        }
    )
    assert not ci.plan(number).good
    ci.merge(number)
    assert apply(ci).code == 4
    assert ci.writes() == []


def test_a_pull_request_that_leads_an_org_elsewhere_approves_nothing_there(ci: CiWorld) -> None:
    small(ci)
    number = approved(
        ci,
        {
            "acme/codes.yaml": CODES + WON,
            "acme/org.yaml": APPLYING.replace("sandbox", "http://127.0.0.1:9")
            + "organization_id: 11111111-2222-4333-8444-555555555555\n"
            + "credentials: {client_id: {env: CLIENT}, client_secret: {env: SECRET}}\n",
        },
    )
    ci.merge(number)
    done = apply(ci)
    assert done.code != 0
    assert ci.writes() == []
    assert "## `acme`: failed" in reply(ci, number)


def test_a_pull_request_that_brings_a_command_runs_it_nowhere(ci: CiWorld, tmp_path: Path) -> None:
    small(ci)
    mark = tmp_path / "ran"
    secret = f"credentials: {{client_id: {{env: X}}, client_secret: {{command: [touch, {mark}]}}}}\n"
    number = approved(ci, {"acme/codes.yaml": CODES + WON, "acme/org.yaml": APPLYING + secret})
    ci.merge(number)
    done = apply(ci)
    assert done.code != 0
    assert not mark.exists()
    assert ci.writes() == []


def test_what_is_protected_meanwhile_is_not_deleted_by_an_older_review(ci: CiWorld) -> None:
    small(ci)
    number = approved(ci, {"acme/codes.yaml": CODES + "  OLD: {name: Old, state: absent}\n"})
    ci.begin({"acme/org.yaml": APPLYING.replace("mode: apply", 'mode: apply, protect: ["Old"]')})
    ci.merge(number)
    done = apply(ci)
    assert done.code == 2
    assert "`manage.protect` keeps" in done.log
    assert "Old" in ci.names()


def test_a_new_org_is_held_until_somebody_has_seen_its_plan(ci: CiWorld) -> None:
    small(ci)
    ci.seed({"name": "other", **SEED})
    number = ci.propose(
        {"other/org.yaml": APPLYING, "other/codes.yaml": CODES + WON, "other/queues.yaml": QUEUES}
    )
    ci.plan(number)
    ci.merge(number)
    done = apply(ci, "other")
    assert done.code == 4
    assert ci.writes("other") == []
    assert "other/code/WON" in [one["address"] for one in report(done, "other")["changes"]]
    assert apply(ci, "other", "--mode", "fresh").code == 0
    assert "Won" in ci.names("other")


def test_a_new_org_that_is_in_sync_begins_with_what_is_merged(ci: CiWorld) -> None:
    small(ci)
    ci.seed({"name": "other", **SEED})
    number = ci.propose({"other/org.yaml": APPLYING, "other/codes.yaml": CODES, "other/queues.yaml": QUEUES})
    ci.plan(number)
    commit = ci.merge(number)
    assert apply(ci, "other").code == 0
    assert deployed(ci, "other") == [(commit, ["success"])]


def test_an_org_that_writes_what_is_merged_needs_no_plan(ci: CiWorld) -> None:
    small(ci, org=APPLYING + "apply: {mode: fresh}\n")
    number = ci.propose({"acme/codes.yaml": HEAD + OTHERWISE + LOST})
    ci.merge(number)
    by_hand(ci, "Sale", "by hand")
    assert apply(ci).code == 0
    assert ci.described()["Sale"] == "It is sold at last"


# ── size and names ─────────────────────────────────────────────────────────────────────────────────────────


def test_three_hundred_changes_are_applied_and_fit_into_a_comment(ci: CiWorld) -> None:
    small(ci, org=APPLYING + "limits: {creates: {max: 500}, requests_per_minute: 60000}\n")
    more = "".join(
        f"  N{number:03}: {{name: {'Long name ' * 20}{number}, description: {'words ' * 20}}}\n"
        for number in range(300)
    )
    number = approved(ci, {"acme/codes.yaml": CODES + more})
    ci.merge(number)
    done = apply(ci)
    assert done.code == 0, done.log
    assert len(ci.names()) == 303
    assert len(reply(ci, number)) <= 65_536


HOSTILE = [
    "@everyone",
    "</details>",
    "| x |",
    "[a](javascript:alert)",
    "::set-output name=a::b",
    "::error::owned",
    "\u202emoc",
    "`code` <!-- x -->",
    "#1 http://evil.example",
]


def test_names_that_attack_reach_neither_the_comment_nor_the_log(ci: CiWorld) -> None:
    small(ci)
    lines = "".join(f"  H{number}: {{name: {json.dumps(name)}}}\n" for number, name in enumerate(HOSTILE))
    long = f"  LONG: {{name: Long, description: {json.dumps('x' * 4000)}}}\n"
    number = approved(ci, {"acme/codes.yaml": CODES + lines + long})
    ci.merge(number)
    done = apply(ci)
    assert done.code == 0, done.log
    assert {*HOSTILE} <= {*ci.names()}
    said = reply(ci, number)
    assert said.count("</details>") == said.count("<details>") + said.count("`</details>`")
    assert "`@everyone`" in said
    assert "\u202e" not in said + done.out
    token = done.out.splitlines()[0].removeprefix("::stop-commands::")
    assert len(token) > 20
    inside, _, outside = done.out.partition(f"::{token}::")
    commands = [line for line in inside.splitlines()[1:] if line.lstrip().startswith("::")]
    assert commands == []
    assert outside.strip() == ""


def test_the_command_wants_a_clean_checkout_of_the_commit_and_a_token(ci: CiWorld) -> None:
    small(ci)
    made = job(ci)
    assert ci.wrapctl(made, "ci", "apply", "acme").code == 2
    token = ci.token(**RIGHTS)
    assert ci.wrapctl(made, "ci", "apply", "acme", "--head", "0" * 40, GITHUB_TOKEN=token).code == 2
    assert ci.wrapctl(made, "ci", "apply", GITHUB_TOKEN=token).code == 2
    assert ci.wrapctl(made, "ci", "apply", "acme", "--due", "--mode", "fresh", GITHUB_TOKEN=token).code == 2
    (made.clone / "wrapups" / "acme" / "codes.yaml").write_text(CODES + WON, encoding="utf-8")
    done = ci.wrapctl(made, "ci", "apply", "acme", GITHUB_TOKEN=token)
    assert (done.code, "differ from their commit" in done.said) == (2, True)
