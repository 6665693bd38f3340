"""CRM rows → mapping files: own rows plan to nothing, foreign ones only fill gaps, and what people wrote stays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from project_files import ORG, acme, load, problems
from wrapctl.config.adopt import Imported, import_org
from wrapctl.config.edit import File
from wrapctl.config.values import flow
from wrapctl.config.vendor import crm_vendor, vendor
from wrapctl.model import CrmMapping, Division, Identity, Live, LiveCode, Value
from wrapctl.plan.make import make_plan
from wrapctl.plan.plan import Plan
from wrapctl.rows import ROW_FIELDS, LiveRow, Rows

GENESYS = vendor("genesys")
CODES = """
    kind: WrapUpCodes
    codes:
      SALE: {name: Sale, description: It is sold}
      LOST: {name: Lost, description: It is not, crm: {sf: LOST}}
      NONE: {name: None of it}
"""
TABLE = "genesys-datatable, table: Codes"
LIST = "dataverse, connection: dv"
ALL = frozenset(ROW_FIELDS)
VALUES = frozenset({"key", "system", "value", "description", "translations", "active"})
NAMES = {"Sale": "c1", "Lost": "c2", "None of it": "c3"}
ABOUT = {"Sale": "It is sold", "Lost": "It is not", "None of it": ""}


def project(root: Path, crm: str = "", target: str = TABLE, codes: str = CODES) -> Path:
    org = ORG + ("connections: {dv: {endpoint: sandbox}}\n" if target == LIST else "")
    text = f"# what we call things\nkind: CrmMapping\nsystem: sf\ntarget: {{type: {target}}}   # there\n{crm}"
    return acme(root, org=org, codes=codes, crm=text)


NOTHING: dict[str, Value] = {
    **dict.fromkeys(ROW_FIELDS),
    **dict.fromkeys(("when", "translations", "tags"), ()),
    "system": "sf",
    "active": True,
}


def row(name: str, mine: bool = True, **fields: Value) -> LiveRow:
    return LiveRow(name, f"id of {name}", {**NOTHING, "key": name, **fields}, mine=mine)


def value(text: str, mine: bool = False, **fields: Value) -> LiveRow:
    return row(f"value/{text}", mine, value=text, **fields)


def held(*rows: LiveRow, names: Mapping[str, str] = NAMES, value_list: bool = False, **more: object) -> Live:
    codes = tuple(
        LiveCode(one, name, {"name": name, "description": ABOUT.get(name, ""), "division": "Home"})
        for name, one in names.items()
    )
    found = Rows(VALUES if value_list else ALL, rows, value_list=value_list)
    return Live(
        Identity("o", "Acme"),
        codes,
        divisions=(Division("d", "Home", len(codes), 0),),
        outbound={},
        crm={"sf": replace(found, **more)},  # type: ignore[arg-type]  # tests name real fields
    )


def imported(root: Path, live: Live, crm: frozenset[str] = frozenset({"sf"})) -> Imported:
    assert GENESYS is not None
    folder = root / "wrapups/acme"
    texts = {
        path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.yaml"))
    }
    out = import_org("acme", live, GENESYS, selection="none", existing=load(root), texts=texts, crm=crm)
    for path, text in out.files.items():
        (root / path).write_text(text, "utf-8")
    assert problems(root) == []
    return out


def crm(root: Path) -> str:
    """The mapping, without its first four lines."""
    return "".join((root / "wrapups/acme/crm.yaml").read_text("utf-8").splitlines(keepends=True)[4:])


def planned(root: Path, live: Live) -> Plan:
    assert GENESYS is not None
    desired = load(root).desired
    systems = {one.system: crm_vendor(one.target).capabilities for one in desired.crm}
    return make_plan(desired, live, replace(GENESYS.capabilities, systems=systems), as_of=date(2026, 3, 10))


def as_applied(mapping: CrmMapping) -> list[LiveRow]:
    """The rows of a mapping table as an apply leaves them."""
    ids = {"SALE": "c1", "LOST": "c2", "NONE": "c3"}
    return [
        LiveRow(one.key, one.key, {**one.fields, "code_id": ids.get(one.code or "")}) for one in mapping.rows
    ]


# ── own rows ───────────────────────────────────────────────────────────────────────────────────────────────

FULL = """to_crm:
  SALE: {value: WON, description: Sold, translations: {de: Gewonnen, fr: {value: Gagné, description: Oui}}}
  NONE: {value: NOTHING, description: "for # good"}
  default: OTHER
