"""Drift through the command line: found, attributed to who did it, taken over into the files, and gone after."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.worlds import WORLDS, World
from front_door import Done, Project
from git_remote import ENVIRON, Remote
from github_api import GithubApi
from github_world import Issue
from github_world import World as GithubWorld
from wrapctl.cli import files
from wrapctl.cli.console import Console
from wrapctl.cli.hosted import github
from wrapctl.errors import WrapctlError

ADA = "5a5a5a5a-0000-4000-8000-00000000ada0"
pytestmark = pytest.mark.filterwarnings("error")


def git(project: Project, *arguments: str) -> str:
    command = ["git", "-C", str(project.root), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=dict(ENVIRON)
    ).stdout.strip()


def commit(project: Project) -> str:
    """Everything below wrapups/ as one more commit."""
    if not (project.root / ".git").exists():
        git(project, "init", "-q")
        (project.root / ".gitignore").write_text(".wrapctl/\n", encoding="utf-8")
    git(project, "add", "-A")
    git(project, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "files")
    return git(project, "rev-parse", "HEAD")


def applied(project: Project) -> str:
    """The files are committed and applied."""
    made = commit(project)
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0, done.said
    return made


def drift(project: Project, *more: str) -> Done:
    return project.run("drift", "acme", *more)


def data(project: Project, *more: str) -> Any:
    return drift(project, "--format", "json", *more).data


def said(changes: list[dict[str, Any]]) -> list[str]:
    return [f"{one['verb']} {one['address'].removeprefix('acme/')}" for one in changes]


def drifted(found: dict[str, Any]) -> list[str]:
    return said([one["change"] for one in found["changes"]])


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    return WORLDS[request.param]


def story(project: Project, world: World) -> str:
    """Two codes on one queue, with comments, committed and applied."""
    project.write("acme/org.yaml", world.org())
    project.write(
        "acme/codes.yaml",
        "# What agents choose from.\nkind: WrapUpCodes\ncodes:\n"
        f"  # asked for by sales\n  NO: {{name: No Answer, description: rang out{world.own}}} # keep\n"
        f"  YES: {{name: Sale, description: sold{world.own}}}\n",
    )
    project.write(
        "acme/queues.yaml",
        "kind: Queues\nqueues:\n  q:\n    name: Support\n    codes:\n"
        "      - NO   # first of all\n      - YES\n",
    )
    world.plant(
        project, {"No Answer": "rang out", "Sale": "old", "Free": "of no file"}, {"Support": ["No Answer"]}
    )
    return applied(project)


def by(edit: dict[str, Any], who: str) -> dict[str, Any]:
    return edit | {"by": who}


def test_without_an_edit_there_is_no_drift(project: Project, world: World) -> None:
    made = story(project, world)
    done = drift(project)
    assert done.code == 0
    assert "No drift" in done.said
    assert f"commit {made[:12]}" in done.said


def test_a_hand_edit_is_found_attributed_and_adopted_with_comments_and_gone_after(
    project: Project, world: World
) -> None:
    made = story(project, world)
    who = ADA if world.name == "genesys" else "2000"
    before = datetime.now(UTC) - timedelta(seconds=5)
    project.edit(by(world.edit("No Answer", "nobody there"), who))
    found = data(project)
    assert (found["drifted"], found["applied"]) == (True, made)
    (one,) = found["changes"]
    assert said([one["change"]]) == ["update code code/NO"]
    assert one["change"]["before"]["description"] == "nobody there"
    assert one["who"]["actor"] == {"kind": "user", "id": who, "name": None}
    assert before <= datetime.fromisoformat(one["who"]["at"]) <= datetime.now(UTC) + timedelta(seconds=5)
    text = drift(project)
    assert text.code == 3
    assert f"by user {who} at {one['who']['at'][:19]}Z" in text.said
    assert '"rang out" → "nobody there"' in text.said

    taken = drift(project, "--adopt")
    assert taken.code == 0, taken.said
    codes = (project.root / "wrapups/acme/codes.yaml").read_text(encoding="utf-8")
    assert codes == (
        "# What agents choose from.\nkind: WrapUpCodes\ncodes:\n"
        f"  # asked for by sales\n  NO: {{name: No Answer, description: nobody there{world.own}}} # keep\n"
        f"  YES: {{name: Sale, description: sold{world.own}}}\n"
    )
    assert drift(project).code == 0
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_people_appear_by_name_only_where_the_org_says_so(project: Project, world: World) -> None:
    story(project, world)
    who = ADA if world.name == "genesys" else "2000"
    project.edit(by(world.edit("No Answer", "nobody there"), who))
    assert data(project)["changes"][0]["who"]["actor"]["name"] is None
    project.write("acme/org.yaml", world.org("audit: {names: true}\n"))
    named = data(project)["changes"][0]["who"]["actor"]
    assert named["id"] == who
    assert named["name"]


def test_a_merge_that_waits_is_pending_and_not_drift(project: Project, world: World) -> None:
    story(project, world)
    path = project.root / "wrapups/acme/codes.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f"  NEW: {{name: New{world.own}}}\n", encoding="utf-8")
    commit(project)
    found = data(project)
    assert (found["drifted"], drift(project).code) == (False, 0)
    assert said(found["pending"]) == ["create code code/NEW"]


def test_a_validity_date_that_came_is_due_and_not_drift(
    project: Project, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    project.write("acme/org.yaml", world.org())
    project.write(
        "acme/codes.yaml",
        f"kind: WrapUpCodes\ncodes:\n  A: {{name: A{world.own}}}\n"
        f"  P: {{name: P, valid_from: {tomorrow}{world.own}}}\n",
    )
    project.write("acme/queues.yaml", "kind: Queues\nqueues:\n  q: {name: Q, codes: [A, P]}\n")
    world.plant(project, {"P": ""}, {"Q": []})
    applied(project)
    assert data(project)["due"] == []
    later = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr(Console, "now", staticmethod(lambda: later))
    found = data(project)
    assert said(found["due"]) == ["assign queue/q/code/P"]
    assert (found["drifted"], drift(project).code) == (False, 0)


def test_without_a_journal_the_files_are_compared_and_it_says_so(project: Project, world: World) -> None:
    project.write("acme/org.yaml", world.org())
    project.write("acme/codes.yaml", f"kind: WrapUpCodes\ncodes:\n  NO: {{name: 'No'{world.own}}}\n")
    world.plant(project, {"No": "", "Free": ""}, {})
    project.edit(world.edit("Free", "is nobody's"))
    done = drift(project)
    assert done.code == 0, done.said
    assert "the files as they are" in done.said
    assert "neither a deployment nor the journal here tells of a commit" in done.said


def test_a_commit_can_be_named_instead_of_the_journals(project: Project, world: World) -> None:
    first = story(project, world)
    path = project.root / "wrapups/acme/codes.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("rang out", "nobody there"), encoding="utf-8")
    applied(project)
    assert data(project)["drifted"] is False
    found = data(project, "--since-commit", first)
    # What the newer files want is what is live: taken over, not drift.
    assert (found["applied"], found["drifted"]) == (first, False)
    assert drift(project, "--since-commit", "nowhere").code == 2


def test_the_schema_holds_for_what_is_printed(project: Project, world: World) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from wrapctl.render.schemas import drift_schema  # noqa: PLC0415  (beside the package that only this test needs)

    story(project, world)
    project.edit(world.edit("No Answer", "nobody there"))
    jsonschema.validate(data(project), drift_schema())
    jsonschema.validate(data(project, "--adopt"), drift_schema())


def test_several_orgs_end_with_the_worst_of_them(project: Project, world: World) -> None:
    story(project, world)
    project.write("other/org.yaml", world.org())
    project.write("other/codes.yaml", "kind: WrapUpCodes\ncodes: {}\n")
    project.seed({"name": "other", "platform": world.name})
    project.edit(world.edit("No Answer", "nobody there"))
    done = project.run("drift", "--format", "json")
    assert done.code == 3
    assert [one["drifted"] for one in done.data["drifts"]] == [True, False]


# ── queues ─────────────────────────────────────────────────────────────────────────────────────────────────


def genesys(project: Project, lists: str, entries: str, **seed: Any) -> None:
    project.org(codes=entries, queues=lists)
    project.seed({"name": "acme", **seed})
    applied(project)


def text(project: Project, name: str) -> str:
    return (project.root / "wrapups/acme" / name).read_text(encoding="utf-8")


def test_codes_put_on_and_taken_off_by_hand_change_the_list_and_nothing_else(project: Project) -> None:
    genesys(
        project,
        "q:\n  name: Q\n  codes:\n    - A   # one\n    - B   # two\n    - C   # three",
        "A: {name: A}\nB: {name: B}\nC: {name: C}",
        queues=[{"name": "Q"}],
        codes=[{"name": "Found by hand", "description": "words"}],
    )
    project.edit({"op": "remove_link", "queue": "Q", "code": "B", "by": ADA})
    project.edit({"op": "add_link", "queue": "Q", "code": "Found by hand", "by": "bob"})
    found = data(project)
    assert sorted(drifted(found)) == [
        "assign queue/q/code/B",
        f"unassign queue/q/code/~{found['unmanaged'][0]['id']}",
    ]
    who = {one["change"]["verb"]: one["who"]["actor"]["id"] for one in found["changes"]}
    assert who == {"assign": ADA, "unassign": "bob"}
    assert drift(project, "--adopt").code == 0
    assert text(project, "queues.yaml") == (
        "kind: Queues\nqueues:\n  q:\n    name: Q\n    codes:\n"
        "      - A   # one\n      - C   # three\n      - FOUND_BY_HAND\n"
    )
    assert "FOUND_BY_HAND:" in text(project, "codes.yaml")
    assert drift(project).code == 0
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_code_of_a_set_is_not_taken_out_of_it(project: Project) -> None:
    project.org(codes="A: {name: A}\nB: {name: B}")
    project.write(
        "acme/queues.yaml",
        "kind: Queues\nsets: {both: [A, B]}\nqueues:\n  q: {name: Q, codes: ['set:both']}\n",
    )
    project.seed({"name": "acme", "queues": [{"name": "Q"}]})
    applied(project)
    before = text(project, "queues.yaml")
    project.edit({"op": "remove_link", "queue": "Q", "code": "B"})
    done = drift(project, "--adopt")
    assert done.code == 3
    assert "it is in the set `both`" in done.said
    assert text(project, "queues.yaml") == before


def test_after_call_work_and_flags_are_taken_over_where_they_are_declared(project: Project) -> None:
    genesys(
        project,
        "q: {name: Q, after_call_work: {prompt: mandatory-timeout, timeout: 30s}}",
        "A: {name: A, outbound: [right-party-contact]}",
        queues=[{"name": "Q"}],
    )
    settings = {"acwSettings": {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 45000}}
    project.edit({"op": "update_queue", "queue": "Q", "set": settings, "by": ADA})
    project.edit({"op": "set_flags", "code": "A", "flags": ["CONTACT_UNCALLABLE"], "by": ADA})
    found = data(project)
    assert drifted(found) == [
        "set after-call work queue/q/after-call-work",
        "set outbound flags code/A/outbound",
    ]
    assert [one["who"]["actor"]["id"] for one in found["changes"]] == [ADA, ADA]
    assert drift(project, "--adopt").code == 0
    assert "timeout: 45s" in text(project, "queues.yaml")
    assert "outbound: [contact-uncallable]" in text(project, "codes.yaml")
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_what_a_catalog_says_is_overridden_in_the_orgs_own_file(project: Project) -> None:
    project.write("catalog/base.yaml", "kind: WrapUpCodes\ncodes:\n  A: {name: A, description: all}\n")
    catalog = (project.root / "wrapups/catalog/base.yaml").read_text(encoding="utf-8")
    project.org(text="kind: Org\nplatform: genesys\nendpoint: sandbox\ninclude: [../catalog/base.yaml]\n")
    project.seed({"name": "acme"})
    applied(project)
    project.edit({"op": "update_code", "code": "A", "set": {"description": "ours"}})
    assert drift(project, "--adopt").code == 0
    assert (project.root / "wrapups/catalog/base.yaml").read_text(encoding="utf-8") == catalog
    assert "  A:\n    description: ours\n" in text(project, "codes.yaml")
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_code_renamed_by_hand_is_recognised_by_its_trail_and_keeps_its_key(
    project: Project, world: World
) -> None:
    story(project, world)
    op = {"genesys": ("rename_code", "code"), "cxone": ("rename_disposition", "disposition")}[world.name]
    project.edit({"op": op[0], op[1]: "No Answer", "name": "Nobody", "by": "2000"})
    found = data(project)
    assert "create code code/NO" in drifted(found)
    assert next(one["who"]["actor"]["id"] for one in found["changes"]) == "2000"
    done = drift(project, "--adopt")
    assert done.code == 0, done.said
    assert "NO: {name: Nobody, description: rang out" in text(project, "codes.yaml")
    assert "- NO   # first of all" in text(project, "queues.yaml")
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_code_renamed_and_taken_off_by_hand_is_both(project: Project) -> None:
    genesys(
        project,
        "q: {name: Q, codes: [A, B]}\nr: {name: R, codes: [A]}",
        "A: {name: A}\nB: {name: B}",
        queues=[{"name": "Q"}, {"name": "R"}],
    )
    project.edit({"op": "remove_link", "queue": "Q", "code": "A"})
    project.edit({"op": "rename_code", "code": "A", "name": "Aleph", "by": ADA})
    assert 'renamed: it goes on as "Aleph"' in drift(project).said
    done = drift(project, "--adopt")
    assert done.code == 0, done.said
    assert "q: {name: Q, codes: [B]}" in text(project, "queues.yaml")
    assert "r: {name: R, codes: [A]}" in text(project, "queues.yaml")
    assert "A: {name: Aleph}" in text(project, "codes.yaml")
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_code_deleted_by_hand_is_told_with_who_and_left_to_a_person(project: Project) -> None:
    genesys(project, "q: {name: Q, codes: [A]}", "A: {name: A}\nB: {name: B}", queues=[{"name": "Q"}])
    project.edit({"op": "delete_code", "code": "B", "by": ADA})
    found = data(project)
    assert drifted(found) == ["create code code/B"]
    assert found["changes"][0]["who"]["actor"]["id"] == ADA
    before = text(project, "codes.yaml")
    done = drift(project, "--adopt")
    assert done.code == 3
    assert "it was deleted" in done.said
    assert text(project, "codes.yaml") == before


def test_a_name_that_the_house_rules_forbid_is_left_and_the_rest_is_taken_over(project: Project) -> None:
    project.write("wrapctl.yaml", 'kind: Project\nrules: {name_pattern: "[A-Z][a-z ]+"}\n')
    ids = "A: {name: Alpha, description: one}\nB: {name: Beta, description: two}"
    project.org(codes=ids)
    project.seed({"name": "acme", "codes": [{"name": "Alpha", "description": "one"}]})
    applied(project)
    state = project.state()
    pinned = next(str(one["id"]) for one in state["codes"].values() if one["name"] == "Alpha")
    project.org(codes=ids.replace("{name: Alpha", f"{{id: {pinned}, name: Alpha"))
    commit(project)
    project.edit({"op": "update_code", "code": "Beta", "set": {"description": "three"}})
    applied_once = project.run("apply", "acme", "--yes")
    assert applied_once.code == 0
    project.edit({"op": "rename_code", "code": "Alpha", "name": "alpha!"})
    project.edit({"op": "update_code", "code": "Beta", "set": {"description": "three"}})
    done = drift(project, "--adopt")
    assert done.code == 3
    assert "the files would be wrong" in done.said
    assert "description: three" in text(project, "codes.yaml")
    assert "alpha!" not in text(project, "codes.yaml")


def test_an_order_changed_by_hand_is_taken_over_with_the_comments(project: Project) -> None:
    own = ", cxone: {classification: Other}"
    project.org(
        text="kind: Org\nplatform: cxone\nendpoint: sandbox\n",
        codes="".join(f"{key}: {{name: {key}{own}}}\n" for key in "ABC"),
        queues="s:\n  name: S\n  codes:\n    - A   # one\n    - B   # two",
    )
    project.seed({"name": "acme", "platform": "cxone", "skills": [{"name": "S"}]})
    applied(project)
    project.edit({"op": "set_skill_dispositions", "skill": "S", "dispositions": ["C", "B", "A"]})
    found = data(project)
    assert "keeps no trail of queues" in json.dumps(found)
    assert drift(project, "--adopt").code == 0, drift(project, "--adopt").said
    listed = text(project, "queues.yaml")
    assert listed.index("- C") < listed.index("- B   # two") < listed.index("- A   # one")
    assert project.run("plan", "acme", "--exit-code").code == 0


# ── who did it ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_client_without_the_permission_still_tells_drift(project: Project) -> None:
    project.org(codes="A: {name: A, description: one}")
    project.seed(
        {
            "name": "acme",
            "codes": [{"name": "A", "description": "two"}],
            "clients": [
                {
                    "client_id": "sandbox-acme",
                    "permissions": [
                        "routing:wrapupCode:view",
                        "routing:queue:view",
                        "outbound:wrapUpCodeMapping:view",
                    ],
                }
            ],
        }
    )
    done = drift(project)
    assert done.code == 3
    assert "Who did it is not known: this client may not read the audit trail" in done.said
    assert data(project)["changes"][0]["who"] is None


def test_what_the_client_of_this_run_did_is_told_apart_from_people(project: Project) -> None:
    genesys(project, "q: {name: Q}", "A: {name: A, description: one}", queues=[{"name": "Q"}])
    project.org(codes="A: {name: A, description: two}", queues="q: {name: Q}")
    assert project.run("apply", "acme", "--yes").code == 0  # from files that nobody committed
    project.org(codes="A: {name: A, description: one}", queues="q: {name: Q}")
    found = data(project)
    assert found["changes"][0]["who"]["own_client"] is True
    assert any("were not committed" in note for note in found["notes"])
    assert "by the client of this run" in drift(project).said


def test_a_trail_that_cannot_be_read_is_told_and_drift_stays(project: Project) -> None:
    genesys(project, "q: {name: Q}", "A: {name: A, description: one}", queues=[{"name": "Q"}])
    project.edit({"op": "update_code", "code": "A", "set": {"description": "two"}})
    with project.sandbox as box:
        box.set("acme", audit_end="Failed")
    done = drift(project)
    assert done.code == 3
    assert "the audit query ended as Failed" in done.said


# ── GitHub ─────────────────────────────────────────────────────────────────────────────────────────────────


class Hub:
    """An emulated GitHub that the commands of a test find by the variables of a job."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = GithubWorld(Remote.make(folder).bare)
        self.world.job_token("ghs_1")
        self.api = GithubApi(self.world)
        self._patch = monkeypatch

    @contextlib.contextmanager
    def job(self) -> Iterator[None]:
        with self.api.served() as url, self._patch.context() as patch:
            patch.setenv("GITHUB_API_URL", url)
            patch.setenv("GITHUB_REPOSITORY", "acme/orgs")
            patch.setenv("GITHUB_TOKEN", "ghs_1")
            yield

    @property
    def issues(self) -> list[Issue]:
        return [self.world.issues[number] for number in sorted(self.world.issues)]


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(tmp_path_factory.mktemp("github"), monkeypatch)


