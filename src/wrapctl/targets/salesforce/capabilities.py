"""What Salesforce can keep and do. Plain data, importable without an HTTP library."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.empty import Empty
from wrapctl.model import Lock, Verb
from wrapctl.rows import FROM_CRM, TO_CRM
from wrapctl.targets.interface import Capabilities, Fold
from wrapctl.targets.salesforce.options import LONG_MAX, TEXT_MAX, SalesforceTarget, columns

UPSERT_MOST = 200
"""Rows of one collections upsert (contract, ``upsertRows``)."""

KEYS_PER_QUERY = 50
"""Keys in one query: it travels in the URL, which holds 16 kB."""

_COLUMNS = columns(SalesforceTarget(object="Wrap_Up_Mapping__c"))

CAPABILITIES = Capabilities(
    name="salesforce",
    title="Salesforce",
    code_fields=Empty(),
    queue_fields=Empty(),
    verbs=MappingProxyType(
        {
            Verb.CREATE_ROW: Fold("create rows", scope="org", size=UPSERT_MOST),
            # The only write that takes a condition is that of one row.
            Verb.UPDATE_ROW: Fold("update row"),
            Verb.DEACTIVATE_ROW: Fold("deactivate row"),
            Verb.DELETE_ROW: Fold("delete row"),
        }
    ),
    locks=MappingProxyType(
        {
            # By the external id.
            Verb.CREATE_ROW: Lock.UNIQUE,
            # `If-Unmodified-Since`, exact to the second.
            Verb.UPDATE_ROW: Lock.CONDITIONAL,
            Verb.DEACTIVATE_ROW: Lock.CONDITIONAL,
            # Conditional headers are not supported on DELETE.
            Verb.DELETE_ROW: Lock.COMPARE,
        }
    ),
    page=2000,
    row_fields=MappingProxyType(
        {
            "key": "`target.key`, an external id, with the prefix",
            **{name: f"`{column}`" for name, column in _COLUMNS.items()},
            "system": "in the key's prefix, and in a field of your choice",
            "when": f"`{_COLUMNS['when']}` as JSON",
            "translations": f"`{_COLUMNS['translations']}` as JSON",
            "tags": f"`{_COLUMNS['tags']}`, joined by `;`",
            "duration_ms": f"`{_COLUMNS['duration_ms']}` in seconds",
        }
    ),
    directions=frozenset({TO_CRM, FROM_CRM}),
    text_max=MappingProxyType(
        {"value": TEXT_MAX, "status": TEXT_MAX, "category": TEXT_MAX, "description": LONG_MAX}
    ),
    rows_per_request=KEYS_PER_QUERY,
)
