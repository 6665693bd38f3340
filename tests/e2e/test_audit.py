"""A week in the life of an org: what wrapctl did with commit and pull request, and what was done by hand by whom."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from e2e.worlds import WORLDS, World
from front_door import Done, Project
from wrapctl.cli.console import Console
from wrapctl.sandbox import Sandbox

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CODES = {f"Code {number}": "first words" for number in range(8)}


class Week:
    """A clock that stands still until it is told to go on, for wrapctl and for the platform."""

    def __init__(self) -> None:
        self.now = MONDAY

    def later(self, **much: float) -> None:
        self.now += timedelta(**much)


@pytest.fixture
def week(monkeypatch: pytest.MonkeyPatch) -> Week:
    found = Week()
    start = Sandbox.__init__

    def on_that_day(self: Sandbox, state_dir: Any, clock: Any = None) -> None:
        del clock
        start(self, state_dir, lambda: found.now.timestamp())  # noqa: PLW0108 (the clock goes on: it must be asked each time)

    monkeypatch.setattr(Sandbox, "__init__", on_that_day)
    monkeypatch.setattr(Console, "now", staticmethod(lambda: found.now))
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    return found


def declare(project: Project, world: World, words: str) -> None:
    keys = {name: name.upper().replace(" ", "_") for name in CODES}
    more = ", tags: [weekly]"
    codes = "".join(world.code(key, name, words, more) for name, key in keys.items())
    limits = "limits: {updates: {percent: 100}}\n"
    project.org(
        text=world.org(limits), codes=codes, queues=f"q: {{name: Q, codes: [{', '.join(keys.values())}]}}"
    )


def commit(project: Project, message: str) -> str:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    for arguments in (["init", "-q"], ["add", "wrapups"], [*who, "commit", "-q", "-m", message]):
        subprocess.run(["git", *arguments], cwd=project.root, check=True, capture_output=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project.root, check=True, capture_output=True)
    return head.stdout.decode().strip()


def at_once(project: Project) -> None:
    """Let the platform answer queries of its trail without being waited for."""
    with project.sandbox as box:
        box.set("acme", audit_polls=0)


def lived(project: Project, world: World, week: Week) -> list[str]:
    """Five applies of eight changes, a pull request for each, and three edits by people in between."""
    world.plant(project, CODES, {"Q": list(CODES)})
    if world.name == "genesys":
        at_once(project)
    commits = []
    by_hand = {1: ("Code 1", "2001"), 2: ("Code 2", "2002"), 4: ("Code 3", "2001")}
    for day in range(5):
        declare(project, world, f"words of day {day}")
        commits.append(commit(project, f"Words of day {day} (#{day + 10})"))
        assert project.run("apply", "acme", "--yes").code == 0
        week.later(hours=5)
        if day in by_hand:
            name, who = by_hand[day]
            project.edit({**world.edit(name, f"words of {who}"), "by": who})
        week.later(hours=19)
    return commits


def lines(done: Done) -> list[dict[str, Any]]:
    assert done.code == 0, done.said
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_a_week_of_forty_changes_by_wrapctl_and_three_by_hand_names_the_three(
    project: Project, week: Week, world: World
) -> None:
    commits = lived(project, world, week)
    records = lines(project.run("audit", "acme", "--since", "1w", "--format", "jsonl"))
    ours = [one for one in records if one["by"] == "wrapctl"]
    hand = [one for one in records if one["by"] == "hand"]
    assert (len(records), len(ours), len(hand)) == (43, 40, 3)
    assert [(one["at"][:16], one["actor_id"], one["object_name"], one["codes"]) for one in hand] == [
        ("2026-03-03T14:00", "2001", "Code 1", ["CODE_1"]),
        ("2026-03-04T14:00", "2002", "Code 2", ["CODE_2"]),
        ("2026-03-06T14:00", "2001", "Code 3", ["CODE_3"]),
    ]
    assert {one["commit"]: one["pull_requests"] for one in ours} == {
        sha: [day + 10] for day, sha in enumerate(commits)
    }
    assert all(one["tags"] == ["weekly"] for one in records)
    told = project.run("audit", "acme", "--since", "1w")
    assert "43 changes: 40 by wrapctl, 3 by hand" in told.said
    assert "2026-03-03T14:00:00" in told.out
    assert 'user 2001: update code "Code 1" (CODE_1)' in told.said


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_an_audit_is_bounded_by_time_and_can_leave_out_what_wrapctl_did(
    project: Project, week: Week, world: World
) -> None:
    lived(project, world, week)
    ask = ("audit", "acme", "--since", "2026-03-03", "--until", "2026-03-05", "--format", "jsonl")
    assert len(lines(project.run(*ask))) == 18
    assert [one["actor_id"] for one in lines(project.run(*ask, "--by-hand"))] == ["2001", "2002"]


def test_people_are_named_where_the_org_says_so(project: Project, week: Week) -> None:
    world = WORLDS["genesys"]
    lived(project, world, week)
    hidden = lines(project.run("audit", "acme", "--since", "1w", "--by-hand", "--format", "jsonl"))
    assert [one["actor_name"] for one in hidden] == [None] * 3
    org = project.root / "wrapups" / "acme" / "org.yaml"
    org.write_text(org.read_text("utf-8") + "audit: {names: true}\n", "utf-8")
    shown = lines(project.run("audit", "acme", "--since", "1w", "--by-hand", "--format", "jsonl"))
    assert [one["actor_name"] for one in shown] == ["User 2001", "User 2002", "User 2001"]


def test_assignments_work_flags_and_rows_by_hand_are_told_where_the_platform_tells_them(
    project: Project, week: Week
) -> None:
    project.org(
        codes="SALE: {name: Sale, outbound: [business-success], crm: {flows: Won}}\nLOST: {name: Lost}\n",
        queues="q: {name: Q, codes: [SALE, LOST], after_call_work: {prompt: mandatory}}",
    )
    project.write(
        "acme/crm/flows.yaml",
        "kind: CrmMapping\nsystem: flows\ntarget: {type: genesys-datatable, table: Words}\nunmapped_codes: ignore\n",
    )
    project.seed(
        {
            "name": "acme",
            "codes": [{"name": "Sale"}, {"name": "Lost"}],
            "queues": [{"name": "Q", "codes": []}],
            "datatables": [{"name": "Theirs", "columns": {"x": "string"}}],
        }
    )
    at_once(project)
    assert project.run("apply", "acme", "--yes").code == 0
    week.later(days=1)
    for edit in (
        {"op": "remove_link", "queue": "Q", "code": "Lost"},
        {"op": "update_queue", "queue": "Q", "set": {"acwSettings": {"wrapupPrompt": "OPTIONAL"}}},
        {"op": "set_flags", "code": "Sale", "flags": []},
        {"op": "set_row", "table": "Words", "key": "flows:to:SALE", "set": {"value": "Lost it"}},
        {"op": "set_row", "table": "Theirs", "key": "k", "set": {"x": "1"}},
        {"op": "update_queue", "queue": "Q", "set": {"description": "not ours to say"}},
    ):
        project.edit({**edit, "by": "bob"})
        week.later(minutes=1)
    records = lines(project.run("audit", "acme", "--since", "3d", "--format", "jsonl"))
    assert {one["by"] for one in records} == {"hand", "wrapctl"}
    assert [(one["kind"], one["codes"]) for one in records if one["by"] == "hand"] == [
        ("assignment", ["LOST"]),
        ("after-call work", []),
        ("outbound", ["SALE"]),
        ("row", ["SALE"]),
    ]
    kinds = {one["kind"] for one in records if one["by"] == "wrapctl"}
    assert kinds == {"assignment", "after-call work", "outbound", "row", "table"}
    assert all(one["source"] == "platform" for one in records)
    assert (
        "2 entries of the trail about what these files cannot say"
        in project.run("audit", "acme", "--since", "3d").said
    )


def test_what_cxone_does_not_tell_is_said_and_told_by_the_journal(project: Project, week: Week) -> None:
    world = WORLDS["cxone"]
    world.plant(project, {"Sale": "", "Lost": ""}, {"Q": ["Sale"]})
    project.org(
        text=world.org(),
        codes=world.code("SALE", "Sale", "words")
        + world.code("LOST", "Lost")
        + world.code("NEW", "New", "words"),
        queues="q: {name: Q, codes: [SALE, LOST, NEW], after_call_work: {prompt: mandatory, timeout: 30s}}",
    )
    assert project.run("apply", "acme", "--yes").code == 0
    week.later(hours=1)
    records = lines(project.run("audit", "acme", "--since", "1d", "--format", "jsonl"))
    assert {one["by"] for one in records} == {"wrapctl"}
    alone = [one for one in records if one["source"] == "journal"]
    assert {one["kind"] for one in alone} == {"assignment", "after-call work"}
    assert {tuple(one["codes"]) for one in alone if one["kind"] == "assignment"} >= {("LOST",), ("NEW",)}
    assert (
        "the platform keeps no trail of queues: neither of their assignments"
        in project.run("audit", "acme", "--since", "1d").said
    )


def test_without_the_journal_its_own_client_is_named_and_not_taken_for_wrapctl(
    project: Project, week: Week
) -> None:
    lived(project, WORLDS["genesys"], week)
    for file in (project.root / ".wrapctl" / "journal" / "acme").iterdir():
        file.unlink()
    records = lines(project.run("audit", "acme", "--since", "1w", "--format", "jsonl"))
    assert sorted({one["by"] for one in records}) == ["client", "hand"]
    assert {one["note"] for one in records if one["by"] == "client"} == {
        "done with wrapctl's own credentials, and no record of it is in this journal"
    }


# ── the journal ────────────────────────────────────────────────────────────────────────────────────────────


def test_one_flipped_byte_in_any_record_of_a_run_is_reported_with_its_number(
    project: Project, week: Week
) -> None:
    lived(project, WORLDS["genesys"], week)
    journal = project.root / ".wrapctl" / "journal" / "acme"
    file = sorted(journal.iterdir())[1]
    whole = file.read_bytes()
    records = whole.splitlines(keepends=True)
    assert len(records) > 10
    start = 0
    for number, record in enumerate(records, 1):
        place = start + (number * 7919) % len(record)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        done = project.run("journal", "verify", "acme")
        assert done.code == 1
        assert f"the journal is broken at {file.name}:{number}: " in done.err
        start += len(record)
    file.write_bytes(whole)
    assert project.run("journal", "verify", "acme").code == 0


def test_an_audit_with_a_broken_journal_says_where_and_believes_nothing_behind_it(
    project: Project, week: Week
) -> None:
    lived(project, WORLDS["genesys"], week)
    file = min((project.root / ".wrapctl" / "journal" / "acme").iterdir())
    records = file.read_bytes().splitlines(keepends=True)
    records[1] = records[1].replace(b"acme/code", b"acme/c0de", 1)
    file.write_bytes(b"".join(records))
    done = project.run("audit", "acme", "--since", "1w", "--format", "jsonl")
    assert done.code == 1
    assert f"the journal is broken at {file.name}:2: the record is not as it was written" in done.err
    found = [json.loads(line)["by"] for line in done.out.splitlines()]
    assert (found.count("wrapctl"), found.count("client"), found.count("hand")) == (32, 8, 3)
