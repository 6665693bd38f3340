"""What can be wrong with a CRM mapping: each case says where, what, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_files import ORG, acme, loaded, problems

CODES = """
    kind: WrapUpCodes
    codes:
      SALE: {name: Sale, description: It is sold, crm: {sf: WON}}
      OLD: {name: Old, state: absent}
      NEW: {name: New}
"""
ORG_DV = ORG + "connections: {dv: {endpoint: sandbox}}\n"
LIST = "{type: dataverse, connection: dv}"
LABELS = "{type: servicenow, connection: dv}"
OBJECT = "{type: salesforce, connection: dv, object: Map__c}"
TABLE = "{type: genesys-datatable, table: Codes}"


def said(root: Path, text: str, target: str = TABLE, codes: str = CODES) -> list[str]:
    """Errors and warnings alike, but for what a case is not about."""
    org = ORG if target == TABLE else ORG_DV
    crm = f"kind: CrmMapping\nsystem: sf\ntarget: {target}\n{text}\n"
    acme(root, org=org, codes=codes, crm=crm)
    found = problems(root) or [str(one).removeprefix("wrapups/acme/") for one in loaded(root).warnings]
    return [line for line in found if "codes have no value" not in line and "code has no value" not in line]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("to_crm: {SALE: LOST}", "4:16: error: SALE has two values for sf: `LOST` here, `WON` in wrapups/acme/codes.yaml:3:57 (keep one of them)"),
        ("to_crm: {SALES: x}", "4:10: error: no file declares the code `SALES` (did you mean `SALE`?)"),
        ("to_crm: {OLD: x}", "4:10: error: OLD is `state: absent` (take the row out, or map it to another code)"),
        ("to_crm: {NEW: {description: x}}", "4:15: error: NEW has no value for sf (write `value`, or `crm: {sf: …}` on the code)"),
        ("to_crm: {default: {description: x}}", "4:19: error: default has no value for sf (write `value`)"),
        ('to_crm: {NEW: ""}', "4:15: error: `value`: a name cannot be empty"),
        ("to_crm: {NEW: ~}", "4:10: error: `NEW`: nothing is written here (write [] to clear, or remove the key)"),
        ('to_crm: {NEW: "a\\nb"}', "4:15: error: `value`: a control character (U+000A) in a name (names are one line of visible text)"),
        ("to_crm: {NEW: [x]}", "4:15: error: `NEW` must be a map, not a list"),
        ("to_crm: {NEW: {vlaue: x}}", "4:16: error: unknown key `vlaue` (did you mean `value`?)"),
        ("to_crm: {NEW: {value: x, translations: {deu: y}}}", "4:41: error: `deu` is no language (write two small letters, such as de)"),
        ("to_crm: {NEW: {value: x, translations: {de: {description: y}}}}", "4:41: error: `value` is missing"),
        ("to_crm: {NEW: {value: x, translations: {de: y, de: z}}}", "4:48: error: the key `de` stands twice (first on line 4)"),
        ("to_crm: {NEW: {value: x, previously: y}}", "4:38: error: `previously` must be a list, not text"),
        ("to_crm: {NEW: {value: x, previously: [y]}}", "4:26: warning: Genesys Cloud data table finds rows by their code: `previously` has no use there (remove it)"),
        ("from_crm: [{code: SALE}]", "4:12: error: `from_crm`: a rule needs either status or when"),
        ("from_crm: [{status: A, when: {x: y}, code: SALE}]", "4:12: error: `from_crm`: a rule needs either status or when"),
        ("from_crm: [{when: {}, code: SALE}]", '4:12: error: `from_crm`: an empty `when` matches nothing (write status: "*" for the rule that takes the rest)'),
        ("from_crm: [{when: {x: []}, code: SALE}]", "4:23: error: `x`: an empty list matches nothing (name the values, or leave the field out)"),
        ('from_crm: [{when: {x: "*"}, code: SALE}]', '4:23: error: `x`: `*` in a condition (a field that is left out matches anything; the rest is `status: "*"`)'),
        ("from_crm: [{status: A, code: OLD}]", "4:12: error: OLD is `state: absent` (take the row out, or map it to another code)"),
        ("from_crm: [{status: A, code: sale}]", "4:30: error: `code`: the key `sale` is not upper case (write `SALE`; a code's key is made of A-Z, 0-9, _ and -)"),
        ("from_crm: [{status: A, code: SALE, duration: 5}]", "4:46: error: `duration`: `5` is not a duration (write 45s, 5m or 1h)"),
        ("on_remove: destroy", "4:12: error: `on_remove`: `destroy` is not allowed (one of: deactivate, delete, keep)"),
        ("unmapped: warn", "4:1: error: unknown key `unmapped` (did you mean `unmapped_codes`?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_mapping(tmp_path: Path, text: str, message: str) -> None:
    assert said(tmp_path, text) == [f"crm.yaml:{message}"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{type: dataverse, connection: dv, nam: x}", "3:43: error: unknown key `nam` (did you mean `name`?)"),
        ("{type: dataverse, connection: dv, table: x}", "3:43: error: unknown key `table` (known here: name, all_workstreams, type, connection)"),
        ("{type: dataverse, connection: dv, name: x}", "3:49: error: `name`: `x` is not allowed (one of: value, description)"),
        ("{type: salesforce, connection: dv}", "3:1: error: `object` is missing"),
        ("{type: salesforce, connection: dv, object: 1c}", "3:52: error: `object`: `1c` is no API name (such as Wrap_Up_Mapping__c)"),
        ("{type: salesforce, connection: dv, object: M__c, fields: {vlue: X__c}}", "3:67: error: unknown key `vlue` (did you mean `value`?)"),
        ("{type: datavers, connection: dv}", "3:16: error: `type`: `datavers` is not allowed (did you mean `dataverse`?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_target(tmp_path: Path, target: str, message: str) -> None:
    assert said(tmp_path, "unmapped_codes: ignore", target) == [f"crm.yaml:{message}"]


def test_two_rules_of_the_same_condition_are_an_error_however_they_are_written(tmp_path: Path) -> None:
    rules = """from_crm:
  - {status: A, code: SALE}
  - {when: {status: [A, A]}, code: NEW}
  - {when: {Status: Closed, Reason: [x, y]}, code: SALE}
  - {when: {Reason: [y, x], Status: [Closed]}, code: NEW}"""
    assert said(tmp_path, rules) == [
        "crm.yaml:6:5: error: a second rule for the same condition, which can never match (the first is in wrapups/acme/crm.yaml:5:5)",
        "crm.yaml:8:5: error: a second rule for the same condition, which can never match (the first is in wrapups/acme/crm.yaml:7:5)",
    ]


def test_a_rule_that_is_never_reached_is_a_warning_that_names_what_covers_it(tmp_path: Path) -> None:
    rules = """from_crm:
  - {when: {a: x, b: [p, q]}, code: SALE}
  - {when: {a: y, b: p}, code: NEW}
  - {when: {a: [x, y], b: p}, code: NEW}
  - {when: {a: [x, y], b: [p, q]}, code: NEW}
  - {when: {a: x, b: q, c: r}, code: NEW}
  - {status: "*", code: NEW}
  - {status: A, code: SALE}"""
    assert said(tmp_path, rules) == [
        "crm.yaml:7:5: warning: a rule that can never match: wrapups/acme/crm.yaml:5:5 and wrapups/acme/crm.yaml:6:5 together take all of its cases (move it above, or remove it)",
        "crm.yaml:9:5: warning: a rule that can never match: wrapups/acme/crm.yaml:5:5 takes all of its cases (move it above, or remove it)",
        "crm.yaml:11:5: warning: a rule that can never match: wrapups/acme/crm.yaml:10:5 takes all of its cases (move it above, or remove it)",
    ]


@pytest.mark.parametrize(
    ("target", "text", "message"),
    [
        (LIST, f"to_crm: {{NEW: {'x' * 101}}}", "crm.yaml:4:15: error: NEW: a disposition of Dataverse has at most 100 characters, this one has 101"),
        (LIST, 'to_crm: {NEW: " "}', "crm.yaml:4:15: error: NEW: a disposition of Dataverse cannot be blank"),
        (LABELS, 'to_crm: {NEW: {value: x, description: "x [wrapctl:a/b]"}}', "crm.yaml:4:39: error: NEW: a description in ServiceNow cannot end in [wrapctl:…]: that is how wrapctl knows its own rows"),
        (LABELS, 'to_crm: {NEW: {value: x, translations: {de: " "}}}', "crm.yaml:4:45: error: NEW: a wrap-up code of ServiceNow cannot be blank"),
        (OBJECT, 'to_crm: {NEW: "x "}', "crm.yaml:4:15: error: NEW: Salesforce takes blanks and line breaks off both ends of a text (in YAML, `>-` and `|-` end in none)"),
        (OBJECT, f"from_crm: [{{status: {'x' * 256}, code: NEW}}]", "crm.yaml:4:21: error: NEW: Salesforce keeps at most 255 characters there, this text has 256"),
    ],
)  # fmt: skip
def test_a_text_that_does_not_fit_is_an_error_where_it_stands(
    tmp_path: Path, target: str, text: str, message: str
) -> None:
    assert said(tmp_path, text, target) == [message]


def test_a_text_of_the_code_that_does_not_fit_is_an_error_in_the_file_of_the_code(tmp_path: Path) -> None:
    codes = CODES.replace("description: It is sold", 'description: "It is sold "')
    assert said(tmp_path, "unmapped_codes: ignore", OBJECT, codes) == [
        (
            "codes.yaml:3:35: error: SALE: Salesforce takes blanks and line breaks off both ends of a text (in YAML, "
            "`>-` and `|-` end in none) (give SALE a `description` of its own under to_crm of sf)"
        )
    ]
    assert said(tmp_path, "unmapped_codes: ignore\nto_crm: {SALE: {description: Sold}}", OBJECT, codes) == []


def test_a_list_of_values_keeps_each_value_once_and_no_rules(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        """to_crm:
  SALE: {description: a}
  NEW: {value: WON, description: b, translations: {de: x}}
