"""What ServiceNow can keep and do. Plain data, importable without an HTTP library."""

from __future__ import annotations

from types import MappingProxyType

from wrapctl.empty import Empty
from wrapctl.model import Lock, Verb
from wrapctl.rows import TO_CRM
from wrapctl.targets.interface import Capabilities, Fold
from wrapctl.targets.servicenow.options import DESCRIPTION_MAX, VALUE_MAX

BULK = 100
"""Wrap-up codes in one upsert. No limit is documented: what was sent must stay readable when half of it is refused."""

# The upsert, and one read of what it did: no write has a condition (contract), so that it is looked at afterwards.
_UPSERT = Fold("upsert rows", scope="org", size=BULK, requests=2)

CAPABILITIES = Capabilities(
    name="servicenow",
    title="ServiceNow",
    code_fields=Empty(),
    queue_fields=Empty(),
    verbs=MappingProxyType(
        {
            Verb.CREATE_ROW: _UPSERT,
            Verb.UPDATE_ROW: _UPSERT,
            # The same request, but its own write: what is retired waits for what it is replaced by.
            Verb.DEACTIVATE_ROW: Fold("retire rows", scope="org", size=BULK, requests=2),
            Verb.DELETE_ROW: Fold("delete row"),
        }
    ),
    locks=MappingProxyType(
        {
            # The upsert is keyed by the label, and would silently take over a row of that label.
            Verb.CREATE_ROW: Lock.COMPARE,
            Verb.UPDATE_ROW: Lock.COMPARE,
            Verb.DEACTIVATE_ROW: Lock.COMPARE,
            Verb.DELETE_ROW: Lock.COMPARE,
        }
    ),
    page=1000,
    row_fields=MappingProxyType(
        {
            "value": "wrap-up code `code`",
            "description": "wrap-up code `description`, wrapctl's mark behind it",
            "translations": "wrap-up code `translations` (sent; no API gives them back)",
            "active": "wrap-up code `active`",
        }
    ),
    value_list=True,
    directions=frozenset({TO_CRM}),
    text_max=MappingProxyType({"value": VALUE_MAX, "description": DESCRIPTION_MAX}),
    # Only the listing tells whose rows there are, and a query cannot carry every label.
    rows_per_request=0,
)
