"""Whose a change is: entries of a trail beside the journal of small runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from world import TODAY, code, desired, live, live_code
from wrapctl.apply.journal import Journal, Kind
from wrapctl.evidence.history import By, History, Known, join
from wrapctl.evidence.journalled import Journalled, Run, pull_request, read
from wrapctl.model import Scope
from wrapctl.plan.view import look
from wrapctl.render.history import COLUMNS, as_csv, as_jsonl, as_text
from wrapctl.targets.genesys.capabilities import CAPABILITIES
from wrapctl.targets.interface import AuditEntry

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SINCE, UNTIL = START - timedelta(days=1), START + timedelta(days=7)
EVERYTHING = frozenset({"code", "queue", "outbound", "row", "table"})
OURS = "our-client"


class Ledger:
    """A journal that a test writes, a second for each record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = START

    def _tick(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def run(self, name: str, *changes: Mapping[str, Any], commit: str = "", **head: Any) -> None:
        journal = Journal(self._folder, name, self._tick)
        journal.start(actor="ada", commit=commit, **head)
        for one in changes:
            announced = {key: one.get(key) for key in ("verb", "address", "id", "parent", "before", "after")}
            journal.record(Kind.INTENT, changes=[announced])
            if one.get("result") is not None:
                journal.record(
                    Kind.OUTCOME,
                    verb=one["verb"],
                    address=one["address"],
                    result=one["result"],
                    id=one.get("made"),
                    request_id=one.get("request", ""),
                )
            if "verdict" in one:
                journal.record(
                    Kind.VERDICT, verb=one["verb"], address=one["address"], status=one["verdict"], id=None
                )
        journal.record(Kind.END)
        journal.close()

    @property
    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self._folder.glob("*.jsonl")}

    @property
    def journalled(self) -> Journalled:
        return read(self.files)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def update(**more: Any) -> dict[str, Any]:
    """An update of the description of SALE, written and answered."""
    return {
        "verb": "update code",
        "address": "acme/code/SALE",
        "id": "c1",
        "before": {"name": "Sale", "description": "old"},
        "after": {"name": "Sale", "description": "new"},
        "result": "done",
        "request": "r1",
        **more,
    }


def entry(**more: Any) -> AuditEntry:
    """What a trail tells of that update."""
    everything: dict[str, Any] = {
        "at": "2026-03-02T08:00:02.500Z",
        "actor_id": OURS,
        "actor_kind": "client",
        "action": "update",
        "kind": "code",
        "id": "c1",
        "name": "Sale",
        "changes": (("description", ("old",), ("new",)),),
        "request_id": "r1",
        **more,
    }
    return AuditEntry(**everything)


BY_ADA = {"actor_id": "ada-7", "actor_kind": "user"}


def known() -> Known:
    made = desired(
        [code("SALE", "Sale", category="sales", tags=("cat:sales", "revenue")), code("LOST", "Lost")]
    )
    held = live([live_code("c1", "Sale"), live_code("c2", "Lost")])
    return Known.of(made, look(made, held, CAPABILITIES, scope=Scope(), as_of=TODAY))


def joined(ledger: Ledger | None, *entries: AuditEntry, **more: Any) -> History:
    given: dict[str, Any] = {"keeps": EVERYTHING, "own_client": OURS, **more}
    journalled = ledger.journalled if ledger is not None else Journalled()
    return join(entries, journalled, known(), since=SINCE, until=UNTIL, org="acme", **given)


def whose(history: History) -> list[By]:
    return [one.by for one in history.records]


# ── by wrapctl ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_that_the_journal_knows_is_wrapctls_with_run_commit_and_codes(ledger: Ledger) -> None:
    ledger.run("r", update(), commit="a" * 40, pull_requests=[12])
    (one,) = joined(ledger, entry()).records
    assert (one.by, one.source, one.verb, one.address) == (
        By.WRAPCTL,
        "platform",
        "update code",
        "acme/code/SALE",
    )
    assert one.run == Run("r", "ada", "a" * 40, (12,))
    assert (one.codes, one.categories, one.tags) == (("SALE",), ("sales",), ("cat:sales", "revenue"))


def test_the_same_object_at_the_same_time_by_another_request_is_not_wrapctls(ledger: Ledger) -> None:
    ledger.run("r", update())
    assert whose(joined(ledger, entry(), entry(request_id="r2", **BY_ADA))) == [By.HAND, By.WRAPCTL]


