"""CRM connections: the same rules as for the org itself, and how the files say to reach them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from project_files import ORG, acme, load, loaded, problems
from wrapctl.config.secrets import SANDBOX_SECRET
from wrapctl.config.vendor import crm_vendor
from wrapctl.errors import ConfigError
from wrapctl.rows import Place
from wrapctl.targets import registry
from wrapctl.targets.interface import CrmConnection

REAL = (
    "kind: Org\nplatform: genesys\norganization_id: 3c0f\nregion: eu-west-1\n"
    "credentials: {client_id: {env: A}, client_secret: {env: B}}\n"
)
SECRETS = "credentials: {client_id: {env: A}, client_secret: {env: B}}"
URL = "endpoint: https://acme.crm.dynamics.com, tenant: acme.onmicrosoft.com"
CODES = "kind: WrapUpCodes\ncodes: {SALE: {name: Sale}}\n"


def crm(
    kind: str = "dataverse", connection: str = ", connection: dv", system: str = "sf", more: str = ""
) -> str:
    return (
        f"kind: CrmMapping\nsystem: {system}\ntarget: {{type: {kind}{connection}}}\n"
        f"unmapped_codes: ignore\nto_crm: {{SALE: won}}\n{more}"
    )


def said(root: Path) -> list[str]:
    """Warnings and errors alike."""
    found = problems(root)
    if found:
        return found
    return [str(one).removeprefix("wrapups/acme/") for one in loaded(root).warnings]


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ("{}", "6:15: error: `endpoint` is missing"),
        ("{endpoint: sandbx}", "6:30: error: the endpoint is neither `sandbox` nor a URL (write https://host, or `sandbox`)"),
        (f"{{endpoint: http://acme.crm.dynamics.com, {SECRETS}}}", "6:30: error: plain http to another machine (use https; http is for 127.0.0.1 and localhost only)"),
        (f"{{endpoint: https://me:hunter2@acme.crm.dynamics.com, {SECRETS}}}", "6:30: error: credentials inside the endpoint's URL (write them as references under `credentials`)"),
        (f"{{endpoint: https://acme.crm.dynamics.com/?x, {SECRETS}}}", "6:30: error: the endpoint carries a query or a fragment (write scheme, host and port only)"),
        (f"{{endpoint: https://dynamics.com.evil.example, tenant: t, {SECRETS}}}", "6:30: error: no host of Microsoft Dataverse (credentials go to *.dynamics.com and *.microsoftdynamics.us and *.appsplatform.us and *.dynamics.cn only)"),
        (f"{{{URL}}}", "6:15: error: credentials lack client_id and client_secret (write client_id: {env: ACME_DV_CLIENT_ID})"),
        (f"{{{URL}, credentials: {{client_id: {{env: A}}}}}}", "6:91: error: credentials lack client_secret (write client_secret: {env: ACME_DV_CLIENT_SECRET})"),
        (f"{{{URL}, credentials: {{client_id: {{env: A}}, client_secret: hunter2-hunter2}}}}", "6:141: error: `client_secret`: a literal secret in a file (write {env: VARIABLE} or {file: path}; if it was real, replace it at the platform: it is in the history)"),
        (f"{{{URL}, credentials: {{client_id: {{env: A}}, client_secret: {{env: B}}, user: {{env: C}}}}}}", "6:151: error: Microsoft Dataverse has no credential `user` (known: client_id, client_secret)"),
        (f"{{endpoint: https://acme.crm.dynamics.com, {SECRETS}}}", "6:15: error: `dv` lacks tenant (Microsoft Dataverse needs it on a real endpoint)"),
        (f"{{{URL}, tenent: x, {SECRETS}}}", "6:91: error: unknown key `tenent` (did you mean `tenant`?)"),
        (f"{{{URL}, endpiont: x, {SECRETS}}}", "6:91: error: unknown key `endpiont` (did you mean `endpoint`?)"),
        (f"{{{URL}, requests_per_minute: 0, {SECRETS}}}", "6:112: error: `requests_per_minute`: a connection that may send nothing (write at least 1)"),
        (f"{{{URL}, requests_per_minute: ~, {SECRETS}}}", "6:91: error: `requests_per_minute`: nothing is written here (write [] to clear, or remove the key)"),
        (f"{{{URL}, tenant: x, {SECRETS}}}", "6:91: error: the key `tenant` stands twice"),
        ("{endpoint: sandbox}", "6:30: warning: `dv` is the embedded sandbox, the org is not: what the plan shows of it is not real (write the URL of the system)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_connection(tmp_path: Path, connection: str, message: str) -> None:
    root = acme(tmp_path, org=f"{REAL}connections: {{dv: {connection}}}\n", codes=CODES, crm=crm())
    found = said(root)
    assert any(f"org.yaml:{message}" in line for line in found), found
    assert "hunter2" not in "".join(found)


def test_a_connection_that_nothing_uses_is_a_warning_where_everything_was_read(tmp_path: Path) -> None:
    org = ORG + "connections: {dv: {endpoint: sandbox}}\n"
    root = acme(tmp_path, org=org, codes=CODES)
    assert said(root) == [
        "org.yaml:4:15: warning: nothing uses the connection `dv` (remove it, or name it in a mapping)"
    ]
    assert not any("nothing uses" in line for line in said(acme(root, org=org, crm="kind: CrmMapping\n")))


def test_a_real_crm_behind_a_sandbox_org_is_a_warning_but_on_this_machine(tmp_path: Path) -> None:
    org = ORG + f"connections: {{dv: {{{URL}, {SECRETS}}}}}\n"
    assert said(acme(tmp_path, org=org, codes=CODES, crm=crm())) == [
        (
            "org.yaml:4:30: warning: `dv` is real, the org is the embedded sandbox: codes of the sandbox would get "
            "there (use `endpoint: sandbox` for both)"
        )
    ]
    org = org.replace("https://acme.crm.dynamics.com", '"http://127.0.0.1:1"')
    assert said(acme(tmp_path, org=org, codes=CODES, crm=crm())) == []


def test_a_connection_leads_to_one_kind_of_system(tmp_path: Path) -> None:
    org = ORG + "connections: {dv: {endpoint: sandbox}}\n"
    root = acme(tmp_path, org=org, codes=CODES, crm=crm(), acme__crm2=crm("servicenow", system="sn"))
    assert said(root) == [
        (
            "crm2.yaml:3:16: error: the connection `dv` leads to dataverse already "
            "(see wrapups/acme/crm.yaml:2:9; give each kind of system a connection of its own)"
        )
    ]


@pytest.mark.parametrize(
    ("org", "target", "message"),
    [
        (ORG, "{type: genesys-datatable, table: t, connection: dv}", "3:45: error: a target of type genesys-datatable has no `connection` (the platform keeps the rows itself)"),
        (ORG.replace("genesys", "cxone"), "{type: genesys-datatable, table: t}", "3:16: error: genesys-datatable lives in genesys; acme is on cxone (rows of this org need another type, and a connection)"),
        (ORG, "{type: dataverse}", "3:1: error: a target of type dataverse needs a `connection` (name one of org.yaml's connections)"),
        (ORG, "{type: dataverse, connection: dv}", "3:39: error: there is no connection `dv` (declare it under `connections` in org.yaml)"),
    ],
)  # fmt: skip
def test_where_rows_cannot_be_kept(tmp_path: Path, org: str, target: str, message: str) -> None:
    mapping = f"kind: CrmMapping\nsystem: sf\ntarget: {target}\nto_crm: {{SALE: won}}\n"
    assert f"crm.yaml:{message}" in problems(acme(tmp_path, org=org, codes=CODES, crm=mapping))


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ("", "client_id and client_secret"),
        ("client_id: {env: A}", "client_secret"),
        ("username: {env: A}", "password"),
        ("username: {env: A}, client_secret: {env: B}", "client_id"),
        ("client_id: {env: A}, client_secret: {env: B}", ""),
        ("username: {env: A}, password: {env: B}", ""),
    ],
)
def test_where_there_are_two_ways_to_log_in_one_of_them_is_whole(
    tmp_path: Path, given: str, lacking: str
) -> None:
    org = f"{REAL}connections: {{dv: {{endpoint: https://acme.service-now.com, credentials: {{{given}}}}}}}\n"
    found = problems(acme(tmp_path, org=org, codes=CODES, crm=crm("servicenow")))
    assert [line.partition("credentials lack ")[2].partition(" (")[0] for line in found] == (
        [lacking] if lacking else []
    )


@pytest.mark.parametrize(
    ("one", "two", "clash"),
    [
        ("table: t", "table: t", False),
        ('table: t, prefix: "x:"', 'table: u, prefix: "x:"', False),
        ('table: t, prefix: "x:"', 'table: t, prefix: "x:y:"', True),
        ('table: t, prefix: "two:"', "table: t", True),
    ],
)
def test_systems_in_one_place_need_keys_that_tell_them_apart(
    tmp_path: Path, one: str, two: str, clash: bool
) -> None:
    root = acme(
        tmp_path,
        codes=CODES,
        crm=crm("genesys-datatable", connection=f", {one}", system="one"),
        acme__two=crm("genesys-datatable", connection=f", {two}", system="two"),
    )
    assert any("cannot be told apart" in line for line in problems(root)) is clash


# ── reaching them ──────────────────────────────────────────────────────────────────────────────────────────


def reached(root: Path, environ: dict[str, str] | None = None) -> dict[str, CrmConnection]:
    found = load(root).crm_connections(environ or {}, root / "sandbox")
    return {one.connection.org: one for one in found}


def test_systems_on_one_connection_are_reached_together(tmp_path: Path) -> None:
    org = (
        ORG
        + "connections:\n  dv: {endpoint: sandbox, tenant: t, requests_per_minute: 60}\n  b: {endpoint: sandbox}\n"
    )
    root = acme(
        tmp_path,
        org=org,
        codes=CODES,
        crm=crm(),
        acme__two=crm(system="two", connection=", connection: dv, name: description"),
        acme__three=crm(system="three", connection=", connection: b"),
        acme__table=crm("genesys-datatable", connection=", table: Codes", system="table"),
    )
    found = reached(root)
    assert list(found) == ["acme", "acme.b", "acme.dv"]
    assert found["acme"].target == "genesys-datatable"
    assert found["acme"].connection.endpoint == "sandbox"
    assert found["acme"].places == (Place("table", "acme", {"table": "Codes"}),)
    dv = found["acme.dv"]
    assert dv.target == "dataverse"
    assert dv.places == (Place("sf", "acme", {}), Place("two", "acme", {"name": "description"}))
    assert dv.places[0].marker == "wrapctl:acme/sf"
    assert (dv.connection.endpoint, dv.connection.requests_per_minute) == ("sandbox", 60)
    assert dict(dv.connection.options) == {"tenant": "t"}
    assert found["acme.b"].connection.requests_per_minute == 300


def test_the_sandbox_is_opened_by_credentials_of_its_own(tmp_path: Path) -> None:
    root = acme(tmp_path, org=ORG + "connections: {dv: {endpoint: sandbox}}\n", codes=CODES, crm=crm())
    fetch = reached(root)["acme.dv"].connection.credentials
    assert {name: get() for name, get in fetch.items()} == {
        "client_id": "sandbox-acme.dv",
        "client_secret": SANDBOX_SECRET,
    }


def test_secrets_are_fetched_when_they_are_needed_and_missed_by_name(tmp_path: Path) -> None:
    org = f"{REAL}connections: {{dv: {{{URL}, {SECRETS}}}}}\n"
    root = acme(tmp_path, org=org, codes=CODES, crm=crm())
    fetch = reached(root, {"A": "one"})["acme.dv"].connection.credentials
    assert fetch["client_id"]() == "one"
    with pytest.raises(ConfigError) as caught:
        fetch["client_secret"]()
    (problem,) = caught.value.problems
    assert problem.message == "acme: the secret `dv.client_secret` needs the variable B, which is not set"


def test_a_connection_that_policy_does_not_know_yet_is_not_opened(tmp_path: Path) -> None:
    root = acme(tmp_path, org=ORG + "connections: {dv: {endpoint: sandbox}}\n", codes=CODES, crm=crm())
    proposed = replace(load(root), connections={})
    assert proposed.crm_connections({}, root / "sandbox") == ()


def test_files_may_name_every_kind_that_there_is(tmp_path: Path) -> None:
    assert problems(acme(tmp_path, codes=CODES, crm=crm("dataverze")))[0].startswith(
        "crm.yaml:3:16: error: `type`"
    )
    for kind in registry.crm_names():
        words = crm_vendor(kind)
        assert words.name == kind
        assert not any("`type`" in line for line in problems(acme(tmp_path, codes=CODES, crm=crm(kind))))
