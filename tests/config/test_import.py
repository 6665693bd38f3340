"""Live org → files → plan: nothing to do, on every odd name; and files that are there keep what people wrote."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from project_files import ORG, acme, load, write
from wrapctl.config import naming
from wrapctl.config.adopt import Imported, Selection, import_org, queues_to_read
from wrapctl.config.project import OrgConfig
from wrapctl.config.vendor import vendor
from wrapctl.config.write import OrgSettings, duration
from wrapctl.errors import UsageError
from wrapctl.model import Division, Identity, Live, LiveCode, LiveQueue, Value
from wrapctl.plan.make import make_plan
from wrapctl.plan.plan import Plan

TODAY = date(2026, 3, 10)
SETTINGS = OrgSettings("genesys", endpoint="sandbox")
GENESYS = vendor("genesys")
ODD = [
    "No",
    "1",
    "01.Traité",
    "Sales Rep / Plant",
    "Répondeur_/_Non_réponse",
    "complément d'information demandé",
    "comple\u0301ment d'information demande\u0301",
    "PNAV: First attempt",
    "ANSWERING_MACHINE",
    "Answering Machine",
    "😀",
    "👩‍👩‍👧 family",
    "trailing ",
    " leading",
    "a  b",
    "- x",
    "# x",
    "x # y",
    "~",
    "null",
    "{a: b}",
    "[x]",
    "*a",
    "&a",
    "!x",
    "|",
    ">",
    "%x",
    "@x",
    "`x`",
    "'quoted'",
    '"quoted"',
    "back\\slash",
    "a,b",
    "0x1F",
    "12:30",
    "2026-01-01",
    "=",
    "<<",
    "x\u00a0y",
    "\u202eevil",
    "\ufeffbom",
    "\u2028",
    "true",
    "ß",
    "ẞ",
]


def live_code(number: int, name: str, description: str = "", division: str = "Sales") -> LiveCode:
    fields: dict[str, Value] = {"name": name, "description": description, "division": division}
    return LiveCode(f"c{number}", name, fields, reserved=name.casefold().startswith("ININ-".casefold()))


def org(names: list[str], queues: dict[str, list[int]] | None = None, **more: object) -> Live:
    """A live org: codes by name, queues by name with the numbers of their codes."""
    codes = tuple(live_code(number, name, f"about {name}") for number, name in enumerate(names))
    held = queues or {}
    work: dict[str, Value] = {"prompt": "mandatory-timeout", "timeout_ms": 45_000}
    base = Live(
        Identity("org-1", "Acme"),
        codes,
        tuple(LiveQueue(f"q{n}", name, "Sales", work) for n, name in enumerate(held)),
        {f"q{n}": tuple(sorted(f"c{code}" for code in set(on))) for n, on in enumerate(held.values())},
        {code.id: code.name for code in codes},
        outbound={},
        outbound_default=("right-party-contact",),
        divisions=(Division("d", "Sales", len(codes), len(held)),),
    )
    return replace(base, **more)  # type: ignore[arg-type]  # tests name real fields


def imported(live: Live, *, selection: Selection = "all", sets: bool = False) -> Imported:
    assert GENESYS is not None
    return import_org("acme", live, GENESYS, selection=selection, sets=sets, settings=SETTINGS)


def again(live: Live, root: Path, *, selection: Selection = "none", sets: bool = False) -> Imported:
    """Import over the files in ``root`` and write what comes out."""
    assert GENESYS is not None
    paths = sorted((root / "wrapups/acme").rglob("*.yaml"))
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
    out = import_org("acme", live, GENESYS, selection=selection, sets=sets, existing=load(root), texts=texts)
    for path, text in out.files.items():
        (root / path).write_text(text, "utf-8")
    return out


def planned(live: Live, root: Path) -> Plan:
    assert GENESYS is not None
    return make_plan(load(root).desired, live, GENESYS.capabilities, as_of=TODAY)


def put(out: Imported, root: Path) -> Path:
    for path, text in out.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root


def in_scratch(live: Live, *, sets: bool = False) -> tuple[Plan, OrgConfig]:
    with tempfile.TemporaryDirectory() as folder:
        root = put(imported(live, sets=sets), Path(folder))
        return planned(live, root), load(root)


def test_an_org_of_nothing_but_odd_names_imports_and_plans_to_nothing() -> None:
    plan, config = in_scratch(org(ODD, {name: list(range(len(ODD))) for name in ODD}), sets=True)
    assert plan.changes == ()
    assert plan.unmanaged == ()
    assert plan.warnings == ()
    assert {code.name for code in config.desired.codes} == set(ODD)
    assert {queue.name for queue in config.desired.queues} == set(ODD)
    assert config.desired.policy.observe


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(NAMES, unique=True, max_size=12),
    st.dictionaries(NAMES, st.lists(st.integers(0, 11), max_size=6), max_size=5),
    st.booleans(),
)
@example(["Foo", "foo", "FOO"], {"Q": [0], "q": [0, 1], "Ｑ": [0, 1, 2]}, True)
def test_whatever_is_live_imports_and_plans_to_nothing(
    names: list[str], queues: dict[str, list[int]], sets: bool
) -> None:
    held = {name: [code for code in on if code < len(names)] for name, on in queues.items()}
    plan, _ = in_scratch(org(names, held), sets=sets)
    assert plan.changes == ()
    assert [one for one in plan.unmanaged if one.why == "undeclared"] == []


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    live = org(ODD, {"Sales": [0, 1, 2], "Service": [3]})
    root = put(imported(live), tmp_path)
    assert again(live, root, selection="all").files == {}


def test_a_new_file_reads_as_a_person_would_have_written_it() -> None:
    live = org(
        ["Sale - Enterprise", "No"],
        {"Enterprise Sales": [0, 1], "empty": []},
        outbound={"c0": ("business-success",), "c1": ("right-party-contact",)},
    )
    out = imported(live)
    assert out.files["wrapups/acme/codes.yaml"] == (
        "# yaml-language-server: $schema=../../schemas/codes.schema.json\n"
        "kind: WrapUpCodes\n"
        "\n"
        "codes:\n"
        "  NO:\n"
        '    name: "No"\n'
        "    description: about No\n"
        "    division: Sales\n"
        "  SALE_ENTERPRISE:\n"
        "    name: Sale - Enterprise\n"
        "    description: about Sale - Enterprise\n"
        "    division: Sales\n"
        "    outbound: [business-success]\n"
    ).replace("  NO:", '  "NO":')
    assert out.files["wrapups/acme/queues.yaml"] == (
        "# yaml-language-server: $schema=../../schemas/queues.schema.json\n"
        "kind: Queues\n"
        "\n"
        "queues:\n"
        "  enterprise-sales:\n"
        "    name: Enterprise Sales\n"
        "    id: q0\n"
        "    codes: [NO, SALE_ENTERPRISE]\n"
        "    after_call_work: {prompt: mandatory-timeout, timeout: 45s}\n"
        "  empty:\n"
        "    id: q1\n"
        "    codes: []\n"
        "    after_call_work: {prompt: mandatory-timeout, timeout: 45s}\n"
    ).replace("[NO,", '["NO",')


def test_keys_come_from_names_and_a_collision_adds_a_hash_whatever_the_order() -> None:
    made = naming.keys(["Foo", "foo", "Bär", "😀", "01.Traité"])
    assert (made["Bär"], made["01.Traité"]) == ("BAR", "01_TRAITE")
    assert made["Foo"].startswith("FOO_") and made["foo"].startswith("FOO_") and made["Foo"] != made["foo"]  # noqa: PT018 one thought
    assert made["😀"].startswith("CODE_")
    assert naming.keys(["foo", "01.Traité", "😀", "Foo", "Bär"]) == made
    assert naming.keys(["Bär"], taken={"BAR"})["Bär"].startswith("BAR_")
    assert len(naming.keys(["x" * 256])["x" * 256]) <= 128


def test_reserved_unwritable_and_doubled_names_are_left_out_and_said() -> None:
    live = org(["ININ-WRAP-UP-TIMEOUT", "a\x07b", "twice", "twice", "fine"], {"q": [0, 1, 4]})
    out = imported(live)
    assert [note.split(" (")[0] for note in out.notes] == [
        "left out `a\\u0007b`",
        "left out `twice`",
        "left out `twice`",
        "q: `additive`, for it holds codes that the files do not",
    ]
    plan, config = in_scratch(live)
    assert [code.name for code in config.desired.codes] == ["fine"]
    assert plan.changes == ()


def test_lists_that_three_queues_share_get_a_name_when_asked() -> None:
    held = {"Service DE": [0, 1], "Service FR": [0, 1], "Service EN": [0, 1], "Sales": [0]}
    text = imported(org(["A1", "B1"], held), sets=True).files["wrapups/acme/queues.yaml"]
    assert "sets:\n  service: [A1, B1]\n" in text
    assert text.count('codes: ["set:service"]') == 3
    assert "sets:" not in imported(org(["A1", "B1"], held)).files["wrapups/acme/queues.yaml"]


def test_queues_are_taken_all_none_or_by_name() -> None:
    live = org(["A1"], {"x": [0], "y": [0]})
    assert "wrapups/acme/queues.yaml" not in imported(live, selection="none").files
    text = imported(live, selection=frozenset({"y"})).files["wrapups/acme/queues.yaml"]
    assert '\n  "y":\n' in text
    assert "x:" not in text
    assert queues_to_read(live, frozenset({"y"})) == {"q1"}
    with pytest.raises(UsageError) as caught:
        imported(live, selection=frozenset({"yy"}))
    assert "there is no queue" in caught.value.message


def test_a_queue_of_more_codes_than_the_default_bound_raises_the_bound() -> None:
    names = [f"code {n}" for n in range(250)]
    live = org(names, {"big": list(range(250))})
    assert "codes_per_queue: 250" in imported(live).files["wrapups/acme/org.yaml"]
    assert in_scratch(live)[0].changes == ()


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(45_000, "45s"), (300_000, "5m"), (3_600_000, "1h"), (1_500, "1500ms")]
)
def test_durations_are_said_in_the_largest_unit(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


KEPT = """
    # our codes
    kind: WrapUpCodes
    codes:
      # the big ones
      WON: {name: Sale, tags: [revenue]}   # said by sales
      LOST:
        name: Lost        # do not touch
        description: 'old words'
        category: x
      PENDING: {name: Not there yet}
      GONE:
        name: Old one
        state: absent
    sets:
      mine: [WON, LOST, PENDING]
