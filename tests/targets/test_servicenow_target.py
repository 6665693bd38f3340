"""ServiceNow on the sandbox: bulk upserts read item by item, what they must not take over, what is looked at after."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_contract import checked
from value_list_orgs import ServicenowInstance, create, deactivate, delete, update
from wrapctl.errors import Answered, IncompleteRead, Interrupted, Unauthorized, UsageError
from wrapctl.model import Live
from wrapctl.plan.units import Unit
from wrapctl.rows import Place
from wrapctl.targets.interface import Outcome, Result, Want
from wrapctl.targets.servicenow.capabilities import BULK

POST = "POST /api/now/wrapup/code"
TABLE = "/api/now/table/interaction_wrap_up_code"
MARK = "[wrapctl:acme/crm]"
ODD = ("O'Brien", 'say "hi"', "a,b^c^^d", "codeIN1,2", "50 % & more", "🎉 Gewonnen", "Trait\u00e9", "No", "1")


@pytest.fixture
def sn(tmp_path: Path) -> Iterator[ServicenowInstance]:
    made = ServicenowInstance(tmp_path)
    yield made
    made.close()


def results(outcomes: tuple[Outcome, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


# ── the way there ──────────────────────────────────────────────────────────────────────────────────────────


class Recorder(httpx.BaseTransport):
    """Answers everything as an instance without rows would, and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.url.path == "/oauth_token.do":
            return httpx.Response(200, json={"access_token": "t-o-k-e-n", "expires_in": 1799})
        return httpx.Response(200, json={"result": []}, headers={"X-Total-Count": "0"})


def test_an_oauth_client_logs_in_at_the_instance(sn: ServicenowInstance) -> None:
    recorder = Recorder()
    target = sn.connect(transport=recorder, endpoint="https://acme.service-now.com")
    target.reader().read(Want(rows={"crm": None}))
    login, listing = recorder.sent
    assert str(login.url) == "https://acme.service-now.com/oauth_token.do"
    assert "grant_type=client_credentials" in login.content.decode()
    assert listing.headers["authorization"] == "Bearer t-o-k-e-n"
    assert dict(listing.url.params) == {
        "sysparm_query": "ORDERBYsys_id",
        "sysparm_fields": "sys_id,sys_mod_count,active,code,description",
        "sysparm_limit": "1000",
        "sysparm_offset": "0",
    }


def test_a_user_logs_in_with_every_request(sn: ServicenowInstance) -> None:
    recorder = Recorder()
    target = sn.connect(
        transport=recorder,
        endpoint="https://acme.service-now.com",
        credentials={"username": "wrapctl", "password": "s3crét:x"},
    )
    target.reader().read(Want(rows={"crm": None}))
    (listing,) = recorder.sent
    assert b64decode(listing.headers["authorization"].removeprefix("Basic ")).decode() == "wrapctl:s3crét:x"


