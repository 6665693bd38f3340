"""Every request that the target sends to CXone, and every answer that it is tested with, is one of the real API."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxone_contract import checked
from cxone_org import NAME, Tenant, create, deactivate, reorder
from genesys_org import assign, set_acw, unassign, update
from wrapctl.targets.interface import Result, Want


@pytest.mark.contracts
@pytest.mark.parametrize("registered", [False, True])
def test_all_that_is_sent_and_answered_validates_against_the_contract(
    tmp_path: Path, registered: bool
) -> None:
    tenant = Tenant(
        tmp_path,
        dispositions=[{"name": "Sold"}, {"name": "Lost"}, *({"name": f"C{n}"} for n in range(120))],
        skills=[
            {"name": "Rich", "dispositions": ["Sold"]},
            {"name": "Dialer", "isOutbound": True, "isRunning": True},
        ],
        settings={"refused_names": ["Never"]},
    )
    app = checked(tenant.sandbox.wsgi)
    tenant.target.close()
    application = (f"sandbox-{NAME}-app", "sandbox") if registered else None
    tenant.target = tenant.connect(app=app, application=application)
    queue, sold, lost = tenant.queue("Rich"), tenant.code("Sold"), tenant.code("Lost")
    tenant.read(Want(codes=None, queues=None, choices=frozenset({"state", "classification"})))
    tenant.read(Want(codes=frozenset({sold}), queues=frozenset({queue}), links=frozenset({queue})))
    tenant.read(Want(code_names=frozenset({"Sold", "100 %/é"})))
    outcomes = tenant.write(
        create("100 %/é", description="d", classification="Other"),
        create("Never"),
        update(sold, {"name": "Sold"}, {"name": "Sold!", "description": "", "active": True}),
        assign(queue, lost),
        reorder(queue, (sold,), (lost, sold)),
        set_acw(
            queue,
            {"prompt": "none"},
            {"prompt": "mandatory", "timeout_ms": 45_000, "state": "After Call Work"},
        ),
        assign(tenant.queue("Dialer"), lost),
    )
    outcomes += tenant.write(
        unassign(queue, sold), deactivate(lost), set_acw(queue, {"prompt": "mandatory"}, {"prompt": "none"})
    )
    assert {outcome.result for outcome in outcomes} == {Result.DONE, Result.REFUSED, Result.BUSY}
    assert sorted(set(app.violations)) == []
    assert {template for _, template in app.seen} >= {
        "/.well-known/cxone-configuration",
        "/business-unit",
        "/dispositions",
        "/dispositions/classifications",
        "/dispositions/{dispositionId}",
        "/skills",
        "/skills/{skillId}",
        "/unavailable-codes",
    }
    tenant.close()
