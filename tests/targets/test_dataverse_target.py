"""Dataverse on the sandbox: pages, conditions, whose rows, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_contract import checked
from value_list_orgs import Environment, Instance, create, deactivate, delete, update
from wrapctl.errors import IncompleteRead, Unauthorized, UsageError
from wrapctl.model import Live
from wrapctl.plan.units import Unit
from wrapctl.rows import Place
from wrapctl.targets.interface import Outcome, Result, Target, Want

ROWS = "/api/data/v9.2/msdyn_ocdispositioncodes"
ODD = (
    "O'Brien",
    'say "hi"',
    "a,b^c",
    "50 % & more",
    "🎉 Gewonnen",
    "Trait\u00e9",
    "Traite\u0301",
    "No",
    "1",
    " x ",
)


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Environment]:
    made = Environment(tmp_path)
    yield made
    made.close()


def results(outcomes: tuple[Outcome, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


# ── the way there ──────────────────────────────────────────────────────────────────────────────────────────


class Recorder(httpx.BaseTransport):
    """Answers everything as an environment without rows would, and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": "t-o-k-e-n", "expires_in": 3599})
        return httpx.Response(200, json={"value": []})


def test_the_login_is_at_microsofts_host_and_the_token_at_the_environment_alone(env: Environment) -> None:
    recorder = Recorder()
    target = env.connect(transport=recorder, endpoint="https://acme.crm4.dynamics.com", tenant="t-1")
    target.reader().read(Want(rows={"crm": None}))
    login, listing = recorder.sent
    assert str(login.url) == "https://login.microsoftonline.com/t-1/oauth2/v2.0/token"
    assert "scope=https%3A%2F%2Facme.crm4.dynamics.com%2F.default" in login.content.decode()
    assert (listing.url.host, listing.headers["authorization"]) == (
        "acme.crm4.dynamics.com",
        "Bearer t-o-k-e-n",
    )
    assert listing.headers["prefer"] == "odata.maxpagesize=1000"


def test_a_national_cloud_logs_in_at_its_own_host(env: Environment) -> None:
    recorder = Recorder()
    login = "https://login.microsoftonline.us"
    target = env.connect(
        transport=recorder, endpoint="https://acme.crm.microsoftdynamics.us", tenant="t", login=login
    )
    target.reader().read(Want(rows={"crm": None}))
    assert recorder.sent[0].url.host == "login.microsoftonline.us"


@pytest.mark.parametrize(
    ("endpoint", "options", "words"),
    [
        ("https://dynamics.com.evil.example", {"tenant": "t"}, "credentials never go to"),
        ("https://acme.crm4.dynamics.com", {}, "tenant"),
        ("http://acme.crm4.dynamics.com", {"tenant": "t"}, "plain http"),
        ("https://acme.crm4.dynamics.com", {"tenant": "a b"}, "not a tenant"),
        ("https://acme.crm4.dynamics.com", {"tenant": "t", "login": "https://evil.example"}, "login host"),
    ],
)
def test_a_connection_that_makes_no_sense_sends_nothing(
    env: Environment, endpoint: str, options: dict[str, Any], words: str
) -> None:
    recorder = Recorder()
    with pytest.raises(UsageError, match=words):
        env.connect(transport=recorder, endpoint=endpoint, **options)
    assert recorder.sent == []


def test_a_missing_credential_is_named(env: Environment) -> None:
    with pytest.raises(UsageError, match="credentials lack client_secret"):
        env.connect(credentials={"client_id": "x"})


def test_a_wrong_secret_says_what_to_check_and_never_the_secret(env: Environment) -> None:
    target = env.connect(
        credentials={"client_id": f"sandbox-{env.name}", "client_secret": "wrong-s3cret"}, tenant="t"
    )
    with pytest.raises(Unauthorized, match="AADSTS7000215") as caught:
        target.reader().read(Want(rows={"crm": None}))
    assert "secret has not expired" in caught.value.hint
    assert "wrong-s3cret" not in f"{caught.value} {caught.value.hint}"


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_are_followed_to_the_last_row(tmp_path: Path) -> None:
    env = Environment(
        tmp_path,
        rows=[{"msdyn_name": f"R{n}", "msdyn_dispositioncodevalue": f"R{n}"} for n in range(95)],
        settings={"page_size": 10},
    )
    rows = env.read()
    assert (len(rows.rows), rows.complete, rows.total) == (95, True, 95)
    assert len(env.sent("GET", ROWS)) == 10
    env.close()