def test_basic_works_against_the_sandbox_and_its_password_is_in_no_message(sn: ServicenowInstance) -> None:
    given = {"username": f"sandbox-{sn.name}", "password": "sandbox"}
    assert sn.connect(credentials=given).reader().read(Want(rows={"crm": None})).crm["crm"].complete
    wrong = sn.connect(credentials=given | {"password": "wrong-s3cret"})
    with pytest.raises(Unauthorized) as caught:
        wrong.reader().read(Want(rows={"crm": None}))
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"client_id": "x"}, "lack client_secret"),
        ({"username": "x"}, "lack password"),
        ({"token": "x"}, "lack client_id and client_secret"),
    ],
)
def test_half_a_login_is_refused(sn: ServicenowInstance, credentials: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sn.connect(credentials=credentials)


@pytest.mark.parametrize("endpoint", ["https://service-now.com.evil.example", "http://acme.service-now.com"])
def test_secrets_go_to_no_other_host(sn: ServicenowInstance, endpoint: str) -> None:
    recorder = Recorder()
    with pytest.raises(UsageError):
        sn.connect(transport=recorder, endpoint=endpoint)
    assert recorder.sent == []


def test_a_refused_login_says_what_to_check(sn: ServicenowInstance) -> None:
    target = sn.connect(credentials={"client_id": f"sandbox-{sn.name}", "client_secret": "no"})
    with pytest.raises(Unauthorized, match="login of connection") as caught:
        target.reader().read(Want(rows={"crm": None}))
    assert "glide.oauth.inbound.client.credential.grant_type.enabled" in caught.value.hint


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cap", [7, 10_000])
def test_every_page_is_read_however_small_the_instance_makes_them(tmp_path: Path, cap: int) -> None:
    sn = ServicenowInstance(tmp_path, rows=[{"code": f"R{n}"} for n in range(50)], settings={"page_cap": cap})
    rows = sn.read()
    assert (len(rows.rows), rows.complete, rows.total) == (50, True, 50)
    sn.close()


Page = Callable[[httpx.Request, int], httpx.Response]


def reading(sn: ServicenowInstance, page: Page) -> Live:
    """Read from an instance whose pages are made by ``page`` from request and number."""
    count = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal count
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": "t"})
        count += 1
        assert count < 50
        return page(request, count)

    target = sn.connect(transport=httpx.MockTransport(answer), endpoint="https://acme.service-now.com")
    return target.reader().read(Want(rows={"crm": None}))


def a_row(number: int) -> dict[str, str]:
    found = {"sys_id": f"{number:032}", "sys_mod_count": "0", "active": "true"}
    return {**found, "code": f"R{number}", "description": ""}


def listed(rows: list[dict[str, str]], total: int | None) -> httpx.Response:
    headers = {} if total is None else {"X-Total-Count": str(total)}
    return httpx.Response(200, json={"result": rows}, headers=headers)


def test_rows_that_are_counted_and_not_sent_make_the_read_incomplete(sn: ServicenowInstance) -> None:
    def page(request: httpx.Request, _: int) -> httpx.Response:
        return listed([a_row(1)] if request.url.params["sysparm_offset"] == "0" else [], 3)

    with pytest.raises(IncompleteRead, match="1 rows were read and ServiceNow counts 3") as caught:
        reading(sn, page)
    assert "ACL" in caught.value.hint


def test_a_listing_that_moves_is_read_again_until_it_stands_still(sn: ServicenowInstance) -> None:
    pages = iter([listed([a_row(1)], 2), listed([a_row(1)], 2), listed([a_row(1), a_row(2)], 2)])
    live = reading(sn, lambda *_: next(pages))
    assert [row.fields["value"] for row in live.crm["crm"].rows] == ["R1", "R2"]


def test_a_total_that_changes_meanwhile_is_no_whole_listing(sn: ServicenowInstance) -> None:
    with pytest.raises(IncompleteRead, match="its total changed"):
        reading(sn, lambda _, number: listed([a_row(number)], 2 + number))


def test_without_a_total_the_empty_page_is_the_end(sn: ServicenowInstance) -> None:
    live = reading(sn, lambda _, number: listed([a_row(number)] if number < 3 else [], None))
    assert len(live.crm["crm"].rows) == 2


@pytest.mark.parametrize("body", [{}, {"result": {}}, {"result": [{"code": "x"}]}, {"result": [1]}])
def test_what_is_no_page_of_rows_is_an_error_and_never_an_empty_list(
    sn: ServicenowInstance, body: dict[str, Any]
) -> None:
    with pytest.raises(IncompleteRead):
        reading(sn, lambda *_: httpx.Response(200, json=body))


def test_an_instance_without_the_plugin_says_what_to_look_for(sn: ServicenowInstance) -> None:
    error = {
        "error": {"message": "Invalid table interaction_wrap_up_code", "detail": None},
        "status": "failure",
    }
    with pytest.raises(Answered, match="Invalid table") as caught:
        reading(sn, lambda *_: httpx.Response(400, json=error))
    assert "com.glide.interaction.awa" in caught.value.hint


def test_columns_that_do_not_come_are_missed_by_name(sn: ServicenowInstance) -> None:
    options = {"columns": (("code", "u_label"),)}
    sn.add(code="R", description="")
    target = sn.connect(places=(Place("crm", "acme", options),))
    with pytest.raises(IncompleteRead, match="without u_label"):
        target.reader().read(Want(rows={"crm": None}))


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_life_of_a_row(sn: ServicenowInstance) -> None:
    (made,) = sn.write(create("Won", description="About it"))
    row = sn.row("Won")
    assert (made.result, made.live_id, bool(made.request_id)) == (Result.DONE, row.id, True)
    assert sn.live[row.id]["description"] == f"About it {MARK}"
    assert results(sn.write(update(row, description=None))) == [Result.DONE]
    assert sn.live[row.id]["description"] == MARK
    assert results(sn.write(deactivate(sn.row("Won")))) == [Result.DONE]
    assert sn.live[row.id]["active"] is False
    assert results(sn.write(update(sn.row("Won"), active=True, description="Again"))) == [Result.DONE]
    assert results(sn.write(delete(sn.row("Won")))) == [Result.DONE]
    assert sn.live == {}


def test_rows_go_in_bulk_and_are_looked_at_once(sn: ServicenowInstance) -> None:
    number = BULK + 20
    before = len(sn.sent())
    outcomes = sn.write(*(create(f"R{n}") for n in range(number)))
    assert set(results(outcomes)) == {Result.DONE}
    assert sn.writes() == [POST, POST]
    # One listing before, and behind each upsert one look.
    assert len([line for line in sn.sent()[before:] if line.startswith("GET")]) == 3


def test_odd_labels_live_side_by_side(sn: ServicenowInstance) -> None:
    outcomes = sn.write(*(create(value, description=f"{value} {MARK[:-1]}") for value in ODD))
    assert set(results(outcomes)) == {Result.DONE}
    rows = [row for row in sn.read().rows if row.mine]
    assert {row.fields["value"]: row.fields["description"] for row in rows} == {
        value: f"{value} {MARK[:-1]}" for value in ODD
    }


@pytest.mark.parametrize("listed_too", [True, False])
def test_sixty_rows_of_which_two_are_refused(sn: ServicenowInstance, listed_too: bool) -> None:
    sn.make("R1")
    sn.set(refused={"R7 ": "no such luck", "R31 ": "not today"}, updated_listed=listed_too)
    changes = [create(f"R{n} !") for n in range(2, 61)]
    outcomes = sn.write_unit(update(sn.row("R1"), description="new"), *changes)
    refused = {str(one.id.address): one for one in outcomes if one.result is Result.REFUSED}
    assert sorted(refused) == ["acme/crm/crm/value/R31 !", "acme/crm/crm/value/R7 !"]
    assert results(outcomes).count(Result.DONE) == 58
    answer = refused["acme/crm/crm/value/R7 !"].answer
    assert answer is not None
    assert (answer.status, answer.message) == (207, "no such luck")
    assert "not today" in refused["acme/crm/crm/value/R31 !"].message
    again = sn.write(create("R2 !"), create("R7 !"), create("R31 !"))
    assert results(again) == [Result.EXISTS, Result.REFUSED, Result.REFUSED]


def test_what_is_neither_stored_nor_refused_is_unknown(sn: ServicenowInstance) -> None:
    sn.set(refused={"Never": "no such luck"}, refusals="nowhere")
    outcomes = sn.write(create("Won"), create("Never"))
    assert results(outcomes) == [Result.DONE, Result.UNKNOWN]
    assert "says nothing about this label" in outcomes[1].message


def test_an_upsert_that_is_refused_as_a_whole_refuses_each(sn: ServicenowInstance) -> None:
    sn.fault("status", method="POST", path="/wrapup/code", status=400, message="malformed", code="on line 1")
    outcomes = sn.write(create("A"), create("B"))
    assert results(outcomes) == [Result.REFUSED, Result.REFUSED]
    assert "malformed: on line 1" in outcomes[0].message


def test_where_none_was_stored_each_hears_its_own_words(sn: ServicenowInstance) -> None:
    sn.set(refused={"R7 ": "no such luck", "R31 ": "not today"}, all_refused=400)
    outcomes = sn.write(create("R7 !"), create("R31 !"))
    assert [outcome.message for outcome in outcomes] == [
        "ServiceNow refused it: no such luck",
        "ServiceNow refused it: not today",
    ]
    assert [outcome.answer and outcome.answer.status for outcome in outcomes] == [400, 400]


@pytest.mark.parametrize("how", ["lose-answer", "status", "html"])
def test_an_upsert_without_a_usable_answer_leaves_open_what_happened(
    sn: ServicenowInstance, how: str
) -> None:
    rule: dict[str, Any] = {
        "status": {"status": 500, "after": True},
        "html": {"status": 200, "raw": "<html>"},
    }
    sn.fault(
        "lose-answer" if how == "lose-answer" else "status", method="POST", path="/code", **rule.get(how, {})
    )
    assert results(sn.write(create("A"), create("B"))) == [Result.UNKNOWN, Result.UNKNOWN]
    assert sn.writes() == [POST]


def test_translations_go_along_and_no_read_shows_them(sn: ServicenowInstance) -> None:
    sn.make(
        "Won", description="About it", translations=(("de", "Gewonnen", "Darüber"), ("fr", "Gagné", None))
    )
    (stored,) = sn.live.values()
    assert stored["translations"] == {"de": ["Gewonnen", "Darüber"], "fr": ["Gagné", "About it"]}
    rows = sn.read()
    assert (rows.sent, "translations" in rows.rows[0].fields) == (frozenset({"translations"}), False)


# ── renames ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rename_keeps_the_row(sn: ServicenowInstance) -> None:
    sn.make("Won", description="About it")
    row = sn.row("Won")
    (outcome,) = sn.write(update(row, value="Closed", description="Now"))
    assert (outcome.result, outcome.overwritten) == (Result.DONE, ())
    assert (sn.row("Closed").id, sn.live[row.id]["description"]) == (row.id, f"Now {MARK}")
    assert sn.writes()[-1] == f"PATCH {TABLE}/{row.id}"


def test_a_label_is_freed_before_it_is_taken_in_one_unit(sn: ServicenowInstance) -> None:
    sn.make("Won")
    row = sn.row("Won")
    outcomes = sn.write_unit(create("Won", description="new"), update(row, value="Closed"))
    assert results(outcomes) == [Result.DONE, Result.DONE]
    assert {one["code"]: i == row.id for i, one in sn.live.items()} == {"Won": False, "Closed": True}


def test_a_rename_takes_its_translations_along(sn: ServicenowInstance) -> None:
    sn.make("Won")
    (outcome,) = sn.write(update(sn.row("Won"), value="Closed", translations=(("de", "Zu", None),)))
    assert (outcome.result, outcome.overwritten) == (Result.DONE, ())
    assert [one["translations"] for one in sn.live.values()] == [{"de": ["Zu", "Zu"]}]


def test_a_rename_stands_though_its_translations_were_refused(sn: ServicenowInstance) -> None:
    sn.make("Won")
    row = sn.row("Won")
    sn.set(refused={"Zut": "no such luck"})
    (outcome,) = sn.write(update(row, value="Closed", translations=(("fr", "Zut", None),)))
    assert (outcome.result, sn.live[row.id]["code"]) == (Result.REFUSED, "Closed")
    assert "renamed, but its translations were not taken" in outcome.message
    assert "no such luck" in outcome.message


def test_a_rule_of_the_instance_refuses_in_its_words_and_is_not_taken_for_a_missing_role(
    sn: ServicenowInstance,
) -> None:
    sn.make("Won")
    sn.set(refused={"Closed": "no such luck"})
    (outcome,) = sn.write(update(sn.row("Won"), value="Closed"))
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, False)
    assert "no such luck" in outcome.message
    assert "rule of the instance" in outcome.hint


