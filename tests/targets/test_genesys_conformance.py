"""Every request that the target sends, and every answer that it is tested with, is one of the real API."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_check import checked
from genesys_org import RICH_QUEUE, Org, assign, create, delete, set_acw, set_flags, unassign, update
from wrapctl.targets.interface import Result, Want


@pytest.mark.contracts
def test_all_that_is_sent_and_answered_validates_against_the_contract(tmp_path: Path) -> None:
    org = Org(
        tmp_path,
        divisions=[{"name": "Home"}, {"name": "Sales"}],
        codes=[
            {"name": "Sold", "division": "Sales"},
            {"name": "Lost"},
            *({"name": f"C{n}"} for n in range(120)),
        ],
        queues=[
            {"name": "Rich", "codes": ["Sold"], **RICH_QUEUE, "acwSettings": {"wrapupPrompt": "OPTIONAL"}}
        ],
        mapping={"defaultSet": ["BUSINESS_NEUTRAL"]},
    )
    app = checked(org.sandbox.wsgi)
    org.target.close()
    org.target = org.connect(app=app)
    queue, sold, lost = org.queue("Rich"), org.code("Sold"), org.code("Lost")
    org.read()
    org.read(Want(codes=frozenset({sold}), queues=frozenset({queue}), links=frozenset({queue})))
    org.read(Want(code_names=frozenset({"Sold", "100 %/é"})))
    outcomes = org.write(
        create("100 %/é", description="d", division="Sales"),
        update(sold, {"name": "Sold"}, {"name": "Sold!", "description": "", "division": "*"}),
        assign(queue, lost),
        set_acw(queue, {"prompt": "optional"}, {"prompt": "mandatory-timeout", "timeout_ms": 45000}),
        set_flags(sold, ("business-neutral",), ("business-success", "right-party-contact")),
        unassign(queue, sold),
    )
    outcomes += org.write(delete(lost), create("C1"))
    assert {outcome.result for outcome in outcomes} == {Result.DONE, Result.EXISTS}
    assert sorted(set(app.violations)) == []
    org.close()
