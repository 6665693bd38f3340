"""What a job finds in its clone and its surroundings, and how what is wrong gets beside its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from git_remote import ENVIRON, git
from project_files import acme
from render.plans import create, plan
from wrapctl.ci import annotate, planning
from wrapctl.ci.fence import Fence
from wrapctl.ci.job import Job, job
from wrapctl.config import project
from wrapctl.config.project import OrgConfig
from wrapctl.errors import ConfigError, Problem, Severity, Source, UsageError
from wrapctl.git import Git, GitFailed
from wrapctl.model import State

ACTIONS = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/orgs",
    "GITHUB_SHA": "c" * 40,
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_REF": "refs/pull/7/merge",
}


# ── the job ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_knows_its_pull_request_from_the_event_else_from_its_ref() -> None:
    event = {"pull_request": {"number": 9, "head": {"sha": "a" * 40, "repo": {"full_name": "mallory/orgs"}}}}
    known = job(ACTIONS, json.dumps(event).encode())
    assert (known.pull_request, known.head, known.head_repository) == (9, "a" * 40, "mallory/orgs")
    assert known.fork
    assert known.run_url == "https://github.com/acme/orgs/actions/runs/77"
    bare = job(ACTIONS)
    assert (bare.pull_request, bare.head, bare.fork) == (7, "", False)


@pytest.mark.parametrize(
    "event",
    [b"{", b"[]", b"null", b'{"pull_request": []}', b'{"pull_request": {"number": "9", "head": {"sha": 1}}}',
     b'{"pull_request": {"number": true, "head": {"sha": "main"}}}', b"[" * 100_000],
)  # fmt: skip
def test_an_event_that_is_none_says_nothing(event: bytes) -> None:
    found = job(ACTIONS, event)
    assert (found.pull_request, found.head, found.head_repository) == (7, "", "")


def test_outside_of_actions_there_is_no_job_and_nothing_odd_is_taken_for_one() -> None:
    assert job({**ACTIONS, "GITHUB_ACTIONS": ""}) == Job()
    odd = job(
        {**ACTIONS, "GITHUB_SERVER_URL": "javascript:alert(1)//", "GITHUB_SHA": "main", "GITHUB_REF": "x"}
    )
    assert (odd.run_url, odd.sha, odd.pull_request) == ("", "", None)
    assert job({**ACTIONS, "GITHUB_RUN_ID": "7/../8"}).run_url == ""


def test_a_fence_is_opened_and_closed_by_a_token_that_nobody_guesses() -> None:
    fence = Fence("x" * 32)
    assert (fence.opens, fence.closes) == (f"::stop-commands::{'x' * 32}\n", f"::{'x' * 32}::\n")
    for guessable in ("", "short", "x" * 31 + "\n", "::" * 20):
        with pytest.raises(ValueError, match="long random token"):
            Fence(guessable)


# ── the clone ──────────────────────────────────────────────────────────────────────────────────────────────


class Clone:
    """A repository with a base, a branch, and the commit that tries the merge."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git(folder, "init", "-q", "-b", "main")
        self.base = self.commit({"a.yaml": "1\n2\n3\n4\n5\n"})
        git(folder, "checkout", "-q", "-b", "change")
        self.head = self.commit({"a.yaml": "1\ntwo\n3\n4\n5\nsix\n", ".github/CODEOWNERS": "* @x\n"})
        git(folder, "checkout", "-q", "main")
        self.moved = self.commit({"b.yaml": "b\n", "CODEOWNERS": "* @y\n"})
        git(folder, "merge", "-q", "--no-ff", "-m", "try", self.head)
        self.tried = git(folder, "rev-parse", "HEAD")
        self.git = Git(folder, ENVIRON)

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", "change")
        return git(self.folder, "rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_a_merge_commit_says_by_itself_what_is_merged_into_what(clone: Clone) -> None:
    here = planning.checkout(clone.git)
    assert (here.base, here.head, here.prefix) == (clone.moved, clone.head, "")
    # What the base itself changed of CI is not this pull request's.
    assert here.touches == (".github/CODEOWNERS",)
    assert planning.checkout(clone.git, base="HEAD^1", head=clone.head) == here


def test_a_project_below_the_top_knows_where_it_is(clone: Clone) -> None:
    (clone.folder / "contact" / "wrapups").mkdir(parents=True)
    assert planning.checkout(Git(clone.folder / "contact", ENVIRON)).prefix == "contact/"


def test_a_head_alone_needs_to_hear_its_base_and_a_base_that_it_builds_on(clone: Clone) -> None:
    git(clone.folder, "checkout", "-q", "change")
    with pytest.raises(UsageError, match="against which revision"):
        planning.checkout(clone.git)
    assert planning.checkout(clone.git, base=clone.base).head == clone.head
    with pytest.raises(UsageError, match=r"the base .* is not part of what is checked out"):
        planning.checkout(clone.git, base=clone.moved)


def test_a_head_that_is_not_checked_out_and_a_revision_that_is_none_are_refused(clone: Clone) -> None:
    git(clone.folder, "checkout", "-q", clone.moved)
    with pytest.raises(UsageError, match=r"the head .* is not part of what is checked out"):
        planning.checkout(clone.git, base=clone.base, head=clone.head)
    for wrong in ("nowhere", "-x", "HEAD:a.yaml", "--all"):
        with pytest.raises(UsageError):
            planning.checkout(clone.git, base=wrong)


def test_a_folder_that_is_no_clone_says_so(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="not a git repository"):
        planning.checkout(Git(tmp_path, {**ENVIRON, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}))


def test_the_lines_that_a_change_adds_or_rewrites_are_known(clone: Clone) -> None:
    lines = planning.changed_lines(clone.git, clone.moved)
    assert lines["a.yaml"] == [range(2, 3), range(6, 7)]
    assert lines[".github/CODEOWNERS"] == [range(1, 2)]
    assert set(lines) == {"a.yaml", ".github/CODEOWNERS"}


def test_files_with_odd_names_are_found_by_their_lines(clone: Clone) -> None:
    clone.commit({"Größe 👍.yaml": "x\n", "a b.yaml": "y\n"})
    lines = planning.changed_lines(clone.git, clone.tried)
    assert lines == {"Größe 👍.yaml": [range(1, 2)], "a b.yaml": [range(1, 2)]}


# ── what an org says of a merge ────────────────────────────────────────────────────────────────────────────


def org(folder: Path, more: str) -> OrgConfig:
    base = "kind: Org\nplatform: genesys\nendpoint: sandbox\n"
    return project.load(acme(folder, org=base + more)).orgs["acme"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("manage: {mode: apply}\n", ()),
        ("manage: {mode: observe}\napply: {mode: fresh}\n", ("observe mode",)),
        ("manage: {mode: apply}\napply: {mode: fresh}\n", ("`apply: fresh`",)),
        (
            'manage: {mode: apply}\nwindows: [{days: [mon], from: "20:00", to: "21:00"}]\n',
            ("change windows",),
        ),
    ],
)
def test_what_a_merge_will_not_do_at_once_is_said(
    tmp_path: Path, policy: str, words: tuple[str, ...]
) -> None:
    said = planning.remarks(org(tmp_path, policy))
    assert len(said) == len(words)
    assert all(word in one for word, one in zip(words, said, strict=True))