def test_a_person_is_never_wrapctl_where_it_logs_in_as_a_client(ledger: Ledger) -> None:
    ledger.run("r", update())
    found = joined(ledger, entry(**BY_ADA))
    assert By.HAND in whose(found)
    assert found.by(By.HAND)[0].actor_id == "ada-7"


def test_one_request_that_carries_many_changes_is_told_once(ledger: Ledger) -> None:
    put = {"verb": "assign", "parent": "q1", "result": "done", "request": "r9", "before": {}}
    ledger.run(
        "r",
        {**put, "address": "acme/queue/q/code/SALE", "id": "c1", "after": {"code": "c1"}},
        {**put, "address": "acme/queue/q/code/LOST", "id": "c2", "after": {"code": "c2"}},
    )
    told = entry(
        kind="assignment", id="q1", name="Q", request_id="r9", changes=(("codes", (), ("Sale", "Lost")),)
    )
    (one,) = joined(ledger, told).records
    assert (one.by, one.codes, one.source) == (By.WRAPCTL, ("SALE", "LOST"), "platform")


def test_what_a_platform_does_along_with_a_request_is_wrapctls_and_says_so(ledger: Ledger) -> None:
    made = update(verb="create code", id=None, made="c1", before={})
    ledger.run("r", made)
    aside = entry(kind="outbound", changes=(("outbound", (), ("X",)),))
    (first, second) = joined(ledger, entry(action="create"), aside).records
    assert (first.by, second.by) == (By.WRAPCTL, By.WRAPCTL)
    assert second.note == "what the platform did along with: create code acme/code/SALE"


@pytest.mark.parametrize("seconds", [-90, 0, 1, 90])
def test_without_a_request_id_object_time_and_what_was_changed_decide(ledger: Ledger, seconds: int) -> None:
    ledger.run("r", update())
    at = START + timedelta(seconds=2 + seconds)
    told = entry(at=f"{at:%Y-%m-%dT%H:%M:%SZ}", request_id="", actor_id="7", actor_kind="user")
    assert whose(joined(ledger, told, own_client="")) == [By.WRAPCTL]


@pytest.mark.parametrize(
    "other",
    [
        {"at": "2026-03-02T09:00:00Z"},
        {"id": "c2"},
        {"changes": (("description", ("new",), ("theirs",)),)},
        {"changes": (("name", ("Sale",), ("Sold",)),)},
        {"action": "create"},
        {"at": "some day"},
    ],
)
def test_without_a_request_id_what_differs_is_by_hand(ledger: Ledger, other: dict[str, Any]) -> None:
    ledger.run("r", update())
    told = entry(**{"request_id": "", **BY_ADA, **other})
    assert By.HAND in whose(joined(ledger, told, own_client=""))


def test_a_write_whose_answer_was_lost_is_found_by_time(ledger: Ledger) -> None:
    ledger.run("r", update(result="unknown", request=""))
    assert whose(joined(ledger, entry(request_id="r77"))) == [By.WRAPCTL]


def test_a_write_of_a_killed_run_is_found_by_time(ledger: Ledger) -> None:
    ledger.run("r", update(result=None))
    assert whose(joined(ledger, entry(request_id="r77"))) == [By.WRAPCTL]


def test_two_entries_of_one_field_are_not_both_the_one_write(ledger: Ledger) -> None:
    ledger.run("r", update())
    first = entry(request_id="", actor_kind="user", actor_id="7")
    again = entry(request_id="", actor_kind="user", actor_id="8", at="2026-03-02T08:01:00Z")
    found = joined(ledger, first, again, own_client="")
    assert [(one.by, one.actor_id) for one in found.records] == [(By.WRAPCTL, "7"), (By.HAND, "8")]


@pytest.mark.parametrize("result", ["refused", "busy", "stale", "not sent"])
def test_what_was_not_written_explains_nothing(ledger: Ledger, result: str) -> None:
    ledger.run("r", update(result=result))
    assert whose(joined(ledger, entry(request_id="", **BY_ADA), own_client="")) == [By.HAND]


def test_a_write_that_did_not_take_is_not_told(ledger: Ledger) -> None:
    ledger.run("r", update(verdict="manual"))
    assert joined(ledger).records == ()


