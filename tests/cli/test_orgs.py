"""``wrapctl orgs``: which orgs a change touches, for the jobs of a CI run."""

from __future__ import annotations

from pathlib import Path

from front_door import Project
from project_files import commit

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
