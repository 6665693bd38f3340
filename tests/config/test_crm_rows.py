"""Rows of CRM mappings as the files want them: all fields of every row, whatever the place keeps."""

from __future__ import annotations

from pathlib import Path

from project_files import ORG, acme, load, loaded, write
from wrapctl.config.desire import digest
from wrapctl.errors import Source
from wrapctl.model import CrmMapping, CrmRow, Desired
from wrapctl.rows import ROW_FIELDS

CODES = """
    kind: WrapUpCodes
    codes:
      SALE: {name: Sale, description: It is sold, category: sales, tags: [vip], crm: {sf: WON}}
      LOST: {name: Lost}
"""
RULES = 'kind: Project\ncategories: {sales: {tags: ["cat:sales"]}}\n'
TABLE = ORG
LIST = ORG + "connections: {dv: {endpoint: sandbox}}\n"
IN_TABLE = "target: {type: genesys-datatable, table: Codes}"
IN_LIST = "target: {type: dataverse, connection: dv}"


def mapping(
    root: Path, *lines: str, codes: str = CODES, org: str = ORG, target: str = IN_TABLE
) -> CrmMapping:
    crm = f"kind: CrmMapping\nsystem: sf\n{target}\n" + "".join(f"{line}\n" for line in lines)
    (found,) = load(write(acme(root, org=org, codes=codes, crm=crm), wrapctl=RULES)).desired.crm
    return found


def rows(found: CrmMapping) -> dict[str, CrmRow]:
    return {row.key: row for row in found.rows}


def test_every_row_has_every_field_but_the_live_id(tmp_path: Path) -> None:
    found = mapping(tmp_path, "to_crm: {LOST: GONE, default: OTHER}", "from_crm: [{status: X, code: LOST}]")
    assert [set(row.fields) for row in found.rows] == [set(ROW_FIELDS) - {"code_id"}] * 4


def test_a_value_on_the_code_makes_a_row_with_what_the_code_says(tmp_path: Path) -> None:
    row = rows(mapping(tmp_path, "unmapped_codes: ignore"))["to/SALE"]
    assert row == CrmRow(
        "to/SALE",
        Source("wrapups/acme/codes.yaml", 3, 87),
        "SALE",
        {
            "key": "to/SALE",
            "direction": "to_crm",
            "system": "sf",
            "code": "SALE",
            "value": "WON",
            "status": None,
            "when": (),
            "description": "It is sold",
            "translations": (),
            "category": "sales",
            "tags": ("cat:sales", "vip"),
            "duration_ms": None,
            "order": None,
            "active": True,
        },
    )


def test_what_does_not_fit_on_the_code_stands_in_the_mapping(tmp_path: Path) -> None:
    found = mapping(
        tmp_path,
        "to_crm:",
        "  SALE: {description: Sold, translations: {fr: Gagné, de: {value: Gewonnen, description: Verkauft}}}",
        '  LOST: {value: GONE, previously: [LOST], description: ""}',
        "  default: {value: OTHER, description: The rest}",
        org=LIST,
        target=IN_LIST,
    )
    sale, lost, default = (rows(found)[f"to/{key}"] for key in ("SALE", "LOST", "default"))
    assert (sale.fields["value"], sale.fields["description"]) == ("WON", "Sold")
    assert sale.fields["translations"] == (("de", "Gewonnen", "Verkauft"), ("fr", "Gagné", None))
    assert (lost.fields["value"], lost.fields["description"], lost.previously) == ("GONE", None, ("LOST",))
    assert (default.code, default.fields["code"], default.fields["value"]) == (None, "default", "OTHER")
    assert default.source == Source("wrapups/acme/crm.yaml", 7, 3)


def test_a_rule_has_its_place_and_one_normal_form(tmp_path: Path) -> None:
    found = mapping(
        tmp_path,
        "unmapped_codes: ignore",
        "from_crm:",
        "  - {when: {Status: Closed, Reason: [Spam, Duplicate, Spam]}, code: LOST}",
        "  - {when: {status: CLOSED}, code: SALE, duration: 5m}",
        '  - {status: "*", code: LOST}',
    )
    told = {
        key: tuple(row.fields[name] for name in ("order", "status", "when", "code", "duration_ms"))
        for key, row in rows(found).items()
        if key.startswith("from/")
    }
    assert told == {
        "from/Reason=Duplicate|Spam&Status=Closed": (
            1,
            None,
            (("Reason", ("Duplicate", "Spam")), ("Status", ("Closed",))),
            "LOST",
            None,
        ),
        "from/status=CLOSED": (2, "CLOSED", (), "SALE", 300_000),
        "from/status=%2A": (3, "*", (), "LOST", None),
    }


def test_targets_keep_their_own_options_as_written(tmp_path: Path) -> None:
    found = mapping(tmp_path, "on_remove: delete", "unmapped_codes: ignore", org=LIST, target=IN_LIST)
    assert (found.system, found.target, found.connection, found.on_remove) == (
        "sf",
        "dataverse",
        "dv",
        "delete",
    )
    assert found.options == {}


def test_codes_that_share_a_value_in_a_list_say_the_same_of_it(tmp_path: Path) -> None:
    codes = CODES.replace("LOST: {name: Lost}", "LOST: {name: Lost, description: Alas, crm: {sf: WON}}")
    found = rows(mapping(tmp_path, codes=codes, org=LIST, target=IN_LIST))
    assert {row.fields["description"] for row in found.values()} == {None}
    found = rows(
        mapping(tmp_path, "to_crm: {LOST: {description: Either}}", codes=codes, org=LIST, target=IN_LIST)
    )
    assert {row.fields["description"] for row in found.values()} == {"Either"}
    found = rows(mapping(tmp_path, codes=codes))
    assert [row.fields["description"] for row in found.values()] == ["Alas", "It is sold"]


def content(root: Path) -> str:
    desired: Desired = loaded(root).orgs["acme"].desired
    assert desired.digest == digest(desired.codes, desired.queues, desired.crm)
    return desired.digest


def test_rows_and_target_options_are_content_and_connections_are_policy(tmp_path: Path) -> None:
    crm = f"kind: CrmMapping\nsystem: sf\n{IN_LIST}\nto_crm: {{LOST: {{value: x, previously: [y]}}}}\n"
    root = write(acme(tmp_path, org=LIST, codes=CODES, crm=crm), wrapctl=RULES)
    before = content(root)
    write(root, org=ORG + "connections: {dv: {endpoint: sandbox, requests_per_minute: 60}}\n")
    assert content(root) == before
    write(root, crm=crm.replace("[y]", "[z]"))
    changed = content(root)
    write(root, crm=crm.replace("connection: dv", "connection: dv, name: description"))
    assert len({before, changed, content(root)}) == 3
