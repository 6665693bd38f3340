"""Requests of plan and apply over a data table that is full: 5,000 rows, one of them changed. Counted at the sandbox.

    python benchmarks/datatable.py [codes rules]

The sandbox grants pages of 100 at most. Logins and retries count; so do the codes, which every plan lists.
"""

from __future__ import annotations

import math
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from wrapctl.apply.journal import Journal
from wrapctl.apply.lock import FileLock
from wrapctl.apply.run import ApplyOptions, apply
from wrapctl.errors import Source
from wrapctl.model import Code, CrmMapping, CrmRow, Desired, Scope, Value
from wrapctl.plan.plan import Plan
from wrapctl.policy import Limit, Limits, Policy
from wrapctl.rows import Place
from wrapctl.sandbox import Sandbox
from wrapctl.survey import survey
from wrapctl.targets.assembled import Assembled
from wrapctl.targets.genesys_datatable import convert
from wrapctl.targets.genesys_datatable.options import DatatableTarget
from wrapctl.targets.interface import Connection, CrmConnection, Runtime, Target
from wrapctl.targets.registry import connect, connect_crm

ORG, SYSTEM, TABLE = "full", "salesforce", "Wrap-up mapping"
HERE = Source(f"wrapups/{ORG}/crm/{SYSTEM}.yaml", 1, 1)
PAGE = 100
DAY = date(2026, 3, 1)
POLICY = Policy(limits=Limits(creates=Limit(max=10_000)))
PLACE = Place(SYSTEM, ORG, {"table": TABLE})


def code_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def rows(codes: int, rules: int) -> tuple[CrmRow, ...]:
    """A row for each code, and rules from the CRM's statuses to them."""
    found = []
    for number in range(codes + rules):
        named = f"CODE_{number % codes:05}"
        fields: dict[str, Value] = {"code": named, "system": SYSTEM, "active": True}
        if number < codes:
            key = f"to/{named}"
            fields |= {
                "direction": "to_crm",
                "value": f"Value {number % 40}",
                "description": "Said by the business",
            }
        else:
            key = f"from/status=STATUS_{number:05}"
            fields |= {"direction": "from_crm", "status": f"STATUS_{number:05}", "order": number - codes + 1}
        found.append(CrmRow(key, HERE, named, {"key": key, **fields}))
    return tuple(sorted(found, key=lambda row: row.key))


def desired(codes: int, rules: int) -> Desired:
    mapping = CrmMapping(SYSTEM, "genesys-datatable", rows(codes, rules), HERE, options=PLACE.options)
    return Desired(
        org=ORG,
        platform="genesys",
        codes=tuple(
            Code(f"CODE_{number:05}", f"Code {number:05}", HERE, {"name": f"Code {number:05}"})
            for number in range(codes)
        ),
        queues=(),
        policy=POLICY,
        crm=(mapping,),
        digest="benchmark",
    )


def seed(want: Desired, *, filled: bool) -> dict[str, object]:
    """The org as the files want it; ``filled``: its table has all rows."""
    ids = {code.key: code_id(number) for number, code in enumerate(want.codes)}
    prefix = convert.prefix_of(PLACE, DatatableTarget(table=TABLE))
    kept = {}
    for row in want.crm[0].rows if filled else ():
        key = convert.table_key(prefix, row.key)
        body = convert.row_body({**row.fields, "code_id": ids[row.code or ""]}, key, PLACE, {})
        kept[key] = {name: value for name, value in body.items() if name != convert.KEY}
    return {
        "name": ORG,
        "settings": {"rate_limit": 0},
        "codes": [{"name": code.name, "id": ids[code.key], "division": "*"} for code in want.codes],
        "datatables": [{"name": TABLE, "columns": dict(convert.COLUMNS), "rows": kept}],
    }


def edited(want: Desired, value: str) -> Desired:
    """One code is called otherwise in the CRM."""
    mapping = want.crm[0]
    first = next(row for row in mapping.rows if row.key.startswith("to/"))
    changed = replace(first, fields={**first.fields, "value": value})
    return replace(
        want, crm=(replace(mapping, rows=tuple(changed if row is first else row for row in mapping.rows)),)
    )


def runtime() -> Runtime:
    stop = threading.Event()
    return Runtime(stop, time.monotonic, stop.wait)