# ── what an upsert must not take over ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("label", ["SALE", "sale ", "Salé", "Sale\u0301"])
def test_a_foreign_row_that_a_blind_database_takes_for_the_same_is_not_risked(
    sn: ServicenowInstance, label: str
) -> None:
    theirs = sn.add_foreign(label)
    before = sn.state
    (outcome,) = sn.write(create("Sale"))
    assert (outcome.result, sn.writes(), sn.state) == (Result.REFUSED, [], before)
    assert theirs in outcome.message
    assert outcome.hint


@pytest.mark.parametrize("blind", [True, False])
def test_a_foreign_row_of_our_label_keeps_us_to_our_own_row(tmp_path: Path, blind: bool) -> None:
    sn = ServicenowInstance(tmp_path, settings={"case_insensitive_names": blind})
    sn.make("Sale", description="ours")
    row = sn.row("Sale")
    theirs = sn.add(code="SALE", description="theirs")
    before = sn.live[theirs]
    sn.write(update(row, description="ours again"), deactivate(row))
    assert sn.live[theirs] == before
    assert POST not in sn.writes()[1:]
    sn.close()


def test_foreign_rows_are_never_written_whatever_the_plan_says(sn: ServicenowInstance) -> None:
    sn.add_foreign("Theirs")
    theirs, before = sn.row("Theirs", mine=False), sn.state
    outcomes = sn.write(update(theirs, description="x"), deactivate(theirs), delete(theirs), create("Theirs"))
    assert results(outcomes) == [Result.REFUSED, Result.REFUSED, Result.REFUSED, Result.EXISTS]
    assert (sn.state, sn.writes()) == (before, [])


