"""``sinks`` in ``wrapctl.yaml``: what they mean, what is wrong with them, and that they are policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_files import acme, commit, loaded, problems, write
from wrapctl.config.base import propose
from wrapctl.config.project import load

CODES = "kind: WrapUpCodes\ncodes: {SALE: {name: Sale}}\n"


def declared(root: Path, text: str) -> Path:
    return acme(root, codes=CODES, wrapctl=f"kind: Project\nsinks: {text}\n")


def wrong(root: Path, text: str) -> str:
    return "\n".join(problems(declared(root, text)))


def test_a_sink_is_read_with_where_its_secrets_are(tmp_path: Path) -> None:
    root = declared(
        tmp_path,
        """
  wfm: {url: "https://wfm.example.com/hook", events: [code.*], secret: {env: WFM_SECRET}, timeout: 2s}
  chat: {url_from: {file: chat.url}, events: ["*"], template: {text: "{text}"}, escape: markdown}""",
    )
    sinks = load(root, orgs=()).sinks
    assert list(sinks) == ["chat", "wfm"]
    wfm, chat = sinks["wfm"], sinks["chat"]
    assert (wfm.url, wfm.events, wfm.timeout) == ("https://wfm.example.com/hook", ("code.*",), 2.0)
    assert wfm.secret is not None
    assert (wfm.secret.env, str(wfm.secret.source)) == ("WFM_SECRET", "wrapups/wrapctl.yaml:3:72")
    assert chat.url_from is not None
    assert (chat.url, chat.url_from.file, chat.template, chat.escape, chat.timeout) == (
        "",
        "chat.url",
        {"text": "{text}"},
        "markdown",
        5.0,
    )


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ("{events: ['*'], secret: {env: S}}", "exactly one of url and url_from"),
        (
            "{url: 'https://a.example', url_from: {env: U}, events: ['*'], secret: {env: S}}",
            "exactly one of url",
        ),
        ("{url: 'https://a.example', events: ['*']}", "without a signature anybody can send it events"),
        ("{url: 'https://a.example', events: [], secret: {env: S}}", "a sink without events"),
        (
            "{url: 'https://a.example', events: [code.create], secret: {env: S}}",
            "did you mean `code.created`?",
        ),
        ("{url: 'https://a.example', events: ['*'], secret: hunter2}", "a literal secret in a file"),
        ("{url: 'http://a.example', events: ['*'], secret: {env: S}}", "plain http to another machine"),
        ("{url: 'ftp://a.example', events: ['*'], secret: {env: S}}", "not the URL of a sink"),
        ("{url: 'https://me:word@a.example', events: ['*'], secret: {env: S}}", "credentials or a fragment"),
        ("{url: 'https://a.example', events: ['*'], template: {text: '{txt}'}}", "did you mean `text`?"),
        ("{url: 'https://a.example', events: ['*'], secret: {env: S}, timeout: 2m}", "more than 30s"),
        (
            "{url: 'https://a.example', events: ['*'], secret: {env: S}, url_form: x}",
            "did you mean `url_from`?",
        ),
    ],
)
def test_what_is_wrong_with_a_sink_is_said_with_its_position(tmp_path: Path, sink: str, words: str) -> None:
    found = wrong(tmp_path, f"\n  wfm: {sink}")
    assert words in found
    assert found.startswith("wrapctl.yaml:3:")
    assert "hunter2" not in found
    assert "word@" not in found


def test_a_name_that_is_none_of_a_folder_is_refused(tmp_path: Path) -> None:
    found = wrong(tmp_path, "\n  ../up: {url: 'https://a.example', events: ['*'], secret: {env: S}}")
    assert "the sink `../up` is not allowed" in found


def test_a_chats_url_in_the_file_is_warned_of_without_being_repeated(tmp_path: Path) -> None:
    root = declared(
        tmp_path,
        "\n  chat: {url: 'https://hooks.slack.com/services/T0/B0/xyzzy', events: ['*'], template: {text: '{text}'}}",
    )
    (warning,) = loaded(root).warnings
    assert "whoever reads this URL can post there" in warning.message
    assert "url_from" in warning.hint
    assert "xyzzy" not in str(warning)


def test_http_to_this_machine_is_for_trying_it_out(tmp_path: Path) -> None:
    assert wrong(tmp_path, "\n  me: {url: 'http://127.0.0.1:8090/', events: ['*'], secret: {env: S}}") == ""


def test_sinks_are_policy_so_a_pull_request_cannot_turn_them_to_itself(tmp_path: Path) -> None:
    line = "\n  wfm: {url: 'https://wfm.example.com/', events: ['*'], secret: {env: WFM_SECRET}}"
    root = declared(tmp_path, line)
    commit(root)
    write(root, wrapctl=f"kind: Project\nsinks: {line.replace('wfm.example.com', 'evil.example')}\n")
    proposed = propose(root, "HEAD")
    assert proposed.project.sinks["wfm"].url == "https://wfm.example.com/"
    (change,) = proposed.policy
    assert (change.path, change.after) == ("sinks.wfm.url", "https://evil.example/")