@contextmanager
def org(folder: Path) -> Iterator[Target]:
    """The org with its table, connected as the command line does it; what was seen is forgotten at the end."""
    secrets = {"client_id": lambda: f"sandbox-{ORG}", "client_secret": lambda: "sandbox"}
    connection = Connection(ORG, "sandbox", "", secrets, folder, requests_per_minute=1_000_000)
    platform = connect("genesys", connection, runtime())
    tables = connect_crm(CrmConnection("genesys-datatable", connection, (PLACE,)), runtime(), platform)
    target = Assembled(platform, {SYSTEM: tables}, {SYSTEM: ""})
    try:
        yield target
    finally:
        target.close()


def line(what: str, counted: int, formula: str, allowed: int) -> None:
    verdict = "within" if counted <= allowed else "OVER"
    print(f"  {what:<44} {counted:>6} requests, {verdict} {allowed} = {formula}")


def planned(target: Target, want: Desired, scope: Scope | None = None) -> Plan:
    plan, _ = survey(target.reader(), target.capabilities, want, as_of=DAY, scope=scope)
    return plan


def applied(target: Target, plan: Plan, folder: Path, run: str) -> int:
    """Apply a plan; all requests of the target until then."""
    report = apply(
        plan,
        target,
        desired_policy=POLICY,
        runtime=runtime(),
        clock=lambda: datetime.now(UTC),
        journal=Journal(folder / "journal", run, lambda: datetime.now(UTC)),
        lock=FileLock(folder / "locks"),
        options=ApplyOptions(run=run),
    )
    assert report.exit_code == 0, report
    return target.traffic.total


def details(target: Target, what: str) -> None:
    for template, count in sorted(target.traffic.requests.items()):
        print(f"      {count:>6}  {template}   ({what})")


def main() -> None:
    codes, rules = (int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (1_000, 4_000)
    total = codes + rules
    print(f"a data table of {total} rows ({codes} codes, {rules} rules), pages of {PAGE}:")
    want = desired(codes, rules)
    one, other = edited(want, "Another value"), edited(want, "Yet another")
    # Token, organization, divisions, queues, the table; then the listings.
    listing = 5 + math.ceil(codes / PAGE)
    pages = math.ceil(total / PAGE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Sandbox(folder / "empty") as sandbox:
            sandbox.seed_org(seed(want, filled=False))
        with org(folder / "empty") as target:
            plan = planned(target, want)
            estimate = plan.estimate
            print(
                f"  {'filling an empty table':<44} {estimate.requests:>6} requests estimated for {len(plan.pending)}"
                f" rows, {estimate.minutes:g} minutes at {POLICY.limits.requests_per_minute} a minute"
            )
        with Sandbox(folder / "sandbox") as sandbox:
            sandbox.seed_org(seed(want, filled=True))
        with org(folder / "sandbox") as target:
            plan = planned(target, want)
            assert not plan.changes, "the seed is in sync"
            line("full plan, in sync", target.traffic.total, "5 + N/P + R/P", listing + pages)
        with org(folder / "sandbox") as target:
            scope = Scope(frozenset({"CODE_00000"}), frozenset())
            plan = planned(target, one, scope)
            assert len(plan.pending) == 1
            of_it = 1 + math.ceil(rules / codes)
            line(
                "plan scoped to the changed code",
                target.traffic.total,
                "5 + N/P + first page + rows of the code",
                listing + 1 + of_it,
            )
        with org(folder / "sandbox") as target:
            plan = planned(target, one)
            assert len(plan.pending) == 1
            read = target.traffic.total
            line("full plan, one row changed", read, "5 + N/P + R/P", listing + pages)
            line(
                "apply of it, after that plan",
                applied(target, plan, folder, "run-1") - read,
                "a look, a write, a look",
                3,
            )
            print(f"  {'':<44} {plan.estimate.requests:>6} were estimated by the plan, login included")
            details(target, "plan and apply")
        with org(folder / "sandbox") as target:
            plan = planned(target, other)
        with org(folder / "sandbox") as target:
            spent = applied(target, plan, folder, "run-2")
            line("apply of a saved plan, another process", spent, "3 + first page + those 3", 7)
            details(target, "apply")


if __name__ == "__main__":
    main()
