"""Genesys Cloud Platform API v2, as far as the contract describes it: the table of its operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wrapctl.sandbox.genesys import (
    analytics,
    audits,
    codes,
    datatable_rows,
    datatables,
    dependencies,
    links,
    organization,
    outbound,
    queues,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wrapctl.sandbox.genesys.call import Answer


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is, which permissions it asks for (``ALL`` or ``ANY`` of them), who answers."""

    method: str
    path: str
    mode: str
    permissions: tuple[str, ...]
    handler: Callable[..., Answer]


def _route(method: str, path: str, permission: str, handler: Callable[..., Answer]) -> Route:
    mode, *names = permission.split() or [""]
    return Route(method, f"/api/v2/{path}", mode, tuple(names), handler)


def _row_route(method: str, path: str, word: str, handler: Callable[..., Answer]) -> Route:
    """A row's operation: who may do it to tables may do it to their rows."""
    return _route(
        method,
        f"flows/datatables/{{datatableId}}/{path}",
        f"ANY architect:datatable:{word} architect:datatableRow:{word}",
        handler,
    )


ROUTES = (
    _route("GET", "organizations/me", "", organization.get_me),
    _route("GET", "authorization/divisions", "", organization.list_divisions),
    _route("GET", "authorization/divisions/home", "", organization.get_home),
    _route(
        "POST", "authorization/divisions/{divisionId}/objects/{objectType}", "", organization.post_objects
    ),
    _route("GET", "routing/wrapupcodes", "ALL routing:wrapupCode:view", codes.list_codes),
    _route("POST", "routing/wrapupcodes", "ALL routing:wrapupCode:add", codes.post_code),
    _route("GET", "routing/wrapupcodes/{codeId}", "ALL routing:wrapupCode:view", codes.get_code),
    _route("PUT", "routing/wrapupcodes/{codeId}", "ALL routing:wrapupCode:edit", codes.put_code),
    _route("DELETE", "routing/wrapupcodes/{codeId}", "ALL routing:wrapupCode:delete", codes.delete_code),
    _route("GET", "routing/wrapupcodes/divisionviews", "ALL routing:wrapupCode:search", codes.list_views),
    _route(
        "GET", "routing/wrapupcodes/divisionviews/{codeId}", "ALL routing:wrapupCode:search", codes.get_view
    ),
    _route("GET", "routing/queues", "ANY routing:queue:view", queues.list_queues),
    _route("POST", "routing/queues", "ANY routing:queue:add", queues.post_queue),
    _route("GET", "routing/queues/{queueId}", "ALL routing:queue:view", queues.get_queue),
    _route("PUT", "routing/queues/{queueId}", "ANY routing:queue:edit", queues.put_queue),
    _route("DELETE", "routing/queues/{queueId}", "ALL routing:queue:delete", queues.delete_queue),
    _route("GET", "routing/queues/{queueId}/wrapupcodes", "ALL routing:queue:view", links.list_links),
    _route("POST", "routing/queues/{queueId}/wrapupcodes", "ALL routing:queue:edit", links.post_links),
    _route(
        "DELETE", "routing/queues/{queueId}/wrapupcodes/{codeId}", "ALL routing:queue:edit", links.delete_link
    ),
    _route("GET", "outbound/wrapupcodemappings", "ANY outbound:wrapUpCodeMapping:view", outbound.get_mapping),
    _route("PUT", "outbound/wrapupcodemappings", "ANY outbound:wrapUpCodeMapping:edit", outbound.put_mapping),
    _route("GET", "flows/datatables", "ANY architect:datatable:view", datatables.list_tables),
    _route("POST", "flows/datatables", "ANY architect:datatable:add", datatables.post_table),
    _route("GET", "flows/datatables/{datatableId}", "ANY architect:datatable:view", datatables.get_table),
    _route("PUT", "flows/datatables/{datatableId}", "ANY architect:datatable:edit", datatables.put_table),
    _route(
        "DELETE", "flows/datatables/{datatableId}", "ANY architect:datatable:delete", datatables.delete_table
    ),
    _row_route("GET", "rows", "view", datatable_rows.list_rows),
    _row_route("POST", "rows", "add", datatable_rows.post_row),
    _row_route("GET", "rows/{rowId}", "view", datatable_rows.get_row),
    _row_route("PUT", "rows/{rowId}", "edit", datatable_rows.put_row),
    _row_route("DELETE", "rows/{rowId}", "delete", datatable_rows.delete_row),
    _route("POST", "audits/query", "ALL audits:audit:view", audits.post_query),
    _route("GET", "audits/query/servicemapping", "ALL audits:audit:view", audits.get_services),
    _route("POST", "audits/query/realtime", "ALL audits:audit:view", audits.post_realtime),
    _route("GET", "audits/query/realtime/servicemapping", "ALL audits:audit:view", audits.get_services),
    _route("GET", "audits/query/{transactionId}", "ALL audits:audit:view", audits.get_query),
    _route("GET", "audits/query/{transactionId}/results", "ALL audits:audit:view", audits.get_results),
    _route(
        "POST",
        "analytics/conversations/aggregates/query",
        "ANY analytics:conversationAggregate:view",
        analytics.post_aggregates,
    ),
    _route(
        "GET",
        "architect/dependencytracking/build",
        "ALL architect:dependencyTracking:view",
        dependencies.get_build,
    ),
    _route(
        "GET",
        "architect/dependencytracking/consumingresources",
        "ALL architect:dependencyTracking:view",
        dependencies.list_consumers,
    ),
)
