"""What the files mean together: includes, overrides, sets, tags, CRM rows, digest, provenance."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from project_files import ORG, acme, load, loaded, problems, write
from wrapctl.errors import Source
from wrapctl.policy import Allowance, Limit, Window

WITH = ORG + "include: [../catalog/base.yaml]\n"
BASE = """
    kind: WrapUpCodes
    codes:
      SALE: {name: Sale, description: from the catalog, tags: [a, b], crm: {sf: WON, sn: 1}}
      LOST: {name: Lost, division: Sales}
      BUSY: {name: Busy}
    sets:
      all: [SALE, LOST]
"""


def test_maps_merge_by_key_while_scalars_and_lists_replace_whole(tmp_path: Path) -> None:
    own = "kind: WrapUpCodes\ncodes:\n  SALE: {name: Won, tags: [c], crm: {sf: DONE}}\n"
    org = load(write(acme(tmp_path, org=WITH, codes=own, crm=CRM), catalog__base=BASE))
    sale = next(code for code in org.desired.codes if code.key == "SALE")
    assert sale.name == "Won"
    assert sale.fields == {"name": "Won", "description": "from the catalog"}
    assert sale.tags == ("c",)
    assert sale.crm == {"sf": "DONE", "sn": "1"}
    assert [code.key for code in org.desired.codes] == ["BUSY", "LOST", "SALE"]


def test_null_takes_an_inherited_value_back_at_every_level(tmp_path: Path) -> None:
    own = "kind: WrapUpCodes\ncodes:\n  SALE: {description: ~, crm: {sf: ~, sn: null}}\n  BUSY: ~\n"
    org = load(write(acme(tmp_path, org=WITH, codes=own), catalog__base=BASE))
    sale = next(code for code in org.desired.codes if code.key == "SALE")
    assert sale.fields == {"name": "Sale"}
    assert sale.crm == {}
    assert [code.key for code in org.desired.codes] == ["LOST", "SALE"]


def test_an_omitted_code_is_declined_and_no_list_may_name_it(tmp_path: Path) -> None:
    own = "kind: WrapUpCodes\ncodes:\n  LOST: {state: omitted}\n"
    root = write(acme(tmp_path, org=WITH, codes=own), catalog__base=BASE)
    assert problems(root)[-1:] == [
        "catalog/base.yaml:7:15: error: the set `all` lists LOST, which this org omits (take it out of the list)"
    ]
    write(root, codes=own + "sets: {all: [SALE]}\n")
    assert [code.key for code in load(root).desired.codes] == ["BUSY", "SALE"]


def test_later_includes_win_over_earlier_ones_and_each_file_counts_once(tmp_path: Path) -> None:
    one = "kind: WrapUpCodes\ninclude: [base.yaml]\ncodes: {SALE: {description: one}}\n"
    two = "kind: WrapUpCodes\ninclude: [base.yaml]\ncodes: {LOST: {description: two}}\n"
    org = ORG + "include: [../catalog/one.yaml, ../catalog/two.yaml, ../catalog/one.yaml]\n"
    root = write(acme(tmp_path, org=org), catalog__one=one, catalog__two=two, catalog__base=BASE)
    described = {code.key: code.fields.get("description") for code in load(root).desired.codes}
    assert described == {"SALE": "one", "LOST": "two", "BUSY": None}


def test_an_include_loop_is_named(tmp_path: Path) -> None:
    one = "kind: WrapUpCodes\ninclude: [two.yaml]\n"
    two = "kind: WrapUpCodes\ninclude: [one.yaml]\n"
    root = write(
        acme(tmp_path, org=ORG + "include: [../catalog/one.yaml]\n"), catalog__one=one, catalog__two=two
    )
    assert problems(root) == [
        (
            "catalog/two.yaml:2:11: error: an include loop: wrapups/catalog/one.yaml → wrapups/catalog/two.yaml → "
            "wrapups/catalog/one.yaml (remove one of the includes)"
        )
    ]


def test_policy_is_never_included(tmp_path: Path) -> None:
    root = acme(tmp_path, org=ORG + "include: [../other/org.yaml, org.yaml]\n")
    write(root, other__org=ORG)
    assert [line.split(" (")[0] for line in problems(root)] == [
        "org.yaml:4:11: error: includes a file of kind Org",
        "org.yaml:4:30: error: an include loop: wrapups/acme/org.yaml → wrapups/acme/org.yaml",
    ]


def test_one_key_twice_in_an_orgs_own_files_is_an_error(tmp_path: Path) -> None:
    one = "kind: WrapUpCodes\ncodes: {SALE: {name: Sale}}\nsets: {s: [SALE]}\n"
    two = "kind: Queues\nsets: {s: [SALE]}\nqueues: {q: {}}\n"
    three = "kind: WrapUpCodes\ncodes: {SALE: {name: Sale}}\n"
    four = "kind: Queues\nqueues: {q: {}}\n"
    root = acme(tmp_path, codes=one, queues=two, acme__three=three, acme__zz=four)
    assert problems(root) == [
        "queues.yaml:2:8: error: the set `s` stands twice (first in wrapups/acme/codes.yaml:3:8)",
        "three.yaml:2:9: error: the code `SALE` stands twice (first in wrapups/acme/codes.yaml:2:9)",
        "zz.yaml:2:10: error: the queue `q` stands twice (first in wrapups/acme/queues.yaml:3:10)",
    ]


def test_sets_expand_in_order_and_each_code_once(tmp_path: Path) -> None:
    queues = 'kind: Queues\nsets: {x: [BUSY, "set:all"]}\nqueues: {q: {codes: [LOST, "set:x", SALE]}}\n'
    org = load(write(acme(tmp_path, org=WITH, queues=queues, crm=CRM), catalog__base=BASE))
    assert org.desired.queues[0].codes == ("LOST", "BUSY", "SALE")


def test_a_set_may_come_from_a_set_of_a_set_without_growing_without_end(tmp_path: Path) -> None:
    sets = "".join(f'  s{n}: ["set:s{n - 1}", "set:s{n - 1}"]\n' for n in range(1, 60))
    queues = f'kind: Queues\nsets:\n  s0: [SALE]\n{sets}queues: {{q: {{codes: ["set:s59"]}}}}\n'
    org = load(acme(tmp_path, codes="kind: WrapUpCodes\ncodes: {SALE: {name: Sale}}\n", queues=queues))
    assert org.desired.queues[0].codes == ("SALE",)


def test_everything_that_a_file_says_arrives_in_the_desired_state(tmp_path: Path) -> None:
    org = """
        kind: Org
        platform: genesys
        endpoint: sandbox
        organization_id: 5a5a5a5a-1
        timezone: Europe/Berlin
        manage: {mode: observe, unmanaged: prune, divisions: [Sales], ignore: [Z*], protect: [F]}
        limits: {creates: {max: 1}, updates: {percent: 5, max: 7}, codes_per_queue: 9, requests_per_minute: 60}
        windows: [{days: [sat-mon, wed], from: "20:00", to: "06:30"}]
        apply: {lock: git-ref, mode: fresh}
        journal: {store: git-branch, branch: ops/journal}
    """
    codes = """
        kind: WrapUpCodes
        codes:
          SALE:
            name: No
            id: 1
            description: ""
            division: "*"
            category: sales
            tags: [z, "cat:sales"]
            previously: []
            outbound: [right-party-contact, business-success, right-party-contact]
            valid_from: 2026-01-01
            valid_through: 2026-12-31
          OLD: {name: Old, state: absent, unassign_everywhere: true}
    """
    queues = """
        kind: Queues
        queues:
          Enterprise Sales:
            id: 6f1b
            previously: [Sales]
            codes: [SALE]
            assign: additive
            after_call_work: {prompt: mandatory-timeout, timeout: 45s}
            media: [voice, email]
          other: {}
    """
    allow = "kind: Allow\nallow: [{token: deletes=14@3f9c1a2b, reason: agreed}]\n"
    rules = 'kind: Project\ncategories: {sales: {tags: ["cat:sales", x]}}\nstages: [[acme], ["*"]]\nlimits: {orgs: 5}\n'
    project = loaded(
        write(acme(tmp_path, org=org, codes=codes, queues=queues, acme__allow=allow), wrapctl=rules)
    )
    desired = project.orgs["acme"].desired
    old, sale = desired.codes
    assert (old.absent, old.unassign_everywhere, old.previously, old.fields) == (
        True,
        True,
        None,
        {"name": "Old"},
    )
    assert sale.fields == {"name": "No", "description": "", "division": "*"}
    assert (sale.id, sale.previously, sale.category) == ("1", (), "sales")
    assert sale.tags == ("cat:sales", "x", "z")
    assert sale.outbound == ("business-success", "right-party-contact")
    assert (sale.valid_from, sale.valid_through) == (date(2026, 1, 1), date(2026, 12, 31))
    assert sale.source == Source("wrapups/acme/codes.yaml", 3, 3)
    queue, other = desired.queues
    assert (queue.label, queue.name, queue.id, queue.previously) == (
        "Enterprise Sales",
        "Enterprise Sales",
        "6f1b",
        ("Sales",),
    )
    assert (queue.codes, queue.additive, queue.media) == (("SALE",), True, ("email", "voice"))
    assert queue.after_call_work == {"prompt": "mandatory-timeout", "timeout_ms": 45_000}
    assert queue.codes_source == Source("wrapups/acme/queues.yaml", 6, 5)
    assert (other.codes, other.after_call_work, other.media, other.codes_source) == (None, None, None, None)
    policy = desired.policy
    assert (policy.observe, policy.unmanaged, policy.divisions) == (True, "prune", ("Sales",))
    assert (policy.ignore, policy.protect, policy.timezone, policy.lock) == (
        ("Z*",),
        ("F",),
        "Europe/Berlin",
        "git-ref",
    )
    assert (policy.fresh, policy.journal_branch) == (True, "ops/journal")
    assert policy.windows == (Window(frozenset({5, 6, 0, 2}), 20 * 60, 6 * 60 + 30),)
    assert (policy.limits.creates, policy.limits.updates) == (Limit(max=1), Limit(max=7, percent=5))
    assert policy.limits.deletes == Limit(max=10, percent=10)
    assert (policy.limits.codes_per_queue, policy.limits.requests_per_minute) == (9, 60)
    assert desired.organization_id == "5a5a5a5a-1"
    assert desired.allowances == (
        Allowance("deletes=14@3f9c1a2b", "agreed", Source("wrapups/acme/allow.yaml", 2, 9)),
    )
    assert (project.stages, project.max_orgs) == ((("acme",), ("*",)), 5)


def test_the_digest_is_of_content_alone(tmp_path: Path) -> None:
    codes = "kind: WrapUpCodes\ncodes:\n  SALE: {name: Sale}\n  LOST: {name: Lost}\n"
    root = acme(tmp_path, codes=codes)
    before = load(root).desired.digest
    moved = "kind: WrapUpCodes\n\n# moved\ncodes:\n  LOST:\n    name: Lost\n  SALE: {name: Sale}\n"
    write(root, org=ORG + "manage: {mode: observe}\nlimits: {creates: {max: 1}}\n", codes=moved)
    write(root, acme__allow="kind: Allow\nallow: [{token: deletes=14@3f9c1a2b, reason: x}]\n")
    assert load(root).desired.digest == before
    write(root, codes=codes.replace("name: Lost", "name: lost"))
    assert load(root).desired.digest != before


def test_show_knows_where_each_value_was_written(tmp_path: Path) -> None:
    own = "kind: WrapUpCodes\ncodes:\n  SALE: {name: Won}\n"
    org = load(write(acme(tmp_path, org=WITH, codes=own, crm=CRM), catalog__base=BASE))
    found = org.provenance()
    assert str(found["codes.SALE.name"]) == "wrapups/acme/codes.yaml:3:16"
    assert str(found["codes.SALE.description"]) == "wrapups/catalog/base.yaml:3:35"
    assert str(found["sets.all"]) == "wrapups/catalog/base.yaml:7:8"
    assert str(found["org.endpoint"]) == "wrapups/acme/org.yaml:3:11"


def test_orgs_come_in_stages_and_the_rest_last(tmp_path: Path) -> None:
    root = write(acme(tmp_path), a_x=ORG, wrapctl='kind: Project\nstages: [[b], ["a*"]]\n')
    (root / "wrapups/a_x.yaml").unlink()
    write(root, b__org=ORG, ab__org=ORG, c__org=ORG)
    project = loaded(root)
    assert project.staged(project.orgs) == (("b",), ("ab", "acme"), ("c",))


CRM = """
    kind: CrmMapping
    system: sf
    target: {type: genesys-datatable, table: Codes}
    unmapped_codes: ignore
"""
