"""``wrapctl orgs``: which orgs a change touches, for the jobs of a CI run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from front_door import ORG, Project
from project_files import commit
from wrapctl.cli import orgs_

CODES = "SALE: {name: Sale}\n"


def _fleet(root: Path, limit: int = 9) -> Project:
    project = Project(root)
    for name in ("acme-emea", "acme-test", "acme-us"):
        project.org(name, codes=CODES)
    project.write("wrapctl.yaml", f"kind: Project\nstages: [[acme-test], ['*']]\nlimits: {{orgs: {limit}}}\n")
    commit(root)
    return project


def test_all_orgs_come_in_the_order_of_their_stages(tmp_path: Path) -> None:
    done = _fleet(tmp_path).run("orgs")
    assert done.code == 0
    assert done.out == "acme-test\tstage 1\nacme-emea\tstage 2\nacme-us\tstage 2\n"


def test_a_change_names_the_orgs_that_it_touches_as_a_matrix_by_stage(tmp_path: Path) -> None:
    project = _fleet(tmp_path)
    for name in ("acme-test", "acme-us"):
        project.org(name, codes="SALE: {name: Sale, description: won}\n")
    project.write(
        "acme-emea/codes.yaml", "kind: WrapUpCodes\n# only a comment\ncodes: {SALE: {name: Sale}}\n"
    )
    project.org("acme-new", codes=CODES)
    done = project.run("orgs", "--changed-since", "HEAD", "--format", "json")
    assert done.code == 0
    assert done.data == {
        "kind": "wrapctl.orgs",
        "version": 1,
        "orgs": ["acme-test", "acme-us"],
        "stages": [["acme-test"], ["acme-us"]],
        "matrix": {
            "include": [
                {"org": "acme-test", "platform": "genesys", "stage": 1},
                {"org": "acme-us", "platform": "genesys", "stage": 2},
            ]
        },
        "new": ["acme-new"],
        "gone": [],
    }


def test_a_change_of_more_orgs_than_the_rules_allow_is_refused(tmp_path: Path) -> None:
    project = _fleet(tmp_path, limit=1)
    for name in ("acme-test", "acme-us"):
        project.org(name, codes="SALE: {name: Sale, description: won}\n")
    done = project.run("orgs", "--changed-since", "HEAD")
    assert done.code == 4
    assert "2 orgs are touched, one pull request may change 1 (`limits.orgs` in wrapctl.yaml)" in done.said


def test_once_merged_new_orgs_and_changed_policy_count_and_the_limit_of_orgs_does_not(tmp_path: Path) -> None:
    project = _fleet(tmp_path, limit=1)
    project.org("acme-test", codes="SALE: {name: Sale, description: won}\n")
    project.org("acme-us", text=ORG + "manage: {mode: observe}\n", codes=CODES)
    project.org("acme-new", codes=CODES)
    assert project.run("orgs", "--changed-since", "HEAD").out == "acme-test\n"
    done = project.run("orgs", "--changed-since", "HEAD", "--merged")
    assert done.code == 0
    assert done.out == "acme-test\tstage 1\nacme-new\tstage 2\nacme-us\tstage 2\n"


def test_a_branch_that_was_not_there_before_touches_every_org(tmp_path: Path) -> None:
    done = _fleet(tmp_path).run("orgs", "--changed-since", "0" * 40, "--merged")
    assert done.out.count("\n") == 3


def test_the_matrices_of_all_stages_are_outputs_of_a_step(tmp_path: Path) -> None:
    done = _fleet(tmp_path).run("orgs", "--format", "github", "--stages", "2")
    outputs = dict(line.split("=", 1) for line in done.out.splitlines())
    assert {name: [one["org"] for one in json.loads(text)["include"]] for name, text in outputs.items()} == {
        "stage1": ["acme-test"],
        "stage2": ["acme-emea", "acme-us"],
    }


def test_without_stages_there_is_one_matrix_of_all_orgs(tmp_path: Path) -> None:
    name, _, text = _fleet(tmp_path).run("orgs", "--format", "github").out.partition("=")
    assert (name, json.loads(text)["include"][0]) == ("matrix", {"org": "acme-test", "platform": "genesys"})


def test_a_matrix_of_more_jobs_than_the_host_makes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orgs_, "MOST_JOBS", 2)
    fleet = _fleet(tmp_path)
    assert fleet.run("orgs", "--format", "github", "--stages", "2").code == 0
    assert fleet.run("orgs", "--format", "github").code == 4


def test_where_nothing_is_touched_there_is_no_matrix(tmp_path: Path) -> None:
    done = _fleet(tmp_path).run("orgs", "--changed-since", "HEAD", "--format", "github")
    assert (done.code, done.out) == (0, "")


def test_more_stages_than_the_workflow_has_jobs_are_refused(tmp_path: Path) -> None:
    done = _fleet(tmp_path).run("orgs", "--format", "github", "--stages", "1")
    assert (done.code, done.out) == (4, "")
    assert "2 stages, and there are jobs for 1" in done.said


def test_merged_without_a_revision_makes_no_sense(tmp_path: Path) -> None:
    assert _fleet(tmp_path).run("orgs", "--merged").code == 2