def test_two_systems_on_one_connection_cost_one_listing(env: Environment) -> None:
    target = env.connect(places=(env.place("crm"), env.place("other")))
    env.make("Won")
    before = len(env.sent("GET", ROWS))
    live = target.reader().read(Want(rows={"crm": None, "other": None}))
    assert len(env.sent("GET", ROWS)) == before + 1
    assert [row.mine for row in live.crm["crm"].rows] == [True]
    assert [row.mine for row in live.crm["other"].rows] == [False]


def test_a_place_is_there_without_asking_for_rows(env: Environment) -> None:
    live = env.target.reader().read(Want(rows={"crm": frozenset()}))
    assert (live.crm["crm"].rows, live.crm["crm"].complete) == ((), False)
    assert env.sent() == []


Page = Callable[[httpx.Request, int], dict[str, Any]]


def reading(env: Environment, page: Page) -> Live:
    """Read from an environment whose pages are made by ``page`` from request and number."""
    count = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal count
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3599})
        count += 1
        assert count < 50
        return httpx.Response(200, json=page(request, count))

    target: Target = env.connect(
        transport=httpx.MockTransport(answer), endpoint="https://acme.crm4.dynamics.com", tenant="t"
    )
    return target.reader().read(Want(rows={"crm": None}))


def a_row(number: int) -> dict[str, Any]:
    found = {"msdyn_ocdispositioncodeid": f"00000000-0000-0000-0000-{number:012}", "@odata.etag": 'W/"1"'}
    return {**found, "msdyn_name": f"R{number}", "msdyn_dispositioncodevalue": f"R{number}", "statecode": 0}


@pytest.mark.parametrize(
    "link",
    [
        f"https://evil.example{ROWS}?$skiptoken=1",
        f"http://acme.crm4.dynamics.com{ROWS}?$skiptoken=1",
        f"https://acme.crm4.dynamics.com:8443{ROWS}?$skiptoken=1",
        "https://acme.crm4.dynamics.com/api/data/v9.2/systemusers?$skiptoken=1",
        f"https://u:p@acme.crm4.dynamics.com{ROWS}?$skiptoken=1",
        f"//evil.example{ROWS}?$skiptoken=1",
        f"{ROWS}?$skiptoken=1",
        f"https://acme.crm4.dynamics.com{ROWS}",
        "https://[broken",
        17,
    ],
)
def test_a_next_page_is_never_looked_for_elsewhere(env: Environment, link: object) -> None:
    asked: list[str] = []

    def page(request: httpx.Request, number: int) -> dict[str, Any]:
        asked.append(str(request.url))
        return {"value": [a_row(number)], "@odata.nextLink": link}

    with pytest.raises(IncompleteRead, match="next page"):
        reading(env, page)
    assert len(asked) == 1


def test_a_cookie_of_the_server_goes_back_as_it_came(env: Environment) -> None:
    cookie = "%3Ccookie%20pagenumber=%222%22%3E+&#x;"
    seen: list[str] = []

    def page(request: httpx.Request, number: int) -> dict[str, Any]:
        seen.append(request.url.params.get("$skiptoken", ""))
        url = httpx.URL(f"https://acme.crm4.dynamics.com{ROWS}", params={"$skiptoken": cookie})
        more = {"@odata.nextLink": str(url)} if number == 1 else {}
        return {"value": [a_row(number)], **more}

    assert len(reading(env, page).crm["crm"].rows) == 2
    assert seen == ["", cookie]


def test_pages_in_a_ring_end_the_read(env: Environment) -> None:
    link = f"https://acme.crm4.dynamics.com{ROWS}?$skiptoken=1"
    with pytest.raises(IncompleteRead, match="lead back"):
        reading(env, lambda _, number: {"value": [a_row(number)], "@odata.nextLink": link})


