"""The workflows that teams copy: pinned, cut to the least rights, no secret near a fork, nothing quoted into a shell.

The linters of ``make workflows`` say more; these are the promises of docs/ci.md and docs/threat-model.md.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_lines import calls, parse

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COPIED = [path for path in WORKFLOWS if path.name != "ci.yml"]
ACTION = ROOT / "action.yml"
OWN = "your-org/wrapctl"
GUARD = "!endsWith(github.repository, '/wrapctl')"
NO_FORK = "github.event.pull_request.head.repo.full_name == github.repository"
# What a person who opens a pull request, or names an org, decides.
FREE = re.compile(r"\$\{\{")
SECRET = re.compile(r"secrets\.([A-Z_]+)")

Job = dict[str, Any]


def load(path: Path) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for true; GitHub does not.
    data: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in data.items()}


def jobs(path: Path) -> dict[str, Job]:
    found: dict[str, Job] = load(path)["jobs"]
    return found


def every_job() -> list[Any]:
    return [pytest.param(path, name, id=f"{path.stem}-{name}") for path in WORKFLOWS for name in jobs(path)]


def steps(path: Path) -> Iterator[dict[str, Any]]:
    data = load(path)
    if "runs" in data:
        yield from data["runs"]["steps"]
    else:
        for job in data["jobs"].values():
            yield from job["steps"]


def text_of(job: Job) -> str:
    return yaml.safe_dump(job, width=10_000)


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if "uses:" in line and not line.lstrip().startswith("#"):
            assert re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    assert any("uses" in step for step in steps(path))


def test_one_commit_of_each_action_is_used_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in [*WORKFLOWS, ACTION]:
        for step in steps(path):
            if "uses" in step:
                name, _, commit = step["uses"].partition("@")
                pins.setdefault(name, set()).add(commit)
    assert {name: len(commits) for name, commits in pins.items()} == dict.fromkeys(pins, 1)
    assert pins[OWN] != {"0" * 40}, "run: make pin"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_rights_are_given_job_by_job(path: Path) -> None:
    assert load(path)["permissions"] == {}


@pytest.mark.parametrize(("path", "name"), every_job())
def test_every_job_says_its_rights_its_time_and_its_runner(path: Path, name: str) -> None:
    job = jobs(path)[name]
    assert isinstance(job["permissions"], dict)
    assert 0 < job["timeout-minutes"] <= 120
    assert job["runs-on"] == "ubuntu-24.04"


def test_the_jobs_hold_what_the_threat_model_says_and_no_more() -> None:
    held = {
        f"{path.stem}/{name}": (job["permissions"], job.get("environment", ""), _secret(job))
        for path in COPIED
        for name, job in jobs(path).items()
    }
    read = {"contents": "read"}
    apply = {
        "contents": "write",
        "actions": "read",
        "checks": "read",
        "deployments": "write",
        "pull-requests": "write",
    }
    write = (apply, "wrapctl-apply-${{ matrix.org }}", True)
    assert held == {
        "plan/orgs": (read, "", False),
        "plan/plan": (read, "wrapctl-plan-${{ matrix.org }}", True),
        "plan/report": (read | {"pull-requests": "write", "checks": "write"}, "", False),
        "apply/orgs": (read, "", False),
        "apply/stage1": write,
        "apply/stage2": write,
        "apply/stage3": write,
        "drift/orgs": (read, "", False),
        "drift/drift": (
            read | {"deployments": "read", "issues": "write"},
            "wrapctl-plan-${{ matrix.org }}",
            True,
        ),
    }


def _secret(job: Job) -> bool:
    return "secrets." in text_of(job)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_gives_secrets_to_code_of_others(path: Path) -> None:
    on = load(path)["on"]
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(on)
    if "pull_request" not in on:
        return
    for name, job in jobs(path).items():
        if _secret(job) or "github.token" in text_of(job) or "write" in job["permissions"].values():
            assert NO_FORK in " ".join(str(job["if"]).split()), name


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.stem)
def test_beside_a_secret_nothing_runs_but_the_pinned_wrapctl(path: Path) -> None:
    for name, job in jobs(path).items():
        first, second = job["steps"][:2]
        # Before the checkout: where it is installed there is no file of a pull request yet.
        assert first["uses"].startswith(f"{OWN}@"), name
        assert second["uses"].startswith("actions/checkout@"), name
        assert second["with"]["persist-credentials"] is False
        assert "ref" not in second["with"]
        assert "repository" not in second["with"]
        for step in job["steps"]:
            if "run" in step:
                assert {words[0] for words in calls(step["run"])} == {"wrapctl"}, step["name"]


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.stem)
def test_the_secrets_of_a_step_are_those_that_files_may_name(path: Path) -> None:
    for job in jobs(path).values():
        for step in job["steps"]:
            env = step.get("env", {})
            passed = {name for value in env.values() for name in SECRET.findall(str(value))}
            assert passed == set(env.get("WRAPCTL_SECRETS", "").split())
            assert all(env[name] == f"${{{{ secrets.{name} }}}}" for name in passed)
        outside = {key: value for key, value in job.items() if key != "steps"}
        assert not SECRET.search(text_of(outside)), "a secret for all steps of a job"


def test_the_three_workflows_pass_on_the_same_secrets() -> None:
    lists = {
        step["env"]["WRAPCTL_SECRETS"]
        for path in COPIED
        for step in steps(path)
        if "WRAPCTL_SECRETS" in step.get("env", {})
    }
    assert len(lists) == 1


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_no_expression_reaches_a_shell(path: Path) -> None:
    for step in steps(path):
        assert not FREE.search(step.get("run", "")), step["name"]
        assert step.get("shell", "bash") == "bash"


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_every_shell_step_is_bash(path: Path) -> None:
    for step in steps(path):
        if "run" in step:
            done = subprocess.run(
                ["bash", "-n"], input=step["run"], capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.stem)
def test_every_command_of_a_step_is_one_that_wrapctl_has(path: Path) -> None:
    for step in steps(path):
        for words in calls(step.get("run", "")):
            parse(words)


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.stem)
def test_nothing_starts_in_the_projects_own_repository(path: Path) -> None:
    for name, job in jobs(path).items():
        assert GUARD in str(job.get("if")) or "orgs" in job["needs"], name


def test_applying_is_one_at_a_time_for_each_org_and_never_cancelled() -> None:
    for name, job in jobs(ROOT / ".github/workflows/apply.yml").items():
        if name != "orgs":
            assert job["concurrency"] == {
                "group": "wrapctl-apply-${{ matrix.org }}",
                "cancel-in-progress": False,
            }
            assert job["strategy"]["fail-fast"] is False


def test_applying_runs_on_the_default_branch_alone() -> None:
    apply = load(ROOT / ".github/workflows/apply.yml")
    assert apply["on"]["push"] == {"branches": ["main"]}
    assert "github.ref == 'refs/heads/main'" in apply["jobs"]["orgs"]["if"]


def test_the_stages_differ_in_their_number_and_in_what_they_wait_for() -> None:
    apply = jobs(ROOT / ".github/workflows/apply.yml")
    stages = [name for name in apply if name.startswith("stage")]
    listing = next(step for step in apply["orgs"]["steps"] if "run" in step)
    assert f"--stages {len(stages)} " in listing["run"]
    assert list(apply["orgs"]["outputs"]) == stages
    for number, name in enumerate(stages, 1):
        before = stages[: number - 1]
        assert apply[name]["needs"] == ["orgs", *before]
        assert all(f"needs.{one}.result" in apply[name]["if"] for one in before)
        same = text_of({key: value for key, value in apply[name].items() if key not in {"needs", "if"}})
        first = text_of({key: value for key, value in apply["stage1"].items() if key not in {"needs", "if"}})
        assert same == first.replace("stage1", name)


def test_the_action_installs_nothing_without_a_hash_and_nothing_from_the_workspace() -> None:
    script = next(step["run"] for step in steps(ACTION) if "run" in step)
    assert script.startswith('cd "$RUNNER_TEMP"\n')
    for line in script.splitlines():
        if " -m " in line:
            assert " -I -m " in line, "python would look for modules in the folder that it is started in"
        if "install " in line and "install()" not in line:
            assert "--require-hashes" in line or "--no-deps --no-build-isolation" in line
    for name in re.findall(r"\$SOURCE/(\S+?)\"", script):
        assert (ROOT / name).is_file()


def test_what_builds_the_package_is_what_is_pinned_for_it() -> None:
    built = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8")
    assert 'requires = ["hatchling>=1.26"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "hatchling>=1.26" in built


HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_every_hook_runs_a_command_that_wrapctl_has(hook: dict[str, Any]) -> None:
    assert hook["pass_filenames"] is False
    words = hook["entry"].split()
    assert words[0] == "wrapctl"
    parse(words)
    assert re.search(hook["files"], "wrapups/acme-emea/codes.yaml")
    assert not re.search(hook["files"], "src/wrapups.py")
