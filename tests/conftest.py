"""What every test gets: the same surroundings on a desk and in CI, and a contract held against all traffic."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import contract_check
import crm_contract
import cxone_contract
from contracts import folder
from wrapctl.sandbox import Sandbox
from wrapctl.sandbox.app import App

for _name in ("CI", "WRAPCTL_SECRETS", "WRAPCTL_ALLOW_COMMAND", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
    os.environ.pop(_name, None)

# Never a timed test: a busy machine is no reason to fail.
settings.register_profile("wrapctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wrapctl")

# The sandbox's own tests ask for what no client should; the others go through wrapctl's own requests alone.
_THROUGH_WRAPCTL = (
    "tests/e2e",
    "tests/cli",
    "tests/test_docs",
    "tests/targets/test_crm",
    "tests/targets/test_dataverse",
    "tests/targets/test_salesforce",
    "tests/targets/test_servicenow",
)


@pytest.fixture(autouse=True)
def held_to_the_contract(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every request and answer between wrapctl and the sandbox validates against the vendor's contract."""
    where = str(request.node.path)
    if (
        not any(part in where for part in _THROUGH_WRAPCTL)
        or not (folder() / "genesys-cloud.swagger.json").is_file()
    ):
        yield
        return
    apps: list[contract_check.Checked | cxone_contract.Checked | crm_contract.Checked] = []

    def wsgi(box: Sandbox) -> contract_check.Checked:
        # Each looks at its own vendor's paths alone.
        rows = crm_contract.checked(App(box._store, box._clock), faults=True)
        inner = cxone_contract.checked(rows, faults=True)
        outer = contract_check.checked(inner, faults=True)
        apps.extend((rows, inner, outer))
        return outer

    monkeypatch.setattr(Sandbox, "wsgi", property(wsgi))
    yield
    assert [wrong for app in apps for wrong in app.violations] == []
