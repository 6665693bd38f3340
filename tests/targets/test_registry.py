"""Platforms are named in one place and loaded when asked for."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wrapctl.errors import UsageError
from wrapctl.model import Verb
from wrapctl.targets import registry
from wrapctl.targets.interface import Connection, Runtime

STOP = threading.Event()
RUNTIME = Runtime(STOP, lambda: 0.0, STOP.wait)


@pytest.mark.parametrize("name", registry.names())
def test_every_platform_declares_itself_under_its_own_name(name: str) -> None:
    assert registry.capabilities(name).name == name


@pytest.mark.parametrize("name", registry.names())
def test_every_lock_belongs_to_a_verb_that_the_platform_has(name: str) -> None:
    declared = registry.capabilities(name)
    assert set(declared.locks) <= set(declared.verbs)
    assert set(declared.verbs) <= set(Verb)


@pytest.mark.parametrize("name", registry.names())
def test_capabilities_and_options_load_no_http_library(name: str) -> None:
    code = (
        "import sys\n"
        "from wrapctl.targets import registry\n"
        f"registry.capabilities({name!r})\n"
        f"import wrapctl.targets.{name}.options\n"
        "assert not {'httpx', 'tenacity', 'flask'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_platform_lists_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        registry.capabilities("five9")
    assert "genesys" in caught.value.hint


def test_missing_credentials_are_named_before_anything_is_sent(tmp_path: Path) -> None:
    connection = Connection("acme", "", "eu-central-1", {"client_id": lambda: "x"}, tmp_path)
    with pytest.raises(UsageError, match="acme: credentials lack client_secret"):
        registry.connect("genesys", connection, RUNTIME)


def test_connecting_sends_nothing_and_asks_for_no_secret(tmp_path: Path) -> None:
    def never() -> str:
        raise AssertionError

    secrets = {"client_id": never, "client_secret": never}
    for endpoint in ("", "sandbox", "http://127.0.0.1:9"):
        target = registry.connect(
            "genesys", Connection("acme", endpoint, "eu-central-1", secrets, tmp_path), RUNTIME
        )
        assert target.traffic.total == 0
        target.close()


def test_an_embedded_sandbox_answers_without_a_socket(tmp_path: Path) -> None:
    secrets = {"client_id": lambda: "sandbox-somebody", "client_secret": lambda: "sandbox"}
    target = registry.connect("genesys", Connection("somebody", "sandbox", "", secrets, tmp_path), RUNTIME)
    identity = target.reader().identity()
    assert (identity.name, identity.sandbox) == ("somebody", True)
    assert target.traffic.requests == {"POST /oauth/token": 1, "GET /api/v2/organizations/me": 1}
    target.close()
