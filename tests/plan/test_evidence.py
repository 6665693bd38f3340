"""What is known of codes beside a plan: shown, weighed by the guard, and in no digest of a change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from world import ROOMY, code, desired, live, live_code, live_queue, plan, queue
from wrapctl.model import Verb
from wrapctl.plan import file, guard
from wrapctl.plan.evidence import About, PlanEvidence, Recent
from wrapctl.plan.guard import weigh
from wrapctl.plan.plan import Plan
from wrapctl.policy import Allowance, Limits
from wrapctl.targets.interface import Dependant, Dependants, Use

FLOW = Dependant("flow", "f-1", "Inbound Sales", "INBOUNDCALLFLOW, version 4.0")
SCRIPT = Dependant("script", "s-1", "Desk")
UNKNOWN = Dependants(complete=False, why="the index is being rebuilt (206)")


def deleting() -> Plan:
    want = desired([code("OLD", "Old", absent=True), code("OLDER", "Older", absent=True)])
    have = live([live_code("c-old", "Old"), live_code("c-older", "Older")])
    return plan(want, have)


def knowing(**about: About) -> PlanEvidence:
    return PlanEvidence(codes={one.replace("_", "-"): told for one, told in about.items()})


def weighed(
    made: Plan,
    evidence: PlanEvidence | None = None,
    contacts: dict[str, int] | None = None,
    *,
    most: int | None = None,
    rule: str = "refuse",
    allow: str = "",
) -> Plan:
    limits: Limits = replace(ROOMY, recent_uses=most, dependants=rule)
    recent = Recent(30, contacts, "" if contacts is not None else "this client may not ask")
    tokens = (Allowance(allow, "by hand"),) if allow else ()
    return weigh(made, evidence or PlanEvidence(), recent, limits, allowances=tokens)


def test_a_delete_that_is_used_is_refused_with_its_figure_and_the_way_past() -> None:
    refused = weighed(deleting(), contacts={"c-old": 1204, "c-older": 0}, most=0)
    (finding,) = refused.refusals
    assert finding.message == (
        'still chosen in the last 30 days: "Old" for 1,204 contacts (`limits.deletes.max_recent_uses` is 0)'
    )
    assert finding.names == ("Old",)
    assert not weighed(
        deleting(), contacts={"c-old": 1204, "c-older": 0}, most=0, allow=finding.token
    ).refusals


def test_a_token_stays_as_the_figures_move_and_goes_with_the_set() -> None:
    first, later, more = (
        weighed(deleting(), contacts=contacts, most=0).refusals[0].token
        for contacts in ({"c-old": 1}, {"c-old": 2}, {"c-old": 2, "c-older": 1})
    )
    assert first == later
    assert first != more
    kept = weighed(deleting(), contacts={"c-old": 2, "c-older": 1}, most=0, allow=first)
    assert kept.refusals
    assert "acknowledges nothing" in kept.warnings[0].message


def test_as_many_uses_as_the_limit_says_are_allowed() -> None:
    assert not weighed(deleting(), contacts={"c-old": 5}, most=5).refusals
    assert not weighed(deleting(), contacts={"c-old": 5}).refusals


def test_a_limit_that_cannot_be_evaluated_refuses_with_a_token() -> None:
    (finding,) = weighed(deleting(), most=0).refusals
    assert "is not known: this client may not ask" in finding.message
    assert finding.token.startswith("uses=2@")
    assert not weighed(deleting(), most=0, allow=finding.token).refusals


def test_a_limit_asks_nothing_of_a_plan_that_deletes_nothing() -> None:
    want, have = desired([code("NEW")]), live()
    assert not weighed(plan(want, have), most=0).refusals


def test_a_delete_that_a_flow_names_is_refused_and_the_flow_is_named() -> None:
    about = About(dependants=Dependants((FLOW, SCRIPT)))
    (finding,) = weighed(deleting(), knowing(c_old=about)).refusals
    assert finding.message == (
        'still named elsewhere: "Old" by the flow "Inbound Sales" (INBOUNDCALLFLOW, version 4.0), '
        'the script "Desk" (`limits.deletes.dependants`)'
    )
    assert not weighed(deleting(), knowing(c_old=about), allow=finding.token).refusals
    assert not weighed(deleting(), knowing(c_old=about), rule="report").findings


def test_what_was_acknowledged_of_one_flow_is_not_of_another() -> None:
    one = weighed(deleting(), knowing(c_old=About(dependants=Dependants((FLOW,)))))
    two = weighed(deleting(), knowing(c_old=About(dependants=Dependants((FLOW, SCRIPT)))))
    renamed = replace(FLOW, name="Other", detail="version 5.0")
    same = weighed(deleting(), knowing(c_old=About(dependants=Dependants((renamed,)))))
    assert one.refusals[0].token == same.refusals[0].token
    assert one.refusals[0].token != two.refusals[0].token


def test_what_is_not_known_is_shown_and_refuses_only_where_the_org_wants_that() -> None:
    evidence = knowing(c_old=About(dependants=UNKNOWN), c_older=About(dependants=Dependants()))
    assert not weighed(deleting(), evidence).refusals
    (finding,) = weighed(deleting(), evidence, rule="refuse-unknown").refusals
    assert 'whether anything else names "Old" is not known: the index is being rebuilt' in finding.message
    assert not weighed(deleting(), evidence, rule="refuse-unknown", allow=finding.token).refusals


def test_nobody_asked_is_not_known_either() -> None:
    (finding,) = weighed(deleting(), rule="refuse-unknown").refusals
    assert "nobody asked" in finding.message


def test_a_rename_that_a_flow_names_is_no_refusal() -> None:
    want = desired([code("A", "New", previously=("Old",))])
    made = plan(want, live([live_code("c-old", "Old")]))
    assert [change.renames for change in made.pending] == [True]
    assert not weighed(made, knowing(c_old=About(dependants=Dependants((FLOW,))))).refusals


def everything() -> PlanEvidence:
    return PlanEvidence(
        days=30,
        until="2026-03-10T00:00:00+00:00",
        codes={
            "c-old": About((Use("c-old", "q-1", 1204, 10, 5, 3),), Dependants((FLOW,)), (SCRIPT,)),
            "c-older": About(None, UNKNOWN),
        },
        queues={"q-1": "Sales"},
    )


def test_figures_are_in_no_digest() -> None:
    made = deleting()
    quiet = weighed(made, everything(), rule="report")
    bare = weighed(made, rule="report")
    assert quiet.evidence != bare.evidence
    assert [one.digest for one in quiet.changes] == [one.digest for one in bare.changes]
    assert quiet.digest == bare.digest
    few, many = (weighed(made, contacts={"c-old": number}, most=0) for number in (1, 1204))
    assert few.digest == many.digest


def test_a_saved_plan_keeps_what_stands_beside_it_and_findings_cannot_be_cut_out() -> None:
    made = weighed(deleting(), everything(), {"c-old": 7}, most=0)
    assert file.loads(file.dumps(made)) == made
    assert [one.limit for one in made.findings] == ["uses", "dependants"]
    assert replace(made, findings=()).digest != made.digest


def test_a_plan_that_was_saved_before_there_was_evidence_can_be_read() -> None:
    text = file.dumps(deleting())
    lines = [one for one in text.splitlines() if not one.startswith(' "evidence"')]
    assert len(lines) == len(text.splitlines()) - 1
    assert file.loads("\n".join(lines)).evidence == PlanEvidence()


@pytest.mark.parametrize("rule", ["refuse", "refuse-unknown"])
def test_what_is_blocked_is_not_weighed(rule: str) -> None:
    want = desired([code("OLD", "Old", absent=True)], [queue("mine", ["OLD2"]), queue("mine2")])
    want = replace(want, codes=(*want.codes, code("OLD2")))
    have = live(
        [live_code("c-old", "Old"), live_code("c-2", "OLD2")],
        [live_queue("q", "elsewhere"), live_queue("q2", "mine")],
        {"q": ["c-old"], "q2": ["c-2"]},
    )
    made = plan(want, have)
    assert not [change for change in made.pending if change.verb is Verb.DELETE_CODE]
    assert not weighed(made, knowing(c_old=About(dependants=Dependants((FLOW,)))), rule=rule).findings


def test_of_what_is_left_to_write_only_its_own_findings_count() -> None:
    made = weighed(deleting(), contacts={"c-old": 7}, most=0)
    old, older = sorted(made.pending, key=lambda change: change.label)
    assert guard.weighed(made.findings, [old]) == list(made.findings)
    assert guard.weighed(made.findings, [older]) == []
