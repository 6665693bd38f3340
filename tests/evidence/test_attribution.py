"""Whose a change is: by id and field, of what is gone by name, and why nobody is named where nobody can be."""

from __future__ import annotations

from typing import Any, Literal

from wrapctl.evidence.attribution import Who, about, attribute, kind_of
from wrapctl.model import Address, Change, ChangeId, Fields, Verb
from wrapctl.targets.interface import AuditEntry

ALL = frozenset({"code", "queue", "outbound", "row", "table"})
INSIDE = frozenset({"table"})


def change(verb: Verb, address: str, before: Fields, after: Fields, **more: Any) -> Change:
    return Change(verb, Address(f"acme/{address}"), before, after, **more)


UPDATE = change(
    Verb.UPDATE_CODE,
    "code/NO",
    {"name": "No", "description": "by hand"},
    {"name": "No", "description": "asked"},
    live_id="1",
    label="No",
)
GONE = change(Verb.CREATE_CODE, "code/YES", {}, {"name": "Yes"}, label="Yes")
OFF = change(
    Verb.ASSIGN, "queue/q/code/NO", {}, {"code": "1"}, live_id="1", parent="q1", label="No", within="Q"
)
ON = change(
    Verb.UNASSIGN, "queue/q/code/~9", {"code": "9"}, {}, live_id="9", parent="q1", label="New", within="Q"
)
WORK = change(Verb.SET_ACW, "queue/q/after-call-work", {}, {}, live_id="q1", parent="q1", label="Q")
FLAGS = change(Verb.SET_OUTBOUND, "code/NO/outbound", {}, {}, live_id="1", label="No")
ROW = change(
    Verb.UPDATE_ROW, "crm/table/to%2FNO", {"key": "to/NO"}, {"key": "to/NO"}, live_id="t:NO", system="table"
)
THEIRS = change(Verb.UPDATE_ROW, "crm/sf/to%2FNO", {"key": "to/NO"}, {}, live_id="x", system="sf")


def entry(
    kind: str,
    entity: str,
    *changes: tuple[str, tuple[str, ...], tuple[str, ...]],
    at: str = "2026-03-02T10:00:00.000Z",
    who: str = "ada",
    by: Literal["user", "client"] = "user",
    action: str = "update",
    name: str = "",
) -> AuditEntry:
    return AuditEntry(at, who, by, action, kind, entity, name, changes=changes)


def whose(one: Change, *entries: AuditEntry, **more: Any) -> Who:
    given: dict[str, Any] = {"inside": INSIDE, "keeps": ALL, "since": "2026-03-01", **more}
    return attribute([one], entries, **given)[ChangeId(one.verb, one.address)]


def actor(one: Change, *entries: AuditEntry) -> str | None:
    found = whose(one, *entries).entry
    return found.actor_id if found else None


def test_the_newest_entry_about_the_field_is_whose_it_is() -> None:
    old = entry("code", "1", ("description", (), ("x",)), at="2026-03-01T10:00:00.000Z", who="bob")
    new = entry("code", "1", ("description", (), ("by hand",)))
    other_field = entry("code", "1", ("name", ("Na",), ("No",)), at="2026-03-03T10:00:00.000Z", who="eve")
    other_code = entry("code", "2", ("description", (), ("y",)), at="2026-03-03T10:00:00.000Z", who="eve")
    assert actor(UPDATE, new, old, other_field, other_code) == "ada"
    assert whose(UPDATE, new).sure


def test_of_one_moment_the_last_told_is_the_newest() -> None:
    first = entry("code", "1", ("description", (), ("x",)), who="bob")
    second = entry("code", "1", ("description", ("x",), ("by hand",)))
    assert actor(UPDATE, first, second) == "ada"


def test_an_entry_that_says_nothing_of_the_field_is_only_the_latest_that_is_known() -> None:
    assert not whose(UPDATE, entry("code", "1")).sure


