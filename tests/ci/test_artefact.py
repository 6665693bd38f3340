"""What plan jobs leave behind: read again as written, and every defect said in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from render.plans import IDENTITY, create, delete, plan
from wrapctl.ci import artefact
from wrapctl.ci.artefact import Outcome, Proposal
from wrapctl.config.base import PolicyChange
from wrapctl.errors import PlanUnusable, Source
from wrapctl.model import Change, State
from wrapctl.plan.order import digest_of
from wrapctl.plan.plan import Finding

PROPOSAL = Proposal(
    head="a" * 40,
    base="b" * 40,
    pull_request=7,
    orgs=("acme-emea", "acme-us"),
    new=("acme-new",),
    gone=("acme-old",),
    policy=(
        PolicyChange("acme-us", "limits.creates.max", "50", None, Source("wrapups/acme-us/org.yaml", 9, 3)),
    ),
    touches=(".github/workflows/plan.yml", "no text: \udcff"),
    project="contact/",
)
Files = dict[str, bytes]


def digested(*changes: Change) -> tuple[Change, ...]:
    return tuple(replace(one, digest=digest_of(one, IDENTITY.id)) for one in changes)


PLAN = plan(*digested(create(), delete()))


def written(**more: Any) -> Files:
    meta, text = artefact.made(PROPOSAL, replace(PLAN, **more), ("held back until 20:00",))
    return {"meta.json": artefact.dumps(meta).encode(), "plan.json": text.encode()}


def changed(files: Files, **values: Any) -> Files:
    data = json.loads(files["meta.json"])
    return {**files, "meta.json": json.dumps({**data, **values}).encode()}


def test_what_is_read_is_what_was_written() -> None:
    files = written()
    left = artefact.read(files, org="acme-emea", sha256=hashlib.sha256(files["plan.json"]).hexdigest())
    assert left.meta == artefact.made(PROPOSAL, PLAN, ("held back until 20:00",))[0]
    assert left.meta.outcome is Outcome.PLANNED
    assert left.plan is not None
    assert left.plan.digest == PLAN.digest
    packed = dict(zip(artefact.members("acme-emea"), files.values(), strict=True))
    assert artefact.read(packed) == left


def test_a_refused_plan_and_an_org_without_one_say_so() -> None:
    finding = Finding("deletes", 14, 10, "14 deletes", token="deletes=14@3f9c1a2b")
    refused = artefact.read(written(findings=(finding,)))
    assert refused.meta.outcome is Outcome.REFUSED
    failed = artefact.failed(PROPOSAL, "acme-us", "organizations/me answered 403")
    left = artefact.read({"meta.json": artefact.dumps(failed).encode()})
    assert (left.meta, left.plan) == (failed, None)


def test_the_set_of_changes_is_what_would_be_written_in_any_order_and_nothing_else() -> None:
    one, another = digested(create("A", "A"), create("B", "B"))
    held = replace(another, state=State.BLOCKED, reason="no such division")
    assert artefact.set_digest(plan(one, another)) == artefact.set_digest(
        replace(plan(), changes=(another, one))
    )
    assert artefact.set_digest(plan(one, held)) == artefact.set_digest(plan(one))
    assert artefact.set_digest(plan(one)) != artefact.set_digest(plan(another))


def test_the_check_run_holds_a_line_for_each_org_and_a_hash_over_them() -> None:
    first, _ = artefact.made(PROPOSAL, PLAN)
    second = replace(first, org="acme-us", sha256="c" * 64)
    none = artefact.failed(PROPOSAL, "acme-xx", "no answer")
    text = artefact.lines([second, none, first])
    assert text == f"acme-emea {first.sha256} {first.changes}\nacme-us {'c' * 64} {first.changes}"
    seal = artefact.external_id(text)
    assert artefact.checked(text, seal) == {"acme-emea": first.sha256, "acme-us": "c" * 64}
    assert artefact.change_sets(text, seal) == {"acme-emea": first.changes, "acme-us": first.changes}
    assert artefact.checked("", artefact.external_id("")) == {}


def test_lines_that_are_not_those_of_the_hash_are_refused() -> None:
    first, _ = artefact.made(PROPOSAL, PLAN)
    text = artefact.lines([first])
    with pytest.raises(PlanUnusable, match="does not match its own hash"):
        artefact.checked(text.replace("acme-emea", "acme-us"), artefact.external_id(text))
    for wrong in ("acme-emea", f"{text}\n{text}", f"{text}\n", "ACME " + "c" * 64 + " " + "c" * 64):
        with pytest.raises(PlanUnusable, match="none of its own"):
            artefact.checked(wrong, artefact.external_id(wrong))


def test_two_plans_of_one_org_and_more_orgs_than_a_check_holds_are_refused() -> None:
    first, _ = artefact.made(PROPOSAL, PLAN)
    with pytest.raises(PlanUnusable, match="two plans of acme-emea"):
        artefact.lines([first, replace(first, sha256="c" * 64)])
    with pytest.raises(PlanUnusable, match="600 orgs are more than one check run can hold"):
        artefact.lines([replace(first, org=f"acme-{number}") for number in range(600)])


DEFECTS: list[tuple[Callable[[Files], Files], str]] = [
    (lambda files: {"meta.json": files["meta.json"]}, "the artefact has no plan.json"),
    (lambda files: {"plan.json": files["plan.json"]}, "the artefact has no meta.json"),
    (lambda files: {**files, "meta.json": b"{"}, "meta.json is not JSON"),
    (lambda files: {**files, "meta.json": b"\xff"}, "meta.json is not JSON"),
    (lambda files: {**files, "meta.json": b"[" * 100_000}, "meta.json is not JSON"),
    (lambda files: {**files, "meta.json": b"[]"}, "meta.json is not of the kind wrapctl.ci-plan"),
    (lambda files: {**files, "meta.json": b" " * 5_000_000}, "meta.json has 5,000,000 bytes"),
    (lambda files: changed(files, version=2), "meta.json has version 2, this wrapctl reads 1"),
    (lambda files: changed(files, org="../x"), "an org has a name that none can have"),
    (lambda files: changed(files, org="acme-us"), "plan.json and meta.json of acme-us are not of the same plan"),
    (lambda files: changed(files, head="main"), "head and base are commits"),
    (lambda files: changed(files, pull_request=True), "pull_request is no number"),
    (lambda files: changed(files, touches="x"), "a list was expected, not str"),
    (lambda files: changed(files, remarks=[1]), "text was expected, not int"),
    (lambda files: changed(files, policy=[{}]), "it has no 'source'"),
    (lambda files: changed(files, policy=[[]]), "meta.json is damaged"),
    (lambda files: changed(files, wrong=-1), "a count is no number"),
    (lambda files: changed(files, outcome="great"), "meta.json is damaged"),
    (lambda files: changed(files, outcome="failed"), "a plan is there exactly when it did not fail"),
    (lambda files: changed(files, outcome="refused"), "disagree about the guard"),
    (lambda files: changed(files, plan_sha256="x"), "plan_sha256 is no hash"),
    (lambda files: changed(files, plan_sha256="c" * 64), "is not the one that meta.json names"),
    (lambda files: changed(files, plan_digest="c" * 64), "are not of the same plan"),
    (lambda files: changed(files, changes_digest="c" * 64), "are not of the same plan"),
    (lambda files: {**files, "plan.json": files["plan.json"] + b" "}, "is not the one that meta.json names"),
    (lambda files: other(files, b"\xff"), "plan.json of acme-emea is not UTF-8 text"),
    (lambda files: other(files, b"[" * 100_000), "plan.json of acme-emea is nested too deeply"),
    (lambda files: other(files, b"{}"), "this is not a plan file"),
    (
        lambda files: other(files, files["plan.json"].replace(b"Promo 2019", b"Promo 2020")),
        "the plan file was changed after it was made",
    ),
]  # fmt: skip


def other(files: Files, content: bytes) -> Files:
    """Another plan.json, and a meta.json whose hash fits it."""
    fitting = changed(files, plan_sha256=hashlib.sha256(content).hexdigest())
    return {**fitting, "plan.json": content}


@pytest.mark.parametrize(("damage", "words"), DEFECTS, ids=[words for _, words in DEFECTS])
def test_each_defect_is_said_in_words(damage: Callable[[Files], Files], words: str) -> None:
    with pytest.raises(PlanUnusable) as caught:
        artefact.read(damage(written()))
    assert words in caught.value.message
    assert caught.value.hint


def test_a_plan_that_is_not_the_reviewed_one_or_of_another_org_is_refused() -> None:
    with pytest.raises(PlanUnusable, match="is not the one that the check run names"):
        artefact.read(written(), sha256="c" * 64)
    with pytest.raises(PlanUnusable, match="the artefact of acme-us holds a plan of acme-emea"):
        artefact.read(written(), org="acme-us")
    none = {"meta.json": artefact.dumps(artefact.failed(PROPOSAL, "acme-us", "no answer")).encode()}
    with pytest.raises(PlanUnusable, match="could not be planned, and the check run names a plan"):
        artefact.read(none, sha256="c" * 64)


@pytest.mark.parametrize(
    ("path", "is_so"),
    [
        (".github/workflows/plan.yml", True),
        (".github", True),
        ("CODEOWNERS", True),
        ("docs/CODEOWNERS", True),
        ("wrapups/acme/.github/x", False),
        (".githubx", False),
        ("wrapups/acme/codes.yaml", False),
    ],
)
def test_files_that_decide_what_ci_does_are_known(path: str, is_so: bool) -> None:
    assert artefact.steers(path) is is_so