from_crm:
  - {status: CLOSED, code: SALE, duration: 5m}
  - {when: {object: Case, Reason: [Duplicate, Spam]}, code: LOST}
  - {status: "*", code: NONE}
"""


def test_own_rows_of_a_table_become_the_mapping_and_the_plan_is_empty(tmp_path: Path) -> None:
    (mapping,) = load(project(tmp_path, FULL)).desired.crm
    live = held(*as_applied(mapping))
    assert planned(tmp_path, live).changes == ()
    project(tmp_path)
    notes = imported(tmp_path, live).notes
    assert (
        crm(tmp_path)
        == """\
to_crm:
  NONE: {value: NOTHING, description: "for # good"}
  SALE: {value: WON, description: Sold, translations: {de: Gewonnen, fr: {value: Gagné, description: Oui}}}
  default: OTHER
from_crm:
  - {status: CLOSED, code: SALE, duration: 5m}
  - {when: {Reason: [Duplicate, Spam], object: Case}, code: LOST}
  - {status: "*", code: NONE}
"""
    )
    assert planned(tmp_path, live).changes == ()
    assert notes[-1].endswith("7 of 7 rows are wrapctl's own")
    assert imported(tmp_path, live).files == {}


def test_what_somebody_changed_in_the_crm_is_changed_in_the_files_and_nothing_else(tmp_path: Path) -> None:
    text = FULL.replace("default: OTHER", "default: OTHER   # what else").replace(
        "Spam]}, code: LOST}", "Spam]}, code: LOST}   # junk"
    )
    (mapping,) = load(project(tmp_path, text)).desired.crm
    rows = as_applied(mapping)
    changes: dict[str, dict[str, Value]] = {
        "to/SALE": {"value": "WON!", "description": "It is sold"},
        "to/LOST": {"value": "GONE"},
        "from/status=CLOSED": {"code": "LOST", "code_id": "c2", "duration_ms": None},
    }
    edited = [replace(one, fields={**one.fields, **changes.get(one.key, {})}) for one in rows]
    live = held(*edited)
    imported(tmp_path, live)
    assert crm(tmp_path) == text.replace(
        "value: WON, description: Sold", "value: WON!, description: It is sold"
    ).replace("code: SALE, duration: 5m}", "code: LOST}")
    assert "LOST: {name: Lost, description: It is not, crm: {sf: GONE}}" in (
        tmp_path / "wrapups/acme/codes.yaml"
    ).read_text("utf-8")
    assert planned(tmp_path, live).changes == ()


def test_a_description_that_somebody_emptied_is_none_in_the_files(tmp_path: Path) -> None:
    (mapping,) = load(project(tmp_path, "unmapped_codes: ignore\n")).desired.crm
    (lost,) = as_applied(mapping)
    live = held(replace(lost, fields={**lost.fields, "description": None}))
    imported(tmp_path, live)
    assert crm(tmp_path) == 'unmapped_codes: ignore\nto_crm:\n  LOST: {description: ""}\n'
    assert planned(tmp_path, live).changes == ()


def test_the_order_of_live_rules_is_the_order_of_the_files_and_comments_move_along(tmp_path: Path) -> None:
    text = """from_crm:
  - {status: A, code: SALE}   # the first
  # between
  - {status: B, code: LOST}   # the second
  - {status: C, code: NONE}
