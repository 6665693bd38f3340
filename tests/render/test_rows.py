"""CRM rows in a plan, as people read them."""

from __future__ import annotations

from render.plans import ORG, plan
from wrapctl.apply.report import Entry, Report, Status
from wrapctl.errors import Source
from wrapctl.model import Change, Lock, Ref, Verb, code_address, row_address, table_address
from wrapctl.render import markdown, text

CRM = "wrapups/acme-emea/crm/salesforce.yaml"


def _row(verb: Verb, key: str, before: dict[str, object], after: dict[str, object], **more: object) -> Change:
    system = str(more.pop("system", "salesforce"))
    values: dict[str, object] = {"label": key, "within": system, "source": Source(CRM, 9, 3), **more}
    if before:
        before = {"key": key, **before}
    if after:
        after = {"key": key, **after}
    return Change(
        verb,
        row_address(ORG, system, key),
        before,  # type: ignore[arg-type]  # the fields of a test
        after,  # type: ignore[arg-type]  # the fields of a test
        system=system,
        **values,  # type: ignore[arg-type]  # the keyword arguments of a test
    )


def _to(code: str, value: str, **more: object) -> dict[str, object]:
    return {
        "direction": "to_crm",
        "system": "salesforce",
        "code": code,
        "value": value,
        "active": True,
        **more,
    }


def _changes() -> tuple[Change, ...]:
    new = Ref(code_address(ORG, "SALE"))
    rule = {
        "direction": "from_crm",
        "code": "NO_ACTION",
        "order": 2,
        "when": (("Reason", ("Duplicate", "Spam")), ("Status", ("Closed",))),
        "duration_ms": 300_000,
        "active": True,
    }
    return (
        Change(
            Verb.CREATE_TABLE,
            table_address(ORG, "datatable"),
            {},
            {"table": "Wrap-up mappings", "columns": ("code", "value")},
            label="Wrap-up mappings",
            within="datatable",
            system="datatable",
            lock=Lock.UNIQUE,
        ),
        _row(
            Verb.CREATE_ROW,
            "to/SALE",
            {},
            _to("SALE", "WON", code_id=new, category="sales", tags=("cat:sales", "revenue")),
            lock=Lock.UNIQUE,
        ),
        _row(Verb.CREATE_ROW, "from/Reason=Duplicate", {}, rule, lock=Lock.UNIQUE),
        _row(
            Verb.UPDATE_ROW,
            "to/NO_ANSWER",
            _to("NO_ANSWER", "No contact", translations=(("de", "Kein Kontakt", None),)),
            _to("NO_ANSWER", "Not reached", translations=(("de", "Nicht erreicht", None),)),
            lock=Lock.CONDITIONAL,
        ),
        _row(Verb.DEACTIVATE_ROW, "to/OLD", _to("OLD", "LOST"), {"active": False}, lock=Lock.CONDITIONAL),
        _row(
            Verb.CREATE_ROW,
            "value/Solved",
            {},
            {"system": "servicenow", "value": "Solved", "active": True},
            system="servicenow",
            lock=Lock.SENT,
        ),
    )


def test_rows_read_as_what_a_code_is_called_and_which_status_leads_back() -> None:
    printed = text.plan(plan(*_changes()))
    assert printed.split("CRM rows of datatable (1)")[1].split("Apply")[0] == (
        '\n  + create table "Wrap-up mappings"\n      columns: "code", "value"\n'
        "\nCRM rows of salesforce (4)\n"
        '  ~ NO_ANSWER → "Not reached"  wrapups/acme-emea/crm/salesforce.yaml:9:3\n'
        '      translations: de "Kein Kontakt" → de "Nicht erreicht"\n'
        '      value: "No contact" → "Not reached"\n'
        '  - deactivate OLD → "LOST"  wrapups/acme-emea/crm/salesforce.yaml:9:3\n'
        '  + SALE → "WON"  wrapups/acme-emea/crm/salesforce.yaml:9:3\n'
        '      category sales, tags "cat:sales", "revenue"\n'
        '  + rule 2: Reason is "Duplicate" or "Spam", Status is "Closed" → NO_ACTION'
        "  wrapups/acme-emea/crm/salesforce.yaml:9:3\n"
        "      duration 300 s\n"
        "\nCRM rows of servicenow (1)\n"
        '  + "Solved"  wrapups/acme-emea/crm/salesforce.yaml:9:3\n\n'
    )


def test_what_a_crm_loses_stands_among_the_first_things_in_one_line_for_each_system() -> None:
    rows = [_row(Verb.DELETE_ROW, f"to/C{n}", _to(f"C{n}", f"v{n}"), {}, lock=Lock.COMPARE) for n in range(7)]
    printed = text.plan(plan(*rows))
    first = printed.split("Look at this first\n")[1].split("\n\n")[0]
    assert first == (
        '  - delete 7 rows of salesforce: C0 → "v0", C1 → "v1", C2 → "v2", C3 → "v3", C4 → "v4" and 2 more'
    )


def test_the_lock_of_each_system_is_told_apart() -> None:
    printed = " ".join(text.plan(plan(*_changes())).split())
    assert "Lock conditional on rows of salesforce: the server refuses a stale write." in printed
    assert "Lock unique on tables of datatable, new rows of salesforce:" in printed
    assert "No lock: sent, not compared on new rows of servicenow: the endpoint shows nothing" in printed


def test_a_system_with_a_hostile_name_breaks_neither_the_fold_nor_the_page() -> None:
    evil = "</summary><img src=x onerror=alert(1)> @everyone `x`"
    row = _row(Verb.CREATE_ROW, "to/A", {}, _to("A", "</details> | [a](javascript:1)"), system=evil)
    printed = markdown.plan(plan(row))
    summary = next(found for found in printed.splitlines() if found.startswith("<summary>CRM"))
    assert summary == (
        "<summary>CRM rows of <code>&lt;/summary&gt;&lt;img src=x onerror=alert(1)&gt; @everyone `x`</code> (1)"
        "</summary>"
    )
    assert "+** `A` → `</details> | [a](javascript:1)`" in printed


def test_rows_that_were_written_are_a_line_for_each_system() -> None:
    entries = [
        Entry(Verb.CREATE_ROW, row_address(ORG, "salesforce", f"to/{code}"), Status.DONE, code, "salesforce")
        for code in ("LOST", "WON")
    ]
    told = text.report(Report("r1", ORG, "id", "p", tuple(entries)))
    assert "  + 2 rows created in salesforce: LOST, WON\n" in told