def test_what_is_gone_is_found_by_its_name_and_a_rename_is_told_apart() -> None:
    deleted = entry("code", "7", action="delete", name="Yes")
    assert whose(GONE, deleted).became == ""
    assert actor(GONE, deleted) == "ada"
    renamed = entry("code", "7", ("name", ("Yes",), ("Yea",)))
    assert whose(GONE, renamed).became == "7"
    assert whose(GONE, entry("code", "7", action="delete", name="Yeah")).entry is None


def test_links_are_found_on_their_queue_by_name_or_id_and_by_the_way_they_went() -> None:
    off = entry("assignment", "q1", ("codes", ("No",), ()))
    on = entry("assignment", "q1", ("codes", (), ("9",)), who="bob")
    assert (actor(OFF, off, on), actor(ON, off, on)) == ("ada", "bob")
    assert actor(OFF, entry("assignment", "q2", ("codes", ("No",), ()))) is None
    assert actor(OFF, entry("assignment", "q1", ("codes", ("No", "X"), ("No",)))) is None


def test_after_call_work_flags_and_rows_are_found_by_their_object() -> None:
    assert actor(WORK, entry("after-call work", "q1")) == "ada"
    assert actor(FLAGS, entry("outbound", "1"), entry("outbound", "2", who="bob")) == "ada"
    assert actor(ROW, entry("row", "T/t:NO", name="t:NO")) == "ada"


def test_a_row_that_is_gone_is_found_by_what_it_said() -> None:
    gone = change(
        Verb.CREATE_ROW,
        "crm/table/to%2FNO",
        {},
        {"key": "to/NO", "direction": "to_crm", "code": "NO", "value": "v"},
        system="table",
    )
    was = (("code", ("NO",), ()), ("direction", ("to_crm",), ()), ("value", ("v",), ()))
    assert actor(gone, entry("row", "T/1", *was, action="delete")) == "ada"
    other = (("code", ("YES",), ()), ("direction", ("to_crm",), ()), ("value", ("v",), ()))
    assert actor(gone, entry("row", "T/1", *other, action="delete")) is None


def test_the_client_of_this_run_is_told_apart_from_people_and_other_clients() -> None:
    ours = entry("code", "1", ("description", (), ("x",)), who="me", by="client")
    assert whose(UPDATE, ours, own="me").ours
    assert not whose(UPDATE, ours, own="other").ours
    assert not whose(UPDATE, entry("code", "1", ("description", (), ("x",)), who="me"), own="me").ours


def test_where_nobody_can_be_named_it_says_why() -> None:
    assert whose(THEIRS).why == "no trail of sf is read"
    assert whose(OFF, keeps=frozenset({"code"})).why.startswith("the platform keeps no trail of queues")
    assert whose(UPDATE).why == "the platform's trail has nothing of it since 2026-03-01"


def test_only_what_drifted_is_asked_for() -> None:
    asked = about([UPDATE, OFF, FLAGS, ROW, THEIRS], inside=INSIDE, keeps=ALL, by_object=False)
    assert asked == {
        "code": frozenset({"1"}),
        "queue": frozenset({"q1"}),
        "outbound": frozenset({"1"}),
        "row": frozenset({"t:NO"}),
    }


def test_what_is_gone_is_looked_for_among_all_or_among_codes_of_no_file() -> None:
    assert about([UPDATE, GONE], inside=INSIDE, keeps=ALL, by_object=False) == {"code": None}
    asked = about([UPDATE, GONE], inside=INSIDE, keeps=frozenset({"code"}), by_object=True, strangers=["8"])
    assert asked == {"code": frozenset({"1", "8"})}


def test_each_change_is_in_one_trail_or_in_none() -> None:
    kinds = {one.verb: kind_of(one, INSIDE) for one in (UPDATE, OFF, WORK, FLAGS, ROW)}
    assert list(kinds.values()) == ["code", "queue", "queue", "outbound", "row"]
    assert kind_of(THEIRS, INSIDE) == ""
