"""One outcome per change, whatever the platform does; and nothing is changed that was not asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_org import (
    NAME,
    RICH_QUEUE,
    Org,
    assign,
    create,
    delete,
    set_acw,
    set_flags,
    unassign,
    update,
)
from wrapctl.errors import Interrupted
from wrapctl.model import Change, Fields, Verb
from wrapctl.targets.interface import Outcome, Result, Want

OPTIONAL: Fields = {"prompt": "optional"}
TIMED: Fields = {"prompt": "mandatory-timeout", "timeout_ms": 45000}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Any]:
    made: list[Org] = []

    def make(**seed: Any) -> Org:
        made.append(Org(tmp_path, **seed))
        return made[-1]

    yield make
    for org in made:
        org.close()


@pytest.fixture
def org(folder: Any) -> Org:
    found: Org = folder(
        divisions=[{"name": "Home"}, {"name": "Sales"}],
        codes=[
            {"name": "Sold", "description": "yes", "division": "Sales"},
            {"name": "Lost"},
            {"name": "Gone", "deleted": True},
        ],
        queues=[{"name": "Rich", "codes": ["Sold"], **RICH_QUEUE}],
        mapping={"defaultSet": ["BUSINESS_NEUTRAL"], "flags": {"Gone": ["NUMBER_UNCALLABLE"]}},
    )
    return found


def results(outcomes: tuple[Outcome, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


# ── codes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_created_code_has_an_id_a_request_id_and_its_division(org: Org) -> None:
    (made,) = org.write(create("Traité / é", description="d", division="Sales"))
    body = org.state["codes"][made.live_id]
    assert made.result is Result.DONE
    assert made.request_id
    assert (body["name"], body["description"], body["division"]["name"]) == ("Traité / é", "d", "Sales")


def test_a_code_without_a_division_is_created_in_all_of_them(org: Org) -> None:
    (made,) = org.write(create("Anywhere"))
    assert org.state["codes"][made.live_id]["division"]["id"] == "*"


def test_a_division_that_does_not_exist_is_refused_before_anything_is_sent(org: Org) -> None:
    (outcome,) = org.write(create("New", division="Nowhere"))
    assert outcome.result is Result.REFUSED
    assert '"Nowhere"' in outcome.message
    assert not org.sent("POST", "/wrapupcodes")


def test_a_division_is_found_even_when_the_fresh_read_brought_none(org: Org) -> None:
    fresh = org.read(Want(codes=None))
    (made,) = org.write(create("New", division="Home"), fresh=fresh)
    assert org.state["codes"][made.live_id]["division"]["name"] == "Home"


def test_creating_a_name_that_is_taken_is_exists_and_sent_once(org: Org) -> None:
    (outcome,) = org.write(create("Lost"))
    assert outcome.result is Result.EXISTS
    assert outcome.answer is not None
    assert outcome.answer.code == "duplicate.name"
    assert len(org.sent("POST", "/wrapupcodes")) == 1


def test_an_update_keeps_what_it_does_not_write(org: Org) -> None:
    code = org.code("Sold")
    (outcome,) = org.write(update(code, {"name": "Sold"}, {"name": "Sold!"}))
    body = org.state["codes"][code]
    assert outcome.result is Result.DONE
    assert (body["name"], body["description"], body["division"]["name"]) == ("Sold!", "yes", "Sales")


def test_an_update_sends_the_division_even_where_leaving_it_out_would_move_the_code(org: Org) -> None:
    org.sandbox.set(NAME, put_without_division="all")
    code = org.code("Sold")
    org.write(update(code, {"name": "Sold", "description": "yes"}, {"name": "Sold", "description": ""}))
    assert org.state["codes"][code]["division"]["name"] == "Sales"


def test_a_code_moves_to_all_divisions_and_back(org: Org) -> None:
    code = org.code("Sold")
    org.write(update(code, {"division": "Sales"}, {"division": "*"}))
    assert org.state["codes"][code]["division"]["id"] == "*"
    org.write(update(code, {"division": "*"}, {"division": "Home"}))
    assert org.state["codes"][code]["division"]["name"] == "Home"


def test_renaming_onto_a_name_that_is_taken_is_refused_in_the_platforms_words(org: Org) -> None:
    (outcome,) = org.write(update(org.code("Sold"), {"name": "Sold"}, {"name": "Lost"}))
    assert outcome.result is Result.REFUSED
    assert "already exists" in outcome.message
    assert "another code bears that name" in outcome.hint


def test_updating_a_code_that_is_gone_is_stale(org: Org) -> None:
    fresh = org.read()
    code = org.code("Lost")
    org.edit(op="delete_code", code=code)
    assert results(org.write(update(code, {}, {"name": "Found"}), fresh=fresh)) == [Result.STALE]
    assert results(org.write(update(code, {}, {"name": "Found"}))) == [Result.STALE]


def test_deleting_is_done_and_deleting_again_is_done_too(org: Org) -> None:
    code = org.code("Lost")
    first, again = org.write(delete(code))[0], org.write(delete(code))[0]
    assert (first.result, again.result) == (Result.DONE, Result.DONE)
    assert again.message == "it was already gone"
    assert code in org.state["deleted_codes"]


# ── links ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hundred_links_of_one_queue_are_one_request(folder: Any) -> None:
    org = folder(codes=[{"name": f"C{n:03}"} for n in range(150)], queues=[{"name": "Q"}])
    queue, fresh = org.queue("Q"), org.read()
    outcomes = org.write(*(assign(queue, code.id) for code in fresh.codes), fresh=fresh)
    assert results(outcomes) == [Result.DONE] * 150
    assert len(org.state["links"][queue]) == 150
    assert len(org.sent("POST", f"/queues/{queue}/wrapupcodes")) == 2


def test_assigning_what_is_already_there_is_done(org: Org) -> None:
    assert results(org.write(assign(org.queue("Rich"), org.code("Sold")))) == [Result.DONE]


def test_a_link_to_a_code_that_is_gone_is_stale_and_refused_when_the_platform_says_400(org: Org) -> None:
    queue = org.queue("Rich")
    (outcome,) = org.write(assign(queue, "00000000-0000-4000-8000-000000000000"))
    assert outcome.result is Result.STALE
    org.sandbox.set(NAME, unknown_code_status=400)
    (outcome,) = org.write(assign(queue, "00000000-0000-4000-8000-000000000000"))
    assert outcome.result is Result.REFUSED


def test_a_link_is_taken_off_and_taking_it_off_again_is_done(org: Org) -> None:
    queue, code = org.queue("Rich"), org.code("Sold")
    assert results(org.write(unassign(queue, code))) == [Result.DONE]
    assert results(org.write(unassign(queue, code))) == [Result.DONE]
    assert org.state["links"][queue] == []


# ── after-call work ────────────────────────────────────────────────────────────────────────────────────────


def test_setting_after_call_work_changes_nothing_else_of_a_rich_queue(org: Org) -> None:
    queue = org.queue("Rich")
    before = org.state["queues"][queue]
    (outcome,) = org.write(set_acw(queue, OPTIONAL, TIMED))
    after = org.state["queues"][queue]
    assert (outcome.result, outcome.overwritten, outcome.message) == (Result.DONE, (), "")
    assert after["acwSettings"] == {
        "wrapupPrompt": "MANDATORY_TIMEOUT",
        "timeoutMs": 45000,
        "grownLater": {"x": 1},
    }
    for body in (before, after):
        for key in ("acwSettings", "dateModified", "modifiedBy"):
            del body[key]
    assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)
    assert outcome.body_before is not None
    assert outcome.body_before["acwSettings"] == RICH_QUEUE["acwSettings"]


@pytest.mark.parametrize("prompt", ["optional", "mandatory"])
def test_a_prompt_without_a_timeout_sends_none(org: Org, prompt: str) -> None:
    queue = org.queue("Rich")
    org.edit(
        op="update_queue",
        queue=queue,
        set={"acwSettings": {"wrapupPrompt": "AGENT_REQUESTED", "timeoutMs": 9000}},
    )
    (outcome,) = org.write(set_acw(queue, {"prompt": "agent-requested"}, {"prompt": prompt}))
    assert outcome.result is Result.DONE
    assert org.state["queues"][queue]["acwSettings"] == {"wrapupPrompt": prompt.upper()}


def test_after_call_work_that_somebody_changed_meanwhile_is_stale_with_what_it_is_now(org: Org) -> None:
    fresh, queue = org.read(), org.queue("Rich")
    org.edit(op="update_queue", queue=queue, set={"acwSettings.wrapupPrompt": "MANDATORY"})
    (outcome,) = org.write(set_acw(queue, OPTIONAL, TIMED), fresh=fresh)
    assert (outcome.result, outcome.now) == (Result.STALE, {"prompt": "mandatory"})
    assert not org.sent("PUT")


def test_another_member_that_somebody_changed_meanwhile_is_kept(org: Org) -> None:
    fresh, queue = org.read(), org.queue("Rich")
    org.edit(op="update_queue", queue=queue, set={"description": "theirs"})
    assert results(org.write(set_acw(queue, OPTIONAL, TIMED), fresh=fresh)) == [Result.DONE]
    assert org.state["queues"][queue]["description"] == "theirs"


def test_what_the_engine_let_through_by_merging_is_written(org: Org) -> None:
    queue = org.queue("Rich")
    org.edit(op="update_queue", queue=queue, set={"acwSettings.wrapupPrompt": "MANDATORY"})
    (outcome,) = org.write(set_acw(queue, OPTIONAL, TIMED), fresh=org.read())
    assert outcome.result is Result.DONE


def test_after_call_work_that_is_already_as_wanted_is_not_written(org: Org) -> None:
    (outcome,) = org.write(set_acw(org.queue("Rich"), TIMED, OPTIONAL))
    assert (outcome.result, outcome.message) == (Result.DONE, "already as wanted")
    assert not org.sent("PUT")


def test_a_member_that_comes_back_otherwise_is_reported_as_possible_overwrite(org: Org) -> None:
    queue = org.queue("Rich")
    org.fault(
        "edit",
        method="GET",
        path=f"/queues/{queue}$",
        nth=2,
        edit={"op": "update_queue", "queue": queue, "set": {"description": "theirs"}},
    )
    body = {**org.state["queues"][queue], "description": "theirs"}
    org.fault("status", method="PUT", path=f"/queues/{queue}$", after=True, status=200, body=body)
    (outcome,) = org.write(set_acw(queue, OPTIONAL, TIMED))
    assert (outcome.result, outcome.overwritten) == (Result.DONE, ("description",))
    assert outcome.body_before is not None
    assert outcome.body_before["description"] == "answers everything"


def test_members_that_only_the_answer_leaves_out_are_no_overwrite(org: Org) -> None:
    queue = org.queue("Rich")
    org.fault("status", method="PUT", path=f"/queues/{queue}$", after=True, status=200, body={"id": queue})
    (outcome,) = org.write(set_acw(queue, OPTIONAL, TIMED))
    assert (outcome.result, outcome.overwritten) == (Result.DONE, ())


def test_a_queue_body_older_than_one_already_seen_is_read_again_and_then_stale(org: Org) -> None:
    queue = org.queue("Rich")
    old = org.state["queues"][queue]
    org.edit(op="update_queue", queue=queue, set={"description": "newer"})
    fresh = org.read()
    org.fault("status", method="GET", path=f"/queues/{queue}$", nth=1, status=200, body=old)
    assert results(org.write(set_acw(queue, OPTIONAL, TIMED), fresh=fresh)) == [Result.DONE]
    assert org.state["queues"][queue]["description"] == "newer"
    org.sandbox.clear_faults()
    org.fault("status", method="GET", path=f"/queues/{queue}$", status=200, body=old)
    (outcome,) = org.write(set_acw(queue, TIMED, OPTIONAL), fresh=fresh)
    assert outcome.result is Result.STALE
    assert "older state" in outcome.message


def test_a_queue_that_is_gone_is_stale(org: Org) -> None:
    fresh, queue = org.read(), org.queue("Rich")
    org.edit(op="delete_queue", queue=queue)
    assert results(org.write(set_acw(queue, OPTIONAL, TIMED), fresh=fresh)) == [Result.STALE]


def test_a_queue_that_cannot_be_read_right_before_is_not_written(org: Org) -> None:
    fresh, queue = org.read(), org.queue("Rich")
    org.fault("truncate", method="GET", path=f"/queues/{queue}$")
    (outcome,) = org.write(set_acw(queue, OPTIONAL, TIMED), fresh=fresh)
    assert outcome.result is Result.BUSY
    assert not org.sent("PUT")


# ── outbound flags ─────────────────────────────────────────────────────────────────────────────────────────


def flags_of(org: Org, name: str) -> list[str]:
    found: list[str] = org.state["mapping"]["mapping"][org.code(name)]
    return found


def test_all_flags_are_one_write_and_undeclared_entries_stay(org: Org) -> None:
    before = org.state["mapping"]["mapping"]
    gone = next(iter(org.state["deleted_codes"]))
    outcomes = org.write(
        set_flags(org.code("Sold"), ("business-neutral",), ("business-success", "right-party-contact")),
        set_flags(org.code("Lost"), ("business-neutral",), ()),
    )
    assert results(outcomes) == [Result.DONE, Result.DONE]
    assert set(flags_of(org, "Sold")) == {"BUSINESS_SUCCESS", "RIGHT_PARTY_CONTACT"}
    assert flags_of(org, "Lost") == []
    assert org.state["mapping"]["mapping"][gone] == before[gone] == ["NUMBER_UNCALLABLE"]
    assert len(org.sent("PUT", "/wrapupcodemappings")) == 1


@pytest.mark.parametrize("status", [409, 400])
def test_a_version_conflict_is_read_and_judged_again(org: Org, status: int) -> None:
    org.sandbox.set(NAME, mapping_conflict_status=status)
    edit = {"op": "set_flags", "code": "Lost", "flags": ["BUSINESS_FAILURE"]}
    org.fault("edit", method="PUT", path="/wrapupcodemappings", nth=1, edit=edit)
    change = set_flags(org.code("Sold"), ("business-neutral",), ("business-success",))
    assert results(org.write(change)) == [Result.DONE]
    assert flags_of(org, "Sold") == ["BUSINESS_SUCCESS"]
    assert flags_of(org, "Lost") == ["BUSINESS_FAILURE"]


def test_a_version_conflict_over_the_same_code_is_stale(org: Org) -> None:
    edit = {"op": "set_flags", "code": "Sold", "flags": ["BUSINESS_FAILURE"]}
    org.fault("edit", method="PUT", path="/wrapupcodemappings", nth=1, edit=edit)
    stale, done = org.write(
        set_flags(org.code("Sold"), ("business-neutral",), ("business-success",)),
        set_flags(org.code("Lost"), ("business-neutral",), ("business-success",)),
    )
    outcomes = {stale.id: stale, done.id: done}
    sold = outcomes[set_flags(org.code("Sold"), None, ()).id]
    lost = outcomes[set_flags(org.code("Lost"), None, ()).id]
    assert (sold.result, sold.now) == (Result.STALE, {"outbound": ("business-failure",)})
    assert lost.result is Result.DONE
    assert flags_of(org, "Sold") == ["BUSINESS_FAILURE"]


def test_a_mapping_that_never_stands_still_is_stale_after_a_few_rounds(org: Org) -> None:
    org.fault(
        "status", method="PUT", path="/wrapupcodemappings", status=409, code="invalid.update.wrong.version"
    )
    (outcome,) = org.write(set_flags(org.code("Sold"), ("business-neutral",), ("business-success",)))
    assert outcome.result is Result.STALE
    assert len(org.sent("PUT")) == 5


def test_flags_of_a_code_just_made_need_no_expectation(org: Org) -> None:
    (made,) = org.write(create("New"))
    assert made.live_id
    change = set_flags(made.live_id, None, ("business-success",))
    change = replace(change, after={**change.after, "code": made.live_id})
    assert results(org.write(change, fresh=org.read(Want(outbound=True)))) == [Result.DONE]
    assert flags_of(org, "New") == ["BUSINESS_SUCCESS"]


def test_without_outbound_flags_are_refused_and_say_so(org: Org) -> None:
    org.sandbox.set(NAME, outbound=False)
    (outcome,) = org.write(set_flags(org.code("Sold"), (), ("business-success",)))
    assert outcome.result is Result.REFUSED
    assert outcome.message.startswith("outbound is not set up")


def test_flags_read_back_in_mixed_case_are_the_same_flags(org: Org) -> None:
    org.sandbox.set(NAME, flag_case="mixed")
    change = set_flags(org.code("Sold"), ("business-neutral",), ("business-success",))
    assert results(org.write(change)) == [Result.DONE]
    assert org.write(change)[0].message == "already as wanted"


# ── what goes wrong ────────────────────────────────────────────────────────────────────────────────────────


def every_write(org: Org) -> dict[str, Change]:
    queue = org.queue("Rich")
    return {
        "create": create("New"),
        "update": update(org.code("Sold"), {"name": "Sold"}, {"name": "Sold!"}),
        "delete": delete(org.code("Lost")),
        "assign": assign(queue, org.code("Lost")),
        "unassign": unassign(queue, org.code("Sold")),
        "after-call work": set_acw(queue, OPTIONAL, TIMED),
        "flags": set_flags(org.code("Sold"), ("business-neutral",), ("business-success",)),
    }


WRITES = ["create", "update", "delete", "assign", "unassign", "after-call work", "flags"]
METHODS = "POST|PUT|DELETE"


def break_writes(org: Org, do: str, **action: Any) -> None:
    org.target.reader().identity()
    for method in ("POST", "PUT", "DELETE"):
        org.fault(do, method=method, path="^/api/", **action)


def count_writes(org: Org) -> int:
    return len([line for line in org.sent(path="/api/") if not line.startswith("GET")])


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("do", ["drop", "lose-answer"])
def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(org: Org, write: str, do: str) -> None:
    break_writes(org, do)
    assert results(org.write(every_write(org)[write])) == [Result.UNKNOWN]
    assert count_writes(org) == 1


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_server_error_is_unknown_and_nothing_is_sent_twice(org: Org, write: str, status: int) -> None:
    break_writes(org, "status", status=status)
    (outcome,) = org.write(every_write(org)[write])
    assert outcome.result is Result.UNKNOWN
    assert outcome.request_id
    assert count_writes(org) == 1


@pytest.mark.parametrize("write", ["create", "after-call work"])
@pytest.mark.parametrize("length", ["cut", "full"])
def test_a_cut_answer_that_is_needed_is_unknown(org: Org, write: str, length: str) -> None:
    break_writes(org, "truncate", length=length)
    assert results(org.write(every_write(org)[write])) == [Result.UNKNOWN]
    assert count_writes(org) == 1


@pytest.mark.parametrize("write", WRITES)
def test_a_rate_limit_is_waited_out_before_a_write_too(org: Org, write: str) -> None:
    break_writes(org, "status", nth=1, status=429, retry_after=5)
    assert results(org.write(every_write(org)[write])) == [Result.DONE]


@pytest.mark.parametrize("write", WRITES)
def test_a_rate_limit_that_lasts_is_busy_and_ends_the_run(org: Org, write: str) -> None:
    break_writes(org, "status", status=429, retry_after=3600)
    (outcome,) = org.write(every_write(org)[write])
    assert (outcome.result, outcome.fatal) == (Result.BUSY, True)


@pytest.mark.parametrize("write", WRITES)
def test_a_refused_token_ends_the_run(org: Org, write: str) -> None:
    break_writes(org, "status", status=401)
    (outcome,) = org.write(every_write(org)[write])
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, True)


@pytest.mark.parametrize("write", WRITES)
def test_a_read_only_client_is_refused_with_the_permission_it_lacks_and_changes_nothing(
    org: Org, write: str
) -> None:
    before = org.state
    fresh, change = org.read(), every_write(org)[write]
    org.target.close()
    org.target = org.connect(f"sandbox-{NAME}-readonly")
    (outcome,) = org.write(change, fresh=fresh)
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, True)
    assert "routing:" in outcome.hint or "outbound:" in outcome.hint
    assert org.state == before


@pytest.mark.parametrize("write", WRITES)
def test_a_request_to_stop_comes_out_before_anything_is_sent(org: Org, write: str) -> None:
    fresh, change, before = org.read(), every_write(org)[write], org.state
    org.clock.stop.set()
    with pytest.raises(Interrupted):
        org.write(change, fresh=fresh)
    assert org.state == before


def test_a_verb_that_genesys_has_not_is_refused_by_name(org: Org) -> None:
    change = replace(create("New"), verb=Verb.REORDER)
    (outcome,) = org.write(change)
    assert outcome.result is Result.REFUSED
    assert "cannot reorder" in outcome.message


@given(name=st.text(min_size=1, max_size=40).filter(str.strip), description=st.text(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatever_a_code_is_called_it_reads_back_so(org: Org, name: str, description: str) -> None:
    (made,) = org.write(create(name, description=description), fresh=org.read(Want()))
    if made.result is Result.EXISTS:
        return
    live = org.read(Want(codes=frozenset({str(made.live_id)}), code_names=frozenset({name})))
    (code,) = live.codes
    assert (code.name, code.fields["description"]) == (name, description)