"""
QUEUES = """
    kind: Queues
    queues:
      sales:
        name: Sales
        codes:
          - set:mine    # ours
          - GONE_TOO
          - WON
        after_call_work: {prompt: optional}
      vanished: {codes: [WON]}
"""


def test_files_that_are_there_keep_their_keys_comments_and_order(tmp_path: Path) -> None:
    more = KEPT.replace("      PENDING", "      GONE_TOO: {name: Gone too}\n      PENDING")
    root = acme(tmp_path, codes=more, queues=QUEUES)
    live = org(["Sale", "Lost", "Old one", "Brand new"], {"Sales": [0, 1, 3], "Other": [0]})
    out = again(live, root)
    assert (root / "wrapups/acme/codes.yaml").read_text("utf-8") == (
        "# our codes\n"
        "kind: WrapUpCodes\n"
        "codes:\n"
        "  # the big ones\n"
        "  WON: {name: Sale, tags: [revenue]}   # said by sales\n"
        "  LOST:\n"
        "    name: Lost        # do not touch\n"
        "    description: 'about Lost'\n"
        "    category: x\n"
        "  GONE:\n"
        "    name: Old one\n"
        "  BRAND_NEW:\n"
        "    name: Brand new\n"
        "    description: about Brand new\n"
        "    division: Sales\n"
        "sets:\n"
        "  mine: [WON, LOST]\n"
    )
    assert (root / "wrapups/acme/queues.yaml").read_text("utf-8") == (
        "kind: Queues\n"
        "queues:\n"
        "  sales:\n"
        "    name: Sales\n"
        "    codes:\n"
        "      - set:mine    # ours\n"
        "      - WON\n"
        "      - BRAND_NEW\n"
        "    after_call_work: {prompt: mandatory-timeout, timeout: 45s}\n"
        "    id: q0\n"
    )
    assert planned(live, root).changes == ()
    assert [note.split(":")[0] for note in out.notes] == ["GONE_TOO", "PENDING", "vanished"]


def test_an_inherited_code_is_overridden_or_declined_and_the_catalog_left_alone(tmp_path: Path) -> None:
    base = "kind: WrapUpCodes\ncodes:\n  A: {name: A, description: x}\n  B: {name: B}\n  C: {name: C}\nsets: {s: [A, B]}\n"
    root = write(acme(tmp_path, org=ORG + "include: [../catalog/base.yaml]\n"), catalog__base=base)
    live = org(["A", "C"])
    again(live, root)
    assert (root / "wrapups/catalog/base.yaml").read_text("utf-8") == base
    desired = load(root).desired
    assert [(code.key, code.fields.get("description")) for code in desired.codes] == [
        ("A", "about A"),
        ("C", None),
    ]
    assert planned(live, root).changes == ()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(NAMES, unique=True, min_size=1, max_size=8), st.lists(NAMES, unique=True, min_size=1, max_size=8)
)
def test_importing_over_yesterdays_import_plans_to_nothing(before: list[str], after: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = put(imported(org(before, {"q": list(range(len(before)))})), Path(folder))
        today = org(after, {"q": list(range(len(after))), "r": [0]})
        today = replace(today, codes=tuple(replace(code, id=f"x{code.id}") for code in today.codes))
        today = replace(
            today,
            links={queue: tuple(f"x{code}" for code in on) for queue, on in today.links.items()},
            link_names={f"x{code}": name for code, name in today.link_names.items()},
        )
        again(today, root, selection="all")
        assert planned(today, root).changes == ()
