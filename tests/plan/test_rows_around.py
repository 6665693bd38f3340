"""What surrounds rows in a plan: what is read for them, how they travel, what they cost, how they are saved."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from world import (
    GENESYS_WITH_CRM,
    ROOMY,
    SENT,
    SENT_LIKE,
    TABLE_LIKE,
    code,
    desired,
    from_crm,
    live,
    live_code,
    live_row,
    mapping,
    plan,
    table,
    to_crm,
    values,
)
from wrapctl.apply import batches
from wrapctl.apply.settle_rows import RowSettler
from wrapctl.apply.standing import Stand
from wrapctl.errors import PlanUnusable
from wrapctl.model import Change, ChangeId, CrmRow, Desired, Live, Lock, Ref, Scope, State, Value, Verb
from wrapctl.plan import cost
from wrapctl.plan.file import dumps, loads
from wrapctl.plan.guard import recheck
from wrapctl.plan.plan import Plan
from wrapctl.plan.units import cut
from wrapctl.plan.wanted import rows_to_read
from wrapctl.policy import Limit
from wrapctl.rows import LiveRow, LiveTable, Rows
from wrapctl.survey import read_first
from wrapctl.targets.interface import Fold, Want

SALE = live_code("1", "Sale")


def planned(want: Desired, have: Live, scope: Scope | None = None) -> Plan:
    return plan(want, have, capabilities=GENESYS_WITH_CRM, scope=scope)


def many(count: int, *, on_remove: str = "deactivate") -> Desired:
    """One code and many rules that lead to it."""
    rules = (from_crm(f"S{n:05}", "SALE", n + 1) for n in range(count))
    return desired([code("SALE", "Sale")], crm=[mapping("sf", *rules, on_remove=on_remove)])


# ── what is read ───────────────────────────────────────────────────────────────────────────────────────────

TWO_SYSTEMS = desired(
    [code("SALE", "Sale"), code("LOST", "Lost")],
    crm=[
        mapping("sf", to_crm("SALE", "WON"), to_crm("LOST", "GONE"), to_crm("default", "OTHER")),
        mapping("sn", to_crm("SALE", "Solved", previously=("Done", "Won"))),
    ],
)


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (Scope(), {"sf": None, "sn": None}),
        (Scope(None, frozenset({"q"})), {"sf": None, "sn": None}),
        (Scope(frozenset({"LOST"}), frozenset()), {"sf": {"to/LOST"}}),
        (
            Scope(frozenset({"SALE"}), frozenset()),
            {"sf": {"to/SALE"}, "sn": {"value/Solved", "value/Done", "value/Won"}},
        ),
        (Scope(frozenset(), frozenset(), frozenset({"sn"})), {"sn": None}),
        (Scope(frozenset(), frozenset()), {}),
    ],
)
def test_rows_are_read_as_far_as_the_scope_goes(scope: Scope, rows: dict[str, set[str] | None]) -> None:
    assert rows_to_read(TWO_SYSTEMS, GENESYS_WITH_CRM, scope) == rows


def test_every_row_is_read_where_a_code_may_go() -> None:
    codes = (code("LOST", "Lost", absent=True), code("SALE", "Sale"))
    want = replace(TWO_SYSTEMS, codes=codes)
    scope = Scope(frozenset({"LOST"}), frozenset())
    assert rows_to_read(want, GENESYS_WITH_CRM, scope) == {"sf": None, "sn": None}


def test_rows_are_asked_for_with_the_codes() -> None:
    asked: list[Want] = []

    class Reader:
        def identity(self) -> object:
            raise AssertionError

        def read(self, want: Want) -> Live:
            asked.append(want)
            return live()

    read_first(Reader(), GENESYS_WITH_CRM, TWO_SYSTEMS, Scope())  # type: ignore[arg-type]  # identity is never asked
    assert [want.rows for want in asked] == [{"sf": None, "sn": None}]


# ── units ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_travel_by_the_folds_of_their_own_system() -> None:
    want = replace(
        TWO_SYSTEMS,
        codes=(code("LOST", "Lost"), code("NEW", "New"), code("SALE", "Sale")),
        crm=(
            mapping("sf", to_crm("SALE", "a"), to_crm("LOST", "b")),
            mapping("sn", to_crm("SALE", "c"), to_crm("LOST", "d")),
        ),
    )
    made = planned(want, live([SALE, live_code("2", "Lost")], crm={"sf": table(), "sn": values()}))
    units = cut(made.pending, GENESYS_WITH_CRM.verbs, GENESYS_WITH_CRM.systems)
    assert [(unit.system, unit.group, unit.scope, len(unit.changes)) for unit in units] == [
        ("", "code", "", 1),
        ("sf", "rows", "", 2),
        ("sn", "row", "", 1),
        ("sn", "row", "", 1),
    ]


def test_rows_of_two_systems_never_share_a_write() -> None:
    can = replace(GENESYS_WITH_CRM, systems={"a": TABLE_LIKE, "b": TABLE_LIKE})
    want = desired(
        [code("SALE", "Sale")], crm=[mapping("a", to_crm("SALE", "x")), mapping("b", to_crm("SALE", "x"))]
    )
    made = plan(want, live([SALE], crm={"a": table(), "b": table()}), capabilities=can)
    assert [unit.system for unit in cut(made.pending, can.verbs, can.systems)] == ["a", "b"]


def test_a_row_that_is_written_alone_has_nothing_to_wait_for_beside_it() -> None:
    have = table(
        *(live_row(f"from/status=S{n:05}", f"r{n}", code="OLD", code_id="9", order=n + 1) for n in range(3))
    )
    units = cut(planned(many(3), live([SALE], crm={"sf": have})).pending, {}, GENESYS_WITH_CRM.systems)
    assert [(unit.group, unit.scope) for unit in units] == [("row", "")] * 3


# ── cost ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_estimate_knows_batches_as_apply_cuts_them() -> None:
    assert cost.BATCH == batches.SIZE


def estimated(want: Desired, have: Live) -> tuple[int, int]:
    made = planned(want, have)
    return made.estimate.writes, made.estimate.reads


def test_creates_in_folds_cost_a_write_for_each_fold() -> None:
    # 400 rows in 2 writes. Reads: token and identity, the CRM's token, the listing of no rows, and that of all 400.
    assert estimated(many(400), live([SALE], crm={"sf": table()})) == (2, 2 + 1 + 1 + 4)


def test_rows_are_looked_at_by_key_where_that_takes_fewer_requests() -> None:
    strangers = [live_row(f"f{n}", f"f{n}", mine=False) for n in range(1_000)]
    # 10 pages of listing, or 50 keys in a request: 3 for 120 rows.
    assert estimated(many(120), live([SALE], crm={"sf": table(*strangers)})) == (1, 2 + 1 + 3 + 3)


def test_what_only_a_listing_shows_is_listed_before_and_after_each_batch() -> None:
    want = desired(
        [code("SALE", "Sale")], crm=[mapping("sn", *(to_crm(f"K{n}", f"V{n}") for n in range(120)))]
    )
    strangers = [live_row(f"f{n}", f"f{n}", mine=False, value=f"x{n}") for n in range(300)]
    # 3 pages at the start; the list grows: 4 after the first batch, 4 around the second, 4 and 5 around the third.
    assert estimated(want, live([SALE], crm={"sn": values(*strangers)})) == (120, 2 + 1 + 3 + 4 + 8 + 9)


def test_pages_of_rows_that_the_platform_keeps_are_reckoned_as_its_others() -> None:
    strangers = [live_row(f"f{n}", f"f{n}", mine=False) for n in range(1_000)]
    inside = replace(TABLE_LIKE, inside="likegenesys", page=1_000, rows_per_request=0)
    can = replace(GENESYS_WITH_CRM, systems={"sf": inside})
    made = plan(many(1), live([SALE], crm={"sf": table(*strangers)}), capabilities=can)
    # 10 pages of 100 before, and 11 after it.
    assert made.estimate.reads == 2 + 10 + 11


def test_what_is_sent_is_never_looked_at() -> None:
    want = desired([code("SALE", "Sale"), code("NEW", "New")], crm=[mapping("web", to_crm("NEW", "x"))])
    without = estimated(replace(want, crm=()), live([SALE]))
    assert estimated(want, live([SALE], crm={"web": SENT})) == (without[0] + 1, without[1] + 1)


def test_what_the_platform_keeps_itself_needs_no_login() -> None:
    want, have = many(1), live([SALE], crm={"sf": table()})
    inside = replace(GENESYS_WITH_CRM, systems={"sf": replace(TABLE_LIKE, inside="likegenesys")})
    assert plan(want, have, capabilities=inside).estimate.reads == planned(want, have).estimate.reads - 1


# ── guard ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_that_go_are_counted_before_anything_is_written() -> None:
    want = desired(
        [code("SALE", "Sale")],
        crm=[mapping("sf", on_remove="delete")],
        limits=replace(ROOMY, crm_deletes=Limit(max=1)),
    )
    have = live([SALE], crm={"sf": table(*(live_row(f"to/OLD{n}", f"r{n}") for n in range(3)))})
    made = planned(want, have)
    (finding,) = made.refusals
    assert (finding.limit, finding.measured, finding.allowed) == ("crm_deletes", 3, 1)
    assert finding.message == "3 crm deletes, at most 1 are allowed (`limits.crm_deletes.max`)"
    assert finding.names == ("OLD0 in sf", "OLD1 in sf", "OLD2 in sf")
    accepted = plan(want, have, capabilities=GENESYS_WITH_CRM, allow=[finding.token])
    assert not accepted.refusals
    again = recheck(accepted, want.policy)(have, accepted.pending[1:])
    assert [one.accepted for one in again] == ["by hand"]


# ── saved ──────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.sampled_from(["", "WON", "GONE", "Ünïcode / 😀", "a|b&c=d", "default"])
MAYBE = st.one_of(st.none(), TEXTS)


@st.composite
def wanted(draw: st.DrawFn) -> Desired:
    keys = draw(st.lists(st.sampled_from(["A", "B", "C"]), unique=True))
    codes = [code(key, f"Name {key}", absent=draw(st.booleans()) and draw(st.booleans())) for key in keys]
    mappings = []
    for system in draw(st.lists(st.sampled_from(["sf", "sn", "web"]), unique=True)):
        rows: list[CrmRow] = []
        for one in codes:
            if not one.absent and draw(st.booleans()):
                translations: Value = (("de", draw(TEXTS), draw(MAYBE)),) if draw(st.booleans()) else ()
                rows.append(
                    to_crm(
                        one.key,
                        draw(TEXTS),
                        previously=draw(st.lists(TEXTS, max_size=2)),
                        description=draw(MAYBE),
                        translations=translations,
                    )
                )
        present = [one.key for one in codes if not one.absent]
        if present:
            statuses = draw(st.lists(TEXTS, unique=True, max_size=2))
            rows += [
                from_crm(status, draw(st.sampled_from(present)), n) for n, status in enumerate(statuses, 1)
            ]
        if draw(st.booleans()):
            rows.append(to_crm("default", draw(TEXTS)))
        mappings.append(
            mapping(system, *rows, on_remove=draw(st.sampled_from(["deactivate", "delete", "keep"])))
        )
    return desired(codes, crm=mappings)


@st.composite
def existing(draw: st.DrawFn) -> Live:
    names = draw(st.lists(st.sampled_from(["A", "B", "C"]), unique=True))
    codes = [live_code(f"id-{name}", f"Name {name}") for name in names]
    ids = st.sampled_from([None, "id-A", "id-B", "gone"])
    keys = st.sampled_from(["to/A", "to/B", "to/default", "from/status=WON", "stranger"])
    rows = [
        live_row(
            key,
            f"r{n}",
            mine=key != "stranger" and draw(st.booleans()),
            value=draw(TEXTS),
            code_id=draw(ids),
            active=draw(st.booleans()),
        )
        for n, key in enumerate(draw(st.lists(keys, max_size=5)))
    ]
    listed = [
        live_row(f"value/{value}", f"v{n}", mine=draw(st.booleans()), active=draw(st.booleans()))
        for n, value in enumerate(draw(st.lists(TEXTS, max_size=4)))
    ]
    new = draw(st.sampled_from([None, LiveTable("T", None, lacks=("value",)), LiveTable("T", "t1", ("a",))]))
    if new is not None and new.id is None:
        rows = []
    crm = {"sf": table(*rows, table=new), "sn": values(*listed), "web": SENT}
    down = draw(st.sets(st.sampled_from(["sf", "sn", "web"]), max_size=1))
    return live(
        codes,
        crm={system: found for system, found in crm.items() if system not in down},
        unread=dict.fromkeys(down, "503"),
    )


SCOPES = st.sampled_from(
    [Scope(), Scope(frozenset({"A"}), frozenset()), Scope(frozenset(), frozenset(), frozenset({"sf", "sn"}))]
)


@settings(max_examples=150, deadline=None)
@given(wanted(), existing(), SCOPES)
def test_a_saved_plan_is_the_same_plan(want: Desired, have: Live, scope: Scope) -> None:
    made = planned(want, have, scope)
    assert loads(dumps(made)) == made


@settings(max_examples=100, deadline=None)
@given(wanted(), existing(), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_bytes(want: Desired, have: Live, rng: random.Random) -> None:
    first = dumps(planned(want, have))
    crm = {}
    for system, rows in reversed(list(have.crm.items())):
        mixed = list(rows.rows)
        rng.shuffle(mixed)
        crm[system] = replace(rows, rows=tuple(mixed))
    mappings = []
    for one in reversed(want.crm):
        shuffled = list(one.rows)
        rng.shuffle(shuffled)
        mappings.append(replace(one, rows=tuple(shuffled)))
    assert dumps(planned(replace(want, crm=tuple(mappings)), replace(have, crm=crm))) == first


@settings(max_examples=150, deadline=None)
@given(wanted(), existing())
def test_no_foreign_row_is_ever_written(want: Desired, have: Live) -> None:
    foreign = {row.id for rows in have.crm.values() for row in rows.rows if not row.mine}
    made = planned(want, have)
    assert not foreign & {change.live_id for change in made.changes}
    assert not {change.system for change in made.changes} & have.unread.keys()
    ids = [change.id for change in made.changes]
    assert len(ids) == len(set(ids))


@settings(max_examples=200, deadline=None)
@given(wanted(), existing())
def test_doing_the_plan_leaves_nothing_pending(want: Desired, have: Live) -> None:
    made = planned(want, have)
    mapped = {one.system for one in want.crm}
    assert not {change.system for change in made.changes} - mapped - {""}
    again = planned(want, done(made, have, mapped))
    assert {c.address for c in again.pending} <= {c.address for c in made.outstanding}


def done(made: Plan, before: Live, mapped: set[str]) -> Live:
    """What is live after every pending change, in order. No code may go while an active row names it."""
    codes = {one.id: one for one in before.codes}
    rows = {system: {row.id: row for row in found.rows} for system, found in before.crm.items()}
    tables = {system: found.table for system, found in before.crm.items()}
    happened: set[ChangeId] = set()
    ids: dict[str, str] = {}
    for change in made.pending:
        assert set(change.needs) <= happened
        happened.add(change.id)
        match change.verb:
            case Verb.CREATE_CODE:
                ids[change.address] = f"new {change.label}"
                codes[ids[change.address]] = live_code(ids[change.address], change.label)
            case Verb.DELETE_CODE:
                held = rows.get("sf", {}).values() if "sf" in mapped else ()
                names = {row.fields.get("code_id") for row in held if row.fields.get("active") is not False}
                assert change.live_id not in names
                del codes[change.live_id or ""]
            case Verb.CREATE_TABLE | Verb.EXTEND_TABLE:
                columns = change.after["columns"]
                assert isinstance(columns, tuple)
                tables[change.system] = LiveTable("T", "t1", tuple(map(str, columns)))
            case _:
                _do_row(change, rows[change.system], ids)
    crm = {
        system: replace(found, rows=tuple(rows[system].values()), table=tables[system])
        for system, found in before.crm.items()
    }
    return replace(before, codes=tuple(codes.values()), crm=crm)


def _do_row(change: Change, rows: dict[str, LiveRow], ids: dict[str, str]) -> None:
    if change.lock is Lock.SENT:
        return
    if change.verb is Verb.DELETE_ROW:
        del rows[change.live_id or ""]
        return
    after = {
        name: ids[value.address] if isinstance(value, Ref) else value for name, value in change.after.items()
    }
    live_id = change.live_id or f"new {change.address}"
    old = rows[live_id].fields if change.live_id else {}
    assert all(old.get(name) == value for name, value in change.before.items() if name != "key")
    key = str(after.pop("key"))
    rows[live_id] = LiveRow(key, live_id, {**old, **after})


def test_a_plan_whose_row_was_moved_to_another_system_is_refused() -> None:
    data = json.loads(dumps(planned(many(1), live([SALE], crm={"sf": table()}))))
    data["changes"][0]["system"] = "sn"
    with pytest.raises(PlanUnusable, match="is not in the system 'sn'"):
        loads(json.dumps(data))
    data["changes"][0]["system"] = ""
    with pytest.raises(PlanUnusable, match="is not in the system ''"):
        loads(json.dumps(data))


def test_the_digest_of_a_row_covers_where_it_goes() -> None:
    want = desired(
        [code("SALE", "Sale")], crm=[mapping("sf", to_crm("SALE", "x")), mapping("a", to_crm("SALE", "x"))]
    )
    can = replace(GENESYS_WITH_CRM, systems={"sf": TABLE_LIKE, "a": TABLE_LIKE})
    made = plan(want, live([SALE], crm={"sf": table(), "a": table()}), capabilities=can)
    assert len({change.digest for change in made.changes}) == 2


def test_ten_thousand_rows_are_a_plan_of_ordinary_size() -> None:
    want = many(10_000)
    made = planned(want, live([SALE], crm={"sf": table()}))
    assert len(made.pending) == 10_000
    strangers = Rows(SENT.fields, tuple(live_row(f"f{n}", f"f{n}", mine=False) for n in range(10_000)))
    quiet = planned(many(0), live([SALE], crm={"sf": strangers}))
    assert ([one.count for one in quiet.unmanaged], quiet.changes) == ([10_000], ())


def test_a_place_that_lacks_a_verb_blocks_what_needs_it() -> None:
    sent = replace(SENT_LIKE, verbs={Verb.DELETE_ROW: Fold("row")})
    can = replace(GENESYS_WITH_CRM, systems={"sf": sent})
    want = desired([code("SALE", "Sale")], crm=[mapping("sf", to_crm("SALE", "x"))])
    (row,) = plan(want, live([SALE], crm={"sf": table()}), capabilities=can).changes
    assert (row.state, row.reason) == (
        State.BLOCKED,
        "Like an endpoint cannot create a row: do it there by hand",
    )


def test_what_a_place_never_gives_back_is_taken_to_be_as_wanted() -> None:
    kept, sent = frozenset({"key", "value", "active"}), frozenset({"translations"})
    german: Value = (("de", "Gelöst", None),)
    want = desired([code("SALE", "Sale")], crm=[mapping("sn", to_crm("SALE", "Solved", translations=german))])
    empty = Rows(kept, value_list=True, sent=sent)
    (create,) = planned(want, live([SALE], crm={"sn": empty})).changes
    shown = live([SALE], crm={"sn": replace(empty, rows=(live_row("value/Solved", "v1"),))})
    assert RowSettler(shown, merge=False).settle(create).stand is Stand.ALREADY
