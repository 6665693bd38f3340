"""An apply that tells three sinks over real sockets: one is well, one stumbles, one is dead and comes back."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.shell import Shell
from e2e.ci_world import APPLYING, CiWorld
from front_door import Done, Project
from wrapctl.http.retry import Policy
from wrapctl.notify import deliver, listen, send
from wrapctl.notify.listen import Listener, Received
from wrapctl.targets.genesys import evidence

WFM, BI, OPS = "of the workforce", "of the figures", "of the desk"


class Receiver(Listener):
    """A receiver on a socket; ``stumbles`` is how often it answers 500 before it does what it is for."""

    def __init__(self, secret: str, stumbles: int = 0) -> None:
        super().__init__(secret, time.time)
        self.stumbles = stumbles
        self.attempts: list[str] = []
        self.told: list[Received] = []

    def receive(self, headers: dict[str, str], body: bytes) -> Received:
        self.attempts.append(headers["idempotency-key"])
        if self.stumbles:
            self.stumbles -= 1
            return Received(500, why="not now")
        return super().receive(headers, body)

    @property
    def taken(self) -> list[Received]:
        return [one for one in self.told if one.status == 204]

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.taken]

    @property
    def kinds(self) -> list[str]:
        return [one.body["type"].removeprefix("com.wrapctl.") for one in self.taken]

    def data(self, kind: str) -> Any:
        """The data of the one event of a kind."""
        (found,) = [one.body["data"] for one in self.taken if one.body["type"].endswith(kind)]
        return found


@contextmanager
def serving(receiver: Receiver, port: int = 0) -> Iterator[int]:
    server = listen.make_server(receiver, receiver.told.append, "127.0.0.1", port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in the environment, nobody's CI, retries and audit queries that wait for nothing."""
    for name, secret in {"WFM_SECRET": WFM, "BI_SECRET": BI, "OPS_SECRET": OPS}.items():
        monkeypatch.setenv(name, secret)
    for name in ("GITHUB_REF", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_ACTOR", "dana")
    monkeypatch.setattr(send, "POLICY", Policy(attempts=4, steps=(0.0,)))
    monkeypatch.setattr(evidence, "_FIRST_WAIT", 0.0)


def org(project: Project) -> None:
    """Two codes live, one of them to be renamed, a third to be created and put on the queue."""
    project.org(
        codes="""
        SALE: {name: Sale done, previously: [Sale], category: sales, tags: [revenue]}
        LOST: {name: Lost}
        NEW: {name: "New <!channel>"}
        """,
        queues="q: {name: Q, codes: [SALE, LOST, NEW]}",
    )
    project.seed(
        {
            "name": "acme",
            "codes": [{"name": "Sale"}, {"name": "Lost"}],
            "queues": [{"name": "Q", "codes": ["Sale", "Lost"]}],
        }
    )


def sinks(project: Project, *lines: str) -> None:
    """``wrapctl.yaml`` with these sinks."""
    body = "".join(f"  {line}\n" for line in lines)
    project.write(
        "wrapctl.yaml", f"kind: Project\ncategories: {{sales: {{tags: ['cat:sales']}}}}\nsinks:\n{body}"
    )


def line(name: str, port: int, variable: str, events: str = "['*']") -> str:
    return f"{name}: {{url: 'http://127.0.0.1:{port}/hook', events: {events}, secret: {{env: {variable}}}}}"


def waiting(project: Project) -> list[dict[str, Any]]:
    done = project.run("notify", "list", "--format", "json")
    assert done.code == 0
    return list(done.data["events"])


def test_three_sinks_and_an_apply_that_never_waits_for_a_dead_one(project: Project) -> None:
    org(project)
    wfm, bi, ops = Receiver(WFM), Receiver(BI, stumbles=2), Receiver(OPS)
    gone = unused_port()
    with serving(wfm) as first, serving(bi) as second:
        sinks(
            project,
            line("bi", second, "BI_SECRET", "[apply.finished]"),
            line("ops", gone, "OPS_SECRET", "[apply.finished]"),
            line("wfm", first, "WFM_SECRET", "['code.*', assignment.changed]"),
        )
        done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert project.names() == ["Lost", "New <!channel>", "Sale done"]

    # One is told at once, each thing once.
    assert wfm.kinds == ["code.updated", "code.created", "assignment.changed"]
    assert wfm.attempts == wfm.keys == list(dict.fromkeys(wfm.keys))
    renamed, made, offered = (one.body["data"] for one in wfm.taken)
    assert (renamed["before"]["name"], renamed["after"]["name"]) == ("Sale", "Sale done")
    assert (renamed["code"]["key"], renamed["category"]) == ("SALE", "sales")
    assert sorted(renamed["tags"]) == ["cat:sales", "revenue"]
    live = {code["name"]: code["id"] for code in project.state()["codes"].values()}
    assert made["code"] == {"key": "NEW", "name": "New <!channel>", "id": live["New <!channel>"]}
    assert [one["id"] for one in offered["added"]] == [live["New <!channel>"]]
    assert made["organization"]["sandbox"] is True
    assert made["actor"] == "dana"

    # One after two answers of 500, under the same key.
    assert (len(bi.attempts), len(set(bi.attempts)), bi.kinds) == (3, 1, ["apply.finished"])
    assert bi.data("apply.finished")["totals"] == {"done": 3}

    # One waits in the outbox, and the apply says so in a line.
    (kept,) = waiting(project)
    assert (kept["sink"], kept["attempts"]) == ("ops", 1)
    assert "was not reached" in kept["why"]
    assert "sink ops: 1 event is kept in the outbox" in done.said
    assert "`wrapctl notify replay --sink ops` sends again" in done.said
    for secret in (WFM, BI, OPS):
        assert secret not in done.out + done.err

    # It is delivered when the sink is back: once, however often somebody asks.
    with serving(ops, gone):
        assert project.run("notify", "replay").code == 0
        again = project.run("notify", "replay")
    assert (again.code, "nothing waits in the outbox" in again.said) == (0, True)
    assert ops.attempts == ops.keys == [kept["event"]["id"]]
    assert ops.taken[0].body == kept["event"]
    assert waiting(project) == []


def test_two_replays_at_once_deliver_each_event_once(project: Project) -> None:
    org(project)
    ops, gone = Receiver(OPS), unused_port()
    sinks(project, line("ops", gone, "OPS_SECRET"))
    assert project.run("apply", "acme", "--yes").code == 0
    keys = [one["event"]["id"] for one in waiting(project)]
    assert len(keys) == 4
    shells = [Shell(project.root) for _ in range(2)]
    with serving(ops, gone):
        with shells[0].start("notify", "replay") as one, shells[1].start("notify", "replay") as other:
            said = [process.communicate(timeout=60) for process in (one, other)]
        assert [one.returncode, other.returncode] == [0, 0], said
    assert sorted(ops.attempts) == sorted(keys)
    assert waiting(project) == []


def test_a_sink_that_never_answers_costs_a_bounded_time_and_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    org(project)
    monkeypatch.setattr(deliver.Courier.finish, "__defaults__", (0.2,))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sinks(project, line("ops", silent.getsockname()[1], "OPS_SECRET", "[apply.finished]"))
        done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert "the run ended before it was sent" in done.said
    assert len(waiting(project)) == 1


def test_who_is_tired_of_waiting_for_a_sink_ends_the_waiting_and_not_the_apply(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    org(project)
    sinks(project, line("ops", unused_port(), "OPS_SECRET", "[apply.finished]"))
    finish = deliver.Courier.finish

    def tired(self: deliver.Courier, seconds: float | None = None) -> tuple[deliver.Told, ...]:
        if seconds is None:
            raise KeyboardInterrupt
        return finish(self, seconds)

    monkeypatch.setattr(deliver.Courier, "finish", tired)
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert "1 event is kept in the outbox" in done.said


def test_a_sink_whose_secret_is_missing_is_warned_of_and_the_apply_is_well(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    org(project)
    monkeypatch.delenv("OPS_SECRET")
    sinks(project, line("ops", unused_port(), "OPS_SECRET"))
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0
    assert "needs the variable OPS_SECRET" in done.said


def test_a_damaged_file_stays_and_is_named_while_the_others_are_sent(project: Project) -> None:
    org(project)
    ops, gone = Receiver(OPS), unused_port()
    sinks(project, line("ops", gone, "OPS_SECRET"))
    project.run("apply", "acme", "--yes")
    bad, *rest = sorted((project.root / ".wrapctl" / "outbox" / "ops").glob("*.json"))
    bad.write_text(bad.read_text("utf-8").replace('"org": "acme"', '"org": "evil"'), "utf-8")
    with serving(ops, gone):
        done = project.run("notify", "replay")
    assert done.code == 5
    assert f"{bad} is damaged and stays where it is" in done.said
    assert (len(ops.keys), bad.exists()) == (len(rest), True)
    listed = project.run("notify", "list")
    assert listed.code == 1
    assert bad.name in listed.said


def test_events_of_a_sink_that_is_declared_no_more_are_not_forgotten(project: Project) -> None:
    org(project)
    sinks(project, line("ops", unused_port(), "OPS_SECRET", "[apply.finished]"))
    project.run("apply", "acme", "--yes")
    project.write("wrapctl.yaml", "kind: Project\ncategories: {sales: {tags: ['cat:sales']}}\n")
    done = project.run("notify", "replay")
    assert done.code == 5
    assert "1 events wait for the sink ops, which wrapctl.yaml does not declare" in done.said
    assert "(not declared any more)" in project.run("notify", "list").out
    assert project.run("notify", "replay", "--sink", "opps").code == 2


def test_a_chat_is_told_in_a_sentence_that_wakes_nobody(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    org(project)
    monkeypatch.setenv("GITHUB_REF", "refs/pull/12/merge")
    bodies: list[Any] = []
    chat = Receiver("")

    def told(received: Received) -> None:
        bodies.append(received.body)

    monkeypatch.setattr(
        Receiver, "told", property(lambda self: _Each(told), lambda self, value: None), raising=False
    )
    with serving(chat) as port:
        monkeypatch.setenv("CHAT_URL", f"http://127.0.0.1:{port}/T000/B000/very-secret")
        sinks(
            project,
            "chat: {url_from: {env: CHAT_URL}, events: [code.created], template: {text: 'wrapctl {text}'}}",
        )
        done = project.run("apply", "acme", "--yes")
    assert bodies == [
        {"text": 'wrapctl SANDBOX acme: created code "New &lt;!channel&gt;" (NEW), by dana, pull request 12'}
    ]
    assert "very-secret" not in done.out + done.err


class _Each(list[Received]):
    """A list that hands on what it is given."""

    def __init__(self, tell: Any) -> None:
        super().__init__()
        self.append = tell  # type: ignore[method-assign]  # that is what it is for


def test_plans_and_drift_are_told_too(project: Project) -> None:
    org(project)
    bi = Receiver(BI)
    with serving(bi) as port:
        sinks(project, line("bi", port, "BI_SECRET", "[plan.made, drift.found]"))
        assert project.run("plan", "acme").code == 0
        assert project.run("plan", "acme", "--as-of", "2030-01-01").code == 0
        assert project.run("apply", "acme", "--yes").code == 0
        assert project.run("plan", "acme").code == 0  # in sync: no news
        project.edit({"op": "update_code", "code": "Lost", "set": {"name": "Lost by hand"}})
        assert project.run("drift", "acme").code == 3
    assert bi.kinds == ["plan.made", "drift.found"]
    assert bi.data("plan.made")["changes"] == {"update code": 1, "create code": 1, "assign": 1}
    drift = bi.data("drift.found")
    assert drift["count"] == len(drift["changes"])
    assert "Lost by hand" in {one["name"] for one in drift["changes"]}


def test_a_refused_plan_tells_nobody_of_an_apply_and_a_stale_one_does(project: Project) -> None:
    org(project)
    bi = Receiver(BI)
    saved = project.root / "p.json"
    sinks(project, line("bi", unused_port(), "BI_SECRET", "[drift.found]"))
    assert project.run("plan", "acme", "--out", str(saved)).code == 0
    project.edit({"op": "update_code", "code": "Sale", "set": {"name": "Sale by hand"}})
    with serving(bi) as port:
        sinks(project, line("bi", port, "BI_SECRET"))
        assert project.run("apply", "--plan", str(saved), "--yes").code == 4
    assert bi.kinds == ["apply.finished"]
    assert (bi.data("apply.finished")["stale"], bi.data("apply.finished")["exit_code"]) == (True, 4)


def test_after_a_merge_sinks_hear_of_the_pull_request_and_never_of_a_pull_requests_own_sinks(
    ci: CiWorld,
) -> None:
    """What CI tells: plans under the sinks of the base branch, applies with the pull requests that they are of."""
    codes = "kind: WrapUpCodes\ncodes:\n  SALE: {name: Sale}\n"
    ci.seed({"name": "acme", "codes": [{"name": "Sale"}]})
    wfm, evil = Receiver(WFM), Receiver("")
    with serving(wfm) as port, serving(evil) as other:
        rules = f"kind: Project\nsinks:\n  {line('wfm', port, 'WFM_SECRET')}\n"
        ci.begin({"acme/org.yaml": APPLYING, "acme/codes.yaml": codes, "wrapctl.yaml": rules})
        theirs = rules.replace(str(port), str(other))
        number = ci.propose({"acme/codes.yaml": f"{codes}  WON: {{name: Won}}\n", "wrapctl.yaml": theirs})
        planned = ci.wrapctl(
            ci.runner(str(ci.hub.sha("change")), github_event_name="pull_request"),
            *("ci", "plan", "--base", str(ci.hub.sha("main")), "--head", str(ci.hub.sha("change"))),
            *("--pull-request", str(number), "--out", str(ci.folder / "plans"), "--sandbox"),
            WFM_SECRET=WFM,
        )
        assert planned.code == 0, planned.said
        assert (wfm.kinds, evil.told) == (["plan.made"], [])
        ci.push("change", {"wrapctl.yaml": rules})
        ci.merge(number)
        commit = str(ci.hub.sha("main"))
        job = ci.runner(commit, github_event_name="push", github_ref="refs/heads/main")
        rights = dict.fromkeys(("contents", "actions", "checks"), "read")
        token = ci.token(**rights, deployments="write", pull_requests="write")
        done = ci.wrapctl(
            job, "ci", "apply", "acme", "--mode", "fresh", "--sandbox", GITHUB_TOKEN=token, WFM_SECRET=WFM
        )
    assert done.code == 0, done.said
    assert wfm.kinds == ["plan.made", "code.created", "apply.finished"]
    made = wfm.data("code.created")
    assert (made["pull_requests"], made["commit"], made["code"]["key"]) == ([number], commit, "WON")
    assert evil.told == []


# ── listening ──────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def listening(shell: Shell, *arguments: str) -> Iterator[tuple[int, Any]]:
    """``wrapctl notify listen`` as a process, and the port that it says."""
    with shell.start("notify", "listen", "--port", "0", *arguments) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", said)
        assert found, said
        yield int(found[1]), process


def test_the_small_receiver_prints_what_an_apply_told_once_and_refuses_the_rest(project: Project) -> None:
    org(project)
    shell = Shell(project.root)
    with listening(shell, "--secret", "env:OPS_SECRET") as (port, process):
        sinks(project, line("ops", port, "OPS_SECRET", "[code.created]"))
        done = project.run("apply", "acme", "--yes")
        event = json.loads(process.stdout.readline())
        with httpx.Client(trust_env=False) as anybody:
            assert anybody.post(f"http://127.0.0.1:{port}/", content=b"{}").status_code == 401
        process.terminate()
        out, err = process.communicate(timeout=60)
    assert (done.code, event["type"], out) == (0, "com.wrapctl.code.created", "")
    assert "events delivered: ops 1" in done.said
    assert "refused with 401" in err
    assert "stopped listening" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--secret", "literal"), "env:NAME or file:PATH"),
        (("--secret", "env:NOT_THERE"), "needs the variable NOT_THERE"),
        (("--sink", "nobody"), "no sink 'nobody' with a secret"),
        (("--sink", "a", "--secret", "env:B"), "use one"),
    ],
)
def test_the_receiver_wants_to_know_where_its_secret_is(
    project: Project, arguments: tuple[str, ...], words: str
) -> None:
    org(project)
    done = project.run("notify", "listen", "--port", "0", *arguments)
    assert done.code == 2
    assert words in done.said


# ── metrics ────────────────────────────────────────────────────────────────────────────────────────────────


def samples(path: Path) -> dict[str, float]:
    """The samples of a file in the Prometheus text format, every line of it understood."""
    found: dict[str, float] = {}
    typed: set[str] = set()
    for text in path.read_text("utf-8").splitlines():
        if text.startswith("# TYPE "):
            assert text.split()[2] not in typed
            typed.add(text.split()[2])
        elif not text.startswith("# HELP "):
            sample = re.fullmatch(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\} ([0-9.e+-]+)', text)
            assert sample, text
            assert re.sub(r"_(sum|count)$", "", sample[1]) in typed
            found[f"{sample[1]}{{{sample[2]}}}"] = float(sample[3])
    return found


def test_each_command_writes_what_it_is_measured_by(project: Project) -> None:
    org(project)
    project.fault("status", status=503, times=1, path="/api/v2/routing/queues")
    gone = unused_port()
    sinks(project, line("ops", gone, "OPS_SECRET", "[apply.finished]"))
    file = project.root / "m" / "wrapctl.prom"

    def run(*arguments: str) -> tuple[Done, dict[str, float]]:
        done = project.run(*arguments, "--metrics", str(file))
        return done, samples(file)

    _, checked = run("validate")
    assert checked['wrapctl_run_exit_code{command="validate"}'] == 0

    _, planned = run("plan", "acme", "--exit-code")
    mine = 'command="plan",org="acme"'
    assert planned[f"wrapctl_org_exit_code{{{mine}}}"] == 3
    assert planned[f'wrapctl_changes{{{mine},verb="create code",outcome="ready"}}'] == 1
    assert any(name.startswith("wrapctl_requests") and 'operation="GET ' in name for name in planned)

    applied, metrics = run("apply", "acme", "--yes", "--format", "json")
    mine = 'command="apply",org="acme"'
    assert metrics[f"wrapctl_org_exit_code{{{mine}}}"] == 0
    assert metrics[f'wrapctl_changes{{{mine},verb="create code",outcome="done"}}'] == 1
    assert metrics['wrapctl_events{command="apply",sink="ops",outcome="kept"}'] == 1
    operation = 'operation="POST /api/v2/routing/wrapupcodes"'
    latency = {
        quantile: metrics[f'wrapctl_request_duration_seconds{{{mine},{operation},quantile="{quantile}"}}']
        for quantile in ("0.5", "0.95", "0.99")
    }
    assert latency["0.5"] <= latency["0.95"] <= latency["0.99"]
    assert metrics[f"wrapctl_request_duration_seconds_count{{{mine},{operation}}}"] == 1
    traffic = applied.data["traffic"]
    assert traffic["latency_ms"]["POST /api/v2/routing/wrapupcodes"]["count"] == 1
    assert (traffic["waits_on_limits"], traffic["waited_on_limits_seconds"]) == (0, 0.0)

    _, drifted = run("drift", "acme")
    assert drifted['wrapctl_org_exit_code{command="drift",org="acme"}'] == 0


def test_what_is_wrong_with_the_files_is_counted_by_kind_and_names_nothing(project: Project) -> None:
    project.org(
        codes="""
        A: {name: "One", category: nope}
        B: {name: "Two", category: neither}
        """
    )
    file = project.root / "wrapctl.prom"
    project.write("wrapctl.yaml", "kind: Project\ncategories: {sales: {}}\n")
    assert project.run("validate", "--metrics", str(file)).code == 2
    found = samples(file)
    assert found['wrapctl_findings{command="validate",org="acme",severity="error",kind="no category"}'] == 2
    assert "neither" not in file.read_text("utf-8")
    # A command that does not come to its org says so, too.
    assert project.run("plan", "acme", "--metrics", str(file)).code == 2
    assert samples(file)['wrapctl_run_exit_code{command="plan"}'] == 2


def test_a_metrics_file_that_cannot_be_written_is_a_warning(project: Project) -> None:
    org(project)
    project.write("wrapctl.yaml", "kind: Project\ncategories: {sales: {tags: ['cat:sales']}}\n")
    (project.root / "m").write_text("a file")
    done = project.run("apply", "acme", "--yes", "--metrics", str(project.root / "m" / "x.prom"))
    assert done.code == 0
    assert "cannot be written" in done.said
