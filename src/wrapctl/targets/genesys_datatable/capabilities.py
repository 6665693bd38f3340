"""What a data table of Genesys Cloud can keep and do. Plain data, importable without an HTTP library."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.empty import Empty
from wrapctl.model import Lock, Verb
from wrapctl.rows import FROM_CRM, TO_CRM
from wrapctl.targets.genesys_datatable.options import KEY_MAX, ROWS_MAX
from wrapctl.targets.interface import Capabilities, Fold

CAPABILITIES = Capabilities(
    name="genesys-datatable",
    title="Genesys Cloud data table",
    code_fields=Empty(),
    queue_fields=Empty(),
    verbs=MappingProxyType(
        {
            Verb.CREATE_TABLE: Fold("create table"),
            # The schema is read right before it is written back whole: there is no PATCH and no lock.
            Verb.EXTEND_TABLE: Fold("extend table", requests=2),
            Verb.CREATE_ROW: Fold("create row"),
            Verb.UPDATE_ROW: Fold("update row"),
            Verb.DEACTIVATE_ROW: Fold("deactivate row"),
            Verb.DELETE_ROW: Fold("delete row"),
        }
    ),
    locks=MappingProxyType(
        {
            Verb.CREATE_TABLE: Lock.UNIQUE,
            Verb.EXTEND_TABLE: Lock.COMPARE,
            Verb.CREATE_ROW: Lock.UNIQUE,
            # Neither version nor ETag: the last write wins (contract section 9).
            Verb.UPDATE_ROW: Lock.COMPARE,
            Verb.DEACTIVATE_ROW: Lock.COMPARE,
            Verb.DELETE_ROW: Lock.COMPARE,
        }
    ),
    page=500,
    row_fields=MappingProxyType(
        {
            "key": "`key`, behind the prefix",
            "direction": "`direction`",
            "system": "`key` and `managed_by`",
            "code": "`code`",
            "code_id": "`code_id`",
            "value": "`value`",
            "status": "`status`",
            "when": "`conditions`, as JSON",
            "description": "`description`",
            "translations": "`translations`, as JSON",
            "category": "`category`",
            "tags": "`tags`, joined by `;`",
            "duration_ms": "`duration_seconds`",
            "order": "`order`",
            "active": "`active`",
        }
    ),
    directions=frozenset({TO_CRM, FROM_CRM}),
    text_max=MappingProxyType({"key": KEY_MAX}),
    rows_max=ROWS_MAX,
    rows_per_request=1,
    inside="genesys",
)