def drifting(project: Project) -> None:
    genesys(project, "q: {name: Q}", "A: {name: A, description: one}", queues=[{"name": "Q"}])
    project.edit({"op": "update_code", "code": "A", "set": {"description": "@everyone"}, "by": ADA})


def test_one_issue_follows_the_drift_from_its_first_day_to_its_last(project: Project, hub: Hub) -> None:
    drifting(project)
    with hub.job():
        assert "opened issue #1" in drift(project, "--issue").err
        assert "issue #1 says so already" in drift(project, "--issue").err
        (issue,) = hub.issues
        assert (issue.title, issue.labels, issue.state) == (
            "wrapctl: drift in acme",
            ["wrapctl-drift"],
            "open",
        )
        assert issue.body.startswith("<!-- wrapctl:drift:acme -->\n")
        assert "`@everyone`" in issue.body
        project.edit({"op": "update_code", "code": "A", "set": {"description": "again"}})
        assert "brought issue #1 up to date" in drift(project, "--issue").err
        assert "again" in hub.issues[0].body
        project.edit({"op": "update_code", "code": "A", "set": {"description": "one"}})
        done = drift(project, "--issue")
        assert (done.code, "closed #1" in done.err) == (0, True)
    (issue,) = hub.issues
    assert (issue.state, issue.state_reason) == ("closed", "completed")
    assert "The drift is gone" in issue.body


