"""What files may say to Salesforce and to HTTP endpoints, through the front door: with file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_files import acme, load, problems
from wrapctl.rows import Place
from wrapctl.targets.http_rows import convert as http
from wrapctl.targets.http_rows.options import HttpTarget
from wrapctl.targets.salesforce import convert as salesforce
from wrapctl.targets.salesforce.options import SalesforceTarget
from wrapctl.targets.shared_rows.options import parsed


def project(root: Path, target: str, *, connection: str = "{endpoint: sandbox}", value: str = "Won") -> Path:
    return acme(
        root,
        org=f"kind: Org\nplatform: genesys\nendpoint: sandbox\nconnections:\n  c: {connection}\n",
        codes="kind: WrapUpCodes\ncodes: {SALE: {name: Sale}}\n",
        crm=f"kind: CrmMapping\nsystem: crm\ntarget: {{{target}, connection: c}}\nto_crm: {{SALE: {value}}}\n",
    )


def place(root: Path) -> Place:
    """The place as the files make it."""
    (mapping,) = load(root).desired.crm
    return Place(mapping.system, "acme", mapping.options)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("type: salesforce", "`object` is missing"),
        ("type: salesforce, object: Map", ""),
        ("type: salesforce, object: Map__c, key: Key__c, prefix: wrap/", ""),
        ("type: salesforce, object: Map__c, fields: {tags: none, code: Wrap__c}", ""),
        ('type: salesforce, object: "Map__c LIMIT 1"', "is no API name (such as Wrap_Up_Mapping__c)"),
        ("type: salesforce, object: Map__c, fields: {tag: T__c}", "unknown key `tag` (did you mean `tags`?)"),
        ("type: salesforce, object: Map__c, fields: {code: Value__c}", "Value__c twice"),
        ("type: salesforce, object: Map__c, prefix: all", "not a prefix of keys"),
        ("type: http", ""),
        ("type: http, etag: true, method: PATCH, query: {limit: 500}", ""),
        ('type: http, body: {note: "{vaule}"}', "did you mean `value`"),
        ('type: http, body: {note: "{code} {value}"}', "stands only in a text with other placeholders"),
        ('type: http, body: {note: "{code} {value}"}, send_only: true', ""),
        ("type: http, path: rows", "is no path"),
        ("type: http, etag: perhaps", "neither true nor false"),
        ("type: http, method: GET", "method"),
    ],
)  # fmt: skip
def test_options_are_checked_where_they_are_written(tmp_path: Path, target: str, message: str) -> None:
    found = problems(project(tmp_path, target))
    assert bool(found) == bool(message), found
    assert all(message in one and one.startswith("crm.yaml:3:") for one in found), found


@pytest.mark.parametrize(
    ("target", "connection", "message"),
    [
        ("type: salesforce, object: Map__c", '{endpoint: sandbox, api_version: "v62.0"}', ""),
        ("type: salesforce, object: Map__c", "{endpoint: sandbox, api_version: latest}", "is no version of the API"),
        ("type: salesforce, object: Map__c", "{endpoint: sandbox, token_url: x}", "unknown key `token_url`"),
        ("type: http", "{endpoint: https://desk.example, credentials: {token: {env: T}}}", ""),
        ("type: http", "{endpoint: https://desk.example, credentials: {client_id: {env: T}}}", "client_secret"),
        ("type: http", "{endpoint: sandbox, token_url: login}", "not the address of a token endpoint"),
        ("type: salesforce, object: Map__c", "{endpoint: https://login.salesforce.com}", "no host of Salesforce"),
    ],
)  # fmt: skip
def test_options_of_a_connection_are_checked_where_they_are_written(
    tmp_path: Path, target: str, connection: str, message: str
) -> None:
    found = problems(project(tmp_path, target, connection=connection))
    assert bool(found) == bool(message), found
    assert any(message in one for one in found) or not found


def test_a_text_that_salesforce_would_change_is_an_error_at_the_text(tmp_path: Path) -> None:
    (found,) = problems(project(tmp_path, "type: salesforce, object: Map__c", value='" Won"'))
    assert found.startswith("crm.yaml:4:")
    assert "off both ends" in found


def test_what_a_file_says_is_what_the_target_does(tmp_path: Path) -> None:
    fields = "fields: {tags: none, code: Wrap__c}"
    root = project(tmp_path, f"type: salesforce, object: Map__c, prefix: w/, {fields}")
    where = salesforce.layout(place(root), parsed(SalesforceTarget, place(root), "salesforce"))
    assert (where.table, where.prefix, where.columns["code"]) == ("Map__c", "w/", "Wrap__c")
    assert "tags" not in where.columns


def test_a_nested_template_in_a_file_is_the_body_that_is_sent(tmp_path: Path) -> None:
    body = 'body: {wrap: {code: "{code}", "true": "{active}"}, "1": "{value}", at: "{timestamp}"}'
    root = project(tmp_path, f"type: http, {body}, query: {{limit: 10}}")
    where = http.layout(place(root), parsed(HttpTarget, place(root), "http"))
    assert where.options.query == {"limit": "10"}
    assert http.body_of(where, {"key": "to/SALE", "code": "SALE", "value": "Won", "active": True}, "now") == {
        "wrap": {"code": "SALE", "true": True},
        "1": "Won",
        "at": "now",
    }
