"""Reading and writing rows of a Salesforce org: all or an error, one outcome per change, nothing beyond the rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_contract import checked
from crm_org import CrmOrg
from genesys_org import Clock
from targets import crm_contract_suite as suite
from targets.crm_contract_suite import found, read, row, rule, written
from targets.crm_salesforce import OBJECT, SYSTEM, SalesforceHarness, org
from wrapctl.errors import Answered, IncompleteRead, RateLimited, TargetError, Unauthorized, UsageError
from wrapctl.model import Verb
from wrapctl.plan.units import Unit
from wrapctl.rows import Place
from wrapctl.targets.interface import Connection, CrmConnection, Result, Want
from wrapctl.targets.salesforce import reader as reading
from wrapctl.targets.salesforce.target import connect
from wrapctl.targets.shared_rows.connected import Connected

STAMP = "2026-01-31T10:00:00.000+0000"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SalesforceHarness]:
    harness = SalesforceHarness(tmp_path)
    yield harness
    harness.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., CrmOrg]]:
    made: list[CrmOrg] = []

    def one(**seed: Any) -> CrmOrg:
        made.append(org(tmp_path, **seed))
        return made[-1]

    yield one
    for each in made:
        each.close()


def planted(count: int, prefix: str = "acme/salesforce/to/") -> list[dict[str, object]]:
    return [{"object": OBJECT, "Mapping_Key__c": f"{prefix}C{n}", "Value__c": f"V{n}"} for n in range(count)]


WHOLE = Want(rows={SYSTEM: None})

# ── reading, on the sandbox ────────────────────────────────────────────────────────────────────────────────


def test_a_query_of_many_pages_is_read_whole(make: Callable[..., CrmOrg]) -> None:
    crm = make(rows=planted(25), settings={"page_size": 10})
    rows = crm.target.reader().read(WHOLE).crm[SYSTEM]
    assert {one.key for one in rows.rows} == {f"to/C{n}" for n in range(25)}
    assert (rows.complete, rows.total) == (True, 25)
    assert len(crm.sent("GET", "/query")) == 3


def test_many_keys_are_looked_up_in_few_requests_or_by_the_whole_listing_where_that_is_less(
    make: Callable[..., CrmOrg],
) -> None:
    crm = make(rows=planted(120))
    keys = frozenset(f"to/C{n}" for n in range(110)) | {"to/NOBODY"}
    reader = crm.target.reader()
    rows = reader.read(Want(rows={SYSTEM: keys})).crm[SYSTEM]
    assert {one.key for one in rows.rows} == keys - {"to/NOBODY"}
    assert not rows.complete
    assert len(crm.sent("GET", "/query")) == 3
    reader.read(WHOLE)
    assert reader.read(Want(rows={SYSTEM: keys})).crm[SYSTEM] == rows
    assert len(crm.sent("GET", "/query")) == 5


def test_an_object_shared_with_something_big_is_read_by_prefix(
    make: Callable[..., CrmOrg], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_FOREIGN", 10)
    crm = make(rows=[*planted(5), *planted(5, "acme/salesforceX/to/"), *planted(5, "acme%salesforce/to/")])
    rows = crm.target.reader().read(WHOLE).crm[SYSTEM]
    assert [one.mine for one in rows.rows] == [True] * 5
    assert rows.complete


def test_the_wish_for_no_rows_costs_nothing(make: Callable[..., CrmOrg]) -> None:
    crm = make(rows=planted(3))
    rows = crm.target.reader().read(Want(rows={SYSTEM: frozenset()})).crm[SYSTEM]
    assert (rows.rows, rows.complete, crm.sent()) == ((), False, [])


def test_two_rows_of_one_key_are_an_error_that_says_what_to_do(make: Callable[..., CrmOrg]) -> None:
    twice = [{**one, "Name": f"n{n}"} for n, one in enumerate(planted(1) * 2)]
    with pytest.raises(IncompleteRead, match=r"two rows .* 'acme/salesforce/to/C0'") as caught:
        make(rows=twice).target.reader().read(WHOLE)
    assert "unique" in caught.value.hint


FIELDS: dict[str, dict[str, object]] = {"Mapping_Key__c": {"external_id": True}, "Code__c": {}}


@pytest.mark.parametrize(
    ("objects", "code", "hint"),
    [
        ({"Other__c": FIELDS}, "INVALID_TYPE", "create the custom object"),
        ({OBJECT: FIELDS}, "INVALID_FIELD", "target.fields"),
    ],
)
def test_an_object_or_a_field_that_is_not_there_is_said_with_what_to_do(
    make: Callable[..., CrmOrg], objects: object, code: str, hint: str
) -> None:
    with pytest.raises(Answered) as caught:
        make(settings={"objects": objects}).target.reader().read(WHOLE)
    assert caught.value.answer.code == code
    assert hint in caught.value.hint


def test_a_session_that_ended_is_renewed_once(make: Callable[..., CrmOrg]) -> None:
    crm = make(rows=planted(1))
    crm.target.reader().read(WHOLE)
    crm.fault("expire-token", method="GET", path="/query", nth=1)
    assert len(crm.target.reader().read(WHOLE).crm[SYSTEM].rows) == 1
    assert len(crm.sent("POST", "/services/oauth2/token")) == 2


def test_a_wrong_secret_names_the_connection_and_what_to_check(make: Callable[..., CrmOrg]) -> None:
    other = make().connect(secret="not-the-secret")
    with pytest.raises(Unauthorized, match=r"login of connection acme\.crm") as caught:
        other.reader().read(WHOLE)
    assert "run-as user" in caught.value.hint
    assert "not-the-secret" not in f"{caught.value}{caught.value.hint}"
    other.close()


def used_up(crm: CrmOrg, method: str) -> None:
    crm.fault(
        "status",
        method=method,
        path="/services/data",
        status=403,
        code="REQUEST_LIMIT_EXCEEDED",
        message="TotalRequests",
    )


def test_a_used_up_limit_is_no_missing_right(world: SalesforceHarness) -> None:
    changes = [suite.create(world, row(world, "A"))]
    fresh = suite.read_live(world)
    used_up(world.org, "PATCH")
    (outcome,) = written(world, *changes, fresh=fresh)
    assert (outcome.result, outcome.fatal) == (Result.BUSY, True)
    assert "used up" in outcome.hint
    used_up(world.org, "GET")
    with pytest.raises(RateLimited):
        read(world)


# ── reading, from an org that cannot be trusted ────────────────────────────────────────────────────────────

PAGE: dict[str, Any] = {"totalSize": 2, "done": False, "records": [{"Id": "a1", "SystemModstamp": STAMP}]}
NEXT = "/services/data/v67.0/query/01g-1"


def scripted(*answers: object, sent: list[httpx.Request] | None = None) -> Connected:
    script = [httpx.Response(200, json={"access_token": "t"})]
    script += [one if isinstance(one, httpx.Response) else httpx.Response(200, json=one) for one in answers]

    def answer(request: httpx.Request) -> httpx.Response:
        if sent is not None:
            sent.append(request)
        return script.pop(0)

    return connected(transport=httpx.MockTransport(answer))


def connected(
    endpoint: str = "https://acme.my.salesforce.com",
    credentials: tuple[str, ...] = ("client_id", "client_secret"),
    **more: Any,
) -> Connected:
    secrets = {name: (lambda: "a-secret") for name in credentials}
    connection = Connection("acme.sf", endpoint, "", secrets, Path())
    crm = CrmConnection("salesforce", connection, (Place(SYSTEM, "acme", {"object": OBJECT}),))
    return connect(crm, Clock().runtime, None, jitter=lambda: 0.0, **more)


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/services/data/v67.0/query/01g-1",
        "//evil.example/services/data/v67.0/query/01g-1",
        "/services/data/v67.0/query/../sobjects/User",
        "/services/data/v67.0/sobjects/User",
        "/services/data/v67.0/query/a?q=b",
        "",
        None,
        7,
    ],
)
def test_the_next_page_is_one_of_this_query_or_an_error(following: object) -> None:
    sent: list[httpx.Request] = []
    target = scripted({**PAGE, "nextRecordsUrl": following}, sent=sent)
    with pytest.raises(IncompleteRead, match="no page of this query"):
        target.reader().read(WHOLE)
    assert {request.url.host for request in sent} == {"acme.my.salesforce.com"}
    assert len(sent) == 2


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([{**PAGE, "nextRecordsUrl": NEXT}, {**PAGE, "nextRecordsUrl": NEXT}], "do not end"),
        ([{**PAGE, "records": [], "nextRecordsUrl": NEXT}], "do not end"),
        ([{**PAGE, "done": True}], "1 rows came and Salesforce counts 2"),
        ([{**PAGE, "nextRecordsUrl": NEXT}, {**PAGE, "totalSize": 3, "done": True}], "the total changed"),
        ([{**PAGE, "nextRecordsUrl": NEXT}, {**PAGE, "done": True}], "came twice"),
        ([{"records": []}], "no page"),
        ([{"totalSize": "2", "done": True, "records": []}], "no page"),
        ([{"totalSize": 1, "done": True, "records": [3]}], "no page"),
        ([["x"]], "no page"),
    ],
)
def test_a_query_that_contradicts_itself_is_an_error(answers: list[object], why: str) -> None:
    with pytest.raises(IncompleteRead, match=why):
        scripted(*answers).reader().read(WHOLE)


def test_tokens_go_to_my_domain_hosts_alone() -> None:
    for endpoint in (
        "https://evil.example",
        "https://my.salesforce.com.evil.example",
        "http://acme.my.salesforce.com",
    ):
        with pytest.raises(UsageError):
            connected(endpoint)
    connected("https://acme--uat.sandbox.my.salesforce.com").close()
    connected("http://127.0.0.1:8080").close()


def test_a_missing_credential_is_named() -> None:
    with pytest.raises(UsageError, match="lack client_secret"):
        connected(credentials=("client_id",))


def test_systems_that_could_not_tell_their_rows_apart_are_refused(tmp_path: Path) -> None:
    prefix = {"object": OBJECT, "prefix": "shared/"}
    with pytest.raises(UsageError, match="taken for those of"):
        CrmOrg(tmp_path, connect, "salesforce", {"one": prefix, "two": prefix})


def test_the_login_is_a_form_and_the_token_travels_to_its_host() -> None:
    sent: list[httpx.Request] = []
    scripted({"totalSize": 0, "done": True, "records": []}, sent=sent).reader().read(WHOLE)
    assert sent[0].url.path == "/services/oauth2/token"
    assert b"client_secret=a-secret" in sent[0].content
    assert "authorization" not in sent[0].headers
    assert sent[1].headers["authorization"] == "Bearer t"


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_hundred_rows_are_one_request_and_one_more_is_two(world: SalesforceHarness) -> None:
    changes = [suite.create(world, row(world, f"C{n}")) for n in range(201)]
    assert {outcome.result for outcome in written(world, *changes)} == {Result.DONE}
    assert world.writes_seen() == 2


def test_an_update_sends_the_date_of_the_row_and_what_changed(world: SalesforceHarness) -> None:
    written(world, suite.create(world, row(world, "ONE")))
    live = found(read(world), "to/ONE")
    sent: list[httpx.Request] = []
    target = scripted(httpx.Response(204), sent=sent)
    change = suite.update(world, live, value="Else", tags=("new",))
    (unit,) = suite.units(world, [change])
    (outcome,) = target.writer().write(unit, suite.read_live(world))
    assert outcome.result is Result.DONE
    assert sent[1].headers["if-unmodified-since"] == live.token
    assert json.loads(sent[1].content) == {"Value__c": "Else", "Tags__c": "new"}
    assert sent[1].url.path == f"/services/data/v67.0/sobjects/{OBJECT}/{live.id}"


def test_somebody_who_was_faster_is_reported_as_a_possible_overwrite(world: SalesforceHarness) -> None:
    change, fresh = suite.create(world, row(world, "ONE")), suite.read_live(world)
    faster = {
        "op": "add-row",
        "set": {"object": OBJECT, "Mapping_Key__c": "acme/salesforce/to/ONE", "Value__c": "theirs"},
    }
    world.org.fault("edit", method="PATCH", path="/composite", nth=1, edit=faster)
    (outcome,) = written(world, change, fresh=fresh)
    assert outcome.result is Result.EXISTS
    assert "overwritten" in outcome.message
    assert "value" in outcome.overwritten


def test_a_key_that_differs_in_case_alone_is_not_overwritten(world: SalesforceHarness) -> None:
    written(world, suite.create(world, rule(world, 1, status="Closed")))
    before = world.truth()
    (outcome,) = written(world, suite.create(world, rule(world, 1, status="closed")))
    assert outcome.result is Result.REFUSED
    assert "takes for the same" in outcome.message
    assert world.truth() == before
    by_key = read(world, ["from/status=closed"])
    assert [live.key for live in by_key.rows] == ["from/status=Closed"]


def test_rows_that_cannot_be_sent_do_not_keep_the_others_from_being_sent(world: SalesforceHarness) -> None:
    written(world, suite.create(world, row(world, "B")))
    changes = [suite.create(world, row(world, name)) for name in ("A", "B", "C")]
    outcomes = written(world, *changes)
    assert [outcome.id for outcome in outcomes] == [change.id for change in changes]
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.EXISTS, Result.DONE]


def test_a_row_that_vanished_between_look_and_write_is_stale(world: SalesforceHarness) -> None:
    written(world, suite.create(world, row(world, "ONE")))
    fresh = suite.read_live(world)
    live = found(fresh.crm[SYSTEM], "to/ONE")
    world.org.edit("remove-row", row=live.id)
    for change in (suite.update(world, live, value="x"), suite.deactivate(world, live)):
        (outcome,) = written(world, change, fresh=fresh)
        assert outcome.result is Result.STALE
        assert "not there any more" in outcome.message


def test_an_edit_in_the_second_of_the_read_is_the_one_that_the_lock_cannot_see(
    world: SalesforceHarness,
) -> None:
    """Dates have whole seconds. The engine compares again after the write, which the README says."""
    written(world, suite.create(world, row(world, "ONE")))
    fresh = suite.read_live(world)
    live = found(fresh.crm[SYSTEM], "to/ONE")
    world.org.sandbox.edit(
        world.org.name, {"op": "edit-row", "row": live.id, "set": {"Category__c": "theirs"}}
    )
    (outcome,) = written(world, suite.update(world, live, value="mine"), fresh=fresh)
    assert outcome.result is Result.DONE
    now = found(read(world), "to/ONE")
    assert (now.fields["value"], now.fields["category"]) == ("mine", "theirs")


@pytest.mark.parametrize("answer", [[], {}, [{"id": "x", "success": True, "created": True}] * 3, "x"])
def test_an_upsert_answered_for_another_number_of_rows_leaves_them_open(
    world: SalesforceHarness, answer: object
) -> None:
    changes = [suite.create(world, row(world, name)) for name in ("A", "B")]
    (unit,) = suite.units(world, changes)
    reply = httpx.Response(200, content=json.dumps(answer))
    outcomes = scripted(reply).writer().write(unit, suite.read_live(world))
    assert [outcome.result for outcome in outcomes] == [Result.UNKNOWN] * 2


@pytest.mark.parametrize(
    ("one", "result"),
    [
        ({"success": True, "created": True}, Result.UNKNOWN),
        ({"id": "a", "success": "true"}, Result.REFUSED),
        (7, Result.REFUSED),
    ],
)
def test_a_result_without_what_it_must_have_is_no_success(
    world: SalesforceHarness, one: object, result: Result
) -> None:
    (unit,) = suite.units(world, [suite.create(world, row(world, "A"))])
    (outcome,) = scripted([one]).writer().write(unit, suite.read_live(world))
    assert outcome.result is result


def test_where_no_field_keeps_it_a_row_is_neither_deactivated_nor_found_by_a_cut_key(tmp_path: Path) -> None:
    less = (("active", None), ("status", None), ("when", None))
    crm = CrmOrg(tmp_path, connect, "salesforce", {SYSTEM: {"object": OBJECT, "fields": less}})
    world = SalesforceHarness.__new__(SalesforceHarness)
    world.org = crm
    (done,) = written(world, suite.create(world, row(world, "ONE")))
    assert done.result is Result.DONE
    live = found(read(world), "to/ONE")
    assert Verb.DEACTIVATE_ROW not in suite.can(world).verbs
    unit = Unit("x", "", (suite.deactivate(world, live),))
    (outcome,) = crm.target.writer().write(unit, suite.read_live(world))
    assert (outcome.result, "target.fields.active" in outcome.hint) == (Result.REFUSED, True)
    (outcome,) = written(world, suite.create(world, rule(world, 1, status="x" * 300)))
    assert (outcome.result, "longer than" in outcome.message) == (Result.REFUSED, True)
    crm.close()


def test_a_stop_in_the_middle_loses_no_outcome_of_what_was_sent(world: SalesforceHarness) -> None:
    written(world, suite.create(world, row(world, "ONE")))
    fresh = suite.read_live(world)
    live = found(fresh.crm[SYSTEM], "to/ONE")
    clock = Clock()

    def refused(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": "t"})
        clock.stop.set()
        return httpx.Response(412)

    secrets = {"client_id": lambda: "i", "client_secret": lambda: "a-secret"}
    connection = Connection("acme.sf", "https://acme.my.salesforce.com", "", secrets, Path())
    crm = CrmConnection("salesforce", connection, (Place(SYSTEM, "acme", {"object": OBJECT}),))
    target = connect(crm, clock.runtime, None, transport=httpx.MockTransport(refused), jitter=lambda: 0.0)
    (unit,) = suite.units(world, [suite.update(world, live, value="x")])
    (outcome,) = target.writer().write(unit, fresh)
    assert outcome.result is Result.STALE


def test_another_version_of_the_api_is_asked_for_by_its_option(tmp_path: Path) -> None:
    crm = CrmOrg(
        tmp_path, connect, "salesforce", {SYSTEM: {"object": OBJECT}}, options={"api_version": "v62.0"}
    )
    crm.target.reader().read(WHOLE)
    assert crm.sent("GET", "/services/data/v62.0/query")
    assert isinstance(crm.target.reader().identity().sandbox, bool)
    crm.close()


def test_a_target_error_is_all_that_a_read_raises() -> None:
    for status in (400, 401, 403, 404, 500):
        answers = [httpx.Response(status, json=[{"errorCode": "X", "message": "m"}])] * 4
        logins = [httpx.Response(200, json={"access_token": "t2"})]
        script = [*answers[:1], *logins, *answers[1:]] if status == 401 else answers
        with pytest.raises(TargetError):
            scripted(*script).reader().read(WHOLE)


@pytest.mark.contracts
def test_all_that_is_sent_and_answered_validates_against_the_contract(world: SalesforceHarness) -> None:
    app = checked(world.org.sandbox.wsgi)
    world.org.target.close()
    world.org.target = world.org.connect(app=app)
    world.refuse("Value of C3")
    changes = [suite.create(world, row(world, f"C{n}")) for n in range(5)]
    outcomes = list(written(world, *changes, suite.create(world, rule(world, 1))))
    rows = read(world)
    kept = found(read(world, ["to/C0"]), "to/C0")
    outcomes += written(
        world,
        suite.update(world, kept, value="Else"),
        suite.deactivate(world, found(rows, "to/C1")),
        suite.delete(world, found(rows, "to/C2")),
    )
    fresh = suite.read_live(world)
    world.edit(kept.id, "Somebody")
    outcomes += written(world, suite.update(world, kept, value="Third"), fresh=fresh)
    assert {one.result for one in outcomes} == {Result.DONE, Result.REFUSED, Result.STALE}
    assert sorted(set(app.violations)) == []