def test_an_issue_that_somebody_else_marked_is_not_touched(project: Project, hub: Hub) -> None:
    drifting(project)
    forged = hub.world.open_issue("mine", "<!-- wrapctl:drift:acme -->\n", "mallory", ("wrapctl-drift",))
    with hub.job():
        assert "opened issue #2" in drift(project, "--issue").err
    assert hub.world.issues[forged].title == "mine"


def test_an_answer_that_was_lost_opens_no_second_issue(project: Project, hub: Hub) -> None:
    drifting(project)
    hub.api.lose(method="POST", path="/issues")
    with hub.job():
        drift(project, "--issue")
        drift(project, "--issue")
    assert len(hub.issues) == 1


def test_without_a_token_the_text_of_the_issue_is_printed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    drifting(project)
    done = drift(project, "--issue")
    assert (done.code, "<!-- wrapctl:drift:acme -->" in done.out) == (3, True)
    assert "no issue was opened" in done.err
    assert data(project, "--issue")["drifted"] is True


def test_in_a_job_the_newest_deployment_says_what_was_applied(project: Project, hub: Hub) -> None:
    project.org(codes="A: {name: A, description: one}")
    project.seed({"name": "acme", "codes": [{"name": "A", "description": "one"}]})
    first = commit(project)
    project.org(codes="A: {name: A, description: two}")
    commit(project)
    with hub.job():
        client = github(Console())
        assert client is not None
        # The emulated repository is another one: a deployment of its own commit, said to be of ours.
        made = client.create_deployment(hub.world.sha("main") or "", "wrapctl/acme", task="wrapctl")
        client.set_status(made.id, "success")
        client.close()
        hub.world.deployments[made.id].sha = first
        found = data(project)
    assert (found["applied"], found["drifted"]) == (first, False)
    assert "deployed" in found["against"]
    assert said(found["pending"]) == ["update code code/A"]


