from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from project_files import ORG, acme, load
from wrapctl.config import secrets
from wrapctl.config.secrets import Secret, Where, fetch
from wrapctl.errors import ConfigError, Source

AT = Source("wrapups/acme/org.yaml", 4, 27)


def env(name: str = "TOKEN") -> Where:
    return Where("acme", "client_secret", AT, env=name)


def message(where: Where, environ: dict[str, str], root: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        fetch(where, environ, root=root)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_secret_is_never_shown_by_accident() -> None:
    secret = Secret("hunter2-hunter2")
    assert secret.reveal() == "hunter2-hunter2"
    assert f"{secret} {secret!r} {[secret]} {secret:>20}" == "*** *** [***] ***"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)


def test_a_variable_is_read_when_it_is_asked_for_and_known_for_redaction(tmp_path: Path) -> None:
    assert fetch(env(), {"TOKEN": "s3cret-of-the-test"}, root=tmp_path).reveal() == "s3cret-of-the-test"
    assert "s3cret-of-the-test" in secrets.known()


def test_a_variable_that_is_not_set_names_org_place_and_variable(tmp_path: Path) -> None:
    assert message(env(), {}, tmp_path) == (
        "wrapups/acme/org.yaml:4:27: error: acme: the secret `client_secret` needs the variable TOKEN, which is not set"
        " (export TOKEN=…)"
    )
    assert "is empty" in message(env(), {"TOKEN": ""}, tmp_path)


def test_only_listed_variables_are_readable_where_there_is_a_list(tmp_path: Path) -> None:
    environ = {"TOKEN": "x", "OTHER": "hunter2", "WRAPCTL_SECRETS": "TOKEN, SECOND"}
    assert fetch(env(), environ, root=tmp_path).reveal() == "x"
    found = message(env("OTHER"), environ, tmp_path)
    assert "may not use the variable OTHER" in found
    assert "hunter2" not in found
    assert "may not use" in message(env(), {"TOKEN": "x", "WRAPCTL_SECRETS": ""}, tmp_path)


def test_a_file_holds_nothing_but_the_secret(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("abc\n")
    assert fetch(Where("acme", "s", AT, file="s"), {}, root=tmp_path).reveal() == "abc"
    assert "cannot be read from its file: No such file" in message(
        Where("acme", "s", AT, file="t"), {}, tmp_path
    )
    (tmp_path / "b").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in message(Where("acme", "s", AT, file="b"), {}, tmp_path)


def test_a_command_runs_only_where_commands_are_allowed(tmp_path: Path) -> None:
    where = Where("acme", "s", AT, command=("printf", "a b"))
    assert "which is not allowed here (set WRAPCTL_ALLOW_COMMAND=1 to allow it)" in message(
        where, {}, tmp_path
    )
    allowed = {"WRAPCTL_ALLOW_COMMAND": "1", "PATH": "/usr/bin:/bin"}
    assert fetch(where, allowed, root=tmp_path).reveal() == "a b"


def test_a_command_that_fails_is_not_quoted(tmp_path: Path) -> None:
    allowed = {"WRAPCTL_ALLOW_COMMAND": "1", "PATH": "/usr/bin:/bin"}
    failing = Where("acme", "s", AT, command=("sh", "-c", "echo hunter2; echo hunter2 >&2; exit 3"))
    found = message(failing, allowed, tmp_path)
    assert "failed with 3" in found
    assert "hunter2" not in found
    assert "cannot start" in message(Where("acme", "s", AT, command=("no-such-program",)), allowed, tmp_path)


def test_an_org_on_the_sandbox_needs_no_credentials(tmp_path: Path) -> None:
    connection = load(acme(tmp_path)).connection({}, tmp_path / "sandbox")
    assert {name: get() for name, get in connection.credentials.items()} == {
        "client_id": "sandbox-acme",
        "client_secret": "sandbox",
    }
    assert (connection.org, connection.endpoint, connection.region) == ("acme", "sandbox", "")


def test_a_connection_fetches_secrets_late_and_says_what_is_missing(tmp_path: Path) -> None:
    org = ORG.replace("sandbox", "https://api.example.com") + (
        "organization_id: 3c0f\ncredentials: {client_id: {env: ID}, client_secret: {env: SECRET}}\n"
        "limits: {requests_per_minute: 60}\n"
    )
    connection = load(acme(tmp_path, org=org)).connection({"ID": "me"}, tmp_path)
    assert connection.requests_per_minute == 60
    assert connection.credentials["client_id"]() == "me"
    with pytest.raises(ConfigError) as caught:
        connection.credentials["client_secret"]()
    assert str(caught.value.problems[0].source) == "wrapups/acme/org.yaml:5:52"
