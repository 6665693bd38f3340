"""Scenes of CRM mappings, told through the command line against the sandbox's own CRM systems."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from front_door import APPLYING, Done, Project

CODES = "SALE: {name: Sale, crm: {%s: Won}}\nLOST: {name: Lost, crm: {%s: Missed}}\n"


@dataclass(frozen=True)
class Crm:
    """One kind of CRM: what its mapping says, how somebody edits a row there, how a conditional write is refused."""

    kind: str
    target: str
    lock: str
    edit: Callable[[str], dict[str, Any]]
    """Words → the members that somebody in the UI sets on the row of SALE."""
    field: str
    """The normalised field which that edit changes."""
    refusal: int = 0
    """Status by which the server itself refuses a stale write; 0 where wrapctl compares."""
    write: str = ""
    """Path of that write, as a pattern."""
    foreign: Mapping[str, Any] | None = None

    @property
    def inside(self) -> bool:
        """Whether the platform keeps the rows."""
        return self.kind == "genesys-datatable"

    @property
    def instance(self) -> str:
        return "acme" if self.inside else "acme.crm"


KINDS = (
    Crm(
        "salesforce",
        "{type: salesforce, connection: crm, object: Wrap_Up_Mapping__c}",
        "conditional",
        lambda words: {"Value__c": words},
        "value",
        412,
        "/sobjects/",
        {"object": "Wrap_Up_Mapping__c", "Mapping_Key__c": "by-hand", "Value__c": "Theirs"},
    ),
    Crm(
        "dataverse",
        "{type: dataverse, connection: crm}",
        "conditional",
        lambda _: {"statecode": 1, "statuscode": 2},
        "active",
        412,
        "/msdyn_ocdispositioncodes",
        {"msdyn_name": "Theirs", "msdyn_dispositioncodevalue": "Theirs"},
    ),
    Crm(
        "servicenow",
        "{type: servicenow, connection: crm}",
        "compare",
        lambda words: {"description": f"{words} [wrapctl:acme/servicenow]"},
        "description",
        foreign={"code": "Theirs", "description": "made by hand"},
    ),
    Crm(
        "http",
        "{type: http, connection: crm, path: /crm/rows, etag: true}",
        "conditional",
        lambda words: {"crmDisposition": words},
        "value",
        412,
        "/rows/",
        {"key": "by-hand", "crmDisposition": "Theirs"},
    ),
    Crm(
        "genesys-datatable",
        "{type: genesys-datatable, table: Mappings}",
        "compare",
        lambda words: {"value": words},
        "value",
    ),
)
by_kind = pytest.mark.parametrize("crm", KINDS, ids=lambda one: one.kind)
CONDITIONAL = tuple(one for one in KINDS if one.refusal)


def world(project: Project, crm: Crm, *, codes: str = "", mapping: str = "", org: str = "") -> None:
    """Two live codes on one queue, and their mapping into one CRM, which is empty but for one row of somebody else."""
    connections = "" if crm.inside else "connections:\n  crm: {endpoint: sandbox}\n"
    project.org(
        text=APPLYING + connections + org,
        codes=codes or CODES % (crm.kind, crm.kind),
        queues="q: {name: Q, codes: [SALE, LOST]}",
    )
    project.write(
        "acme/crm/crm.yaml",
        f"kind: CrmMapping\nsystem: {crm.kind}\ntarget: {crm.target}\n" + (mapping or "on_remove: delete\n"),
    )
    project.seed(
        {
            "name": "acme",
            "codes": [{"name": "Sale"}, {"name": "Lost"}],
            "queues": [{"name": "Q", "codes": ["Sale", "Lost"]}],
        }
    )
    if not crm.inside:
        project.seed({"name": "acme.crm", "platform": crm.kind, "rows": [crm.foreign] if crm.foreign else []})


def rows(project: Project, crm: Crm) -> str:
    """Everything that the CRM holds."""
    state = project.state(crm.instance)
    found = state["rows"] if not crm.inside else state["datatables"]
    return json.dumps(found, sort_keys=True)


def by_hand(project: Project, crm: Crm, words: str) -> dict[str, Any]:
    """What somebody in the UI does to the row of SALE."""
    if crm.inside:
        return {
            "op": "set_row",
            "table": "Mappings",
            "key": _own(project, crm),
            "set": crm.edit(words),
        }
    return {"op": "edit-row", "row": _own(project, crm), "set": crm.edit(words)}


def _own(project: Project, crm: Crm) -> str:
    """The CRM's own name of the row of SALE."""
    if crm.inside:
        return f"{crm.kind}:to:SALE"
    for row_id, row in project.state(crm.instance)["rows"].items():
        if "Won" in row.values():
            return str(row_id)
    raise LookupError("no row of SALE")