# ── CRM rows ───────────────────────────────────────────────────────────────────────────────────────────────


def mapped(project: Project) -> None:
    project.write(
        "acme/crm.yaml",
        "kind: CrmMapping\nsystem: flows\ntarget: {type: genesys-datatable, table: T}\n"
        "to_crm:\n  B: {value: Beta, description: second}\n"
        "from_crm:\n  - {status: Done, code: A}\n  - {status: Spam, code: B, duration: 30s}   # quick\n",
    )
    project.org(codes="A: {name: A, crm: {flows: Alpha}}\nB: {name: B}")
    project.seed({"name": "acme"})
    applied(project)


def test_rows_of_a_data_table_are_attributed_and_taken_over_where_they_are_said(project: Project) -> None:
    mapped(project)
    tables = project.state()["datatables"]
    rows = next(iter(tables.values()))["rows"]
    keys = {row["code"] + row["direction"]: key for key, row in rows.items()}
    change = {"op": "set_row", "table": "T", "by": ADA}
    project.edit(change | {"key": keys["Ato_crm"], "set": {"value": "Aleph"}})
    project.edit(change | {"key": keys["Bto_crm"], "set": {"description": "by hand"}})
    project.edit(change | {"key": keys["Bfrom_crm"], "set": {"duration_seconds": 45}})
    found = data(project)
    assert len(found["changes"]) == 3
    assert {one["who"]["actor"]["id"] for one in found["changes"]} == {ADA}
    done = drift(project, "--adopt")
    assert done.code == 0, done.said
    assert "crm: {flows: Aleph}" in text(project, "codes.yaml")
    assert "B: {value: Beta, description: by hand}" in text(project, "crm.yaml")
    assert "duration: 45s}   # quick" in text(project, "crm.yaml")
    assert project.run("plan", "acme", "--exit-code").code == 0
    assert drift(project).code == 0