# ── not by wrapctl ─────────────────────────────────────────────────────────────────────────────────────────


def test_each_actor_is_told_for_what_it_is() -> None:
    entries = [
        entry(**BY_ADA),
        entry(actor_id="other-client"),
        entry(actor_id=OURS),
        entry(actor_id="", actor_kind="unknown"),
    ]
    assert set(whose(joined(None, *entries))) == {By.HAND, By.OTHER, By.CLIENT, By.UNKNOWN}


def test_the_client_of_another_job_is_wrapctls_when_the_journal_knows_one_of_its_requests(
    ledger: Ledger,
) -> None:
    ledger.run("r", update())
    other = entry(request_id="r2", actor_id="ci-client", changes=(("name", ("Sale",), ("X",)),))
    found = joined(ledger, entry(actor_id="ci-client"), other)
    assert sorted(whose(found)) == sorted([By.CLIENT, By.WRAPCTL])
    assert "no record of it is in this journal" in found.by(By.CLIENT)[0].note


def test_a_code_that_was_renamed_by_hand_is_still_known_by_its_id_or_former_name() -> None:
    gone = entry(id="c9", name="Sold", changes=(("name", ("Sale",), ("Sold",)),), **BY_ADA)
    assert joined(None, gone).records[0].codes == ("SALE",)


def test_changes_of_queues_that_files_cannot_say_are_counted_and_left_out() -> None:
    moved = entry(kind="queue", id="q1", changes=(("skillEvaluationMethod", ("A",), ("B",)),))
    renamed = entry(kind="queue", id="q1", changes=(("name", ("A",), ("B",)),))
    gone = entry(kind="queue", id="q1", action="delete", changes=(("x", ("A",), ()),))
    found = joined(None, moved, renamed, gone)
    assert (len(found.records), found.left_out) == (2, 1)


def test_rows_of_tables_that_no_mapping_uses_are_left_out() -> None:
    mine = entry(kind="row", id="t1/sf:to:SALE", parent="t1", changes=(), **BY_ADA)
    other = entry(kind="row", id="t2/x", parent="t2", changes=())
    found = joined(None, mine, other, tables=frozenset({"t1"}))
    assert [(one.object_id, one.codes) for one in found.records] == [("t1/sf:to:SALE", ("SALE",))]
    assert len(joined(None, mine, other, tables=None).records) == 2


# ── told by the journal alone ──────────────────────────────────────────────────────────────────────────────


def test_what_the_platform_keeps_no_trail_of_is_told_by_the_journal_alone(ledger: Ledger) -> None:
    ledger.run(
        "r",
        update(),
        update(
            verb="unassign", address="acme/queue/q/code/SALE", parent="q1", before={"code": "c1"}, after={}
        ),
        update(verb="create row", address="acme/crm/sf/to%2FSALE", id="x", before={}, after={"code": "SALE"}),
    )
    found = joined(ledger, entry(request_id=""), keeps=frozenset({"code"}))
    alone = [(one.kind, one.codes, one.note) for one in found.records if one.source == "journal"]
    assert sorted(alone) == [
        (
            "assignment",
            ("SALE",),
            "the platform keeps no trail of queues: neither of their assignments nor of after-call work",
        ),
        ("row", ("SALE",), "no trail of sf is read"),
    ]
    assert found.untold == (
        "the platform keeps no trail of queues: neither of their assignments nor of after-call work",
    )


def test_what_the_trail_does_not_tell_although_it_could_is_told(ledger: Ledger) -> None:
    ledger.run("r", update(), update(result="unknown", address="acme/code/LOST", id="c2"))
    notes = [one.note for one in joined(ledger).records]
    assert notes == [
        "the platform's trail does not tell of it, or not yet",
        "sent without an answer, and the platform's trail does not tell of it",
    ]


def test_runs_outside_the_time_are_not_told(ledger: Ledger) -> None:
    ledger.run("r", update())
    late = {"since": START + timedelta(hours=1), "until": UNTIL, "keeps": EVERYTHING}
    assert join((), ledger.journalled, known(), **late).records == ()  # type: ignore[arg-type]  # real arguments


