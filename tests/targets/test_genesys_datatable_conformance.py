"""What the target sends and gets is held against the contract: encoded keys, schemas, every operation it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_check import checked
from datatable_org import (
    TABLE,
    Datatables,
    create,
    deactivate,
    delete,
    mapped,
    place,
    table_change,
    tables,
    update,
)

pytestmark = pytest.mark.contracts

USED = {
    ("GET", "/api/v2/flows/datatables"),
    ("POST", "/api/v2/flows/datatables"),
    ("GET", "/api/v2/flows/datatables/{datatableId}"),
    ("PUT", "/api/v2/flows/datatables/{datatableId}"),
    ("GET", "/api/v2/flows/datatables/{datatableId}/rows"),
    ("POST", "/api/v2/flows/datatables/{datatableId}/rows"),
    ("GET", "/api/v2/flows/datatables/{datatableId}/rows/{rowId}"),
    ("PUT", "/api/v2/flows/datatables/{datatableId}/rows/{rowId}"),
    ("DELETE", "/api/v2/flows/datatables/{datatableId}/rows/{rowId}"),
}


def test_every_request_and_answer_keeps_to_the_contract(tmp_path: Path) -> None:
    others: dict[str, dict[str, str]] = {f"theirs {number}": {} for number in range(30)}
    table = {"name": TABLE, "columns": {"value": "string"}, "rows": others}
    world = Datatables(
        tmp_path, place(prefix="a/b/"), datatables=[table], settings={"page_caps": {"rows": 10}}
    )
    app = checked(world.org.sandbox.wsgi)
    world.target = tables(world.org.connect(app=app), *world.places)
    try:
        world.write(table_change(world.read().table))
        key = "from/status=50% off / maybe?"
        world.write(create(mapped(key, direction="from_crm", status="50% off / maybe?", duration_ms=1500)))
        (row,) = world.read([key]).rows
        world.write(update(row, order=3))
        (row,) = world.read([key]).rows
        world.write(deactivate(row))
        (row,) = world.read([key]).rows
        world.write(delete(row))
        world.org.edit(op="delete_table", table=TABLE)
        world.write(table_change(world.read().table))
    finally:
        world.close()
    assert app.violations == []
    assert app.seen >= USED