def test_a_row_removed_by_hand_is_attributed_and_left(project: Project) -> None:
    mapped(project)
    rows = next(iter(project.state()["datatables"].values()))["rows"]
    key = next(key for key, row in rows.items() if row["code"] == "A" and row["direction"] == "to_crm")
    project.edit({"op": "delete_row", "table": "T", "key": key, "by": ADA})
    found = data(project)
    assert [one["who"]["actor"]["id"] for one in found["changes"]] == [ADA]
    done = drift(project, "--adopt")
    assert (done.code, "it was removed in the CRM" in done.said) == (3, True)


def test_a_system_that_is_not_read_is_no_peace_and_keeps_its_issue(project: Project, hub: Hub) -> None:
    project.org(
        text="kind: Org\nplatform: genesys\nendpoint: sandbox\nconnections: {crm: {endpoint: sandbox}}\n",
        codes="A: {name: A, description: one, crm: {sf: Alpha}}",
    )
    project.write(
        "acme/crm.yaml",
        "kind: CrmMapping\nsystem: sf\n"
        "target: {type: salesforce, connection: crm, object: Wrap_Up_Mapping__c}\n",
    )
    project.seed({"name": "acme"})
    applied(project)
    with hub.job():
        project.edit({"op": "update_code", "code": "A", "set": {"description": "two"}})
        assert drift(project, "--issue").code == 3
        project.edit({"op": "update_code", "code": "A", "set": {"description": "one"}})
        project.fault("status", status=400, org="acme.crm", times=None)
        done = drift(project, "--issue")
    assert done.code == 5, done.said
    assert "Not read" in done.out
    assert "its issue stays" in done.err
    assert hub.issues[0].state == "open"


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────


