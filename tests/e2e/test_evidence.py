"""Usage and dependencies through the command line: what is seen before a code goes, and the way past a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from front_door import ORG, Project
from wrapctl.render.schemas import plan_schema, usage_schema

LIMITED = ORG + "manage: {mode: apply}\nlimits:\n  deletes: {max_recent_uses: 0}\n"
CODES = """\
    SALE: {name: Sale, category: sales, tags: [revenue]}
    OLD: {name: Old Promo, state: absent, unassign_everywhere: true}
"""
QUEUES = "sales: {name: Sales, codes: [SALE]}\n"
SEED: dict[str, Any] = {
    "name": "acme",
    "codes": [{"name": "Sale"}, {"name": "Old Promo"}],
    "queues": [{"name": "Sales", "codes": ["Sale", "Old Promo"]}],
    "conversations": [
        {"queue": "Sales", "code": "Old Promo", "count": 1000, "days_ago": 2},
        {"queue": "Sales", "code": "Old Promo", "count": 204, "days_ago": 29},
        {"queue": "Sales", "code": "Old Promo", "count": 9999, "days_ago": 31},
        {"queue": "Sales", "code": "ININ-WRAP-UP-TIMEOUT", "count": 96},
    ],
    "flows": [{"name": "Inbound Sales", "codes": ["Old Promo"], "versions": ["4.0"]}],
}


@pytest.fixture
def acme(project: Project) -> Project:
    project.org(text=LIMITED, codes=CODES, queues=QUEUES)
    project.write("wrapctl.yaml", "kind: Project\ncategories:\n  sales: {tags: ['cat:sales']}\n")
    project.seed(SEED)
    return project


def tokens(project: Project) -> list[str]:
    return [one["token"] for one in project.run("plan", "acme", "--format", "json").data["findings"]]


def test_a_delete_of_a_code_with_1204_uses_that_a_flow_names_is_refused_with_both_facts_and_the_way_past(
    acme: Project,
) -> None:
    done = acme.run("plan", "acme")
    assert done.code == 4
    assert 'still chosen in the last 30 days: "Old Promo" for 1,204 contacts' in done.said
    assert 'still named elsewhere: "Old Promo" by the flow "Inbound Sales"' in done.said
    uses, flow = tokens(acme)
    assert f"--allow {uses}" in done.said
    assert f"--allow {flow}" in done.said

    refused = acme.run("apply", "acme", "--yes")
    assert refused.code == 4
    assert acme.names() == ["Old Promo", "Sale"]

    assert acme.run("plan", "acme", "--allow", uses).code == 4
    assert acme.run("apply", "acme", "--yes", "--allow", uses, "--allow", flow).code == 0
    assert acme.names() == ["Sale"]


def test_a_reason_in_allow_yaml_acknowledges_both_and_is_spent_afterwards(acme: Project) -> None:
    lines = "".join(f"  - {{token: {one}, reason: replaced by the new promo}}\n" for one in tokens(acme))
    acme.write("acme/allow.yaml", f"kind: Allow\nallow:\n{lines}")
    done = acme.run("plan", "acme")
    assert done.code == 0
    assert done.said.count("replaced by the new promo") == 2
    assert acme.run("apply", "acme", "--yes").code == 0
    assert acme.run("plan", "acme").said.count("acknowledges nothing in this plan") == 2


def test_a_saved_plan_is_refused_as_the_plan_was(acme: Project) -> None:
    plan = acme.root / "plan.json"
    assert acme.run("plan", "acme", "--out", str(plan)).code == 4
    assert acme.run("apply", "--plan", str(plan), "--yes").code == 4
    given = [part for one in tokens(acme) for part in ("--allow", one)]
    assert acme.run("apply", "--plan", str(plan), "--yes", *given).code == 0


def test_a_206_shows_as_unknown_and_refuses_only_where_the_org_wants_that(acme: Project) -> None:
    with acme.sandbox as box:
        box.set("acme", dependency_index="OPERATIONALNEEDSREBUILD")
    done = acme.run("plan", "acme", "--allow", tokens(acme)[0])
    assert done.code == 0
    assert "whether anything names it on the platform is not known" in done.said
    assert "(206)" in done.said
    acme.write("acme/org.yaml", ORG + "limits:\n  deletes: {dependants: refuse-unknown}\n")
    strict = acme.run("plan", "acme")
    assert strict.code == 4
    assert 'whether anything else names "Old Promo" is not known' in strict.said


def test_without_the_permissions_figures_are_unavailable_and_the_limit_refuses(acme: Project) -> None:
    needed = ["routing:wrapupCode:view", "routing:queue:view", "outbound:wrapUpCodeMapping:view"]
    acme.seed(SEED | {"clients": [{"client_id": "sandbox-acme", "permissions": needed}]})
    done = acme.run("plan", "acme", "--usage")
    assert done.code == 4
    assert "analytics:conversationAggregate:view" in done.said
    assert "architect:dependencyTracking:view" in done.said
    (token,) = tokens(acme)
    assert acme.run("plan", "acme", "--usage", "--allow", token).code == 0
    usage = acme.run("usage", "acme")
    assert usage.code == 1
    assert "analytics:conversationAggregate:view" in usage.said


def test_usage_stands_beside_deletes_takeoffs_and_renames_in_every_format(acme: Project) -> None:
    acme.org(
        text=ORG,
        codes=CODES.replace("SALE: {name: Sale,", "SALE: {name: Sold, previously: [Sale],"),
        queues=QUEUES,
    )
    text = acme.run("plan", "acme", "--usage")
    assert (
        "used for 1,204 contacts in 30 days (handled in 4:00, 0:30 of after-call work on average)"
        in text.said
    )
    assert '"Old Promo" (OLD): 1,204 contacts here in 30 days' in text.said
    assert "not used in 30 days" in text.said  # what is renamed
    longer = acme.run("plan", "acme", "--usage", "--days", "40")
    assert "11,203 contacts in 40 days" in longer.said
    assert "1,204 contacts" in acme.run("plan", "acme", "--usage", "--format", "markdown").out
    data = acme.run("plan", "acme", "--usage", "--format", "json").data["evidence"]
    old = next(one for one in data["codes"].values() if one["uses"])
    assert sum(use["conversations"] for use in old["uses"]) == 1204
    assert [one["name"] for one in old["dependants"]["known"]] == ["Inbound Sales"]
    assert list(data["queues"].values()) == ["Sales"]


def test_digests_are_the_same_with_figures_and_without(acme: Project) -> None:
    without = acme.run("plan", "acme", "--format", "json").data
    with_usage = acme.run("plan", "acme", "--format", "json", "--usage", "--days", "90").data
    assert with_usage["evidence"]["days"] == 90
    assert without["digest"] == with_usage["digest"]
    assert without["config_digest"] == with_usage["config_digest"]
    assert [one["digest"] for one in without["changes"]] == [one["digest"] for one in with_usage["changes"]]
    acme.edit({"op": "add_conversations", "queue": "Sales", "code": "Old Promo", "count": 5})
    assert acme.run("plan", "acme", "--format", "json").data["digest"] == without["digest"]


def test_a_plan_that_takes_nothing_away_asks_for_no_evidence(acme: Project) -> None:
    acme.org(text=LIMITED, codes="SALE: {name: Sale}\n", queues="sales: {name: Sales}\n")
    with acme.sandbox as box:
        box.clear_requests()
    assert acme.run("plan", "acme", "--usage").code == 0
    with acme.sandbox as box:
        paths = [one.path for one in box.requests("acme")]
    assert not [one for one in paths if "analytics" in one or "dependencytracking" in one]


def test_usage_is_told_as_text_bars_csv_and_json(acme: Project) -> None:
    text = acme.run("usage", "acme")
    assert text.code == 0
    assert "1,300 contacts on 1 queue" in text.said
    assert '"Sales": 7% of 1,300 contacts (96)' in text.said
    assert 'Never used (1) "Sale" (SALE)' in text.said
    assert "█" in acme.run("usage", "acme", "--chart").out
    csv = acme.run("usage", "acme", "--format", "csv", "--queue", "sales").out.splitlines()
    assert csv[0].startswith("org,since,until,queue_id,queue,")
    assert any(",Sale,SALE,sales,cat:sales;revenue,0," in one for one in csv)
    data = acme.run("usage", "acme", "--format", "json").data
    assert [(one["code"]["name"], one["contacts"]) for one in data["rows"]] == [
        ("Old Promo", 1204),
        ("ININ-WRAP-UP-TIMEOUT", 96),
    ]
    jsonschema = pytest.importorskip("jsonschema", reason="validators come with the contracts extra")
    jsonschema.validate(data, usage_schema())
    jsonschema.validate(acme.run("plan", "acme", "--usage", "--format", "json").data, plan_schema())


def test_a_queue_that_is_not_there_and_an_empty_limit_are_errors(acme: Project) -> None:
    done = acme.run("usage", "acme", "--queue", "Salez")
    assert (done.code, "Sales" in done.said) == (2, True)
    assert acme.run("usage", "acme", "--chart", "--format", "csv").code == 2
    assert acme.run("plan", "acme", "--days", "3").code == 2
    acme.write("acme/org.yaml", ORG + "limits: {deletes: {}}\n")
    assert acme.run("validate", "acme").code == 2
    acme.write("acme/org.yaml", ORG + "limits: {deletes: {recent_days: 0}}\n")
    assert acme.run("validate", "acme").code == 2


def test_counts_of_deletes_keep_their_defaults_where_only_usage_is_limited(acme: Project) -> None:
    codes = [{"name": f"C{number}"} for number in range(30)]
    acme.seed({"name": "acme", "codes": codes})
    absent = "".join(f"C{number}: {{name: C{number}, state: absent}}\n" for number in range(11))
    acme.org(text=LIMITED, codes=absent, queues="sales: {name: Sales}\n")
    done = acme.run("plan", "acme", "--format", "json")
    assert [one["limit"] for one in done.data["findings"]] == ["deletes"]


def test_cxone_says_that_it_tells_neither(project: Project) -> None:
    project.write(
        "acme/org.yaml",
        "kind: Org\nplatform: cxone\nendpoint: sandbox\nlimits:\n  deletes: {max_recent_uses: 0}\n",
    )
    project.write(
        "acme/codes.yaml",
        "kind: WrapUpCodes\ncodes:\n  OLD: {name: Old, state: absent, cxone: {classification: Other}}\n",
    )
    project.seed(
        {"name": "acme", "platform": "cxone", "dispositions": [{"name": "Old", "classification": "Other"}]}
    )
    usage = project.run("usage", "acme")
    assert usage.code == 1
    assert "does not tell how often codes are used" in usage.said
    plan = project.run("plan", "acme", "--usage")
    assert plan.code == 4
    assert 'whether "Old" is still used is not known' in plan.said
    assert "does not tell what else names" in plan.said
    finding = json.loads(project.run("plan", "acme", "--format", "json").out)["findings"][0]
    assert project.run("plan", "acme", "--allow", finding["token"]).code == 0
