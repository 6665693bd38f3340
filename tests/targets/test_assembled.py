"""One target out of a platform and its CRM systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from fake_crm import LIST_LIKE, ONE_BY_ONE, TABLE_LIKE, FakeCrm
from fakes import FakeOrg, Fault
from world import GENESYS_LIKE
from wrapctl.errors import Interrupted, Unreachable
from wrapctl.model import Address, Change, Identity, Live, Verb
from wrapctl.plan.units import Unit
from wrapctl.targets.assembled import Assembled
from wrapctl.targets.interface import Outcome, Reader, Result, Traffic, Want

ALL = Want(rows={"sf": None, "cases": None, "now": None})


def together(org: FakeOrg, **crms: FakeCrm) -> Assembled:
    """An org with its connections, by name."""
    kept = {system: crm for crm in crms.values() for system in crm.state}
    return Assembled(org, kept, {system: name for name, crm in crms.items() for system in crm.state})


def create(system: str, key: str = "to/A") -> Unit:
    address = Address(f"acme/crm/{system}/{key}")
    return Unit(
        "rows", "", (Change(Verb.CREATE_ROW, address, {}, {"key": key, "value": "x"}, system=system),)
    )


def said(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [f"{one.result}: {one.message}" if one.message else str(one.result) for one in outcomes]


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_read_brings_the_platform_and_the_rows_of_every_system_the_systems_of_a_connection_together() -> (
    None
):
    org, sf, now = FakeOrg({"c1": "Sale"}), FakeCrm("sf", "cases"), FakeCrm("now", capabilities=LIST_LIKE)
    sf.holds("sf", "to/A", value="x")
    now.holds("now", "value/x", value="x")

    live = together(org, prod=sf, snow=now).reader().read(replace(ALL, codes=None))

    assert live.identity == Identity("org-1", "Acme")
    assert [one.name for one in live.codes] == ["Sale"]
    assert {system: [row.key for row in rows.rows] for system, rows in live.crm.items()} == {
        "cases": [],
        "now": ["value/x"],
        "sf": ["to/A"],
    }
    assert live.unread == {}
    assert sf._reads == 1, "two systems of a connection are one read"


def test_a_read_of_one_system_asks_no_other_connection_and_costs_the_platform_nothing() -> None:
    org, sf, now = FakeOrg({"c1": "Sale"}), FakeCrm("sf"), FakeCrm("now")

    live = together(org, prod=sf, snow=now).reader().read(Want(rows={"sf": frozenset({"to/A"})}))

    assert list(live.crm) == ["sf"]
    assert (org.calls, sf.calls, now.calls) == ([], ["GET sf to/A"], [])


def test_a_crm_that_is_down_is_not_read_and_never_empty() -> None:
    org, sf, now = FakeOrg(), FakeCrm("sf", "cases"), FakeCrm("now")
    sf.down = True

    live = together(org, prod=sf, snow=now).reader().read(ALL)

    assert list(live.crm) == ["now"]
    assert live.unread == dict.fromkeys(("cases", "sf"), "GET cases all reached nobody")
    assert len(sf.calls) == 1, "what nobody answers is not asked again for each system"


def test_one_system_that_cannot_be_read_leaves_the_others_of_its_connection() -> None:
    sf = FakeCrm("sf", "cases")
    sf.unreadable = {"cases": "there is no such object"}

    live = together(FakeOrg(), prod=sf).reader().read(Want(rows={"sf": None, "cases": None}))

    assert (list(live.crm), dict(live.unread)) == (["sf"], {"cases": "there is no such object"})


def test_rows_that_nobody_keeps_are_not_read() -> None:
    live = together(FakeOrg(), prod=FakeCrm("sf")).reader().read(Want(rows={"gone": None}))

    assert dict(live.unread) == {"gone": "nothing keeps rows of this system"}


def test_a_platform_that_is_down_is_an_error_whatever_its_crm_says() -> None:
    org = FakeOrg({"c1": "Sale"})
    org.down = True

    with pytest.raises(Unreachable):
        together(org, prod=FakeCrm("sf")).reader().read(Want(codes=None, rows={"sf": None}))


class Interrupting(FakeCrm):
    """Somebody asks to stop while it is read."""

    def reader(self) -> Reader:  # type: ignore[override]  # another reader on purpose
        return _Interrupted()


class _Interrupted:
    def identity(self) -> Identity:
        return Identity("", "")

    def read(self, want: Want) -> Live:
        raise Interrupted("asked to stop")


def test_a_stop_passes_through() -> None:
    with pytest.raises(Interrupted):
        together(FakeOrg(), prod=Interrupting("sf")).reader().read(Want(rows={"sf": None}))


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_unit_goes_where_its_rows_are_kept() -> None:
    org, sf, now = FakeOrg(), FakeCrm("sf"), FakeCrm("now")
    writer = together(org, prod=sf, snow=now).writer()
    live = Live(Identity("org-1", "Acme"))
    code = Change(Verb.CREATE_CODE, Address("acme/code/A"), {}, {"name": "A"})

    assert said(writer.write(create("now"), live)) == ["done"]
    assert said(writer.write(Unit("code", "", (code,)), live)) == ["done"]
    assert (org.calls, sf.calls, now.calls) == (["POST /codes A"], [], ["POST now to/A"])


def test_a_fatal_answer_closes_its_system_and_ends_no_run() -> None:
    sf = FakeCrm("sf", "cases")
    sf.faults[0] = Fault.FATAL
    writer = together(FakeOrg(), prod=sf).writer()
    live = Live(Identity("org-1", "Acme"))

    first = writer.write(create("sf"), live)
    second = writer.write(create("sf", "to/B"), live)

    assert [one.fatal for one in (*first, *second)] == [False, False]
    assert (first[0].result, second[0].result) == (Result.REFUSED, Result.BUSY)
    assert second[0].message == (
        "not sent: nothing more goes to sf in this run: "
        "the request answered 403 missing.permissions: missing.permissions says the platform"
    )
    assert said(writer.write(create("cases"), live)) == ["done"], (
        "the other system of the connection may be open"
    )
    assert sf.calls == ["POST sf to/A", "POST cases to/A"]


def test_rows_that_nobody_keeps_are_refused_and_not_sent() -> None:
    writer = together(FakeOrg(), prod=FakeCrm("sf")).writer()

    assert said(writer.write(create("gone"), Live(Identity("org-1", "Acme")))) == [
        "refused: not sent: nothing keeps rows of gone"
    ]


# ── what it is ─────────────────────────────────────────────────────────────────────────────────────────────


def test_it_can_what_the_platform_can_and_for_each_system_what_keeps_its_rows() -> None:
    strict = replace(TABLE_LIKE, systems={"cases": ONE_BY_ONE})
    target = together(
        FakeOrg(),
        prod=FakeCrm("sf", "cases", capabilities=strict),
        snow=FakeCrm("now", capabilities=LIST_LIKE),
    )

    assert replace(target.capabilities, systems={}) == GENESYS_LIKE
    assert target.capabilities.of("") == target.capabilities
    assert dict(target.capabilities.systems) == {"cases": ONE_BY_ONE, "now": LIST_LIKE, "sf": strict}


def test_traffic_is_summed_and_tells_which_connection_it_went_over() -> None:
    org, sf = FakeOrg({"c1": "Sale"}), FakeCrm("sf", "cases")
    target = together(org, prod=sf)

    target.reader().read(Want(codes=None, rows={"sf": None, "cases": None}))
    sf.traffic.retries, sf.traffic.waited = 2, 1.5

    assert target.traffic.requests == {"GET /codes": 1, "prod GET sf": 1, "prod GET cases": 1}
    assert (target.traffic.total, target.traffic.retries, target.traffic.waited) == (3, 2, 1.5)


class Inside(FakeCrm):
    """Keeps its rows in the platform and shares its connection."""

    def __init__(self, org: FakeOrg) -> None:
        super().__init__("table")
        self._traffic = org.traffic


def test_what_the_platform_keeps_itself_is_not_counted_twice() -> None:
    org = FakeOrg({"c1": "Sale"})
    target = Assembled(org, {"table": Inside(org)}, {"table": ""})

    target.reader().read(Want(codes=None, rows={"table": None}))

    assert target.traffic.requests == {"GET /codes": 1, "GET table": 1}
    assert target.traffic == Traffic({"GET /codes": 1, "GET table": 1})


class Breaking(FakeCrm):
    def close(self) -> None:
        raise OSError("the socket is gone")


def test_all_are_closed_although_one_fails() -> None:
    closed: list[str] = []

    class Org(FakeOrg):
        def close(self) -> None:
            closed.append("platform")

    last = FakeCrm("now")
    target = together(Org(), prod=Breaking("sf"), snow=last)

    with pytest.raises(OSError, match="the socket is gone"):
        target.close()
    assert (last.closed, closed) == (True, ["platform"])


def test_systems_of_one_connection_are_one_part_however_they_are_named() -> None:
    sf = FakeCrm("b", "a")
    names: Mapping[str, str] = {"a": "prod", "b": "prod"}
    target = Assembled(FakeOrg(), {"b": sf, "a": sf}, names)

    target.reader().read(Want(rows={"b": None, "a": None}))

    assert sf.calls == ["GET a all", "GET b all"]