def test_a_listing_that_moves_is_read_again_and_then_given_up(env: Environment) -> None:
    def page(_: httpx.Request, number: int) -> dict[str, Any]:
        link = f"https://acme.crm4.dynamics.com{ROWS}?$skiptoken={number}"
        return {"value": [a_row(1)], **({"@odata.nextLink": link} if number % 2 else {})}

    with pytest.raises(IncompleteRead, match=r"1 rows came twice, 3 times in a row"):
        reading(env, page)


@pytest.mark.parametrize("broken", [{"value": {}}, {"value": [1]}, {}, {"value": [{"msdyn_name": "x"}]}])
def test_what_is_no_page_of_rows_is_an_error_and_never_an_empty_list(
    env: Environment, broken: dict[str, Any]
) -> None:
    with pytest.raises(IncompleteRead):
        reading(env, lambda *_: broken)


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_life_of_a_row_and_every_write_under_a_condition(env: Environment) -> None:
    (made,) = env.write(create("Won"))
    row = env.row("Won")
    assert (made.result, made.live_id) == (Result.DONE, row.id)
    assert made.request_id
    assert results(env.write(update(row, value="Closed"))) == [Result.DONE]
    assert env.live[row.id]["msdyn_name"] == env.live[row.id]["msdyn_dispositioncodevalue"] == "Closed"
    assert results(env.write(deactivate(env.row("Closed")))) == [Result.DONE]
    assert (env.live[row.id]["statecode"], env.live[row.id]["statuscode"]) == (1, 2)
    assert results(env.write(update(env.row("Closed"), active=True))) == [Result.DONE]
    assert (env.live[row.id]["statecode"], env.live[row.id]["statuscode"]) == (0, 1)
    assert results(env.write(delete(env.row("Closed")))) == [Result.DONE]
    assert env.live == {}


def test_conditions_are_the_etag_of_the_fresh_read_and_never_a_star(env: Environment) -> None:
    seen: list[tuple[str, str, str]] = []

    def app(environ: dict[str, Any], start: Any) -> Any:
        if environ["REQUEST_METHOD"] in {"PATCH", "DELETE"}:
            conditions = (environ.get("HTTP_IF_MATCH", ""), environ.get("HTTP_IF_NONE_MATCH", ""))
            seen.append((environ["REQUEST_METHOD"], *conditions))
        return env.sandbox.wsgi(environ, start)

    env.target.close()
    env.target = env.connect(app=app)
    env.make("Won")
    row = env.row("Won")
    env.write(update(row, value="Closed"))
    after = env.row("Closed")
    env.write(delete(after))
    assert seen == [("PATCH", "", "*"), ("PATCH", row.token, ""), ("DELETE", after.token, "")]


def test_odd_values_live_side_by_side(env: Environment) -> None:
    env.make(*ODD)
    assert sorted(str(row.fields["value"]) for row in env.read().rows if row.mine) == sorted(ODD)


@pytest.mark.parametrize("what", [update, deactivate, delete])
def test_a_row_that_somebody_edited_since_the_read_is_stale_and_shown_as_it_is_now(
    env: Environment, what: Callable[..., Any]
) -> None:
    env.make("Won")
    row, fresh = env.row("Won"), env.read_live()
    env.edit(row.id, msdyn_name="Somebody's", msdyn_dispositioncodevalue="Somebody's")
    change = update(row, active=False) if what is update else what(row)
    (outcome,) = env.write(change, fresh=fresh)
    assert (outcome.result, outcome.answer and outcome.answer.status) == (Result.STALE, 412)
    assert outcome.now is not None
    assert (outcome.now["value"], outcome.now["active"]) == ("Somebody's", True)
    assert "RowVersion" in outcome.message
    assert env.live[row.id]["msdyn_name"] == "Somebody's"


def test_a_row_that_is_gone_is_done_for_a_delete_and_stale_for_the_rest(env: Environment) -> None:
    env.make("Won", "Lost")
    won, lost, fresh = env.row("Won"), env.row("Lost"), env.read_live()
    env.remove(won.id)
    env.remove(lost.id)
    outcomes = env.write(update(won, active=False), delete(lost), fresh=fresh)
    assert results(outcomes) == [Result.STALE, Result.DONE]
    assert "already gone" in outcomes[1].message