def test_a_broken_record_is_told_and_nothing_behind_it_is_believed(ledger: Ledger) -> None:
    ledger.run("r", update())
    ((name, text),) = ledger.files.items()
    lines = text.splitlines(keepends=True)
    lines[2] = lines[2].replace(b"done", b"dome")
    journalled = read({name: b"".join(lines)})
    assert [str(one) for one in journalled.findings] == [
        "r.jsonl:3: the record is not as it was written",
    ]
    assert [one.result for one in journalled.written] == ["unknown"]


# ── pull requests ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "pulls"),
    [
        ("Merge pull request #12 from acme/promo\n\nSummer", (12,)),
        ("Add the summer promotion (#7)\n\n* (#8)", (7,)),
        ("Add the summer promotion", ()),
        ("See (#7) for more", ()),
        ("Fix #9", ()),
        ("Merge pull request #0", ()),
    ],
)
def test_the_message_of_a_merged_commit_names_its_pull_request(message: str, pulls: tuple[int, ...]) -> None:
    assert pull_request(message) == pulls


def test_a_pull_request_is_put_to_each_change_of_its_commit(ledger: Ledger) -> None:
    ledger.run("r", update(), commit="abcdef0+")
    found = ledger.journalled.with_pulls({"abcdef0": (3,)})
    assert [one.run.pulls for one in found.written] == [(3,)]
    assert Run("x", commit="; rm -rf /").sha == ""


# ── for machines and people ────────────────────────────────────────────────────────────────────────────────


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_csv_and_json_lines_have_the_same_columns_in_one_order(ledger: Ledger) -> None:
    ledger.run("r", update(), commit="a" * 40, pull_requests=[12])
    found = joined(ledger, entry())
    (row,) = rows(as_csv(found, found.records))
    data = json.loads(as_jsonl(found, found.records))
    assert tuple(row) == tuple(data) == COLUMNS
    assert (row["tags"], data["tags"]) == ("cat:sales;revenue", ["cat:sales", "revenue"])
    assert (row["pull_requests"], data["pull_requests"]) == ("12", [12])
    assert row["run_actor"] == ""


@given(name=st.text(min_size=1, max_size=12))
def test_no_cell_is_a_formula_and_no_line_moves_a_cursor(name: str) -> None:
    found = joined(None, entry(name=name, actor_id=name, actor_kind="user", id=name))
    text = as_csv(found, found.records)
    (row,) = rows(text)
    for cell in row.values():
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert text.count("\n") == 2
    assert all(char.isprintable() or char == "\n" for char in text)
    assert as_jsonl(found, found.records).isascii()
    assert json.loads(as_jsonl(found, found.records))["object_name"] == name


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\uff1d1", "'quoted"])
def test_what_a_spreadsheet_would_calculate_gets_one_apostrophe_in_front(name: str) -> None:
    found = joined(None, entry(name=name, **BY_ADA))
    assert rows(as_csv(found, found.records))[0]["object_name"] == f"'{name}"


def test_people_read_first_what_was_done_by_hand_and_then_each_run(ledger: Ledger) -> None:
    ledger.run("r", update(), commit="a" * 40, pull_requests=[12])
    found = joined(
        ledger, entry(), entry(request_id="x", at="2026-03-03T10:00:00Z", name="E\x1b[2J", **BY_ADA)
    )
    told = as_text(found)
    assert "2 changes: 1 by wrapctl, 1 by hand" in told
    assert told.index("By hand (1)") < told.index(
        "By wrapctl, run r, commit aaaaaaaaaaaa, pull request #12 (1)"
    )
    assert '! 2026-03-03T10:00:00Z user ada-7: update code "E\\x1b[2J" (SALE)' in told
    assert "\x1b" not in told
    assert "By wrapctl" not in as_text(found, hand_only=True)
    assert "no changes" in as_text(joined(None))


def test_each_other_actor_has_a_heading_of_its_own() -> None:
    entries = [
        entry(actor_id="other"),
        entry(actor_id=OURS),
        entry(actor_id="", actor_kind="unknown"),
        entry(actor_id="", actor_kind="unknown", actor_name="Bob", changes=()),
    ]
    told = as_text(joined(None, *entries))
    for words in (
        "By another client (1)",
        "By wrapctl's client, and not in this journal (1)",
        "By nobody that the platform names (2)",
        "client other:",
        "somebody:",
        'somebody without an id "Bob":',
    ):
        assert words in told
