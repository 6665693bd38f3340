"""`wrapctl crm check`: the mapping as a person reads it, offline and against what is live."""

from __future__ import annotations

import re

import pytest

from cli.shell import Shell
from project_files import commit
from wrapctl.config.project import load
from wrapctl.evidence.mapping import check
from wrapctl.model import Identity, Live
from wrapctl.render.mapping import as_markdown_text, as_text

ORG = "kind: Org\nplatform: genesys\nendpoint: sandbox\nconnections: {dv: {endpoint: sandbox}}\n"
CODES = """\
    kind: WrapUpCodes
    codes:
      SALE: {name: Sale, crm: {table: WON, labels: Won}}
      UPSELL: {name: "Up\\u202esell", crm: {labels: Won}}
      LOST: {name: Lost, crm: {table: LOST}}
      OLD: {name: Old, state: absent, crm: {table: GONE}}
"""
TABLE = """\
    kind: CrmMapping
    system: table
    target: {type: genesys-datatable, table: Mapping}
    to_crm: {default: OTHER}
    from_crm:
      - {status: WON, code: SALE}
      - {when: {status: [LOST, GONE]}, code: SALE}
      - {when: {status: WON, object: Case}, code: LOST}
      - {status: "*", code: UPSELL}
"""
LABELS = """\
    kind: CrmMapping
    system: labels
    target: {type: dataverse, connection: dv}
    from_crm: [{status: Won, code: SALE}]
"""


@pytest.fixture
def mapped(small: Shell) -> Shell:
    small.write("acme/org.yaml", ORG)
    small.write("acme/codes.yaml", CODES)
    small.write(
        "acme/queues.yaml", "kind: Queues\nqueues: {sales: {name: Sales, codes: [SALE, LOST, UPSELL]}}\n"
    )
    small.write("acme/crm/table.yaml", TABLE)
    small.write("acme/crm/labels.yaml", LABELS)
    return small


OFFLINE = r"""CRM mappings of acme
labels: dataverse on dv, 2 codes mapped, 1 rule back
table: genesys-datatable, 2 codes mapped, 1 by default "OTHER", 4 rules back

3 codes, 2 systems: 5 things to look at

What codes are called (3)
  code    name          labels  table
  LOST    Lost          -       LOST
  SALE    Sale          Won     WON
  UPSELL  Up\u202esell  Won     OTHER (default)

Codes without a value (1)
  labels: LOST  wrapups/acme/codes.yaml:5:3

Values that come back as another code (2)
  labels: UPSELL is "Won", which comes back as SALE  wrapups/acme/crm/labels.yaml:4:12
  table: LOST is "LOST", which comes back as SALE  wrapups/acme/crm/table.yaml:7:5

Rules that never match (1)
  table: object=Case&status=WON, taken by wrapups/acme/crm/table.yaml:6:5  wrapups/acme/crm/table.yaml:8:5

Values that nothing uses (1)
  table: OLD is "GONE": the code is `state: absent`  wrapups/acme/codes.yaml:6:3
"""


def test_the_mapping_is_told_offline_as_a_person_reads_it(mapped: Shell) -> None:
    done = mapped.run("crm", "check", "acme")
    assert done.out == OFFLINE
    assert done.code == 0
    assert not (mapped.root / ".wrapctl" / "locks").exists()


def test_strict_fails_where_there_is_anything_to_look_at(mapped: Shell) -> None:
    assert mapped.run("crm", "check", "acme", "--strict").code == 1
    mapped.write(
        "acme/codes.yaml", "kind: WrapUpCodes\ncodes: {SALE: {name: Sale, crm: {table: WON, labels: Won}}}\n"
    )
    mapped.write("acme/queues.yaml", "kind: Queues\nqueues: {}\n")
    mapped.write("acme/crm/table.yaml", TABLE.partition("    to_crm")[0])
    done = mapped.run("crm", "check", "acme", "--strict")
    assert (done.code, "nothing to look at" in done.out) == (0, True)


def test_a_code_that_needs_no_value_is_none_to_look_at(mapped: Shell) -> None:
    mapped.write("acme/crm/labels.yaml", LABELS + "    unmapped_codes: ignore\n")
    assert "Codes without a value" not in mapped.run("crm", "check", "acme").out


def test_a_default_that_every_code_does_without_is_used_by_nothing(mapped: Shell) -> None:
    mapped.write("acme/crm/table.yaml", TABLE.replace("{default: OTHER}", "{UPSELL: UP, default: OTHER}"))
    assert 'default is "OTHER": every code has a value of its own' in mapped.run("crm", "check", "acme").out


def test_what_comes_back_only_by_the_rule_for_the_rest_is_counted(mapped: Shell) -> None:
    mapped.write(
        "acme/crm/table.yaml", TABLE.replace("      - {when: {status: [LOST, GONE]}, code: SALE}\n", "")
    )
    done = mapped.run("crm", "check", "acme")
    assert "1 of its values comes back only by the rule for the rest, as UPSELL" in done.words
    assert "LOST is" not in done.out


