"""Commands around the files: init, import, validate, show, schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.shell import ROOT, Shell
from wrapctl.cli.files import write_text
from wrapctl.cli.schema import rendered
from wrapctl.errors import WrapctlError


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a project."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


# ── init ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_org_is_valid_and_in_observe_mode(empty: Shell) -> None:
    assert empty.run("init", "acme").code == 0
    assert empty.run("validate").code == 0
    assert "mode: observe" in (empty.root / "wrapups" / "acme" / "org.yaml").read_text("utf-8")
    assert empty.run("plan", "acme", "--exit-code").code == 0
    done = empty.run("apply", "acme", "--yes")
    assert done.code == 4


def test_a_new_org_of_a_region_is_valid_when_its_id_is_given(empty: Shell) -> None:
    done = empty.run("init", "acme-prod", "--region", "eu-central-1", "--organization-id", "3c0f")
    assert done.code == 0
    assert empty.run("validate").code == 0
    text = (empty.root / "wrapups" / "acme-prod" / "org.yaml").read_text("utf-8")
    assert "client_id: {env: ACME_PROD_CLIENT_ID}" in text


def test_without_its_id_the_way_to_it_is_named(empty: Shell) -> None:
    done = empty.run("init", "acme-prod", "--region", "eu-central-1")
    assert done.code == 0
    assert "add `organization_id`" in done.err
    assert "ACME_PROD_CLIENT_ID" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ACME",), "cannot be an org"),
        (("../x",), "cannot be an org"),
        (("catalog",), "cannot be an org"),
        (("acme", "--region", "eu-central-11"), "eu-central-1"),
        (("acme", "--platform", "avaya"), "there is no platform"),
        (("acme", "--region", "eu-central-1", "--endpoint", "sandbox"), "not both"),
    ],
)
def test_what_makes_no_sense_writes_nothing(empty: Shell, arguments: tuple[str, ...], said: str) -> None:
    done = empty.run("init", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (empty.root / "wrapups").exists()


def test_an_org_that_is_there_is_never_touched(small: Shell) -> None:
    before = (small.root / "wrapups" / "acme" / "org.yaml").read_text("utf-8")
    assert small.run("init", "acme").code == 2
    assert (small.root / "wrapups" / "acme" / "org.yaml").read_text("utf-8") == before


# ── import ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("org", ["acme-emea", "acme-us"])
@pytest.mark.parametrize("options", [(), ("--sets",), ("--queues", "none")])
def test_an_import_into_an_empty_folder_plans_to_nothing(
    empty: Shell, org: str, options: tuple[str, ...]
) -> None:
    assert empty.run("import", org, *options).code == 0
    done = empty.run("plan", org, "--exit-code", "--format", "json")
    assert done.code == 0
    assert done.data["changes"] == []
    assert "mode: observe" in (empty.root / "wrapups" / org / "org.yaml").read_text("utf-8")
    again = empty.run("import", org, *options)
    assert "the files say what is live already" in again.out


def test_an_import_keeps_keys_and_comments_and_takes_over_what_is_live(small: Shell) -> None:
    small.replace("acme/codes.yaml", "  LOST:", "  # why deals are lost\n  LOST:")
    small.edit("Lost", description="Changed by hand")
    done = small.run("import", "acme", "--dry")
    assert done.code == 0
    assert "Changed by hand" in done.out
    assert "Changed by hand" not in (small.root / "wrapups" / "acme" / "codes.yaml").read_text("utf-8")
    assert small.run("import", "acme").code == 0
    text = (small.root / "wrapups" / "acme" / "codes.yaml").read_text("utf-8")
    assert "# why deals are lost\n  LOST:" in text
    assert "Changed by hand" in text
    assert small.run("plan", "acme", "--exit-code").code == 0


def test_the_queues_to_import_can_be_named(empty: Shell) -> None:
    assert empty.run("import", "acme-us", "--queues", "Returns").code == 0
    text = (empty.root / "wrapups" / "acme-us" / "queues.yaml").read_text("utf-8")
    assert "Returns" in text
    assert "Retention" not in text
    done = empty.run("import", "acme-us", "--queues", "Retuns")
    assert done.code == 2
    assert "Returns" in done.err
    assert empty.run("import", "acme-us", "--queues", "all", "--queues", "none").code == 2


def test_an_import_of_another_organization_is_refused(small: Shell) -> None:
    small.replace("acme/org.yaml", "endpoint: sandbox", "endpoint: sandbox\norganization_id: 3c0f")
    done = small.run("import", "acme")
    assert done.code == 4
    assert "3c0f" in done.err


# ── validate ───────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_wrong_is_told_at_once_where_it_stands(small: Shell) -> None:
    small.write("acme/codes.yaml", "kind: WrapUpCodes\ncodes:\n  SALE: {nmae: Sale}\n  lost: {name: x}\n")
    small.write("acme/queues.yaml", "kind: Queues\nqueues:\n  sales: {name: Sales, codes: [SALE, 'set:x']}\n")
    done = small.run("validate")
    assert done.code == 2
    assert "wrapups/acme/codes.yaml:3:10: error: " in done.out
    assert "wrapups/acme/queues.yaml:3:" in done.out
    assert "not valid" in done.err


def test_annotations_are_one_workflow_command_for_each_problem(small: Shell) -> None:
    small.write("acme/codes.yaml", "kind: WrapUpCodes\ncodes:\n  SALE: {nmae: Sale}\n")
    done = small.run("validate", "--format", "github")
    assert done.code == 2
    assert done.out.startswith("::error file=wrapups/acme/codes.yaml,line=3,col=")
    assert all(line.startswith("::") for line in done.out.splitlines())


def test_problems_are_told_to_machines(small: Shell) -> None:
    small.write("acme/codes.yaml", "kind: WrapUpCodes\ncodes:\n  SALE: {nmae: Sale}\n")
    data = small.run("validate", "--format", "json").data
    assert data["kind"] == "wrapctl.problems"
    assert data["errors"] >= 1
    assert data["problems"][0]["source"]["file"] == "wrapups/acme/codes.yaml"


def test_the_shipped_project_is_valid_and_reads_nothing_from_a_network(shell: Shell) -> None:
    done = shell.run("validate", "acme-emea")
    assert done.code == 0
    assert not (shell.root / ".wrapctl").exists()


# ── show ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_value_is_shown_with_where_it_came_from(shell: Shell) -> None:
    lines = shell.run("show", "acme-emea").out.splitlines()
    platform = next(line for line in lines if "platform: genesys" in line)
    assert "# wrapups/acme-emea/org.yaml:" in platform
    assert any("# wrapups/catalog/sales.yaml:" in line for line in lines)
    values = shell.run("show", "acme-emea", "--format", "json").data["values"]
    assert values["org.platform"]["value"] == "genesys"


def test_credentials_are_shown_by_reference_and_odd_names_as_escapes(
    small: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ID", "h1dden")
    small.replace(
        "acme/org.yaml",
        "endpoint: sandbox",
        "endpoint: sandbox\ncredentials: {client_id: {env: ID}, client_secret: {env: ID}}",
    )
    small.replace("acme/codes.yaml", "name: Lost", 'name: "Lost "')
    done = small.run("show", "acme")
    assert "env: ID" in done.out
    assert "h1dden" not in done.out


# ── schema ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_schemas_of_the_repository_are_current() -> None:
    for name, text in rendered().items():
        assert (ROOT / "schemas" / name).read_text("utf-8") == text, f"{name}: run `make schemas`"


def test_schemas_are_written_once_and_checked(empty: Shell) -> None:
    assert empty.run("schema", "--check").code == 3
    done = empty.run("schema")
    assert done.code == 0
    assert "schemas/plan.schema.json: written" in done.out
    assert (
        json.loads((empty.root / "schemas" / "plan.schema.json").read_text("utf-8"))["$id"]
        == "plan.schema.json"
    )
    assert empty.run("schema", "--check").code == 0
    assert empty.run("schema").out == "schemas/ is current\n"


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "b.yaml"
    write_text(path, "one\n")
    path.chmod(0o640)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wrapctl.cli.files.os.fsync", full)
    with pytest.raises(WrapctlError, match="No space left"):
        write_text(path, "two\n")
    assert path.read_text("utf-8") == "one\n"
    assert [one.name for one in path.parent.iterdir()] == ["b.yaml"]
    monkeypatch.undo()
    write_text(path, "two\n")
    assert path.stat().st_mode & 0o777 == 0o640
