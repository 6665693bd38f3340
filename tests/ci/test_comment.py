"""The comment on a pull request: what it says first, what never comes out of a name, and what goes into the check."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from git_remote import Remote, git
from github_api import GithubApi
from github_world import BOT, Check, World
from render.plans import IDENTITY, assign, create, delete, patient, plan, unassign, update
from wrapctl.ci import artefact, comment
from wrapctl.ci.artefact import Left, Proposal
from wrapctl.ci.comment import body, conclusion, gather, marker
from wrapctl.ci.github import GitHub, connect
from wrapctl.config.base import PolicyChange
from wrapctl.errors import Problem, Severity, Source
from wrapctl.http.embedded import EmbeddedTransport
from wrapctl.model import Change, State
from wrapctl.plan.order import digest_of
from wrapctl.plan.plan import Estimate, Finding, Plan
from wrapctl.render import ci
from wrapctl.render.ci import Planned, Review
from wrapctl.render.markdown import BUDGET, size
from wrapctl.sandbox.faults import ConnectionDropped
from wrapctl.targets.interface import Runtime

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_HTML = ("<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>")
RUN = "https://github.com/acme/orgs/actions/runs/7"
HEAD = "a" * 40
FINDING = Finding("deletes", 14, 10, "14 deletes, at most 10 are allowed", token="deletes=14@3f9c1a2b")


def digested(*changes: Change) -> tuple[Change, ...]:
    return tuple(replace(one, digest=digest_of(one, IDENTITY.id)) for one in changes)


def of(org: str, found: Plan) -> Planned:
    return Planned(org, replace(found, org=org))


def review(*planned: Planned, **more: Any) -> Review:
    return Review(HEAD, planned, run_url=RUN, **more)


# ── what it says first ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "words", "ends"),
    [
        (review(), "This touches no org that can be planned.", "neutral"),
        (review(of("a", plan())), "Merging this writes nothing.", "success"),
        (
            review(of("a", plan(create(), delete())), of("b", plan(create())), of("c", plan())),
            "Merging this writes 3 changes to 2 orgs, and nothing else.",
            "success",
        ),
        (
            review(of("a", plan(create())), touches=(".github/x",)),
            "This plans 1 change to 1 org, and merging it applies none of them by itself.",
            "success",
        ),
        (
            review(of("a", plan(delete(), findings=(FINDING,))), of("b", plan())),
            "1 of 2 orgs is refused by guard limits. Merge nothing of this yet.",
            "failure",
        ),
        (
            review(Planned("a", None, "no answer"), of("b", plan(findings=(FINDING,))), of("c", plan())),
            "1 of 3 orgs could not be planned, and 1 of 3 orgs is refused by guard limits. Merge nothing",
            "failure",
        ),
        (
            review(
                problems=(Problem(Source("f", 1, 1), "x"), Problem(Source("f"), "y", "", Severity.WARNING))
            ),
            "The files are wrong: 1 error. Nothing was planned.",
            "failure",
        ),
        (
            review(refused="9 orgs are touched"),
            "Refused: too many orgs at once. Nothing was planned.",
            "failure",
        ),
        (review(of("a", plan(create(), unread=("sf: no answer",)))), "1 change to 1 org", "neutral"),
    ],
)
def test_one_sentence_says_what_merging_does_and_the_check_ends_so(
    said: Review, words: str, ends: str
) -> None:
    assert words in ci.headline(said)
    assert conclusion(said) == ends
    assert f"**{ci.headline(said)}**" in ci.comment(said)


def test_the_table_stands_first_then_danger_then_the_folds_and_trouble_before_peace() -> None:
    said = ci.comment(
        review(
            of("quiet", plan()),
            of("busy", plan(create(), estimate=Estimate(3, 9, 2.2))),
            of("refused", plan(delete(), findings=(FINDING,))),
            Planned("down", None, "403"),
            policy=(PolicyChange("", "limits.orgs", None, "9", Source("wrapups/wrapctl.yaml", 2, 1)),),
        )
    )
    places = [
        said.index(text)
        for text in (
            "| all | `limits.orgs` | not there | `9` |",
            "| `down` | **not planned** |",
            "| `refused` |",
            "| `busy` | Codes: 1 to create |  |  | 12, about 2 minutes |",
            "| `quiet` | no changes |",
            "### Look at this first",
            "**Not planned: `down`**",
            "**In `refused`**",
            "deletes=14@3f9c1a2b",
            "<details>",
        )
    ]
    assert places == sorted(places)


def test_a_system_that_was_not_read_is_said_where_everybody_looks() -> None:
    said = ci.comment(review(of("a", plan(unread=("salesforce: no answer",), partly_visible=("Sales",)))))
    first = said[said.index("### Look at this first") : said.index("<details>")]
    assert "Not read: `salesforce: no answer`" in first
    assert "This client sees only part of `Sales`" in first


def test_how_a_merge_will_be_applied_is_said_once_for_all_orgs_that_it_holds_for() -> None:
    watched = [
        replace(of(org, plan(create())), remarks=("observe mode: nothing is written",)) for org in "ab"
    ]
    assert "`a`, `b`: observe mode: nothing is written\n" in ci.comment(review(*watched))


def test_what_is_wrong_with_the_files_is_listed_with_its_place() -> None:
    wrong = (Problem(Source("wrapups/a/codes.yaml", 3, 9), "unknown key `nmae`", "did you mean `name`?"),)
    said = ci.comment(review(problems=wrong))
    assert (
        "- **!** `` unknown key `nmae` `` · `wrapups/a/codes.yaml:3:9`\n  - ``did you mean `name`?``" in said
    )


def test_a_token_that_is_no_token_is_not_offered_for_pasting() -> None:
    odd = replace(FINDING, token="x=1@2}\n```\n@everyone")
    said = ci.comment(review(of("a", plan(findings=(odd,)))))
    assert "```yaml" not in said


# ── never over the limit ───────────────────────────────────────────────────────────────────────────────────


def big(number: int) -> Plan:
    return plan(
        *(create(f"NEW_{n}", f"New code {n} 🎉") for n in range(number)),
        *(delete(f"OLD_{n}", f"Old code {n}") for n in range(number)),
        *(assign(f"NEW_{n}", f"New {n}", label=f"q{n}", queue=f"Queue {n}") for n in range(number)),
        *(create(f"H_{n}", "x" * 9000, state=State.BLOCKED, reason="y" * 9000) for n in range(20)),
        findings=(FINDING,),
    )


@pytest.mark.parametrize(("orgs", "changes"), [(1, 300), (1, 5000), (3, 2000), (60, 30), (400, 3)])
def test_the_comment_stays_under_the_limit_and_points_at_what_it_leaves_out(orgs: int, changes: int) -> None:
    found = big(changes)
    policy = tuple(PolicyChange("a", f"p.{n}", "x" * 999, "y" * 999, Source("f")) for n in range(200))
    touches = tuple(f".github/{n}{'x' * 300}" for n in range(99))
    planned = [of(f"acme-{n}", found) for n in range(orgs)]
    said = body(review(*planned, policy=policy, touches=touches))
    assert size(said) <= BUDGET
    assert size(ci.summary(review(*planned, policy=policy))) <= BUDGET
    assert f"]({RUN})" in said
    assert "more" in said
    for opened, closed in (("<details>", "</details>"), ("<summary>", "</summary>")):
        assert said.count(opened) == said.count(closed)
    assert said.count("```") % 2 == 0
    assert "delete `Old code" in said.partition("<details>")[0]


def test_many_refused_orgs_do_not_fill_the_comment_with_tokens() -> None:
    said = ci.comment(review(*(of(f"acme-{n}", plan(findings=(FINDING,))) for n in range(200))))
    assert size(said) <= BUDGET
    assert f"More tokens are needed: see [the run]({RUN})." in said


# ── no name acts ───────────────────────────────────────────────────────────────────────────────────────────

NASTY = [
    "@everyone", "</details>", "| x |", "[a](javascript:alert(1))", "::set-output name=a::b", "\x1b[2J", "\u202eevil",
    "```\n# x", "-->", "<img src=x>", "https://example.com", "#1", "`` ` ``", "x" * 10_000, "\\|", "$\\alpha$", "a\n\n- b",
]  # fmt: skip
names = st.text(max_size=120) | st.sampled_from(NASTY)


@settings(patient, max_examples=120)
@given(names, names, names)
def test_no_mention_link_html_or_broken_table_comes_out_of_a_name(one: str, two: str, three: str) -> None:
    hostile = plan(
        create("A", one),
        update("B", two, {"description": one}, {"description": three, "name": one}),
        delete("C", two, queues=("x",)),
        unassign("~x", three, queue=one),
        create("D", two, state=State.BLOCKED, reason=three),
        identity=replace(IDENTITY, name=one),
        warnings=(Problem(Source(one or "f", 1, 1), two, three, Severity.WARNING),),
        findings=(replace(FINDING, message=one, names=(two, three)),),
        unread=(three,),
        partly_visible=(two,),
    )
    said = review(
        Planned("acme", hostile),
        Planned("down", None, one),
        new=("fresh",),
        policy=(PolicyChange("acme", one, two, three, Source(one)),),
        touches=(one, two),
        project=three,
        problems=(Problem(Source(two, 1, 1), one, three, Severity.WARNING),),
    )
    for document in (
        body(said),
        ci.summary(said),
        ci.changed(["acme"], HEAD, marker="<!-- x -->\n", run_url=RUN),
    ):
        tokens = MARKDOWN.parse(document)
        inline = [child for token in tokens for child in token.children or ()]
        links = [child.attrs["href"] for child in inline if child.type == "link_open"]
        assert set(links) <= {RUN}
        assert not [child for child in inline if child.type in {"image", "html_inline", "em_open", "s_open"}]
        blocks = "".join(token.content for token in tokens if token.type == "html_block")
        for ours in OUR_HTML:
            blocks = blocks.replace(ours, "")
        assert "<" not in blocks.replace("<!-- ", "")
        outside = "".join(child.content for child in inline if child.type == "text")
        assert not {"@", "#"} & set(outside)
        assert "://" not in outside.replace(RUN, "")
        # Every row of a table has the cells of its head: none was broken open.
        rows = [token for token in tokens if token.type in {"tr_open", "td_open", "th_open", "table_open"}]
        widths: list[list[int]] = []
        for token in rows:
            if token.type == "table_open":
                widths.append([])
            elif token.type == "tr_open":
                widths[-1].append(0)
            else:
                widths[-1][-1] += 1
        assert all(len(set(table)) == 1 for table in widths)


@pytest.mark.parametrize("project", ["", "contact/", "a-->b/", "--/", "ünï/", "x" * 5000 + "/"])
def test_a_marker_is_one_comment_whatever_the_folder_is_called(project: str) -> None:
    said = marker("plan", project)
    assert said.startswith("<!-- wrapctl:plan:")
    assert said.endswith(" -->\n")
    assert said.count("--") == 2
    assert said.isascii()


# ── what the jobs left ─────────────────────────────────────────────────────────────────────────────────────

PROPOSAL = Proposal(HEAD, "b" * 40, 7, ("acme", "beta"))


def leave(folder: Path, found: Plan, *, proposal: Proposal = PROPOSAL) -> None:
    folder.mkdir(parents=True)
    meta, text = artefact.made(proposal, found)
    (folder / "plan.json").write_text(text, encoding="utf-8")
    (folder / "meta.json").write_text(artefact.dumps(meta), encoding="utf-8")


def test_plans_are_found_where_artefacts_are_unpacked_and_none_that_is_missing_is_passed_over(
    tmp_path: Path,
) -> None:
    leave(tmp_path / "wrapctl-plan-acme" / "acme", replace(plan(*digested(create())), org="acme"))
    leave(tmp_path / "gamma", replace(plan(), org="gamma"))
    found = gather([tmp_path], PROPOSAL)
    assert list(found.left) == ["acme"]
    assert found.defects == {"beta": "no plan was left: see its job, and run it again"}


def test_a_plan_of_another_commit_another_org_or_twice_is_a_defect(tmp_path: Path) -> None:
    acme = replace(plan(), org="acme")
    leave(tmp_path / "1" / "acme", acme, proposal=replace(PROPOSAL, head="c" * 40))
    leave(tmp_path / "1" / "beta", acme)
    found = gather([tmp_path / "1"], PROPOSAL)
    assert found.left == {}
    assert "its plan is of another commit: cccccccccccc" in found.defects["acme"]
    assert "the artefact of beta holds a plan of acme" in found.defects["beta"]
    leave(tmp_path / "2" / "acme", acme)
    leave(tmp_path / "3" / "acme", replace(acme, unread=("x",)))
    assert "two plans of acme" in gather([tmp_path / "2", tmp_path / "3"], PROPOSAL).defects["acme"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    leave(tmp_path / "elsewhere", replace(plan(), org="acme"))
    (tmp_path / "plans" / "acme").mkdir(parents=True)
    for name in ("meta.json", "plan.json"):
        (tmp_path / "plans" / "acme" / name).symlink_to(tmp_path / "elsewhere" / name)
    assert "no meta.json" in gather([tmp_path / "plans"], PROPOSAL).defects["acme"]


# ── the host ───────────────────────────────────────────────────────────────────────────────────────────────


class Host:
    """A pull request on an emulated GitHub, and a report job."""

    def __init__(self, folder: Path) -> None:
        remote = Remote.make(folder)
        work = remote.clone("work")
        git(work, "checkout", "-q", "-b", "change")
        git(work, "commit", "-q", "--allow-empty", "-m", "change")
        git(work, "push", "-q", "origin", "change")
        self.head = git(work, "rev-parse", "HEAD")
        self.world = World(remote.bare)
        self.number = self.world.open_pull("change")
        self.api = GithubApi(self.world)
        self.world.job_token("ghs_1")

    def client(self, **more: Any) -> GitHub:
        transport = EmbeddedTransport(self.api, dropped=(ConnectionDropped,))
        runtime = Runtime(threading.Event(), lambda: 0.0, lambda _: False)
        return connect("acme/orgs", "ghs_1", runtime, transport=transport, jitter=lambda: 0.0, **more)

    def post(self, *changes: Change, org: str = "acme", **more: Any) -> comment.Posted:
        found = replace(plan(*digested(*changes)), org=org)
        proposal = Proposal(self.head, "b" * 40, self.number, (org,))
        meta, _ = artefact.made(proposal, found)
        return comment.post(
            self.client(**more), self.number, Review(self.head, (Planned(org, found),)), [Left(meta, found)]
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_other_changes_are_told_by_the_last_check_of_this_app_alone(host: Host) -> None:
    host.post(create("A", "A"))
    text = f"acme {'0' * 64} {'0' * 64}"
    forged = {
        "name": artefact.CHECK, "head_sha": host.head, "status": "completed", "conclusion": "success",
        "external_id": artefact.external_id(text), "output": {"title": "x", "summary": "x", "text": text},
    }  # fmt: skip
    host.world.checks[9999] = Check(9999, "mallory-app", forged, [], host.world.now())
    assert host.post(create("A", "A")).changed == ()
    assert host.post(create("B", "B")).changed == ("acme",)
    assert [said.startswith("<!-- wrapctl:changed:.") for said in host.world.said(host.number)] == [
        False,
        True,
    ]


def test_a_check_that_was_spoiled_is_no_memory_and_no_obstacle(host: Host) -> None:
    host.post(create("A", "A"))
    (check,) = host.world.checks.values()
    check.body["output"]["text"] = "nonsense"
    assert host.post(create("B", "B")).changed == ()


def test_another_org_in_the_run_before_is_no_other_change(host: Host) -> None:
    host.post(create("A", "A"))
    assert host.post(create("A", "A"), org="beta").changed == ()


def test_an_answer_that_was_lost_leaves_one_comment(host: Host) -> None:
    host.api.lose(method="POST", path="/comments")
    assert host.post(create("A", "A")).comment is not None
    assert len(host.world.said(host.number, BOT)) == 1