def test_machines_read_the_same(mapped: Shell) -> None:
    data = mapped.run("crm", "check", "acme", "--format", "json").data
    assert (data["kind"], data["version"], data["live"]) == ("wrapctl.crm-check", 1, False)
    assert data["codes"][2] == {
        "key": "UPSELL",
        "name": "Up\u202esell",
        "values": {
            "labels": {"value": "Won", "default": False},
            "table": {"value": "OTHER", "default": True},
        },
    }
    assert [(one["odd"], one["system"], one["code"], one["back"]) for one in data["findings"]] == [
        ("unmapped", "labels", "LOST", ""),
        ("back", "labels", "UPSELL", "SALE"),
        ("back", "table", "LOST", "SALE"),
        ("never", "table", "LOST", ""),
        ("unused", "table", "OLD", ""),
    ]


def test_markdown_tells_what_is_odd_first_and_escapes_everything(mapped: Shell) -> None:
    mapped.replace("acme/codes.yaml", "table: WON,", 'table: "W|O`N",')
    told = mapped.run("crm", "check", "acme", "--format", "markdown").out
    assert told.index("Values that come back") < told.index("| code | name |")
    assert r"| `SALE` | `Sale` | `Won` | ``W\x7cO`N`` |" in told
    assert "\u202e" not in told


def test_live_values_that_no_code_maps_to_are_told_with_whose_they_are(mapped: Shell) -> None:
    mapped.run("apply", "acme", "--yes", "--allow", "window=test")
    done = mapped.run("crm", "check", "acme", "--live")
    assert "SANDBOX" in done.out.splitlines()[0]
    assert done.code == 0
    assert "no code maps to it" not in done.out
    mapped.write("acme/crm/table.yaml", TABLE.replace("      - {status: WON, code: SALE}\n", ""))
    mapped.replace("acme/codes.yaml", "labels: Won}}\n  UPSELL", "labels: Sold}}\n  UPSELL")
    mapped.replace("acme/codes.yaml", "crm: {labels: Won}", "crm: {labels: Sold}")
    done = mapped.run("crm", "check", "acme", "--live")
    assert "the live row from/status=WON, made by wrapctl, is not in the files" in done.words
    assert '"Won": live, made by wrapctl, and no code maps to it' in done.words


def test_a_system_that_could_not_be_read_is_named_and_fails(mapped: Shell) -> None:
    desired = load(mapped.root).orgs["acme"].desired
    live = Live(Identity("o", "Acme"), unread={"labels": "dv answered 503"})
    told = as_text(check(desired, live))
    assert "Not read (2)\n  labels: dv answered 503" in told
    assert "\n  table: its rows were not read" in told


def test_an_org_without_mappings_has_nothing_to_look_at(small: Shell) -> None:
    done = small.run("crm", "check", "acme")
    assert (done.code, done.out.splitlines()[-1]) == (0, "the files of this org have no CRM mapping")


def test_a_narrow_terminal_gets_lines_instead_of_a_table(mapped: Shell) -> None:
    told = as_text(check(load(mapped.root).orgs["acme"].desired), width=44)
    assert max(map(len, told.splitlines())) <= 44
    assert '  UPSELL  "Up\\u202esell"\n    labels: "Won"\n    table: "OTHER" (default)\n' in told


def test_markdown_stays_within_its_budget(mapped: Shell) -> None:
    told = as_markdown_text(check(load(mapped.root).orgs["acme"].desired), budget=600)
    assert len(told) < 700
    assert re.search(r"… and [0-9]+ lines more", told)


# ── import ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_own_rows_are_imported_and_the_plan_right_after_is_empty(mapped: Shell) -> None:
    mapped.write(
        "acme/crm/table.yaml", TABLE.replace("{default: OTHER}", "{UPSELL: {value: UP, description: x}}")
    )
    assert mapped.run("apply", "acme", "--yes").code == 0
    mapped.write("acme/crm/table.yaml", "".join(TABLE.splitlines(keepends=True)[:3]))
    done = mapped.run("import", "acme", "--crm", "table")
    assert (done.code, "wrapups/acme/crm/table.yaml: changed" in done.out) == (0, True)
    assert "UPSELL: {value: UP, description: x}" in (mapped.root / "wrapups/acme/crm/table.yaml").read_text(
        "utf-8"
    )
    assert "No changes." in mapped.run("plan", "acme").out


def test_systems_that_no_file_names_cannot_be_imported(mapped: Shell) -> None:
    done = mapped.run("import", "acme", "--crm", "tabel")
    assert (done.code, "did you mean `table`?" in done.words) == (2, True)
    assert mapped.run("import", "acme", "--crm", "all", "--crm", "table").code == 2
    assert "crm/<system>.yaml first" in mapped.run("import", "acme", "--crm", "zendesk").words


def test_a_changed_mapping_is_planned_alone_and_as_a_whole(mapped: Shell) -> None:
    assert mapped.run("apply", "acme", "--yes").code == 0
    commit(mapped.root)
    assert "not touched" in mapped.run("plan", "acme", "--changed-since", "HEAD").words
    mapped.write("acme/crm/table.yaml", TABLE.replace("default: OTHER", "default: REST"))
    data = mapped.run("plan", "acme", "--changed-since", "HEAD", "--format", "json").data
    assert [change["address"] for change in data["changes"]] == ["acme/crm/table/to%2Fdefault"]