def test_own_labels_that_the_instance_takes_for_one_are_told(tmp_path: Path) -> None:
    sn = ServicenowInstance(tmp_path, settings={"case_insensitive_names": True})
    outcomes = sn.write(create("Sale"), create("SALE"))
    assert results(outcomes) == [Result.DONE, Result.REFUSED]
    assert 'took the label for "Sale"' in outcomes[1].message
    sn.close()


def test_two_mappings_that_want_one_label_make_it_once(sn: ServicenowInstance) -> None:
    target = sn.connect(places=(sn.place("crm"), sn.place("other")))
    fresh = target.reader().read(Want(rows={"crm": None, "other": None}))
    writer = target.writer()
    two = create("won")
    two.system = "other"
    outcomes = writer.write(Unit("x", "", (create("Won"),)), fresh) + writer.write(
        Unit("x", "", (two,)), fresh
    )
    assert results(outcomes) == [Result.DONE, Result.EXISTS]
    assert [one["code"] for one in sn.live.values()] == ["Won"]


def test_a_row_that_was_deleted_meanwhile_is_not_taken_for_ours_when_it_comes_back(
    sn: ServicenowInstance,
) -> None:
    sn.make("Won")
    row, fresh = sn.row("Won"), sn.read_live()
    sn.remove(row.id)
    (outcome,) = sn.write(update(row, description="new"), fresh=fresh)
    assert outcome.result is Result.STALE
    assert "made it anew" in outcome.message