def change(project: Project, crm: Crm) -> None:
    """The files want something else of SALE's row."""
    if crm.kind == "dataverse":
        # A value list of Dataverse keeps a value and whether it is offered: what can change is the value.
        mapping = "to_crm: {SALE: {value: Won big, previously: [Won]}}\n"
        world_codes = CODES.replace(", crm: {%s: Won}", "") % crm.kind
    elif crm.kind == "servicenow":
        mapping = "to_crm: {SALE: {value: Won, description: told anew}}\n"
        world_codes = CODES.replace(", crm: {%s: Won}", "") % crm.kind
    else:
        mapping = ""
        world_codes = CODES.replace("Won", "Won big") % (crm.kind, crm.kind)
    project.org(text=_org(project), codes=world_codes, queues="q: {name: Q, codes: [SALE, LOST]}")
    project.write(
        "acme/crm/crm.yaml",
        f"kind: CrmMapping\nsystem: {crm.kind}\ntarget: {crm.target}\non_remove: delete\n{mapping}",
    )


def _org(project: Project) -> str:
    return (project.root / "wrapups/acme/org.yaml").read_text("utf-8")


def applied(project: Project) -> Done:
    done = project.run("apply", "acme", "--yes")
    assert done.code == 0, done.said
    return done


@by_kind
def test_rows_are_planned_applied_and_in_sync(project: Project, crm: Crm) -> None:
    world(project, crm)
    planned = project.run("plan", "acme", "--exit-code")
    assert planned.code == 3
    assert f"CRM rows of {crm.kind}" in planned.out
    before = rows(project, crm)
    applied(project)
    assert rows(project, crm) != before
    after = project.run("plan", "acme", "--exit-code")
    assert after.code == 0, after.said
    assert "No changes. acme is in sync." in after.out


@by_kind
def test_the_plan_names_the_lock_and_a_row_edited_meanwhile_is_stale_with_three_values(
    project: Project, crm: Crm
) -> None:
    world(project, crm)
    applied(project)
    change(project, crm)
    file = project.root / "p.json"
    planned = project.run("plan", "acme", "--out", str(file))
    assert f"Lock {crm.lock} on rows of {crm.kind}" in planned.said
    project.edit(by_hand(project, crm, "by hand"), crm.instance)
    before = rows(project, crm)
    done = project.run("apply", "--plan", str(file), "--yes")
    assert done.code == 4, done.said
    assert "stale, nothing was written" in done.out
    assert f"{crm.field}: planned from" in done.said
    assert "live now" in done.said
    assert "wanted" in done.said
    assert rows(project, crm) == before


@pytest.mark.parametrize("crm", CONDITIONAL, ids=lambda one: one.kind)
def test_an_edit_in_the_very_last_moment_is_refused_by_the_server_itself(project: Project, crm: Crm) -> None:
    world(project, crm)
    if crm.kind == "salesforce":
        # Its clock has seconds: a row has to be older than that for the server to see that it was edited.
        own = {"Mapping_Key__c": "acme/salesforce/to/SALE", "Code__c": "SALE", "Value__c": "Won"}
        row = {"object": "Wrap_Up_Mapping__c", "Direction__c": "to_crm", "Active__c": True, **own}
        project.seed({"name": "acme.crm", "platform": "salesforce", "rows": [row]})
    else:
        applied(project)
    change(project, crm)
    edit = by_hand(project, crm, "by hand")
    method = "PUT" if crm.kind == "http" else "PATCH"
    path = rf"{crm.write}.*{edit['row']}" if crm.kind == "salesforce" else crm.write
    project.fault("edit", org=crm.instance, method=method, path=path, nth=1, edit=edit)
    done = project.run("apply", "acme", "--yes")
    assert done.code in {4, 5}, done.said
    assert "Stale: neither as planned nor as wanted (1)" in done.out, done.out
    assert "412" in done.said
    assert "planned from" in done.said
    assert "Won big" not in rows(project, crm)


@by_kind
def test_rows_of_others_survive_everything_prune_included(project: Project, crm: Crm) -> None:
    world(project, crm, org="limits: {crm_deletes: {max: 9}}\n")
    if crm.inside:
        applied(project)
        project.edit({"op": "set_row", "table": "Mappings", "key": "by-hand", "set": {"value": "Theirs"}})
        project.edit(
            {"op": "set_row", "table": "Mappings", "key": f"{crm.kind}:to:GONE", "set": {"value": "x"}}
        )
    pruning = _org(project).replace("{mode: apply}", "{mode: apply, unmanaged: prune, divisions: ['*']}")
    project.write("acme/org.yaml", pruning)
    applied(project)
    project.org(text=_org(project), codes=CODES.replace(", crm: {%s: Missed}", "") % crm.kind)
    done = applied(project)
    assert "Missed" not in rows(project, crm), done.said
    assert "Theirs" in rows(project, crm)
    assert project.run("plan", "acme", "--exit-code").code == 0


