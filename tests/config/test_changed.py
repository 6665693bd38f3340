"""What a change touches, and names that changed without a word: two desired states compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from project_files import ORG, acme, commit, load, loaded, write
from world import code, desired, queue
from wrapctl.config.changed import compare, since
from wrapctl.errors import Source
from wrapctl.model import Scope


def test_nothing_is_touched_by_comments_positions_and_policy() -> None:
    before = desired([code("A", "x")], [queue("q", ["A"])])
    moved = replace(before.codes[0], source=Source("other.yaml", 9, 9))
    touched = compare(before, replace(before, codes=(moved,), policy=replace(before.policy, observe=True)))
    assert touched.nothing
    assert touched.policy
    assert touched.scope == Scope(frozenset(), frozenset())


def test_only_what_differs_is_in_scope() -> None:
    before = desired([code("A"), code("B")], [queue("q", ["A"]), queue("r", ["B"])])
    after = desired(
        [code("A", description="new"), code("B"), code("C")], [queue("q", ["A"]), queue("r", ["B", "C"])]
    )
    assert compare(before, after).scope == Scope(frozenset({"A", "C"}), frozenset({"r"}))


def test_a_code_that_comes_or_goes_touches_the_queues_that_list_it() -> None:
    before = desired([code("A"), code("B")], [queue("q", ["A"]), queue("r", ["B"])])
    ending = desired(
        [code("A", valid_through=date(2026, 1, 1)), code("B")], [queue("q", ["A"]), queue("r", ["B"])]
    )
    assert compare(before, ending).scope == Scope(frozenset({"A"}), frozenset({"q"}))


def test_a_key_that_vanished_is_left_behind_still_live() -> None:
    before = desired([code("A", "Alpha"), code("OLD", absent=True)], [queue("q", ["A"])])
    touched = compare(before, desired([], [queue("q", [])]))
    assert [one.key for one in touched.left_behind] == ["A"]
    assert touched.notes[0].message == 'A ("Alpha") is no longer in the files: it is left behind, still live'
    assert touched.scope.queues == frozenset({"q"})


def test_a_new_org_is_touched_as_a_whole() -> None:
    touched = compare(None, desired([code("A")]))
    assert touched.whole
    assert not touched.nothing
    assert touched.scope == Scope()


def test_a_name_that_changed_without_a_word_is_a_question_with_the_line_to_add() -> None:
    before = desired([code("A", "Sale: old")])
    (question,) = compare(before, desired([code("A", "New", previously=("Older",))])).questions
    assert question.message == 'A: the name changed from "Sale: old" to "New"'
    assert question.hint.startswith('add `previously: [Older, "Sale: old"]` to rename the live code')


def test_a_name_that_changed_with_an_answer_is_none() -> None:
    before = desired([code("A", "Old")])
    answered = [
        code("A", "New", previously=("Old",)),
        code("A", "New", previously=()),
        code("A", "New", id="1"),
        code("A", "New", absent=True),
        code("A", "Old"),
    ]
    assert [compare(before, desired([one])).questions for one in answered] == [()] * 5


def test_two_revisions_are_compared_after_includes_and_sets(tmp_path: Path) -> None:
    org = ORG + "include: [../catalog/base.yaml]\n"
    base = "kind: WrapUpCodes\ncodes:\n  A: {name: A}\n  B: {name: B}\nsets: {s: [A]}\n"
    queues = 'kind: Queues\nqueues: {q: {codes: ["set:s"]}, r: {codes: [B]}}\n'
    root = write(acme(tmp_path, org=org, queues=queues), catalog__base=base, other__org=ORG)
    commit(root)
    write(root, catalog__base=base.replace("s: [A]", "s: [A, B]"), new__org=ORG)
    touched = since(root, loaded(root), "HEAD")
    assert touched["acme"].scope == Scope(frozenset(), frozenset({"q"}))
    assert touched["other"].nothing
    assert touched["new"].whole


def test_against_a_base_that_does_not_load_everything_is_touched(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("nothing here yet")
    commit(tmp_path)
    acme(tmp_path, codes="kind: WrapUpCodes\ncodes: {A: {name: A}}\n")
    assert since(tmp_path, loaded(tmp_path), "HEAD")["acme"].whole


MAPPED = "kind: WrapUpCodes\ncodes:\n  A: {name: A, crm: {sf: X}}\n  B: {name: B}\n"
CRM = """
    kind: CrmMapping
    system: sf
    target: {type: genesys-datatable, table: Codes}
    unmapped_codes: ignore
    to_crm: {B: Y}
    from_crm: [{status: S, code: A}]
"""


def test_crm_rows_touch_their_codes_and_their_system(tmp_path: Path) -> None:
    before = load(acme(tmp_path, codes=MAPPED, crm=CRM)).desired
    after = load(write(tmp_path, crm=CRM.replace("B: Y", "B: Z"))).desired
    assert compare(before, after).scope == Scope(frozenset({"B"}), frozenset(), frozenset({"sf"}))
    assert compare(after, after).nothing


def test_a_description_that_rows_take_from_the_code_touches_the_system(tmp_path: Path) -> None:
    before = load(acme(tmp_path, codes=MAPPED, crm=CRM)).desired
    after = load(write(tmp_path, codes=MAPPED.replace("name: B", "name: B, description: new"))).desired
    assert compare(before, after).scope == Scope(frozenset({"B"}), frozenset(), frozenset({"sf"}))


def test_rules_the_default_and_options_touch_the_system_alone_or_with_their_code(tmp_path: Path) -> None:
    before = load(acme(tmp_path, codes=MAPPED, crm=CRM)).desired
    for old, new, codes in (
        ("to_crm: {B: Y}", "to_crm: {B: Y, default: O}", set()),
        ("table: Codes", "table: Others", set()),
        ("unmapped_codes: ignore", "unmapped_codes: ignore\n    on_remove: delete", set()),
        ("status: S", "status: T", {"A"}),
    ):
        after = load(write(tmp_path, crm=CRM.replace(old, new))).desired
        touched = compare(before, after)
        assert touched.scope == Scope(frozenset(codes), frozenset(), frozenset({"sf"})), new


def test_a_mapping_that_vanished_leaves_its_rows_behind(tmp_path: Path) -> None:
    codes = MAPPED.replace(", crm: {sf: X}", "")
    before = load(acme(tmp_path, codes=codes, crm=CRM)).desired
    (tmp_path / "wrapups/acme/crm.yaml").unlink()
    touched = compare(before, load(tmp_path).desired)
    assert (touched.crm, touched.scope.crm, touched.nothing) == (frozenset({"sf"}), frozenset(), False)
    assert [note.message for note in touched.notes] == [
        "the mapping of sf is no longer in the files: its rows are left behind, still live"
    ]


def test_where_a_connection_leads_touches_nothing(tmp_path: Path) -> None:
    crm = CRM.replace("genesys-datatable, table: Codes", "dataverse, connection: dv")
    org = ORG + "connections: {dv: {endpoint: sandbox}}\n"
    before = load(acme(tmp_path, org=org, codes=MAPPED, crm=crm)).desired
    after = load(write(tmp_path, org=org.replace("sandbox}", "sandbox, requests_per_minute: 9}"))).desired
    assert compare(before, after).nothing
