"""The stage of the CI scenes: a repository on an emulated GitHub, sandbox orgs, and workflows that run.

What a job runs is what the shipped workflows say: their ``run:`` lines are taken from ``.github/workflows``, expanded
by bash, and carried out in this process with the variables that Actions would set. Each job gets a fresh clone, as a
runner does; all of them see the same sandbox, as all runners see the same platform.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import textwrap
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from front_door import Done, run
from git_remote import Remote, git
from github_api import GithubApi
from github_world import World
from wrapctl.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
SERVER = "https://github.com"
APPLYING = "kind: Org\nplatform: genesys\nendpoint: sandbox\nmanage: {mode: apply}\n"

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_ARGUMENTS = 'wrapctl() { printf "%s\\0" "$@" >&3; printf "\\1" >&3; }\n'


@dataclass(frozen=True)
class Step:
    """What one step of a job did: the arguments of ``wrapctl``, and how it ended."""

    name: str
    arguments: tuple[str, ...]
    done: Done


@dataclass
class JobRun:
    """One job: its steps up to the first that failed, its summary, its outputs, and the runner's folders."""

    clone: Path
    temp: Path
    environ: dict[str, str]
    steps: list[Step] = field(default_factory=list)

    @property
    def code(self) -> int:
        """How it ended."""
        return self.steps[-1].done.code if self.steps else 0

    @property
    def out(self) -> str:
        """All that its steps printed to standard output."""
        return "".join(step.done.out for step in self.steps)

    @property
    def log(self) -> str:
        """All that its log shows."""
        return "".join(step.done.out + step.done.err for step in self.steps)

    @property
    def summary(self) -> str:
        """The job's summary."""
        return Path(self.environ["GITHUB_STEP_SUMMARY"]).read_text("utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        """What it wrote for later jobs."""
        lines = Path(self.environ["GITHUB_OUTPUT"]).read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


@dataclass
class PlanRun:
    """One run of ``plan.yml``: the validation, a job for each org that is touched, and the report."""

    id: int
    number: int
    orgs: JobRun
    plans: dict[str, JobRun] = field(default_factory=dict)
    report: JobRun | None = None

    @property
    def good(self) -> bool:
        """Whether the run is green."""
        jobs = [self.orgs, *self.plans.values(), *([self.report] if self.report else [])]
        return not any(job.code for job in jobs)


class CiWorld:
    """A repository with people and runners, and the orgs that its files describe."""

    def __init__(self, folder: Path, *, repository: str = "acme/orgs") -> None:
        self.folder = folder
        self.remote = Remote.make(folder)
        self.hub = World(self.remote.bare, repository)
        self.api = GithubApi(self.hub)
        self.url = self.api.url
        self.sandbox_folder = folder / "sandbox"
        self.person = self.clone("person")
        self._jobs = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[CiWorld]:
        """Serve the emulated GitHub while the scene lasts."""
        with self.api.served() as url:
            self.url = url
            yield self

    # ── the platform ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def sandbox(self) -> Sandbox:
        """The platform that all clones see."""
        return Sandbox(self.sandbox_folder)

    def seed(self, seed: Mapping[str, Any]) -> None:
        """Plant an org as it is before wrapctl sees it."""
        with self.sandbox as box:
            box.seed_org(dict(seed))

    def state(self, org: str = "acme") -> dict[str, Any]:
        """Everything that the platform holds."""
        with self.sandbox as box:
            return dict(box.state(org))

    def edit(self, edit: Mapping[str, Any], org: str = "acme") -> None:
        """Somebody changes something in the platform's UI."""
        with self.sandbox as box:
            box.edit(org, dict(edit))

    def fault(self, do: str, **how: Any) -> None:
        """Something goes wrong with a request to come."""
        with self.sandbox as box:
            box.add_fault(do, **how)

    def names(self, org: str = "acme") -> list[str]:
        """The names of all live codes, sorted."""
        return sorted(code["name"] for code in self.state(org)["codes"].values())

    def described(self, org: str = "acme") -> dict[str, str]:
        """The description of each live code, by its name."""
        return {one["name"]: one.get("description") or "" for one in self.state(org)["codes"].values()}

    def requests(self, org: str = "acme") -> list[str]:
        """``METHOD path`` of all that the platform was asked so far."""
        with self.sandbox as box:
            return [f"{one.method} {one.path}" for one in box.requests(org)]

    def writes(self, org: str = "acme") -> list[str]:
        """What was asked of the platform that could have changed something."""
        asking = ("GET", "POST /oauth", "POST /api/v2/analytics/")
        return [one for one in self.requests(org) if not one.startswith(asking)]

    # ── people ─────────────────────────────────────────────────────────────────────────────────────────────

    def clone(self, name: str) -> Path:
        """A clone that sees the shared sandbox."""
        clone = self.remote.clone(name)
        (clone / ".wrapctl").mkdir()
        (clone / ".wrapctl" / "sandbox").symlink_to(self.sandbox_folder, target_is_directory=True)
        (clone / ".git" / "info" / "exclude").write_text("/.wrapctl/\n", encoding="utf-8")
        return clone

    def push(self, branch: str, files: Mapping[str, str | None], *, start: str = "origin/main") -> str:
        """Somebody commits files (None: removed) below ``wrapups/`` to a branch, made when missing, and pushes it.

        A path that begins with a slash is from the top of the repository.
        """
        git(self.person, "fetch", "-q", "origin")
        if git(self.person, "ls-remote", "origin", f"refs/heads/{branch}"):
            git(self.person, "checkout", "-q", "-B", branch, f"origin/{branch}")
        else:
            git(self.person, "checkout", "-q", "--no-track", "-B", branch, start)
        for path, text in files.items():
            file = self.person / (path[1:] if path.startswith("/") else f"wrapups/{path}")
            if text is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")
        git(self.person, "add", "-A")
        git(self.person, "commit", "-q", "--allow-empty", "-m", f"Change {branch}")
        git(self.person, "push", "-q", "origin", branch)
        return git(self.person, "rev-parse", "HEAD")

    def begin(self, files: Mapping[str, str | None]) -> str:
        """Files that are on ``main`` from the start."""
        return self.push("main", files)

    def propose(
        self,
        files: Mapping[str, str | None],
        *,
        branch: str = "change",
        start: str = "origin/main",
        login: str = "ada",
        fork: str = "",
    ) -> int:
        """Somebody opens a pull request with a commit of these files; returns its number."""
        commit = self.push(branch, files, start=start)
        if fork:
            git(self.person, "push", "-q", "origin", f":{branch}")
            return self.hub.open_pull(commit, login=login, fork=fork)
        return self.hub.open_pull(branch, login=login)

    def merge(self, number: int, **how: Any) -> str:
        """Somebody merges it; returns the commit on ``main``."""
        return self.hub.merge(number, **how)

    def said(self, number: int) -> list[str]:
        """What the jobs said on a pull request, oldest first."""
        return self.hub.said(number)

    # ── runners ────────────────────────────────────────────────────────────────────────────────────────────

    def runner(self, commit: str, **variables: str) -> JobRun:
        """A fresh job on a commit: a clone, a folder for temporary files, and the variables of Actions."""
        self._jobs += 1
        clone = self.clone(f"runner-{self._jobs}")
        git(clone, "fetch", "-q", "origin", commit)
        git(clone, "checkout", "-q", "--detach", commit)
        temp = self.folder / f"temp-{self._jobs}"
        temp.mkdir()
        for name in ("summary", "outputs"):
            (temp / name).touch()
        environ = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": self.hub.repository,
            "GITHUB_SERVER_URL": SERVER,
            "GITHUB_API_URL": self.url,
            "GITHUB_SHA": commit,
            "GITHUB_ACTOR": "ada",
            "GITHUB_WORKSPACE": str(clone),
            "GITHUB_STEP_SUMMARY": str(temp / "summary"),
            "GITHUB_OUTPUT": str(temp / "outputs"),
            "RUNNER_TEMP": str(temp),
            **{name.upper(): value for name, value in variables.items()},
        }
        return JobRun(clone, temp, environ)

    def token(self, **permissions: str) -> str:
        """The token of a job that asks for these permissions and no others."""
        self._jobs += 1
        return self.hub.job_token(f"ghs_{self._jobs:016}", {"metadata": "read", **permissions})

    def wrapctl(self, job: JobRun, *arguments: str, name: str = "", **environ: str) -> Done:
        """Run ``wrapctl`` in a job, as one of its steps."""
        given = [*arguments]
        if tuple(arguments[:2]) in {("ci", "plan"), ("ci", "apply")} and "--sandbox" not in arguments:
            given.append("--sandbox")
        with mock.patch.dict(os.environ, {**job.environ, **environ}):
            done = run([*given, "--project", str(job.clone)])
        job.steps.append(Step(name, tuple(arguments), done))
        return done

    def steps(self, workflow: str, name: str, job: JobRun, context: Mapping[str, str]) -> int:
        """Run the ``run:`` steps of a job of a shipped workflow; ``context`` is what its expressions mean.

        Stops after the first step that fails and returns its exit code.
        """
        document = yaml.safe_load((WORKFLOWS / workflow).read_text("utf-8"))
        known = {"runner.temp": str(job.temp), "github.sha": job.environ["GITHUB_SHA"], **context}
        for step in document["jobs"][name]["steps"]:
            if "run" not in step:
                continue
            environ = {key: _expressed(str(text), known) for key, text in step.get("env", {}).items()}
            code = self._script(job, step["name"], step["run"], environ)
            if code:
                return code
        return 0

    def _script(self, job: JobRun, name: str, script: str, environ: Mapping[str, str]) -> int:
        for arguments in _expanded(script, {**os.environ, **job.environ, **environ}):
            done = self.wrapctl(job, *arguments, name=name, **environ)
            if '>> "$GITHUB_OUTPUT"' in script:
                with Path(job.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
                    file.write(done.out)
            if done.code:
                return done.code
        return 0

    # ── plan.yml ───────────────────────────────────────────────────────────────────────────────────────────

    def plan(self, number: int, *, again: PlanRun | None = None, **environ: str) -> PlanRun:
        """The plan workflow runs for a pull request: on its head as it is now, or once ``again``."""
        pull, head = self.hub.pull(number), self.hub.head(number)
        if again is None:
            fork = "" if pull.head_repository == self.hub.repository else str(pull.head_repository)
            run_id = self.hub.start_run("plan.yml", head, branch=pull.head_ref, fork=fork)
        else:
            run_id = again.id
            self.hub.rerun(run_id)
        tried = self.try_merge(number)
        event = self.folder / f"event-{run_id}.json"
        event.write_text(json.dumps(self._event(number)), encoding="utf-8")
        variables = {
            "github_run_id": str(run_id),
            "github_run_attempt": str(self.hub.runs[run_id].attempt),
            "github_event_name": "pull_request",
            "github_event_path": str(event),
            "github_ref": f"refs/pull/{number}/merge",
            **environ,
        }
        done = PlanRun(run_id, number, self.runner(tried, **variables))
        self.steps("plan.yml", "orgs", done.orgs, {})
        same = pull.head_repository == self.hub.repository
        matrix = json.loads(done.orgs.outputs.get("matrix", "{}")) if same and not done.orgs.code else {}
        for org in _listed(matrix):
            self._plan_one(done, org, head, self.runner(tried, **variables))
        if same:
            done.report = self.runner(tried, **variables)
            self._report(done, done.report)
        self.hub.finish_run(run_id, "success" if done.good else "failure")
        return done

    def _plan_one(self, done: PlanRun, org: str, head: str, job: JobRun) -> None:
        context = {
            "matrix.org": org,
            "github.event.pull_request.head.sha": head,
        }
        self.steps("plan.yml", "plan", job, context)
        done.plans[org] = job
        self.upload(done.id, f"wrapctl-plan-{org}", job.temp / "plans")

    def _report(self, done: PlanRun, job: JobRun) -> None:
        folder = job.temp / "plans"
        for artifact in self.hub.artifacts.values():
            if artifact.run == done.id and artifact.name.startswith("wrapctl-plan-"):
                _unpack(artifact.content, folder)
        token = self.token(contents="read", pull_requests="write", checks="write")
        self.steps("plan.yml", "report", job, {"github.token": token})

    def try_merge(self, number: int) -> str:
        """The commit that GitHub makes to try a merge, and checks out for a pull request."""
        base, head = self.hub.base(number), self.hub.head(number)
        tree = self.hub.merged_tree(number)
        made = git(self.hub.bare, "commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge {head}")
        git(self.hub.bare, "update-ref", f"refs/pull/{number}/merge", made)
        return made

    def upload(self, run_id: int, name: str, folder: Path) -> None:
        """A job keeps a folder as an artefact; one of that name that the run left before goes."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        if not files:
            return
        for old in [one for one in self.hub.artifacts.values() if (one.run, one.name) == (run_id, name)]:
            del self.hub.artifacts[old.id]
        self.hub.upload(run_id, name, files)

    def _event(self, number: int) -> dict[str, Any]:
        pull = self.hub.pull(number)
        return {
            "number": number,
            "pull_request": {
                "number": number,
                "head": {"sha": self.hub.head(number), "repo": {"full_name": pull.head_repository}},
                "base": {"sha": self.hub.base(number)},
            },
        }


def _expressed(text: str, context: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1].startswith("secrets."):
            return ""
        return context[found[1]]

    return _EXPRESSION.sub(value, text)


def _expanded(script: str, environ: Mapping[str, str]) -> list[list[str]]:
    """Let bash read a step, and return the arguments of each ``wrapctl`` in it."""
    assert not _EXPRESSION.search(script), "an expression reaches a shell"
    reader, writer = os.pipe()
    try:
        moved = f"exec 3>&{writer}\n{_ARGUMENTS}{script}"
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", moved]
        quiet = {**environ, "GITHUB_OUTPUT": os.devnull}
        subprocess.run(command, check=True, env=quiet, pass_fds=(writer,), stdout=subprocess.DEVNULL)
    finally:
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            told = file.read().decode()
    return [call.split("\0")[:-1] for call in told.split("\1") if call]


def _listed(matrix: Mapping[str, Any]) -> Sequence[str]:
    if "include" in matrix:
        return [str(one["org"]) for one in matrix["include"]]
    return [str(one) for one in matrix.get("org", ())]


def _unpack(content: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