# ── annotations ────────────────────────────────────────────────────────────────────────────────────────────


def problem(file: str, line: int, message: str, **more: Any) -> Problem:
    return Problem(Source(file, line, 3), message, **more)


def test_problems_on_lines_of_the_diff_come_first_and_the_others_stand_on_their_own_line() -> None:
    found = [
        problem("wrapups/a.yaml", 1, "old"),
        problem("wrapups/a.yaml", 9, "new"),
        problem("wrapups/b.yaml", 9, "elsewhere", severity=Severity.WARNING, hint="look"),
    ]
    said = annotate.commands(found, {"contact/wrapups/a.yaml": [range(9, 10)]}, "contact/")
    assert said.splitlines() == [
        "::error file=contact/wrapups/a.yaml,line=9,col=3::new",
        "::error file=contact/wrapups/a.yaml,line=1,col=3::old",
        "::warning file=contact/wrapups/b.yaml,line=9,col=3::elsewhere (look)",
    ]


def test_what_a_plan_cannot_write_is_a_warning_on_the_line_that_asks_for_it() -> None:
    warning = problem("wrapups/acme-emea/codes.yaml", 4, "spent", severity=Severity.WARNING)
    blocked = create("A", "A", state=State.BLOCKED, reason="no division is named `X`")
    held = plan(create("B", "B"), blocked, blocked, warnings=(warning,))
    first, second = annotate.of_plan(held)
    assert first == warning
    assert str(second) == (
        'wrapups/acme-emea/codes.yaml:12:3: warning: acme-emea: create "A" (blocked: no division is named `X`)'
    )