def test_foreign_and_managed_rows_are_never_written_whatever_the_plan_says(env: Environment) -> None:
    env.make("Mine")
    env.add(msdyn_name="Theirs", msdyn_dispositioncodevalue="Theirs")
    env.edit(env.row("Mine").id, ismanaged=True)
    theirs, managed = env.row("Theirs", mine=False), env.row("Mine", mine=False)
    before, writes = env.state, len(env.writes())
    outcomes = env.write(
        update(theirs, value="x"),
        deactivate(theirs),
        delete(theirs),
        update(managed, value="y"),
        delete(managed),
    )
    assert set(results(outcomes)) == {Result.REFUSED}
    assert (env.state, len(env.writes())) == (before, writes)


def test_a_row_of_another_org_or_system_is_foreign(env: Environment) -> None:
    env.make("Won")
    for place in (env.place("crm2"), env.place(owner="other")):
        target = env.connect(places=(place,))
        live = target.reader().read(Want(rows={place.system: None}))
        assert [row.mine for row in live.crm[place.system].rows] == [False]


def test_two_creates_of_one_value_at_once_make_one_row(env: Environment) -> None:
    fresh = env.read_live()
    first = env.write(create("Won"), fresh=fresh)
    again = env.write(create("Won"), fresh=fresh, target=env.connect())
    assert results((*first, *again)) == [Result.DONE, Result.EXISTS]
    assert len(env.live) == 1


def test_two_mappings_that_want_one_value_make_it_once(env: Environment) -> None:
    target = env.connect(places=(env.place("crm"), env.place("other")))
    fresh = target.reader().read(Want(rows={"crm": None, "other": None}))
    writer = target.writer()
    one, two = create("Won"), create("Won")
    two.system = "other"
    outcomes = (*writer.write(Unit("x", "", (one,)), fresh), *writer.write(Unit("x", "", (two,)), fresh))
    assert results(outcomes) == [Result.DONE, Result.EXISTS]
    assert len(env.live) == 1


def test_a_value_that_was_renamed_away_can_be_made_again(env: Environment) -> None:
    env.make("Won")
    env.write(update(env.row("Won"), value="Closed"))
    env.make("Won")
    assert sorted(str(row.fields["value"]) for row in env.read().rows if row.mine) == ["Closed", "Won"]


def test_without_optimistic_concurrency_no_lock_is_pretended(env: Environment) -> None:
    env.make("Won")
    env.set(optimistic_concurrency=False)
    before = env.state
    (outcome,) = env.write(update(env.row("Won"), value="Closed"))
    assert (outcome.result, outcome.fatal, env.state) == (Result.REFUSED, True, before)
    assert "optimistic concurrency off" in outcome.message
    assert "IsOptimisticConcurrencyEnabled" in outcome.hint


def test_whether_the_table_locks_is_asked_once(env: Environment) -> None:
    env.make("A", "B", "C")
    env.write(*(update(env.row(value), active=False) for value in "ABC"))
    assert len(env.sent(path="EntityDefinitions")) == 1


def test_a_table_definition_that_cannot_be_read_leaves_everything_as_it_is(env: Environment) -> None:
    env.make("Won")
    env.fault("status", method="GET", path="EntityDefinitions", status=403, message="no metadata for you")
    before = env.state
    (outcome,) = env.write(update(env.row("Won"), value="Closed"))
    assert (outcome.result, env.state) == (Result.BUSY, before)
    assert "no metadata for you" in outcome.message
    assert "table definitions" in outcome.hint


def test_a_limit_of_the_service_is_waited_out(env: Environment) -> None:
    env.fault("status", method="PATCH", path=ROWS, status=429, retry_after=7, times=1)
    assert results(env.write(create("Won"))) == [Result.DONE]
    assert env.clock.waits == [7.0]