from_crm: [{status: A, code: SALE}]""",
        LABELS,
    )
    assert found == [
        (
            "crm.yaml:6:34: error: the value `WON` has another `description` for SALE (a value is kept once, for all "
            "of its codes: say the same as wrapups/acme/crm.yaml:5:23, or nothing)"
        ),
        (
            "crm.yaml:7:1: warning: ServiceNow keeps no rules: `from_crm` stays in git, and `wrapctl crm check` reads "
            "it (for rules that a CRM can look up, use a target of another type)"
        ),
    ]


def test_a_value_is_renamed_once_and_from_a_value_that_is_not_wanted(tmp_path: Path) -> None:
    text = "to_crm: {SALE: {previously: [a, WON]}, NEW: {value: x, previously: [a, WON]}}"
    assert said(tmp_path, text, LIST) == [
        "crm.yaml:4:17: error: SALE: `previously` holds the value of today (remove it from the list)",
        "crm.yaml:4:56: error: NEW: `a` was renamed to `WON` already (remove it)",
        "crm.yaml:4:56: error: NEW: `previously` holds `WON`, the value of SALE (remove it)",
    ]


def test_what_a_target_has_no_place_for_is_a_warning(tmp_path: Path) -> None:
    assert said(tmp_path, "to_crm: {NEW: {value: x, translations: {de: y}}}", LIST) == [
        (
            "crm.yaml:4:26: warning: Microsoft Dataverse has no place for `translations`: not written "
            "(remove it, or keep it for others)"
        )
    ]


def test_more_rows_than_a_table_holds_are_an_error(tmp_path: Path) -> None:
    codes = "kind: WrapUpCodes\ncodes:\n" + "".join(
        f"  C{n}: {{name: C{n}, crm: {{sf: v}}}}\n" for n in range(5001)
    )
    assert said(tmp_path, "", codes=codes) == [
        (
            "crm.yaml:2:9: error: 5,001 rows for sf; Genesys Cloud data table holds 5,000 "
            "(say `max_rows` where support has raised it, or map several codes by `default`)"
        )
    ]
    raised = TABLE.replace("}", ", max_rows: 6000}")
    acme(tmp_path, codes=codes, crm=f"kind: CrmMapping\nsystem: sf\ntarget: {raised}\n")
    assert problems(tmp_path) == []


def test_codes_without_a_value_are_told_as_the_mapping_wants_it(tmp_path: Path) -> None:
    acme(tmp_path, codes=CODES, crm=f"kind: CrmMapping\nsystem: sf\ntarget: {TABLE}\nunmapped_codes: error\n")
    assert problems(tmp_path) == [
        "crm.yaml:2:9: error: 1 code has no value for sf: NEW (add a value, or a `default` under to_crm)"
    ]
    acme(tmp_path, crm=f"kind: CrmMapping\nsystem: sf\ntarget: {TABLE}\n")
    assert [one.severity for one in loaded(tmp_path).warnings] == ["warning"]
    acme(tmp_path, crm=f"kind: CrmMapping\nsystem: sf\ntarget: {TABLE}\nto_crm: {{default: x}}\n")
    assert loaded(tmp_path).warnings == ()