# ── what is looked at afterwards ───────────────────────────────────────────────────────────────────────────


def test_an_edit_between_read_and_write_is_told_as_a_possible_overwrite(sn: ServicenowInstance) -> None:
    sn.make("Won", "Lost")
    won, lost, fresh = sn.row("Won"), sn.row("Lost"), sn.read_live()
    sn.edit(won.id, description="somebody's")
    outcomes = sn.write(update(won, description="mine"), update(lost, description="mine"), fresh=fresh)
    assert results(outcomes) == [Result.DONE, Result.DONE]
    assert outcomes[0].overwritten == (
        "sys_mod_count grew by 2, and 1 was ours: somebody may have written in between",
    )
    assert outcomes[1].overwritten == ()


def test_an_edit_before_a_rename_is_told_too(sn: ServicenowInstance) -> None:
    sn.make("Won")
    row, fresh = sn.row("Won"), sn.read_live()
    sn.edit(row.id, description="somebody's")
    (outcome,) = sn.write(update(row, value="Closed"), fresh=fresh)
    assert "grew by 2" in outcome.overwritten[0]


def test_a_mark_that_the_instance_cut_off_is_told_at_once(sn: ServicenowInstance) -> None:
    sn.make("Won")
    row = sn.row("Won")
    (outcome,) = sn.write(update(row, value="Closed", description="x" * 3_990))
    assert (outcome.result, sn.row("Closed", mine=False).id) == (Result.REFUSED, row.id)
    assert "mark" in outcome.message
    assert "shorten" in outcome.hint


def test_what_cannot_be_looked_at_is_done_and_says_so(sn: ServicenowInstance) -> None:
    fresh = sn.read_live()
    sn.fault("status", method="GET", path=TABLE, status=500)
    (outcome,) = sn.write(create("Won"), fresh=fresh)
    assert outcome.result is Result.DONE
    assert "not looked at afterwards" in outcome.message


def test_a_stop_between_upsert_and_look_loses_no_outcome(sn: ServicenowInstance) -> None:
    def app(environ: dict[str, Any], start: Any) -> Any:
        answer = sn.sandbox.wsgi(environ, start)
        if environ["PATH_INFO"].endswith("/wrapup/code"):
            sn.clock.stop.set()
        return answer

    sn.target.close()
    sn.target = sn.connect(app=app)
    (outcome,) = sn.write(create("Won"))
    assert (outcome.result, len(sn.live)) == (Result.DONE, 1)