def test_a_limit_that_asks_for_too_much_ends_the_writing_there(env: Environment) -> None:
    env.fault("status", method="PATCH", path=ROWS, status=429, retry_after=400)
    (outcome,) = env.write(create("Won"))
    assert (outcome.result, outcome.fatal) == (Result.BUSY, True)


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_leaves_open_what_happened(env: Environment, status: int) -> None:
    env.fault("status", method="PATCH", path=ROWS, status=status, after=True)
    (outcome,) = env.write(create("Won"))
    assert (outcome.result, len(env.live), len(env.writes())) == (Result.UNKNOWN, 1, 1)


def test_rows_that_the_environment_refuses_fail_in_its_words(env: Environment) -> None:
    env.set(refused={"Never": "no such luck"})
    outcomes = env.write(create("Won"), create("Never"), create("Lost"))
    assert results(outcomes) == [Result.DONE, Result.REFUSED, Result.DONE]
    answer = outcomes[1].answer
    assert answer is not None
    assert (answer.status, "no such luck" in answer.message, bool(answer.request_id)) == (400, True, True)


def test_a_client_without_the_privilege_stops_at_its_first_write(env: Environment) -> None:
    env.make("Won")
    target = env.connect(f"sandbox-{env.name}-readonly")
    (outcome,) = env.write(create("Lost"), target=target)
    assert (outcome.result, outcome.fatal) == (Result.REFUSED, True)
    assert "prvCreatemsdyn_ocdispositioncode" in outcome.hint


@pytest.mark.parametrize(
    ("description", "words"),
    [("x" * 101, "holds 100 characters"), ("two\nlines", "one line"), ("Won", "the value itself")],
)
def test_a_name_that_the_row_cannot_have_is_refused_unsent(
    tmp_path: Path, description: str, words: str
) -> None:
    env = Environment(tmp_path, options={"name": "description"})
    (outcome,) = env.write(create("Won", description=description))
    assert (outcome.result, env.writes()) == (Result.REFUSED, [])
    assert words in outcome.message
    env.close()


def test_rows_can_apply_to_all_workstreams(tmp_path: Path) -> None:
    env = Environment(tmp_path, options={"all_workstreams": "true"})
    env.make("Won")
    assert [row["msdyn_appliestoallworkstreams"] for row in env.live.values()] == [True]
    env.close()


def test_all_that_is_sent_and_answered_validates_against_the_contract(env: Environment) -> None:
    app = checked(env.sandbox.wsgi)
    env.target.close()
    env.target = env.connect(app=app)
    env.set(page_size=3)
    env.make(*ODD)
    row, fresh = env.row("No"), env.read_live()
    env.edit(row.id, msdyn_name="Somebody's")
    outcomes = (
        *env.write(update(row, value="Yes"), fresh=fresh),
        *env.write(update(env.row("No"), value="Yes"), deactivate(env.row("1")), delete(env.row("O'Brien"))),
        *env.write(delete(row), fresh=fresh),
    )
    assert results(outcomes) == [Result.STALE, Result.DONE, Result.DONE, Result.DONE, Result.STALE]
    assert sorted(set(app.violations)) == []
    assert {(method, path.rpartition("/")[2]) for _, method, path in app.seen} >= {
        ("GET", "msdyn_ocdispositioncodes"),
        ("GET", "msdyn_ocdispositioncodes({id})"),
        ("PATCH", "msdyn_ocdispositioncodes({id})"),
        ("DELETE", "msdyn_ocdispositioncodes({id})"),
        ("GET", "EntityDefinitions(LogicalName='msdyn_ocdispositioncode')"),
    }


def test_an_instance_names_itself_by_its_address(env: Instance) -> None:
    assert env.target.reader().identity().sandbox
    target = env.connect(transport=Recorder(), endpoint="https://acme.crm4.dynamics.com", tenant="t")
    identity = target.reader().identity()
    assert (identity.id, identity.sandbox) == ("acme.crm4.dynamics.com", False)


def test_a_place_of_another_connection_is_refused(env: Environment) -> None:
    change = create("Won")
    change.system = "elsewhere"
    assert results(env.write(change)) == [Result.REFUSED]


def test_the_place_of_a_mapping_is_named_when_its_options_make_no_sense(env: Environment) -> None:
    with pytest.raises(UsageError, match="CRM system crm"):
        env.connect(places=(Place("crm", "acme", {"name": "nonsense"}),))