"""
    (mapping,) = load(project(tmp_path, "unmapped_codes: ignore\n" + text)).desired.crm
    turned = {"from/status=A": 3, "from/status=B": 1, "from/status=C": 2}
    live = held(
        *(replace(one, fields={**one.fields, "order": turned.get(one.key)}) for one in as_applied(mapping))
    )
    imported(tmp_path, live)
    assert [line for line in crm(tmp_path).splitlines() if "code:" in line] == [
        "  - {status: B, code: LOST}   # the second",
        "  - {status: C, code: NONE}",
        "  - {status: A, code: SALE}   # the first",
    ]
    assert planned(tmp_path, live).changes == ()


def test_a_code_without_a_key_takes_the_one_that_own_rows_give_it(tmp_path: Path) -> None:
    live = held(
        row("to/WEIRD-KEY", direction="to_crm", code="WEIRD-KEY", code_id="c9", value="x"),
        names={**NAMES, "New": "c9"},
    )
    project(tmp_path, "unmapped_codes: ignore\n", codes=CODES.replace(", crm: {sf: LOST}", ""))
    imported(tmp_path, live)
    assert "WEIRD-KEY:" in (tmp_path / "wrapups/acme/codes.yaml").read_text("utf-8")
    assert planned(tmp_path, live).changes == ()


def test_rows_find_their_code_by_key_then_by_id_then_by_name(tmp_path: Path) -> None:
    live = held(
        row("to/x", direction="to_crm", code="SALE", code_id="c2", value="by key"),
        row("1", mine=False, direction="to_crm", code="nobody", code_id="c3", value="by id"),
    )
    imported(project(tmp_path, codes=CODES.replace(", crm: {sf: LOST}", "")), live)
    assert crm(tmp_path) == 'to_crm:\n  SALE: {value: by key, description: ""}\n  NONE: by id\n'
    project(tmp_path, codes=CODES.replace(", crm: {sf: LOST}", ""))
    imported(tmp_path, held(row("1", mine=False, direction="to_crm", code="lOST", value="by name")))
    assert crm(tmp_path) == "to_crm:\n  LOST: by name\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
ENTRY = st.fixed_dictionaries(
    {"value": TEXTS},
    optional={
        "description": TEXTS,
        "translations": st.dictionaries(st.sampled_from(["de", "fr"]), TEXTS, min_size=1),
    },
)
KEYS = st.sampled_from(["SALE", "NONE", "default"])
RULE = st.one_of(
    st.builds(lambda status: {"status": status}, st.one_of(TEXTS, st.just("*"))),
    st.builds(
        lambda when: {"when": when},
        st.dictionaries(
            TEXTS,
            st.lists(TEXTS.filter(lambda text: text != "*"), min_size=1, max_size=3, unique=True),
            min_size=1,
            max_size=2,
        ),
    ),
)


def yaml(content: object) -> str:
    if isinstance(content, dict):
        return "{" + ", ".join(f"{flow(name)}: {yaml(inner)}" for name, inner in content.items()) + "}"
    return "[" + ", ".join(map(yaml, content)) + "]" if isinstance(content, list) else flow(str(content))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, ENTRY), st.lists(st.tuples(RULE, st.sampled_from(["SALE", "LOST"])), max_size=5))
def test_whatever_was_applied_is_imported_into_an_empty_mapping_and_plans_to_nothing(
    to_crm: dict[str, object], ruled: list[tuple[dict[str, object], str]]
) -> None:
    text = f"unmapped_codes: ignore\nto_crm: {yaml(to_crm)}\nfrom_crm:{'' if ruled else ' []'}\n"
    text += "".join(f"  - {yaml({**rule, 'code': code})}\n" for rule, code in ruled)
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder), text)
        if problems(root):  # two rules of one condition
            return
        (mapping,) = load(root).desired.crm
        live = held(*as_applied(mapping))
        assert planned(root, live).changes == ()
        project(root, "unmapped_codes: ignore\n")
        imported(root, live)
        assert planned(root, live).changes == ()


# ── foreign rows ───────────────────────────────────────────────────────────────────────────────────────────


def test_foreign_rows_only_say_what_the_files_leave_open_and_are_told(tmp_path: Path) -> None:
    live = held(
        row("1", mine=False, direction="to_crm", code="Sale", value="WON"),
        row("2", mine=False, direction="to_crm", code="Sale", value="other"),
        row("3", mine=False, direction="to_crm", code="Lost", value="other"),
        row("4", mine=False, direction="to_crm", code="Nobody", value="x"),
        row("5", mine=False, direction="from_crm", code="Sale", status="CLOSED"),
        row("6", mine=False, direction="from_crm", code="Sale", status=None, when=()),
        row("7", mine=False, direction="to_crm", code="None of it", value="off", active=False),
    )
    rules = 'from_crm:\n  - {status: "*", code: NONE}\n'
    notes = imported(project(tmp_path, rules), live).notes
    assert crm(tmp_path) == (
        'from_crm:\n  - {status: CLOSED, code: SALE}\n  - {status: "*", code: NONE}\nto_crm:\n  SALE: WON\n'
    )
    assert notes[-2:] == (
        (
            "sf: 2 rows are not wrapctl's and were understood: the files say what they say; they stay untouched, "
            "the plan adds wrapctl's own beside them"
        ),
        "sf: not mapped: `6 (Sale)`, `other (Lost)`, `other (Sale)`, `x (Nobody)`",
    )


def test_a_value_that_is_called_like_a_code_is_its_value_in_a_list(tmp_path: Path) -> None:
    live = held(
        value("sale"),
        value("NONE", description="is not taken over"),
        value("LOST"),
        value("Something else"),
        value("Old", mine=True),
        value_list=True,
    )
    notes = imported(project(tmp_path, target=LIST), live).notes
    assert crm(tmp_path) == "to_crm:\n  NONE: NONE\n  SALE: sale\n"
    assert notes[-3:] == (
        (
            "sf: 2 rows are not wrapctl's and were understood: the files say what they say; they stay untouched, "
            "they serve the mapping as they are"
        ),
        "sf: not mapped: `Old`, `Something else`",
        "sf: 1 of these is a row of wrapctl's own: the next plan removes it, unless a code is mapped to it",
    )
    assert [one.label for one in planned(tmp_path, live).changes] == ["Old"]


def test_what_own_values_say_is_written_where_it_is_not_the_codes_own(tmp_path: Path) -> None:
    live = held(
        value("Sale", mine=True, description="It is sold", translations=(("de", "Verkauf", None),)),
        value("LOST", mine=True, description="Lost for good", translations=()),
        value_list=True,
    )
    imported(project(tmp_path, target=LIST, crm="unmapped_codes: ignore\n"), live)
    assert crm(tmp_path) == (
        "unmapped_codes: ignore\nto_crm:\n  LOST: {description: Lost for good}\n"
        "  SALE: {value: Sale, translations: {de: Verkauf}}\n"
    )
    assert planned(tmp_path, live).changes == ()


# ── the rest ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_system_that_was_not_read_or_cannot_be_is_left_as_it_is(tmp_path: Path) -> None:
    project(tmp_path, FULL)
    down = replace(held(), crm={}, unread={"sf": "it answered 503"})
    assert imported(tmp_path, down).notes[-1] == "sf: left as it is: it answered 503"
    assert (
        imported(tmp_path, held(compared=False)).notes[-1]
        == "sf: left as it is: its rows cannot be read back"
    )
    assert crm(tmp_path) == FULL


def test_values_that_are_not_live_are_kept_and_told(tmp_path: Path) -> None:
    notes = imported(project(tmp_path, FULL), held()).notes
    assert crm(tmp_path) == FULL
    assert notes[-1] == "sf: 4 values of the files are not live: kept, the plan creates them"


def test_a_code_that_leaves_the_files_leaves_the_mapping(tmp_path: Path) -> None:
    names = {name: one for name, one in NAMES.items() if name != "Sale"}
    notes = imported(project(tmp_path, FULL), held(names=names), frozenset()).notes
    assert "SALE" not in crm(tmp_path)
    assert notes[-1] == "sf: 2 entries taken out of the files with their codes"


def test_nothing_is_imported_that_was_not_asked_for(tmp_path: Path) -> None:
    project(tmp_path)
    live = held(row("1", mine=False, direction="to_crm", code="Sale", value="WON"))
    assert not any(path.endswith("crm.yaml") for path in imported(tmp_path, live, frozenset()).files)


def lines(items: Iterable[tuple[int | None, Mapping[str, str | None]]]) -> str:
    file = File("a:\n  - {x: 1}  # one\n  - {x: 2, y: 3}\n")
    file.arrange(list(items), "a")
    return file.text


def test_a_list_of_maps_is_edited_in_place() -> None:
    assert lines([(0, {}), (1, {"y": None, "x": "b"})]) == "a:\n  - {x: 1}  # one\n  - {x: b}\n"
    assert lines([(None, {"x": "b"}), (0, {})]) == "a:\n  - {x: b}\n  - {x: 1}  # one\n"
    assert lines([]) == "a: []\n"