@pytest.mark.parametrize("crm", KINDS[:4], ids=lambda one: one.kind)
def test_a_crm_that_is_down_holds_its_own_rows_and_nothing_of_the_platform(
    project: Project, crm: Crm
) -> None:
    world(project, crm)
    codes = "SALE: {name: Sale, description: new, crm: {%s: Won}}\nLOST: {name: Lost, state: absent}\n"
    project.org(text=_org(project), codes=codes % crm.kind, queues="q: {name: Q, codes: [SALE]}")
    project.fault("status", org=crm.instance, status=503)
    planned = project.run("plan", "acme")
    assert planned.code == 0
    assert f"Not read: {crm.kind}" in planned.said
    assert "CRM rows" not in planned.out
    assert 'delete "Lost" (LOST)' in planned.said.partition("Blocked")[2]
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5, done.said
    assert crm.kind in done.said
    descriptions = [one.get("description") for one in project.state()["codes"].values()]
    assert "new" in descriptions
    assert project.names() == ["Lost", "Sale"]
    with project.sandbox as box:
        box.clear_faults()
    applied(project)
    assert project.names() == ["Sale"]
    assert project.run("plan", "acme", "--exit-code").code == 0


SIXTY = (CODES + "".join(f"C{n:02}: {{name: Code {n}, crm: {{KIND: v{n}}}}}\n" for n in range(58))).replace(
    "%s", "KIND"
)


@pytest.mark.parametrize("kind", ["salesforce", "servicenow"])
def test_of_sixty_rows_two_are_refused_and_the_next_run_does_the_two(project: Project, kind: str) -> None:
    crm = next(one for one in KINDS if one.kind == kind)
    world(project, crm, codes=SIXTY.replace("KIND", kind), org="limits: {creates: {max: 99}}\n")
    with project.sandbox as box:
        box.set("acme.crm", refused={"v7": "no such stage", "v31": "not on this page layout"})
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5, done.said
    assert "Failed (2)" in done.out
    assert "58 rows created in" in done.out
    with project.sandbox as box:
        box.set("acme.crm", refused={})
    again = applied(project)
    assert "2 rows created in" in again.out
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_a_delete_waits_for_the_rows_that_name_the_code(project: Project) -> None:
    crm = KINDS[0]
    world(project, crm)
    applied(project)
    codes = "SALE: {name: Sale, crm: {salesforce: Won}}\nLOST: {name: Lost, state: absent}\n"
    project.org(text=_org(project), codes=codes, queues="q: {name: Q, codes: [SALE]}")
    project.fault("status", org="acme.crm", method="DELETE", path="/sobjects/", status=400, times=1)
    done = project.run("apply", "acme", "--yes")
    assert done.code == 5, done.said
    assert "needs delete row" in done.said
    assert project.names() == ["Lost", "Sale"]
    applied(project)
    assert project.names() == ["Sale"]


def test_a_row_names_the_code_by_the_id_that_the_same_run_gave_it(project: Project) -> None:
    crm = KINDS[4]
    world(
        project,
        crm,
        codes=CODES % (crm.kind, crm.kind) + "NEW: {name: New, crm: {genesys-datatable: Fresh}}\n",
    )
    applied(project)
    ids = {one["name"]: one["id"] for one in project.state()["codes"].values()}
    assert ids["New"] in rows(project, crm)
    renamed = CODES % (crm.kind, crm.kind) + (
        "NEW: {name: Newer, previously: [New], crm: {genesys-datatable: Fresh}}\n"
    )
    project.org(text=_org(project), codes=renamed, queues="q: {name: Q, codes: [SALE, LOST]}")
    before = rows(project, crm)
    applied(project)
    assert rows(project, crm) == before


def test_an_endpoint_without_a_read_back_is_sent_with_its_code_and_never_compared(project: Project) -> None:
    crm = Crm(
        "http",
        "{type: http, connection: crm, path: /crm/rows, send_only: true, method: POST}",
        "",
        lambda _: {},
        "",
    )
    codes = CODES % (crm.kind, crm.kind) + "NEW: {name: New, crm: {http: Fresh}}\n"
    world(project, crm, codes=codes)
    planned = project.run("plan", "acme")
    assert "sent, not compared" in planned.said
    applied(project)
    held = rows(project, crm)
    assert "Fresh" in held
    assert "Won" not in held
    assert project.run("plan", "acme", "--exit-code").code == 0


def test_secrets_of_a_connection_are_printed_nowhere(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = KINDS[0]
    monkeypatch.setenv("SF_SECRET", "tall-dark-secret")
    monkeypatch.setenv("SF_ID", "sandbox-acme.crm")
    world(project, crm)
    text = _org(project).replace(
        "crm: {endpoint: sandbox}",
        "crm:\n    endpoint: sandbox\n    credentials: {client_id: {env: SF_ID}, client_secret: {env: SF_SECRET}}",
    )
    project.write("acme/org.yaml", text)
    done = project.run("plan", "acme", "-v")
    assert "Not read: salesforce" in done.said
    assert "tall-dark-secret" not in done.said
    journal = Path(project.root / ".wrapctl")
    assert not any(b"tall-dark-secret" in file.read_bytes() for file in journal.rglob("*") if file.is_file())
