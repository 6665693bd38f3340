"""One catalog, two vendors: what one of them cannot hold is said with file and line, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from wrapctl.config import project
from wrapctl.config.project import OrgConfig
from wrapctl.errors import ConfigError
from wrapctl.model import Verb

CATALOG = """\
kind: WrapUpCodes
codes:
  SALE:
    name: Sale
    category: sales
    division: Sales
    outbound: [business-success]
    cxone: {classification: Other}
  LOST:
    name: Lost
    category: sales
    division: "*"
"""
RULES = "kind: Project\ncategories: {sales: {cxone_classification: Positive w/Amount}, lost: {}}\n"
CXONE = "kind: Org\nplatform: cxone\nendpoint: sandbox\ninclude: [../catalog/c.yaml]\n"
GENESYS = CXONE.replace("cxone", "genesys")


def files(root: Path, **texts: str) -> Path:
    """Write a project; ``acme__codes`` is ``acme/codes.yaml``."""
    for name, text in {"wrapctl": RULES, "catalog__c": CATALOG, **texts}.items():
        path = root / "wrapups" / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def load(root: Path) -> OrgConfig:
    return project.load(root).orgs["acme"]


def problems(root: Path) -> list[str]:
    """Everything that is said of a project, errors and warnings, without the folder."""
    try:
        found = project.load(root).warnings
    except ConfigError as error:
        found = error.problems
    return [str(problem).removeprefix("wrapups/") for problem in found]


def test_what_a_shared_catalog_says_for_another_vendor_is_a_warning_with_every_line(tmp_path: Path) -> None:
    silence = (
        "orgs of other platforms that include this file hold it; `null` in this org's own files silences this"
    )
    assert problems(files(tmp_path, acme__org=CXONE)) == [
        (
            "catalog/c.yaml:6:5: warning: acme: NICE CXone has no `division` on wrap-up codes; not written: "
            f"SALE (line 6), LOST (line 12) ({silence})"
        ),
        (
            "catalog/c.yaml:7:5: warning: acme: NICE CXone has no `outbound` on wrap-up codes; not written: "
            f"SALE (line 7) ({silence})"
        ),
    ]
    assert problems(files(tmp_path, acme__org=GENESYS)) == [
        (
            "catalog/c.yaml:8:5: warning: acme: Genesys Cloud has no use for options of cxone; not written: "
            f"SALE (line 8) ({silence})"
        ),
    ]


def test_in_the_orgs_own_files_the_same_is_an_error(tmp_path: Path) -> None:
    codes = (
        CATALOG.replace("SALE", "OWN")
        .replace("LOST", "OTHER")
        .replace("Sale", "Own")
        .replace("Lost", "Other")
    )
    found = problems(files(tmp_path, acme__org=CXONE.partition("include")[0], acme__codes=codes))
    assert [line.partition(" (")[0] for line in found] == [
        "acme/codes.yaml:6:5: error: OWN: NICE CXone has no `division` on wrap-up codes",
        "acme/codes.yaml:7:5: error: OWN: NICE CXone has no `outbound` on wrap-up codes",
        "acme/codes.yaml:12:5: error: OTHER: NICE CXone has no `division` on wrap-up codes",
    ]
    found = problems(files(tmp_path, acme__org=GENESYS.partition("include")[0], acme__codes=codes))
    assert [line.partition(" (")[0] for line in found] == [
        "acme/codes.yaml:8:5: error: options of cxone in an org of another platform"
    ]


def test_null_in_the_orgs_own_files_silences_what_is_inherited(tmp_path: Path) -> None:
    own = "kind: WrapUpCodes\ncodes:\n  SALE: {division: ~, outbound: ~}\n  LOST: {division: ~}\n"
    assert problems(files(tmp_path, acme__org=CXONE, acme__codes=own)) == []


@pytest.mark.parametrize("place", ["catalog__c", "acme__codes"])
def test_a_name_that_is_too_long_for_one_vendor_is_an_error_wherever_it_stands(
    tmp_path: Path, place: str
) -> None:
    long = "n" * 60
    texts = {
        "catalog__c": "kind: WrapUpCodes\n",
        place: f"kind: WrapUpCodes\ncodes:\n  LONG: {{name: {long}}}\n",
    }
    assert problems(files(tmp_path, acme__org=CXONE, **texts)) == [
        (
            f"{place.replace('__', '/')}.yaml:3:16: error: LONG: a name of 60 characters; NICE CXone takes 50 "
            "(write a shorter `name` for this org, or decline the code with `state: omitted`)"
        )
    ]
    assert problems(files(tmp_path, acme__org=GENESYS, **texts)) == []


def test_fifty_characters_are_not_too_long(tmp_path: Path) -> None:
    own = f"kind: WrapUpCodes\ncodes:\n  FIFTY: {{name: {'ü' * 50}}}\n"
    assert problems(files(tmp_path, acme__org=CXONE, catalog__c="kind: WrapUpCodes\n", acme__codes=own)) == []


def test_a_classification_is_the_codes_own_or_that_of_its_category(tmp_path: Path) -> None:
    own = """\
kind: WrapUpCodes
codes:
  NONE: {name: None of these, category: sales, cxone: {classification: none}}
  FREE: {name: Free, category: lost}
  SHOWN: {name: Shown, cxone: {preview: true}}
