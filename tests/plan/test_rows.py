"""Rows of CRM systems: a small world, an edit, the whole plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from world import (
    GENESYS_WITH_CRM,
    SENT,
    TABLE_LIKE,
    code,
    desired,
    from_crm,
    live,
    live_code,
    live_queue,
    live_row,
    mapping,
    plan,
    queue,
    sentences,
    table,
    to_crm,
    values,
)
from wrapctl.model import CrmRow, Desired, Live, Lock, Ref, Scope, State, Verb, code_address
from wrapctl.plan.plan import Plan, Unmanaged
from wrapctl.rows import LiveTable, Rows

SALE, LOST = live_code("1", "Sale"), live_code("2", "Lost")


def in_sf(*rows: CrmRow, on_remove: str = "deactivate", **more: object) -> Desired:
    """Sale and Lost, and a mapping table for them."""
    return desired(
        [code("SALE", "Sale"), code("LOST", "Lost")],
        crm=[mapping("sf", *rows, on_remove=on_remove)],
        **more,  # type: ignore[arg-type]  # tests name real policy
    )


def in_sn(*rows: CrmRow, on_remove: str = "deactivate") -> Desired:
    """Sale and Lost, and a value list for them."""
    return desired(
        [code("SALE", "Sale"), code("LOST", "Lost")], crm=[mapping("sn", *rows, on_remove=on_remove)]
    )


def holding(**crm: Rows) -> Live:
    """Sale and Lost are live, and so are these rows."""
    return live([SALE, LOST], crm=crm)


def planned(want: Desired, have: Live, **more: object) -> Plan:
    return plan(want, have, capabilities=GENESYS_WITH_CRM, **more)  # type: ignore[arg-type]  # tests name real arguments


def told(want: Desired, have: Live, **more: object) -> list[str]:
    return sentences(planned(want, have, **more))


# ── mapping tables ─────────────────────────────────────────────────────────────────────────────────────────


def test_rows_that_are_as_wanted_need_nothing() -> None:
    want = in_sf(to_crm("SALE", "WON"), from_crm("CLOSED", "SALE", 1), to_crm("default", "OTHER"))
    have = table(
        live_row("to/SALE", "r1", code_id="1", value="WON"),
        live_row("from/status=CLOSED", "r2", code="SALE", code_id="1", order=1),
        live_row("to/default", "r3", value="OTHER"),
    )
    assert told(want, holding(sf=have)) == []


def test_a_new_row_carries_everything_that_its_place_keeps() -> None:
    made = planned(in_sf(to_crm("SALE", "WON", description="won", tags=("a",))), holding(sf=table()))
    assert sentences(made) == ["create row crm/sf/to%2FSALE"]
    (row,) = made.changes
    assert row.after == {
        "key": "to/SALE",
        "direction": "to_crm",
        "system": "sf",
        "code": "SALE",
        "code_id": "1",
        "value": "WON",
        "description": "won",
        "translations": None,
        "category": None,
        "tags": ("a",),
        "active": True,
    }
    assert (row.system, row.within, row.label, row.live_id) == ("sf", "sf", "SALE", None)
    assert (row.lock, str(row.source)) == (Lock.UNIQUE, "wrapups/acme/crm/sf.yaml:5:3")


def test_a_place_gets_only_the_fields_that_it_keeps() -> None:
    rows = Rows(frozenset({"key", "code", "value"}), (live_row("to/SALE", "r1", value="OLD"),))
    made = planned(
        in_sf(to_crm("SALE", "WON", description="unseen"), to_crm("LOST", "GONE")), holding(sf=rows)
    )
    create, update = made.changes
    assert create.after == {"key": "to/LOST", "code": "LOST", "value": "GONE"}
    assert update.before == {"key": "to/SALE", "code": "SALE", "value": "OLD"}
    assert update.after == {"key": "to/SALE", "code": "SALE", "value": "WON"}


def test_a_changed_row_is_updated_under_its_own_id() -> None:
    made = planned(
        in_sf(to_crm("SALE", "WON")), holding(sf=table(live_row("to/SALE", "r1", code_id="1", value="X")))
    )
    assert sentences(made) == ["update row crm/sf/to%2FSALE value: 'X' → 'WON'"]
    assert (made.changes[0].live_id, made.changes[0].lock) == ("r1", Lock.CONDITIONAL)


def test_a_row_out_of_use_is_taken_up_again() -> None:
    have = table(live_row("to/SALE", "r1", code_id="1", value="WON", active=False))
    assert told(in_sf(to_crm("SALE", "WON")), holding(sf=have)) == [
        "update row crm/sf/to%2FSALE active: False → True"
    ]


def test_nothing_an_empty_text_and_an_empty_list_are_the_same() -> None:
    have = table(live_row("to/SALE", "r1", code_id="1", value="X", description="", tags=()))
    made = planned(in_sf(to_crm("SALE", "X", description=None)), holding(sf=have))
    assert sentences(made) == []
    (update,) = planned(in_sf(to_crm("SALE", "Y", description=None)), holding(sf=have)).changes
    assert (update.before["description"], update.after["description"]) == ("", "")


@pytest.mark.parametrize(
    ("on_remove", "sentence"),
    [
        ("deactivate", "deactivate row crm/sf/to%2FOLD active: True → False"),
        ("delete", "delete row crm/sf/to%2FOLD"),
        ("keep", None),
    ],
)
def test_what_the_files_no_longer_say_goes_as_the_mapping_says(on_remove: str, sentence: str | None) -> None:
    have = table(live_row("to/OLD", "r1", value="X"))
    made = planned(in_sf(on_remove=on_remove), holding(sf=have))
    assert sentences(made) == ([sentence] if sentence else [])
    if not sentence:
        assert made.unmanaged == (Unmanaged("row", "r1", "OLD", None, "kept", "sf"),)


def test_a_row_that_is_out_of_use_already_is_only_ever_deleted() -> None:
    have = table(live_row("to/OLD", "r1", value="X", active=False))
    assert told(in_sf(), holding(sf=have)) == []
    assert told(in_sf(on_remove="delete"), holding(sf=have)) == ["delete row crm/sf/to%2FOLD"]


def test_a_place_that_cannot_deactivate_says_what_to_say_instead() -> None:
    verbs = dict(TABLE_LIKE.verbs)
    del verbs[Verb.DEACTIVATE_ROW]
    can = replace(GENESYS_WITH_CRM, systems={"sf": replace(TABLE_LIKE, verbs=verbs)})
    made = plan(in_sf(), holding(sf=table(live_row("to/OLD", "r1"))), capabilities=can)
    assert sentences(made) == [
        (
            "deactivate row crm/sf/to%2FOLD active: True → False [blocked: Like a table cannot deactivate a row: "
            "say `on_remove: delete` or `on_remove: keep`]"
        )
    ]


def test_foreign_rows_survive_everything_and_are_counted() -> None:
    strangers = [live_row(f"theirs {n}", f"f{n}", mine=False, value="WON", code="SALE") for n in range(3)]
    asleep = live_row("asleep", "f9", mine=False, active=False)
    want = in_sf(on_remove="delete", unmanaged="prune", divisions=("*",))
    made = planned(want, holding(sf=table(*strangers, asleep)))
    assert sentences(made) == []
    assert made.unmanaged == (Unmanaged("row", "", "", None, "foreign", "sf", 3),)
    assert not planned(in_sf(unmanaged="ignore"), holding(sf=table(*strangers))).unmanaged


def test_a_foreign_row_under_our_key_blocks_with_both_facts() -> None:
    have = table(live_row("to/SALE", "f1", mine=False, value="WON"))
    assert told(in_sf(to_crm("SALE", "WON")), holding(sf=have)) == [
        (
            "create row crm/sf/to%2FSALE [blocked: a row of this key is there already as id f1 and does not carry "
            "wrapctl's mark, so that it is never touched: remove it there, or choose another `prefix`]"
        )
    ]


def test_a_rule_is_called_by_its_condition() -> None:
    when = (("Object", ("Case",)), ("Reason", ("Duplicate", "Spam")))
    rule = CrmRow(
        "from/x", replace(to_crm("A", "b").source), "LOST", {"code": "LOST", "when": when, "order": 1}
    )
    made = planned(in_sf(from_crm("CLOSED", "SALE", 2), rule), holding(sf=table()))
    assert [change.label for change in made.changes] == [
        "CLOSED",
        "Object = Case and Reason = Duplicate or Spam",
    ]


def test_two_own_rows_of_one_key_become_one() -> None:
    have = table(
        live_row("to/SALE", "r2", code_id="1", value="WON", active=False),
        live_row("to/SALE", "r1", code_id="1", value="WON"),
        live_row("to/OLD", "r3"),
        live_row("to/OLD", "r4"),
    )
    assert told(in_sf(to_crm("SALE", "WON"), on_remove="delete"), holding(sf=have)) == [
        "delete row crm/sf/to%2FOLD",
        "delete row crm/sf/to%2FOLD~r4",
        "delete row crm/sf/to%2FSALE~r2",
    ]


# ── codes that rows name ───────────────────────────────────────────────────────────────────────────────────


def test_a_row_waits_for_the_code_that_this_plan_creates() -> None:
    want = desired([code("NEW", "New")], crm=[mapping("sf", to_crm("NEW", "X"), from_crm("DONE", "NEW", 1))])
    made = planned(want, live(crm={"sf": table()}))
    assert sentences(made) == [
        "create code code/NEW",
        "create row crm/sf/from%2Fstatus%3DDONE",
        "create row crm/sf/to%2FNEW",
    ]
    create, *rows = made.changes
    for row in rows:
        assert row.after["code_id"] == Ref(code_address("acme", "NEW"))
        assert row.needs == (create.id,)


def test_a_row_waits_for_its_code_where_no_id_is_kept_too() -> None:
    want = desired([code("NEW", "New")], crm=[mapping("sf", to_crm("NEW", "X"))])
    made = planned(want, live(crm={"sf": Rows(frozenset({"key", "value"}))}))
    assert made.changes[1].needs == (made.changes[0].id,)


def test_a_row_whose_code_is_blocked_is_blocked_with_it() -> None:
    want = desired([code("NEW", "ININ-X")], crm=[mapping("sf", to_crm("NEW", "X"))])
    made = planned(want, live(crm={"sf": table()}))
    assert [change.state for change in made.changes] == [State.BLOCKED, State.BLOCKED]
    assert made.changes[1].reason.startswith("waits for create code acme/code/NEW, which is blocked")


def test_a_row_of_a_code_that_is_not_decided_waits_for_the_decision() -> None:
    want = desired([code("SALE", "Sale")], crm=[mapping("sf", to_crm("SALE", "WON"))])
    twins = [live_code("1", "Sale"), live_code("9", "Sale")]
    made = planned(want, live(twins, crm={"sf": table()}))
    assert "it is not decided which live code SALE is" in made.changes[1].reason
    same = table(live_row("to/SALE", "r1", code_id="1", value="WON"))
    assert len(planned(want, live(twins, crm={"sf": same})).changes) == 1


def test_a_code_that_was_made_again_gets_its_rows_moved() -> None:
    have = table(live_row("to/SALE", "r1", code_id="gone", value="WON"))
    assert told(in_sf(to_crm("SALE", "WON")), holding(sf=have)) == [
        "update row crm/sf/to%2FSALE code_id: 'gone' → '1'"
    ]


def test_validity_dates_do_not_touch_rows() -> None:
    want = desired(
        [code("SALE", "Sale", valid_from=date(2030, 1, 1))], crm=[mapping("sf", to_crm("SALE", "WON"))]
    )
    have = table(live_row("to/SALE", "r1", code_id="1", value="WON"))
    assert told(want, live([SALE], crm={"sf": have})) == []


def gone(*rows: CrmRow, on_remove: str = "delete") -> Desired:
    """Lost goes, Sale stays."""
    return desired(
        [code("SALE", "Sale"), code("LOST", "Lost", absent=True)],
        crm=[mapping("sf", *rows, on_remove=on_remove)],
    )


def test_a_code_goes_after_every_row_that_names_it() -> None:
    have = table(
        live_row("to/LOST", "r1", code_id="2", value="GONE"),
        live_row("from/status=CLOSED", "r2", code="LOST", code_id="2", order=1),
        live_row("to/SALE", "r3", code_id="1", value="WON"),
        live_row("to/OLD", "r4", code="OLD", code_id="2", active=False),
    )
    made = planned(
        gone(to_crm("SALE", "WON"), from_crm("CLOSED", "SALE", 1), on_remove="deactivate"), holding(sf=have)
    )
    assert sentences(made) == [
        "update row crm/sf/from%2Fstatus%3DCLOSED code_id: '2' → '1'",
        "deactivate row crm/sf/to%2FLOST active: True → False",
        "delete code code/LOST",
    ]
    update, deactivate, delete = made.changes
    assert delete.needs == (update.id, deactivate.id)


def test_a_row_that_stays_keeps_its_code() -> None:
    have = table(live_row("to/LOST", "r1", code_id="2"), live_row("X", "f1", mine=False, code_id="2"))
    assert told(gone(on_remove="keep"), holding(sf=have)) == [
        (
            'delete code code/LOST [blocked: still named by the row "X" of "sf" (id f1, not made by wrapctl), '
            'the row "LOST" of "sf" (id r1, `on_remove: keep`): take it out there first]'
        )
    ]


def test_a_row_that_cannot_go_keeps_its_code() -> None:
    can = replace(GENESYS_WITH_CRM, systems={"sf": replace(TABLE_LIKE, verbs={})})
    made = plan(gone(), holding(sf=table(live_row("to/LOST", "r1", code_id="2"))), capabilities=can)
    assert not made.pending
    assert made.changes[-1].reason.startswith("waits for delete row acme/crm/sf/to%2FLOST, which is blocked")


def test_the_rows_of_another_org_in_the_same_table_hold_nothing() -> None:
    have = table(live_row("acme-us/sf/to/LOST", "f1", mine=False, code="LOST", code_id="2 of another org"))
    assert told(gone(), holding(sf=have)) == ["delete code code/LOST"]


def test_a_row_out_of_use_holds_nothing() -> None:
    have = table(live_row("X", "f1", mine=False, code_id="2", active=False))
    assert told(gone(), holding(sf=have)) == ["delete code code/LOST"]


def test_a_pruned_code_waits_for_its_rows_too() -> None:
    want = desired(
        [code("SALE", "Sale")], crm=[mapping("sf", on_remove="delete")], unmanaged="prune", divisions=("*",)
    )
    made = planned(want, holding(sf=table(live_row("to/LOST", "r1", code_id="2"))))
    assert sentences(made) == ["delete row crm/sf/to%2FLOST", "delete code code/~2"]
    assert made.changes[1].needs == (made.changes[0].id,)


# ── value lists ────────────────────────────────────────────────────────────────────────────────────────────


def test_codes_share_one_row_of_a_value() -> None:
    want = in_sn(
        to_crm("SALE", "Solved", description="ours"), to_crm("LOST", "Solved"), to_crm("default", "Other")
    )
    made = planned(want, holding(sn=values()))
    assert sentences(made) == ["create row crm/sn/value%2FOther", "create row crm/sn/value%2FSolved"]
    assert made.changes[1].after == {
        "key": "value/Solved",
        "system": "sn",
        "value": "Solved",
        "description": None,
        "translations": None,
        "active": True,
    }
    assert made.changes[1].label == "Solved"
    assert told(want, holding(sn=values(live_row("value/Other", "v1"), live_row("value/Solved", "v2")))) == []


def test_a_value_is_renamed_and_keeps_its_row() -> None:
    want = in_sn(to_crm("SALE", "Solved", previously=("Done",)))
    made = planned(want, holding(sn=values(live_row("value/Done", "v1"))))
    assert sentences(made) == [
        "update row crm/sn/value%2FSolved key: 'value/Done' → 'value/Solved', value: 'Done' → 'Solved'"
    ]
    assert made.changes[0].live_id == "v1"


def test_a_former_value_that_is_still_wanted_is_nobodys_to_rename() -> None:
    want = in_sn(to_crm("SALE", "Solved", previously=("Done",)), to_crm("LOST", "Done"))
    assert told(want, holding(sn=values(live_row("value/Done", "v1")))) == [
        "create row crm/sn/value%2FSolved"
    ]


def test_one_former_value_is_renamed_once() -> None:
    want = in_sn(to_crm("SALE", "A", previously=("Done",)), to_crm("LOST", "B", previously=("Done",)))
    made = planned(want, holding(sn=values(live_row("value/Done", "v1"))))
    assert [change.verb for change in made.changes] == [Verb.CREATE_ROW, Verb.UPDATE_ROW]


def test_where_both_values_are_there_the_former_goes() -> None:
    want = in_sn(to_crm("SALE", "Solved", previously=("Done",)))
    have = values(live_row("value/Done", "v1"), live_row("value/Solved", "v2"))
    assert told(want, holding(sn=have)) == ["deactivate row crm/sn/value%2FDone active: True → False"]


def test_a_value_that_the_crm_has_already_serves_and_is_never_touched() -> None:
    have = values(live_row("sys1", "f1", mine=False, value="Solved", description="theirs"))
    made = planned(in_sn(to_crm("SALE", "Solved", description="ours")), holding(sn=have))
    assert sentences(made) == []
    assert made.unmanaged == ()


def test_a_former_row_goes_where_the_crm_has_the_new_value_itself() -> None:
    have = values(live_row("sys1", "f1", mine=False, value="Solved"), live_row("value/Done", "v1"))
    assert told(in_sn(to_crm("SALE", "Solved", previously=("Done",))), holding(sn=have)) == [
        "deactivate row crm/sn/value%2FDone active: True → False"
    ]


def test_a_value_that_differs_in_case_alone_is_renamed() -> None:
    have = values(live_row("value/solved", "v1", active=False))
    assert told(in_sn(to_crm("SALE", "Solved")), holding(sn=have)) == [
        (
            "update row crm/sn/value%2FSolved active: False → True, key: 'value/solved' → 'value/Solved', "
            "value: 'solved' → 'Solved'"
        )
    ]


def test_a_value_of_somebody_else_that_differs_in_case_alone_blocks() -> None:
    have = values(live_row("value/solved", "f1", mine=False))
    assert told(in_sn(to_crm("SALE", "Solved")), holding(sn=have)) == [
        (
            'create row crm/sn/value%2FSolved [blocked: the CRM has "solved" already (id f1), which differs in case '
            "or Unicode form alone and was not made by wrapctl: write the value as it is there]"
        )
    ]


def test_what_a_place_never_gives_back_goes_out_with_the_rest_and_is_never_a_reason() -> None:
    kept, sent = frozenset({"key", "value", "description"}), frozenset({"translations"})
    german: tuple[tuple[str | None, ...], ...] = (("de", "Gelöst", None),)
    want = in_sn(to_crm("SALE", "Solved", description="new", translations=german), to_crm("LOST", "Lost"))
    made = planned(want, holding(sn=Rows(kept, value_list=True, sent=sent)))
    assert [change.after.get("translations") for change in made.changes] == [None, german]
    assert "translations" not in made.changes[0].after
    rows = (live_row("value/Solved", "v1", description="old"), live_row("value/Lost", "v2"))
    (update,) = planned(want, holding(sn=Rows(kept, rows, value_list=True, sent=sent))).changes
    assert (update.before["translations"], update.after["translations"]) == (german, german)
    same = (live_row("value/Solved", "v1", description="new"), live_row("value/Lost", "v2"))
    assert told(want, holding(sn=Rows(kept, same, value_list=True, sent=sent))) == []


def test_an_inactive_value_of_somebody_else_blocks() -> None:
    have = values(live_row("sys1", "f1", mine=False, value="Solved", active=False))
    assert told(in_sn(to_crm("SALE", "Solved")), holding(sn=have)) == [
        (
            'create row crm/sn/value%2FSolved [blocked: "Solved" is there already as id f1, inactive and not made by '
            "wrapctl, so that it is never touched: activate it there, or map to another value]"
        )
    ]


def test_rules_stay_in_the_files_of_a_value_list() -> None:
    want = in_sn(to_crm("SALE", "Solved"), from_crm("A", "SALE", 1), from_crm("*", "LOST", 2))
    made = planned(want, holding(sn=values(live_row("value/Solved", "v1"))))
    assert sentences(made) == []
    assert made.warnings == ()


def test_a_value_list_holds_no_code() -> None:
    want = desired(
        [code("SALE", "Sale"), code("LOST", "Lost", absent=True)], crm=[mapping("sn", on_remove="keep")]
    )
    have = holding(sn=values(live_row("value/Gone", "v1"), live_row("x", "f1", mine=False, value="LOST")))
    assert told(want, have) == ["delete code code/LOST"]


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_is_made_before_its_rows() -> None:
    new = LiveTable("Wrap-ups", None, lacks=("code", "value"))
    made = planned(in_sf(to_crm("SALE", "WON")), holding(sf=table(table=new)))
    assert sentences(made) == ["create table crm/sf/table", "create row crm/sf/to%2FSALE"]
    create, row = made.changes
    assert (create.after, create.live_id) == ({"table": "Wrap-ups", "columns": ("code", "value")}, None)
    assert (create.label, create.within, create.system) == ("Wrap-ups", "sf", "sf")
    assert row.needs == (create.id,)


def test_columns_are_added_before_the_rows_that_fill_them() -> None:
    old = LiveTable("Wrap-ups", "t1", columns=("code", "theirs"), lacks=("value",))
    have = table(live_row("to/SALE", "r1", code_id="1"), live_row("to/OLD", "r2"), table=old)
    made = planned(in_sf(to_crm("SALE", "WON")), holding(sf=have))
    assert sentences(made) == [
        "extend table crm/sf/table columns: ('code', 'theirs') → ('code', 'theirs', 'value')",
        "update row crm/sf/to%2FSALE value: None → 'WON'",
        "deactivate row crm/sf/to%2FOLD active: True → False",
    ]
    extend, update, deactivate = made.changes
    assert update.needs == (extend.id,)
    assert deactivate.needs == ()


def test_a_table_that_cannot_be_used_blocks_all_of_it() -> None:
    bad = LiveTable(
        "Wrap-ups", "t1", columns=("code",), lacks=("value",), trouble="it has 50 columns already"
    )
    have = table(live_row("to/OLD", "r2"), table=bad)
    made = planned(in_sf(to_crm("SALE", "WON")), holding(sf=have))
    assert len(made.changes) == 3
    assert {change.reason for change in made.changes} == {"it has 50 columns already"}


def test_a_mapping_without_rows_makes_no_table() -> None:
    assert told(in_sf(), holding(sf=table(table=LiveTable("T", None, lacks=("value",))))) == []


def test_more_rows_than_the_place_holds_are_not_even_tried() -> None:
    strangers = [live_row(f"f{n}", f"f{n}", mine=False) for n in range(9)]
    want = in_sf(to_crm("SALE", "WON"), to_crm("LOST", "GONE"))
    made = planned(want, holding(sf=table(*strangers, most=10)))
    assert not made.pending
    assert {change.reason for change in made.changes} == {
        "it holds at most 10 rows, has 9 and would get 2 more"
    }
    assert len(planned(want, holding(sf=table(*strangers, most=11))).pending) == 2


def test_what_a_delete_frees_is_used_by_the_next_run() -> None:
    have = table(live_row("to/OLD", "r1"), most=1)
    assert told(in_sf(to_crm("SALE", "WON"), on_remove="delete"), holding(sf=have)) == [
        (
            "create row crm/sf/to%2FSALE [blocked: it holds at most 1 rows, has 1 and would get 1 more; room is made "
            "only by deletes in this plan: the next run does it]"
        ),
        "delete row crm/sf/to%2FOLD",
    ]


# ── systems that show nothing ──────────────────────────────────────────────────────────────────────────────


def test_what_cannot_be_read_back_is_sent_with_the_change_of_its_code() -> None:
    want = desired(
        [code("SALE", "Sale", description="new"), code("LOST", "Lost"), code("NEW", "New")],
        crm=[mapping("web", *(to_crm(key, key.lower()) for key in ("SALE", "LOST", "NEW", "default")))],
    )
    made = planned(want, live([SALE, LOST], crm={"web": SENT}))
    assert sentences(made) == [
        "update code code/SALE description: '' → 'new'",
        "create code code/NEW",
        "create row crm/web/to%2FNEW",
        "create row crm/web/to%2FSALE",
    ]
    update, create, new, sale = made.changes
    assert (new.lock, sale.lock) == (Lock.SENT, Lock.SENT)
    assert (new.needs, sale.needs) == ((create.id,), (update.id,))
    assert (new.after["code_id"], sale.after["code_id"]) == (Ref(code_address("acme", "NEW")), "1")
    assert (
        told(
            replace(want, codes=(code("LOST", "Lost"), code("SALE", "Sale"))),
            live([SALE, LOST], crm={"web": SENT}),
        )
        == []
    )


def test_a_row_is_not_sent_for_a_code_that_is_held_back() -> None:
    want = desired([code("NEW", "ININ-X")], crm=[mapping("web", to_crm("NEW", "x"))])
    made = planned(want, live(crm={"web": SENT}))
    assert [change.verb for change in made.changes] == [Verb.CREATE_CODE]


def test_a_system_that_could_not_be_read_holds_deletes_and_renames_of_what_is_mapped_there() -> None:
    want = desired(
        [
            code("SALE", "Sold", previously=("Sale",)),
            code("OTHER", "New name", previously=("Other",)),
            code("LOST", "Lost", absent=True),
            code("NEW", "New"),
        ],
        crm=[mapping("sf", to_crm("SALE", "WON"), to_crm("NEW", "X"))],
    )
    have = live([SALE, LOST, live_code("3", "Other")], unread={"sf": "503 from the CRM"})
    made = planned(want, have)
    assert made.unread == ("sf: 503 from the CRM",)
    assert sentences(made) == [
        "update code code/OTHER name: 'Other' → 'New name'",
        (
            "update code code/SALE name: 'Sale' → 'Sold' [blocked: it is mapped in \"sf\", whose rows could not be "
            "read: it keeps its name until they can]"
        ),
        "create code code/NEW",
        (
            'delete code code/LOST [blocked: not all rows of "sf" were read: whether one of them still names the code '
            "is not known]"
        ),
    ]


def test_what_nobody_read_is_never_in_sync() -> None:
    made = planned(in_sf(to_crm("SALE", "WON")), live([SALE, LOST]))
    assert (made.changes, made.unread) == ((), ("sf: its rows were not read",))


def test_one_system_that_is_down_leaves_the_other_alone() -> None:
    want = desired(
        [code("SALE", "Sale")], crm=[mapping("sf", to_crm("SALE", "a")), mapping("sn", to_crm("SALE", "b"))]
    )
    made = planned(want, live([SALE], crm={"sn": values()}, unread={"sf": "down"}))
    assert sentences(made) == ["create row crm/sn/value%2Fb"]


# ── scope ──────────────────────────────────────────────────────────────────────────────────────────────────

BOTH = (to_crm("SALE", "WON"), to_crm("LOST", "GONE"), to_crm("default", "OTHER"))


def test_a_scoped_plan_looks_at_the_rows_of_its_codes_and_removes_none() -> None:
    have = table(live_row("to/OLD", "r1"), live_row("x", "f1", mine=False), complete=False)
    made = planned(in_sf(*BOTH), holding(sf=have), scope=Scope(frozenset({"SALE"}), frozenset()))
    assert sentences(made) == ["create row crm/sf/to%2FSALE"]
    assert made.unmanaged == ()


def test_a_system_in_scope_is_looked_at_as_a_whole() -> None:
    have = table(live_row("to/OLD", "r1"))
    scope = Scope(frozenset(), frozenset(), frozenset({"sf"}))
    assert told(in_sf(*BOTH), holding(sf=have), scope=scope) == [
        "create row crm/sf/to%2FLOST",
        "create row crm/sf/to%2FSALE",
        "create row crm/sf/to%2Fdefault",
        "deactivate row crm/sf/to%2FOLD active: True → False",
    ]


def test_a_row_of_a_code_outside_the_scope_waits_for_a_plan_that_creates_it() -> None:
    want = desired([code("NEW", "New")], crm=[mapping("sf", to_crm("NEW", "X"))])
    scope = Scope(frozenset(), frozenset(), frozenset({"sf"}))
    (row,) = planned(want, live(crm={"sf": table()}), scope=scope).changes
    assert row.reason == "its code NEW is not live yet, and this plan is not about it"


def test_a_scoped_delete_takes_the_rows_of_its_code_along() -> None:
    have = table(live_row("to/LOST", "r1", code_id="2"), live_row("to/OLD", "r2"))
    scope = Scope(frozenset({"LOST"}), frozenset())
    assert told(gone(), holding(sf=have), scope=scope) == [
        "delete row crm/sf/to%2FLOST",
        "delete code code/LOST",
    ]


def test_a_system_with_nothing_in_scope_is_not_missed() -> None:
    want = desired([code("SALE", "Sale"), code("LOST", "Lost")], crm=[mapping("sf", to_crm("LOST", "X"))])
    made = planned(want, live([SALE, LOST]), scope=Scope(frozenset({"SALE"}), frozenset()))
    assert (made.changes, made.unread) == ((), ())


def test_a_value_stays_whole_whichever_of_its_codes_is_in_scope() -> None:
    want = in_sn(to_crm("LOST", "Solved", description="first"), to_crm("SALE", "Solved"))
    made = planned(want, holding(sn=values()), scope=Scope(frozenset({"SALE"}), frozenset()))
    assert made.changes[0].after["description"] == "first"


def test_rows_and_queues_share_a_plan() -> None:
    want = desired(
        [code("SALE", "Sale"), code("LOST", "Lost", absent=True)],
        [queue("q", ["SALE"])],
        crm=[mapping("sf", to_crm("SALE", "WON"), on_remove="delete")],
    )
    have = live(
        [SALE, LOST],
        [live_queue("q1", "q")],
        {"q1": ["2"]},
        crm={"sf": table(live_row("to/LOST", "r1", code_id="2"))},
    )
    assert told(want, have) == [
        "assign queue/q/code/SALE",
        "create row crm/sf/to%2FSALE",
        "unassign queue/q/code/LOST",
        "delete row crm/sf/to%2FLOST",
        "delete code code/LOST",
    ]