def test_in_ci_a_sandbox_must_be_asked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    drifting(project)
    monkeypatch.setenv("CI", "true")
    assert drift(project).code == 4
    assert drift(project, "--sandbox").code == 3


def test_files_are_written_all_or_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    genesys(
        project,
        "q: {name: Q, after_call_work: {prompt: mandatory-timeout, timeout: 30s}}",
        "A: {name: A, description: one}",
        queues=[{"name": "Q"}],
    )
    before = text(project, "codes.yaml"), text(project, "queues.yaml")
    settings = {"acwSettings": {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 45000}}
    project.edit({"op": "update_queue", "queue": "Q", "set": settings})
    project.edit({"op": "update_code", "code": "A", "set": {"description": "two"}})
    real = files.write_text

    def full(path: Path, content: str) -> None:
        if path.name == "queues.yaml":
            raise WrapctlError("no space left")
        real(path, content)

    monkeypatch.setattr(files, "write_text", full)
    assert drift(project, "--adopt").code == 1
    assert (text(project, "codes.yaml"), text(project, "queues.yaml")) == before


def test_odd_names_are_harmless_in_every_form(project: Project) -> None:
    odd = "</details> @everyone | x | [a](javascript:1) ::set-output \u202e"
    genesys(project, "q: {name: Q}", "A: {name: A}", queues=[{"name": "Q"}], codes=[{"name": odd}])
    project.edit({"op": "add_link", "queue": "Q", "code": odd})
    project.org(codes="A: {name: A}", queues="q: {name: Q, codes: [A]}")
    commit(project)
    project.run("apply", "acme", "--yes")
    project.edit({"op": "add_link", "queue": "Q", "code": odd})
    for form in ("text", "markdown"):
        out = drift(project, "--format", form).out
        assert "::set-output" not in out
        assert "\u202e" not in out
    assert "`</details> @everyone" in drift(project, "--format", "markdown").out
    done = drift(project, "--adopt")
    assert done.code == 0, done.said
    assert project.run("plan", "acme", "--exit-code").code == 0