"""
    desired = load(files(tmp_path, acme__org=CXONE, acme__codes=own)).desired
    assert {code.key: dict(code.fields) for code in desired.codes} == {
        "SALE": {"name": "Sale", "classification": "Other"},
        "LOST": {"name": "Lost", "classification": "Positive w/Amount"},
        "NONE": {"name": "None of these", "classification": None},
        "FREE": {"name": "Free"},
        "SHOWN": {"name": "Shown", "preview": True},
    }
    assert all(code.outbound is None for code in desired.codes)
    held = load(files(tmp_path, acme__org=GENESYS, acme__codes="kind: WrapUpCodes\n")).desired
    assert {code.key: sorted(code.fields) for code in held.codes} == {
        "SALE": ["division", "name"],
        "LOST": ["division", "name"],
    }


@pytest.mark.parametrize(
    ("work", "message"),
    [
        ("{prompt: mandatory, timeout: 45s, state: Wrap Up}", ""),
        ("{state: Wrap Up}", ""),
        ("{prompt: none}", ""),
        ("{prompt: mandatory-timeout}", "4:33: error: q: NICE CXone has no prompt `mandatory-timeout`"),
        ("{prompt: none, timeout: 45s}", "4:48: error: q: a timeout with the prompt none"),
        ("{prompt: none, state: Wrap Up}", "4:46: error: q: a state with the prompt none"),
        ("{timeout: 1500ms}", "4:34: error: q: NICE CXone counts whole seconds"),
        ("{timeout: 25h}", "4:34: error: q: the timeout is out of bounds"),
    ],
)
def test_after_call_work_is_checked_against_what_the_platform_takes(
    tmp_path: Path, work: str, message: str
) -> None:
    queues = f"kind: Queues\nqueues:\n\n  q: {{after_call_work: {work}}}\n"
    root = files(tmp_path, acme__org=CXONE.partition("include")[0], acme__queues=queues)
    found = [line.partition(" (")[0] for line in problems(root)]
    assert found == ([f"acme/queues.yaml:{message}"] if message else [])


def test_a_state_or_an_automatic_prompt_is_nothing_for_the_other_vendor(tmp_path: Path) -> None:
    queues = "kind: Queues\nqueues:\n  q: {after_call_work: {prompt: automatic, state: Wrap Up}}\n"
    root = files(tmp_path, acme__org=GENESYS.partition("include")[0], acme__queues=queues)
    assert [line.partition(" (")[0] for line in problems(root)] == [
        "acme/queues.yaml:3:33: error: q: Genesys Cloud has no prompt `automatic`",
        "acme/queues.yaml:3:51: error: q: Genesys Cloud has no `state` in after-call work",
    ]


REAL = "kind: Org\nplatform: cxone\nregion: eu1\norganization_id: t-1\n"
KEY = "credentials: {access_key_id: {env: ID}, access_key_secret: {env: SECRET}"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (REAL + KEY + "}\n", []),
        (REAL + KEY + ", client_id: {env: C}, client_secret: {env: S}}\n", []),
        (REAL + KEY + ", client_id: {env: C}}\n", ["5:1: error: credentials lack client_secret"]),
        (
            REAL + "credentials: {client_id: {env: C}, client_secret: {env: S}}\n",
            ["5:1: error: credentials lack access_key_id and access_key_secret"],
        ),
        (REAL + KEY + ", token: {env: T}}\n", ["5:75: error: NICE CXone has no credential `token`"]),
        (REAL.replace("eu1", "eu9") + KEY + "}\n", ["3:9: error: NICE CXone has no region `eu9`"]),
        (REAL.replace("region: eu1", "endpoint: https://api-ca1.niceincontact.com") + KEY + "}\n", []),
        (REAL.replace("region: eu1", "endpoint: http://127.0.0.1:8080") + KEY + "}\n", []),
        (
            REAL.replace("region: eu1", "endpoint: https://api.example.com") + KEY + "}\n",
            ["3:11: error: no host of NICE CXone"],
        ),
        (REAL + KEY + "}\ncxone: {api_version: 34, assignments: manual}\n", []),
        (
            REAL + KEY + "}\ncxone: {api_version: 7}\n",
            ["6:22: error: `api_version`: 7 is no version of the Admin API"],
        ),
        (
            REAL + KEY + "}\ncxone: {assignments: hand}\n",
            ["6:22: error: `assignments`: `hand` is not allowed"],
        ),
        (
            REAL + KEY + "}\ncxone: {auth_endpoint: https://evil.example}\n",
            ["6:24: error: `auth_endpoint`: not a host of NICE"],
        ),
        (
            REAL + KEY + "}\ncxone: {auth_endpoint: http://cxone.niceincontact.com}\n",
            ["6:24: error: `auth_endpoint`: not the address of a login host"],
        ),
        (REAL + KEY + "}\ncxone: {assignment: manual}\n", ["6:9: error: unknown key `assignment`"]),
    ],
)
def test_how_a_tenant_is_reached_is_checked_where_it_is_written(
    tmp_path: Path, text: str, messages: list[str]
) -> None:
    found = problems(files(tmp_path, catalog__c="kind: WrapUpCodes\n", acme__org=text))
    assert [line.partition(" (")[0] for line in found] == [f"acme/org.yaml:{message}" for message in messages]


def test_assignments_left_to_a_person_reach_the_plan_and_make_saved_plans_old(tmp_path: Path) -> None:
    written = load(files(tmp_path, acme__org=CXONE)).desired
    manual = load(files(tmp_path, acme__org=CXONE + "cxone: {assignments: manual}\n")).desired
    assert written.manual == frozenset()
    assert manual.manual == {Verb.ASSIGN, Verb.UNASSIGN, Verb.REORDER}
    assert written.digest != manual.digest


def test_a_sandbox_needs_no_credentials_on_either_platform(tmp_path: Path) -> None:
    for text, names in (
        (CXONE, ["access_key_id", "access_key_secret"]),
        (GENESYS, ["client_id", "client_secret"]),
    ):
        connection = load(files(tmp_path, acme__org=text)).connection({}, tmp_path)
        assert [connection.credentials[name]() for name in names] == ["sandbox-acme", "sandbox"]