def test_no_name_of_a_file_or_a_code_starts_a_command_or_ends_one() -> None:
    nasty = "a\n::set-output name=x::y,line=9\r%0A\x1b]8;;"
    (said,) = annotate.commands([problem(nasty, 1, nasty, hint=nasty)], {}).splitlines()
    assert said.count("::") == 2
    assert said.isprintable()


BROKEN: list[tuple[str, dict[str, str], str]] = [
    ("unknown key", {"codes": "  A: {name: A, nmae: B}\n"}, "codes.yaml,line=3,col=16"),
    ("no such code", {"queues": "  q: {name: Q, codes: [NOPE]}\n"}, "queues.yaml,line=3,col=24"),
    ("no such set", {"queues": "  q: {name: Q, codes: ['set:nope']}\n"}, "queues.yaml,line=3,col=24"),
    ("duplicate key", {"codes": "  A: {name: A}\n  A: {name: B}\n"}, "codes.yaml,line=4,col=3"),
    ("two of one name", {"codes": "  A: {name: A}\n  B: {name: A}\n"}, "codes.yaml,line=4,col=13"),
    ("not a list", {"queues": "  q: {name: Q, codes: A}\n"}, "queues.yaml,line=3,col=23"),
    ("a date that is none", {"codes": "  A: {name: A, valid_from: 2026-02-30}\n"}, "codes.yaml,line=3,col=28"),
    ("a brace that is never closed", {"codes": "  A: {name: A\n"}, "codes.yaml,line=3,col=6"),
    ("a token that is none", {"allow": "allow: [{token: x, reason: y}]\n"}, "allow.yaml,line=2,col=17"),
    ("a target that is none", {"crm/x": "system: x\ntarget: {type: x}\n"}, "crm/x.yaml,line=3,col=16"),
    ("a tag", {"codes": "  A: !x {name: A}\n"}, "codes.yaml,line=3,col=6"),
    ("a literal secret", {"org": "credentials: {client_id: abc, client_secret: {env: X}}\n"}, "org.yaml,line=4,col=26"),
    ("an unknown time zone", {"org": "timezone: Europe/Berln\n"}, "org.yaml,line=4,col=11"),
    ("a limit that is no number", {"org": "limits: {creates: {max: many}}\n"}, "org.yaml,line=4,col=25"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "files", "place"), BROKEN, ids=[one[0] for one in BROKEN])
def test_each_kind_of_error_is_annotated_on_its_line_and_column(
    tmp_path: Path, what: str, files: dict[str, str], place: str
) -> None:
    folder = tmp_path / "wrapups" / "acme"
    folder.mkdir(parents=True)
    texts = {
        "org.yaml": "kind: Org\nplatform: genesys\nendpoint: sandbox\n" + files.get("org", ""),
        "codes.yaml": "kind: WrapUpCodes\ncodes:\n" + files.get("codes", "  A: {name: A}\n"),
        "queues.yaml": "kind: Queues\nqueues:\n" + files.get("queues", "  q: {name: Q, codes: [A]}\n"),
    }
    kinds = {"allow": "Allow", "crm/x": "CrmMapping"}
    texts |= {f"{name}.yaml": f"kind: {kind}\n{files[name]}" for name, kind in kinds.items() if name in files}
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        project.load(tmp_path)
    said = annotate.commands(caught.value.problems, {})
    places = re.findall(r"^::error file=wrapups/acme/([^:]*)::", said, re.MULTILINE)
    assert place in places, (what, said)
