"""Plan and apply of an org with CRM systems: one target, whatever one of them says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from front_door import Project

ORG = """\
kind: Org
platform: genesys
endpoint: sandbox
manage: {mode: apply}
connections:
  dv-prod: {endpoint: sandbox}
"""
CODES = """
SALE: {name: Sale, crm: {dv: Won}}
LOST: {name: Lost, crm: {dv: Lost}}
"""
CRM = """\
kind: CrmMapping
system: dv
target: {type: dataverse, connection: dv-prod}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two codes, both mapped, none of it live."""
    monkeypatch.delenv("CI", raising=False)
    made = Project(tmp_path)
    made.org(text=ORG, codes=CODES)
    made.write("acme/crm/dv.yaml", CRM)
    return made


def down(project: Project) -> None:
    project.fault("status", status=403, code="0x80040220", message="no privilege", org="acme.dv-prod")


def test_rows_are_planned_and_applied_like_everything_else(project: Project) -> None:
    assert project.run("plan", "acme", "--exit-code").code == 3

    done = project.run("apply", "acme", "--yes", "--format", "json")

    assert (done.code, done.data["totals"], done.data["unread"]) == (0, {"done": 4}, [])
    requests = done.data["traffic"]["requests"]
    assert any(name.startswith("dv-prod ") for name in requests), (
        "a CRM's requests carry its connection's name"
    )
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_crm_that_cannot_be_read_is_named_and_the_platform_side_is_applied(project: Project) -> None:
    project.run("sandbox", "reset", "acme")
    down(project)

    plan = project.run("plan", "acme", "--exit-code")
    done = project.run("apply", "acme", "--yes", "--report", str(project.root / "report.json"))

    assert plan.code == 3
    assert done.code == 5
    assert project.names() == ["Lost", "Sale"]
    report = json.loads((project.root / "report.json").read_text(encoding="utf-8"))
    assert report["totals"] == {"done": 2}
    assert [one.partition(":")[0] for one in report["unread"]] == ["dv"]
    assert "no privilege" in report["unread"][0]
    assert "acme: applied, but for what could not be read" in done.out
    assert "Not read, so neither done nor in sync: dv: " in done.said


def test_nothing_pending_and_something_not_read_is_no_peace(project: Project) -> None:
    project.run("apply", "acme", "--yes")
    down(project)

    assert project.run("plan", "acme").code == 0
    assert project.run("plan", "acme", "--exit-code").code == 5
    done = project.run("apply", "acme", "--yes", "--format", "json")
    assert (done.code, done.data["totals"]) == (5, {})
    assert done.data["unread"][0].startswith("dv: ")


def test_a_real_org_whose_rows_go_to_a_sandbox_is_refused_in_ci(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    real = """\
        kind: Org
        platform: genesys
        region: eu-central-1
        organization_id: 3c0f6a52-6d1c-4a76-9a36-0d0f2f0f2a11
        credentials: {client_id: {env: ACME_ID}, client_secret: {env: ACME_SECRET}}
        connections:
          dv-prod: {endpoint: sandbox}
        """
    project.write("acme/org.yaml", real)

    done = project.run("plan", "acme")

    assert done.code == 4
    assert "acme keeps CRM rows in a sandbox (dv-prod), and this is CI: they reach no CRM" in done.said
