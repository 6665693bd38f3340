"""The example orgs: their first plan shows every kind of change, and stays within its own limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from wrapctl.config import project
from wrapctl.config.adopt import import_org
from wrapctl.config.vendor import vendor
from wrapctl.config.write import OrgSettings
from wrapctl.model import Cause, Live, Verb
from wrapctl.plan.plan import Plan
from wrapctl.survey import survey
from wrapctl.targets import registry
from wrapctl.targets.assembled import Assembled
from wrapctl.targets.interface import Runtime, Target, Want

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 10)
ORGS = ("acme-cxone", "acme-emea", "acme-us")


@contextmanager
def connected(org: str, root: Path, state: Path) -> Iterator[tuple[project.OrgConfig, Target]]:
    config = project.load(root).orgs[org]
    runtime = Runtime(threading.Event(), lambda: 0.0, lambda _: False)
    platform = registry.connect(config.desired.platform, config.connection({}, state), runtime)
    crm: dict[str, Target] = {}
    for one in config.crm_connections({}, state):
        kept = registry.connect_crm(one, runtime, platform)
        crm.update({place.system: kept for place in one.places})
    target = Assembled(platform, crm, dict.fromkeys(crm, ""))
    try:
        yield config, target
    finally:
        target.close()


def first_plan(org: str, root: Path, state: Path) -> Plan:
    with connected(org, root, state) as (config, target):
        return survey(target.reader(), target.capabilities, config.desired, as_of=TODAY)[0]


def everything(target: Target) -> Live:
    reader = target.reader()
    first = reader.read(Want(codes=None, queues=None, outbound=True, divisions=True))
    links = reader.read(Want(links=frozenset(queue.id for queue in first.queues)))
    return replace(first, links=links.links, link_names=links.link_names)


def test_the_example_is_valid_and_warns_only_of_what_a_vendor_cannot_hold() -> None:
    loaded = project.load(ROOT)
    assert tuple(loaded.orgs) == ORGS
    # The one kind of warning: what the shared catalog says and the other vendor has no place for.
    assert all("acme-cxone: NICE CXone has no `" in warning.message for warning in loaded.warnings)
    assert loaded.staged(ORGS) == (("acme-us",), ("acme-cxone", "acme-emea"))


def test_the_first_plan_shows_every_kind_of_change(tmp_path: Path) -> None:
    plan = first_plan("acme-emea", ROOT, tmp_path)
    assert set(plan.counts) == {
        Verb.UPDATE_CODE,
        Verb.CREATE_CODE,
        Verb.ASSIGN,
        Verb.SET_ACW,
        Verb.SET_OUTBOUND,
        Verb.UNASSIGN,
        Verb.DELETE_CODE,
        Verb.CREATE_TABLE,
        Verb.CREATE_ROW,
    }
    assert any(change.renames for change in plan.pending)
    assert {change.cause for change in plan.pending} >= {Cause.FILES, Cause.VALIDITY}
    assert plan.outstanding == ()
    assert plan.unread == ()
    assert {one.why for one in plan.unmanaged} == {"undeclared", "ignored", "protected"}


@pytest.mark.parametrize("org", ORGS)
def test_the_first_plan_stays_within_its_own_limits(org: str, tmp_path: Path) -> None:
    plan = first_plan(org, ROOT, tmp_path)
    assert plan.findings == ()
    assert plan.pending


@pytest.mark.parametrize("org", ORGS)
def test_the_live_example_orgs_import_into_an_empty_folder_and_plan_to_nothing(
    org: str, tmp_path: Path
) -> None:
    with connected(org, ROOT, tmp_path / "state") as (config, target):
        platform = config.desired.platform
        words = vendor(platform)
        assert words is not None
        out = import_org(
            org, everything(target), words, sets=True, settings=OrgSettings(platform, endpoint="sandbox")
        )
    for path, text in out.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    plan = first_plan(org, tmp_path, tmp_path / "state")
    assert (plan.changes, plan.unmanaged, plan.warnings) == ((), (), ())