def test_a_stop_between_two_writes_of_a_unit_leaves_the_rest_unsent(sn: ServicenowInstance) -> None:
    def app(environ: dict[str, Any], start: Any) -> Any:
        answer = sn.sandbox.wsgi(environ, start)
        if environ["REQUEST_METHOD"] == "PATCH":
            sn.clock.stop.set()
        return answer

    sn.make("Won")
    fresh, row = sn.read_live(), sn.row("Won")
    sn.target.close()
    sn.target = sn.connect(app=app)
    rename = update(row, value="Closed", translations=(("de", "Zu", None),))
    outcomes = sn.write_unit(rename, create("New"), fresh=fresh)
    assert results(outcomes) == [Result.DONE, Result.BUSY]
    assert "translations were not sent" in outcomes[0].message
    assert "not sent" in outcomes[1].message
    with pytest.raises(Interrupted):
        sn.write_unit(create("New"), fresh=fresh)


# ── when something is in the way ───────────────────────────────────────────────────────────────────────────


def test_a_user_without_the_role_stops_at_the_first_upsert(sn: ServicenowInstance) -> None:
    (outcome,) = sn.write(create("Won"), target=sn.connect(f"sandbox-{sn.name}-readonly"))
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, True)
    assert "interaction_integration_user" in outcome.hint


def test_a_row_that_is_gone_is_done_for_a_delete_and_stale_for_a_rename(sn: ServicenowInstance) -> None:
    sn.make("Won", "Lost")
    won, lost, fresh = sn.row("Won"), sn.row("Lost"), sn.read_live()
    sn.remove(won.id)
    sn.remove(lost.id)
    outcomes = sn.write(update(won, value="Closed"), delete(lost), fresh=fresh)
    assert results(outcomes) == [Result.STALE, Result.DONE]
    assert results(sn.write(delete(lost), update(won, value="x"))) == [Result.DONE, Result.STALE]


def test_a_delete_that_an_acl_refuses_says_which_right_it_needs(sn: ServicenowInstance) -> None:
    sn.make("Won")
    (outcome,) = sn.write(delete(sn.row("Won")), target=sn.connect(f"sandbox-{sn.name}-readonly"))
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, False)
    assert "delete rows of interaction_wrap_up_code" in outcome.hint


def test_a_limit_is_waited_out(sn: ServicenowInstance) -> None:
    sn.fault("status", method="POST", path="/wrapup/code", status=429, retry_after=5, times=1)
    assert results(sn.write(create("Won"))) == [Result.DONE]
    assert sn.clock.waits == [5.0]


def test_a_place_of_another_connection_is_refused(sn: ServicenowInstance) -> None:
    change = create("Won")
    change.system = "elsewhere"
    assert results(sn.write(change)) == [Result.REFUSED]


def test_an_instance_names_itself_by_its_address(sn: ServicenowInstance) -> None:
    assert sn.target.reader().identity().sandbox
    target = sn.connect(transport=Recorder(), endpoint="https://acme.service-now.com")
    assert target.reader().identity().id == "acme.service-now.com"


def test_all_that_is_sent_and_answered_validates_against_the_contract(sn: ServicenowInstance) -> None:
    app = checked(sn.sandbox.wsgi)
    sn.target.close()
    sn.target = sn.connect(app=app)
    sn.set(refused={"Never": "no such luck"}, page_cap=3)
    outcomes = sn.write(*(create(value, translations=(("de", "x", None),)) for value in (*ODD, "Never")))
    assert results(outcomes) == [Result.DONE] * len(ODD) + [Result.REFUSED]
    sn.write(update(sn.row("No"), value="Yes"), deactivate(sn.row("1")), delete(sn.row("O'Brien")))
    assert sorted(set(app.violations)) == []
    assert {(method, path.removeprefix("/api/now/")) for _, method, path in app.seen} >= {
        ("GET", "table/interaction_wrap_up_code"),
        ("POST", "wrapup/code"),
        ("PATCH", "table/interaction_wrap_up_code/{sys_id}"),
        ("DELETE", "table/interaction_wrap_up_code/{sys_id}"),
    }


def test_what_is_sent_is_json_of_the_contract_for_every_letter(sn: ServicenowInstance) -> None:
    sent: list[Any] = []

    def app(environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"].endswith("/wrapup/code"):
            body = environ["wsgi.input"].read()
            environ["wsgi.input"].seek(0)
            sent.append(json.loads(body))
        return sn.sandbox.wsgi(environ, start)

    sn.target.close()
    sn.target = sn.connect(app=app)
    sn.make("🎉 a,b^c")
    assert sent == [{"codes": [{"code": "🎉 a,b^c", "description": MARK, "active": True}]}]
