"""The vendor's own Python SDK against the served sandbox: what nobody here wrote finds nothing wrong."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from contract_check import checked
from wrapctl.sandbox import Sandbox
from wrapctl.sandbox.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

sdk = pytest.importorskip("PureCloudPlatformClientV2")
pytestmark = pytest.mark.contracts


@contextmanager
def client(box: Sandbox, name: str) -> Iterator[Any]:
    app = checked(box.wsgi)
    with serving(app) as port:
        # Both of the SDK's hosts are the sandbox: login is "api." replaced by "login." in the host, and there is none.
        api = sdk.api_client.ApiClient(host=f"http://127.0.0.1:{port}")
        yield api.get_client_credentials_token(name, "sandbox")
    assert app.violations == []


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as box:
        box.ensure("acme-emea")
        yield box


def test_codes_are_listed_created_updated_and_deleted(box: Sandbox) -> None:
    with client(box, "sandbox-acme-emea") as api:
        routing = sdk.RoutingApi(api)
        names = []
        for number in range(1, 100):
            page = routing.get_routing_wrapupcodes(page_size=10, page_number=number)
            names += [code.name for code in page.entities]
            if number >= page.page_count:
                break
        assert sorted(names) == sorted(code["name"] for code in box.state("acme-emea")["codes"].values())
        made = routing.post_routing_wrapupcodes({"name": "Neu 😀 ", "description": "aus dem SDK"})
        assert (made.name, made.division.id) == ("Neu 😀 ", "*")
        assert made.date_created == made.date_modified
        changed = routing.put_routing_wrapupcode(
            made.id, {"name": "Neuer", "division": {"id": made.division.id}}
        )
        assert (changed.id, changed.name, changed.description) == (made.id, "Neuer", None)
        routing.delete_routing_wrapupcode(made.id)
        with pytest.raises(sdk.rest.ApiException) as gone:
            routing.get_routing_wrapupcode(made.id)
        assert gone.value.status == 404
        with pytest.raises(sdk.rest.ApiException, match=r"duplicate\.name"):
            routing.post_routing_wrapupcodes({"name": "No"})


def test_queues_are_paged_and_their_links_added_and_removed(box: Sandbox) -> None:
    with client(box, "sandbox-acme-emea") as api:
        routing = sdk.RoutingApi(api)
        first = routing.get_routing_queues(page_size=10)
        second = routing.get_routing_queues(page_size=10, page_number=2)
        assert (first.page_count, len(first.entities) + len(second.entities)) == (2, 16)
        queue = routing.get_routing_queues(name="Enterprise Sales").entities[0]
        assert queue.media_settings.callback.mode == "CustomerFirst"
        assert queue.conditional_group_routing.rules[0].queue.id == queue.id
        code = routing.get_routing_wrapupcodes(name="Wrong Number").entities[0]
        before = routing.get_routing_queue_wrapupcodes(queue.id, page_size=100)
        assert code.id in {item.id for item in before.entities}
        routing.delete_routing_queue_wrapupcode(queue.id, code.id)
        assert routing.get_routing_queue_wrapupcodes(queue.id).total == before.total - 1
        assert [item.id for item in routing.post_routing_queue_wrapupcodes(queue.id, [{"id": code.id}])] == [
            code.id
        ]
        assert routing.get_routing_queue_wrapupcodes(queue.id).total == before.total


def test_data_tables_and_their_rows_are_made_changed_and_removed(box: Sandbox) -> None:
    properties = {
        name: {"$id": f"/properties/{name}", "title": name, "type": kind}
        for name, kind in {"key": "string", "value": "string", "on": "boolean"}.items()
    }
    # The SDK's model of a schema calls it `schema`; a plain object goes out as it is.
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["key"],
        "properties": properties,
        "additionalProperties": False,
    }
    with client(box, "sandbox-acme-emea") as api:
        architect = sdk.ArchitectApi(api)
        made = architect.post_flows_datatables({"name": "Stunden", "schema": schema})
        assert architect.get_flows_datatable(made.id).schema is None
        assert set(architect.get_flows_datatable(made.id, expand="schema").schema.properties) == set(
            properties
        )
        assert architect.get_flows_datatables(name="stun*").entities[0].id == made.id
        key = "salesforce:to:SALE ä?"  # no slash: the SDK sends it bare, which is another path
        architect.post_flows_datatable_rows(made.id, {"key": key, "value": "x"})
        assert architect.get_flows_datatable_row(made.id, key, showbrief=False)["on"] is False
        architect.put_flows_datatable_row(made.id, key, body={"key": key, "value": "y", "on": True})
        (row,) = architect.get_flows_datatable_rows(made.id, showbrief=False).entities
        assert row == {"key": key, "value": "y", "on": True}
        architect.delete_flows_datatable_row(made.id, key)
        with pytest.raises(sdk.rest.ApiException, match=r"flows\.datatables\.row\.not\.found"):
            architect.get_flows_datatable_row(made.id, key)
        architect.delete_flows_datatable(made.id, force=True)


def test_mapping_organization_and_divisions_are_read(box: Sandbox) -> None:
    with client(box, "sandbox-acme-emea-readonly") as api:
        mapping = sdk.OutboundApi(api).get_outbound_wrapupcodemappings()
        assert (mapping.version, mapping.default_set, len(mapping.mapping)) == (
            17,
            ["RIGHT_PARTY_CONTACT"],
            45,
        )
        assert sdk.OrganizationApi(api).get_organizations_me().id == box.org("acme-emea").id
        divisions = sdk.AuthorizationApi(api).get_authorization_divisions(object_count=True)
        assert {item.name for item in divisions.entities} == {"Home", "Sales", "Service", "Collections"}
        with pytest.raises(sdk.rest.ApiException) as refused:
            sdk.RoutingApi(api).post_routing_wrapupcodes({"name": "x"})
        assert refused.value.status == 403
